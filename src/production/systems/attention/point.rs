//! Loss, gradient and second derivatives after the elimination of V.
//!
//! ```text
//! F = row softmax(U1 W U2')    G = F U3    V = argmin || G V - B ||^2 + mu || V ||^2    C = G V - B    H = U3 V    q = C H'
//! grad_W = U1' (F o (q - <f_j, q_j>) + w o w o Z) U2
//! Hess_WW = sum_j a_j a_j' (x) M_j        M_j = N_j N_j' + U2' S_j U2 + U2' diag(w_j^2) U2        N_j = U2' P_j H
//! S_j = diag(f o q) - <f, q> diag(f) - (f o q) f' - f (f o q)' + 2 <f, q> f f'        P_j = diag(f_j) - f_j f_j'
//! Hess_WV_i = sum_j a_j (x) ( N_j[:, i] g_j' + C_ji U2' P_j U3 )        Hess_VV = (G'G + mu) (x) I
//! Hess f = Hess_WW - Hess_WV Hess_VV^-1 Hess_VW        Gauss-Newton: without S_j and without C_ji
//! ```

use nalgebra::{DMatrix, DVector};

use crate::production::EvaluationError;
use crate::production::systems::attention::coordinates::{Coordinates, Decomposition};
use crate::production::systems::curvature::Curvature;
use crate::system::by_rows;

/// Everything known at a W.
pub(super) struct Point {
    /// W.
    w: DMatrix<f64>,
    /// F (n x n).
    pub(super) attention: DMatrix<f64>,
    /// V (rank of A3 x m).
    pub(super) values: DMatrix<f64>,
    /// `G E` with `E E' = (G'G + mu)^+` (n x rank of G).
    pub(super) seen: DMatrix<f64>,
    /// E (rank of A3 x rank of G).
    pub(super) root: DMatrix<f64>,
    /// C (n x m).
    pub(super) residual: DMatrix<f64>,
    /// H (n x m).
    pub(super) outputs: DMatrix<f64>,
    pub(super) loss: f64,
    /// grad_W, row by row.
    pub(super) gradient: DVector<f64>,
    /// `|| grad L ||` in X and Y.
    pub(super) gradient_norm: f64,
    /// The largest range of a row of Z.
    pub(super) spread: f64,
}

impl Point {
    /// Everything at W.
    pub(super) fn new(of: &Coordinates, w: &DMatrix<f64>) -> Result<Self, EvaluationError> {
        let logits = logits(of, w);
        let attention = softmax_of_rows(&logits)?;
        let mixed = &attention * &of.third.range;
        let (values, root) = eliminate(&mixed, &of.target, of.ridge)?;
        let residual = &mixed * &values - &of.target;
        let outputs = &of.third.range * &values;
        let weighted = of.weights.as_ref().map(|w2| w2.component_mul(&logits));
        let mut loss = residual.norm_squared() + of.ridge * values.norm_squared();
        if let Some(weighted) = &weighted {
            loss += weighted.dot(&logits);
        }
        loss *= 0.5;
        if !loss.is_finite() {
            return Err(EvaluationError::Overflow {
                quantity: "loss",
                index: 0,
                value: loss,
            });
        }
        let pull = &residual * outputs.transpose();
        let mut slope = through_softmax(&attention, &pull, -1.0);
        if let Some(weighted) = &weighted {
            slope += weighted;
        }
        let project =
            |matrix: &DMatrix<f64>| of.first.range.transpose() * matrix * &of.second.range;
        let in_w = project(&slope);
        let in_v = mixed.transpose() * &residual + of.ridge * &values;
        let gradient_norm = of.norm_in_x(&in_w).hypot(of.norm_in_y(&in_v));
        let spread = logits
            .row_iter()
            .map(|row| row.max() - row.min())
            .fold(0.0, f64::max);
        Ok(Self {
            w: w.clone(),
            seen: &mixed * &root,
            attention,
            values,
            root,
            residual,
            outputs,
            loss,
            gradient: DVector::from_vec(by_rows(&in_w)),
            gradient_norm,
            spread,
        })
    }

    /// The number of directions of V that G sees.
    pub(super) fn rank(&self) -> usize {
        self.root.ncols()
    }

    /// A bound of first order on the rounding of `|| grad L ||`: one unit for each operation, times the sizes of the terms; the
    /// rounding of the logits enters the attention as a relative error.
    pub(super) fn rounding(&self, of: &Coordinates) -> f64 {
        let sizes = |matrix: &DMatrix<f64>| matrix.map(f64::abs);
        let (left, right) = (sizes(&of.first.range), sizes(&of.second.range));
        let reach = (&left * sizes(&self.w) * right.transpose()).max();
        let (n, m) = of.target.shape();
        let operations = (n + m + of.third.rank() + self.w.nrows() + self.w.ncols()) as f64;
        let unit = 0.5 * f64::EPSILON * operations * (1.0 + reach);
        let outputs = sizes(&self.outputs);
        let residual = &self.attention * &outputs + sizes(&of.target);
        let pull = &residual * outputs.transpose();
        let mut slope = through_softmax(&self.attention, &pull, 1.0);
        if let Some(w2) = &of.weights {
            slope += sizes(&w2.component_mul(&logits(of, &self.w)));
        }
        let in_w = left.transpose() * slope * right;
        let in_v = (&self.attention * sizes(&of.third.range)).transpose() * residual
            + of.ridge * sizes(&self.values);
        unit * of.norm_in_x(&in_w).hypot(of.norm_in_y(&in_v))
    }

    /// Second derivatives of the reduced loss in W, row by row.
    pub(super) fn curvature(&self, of: &Coordinates, which: Curvature) -> DMatrix<f64> {
        let (n, m) = self.residual.shape();
        let (left, right) = (&of.first.range, &of.second.range);
        let (p, q) = (left.ncols(), right.ncols());
        let exact = which == Curvature::Exact;
        let rank = self.rank();
        // Of each token, row by row: M_j and N_j, and U2' P_j U3 E.
        let mut blocks = DMatrix::zeros(n, q * q);
        let mut slopes = DMatrix::zeros(n, q * m);
        let mut turns = DMatrix::zeros(if exact { n } else { 0 }, q * rank);
        let values = &of.third.range * &self.root;
        for j in 0..n {
            let f = self.attention.row(j).transpose();
            let weighted = scaled_rows(right, &f).transpose();
            let mean = right.tr_mul(&f);
            let slope = &weighted * &self.outputs - &mean * (f.transpose() * &self.outputs);
            let mut block = &slope * slope.transpose();
            if exact {
                let pull = (self.residual.row(j) * self.outputs.transpose()).transpose();
                let inner = f.dot(&pull);
                let both = f.component_mul(&pull);
                let bent = right.tr_mul(&both);
                block += scaled_rows(right, &(&both - &f * inner)).transpose() * right;
                block -= &bent * mean.transpose() + &mean * bent.transpose();
                block += (2.0 * inner) * &mean * mean.transpose();
                let turn = &weighted * &values - &mean * (f.transpose() * &values);
                turns.row_mut(j).copy_from_slice(turn.as_slice());
            }
            if let Some(w2) = &of.weights {
                let w2 = w2.row(j).transpose();
                block += scaled_rows(right, &w2).transpose() * right;
            }
            blocks.row_mut(j).copy_from_slice(block.as_slice());
            slopes.row_mut(j).copy_from_slice(slope.as_slice());
        }
        let pairs = DMatrix::from_fn(n, p * p, |j, ab| left[(j, ab / p)] * left[(j, ab % p)]);
        let sums = pairs.transpose() * &blocks;
        let mut hessian = DMatrix::from_fn(p * q, p * q, |row, column| {
            sums[((row / q) * p + column / q, (row % q) + (column % q) * q)]
        });
        let mut coupling = DMatrix::zeros(p * q, rank * m);
        for e in 0..rank {
            // Of each token, over (direction of W's columns, output).
            let layer = DMatrix::from_fn(n, q * m, |j, at| {
                let (direction, output) = (at % q, at / q);
                let mut entry = slopes[(j, at)] * self.seen[(j, e)];
                if exact {
                    entry += self.residual[(j, output)] * turns[(j, direction + e * q)];
                }
                entry
            });
            let sums = left.transpose() * layer;
            for a in 0..p {
                for output in 0..m {
                    for direction in 0..q {
                        coupling[(a * q + direction, e * m + output)] =
                            sums[(a, direction + output * q)];
                    }
                }
            }
        }
        hessian -= &coupling * coupling.transpose();
        0.5 * (&hessian + hessian.transpose())
    }
}

/// `U1 W U2'` (n x n).
fn logits(of: &Coordinates, w: &DMatrix<f64>) -> DMatrix<f64> {
    &of.first.range * w * of.second.range.transpose()
}

/// Each row times its entry of `factors`.
fn scaled_rows(matrix: &DMatrix<f64>, factors: &DVector<f64>) -> DMatrix<f64> {
    let mut scaled = matrix.clone();
    for mut column in scaled.column_iter_mut() {
        column.component_mul_assign(factors);
    }
    scaled
}

fn softmax_of_rows(logits: &DMatrix<f64>) -> Result<DMatrix<f64>, EvaluationError> {
    let mut attention = logits.clone();
    for (index, mut row) in attention.row_iter_mut().enumerate() {
        let largest = row.max();
        if !row.iter().all(|entry| entry.is_finite()) {
            return Err(EvaluationError::Overflow {
                quantity: "logits of token",
                index,
                value: largest,
            });
        }
        row.apply(|entry| *entry = (*entry - largest).exp());
        let sum = row.sum();
        row /= sum;
    }
    Ok(attention)
}

/// `f_jk (q_jk + sign <f_j, q_j>)`: the derivative with -1, the sizes of its terms with 1.
pub(super) fn through_softmax(
    attention: &DMatrix<f64>,
    pull: &DMatrix<f64>,
    sign: f64,
) -> DMatrix<f64> {
    let mut slope = attention.component_mul(pull);
    let means = slope.column_sum();
    for (mut column, f) in slope.column_iter_mut().zip(attention.column_iter()) {
        column.zip_zip_apply(&f, &means, |entry, f, mean| *entry += sign * f * mean);
    }
    slope
}

/// V and E: `V = argmin || G V - B ||^2 + mu || V ||^2`, of least norm, and `E E' = (G'G + mu)^+`.
fn eliminate(
    mixed: &DMatrix<f64>,
    target: &DMatrix<f64>,
    ridge: f64,
) -> Result<(DMatrix<f64>, DMatrix<f64>), EvaluationError> {
    let svd = Decomposition::of(mixed.clone()).ok_or(EvaluationError::NotFinite {
        part: "F A3",
        index: 0,
        value: f64::NAN,
    })?;
    let kept = if ridge > 0.0 {
        (0..svd.sizes.len()).collect()
    } else {
        svd.visible(mixed.nrows().max(mixed.ncols()))
    };
    let sizes: Vec<f64> = kept.iter().map(|k| svd.sizes[*k]).collect();
    let back = svd.v_t.select_rows(&kept).transpose();
    let mut seen = svd.u.select_columns(&kept).transpose() * target;
    for (mut row, size) in seen.row_iter_mut().zip(&sizes) {
        row *= size / (size * size + ridge);
    }
    let values = &back * seen;
    let mut root = back;
    for (mut column, size) in root.column_iter_mut().zip(&sizes) {
        column /= (size * size + ridge).sqrt();
    }
    Ok((values, root))
}
