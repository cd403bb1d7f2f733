//! The front door of the solver: checks, and the choice between its two engines.

use std::ops::ControlFlow;

use nalgebra::DVector;

use crate::production::engine::{self, Orders};
use crate::production::logit_loss::check_vector;
use crate::production::newton::{finite_noise, refused_by_gram, solve_orthonormal};
use crate::production::{
    EvaluationError, Method, Outcome, Problem, Settings, Solution, SolveError, TraceEntry, certify,
};

/// Dense matrices with at most this many entries are solved in orthonormal coordinates: that costs milliseconds there, and
/// is the most accurate.
const SMALL_ENTRIES: usize = 20_000;
/// A problem that Gram matrices cannot solve is handed to orthonormal coordinates up to this size: n d, all entries stored.
const ORTHONORMAL_ENTRIES: usize = 20_000_000;

/// Columns of a Gram matrix at most: it takes `8 d^2` bytes, here 8 GiB.
const LARGEST_GRAM: usize = 1 << 15;

/// Sees every iteration as it is made; `Break` stops the run, which then returns its best point.
pub type Observer<'a> = dyn FnMut(&TraceEntry) -> ControlFlow<()> + 'a;

/// Minimises `L` from `start` (d finite entries).
///
/// Errors are bad input only: a setting outside its range, a start that does not fit, is not finite or where the loss
/// overflows. Everything else is an [`Outcome`], and the solution's numbers are finite. The same problem, start and
/// settings give the same bits, whatever the number of threads.
///
/// Where A has not full column rank, or a direction of x does not change the loss, the answer of least norm is returned
/// with [`Outcome::Singular`]. A stationary point is called converged only where the Hessian is positive definite beyond
/// its rounding error; saddles and maxima are left along negative curvature.
pub fn solve(
    problem: &Problem,
    start: &DVector<f64>,
    settings: &Settings,
) -> Result<Solution, SolveError> {
    solve_observed(problem, start, settings, &mut |_| ControlFlow::Continue(()))
}

/// [`solve`] with an observer of its iterations.
pub fn solve_observed(
    problem: &Problem,
    start: &DVector<f64>,
    settings: &Settings,
    observer: &mut Observer<'_>,
) -> Result<Solution, SolveError> {
    settings.validate()?;
    check_vector("point", start, problem.columns())?;
    let (start, moved) = off_the_symmetry(problem, start)?;
    let mut solution = match engine_method(problem, settings.method) {
        Some(_) if problem.columns() > LARGEST_GRAM => {
            return Err(SolveError::TooManyColumns {
                columns: problem.columns(),
                limit: LARGEST_GRAM,
            });
        }
        Some(method) => by_gram(problem, start, settings, method, observer)?,
        None => solve_orthonormal(problem, start, settings, None, observer)?,
    };
    solution.warnings.splice(0..0, moved);
    if !problem.loss().is_smooth() {
        let remarks = problem.loss().remarks(&problem.logits(&solution.x)?);
        solution.warnings.extend(remarks);
    }
    Ok(solution)
}

/// The Hessian model of the engine of Gram matrices, or `None` for orthonormal coordinates.
fn engine_method(problem: &Problem, method: Method) -> Option<Method> {
    let (n, d) = (problem.rows(), problem.columns());
    let entries = n.saturating_mul(d);
    // A wide matrix has a singular Gram matrix: there is no point in making it.
    let small = entries <= SMALL_ENTRIES || (n < d && entries <= ORTHONORMAL_ENTRIES);
    match method {
        Method::ReusedGram => Some(Method::ReusedGram),
        Method::Auto if !small => Some(Method::ReusedGram),
        Method::Exact | Method::Subsampled if !small => Some(method),
        Method::Auto | Method::Exact | Method::Subsampled => None,
    }
}

/// Solves through Gram matrices; `auto` and `exact` go on in orthonormal coordinates where that ends without an answer.
fn by_gram(
    problem: &Problem,
    start: DVector<f64>,
    settings: &Settings,
    method: Method,
    observer: &mut Observer<'_>,
) -> Result<Solution, SolveError> {
    let orders = Orders {
        settings,
        method,
        coarse: None,
        observer: &mut *observer,
    };
    let affordable = problem.rows().saturating_mul(problem.columns()) <= ORTHONORMAL_ENTRIES;
    let replaceable = !matches!(settings.method, Method::ReusedGram | Method::Subsampled);
    let end = match engine::run(problem, start.as_slice().to_vec(), orders) {
        Ok(end) => end,
        // Squares of entries overflow before the entries do.
        Err(_) if affordable && replaceable => {
            return solve_orthonormal(problem, start, settings, None, observer);
        }
        Err(error) => return refused_by_gram(problem, start, &error),
    };
    let x = DVector::from_vec(end.x);
    let mut outcome = end.outcome;
    let mut gradient_noise = None;
    if outcome == Outcome::LineSearchStalled || (settings.certify && outcome.is_success()) {
        gradient_noise = finite_noise(problem, &x);
    }
    if outcome == Outcome::LineSearchStalled
        && gradient_noise.is_some_and(|noise| end.gradient_norm <= noise)
    {
        outcome = Outcome::ConvergedToRounding;
    }
    let helpless = matches!(outcome, Outcome::LineSearchStalled | Outcome::Singular);
    if helpless && affordable && replaceable && end.trace.len() < settings.max_iterations {
        let resumed = resume_orthonormal(
            problem,
            x.clone(),
            settings,
            end.start_gradient_norm,
            end.trace.clone(),
            observer,
        );
        // Where that cannot even begin, what has been reached stands.
        if !matches!(resumed, Err(SolveError::Start(_))) {
            return resumed;
        }
    }
    let certificate = if settings.certify && outcome.is_success() {
        certify(problem, &x)
    } else {
        crate::production::Certificate {
            bound: None,
            basis: if settings.certify {
                format!("no bound: the run ended as {outcome}")
            } else {
                "no bound: none was asked for".to_string()
            },
        }
    };
    Ok(Solution {
        outcome,
        loss: end.loss,
        gradient_norm: end.gradient_norm,
        start_gradient_norm: end.start_gradient_norm,
        gradient_noise,
        iterations: end.trace.len(),
        error_bound: certificate.bound,
        error_bound_basis: certificate.basis,
        warnings: end.warnings,
        trace: end.trace,
        x,
    })
}

/// Goes on from where the other engine ended, with the tolerance still relative to the first gradient.
fn resume_orthonormal(
    problem: &Problem,
    x: DVector<f64>,
    settings: &Settings,
    start_gradient_norm: f64,
    mut trace: Vec<TraceEntry>,
    observer: &mut Observer<'_>,
) -> Result<Solution, SolveError> {
    let inner = Settings {
        max_iterations: settings.max_iterations - trace.len(),
        method: Method::Exact,
        ..settings.clone()
    };
    let (done, passes) = (trace.len(), trace.last().map_or(0.0, |entry| entry.passes));
    let mut renumbered = |entry: &TraceEntry| {
        observer(&TraceEntry {
            iteration: entry.iteration + done,
            passes: entry.passes + passes,
            ..entry.clone()
        })
    };
    let yardstick = Some(start_gradient_norm);
    let mut solution = solve_orthonormal(problem, x, &inner, yardstick, &mut renumbered)?;
    trace.extend(solution.trace.into_iter().map(|entry| TraceEntry {
        iteration: entry.iteration + done,
        passes: entry.passes + passes,
        ..entry
    }));
    solution.iterations = trace.len();
    solution.trace = trace;
    solution.start_gradient_norm = start_gradient_norm;
    Ok(solution)
}

/// Another start where all logits are 0 and the loss is even: there the gradient is 0 whatever the data, which says nothing.
///
/// The new one is always the same: `x_j` falls like `1 / (j + 1)`, scaled so that the largest logit is 1.
fn off_the_symmetry(
    problem: &Problem,
    start: &DVector<f64>,
) -> Result<(DVector<f64>, Option<String>), EvaluationError> {
    if !problem.loss().is_even() || problem.logits(start)?.amax() != 0.0 {
        return Ok((start.clone(), None));
    }
    let direction = DVector::from_fn(start.len(), |j, _| 1.0 / (j as f64 + 1.0));
    let Ok(logits) = problem.logits(&direction) else {
        return Ok((start.clone(), None));
    };
    let moved = start + direction / logits.amax();
    // Not where entries of A are so small or so large that nothing can be evaluated there.
    if check_vector("point", &moved, problem.columns()).is_err()
        || problem.gradient(&moved).is_err()
    {
        return Ok((start.clone(), None));
    }
    let warning = "all logits are 0 at the start, where the gradient of an even loss is 0 whatever the data: started elsewhere, \
                   with a largest logit of 1; -x is as good as x"
        .to_string();
    Ok((moved, Some(warning)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instance::{DesignMatrix, LossKind};
    use nalgebra::DMatrix;

    fn problem(loss: LossKind, matrix: DMatrix<f64>) -> Problem {
        let n = matrix.nrows();
        let matrix = DesignMatrix::dense(matrix).unwrap();
        let target = DVector::repeat(n, 0.5);
        Problem::new(loss, matrix, target, DVector::repeat(n, 1.0)).unwrap()
    }

    #[test]
    fn small_and_wide_problems_go_to_orthonormal_coordinates_unless_a_gram_matrix_is_asked_for() {
        let choices = |n: usize, d: usize| {
            let problem = problem(LossKind::Softmax, DMatrix::from_element(n, d, 1.0));
            [
                Method::Auto,
                Method::Exact,
                Method::Subsampled,
                Method::ReusedGram,
            ]
            .map(|method| engine_method(&problem, method))
        };
        let gram = Some(Method::ReusedGram);
        let small = [None, None, None, gram];
        let large = [gram, Some(Method::Exact), Some(Method::Subsampled), gram];
        assert_eq!(choices(20_000, 1), small);
        assert_eq!(choices(20_001, 1), large);
        assert_eq!(choices(149, 150), small);
        assert_eq!(choices(150, 150), large);
    }

    /// A = (2, 4)': the logits along (1) are (2, 4), so 1/4 makes the largest 1.
    #[test]
    fn an_even_loss_is_not_started_at_the_origin() {
        let matrix = DMatrix::from_column_slice(2, 1, &[2.0, 4.0]);
        let origin = DVector::zeros(1);
        let even = problem(LossKind::Cosh, matrix.clone());
        let (moved, warning) = off_the_symmetry(&even, &origin).unwrap();
        assert_eq!(moved, DVector::from_element(1, 0.25));
        let warning = warning.unwrap();
        assert!(warning.contains("started elsewhere"), "{warning}");
        let elsewhere = DVector::from_element(1, 0.5);
        assert_eq!(off_the_symmetry(&even, &elsewhere), Ok((elsewhere, None)));
        let uneven = problem(LossKind::Exp, matrix);
        assert_eq!(off_the_symmetry(&uneven, &origin), Ok((origin, None)));
        // Two columns: 1 and 1/2, over a largest logit of 2 + 3/2.
        let two = problem(LossKind::Cosh, DMatrix::from_row_slice(1, 2, &[2.0, 3.0]));
        let (moved, _) = off_the_symmetry(&two, &DVector::zeros(2)).unwrap();
        let expected = DVector::from_column_slice(&[1.0 / 3.5, 0.5 / 3.5]);
        assert!((moved - expected).amax() < 1e-16);
    }
}
