//! The search for the hardest Newton step of a strictly convex loss: two rows of opposite sign and one column, so that everything
//! is a function of one variable.

use nalgebra::{DMatrix, DVector};

use crate::claims::tools::attack::{Effort, cold_start, maximise};
use crate::claims::tools::forms::{self, GradientForm, HessianForm};
use crate::claims::{Case, CheckError, Origin};
use crate::instance::sample::{self, Stream};
use crate::instance::{DesignMatrix, Instance, LossKind};

/// Three unknowns, each value a bisection: a quarter of the usual effort finds the same maximum.
const SEARCH: Effort = Effort {
    evaluations: 300,
    ..Effort::USUAL
};

/// Both weights, just above 1, where the loss is strictly convex whatever the target.
const WEIGHT: f64 = 1.0 + 1.0 / 1024.0;

/// A problem with the rows `scale` and `-scale`, and the distance of the point from its minimiser.
struct TwoRows {
    rows: DVector<f64>,
    target: DVector<f64>,
    distance: f64,
}

impl TwoRows {
    /// Of three free numbers: the target's share, the scale, the distance.
    fn of(point: &[f64]) -> Self {
        // ||b||_1 = 1, exactly.
        let share = (point[0].sin().abs() * 1_048_576.0).round() / 1_048_576.0;
        let scale = 1.0 + point[1].abs().min(8.0);
        Self {
            rows: DVector::from_vec(vec![scale, -scale]),
            target: DVector::from_vec(vec![share.copysign(point[0].sin()), share - 1.0]),
            // At least 2^-10, so that bisection's 1e-16 does not drown the second order.
            distance: (point[2].abs().min(4.0) + 1.0 / 1024.0).copysign(point[2]),
        }
    }

    /// `L'(x)` and `L''(x)`.
    fn derivatives(&self, x: f64) -> (f64, f64) {
        let square = WEIGHT * WEIGHT;
        let z = &self.rows * x;
        let p = forms::softmax(&z);
        let slope = forms::gradient(GradientForm::Corrected, &p, &self.target) + &z * square;
        let curvature = forms::hessian(HessianForm::Corrected, &p, &self.target)
            + DMatrix::identity(2, 2) * square;
        (
            self.rows.dot(&slope),
            (curvature * &self.rows).dot(&self.rows),
        )
    }

    /// Where the derivative, which increases, changes sign: within `|z| <= 2`, since `|grad l| <= 2` and `w^2 > 1`.
    fn minimiser(&self) -> f64 {
        let (mut low, mut high) = (-2.0, 2.0);
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            if self.derivatives(middle).0 > 0.0 {
                high = middle;
            } else {
                low = middle;
            }
        }
        0.5 * (low + high)
    }

    /// The constant C that the step needs: `r_{t+1} = C ||a||^3 / (2 L''(x)) r_t^2`.
    fn constant(&self) -> f64 {
        let minimiser = self.minimiser();
        let x = minimiser + self.distance;
        let (slope, curvature) = self.derivatives(x);
        let after = (x - slope / curvature - minimiser).abs();
        after / (x - minimiser).powi(2) * 2.0 * curvature / self.rows.norm().powi(3)
    }
}

/// Searches for the largest `r_{t+1} / r_t^2`; free are the scale of the rows, the target with `||b||_1 = 1`, and the distance
/// from the minimiser.
pub(super) fn quadratic(rng: &mut Stream) -> Result<Case, CheckError> {
    let start = cold_start(rng, 3, 2);
    let (best, _) = maximise(&|point| TwoRows::of(point).constant(), start, SEARCH);
    let found = TwoRows::of(&best);
    let x = found.minimiser() + found.distance;
    let instance = Instance::new(
        LossKind::Softmax,
        DesignMatrix::dense(DMatrix::from_column_slice(2, 1, found.rows.as_slice()))?,
        found.target,
        DVector::from_element(2, WEIGHT),
    )?
    .with_points(vec![DVector::from_element(1, x)])?;
    let seed = sample::integer(rng, 0, i64::MAX) as u64;
    Ok(Case::new(Origin::Attack(0), instance, seed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_numbers_give_a_target_of_norm_one_a_scale_and_a_distance() {
        for (point, b, scale, distance) in [
            // 2^20 sin(1/2) = 502714.1.
            (
                [0.5, 1.0, 0.25],
                [502_714.0, -545_862.0],
                2.0,
                0.25 + 1.0 / 1024.0,
            ),
            (
                [-0.5, -1.0, -0.25],
                [-502_714.0, -545_862.0],
                2.0,
                -0.25 - 1.0 / 1024.0,
            ),
            (
                [0.0, 9.0, 5.0],
                [0.0, -1_048_576.0],
                9.0,
                4.0 + 1.0 / 1024.0,
            ),
        ] {
            let made = TwoRows::of(&point);
            assert_eq!(made.rows.as_slice(), [scale, -scale]);
            assert_eq!(made.target.as_slice(), b.map(|part| part / 1_048_576.0));
            assert_eq!(made.distance, distance);
        }
    }

    /// With z = (t, -t), p = s(2t) and b = (1/4, -3/4): l = ((p - 1/4)^2 + (7/4 - p)^2) / 2, so that l' = (2p - 2) p' and
    /// l'' = 2 p'^2 + (2p - 2) p'', where p' = 2 p (1-p) and p'' = 2 (1-2p) p'.
    fn by_hand(x: f64) -> (f64, f64) {
        let p = 1.0 / (1.0 + (-4.0 * x).exp());
        let first = 2.0 * p * (1.0 - p);
        let second = 2.0 * (1.0 - 2.0 * p) * first;
        let ridge = 8.0 * (1025.0f64 / 1024.0).powi(2);
        (
            2.0 * (2.0 * p - 2.0) * first + ridge * x,
            4.0 * (2.0 * first * first + (2.0 * p - 2.0) * second) + ridge,
        )
    }

    #[test]
    fn derivatives_minimiser_and_constant_are_those_of_one_variable() {
        let problem = |distance: f64| TwoRows {
            rows: DVector::from_vec(vec![2.0, -2.0]),
            target: DVector::from_vec(vec![0.25, -0.75]),
            distance,
        };
        for x in [-1.0, 0.0, 0.25 * 2f64.ln(), 1.5] {
            let (slope, curvature) = problem(0.0).derivatives(x);
            let (by_hand_slope, by_hand_curvature) = by_hand(x);
            assert!((slope - by_hand_slope).abs() < 1e-13, "{x}: {slope}");
            assert!(
                (curvature - by_hand_curvature).abs() < 1e-13,
                "{x}: {curvature}"
            );
        }
        let minimiser = problem(0.0).minimiser();
        assert!(by_hand(minimiser).0.abs() < 1e-14);
        for distance in [0.5, -0.25] {
            let (slope, curvature) = by_hand(minimiser + distance);
            let after = (distance - slope / curvature).abs();
            // ||a||^3 = 8^1.5.
            let constant = after / (distance * distance) * 2.0 * curvature / 8f64.powf(1.5);
            let found = problem(distance).constant();
            assert!((found / constant - 1.0).abs() < 1e-11, "{found} {constant}");
        }
    }
}
