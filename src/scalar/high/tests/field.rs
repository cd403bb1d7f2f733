//! The scalar traits: conversions, derived functions, constants, and what is refused.

use nalgebra::{ComplexField, RealField};

use super::High;

#[test]
fn machine_numbers_convert_exactly() {
    assert_eq!(
        nalgebra::convert::<f64, High>(0.1),
        High::lift(0.1).expect("0.1 is finite")
    );
    assert_eq!(nalgebra::convert::<f32, High>(0.5), High::ratio(1, 2));
    assert!(nalgebra::convert::<f64, High>(f64::NAN).is_poisoned());
    assert_eq!(
        nalgebra::try_convert::<High, f64>(High::ratio(1, 4)),
        Some(0.25)
    );
    assert_eq!(nalgebra::try_convert::<High, f64>(High::POISONED), None);
}

#[test]
fn functions_that_nothing_needs_are_poisoned_not_approximated() {
    let x = High::ratio(1, 2);
    let values = [
        ComplexField::sin(x),
        ComplexField::atan(x),
        ComplexField::floor(x),
        ComplexField::cbrt(x),
        RealField::atan2(x, x),
        x % x,
    ];
    assert!(values.iter().all(|value| value.is_poisoned()));
}

#[test]
fn derived_functions_agree_with_the_basic_ones() {
    let close = |x: High, y: High| (x - y).abs().to_f64() < 20.0 * High::UNIT * y.abs().to_f64();
    let x = High::ratio(5, 2);
    assert!(close(
        ComplexField::hypot(High::int(3), High::int(-4)),
        High::int(5)
    ));
    assert!(close(ComplexField::powf(x, High::int(3)), x.powi(3)));
    assert!(close(ComplexField::exp2(High::int(10)), High::int(1024)));
    assert!(close(ComplexField::log2(High::int(1024)), High::int(10)));
    assert!(close(ComplexField::log10(High::int(1000)), High::int(3)));
    assert!(close(
        ComplexField::log(High::int(81), High::int(3)),
        High::int(4)
    ));
    assert_eq!(RealField::copysign(x, -High::ONE), -x);
    assert_eq!(RealField::clamp(x, High::ZERO, High::ONE), High::ONE);
    assert!(ComplexField::try_sqrt(-x).is_none());
}

#[test]
fn mathematical_constants_agree_with_their_series() {
    let close = |x: High, y: High| (x - y).abs().to_f64() < 10.0 * High::UNIT * y.abs().to_f64();
    // Machin: pi = 16 artan(1/5) - 4 artan(1/239).
    let artan_of_inverse = |k: i64| {
        (0..30)
            .map(|n| High::ratio(1 - 2 * (n % 2), 2 * n + 1) * High::int(k).powi(-2 * n - 1))
            .sum::<High>()
    };
    let pi = High::int(16) * artan_of_inverse(5) - High::int(4) * artan_of_inverse(239);
    let constants = [
        (High::pi(), pi),
        (High::two_pi(), pi * High::int(2)),
        (High::frac_pi_2(), pi / High::int(2)),
        (High::frac_pi_3(), pi / High::int(3)),
        (High::frac_pi_4(), pi / High::int(4)),
        (High::frac_pi_6(), pi / High::int(6)),
        (High::frac_pi_8(), pi / High::int(8)),
        (High::frac_1_pi(), pi.recip()),
        (High::frac_2_pi(), High::int(2) / pi),
        (High::frac_2_sqrt_pi(), High::int(2) / pi.sqrt()),
        (High::e(), High::ONE.exp()),
        (High::ln_2(), High::int(2).ln()),
        (High::ln_10(), High::int(10).ln()),
        (High::log2_e(), High::int(2).ln().recip()),
        (High::log10_e(), High::int(10).ln().recip()),
    ];
    for (index, (constant, computed)) in constants.into_iter().enumerate() {
        assert!(close(constant, computed), "{index}: {constant} {computed}");
    }
}
