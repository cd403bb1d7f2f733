//! Answers the conformance kit with this crate's own solver:
//!
//! ```text
//! cargo run --release --example conformance_rust -- fixtures/conformance my-answers
//! cargo run --release -- check --suite fixtures/conformance --answers my-answers
//! ```

use std::error::Error;
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use attention_regression::instance::files::write_whole;
use attention_regression::judge::kit::read_kit;
use attention_regression::production::{AUTO, Problem, Settings, evaluate, solve, solve_system};
use attention_regression::system::{Asks, Given, Posed, as_json, read};
use nalgebra::DVector;
use serde_json::{Value, json};

/// Writes one answer per instance of the kit.
pub fn answer_all(kit: &Path, answers: &Path) -> Result<usize, Box<dyn Error>> {
    fs::create_dir_all(answers)?;
    let entries = read_kit(kit)?.instances;
    for entry in &entries {
        let answer = match read(&kit.join(&entry.instance))? {
            Posed::Logit(instance) => {
                let problem = Problem::from_instance(&instance)?;
                of_logits(&problem, &instance.start())?
            }
            Posed::Other(given) => match given.system().asks {
                Asks::Loss | Asks::Zero => of_system(&given)?,
                Asks::Outputs(_) => {
                    let outputs = evaluate(&given)?;
                    as_json(&given.outputs_layout(), outputs.values.values())
                }
                _ => return Err(format!("{}: a new kind of question", entry.id).into()),
            },
            _ => return Err(format!("{}: a new kind of instance", entry.id).into()),
        };
        let path = answers.join(format!("{}.json", entry.id));
        write_whole(&path, answer.to_string().as_bytes())?;
    }
    Ok(entries.len())
}

/// Everything about a loss of logits.
fn of_logits(problem: &Problem, x: &DVector<f64>) -> Result<Value, Box<dyn Error>> {
    let hessian = problem.hessian(x)?;
    let rows: Vec<Vec<f64>> = hessian
        .row_iter()
        .map(|row| row.iter().copied().collect())
        .collect();
    Ok(json!({
        "x": x.as_slice(),
        "loss": problem.value(x)?,
        "gradient": problem.gradient(x)?.as_slice(),
        "hessian": rows,
        "minimiser": minimiser(problem, x)?.as_slice(),
    }))
}

/// Where the solver ends on another system. It need not be the only such point, and there may be none: the kit judges it by
/// its gradient.
fn of_system(given: &Given) -> Result<Value, Box<dyn Error>> {
    let settings = Settings::default().with_tolerance(1e-15);
    let (start, go_on) = (given.start(), &mut |_: &_| ControlFlow::Continue(()));
    let (solution, _) = solve_system(given, Some(&start), AUTO, &settings, go_on)?;
    let x = as_json(&given.layout(), solution.x.as_slice());
    if matches!(given.system().asks, Asks::Zero) && !solution.outcome.is_success() {
        // No zero was found: what is known of the point is its loss.
        return Ok(json!({"x": x, "loss": solution.loss}));
    }
    Ok(json!({"minimiser": x}))
}

/// Where the solver ends from x, as far as f64 goes: it stops where rounding stops it.
fn minimiser(problem: &Problem, x: &DVector<f64>) -> Result<DVector<f64>, Box<dyn Error>> {
    let settings = Settings::default().with_tolerance(1e-15);
    let solution = solve(problem, x, &settings)?;
    if !solution.outcome.is_success() {
        return Err(format!("the solver ended as {}", solution.outcome).into());
    }
    Ok(solution.x)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [kit, answers] = &arguments[..] else {
        return Err("usage: conformance_rust KIT ANSWERS".into());
    };
    let count = answer_all(Path::new(kit), Path::new(answers))?;
    println!("{count} answers in {answers}");
    Ok(())
}
