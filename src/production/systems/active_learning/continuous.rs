//! Polynomials on their whole domain: points are drawn from the density of the leverage (Christoffel) function itself, no pool is made.
//!
//! ```text
//! k(t) = sum_j v_j(t)^2, v orthonormal under the uniform distribution D    t ~ k D / d    weight d / (m k(t))
//! ```
//!
//! A draw takes one of the d functions at random and rejects until the density of its square is met: of Legendre polynomials from the
//! arcsine density, with `(2 j + 1) P_j(t)^2 sqrt(1 - t^2) <= 4 / pi` (Bernstein), so half of all proposals are taken.

use std::f64::consts::PI;
use std::ops::ControlFlow;

use nalgebra::{Cholesky, DMatrix, DVectorView};
use rand::Rng;

use super::KEY;
use super::fit::Labelled;
use crate::instance::sample::{self, Stream};
use crate::production::settings::Settings;
use crate::production::systems::error::{Refusal, SystemError};
use crate::production::systems::linear::scaled::Scaled;
use crate::production::systems::reached::Watch;

/// Functions on a whole domain, orthonormal under its uniform distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ContinuousBasis {
    /// `sqrt(2 j + 1) P_j(t)` on [-1, 1].
    Legendre,
    /// `1, sqrt(2) cos t, sqrt(2) sin t, sqrt(2) cos 2t, ..` on [-pi, pi].
    Trigonometric,
}

impl ContinuousBasis {
    /// The first d functions at t.
    pub fn values(self, d: usize, t: f64) -> Vec<f64> {
        match self {
            Self::Legendre => {
                let (mut before, mut here) = (0.0, 1.0);
                (0..d)
                    .map(|j| {
                        let j = j as f64;
                        let value = (2.0 * j + 1.0).sqrt() * here;
                        let next = ((2.0 * j + 1.0) * t * here - j * before) / (j + 1.0);
                        (before, here) = (here, next);
                        value
                    })
                    .collect()
            }
            Self::Trigonometric => (0..d)
                .map(|j| {
                    let angle = j.div_ceil(2) as f64 * t;
                    match j {
                        0 => 1.0,
                        _ if j % 2 == 1 => 2f64.sqrt() * angle.cos(),
                        _ => 2f64.sqrt() * angle.sin(),
                    }
                })
                .collect(),
        }
    }

    /// A point from the density `k / d` of the first d functions.
    fn draw(self, d: usize, rng: &mut Stream) -> f64 {
        let j = sample::integer(rng, 0, d as i64 - 1) as usize;
        loop {
            let (cosine, sine) = on_the_circle(rng);
            let t = match self {
                Self::Legendre => cosine,
                Self::Trigonometric => sine.atan2(cosine),
            };
            let value = self.values(j + 1, t)[j];
            let most = match self {
                Self::Legendre => value * value * sine.abs() * (PI / 4.0),
                Self::Trigonometric => value * value / 2.0,
            };
            if uniform(rng) < most {
                return t;
            }
        }
    }
}

/// A fit on a whole domain.
#[derive(Clone, Debug, PartialEq)]
pub struct ContinuousFit {
    /// Coefficients of the basis.
    pub x: Vec<f64>,
    /// The points that were labelled, in the order of their first draw.
    pub points: Vec<f64>,
    /// The weight of the square at each.
    pub weights: Vec<f64>,
    /// How many labels were read: each point once.
    pub labels_read: usize,
    /// Samples before this one that had not rank d, and were drawn again without a label.
    pub redrawn: u64,
}

/// Fits the first d functions of a basis to labels of at most `budget` points, drawn by leverage with the settings' seed; the label
/// of a point is asked for once. The mean excess is `d / budget` to first order, whatever the labels: of
/// `|| f - f* ||^2 / || y - f* ||^2` in the norm of the uniform distribution, f* the best fit to y on the whole domain. No bound of the
/// error can be proven from these labels.
///
/// Refused: d = 0, a budget below d, a label that is not finite, no sample of rank d in a hundred.
pub fn fit_continuous(
    basis: ContinuousBasis,
    d: usize,
    budget: usize,
    settings: &Settings,
    label: &mut dyn FnMut(f64) -> f64,
) -> Result<ContinuousFit, SystemError> {
    settings.validate()?;
    if d == 0 {
        return Err(Refusal::NoFunctions.into());
    }
    if budget < d {
        return Err(Refusal::Budget { budget, rank: d }.into());
    }
    let (sample, redrawn) = sampled(basis, d, budget, settings.seed)?;
    let mut labels = Vec::with_capacity(sample.points.len());
    for (index, t) in sample.points.iter().enumerate() {
        let value = label(*t);
        if !value.is_finite() {
            return Err(Refusal::Label { index, value }.into());
        }
        labels.push(value);
    }
    let labelled = Labelled {
        width: d,
        rows: sample.rows,
        labels,
        weights: sample.weights.clone(),
        unit: Scaled::of(1.0),
    };
    let mut nobody = |_: &_| ControlFlow::Continue(());
    let reached = labelled.fit(KEY, settings, &mut Watch::new(&mut nobody))?;
    Ok(ContinuousFit {
        x: reached.x,
        labels_read: sample.points.len(),
        points: sample.points,
        weights: sample.weights,
        redrawn,
    })
}

struct Sample {
    points: Vec<f64>,
    weights: Vec<f64>,
    rows: Vec<f64>,
}

/// The first sample of rank d, and how many were not.
fn sampled(
    basis: ContinuousBasis,
    d: usize,
    budget: usize,
    seed: u64,
) -> Result<(Sample, u64), Refusal> {
    const TRIES: u64 = 100;
    for attempt in 0..TRIES {
        let mut rng = sample::stream(seed, "continuous-leverage", attempt);
        let mut sample = Sample {
            points: Vec::new(),
            weights: Vec::new(),
            rows: Vec::new(),
        };
        let mut gram = DMatrix::zeros(d, d);
        for _ in 0..budget {
            let t = basis.draw(d, &mut rng);
            let row = basis.values(d, t);
            let density: f64 = row.iter().map(|value| value * value).sum();
            let weight = d as f64 / (budget as f64 * density);
            let view = DVectorView::from_slice(&row, d);
            gram.ger(weight, &view, &view, 1.0);
            match sample.points.iter().position(|point| *point == t) {
                Some(known) => sample.weights[known] += weight,
                None => {
                    sample.points.push(t);
                    sample.weights.push(weight);
                    sample.rows.extend(row);
                }
            }
        }
        // Values are orthonormal up to the sample: a pivot of rounding is none.
        let pivots = Cholesky::new(gram).map(|factor| factor.l_dirty().diagonal().min());
        if pivots.is_some_and(|least| least > 1e-6) {
            return Ok((sample, attempt));
        }
    }
    Err(Refusal::NoSample {
        draws: budget,
        tries: TRIES,
        rank: d,
    })
}

/// Uniform on the multiples of 2^-53 in [0, 1).
fn uniform(rng: &mut Stream) -> f64 {
    (rng.next_u64() >> 11) as f64 * (f64::EPSILON / 2.0)
}

/// Cosine and sine of a uniform angle: twice that of a point in the disc.
fn on_the_circle(rng: &mut Stream) -> (f64, f64) {
    loop {
        let [u, v] = [(); 2].map(|()| 2.0 * uniform(rng) - 1.0);
        let square = u * u + v * v;
        if square > 0.0 && square <= 1.0 {
            return ((u * u - v * v) / square, 2.0 * u * v / square);
        }
    }
}
