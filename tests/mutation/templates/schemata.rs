//! Which mutant of this build is active: the number in the environment variable `MUTANT`.
//!
//! With `MUTANT_TRACE` instead, no mutant is active, and every switch that is reached leaves an empty file in that
//! directory, named by its numbers. Empty files get past a test that limits the size of files.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};

/// Numbers run from 1 to this.
const COUNT: usize = 0;
/// Values of `ACTIVE` that are no number of a mutant.
const UNREAD: u32 = u32::MAX;
const TRACING: u32 = u32::MAX - 1;

static ACTIVE: AtomicU32 = AtomicU32::new(UNREAD);
static SEEN: [AtomicBool; COUNT + 1] = [const { AtomicBool::new(false) }; COUNT + 1];

/// Whether mutant `number` is active.
#[inline]
#[must_use]
pub fn on(number: u32) -> bool {
    !off(number, number)
}

/// Whether none of the mutants from `first` to `last` is active.
#[inline]
#[must_use]
pub fn off(first: u32, last: u32) -> bool {
    let active = ACTIVE.load(Relaxed);
    if active >= TRACING {
        return slow(first, last);
    }
    active < first || active > last
}

#[cold]
#[inline(never)]
fn slow(first: u32, last: u32) -> bool {
    let mut active = ACTIVE.load(Relaxed);
    if active == UNREAD {
        active = if std::env::var_os("MUTANT_TRACE").is_some() {
            TRACING
        } else {
            match std::env::var("MUTANT") {
                Ok(text) => text.parse().expect("MUTANT is a number"),
                Err(_) => 0,
            }
        };
        ACTIVE.store(active, Relaxed);
    }
    if active == TRACING {
        record(first, last);
        return true;
    }
    active < first || active > last
}

fn record(first: u32, last: u32) {
    if SEEN[first as usize].swap(true, Relaxed) {
        return;
    }
    let directory = std::env::var_os("MUTANT_TRACE").expect("tracing needs a directory");
    let name = format!("{first}-{last}");
    std::fs::File::create(std::path::Path::new(&directory).join(name))
        .expect("the trace can be written");
}
