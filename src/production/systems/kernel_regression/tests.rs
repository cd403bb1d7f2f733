//! Every method against mpmath's answers, and what statuses and bounds say.

use serde::Deserialize;
use serde_json::Value;

use crate::production::systems::linear::test_support::{cancelling, distance, given, solved};
use crate::production::{Outcome, Settings};
use crate::scalar::High;

/// An answer of fixtures/oracle/kernel_regression_mpmath.py.
#[derive(Deserialize)]
struct Entry {
    name: String,
    manifest: Value,
    unique: bool,
    x: Vec<String>,
}

fn table() -> Vec<Entry> {
    serde_json::from_str(include_str!(
        "../../../../fixtures/oracle/kernel_regression_mpmath.json"
    ))
    .unwrap()
}

fn methods(kind: &str) -> &'static [&'static str] {
    if kind == "kernel" {
        &["auto", "cholesky", "conjugate-gradients"]
    } else {
        &["auto", "triangular-factor"]
    }
}

#[test]
fn every_answer_of_mpmath_is_reached_within_the_bound() {
    let table = table();
    assert_eq!(table.len(), 24);
    for entry in &table {
        let given = given(&entry.manifest.to_string());
        for method in methods(given.word("kind")) {
            let solution = solved(&given, method, &Settings::default()).unwrap();
            let what = format!("{} by {method}", entry.name);
            let (off, size) = distance(solution.x.as_slice(), &entry.x);
            if entry.unique {
                assert!(
                    solution.outcome.is_success(),
                    "{what}: {} {:?} {:e} {:e} {:e}",
                    solution.outcome,
                    solution.warnings,
                    solution.gradient_norm,
                    solution.start_gradient_norm,
                    solution.gradient_noise.unwrap()
                );
                let bound = solution.error_bound.unwrap_or_else(|| panic!("{what}"));
                assert!(off <= bound, "{what}: {off:e} beyond {bound:e}");
                assert!(bound <= 1e-8 * size, "{what}: {bound:e} of {size:e}");
                if given.word("kind") != "kernel" {
                    // A rounding of each entry, or two.
                    assert!(
                        bound <= 2.0 * f64::EPSILON * size,
                        "{what}: {bound:e} of {size:e}"
                    );
                }
            } else {
                assert_eq!(solution.outcome, Outcome::Singular, "{what}");
                assert!(off <= 1e-11 * size, "{what}: {off:e} of {size:e}");
                match solution.error_bound {
                    Some(bound) => assert!(off <= bound, "{what}: {off:e} beyond {bound:e}"),
                    None => assert!(solution.error_bound_basis.starts_with("none: "), "{what}"),
                }
            }
        }
    }
}

#[test]
fn without_a_bound_the_answers_are_as_good() {
    for entry in table().iter().filter(|entry| entry.unique) {
        let given = given(&entry.manifest.to_string());
        let settings = Settings::default().with_certify(false);
        let solution = solved(&given, "auto", &settings).unwrap();
        assert!(
            solution.outcome.is_success(),
            "{}: {}",
            entry.name,
            solution.outcome
        );
        assert_eq!(solution.error_bound, None);
        let (off, size) = distance(solution.x.as_slice(), &entry.x);
        assert!(off <= 1e-7 * size, "{}: {off:e} of {size:e}", entry.name);
    }
}

/// `A'b` is off by a part of itself: a bound that counts roundings of the answer only is passed a hundred million times.
#[test]
fn a_target_nearly_orthogonal_to_the_range_is_projected_within_the_bound() {
    for seed in 0..12 {
        let (a, b, exact) = cancelling(seed);
        let a: Vec<[i64; 1]> = a.into_iter().map(|a| [a]).collect();
        let manifest = serde_json::json!({"system": "attention-kernel-regression", "kind": "odd", "power": 0, "matrix": a, "target": b});
        let given = given(&manifest.to_string());
        let solution = solved(&given, "triangular-factor", &Settings::default()).unwrap();
        let (off, size) = distance(solution.x.as_slice(), &[exact]);
        let bound = solution.error_bound.unwrap();
        assert!(off <= bound, "{seed}: {off:e} beyond {bound:e} at {size:e}");
    }
}

/// By hand: five equal rows, and targets whose sum is their smallest, below what two f64 hold of the others. The answer of least norm has
/// five entries `mean / (5 exp(1/4))`.
#[test]
fn means_of_repeated_rows_that_cancel_are_within_the_bound() {
    let (middle, small) = (0.7 * 2f64.powi(-53), 0.9 * 2f64.powi(-100));
    let target = [1.0, middle, small, -1.0, -middle];
    let manifest = serde_json::json!({
        "system": "attention-kernel-regression", "kind": "kernel", "matrix": [[0.5], [0.5], [0.5], [0.5], [0.5]], "target": target
    });
    let given = given(&manifest.to_string());
    let entry = High::lift(small).unwrap() / (High::int(25) * High::ratio(1, 4).exp());
    let exact = vec![entry.to_string(); 5];
    for method in methods("kernel") {
        let solution = solved(&given, method, &Settings::default()).unwrap();
        let (off, size) = distance(solution.x.as_slice(), &exact);
        let bound = solution.error_bound.unwrap();
        assert!(
            off <= bound,
            "{method}: {off:e} beyond {bound:e} at {size:e}"
        );
    }
}
