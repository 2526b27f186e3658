// SPDX-License-Identifier: Apache-2.0
//! What a datagram costs to send and to receive over loopback, and whether any is lost.
//!
//! `cargo run --release -p penstock-net --example udp_rate -- [DATAGRAMS [OCTETS [JOIN]]]`
//!
//! With JOIN the receiver takes datagrams joined. One line each for a sender of equal datagrams,
//! one whose datagrams differ in length, and one of many sources.

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};
use std::{env, thread};

use penstock_net::udp::{Listener, ManySender, Options, Receiver, Sender, Sent};

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = env::args().skip(1);
    let datagrams = words.next().map_or(Ok(200_000), |word| word.parse())?;
    let octets = words.next().map_or(Ok(1_400), |word| word.parse())?;
    let join = words.next().is_some();
    measure("equal", join, datagrams, |to| play_one(to, datagrams, octets, 0))?;
    measure("differing", join, datagrams, |to| play_one(to, datagrams, octets, 1))?;
    measure("many sources", join, datagrams, |to| play_many(to, datagrams, octets))?;
    Ok(())
}

fn measure(
    what: &str,
    join: bool,
    datagrams: usize,
    play: impl Fn(SocketAddr) -> Sent,
) -> Result<(), Box<dyn Error>> {
    let options = Options { workers: 1, buffer_octets: 32 << 20, join };
    let listener = Listener::bind_with(&[SocketAddr::from(([127, 0, 0, 1], 0))], &options)?;
    let to = listener.local_addresses()[0];
    let mut receiver = listener.into_receivers().remove(0);
    let drain = thread::spawn(move || drain(&mut receiver));
    let (start, cpu) = (Instant::now(), cpu_time());
    let sent = play(to);
    let (wall, cpu) = (start.elapsed(), cpu_time().saturating_sub(cpu));
    let (received, dropped, receive_cpu) = drain.join().map_err(|_| "the receiver panicked")??;
    println!(
        "{what}: sent {} of {datagrams} in {wall:.3?}, received {received}, dropped {dropped}; \
         µs of CPU a datagram: {:.2} to send, {:.2} to receive",
        sent.datagrams,
        each(cpu, sent.datagrams),
        each(receive_cpu, received),
    );
    Ok(())
}

fn drain(receiver: &mut Receiver) -> std::io::Result<(u64, u64, Duration)> {
    while receiver.receive(PATIENCE, &mut |_| {})? == 0 {}
    let start = cpu_time();
    let mut octets = 0;
    while receiver.receive(PATIENCE, &mut |datagram| octets += datagram.octets.len())? > 0 {}
    let counts = receiver.counts();
    Ok((counts.received, counts.dropped, cpu_time().saturating_sub(start)))
}

/// Datagrams in batches of about 64 KiB; every other is shorter by `difference`.
fn play_one(to: SocketAddr, datagrams: usize, octets: usize, difference: usize) -> Sent {
    let mut total = Sent::default();
    let Ok(mut sender) = Sender::connect(to, None) else { return total };
    let buffer = vec![7; octets * BATCH];
    let mut left = datagrams;
    while left > 0 {
        let mut end = 0;
        let ends: Vec<usize> = (0..left.min(BATCH))
            .map(|number| {
                end += octets - difference * (number % 2);
                end
            })
            .collect();
        left -= ends.len();
        total.add(sender.send(&buffer, &ends));
    }
    total
}

fn play_many(to: SocketAddr, datagrams: usize, octets: usize) -> Sent {
    let mut total = Sent::default();
    let Ok(mut sender) = ManySender::open(to, 0) else { return total };
    let buffer = vec![7; octets];
    let numbers: Vec<u32> = (0..u32::try_from(datagrams).unwrap_or(u32::MAX)).collect();
    for batch in numbers.chunks(BATCH) {
        let source = |number: &u32| IpAddr::V4(Ipv4Addr::from_bits(FIRST_SOURCE + number % 10_000));
        let batch: Vec<_> = batch.iter().map(|n| (source(n), buffer.as_slice())).collect();
        total.add(sender.send(&batch));
    }
    total
}

/// What this thread has used, user and system.
fn cpu_time() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(now).unwrap_or_default()
}

fn each(all: Duration, datagrams: u64) -> f64 {
    #[allow(clippy::cast_precision_loss, reason = "a rate needs no more")]
    let datagrams = datagrams.max(1) as f64;
    all.as_secs_f64() * 1e6 / datagrams
}

const PATIENCE: Duration = Duration::from_millis(300);
const BATCH: usize = 46;
/// 127.1.0.0
const FIRST_SOURCE: u32 = 0x7f01_0000;
