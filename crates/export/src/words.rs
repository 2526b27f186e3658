// SPDX-License-Identifier: Apache-2.0
//! Numbers that people read as words: protocols, TCP flags, why a flow ended.
//!
//! Only the table for people uses these; in data the numbers stay.

/// How the numbers of a column read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Vocabulary {
    /// IANA's protocol numbers.
    Protocol,
    /// The low octet of `tcpControlBits`.
    TcpFlags,
    /// `flowEndReason`.
    EndReason,
}

impl Vocabulary {
    /// The vocabulary of a column, if its numbers have one.
    pub fn of(column: &str) -> Option<Self> {
        match column {
            "protocol" => Some(Self::Protocol),
            "tcp_flags" | "tcp_flags_rev" => Some(Self::TcpFlags),
            "end_reason" => Some(Self::EndReason),
            _ => None,
        }
    }

    /// Appends the word for a number; without one, leaves `out` alone and says so.
    pub fn write(self, number: u64, out: &mut Vec<u8>) -> bool {
        let word = match self {
            Self::Protocol => protocol(number),
            Self::TcpFlags => {
                out.extend_from_slice(&tcp_flags(number));
                return true;
            }
            Self::EndReason => end_reason(number),
        };
        out.extend_from_slice(word.unwrap_or_default().as_bytes());
        word.is_some()
    }
}

/// IANA's keyword in lower case, or the name in common use where that is shorter or clearer.
fn protocol(number: u64) -> Option<&'static str> {
    Some(match number {
        1 => "icmp",
        2 => "igmp",
        4 => "ipv4",
        6 => "tcp",
        17 => "udp",
        33 => "dccp",
        41 => "ipv6",
        46 => "rsvp",
        47 => "gre",
        50 => "esp",
        51 => "ah",
        58 => "icmp6",
        88 => "eigrp",
        89 => "ospf",
        97 => "etherip",
        103 => "pim",
        108 => "ipcomp",
        112 => "vrrp",
        115 => "l2tp",
        132 => "sctp",
        136 => "udplite",
        137 => "mpls",
        _ => return None,
    })
}

/// Six letters as in RFC 793's header; the ECN bits that came later are only in data.
fn tcp_flags(bits: u64) -> [u8; 6] {
    let mut letters = *b"UAPRSF";
    for (place, letter) in letters.iter_mut().rev().enumerate() {
        if bits >> place & 1 == 0 {
            *letter = b'.';
        }
    }
    letters
}

/// RFC 5102's five reasons in a word each.
fn end_reason(number: u64) -> Option<&'static str> {
    Some(match number {
        1 => "idle",
        2 => "active",
        3 => "end",
        4 => "forced",
        5 => "resources",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(vocabulary: Vocabulary, number: u64) -> Option<String> {
        let mut out = Vec::new();
        vocabulary.write(number, &mut out).then(|| String::from_utf8(out).unwrap())
    }

    #[test]
    fn each_flag_has_its_place() {
        for (bits, letters) in [
            (0x00, "......"),
            (0x01, ".....F"),
            (0x02, "....S."),
            (0x04, "...R.."),
            (0x08, "..P..."),
            (0x10, ".A...."),
            (0x20, "U....."),
            (0x1b, ".AP.SF"),
            (0x1c0, "......"),
        ] {
            assert_eq!(word(Vocabulary::TcpFlags, bits).as_deref(), Some(letters));
        }
    }

    #[test]
    fn a_number_without_a_word_stays_a_number() {
        assert_eq!(word(Vocabulary::Protocol, 6).as_deref(), Some("tcp"));
        assert_eq!(word(Vocabulary::Protocol, 253), None);
        assert_eq!(word(Vocabulary::EndReason, 5).as_deref(), Some("resources"));
        assert_eq!(word(Vocabulary::EndReason, 0), None);
    }
}
