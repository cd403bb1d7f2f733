//! With the feature `argmin` a problem runs in another crate's optimisers, and they find the same minimum.

use crate::common::fixture;
use argmin::core::{Executor, Gradient, Hessian};
use argmin::solver::linesearch::MoreThuenteLineSearch;
use argmin::solver::quasinewton::LBFGS;
use attention_regression::instance::files::read_instance;
use attention_regression::production::{Problem, Settings, solve};

#[test]
fn lbfgs_of_argmin_finds_the_minimum_that_the_solver_finds() {
    for name in ["tiny", "signed-target"] {
        let instance = read_instance(&fixture(&format!("instances/{name}.json"))).unwrap();
        let problem = Problem::from_instance(&instance).unwrap();
        let own = solve(&problem, &instance.start(), &Settings::default()).unwrap();
        let solver = LBFGS::new(MoreThuenteLineSearch::new(), 7);
        let found = Executor::new(problem, solver)
            .configure(|state| {
                state
                    .param(instance.start().as_slice().to_vec())
                    .max_iters(200)
            })
            .run()
            .unwrap();
        let loss = found.state().get_best_cost();
        // Near a minimum the loss is flat: half of the digits of x are all of the loss's.
        assert!((loss - own.loss).abs() <= 1e-13 * own.loss, "{name}");
    }
}

#[test]
fn gradient_and_hessian_reach_argmin_unchanged() {
    let instance = read_instance(&fixture("instances/tiny.json")).unwrap();
    let problem = Problem::from_instance(&instance).unwrap();
    let x = instance.start();
    let list = x.as_slice().to_vec();
    let gradient = Gradient::gradient(&problem, &list).unwrap();
    assert_eq!(gradient, problem.gradient(&x).unwrap().as_slice());
    let rows = Hessian::hessian(&problem, &list).unwrap();
    let hessian = problem.hessian(&x).unwrap();
    for (i, row) in rows.iter().enumerate() {
        for (j, entry) in row.iter().enumerate() {
            assert_eq!(*entry, hessian[(i, j)]);
        }
    }
}
