// SPDX-License-Identifier: Apache-2.0
//! A classic BPF program and a frame: number of instructions, original length, the
//! instructions (which: 1, distances: 2, constant: 2), and the frame's octets.
#![no_main]

use libfuzzer_sys::fuzz_target;
use penstock_fuzz::{Input, original_octets};
use penstock_net::filter::{Instruction, Program};

fuzz_target!(|octets: &[u8]| {
    let mut input = Input::new(octets);
    let (count, more) = (input.u8(), input.u8());
    let instructions: Vec<_> = (0..count).map(|_| instruction(&mut input)).collect();
    let frame = input.rest();
    let original_octets = original_octets(more, frame.len());

    let program = Program::new(instructions);
    let takes = program.matches(frame, original_octets);
    assert_eq!(takes, program.matches(frame, original_octets));
    if takes {
        // Every load was within the frame, so that more of it changes nothing.
        let longer = [frame, &[0xff; 40]].concat();
        assert!(program.matches(&longer, original_octets));
    }
});

fn instruction(input: &mut Input<'_>) -> Instruction {
    let (which, jt, jf, constant) = (input.u8(), input.u8(), input.u8(), input.u16());
    let code = match CODES.get(usize::from(which)) {
        Some(code) => *code,
        None => constant.rotate_left(u32::from(which)),
    };
    // Small numbers of either sign: places in the frame, backward jumps.
    let k = i32::from(constant.cast_signed()).cast_unsigned();
    Instruction { code, jt, jf, k }
}

/// Every instruction that there is, by the numbers of bpf(4).
const CODES: [u16; 50] = [
    0x00, 0x20, 0x28, 0x30, 0x40, 0x48, 0x50, 0x60, 0x80, 0x01, 0x61, 0x81, 0xb1, 0x02, 0x03, 0x04,
    0x0c, 0x14, 0x1c, 0x24, 0x2c, 0x34, 0x3c, 0x44, 0x4c, 0x54, 0x5c, 0x64, 0x6c, 0x74, 0x7c, 0x84,
    0x94, 0x9c, 0xa4, 0xac, 0x05, 0x15, 0x1d, 0x25, 0x2d, 0x35, 0x3d, 0x45, 0x4d, 0x06, 0x0e, 0x16,
    0x07, 0x87,
];
