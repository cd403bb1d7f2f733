//! `+ - * /` and their assigning forms, by value and by reference.

use std::iter::{Product, Sum};
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

use super::High;

impl Neg for High {
    type Output = High;

    fn neg(self) -> High {
        self.negated()
    }
}

impl Neg for &High {
    type Output = High;

    fn neg(self) -> High {
        self.negated()
    }
}

macro_rules! operator {
    ($operator:ident, $method:ident, $assign:ident, $assign_method:ident, $x:ident, $y:ident => $value:expr) => {
        impl $operator for High {
            type Output = High;

            fn $method(self, other: High) -> High {
                let ($x, $y) = (self, other);
                $value
            }
        }

        impl $operator<&High> for High {
            type Output = High;

            fn $method(self, other: &High) -> High {
                let ($x, $y) = (self, *other);
                $value
            }
        }

        impl $operator<High> for &High {
            type Output = High;

            fn $method(self, other: High) -> High {
                let ($x, $y) = (*self, other);
                $value
            }
        }

        impl $operator<&High> for &High {
            type Output = High;

            fn $method(self, other: &High) -> High {
                let ($x, $y) = (*self, *other);
                $value
            }
        }

        impl $assign for High {
            fn $assign_method(&mut self, other: High) {
                let ($x, $y) = (*self, other);
                *self = $value;
            }
        }

        impl $assign<&High> for High {
            fn $assign_method(&mut self, other: &High) {
                let ($x, $y) = (*self, *other);
                *self = $value;
            }
        }
    };
}

operator!(Add, add, AddAssign, add_assign, x, y => x.plus(y));
operator!(Sub, sub, SubAssign, sub_assign, x, y => x.plus(y.negated()));
operator!(Mul, mul, MulAssign, mul_assign, x, y => x.times(y));
operator!(Div, div, DivAssign, div_assign, x, y => x.over(y));

impl Sum for High {
    fn sum<I: Iterator<Item = High>>(terms: I) -> High {
        terms.fold(High::ZERO, |sum, term| sum + term)
    }
}

impl<'a> Sum<&'a High> for High {
    fn sum<I: Iterator<Item = &'a High>>(terms: I) -> High {
        terms.fold(High::ZERO, |sum, term| sum + term)
    }
}

impl Product for High {
    fn product<I: Iterator<Item = High>>(factors: I) -> High {
        factors.fold(High::ONE, |product, factor| product * factor)
    }
}

impl<'a> Product<&'a High> for High {
    fn product<I: Iterator<Item = &'a High>>(factors: I) -> High {
        factors.fold(High::ONE, |product, factor| product * factor)
    }
}
