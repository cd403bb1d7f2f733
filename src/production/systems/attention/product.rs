//! Products of the second derivatives of the eliminated loss with a change of W, without any matrix of them.
//!
//! ```text
//! dZ = U1 D U2'    dF = F o (dZ - <f_j, dz_j>)    V' = -(G'G + mu)^+ ( U3' dF' C + G' dF H )    dC = dF H + G V'
//! Hess f D = U1' ( dF o K - F o <dF, K>_j + F o (dq - <f_j, dq_j>) + w o w o dZ ) U2        K = q - <f_j, q_j>    dq = dC H' + C (U3 V')'
//! Gauss-Newton: without U3' dF' C, without K and without C (U3 V')'
//! ```
//!
//! Four products of n^2 d multiply-adds for Gauss-Newton, six for the Hessian: about what a gradient costs.

use nalgebra::{DMatrix, DVector};

use crate::production::systems::attention::coordinates::Coordinates;
use crate::production::systems::attention::point::{Point, through_softmax};
use crate::production::systems::curvature::Curvature;
use crate::system::by_rows;

/// What every product at a point shares.
pub(super) struct Differential<'a> {
    of: &'a Coordinates,
    point: &'a Point,
    /// K (n x n), for the Hessian.
    pull: Option<DMatrix<f64>>,
}

impl<'a> Differential<'a> {
    /// Second derivatives at a point.
    pub(super) fn new(of: &'a Coordinates, point: &'a Point, which: Curvature) -> Self {
        let pull = (which == Curvature::Exact).then(|| {
            let mut pull = &point.residual * point.outputs.transpose();
            let means = point.attention.component_mul(&pull).column_sum();
            for mut column in pull.column_iter_mut() {
                column -= &means;
            }
            pull
        });
        Self { of, point, pull }
    }

    /// Their product with D (p x q row by row).
    pub(super) fn times(&self, change: &DVector<f64>) -> DVector<f64> {
        let Self { of, point, pull } = self;
        let (left, right) = (&of.first.range, &of.second.range);
        let change = DMatrix::from_row_slice(left.ncols(), right.ncols(), change.as_slice());
        let logits = (left * change) * right.transpose();
        let attention = through_softmax(&point.attention, &logits, -1.0);
        let moved = &attention * &point.outputs;
        let mut slope = point.seen.tr_mul(&moved);
        if pull.is_some() {
            let mixed = attention.tr_mul(&point.residual);
            slope += point.root.tr_mul(&of.third.range.tr_mul(&mixed));
        }
        let residual = moved - &point.seen * &slope;
        let mut turn = residual * point.outputs.transpose();
        let mut sum = DMatrix::zeros(0, 0);
        if let Some(pull) = pull {
            let values = -(&of.third.range * (&point.root * slope));
            turn += &point.residual * values.transpose();
            sum = attention.component_mul(pull);
            let means = sum.column_sum();
            for (mut column, f) in sum.column_iter_mut().zip(point.attention.column_iter()) {
                column -= f.component_mul(&means);
            }
        }
        let mut image = through_softmax(&point.attention, &turn, -1.0);
        if pull.is_some() {
            image += sum;
        }
        if let Some(w2) = &of.weights {
            image += w2.component_mul(&logits);
        }
        DVector::from_vec(by_rows(&(left.tr_mul(&image) * right)))
    }
}
