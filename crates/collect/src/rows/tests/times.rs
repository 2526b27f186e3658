// SPDX-License-Identifier: Apache-2.0
//! Times, by every element that tells them.

use super::{
    Dialect, NOW_NS, One, Plan, Rows, decode, decode_with, first, hex64, iana, message, octets,
    show,
};

#[test]
fn times_come_by_every_element_and_zero_is_none() {
    let ms = |ahead: i64| hex64((NOW_NS / 1_000_000 + ahead) as u64);
    let names = "time_start time_end time_suspect";
    let both =
        |start: &str, end: &str| format!("time_start={start} time_end={end} time_suspect=false");
    let now = "6553f100";
    assert_eq!(first(&[(150, 4), (151, 4)], &format!("{now}{now}"), names), both("0", "0"));
    assert_eq!(first(&[(152, 8), (153, 8)], &(ms(-9) + &ms(-2)), names), both("-9", "-2"));
    let ntp = |ns: i64| hex64(penstock_codec::value::ns_to_ntp(NOW_NS + ns));
    assert_eq!(first(&[(156, 8), (157, 8)], &(ntp(-9) + &ntp(-2)), names), both("-9ns", "-2ns"));
    assert_eq!(
        first(&[(154, 8), (155, 8)], &(ntp(-9000) + &ntp(-2000)), names),
        both("-9000ns", "-2000ns")
    );
    assert_eq!(
        first(&[(158, 4), (159, 4)], "00000009 00000002", names),
        both("-9000ns", "-2000ns")
    );
    assert_eq!(first(&[(22, 4), (21, 4)], "000f423f 000f4240", names), both("-1", "0"));
    assert_eq!(
        first(&[(152, 8), (22, 4), (21, 4)], &("00".repeat(8) + "000f423f 000f4240"), names),
        both("-1", "0")
    );
    assert_eq!(first(&[(152, 8), (161, 4)], &(ms(-9) + "00000007"), names), both("-9", "-2"));
    assert_eq!(first(&[(153, 8), (162, 4)], &(ms(-2) + "00001b58"), names), both("-9", "-2"));
    assert_eq!(first(&[(152, 8)], &ms(-9), names), both("-9", "-9"));
    assert_eq!(first(&[(153, 8)], &ms(-9), names), both("-9", "-9"));
    assert_eq!(first(&[(152, 8), (323, 8)], &(ms(-9) + &ms(-2)), names), both("-9", "-2"));
    assert_eq!(first(&[(323, 8)], &ms(-2), names), both("-2", "-2"));
    assert_eq!(
        first(&[(160, 8), (22, 4), (21, 4)], &(ms(-100) + "00000001 00000009"), names),
        both("-99", "-91")
    );
    assert_eq!(
        first(&[(152, 8), (153, 8)], &"00".repeat(16), names),
        "time_start=0 time_end=0 time_suspect=true"
    );
}

#[test]
fn an_uptime_goes_round_after_49_days() {
    let early = super::Message { uptime_ms: Some(5), ..message() };
    let set = octets("fffffff6 00000003");
    let (_, batch) = decode_with(&iana(&[(22, 4), (21, 4)]), Dialect::NetFlow9, &set, &early);
    assert_eq!(
        show(&batch, 0, "time_start time_end time_suspect"),
        "time_start=-15 time_end=-2 time_suspect=false"
    );
    let round_ms = (1_i64 << 32) - 50;
    let started = hex64((NOW_NS / 1_000_000 - round_ms - 100) as u64);
    let set = octets(&(started + "00000001 00000009"));
    let (_, batch) = decode(&iana(&[(160, 8), (22, 4), (21, 4)]), Dialect::Ipfix, &set);
    assert_eq!(show(&batch, 0, "time_start time_end"), "time_start=-49 time_end=-41");
}

#[test]
fn times_of_another_base_are_placed_at_the_export_and_flagged() {
    // A firewall's: the header counts 20,412,178 ms, its flows 621,761,700.
    let message = super::Message { uptime_ms: Some(20_412_178), ..message() };
    let set = [621_760_700_u32, 621_761_700, 20_412_000, 20_412_100].map(u32::to_be_bytes).concat();
    let (_, batch) = decode_with(&iana(&[(22, 4), (21, 4)]), Dialect::NetFlow9, &set, &message);
    let names = "time_start time_end time_suspect";
    assert_eq!(show(&batch, 0, names), "time_start=-1000 time_end=0 time_suspect=true");
    assert_eq!(show(&batch, 1, names), "time_start=-178 time_end=-78 time_suspect=false");
    // Half a round from the header's, on either side.
    let half = 20_412_178_u32 + (1 << 31);
    let set = [half - 300, half + 700].map(u32::to_be_bytes).concat();
    let (_, batch) = decode_with(&iana(&[(22, 4), (21, 4)]), Dialect::NetFlow9, &set, &message);
    assert_eq!(show(&batch, 0, names), "time_start=-1000 time_end=0 time_suspect=true");
}

#[test]
fn an_uptime_without_header_is_taken_from_the_latest_flow() {
    let message = super::Message { uptime_ms: None, ..message() };
    let plan = Plan::compile(&iana(&[(22, 4), (21, 4)]), Dialect::Ipfix);
    let mut rows = Rows::default();
    let sets = [[5_000_u32, 9_000, 1_000, 8_000], [2_000, 7_000, 3_000, 4_000]];
    for set in sets {
        rows.decode(&plan, &set.map(u32::to_be_bytes).concat(), &message, &|_| None);
    }
    let batch = rows.drain(&One).remove(0);
    let shown = |row| show(&batch, row, "time_start time_end");
    assert_eq!(shown(0), "time_start=-4000 time_end=0");
    assert_eq!(shown(1), "time_start=-8000 time_end=-1000");
    assert_eq!(shown(2), "time_start=-7000 time_end=-2000");
}

#[test]
fn times_that_cannot_be_are_kept_and_flagged() {
    let ms = |ahead: i64| hex64((NOW_NS / 1_000_000 + ahead) as u64);
    let names = "time_start time_end time_suspect";
    assert_eq!(
        first(&[(152, 8), (153, 8)], &(ms(-2) + &ms(-9)), names),
        "time_start=-2 time_end=-9 time_suspect=true"
    );
    let days = 200_000_000;
    assert_eq!(
        first(&[(152, 8), (153, 8)], &(ms(days) + &ms(days)), names),
        "time_start=200000000 time_end=200000000 time_suspect=true"
    );
    assert_eq!(first(&[(152, 8), (153, 8)], &"ff".repeat(16), "time_suspect"), "time_suspect=true");
}
