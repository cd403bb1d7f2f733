//! Vectors with an exponent of their own, and their products with A.

use super::scaled::{Scaled, ScaledMatrix, exponent, largest, times_power};
use crate::production::double::{self, Double};
use crate::production::kernels::Level;
use crate::production::kernels::operator::Operator;

/// A vector times a power of two.
#[derive(Clone)]
pub(in crate::production::systems) struct ScaledVector {
    pub(in crate::production::systems) vector: Double,
    pub(in crate::production::systems) exponent: i64,
}

impl ScaledVector {
    /// With a largest entry from 1 to 2.
    pub(in crate::production::systems) fn of(entries: &[f64]) -> Self {
        let exponent = exponent(largest(entries));
        let entries = entries.iter().map(|x| times_power(*x, -exponent));
        Self {
            vector: Double::of(entries.collect()),
            exponent,
        }
    }

    /// The same number with a largest entry from 1 to 2; what the vector was divided by.
    pub(in crate::production::systems) fn normalise(&mut self) -> f64 {
        let shift = exponent(largest(&self.vector.high)).clamp(-1000, 1000);
        let factor = times_power(1.0, -shift);
        self.vector.scale(factor);
        self.exponent += shift;
        factor
    }

    /// `self - other`.
    pub(in crate::production::systems) fn minus(&self, other: &Self) -> Self {
        // 0 is 0 in any unit.
        let exponent = match (self.vector.norm() == 0.0, other.vector.norm() == 0.0) {
            (true, false) => other.exponent,
            (false, true) => self.exponent,
            (true, true) | (false, false) => self.exponent.max(other.exponent),
        };
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

    /// Times a number, in twice the precision.
    pub(in crate::production::systems) fn times(&self, factor: Scaled) -> Self {
        Self {
            vector: self.vector.times(factor.value),
            exponent: self.exponent + factor.exponent,
        }
    }

    /// The norm of the heads.
    pub(in crate::production::systems) fn norm(&self) -> Scaled {
        Scaled {
            value: self.vector.norm(),
            exponent: self.exponent,
        }
    }

    /// Half the square of the norm.
    pub(in crate::production::systems) fn half_square(&self) -> Scaled {
        let norm = self.vector.norm();
        Scaled {
            value: 0.5 * norm * norm,
            exponent: 2 * self.exponent,
        }
    }
}

/// Products with A and A'.
pub(in crate::production::systems) struct Map<'a> {
    pub(in crate::production::systems) a: &'a ScaledMatrix,
    operator: Operator,
}

impl<'a> Map<'a> {
    pub(in crate::production::systems) fn new(a: &'a ScaledMatrix) -> Self {
        Self {
            a,
            operator: Operator::new(&a.design, Level::best()),
        }
    }

    /// `A v`, in twice the precision if so asked.
    pub(in crate::production::systems) fn forward(
        &self,
        v: &ScaledVector,
        double: bool,
    ) -> ScaledVector {
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
    pub(in crate::production::systems) fn backward(
        &self,
        z: &ScaledVector,
        double: bool,
    ) -> ScaledVector {
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
}
