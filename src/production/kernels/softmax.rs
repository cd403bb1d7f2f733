//! What softmax regression needs of each row, for a block of rows.

use pulp::{Simd, WithSimd};

use crate::production::kernels::Level;
use crate::production::kernels::exponential::exponentials_with;

/// Sums over rows for the unnormalised probabilities `p_i = exp(z_i - shift)`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Sums {
    /// `<p, 1>`.
    pub total: f64,
    /// `<p, p>`.
    pub squares: f64,
    /// `<p, p - b>`.
    pub residual: f64,
    /// `||p - b||^2`.
    pub distance: f64,
}

impl Sums {
    /// Adds the sums over other rows.
    pub fn add(&mut self, other: &Self) {
        self.total += other.total;
        self.squares += other.squares;
        self.residual += other.residual;
        self.distance += other.distance;
    }
}

/// The arrays that [`coefficients`] fills, one entry for each row.
pub(crate) struct Coefficients<'a> {
    /// `p`.
    pub p: &'a mut [f64],
    /// `p o (p - b)`.
    pub residual: &'a mut [f64],
    /// `p o p`.
    pub squares: &'a mut [f64],
}

/// Fills the coefficients of a block of rows and returns their sums.
pub(crate) fn coefficients(
    level: Level,
    z: &[f64],
    b: &[f64],
    shift: f64,
    coefficients: Coefficients<'_>,
) -> Sums {
    level.dispatch(Kernel {
        z,
        b,
        shift,
        coefficients,
    })
}

struct Kernel<'a> {
    z: &'a [f64],
    b: &'a [f64],
    shift: f64,
    coefficients: Coefficients<'a>,
}

impl WithSimd for Kernel<'_> {
    type Output = Sums;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Sums {
        let Coefficients {
            p,
            residual,
            squares,
        } = self.coefficients;
        for (p, z) in p.iter_mut().zip(self.z) {
            *p = z - self.shift;
        }
        exponentials_with(simd, p, squares);
        let mut sums = [simd.splat_f64s(0.0); 4];
        let (p_vectors, p_tail) = S::as_simd_f64s(p);
        let (b_vectors, b_tail) = S::as_simd_f64s(self.b);
        let (residual_vectors, residual_tail) = S::as_mut_simd_f64s(residual);
        let (square_vectors, square_tail) = S::as_mut_simd_f64s(squares);
        for (((p, b), residual), square) in p_vectors
            .iter()
            .zip(b_vectors)
            .zip(residual_vectors)
            .zip(square_vectors)
        {
            (*residual, *square) = one(simd, *p, *b, &mut sums);
        }
        if !p_tail.is_empty() {
            let p = simd.partial_load_f64s(p_tail);
            let b = simd.partial_load_f64s(b_tail);
            let (residual, square) = one(simd, p, b, &mut sums);
            simd.partial_store_f64s(residual_tail, residual);
            simd.partial_store_f64s(square_tail, square);
        }
        let [total, squares, residual, distance] = sums.map(|sum| simd.reduce_sum_f64s(sum));
        Sums {
            total,
            squares,
            residual,
            distance,
        }
    }
}

/// `p (p - b)` and `p^2` of one vector of rows, added to the sums; padding lanes hold p = b = 0 and add nothing.
#[inline(always)]
fn one<S: Simd>(simd: S, p: S::f64s, b: S::f64s, sums: &mut [S::f64s; 4]) -> (S::f64s, S::f64s) {
    let c = simd.sub_f64s(p, b);
    let residual = simd.mul_f64s(p, c);
    let square = simd.mul_f64s(p, p);
    sums[0] = simd.add_f64s(sums[0], p);
    sums[1] = simd.add_f64s(sums[1], square);
    sums[2] = simd.add_f64s(sums[2], residual);
    sums[3] = simd.mul_add_e_f64s(c, c, sums[3]);
    (residual, square)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_gives_the_coefficients_of_the_definition() {
        for level in Level::all() {
            for n in [1, 7, 8, 21] {
                let z: Vec<f64> = (0..n).map(|i| (i as f64).sin() * 3.0).collect();
                let b: Vec<f64> = (0..n).map(|i| (i as f64).cos()).collect();
                let (mut p, mut residual, mut squares) = (vec![0.0; n], vec![0.0; n], vec![0.0; n]);
                let sums = coefficients(
                    level,
                    &z,
                    &b,
                    0.5,
                    Coefficients {
                        p: &mut p,
                        residual: &mut residual,
                        squares: &mut squares,
                    },
                );
                let mut expected = Sums::default();
                for i in 0..n {
                    let e = (z[i] - 0.5).exp();
                    assert!((p[i] - e).abs() <= 4.0 * f64::EPSILON * e);
                    assert!((residual[i] - e * (e - b[i])).abs() <= 1e-13 * e * (e + 1.0));
                    assert!((squares[i] - e * e).abs() <= 1e-14 * e * e);
                    expected.add(&Sums {
                        total: e,
                        squares: e * e,
                        residual: e * (e - b[i]),
                        distance: (e - b[i]).powi(2),
                    });
                }
                let close =
                    |a: f64, b: f64| (a - b).abs() <= 1e-13 * expected.squares.max(1.0) * n as f64;
                assert!(close(sums.total, expected.total) && close(sums.squares, expected.squares));
                assert!(
                    close(sums.residual, expected.residual)
                        && close(sums.distance, expected.distance)
                );
            }
        }
    }
}
