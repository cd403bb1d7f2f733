//! The item form of the third derivative: from its definition, with the identity that makes it valid for every n.
//!
//! ```text
//! tau(u) = D^3 l [u, u, u] = sum_i p_i^2 (4 c_i^3 - 6 v c_i - k3) - sum_i b_i p_i (c_i^3 - 3 v c_i - k3)
//! ```
//!
//! `M |u|^2 - tau(u)` for `|u| = 1` is a sum over the coordinates other than the target's; each summand is, after y has
//! been eliminated, `q J / (1 + q)` up to a square, with J a polynomial in `t, q, d, delta, w, K`.

use super::definition::{Setting, average};
use super::polynomial::{Polynomial, Variable};
use super::surd::Surd;

/// `sum_i` of this module's forms, for the target `b = s e_k`.
pub struct ThirdDerivative {
    /// `(1 + q)` times an item without its multipliers, y eliminated, divided by q.
    pub item: Polynomial,
}

impl ThirdDerivative {
    /// The item for the bound M and the sign s of the target; `None` if the parts do not add up to
    /// `M |u|^2 - tau(u)`.
    ///
    /// With `own_i = M u_i^2 - p_i^2 (4 c_i^3 - 6 v c_i - k3)` and own_k alike (its second term included),
    /// `M |u|^2 - tau = own_k + sum own_i`. Split `q_i^2 = q_i - q_i (1 - q_i)`: `own_i = (1 - q_i) E_i + q_i F_i` where F
    /// is free of q_i. Then `own_k + average(F) =: R` is affine in w and K, and
    ///
    /// ```text
    /// M |u|^2 - tau = sum_i { (1 - q_i) E_i + q_i R~(d_i) },    R~ = R with d^2 for w and d^3 for K
    /// ```
    ///
    /// because the average of R~ is R. Each item is a quadratic polynomial in y with the same minimiser for all that
    /// matters: `(1+q) item = M ((1+q) y + (1-q)(d - delta/2))^2 + q J`.
    pub fn new(setting: &Setting, positive: bool, bound: &Surd) -> Option<Self> {
        let Setting {
            t, q, d, y, delta, ..
        } = setting;
        let one = Polynomial::integer(1);
        let m = Polynomial::constant(bound.clone());
        let target = Polynomial::integer(if positive { 1 } else { -1 });
        let cumulant = |centred: &Polynomial, first: i64, second: i64| {
            Polynomial::integer(first) * centred.power(3)
                - Polynomial::integer(second) * &setting.variance * centred
                - &setting.third
        };
        let own_k = &m * setting.entry_k.power(2) - t.power(2) * cumulant(&setting.centred_k, 4, 6)
            + target * t * cumulant(&setting.centred_k, 1, 3);
        let square = &m * setting.entry_i.power(2);
        let cubic = setting.rest.power(2) * cumulant(&setting.centred_i, 4, 6);
        let own_i = &square - q.power(2) * &cubic;
        let first = &square + q * &cubic;
        let second = &square - &cubic;
        let rest = own_k + average(&second);
        let constant = rest.coefficient(Variable::W, 0).coefficient(Variable::K, 0);
        let of_w = rest.coefficient(Variable::W, 1);
        let of_k = rest.coefficient(Variable::K, 1);
        let shared = constant + &of_w * d.power(2) + &of_k * d.power(3);
        let item = (&one - q) * &first + q * &shared;

        // Each line is one claim of the comment above.
        let splits = own_i == (&one - q) * first + q * second;
        let averages = average(&shared) == rest;
        let offset = d - delta * Polynomial::fraction(1, 2);
        let complete = (&one + q) * y + (&one - q) * offset;
        let (eliminated, remainder) = ((&one + q) * item - m * complete.power(2))
            .divide_by_linear(Variable::Q, &Surd::integer(0));
        let free = eliminated.only_in(&[
            Variable::T,
            Variable::Q,
            Variable::D,
            Variable::Delta,
            Variable::W,
            Variable::K,
        ]);
        (splits && averages && remainder.is_zero() && free).then_some(Self { item: eliminated })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_add_up_to_the_third_derivative() {
        for positive in [true, false] {
            let bound = Surd::integer(1);
            assert!(ThirdDerivative::new(&Setting::new(), positive, &bound).is_some());
        }
    }

    #[test]
    fn two_coordinates_give_the_third_derivative_of_their_loss() {
        // q = 1, d = w = K = 0: J = 2 (M - tau). Along t' = t (1-t) the loss ((t-s)^2 + (1-t)^2) / 2 has the slope t (1-t) (2t - 1 - s):
        // f(t) = -2 t (1-t)^2 for s = 1 and 2 t^2 (1-t) for s = -1, and tau = delta^3 f''.
        let setting = Setting::new();
        let t = Polynomial::variable(Variable::T);
        let polynomial = |c: [i64; 3]| {
            Polynomial::integer(c[0])
                + Polynomial::integer(c[1]) * &t
                + Polynomial::integer(c[2]) * t.power(2)
        };
        let two = || Polynomial::integer(2);
        for (positive, second) in [
            // t (1-t) d/dt [2 t (1-t)^2 (3t-1)] = 2 t (1-t)^2 (-12 t^2 + 9 t - 1)
            (
                true,
                two() * &t * setting.rest.power(2) * polynomial([-1, 9, -12]),
            ),
            // t (1-t) d/dt [2 t^2 (1-t) (2-3t)] = 2 t^2 (1-t) (12 t^2 - 15 t + 4)
            (
                false,
                two() * t.power(2) * &setting.rest * polynomial([4, -15, 12]),
            ),
        ] {
            let item = ThirdDerivative::new(&setting, positive, &Surd::integer(0))
                .unwrap()
                .item;
            let value = item
                .evaluate(Variable::Q, &Surd::integer(1))
                .evaluate(Variable::D, &Surd::integer(0))
                .evaluate(Variable::W, &Surd::integer(0))
                .evaluate(Variable::K, &Surd::integer(0));
            let expected = Polynomial::integer(-2) * second * setting.delta.power(3);
            assert_eq!(value, expected, "{positive}");
        }
    }
}
