// SPDX-License-Identifier: Apache-2.0
//! The way through a frame: link layer, IP, transport, and tunnels if asked for.
//!
//! Everything that most packets need is one straight piece of code: one Ethernet
//! header with a tag or none, one IP header, TCP or UDP. Whatever is rarer is a call
//! away, in functions that the compiler keeps out of the way.

use crate::link::{self, ethernet};
use crate::net::{self, Stop};
use crate::transport::trouble;
use crate::tunnel::{self, Spoilt};
use crate::walk::Walk;
use crate::{Dissected, Extra, Frame, Has, LinkType, MAX_TUNNELS, Packet, Tunnels, WireError};

/// Reads the headers of `frame` into `packet` and `extra`.
///
/// After `Ok(Dissected::Ip)` every field of `packet` is this packet's, and the fields of
/// `extra` that `packet.has` names; otherwise what they hold means nothing.
///
/// # Errors
/// The link layer or the outermost IP header cannot be read: no packet can be
/// described. What is wrong *behind* a readable IP header is told by [`Has::TROUBLE`].
pub fn dissect(
    frame: Frame<'_>,
    tunnels: Tunnels,
    packet: &mut Packet,
    extra: &mut Extra,
) -> Result<Dissected, WireError> {
    let limit = match tunnels {
        Tunnels::Inner => MAX_TUNNELS,
        Tunnels::Outer => 0,
    };
    match descend(&frame, limit, packet, extra) {
        Ok(()) => Ok(Dissected::Ip),
        Err(Stop::NotIp(what)) => Ok(Dissected::NotIp(what)),
        Err(Stop::Malformed(error)) => Err(error),
    }
}

/// Describes the innermost packet that can be read, but goes into no more than `limit` tunnels.
#[inline]
fn descend(
    frame: &Frame<'_>,
    limit: usize,
    packet: &mut Packet,
    extra: &mut Extra,
) -> Result<(), Stop> {
    packet.frame_octets = frame.original_octets;
    let mut walk = Walk::new(frame);
    let common = match frame.link {
        LinkType::ETHERNET => ethernet::read_common(&mut walk, Has::NONE, packet),
        _ => None,
    };
    let version = match common {
        Some(version) => version,
        None => walk.aside(|walk| link::read(frame.link, walk, packet, extra))?,
    };
    if let Some(open) = net::read(version, &mut walk, packet, extra)?
        && limit > 0
        && let Err(spoilt) =
            walk.aside(|walk| tunnel::look_inside(open, limit, walk, packet, extra))
    {
        again(frame, spoilt, packet, extra);
    }
    Ok(())
}

/// Describes the packet around one that turned out not to be readable, by reading the frame
/// once more, only so far.
#[cold]
#[inline(never)]
fn again(frame: &Frame<'_>, spoilt: Spoilt, packet: &mut Packet, extra: &mut Extra) {
    // What was read before is read again: this cannot fail.
    let _ = descend(frame, spoilt.readable, packet, extra);
    if let Some(error) = spoilt.error {
        trouble(packet, extra, error);
    }
}

#[cfg(test)]
mod tests {
    use crate::sample::{self, Outcome, Seen};
    use crate::{Ends, Has, LinkType, Tunnels};

    /// What may be said of a frame of which less was captured: something that is said of the
    /// whole frame with some inner packet left out of account, or less.
    fn agrees(part: &Seen, whole: &[Seen]) -> bool {
        whole.iter().any(|whole| {
            let (p, w) = (&part.packet, &whole.packet);
            let header = p.octets == w.octets
                && (p.src, p.dst, p.tos, p.ttl) == (w.src, w.dst, w.tos, w.ttl)
                && p.frame_octets == w.frame_octets;
            let cut = p.has.contains(Has::TROUBLE);
            let transport = (p.protocol, p.ends, p.src_port, p.dst_port, p.tcp_flags)
                == (w.protocol, w.ends, w.src_port, w.dst_port, w.tcp_flags)
                && (p.icmp_type, p.icmp_code, p.icmp_id) == (w.icmp_type, w.icmp_code, w.icmp_id)
                && (p.payload_at, p.payload_octets) == (w.payload_at, w.payload_octets);
            let unread = (p.src_port, p.dst_port, p.tcp_flags, p.icmp_type) == (0, 0, 0, 0)
                && matches!(p.ends, Ends::None | Ends::Unread);
            header && (transport || cut && unread)
        })
    }

    /// Each packet in the frame, from the outermost to the innermost.
    fn levels(link: LinkType, frame: &[u8]) -> Vec<Seen> {
        let mut levels = Vec::new();
        for tunnels in [Tunnels::Outer, Tunnels::Inner] {
            if let Outcome::Ip(seen) = sample::dissected(link, frame, frame.len(), tunnels) {
                levels.push(*seen);
            }
        }
        levels
    }

    #[test]
    fn every_prefix_is_an_error_or_agrees_with_the_whole() {
        for (name, link, frame) in sample::all() {
            let mut whole = levels(link, &frame);
            if name == "nested" {
                // The packet in the middle, which neither way of asking shows.
                let middle = frame.len() - sample::ipv6(6, &sample::tcp(1, 2, b"payload")).len();
                let mut opaque = frame.clone();
                opaque[middle] = 0;
                whole.extend(levels(link, &opaque));
            }
            for captured in 0..frame.len() {
                match sample::dissected(link, &frame[..captured], frame.len(), Tunnels::Inner) {
                    Outcome::Ip(part) => {
                        assert!(agrees(&part, &whole), "{name} cut at {captured}: {part:?}");
                    }
                    Outcome::NotIp(_) | Outcome::Malformed(_) => {}
                }
                // The same octets as a frame that was no longer.
                sample::read(link, &frame[..captured]);
            }
        }
    }

    #[test]
    fn every_sample_but_arp_is_read_to_its_end_without_trouble() {
        for (name, link, frame) in sample::all() {
            match sample::read(link, &frame) {
                Outcome::Ip(seen) => {
                    assert!(!seen.packet.has.contains(Has::TROUBLE), "{name}: {seen:?}");
                    let end = seen.packet.payload_at + seen.packet.payload_octets;
                    assert_eq!(end as usize, frame.len(), "{name}");
                }
                other => assert_eq!(name, "ARP", "{other:?}"),
            }
        }
    }

    #[test]
    fn tunnels_say_which_they_are_and_nothing_else_says_so() {
        for (name, link, frame) in sample::all() {
            if let Outcome::Ip(seen) = sample::read(link, &frame) {
                let tunnels = ["in ", "GRE", "PPTP", "ERSPAN", "VXLAN", "GENEVE", "GTP", "nested"];
                let expected = tunnels.iter().any(|part| name.contains(part))
                    || ["EtherIP", "Teredo"].contains(&name);
                assert_eq!(seen.packet.has.contains(Has::TUNNEL), expected, "{name}");
                let outer = sample::ip_by(Tunnels::Outer, link, &frame).packet;
                assert!(!outer.has.contains(Has::TUNNEL), "{name}");
                assert_eq!(outer == seen.packet, !expected, "{name}");
            }
        }
    }

    #[test]
    fn random_changes_never_panic_and_never_point_outside_for_no_reason() {
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut random = move |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as usize % below
        };
        let samples = sample::all();
        for _ in 0..200_000 {
            let (_, link, frame) = &samples[random(samples.len())];
            let mut frame = frame.clone();
            for _ in 0..=random(4) {
                let at = random(frame.len());
                frame[at] = match random(3) {
                    0 => random(256).to_le_bytes()[0],
                    1 => frame[at] ^ 1 << random(8),
                    _ => [0, 4, 17, 41, 47, 0x45, 0x60, 0xff][random(8)],
                };
            }
            let captured = if random(2) == 0 { frame.len() } else { random(frame.len() + 1) };
            let tunnels = if random(4) == 0 { Tunnels::Outer } else { Tunnels::Inner };
            let outcome = sample::dissected(*link, &frame[..captured], frame.len(), tunnels);
            let Outcome::Ip(seen) = outcome else { continue };
            let packet = seen.packet;
            assert!(packet.transport_at <= packet.payload_at);
            assert!(matches!(packet.ip_version, 4 | 6));
            if packet.ends == Ends::Ports {
                assert!(packet.transport_at as usize + 8 <= captured, "{packet:?}");
            } else {
                assert_eq!((packet.src_port, packet.dst_port), (0, 0));
            }
            assert_eq!(packet.has.contains(Has::TROUBLE), seen.extra.trouble.is_some());
            assert_eq!(packet.has.contains(Has::MPLS), packet.has.any(Has::MPLS));
            assert!(!packet.has.contains(Has::VLANS) || seen.extra.vlans.len() > 1);
        }
    }
}
