//! The item form Phi of the proof, its determinant, and the identity that ties it to the Hessian for every n at once.

use super::definition::{Bound, Constants, Setting, SpectrumCase, average};
use super::polynomial::{Polynomial, Variable};
use super::surd::Surd;

/// The variables of the quadratic form, in the order of the Gram matrix.
const ARGUMENTS: [Variable; 3] = [Variable::D, Variable::Y, Variable::Delta];

/// `Phi = x' G x + X d^2` in `x = (d, y, delta)`; G is polynomial in t, q, a and the multipliers, `X = extra / (1 - q)`.
pub struct ItemForm {
    /// Phi without X.
    pub phi: Polynomial,
    /// G: the Gram matrix of `phi`.
    pub gram: [[Polynomial; 3]; 3],
    /// The numerator `q^3 (1-t)^3` of X, if the piece keeps that term.
    pub extra: Option<Polynomial>,
}

/// The w-terms that Phi drops: `excess w` with `excess >= 0`.
fn excess(setting: &Setting, bound: Bound) -> Polynomial {
    let cube = setting.rest.power(3);
    match bound {
        Bound::Lower => (Polynomial::integer(1) - &setting.q) * &setting.q * cube,
        Bound::Upper => setting.q.power(2) * cube,
    }
}

impl ItemForm {
    /// Phi from its definition,
    ///
    /// ```text
    /// Phi = (1-q) [ L (y - delta/2 + d)^2 - eps q T (2 (d - t delta)^2 - t (1-t) delta^2) ]
    ///       + q [ kappa d^2 - 2 d (beta_1 y + beta_2 delta) + a delta^2 + 2 L y^2 ] + X d^2,        T = (1-t)^2
    /// ```
    ///
    /// with `kappa = k0` (lower) or `k0 - (1-t)^3` (upper), `k0 = L + eps [(s t - t^2)(1-t) + T (1+t)]`, and beta_2 a
    /// multiple of a (lower) or a number (upper).
    pub fn new(
        setting: &Setting,
        case: SpectrumCase,
        constants: &Constants,
        with_extra: bool,
    ) -> Self {
        let Setting {
            t,
            q,
            d,
            y,
            delta,
            rest,
            ..
        } = setting;
        let two = Polynomial::integer(2);
        let one = Polynomial::integer(1);
        let constant = Polynomial::constant(constants.of(case.bound).clone());
        let (side, target) = (case.side(), case.target());
        let a = Polynomial::variable(Variable::A);
        let beta1 = Polynomial::variable(Variable::Beta1);
        let beta2 = match case.bound {
            Bound::Lower => Polynomial::variable(Variable::Beta2) * &a,
            Bound::Upper => Polynomial::variable(Variable::Beta2),
        };
        let square = rest.power(2);
        let full = &constant + &side * ((&target * t - t.power(2)) * rest + &square * (&one + t));
        let kappa = match case.bound {
            Bound::Lower => full,
            Bound::Upper => full - rest.power(3),
        };
        let phi = (&one - q)
            * (&constant * (y - delta * Polynomial::fraction(1, 2) + d).power(2)
                - &side
                    * q
                    * &square
                    * (&two * (d - t * delta).power(2) - t * rest * delta.power(2)))
            + q * (kappa * d.power(2) - &two * d * (beta1 * y + beta2 * delta)
                + a * delta.power(2)
                + &two * &constant * y.power(2));
        let extra = with_extra.then(|| q * excess(setting, Bound::Upper));
        Self {
            gram: gram(&phi),
            phi,
            extra,
        }
    }

    /// `H`, a positive multiple of `det Phi` on `0 < q < 1`: `det Phi / q^2`, times `1 - q` if X is kept. `None` if the
    /// division by `q^2` is not exact.
    pub fn determinant(&self) -> Option<Polynomial> {
        let [g, h, k] = &self.gram;
        let minor = &h[1] * &k[2] - &h[2] * &k[1];
        let plain = &g[0] * &minor - &g[1] * (&h[0] * &k[2] - &h[2] * &k[0])
            + &g[2] * (&h[0] * &k[1] - &h[1] * &k[0]);
        // X stands in one entry only, so the determinant is affine in it.
        let full = match &self.extra {
            Some(extra) => {
                (Polynomial::integer(1) - Polynomial::variable(Variable::Q)) * plain + extra * minor
            }
            None => plain,
        };
        let zero = Surd::integer(0);
        let (once, remainder) = full.divide_by_linear(Variable::Q, &zero);
        let (twice, second_remainder) = once.divide_by_linear(Variable::Q, &zero);
        (remainder.is_zero() && second_remainder.is_zero()).then_some(twice)
    }
}

/// The symmetric matrix G with `x' G x = phi`.
fn gram(phi: &Polynomial) -> [[Polynomial; 3]; 3] {
    let without = |variables: &[Variable], part: Polynomial| {
        variables
            .iter()
            .fold(part, |rest, &variable| rest.coefficient(variable, 0))
    };
    std::array::from_fn(|row| {
        std::array::from_fn(|column| {
            if row == column {
                let others: Vec<Variable> = ARGUMENTS
                    .into_iter()
                    .filter(|&v| v != ARGUMENTS[row])
                    .collect();
                without(&others, phi.coefficient(ARGUMENTS[row], 2))
            } else {
                // The three arguments' indices add up to 3.
                let other = ARGUMENTS[3 - row - column];
                let mixed = phi
                    .coefficient(ARGUMENTS[row], 1)
                    .coefficient(ARGUMENTS[column], 1);
                without(&[other], mixed) * Polynomial::fraction(1, 2)
            }
        })
    })
}

/// Whether Phi is what the proof needs it to be, for every n at once:
/// `L |u|^2 + eps phi_s(u) = sum_i ( Phi_i + excess_i w - X_i d_i^2 )`, where `excess_i w - X_i d_i^2 >= 0` by
/// Cauchy-Schwarz (`w >= q_i d_i^2 / (1 - q_i)`).
///
/// The left side is `own_k + sum_i own_i` by definition. The check: `Phi_i + excess_i w - own_i` (X aside, it cancels) is
/// `q_i P(d_i)` for one polynomial P of degree 2 in d, free of q_i; and the average of P is `own_k`. Sums over i of
/// `q_i P(d_i)` *are* averages, so nothing depends on n.
pub fn splits_the_hessian(setting: &Setting, case: SpectrumCase, constants: &Constants) -> bool {
    let phi = ItemForm::new(setting, case, constants, false).phi;
    adds_up(setting, case, constants, &phi)
}

/// The check of [`splits_the_hessian`] for a given Phi (without X).
fn adds_up(setting: &Setting, case: SpectrumCase, constants: &Constants, phi: &Polynomial) -> bool {
    let constant = Polynomial::constant(constants.of(case.bound).clone());
    let own_k = &constant * setting.entry_k.power(2) + case.side() * setting.form_k(case);
    let own_i = &constant * setting.entry_i.power(2) + case.side() * setting.form_i();
    let gap = setting.two_coordinate_gap(case, constants);
    let phi = phi.substitute(Variable::A, &gap);
    let excess = excess(setting, case.bound);
    let difference = phi + &excess * &setting.w - own_i;
    let (shared, remainder) = difference.divide_by_linear(Variable::Q, &Surd::integer(0));
    remainder.is_zero()
        && shared.degree(Variable::Q) == 0
        && shared.degree(Variable::D) <= 2
        && average(&shared) == own_k
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gram_matrix_gives_the_form_back() {
        let setting = Setting::new();
        let form = ItemForm::new(&setting, SpectrumCase::ALL[2], &Constants::sharp(), true);
        let mut sum = Polynomial::default();
        for (row, entries) in form.gram.iter().enumerate() {
            for (column, entry) in entries.iter().enumerate() {
                sum = sum
                    + entry
                        * Polynomial::variable(ARGUMENTS[row])
                        * Polynomial::variable(ARGUMENTS[column]);
            }
        }
        assert_eq!(sum, form.phi);
    }

    #[test]
    fn every_case_splits_the_hessian_exactly() {
        let setting = Setting::new();
        for case in SpectrumCase::ALL {
            assert!(
                splits_the_hessian(&setting, case, &Constants::sharp()),
                "{case}"
            );
        }
    }

    #[test]
    fn a_flipped_coefficient_of_phi_is_noticed() {
        let setting = Setting::new();
        let sharp = Constants::sharp();
        for case in SpectrumCase::ALL {
            let honest = ItemForm::new(&setting, case, &sharp, false).phi;
            for flipped in honest.with_one_sign_flipped() {
                // Terms q d (...) average to zero whatever their sign: that is where the multipliers live.
                let change = &honest - &flipped;
                let free = change.coefficient(Variable::Q, 1).degree(Variable::D) == 1;
                assert_eq!(
                    adds_up(&setting, case, &sharp, &flipped),
                    free,
                    "{case}: {:?}",
                    change
                );
            }
        }
    }
}
