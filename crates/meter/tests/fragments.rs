// SPDX-License-Identifier: Apache-2.0
//! Fragments: whatever their order, they are packets of the flow that their first names.

mod traffic;

use penstock_meter::Settings;
use traffic::{Packet, SECOND, datagram, fragment, rows};

const MORE: u16 = 0x2000;

/// A datagram of three fragments.
fn fragments(identification: u16) -> [Vec<u8>; 3] {
    let whole = datagram(5000, 53, 3000 - 8);
    let part = |at: usize, end: usize, more: u16| {
        let offset = u16::try_from(at / 8).unwrap() | more;
        fragment(9, 1, 17, &whole[at..end], identification, offset)
    };
    [part(0, 1000, MORE), part(1000, 2000, MORE), part(2000, 3000, 0)]
}

#[test]
fn every_order_gives_one_flow() {
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let all = fragments(7);
        let packets: Vec<Packet> =
            order.iter().zip(0..).map(|(which, at)| (at, all[*which].clone())).collect();
        let rows = rows(packets, &Settings::default());
        let [row] = rows.as_slice() else { panic!("{order:?}: {rows:?}") };
        assert_eq!((row.ports, row.packets.0, row.octets.0), (Some((5000, 53)), 3, 3060));
        assert_eq!(row.times, (0, 2), "{order:?}");
    }
}

#[test]
fn without_its_first_a_fragment_is_metered_without_ports() {
    let [_, second, third] = fragments(7);
    let rows = rows(vec![(0, second), (1, third)], &Settings::default());
    let [row] = rows.as_slice() else { panic!("{rows:?}") };
    assert_eq!((row.ports, row.packets.0), (None, 2));
}

#[test]
fn a_fragment_does_not_wait_longer_than_it_may() {
    let [first, second, _] = fragments(7);
    let packets = vec![(0, second), (31 * SECOND, fragments(8)[0].clone()), (62 * SECOND, first)];
    let rows = rows(packets, &Settings::default());
    assert_eq!(rows.iter().filter(|row| row.ports.is_none()).count(), 1);
}

#[test]
fn a_first_fragment_that_comes_too_late_is_too_late_at_once() {
    let [first, second, _] = fragments(7);
    let rows = rows(vec![(0, second), (31 * SECOND, first)], &Settings::default());
    assert_eq!(rows.iter().filter(|row| row.ports.is_none()).count(), 1);
}

#[test]
fn a_number_may_be_used_again_once_its_datagram_is_complete() {
    let other = |at: usize, end: usize, more: u16| {
        let whole = datagram(6000, 53, 3000 - 8);
        let offset = u16::try_from(at / 8).unwrap() | more;
        fragment(9, 1, 17, &whole[at..end], 7, offset)
    };
    let mut packets: Vec<Packet> =
        fragments(7).into_iter().zip(0..).map(|(octets, at)| (at, octets)).collect();
    packets.push((10, other(1000, 3000, 0)));
    packets.push((11, other(0, 1000, MORE)));
    let mut ports: Vec<_> = rows(packets, &Settings::default())
        .iter()
        .map(|row| (row.ports.unwrap().0, row.packets.0))
        .collect();
    ports.sort_unstable();
    assert_eq!(ports, [(5000, 3), (6000, 2)]);
}

#[test]
fn a_flood_of_later_fragments_is_bounded_and_none_is_lost() {
    let packets: Vec<Packet> = (0..40_000_u16)
        .map(|number| (i64::from(number), fragment(9, 1, 17, &[0; 16], number, 100)))
        .collect();
    let rows = rows(packets, &Settings::default());
    assert_eq!(rows.iter().map(|row| row.packets.0).sum::<u64>(), 40_000);
}
