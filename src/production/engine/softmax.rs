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
use crate::production::engine::objective::{
    Curvature, Detail, LineContext, LowRankTerm, Objective, State, norm,
};
use crate::production::kernels::operator::{Gram, Operator, SoftmaxPass};
use crate::production::kernels::softmax::{Line, LineSums, Sums};
use crate::production::summation::dot;

/// The range of r in which the correction is trusted: it then costs at most 9 of 53 bits.
const RATIO: (f64, f64) = (0.05, 20.0);
/// Targets below this fraction of the largest one are raised to it before their logarithm is taken.
const LEAST_TARGET: f64 = 1e-12;
/// Where `ln(p/b)` is smaller, `(p - b) / ln(p/b)` is p to three digits.
const SAME: f64 = 1e-4;

/// `0.5 || softmax(A x) - b ||^2 + 0.5 || diag(w) A x ||^2`.
pub(crate) struct FusedSoftmax<'a> {
    operator: &'a Operator,
    target: &'a [f64],
    squared_weights: &'a [f64],
    /// `A' diag(w^2) A`.
    ridge: &'a Gram,
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
    pub fn new(
        operator: &'a Operator,
        target: &'a [f64],
        squared_weights: &'a [f64],
        ridge: &'a Gram,
    ) -> Self {
        Self {
            operator,
            target,
            squared_weights,
            ridge,
        }
    }

    fn overflow(value: f64) -> EvaluationError {
        EvaluationError::Overflow {
            quantity: "logits A x",
            index: 0,
            value,
        }
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
        let ridge_gradient = self.ridge.multiply(&x);
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

    /// The parts of a state that are softmax's own.
    fn parts(state: &State) -> Parts<'_> {
        match &state.detail {
            Detail::Softmax {
                log_sum,
                agreement,
                squares,
                mean,
                square_mean,
                delta_mean,
            } => Parts {
                log_sum: *log_sum,
                agreement: *agreement,
                squares: *squares,
                mean,
                square_mean,
                delta_mean,
            },
            Detail::General { .. } => unreachable!("states of this objective are made by `state`"),
        }
    }
}

struct Parts<'s> {
    log_sum: f64,
    agreement: f64,
    squares: f64,
    mean: &'s [f64],
    square_mean: &'s [f64],
    delta_mean: &'s [f64],
}

/// `factor u p' + ...`: the two terms that Hessian and Gauss-Newton model share, with another u.
fn terms(u: &[f64], mean: &[f64], squares: f64) -> Vec<LowRankTerm> {
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
                let parts = Self::parts(state);
                let step: Vec<f64> = x.iter().zip(&state.x).map(|(new, old)| new - old).collect();
                parts.log_sum + dot(parts.mean, &step)
            }
            None => (z.len() as f64).ln(),
        };
        if x.iter().all(|entry| *entry == 0.0) {
            // The usual start: the logits are known.
            z.fill(0.0);
            let pass = self
                .operator
                .softmax_pass(None, (z.len() as f64).ln(), self.target, z);
            return self.state(x, (z.len() as f64).ln(), &pass);
        }
        let pass = self.operator.softmax_pass(Some(&x), shift, self.target, z);
        if trusted(&pass.sums) {
            return self.state(x, shift, &pass);
        }
        self.evaluate_logits(x, z)
    }

    fn evaluate_logits(&self, x: Vec<f64>, z: &mut [f64]) -> Result<State, EvaluationError> {
        let shift = self.log_sum(z)?;
        let pass = self.operator.softmax_pass(None, shift, self.target, z);
        if !trusted(&pass.sums) {
            return Err(Self::overflow(pass.sums.total));
        }
        self.state(x, shift, &pass)
    }

    fn curvature(&self, state: &State, z: &[f64], diagonal: &mut [f64]) -> Curvature {
        let parts = Self::parts(state);
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
        let parts = Self::parts(state);
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
        let parts = Self::parts(state);
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
        let [at_start, linear, quadratic] = line.ridge;
        let value = loss + at_start + t * linear + 0.5 * t * t * quadratic;
        let slope = slope + linear + t * quadratic;
        (value.is_finite() && slope.is_finite()).then_some((value, slope))
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
        let parts = Self::parts(state);
        let largest = self
            .target
            .iter()
            .fold(0.0, |size: f64, b| size.max(b.abs()));
        let least = LEAST_TARGET * largest;
        if least == 0.0 {
            return None;
        }
        let mut p = vec![0.0; z.len()];
        self.operator.probabilities(z, parts.log_sum, &mut p);
        let secant = |p: f64, b: f64| {
            let b = b.max(least);
            let residual = p - b;
            let log_ratio = (p.max(f64::MIN_POSITIVE) / b).ln();
            let theta = if log_ratio.abs() < SAME {
                p
            } else {
                residual / log_ratio
            };
            (theta, theta * residual)
        };
        // A' (theta o r + w^2 o z), <theta, r>.
        let mut right = vec![0.0; z.len()];
        self.operator.fill_rows(&mut right, |rows, place, _| {
            for (place, i) in place.iter_mut().zip(rows) {
                *place = secant(p[i], self.target[i]).1 + self.squared_weights[i] * z[i];
            }
        });
        let product: f64 = (0..z.len()).map(|i| secant(p[i], self.target[i]).1).sum();
        let mut right_hand_side = self.operator.transpose_multiply(&right);
        for (entry, mean) in right_hand_side.iter_mut().zip(parts.mean) {
            *entry -= mean * product;
        }
        self.operator.fill_rows(diagonal, |rows, place, _| {
            for (place, i) in place.iter_mut().zip(rows) {
                *place = secant(p[i], self.target[i]).0.powi(2);
            }
        });
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
