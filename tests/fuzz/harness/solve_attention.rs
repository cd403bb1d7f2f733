//! The solver on small instances of single-layer attention, built from bytes.

use std::ops::ControlFlow;

use attention_regression::oracle::{Reference, lift_vector, minimise};
use attention_regression::production::{AUTO, Outcome, Settings, Solution, solve_system};
use attention_regression::system::{Array, Given, SINGLE_LAYER_ATTENTION};

use super::bytes::Bytes;

/// More bytes than the largest case reads.
const LONGEST: usize = 1 << 9;
/// Most tokens, and columns of each array.
const TOKENS: usize = 5;
const COLUMNS: usize = 3;
/// Most unknowns for which the 40 digits take no more than some milliseconds.
const MOST_UNKNOWNS: usize = 4;
/// Numbers outside this range leave the exponents of the 40-digit numbers when they are multiplied.
const RANGE: std::ops::Range<f64> = 1e-20..1e20;

/// Any bytes: the solver ends, with an answer that keeps its promises or with one line about its input.
pub fn run(bytes: &[u8]) {
    if bytes.len() > LONGEST {
        return;
    }
    let mut bytes = Bytes::of(bytes);
    let n = 1 + bytes.below(TOKENS);
    let [d1, d2, d3, m] = [(); 4].map(|()| 1 + bytes.below(COLUMNS));
    let flags = bytes.byte();
    let mut draw = |rows: usize, columns: usize| bytes.numbers(rows * columns);
    let (a1, mut a2, a3, b) = (draw(n, d1), draw(n, d2), draw(n, d3), draw(n, m));
    if flags & 1 != 0 {
        a2.iter_mut().step_by(d2).for_each(|entry| *entry = 1.0);
    }
    let array = |columns, entries| Array::new(vec![n, columns], entries).unwrap();
    let mut arrays = vec![
        ("A1".to_owned(), array(d1, a1)),
        ("A2".to_owned(), array(d2, a2)),
        ("A3".to_owned(), array(d3, a3)),
        ("B".to_owned(), array(m, b)),
    ];
    if flags & 2 != 0 {
        arrays.push(("weights".to_owned(), Array::scalar(draw(1, 1)[0])));
    }
    if flags & 4 != 0 {
        arrays.push(("ridge".to_owned(), Array::scalar(draw(1, 1)[0].abs())));
    }
    let start = (flags & 8 != 0).then(|| draw(1, d1 * d2 + d3 * m));
    // What a manifest may not hold is refused before any solver sees it.
    let Ok(given) = Given::new(&SINGLE_LAYER_ATTENTION, arrays) else {
        return;
    };
    let settings = Settings::default().with_max_iterations(60);
    let solve = || {
        solve_system(&given, start.as_deref(), AUTO, &settings, &mut |_| {
            ControlFlow::Continue(())
        })
    };
    match solve() {
        Ok((solution, _)) => {
            let again = format!("{:?}", solve().map(|(solution, _)| solution));
            let first = format!("{:?}", Ok::<_, ()>(&solution));
            assert_eq!(first, again, "another run gave another answer");
            check(&given, &settings, &solution);
        }
        Err(error) => {
            let text = error.to_string();
            assert!(!text.is_empty() && !text.contains('\n'), "{text:?}");
        }
    }
}

fn check(given: &Given, settings: &Settings, solution: &Solution) {
    assert!(
        solution.x.iter().all(|entry| entry.is_finite()),
        "{solution:?}"
    );
    assert!(
        solution.loss.is_finite() && solution.loss >= 0.0,
        "{solution:?}"
    );
    let sizes = [
        Some(solution.gradient_norm),
        solution.gradient_noise,
        solution.error_bound,
    ];
    for size in sizes.into_iter().flatten() {
        assert!(size >= 0.0, "{solution:?}");
    }
    assert!(solution.error_bound.is_none_or(f64::is_finite));
    assert!(!solution.error_bound_basis.is_empty());
    if solution.outcome == Outcome::Converged {
        let small = settings.tolerance * solution.start_gradient_norm;
        assert!(solution.gradient_norm <= small, "{solution:?}");
    }
    if let Some(bound) = solution.error_bound {
        check_bound(given, solution, bound);
    }
}

/// Where an answer has a bound and every direction is seen, a proven minimiser near it lies within the bound.
fn check_bound(given: &Given, solution: &Solution, bound: f64) {
    let fine = |value: &f64| *value == 0.0 || RANGE.contains(&value.abs());
    let plain = ["A1", "A2", "A3", "B", "weights", "ridge"]
        .iter()
        .filter_map(|name| given.array(name))
        .all(|array| array.values().iter().all(fine));
    if solution.x.len() > MOST_UNKNOWNS || !plain || !solution.x.iter().all(fine) {
        return;
    }
    let Ok(reference) = Reference::of(given) else {
        return;
    };
    let x = lift_vector(&solution.x);
    let Ok(minimiser) = minimise(&reference, &x) else {
        return;
    };
    // The minimiser is itself known up to its own bound; what is far away is another one.
    let least = ((&minimiser.x - &x).norm() - minimiser.error_bound).to_f64();
    let size = solution.x.norm();
    assert!(
        least <= bound || least > 1e-3 * size,
        "bound {bound}, but the minimiser is {least} away: {solution:?}"
    );
}
