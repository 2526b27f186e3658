// SPDX-License-Identifier: Apache-2.0
//! The classic BPF machine (bpf(4), `bpf_filter` of libpcap): two registers, sixteen words of
//! memory. As in libpcap, and unlike in kernels, `ja` may jump backward, which `protochain` needs.
//!
//! Whatever a program does wrong, it rejects the packet: a load outside it, a division by zero, a
//! jump past the end, an instruction that does not exist, not coming to an end.

/// One instruction, laid out as `struct bpf_insn` and `struct sock_filter`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[repr(C)]
pub struct Instruction {
    /// What to do.
    pub code: u16,
    /// Instructions to pass over if a condition holds.
    pub jt: u8,
    /// Instructions to pass over if it does not.
    pub jf: u8,
    /// A constant, a place in the packet or in memory, or a distance.
    pub k: u32,
}

/// A compiled filter.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Program {
    instructions: Vec<Instruction>,
    /// What to run instead on frames whose first four octets are a small number in the byte order
    /// that is not this machine's.
    of_foreign_order: Option<Vec<Instruction>>,
}

impl Program {
    /// A program of these instructions, whatever they do.
    pub const fn new(instructions: Vec<Instruction>) -> Self {
        Self { instructions, of_foreign_order: None }
    }

    /// The same for loopback frames captured on a machine of the other byte order.
    pub(super) fn or_of_foreign_order(self, instructions: Vec<Instruction>) -> Self {
        Self { of_foreign_order: Some(instructions), ..self }
    }

    /// The instructions, to give to a kernel.
    pub fn instructions(&self) -> &[Instruction] {
        &self.instructions
    }

    /// Whether the filter takes a packet that begins with `bytes` and had `original_octets` on the
    /// link.
    pub fn matches(&self, bytes: &[u8], original_octets: u32) -> bool {
        let instructions = match (&self.of_foreign_order, bytes.first_chunk()) {
            (Some(foreign), Some(first)) if u32::from_ne_bytes(*first) > 0xffff => foreign,
            _ => &self.instructions,
        };
        run(instructions, bytes, original_octets).is_some_and(|accepted| accepted != 0)
    }
}

/// What a program returns, none if it does something wrong.
fn run(instructions: &[Instruction], bytes: &[u8], original_octets: u32) -> Option<u32> {
    let (mut a, mut x) = (0_u32, 0_u32);
    let mut memory = [0_u32; MEMORY_WORDS];
    let mut next = 0_usize;
    for _ in 0..MOST_STEPS {
        let Instruction { code, jt, jf, k } = *instructions.get(next)?;
        next += 1;
        match code {
            LD_W_ABS => a = word(bytes, k)?,
            LD_H_ABS => a = half(bytes, k)?,
            LD_B_ABS => a = octet(bytes, k)?,
            LD_W_IND => a = word(bytes, x.checked_add(k)?)?,
            LD_H_IND => a = half(bytes, x.checked_add(k)?)?,
            LD_B_IND => a = octet(bytes, x.checked_add(k)?)?,
            LD_LEN => a = original_octets,
            LD_IMM => a = k,
            LD_MEM => a = *memory.get(k as usize)?,
            LDX_IMM => x = k,
            LDX_LEN => x = original_octets,
            LDX_MEM => x = *memory.get(k as usize)?,
            // The length of an IPv4 header.
            LDX_MSH => x = (octet(bytes, k)? & 0xf) << 2,
            ST => *memory.get_mut(k as usize)? = a,
            STX => *memory.get_mut(k as usize)? = x,
            JA => next = next.checked_add_signed(k.cast_signed() as isize)?,
            RET_K => return Some(k),
            RET_A => return Some(a),
            RET_X => return Some(x),
            TAX => x = a,
            TXA => a = x,
            NEG => a = a.wrapping_neg(),
            _ => {
                let operand = if code & SOURCE_X != 0 { x } else { k };
                match code & CLASS {
                    ALU => a = calculate(code & OPERATION, a, operand)?,
                    JMP => {
                        let holds = compare(code & OPERATION, a, operand)?;
                        next += usize::from(if holds { jt } else { jf });
                    }
                    _ => return None,
                }
            }
        }
    }
    None
}

#[inline]
fn calculate(operation: u16, a: u32, operand: u32) -> Option<u32> {
    Some(match operation {
        0x00 => a.wrapping_add(operand),
        0x10 => a.wrapping_sub(operand),
        0x20 => a.wrapping_mul(operand),
        0x30 => a.checked_div(operand)?,
        0x40 => a | operand,
        0x50 => a & operand,
        // libpcap's machine shifts everything out by 32 and more.
        0x60 => a.checked_shl(operand).unwrap_or(0),
        0x70 => a.checked_shr(operand).unwrap_or(0),
        0x90 => a.checked_rem(operand)?,
        0xa0 => a ^ operand,
        _ => return None,
    })
}

#[inline]
const fn compare(operation: u16, a: u32, operand: u32) -> Option<bool> {
    Some(match operation {
        0x10 => a == operand,
        0x20 => a > operand,
        0x30 => a >= operand,
        0x40 => a & operand != 0,
        _ => return None,
    })
}

#[inline]
fn word(bytes: &[u8], at: u32) -> Option<u32> {
    bytes.get(at as usize..)?.first_chunk().map(|octets| u32::from_be_bytes(*octets))
}

#[inline]
fn half(bytes: &[u8], at: u32) -> Option<u32> {
    bytes.get(at as usize..)?.first_chunk().map(|octets| u16::from_be_bytes(*octets).into())
}

#[inline]
fn octet(bytes: &[u8], at: u32) -> Option<u32> {
    bytes.get(at as usize).copied().map(u32::from)
}

const MEMORY_WORDS: usize = 16;
/// Far more than a chain of headers needs that fills the longest packet.
const MOST_STEPS: usize = 1 << 20;

const CLASS: u16 = 0x07;
const OPERATION: u16 = 0xf0;
const SOURCE_X: u16 = 0x08;
const ALU: u16 = 0x04;
const JMP: u16 = 0x05;

const LD_IMM: u16 = 0x00;
const LD_W_ABS: u16 = 0x20;
const LD_H_ABS: u16 = 0x28;
const LD_B_ABS: u16 = 0x30;
const LD_W_IND: u16 = 0x40;
const LD_H_IND: u16 = 0x48;
const LD_B_IND: u16 = 0x50;
const LD_MEM: u16 = 0x60;
const LD_LEN: u16 = 0x80;
const LDX_IMM: u16 = 0x01;
const LDX_MEM: u16 = 0x61;
const LDX_LEN: u16 = 0x81;
const LDX_MSH: u16 = 0xb1;
const ST: u16 = 0x02;
const STX: u16 = 0x03;
const NEG: u16 = 0x84;
const JA: u16 = 0x05;
const RET_K: u16 = 0x06;
const RET_X: u16 = 0x0e;
const RET_A: u16 = 0x16;
const TAX: u16 = 0x07;
const TXA: u16 = 0x87;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loads_see_the_packet_its_length_and_memory() {
        let packet = [0x45, 2, 3, 4, 5, 6];
        for (code, k, expected) in [
            (LD_W_ABS, 1, Some(0x0203_0405)),
            (LD_W_ABS, 3, None),
            (LD_H_ABS, 4, Some(0x0506)),
            (LD_H_ABS, 5, None),
            (LD_B_ABS, 5, Some(6)),
            (LD_B_ABS, 6, None),
            (LD_W_ABS, u32::MAX, None),
            (LD_LEN, 0, Some(1500)),
            (LD_IMM, 9, Some(9)),
            (LD_MEM, 3, Some(0)),
            (LD_MEM, 16, None),
        ] {
            assert_eq!(run(&[op(code, k), op(RET_A, 0)], &packet), expected, "{code:#x} {k}");
        }
        for (code, k, expected) in
            [(LD_W_IND, 0, Some(0x0304_0506)), (LD_H_IND, 2, Some(0x0506)), (LD_B_IND, 4, None)]
        {
            let program = [op(LDX_IMM, 2), op(code, k), op(RET_A, 0)];
            assert_eq!(run(&program, &packet), expected, "{code:#x} {k}");
        }
        let program = [op(LDX_IMM, u32::MAX), op(LD_B_IND, 1), op(RET_A, 0)];
        assert_eq!(run(&program, &packet), None);
        for (code, k, expected) in [
            (LDX_MSH, 0, Some(20)),
            (LDX_MSH, 6, None),
            (LDX_LEN, 0, Some(1500)),
            (LDX_MEM, 16, None),
        ] {
            assert_eq!(run(&[op(code, k), op(RET_X, 0)], &packet), expected, "{code:#x} {k}");
        }
    }

    #[test]
    fn registers_move_through_memory_and_into_each_other() {
        let program = [
            op(LD_IMM, 7),
            op(ST, 15),
            op(TAX, 0),
            op(STX, 1),
            op(LD_MEM, 15),
            op(NEG, 0),
            op(LDX_MEM, 1),
            op(ALU | SOURCE_X, 0),
            op(TXA, 0),
            op(RET_A, 0),
        ];
        assert_eq!(run(&program, &[]), Some(7));
        assert_eq!(run(&[op(ST, 16), op(RET_K, 1)], &[]), None);
        assert_eq!(run(&[op(STX, 16), op(RET_K, 1)], &[]), None);
    }

    #[test]
    fn arithmetic_wraps_and_division_by_zero_rejects() {
        for (operation, a, operand, expected) in [
            (0x00, u32::MAX, 2, Some(1)),
            (0x10, 1, 2, Some(u32::MAX)),
            (0x20, 1 << 31, 2, Some(0)),
            (0x30, 7, 2, Some(3)),
            (0x30, 7, 0, None),
            (0x40, 5, 2, Some(7)),
            (0x50, 7, 2, Some(2)),
            (0x60, 1, 31, Some(1 << 31)),
            (0x60, 1, 32, Some(0)),
            (0x70, 8, 3, Some(1)),
            (0x70, 8, 99, Some(0)),
            (0x90, 7, 4, Some(3)),
            (0x90, 7, 0, None),
            (0xa0, 6, 3, Some(5)),
            (0xb0, 1, 1, None),
        ] {
            let with_k = [op(LD_IMM, a), op(ALU | operation, operand), op(RET_A, 0)];
            let with_x = [
                op(LD_IMM, a),
                op(LDX_IMM, operand),
                op(ALU | SOURCE_X | operation, 0),
                op(RET_A, 0),
            ];
            assert_eq!(run(&with_k, &[]), expected, "{a} {operation:#x} {operand}");
            assert_eq!(run(&with_x, &[]), expected, "{a} {operation:#x} {operand} in x");
        }
    }

    #[test]
    fn jumps_go_the_way_their_condition_says() {
        for (operation, a, operand, expected) in [
            (0x10, 5, 5, Some(1)),
            (0x10, 5, 6, Some(2)),
            (0x20, 6, 5, Some(1)),
            (0x20, 5, 5, Some(2)),
            (0x30, 5, 5, Some(1)),
            (0x30, 4, 5, Some(2)),
            (0x40, 6, 2, Some(1)),
            (0x40, 6, 1, Some(2)),
            (0x50, 6, 1, None),
        ] {
            let jump = |source, k| Instruction { code: JMP | operation | source, jt: 1, jf: 2, k };
            let ends = [op(RET_K, 0), op(RET_K, 1), op(RET_K, 2)];
            let with_k = [&[op(LD_IMM, a), jump(0, operand)][..], &ends].concat();
            let with_x =
                [&[op(LD_IMM, a), op(LDX_IMM, operand), jump(SOURCE_X, 0)][..], &ends].concat();
            assert_eq!(run(&with_k, &[]), expected, "{a} {operation:#x} {operand}");
            assert_eq!(run(&with_x, &[]), expected, "{a} {operation:#x} {operand} in x");
        }
        assert_eq!(run(&[op(JA, 1), op(RET_K, 1), op(RET_K, 2)], &[]), Some(2));
    }

    #[test]
    fn a_program_that_runs_off_its_end_or_makes_no_sense_rejects() {
        for program in [
            &[][..],
            &[op(LD_IMM, 1)],
            &[op(JA, u32::MAX), op(RET_K, 1)],
            &[op(JA, u32::MAX - 7), op(RET_K, 1)],
            &[op(JA, i32::MAX as u32), op(RET_K, 1)],
            &[op(0xffff, 0), op(RET_K, 1)],
            &[op(0x08, 0), op(RET_K, 1)],
            &[op(RET_K, 0)],
        ] {
            assert!(!Program::new(program.to_vec()).matches(&[1; 64], 64), "{program:?}");
        }
    }

    fn op(code: u16, k: u32) -> Instruction {
        Instruction { code, jt: 0, jf: 0, k }
    }

    fn run(program: &[Instruction], packet: &[u8]) -> Option<u32> {
        super::run(program, packet, 1500)
    }
}
