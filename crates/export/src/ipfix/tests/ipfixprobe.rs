// SPDX-License-Identifier: Apache-2.0
//! Records of ipfixprobe, octet for octet.

use super::*;

fn batch() -> RecordBatch {
    let mut batch = BatchBuilder::new(3);
    let tcp = Validity::from_iter([true, false, false]);
    let ports = Validity::from_iter([true, true, false]);
    let icmp = Validity::from_iter([false, false, true]);
    let told = Validity::from_iter([true, false, false]);
    let micro = NOW_NS + 123_456_000;
    batch.timestamps(column::TIME_START, None, [NOW_NS; 3].into_iter());
    batch.timestamps(column::TIME_END, None, [micro; 3].into_iter());
    let (a, b) = (mapped([192, 0, 2, 1]), mapped([198, 51, 100, 7]));
    batch.ip(column::SRC_ADDR, None, [a, IPV6, a].into_iter());
    batch.ip(column::DST_ADDR, None, [b, IPV6, b].into_iter());
    batch.u8(column::IP_VERSION, None, [4, 6, 4].into_iter());
    batch.u8(column::PROTOCOL, None, [6, 17, 1].into_iter());
    batch.u16(column::SRC_PORT, Some(&ports), [50_000, 53, 9].into_iter());
    batch.u16(column::DST_PORT, Some(&ports), [443, 53, 9].into_iter());
    batch.u8(column::ICMP_TYPE, Some(&icmp), [1, 1, 8].into_iter());
    batch.u8(column::ICMP_CODE, Some(&icmp), [1, 1, 2].into_iter());
    batch.u64(column::OCTETS, None, [1_000, 70, 84].into_iter());
    batch.u64(column::PACKETS, None, [10, 1, 1].into_iter());
    batch.u64(column::OCTETS_REV, None, [2_000, 0, 0].into_iter());
    batch.u64(column::PACKETS_REV, None, [9, 0, 0].into_iter());
    batch.u16(column::TCP_FLAGS, Some(&tcp), [0x11b, 7, 7].into_iter());
    batch.u16(column::TCP_FLAGS_REV, Some(&tcp), [0x1b, 7, 7].into_iter());
    batch.u8(column::END_REASON, None, [3, 1, 2].into_iter());
    batch.u8(column::TTL_MAX, None, [64, 255, 63].into_iter());
    batch.u8(column::IP_FLAGS, None, [0x40, 0, 0x20].into_iter());
    batch.u16(column::TCP_WINDOW, Some(&tcp), [0xfaf0, 7, 7].into_iter());
    batch.u64(column::TCP_OPTIONS, Some(&tcp), [0x11c, 7, 7].into_iter());
    batch.u32(column::TCP_MSS, Some(&tcp), [1_460, 7, 7].into_iter());
    batch.u16(column::TCP_SYN_SIZE, Some(&tcp), [60, 7, 7].into_iter());
    batch.list_u16(column::PSTATS_LENGTHS, Some(&told), [2, 0, 0].into_iter(), vec![517, 99]);
    let times = vec![NOW_NS + 1_999_999, NOW_NS + 2_000_000];
    batch.list_timestamps(column::PSTATS_TIMES, Some(&told), [2, 0, 0].into_iter(), times);
    batch.list_u8(column::PSTATS_FLAGS, Some(&told), [2, 0, 0].into_iter(), vec![0x18, 0x10]);
    batch.list_i8(column::PSTATS_DIRECTIONS, Some(&told), [2, 0, 0].into_iter(), vec![1, -1]);
    batch.f64(column::SAMPLING_RATE, None, [1.0; 3].into_iter());
    batch.finish()
}

const BASIC: [(u32, u16, u16); 18] = [
    (0, 136, 1),
    (0, 1, 8),
    (REVERSE, 1, 8),
    (0, 2, 8),
    (REVERSE, 2, 8),
    (0, 154, 8),
    (0, 155, 8),
    (0, 60, 1),
    (0, 4, 1),
    (0, 6, 1),
    (REVERSE, 6, 1),
    (0, 7, 2),
    (0, 11, 2),
    (0, 10, 4),
    (0, 8, 4),
    (0, 12, 4),
    (0, 56, 6),
    (0, 80, 6),
];

const BASICPLUS: [(u32, u16, u16); 11] = [
    (0, 192, 1),
    (REVERSE, 192, 1),
    (0, 197, 1),
    (REVERSE, 197, 1),
    (0, 186, 2),
    (REVERSE, 186, 2),
    (0, 209, 8),
    (REVERSE, 209, 8),
    (8_057, 900, 4),
    (8_057, 901, 4),
    (8_057, 902, 2),
];

#[test]
fn templates_have_its_fields_in_its_order_and_come_in_pairs() {
    let reader = sent(IpfixSettings::ipfixprobe(), &[batch()]);
    assert_eq!(reader.definitions, [261, 260, 259, 258]);
    assert!(reader.options.is_empty());
    let fields = |id: u16| -> Vec<(u32, u16, u16)> {
        reader.templates[&id].fields.iter().map(|f| (f.pen, f.id, f.length)).collect()
    };
    let plain = [&BASIC[..], &BASICPLUS].concat();
    assert_eq!(fields(258), plain);
    let mut ipv6 = plain.clone();
    ipv6[14] = (0, 27, 16);
    ipv6[15] = (0, 28, 16);
    assert_eq!(fields(259), ipv6);
    assert_eq!(fields(260), [&plain[..], &[(0, 291, u16::MAX); 4]].concat());
    assert_eq!(fields(261), [&ipv6[..], &[(0, 291, u16::MAX); 4]].concat());
}

#[test]
fn a_record_of_tcp_is_what_it_would_send() {
    let settings = IpfixSettings::ipfixprobe();
    let mut messages = Messages::default();
    IpfixEncoder::new(settings).encode(&batch(), NOW_NS, &mut messages).unwrap();
    let expected = [
        "03 00000000000003e8 00000000000007d0 000000000000000a 0000000000000009",
        "e8fe6f80 00000000 e8fe6f80 1f9ad20c 04 06 1b 1b c350 01bb 00000000",
        "c0000201 c6336407 000000000000 000000000000",
        "40 00 02 00 faf0 0000 000000000000011c 0000000000000000 000005b4 00000000 003c",
        "ff000d 03 83f5 0002 00001f79 0205 0063",
        "ff0019 03 83f6 0008 00001f79 0000018bcfe56801 0000018bcfe56802",
        "ff000b 03 83f7 0001 00001f79 18 10",
        "ff000b 03 83f8 0001 00001f79 01 ff",
    ];
    let expected = hex(&expected.concat());
    let found = messages.octets.windows(expected.len()).any(|window| window == expected);
    assert!(found, "{:02x?}", messages.octets);
}

#[test]
fn what_a_flow_does_not_have_is_zero_and_icmp_is_in_the_port() {
    let reader = sent(IpfixSettings::ipfixprobe(), &[batch()]);
    let ping = reader.flows.iter().find(|flow| flow.number(0, 4) == Some(1)).unwrap();
    assert_eq!((ping.number(0, 7), ping.number(0, 11)), (Some(0), Some(0x802)));
    assert_eq!((ping.number(0, 6), ping.number(0, 186)), (Some(0), Some(0)));
    assert_eq!((ping.number(0, 192), ping.number(0, 197)), (Some(63), Some(1)));
    assert_eq!(ping.template, 258);
    let udp = reader.flows.iter().find(|flow| flow.number(0, 4) == Some(17)).unwrap();
    assert_eq!((udp.template, udp.number(0, 11)), (259, Some(53)));
    assert_eq!(udp.get(0, 27), Some(&IPV6[..]));
}

#[test]
fn without_basicplus_its_fields_are_not_there() {
    let reader = sent(IpfixSettings::ipfixprobe(), &[flows(3)]);
    assert_eq!(reader.definitions, [259, 258]);
    assert_eq!(reader.templates[&258].fields.len(), 18);
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let octet = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks_exact(2).map(octet).collect()
}
