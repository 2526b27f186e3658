// SPDX-License-Identifier: Apache-2.0

use super::*;

/// Seven messages as liblz4 1.9.4 compresses them one after the other, the ring of 160 octets begun
/// three times.
const LZ4: &str = "\
    4c5a3463000000a00030002e83000a00306553f1000100f0120101000020c0000200c6336400000003e801bb\
    c0000201c6336401000003e801bb003e002b43000a003e300013023000532ec0000202300011ea30005503c6\
    3364010e00b004c6336402000003ea01bb0030001f076e0013043e005320c00002043e0011ec3e00b005c633\
    6401000003ec01bb003e002ec3000a003e6553f100000000063000532ec0000206300011ee300013076e0002\
    0e00b008c6336402000003ee01bb0030002343000a00303e0013083e005320c00002083e0011f03e00b009c6\
    336401000003f001bb003e002b43000a003e3000130a3000532ec000020a300011f23000550bc63364010e00\
    b00cc6336402000003f201bb0030002343000a00303e00130c3e005320c000020c3e0011f43e00b00dc63364\
    01000003f401bb";

/// A message with one data set of `records` records of 14 octets.
fn message(sequence: u32, records: u16) -> Vec<u8> {
    let mut octets = Vec::new();
    octets.extend_from_slice(&VERSION.to_be_bytes());
    octets.extend_from_slice(&(20 + 14 * records).to_be_bytes());
    for number in [1_700_000_000, sequence, 1] {
        octets.extend_from_slice(&number.to_be_bytes());
    }
    octets.extend_from_slice(&256_u16.to_be_bytes());
    octets.extend_from_slice(&(4 + 14 * records).to_be_bytes());
    for number in 0..u32::from(records) {
        for word in [0xc000_0200 + sequence + number, 0xc633_6400 + number, 1000 + sequence] {
            octets.extend_from_slice(&word.to_be_bytes());
        }
        octets.extend_from_slice(&443_u16.to_be_bytes());
    }
    octets
}

fn messages(count: u16) -> Vec<Vec<u8>> {
    (0..count).map(|number| message(u32::from(number) * 2, 2 + number % 2)).collect()
}

fn octets(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2);
    digits.map(|two| u8::from_str_radix(str::from_utf8(two).unwrap(), 16).unwrap()).collect()
}

/// All that is found in octets that come in pieces of this size.
fn read(
    kind: StreamKind,
    octets: &[u8],
    piece: usize,
) -> (Vec<Vec<u8>>, Option<StreamError>, Stream) {
    let mut stream = Stream::new(kind);
    let (mut found, mut error) = (Vec::new(), None);
    let mut drain = |stream: &mut Stream| {
        while let Some(message) = stream.next_message() {
            match message {
                Ok(message) => found.push(message.to_vec()),
                Err(wrong) => error = Some(wrong),
            }
        }
    };
    for piece in octets.chunks(piece) {
        let mut rest = piece;
        while !rest.is_empty() {
            let taken = stream.push(rest);
            drain(&mut stream);
            rest = &rest[taken..];
        }
    }
    stream.finish();
    drain(&mut stream);
    (found, error, stream)
}

#[test]
fn messages_are_found_whatever_the_pieces() {
    let sent = messages(5);
    for kind in [StreamKind::Connection, StreamKind::File] {
        for piece in [1, 2, 3, 15, 16, 17, 47, 1000] {
            let (found, error, stream) = read(kind, &sent.concat(), piece);
            assert_eq!((&found, error), (&sent, None), "{kind:?} by {piece}");
            assert_eq!(stream.skipped(), Skipped::default());
        }
    }
}

#[test]
fn more_than_there_is_room_for_is_not_taken() {
    let sent: Vec<_> = (0..40).map(|number| message(number, 4_600)).collect();
    let all = sent.concat();
    let mut stream = Stream::new(StreamKind::Connection);
    assert_eq!(stream.push(&all), ROOM_OCTETS);
    assert_eq!(stream.push(&all), 0);
    for kind in [StreamKind::Connection, StreamKind::File] {
        assert_eq!(read(kind, &all, usize::MAX).0, sent);
    }
}

#[test]
fn a_connection_is_over_after_what_makes_no_sense() {
    let good = message(0, 1);
    let cases: [(&[u8], StreamError); 5] = [
        (b"\x16\x03\x01\x02\x00\x01\x00", StreamError::Foreign { first: 0x1603 }),
        (b"LZ5c____", StreamError::Foreign { first: 0x4c5a }),
        (&[good.as_slice(), &[0, 9, 0, 60, 0]].concat(), StreamError::Version { version: 9 }),
        (&[good.as_slice(), &[0, 10, 0, 15, 0]].concat(), StreamError::Length { length: 15 }),
        (&[good.as_slice(), &good[..33]].concat(), StreamError::Cut),
    ];
    for (octets, expected) in cases {
        let (found, error, mut stream) = read(StreamKind::Connection, octets, 4);
        assert_eq!(error, Some(expected));
        assert!(found.iter().all(|message| *message == good));
        assert_eq!(stream.push(&good), good.len());
        assert!(stream.next_message().is_none());
    }
}

#[test]
fn what_ipfixprobe_compresses_unpacks() {
    let expected = messages(7);
    let packed = octets(LZ4);
    for piece in [1, 7, 1000] {
        let (found, error, stream) = read(StreamKind::Connection, &packed, piece);
        assert_eq!((&found, error), (&expected, None));
        assert!(matches!(stream.carrier, Carrier::Lz4(_)));
    }
}

#[test]
fn what_is_compressed_here_unpacks_to_itself() {
    for ring_octets in [62, 160, 200, 4_374, 1 << 20] {
        let sent = messages(3_000);
        let mut writer = Lz4Writer::new(ring_octets);
        let mut packed = Vec::new();
        for message in &sent {
            writer.write(message, &mut packed).unwrap();
        }
        let (found, error, _) = read(StreamKind::Connection, &packed, 1_000);
        assert!(found == sent && error.is_none(), "ring of {ring_octets}");
        if ring_octets >= 160 {
            assert!(packed.len() < sent.concat().len());
        }
    }
}

#[test]
fn a_message_longer_than_the_ring_is_refused() {
    let mut out = Vec::new();
    let error = Lz4Writer::new(40).write(&message(0, 2), &mut out).unwrap_err();
    assert_eq!(error, BlockTooLong { octets: 48 });
    assert!(Lz4Writer::new(1 << 20).write(&vec![0; 70_000], &mut out).is_err());
    assert!(out.is_empty());
}

#[test]
fn a_compressed_stream_without_block_sizes_is_recognised() {
    let packed = octets(LZ4);
    let without_sizes = [&packed[..8], &packed[12..]].concat();
    assert_eq!(read(StreamKind::Connection, &without_sizes, 1_000).1, Some(StreamError::Variant));
    let size_in_mixed_order = [lz4::MAGIC.as_slice(), &[0xa0, 0, 0, 0], &packed[12..]].concat();
    let error = read(StreamKind::Connection, &size_in_mixed_order, 1_000).1;
    assert_eq!(error, Some(StreamError::Variant));
}

#[test]
fn every_cut_and_every_changed_octet_of_a_compressed_stream_ends_it_well() {
    let expected = messages(7);
    let packed = octets(LZ4);
    for cut in 0..packed.len() {
        let (found, _, _) = read(StreamKind::Connection, &packed[..cut], 9);
        assert!(expected.starts_with(&found), "cut at {cut}");
    }
    for place in 0..packed.len() {
        for bits in [0x01, 0x80, 0xff] {
            let mut changed = packed.clone();
            changed[place] ^= bits;
            read(StreamKind::Connection, &changed, 9);
        }
    }
}

#[test]
fn a_damaged_file_loses_no_more_than_what_is_damaged() {
    let sent = messages(6);
    let garbage =
        [&b"\x00\x0a\xff\xff garbage \x00\x0a\x00\x10 and more"[..], &[0; 40], b"\x00"].concat();
    for (before, behind) in [(0, 6), (3, 3), (6, 0)] {
        let all = [sent[..before].concat(), garbage.clone(), sent[before..].concat()].concat();
        for piece in [1, 50, 10_000] {
            let (found, error, stream) = read(StreamKind::File, &all, piece);
            assert_eq!((found.len(), error), (before + behind, None), "{before} by {piece}");
            assert_eq!(found, sent);
            let skipped = Skipped { octets: garbage.len() as u64, places: 1 };
            assert_eq!(stream.skipped(), skipped, "{before} by {piece}");
        }
    }
}

#[test]
fn a_wrong_length_in_a_file_costs_that_message() {
    for length in [0_u16, 15, 20, 47, 49, 60, 110, 65_535] {
        let mut sent = messages(6);
        sent[2][2..4].copy_from_slice(&length.to_be_bytes());
        let (found, error, stream) = read(StreamKind::File, &sent.concat(), 64);
        sent.remove(2);
        assert_eq!((&found, error), (&sent, None), "{length}");
        assert_eq!(stream.skipped(), Skipped { octets: 48, places: 1 }, "{length}");
    }
}

#[test]
fn a_message_whose_sets_are_damaged_is_found_where_another_follows() {
    let mut sent = messages(3);
    sent[1][16..20].copy_from_slice(&[1, 0, 0, 2]);
    assert_eq!(read(StreamKind::File, &sent.concat(), 64).0, sent);
}

#[test]
fn a_file_that_was_cut_off_gives_what_is_whole() {
    let sent = messages(3);
    let all = sent.concat();
    for cut in 0..all.len() {
        let (found, error, stream) = read(StreamKind::File, &all[..cut], 64);
        assert_eq!(error, None);
        assert!(sent.starts_with(&found), "cut at {cut}");
        let given = found.concat().len() as u64;
        assert_eq!(given + stream.skipped().octets, cut as u64);
    }
}
