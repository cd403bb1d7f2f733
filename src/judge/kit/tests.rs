//! A small kit: what it asks for is what a judge asks for, and what is missing or wrong in a directory of answers is said.

use std::fs;

use nalgebra::DVector;

use super::*;
use crate::instance::Instance;
use crate::judge::{Answer, Asked, Precision, judge};
use crate::scalar::High;
use crate::system::Posed;

/// Some specimens by their names.
fn some(ids: &[&str]) -> Vec<Specimen> {
    let all = specimens().unwrap();
    let found: Vec<Specimen> = all
        .into_iter()
        .filter(|specimen| ids.contains(&specimen.id.as_str()))
        .collect();
    assert_eq!(found.len(), ids.len());
    found
}

/// The digits that f64 can give of a minimiser are those that the judge asks of the very minimiser, also where a search begins at 0, at which
/// less is rounded, and the weights are so small that roundings of the gradient count.
#[test]
fn digits_asked_of_a_minimiser_are_those_that_the_judge_asks_for() {
    let mut specimens = some(&["softmax-theory", "two-layer-practice"]);
    for k in 0..specimens.len() {
        let mut other = specimens[k].clone();
        if let Posed::Logit(instance) = other.instance {
            let weights = instance.weights() / 1024.0;
            let (matrix, target) = (instance.matrix().clone(), instance.target().clone());
            let light = Instance::new(instance.loss().clone(), matrix, target, weights).unwrap();
            let zero = DVector::zeros(light.columns());
            other.instance = Posed::Logit(light.with_points(vec![zero]).unwrap());
        }
        specimens.push(other);
    }
    let kit = make(&specimens).unwrap();
    let mut held = 0;
    for (specimen, entry) in specimens.iter().zip(&kit.instances) {
        let Posed::Logit(instance) = &specimen.instance else {
            panic!("{}", specimen.id);
        };
        let Some(decimals) = &entry.expected.loss().unwrap().minimiser else {
            continue;
        };
        let entries = decimals.plain().unwrap().iter();
        let x = DVector::from_iterator(
            instance.columns(),
            entries.map(|text| High::parse(text).unwrap()),
        );
        let answer = Answer {
            minimiser: Some(x),
            ..Answer::default()
        };
        let judged = judge(instance, &answer, Asked::of(Precision::Float64), None).unwrap();
        let score = judged.minimiser.unwrap();
        assert!(score.passed, "{}", specimen.id);
        let Required::Loss(required) = &entry.required else {
            panic!("{}", specimen.id);
        };
        assert_eq!(required.minimiser, Some(score.required), "{}", specimen.id);
        held += 1;
    }
    assert!(held >= 3, "{held}");
}

/// The expected values pass; without one of them, with a wrong one and with what is no number the suite does not, and says which.
#[test]
fn a_suite_passes_where_every_answer_is_there_and_right() {
    let specimens = some(&["softmax-theory", "exp-theory"]);
    let kit = make(&specimens).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let [kit_path, answers] = ["kit", "answers"].map(|name| directory.path().join(name));
    for path in [&kit_path, &answers] {
        fs::create_dir(path).unwrap();
    }
    fs::write(kit_path.join(MANIFEST), render(&kit)).unwrap();
    for (specimen, entry) in specimens.iter().zip(&kit.instances) {
        fs::write(kit_path.join(&entry.instance), specimen.instance.render()).unwrap();
    }
    let place = |id: &str| answers.join(format!("{id}.json"));
    let scored = || {
        let suite = score_directory(&kit_path, &answers, Asked::of(Precision::Float64)).unwrap();
        let statuses: Vec<Status> = suite.instances.iter().map(|row| row.status).collect();
        (suite.passed, statuses)
    };
    let ids: Vec<&str> = kit
        .instances
        .iter()
        .map(|entry| entry.id.as_str())
        .collect();
    let right = |k: usize| {
        let loss = &kit.instances[k].expected.loss().unwrap().loss;
        format!("{{\"loss\": {loss}}}")
    };
    assert_eq!(scored(), (false, vec![Status::Missing; 2]));
    fs::write(place(ids[0]), right(0)).unwrap();
    assert_eq!(scored(), (false, vec![Status::Passed, Status::Missing]));
    fs::write(place(ids[1]), right(1)).unwrap();
    assert_eq!(scored(), (true, vec![Status::Passed; 2]));
    fs::write(place(ids[1]), "{\"loss\": \"much\"}").unwrap();
    assert_eq!(scored(), (false, vec![Status::Passed, Status::Unusable]));
    fs::write(place(ids[1]), "{\"loss\": 1e9}").unwrap();
    assert_eq!(scored(), (false, vec![Status::Passed, Status::Failed]));
    fs::write(place("softmax-teory"), right(0)).unwrap();
    let error = score_directory(&kit_path, &answers, Asked::of(Precision::Float64)).unwrap_err();
    let error = error.to_string();
    assert!(
        error.ends_with("softmax-teory.json: the kit has no instance of this name"),
        "{error}"
    );
}
