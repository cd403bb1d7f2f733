//! The same bits for any number of threads.

use std::fmt::Debug;

/// What `work` gives on a pool of so many threads.
pub fn on<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    pool.unwrap().install(work)
}

/// Asserts that `work` gives the same on one thread and on three.
#[track_caller]
pub fn same_on_one_and_three<T: PartialEq + Debug + Send>(work: impl Fn() -> T + Sync) {
    assert_eq!(on(1, &work), on(3, &work));
}
