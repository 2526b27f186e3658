// SPDX-License-Identifier: Apache-2.0
//! Version 9 octet for octet, both ways, and what is refused.

use super::*;
use crate::samples::{self, hex};
use crate::value::unsigned;
use crate::{VARIABLE, records};

fn defined(id: u16, octets: &str) -> Vec<Result<Template, Malformed>> {
    let octets = hex(octets);
    let template = |definition| match definition {
        Definition::Define(template) => template,
        other => panic!("{other:?}"),
    };
    templates(&Set { id, octets: &octets }).map(|read| read.map(template)).collect()
}

fn flows() -> Template {
    let fields = [8, 12, 15, 2, 1].map(|id| Field { pen: 0, id, length: 4 });
    Template { id: 256, scopes: 0, fields: fields.into() }
}

fn options() -> Template {
    let scope = Field { pen: NETFLOW9_SCOPE_PEN, id: scope::LINE_CARD, length: 2 };
    let fields = [41, 42].map(|id| Field { pen: 0, id, length: 2 });
    Template { id: 257, scopes: 1, fields: [scope, fields[0], fields[1]].into() }
}

fn header() -> Header {
    Header { count: 7, uptime_ms: 0x12345, unix_s: 1_700_000_000, sequence: 1, source_id: 256 }
}

#[test]
fn the_example_is_read() {
    let octets = samples::netflow9();
    let packet = Packet::read(&octets).unwrap();
    assert_eq!(packet.header, header());
    let sets: Vec<_> = packet.sets().map(Result::unwrap).collect();
    assert_eq!(sets.iter().map(|set| set.id).collect::<Vec<_>>(), [0, 256, 1, 257]);
    let read = |set| templates(set).map(Result::unwrap).collect::<Vec<_>>();
    assert_eq!(read(&sets[0]), [Definition::Define(flows())]);
    assert_eq!(read(&sets[2]), [Definition::Define(options())]);
    assert_eq!((read(&sets[1]), read(&sets[3])), (vec![], vec![]));

    let numbers = |template: &Template, set: &Set<'_>| -> Vec<Vec<u64>> {
        let records = records(template, set.octets).map(Result::unwrap);
        records.map(|record| record.values().map(|(_, v)| unsigned(v)).collect()).collect()
    };
    let counters: Vec<_> =
        numbers(&flows(), &sets[1]).iter().map(|record| (record[3], record[4])).collect();
    assert_eq!(counters, [(5009, 5_344_385), (748, 388_934), (5, 6534)]);
    assert_eq!(numbers(&options(), &sets[3]), [[1, 345, 10201], [2, 690, 20402]]);
}

#[test]
fn the_example_is_written() {
    let octets = samples::netflow9();
    let sets: Vec<_> = Packet::read(&octets).unwrap().sets().map(Result::unwrap).collect();
    let mut out = vec![0xaa];
    let mut packet = PacketWriter::begin(&mut out, &header());
    assert!(packet.is_empty());
    packet.begin_set(TEMPLATE_SET);
    write_template(packet.octets(), &flows()).unwrap();
    packet.begin_set(256);
    packet.octets().extend(sets[1].octets);
    packet.end_set();
    packet.begin_set(OPTIONS_TEMPLATE_SET);
    write_template(packet.octets(), &options()).unwrap();
    packet.end_set_padded(4);
    packet.begin_set(257);
    packet.octets().extend(sets[3].octets);
    packet.end_set_padded(6);
    assert_eq!((packet.len(), packet.room(200)), (152, 48));
    assert_eq!(packet.finish(7), Ok(152));
    assert_eq!(out[1..], octets);
}

#[test]
fn field_types_are_of_iana_of_version_9_or_padding() {
    let octets = "0100 0007 00010004 9c400014 80e80002 1a040004 00000001 00000000 0052ffff";
    let [Ok(template)] = &defined(0, octets)[..] else { panic!() };
    let expected = [
        (0, 1, 4),
        (NETFLOW9_PEN, 40_000, 20),
        (NETFLOW9_PEN, 33_000, 2),
        (NETFLOW9_PEN, 6660, 4),
        (0, PADDING_OCTETS, 1),
        (0, PADDING_OCTETS, 0),
        (0, 82, VARIABLE),
    ];
    let fields = template.fields.iter().map(|field| (field.pen, field.id, field.length));
    assert_eq!(fields.collect::<Vec<_>>(), expected);
}

#[test]
fn scopes_have_types_of_their_own() {
    // A router that says a sampling rate for its whole system, which takes no octets.
    let octets = "0100 0004 0008 00010000 00230001 00220004 0000";
    let [Ok(template)] = &defined(1, octets)[..] else { panic!() };
    let system = Field { pen: NETFLOW9_SCOPE_PEN, id: scope::SYSTEM, length: 0 };
    assert_eq!((template.scopes, template.fields[0], template.fields.len()), (1, system, 3));
    assert_eq!(template.least_octets(), 5);

    // Samplers as a scope have the field's own type.
    let [Ok(template)] = &defined(1, "0100 0008 0004 00050002 012e0004 01320004")[..] else {
        panic!()
    };
    let pens: Vec<_> = template.fields.iter().map(|field| (field.pen, field.id)).collect();
    assert_eq!(pens, [(NETFLOW9_SCOPE_PEN, 5), (0, 302), (0, 306)]);
    assert_eq!(template.scopes, 2);

    let [Ok(template)] = &defined(1, "0100 0000 0004 00220004")[..] else { panic!() };
    assert_eq!((template.scopes, template.fields[0]), (1, system));
}

#[test]
fn what_cannot_be_is_refused_and_the_next_template_is_read() {
    let good = "0101 0001 00040001";
    for (bad, why) in [
        ("00ff 0001 00040001", Malformed::TemplateId),
        ("0100 0000", Malformed::RecordLength),
        ("0100 0001 00040000", Malformed::RecordLength),
    ] {
        let read = defined(0, &format!("{bad} {good}"));
        assert_eq!((read.len(), &read[0]), (2, &Err(why)), "{bad}");
        assert!(read[1].is_ok());
    }
    let good = "0101 0004 0000 00010004";
    for (bad, why) in [
        ("0100 0003 0005 00010004 00220004", Malformed::Scope),
        ("0100 0004 0002 00010004 0022", Malformed::Scope),
        ("0100 0004 0004 00010000 00220000", Malformed::RecordLength),
    ] {
        let read = defined(1, &format!("{bad} {good}"));
        assert_eq!((read.len(), &read[0]), (2, &Err(why)), "{bad}");
        assert!(read[1].is_ok());
    }
}

#[test]
fn a_template_that_does_not_end_is_the_last() {
    for (id, cut) in [
        (0, "0100 0002 00040001"),
        (0, "0100 ffff 00040001"),
        (1, "0100 0004"),
        (1, "0100 0004 0008 00010004 00220004"),
        (1, "0100 ffff ffff 00010004 00220004"),
    ] {
        assert_eq!(defined(id, cut), [Err(Malformed::TemplateCut)], "{cut}");
    }
    for padding in ["", "00", "000000", "00000000", "0000000000"] {
        assert_eq!((defined(0, padding), defined(1, padding)), (vec![], vec![]));
    }
}

#[test]
fn packets_filled_up_with_zeroes_end_there() {
    let octets = [&samples::netflow9()[..], &[0; 40]].concat();
    let sets: Vec<_> = Packet::read(&octets).unwrap().sets().collect();
    assert_eq!(sets.len(), 4);
    assert!(sets.iter().all(Result::is_ok));
}

#[test]
fn headers_that_cannot_be_are_refused() {
    let whole = samples::netflow9();
    for octets in 0..HEADER_OCTETS {
        assert_eq!(Packet::read(&whole[..octets]), Err(Malformed::HeaderCut));
    }
    assert_eq!(Packet::read(&[0, 10]), Err(Malformed::Version));
}

#[test]
fn templates_are_read_as_they_were_written() {
    let own = Field { pen: NETFLOW9_PEN, id: 40_000, length: 20 };
    let flows = Template { fields: [own, flows().fields[1]].into(), ..flows() };
    for (id, template) in [(TEMPLATE_SET, flows), (OPTIONS_TEMPLATE_SET, options())] {
        let mut octets = vec![];
        write_template(&mut octets, &template).unwrap();
        let read: Vec<_> = templates(&Set { id, octets: &octets }).collect();
        assert_eq!(read, [Ok(Definition::Define(template))]);
    }
    let foreign = Field { pen: 9, id: 1, length: 4 };
    let template = Template { fields: [foreign].into(), ..options() };
    assert_eq!(write_template(&mut vec![], &template), Err(Unwritable::Element));
    let long = Template { fields: vec![own; 20_000].into(), ..options() };
    assert_eq!(write_template(&mut vec![], &long), Err(Unwritable::TooLong));
}
