//! Times the oracle on one instance and prints what it computed, as JSON: support for `benches/oracle_vs_mpmath.py`.
//!
//! `cargo bench --bench oracle_timing -- ROWS COLUMNS SEED [LOSS]`, LOSS being any loss without data of its own, or
//! the name of an activation for two layers with 4 outputs. Default: softmax.

use std::error::Error;
use std::time::{Duration, Instant};

use attention_regression::instance::{Activation, DesignMatrix, Instance, LossKind, sample};
use attention_regression::oracle::{Evaluation, Reference, lift_vector};
use nalgebra::DMatrix;
use serde_json::{Value, json};

/// Timings are the best of this many runs: the machine may be busy with something else.
const RUNS: usize = 20;

/// Rows of the second layer, if there is one.
const OUTPUTS: usize = 4;

fn main() -> Result<(), Box<dyn Error>> {
    let mut words: Vec<String> = std::env::args()
        .skip(1)
        // What `cargo bench` adds.
        .filter(|word| word != "--bench")
        .collect();
    let name = if words.len() > 3 {
        words.remove(3)
    } else {
        "softmax".to_owned()
    };
    let arguments: Vec<u64> = words
        .iter()
        .map(|argument| argument.parse())
        .collect::<Result<_, _>>()?;
    let [rows, columns, seed] = arguments[..] else {
        return Err("usage: oracle_timing ROWS COLUMNS SEED [LOSS]".into());
    };
    let (n, d) = (rows as usize, columns as usize);

    let mut rng = sample::stream(seed, "oracle-timing", 0);
    let matrix = DMatrix::from_fn(n, d, |_, _| sample::dyadic(&mut rng, 1));
    let target = sample::probability(&mut rng, n);
    let weights = sample::dyadic_vector(&mut rng, n, 2);
    let x = sample::dyadic_vector(&mut rng, d, 1);
    let loss = loss(&name, n, seed).ok_or("unknown loss")?;
    let target = target.rows(0, loss.target_length(n)).clone_owned();
    let instance = Instance::new(
        loss,
        DesignMatrix::dense(matrix.clone())?,
        target.clone(),
        weights.clone(),
    )?;
    let point = lift_vector(&x);

    // The first use fills tables and starts threads.
    let reference = Reference::new(&instance)?;
    let evaluation = reference.evaluate(&point)?;
    let build = best(|| drop(Reference::new(&instance)));
    let evaluate = best(|| drop(reference.evaluate(&point)));
    let single = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    let alone = single.install(|| best(|| drop(reference.evaluate(&point))));

    let report = json!({
        "loss": name,
        "rows": n,
        "columns": d,
        "matrix": (0..n).map(|i| matrix.row(i).iter().copied().collect::<Vec<f64>>()).collect::<Vec<_>>(),
        "target": target.as_slice(),
        "weights": weights.as_slice(),
        "x": x.as_slice(),
        "nodes": reference.nodes(),
        "terms": reference.terms(),
        "build_seconds": build.as_secs_f64(),
        "evaluate_seconds": evaluate.as_secs_f64(),
        "evaluate_one_thread_seconds": alone.as_secs_f64(),
        "values": values(&evaluation),
    });
    println!("{report}");
    Ok(())
}

fn loss(name: &str, n: usize, seed: u64) -> Option<LossKind> {
    LossKind::parse_plain(name).or_else(|| {
        let mut rng = sample::stream(seed, "oracle-timing/second-layer", 0);
        Some(LossKind::TwoLayer {
            second_layer: DMatrix::from_fn(OUTPUTS.min(n), n, |_, _| sample::dyadic(&mut rng, 1)),
            activation: Activation::parse(name)?,
        })
    })
}

fn best(mut run: impl FnMut()) -> Duration {
    (0..RUNS).fold(Duration::MAX, |shortest, _| {
        let start = Instant::now();
        run();
        shortest.min(start.elapsed())
    })
}

fn values(evaluation: &Evaluation) -> Value {
    json!({
        "loss": evaluation.loss.scientific(40),
        "gradient": evaluation.gradient.iter().map(|g| g.scientific(40)).collect::<Vec<_>>(),
        "hessian": evaluation.hessian.row_iter()
            .map(|row| row.iter().map(|h| h.scientific(40)).collect::<Vec<_>>())
            .collect::<Vec<_>>(),
    })
}
