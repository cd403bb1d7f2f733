//! The claims that everything else leans on, as properties: any small dyadic instance, shrunk to readable numbers where a
//! claim fails. The campaign tries other cases (strata, searches); this is the net under it.

use attention_regression::claims::{self, Case, Origin, Verdict};
use attention_regression::instance::{DesignMatrix, Instance, LossKind};
use nalgebra::{DMatrix, DVector};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestError, TestRunner};

/// Entries are integers over 64, so that they shrink to 0, 1/64, ... and not to 0.5234375.
fn dyadic(limit: i32) -> impl Strategy<Value = f64> {
    (-64 * limit..=64 * limit).prop_map(|k| f64::from(k) / 64.0)
}

/// n up to 4, d up to 3, `||b||_1 <= 1` (each entry at most 1/4 of 64ths), weights above 10, two points.
fn case() -> impl Strategy<Value = Case> {
    (1usize..=4, 1usize..=3, any::<u32>()).prop_flat_map(|(n, d, seed)| {
        let entries = proptest::collection::vec(dyadic(2), n * d);
        let target = proptest::collection::vec((-16i32..=16).prop_map(|k| f64::from(k) / 64.0), n);
        let weights =
            proptest::collection::vec((1i32..=64).prop_map(|k| 10.0 + f64::from(k) / 64.0), n);
        let points = proptest::collection::vec(dyadic(1), 2 * d);
        (entries, target, weights, points).prop_map(move |(entries, target, weights, points)| {
            let matrix = DMatrix::from_row_slice(n, d, &entries);
            let instance = Instance::new(
                LossKind::Softmax,
                DesignMatrix::dense(matrix).unwrap(),
                DVector::from_vec(target),
                DVector::from_vec(weights),
            )
            .unwrap()
            .with_points(vec![
                DVector::from_column_slice(&points[..d]),
                DVector::from_column_slice(&points[d..]),
            ])
            .unwrap();
            Case::new(Origin::Random(0), instance, u64::from(seed))
        })
    })
}

/// The six claims that the papers lean on, in the form that holds.
const FIRST: [&str; 6] = [
    "dls23/softmax-normalised",
    "dls23/hessian-bounds-unit-target",
    "dls23/positive-definite",
    "dls23/softmax-lipschitz-printed",
    "dls23/hessian-lipschitz",
    "dls23/gradient-corrected",
];

#[test]
fn the_first_claims_hold_on_any_small_instance() {
    let catalogue = claims::all();
    let mut runner = TestRunner::new_with_rng(
        Config {
            cases: 64,
            failure_persistence: None,
            ..Config::default()
        },
        proptest::test_runner::TestRng::deterministic_rng(
            proptest::test_runner::RngAlgorithm::ChaCha,
        ),
    );
    let outcome = runner.run(&case(), |case| {
        for id in FIRST {
            let verdict = claims::find(&catalogue, id)
                .unwrap()
                .check(&case.clone().into())
                .unwrap();
            prop_assert!(!matches!(verdict, Verdict::Fails(_)), "{id}: {verdict:?}");
        }
        Ok(())
    });
    assert!(outcome.is_ok(), "{outcome:?}");
}

#[test]
fn a_planted_fault_is_found_and_shrunk_to_a_small_instance() {
    let catalogue = claims::all();
    let claim = claims::find(&catalogue, "dls23/gradient-corrected").unwrap();
    let mut runner = TestRunner::new_with_rng(
        Config {
            cases: 64,
            failure_persistence: None,
            ..Config::default()
        },
        proptest::test_runner::TestRng::deterministic_rng(
            proptest::test_runner::RngAlgorithm::ChaCha,
        ),
    );
    let outcome = runner.run(&case(), |case| {
        let verdict = claim.control(&case.clone().into()).unwrap();
        prop_assert!(!matches!(verdict, Verdict::Fails(_)));
        Ok(())
    });
    match outcome {
        Err(TestError::Fail(_, smallest)) => {
            assert_eq!(
                (smallest.instance.rows(), smallest.instance.columns()),
                (1, 1)
            );
        }
        other => panic!("the planted sign was not found: {other:?}"),
    }
}
