//! Two-layer regression (2311.15390): `l(z) = 0.5 || phi(y) - b ||^2` with `y = A2 p`, `p = softmax(z)`.
//!
//! Let `a_k` be row k of `A2`, `P a_k = p o (a_k - y_k)`, `g(y) = 0.5 || phi(y) - b ||^2` with derivatives entry by entry
//! `g' = phi' (phi - b)` and `g'' = phi'^2 + phi'' (phi - b)`. With `delta = p o sum_k g'_k (a_k - y_k)`:
//!
//! ```text
//! grad l = delta
//! Hess l = diag(delta) - delta p' - p delta' + sum_k g''_k (P a_k)(P a_k)'
//! ```
//!
//! a diagonal plus rank m + 2. The usual form has `S_p(v) = diag(p o v) - <p,v> diag(p) - (p o v) p' - p (p o v)' +
//! 2 <p,v> pp'`, `v = A2' g'`: insert `p o v = delta + <p,v> p`.
//!
//! `a_k` enters `a_k - y_k` only through differences, so it is taken relative to the entry of the largest logit, as in
//! [`Softmax`](crate::production::Softmax).
//!
//! *relu* has no derivative at 0. Where `y_k = 0` this module takes `phi' = phi'' = 0`, the side where the unit is off, and
//! [`remarks`](LogitLoss::remarks) says that a kink is near.

use nalgebra::{DMatrix, DVector};

use crate::instance::Activation;
use crate::production::endings::NEAR_KINK;
use crate::production::logit_loss::{
    LogitErrorBounds, LogitLoss, all_finite, check_vector, refuse_overflow,
};
use crate::production::probabilities::{argmax, bounded_probabilities, probabilities};
use crate::production::running_error::{errors, values};
use crate::production::softmax::TARGET_SLOPE;
use crate::production::{DiagonalPlusLowRank, EvaluationError};
use crate::scalar::Ball;

/// Largest `|tanh''|`, `4 / (3 sqrt3) = 0.7698..`, rounded up.
const TANH_SECOND: f64 = 0.7699;
/// Largest `|tanh'''|`, attained at 0.
const TANH_THIRD: f64 = 2.0;
/// Largest `|softplus'''|`, `1 / (6 sqrt3) = 0.0962..`, rounded up.
const SOFTPLUS_THIRD: f64 = 0.0963;
/// Bound of `|| p''' ||` along a unit direction, `sqrt2/2 + 3 sqrt2/4 + sqrt2/(3 sqrt3)`: `docs/numerics.md`.
const THIRD_OF_P: f64 = 2.041;
/// Bound of `|| p'' ||`, `(1 + sqrt2) / 2`.
const SECOND_OF_P: f64 = 1.2072;
/// Covers the roundings in combining a handful of bounds.
const MARGIN: f64 = 1.0 + 1e-9;

/// The loss `0.5 || phi(A2 softmax(z)) - b ||^2` for a fixed `A2` (m x n) and target `b` (m entries).
#[derive(Clone, Debug)]
pub struct TwoLayer {
    second_layer: DMatrix<f64>,
    activation: Activation,
    target: DVector<f64>,
}

/// What value, gradient and Hessian share.
struct Parts {
    p: Vec<Ball<f64>>,
    /// `a_k - y_k` for each k, n entries.
    centred: Vec<Vec<Ball<f64>>>,
    /// Per output: `phi(y) - b`, `g'`, `g''`.
    residual: Vec<Ball<f64>>,
    first: Vec<Ball<f64>>,
    second: Vec<Ball<f64>>,
}

/// `phi` and its first two derivatives at one output.
fn activate(activation: Activation, y: Ball<f64>) -> (Ball<f64>, Ball<f64>, Ball<f64>) {
    let (zero, one) = (Ball::exact(0.0), Ball::exact(1.0));
    match activation {
        Activation::Identity => (y, one, zero),
        Activation::Tanh => {
            let (value, slope) = (y.tanh(), y.sech_squared());
            (value, slope, Ball::exact(-2.0) * (value * slope))
        }
        Activation::Softplus => {
            let slope = y.logistic();
            (y.softplus(), slope, slope * (-y).logistic())
        }
        Activation::Relu => {
            let on = y.midpoint() > 0.0;
            // Where the sign is not certain, the derivative on the other side is one away.
            let doubt = if y.may_be_zero() && y.radius() > 0.0 {
                1.0
            } else {
                0.0
            };
            let slope = Ball::new(if on { 1.0 } else { 0.0 }, doubt);
            (y.positive_part(), slope, zero)
        }
    }
}

impl TwoLayer {
    /// The loss for `A2` (m x n), `phi` and the target `b` (m entries). Entries that are not finite, and a target of
    /// another length than m, are reported by every evaluation.
    pub fn new(second_layer: DMatrix<f64>, activation: Activation, target: DVector<f64>) -> Self {
        Self {
            second_layer,
            activation,
            target,
        }
    }

    fn check(&self, z: &DVector<f64>) -> Result<(), EvaluationError> {
        check_vector("logits", z, self.second_layer.ncols())?;
        check_vector("target", &self.target, self.second_layer.nrows())?;
        match self.second_layer.iter().position(|a| !a.is_finite()) {
            Some(index) => Err(EvaluationError::NotFinite {
                part: "second layer",
                index,
                value: self.second_layer[index],
            }),
            None => Ok(()),
        }
    }

    fn parts(
        &self,
        z: &DVector<f64>,
        logit_error: Option<&DVector<f64>>,
    ) -> Result<Parts, EvaluationError> {
        self.check(z)?;
        let pivot = argmax(z);
        let plain = probabilities(z, pivot);
        let p = match logit_error {
            Some(error) => bounded_probabilities(&plain, z, pivot, error),
            None => plain.iter().map(|p| Ball::exact(*p)).collect(),
        };
        let mut parts = Parts {
            p,
            centred: Vec::new(),
            residual: Vec::new(),
            first: Vec::new(),
            second: Vec::new(),
        };
        for (k, row) in self.second_layer.row_iter().enumerate() {
            let top = Ball::exact(row[pivot]);
            let relative: Vec<Ball<f64>> = row.iter().map(|a| Ball::exact(*a) - top).collect();
            let products: Vec<Ball<f64>> = parts
                .p
                .iter()
                .zip(&relative)
                .map(|(p, a)| *p * *a)
                .collect();
            let mean = Ball::sum(&products);
            let y = top + mean;
            let (value, slope, bend) = activate(self.activation, y);
            let residual = value - Ball::exact(self.target[k]);
            refuse_overflow(
                "second layer's output",
                &[y.midpoint(), residual.midpoint()],
            )?;
            parts
                .centred
                .push(relative.iter().map(|a| *a - mean).collect());
            parts.first.push(slope * residual);
            parts.second.push(slope * slope + bend * residual);
            parts.residual.push(residual);
        }
        Ok(parts)
    }

    /// Bounds over all z of `|phi - b|`, `|g'|`, `|g''|`, `|g'''|` and `-g''` for output k.
    ///
    /// `y_k` lies between the smallest and the largest entry of `a_k`, and `phi` does not fall.
    fn ranges(&self, k: usize) -> Ranges {
        let row = self.second_layer.row(k);
        let image = |y: f64| activate(self.activation, Ball::exact(y)).0;
        let (low, high) = (image(row.min()), image(row.max()));
        let b = self.target[k];
        let residual = ((low.midpoint() - b).abs() + low.radius())
            .max((high.midpoint() - b).abs() + high.radius())
            * MARGIN;
        let (second, third) = match self.activation {
            Activation::Relu | Activation::Identity => (0.0, 0.0),
            Activation::Tanh => (TANH_SECOND, TANH_THIRD),
            Activation::Softplus => (0.25, SOFTPLUS_THIRD),
        };
        // |phi'| <= 1 for all four.
        Ranges {
            width: (row.max() - row.min()) * MARGIN,
            first: residual,
            second: 1.0 + second * residual,
            third: 3.0 * second + third * residual,
            concavity: second * residual,
        }
    }

    fn all_ranges(&self) -> Vec<Ranges> {
        (0..self.second_layer.nrows())
            .map(|k| self.ranges(k))
            .collect()
    }

    /// `(sqrt3/9) sum_k range(a_k) |g'_k|`, at least `(sqrt3/9) (max v - min v)` for every p: how much `S_p(v)` can weigh.
    fn tilt(&self) -> f64 {
        TARGET_SLOPE
            * self
                .all_ranges()
                .iter()
                .map(|range| range.width * range.first)
                .sum::<f64>()
            * MARGIN
    }

    /// A bound of `|D^3 l|` along unit directions that holds wherever `phi` is three times differentiable.
    fn third_derivative(&self) -> f64 {
        let ranges = self.all_ranges();
        let most = |f: fn(&Ranges) -> f64| ranges.iter().map(f).fold(0.0, f64::max);
        let slopes: f64 = ranges.iter().map(|r| r.first * r.first).sum::<f64>().sqrt();
        let norm = self.spread();
        (most(|r| r.third) * norm.powi(3) / 8.0
            + 3.0 * most(|r| r.second) * norm * norm * 0.5 * SECOND_OF_P
            + slopes * norm * THIRD_OF_P)
            * MARGIN
    }

    /// A bound of `|| A2 v ||` for `<v, 1> = 0`, `||v|| = 1`: the Frobenius norm of `A2` with its rows centred.
    fn spread(&self) -> f64 {
        let mut square = 0.0;
        for row in self.second_layer.row_iter() {
            // The rows' middle need not be exact: any constant may be subtracted.
            let middle = 0.5 * row.min() + 0.5 * row.max();
            square += row.iter().map(|a| (a - middle).powi(2)).sum::<f64>();
        }
        square.sqrt() * MARGIN
    }

    /// Whether no output of a relu can change its sign within `radius` of logits where the outputs are `y`.
    fn signs_are_certain(&self, y: &[Ball<f64>], radius: f64) -> bool {
        // |y_k' | <= || P a_k || <= min(range, centred norm / 2): see `docs/numerics.md`.
        y.iter().enumerate().all(|(k, y)| {
            let row = self.second_layer.row(k);
            let middle = 0.5 * row.min() + 0.5 * row.max();
            let norm = row.iter().map(|a| (a - middle).powi(2)).sum::<f64>().sqrt();
            let speed = 0.5 * norm * MARGIN;
            y.midpoint().abs() > (y.radius() + speed * radius) * MARGIN
        })
    }

    /// Which outputs of a relu are within `near` of 0, relative to `max |a_k|`.
    fn next_to_kink(&self, outputs: &[Ball<f64>], near: f64) -> Vec<usize> {
        (0..outputs.len())
            .filter(|k| {
                self.activation == Activation::Relu
                    && outputs[*k].midpoint().abs() <= near * self.second_layer.row(*k).amax()
            })
            .collect()
    }

    fn outputs(&self, z: &DVector<f64>, logit_error: &DVector<f64>) -> Option<Vec<Ball<f64>>> {
        self.check(z).ok()?;
        let pivot = argmax(z);
        let p = bounded_probabilities(&probabilities(z, pivot), z, pivot, logit_error);
        let outputs = self.second_layer.row_iter().map(|row| {
            let top = Ball::exact(row[pivot]);
            let products: Vec<Ball<f64>> = p
                .iter()
                .zip(row.iter())
                .map(|(p, a)| *p * (Ball::exact(*a) - top))
                .collect();
            top + Ball::sum(&products)
        });
        Some(outputs.collect())
    }

    /// Whether the relu of output k is smooth everywhere, or has a kink that only bends the loss upwards: `y_k` keeps its
    /// sign, or `b_k <= 0`, where the slope `phi - b` jumps from 0 to `-b_k >= 0`.
    fn bends_upwards(&self, k: usize) -> bool {
        let row = self.second_layer.row(k);
        self.target[k] <= 0.0 || row.min() >= 0.0 || row.max() <= 0.0
    }
}

/// Bounds that hold for all logits, for one output.
struct Ranges {
    /// `max a_k - min a_k`.
    width: f64,
    first: f64,
    second: f64,
    third: f64,
    /// `g'' >= -concavity`.
    concavity: f64,
}

impl Parts {
    fn value(&self) -> Ball<f64> {
        let squares: Vec<Ball<f64>> = self.residual.iter().map(|c| *c * *c).collect();
        Ball::exact(0.5) * Ball::sum(&squares)
    }

    fn delta(&self) -> Vec<Ball<f64>> {
        (0..self.p.len())
            .map(|i| {
                let terms: Vec<Ball<f64>> = self
                    .centred
                    .iter()
                    .zip(&self.first)
                    .map(|(row, slope)| row[i] * *slope)
                    .collect();
                self.p[i] * Ball::sum(&terms)
            })
            .collect()
    }

    /// `P a_k` for each k.
    fn images(&self) -> Vec<Vec<Ball<f64>>> {
        self.centred
            .iter()
            .map(|row| row.iter().zip(&self.p).map(|(a, p)| *p * *a).collect())
            .collect()
    }
}

/// Basis `[p, delta, P a_1, .., P a_m]`, core `[[0, coupling], [coupling, 0]]` and `diag(g'')`.
fn structured(
    p: DVector<f64>,
    delta: DVector<f64>,
    images: Vec<DVector<f64>>,
    second: &DVector<f64>,
    coupling: f64,
) -> DiagonalPlusLowRank {
    let rank = second.len() + 2;
    let mut core = DMatrix::zeros(rank, rank);
    core[(0, 1)] = coupling;
    core[(1, 0)] = coupling;
    for k in 0..second.len() {
        core[(k + 2, k + 2)] = second[k];
    }
    let mut columns = vec![p, delta.clone()];
    columns.extend(images);
    DiagonalPlusLowRank {
        diagonal: delta,
        basis: DMatrix::from_columns(&columns),
        core,
    }
}

impl LogitLoss for TwoLayer {
    fn name(&self) -> &'static str {
        "two-layer"
    }

    fn logits(&self) -> usize {
        self.second_layer.ncols()
    }

    fn value(&self, z: &DVector<f64>) -> Result<f64, EvaluationError> {
        let value = self.parts(z, None)?.value().midpoint();
        refuse_overflow("loss", &[value])?;
        Ok(value)
    }

    fn gradient(&self, z: &DVector<f64>) -> Result<DVector<f64>, EvaluationError> {
        let gradient = values(&self.parts(z, None)?.delta());
        refuse_overflow("logit gradient", gradient.as_slice())?;
        Ok(gradient)
    }

    fn hessian(&self, z: &DVector<f64>) -> Result<DiagonalPlusLowRank, EvaluationError> {
        let parts = self.parts(z, None)?;
        let images = parts.images().iter().map(|row| values(row)).collect();
        let hessian = structured(
            values(&parts.p),
            values(&parts.delta()),
            images,
            &values(&parts.second),
            -1.0,
        );
        refuse_overflow("logit Hessian", hessian.basis.as_slice())?;
        refuse_overflow("logit Hessian", hessian.core.as_slice())?;
        Ok(hessian)
    }

    fn error_bounds(
        &self,
        z: &DVector<f64>,
        logit_error: &DVector<f64>,
    ) -> Result<LogitErrorBounds, EvaluationError> {
        let parts = self.parts(z, Some(logit_error))?;
        let delta = parts.delta();
        let images = parts.images().iter().map(|row| errors(row)).collect();
        all_finite(LogitErrorBounds {
            value: parts.value().radius(),
            gradient: errors(&delta),
            hessian: structured(
                errors(&parts.p),
                errors(&delta),
                images,
                &errors(&parts.second),
                0.0,
            ),
        })
    }

    /// `-(concavity of g) ||A2||^2 / 4 - (sqrt3/9) (max v - min v)`, from `||P|| <= 1/2` and `|u' S_p(v) u| <= (sqrt3/9)
    /// (max v - min v)` (docs/sharp-constants.md, "Any b").
    ///
    /// `None` for relu where a kink may bend the loss downwards: the Hessian is bounded where it exists, but the loss is
    /// then not convex whatever the weights.
    fn curvature_floor(&self) -> Option<f64> {
        let outputs = self.second_layer.nrows();
        if self.activation == Activation::Relu && !(0..outputs).all(|k| self.bends_upwards(k)) {
            return None;
        }
        let concavity = self
            .all_ranges()
            .iter()
            .map(|r| r.concavity)
            .fold(0.0, f64::max);
        let floor = -(concavity * self.spread().powi(2) / 4.0 + self.tilt()) * MARGIN;
        floor.is_finite().then_some(floor)
    }

    /// As for the floor, with the largest `|g''|`.
    fn curvature_ceiling(&self) -> Option<f64> {
        let second = self
            .all_ranges()
            .iter()
            .map(|r| r.second)
            .fold(0.0, f64::max);
        let ceiling = (second * self.spread().powi(2) / 4.0 + self.tilt()) * MARGIN;
        ceiling.is_finite().then_some(ceiling)
    }

    /// Proven for the smooth activations, see `docs/numerics.md`, "Two layers". The Hessian of relu jumps: `None`.
    fn hessian_lipschitz(&self) -> Option<f64> {
        if self.activation == Activation::Relu {
            return None;
        }
        let constant = self.third_derivative();
        constant.is_finite().then_some(constant)
    }

    /// `K / lambda^1.5` with the constant of [`hessian_lipschitz`](LogitLoss::hessian_lipschitz); for relu only where no
    /// output can change its sign in the ball.
    fn third_derivative_bound(
        &self,
        z: &DVector<f64>,
        logit_error: &DVector<f64>,
        radius: f64,
        lambda: f64,
    ) -> Option<f64> {
        if self.activation == Activation::Relu
            && !self.signs_are_certain(&self.outputs(z, logit_error)?, radius)
        {
            return None;
        }
        let bound = self.third_derivative() / lambda.powf(1.5) * MARGIN;
        bound.is_finite().then_some(bound)
    }

    fn is_shift_invariant(&self) -> bool {
        true
    }

    fn is_smooth(&self) -> bool {
        self.activation != Activation::Relu
    }

    /// With `g'_k = phi' (phi - b)_k` of the other side: `-b_k` where unit k is off, 0 where it is on.
    fn gradients_beyond_kinks(
        &self,
        z: &DVector<f64>,
        near: f64,
    ) -> Result<Vec<DVector<f64>>, EvaluationError> {
        let Some(outputs) = self.outputs(z, &DVector::zeros(z.len())) else {
            return Ok(Vec::new());
        };
        let kinks = self.next_to_kink(&outputs, near);
        kinks
            .into_iter()
            .map(|k| {
                let mut parts = self.parts(z, None)?;
                parts.first[k] = if outputs[k].midpoint() > 0.0 {
                    Ball::exact(0.0)
                } else {
                    parts.residual[k]
                };
                let gradient = values(&parts.delta());
                refuse_overflow("logit gradient", gradient.as_slice())?;
                Ok(gradient)
            })
            .collect()
    }

    fn remarks(&self, z: &DVector<f64>) -> Vec<String> {
        if self.activation != Activation::Relu {
            return Vec::new();
        }
        let Some(outputs) = self.outputs(z, &DVector::zeros(z.len())) else {
            return Vec::new();
        };
        self.next_to_kink(&outputs, NEAR_KINK)
            .into_iter()
            .map(|k| {
                let y = outputs[k];
                format!(
                    "entry {k} of A2 p is {:.1e}, next to the kink of relu: derivatives are those of the side where it is {}",
                    y.midpoint(),
                    if y.midpoint() > 0.0 { "positive" } else { "not positive" },
                )
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::production::test_support::covers;

    fn loss(activation: Activation) -> TwoLayer {
        let layer = DMatrix::from_row_slice(2, 3, &[1.0, -2.0, 0.5, 0.0, 3.0, -1.0]);
        TwoLayer::new(layer, activation, DVector::from_column_slice(&[0.5, -2.0]))
    }

    #[test]
    fn the_constants_are_those_of_the_numerics_document() {
        // "Two layers", mpmath, with the printed roundings of the constants of phi and p: -floor, ceiling, Lipschitz.
        for (activation, concave, ceiling, third) in [
            (
                Activation::Identity,
                5.292_377_467_571_57,
                8.917_377_467_571_57,
                69.702_821_966_069_73,
            ),
            (
                Activation::Tanh,
                11.509_711_815_709_287,
                15.134_711_815_709_287,
                169.994_453_755_185_88,
            ),
            (
                Activation::Softplus,
                8.931_223_496_851_88,
                12.556_223_496_851_88,
                107.671_057_456_601_59,
            ),
        ] {
            let loss = loss(activation);
            covers(-loss.curvature_floor().unwrap(), concave, 1e-8);
            covers(loss.curvature_ceiling().unwrap(), ceiling, 1e-8);
            covers(loss.hessian_lipschitz().unwrap(), third, 1e-8);
            let zero = DVector::zeros(3);
            // Over lambda^1.5 = 8.
            let local = loss.third_derivative_bound(&zero, &zero, 1.0, 4.0).unwrap();
            covers(local, third / 8.0, 1e-8);
        }
        let relu = loss(Activation::Relu);
        // 3.625 + 21.5 sqrt3/9.
        covers(
            relu.curvature_ceiling().unwrap(),
            7.762_676_929_192_318,
            1e-8,
        );
        // With b = (-1/2, -2) its kinks bend upwards, and |g'| is at most 1.5 and 5: (3 * 1.5 + 4 * 5) sqrt3/9.
        assert_eq!(relu.curvature_floor(), None);
        let mut upwards = relu.clone();
        upwards.target[0] = -0.5;
        covers(
            -upwards.curvature_floor().unwrap(),
            4.715_027_198_381_944,
            1e-8,
        );
        assert_eq!(relu.hessian_lipschitz(), None);
    }

    #[test]
    fn the_rounded_constants_are_above_their_exact_values_and_close() {
        let (root2, root3) = (2f64.sqrt(), 3f64.sqrt());
        covers(TANH_SECOND, 4.0 / (3.0 * root3), 2e-4);
        // 1 / (6 sqrt3) = 0.09623.
        covers(SOFTPLUS_THIRD, 1.0 / (6.0 * root3), 1e-3);
        covers(SECOND_OF_P, (1.0 + root2) / 2.0, 1e-4);
        covers(
            THIRD_OF_P,
            root2 / 2.0 + 0.75 * root2 + root2 / (3.0 * root3),
            1e-3,
        );
    }

    #[test]
    fn a_relu_has_a_local_bound_as_long_as_no_output_can_reach_its_kink() {
        // y = (1 - 2 + 3) / 3 at equal logits moves by at most || (1, -2, 3) - 1/2 || / 2 = 1.785 per unit: 0 is out of
        // reach up to the radius 0.37341 (mpmath).
        let row = DMatrix::from_row_slice(1, 3, &[1.0, -2.0, 3.0]);
        let loss = TwoLayer::new(row, Activation::Relu, DVector::from_element(1, 0.5));
        let zero = DVector::zeros(3);
        let bound = |radius| loss.third_derivative_bound(&zero, &zero, radius, 1.0);
        assert!(bound(0.373_408_022 * (1.0 - 1e-7)).is_some());
        assert_eq!(bound(0.373_408_022 * (1.0 + 1e-7)), None);
    }

    #[test]
    fn the_slope_of_a_relu_is_in_doubt_exactly_where_its_sign_is() {
        let at = |value: f64, error: f64| {
            let (image, slope, bend) = activate(Activation::Relu, Ball::new(value, error));
            assert_eq!(bend, Ball::exact(0.0));
            [
                image.midpoint(),
                image.radius(),
                slope.midpoint(),
                slope.radius(),
            ]
        };
        assert_eq!(at(1.0, 0.5), [1.0, 0.5, 1.0, 0.0]);
        assert_eq!(at(-1.0, 0.5), [0.0, 0.0, 0.0, 0.0]);
        assert_eq!(at(0.25, 0.5), [0.25, 0.5, 1.0, 1.0]);
        assert_eq!(at(-0.25, 0.5), [0.0, 0.5, 0.0, 1.0]);
        // At the kink exactly, the side where the unit is off is taken.
        assert_eq!(at(0.0, 0.0), [0.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn outputs_within_a_millionth_of_their_row_are_remarked_on_with_their_side() {
        // y = 2 (p_1 - p_2) = 2 tanh(t / 2), about t, for logits (t, 0); the row's largest entry is 2.
        let row = DMatrix::from_row_slice(1, 2, &[2.0, -2.0]);
        let loss = TwoLayer::new(row, Activation::Relu, DVector::from_element(1, 0.5));
        let remarks = |t: f64| loss.remarks(&DVector::from_column_slice(&[t, 0.0]));
        let text = |y: &str, side: &str| {
            vec![format!(
                "entry 0 of A2 p is {y}, next to the kink of relu: derivatives are those of the side where it is {side}"
            )]
        };
        assert_eq!(remarks(1.9e-6), text("1.9e-6", "positive"));
        assert_eq!(remarks(-1.9e-6), text("-1.9e-6", "not positive"));
        assert!(remarks(2.1e-6).is_empty() && remarks(-2.1e-6).is_empty());
    }

    /// Across the kink nothing moves but `phi'`: the gradient from beyond is the one just beyond.
    #[test]
    fn the_gradient_from_beyond_a_kink_is_the_one_beyond_it() {
        let rows = DMatrix::from_row_slice(2, 3, &[2.0, -2.0, 0.0, 1.0, 0.5, -1.0]);
        let loss = TwoLayer::new(
            rows,
            Activation::Relu,
            DVector::from_column_slice(&[0.5, -1.0]),
        );
        for side in [1e-9, -1e-9] {
            let at = |t: f64| DVector::from_column_slice(&[t, 0.0, 0.25]);
            let beyond = loss.gradients_beyond_kinks(&at(side), 1e-6).unwrap();
            assert_eq!(beyond.len(), 1);
            let there = loss.gradient(&at(-side)).unwrap();
            assert!((&beyond[0] - there).amax() < 1e-8);
            assert!((&beyond[0] - loss.gradient(&at(side)).unwrap()).amax() > 0.1);
            assert!(
                loss.gradients_beyond_kinks(&at(side), 1e-10)
                    .unwrap()
                    .is_empty()
            );
        }
    }

    #[test]
    fn a_relu_that_keeps_its_sign_bends_upwards_whatever_its_target() {
        let floor = |row: [f64; 2]| {
            let row = DMatrix::from_row_slice(1, 2, &row);
            TwoLayer::new(row, Activation::Relu, DVector::from_element(1, 0.5)).curvature_floor()
        };
        assert!(floor([0.0, 1.0]).is_some() && floor([-1.0, 0.0]).is_some());
        assert!(floor([-0.125, 1.0]).is_none() && floor([-1.0, 0.125]).is_none());
    }

    /// mpmath, by differentiating the definition: value, gradient, and the upper triangle of the Hessian by rows.
    #[test]
    fn the_derivatives_are_those_of_the_definition() {
        type Case = (Activation, f64, [f64; 3], [f64; 6]);
        let cases: [Case; 4] = [
            (
                Activation::Identity,
                1.878_128_335_370_359_2,
                [
                    -0.004_409_839_291_191_27,
                    0.971_358_707_521_484_7,
                    -0.966_948_868_230_293_4,
                ],
                [
                    0.051_927_975_400_631_34,
                    -0.378_959_020_331_332_5,
                    0.327_031_044_930_701_1,
                    1.013_078_101_633_506_4,
                    -0.634_119_081_302_174,
                    0.307_088_036_371_472_8,
                ],
            ),
            (
                Activation::Tanh,
                1.879_994_138_682_858_7,
                [
                    -0.002_411_167_157_556_196,
                    0.963_132_963_499_671,
                    -0.960_721_796_342_114_8,
                ],
                [
                    0.051_176_233_353_726_785,
                    -0.371_170_528_754_070_6,
                    0.319_994_295_400_343_8,
                    1.062_743_628_468_027_4,
                    -0.691_573_099_713_956_8,
                    0.371_578_804_313_613,
                ],
            ),
            (
                Activation::Softplus,
                3.588_260_184_683_884_7,
                [
                    0.075_526_485_354_331_28,
                    0.527_420_639_215_838,
                    -0.602_947_124_570_169_3,
                ],
                [
                    0.049_300_740_679_382_54,
                    -0.203_031_777_647_668_82,
                    0.153_731_036_968_286_28,
                    0.610_339_811_789_374_2,
                    -0.407_308_034_141_705_35,
                    0.253_576_997_173_419_1,
                ],
            ),
            (
                Activation::Relu,
                2.023_798_281_168_659,
                [
                    -0.050_200_363_831_654_64,
                    0.075_343_348_962_789_56,
                    -0.025_142_985_131_134_92,
                ],
                [
                    0.034_914_748_671_538_675,
                    -0.096_007_486_591_734_36,
                    0.061_092_737_920_195_68,
                    0.171_802_745_248_900_9,
                    -0.075_795_258_657_166_55,
                    0.014_702_520_736_970_867,
                ],
            ),
        ];
        let z = DVector::from_column_slice(&[0.5, -0.25, 1.0]);
        for (activation, value, gradient, [aa, ab, ac, bb, bc, cc]) in cases {
            let loss = loss(activation);
            assert!((loss.value(&z).unwrap() - value).abs() < 4e-15);
            let gradient = DVector::from_column_slice(&gradient);
            assert!((loss.gradient(&z).unwrap() - gradient).amax() < 4e-15);
            let hessian = DMatrix::from_row_slice(3, 3, &[aa, ab, ac, ab, bb, bc, ac, bc, cc]);
            let found = loss.hessian(&z).unwrap().to_dense();
            assert!((&found - hessian).amax() < 4e-15, "{activation:?}: {found}");
        }
    }

    #[test]
    fn a_two_layer_loss_says_what_it_is_and_refuses_what_does_not_fit() {
        let smooth = loss(Activation::Tanh);
        assert_eq!((smooth.name(), smooth.logits()), ("two-layer", 3));
        assert!(smooth.is_shift_invariant() && smooth.is_smooth());
        let relu = loss(Activation::Relu);
        assert!(relu.is_shift_invariant() && !relu.is_smooth());
        assert!(matches!(
            smooth.value(&DVector::zeros(2)),
            Err(EvaluationError::Shape {
                found: 2,
                expected: 3,
                ..
            })
        ));
        let mut short = smooth.clone();
        short.target = DVector::zeros(1);
        assert!(matches!(
            short.value(&DVector::zeros(3)),
            Err(EvaluationError::Shape {
                part: "target",
                found: 1,
                expected: 2
            })
        ));
        let mut broken = smooth;
        broken.second_layer[(1, 2)] = f64::INFINITY;
        // Entry (1, 2), counted down the columns.
        assert_eq!(
            broken.value(&DVector::zeros(3)),
            Err(EvaluationError::NotFinite {
                part: "second layer",
                index: 5,
                value: f64::INFINITY
            })
        );
    }

    /// At 0.75 tanh is known to 4 eps of 0.635, 5.6e-16; its slope is 0.5966, so that 2^-50 away it is 5.3e-16 farther from a
    /// target that is met here.
    #[test]
    fn a_residual_that_cancels_is_as_large_as_the_rounding_of_the_activation() {
        let (here, off) = (0.75, 2f64.powi(-50));
        let target = DVector::from_element(1, 0.635_148_952_387_287_3);
        for row in [[here - off, here], [here, here + off]] {
            let row = DMatrix::from_row_slice(1, 2, &row);
            let first = TwoLayer::new(row, Activation::Tanh, target.clone())
                .ranges(0)
                .first;
            assert!((1.0e-15..1.4e-15).contains(&first), "{first:e}");
        }
    }
}
