// SPDX-License-Identifier: Apache-2.0
//! Connections and files of IPFIX.

use penstock_codec::{Field, Template, ipfix};
use penstock_collect::{Collector, Lz4Writer, SessionError, Settings};
use penstock_record::{Fate, Unit};
use penstock_traffic::{Protocol, Traffic, Truth};

use crate::run::{Given, check_ledger, count, each, reason};

const NOW_NS: i64 = 1_767_225_600_000_000_000;
const PEER: [u8; 16] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1];

/// The messages of one exporter.
fn messages() -> (Vec<Vec<u8>>, Truth) {
    let settings = penstock_traffic::Settings {
        exporters: 1,
        protocols: vec![Protocol::Ipfix],
        records: Some(3_000),
        ..each()
    };
    let mut traffic = Traffic::new(settings).unwrap();
    let mut messages = Vec::new();
    while let Some(datagram) = traffic.next() {
        messages.push(datagram.octets.to_vec());
    }
    (messages, traffic.truth().remove(0))
}

fn defining(id: u16, length: u16) -> Vec<u8> {
    let fields = [Field { pen: 0, id: 1, length }].into();
    let mut octets = Vec::new();
    let mut message = ipfix::MessageWriter::begin(&mut octets, 1_767_225_600, 0, 1);
    message.begin_set(ipfix::TEMPLATE_SET);
    ipfix::write_template(message.octets(), &Template { id, scopes: 0, fields }).unwrap();
    message.finish().unwrap();
    octets
}

#[test]
fn the_same_comes_by_connection_by_file_and_packed_in_pieces_of_any_size() {
    let (messages, truth) = messages();
    let plain = messages.concat();
    let mut packed = Vec::new();
    let mut writer = Lz4Writer::new(4_260);
    for message in &messages {
        writer.write(message, &mut packed).unwrap();
    }
    for (octets, is_file) in [(&plain, false), (&plain, true), (&packed, false)] {
        for piece in [1, 7, 1_000, octets.len()] {
            let mut collector = Collector::new(Settings::default());
            let number =
                if is_file { collector.open_file() } else { collector.open_stream(PEER, 4739) };
            for piece in octets.chunks(piece) {
                collector.stream(number, piece, NOW_NS).unwrap();
            }
            collector.close_stream(number, NOW_NS).unwrap();
            let mut given = Given::default();
            given.take(&mut collector);
            let addr = if is_file { [0; 16] } else { PEER };
            assert_eq!(given.of(addr), truth.made);
            check_ledger(&collector, messages.len() as u64);
            assert_eq!(collector.exporters()[0].missing, 0);
            assert_eq!(collector.exporters()[0].transport, if is_file { "file" } else { "tcp" });
        }
    }
}

#[test]
fn a_template_redefined_without_withdrawal_ends_its_session_and_no_other() {
    let mut collector = Collector::new(Settings::default());
    let (one, other) = (collector.open_stream(PEER, 1), collector.open_stream(PEER, 2));
    for number in [one, other] {
        collector.stream(number, &defining(256, 4), NOW_NS).unwrap();
        collector.stream(number, &defining(256, 4), NOW_NS).unwrap();
    }
    let redefined = collector.stream(one, &defining(256, 8), NOW_NS);
    assert_eq!(redefined, Err(SessionError::Redefined));
    assert_eq!(collector.stream(one, &defining(257, 8), NOW_NS), Err(SessionError::Unknown));
    collector.close_stream(one, NOW_NS).unwrap();
    let templates = collector.templates();
    assert_eq!(templates.len(), 1, "what a session taught is forgotten with it");
    assert_eq!(templates[0].port, 2);

    let mut withdrawing = Vec::new();
    let mut message = ipfix::MessageWriter::begin(&mut withdrawing, 1_767_225_600, 0, 1);
    message.begin_set(ipfix::TEMPLATE_SET);
    message.octets().extend([1, 0, 0, 0]);
    message.finish().unwrap();
    collector.stream(other, &withdrawing, NOW_NS).unwrap();
    collector.stream(other, &defining(256, 8), NOW_NS).unwrap();
    assert_eq!(collector.templates()[0].fields, ["octetDeltaCount:8"]);
    assert_eq!(reason(&collector, "ended: template redefined"), 1);
}

#[test]
fn a_length_that_cannot_be_ends_its_session_and_no_other() {
    let (messages, _) = messages();
    let mut collector = Collector::new(Settings::default());
    let (one, other) = (collector.open_stream(PEER, 1), collector.open_stream(PEER, 2));
    collector.stream(one, &messages[0], NOW_NS).unwrap();
    let ended = collector.stream(one, &[0, 10, 0, 15, 0, 0], NOW_NS).unwrap_err();
    assert!(matches!(ended, SessionError::Stream(_)), "{ended}");
    assert_eq!(collector.stream(one, &messages[1], NOW_NS), Err(SessionError::Unknown));
    for message in &messages {
        collector.stream(other, message, NOW_NS).unwrap();
    }
    collector.take();
    assert_eq!(count(&collector, "decode", Fate::Out, Unit::Flows), 3_000);
    assert_eq!(count(&collector, "message", Fate::Noted, Unit::Sessions), 1);
}

#[test]
fn a_connection_cut_within_a_message_says_so_and_keeps_what_was_whole() {
    let (messages, _) = messages();
    let mut collector = Collector::new(Settings::default());
    let number = collector.open_stream(PEER, 1);
    let octets = messages[..3].concat();
    collector.stream(number, &octets[..octets.len() - 1], NOW_NS).unwrap();
    assert!(collector.close_stream(number, NOW_NS).is_err());
    check_ledger_of(&mut collector, 2);
}

#[test]
fn a_file_is_read_on_behind_damage() {
    let (mut messages, truth) = messages();
    let at = messages.len() / 2;
    let damaged = messages[at].len();
    messages[at][2] = 0xff;
    messages.insert(3, b"not a message".to_vec());
    let mut collector = Collector::new(Settings::default());
    let number = collector.open_file();
    collector.stream(number, &messages.concat(), NOW_NS).unwrap();
    collector.close_stream(number, NOW_NS).unwrap();
    check_ledger_of(&mut collector, messages.len() as u64 - 2);
    assert_eq!(reason(&collector, "between messages"), 13 + damaged as u64);
    let state = &collector.exporters()[0];
    assert_eq!(state.records + state.missing, truth.made.records);
}

fn check_ledger_of(collector: &mut Collector, messages: u64) {
    collector.take();
    check_ledger(collector, messages);
}
