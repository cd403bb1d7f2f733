//! Systems without unknowns: mpmath's table, sizes of their graphs.

use serde::Deserialize;
use serde_json::Value;

use super::{DIGITS, agree, given_of, numbers};
use crate::oracle::{OracleError, OutputsReference, Reference};
use crate::scalar::High;
use crate::system::{Array, EXACT_ATTENTION, Given};

/// One entry of the table that mpmath made from the definitions.
#[derive(Deserialize)]
struct Entry {
    name: String,
    manifest: Value,
    outputs: Vec<Vec<String>>,
}

impl Entry {
    fn given(&self) -> Given {
        given_of(&self.manifest, &self.name)
    }
}

fn table() -> Vec<Entry> {
    serde_json::from_str(include_str!("../../../fixtures/oracle/outputs_mpmath.json")).unwrap()
}

#[test]
fn every_row_of_the_independent_table_is_reached() {
    let table = table();
    assert_eq!(table.len(), 14);
    for entry in &table {
        let given = entry.given();
        let reference = OutputsReference::of(&given).unwrap();
        assert_eq!(reference.rows(), entry.outputs.len(), "{}", entry.name);
        for (i, row) in entry.outputs.iter().enumerate() {
            let ours = reference.evaluate_row(i).unwrap();
            assert!(
                agree(&ours, &numbers(row), DIGITS),
                "{}: row {i}",
                entry.name
            );
        }
    }
}

/// One by one and all at once.
#[test]
fn every_enclosure_contains_the_independent_value() {
    for entry in &table() {
        let given = entry.given();
        let reference = OutputsReference::of(&given).unwrap();
        let all = reference.enclose().unwrap();
        let mut expected = entry.outputs.iter().flatten();
        let mut at_once = all.iter();
        for i in 0..reference.rows() {
            for ball in reference.enclose_row(i).unwrap() {
                let other = at_once.next().unwrap();
                assert_eq!(
                    (ball.midpoint(), ball.radius()),
                    (other.midpoint(), other.radius())
                );
                let text = expected.next().unwrap();
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
        assert!(at_once.next().is_none() && expected.next().is_none());
    }
}

/// The comparison has teeth: with another scale, 2^-60 away, the same table does not pass.
#[test]
fn a_moved_scale_is_noticed() {
    for entry in table().iter().filter(|entry| entry.name.contains("scale")) {
        let mut moved = entry.manifest.clone();
        let scale = moved["scale"].as_f64().unwrap_or(2.0);
        moved["scale"] = (scale * (1.0 + 2f64.powi(-50))).into();
        let moved = Entry {
            name: entry.name.clone(),
            manifest: moved,
            outputs: entry.outputs.clone(),
        };
        let given = moved.given();
        let ours = OutputsReference::of(&given)
            .unwrap()
            .evaluate_row(0)
            .unwrap();
        assert!(!agree(&ours, &numbers(&entry.outputs[0]), DIGITS));
    }
}

fn attention(queries: usize, keys: usize, d: usize, m: usize) -> Given {
    let array = |rows: usize, columns: usize, seed: usize| {
        let values = (0..rows * columns)
            .map(|i| (((7 * i + seed) % 23) as f64 - 11.0) / 8.0 + (i as f64) / 1024.0)
            .collect();
        Array::new(vec![rows, columns], values).unwrap()
    };
    let arrays = vec![
        ("Q".to_owned(), array(queries, d, 3)),
        ("K".to_owned(), array(keys, d, 5)),
        ("V".to_owned(), array(keys, m, 11)),
    ];
    Given::new(&EXACT_ATTENTION, arrays).unwrap()
}

#[test]
fn the_estimate_bounds_the_graph_of_a_row_and_is_not_far_off() {
    for given in [
        attention(1, 1, 1, 1),
        attention(2, 5, 3, 2),
        attention(1, 40, 1, 8),
        attention(1, 30, 16, 1),
    ] {
        let (real, expected) = OutputsReference::of(&given).unwrap().size_of_row(0);
        assert!(
            real <= expected && expected <= 3 * real,
            "{real} of {expected}"
        );
    }
}

#[test]
fn a_system_is_asked_about_what_it_has() {
    let given = attention(2, 2, 1, 1);
    assert!(matches!(
        Reference::of(&given),
        Err(OracleError::NoDefinition { .. })
    ));
}
