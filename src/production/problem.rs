//! A loss of the logits, a design matrix and a ridge: `L(x) = l(A x) + 0.5 || diag(w) A x ||^2`.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use nalgebra::{DMatrix, DVector};

use crate::instance::{DesignMatrix, Instance, InstanceRows, LossKind, Outline, check_target};
use crate::production::diagonal_plus_low_rank::{
    Magnitude, multiply_compensated, transpose_multiply_shared,
};
use crate::production::kept_gram::KeptGram;
use crate::production::kernels::Level;
use crate::production::kernels::operator::Operator;
use crate::production::logit_loss::{LogitErrorBounds, check_vector, refuse_overflow};
use crate::production::losses::loss_of;
use crate::production::ranks::{Ranks, Share, common_level, share_of};
use crate::production::summation::{compensated_sum, dot_units, norm};
use crate::production::{DiagonalPlusLowRank, EvaluationError, LogitLoss, ProblemError};
use crate::scalar::Ball;
use crate::scalar::rounding::UNIT;

/// Below this size no intermediate result of an exact product by splitting overflows.
const SPLIT_LIMIT: f64 = 1e290;

/// `L(x) = l(A x) + 0.5 || diag(w) A x ||^2` with A n x d, w n: value, derivatives, and bounds on their rounding.
///
/// Only `w^2` enters; `w_i = 0` is allowed. No n x n matrix is formed.
#[derive(Clone)]
pub struct Problem {
    loss: Arc<dyn LogitLoss>,
    /// The rows that are here.
    matrix: Arc<DesignMatrix>,
    operator: Operator,
    /// `w^2` of all rows, each entry rounded once.
    squared_weights: DVector<f64>,
    /// `A' diag(w^2) A`, which problems over the same matrix and weights share.
    ridge: Arc<KeptGram>,
    /// Which of the papers' losses it is, for another target.
    kind: Option<Arc<LossKind>>,
}

impl fmt::Debug for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "Problem({}, {} x {})",
            self.loss.name(),
            self.rows(),
            self.columns()
        )
    }
}

impl Problem {
    /// The problem with one of the papers' losses: A (n x d, dense or sparse), `b` (as many entries as the loss has outputs),
    /// `w` (n).
    ///
    /// ```
    /// use attention_regression::instance::{DesignMatrix, LossKind};
    /// use attention_regression::production::{Problem, Settings};
    /// use nalgebra::{DMatrix, DVector};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let matrix = DesignMatrix::dense(DMatrix::from_row_slice(3, 1, &[1.0, 0.0, -1.0]))?;
    /// let (target, weights) = (DVector::from_vec(vec![0.5, 0.25, 0.25]), DVector::repeat(3, 1.0));
    /// let solution = Problem::new(LossKind::Softmax, matrix, target, weights)?.solve(&Settings::default())?;
    /// assert!(solution.outcome.is_success());
    /// assert!(solution.error_bound.is_some_and(|bound| bound < 1e-12));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// An error names the part that does not fit, is not finite, or whose square overflows.
    pub fn new(
        loss: LossKind,
        matrix: impl Into<Arc<DesignMatrix>>,
        target: DVector<f64>,
        weights: DVector<f64>,
    ) -> Result<Self, ProblemError> {
        let instance =
            Instance::new(loss, matrix, target, weights).map_err(|error| ProblemError::Parts {
                reason: error.to_string(),
            })?;
        Self::from_instance(&instance)
    }

    /// The problem of a validated instance. An error if the square of a weight overflows.
    pub fn from_instance(instance: &Instance) -> Result<Self, ProblemError> {
        let loss = loss_of(instance.loss(), instance.target().clone());
        let problem = Self::with_loss(loss, instance.shared_matrix(), instance.weights())?;
        Ok(Self {
            kind: Some(Arc::new(instance.loss().clone())),
            ..problem
        })
    }

    /// The same problem with another target, of as many entries. What this one knows of A and the weights serves it, too: their Gram
    /// matrix is made once for all of them.
    ///
    /// An error names an entry that is not finite, a wrong length, or a loss of one's own, which has no target.
    pub fn with_target(&self, target: DVector<f64>) -> Result<Self, ProblemError> {
        let kind = self.kind_for_target(target.as_slice())?;
        Ok(self.with_other_loss(loss_of(kind, target)))
    }

    /// The loss that [`with_target`](Self::with_target) makes of a target; its errors.
    pub(crate) fn kind_for_target(&self, target: &[f64]) -> Result<&LossKind, ProblemError> {
        let refuse = |reason: String| ProblemError::Parts { reason };
        let kind = self.kind.as_ref().ok_or_else(|| {
            refuse("a loss of one's own has no target that could be another".to_owned())
        })?;
        check_target(kind, target, self.rows()).map_err(|error| refuse(error.to_string()))?;
        Ok(kind)
    }

    /// The same problem with other weights (n entries). An error if they do not fit, are not finite, or the square of one overflows.
    pub fn with_weights(&self, weights: &DVector<f64>) -> Result<Self, ProblemError> {
        Ok(Self {
            squared_weights: squares(weights, self.rows())?,
            ridge: Arc::default(),
            ..self.clone()
        })
    }

    /// The problem with a loss of one's own. `weights` and the loss's logits must have as many entries as A has rows.
    pub fn with_loss(
        loss: Arc<dyn LogitLoss>,
        matrix: impl Into<Arc<DesignMatrix>>,
        weights: &DVector<f64>,
    ) -> Result<Self, ProblemError> {
        let matrix = matrix.into();
        let rows = matrix.rows();
        expect_rows("loss", loss.logits(), rows)?;
        Ok(Self {
            loss,
            operator: Operator::new(&matrix, Level::best()),
            matrix,
            squared_weights: squares(weights, rows)?,
            ridge: Arc::default(),
            kind: None,
        })
    }

    /// The same loss and ridge over another matrix with as many rows (a change of unknowns).
    pub(crate) fn with_matrix(&self, matrix: DMatrix<f64>) -> Self {
        let matrix = Arc::new(DesignMatrix::Dense(matrix.into()));
        Self {
            operator: Operator::new(&matrix, Level::best()),
            matrix,
            ridge: Arc::default(),
            ..self.clone()
        }
    }

    /// Another loss over the same matrix and ridge.
    pub(crate) fn with_other_loss(&self, loss: Arc<dyn LogitLoss>) -> Self {
        Self {
            loss,
            ..self.clone()
        }
    }

    /// The number of logits n.
    pub fn rows(&self) -> usize {
        self.squared_weights.len()
    }

    /// The number of unknowns d.
    pub fn columns(&self) -> usize {
        self.matrix.columns()
    }

    /// The loss of the logits.
    pub fn loss(&self) -> &dyn LogitLoss {
        self.loss.as_ref()
    }

    /// `A`, n x d; where several ranks share the rows ([`shared_among`](Self::shared_among)), those that are here.
    pub fn matrix(&self) -> &DesignMatrix {
        &self.matrix
    }

    /// The same problem with its rows shared by ranks, each of which has it whole and keeps its rows: all of them call this, and do
    /// from then on the same with it. A problem too small for several threads stays whole on each.
    ///
    /// What is computed with it has the bits of one process, in [`solve`](crate::production::solve) and in every evaluation, and is
    /// the same on every rank. An error where the ranks have processors of different kinds.
    pub fn shared_among(&self, ranks: &Arc<dyn Ranks>) -> Result<Self, ProblemError> {
        let outline = Outline::of(&self.matrix);
        let share = share_of(&outline, ranks);
        // What has been kept of a former solve is not there: all ranks make it together, and count it.
        let fresh = Self {
            ridge: Arc::default(),
            ..self.clone()
        };
        if share.is_whole() {
            return Ok(fresh);
        }
        let own: Vec<usize> = share.own().collect();
        let matrix = Arc::new(self.matrix.select_rows(&own));
        let level = common_level(&share)?;
        Ok(Self {
            operator: Operator::of_part(&matrix, outline.stored, share, level),
            matrix,
            ..fresh
        })
    }

    /// The problem of an instance of which each rank has read its own rows only: those that [`own_rows`] says for the matrix with as many
    /// stored entries as [`stored_by_all`] finds, `stored`. All ranks call this; it is then as if one had [shared](Self::shared_among)
    /// the whole problem.
    ///
    /// An error where other rows are here, where the square of a weight overflows, or where the ranks have processors of different kinds.
    ///
    /// [`own_rows`]: crate::production::ranks::own_rows
    /// [`stored_by_all`]: crate::production::ranks::stored_by_all
    pub fn from_own_rows(
        rows: InstanceRows,
        stored: usize,
        ranks: &Arc<dyn Ranks>,
    ) -> Result<Self, ProblemError> {
        let (loss, block, target, weights) = rows.into_parts();
        let outline = Outline {
            stored,
            ..block.outline
        };
        let share = share_of(&outline, ranks);
        if share.own() != block.rows {
            return Err(ProblemError::Parts {
                reason: format!("rows {:?} are here, expected {:?}", block.rows, share.own()),
            });
        }
        let level = if share.is_whole() {
            Level::best()
        } else {
            common_level(&share)?
        };
        let matrix = Arc::new(block.matrix);
        Ok(Self {
            loss: loss_of(&loss, target),
            operator: Operator::of_part(&matrix, stored, share, level),
            matrix,
            squared_weights: squares(&weights, outline.rows)?,
            ridge: Arc::default(),
            kind: Some(Arc::new(loss)),
        })
    }

    /// The same problem with all of its rows on every rank: for what is not done in parts.
    pub(crate) fn whole(&self) -> Cow<'_, Self> {
        if self.share().is_whole() {
            return Cow::Borrowed(self);
        }
        let matrix = Arc::new(self.share().rows_of_all(self.matrix.as_ref().clone()));
        Cow::Owned(Self {
            operator: Operator::new(&matrix, self.operator.level()),
            matrix,
            ..self.clone()
        })
    }

    /// Which rows are here.
    pub(crate) fn share(&self) -> &Share {
        self.operator.share()
    }

    /// Entries of all rows, from those of the rows that are here.
    fn of_all(&self, own: DVector<f64>) -> DVector<f64> {
        if self.share().is_whole() {
            return own;
        }
        DVector::from_vec(self.share().gather(own.data.into()))
    }

    /// `A v` by plain sums (n).
    pub(crate) fn image(&self, v: &DVector<f64>) -> DVector<f64> {
        self.of_all(self.matrix.multiply(v))
    }

    /// `A' diag(w^2) A`, once somebody has asked for it.
    pub(crate) fn ridge(&self) -> &KeptGram {
        &self.ridge
    }

    /// A as the kernels read it.
    pub(crate) fn operator(&self) -> &Operator {
        &self.operator
    }

    /// `w^2`, n entries.
    pub fn squared_weights(&self) -> &DVector<f64> {
        &self.squared_weights
    }

    /// `z = A x`, n entries. An error if x has a wrong length or is not finite, or if a logit overflows.
    pub fn logits(&self, x: &DVector<f64>) -> Result<DVector<f64>, EvaluationError> {
        check_vector("point", x, self.columns())?;
        let z = self.of_all(multiply_compensated(&self.matrix, self.share(), x));
        refuse_overflow("logits A x", z.as_slice())?;
        Ok(z)
    }

    /// `L(x)`; errors as for [`logits`](Self::logits), and if L itself overflows.
    pub fn value(&self, x: &DVector<f64>) -> Result<f64, EvaluationError> {
        self.value_of_logits(&self.logits(x)?)
    }

    pub(crate) fn value_of_logits(&self, z: &DVector<f64>) -> Result<f64, EvaluationError> {
        let ridge = 0.5
            * compensated_sum(
                self.squared_weights
                    .iter()
                    .zip(z.iter())
                    .map(|(w2, z)| (w2 * z) * z),
            );
        let value = self.loss.value(z)? + ridge;
        refuse_overflow("loss", &[value])?;
        Ok(value)
    }

    /// `grad l(z) + w^2 o z`, n entries: the gradient before `A'` is applied.
    pub(crate) fn gradient_in_logits(
        &self,
        z: &DVector<f64>,
    ) -> Result<DVector<f64>, EvaluationError> {
        let gradient = self.loss.gradient(z)? + self.squared_weights.component_mul(z);
        refuse_overflow("logit gradient", gradient.as_slice())?;
        Ok(gradient)
    }

    /// `grad L(x) = A' (grad l(z) + w^2 o z)`, d entries; errors as for [`value`](Self::value).
    pub fn gradient(&self, x: &DVector<f64>) -> Result<DVector<f64>, EvaluationError> {
        self.pull_back(&self.gradient_in_logits(&self.logits(x)?)?)
    }

    /// `A' v`, d entries, or an error if it overflows.
    pub(crate) fn pull_back(&self, v: &DVector<f64>) -> Result<DVector<f64>, EvaluationError> {
        let product = transpose_multiply_shared(&self.matrix, self.share(), v.as_slice());
        refuse_overflow("gradient", product.as_slice())?;
        Ok(product)
    }

    /// `Hess L(x) = A' (Hess l(z) + diag(w^2)) A`, d x d, exactly symmetric; errors as for [`value`](Self::value).
    pub fn hessian(&self, x: &DVector<f64>) -> Result<DMatrix<f64>, EvaluationError> {
        let curvature = self.loss.hessian(&self.logits(x)?)?;
        let hessian = curvature.congruence(&self.whole().matrix, &self.squared_weights);
        refuse_overflow("Hessian", hessian.as_slice())?;
        Ok(hessian)
    }

    /// `Hess L(x) v`, d entries, by one product with A and one with A'; errors as for [`value`](Self::value), also if v
    /// does not fit.
    pub fn hessian_vector(
        &self,
        x: &DVector<f64>,
        v: &DVector<f64>,
    ) -> Result<DVector<f64>, EvaluationError> {
        let curvature = self.loss.hessian(&self.logits(x)?)?;
        check_vector("vector", v, self.columns())?;
        let image = self.image(v);
        let product = curvature.multiply(&image) + self.squared_weights.component_mul(&image);
        refuse_overflow("Hessian times vector", product.as_slice())?;
        self.pull_back(&product)
    }

    /// The rounding level of the gradient: the norm of [`gradient_error_bound`](Self::gradient_error_bound) plus what one
    /// rounding of each entry of x does to the gradient. Below it a gradient cannot be told from zero, or no f64 vector
    /// has a smaller one.
    pub fn gradient_noise(&self, x: &DVector<f64>) -> Result<f64, EvaluationError> {
        let bound = self.gradient_error_bound(x)?;
        let curvature = self.loss.hessian(&self.logits(x)?)?;
        let magnitude = Magnitude(&self.matrix);
        let moved = self.of_all(magnitude.multiply(&x.abs())) * UNIT;
        let felt = DiagonalPlusLowRank {
            diagonal: curvature.diagonal.abs() + &self.squared_weights,
            basis: curvature.basis.abs(),
            core: curvature.core.abs(),
        }
        .multiply(&moved);
        let noise = bound + magnitude.transpose_multiply_shared(self.share(), felt.as_slice());
        Ok(norm(noise.as_slice()))
    }

    /// Bound on `|computed L(x) - L(x)|`, x taken as exact (`docs/numerics.md`, "Loss").
    pub fn loss_error_bound(&self, x: &DVector<f64>) -> Result<f64, EvaluationError> {
        let (z, logit_error, bounds) = self.bounds(x)?;
        let terms: Vec<Ball<f64>> = (0..self.rows())
            .map(|i| {
                let logit = Ball::new(z[i], logit_error[i]);
                (self.bounded_weight(i) * logit) * logit
            })
            .collect();
        let ridge = Ball::exact(0.5) * Ball::sum(&terms);
        let total = Ball::new(self.loss.value(&z)?, bounds.value) + ridge;
        Ok(total.radius())
    }

    /// Bound on `|computed grad L(x) - grad L(x)|` for each of the d entries, x taken as exact
    /// (`docs/numerics.md`, "Gradient").
    pub fn gradient_error_bound(&self, x: &DVector<f64>) -> Result<DVector<f64>, EvaluationError> {
        let (z, logit_error, bounds) = self.bounds(x)?;
        let v = self.gradient_in_logits(&z)?;
        let inherited = self.logit_gradient_error(&z, &logit_error, &bounds)?;
        let units = dot_units(self.rows()) * UNIT;
        let per_row = inherited + v.abs() * units;
        let bound =
            Magnitude(&self.matrix).transpose_multiply_shared(self.share(), per_row.as_slice());
        let slack = 1.0 + 64.0 * f64::EPSILON;
        Ok(bound.map(|error| error * slack + f64::MIN_POSITIVE))
    }

    /// Bound on `|computed Hess L(x) - Hess L(x)|` for each of the d x d entries, x taken as exact
    /// (`docs/numerics.md`, "Hessian").
    pub fn hessian_error_bound(&self, x: &DVector<f64>) -> Result<DMatrix<f64>, EvaluationError> {
        let (z, _, bounds) = self.bounds(x)?;
        self.congruence_error(&self.whole().matrix, &z, &bounds)
    }

    /// The entrywise error of `M' (Hess l + diag(w^2)) M` for a matrix M with n rows.
    pub(crate) fn congruence_error(
        &self,
        m: &DesignMatrix,
        z: &DVector<f64>,
        bounds: &LogitErrorBounds,
    ) -> Result<DMatrix<f64>, EvaluationError> {
        let curvature = self.loss.hessian(z)?;
        let weight_error = DVector::from_fn(self.rows(), |i, _| self.bounded_weight(i).radius());
        let error =
            curvature.congruence_error(m, &self.squared_weights, &bounds.hessian, &weight_error);
        Ok(error.map(|error| error + f64::MIN_POSITIVE))
    }

    /// Bound on the error of each entry of the computed `grad l(z) + w^2 o z`.
    pub(crate) fn logit_gradient_error(
        &self,
        z: &DVector<f64>,
        logit_error: &DVector<f64>,
        bounds: &LogitErrorBounds,
    ) -> Result<DVector<f64>, EvaluationError> {
        let gradient = self.loss.gradient(z)?;
        Ok(DVector::from_fn(self.rows(), |i, _| {
            let logit = Ball::new(z[i], logit_error[i]);
            let ridge = self.bounded_weight(i) * logit;
            (Ball::new(gradient[i], bounds.gradient[i]) + ridge).radius()
        }))
    }

    /// Computed logits, the bound on their error, and what that and rounding do to the loss of the logits.
    pub(crate) fn bounds(
        &self,
        x: &DVector<f64>,
    ) -> Result<(DVector<f64>, DVector<f64>, LogitErrorBounds), EvaluationError> {
        let z = self.logits(x)?;
        // One rounding of the result and second-order terms, or plain sums where the splitting would overflow.
        let d = self.columns() as f64;
        let magnitude = self.of_all(Magnitude(&self.matrix).multiply(&x.abs()));
        let units = if magnitude.amax() < SPLIT_LIMIT
            && self.matrix_size() < SPLIT_LIMIT
            && x.amax() < SPLIT_LIMIT
        {
            4.0 * (d + 1.0).powi(2) * UNIT * UNIT
        } else {
            (d + 1.0) * UNIT * (1.0 + 1e-6)
        };
        let logit_error = z.abs() * (UNIT * (1.0 + 1e-6))
            + magnitude * units
            + DVector::repeat(self.rows(), d * f64::MIN_POSITIVE);
        refuse_overflow("|A| |x|", logit_error.as_slice())?;
        let bounds = self.loss.error_bounds(&z, &logit_error)?;
        Ok((z, logit_error, bounds))
    }

    /// The largest magnitude of an entry of A.
    fn matrix_size(&self) -> f64 {
        let here: f64 = match self.matrix.as_ref() {
            DesignMatrix::Dense(a) => a
                .iter()
                .flatten()
                .fold(0.0, |size, entry| size.max(entry.abs())),
            DesignMatrix::Sparse(a) => a
                .values()
                .iter()
                .fold(0.0, |size, entry| size.max(entry.abs())),
        };
        let each = self.share().gather(vec![here]);
        each.into_iter().fold(0.0, f64::max)
    }

    /// `w_i^2` as stored: one rounding.
    fn bounded_weight(&self, i: usize) -> Ball<f64> {
        let w2 = self.squared_weights[i];
        Ball::new(w2, UNIT * w2 + f64::MIN_POSITIVE)
    }
}

/// `w^2`, each entry rounded once, of as many weights as there are rows.
fn squares(weights: &DVector<f64>, rows: usize) -> Result<DVector<f64>, ProblemError> {
    expect_rows("weights", weights.len(), rows)?;
    if let Some(index) = weights.iter().position(|w| !w.is_finite()) {
        return Err(ProblemError::NotFinite {
            part: "weights",
            index,
            value: weights[index],
        });
    }
    let squared = weights.map(|w| w * w);
    match squared.iter().position(|w| !w.is_finite()) {
        None => Ok(squared),
        Some(index) => Err(ProblemError::WeightTooLarge {
            index,
            value: weights[index],
        }),
    }
}

fn expect_rows(part: &'static str, found: usize, expected: usize) -> Result<(), ProblemError> {
    if found == expected {
        return Ok(());
    }
    Err(ProblemError::Shape {
        part,
        found,
        expected,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::production::test_support::{Given, covers};

    /// One logit z = 3 x at x = 1, weight 2 (its square 4 off by a unit): value 3, gradient 2, curvature 5 - 2 * 2.
    fn one(value_off: f64, gradient_off: f64) -> Problem {
        let mut loss = Given::new(1, 1);
        loss.gradient[0] = 2.0;
        loss.hessian.diagonal[0] = 5.0;
        loss.hessian.basis[0] = 2.0;
        loss.hessian.core[0] = -1.0;
        loss.bounds.value = value_off;
        loss.bounds.gradient[0] = gradient_off;
        given(loss, &[3.0], 2.0)
    }

    fn given(loss: Given, row: &[f64], weight: f64) -> Problem {
        let a = DesignMatrix::Dense(DMatrix::from_row_slice(1, row.len(), row).into());
        Problem::with_loss(Arc::new(loss), a, &DVector::from_element(1, weight)).unwrap()
    }

    #[test]
    fn the_loss_error_is_that_of_the_loss_and_of_the_ridge() {
        // In units, with z = 3 off by 3: w^2 z = 12 off by 4*3 + 3*4 + 12 = 36; times z: 36*3 + 12*3 + 36 = 180; sum: 36 more;
        // halved: 108 + 18; the total 3 + 18 has a rounding of 21. (z is off by 3 (1 + 1e-6).)
        let x = DVector::from_element(1, 1.0);
        let exact = 5.0 + 126.0 + 21.0 + 36e-6;
        let found = one(5.0 * UNIT, 0.0).loss_error_bound(&x).unwrap();
        covers(found / UNIT, exact, 1e-12);
    }

    #[test]
    fn the_gradient_error_is_that_of_the_rows_and_of_the_product() {
        // In units: 5 of the loss, 36 of w^2 z (above), 2 + 12 of the addition; v = 14 meets 12 roundings; A = 3.
        let x = DVector::from_element(1, 1.0);
        let problem = one(0.0, 5.0 * UNIT);
        let exact = 3.0 * (5.0 + 36.0 + 12e-6 + 14.0 + 14.0 * 12.0);
        let found = problem.gradient_error_bound(&x).unwrap();
        covers(found[0] / UNIT, exact, 1e-12);
        // Noise: a rounding of x moves z by 3 units, felt as 5 + 4 + 2*1*2 = 13; A once more.
        let noise = problem.gradient_noise(&x).unwrap();
        covers(noise / UNIT, exact + 3.0 * 13.0 * 3.0, 1e-12);
    }

    #[test]
    fn the_hessian_error_has_the_weights_and_the_counts_of_the_numerics_document() {
        // In units: 9 (4 of w^2 + (3 + 1 + 1) * 9); P = 6: 2 * 12 * 36 and (2 r + 4) * 36; last: 3 (9 * 9 + 36).
        let found = one(0.0, 0.0)
            .hessian_error_bound(&DVector::from_element(1, 1.0))
            .unwrap();
        covers(found[0] / UNIT, 441.0 + 864.0 + 216.0 + 351.0, 1e-12);
    }

    #[test]
    fn logits_carry_a_unit_of_their_own_and_second_order_terms_of_what_cancelled() {
        let bound = |row: &[f64], x: &[f64]| {
            let x = DVector::from_column_slice(x);
            given(Given::new(1, 0), row, 0.0).bounds(&x).unwrap().1[0]
        };
        // 4 (d + 1)^2 u^2 |A| |x| with d = 2 and z = 0.
        let size = 2f64.powi(30);
        covers(
            bound(&[1.0, 1.0], &[size, -size]),
            36.0 * UNIT * UNIT * 2.0 * size,
            1e-12,
        );
        covers(
            bound(&[4.0, 1.0], &[1.0, 2.0]),
            6.0 * UNIT * (1.0 + 1e-6),
            1e-12,
        );
        // Plain sums, (d + 1) u |A| |x|, where the splitting of A, of x or of the product would overflow.
        let plain = 3.0 * UNIT * (1.0 + 1e-6);
        covers(bound(&[1.0, 1.0], &[1e291, -1e291]), plain * 2e291, 1e-12);
        let mixed = 3.0 * (plain + UNIT * (1.0 + 1e-6));
        covers(bound(&[1e291, 1.0], &[0.0, 3.0]), mixed, 1e-12);
        covers(bound(&[0.0, 1.0], &[1e291, 3.0]), mixed, 1e-12);
        // An underflow of each of the d products.
        assert_eq!(bound(&[1.0, 1.0], &[0.0, 0.0]), 2.0 * f64::MIN_POSITIVE);
    }

    #[test]
    fn a_problem_prints_its_loss_and_its_shape() {
        assert_eq!(
            format!("{:?}", given(Given::new(1, 0), &[1.0, 2.0], 0.0)),
            "Problem(given, 1 x 2)"
        );
    }

    /// The gradient 2 of the loss is off by 5 units, and its sum with 0 is rounded by 2; the product meets 12 roundings of 2; A = 3.
    #[test]
    fn the_gradient_error_has_room_for_its_own_rounding() {
        let problem = one(0.0, 5.0 * UNIT);
        let found = problem.gradient_error_bound(&DVector::zeros(1)).unwrap();
        let excess = (found[0] / (93.0 * UNIT) - 1.0) / f64::EPSILON;
        assert!((60.0..80.0).contains(&excess), "{excess}");
    }

    /// 1e-200 has a square that is 0 in f64.
    #[test]
    fn what_underflows_is_off_by_the_smallest_number() {
        let problem = given(Given::new(1, 0), &[0.0], 1e-200);
        let weight = problem.bounded_weight(0);
        assert_eq!(
            (weight.midpoint(), weight.radius()),
            (0.0, f64::MIN_POSITIVE)
        );
        let x = DVector::from_element(1, 1.0);
        let error = problem.hessian_error_bound(&x).unwrap();
        assert_eq!(error[(0, 0)], f64::MIN_POSITIVE);
        let error = problem.gradient_error_bound(&x).unwrap();
        assert_eq!(error[0], f64::MIN_POSITIVE);
    }
}
