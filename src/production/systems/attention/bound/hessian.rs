//! Gradient and Hessian of the whole loss in changes D of whitened X and E of whitened Y, enclosed, around any X and Y.
//!
//! ```text
//! U1 = A1 T1    U2 = (A2 - 1 c') T2    U3 = A3 T3    Z = A1 X A2'    F = softmax(Z)    H = A3 Y    C = F H - B    G = F U3    q = C H'
//! grad_D = U1' (F o (q - <f_j, q_j>) + w o w o Z) U2        grad_E = U3' (F' C + mu H)
//! Hess_DD = sum_j a_j a_j' (x) M_j        M_j = N_j N_j' + U2' (S_j + diag(w_j^2)) U2        N_j = U2' P_j H
//! Hess_DE_i = sum_j a_j (x) (N_j[:, i] g_j' + C_ji U2' P_j U3)        Hess_EE = (G'G + mu U3'U3) (x) I
//! ```
//!
//! c are means of columns, as computed, where there are no weights: no softmax sees it.

use nalgebra::DMatrix;

use crate::production::systems::attention::coordinates::Coordinates;
use crate::scalar::Ball;
use crate::system::Given;

use super::enclosed::Enclosed;

/// Everything around a point.
pub(super) struct Around {
    /// U1, U2, U3.
    pub(super) ranges: [Enclosed; 3],
    /// F (n x n).
    attention: Enclosed,
    /// H (n x m).
    pub(super) outputs: Enclosed,
    /// C (n x m).
    pub(super) residual: Enclosed,
    /// G (n x rank of A3).
    pub(super) mixed: Enclosed,
    /// q (n x n).
    pull: Enclosed,
    /// Z and `w o w`, where there are weights.
    weighted: Option<(Enclosed, Enclosed)>,
    /// mu.
    ridge: Ball<f64>,
}

impl Around {
    /// Around X and Y, row by row in one vector, with the T1, T2, T3 that lead back.
    pub(super) fn new(
        given: &Given,
        of: &Coordinates,
        back: &[DMatrix<f64>; 3],
        point: &[f64],
    ) -> Self {
        let [d1, d2, d3, m] = ["d1", "d2", "d3", "m"].map(|side| given.size(side));
        let array = |name: &str, columns: &str| Enclosed::exact(given.matrix(name, "n", columns));
        let (a1, a2, a3) = (array("A1", "d1"), array("A2", "d2"), array("A3", "d3"));
        let (x, y) = point.split_at(d1 * d2);
        let x = Enclosed::exact(DMatrix::from_row_slice(d1, d2, x));
        let y = Enclosed::exact(DMatrix::from_row_slice(d3, m, y));
        let logits = a1.times(&x).times(&a2.transposed());
        let attention = logits.softmax_of_rows();
        let outputs = a3.times(&y);
        let residual = attention.times(&outputs).minus(&array("B", "m"));
        let keys = if of.weights.is_some() {
            a2
        } else {
            let mean = a2.mid.row_mean();
            let means = DMatrix::from_fn(a2.mid.nrows(), d2, |_, k| mean[k]);
            a2.minus(&Enclosed::exact(means))
        };
        let [t1, t2, t3] = back.clone().map(Enclosed::exact);
        let ranges = [a1.times(&t1), keys.times(&t2), a3.times(&t3)];
        let weighted = of.weights.is_some().then(|| {
            let weights = Enclosed::exact(given.matrix("weights", "n", "n"));
            (logits, weights.hadamard(&weights))
        });
        Self {
            mixed: attention.times(&ranges[2]),
            pull: residual.times(&outputs.transposed()),
            ranges,
            attention,
            outputs,
            residual,
            weighted,
            ridge: Ball::exact(of.ridge),
        }
    }

    /// The gradient, the entries of grad_D and grad_E in one column.
    pub(super) fn gradient(&self) -> Enclosed {
        let [left, right, values] = &self.ranges;
        let mut slope = self.attention.hadamard(&self.centred_pull());
        if let Some((logits, squares)) = &self.weighted {
            slope = slope.plus(&squares.hadamard(logits));
        }
        let in_d = left.transposed().times(&slope).times(right);
        let mixed = self.attention.transposed().times(&self.residual);
        let in_e = values
            .transposed()
            .times(&mixed.plus(&self.outputs.scaled(self.ridge)));
        let entries = |pick: fn(&Enclosed) -> &DMatrix<f64>| {
            let both = pick(&in_d).iter().chain(pick(&in_e).iter());
            DMatrix::from_iterator(in_d.mid.len() + in_e.mid.len(), 1, both.copied())
        };
        Enclosed {
            mid: entries(|matrix| &matrix.mid),
            rad: entries(|matrix| &matrix.rad),
        }
    }

    /// `q - <f_j, q_j>`.
    fn centred_pull(&self) -> Enclosed {
        let n = self.pull.mid.nrows();
        let ones = Enclosed::exact(DMatrix::from_element(n, 1, 1.0));
        let means = self.attention.hadamard(&self.pull).times(&ones);
        self.pull.minus(&means.times(&ones.transposed()))
    }

    /// The Hessian, D row by row and then E row by row.
    pub(super) fn hessian(&self) -> Enclosed {
        let [left, right, values] = &self.ranges;
        let (n, m) = self.residual.mid.shape();
        let (p, q, r) = (left.mid.ncols(), right.mid.ncols(), values.mid.ncols());
        let centred = self.centred_pull();
        let mut blocks = Enclosed::exact(DMatrix::zeros(n, q * q));
        let mut slopes = Enclosed::exact(DMatrix::zeros(n, q * m));
        let mut turns = Enclosed::exact(DMatrix::zeros(n, q * r));
        for j in 0..n {
            let f = self.attention.row(j);
            let weighted = right.rows_scaled(&f).transposed();
            let mean = right.transposed().times(&f);
            let turned = |columns: &Enclosed| {
                let means = f.transposed().times(columns);
                weighted.times(columns).minus(&mean.times(&means))
            };
            let slope = turned(&self.outputs);
            let turn = turned(values);
            // S = diag(f o k) - (f o k) f' - f (f o k)' for k = q - <f, q>.
            let both = f.hadamard(&centred.row(j));
            let bent = right.transposed().times(&both);
            let cross = bent.times(&mean.transposed());
            let mut diagonal = both;
            if let Some((_, squares)) = &self.weighted {
                diagonal = diagonal.plus(&squares.row(j));
            }
            let block = slope
                .times(&slope.transposed())
                .plus(&right.transposed().times(&right.rows_scaled(&diagonal)))
                .minus(&cross.plus(&cross.transposed()));
            set_row(&mut blocks, j, &block);
            set_row(&mut slopes, j, &slope);
            set_row(&mut turns, j, &turn);
        }
        let mut pairs = Enclosed::exact(DMatrix::zeros(n, p * p));
        for j in 0..n {
            let a = left.row(j);
            set_row(&mut pairs, j, &a.times(&a.transposed()));
        }
        let sums = pairs.transposed().times(&blocks);
        let across = left.transposed();
        // Of each direction e of E: the sums over tokens, over D's rows and over (D's columns, outputs).
        let mixed: Vec<Enclosed> = (0..r)
            .map(|e| {
                let layer = Enclosed::of_balls(n, q * m, |j, at| {
                    let (a, i) = (at % q, at / q);
                    slopes.ball(j, at) * self.mixed.ball(j, e)
                        + self.residual.ball(j, i) * turns.ball(j, a + e * q)
                });
                across.times(&layer)
            })
            .collect();
        let cross =
            |row: usize, column: usize| mixed[column / m].ball(row / q, row % q + (column % m) * q);
        let own = self
            .mixed
            .transposed()
            .times(&self.mixed)
            .plus(&values.transposed().times(values).scaled(self.ridge));
        let split = p * q;
        let entry = |row: usize, column: usize| -> Ball<f64> {
            match (row < split, column < split) {
                (true, true) => {
                    sums.ball((row / q) + (column / q) * p, (row % q) + (column % q) * q)
                }
                (true, false) => cross(row, column - split),
                (false, true) => cross(column, row - split),
                (false, false) => {
                    let (row, column) = (row - split, column - split);
                    if row % m == column % m {
                        own.ball(row / m, column / m)
                    } else {
                        Ball::exact(0.0)
                    }
                }
            }
        };
        let order = split + r * m;
        let mut hessian = Enclosed::exact(DMatrix::zeros(order, order));
        for column in 0..order {
            for row in column..order {
                let ball = entry(row, column);
                for at in [(row, column), (column, row)] {
                    hessian.mid[at] = ball.midpoint();
                    hessian.rad[at] = ball.radius();
                }
            }
        }
        hessian
    }
}

/// A matrix, column by column, as a row of another.
fn set_row(rows: &mut Enclosed, j: usize, matrix: &Enclosed) {
    rows.mid.row_mut(j).copy_from_slice(matrix.mid.as_slice());
    rows.rad.row_mut(j).copy_from_slice(matrix.rad.as_slice());
}
