//! Every claim on instances that nobody drew for it: the whole conformance kit, and matrices at the edges of f64 and of shape.
//! A claim about another loss is outside, a claim on record as true never fails, and nothing panics.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use attention_regression::claims::{self, AnyCase, Claim, Expected, Origin, Outside, Verdict};
use attention_regression::judge::kit::read_kit;
use attention_regression::system::{Posed, parse, read};
use rayon::prelude::*;

/// The gate's seed.
const SEED: u64 = 2304;

fn directory(name: &str) -> Vec<(String, Posed)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(name);
    let mut found: Vec<(String, Posed)> = std::fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension().is_some_and(|suffix| suffix == "json")
                && path.file_stem().is_some_and(|stem| stem != "conformance")
        })
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, read(&path).unwrap())
        })
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

/// Every system on a tall, a wide and a one-row matrix whose entries are `scale` times small integers.
fn shaped(scale: &str) -> Vec<(String, Posed)> {
    let losses = [
        r#""softmax""#,
        r#""exp""#,
        r#""cosh""#,
        r#""sinh""#,
        r#""residual-softmax""#,
        r#""two-layer", "activation": "tanh""#,
        r#""two-layer", "activation": "softplus""#,
        r#""two-layer", "activation": "relu""#,
        r#""two-layer", "activation": "identity""#,
    ];
    let entries = [[3, -1, 2], [1, 2, -2], [-2, 1, 1], [0, 4, 1]];
    let mut made = Vec::new();
    for loss in losses {
        for (n, d) in [(4, 2), (2, 3), (1, 1)] {
            let rows: Vec<String> = entries[..n]
                .iter()
                .map(|row| {
                    let row: Vec<String> = row[..d].iter().map(|k| format!("{k}{scale}")).collect();
                    format!("[{}]", row.join(","))
                })
                .collect();
            let repeated = |text: &str, times: usize| vec![text; times].join(",");
            let (layer, outputs) = if loss.contains("two-layer") {
                let row = format!("[{}]", repeated("0.5", n));
                (format!(r#", "second_layer": [{row}, {row}]"#), 2)
            } else {
                (String::new(), n)
            };
            let manifest = format!(
                r#"{{"loss": {loss}{layer}, "matrix": [{}], "target": [{}], "weights": 1}}"#,
                rows.join(","),
                repeated("0.25", outputs),
            );
            let name = format!("{loss} {n} x {d}, entries of {scale}");
            let posed = parse(&manifest, "shaped".as_ref()).unwrap();
            made.push((name, posed));
        }
    }
    made.extend(shaped_systems(scale, &entries));
    made
}

/// The systems with named arrays with the same entries; where there are unknowns, at a point of ones.
fn shaped_systems(scale: &str, entries: &[[i32; 3]; 4]) -> Vec<(String, Posed)> {
    let rows = |n: usize, columns: usize| {
        let rows: Vec<String> = entries[..n]
            .iter()
            .map(|row| {
                let row: Vec<String> = row[..columns]
                    .iter()
                    .map(|k| format!("{k}{scale}"))
                    .collect();
                format!("[{}]", row.join(","))
            })
            .collect();
        format!("[{}]", rows.join(","))
    };
    let ones = |n: usize, columns: usize| serde_json::json!(vec![vec![1; columns]; n]);
    let mut made = Vec::new();
    for (n, d) in [(4, 2), (2, 3), (1, 1)] {
        let attention = format!(
            r#"{{"system": "single-layer-attention", "A1": {a}, "A2": {a}, "A3": {a}, "B": {a}, "weights": 1, "ridge": 1,
                "start": {{"X": {}, "Y": {}}}}}"#,
            ones(d, d),
            ones(d, d),
            a = rows(n, d),
        );
        let low_rank = format!(
            r#"{{"system": "weighted-low-rank", "M": {}, "W": {}, "rank": 1, "start": {{"X": {}, "Y": {}}}}}"#,
            rows(n, d),
            rows(n, d).replace('-', "").replace("e300", "e-300"),
            ones(n, 1),
            ones(d, 1),
        );
        let outputs = format!(r#""Q": {a}, "K": {a}, "V": {a}"#, a = rows(n, d));
        let exact = format!(r#"{{"system": "exact-attention", {outputs}}}"#);
        let powers = format!(r#"{{"system": "polynomial-attention", {outputs}, "degree": 4}}"#);
        let regression = |kind: &str, targets: usize, unknowns: usize| {
            format!(
                r#"{{"system": "attention-kernel-regression", "matrix": {}, "kind": "{kind}", "target": {}, "start": {}}}"#,
                rows(n, d),
                serde_json::json!(vec![1; targets]),
                serde_json::json!(vec![1; unknowns]),
            )
        };
        let regressions = [("even", d, d), ("odd", n, d), ("kernel", n, n)];
        let regressions = regressions.map(|(kind, b, x)| regression(kind, b, x));
        // The entry of a sum of indices: symmetric.
        let of = |sum: usize| format!("{}{scale}", entries[sum % 4][sum % 3]);
        let line = |sum: usize| {
            let line: Vec<String> = (0..n).map(|k| of(sum + k)).collect();
            format!("[{}]", line.join(","))
        };
        let slice = |i: usize| {
            let slice: Vec<String> = (0..n).map(|j| line(i + j)).collect();
            format!("[{}]", slice.join(","))
        };
        let tensor: Vec<String> = (0..n).map(slice).collect();
        let tensor = format!(
            r#"{{"system": "tensor-power", "T": [{}], "components": 1, "start": {{"values": [1], "vectors": {}}}}}"#,
            tensor.join(","),
            ones(n, 1),
        );
        let linear = |target: serde_json::Value, start: serde_json::Value, ridge: u8| {
            format!(
                r#"{{"system": "leverage-regression", "matrix": {}, "target": {target}, "ridge": {ridge}, "start": {start}}}"#,
                rows(n, d),
            )
        };
        let linear = [
            linear(
                serde_json::json!(vec![1; n]),
                serde_json::json!(vec![1; d]),
                0,
            ),
            linear(ones(n, 3), ones(d, 3), 1),
        ];
        let client = |n: usize| {
            format!(
                r#"{{"matrix": {}, "target": {}, "weights": 1}}"#,
                rows(n, d),
                serde_json::json!(vec![0.25; n]),
            )
        };
        let federated = format!(
            r#"{{"system": "federated-softmax", "clients": [{}, {}, {}], "local_steps": 2, "step": 0.125, "participants": 2,
                "stragglers": 1, "start": {}}}"#,
            client(n),
            client(1),
            client(n),
            serde_json::json!(vec![1; d]),
        );
        let labelled = |measure: &str| {
            format!(
                r#"{{"system": "active-learning", "pool": {}, "labels": {}, "budget": {d}, "measure": {measure}, "start": {}}}"#,
                rows(n, d),
                serde_json::json!(vec![1; n]),
                serde_json::json!(vec![1; d]),
            )
        };
        let labelled = [labelled("1"), labelled(&format!("4{scale}"))]
            .map(|manifest| manifest.replace("4e300", "4e-300"));
        for manifest in [attention, low_rank, exact, powers, tensor, federated]
            .into_iter()
            .chain(regressions)
            .chain(linear)
            .chain(labelled)
        {
            let posed = parse(&manifest, "shaped".as_ref()).unwrap();
            let name = format!("{} {n} x {d}, entries of {scale}", posed.key());
            made.push((name, posed));
        }
    }
    made
}

/// What is wrong with a claim on an instance, if anything.
fn fault(claim: &Claim, name: &str, posed: &Posed) -> Option<String> {
    let case = AnyCase::new(Origin::File(name.to_owned()), posed.clone(), SEED);
    let found = catch_unwind(AssertUnwindSafe(|| {
        // What a campaign asks of every case.
        let _ = claim.strata_of(&case);
        claim.decide(&case)
    }));
    let wrong = match found {
        Err(_) => "panics".to_owned(),
        Ok(verdict) if !claim.speaks_of(posed) => {
            (verdict != Verdict::Outside(Outside::Loss)).then(|| format!("{verdict:?}"))?
        }
        Ok(Verdict::Fails(finding)) if claim.expected == Expected::Holds => format!("{finding:?}"),
        Ok(_) => return None,
    };
    Some(format!("{} on {name}: {wrong}", claim.id))
}

fn faults(instances: &[(String, Posed)]) -> Vec<String> {
    let catalogue = claims::all();
    instances
        .par_iter()
        .flat_map_iter(|(name, posed)| {
            catalogue
                .iter()
                .filter_map(move |claim| fault(claim, name, posed))
                .collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn the_kit_refutes_nothing() {
    let kit = directory("conformance");
    let listed = read_kit(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("fixtures/conformance")
            .as_path(),
    );
    assert_eq!(kit.len(), listed.unwrap().instances.len());
    let faults = faults(&kit);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn instances_of_users_refute_nothing() {
    let cases = directory("field/verify");
    assert_eq!(cases.len(), 5);
    let faults = faults(&cases);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn extreme_entries_and_shapes_refute_nothing() {
    let extremes: Vec<(String, Posed)> = ["e0", "e155", "e307", "e-300"]
        .iter()
        .flat_map(|scale| shaped(scale))
        .collect();
    let faults = faults(&extremes);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_claim_speaks_of_its_witness_and_of_no_other_paper_s_loss() {
    for claim in claims::all() {
        if let Some(text) = claim.witness {
            let witness = parse(text, claim.id.as_ref()).unwrap();
            assert!(claim.speaks_of(&witness), "{}", claim.id);
        }
        let spoken: Vec<&str> = shaped("e0")
            .iter()
            .filter(|(_, posed)| claim.speaks_of(posed))
            .map(|(_, posed)| posed.key())
            .collect();
        assert!(!spoken.is_empty(), "{}", claim.id);
        let own: &[&str] = match claim.paper.key() {
            "dls23" => &["softmax"],
            "lsz23" => &["exp", "cosh", "sinh"],
            "residual-softmax" => &["residual-softmax"],
            "two-layer" => &["two-layer"],
            "single-layer-attention" => &["single-layer-attention"],
            "weighted-low-rank" => &["weighted-low-rank"],
            "exact-attention" => &["exact-attention"],
            // Its sister compares with softmax.
            "polynomial-attention" => &["polynomial-attention", "exact-attention"],
            "attention-kernel-regression" => &["attention-kernel-regression"],
            "tensor-power" => &["tensor-power"],
            "leverage-regression" => &["leverage-regression"],
            "federated-softmax" => &["federated-softmax"],
            "active-learning" => &["active-learning"],
            _ => continue,
        };
        assert!(spoken.iter().all(|loss| own.contains(loss)), "{}", claim.id);
    }
}
