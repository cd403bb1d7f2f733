//! The sum of several losses, each of logits of its own.

use std::ops::Range;
use std::sync::Arc;

use nalgebra::{DMatrix, DVector};

use crate::production::logit_loss::{LogitErrorBounds, LogitLoss, all_finite, check_vector};
use crate::production::summation::compensated_sum;
use crate::production::{DiagonalPlusLowRank, EvaluationError};
use crate::scalar::Ball;

/// `l(z) = sum_c l_c(z_c)`, z the z_c one below the other.
///
/// Its Hessian is block diagonal, so its curvature and the Lipschitz constant of its Hessian lie between the least and the largest of
/// the parts: `|| diag(D_c) || = max || D_c ||`, and `|| y_c - z_c || <= || y - z ||`.
pub(crate) struct Stacked {
    parts: Vec<Arc<dyn LogitLoss>>,
    rows: Vec<Range<usize>>,
}

impl Stacked {
    /// The sum of smooth losses without poles.
    pub(crate) fn new(parts: Vec<Arc<dyn LogitLoss>>) -> Self {
        let mut first = 0;
        let rows = parts
            .iter()
            .map(|part| {
                let own = first..first + part.logits();
                first = own.end;
                own
            })
            .collect();
        Self { parts, rows }
    }

    /// Every part with its entries of vectors of all logits.
    fn of<const M: usize>(
        &self,
        vectors: [&DVector<f64>; M],
    ) -> impl Iterator<Item = (&dyn LogitLoss, [DVector<f64>; M])> {
        self.parts.iter().zip(&self.rows).map(move |(part, rows)| {
            let own = vectors.map(|vector| vector.rows(rows.start, rows.len()).into_owned());
            (part.as_ref(), own)
        })
    }

    fn check(&self, z: &DVector<f64>) -> Result<(), EvaluationError> {
        check_vector("logits", z, self.logits())
    }

    /// Vectors of parts, one below the other.
    fn joined(&self, parts: &[DVector<f64>]) -> DVector<f64> {
        let entries = parts.iter().flat_map(|part| part.iter().copied());
        DVector::from_iterator(self.logits(), entries)
    }

    /// Structured matrices of parts as one, block by block.
    fn blocks(&self, parts: &[DiagonalPlusLowRank]) -> DiagonalPlusLowRank {
        let diagonals: Vec<DVector<f64>> = parts.iter().map(|p| p.diagonal.clone()).collect();
        let rank = parts.iter().map(|part| part.core.nrows()).sum();
        let mut basis = DMatrix::zeros(self.logits(), rank);
        let mut core = DMatrix::zeros(rank, rank);
        let mut first = 0;
        for (part, rows) in parts.iter().zip(&self.rows) {
            let own = part.core.nrows();
            basis
                .view_mut((rows.start, first), (rows.len(), own))
                .copy_from(&part.basis);
            core.view_mut((first, first), (own, own))
                .copy_from(&part.core);
            first += own;
        }
        DiagonalPlusLowRank {
            diagonal: self.joined(&diagonals),
            basis,
            core,
        }
    }

    fn extreme(
        &self,
        constant: impl Fn(&dyn LogitLoss) -> Option<f64>,
        better: fn(f64, f64) -> f64,
    ) -> Option<f64> {
        let constants: Option<Vec<f64>> = self
            .parts
            .iter()
            .map(|part| constant(part.as_ref()))
            .collect();
        constants?.into_iter().reduce(better)
    }
}

impl LogitLoss for Stacked {
    fn name(&self) -> &'static str {
        "sum of losses"
    }

    fn logits(&self) -> usize {
        self.rows.last().map_or(0, |rows| rows.end)
    }

    fn value(&self, z: &DVector<f64>) -> Result<f64, EvaluationError> {
        self.check(z)?;
        let values: Result<Vec<f64>, _> = self.of([z]).map(|(part, [z])| part.value(&z)).collect();
        Ok(compensated_sum(values?))
    }

    fn gradient(&self, z: &DVector<f64>) -> Result<DVector<f64>, EvaluationError> {
        self.check(z)?;
        let parts: Result<Vec<_>, _> = self.of([z]).map(|(part, [z])| part.gradient(&z)).collect();
        Ok(self.joined(&parts?))
    }

    fn hessian(&self, z: &DVector<f64>) -> Result<DiagonalPlusLowRank, EvaluationError> {
        self.check(z)?;
        let parts: Result<Vec<_>, _> = self.of([z]).map(|(part, [z])| part.hessian(&z)).collect();
        Ok(self.blocks(&parts?))
    }

    fn error_bounds(
        &self,
        z: &DVector<f64>,
        logit_error: &DVector<f64>,
    ) -> Result<LogitErrorBounds, EvaluationError> {
        self.check(z)?;
        check_vector("error of the logits", logit_error, self.logits())?;
        let (mut values, mut gradients, mut hessians) = (Vec::new(), Vec::new(), Vec::new());
        for (part, [z, error]) in self.of([z, logit_error]) {
            let bounds = part.error_bounds(&z, &error)?;
            values.push(Ball::new(part.value(&z)?, bounds.value));
            gradients.push(bounds.gradient);
            hessians.push(bounds.hessian);
        }
        all_finite(LogitErrorBounds {
            value: Ball::sum(&values).radius(),
            gradient: self.joined(&gradients),
            hessian: self.blocks(&hessians),
        })
    }

    /// The least of the parts.
    fn curvature_floor(&self) -> Option<f64> {
        self.extreme(|part| part.curvature_floor(), f64::min)
    }

    /// The largest of the parts.
    fn curvature_ceiling(&self) -> Option<f64> {
        self.extreme(|part| part.curvature_ceiling(), f64::max)
    }

    /// The largest of the parts.
    fn hessian_lipschitz(&self) -> Option<f64> {
        self.extreme(|part| part.hessian_lipschitz(), f64::max)
    }

    /// Where every part is; each may even be shifted by itself.
    fn is_shift_invariant(&self) -> bool {
        self.parts.iter().all(|part| part.is_shift_invariant())
    }

    /// Every part without its constant, where one has a constant that hides changes of its value.
    fn without_constant(&self) -> Option<Arc<dyn LogitLoss>> {
        let others: Vec<Option<Arc<dyn LogitLoss>>> = self
            .parts
            .iter()
            .map(|part| part.without_constant())
            .collect();
        if others.iter().all(Option::is_none) {
            return None;
        }
        let parts = others
            .into_iter()
            .zip(&self.parts)
            .map(|(other, part)| other.unwrap_or_else(|| Arc::clone(part)));
        Some(Arc::new(Self::new(parts.collect())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::production::Softmax;

    fn vector(entries: &[f64]) -> DVector<f64> {
        DVector::from_column_slice(entries)
    }

    fn softmax(target: &[f64]) -> Arc<dyn LogitLoss> {
        Arc::new(Softmax::new(vector(target)))
    }

    /// Value, gradient and Hessian are those of the parts, and nothing joins two parts.
    #[test]
    fn each_part_sees_its_own_logits() {
        let parts = [softmax(&[0.5, -0.25]), softmax(&[1.0, 0.0, 0.25])];
        let stacked = Stacked::new(parts.to_vec());
        let z = [vector(&[0.5, -1.0]), vector(&[2.0, 0.0, 1.0])];
        let all = vector(&[0.5, -1.0, 2.0, 0.0, 1.0]);
        assert_eq!(stacked.logits(), 5);
        let value = parts[0].value(&z[0]).unwrap() + parts[1].value(&z[1]).unwrap();
        assert!((stacked.value(&all).unwrap() - value).abs() < 1e-15);
        let gradient = stacked.gradient(&all).unwrap();
        let hessian = stacked.hessian(&all).unwrap().to_dense();
        for (part, z, first) in [(&parts[0], &z[0], 0), (&parts[1], &z[1], 2)] {
            let n = z.len();
            assert_eq!(gradient.rows(first, n), part.gradient(z).unwrap());
            let own = part.hessian(z).unwrap().to_dense();
            assert!((hessian.view((first, first), (n, n)) - own).amax() < 1e-16);
        }
        assert_eq!(hessian.view((0, 2), (2, 3)).amax(), 0.0);
        assert!(stacked.is_shift_invariant());
    }

    /// A target far from a constant lowers the floor, raises the ceiling and the Lipschitz constant of its part alone.
    #[test]
    fn constants_are_the_worst_of_the_parts() {
        let (near, far) = (softmax(&[1.0, 0.0]), softmax(&[8.0, -8.0]));
        let stacked = Stacked::new(vec![Arc::clone(&near), Arc::clone(&far)]);
        assert_eq!(stacked.curvature_floor(), far.curvature_floor());
        assert_eq!(stacked.curvature_ceiling(), far.curvature_ceiling());
        assert_eq!(stacked.hessian_lipschitz(), far.hessian_lipschitz());
        assert!(far.curvature_floor() < near.curvature_floor());
        assert!(far.hessian_lipschitz() > near.hessian_lipschitz());
    }

    #[test]
    fn error_bounds_add_up_and_stand_where_their_parts_do() {
        let parts = [softmax(&[0.5, -0.25]), softmax(&[1.0])];
        let (z, off) = (vector(&[0.5, -1.0, 2.0]), vector(&[1e-10, 1e-10, 1e-3]));
        let bounds = Stacked::new(parts.to_vec()).error_bounds(&z, &off).unwrap();
        let first = parts[0]
            .error_bounds(&vector(&[0.5, -1.0]), &vector(&[1e-10, 1e-10]))
            .unwrap();
        assert!(bounds.value >= first.value && bounds.value < 3.0 * first.value + 1e-12);
        assert_eq!(bounds.gradient.rows(0, 2), first.gradient);
        assert_eq!(
            bounds.hessian.basis.view((0, 0), (2, 2)),
            first.hessian.basis
        );
        assert_eq!(bounds.hessian.basis.view((2, 0), (1, 2)).amax(), 0.0);
    }

    #[test]
    fn what_does_not_fit_or_is_not_finite_is_an_error() {
        let stacked = Stacked::new(vec![softmax(&[1.0]), softmax(&[0.0])]);
        assert!(stacked.value(&vector(&[1.0])).is_err());
        assert!(stacked.gradient(&vector(&[1.0, f64::NAN])).is_err());
    }

    /// 0.5 || b ||^2 = 5e19 hides what softmax changes, for one part; the sum of the others is as it was.
    #[test]
    fn a_constant_of_one_part_is_left_out() {
        let (small, large) = (softmax(&[1.0, 0.0]), softmax(&[1e10, 0.0]));
        let stacked = Stacked::new(vec![Arc::clone(&small), large]);
        let z = vector(&[1.0, 2.0, 0.0, 0.5]);
        let other = stacked.without_constant().unwrap();
        assert_eq!(other.gradient(&z).unwrap(), stacked.gradient(&z).unwrap());
        assert!(other.value(&z).unwrap() < 1.1e10);
        assert!(Stacked::new(vec![small]).without_constant().is_none());
    }
}
