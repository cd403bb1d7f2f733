//! Products with K and K' for the powers, with an exponent of their own.

use super::scaled::{Scaled, ScaledMatrix, exponent, largest, times_power};
use crate::production::double::{self, Double};
use crate::production::kernels::Level;
use crate::production::kernels::operator::Operator;
use crate::system::{Array, Given};

/// A vector times a power of two.
#[derive(Clone)]
pub(super) struct ScaledVector {
    pub(super) vector: Double,
    pub(super) exponent: i64,
}

impl ScaledVector {
    /// With a largest entry from 1 to 2.
    pub(super) fn of(entries: &[f64]) -> Self {
        let exponent = exponent(largest(entries));
        let entries = entries.iter().map(|x| times_power(*x, -exponent));
        Self {
            vector: Double::of(entries.collect()),
            exponent,
        }
    }

    /// The same number with a largest entry from 1 to 2; what the vector was divided by.
    pub(super) fn normalise(&mut self) -> f64 {
        let shift = exponent(largest(&self.vector.high)).clamp(-1000, 1000);
        let factor = times_power(1.0, -shift);
        self.vector.scale(factor);
        self.exponent += shift;
        factor
    }

    /// `self - other`.
    pub(super) fn minus(&self, other: &Self) -> Self {
        let exponent = self.exponent.max(other.exponent);
        let at = |one: &Self| {
            let mut vector = one.vector.clone();
            vector.scale(times_power(1.0, one.exponent - exponent));
            vector
        };
        Self {
            vector: at(self).plus(-1.0, &at(other)),
            exponent,
        }
    }

    /// The norm of the heads.
    pub(super) fn norm(&self) -> Scaled {
        Scaled {
            value: self.vector.norm(),
            exponent: self.exponent,
        }
    }

    /// Half the square of the norm.
    pub(super) fn half_square(&self) -> Scaled {
        let norm = self.vector.norm();
        Scaled {
            value: 0.5 * norm * norm,
            exponent: 2 * self.exponent,
        }
    }
}

/// `K = N^j` or `A N^j`, `N = A'A`.
pub(super) struct Products<'a> {
    pub(super) a: &'a ScaledMatrix,
    operator: Operator,
    /// j.
    pub(super) power: u64,
    pub(super) odd: bool,
}

impl<'a> Products<'a> {
    pub(super) fn of(given: &Given, a: &'a ScaledMatrix) -> Self {
        Self {
            a,
            operator: Operator::new(&a.design, Level::best()),
            power: given.scalar("power") as u64,
            odd: given.word("kind") == "odd",
        }
    }

    /// b.
    pub(super) fn target(given: &Given) -> ScaledVector {
        ScaledVector::of(given.array("target").map_or(&[][..], Array::values))
    }

    /// `A v`, in twice the precision if so asked.
    pub(super) fn forward(&self, v: &ScaledVector, double: bool) -> ScaledVector {
        let vector = if double {
            double::multiply(self.a.rows(), &v.vector)
        } else {
            let mut image = vec![0.0; self.operator.rows()];
            self.operator.multiply(&v.vector.high, &mut image);
            Double::of(image)
        };
        self.moved(vector, v.exponent)
    }

    /// `A' z`.
    pub(super) fn backward(&self, z: &ScaledVector, double: bool) -> ScaledVector {
        let vector = if double {
            double::transpose_multiply(self.a.rows(), &z.vector)
        } else {
            Double::of(self.operator.transpose_multiply(&z.vector.high))
        };
        self.moved(vector, z.exponent)
    }

    fn moved(&self, vector: Double, exponent: i64) -> ScaledVector {
        let mut moved = ScaledVector {
            vector,
            exponent: exponent + self.a.exponent,
        };
        moved.normalise();
        moved
    }

    fn squares(&self, mut v: ScaledVector, double: bool) -> ScaledVector {
        for _ in 0..self.power {
            v = self.backward(&self.forward(&v, double), double);
        }
        v
    }

    /// `K x`.
    pub(super) fn image(&self, x: &ScaledVector, double: bool) -> ScaledVector {
        let v = self.squares(x.clone(), double);
        if self.odd {
            self.forward(&v, double)
        } else {
            v
        }
    }

    /// `K' r`, with plain roundings.
    pub(super) fn transposed(&self, r: &ScaledVector) -> ScaledVector {
        let v = if self.odd {
            self.backward(r, false)
        } else {
            r.clone()
        };
        self.squares(v, false)
    }
}
