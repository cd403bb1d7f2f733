//! The error bound of an answer, held against the minimiser at 40 digits.

use attention_regression::instance::{DesignMatrix, Instance, LossKind};
use attention_regression::oracle::{Reference, lift_vector, minimise};
use attention_regression::production::Solution;

/// Most entries of A for which the 40 digits take no more than some milliseconds.
const MOST_ENTRIES: usize = 24;
/// Numbers outside this range leave the exponents of the 40-digit numbers when they are multiplied.
const RANGE: std::ops::Range<f64> = 1e-20..1e20;

/// Where an answer has a bound, a proven minimiser near it lies within the bound.
pub fn check(instance: &Instance, solution: &Solution) {
    let Some(bound) = solution.error_bound else {
        return;
    };
    if instance.rows() * instance.columns() > MOST_ENTRIES || !plain(instance, solution) {
        return;
    }
    let Ok(reference) = Reference::new(instance) else {
        return;
    };
    let x = lift_vector(&solution.x);
    let Ok(minimiser) = minimise(&reference, &x) else {
        return;
    };
    let distance = (&minimiser.x - &x).norm();
    // The minimiser is itself known up to its own bound.
    let least = (distance - minimiser.error_bound).to_f64();
    assert!(
        least <= bound,
        "bound {bound}, but the minimiser is {least} away: {solution:?}"
    );
}

fn plain(instance: &Instance, solution: &Solution) -> bool {
    let fine = |value: &f64| *value == 0.0 || RANGE.contains(&value.abs());
    let matrix = match instance.matrix() {
        DesignMatrix::Dense(dense) => dense.iter().flatten().all(fine),
        DesignMatrix::Sparse(sparse) => sparse.values().iter().all(fine),
    };
    let layer = match instance.loss() {
        LossKind::TwoLayer { second_layer, .. } => second_layer.iter().all(fine),
        _ => true,
    };
    matrix
        && layer
        && instance.target().iter().all(fine)
        && instance.weights().iter().all(fine)
        && solution.x.iter().all(fine)
}
