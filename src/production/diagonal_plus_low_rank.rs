//! The structure that every Hessian of the family shares: a diagonal plus a matrix of small rank.

use nalgebra::{DMatrix, DVector};

use crate::instance::DesignMatrix;
use crate::production::ranks::{Share, column_products};
use crate::production::summation::{add_multiple, dot_units};

/// Rows that are multiplied at once: short enough to keep rounding low, long enough for the matrix kernel.
const BLOCK: usize = 64;

/// The symmetric n x n matrix `diag(d) + U K U'`, never formed.
///
/// `diagonal` has n entries, `basis` is `U` (n x r), `core` is `K` (r x r, symmetric); r = 0 is a plain diagonal.
#[derive(Clone, Debug, PartialEq)]
pub struct DiagonalPlusLowRank {
    /// `d`, n entries.
    pub diagonal: DVector<f64>,
    /// `U`, n x r.
    pub basis: DMatrix<f64>,
    /// `K`, r x r, symmetric.
    pub core: DMatrix<f64>,
}

impl DiagonalPlusLowRank {
    /// `(diag(d) + U K U') v`, n entries. Panics if `v` has not n entries, as nalgebra does.
    pub fn multiply(&self, v: &DVector<f64>) -> DVector<f64> {
        let mut product = self.diagonal.component_mul(v);
        if self.core.nrows() > 0 {
            product += &self.basis * (&self.core * self.basis.tr_mul(v));
        }
        product
    }

    /// A bound of the spectral norm of every matrix whose parts differ from these by at most the entries of `errors`:
    /// the largest `|d|` plus the Frobenius norm of `|U| |K| |U|'`.
    pub fn norm_bound(&self, errors: &Self) -> f64 {
        let diagonal = (self.diagonal.abs() + &errors.diagonal).max();
        let rank = self.core.nrows();
        if rank == 0 {
            return diagonal.next_up();
        }
        let basis = self.basis.abs() + &errors.basis;
        let core = self.core.abs() + &errors.core;
        let product = basis.tr_mul(&basis) * core;
        let square = (&product * &product).trace();
        // All summands are positive: n + 2 r roundings for each.
        let units = (basis.nrows() + 4 * rank + 8) as f64 * 2.0 * f64::EPSILON;
        (diagonal + square.sqrt()) * (1.0 + units)
    }

    /// All n x n entries: for small n and for tests.
    pub fn to_dense(&self) -> DMatrix<f64> {
        let mut dense = DMatrix::from_diagonal(&self.diagonal);
        if self.core.nrows() > 0 {
            dense += &self.basis * &self.core * self.basis.transpose();
        }
        dense
    }

    /// `A' (diag(d + e) + U K U') A` (d x d, exactly symmetric) for the extra diagonal `e`, without any n x n matrix.
    ///
    /// One Gram product `A' diag(d + e) A` in blocks of 64 rows and one product `A' U`; see [`congruence_error`] for
    /// its rounding. Panics if the lengths do not fit, as nalgebra does.
    ///
    /// [`congruence_error`]: Self::congruence_error
    pub fn congruence(&self, a: &DesignMatrix, extra_diagonal: &DVector<f64>) -> DMatrix<f64> {
        let mut product = weighted_gram(a, &(&self.diagonal + extra_diagonal));
        if self.core.nrows() > 0 {
            let projected = for_columns(&self.basis, |u| transpose_multiply(a, u));
            product += &projected * &self.core * projected.transpose();
        }
        symmetrise(&mut product);
        product
    }

    /// Entrywise bound on the error of [`congruence`](Self::congruence), when the parts of `self` are off by at most
    /// the entries of `part_errors`, and `e` by at most `extra_error` (`docs/numerics.md`, "Hessian").
    pub fn congruence_error(
        &self,
        a: &DesignMatrix,
        extra_diagonal: &DVector<f64>,
        part_errors: &Self,
        extra_error: &DVector<f64>,
    ) -> DMatrix<f64> {
        let unit = f64::EPSILON / 2.0;
        let n = a.rows();
        let magnitude = Magnitude(a);
        // One rounding for d + e, two for the products, then the additions inside a block and between blocks.
        let gram_units = 3.0 + gram_units(n);
        let diagonal = DVector::from_fn(n, |i, _| {
            part_errors.diagonal[i]
                + extra_error[i]
                + gram_units * unit * (self.diagonal[i] + extra_diagonal[i]).abs()
        });
        let mut error = magnitude.weighted_gram(&diagonal);
        let rank = self.core.nrows();
        if rank > 0 {
            let basis = self.basis.abs();
            let by_columns = |u: &DMatrix<f64>| for_columns(u, |u| magnitude.transpose_multiply(u));
            let projected = by_columns(&basis);
            let inherited = by_columns(&part_errors.basis);
            let projected_error = inherited + &projected * (dot_units(n) * unit);
            let core = self.core.abs();
            // Two products of inner length r, each r + 1 roundings, and the final addition and symmetrisation.
            let core_error = &part_errors.core + &core * ((2 * rank + 4) as f64 * unit);
            let upper = &projected + &projected_error;
            error += &projected_error * &core * upper.transpose();
            error += &upper * &core * projected_error.transpose();
            error += &upper * &core_error * upper.transpose();
        }
        // Last addition and symmetrisation, relative to the sums of magnitudes; then the roundings of this bound.
        let mut total = magnitude.weighted_gram(&(&self.diagonal + extra_diagonal).abs());
        if rank > 0 {
            let projected = for_columns(&self.basis.abs(), |u| magnitude.transpose_multiply(u));
            total += &projected * self.core.abs() * projected.transpose();
        }
        error += total * (3.0 * unit);
        error * (1.0 + (n as f64 + 64.0) * 4.0 * f64::EPSILON)
    }
}

/// Most additions that a term of [`weighted_gram`] meets: inside its block, then one for each block.
fn gram_units(n: usize) -> f64 {
    (BLOCK.min(n) + n.div_ceil(BLOCK)) as f64
}

/// `A' diag(weights) A` (d x d), in blocks of 64 rows so that rounding grows like `64 + n / 64`, not like n.
pub(crate) fn weighted_gram(a: &DesignMatrix, weights: &DVector<f64>) -> DMatrix<f64> {
    weighted_gram_of(a, weights, |entry| entry)
}

/// [`weighted_gram`] with `entry(a_ij)` in place of each entry.
fn weighted_gram_of(
    a: &DesignMatrix,
    weights: &DVector<f64>,
    entry: impl Fn(f64) -> f64,
) -> DMatrix<f64> {
    let d = a.columns();
    let mut gram = DMatrix::zeros(d, d);
    match a {
        DesignMatrix::Dense(dense) => {
            for first in (0..dense.rows()).step_by(BLOCK) {
                let count = BLOCK.min(dense.rows() - first);
                let mut rows = dense.columns_of(first, count);
                rows.apply(|value| *value = entry(*value));
                let mut scaled = rows.clone();
                for mut column in scaled.column_iter_mut() {
                    column.component_mul_assign(&weights.rows(first, count));
                }
                gram += rows.tr_mul(&scaled);
            }
        }
        DesignMatrix::Sparse(sparse) => {
            let mut block = DMatrix::zeros(d, d);
            for i in 0..sparse.nrows() {
                let row = sparse.row(i);
                for (j, left) in row.col_indices().iter().zip(row.values()) {
                    let scaled = weights[i] * entry(*left);
                    for (k, right) in row.col_indices().iter().zip(row.values()) {
                        block[(*k, *j)] += scaled * entry(*right);
                    }
                }
                if (i + 1) % BLOCK == 0 || i + 1 == sparse.nrows() {
                    gram += &block;
                    block.fill(0.0);
                }
            }
        }
    }
    gram
}

/// `A x` (n), each entry as if computed in twice the precision and rounded once: off by at most
/// `u |z_i| + 4 (d+1)^2 u^2 (|A| |x|)_i`. Where the splitting overflows (entries beyond 1e300), a plain dot product.
///
/// The rows are those that are here, and no rank takes the plain product where another does not.
pub(crate) fn multiply_compensated(
    a: &DesignMatrix,
    share: &Share,
    x: &DVector<f64>,
) -> DVector<f64> {
    let n = a.rows();
    let mut sums = vec![0.0; n];
    let mut lost = vec![0.0; n];
    match a {
        DesignMatrix::Dense(dense) => {
            // By columns of some rows: the sums of a column do not wait for each other.
            let sums = sums.chunks_mut(BLOCK).zip(lost.chunks_mut(BLOCK));
            for (block, (sums, lost)) in sums.enumerate() {
                let rows = dense.columns_of(block * BLOCK, sums.len());
                for (column, factor) in rows.as_slice().chunks_exact(sums.len()).zip(x.iter()) {
                    add_multiple(sums, lost, column, *factor);
                }
            }
        }
        DesignMatrix::Sparse(sparse) => {
            for i in 0..n {
                let row = sparse.row(i);
                for (j, value) in row.col_indices().iter().zip(row.values()) {
                    add_multiple(
                        &mut sums[i..=i],
                        &mut lost[i..=i],
                        std::slice::from_ref(value),
                        x[*j],
                    );
                }
            }
        }
    }
    let product = DVector::from_fn(n, |i, _| sums[i] + lost[i]);
    if share.everywhere(product.iter().all(|entry| entry.is_finite())) {
        product
    } else {
        a.multiply(x)
    }
}

/// `A' v` (d): tree sums for dense columns, so that rounding grows like log n.
pub(crate) fn transpose_multiply(a: &DesignMatrix, v: &[f64]) -> DVector<f64> {
    transpose_multiply_of(a, &Share::whole(a.rows()), v, |entry| entry)
}

/// [`transpose_multiply`] where `a` has the rows that are here, and v the entries of all n rows.
pub(crate) fn transpose_multiply_shared(
    a: &DesignMatrix,
    share: &Share,
    v: &[f64],
) -> DVector<f64> {
    transpose_multiply_of(a, share, v, |entry| entry)
}

/// [`transpose_multiply_shared`] with `entry(a_ij)` in place of each entry.
fn transpose_multiply_of(
    a: &DesignMatrix,
    share: &Share,
    v: &[f64],
    entry: impl Fn(f64) -> f64,
) -> DVector<f64> {
    match a {
        DesignMatrix::Dense(dense) => DVector::from_vec(column_products(share, dense, v, entry)),
        DesignMatrix::Sparse(sparse) => {
            let d = sparse.ncols();
            let own = share.own();
            // The partial sums one after another: what is open goes on on the next rank.
            let sums = share.in_turn(vec![0.0; d], |sums| {
                let mut blocks: Vec<_> = sums.chunks(d).map(DVector::from_column_slice).collect();
                for (row, i) in sparse.row_iter().zip(own) {
                    let factor = v[i];
                    let last = blocks.len() - 1;
                    for (j, value) in row.col_indices().iter().zip(row.values()) {
                        blocks[last][*j] += entry(*value) * factor;
                    }
                    if (i + 1) % SPARSE_LEAF == 0 {
                        blocks.push(DVector::zeros(d));
                        merge_equal_levels(&mut blocks, (i + 1) / SPARSE_LEAF);
                    }
                }
                *sums = blocks.iter().flatten().copied().collect();
            });
            sums.chunks(d)
                .map(DVector::from_column_slice)
                .rev()
                .reduce(|sum, block| block + sum)
                .unwrap_or_else(|| DVector::zeros(d))
        }
    }
}

/// Rows per leaf of the sparse tree sum: with it a term meets 8 additions in its leaf, as in a lane of the dense one.
const SPARSE_LEAF: usize = 8;

/// Binary-counter merging: after `leaves` full leaves the stack (below the open last block) holds one partial sum per
/// set bit of `leaves`.
fn merge_equal_levels(blocks: &mut Vec<DVector<f64>>, leaves: usize) {
    let Some(open) = blocks.pop() else { return };
    for _ in 0..leaves.trailing_zeros() {
        let Some(right) = blocks.pop() else { break };
        if let Some(left) = blocks.last_mut() {
            *left += right;
        }
    }
    blocks.push(open);
}

/// `A' U` by the product `A' u` for each column.
fn for_columns(u: &DMatrix<f64>, product: impl Fn(&[f64]) -> DVector<f64>) -> DMatrix<f64> {
    let columns: Vec<_> = u
        .column_iter()
        .map(|column| product(column.as_slice()))
        .collect();
    DMatrix::from_columns(&columns)
}

/// `|A|`, entrywise, without a copy of A.
pub(crate) struct Magnitude<'a>(pub &'a DesignMatrix);

impl Magnitude<'_> {
    /// `|A| x` (n).
    pub(crate) fn multiply(&self, x: &DVector<f64>) -> DVector<f64> {
        let sum = |terms: &mut dyn Iterator<Item = (usize, f64)>| {
            terms.map(|(j, value)| value.abs() * x[j]).sum::<f64>()
        };
        match self.0 {
            DesignMatrix::Dense(dense) => {
                let rows = dense.iter();
                let sums = rows.map(|row| sum(&mut row.iter().copied().enumerate()));
                DVector::from_iterator(dense.rows(), sums)
            }
            DesignMatrix::Sparse(sparse) => {
                let sums = sparse.row_iter().map(|row| {
                    let columns = row.col_indices().iter().copied();
                    sum(&mut columns.zip(row.values().iter().copied()))
                });
                DVector::from_iterator(sparse.nrows(), sums)
            }
        }
    }

    /// `|A|' v` (d), as [`transpose_multiply`].
    pub(crate) fn transpose_multiply(&self, v: &[f64]) -> DVector<f64> {
        self.transpose_multiply_shared(&Share::whole(self.0.rows()), v)
    }

    /// `|A|' v` (d), as [`transpose_multiply_shared`].
    pub(crate) fn transpose_multiply_shared(&self, share: &Share, v: &[f64]) -> DVector<f64> {
        transpose_multiply_of(self.0, share, v, f64::abs)
    }

    /// `|A|' diag(weights) |A|`, as [`weighted_gram`].
    pub(crate) fn weighted_gram(&self, weights: &DVector<f64>) -> DMatrix<f64> {
        weighted_gram_of(self.0, weights, f64::abs)
    }
}

fn symmetrise(matrix: &mut DMatrix<f64>) {
    for j in 0..matrix.ncols() {
        for i in 0..j {
            let mean = 0.5 * matrix[(i, j)] + 0.5 * matrix[(j, i)];
            matrix[(i, j)] = mean;
            matrix[(j, i)] = mean;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instance::sample;
    use crate::production::test_support::covers;
    use nalgebra_sparse::CsrMatrix;

    fn example(n: usize, d: usize) -> (DiagonalPlusLowRank, DMatrix<f64>, DVector<f64>) {
        let mut rng = sample::stream(7, "diagonal-plus-low-rank", (n * 100 + d) as u64);
        let mut entries =
            |rows, columns| DMatrix::from_fn(rows, columns, |_, _| sample::dyadic(&mut rng, 2));
        let core = entries(2, 2);
        let structured = DiagonalPlusLowRank {
            diagonal: entries(n, 1).column(0).clone_owned(),
            basis: entries(n, 2),
            core: &core + core.transpose(),
        };
        let a = entries(n, d);
        let extra = entries(n, 1).column(0).clone_owned();
        (structured, a, extra)
    }

    #[test]
    fn a_congruence_equals_the_one_by_the_full_matrix_dense_and_sparse() {
        for (n, d) in [(1, 1), (3, 2), (64, 3), (65, 4), (200, 5)] {
            let (structured, a, extra) = example(n, d);
            let full = structured.to_dense() + DMatrix::from_diagonal(&extra);
            let expected = a.transpose() * full * &a;
            let dense = structured.congruence(&DesignMatrix::Dense(a.clone().into()), &extra);
            let sparse = structured.congruence(&DesignMatrix::Sparse(CsrMatrix::from(&a)), &extra);
            let scale = expected.amax().max(1.0) * n as f64;
            assert!((&dense - &expected).amax() <= 1e-13 * scale, "{n} x {d}");
            assert!((&sparse - &expected).amax() <= 1e-13 * scale, "{n} x {d}");
            assert_eq!(dense, dense.transpose());
        }
    }

    #[test]
    fn a_transposed_product_is_the_same_dense_and_sparse() {
        // Integers: exact in any order, so a lost or doubled block of the sparse tree would show.
        for n in [1, 7, 8, 9, 16, 24, 63, 64, 100, 513] {
            let a = DMatrix::from_fn(n, 2, |i, j| (i + j) as f64);
            let v: Vec<f64> = (0..n).map(|i| (i % 5) as f64).collect();
            let expected = a.tr_mul(&DVector::from_column_slice(&v));
            let sparse = DesignMatrix::Sparse(CsrMatrix::from(&a));
            assert_eq!(transpose_multiply(&sparse, &v), expected, "n = {n}");
            assert_eq!(
                transpose_multiply(&DesignMatrix::Dense(a.into()), &v),
                expected,
                "n = {n}"
            );
        }
    }

    #[test]
    fn a_product_with_a_vector_equals_the_one_by_the_full_matrix() {
        let (structured, _, v) = example(20, 3);
        let expected = structured.to_dense() * &v;
        assert!((structured.multiply(&v) - expected).amax() < 1e-12);
    }

    fn parts(diagonal: &[f64], basis: DMatrix<f64>, core: DMatrix<f64>) -> DiagonalPlusLowRank {
        DiagonalPlusLowRank {
            diagonal: DVector::from_column_slice(diagonal),
            basis,
            core,
        }
    }

    fn square(entries: [f64; 4]) -> DMatrix<f64> {
        DMatrix::from_row_slice(2, 2, &entries)
    }

    #[test]
    fn the_norm_bound_is_the_largest_diagonal_entry_plus_a_frobenius_norm_of_magnitudes() {
        // |d| + e: 1.5 and 3.25. |U| + e = [[1.5, 2.25], [3.5, 1], [0.25, 4]], |K| + e = [[2, 1.25], [1.25, 0.5]]:
        // 3.25 + || |U| |K| |U|' ||_F by mpmath.
        let basis = DMatrix::from_row_slice(3, 2, &[1.25, -2.0, 3.0, 0.5, 0.0, -3.5]);
        let off = DMatrix::from_row_slice(3, 2, &[0.25, 0.25, 0.5, 0.5, 0.25, 0.5]);
        let structured = parts(&[1.0, -3.0, 0.5], basis, square([-1.5, 1.0, 1.0, 0.25]));
        let errors = parts(&[0.5, 0.25, 0.5], off, square([0.5, 0.25, 0.25, 0.25]));
        covers(structured.norm_bound(&errors), 65.483_050_999_599_48, 1e-13);
        // A plain diagonal.
        let plain = |d: &[f64]| parts(d, DMatrix::zeros(2, 0), DMatrix::zeros(0, 0));
        let bound = plain(&[1.0, -3.0]).norm_bound(&plain(&[0.5, 0.25]));
        assert_eq!(bound, 3.25f64.next_up());
    }

    #[test]
    fn the_norm_bound_is_inflated_by_the_roundings_of_its_longest_sum() {
        // u = (3, 4, 0, ..), K = 2, d = 7: 7 + 2 * 25 = 57 without any rounding, whatever is padded with zeros; n = 1000 and
        // r = 5 allow 2 (n + 4 r + 8) = 2056 eps.
        let mut basis = DMatrix::zeros(1000, 5);
        (basis[0], basis[1]) = (-3.0, 4.0);
        let mut core = DMatrix::zeros(5, 5);
        core[0] = -2.0;
        let structured = parts(&[7.0; 1000], basis, core);
        let nothing = parts(&[0.0; 1000], DMatrix::zeros(1000, 5), DMatrix::zeros(5, 5));
        let units = (structured.norm_bound(&nothing) / 57.0 - 1.0) / f64::EPSILON;
        assert!((2054.0..=2058.0).contains(&units), "{units}");
    }

    #[test]
    fn errors_of_the_parts_enter_a_congruence_by_the_product_rule() {
        // A' diag(e_d + e_e) A + E K V' + V K E' + V e_K V' with P = |A|' |U|, E = |A|' e_U, V = P + E; exact by hand
        // (fractions), where no rounding matters beside errors of this size.
        let a = square([2.0, -1.0, 3.0, 0.5]);
        let structured = parts(
            &[1.0, 2.0],
            square([-1.0, 2.0, 0.5, 3.0]),
            square([2.0, -1.0, -1.0, 0.5]),
        );
        let off = parts(
            &[0.5, 0.25],
            square([0.25, 0.5, 0.125, 0.0625]),
            square([0.25, 0.125, 0.125, 0.5]),
        );
        let (extra, extra_off) = (
            DVector::from_element(2, 1.0),
            DVector::from_column_slice(&[0.125, 1.0]),
        );
        let dense = DesignMatrix::Dense(a.clone().into());
        let sparse = DesignMatrix::Sparse(CsrMatrix::from(&a));
        for matrix in [dense, sparse] {
            let error = structured.congruence_error(&matrix, &extra, &off, &extra_off);
            for (found, exact) in error.iter().zip([
                202.074_218_75,
                62.177_734_375,
                62.177_734_375,
                19.522_460_937_5,
            ]) {
                covers(*found, exact, 1e-12);
            }
        }
    }

    #[test]
    fn roundings_enter_a_congruence_with_the_counts_of_the_numerics_document() {
        // Of two rows: 3 + 2 + 1 units of |A|' |d + e| |A|; 2 * 12 of |P| |K| |P|' for the two P, 2 r + 4 = 8 for the core;
        // 3 of both for the last addition and symmetrisation. In units: (6 + 3) T + (24 + 8 + 3) L.
        let a = square([2.0, -1.0, 3.0, 0.5]);
        let structured = parts(
            &[-2.75, 1.0],
            square([-1.0, 2.0, 0.5, 3.0]),
            square([2.0, -1.0, -1.0, 0.5]),
        );
        let nothing = parts(&[0.0; 2], DMatrix::zeros(2, 2), DMatrix::zeros(2, 2));
        // d + e = (-1.75, 2.5).
        let extra = DVector::from_column_slice(&[1.0, 1.5]);
        let zero = DVector::zeros(2);
        let unit = f64::EPSILON / 2.0;
        let error =
            structured.congruence_error(&DesignMatrix::Dense(a.into()), &extra, &nothing, &zero);
        for (found, exact) in error.iter().zip([7265.5, 2165.25, 2165.25, 651.375]) {
            covers(found / unit, exact, 1e-12);
            // The roundings of the bound itself: 4 (n + 64) eps.
            let inflation = (found / unit / exact - 1.0) / f64::EPSILON;
            assert!((230.0..=310.0).contains(&inflation), "{inflation}");
        }
        // A term of n = 65 rows meets 64 additions in its block and 2 of blocks: 3 + 66, and the last 3.
        let mut long = vec![0.0; 65];
        long[64] = -1.0;
        let plain = |d: &[f64]| parts(d, DMatrix::zeros(65, 0), DMatrix::zeros(0, 0));
        let zero = DVector::zeros(65);
        let column = DesignMatrix::Dense(DMatrix::from_element(65, 1, 2.0).into());
        let error = plain(&long).congruence_error(&column, &zero, &plain(&[0.0; 65]), &zero);
        covers(error[0] / unit, 4.0 * 72.0, 1e-12);
    }

    #[test]
    fn a_block_of_64_rows_is_summed_by_itself_dense_and_sparse() {
        // 2^53 in the last row of the first block swallows a 1 that is added to it; the second block holds 1 + 1 first.
        let mut weights = DVector::zeros(66);
        weights[63] = 2f64.powi(53);
        (weights[64], weights[65]) = (1.0, 1.0);
        let ones = DMatrix::from_element(66, 1, 1.0);
        for matrix in [
            DesignMatrix::Sparse(CsrMatrix::from(&ones)),
            DesignMatrix::Dense(ones.into()),
        ] {
            assert_eq!(weighted_gram(&matrix, &weights)[0], 2f64.powi(53) + 2.0);
        }
    }

    #[test]
    fn a_compensated_product_keeps_what_cancels_and_falls_back_where_the_splitting_overflows() {
        // 2^60 + 1 - 2^60.
        let a = DMatrix::from_row_slice(2, 3, &[1.0, 1.0, 1.0, 2.0, 0.0, 2.0]);
        let x = DVector::from_column_slice(&[2f64.powi(60), 1.0, -(2f64.powi(60))]);
        for matrix in [
            DesignMatrix::Sparse(CsrMatrix::from(&a)),
            DesignMatrix::Dense(a.into()),
        ] {
            assert_eq!(
                multiply_compensated(&matrix, &Share::whole(matrix.rows()), &x).as_slice(),
                [1.0, 0.0]
            );
        }
        let huge = DesignMatrix::Dense(DMatrix::from_element(1, 1, 1e301).into());
        let product = multiply_compensated(
            &huge,
            &Share::whole(huge.rows()),
            &DVector::from_element(1, 2.0),
        );
        assert_eq!(product[0], 2e301);
    }
}
