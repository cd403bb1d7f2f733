//! What `overhead.py` holds Python's calls against: poses and solves one problem again and again, as `attreg.solve` does.
//!
//! `rust_side DIR CALLS bound|none`: `A.npy` (n, d) and `b.npy` (n) in DIR, weights 0.5, softmax. Prints one line of JSON, nanoseconds of
//! each call.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use attention_regression::instance::files::npy::{read_shaped, read_vector};
use attention_regression::instance::{DesignMatrix, Instance, LossKind};
use attention_regression::production::{Problem, Settings, solve};
use nalgebra::DVector;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().filter(|word| word != "--bench").collect();
    let [_, directory, calls, bound] = &arguments[..] else {
        return Err("usage: rust_side DIR CALLS bound|none".into());
    };
    let directory = PathBuf::from(directory);
    let (shape, entries) = read_shaped(&directory.join("A.npy"))?;
    let [rows, columns] = shape[..] else {
        return Err("A.npy holds no matrix".into());
    };
    let entries = Arc::new(entries);
    let target = read_vector(&directory.join("b.npy"))?;
    let weights = DVector::from_element(target.len(), 0.5);
    let settings = Settings::default().with_certify(bound == "bound");
    let mut nanoseconds = Vec::new();
    for _ in 0..calls.parse()? {
        let (target, weights) = (target.clone(), weights.clone());
        let begun = Instant::now();
        let matrix = DesignMatrix::from_shared_row_major(rows, columns, entries.clone())?;
        let instance = Instance::new(LossKind::Softmax, matrix, target, weights)?;
        let problem = Problem::from_instance(&instance)?;
        let solution = solve(&problem, &instance.start(), &settings)?;
        nanoseconds.push(begun.elapsed().as_nanos() as u64);
        if !solution.outcome.is_success() {
            return Err(solution.outcome.sentence().into());
        }
    }
    println!("{}", serde_json::to_string(&nanoseconds)?);
    Ok(())
}
