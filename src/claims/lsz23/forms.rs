//! Closed forms of the entrywise losses `l(z) = 0.5 || phi(z) - b ||^2`, for any real scalar; what is true is decided by
//! the oracle, which knows none of them.

use nalgebra::{DVector, RealField};

use crate::claims::tools::exact::Exact;
use crate::instance::LossKind;
use crate::scalar::High;

/// The entrywise function of the loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phi {
    /// `exp z`.
    Exp,
    /// `cosh z`.
    Cosh,
    /// `sinh z`.
    Sinh,
}

impl Phi {
    /// All three, in the paper's order.
    pub const ALL: [Self; 3] = [Self::Exp, Self::Cosh, Self::Sinh];

    /// The function of a loss, if it is one of the three.
    pub fn of(loss: &LossKind) -> Option<Self> {
        Self::ALL.into_iter().find(|phi| phi.loss() == *loss)
    }

    /// The loss with this function.
    pub fn loss(self) -> LossKind {
        match self {
            Self::Exp => LossKind::Exp,
            Self::Cosh => LossKind::Cosh,
            Self::Sinh => LossKind::Sinh,
        }
    }

    /// `phi(z)`.
    pub fn value<T: RealField + Copy>(self, z: T) -> T {
        match self {
            Self::Exp => z.exp(),
            Self::Cosh => z.cosh(),
            Self::Sinh => z.sinh(),
        }
    }

    /// `phi'(z)`.
    pub fn slope<T: RealField + Copy>(self, z: T) -> T {
        match self {
            Self::Exp => z.exp(),
            Self::Cosh => z.sinh(),
            Self::Sinh => z.cosh(),
        }
    }

    /// A bound of `|phi(z)|`, `|phi'(z)|`, `|phi''(z)|` that a relative error of z moves in proportion.
    pub fn size(self, z: High) -> High {
        match self {
            Self::Exp => z.exp(),
            Self::Cosh | Self::Sinh => z.cosh(),
        }
    }

    /// `D(z)`, the entry of the Hessian in the logits: `(2 e^z - b) e^z`, `2 cosh^2 z - 1 - b cosh z`,
    /// `1 + 2 sinh^2 z - b sinh z`.
    pub fn curvature<T: RealField + Copy>(self, z: T, b: T) -> T {
        let value = self.value(z);
        let (one, two) = (T::one(), T::one() + T::one());
        match self {
            Self::Exp => (two * value - b) * value,
            Self::Cosh => two * value * value - one - b * value,
            Self::Sinh => one + two * value * value - b * value,
        }
    }

    /// `-inf_z D(z)`. In `y = phi(z)` the entry is `2 y^2 - b y` plus a constant, smallest at `y = b/4` where phi takes that
    /// value: always for sinh; for `b > 0` for exp, else the infimum is 0 in the limit; for `b >= 4` for cosh, else at
    /// `y = 1`.
    pub fn threshold<T: RealField + Copy>(self, b: T) -> T {
        let (zero, one) = (T::zero(), T::one());
        let two = one + one;
        let four = two * two;
        let parabola = b * b / (two * four);
        match self {
            Self::Exp if b > zero => parabola,
            Self::Exp => zero,
            Self::Cosh if b < four => b - one,
            Self::Cosh => one + parabola,
            Self::Sinh => parabola - one,
        }
    }
}

/// `D(z)` (n) at a point.
pub fn curvatures(phi: Phi, exact: &Exact) -> DVector<High> {
    exact.z.zip_map(&exact.b, |z, b| phi.curvature(z, b))
}

/// Magnitude of the terms of every entry of `D(z)` (n), however they are grouped: `phi'^2 + (phi - b) phi''` has at most
/// two products of sizes and one with b, the closed forms three.
pub fn curvature_terms(phi: Phi, exact: &Exact) -> DVector<High> {
    exact.z.zip_map(&exact.b, |z, b| {
        let size = phi.size(z);
        size * (High::int(4) * size + b.abs())
    })
}
