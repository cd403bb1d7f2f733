//! Conjugate gradients on `A T`, T from a sketch of A.
//!
//! ```text
//! S A = Q R, T = R^-1    S of 4 d rows: the error falls by about sqrt(d / 4 d) = 1/2 a step, whatever A and the accuracy
//! ```
//!
//! A step takes two passes over A, so this is cheaper than a Gram matrix where there are many hundred columns. Nothing is proven about
//! the answer.

use super::KEY;
use super::deficient;
use super::problem::{Problem, by_rows, columns, right_sides};
use crate::production::kernels::Level;
use crate::production::kernels::operator::Operator;
use crate::production::settings::Settings;
use crate::production::summation::{dot, norm};
use crate::production::systems::error::{Refusal, SystemError};
use crate::production::systems::linear::answer::{self, Ending, begin, entry, unknowns};
use crate::production::systems::linear::triangular::Sketched;
use crate::production::systems::linear::vector::ScaledVector;
use crate::production::systems::method::{Cost, Method};
use crate::production::systems::reached::{Reached, Watch};
use crate::production::{Outcome, double::Double};
use crate::system::Given;

/// Steps of a run by the rate above, to 10^-15.
const STEPS: f64 = 50.0;
/// How much faster a Gram matrix multiplies than a pass over A, which waits for memory.
const PASS: f64 = 8.0;
/// The part of the gradient that is left by a run.
const LEFT: f64 = 1e-15;
/// Steps without a smaller gradient after which a run ends.
const PATIENCE: usize = 8;

/// Conjugate gradients.
pub(crate) struct ByConjugateGradients;

const NAME: &str = "conjugate-gradients";

impl Method for ByConjugateGradients {
    fn name(&self) -> &'static str {
        NAME
    }

    fn solves(&self) -> &'static str {
        KEY
    }

    fn proves(&self) -> bool {
        false
    }

    fn takes(&self, given: &Given) -> Result<Cost, Refusal> {
        let [n, d] = ["n", "d"].map(|dimension| given.size(dimension) as f64);
        let run = 2.0 * STEPS * PASS * n * d + d * d * d;
        Ok(right_sides(given) as f64 * run)
    }

    fn run(
        &self,
        given: &Given,
        _start: Option<&[f64]>,
        settings: &Settings,
        watch: &mut Watch<'_>,
    ) -> Result<Reached, SystemError> {
        let problem = Problem::of(given);
        let map = problem.map();
        let zero = vec![0.0; given.layout().dimension()];
        let start = problem.values(&map, &columns(&zero, problem.targets.len()), false);
        if begin(watch, NAME, start.loss.get(), start.start.get()) {
            return Ok(answer::reached(&start, answer::interrupted(zero)));
        }
        let design = problem.augmented();
        let Some(sketched) = Sketched::new(&design, settings.seed) else {
            return deficient::solve(&problem, &map);
        };
        let operator = Operator::new(&design, Level::best());
        let mut steps = 0;
        let mut by_columns = Vec::new();
        let mut limited = false;
        for c in 0..problem.targets.len() {
            let (v, _) = problem.projected(&map, c, false);
            let left = settings.max_iterations.saturating_sub(steps);
            let run = iterate(&operator, &sketched, &v.vector, left);
            steps += run.steps;
            limited |= run.limited;
            by_columns.push(unknowns(&run.x, v.exponent - 2 * problem.exponent)?);
        }
        let x: Vec<ScaledVector> = by_columns
            .iter()
            .map(|column| ScaledVector::of(column))
            .collect();
        let values = problem.values(&map, &x, false);
        let shown = [values.loss.get(), values.gradient.get(), 0.0];
        watch.sees(entry(NAME, steps, shown, 2.0 * steps as f64));
        let outcome = match values.outcome(settings.tolerance) {
            Outcome::LineSearchStalled if limited => Outcome::IterationLimit,
            outcome => outcome,
        };
        let ending = Ending {
            outcome,
            x: by_rows(&by_columns),
            iterations: steps,
            error_bound: None,
            basis: "none: conjugate gradients prove nothing; triangular-factor does".to_owned(),
            warnings: Vec::new(),
        };
        Ok(answer::reached(&values, ending))
    }
}

/// Where a run ended.
struct Run {
    x: Vec<f64>,
    steps: usize,
    limited: bool,
}

/// `N x = v` by conjugate gradients on `T' N T`, N the Gram matrix of the operator's matrix.
fn iterate(operator: &Operator, sketched: &Sketched, v: &Double, limit: usize) -> Run {
    let d = operator.columns();
    let mut rest = sketched.transposed_times(&v.high);
    let mut u = vec![0.0; d];
    let mut direction = rest.clone();
    let mut square = dot(&rest, &rest);
    let target = LEFT * norm(&rest);
    let mut best = (norm(&rest), u.clone());
    let (mut steps, mut worse) = (0, 0);
    let mut image = vec![0.0; operator.rows()];
    while best.0 > target && worse < PATIENCE && steps < limit {
        operator.multiply(&sketched.times(&direction), &mut image);
        let curvature = dot(&image, &image);
        let length = square / curvature;
        if !length.is_finite() {
            break;
        }
        let back = sketched.transposed_times(&operator.transpose_multiply(&image));
        for i in 0..d {
            u[i] += length * direction[i];
            rest[i] -= length * back[i];
        }
        let next = dot(&rest, &rest);
        for (p, r) in direction.iter_mut().zip(&rest) {
            *p = r + next / square * *p;
        }
        square = next;
        steps += 1;
        if next.sqrt() < best.0 {
            best = (next.sqrt(), u.clone());
            worse = 0;
        } else {
            worse += 1;
        }
    }
    Run {
        x: sketched.times(&best.1),
        steps,
        limited: steps == limit,
    }
}
