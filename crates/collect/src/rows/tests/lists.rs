// SPDX-License-Identifier: Apache-2.0
//! Lists, repeated fields and label stacks.

use std::sync::Arc;

use penstock_codec::{Malformed, Template, VARIABLE};

use super::{Dialect, Lookup, One, Plan, Rows, first, iana, message, octets, show};

#[test]
fn label_stacks_end_at_their_bottom() {
    let fields = [(70, 3), (71, 3), (72, 3), (200, 1)];
    let names = "mpls_labels mpls_exps mpls_ttls";
    assert_eq!(
        first(&fields, "000640 0007d3 000999 40", names),
        "mpls_labels=[100,125] mpls_exps=[0,1] mpls_ttls=[64]"
    );
    assert_eq!(
        first(&fields, "000640 000000 000000 40", names),
        "mpls_labels=[100] mpls_exps=[0] mpls_ttls=[64]"
    );
    assert_eq!(
        first(&[(70, 3), (71, 3)], "000000 000000", names),
        "mpls_labels=- mpls_exps=- mpls_ttls=-"
    );
}

#[test]
fn basic_lists_fill_the_column_of_their_element() {
    // cesnet:packetLength (8057/1013), cesnet:packetDirection (8057/1016)
    let list = |id: u16, length: u16, values: &str| {
        let values = octets(values);
        let mut field = vec![255, 0, (9 + values.len()) as u8, 4];
        field.extend((id | 0x8000).to_be_bytes());
        field.extend(length.to_be_bytes());
        field.extend(8057_u32.to_be_bytes());
        field.extend(values);
        field
    };
    let template = iana(&[(1, 1), (291, VARIABLE), (291, VARIABLE)]);
    let record = |one: Vec<u8>, other: Vec<u8>| [vec![7], one, other].concat();
    let lengths = list(1013, 2, "0001 0102");
    let directions = list(1016, 1, "01 ff");
    let unknown = list(9, 1, "05");
    let broken = list(1013, 2, "000102");
    let set = [
        record(lengths.clone(), directions.clone()),
        record(directions, lengths.clone()),
        record(lengths, unknown.clone()),
        record(broken.clone(), unknown),
    ]
    .concat();
    let mut rows = Rows::default();
    let plan = Plan::compile(&template, Dialect::Ipfix);
    let decoded = rows.decode(&plan, &set, &message(), &|_| None);
    assert_eq!((decoded.records, decoded.malformed), (4, Some(Malformed::List)));
    let batches = rows.drain(&One);
    let names = "octets pstats_lengths pstats_directions extra";
    let both = "octets=7 pstats_lengths=[1,258] pstats_directions=[1,-1]";
    assert_eq!(show(&batches[0], 0, names), both);
    assert_eq!(show(&batches[0], 1, names), both);
    let unknown = "0/291/0480090001".to_owned() + "00001f7905";
    assert_eq!(
        show(&batches[1], 0, names),
        format!("octets=7 pstats_lengths=[1,258] pstats_directions=[] extra=[{unknown}]")
    );
    assert_eq!(
        show(&batches[2], 0, names),
        format!("octets=7 extra=[0/291/0483f5000200001f79000102,{unknown}]")
    );
}

#[test]
fn repeated_elements_and_lists_with_a_column_are_lists() {
    assert_eq!(
        first(&[(483, 4), (483, 4)], "00000001 00000002", "dst_communities src_communities"),
        "dst_communities=[1,2] src_communities=[]"
    );
    assert_eq!(
        first(&[(484, VARIABLE)], "0d 04 01e3 0004 00000001 00000002", "src_communities"),
        "src_communities=[1,2]"
    );
}

#[test]
fn what_lists_of_records_hold_follows_them() {
    let inner = Arc::new(Template { id: 300, ..iana(&[(1, 1), (292, VARIABLE)]) });
    let find = move |id| (id == 300).then(|| Arc::clone(&inner));
    let lookup: &Lookup = &find;
    let plan = Plan::compile(&iana(&[(2, 1), (292, VARIABLE)]), Dialect::Ipfix);
    let shown = |hex: &str| {
        let mut rows = Rows::default();
        let decoded = rows.decode(&plan, &octets(hex), &message(), lookup);
        assert_eq!(decoded.records, 1);
        (decoded.malformed, show(&rows.drain(&One)[0], 0, "packets extra"))
    };
    let (malformed, text) = shown("07 08 04 012c 05 03 04 012c");
    assert_eq!(malformed, None);
    assert_eq!(text, "packets=7 extra=[0/292/04012c050304012c,0/1/05,0/292/04012c]");
    let (malformed, text) = shown("07 04 04 012d 05");
    assert_eq!((malformed, text.as_str()), (None, "packets=7 extra=[0/292/04012d05]"));
    let mut nested = "04012c".to_owned();
    for _ in 0..5 {
        nested = format!("04012c 05 {:02x} {nested}", octets(&nested).len());
    }
    let (malformed, _) = shown(&format!("07 {:02x} {nested}", octets(&nested).len()));
    assert_eq!(malformed, Some(Malformed::ListDepth));
}
