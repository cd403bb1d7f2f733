//! Attention kernel regression on real keys, against mpmath; and the same bits for any number of threads.

use std::ops::ControlFlow;
use std::path::Path;

use attention_regression::instance::files::npy;
use attention_regression::production::{AUTO, Settings, Solution, solve_system};
use attention_regression::system::{ATTENTION_KERNEL_REGRESSION, Array, Given};
use serde::Deserialize;

use crate::threads::same_on_one_and_three;

const HEADS: [&str; 3] = ["layer0-head5", "layer2-head11", "layer5-head0"];

/// A head of fixtures/systems/keys_mpmath.py.
#[derive(Deserialize)]
struct Head {
    head: String,
    x: Vec<String>,
}

/// The first keys of a head, in the scale of its model.
fn posed(head: &str, rows: usize) -> Given {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/systems")
        .join(format!("{head}-K.npy"));
    let keys = npy::read_matrix(&path).unwrap().to_matrix();
    let keys = keys.rows(0, rows.min(keys.nrows())) / 32f64.sqrt().sqrt();
    let target = (0..keys.nrows()).map(|i| 1.0 - 2.0 * (i % 2) as f64);
    let arrays = vec![
        ("matrix".to_owned(), Array::matrix(&keys)),
        ("kind".to_owned(), Array::scalar(2.0)),
        ("ridge".to_owned(), Array::scalar(0.01)),
        (
            "target".to_owned(),
            Array::vector(&target.collect::<Vec<f64>>().into()),
        ),
    ];
    Given::new(&ATTENTION_KERNEL_REGRESSION, arrays).unwrap()
}

fn solved(given: &Given, method: &str) -> Solution {
    let settings = Settings::default();
    solve_system(given, None, method, &settings, &mut |_| {
        ControlFlow::Continue(())
    })
    .unwrap()
    .0
}

#[test]
fn the_first_keys_of_three_heads_are_solved_within_the_bound() {
    let heads: Vec<Head> =
        serde_json::from_str(include_str!("../../fixtures/systems/keys_mpmath.json")).unwrap();
    assert_eq!(heads.len(), 3);
    for head in &heads {
        let given = posed(&head.head, head.x.len());
        for method in [AUTO, "cholesky", "conjugate-gradients"] {
            let solution = solved(&given, method);
            let what = format!("{} by {method}", head.head);
            assert!(
                solution.outcome.is_success(),
                "{what}: {}",
                solution.outcome
            );
            let exact: Vec<f64> = head.x.iter().map(|text| text.parse().unwrap()).collect();
            let exact = nalgebra::DVector::from_vec(exact);
            let off = (&solution.x - &exact).norm();
            let bound = solution.error_bound.unwrap();
            assert!(bound <= 1e-7 * exact.norm(), "{what}: {bound:e}");
            // Reading the decimals into f64 is a rounding more.
            let allowed = bound + f64::EPSILON * exact.norm();
            assert!(off <= allowed, "{what}: {off:e} {bound:e}");
        }
    }
}

/// All 441 keys, lambda = 0.01: by both methods, whose answers differ by no more than their bounds together.
#[test]
fn all_keys_of_three_heads_are_solved_by_both_methods() {
    for head in HEADS {
        let given = posed(head, 441);
        let [direct, iterated] = ["cholesky", "conjugate-gradients"].map(|method| {
            let solution = solved(&given, method);
            assert!(
                solution.outcome.is_success(),
                "{head} by {method}: {} {:?}",
                solution.outcome,
                solution.warnings
            );
            solution
        });
        let bounds = direct.error_bound.unwrap() + iterated.error_bound.unwrap();
        let off = (&direct.x - &iterated.x).norm();
        assert!(off <= bounds, "{head}: {off:e} {bounds:e}");
        assert!(bounds <= 1e-6 * direct.x.norm(), "{head}: {bounds:e}");
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let given = posed("layer0-head5", 200);
    for method in ["cholesky", "conjugate-gradients"] {
        same_on_one_and_three(|| {
            let found = solved(&given, method);
            (found.x, found.error_bound)
        });
    }
}
