//! How many steps named instances take, as a reviewed record. A state that was not brought up to date, a model of another point or a
//! wrong order of two steps leaves the answer right and shows here.

use std::fmt::Write as _;
use std::ops::ControlFlow;

use nalgebra::{DMatrix, DVector};

use crate::instance::{Activation, DesignMatrix, LossKind, sample};
use crate::production::{Method, Outcome, Problem, Settings, method_names_of, solve, solve_system};
use crate::system::{GENERATORS, Sizes};

fn reviewed(name: &str, found: &str) {
    insta::with_settings!({
        snapshot_path => "../../fixtures/iterations",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        insta::assert_snapshot!(name, found);
    });
}

fn kinds(n: usize) -> Vec<LossKind> {
    let mut rng = sample::stream(5, "iterations/second-layer", 0);
    let second_layer = DMatrix::from_fn(3, n, |_, _| sample::dyadic(&mut rng, 1));
    let mut kinds = LossKind::plain();
    for activation in [Activation::Tanh, Activation::Softplus] {
        kinds.push(LossKind::TwoLayer {
            second_layer: second_layer.clone(),
            activation,
        });
    }
    kinds
}

/// An instance with entries of A up to `size` and all weights alike.
fn problem(kind: LossKind, [n, d]: [usize; 2], size: f64, weight: f64) -> Problem {
    let mut rng = sample::stream(5, "iterations", n as u64);
    let a = DMatrix::from_fn(n, d, |_, _| size * sample::dyadic(&mut rng, 1));
    let target = sample::dyadic_vector(&mut rng, kind.target_length(n), 1);
    let matrix = DesignMatrix::dense(a).unwrap();
    Problem::new(kind, matrix, target, DVector::repeat(n, weight)).unwrap()
}

/// Outcome and steps, and how many of the steps took which method.
fn record(text: &mut String, name: &str, problem: &Problem, method: Method) {
    let settings = Settings {
        method,
        certify: false,
        ..Settings::default()
    };
    let start = DVector::repeat(problem.columns(), 0.375);
    let found = solve(problem, &start, &settings).unwrap();
    let shifted = found
        .trace
        .iter()
        .filter(|entry| entry.shift != 0.0)
        .count();
    let rows: usize = found.trace.iter().map(|entry| entry.distinct_rows).sum();
    writeln!(
        text,
        "{name}, {}: {} after {}, {shifted} shifted, {rows} rows",
        method.as_str(),
        found.outcome,
        found.iterations
    )
    .unwrap();
}

#[test]
fn losses_of_logits_take_the_steps_on_record() {
    let mut text = String::new();
    for kind in kinds(40) {
        for (size, weight) in [(1.0, 0.25), (4.0, 1.0 / 64.0), (1.0, 4.0)] {
            let problem = problem(kind.clone(), [40, 4], size, weight);
            for method in [Method::Exact, Method::ReusedGram, Method::Subsampled] {
                let name = format!("{} {size} {weight}", problem.loss().name());
                record(&mut text, &name, &problem, method);
            }
        }
    }
    reviewed("logits", &text);
}

/// More entries than a whole Gram matrix is made of for nothing: heavy rows are chosen, and their budget may cut them.
#[test]
fn models_of_heavy_rows_take_the_steps_on_record() {
    let mut text = String::new();
    for (kind, size, weight) in [
        (LossKind::Softmax, 2.0, 1.0 / 64.0),
        (LossKind::Softmax, 6.0, 1.0 / 16.0),
        (LossKind::Cosh, 1.0, 1.0),
        (LossKind::Exp, 0.5, 0.25),
    ] {
        let problem = problem(kind, [9_000, 24], size, weight);
        let name = format!("{} {size} {weight}", problem.loss().name());
        record(&mut text, &name, &problem, Method::ReusedGram);
    }
    reviewed("heavy-rows", &text);
}

#[test]
fn every_other_system_takes_the_steps_on_record() {
    let mut text = String::new();
    let sizes = Sizes {
        rows: 12,
        width: 3,
        columns: Some(5),
    };
    for generator in GENERATORS {
        for index in 0..3 {
            let given = generator.draw(&sizes, 5, index).unwrap();
            for method in method_names_of(given.system().key) {
                let settings = Settings {
                    certify: false,
                    max_iterations: 60,
                    ..Settings::default()
                };
                let mut nobody = |_: &_| ControlFlow::Continue(());
                let solved = solve_system(&given, None, method, &settings, &mut nobody);
                // A method may be for other instances of the system.
                let Ok((found, _)) = solved else { continue };
                let read = found
                    .labels_read
                    .map_or(String::new(), |read| format!(", {read} labels"));
                // Where rounding ends a run it decides about the last steps, and machines differ in it.
                let steps = match found.outcome {
                    Outcome::ConvergedToRounding | Outcome::Singular => "some".to_owned(),
                    _ => found.iterations.to_string(),
                };
                writeln!(
                    text,
                    "{} {index}, {method}: {} after {steps}{read}",
                    generator.kind, found.outcome
                )
                .unwrap();
            }
        }
    }
    reviewed("systems", &text);
}
