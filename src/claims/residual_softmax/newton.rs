//! The lemmas of the Newton papers on approximate Newton steps for the residual softmax loss, in a region around the origin
//! where the normaliser keeps away from zero: false in the Euclidean norm, true in the norm of the Hessian.
//!
//! *The region.* Let `X = {x : ||Ax||_inf <= 1/4}`, a convex set. `exp(t) + t` increases, so on X every `u_i >= exp(-1/4) - 1/4`
//! and `alpha >= beta = n (exp(-1/4) - 1/4)`. The threshold `T` and the Lipschitz constant with `rho = 1/4` and this `beta`
//! hold on X, where the loss is therefore strictly convex: a critical point in X is its only minimiser there. For `||A||,
//! ||x*|| <= R`, `R^2 <= 3/20` gives `||Ax*||_inf <= 3/20`; and `M >= l R` gives `||A(x - x*)|| <= 1/10` wherever `M ||x - x*||
//! <= 0.1 l`. So `x*`, every iterate that the lemmas speak of and the segments between them lie in X.

use crate::claims::tools::builder::strata;
use crate::claims::tools::exact::Exact;
use crate::claims::tools::loewner::outwards;
use crate::claims::tools::newton_claims::{Premise, carried_over};
use crate::claims::tools::newton_support::Theorem;
use crate::claims::{Claim, Drawn, Family, Outside, Stratum, Targets, Weights};
use crate::instance::LossKind;
use crate::scalar::High;

use super::definiteness::threshold_over;
use super::lipschitz::constant;
use super::model::Model;

/// `1/4`, the bound of `||Ax||_inf` in X.
fn reach() -> High {
    High::ratio(1, 4)
}

/// `n (exp(-1/4) - 1/4)`, rounded down.
fn least_normaliser(n: usize) -> High {
    let beta = High::int(n as i64) * ((-reach()).exp() - reach());
    beta - beta.shifted(-30)
}

/// `min_i w_i^2 - T`.
fn surplus(exact: &Exact) -> Result<High, Outside> {
    if !matches!(exact.instance.loss(), LossKind::ResidualSoftmax) {
        return Err(Outside::Premise);
    }
    let n = exact.a.nrows();
    let threshold = threshold_over(n, reach(), least_normaliser(n), exact.b.norm());
    let surplus = exact.squared_weights().min() - outwards(threshold);
    if surplus.is_positive() {
        Ok(surplus)
    } else {
        Err(Outside::Weights)
    }
}

/// `w_i^2 >= T + l / sigma_min(A)^2`, `R^2 <= 3/20`, `M = max(R^3 (3 F1 F2 + (phi + ||b||) F3), l R)`.
const THEOREM: Theorem = Theorem {
    surplus,
    lipschitz: |exact, radius| {
        if radius.square() > High::ratio(3, 20) {
            return Err(Outside::Norm);
        }
        let n = exact.a.nrows();
        let own = constant(n, reach(), least_normaliser(n), exact.b.norm()) * radius.powi(3);
        let (_, smallest) = exact.singular_range().map_err(|_| Outside::Rank)?;
        Ok(own.max(surplus(exact)? * smallest.square() * radius))
    },
    diagonal: |exact| Model::at(&exact.z).diagonal(&exact.b) + exact.squared_weights(),
};

/// The threshold on X is below `256 + 200 ||b|| + 7 ||b||^2` for every n; `0.375^2 < 3/20`.
const FAMILY: Family = Family {
    losses: &[Drawn::ResidualSoftmax],
    rows: (1, 6),
    columns: (1, 3),
    gaps: &[],
    norm: 0.375,
    targets: Targets::Any,
    weights: Weights::AboveTargetNorm {
        base: 256.0,
        linear: 200.0,
        square: 7.0,
        power: 2,
    },
    cases: 42,
    ..Family::GENERAL
};

const STRATA: &[Stratum] = strata!(Condition: 0 1 2 3 4 5 6; OneColumn; Square; SignedTarget);

const PREMISE: &str = "A has full column rank, ||A||, ||x*||_2 <= R, R^2 <= 3/20; with rho = 1/4, beta = n (exp(-1/4) - 1/4): w_i^2 >= T + l/sigma_min(A)^2, T as in residual-softmax/hessian-lower-bound, M = max(R^3 (3 F1 F2 + (phi + ||b||_2) F3), l R) as in residual-softmax/hessian-lipschitz-beta, M r_t <= 0.1 l";

struct Newton;

impl Premise for Newton {
    const THEOREM: &'static Theorem = &THEOREM;
    const FAMILY: Family = FAMILY;
    const STRATA: &'static [Stratum] = STRATA;
}

/// The claims about single steps and their induction.
pub fn claims() -> Vec<Claim> {
    carried_over!(
        Newton,
        "residual-softmax",
        PREMISE,
        "The witness has b = (1/2, 1/2), x* = 0 and a condition number of 100.",
        "the iteration count of the Newton papers, O(log(||x_0 - x*||_2 / eps)), carried over to this loss with an explicit constant"
    )
}
