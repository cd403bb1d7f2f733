//! The truth about one quantity, and how much of it f64, or another precision, can be asked for.
//!
//! The oracle encloses what it computes: the radius of its ball is a running error analysis of the evaluation from the
//! definition, in units of `10^-39`: every rounding of `A x`, of the exponentials and of the sums is carried through all
//! that follows, cancellation included. Only the size of a unit separates it from the same analysis in f64, so
//!
//! ```text
//! allowed error in f64 = radius * 2^-53 / (0.51 10^-39)        amplification K = allowed / (2^-53 max |value|)
//! ```
//!
//! and a sound f64 program keeps `15.95 - log10 K` digits, less an allowance for another order of operations. float32 and bfloat16
//! have `2^-24` and `2^-8` in place of `2^-53`, to first order in that unit.

use nalgebra::{Cholesky, DMatrix, DVector};

use crate::instance::Instance;
use crate::judge::digits::{digits, largest, log10};
use crate::judge::precision::Precision;
use crate::oracle::{Ball, Enclosure, Evaluation, Minimiser, Reference, lift_matrix, lift_vector};
use crate::scalar::rounding::Rounding;
use crate::scalar::{Allowance, High};

/// Digits granted to an evaluation.
const EVALUATION: Allowance<f64> =
    Allowance::new(0.5, "another order of the sums or another closed form");
/// Digits granted to an iteration besides.
const STOPPING: Allowance<f64> =
    Allowance::new(0.5, "an iteration that stops a few roundings early");

/// One quantity with what is certain about it.
#[derive(Clone, Debug)]
pub(super) struct Truth {
    /// Its name in answers.
    pub(super) name: &'static str,
    /// The values, matrices row by row.
    pub(super) values: Vec<High>,
    /// How far each can be off.
    pub(super) radii: Vec<High>,
    /// The error that f64 can be forgiven in each, from its own conditioning: the rounding of the terms that make it, and
    /// of no other entry. Zero where an entry has no rounding at all and is judged with the others only.
    pub(super) allowed: Vec<High>,
    /// How far any of them can be off.
    pub(super) radius: High,
    /// What an error is relative to: the largest value, or, where all are zero, the terms that cancel.
    pub(super) scale: High,
    /// Digits that f64 can give.
    pub(super) required: f64,
    /// Why so many.
    pub(super) reason: String,
    /// The precision that it was asked of.
    pub(super) precision: Precision,
    dimensions: usize,
    d: usize,
}

/// How a quantity is called and indexed.
pub(super) struct Shape {
    /// Its name in answers.
    pub(super) name: &'static str,
    /// 0 for a number, 1 for a vector, 2 for a square matrix.
    pub(super) dimensions: usize,
    /// The side of the matrix.
    pub(super) d: usize,
    /// The precision that is asked of it.
    pub(super) precision: Precision,
}

impl Truth {
    /// `L(x)`, which `values` enclose at `x`.
    pub(super) fn loss(
        instance: &Instance,
        reference: &Reference,
        x: &DVector<High>,
        values: &Enclosure,
        precision: Precision,
    ) -> Self {
        let second_order = of_a_perfect_fit(instance, reference, x, values.loss, precision);
        let shape = Shape::of("loss", 0, instance, precision);
        Self::of_balls(shape, instance, &[values.loss], &[second_order])
    }

    /// `grad L(x)`.
    pub(super) fn gradient(instance: &Instance, values: &Enclosure, precision: Precision) -> Self {
        let shape = Shape::of("gradient", 1, instance, precision);
        Self::of_balls(shape, instance, &values.gradient, &[])
    }

    /// `Hess L(x)`, row by row.
    pub(super) fn hessian(instance: &Instance, values: &Enclosure, precision: Precision) -> Self {
        let shape = Shape::of("hessian", 2, instance, precision);
        let ridge = of_the_ridge(instance, precision);
        Self::of_balls(shape, instance, &values.hessian, &ridge)
    }

    fn of_balls(shape: Shape, instance: &Instance, balls: &[Ball], more: &[High]) -> Self {
        let underflow = underflow(instance, shape.precision);
        Self::enclosed(shape, balls, more, underflow)
    }

    /// What balls enclose. `more` is the rounding of each value in the precision beyond what the oracle's own tells, `underflow` what
    /// flushing to zero can do to each.
    pub(super) fn enclosed(shape: Shape, balls: &[Ball], more: &[High], underflow: High) -> Self {
        let Shape {
            name,
            dimensions,
            d,
            precision,
        } = shape;
        let unit = precision.unit();
        let values: Vec<High> = balls.iter().map(|ball| ball.midpoint()).collect();
        let radius = balls
            .iter()
            .fold(High::ZERO, |m, ball| m.max(ball.radius()));
        let allowed = rounding(radius, precision) + underflow + largest(more);
        let own = |(k, ball): (usize, &Ball)| {
            let more = more.get(k).copied().unwrap_or(High::ZERO);
            let own = rounding(ball.radius(), precision) + more;
            if own.is_zero() {
                High::ZERO
            } else {
                own + underflow
            }
        };
        let size = largest(&values);
        let reason = |scale: High, of: &str| {
            format!(
                "rounding grows {} times between the data and {of}; less {}",
                (allowed / (unit * scale)).scientific(2),
                digits_granted(&EVALUATION),
            )
        };
        let truth = Self {
            name,
            radii: balls.iter().map(|ball| ball.radius()).collect(),
            allowed: balls.iter().enumerate().map(own).collect(),
            radius,
            scale: size,
            required: 0.0,
            reason: String::new(),
            precision,
            dimensions,
            d,
            values,
        };
        if size <= radius {
            // Nothing to be relative to but the terms that cancel.
            let scale = allowed / unit;
            return Self {
                required: required(allowed, scale, &EVALUATION),
                reason: format!(
                    "zero; counted relative to the terms that cancel, {}; less {}",
                    scale.scientific(2),
                    digits_granted(&EVALUATION),
                ),
                scale,
                ..truth
            };
        }
        Self {
            required: required(allowed, size, &EVALUATION),
            reason: if log10(size) > f64::MAX.log10() {
                reason(size, "the largest entry, which is beyond the range of f64")
            } else {
                reason(size, "the largest entry")
            },
            ..truth
        }
    }

    /// `x*`: an f64 gradient is off by its own rounding `e`, so the point where it vanishes is off by `|H^-1| e`, and is
    /// itself rounded. `values` enclose the gradient at the minimiser, `start` is where a search may have come from.
    pub(super) fn minimiser(
        instance: &Instance,
        found: &Minimiser,
        here: &Evaluation,
        values: &Enclosure,
        start: &DVector<High>,
        precision: Precision,
    ) -> Self {
        let unit = precision.unit();
        let errors = DVector::from_iterator(
            values.gradient.len(),
            values
                .gradient
                .iter()
                .map(|ball| rounding(ball.radius(), precision) + underflow(instance, precision)),
        );
        let size = largest(found.x.as_slice());
        // The minimiser comes with a proof that this Hessian is positive definite.
        let inverse = Cholesky::new(here.hessian.clone()).map(|factor| factor.inverse());
        let (moved, own, condition) = match &inverse {
            Some(inverse) => {
                let sizes = inverse.map(High::abs);
                // A step solved for in f64 is off by the condition of each entry: |H^-1| |H| |x| roundings.
                let solving =
                    &sizes * (here.hessian.map(High::abs) * found.x.map(High::abs)) * unit;
                let each = sizes * errors;
                let directly = largest(each.as_slice());
                // Both bound the error; the second knows that most of it passes through the logits.
                let by_logits = through_logits(instance, &found.x, inverse, precision)
                    .map(|each| (largest(each.as_slice()), each));
                let (moved, each) = match by_logits {
                    Some((moved, each)) if moved < directly => (moved, each),
                    _ => (directly, each),
                };
                let condition = inverse.norm() * here.hessian.norm();
                (moved, each + solving, condition)
            }
            None => {
                let unknown = DVector::from_element(found.x.len(), High::POISONED);
                (High::POISONED, unknown, High::POISONED)
            }
        };
        let zero = size <= found.error_bound;
        let scale = if zero {
            largest(start.as_slice()).max(moved / unit)
        } else {
            size
        };
        let allowed = moved + unit * scale;
        let granted = EVALUATION + STOPPING;
        let zero_note = if zero {
            ", counted relative to the start because the minimiser is zero"
        } else {
            ""
        };
        Self {
            name: "minimiser",
            values: found.x.iter().copied().collect(),
            radii: found.entry_bounds.iter().copied().collect(),
            // Of a zero minimiser an iteration leaves what it may leave of the start.
            allowed: own
                .iter()
                .map(|own| if zero { *own + unit * scale } else { *own })
                .collect(),
            radius: found.error_bound,
            scale,
            required: required(allowed, scale, &granted),
            reason: format!(
                "rounding of the gradient grows {} times on its way through the inverse Hessian (condition {}){zero_note}; less {}",
                (allowed / (unit * scale)).scientific(2),
                condition.scientific(2),
                digits_granted(&granted),
            ),
            precision,
            dimensions: 1,
            d: instance.columns(),
        }
    }

    /// A zero gradient at a stationary point that was rounded to f64: the rounding of the gradient that `values` enclose,
    /// and `|H| |x|` units because `x` (d) is rounded itself.
    pub(super) fn no_gradient(
        instance: &Instance,
        x: &DVector<High>,
        values: &Enclosure,
        here: &Evaluation,
        precision: Precision,
    ) -> Self {
        let shape = Shape::of("minimiser", 1, instance, precision);
        Self::stationary(shape, x, values, here, underflow(instance, precision))
    }

    /// [`no_gradient`](Self::no_gradient) for a loss of any system.
    pub(super) fn stationary(
        shape: Shape,
        x: &DVector<High>,
        values: &Enclosure,
        here: &Evaluation,
        underflow: High,
    ) -> Self {
        let of_the_point = here.hessian.map(High::abs) * x.map(High::abs) * shape.precision.unit();
        let balls: Vec<Ball> = values
            .gradient
            .iter()
            .map(|ball| Ball::new(High::ZERO, ball.radius()))
            .collect();
        let truth = Self::enclosed(shape, &balls, of_the_point.as_slice(), underflow);
        Self {
            required: truth.required - STOPPING.size(),
            reason: format!("{}, less {}", truth.reason, digits_granted(&STOPPING)),
            ..truth
        }
    }

    /// The index of the k-th value.
    pub(super) fn place(&self, k: usize) -> Vec<usize> {
        match self.dimensions {
            0 => Vec::new(),
            1 => vec![k],
            _ => vec![k / self.d, k % self.d],
        }
    }
}

/// The error of `x*` in f64, told apart by where the rounding happens: errors of the logits (`(d + 1) |A| |x|` units) and
/// of their gradient `v` reach x through `H^-1 A'`, whose size grows with the condition of A and not, like that of
/// `H^-1`, with its square; only the roundings of `A' v` itself go through `H^-1`.
///
/// None for so many rows that the graph of the n logits, which grows like n^2, would not be small.
fn through_logits(
    instance: &Instance,
    x: &DVector<High>,
    inverse: &DMatrix<High>,
    precision: Precision,
) -> Option<DVector<High>> {
    if instance.rows() > MOST_ROWS {
        return None;
    }
    let a = lift_matrix(&instance.matrix().to_dense());
    let sizes = a.map(High::abs);
    let w2 = lift_vector(instance.weights()).map(High::square);
    let z = &a * x;
    let in_logits = Reference::new(&instance.in_logits()).ok()?;
    let values = in_logits.enclose(&z, High::ZERO).ok()?;
    let n = a.nrows();
    let count = |k: usize| High::int(k as i64 + 1) * precision.unit();
    let slope = |i: usize| values.gradient[i].midpoint() + w2[i] * z[i];
    let v = DVector::from_fn(n, |i, _| slope(i).abs());
    let in_z = (&sizes * x.map(High::abs)) * count(a.ncols());
    let mut in_v = DVector::from_fn(n, |i, _| {
        rounding(values.gradient[i].radius(), precision) + (w2[i] * z[i]).abs() * count(1)
    });
    for i in 0..n {
        for j in 0..n {
            let ridge = if i == j { w2[i] } else { High::ZERO };
            in_v[i] += (values.hessian[i * n + j].midpoint() + ridge).abs() * in_z[j];
        }
    }
    let passed_on = (inverse * a.transpose()).map(High::abs) * in_v;
    let own = inverse.map(High::abs) * (sizes.tr_mul(&v) * count(n));
    Some(passed_on + own)
}

/// See [`through_logits`].
const MOST_ROWS: usize = 64;

/// What a bound on the oracle's rounding is in a precision, to first order in its unit: [`Ball`] charges each operation as
/// [`Rounding`] says.
pub(super) fn rounding(radius: High, precision: Precision) -> High {
    radius * precision.unit() / Rounding::Sum.at_40_digits(High::ONE)
}

impl Shape {
    fn of(
        name: &'static str,
        dimensions: usize,
        instance: &Instance,
        precision: Precision,
    ) -> Self {
        Self {
            name,
            dimensions,
            d: instance.columns(),
            precision,
        }
    }
}

/// A loss that is zero, or nearly, is a square of what rounding leaves of the residual: of second order in the unit, which
/// scaling from one unit to another in proportion misses. Where it may matter, the loss is enclosed over a box of points
/// as wide as the rounding of the logits in f64 makes it.
fn of_a_perfect_fit(
    instance: &Instance,
    reference: &Reference,
    x: &DVector<High>,
    loss: Ball,
    precision: Precision,
) -> High {
    let size = |largest: f64| High::lift(largest).unwrap_or(High::ONE);
    let target = High::ONE + size(instance.target().norm()).square();
    // The second order counts where the residual is below some 10^6 roundings.
    if loss.midpoint().abs() > target.shifted(PERFECT_EXPONENT) {
        return High::ZERO;
    }
    let a = size(instance.matrix().to_dense().amax());
    // One rounding of x, and at least one of every logit.
    let reach = if a.is_zero() {
        largest(x.as_slice())
    } else {
        largest(x.as_slice()).max(a.recip())
    };
    let width = reach * precision.unit() * High::int(instance.columns() as i64 + 1);
    // No enclosure over the box: near a pole, where no loss is nearly zero.
    reference
        .enclose(x, width)
        .map_or(High::ZERO, |values| values.loss.radius())
}

/// `A' W^2 A` does not depend on x: a constant of the oracle's graph, without rounding. In f64 its entries are sums of n
/// products of three numbers and a square. Row by row.
fn of_the_ridge(instance: &Instance, precision: Precision) -> Vec<High> {
    let a = lift_matrix(&instance.matrix().to_dense());
    let w = lift_vector(instance.weights());
    let weighted = DMatrix::from_fn(a.nrows(), a.ncols(), |i, j| (w[i] * a[(i, j)]).abs());
    let sizes = weighted.tr_mul(&weighted);
    let roundings = precision.unit() * High::int(instance.rows() as i64 + 3);
    sizes.iter().map(|size| *size * roundings).collect()
}

/// See [`of_a_perfect_fit`].
const PERFECT_EXPONENT: i64 = -16;

/// What flushing to zero can do: each of the n probabilities loses less than the smallest normal number, which enters
/// with the target and with A on both sides.
fn underflow(instance: &Instance, precision: Precision) -> High {
    let size = |largest: f64| High::lift(largest).unwrap_or(High::ONE) + High::ONE;
    let a = size(instance.matrix().to_dense().amax());
    let b = size(instance.target().amax());
    precision.smallest() * High::int(instance.rows() as i64) * a.square() * b.square()
}

/// `0.5 digits for another order of the sums`.
fn digits_granted(granted: &Allowance<f64>) -> String {
    format!("{} digits for {}", granted.size(), granted.reason())
}

/// Digits left by an error of `allowed`, to a tenth, downwards.
fn required(allowed: High, scale: High, granted: &Allowance<f64>) -> f64 {
    ((digits(allowed, scale) - granted.size()) * 10.0).floor() / 10.0
}
