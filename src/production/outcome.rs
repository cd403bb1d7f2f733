//! How a solve ended, and what it hands back.

use std::ops::ControlFlow;

use nalgebra::DVector;

/// How a solve ended. Never a bare success flag: each ending asks for another reaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// `||g|| <= tolerance ||g(start)||` (see [`Settings::tolerance`](crate::production::Settings::tolerance)) at a point where the Hessian is positive definite beyond its rounding.
    Converged,
    /// The gradient is below its own rounding level, the tolerance asks for more, and the Hessian is positive definite.
    ConvergedToRounding,
    /// The loss is proven to be within the accuracy that the problem names of the least one; x is no minimiser.
    WithinAccuracy,
    /// The labels that the budget allows were read: x is the fit to them, no minimiser of the whole loss.
    BudgetSpent,
    /// `max_iterations` steps were made.
    IterationLimit,
    /// A stationary point with a direction of negative curvature that could not be left.
    NotConvex,
    /// The answer is not unique: A has not full column rank, or the Hessian at the stationary point is singular to
    /// rounding. Where A is the reason, x is the answer of least norm.
    Singular,
    /// x lies next to a kink of the loss, where derivatives jump, and no step beyond it that was tried lowers the loss: a minimiser,
    /// if the gradients of both sides point away from it.
    AtKink,
    /// Rounds of local steps have come to rest where the gradient is not 0: at their own limit, which is no minimiser.
    AtRest,
    /// The logits grow without limit: there is probably no minimiser.
    Diverged,
    /// No step length gave an acceptable point, and the gradient is above its rounding level.
    LineSearchStalled,
    /// Subsampling was asked for and refused: an entry of the diagonal of `Hess l + diag(w^2)` is not positive.
    DiagonalNotPositive,
    /// Subsampling was asked for and the leverage scores could not be computed.
    SamplingFailed,
    /// The observer stopped the run; x is the best point so far.
    Interrupted,
    /// What had to be evaluated next is beyond the range of f64; x is the best point so far, and a warning says what.
    OutOfRange,
}

impl Outcome {
    /// All outcomes, in the order of their declaration.
    pub const ALL: [Self; 15] = [
        Self::Converged,
        Self::ConvergedToRounding,
        Self::WithinAccuracy,
        Self::BudgetSpent,
        Self::IterationLimit,
        Self::NotConvex,
        Self::Singular,
        Self::AtKink,
        Self::AtRest,
        Self::Diverged,
        Self::LineSearchStalled,
        Self::DiagonalNotPositive,
        Self::SamplingFailed,
        Self::Interrupted,
        Self::OutOfRange,
    ];

    /// The name in reports: lower case with hyphens.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Converged => "converged",
            Self::ConvergedToRounding => "converged-to-rounding",
            Self::WithinAccuracy => "within-accuracy",
            Self::BudgetSpent => "budget-spent",
            Self::IterationLimit => "iteration-limit",
            Self::NotConvex => "not-convex",
            Self::Singular => "singular",
            Self::AtKink => "at-kink",
            Self::AtRest => "at-rest",
            Self::Diverged => "diverged",
            Self::LineSearchStalled => "line-search-stalled",
            Self::DiagonalNotPositive => "diagonal-not-positive",
            Self::SamplingFailed => "sampling-failed",
            Self::Interrupted => "interrupted",
            Self::OutOfRange => "out-of-range",
        }
    }

    /// What it means, one sentence without its full stop.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Converged => {
                "the gradient is below the tolerance and the Hessian positive definite"
            }
            Self::ConvergedToRounding => {
                "the gradient is below its own rounding and the Hessian positive definite; the tolerance asks for more"
            }
            Self::WithinAccuracy => {
                "the loss is proven to be within the accuracy asked for of the least; x is no minimiser"
            }
            Self::BudgetSpent => {
                "the labels that the budget allows were read; x is the fit to them, no minimiser of the whole loss"
            }
            Self::IterationLimit => "as many steps as are allowed were made",
            Self::NotConvex => {
                "a stationary point with a direction of negative curvature that could not be left"
            }
            Self::Singular => "the answer is not unique",
            Self::AtKink => "x lies at a kink of the loss, and no step beyond it lowers the loss",
            Self::AtRest => {
                "rounds of local steps have come to rest at their own limit, which is no minimiser"
            }
            Self::Diverged => "the unknowns grow without limit: there is probably no minimiser",
            Self::LineSearchStalled => {
                "no step length gave an acceptable point, and the gradient is above its rounding"
            }
            Self::DiagonalNotPositive => {
                "subsampling was refused: an entry of the diagonal part of the Hessian is not positive"
            }
            Self::SamplingFailed => {
                "subsampling was refused: the leverage scores could not be computed"
            }
            Self::Interrupted => "stopped before its end; x is the best point so far",
            Self::OutOfRange => {
                "what had to be evaluated next is beyond the range of f64; x is the best point so far"
            }
        }
    }

    /// Whether x is a strict local minimiser, or its loss near the least one, to the accuracy asked for or possible; or the fit that was
    /// asked for to a part of the labels.
    pub fn is_success(self) -> bool {
        matches!(
            self,
            Self::Converged | Self::ConvergedToRounding | Self::WithinAccuracy | Self::BudgetSpent
        )
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.as_str())
    }
}

/// One iteration: the point before the step, and the step that was accepted.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceEntry {
    /// 0 for the start.
    pub iteration: usize,
    /// `L(x)` before the step.
    pub loss: f64,
    /// `||grad L(x)||` before the step; of a system that asks for a zero the norm of its equations, which are the gradient of its
    /// Lagrange functions.
    pub gradient_norm: f64,
    /// `|| A (step) ||`: the length of the accepted step in the logits; where a second step by the same model corrects the first,
    /// the sum of both.
    pub step_norm: f64,
    /// Positive multiple of the proposed step that was taken: 1 for a full step, 16 at most. Where a saddle is left
    /// through Gram matrices, the largest change of a logit.
    pub step_length: f64,
    /// `exact`, `reused-gram` or `subsampled`: how the Hessian model was made. Saddles are left, and answers polished, by the
    /// exact Hessian also where samples were asked for. Down an exponential slope also `chord`, for
    /// parabolas through the stationary point of each row, and `ray`, for a step towards the origin.
    pub method: &'static str,
    /// Rows of A whose own curvature entered the diagonal part of the model.
    pub distinct_rows: usize,
    /// Multiple of a Gram matrix (`A'A`, or `A' W^2 A` by the reused Gram matrix) that was added to the model; 0 for a pure
    /// Newton step.
    pub shift: f64,
    /// How often A has been read so far, this iteration included: a product with a vector or a sweep that makes several at
    /// once counts 1, a Gram matrix of some rows their fraction of all rows; so does Q of orthonormal coordinates, which is as
    /// large. Bounds on the rounding are not counted.
    pub passes: f64,
}

/// The answer of [`solve`](crate::production::solve): always finite numbers, whatever the outcome.
#[derive(Clone, Debug, PartialEq)]
pub struct Solution {
    /// How it ended.
    pub outcome: Outcome,
    /// The best point found, d entries.
    pub x: DVector<f64>,
    /// `L(x)`.
    pub loss: f64,
    /// `||grad L(x)||`; of a system that asks for a zero the norm of its equations, `sqrt(2 L(x))`.
    pub gradient_norm: f64,
    /// `||grad L(start)||`, which the tolerance is relative to, unless the start lies far up an exponential slope, or the run left a
    /// kink: a warning then names the gradient that takes its place.
    pub start_gradient_norm: f64,
    /// The rounding level of `gradient_norm`, where it was computed: with the error bound, and where the tolerance was not
    /// reached.
    pub gradient_noise: Option<f64>,
    /// Accepted steps, polishing included.
    pub iterations: usize,
    /// A proven bound on `||x - x*||` for a minimiser `x*`, where one can be given.
    pub error_bound: Option<f64>,
    /// What the bound rests on and which minimiser it means, or why there is none.
    pub error_bound_basis: String,
    /// Labels that were read, each once, of a system that counts them; `None` of any other.
    pub labels_read: Option<usize>,
    /// What the user should know, one sentence each.
    pub warnings: Vec<String>,
    /// One entry per iteration.
    pub trace: Vec<TraceEntry>,
}

/// Sees every iteration as it is made; `Break` stops the run, which then returns its best point.
pub type Observer<'a> = dyn FnMut(&TraceEntry) -> ControlFlow<()> + 'a;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_outcomes_are_distinct_and_only_four_are_successes() {
        for (i, outcome) in Outcome::ALL.iter().enumerate() {
            for other in &Outcome::ALL[..i] {
                assert_ne!(outcome.as_str(), other.as_str());
            }
        }
        let successes: Vec<_> = Outcome::ALL.iter().filter(|o| o.is_success()).collect();
        assert_eq!(
            successes,
            [
                &Outcome::Converged,
                &Outcome::ConvergedToRounding,
                &Outcome::WithinAccuracy,
                &Outcome::BudgetSpent
            ]
        );
    }
}
