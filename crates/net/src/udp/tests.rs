// SPDX-License-Identifier: Apache-2.0
//! Datagrams over loopback, from the senders to the receivers.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::steer::tests::worker_of;
use super::{BindProblem, Listener, ManySender, Options, Receiver, Sender, Sent, SocketCounts};

#[test]
fn what_is_sent_is_received_or_counted_as_dropped() {
    let (mut receiver, to) = listen(32 << 20);
    let sending = thread::spawn(move || {
        let mut sender = Sender::connect(to, None).unwrap();
        let mut total = Sent::default();
        for batch in 0..500_u32 {
            let numbers = batch * 40..(batch + 1) * 40;
            let datagrams: Vec<_> = numbers.map(|number| numbered(number, 1_400)).collect();
            total.add(send(&mut sender, &datagrams));
        }
        total
    });
    let mut numbers = Vec::new();
    while receiver.receive(PATIENCE, &mut |datagram| numbers.push(number(datagram.octets))).unwrap()
        > 0
    {}
    let sent = sending.join().unwrap();
    assert_eq!((sent.datagrams, sent.octets), (20_000, 28_000_000));
    let counts = receiver.counts();
    assert_eq!(counts.received + counts.dropped, 20_000);
    assert_eq!((counts.received, counts.truncated), (numbers.len() as u64, 0));
    assert!(numbers.is_sorted_by(|a, b| a < b), "one sender's datagrams keep their order");
}

#[test]
fn drops_are_counted_to_the_last_datagram() {
    let (mut receiver, to) = listen(1);
    let mut sender = Sender::connect(to, None).unwrap();
    for _ in 0..3 {
        for datagram in 0..1_000 {
            assert_eq!(send(&mut sender, &[numbered(datagram, 1_400)]).datagrams, 1);
        }
        assert!(receiver.counts().dropped > 900, "even before anything is read");
        drain(&mut receiver);
    }
    let counts = receiver.counts();
    assert!(counts.received > 0);
    assert_eq!(counts.received + counts.dropped, 3_000);
}

#[test]
fn drops_of_runs_are_counted_by_the_datagram() {
    let (mut receiver, to) = listen(1);
    let mut sender = Sender::connect(to, None).unwrap();
    let datagrams: Vec<_> = (0..1_000).map(|number| numbered(number, 1_400)).collect();
    assert_eq!(send(&mut sender, &datagrams).datagrams, 1_000);
    drain(&mut receiver);
    let SocketCounts { received, dropped, .. } = receiver.counts();
    assert_eq!(received + dropped, 1_000, "{dropped} dropped");
    assert!(dropped > 900);
}

#[test]
fn datagrams_keep_their_ends_however_they_travel() {
    let lengths = [vec![1_400; 150], vec![700, 0, 0, 1_400, 1_400, 1_300, 9, 9, 9, 10]].concat();
    let lengths = [lengths, vec![65_507, 30_000, 30_000, 30_000, 1]].concat();
    for join in [false, true] {
        let options = Options { workers: 1, buffer_octets: 32 << 20, join };
        let listener = Listener::bind_with(&[LOOPBACK], &options).unwrap();
        let to = listener.local_addresses()[0];
        let mut receiver = listener.into_receivers().remove(0);
        let datagrams: Vec<_> =
            (0..).zip(&lengths).map(|(n, length)| numbered(n, *length)).collect();
        let sent = send(&mut Sender::connect(to, None).unwrap(), &datagrams);
        assert_eq!(sent.datagrams, datagrams.len() as u64, "{:?}", sent.last_error);
        let mut received = Vec::new();
        while receiver
            .receive(SHORT, &mut |datagram| received.push(datagram.octets.to_vec()))
            .unwrap()
            > 0
        {}
        assert_eq!(received.len(), datagrams.len(), "joined: {join}");
        assert!(received == datagrams, "joined: {join}");
        assert_eq!(receiver.counts().received, datagrams.len() as u64);
    }
}

#[test]
fn a_datagram_tells_where_from_where_to_and_when() {
    let (mut receiver, to) = listen(1 << 20);
    let socket = UdpSocket::bind(LOOPBACK).unwrap();
    let before = now_ns();
    socket.send_to(&[1, 2, 3], to).unwrap();
    let mut seen = Vec::new();
    let take = &mut |datagram: super::Datagram<'_>| {
        seen.push((datagram.octets.to_vec(), datagram.from, datagram.local_port));
        assert!((before..=now_ns()).contains(&datagram.received_ns));
    };
    assert_eq!(receiver.receive(PATIENCE, take).unwrap(), 1);
    assert_eq!(seen, [(vec![1, 2, 3], socket.local_addr().unwrap(), to.port())]);
}

#[test]
fn waiting_ends_at_the_timeout() {
    let (mut receiver, _) = listen(1 << 20);
    let start = Instant::now();
    assert_eq!(receiver.receive(SHORT, &mut |_| panic!("nobody sends")).unwrap(), 0);
    assert!(start.elapsed() >= SHORT);
    assert_eq!(receiver.receive(Duration::ZERO, &mut |_| panic!("nobody sends")).unwrap(), 0);
}

#[test]
fn a_stop_ends_the_waiting_of_all_workers_and_what_came_before_can_be_had() {
    let listener = Listener::bind(&[LOOPBACK], 2, 1 << 20).unwrap();
    let to = listener.local_addresses()[0];
    let mut receivers = listener.into_receivers();
    let stopper = receivers[0].stopper();
    assert!(!stopper.is_stopped());
    let stopping = thread::spawn(move || {
        thread::sleep(SHORT);
        stopper.stop();
    });
    let start = Instant::now();
    let long = Duration::from_secs(60);
    assert_eq!(receivers[1].receive(long, &mut |_| panic!("nobody sends")).unwrap(), 0);
    stopping.join().unwrap();
    UdpSocket::bind(LOOPBACK).unwrap().send_to(&[1], to).unwrap();
    let received: Vec<_> =
        receivers.iter_mut().map(|each| each.receive(long, &mut |_| {}).unwrap()).collect();
    assert_eq!(received.iter().sum::<usize>(), 1);
    assert!(receivers[0].stopper().is_stopped() && start.elapsed() < long);
}

#[test]
fn both_families_share_a_port_and_know_their_senders() {
    let (v4, v6) = (IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST));
    let (listener, wildcards) = (0..5).find_map(|_| wildcards()).unwrap();
    assert_eq!(listener.local_addresses(), wildcards);
    let port = wildcards[0].port();
    let mut receiver = listener.into_receivers().remove(0);
    for source in [v4, v6] {
        let mut sender = Sender::connect(SocketAddr::new(source, port), Some(source)).unwrap();
        assert_eq!(send(&mut sender, &[vec![1; 100], vec![2; 100]]).datagrams, 2);
        let mut sources = Vec::new();
        while receiver.receive(SHORT, &mut |datagram| sources.push(datagram.from.ip())).unwrap() > 0
        {
        }
        assert_eq!(sources, [source, source]);
    }
}

#[test]
fn a_source_address_picks_the_worker_whatever_its_ports() {
    const WORKERS: u32 = 3;
    let here = [LOOPBACK, LOOPBACK, SocketAddr::from((Ipv6Addr::LOCALHOST, 0))];
    let listener = Listener::bind(&here, WORKERS as usize, 4 << 20).unwrap();
    let addresses = listener.local_addresses();
    let mut receivers = listener.into_receivers();
    let sources: Vec<IpAddr> =
        (1..=200).map(|last| Ipv4Addr::new(127, 3, 0, last).into()).collect();
    for to in &addresses {
        for _port in 0..3 {
            let mut sender = ManySender::open(*to, 0).unwrap();
            let ours = [IpAddr::V6(Ipv6Addr::LOCALHOST)];
            let sources = if to.is_ipv4() { &sources[..] } else { &ours[..] };
            let datagrams: Vec<_> =
                sources.iter().map(|source| (*source, &[1_u8; 90][..])).collect();
            assert_eq!(sender.send(&datagrams).datagrams, sources.len() as u64);
        }
    }
    let mut counts = BTreeMap::new();
    for (number, receiver) in (0..).zip(&mut receivers) {
        let take = &mut |datagram: super::Datagram<'_>| {
            assert_eq!(worker_of(datagram.from.ip(), WORKERS), number, "{}", datagram.from);
            *counts.entry(number).or_insert(0) += 1;
        };
        while receiver.receive(SHORT, take).unwrap() > 0 {}
        assert_eq!(receiver.counts().dropped, 0);
    }
    assert_eq!(counts.values().sum::<i32>(), 2 * 3 * 200 + 3);
    assert_eq!(counts.len(), WORKERS as usize);
}

#[test]
fn an_address_that_cannot_be_had_is_named_with_the_reason() {
    let listener = Listener::bind(&[LOOPBACK], 2, 1 << 20).unwrap();
    let taken = listener.local_addresses()[0];
    for workers in 1..=2 {
        let error = Listener::bind(&[LOOPBACK, taken], workers, 1 << 20).unwrap_err();
        assert_eq!((error.address, &error.problem), (taken, &BindProblem::InUse));
        assert!(error.to_string().starts_with(&format!("udp://{taken}: in use by another")));
    }
    let foreign = SocketAddr::from(([192, 0, 2, 1], 2055));
    let error = Listener::bind(&[foreign], 1, 1 << 20).unwrap_err();
    assert_eq!(error.to_string(), "udp://192.0.2.1:2055: no such address on this host");
    let error = Sender::connect(taken, Some(foreign.ip())).unwrap_err();
    assert_eq!(error.problem, "192.0.2.1 is no address of this host");
    assert!(Sender::connect(taken, Some(Ipv6Addr::LOCALHOST.into())).is_err());
}

#[test]
fn a_buffer_is_as_large_as_said() {
    let listener = Listener::bind(&[LOOPBACK, LOOPBACK], 2, 100_000).unwrap();
    assert_eq!((listener.buffers().asked, listener.buffers().granted), (100_000, 100_000));
    assert!(!listener.buffers().are_short());
    let most = Listener::bind(&[LOOPBACK], 1, usize::MAX).unwrap().buffers();
    assert!(most.are_short() && most.granted > 100_000, "{most:?}");
}

#[test]
fn a_port_without_a_listener_answers() {
    // A socket that listens to its peer alone keeps the port from others.
    let deaf = UdpSocket::bind(LOOPBACK).unwrap();
    deaf.connect(deaf.local_addr().unwrap()).unwrap();
    let nobody = deaf.local_addr().unwrap();
    let mut sender = Sender::connect(nobody, None).unwrap();
    let datagrams: Vec<_> = (0..50).map(|number| numbered(number, 100 + number as usize)).collect();
    let mut sent = send(&mut sender, &datagrams);
    sent.add(sender.answers());
    assert_eq!((sent.datagrams, sent.refused, sent.failed, sent.too_big), (50, 50, 0, 0));
    let error = sent.last_error.unwrap();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);

    let mut many = ManySender::open(nobody, 0).unwrap();
    let source = IpAddr::from([127, 0, 0, 9]);
    let datagrams: Vec<_> = datagrams.iter().map(|octets| (source, octets.as_slice())).collect();
    let mut sent = many.send(&datagrams);
    sent.add(many.answers());
    assert_eq!((sent.datagrams, sent.refused), (50, 50));
}

#[test]
fn datagrams_too_long_for_the_path_are_counted_and_the_others_leave() {
    let (mut receiver, to) = listen(4 << 20);
    let mut sender = Sender::connect(to, None).unwrap();
    let room = usize::from(sender.room().unwrap());
    assert_eq!(room + 28, usize::from(sender.path_mtu().unwrap()));
    let lengths = [room, 100, room + 1, room + 1, room + 1, room, 100];
    let datagrams: Vec<_> = lengths.iter().map(|length| vec![1; *length]).collect();
    let sent = send(&mut sender, &datagrams);
    assert_eq!((sent.datagrams, sent.too_big, sent.failed), (4, 3, 0), "{:?}", sent.last_error);
    let mut received = Vec::new();
    while receiver.receive(SHORT, &mut |datagram| received.push(datagram.octets.len())).unwrap() > 0
    {
    }
    assert_eq!(received, [room, 100, room, 100]);
}

#[test]
fn each_datagram_comes_from_the_address_beside_it() {
    let (mut receiver, to) = listen(4 << 20);
    let mut sender = ManySender::open(to, 0).unwrap();
    let (one, two) = (IpAddr::from([127, 9, 0, 1]), IpAddr::from([127, 9, 0, 2]));
    let foreign = IpAddr::from([192, 0, 2, 1]);
    let octets = [7_u8; 200];
    let order = [one, one, one, two, foreign, foreign, one, two];
    let datagrams: Vec<_> = order.iter().map(|source| (*source, &octets[..])).collect();
    let sent = sender.send(&datagrams);
    assert_eq!((sent.datagrams, sent.failed), (6, 2), "{:?}", sent.last_error);
    let mut sources = Vec::new();
    while receiver.receive(SHORT, &mut |datagram| sources.push(datagram.from)).unwrap() > 0 {}
    let port = sender.source_port();
    assert_eq!(sources, [one, one, one, two, one, two].map(|ip| SocketAddr::new(ip, port)));
}

#[test]
fn a_paced_sender_takes_its_time() {
    let (mut receiver, to) = listen(4 << 20);
    let mut sender = Sender::connect(to, None).unwrap();
    sender.pace(Some(10_000.0));
    let datagrams: Vec<_> = (0..1_000).map(|number| numbered(number, 100)).collect();
    let start = Instant::now();
    assert_eq!(send(&mut sender, &datagrams).datagrams, 1_000);
    let seconds = start.elapsed().as_secs_f64();
    assert!(seconds > 0.08, "1,000 datagrams at 10,000 a second left in {seconds} s");
    assert_eq!(drain(&mut receiver), 1_000);
}

fn listen(buffer_octets: usize) -> (Receiver, SocketAddr) {
    let listener = Listener::bind(&[LOOPBACK], 1, buffer_octets).unwrap();
    let address = listener.local_addresses()[0];
    (listener.into_receivers().remove(0), address)
}

/// A listener on one port of both families, if the port that the system picks is free in both.
fn wildcards() -> Option<(Listener, [SocketAddr; 2])> {
    let free = UdpSocket::bind(SocketAddr::from(([0; 4], 0))).unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let wildcards = [SocketAddr::from(([0; 4], port)), SocketAddr::from(([0; 16], port))];
    let listener = Listener::bind(&wildcards, 1, 1 << 20).ok()?;
    Some((listener, wildcards))
}

fn drain(receiver: &mut Receiver) -> usize {
    let mut all = 0;
    loop {
        match receiver.receive(SHORT, &mut |_| {}).unwrap() {
            0 => return all,
            some => all += some,
        }
    }
}

fn send(sender: &mut Sender, datagrams: &[Vec<u8>]) -> Sent {
    let mut end = 0;
    let mut up_to = |datagram: &Vec<u8>| {
        end += datagram.len();
        end
    };
    let ends: Vec<usize> = datagrams.iter().map(&mut up_to).collect();
    sender.send(&datagrams.concat(), &ends)
}

/// A datagram that begins with a number, if it is long enough.
fn numbered(number: u32, octets: usize) -> Vec<u8> {
    let mut datagram = number.to_be_bytes().repeat(octets.div_ceil(4));
    datagram.truncate(octets);
    datagram
}

fn number(octets: &[u8]) -> u32 {
    u32::from_be_bytes(octets[..4].try_into().unwrap())
}

fn now_ns() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos().try_into().unwrap()
}

const LOOPBACK: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
const PATIENCE: Duration = Duration::from_secs(1);
const SHORT: Duration = Duration::from_millis(50);
