//! Weighted low-rank approximation with one factor eliminated.
//!
//! ```text
//! L = 0.5 sum_ij omega_ij (M_ij - <x_i, y_j>)^2, omega = W o W        kept: Y (p x k), orthonormal    eliminated: X (q x k)
//! G_i = sum_j omega_ij y_j y_j'        x_i = G_i^+ sum_j omega_ij M_ij y_j        all G_i by one product
//! ```
//!
//! The smaller side is kept, so M is transposed where it has more columns than rows. W and M are divided by their largest
//! entries first: squares neither overflow nor vanish.

use std::borrow::Cow;

use nalgebra::{DMatrix, DVector};
use rayon::prelude::*;

use super::passes::{Padded, add_product, over_columns, rows_times};
use super::root::{MANY, Root};
use crate::instance::row_major::LINE;
use crate::production::EvaluationError;
use crate::production::summation::norm;
use crate::production::systems::error::Refusal;
use crate::system::{Array, Given, by_rows};

/// A problem in the orientation and scale that it is solved in.
pub(super) struct Problem {
    /// Squared weights over the largest (q x p).
    pub(super) omega: DMatrix<f64>,
    /// M over its largest entry that counts, 0 where nothing counts (q x p).
    pub(super) target: DMatrix<f64>,
    /// Their product (q x p), and both omega and that by rows.
    weighted: DMatrix<f64>,
    by_rows: Side,
    /// k.
    pub(super) rank: usize,
    /// Whether M was transposed: X is kept then.
    pub(super) transposed: bool,
    largest_weight: f64,
    largest_entry: f64,
}

/// Squared weights, and M times them, by rows.
struct Side {
    omega: Vec<f64>,
    weighted: Vec<f64>,
}

/// What is known of a problem before it is built.
pub(super) struct Outline {
    /// Rows and columns in the orientation that it is solved in: q and p.
    pub(super) shape: (usize, usize),
    pub(super) rank: usize,
    transposed: bool,
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
    /// Of `G_i` for each row of the eliminated factor.
    pub(super) roots: Vec<Root>,
    /// The scaled loss.
    pub(super) loss: f64,
    /// Its gradient in the kept factor, row by row.
    pub(super) gradient: DVector<f64>,
    /// The norm of that in the eliminated factor, which is rounding where it is at its best.
    slope: f64,
}

/// A part of a Gram matrix's largest weight below which an eigenvalue is rounding: the root of the unit, because the
/// matrix is made of squares, would hide rows that are only ill-conditioned; this is what the sums themselves lose.
const FLAT: f64 = 16.0 * f64::EPSILON;

impl Outline {
    /// Of a manifest; refused if the rank does not fit or the loss leaves f64.
    pub(super) fn of(given: &Given) -> Result<Self, Refusal> {
        let (rows, columns, rank) = (given.size("n"), given.size("m"), given.size("k"));
        if rank > rows.min(columns) {
            return Err(Refusal::Rank {
                rank,
                rows,
                columns,
            });
        }
        let [weights, target] = ["W", "M"].map(|name| entries(given, name));
        let positive = |largest: f64| if largest > 0.0 { largest } else { 1.0 };
        let counted = target.iter().zip(weights.iter());
        let largest = |most: f64, m: f64| if m > most { m } else { most };
        let largest_entry = counted.fold(0.0, |most, (m, w)| {
            largest(most, if *w == 0.0 { 0.0 } else { m.abs() })
        });
        let outline = Self {
            shape: (rows.max(columns), rows.min(columns)),
            rank,
            transposed: columns > rows,
            largest_weight: positive(weights.iter().fold(0.0, |most, w| largest(most, w.abs()))),
            largest_entry: positive(largest_entry),
        };
        let loss = (outline.largest_weight * outline.largest_entry).powi(2);
        if !loss.is_normal() {
            return Err(Refusal::Scale { value: loss });
        }
        Ok(outline)
    }
}

/// The entries of an array as large as M, row by row.
fn entries<'a>(given: &'a Given, name: &str) -> Cow<'a, [f64]> {
    let whole = given.size("n") * given.size("m");
    match given.array(name).map(Array::values) {
        Some(values) if values.len() == whole => Cow::Borrowed(values),
        Some(_) | None => Cow::Owned(by_rows(&given.matrix(name, "n", "m"))),
    }
}

impl Problem {
    /// The arrays of a manifest; refused if the rank does not fit or the loss leaves f64.
    pub(super) fn new(given: &Given) -> Result<Self, Refusal> {
        let Outline {
            shape: (q, p),
            rank,
            transposed,
            largest_weight,
            largest_entry,
        } = Outline::of(given)?;
        let [weights, m] = ["W", "M"].map(|name| entries(given, name));
        let omega: Vec<f64> = weights
            .iter()
            .map(|w| (w / largest_weight).powi(2))
            .collect();
        let counted = m.iter().zip(weights.iter());
        let target: Vec<f64> = counted
            .map(|(m, w)| if *w == 0.0 { 0.0 } else { m / largest_entry })
            .collect();
        // Rows of M are columns of what is solved where M is transposed.
        let (columns, rows) = (given.size("m"), given.size("n"));
        let other = [&omega, &target].map(|entries| turned(entries, rows, columns));
        let (by_rows, by_columns) = if transposed {
            (other, [omega, target])
        } else {
            ([omega, target], other)
        };
        let products = |[omega, target]: &[Vec<f64>; 2]| -> Vec<f64> {
            omega.iter().zip(target).map(|(w, m)| w * m).collect()
        };
        let weighted = DMatrix::from_vec(q, p, products(&by_columns));
        let side = products(&by_rows);
        let [omega, target] = by_columns;
        let [omega_by_rows, _] = by_rows;
        Ok(Self {
            omega: DMatrix::from_vec(q, p, omega),
            target: DMatrix::from_vec(q, p, target),
            weighted,
            by_rows: Side {
                omega: omega_by_rows,
                weighted: side,
            },
            rank,
            transposed,
            largest_weight,
            largest_entry,
        })
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

    /// A kept factor by the left singular space of `(W o W o M)'`: power iteration on k columns of the identity's like, until it hardly
    /// moves.
    fn default_start(&self, seed: u64) -> DMatrix<f64> {
        const SWEEPS: usize = 30;
        const SETTLED: f64 = 1e-3;
        let mut stream = crate::instance::sample::stream(seed, "weighted-low-rank/start", 0);
        let (q, p) = self.target.shape();
        let mut kept = orthonormal(DMatrix::from_fn(p, self.rank, |_, _| {
            crate::instance::sample::dyadic(&mut stream, 1)
        }));
        for _ in 0..SWEEPS {
            let image = rows_times(&self.by_rows.weighted, p, &Padded::of(&kept));
            let back = rows_times(self.weighted.as_slice(), q, &image);
            let next = orthonormal(DMatrix::from_fn(p, self.rank, |j, a| back.row(j)[a]));
            let within = &kept * kept.tr_mul(&next);
            let moved = (&next - within).norm();
            kept = next;
            if moved <= SETTLED {
                break;
            }
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
    pub(super) fn eliminate(&self, kept: &DMatrix<f64>) -> (DMatrix<f64>, Vec<Root>) {
        eliminated(&self.by_rows.omega, &self.by_rows.weighted, kept)
    }

    /// The kept factor at its best for the eliminated one.
    pub(super) fn best_kept(&self, other: &DMatrix<f64>) -> DMatrix<f64> {
        eliminated(self.omega.as_slice(), self.weighted.as_slice(), other).0
    }

    /// Everything where both factors are known, and roots for the rows of the eliminated one.
    pub(super) fn point(
        &self,
        kept: DMatrix<f64>,
        eliminated: DMatrix<f64>,
        roots: Vec<Root>,
    ) -> Result<Point, EvaluationError> {
        let mut residual = DMatrix::zeros(self.target.nrows(), self.target.ncols());
        let slopes = self.slopes(&kept, &eliminated, false, residual.as_mut_slice());
        let Slopes {
            loss,
            of_kept,
            of_eliminated,
        } = slopes;
        let gradient = DVector::from_vec(of_kept);
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
            slope: norm(&of_eliminated),
        })
    }

    /// `X Y' - M` with what it makes of loss and gradient; or, `by_size`, `|X| |Y'| + |M|` with all signs positive. Its entries go to
    /// `places`, of which there may be none.
    fn slopes(
        &self,
        kept: &DMatrix<f64>,
        eliminated: &DMatrix<f64>,
        by_size: bool,
        places: &mut [f64],
    ) -> Slopes {
        let (q, p) = self.target.shape();
        let k = self.rank;
        let by_rows_of_kept = by_rows(kept);
        let turned = Padded::transposed(eliminated);
        let factor = Padded::of(eliminated);
        let each = if places.is_empty() { 0 } else { q };
        let empty = || Slopes {
            loss: 0.0,
            of_kept: Vec::new(),
            of_eliminated: vec![0.0; k * turned.width],
        };
        let parts = over_columns(p, places, each, empty, |block, places, sums| {
            let mut room = Vec::new();
            block.outer(&by_rows_of_kept, k, &turned, &mut room);
            let columns = room.chunks_exact_mut(turned.width).enumerate();
            for ((j, products), (target, omega)) in columns.zip(
                block
                    .of(&self.target)
                    .chunks_exact(q)
                    .zip(block.of(&self.omega).chunks_exact(q)),
            ) {
                let rest = products.iter_mut().zip(target);
                if by_size {
                    rest.for_each(|(entry, m)| *entry += m.abs());
                } else {
                    rest.for_each(|(entry, m)| *entry -= m);
                }
                if each > 0 {
                    places[j * q..(j + 1) * q].copy_from_slice(&products[..q]);
                }
                sums.loss += 0.5 * weigh(products, omega);
            }
            let mut slopes = vec![0.0; block.count * factor.width];
            add_product(&room, turned.width, q, &factor, &mut slopes);
            let rows = slopes.chunks_exact(factor.width);
            sums.of_kept.extend(rows.flat_map(|row| &row[..k]));
            block.add_transposed(kept, &room, turned.width, &mut sums.of_eliminated);
        });
        let mut whole = empty();
        for part in parts {
            whole.loss += part.loss;
            whole.of_kept.extend(part.of_kept);
            for (sum, term) in whole.of_eliminated.iter_mut().zip(part.of_eliminated) {
                *sum += term;
            }
        }
        whole
    }

    /// A number in the scale of the loss, or a norm of its gradient, in the system's scale. Differences of the smallest
    /// numbers must not depend on the scale, so the search itself never sees it.
    pub(super) fn shown(&self, number: f64) -> f64 {
        number * self.scale_of_loss()
    }

    /// The norm of the gradient in both factors, over the scale of the loss.
    pub(super) fn gradient_norm(&self, point: &Point) -> f64 {
        self.of_both(point.gradient.norm(), point.slope)
    }

    /// The rounding level of [`gradient_norm`](Self::gradient_norm): each entry of the gradient is a sum of products of an entry of
    /// `X Y' - M`, itself a sum of k products; one unit for each addition and product, times the sizes of the terms.
    pub(super) fn rounding(&self, point: &Point) -> f64 {
        let (eliminated, kept) = (point.eliminated.map(f64::abs), point.kept.map(f64::abs));
        let slopes = self.slopes(&kept, &eliminated, true, &mut []);
        self.of_sizes(norm(&slopes.of_kept), norm(&slopes.of_eliminated))
    }

    /// Whether the gradient is at its rounding level. Its terms are at most the products of norms, which often is enough to say no.
    pub(super) fn is_rounding(&self, point: &Point, gradient: f64) -> bool {
        /// More than what the bound loses by its own rounding.
        const ABOVE: f64 = 1.0 + 1e-10;
        let [x, y] = [point.eliminated.norm(), point.kept.norm()];
        let sizes = x * y + self.target.norm();
        if gradient > self.of_sizes(sizes * x, sizes * y) * ABOVE {
            return false;
        }
        gradient <= self.rounding(point)
    }

    /// The rounding level from norms of `(omega o S)' |X|` and `(omega o S) |Y|` for `S = |X| |Y'| + |M|`; no omega is above 1.
    fn of_sizes(&self, of_kept: f64, of_eliminated: f64) -> f64 {
        let units = |terms: usize| (terms + self.rank + 4) as f64 * 0.5 * f64::EPSILON;
        let (q, p) = self.target.shape();
        self.of_both(units(q) * of_kept, units(p) * of_eliminated)
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
            .filter(|i| point.roots[*i].rank(self.rank) < self.rank)
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

/// What a pass over all residuals adds up.
struct Slopes {
    /// `0.5 sum omega_ij R_ij^2`.
    loss: f64,
    /// `(omega o R)' X` by rows.
    of_kept: Vec<f64>,
    /// `(omega o R) Y`, transposed and padded with zeros.
    of_eliminated: Vec<f64>,
}

/// Multiplies numbers by weights; the sum of what they were times what they are.
fn weigh(numbers: &mut [f64], weights: &[f64]) -> f64 {
    let mut sums = [0.0_f64; LINE];
    let (groups, rest) = numbers.as_chunks_mut::<LINE>();
    let (weight_groups, weight_rest) = weights.as_chunks::<LINE>();
    let mut weigh = |numbers: &mut [f64], weights: &[f64]| {
        for ((sum, number), weight) in sums.iter_mut().zip(numbers).zip(weights) {
            let weighted = *number * weight;
            *sum += *number * weighted;
            *number = weighted;
        }
    };
    for (numbers, weights) in groups.iter_mut().zip(weight_groups) {
        weigh(numbers, weights);
    }
    // What is left of the weights stands in the group after those, or in the rest; padding is 0.
    let start = weight_groups.len();
    let last = groups.get_mut(start).map_or(rest, |group| &mut group[..]);
    weigh(last, weight_rest);
    sums.iter().sum()
}

/// The transpose of a matrix by rows.
fn turned(entries: &[f64], rows: usize, columns: usize) -> Vec<f64> {
    /// Rows and columns that are turned at once: both sides stay in the first-level cache.
    const TILE: usize = 16;
    let mut turned = crate::memory::filled(0.0, rows * columns);
    for first in (0..rows).step_by(TILE) {
        for first_column in (0..columns).step_by(TILE) {
            let last_column = (first_column + TILE).min(columns);
            for i in first..(first + TILE).min(rows) {
                for j in first_column..last_column {
                    turned[j * rows + i] = entries[i * columns + j];
                }
            }
        }
    }
    turned
}

/// The products `y_ja y_jb` for `b <= a`, at `a (a + 1) / 2 + b`.
fn squares(factor: &DMatrix<f64>) -> Padded {
    let k = factor.ncols();
    let pairs: Vec<(usize, usize)> = (0..k).flat_map(|a| (0..=a).map(move |b| (a, b))).collect();
    Padded::from_fn(factor.nrows(), pairs.len(), |j, pair| {
        let (a, b) = pairs[pair];
        factor[(j, a)] * factor[(j, b)]
    })
}

/// `sum_i omega_ij x_i x_i'` for each column j.
pub(super) fn blocks(problem: &Problem, point: &Point) -> Vec<DMatrix<f64>> {
    let (q, p) = problem.target.shape();
    let grams = rows_times(problem.omega.as_slice(), q, &squares(&point.eliminated));
    (0..p)
        .map(|j| symmetric(grams.row(j), problem.rank))
        .collect()
}

/// The symmetric matrix with these entries on and below its diagonal, row after row.
fn symmetric(entries: &[f64], order: usize) -> DMatrix<f64> {
    DMatrix::from_fn(order, order, |a, b| {
        let (a, b) = (a.max(b), a.min(b));
        entries[a * (a + 1) / 2 + b]
    })
}

/// The factor of the rows of W and M at its best for the factor of their columns, and for each row what it was solved by: all Gram
/// matrices by one product.
fn eliminated(omega: &[f64], weighted: &[f64], kept: &DMatrix<f64>) -> (DMatrix<f64>, Vec<Root>) {
    let (inner, k) = kept.shape();
    let grams = rows_times(omega, inner, &squares(kept));
    let right = rows_times(weighted, inner, &Padded::of(kept));
    let count = omega.len().checked_div(inner).unwrap_or(0);
    let solved: Vec<(Vec<f64>, Root)> = (0..count)
        .into_par_iter()
        .with_min_len(MANY)
        .map(|i| {
            let right = &right.row(i)[..k];
            let root = Root::definite(grams.row(i), k).unwrap_or_else(|| {
                let row = &omega[i * inner..(i + 1) * inner];
                let most = row.iter().copied().fold(0.0, f64::max);
                let gram = symmetric(grams.row(i), k);
                Root::few(gram, most * inner as f64 * FLAT)
            });
            (root.solve(right), root)
        })
        .collect();
    let factor = DMatrix::from_fn(count, k, |i, a| solved[i].0[a]);
    (factor, solved.into_iter().map(|(_, root)| root).collect())
}

/// Orthonormal columns of the same span, or of one that contains it.
pub(super) fn orthonormal(matrix: DMatrix<f64>) -> DMatrix<f64> {
    matrix.qr().q()
}
