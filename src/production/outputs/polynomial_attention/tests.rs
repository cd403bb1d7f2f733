//! Against the oracle, at the edges, and for the independence of threads.

use rand::RngExt;

use super::*;
use crate::instance::sample;
use crate::oracle::{OracleError, OutputsReference};
use crate::scalar::High;
use crate::system::{Array, POLYNOMIAL_ATTENTION};

fn matrix(rows: usize, columns: usize, entries: Vec<f64>) -> Array {
    Array::new(vec![rows, columns], entries).unwrap()
}

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
fn drawn([queries, keys, width, columns]: [usize; 4], seed: u64, degree: u32) -> Given {
    let mut rng = sample::stream(seed, "polynomial-tests", 0);
    let mut array = |rows: usize, columns: usize, decades: f64| {
        let size = 10f64.powf(rng.random_range(-decades..decades));
        let entries = (0..rows * columns)
            .map(|_| size * rng.random_range(-1.0..1.0))
            .collect();
        matrix(rows, columns, entries)
    };
    let (q, k, v) = (
        array(queries, width, 5.0),
        array(keys, width, 5.0),
        array(keys, columns, 6.0),
    );
    given(q, k, v, degree)
}

/// The largest error over its bound; `None` where the row sum is refused.
fn against_the_oracle(given: &Given) -> Option<f64> {
    let outputs = match evaluate(given) {
        Ok(outputs) => outputs,
        Err(OutputsError::RowSum { .. }) => return None,
        Err(other) => panic!("{other}"),
    };
    let exact = OutputsReference::of(given).unwrap().enclose().unwrap();
    let mut worst = 0.0_f64;
    let entries = outputs.values.values().iter();
    for ((value, bound), ball) in entries.zip(outputs.error_bounds.values()).zip(&exact) {
        let error = (High::lift(*value).unwrap() - ball.midpoint()).abs() + ball.radius();
        assert!(bound.is_finite());
        worst = worst.max((error / High::lift(*bound).unwrap()).to_f64());
    }
    Some(worst)
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
            if let Some(ratio) = against_the_oracle(&drawn(shape, seed, degree)) {
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
    let ratio = against_the_oracle(&given(q, k, v, 6)).unwrap();
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
    assert!(matches!(
        evaluate(&zero),
        Err(OutputsError::RowSum { row: 0, degree: 2 })
    ));
    assert!(matches!(
        OutputsReference::of(&zero).unwrap().evaluate_row(0),
        Err(OracleError::Vanishes { .. })
    ));
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
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| evaluate(&instance)).unwrap()
    };
    let (one, three) = (run(1), run(3));
    assert_eq!(one.values, three.values);
    assert_eq!(one.error_bounds, three.error_bounds);
}
