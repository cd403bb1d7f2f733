//! Weighted low-rank approximation with one factor eliminated.
//!
//! ```text
//! L = 0.5 sum_ij omega_ij (M_ij - <x_i, y_j>)^2, omega = W o W        kept: Y (p x k), orthonormal    eliminated: X (q x k)
//! G_i = sum_j omega_ij y_j y_j'        x_i = G_i^+ sum_j omega_ij M_ij y_j        all G_i by one product
//! ```
//!
//! The smaller side is kept, so M is transposed where it has more columns than rows. W and M are divided by their largest
//! entries first: squares neither overflow nor vanish.

use nalgebra::{DMatrix, DVector, SymmetricEigen};

use crate::production::EvaluationError;
use crate::production::systems::error::Refusal;
use crate::system::{Given, by_rows};

/// A problem in the orientation and scale that it is solved in.
pub(super) struct Problem {
    /// Squared weights over the largest (q x p).
    pub(super) omega: DMatrix<f64>,
    /// M over its largest entry that counts, 0 where nothing counts (q x p).
    pub(super) target: DMatrix<f64>,
    /// k.
    pub(super) rank: usize,
    /// Whether M was transposed: X is kept then.
    pub(super) transposed: bool,
    largest_weight: f64,
    largest_entry: f64,
}

/// Everything known at a kept factor.
pub(super) struct Point {
    /// The kept factor (p x k).
    pub(super) kept: DMatrix<f64>,
    /// The eliminated one (q x k).
    pub(super) eliminated: DMatrix<f64>,
    /// `X Y' - M` (q x p).
    pub(super) residual: DMatrix<f64>,
    /// `E_i E_i' = G_i^+` for each row of the eliminated factor (k x rank of G_i).
    pub(super) roots: Vec<DMatrix<f64>>,
    /// The scaled loss.
    pub(super) loss: f64,
    /// Its gradient in the kept factor, row by row.
    pub(super) gradient: DVector<f64>,
}

/// A part of a Gram matrix's largest weight below which an eigenvalue is rounding: the root of the unit, because the
/// matrix is made of squares, would hide rows that are only ill-conditioned; this is what the sums themselves lose.
const FLAT: f64 = 16.0 * f64::EPSILON;

impl Problem {
    /// The arrays of a manifest; refused if the rank does not fit or the loss leaves f64.
    pub(super) fn new(given: &Given) -> Result<Self, Refusal> {
        let (rows, columns, rank) = (given.size("n"), given.size("m"), given.size("k"));
        if rank > rows.min(columns) {
            return Err(Refusal::Rank {
                rank,
                rows,
                columns,
            });
        }
        let transposed = columns > rows;
        let turned = |matrix: DMatrix<f64>| {
            if transposed {
                matrix.transpose()
            } else {
                matrix
            }
        };
        let weights = turned(given.matrix("W", "n", "m"));
        let target = turned(given.matrix("M", "n", "m"))
            .zip_map(&weights, |m, w| if w == 0.0 { 0.0 } else { m });
        let positive = |largest: f64| if largest > 0.0 { largest } else { 1.0 };
        let largest_weight = positive(weights.amax());
        let largest_entry = positive(target.amax());
        let problem = Self {
            omega: weights.map(|w| (w / largest_weight).powi(2)),
            target: target / largest_entry,
            rank,
            transposed,
            largest_weight,
            largest_entry,
        };
        let loss = problem.scale_of_loss();
        if !loss.is_normal() {
            return Err(Refusal::Scale { value: loss });
        }
        Ok(problem)
    }

    /// The same with the roles of the factors exchanged, in the same scale.
    pub(super) fn turned(&self) -> Self {
        Self {
            omega: self.omega.transpose(),
            target: self.target.transpose(),
            transposed: !self.transposed,
            ..*self
        }
    }

    fn scale_of_loss(&self) -> f64 {
        (self.largest_weight * self.largest_entry).powi(2)
    }

    /// The kept factor that a run begins with: that of a given point, or one of its own.
    pub(super) fn start(&self, point: Option<&[f64]>, seed: u64) -> DMatrix<f64> {
        match point {
            Some(x) => self.kept_of(x),
            None => self.default_start(seed),
        }
    }

    /// A kept factor by the left singular space of `(W o W o M)'`: power iteration on k columns of the identity's like.
    fn default_start(&self, seed: u64) -> DMatrix<f64> {
        const SWEEPS: usize = 30;
        let weighted = self.omega.component_mul(&self.target);
        let transposed = weighted.transpose();
        let mut stream = crate::instance::sample::stream(seed, "weighted-low-rank/start", 0);
        let p = self.target.ncols();
        let mut kept = orthonormal(DMatrix::from_fn(p, self.rank, |_, _| {
            crate::instance::sample::dyadic(&mut stream, 1)
        }));
        for _ in 0..SWEEPS {
            kept = orthonormal(&transposed * (&weighted * kept));
        }
        kept
    }

    /// The kept factor as the solver holds it, from a point of the system's layout.
    fn kept_of(&self, x: &[f64]) -> DMatrix<f64> {
        let (q, p) = self.target.shape();
        let (n, m) = if self.transposed { (p, q) } else { (q, p) };
        let (left, right) = x.split_at(n * self.rank);
        orthonormal(if self.transposed {
            DMatrix::from_row_slice(n, self.rank, left)
        } else {
            DMatrix::from_row_slice(m, self.rank, right)
        })
    }

    /// Both factors by the system's layout, in its scale.
    pub(super) fn unknowns(&self, point: &Point) -> Vec<f64> {
        let eliminated = &point.eliminated * self.largest_entry;
        let (x, y) = if self.transposed {
            (&point.kept, &eliminated)
        } else {
            (&eliminated, &point.kept)
        };
        [by_rows(x), by_rows(y)].concat()
    }

    /// Everything at a kept factor.
    pub(super) fn at(&self, kept: DMatrix<f64>) -> Result<Point, EvaluationError> {
        let (eliminated, roots) = self.eliminate(&kept);
        self.point(kept, eliminated, roots)
    }

    /// The other factor at its best, and roots of the pseudo-inverses of its rows' Gram matrices.
    pub(super) fn eliminate(&self, kept: &DMatrix<f64>) -> (DMatrix<f64>, Vec<DMatrix<f64>>) {
        let omega = &self.omega;
        let (q, k) = (self.target.nrows(), self.rank);
        let grams = omega * squares(kept);
        let right = omega.component_mul(&self.target) * kept;
        let mut eliminated = DMatrix::zeros(q, k);
        let mut roots = Vec::with_capacity(q);
        for i in 0..q {
            let gram = DMatrix::from_fn(k, k, |a, b| grams[(i, a * k + b)]);
            let root = pseudo_root(gram, omega.row(i).amax() * (omega.ncols() as f64) * FLAT);
            let row = right.row(i) * &root * root.transpose();
            eliminated.row_mut(i).copy_from(&row);
            roots.push(root);
        }
        (eliminated, roots)
    }

    fn point(
        &self,
        kept: DMatrix<f64>,
        eliminated: DMatrix<f64>,
        roots: Vec<DMatrix<f64>>,
    ) -> Result<Point, EvaluationError> {
        let residual = &eliminated * kept.transpose() - &self.target;
        let weighted = self.omega.component_mul(&residual);
        let loss = 0.5 * weighted.dot(&residual);
        let gradient = DVector::from_vec(by_rows(&(weighted.transpose() * &eliminated)));
        let all = std::iter::once(&loss).chain(gradient.iter());
        if let Some((index, value)) = all.enumerate().find(|(_, value)| !value.is_finite()) {
            return Err(EvaluationError::Overflow {
                quantity: "loss and gradient",
                index,
                value: *value,
            });
        }
        Ok(Point {
            kept,
            eliminated,
            residual,
            roots,
            loss,
            gradient,
        })
    }

    /// A number in the scale of the loss, or a norm of its gradient, in the system's scale. Differences of the smallest
    /// numbers must not depend on the scale, so the search itself never sees it.
    pub(super) fn shown(&self, number: f64) -> f64 {
        number * self.scale_of_loss()
    }

    /// The norm of the gradient in both factors, over the scale of the loss.
    pub(super) fn gradient_norm(&self, point: &Point) -> f64 {
        let in_eliminated = self.omega.component_mul(&point.residual) * &point.kept;
        self.of_both(point.gradient.norm(), in_eliminated.norm())
    }

    /// The rounding level of [`gradient_norm`](Self::gradient_norm): each entry of the gradient is a sum of products of an entry of
    /// `X Y' - M`, itself a sum of k products; one unit for each addition and product, times the sizes of the terms.
    pub(super) fn rounding(&self, point: &Point) -> f64 {
        let (eliminated, kept) = (point.eliminated.map(f64::abs), point.kept.map(f64::abs));
        let sizes = &eliminated * kept.transpose() + self.target.map(f64::abs);
        let sizes = self.omega.component_mul(&sizes);
        let of_kept = sizes.transpose() * &eliminated;
        let of_eliminated = &sizes * &kept;
        let units = |terms: usize| (terms + self.rank + 4) as f64 * 0.5 * f64::EPSILON;
        let (q, p) = self.target.shape();
        self.of_both(units(q) * of_kept.norm(), units(p) * of_eliminated.norm())
    }

    /// The norm of a gradient from those in the kept and the eliminated factor.
    fn of_both(&self, kept: f64, eliminated: f64) -> f64 {
        kept.hypot(eliminated / self.largest_entry)
    }

    /// The largest `||x_i|| / max_j |M_ij|` over the rows that have entries: at most `sqrt(p)` where all weights are alike.
    pub(super) fn growth(&self, point: &Point) -> (f64, usize) {
        let mut worst = (0.0, 0);
        for i in 0..self.target.nrows() {
            let size = self.target.row(i).amax();
            if size > 0.0 {
                let growth = point.eliminated.row(i).norm() / size;
                if growth > worst.0 {
                    worst = (growth, i);
                }
            }
        }
        worst
    }

    /// Sentences about rows and columns of M whose factor rows are not determined by their entries.
    pub(super) fn undetermined(&self, point: &Point) -> Vec<String> {
        let mut sides = [("X", "row"), ("Y", "column")];
        if self.transposed {
            sides.reverse();
        }
        let [(eliminated_name, eliminated_side), (kept_name, kept_side)] = sides;
        let mut sentences = Vec::new();
        let eliminated: Vec<usize> = (0..self.target.nrows())
            .filter(|i| point.roots[*i].ncols() < self.rank)
            .collect();
        if let Some(first) = eliminated.first() {
            sentences.push(format!(
                "{} of {} rows of {} are not determined by their entries, the first is {} {first}: they are those of least norm",
                eliminated.len(),
                self.target.nrows(),
                eliminated_name,
                eliminated_side,
            ));
        }
        let unseen: Vec<usize> = (0..self.target.ncols())
            .filter(|j| self.omega.column(*j).amax() == 0.0)
            .collect();
        if let Some(first) = unseen.first() {
            sentences.push(format!(
                "{} of {} rows of {} have no weight at all, the first is {} {first}: they are as the search left them",
                unseen.len(),
                self.target.ncols(),
                kept_name,
                kept_side,
            ));
        }
        sentences
    }
}

/// `y_ja y_jb` in column `a k + b` (p x k^2).
fn squares(factor: &DMatrix<f64>) -> DMatrix<f64> {
    let k = factor.ncols();
    DMatrix::from_fn(factor.nrows(), k * k, |j, ab| {
        factor[(j, ab / k)] * factor[(j, ab % k)]
    })
}

/// `sum_i omega_ij x_i x_i'` for each column j, as the rows of a p x k^2 matrix.
pub(super) fn blocks(problem: &Problem, point: &Point) -> DMatrix<f64> {
    problem.omega.transpose() * squares(&point.eliminated)
}

/// E with `E E' = G^+`, eigenvalues up to `threshold` counted as zero (k x rank).
fn pseudo_root(gram: DMatrix<f64>, threshold: f64) -> DMatrix<f64> {
    let eigen = SymmetricEigen::new(gram);
    let kept: Vec<usize> = (0..eigen.eigenvalues.len())
        .filter(|a| eigen.eigenvalues[*a] > threshold)
        .collect();
    DMatrix::from_fn(eigen.eigenvectors.nrows(), kept.len(), |row, a| {
        eigen.eigenvectors[(row, kept[a])] / eigen.eigenvalues[kept[a]].sqrt()
    })
}

/// Orthonormal columns of the same span, or of one that contains it.
pub(super) fn orthonormal(matrix: DMatrix<f64>) -> DMatrix<f64> {
    matrix.qr().q()
}
