//! Every field of `Settings` changes a run on both sides of the size where the solver changes its coordinates, or is refused there.

use attention_regression::instance::{DesignMatrix, LossKind, sample};
use attention_regression::production::{Method, Outcome, Problem, Settings, SolveError, solve};
use nalgebra::{DMatrix, DVector};
use rand::Rng;

/// Matrices with more entries are solved through Gram matrices.
const LIMIT: usize = 20_000;
const COLUMNS: usize = 10;

fn matrix(rows: usize, columns: usize) -> DMatrix<f64> {
    let mut rng = sample::stream(5, "settings", rows as u64);
    let mut entry = || (rng.next_u64() >> 11) as f64 * (f64::EPSILON / 2.0);
    // A column of ones: all logits can move together.
    DMatrix::from_fn(rows, columns, |_, j| {
        if j == 0 { 1.0 } else { 2.0 * entry() - 1.0 }
    })
}

fn problem(kind: LossKind, a: DMatrix<f64>, target: DVector<f64>, weight: f64) -> Problem {
    let n = a.nrows();
    let a = DesignMatrix::dense(a).unwrap();
    Problem::new(kind, a, target, DVector::repeat(n, weight)).unwrap()
}

/// Strongly convex: every method gets there.
fn calm(rows: usize) -> (Problem, f64) {
    let target = DVector::from_fn(rows, |i, _| 2.0 * (i % 2) as f64 / rows as f64);
    (
        problem(LossKind::Softmax, matrix(rows, COLUMNS), target, 0.1),
        0.0,
    )
}

/// `exp(A x)` has to become about `exp(4)` in every row: the full Newton step from logits of 3.6 goes much too far, later ones
/// approach the minimum from where the curvature is smaller, so that the loss falls by less than half of what the slope says.
fn steep(rows: usize) -> (Problem, f64) {
    let target = DVector::from_fn(rows, |i, _| 4f64.exp() * (1.0 + 0.1 * (i % 3) as f64));
    (
        problem(LossKind::Exp, matrix(rows, COLUMNS), target, 0.0),
        3.6,
    )
}

/// `exp(A x)` has to become -1: all logits go to minus infinity.
fn endless(rows: usize) -> (Problem, f64) {
    let target = DVector::repeat(rows, -1.0);
    (
        problem(LossKind::Exp, matrix(rows, COLUMNS), target, 0.0),
        0.0,
    )
}

/// A tenth of the rows holds all of the target: the Hessian at 0 is indefinite.
fn indefinite(rows: usize) -> (Problem, f64) {
    let held = rows / 10;
    let a = DMatrix::from_fn(rows, COLUMNS, |i, j| match j {
        0 if i < held => 3.0,
        0 => 1.0 - 2.0 * (i % 2) as f64,
        _ => matrix_entry(i, j),
    });
    let target = DVector::from_fn(rows, |i, _| if i < held { 1.0 / held as f64 } else { 0.0 });
    (problem(LossKind::Softmax, a, target, 1e-5), 0.0)
}

fn matrix_entry(i: usize, j: usize) -> f64 {
    // No number 3 j + 2 is a square: the columns are independent.
    (i as f64 * (3.0 * j as f64 + 2.0).sqrt()).fract() - 0.5
}

struct Field {
    name: &'static str,
    /// With the first entry of the start; the others are 0.
    problem: fn(usize) -> (Problem, f64),
    one: Settings,
    other: Settings,
}

fn fields() -> Vec<Field> {
    let exact = || {
        Settings::default()
            .with_method(Method::Exact)
            .with_polish_steps(Some(0))
    };
    let sampled = || {
        Settings::default()
            .with_method(Method::Subsampled)
            .with_epsilon(0.5)
    };
    let field = |name, problem, base: &dyn Fn() -> Settings, change: &dyn Fn(&mut Settings)| {
        let mut other = base();
        change(&mut other);
        Field {
            name,
            problem,
            one: base(),
            other,
        }
    };
    vec![
        field("method", calm, &exact, &|s| s.method = Method::Subsampled),
        field("tolerance", steep, &exact, &|s| s.tolerance = 0.5),
        field("max_iterations", steep, &exact, &|s| s.max_iterations = 1),
        field("seed", calm, &sampled, &|s| s.seed = 1),
        field("epsilon", calm, &sampled, &|s| s.epsilon = 0.6),
        field("delta", calm, &sampled, &|s| s.delta = 0.1),
        field("sampling_constant", calm, &sampled, &|s| {
            s.sampling_constant = 0.5
        }),
        field("sufficient_decrease", steep, &exact, &|s| {
            s.sufficient_decrease = 0.499
        }),
        field("max_halvings", steep, &exact, &|s| s.max_halvings = 0),
        field("loss_resolution", steep, &exact, &|s| {
            s.loss_resolution = 0.9
        }),
        field(
            "polish_steps",
            calm,
            &|| exact().with_tolerance(0.1),
            &|s| {
                s.polish_steps = Some(2);
            },
        ),
        field("logit_limit", endless, &exact, &|s| s.logit_limit = 3.0),
        field(
            "sampled_start",
            indefinite,
            &|| Settings::default().with_sampled_start(Some(false)),
            &|s| s.sampled_start = Some(true),
        ),
        field("certify", calm, &exact, &|s| s.certify = false),
    ]
}

#[test]
fn every_setting_is_among_those_that_are_run() {
    let names: Vec<&str> = fields().iter().map(|field| field.name).collect();
    assert_eq!(names, Settings::FIELDS);
}

#[test]
fn every_setting_changes_something_on_both_sides_of_the_size_limit() {
    let mut idle = Vec::new();
    for rows in [LIMIT / COLUMNS, LIMIT / COLUMNS + 1] {
        for Field {
            name,
            problem,
            one,
            other,
        } in fields()
        {
            let (problem, first) = problem(rows);
            let start = DVector::from_fn(COLUMNS, |j, _| if j == 0 { first } else { 0.0 });
            let run = |settings: &Settings| format!("{:?}", solve(&problem, &start, settings));
            if run(&one) == run(&other) {
                idle.push(format!("{name} with {rows} rows"));
            }
        }
    }
    assert!(idle.is_empty(), "no effect: {idle:?}");
}

/// By name of what they do, not only that they do something.
#[test]
fn settings_mean_the_same_on_both_sides_of_the_size_limit() {
    for rows in [LIMIT / COLUMNS, LIMIT / COLUMNS + 1] {
        let start = DVector::zeros(COLUMNS);
        let exact = Settings::default().with_method(Method::Exact);
        // Logits start at 0, so that any limit is a thousandfold growth.
        let limited = exact.clone().with_logit_limit(3.0);
        let solution = solve(&endless(rows).0, &start, &limited).unwrap();
        assert_eq!(solution.outcome, Outcome::Diverged, "{rows}");
        // From a largest logit of 2 on there is no such growth.
        let from_two = DVector::from_fn(COLUMNS, |j, _| if j == 0 { -2.0 } else { 0.0 });
        let solution = solve(&endless(rows).0, &from_two, &limited).unwrap();
        let largest = endless(rows).0.logits(&solution.x).unwrap().amax();
        assert!(largest > 6.0, "{rows}: {largest}");
        // A tolerance of a tenth is met at once; each polishing step halves the gradient at least.
        let polished = |steps: usize| {
            let settings = exact
                .clone()
                .with_tolerance(0.1)
                .with_polish_steps(Some(steps));
            solve(&calm(rows).0, &start, &settings).unwrap()
        };
        let (plain, one) = (polished(0), polished(1));
        assert_eq!(one.iterations, plain.iterations + 1, "{rows}");
        assert!(one.gradient_norm <= 0.5 * plain.gradient_norm, "{rows}");
        // Half the sample is drawn with half the constant; rows that are certain to be drawn make it a little more.
        let rows_of = |sampling_constant: f64| {
            let settings = Settings::default()
                .with_method(Method::Subsampled)
                .with_epsilon(0.9)
                .with_sampling_constant(sampling_constant);
            let solution = solve(&calm(rows).0, &start, &settings).unwrap();
            solution.trace[0].distinct_rows as f64
        };
        let (whole, half) = (rows_of(1.0), rows_of(0.5));
        assert!(
            (0.35..0.65).contains(&(half / whole)),
            "{rows}: {half} of {whole}"
        );
        // The first step is that of a sample, of fewer rows than there are.
        let settings = Settings::default().with_sampled_start(Some(true));
        let solution = solve(&indefinite(rows).0, &start, &settings).unwrap();
        assert_eq!(solution.trace[0].method, "sampled-start", "{rows}");
        assert!(
            solution.outcome.is_success(),
            "{rows}: {}",
            solution.outcome
        );
        assert!(
            (200..rows).contains(&solution.trace[0].distinct_rows),
            "{rows}"
        );
        for (k, entry) in solution.trace.iter().enumerate() {
            assert_eq!(entry.iteration, k);
        }
        for method in [Method::Exact, Method::Subsampled] {
            let settings = Settings::default()
                .with_method(method)
                .with_sampled_start(Some(true));
            let refused = solve(&indefinite(rows).0, &start, &settings).unwrap_err();
            assert!(
                matches!(&refused, SolveError::Settings(error) if error.setting == "sampled_start"),
                "{refused}"
            );
        }
    }
}
