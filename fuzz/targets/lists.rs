// SPDX-License-Identifier: Apache-2.0
//! A value that is a list: of which kind (1), and its octets. Values in it are taken for lists of
//! the kind that their element or the first octet says, some levels deep.
#![no_main]

use libfuzzer_sys::fuzz_target;
use penstock_codec::list::{
    BasicList, SubTemplateList, SubTemplateMultiList, SubTemplateRecords, write_basic_list,
    write_part, write_sub_template_list, write_sub_template_multi_list,
};
use penstock_codec::{Field, Template, VARIABLE, records};
use penstock_fuzz::Input;
use penstock_fuzz::exports::{check_records, check_value};

fuzz_target!(|octets: &[u8]| {
    let mut input = Input::new(octets);
    let kind = 291 + u16::from(input.u8() % 3);
    check_value(input.rest());
    check(kind, input.rest(), 4);
});

fn check(kind: u16, octets: &[u8], levels: u8) {
    if levels == 0 {
        return;
    }
    match kind {
        291 => basic_list(octets, levels),
        292 => {
            let Ok(list) = SubTemplateList::read(octets) else { return };
            let mut again = Vec::new();
            write_sub_template_list(&mut again, list.semantic, list.records.template_id);
            again.extend_from_slice(list.records.octets);
            assert_eq!(SubTemplateList::read(&again), Ok(list));
            part(list.records, levels);
        }
        293 => multi_list(octets, levels),
        _ => {}
    }
}

fn basic_list(octets: &[u8], levels: u8) {
    let Ok(list) = BasicList::read(octets) else { return };
    let mut again = Vec::new();
    write_basic_list(&mut again, list.semantic, list.field);
    again.extend_from_slice(list.octets());
    assert_eq!(BasicList::read(&again), Ok(list));

    let mut seen = 0;
    let mut values = list.values();
    while let Some(value) = values.next() {
        let Ok(value) = value else {
            assert!(values.next().is_none(), "a value behind the damage");
            return;
        };
        seen += value.len();
        check(list.field.id, value, levels - 1);
    }
    assert!(seen <= list.octets().len());
    assert!(list.field.length == VARIABLE || seen == list.octets().len());
}

fn multi_list(octets: &[u8], levels: u8) {
    let Ok(list) = SubTemplateMultiList::read(octets) else { return };
    let mut again = Vec::new();
    write_sub_template_multi_list(&mut again, list.semantic);
    let mut whole = Vec::new();
    let mut parts = list.parts();
    while let Some(read) = parts.next() {
        let Ok(records) = read else {
            assert!(parts.next().is_none(), "a part behind the damage");
            break;
        };
        part(records, levels);
        if write_part(&mut again, records.template_id, records.octets.len()).is_ok() {
            again.extend_from_slice(records.octets);
            whole.push(Ok(records));
        }
    }
    let again = SubTemplateMultiList::read(&again).expect("it was written");
    assert_eq!(again.parts().collect::<Vec<_>>(), whole);
}

/// The records of a list, taken for those of a template with a number and a list.
fn part(records_of: SubTemplateRecords<'_>, levels: u8) {
    let list = Field { pen: 0, id: 291 + records_of.template_id % 3, length: VARIABLE };
    let number = Field { pen: 0, id: 4, length: 1 };
    let template = Template { id: 256, scopes: 0, fields: [number, list].into() };
    check_records(&template, records_of.octets);
    for record in records(&template, records_of.octets).flatten() {
        for (field, value) in record.values() {
            check(field.id, value, levels - 1);
        }
    }
}
