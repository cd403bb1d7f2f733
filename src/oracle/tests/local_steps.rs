//! Rounds of local steps against mpmath.

use nalgebra::DVector;
use serde::Deserialize;
use serde_json::Value;

use super::{DIGITS, agree, given_of, numbers};
use crate::oracle::{LocalSteps, OracleError, Reference, lift_vector, minimise};
use crate::scalar::High;
use crate::system::Given;

/// An entry of fixtures/oracle/federated_softmax_mpmath.py.
#[derive(Deserialize)]
struct Entry {
    name: String,
    manifest: Value,
    fedavg: Vec<String>,
    minimiser: Vec<String>,
    limit: Vec<String>,
}

fn table() -> Vec<(Entry, Given)> {
    let entries: Vec<Entry> = serde_json::from_str(include_str!(
        "../../../fixtures/oracle/federated_softmax_mpmath.json"
    ))
    .unwrap();
    entries
        .into_iter()
        .map(|entry| {
            let given = given_of(&entry.manifest, &entry.name);
            (entry, given)
        })
        .collect()
}

fn steps(given: &Given) -> LocalSteps {
    let step = High::lift(given.scalar("step")).unwrap();
    LocalSteps::of(given, step, given.size("K")).unwrap()
}

#[test]
fn rounds_and_their_limits_are_those_of_the_independent_table() {
    for (entry, given) in table() {
        let rounds = steps(&given);
        let mut x = lift_vector(&DVector::from_vec(given.start()));
        for _ in 0..3 {
            x = rounds.round(&x).unwrap();
        }
        let name = &entry.name;
        assert!(
            agree(x.as_slice(), &numbers(&entry.fedavg), DIGITS),
            "{name}"
        );
        let rest = rounds.rest(&x).unwrap();
        assert!(
            agree(rest.x.as_slice(), &numbers(&entry.limit), DIGITS - 2),
            "{name}"
        );
        assert!(rest.movement < High::ONE.shifted(-36), "{name}");
        let found = minimise(&Reference::of(&given).unwrap(), &x).unwrap();
        let minimiser = numbers(&entry.minimiser);
        assert!(agree(found.x.as_slice(), &minimiser, DIGITS - 2), "{name}");
        // Several steps of clients that differ end elsewhere.
        let elsewhere = (&rest.x - &found.x).norm() > High::ONE.shifted(-6);
        assert_eq!(elsewhere, given.size("K") > 1, "{name}");
    }
}

/// One client's rounds come to rest at its own minimiser, however many steps they make.
#[test]
fn a_client_alone_comes_to_rest_at_its_minimiser() {
    let manifest = serde_json::json!({ "system": "federated-softmax", "local_steps": 5, "step": 0.125,
        "clients": [{ "matrix": [[1.0, 0.5], [0.0, 1.0], [-0.5, 0.25]], "target": [0.5, 0.0, 0.25], "weights": 1.5 }] });
    let given = given_of(&manifest, "alone");
    let start = DVector::from_element(2, High::ONE);
    let rest = steps(&given).rest(&start).unwrap();
    let found = minimise(&Reference::of(&given).unwrap(), &start).unwrap();
    assert!((rest.x - found.x).norm() < High::ONE.shifted(-34));
}

#[test]
fn another_system_has_no_clients() {
    let manifest =
        serde_json::json!({ "system": "leverage-regression", "matrix": [[1.0]], "target": [1.0] });
    let given = given_of(&manifest, "linear");
    let refused = LocalSteps::of(&given, High::ONE, 1);
    assert!(matches!(refused, Err(OracleError::NoDefinition { .. })));
}
