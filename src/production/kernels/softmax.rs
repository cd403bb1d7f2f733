//! What softmax regression needs of each row, for a block of rows.

use pulp::{Simd, WithSimd};

use crate::production::kernels::Level;
use crate::production::kernels::exponential::exponentials_with;
use crate::production::ranks::Numbers;

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

impl Numbers for Sums {
    fn write(&self, to: &mut Vec<f64>) {
        [self.total, self.squares, self.residual, self.distance].write(to);
    }

    fn read(from: &mut &[f64]) -> Self {
        let [total, squares, residual, distance] = Numbers::read(from);
        Self {
            total,
            squares,
            residual,
            distance,
        }
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
        let [total, squares, residual, distance] = sums;
        Sums {
            total: simd.reduce_sum_f64s(total),
            squares: simd.reduce_sum_f64s(squares),
            residual: simd.reduce_sum_f64s(residual),
            distance: simd.reduce_sum_f64s(distance),
        }
    }
}

/// Sums over rows along a line `z + t dz`, for `p_i = exp(z_i + t dz_i - shift)`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct LineSums {
    /// The sums that do not involve the direction.
    pub sums: Sums,
    /// `<p, dz>`.
    pub total_slope: f64,
    /// `<p o p, dz>`.
    pub square_slope: f64,
    /// `<p o (p - b), dz>`.
    pub residual_slope: f64,
}

impl LineSums {
    /// Adds the sums over other rows.
    pub fn add(&mut self, other: &Self) {
        self.sums.add(&other.sums);
        self.total_slope += other.total_slope;
        self.square_slope += other.square_slope;
        self.residual_slope += other.residual_slope;
    }
}

impl Numbers for LineSums {
    fn write(&self, to: &mut Vec<f64>) {
        self.sums.write(to);
        [self.total_slope, self.square_slope, self.residual_slope].write(to);
    }

    fn read(from: &mut &[f64]) -> Self {
        let sums = Sums::read(from);
        let [total_slope, square_slope, residual_slope] = Numbers::read(from);
        Self {
            sums,
            total_slope,
            square_slope,
            residual_slope,
        }
    }
}

/// The sums of a block of rows at `z + t dz`. `work` and `scratch` have at least as many entries as `z`.
pub(crate) fn line_sums(
    level: Level,
    line: Line<'_>,
    b: &[f64],
    shift: f64,
    work: &mut [f64],
    scratch: &mut [f64],
) -> LineSums {
    level.dispatch(LineKernel {
        line,
        b,
        shift,
        work,
        scratch,
    })
}

/// The logits `z + t dz` of a block of rows.
#[derive(Clone, Copy)]
pub(crate) struct Line<'a> {
    /// `z`.
    pub z: &'a [f64],
    /// `dz`.
    pub dz: &'a [f64],
    /// `t`.
    pub t: f64,
}

struct LineKernel<'a> {
    line: Line<'a>,
    b: &'a [f64],
    shift: f64,
    work: &'a mut [f64],
    scratch: &'a mut [f64],
}

impl WithSimd for LineKernel<'_> {
    type Output = LineSums;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> LineSums {
        let Line { z, dz, t } = self.line;
        let p = &mut self.work[..z.len()];
        for ((p, z), dz) in p.iter_mut().zip(z).zip(dz) {
            *p = z + t * dz - self.shift;
        }
        exponentials_with(simd, p, self.scratch);
        let mut sums = [simd.splat_f64s(0.0); 4];
        let mut slopes = [simd.splat_f64s(0.0); 3];
        let (p_vectors, p_tail) = S::as_simd_f64s(p);
        let (b_vectors, b_tail) = S::as_simd_f64s(self.b);
        let (dz_vectors, dz_tail) = S::as_simd_f64s(dz);
        for ((p, b), dz) in p_vectors.iter().zip(b_vectors).zip(dz_vectors) {
            along(simd, *p, *b, *dz, &mut sums, &mut slopes);
        }
        if !p_tail.is_empty() {
            let p = simd.partial_load_f64s(p_tail);
            let b = simd.partial_load_f64s(b_tail);
            let dz = simd.partial_load_f64s(dz_tail);
            along(simd, p, b, dz, &mut sums, &mut slopes);
        }
        let [total, squares, residual, distance] = sums;
        let [total_slope, square_slope, residual_slope] = slopes;
        LineSums {
            sums: Sums {
                total: simd.reduce_sum_f64s(total),
                squares: simd.reduce_sum_f64s(squares),
                residual: simd.reduce_sum_f64s(residual),
                distance: simd.reduce_sum_f64s(distance),
            },
            total_slope: simd.reduce_sum_f64s(total_slope),
            square_slope: simd.reduce_sum_f64s(square_slope),
            residual_slope: simd.reduce_sum_f64s(residual_slope),
        }
    }
}

/// One vector of rows added to the sums and slopes. A function, since a closure would not be compiled for the level.
#[inline(always)]
fn along<S: Simd>(
    simd: S,
    p: S::f64s,
    b: S::f64s,
    dz: S::f64s,
    sums: &mut [S::f64s; 4],
    slopes: &mut [S::f64s; 3],
) {
    let (residual, square) = one(simd, p, b, sums);
    slopes[0] = simd.mul_add_e_f64s(p, dz, slopes[0]);
    slopes[1] = simd.mul_add_e_f64s(square, dz, slopes[1]);
    slopes[2] = simd.mul_add_e_f64s(residual, dz, slopes[2]);
}

/// `p = exp(z - shift)` for a block of rows. `scratch` has at least as many entries as `z`.
pub(crate) fn shifted_exponentials(
    level: Level,
    z: &[f64],
    shift: f64,
    p: &mut [f64],
    scratch: &mut [f64],
) {
    for (p, z) in p.iter_mut().zip(z) {
        *p = z - shift;
    }
    super::exponential::exponentials(level, p, scratch);
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
    fn sums_along_a_line_are_those_of_the_definition() {
        for level in Level::all() {
            for n in [1, 8, 21] {
                let z: Vec<f64> = (0..n).map(|i| (i as f64).sin()).collect();
                let dz: Vec<f64> = (0..n).map(|i| (i as f64 * 0.7).cos()).collect();
                let b: Vec<f64> = (0..n).map(|i| 1.0 / (i as f64 + 2.0)).collect();
                let (t, shift) = (0.75, 1.25);
                let line = Line { z: &z, dz: &dz, t };
                let found = line_sums(level, line, &b, shift, &mut vec![0.0; n], &mut vec![0.0; n]);
                let mut expected = LineSums::default();
                for i in 0..n {
                    let p = (z[i] + t * dz[i] - shift).exp();
                    expected.add(&LineSums {
                        sums: Sums {
                            total: p,
                            squares: p * p,
                            residual: p * (p - b[i]),
                            distance: (p - b[i]).powi(2),
                        },
                        total_slope: p * dz[i],
                        square_slope: p * p * dz[i],
                        residual_slope: p * (p - b[i]) * dz[i],
                    });
                }
                let pairs = [
                    (found.sums.total, expected.sums.total),
                    (found.sums.squares, expected.sums.squares),
                    (found.sums.residual, expected.sums.residual),
                    (found.sums.distance, expected.sums.distance),
                    (found.total_slope, expected.total_slope),
                    (found.square_slope, expected.square_slope),
                    (found.residual_slope, expected.residual_slope),
                ];
                for (k, (found, expected)) in pairs.into_iter().enumerate() {
                    assert!(
                        (found - expected).abs() <= 1e-13 * n as f64,
                        "{} {n} {k}",
                        level.name()
                    );
                }
            }
        }
    }

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
