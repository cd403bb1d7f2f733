//! The solver of systems with matrices as unknowns: against mpmath's minima, the oracle's gradients, and real data whose
//! answers are known.

use std::path::Path;

use attention_regression::oracle::{Reference, lift_vector};
use attention_regression::production::{
    AUTO, Outcome, Settings, Solution, SystemError, solve_system,
};
use attention_regression::scalar::High;
use attention_regression::system::{Given, Posed, parse, read};
use nalgebra::{DMatrix, DVector};
use serde::Deserialize;
use serde_json::Value;
use std::ops::ControlFlow;

fn given(manifest: &str) -> Given {
    match parse(manifest, Path::new("test.json")) {
        Ok(Posed::Other(given)) => given,
        other => panic!("{other:?}"),
    }
}

fn of_file(name: &str) -> Given {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/systems")
        .join(name);
    match read(&path) {
        Ok(Posed::Other(given)) => given,
        other => panic!("{other:?}"),
    }
}

fn solved(given: &Given, start: Option<&[f64]>, method: &str) -> Result<Solution, SystemError> {
    let settings = Settings::default();
    solve_system(given, start, method, &settings, &mut |_| {
        ControlFlow::Continue(())
    })
    .map(|(solution, _)| solution)
}

/// X Y' of an answer.
fn product(given: &Given, x: &DVector<f64>) -> DMatrix<f64> {
    let (n, m, k) = (given.size("n"), given.size("m"), given.size("k"));
    let (left, right) = x.as_slice().split_at(n * k);
    DMatrix::from_row_slice(n, k, left) * DMatrix::from_row_slice(m, k, right).transpose()
}

/// One local minimum that mpmath found, fixtures/oracle/systems_minima_mpmath.py.
#[derive(Deserialize)]
struct Minimum {
    name: String,
    manifest: Value,
    start: Vec<f64>,
    x: Vec<String>,
    loss: String,
    product: Option<Vec<Vec<String>>>,
}

fn number(text: &str) -> f64 {
    text.parse().unwrap()
}

#[test]
fn the_minima_of_mpmath_are_reached_by_every_method() {
    let table: Vec<Minimum> = serde_json::from_str(include_str!(
        "../../fixtures/oracle/systems_minima_mpmath.json"
    ))
    .unwrap();
    assert_eq!(table.len(), 5);
    for minimum in &table {
        let given = given(&minimum.manifest.to_string());
        let methods: &[&str] = match minimum.product {
            Some(_) => &[AUTO, "variable-projection", "alternating"],
            None => &[AUTO, "variable-projection"],
        };
        for method in methods {
            let solution = solved(&given, Some(&minimum.start), method).unwrap();
            let what = format!("{} by {method}", minimum.name);
            assert!(
                solution.outcome.is_success(),
                "{what}: {}",
                solution.outcome
            );
            let loss = number(&minimum.loss);
            assert!((solution.loss - loss).abs() <= 1e-14 * loss, "{what}");
            // A gradient of rounding size over the least curvature; 1e-8 where the method stops by its tolerance of 1e-10.
            let (found, expected): (Vec<f64>, Vec<f64>) = match &minimum.product {
                Some(rows) => (
                    product(&given, &solution.x).transpose().as_slice().to_vec(),
                    rows.iter().flatten().map(|text| number(text)).collect(),
                ),
                None => (
                    solution.x.as_slice().to_vec(),
                    minimum.x.iter().map(|text| number(text)).collect(),
                ),
            };
            for (found, expected) in found.iter().zip(&expected) {
                assert!(
                    (found - expected).abs() <= 1e-8,
                    "{what}: {found} {expected}"
                );
            }
            let basis = &solution.error_bound_basis;
            let Some(bound) = solution.error_bound else {
                assert!(minimum.product.is_some(), "{what}: {basis}");
                assert!(basis.starts_with("none: "), "{basis}");
                continue;
            };
            assert!(basis.starts_with("Newton-Kantorovich"), "{basis}");
            // Both at 40 digits: an f64 minus mpmath's value would cancel.
            let off: High = (solution.x.iter().zip(&minimum.x))
                .map(|(found, exact)| {
                    (High::lift(*found).unwrap() - High::parse(exact).unwrap()).square()
                })
                .sum();
            let off = off.sqrt().to_f64();
            assert!(off <= bound, "{what}: {off:e} > {bound:e}");
            assert!(bound <= 1e-6, "{what}: {bound:e}");
        }
    }
}

/// The reported gradient is the definition's, at another point than a minimum too: the run is stopped at its start.
#[test]
fn the_reported_loss_and_gradient_are_those_of_the_oracle() {
    let table: Vec<Value> =
        serde_json::from_str(include_str!("../../fixtures/oracle/systems_mpmath.json")).unwrap();
    let mut seen = 0;
    for entry in &table {
        let given = given(&entry["manifest"].to_string());
        let start: Vec<f64> = serde_json::from_value(entry["x"].clone()).unwrap();
        for method in ["variable-projection", "alternating"] {
            let solution = match solve_system(
                &given,
                Some(&start),
                method,
                &Settings::default(),
                &mut |_| ControlFlow::Break(()),
            ) {
                Ok((solution, _)) => solution,
                Err(SystemError::NoMethod { .. }) => continue,
                Err(error) => {
                    assert!(error.to_string().contains("has rank"), "{error}");
                    continue;
                }
            };
            assert_eq!(solution.outcome, Outcome::Interrupted);
            seen += 1;
            let reference = Reference::of(&given).unwrap();
            let (loss, gradient) = reference
                .loss_and_gradient(&lift_vector(&solution.x))
                .unwrap();
            let (loss, norm) = (
                loss.to_f64(),
                gradient
                    .iter()
                    .map(|g| g.to_f64().powi(2))
                    .sum::<f64>()
                    .sqrt(),
            );
            let noise = solution.gradient_noise.unwrap();
            let name = entry["name"].as_str().unwrap();
            // Within the rounding level that the run itself states; and that level is not a licence.
            assert!(
                (solution.gradient_norm - norm).abs() <= noise,
                "{name} by {method}: {} {norm} {noise}",
                solution.gradient_norm
            );
            // Logits of 400 count as 400 roundings; where weights are 1e-60 and 1e60, what cancels is as large as 1e40 itself.
            let decades = name == "weights over decades";
            assert!(decades || noise <= 1e-9 * (1.0 + norm), "{name}: {noise}");
            assert!(
                (solution.loss - loss).abs() <= 1e-13 * loss.abs().max(noise),
                "{name} by {method}: {} {loss}",
                solution.loss
            );
        }
    }
    assert!(seen >= 12, "{seen}");
}

/// The loss as numpy's alternating least squares reaches it, row by row with lstsq (fixtures/systems/make.py).
#[test]
fn digits_with_a_fifth_hidden_end_at_the_minimum_of_numpy() {
    let given = of_file("digits-hidden.json");
    let expected: Value =
        serde_json::from_str(include_str!("../../fixtures/systems/digits_numpy.json")).unwrap();
    let solution = solved(&given, None, AUTO).unwrap();
    assert!(solution.outcome.is_success(), "{}", solution.outcome);
    assert!(solution.iterations <= 15, "{}", solution.iterations);
    let loss = expected["loss"].as_f64().unwrap();
    // numpy stopped where a sweep took less than 1e-13 of the loss, at a rate near 0.9.
    assert!(
        (solution.loss - loss).abs() <= 1e-11 * loss,
        "{} {loss}",
        solution.loss
    );
    assert!(solution.loss <= loss * (1.0 + 1e-14));
    let product = product(&given, &solution.x);
    for entry in expected["product"].as_array().unwrap() {
        let at = |k: usize| entry[k].as_u64().unwrap() as usize;
        let value = entry[2].as_f64().unwrap();
        assert!((product[(at(0), at(1))] - value).abs() <= 1e-3, "{entry}");
    }
}

/// B was made from X = I / sqrt(32) and Y = I, so these are the answer: nothing was fitted.
#[test]
fn the_planted_head_is_found_from_a_tenth_of_its_x() {
    let given = of_file("layer0-head5-planted.json");
    let start = given.points()[0].clone();
    let solution = solved(&given, Some(&start), AUTO).unwrap();
    assert!(solution.outcome.is_success(), "{}", solution.outcome);
    assert!(solution.iterations <= 12, "{}", solution.iterations);
    assert!(solution.loss <= 1e-20, "{}", solution.loss);
    let (x, y) = solution.x.as_slice().split_at(32 * 32);
    for (found, scale) in [(x, 1.0 / 32_f64.sqrt()), (y, 1.0)] {
        let found = DMatrix::from_row_slice(32, 32, found);
        let error = (found - DMatrix::identity(32, 32) * scale).norm() / (scale * 32_f64.sqrt());
        assert!(error <= 1e-10, "{error}");
    }
}

fn low_rank(m: &str, w: &str, rank: usize) -> Given {
    given(&format!(
        r#"{{"system": "weighted-low-rank", "M": {m}, "W": {w}, "rank": {rank}}}"#
    ))
}

/// inf L = 0 is not attained (the hidden entry would have to be infinite): M_22 = x_2 y_2 with x_1 y_1 = 0, x_1 y_2 = x_2 y_1 = 1.
#[test]
fn a_loss_without_minimiser_is_called_diverged() {
    let given = low_rank("[[0, 1], [1, null]]", "[[1, 1], [1, 0]]", 1);
    let solution = solved(&given, Some(&[1.0, 1.0, 1.0, 1.0]), "variable-projection").unwrap();
    assert_eq!(
        solution.outcome,
        Outcome::Diverged,
        "{:?}",
        solution.warnings
    );
    assert!(
        solution
            .warnings
            .iter()
            .any(|w| w.contains("grows without limit"))
    );
}

/// Softmax of two logits (0, x) can come as near to (1/2 y, y) as one likes, and never be it: s05, "minimiser-exists".
#[test]
fn an_attention_without_minimiser_is_called_diverged() {
    let given = given(
        r#"{"system": "single-layer-attention", "A1": [[0], [1]], "A2": [[0], [1]], "A3": [[0], [1]], "B": [[0.5], [1]]}"#,
    );
    let solution = solved(&given, Some(&[1.0, 1.0]), AUTO).unwrap();
    assert_eq!(
        solution.outcome,
        Outcome::Diverged,
        "{:?}",
        solution.warnings
    );
    assert!(solution.loss < 1e-12);
}

#[test]
fn rows_without_weight_are_named_and_are_no_success() {
    let m = "[[1, 2, 3], [2, 4, 7], [null, null, null], [1, 3, 2]]";
    let w = "[[1, 1, 1], [1, 1, 1], [0, 0, 0], [1, 2, 1]]";
    for method in ["variable-projection", "alternating"] {
        let solution = solved(&low_rank(m, w, 1), None, method).unwrap();
        assert_eq!(solution.outcome, Outcome::Singular, "{method}");
        assert!(
            solution.warnings[0].starts_with(
                "1 of 4 rows of X are not determined by their entries, the first is row 2"
            ),
            "{:?}",
            solution.warnings
        );
        assert_eq!(solution.x[2], 0.0);
    }
    // The same for a column of the kept factor, and for M transposed.
    let turned = low_rank(
        "[[1, 2, null, 1], [2, 4, null, 3], [3, 7, null, 2]]",
        "[[1, 1, 0, 1], [1, 1, 0, 2], [1, 1, 0, 1]]",
        1,
    );
    let solution = solved(&turned, None, AUTO).unwrap();
    assert_eq!(solution.outcome, Outcome::Singular);
    assert!(
        solution.warnings[0]
            .contains("rows of Y are not determined by their entries, the first is column 2")
    );
    let nothing = low_rank("[[1, 2], [3, 4]]", "[[0, 0], [0, 0]]", 1);
    assert_eq!(
        solved(&nothing, None, AUTO).unwrap().outcome,
        Outcome::Singular
    );
}

/// W = p q': the best rank-k matrix is that of D_p M D_q by its singular values (Eckart and Young), from every start; the
/// loss is half the sum of squares of the others. M is chosen with D_p M D_q = diag(4, 2, 1).
#[test]
fn weights_of_rank_one_give_the_truncated_singular_values() {
    let given = low_rank(
        "[[4, 0, 0], [0, 1, 0], [0, 0, 0.125]]",
        "[[1, 2, 4], [1, 2, 4], [2, 4, 8]]",
        2,
    );
    for (method, seed) in [
        ("variable-projection", 0),
        ("alternating", 1),
        ("variable-projection", 2),
    ] {
        let settings = Settings::default().with_seed(seed);
        let (solution, name) = solve_system(&given, None, method, &settings, &mut |_| {
            ControlFlow::Continue(())
        })
        .unwrap();
        assert_eq!(name, method);
        assert!(
            solution.outcome.is_success(),
            "{method}: {}",
            solution.outcome
        );
        assert!((solution.loss - 0.5).abs() <= 1e-15, "{}", solution.loss);
        assert!((product(&given, &solution.x)[(0, 0)] - 4.0).abs() <= 1e-9);
    }
}

/// The weights of the same problem times 2^500 or 2^-500: their squares are beyond the range of f64, the answer is not.
#[test]
fn the_scale_of_the_weights_does_not_matter_until_the_loss_leaves_f64() {
    let with = |scale: f64| {
        low_rank(
            "[[1, 1.1], [1, -1]]",
            &format!("[[{0:e}, {scale:e}], [{scale:e}, {0:e}]]", 1.25 * scale),
            1,
        )
    };
    let plain = solved(&with(1.0), None, AUTO).unwrap();
    for exponent in [500, -500] {
        let scaled = solved(&with(2f64.powi(exponent)), None, AUTO).unwrap();
        assert_eq!(scaled.x, plain.x);
        assert_eq!(scaled.loss, plain.loss * 2f64.powi(2 * exponent));
    }
    for exponent in [520, -520] {
        let error = solved(&with(2f64.powi(exponent)), None, AUTO).unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with("the loss is beyond the range of f64"),
            "{error}"
        );
    }
}

/// At X = 0 every row of F is the same, F A3 has rank 1, and Y cannot be eliminated around it.
#[test]
fn a_start_at_zero_is_refused_for_attention() {
    let two = r#"{"system": "single-layer-attention", "A1": [[0], [2], [-3]], "A2": [[2], [0], [0]],
        "A3": [[-1, 0], [4, 1], [-2, 1]], "B": [[2], [1], [2]]}"#;
    let error = solved(&given(two), Some(&[0.0, 1.0, 1.0]), AUTO).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("start: F A3 has rank 1 there instead of 2"),
        "{error}"
    );
    let ridged = two.replace("\"B\"", "\"ridge\": 0.5, \"B\"");
    assert!(solved(&given(&ridged), Some(&[0.0, 1.0, 1.0]), AUTO).is_ok());
    assert!(solved(&given(two), None, AUTO).is_ok());
}

/// One token: F is 1, X is invisible, Y is a line fitted to one point.
#[test]
fn what_the_loss_does_not_see_is_named_and_of_least_norm() {
    let given = given(
        r#"{"system": "single-layer-attention", "A1": [[1]], "A2": [[2]], "A3": [[0.5]], "B": [[1]]}"#,
    );
    let solution = solved(&given, Some(&[7.0, 0.0]), AUTO).unwrap();
    assert_eq!(solution.outcome, Outcome::Singular);
    assert_eq!(solution.x.as_slice(), [0.0, 2.0]);
    assert!(solution.warnings[0].starts_with("1 of 1 directions of X do not change the loss"));
}

/// Of 2 x 2 entries of X a column of ones in A2 leaves rank(A1) rank((I - 11'/n) A2) = 2 x 1, by hand.
#[test]
fn a_constant_column_of_a2_hides_a_row_of_directions_of_x() {
    let given = given(
        r#"{"system": "single-layer-attention", "A1": [[1, 0], [0, 1], [1, 1], [2, -1]], "A2": [[1, 1], [1, 2], [1, -1], [1, 0]],
        "A3": [[1], [2], [-1], [0.5]], "B": [[0.5, 1], [1, 0.25], [0, 0.5], [0.75, 0.5]]}"#,
    );
    let solution = solved(&given, None, AUTO).unwrap();
    assert!(
        solution.warnings.iter().any(|warning| warning
            == "2 of 4 directions of X do not change the loss: X is that of least norm"),
        "{:?}",
        solution.warnings
    );
    assert!(!solution.outcome.is_success());
    // What is left of X carries nothing of what is not seen: its first column is 0.
    assert_eq!([solution.x[0], solution.x[2]], [0.0, 0.0]);
}

/// A1 = A2 = A3 = (1, -1)', B = (2, -2)', mu = 1: with t = tanh(x) the least loss over Y is `4 - 4 t^2 / (t^2 + 1) + 2 w^2 x^2`, Y = 0 at
/// x = 0, and the second derivative there is `4 w^2 - 8`: a saddle of the loss of X and Y for w^2 < 2.
fn with_saddle(weight: f64) -> Given {
    given(&format!(
        r#"{{"system": "single-layer-attention", "A1": [[1], [-1]], "A2": [[1], [-1]], "A3": [[1], [-1]], "B": [[2], [-2]],
        "ridge": 1, "weights": {weight}}}"#
    ))
}

#[test]
fn a_saddle_at_y_zero_is_left_where_the_loss_falls() {
    let solution = solved(&with_saddle(0.5), Some(&[0.0, 0.0]), AUTO).unwrap();
    assert!(solution.outcome.is_success(), "{}", solution.outcome);
    let x = solution.x[0];
    let square = x.tanh().powi(2);
    let loss = 4.0 - 4.0 * square / (square + 1.0) + 0.5 * x * x;
    assert!((solution.loss - loss).abs() <= 1e-14, "{}", solution.loss);
    assert!(solution.loss < 3.5 && x.abs() > 0.5, "{x}");
}

/// For w = 1.3 a step of length one in whitened X, x = 1/2, raises the loss by 0.14, and no shorter one is allowed.
#[test]
fn a_saddle_at_y_zero_that_is_not_left_is_called_not_convex() {
    let settings = Settings::default().with_max_halvings(1);
    let (solution, _) = solve_system(
        &with_saddle(1.3),
        Some(&[0.0, 0.0]),
        AUTO,
        &settings,
        &mut |_| ControlFlow::Continue(()),
    )
    .unwrap();
    assert_eq!(solution.outcome, Outcome::NotConvex);
    assert_eq!(solution.x[0], 0.0);
    assert!(solution.x[1].abs() < 1e-30, "{}", solution.x[1]);
    assert_eq!(solution.error_bound, None);
    assert_eq!(
        solution.error_bound_basis,
        "no bound: the run ended as not-convex"
    );
}

/// The residuals of B = 0 are met by Y = 0 for every X.
#[test]
fn a_target_of_zeros_leaves_x_undetermined() {
    let given = given(
        r#"{"system": "single-layer-attention", "A1": [[0], [2], [-3]], "A2": [[2], [0], [0]], "A3": [[-1], [4], [-2]], "B": [[0], [0], [0]]}"#,
    );
    let solution = solved(&given, None, AUTO).unwrap();
    assert_eq!(solution.outcome, Outcome::Singular);
    assert_eq!((solution.loss, solution.x[1]), (0.0, 0.0));
}

/// The edge cases of logits, ranks and sizes: one line each, or an outcome, never a number that is none.
#[test]
fn what_attention_cannot_use_is_one_line() {
    let with = |from: &str, to: &str| {
        let plain = r#"{"system": "single-layer-attention", "A1": [[0], [2], [-3]], "A2": [[2], [0], [0]], "A3": [[-1], [4], [-2]], "B": [[2], [1], [2]]}"#;
        assert!(plain.contains(from));
        solved(&given(&plain.replace(from, to)), None, AUTO)
    };
    let refused = |from: &str, to: &str| with(from, to).unwrap_err().to_string();
    let nothing = |from: &str, to: &str| with(from, to).unwrap();
    for (from, to, line) in [
        (
            "[[0], [2], [-3]]",
            "[[1e300], [1e300], [1]]",
            "a factorisation of A1 did not converge",
        ),
        (
            "\"B\"",
            "\"weights\": 1e200, \"B\"",
            "weights^2[0] overflows f64 (it came out as inf)",
        ),
        (
            "[[2], [1], [2]]",
            "[[1e200], [1], [2]]",
            "start: loss[0] overflows f64 (it came out as NaN)",
        ),
    ] {
        assert_eq!(refused(from, to), line);
    }
    // A3 = 0: Y is invisible, X too, and the loss is that of B.
    let solution = nothing("[[-1], [4], [-2]]", "[[0], [0], [0]]");
    assert_eq!(solution.outcome, Outcome::Singular);
    assert_eq!(solution.loss, 4.5);
    // All rows of A2 equal: X is invisible.
    let solution = nothing("[[2], [0], [0]]", "[[2], [2], [2]]");
    assert_eq!(solution.outcome, Outcome::Singular);
    assert!(
        solution.warnings[0].starts_with("1 of 1 directions of X"),
        "{:?}",
        solution.warnings
    );
}

#[test]
fn what_no_method_takes_is_refused_by_name() {
    let square = low_rank("[[1, 2], [3, 4]]", "[[1, 1], [1, 1]]", 1);
    let refused = |given: &Given, start: Option<&[f64]>, method: &str| {
        solved(given, start, method).unwrap_err().to_string()
    };
    assert_eq!(
        refused(&square, None, "exact"),
        "method exact is for losses of logits: system \"weighted-low-rank\" is solved by variable-projection, alternating"
    );
    assert_eq!(
        refused(
            &low_rank("[[1, 2], [3, 4]]", "[[1, 1], [1, 1]]", 3),
            None,
            AUTO
        ),
        "method auto does not take this: rank is 3, but M is 2 x 2"
    );
    assert_eq!(
        refused(&square, Some(&[1.0]), AUTO),
        "start: point has 1 entries, expected 4"
    );
    assert_eq!(
        refused(&square, Some(&[1.0, 1.0, f64::NAN, 1.0]), AUTO),
        "start: Y[0, 0] is NaN: every entry must be finite"
    );
}
