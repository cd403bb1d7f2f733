//! Power steps for all vectors at once, and Newton's where these are slow.
//!
//! A power step `v <- T(v, .., v, .) / ||..||` contracts the error with order p - 1 at a component of an orthogonal tensor; noise E
//! leaves a linear part of about `(p - 1) ||E|| / lambda`. Where a step takes less than three quarters of what the equations
//! leave, pairs whose equations are small beside their value take Newton's instead.

use nalgebra::{DMatrix, DVector};
use rayon::iter::{IntoParallelIterator, ParallelIterator};

use super::packed::Packed;
use super::pairs::Pairs;
use super::start::random_unit;
use crate::instance::sample::Stream;
use crate::production::outcome::TraceEntry;
use crate::production::settings::Settings;
use crate::production::summation::norm;
use crate::production::systems::reached::Watch;

/// What is left of the equations by a step that is fast.
const FAST: f64 = 0.25;
/// Power steps before Newton's may be taken.
const POWER_STEPS: usize = 3;
/// Equations of a pair below this share of its value: near enough for Newton's step.
const NEAR: f64 = 0.1;
/// Steps in a row that leave more than half of the equations, until the run is given up; power steps far from a component
/// may.
const SLOW: usize = 40;

/// How settling ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Settled {
    /// The equations are below the tolerance.
    Small,
    /// They are at their rounding level.
    ToRounding,
    /// They do not get smaller.
    Stalled,
    /// As many steps as are allowed.
    Limit,
    /// The observer said so.
    Interrupted,
}

/// What the stages of a run share.
pub(super) struct Run<'a, 'b> {
    pub(super) tensor: &'a Packed,
    pub(super) settings: &'a Settings,
    pub(super) watch: &'a mut Watch<'b>,
    pub(super) stream: Stream,
    pub(super) method: &'static str,
    /// Steps so far.
    pub(super) iterations: usize,
    /// Readings of T so far.
    pub(super) passes: usize,
    /// What the equations left at the first start, over `2^exponent` and not.
    pub(super) start_norm: Option<[f64; 2]>,
    pub(super) warnings: Vec<String>,
}

impl Run<'_, '_> {
    /// `2^exponent`, by which images and values were divided.
    pub(super) fn scale(&self) -> f64 {
        2f64.powi(self.tensor.exponent as i32)
    }

    /// What rounding leaves of the equations of so many pairs, about, with images times `scale`.
    pub(super) fn noise(&self, pairs: usize, scale: f64) -> f64 {
        /// Roundings of a sum of random signs.
        const ROUNDINGS: f64 = 8.0;
        let one = (scale * self.tensor.norm).hypot(1.0);
        ROUNDINGS * 0.5 * f64::EPSILON * one * (pairs as f64).sqrt()
    }

    /// Steps from these vectors of length 1 until the equations are small.
    pub(super) fn settle(&mut self, vectors: DMatrix<f64>) -> (Pairs, Settled) {
        let scale = self.scale();
        // What decides is over 2^exponent, so that no scale of T changes an answer.
        let mut pairs = Pairs::of(self.tensor, vectors);
        self.passes += 1;
        let noise = self.noise(pairs.count(), 1.0);
        let (mut step_norm, mut last, mut slow) = (0.0, f64::INFINITY, 0);
        let mut best = (f64::INFINITY, pairs.clone());
        let first = self.iterations;
        loop {
            let left = pairs.norm(1.0);
            let shown = pairs.norm(scale);
            let start = self.start_norm.get_or_insert([left, shown])[0];
            if left < best.0 {
                best = (left, pairs.clone());
            }
            let stop = self.watch.sees(TraceEntry {
                iteration: self.iterations,
                loss: 0.5 * shown * shown,
                gradient_norm: shown,
                step_norm,
                step_length: if self.iterations == first { 0.0 } else { 1.0 },
                method: self.method,
                distinct_rows: 0,
                shift: 0.0,
                passes: self.passes as f64,
            });
            if stop {
                return (best.1, Settled::Interrupted);
            }
            if left <= self.settings.tolerance * start {
                return (pairs, Settled::Small);
            }
            if left <= noise {
                return (pairs, Settled::ToRounding);
            }
            slow = if left > 0.5 * last { slow + 1 } else { 0 };
            if slow > SLOW {
                return (best.1, Settled::Stalled);
            }
            if self.iterations == self.settings.max_iterations {
                return (best.1, Settled::Limit);
            }
            let newton = self.iterations >= first + POWER_STEPS && left > FAST * last;
            last = left;
            let next = self.stepped(&pairs, newton);
            step_norm = (&next - &pairs.vectors).norm();
            pairs = Pairs::of(self.tensor, next);
            self.passes += 1;
            self.iterations += 1;
        }
    }

    /// The vectors after a step.
    fn stepped(&mut self, pairs: &Pairs, newton: bool) -> DMatrix<f64> {
        let n = self.tensor.side;
        let near = |j: usize| {
            let (left, _) = pairs.left(j);
            newton && norm(left.as_slice()) <= NEAR * pairs.values[j].abs()
        };
        self.passes += (0..pairs.count()).filter(|j| near(*j)).count();
        let tensor = self.tensor;
        let corrected: Vec<Option<DVector<f64>>> = (0..pairs.count())
            .into_par_iter()
            .map(|j| near(j).then(|| newton_step(tensor, pairs, j)).flatten())
            .collect();
        let mut next = DMatrix::zeros(n, pairs.count());
        for (j, corrected) in corrected.into_iter().enumerate() {
            let column = corrected.or_else(|| power_step(pairs, j)).unwrap_or_else(|| {
                self.warnings.push(
                    "a vector was contracted to 0, being orthogonal to all components: a random one took its place".to_owned(),
                );
                DVector::from_vec(random_unit(&mut self.stream, n))
            });
            next.set_column(j, &column);
        }
        next
    }
}

/// `T(v, .., v, .)` at length 1, with the sign that keeps it near v; `None` where it is 0.
fn power_step(pairs: &Pairs, j: usize) -> Option<DVector<f64>> {
    let image = pairs.images.column(j);
    let length = norm(image.as_slice());
    if length == 0.0 {
        return None;
    }
    Some(image * (pairs.values[j].signum() / length))
}

/// Newton's step for the equations of one pair, at length 1; `None` where its matrix is singular.
fn newton_step(tensor: &Packed, pairs: &Pairs, j: usize) -> Option<DVector<f64>> {
    let v = pairs.vector(j);
    let matrix = bordered(tensor, pairs.values[j], v);
    let (left, length) = pairs.left(j);
    let n = v.len();
    let mut right = DVector::zeros(n + 1);
    right.rows_mut(0, n).copy_from(&-left);
    right[n] = -length;
    let step = matrix.lu().solve(&right)?;
    let moved = DVector::from_column_slice(v) + step.rows(0, n);
    let length = norm(moved.as_slice());
    (length.is_finite() && length > 0.5).then(|| moved / length)
}

/// The Jacobian of the equations in `(v, lambda)`: `[[(p - 1) T(v, .., v, ., .) - lambda I, -v], [-v', 0]]`.
pub(super) fn bordered(tensor: &Packed, lambda: f64, v: &[f64]) -> DMatrix<f64> {
    let n = v.len();
    let inner = tensor.matrix(v);
    let factor = (tensor.order - 1) as f64;
    DMatrix::from_fn(n + 1, n + 1, |a, b| match (a == n, b == n) {
        (true, true) => 0.0,
        (true, false) => -v[b],
        (false, true) => -v[a],
        (false, false) => {
            let own = if a == b { lambda } else { 0.0 };
            factor * inner[(a, b)] - own
        }
    })
}
