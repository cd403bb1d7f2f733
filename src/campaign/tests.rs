//! Campaigns for which nothing is computed: their journals are written by hand.

use std::fs;
use std::path::Path;

use nalgebra::{DMatrix, DVector};
use serde_json::Value;

use crate::campaign::agenda::Agenda;
use crate::campaign::{ClaimRecord, Journal, Plan, Shard, Tally, merge};
use crate::claims::{self, AnyCase, Claim, Expected, Finding, Origin, Outside, Verdict};
use crate::instance::{DesignMatrix, Instance, LossKind};
use crate::system::Posed;

fn posed(rows: usize, columns: usize) -> Posed {
    let entry = |i: usize, j: usize| (1 + i * columns + j) as f64 / 8.0;
    let matrix = DesignMatrix::dense(DMatrix::from_fn(rows, columns, entry)).unwrap();
    let one = DVector::from_element(rows, 1.0);
    let instance = Instance::new(LossKind::Softmax, matrix, one.clone(), one);
    Posed::Logit(instance.unwrap())
}

/// A false claim with a witness, and the first with a certificate, on two instances.
fn plan(catalogue: &[Claim]) -> Plan<'_> {
    let refuted = claims::find(catalogue, "dls23/gradient-printed").unwrap();
    let proven = catalogue
        .iter()
        .find(|claim| claim.proof.is_some())
        .unwrap();
    Plan {
        claims: vec![refuted, proven],
        seed: 11,
        cases: Some(5),
        only: Some(vec![
            ("one".to_owned(), posed(2, 1)),
            ("two".to_owned(), posed(3, 2)),
        ]),
    }
}

/// The same value, but another.
fn altered(value: &Value) -> Value {
    match value {
        Value::Null => Value::from(7),
        Value::Bool(value) => Value::from(!value),
        Value::Number(number) => Value::from(number.as_u64().unwrap() + 1),
        Value::String(text) if text == "1/1" => Value::from("1/2"),
        Value::String(text) => Value::from(format!("{text}x")),
        Value::Array(list) => list.iter().skip(1).cloned().collect(),
        Value::Object(_) => panic!("a head has no objects"),
    }
}

/// All heads that differ in one place, which may be inside of a list.
fn other_heads(head: &Value) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for (name, value) in head.as_object().unwrap() {
        let mut with = |place: String, other: Value| {
            let mut changed = head.clone();
            changed[name] = other;
            found.push((place, changed));
        };
        with(name.clone(), altered(value));
        if name == "commit" && value.is_null() {
            with(name.clone(), Value::from("another"));
        }
        for (k, entry) in value.as_array().into_iter().flatten().enumerate() {
            let parts = entry.as_array().map_or(1, Vec::len);
            for part in 0..parts {
                let mut list = value.clone();
                let place = match &mut list[k] {
                    Value::Array(inner) => &mut inner[part],
                    plain => plain,
                };
                *place = altered(place);
                with(format!("{name}[{k}], part {part}"), list);
            }
        }
    }
    found
}

#[test]
fn a_journal_whose_head_differs_in_any_place_is_refused() {
    let catalogue = claims::all();
    let plan = plan(&catalogue);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal.jsonl");
    drop(Journal::create(&path, &plan, Shard::WHOLE).unwrap());
    let text = fs::read_to_string(&path).unwrap();
    assert!(Journal::resume(&path, &plan, Shard::WHOLE).is_ok());
    let head: Value = serde_json::from_str(&text).unwrap();
    let others = other_heads(&head);
    // Nine fields, the claims and the instances by their parts.
    assert_eq!(head.as_object().unwrap().len(), 9);
    assert!(others.len() >= 9 + 2 + 4, "{}", others.len());
    for (place, other) in others {
        fs::write(&path, format!("{other}\n")).unwrap();
        let resumed = Journal::resume(&path, &plan, Shard::WHOLE);
        assert!(resumed.is_err(), "{place}");
    }
}

#[test]
fn a_journal_is_refused_by_every_other_plan() {
    let catalogue = claims::all();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal.jsonl");
    drop(Journal::create(&path, &plan(&catalogue), Shard::WHOLE).unwrap());
    type Change = (&'static str, fn(&mut Plan<'_>));
    let changes: [Change; 9] = [
        ("seed", |plan| plan.seed += 1),
        ("cases", |plan| plan.cases = Some(6)),
        ("no number of cases", |plan| plan.cases = None),
        ("order of claims", |plan| plan.claims.reverse()),
        ("fewer claims", |plan| plan.claims.truncate(1)),
        ("no instances", |plan| plan.only = None),
        ("fewer instances", |plan| {
            drop(plan.only.as_mut().unwrap().pop())
        }),
        ("another name", |plan| {
            plan.only.as_mut().unwrap()[1].0.push('x')
        }),
        ("another instance", |plan| {
            plan.only.as_mut().unwrap()[1].1 = posed(3, 1)
        }),
    ];
    for (name, change) in changes {
        let mut other = plan(&catalogue);
        change(&mut other);
        assert!(
            Journal::resume(&path, &other, Shard::WHOLE).is_err(),
            "{name}"
        );
    }
    let half = "1/2".parse().unwrap();
    assert!(Journal::resume(&path, &plan(&catalogue), half).is_err());
    assert!(Journal::resume(&path, &plan(&catalogue), Shard::WHOLE).is_ok());
}

/// A journal of all cases but `without` of them, none of which could be made, and of the certificate.
fn written(path: &Path, plan: &Plan<'_>, without: usize, certificate: bool) {
    let journal = Journal::create(path, plan, Shard::WHOLE).unwrap();
    let agenda = Agenda::of(plan);
    for at in without..agenda.total() {
        let (claim, unit) = agenda.place(at);
        let unmade = Err("nothing was made".to_owned());
        journal
            .record(plan.claims[claim].id, unit, &unmade)
            .unwrap();
    }
    if certificate {
        let proven = Ok("a bound".to_owned());
        journal
            .record_certificate(plan.claims[1].id, &proven)
            .unwrap();
    }
}

#[test]
fn a_journal_without_a_case_or_a_certificate_is_not_finished() {
    let catalogue = claims::all();
    let plan = plan(&catalogue);
    let directory = tempfile::tempdir().unwrap();
    // A witness and two instances, and two instances.
    for (without, certificate, missing) in
        [(0, true, 0), (0, false, 1), (1, true, 1), (2, false, 3)]
    {
        let path = directory
            .path()
            .join(format!("{without}-{certificate}.jsonl"));
        written(&path, &plan, without, certificate);
        match merge(&[path], &catalogue) {
            Ok(merged) => {
                assert_eq!(missing, 0);
                let cases: Vec<usize> = merged.records.iter().map(|record| record.cases).collect();
                assert_eq!(cases, [3, 2]);
                assert_eq!(merged.records[1].proof, Some(Ok("a bound".to_owned())));
            }
            Err(error) => {
                let expected = format!("{missing} of 6 cases and certificates are missing");
                assert!(error.to_string().contains(&expected), "{error}");
            }
        }
    }
}

fn fails() -> Verdict {
    Verdict::Fails(Finding {
        quantity: "a number".to_owned(),
        observed: "2".to_owned(),
        allowed: "1".to_owned(),
        slack: 0.5,
        granted: "nothing".to_owned(),
    })
}

/// What a record keeps of failures on instances with these many rows and origins.
fn kept(failures: &[(usize, Origin)]) -> (usize, Origin) {
    let catalogue = claims::all();
    let claim = plan(&catalogue).claims[0];
    let mut record = ClaimRecord::new(claim);
    for (rows, origin) in failures {
        let case = AnyCase::new(origin.clone(), posed(*rows, 1), 1);
        record.add(claim, &case, fails());
    }
    assert_eq!(record.failed, failures.len());
    let failure = record.failure.unwrap();
    (failure.instance.size(), failure.origin)
}

#[test]
fn the_smallest_failure_is_kept_but_a_witness_goes_first() {
    let size = |rows| posed(rows, 1).size();
    let random = |k| Origin::Random(k);
    let drawn = [
        (4, random(0)),
        (2, random(1)),
        (2, random(2)),
        (3, random(3)),
    ];
    assert_eq!(kept(&drawn), (size(2), random(1)));
    let with_witness = [(4, Origin::Witness), (2, random(1))];
    assert_eq!(kept(&with_witness), (size(4), Origin::Witness));
}

#[test]
fn what_contradicts_the_record_is_told_from_what_was_not_looked_at() {
    let catalogue = claims::all();
    let claim = plan(&catalogue).claims[1];
    let record = |change: fn(&mut ClaimRecord)| {
        let mut record = ClaimRecord::new(claim);
        assert_eq!(record.expected, Expected::Holds);
        (record.cases, record.proof) = (3, Some(Ok("a bound".to_owned())));
        change(&mut record);
        (record.verdict(), record.as_recorded())
    };
    let refused = || Some(Err("no proof".to_owned()));
    assert_eq!(record(|_| {}), (Tally::Proven, true));
    assert_eq!(record(|r| r.proof = None), (Tally::Holds, true));
    assert_eq!(record(|r| r.failed = 1), (Tally::Fails, false));
    assert_eq!(
        record(|r| r.witness_fails = Some(false)),
        (Tally::Proven, false)
    );
    let nothing: fn(&mut ClaimRecord) = |r| (r.cases, r.proof) = (0, None);
    assert_eq!(record(nothing), (Tally::Outside, false));
    let outside: fn(&mut ClaimRecord) = |r| {
        r.proof = None;
        r.outside.insert(Outside::Weights, 3);
    };
    assert_eq!(record(outside), (Tally::Outside, false));
    assert_eq!(
        record(|r| (r.undecided, r.proof) = (3, None)),
        (Tally::Undecided, false)
    );
    let mut stopped = ClaimRecord::new(claim);
    (stopped.cases, stopped.unfinished) = (1, 1);
    assert!(stopped.as_recorded());
    stopped.proof = refused();
    assert!(!stopped.as_recorded());
    (stopped.proof, stopped.failed) = (None, 1);
    assert!(!stopped.as_recorded());
    (stopped.failed, stopped.witness_fails) = (0, Some(false));
    assert!(!stopped.as_recorded());
    let mut whole = ClaimRecord::new(claim);
    (whole.cases, whole.proof) = (1, refused());
    assert!(!whole.as_recorded());
}

/// Real data outside the premise count as cases, but not as cases inside it.
#[test]
fn real_data_are_counted_inside_the_premise_and_altogether() {
    let catalogue = claims::all();
    let claim = plan(&catalogue).claims[0];
    let mut record = ClaimRecord::new(claim);
    let case = AnyCase::new(Origin::Real("iris".to_owned()), posed(2, 1), 1);
    for verdict in [
        Verdict::Holds { slack: 3.0 },
        Verdict::Outside(Outside::Weights),
        fails(),
        Verdict::Undecided("no margin".to_owned()),
    ] {
        record.add(claim, &case, verdict);
    }
    assert_eq!(record.real, (3, 4));
    assert_eq!((record.cases, record.failed, record.undecided), (4, 1, 1));
    assert_eq!((record.slack, record.outside_total()), (0.5, 1));
    assert_eq!(record.points.len(), 2);
}
