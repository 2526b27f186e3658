// SPDX-License-Identifier: Apache-2.0
//! Addresses as people write them, one by one and for a whole batch.

use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::{
    Array, ArrayRef, FixedSizeBinaryArray, RecordBatch, RecordBatchOptions, StringArray,
};
use arrow_buffer::{Buffer, OffsetBufferBuilder};
use arrow_schema::{DataType, Field, FieldRef, Schema};

use crate::kind::{EXTENSION_NAME, IP_EXTENSION, MAC_EXTENSION};

/// The batch with its addresses and MACs as text: `192.0.2.1`, `2001:db8::1`
/// (RFC 5952), `02:00:5e:10:00:01`. Other columns are shared with `batch`. Addresses inside
/// lists stay octets.
///
/// # Panics
///
/// If the text of one column exceeds 2 GiB.
pub fn text_addresses(batch: &RecordBatch) -> RecordBatch {
    let schema = batch.schema();
    let (fields, arrays): (Vec<FieldRef>, Vec<ArrayRef>) = schema
        .fields()
        .iter()
        .zip(batch.columns())
        .map(|(field, array)| {
            text_column(field, array).unwrap_or_else(|| (Arc::clone(field), Arc::clone(array)))
        })
        .unzip();
    let schema = Schema::new_with_metadata(fields, schema.metadata().clone());
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::new(schema), arrays, &options)
        .expect("only types of columns have changed, with their fields")
}

/// Appends an address as text: IPv4 if it is mapped, otherwise after RFC 5952.
pub fn write_ip(address: &[u8; 16], out: &mut Vec<u8>) {
    let mut line = Line { octets: [0; LONGEST], used: 0 };
    if let [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, v4 @ ..] = address {
        for (place, octet) in v4.iter().enumerate() {
            if place > 0 {
                line.push(b'.');
            }
            line.push_decimal(*octet);
        }
    } else {
        line.push_groups(address);
    }
    out.extend_from_slice(&line.octets[..line.used]);
}

/// Appends a MAC address as text, in lower case with colons.
pub fn write_mac(address: &[u8; 6], out: &mut Vec<u8>) {
    for (place, octet) in address.iter().enumerate() {
        if place > 0 {
            out.push(b':');
        }
        out.extend([hex_digit(octet >> 4), hex_digit(octet & 15)]);
    }
}

/// Where the zeros are that RFC 5952 section 4.2 replaces: the first of the longest runs of
/// two groups or more. An empty range if there is none.
fn longest_zeros(pairs: &[[u8; 2]]) -> (usize, usize) {
    let mut best = (0, 0);
    let mut start = 0;
    for (place, pair) in pairs.iter().enumerate() {
        if *pair != [0, 0] {
            start = place + 1;
        } else if place + 1 - start >= 2 && place + 1 - start > best.1 - best.0 {
            best = (start, place + 1);
        }
    }
    best
}

/// Octets of `1111:2222:3333:4444:5555:6666:7777:8888`.
const LONGEST: usize = 39;

/// An address being written. It is copied out whole, since a growing vector would ask for
/// room at every digit.
struct Line {
    octets: [u8; LONGEST],
    used: usize,
}

impl Line {
    fn push(&mut self, octet: u8) {
        self.octets[self.used] = octet;
        self.used += 1;
    }

    fn push_decimal(&mut self, octet: u8) {
        if octet >= 100 {
            self.push(b'0' + octet / 100);
        }
        if octet >= 10 {
            self.push(b'0' + octet / 10 % 10);
        }
        self.push(b'0' + octet % 10);
    }

    fn push_groups(&mut self, address: &[u8; 16]) {
        let (pairs, _) = address.as_chunks::<2>();
        let (start, end) = longest_zeros(pairs);
        for (place, pair) in pairs.iter().enumerate() {
            if start < end && place == start {
                self.push(b':');
                self.push(b':');
            }
            if (start..end).contains(&place) {
                continue;
            }
            let behind_gap = start < end && place == end;
            if place > 0 && !behind_gap {
                self.push(b':');
            }
            self.push_hex(*pair);
        }
    }

    fn push_hex(&mut self, [upper, lower]: [u8; 2]) {
        let digits = [upper >> 4, upper & 15, lower >> 4, lower & 15];
        let first = digits.iter().position(|digit| *digit != 0).unwrap_or(3);
        for digit in &digits[first..] {
            self.push(hex_digit(*digit));
        }
    }
}

const fn hex_digit(value: u8) -> u8 {
    if value < 10 { b'0' + value } else { b'a' + value - 10 }
}

fn text_column(field: &Field, array: &ArrayRef) -> Option<(FieldRef, ArrayRef)> {
    let octets = array.as_fixed_size_binary_opt()?;
    let text = match field.metadata().get(EXTENSION_NAME)?.as_str() {
        IP_EXTENSION => text_array(octets, write_ip),
        MAC_EXTENSION => text_array(octets, write_mac),
        _ => return None,
    };
    let field = Field::new(field.name(), DataType::Utf8, field.is_nullable());
    Some((Arc::new(field), Arc::new(text)))
}

fn text_array<const OCTETS: usize>(
    array: &FixedSizeBinaryArray,
    write: fn(&[u8; OCTETS], &mut Vec<u8>),
) -> StringArray {
    let mut offsets = OffsetBufferBuilder::<i32>::new(array.len());
    let mut text = Vec::with_capacity(array.len() * OCTETS);
    for value in array {
        let start = text.len();
        if let Some(address) = value.and_then(|value| value.first_chunk()) {
            write(address, &mut text);
        }
        offsets.push_length(text.len() - start);
    }
    StringArray::new(offsets.finish(), Buffer::from_vec(text), array.nulls().cloned())
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

    use super::*;
    use crate::{BatchBuilder, Validity, column};

    #[test]
    fn ipv6_is_written_as_rfc_5952_says() {
        let cases = [
            "::",
            "::1",
            "1::",
            "2001:db8::1",
            "2001:db8::1:0:0:1",
            "2001:db8:0:1:1:1:1:1",
            "2001:0:0:1::1",
            "fe80::1234:abcd",
            "1:2:3:4:5:6:7:8",
            "0:1:2:3:4:5:6:7",
            "1:2:3:4:5:6:7:0",
            "0:1::",
            "::2:0:0:1:0",
            "64:ff9b::c000:201",
            "ff02::fb",
            "a:0:0:b::",
        ];
        for case in cases {
            let address: Ipv6Addr = case.parse().unwrap();
            assert_eq!(ip_text(address.octets()), address.to_string(), "{case}");
        }
        assert_eq!(
            ip_text("2001:db8:0:0:1:0:0:1".parse::<Ipv6Addr>().unwrap().octets()),
            "2001:db8::1:0:0:1"
        );
    }

    #[test]
    fn ipv4_is_written_with_dots() {
        for octets in [[192, 0, 2, 1], [0, 0, 0, 0], [255, 255, 255, 255], [10, 9, 100, 99]] {
            let address = Ipv4Addr::from(octets);
            assert_eq!(ip_text(address.to_ipv6_mapped().octets()), address.to_string());
        }
    }

    #[test]
    fn every_pattern_of_zero_groups_agrees_with_the_standard_library() {
        for pattern in 0..256_u32 {
            let groups: [u16; 8] = std::array::from_fn(|place| {
                if pattern >> place & 1 == 0 { 0 } else { 0x0a0b >> (place * 2) | 1 }
            });
            let address = Ipv6Addr::from(groups);
            if address.to_ipv4_mapped().is_none() {
                assert_eq!(ip_text(address.octets()), IpAddr::from(address).to_string());
            }
        }
    }

    #[test]
    fn a_mac_is_written_in_lower_case_with_colons() {
        let mut text = Vec::new();
        write_mac(&[0x02, 0x00, 0x5e, 0xAB, 0x0c, 0xff], &mut text);
        assert_eq!(text, b"02:00:5e:ab:0c:ff");
    }

    #[test]
    fn a_batch_keeps_all_but_the_octets_of_its_addresses() {
        let mut builder = BatchBuilder::new(2);
        let mapped = Ipv4Addr::new(192, 0, 2, 1).to_ipv6_mapped().octets();
        builder.ip(column::SRC_ADDR, None, [mapped, Ipv6Addr::LOCALHOST.octets()].into_iter());
        let valid = Validity::from_iter([true, false]);
        builder.mac(column::SRC_MAC, Some(&valid), [[2, 0, 0, 0, 0, 1], [0; 6]].into_iter());
        builder.u64(column::OCTETS, None, [1, 2].into_iter());
        let batch = builder.finish();

        let text = text_addresses(&batch);
        let addresses = text.column_by_name("src_addr").unwrap().as_string::<i32>();
        assert_eq!(addresses.iter().flatten().collect::<Vec<_>>(), ["192.0.2.1", "::1"]);
        let macs = text.column_by_name("src_mac").unwrap().as_string::<i32>();
        assert_eq!(macs.iter().collect::<Vec<_>>(), [Some("02:00:00:00:00:01"), None]);
        assert_eq!(text.column_by_name("octets"), batch.column_by_name("octets"));
        assert!(text.schema().fields().iter().all(|field| field.metadata().is_empty()));
    }

    fn ip_text(octets: [u8; 16]) -> String {
        let mut text = Vec::new();
        write_ip(&octets, &mut text);
        String::from_utf8(text).unwrap()
    }

    fn address_text(octets: [u8; 16]) -> String {
        let mut out = Vec::new();
        write_ip(&octets, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_octet_of_an_ipv4_address_is_written_as_the_standard_library_does() {
        for octet in 0..=255 {
            for ipv4 in [[octet, 0, 2, 255], [10, octet, octet, octet]].map(Ipv4Addr::from) {
                let mapped = ipv4.to_ipv6_mapped().octets();
                assert_eq!(address_text(mapped), ipv4.to_string());
            }
        }
    }

    #[test]
    fn every_pattern_of_zero_groups_is_written_as_the_standard_library_does() {
        for value in [1_u16, 0x10, 0xabc, 0x0fff, 0xffff] {
            for pattern in 0..=255_u8 {
                let groups: [u16; 8] =
                    std::array::from_fn(|bit| if pattern >> bit & 1 == 1 { value } else { 0 });
                let ipv6 = Ipv6Addr::from(groups);
                if ipv6.to_ipv4_mapped().is_none() {
                    assert_eq!(address_text(ipv6.octets()), ipv6.to_string());
                }
            }
        }
    }

    #[test]
    fn the_examples_of_rfc_5952_are_written_as_it_says() {
        for (long, short) in [
            ("2001:0db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
            ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
            ("2001:0DB8::0001", "2001:db8::1"),
            ("0:0:0:0:0:0:0:0", "::"),
        ] {
            let ipv6: Ipv6Addr = long.parse().unwrap();
            assert_eq!(address_text(ipv6.octets()), short);
        }
    }
}
