// SPDX-License-Identifier: Apache-2.0
//! Community ID: a name for a flow that other tools give it too.
//!
//! Version 1 of the Community ID specification: `1:` and the Base64 of the SHA-1 of seed,
//! addresses, protocol, a zero octet and ports, ends in order. ICMP types that are
//! asked and answered stand for ports, with the answer's type as the other's.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

use penstock_record::{BatchBuilder, Validity, column};
use penstock_wire::{Ends, Packet};

use crate::plugin::{OptionError, OptionKind, OptionSpec, Options, Plugin, Seen, Spec, Step};

/// The plugin.
pub(crate) struct CommunityId {
    seed: u16,
}

impl Plugin for CommunityId {
    const SPEC: Spec = Spec {
        name: "community_id",
        summary: "The flow's Community ID, as Zeek, Suricata and others compute it",
        reference: "Community ID Flow Hashing, version 1",
        example: "community_id?seed=1",
        columns: &[column::COMMUNITY_ID],
        options: &[OptionSpec {
            name: "seed",
            alias: None,
            kind: OptionKind::Integer { min: 0, max: u16::MAX as u64 },
            default: "0",
            summary: "Keeps apart what must not be compared",
        }],
    };
    type State = String;

    fn new(options: &Options) -> Result<Self, OptionError> {
        Ok(Self { seed: options.integer("seed") as u16 })
    }

    fn start(&self, seen: &Seen<'_>) -> Option<String> {
        Some(self.name(seen.packet))
    }

    fn observe(&self, _: &mut String, _: &Seen<'_>) -> Step {
        Step::Done
    }

    fn write(&self, states: &[Option<String>], batch: &mut BatchBuilder) {
        let valid = Validity::new(states.iter().map(Option::is_some));
        let names = states.iter().map(|name| name.as_deref().unwrap_or(""));
        batch.text(column::COMMUNITY_ID, Some(&valid), names);
    }
}

impl CommunityId {
    fn name(&self, packet: &Packet) -> String {
        let octets = |address: [u8; 16]| match packet.ip_version {
            4 => address.get(12..).unwrap_or(&[]).to_vec(),
            _ => address.to_vec(),
        };
        let (src, dst) = (octets(packet.src), octets(packet.dst));
        let (ports, one_way) = ports(packet);
        let (src_port, dst_port) = ports.unwrap_or_default();
        let ordered = one_way || (&src, src_port) < (&dst, dst_port);
        let (ends, ports) = if ordered {
            ([src, dst], [src_port, dst_port])
        } else {
            ([dst, src], [dst_port, src_port])
        };
        let mut hash = Sha1::new();
        hash.update(self.seed.to_be_bytes());
        for end in &ends {
            hash.update(end);
        }
        hash.update([packet.protocol, 0]);
        // Without ports the ends are followed by nothing.
        if packet.ends != Ends::None && packet.ends != Ends::Unread {
            for port in ports {
                hash.update(port.to_be_bytes());
            }
        }
        format!("1:{}", STANDARD.encode(hash.finalize()))
    }
}

/// What stands for ports, and whether the ends must stay in their order because nothing
/// answers such a message.
fn ports(packet: &Packet) -> (Option<(u16, u16)>, bool) {
    match packet.ends {
        Ends::Ports => (Some((packet.src_port, packet.dst_port)), false),
        Ends::IcmpEcho | Ends::IcmpTimestamp | Ends::IcmpOther => {
            let pairs = if packet.ip_version == 6 { ICMPV6_PAIRS } else { ICMP_PAIRS };
            let pair = pairs.iter().find(|(asked, _)| *asked == packet.icmp_type);
            match pair {
                Some((asked, answered)) => (Some((u16::from(*asked), u16::from(*answered))), false),
                None => (Some((packet.icmp_type.into(), packet.icmp_code.into())), true),
            }
        }
        Ends::None | Ends::Unread => (None, false),
    }
}

/// Types of ICMP (RFC 792, 950, 1256) and the types that answer them.
const ICMP_PAIRS: &[(u8, u8)] =
    &[(0, 8), (8, 0), (13, 14), (14, 13), (15, 16), (16, 15), (10, 9), (9, 10), (17, 18), (18, 17)];
/// Types of `ICMPv6` (RFC 4443, 2710, 4861, 4620, 7390) and the types that answer them.
const ICMPV6_PAIRS: &[(u8, u8)] = &[
    (128, 129),
    (129, 128),
    (133, 134),
    (134, 133),
    (135, 136),
    (136, 135),
    (130, 131),
    (131, 130),
    (139, 140),
    (140, 139),
    (144, 145),
    (145, 144),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(src: [u8; 4], dst: [u8; 4], protocol: u8, ends: Ends) -> Packet {
        let mapped = |address: [u8; 4]| {
            let mut octets = [0; 16];
            octets[10..12].fill(0xFF);
            octets[12..].copy_from_slice(&address);
            octets
        };
        let (src, dst) = (mapped(src), mapped(dst));
        Packet { src, dst, protocol, ends, ip_version: 4, ..Packet::default() }
    }

    #[test]
    fn the_specification_s_example_comes_out() {
        let mut there = packet([128, 232, 110, 120], [66, 35, 250, 204], 6, Ends::Ports);
        (there.src_port, there.dst_port) = (34855, 80);
        let mut back = packet([66, 35, 250, 204], [128, 232, 110, 120], 6, Ends::Ports);
        (back.src_port, back.dst_port) = (80, 34855);
        let plugin = CommunityId { seed: 0 };
        assert_eq!(plugin.name(&there), "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
        assert_eq!(plugin.name(&back), "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
        assert_eq!(CommunityId { seed: 1 }.name(&there), "1:3V71V58M3Ksw/yuFALMcW0LAHvc=");
    }

    #[test]
    fn an_echo_and_its_reply_have_one_name() {
        let mut ping = packet([192, 168, 0, 89], [192, 168, 0, 1], 1, Ends::IcmpEcho);
        ping.icmp_type = 8;
        let mut pong = packet([192, 168, 0, 1], [192, 168, 0, 89], 1, Ends::IcmpEcho);
        pong.icmp_type = 0;
        let plugin = CommunityId { seed: 0 };
        assert_eq!(plugin.name(&ping), "1:X0snYXpgwiv9TZtqg64sgzUn6Dk=");
        assert_eq!(plugin.name(&ping), plugin.name(&pong));
    }
}
