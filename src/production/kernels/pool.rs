//! Arrays that are used again and again: the system hands out fresh memory a page fault at a time, which for a single pass
//! over a large matrix costs as much as the pass.

use std::sync::{Mutex, PoisonError};

use crate::memory;

/// Arrays that nobody uses at the moment.
#[derive(Debug, Default)]
pub(crate) struct Pool(Mutex<Vec<Vec<f64>>>);

impl Pool {
    /// An array of that length with arbitrary entries: a used one that is large enough, if there is one, else a new one.
    pub fn take(&self, length: usize) -> Vec<f64> {
        self.used(length)
            .unwrap_or_else(|| memory::filled(0.0, length))
    }

    /// An array of that length, all zeros.
    pub fn take_zeros(&self, length: usize) -> Vec<f64> {
        match self.used(length) {
            Some(mut array) => {
                array.fill(0.0);
                array
            }
            None => memory::filled(0.0, length),
        }
    }

    /// The smallest idle array that is large enough.
    fn used(&self, length: usize) -> Option<Vec<f64>> {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let best = (0..idle.len())
            .filter(|k| idle[*k].capacity() >= length)
            .min_by_key(|k| idle[*k].capacity());
        let found = best.map(|k| idle.swap_remove(k));
        drop(idle);
        let mut array = found?;
        array.resize(length, 0.0);
        Some(array)
    }

    /// Entries of the arrays that nobody uses at the moment.
    #[cfg(test)]
    pub fn held(&self) -> usize {
        let idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        idle.iter().map(Vec::capacity).sum()
    }

    /// Hands an array back.
    pub fn give(&self, array: Vec<f64>) {
        if array.capacity() > 0 {
            self.0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(array);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_array_that_fits_is_used_again_and_zeros_are_zeros() {
        let pool = Pool::default();
        for length in [100, 10, 50] {
            pool.give(vec![f64::NAN; length]);
        }
        let array = pool.take(20);
        assert!(array.len() == 20 && array.capacity() >= 50 && array.capacity() < 100);
        assert!(pool.take_zeros(60).iter().all(|entry| *entry == 0.0));
        assert_eq!(pool.take(5).len(), 5);
        assert_eq!(pool.take(5).len(), 5);
    }
}
