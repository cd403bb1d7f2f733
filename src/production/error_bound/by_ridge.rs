//! A proven bound on `||x - x*||` for softmax regression with a ridge, through the Gram matrix of the ridge that the solve has made.
//!
//! Let `G = A' W^2 A` and `-below I <= Hess l <= above I` at x. Where both are a small part eps of `min w^2`, the Hessian
//! `H = G + A' Hess l A` is within eps G of G, and what is proven of G serves for H:
//!
//! ```text
//! H >= (1 - eps) G >= (1 - eps) min w^2 A'A        root(g' H^-1 g) <= root(g' G^-1 g) / (1 - eps)^0.5
//! ||H^-1 g|| <= ||G^-1 g|| + eps / (1 - eps) root(g' G^-1 g) / lambda_min(G)^0.5
//! ```
//!
//! (`H^-1 g - G^-1 g = -(I + F)^-1 F` in the metric of G, `||F|| <= eps`). Elsewhere the Gram matrix of H is made, and
//! `H >= nu G >= nu min w^2 A'A` proven by a factorisation.
//!
//! Errors e of the gradient in the logits enter as `root(e' A H^-1 A' e) <= ||W^-1 e|| / nu^0.5`: by the metric, not by the worst
//! direction of A. So neither `A'A` nor sums of `|A|` are needed, and A is read twice, or four times and once for a Gram matrix.

use nalgebra::DVector;

use crate::production::Problem;
use crate::production::error_bound::better::{Convex, better, modulus};
use crate::production::error_bound::bound::Certificate;
use crate::production::error_bound::hessian_facts::{
    DefiniteFacts, FRACTIONS, GradientError, definite_facts,
};
use crate::production::error_bound::kantorovich::NewtonFacts;
use crate::production::error_bound::positive_definite::Bounded;
use crate::production::error_bound::rounding::{MIDDLE, SLACK};
use crate::production::error_bound::softmax_hessian::softmax_hessian;
use crate::production::error_bound::softmax_rows::{Sizes, SoftmaxRows, softmax_rows};
use crate::production::factor::lowest::lowest_relative;
use crate::production::softmax::third_derivative_near;
use crate::production::summation::norm;
use crate::scalar::rounding::UNIT;

/// The largest eps: the bound is then at most some tenths above that by the Hessian itself.
const LARGEST_SPREAD: f64 = 0.1;

/// The bound and the rounding level of the gradient; `None` where the loss is not softmax, a weight is 0, the ridge does not dominate
/// or nothing is proven: the dearer proofs may know more. x has d entries.
pub(super) fn bound(problem: &Problem, x: &DVector<f64>) -> Option<Certificate> {
    let target = problem.loss().softmax_target()?;
    let operator = problem.operator();
    let squared_weights = problem.squared_weights();
    // Each square was rounded once.
    let least_weight = squared_weights.min() * (1.0 - 2.0 * f64::EPSILON);
    if !MIDDLE.contains(&least_weight) || !MIDDLE.contains(&squared_weights.max()) {
        return None;
    }
    let share = problem.share();
    let ridge = problem
        .ridge()
        .get(operator, share.part(squared_weights.as_slice()));
    let units = (operator.gram_additions() as f64 + 4.0) * UNIT;
    // Of terms that are all positive, and as many roundings again for the sum.
    let trace =
        ridge.diagonal().sum::<f64>() * (1.0 + 2.0 * (units + ridge.order as f64 * UNIT)) * SLACK;
    if !MIDDLE.contains(&trace) {
        return None;
    }
    let sizes = Sizes {
        weighted: trace.sqrt() * SLACK,
        least_weight,
    };
    let ridge = Bounded {
        matrix: ridge.clone(),
        // Entry (i, j) is off by at most units root(G_ii G_jj), the rounding of w^2 included.
        error: units * trace * SLACK,
    };
    let rows = softmax_rows(problem, x.as_slice(), share.part(target), sizes)?;
    let found = proven(problem, x, sizes, &ridge, &rows);
    operator.pool().give(rows.z);
    found
}

fn proven(
    problem: &Problem,
    x: &DVector<f64>,
    sizes: Sizes,
    ridge: &Bounded,
    rows: &SoftmaxRows,
) -> Option<Certificate> {
    let loss = problem.loss();
    let least_weight = sizes.least_weight;
    let spread = rows.below.max(rows.above) / least_weight * SLACK;
    let modulus = modulus(problem).filter(|modulus| *modulus > 0.0);
    let facts = if spread <= LARGEST_SPREAD {
        dominated(ridge, rows, spread, sizes, norm(x.as_slice()))?
    } else {
        at_point(problem, ridge, rows, x, modulus.is_some())?
    };
    let in_logits = facts.in_ridge * least_weight / SLACK;
    let none = DVector::zeros(0);
    let newton = NewtonFacts {
        logits: &none,
        logit_error: &none,
        in_logits,
        decrement: facts.hessian.decrement,
        step: facts.hessian.step,
        to_unknowns: 1.0 / facts.hessian.lowest.sqrt() * SLACK,
    };
    let near = newton
        .bound_by(|radius, lambda| {
            let lipschitz = loss.hessian_lipschitz();
            third_derivative_near(rows.centred, rows.residual, radius, lambda, lipschitz)
        })
        .ok()?;
    let convex = modulus.zip(facts.ridge).map(|(modulus, ridge)| Convex {
        // Everywhere Hess L >= (modulus / min w^2) G.
        bound: ridge.decrement / ridge.lowest.sqrt() * (least_weight / modulus).max(1.0) * SLACK,
        modulus,
        matrix: format!("A'W^2A >= {:.3e}", ridge.lowest),
    });
    let convex = convex.filter(|convex| convex.bound.is_finite());
    Some(Certificate {
        error: better(convex, Ok(near)).in_unknowns(1.0, x),
        noise: Some(facts.noise),
    })
}

/// What is known of the Hessian H, and the rounding level of the gradient.
struct Facts {
    hessian: DefiniteFacts,
    /// `H >= in_ridge G`.
    in_ridge: f64,
    /// Of G in the place of H, where that was needed.
    ridge: Option<DefiniteFacts>,
    noise: f64,
}

/// Of an H within `spread` G of G.
fn dominated(
    ridge: &Bounded,
    rows: &SoftmaxRows,
    spread: f64,
    sizes: Sizes,
    length_of_x: f64,
) -> Option<Facts> {
    let facts = in_the_ridge(ridge, rows)?;
    let left = 1.0 - spread;
    let moved = spread / left * facts.decrement / facts.lowest.sqrt();
    let hessian = DefiniteFacts {
        lowest: left * facts.lowest / SLACK,
        decrement: facts.decrement / left.sqrt() * SLACK,
        step: (facts.step + moved) * SLACK,
    };
    Some(Facts {
        hessian,
        in_ridge: left / SLACK,
        ridge: Some(facts),
        noise: noise(rows, sizes, length_of_x),
    })
}

/// Of an H that is made by itself.
fn at_point(
    problem: &Problem,
    ridge: &Bounded,
    rows: &SoftmaxRows,
    x: &DVector<f64>,
    with_ridge: bool,
) -> Option<Facts> {
    let target = problem.loss().softmax_target()?;
    let target = problem.share().part(target);
    let (hessian, noise) = softmax_hessian(problem, target, rows, norm(x.as_slice()))?;
    let relative = lowest_relative(&hessian.matrix, &ridge.matrix)?;
    let in_ridge = hessian.exceeds_part(&FRACTIONS, relative, Some(ridge))?;
    let error = GradientError {
        plain: rows.summed,
        dual: rows.dual / in_ridge.sqrt() * SLACK,
    };
    Some(Facts {
        hessian: definite_facts(&hessian, &rows.gradient, error)?,
        in_ridge,
        ridge: with_ridge.then(|| in_the_ridge(ridge, rows)).flatten(),
        noise,
    })
}

fn in_the_ridge(ridge: &Bounded, rows: &SoftmaxRows) -> Option<DefiniteFacts> {
    let error = GradientError {
        plain: rows.summed,
        dual: rows.dual,
    };
    definite_facts(ridge, &rows.gradient, error)
}

/// What rounding leaves uncertain of the gradient, and what one rounding of each entry of x does to it: `|z|` moves by at most
/// `u |A| |x|`, in the metric of the ridge by `u ||W A|| ||x||`, and no entry of the Hessian in the logits multiplies that by more than
/// `1 + felt / min w^2`.
fn noise(rows: &SoftmaxRows, sizes: Sizes, length: f64) -> f64 {
    let moved = UNIT * sizes.weighted * length * (1.0 + rows.felt / sizes.least_weight);
    (sizes.weighted * (rows.dual + moved) + rows.summed) * SLACK
}

#[cfg(test)]
mod tests;
