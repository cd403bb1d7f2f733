//! What the solver's documentation promises of an answer.

use attention_regression::production::{EvaluationError, Method, Outcome, Problem, Solution};

use super::build::Case;
use super::naive;

/// Names in a trace that are not methods: steps down an exponential slope, and a start.
const STEPS: [&str; 3] = ["chord", "ray", "sampled-start"];

/// Checks the answer against its promises, and against the definition.
pub fn check(case: &Case, problem: &Problem, solution: &Solution) {
    let settings = &case.settings;
    let Solution {
        x, loss, outcome, ..
    } = solution;
    assert_eq!(x.len(), problem.columns());
    assert!(x.iter().all(|entry| entry.is_finite()), "x is {x}");
    assert!(loss.is_finite() && *loss >= 0.0, "loss is {loss}");
    let not_negative = [
        Some(solution.gradient_norm),
        Some(solution.start_gradient_norm),
        solution.gradient_noise,
        solution.error_bound,
    ];
    for value in not_negative.into_iter().flatten() {
        assert!(value.is_finite() && value >= 0.0, "{solution:?}");
    }
    assert!(!solution.error_bound_basis.is_empty() && !solution.error_bound_basis.contains('\n'));
    for warning in &solution.warnings {
        assert!(
            !warning.is_empty() && !warning.contains('\n'),
            "{warning:?}"
        );
    }
    match outcome {
        Outcome::Converged => assert!(
            solution.gradient_norm <= settings.tolerance * solution.start_gradient_norm,
            "called converged: {solution:?}"
        ),
        Outcome::ConvergedToRounding => {
            let noise = solution.gradient_noise.expect("the noise that it is below");
            assert!(solution.gradient_norm <= noise, "{solution:?}");
        }
        _ => {}
    }
    if !settings.certify {
        assert_eq!(solution.error_bound, None);
    }
    check_trace(case, solution);
    check_definition(case, solution);
}

fn check_trace(case: &Case, solution: &Solution) {
    let settings = &case.settings;
    let trace = &solution.trace;
    assert_eq!(solution.iterations, trace.len());
    assert!(trace.len() <= settings.max_iterations + settings.polish_steps.unwrap_or(2));
    let mut passes = 0.0;
    for (k, entry) in trace.iter().enumerate() {
        assert_eq!(entry.iteration, k);
        let numbers = [
            entry.loss,
            entry.gradient_norm,
            entry.step_norm,
            entry.step_length,
            entry.shift,
            entry.passes,
        ];
        assert!(
            numbers
                .iter()
                .all(|value| value.is_finite() && *value >= 0.0),
            "{entry:?}"
        );
        assert!(entry.passes >= passes, "{entry:?}");
        passes = entry.passes;
        assert!(
            STEPS.contains(&entry.method)
                || (Method::NAMES.contains(&entry.method) && entry.method != "auto"),
            "{entry:?}"
        );
        assert!(entry.distinct_rows <= case.instance.rows());
    }
    // Saddles are left, and answers polished, by the exact Hessian.
    let asked = settings.method.as_str();
    if let Method::ReusedGram | Method::Subsampled = settings.method {
        let allowed = [asked, Method::Exact.as_str()];
        assert!(
            trace
                .iter()
                .all(|entry| allowed.contains(&entry.method) || STEPS.contains(&entry.method))
        );
    }
}

/// Loss and gradient norm at x, recomputed from the definition in plain arithmetic.
fn check_definition(case: &Case, solution: &Solution) {
    let Some(naive) = naive::evaluate(&case.instance, &solution.x) else {
        return;
    };
    let loss_error = (solution.loss - naive.loss).abs();
    assert!(
        loss_error <= naive.loss_error,
        "loss {} is {} by definition, up to {}",
        solution.loss,
        naive.loss,
        naive.loss_error
    );
    let norm = naive.gradient.norm();
    let error = naive.gradient_error.sum();
    assert!(
        (solution.gradient_norm - norm).abs() <= error,
        "gradient norm {} is {norm} by definition, up to {error}",
        solution.gradient_norm
    );
}

/// A start is refused only where the loss, its gradient or the size of that cannot be had.
pub fn check_refused(case: &Case, problem: &Problem, error: &EvaluationError) {
    let value = problem.value(&case.start);
    let gradient = problem.gradient(&case.start);
    let usable = value.is_ok() && gradient.is_ok_and(|gradient| gradient.norm().is_finite());
    assert!(
        !usable,
        "loss and gradient are finite at the start, refused all the same: {error}"
    );
}
