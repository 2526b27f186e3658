// SPDX-License-Identifier: Apache-2.0
//! Messages that tests share, and what holds of each of them, of all captures and of every cut.

use std::collections::HashMap;
use std::{env, fs};

use crate::list::{BasicList, SubTemplateList, SubTemplateMultiList, SubTemplateRecords};
use crate::netflow::{v5, v9};
use crate::{Definition, Field, Malformed, Set, Template, ipfix, records, value};

/// Octets from digits with spaces among them.
pub(crate) fn hex(digits: &str) -> Vec<u8> {
    let digits: Vec<u32> = digits.chars().filter_map(|digit| digit.to_digit(16)).collect();
    digits.chunks(2).map(|pair| u8::try_from(pair[0] << 4 | pair[1]).unwrap()).collect()
}

pub(crate) const fn field(pen: u32, id: u16, length: u16) -> Field {
    Field { pen, id, length }
}

/// A biflow with an interface's name.
pub(crate) fn ipfix_biflow() -> Vec<u8> {
    hex("000a004c 6553f100 00000000 00000001
         0002 0024 0100 0006 00080004 000c0004 00040001 00020002 8002 0002 00007279 0052ffff
         0100 0018 c0000201 c6336407 06 012c 012b 04 65746830 0000")
}

/// What RFC 5610 has enterprises say of their elements.
pub(crate) fn ipfix_type_information() -> Vec<u8> {
    hex("000a0077 6553f100 00000000 00000001
         0003002e 0101 0009 0002 015a0004 012f0002 01530001 01580001 01590002 01560008 01570008
         0155ffff 0154ffff
         01010039 00001f79 03e9 04 03 0002 0000000000000000 0000000000000000 07 62797465735570
         12 6f63746574732066726f6d20636c69656e74")
}

/// The example of RFC 6313 with a basicList, its length in the long form.
pub(crate) fn ipfix_basic_list() -> Vec<u8> {
    hex("000a004c 6553f100 00000000 00000001
         00020018 01000004 000a0004 00080004 000c0004 0123ffff
         01000024 00000009 c00002c9 e9fc0001 ff 0011 03 000e 0004 00000001 00000004 00000008")
}

/// A subTemplateList and a subTemplateMultiList with basicLists in them.
pub(crate) fn ipfix_nested_lists() -> Vec<u8> {
    hex("000a0061 6553f100 00000000 00000001
         0002001c 01000002 0124ffff 0125ffff 01010002 00040001 0123ffff
         01000035 0c 04 0101 06 07 ff 0004 0001 11 00
         ff0021 ff 0101 000f 06 09 03 0052 ffff 01 61 01 62 0101 0000
         0101 000d 11 ff0005 ff 0004 0001")
}

/// The example of RFC 3954 section 11 behind a header: templates, options, and records of both.
pub(crate) fn netflow9() -> Vec<u8> {
    hex("00090007 00012345 6553f100 00000001 00000100
         0000001c 01000005 00080004 000c0004 000f0004 00020004 00010004
         01000040
         c6a8010c 0a050cfe c0a80101 00001391 00518c81
         c6a8011b 0a050c17 c0a80101 000002ec 0005ef46
         c6a80138 0a050c41 c0a80101 00000005 00001986
         00010018 0101 0004 0008 0003 0002 0029 0002 002a 0002 0000
         01010010 0001 0159 27d9 0002 02b2 4fb2")
}

/// The first record that a router sent among 30, with its header.
pub(crate) fn netflow5_one_of_30() -> Vec<u8> {
    hex("0005 001e 01a18168 5790d37d 1eb13d20 007c3512 00 00 0000
         0a000d01 c0a80062 c0a80062 000d 0032 00000002 00000068 01a1455e 01a1455e
         146c cdfe 00 10 06 00 0000 0000 00 00 0000")
}

/// The same as a packet of its own.
pub(crate) fn netflow5() -> Vec<u8> {
    let mut octets = netflow5_one_of_30();
    octets[3] = 1;
    octets
}

/// What came of reading all of a datagram.
#[derive(Debug, Default)]
struct Found {
    templates: HashMap<u16, Template>,
    records: usize,
    values: usize,
    malformed: Vec<Malformed>,
}

impl Found {
    fn read(octets: &[u8]) -> Self {
        let mut found = Self::default();
        found.messages(octets);
        found
    }

    fn messages(&mut self, mut octets: &[u8]) {
        while let [high, low, ..] = *octets {
            let read = match u16::from_be_bytes([high, low]) {
                v5::VERSION => v5::Packet::read(octets).map(|packet| {
                    self.records(v5::template(), packet.records, 0);
                    if packet.missing > 0 {
                        self.malformed.push(Malformed::CountBeyondMessage);
                    }
                    packet.rest
                }),
                v9::VERSION => v9::Packet::read(octets).map(|packet| {
                    self.sets(packet.sets(), |set| v9::templates(set).collect());
                    &[][..]
                }),
                _ => ipfix::Message::read(octets).map(|message| {
                    self.sets(message.sets(), |set| ipfix::templates(set).collect());
                    &octets[message.octets().len()..]
                }),
            };
            octets = read.unwrap_or_else(|why| {
                self.malformed.push(why);
                &[]
            });
        }
    }

    fn sets<'a>(
        &mut self,
        sets: impl Iterator<Item = Result<Set<'a>, Malformed>>,
        templates: impl Fn(&Set<'_>) -> Vec<Result<Definition, Malformed>>,
    ) {
        for set in sets {
            let set = match set {
                Ok(set) => set,
                Err(why) => return self.malformed.push(why),
            };
            for definition in templates(&set) {
                match definition {
                    Ok(Definition::Define(template)) => {
                        self.templates.insert(template.id, template);
                    }
                    Ok(Definition::Withdraw(id)) => drop(self.templates.remove(&id)),
                    Ok(Definition::WithdrawAll) => self.templates.clear(),
                    Err(why) => self.malformed.push(why),
                }
            }
            if let Some(template) = self.templates.get(&set.id).cloned() {
                self.records(&template, set.octets, 0);
            }
        }
    }

    fn records(&mut self, template: &Template, octets: &[u8], depth: usize) {
        for record in records(template, octets) {
            let Ok(record) = record.map_err(|why| self.malformed.push(why)) else { return };
            self.records += 1;
            assert_eq!(record.values().count(), template.fields.len());
            for (field, value) in record.values() {
                self.value(*field, value, depth);
            }
        }
    }

    fn value(&mut self, field: Field, octets: &[u8], depth: usize) {
        self.values += 1;
        assert_eq!(value::unsigned(octets) == 0, value::signed(octets) == 0);
        value::float(octets);
        value::boolean(octets);
        value::ntp_to_ns(value::unsigned(octets), 0);
        let lists = match field.id {
            291 => self.basic_list(octets, depth),
            292 => SubTemplateList::read(octets).map(|list| self.part(&list.records, depth)),
            293 => SubTemplateMultiList::read(octets).map(|list| {
                for part in list.parts() {
                    let Ok(part) = part.map_err(|why| self.malformed.push(why)) else { return };
                    self.part(&part, depth);
                }
            }),
            _ => Ok(()),
        };
        if let Err(why) = lists {
            self.malformed.push(why);
        }
    }

    fn basic_list(&mut self, octets: &[u8], depth: usize) -> Result<(), Malformed> {
        let list = BasicList::read(octets)?;
        for value in list.values() {
            if depth < 3 {
                self.value(list.field, value?, depth + 1);
            }
        }
        Ok(())
    }

    fn part(&mut self, part: &SubTemplateRecords<'_>, depth: usize) {
        if depth < 3
            && let Some(template) = self.templates.get(&part.template_id).cloned()
        {
            self.records(&template, part.octets, depth + 1);
        }
    }
}

#[test]
fn the_samples_are_read_whole() {
    for (name, octets, templates, records, values) in [
        ("biflow", ipfix_biflow(), 1, 1, 6),
        ("type information", ipfix_type_information(), 1, 1, 9),
        ("basic list", ipfix_basic_list(), 1, 1, 7),
        ("nested lists", ipfix_nested_lists(), 2, 4, 12),
        ("version 9", netflow9(), 2, 5, 21),
        ("version 5", netflow5(), 0, 1, 20),
        ("three packets", netflow5().repeat(3), 0, 3, 60),
    ] {
        let found = Found::read(&octets);
        assert_eq!(found.malformed, [], "{name}");
        assert_eq!(
            (found.templates.len(), found.records, found.values),
            (templates, records, values),
            "{name}"
        );
    }
}

#[test]
fn every_cut_is_read_and_gives_no_more_than_the_whole() {
    for octets in [
        ipfix_biflow(),
        ipfix_type_information(),
        ipfix_basic_list(),
        ipfix_nested_lists(),
        netflow9(),
        netflow5().repeat(2),
        netflow5_one_of_30(),
    ] {
        every_cut(&octets);
    }
}

#[test]
fn every_cut_of_every_capture_is_read() {
    let Some(folder) = env::var_os("PENSTOCK_CAPTURES") else { return };
    let Ok(folder) = fs::read_dir(std::path::Path::new(&folder).join("exports")) else { return };
    for file in folder {
        let path = file.unwrap().path();
        every_cut(&fs::read(&path).unwrap());
    }
}

fn every_cut(octets: &[u8]) {
    let whole = Found::read(octets);
    for cut in 0..octets.len() {
        let found = Found::read(&octets[..cut]);
        assert!(found.records <= whole.records && found.values <= whole.values, "{cut} octets");
    }
}
