// SPDX-License-Identifier: Apache-2.0
//! Asking for memory before it is needed.

/// Asks the processor to fetch the cache line at an address. Never faults, whatever the
/// address; does nothing on processors that have no such instruction here.
#[inline]
#[expect(unsafe_code, reason = "the one instruction that safe Rust cannot say")]
pub(crate) fn prefetch(address: *const u8) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch is a hint: it reads nothing into the program and cannot fault.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(address.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}
