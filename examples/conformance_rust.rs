//! Answers the conformance kit with this crate's own solver:
//!
//! ```text
//! cargo run --release --example conformance_rust -- fixtures/conformance my-answers
//! cargo run --release -- check --suite fixtures/conformance --answers my-answers
//! ```

use std::error::Error;
use std::fs;
use std::path::Path;

use attention_regression::instance::files::{read_instance, write_whole};
use attention_regression::judge::kit::read_kit;
use attention_regression::production::{Problem, Settings, solve};
use nalgebra::DVector;
use serde_json::json;

/// Writes one answer per instance of the kit.
pub fn answer_all(kit: &Path, answers: &Path) -> Result<usize, Box<dyn Error>> {
    fs::create_dir_all(answers)?;
    let entries = read_kit(kit)?.instances;
    for entry in &entries {
        let problem = Problem::from_instance(&read_instance(&kit.join(&entry.instance))?)?;
        let x = DVector::from_column_slice(&entry.x);
        let hessian = problem.hessian(&x)?;
        let rows: Vec<Vec<f64>> = hessian
            .row_iter()
            .map(|row| row.iter().copied().collect())
            .collect();
        let answer = json!({
            "x": x.as_slice(),
            "loss": problem.value(&x)?,
            "gradient": problem.gradient(&x)?.as_slice(),
            "hessian": rows,
            "minimiser": minimiser(&problem, &x)?.as_slice(),
        });
        let path = answers.join(format!("{}.json", entry.id));
        write_whole(&path, answer.to_string().as_bytes())?;
    }
    Ok(entries.len())
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
