//! The outer iteration of both ways to solve the kernel: `z += M^-1 r` to some accuracy, with r computed anew.

use super::equilibrated::Equilibrated;
use super::proof;
use crate::production::Outcome;
use crate::production::factor::cholesky::Cholesky;
use crate::production::settings::Settings;
use crate::production::summation::norm;
use crate::production::systems::linear::answer::{self, Ending, Values, begin};
use crate::production::systems::linear::scaled::Scaled;
use crate::production::systems::reached::{Reached, Watch};
use crate::scalar::rounding::UNIT;

/// Corrections at most.
const CORRECTIONS: usize = 10;
/// A correction that leaves more than this of the residual and of the gradient is the last.
const GAIN: f64 = 0.5;

/// A correction for a residual.
pub(super) struct Correction {
    pub(super) step: Vec<f64>,
    /// Products with M that it took; 1 for a direct solve.
    pub(super) products: usize,
    /// How it ended early, if it did.
    pub(super) ended: Option<Outcome>,
}

/// What a way to solve is called, and how it corrects.
pub(super) struct Way<'a> {
    pub(super) method: &'static str,
    /// The correction for a residual, after so many products.
    pub(super) correct: &'a dyn Fn(&[f64], usize, &mut Watch<'_>) -> Correction,
    /// A factor of M, if there is one.
    pub(super) factor: Option<&'a Cholesky>,
    /// M could not be factored: whatever is reached, the problem is singular to working precision.
    pub(super) singular: bool,
}

/// Runs from z = 0.
pub(super) fn run(
    problem: &Equilibrated,
    way: &Way<'_>,
    settings: &Settings,
    watch: &mut Watch<'_>,
) -> Reached {
    let order = problem.order();
    let (start_loss, start) = problem.start();
    let mut z = vec![0.0; order];
    let mut r = problem.right.clone();
    let mut values = Values {
        loss: start_loss,
        gradient: start,
        start,
        noise: Scaled {
            value: 0.0,
            exponent: 0,
        },
    };
    let mut products = 0;
    let mut early =
        begin(watch, way.method, start_loss.get(), start.get()).then_some(Outcome::Interrupted);
    for _ in 0..CORRECTIONS {
        if early.is_some() {
            break;
        }
        let correction = (way.correct)(&r, products, watch);
        let next: Vec<f64> = z.iter().zip(&correction.step).map(|(z, s)| z + s).collect();
        products += correction.products;
        early = correction.ended;
        let residual = problem.residual(&next);
        let Stand {
            z: next,
            r: residual,
            sizes,
            gradient,
        } = Stand::new(problem, next, residual).with_lone_rows(problem);
        // Long rows have small parts of the residual and large ones of the gradient: either may lag behind the other.
        let (left, before) = (norm(&residual), norm(&r));
        if !gradient.below(1.0, values.gradient) && left >= before {
            break;
        }
        let slow = !gradient.below(GAIN, values.gradient) && left > GAIN * before;
        let units: Vec<f64> = sizes.iter().map(|size| size * UNIT).collect();
        values = Values {
            loss: problem.loss(&residual),
            gradient,
            start,
            noise: problem.gradient(&units),
        };
        (z, r) = (next, residual);
        let step = norm(&correction.step);
        let stop = watch.sees(answer::entry(
            way.method,
            products,
            [values.loss.get(), gradient.get(), step],
            products as f64,
        ));
        if stop {
            early = early.or(Some(Outcome::Interrupted));
        }
        let enough = values.outcome(settings.tolerance) == Outcome::Converged;
        if slow || !values.noise.below(1.0, gradient) || enough && !settings.certify {
            break;
        }
    }
    finish(problem, way, settings, (z, values), (products, early))
}

/// A point with what a look at it costs products with M.
struct Stand {
    z: Vec<f64>,
    /// The residual.
    r: Vec<f64>,
    /// What rounding makes of each of its entries, but for the units.
    sizes: Vec<f64>,
    gradient: Scaled,
}

impl Stand {
    fn new(problem: &Equilibrated, z: Vec<f64>, r: Vec<f64>) -> Self {
        Self {
            sizes: problem.sizes(&z),
            gradient: problem.gradient(&r),
            z,
            r,
        }
    }

    /// After a step of Jacobi's method in rows with a small part of the residual, but a large one for their own size: those that hardly
    /// any other row is near to. What conjugate gradients leave is small in all rows together, and these are exact after the step.
    fn with_lone_rows(self, problem: &Equilibrated) -> Self {
        /// In roundings.
        const LARGE: f64 = 64.0;
        let lone = |(r, size): (&f64, &f64)| {
            if r.abs() > LARGE * UNIT * size {
                *r
            } else {
                0.0
            }
        };
        let step: Vec<f64> = self.r.iter().zip(&self.sizes).map(lone).collect();
        if step.iter().all(|s| *s == 0.0) {
            return self;
        }
        let z: Vec<f64> = self.z.iter().zip(&step).map(|(z, s)| z + s).collect();
        let residual = problem.residual(&z);
        let next = Self::new(problem, z, residual);
        if next.gradient.below(1.0, self.gradient) {
            next
        } else {
            self
        }
    }
}

fn finish(
    problem: &Equilibrated,
    way: &Way<'_>,
    settings: &Settings,
    (z, values): (Vec<f64>, Values),
    (products, early): (usize, Option<Outcome>),
) -> Reached {
    let (x, lost) = problem.scaling.unknowns(&z);
    let mut warnings = Vec::new();
    let mut outcome = early.unwrap_or_else(|| values.outcome(settings.tolerance));
    let groups = &problem.scaling.groups;
    if outcome.is_success() && problem.scaling.ridge == 0.0 && groups.repeated() {
        outcome = Outcome::Singular;
        warnings.push(format!(
            "A has {} distinct rows of {}: x is the minimiser of least norm",
            groups.len(),
            groups.of.len()
        ));
    }
    if way.singular && early.is_none() {
        outcome = Outcome::Singular;
        let (one, other) = problem.nearest();
        warnings.push(format!(
            "the kernel is singular to working precision: rows {one} and {other} of A are nearly equal; x is what conjugate \
             gradients reached"
        ));
    }
    if let Some((row, exponent)) = lost {
        outcome = Outcome::OutOfRange;
        warnings.push(format!(
            "x[{row}] is about 2^{exponent}, below the range of f64; loss and gradient are those of x before it was rounded"
        ));
    }
    let (error_bound, basis) = if !settings.certify {
        (None, "none: not asked for".to_owned())
    } else if way.singular || early.is_some() {
        (None, format!("none: the run ended as {outcome}"))
    } else if outcome == Outcome::Singular {
        let (bound, basis) = proof::bound(problem, &z, &x, way.factor);
        let to = format!("to the minimiser of least norm: {basis}");
        (bound, if bound.is_some() { to } else { basis })
    } else {
        proof::bound(problem, &z, &x, way.factor)
    };
    let ending = Ending {
        outcome,
        x,
        iterations: products,
        error_bound,
        basis,
        warnings,
    };
    answer::reached(&values, ending)
}
