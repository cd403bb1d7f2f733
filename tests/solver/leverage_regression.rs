//! Linear regression by every method: the same bits for any number of threads.

use std::ops::ControlFlow;

use attention_regression::production::{Settings, bound_excess, solve_system};
use attention_regression::system::{Array, Given, LEVERAGE_REGRESSION};

use crate::threads::same_on_one_and_three;

/// 5000 rows and 6 columns, two right sides; entries by a linear congruence.
fn posed() -> Given {
    let (n, d) = (5000, 6);
    let mut state = 1_u64;
    let mut entries = |count: usize| -> Vec<f64> {
        (0..count)
            .map(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                ((state >> 40) as f64) / f64::from(1 << 23) - 1.0
            })
            .collect()
    };
    let arrays = vec![
        (
            "matrix".to_owned(),
            Array::new(vec![n, d], entries(n * d)).unwrap(),
        ),
        (
            "target".to_owned(),
            Array::new(vec![n, 2], entries(2 * n)).unwrap(),
        ),
        ("accuracy".to_owned(), Array::scalar(0.25)),
    ];
    Given::new(&LEVERAGE_REGRESSION, arrays).unwrap()
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let given = posed();
    for method in ["triangular-factor", "conjugate-gradients", "sampled-rows"] {
        same_on_one_and_three(|| {
            let settings = Settings::default();
            let (solution, _) = solve_system(&given, None, method, &settings, &mut |_| {
                ControlFlow::Continue(())
            })
            .unwrap();
            assert!(
                solution.outcome.is_success(),
                "{method}: {:?}",
                solution.warnings
            );
            let excess = bound_excess(&given, solution.x.as_slice()).unwrap();
            assert!(excess.relative[1] <= 0.25, "{method}: {excess:?}");
            format!("{method}: {solution:?} {excess:?}")
        });
    }
}
