//! Products with K and K' for the powers, with an exponent of their own.

use crate::production::systems::linear::scaled::ScaledMatrix;
use crate::production::systems::linear::vector::{Map, ScaledVector};
use crate::system::{Array, Given};

/// `K = N^j` or `A N^j`, `N = A'A`.
pub(super) struct Products<'a> {
    map: Map<'a>,
    /// j.
    pub(super) power: u64,
    pub(super) odd: bool,
}

impl<'a> Products<'a> {
    pub(super) fn of(given: &Given, a: &'a ScaledMatrix) -> Self {
        Self {
            map: Map::new(a),
            power: given.scalar("power") as u64,
            odd: given.word("kind") == "odd",
        }
    }

    /// A.
    pub(super) fn a(&self) -> &ScaledMatrix {
        self.map.a
    }

    /// `A v`, in twice the precision if so asked.
    pub(super) fn forward(&self, v: &ScaledVector, double: bool) -> ScaledVector {
        self.map.forward(v, double)
    }

    /// `A' z`.
    pub(super) fn backward(&self, z: &ScaledVector, double: bool) -> ScaledVector {
        self.map.backward(z, double)
    }

    /// b.
    pub(super) fn target(given: &Given) -> ScaledVector {
        ScaledVector::of(given.array("target").map_or(&[][..], Array::values))
    }

    fn squares(&self, mut v: ScaledVector, double: bool) -> ScaledVector {
        for _ in 0..self.power {
            v = self.map.backward(&self.map.forward(&v, double), double);
        }
        v
    }

    /// `K x`.
    pub(super) fn image(&self, x: &ScaledVector, double: bool) -> ScaledVector {
        let v = self.squares(x.clone(), double);
        if self.odd {
            self.map.forward(&v, double)
        } else {
            v
        }
    }

    /// `K' r`, with plain roundings.
    pub(super) fn transposed(&self, r: &ScaledVector) -> ScaledVector {
        let v = if self.odd {
            self.map.backward(r, false)
        } else {
            r.clone()
        };
        self.squares(v, false)
    }
}
