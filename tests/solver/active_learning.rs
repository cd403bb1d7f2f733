//! Active learning by every method: the same bits for any number of threads.

use std::ops::ControlFlow;

use attention_regression::production::{Settings, solve_system};
use attention_regression::system::{Array, Given, Sizes, generator};

use crate::threads::same_on_one_and_three;

/// 4096 points and 6 functions.
fn posed() -> Given {
    let sizes = Sizes {
        rows: 4096,
        width: 6,
        columns: None,
    };
    let drawn = generator("legendre-pool").unwrap().draw(&sizes, 3, 0);
    let budget = Array::scalar(40.0);
    drawn.unwrap().with_array("budget", budget).unwrap()
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let given = posed();
    for method in ["greedy-d-optimal", "leverage-draws", "randomised-bss"] {
        same_on_one_and_three(|| {
            let settings = Settings::default();
            let (solution, _) = solve_system(&given, None, method, &settings, &mut |_| {
                ControlFlow::Continue(())
            })
            .unwrap();
            let read = solution.labels_read.unwrap();
            assert!((6..=40).contains(&read), "{method}: {read}");
            format!("{method}: {solution:?}")
        });
    }
}
