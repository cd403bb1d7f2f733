//! Against the oracle, at the edges, and for the independence of blocks and threads.

use std::sync::atomic::AtomicBool;

use crate::production::outputs::test_support::{
    against_the_oracle, drawn_arrays, matrix, stream, threads_do_not_matter,
};
use crate::production::outputs::{OutputsError, RefusedRow, evaluate, evaluate_interruptible};
use crate::system::Given;
use crate::system::{Array, EXACT_ATTENTION};

fn given(q: Array, k: Array, v: Array, scale: f64, causal: bool) -> Given {
    let arrays = vec![
        ("Q".to_owned(), q),
        ("K".to_owned(), k),
        ("V".to_owned(), v),
        ("scale".to_owned(), Array::scalar(scale)),
        ("causal".to_owned(), Array::scalar(f64::from(causal))),
    ];
    Given::new(&EXACT_ATTENTION, arrays).unwrap()
}

/// Entries of Q, K and V of sizes over decades.
fn drawn(shape: [usize; 4], seed: u64, causal: bool) -> Given {
    let [q, k, v] = drawn_arrays(shape, 1.5, &mut stream(seed));
    given(q, k, v, (shape[2] as f64).sqrt(), causal)
}

/// The largest error over its bound.
fn worst_ratio(given: &Given) -> f64 {
    against_the_oracle(given, &evaluate(given).unwrap())
}

#[test]
fn every_entry_is_within_its_bound_of_the_oracle() {
    let shapes = [
        [1, 1, 1, 1],
        [3, 5, 2, 1],
        [2, 200, 3, 9],
        [5, 17, 8, 4],
        [2, 400, 1, 2],
    ];
    for (k, shape) in shapes.into_iter().enumerate() {
        for round in 0..6 {
            let seed = 100 * k as u64 + round;
            let ratio = worst_ratio(&drawn(shape, seed, round % 2 == 1));
            assert!(ratio <= 1.0, "seed {seed}: {ratio}");
        }
    }
}

/// The comparison has teeth: bounds a tenth of the proven ones are passed by a query whose logits cancel.
#[test]
fn cancelling_logits_come_near_their_bound() {
    // Terms of 1e6 that cancel: the logits are off by roundings of 1e6, and two keys disagree about which.
    let q = matrix(1, 3, vec![1e6 + 0.3, -1e6 - 0.7, 0.1]);
    let k = matrix(2, 3, vec![1.1, 1.1, 1.0, 1.3, 1.3, -1.0]);
    let v = matrix(2, 1, vec![0.0, 1.0]);
    let ratio = worst_ratio(&given(q, k, v, 1.0, false));
    assert!(ratio <= 1.0 && ratio > 0.01, "{ratio}");
}

#[test]
fn logits_beyond_the_exponential_and_values_beyond_their_sums_are_no_trouble() {
    let q = matrix(2, 1, vec![27.0, -27.0]);
    let k = matrix(3, 1, vec![27.0, -27.0, 0.0]);
    let v = matrix(
        3,
        2,
        vec![f64::MAX, 1.0, -f64::MAX, -3.0, f64::MAX, f64::MIN_POSITIVE],
    );
    let ratio = worst_ratio(&given(q, k.clone(), v.clone(), 1.0, false));
    assert!(ratio <= 1.0, "{ratio}");
    let equal = matrix(1, 1, vec![0.0]);
    let uniform = given(equal, k, v, 1.0, false);
    assert!(worst_ratio(&uniform) <= 1.0);
}

/// Equal values: the mean is the value, whatever the weights.
#[test]
fn outputs_stay_within_the_range_of_their_column() {
    let q = matrix(2, 2, vec![0.3, -0.7, 12.0, 5.5]);
    let k = matrix(3, 2, vec![1.0, 2.0, -3.0, 0.5, 0.25, 0.125]);
    let v = matrix(3, 1, vec![0.1, 0.1, 0.1]);
    let outputs = evaluate(&given(q, k, v, 2.0, false)).unwrap();
    assert_eq!(outputs.values.values(), [0.1, 0.1]);
}

/// A query of a causal attention sees what an attention over the first keys would.
#[test]
fn causal_rows_are_those_of_the_first_keys() {
    let shape = [300, 300, 3, 2];
    let causal = drawn(shape, 7, true);
    let outputs = evaluate(&causal).unwrap();
    for i in [0, 1, 191, 192, 250, 299] {
        let first = |name: &str, columns: usize, from: usize, to: usize| {
            let entries =
                causal.array(name).unwrap().values()[from * columns..to * columns].to_vec();
            matrix(to - from, columns, entries)
        };
        let alone = given(
            first("Q", 3, i, i + 1),
            first("K", 3, 0, i + 1),
            first("V", 2, 0, i + 1),
            causal.scalar("scale"),
            false,
        );
        let alone = evaluate(&alone).unwrap();
        assert_eq!(
            outputs.values.values()[2 * i..2 * i + 2],
            *alone.values.values()
        );
        assert_eq!(
            outputs.error_bounds.values()[2 * i..2 * i + 2],
            *alone.error_bounds.values()
        );
    }
}

#[test]
fn what_f64_cannot_hold_is_refused_by_its_place() {
    let one = |value: f64| matrix(1, 1, vec![value]);
    let refused = |q: f64, k: f64, scale: f64| {
        let instance = given(one(q), one(k), one(1.0), scale, false);
        evaluate(&instance).unwrap_err().to_string()
    };
    assert_eq!(
        refused(1e300, 1.0, 1e-10),
        "Q[0, 0] / scale is beyond the range of f64"
    );
    assert_eq!(
        refused(1e200, 1e200, 1.0),
        "logits of query 0 may be as large as ||Q_0|| max ||K|| / scale = inf: beyond the range of f64"
    );
}

/// The query in the middle is divided into infinity: its neighbours, in the same block, are as without it.
#[test]
fn a_row_beyond_f64_leaves_the_others_theirs() {
    let (k, v) = (matrix(2, 1, vec![1.0, 2.0]), matrix(2, 1, vec![3.0, 5.0]));
    let all = given(
        matrix(3, 1, vec![1.0, 1e300, 2.0]),
        k.clone(),
        v.clone(),
        1e-10,
        true,
    );
    let outputs = evaluate(&all).unwrap();
    assert_eq!(outputs.refused, [RefusedRow::Query { row: 1, column: 0 }]);
    assert!(outputs.values.values()[1].is_nan() && outputs.error_bounds.values()[1].is_nan());
    let others = evaluate(&given(matrix(3, 1, vec![1.0, 0.0, 2.0]), k, v, 1e-10, true)).unwrap();
    for row in [0, 2] {
        assert_eq!(outputs.values.values()[row], others.values.values()[row]);
        assert_eq!(
            outputs.error_bounds.values()[row],
            others.error_bounds.values()[row]
        );
    }
}

#[test]
fn an_evaluation_that_is_told_to_stop_gives_nothing() {
    let stopped = evaluate_interruptible(&drawn([3, 5, 2, 1], 3, false), &AtomicBool::new(true));
    assert_eq!(stopped.unwrap_err(), OutputsError::Interrupted);
}

#[test]
fn threads_do_not_change_a_bit() {
    let shape = [700, 500, 4, 3];
    let instance = drawn(shape, 11, false);
    threads_do_not_matter(&instance);
}

/// Quotients that underflow: by hand. Every entry of `q / s` is 0.475 2^-1074, which f64 rounds to 0; times 2^15 entries of 1.3 2^1016 the
/// logits are `z = 0.6175 2^-43` and -z, the output is `tanh z`, which is z to 24 digits, and f64 finds 0.
#[test]
fn queries_that_underflow_under_the_scale_count_by_their_keys() {
    let width = 1 << 15;
    let key = 1.3 * 2f64.powi(1016);
    let q = matrix(1, width, vec![1.9 * 2f64.powi(-1022); width]);
    let k = matrix(2, width, [vec![key; width], vec![-key; width]].concat());
    let outputs = evaluate(&given(
        q,
        k,
        matrix(2, 1, vec![1.0, -1.0]),
        2f64.powi(54),
        false,
    ))
    .unwrap();
    let exact = 0.6175 * 2f64.powi(-43);
    let (found, bound) = (outputs.values.values()[0], outputs.error_bounds.values()[0]);
    assert!(
        (found - exact).abs() <= bound,
        "{found:e} {exact:e} {bound:e}"
    );
}
