//! Problems whose unknowns are not determined by A alone: without full column rank, or with numbers near the ends of f64.

use nalgebra::{DMatrix, DVector};

use crate::production::endings::{Yardstick, beyond_range};
use crate::production::logit_coordinates::{Visible, visible};
use crate::production::newton::in_qr::point::{Point, finite_noise};
use crate::production::newton::in_qr::run::Run;
use crate::production::{
    EvaluationError, Observer, Outcome, Problem, Settings, Solution, SolveError,
};

/// Solves in the visible directions and hands back the answer of least norm.
pub(super) fn solve_visible(
    problem: &Problem,
    start: Point,
    settings: &Settings,
    yardstick: Option<Yardstick>,
    (basis, reason): (&DMatrix<f64>, &str),
    observer: &mut Observer<'_>,
) -> Result<Solution, SolveError> {
    let warning = format!("the minimiser is not unique: {reason}; x is the one of least norm");
    let no_bound = format!("no bound: the minimiser is not unique ({reason})");
    if basis.ncols() == 0 {
        let origin = Point::at(problem, DVector::zeros(problem.columns()))?;
        return Ok(Solution {
            outcome: Outcome::Singular,
            loss: origin.loss,
            gradient_norm: origin.gradient_norm,
            start_gradient_norm: start.gradient_norm,
            gradient_noise: finite_noise(problem, &origin.x),
            iterations: 0,
            error_bound: None,
            error_bound_basis: no_bound,
            labels_read: None,
            warnings: vec![warning],
            trace: Vec::new(),
            x: origin.x,
        });
    }
    let given_up = |error: EvaluationError| {
        let warnings = vec![warning.clone(), beyond_range(&error)];
        out_of_range(problem, &start, no_bound.clone(), warnings)
    };
    let reduced = problem.with_matrix(problem.matrix().to_dense() * basis);
    let reduced_start = match Point::at(&reduced, basis.tr_mul(&start.x)) {
        Ok(point) => point,
        Err(error) => return Ok(given_up(error)),
    };
    let mut solution = match visible(&reduced)? {
        Visible::All(coordinates) => Run::new(
            &reduced,
            &coordinates,
            settings,
            reduced_start,
            yardstick,
            observer,
        )
        .finish(),
        // The rank decision was a close call: say so instead of going round in circles.
        Visible::Part { .. } => Solution {
            outcome: Outcome::Singular,
            x: reduced_start.x,
            loss: reduced_start.loss,
            gradient_norm: reduced_start.gradient_norm,
            start_gradient_norm: reduced_start.gradient_norm,
            gradient_noise: None,
            iterations: 0,
            error_bound: None,
            error_bound_basis: String::new(),
            labels_read: None,
            warnings: vec![
                "the rank of the matrix is too close a call; no step was made".to_string(),
            ],
            trace: Vec::new(),
        },
    };
    let end = match Point::at(problem, basis * &solution.x) {
        Ok(point) => point,
        Err(error) => {
            return Ok(Solution {
                iterations: solution.iterations,
                trace: solution.trace,
                ..given_up(error)
            });
        }
    };
    solution.gradient_noise = finite_noise(problem, &end.x);
    solution.start_gradient_norm = start.gradient_norm;
    solution.loss = end.loss;
    solution.gradient_norm = end.gradient_norm;
    solution.x = end.x;
    solution.error_bound = None;
    solution.error_bound_basis = no_bound;
    solution.warnings.insert(0, warning);
    if solution.outcome.is_success() {
        solution.outcome = Outcome::Singular;
    }
    Ok(solution)
}

/// The start itself, from where numbers left the range of f64.
fn out_of_range(
    problem: &Problem,
    start: &Point,
    error_bound_basis: String,
    warnings: Vec<String>,
) -> Solution {
    Solution {
        outcome: Outcome::OutOfRange,
        loss: start.loss,
        gradient_norm: start.gradient_norm,
        start_gradient_norm: start.gradient_norm,
        gradient_noise: finite_noise(problem, &start.x),
        iterations: 0,
        error_bound: None,
        error_bound_basis,
        labels_read: None,
        warnings,
        trace: Vec::new(),
        x: start.x.clone(),
    }
}

/// What is said of a start that Gram matrices refuse for `error`: its own error, or, where loss and gradient are finite there,
/// that the matrix is beyond them (squares of its entries overflow).
pub(crate) fn refused_by_gram(
    problem: &Problem,
    start: DVector<f64>,
    error: &EvaluationError,
) -> Result<Solution, SolveError> {
    let start = Point::at(problem, start)?;
    let basis = "no bound: the Gram matrix overflows".to_string();
    Ok(out_of_range(
        problem,
        &start,
        basis,
        vec![beyond_range(error)],
    ))
}
