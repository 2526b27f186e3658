// SPDX-License-Identifier: Apache-2.0
//! Settings as people write them: four numbers (1 each), and lines. A line that begins with `key`
//! names a key's fields, any other a plugin and its options as `name=value`.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use penstock_fuzz::Input;
use penstock_fuzz::script::Replay;
use penstock_meter::{Meter, SelectAll, Settings};

fuzz_target!(|octets: &[u8]| {
    let mut input = Input::new(octets);
    let mut settings = Settings {
        uniflow: input.u8() & 1 != 0,
        active_timeout_ns: bound(input.u8(), Settings::default().active_timeout_ns),
        idle_timeout_ns: bound(input.u8(), Settings::default().idle_timeout_ns),
        ..Settings::default()
    };
    let which = input.u8();
    settings.max_flows = [1000, 0, usize::MAX, 1][usize::from(which & 3)];
    settings.threads = [1, 0, 257, 2][usize::from(which >> 2 & 3)];
    settings.rows_per_batch = [100, 0, usize::MAX, 1][usize::from(which >> 4 & 3)];
    settings.fragment_timeout_ns = [0, -1, i64::MAX, 1][usize::from(which >> 6)];
    for line in String::from_utf8_lossy(input.rest()).lines() {
        let mut words = line.split(' ');
        let name = words.next().unwrap_or_default();
        if name == "key" {
            settings.key = Some(words.map(String::from).collect());
            continue;
        }
        let options = words.map(|word| {
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            (name.to_owned(), value.to_owned())
        });
        settings.plugins.push((name.to_owned(), options.collect()));
    }
    let source = Replay::new(Arc::default(), 1, false);
    match Meter::new(source, None::<SelectAll>, &settings) {
        Ok(mut meter) => {
            assert_eq!(meter.empty_batch().num_rows(), 0);
            assert!(matches!(meter.next_batch(), Ok(None)));
            assert!(meter.ledger().iter().all(|row| row.count == 0));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});

fn bound(which: u8, usual: i64) -> i64 {
    match which {
        0 => usual,
        1 => 0,
        2 => i64::MAX,
        3 => i64::MIN,
        seconds => i64::from(seconds) * 1_000_000_000,
    }
}
