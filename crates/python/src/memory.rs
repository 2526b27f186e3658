// SPDX-License-Identifier: Apache-2.0
//! What becomes of memory that is freed.

/// Makes the C library keep freed memory for the next batches, up to a bound.
///
/// A collector makes batches of megabytes many times a second. Left to itself the C library hands
/// their memory back to the system when they are done with, and taking it again, page by page,
/// costs more than filling it: most of a collector's time, where a page fault is dear.
pub(crate) fn keep_freed() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: mallopt(3) takes two numbers, and may be called at any time.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, MAPPED_OCTETS);
        libc::mallopt(libc::M_TRIM_THRESHOLD, KEPT_OCTETS);
    }
}

/// Allocations from this on have their memory to themselves, and give it back.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const MAPPED_OCTETS: i32 = 32 << 20;
/// Free memory that is kept.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const KEPT_OCTETS: i32 = 128 << 20;
