//! Residual softmax regression (2309.13482): `l(z) = 0.5 || f - b ||^2` with `f = u / alpha`, `u = exp(z) + z`,
//! `alpha = <u, 1>`.
//!
//! With `e = exp(z)`, `k = (e + 1) / alpha`, `c = f - b`, `s = <c, f>`, `q = (2f - b) o k`:
//!
//! ```text
//! grad l = k o (c - s)
//! Hess l = diag(k o k + (e / alpha) o (c - s)) - q k' - k q' + <3f - 2b, f> kk'
//! ```
//!
//! With one logit `f = 1` wherever `alpha` is not zero: the pole can be removed, and `l = 0.5 (1 - b)^2` everywhere.
//! With more, `alpha` can be negative, and `l` has a pole where it is zero. Neither `||f||_1 = 1` nor a bound on `f` holds: near the
//! pole everything grows without limit, so no constant bounds the curvature.

use nalgebra::{DMatrix, DVector};

use crate::production::logit_loss::{
    LogitErrorBounds, LogitLoss, all_finite, check_vector, refuse_overflow,
};
use crate::production::running_error::{errors, values, with_errors};
use crate::production::{DiagonalPlusLowRank, EvaluationError};
use crate::scalar::Ball;

/// The loss `0.5 || (exp(z) + z) / <exp(z) + z, 1> - b ||^2` for a fixed target `b` (n entries of any sign and size).
#[derive(Clone, Debug)]
pub struct ResidualSoftmax {
    target: DVector<f64>,
}

/// Logits above this are divided out: numerator and normaliser are multiplied by `exp(-max z)`. Below, `exp` is far from
/// overflow and the shift would only add a rounding.
const SHIFT_FROM: f64 = 300.0;
/// Bisection steps in the search for the smallest normaliser on a segment: they exhaust f64 on [0, 1].
const BISECTIONS: usize = 60;

/// The model and its residual. For one logit `slope` and `bend` are 0, as `f` does not depend on z.
struct Parts {
    f: Vec<Ball<f64>>,
    /// `(e + 1) / alpha`.
    slope: Vec<Ball<f64>>,
    /// `e / alpha`.
    bend: Vec<Ball<f64>>,
    /// `f - b`.
    residual: Vec<Ball<f64>>,
    /// `c - s`.
    centred: Vec<Ball<f64>>,
}

impl ResidualSoftmax {
    /// The loss for the target `b`. An entry that is not finite is reported by every evaluation.
    pub fn new(target: DVector<f64>) -> Self {
        Self { target }
    }

    /// One logit: `f = 1` for all z, at the removable pole by continuity.
    fn is_constant(&self) -> bool {
        self.target.len() == 1
    }

    fn parts(
        &self,
        z: &DVector<f64>,
        logit_error: Option<&DVector<f64>>,
    ) -> Result<Parts, EvaluationError> {
        let n = self.target.len();
        check_vector("logits", z, n)?;
        check_vector("target", &self.target, n)?;
        if self.is_constant() {
            let zero = || vec![Ball::exact(0.0)];
            return Ok(Parts {
                f: vec![Ball::exact(1.0)],
                slope: zero(),
                bend: zero(),
                residual: vec![Ball::exact(1.0) - Ball::exact(self.target[0])],
                centred: zero(),
            });
        }
        let top = z.max();
        let shift = Ball::exact(if top > SHIFT_FROM { top } else { 0.0 });
        let z = with_errors(z, logit_error);
        // exp(-shift), 1 where nothing is divided out; the shift itself is exact.
        let scale = (-shift).exp();
        let (scale, e): (Ball<f64>, Vec<Ball<f64>>) = if shift.midpoint() == 0.0 {
            (Ball::exact(1.0), z.iter().map(|z| z.exp()).collect())
        } else {
            (scale, z.iter().map(|z| (*z - shift).exp()).collect())
        };
        let u: Vec<Ball<f64>> = e.iter().zip(&z).map(|(e, z)| *e + *z * scale).collect();
        let normaliser = Ball::sum(&u);
        if normaliser.may_be_zero() {
            return Err(EvaluationError::Pole {
                quantity: "alpha = <exp(z) + z, 1>",
                value: normaliser.midpoint(),
                error: normaliser.radius(),
            });
        }
        let f: Vec<Ball<f64>> = u.iter().map(|u| *u / normaliser).collect();
        let residual: Vec<Ball<f64>> = f
            .iter()
            .zip(self.target.iter())
            .map(|(f, b)| *f - Ball::exact(*b))
            .collect();
        let products: Vec<Ball<f64>> = f.iter().zip(&residual).map(|(f, c)| *f * *c).collect();
        let mean = Ball::sum(&products);
        Ok(Parts {
            slope: e.iter().map(|e| (*e + scale) / normaliser).collect(),
            bend: e.iter().map(|e| *e / normaliser).collect(),
            centred: residual.iter().map(|c| *c - mean).collect(),
            f,
            residual,
        })
    }

    /// Least value of the normaliser along the segment is positive, given that it is so at both ends. The normaliser is
    /// convex along a line, so that its derivative changes sign at most once.
    fn stays_positive(from: &DVector<f64>, to: &DVector<f64>) -> bool {
        let step = to - from;
        let at = |t: f64| from + &step * t;
        let slope = |t: f64| -> f64 {
            at(t)
                .iter()
                .zip(step.iter())
                .map(|(z, s)| (z.exp() + 1.0) * s)
                .sum()
        };
        let (mut low, mut high) = (0.0, 1.0);
        for _ in 0..BISECTIONS {
            let middle = 0.5 * (low + high);
            if slope(middle) < 0.0 {
                low = middle;
            } else {
                high = middle;
            }
        }
        let least: f64 = at(high).iter().map(|z| z.exp() + z).sum();
        least > 0.0
    }
}

impl Parts {
    fn value(&self) -> Ball<f64> {
        let squares: Vec<Ball<f64>> = self.residual.iter().map(|c| *c * *c).collect();
        Ball::exact(0.5) * Ball::sum(&squares)
    }

    fn gradient(&self) -> Vec<Ball<f64>> {
        let pairs = self.slope.iter().zip(&self.centred);
        pairs.map(|(k, c)| *k * *c).collect()
    }

    fn diagonal(&self) -> Vec<Ball<f64>> {
        (0..self.f.len())
            .map(|i| self.slope[i] * self.slope[i] + self.bend[i] * self.centred[i])
            .collect()
    }

    /// `q = (2f - b) o k = (f + c) o k`.
    fn cross(&self) -> Vec<Ball<f64>> {
        (0..self.f.len())
            .map(|i| (self.f[i] + self.residual[i]) * self.slope[i])
            .collect()
    }

    /// `<3f - 2b, f> = <f + 2c, f>`.
    fn square(&self) -> Ball<f64> {
        let two = Ball::exact(2.0);
        let products: Vec<Ball<f64>> = (0..self.f.len())
            .map(|i| (self.f[i] + two * self.residual[i]) * self.f[i])
            .collect();
        Ball::sum(&products)
    }
}

/// Basis `[k, q]`, core `[[square, -cross], [-cross, 0]]`.
fn structured(
    diagonal: DVector<f64>,
    slope: DVector<f64>,
    cross: DVector<f64>,
    square: f64,
    coupling: f64,
) -> DiagonalPlusLowRank {
    DiagonalPlusLowRank {
        diagonal,
        basis: DMatrix::from_columns(&[slope, cross]),
        core: DMatrix::from_row_slice(2, 2, &[square, coupling, coupling, 0.0]),
    }
}

impl LogitLoss for ResidualSoftmax {
    fn name(&self) -> &'static str {
        "residual-softmax"
    }

    fn logits(&self) -> usize {
        self.target.len()
    }

    /// [`EvaluationError::Pole`] where the normaliser of several logits cannot be told from zero; so do all the others.
    fn value(&self, z: &DVector<f64>) -> Result<f64, EvaluationError> {
        let value = self.parts(z, None)?.value().midpoint();
        refuse_overflow("loss", &[value])?;
        Ok(value)
    }

    fn gradient(&self, z: &DVector<f64>) -> Result<DVector<f64>, EvaluationError> {
        let gradient = values(&self.parts(z, None)?.gradient());
        refuse_overflow("logit gradient", gradient.as_slice())?;
        Ok(gradient)
    }

    /// Basis `[k, q]`, core `[[<3f - 2b, f>, -1], [-1, 0]]`.
    fn hessian(&self, z: &DVector<f64>) -> Result<DiagonalPlusLowRank, EvaluationError> {
        let parts = self.parts(z, None)?;
        let hessian = structured(
            values(&parts.diagonal()),
            values(&parts.slope),
            values(&parts.cross()),
            parts.square().midpoint(),
            -1.0,
        );
        refuse_overflow("logit Hessian", hessian.diagonal.as_slice())?;
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
        all_finite(LogitErrorBounds {
            value: parts.value().radius(),
            gradient: errors(&parts.gradient()),
            hessian: structured(
                errors(&parts.diagonal()),
                errors(&parts.slope),
                errors(&parts.cross()),
                parts.square().radius(),
                0.0,
            ),
        })
    }

    /// 0 for one logit; none for more, see the module's documentation.
    fn curvature_floor(&self) -> Option<f64> {
        self.is_constant().then_some(0.0)
    }

    /// 0 for one logit.
    fn curvature_ceiling(&self) -> Option<f64> {
        self.is_constant().then_some(0.0)
    }

    /// One logit only: with more, `alpha` sees the shift.
    fn is_shift_invariant(&self) -> bool {
        self.is_constant()
    }

    /// From bounds on `u` and its derivatives in the ball, by the quotient rule; derived in `docs/numerics.md`,
    /// "Residual softmax". `None` where the ball may touch the pole.
    fn third_derivative_bound(
        &self,
        z: &DVector<f64>,
        logit_error: &DVector<f64>,
        radius: f64,
        lambda: f64,
    ) -> Option<f64> {
        if self.is_constant() {
            return Some(0.0);
        }
        let reach = logit_error.map(|error| error + radius);
        let farthest = (z + &reach).map(|z| z.exp());
        // |u''|, |u'''|, |alpha''|, |alpha'''| <= bend; |u'| <= bend + 1; |alpha'| <= slope.
        let bend = farthest.max();
        let slope = farthest.add_scalar(1.0).norm();
        let shift = radius + logit_error.norm();
        let here = z.map(|z| z.exp() + z);
        // Ten units for each of the n terms.
        let rounding = (z.map(f64::exp) + z.abs()).sum() * 10.0 * z.len() as f64 * f64::EPSILON;
        let normaliser = here.sum().abs() - slope * shift - rounding;
        if normaliser.is_nan() || normaliser <= 0.0 {
            return None;
        }
        let f = (here.norm() + (bend + 1.0) * shift + rounding) / normaliser;
        let first = (bend + 1.0 + f * slope) / normaliser;
        let second = (bend + f * bend + 2.0 * first * slope) / normaliser;
        let third = (bend + f * bend + 3.0 * first * bend + 3.0 * second * slope) / normaliser;
        let residual = f + self.target.norm();
        let bound = (3.0 * first * second + residual * third) / lambda.powf(1.5);
        // The margin covers the roundings of this formula.
        let bound = bound * (1.0 + 1e-6);
        bound.is_finite().then_some(bound)
    }

    /// Whether the normaliser of several logits changes its sign or vanishes on the way. Where it is negative at both ends it is so between
    /// them, by convexity.
    fn has_pole_between(&self, from: &DVector<f64>, to: &DVector<f64>) -> bool {
        if self.is_constant() {
            return false;
        }
        let normaliser = |z: &DVector<f64>| z.iter().map(|z| z.exp() + z).sum::<f64>();
        let (start, end) = (normaliser(from), normaliser(to));
        let fine = (start < 0.0 && end < 0.0)
            || (start > 0.0 && end > 0.0 && Self::stays_positive(from, to));
        !fine
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::production::test_support::covers;

    fn vector(entries: &[f64]) -> DVector<f64> {
        DVector::from_column_slice(entries)
    }

    #[test]
    fn the_local_bound_of_the_third_derivative_is_that_of_the_numerics_document() {
        // "Residual softmax", mpmath: with E, V in the ball, a = |alpha| - V r, F, f1, f2, f3 by the quotient rule.
        let loss = ResidualSoftmax::new(vector(&[0.5, -1.0, 0.25]));
        let z = vector(&[0.5, -0.25, 1.0]);
        let off = vector(&[0.015_625, 0.031_25, 0.007_812_5]);
        let bound = |radius| loss.third_derivative_bound(&z, &off, radius, 0.25);
        let exact = 286.609_477_495_261_86;
        covers(bound(0.0625).unwrap(), exact * (1.0 + 1e-6), 1e-10);
        // alpha = 6.4 falls by at most || e^z + 1 || = 6.3 times the radius and more in a larger ball.
        assert_eq!(bound(2.0), None);
    }

    #[test]
    fn the_bound_of_the_third_derivative_allows_for_the_rounding_of_a_normaliser_that_cancels() {
        // e^20 + 20 and its opposite: alpha = 1 is known to 4.3e-6 only (10 units for each of two terms of 9.7e8); with
        // that 5.16130e45, without 5.16119e45 (mpmath). The terms themselves are rounded to 1e-7.
        let loss = ResidualSoftmax::new(vector(&[0.5, -1.0]));
        let z = vector(&[20.0, -485_165_214.409_790_3]);
        let bound = loss
            .third_derivative_bound(&z, &DVector::zeros(2), 0.0, 0.25)
            .unwrap();
        let exact = 5.161_296_572_557_311e45 * (1.0 + 1e-6);
        assert!((bound / exact - 1.0).abs() < 3e-6, "{}", bound / exact);
    }

    #[test]
    fn the_least_normaliser_on_a_segment_is_looked_for_where_its_own_slope_vanishes() {
        // z = (3t, -t, k): alpha = e^3t + e^-t + 2t + (e^k + k), least at t = -0.81 where the first part is 0.716; at
        // t = 0 it is 2 already. e^k + k = -1.0 makes a dip below zero of it, -0.4934 does not.
        let loss = ResidualSoftmax::new(DVector::zeros(3));
        let at = |t: f64, k: f64| vector(&[3.0 * t, -t, k]);
        assert!(loss.has_pole_between(&at(-3.0, -1.278_464_5), &at(1.0, -1.278_464_5)));
        assert!(!loss.has_pole_between(&at(-3.0, -0.9), &at(1.0, -0.9)));
    }

    /// mpmath, by differentiating the definition.
    #[test]
    fn the_derivatives_are_those_of_the_definition() {
        let loss = ResidualSoftmax::new(vector(&[0.5, -1.0, 0.25]));
        let z = vector(&[0.5, -0.25, 1.0]);
        assert!((loss.value(&z).unwrap() - 0.654_452_780_869_880_9).abs() < 1e-15);
        let gradient = vector(&[
            -0.161_962_893_175_469_58,
            0.237_968_746_592_850_97,
            0.060_645_903_677_329_11,
        ]);
        assert!((loss.gradient(&z).unwrap() - gradient).amax() < 1e-15);
        let (near, far, cross) = (
            -0.049_008_271_357_744_61,
            -0.041_618_956_269_090_63,
            -0.188_578_368_429_399_87,
        );
        let hessian = DMatrix::from_row_slice(
            3,
            3,
            &[
                0.168_098_665_339_604_14,
                near,
                far,
                near,
                0.071_783_052_089_627_18,
                cross,
                far,
                cross,
                0.073_512_795_737_993_97,
            ],
        );
        let found = loss.hessian(&z).unwrap().to_dense();
        assert!((&found - hessian).amax() < 2e-15, "{found}");
    }

    #[test]
    fn one_logit_is_flat_and_several_have_no_bound_of_their_curvature() {
        let one = ResidualSoftmax::new(vector(&[0.5]));
        let two = ResidualSoftmax::new(vector(&[0.5, 0.25]));
        assert_eq!((one.name(), one.logits()), ("residual-softmax", 1));
        assert_eq!((two.name(), two.logits()), ("residual-softmax", 2));
        assert_eq!(one.curvature_floor(), Some(0.0));
        assert_eq!(one.curvature_ceiling(), Some(0.0));
        assert_eq!(two.curvature_floor(), None);
        assert_eq!(two.curvature_ceiling(), None);
        assert!(one.is_shift_invariant() && !two.is_shift_invariant());
    }

    /// Every `e^z + z` cancels (z is near -0.567): 4.7e-12 and 7.1e-12, each of which may be off by 1e-14. The numerator is
    /// larger by that, the normaliser smaller (mpmath); without the first 1.50686e36, with the opposite sign 1.50516e36.
    #[test]
    fn the_bound_of_the_third_derivative_allows_for_the_rounding_of_a_numerator_that_cancels() {
        let loss = ResidualSoftmax::new(vector(&[0.5, -1.0]));
        let z = vector(&[-0.567_143_290_406_783_9, -0.567_143_290_405_283_9]);
        let bound = loss
            .third_derivative_bound(&z, &DVector::zeros(2), 0.0, 0.25)
            .unwrap();
        let exact = 1.508_551_757_921_707e36 * (1.0 + 1e-6);
        assert!((bound / exact - 1.0).abs() < 3e-4, "{}", bound / exact);
    }

    /// On both sides of the logit from which on exp is divided out, with a logit so far below that it weighs as much as exp of the
    /// largest: mpmath at 400 digits, f, value and gradient by the definition, held against differences.
    #[test]
    fn a_logit_far_below_weighs_as_much_where_exp_is_divided_out() {
        let loss = ResidualSoftmax::new(vector(&[0.5, -1.0, 0.25]));
        for (z, value, gradient) in [
            (
                [299.5, -(2f64.powi(432)), 299.0],
                0.808_650_195_125_767_4,
                [
                    -2.550_246_304_732_142_6,
                    -3.974_946_648_632_818e-130,
                    -1.858_239_338_632_383_4,
                ],
            ),
            (
                [300.5, -(2f64.powi(433)), 300.0],
                0.291_411_606_684_807_7,
                [
                    -0.160_855_434_582_201_2,
                    -1.705_188_792_041_842_7e-131,
                    -0.217_378_588_333_710_6,
                ],
            ),
            (
                [310.0, -(2f64.powi(450)), 5.0],
                2.617_408_772_930_917_5,
                [
                    0.575_645_872_493_757_3,
                    1.979_964_238_461_656_4e-136,
                    1.755_644_626_989_286e-133,
                ],
            ),
        ] {
            let z = vector(&z);
            let found = loss.value(&z).unwrap();
            // exp of 300 carries 300 roundings of its argument, and the normaliser cancels to a fifth.
            assert!((found / value - 1.0).abs() < 1e-12, "{found}");
            for (found, exact) in loss.gradient(&z).unwrap().iter().zip(gradient) {
                assert!((found / exact - 1.0).abs() < 1e-11, "{found:e} {exact:e}");
            }
        }
    }
}
