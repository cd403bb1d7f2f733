//! The kernel by conjugate gradients on the equilibrated matrix, preconditioned where that pays.
//!
//! Most real rows are far apart: the matrix is near the identity and a dozen products are enough. Where the first steps say that it
//! will take long, a randomly pivoted Cholesky factor is made and the run begins anew.

use super::KEY;
use super::equilibrated::{Equilibrated, Scaling};
use super::pivoted::Pivoted;
use super::refined::{self, Correction, Way};
use crate::production::Outcome;
use crate::production::factor::lanczos::condition_of_tridiagonal;
use crate::production::settings::Settings;
use crate::production::summation::{dot, norm};
use crate::production::systems::error::{Refusal, SystemError};
use crate::production::systems::linear::answer::entry;
use crate::production::systems::linear::scaled::Scaled;
use crate::production::systems::method::{Cost, Method};
use crate::production::systems::reached::{Reached, Watch};
use crate::system::Given;

/// The largest kernel that is stored: 2 GiB.
const LARGEST_ORDER: usize = 16_384;
/// Rows whose sums are taken to say how many steps it will take.
const SAMPLE: usize = 16;
/// What one correction leaves of its residual.
const LEFT: f64 = 1e-9;
/// Steps after which the condition number is estimated, and how many more it may promise before a preconditioner is made.
const LOOK: usize = 30;
const LONG: f64 = 150.0;

/// Steps from one that is shown, and after which the run may be ended, to the next: each costs a product more.
const SHOWN: usize = 16;
const NAME: &str = "conjugate-gradients";

/// Conjugate gradients for the kernel.
pub(crate) struct ByConjugateGradients;

impl Method for ByConjugateGradients {
    fn name(&self) -> &'static str {
        NAME
    }

    fn solves(&self) -> &'static str {
        KEY
    }

    fn proves(&self) -> bool {
        true
    }

    fn takes(&self, given: &Given) -> Result<Cost, Refusal> {
        let scaling = Scaling::of(given)?;
        let n = scaling.order_within(LARGEST_ORDER, "conjugate gradients")? as f64;
        Ok(n * n * expected_steps(&scaling).min(n))
    }

    fn run(
        &self,
        given: &Given,
        _start: Option<&[f64]>,
        settings: &Settings,
        watch: &mut Watch<'_>,
    ) -> Result<Reached, SystemError> {
        let problem = Equilibrated::of(Scaling::of(given)?);
        let preconditioner = std::cell::OnceCell::new();
        let correct = |r: &[f64], products: usize, watch: &mut Watch<'_>| {
            if preconditioner.get().is_none() {
                let first = iterate(&problem, None, r, (products, settings), watch);
                if first.ended != Some(Outcome::LineSearchStalled) {
                    return first;
                }
            }
            let pivoted = preconditioner.get_or_init(|| Pivoted::of(&problem, settings.seed));
            iterate(&problem, Some(pivoted), r, (products, settings), watch)
        };
        let way = Way {
            method: self.name(),
            correct: &correct,
            factor: None,
            singular: false,
        };
        Ok(refined::run(&problem, &way, settings, watch))
    }
}

/// By the sums of some rows off the diagonal: `kappa <= (1 + q) / (1 - q)` for q their largest, if it stands for all.
fn expected_steps(scaling: &Scaling) -> f64 {
    let order = scaling.order();
    let stride = order.div_ceil(SAMPLE).max(1);
    let mut most = 0.0_f64;
    for j in (0..order).step_by(stride) {
        let own = scaling.rows.row(j);
        let sum: f64 = (0..order)
            .filter(|i| *i != j)
            .map(|i| {
                let row = scaling.rows.row(i).iter().zip(own);
                let square: f64 = row.map(|(a, b)| (a - b) * (a - b)).sum();
                (-0.5 * square).exp() * scaling.inner[i]
            })
            .sum();
        most = most.max(sum * scaling.inner[j]);
    }
    if most >= 1.0 {
        return f64::INFINITY;
    }
    steps_for((1.0 + most) / (1.0 - most), LEFT * LEFT)
}

/// Steps of conjugate gradients to that part of the residual.
fn steps_for(condition: f64, left: f64) -> f64 {
    (0.5 * condition.sqrt() * (2.0 / left).ln()).ceil() + 1.0
}

/// Conjugate gradients for `M s = r` until a small part of r is left. Without a preconditioner it gives up, as
/// [`Outcome::LineSearchStalled`], where the first steps promise a long run.
pub(super) fn iterate(
    problem: &Equilibrated,
    preconditioner: Option<&Pivoted>,
    r: &[f64],
    (before, settings): (usize, &Settings),
    watch: &mut Watch<'_>,
) -> Correction {
    let mut rest = r.to_vec();
    let mut step = vec![0.0; r.len()];
    let precondition = |rest: &[f64]| match preconditioner {
        Some(pivoted) => pivoted.solve(rest),
        None => rest.to_vec(),
    };
    let mut shaped = precondition(&rest);
    let mut direction = shaped.clone();
    let mut along = dot(&rest, &shaped);
    let target = LEFT * norm(r);
    let mut coefficients: Vec<(f64, f64)> = Vec::new();
    let mut products = 0;
    let mut best = (norm(r), step.clone());
    let mut worse = 0;
    let ended = loop {
        if norm(&rest) <= target || along.is_nan() || along <= 0.0 {
            break None;
        }
        if before + products >= settings.max_iterations {
            break Some(Outcome::IterationLimit);
        }
        if worse > 2 * LOOK {
            break None;
        }
        let image = problem.multiply(&direction);
        products += 1;
        let curvature = dot(&direction, &image);
        if curvature.is_nan() || curvature <= 0.0 {
            break None;
        }
        let length = along / curvature;
        for i in 0..step.len() {
            step[i] += length * direction[i];
            rest[i] -= length * image[i];
        }
        shaped = precondition(&rest);
        let next = dot(&rest, &shaped);
        coefficients.push((length, next / along));
        for (d, s) in direction.iter_mut().zip(&shaped) {
            *d = s + next / along * *d;
        }
        along = next;
        let left = norm(&rest);
        if left < best.0 {
            best = (left, step.clone());
            worse = 0;
        } else {
            worse += 1;
        }
        if products.is_multiple_of(SHOWN) {
            let values = [problem.loss(&rest), problem.gradient(&rest)].map(Scaled::get);
            let made = before + products;
            let moved = length * norm(&direction);
            let shown = entry(NAME, made, [values[0], values[1], moved], made as f64);
            if watch.sees(shown) {
                break Some(Outcome::Interrupted);
            }
        }
        if preconditioner.is_none() && products == LOOK {
            let condition = condition_of_tridiagonal(&coefficients);
            if steps_for(condition, LEFT) > LONG {
                break Some(Outcome::LineSearchStalled);
            }
        }
    };
    Correction {
        step: best.1,
        products,
        ended,
    }
}
