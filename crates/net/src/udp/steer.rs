// SPDX-License-Identifier: Apache-2.0
//! Which of several sockets on one port gets a datagram: a program that the kernel runs.
//!
//! It looks at the source address and at nothing else, so that all that an exporter sends, from
//! whatever port and to whichever of ours, comes to the worker that knows its templates. The
//! program is of the classic kind (Linux's Documentation/networking/filter.rst), which needs no
//! privilege, and finds the network header by loads relative to it.

use libc::sock_filter;

/// A program for sockets of one address family that returns the number of a worker.
///
/// The words of the address go through a chain of multiplications, of which the upper half is
/// used: neighbouring addresses scatter evenly over any number of workers.
pub(super) fn program(ipv6: bool, workers: u32) -> Vec<sock_filter> {
    let words: &[u32] = if ipv6 { &[8, 12, 16, 20] } else { &[12] };
    let mut program = vec![instruction(LOAD_NUMBER, 0)];
    for word in words {
        program.extend([
            instruction(COPY_TO_INDEX, 0),
            instruction(LOAD_WORD, NETWORK_HEADER.wrapping_add(*word)),
            instruction(ADD_INDEX, 0),
            instruction(MULTIPLY, FACTOR),
        ]);
    }
    program.extend([
        instruction(SHIFT_RIGHT, 16),
        instruction(MODULO, workers.max(1)),
        instruction(RETURN, 0),
    ]);
    program
}

/// A socket filter that lets nothing in.
pub(super) fn closed() -> Vec<sock_filter> {
    vec![instruction(RETURN_NUMBER, 0)]
}

const fn instruction(code: u32, k: u32) -> sock_filter {
    #[allow(clippy::cast_possible_truncation, reason = "operation codes have eight bits")]
    let code = code as u16;
    sock_filter { code, jt: 0, jf: 0, k }
}

/// The golden ratio's share of 2^32, an odd number whose multiples scatter well.
const FACTOR: u32 = 0x9e37_79b1;
const NETWORK_HEADER: u32 = libc::SKF_NET_OFF.cast_unsigned();
const LOAD_NUMBER: u32 = libc::BPF_LD | libc::BPF_IMM;
const LOAD_WORD: u32 = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
const COPY_TO_INDEX: u32 = libc::BPF_MISC | libc::BPF_TAX;
const ADD_INDEX: u32 = libc::BPF_ALU | libc::BPF_ADD | libc::BPF_X;
const MULTIPLY: u32 = libc::BPF_ALU | libc::BPF_MUL | libc::BPF_K;
const SHIFT_RIGHT: u32 = libc::BPF_ALU | libc::BPF_RSH | libc::BPF_K;
const MODULO: u32 = libc::BPF_ALU | libc::BPF_MOD | libc::BPF_K;
const RETURN: u32 = libc::BPF_RET | libc::BPF_A;
const RETURN_NUMBER: u32 = libc::BPF_RET | libc::BPF_K;

#[cfg(test)]
pub(super) mod tests {
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

    use super::*;

    /// What the program returns for a source, by the same arithmetic.
    pub fn worker_of(source: IpAddr, workers: u32) -> u32 {
        let octets = match source {
            IpAddr::V4(source) => source.octets().to_vec(),
            IpAddr::V6(source) => source.octets().to_vec(),
        };
        let words = octets.chunks_exact(4).map(|word| u32::from_be_bytes(word.try_into().unwrap()));
        let mixed = words.fold(0_u32, |mixed, word| mixed.wrapping_add(word).wrapping_mul(FACTOR));
        (mixed >> 16) % workers
    }

    #[test]
    fn neighbouring_exporters_spread_evenly_over_the_workers() {
        for workers in 2..=16 {
            let mut v4 = [0_u32; 16];
            let mut v6 = [0_u32; 16];
            for number in 0..10_000_u32 {
                let address = Ipv4Addr::from_bits(0x0a00_0000 + number);
                v4[worker_of(address.into(), workers) as usize] += 1;
                let address = Ipv6Addr::from_bits(0x2001_0db8 << 96 | u128::from(number) << 64 | 1);
                v6[worker_of(address.into(), workers) as usize] += 1;
            }
            let fair = 10_000 / workers;
            for share in v4[..workers as usize].iter().chain(&v6[..workers as usize]) {
                assert!(share.abs_diff(fair) < fair / 10, "{share} of {workers} workers");
            }
        }
    }
}
