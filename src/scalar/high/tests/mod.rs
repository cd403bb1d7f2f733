//! The traps of 40-digit decimal arithmetic, pinned; the functions against mpmath; the factorisations of nalgebra.

mod factorisations;
mod field;
mod functions;
mod properties;
mod reference;
mod traps;

use super::High;

/// A decimal text as a number.
fn decimal(text: &str) -> High {
    High::parse(text).expect("a decimal literal of these tests")
}

/// The distance of `x` from the 45-digit decimal `text`, in [`High::UNIT`] relative to the text's value.
///
/// The digits of the text are cut in two, so that the difference keeps what lies beyond 40 of them.
fn units_off(x: High, text: &str) -> f64 {
    let magnitude = text.trim_start_matches('-');
    let (significand, exponent) = magnitude.split_once('e').unwrap_or((magnitude, "0"));
    let exponent: i64 = exponent.parse().expect("an exponent");
    let (whole, fraction) = significand.split_once('.').unwrap_or((significand, ""));
    let digits = [whole, fraction].concat();
    let place = exponent - fraction.len() as i64;
    let (upper, lower) = digits.split_at(digits.len().min(30));
    let head = decimal(upper).shifted(place + lower.len() as i64);
    let tail = decimal(&format!("0{lower}")).shifted(place);
    let x = if text.starts_with('-') { -x } else { x };
    (((x - head) - tail) / head).abs().to_f64() / High::UNIT
}
