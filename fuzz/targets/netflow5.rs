// SPDX-License-Identifier: Apache-2.0
//! A datagram of `NetFlow` version 5: packets, one behind the other.
#![no_main]

use libfuzzer_sys::fuzz_target;
use penstock_codec::netflow::v5::{HEADER_OCTETS, Packet, RECORD_OCTETS, template, write_header};
use penstock_fuzz::exports::check_records;

fuzz_target!(|octets: &[u8]| {
    let mut rest = octets;
    while let Ok(packet) = Packet::read(rest) {
        let mut header = Vec::new();
        write_header(&mut header, &packet.header);
        assert_eq!(header, rest[..HEADER_OCTETS]);
        assert!(packet.header.sampling_mode() < 4);

        assert_eq!(packet.records.len() % RECORD_OCTETS, 0);
        let came = packet.records.len() / RECORD_OCTETS;
        assert_eq!(came + usize::from(packet.missing), usize::from(packet.header.count));
        assert_eq!(packet.records, &rest[HEADER_OCTETS..HEADER_OCTETS + packet.records.len()]);
        check_records(template(), packet.records);

        let read = HEADER_OCTETS + packet.records.len();
        assert!(packet.missing > 0 || read + packet.rest.len() == rest.len());
        assert!(packet.missing == 0 || packet.rest.is_empty());
        rest = packet.rest;
    }
});
