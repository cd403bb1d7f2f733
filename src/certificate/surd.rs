//! The field Q(sqrt 33), where the sharp constants live: exact sums, products and signs, no rounding anywhere.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero};
use std::cmp::Ordering;
use std::fmt;
use std::ops::{Add, Mul, Neg, Sub};

/// The number under the root. It is no square, so `a + b sqrt(33) = 0` only for `a = b = 0`.
const RADICAND: i64 = 33;

/// Decimal places of the bracket around `sqrt(33)`: enough to print 40 digits of every constant.
const BRACKET_DIGITS: u32 = 60;

/// An exact number `plain + root * sqrt(33)` with rational `plain` and `root`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Surd {
    plain: BigRational,
    root: BigRational,
}

impl Surd {
    /// `plain + root * sqrt(33)`.
    pub fn new(plain: BigRational, root: BigRational) -> Self {
        Self { plain, root }
    }

    /// The rational number `plain`.
    pub fn rational(plain: BigRational) -> Self {
        Self::new(plain, BigRational::zero())
    }

    /// The integer `value`.
    pub fn integer(value: i64) -> Self {
        Self::rational(BigRational::from_integer(value.into()))
    }

    /// The rational part.
    pub fn plain(&self) -> &BigRational {
        &self.plain
    }

    /// The factor of `sqrt(33)`.
    pub fn root(&self) -> &BigRational {
        &self.root
    }

    /// Whether the number is zero.
    pub fn is_zero(&self) -> bool {
        self.plain.is_zero() && self.root.is_zero()
    }

    /// The exact sign of the number, compared with 0.
    pub fn sign(&self) -> Ordering {
        // Denominators are positive: the sign is that of the integers over the common denominator.
        sign(
            &(self.plain.numer() * self.root.denom()),
            &(self.root.numer() * self.plain.denom()),
        )
    }

    /// `1 / self`, or `None` for zero: the conjugate over the norm `plain^2 - 33 root^2`.
    pub fn reciprocal(&self) -> Option<Self> {
        if self.is_zero() {
            return None;
        }
        let norm = &self.plain * &self.plain
            - &self.root * &self.root * BigRational::from_integer(RADICAND.into());
        Some(Self::new(&self.plain / &norm, -(&self.root / &norm)))
    }

    /// `self^exponent`.
    pub fn power(&self, exponent: u8) -> Self {
        (0..exponent).fold(Self::integer(1), |product, _| &product * self)
    }

    /// A rational bracket of the number, `1e-60 |root|` wide.
    pub fn bracket(&self) -> Bracket {
        let (below, above) = root_bracket();
        let one_end = &self.plain + &self.root * below;
        let other_end = &self.plain + &self.root * above;
        if one_end <= other_end {
            Bracket {
                low: one_end,
                high: other_end,
            }
        } else {
            Bracket {
                low: other_end,
                high: one_end,
            }
        }
    }
}

/// The exact sign of `plain + root * sqrt(33)` for integers: equal signs decide at once, otherwise the squares do.
pub fn sign(plain: &BigInt, root: &BigInt) -> Ordering {
    let zero = BigInt::zero();
    let (of_plain, of_root) = (plain.cmp(&zero), root.cmp(&zero));
    if of_plain == of_root || of_root == Ordering::Equal {
        return of_plain;
    }
    if of_plain == Ordering::Equal {
        return of_root;
    }
    // The signs differ: the larger of |plain| and |root| sqrt(33) wins.
    match (plain * plain).cmp(&(root * root * RADICAND)) {
        Ordering::Greater => of_plain,
        _ => of_root,
    }
}

/// Rationals `below <= sqrt(33) < above` that differ by `10^-60`, from an integer square root. The bracket is checked
/// by squaring, so it does not rest on the square root's own code; only printed digits depend on it, never a verdict.
///
/// # Panics
/// If the integer square root is wrong.
fn root_bracket() -> (BigRational, BigRational) {
    let scale = BigInt::from(10).pow(BRACKET_DIGITS);
    let target = BigInt::from(RADICAND) * &scale * &scale;
    let floor = target.sqrt();
    let next = &floor + BigInt::one();
    assert!(
        &floor * &floor <= target && target < &next * &next,
        "the integer square root is wrong"
    );
    (
        BigRational::new(floor, scale.clone()),
        BigRational::new(next, scale),
    )
}

/// Two rationals with the named number between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bracket {
    /// At most the number.
    pub low: BigRational,
    /// At least the number.
    pub high: BigRational,
}

impl Bracket {
    /// The bracket in f64, rounded outward.
    pub fn outward(&self) -> (f64, f64) {
        // The conversion is within one unit in the last place; a neighbour further out is a bound.
        let low = self.low.to_f64().map_or(f64::NEG_INFINITY, f64::next_down);
        let high = self.high.to_f64().map_or(f64::INFINITY, f64::next_up);
        (low, high)
    }

    /// The decimal digits on which both ends agree, at most `places` after the point.
    pub fn digits(&self, places: u32) -> String {
        let mut kept = places;
        loop {
            let (low, high) = (truncated(&self.low, kept), truncated(&self.high, kept));
            if low == high || kept == 0 {
                return low;
            }
            kept -= 1;
        }
    }
}

/// `value` cut off after `places` decimals.
fn truncated(value: &BigRational, places: u32) -> String {
    let scale = BigInt::from(10).pow(places);
    let units = (value.abs() * BigRational::from_integer(scale.clone())).to_integer();
    let sign = if value.is_negative() { "-" } else { "" };
    let (whole, fraction) = (&units / &scale, &units % &scale);
    if places == 0 {
        return format!("{sign}{whole}");
    }
    let width = places as usize;
    format!("{sign}{whole}.{:0>width$}", fraction.to_string())
}

impl fmt::Display for Surd {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.root.is_zero() {
            write!(out, "{}", self.plain)
        } else {
            write!(out, "{} + {} sqrt(33)", self.plain, self.root)
        }
    }
}

impl Add for &Surd {
    type Output = Surd;
    fn add(self, other: &Surd) -> Surd {
        Surd::new(&self.plain + &other.plain, &self.root + &other.root)
    }
}

impl Sub for &Surd {
    type Output = Surd;
    fn sub(self, other: &Surd) -> Surd {
        Surd::new(&self.plain - &other.plain, &self.root - &other.root)
    }
}

impl Mul for &Surd {
    type Output = Surd;
    fn mul(self, other: &Surd) -> Surd {
        // Most coefficients are rational: their products need one multiplication instead of five.
        if self.root.is_zero() && other.root.is_zero() {
            return Surd::rational(&self.plain * &other.plain);
        }
        Surd::new(
            &self.plain * &other.plain
                + &self.root * &other.root * BigRational::from_integer(RADICAND.into()),
            &self.plain * &other.root + &self.root * &other.plain,
        )
    }
}

impl Neg for &Surd {
    type Output = Surd;
    fn neg(self) -> Surd {
        Surd::new(-&self.plain, -&self.root)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn surd(plain: i64, root: i64) -> Surd {
        Surd::new(
            BigRational::from_integer(plain.into()),
            BigRational::from_integer(root.into()),
        )
    }

    #[test]
    fn signs_are_exact_next_to_zero() {
        // 23^2 - 33 * 4^2 = 1: as close to zero as small integers come.
        assert_eq!(surd(23, -4).sign(), Ordering::Greater);
        assert_eq!(surd(-23, 4).sign(), Ordering::Less);
        assert_eq!(surd(0, 0).sign(), Ordering::Equal);
        assert_eq!(surd(0, -1).sign(), Ordering::Less);
        assert_eq!(surd(-1, 0).sign(), Ordering::Less);
    }

    #[test]
    fn a_number_times_its_reciprocal_is_one() {
        let number = surd(9, -1);
        let inverse = number.reciprocal().unwrap();
        assert_eq!(&number * &inverse, Surd::integer(1));
        assert_eq!(Surd::integer(0).reciprocal(), None);
    }

    #[test]
    fn brackets_hold_the_number_and_print_its_digits() {
        let bracket = surd(0, 1).bracket();
        assert!(bracket.low < bracket.high);
        assert_eq!(bracket.digits(20), "5.74456264653802865985");
        let (low, high) = bracket.outward();
        assert!(low < 33f64.sqrt() && 33f64.sqrt() < high);
        assert_eq!(surd(0, -1).bracket().digits(5), "-5.74456");
    }
}
