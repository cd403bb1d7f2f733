//! Cholesky factors and eigenvalues of d x d matrices, by faer.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt;
use faer::linalg::triangular_solve::{
    solve_lower_triangular_in_place, solve_upper_triangular_in_place,
};
use faer::{Mat, MatMut, MatRef, Par, Side};

use crate::production::kernels::operator::Gram;
use crate::production::step::PIVOT_TOLERANCE;

/// The factor L of a positive definite matrix `L L'`.
pub(crate) struct Cholesky {
    factor: Gram,
}

impl Cholesky {
    /// Factors a matrix; `None` if it is not positive definite beyond rounding, or not finite.
    pub fn new(matrix: &Gram) -> Option<Self> {
        let mut matrix = matrix.clone();
        let d = matrix.order;
        let stride = matrix.stride;
        let scale: Vec<f64> = (0..d).map(|j| matrix.column(j)[0]).collect();
        if !scale.iter().all(|pivot| *pivot > 0.0 && pivot.is_finite()) {
            return None;
        }
        let mut memory = MemBuffer::new(llt::factor::cholesky_in_place_scratch::<f64>(
            d,
            Par::Seq,
            Default::default(),
        ));
        // Sequential: faer's parallel kernels may give other bits for another number of threads.
        llt::factor::cholesky_in_place(
            lower_mut(&mut matrix.entries, d, stride),
            Default::default(),
            Par::Seq,
            MemStack::new(&mut memory),
            Default::default(),
        )
        .ok()?;
        // Relative to the diagonal of the matrix, so that the scale of a column does not count.
        let limit = PIVOT_TOLERANCE * d as f64 * f64::EPSILON;
        let definite = (0..d).all(|j| {
            let pivot = matrix.column(j)[0];
            pivot * pivot > limit * scale[j]
        });
        definite.then_some(Self { factor: matrix })
    }

    fn factor(&self) -> MatRef<'_, f64> {
        let Gram {
            entries,
            order,
            stride,
        } = &self.factor;
        MatRef::from_column_major_slice_with_stride(&entries[..], *order, *order, *stride)
    }

    /// The rows of `L'`: their Gram matrix is `L L'`.
    pub fn transposed_rows(&self) -> Vec<Vec<f64>> {
        (0..self.factor.order)
            .map(|j| {
                let zeros = std::iter::repeat_n(0.0, j);
                zeros.chain(self.factor.column(j).iter().copied()).collect()
            })
            .collect()
    }

    /// The solution of `L L' s = v`.
    pub fn solve(&self, v: &[f64]) -> Vec<f64> {
        let mut solution = v.to_vec();
        let d = self.factor.order;
        llt::solve::solve_in_place(
            self.factor(),
            MatMut::from_column_major_slice_mut(&mut solution, d, 1),
            Par::Seq,
            MemStack::new(&mut MemBuffer::new(
                llt::solve::solve_in_place_scratch::<f64>(d, 1, Par::Seq),
            )),
        );
        solution
    }
}

/// `L^-1 H L^-T` for the factor L of a metric.
fn in_metric(hessian: &Gram, metric: &Cholesky) -> Mat<f64> {
    let d = hessian.order;
    let mut reduced = Mat::from_fn(d, d, |i, j| hessian.entry(i, j));
    solve_lower_triangular_in_place(metric.factor(), reduced.as_mut(), Par::Seq);
    let mut reduced = reduced.transpose().to_owned();
    solve_lower_triangular_in_place(metric.factor(), reduced.as_mut(), Par::Seq);
    reduced
}

/// The smallest e with `H v = e L L' v`, or `None` if the iteration fails.
pub(crate) fn lowest_relative(hessian: &Gram, metric: &Cholesky) -> Option<f64> {
    let values = in_metric(hessian, metric)
        .self_adjoint_eigenvalues(Side::Lower)
        .ok()?;
    values.first().copied()
}

/// `V diag(1 / max(|e|, LEAST)) V' g` for the eigenvalues e and eigenvectors V of H in the metric M = L L':
/// `H V = M V diag(e)`, `V' M V = I`. Its negative descends whatever the signs of e. `None` if the iteration fails.
pub(crate) fn absolute_step(
    hessian: &Gram,
    metric: &Cholesky,
    gradient: &[f64],
) -> Option<Vec<f64>> {
    /// Smaller eigenvalues, relative to the metric, are raised to this: the step stays within reason.
    const LEAST: f64 = 1e-2;
    let d = hessian.order;
    let factor = metric.factor();
    let eigen = in_metric(hessian, metric)
        .self_adjoint_eigen(Side::Lower)
        .ok()?;
    let mut right = Mat::from_fn(d, 1, |i, _| gradient[i]);
    solve_lower_triangular_in_place(factor, right.as_mut(), Par::Seq);
    let mut rotated = eigen.U().transpose() * right;
    let values = eigen.S().column_vector();
    for k in 0..d {
        rotated[(k, 0)] /= values[k].abs().max(LEAST);
    }
    let mut step = eigen.U() * rotated;
    solve_upper_triangular_in_place(factor.transpose(), step.as_mut(), Par::Seq);
    let step: Vec<f64> = (0..d).map(|i| step[(i, 0)]).collect();
    step.iter().all(|entry| entry.is_finite()).then_some(step)
}

fn lower_mut(entries: &mut [f64], d: usize, stride: usize) -> MatMut<'_, f64> {
    MatMut::from_column_major_slice_with_stride_mut(entries, d, d, stride)
}

/// The smallest eigenvalue of a symmetric matrix and a unit eigenvector, or `None` if the iteration fails.
pub(crate) fn lowest_eigenpair(matrix: &Gram) -> Option<(f64, Vec<f64>)> {
    let d = matrix.order;
    let full = Mat::from_fn(d, d, |i, j| matrix.entry(i, j));
    let eigen = full.self_adjoint_eigen(Side::Lower).ok()?;
    let vector = eigen.U().col(0).iter().copied().collect();
    // Ascending order.
    Some((eigen.S().column_vector()[0], vector))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn symmetric(order: usize, entry: impl Fn(usize, usize) -> f64) -> Gram {
        let mut gram = Gram::zeros(order);
        for j in 0..order {
            for (k, place) in gram.column_mut(j).iter_mut().enumerate() {
                *place = entry(j + k, j);
            }
        }
        gram
    }

    #[test]
    fn a_definite_system_is_solved_and_others_are_refused() {
        for d in [1, 2, 9, 70] {
            // Lehmer's matrix: positive definite, (i, j) is min / max.
            let lehmer = symmetric(d, |i, j| (j + 1) as f64 / (i + 1) as f64);
            let x: Vec<f64> = (0..d).map(|j| (j % 3) as f64 - 1.0).collect();
            let v = lehmer.multiply(&x);
            let found = Cholesky::new(&lehmer).unwrap().solve(&v);
            assert!(
                found.iter().zip(&x).all(|(a, b)| (a - b).abs() < 1e-9),
                "{d}"
            );
        }
        let ones = symmetric(3, |_, _| 1.0);
        assert!(Cholesky::new(&ones).is_none());
        assert!(Cholesky::new(&symmetric(2, |i, j| if i == j { 1.0 } else { 2.0 })).is_none());
        assert!(Cholesky::new(&symmetric(2, |_, _| f64::NAN)).is_none());
        // Columns of wildly different size are independent all the same.
        let graded = symmetric(2, |i, j| {
            if i == j {
                10f64.powi(-12 * i as i32)
            } else {
                0.0
            }
        });
        assert!(Cholesky::new(&graded).is_some());
    }

    #[test]
    fn the_absolute_step_is_newtons_where_the_matrix_is_definite_and_descends_elsewhere() {
        let metric = Cholesky::new(&symmetric(2, |i, j| if i == j { 2.0 } else { 0.5 })).unwrap();
        let definite = symmetric(2, |i, j| if i == j { 3.0 } else { 1.0 });
        let gradient = [1.0, -2.0];
        let newton = Cholesky::new(&definite).unwrap().solve(&gradient);
        let step = absolute_step(&definite, &metric, &gradient).unwrap();
        assert!((step[0] - newton[0]).abs() < 1e-14 && (step[1] - newton[1]).abs() < 1e-14);
        // diag(2, -2) in the metric of the identity: |H| = 2 I.
        let identity = Cholesky::new(&symmetric(2, |i, j| f64::from(u8::from(i == j)))).unwrap();
        let saddle = symmetric(2, |i, j| if i != j { 0.0 } else { 2.0 - 4.0 * i as f64 });
        let step = absolute_step(&saddle, &identity, &gradient).unwrap();
        assert!((step[0] - 0.5).abs() < 1e-15 && (step[1] + 1.0).abs() < 1e-15);
    }

    #[test]
    fn the_lowest_eigenpair_is_that_of_a_known_matrix() {
        // [[2, 1], [1, 2]] has eigenvalues 1 and 3, the first along (1, -1).
        let (value, vector) =
            lowest_eigenpair(&symmetric(2, |i, j| if i == j { 2.0 } else { 1.0 })).unwrap();
        assert!((value - 1.0).abs() < 1e-14 && (vector[0] + vector[1]).abs() < 1e-14);
        assert!((vector[0].abs() - 0.5f64.sqrt()).abs() < 1e-14);
    }

    #[test]
    fn relative_eigenvalues_are_those_of_the_pencil() {
        // det [[1 - 2 e, -e], [-e, 4 - 2 e]] = 3 e^2 - 10 e + 4.
        let metric = Cholesky::new(&symmetric(2, |i, j| if i == j { 2.0 } else { 1.0 })).unwrap();
        let hessian = symmetric(2, |i, j| if i != j { 0.0 } else { [1.0, 4.0][i] });
        let lowest = lowest_relative(&hessian, &metric).unwrap();
        assert!((lowest - (10.0 - 52f64.sqrt()) / 6.0).abs() < 1e-14);
        // The metric's own factor, row by row.
        let rows = metric.transposed_rows();
        let root = 2f64.sqrt();
        assert!((rows[0][0] - root).abs() < 1e-15 && (rows[0][1] - 1.0 / root).abs() < 1e-15);
        assert!(rows[1][0] == 0.0 && (rows[1][1] - 1.5f64.sqrt()).abs() < 1e-15);
    }

    /// H = diag(2, -3), M = diag(4, 1): |H|^-1 g whatever the metric; an eigenvalue of 0.001 is raised to 0.01 in it.
    #[test]
    fn the_absolute_step_raises_small_eigenvalues_in_the_metric() {
        let diagonal =
            |entries: [f64; 2]| symmetric(2, |i, j| if i == j { entries[i] } else { 0.0 });
        let metric = Cholesky::new(&diagonal([4.0, 1.0])).unwrap();
        let step = absolute_step(&diagonal([2.0, -3.0]), &metric, &[1.0, 6.0]).unwrap();
        assert!((step[0] - 0.5).abs() < 1e-14 && (step[1] - 2.0).abs() < 1e-14);
        let step = absolute_step(&diagonal([0.004, -3.0]), &metric, &[1.0, 6.0]).unwrap();
        assert!((step[0] - 25.0).abs() < 1e-12 && (step[1] - 2.0).abs() < 1e-14);
    }
}
