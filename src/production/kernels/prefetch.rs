//! A hint to fetch memory that is read soon.
//!
//! The hardware sees a block of rows only when it is read, and waits for it then; asked one block ahead, memory works while
//! the arithmetic does. The instruction reads nothing, cannot fault and changes no result, whatever the address, which is why
//! an out-of-range one is allowed; that it is marked unsafe is due to its taking a raw pointer.
#![allow(unsafe_code)]

/// Asks for the cache line that holds entry `index`, which may be out of range, into the second-level cache.
#[inline(always)]
pub(crate) fn prefetch<T>(entries: &[T], index: usize) {
    let address = entries.as_ptr().wrapping_add(index);
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        // SAFETY: a prefetch of any address is harmless, and SSE is part of every x86-64.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(address.cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}
