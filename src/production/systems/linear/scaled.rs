//! Numbers with an exponent of their own, and A divided by a power of two near its size.

use std::sync::Arc;

use crate::instance::DesignMatrix;
use crate::instance::row_major::RowMajor;
use crate::system::{Array, Given};

/// `x 2^exponent`, exactly where that is a normal f64; 0 or infinite beyond the range.
pub(in crate::production::systems) fn times_power(x: f64, exponent: i64) -> f64 {
    /// More takes any number out of the range.
    const MOST: i64 = 2200;
    let exponent = exponent.clamp(-MOST, MOST) as i32;
    // The power itself may be out of range where the product is not.
    let third = exponent / 3;
    let last = exponent - 2 * third;
    x * 2f64.powi(third) * 2f64.powi(third) * 2f64.powi(last)
}

/// The exponent of the power of two at or below `|x|`; 0 for 0.
pub(in crate::production::systems) fn exponent(x: f64) -> i64 {
    if x == 0.0 || !x.is_finite() {
        return 0;
    }
    let bits = (x.abs().to_bits() >> 52) as i64;
    if bits > 0 {
        bits - 1023
    } else {
        exponent(x * 2f64.powi(64)) - 64
    }
}

/// `value 2^exponent`.
#[derive(Clone, Copy, Debug)]
pub(in crate::production::systems) struct Scaled {
    pub(in crate::production::systems) value: f64,
    pub(in crate::production::systems) exponent: i64,
}

impl Scaled {
    /// As an f64; 0 or infinite beyond its range.
    pub(in crate::production::systems) fn get(self) -> f64 {
        times_power(self.value, self.exponent)
    }

    /// Both values in units of one power of two, and its exponent. 0 is 0 in any unit.
    fn beside(self, other: Self) -> (f64, f64, i64) {
        let exponents = [self, other].into_iter().filter(|one| one.value != 0.0);
        let Some(top) = exponents.map(|one| one.exponent).max() else {
            return (0.0, 0.0, self.exponent);
        };
        let at = |one: Self| match one.value {
            0.0 => 0.0,
            value => times_power(value, one.exponent - top),
        };
        (at(self), at(other), top)
    }

    /// The sum of both.
    pub(in crate::production::systems) fn plus(self, other: Self) -> Self {
        let (one, other, exponent) = self.beside(other);
        Self {
            value: one + other,
            exponent,
        }
    }

    /// The product of both.
    pub(in crate::production::systems) fn times(self, other: Self) -> Self {
        Self {
            value: self.value * other.value,
            exponent: self.exponent + other.exponent,
        }
    }

    /// A number of any size.
    pub(in crate::production::systems) fn of(number: f64) -> Self {
        let exponent = exponent(number);
        Self {
            value: times_power(number, -exponent),
            exponent,
        }
    }

    /// The square root of a number that is not negative.
    pub(in crate::production::systems) fn root(self) -> Self {
        let odd = self.exponent.rem_euclid(2);
        Self {
            value: (self.value * times_power(1.0, odd)).sqrt(),
            exponent: (self.exponent - odd) / 2,
        }
    }

    /// The quotient of both as an f64; infinite or NaN where that is 0.
    pub(in crate::production::systems) fn over(self, other: Self) -> f64 {
        times_power(self.value / other.value, self.exponent - other.exponent)
    }

    /// The value in units of that power of two.
    pub(in crate::production::systems) fn at(self, exponent: i64) -> f64 {
        times_power(self.value, self.exponent - exponent)
    }

    /// Whether it is at most that share of the other.
    pub(in crate::production::systems) fn at_most(self, share: f64, other: Self) -> bool {
        let (one, other, _) = self.beside(other);
        one <= share * other
    }

    /// Whether it is below that share of the other.
    pub(in crate::production::systems) fn below(self, share: f64, other: Self) -> bool {
        let (one, other, _) = self.beside(other);
        one < share * other
    }
}

/// The entries of the array `matrix` of an instance, row by row.
fn entries(given: &Given) -> &[f64] {
    given.array("matrix").map_or(&[][..], Array::values)
}

/// A of an instance.
pub(in crate::production::systems) fn rows_of(given: &Given) -> RowMajor {
    let (n, d) = (given.size("n"), given.size("d"));
    let mut rows = RowMajor::zeros(n, d);
    for (i, row) in entries(given).chunks_exact(d.max(1)).enumerate() {
        rows.row_mut(i).copy_from_slice(row);
    }
    rows
}

/// `A = 2^exponent` times a matrix with a largest entry from 1 to 2.
pub(in crate::production::systems) struct ScaledMatrix {
    /// The matrix, which is dense.
    pub(in crate::production::systems) design: Arc<DesignMatrix>,
    pub(in crate::production::systems) exponent: i64,
}

impl ScaledMatrix {
    /// The array `matrix` of an instance.
    pub(in crate::production::systems) fn of(given: &Given) -> Self {
        let n = given.size("n");
        let exponent = exponent(largest(entries(given)));
        let mut matrix = rows_of(given);
        for i in 0..n {
            for entry in matrix.row_mut(i) {
                *entry = times_power(*entry, -exponent);
            }
        }
        Self {
            design: Arc::new(DesignMatrix::Dense(matrix)),
            exponent,
        }
    }

    /// Its rows.
    pub(in crate::production::systems) fn rows(&self) -> &RowMajor {
        match self.design.as_ref() {
            DesignMatrix::Dense(rows) => rows,
            DesignMatrix::Sparse(_) => unreachable!("`of` makes a dense matrix"),
        }
    }
}

/// The largest size of an entry.
pub(in crate::production::systems) fn largest(x: &[f64]) -> f64 {
    // Side by side, in vector registers; a NaN is never larger.
    let larger = |most: f64, entry: f64| if entry > most { entry } else { most };
    let (groups, rest) = x.as_chunks::<8>();
    let mut most = [0.0_f64; 8];
    for group in groups {
        for (most, entry) in most.iter_mut().zip(group) {
            *most = larger(*most, entry.abs());
        }
    }
    let rest = rest.iter().map(|entry| entry.abs());
    most.into_iter().chain(rest).fold(0.0, larger)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Powers of two by hand, at the ends of the range and beyond them.
    #[test]
    fn a_power_of_two_moves_a_number_exactly_within_the_range() {
        for (x, e, expected) in [
            (1.5, 0, 1.5),
            (1.5, 1023, 1.5 * 2f64.powi(1023)),
            (2f64.powi(-1000), 2000, 2f64.powi(1000)),
            (2f64.powi(1000), -2000, 2f64.powi(-1000)),
            (1.0, -1074, f64::from_bits(1)),
            (1.0, -1080, 0.0),
            (3.0, 5000, f64::INFINITY),
            (3.0, i64::MIN, 0.0),
            (0.0, 5000, 0.0),
        ] {
            assert_eq!(times_power(x, e), expected, "{x} {e}");
        }
    }

    #[test]
    fn the_exponent_is_that_of_the_power_below() {
        for e in [-1074, -1030, -1022, -1, 0, 1, 1023] {
            assert_eq!(exponent(times_power(1.0, e)), e);
            if e > -1074 {
                assert_eq!(exponent(times_power(1.75, e)), e);
            }
        }
        assert_eq!(exponent(0.0), 0);
    }
}
