// SPDX-License-Identifier: Apache-2.0
//! IPFIX octet for octet, both ways, and what is refused.

use super::*;
use crate::samples::{self, field, hex};
use crate::{VARIABLE, records};

fn defined(set: &[u8], id: u16) -> Vec<Result<Definition, Malformed>> {
    templates(&Set { id, octets: set }).collect()
}

fn template(id: u16, scopes: u16, fields: &[Field]) -> Template {
    Template { id, scopes, fields: fields.into() }
}

fn biflow() -> Template {
    let fields = [
        field(0, 8, 4),
        field(0, 12, 4),
        field(0, 4, 1),
        field(0, 2, 2),
        field(29305, 2, 2),
        field(0, 82, VARIABLE),
    ];
    template(256, 0, &fields)
}

#[test]
fn a_biflow_is_read_as_it_was_written() {
    let octets = samples::ipfix_biflow();
    let message = Message::read(&octets).unwrap();
    let header =
        Header { length: 76, export_time_s: 1_700_000_000, sequence: 0, observation_domain: 1 };
    assert_eq!((message.header, message.missing()), (header, 0));
    let sets: Vec<_> = message.sets().map(Result::unwrap).collect();
    assert_eq!(sets.iter().map(|set| set.id).collect::<Vec<_>>(), [TEMPLATE_SET, 256]);
    assert_eq!(defined(sets[0].octets, 2), [Ok(Definition::Define(biflow()))]);

    let template = biflow();
    let record = records(&template, sets[1].octets).next().unwrap().unwrap();
    let values: Vec<_> = record.values().map(|(_, value)| value).collect();
    let expected: [&[u8]; 6] = [
        &[192, 0, 2, 1],
        &[198, 51, 100, 7],
        &[6],
        &300_u16.to_be_bytes(),
        &299_u16.to_be_bytes(),
        b"eth0",
    ];
    assert_eq!((values.as_slice(), record.octets().len()), (&expected[..], 18));
    assert_eq!(records(&template, sets[1].octets).count(), 1);
}

#[test]
fn a_biflow_is_written_as_it_was_read() {
    let mut out = vec![0xaa];
    let mut message = MessageWriter::begin(&mut out, 1_700_000_000, 0, 1);
    assert!(message.is_empty());
    message.begin_set(TEMPLATE_SET);
    write_template(message.octets(), &biflow()).unwrap();
    message.end_set_padded(4);
    assert_eq!((message.len(), message.room(60), message.room(10)), (52, 8, 0));
    message.begin_set(256);
    message.octets().extend(hex("c0000201 c6336407 06 012c 012b"));
    write_variable_length(message.octets(), 4);
    message.octets().extend(b"eth0");
    message.end_set_padded(biflow().least_octets());
    assert_eq!(message.finish(), Ok(76));
    assert_eq!(out[1..], samples::ipfix_biflow());
    assert_eq!(template_octets(&biflow()), 32);
}

#[test]
fn type_information_is_read_and_written() {
    let octets = samples::ipfix_type_information();
    let message = Message::read(&octets).unwrap();
    let sets: Vec<_> = message.sets().map(Result::unwrap).collect();
    let fields = [
        field(0, 346, 4),
        field(0, 303, 2),
        field(0, 339, 1),
        field(0, 344, 1),
        field(0, 345, 2),
        field(0, 342, 8),
        field(0, 343, 8),
        field(0, 341, VARIABLE),
        field(0, 340, VARIABLE),
    ];
    let expected = template(257, 2, &fields);
    assert!(expected.is_options());
    assert_eq!(defined(sets[0].octets, 3), [Ok(Definition::Define(expected.clone()))]);
    let record = records(&expected, sets[1].octets).next().unwrap().unwrap();
    assert_eq!(record.octets().len(), 53);
    let (_, description) = record.values().last().unwrap();
    assert_eq!(description, b"octets from client");

    let mut out = vec![];
    write_template(&mut out, &expected).unwrap();
    assert_eq!(out, sets[0].octets);
    assert_eq!(template_octets(&expected), out.len());
}

#[test]
fn withdrawals_are_of_one_template_or_all() {
    assert_eq!(defined(&hex("0100 0000"), 2), [Ok(Definition::Withdraw(256))]);
    assert_eq!(defined(&hex("0100 0000 0101 0000"), 3).len(), 2);
    assert_eq!(defined(&hex("0002 0000"), 2), [Ok(Definition::WithdrawAll)]);
    assert_eq!(defined(&hex("0003 0000"), 3), [Ok(Definition::WithdrawAll)]);
    assert_eq!(defined(&hex("0003 0000"), 2), [Err(Malformed::TemplateId)]);

    let mut out = vec![];
    let mut message = MessageWriter::begin(&mut out, 0, 0, 0);
    message.begin_set(TEMPLATE_SET);
    write_withdrawal(message.octets(), 256);
    message.begin_set(TEMPLATE_SET);
    write_withdrawal(message.octets(), TEMPLATE_SET);
    message.finish().unwrap();
    assert_eq!(out[HEADER_OCTETS..], hex("00020008 01000000 00020008 00020000"));
}

#[test]
fn what_cannot_be_is_refused_and_the_next_template_is_read() {
    let good = "0101 0001 00040001";
    let defined_good = || Ok(Definition::Define(template(257, 0, &[field(0, 4, 1)])));
    for (bad, why) in [
        ("00ff 0001 00040001", Malformed::TemplateId),
        ("0100 0001 00040000", Malformed::RecordLength),
        ("0100 0002 0004fffe 00040001", Malformed::RecordLength),
        ("0004 0000", Malformed::TemplateId),
    ] {
        let read = defined(&hex(&format!("{bad} {good}")), 2);
        assert_eq!(read, [Err(why), defined_good()], "{bad}");
    }
    let no_scope = hex("0100 0001 0000 00040001 0101 0001 0001 00040001");
    assert_eq!(defined(&no_scope, 3)[0], Err(Malformed::Scope));
    assert!(defined(&no_scope, 3)[1].is_ok());
    let scope_too_long = hex("0100 0001 0002 00040001");
    assert_eq!(defined(&scope_too_long, 3), [Err(Malformed::Scope)]);
}

#[test]
fn a_template_that_does_not_end_is_the_last() {
    for cut in [
        "0100 0002 00040001",
        "0100 ffff 00040001 00040001",
        "0100 0001 8004 0001",
        "0100 0002 8004 0001 00000009",
    ] {
        assert_eq!(defined(&hex(cut), 2), [Err(Malformed::TemplateCut)], "{cut}");
    }
    for cut in ["0100 0001", "0100 0002 0001 00040001", "0100 0001 0001"] {
        assert_eq!(defined(&hex(cut), 3), [Err(Malformed::TemplateCut)], "{cut}");
    }
    assert_eq!(defined(&hex("000000"), 2), []);
    assert_eq!(defined(&hex("0000000000"), 2), []);
    assert_eq!(defined(&hex("0100 0001 00040001"), 4), []);
}

#[test]
fn enterprises_name_scopes_and_variable_lengths_too() {
    let fields = [field(9, 0x7fff, VARIABLE), field(29305, 1, 3), field(0, 1, 0)];
    let options = template(65_535, 1, &fields);
    let mut out = vec![];
    write_template(&mut out, &options).unwrap();
    assert_eq!(defined(&out, 3), [Ok(Definition::Define(options))]);
}

#[test]
fn a_cut_message_keeps_the_sets_that_came() {
    let whole = samples::ipfix_biflow();
    for (octets, why) in [(52, Malformed::MessageLength), (53, Malformed::MessageLength)]
        .into_iter()
        .chain((56..76).map(|octets| (octets, Malformed::SetBeyondMessage)))
    {
        let message = Message::read(&whole[..octets]).unwrap();
        assert_eq!(message.missing(), 76 - octets);
        let sets: Vec<_> = message.sets().map(|set| set.map(|set| set.id)).collect();
        assert_eq!(sets, [Ok(2), Err(why)], "{octets} octets");
    }
}

#[test]
fn only_what_the_header_announces_is_the_message() {
    let mut two = samples::ipfix_biflow();
    two.extend(samples::ipfix_biflow());
    let message = Message::read(&two).unwrap();
    assert_eq!((message.octets().len(), message.sets().count()), (76, 2));
}

#[test]
fn headers_that_cannot_be_are_refused() {
    let whole = samples::ipfix_biflow();
    for octets in 0..HEADER_OCTETS {
        assert_eq!(Message::read(&whole[..octets]), Err(Malformed::HeaderCut));
    }
    assert_eq!(Message::read(&hex("0009 0010")), Err(Malformed::Version));
    let short = [&hex("000a 000f")[..], &[0; 20]].concat();
    assert_eq!(Message::read(&short), Err(Malformed::MessageLength));
}

#[test]
fn what_has_no_octets_is_not_written() {
    let mut out = vec![];
    for (bad, why) in [
        (template(255, 0, &[field(0, 1, 4)]), Unwritable::Template),
        (template(256, 0, &[]), Unwritable::Template),
        (template(256, 2, &[field(0, 1, 4)]), Unwritable::Scope),
        (template(256, 0, &[field(9, 0x8001, 4)]), Unwritable::Element),
        (template(256, 0, &vec![field(0, 1, 4); 65_536]), Unwritable::Template),
    ] {
        assert_eq!(write_template(&mut out, &bad), Err(why));
    }
    let mut message = MessageWriter::begin(&mut out, 0, 0, 0);
    message.begin_set(256);
    message.octets().resize(65_520, 0);
    message.begin_set(256);
    message.octets().resize(65_532, 0);
    assert_eq!(message.len(), 65_532);
    message.end_set();
    message.begin_set(256);
    assert_eq!(message.finish(), Err(Unwritable::TooLong));
    assert_eq!(out, []);
    let scope = template(256, 1, &[field(NETFLOW9_SCOPE_PEN, 1, 4)]);
    assert_eq!(write_template(&mut out, &scope), Err(Unwritable::Element));
}

#[test]
fn lengths_are_as_short_as_they_can_be_or_filled_in_later() {
    let written = |octets| {
        let mut out = vec![];
        write_variable_length(&mut out, octets);
        out
    };
    assert_eq!(written(0), [0]);
    assert_eq!(written(254), [254]);
    assert_eq!(written(255), [255, 0, 255]);
    assert_eq!(written(65_535), [255, 255, 255]);

    let mut out = vec![7];
    let outer = begin_variable(&mut out);
    let inner = begin_variable(&mut out);
    out.extend([1, 2]);
    assert_eq!(end_variable(&mut out, inner), Ok(()));
    assert_eq!(end_variable(&mut out, outer), Ok(()));
    assert_eq!(out, [7, 255, 0, 5, 255, 0, 2, 1, 2]);
    let long = begin_variable(&mut out);
    out.resize(70_000, 0);
    assert_eq!(end_variable(&mut out, long), Err(Unwritable::TooLong));
    assert_eq!(out.len(), 12);
}
