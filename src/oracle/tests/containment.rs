//! The operations that only the graph has, in balls: what they enclose holds the values at both ends and inside, for radii from far
//! below a rounding to the edge of the domain.

use crate::oracle::arithmetic::{Arithmetic, Scale};
use crate::scalar::rounding::hundredths_of_unit;
use crate::scalar::{Ball, High};

/// The radii, as shares of the distance to the end of the domain.
fn shares() -> Vec<High> {
    let powers = [-60, -41, -40, -39, -30, -20, -10, -5, -3, -2, -1].map(|k| High::ONE.shifted(k));
    let more = [(1, 4), (1, 2), (7, 8), (999, 1000)].map(|(p, q)| High::ratio(p, q));
    powers.into_iter().chain(more).collect()
}

/// How many values of a function lie outside of what its ball with `share` of its radius holds, on balls around `midpoint` that
/// reach towards `end`.
fn escapes(
    of: &dyn Fn(Ball) -> Ball,
    at: &dyn Fn(High) -> High,
    (midpoint, end): (High, High),
    share: High,
) -> usize {
    let mut outside = 0;
    for radius in shares() {
        let wide = radius > High::ratio(1, 100);
        let radius = radius * (midpoint - end).abs();
        let image = of(Ball::new(midpoint, radius));
        // The ball of a high power may reach zero where that of its argument does not: its reciprocal is unknown.
        if Ball::is_poisoned(image) && wide {
            continue;
        }
        for quarters in [-4, -3, 0, 2, 4] {
            let value = at(midpoint + radius * High::ratio(quarters, 4));
            // The value was computed at 40 digits, from a point that was.
            let own = hundredths_of_unit(value.abs(), 2_000);
            let off = (image.midpoint() - value).abs();
            let inside = off <= image.radius() * share + own;
            outside += usize::from(!inside);
        }
    }
    outside
}

fn holds(name: &str, of: &dyn Fn(Ball) -> Ball, at: &dyn Fn(High) -> High, end: High) {
    let (mut needed, mut outside) = (0, 0);
    for (p, q) in [(1, 1024), (3, 4), (1, 1), (5, 2), (1000, 1)] {
        let place = (end + High::ratio(p, q), end);
        outside += escapes(of, at, place, High::ONE);
        needed += escapes(of, at, place, High::ratio(1, 4));
    }
    assert_eq!(outside, 0, "{name}");
    assert!(needed > 0, "{name}: the radius is never needed");
}

#[test]
fn logarithms_and_roots_hold_their_values_up_to_the_end_of_their_domain() {
    holds("ln", &|b| b.ln(), &|x| x.ln(), High::ZERO);
    holds("ln_1p", &|b| b.ln_1p(), &|x| x.ln_1p(), -High::ONE);
    holds("sqrt", &|b| b.sqrt(), &|x| x.sqrt(), High::ZERO);
}

#[test]
fn powers_hold_their_values() {
    for exponent in [1, 2, 3, 7, 20, -1, -2, -5] {
        let name = format!("power {exponent}");
        holds(
            &name,
            &|b| b.power(exponent),
            &|x| x.powi(exponent),
            High::ZERO,
        );
        // On the other side of zero, too.
        holds(
            &name,
            &|b| (-b).power(exponent),
            &|x| (-x).powi(exponent),
            High::ZERO,
        );
    }
}

/// Sums of 41 digits and more: 1 and a half of its 40th digit ten times, each lost to rounding, with every kind of coefficient.
#[test]
fn every_addition_of_a_linear_combination_is_charged() {
    for (scale, factor, digit) in [
        (Scale::One, 1, 4),
        (Scale::MinusOne, -1, 4),
        (Scale::Other(High::int(2)), 2, 2),
    ] {
        // Below 1 the 40th digit is a tenth as large.
        let tiny = High::int(digit).shifted(-41 + i64::from(factor > 0));
        let small = std::iter::repeat_n((scale, Ball::exact(tiny)), 10);
        let terms = std::iter::once((Scale::One, Ball::exact(High::ONE))).chain(small);
        let sum = Ball::linear(terms);
        // By hand: 1 + 10 factor tiny, of which less than half a unit of the last digit arrives each time, or too much.
        let off = sum.midpoint() - High::ONE - High::int(10 * factor) * tiny;
        assert!(!off.is_zero(), "{factor}: nothing was lost");
        assert!(off.abs() <= sum.radius(), "{factor}: {sum:?}");
        // Eleven roundings of about 1, at half a unit each.
        assert!(
            sum.radius() < High::int(12).shifted(-39),
            "{factor}: {sum:?}"
        );
    }
}

/// `3 x - y + z` with radii: they add up with the sizes of the coefficients.
#[test]
fn the_radii_of_a_linear_combination_add_up() {
    let ball = |midpoint: i64, radius: i64| Ball::new(High::int(midpoint), High::ratio(radius, 8));
    let sum = Ball::linear(
        [
            (Scale::Other(High::int(-3)), ball(5, 1)),
            (Scale::MinusOne, ball(-2, 2)),
            (Scale::One, ball(7, 4)),
        ]
        .into_iter(),
    );
    assert_eq!(sum.midpoint(), High::int(-6));
    // 3/8 + 2/8 + 4/8.
    let beyond = sum.radius() - High::ratio(9, 8);
    assert!(
        beyond.is_positive() && beyond < High::ONE.shifted(-29),
        "{sum:?}"
    );
}
