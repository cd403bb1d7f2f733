//! Times the solver on an instance, in process: the workspace counts, reading the files does not.
//!
//! `cargo bench --bench solve_timing -- MANIFEST [--threads T] [--runs R] [--method M] [--tolerance T]
//! [--certify] [--output X.npy]` prints one line of JSON; `benches/compare.py` reads it.

mod process;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Instant;

use attention_regression::instance::files::{npy, read_instance};
use attention_regression::production::{Method, Problem, Settings, solve};
use clap::Parser;
use serde_json::json;

/// Times the solver on an instance.
#[derive(Parser)]
struct Arguments {
    /// Manifest of the instance
    instance: PathBuf,
    /// Threads of the solver
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Solves that are timed, after one that is not
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// How the Hessian is made
    #[arg(long, default_value = "auto")]
    method: String,
    /// Converged when the gradient has fallen to this fraction
    #[arg(long, default_value_t = 1e-10)]
    tolerance: f64,
    /// Polish the answer and bound its error too, as `attreg solve` does
    #[arg(long)]
    certify: bool,
    /// File for the answer
    #[arg(long)]
    output: Option<PathBuf>,
    /// Print the trace to standard error
    #[arg(long)]
    trace: bool,
}

fn main() -> Result<(), Box<dyn Error>> {
    // `cargo bench` adds the word "--bench".
    let arguments = Arguments::parse_from(std::env::args().filter(|word| word != "--bench"));
    rayon::ThreadPoolBuilder::new()
        .num_threads(arguments.threads)
        .build_global()?;
    let method = Method::parse(&arguments.method).ok_or("unknown method")?;
    let instance = read_instance(&arguments.instance)?;
    let problem = Problem::from_instance(&instance)?;
    let (start, weights) = (instance.start(), instance.weights().clone());
    drop(instance);
    let settings = Settings::default()
        .with_method(method)
        .with_tolerance(arguments.tolerance)
        .with_certify(arguments.certify)
        .with_polish_steps(if arguments.certify { None } else { Some(0) });
    let mut seconds = Vec::new();
    let mut solution = solve(&problem, &start, &settings)?;
    for _ in 0..arguments.runs {
        // What an earlier run has found out about A and the weights is no part of a user's time.
        let problem = problem.with_weights(&weights)?;
        let clock = Instant::now();
        solution = solve(&problem, &start, &settings)?;
        seconds.push(clock.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    if arguments.trace {
        for entry in &solution.trace {
            eprintln!("{entry:?}");
        }
    }
    if let Some(file) = &arguments.output {
        npy::write_vector(file, &solution.x)?;
    }
    let line = json!({
        "solver": "ours",
        "instance": arguments.instance.parent().and_then(Path::file_name).map(|name| name.to_string_lossy()),
        "method": method.as_str(),
        "threads": arguments.threads,
        "median_s": seconds[seconds.len() / 2],
        "min_s": seconds[0],
        "runs": seconds.len(),
        "rel": solution.gradient_norm / solution.start_gradient_norm,
        "loss": solution.loss,
        "iterations": solution.iterations,
        "passes": solution.trace.last().map_or(0.0, |entry| entry.passes),
        "error_bound": solution.error_bound,
        "peak_mb": process::peak_megabytes(),
        "status": solution.outcome.as_str(),
    });
    println!("{line}");
    Ok(())
}
