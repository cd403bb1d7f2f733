//! What a run through Gram matrices asks of a loss: values and derivatives in x, by passes over A.

use crate::production::kernels::operator::Gram;
use crate::production::{EvaluationError, Settings};

/// A symmetric term `factor (u v' + v u') / 2` of a d x d matrix.
pub(crate) struct LowRankTerm {
    pub factor: f64,
    pub u: Vec<f64>,
    pub v: Vec<f64>,
}

/// Everything known at one x but the logits.
pub(crate) struct State {
    pub x: Vec<f64>,
    /// `L(x)`.
    pub loss: f64,
    /// `grad L(x)`.
    pub gradient: Vec<f64>,
    /// `||grad L(x)||`.
    pub gradient_norm: f64,
    pub detail: Detail,
}

/// What a loss keeps from an evaluation, to give its Hessian later.
pub(crate) enum Detail {
    /// Softmax, with p the probabilities.
    Softmax {
        /// `ln sum exp(z)`.
        log_sum: f64,
        /// `<p - b, p>`.
        agreement: f64,
        /// `<p, p>`.
        squares: f64,
        /// `A' p`.
        mean: Vec<f64>,
        /// `A' (p o p)`.
        square_mean: Vec<f64>,
        /// `A' (p o (p + c - s))`.
        delta_mean: Vec<f64>,
    },
    /// Any loss, by its Hessian in the logits.
    General {
        curvature: crate::production::DiagonalPlusLowRank,
        /// `A' U`, one vector for each column of U.
        projected: Vec<Vec<f64>>,
    },
}

/// A model of a Hessian before A is applied: `A' diag(diagonal + w^2) A` plus terms of low rank.
pub(crate) struct Curvature {
    pub terms: Vec<LowRankTerm>,
}

/// What a start from a sample has given.
pub(crate) struct SampledStart {
    /// The state over all rows; its logits are in the array that was handed in.
    pub state: State,
    /// Rows that have been drawn.
    pub rows: usize,
}

/// Finds a start for a problem whose Hessian at a state is indefinite on a sample of the rows; the array (n entries) gets its
/// logits.
pub(crate) type Sampler<'a> = dyn Fn(&State, &mut [f64], &Settings) -> Option<SampledStart> + 'a;

/// A loss over a design matrix, as such a run sees it. n is the number of rows.
pub(crate) trait Objective: Sync {
    /// Evaluates at x by one sweep or two, and leaves the logits in `z`. `guess` is the state x was reached from.
    fn evaluate(
        &self,
        x: Vec<f64>,
        z: &mut [f64],
        guess: Option<&State>,
    ) -> Result<State, EvaluationError>;

    /// Evaluates at x whose logits are in `z` already: a backward sweep only.
    fn evaluate_logits(&self, x: Vec<f64>, z: &mut [f64]) -> Result<State, EvaluationError>;

    /// Writes the diagonal of `Hess l` (without `w^2`) and returns its low-rank part.
    fn curvature(&self, state: &State, z: &[f64], diagonal: &mut [f64]) -> Curvature;

    /// A positive semidefinite stand-in for `Hess l` where that is indefinite; writes its diagonal, returns the rest.
    fn safe_curvature(&self, state: &State, z: &[f64], diagonal: &mut [f64]) -> Curvature;

    /// `(phi, phi')` of `phi(t) = L` along `z + t dz`; `None` where it is not finite or beyond a pole. Costs no pass over A.
    fn along(&self, state: &State, line: &LineContext<'_>, t: f64) -> Option<(f64, f64)>;

    /// A better first step than Newton's where the first Hessian is indefinite, if the loss knows one: the diagonal (all
    /// of it) and low-rank part of a positive semidefinite model, and its right-hand side. By default none.
    fn first_model(
        &self,
        _state: &State,
        _z: &[f64],
        _diagonal: &mut [f64],
    ) -> Option<(Curvature, Vec<f64>)> {
        None
    }

    /// Whether the loss has a pole between two points in the logits.
    fn crosses_pole(&self, from: &[f64], to: &[f64]) -> bool;
}

/// A direction in the logits, with the parts of the ridge along it.
pub(crate) struct LineContext<'a> {
    pub z: &'a [f64],
    pub dz: &'a [f64],
    /// `0.5 ||w o z||^2`, `<w^2 o z, dz>`, `||w o dz||^2`.
    pub ridge: [f64; 3],
}

impl LineContext<'_> {
    /// Value and slope of `L` at t, from those of `l`; `None` where they are not finite.
    pub fn with_ridge(&self, value: f64, slope: f64, t: f64) -> Option<(f64, f64)> {
        let [at_start, linear, quadratic] = self.ridge;
        let value = value + at_start + t * linear + 0.5 * t * t * quadratic;
        let slope = slope + linear + t * quadratic;
        (value.is_finite() && slope.is_finite()).then_some((value, slope))
    }
}

impl Curvature {
    /// Adds the low-rank terms to a matrix.
    pub fn add_to(&self, matrix: &mut Gram) {
        for term in &self.terms {
            matrix.add_symmetric(term.factor, &term.u, &term.v);
        }
    }
}
