//! What many targets on one matrix cost, beside as many solves of problems of their own, in process.
//!
//! `cargo bench --bench many_targets -- [--n N] [--d D] [--stored K] [--targets T] [--variant V] [--threads T] [--runs R]` prints one line
//! of JSON. A dense row has entries of size 1 in columns of sizes from 1 to 1/10; a sparse one has K of them. Targets are rows of an
//! attention: softmax of products with vectors, whose logits have a standard deviation of 2. Variants as in `benches/generate.py`:
//! `theory` has `||A|| = 1` and `w_i^2` between once and twice `100 + 1 / sigma_min(A)^2`, `practice` w = 0.01, `weak` w = 0.01 / sqrt(n).

mod process;

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use attention_regression::instance::{DesignMatrix, LossKind, sample};
use attention_regression::production::{Problem, Settings, Solution, solve_targets};
use clap::Parser;
use nalgebra::{DMatrix, DVector};
use nalgebra_sparse::{CooMatrix, CsrMatrix};
use serde_json::json;

/// Times a batch of targets and single solves.
#[derive(Parser)]
struct Arguments {
    /// Rows of A
    #[arg(long, default_value_t = 20_000)]
    n: usize,
    /// Columns of A
    #[arg(long, default_value_t = 64)]
    d: usize,
    /// Stored entries of a row of a sparse A
    #[arg(long)]
    stored: Option<usize>,
    /// Targets
    #[arg(long, default_value_t = 100)]
    targets: usize,
    /// theory, practice or weak
    #[arg(long, default_value = "theory")]
    variant: String,
    /// Threads of the solver
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Rounds, whose mean is shown
    #[arg(long, default_value_t = 3)]
    runs: usize,
}

fn matrix(arguments: &Arguments) -> DMatrix<f64> {
    let (n, d) = (arguments.n, arguments.d);
    let mut rng = sample::stream(1, "many-targets", d as u64);
    let kept = arguments.stored.unwrap_or(d);
    DMatrix::from_fn(n, d, |i, j| {
        let entry = sample::dyadic(&mut rng, 1);
        // The columns of a row follow each other, from a place that goes round.
        let stored = (j + d - (i * 7) % d) % d < kept;
        let size = 0.1f64.powf(j as f64 / (d.max(2) - 1) as f64);
        if stored { entry * size } else { 0.0 }
    })
}

/// A, its weights and targets.
fn instance(
    arguments: &Arguments,
) -> Result<(DesignMatrix, DVector<f64>, DMatrix<f64>), Box<dyn Error>> {
    let (n, d) = (arguments.n, arguments.d);
    let mut a = matrix(arguments);
    let mut rng = sample::stream(2, "many-targets", d as u64);
    let mut targets = DMatrix::zeros(n, arguments.targets);
    for mut target in targets.column_iter_mut() {
        let logits = &a * sample::dyadic_vector(&mut rng, d, 1);
        let logits = &logits * (2.0 * (n as f64).sqrt() / logits.norm());
        let largest = logits.max();
        let p = logits.map(|z| (z - largest).exp());
        target.copy_from(&(&p / p.sum()));
    }
    let weights = match arguments.variant.as_str() {
        "theory" => {
            let eigenvalues = a.tr_mul(&a).symmetric_eigenvalues();
            a /= eigenvalues.max().sqrt();
            let least = 100.0 + eigenvalues.max() / eigenvalues.min();
            DVector::from_fn(n, |_, _| {
                (least * (1.0 + sample::dyadic(&mut rng, 1).abs())).sqrt()
            })
        }
        "practice" => DVector::repeat(n, 1e-2),
        "weak" => DVector::repeat(n, 1e-2 / (n as f64).sqrt()),
        other => return Err(format!("unknown variant {other}").into()),
    };
    let matrix = if arguments.stored.is_some() {
        let mut stored = CooMatrix::new(n, d);
        for i in 0..n {
            for j in (0..d).filter(|j| a[(i, *j)] != 0.0) {
                stored.push(i, j, a[(i, j)]);
            }
        }
        DesignMatrix::sparse(CsrMatrix::from(&stored))?
    } else {
        DesignMatrix::dense(a)?
    };
    Ok((matrix, weights, targets))
}

/// Where the system does not say what its threads have run.
const UNTOLD: &str = "the processor time of this process is not known here";

/// Seconds on the clock and of processors.
struct Clock {
    started: Instant,
    processor: f64,
}

impl Clock {
    fn start() -> Result<Self, Box<dyn Error>> {
        let processor = process::processor_seconds().ok_or(UNTOLD)?;
        Ok(Self {
            started: Instant::now(),
            processor,
        })
    }

    fn stop(&self) -> Result<[f64; 2], Box<dyn Error>> {
        Ok([
            self.started.elapsed().as_secs_f64(),
            process::processor_seconds().ok_or(UNTOLD)? - self.processor,
        ])
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    // `cargo bench` adds the word "--bench".
    let arguments = Arguments::parse_from(std::env::args().filter(|word| word != "--bench"));
    rayon::ThreadPoolBuilder::new()
        .num_threads(arguments.threads)
        .build_global()?;
    let (matrix, weights, targets) = instance(&arguments)?;
    let matrix = Arc::new(matrix);
    let settings = Settings::default();
    let fresh = |target: DVector<f64>| {
        Problem::new(
            LossKind::Softmax,
            Arc::clone(&matrix),
            target,
            weights.clone(),
        )
    };
    // On the clock and of processors, alone and together.
    let mut means = [[0.0; 2]; 2];
    let (mut alone, mut together) = (Vec::new(), Vec::new());
    for _ in 0..arguments.runs {
        let clock = Clock::start()?;
        alone = targets
            .column_iter()
            .map(|target| Ok(fresh(target.clone_owned())?.solve(&settings)?))
            .collect::<Result<Vec<Solution>, Box<dyn Error>>>()?;
        let single = clock.stop()?;
        let problem = fresh(DVector::zeros(arguments.n))?;
        let start = DVector::zeros(arguments.d);
        let clock = Clock::start()?;
        let never = AtomicBool::new(false);
        together = solve_targets(&problem, &targets, &start, &settings, &never, &|| ())?;
        let batch = clock.stop()?;
        for (mean, seconds) in means.iter_mut().zip([single, batch]) {
            mean[0] += seconds[0] / arguments.runs as f64;
            mean[1] += seconds[1] / arguments.runs as f64;
        }
    }
    let apart = alone.iter().zip(&together).map(|(alone, together)| {
        let bounds =
            alone.error_bound.unwrap_or(f64::NAN) + together.error_bound.unwrap_or(f64::NAN);
        (&alone.x - &together.x).norm() / bounds
    });
    let median = |solutions: &[Solution]| {
        let mut bounds: Vec<f64> = solutions
            .iter()
            .map(|found| found.error_bound.unwrap_or(f64::NAN))
            .collect();
        bounds.sort_by(f64::total_cmp);
        bounds.get(bounds.len() / 2).copied()
    };
    let count =
        |asked: &dyn Fn(&Solution) -> bool| together.iter().filter(|found| asked(found)).count();
    let line = json!({
        "variant": arguments.variant,
        "n": arguments.n,
        "d": arguments.d,
        "stored": arguments.stored,
        "targets": arguments.targets,
        "threads": arguments.threads,
        "single_s": means[0][0],
        "single_processor_s": means[0][1],
        "together_s": means[1][0],
        "together_processor_s": means[1][1],
        "share": means[1][1] / means[0][1],
        "answers": count(&|found| found.outcome.is_success()),
        "bounds": count(&|found| found.error_bound.is_some()),
        "median_bound_single": median(&alone),
        "median_bound_together": median(&together),
        "largest_distance_over_bounds": apart.fold(0.0, f64::max),
        "peak_mb": process::peak_megabytes(),
        "iterations_single": alone.iter().map(|found| found.iterations).sum::<usize>(),
        "iterations_together": together.iter().map(|found| found.iterations).sum::<usize>(),
    });
    println!("{line}");
    Ok(())
}
