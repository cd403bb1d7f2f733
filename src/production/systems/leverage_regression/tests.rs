//! Every method against mpmath's answers, and what statuses, bounds and proofs say.

use serde::Deserialize;
use serde_json::Value;

use super::bound_excess;
use crate::production::systems::linear::test_support::{cancelling, distance, given, solved};
use crate::production::{Outcome, Settings};
use crate::system::{Array, Given, LEVERAGE_REGRESSION};

/// An answer of fixtures/oracle/leverage_regression_mpmath.py.
#[derive(Deserialize)]
struct Entry {
    name: String,
    manifest: Value,
    x: Vec<String>,
    loss: String,
}

impl Entry {
    fn given(&self) -> Given {
        given(&self.manifest.to_string())
    }

    fn exact(&self) -> Vec<f64> {
        self.x.iter().map(|text| text.parse().unwrap()).collect()
    }
}

fn table() -> Vec<Entry> {
    serde_json::from_str(include_str!(
        "../../../../fixtures/oracle/leverage_regression_mpmath.json"
    ))
    .unwrap()
}

/// Whether the condition number is 2^27 or more.
fn is_ill_conditioned(entry: &Entry) -> bool {
    let names = ["Longley", "2^-27", "leverage near 1"];
    names.iter().any(|name| entry.name.contains(name))
}

#[test]
fn every_answer_of_the_table_is_reached_within_its_bound() {
    for entry in table() {
        let given = entry.given();
        let found = solved(&given, "auto", &Settings::default()).unwrap();
        assert!(found.outcome.is_success(), "{}: {found:?}", entry.name);
        let (off, size) = distance(found.x.as_slice(), &entry.x);
        let bound = found.error_bound.unwrap();
        assert!(off <= bound, "{}: {off:e} > {bound:e}", entry.name);
        // Roundings of the entries, and what is left in twice the precision: u^2 kappa^2 for condition numbers of 2^28.
        let share = if is_ill_conditioned(&entry) {
            1e-9
        } else {
            5e-16
        };
        assert!(
            bound <= share * size,
            "{}: {bound:e} of {size:e}",
            entry.name
        );
        let loss: f64 = entry.loss.parse().unwrap();
        // Rounding x moves a perfect fit off 0, and columns of condition 2^27 by 2^-106 2^54 of the size of b.
        let allowed = 1e-12 * loss + 1e-29;
        assert!(
            (found.loss - loss).abs() <= allowed,
            "{}: {}",
            entry.name,
            found.loss
        );
    }
}

/// Without a bound nothing is refined unless it has to be: the answer is as good as a factor makes it.
#[test]
fn plain_solves_and_conjugate_gradients_reach_the_answers_that_rounding_allows() {
    for entry in table() {
        if is_ill_conditioned(&entry) {
            continue;
        }
        let given = entry.given();
        for method in ["triangular-factor", "conjugate-gradients"] {
            let settings = Settings::default().with_certify(false);
            let found = solved(&given, method, &settings).unwrap();
            assert!(
                found.outcome.is_success(),
                "{} {method}: {found:?}",
                entry.name
            );
            assert_eq!(found.error_bound, None);
            let (off, size) = distance(found.x.as_slice(), &entry.x);
            assert!(off <= 1e-9 * size, "{} {method}: {off:e}", entry.name);
        }
    }
}

/// `x = x* + t e_0` has the excess `t^2 (A'A + lambda I)_00`, whatever the rest: twice the difference of the losses.
#[test]
fn the_excess_of_any_point_is_enclosed() {
    for entry in table() {
        let given = entry.given();
        let a = given.matrix("matrix", "n", "d");
        let loss: f64 = entry.loss.parse().unwrap();
        let [low, high] = bound_excess(&given, &entry.exact()).unwrap().relative;
        assert!(loss == 0.0 || low < 1e-10, "{}: {low:e}", entry.name);
        assert!(loss > 0.0 || high.is_infinite(), "{}", entry.name);
        let size = a.column(0).norm();
        let curvature = size * size + given.scalar("ridge");
        if loss == 0.0 || !curvature.is_finite() {
            continue;
        }
        for share in [1e-6, 0.1, 3.0] {
            // 2 (L - L*) = share 2 L*.
            let step = (share * 2.0 * loss / curvature).sqrt();
            let mut x = entry.exact();
            x[0] += step;
            let excess = bound_excess(&given, &x).unwrap();
            let [low, high] = excess.relative;
            // What rounding x* + t does to it: two roundings of x* beside the step.
            let off = 1e-15 * x[0].abs() / step + 1e-9;
            assert!(
                low <= share * (1.0 + off) && share * (1.0 - off) <= high,
                "{}: {low:e} {share} {high:e}",
                entry.name
            );
            assert!(
                high - low <= 1e-3 * share,
                "{}: {low:e} {high:e}",
                entry.name
            );
            let (worst, within) = excess.worst_column;
            assert_eq!(worst, 0, "{}", entry.name);
            assert!(within[1] >= high * (1.0 - 1e-9));
        }
    }
}

#[test]
fn what_nothing_can_be_proven_about_is_refused() {
    let twice = given(
        r#"{ "system": "leverage-regression", "matrix": [[1, 1], [2, 2], [3, 3]], "target": [1, 0, 2] }"#,
    );
    let line = |given: &Given, x: &[f64]| bound_excess(given, x).unwrap_err().to_string();
    assert_eq!(
        line(&twice, &[0.0, 0.0]),
        "the columns of A are dependent to rounding, and no ridge is above it"
    );
    assert_eq!(line(&twice, &[0.0]), "start: x has 1 entries, expected 2");
    assert_eq!(
        line(&twice, &[0.0, f64::NAN]),
        "start: x[1] is NaN: every entry must be finite"
    );
    let other = given(r#"{ "system": "weighted-low-rank", "M": [[1]], "W": [[1]], "rank": 1 }"#);
    assert_eq!(
        line(&other, &[0.0, 0.0]),
        "it solves leverage-regression only"
    );
}

/// The answer of least norm for A = (1, 1; 2, 2; 3, 3): half of a'b / a'a = 7/14 in each entry; by hand.
#[test]
fn dependent_columns_have_an_answer_of_least_norm() {
    for method in ["auto", "conjugate-gradients", "sampled-rows"] {
        let twice = given(
            r#"{ "system": "leverage-regression", "matrix": [[1, 1], [2, 2], [3, 3]], "target": [[1, 0], [0, 0], [2, 0]] }"#,
        );
        let found = solved(&twice, method, &Settings::default()).unwrap();
        assert_eq!(found.outcome, Outcome::Singular);
        for (found, expected) in found.x.iter().zip([0.25, 0.0, 0.25, 0.0]) {
            assert!((found - expected).abs() < 1e-15, "{found}");
        }
        assert_eq!(
            found.warnings[0],
            "A has 2 columns and rank 1: x is the minimiser of least norm"
        );
    }
}

/// 2000 rows of which one is a thousand times as long.
fn tall(right: &str) -> Given {
    let entry = |k: usize| ((k * 7919) % 2003) as f64 / 1024.0 - 1.0;
    let rows: Vec<String> = (0..2000)
        .map(|i| {
            let size = if i == 17 { 1000.0 } else { 1.0 };
            let row: Vec<String> = (0..4)
                .map(|j| (size * entry(i * 31 + j * 577 + i * i % 97)).to_string())
                .collect();
            format!("[{}]", row.join(","))
        })
        .collect();
    let target: Vec<String> = (0..2000)
        .map(|i| {
            let (b, c) = (entry(i * 13 + 5), entry(i * i % 1009));
            if right.is_empty() {
                b.to_string()
            } else {
                format!("[{b}, {c}]")
            }
        })
        .collect();
    given(&format!(
        r#"{{ "system": "leverage-regression", "accuracy": 0.25, "matrix": [{}], "target": [{}] }}"#,
        rows.join(","),
        target.join(",")
    ))
}

#[test]
fn a_sample_is_accepted_by_proof_and_depends_on_the_seed_only() {
    for right in ["", "two"] {
        let given = tall(right);
        let run = |seed: u64| {
            let settings = Settings::default().with_seed(seed);
            solved(&given, "sampled-rows", &settings).unwrap()
        };
        let found = run(3);
        assert_eq!(
            found.outcome,
            Outcome::WithinAccuracy,
            "{:?}",
            found.warnings
        );
        assert_eq!(format!("{found:?}"), format!("{:?}", run(3)));
        assert_ne!(found.x, run(4).x);
        let excess = bound_excess(&given, found.x.as_slice()).unwrap();
        assert!(excess.relative[1] <= 0.25 && excess.relative[0] > 0.0);
        let exact = solved(&given, "auto", &Settings::default()).unwrap();
        let ratio = found.loss / exact.loss - 1.0;
        assert!(
            excess.relative[0] <= ratio * (1.0 + 1e-9)
                && ratio <= excess.relative[1] * (1.0 + 1e-9)
        );
    }
}

/// A ridge below the rounding of A'A does not make dependent columns independent.
#[test]
fn a_ridge_below_rounding_is_said_to_be() {
    let twice = given(
        r#"{ "system": "leverage-regression", "matrix": [[1, 1], [2, 2], [3, 3]], "target": [1, 0, 2], "ridge": 1e-300 }"#,
    );
    let found = solved(&twice, "auto", &Settings::default()).unwrap();
    assert_eq!(found.outcome, Outcome::Singular);
    assert!(
        found.warnings[0].contains("the ridge is below the rounding"),
        "{:?}",
        found.warnings
    );
    assert!((found.x[0] - 0.25).abs() < 1e-15);
}

/// No equation: every x has a loss of 0, and 0 the least norm.
#[test]
fn no_rows_are_a_problem_with_an_answer() {
    let arrays = vec![
        ("matrix".to_owned(), Array::new(vec![0, 2], vec![]).unwrap()),
        ("target".to_owned(), Array::new(vec![0], vec![]).unwrap()),
    ];
    let nothing = Given::new(&LEVERAGE_REGRESSION, arrays).unwrap();
    for method in ["auto", "conjugate-gradients", "sampled-rows"] {
        let found = solved(&nothing, method, &Settings::default()).unwrap();
        assert_eq!(found.outcome, Outcome::Singular, "{method}");
        assert_eq!(found.x.as_slice(), [0.0, 0.0]);
    }
}

/// As for the kernel: a right side whose projection cancels in twice the precision.
#[test]
fn a_target_nearly_orthogonal_to_the_range_is_within_the_bound() {
    for seed in 0..12 {
        let (a, b, exact) = cancelling(seed);
        let a: Vec<[i64; 1]> = a.into_iter().map(|a| [a]).collect();
        let manifest =
            serde_json::json!({"system": "leverage-regression", "matrix": a, "target": b});
        let given = given(&manifest.to_string());
        let found = solved(&given, "triangular-factor", &Settings::default()).unwrap();
        let (off, size) = distance(found.x.as_slice(), &[exact]);
        let bound = found.error_bound.unwrap();
        assert!(off <= bound, "{seed}: {off:e} beyond {bound:e} at {size:e}");
    }
}
