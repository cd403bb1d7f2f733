//! The doors: binary and decimal numbers in, f64 and decimal text out.

use std::fmt;
use std::num::IntErrorKind;
use std::str::FromStr;

use super::{DIGITS, High, LIMBS, ScalarError};

impl High {
    /// The binary value of `x`, `significand * 2^exponent`, rounded once to 40 digits.
    ///
    /// Any finite f64, subnormals included; integers up to `2^53` and short dyadic numbers are exact.
    /// `Err(NotFinite)` for NaN and infinities.
    pub fn lift(x: f64) -> Result<High, ScalarError> {
        if !x.is_finite() {
            return Err(ScalarError::NotFinite(x));
        }
        if x.fract() == 0.0 && x.abs() <= 9_007_199_254_740_992.0 {
            return Ok(High::int(x as i64));
        }
        // With an explicit precision the standard library prints the exact binary value, correctly rounded (unlike
        // its shortest form, which prints 0.1 for the f64 nearest to 0.1).
        High::parse(&format!("{x:.39e}"))
    }

    /// A decimal number such as `-1.25e-300`, rounded half to even beyond 40 significant digits.
    ///
    /// `Err(NotANumber)` for anything but `[+-]digits[.digits][e[+-]digits]` with a digit in the significand,
    /// `Err(OutOfRange)` if the exponent does not fit into 64 bits.
    pub fn parse(text: &str) -> Result<High, ScalarError> {
        let not_a_number = || ScalarError::NotANumber(text.to_owned());
        let out_of_range = || ScalarError::OutOfRange(text.to_owned());

        let (negative, magnitude) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        let (significand, exponent) = match magnitude.split_once(['e', 'E']) {
            Some((significand, exponent)) => (significand, Some(exponent)),
            None => (magnitude, None),
        };
        let (whole, fraction) = significand.split_once('.').unwrap_or((significand, ""));
        let digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return Err(not_a_number());
        }
        let exponent = match exponent.map(i64::from_str) {
            None => 0,
            Some(Ok(exponent)) => exponent,
            Some(Err(error)) => match error.kind() {
                IntErrorKind::PosOverflow | IntErrorKind::NegOverflow => return Err(out_of_range()),
                _ => return Err(not_a_number()),
            },
        };
        let Some(first) = digits.iter().position(|&digit| digit != b'0') else {
            return Ok(High::ZERO);
        };
        // A text is shorter than 2^63 characters, so the difference itself cannot overflow.
        let leading = whole.len() as i64 - 1 - first as i64;
        let (rounded, carried) = round_digits(&digits[first..], DIGITS);
        exponent
            .checked_add(leading)
            .and_then(|exponent| exponent.checked_add(i64::from(carried)))
            .map(|exponent| High::from_limbs(negative, limbs_of(&rounded), exponent))
            .ok_or_else(out_of_range)
    }

    /// The nearest f64, ties to even.
    ///
    /// `±inf` above the f64 range, a subnormal or zero below it, NaN for the poisoned value.
    pub fn to_f64(self) -> f64 {
        if self.is_poisoned() {
            return f64::NAN;
        }
        // The standard library's decimal parser is correctly rounded, and "1e400" is infinity to it. The text is
        // always a number; NaN could only say otherwise.
        self.scientific(DIGITS).parse().unwrap_or(f64::NAN)
    }

    /// The number in decimal with `digits` significant digits (1 to 40), rounded half to even: `1.2345e-7`.
    ///
    /// Zero is `0`, the poisoned value is `poisoned`.
    pub fn scientific(self, digits: usize) -> String {
        let Some(limbs) = self.limbs() else {
            return "poisoned".to_owned();
        };
        if self.is_zero() {
            return "0".to_owned();
        }
        let (rounded, carried) = round_digits(&digits_of(&limbs), digits.clamp(1, DIGITS));
        // The exponent of a printed number can exceed i64 by one, when 9.99... rounds up.
        let exponent = i128::from(self.exponent) + i128::from(carried);
        let mut text = String::with_capacity(64);
        if self.is_negative() {
            text.push('-');
        }
        for (position, &digit) in rounded.iter().enumerate() {
            if position == 1 {
                text.push('.');
            }
            text.push(char::from(digit));
        }
        text.push('e');
        text.push_str(&exponent.to_string());
        text
    }
}

/// The first `count` ASCII digits (padded with zeros), rounded half to even by the rest, and whether `9.99..` became
/// `10.0..`, written as `1.00..`.
fn round_digits(digits: &[u8], count: usize) -> (Vec<u8>, bool) {
    let mut rounded: Vec<u8> = digits.iter().copied().take(count).collect();
    rounded.resize(count, b'0');
    let tail = digits.get(count..).unwrap_or(&[]);
    let odd = rounded.last().is_some_and(|digit| digit % 2 == 1);
    let up = match tail.split_first() {
        None => false,
        Some((&b'5', rest)) => odd || rest.iter().any(|&digit| digit != b'0'),
        Some((&first, _)) => first > b'5',
    };
    if !up {
        return (rounded, false);
    }
    for digit in rounded.iter_mut().rev() {
        if *digit < b'9' {
            *digit += 1;
            return (rounded, false);
        }
        *digit = b'0';
    }
    if let Some(leading) = rounded.first_mut() {
        *leading = b'1';
    }
    (rounded, true)
}

/// 40 ASCII digits as limbs, least significant limb first.
fn limbs_of(digits: &[u8]) -> [i16; LIMBS] {
    let mut limbs = [0; LIMBS];
    for (limb, group) in limbs.iter_mut().rev().zip(digits.chunks(4)) {
        *limb = group
            .iter()
            .fold(0, |value, digit| value * 10 + i16::from(digit - b'0'));
    }
    limbs
}

/// The 40 ASCII digits of the limbs.
fn digits_of(limbs: &[i16; LIMBS]) -> [u8; DIGITS] {
    let mut digits = [b'0'; DIGITS];
    for (group, limb) in digits.chunks_mut(4).zip(limbs.iter().rev()) {
        let mut rest = *limb;
        for digit in group.iter_mut().rev() {
            // rest % 10 is one digit of a limb below 10000.
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
    }
    digits
}

impl FromStr for High {
    type Err = ScalarError;

    fn from_str(text: &str) -> Result<High, ScalarError> {
        High::parse(text)
    }
}

/// All 40 digits, or as many as the format's precision asks for: `{:.12}` prints 12 significant digits.
impl fmt::Display for High {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.scientific(formatter.precision().unwrap_or(DIGITS)))
    }
}

impl fmt::Debug for High {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "High({self})")
    }
}
