//! A factor of `N = A'A`, with a proven lower bound of its lowest eigenvalue.
//!
//! ```text
//! N = L L'                     where the rounding of a Gram matrix, which grows with the square of the condition number, is small
//! S A C = Q R0, B = A T, T = C R0^-1, B'B = L L', N = T'^-1 L L' T^-1     elsewhere: S a sketch, C powers of two
//! ```
//!
//! B has a condition number near 3 whatever that of A, so that L is right to a few roundings and the whole as good as Householder's
//! factor, for two Gram matrices and a sketch. Where the sketch is no good, R0 is Householder's factor of A itself.

use std::sync::Arc;

use rand::Rng;
use rayon::prelude::*;

use crate::instance::row_major::{LINE, RowMajor};
use crate::instance::{DesignMatrix, sample};
use crate::production::error_bound::{Bounded, SLACK, lost};
use crate::production::factor::Factor;
use crate::production::factor::cholesky::Cholesky;
use crate::production::factor::householder::{Householder, Tall};
use crate::production::kernels::Level;
use crate::production::kernels::operator::{Gram, Operator, Targets};
use crate::production::kernels::product::{Rows, multiply_add};
use crate::production::step::PIVOT_TOLERANCE;
use crate::production::summation::norm;
use crate::scalar::rounding::UNIT;

/// What the rounding of a Gram matrix may make of its lowest eigenvalue, relative to it; beyond, a sketch comes first.
pub(in crate::production::systems) const GRAM_LOSS: f64 = 1.0 / (1 << 20) as f64;
/// Rows of the sketch for each column of A: `kappa(B)` is near `(sqrt 4 + 1) / (sqrt 4 - 1) = 3`.
const ROWS_PER_COLUMN: usize = 4;
/// Rows of the sketch at least.
const LEAST_ROWS: usize = 64;
/// A sketch that makes B no better conditioned than this, in the Frobenius norm for each column, is not used.
const POOR: f64 = 1e3;
/// Rows of A that are multiplied at once.
const BLOCK: usize = 256;
/// Columns that are multiplied at once where the image is not kept: of a triangle the rows below them are left out.
const GROUP: usize = 24;

/// `(1 - spread) M <= L L' <= (1 + spread) M` for `M = T' N T`, which is at least `least I`; T is I where there is none.
struct Equivalence {
    spread: f64,
    least: f64,
    /// The trace of `L L'`, as a bound.
    size: f64,
}

impl Equivalence {
    /// Of a matrix as computed, which the exact one differs from by at most `error` in the spectral norm.
    fn of(order: usize, size: f64, error: f64, least: f64) -> Self {
        // L L' is the computed matrix up to what a factorisation loses.
        let off = error + lost(order, size);
        Self {
            spread: off / least * SLACK,
            least,
            size: size * SLACK,
        }
    }
}

/// A factorisation of `A'A`, d x d.
pub(in crate::production::systems) struct Triangular {
    /// T by rows, where there is one.
    inverse: Option<Vec<f64>>,
    /// L.
    cholesky: Cholesky,
    /// At most the lowest eigenvalue of `A'A`; 0 where none is proven.
    pub(in crate::production::systems) lowest: f64,
    /// What v' N^-1 v can be proven from, where that was wanted.
    equivalence: Option<Equivalence>,
    /// How it was made.
    pub(in crate::production::systems) made: &'static str,
}

impl Triangular {
    /// The factor for a matrix with entries of at most about 1 in size; `None` where its columns are dependent to rounding.
    /// The bound of the lowest eigenvalue is left at 0 unless it is `wanted`.
    pub(in crate::production::systems) fn new(
        matrix: &Arc<DesignMatrix>,
        seed: u64,
        wanted: bool,
    ) -> Option<Self> {
        let operator = Operator::new(matrix, Level::best());
        if matrix.rows() < matrix.columns() {
            return None;
        }
        let (gram, additions) = match operator.normal_equations(Targets::none()) {
            Some(equations) => (equations.gram, operator.normal_additions()),
            None => (
                operator.gram(&vec![1.0; matrix.rows()]),
                operator.gram_additions(),
            ),
        };
        let trace = gram.diagonal().sum();
        let error = additions as f64 * UNIT * trace * SLACK;
        let factor = Cholesky::new(&gram).map(|factor| {
            let near = lowest_estimate(&factor, gram.order);
            (factor, near)
        });
        if let Some((cholesky, near)) = factor
            && error <= GRAM_LOSS * near
        {
            let lowest = if wanted {
                proven(gram, error, near)
            } else {
                0.0
            };
            let equivalence = Equivalence::of(matrix.columns(), trace, error, lowest);
            return Some(Self {
                inverse: None,
                cholesky,
                lowest,
                equivalence: wanted.then_some(equivalence),
                made: "a Gram matrix",
            });
        }
        let scales: Vec<f64> = gram.diagonal().map(|entry| entry.sqrt().recip()).collect();
        if scales.iter().any(|scale| !scale.is_finite()) {
            return None;
        }
        let DesignMatrix::Dense(a) = matrix.as_ref() else {
            // Systems with named arrays are dense.
            return None;
        };
        Self::sketched(a, &scales, trace, seed, wanted)
            .or_else(|| Self::reflected(a, &scales, trace, wanted))
    }

    fn sketched(a: &RowMajor, scales: &[f64], trace: f64, seed: u64, wanted: bool) -> Option<Self> {
        let rows = sketch_rows(a.columns());
        if a.rows() <= rows {
            return None;
        }
        let factor = Householder::new(sketch(a, scales, rows, seed));
        Self::from_first(
            a,
            scales,
            &factor,
            trace,
            wanted,
            "a sketch and a Gram matrix",
        )
    }

    fn reflected(a: &RowMajor, scales: &[f64], trace: f64, wanted: bool) -> Option<Self> {
        let factor = Householder::new(Tall::scaled(a, scales));
        Self::from_first(
            a,
            scales,
            &factor,
            trace,
            wanted,
            "Householder's reflections and a Gram matrix",
        )
    }

    /// By `T = C R0^-1`; `None` where columns are dependent to rounding, or `A T` is poorly conditioned.
    fn from_first(
        a: &RowMajor,
        scales: &[f64],
        first: &Householder,
        trace: f64,
        wanted: bool,
        made: &'static str,
    ) -> Option<Self> {
        let d = a.columns();
        let inverse = inverse_of(first, scales, a.rows())?;
        let image = times(a, &inverse, d);
        let image = Arc::new(DesignMatrix::Dense(image));
        let operator = Operator::new(&image, Level::best());
        let gram = operator.gram(&vec![1.0; a.rows()]);
        let cholesky = Cholesky::new(&gram)?;
        let near = lowest_estimate(&cholesky, d);
        let size: f64 = gram.diagonal().sum();
        if size > POOR * POOR * d as f64 * near {
            return None;
        }
        let (lowest, equivalence) = if wanted {
            // B as computed is off by d roundings of |A| |T|, whose norm the Frobenius norms bound.
            let length = norm(&inverse);
            let off = (d as f64 + 2.0) * UNIT * trace.sqrt() * length * SLACK;
            let error = operator.gram_additions() as f64 * UNIT * size * SLACK;
            // sigma_min(A) >= sigma_min(A T) / ||T||, for any T that has an inverse, which a triangle without zeros on its
            // diagonal has.
            let of_image = (proven(gram, error, near).sqrt() - off).max(0.0);
            let least = of_image / length;
            // B'B for B as computed and for A T.
            let between = (2.0 * size.sqrt() + off) * off * SLACK;
            let equivalence = Equivalence::of(d, size, error + between, of_image * of_image);
            (least * least / SLACK, Some(equivalence))
        } else {
            (0.0, None)
        };
        Some(Self {
            inverse: Some(inverse),
            cholesky,
            lowest,
            equivalence,
            made,
        })
    }
}

impl Triangular {
    /// Bounds of `sqrt(v' N^-1 v)` for a v that is known within `off` in the norm; `None` where nothing was proven, or N is too
    /// near to singular for its factor.
    ///
    /// With `C = T'^-1 L` it is `|| C^-1 v ||` up to the root of `1 + spread`. A triangular solve is exact for an L that is off by
    /// `d + 4` roundings of its norm, the product with T' by `d + 2` of `|| T || || v ||`.
    pub(in crate::production::systems) fn energy_root(
        &self,
        v: &[f64],
        off: f64,
    ) -> Option<[f64; 2]> {
        let Equivalence {
            spread,
            least,
            size,
        } = self.equivalence.as_ref()?;
        let root = norm(&self.root_solve(v));
        let d = v.len() as f64;
        // The lowest singular value of L.
        let sigma = (least * (1.0 - spread)).sqrt() / SLACK;
        let relative = 2.0 * (d + 4.0) * UNIT * size.sqrt() / sigma;
        let stretched = self.inverse.as_ref().map_or(0.0, |inverse| norm(inverse));
        let product = (d + 2.0) * UNIT * stretched * norm(v) / sigma * SLACK;
        let of_v = off / self.lowest.sqrt() * SLACK;
        // Comparisons in the positive, so that NaN is no proof.
        let proven = *spread < 0.25 && relative < 0.25 && product.is_finite() && of_v.is_finite();
        proven.then(|| {
            let most = (root * (1.0 + relative) + product) * (1.0 + spread).sqrt() + of_v;
            let fewest = (root * (1.0 - relative) - product) * (1.0 - spread).sqrt() / SLACK - of_v;
            [fewest.max(0.0), most * SLACK]
        })
    }
}

impl Factor for Triangular {
    fn root_solve(&self, v: &[f64]) -> Vec<f64> {
        let Some(inverse) = &self.inverse else {
            return self.cholesky.root_solve(v);
        };
        self.cholesky
            .root_solve(&upper_transposed_times(inverse, v))
    }

    fn transposed_root_solve(&self, v: &[f64]) -> Vec<f64> {
        let y = self.cholesky.transposed_root_solve(v);
        let Some(inverse) = &self.inverse else {
            return y;
        };
        upper_times(inverse, &y)
    }
}

/// `T = C R0^-1` by rows, for R0 Householder's factor of a sketch of A, or of A itself where that has hardly more rows.
pub(in crate::production::systems) struct Sketched(Vec<f64>);

impl Sketched {
    /// Of a dense matrix; `None` where columns are dependent to rounding.
    pub(in crate::production::systems) fn new(
        matrix: &Arc<DesignMatrix>,
        seed: u64,
    ) -> Option<Self> {
        let DesignMatrix::Dense(a) = matrix.as_ref() else {
            return None;
        };
        let d = a.columns();
        if a.rows() < d {
            return None;
        }
        let mut squares = vec![0.0; d];
        for row in a.iter() {
            for (sum, entry) in squares.iter_mut().zip(row) {
                *sum += entry * entry;
            }
        }
        let scales: Vec<f64> = squares.iter().map(|sum| sum.sqrt().recip()).collect();
        if scales.iter().any(|scale| !scale.is_finite()) {
            return None;
        }
        let rows = sketch_rows(d);
        let tall = if a.rows() > rows {
            sketch(a, &scales, rows, seed)
        } else {
            Tall::scaled(a, &scales)
        };
        inverse_of(&Householder::new(tall), &scales, a.rows()).map(Self)
    }

    /// `T u`.
    pub(in crate::production::systems) fn times(&self, u: &[f64]) -> Vec<f64> {
        upper_times(&self.0, u)
    }

    /// `T' v`.
    pub(in crate::production::systems) fn transposed_times(&self, v: &[f64]) -> Vec<f64> {
        upper_transposed_times(&self.0, v)
    }
}

/// Rows of a sketch for so many columns.
fn sketch_rows(columns: usize) -> usize {
    (ROWS_PER_COLUMN * columns).max(LEAST_ROWS)
}

/// `C R0^-1` by rows, for C the scales; `None` where R0 is singular to rounding.
fn inverse_of(first: &Householder, scales: &[f64], rows: usize) -> Option<Vec<f64>> {
    if first.ratio() <= PIVOT_TOLERANCE * rows as f64 * f64::EPSILON {
        return None;
    }
    let mut inverse = first.inverse().to_vec();
    for (row, scale) in inverse.chunks_exact_mut(scales.len()).zip(scales) {
        for entry in row {
            *entry *= scale;
        }
    }
    inverse
        .iter()
        .all(|entry| entry.is_finite())
        .then_some(inverse)
}

/// `T u` for an upper triangle by rows.
fn upper_times(t: &[f64], u: &[f64]) -> Vec<f64> {
    let rows = t.chunks_exact(u.len()).enumerate();
    rows.map(|(i, row)| row[i..].iter().zip(&u[i..]).map(|(t, u)| t * u).sum())
        .collect()
}

/// `T' v` for an upper triangle by rows.
fn upper_transposed_times(t: &[f64], v: &[f64]) -> Vec<f64> {
    let mut product = vec![0.0; v.len()];
    for (i, row) in t.chunks_exact(v.len()).enumerate() {
        for (sum, entry) in product[i..].iter_mut().zip(&row[i..]) {
            *sum += entry * v[i];
        }
    }
    product
}

/// The lowest eigenvalue of `L L'` by a few steps of inverse iteration: an estimate, from above.
pub(in crate::production::systems) fn lowest_estimate(factor: &dyn Factor, order: usize) -> f64 {
    const STEPS: usize = 8;
    let mut v: Vec<f64> = (0..order)
        .map(|j| 1.0 + (j * 7 % 11) as f64 / 11.0 * if j % 2 == 0 { 1.0 } else { -1.0 })
        .collect();
    let mut growth = 0.0;
    for _ in 0..STEPS {
        let size = norm(&v);
        if !(size > 0.0 && size.is_finite()) {
            return 0.0;
        }
        for entry in &mut v {
            *entry /= size;
        }
        v = factor.solve(&v);
        growth = norm(&v);
    }
    growth.recip()
}

/// A proven lower bound of the lowest eigenvalue of a matrix that is `gram` up to `error` in the spectral norm, and whose own is
/// about `near`; 0 where none is proven.
pub(in crate::production::systems) fn proven(gram: Gram, error: f64, near: f64) -> f64 {
    let bounded = Bounded {
        matrix: gram,
        error,
    };
    if !near.is_finite() {
        return 0.0;
    }
    let proven = bounded.exceeds_part(&[0.9, 0.5, 0.1, 0.01], near, None);
    proven.unwrap_or(0.0)
}

/// `S A C`: every row of A C with a random sign, added to a random row of the sketch.
fn sketch(a: &RowMajor, scales: &[f64], rows: usize, seed: u64) -> Tall {
    let mut stream = sample::stream(seed, "count-sketch", 0);
    let mut sums = RowMajor::zeros(rows, a.columns());
    for i in 0..a.rows() {
        let bits = stream.next_u64();
        let place = (((bits >> 32) * rows as u64) >> 32) as usize;
        let row = sums.row_mut(place).iter_mut().zip(a.row(i));
        if bits & 1 == 0 {
            row.for_each(|(sum, entry)| *sum += entry);
        } else {
            row.for_each(|(sum, entry)| *sum -= entry);
        }
    }
    Tall::scaled(&sums, scales)
}

/// `A T` for T by rows, with so many columns.
pub(in crate::production::systems) fn times(a: &RowMajor, t: &[f64], columns: usize) -> RowMajor {
    let d = a.columns();
    let mut image = RowMajor::zeros(a.rows(), columns);
    if columns == 0 {
        return image;
    }
    let stride = image.stride();
    let mut padded = vec![0.0; d * stride];
    for (target, row) in padded.chunks_exact_mut(stride).zip(t.chunks_exact(columns)) {
        target[..columns].copy_from_slice(row);
    }
    let (entries, _) = image.entries_mut();
    entries
        .par_chunks_mut(BLOCK * stride)
        .enumerate()
        .for_each(|(k, block)| {
            let first = k * BLOCK;
            let rows = Rows {
                entries: a.block(first, (first + BLOCK).min(a.rows())),
                stride: a.pitch(),
                inner: d,
            };
            multiply_add(Level::best(), rows, &padded, stride, block);
        });
    image
}

/// The squared norms of the rows of `A T` for T by rows, with so many columns, which is not kept.
pub(in crate::production::systems) fn squared_rows(
    a: &RowMajor,
    t: &[f64],
    columns: usize,
) -> Vec<f64> {
    let groups: Vec<ColumnGroup> = (0..columns)
        .step_by(GROUP)
        .map(|first| ColumnGroup::of(t, columns, first))
        .collect();
    let mut squares = vec![0.0; a.rows()];
    squares
        .par_chunks_mut(BLOCK)
        .enumerate()
        .for_each_init(Vec::new, |image, (k, squares)| {
            let first = k * BLOCK;
            let entries = a.block(first, first + squares.len());
            for group in &groups {
                image.clear();
                image.resize(squares.len() * group.width, 0.0);
                let rows = Rows {
                    entries,
                    stride: a.pitch(),
                    inner: group.inner,
                };
                multiply_add(Level::best(), rows, &group.entries, group.width, image);
                for (square, row) in squares.iter_mut().zip(image.chunks_exact(group.width)) {
                    let (eights, _) = row.as_chunks::<8>();
                    let mut sums = [0.0_f64; 8];
                    for eight in eights {
                        for (sum, entry) in sums.iter_mut().zip(eight) {
                            *sum += entry * entry;
                        }
                    }
                    *square += sums.iter().sum::<f64>();
                }
            }
        });
    squares
}

/// Some columns of a matrix, padded, down to the last row in which one of them is not 0.
struct ColumnGroup {
    /// By rows of `width` entries.
    entries: Vec<f64>,
    /// A multiple of 8.
    width: usize,
    /// Rows.
    inner: usize,
}

impl ColumnGroup {
    /// Columns from `first` on, of a matrix by rows with so many of them.
    fn of(t: &[f64], columns: usize, first: usize) -> Self {
        let last = (first + GROUP).min(columns);
        let width = (last - first).next_multiple_of(LINE);
        let rows: Vec<&[f64]> = t
            .chunks_exact(columns)
            .map(|row| &row[first..last])
            .collect();
        let is_used = |row: &&[f64]| row.iter().any(|entry| *entry != 0.0);
        let inner = rows.iter().rposition(is_used).map_or(0, |last| last + 1);
        let mut entries = vec![0.0; inner * width];
        for (place, row) in entries.chunks_exact_mut(width).zip(rows) {
            place[..row.len()].copy_from_slice(row);
        }
        Self {
            entries,
            width,
            inner,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::production::factor::test_support::keeps_its_promises;

    fn drawn(n: usize, d: usize, condition: f64) -> Arc<DesignMatrix> {
        let mut rng = sample::stream(5, "triangular", n as u64);
        let a = sample::conditioned_matrix(&mut rng, n, d, 1.0, condition);
        Arc::new(DesignMatrix::Dense(a.into()))
    }

    /// Singular values by construction: the lowest eigenvalue of N is `condition^-2`.
    #[test]
    fn every_way_keeps_its_promises_and_proves_the_lowest_eigenvalue() {
        for (n, condition, made) in [
            (300, 1e2, "a Gram matrix"),
            (300, 1e6, "a sketch and a Gram matrix"),
            (300, 1e9, "a sketch and a Gram matrix"),
            (40, 1e6, "Householder's reflections and a Gram matrix"),
        ] {
            let matrix = drawn(n, 5, condition);
            let factor = Triangular::new(&matrix, 1, true).unwrap();
            assert_eq!(factor.made, made);
            let share = factor.lowest * condition * condition;
            assert!((0.005..1.0 + 1e-6).contains(&share), "{condition}: {share}");
            let multiply = |v: &[f64]| {
                let v = nalgebra::DVector::from_row_slice(v);
                matrix.transpose_multiply(&matrix.multiply(&v)).data.into()
            };
            let v = [1.0, -0.5, 0.25, 2.0, -1.0];
            // A backward stable factor: the residual of a solve is rounding of ||N|| ||N^-1 v||.
            let allowed = 1e-14 * condition.powi(2).min(1e13);
            if condition < 1e7 {
                keeps_its_promises(&factor, &multiply, &v, allowed);
            }
        }
    }

    /// `v = N w` has `v' N^-1 v = w' N w = || A w ||^2`, whatever the condition number.
    #[test]
    fn the_energy_of_a_vector_is_enclosed() {
        for (n, condition) in [(300, 1e2), (300, 1e6), (300, 1e9), (40, 1e6)] {
            let matrix = drawn(n, 5, condition);
            let factor = Triangular::new(&matrix, 1, true).unwrap();
            let image = matrix.multiply(&nalgebra::dvector![1.0, -0.5, 0.25, 2.0, -1.0]);
            let v: Vec<f64> = matrix.transpose_multiply(&image).data.into();
            // What rounding makes of v.
            let off = 1e-13 * norm(&v);
            let [low, high] = factor.energy_root(&v, off).unwrap();
            let exact = image.norm();
            assert!(
                low <= exact && exact <= high,
                "{condition}: {low} {exact} {high}"
            );
            assert!(
                high <= exact * (1.0 + 1e-5 + 1e-11 * condition),
                "{condition}: {high}"
            );
            let plain = Triangular::new(&matrix, 1, false).unwrap();
            assert!(plain.energy_root(&v, off).is_none());
        }
    }

    #[test]
    fn dependent_columns_have_no_factor() {
        let rows: Vec<Vec<f64>> = (0..100)
            .map(|i| vec![i as f64 / 100.0, 1.0, 1.0 + i as f64 / 50.0])
            .collect();
        let matrix = Arc::new(DesignMatrix::from_rows(&rows).unwrap());
        assert!(Triangular::new(&matrix, 1, true).is_none());
        let wide = Arc::new(DesignMatrix::from_rows(&[vec![1.0, 2.0]]).unwrap());
        assert!(Triangular::new(&wide, 1, true).is_none());
        let zero = Arc::new(DesignMatrix::from_rows(&[vec![1.0, 0.0], vec![2.0, 0.0]]).unwrap());
        assert!(Triangular::new(&zero, 1, true).is_none());
    }

    #[test]
    fn a_product_with_a_triangle_is_the_product() {
        let mut a = RowMajor::zeros(300, 3);
        for i in 0..300 {
            for j in 0..3 {
                a.row_mut(i)[j] = ((i * 5 + j * 3) % 13) as f64 - 6.0;
            }
        }
        let t = [1.0, 2.0, -1.0, 0.0, 3.0, 5.0, 0.0, 0.0, -2.0];
        let found = times(&a, &t, 3);
        for i in 0..300 {
            for j in 0..3 {
                let expected: f64 = (0..3).map(|k| a.row(i)[k] * t[3 * k + j]).sum();
                assert_eq!(found.row(i)[j], expected);
            }
        }
    }

    /// Small integers, whose sums are exact: an upper triangle and a full matrix, of more columns than a group, and none; rows padded
    /// and shared.
    #[test]
    fn squared_rows_are_those_of_the_product() {
        for (d, columns, triangle) in [
            (50, 50, true),
            (7, 3, false),
            (30, 30, false),
            (4, 0, false),
        ] {
            let entry = |i: usize, j: usize| ((i * 5 + j * 3) % 13) as f64 - 6.0;
            let entries: Vec<f64> = (0..300 * d).map(|k| entry(k / d, k % d)).collect();
            let shared = RowMajor::shared(300, d, Arc::new(entries.clone())).unwrap();
            let padded = RowMajor::from_entries(300, d, entries).unwrap();
            let t: Vec<f64> = (0..d * columns)
                .map(|k| (k / columns, k % columns))
                .map(|(i, j)| {
                    if triangle && i > j {
                        0.0
                    } else {
                        ((i * 7 + j) % 5) as f64 - 2.0
                    }
                })
                .collect();
            for rows in [&shared, &padded] {
                let found = squared_rows(rows, &t, columns);
                let image = times(rows, &t, columns);
                for (i, found) in found.iter().enumerate() {
                    let product = |j: usize| {
                        (0..d)
                            .map(|k| entry(i, k) * t[columns * k + j])
                            .sum::<f64>()
                    };
                    let expected: f64 = (0..columns).map(|j| product(j).powi(2)).sum();
                    assert_eq!(*found, expected, "{d} {columns}");
                    assert!((0..columns).all(|j| image.row(i)[j] == product(j)));
                }
            }
        }
    }
}
