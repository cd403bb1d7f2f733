//! Runs whose Gram matrix has products in single precision, beside the same ones in double precision.

use std::ops::ControlFlow;

use nalgebra::{DMatrix, DVector};
use nalgebra_sparse::CsrMatrix;

use crate::instance::{DesignMatrix, LossKind};
use crate::production::kernels::Level;
use crate::production::newton::by_gram::{End, Orders, minimise};
use crate::production::{Method, Outcome, Problem, Settings};

/// Large enough for single precision to pay.
const SHAPE: (usize, usize) = (21_000, 48);

/// The same problem with dense rows, and with sparse ones, whose Gram matrix is made in double precision.
fn both(weight: f64) -> [Problem; 2] {
    let (n, d) = SHAPE;
    let matrix = DMatrix::from_fn(n, d, |i, j| ((i * 31 + j * 17 + i * j) as f64).sin() + 0.3);
    let target = DVector::from_fn(n, |i, _| if i % 500 == 7 { 1.0 / 42.0 } else { 0.0 });
    let sparse = DesignMatrix::Sparse(CsrMatrix::from(&matrix));
    [DesignMatrix::Dense(matrix.into()), sparse].map(|matrix| {
        let weights = DVector::repeat(n, weight);
        Problem::new(LossKind::Softmax, matrix, target.clone(), weights).unwrap()
    })
}

fn end(problem: &Problem) -> End {
    let settings = Settings::default();
    let orders = Orders {
        settings: &settings,
        method: Method::ReusedGram,
        coarse: None,
        observer: &mut |_| ControlFlow::Continue(()),
    };
    minimise(problem, vec![0.0; SHAPE.1], orders).unwrap()
}

/// Under a ridge that dominates one step is the answer; by a matrix in single precision only because it is refined, for which A is read
/// once more.
#[test]
fn a_step_by_a_matrix_in_single_precision_is_refined_within_its_iteration() {
    for (weight, dominates) in [(300.0, true), (3.0, false), (0.02, false)] {
        let [dense, sparse] = both(weight);
        let [single, double] = [&dense, &sparse].map(end);
        let made = |problem: &Problem| {
            let weights = problem.squared_weights().as_slice();
            problem.ridge().get(problem.operator(), weights).single
        };
        assert_eq!(made(&dense).is_some(), Level::best().has_vectors());
        assert_eq!(made(&sparse), None);
        assert_eq!(single.outcome, Outcome::Converged);
        assert!(single.trace.len() <= double.trace.len(), "{weight}");
        if dominates {
            let passes = [&single, &double].map(|end| end.trace[0].passes);
            assert_eq!((single.trace.len(), double.trace.len()), (1, 1));
            let refined = f64::from(u8::from(Level::best().has_vectors()));
            assert_eq!(passes, [3.0 + refined, 3.0]);
        }
        assert!(single.gradient_norm <= 1e-10 * single.start_gradient_norm);
        // Both gradients are below 1e-10 of the first one, whose step has about the length of x.
        let (a, b) = (DVector::from_vec(single.x), DVector::from_vec(double.x));
        assert!((&a - &b).norm() <= 1e-8 * b.norm(), "{weight}");
        assert!((single.loss - double.loss).abs() <= 1e-14 * double.loss);
    }
}
