//! Attention kernel regression on real keys, against mpmath; and the same bits for any number of threads.

use std::ops::ControlFlow;
use std::path::Path;

use attention_regression::instance::files::npy;
use attention_regression::production::{AUTO, Outcome, Settings, Solution, solve_system};
use attention_regression::system::{ATTENTION_KERNEL_REGRESSION, Array, Given};
use serde::Deserialize;

/// A head of fixtures/systems/keys_mpmath.py.
#[derive(Deserialize)]
struct Head {
    head: String,
    norm: String,
    every: usize,
    x: Vec<String>,
}

fn posed(head: &str) -> Given {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/systems")
        .join(format!("{head}-K.npy"));
    let keys = npy::read_matrix(&path).unwrap().to_matrix() / 32f64.sqrt().sqrt();
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

/// Condition numbers of exp(A A') from 1e9 to 1e15, of G from 1.6 to 3e6: one rounding of x is far below the bound, which is
/// far below x.
#[test]
fn the_keys_of_three_heads_are_solved_within_the_bound() {
    let heads: Vec<Head> =
        serde_json::from_str(include_str!("../../fixtures/systems/keys_mpmath.json")).unwrap();
    assert_eq!(heads.len(), 3);
    for head in &heads {
        let given = posed(&head.head);
        for method in [AUTO, "cholesky", "conjugate-gradients"] {
            let solution = solved(&given, method);
            let what = format!("{} by {method}", head.head);
            assert!(
                solution.outcome.is_success(),
                "{what}: {} {:?}",
                solution.outcome,
                solution.warnings
            );
            let bound = solution.error_bound.unwrap();
            let size: f64 = head.norm.parse().unwrap();
            assert!(bound <= 1e-6 * size, "{what}: {bound:e} of {size:e}");
            let square: f64 = head
                .x
                .iter()
                .enumerate()
                .map(|(k, text)| {
                    let exact: f64 = text.parse().unwrap();
                    (solution.x[k * head.every] - exact).powi(2)
                })
                .sum();
            // Rounding the decimals to f64 is a rounding of the norm more.
            let allowed = bound + f64::EPSILON * size;
            assert!(
                square.sqrt() <= allowed,
                "{what}: {:e} {bound:e}",
                square.sqrt()
            );
        }
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let given = posed("layer0-head5");
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.unwrap()
            .install(|| solved(&given, "conjugate-gradients"))
    };
    let (one, three) = (on(1), on(3));
    assert_eq!(one.x, three.x);
    assert_eq!(one.error_bound, three.error_bound);
    assert_eq!(one.outcome, three.outcome);
    assert_ne!(one.outcome, Outcome::Singular);
}
