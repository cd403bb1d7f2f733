//! Every method against mpmath's rounds, limits and minimisers; statuses, bounds, and what is refused.

use std::ops::ControlFlow;

use nalgebra::DVector;
use serde::Deserialize;
use serde_json::Value;

use super::rounds;
use crate::production::systems::linear::test_support::{distance, given};
use crate::production::{Outcome, Settings, Solution, SystemError, solve_system};
use crate::system::{Array, Given, Sizes, generator};

/// An entry of fixtures/oracle/federated_softmax_mpmath.py.
#[derive(Deserialize)]
struct Entry {
    name: String,
    manifest: Value,
    fedavg: Vec<String>,
    #[serde(rename = "drift-corrected")]
    drift_corrected: Vec<String>,
    minimiser: Vec<String>,
    limit: Vec<String>,
}

fn table() -> Vec<Entry> {
    serde_json::from_str(include_str!(
        "../../../../fixtures/oracle/federated_softmax_mpmath.json"
    ))
    .unwrap()
}

fn solved(given: &Given, method: &str, settings: &Settings) -> Result<Solution, SystemError> {
    let start = given.start();
    let watch = &mut |_: &_| ControlFlow::Continue(());
    solve_system(given, Some(&start), method, settings, watch).map(|(solution, _)| solution)
}

#[test]
fn newton_reaches_the_minimiser_within_its_bound() {
    for entry in table() {
        let given = given(&entry.manifest.to_string());
        let found = solved(&given, "auto", &Settings::default()).unwrap();
        assert!(found.outcome.is_success(), "{}: {found:?}", entry.name);
        let (off, size) = distance(found.x.as_slice(), &entry.minimiser);
        let bound = found.error_bound.unwrap();
        assert!(
            off <= bound && bound <= 1e-13 * (1.0 + size),
            "{off:e} {bound:e}"
        );
    }
}

#[test]
fn three_rounds_are_those_of_the_table() {
    for entry in table() {
        let given = given(&entry.manifest.to_string());
        let settings = Settings::default()
            .with_max_iterations(3)
            .with_tolerance(1e-300);
        for (method, rounds) in [
            ("fedavg", &entry.fedavg),
            ("drift-corrected", &entry.drift_corrected),
        ] {
            let found = solved(&given, method, &settings).unwrap();
            assert_eq!(found.outcome, Outcome::IterationLimit);
            assert_eq!(found.trace.len(), 4);
            let (off, _) = distance(found.x.as_slice(), rounds);
            assert!(off <= 1e-14, "{} {method}: {off:e}", entry.name);
            // The bound holds far from the minimiser, too.
            let (far, _) = distance(found.x.as_slice(), &entry.minimiser);
            assert!(far <= found.error_bound.unwrap(), "{method}");
        }
    }
}

#[test]
fn several_steps_come_to_rest_elsewhere_and_corrected_ones_at_the_minimiser() {
    for entry in table() {
        let given = given(&entry.manifest.to_string());
        let settings = Settings::default().with_max_iterations(5000);
        let found = solved(&given, "fedavg", &settings).unwrap();
        let (off, _) = distance(found.x.as_slice(), &entry.limit);
        assert!(off <= 1e-8, "{}: {off:e}", entry.name);
        let (far, _) = distance(found.x.as_slice(), &entry.minimiser);
        assert!(far <= found.error_bound.unwrap());
        if given.size("K") > 1 {
            assert_eq!(found.outcome, Outcome::AtRest);
            assert!(
                found.warnings[0].contains("no minimiser"),
                "{:?}",
                found.warnings
            );
        } else {
            assert_eq!(found.outcome, Outcome::Converged);
        }
        let found = solved(&given, "drift-corrected", &settings).unwrap();
        assert_eq!(found.outcome, Outcome::Converged, "{}", entry.name);
        let (off, _) = distance(found.x.as_slice(), &entry.minimiser);
        assert!(off <= found.error_bound.unwrap() && off < 1e-8);
    }
}

fn drawn(kind: &str) -> Given {
    let sizes = Sizes {
        rows: 6,
        width: 2,
        columns: Some(5),
    };
    generator(kind).unwrap().draw(&sizes, 1, 0).unwrap()
}

#[test]
fn clients_alike_need_no_correction() {
    let given = drawn("alike-federated-softmax");
    for method in [
        "fedavg",
        "fedavg-median",
        "drift-corrected",
        "federated-newton",
    ] {
        let found = solved(&given, method, &Settings::default()).unwrap();
        assert_eq!(found.outcome, Outcome::Converged, "{method}: {found:?}");
    }
}

/// The liar's target is 256 times as long: the mean follows it, the robust ones stay where they are without it.
#[test]
fn robust_means_stay_near_the_honest_clients() {
    let given = drawn("dishonest-federated-softmax");
    let rows: usize = 6 * 4;
    let part = |name: &str, count: usize| given.array(name).unwrap().values()[..count].to_vec();
    let array = |shape: Vec<usize>, values| Array::new(shape, values).unwrap();
    let honest = Given::new(
        given.system(),
        vec![
            ("clients".to_owned(), array(vec![4], part("clients", 4))),
            (
                "matrix".to_owned(),
                array(vec![rows, 2], part("matrix", 2 * rows)),
            ),
            ("target".to_owned(), array(vec![rows], part("target", rows))),
            (
                "weights".to_owned(),
                array(vec![rows], part("weights", rows)),
            ),
        ],
    )
    .unwrap();
    let settings = Settings::default().with_max_iterations(3000);
    let aim = solved(&honest, "auto", &settings).unwrap().x;
    let off = |method: &str| (solved(&given, method, &settings).unwrap().x - &aim).norm();
    let mean = off("fedavg");
    for method in ["fedavg-median", "fedavg-trimmed-mean"] {
        assert!(
            off(method) < 0.25 * mean,
            "{method}: {:e} of {mean:e}",
            off(method)
        );
    }
}

#[test]
fn rounds_are_the_same_bits_for_any_number_of_threads() {
    let given = drawn("federated-softmax").with_array("participants", Array::scalar(4.0));
    let given = given
        .unwrap()
        .with_array("stragglers", Array::scalar(2.0))
        .unwrap();
    let settings = Settings::default().with_max_iterations(20).with_seed(5);
    for method in [
        "fedavg",
        "drift-corrected",
        "fedavg-median",
        "federated-newton",
    ] {
        let by = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.unwrap()
                .install(|| solved(&given, method, &settings).unwrap())
        };
        let one = by(1);
        assert!(one.x == by(3).x && one.x == solved(&given, method, &settings).unwrap().x);
        let other = solved(&given, method, &settings.clone().with_seed(6)).unwrap();
        assert_eq!(other.x != one.x, method != "federated-newton", "{method}");
    }
}

#[test]
fn too_long_steps_diverge_and_say_so() {
    let given = drawn("federated-softmax")
        .with_array("step", Array::scalar(64.0))
        .unwrap();
    let found = solved(&given, "fedavg", &Settings::default()).unwrap();
    assert!(
        matches!(found.outcome, Outcome::Diverged | Outcome::OutOfRange),
        "{found:?}"
    );
    assert!(
        found.warnings[0].contains("beyond 2 / L"),
        "{:?}",
        found.warnings
    );
    assert!(found.x.iter().all(|entry| entry.is_finite()));
}

#[test]
fn rounds_that_cannot_be_made_are_refused() {
    let given = drawn("federated-softmax");
    let refused = |name: &str, value: f64, method: &str| {
        let given = given.with_array(name, Array::scalar(value)).unwrap();
        solved(&given, method, &Settings::default())
            .unwrap_err()
            .to_string()
    };
    for (name, value, method, line) in [
        (
            "participants",
            0.0,
            "fedavg",
            "participants is 0, but there are 5 clients: from 1 to all of them take part in a round",
        ),
        (
            "participants",
            6.0,
            "fedavg-median",
            "participants is 6, but there are 5 clients: from 1 to all of them take part in a round",
        ),
        (
            "stragglers",
            5.0,
            "fedavg",
            "stragglers is 5, but 5 clients take part in a round: at least one has to be waited for",
        ),
        (
            "trimmed",
            3.0,
            "fedavg-trimmed-mean",
            "trimmed is 3 at both ends, but a round waits for 5 clients only",
        ),
    ] {
        let expected = format!("method {method} does not take this: {line}");
        assert_eq!(refused(name, value, method), expected);
    }
}

/// Without a ridge nothing is proven of the curvature, and a column that no client has makes the answer not unique.
#[test]
fn a_problem_that_is_not_convex_has_no_success_by_accident() {
    let flat = r#"{ "system": "federated-softmax", "local_steps": 2, "step": 0.5, "start": [0.5, 0.5],
        "clients": [{ "matrix": [[1, 0], [0, 0]], "target": [0.5, 0.5] }, { "matrix": [[-1, 0], [1, 0]], "target": [0.5, 0.5] }] }"#;
    let given = given(flat);
    for method in ["fedavg", "drift-corrected", "federated-newton"] {
        let found = solved(&given, method, &Settings::default()).unwrap();
        assert_eq!(found.outcome, Outcome::Singular, "{method}: {found:?}");
    }
}

/// With one of two clients a round, steps of constant length never settle.
#[test]
fn partial_participation_ends_at_the_limit_of_rounds() {
    let given = drawn("federated-softmax")
        .with_array("participants", Array::scalar(2.0))
        .unwrap();
    let settings = Settings::default().with_max_iterations(200);
    let found = solved(&given, "fedavg", &settings).unwrap();
    assert_eq!(found.outcome, Outcome::IterationLimit);
    assert!(found.warnings[0].contains("noise"), "{:?}", found.warnings);
    let stopped = solve_system(&given, None, "fedavg", &Settings::default(), &mut |entry| {
        if entry.iteration == 4 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    let (stopped, _) = stopped.unwrap();
    assert_eq!(
        (stopped.outcome, stopped.iterations),
        (Outcome::Interrupted, 4)
    );
    assert_eq!(stopped.error_bound, None);
}

/// The local steps of every client in time, one after the other, with the mean gradient over all that were drawn: those that come late
/// have sent their gradients. Gradients by the problem of a client by itself.
#[test]
fn rounds_with_late_clients_are_those_of_the_definition() {
    for entry in table() {
        let whole = given(&entry.manifest.to_string());
        let clients = whole.size("N");
        for (participants, stragglers) in [(clients, 1), (clients - 1, 1), (clients, clients - 1)] {
            if stragglers >= participants {
                continue;
            }
            let given = [("participants", participants), ("stragglers", stragglers)]
                .into_iter()
                .fold(whole.clone(), |given, (name, value)| {
                    given.with_array(name, Array::scalar(value as f64)).unwrap()
                });
            let maker = rounds::CORRECTED.maker(&given, 3).unwrap();
            let gradient =
                |c: usize, x: &DVector<f64>| maker.federation.clients[c].gradient(x).unwrap();
            let mut x = DVector::from_vec(given.start());
            for round in 0..4 {
                let (drawn, in_time) = maker.schedule.round(round);
                assert_eq!(
                    (drawn.len(), in_time.len()),
                    (participants, participants - stragglers)
                );
                let count = participants as f64;
                let mean = drawn.iter().map(|c| gradient(*c, &x)).sum::<DVector<f64>>() / count;
                let made = maker.make(&x, round).unwrap();
                assert_eq!(made.contributors, in_time);
                for (c, difference) in in_time.iter().zip(&made.differences) {
                    let (mut y, own) = (x.clone(), gradient(*c, &x));
                    for _ in 0..maker.steps {
                        y -= (gradient(*c, &y) - &own + &mean) * maker.step;
                    }
                    let off = (y - &x - difference).norm();
                    assert!(
                        off <= 1e-14,
                        "{} round {round}, client {c}: {off:e}",
                        entry.name
                    );
                }
                x = made.x;
            }
        }
    }
}

/// Every client eight times: the mean and its derivatives are what they were, and so is what rounding makes of them.
#[test]
fn a_mean_does_not_depend_on_how_often_all_clients_are_repeated() {
    for entry in table() {
        let once = given(&entry.manifest.to_string());
        let repeated = |name: &str| once.array(name).unwrap().values().repeat(8);
        let array = |shape: Vec<usize>, name: &str| Array::new(shape, repeated(name)).unwrap();
        let (n, d) = (once.size("n"), once.size("d"));
        let mut arrays = vec![
            (
                "clients".to_owned(),
                array(vec![8 * once.size("N")], "clients"),
            ),
            ("matrix".to_owned(), array(vec![8 * n, d], "matrix")),
            ("target".to_owned(), array(vec![8 * n], "target")),
            ("weights".to_owned(), array(vec![8 * n], "weights")),
        ];
        for name in ["local_steps", "step"] {
            arrays.push((name.to_owned(), Array::scalar(once.scalar(name))));
        }
        let often = Given::new(once.system(), arrays).unwrap();
        let start = once.start();
        for method in [
            "fedavg",
            "drift-corrected",
            "fedavg-median",
            "federated-newton",
        ] {
            let settings = Settings::default()
                .with_max_iterations(2)
                .with_tolerance(1e-300);
            let run = |given: &Given| {
                let watch = &mut |_: &_| ControlFlow::Continue(());
                solve_system(given, Some(&start), method, &settings, watch)
                    .unwrap()
                    .0
            };
            let (one, eight) = (run(&once), run(&often));
            let same = |a: f64, b: f64, off: f64| (a - b).abs() <= off * b.abs();
            assert!((&one.x - &eight.x).norm() <= 1e-13, "{method}");
            assert!(same(eight.loss, one.loss, 1e-13), "{method}");
            assert!(
                (eight.gradient_norm - one.gradient_norm).abs() <= 1e-13 * one.start_gradient_norm
            );
            assert!(
                same(eight.start_gradient_norm, one.start_gradient_norm, 1e-13),
                "{method}"
            );
            let [noise, other] = [&one, &eight].map(|found| found.gradient_noise.unwrap());
            assert!(
                other <= 2.0 * noise && noise <= 2.0 * other,
                "{method}: {noise:e} {other:e}"
            );
        }
    }
}
