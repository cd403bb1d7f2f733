//! Descent from far up an exponential slope, for losses that are sums of functions of one logit each.
//!
//! With `l(z) + 0.5 || w o z ||^2 = sum_i r_i(z_i)`, `v_i = r_i'(z_i)`, `D_i = r_i''(z_i)`: where `r_i` grows like
//! `exp(2 z)`, Newton's step is `v_i / D_i = 1/2`, however far away the minimum is, and rows with `z_i = 150` and
//! `z_j = 0` have curvatures `1e130` apart, so that a Hessian in f64 holds nothing but the heaviest rows. Two things help:
//!
//! ```text
//! chord    c_i = v_i / (z_i - m_i),  r_i'(m_i) = 0 on the way down
//!          the parabola with the slope v_i at z_i and its minimum at m_i, where r_i has a stationary point
//! rows     s = argmin sum_i c_i (q_i' s)^2 / 2 + v_i q_i' s = argmin || C^(1/2) Q s + C^(-1/2) v ||
//!          by Householder QR with pivoted rows and columns, which is stable row by row (Cox and Higham 1998)
//! ray      s = -(1 - 1 / max |z|) Q' z
//!          all logits shrink alike until the largest is 1
//! ```
//!
//! As all `c_i >= 0`, the chord step descends. Where d heavy rows are independent it takes them all to their stationary
//! points at once, and with that x to the neighbourhood of the origin. Where heavy rows are nearly dependent it may be far
//! too long; the ray never is.

use nalgebra::{DMatrix, DVector};

use crate::production::{EvaluationError, Problem};

/// A row is on a slope where its own minimum is this many of its own Newton steps away: 10 logits for `exp(2 z)`.
const SLOPE_STEPS: f64 = 20.0;
/// Shortest Newton step of a row on a slope, in logits: for `exp(2 z)` it is 1/2, near a minimum it goes to 0.
const SLOPE_NEWTON: f64 = 0.25;
/// Halvings of an interval in the search for a stationary point of a row: they exhaust f64 for any logit that does not
/// overflow, up to the distance of [`SLOPE_STEPS`].
const BISECTIONS: usize = 60;
/// Least root of a curvature relative to the largest: its square is still a normal number.
const LEAST_ROOT: f64 = 1e-140;
/// What is left of a row after eliminations is rounding below this multiple of the row.
const USED_UP: f64 = 1e-13;

/// Slopes and curvatures of the rows of a loss that is a sum over logits.
pub(crate) struct Rows {
    /// `v`, the derivative of each row.
    slope: DVector<f64>,
    /// `D`, the second derivative of each row.
    curvature: DVector<f64>,
}

impl Rows {
    /// The rows at the logits `z`, where the derivative is `slope`; `None` where the Hessian of the loss is not diagonal.
    pub fn at(
        problem: &Problem,
        z: &DVector<f64>,
        slope: &DVector<f64>,
    ) -> Result<Option<Self>, EvaluationError> {
        let hessian = problem.loss().hessian(z)?;
        Ok((hessian.core.nrows() == 0).then(|| Self {
            slope: slope.clone(),
            curvature: hessian.diagonal + problem.squared_weights(),
        }))
    }

    /// The chords, if the heaviest row is far up an exponential slope.
    pub fn chords(&self, problem: &Problem, z: &DVector<f64>) -> Option<DVector<f64>> {
        let heaviest = self.curvature.iamax();
        let newton = self.slope[heaviest].abs() / self.curvature[heaviest];
        let enough = SLOPE_STEPS * newton;
        // A minimum is looked for no farther than on the other side of the origin.
        let farthest = z[heaviest].abs();
        let steep = newton >= SLOPE_NEWTON && 2.0 * farthest >= enough;
        if !steep {
            return None;
        }
        let minima = self.stationary(problem, z, farthest)?;
        if (z[heaviest] - minima[heaviest]).abs() < enough {
            return None;
        }
        Some(DVector::from_fn(z.len(), |i, _| {
            let distance = (z[i] - minima[i]).abs();
            if distance > 0.0 {
                self.slope[i].abs() / distance
            } else {
                self.curvature[i].abs()
            }
        }))
    }

    /// For each row a point downhill of `z_i` where its derivative changes sign, or where the search ends: at
    /// `-+ farthest`. `None` where a derivative overflows on the way.
    fn stationary(
        &self,
        problem: &Problem,
        z: &DVector<f64>,
        farthest: f64,
    ) -> Option<DVector<f64>> {
        let mut uphill = z.clone();
        let mut downhill = DVector::from_fn(z.len(), |i, _| {
            if self.slope[i] > 0.0 {
                z[i].min(-farthest)
            } else if self.slope[i] < 0.0 {
                z[i].max(farthest)
            } else {
                z[i]
            }
        });
        for _ in 0..BISECTIONS {
            let middle = (&uphill + &downhill) * 0.5;
            let slope = problem.gradient_in_logits(&middle).ok()?;
            for i in 0..z.len() {
                if slope[i] * self.slope[i].signum() > 0.0 {
                    uphill[i] = middle[i];
                } else {
                    downhill[i] = middle[i];
                }
            }
        }
        Some(downhill)
    }

    /// The step of the model with the curvatures `chords`.
    pub fn chord_step(&self, q: &DMatrix<f64>, chords: &DVector<f64>) -> Option<DVector<f64>> {
        row_scaled_step(q, chords, &self.slope)
    }

    /// Newton's step, with `|D_i|` where a row is not convex.
    pub fn newton_step(&self, q: &DMatrix<f64>) -> Option<DVector<f64>> {
        row_scaled_step(q, &self.curvature.abs(), &self.slope)
    }

    /// The step that shrinks all logits until the largest is 1.
    pub fn ray_step(q: &DMatrix<f64>, z: &DVector<f64>) -> DVector<f64> {
        q.tr_mul(z) * -(1.0 - 1.0 / z.amax())
    }

    /// `-<v, Q s>`: how steeply the loss falls along a step, in multiples of `unit`.
    pub fn descent(&self, q: &DMatrix<f64>, step: &DVector<f64>, unit: f64) -> f64 {
        -(q * step).dot(&(&self.slope / unit))
    }
}

/// `argmin_s sum_i c_i (q_i' s)^2 / 2 + v_i q_i' s` for `c >= 0`, accurate for every row however far apart the `c_i` are.
/// Directions that no row determines are left out. `None` where a number overflows.
fn row_scaled_step(
    q: &DMatrix<f64>,
    curvature: &DVector<f64>,
    slope: &DVector<f64>,
) -> Option<DVector<f64>> {
    let largest = curvature.max();
    let usable = largest.is_finite() && largest > 0.0;
    if !usable {
        return None;
    }
    let root = curvature.map(|c| (c / largest).sqrt().max(LEAST_ROOT));
    let scaled = DMatrix::from_fn(q.nrows(), q.ncols(), |i, j| root[i] * q[(i, j)]);
    let right = DVector::from_fn(q.nrows(), |i, _| -(slope[i] / root[i]) / largest);
    let step = graded_least_squares(scaled, right);
    step.iter().all(|entry| entry.is_finite()).then_some(step)
}

/// `argmin || M s - right ||` by Householder reflections, the largest entry that is left as the pivot of each. A row whose
/// rest is rounding against the row itself has had its say: it is dropped, before its rounding outweighs lighter rows.
/// Unknowns without a pivot are 0.
fn graded_least_squares(mut m: DMatrix<f64>, mut right: DVector<f64>) -> DVector<f64> {
    let (n, d) = m.shape();
    let mut size: Vec<f64> = m.row_iter().map(|row| row.amax()).collect();
    let mut unknown: Vec<usize> = (0..d).collect();
    let mut rank = 0;
    for k in 0..d.min(n) {
        for i in k..n {
            let mut rest = m.view_mut((i, k), (1, d - k));
            if rest.amax() <= USED_UP * size[i] {
                rest.fill(0.0);
                right[i] = 0.0;
            }
        }
        let (row, column) = m.view((k, k), (n - k, d - k)).icamax_full();
        m.swap_rows(k, k + row);
        right.swap_rows(k, k + row);
        size.swap(k, k + row);
        m.swap_columns(k, k + column);
        unknown.swap(k, k + column);
        let pivot = m[(k, k)];
        if pivot == 0.0 {
            break;
        }
        rank = k + 1;
        let mut normal = m.view((k, k), (n - k, 1)).clone_owned();
        let length = normal.norm().copysign(pivot);
        normal[0] += length;
        let factor = 2.0 / normal.norm_squared();
        let reflect = |column: &DVector<f64>| column - &normal * (factor * normal.dot(column));
        for j in k + 1..d {
            let image = reflect(&m.view((k, j), (n - k, 1)).column(0).clone_owned());
            m.view_mut((k, j), (n - k, 1)).copy_from(&image);
        }
        let image = reflect(&right.rows(k, n - k).clone_owned());
        right.rows_mut(k, n - k).copy_from(&image);
        m[(k, k)] = -length;
    }
    let mut step = DVector::zeros(d);
    for k in (0..rank).rev() {
        let known: f64 = (k + 1..rank).map(|j| m[(k, j)] * step[unknown[j]]).sum();
        step[unknown[k]] = (right[k] - known) / m[(k, k)];
    }
    step
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instance::{DesignMatrix, Instance, LossKind};
    use crate::production::newton::by_gram::test_loss::ByRow;

    #[test]
    fn light_rows_count_beside_heavy_ones() {
        // Two orthonormal rows: each image is -v / c, whatever the other.
        let half = 0.5f64.sqrt();
        let q = DMatrix::from_row_slice(2, 2, &[half, half, half, -half]);
        let curvature = DVector::from_column_slice(&[1.0, 1e250]);
        let slope = DVector::from_column_slice(&[-3.0, 0.5e250]);
        let step = row_scaled_step(&q, &curvature, &slope).unwrap();
        let images = q * step;
        assert!((images[0] - 3.0).abs() < 1e-14, "{images}");
        assert!((images[1] + 0.5).abs() < 1e-14, "{images}");
    }

    #[test]
    fn the_rounding_of_a_heavy_row_does_not_outweigh_a_light_one() {
        // The first two rows are parallel but for rounding and ask for (-0.5 - 1.5) / 2; the third one alone sees the rest.
        let noise = f64::EPSILON / 4.0;
        let q = DMatrix::from_row_slice(3, 2, &[0.5, 0.0, 0.5, noise, 0.0, 1.0]);
        let curvature = DVector::from_column_slice(&[1e200, 1e200, 2.0]);
        let slope = DVector::from_column_slice(&[0.5e200, 1.5e200, 8.0]);
        let step = row_scaled_step(&q, &curvature, &slope).unwrap();
        assert!((step[0] + 2.0).abs() < 1e-14, "{step}");
        assert!((step[1] + 4.0).abs() < 1e-14, "{step}");
    }

    #[test]
    fn a_direction_without_rows_is_left_alone() {
        let q = DMatrix::from_row_slice(2, 2, &[1.0, 0.0, 1.0, 0.0]);
        let ones = DVector::repeat(2, 1.0);
        let step = row_scaled_step(&q, &ones, &ones).unwrap();
        assert!((step[0] + 1.0).abs() < 1e-15 && step[1] == 0.0, "{step}");
        assert!(row_scaled_step(&q, &DVector::zeros(2), &ones).is_none());
    }

    fn chords(kind: LossKind, target: &[f64], z: &[f64]) -> Option<DVector<f64>> {
        let n = z.len();
        let matrix = DesignMatrix::dense(DMatrix::identity(n, n)).unwrap();
        let target = DVector::from_column_slice(target);
        let instance = Instance::new(kind, matrix, target, DVector::zeros(n)).unwrap();
        let problem = Problem::from_instance(&instance).unwrap();
        let z = DVector::from_column_slice(z);
        let slope = problem.gradient_in_logits(&z).unwrap();
        let rows = Rows::at(&problem, &z, &slope).unwrap()?;
        rows.chords(&problem, &z)
    }

    #[test]
    fn a_chord_leads_to_the_stationary_point_of_its_row() {
        // 0.5 (e^z - b)^2 is stationary at ln b, with the slope e^z (e^z - b).
        let z = [100.0_f64, -2.0];
        let b = [2.0_f64, 3.0];
        let found = chords(LossKind::Exp, &b, &z).unwrap();
        for i in 0..2 {
            let slope = z[i].exp() * (z[i].exp() - b[i]);
            let expected = slope / (z[i] - b[i].ln());
            assert!((found[i] / expected - 1.0).abs() < 1e-13, "{i}: {found}");
        }
    }

    #[test]
    fn near_a_minimum_and_for_other_losses_there_is_no_slope() {
        assert!(chords(LossKind::Exp, &[2.0, 3.0], &[5.0, -2.0]).is_none());
        // A heavy row at its own minimum.
        assert!(chords(LossKind::Sinh, &[1e40, 0.0], &[1e40_f64.asinh(), 20.0]).is_none());
        assert!(chords(LossKind::Softmax, &[0.5, 0.5], &[300.0, -300.0]).is_none());
    }

    #[test]
    fn the_other_steps_down_a_slope_are_those_of_their_formulas() {
        let rows = Rows {
            slope: DVector::from_column_slice(&[3.0, -5.0]),
            curvature: DVector::from_column_slice(&[-2.0, 4.0]),
        };
        let q = DMatrix::identity(2, 2);
        let close = |found: &DVector<f64>, expected: [f64; 2]| {
            (found - DVector::from_column_slice(&expected)).amax() < 1e-14
        };
        // -v / |D|, and -v / c.
        assert!(close(&rows.newton_step(&q).unwrap(), [-1.5, 1.25]));
        let chords = DVector::from_column_slice(&[6.0, 0.5]);
        assert!(close(&rows.chord_step(&q, &chords).unwrap(), [-0.5, 10.0]));
        // All logits to a quarter: the largest becomes 1.
        let z = DVector::from_column_slice(&[4.0, -2.0]);
        assert!(close(&Rows::ray_step(&q, &z), [-3.0, 1.5]));
        // -(3 * 1 - 5 * 2) / 2.
        let step = DVector::from_column_slice(&[1.0, 2.0]);
        assert_eq!(rows.descent(&q, &step, 2.0), 3.5);
    }

    /// Two rows at z and 1, the first with slope 1 above `turn` and 0 from there on, curvature 2 + w^2; the second stationary
    /// wherever it is, with the curvature -1 + w^2.
    fn turning(z: f64, turn: f64, weight: f64) -> Option<DVector<f64>> {
        let problem = ByRow::new(2, move |i, z| match i {
            0 => [0.0, if z > turn { 1.0 } else { 0.0 }, 2.0],
            _ => [0.0, 0.0, -1.0],
        })
        .over(DMatrix::identity(2, 2), &[0.0, weight]);
        let z = DVector::from_column_slice(&[z, 0.0]);
        let slope = problem.gradient_in_logits(&z).unwrap();
        Rows::at(&problem, &z, &slope)
            .unwrap()
            .unwrap()
            .chords(&problem, &z)
    }

    /// The Newton step of the first row is 1/2: it is on a slope where its minimum is 10 away, and the logit at least 5, half of
    /// that. A row without a slope keeps the size of its curvature.
    #[test]
    fn a_row_is_on_a_slope_from_twenty_newton_steps_on() {
        for (z, turn, chord) in [
            (9.0, -1.1, Some(10.1)),
            (9.0, -0.9, None),
            (5.05, -4.96, Some(10.01)),
            (4.95, -4.96, None),
        ] {
            let found = turning(z, turn, 0.5);
            let Some(distance) = chord else {
                assert_eq!(found, None, "{z}, {turn}");
                continue;
            };
            let found = found.unwrap();
            assert!((found[0] * distance - 1.0).abs() < 1e-12, "{found}");
            assert_eq!(found[1], 0.75);
        }
    }

    #[test]
    fn curvatures_that_overflow_give_no_step() {
        let q = DMatrix::identity(2, 2);
        let slope = DVector::repeat(2, 1.0);
        for heavy in [f64::INFINITY, f64::NAN] {
            let curvature = DVector::from_column_slice(&[heavy, heavy]);
            assert_eq!(row_scaled_step(&q, &curvature, &slope), None);
        }
        let curvature = DVector::from_column_slice(&[f64::INFINITY, 1.0]);
        assert_eq!(row_scaled_step(&q, &curvature, &slope), None);
    }
}
