// SPDX-License-Identifier: Apache-2.0
//! IPFIX messages, one behind the other; the last may be cut.
#![no_main]

use libfuzzer_sys::fuzz_target;
use penstock_codec::ipfix::{
    HEADER_OCTETS, Header, Message, MessageWriter, OPTIONS_TEMPLATE_SET, TEMPLATE_SET, templates,
    write_template,
};
use penstock_fuzz::exports::{Protocol, check_sets};

fuzz_target!(|octets: &[u8]| {
    let mut rest = octets;
    while let Ok(message) = Message::read(rest) {
        let Header { length, export_time_s, sequence, observation_domain } = message.header;
        assert_eq!(message.octets().len() + message.missing(), usize::from(length));
        assert!(message.missing() == 0 || message.octets().len() == rest.len());
        check_sets(message.sets(), message.octets().len() - HEADER_OCTETS, IPFIX);

        let mut again = Vec::new();
        let mut writer =
            MessageWriter::begin(&mut again, export_time_s, sequence, observation_domain);
        let mut whole = message.missing() == 0;
        for set in message.sets() {
            let Ok(set) = set else {
                whole = false;
                break;
            };
            writer.begin_set(set.id);
            writer.octets().extend_from_slice(set.octets);
        }
        assert_eq!(writer.finish(), Ok(again.len()));
        assert_eq!(again[4..], message.octets()[4..again.len()]);
        assert!(!whole || usize::from(length) - again.len() < 4);
        rest = &rest[message.octets().len()..];
    }
});

const IPFIX: Protocol = Protocol {
    templates: |set| templates(set).collect(),
    write: write_template,
    template_sets: [TEMPLATE_SET, OPTIONS_TEMPLATE_SET],
};
