//! Even and odd powers by one triangular factor.
//!
//! ```text
//! even: N^j x = b                    J = j solves with N = A'A from b
//! odd:  min || A N^j x - b ||        J = j + 1 solves from A'b: least squares, then the even problem
//! ```
//!
//! Each solve is two triangular ones, refined with residuals in twice the precision until the answer is right beyond f64. With
//! `y_i = N^-1 y_(i-1)` exactly and `v_i` computed,
//!
//! ```text
//! || v_i - y_i ||  <=  ( || v_(i-1) - y_(i-1) || + || v_(i-1) - N v_i || ) / lambda_min(N)
//! ```
//!
//! so that no power of the condition number stands in the bound where b has its share of the lowest direction. What x looks like
//! in f64 is another matter: rounding it alone leaves a residual of up to `u kappa^(2j)`.

use super::KEY;
use super::deficient;
use super::products::Products;
use crate::production::double::{self, Double};
use crate::production::error_bound::SLACK;
use crate::production::settings::Settings;
use crate::production::systems::error::{Refusal, SystemError};
use crate::production::systems::linear::answer::{self, Ending, Values, begin, unknowns};
use crate::production::systems::linear::normal::Normal;
use crate::production::systems::linear::scaled::{Scaled, ScaledMatrix, times_power};
use crate::production::systems::linear::triangular::Triangular;
use crate::production::systems::linear::vector::ScaledVector;
use crate::production::systems::method::{Cost, Method};
use crate::production::systems::reached::{Reached, Watch};
use crate::production::{Outcome, summation};
use crate::scalar::rounding::UNIT;
use crate::system::Given;

/// The highest power that is solved: a run makes as many products with A.
const HIGHEST_POWER: u64 = 1 << 16;
/// Triangular solves for even and odd powers.
pub(crate) struct TriangularFactor;

impl Method for TriangularFactor {
    fn name(&self) -> &'static str {
        "triangular-factor"
    }

    fn solves(&self) -> &'static str {
        KEY
    }

    fn proves(&self) -> bool {
        true
    }

    fn takes(&self, given: &Given) -> Result<Cost, Refusal> {
        let kind = given.word("kind");
        if kind == "kernel" {
            let solves = "even and odd powers";
            return Err(Refusal::Kind { kind, solves });
        }
        let power = given.scalar("power") as u64;
        if power > HIGHEST_POWER {
            return Err(Refusal::Power {
                power,
                limit: HIGHEST_POWER,
            });
        }
        let [n, d] = ["n", "d"].map(|dimension| given.size(dimension) as f64);
        Ok(n * d * d + power as f64 * 2.0 * n * d)
    }

    fn run(
        &self,
        given: &Given,
        _start: Option<&[f64]>,
        settings: &Settings,
        watch: &mut Watch<'_>,
    ) -> Result<Reached, SystemError> {
        let a = ScaledMatrix::of(given);
        let products = Products::of(given, &a);
        let target = Products::target(given);
        let start = products.transposed(&target).norm();
        let loss = target.half_square();
        if begin(watch, self.name(), loss.get(), start.get()) {
            let x = vec![0.0; given.layout().dimension()];
            let values = Values {
                loss,
                gradient: start,
                start,
                noise: start,
            };
            return Ok(answer::reached(&values, answer::interrupted(x)));
        }
        let solves = products.power + u64::from(products.odd);
        let factor = if solves == 0 {
            None
        } else {
            Triangular::new(&a.design, settings.seed, settings.certify)
        };
        if solves > 0 && factor.is_none() {
            return deficient::solve(&products, &target, solves, start);
        }
        let run = Run {
            products: &products,
            target: &target,
            factor,
            solves,
            start,
            frobenius: summation::norm(a.rows().block(0, a.rows().rows())) * SLACK,
        };
        let mut found = run.at(settings.certify)?;
        if !settings.certify && !found.values.outcome(settings.tolerance).is_success() {
            found = run.at(true)?;
        }
        let outcome = found.values.outcome(settings.tolerance);
        let shown = [found.values.loss.get(), found.values.gradient.get()];
        watch.sees(answer::entry(
            self.name(),
            1,
            [shown[0], shown[1], found.step.get()],
            found.passes,
        ));
        let (error_bound, basis) = if settings.certify {
            run.bound(&found)
        } else {
            (None, "none: not asked for".to_owned())
        };
        let ending = Ending {
            outcome,
            warnings: run.warnings(&found, outcome, error_bound),
            x: found.x,
            iterations: 1,
            error_bound,
            basis,
        };
        Ok(answer::reached(&found.values, ending))
    }
}

/// A problem with its factor, which is absent where there is nothing to solve.
struct Run<'a> {
    products: &'a Products<'a>,
    target: &'a ScaledVector,
    factor: Option<Triangular>,
    solves: u64,
    start: Scaled,
    /// `|| A ||_F` of the matrix divided by its power of two.
    frobenius: f64,
}

/// Where a run ended.
struct Found {
    x: Vec<f64>,
    values: Values,
    /// `|| K x - b ||`.
    residual: Scaled,
    /// `|| A x ||`.
    step: Scaled,
    /// A bound of the distance of what x was rounded from to the exact answer, and the norm of what rounding took off.
    error: Scaled,
    tail: Scaled,
    passes: f64,
}

impl Run<'_> {
    /// The answer by plain solves, or by refined ones.
    fn at(&self, refined: bool) -> Result<Found, SystemError> {
        let Self {
            products, target, ..
        } = self;
        let mut y = if products.odd {
            products.backward(target, true)
        } else {
            (*target).clone()
        };
        // In units of y's power of two.
        let mut error = if products.odd {
            self.of_the_projection(&y)
        } else {
            0.0
        };
        for _ in 0..self.solves {
            let Some(factor) = &self.factor else { break };
            let (vector, left) = self.solve(factor, &y.vector, refined);
            error = (error + left) / factor.lowest * SLACK;
            y = ScaledVector {
                vector,
                exponent: y.exponent - 2 * products.a().exponent,
            };
            error *= y.normalise();
        }
        let x = unknowns(&y.vector.high, y.exponent)?;
        // What underflows in x is lost besides.
        let rounded = ScaledVector::of(&x);
        let image = products.image(&rounded, refined);
        let residual = image.minus(target);
        let signs = x.iter().enumerate().map(|(j, x)| {
            let unit = if j % 2 == 0 { UNIT } else { -UNIT };
            x * unit
        });
        let rounding = ScaledVector::of(&signs.collect::<Vec<f64>>());
        let scaled = |value| Scaled {
            value,
            exponent: y.exponent,
        };
        let products_made = (self.solves * if refined { 4 } else { 0 } + 6 * products.power) as f64;
        Ok(Found {
            values: Values {
                loss: residual.half_square(),
                gradient: products.transposed(&residual).norm(),
                start: self.start,
                noise: products
                    .transposed(&products.image(&rounding, false))
                    .norm(),
            },
            residual: residual.norm(),
            step: products.forward(&rounded, false).norm(),
            error: scaled(error),
            tail: scaled(y.vector.tail()),
            x,
            passes: 2.0 + products_made,
        })
    }

    /// What `A'b` in twice the precision is off by, in units of its power of two.
    fn of_the_projection(&self, projected: &ScaledVector) -> f64 {
        let a = self.products.a().rows();
        let (_, units) = double::roundings(a);
        let size = self.frobenius * self.target.vector.norm();
        let shift = self.target.exponent + self.products.a().exponent - projected.exponent;
        times_power(units * size * SLACK, shift)
    }

    /// `N^-1 v` for N of the matrix divided by its power of two, and a bound of the norm of `v - N y`; infinite where no
    /// refinement is asked for.
    fn solve(&self, factor: &Triangular, v: &Double, refined: bool) -> (Double, f64) {
        let a = self.products.a().rows();
        let (up, down) = double::roundings(a);
        let square = self.frobenius * self.frobenius;
        let normal = Normal {
            product: &|y| double::transpose_multiply(a, &double::multiply(a, y)),
            rounding: (up + down) * square,
            size: square,
        };
        normal.solve(factor, v, refined)
    }

    /// A bound of `|| x - x* ||`, and what it rests on.
    fn bound(&self, found: &Found) -> (Option<f64>, String) {
        let Some(factor) = &self.factor else {
            return (Some(0.0), "x is b itself".to_owned());
        };
        // Entries of x that became subnormal are off by half of the smallest number.
        let underflow = f64::from_bits(1) * (found.x.len() as f64).sqrt();
        let bound = (found.error.get() + found.tail.get()) * SLACK + underflow;
        if !bound.is_finite() {
            let why = "none: no lower bound of the lowest eigenvalue of A'A could be proven";
            return (None, why.to_owned());
        }
        let basis = format!(
            "residuals of {} solves in twice the precision, over a proven lower bound of the lowest eigenvalue of A'A, factored by {}",
            self.solves, factor.made
        );
        (Some(bound), basis)
    }

    fn warnings(&self, found: &Found, outcome: Outcome, bound: Option<f64>) -> Vec<String> {
        let relative = {
            let target = self.target.norm();
            times_power(
                found.residual.value / target.value,
                found.residual.exponent - target.exponent,
            )
        };
        let size = summation::norm(&found.x);
        let rounded = bound.is_some_and(|bound| bound <= 4.0 * UNIT * size);
        match outcome {
            Outcome::ConvergedToRounding if rounded && !self.products.odd => vec![format!(
                "|| K x - b || is {relative:.1e} || b ||, which is what rounding x to f64 makes of it: x itself is right to its \
                 last digits, and a smaller residual takes more of them"
            )],
            Outcome::ConvergedToRounding if rounded => vec![
                "the gradient is what rounding x to f64 makes of it: x itself is right to its last digits".to_owned(),
            ],
            Outcome::LineSearchStalled => vec![format!(
                "refinement ended with || K x - b || at {relative:.1e} || b ||: the condition number of A is too high"
            )],
            _ => Vec::new(),
        }
    }
}
