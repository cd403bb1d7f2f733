//! Softmax regression on some of its rows, each standing for several.
//!
//! With importance `r_i >= 1` (the inverse of the probability of having been drawn) the rows S stand for all:
//!
//! ```text
//! p_i = exp(z_i) / sum_S r_j exp(z_j)          l = 0.5 sum_S r_i (p_i - b_i)^2
//! ```
//!
//! The ridge is not sampled: its Gram matrix is known, and enters as d more rows R with `R'R = A' W^2 A`. They carry weight 1
//! and no softmax; the sampled rows carry weight 0.

use crate::production::EvaluationError;
use crate::production::kernels::operator::Operator;
use crate::production::logit_loss::refuse_overflow;
use crate::production::newton::by_gram::objective::{
    Curvature, Detail, LineContext, Objective, State,
};
use crate::production::newton::by_gram::softmax::{Parts, least_target, secant, terms};
use crate::production::summation::{dot, norm};

/// The objective; the operator has the m sampled rows and below them the d rows of the ridge.
pub(crate) struct Importance<'a> {
    /// `[A_S; R]`.
    pub operator: &'a Operator,
    /// b on the sampled rows.
    pub target: &'a [f64],
    /// r on the sampled rows.
    pub importance: &'a [f64],
}

/// Softmax along the sampled rows.
struct Probabilities {
    log_sum: f64,
    p: Vec<f64>,
    /// `sum r p (p - b)`.
    agreement: f64,
    /// `sum r p^2`.
    squares: f64,
    /// `0.5 sum r (p - b)^2`.
    loss: f64,
}

impl Importance<'_> {
    fn probabilities(&self, z: impl Iterator<Item = f64> + Clone) -> Probabilities {
        let z = z.take(self.target.len());
        let largest = z.clone().fold(f64::NEG_INFINITY, f64::max);
        let mut p: Vec<f64> = z.map(|z| (z - largest).exp()).collect();
        let total = dot(self.importance, &p);
        let (mut agreement, mut squares, mut loss) = (0.0, 0.0, 0.0);
        for ((p, b), r) in p.iter_mut().zip(self.target).zip(self.importance) {
            *p /= total;
            let residual = *p - b;
            agreement += r * *p * residual;
            squares += r * *p * *p;
            loss += 0.5 * r * residual * residual;
        }
        Probabilities {
            log_sum: largest + total.ln(),
            p,
            agreement,
            squares,
            loss,
        }
    }

    /// `value(i)` on the sampled rows, followed by what the ridge's rows hold.
    fn column(&self, value: impl Fn(usize) -> f64, ridge: impl Iterator<Item = f64>) -> Vec<f64> {
        (0..self.target.len()).map(value).chain(ridge).collect()
    }

    fn no_ridge(&self) -> impl Iterator<Item = f64> {
        std::iter::repeat_n(0.0, self.operator.rows() - self.target.len())
    }

    fn fill(&self, diagonal: &mut [f64], value: impl Fn(usize) -> f64) {
        let (data, ridge) = diagonal.split_at_mut(self.target.len());
        for (i, place) in data.iter_mut().enumerate() {
            *place = value(i);
        }
        ridge.fill(0.0);
    }

    fn probability(&self, z: &[f64], log_sum: f64) -> Vec<f64> {
        z[..self.target.len()]
            .iter()
            .map(|z| (z - log_sum).exp())
            .collect()
    }
}

impl Objective for Importance<'_> {
    fn evaluate(
        &self,
        x: Vec<f64>,
        z: &mut [f64],
        _guess: Option<&State>,
    ) -> Result<State, EvaluationError> {
        self.operator.multiply(&x, z);
        self.evaluate_logits(x, z)
    }

    fn evaluate_logits(&self, x: Vec<f64>, z: &mut [f64]) -> Result<State, EvaluationError> {
        refuse_overflow("logits A x", z)?;
        let Probabilities {
            log_sum,
            p,
            agreement,
            squares,
            loss,
        } = self.probabilities(z.iter().copied());
        let (r, b) = (self.importance, self.target);
        let ridge = &z[b.len()..];
        let data = |i: usize| r[i] * p[i] * (p[i] - b[i] - agreement);
        let product = |column: Vec<f64>| self.operator.transpose_multiply(&column);
        let gradient = product(self.column(data, ridge.iter().copied()));
        let mean = product(self.column(|i| r[i] * p[i], self.no_ridge()));
        let square_mean = product(self.column(|i| r[i] * p[i] * p[i], self.no_ridge()));
        let delta_mean = product(self.column(|i| data(i) + r[i] * p[i] * p[i], self.no_ridge()));
        let loss = loss + 0.5 * dot(ridge, ridge);
        let gradient_norm = norm(&gradient);
        refuse_overflow("loss", &[loss])?;
        refuse_overflow("norm of the gradient", &[gradient_norm])?;
        Ok(State {
            x,
            loss,
            gradient,
            gradient_norm,
            detail: Detail::Softmax {
                log_sum,
                agreement,
                squares,
                mean,
                square_mean,
                delta_mean,
            },
        })
    }

    fn curvature(&self, state: &State, z: &[f64], diagonal: &mut [f64]) -> Curvature {
        let parts = Parts::of(state);
        let p = self.probability(z, parts.log_sum);
        self.fill(diagonal, |i| {
            self.importance[i] * p[i] * ((p[i] - self.target[i]) + (p[i] - parts.agreement))
        });
        Curvature {
            terms: terms(parts.delta_mean, parts.mean, parts.squares),
        }
    }

    fn safe_curvature(&self, state: &State, z: &[f64], diagonal: &mut [f64]) -> Curvature {
        let parts = Parts::of(state);
        let p = self.probability(z, parts.log_sum);
        self.fill(diagonal, |i| self.importance[i] * p[i] * p[i]);
        Curvature {
            terms: terms(parts.square_mean, parts.mean, parts.squares),
        }
    }

    fn along(&self, _state: &State, line: &LineContext<'_>, t: f64) -> Option<(f64, f64)> {
        let z = line.z.iter().zip(line.dz).map(|(z, dz)| z + t * dz);
        let Probabilities {
            p, agreement, loss, ..
        } = self.probabilities(z);
        let slope: f64 = (0..p.len())
            .map(|i| self.importance[i] * p[i] * (p[i] - self.target[i] - agreement) * line.dz[i])
            .sum();
        line.with_ridge(loss, slope, t)
    }

    fn first_model(
        &self,
        state: &State,
        z: &[f64],
        diagonal: &mut [f64],
    ) -> Option<(Curvature, Vec<f64>)> {
        let parts = Parts::of(state);
        let largest = self
            .target
            .iter()
            .fold(0.0, |size: f64, b| size.max(b.abs()));
        let least = least_target(largest)?;
        let p = self.probability(z, parts.log_sum);
        let model: Vec<(f64, f64)> = p
            .iter()
            .zip(self.target)
            .map(|(p, b)| secant(*p, *b, least))
            .collect();
        let data = |i: usize| self.importance[i] * model[i].1;
        let product: f64 = (0..p.len()).map(data).sum();
        let ridge = z[p.len()..].iter().copied();
        let mut right_hand_side = self.operator.transpose_multiply(&self.column(data, ridge));
        for (entry, mean) in right_hand_side.iter_mut().zip(parts.mean) {
            *entry -= mean * product;
        }
        self.fill(diagonal, |i| self.importance[i] * model[i].0.powi(2));
        let total: f64 = diagonal.iter().sum();
        let square_mean = self.operator.transpose_multiply(diagonal);
        Some((
            Curvature {
                terms: terms(&square_mean, parts.mean, total),
            },
            right_hand_side,
        ))
    }

    fn crosses_pole(&self, _from: &[f64], _to: &[f64]) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instance::DesignMatrix;
    use crate::production::kernels::Level;
    use nalgebra::{DMatrix, DVector};
    use std::sync::Arc;

    const M: usize = 7;
    const D: usize = 3;

    fn matrix() -> DMatrix<f64> {
        DMatrix::from_fn(M + D, D, |i, j| ((i * 5 + j * 3) % 7) as f64 / 4.0 - 0.7)
    }

    fn target() -> Vec<f64> {
        (0..M).map(|i| 0.05 + 0.02 * (i % 4) as f64).collect()
    }

    /// Whole numbers, so that a row may also be written down as often as it counts.
    fn importance() -> Vec<f64> {
        (0..M).map(|i| (1 + i % 3) as f64).collect()
    }

    /// The definition with every row repeated as often as it counts, and the rows of the ridge added.
    fn by_repetition(x: &DVector<f64>) -> f64 {
        let z = matrix() * x;
        let mut rows = Vec::new();
        for i in 0..M {
            for _ in 0..importance()[i] as usize {
                rows.push((z[i].exp(), target()[i]));
            }
        }
        let total: f64 = rows.iter().map(|(e, _)| e).sum();
        let data: f64 = rows.iter().map(|(e, b)| (e / total - b).powi(2)).sum();
        0.5 * data + 0.5 * z.rows(M, D).norm_squared()
    }

    fn checked(check: impl Fn(&Importance<'_>, &Operator)) {
        let operator = Operator::new(
            &Arc::new(DesignMatrix::Dense(matrix().into())),
            Level::best(),
        );
        let (target, importance) = (target(), importance());
        let objective = Importance {
            operator: &operator,
            target: &target,
            importance: &importance,
        };
        check(&objective, &operator);
    }

    fn point() -> DVector<f64> {
        DVector::from_column_slice(&[0.4, -0.9, 0.3])
    }

    fn at_point(objective: &Importance<'_>) -> (State, Vec<f64>) {
        let mut z = vec![0.0; M + D];
        let x = point().as_slice().to_vec();
        (objective.evaluate(x, &mut z, None).unwrap(), z)
    }

    fn unit(j: usize) -> DVector<f64> {
        DVector::from_fn(D, |i, _| f64::from(u8::from(i == j)))
    }

    #[test]
    fn value_and_derivatives_are_those_of_repeated_rows() {
        checked(|objective, operator| {
            let (state, z) = at_point(objective);
            assert!((state.loss - by_repetition(&point())).abs() < 1e-14);
            // Central differences: an error of h^2, or of rounding / h.
            let h = 1e-5;
            for j in 0..D {
                let slope = (by_repetition(&(point() + unit(j) * h))
                    - by_repetition(&(point() - unit(j) * h)))
                    / (2.0 * h);
                assert!((state.gradient[j] - slope).abs() < 1e-9, "{j}");
            }
            let mut diagonal = vec![f64::NAN; M + D];
            let curvature = objective.curvature(&state, &z, &mut diagonal);
            let ridge: Vec<f64> = (0..M + D).map(|i| f64::from(u8::from(i >= M))).collect();
            let weights: Vec<f64> = ridge.iter().zip(&diagonal).map(|(w, d)| w + d).collect();
            let mut hessian = operator.gram(&weights);
            curvature.add_to(&mut hessian);
            let gradient = |x: DVector<f64>| {
                let mut z = vec![0.0; M + D];
                let state = objective.evaluate(x.as_slice().to_vec(), &mut z, None);
                DVector::from_vec(state.unwrap().gradient)
            };
            for j in 0..D {
                let column =
                    (gradient(point() + unit(j) * h) - gradient(point() - unit(j) * h)) / (2.0 * h);
                for i in 0..D {
                    assert!((hessian.entry(i, j) - column[i]).abs() < 1e-8, "{i} {j}");
                }
            }
        });
    }

    #[test]
    fn values_and_slopes_along_a_line_are_those_of_its_points() {
        checked(|objective, operator| {
            let (state, z) = at_point(objective);
            let direction = DVector::from_column_slice(&[0.3, 0.5, -0.2]);
            let mut dz = vec![0.0; M + D];
            operator.multiply(direction.as_slice(), &mut dz);
            let (at, along) = (&z[M..], &dz[M..]);
            let line = LineContext {
                z: &z,
                dz: &dz,
                ridge: [0.5 * dot(at, at), dot(at, along), dot(along, along)],
            };
            for t in [0.0, 0.5, 2.0] {
                let (value, slope) = objective.along(&state, &line, t).unwrap();
                let x = point() + &direction * t;
                assert!((value - by_repetition(&x)).abs() < 1e-13, "{t}");
                let mut there = vec![0.0; M + D];
                let end = objective
                    .evaluate(x.as_slice().to_vec(), &mut there, None)
                    .unwrap();
                assert!((slope - dot(&end.gradient, direction.as_slice())).abs() < 1e-13);
            }
        });
    }

    #[test]
    fn models_that_stand_in_are_positive_semidefinite() {
        checked(|objective, operator| {
            let (state, z) = at_point(objective);
            let mut diagonal = vec![0.0; M + D];
            let gauss_newton = objective.safe_curvature(&state, &z, &mut diagonal);
            let mut model = operator.gram(&diagonal);
            gauss_newton.add_to(&mut model);
            let dense = |gram: &crate::production::kernels::operator::Gram| {
                DMatrix::from_fn(D, D, |i, j| gram.entry(i, j))
            };
            // J'J from the definition: column j of J is the derivative of sqrt(r) p along x_j.
            let h = 1e-6;
            let p = |x: DVector<f64>| {
                let e = (matrix() * x).map(f64::exp);
                let total: f64 = (0..M).map(|i| importance()[i] * e[i]).sum();
                DVector::from_fn(M, |i, _| importance()[i].sqrt() * e[i] / total)
            };
            let columns: Vec<DVector<f64>> = (0..D)
                .map(|j| (p(point() + unit(j) * h) - p(point() - unit(j) * h)) / (2.0 * h))
                .collect();
            let jacobian = DMatrix::from_columns(&columns);
            assert!((dense(&model) - jacobian.tr_mul(&jacobian)).amax() < 1e-9);
            let (secant, _) = objective.first_model(&state, &z, &mut diagonal).unwrap();
            let mut model = operator.gram(&diagonal);
            secant.add_to(&mut model);
            let eigenvalues = dense(&model).symmetric_eigenvalues();
            assert!(eigenvalues.min() > -1e-12 * eigenvalues.max());
        });
    }

    /// With a_i the rows, theta_i = (p_i - b_i) / ln(p_i / b_i) and a mean over `r p`, the secant model is
    /// `sum r theta^2 (a - mean)(a - mean)'`, and its right hand side `sum r theta (p - b) (a - mean)` with the ridge's gradient.
    #[test]
    fn the_first_model_counts_every_row_as_often_as_it_stands_for() {
        checked(|objective, operator| {
            let (state, z) = at_point(objective);
            let mut diagonal = vec![0.0; M + D];
            let (curvature, right_hand_side) =
                objective.first_model(&state, &z, &mut diagonal).unwrap();
            let mut model = operator.gram(&diagonal);
            curvature.add_to(&mut model);
            let (a, r, b) = (matrix(), importance(), target());
            let e = (&a * point()).map(f64::exp);
            let total: f64 = (0..M).map(|i| r[i] * e[i]).sum();
            let row = |i: usize| a.row(i).transpose();
            let mean: DVector<f64> = (0..M).map(|i| row(i) * (r[i] * e[i] / total)).sum();
            let (mut expected, mut right) = (DMatrix::zeros(D, D), DVector::zeros(D));
            for i in 0..M {
                let p = e[i] / total;
                let theta = (p - b[i]) / (p / b[i]).ln();
                let centred = row(i) - &mean;
                expected += &centred * centred.transpose() * (r[i] * theta * theta);
                right += centred * (r[i] * theta * (p - b[i]));
            }
            let ridge = a.rows(M, D);
            right += ridge.tr_mul(&(ridge * point()));
            for i in 0..D {
                assert!((right_hand_side[i] - right[i]).abs() < 1e-13, "{i}");
                for j in 0..D {
                    assert!(
                        (model.entry(i, j) - expected[(i, j)]).abs() < 1e-13,
                        "{i} {j}"
                    );
                }
            }
        });
    }
}
