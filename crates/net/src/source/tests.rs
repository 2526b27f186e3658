// SPDX-License-Identifier: Apache-2.0
//! Captures as a whole: every format, every packing, every cut, and where chunks end.

use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;

use super::*;

mod build;
use build::{Ng, Pcap, block, gzip, packets, zstandard};

#[test]
fn every_variant_of_pcap_gives_the_same_packets() {
    let expected = packets();
    for big_endian in [false, true] {
        for (magic, resolution_ns) in [(0xa1b2_c3d4, 1000), (0xa1b2_3c4d, 1), (0xa1b2_cd34, 1000)] {
            let file = Pcap { big_endian, magic, network: 1 }.file(&expected);
            let (found, failure) = read(file);
            assert_eq!(failure, None);
            let expected: Vec<_> = expected
                .iter()
                .map(|(time, octets)| (time / resolution_ns * resolution_ns, octets.clone()))
                .collect();
            assert_eq!(found, expected, "{magic:x}");
        }
    }
}

#[test]
fn the_link_type_is_the_lower_half_of_its_field() {
    let file =
        Pcap { big_endian: false, magic: 0xa1b2_c3d4, network: 0x2400_0065 }.file(&packets());
    let mut chunk = Chunk::default();
    let mut capture = Capture::from_octets("x.pcap", file).unwrap();
    let limits = Limits { span_ns: i64::MAX, ..Limits::default() };
    assert_eq!(capture.read_chunk(&limits, &mut chunk), Ok(true));
    assert!(chunk.packets.iter().all(|packet| packet.link == 101));
    assert_eq!(chunk.packets[0].original_octets, chunk.packets[0].captured_octets + 1000);
    assert_eq!((chunk.number, chunk.backwards), (0, 1));
    assert_eq!(chunk.clock_ns, packets().iter().map(|(time, _)| *time).max().unwrap());
}

#[test]
fn sections_of_pcapng_have_their_own_order_and_interfaces() {
    let mut file = Vec::new();
    for big_endian in [true, false] {
        let ng = Ng { big_endian };
        file.extend(ng.section());
        file.extend(ng.interface(1, 0, &[(9, &[9])]));
        file.extend(ng.interface(101, 3, &[(2, b"eth0"), (9, &[0x80 | 8]), (14, &ng.u64(100))]));
        file.extend(ng.block(0x0bad, b"passed over!"));
        file.extend(ng.enhanced(0, 5_000_000_007, b"four"));
        file.extend(ng.block(5, &[0; 12]));
        file.extend(ng.enhanced(1, 512, b"raw"));
        file.extend(ng.obsolete(1, 256, b"old"));
        file.extend(ng.simple(3, b"sim"));
        file.extend(ng.block(10, &vec![7; 100_000]));
    }
    let mut capture = Capture::from_octets("x.pcapng", file).unwrap();
    let mut chunk = Chunk::default();
    let limits = Limits { span_ns: i64::MAX, ..Limits::default() };
    assert_eq!(capture.read_chunk(&limits, &mut chunk), Ok(true));
    let found: Vec<_> = chunk.packets.iter().map(|p| (p.time_ns, p.link, chunk.frame(p))).collect();
    let section = [
        (5_000_000_007, 1, &b"four"[..]),
        (102_000_000_000, 101, b"raw"),
        (101_000_000_000, 101, b"old"),
        (101_000_000_000, 1, b"sim"),
    ];
    assert_eq!(found, [section, section].concat());
    assert_eq!(capture.read_chunk(&limits, &mut chunk), Ok(false));
}

#[test]
fn a_simple_packet_is_cut_at_the_snap_length_and_has_no_time_at_first() {
    let ng = Ng { big_endian: false };
    let file = [ng.section(), ng.interface(1, 4, &[]), ng.simple(1500, b"fourAA")].concat();
    let mut capture = Capture::from_octets("x.pcapng", file).unwrap();
    let mut chunk = Chunk::default();
    assert_eq!(capture.read_chunk(&Limits::default(), &mut chunk), Ok(true));
    let packet = chunk.packets[0];
    assert_eq!(
        (chunk.frame(&packet), packet.original_octets, packet.time_ns),
        (&b"four"[..], 1500, 0)
    );
}

#[test]
fn the_earliest_time_that_can_be_written_is_a_time() {
    let ng = Ng { big_endian: true };
    let interface = ng.interface(101, 0, &[(14, &ng.u64(1 << 63))]);
    let file = [ng.section(), interface, ng.enhanced(0, 0, b"raw")].concat();
    let capture = Capture::from_octets("x.pcapng", file).unwrap();
    assert_eq!(chunks(capture, &Limits::default())[0].1, i64::MIN);
}

#[test]
fn damage_names_the_file_and_the_octet() {
    let ng = Ng { big_endian: true };
    let start = [ng.section(), ng.interface(1, 0, &[])].concat();
    let at = start.len();
    let mut unequal = ng.enhanced(0, 1, b"four");
    *unequal.last_mut().unwrap() ^= 4;
    let mut unequal_passed = ng.block(77, b"four");
    *unequal_passed.last_mut().unwrap() ^= 4;
    let mut long = ng.enhanced(0, 1, b"four");
    long[23] = 200;
    for (block, problem) in [
        (ng.enhanced(7, 1, b"four"), "interface 7 has not been described"),
        (ng.obsolete(1, 1, b"four"), "interface 1 has not been described"),
        (unequal, "a block begins with length 36 and ends with 32"),
        (unequal_passed, "a block begins with length 16 and ends with 20"),
        (long, "captured length 200 in a block with 4 left"),
        (block(true, 6, 30, &[0; 22]), "a block cannot be 30 octets long"),
        (block(true, 6, 8, &[]), "a block cannot be 8 octets long"),
        (block(true, 6, 20, &[0; 8]), "a block of type 6 cannot be 20 octets long"),
        (block(true, 6, 1 << 30, &[]), "a block of type 6 cannot be 1073741824 octets long"),
        (block(true, 99, 1 << 30, &[]), "block needs 1073741824 octets, 12 left"),
        (ng.interface(1, 0, &[(9, &[1, 2])]), "a time option of the wrong length"),
        (ng.block(0x0a0d_0d0a, &[0; 16]), "section header without a byte-order magic"),
    ] {
        let failure = read([start.clone(), block].concat()).1.unwrap();
        assert_eq!(failure.to_string(), format!("x: octet {at}: {problem}"));
        assert_eq!(failure.kind, SourceErrorKind::Malformed);
    }
    let mut file = Pcap::LITTLE.file(&packets());
    file[24 + 8..24 + 12].copy_from_slice(&0x0010_0000_u32.to_le_bytes());
    let failure = read(file).1.unwrap();
    assert_eq!(failure.to_string(), "x: octet 24: captured length 1048576 is more than 262144");
}

#[test]
fn what_is_no_capture_is_refused_when_it_is_opened() {
    for (octets, problem) in [
        (&b""[..], "the file is empty"),
        (b"\xd4\xc3\xb2", "not a pcap or pcapng file"),
        (b"plain words", "not a pcap or pcapng file"),
        (&gzip(b"plain words"), "not a pcap or pcapng file"),
        (&gzip(b""), "the file is empty"),
        (&gzip(&gzip(&Pcap::LITTLE.file(&packets()))), "not a pcap or pcapng file"),
        (
            b"\xfd7zXZ\0\0",
            "is packed with xz, which is not read here; unpack it first, or use gzip or zstd",
        ),
    ] {
        let failure = Capture::from_octets("x.txt", octets.to_vec()).err().unwrap();
        assert_eq!(failure.to_string(), format!("x.txt: octet 0: {problem}"));
    }
    for (names, problem) in [
        (&["/nowhere/x.pcap"][..], "/nowhere/x.pcap: no such file"),
        (&["pcap:/"], "/: is a directory, not a capture"),
        (&["/dev/null"], "/dev/null: octet 0: the file is empty"),
        (&[], "capture: none was named"),
    ] {
        let names: Vec<_> = names.iter().map(ToString::to_string).collect();
        assert_eq!(Capture::open(&names).err().unwrap().to_string(), problem);
    }
}

#[test]
fn every_prefix_gives_the_packets_up_to_the_cut_and_then_an_error() {
    for (file, ends) in [build::small_pcap(), build::small_pcapng()] {
        let whole = read(file.clone()).0;
        for len in 4..file.len() {
            let (found, failure) = read(file[..len].to_vec());
            assert_eq!(found, whole[..found.len()], "{len}");
            let record = ends.iter().rev().find(|(end, _)| *end <= len);
            let (start, count) = record.copied().unwrap_or_default();
            assert_eq!(found.len(), count, "{len}");
            assert_eq!(failure.is_none(), start == len, "{len}");
            if let Some(failure) = failure {
                assert_eq!(failure.offset, Some(start as u64), "{len}: {failure}");
                let left = format!("octets, {} left", len - start);
                assert!(failure.problem.ends_with(&left), "{len}: {failure}");
            }
        }
    }
}

#[test]
fn every_prefix_of_a_packed_capture_ends_without_a_wrong_packet() {
    for (file, _) in [build::small_pcap(), build::small_pcapng()] {
        let whole = read(file.clone()).0;
        for packed in [gzip(&file), zstandard(&file)] {
            for len in 0..packed.len() {
                let Ok(capture) = Capture::from_octets("x", packed[..len].to_vec()) else {
                    continue;
                };
                let (found, failure) = drain(capture, &Limits::default());
                assert_eq!(found, whole[..found.len()], "{len}");
                assert!(failure.is_some() || found == whole, "{len}");
            }
        }
    }
}

#[test]
fn no_change_of_an_octet_makes_it_panic() {
    let limits = Limits { packets: 3, octets: 100, ..Limits::default() };
    for (file, _) in [build::small_pcap(), build::small_pcapng()] {
        for at in 0..file.len() {
            for change in [1, 0x80, 0xff] {
                let mut changed = file.clone();
                changed[at] ^= change;
                if let Ok(capture) = Capture::from_octets("x", changed) {
                    drain(capture, &limits);
                }
            }
        }
        for packed in [gzip(&file), zstandard(&file)] {
            for at in 0..packed.len() {
                let mut changed = packed.clone();
                changed[at] ^= 0x55;
                if let Ok(capture) = Capture::from_octets("x", changed) {
                    drain(capture, &limits);
                }
            }
        }
    }
}

#[test]
fn an_error_comes_after_the_packets_before_it_and_stays() {
    let mut file = Pcap::LITTLE.file(&packets());
    file.pop();
    let mut capture = Capture::from_octets("cut.pcap", file).unwrap();
    let mut chunk = Chunk::default();
    let limits = Limits { span_ns: i64::MAX, ..Limits::default() };
    assert_eq!(capture.read_chunk(&limits, &mut chunk), Ok(true));
    assert_eq!(chunk.packets.len(), packets().len() - 1);
    for _ in 0..2 {
        let failure = capture.read_chunk(&limits, &mut chunk).unwrap_err();
        assert!(failure.to_string().starts_with("cut.pcap: octet "), "{failure}");
        assert!(failure.to_string().contains(": packet record needs "), "{failure}");
        assert!(chunk.packets.is_empty());
    }
}

#[test]
fn chunks_end_by_count_by_time_and_by_octets() {
    let second = 1_000_000_000;
    let times = [5, 4, 5, 6, 3, 5, 9, 9, 9, 9].map(|time| (time * second, vec![0; 10]));
    let file = Pcap::LITTLE.file(&times);
    let sizes = |packets, span_ns, octets| {
        let mut capture = Capture::from_octets("x", file.clone()).unwrap();
        let (mut chunk, mut sizes) = (Chunk::default(), Vec::new());
        let limits = Limits { packets, span_ns, octets };
        while capture.read_chunk(&limits, &mut chunk).unwrap() {
            assert_eq!(chunk.number, sizes.len() as u64);
            sizes.push(chunk.packets.len());
        }
        sizes
    };
    assert_eq!(sizes(4, i64::MAX, 1000), [4, 4, 2]);
    assert_eq!(sizes(0, i64::MAX, 1000), [1; 10]);
    // The second chunk begins at the clock, 6 s, although a packet of 3 s is its second.
    assert_eq!(sizes(100, second, 1000), [3, 3, 4]);
    assert_eq!(sizes(100, i64::MAX, 39), [3, 3, 3, 1]);
    assert_eq!(sizes(100, i64::MAX, 5), [1; 10]);
}

#[test]
fn files_packed_files_and_pipes_give_the_same_chunks() {
    let packets = build::many_packets();
    let file = Pcap::LITTLE.file(&packets);
    let (first, second) = packets.split_at(packets.len() / 3);
    let (first, second) = (Pcap::LITTLE.file(first), Pcap::LITTLE.file(second));
    let members = file.chunks(70_000);
    let gzip_members: Vec<u8> = members.clone().flat_map(gzip).collect();
    let zstd_frames: Vec<u8> = members.flat_map(zstandard).collect();
    for limits in [
        Limits::default(),
        Limits { packets: 100, ..Limits::default() },
        Limits { octets: 10_000, ..Limits::default() },
    ] {
        let plain = chunks(Capture::from_octets("x", file.clone()).unwrap(), &limits);
        assert!(plain.len() > 3);
        for packed in [&gzip_members, &zstd_frames] {
            let capture = Capture::from_octets("x", packed.clone()).unwrap();
            assert_eq!(chunks(capture, &limits), plain);
        }
        for content in [&file, &gzip_members, &zstd_frames] {
            let content = content.clone();
            let (reader, mut writer) = std::io::pipe().unwrap();
            let thread = std::thread::spawn(move || {
                for part in content.chunks(3333) {
                    writer.write_all(part).unwrap();
                }
            });
            assert_eq!(chunks(over_pipe(reader.into()), &limits), plain);
            thread.join().unwrap();
        }
        let folder = build::Folder::new();
        let names = [folder.write("a.pcap", &gzip(&first)), folder.write("b", &second)];
        let capture = Capture::open(&names).unwrap();
        assert_eq!(capture.octets_total(), Some((gzip(&first).len() + second.len()) as u64));
        assert_eq!(chunks(capture, &limits), plain);
    }
}

#[test]
fn octets_read_reach_the_total_of_all_files() {
    let folder = build::Folder::new();
    let file = Pcap::LITTLE.file(&packets());
    let names =
        [folder.write("a", &file), format!("pcap:{}", folder.write("b", &zstandard(&file)))];
    let mut capture = Capture::open(&names).unwrap();
    while capture.read_chunk(&Limits::default(), &mut Chunk::default()).unwrap() {}
    assert_eq!(Some(capture.octets_read()), capture.octets_total());
}

#[test]
fn a_later_file_that_is_no_capture_fails_after_the_packets_before_it() {
    let folder = build::Folder::new();
    let text = folder.write("b.txt", b"plain words");
    let names = [folder.write("a.pcap", &Pcap::LITTLE.file(&packets())), text.clone()];
    let (found, failure) = drain(Capture::open(&names).unwrap(), &Limits::default());
    assert_eq!(found.len(), packets().len());
    let expected = format!("{text}: octet 0: not a pcap or pcapng file");
    assert_eq!(failure.unwrap().to_string(), expected);
    let missing = names.map(|name| name.replace(".txt", ".missing"));
    let failure = Capture::open(&missing).err().unwrap();
    assert!(failure.to_string().ends_with("b.missing: no such file"), "{failure}");
}

#[test]
fn a_pipe_that_waits_hands_over_what_it_has_and_can_be_stopped() {
    let file = Pcap::LITTLE.file(&packets());
    let whole = Limits { span_ns: i64::MAX, ..Limits::default() };
    for content in [file.clone(), gzip(&file)] {
        let (reader, mut writer) = std::io::pipe().unwrap();
        writer.write_all(&content).unwrap();
        let mut capture = over_pipe(reader.into());
        assert_eq!(capture.octets_total(), None);
        let mut chunk = Chunk::default();
        assert_eq!(capture.read_chunk(&whole, &mut chunk), Ok(true));
        assert_eq!(chunk.packets.len(), packets().len());
        let stopper = capture.stopper();
        let thread = std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(50));
            stopper.stop();
        });
        assert_eq!(capture.read_chunk(&whole, &mut chunk), Ok(false));
        thread.join().unwrap();
        drop(writer);
    }
}

#[test]
fn endless_comments_do_not_fill_the_memory() {
    let ng = Ng { big_endian: false };
    let mut file = [ng.section(), ng.interface(1, 0, &[])].concat();
    let comment = [&[1, 0, 0xa0, 0x86][..], &vec![b'x'; 0x86a0]].concat();
    for number in 0..200 {
        file.extend(ng.enhanced_with(0, 1, &[number; 7], &comment));
        file.extend(ng.block(9, &vec![1; 100_000]));
    }
    let limits = Limits { octets: 4000, ..Limits::default() };
    let mut capture = Capture::from_octets("x", zstandard(&file)).unwrap();
    let mut chunk = Chunk::default();
    assert_eq!(capture.read_chunk(&limits, &mut chunk), Ok(true));
    assert_eq!(chunk.packets.len(), 200);
    for (number, packet) in (0..).zip(&chunk.packets) {
        assert_eq!(chunk.frame(packet), [number; 7]);
    }
    assert!(chunk.bytes.len() < 2 << 20, "{}", chunk.bytes.len());
}

type Packets = Vec<(i64, Vec<u8>)>;

fn read(file: Vec<u8>) -> (Packets, Option<SourceError>) {
    drain(Capture::from_octets("x", file).unwrap(), &Limits::default())
}

fn drain(mut capture: Capture, limits: &Limits) -> (Packets, Option<SourceError>) {
    let (mut chunk, mut found) = (Chunk::default(), Vec::new());
    loop {
        match capture.read_chunk(limits, &mut chunk) {
            Ok(true) => {
                found.extend(chunk.packets.iter().map(|p| (p.time_ns, chunk.frame(p).to_vec())));
            }
            Ok(false) => return (found, None),
            Err(failure) => return (found, Some(failure)),
        }
    }
}

/// All that a chunk says, but for where its packets are in memory.
fn chunks(mut capture: Capture, limits: &Limits) -> Vec<(u64, i64, u64, Packets)> {
    let (mut chunk, mut found) = (Chunk::default(), Vec::new());
    while capture.read_chunk(limits, &mut chunk).unwrap() {
        let packets = chunk.packets.iter().map(|p| (p.time_ns, chunk.frame(p).to_vec())).collect();
        found.push((chunk.number, chunk.clock_ns, chunk.backwards, packets));
    }
    found
}

fn over_pipe(pipe: OwnedFd) -> Capture {
    Capture::start(VecDeque::from([Location::Pipe(File::from(pipe))]), None).unwrap()
}
