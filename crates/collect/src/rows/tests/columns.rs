// SPDX-License-Identifier: Apache-2.0
//! Template, octets of records, columns expected: a row a rule.

use arrow_array::RecordBatch;
use penstock_codec::VARIABLE;

use super::{Dialect, One, Plan, Rows, decode, first, iana, message, octets, show, template};

const ENDS: [(u16, u16); 5] = [(8, 4), (12, 4), (4, 1), (7, 2), (11, 2)];

/// A record of TCP, UDP or else between the same ends.
fn ends(protocol: u8, src_port: u16, dst_port: u16) -> Vec<u8> {
    let mut set = vec![192, 0, 2, 1, 198, 51, 100, 7, protocol];
    set.extend(src_port.to_be_bytes());
    set.extend(dst_port.to_be_bytes());
    set
}

#[test]
fn numbers_are_read_in_any_width_by_their_lowest_octets() {
    for width in 1..=9 {
        let hex = "00".repeat(width - 1) + "2a";
        let shown =
            first(&[(1, width as u16), (10, width as u16)], &(hex.clone() + &hex), "octets in_if");
        assert_eq!(shown, "octets=42 in_if=42");
    }
    assert_eq!(first(&[(89, 4)], "00000040", "forwarding_status"), "forwarding_status=64");
    assert_eq!(
        first(&[(1, 3), (6, 1)], "010203 12", "octets tcp_flags"),
        "octets=66051 tcp_flags=18"
    );
    assert_eq!(first(&[(1, VARIABLE)], "03 010203", "octets"), "octets=66051");
}

#[test]
fn the_first_element_of_the_registry_wins_and_the_others_are_extra() {
    assert_eq!(
        first(&[(85, 2), (1, 2), (1, 2)], "0007 0008 0009", "octets counter_semantics extra"),
        "octets=8 counter_semantics=delta extra=[0/85/0007,0/1/0009]"
    );
    assert_eq!(
        first(&[(86, 2), (85, 2)], "0007 0008", "octets packets counter_semantics"),
        "octets=8 packets=7 counter_semantics=total"
    );
    assert_eq!(first(&[(23, 1), (24, 1)], "07 08", "octets packets"), "octets=7 packets=8");
}

#[test]
fn what_responders_sent_is_the_reverse_of_what_initiators_sent() {
    let shown = first(
        &[(8, 4), (231, 1), (232, 1), (298, 1), (299, 1)],
        "0a000001 01 02 03 04",
        "octets octets_rev packets packets_rev",
    );
    assert_eq!(shown, "octets=1 octets_rev=2 packets=3 packets_rev=4");
    let shown = first(
        &[(8, 4), (1, 1), (231, 1), (232, 1)],
        "0a000001 01 02 03",
        "octets octets_rev extra",
    );
    assert_eq!(shown, "octets=1 extra=[0/231/02,0/232/03]");
}

#[test]
fn ports_belong_to_protocols_that_have_them() {
    let set = [ends(6, 0, 0), ends(17, 53, 1053), ends(47, 0, 0), ends(47, 1, 2)].concat();
    let (_, batch) = decode(&iana(&ENDS), Dialect::NetFlow9, &set);
    let shown = |row| show(&batch, row, "src_port dst_port icmp_type");
    assert_eq!(shown(0), "src_port=0 dst_port=0 icmp_type=-");
    assert_eq!(shown(1), "src_port=53 dst_port=1053 icmp_type=-");
    assert_eq!(shown(2), "src_port=- dst_port=- icmp_type=-");
    assert_eq!(shown(3), "src_port=1 dst_port=2 icmp_type=-");
}

#[test]
fn icmp_without_elements_of_its_own_is_in_a_port() {
    let set = [ends(1, 0, 0x0301), ends(58, 0x8000, 0), ends(1, 0, 0)].concat();
    for (dialect, silent) in [
        (Dialect::NetFlow9, "icmp_type=0 icmp_code=0"),
        (Dialect::Ipfix, "icmp_type=- icmp_code=-"),
    ] {
        let (_, batch) = decode(&iana(&ENDS), dialect, &set);
        let shown = |row| show(&batch, row, "src_port icmp_type icmp_code");
        assert_eq!(shown(0), "src_port=- icmp_type=3 icmp_code=1");
        assert_eq!(shown(1), "src_port=- icmp_type=128 icmp_code=0");
        assert_eq!(shown(2), format!("src_port=- {silent}"));
    }
}

#[test]
fn icmp_has_elements_by_family_or_for_both() {
    let names = "icmp_type icmp_code";
    assert_eq!(first(&[(4, 1), (32, 2)], "01 0301", names), "icmp_type=3 icmp_code=1");
    assert_eq!(
        first(&[(27, 16), (4, 1), (32, 2)], &("00".repeat(15) + "01 3a 8001"), names),
        "icmp_type=128 icmp_code=1"
    );
    assert_eq!(
        first(&[(4, 1), (178, 1), (179, 1)], "3a 87 00", names),
        "icmp_type=135 icmp_code=0"
    );
    assert_eq!(first(&[(4, 1), (176, 1), (177, 1)], "06 00 00", names), "icmp_type=- icmp_code=-");
    let both = [(60, 1), (8, 4), (27, 16), (4, 1), (176, 1), (178, 1)];
    let ipv6 = "20010db8".to_owned() + &"00".repeat(11) + "01";
    assert_eq!(
        first(&both, &format!("06 00000000 {ipv6} 3a 00 80"), names),
        "icmp_type=128 icmp_code=0"
    );
    assert_eq!(
        first(&both, &format!("04 0a000001 {} 01 08 00", "00".repeat(16)), names),
        "icmp_type=8 icmp_code=0"
    );
}

#[test]
fn a_record_with_fields_of_both_families_uses_one() {
    let zero = "00".repeat(16);
    let ipv6 = "20010db8".to_owned() + &"00".repeat(11) + "01";
    let fields = [(8, 4), (27, 16), (12, 4), (28, 16)];
    let names = "src_addr dst_addr ip_version";
    assert_eq!(
        first(&fields, &format!("0a000001{zero}0a000002{zero}"), names),
        "src_addr=10.0.0.1 dst_addr=10.0.0.2 ip_version=4"
    );
    assert_eq!(
        first(&fields, &format!("00000000{ipv6}00000000{ipv6}"), names),
        "src_addr=2001:db8::1 dst_addr=2001:db8::1 ip_version=6"
    );
    let told = [(60, 1), (8, 4), (27, 16), (12, 4), (28, 16)];
    assert_eq!(
        first(&told, &format!("04 0a000001{ipv6}0a000002{ipv6}"), names),
        "src_addr=10.0.0.1 dst_addr=10.0.0.2 ip_version=4"
    );
    assert_eq!(
        first(&told, &format!("00 0a000001{zero}0a000002{zero}"), names),
        "src_addr=10.0.0.1 dst_addr=10.0.0.2 ip_version=4"
    );
}

#[test]
fn a_silent_reverse_side_has_counters_only() {
    let fields = [
        (0, 8, 4),
        (0, 12, 4),
        (0, 4, 1),
        (0, 2, 1),
        (29305, 2, 1),
        (29305, 5, 1),
        (29305, 6, 1),
        (29305, 152, 8),
    ];
    let record =
        |packets: &str| format!("0a000001 0a000002 06 05 {packets} 11 12 0000018bcfe56800");
    let set = octets(&(record("03") + &record("00")));
    let (decoded, batch) = decode(&template(&fields), Dialect::Ipfix, &set);
    assert_eq!(decoded.records, 2);
    let names = "packets packets_rev octets_rev tos_rev tcp_flags_rev time_start_rev";
    assert_eq!(
        show(&batch, 0, names),
        "packets=5 packets_rev=3 octets_rev=0 tos_rev=17 tcp_flags_rev=18 time_start_rev=0"
    );
    assert_eq!(
        show(&batch, 1, names),
        "packets=5 packets_rev=0 octets_rev=0 tos_rev=- tcp_flags_rev=- time_start_rev=-"
    );
}

#[test]
fn a_reverse_without_a_direction_is_not_decoded() {
    let (decoded, batch) =
        decode(&template(&[(0, 2, 1), (29305, 2, 1)]), Dialect::Ipfix, &[1, 2, 3, 4]);
    assert_eq!((decoded.records, decoded.no_direction, batch.num_rows()), (0, 2, 0));
}

#[test]
fn rates_are_stated_or_found_by_their_sampler() {
    let names = "sampling_rate sampling_origin sampler_id";
    assert_eq!(first(&[(34, 4)], "00000064", names), "sampling_rate=100 sampling_origin=record");
    assert_eq!(
        first(&[(305, 1), (306, 2)], "01 03e7", names),
        "sampling_rate=1000 sampling_origin=record"
    );
    assert_eq!(
        first(&[(309, 1), (310, 1)], "02 0a", names),
        "sampling_rate=5 sampling_origin=record"
    );
    assert_eq!(first(&[(311, 4)], "3f000000", names), "sampling_rate=2 sampling_origin=record");
    assert_eq!(
        first(&[(48, 1)], "07", names),
        "sampling_rate=100 sampling_origin=options sampler_id=7"
    );
    assert_eq!(
        first(&[(302, 8)], "0000000000000008", names),
        "sampling_rate=0 sampling_origin=unknown sampler_id=8"
    );
    assert_eq!(
        first(&[(305, 1), (306, 1)], "00 01", names),
        "sampling_rate=0 sampling_origin=unknown"
    );
    assert_eq!(first(&[(305, 1)], "05", "sampling_rate extra"), "sampling_rate=0 extra=[0/305/05]");
}

#[test]
fn a_record_may_name_its_exporter() {
    assert_eq!(
        first(&[(130, 4), (1, 1)], "c6336401 01", "exporter_addr extra"),
        "exporter_addr=198.51.100.1"
    );
    assert_eq!(
        first(&[(130, 4), (1, 1)], "00000000 01", "exporter_addr"),
        "exporter_addr=192.0.2.1"
    );
}

#[test]
fn texts_are_cut_at_their_padding_and_mended() {
    assert_eq!(first(&[(96, 8)], "6874747000ff0000", "application_name"), "application_name=http");
    assert_eq!(
        first(&[(96, VARIABLE)], "03 61ff62", "application_name"),
        "application_name=a\u{fffd}b"
    );
    assert_eq!(
        first(&[(95, 4), (351, 8)], "03000050 0100000000001234", "application_id tunnel_id"),
        "application_id=03000050 tunnel_id=4660"
    );
    let (_, batch) = decode(
        &template(&[(32473, 7, VARIABLE)]),
        Dialect::Ipfix,
        &octets("05 7678 6c616e 03 677265"),
    );
    assert_eq!(
        show(&batch, 0, "tunnel_type tunnel_src_addr"),
        "tunnel_type=vxlan tunnel_src_addr=::"
    );
    assert_eq!(show(&batch, 1, "tunnel_type"), "tunnel_type=gre");
}

#[test]
fn padding_and_fields_without_octets_are_nothing() {
    assert_eq!(
        first(&[(210, 2), (1, 1), (82, 0), (4, 0)], "ffff 07", "octets protocol extra"),
        "octets=7"
    );
}

#[test]
fn templates_of_the_same_columns_share_a_batch_in_the_order_of_their_records() {
    let mut rows = Rows::default();
    let one = Plan::compile(&iana(&[(8, 4), (1, 4)]), Dialect::NetFlow9);
    let other = Plan::compile(&iana(&[(1, 8), (12, 4)]), Dialect::NetFlow9);
    let third = Plan::compile(&iana(&[(10, 4)]), Dialect::NetFlow9);
    let record = [7; 12];
    for (plan, octets) in [(&one, 8), (&third, 4), (&other, 12), (&one, 8)] {
        rows.decode(plan, &record[..octets], &message(), &|_| None);
    }
    assert_eq!(rows.len(), 4);
    let batches = rows.drain(&One);
    assert_eq!(batches.iter().map(RecordBatch::num_rows).collect::<Vec<_>>(), [3, 1]);
    let shown = |row| show(&batches[0], row, "src_addr dst_addr octets");
    assert_eq!(shown(0), "src_addr=7.7.7.7 dst_addr=:: octets=117901063");
    assert_eq!(shown(1), "src_addr=:: dst_addr=7.7.7.7 octets=506381209866536711");
    assert_eq!(shown(2), shown(0));
    rows.decode(&third, &record, &message(), &|_| None);
    assert_eq!(show(&rows.drain(&One)[0], 2, "in_if"), "in_if=117901063");
}
