//! Pools of points of which labels are dear.

use nalgebra::{DMatrix, DVector};

use super::kind::{Generator, dyadic, flat, named};
use crate::instance::sample::{self, Stream};
use crate::system::active_learning::ACTIVE_LEARNING;
use crate::system::array::Array;
use crate::system::given::Given;

/// A pool without structure.
pub(super) static ROWS: Generator = Generator {
    kind: "pool",
    about: "active learning: a pool of n points and d basis values each, its last point 8 times as far out, labels that are a combination of the basis and noise, a budget of 2 d labels",
    has_columns: false,
    draw: |sizes, rng| {
        let mut pool = dyadic(rng, sizes.rows, sizes.width, 1);
        let mut last = pool.row_mut(sizes.rows - 1);
        last *= 8.0;
        posed(&pool, None, rng)
    },
};

/// Legendre polynomials on a grid.
pub(super) static LEGENDRE: Generator = Generator {
    kind: "legendre-pool",
    about: "active learning: the d first Legendre polynomials at the midpoints of n equal parts of [-1, 1], labels with noise, a measure of 1 / n, a budget of 2 d labels",
    has_columns: false,
    draw: |sizes, rng| {
        let (n, d) = (sizes.rows, sizes.width);
        let mut pool = DMatrix::zeros(n, d);
        for i in 0..n {
            let t = (2 * i + 1) as f64 / n as f64 - 1.0;
            for (j, value) in legendre(d, t).into_iter().enumerate() {
                pool[(i, j)] = value;
            }
        }
        posed(&pool, Some(1.0 / n as f64), rng)
    },
};

/// Trigonometric polynomials at drawn angles.
pub(super) static TRIGONOMETRIC: Generator = Generator {
    kind: "trigonometric-pool",
    about: "active learning: the d first of 1, cos t, sin t, cos 2t, .. at n angles drawn at random, labels with noise, a measure of 1 / n, a budget of 2 d labels",
    has_columns: false,
    draw: |sizes, rng| {
        let (n, d) = (sizes.rows, sizes.width);
        let mut pool = DMatrix::zeros(n, d);
        for i in 0..n {
            let (cosine, sine) = on_the_circle(rng);
            let (mut c, mut s) = (1.0, 0.0);
            for j in 0..d {
                if j % 2 == 1 {
                    (c, s) = (c * cosine - s * sine, c * sine + s * cosine);
                }
                pool[(i, j)] = if j % 2 == 0 && j > 0 { s } else { c };
            }
        }
        posed(&pool, Some(1.0 / n as f64), rng)
    },
};

/// `P_0(t), .., P_(d-1)(t)` by their recurrence.
fn legendre(d: usize, t: f64) -> Vec<f64> {
    let mut values = vec![1.0, t];
    for k in 1..d.saturating_sub(1) {
        let k_f64 = k as f64;
        let next = ((2.0 * k_f64 + 1.0) * t * values[k] - k_f64 * values[k - 1]) / (k_f64 + 1.0);
        values.push(next);
    }
    values.truncate(d);
    values
}

/// Cosine and sine of an angle, uniform but for a grid of 2^-10, by quotients alone: twice the angle of a point in the disc.
fn on_the_circle(rng: &mut Stream) -> (f64, f64) {
    loop {
        let [u, v] = [(); 2].map(|()| sample::dyadic(rng, 1));
        let square = u * u + v * v;
        if square > 0.0 && square <= 1.0 {
            return ((u * u - v * v) / square, 2.0 * u * v / square);
        }
    }
}

/// Labels, budget and a start for a pool.
fn posed(pool: &DMatrix<f64>, measure: Option<f64>, rng: &mut Stream) -> Result<Given, String> {
    let (n, d) = pool.shape();
    let planted: DVector<f64> = sample::dyadic_vector(rng, d, 1);
    // A sum from left to right: a library's product may sum in another order on another machine.
    let labels = DVector::from_fn(n, |i, _| {
        let value: f64 = (0..d).map(|j| pool[(i, j)] * planted[j]).sum();
        value + sample::dyadic(rng, 1) / 8.0
    });
    let mut arrays = vec![
        named("pool", pool),
        ("labels".to_owned(), Array::vector(&labels)),
        ("budget".to_owned(), Array::scalar((2 * d).min(n) as f64)),
    ];
    if let Some(measure) = measure {
        arrays.push(("measure".to_owned(), Array::scalar(measure)));
    }
    let start = flat(&[&dyadic(rng, d, 1, 1)]);
    Given::new(&ACTIVE_LEARNING, arrays)?.with_points(vec![start])
}
