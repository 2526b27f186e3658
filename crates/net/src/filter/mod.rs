// SPDX-License-Identifier: Apache-2.0
//! Filters in the language of pcap-filter(7).
//!
//! The words are compiled by libpcap, which alone knows all of the language; it is looked for when
//! the first filter is compiled, so that without filters nobody needs it. The compiled program is
//! classic BPF and is run here (`program`), or given to a kernel.

mod libpcap;
mod program;

use std::{error, fmt};

pub use program::{Instruction, Program};

/// Compiles `expression` for frames of `link`, a LINKTYPE number, of which at most `snaplen`
/// octets have been captured; 0 means that there was no limit.
///
/// Host names in the expression are looked up. An empty expression takes every packet.
///
/// Fails if libpcap is not installed, does not understand the expression, or says that no packet
/// of this link can match.
pub fn compile(expression: &str, link: u16, snaplen: u32) -> Result<Program, FilterError> {
    let snaplen = if snaplen == 0 { MOST_SNAPLEN } else { snaplen.min(MOST_SNAPLEN) };
    let link = if NUMBERS_OF_RAW_IP_IN_MEMORY.contains(&link) { RAW_IP } else { link };
    let header = |order| libpcap::header(link, snaplen, order);
    let program = Program::new(libpcap::compile(expression, header(u32::to_ne_bytes))?);
    if link != BSD_LOOPBACK {
        return Ok(program);
    }
    let foreign: fn(u32) -> [u8; 4] =
        if cfg!(target_endian = "little") { u32::to_be_bytes } else { u32::to_le_bytes };
    Ok(program.or_of_foreign_order(libpcap::compile(expression, header(foreign))?))
}

/// Why an expression is not a filter.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum FilterError {
    /// libpcap was not found, or is none that we can use; the text says what to install.
    NoLibrary(String),
    /// libpcap's words for what it does not understand.
    Expression {
        /// The expression as it was given.
        expression: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoLibrary(problem) => f.write_str(problem),
            Self::Expression { expression, problem } => {
                write!(f, "filter \"{expression}\": {problem}")
            }
        }
    }
}

impl error::Error for FilterError {}

/// `LINKTYPE_NULL`: its frames begin with a number in the byte order of whoever captured them.
const BSD_LOOPBACK: u16 = 0;
/// `LINKTYPE_RAW`.
const RAW_IP: u16 = 101;
/// Numbers that systems have for it in memory, and that got into files.
const NUMBERS_OF_RAW_IP_IN_MEMORY: [u16; 2] = [12, 14];
/// libpcap's own bound for Ethernet and IP.
const MOST_SNAPLEN: u32 = 256 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_found_behind_ethernet_and_raw_ip() {
        let raw = udp_packet();
        let frame = [&[0; 12][..], &[8, 0], &raw].concat();
        for (link, bytes) in [(1, &frame), (101, &raw), (12, &raw), (14, &raw), (228, &raw)] {
            assert_eq!(selects("udp port 53", link, bytes), Ok(true), "link {link}");
            assert_eq!(selects("udp port 54", link, bytes), Ok(false), "link {link}");
        }
    }

    #[test]
    fn loopback_frames_of_either_byte_order_are_understood() {
        for family in [[2, 0, 0, 0], [0, 0, 0, 2]] {
            let frame = [&family[..], &udp_packet()].concat();
            for (expression, expected) in
                [("ip", true), ("ip6", false), ("not ip", false), ("udp port 53", true)]
            {
                assert_eq!(selects(expression, 0, &frame), Ok(expected), "{expression}");
            }
        }
    }

    #[test]
    fn arithmetic_jumps_and_lengths_agree_with_the_language() {
        let frame = [&[0; 12][..], &[8, 0], &udp_packet()].concat();
        for (expression, expected) in [
            ("", true),
            ("ip[0] & 0xf = 5 and ip[8] = 64", true),
            ("udp[4:2] = 8 + 4 and udp[4:2] / 4 = 3 and udp[4:2] % 5 = 2", true),
            ("udp[8] ^ 0xff = 0xfe and udp[8] << 3 = 8 and ip[8] >> 2 = 16", true),
            ("ip[ip[20 + 8] - 1] = 0x45 and - ip[8] = 0xffffffc0", true),
            ("len >= 1000 and greater 1000 and not less 999", true),
            ("len = 46", false),
            ("ether[5000] = 0", false),
            ("1 / udp[9] = 0", false),
            ("1 / udp[9] = 0 or udp", false),
            ("net 192.0.2.0/24 and (host 192.0.2.1 or host 192.0.2.9)", true),
            ("src host 192.0.2.2", false),
            ("portrange 50-60 and not tcp and not ip6", true),
            ("vlan", false),
        ] {
            assert_eq!(selects(expression, 1, &frame), Ok(expected), "{expression}");
        }
    }

    #[test]
    fn a_wrong_expression_is_told_in_words_of_the_library() {
        let error = compile("tcp prot 80", 1, 0).unwrap_err();
        assert!(error.to_string().starts_with("filter \"tcp prot 80\": "), "{error}");
        let error = compile("tcp\0", 1, 0).unwrap_err();
        assert_eq!(error.to_string(), "filter \"tcp\0\": holds a zero octet");
    }

    #[test]
    fn many_threads_may_compile_at_once() {
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for port in 1..100 {
                        assert!(compile(&format!("tcp port {port}"), 1, 96).is_ok());
                    }
                });
            }
        });
    }

    fn selects(expression: &str, link: u16, bytes: &[u8]) -> Result<bool, FilterError> {
        Ok(compile(expression, link, 65_535)?.matches(bytes, 1000))
    }

    /// From 192.0.2.1 port 4000 to 192.0.2.9 port 53, four octets of payload.
    fn udp_packet() -> Vec<u8> {
        let mut packet = vec![0x45, 0, 0, 32, 0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 9];
        packet.extend([0x0f, 0xa0, 0, 53, 0, 12, 0, 0, 1, 0, 0, 0]);
        packet
    }
}
