// SPDX-License-Identifier: Apache-2.0
//! Sessions that follow each other, and senders that were made up.

use penstock_codec::{Field, Template};

use super::*;

const SECOND: i64 = 1_000_000_000;

fn key(addr: u32, port: u16) -> Key {
    let addr = u128::from(addr).to_be_bytes();
    Key { kind: SourceKind::Ipfix, addr, port, stream: 0, domain: 1 }
}

fn heard(directory: &mut Directory, key: Key, now_s: i64) -> u32 {
    directory.heard(key, key.port, Transport::Datagram, now_s * SECOND).0.unwrap()
}

fn define(directory: &mut Directory, number: u32, id: u16, length: u16) {
    let fields = [Field { pen: 0, id: 1, length }].into();
    let template = Template { id, scopes: 1, fields };
    let templates = &mut directory.get_mut(number).unwrap().templates;
    templates.define(template, 0, None, |_| Compiled::Options);
}

fn length(directory: &Directory, number: u32, id: u16) -> Option<u16> {
    directory.template(number, id, 0).map(|entry| entry.template.fields[0].length)
}

#[test]
fn a_new_port_has_the_templates_of_the_old_one_until_it_sends_its_own() {
    let mut directory = Directory::new(&Settings::default());
    let first = heard(&mut directory, key(1, 1), 0);
    define(&mut directory, first, 256, 4);
    define(&mut directory, first, 257, 4);
    let other = heard(&mut directory, key(2, 1), 0);
    assert_eq!(length(&directory, other, 256), None);
    let second = heard(&mut directory, key(1, 2), 0);
    define(&mut directory, second, 257, 8);
    let third = heard(&mut directory, key(1, 3), 0);
    for number in [second, third] {
        assert_eq!(length(&directory, number, 256), Some(4));
        assert_eq!(length(&directory, number, 257), Some(8));
    }
    assert_eq!(length(&directory, first, 257), Some(4));
}

#[test]
fn connections_and_datagrams_teach_each_other_nothing() {
    let mut directory = Directory::new(&Settings::default());
    let by_tcp = Key { stream: 1, ..key(1, 1) };
    let first = directory.heard(by_tcp, 1, Transport::Stream, 0).0.unwrap();
    define(&mut directory, first, 256, 4);
    let second = heard(&mut directory, key(1, 1), 0);
    assert_eq!(length(&directory, second, 256), None);
    define(&mut directory, second, 256, 4);
    let again = Key { stream: 2, ..by_tcp };
    let third = directory.heard(again, 1, Transport::Stream, 0).0.unwrap();
    assert_eq!(length(&directory, third, 256), None);
}

#[test]
fn ports_that_were_made_up_do_not_hide_the_templates_of_the_first() {
    let mut directory = Directory::new(&Settings::default());
    let first = heard(&mut directory, key(1, 1), 0);
    define(&mut directory, first, 256, 4);
    let last = (2..1_000).map(|port| heard(&mut directory, key(1, port), 0)).last().unwrap();
    assert_eq!(length(&directory, last, 256), Some(4));
    assert!(directory.iter().skip(1).all(|(_, exporter)| exporter.templates.len() == 0));
}

#[test]
fn who_is_forgotten_is_forgotten_whole() {
    let settings = Settings { max_exporters: 10, ..Settings::default() };
    let mut directory = Directory::new(&settings);
    let first = heard(&mut directory, key(1, 1), 0);
    define(&mut directory, first, 256, 4);
    for number in 2..1_000 {
        heard(&mut directory, key(number, 1), number.into());
        directory.waits(number % 10);
        directory.drained();
    }
    let Directory { exporters, by_key, by_pair, sampling, .. } = &directory;
    assert_eq!((exporters.len(), by_key.len(), by_pair.len()), (10, 10, 10));
    assert!(sampling.len() <= 21);
    let again = heard(&mut directory, key(1, 2), 1_000);
    assert_eq!(length(&directory, again, 256), None);
}

#[test]
fn senders_for_whom_there_is_no_room_leave_nothing() {
    let settings = Settings { max_exporters: 2, ..Settings::default() };
    let mut directory = Directory::new(&settings);
    for number in 0..2 {
        let number = heard(&mut directory, key(number, 1), 0);
        directory.waits(number);
    }
    for number in 2..100 {
        assert!(directory.heard(key(number, 1), 1, Transport::Datagram, 0).0.is_none());
    }
    assert_eq!((directory.sampling.len(), directory.by_key.len()), (2, 2));
}
