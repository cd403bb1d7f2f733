//! The elementary functions against mpmath, each with the bound that its documentation states.

use super::reference::{COSH, EXP, EXPM1, LN, LN1P, Row, SINH, SQRT, TANH};
use super::{High, decimal, units_off};
use crate::scalar::high::functions::constant;
use crate::scalar::high::tables::{EXP_HUNDREDTHS, EXP_TENTHS, EXP_THOUSANDTHS, LN_NEAR_TENTHS};

/// The rows are met within `units` units, and the worst row uses more than a twentieth of them (a bound nobody needs
/// is a bound nobody checks).
fn assert_rows(name: &str, function: impl Fn(High) -> High, rows: &[Row], units: f64) {
    let mut worst = 0.0f64;
    for (argument, expected) in rows {
        let actual = function(decimal(argument));
        let off = units_off(actual, expected);
        assert!(
            off <= units,
            "{name}({argument}) = {actual}, mpmath {expected}: {off} units > {units}"
        );
        worst = worst.max(off);
    }
    println!("{name}: worst {worst:.2} units of {units}");
    assert!(
        worst * 20.0 > units,
        "{name}: worst {worst} of {units} allowed"
    );
}

#[test]
fn exp_agrees_with_mpmath() {
    assert_rows("exp", High::exp, EXP, 3.0);
}

#[test]
fn ln_agrees_with_mpmath_also_next_to_one() {
    assert_rows("ln", High::ln, LN, 3.0);
}

#[test]
fn sqrt_agrees_with_mpmath() {
    assert_rows("sqrt", High::sqrt, SQRT, 0.51);
}

#[test]
fn sinh_agrees_with_mpmath_also_next_to_zero() {
    assert_rows("sinh", High::sinh, SINH, 6.0);
}

#[test]
fn cosh_agrees_with_mpmath() {
    assert_rows("cosh", High::cosh, COSH, 4.0);
}

#[test]
fn tanh_agrees_with_mpmath_also_next_to_zero() {
    assert_rows("tanh", High::tanh, TANH, 4.0);
}

#[test]
fn exp_m1_agrees_with_mpmath_also_next_to_zero() {
    assert_rows("exp_m1", High::exp_m1, EXPM1, 5.0);
}

#[test]
fn ln_1p_agrees_with_mpmath_also_next_to_zero() {
    assert_rows("ln_1p", High::ln_1p, LN1P, 3.0);
}

#[test]
fn square_roots_of_squares_are_exact() {
    for k in [1, 2, 3, 10, 99, 1024, 3_037_000_499] {
        assert_eq!(High::int(k * k).sqrt(), High::int(k));
        assert_eq!(
            High::int(k * k).shifted(-2).sqrt(),
            High::int(k).shifted(-1)
        );
    }
}

#[test]
fn powers_multiply() {
    assert_eq!(High::int(3).powi(5), High::int(243));
    assert_eq!(High::int(2).powi(-3), High::ratio(1, 8));
    assert_eq!(High::int(-2).powi(3), High::int(-8));
    assert_eq!(High::ZERO.powi(0), High::ONE);
    assert!(High::ZERO.powi(-1).is_poisoned());
    // mpmath: nstr(mpf("1.1")**1000, 45)
    let off = units_off(
        decimal("1.1").powi(1000),
        "246993291800582633412408838508522147770973.339",
    );
    assert!(off < 1000.0, "{off}");
}

#[test]
fn tables_hold_what_they_say() {
    // From the Taylor series at 40 digits, another route than the tables' own source.
    let series = |x: High| {
        let mut sum = High::ZERO;
        let mut term = High::ONE;
        for n in 1..60 {
            sum += term;
            term = term * x / High::int(n);
        }
        sum
    };
    let tables = [
        (1, &EXP_TENTHS[..]),
        (2, &EXP_HUNDREDTHS[..]),
        (3, &EXP_THOUSANDTHS[..]),
    ];
    for (place, table) in tables {
        for (text, j) in table.iter().zip(-(table.len() as i64) / 2..) {
            let off = units_off(series(High::int(j).shifted(-place)), text);
            assert!(off < 20.0, "exp({j}e-{place}) is not {text}: {off} units");
        }
    }
    for (hundredths, text) in LN_NEAR_TENTHS {
        let off = (series(constant(text)) / High::int(hundredths).shifted(-2) - High::ONE).to_f64();
        assert!(
            off.abs() < 2e-38,
            "ln({hundredths}/100) is not {text}: {off}"
        );
    }
}
