//! Closed forms of weighted low-rank approximation at 40 digits. The oracle, which decides, knows none of them.
//!
//! Letters: `omega = W o W`, `R = X Y' - M` (0 where an entry is hidden), `D_i = diag(W_i)`.

use nalgebra::{DMatrix, DVector};

use crate::claims::tools::exact::unit;
use crate::claims::{Case, CheckError};
use crate::oracle::{Evaluation, Reference, lift_matrix, lift_vector};
use crate::scalar::{Allowance, High};
use crate::system::Given;

/// An instance and one point.
#[derive(Clone, Debug)]
pub struct Model {
    /// `M` (n x m), 0 where it is hidden.
    pub target: DMatrix<High>,
    /// `W` (n x m).
    pub weights: DMatrix<High>,
    /// `X` (n x k).
    pub x: DMatrix<High>,
    /// `Y` (m x k).
    pub y: DMatrix<High>,
}

impl Model {
    /// The case at its first point.
    pub fn of(case: &Case<Given>) -> Self {
        let given = &case.instance;
        let weights = given.matrix("W", "n", "m");
        let target = given
            .matrix("M", "n", "m")
            .zip_map(&weights, |m, w| if w == 0.0 { 0.0 } else { m });
        let (x, y) = unknowns(given, &point(case));
        Self {
            target: lift_matrix(&target),
            weights: lift_matrix(&weights),
            x,
            y,
        }
    }

    /// `omega` (n x m).
    pub fn squares(&self) -> DMatrix<High> {
        self.weights.component_mul(&self.weights)
    }

    /// `R` (n x m).
    pub fn residual(&self) -> DMatrix<High> {
        &self.x * self.y.transpose() - &self.target
    }

    /// Magnitudes of the terms of `R` (n x m).
    pub fn residual_sizes(&self) -> DMatrix<High> {
        self.x.abs() * self.y.abs().transpose() + self.target.abs()
    }

    /// One rounding for each of the `64 (n + m + k)` operations behind an entry, at most.
    pub fn roundings(&self) -> Allowance<High> {
        let terms = self.x.nrows() + self.y.nrows() + self.x.ncols();
        Allowance::new(
            High::int(64 * terms as i64) * unit(),
            "64 (n + m + k) roundings of the terms",
        )
    }

    /// `Y' diag(row i of weights) Y` and `Y' diag(row i of weights) M_i`: the normal equations of a row.
    pub fn normal_equations(
        &self,
        weights: &DMatrix<High>,
        i: usize,
    ) -> (DMatrix<High>, DVector<High>) {
        let diagonal = DMatrix::from_diagonal(&weights.row(i).transpose());
        let weighted = self.y.tr_mul(&diagonal);
        (
            &weighted * &self.y,
            weighted * self.target.row(i).transpose(),
        )
    }

    /// The Hessian over the entries of X and of Y, each row by row: `Hess_x_i,x_i = Y' D_i^2 Y`,
    /// `Hess_y_j,y_j = X' diag(omega_j) X`, `Hess_x_i,y_j = omega_ij (y_j x_i' + R_ij I)`; without the residual's part if so asked.
    pub fn hessian(&self, with_residual: bool) -> DMatrix<High> {
        let residual = if with_residual {
            self.residual()
        } else {
            self.target.map(|_| High::ZERO)
        };
        blocks(&self.squares(), &self.x, &self.y, &residual)
    }

    /// Magnitudes of the terms of the Hessian.
    pub fn hessian_sizes(&self) -> DMatrix<High> {
        let (x, y) = (self.x.abs(), self.y.abs());
        blocks(&self.squares(), &x, &y, &self.residual_sizes())
    }
}

fn blocks(
    squares: &DMatrix<High>,
    x: &DMatrix<High>,
    y: &DMatrix<High>,
    residual: &DMatrix<High>,
) -> DMatrix<High> {
    let (n, m, k) = (x.nrows(), y.nrows(), x.ncols());
    let mut hessian = DMatrix::from_element((n + m) * k, (n + m) * k, High::ZERO);
    for i in 0..n {
        for j in 0..m {
            let weight = squares[(i, j)];
            for a in 0..k {
                for b in 0..k {
                    let (row, column) = (i * k + a, (n + j) * k + b);
                    let diagonal = if a == b { residual[(i, j)] } else { High::ZERO };
                    let mixed = weight * (y[(j, a)] * x[(i, b)] + diagonal);
                    hessian[(row, column)] = mixed;
                    hessian[(column, row)] = mixed;
                    hessian[(row, i * k + b)] += weight * y[(j, a)] * y[(j, b)];
                    hessian[((n + j) * k + a, column)] += weight * x[(i, a)] * x[(i, b)];
                }
            }
        }
    }
    hessian
}

/// The first point at 40 digits.
pub fn point(case: &Case<Given>) -> DVector<High> {
    lift_vector(&DVector::from_vec(case.instance.start()))
}

/// X and Y out of the vector of all unknowns.
pub fn unknowns(given: &Given, point: &DVector<High>) -> (DMatrix<High>, DMatrix<High>) {
    let [n, m, k] = ["n", "m", "k"].map(|dimension| given.size(dimension));
    let (x, y) = point.as_slice().split_at(n * k);
    (
        DMatrix::from_row_slice(n, k, x),
        DMatrix::from_row_slice(m, k, y),
    )
}

/// The vector of all unknowns out of X and Y.
pub fn flat(x: &DMatrix<High>, y: &DMatrix<High>) -> DVector<High> {
    // nalgebra's iterators go column by column.
    let (x, y) = (x.transpose(), y.transpose());
    DVector::from_iterator(x.len() + y.len(), x.iter().chain(y.iter()).copied())
}

/// Loss, gradient and Hessian of a case at its first point, from the oracle.
pub fn evaluation(case: &Case<Given>) -> Result<Evaluation, CheckError> {
    Ok(Reference::of(&case.instance)?.evaluate(&point(case))?)
}
