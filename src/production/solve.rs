//! The front door of the solver: checks, and the choice between its two coordinates.

use std::ops::ControlFlow;
use std::sync::atomic::AtomicBool;

use nalgebra::DVector;

use crate::production::endings::{SINGULAR_HESSIAN, Yardstick};
use crate::production::error_bound::{Certificate, Stop, bound_until, certify};
use crate::production::kinks;
use crate::production::logit_loss::check_vector;
use crate::production::newton::by_gram::{self, End, Orders};
use crate::production::newton::{finite_noise, refused_by_gram, solve_orthonormal};
use crate::production::{
    EvaluationError, Method, Observer, Outcome, Problem, Settings, Solution, SolveError, TraceEntry,
};

/// Dense matrices with at most this many entries are solved in orthonormal coordinates: that costs milliseconds there, and
/// is the most accurate.
pub(crate) const SMALL_ENTRIES: usize = 20_000;
/// A problem that Gram matrices cannot solve is handed to orthonormal coordinates up to this size: n d, all entries stored.
const ORTHONORMAL_ENTRIES: usize = 20_000_000;

/// Columns of a Gram matrix at most: it takes `8 d^2` bytes, here 8 GiB.
pub(crate) const LARGEST_GRAM: usize = 1 << 15;

impl Problem {
    /// Minimises from the origin; see [`solve`](crate::production::solve).
    pub fn solve(&self, settings: &Settings) -> Result<Solution, SolveError> {
        self.solve_from(&DVector::zeros(self.columns()), settings)
    }

    /// Minimises from a point (d entries), such as the answer to a similar problem; see [`solve`](crate::production::solve).
    pub fn solve_from(
        &self,
        start: &DVector<f64>,
        settings: &Settings,
    ) -> Result<Solution, SolveError> {
        solve(self, start, settings)
    }
}

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
    solve_with(problem, start, settings, observer, None)
}

/// [`solve_observed`] that also ends, as [`Outcome::Interrupted`] and without a bound, soon after `stop` is set while the error bound
/// is computed. What is under way then goes on on a thread of its own and is not waited for.
pub fn solve_interruptible(
    problem: &Problem,
    start: &DVector<f64>,
    settings: &Settings,
    observer: &mut Observer<'_>,
    stop: &AtomicBool,
) -> Result<Solution, SolveError> {
    solve_with(problem, start, settings, observer, Some(stop))
}

fn solve_with(
    problem: &Problem,
    start: &DVector<f64>,
    settings: &Settings,
    observer: &mut Observer<'_>,
    stop: Stop<'_>,
) -> Result<Solution, SolveError> {
    settings.validate()?;
    if settings.method == Method::Subsampled && !problem.share().is_whole() {
        return Err(SolveError::NotInParts {
            method: settings.method.as_str(),
        });
    }
    check_vector("point", start, problem.columns())?;
    let (start, moved) = off_the_symmetry(problem, start)?;
    let relieved = relieved_of_constant(problem, &start)?;
    let searched = relieved.as_ref().map_or(problem, |(problem, _)| problem);
    let mut solution = dispatch(searched, start, settings, observer, stop)?;
    if !problem.loss().is_smooth() {
        solution = past_kinks(searched, solution, settings, observer, stop);
        let remarks = problem.loss().remarks(&problem.logits(&solution.x)?);
        solution.warnings.extend(remarks);
    }
    if let Some((_, warning)) = relieved {
        solution.loss = problem.value(&solution.x)?;
        solution.warnings.insert(0, warning);
    }
    solution.warnings.splice(0..0, moved);
    Ok(solution)
}

/// By the coordinates that suit the size of the problem.
fn dispatch(
    problem: &Problem,
    start: DVector<f64>,
    settings: &Settings,
    observer: &mut Observer<'_>,
    stop: Stop<'_>,
) -> Result<Solution, SolveError> {
    match gram_model(problem, settings.method) {
        Some(_) if problem.columns() > LARGEST_GRAM => Err(SolveError::TooManyColumns {
            columns: problem.columns(),
            limit: LARGEST_GRAM,
        }),
        Some(method) => by_gram(problem, start, settings, method, observer, stop),
        None if settings.sampled_start == Some(true) => {
            from_sample(problem, start, settings, observer, stop)
        }
        None => solve_orthonormal(&problem.whole(), start, settings, None, observer, stop),
    }
}

/// The problem without a constant part of its loss that hides every change of it, and what is said of that.
fn relieved_of_constant(
    problem: &Problem,
    start: &DVector<f64>,
) -> Result<Option<(Problem, String)>, EvaluationError> {
    let Some(loss) = problem.loss().without_constant() else {
        return Ok(None);
    };
    // What overflows is refused as ever.
    problem.value(start)?;
    let warning = "the loss has a constant part in whose rounding its changes are lost: searched without it, and the trace shows \
                   the loss without it"
        .to_string();
    Ok(Some((problem.with_other_loss(loss), warning)))
}

/// Goes on beyond the kinks at which a run ends, as long as the loss falls there.
fn past_kinks(
    problem: &Problem,
    mut solution: Solution,
    settings: &Settings,
    observer: &mut Observer<'_>,
    stop: Stop<'_>,
) -> Solution {
    for _ in 0..kinks::KINKS {
        if solution.iterations >= settings.max_iterations {
            break;
        }
        let Some(start) = kinks::beyond(problem, &solution) else {
            break;
        };
        let before = solution.clone();
        let resumed = continued(settings, before.trace, observer, |settings, observer| {
            dispatch(problem, start, settings, observer, stop)
        });
        // Where nothing can be evaluated beyond the kink, what has been reached stands.
        let Ok(mut resumed) = resumed else {
            break;
        };
        let left = format!(
            "iteration {} ended at a kink of the loss, beyond which the loss falls: gone on there, with the tolerance relative to the gradient there, {:.1e}",
            before.iterations, resumed.start_gradient_norm
        );
        let earlier = before
            .warnings
            .into_iter()
            .filter(|warning| warning != SINGULAR_HESSIAN);
        resumed.warnings.splice(0..0, earlier.chain([left]));
        resumed.start_gradient_norm = before.start_gradient_norm;
        solution = resumed;
    }
    kinks::name(problem, &mut solution);
    solution
}

/// The Hessian model through Gram matrices, or `None` for orthonormal coordinates.
pub(crate) fn gram_model(problem: &Problem, method: Method) -> Option<Method> {
    let (n, d) = (problem.rows(), problem.columns());
    let entries = n.saturating_mul(d);
    // A wide matrix has a singular Gram matrix: there is no point in making it.
    let small = entries <= SMALL_ENTRIES || (n < d && entries <= ORTHONORMAL_ENTRIES);
    let row = method.row();
    (!(small && row.orthonormal_when_small)).then_some(row.through_gram)
}

/// Solves through Gram matrices; `auto` and `exact` go on in orthonormal coordinates where that ends without an answer.
fn by_gram(
    problem: &Problem,
    start: DVector<f64>,
    settings: &Settings,
    method: Method,
    observer: &mut Observer<'_>,
    stop: Stop<'_>,
) -> Result<Solution, SolveError> {
    let orders = Orders {
        settings,
        method,
        coarse: None,
        observer: &mut *observer,
    };
    let affordable = problem.rows().saturating_mul(problem.columns()) <= ORTHONORMAL_ENTRIES;
    let replaceable = settings.method.row().handed_on;
    let end = match by_gram::minimise(problem, start.as_slice().to_vec(), orders) {
        Ok(end) => end,
        // Squares of entries overflow before the entries do.
        Err(_) if affordable && replaceable => {
            return solve_orthonormal(&problem.whole(), start, settings, None, observer, stop);
        }
        Err(error) => return refused_by_gram(problem, start, &error),
    };
    let x = DVector::from_column_slice(&end.x);
    let mut outcome = end.outcome;
    let mut gradient_noise = None;
    if outcome == Outcome::LineSearchStalled {
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
            x,
            settings,
            end.yardstick(),
            end.trace.clone(),
            observer,
            stop,
        );
        // Where that cannot even begin, what has been reached stands.
        if !matches!(resumed, Err(SolveError::Start(_))) {
            return resumed;
        }
    }
    let solution = without_bound(end, outcome, gradient_noise, settings);
    if !(settings.certify && outcome.is_success()) {
        return Ok(solution);
    }
    Ok(bound_until(problem, solution, stop, |problem, x| {
        let found = certify(problem, x);
        Certificate {
            noise: found.noise.or_else(|| finite_noise(problem, x)),
            ..found
        }
    }))
}

/// What a run through Gram matrices hands back before a bound is computed.
fn without_bound(
    end: End,
    outcome: Outcome,
    gradient_noise: Option<f64>,
    settings: &Settings,
) -> Solution {
    let error_bound_basis = if settings.certify {
        format!("no bound: the run ended as {outcome}")
    } else {
        "no bound: none was asked for".to_string()
    };
    Solution {
        outcome,
        loss: end.loss,
        gradient_norm: end.gradient_norm,
        start_gradient_norm: end.start_gradient_norm,
        gradient_noise,
        iterations: end.trace.len(),
        error_bound: None,
        error_bound_basis,
        labels_read: None,
        warnings: end.warnings,
        trace: end.trace,
        x: DVector::from_vec(end.x),
    }
}

/// Solves in orthonormal coordinates from the start that a sample of the rows gives, if it gives one.
fn from_sample(
    problem: &Problem,
    start: DVector<f64>,
    settings: &Settings,
    observer: &mut Observer<'_>,
    stop: Stop<'_>,
) -> Result<Solution, SolveError> {
    let orders = Orders {
        settings,
        method: Method::ReusedGram,
        coarse: None,
        observer: &mut *observer,
    };
    match by_gram::sampled_start_only(problem, start.as_slice().to_vec(), orders) {
        Ok(end) if end.outcome == Outcome::Interrupted => {
            Ok(without_bound(end, Outcome::Interrupted, None, settings))
        }
        Ok(end) if !end.trace.is_empty() => resume_orthonormal(
            problem,
            DVector::from_column_slice(&end.x),
            settings,
            end.yardstick(),
            end.trace,
            observer,
            stop,
        ),
        // A start that Gram matrices refuse is no reason to refuse it here.
        Ok(_) | Err(_) => {
            solve_orthonormal(&problem.whole(), start, settings, None, observer, stop)
        }
    }
}

/// Goes on from where the other coordinates ended, with the tolerance still relative to the first gradient.
fn resume_orthonormal(
    problem: &Problem,
    x: DVector<f64>,
    settings: &Settings,
    yardstick: Yardstick,
    trace: Vec<TraceEntry>,
    observer: &mut Observer<'_>,
    stop: Stop<'_>,
) -> Result<Solution, SolveError> {
    let mut solution = continued(settings, trace, observer, |settings, observer| {
        let exact = Settings {
            method: Method::Exact,
            sampled_start: None,
            ..settings.clone()
        };
        let whole = problem.whole();
        solve_orthonormal(&whole, x, &exact, Some(yardstick), observer, stop)
    })?;
    solution.start_gradient_norm = yardstick.gradient_norm;
    Ok(solution)
}

/// A later part of a run: it has the iterations that are left, and its trace goes on where the earlier one ended.
fn continued(
    settings: &Settings,
    mut trace: Vec<TraceEntry>,
    observer: &mut Observer<'_>,
    go_on: impl FnOnce(&Settings, &mut Observer<'_>) -> Result<Solution, SolveError>,
) -> Result<Solution, SolveError> {
    let left = Settings {
        max_iterations: settings.max_iterations - trace.len(),
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
    let mut solution = go_on(&left, &mut renumbered)?;
    trace.extend(solution.trace.into_iter().map(|entry| TraceEntry {
        iteration: entry.iteration + done,
        passes: entry.passes + passes,
        ..entry
    }));
    solution.iterations = trace.len();
    solution.trace = trace;
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
    use crate::production::newton::by_gram::test_loss::ByRow;
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
            .map(|method| gram_model(&problem, method))
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
        // Entries so large that the gradient overflows where the largest logit is 1.
        let huge = problem(LossKind::Cosh, DMatrix::from_element(2, 1, 1.5e308));
        let origin = DVector::zeros(1);
        assert_eq!(off_the_symmetry(&huge, &origin), Ok((origin, None)));
    }

    fn one(loss: ByRow) -> Problem {
        loss.over(DMatrix::from_element(1, 1, 1.0), &[0.0])
    }

    /// The way through Gram matrices with exact Hessians, and what the observer has seen of it.
    fn through_gram(
        problem: &Problem,
        start: f64,
        settings: &Settings,
    ) -> (Solution, Vec<TraceEntry>) {
        let mut seen = Vec::new();
        let start = DVector::from_element(1, start);
        let mut observer = |entry: &TraceEntry| {
            seen.push(entry.clone());
            ControlFlow::Continue(())
        };
        let method = Method::Exact;
        let solution = by_gram(problem, start, settings, method, &mut observer, None);
        (solution.unwrap(), seen)
    }

    /// A gradient that no step changes, on so large a loss that nothing but the gradient judges: 1e-17 at x = 1 is below the
    /// rounding of x itself, 6 is not.
    #[test]
    fn a_run_that_stalls_at_the_rounding_level_of_the_gradient_has_converged_to_it() {
        for certify in [true, false] {
            let settings = Settings {
                method: Method::ReusedGram,
                certify,
                ..Settings::default()
            };
            for (slope, outcome) in [
                (1e-17, Outcome::ConvergedToRounding),
                (6.0, Outcome::LineSearchStalled),
            ] {
                let problem = one(ByRow::new(1, move |_, _| [0.0, slope, 1.0]).plus(1e12));
                let (found, seen) = through_gram(&problem, 1.0, &settings);
                assert_eq!((found.outcome, found.iterations), (outcome, 0));
                assert_eq!((found.gradient_norm, found.loss), (slope, 1e12));
                assert!(seen.is_empty());
                let noise = found.gradient_noise.unwrap();
                assert!((1e-16..1e-14).contains(&noise), "{noise:e}");
                let reason = match (certify, outcome.is_success()) {
                    (false, _) => "no bound: none was asked for",
                    (true, false) => "no bound: the run ended as line-search-stalled",
                    (true, true) => continue,
                };
                assert_eq!(found.error_bound_basis, reason);
                assert_eq!(found.error_bound, None);
            }
        }
    }

    /// The rounding level costs passes: it is computed for the error bound, or where the tolerance was not reached.
    #[test]
    fn a_converged_run_knows_the_rounding_of_its_gradient_only_with_an_error_bound() {
        let problem = one(ByRow::new(1, |_, z| {
            [0.5 * (z - 3.0).powi(2), z - 3.0, 1.0]
        }));
        for certify in [true, false] {
            let settings = Settings {
                certify,
                ..Settings::default()
            };
            let (found, _) = through_gram(&problem, 0.0, &settings);
            assert_eq!((found.outcome, found.iterations), (Outcome::Converged, 1));
            assert_eq!(found.gradient_noise.is_some(), certify);
        }
    }

    /// Slopes on a loss of 1e12 that only gradients can judge, with curvature 1 but at 0: from 0 a step to 1, where the full step
    /// leads to 7 and the gradient -6 becomes 6; half of it leads to 4. There the slope is `rest`, and none is left at 5.
    fn stalling(rest: f64) -> Problem {
        one(ByRow::new(1, move |_, z| {
            let near = |point: f64| (z - point).abs() < 1e-9;
            if near(0.0) {
                [0.0, -100.0, 100.0]
            } else if near(1.0) {
                [0.0, -6.0, 1.0]
            } else if near(4.0) {
                [0.0, rest, 1.0]
            } else if near(5.0) {
                [0.0, 0.0, 1.0]
            } else {
                [0.0, 6.0, 1.0]
            }
        })
        .plus(1e12))
    }

    #[test]
    fn a_stalled_run_goes_on_in_orthonormal_coordinates_and_its_trace_is_one() {
        let (found, seen) = through_gram(&stalling(0.0), 0.0, &Settings::default());
        assert_eq!((found.outcome, found.iterations), (Outcome::Converged, 2));
        assert!((found.x[0] - 4.0).abs() < 1e-12);
        assert_eq!(found.start_gradient_norm, 100.0);
        assert_eq!(seen, found.trace);
        let [first, second] = &found.trace[..] else {
            panic!("{} steps", found.trace.len());
        };
        assert_eq!((first.iteration, first.gradient_norm), (0, 100.0));
        assert_eq!((second.iteration, second.gradient_norm), (1, 6.0));
        assert_eq!((first.step_length, second.step_length), (1.0, 0.5));
        // Two products at the start, a Gram matrix and two at the point reached; then the same with a gradient in the logits, at
        // each of two trials too.
        assert_eq!((first.passes, second.passes), (5.0, 15.0));
        // What was asked for by name is not replaced.
        for method in [Method::ReusedGram, Method::Subsampled] {
            let settings = Settings {
                method,
                ..Settings::default()
            };
            let (left, seen) = through_gram(&stalling(0.0), 0.0, &settings);
            assert_eq!(
                (left.outcome, left.iterations),
                (Outcome::LineSearchStalled, 1)
            );
            assert_eq!(seen.len(), 1);
        }
    }

    /// With a slope of -1 at 4 a third step is due.
    #[test]
    fn both_parts_of_a_run_share_its_iterations_and_its_tolerance() {
        let run = |max_iterations: usize, tolerance: f64| {
            let settings = Settings {
                max_iterations,
                tolerance,
                polish_steps: Some(0),
                ..Settings::default()
            };
            let (found, _) = through_gram(&stalling(-1.0), 0.0, &settings);
            (found.outcome, found.iterations)
        };
        assert_eq!(run(1, 1e-10), (Outcome::IterationLimit, 1));
        assert_eq!(run(2, 1e-10), (Outcome::IterationLimit, 2));
        assert_eq!(run(3, 1e-10), (Outcome::Converged, 3));
        // Relative to the 100 at the start, not to the 6 where the second part begins: 1 is small, but the Newton step from
        // there is not, so that it goes on; 6 is not small.
        assert_eq!(run(9, 0.011), (Outcome::Converged, 3));
        assert_eq!(run(9, 0.059), (Outcome::Converged, 3));
    }

    /// `z^2 / 2` up to the minimum, and flat there: the last iteration allowed ends on a singular Hessian, and no other begins.
    #[test]
    fn nothing_is_resumed_when_no_iteration_is_left() {
        let problem = one(ByRow::new(1, |_, z| {
            if z == 1.0 {
                [0.0, 0.0, 0.0]
            } else {
                [0.5 * (z - 1.0).powi(2), z - 1.0, 1.0]
            }
        }));
        let settings = Settings {
            max_iterations: 1,
            ..Settings::default()
        };
        let (found, _) = through_gram(&problem, 0.0, &settings);
        assert_eq!((found.outcome, found.iterations), (Outcome::Singular, 1));
        assert_eq!(
            found.error_bound_basis,
            "no bound: the run ended as singular"
        );
    }

    #[test]
    fn a_gram_matrix_that_was_asked_for_is_made_up_to_its_largest_size() {
        let by_gram = Settings {
            method: Method::ReusedGram,
            ..Settings::default()
        };
        let small = one(ByRow::new(1, |_, z| {
            [0.5 * (z - 3.0).powi(2), z - 3.0, 1.0]
        }));
        let found = solve(&small, &DVector::zeros(1), &by_gram).unwrap();
        assert_eq!(found.outcome, Outcome::Converged);
        assert_eq!(found.trace[0].method, "reused-gram");
        let wide = ByRow::new(1, |_, z| [0.5 * z * z, z, 1.0])
            .over(DMatrix::from_element(1, 32_769, 1.0), &[0.0]);
        assert_eq!(
            solve(&wide, &DVector::zeros(32_769), &by_gram),
            Err(SolveError::TooManyColumns {
                columns: 32_769,
                limit: 32_768
            })
        );
    }

    #[test]
    fn an_observer_ends_a_run_in_orthonormal_coordinates() {
        let problem = one(ByRow::new(1, |_, z| [(-z).exp(), -(-z).exp(), (-z).exp()]));
        let mut seen = 0;
        let found = solve_observed(
            &problem,
            &DVector::zeros(1),
            &Settings::default(),
            &mut |_| {
                seen += 1;
                if seen == 3 {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            },
        );
        let found = found.unwrap();
        assert_eq!((found.outcome, found.iterations), (Outcome::Interrupted, 3));
    }
}
