//! Where is the papers' subsampled Hessian faster than exact Gram matrices? Times whole solves over d and prints a table.
//!
//! ```text
//! cargo bench --bench crossover -- docs/crossover.json WHERE [LARGEST_D]
//! INSTA_UPDATE=always cargo test --lib html::documents
//! ```
//!
//! WHERE says on which machine, and what else ran; it goes into the file. The second command draws docs/crossover.svg from the file.
//!
//! Dense rows with entries of size 1, w = 0.01, two threads or as many as `RAYON_NUM_THREADS` says; error bound and polishing
//! off. Each time is the best of three solves, for d above 2,000 that of one.

use std::error::Error;
use std::time::Instant;

use attention_regression::instance::files::write_whole;
use attention_regression::instance::{DesignMatrix, LossKind, sample};
use attention_regression::production::{Method, Problem, Settings};
use attention_regression::report::html::{CrossoverRow, CrossoverTimes};
use nalgebra::{DMatrix, DVector};

const SHAPES: [(usize, usize); 7] = [
    (200_000, 50),
    (200_000, 100),
    (200_000, 200),
    (100_000, 400),
    (50_000, 800),
    (30_000, 1600),
    (20_000, 4000),
];
const METHODS: [Method; 3] = [Method::ReusedGram, Method::Exact, Method::Subsampled];
const RUNS: usize = 3;
/// From this d on one solve must do.
const ONCE: usize = 2_000;
/// Of every row.
const WEIGHT: f64 = 1e-2;

fn problem(n: usize, d: usize) -> Result<Problem, Box<dyn Error>> {
    let mut rng = sample::stream(1, "crossover", d as u64);
    let matrix = DMatrix::from_fn(n, d, |_, _| sample::dyadic(&mut rng, 2));
    let direction = sample::dyadic_vector(&mut rng, d, 1);
    let logits = &matrix * &direction;
    // The logits get a standard deviation of 2.
    let logits = &logits * (2.0 * (n as f64).sqrt() / logits.norm());
    let largest = logits.max();
    let target = logits.map(|z| (z - largest).exp());
    let target = &target / target.sum();
    let matrix = DesignMatrix::dense(matrix)?;
    let weights = DVector::repeat(n, WEIGHT);
    Ok(Problem::new(LossKind::Softmax, matrix, target, weights)?)
}

fn measure(n: usize, d: usize) -> Result<CrossoverRow, Box<dyn Error>> {
    let problem = problem(n, d)?;
    let mut row = CrossoverRow {
        n,
        d,
        seconds: vec![None; METHODS.len()],
        iterations: vec![0; METHODS.len()],
        kept: 0,
    };
    for (k, method) in METHODS.into_iter().enumerate() {
        let settings = Settings::default()
            .with_method(method)
            .with_certify(false)
            .with_polish_steps(Some(0));
        for _ in 0..if d < ONCE { RUNS } else { 1 } {
            // None finds the Gram matrix of the one before.
            let problem = problem.with_weights(&DVector::repeat(n, WEIGHT))?;
            let clock = Instant::now();
            let solution = problem.solve(&settings)?;
            let seconds = clock.elapsed().as_secs_f64();
            if solution.outcome.is_success() {
                row.seconds[k] =
                    Some(row.seconds[k].map_or(seconds, |best: f64| best.min(seconds)));
            }
            row.iterations[k] = solution.iterations;
            if method == Method::Subsampled {
                row.kept = solution
                    .trace
                    .first()
                    .map_or(0, |entry| entry.distinct_rows);
            }
        }
    }
    Ok(row)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        // What `cargo bench` adds.
        .filter(|word| word != "--bench")
        .collect();
    let file = arguments
        .first()
        .ok_or("which file should the times go to?")?;
    let measured = arguments
        .get(1)
        .ok_or("on which machine, and what else runs?")?;
    let largest: usize = arguments
        .get(2)
        .map_or(Ok(usize::MAX), |text| text.parse())?;
    println!("| n | d | reused-gram | exact | subsampled | rows in a sample |");
    println!("|---|---|---|---|---|---|");
    let mut rows = Vec::new();
    for (n, d) in SHAPES {
        if d > largest {
            break;
        }
        let row = measure(n, d)?;
        let cell = |k: usize| match row.seconds[k] {
            Some(seconds) => format!("{:.3} s ({} its)", seconds, row.iterations[k]),
            None => "-".to_string(),
        };
        println!(
            "| {} | {} | {} | {} | {} | {} |",
            row.n,
            row.d,
            cell(0),
            cell(1),
            cell(2),
            row.kept
        );
        rows.push(row);
    }
    let times = CrossoverTimes {
        measured: measured.clone(),
        methods: METHODS.map(|method| method.as_str().to_owned()).into(),
        rows,
    };
    let text = serde_json::to_string_pretty(&times)? + "\n";
    write_whole(file.as_ref(), text.as_bytes())?;
    Ok(())
}
