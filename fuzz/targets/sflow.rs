// SPDX-License-Identifier: Apache-2.0
//! A datagram of sFlow.
#![no_main]

use libfuzzer_sys::fuzz_target;
use penstock_codec::sflow::{
    CounterRecord, Datagram, DatagramWriter, FlowHead, FlowRecord, Form, Header, Record, Records,
    Sample,
};

fuzz_target!(|octets: &[u8]| {
    let Ok(datagram) = Datagram::read(octets) else { return };
    let mut written = Vec::new();
    let mut writer = DatagramWriter::begin(&mut written, &datagram.header);
    let mut samples = Vec::new();
    for sample in datagram.samples() {
        match &sample {
            Ok(Sample::Flow(sample)) => {
                writer.begin_flow_sample(&sample.head, Form::Compact);
                write(&mut writer, sample.records.clone(), octets, flow);
            }
            Ok(Sample::Counters(sample)) => {
                writer.begin_counter_sample(&sample.head, Form::Compact);
                write(&mut writer, sample.records.clone(), octets, counter);
            }
            Ok(Sample::Discarded(sample)) => {
                writer.begin_discarded_packet(&sample.head);
                write(&mut writer, sample.records.clone(), octets, flow);
            }
            Ok(Sample::Unknown(sample)) => {
                lies_in(sample.octets, octets);
                continue;
            }
            Err(_) => continue,
        }
        writer.end_sample();
        samples.extend(sample.map(told));
    }
    assert!(samples.len() * 8 <= octets.len());
    writer.finish();

    let again = Datagram::read(&written).expect("it was written");
    let num_samples = again.header.num_samples;
    assert_eq!(again.header, Header { num_samples, ..datagram.header });
    let again: Vec<String> = again.samples().map(|sample| told(sample.expect("written"))).collect();
    assert_eq!(again, samples);
});

/// Writes the records that can be framed, once more.
fn write<'a>(
    writer: &mut DatagramWriter<'_>,
    mut records: Records<'a>,
    datagram: &[u8],
    check: fn(Record<'a>),
) {
    while let Some(record) = records.next() {
        let Ok(record) = record else {
            assert!(records.next().is_none(), "a record behind the damage");
            return;
        };
        lies_in(record.octets, datagram);
        check(record);
        writer.record(record.enterprise, record.format, |out| out.extend_from_slice(record.octets));
    }
}

fn lies_in(part: &[u8], whole: &[u8]) {
    let (part, whole) = (part.as_ptr_range(), whole.as_ptr_range());
    assert!(whole.start <= part.start && part.end <= whole.end);
}

/// Reads a flow record to its last value, and writes those that have a form to be written in.
fn flow(record: Record<'_>) {
    let Ok(read) = FlowRecord::read(record) else { return };
    let again = |write: &dyn Fn(&mut DatagramWriter<'_>)| {
        let mut written = Vec::new();
        let mut writer = DatagramWriter::begin(&mut written, &Header::default());
        writer.begin_flow_sample(&FlowHead::default(), Form::Compact);
        write(&mut writer);
        writer.end_sample();
        writer.finish();
        let sample = Datagram::read(&written).expect("written").samples().next();
        let Some(Ok(Sample::Flow(mut sample))) = sample else { panic!("a flow was written") };
        let record = sample.records.next().expect("a record").expect("whole");
        assert_eq!(FlowRecord::read(record), Ok(read));
    };
    match &read {
        FlowRecord::SampledHeader(header) => again(&|writer| writer.sampled_header(header)),
        FlowRecord::SampledEthernet(header) => again(&|writer| writer.sampled_ethernet(header)),
        FlowRecord::SampledIp(header) => again(&|writer| writer.sampled_ip(header)),
        FlowRecord::ExtendedSwitch(switch) => again(&|writer| writer.extended_switch(switch)),
        FlowRecord::ExtendedRouter(router) => again(&|writer| writer.extended_router(router)),
        FlowRecord::ExtendedMpls(mpls) => again(&|writer| writer.extended_mpls(mpls)),
        FlowRecord::ExtendedNat(nat) => again(&|writer| writer.extended_nat(nat)),
        FlowRecord::ExtendedGateway(route) => {
            let systems = route.dst_as_path.numbers().count();
            assert!(systems * 4 <= record.octets.len());
            assert_eq!(systems == 0, route.dst_as_path.is_empty());
            assert!(route.communities.len() * 4 <= record.octets.len());
            let (_, _) = (route.dst_as(), route.dst_peer_as());
        }
        _ => {}
    }
}

fn counter(record: Record<'_>) {
    let octets = record.octets.len();
    match CounterRecord::read(record) {
        Ok(CounterRecord::GenericInterface(_)) => assert!(octets >= 88),
        Ok(CounterRecord::Ethernet(_)) => assert!(octets >= 52),
        Ok(CounterRecord::Unknown(same)) => assert_eq!(same, record),
        Err(_) => {}
    }
}

/// What a sample says, apart from where it lies and what is wrong behind its sound records.
fn told(sample: Sample<'_>) -> String {
    let sound = |records: Records<'_>| -> Vec<String> {
        records.map_while(Result::ok).map(|record| format!("{record:?}")).collect()
    };
    match sample {
        Sample::Flow(sample) => format!("{:?} {:?}", sample.head, sound(sample.records)),
        Sample::Counters(sample) => format!("{:?} {:?}", sample.head, sound(sample.records)),
        Sample::Discarded(sample) => format!("{:?} {:?}", sample.head, sound(sample.records)),
        Sample::Unknown(sample) => format!("{sample:?}"),
    }
}
