//! What every method for a linear or a federated system promises.

use std::ops::ControlFlow;

use attention_regression::production::{Settings, Solution, SystemError, solve_system};
use attention_regression::system::Given;

/// Solves twice: the same answer, finite, or one line that refuses. Gives it where it has a bound.
pub fn solved(given: &Given, method: &str, settings: &Settings) -> Option<(Solution, f64)> {
    let solve = || -> Result<Solution, SystemError> {
        solve_system(given, None, method, settings, &mut |_| {
            ControlFlow::Continue(())
        })
        .map(|(solution, _)| solution)
    };
    let found = solve();
    assert_eq!(
        format!("{found:?}"),
        format!("{:?}", solve()),
        "another run gave another answer"
    );
    let solution = match found {
        Ok(solution) => solution,
        Err(error) => {
            let text = error.to_string();
            assert!(
                !text.is_empty() && !text.contains(char::is_control),
                "{text:?}"
            );
            return None;
        }
    };
    let numbers = [
        solution.loss,
        solution.gradient_norm,
        solution.start_gradient_norm,
    ];
    for number in solution.x.iter().chain(&numbers) {
        assert!(number.is_finite(), "{solution:?}");
    }
    let Some(bound) = solution.error_bound else {
        let basis = &solution.error_bound_basis;
        assert!(
            basis.starts_with("none: ") || basis.starts_with("no bound: "),
            "{basis}"
        );
        return None;
    };
    assert!(bound.is_finite() && bound >= 0.0, "{bound}");
    Some((solution, bound))
}
