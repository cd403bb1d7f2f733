//! Large arrays on large pages, for the arrays of a matrix that is made in code: those read from files are on such pages.
//!
//! The processor finds a page of memory through a small table. With pages of 4 KiB every pass over a large matrix misses
//! it all the time, and its prefetcher stops at each page's end: on the sparse matrices of the benchmarks that was a quarter of the
//! time of `A x`. Linux hands out pages of 2 MiB to whoever asks before the memory is first touched. Where it does not, or on
//! another system, nothing changes but the time.
#![allow(unsafe_code)]

pub mod reading;

/// Arrays of fewer bytes are left alone.
const LARGE: usize = 4 << 20;

/// An empty array with room for `length` items. Panics, as `Vec` does, where that many are beyond the address space.
pub fn with_capacity<T>(length: usize) -> Vec<T> {
    on_large_pages(Vec::with_capacity(length))
}

/// `length` copies of an item; panics like [`with_capacity`]. Zeros come from the system as they are, and get their
/// pages when they are first written; other items are written at once, before large pages can be asked for.
pub fn filled<T: Clone>(item: T, length: usize) -> Vec<T> {
    on_large_pages(vec![item; length])
}

fn on_large_pages<T>(array: Vec<T>) -> Vec<T> {
    if array.capacity().saturating_mul(size_of::<T>()) >= LARGE {
        ask_for_large_pages(&array);
    }
    array
}

#[cfg(target_os = "linux")]
fn ask_for_large_pages<T>(array: &Vec<T>) {
    use rustix::mm::{Advice, madvise};

    /// A multiple of the size of a small page, whatever that is.
    const PAGE: usize = 2 << 20;
    let start = array.as_ptr() as usize;
    let first = start.next_multiple_of(PAGE);
    let end = start + array.capacity() * size_of::<T>();
    let bytes = (end & !(PAGE - 1)).saturating_sub(first);
    if bytes == 0 {
        return;
    }
    let address = array.as_ptr().cast_mut().cast::<u8>();
    // SAFETY: both ends lie inside the one allocation of `array`, on boundaries of pages. This advice changes neither contents
    // nor rights of the memory; a system that does not know it answers with an error, which leaves everything as it was.
    let _refused = unsafe {
        madvise(
            address.add(first - start).cast(),
            bytes,
            Advice::LinuxHugepage,
        )
    };
}

#[cfg(not(target_os = "linux"))]
fn ask_for_large_pages<T>(_array: &Vec<T>) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_have_the_length_and_the_items_that_were_asked_for() {
        for length in [0, 1, 1000, 1 << 20] {
            let empty: Vec<usize> = with_capacity(length);
            assert!(empty.is_empty() && empty.capacity() >= length);
            assert_eq!(filled(7, length), vec![7; length]);
        }
    }

    /// The flags of the mapping that holds an address, as the kernel prints them: `hg` where large pages were asked for.
    #[cfg(target_os = "linux")]
    fn asked(address: usize) -> bool {
        let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let mut inside = false;
        for line in maps.lines() {
            let range = line.split(' ').next().unwrap_or_default();
            if let Some((first, end)) = range.split_once('-') {
                let bound = |text| usize::from_str_radix(text, 16).unwrap_or(0);
                inside = (bound(first)..bound(end)).contains(&address);
            } else if inside && line.starts_with("VmFlags:") {
                return line.split_whitespace().any(|flag| flag == "hg");
            }
        }
        panic!("no mapping holds {address:x}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn large_arrays_ask_for_large_pages_and_small_ones_do_not() {
        if !std::path::Path::new("/sys/kernel/mm/transparent_hugepage").exists() {
            eprintln!("skipped: this kernel has no large pages to ask for");
            return;
        }
        // In a process of its own: what other tests have freed there may be handed out again with their request on it.
        const ALONE: &str = "ATTREG_TEST_ALONE";
        if std::env::var_os(ALONE).is_none() {
            let name = "memory::tests::large_arrays_ask_for_large_pages_and_small_ones_do_not";
            let child = std::process::Command::new(std::env::current_exe().unwrap())
                .args(["--exact", name])
                .env(ALONE, "1")
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&child.stdout);
            assert!(
                child.status.success() && said.contains("1 passed"),
                "{said}"
            );
            return;
        }
        let middle = |array: &[f64]| array.as_ptr() as usize + size_of_val(array) / 2;
        assert!(asked(middle(&filled(0.0, 2 << 20))));
        assert!(!asked(middle(&filled(0.0, 1000))));
        let mut indices: Vec<f64> = with_capacity(1 << 20);
        indices.resize(1 << 20, 1.0);
        assert!(asked(middle(&indices)));
        assert!(!asked(middle(&vec![1.0; 2 << 20])));
    }
}
