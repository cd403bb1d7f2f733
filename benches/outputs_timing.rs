//! Times the outputs of an instance with their bound, in process: reading and printing do not count.
//!
//! `cargo bench --bench outputs_timing -- MANIFEST [--threads T] [--runs R] [--output FILE.npy]` prints one line of JSON;
//! `benches/attention.py` reads it.

mod process;

use std::error::Error;
use std::path::PathBuf;
use std::time::Instant;

use attention_regression::instance::files::npy;
use attention_regression::production::evaluate;
use attention_regression::system::{Posed, read};
use clap::Parser;
use serde_json::json;

/// Times the outputs of an instance.
#[derive(Parser)]
struct Arguments {
    /// Manifest of the instance
    instance: PathBuf,
    /// Threads
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Evaluations that are timed, after one that is not
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// File for the outputs
    #[arg(long)]
    output: Option<PathBuf>,
}

fn main() -> Result<(), Box<dyn Error>> {
    // `cargo bench` adds the word "--bench".
    let arguments = Arguments::parse_from(std::env::args().filter(|word| word != "--bench"));
    rayon::ThreadPoolBuilder::new()
        .num_threads(arguments.threads)
        .build_global()?;
    let Posed::Other(given) = read(&arguments.instance)? else {
        return Err("an instance with outputs is expected".into());
    };
    let mut evaluated = evaluate(&given)?;
    let (mut seconds, mut processor) = (Vec::new(), Vec::new());
    for _ in 0..arguments.runs {
        let (before, clock) = (process::processor_seconds(), Instant::now());
        evaluated = evaluate(&given)?;
        seconds.push(clock.elapsed().as_secs_f64());
        processor.extend(
            before
                .zip(process::processor_seconds())
                .map(|(before, after)| after - before),
        );
    }
    if let Some(file) = &arguments.output {
        npy::write_shaped(file, evaluated.values.shape(), evaluated.values.values())?;
    }
    let least = |times: &[f64]| times.iter().copied().reduce(f64::min);
    let line = json!({
        "threads": arguments.threads,
        "runs": seconds.len(),
        "min_s": least(&seconds),
        "processor_min_s": least(&processor),
        "largest_error_bound": evaluated.error_bounds.values().iter().copied().fold(0.0, f64::max),
    });
    println!("{line}");
    Ok(())
}
