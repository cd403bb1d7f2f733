//! Balls: the bounds of docs/numerics.md in f64, by hand and from mpmath; the edges of a ball at 40 digits.

mod containment;

use super::*;
use crate::scalar::High;
use crate::scalar::rounding::UNIT;
use crate::scalar::test_support::{Tabulated, covers, moves_as_tabulated};

#[test]
fn the_error_of_a_cancelling_difference_is_the_inherited_one() {
    // 1 + 2^-60 rounds to 1, so (1 + 2^-60) - 1 comes out as 0; the exact value 2^-60 must be inside.
    let difference = (Ball::exact(1.0) + Ball::exact(2f64.powi(-60))) - Ball::exact(1.0);
    assert_eq!(difference.midpoint(), 0.0);
    assert!(difference.radius() >= 2f64.powi(-60) && difference.radius() <= 2.0 * UNIT);
}

#[test]
fn an_underflowing_product_has_an_error() {
    let product = Ball::exact(1e-200) * Ball::exact(1e-200);
    assert_eq!(product.midpoint(), 0.0);
    assert!(product.radius() > 0.0);
}

/// The bound is the formula's, inflated by 16 u for the roundings of the formula itself (give or take those).
fn is_inflated(bound: f64, formula: f64) {
    let units = (bound / formula - 1.0) / UNIT;
    assert!((12.0..=20.0).contains(&units), "{units} units");
}

#[test]
fn sums_differences_and_products_carry_exactly_the_bound_of_the_numerics_document() {
    let (x, y) = (Ball::new(1.5, 3.0 * UNIT), Ball::new(2.25, 5.0 * UNIT));
    // e + f + u |x + y|.
    assert_eq!((x + y).midpoint(), 3.75);
    is_inflated((x + y).radius(), 11.75 * UNIT);
    assert_eq!((x - y).midpoint(), -0.75);
    is_inflated((x - y).radius(), 8.75 * UNIT);
    // e |y| + f |x| + u |x y| = 3 * 2.25 + 5 * 1.5 + 3.375.
    assert_eq!((x * y).midpoint(), 3.375);
    is_inflated((x * y).radius(), 17.625 * UNIT);
    // With errors of the size of the numbers: 0.25 * 2.5 + 0.5 * 1.5 + 0.25 * 0.5 = 1.5.
    let product = Ball::new(1.5, 0.25) * Ball::new(-2.5, 0.5);
    covers(product.radius(), 1.5, 1e-14);
    assert_eq!(product.midpoint(), -3.75);
    // The product of the ends is inside: 1.75 * 3 = 3.75 + 1.5.
    assert!(3.75 + product.radius() >= 5.25);
    assert_eq!(-x, Ball::new(-1.5, 3.0 * UNIT));
}

#[test]
fn a_quotient_carries_exactly_the_bound_of_the_numerics_document() {
    // (e + f |x / y|) / (|y| - f) + u |x / y|: (0.25 + 1.5 * 0.5) / 1.5.
    let quotient = Ball::new(3.0, 0.25) / Ball::new(-2.0, 0.5);
    assert_eq!(quotient.midpoint(), -1.5);
    covers(quotient.radius(), 2.0 / 3.0, 1e-13);
    // The ends are inside: 3.25 / 1.5 = 1.5 + 2/3.
    assert!(1.5 + quotient.radius() >= 3.25 / 1.5);
    // (5 + 1.5 * 7) / 2 + 1.5 = 9.25 units.
    let close = Ball::new(3.0, 5.0 * UNIT) / Ball::new(2.0, 7.0 * UNIT);
    covers(close.radius(), 9.25 * UNIT, 1e-13);
    // From where the divisor may be zero on, nothing is known.
    for error in [2.0, 3.0, f64::NAN] {
        let unknown = Ball::exact(1.0) / Ball::new(-2.0, error);
        assert_eq!(
            (unknown.midpoint(), unknown.radius()),
            (-0.5, f64::INFINITY)
        );
    }
    assert!(Ball::new(-2.0, 2.0).may_be_zero());
    assert!(Ball::new(0.0, 0.0).may_be_zero());
    assert!(Ball::new(f64::NAN, 0.0).may_be_zero());
    assert!(!Ball::new(-2.0, 1.875).may_be_zero());
}

#[test]
fn only_a_product_that_may_have_underflowed_is_charged_for_it() {
    let charge = |x: f64, y: f64| (Ball::exact(x) * Ball::exact(y)).radius();
    assert_eq!((charge(0.0, 3.0), charge(3.0, 0.0)), (0.0, 0.0));
    // 2^-1000 is normal: a rounding of it is all.
    let small = 2f64.powi(-500);
    covers(charge(small, small), UNIT * small * small, 1e-6);
    covers(charge(small, 2f64.powi(-530)), f64::MIN_POSITIVE, 1e-6);
}

const CASES: [Tabulated; 4] = [
    (
        "exp",
        Ball::exp,
        0.75,
        2.117_000_016_612_675,
        0.136_534_770_600_533_88,
        2.0,
    ),
    (
        "cosh",
        Ball::cosh,
        -0.75,
        1.294_683_284_676_844_7,
        0.083_499_897_915_230_06,
        4.0,
    ),
    (
        "sinh",
        Ball::sinh,
        0.75,
        0.822_316_731_935_83,
        0.083_499_897_915_230_06,
        4.0,
    ),
    (
        "tanh",
        Ball::tanh,
        0.75,
        0.635_148_952_387_287_3,
        0.040_271_161_395_315_44,
        4.0,
    ),
];

#[test]
fn a_function_moves_by_what_the_table_of_the_numerics_document_says() {
    CASES.into_iter().for_each(moves_as_tabulated);
}

#[test]
fn functions_of_arguments_that_are_far_off_or_underflow_stay_covered() {
    // e^(0.75 + 2) and not e^0.75 (e^2 - 1): the same, up to e^0.75 less.
    covers(
        Ball::new(0.75, 2.0).exp().radius(),
        15.642_631_884_188_172,
        1e-14,
    );
    assert_eq!(
        Ball::new(-800.0, f64::INFINITY).exp().radius(),
        f64::INFINITY
    );
    assert_eq!(
        Ball::new(-800.0, 0.5).exp(),
        Ball::new(0.0, f64::MIN_POSITIVE)
    );
    // tanh: slope at most 1.
    covers(Ball::new(0.5, 2.0).tanh().radius(), 2.0, 1e-13);
}

fn int(k: i64) -> High {
    High::int(k)
}

/// Whether a ball contains zero decides about poles. The subtraction `|m| - r` is charged with twice its bound of
/// 0.51 units, so the last ball that counts as touching zero is 1.02 units of its midpoint away from it.
#[test]
fn a_ball_touches_zero_up_to_twice_the_rounding_of_its_smallest_number() {
    for side in [High::ONE, -High::ONE] {
        // Exact to 40 digits: 0.99..9 with 39 nines, and 0.99..989.
        let one_unit = Ball::new(side, High::ONE - High::ONE.shifted(-39));
        let more = Ball::new(side, High::ONE - High::ratio(11, 10).shifted(-39));
        assert!(one_unit.may_be_zero());
        assert!(!more.may_be_zero());
        assert!((Ball::exact(High::ONE) / one_unit).is_poisoned());
        assert!(!(Ball::exact(High::ONE) / more).is_poisoned());
    }
}

/// `max(x, 0)` over a ball: all of it above zero keeps its radius, all of it below has none, and one that contains
/// zero keeps what reaches above.
#[test]
fn the_positive_part_forgets_the_radius_only_below_zero() {
    for (midpoint, expected) in [
        ((3, 1), (3, 1)),
        ((3, 5), (3, 5)),
        ((-3, 1), (0, 0)),
        ((-3, 5), (0, 5)),
        ((0, 2), (0, 2)),
    ] {
        let found = Ball::new(int(midpoint.0), int(midpoint.1)).positive_part();
        assert_eq!(found, Ball::new(int(expected.0), int(expected.1)));
    }
}

/// The same numbers, small integers, through both instances: products and quotients have the radius of the rule, and differ
/// by their roundings only.
#[test]
fn both_number_types_follow_the_same_rules() {
    type Operation<T> = fn(Ball<T>, Ball<T>) -> Ball<T>;
    let operations: [(Operation<f64>, Operation<High>, f64, f64); 4] = [
        // Midpoint and radius by hand, of (8, 1) and (-2, 1).
        (|x, y| x + y, |x, y| x + y, 6.0, 2.0),
        (|x, y| x - y, |x, y| x - y, 10.0, 2.0),
        // 8 * 1 + (2 + 1) * 1
        (|x, y| x * y, |x, y| x * y, -16.0, 11.0),
        // (1 + 4 * 1) / (2 - 1)
        (|x, y| x / y, |x, y| x / y, -4.0, 5.0),
    ];
    for (single, high, midpoint, radius) in operations {
        let found = single(Ball::new(8.0, 1.0), Ball::new(-2.0, 1.0));
        assert_eq!(found.midpoint(), midpoint);
        covers(found.radius(), radius, 1e-13);
        let found = high(Ball::new(int(8), High::ONE), Ball::new(int(-2), High::ONE));
        assert_eq!(found.midpoint().to_f64(), midpoint);
        let beyond = found.radius() - High::lift(radius).unwrap();
        assert!(beyond.is_positive() && beyond < High::ONE.shifted(-28));
    }
}

/// No operation of f64 answers for what is no number.
#[test]
fn a_ball_without_a_midpoint_or_a_radius_stays_without_in_f64() {
    for bad in [Ball::new(f64::NAN, 1.0), Ball::new(1.0, f64::NAN)] {
        assert!(bad.is_poisoned() && bad.may_be_zero());
        let one = Ball::exact(1.0);
        for found in [
            bad + one,
            bad - one,
            bad * one,
            -bad,
            bad.exp(),
            bad.cosh(),
            bad.sinh(),
            bad.tanh(),
        ] {
            assert!(found.is_poisoned(), "{found:?}");
        }
        // A quotient and a positive part say that they know nothing.
        for found in [bad / one, one / bad, bad.positive_part()] {
            assert!(
                found.is_poisoned() || found.radius() == f64::INFINITY,
                "{found:?}"
            );
        }
    }
}
