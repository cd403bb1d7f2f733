//! Minimises the loss of an instance with optimisers of argmin, for comparison with this crate's own solver:
//!
//! ```text
//! cargo run --release --features argmin --example argmin -- fixtures/instances/tiny.json
//! ```

use std::error::Error;
use std::path::Path;

use argmin::core::{Executor, State};
use argmin::solver::linesearch::MoreThuenteLineSearch;
use argmin::solver::quasinewton::LBFGS;
use argmin::solver::trustregion::{Steihaug, TrustRegion};
use attention_regression::instance::files::read_instance;
use attention_regression::production::{Problem, Settings, solve};

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args()
        .nth(1)
        .ok_or("usage: argmin INSTANCE.json")?;
    let instance = read_instance(Path::new(&path))?;
    let problem = Problem::from_instance(&instance)?;
    let start = instance.start();

    let own = solve(&problem, &start, &Settings::default())?;
    println!(
        "own solver    loss {:e} after {} iterations, {}",
        own.loss, own.iterations, own.outcome
    );

    let x = start.as_slice().to_vec();
    let quasi_newton = LBFGS::new(MoreThuenteLineSearch::new(), 7);
    let found = Executor::new(problem.clone(), quasi_newton)
        .configure(|state| state.param(x.clone()).max_iters(1000))
        .run()?;
    let state = found.state();
    println!(
        "L-BFGS        loss {:e} after {} iterations",
        state.get_best_cost(),
        state.get_iter()
    );

    // It has no test of convergence: these are all its iterations.
    let trust_region = TrustRegion::new(Steihaug::new());
    let found = Executor::new(problem, trust_region)
        .configure(|state| state.param(x).max_iters(50))
        .run()?;
    let state = found.state();
    println!(
        "trust region  loss {:e} after {} iterations",
        state.get_best_cost(),
        state.get_iter()
    );
    Ok(())
}
