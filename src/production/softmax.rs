//! Softmax regression (DLS23): `l(z) = 0.5 || p - b ||^2` with `p = exp(z) / <exp(z), 1>`.
//!
//! With `c = p - b`, `s = <c, p>` and `delta = p o (p + c - s)`:
//!
//! ```text
//! grad l = p o c - s p = p o (c - s)
//! Hess l = diag(delta) - delta p' - p delta' + <p, p> pp' = (I - p 1') diag(delta) (I - 1 p')
//! ```
//!
//! The Hessian is the one that is usually written with `q = (2p - b) o p`,
//! `diag(q) - s diag(p) + <3p - 2b, p> pp' - q p' - p q'`: insert `q = delta + s p` and `<delta, 1> = <p, p>`.
//! The form used here shows `B 1 = 0` and has fewer terms that cancel. `c` enters `c - s` only through differences
//! `c_i - c_j`, so it is taken relative to `c_k` with k the largest logit: where p is nearly one-hot, the terms of
//! `s - c_k` are then small themselves and nothing cancels.

use std::sync::{Arc, OnceLock};

use nalgebra::{DMatrix, DVector};

use crate::production::logit_loss::{LogitErrorBounds, LogitLoss, check_vector, refuse_overflow};
use crate::production::probabilities::{argmax, bounded_probabilities, probabilities};
use crate::production::summation::{compensated_sum, extremes, norm};
use crate::production::{DiagonalPlusLowRank, EvaluationError};
use crate::scalar::Ball;

/// `lambda = (55 sqrt33 - 39) / 1152`, rounded up: `B >= -lambda I` where the target's distance is at most 1. Proven in
/// docs/sharp-constants.md; a test holds this number and the next three against the certificates.
const SHARP_FLOOR: f64 = 0.240_408_806_909_367_75;
/// `Lambda = (55 sqrt33 + 39) / 1152`, rounded up: `B <= Lambda I` there.
const SHARP_CEILING: f64 = 0.308_117_140_242_701_1;
/// `sqrt3 / 9`, rounded up: what each unit of the target's range adds to either bound, beyond a part of distance 1.
pub(super) const TARGET_SLOPE: f64 = 0.192_450_089_729_875_3;
/// `3/5`, rounded up: Lipschitz constant of B where the target's distance is at most 1.
const SHARP_LIPSCHITZ: f64 = 0.600_000_000_000_000_1;

/// The loss `0.5 || softmax(z) - b ||^2` for a fixed target `b` (n entries of any sign and size).
#[derive(Clone, Debug)]
pub struct Softmax {
    target: DVector<f64>,
    /// The largest entry of b, where the value leaves out the constant of [`without_constant`](LogitLoss::without_constant).
    largest: Option<f64>,
    /// [`target_distance`](Self::target_distance), once somebody has asked for it.
    distance: OnceLock<Option<f64>>,
}

/// `p` and what gradient and Hessian share.
struct Parts {
    p: DVector<f64>,
    /// `c_i - c_k`, 0 at the pivot.
    relative: DVector<f64>,
    /// `s - c_k`.
    mean: f64,
    pivot: usize,
}

/// The same with error bounds.
struct BoundedParts {
    p: Vec<Ball<f64>>,
    /// `c`.
    residual: Vec<Ball<f64>>,
    /// `c - s`.
    centred: Vec<Ball<f64>>,
}

impl Softmax {
    /// The loss for the target `b`. An entry that is not finite is reported by every evaluation.
    pub fn new(target: DVector<f64>) -> Self {
        Self {
            target,
            largest: None,
            distance: OnceLock::new(),
        }
    }

    /// `b`.
    pub fn target(&self) -> &DVector<f64> {
        &self.target
    }

    /// `p = exp(z - max z) / <exp(z - max z), 1>`, n entries in [0, 1]; for any finite z, however large.
    pub fn probabilities(&self, z: &DVector<f64>) -> Result<DVector<f64>, EvaluationError> {
        self.check(z)?;
        Ok(probabilities(z, argmax(z)))
    }

    fn check(&self, z: &DVector<f64>) -> Result<(), EvaluationError> {
        check_vector("logits", z, self.target.len())?;
        check_vector("target", &self.target, self.target.len())
    }

    fn parts(&self, z: &DVector<f64>) -> Result<Parts, EvaluationError> {
        self.check(z)?;
        let pivot = argmax(z);
        let p = probabilities(z, pivot);
        let reference = p[pivot] - self.target[pivot];
        let relative = DVector::from_fn(p.len(), |i, _| {
            if i == pivot {
                0.0
            } else {
                (p[i] - self.target[i]) - reference
            }
        });
        let mean = compensated_sum(p.iter().zip(relative.iter()).map(|(p, c)| p * c));
        refuse_overflow("residual", relative.as_slice())?;
        refuse_overflow("mean residual", &[mean])?;
        Ok(Parts {
            p,
            relative,
            mean,
            pivot,
        })
    }

    /// The parts with their error bounds, by the same operations as [`parts`](Self::parts).
    fn bounded_parts(
        &self,
        z: &DVector<f64>,
        logit_error: &DVector<f64>,
    ) -> Result<BoundedParts, EvaluationError> {
        let Parts { p, pivot, .. } = self.parts(z)?;
        let n = p.len();
        let p = bounded_probabilities(&p, z, pivot, logit_error);
        let residual: Vec<Ball<f64>> = (0..n).map(|i| p[i] - Ball::exact(self.target[i])).collect();
        let relative: Vec<Ball<f64>> = (0..n)
            .map(|i| {
                if i == pivot {
                    Ball::exact(0.0)
                } else {
                    residual[i] - residual[pivot]
                }
            })
            .collect();
        let products: Vec<Ball<f64>> = (0..n).map(|i| p[i] * relative[i]).collect();
        let mean = Ball::sum(&products);
        let centred = relative.iter().map(|c| *c - mean).collect();
        Ok(BoundedParts {
            p,
            residual,
            centred,
        })
    }
}

impl Softmax {
    /// `r = min_t || b - t 1 ||_1`, attained at the median, rounded up; `None` if it overflows or there is no entry.
    /// A target with `||b||_1 = 1` exactly may come out a few units above 1, which costs as little in every bound.
    fn target_distance(&self) -> Option<f64> {
        *self.distance.get_or_init(|| self.find_target_distance())
    }

    fn find_target_distance(&self) -> Option<f64> {
        // From 0, as most targets are; a block of 64 rounds as often. Below 1 the distance does not matter, and 1 is as good as the
        // median's.
        let blocks = self.target.as_slice().chunks(64);
        let roundings = (self.target.len().min(64) + 4) as f64;
        let length = compensated_sum(blocks.map(|block| block.iter().map(|b| b.abs()).sum()))
            * (1.0 + roundings * f64::EPSILON);
        if !self.target.is_empty() && length <= 1.0 + 100.0 * f64::EPSILON {
            return Some(length);
        }
        let mut sorted: Vec<f64> = self.target.iter().copied().collect();
        sorted.sort_by(f64::total_cmp);
        let median = *sorted.get(sorted.len() / 2)?;
        // Every difference and the sum lose at most a unit each.
        let distance = compensated_sum(self.target.iter().map(|b| (b - median).abs()))
            * (1.0 + 8.0 * f64::EPSILON);
        distance.is_finite().then_some(distance)
    }

    /// `(max b - min b) max(0, 1 - 1/r)`, rounded up: the range of what is left of `b - t 1` without its part `(b - t 1)/r` of
    /// distance 1. Never more than `r - 1`, since `max b - min b <= r`; far less where many entries share the distance.
    fn range_beyond_one(&self) -> Option<f64> {
        let distance = self.target_distance()?;
        let beyond = (distance - 1.0).max(0.0);
        let [least, largest] = extremes(self.target.as_slice());
        let range = largest - least;
        // Four roundings.
        let share = range * (beyond / distance.max(1.0)) * (1.0 + 4.0 * f64::EPSILON);
        Some(share.min(beyond))
    }

    fn bounded_value(&self, p: &[Ball<f64>], residual: &[Ball<f64>]) -> Ball<f64> {
        let half = Ball::exact(0.5);
        let Some(largest) = self.largest else {
            let squares: Vec<Ball<f64>> = residual.iter().map(|c| *c * *c).collect();
            return half * Ball::sum(&squares);
        };
        let terms: Vec<Ball<f64>> = p
            .iter()
            .zip(self.target.iter())
            .map(|(p, b)| *p * (half * *p + (Ball::exact(largest) - Ball::exact(*b))))
            .collect();
        Ball::sum(&terms)
    }

    /// `(sqrt3/9) (max b - min b) max(0, 1 - 1/r)`, rounded up.
    fn slope_beyond_one(&self) -> Option<f64> {
        let slope = (TARGET_SLOPE * self.range_beyond_one()?).next_up();
        slope.is_finite().then_some(slope)
    }
}

/// [`Softmax`]'s [`third_derivative_bound`](LogitLoss::third_derivative_bound) from `here >= max |c - s|`, `residual >= ||c||` and the
/// Lipschitz constant, if one is known.
pub(crate) fn third_derivative_near(
    here: f64,
    residual: f64,
    radius: f64,
    lambda: f64,
    lipschitz: Option<f64>,
) -> Option<f64> {
    let root = lambda.sqrt();
    let global = lipschitz.map(|lipschitz| lipschitz / (lambda * root));
    let nearby = here + radius * (1.0 + residual / 2.0 + radius / 4.0);
    let growth = ((1.0 + std::f64::consts::SQRT_2) * radius).exp();
    let share = (1.0 + here / root).min(0.5 / root);
    let square = 3.0 * (1.0 + std::f64::consts::SQRT_2) * (share * growth).powi(2) / root;
    let cross = 3.536 * nearby * share * growth / lambda;
    // The margin covers the roundings of this formula and of the sum over n residuals.
    let near = (square + cross) * (1.0 + 1e-6);
    match global {
        Some(global) if near.is_nan() || global < near => Some(global),
        _ => near.is_finite().then_some(near),
    }
}

impl LogitLoss for Softmax {
    fn name(&self) -> &'static str {
        "softmax"
    }

    fn logits(&self) -> usize {
        self.target.len()
    }

    /// `0.5 sum (p_i - b_i)^2`; an error if the square of a target overflows.
    fn value(&self, z: &DVector<f64>) -> Result<f64, EvaluationError> {
        self.check(z)?;
        let p = probabilities(z, argmax(z));
        let pairs = p.iter().zip(self.target.iter());
        let value = match self.largest {
            None => 0.5 * compensated_sum(pairs.map(|(p, b)| (p - b) * (p - b))),
            Some(largest) => compensated_sum(pairs.map(|(p, b)| p * (0.5 * p + (largest - b)))),
        };
        refuse_overflow("loss", &[value])?;
        Ok(value)
    }

    fn gradient(&self, z: &DVector<f64>) -> Result<DVector<f64>, EvaluationError> {
        let Parts {
            p, relative, mean, ..
        } = self.parts(z)?;
        let gradient = DVector::from_fn(p.len(), |i, _| p[i] * (relative[i] - mean));
        refuse_overflow("logit gradient", gradient.as_slice())?;
        Ok(gradient)
    }

    /// Diagonal `delta`, basis `[p, delta]`, core `[[<p,p>, -1], [-1, 0]]`.
    fn hessian(&self, z: &DVector<f64>) -> Result<DiagonalPlusLowRank, EvaluationError> {
        let Parts {
            p, relative, mean, ..
        } = self.parts(z)?;
        let diagonal = DVector::from_fn(p.len(), |i, _| p[i] * (p[i] + (relative[i] - mean)));
        refuse_overflow("logit Hessian", diagonal.as_slice())?;
        let square = compensated_sum(p.iter().map(|p| p * p));
        Ok(DiagonalPlusLowRank {
            basis: DMatrix::from_columns(&[p, diagonal.clone()]),
            core: DMatrix::from_row_slice(2, 2, &[square, -1.0, -1.0, 0.0]),
            diagonal,
        })
    }

    fn error_bounds(
        &self,
        z: &DVector<f64>,
        logit_error: &DVector<f64>,
    ) -> Result<LogitErrorBounds, EvaluationError> {
        let BoundedParts {
            p,
            residual,
            centred,
        } = self.bounded_parts(z, logit_error)?;
        let n = p.len();
        let value = self.bounded_value(&p, &residual);
        let gradient = DVector::from_fn(n, |i, _| (p[i] * centred[i]).radius());
        let diagonal = DVector::from_fn(n, |i, _| (p[i] * (p[i] + centred[i])).radius());
        let own_squares: Vec<Ball<f64>> = p.iter().map(|p| *p * *p).collect();
        let square = Ball::sum(&own_squares);
        let probability_errors = DVector::from_fn(n, |i, _| p[i].radius());
        Ok(LogitErrorBounds {
            value: value.radius(),
            gradient,
            hessian: DiagonalPlusLowRank {
                basis: DMatrix::from_columns(&[probability_errors, diagonal.clone()]),
                core: DMatrix::from_row_slice(2, 2, &[square.radius(), 0.0, 0.0, 0.0]),
                diagonal,
            },
        })
    }

    /// `-lambda - (sqrt3/9) (max b - min b) max(0, 1 - 1/r)` with `r = min_t || b - t 1 ||_1` and the sharp
    /// `lambda = 0.24040880...` (docs/sharp-constants.md, "Any b"; adding a constant to b does not change B).
    fn curvature_floor(&self) -> Option<f64> {
        Some(-(SHARP_FLOOR + self.slope_beyond_one()?).next_up())
    }

    /// `Lambda + (sqrt3/9) (max b - min b) max(0, 1 - 1/r)` with the sharp `Lambda = 0.30811714...`: as for the floor.
    fn curvature_ceiling(&self) -> Option<f64> {
        Some((SHARP_CEILING + self.slope_beyond_one()?).next_up())
    }

    /// `3/5 max(1, r)` with `r = min_t || b - t 1 ||_1`; proven in docs/sharp-constants.md, Theorem 2 and "Any b".
    fn hessian_lipschitz(&self) -> Option<f64> {
        let constant = (SHARP_LIPSCHITZ * self.target_distance()?.max(1.0)).next_up();
        constant.is_finite().then_some(constant)
    }

    /// The smaller of `K / lambda^1.5` and the bound for a loss that is nearly a sum of squares of small residuals,
    ///
    /// ```text
    /// 3 (1 + sqrt2) k^2 e^2 / lambda^0.5 + 3.536 g k e / lambda,    k = min(1 + g0 / lambda^0.5, 0.5 / lambda^0.5)
    /// ```
    ///
    /// with `e = exp((1 + sqrt2) radius)` (how fast `diag(p) - pp'` changes), `g0 = max |c - s|` at z and
    /// `g = g0 + radius (1 + ||c|| / 2 + radius / 4)` (its bound in the ball); derived in `docs/numerics.md`,
    /// "Third derivative near a point".
    fn third_derivative_bound(
        &self,
        z: &DVector<f64>,
        logit_error: &DVector<f64>,
        radius: f64,
        lambda: f64,
    ) -> Option<f64> {
        let lipschitz = self.hessian_lipschitz();
        let Ok(parts) = self.bounded_parts(z, logit_error) else {
            return lipschitz.map(|lipschitz| lipschitz / (lambda * lambda.sqrt()));
        };
        let size = |x: &Ball<f64>| x.largest();
        let here = parts.centred.iter().map(size).fold(0.0, f64::max);
        let residual = parts
            .residual
            .iter()
            .map(|c| size(c).powi(2))
            .sum::<f64>()
            .sqrt();
        third_derivative_near(here, residual, radius, lambda, lipschitz)
    }

    /// `l = 0.5 ||p||^2 + sum p_i (max b - b_i) + (0.5 ||b||^2 - max b)`, as the p add up to 1; the last term is left out where its
    /// rounding exceeds the first, which is at most 1/2. The others are not negative: nothing cancels.
    fn without_constant(&self) -> Option<Arc<dyn LogitLoss>> {
        let largest = self.target.max();
        let constant = 0.5 * norm(self.target.as_slice()).powi(2) - largest;
        let hides = self.largest.is_none() && constant * f64::EPSILON > 0.5;
        hides.then(|| {
            Arc::new(Self {
                target: self.target.clone(),
                largest: Some(largest),
                distance: OnceLock::new(),
            }) as Arc<dyn LogitLoss>
        })
    }

    fn softmax_target(&self) -> Option<&[f64]> {
        self.largest.is_none().then_some(self.target.as_slice())
    }

    fn is_shift_invariant(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::production::test_support::covers;

    fn third(z: &[f64], b: &[f64], radius: f64, lambda: f64) -> f64 {
        let z = DVector::from_column_slice(z);
        Softmax::new(DVector::from_column_slice(b))
            .third_derivative_bound(&z, &DVector::zeros(z.len()), radius, lambda)
            .unwrap()
    }

    /// `0.5 <p, p> + sum p_i (4e16 - b_i)` by mpmath with 50 digits. At the second point its changes are lost in the loss of 1.5e33.
    #[test]
    fn a_large_target_is_searched_without_the_constant_of_its_loss() {
        let target = DVector::from_column_slice(&[4e16, 3e16, 2e16, 1e16]);
        let whole = Softmax::new(target);
        let loss = whole.without_constant().unwrap();
        let nothing = DVector::zeros(4);
        for (z, value) in [
            ([0.0, -1.0, -2.0, -3.0], 5_073_472_654_142_302.566),
            ([0.0, -40.0, -41.0, -42.0], 0.590_989_753_132_496_3),
        ] {
            let z = DVector::from_column_slice(&z);
            let found = loss.value(&z).unwrap();
            let off = loss.error_bounds(&z, &nothing).unwrap().value;
            assert!(
                (found - value).abs() <= off && off < 1e-13 * value,
                "{found:e} {off:e}"
            );
            // The constant is 0.5 b'b - max b.
            let rest = (whole.value(&z).unwrap() - found) / (1.5e33 - 4e16);
            assert!((rest - 1.0).abs() < 1e-15, "{rest}");
            assert_eq!(loss.gradient(&z), whole.gradient(&z));
            assert_eq!(loss.curvature_floor(), whole.curvature_floor());
        }
        // It has sweeps of its own no more, and no other constant.
        assert!(loss.softmax_target().is_none() && loss.without_constant().is_none());
        // 0.5 b'b eps = 0.5 at b = 2^26.
        let at = |entry: f64| Softmax::new(DVector::from_column_slice(&[entry, 0.0]));
        assert!(at(2f64.powi(26)).without_constant().is_none());
        assert!(at(1.01 * 2f64.powi(26)).without_constant().is_some());
    }

    #[test]
    fn the_local_bound_of_the_third_derivative_is_that_of_the_numerics_document() {
        // "Third derivative near a point", mpmath at 40 digits; the margin of the formula is 1e-6.
        // Residuals of about 0.1 and k = 1 + G / root(lambda) = 1.288:
        let exact = 133.299_472_086_765_83 * (1.0 + 1e-6);
        let found = third(
            &[0.0, 1.0, 2.0],
            &[0.0625, 0.281_25, 0.656_25],
            0.031_25,
            0.015_625,
        );
        covers(found, exact, 1e-11);
        // Residuals of 1/2 at 20 equal logits, r = 10: k = 0.5 / root(lambda) = 0.8333.
        let b: Vec<f64> = (0..20)
            .map(|i| if i % 2 == 0 { 0.55 } else { -0.45 })
            .collect();
        covers(
            third(&[0.0; 20], &b, 0.031_25, 0.36),
            14.747_622_832_458_46 * (1.0 + 1e-6),
            1e-11,
        );
    }

    #[test]
    fn the_global_bound_of_the_third_derivative_is_taken_where_it_is_smaller() {
        // r = min_t ||b - t 1||_1 = 1.5 at the median 1/4: 0.6 * 1.5 / lambda^1.5 = 0.9 / 8.
        covers(
            third(&[0.0, 1.0, 2.0], &[0.5, -1.0, 0.25], 0.25, 4.0),
            0.1125,
            1e-14,
        );
    }

    #[test]
    fn the_distance_of_the_target_is_rounded_up_and_moves_every_constant() {
        let loss = Softmax::new(DVector::from_column_slice(&[0.5, -1.0, 0.25]));
        // 1.5, for a handful of roundings 8 eps more.
        let units = (loss.target_distance().unwrap() / 1.5 - 1.0) / f64::EPSILON;
        assert!((6.0..=10.0).contains(&units), "{units}");
        // lambda + sqrt3/18, Lambda + sqrt3/18, 0.9 (mpmath).
        covers(
            -loss.curvature_floor().unwrap(),
            0.336_633_851_774_305_3,
            1e-14,
        );
        covers(
            loss.curvature_ceiling().unwrap(),
            0.404_342_185_107_638_65,
            1e-14,
        );
        covers(loss.hessian_lipschitz().unwrap(), 0.9, 1e-14);
    }

    #[test]
    fn the_range_of_the_target_is_never_weaker_than_its_distance() {
        let mut rng = crate::instance::sample::stream(1, "target range", 0);
        let mut sharper = 0;
        for index in 0..400 {
            let size = 10f64.powi(index % 40 - 8);
            let b = crate::instance::sample::dyadic_vector(&mut rng, 1 + index as usize % 9, 2);
            let loss = Softmax::new(b * size);
            let distance = (loss.target_distance().unwrap() - 1.0).max(0.0);
            let range = loss.range_beyond_one().unwrap();
            assert!((0.0..=distance).contains(&range), "{range} {distance}");
            sharper += usize::from(range < 0.75 * distance);
        }
        assert!(sharper > 100, "{sharper}");
        // 30 and 10 of 40 rows apart: r = 10 * 8 = 80, the range is 8, and 8 (1 - 1/80) = 7.9.
        let apart = DVector::from_fn(40, |i, _| if i % 4 == 0 { 5.0 } else { -3.0 });
        let loss = Softmax::new(apart);
        covers(loss.range_beyond_one().unwrap(), 7.9, 1e-14);
        // lambda + 7.9 sqrt3/9, Lambda + 7.9 sqrt3/9 (mpmath).
        covers(
            -loss.curvature_floor().unwrap(),
            1.760_764_515_775_382_5,
            1e-14,
        );
        covers(
            loss.curvature_ceiling().unwrap(),
            1.828_472_849_108_715_8,
            1e-14,
        );
    }

    #[test]
    fn a_smooth_loss_has_no_remarks() {
        let loss = Softmax::new(DVector::zeros(2));
        assert!(loss.remarks(&DVector::zeros(2)).is_empty());
    }

    /// With errors far above rounding in p, c and c - s, what each product carries is its own rule (`docs/numerics.md`,
    /// "Running error"): a b is off by e_a |b| + e_b |a| + e_a e_b.
    #[test]
    fn the_error_bounds_are_those_of_their_products() {
        let loss = Softmax::new(DVector::from_column_slice(&[0.5, -1.0, 0.25]));
        let z = DVector::from_column_slice(&[0.5, -0.25, 1.0]);
        let off = DVector::from_column_slice(&[0.015_625, 0.031_25, 0.007_812_5]);
        let parts = loss.bounded_parts(&z, &off).unwrap();
        let bounds = loss.error_bounds(&z, &off).unwrap();
        let product = |a: (f64, f64), b: (f64, f64)| a.1 * b.0.abs() + b.1 * a.0.abs() + a.1 * b.1;
        let pair = |x: &Ball<f64>| (x.midpoint(), x.radius());
        let squares = |x: &[Ball<f64>]| -> f64 { x.iter().map(pair).map(|x| product(x, x)).sum() };
        covers(bounds.value, 0.5 * squares(&parts.residual), 1e-12);
        covers(bounds.hessian.core[(0, 0)], squares(&parts.p), 1e-12);
        assert_eq!(bounds.hessian.core.as_slice()[1..], [0.0; 3]);
        let gradient = loss.gradient(&z).unwrap();
        for i in 0..3 {
            let (p, centred) = (pair(&parts.p[i]), pair(&parts.centred[i]));
            covers(bounds.gradient[i], product(p, centred), 1e-12);
            assert!((gradient[i] / (p.0 * centred.0) - 1.0).abs() < 1e-14);
            let curved = product(p, (p.0 + centred.0, p.1 + centred.1));
            covers(bounds.hessian.diagonal[i], curved, 1e-12);
            assert_eq!(bounds.hessian.basis[(i, 0)], p.1);
            assert_eq!(bounds.hessian.basis[(i, 1)], bounds.hessian.diagonal[i]);
        }
    }

    #[test]
    fn a_softmax_names_itself_and_refuses_what_does_not_fit() {
        let target = DVector::from_column_slice(&[0.5, 0.25]);
        let loss = Softmax::new(target.clone());
        assert_eq!(loss.name(), "softmax");
        assert_eq!(loss.softmax_target(), Some(target.as_slice()));
        assert!(loss.is_shift_invariant());
        assert!(matches!(
            loss.value(&DVector::zeros(3)),
            Err(EvaluationError::Shape {
                found: 3,
                expected: 2,
                ..
            })
        ));
        let broken = Softmax::new(DVector::from_column_slice(&[0.5, f64::NAN]));
        assert!(matches!(
            broken.probabilities(&DVector::zeros(2)),
            Err(EvaluationError::NotFinite {
                part: "target",
                index: 1,
                ..
            })
        ));
    }
}
