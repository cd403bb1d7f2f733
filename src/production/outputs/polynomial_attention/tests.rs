//! Against the oracle, at the edges, and for the independence of threads.

use crate::oracle::{OracleError, OutputsReference};
use crate::production::outputs::test_support::{
    against_the_oracle, drawn_arrays, matrix, stream, threads_do_not_matter,
};
use crate::production::outputs::{OutputsError, RefusedRow, evaluate};
use crate::system::Given;
use crate::system::{Array, POLYNOMIAL_ATTENTION};

fn given(q: Array, k: Array, v: Array, degree: u32) -> Given {
    let arrays = vec![
        ("Q".to_owned(), q),
        ("K".to_owned(), k),
        ("V".to_owned(), v),
        ("degree".to_owned(), Array::scalar(f64::from(degree))),
    ];
    Given::new(&POLYNOMIAL_ATTENTION, arrays).unwrap()
}

/// Entries of Q, K and V of sizes over decades.
fn drawn(shape: [usize; 4], seed: u64, degree: u32) -> Given {
    let [q, k, v] = drawn_arrays(shape, 5.0, &mut stream(seed));
    given(q, k, v, degree)
}

/// The largest error over its bound; `None` where a row sum is refused.
fn worst_ratio(given: &Given) -> Option<f64> {
    match evaluate(given) {
        Ok(outputs) if outputs.refused.is_empty() => Some(against_the_oracle(given, &outputs)),
        Ok(_) => None,
        Err(OutputsError::NoRows {
            first: RefusedRow::RowSum { .. },
            ..
        }) => None,
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn every_entry_is_within_its_bound_of_the_oracle() {
    let mut evaluated = 0;
    for (k, degree) in [0, 1, 2, 3, 4, 9, 16, 101].into_iter().enumerate() {
        for (round, shape) in [[1, 1, 1, 1], [3, 5, 2, 1], [2, 200, 3, 2], [2, 400, 1, 1]]
            .into_iter()
            .enumerate()
        {
            let seed = (10 * k + round) as u64;
            if let Some(ratio) = worst_ratio(&drawn(shape, seed, degree)) {
                evaluated += 1;
                assert!(ratio <= 1.0, "seed {seed}: {ratio}");
            }
        }
    }
    assert!(evaluated >= 28, "{evaluated}");
}

/// The comparison has teeth: a logit that cancels, twice as large as the other, amplified by its degree.
#[test]
fn cancelling_logits_come_near_their_bound() {
    let q = matrix(1, 3, vec![1e6 + 0.3, -1e6 - 0.7, 0.1]);
    let k = matrix(2, 3, vec![1.1, 1.1, 1.0, 1.3, 1.3, -1.0]);
    let v = matrix(2, 1, vec![0.0, 1.0]);
    let ratio = worst_ratio(&given(q, k, v, 6)).unwrap();
    assert!(ratio <= 1.0 && ratio > 1e-4, "{ratio}");
}

/// By hand: (2^3 1 + (-2)^3 0) has the sum 0; (2^3, (-1.9)^3) gives 8 / (8 - 6.859).
#[test]
fn weights_of_both_signs_are_refused_where_they_cancel_only() {
    let instance = |other: f64, degree: u32| {
        let (q, k) = (matrix(1, 1, vec![1.0]), matrix(2, 1, vec![2.0, other]));
        given(q, k, matrix(2, 1, vec![1.0, 0.0]), degree)
    };
    assert_eq!(
        evaluate(&instance(-2.0, 3)).unwrap_err().to_string(),
        "row 0: its powers of degree 3 add up to what f64 cannot tell from 0, and its outputs are divided by that"
    );
    let zero = given(
        matrix(1, 1, vec![0.0]),
        matrix(1, 1, vec![1.0]),
        matrix(1, 1, vec![1.0]),
        2,
    );
    assert_eq!(
        evaluate(&zero).unwrap_err(),
        OutputsError::NoRows {
            first: RefusedRow::RowSum { row: 0, degree: 2 },
            rows: 1
        }
    );
    let refused = OutputsReference::of(&zero).unwrap().evaluate_row(0);
    let text = refused.as_ref().unwrap_err().to_string();
    assert!(matches!(refused, Err(OracleError::Vanishes { .. })));
    assert!(text.starts_with("row 0: the sum of the powers"), "{text}");
    let outputs = evaluate(&instance(-1.9, 3)).unwrap();
    let expected = 8.0 / (8.0 - 6.859);
    assert!((outputs.values.values()[0] - expected).abs() < 1e-12);
}

/// Every weight is 1 at degree 0, also of logits that are 0.
#[test]
fn degree_0_is_the_mean() {
    let instance = given(
        matrix(1, 1, vec![0.0]),
        matrix(4, 1, vec![1.0, 2.0, -3.0, 0.0]),
        matrix(4, 1, vec![1.0, 2.0, 3.0, 4.0]),
        0,
    );
    assert_eq!(evaluate(&instance).unwrap().values.values(), [2.5]);
}

#[test]
fn threads_do_not_change_a_bit() {
    let instance = drawn([700, 500, 4, 3], 11, 4);
    threads_do_not_matter(&instance);
}

/// Products that underflow: by hand. One logit is 2^-1064; those of the other keys are 0.99 2^-1075, which f64 rounds to 0. Their
/// squares over the largest are 0.99^2 2^-22 each, the output `keys w / (1 + keys w)`, and f64 finds 0.
#[test]
fn logits_below_their_error_count_by_their_number() {
    for keys in [30_000, 50_000] {
        let mut k = vec![0.99 * 2f64.powi(-538); keys + 1];
        let mut v = vec![1.0; keys + 1];
        (k[0], v[0]) = (2f64.powi(-527), 0.0);
        let q = matrix(1, 1, vec![2f64.powi(-537)]);
        let outputs =
            evaluate(&given(q, matrix(keys + 1, 1, k), matrix(keys + 1, 1, v), 2)).unwrap();
        let weights = keys as f64 * (0.99 * 2f64.powi(-11)).powi(2);
        let exact = weights / (1.0 + weights);
        let (found, bound) = (outputs.values.values()[0], outputs.error_bounds.values()[0]);
        assert!(
            (found - exact).abs() <= bound,
            "{keys}: {found:e} {exact:e} {bound:e}"
        );
    }
}
