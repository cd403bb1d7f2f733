//! Balls hold what they must: every operation at both ends and inside, for radii from far below a rounding to far above 1. What is
//! held against them is computed at 40 digits from points, not from balls.

use super::*;
use crate::scalar::Rounded;
use crate::scalar::rounding::hundredths_of_unit;

/// The midpoints, in units of 2^-10.
const MIDPOINTS: [i64; 11] = [
    -30_720, -3_000, -768, -1, 0, 1, 500, 768, 1_024, 4_096, 40_960,
];
/// Where in the ball, in quarters of the radius.
const PLACES: [i64; 6] = [-4, -3, 0, 1, 2, 4];

/// Name, the function of a ball, and that of a number.
type Function<T> = (&'static str, fn(Ball<T>) -> Ball<T>, fn(High) -> High);
/// The same for two operands.
type Operation<T> = (
    &'static str,
    fn(Ball<T>, Ball<T>) -> Ball<T>,
    fn(High, High) -> High,
);

/// A number type whose balls are tried.
trait Tried: Rounded {
    /// The number at 40 digits; `None` for an infinite one.
    fn high(self) -> Option<High>;
    /// Thousand and twenty-fourths.
    fn dyadic(k: i64) -> Self;
    /// The radii, ascending.
    fn radii() -> Vec<Self>;
}

impl Tried for f64 {
    fn high(self) -> Option<High> {
        High::lift(self).ok()
    }

    fn dyadic(k: i64) -> f64 {
        k as f64 / 1024.0
    }

    fn radii() -> Vec<f64> {
        let exponents = [
            -140, -60, -53, -40, -30, -20, -10, -6, -4, -3, -2, -1, 0, 1, 3, 5,
        ];
        exponents.map(|k| 2f64.powi(k)).to_vec()
    }
}

impl Tried for High {
    fn high(self) -> Option<High> {
        Some(self)
    }

    fn dyadic(k: i64) -> High {
        High::ratio(k, 1024)
    }

    fn radii() -> Vec<High> {
        let exponents = [-60, -41, -40, -39, -38, -30, -20, -10, -5, -3, -2, -1, 0];
        let more = [(1, 4), (7, 8), (9, 8), (2, 1), (20, 1)];
        let powers = exponents.map(|k| High::ONE.shifted(k));
        let more = more.map(|(p, q)| High::ratio(p, q));
        powers.into_iter().chain(more).collect()
    }
}

/// The points of a ball that are tried.
fn points<T: Tried>(ball: Ball<T>) -> Vec<High> {
    let (midpoint, radius) = (ball.midpoint().high(), ball.radius().high());
    let (midpoint, radius) = (midpoint.unwrap(), radius.unwrap());
    PLACES
        .map(|quarters| midpoint + radius * High::ratio(quarters, 4))
        .to_vec()
}

/// Whether a ball, with `share` of its radius, holds a value that was computed at 40 digits to within 8 units.
fn holds<T: Tried>(ball: Ball<T>, value: High, share: High) -> bool {
    let Some(radius) = ball.radius().high() else {
        return true;
    };
    let off = ball.midpoint().high().unwrap() - value;
    // Nothing is held by a ball that is no number; nor does a value that is none say anything.
    off.is_poisoned() && value.is_poisoned()
        || off.abs() <= radius * share + hundredths_of_unit(value.abs(), 800)
}

/// How many of the values of a function lie outside, of how many.
fn escapes<T: Tried>(
    of: fn(Ball<T>) -> Ball<T>,
    at: fn(High) -> High,
    share: High,
) -> (usize, usize) {
    let (mut outside, mut all) = (0, 0);
    for midpoint in MIDPOINTS.map(T::dyadic) {
        for radius in T::radii() {
            let ball = Ball::new(midpoint, radius);
            let image = of(ball);
            for point in points(ball) {
                outside += usize::from(!holds(image, at(point), share));
                all += 1;
            }
        }
    }
    (outside, all)
}

fn every_function_holds<T: Tried>(functions: [Function<T>; 5]) {
    for (name, of, at) in functions {
        let (outside, all) = escapes(of, at, High::ONE);
        assert_eq!(outside, 0, "{name}: of {all}");
        // A radius that is a tenth too small lets some out.
        let (outside, _) = escapes(of, at, High::ratio(9, 10));
        assert!(outside > 0, "{name}: the radius is never needed");
    }
}

fn positive(x: High) -> High {
    x.max(High::ZERO)
}

#[test]
fn functions_of_f64_hold_their_values() {
    every_function_holds::<f64>([
        ("exp", Ball::exp, High::exp),
        ("cosh", Ball::cosh, High::cosh),
        ("sinh", Ball::sinh, High::sinh),
        ("tanh", Ball::tanh, High::tanh),
        ("positive part", Ball::positive_part, positive),
    ]);
}

#[test]
fn functions_at_40_digits_hold_their_values() {
    every_function_holds::<High>([
        ("exp", Ball::exp, High::exp),
        ("cosh", Ball::cosh, High::cosh),
        ("sinh", Ball::sinh, High::sinh),
        ("tanh", Ball::tanh, High::tanh),
        ("positive part", Ball::positive_part, positive),
    ]);
}

/// `x o y` for all pairs of balls; a quotient by a ball that may hold zero says that it knows nothing.
fn operations_hold<T: Tried>() {
    let operations: [Operation<T>; 4] = [
        ("sum", |x, y| x + y, |x, y| x + y),
        ("difference", |x, y| x - y, |x, y| x - y),
        ("product", |x, y| x * y, |x, y| x * y),
        ("quotient", |x, y| x / y, |x, y| x / y),
    ];
    let balls: Vec<Ball<T>> = [-3_000, -1, 0, 768, 40_960]
        .into_iter()
        .flat_map(|k| {
            let radii = T::radii().into_iter().step_by(3);
            radii.map(move |radius| Ball::new(T::dyadic(k), radius))
        })
        .collect();
    for (name, of, at) in operations {
        let mut needed = false;
        for one in &balls {
            for other in &balls {
                let image = of(*one, *other);
                if name == "quotient" && other.may_be_zero() {
                    assert!(image.radius().high().is_none_or(High::is_poisoned));
                    continue;
                }
                for x in points(*one).into_iter().step_by(5) {
                    for y in points(*other).into_iter().step_by(5) {
                        let value = at(x, y);
                        assert!(holds(image, value, High::ONE), "{name}");
                        needed |= !holds(image, value, High::ratio(9, 10));
                    }
                }
            }
        }
        assert!(needed, "{name}: the radius is never needed");
    }
}

#[test]
fn operations_in_f64_hold_their_results() {
    operations_hold::<f64>();
}

#[test]
fn operations_at_40_digits_hold_their_results() {
    operations_hold::<High>();
}
