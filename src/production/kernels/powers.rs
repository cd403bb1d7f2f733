//! Integer powers of numbers of size 1 at most.

use pulp::{Scalar, Simd};

/// Replaces every entry by its power, `degree >= 1`, and gives the sum of the sizes of the powers of one degree less.
///
/// By repeated squaring: a power is off by at most `degree` roundings, relatively, as long as it is a normal number.
#[inline(always)]
pub(crate) fn powers_with<S: Simd>(simd: S, values: &mut [f64], degree: u32) -> f64 {
    let (vectors, tail) = S::as_mut_simd_f64s(values);
    let mut sizes = simd.splat_f64s(0.0);
    for vector in vectors {
        let slope = power(simd, *vector, degree - 1);
        sizes = simd.add_f64s(sizes, simd.abs_f64s(slope));
        *vector = simd.mul_f64s(slope, *vector);
    }
    let mut sum = simd.reduce_sum_f64s(sizes);
    for value in tail {
        let slope = power(Scalar, *value, degree - 1);
        sum += slope.abs();
        *value *= slope;
    }
    sum
}

#[inline(always)]
fn power<S: Simd>(simd: S, base: S::f64s, degree: u32) -> S::f64s {
    let (mut result, mut square, mut rest) = (simd.splat_f64s(1.0), base, degree);
    while rest > 0 {
        if rest % 2 == 1 {
            result = simd.mul_f64s(result, square);
        }
        rest /= 2;
        if rest > 0 {
            square = simd.mul_f64s(square, square);
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use pulp::WithSimd;

    use super::*;
    use crate::production::kernels::Level;
    use crate::scalar::High;

    struct Powers<'a>(&'a mut [f64], u32);

    impl WithSimd for Powers<'_> {
        type Output = f64;

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) -> f64 {
            powers_with(simd, self.0, self.1)
        }
    }

    /// 13 entries: whole vectors and a tail at every level. Expected: the powers at 40 digits.
    #[test]
    fn a_power_is_within_as_many_roundings_as_its_degree() {
        let values: Vec<f64> = (0..13).map(|k| f64::from(k - 6) / 6.0).collect();
        for level in Level::all() {
            for degree in [1, 2, 3, 7, 64, 101] {
                let mut found = values.clone();
                let slopes = level.dispatch(Powers(&mut found, degree));
                let mut sizes = High::ZERO;
                for (value, found) in values.iter().zip(&found) {
                    let base = High::lift(*value).unwrap();
                    let exact = base.powi(i64::from(degree));
                    sizes += base.powi(i64::from(degree) - 1).abs();
                    let error = (High::lift(*found).unwrap() - exact).abs().to_f64();
                    let allowed = f64::from(degree) * f64::EPSILON / 2.0 * exact.abs().to_f64();
                    assert!(error <= allowed, "{} {value}^{degree}", level.name());
                }
                let sizes = sizes.to_f64();
                assert!((slopes - sizes).abs() <= 200.0 * f64::EPSILON * sizes);
            }
        }
    }
}
