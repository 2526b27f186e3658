// SPDX-License-Identifier: Apache-2.0
//! A datagram of `NetFlow` version 9.
#![no_main]

use libfuzzer_sys::fuzz_target;
use penstock_codec::netflow::v9::{
    HEADER_OCTETS, OPTIONS_TEMPLATE_SET, Packet, PacketWriter, TEMPLATE_SET, templates,
    write_template,
};
use penstock_fuzz::exports::{Protocol, check_sets};

fuzz_target!(|octets: &[u8]| {
    let Ok(packet) = Packet::read(octets) else { return };
    check_sets(packet.sets(), octets.len() - HEADER_OCTETS, NETFLOW9);

    let mut again = Vec::new();
    let mut writer = PacketWriter::begin(&mut again, &packet.header);
    for set in packet.sets().flatten() {
        writer.begin_set(set.id);
        writer.octets().extend_from_slice(set.octets);
    }
    let written = writer.finish(packet.header.count);
    if u16::try_from(octets.len()).is_ok() {
        assert_eq!(written, Ok(again.len()));
        assert_eq!(again, octets[..again.len()]);
    }
});

const NETFLOW9: Protocol = Protocol {
    templates: |set| templates(set).collect(),
    write: write_template,
    template_sets: [TEMPLATE_SET, OPTIONS_TEMPLATE_SET],
};
