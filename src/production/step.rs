//! Steps of Newton's method from a model `<g, s> + 0.5 s' H s` in logit coordinates (d x d).

use nalgebra::linalg::SymmetricEigen;
use nalgebra::{DMatrix, DVector};

/// A Cholesky pivot below this multiple of `d eps` times the largest one counts as zero.
pub(crate) const PIVOT_TOLERANCE: f64 = 8.0;
/// Bisection steps for the length of a cubic step: enough to exhaust f64.
const BISECTIONS: usize = 200;

/// A proposed step.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// The step in logit coordinates.
    pub direction: DVector<f64>,
    /// The multiple of I that was added to H; 0 for a pure Newton step.
    pub shift: f64,
    /// How far the model falls along the whole step, `> 0`.
    pub predicted_decrease: f64,
}

/// `-H^-1 g` when H is positive definite beyond rounding.
pub(crate) fn newton_step(h: &DMatrix<f64>, g: &DVector<f64>) -> Option<Step> {
    let cholesky = h.clone().cholesky()?;
    let pivots = cholesky.l_dirty().diagonal();
    let limit = (PIVOT_TOLERANCE * h.nrows() as f64 * f64::EPSILON).sqrt() * pivots.max();
    if pivots.min() <= limit {
        return None;
    }
    let direction = -cholesky.solve(g);
    let predicted_decrease = -0.5 * g.dot(&direction);
    (predicted_decrease > 0.0 && predicted_decrease.is_finite()).then_some(Step {
        direction,
        shift: 0.0,
        predicted_decrease,
    })
}

/// Eigenvalues and eigenvectors of a symmetric matrix, or `None` if it is not finite or does not converge.
pub(crate) fn eigen(h: &DMatrix<f64>) -> Option<SymmetricEigen<f64, nalgebra::Dyn>> {
    const ITERATIONS: usize = 100_000;
    if h.iter().any(|entry| !entry.is_finite()) {
        return None;
    }
    SymmetricEigen::try_new(h.clone(), f64::EPSILON, ITERATIONS)
}

/// The minimiser of `<g, s> + 0.5 s' H s + (m/6) ||s||^3` (Nesterov and Polyak's cubic step), for any symmetric H.
///
/// It solves `(H + shift I) s = -g` with `shift = m ||s|| / 2 >= -lambda_min(H)`; where g has no part along the lowest
/// eigenvector (a saddle), a multiple of that eigenvector makes up the length. If m bounds the Lipschitz constant of the
/// Hessian, the loss falls by at least the model.
pub(crate) fn cubic_step(
    eigen: &SymmetricEigen<f64, nalgebra::Dyn>,
    g: &DVector<f64>,
    m: f64,
) -> Option<Step> {
    let values = &eigen.eigenvalues;
    let rotated = eigen.eigenvectors.tr_mul(g);
    let lowest = values.imin();
    let floor = (-values[lowest]).max(0.0);
    let solve = |shift: f64| {
        DVector::from_fn(values.len(), |i, _| {
            let stiffness = values[i] + shift;
            if rotated[i] == 0.0 {
                0.0
            } else {
                -rotated[i] / stiffness
            }
        })
    };
    let wanted = |shift: f64| 2.0 * shift / m;
    // ||s(shift)|| falls and 2 shift / m rises: bracket the crossing above the floor.
    // At `floor + t` the length is at most ||g|| / t, and 2 t / m is wanted at least: t = root(m ||g||) is beyond it.
    let mut low = floor;
    let mut high = (2.0 * floor).max(1e-300) + (m * g.norm()).sqrt();
    for _ in 0..BISECTIONS {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        let length = solve(middle).norm();
        if length.is_nan() || length > wanted(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    let shift = high;
    let mut step = solve(shift);
    let missing = wanted(shift).powi(2) - step.norm_squared();
    if values[lowest] < 0.0 && missing > 0.0 {
        // Along the lowest eigenvector, downhill; at an exact saddle both ways are, and plus is taken.
        let along = step[lowest];
        let extra = (along * along + missing).sqrt();
        step[lowest] = if along < 0.0 { -extra } else { extra };
    }
    let linear = rotated.dot(&step);
    let quadratic: f64 = (0..values.len())
        .map(|i| values[i] * step[i] * step[i])
        .sum();
    let predicted_decrease = -(linear + 0.5 * quadratic + m / 6.0 * step.norm().powi(3));
    let direction = &eigen.eigenvectors * step;
    let usable = predicted_decrease > 0.0
        && predicted_decrease.is_finite()
        && direction.iter().all(|entry| entry.is_finite());
    usable.then_some(Step {
        direction,
        shift,
        predicted_decrease,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newton_step_of_a_quadratic_is_its_minimiser_and_an_indefinite_matrix_has_none() {
        let h = DMatrix::from_row_slice(2, 2, &[2.0, 0.0, 0.0, 4.0]);
        let g = DVector::from_column_slice(&[2.0, -8.0]);
        let step = newton_step(&h, &g).unwrap();
        assert!((step.direction - DVector::from_column_slice(&[-1.0, 2.0])).amax() < 1e-15);
        // 0.5 (2^2 / 2 + 8^2 / 4) = 9.
        assert!((step.predicted_decrease - 9.0).abs() < 1e-14);
        assert!(newton_step(&DMatrix::from_row_slice(1, 1, &[-1.0]), &DVector::zeros(1)).is_none());
        assert!(newton_step(&DMatrix::zeros(1, 1), &DVector::zeros(1)).is_none());
    }

    #[test]
    fn the_cubic_step_solves_its_equation() {
        // One dimension, H = 1, g = -2, m = 2: s + s^2 = 2, so s = 1 and the shift m s / 2 = 1.
        let h = eigen(&DMatrix::from_element(1, 1, 1.0)).unwrap();
        let step = cubic_step(&h, &DVector::from_element(1, -2.0), 2.0).unwrap();
        assert!((step.direction[0] - 1.0).abs() < 1e-12 && (step.shift - 1.0).abs() < 1e-12);
        // Model: -2 + 0.5 + 2/6 = -7/6.
        assert!((step.predicted_decrease - 7.0 / 6.0).abs() < 1e-12);
    }

    #[test]
    fn at_a_saddle_with_no_gradient_the_cubic_step_follows_the_negative_curvature() {
        // H = diag(1, -1), g = 0, m = 1: shift 1, length 2 along the second axis; -2 + 8/6 = -2/3.
        let h = eigen(&DMatrix::from_row_slice(2, 2, &[1.0, 0.0, 0.0, -1.0])).unwrap();
        let step = cubic_step(&h, &DVector::zeros(2), 1.0).unwrap();
        assert!(step.direction[0].abs() < 1e-12 && (step.direction[1].abs() - 2.0).abs() < 1e-12);
        assert!((step.predicted_decrease - 2.0 / 3.0).abs() < 1e-12);
        // Of both ways the one along the eigenvector.
        let lowest = h.eigenvectors.column(h.eigenvalues.imin());
        assert!((lowest.dot(&step.direction) - 2.0).abs() < 1e-12);
    }

    #[test]
    fn a_matrix_that_is_not_finite_has_no_eigenvalues() {
        assert!(eigen(&DMatrix::from_element(2, 2, f64::NAN)).is_none());
    }

    #[test]
    fn where_the_gradient_is_zero_a_bowl_has_no_step() {
        let h = DMatrix::identity(2, 2);
        let g = DVector::zeros(2);
        assert!(newton_step(&h, &g).is_none());
        assert!(cubic_step(&eigen(&h).unwrap(), &g, 1.0).is_none());
    }

    /// The limit for the ratio of pivots is sqrt(8 * 2 eps) = 6.0e-8.
    #[test]
    fn a_pivot_at_rounding_level_is_no_pivot() {
        let g = DVector::from_element(2, 1.0);
        for (pivot, definite) in [(1e-7, true), (4e-8, false)] {
            let h = DMatrix::from_diagonal(&DVector::from_column_slice(&[1.0, pivot * pivot]));
            assert_eq!(newton_step(&h, &g).is_some(), definite, "{pivot}");
        }
    }

    /// `(H + shift I) s = -g`, `shift = m ||s|| / 2`, `H + shift I >= 0`, and the decrease is that of the model.
    #[test]
    fn the_cubic_step_of_an_indefinite_matrix_meets_its_conditions() {
        let h = DMatrix::from_row_slice(2, 2, &[1.0, 2.0, 2.0, -1.5]);
        for (g, m) in [([1.0, -0.5], 3.0), ([-0.2, 0.7], 0.4), ([4.0, 9.0], 20.0)] {
            let g = DVector::from_column_slice(&g);
            let step = cubic_step(&eigen(&h).unwrap(), &g, m).unwrap();
            let s = &step.direction;
            assert!((&h * s + s * step.shift + &g).amax() < 1e-12 * g.amax());
            assert!((step.shift - 0.5 * m * s.norm()).abs() < 1e-12 * step.shift);
            assert!(step.shift > -h.clone().symmetric_eigenvalues().min());
            let model = g.dot(s) + 0.5 * s.dot(&(&h * s)) + m / 6.0 * s.norm().powi(3);
            assert!((step.predicted_decrease + model).abs() < 1e-12 * model.abs());
        }
    }

    /// H = diag(1, -1), m = 1: with no gradient along the second axis the first entry is -g / (1 + 1) and the second makes
    /// up the length 2; a gradient of 1e-12 along it says which way.
    #[test]
    fn a_step_that_is_too_short_is_made_up_along_the_lowest_eigenvector_downhill() {
        let h = eigen(&DMatrix::from_row_slice(2, 2, &[1.0, 0.0, 0.0, -1.0])).unwrap();
        for tilt in [0.0, 1e-12, -1e-12] {
            let step = cubic_step(&h, &DVector::from_column_slice(&[2.0, tilt]), 1.0).unwrap();
            assert!((step.direction[0] + 1.0).abs() < 1e-9);
            assert!((step.direction[1].abs() - 3f64.sqrt()).abs() < 1e-9);
            assert!(step.direction[1] * tilt <= 0.0);
            assert!((step.shift - 1.0).abs() < 1e-9);
        }
    }

    /// H = 0, g = 100, m = 100: the length is root(2 g / m) and the shift m / 2 times that.
    #[test]
    fn without_curvature_the_length_follows_from_the_gradient_alone() {
        let h = eigen(&DMatrix::zeros(1, 1)).unwrap();
        let step = cubic_step(&h, &DVector::from_element(1, -100.0), 100.0).unwrap();
        assert!((step.direction[0] - 2f64.sqrt()).abs() < 1e-12);
        assert!((step.shift - 50.0 * 2f64.sqrt()).abs() < 1e-9);
    }

    /// Nothing pulls along the second axis, where H is 0 or positive: what the bisection leaves of the length belongs to the first.
    #[test]
    fn a_lowest_eigenvector_without_negative_curvature_is_not_followed() {
        for lowest in [0.0, 0.5] {
            let h = eigen(&DMatrix::from_row_slice(2, 2, &[1.0, 0.0, 0.0, lowest])).unwrap();
            for k in 1..20 {
                let g = DVector::from_column_slice(&[0.3 * f64::from(k), 0.0]);
                let step = cubic_step(&h, &g, 0.7).unwrap();
                assert_eq!(step.direction[1], 0.0, "{k}");
            }
        }
    }
}
