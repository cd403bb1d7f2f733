//! Weighted low-rank approximation.

use nalgebra::DMatrix;

use super::kind::{Generator, Sizes, dyadic, flat, named, product};
use crate::instance::sample::{self, Stream};
use crate::system::array::Array;
use crate::system::given::Given;
use crate::system::weighted_low_rank::WEIGHTED_LOW_RANK;

/// Every entry seen, with a weight of its own.
pub(super) static WEIGHTED: Generator = Generator {
    kind: "low-rank",
    about: "weighted low rank: M of rank d and a sixteenth of noise, weights from 1/8 to 17/8",
    has_columns: true,
    draw: |sizes, rng| drawn(sizes, rng, false),
};

/// A fifth of the entries hidden.
pub(super) static MASKED: Generator = Generator {
    kind: "masked-low-rank",
    about: "the same with weights 0 and 1: a fifth of the entries hidden, at least d of each row and column seen",
    has_columns: true,
    draw: |sizes, rng| drawn(sizes, rng, true),
};

fn drawn(sizes: &Sizes, rng: &mut Stream, masked: bool) -> Result<Given, String> {
    let (n, k) = (sizes.rows, sizes.width);
    let m = sizes.columns.unwrap_or(n);
    if k > n.min(m) {
        return Err(format!("the rank d is {k}, but M is {n} x {m}"));
    }
    let planted = product(&dyadic(rng, n, k, 2), &dyadic(rng, k, m, 2));
    let mut target = planted + dyadic(rng, n, m, 1) / 16.0;
    let weights = if masked {
        mask(rng, n, m, k)
    } else {
        dyadic(rng, n, m, 2).map(|w| 0.125 + w.abs())
    };
    target.zip_apply(&weights, |entry, weight| {
        if weight == 0.0 {
            *entry = f64::NAN;
        }
    });
    let start = flat(&[&dyadic(rng, n, k, 1), &dyadic(rng, m, k, 1)]);
    let rank = ("rank".to_owned(), Array::scalar(k as f64));
    let arrays = vec![named("M", &target), named("W", &weights), rank];
    Given::new(&WEIGHTED_LOW_RANK, arrays)?.with_points(vec![start])
}

/// Zeros and ones; an entry that its row or column needs to keep `least` is not hidden.
fn mask(rng: &mut Stream, n: usize, m: usize, least: usize) -> DMatrix<f64> {
    let mut mask = DMatrix::from_element(n, m, 1.0);
    for i in 0..n {
        for j in 0..m {
            let hide = sample::integer(rng, 1, 5) == 1;
            let spare = |sum: f64| sum as usize > least;
            if hide && spare(mask.row(i).sum()) && spare(mask.column(j).sum()) {
                mask[(i, j)] = 0.0;
            }
        }
    }
    mask
}
