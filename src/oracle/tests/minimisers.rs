//! The minimiser: digits reached, the error bound, and problems that have no isolated minimiser.

use nalgebra::{DMatrix, DVector};

use super::{agree, numbers, table};
use crate::instance::{DesignMatrix, Instance, LossKind};
use crate::oracle::{Graph, OracleError, Reference, minimise};
use crate::scalar::High;

#[test]
fn the_minimiser_agrees_with_findroot_and_its_bound_holds() {
    let mut seen = 0;
    for case in table() {
        let Some(expected) = case.minimiser.as_deref().map(numbers) else {
            continue;
        };
        seen += 1;
        let reference = Reference::new(&case.instance()).unwrap();
        let found = minimise(&reference, &case.point()).unwrap();
        let truth = DVector::from_vec(expected);
        let error = (&found.x - &truth).norm();
        // The table's own 50 digits.
        assert!(
            error <= found.error_bound + truth.norm().shifted(-48),
            "{}",
            case.name
        );
        let scale = truth.norm().max(High::ONE);
        assert!(
            found.error_bound <= scale.shifted(-37),
            "{}: {:?}",
            case.name,
            found.error_bound
        );
        assert!(found.curvature.is_positive());
        let mut both = found.x.as_slice().to_vec();
        both.push(High::ONE);
        let mut theirs = truth.as_slice().to_vec();
        theirs.push(High::ONE);
        assert!(agree(&both, &theirs, 37), "{}", case.name);
    }
    assert_eq!(seen, 3);
}

#[test]
fn the_minimiser_starts_far_away_and_with_an_indefinite_hessian() {
    // 0.25 (x^2 - 1)^2 + 0.5 (y - x)^2 near the saddle at 0: minimisers (1, 1) and (-1, -1).
    let mut g = Graph::new();
    let (x, y) = (g.variable(0), g.variable(1));
    let square = g.power(x, 2);
    let minus_one = g.int(-1);
    let well = g.sum(&[square, minus_one]);
    let well = g.power(well, 2);
    let back = g.negate(x);
    let gap = g.sum(&[y, back]);
    let gap = g.power(gap, 2);
    let loss = g.weighted_sum(&[(High::ratio(1, 4), well), (High::ratio(1, 2), gap)]);
    let reference = Reference::from_graph(g, loss, 2);
    for (start, expected) in [((1, 16), 1), ((-1, 16), -1), ((400, 16), 1)] {
        let start = DVector::from_vec(vec![High::ratio(start.0, start.1), High::ZERO]);
        let found = minimise(&reference, &start).unwrap();
        let error = (&found.x - DVector::from_element(2, High::int(expected))).norm();
        assert!(error <= found.error_bound);
        assert!(error <= High::ONE.shifted(-38));
    }
    // The saddle itself is a stationary point, but none to report.
    let error = minimise(&reference, &DVector::from_element(2, High::ZERO)).unwrap_err();
    assert!(matches!(error, OracleError::NoMinimiser { .. }), "{error}");
}

#[test]
fn a_singular_problem_has_no_minimiser_to_report() {
    // Two equal columns: L is constant along (1, -1).
    let instance = Instance::new(
        LossKind::Softmax,
        DesignMatrix::dense(DMatrix::from_row_slice(
            3,
            2,
            &[1.0, 1.0, 2.0, 2.0, -1.0, -1.0],
        ))
        .unwrap(),
        DVector::from_vec(vec![0.5, 0.25, 0.25]),
        DVector::from_element(3, 4.0),
    )
    .unwrap();
    let reference = Reference::new(&instance).unwrap();
    let error = minimise(&reference, &DVector::from_vec(vec![High::ONE, High::ZERO])).unwrap_err();
    assert!(matches!(error, OracleError::NoMinimiser { .. }), "{error}");
}

#[test]
fn a_loss_without_a_minimum_is_not_given_one() {
    let mut g = Graph::new();
    let x = g.variable(0);
    let loss = g.exp(x);
    let reference = Reference::from_graph(g, loss, 1);
    let error = minimise(&reference, &DVector::from_element(1, High::ZERO)).unwrap_err();
    assert!(matches!(error, OracleError::NoMinimiser { .. }), "{error}");
}

#[test]
fn a_problem_whose_residual_vanishes_ends_when_its_loss_is_rounding() {
    // 0.5 (exp(x) - 2)^2 + 0.5 10^-20: near ln 2 the loss cannot tell points apart that the gradient can.
    let mut g = Graph::new();
    let x = g.variable(0);
    let e = g.exp(x);
    let minus_two = g.int(-2);
    let residual = g.sum(&[e, minus_two]);
    let square = g.power(residual, 2);
    let floor = g.constant(High::ONE.shifted(-20));
    let loss = g.weighted_sum(&[(High::ratio(1, 2), square), (High::ratio(1, 2), floor)]);
    let reference = Reference::from_graph(g, loss, 1);
    let found = minimise(&reference, &DVector::from_element(1, High::int(3))).unwrap();
    let error = (found.x[0] - High::int(2).ln()).abs();
    assert!(error <= found.error_bound + High::ONE.shifted(-39));
    assert!(found.error_bound <= High::ONE.shifted(-37));
    assert!(found.iterations <= 12, "{}", found.iterations);
}
