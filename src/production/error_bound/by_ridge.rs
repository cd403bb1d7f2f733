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

use std::sync::OnceLock;

use nalgebra::DVector;

use crate::production::Problem;
use crate::production::error_bound::better::{Convex, better, modulus};
use crate::production::error_bound::bound::Certificate;
use crate::production::error_bound::hessian_facts::{
    Definite, DefiniteFacts, FRACTIONS, GradientError, definite_facts,
};
use crate::production::error_bound::kantorovich::NewtonFacts;
use crate::production::error_bound::positive_definite::Bounded;
use crate::production::error_bound::rounding::{MIDDLE, SLACK};
use crate::production::error_bound::softmax_hessian::softmax_hessian;
use crate::production::error_bound::softmax_rows::{
    Sizes, SoftmaxFacts, SoftmaxRows, softmax_rows,
};
use crate::production::factor::cholesky::Cholesky;
use crate::production::factor::lowest::lowest_relative;
use crate::production::kernels::operator::Gram;
use crate::production::softmax::third_derivative_near;
use crate::production::summation::{extremes, norm};
use crate::scalar::rounding::UNIT;

/// The largest eps: the bound is then at most some tenths above that by the Hessian itself.
const LARGEST_SPREAD: f64 = 0.1;

/// The Gram matrix of a ridge without weights 0, with what is proven of it: the same for every target.
pub(crate) struct ProvenRidge {
    gram: Bounded,
    sizes: Sizes,
    /// Whether its products were rounded to single precision.
    single: bool,
    definite: OnceLock<Option<Definite>>,
}

impl ProvenRidge {
    /// That of a problem, whose Gram matrix is made if nobody has; `None` where a weight is 0 or the matrix too near the ends of the range.
    pub fn of(problem: &Problem) -> Option<Self> {
        let least_weight = least_weight(problem)?;
        let squares = problem.share().part(problem.squared_weights().as_slice());
        let kept = problem.ridge().get(problem.operator(), squares);
        Self::with(problem, least_weight, kept.gram.clone(), kept.single)
    }

    /// As [`of`](Self::of), with products in double precision, for which the matrix may have to be made once more.
    pub fn in_double(problem: &Problem) -> Option<Self> {
        let least_weight = least_weight(problem)?;
        let squares = problem.share().part(problem.squared_weights().as_slice());
        let made = problem.ridge().made().filter(|kept| kept.single.is_none());
        let gram = match made {
            Some(kept) => kept.gram.clone(),
            None => problem.operator().gram(squares),
        };
        Self::with(problem, least_weight, gram, None)
    }

    /// Of a matrix and what single precision makes of it in the spectral norm, where its products are so.
    fn with(problem: &Problem, least_weight: f64, gram: Gram, single: Option<f64>) -> Option<Self> {
        let units = (problem.operator().gram_additions() as f64 + 4.0) * UNIT;
        let order = gram.order as f64;
        // Of terms that are all positive, and as many roundings again for the sum.
        let trace = gram.diagonal().sum::<f64>() * (1.0 + 2.0 * (units + order * UNIT)) * SLACK;
        // Each of the d entries on the diagonal is off by at most the spectral norm of the error.
        let trace = trace + order * single.unwrap_or(0.0) * SLACK;
        MIDDLE.contains(&trace).then(|| Self {
            gram: Bounded {
                matrix: gram,
                // Entry (i, j) is off by at most units root(G_ii G_jj), the rounding of w^2 included.
                error: units * trace * SLACK + single.unwrap_or(0.0),
            },
            sizes: Sizes {
                weighted: trace.sqrt() * SLACK,
                least_weight,
            },
            single: single.is_some(),
            definite: OnceLock::new(),
        })
    }

    /// The bound at x (d entries) whose rows these are.
    fn bound_of_rows(
        &self,
        problem: &Problem,
        x: &DVector<f64>,
        rows: &SoftmaxRows,
    ) -> Option<Certificate> {
        let facts = match self.spread(&rows.facts) {
            Some(spread) => self.dominated(&rows.facts, spread, norm(x.as_slice())),
            None => self.at_point(problem, rows, x),
        };
        self.proven(problem, x, &rows.facts, &facts?)
    }

    /// Bounds of sizes of A in its metric.
    pub fn sizes(&self) -> Sizes {
        self.sizes
    }

    /// Its factor; `None` where it is not proven to be positive definite.
    pub fn factor(&self) -> Option<&Cholesky> {
        self.definite().map(Definite::factor)
    }

    /// `G x`, d entries.
    pub fn multiply(&self, x: &[f64]) -> Vec<f64> {
        self.gram.matrix.multiply(x)
    }

    fn definite(&self) -> Option<&Definite> {
        let definite = self.definite.get_or_init(|| Definite::of(&self.gram));
        definite.as_ref()
    }

    /// Of G and a gradient.
    fn facts(&self, rows: &SoftmaxFacts) -> Option<DefiniteFacts> {
        let error = GradientError {
            plain: rows.summed,
            dual: rows.dual,
        };
        self.definite()?.facts(&self.gram, &rows.gradient, error)
    }

    /// The eps of a point, where it is small enough for G to serve in the place of the Hessian; the Hessian is positive definite there.
    pub fn spread(&self, rows: &SoftmaxFacts) -> Option<f64> {
        let spread = rows.below.max(rows.above) / self.sizes.least_weight * SLACK;
        (spread <= LARGEST_SPREAD).then_some(spread)
    }

    /// The bound at x (d entries) for a target whose facts these are, where G serves in the place of the Hessian.
    pub fn bound(
        &self,
        problem: &Problem,
        x: &DVector<f64>,
        rows: &SoftmaxFacts,
    ) -> Option<Certificate> {
        let facts = self.dominated(rows, self.spread(rows)?, norm(x.as_slice()))?;
        self.proven(problem, x, rows, &facts)
    }

    fn proven(
        &self,
        problem: &Problem,
        x: &DVector<f64>,
        rows: &SoftmaxFacts,
        facts: &Facts,
    ) -> Option<Certificate> {
        let loss = problem.loss();
        let least_weight = self.sizes.least_weight;
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
        let modulus = positive_modulus(problem);
        let convex = modulus
            .zip(facts.ridge.as_ref())
            .map(|(modulus, ridge)| Convex {
                // Everywhere Hess L >= (modulus / min w^2) G.
                bound: ridge.decrement / ridge.lowest.sqrt()
                    * (least_weight / modulus).max(1.0)
                    * SLACK,
                modulus,
                matrix: format!("A'W^2A >= {:.3e}", ridge.lowest),
            });
        let convex = convex.filter(|convex| convex.bound.is_finite());
        Some(Certificate {
            error: better(convex, Ok(near)).in_unknowns(1.0, x),
            noise: Some(facts.noise),
        })
    }

    /// Of an H within `spread` G of G.
    fn dominated(&self, rows: &SoftmaxFacts, spread: f64, length_of_x: f64) -> Option<Facts> {
        let facts = self.facts(rows)?;
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
            noise: noise(rows, self.sizes, length_of_x),
        })
    }

    /// Of an H that is made by itself.
    fn at_point(&self, problem: &Problem, rows: &SoftmaxRows, x: &DVector<f64>) -> Option<Facts> {
        let target = problem.loss().softmax_target()?;
        let target = problem.share().part(target);
        let (hessian, noise) = softmax_hessian(problem, target, rows, norm(x.as_slice()))?;
        let relative = lowest_relative(&hessian.matrix, &self.gram.matrix)?;
        let in_ridge = hessian.exceeds_part(&FRACTIONS, relative, Some(&self.gram))?;
        let error = GradientError {
            plain: rows.facts.summed,
            dual: rows.facts.dual / in_ridge.sqrt() * SLACK,
        };
        Some(Facts {
            hessian: definite_facts(&hessian, &rows.facts.gradient, error)?,
            in_ridge,
            ridge: positive_modulus(problem).and_then(|_| self.facts(&rows.facts)),
            noise,
        })
    }
}

/// The least of `w^2`, rounded down; `None` where it or the largest is too near the ends of the range.
fn least_weight(problem: &Problem) -> Option<f64> {
    let [least, largest] = extremes(problem.squared_weights().as_slice());
    // Each square was rounded once.
    let least_weight = least * (1.0 - 2.0 * f64::EPSILON);
    (MIDDLE.contains(&least_weight) && MIDDLE.contains(&largest)).then_some(least_weight)
}

/// Where L is known to be strongly convex.
fn positive_modulus(problem: &Problem) -> Option<f64> {
    modulus(problem).filter(|modulus| *modulus > 0.0)
}

/// The bound and the rounding level of the gradient; `None` where the loss is not softmax, a weight is 0, the ridge does not dominate
/// or nothing is proven: the dearer proofs may know more. x has d entries.
pub(super) fn bound(problem: &Problem, x: &DVector<f64>) -> Option<Certificate> {
    let target = problem.loss().softmax_target()?;
    let ridge = ProvenRidge::of(problem)?;
    let target = problem.share().part(target);
    let rows = softmax_rows(problem, x.as_slice(), target, ridge.sizes)?;
    let mut found = ridge.bound_of_rows(problem, x, &rows);
    if found.is_none() && ridge.single {
        found = ProvenRidge::in_double(problem)
            .and_then(|ridge| ridge.bound_of_rows(problem, x, &rows));
    }
    problem.operator().pool().give(rows.z);
    found
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

/// What rounding leaves uncertain of the gradient, and what one rounding of each entry of x does to it: `|z|` moves by at most
/// `u |A| |x|`, in the metric of the ridge by `u ||W A|| ||x||`, and no entry of the Hessian in the logits multiplies that by more than
/// `1 + felt / min w^2`.
fn noise(rows: &SoftmaxFacts, sizes: Sizes, length: f64) -> f64 {
    let moved = UNIT * sizes.weighted * length * (1.0 + rows.felt / sizes.least_weight);
    (sizes.weighted * (rows.dual + moved) + rows.summed) * SLACK
}

#[cfg(test)]
mod tests;
