// SPDX-License-Identifier: Apache-2.0
//! What must hold of sets, templates and records, whatever the octets: they lie one behind the
//! other in what was given, and a template that is written is read as it was.

use std::collections::HashMap;

use penstock_codec::{
    Definition, Field, Malformed, NETFLOW9_SCOPE_PEN, Set, Sets, Template, Unwritable, records,
    value,
};

/// How a protocol reads and writes templates.
#[derive(Clone, Copy, Debug)]
pub struct Protocol {
    /// Reads what a set says of templates.
    pub templates: fn(&Set<'_>) -> Vec<Result<Definition, Malformed>>,
    /// Writes one.
    pub write: fn(&mut Vec<u8>, &Template) -> Result<(), Unwritable>,
    /// Numbers of the sets of templates and of options templates.
    pub template_sets: [u16; 2],
}

/// Reads sets of so many octets, the records of known templates included.
pub fn check_sets(mut sets: Sets<'_>, octets: usize, protocol: Protocol) {
    let mut known = HashMap::new();
    let mut seen = 0;
    while let Some(set) = sets.next() {
        let Ok(set) = set else {
            assert!(sets.next().is_none(), "a set behind the damage");
            return;
        };
        seen += 4 + set.octets.len();
        assert!(seen <= octets);
        for definition in (protocol.templates)(&set) {
            match definition {
                Ok(Definition::Define(template)) => {
                    check_template(&template, &set, protocol);
                    known.insert(template.id, template);
                }
                Ok(Definition::Withdraw(id)) => assert!(id >= 256),
                Ok(Definition::WithdrawAll) | Err(_) => {}
            }
        }
        if let Some(template) = known.get(&set.id)
            && template.fields.len() < 64
        {
            check_records(template, set.octets);
        }
    }
}

fn check_template(template: &Template, set: &Set<'_>, protocol: Protocol) {
    assert!(template.id >= 256 && usize::from(template.scopes) <= template.fields.len());
    assert!((1..=65_515).contains(&template.least_octets()));
    // A scope that is only thought takes no octets.
    assert!(template.fields.len() * 4 <= set.octets.len());
    assert_eq!(template.is_options(), set.id == protocol.template_sets[1]);

    let mut written = Vec::new();
    if (protocol.write)(&mut written, template).is_err() {
        let scope_type = |field: &Field| field.pen == NETFLOW9_SCOPE_PEN;
        assert!(template.fields.iter().any(scope_type) && written.is_empty());
        return;
    }
    let again = (protocol.templates)(&Set { id: set.id, octets: &written });
    assert_eq!(again, [Ok(Definition::Define(template.clone()))]);
}

/// Reads the records of a template and all their values.
pub fn check_records(template: &Template, octets: &[u8]) {
    let mut seen = 0;
    let mut records = records(template, octets);
    while let Some(record) = records.next() {
        let Ok(record) = record else {
            assert!(records.next().is_none(), "a record behind the damage");
            return;
        };
        assert_eq!(record.octets(), &octets[seen..seen + record.octets().len()]);
        assert!(record.octets().len() >= template.least_octets());
        seen += record.octets().len();
        let mut fields = 0;
        for (field, octets) in record.values() {
            assert!(field.length == u16::MAX || octets.len() == usize::from(field.length));
            check_value(octets);
            fields += 1;
        }
        assert_eq!(fields, template.fields.len());
    }
    assert!(octets.len() - seen < template.least_octets().max(1));
}

/// Takes a value for everything that it may be.
pub fn check_value(octets: &[u8]) {
    let number = value::unsigned(octets);
    assert_eq!(number == 0, value::signed(octets) == 0);
    assert!(value::float(octets).is_none() || matches!(octets.len(), 4 | 8));
    assert!(value::boolean(octets).is_none() || octets.len() == 1);
    let export_time_s = u32::from_be_bytes(number.to_be_bytes()[2..6].try_into().expect("four"));
    let time_ns = value::ntp_to_ns(number, export_time_s);
    let away_s = time_ns / 1_000_000_000 - i64::from(export_time_s);
    assert!(away_s.abs() <= 1 << 31);
    // Nearer to where the seconds come round, rounding may go over.
    if away_s.abs() < (1 << 31) - 2 {
        assert_eq!(value::ntp_to_ns(value::ns_to_ntp(time_ns), export_time_s), time_ns);
        let micro_ns = value::ntp_micro_to_ns(number, export_time_s);
        assert!((micro_ns - time_ns).abs() < 1000);
        let again_ns = value::ntp_micro_to_ns(value::ns_to_ntp_micro(micro_ns), export_time_s);
        assert_eq!(again_ns, micro_ns);
    }
}
