//! Decimal text that shows proven digits only.

use super::High;

/// What the oracle's numbers carry.
const MOST_DIGITS: usize = 40;

/// `midpoint` with as many significant digits as a true value within `radius >= 0` of it supports, at most 40: what is
/// printed is off by less than one unit of its last digit.
///
/// A ball that supports not even one digit, because it contains zero or nearly does, is `0e-37`: zero, and the truth is
/// below one unit of that decade.
pub fn certified(midpoint: High, radius: High) -> String {
    certified_to(MOST_DIGITS, midpoint, radius)
}

/// [`certified`] with at most `most` digits (1 to 40).
pub fn certified_to(most: usize, midpoint: High, radius: High) -> String {
    let Some(leading) = midpoint.exponent10() else {
        return zero(radius);
    };
    let twice = radius + radius;
    // Half a unit for the ball, half a unit for rounding the midpoint to the printed digits.
    let supported = (1..=most.min(MOST_DIGITS))
        .rev()
        .find(|digits| twice <= High::ONE.shifted(leading - *digits as i64 + 1));
    match supported {
        Some(digits) => midpoint.scientific(digits),
        None => zero(midpoint.abs() + radius),
    }
}

fn zero(size: High) -> String {
    match size.exponent10() {
        // size < 10^(k + 1)
        Some(exponent) => format!("0e{}", exponent.saturating_add(1)),
        None => "0".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn high(text: &str) -> High {
        text.parse().unwrap()
    }

    #[test]
    fn digits_end_where_the_radius_begins() {
        let third = High::ratio(1, 3);
        assert_eq!(certified(third, High::ZERO).len(), "3.e-1".len() + 39);
        assert_eq!(certified(third, high("4e-10")), "3.33333333e-1");
        assert_eq!(certified(third, high("5e-10")), "3.33333333e-1");
        assert_eq!(certified(third, high("6e-10")), "3.3333333e-1");
        assert_eq!(certified(high("-1234"), high("0.4")), "-1.234e3");
        assert_eq!(certified_to(4, third, High::ZERO), "3.333e-1");
    }

    #[test]
    fn a_ball_around_zero_shows_its_size() {
        assert_eq!(certified(High::ZERO, High::ZERO), "0");
        assert_eq!(certified(High::ZERO, high("3e-38")), "0e-37");
        assert_eq!(certified(high("2e-38"), high("3e-38")), "0e-37");
    }

    quickcheck::quickcheck! {
        fn what_is_printed_is_off_by_less_than_a_unit_of_its_last_digit(mantissa: i64, scale: u8, width: u8) -> bool {
            let midpoint = High::int(mantissa).shifted(i64::from(scale % 40) - 20);
            let radius = midpoint.abs().shifted(-i64::from(width % 44)) + High::ONE.shifted(-30);
            let text = certified(midpoint, radius);
            let printed = high(&text);
            let (digits, exponent) = text.split_once('e').unwrap();
            let decimals = digits.trim_start_matches('-').len().saturating_sub(2) as i64;
            let unit = High::ONE.shifted(exponent.parse::<i64>().unwrap() - decimals);
            // The worst truth is an end of the ball.
            let worst = (printed - (midpoint + radius)).abs().max((printed - (midpoint - radius)).abs());
            worst <= unit + unit.shifted(-8)
        }
    }
}
