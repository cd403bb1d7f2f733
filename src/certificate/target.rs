//! The target's part of the Hessian: `|u' D_b u| <= (sqrt 3 / 9) (max b - min b) |u|^2` for every n, by polynomial
//! identities. Since `max b - min b <= |b|_1`, the same slope holds in `|b|_1`.

use super::definition::{Setting, average};
use super::polynomial::{Polynomial, Variable};
use super::refusal::CertificateRefusal;
use num_rational::BigRational;

/// What was proven of `D_b = B - B_0`, the part of B that is linear in b.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetSlope {
    /// `1/27`: the square of the slope `sqrt 3 / 9` in `max b - min b`, which is attained.
    pub square: BigRational,
}

/// Proves `|u' D_b u| <= (sqrt 3 / 9) (max b - min b) |u|^2`, given `delta^2/2 + 2 w_S + 2w <= |u|^2`
/// (docs/sharp-constants.md, "Any b").
///
/// `D_b` is linear in b and blind to shifts of it, so it is extreme at `b = 1_S` for a set S of coordinates. With `t = p(S)`,
/// delta the mean over S minus that over the rest, and the variances w_S and w within them, `-u' D_b u = sum_S p_i (c_i^2 - v)`.
/// Checked from the definition: this is `f delta^2 + s w_S - s w` with `s = t(1-t)`, `f = s (1-2t)`. On the simplex it is
/// extreme at a corner, so `2|f|` and `s/2` bound it; and
///
/// ```text
/// 1/27 - (2f)^2 = (1-6s)^2 (1+12s) / 27,      1/27 - (s/2)^2 > 1/27 - 1/64,      1/4 - s = (1/2 - t)^2
/// ```
///
/// # Errors
/// [`CertificateRefusal::TargetPart`] if an identity does not hold.
pub fn target_slope() -> Result<TargetSlope, CertificateRefusal> {
    let setting = Setting::new();
    identities_hold(&setting, &part_of_set(&setting))
        .then(|| TargetSlope {
            square: BigRational::new(1.into(), 27.into()),
        })
        .ok_or(CertificateRefusal::TargetPart)
}

/// `sum_S p_i (c_i^2 - v)`. On S, `c_i = (1-t) delta + d_i`, where the d_i average to 0 and their squares to w_S; on the rest
/// `c_i = d_i - t delta`, with averages 0 and w.
fn part_of_set(setting: &Setting) -> Polynomial {
    let Setting {
        t, rest, d, delta, ..
    } = setting;
    let inside = average_within(&(rest * delta + d).power(2));
    let outside = average(&(d - t * delta).power(2));
    let variance = t * &inside + rest * outside;
    t * (inside - variance)
}

/// [`average`] over the set S for a polynomial of degree at most 2 in d: the average of d is 0, that of d^2 is w_S.
fn average_within(f: &Polynomial) -> Polynomial {
    f.coefficient(Variable::D, 0)
        + f.coefficient(Variable::D, 2) * Polynomial::variable(Variable::Within)
}

/// The identities of [`target_slope`] for `part` in the place of `sum_S p_i (c_i^2 - v)`.
fn identities_hold(setting: &Setting, part: &Polynomial) -> bool {
    let Setting { t, rest, .. } = setting;
    let integer = Polynomial::integer;
    let s = t * rest;
    let f = part.coefficient(Variable::Delta, 2);
    let variances = Polynomial::variable(Variable::Within) - Polynomial::variable(Variable::W);
    let expected = &f * Polynomial::variable(Variable::Delta).power(2) + &s * variances;
    let square = Polynomial::fraction(1, 27);
    let gap = &square - (integer(2) * &f).power(2);
    let factored =
        &square * (integer(1) - integer(6) * &s).power(2) * (integer(1) + integer(12) * &s);
    let below_a_quarter =
        Polynomial::fraction(1, 4) - &s == (Polynomial::fraction(1, 2) - t).power(2);
    *part == expected && f.only_in(&[Variable::T]) && gap == factored && below_a_quarter
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::surd::Surd;

    #[test]
    fn the_slope_is_proven_and_its_square_is_a_27th() {
        assert_eq!(target_slope().unwrap().square.to_string(), "1/27");
    }

    #[test]
    fn a_set_of_one_coordinate_is_that_of_the_theorems() {
        let setting = Setting::new();
        let one = &setting.t * (setting.centred_k.power(2) - &setting.variance);
        let set = part_of_set(&setting).evaluate(Variable::Within, &Surd::integer(0));
        assert_eq!(set, one);
    }

    #[test]
    fn a_part_with_one_sign_flipped_is_refused() {
        let setting = Setting::new();
        let part = part_of_set(&setting);
        assert!(identities_hold(&setting, &part));
        for flipped in part.with_one_sign_flipped() {
            assert!(!identities_hold(&setting, &flipped));
        }
    }
}
