//! The quadratic form of the Hessian, from its definition, in the coordinates of the proof.
//!
//! ```text
//! phi_s(u) = sum_i p_i^2 (2 c_i^2 - v) - s p_k (c_k^2 - v),      c_i = u_i - m,  m = sum p_i u_i,  v = sum p_i c_i^2
//! ```
//!
//! is `u' B u` for the target `b = s e_k`. Seen from coordinate k: `p_k = t`, the others are `(1 - t) q_i`, and under the
//! weights q the other entries have mean mu, `u_i = mu + d_i`, variance w and third central moment K. Then everything is
//! a polynomial in `t, q_i, d_i, y = (u_k + mu)/2, delta = u_k - mu` and `w`, whatever n is.

use super::polynomial::{Polynomial, Variable};
use super::surd::Surd;
use num_rational::BigRational;
use std::fmt;

/// Which side of the theorem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Bound {
    /// `B >= -lambda I`.
    Lower,
    /// `B <= Lambda I`.
    Upper,
}

/// One of the four cases: a side, and the sign `s` of the target `b = s e_k`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SpectrumCase {
    /// Which side.
    pub bound: Bound,
    /// Whether the target is `+ e_k` (otherwise `- e_k`).
    pub positive: bool,
}

impl SpectrumCase {
    /// All four, in the certificate's order.
    pub const ALL: [Self; 4] = [
        Self {
            bound: Bound::Lower,
            positive: true,
        },
        Self {
            bound: Bound::Lower,
            positive: false,
        },
        Self {
            bound: Bound::Upper,
            positive: true,
        },
        Self {
            bound: Bound::Upper,
            positive: false,
        },
    ];

    /// `eps`: what is shown is `L |u|^2 + eps phi_s(u) >= 0`.
    pub fn side(self) -> Polynomial {
        Polynomial::integer(match self.bound {
            Bound::Lower => 1,
            Bound::Upper => -1,
        })
    }

    /// `s`, the sign of the target.
    pub fn target(self) -> Polynomial {
        Polynomial::integer(if self.positive { 1 } else { -1 })
    }
}

impl fmt::Display for SpectrumCase {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bound = match self.bound {
            Bound::Lower => "lower",
            Bound::Upper => "upper",
        };
        let sign = if self.positive { '+' } else { '-' };
        write!(out, "{bound} bound, b = {sign}e_k")
    }
}

/// The two constants of the theorem, both positive: `-lower I <= B <= upper I`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constants {
    /// `lambda`.
    pub lower: Surd,
    /// `Lambda`.
    pub upper: Surd,
}

impl Constants {
    /// `lambda = (55 sqrt 33 - 39)/1152` and `Lambda = (55 sqrt 33 + 39)/1152`.
    pub fn sharp() -> Self {
        let part = |numerator: i64| BigRational::new(numerator.into(), 1152.into());
        Self {
            lower: Surd::new(part(-39), part(55)),
            upper: Surd::new(part(39), part(55)),
        }
    }

    /// The constant of a side.
    pub fn of(&self, bound: Bound) -> &Surd {
        match bound {
            Bound::Lower => &self.lower,
            Bound::Upper => &self.upper,
        }
    }
}

/// The definition's ingredients seen from coordinate k.
pub struct Setting {
    /// `t`.
    pub t: Polynomial,
    /// `1 - t`.
    pub rest: Polynomial,
    /// `q`.
    pub q: Polynomial,
    /// `d`.
    pub d: Polynomial,
    /// `y`.
    pub y: Polynomial,
    /// `delta`.
    pub delta: Polynomial,
    /// `w`.
    pub w: Polynomial,
    /// `u_k`.
    pub entry_k: Polynomial,
    /// `u_i`.
    pub entry_i: Polynomial,
    /// `p_i = (1 - t) q`.
    pub mass_i: Polynomial,
    /// `c_k = u_k - m`.
    pub centred_k: Polynomial,
    /// `c_i = u_i - m`.
    pub centred_i: Polynomial,
    /// `v`, the variance.
    pub variance: Polynomial,
    /// `k3`, the third central moment.
    pub third: Polynomial,
}

impl Setting {
    /// The setting, every quantity computed from its definition.
    pub fn new() -> Self {
        let of = Polynomial::variable;
        let (t, q, d) = (of(Variable::T), of(Variable::Q), of(Variable::D));
        let (y, delta, w) = (of(Variable::Y), of(Variable::Delta), of(Variable::W));
        let half = Polynomial::fraction(1, 2);
        let rest = Polynomial::integer(1) - &t;
        let mean_of_rest = &y - &half * &delta;
        let entry_k = &y + &half * &delta;
        let entry_i = &mean_of_rest + &d;
        let mean = &t * &entry_k + &rest * &mean_of_rest;
        let centred_k = &entry_k - &mean;
        let centred_i = &entry_i - &mean;
        let moment =
            |order: u8| &t * centred_k.power(order) + &rest * average(&centred_i.power(order));
        Self {
            mass_i: &rest * &q,
            variance: moment(2),
            third: moment(3),
            t,
            rest,
            q,
            d,
            y,
            delta,
            w,
            entry_k,
            entry_i,
            centred_k,
            centred_i,
        }
    }

    /// The terms of `phi_s` that belong to coordinate k: `p_k^2 (2 c_k^2 - v) - s p_k (c_k^2 - v)`.
    pub fn form_k(&self, case: SpectrumCase) -> Polynomial {
        let square = self.centred_k.power(2);
        self.t.power(2) * (Polynomial::integer(2) * &square - &self.variance)
            - case.target() * &self.t * (&square - &self.variance)
    }

    /// The term of `phi_s` that belongs to another coordinate: `p_i^2 (2 c_i^2 - v)`.
    pub fn form_i(&self) -> Polynomial {
        self.mass_i.power(2) * (Polynomial::integer(2) * self.centred_i.power(2) - &self.variance)
    }

    /// `f_s(t)`: the value of `phi_s` for two coordinates and `delta = 1`. The other coordinate has share 1 and does
    /// not differ from its own mean.
    pub fn two_coordinate_value(&self, case: SpectrumCase) -> Polynomial {
        (self.form_k(case) + self.form_i())
            .evaluate(Variable::Q, &Surd::integer(1))
            .evaluate(Variable::D, &Surd::integer(0))
            .evaluate(Variable::W, &Surd::integer(0))
            .evaluate(Variable::Delta, &Surd::integer(1))
    }

    /// `a(t) = L/2 + eps f_s(t)`.
    pub fn two_coordinate_gap(&self, case: SpectrumCase, constants: &Constants) -> Polynomial {
        Polynomial::constant(constants.of(case.bound).clone()) * Polynomial::fraction(1, 2)
            + case.side() * self.two_coordinate_value(case)
    }
}

impl Default for Setting {
    fn default() -> Self {
        Self::new()
    }
}

/// The average `sum_i q_i f(d_i)` of a polynomial of degree at most 3 in d: the average of 1 is 1, of d is 0, of d^2 is w
/// and of d^3 is K. This is all that is used of the shares q_i, so an identity between averages holds for every n.
///
/// # Panics
/// If the degree in d exceeds 3: a mistake in this module, not in its input.
pub fn average(f: &Polynomial) -> Polynomial {
    assert!(f.degree(Variable::D) <= 3, "no name for the fourth moment");
    f.coefficient(Variable::D, 0)
        + f.coefficient(Variable::D, 2) * Polynomial::variable(Variable::W)
        + f.coefficient(Variable::D, 3) * Polynomial::variable(Variable::K)
}
