//! Softmax regression by fused sweeps: one reading of A gives the logits, the gradient and the low-rank part of the
//! Hessian.
//!
//! `p = exp(z - m) / sum` is not known before the sweep ends, so it works with `q = exp(z - m')` for a guess m' of
//! `m = ln sum exp(z)` and corrects afterwards: with `r = exp(m' - m)`, `p = r q`, and
//!
//! ```text
//! p o (p - b) = r q o (q - b) + r (r - 1) q o q          ||p - b||^2 = ||q - b||^2 + 2 (r - 1) <q, q - b> + (r - 1)^2 <q, q>
//! ```
//!
//! Far from r = 1 these cancel, so a guess that is off by more than [`RATIO`] is replaced by the true value and the
//! backward half of the sweep is repeated.

use crate::production::EvaluationError;
use crate::production::kernels::operator::{Gram, Operator, SoftmaxPass};
use crate::production::kernels::softmax::{Line, LineSums, Sums};
use crate::production::newton::by_gram::objective::{
    Curvature, Detail, LineContext, LowRankTerm, Objective, State,
};
use crate::production::summation::{dot, norm};

/// The range of r in which the correction is trusted: it then costs at most 9 of 53 bits.
const RATIO: (f64, f64) = (0.05, 20.0);
/// Targets below this fraction of the largest one are raised to it before their logarithm is taken.
const LEAST_TARGET: f64 = 1e-12;
/// Where `ln(p/b)` is smaller, `(p - b) / ln(p/b)` is p to three digits.
const SAME: f64 = 1e-4;

/// `0.5 || softmax(A x) - b ||^2 + 0.5 || diag(w) A x ||^2`.
pub(crate) struct FusedSoftmax<'a> {
    operator: &'a Operator,
    /// Of the rows that are here.
    target: &'a [f64],
    /// `A' diag(w^2) A`.
    ridge: &'a Gram,
    /// `w^2` of the rows that are here, where products with [`ridge`](Self::ridge) are not exact enough: then they are made with A.
    passed: Option<&'a [f64]>,
    /// [`Operator::row_sums`] along b, where they have come along with the ridge.
    row_sums: Vec<Vec<f64>>,
}

/// [`Sums`] and slopes after the correction by r.
struct Corrected {
    ratio: f64,
    /// `0.5 ||p - b||^2`.
    loss: f64,
    /// `<p, p - b>`.
    agreement: f64,
    /// `<p, p>`.
    squares: f64,
}

impl Corrected {
    fn of(sums: &Sums) -> Self {
        let ratio = 1.0 / sums.total;
        let excess = ratio - 1.0;
        Self {
            ratio,
            loss: 0.5
                * (sums.distance + 2.0 * excess * sums.residual + excess * excess * sums.squares),
            agreement: ratio * sums.residual + ratio * excess * sums.squares,
            squares: ratio * ratio * sums.squares,
        }
    }
}

fn trusted(sums: &Sums) -> bool {
    let ratio = 1.0 / sums.total;
    (RATIO.0..=RATIO.1).contains(&ratio)
}

impl<'a> FusedSoftmax<'a> {
    /// The objective; `ridge` is `A' diag(w^2) A`.
    pub fn new(operator: &'a Operator, target: &'a [f64], ridge: &'a Gram) -> Self {
        Self {
            operator,
            target,
            ridge,
            passed: None,
            row_sums: Vec::new(),
        }
    }

    /// The same with a `ridge` that is good for steps only: its products are made with A and the squared weights (of the rows that are
    /// here). `row_sums` along b came with it, or are made when they are needed.
    pub fn with_rough_ridge(self, squared_weights: &'a [f64], row_sums: Vec<Vec<f64>>) -> Self {
        Self {
            passed: Some(squared_weights),
            row_sums,
            ..self
        }
    }

    /// A.
    pub(super) fn operator(&self) -> &'a Operator {
        self.operator
    }

    /// b.
    pub(super) fn target(&self) -> &'a [f64] {
        self.target
    }

    /// `A' diag(w^2) A`.
    pub(super) fn ridge(&self) -> &'a Gram {
        self.ridge
    }

    fn overflow(value: f64) -> EvaluationError {
        EvaluationError::Overflow {
            quantity: "logits A x",
            index: 0,
            value,
        }
    }

    /// [`Operator::softmax_pass`], with the gradient of the ridge where that needs A.
    fn pass(&self, x: Option<&[f64]>, shift: f64, z: &mut [f64]) -> SoftmaxPass {
        match self.passed {
            Some(weights) => self
                .operator
                .softmax_ridge_pass(x, shift, self.target, weights, z),
            None => self.operator.softmax_pass(x, shift, self.target, z),
        }
    }

    /// What [`Operator::softmax_pass`] gives where all logits are 0, by sums of the rows: all probabilities are `1/n`.
    fn even_pass(&self) -> SoftmaxPass {
        let made;
        let sums = if self.row_sums.is_empty() {
            made = self.operator.row_sums(self.target);
            &made
        } else {
            // Counted as if it had been made by itself, so that equal runs count alike.
            self.operator.count_pass();
            &self.row_sums
        };
        let p = (self.operator.all_rows() as f64).recip();
        let blocks = self.operator.sweep_rows(|rows, _, _, sums: &mut [f64; 2]| {
            for b in &self.target[rows] {
                sums[0] += p - b;
                sums[1] += (p - b) * (p - b);
            }
        });
        let [residual, distance] = blocks.iter().fold([0.0; 2], |total, block| {
            [total[0] + block[0], total[1] + block[1]]
        });
        let [ones, along] = [&sums[0], &sums[1]];
        let tilt = |(one, along): (&f64, &f64)| p * (p * one - along);
        SoftmaxPass {
            sums: Sums {
                total: 1.0,
                squares: p,
                residual: p * residual,
                distance,
            },
            projections: [
                ones.iter().zip(along).map(tilt).collect(),
                ones.iter().map(|one| p * p * one).collect(),
                ones.iter().map(|one| p * one).collect(),
            ],
            ridge: None,
        }
    }

    /// `ln sum exp(0)`.
    fn even_log_sum(&self) -> f64 {
        (self.operator.all_rows() as f64).ln()
    }

    /// `ln sum exp(z)` of logits that are there.
    fn log_sum(&self, z: &[f64]) -> Result<f64, EvaluationError> {
        let log_sum = self.operator.log_sum(Line { z, dz: z, t: 0.0 });
        if log_sum.is_finite() {
            Ok(log_sum)
        } else {
            Err(Self::overflow(log_sum))
        }
    }

    fn state(&self, x: Vec<f64>, shift: f64, pass: &SoftmaxPass) -> Result<State, EvaluationError> {
        let Corrected {
            ratio,
            loss,
            agreement,
            squares,
        } = Corrected::of(&pass.sums);
        let [residual, square, plain] = &pass.projections;
        let ridge_gradient = match &pass.ridge {
            Some(gradient) => gradient.clone(),
            None => self.ridge.multiply(&x),
        };
        let mean: Vec<f64> = plain.iter().map(|entry| ratio * entry).collect();
        let square_mean: Vec<f64> = square.iter().map(|entry| ratio * ratio * entry).collect();
        // A' (p o (c - s)).
        let softmax_gradient: Vec<f64> = (0..x.len())
            .map(|j| ratio * residual[j] + ratio * (ratio - 1.0) * square[j] - agreement * mean[j])
            .collect();
        let gradient: Vec<f64> = softmax_gradient
            .iter()
            .zip(&ridge_gradient)
            .map(|(data, ridge)| data + ridge)
            .collect();
        let delta_mean = softmax_gradient
            .iter()
            .zip(&square_mean)
            .map(|(data, square)| data + square)
            .collect();
        let total = loss + 0.5 * dot(&x, &ridge_gradient);
        let gradient_norm = norm(&gradient);
        for (quantity, value) in [("loss", total), ("norm of the gradient", gradient_norm)] {
            if !value.is_finite() {
                return Err(EvaluationError::Overflow {
                    quantity,
                    index: 0,
                    value,
                });
            }
        }
        Ok(State {
            x,
            loss: total,
            gradient,
            gradient_norm,
            detail: Detail::Softmax {
                log_sum: shift - ratio.ln(),
                agreement,
                squares,
                mean,
                square_mean,
                delta_mean,
            },
        })
    }

    /// [`Objective::evaluate`] with a guess of `ln sum exp(A x)`, which costs a second sweep where it is far off.
    pub(super) fn evaluate_shifted(
        &self,
        x: Vec<f64>,
        z: &mut [f64],
        shift: f64,
    ) -> Result<State, EvaluationError> {
        let pass = self.pass(Some(&x), shift, z);
        if trusted(&pass.sums) {
            return self.state(x, shift, &pass);
        }
        self.evaluate_logits(x, z)
    }
}

/// The parts of a state that are softmax's own.
pub(super) struct Parts<'s> {
    pub log_sum: f64,
    pub agreement: f64,
    pub squares: f64,
    pub mean: &'s [f64],
    pub square_mean: &'s [f64],
    pub delta_mean: &'s [f64],
}

impl<'s> Parts<'s> {
    /// Those of a state that an objective with softmax has made.
    pub fn of(state: &'s State) -> Self {
        match &state.detail {
            Detail::Softmax {
                log_sum,
                agreement,
                squares,
                mean,
                square_mean,
                delta_mean,
            } => Self {
                log_sum: *log_sum,
                agreement: *agreement,
                squares: *squares,
                mean,
                square_mean,
                delta_mean,
            },
            Detail::General { .. } => {
                unreachable!("an objective sees only the states that it made")
            }
        }
    }
}

/// theta and `theta (p - b)` of the secant model, for a target raised to at least `least > 0`.
pub(super) fn secant(p: f64, b: f64, least: f64) -> (f64, f64) {
    let b = b.max(least);
    let residual = p - b;
    let log_ratio = (p.max(f64::MIN_POSITIVE) / b).ln();
    let theta = if log_ratio.abs() < SAME {
        p
    } else {
        residual / log_ratio
    };
    (theta, theta * residual)
}

/// The target that [`secant`] raises smaller ones to, where this is the largest magnitude of one; `None` if all are 0.
pub(super) fn least_target(largest: f64) -> Option<f64> {
    let least = LEAST_TARGET * largest;
    (least > 0.0).then_some(least)
}

/// `factor u p' + ...`: the two terms that Hessian and Gauss-Newton model share, with another u.
pub(super) fn terms(u: &[f64], mean: &[f64], squares: f64) -> Vec<LowRankTerm> {
    vec![
        LowRankTerm {
            factor: -2.0,
            u: u.to_vec(),
            v: mean.to_vec(),
        },
        LowRankTerm {
            factor: squares,
            u: mean.to_vec(),
            v: mean.to_vec(),
        },
    ]
}

impl Objective for FusedSoftmax<'_> {
    fn evaluate(
        &self,
        x: Vec<f64>,
        z: &mut [f64],
        guess: Option<&State>,
    ) -> Result<State, EvaluationError> {
        let shift = match guess {
            // ln sum exp is convex: the tangent at the old point is below it, and close for short steps.
            Some(state) => {
                let parts = Parts::of(state);
                let step: Vec<f64> = x.iter().zip(&state.x).map(|(new, old)| new - old).collect();
                parts.log_sum + dot(parts.mean, &step)
            }
            None => self.even_log_sum(),
        };
        if x.iter().all(|entry| *entry == 0.0) {
            // The usual start: the logits are known.
            z.fill(0.0);
            let shift = self.even_log_sum();
            let pass = match self.passed {
                Some(_) => self.even_pass(),
                None => self.operator.softmax_pass(None, shift, self.target, z),
            };
            return self.state(x, shift, &pass);
        }
        self.evaluate_shifted(x, z, shift)
    }

    fn evaluate_logits(&self, x: Vec<f64>, z: &mut [f64]) -> Result<State, EvaluationError> {
        let shift = self.log_sum(z)?;
        let pass = self.pass(None, shift, z);
        if !trusted(&pass.sums) {
            return Err(Self::overflow(pass.sums.total));
        }
        self.state(x, shift, &pass)
    }

    fn curvature(&self, state: &State, z: &[f64], diagonal: &mut [f64]) -> Curvature {
        let parts = Parts::of(state);
        self.operator.probabilities(z, parts.log_sum, diagonal);
        let (target, agreement) = (self.target, parts.agreement);
        self.operator.fill_rows(diagonal, |rows, p, _| {
            for (p, b) in p.iter_mut().zip(&target[rows]) {
                *p *= (*p - b) + (*p - agreement);
            }
        });
        Curvature {
            terms: terms(parts.delta_mean, parts.mean, parts.squares),
        }
    }

    /// Gauss-Newton: `J'J` with J the Jacobian of softmax.
    fn safe_curvature(&self, state: &State, z: &[f64], diagonal: &mut [f64]) -> Curvature {
        let parts = Parts::of(state);
        self.operator.probabilities(z, parts.log_sum, diagonal);
        self.operator.fill_rows(diagonal, |_, p, _| {
            for p in p {
                *p *= *p;
            }
        });
        Curvature {
            terms: terms(parts.square_mean, parts.mean, parts.squares),
        }
    }

    fn along(&self, state: &State, line: &LineContext<'_>, t: f64) -> Option<(f64, f64)> {
        let parts = Parts::of(state);
        let at = Line {
            z: line.z,
            dz: line.dz,
            t,
        };
        let mut found = self.operator.line_sums(at, self.target, parts.log_sum);
        if !trusted(&found.sums) {
            let log_sum = self.operator.log_sum(at);
            if !log_sum.is_finite() {
                return None;
            }
            found = self.operator.line_sums(at, self.target, log_sum);
        }
        let LineSums {
            sums,
            total_slope,
            square_slope,
            residual_slope,
        } = found;
        let Corrected {
            ratio,
            loss,
            agreement,
            ..
        } = Corrected::of(&sums);
        let slope = ratio * residual_slope + ratio * (ratio - 1.0) * square_slope
            - agreement * ratio * total_slope;
        line.with_ridge(loss, slope, t)
    }

    /// The secant model: with `theta = (p - b) / ln(p / b)`, `p - b = theta o (ln p - ln b)` exactly, and `ln p` is
    /// nearly linear in x; so `|| theta o (ln p - ln b) ||^2` with theta held fixed is a far better quadratic than the
    /// tangent's where p is flat and b is not.
    fn first_model(
        &self,
        state: &State,
        z: &[f64],
        diagonal: &mut [f64],
    ) -> Option<(Curvature, Vec<f64>)> {
        let parts = Parts::of(state);
        let least = least_target(self.operator.largest(self.target))?;
        self.operator.probabilities(z, parts.log_sum, diagonal);
        // A' (theta o r), <theta, r>: the ridge's share of the right-hand side is known.
        let mut right = vec![0.0; z.len()];
        let p: &[f64] = diagonal;
        self.operator.fill_rows(&mut right, |rows, place, _| {
            for (place, i) in place.iter_mut().zip(rows) {
                *place = secant(p[i], self.target[i], least).1;
            }
        });
        let product = self.operator.sum(&right);
        let ridge_gradient = self.ridge.multiply(&state.x);
        let mut right_hand_side = self.operator.transpose_multiply(&right);
        for ((entry, mean), ridge) in right_hand_side
            .iter_mut()
            .zip(parts.mean)
            .zip(&ridge_gradient)
        {
            *entry += ridge - mean * product;
        }
        self.operator.fill_rows(diagonal, |rows, place, _| {
            for (place, b) in place.iter_mut().zip(&self.target[rows]) {
                *place = secant(*place, *b, least).0.powi(2);
            }
        });
        let total = self.operator.sum(diagonal);
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
