//! What goes wrong with bare 40-digit floats, and does not with [`High`].

use num_traits::FromPrimitive;

use super::{High, decimal};
use crate::scalar::ScalarError;
use crate::scalar::high::BigFloat;

/// A number of the library alone.
fn bare(text: &str) -> BigFloat {
    BigFloat::parse(text).expect("a decimal literal of these tests")
}

#[test]
fn a_lifted_f64_keeps_its_binary_value() {
    let binary = decimal("0.1000000000000000055511151231257827021181583404541015625");
    assert_eq!(High::lift(0.1), Ok(binary));
    assert_ne!(High::lift(0.1), Ok(High::ratio(1, 10)));
    // The trap: the library's own conversion goes through shortest decimal text.
    assert_eq!(BigFloat::from_f64(0.1), bare("0.1"));
}

#[test]
fn integers_fill_all_digits() {
    // mpmath: nstr(1/pi, 40)
    let expected = decimal("0.3183098861837906715377675267450287240689");
    let pi = decimal("3.141592653589793238462643383279502884197");
    assert!(((High::int(1) / pi - expected) / expected).abs().to_f64() < High::UNIT);
    // The trap: the library's integer constructors leave a short mantissa, and the quotient is short too.
    let short = BigFloat::from_u32(1) / bare("3.141592653589793238462643383279502884197");
    let off = short - bare("0.3183098861837906715377675267450287240689");
    assert!(
        off.abs() > bare("1e-20"),
        "num_bigfloat now divides fully: {off}"
    );
}

#[test]
fn exponents_do_not_wrap() {
    // The trap: exp(-295) = 0 and exp(-400.5) is infinite there.
    assert!(bare("-295").exp().is_zero());
    assert!(bare("-400.5").exp().is_inf_pos());
    assert_eq!(decimal("-295").exp().exponent10(), Some(-129));
    assert_eq!(decimal("-400.5").exp().exponent10(), Some(-174));

    // Softmax with a gap of 900 multiplies three probabilities.
    let p = decimal("-900").exp();
    let cube = p * p * p;
    assert_eq!(cube.exponent10(), Some(-1173));
    let direct = decimal("-2700").exp();
    assert!(((cube - direct) / direct).abs().to_f64() < 10.0 * High::UNIT);
    assert!((p.powi(-3) * cube - High::ONE).abs().to_f64() < 10.0 * High::UNIT);
}

#[test]
fn a_lost_operand_is_below_half_a_unit() {
    let one = High::ONE;
    assert_eq!(one + one.shifted(-60), one);
    assert_eq!(one.shifted(-60) + one, one);
    assert_eq!(one - one.shifted(-41), one);
    assert_eq!(
        one + one.shifted(-39),
        decimal("1.000000000000000000000000000000000000001")
    );
    assert_eq!(
        one - one.shifted(-40),
        decimal("0.9999999999999999999999999999999999999999")
    );
    assert_eq!(
        one.shifted(i64::MAX) + one.shifted(i64::MIN),
        one.shifted(i64::MAX)
    );
}

#[test]
fn cancellation_leaves_the_exact_difference() {
    let x = decimal("1.000000000000000000000000000000000000001");
    assert_eq!(x - High::ONE, High::ONE.shifted(-39));
    assert_eq!(x - x, High::ZERO);
    assert_eq!(
        x.shifted(500) - High::ONE.shifted(500),
        High::ONE.shifted(461)
    );
    assert!(!(x - x).is_negative() && !(-(x - x)).is_negative());
}

#[test]
fn operations_without_an_answer_are_poisoned() {
    let huge = High::ONE.shifted(i64::MAX);
    let tiny = High::ONE.shifted(i64::MIN);
    let cases = [
        ("0/0", High::ZERO / High::ZERO),
        ("1/0", High::ONE / High::ZERO),
        ("-1/0", -High::ONE / High::ZERO),
        ("recip 0", High::ZERO.recip()),
        ("ratio 1 0", High::ratio(1, 0)),
        ("ln 0", High::ZERO.ln()),
        ("ln -1", (-High::ONE).ln()),
        ("ln_1p -1", (-High::ONE).ln_1p()),
        ("sqrt -1", (-High::ONE).sqrt()),
        ("exp 1e20", decimal("1e20").exp()),
        ("exp -1e20", decimal("-1e20").exp()),
        ("exp 1e400", decimal("1e400").exp()),
        ("sinh 1e30", decimal("1e30").sinh()),
        ("cosh -1e30", decimal("-1e30").cosh()),
        ("huge * 10", huge * High::int(10)),
        ("huge * huge", huge * huge),
        ("tiny * tiny", tiny * tiny),
        ("tiny / 10", tiny / High::int(10)),
        ("huge / tiny", huge / tiny),
        (
            "9.9..huge + itself",
            huge * High::int(9) + huge * High::int(9),
        ),
        ("huge ^ 2", huge.powi(2)),
    ];
    for (name, value) in cases {
        assert!(value.is_poisoned(), "{name} = {value}");
        assert_eq!(value.checked(), Err(ScalarError::Poisoned), "{name}");
    }
}

#[test]
fn poison_is_sticky() {
    let poison = High::ONE / High::ZERO;
    let one = High::ONE;
    let descendants = [
        poison + one,
        one + poison,
        poison - poison,
        one - poison,
        poison * High::ZERO,
        High::ZERO * poison,
        poison / one,
        one / poison,
        High::ZERO / poison,
        poison / High::ZERO,
        -poison,
        poison.abs(),
        poison.sign(),
        poison.recip(),
        poison.square(),
        poison.powi(0),
        poison.powi(-3),
        poison.shifted(3),
        poison.exp(),
        poison.exp_m1(),
        poison.ln(),
        poison.ln_1p(),
        poison.sqrt(),
        poison.sinh(),
        poison.cosh(),
        poison.tanh(),
        poison.max(one),
        one.max(poison),
        poison.min(one),
        one.min(poison),
        [one, poison, one].iter().sum(),
        [High::ZERO, poison].into_iter().product(),
    ];
    for (index, value) in descendants.iter().enumerate() {
        assert!(value.is_poisoned(), "descendant {index} is {value}");
        assert!(value.to_f64().is_nan(), "descendant {index}");
        assert_eq!(value.exponent10(), None);
    }
    assert_ne!(poison, poison);
    assert_eq!(poison.partial_cmp(&one), None);
    assert_eq!(poison.partial_cmp(&poison), None);
    assert!(!poison.is_zero() && !poison.is_negative() && !poison.is_positive());
    assert_eq!(poison.to_string(), "poisoned");
}

#[test]
fn numbers_are_ordered() {
    let ascending = [
        "-1e300", "-12", "-2", "-1e-300", "0", "1e-300", "1.5", "2", "1e2", "1e300",
    ];
    for (i, x) in ascending.iter().enumerate() {
        for (j, y) in ascending.iter().enumerate() {
            assert_eq!(
                decimal(x).partial_cmp(&decimal(y)),
                Some(i.cmp(&j)),
                "{x} {y}"
            );
        }
    }
}

#[test]
fn text_is_read_strictly() {
    for (text, value) in [
        ("-1.25e-300", High::int(-125).shifted(-302)),
        ("+.5", High::ratio(1, 2)),
        ("5.", High::int(5)),
        ("000.0100E+2", High::ONE),
        ("-0", High::ZERO),
        ("0e5", High::ZERO),
    ] {
        assert_eq!(High::parse(text), Ok(value), "{text}");
    }
    for text in [
        "", ".", "-", "e5", "1e", "1e1.5", "1.2.3", "--1", "+-1", "0x1", "inf", "NaN", " 1", "1_0",
        "é",
    ] {
        assert_eq!(
            High::parse(text),
            Err(ScalarError::NotANumber(text.to_owned()))
        );
    }
    for text in [
        "1e9223372036854775808",
        "0e99999999999999999999",
        "10e9223372036854775807",
        "0.1e-9223372036854775808",
    ] {
        assert_eq!(
            High::parse(text),
            Err(ScalarError::OutOfRange(text.to_owned()))
        );
    }
}

#[test]
fn text_beyond_forty_digits_is_rounded_half_to_even() {
    let digits = "1234567890123456789012345678901234567890";
    assert_eq!(
        decimal(&format!("{digits}5")),
        decimal(&format!("{digits}0"))
    );
    assert_eq!(
        decimal(&format!("{digits}50001")),
        decimal(digits).shifted(5) + decimal("1e5")
    );
    assert_eq!(decimal(&"9".repeat(41)), decimal("1e41"));
}

#[test]
fn scientific_rounds_to_the_asked_digits() {
    assert_eq!(High::ratio(-1, 8).scientific(2), "-1.2e-1");
    assert_eq!(High::ratio(3, 8).scientific(2), "3.8e-1");
    assert_eq!(decimal("999.96").scientific(4), "1.000e3");
    assert_eq!(decimal("1.2345e-7").scientific(5), "1.2345e-7");
    assert_eq!(High::int(7).scientific(0), "7e0");
    assert_eq!(
        High::int(7).scientific(99).len(),
        "7.".len() + 39 + "e0".len()
    );
    assert_eq!(High::ZERO.scientific(5), "0");
    assert_eq!(
        format!("{:.3} {:?}", High::ratio(2, 3), High::ZERO),
        "6.67e-1 High(0)"
    );
}

#[test]
fn conversion_to_f64_rounds_to_nearest() {
    assert_eq!(decimal("1e400").to_f64(), f64::INFINITY);
    assert_eq!(decimal("-1e400").to_f64(), f64::NEG_INFINITY);
    assert_eq!(decimal("1e-400").to_f64(), 0.0);
    assert_eq!(decimal("5e-324").to_f64(), f64::from_bits(1));
    // Halfway between 1 and its successor is even; any more goes up.
    let halfway = High::ONE + High::int(2).powi(-53);
    assert_eq!(halfway.to_f64(), 1.0);
    assert_eq!(
        (halfway + High::ONE.shifted(-30)).to_f64(),
        1.0 + f64::EPSILON
    );
}

#[test]
fn integers_of_every_size_are_exact() {
    for k in [
        0,
        1,
        -1,
        9,
        10,
        9_999,
        10_000,
        -123_456_789,
        i64::MAX,
        i64::MIN,
    ] {
        assert_eq!(High::int(k), decimal(&k.to_string()), "{k}");
    }
    assert_eq!(
        High::from_u64(u64::MAX),
        Some(decimal("18446744073709551615"))
    );
}

#[test]
fn primitives_arrive_through_the_trait() {
    assert_eq!(High::from_i32(-7), Some(High::int(-7)));
    assert_eq!(High::from_f32(0.5), Some(High::ratio(1, 2)));
    assert_eq!(High::from_f64(f64::NAN), None);
}
