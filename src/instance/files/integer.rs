//! Integers beyond 2^53: f64 has some of them, and those alone are taken. Whoever writes an integer means that one.

use num_bigint::BigInt;
use num_traits::FromPrimitive;

/// Every integer up to this size is an f64.
const ALL_EXACT: u64 = 1 << 53;
/// Integers of so many digits are below [`ALL_EXACT`].
const SURELY_EXACT: usize = 15;

/// Whether f64 has the integer that is written out (digits, perhaps behind a sign).
pub(super) fn is_exact(text: &str) -> bool {
    text.len() <= SURELY_EXACT
        || match (text.parse::<BigInt>(), text.parse::<f64>()) {
            (Ok(written), Ok(nearest)) => BigInt::from_f64(nearest) == Some(written),
            _ => false,
        }
}

/// Whether f64 has this integer.
pub(super) fn is_exact_i64(value: i64) -> bool {
    value.unsigned_abs() <= ALL_EXACT || value as f64 as i128 == i128::from(value)
}

/// Whether f64 has this integer.
pub(super) fn is_exact_u64(value: u64) -> bool {
    value <= ALL_EXACT || value as f64 as u128 == u128::from(value)
}

/// Whether the word has digits only, behind a sign or none.
pub(super) fn is_integer(word: &str) -> bool {
    let digits = word.strip_prefix(['+', '-']).unwrap_or(word);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: above 2^53 every second integer, above 2^54 every fourth; powers of two always.
    #[test]
    fn integers_that_f64_has_are_told_from_those_it_has_not() {
        for (text, exact) in [
            ("0", true),
            ("-9007199254740992", true),
            ("9007199254740993", false),
            ("-9007199254740993", false),
            ("+9007199254740994", true),
            ("18014398509481986", false),
            ("18014398509481988", true),
            ("1152921504606846976", true),
            ("1152921504606846977", false),
            ("9223372036854775807", false),
            ("-9223372036854775808", true),
            ("18446744073709551615", false),
            ("18446744073709551616", true),
            ("18446744073709551617", false),
            ("100000000000000000000000", false),
            ("0000000000000000000000001", true),
        ] {
            assert_eq!(is_exact(text), exact, "{text}");
            if let Ok(value) = text.parse() {
                assert_eq!(is_exact_i64(value), exact, "{text}");
            }
            if let Ok(value) = text.parse() {
                assert_eq!(is_exact_u64(value), exact, "{text}");
            }
        }
        let too_large = format!("1{}", "0".repeat(400));
        assert!(!is_exact(&too_large));
    }
}
