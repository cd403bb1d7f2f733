//! A vectorised `exp`.

use pulp::{Simd, WithSimd};

use crate::production::kernels::Level;

/// `log2(e)`.
const LOG2_E: f64 = std::f64::consts::LOG2_E;
/// `1.5 * 2^52`: adding it rounds to an integer, which is then in the low bits.
const MAGIC: f64 = 6_755_399_441_055_744.0;
/// `ln 2` in two parts; the first has 32 significant bits, so that its multiples by an exponent are exact.
const LN2_HIGH: f64 = f64::from_bits(0x3FE6_2E42_FEE0_0000);
const LN2_LOW: f64 = f64::from_bits(0x3DEA_39EF_3579_3C76);
/// Arguments are clamped to these: below, `exp` is subnormal and 0 is returned; above, it overflows.
const LEAST: f64 = -708.0;
const LARGEST: f64 = 709.0;
/// `1/k!` for k = 13 down to 2: on `|r| <= ln(2)/2` the rest of the series is below 5e-18.
const COEFFICIENTS: [f64; 12] = [
    1.0 / 6_227_020_800.0,
    1.0 / 479_001_600.0,
    1.0 / 39_916_800.0,
    1.0 / 3_628_800.0,
    1.0 / 362_880.0,
    1.0 / 40_320.0,
    1.0 / 5_040.0,
    1.0 / 720.0,
    1.0 / 120.0,
    1.0 / 24.0,
    1.0 / 6.0,
    0.5,
];

/// Bound on the error of [`exponentials`] in units in the last place, for arguments from -708 to 709.
///
/// Two roundings of 1/2 from the last addition and the argument reduction, and less than 1/2 from everything else;
/// measured below 1.1 against the reference.
pub(crate) const ULPS: f64 = 2.0;

/// Replaces every entry by its exponential: 0 below -708, `exp(709)` above 709, NaN for NaN.
///
/// `scratch` has at least as many entries as `values`; what it held is lost.
pub(crate) fn exponentials(level: Level, values: &mut [f64], scratch: &mut [f64]) {
    level.dispatch(Exponentials { values, scratch });
}

struct Exponentials<'a> {
    values: &'a mut [f64],
    scratch: &'a mut [f64],
}

impl WithSimd for Exponentials<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        exponentials_with(simd, self.values, self.scratch);
    }
}

/// [`exponentials`] inside a kernel that has been dispatched already.
#[inline(always)]
pub(crate) fn exponentials_with<S: Simd>(simd: S, values: &mut [f64], scratch: &mut [f64]) {
    let scratch = &mut scratch[..values.len()];
    {
        let (vectors, tail) = S::as_mut_simd_f64s(values);
        let (exponents, exponent_tail) = S::as_mut_simd_f64s(scratch);
        for (vector, exponent) in vectors.iter_mut().zip(exponents) {
            (*vector, *exponent) = reduced(simd, *vector);
        }
        if !tail.is_empty() {
            let (vector, exponent) = reduced(simd, simd.partial_load_f64s(tail));
            simd.partial_store_f64s(tail, vector);
            simd.partial_store_f64s(exponent_tail, exponent);
        }
    }
    for (value, exponent) in values.iter_mut().zip(scratch) {
        // The low bits hold the biased exponent; shifted to its place they are a power of two, or 0 for biased 0.
        *value *= f64::from_bits(exponent.to_bits() << 52);
    }
}

/// `exp(x) = p 2^k`: p, and k + 1023 in the low bits of a number.
#[inline(always)]
fn reduced<S: Simd>(simd: S, x: S::f64s) -> (S::f64s, S::f64s) {
    let splat = |value| simd.splat_f64s(value);
    let too_small = simd.less_than_f64s(x, splat(LEAST));
    // In this order a NaN survives on every level.
    let clamped = simd.select_f64s(too_small, splat(LEAST), x);
    let too_large = simd.greater_than_f64s(clamped, splat(LARGEST));
    let clamped = simd.select_f64s(too_large, splat(LARGEST), clamped);
    let shifted = simd.add_f64s(simd.mul_f64s(clamped, splat(LOG2_E)), splat(MAGIC));
    let k = simd.sub_f64s(shifted, splat(MAGIC));
    let r = simd.sub_f64s(clamped, simd.mul_f64s(k, splat(LN2_HIGH)));
    let r = simd.sub_f64s(r, simd.mul_f64s(k, splat(LN2_LOW)));
    let mut series = splat(COEFFICIENTS[0]);
    for coefficient in &COEFFICIENTS[1..] {
        series = simd.mul_add_e_f64s(series, r, splat(*coefficient));
    }
    let square = simd.mul_f64s(r, r);
    let p = simd.add_f64s(splat(1.0), simd.mul_add_e_f64s(square, series, r));
    let p = simd.select_f64s(too_small, splat(0.0), p);
    (p, simd.add_f64s(shifted, splat(1023.0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scalar::High;

    fn at(level: Level, x: f64) -> f64 {
        let mut values = [x; 11];
        exponentials(level, &mut values, &mut [0.0; 11]);
        assert!(
            values
                .iter()
                .all(|value| value.to_bits() == values[0].to_bits()),
            "{x}"
        );
        values[0]
    }

    #[test]
    fn every_level_is_within_its_ulps_of_the_forty_digit_exponential() {
        let mut arguments: Vec<f64> = (-700..=700).map(|k| f64::from(k) + 0.123_456_789).collect();
        arguments.extend((-400..400).map(|k| f64::from(k) * 0.000_873));
        arguments.extend((1..60).map(|k| 2f64.powi(-k)));
        arguments.extend([
            -708.0,
            709.0,
            0.0,
            -0.0,
            1.0,
            -1.0,
            0.346_573_590_279,
            -0.346_573_590_28,
        ]);
        for level in Level::all() {
            for &x in &arguments {
                let exact = High::lift(x).unwrap().exp();
                let error = (High::lift(at(level, x)).unwrap() - exact).abs().to_f64();
                let unit = exact.to_f64() * f64::EPSILON;
                assert!(
                    error <= ULPS * unit,
                    "{} exp({x:e}): {} ulp",
                    level.name(),
                    error / unit
                );
            }
        }
    }

    #[test]
    fn arguments_beyond_the_range_give_zero_the_largest_value_or_nan() {
        for level in Level::all() {
            assert_eq!(at(level, -708.1), 0.0);
            assert_eq!(at(level, f64::NEG_INFINITY), 0.0);
            assert_eq!(at(level, 800.0), at(level, 709.0));
            assert_eq!(at(level, f64::INFINITY), at(level, 709.0));
            assert!(at(level, f64::NAN).is_nan());
        }
    }
}
