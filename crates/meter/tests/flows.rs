// SPDX-License-Identifier: Apache-2.0
//! What a flow is: direction, timeouts, the end of TCP, ICMP, bounds, time.

mod traffic;

use std::collections::BTreeMap;

use penstock_meter::Settings;
use traffic::{ACK, FIN, MS, Packet, RST, Row, SECOND, SYN, icmp, reasons, rows, tcp, udp};

const CLIENT: (u8, u16) = (9, 40_000);
const SERVER: (u8, u16) = (1, 80);

fn connection(start_ns: i64, client: (u8, u16), server: (u8, u16)) -> Vec<Packet> {
    let there = |after, flags| (start_ns + after * MS, tcp(client, server, flags));
    let back = |after, flags| (start_ns + after * MS, tcp(server, client, flags));
    vec![
        there(0, SYN),
        back(1, SYN | ACK),
        there(2, ACK),
        there(3, FIN | ACK),
        back(4, FIN | ACK),
        there(5, ACK),
        back(6, FIN | ACK),
        there(7, ACK),
    ]
}

#[test]
fn ten_thousand_connections_are_ten_thousand_records() {
    let mut packets = Vec::new();
    for number in 0..10_000_i64 {
        let client = (
            u8::try_from(number % 50).unwrap() + 100,
            1024 + u16::try_from(number / 50 % 20).unwrap(),
        );
        packets.extend(connection(number * 3 * MS, client, SERVER));
    }
    packets.sort_by_key(|packet| packet.0);
    let rows = rows(packets, &Settings::default());
    assert_eq!(reasons(&rows), BTreeMap::from([(3, 10_000)]));
    assert!(rows.iter().all(|row| row.packets == (5, 3) && row.dst == SERVER.0));
}

#[test]
fn a_new_syn_begins_a_new_flow_at_once() {
    let mut packets = connection(0, CLIENT, SERVER);
    packets.extend(connection(100 * MS, CLIENT, SERVER));
    let rows = rows(packets, &Settings::default());
    assert_eq!(rows.iter().map(|row| row.packets).collect::<Vec<_>>(), [(5, 3), (5, 3)]);
}

#[test]
fn rst_ends_a_flow_and_what_comes_two_seconds_later_is_another() {
    let packets = vec![
        (0, tcp(CLIENT, SERVER, SYN)),
        (MS, tcp(SERVER, CLIENT, RST | ACK)),
        (1_999 * MS, tcp(CLIENT, SERVER, ACK)),
        (2_001 * MS, tcp(CLIENT, SERVER, ACK)),
    ];
    let rows = rows(packets, &Settings::default());
    assert_eq!(rows.iter().map(|row| row.packets).collect::<Vec<_>>(), [(2, 1), (1, 0)]);
    assert_eq!(reasons(&rows), BTreeMap::from([(3, 1), (4, 1)]));
}

#[test]
fn the_sender_of_a_syn_ack_is_not_the_source() {
    let packets = vec![(0, tcp(SERVER, CLIENT, SYN | ACK)), (MS, tcp(CLIENT, SERVER, ACK))];
    let rows = rows(packets, &Settings::default());
    let [row] = rows.as_slice() else { panic!("{rows:?}") };
    assert_eq!((row.src, row.ports, row.packets), (CLIENT.0, Some((CLIENT.1, SERVER.1)), (1, 1)));
    assert_eq!(row.times, (MS, MS), "the source's own times");
}

#[test]
fn an_echo_is_one_biflow_of_the_one_who_asked() {
    for first in [8, 0] {
        let (asks, answers) = (icmp(9, 1, 8, 77), icmp(1, 9, 0, 77));
        let packets = if first == 8 { [asks, answers] } else { [answers, asks] };
        let packets = packets.into_iter().zip(0..).map(|(octets, at)| (at, octets));
        let rows = rows(packets.collect(), &Settings::default());
        let [row] = rows.as_slice() else { panic!("{rows:?}") };
        assert_eq!((row.src, row.ports, row.packets), (9, None, (1, 1)));
    }
    let packets = vec![(0, icmp(9, 1, 8, 77)), (1, icmp(1, 9, 0, 78)), (2, icmp(1, 9, 3, 77))];
    assert_eq!(rows(packets, &Settings::default()).len(), 3);
}

#[test]
fn a_gap_of_the_idle_timeout_parts_and_a_shorter_one_does_not() {
    let at = |time_ns| (time_ns, udp(CLIENT, SERVER, 10));
    let together = rows(vec![at(0), at(30 * SECOND - 1)], &Settings::default());
    assert_eq!((together.len(), together[0].packets), (1, (2, 0)));
    let apart = rows(vec![at(0), at(30 * SECOND)], &Settings::default());
    assert_eq!(reasons(&apart), BTreeMap::from([(1, 1), (4, 1)]));
}

#[test]
fn pieces_cut_by_the_active_timeout_keep_direction_and_add_up() {
    let mut packets = Vec::new();
    for second in 0..700 {
        packets.push((second * SECOND, udp(CLIENT, SERVER, 10)));
        if second % 2 == 1 && second > 350 {
            packets.push((second * SECOND - MS, udp(SERVER, CLIENT, 20)));
        }
    }
    packets.sort_by_key(|packet| packet.0);
    let total = packets.len() as u64;
    let rows = rows(packets, &Settings::default());
    assert_eq!(reasons(&rows), BTreeMap::from([(2, 2), (4, 1)]));
    assert!(rows.iter().all(|row| row.src == CLIENT.0));
    assert!(rows.iter().all(|row| row.times.1 - row.times.0 < 300 * SECOND));
    assert_eq!(rows.iter().map(|row| row.packets.0 + row.packets.1).sum::<u64>(), total);
}

#[test]
fn a_flow_that_falls_silent_after_a_cut_leaves_no_empty_record() {
    let packets: Vec<Packet> = (0..300).map(|at| (at * SECOND, udp(CLIENT, SERVER, 1))).collect();
    let mut longer = packets;
    longer.push((300 * SECOND + MS, udp((3, 3), (4, 4), 1)));
    longer.push((400 * SECOND, udp((3, 3), (4, 4), 1)));
    let rows = rows(longer, &Settings::default());
    let own: Vec<&Row> = rows.iter().filter(|row| row.src == CLIENT.0).collect();
    assert_eq!(own.iter().map(|row| (row.packets.0, row.reason)).collect::<Vec<_>>(), [(300, 2)]);
}

#[test]
fn a_uniflow_ends_by_its_own_fin_and_rst_ends_both() {
    let settings = Settings { uniflow: true, ..Settings::default() };
    let fin = vec![(0, tcp(CLIENT, SERVER, FIN | ACK)), (MS, tcp(SERVER, CLIENT, ACK))];
    assert_eq!(reasons(&rows(fin, &settings)), BTreeMap::from([(3, 1), (4, 1)]));
    let rst = vec![(0, tcp(CLIENT, SERVER, ACK)), (MS, tcp(SERVER, CLIENT, RST))];
    assert_eq!(reasons(&rows(rst, &settings)), BTreeMap::from([(3, 2)]));
}

#[test]
fn over_the_bound_the_flow_nearest_its_end_leaves() {
    let settings = Settings { max_flows: 1, ..Settings::default() };
    let mut packets = Vec::new();
    for port in 0..4_000_u16 {
        packets.push((i64::from(port) * MS, udp((5, port), SERVER, 1)));
    }
    let all = rows(packets, &settings);
    assert_eq!(all.len(), 4_000);
    let reasons = reasons(&all);
    assert!(reasons[&4] <= 3 * 256 && reasons[&5] > 3_000, "{reasons:?}");
}

#[test]
fn time_that_runs_backwards_is_clamped_and_the_record_keeps_the_original() {
    let mut packets = vec![(100 * SECOND, udp(CLIENT, SERVER, 1))];
    for at in 1..40 {
        packets.push((100 * SECOND + at * SECOND, udp((7, 7), SERVER, 1)));
    }
    packets.push((10 * SECOND, udp(CLIENT, (2, 2), 1)));
    packets.push((11 * SECOND, udp(CLIENT, (2, 2), 1)));
    packets.push((140 * SECOND, udp(CLIENT, (2, 2), 1)));
    let rows = rows(packets, &Settings::default());
    let back: Vec<&Row> = rows.iter().filter(|row| row.dst == 2).collect();
    let [row] = back.as_slice() else { panic!("{back:?}") };
    assert_eq!((row.packets, row.times), ((3, 0), (10 * SECOND, 140 * SECOND)));
}

#[test]
fn a_jump_in_time_lets_everything_leave_idle() {
    let mut packets: Vec<Packet> =
        (0..500_u16).map(|port| (0, udp((5, port), SERVER, 1))).collect();
    packets.push((400 * 86_400 * SECOND, udp(CLIENT, SERVER, 1)));
    assert_eq!(reasons(&rows(packets, &Settings::default())), BTreeMap::from([(1, 500), (4, 1)]));
}

#[test]
fn a_flow_of_many_connections_does_not_end_with_one_of_them() {
    let mut packets = connection(0, CLIENT, SERVER);
    packets.extend(connection(10 * SECOND, (9, 41_000), SERVER));
    packets.push((11 * SECOND, icmp(9, 1, 8, 77)));
    let key = ["src_addr", "dst_addr"].map(String::from).to_vec();
    let rows = rows(packets, &Settings { key: Some(key), ..Settings::default() });
    assert_eq!(
        rows.iter().map(|row| (row.packets, row.reason)).collect::<Vec<_>>(),
        [((11, 6), 4)]
    );
}

#[test]
fn the_end_of_time_is_a_time_like_any_other() {
    let at = |time_ns, port| (time_ns, udp((5, port), SERVER, 1));
    let end = i64::MAX;
    let packets = vec![at(i64::MIN, 1), at(0, 2), at(end - 1, 3), at(end, 3), at(end, 4)];
    let rows = rows(packets, &Settings::default());
    let times: Vec<_> = rows.iter().map(|row| (row.ports.unwrap().0, row.times)).collect();
    assert!(times.contains(&(3, (end - 1, end))), "{times:?}");
    assert_eq!(rows.len(), 4);
}

#[test]
fn a_key_of_other_fields_gathers_or_parts() {
    let packets = || {
        let ports = [1_u16, 2, 3];
        ports.map(|port| (i64::from(port), udp((9, port), SERVER, 1))).to_vec()
    };
    let with = |names: &[&str], uniflow| Settings {
        key: Some(names.iter().map(ToString::to_string).collect()),
        uniflow,
        ..Settings::default()
    };
    assert_eq!(rows(packets(), &with(&["src_addr", "dst_addr"], false)).len(), 1);
    assert_eq!(rows(packets(), &with(&["dst_addr", "dst_port"], true)).len(), 1);
    assert_eq!(
        rows(packets(), &with(&["src_addr", "dst_addr", "src_port", "dst_port"], false)).len(),
        3
    );
}
