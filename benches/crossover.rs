//! Where is the papers' subsampled Hessian faster than exact Gram matrices? Times whole solves over d and prints a table.
//!
//! ```text
//! cargo bench --bench crossover -- docs/crossover.svg [LARGEST_D]
//! ```
//!
//! Dense rows with entries of size 1, w = 0.01, two threads or as many as `RAYON_NUM_THREADS` says; error bound and polishing
//! off. Each time is the best of three solves, for d above 2,000 that of one.

use std::error::Error;
use std::fmt::Write as _;
use std::time::Instant;

use attention_regression::instance::files::write_whole;
use attention_regression::instance::{DesignMatrix, LossKind, sample};
use attention_regression::production::{Method, Problem, Settings};
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
const METHODS: [(Method, &str); 3] = [
    (Method::ReusedGram, "#006600"),
    (Method::Exact, "#1c4587"),
    (Method::Subsampled, "#b45f06"),
];
const RUNS: usize = 3;
/// From this d on one solve must do.
const ONCE: usize = 2_000;
/// Of every row.
const WEIGHT: f64 = 1e-2;

/// One line of the table.
struct Row {
    n: usize,
    d: usize,
    /// Best time of each method in seconds; `None` where it did not converge.
    seconds: [Option<f64>; 3],
    iterations: [usize; 3],
    /// Rows in the first sample.
    kept: usize,
}

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

fn measure(n: usize, d: usize) -> Result<Row, Box<dyn Error>> {
    let problem = problem(n, d)?;
    let mut row = Row {
        n,
        d,
        seconds: [None; 3],
        iterations: [0; 3],
        kept: 0,
    };
    for (k, (method, _)) in METHODS.into_iter().enumerate() {
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

fn svg(rows: &[Row]) -> Result<String, std::fmt::Error> {
    let (left, top, width, height) = (70.0, 40.0, 520.0, 300.0);
    let x = |d: f64| left + width * (d / 40.0).log10() / 125f64.log10();
    // 1 ms to 1000 s.
    let y = |seconds: f64| top + height * (1.0 - (seconds / 1e-3).log10() / 6.0);
    let mut out = String::from(
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="640" height="420" font-family="sans-serif" font-size="13">"#,
    );
    writeln!(out, r#"<rect width="640" height="420" fill="white"/>"#)?;
    writeln!(
        out,
        r#"<rect x="{left}" y="{top}" width="{width}" height="{height}" fill="none" stroke="black"/>"#
    )?;
    writeln!(
        out,
        r#"<text x="{left}" y="26">Seconds of a solve over d, dense rows</text>"#
    )?;
    for power in -3..=3 {
        let place = y(10f64.powi(power));
        writeln!(
            out,
            r#"<text x="62" y="{:.1}" text-anchor="end">1e{power}</text>"#,
            place + 4.0
        )?;
    }
    for row in rows {
        let place = x(row.d as f64);
        writeln!(
            out,
            r#"<text x="{place:.1}" y="358" text-anchor="middle">{}</text>"#,
            row.d
        )?;
    }
    for (k, (method, colour)) in METHODS.into_iter().enumerate() {
        let mut points = String::new();
        for row in rows {
            if let Some(seconds) = row.seconds[k] {
                write!(points, "{:.1},{:.1} ", x(row.d as f64), y(seconds))?;
            }
        }
        writeln!(
            out,
            r#"<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>"#
        )?;
        writeln!(
            out,
            r#"<text x="{}" y="395" fill="{colour}">{}</text>"#,
            left + 170.0 * k as f64,
            method.as_str()
        )?;
    }
    out.push_str("</svg>\n");
    Ok(out)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        // What `cargo bench` adds.
        .filter(|word| word != "--bench")
        .collect();
    let file = arguments
        .first()
        .ok_or("which file should the plot go to?")?;
    let largest: usize = arguments
        .get(1)
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
    write_whole(file.as_ref(), svg(&rows)?.as_bytes())?;
    Ok(())
}
