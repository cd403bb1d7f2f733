//! What the tests of all evaluators ask.

use rand::RngExt;

use crate::instance::sample::{self, Stream};
use crate::oracle::OutputsReference;
use crate::production::outputs::{Outputs, evaluate};
use crate::scalar::High;
use crate::system::{Array, Given};

pub(super) fn matrix(rows: usize, columns: usize, entries: Vec<f64>) -> Array {
    Array::new(vec![rows, columns], entries).unwrap()
}

/// Q, K and V of nq, nk, d, m sides, of sizes over so many decades to either side.
pub(super) fn drawn_arrays(
    [queries, keys, width, columns]: [usize; 4],
    decades: f64,
    rng: &mut Stream,
) -> [Array; 3] {
    let mut array = |rows: usize, columns: usize, decades: f64| {
        let size = 10f64.powf(rng.random_range(-decades..decades));
        let entries = (0..rows * columns)
            .map(|_| size * rng.random_range(-1.0..1.0))
            .collect();
        matrix(rows, columns, entries)
    };
    [
        array(queries, width, decades),
        array(keys, width, decades),
        array(keys, columns, 6.0),
    ]
}

/// A stream for tests.
pub(super) fn stream(seed: u64) -> Stream {
    sample::stream(seed, "outputs-tests", 0)
}

/// The largest error over its bound; every bound is finite.
pub(super) fn against_the_oracle(given: &Given, outputs: &Outputs) -> f64 {
    let exact = OutputsReference::of(given).unwrap().enclose().unwrap();
    let mut worst = 0.0_f64;
    let entries = outputs.values.values().iter();
    for ((value, bound), ball) in entries.zip(outputs.error_bounds.values()).zip(&exact) {
        let error = (High::lift(*value).unwrap() - ball.midpoint()).abs() + ball.radius();
        assert!(bound.is_finite());
        worst = worst.max((error / High::lift(*bound).unwrap()).to_f64());
    }
    worst
}

/// One thread and three give the same bits.
pub(super) fn threads_do_not_matter(given: &Given) {
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| evaluate(given)).unwrap()
    };
    let (one, three) = (run(1), run(3));
    assert_eq!(one.values, three.values);
    assert_eq!(one.error_bounds, three.error_bounds);
}
