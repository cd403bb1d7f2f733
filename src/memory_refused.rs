//! What happens where the system refuses memory.

#![allow(unsafe_code)] // An allocator cannot be written without; every call is handed on as it is.

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::Write as _;

use attention_regression::memory::reading;

/// The system's allocator, but where it refuses memory the program ends with one line and status 2, as for any other input
/// that it cannot take; the line names the file that was being read, where one was. Rust itself would abort, and stable Rust has no other place to say so; asking beforehand for the sizes
/// that files announce would leave out the libraries' own arrays.
struct OrRefuse;

#[global_allocator]
static MEMORY: OrRefuse = OrRefuse;

// SAFETY: every call is handed to the system's allocator as it is; a null pointer does not come back.
unsafe impl GlobalAlloc for OrRefuse {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the promises of this very method.
        granted(unsafe { System.alloc(layout) }, layout.size())
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        granted(unsafe { System.alloc_zeroed(layout) }, layout.size())
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as above.
        granted(unsafe { System.realloc(memory, layout, size) }, size)
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(memory, layout) }
    }
}

fn granted(memory: *mut u8, bytes: usize) -> *mut u8 {
    if memory.is_null() {
        // Neither the line nor the end asks for memory.
        let mut out = std::io::stderr().lock();
        let _ = out.write_all(b"attreg: ");
        reading::with_name(|name| {
            let _ = out.write_all(name).and_then(|()| out.write_all(b": "));
        });
        let _ = writeln!(out, "out of memory: the system refused {bytes} bytes");
        // A launcher that finds one rank gone may end with a status of its own.
        #[cfg(feature = "mpi")]
        attention_regression::production::ranks::mpi::end_all(2);
        std::process::exit(2)
    }
    memory
}
