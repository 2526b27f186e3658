// SPDX-License-Identifier: Apache-2.0
//! Small builders of captures.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

/// A pcap file to be.
pub struct Pcap {
    pub big_endian: bool,
    pub magic: u32,
    pub network: u32,
}

impl Pcap {
    /// What nearly all files are.
    pub const LITTLE: Self = Self { big_endian: false, magic: 0xa1b2_c3d4, network: 1 };

    pub fn header(&self) -> Vec<u8> {
        let version = if self.big_endian { 2 << 16 | 4 } else { 4 << 16 | 2 };
        [self.magic, version, 0, 0, 65_535, self.network]
            .iter()
            .flat_map(|f| self.u32(*f))
            .collect()
    }

    pub fn file(&self, packets: &[(i64, Vec<u8>)]) -> Vec<u8> {
        let mut file = self.header();
        file.extend(packets.iter().flat_map(|(time_ns, octets)| self.record(*time_ns, octets)));
        file
    }

    /// A packet that had 1,000 octets more.
    pub fn record(&self, time_ns: i64, octets: &[u8]) -> Vec<u8> {
        let nanoseconds = u32::try_from(time_ns % 1_000_000_000).unwrap();
        let fraction = if self.magic == 0xa1b2_3c4d { nanoseconds } else { nanoseconds / 1000 };
        let seconds = u32::try_from(time_ns / 1_000_000_000).unwrap();
        let captured = u32::try_from(octets.len()).unwrap();
        let mut record: Vec<u8> = [seconds, fraction, captured, captured + 1000]
            .iter()
            .flat_map(|field| self.u32(*field))
            .collect();
        if self.magic == 0xa1b2_cd34 {
            record.extend([9; 8]);
        }
        record.extend(octets);
        record
    }

    fn u32(&self, value: u32) -> [u8; 4] {
        if self.big_endian { value.to_be_bytes() } else { value.to_le_bytes() }
    }
}

/// Blocks of pcapng.
pub struct Ng {
    pub big_endian: bool,
}

impl Ng {
    pub fn section(&self) -> Vec<u8> {
        let version: u32 = if self.big_endian { 1 << 16 } else { 1 };
        let body = [self.u32(0x1a2b_3c4d), self.u32(version), self.u32(77), self.u32(77)].concat();
        self.block(0x0a0d_0d0a, &body)
    }

    pub fn interface(&self, link: u32, snaplen: u32, options: &[(u16, &[u8])]) -> Vec<u8> {
        let link = if self.big_endian { link << 16 } else { link };
        let mut body = [self.u32(link), self.u32(snaplen)].concat();
        for (code, value) in options {
            body.extend(self.u16(*code));
            body.extend(self.u16(u16::try_from(value.len()).unwrap()));
            body.extend(*value);
            body.resize(body.len().next_multiple_of(4), 0);
        }
        body.extend([0; 4]);
        self.block(1, &body)
    }

    pub fn enhanced(&self, interface: u32, ticks: u64, octets: &[u8]) -> Vec<u8> {
        self.enhanced_with(interface, ticks, octets, &[])
    }

    pub fn enhanced_with(
        &self,
        interface: u32,
        ticks: u64,
        octets: &[u8],
        options: &[u8],
    ) -> Vec<u8> {
        self.packet(6, self.u32(interface), ticks, octets, options)
    }

    pub fn obsolete(&self, interface: u16, ticks: u64, octets: &[u8]) -> Vec<u8> {
        let [a, b] = self.u16(interface);
        self.packet(2, [a, b, 0xff, 0xff], ticks, octets, &[])
    }

    pub fn simple(&self, original: u32, octets: &[u8]) -> Vec<u8> {
        self.block(3, &[&self.u32(original)[..], octets].concat())
    }

    pub fn block(&self, kind: u32, body: &[u8]) -> Vec<u8> {
        let mut body = body.to_vec();
        body.resize(body.len().next_multiple_of(4), 0);
        let total = u32::try_from(body.len() + 12).unwrap();
        block(self.big_endian, kind, total, &body)
    }

    pub fn u64(&self, value: u64) -> [u8; 8] {
        if self.big_endian { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    fn packet(
        &self,
        kind: u32,
        who: [u8; 4],
        ticks: u64,
        octets: &[u8],
        options: &[u8],
    ) -> Vec<u8> {
        let captured = u32::try_from(octets.len()).unwrap();
        let (high, low) = ((ticks >> 32) as u32, (ticks & 0xffff_ffff) as u32);
        let mut body = who.to_vec();
        for field in [high, low, captured, captured + 1000] {
            body.extend(self.u32(field));
        }
        body.extend(octets);
        body.resize(body.len().next_multiple_of(4), 0);
        body.extend(options);
        self.block(kind, &body)
    }

    fn u32(&self, value: u32) -> [u8; 4] {
        if self.big_endian { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    fn u16(&self, value: u16) -> [u8; 2] {
        if self.big_endian { value.to_be_bytes() } else { value.to_le_bytes() }
    }
}

/// A block that says it is `total` octets long, true or not.
pub fn block(big_endian: bool, kind: u32, total: u32, body: &[u8]) -> Vec<u8> {
    let order = |value: u32| if big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
    [&order(kind)[..], &order(total), body, &order(total)].concat()
}

/// A few packets, one of them older than the one before it, one without octets.
pub fn packets() -> Vec<(i64, Vec<u8>)> {
    vec![
        (1_700_000_000_000_000_001, b"first".to_vec()),
        (1_700_000_000_999_999_999, vec![]),
        (1_700_000_000_500_000_000, vec![7; 300]),
        (4_294_967_295_000_001_000, b"last".to_vec()),
    ]
}

/// Enough for several reads, of all lengths and at an uneven rate.
pub fn many_packets() -> Vec<(i64, Vec<u8>)> {
    let mut state = 1_u64;
    let mut time_us = 1_700_000_000_000_000;
    let packet = |_| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let random = (state >> 33) as u32;
        time_us += i64::from(random % 1000) - 100;
        let octet = random.to_le_bytes()[0];
        (time_us * 1000, vec![octet; (random >> 8) as usize % 200])
    };
    (0..10_000).map(packet).collect()
}

/// A file, and after each of its records the place and how many packets there were.
type Recorded = (Vec<u8>, Vec<(usize, usize)>);

pub fn small_pcap() -> Recorded {
    let mut records = vec![(Pcap::LITTLE.header(), false)];
    records
        .extend(packets().iter().map(|(time, octets)| (Pcap::LITTLE.record(*time, octets), true)));
    recorded(&records)
}

pub fn small_pcapng() -> Recorded {
    let ng = Ng { big_endian: true };
    let little = Ng { big_endian: false };
    recorded(&[
        (ng.section(), false),
        (ng.interface(1, 9, &[(9, &[9])]), false),
        (ng.enhanced_with(0, 17, b"enhanced", &[0, 1, 0, 2, b'h', b'i', 0, 0]), true),
        (ng.block(5, &[3; 40]), false),
        (ng.simple(9, b"as it was"), true),
        (little.section(), false),
        (little.interface(101, 0, &[]), false),
        (little.obsolete(0, 23, b"obsolete"), true),
    ])
}

fn recorded(records: &[(Vec<u8>, bool)]) -> Recorded {
    let (mut file, mut ends, mut packets) = (Vec::new(), Vec::new(), 0);
    for (record, is_packet) in records {
        file.extend(record);
        packets += usize::from(*is_packet);
        ends.push((file.len(), packets));
    }
    (file, ends)
}

pub fn gzip(octets: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(octets).unwrap();
    encoder.finish().unwrap()
}

pub fn zstandard(octets: &[u8]) -> Vec<u8> {
    zstd::encode_all(octets, 1).unwrap()
}

/// A folder for files, removed in the end.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("penstock-net-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir(&folder).unwrap();
        Self(folder)
    }

    /// Writes a file and gives its path.
    pub fn write(&self, name: &str, octets: &[u8]) -> String {
        let path = self.0.join(name);
        fs::write(&path, octets).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
