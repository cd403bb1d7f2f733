//! The target's part of the Hessian: `|u' D_b u| <= (sqrt 3 / 9) |b|_1 |u|^2` for every n, by polynomial identities.

use super::definition::Setting;
use super::polynomial::{Polynomial, Variable};
use super::refusal::Refusal;
use num_rational::BigRational;

/// What was proven of `D_b = B - B_0`, the part of B that is linear in b.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetSlope {
    /// `1/27`: the square of the slope `sqrt 3 / 9` in `|b|_1`, which is attained.
    pub square: BigRational,
}

/// Proves `|u' D_b u| <= (sqrt 3 / 9) |b|_1 |u|^2`, given `delta^2/2 + 2w <= |u|^2` (docs/sharp-constants.md, Theorem 2, step 4).
///
/// For `b = e_k`, `-u' D_b u = t (c_k^2 - v)`. Checked from the definition: this is `f delta^2 - s w` with
/// `s = t(1-t)`, `f = s (1-2t)`. On the triangle it is extreme at a corner, so `2|f|` and `s/2` bound it; and
///
/// ```text
/// 1/27 - (2f)^2 = (1-6s)^2 (1+12s) / 27,      1/27 - (s/2)^2 > 1/27 - 1/64,      1/4 - s = (1/2 - t)^2
/// ```
///
/// # Errors
/// [`Refusal::TargetPart`] if an identity does not hold.
pub fn target_slope() -> Result<TargetSlope, Refusal> {
    let setting = Setting::new();
    let part = &setting.t * (setting.centred_k.power(2) - &setting.variance);
    identities_hold(&setting, &part)
        .then(|| TargetSlope {
            square: BigRational::new(1.into(), 27.into()),
        })
        .ok_or(Refusal::TargetPart)
}

/// The identities of [`target_slope`] for `part` in the place of `t (c_k^2 - v)`.
fn identities_hold(setting: &Setting, part: &Polynomial) -> bool {
    let Setting { t, rest, .. } = setting;
    let integer = Polynomial::integer;
    let s = t * rest;
    let f = part.coefficient(Variable::Delta, 2);
    let expected = &f * Polynomial::variable(Variable::Delta).power(2)
        - &s * Polynomial::variable(Variable::W);
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

    #[test]
    fn the_slope_is_proven_and_its_square_is_a_27th() {
        assert_eq!(target_slope().unwrap().square.to_string(), "1/27");
    }

    #[test]
    fn a_part_with_one_sign_flipped_is_refused() {
        let setting = Setting::new();
        let part = &setting.t * (setting.centred_k.power(2) - &setting.variance);
        assert!(identities_hold(&setting, &part));
        for flipped in part.with_one_sign_flipped() {
            assert!(!identities_hold(&setting, &flipped));
        }
    }
}
