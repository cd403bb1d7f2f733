//! Ring laws on dyadic numbers, where 40 digits are exact; conversion of every f64.

use proptest::prelude::*;
use quickcheck::quickcheck;

use super::High;
use crate::scalar::ScalarError;

/// `k / 1024` with `|k| <= limit`: at most 17 digits, and products of two are exact.
fn dyadic(limit: i64) -> impl Strategy<Value = High> {
    (-limit..=limit).prop_map(|k| High::ratio(k, 1024))
}

proptest! {
    #[test]
    fn dyadic_numbers_form_a_ring(x in dyadic(1 << 20), y in dyadic(1 << 20), z in dyadic(1 << 20)) {
        prop_assert_eq!(x + y, y + x);
        prop_assert_eq!((x + y) + z, x + (y + z));
        prop_assert_eq!(x * y, y * x);
        prop_assert_eq!(x * (y + z), x * y + x * z);
        prop_assert_eq!((x + y) - y, x);
        prop_assert_eq!(x + -x, High::ZERO);
        prop_assert_eq!(x * High::ONE, x);
        prop_assert_eq!(x + High::ZERO, x);
    }

    #[test]
    fn division_inverts_multiplication(x in dyadic(1 << 20), y in dyadic(1 << 20)) {
        prop_assume!(!y.is_zero());
        prop_assert_eq!(x * y / y, x);
    }

    #[test]
    fn integers_agree_with_machine_arithmetic(i in -1_000_000_000i64..1_000_000_000, j in -1_000_000_000i64..1_000_000_000) {
        prop_assert_eq!(High::int(i) + High::int(j), High::int(i + j));
        prop_assert_eq!(High::int(i) - High::int(j), High::int(i - j));
        prop_assert_eq!(High::int(i) * High::int(j), High::int(i * j));
        prop_assert_eq!(High::int(i).partial_cmp(&High::int(j)), i.partial_cmp(&j));
    }

    #[test]
    fn every_result_is_normalised_at_any_exponent(i in -1_000_000i64..1_000_000, j in -1_000_000i64..1_000_000, e in -90i64..90) {
        let (x, y) = (High::ratio(i, 7), High::ratio(j, 3).shifted(e));
        for value in [x + y, x - y, x * y, x * x * y, x.abs().sqrt() - y] {
            // Text is exact at 40 digits, so a stray mantissa would not survive the round trip.
            prop_assert_eq!(High::parse(&value.to_string()), Ok(value));
        }
        prop_assert!((x + y - (y + x)).is_zero());
    }

    #[test]
    fn one_operation_errs_by_half_a_unit(i in 1i64..1_000_000, j in 1i64..1_000_000, e in -45i64..45) {
        let (x, y) = (High::ratio(i, 7), High::ratio(j, 3).shifted(e));
        // Half a unit, the 44-digit intermediate, and the rounding of the residuals themselves.
        let bound = High::ONE.shifted(-39) * High::ratio(5002, 10_000);
        // Dekker's residual by halves is exact: the high halves have 20 digits.
        let residual = |product: High| {
            let (xh, yh) = (x.truncated_to_half(), y.truncated_to_half());
            let (xl, yl) = (x - xh, y - yh);
            ((xh * yh - product) + xh * yl + xl * yh) + xl * yl
        };
        let product = x * y;
        prop_assert!(residual(product).abs() <= product.abs() * bound);
        // Knuth's residual of a sum.
        let sum = x + y;
        let back = sum - x;
        let error = (x - (sum - back)) + (y - back);
        prop_assert!(error.abs() <= sum.abs() * bound);
    }

    #[test]
    fn exp_and_ln_are_inverse(k in -40_000i64..40_000) {
        prop_assume!(k != 0);
        let x = High::ratio(k, 1024);
        let off = (x.exp().ln() - x).abs();
        // exp errs by 4 units, which ln turns into 4 units absolutely; ln adds 3 relatively.
        prop_assert!(off.to_f64() <= (4.0 + 3.0 * x.abs().to_f64()) * High::UNIT, "{}", off);
    }

    #[test]
    fn exp_turns_sums_into_products(i in -1_000_000i64..1_000_000, j in -1_000_000i64..1_000_000) {
        let (x, y) = (High::ratio(i, 1024), High::ratio(j, 1024));
        let off = (x + y).exp() / (x.exp() * y.exp()) - High::ONE;
        prop_assert!(off.abs().to_f64() <= 14.0 * High::UNIT, "{}", off);
    }

    #[test]
    fn hyperbolic_functions_satisfy_their_identity(k in -5_000i64..5_000) {
        let x = High::ratio(k, 1024);
        let (sinh, cosh) = (x.sinh(), x.cosh());
        let off = cosh.square() - sinh.square() - High::ONE;
        prop_assert!(off.abs().to_f64() <= 30.0 * High::UNIT * cosh.square().to_f64(), "{}", off);
        let tanh = x.tanh() * cosh - sinh;
        prop_assert!(tanh.abs().to_f64() <= 20.0 * High::UNIT * sinh.abs().to_f64(), "{}", tanh);
        prop_assert_eq!((-x).sinh(), -sinh);
    }
}

quickcheck! {
    fn every_finite_f64_returns_from_the_oracle(x: f64) -> bool {
        match High::lift(x) {
            Ok(lifted) => x.is_finite() && lifted.to_f64() == x,
            Err(ScalarError::NotFinite(_)) => !x.is_finite(),
            Err(_) => false,
        }
    }

    fn every_f64_bit_pattern_returns_from_the_oracle(bits: u64) -> bool {
        let x = f64::from_bits(bits);
        match High::lift(x) {
            Ok(lifted) => x.is_finite() && lifted.to_f64() == x,
            Err(_) => !x.is_finite(),
        }
    }

    fn every_subnormal_returns_from_the_oracle(bits: u64) -> bool {
        let x = f64::from_bits(bits >> 12);
        High::lift(x).is_ok_and(|lifted| lifted.to_f64() == x)
    }

    fn parsing_is_total(text: String) -> bool {
        High::parse(&text).is_ok_and(|x| !x.is_poisoned()) || High::parse(&text).is_err()
    }

    fn functions_are_total(x: f64, shift: i64) -> bool {
        let Ok(x) = High::lift(x).map(|x| x.shifted(shift)) else {
            return true;
        };
        let values = [
            x.exp(), x.exp_m1(), x.ln(), x.ln_1p(), x.sqrt(), x.sinh(), x.cosh(), x.tanh(), x.recip(), x.powi(shift),
        ];
        values.iter().all(|value| value.is_poisoned() || High::parse(&value.to_string()).as_ref() == Ok(value))
    }
}
