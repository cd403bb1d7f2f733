//! The systems with matrices as unknowns: mpmath's table, entries by name, sizes of their graphs.

use nalgebra::DVector;
use serde::Deserialize;
use serde_json::Value;

use super::{DIGITS, agree, given_of, numbers};
use crate::oracle::{OracleError, Reference, estimate_of, lift_vector};
use crate::scalar::High;
use crate::system::{
    ACTIVE_LEARNING, ATTENTION_KERNEL_REGRESSION, Array, FEDERATED_SOFTMAX, Given,
    LEVERAGE_REGRESSION, SINGLE_LAYER_ATTENTION, TENSOR_POWER, WEIGHTED_LOW_RANK,
};

/// One entry of the table that mpmath made from the definitions.
#[derive(Deserialize)]
struct Entry {
    name: String,
    manifest: Value,
    x: Vec<f64>,
    loss: String,
    gradient: Vec<String>,
    hessian: Vec<Vec<String>>,
}

impl Entry {
    fn given(&self) -> Given {
        given_of(&self.manifest, &self.name)
    }

    fn point(&self) -> DVector<High> {
        lift_vector(&DVector::from_vec(self.x.clone()))
    }

    fn flat_hessian(&self) -> Vec<High> {
        self.hessian.iter().flat_map(|row| numbers(row)).collect()
    }
}

fn table() -> Vec<Entry> {
    serde_json::from_str(include_str!("../../../fixtures/oracle/systems_mpmath.json")).unwrap()
}

#[test]
fn every_value_of_the_independent_table_is_reached() {
    let table = table();
    assert_eq!(table.len(), 47);
    for entry in &table {
        let reference = Reference::of(&entry.given()).unwrap();
        let ours = reference.evaluate(&entry.point()).unwrap();
        let loss = numbers(std::slice::from_ref(&entry.loss));
        assert!(agree(&[ours.loss], &loss, DIGITS), "{}", entry.name);
        let gradient = numbers(&entry.gradient);
        assert!(
            agree(ours.gradient.as_slice(), &gradient, DIGITS),
            "{}",
            entry.name
        );
        let hessian = entry.flat_hessian();
        assert!(
            agree(ours.hessian.as_slice(), &hessian, DIGITS),
            "{}",
            entry.name
        );
    }
}

#[test]
fn every_enclosure_contains_the_independent_value() {
    for entry in &table() {
        let reference = Reference::of(&entry.given()).unwrap();
        let ours = reference.enclose(&entry.point(), High::ZERO).unwrap();
        let found = std::iter::once(&ours.loss)
            .chain(&ours.gradient)
            .chain(&ours.hessian);
        let expected = std::iter::once(&entry.loss)
            .chain(&entry.gradient)
            .chain(entry.hessian.iter().flatten());
        for (ball, text) in found.zip(expected) {
            let value = High::parse(text).unwrap();
            // The table has 50 digits of which High keeps 40.
            let slack = value.abs().shifted(-39);
            assert!(
                (value - ball.midpoint()).abs() <= ball.radius() + slack,
                "{}: {text}",
                entry.name
            );
        }
    }
}

/// The comparison has teeth: at another point, 10^-20 away, the same table does not pass.
#[test]
fn a_moved_point_is_noticed() {
    for entry in &table() {
        let reference = Reference::of(&entry.given()).unwrap();
        let moved = entry.point().map(|x| x + High::ONE.shifted(-20));
        let ours = reference.evaluate(&moved).unwrap();
        let gradient = numbers(&entry.gradient);
        assert!(
            !agree(ours.gradient.as_slice(), &gradient, DIGITS),
            "{}",
            entry.name
        );
    }
}

fn ones(shape: &[usize]) -> Array {
    let count = shape.iter().product();
    Array::new(shape.to_vec(), vec![0.5; count]).unwrap()
}

fn attention(n: usize, d: usize, m: usize) -> Given {
    let named = |name: &str, columns| (name.to_owned(), ones(&[n, columns]));
    let mut arrays = vec![
        named("A1", d),
        named("A2", d),
        named("A3", d),
        named("B", m),
    ];
    // Different entries, so that no two expressions are the same node by accident.
    for (k, (_, array)) in arrays.iter_mut().enumerate() {
        let values = (0..array.values().len())
            .map(|i| (((7 * i + 3 * k) % 23) as f64 - 11.0) / 8.0 + (i as f64) / 1024.0)
            .collect();
        *array = Array::new(array.shape().to_vec(), values).unwrap();
    }
    arrays.push(("weights".to_owned(), Array::scalar(1.0)));
    arrays.push(("ridge".to_owned(), Array::scalar(1.0)));
    Given::new(&SINGLE_LAYER_ATTENTION, arrays).unwrap()
}

fn low_rank(n: usize, m: usize, k: usize) -> Given {
    let values = |seed: usize| {
        let values = (0..n * m)
            .map(|i| (((5 * i + seed) % 19) as f64 + 1.0) / 8.0 + (i as f64) / 1024.0)
            .collect();
        Array::new(vec![n, m], values).unwrap()
    };
    Given::new(
        &WEIGHTED_LOW_RANK,
        vec![
            ("M".to_owned(), values(3)),
            ("W".to_owned(), values(8)),
            ("rank".to_owned(), Array::scalar(k as f64)),
        ],
    )
    .unwrap()
}

/// Kind 0, 1 or 2: even, odd, kernel.
fn kernel_regression(kind: usize, [n, d, power]: [usize; 3]) -> Given {
    let values = |count: usize, seed: usize| {
        (0..count)
            .map(|i| (((5 * i + seed) % 19) as f64 - 9.0) / 8.0 + (i as f64) / 1024.0)
            .collect()
    };
    let target = [d, n, n][kind];
    let mut arrays = vec![
        (
            "matrix".to_owned(),
            Array::new(vec![n, d], values(n * d, 3)).unwrap(),
        ),
        ("kind".to_owned(), Array::scalar(kind as f64)),
        (
            "target".to_owned(),
            Array::new(vec![target], values(target, 8)).unwrap(),
        ),
    ];
    if kind < 2 {
        arrays.push(("power".to_owned(), Array::scalar(power as f64)));
    }
    Given::new(&ATTENTION_KERNEL_REGRESSION, arrays).unwrap()
}

fn tensor(order: usize, n: usize, k: usize) -> Given {
    // Different entries, so that no two expressions are the same node by accident.
    let mut count = 0.0;
    let entries = Array::symmetric(order, n, |_| {
        count += 1.0;
        (7.0 * count) % 23.0 - 11.0 + count / 1024.0
    });
    let arrays = vec![
        ("T".to_owned(), entries.unwrap()),
        ("components".to_owned(), Array::scalar(k as f64)),
    ];
    Given::new(&TENSOR_POWER, arrays).unwrap()
}

fn regression([n, d, right]: [usize; 3], ridge: f64) -> Given {
    let array = |shape: [usize; 2], seed: usize| {
        let values = (0..shape[0] * shape[1])
            .map(|i| (((5 * i + seed) % 19) as f64 - 9.0) / 8.0 + (i as f64) / 1024.0)
            .collect();
        Array::new(shape.to_vec(), values).unwrap()
    };
    let arrays = vec![
        ("matrix".to_owned(), array([n, d], 3)),
        ("target".to_owned(), array([n, right], 8)),
        ("ridge".to_owned(), Array::scalar(ridge)),
    ];
    Given::new(&LEVERAGE_REGRESSION, arrays).unwrap()
}

/// Clients of so many rows.
fn federated(rows: &[usize], d: usize, weight: f64) -> Given {
    let n: usize = rows.iter().sum();
    let values = |count: usize, seed: usize| {
        (0..count)
            .map(|i| (((5 * i + seed) % 19) as f64 - 9.0) / 8.0 + (i as f64) / 1024.0)
            .collect::<Vec<f64>>()
    };
    let counts: Vec<f64> = rows.iter().map(|rows| *rows as f64).collect();
    let array = |shape: Vec<usize>, values| Array::new(shape, values).unwrap();
    let arrays = vec![
        ("clients".to_owned(), array(vec![rows.len()], counts)),
        ("matrix".to_owned(), array(vec![n, d], values(n * d, 3))),
        ("target".to_owned(), array(vec![n], values(n, 8))),
        ("weights".to_owned(), Array::scalar(weight)),
    ];
    Given::new(&FEDERATED_SOFTMAX, arrays).unwrap()
}

fn pool([n, d]: [usize; 2], measure: &[f64]) -> Given {
    let array = |shape: Vec<usize>, seed: usize| {
        let count = shape.iter().product();
        let values = (0..count)
            .map(|i| (((5 * i + seed) % 19) as f64 - 9.0) / 8.0 + (i as f64) / 1024.0)
            .collect();
        Array::new(shape, values).unwrap()
    };
    let shape = if measure.len() == 1 { vec![] } else { vec![n] };
    let arrays = vec![
        ("pool".to_owned(), array(vec![n, d], 3)),
        ("labels".to_owned(), array(vec![n], 8)),
        ("budget".to_owned(), Array::scalar(1.0)),
        (
            "measure".to_owned(),
            Array::new(shape, measure.to_vec()).unwrap(),
        ),
    ];
    Given::new(&ACTIVE_LEARNING, arrays).unwrap()
}

#[test]
fn the_estimate_bounds_the_graphs_of_all_systems() {
    let shapes = [
        attention(1, 1, 1),
        attention(2, 3, 2),
        attention(5, 2, 1),
        attention(8, 2, 3),
        low_rank(1, 1, 1),
        low_rank(4, 3, 2),
        low_rank(6, 9, 1),
        low_rank(8, 8, 4),
        kernel_regression(0, [1, 1, 1]),
        kernel_regression(0, [6, 3, 0]),
        kernel_regression(0, [6, 4, 5]),
        kernel_regression(1, [7, 2, 3]),
        kernel_regression(1, [5, 4, 1]),
        kernel_regression(2, [1, 1, 1]),
        kernel_regression(2, [5, 3, 1]),
        kernel_regression(2, [8, 1, 1]),
        tensor(3, 1, 1),
        tensor(3, 4, 2),
        tensor(4, 3, 3),
        tensor(5, 2, 1),
        tensor(6, 1, 1),
        tensor(6, 2, 2),
        regression([1, 1, 1], 0.0),
        regression([1, 1, 1], 0.5),
        regression([9, 3, 1], 0.0),
        regression([2, 5, 4], 0.5),
        regression([20, 4, 3], 0.0),
        federated(&[1], 1, 0.0),
        federated(&[1, 1, 1, 1], 1, 1.0),
        federated(&[8, 3], 4, 1.0),
        federated(&[30], 6, 0.0),
        federated(&[2, 2, 2, 2, 2, 2], 3, 1.0),
        pool([1, 1], &[1.0]),
        pool([2, 5], &[0.5, 0.0]),
        pool([20, 4], &[1.0]),
    ];
    for given in &shapes {
        let reference = Reference::of(given).unwrap();
        let real = (reference.nodes() + reference.terms()) as u64;
        let expected = estimate_of(given).unwrap().nodes;
        assert!(
            real <= expected && expected <= 60 * real,
            "{} of {}: {real} of {expected}",
            given.system().key,
            given.sizes_in_words()
        );
    }
}

#[test]
fn what_would_not_fit_is_refused_before_it_is_built() {
    let large = [
        attention(441, 32, 32),
        low_rank(2000, 1000, 10),
        kernel_regression(0, [4, 2, 4_000_000_000]),
        kernel_regression(2, [3000, 1, 1]),
        tensor(3, 100, 4),
        regression([20_000, 50, 1], 0.0),
        federated(&[20_000, 20_000], 20, 1.0),
        pool([20_000, 50], &[1.0]),
    ];
    for given in large {
        let error = Reference::of(&given).unwrap_err();
        assert!(
            matches!(error, OracleError::SystemTooLarge { .. }),
            "{error}"
        );
    }
}
