// SPDX-License-Identifier: Apache-2.0
//! What a collector kept, by whatever hand: it is taken up or refused, within the bounds, and what
//! was taken up is used.
//!
//! ```text
//! how, then octets as they are; or
//! how, contents                              under a right header and checksum; or
//! how, count, (at (2), value) .., messages   what a collector keeps of these, some octets changed
//! ```
#![no_main]

use libfuzzer_sys::fuzz_target;
use penstock_collect::{Collector, Settings};
use penstock_fuzz::messages::{Numbers, message};
use penstock_fuzz::{Input, collected};

fuzz_target!(|octets: &[u8]| {
    let mut input = Input::new(octets);
    let how = input.u8();
    let settings = Settings {
        max_exporters: [65_536, 2][usize::from(how >> 2 & 1)],
        max_templates: [4_096, 2][usize::from(how >> 3 & 1)],
        max_fields: [1_024, 3][usize::from(how >> 4 & 1)],
        ignore_source_port: how & 32 != 0,
        ..Settings::default()
    };
    let images = match how & 3 {
        0 => [input.rest().to_vec(), input.rest().to_vec()],
        1 => [sealed(input.rest()), sealed(input.rest())],
        _ => changed(&mut input),
    };
    let mut collector = Collector::new(settings.clone());
    // Taken up or refused: either will do.
    let _ = collector.restore_templates(&images[0], NOW_NS);
    let _ = collector.restore_sequences(&images[1], NOW_NS);
    collected::check_ledger(&collector, &settings, 0);
    let sent = use_all(&mut collector);
    collected::take(&mut collector);
    collected::check_ledger(&collector, &settings, sent);

    let mut again = Collector::new(settings.clone());
    if let Some(templates) = collector.kept_templates() {
        assert_eq!(again.restore_templates(&templates, NOW_NS), Ok(()));
    }
    assert_eq!(again.restore_sequences(&collector.kept_sequences(), NOW_NS), Ok(()));
    collected::check_ledger(&again, &settings, 0);
});

/// Sends every exporter records of the templates that were taken up for it.
fn use_all(collector: &mut Collector) -> u64 {
    let mut sent = 0;
    for template in collector.templates().into_iter().take(64) {
        let mut octets = match template.protocol {
            "netflow9" => [&[0, 9, 0, 1][..], &[0; 4], &[0x65, 0x53, 0xf1, 0]].concat(),
            _ => [&[0, 10, 2, 20][..], &[0x65, 0x53, 0xf1, 0]].concat(),
        };
        octets.extend([0; 4]);
        octets.extend(template.domain.to_be_bytes());
        octets.extend(template.id.to_be_bytes());
        octets.extend(504_u16.to_be_bytes());
        octets.extend((0..500_u16).map(|at| at.to_be_bytes()[1]));
        collector.datagram(template.addr, template.port, NOW_NS, &octets);
        sent += 1;
    }
    for exporter in collector.exporters().into_iter().take(64) {
        let mut octets = [&[0, 5, 0, 1][..], &[0; 20], &[7; 48]].concat();
        octets[20..22].copy_from_slice(&exporter.domain.to_be_bytes()[2..]);
        collector.datagram(exporter.addr, exporter.port, NOW_NS, &octets);
        sent += 1;
    }
    sent
}

/// What a collector keeps of messages, with some octets of both images changed.
fn changed(input: &mut Input<'_>) -> [Vec<u8>; 2] {
    let count = usize::from(input.u8() % 8);
    let changes: Vec<(u16, u8)> = (0..count).map(|_| (input.u16(), input.u8())).collect();
    let mut collector = Collector::new(Settings::default());
    let mut numbers = Numbers::default();
    for who in 0..16 {
        if input.is_over() {
            break;
        }
        let octets = message(input, &mut numbers, false);
        collector.datagram([who & 3; 16], 4739, NOW_NS, &octets);
    }
    collected::take(&mut collector);
    let images = [collector.kept_templates().unwrap_or_default(), collector.kept_sequences()];
    images.map(|image| {
        let Some(end) = image.len().checked_sub(CHECKSUM_OCTETS) else { return image };
        let mut contents = image[HEADER_OCTETS..end].to_vec();
        for (at, value) in &changes {
            let at = usize::from(*at) % contents.len();
            contents[at] = *value;
        }
        sealed(&contents)
    })
}

/// Contents as if a collector had written them.
fn sealed(contents: &[u8]) -> Vec<u8> {
    let length = (HEADER_OCTETS + contents.len() + CHECKSUM_OCTETS) as u64;
    let mut image = b"penstkEX\0\x01".to_vec();
    image.extend(length.to_be_bytes());
    image.extend_from_slice(contents);
    let checksum = crc32fast::hash(&image);
    image.extend(checksum.to_be_bytes());
    image
}

const NOW_NS: i64 = 1_700_000_000_000_000_000;
const HEADER_OCTETS: usize = 18;
const CHECKSUM_OCTETS: usize = 4;
