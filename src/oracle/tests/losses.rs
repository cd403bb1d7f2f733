//! The sister losses: mpmath's tables, poles and kinks, sizes of their graphs.

use nalgebra::{DMatrix, DVector};

use super::{Case, DIGITS, agree, numbers};
use crate::instance::{Activation, DesignMatrix, Instance, LossKind, sample};
use crate::oracle::{OracleError, Reference, estimate, lift_vector, minimise};
use crate::scalar::High;

fn tables() -> Vec<Case> {
    [
        include_str!("../../../fixtures/oracle/entrywise_mpmath.json"),
        include_str!("../../../fixtures/oracle/residual_softmax_mpmath.json"),
        include_str!("../../../fixtures/oracle/two_layer_mpmath.json"),
    ]
    .iter()
    .flat_map(|text| serde_json::from_str::<Vec<Case>>(text).unwrap())
    .collect()
}

/// Digits that an evaluation without enclosure keeps: all, except where the definition itself cancels.
fn digits(case: &Case) -> i64 {
    if case.name.contains("400") || case.name.contains("900") {
        DIGITS - 2
    } else {
        DIGITS
    }
}

/// Which of loss, gradient and Hessian agree with the table.
fn verdicts(case: &Case) -> [bool; 3] {
    let reference = Reference::new(&case.instance()).unwrap();
    let ours = reference.evaluate(&case.point()).unwrap();
    let digits = digits(case);
    let loss = numbers(std::slice::from_ref(&case.loss));
    [
        agree(&[ours.loss], &loss, digits),
        agree(ours.gradient.as_slice(), &numbers(&case.gradient), digits),
        agree(ours.hessian.as_slice(), &case.flat_hessian(), digits),
    ]
}

#[test]
fn every_value_of_the_independent_tables_is_reached() {
    let tables = tables();
    assert_eq!(tables.len(), 15 + 7 + 24);
    for case in &tables {
        assert_eq!(verdicts(case), [true; 3], "{}", case.name);
    }
}

#[test]
fn a_perturbed_entry_of_a_table_is_noticed() {
    let perturb = |text: &mut String| {
        let value = High::parse(text).unwrap();
        *text = (value + (value + High::ONE.shifted(-9)).shifted(-30)).scientific(40);
    };
    for case in &tables() {
        let mut planted = case.clone();
        perturb(&mut planted.loss);
        planted.gradient.iter_mut().for_each(perturb);
        planted.hessian.iter_mut().flatten().for_each(perturb);
        let found = verdicts(&planted);
        let zero = |texts: &[String]| {
            texts
                .iter()
                .all(|text| High::parse(text).unwrap().is_zero())
        };
        let same = [
            zero(std::slice::from_ref(&case.loss)),
            zero(&case.gradient),
            case.hessian.iter().all(|row| zero(row)),
        ];
        assert_eq!(same, [false; 3], "{}", case.name);
        assert_eq!(found, [false; 3], "{}", case.name);
    }
}

#[test]
fn every_enclosure_contains_the_independent_value() {
    for case in tables() {
        let reference = Reference::new(&case.instance()).unwrap();
        let ours = reference.enclose(&case.point(), High::ZERO).unwrap();
        let balls = [ours.loss]
            .into_iter()
            .chain(ours.gradient)
            .chain(ours.hessian);
        let truth = numbers(std::slice::from_ref(&case.loss))
            .into_iter()
            .chain(numbers(&case.gradient))
            .chain(case.flat_hessian());
        for (ball, truth) in balls.zip(truth) {
            let error = (ball.midpoint() - truth).abs();
            assert!(
                error <= ball.radius() + truth.abs().shifted(-39),
                "{}",
                case.name
            );
        }
    }
}

#[test]
fn minimisers_agree_with_the_independent_ones_within_their_proven_error() {
    let mut count = 0;
    for case in tables() {
        let Some(minimiser) = &case.minimiser else {
            continue;
        };
        count += 1;
        let reference = Reference::new(&case.instance()).unwrap();
        let found = minimise(&reference, &case.point()).unwrap();
        let off = (found.x - DVector::from_vec(numbers(minimiser))).norm();
        assert!(found.error_bound < High::ONE.shifted(-34), "{}", case.name);
        assert!(
            off <= found.error_bound + High::ONE.shifted(-39),
            "{}: {off:?}",
            case.name
        );
    }
    assert_eq!(count, 3 + 1 + 4);
}

fn kinds(n: usize) -> Vec<LossKind> {
    let mut kinds = LossKind::plain();
    let mut rng = sample::stream(5, "second-layer", n as u64);
    for activation in Activation::ALL {
        for m in [1, 4] {
            kinds.push(LossKind::TwoLayer {
                second_layer: DMatrix::from_fn(m, n, |_, _| sample::dyadic(&mut rng, 1) + 2.0),
                activation,
            });
        }
    }
    kinds
}

fn drawn(kind: LossKind, n: usize, d: usize) -> Instance {
    let mut rng = sample::stream(3, "size", 0);
    // No zero entries, so that all instances are equally dense.
    let matrix = DMatrix::from_fn(n, d, |_, _| sample::dyadic(&mut rng, 1) + 2.0);
    let target = sample::probability(&mut rng, kind.target_length(n));
    let weights = sample::dyadic_vector(&mut rng, n, 1).add_scalar(2.0);
    Instance::new(kind, DesignMatrix::dense(matrix).unwrap(), target, weights).unwrap()
}

#[test]
fn the_estimate_bounds_the_graph_of_every_loss_and_is_not_far_off() {
    for (n, d) in [(1, 1), (5, 1), (1, 5), (16, 4), (20, 20), (100, 2)] {
        for kind in kinds(n) {
            let name = format!("{} {n} x {d}", kind.name());
            let instance = drawn(kind, n, d);
            let expected = estimate(&instance).nodes as f64;
            let reference = Reference::new(&instance).unwrap();
            let actual = (reference.nodes() + reference.terms()) as f64;
            assert!(actual <= expected, "{name}: {actual} > {expected}");
            assert!(
                expected <= 4.0 * actual + 300.0,
                "{name}: {actual} << {expected}"
            );
        }
    }
}

/// Residual softmax of one logit, `z = x`: `alpha = exp(x) + x`.
fn one_logit(target: f64) -> Reference {
    let matrix = DesignMatrix::from_rows(&[vec![1.0]]).unwrap();
    let instance = Instance::new(
        LossKind::ResidualSoftmax,
        matrix,
        DVector::from_element(1, target),
        DVector::zeros(1),
    );
    Reference::new(&instance.unwrap()).unwrap()
}

fn vanishes<T: std::fmt::Debug>(result: Result<T, OracleError>, expected: &str) {
    match result {
        Err(OracleError::Vanishes { quantity, .. }) => assert_eq!(quantity, expected),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_normaliser_that_cannot_be_told_from_zero_is_refused_and_one_that_can_is_not() {
    // -W(1), 50 digits from mpmath: exp(x) + x = 0.
    let root = High::parse("-0.56714329040978387299996866221035554975381578718651").unwrap();
    let reference = one_logit(0.5);
    let pole = "alpha = <exp(z) + z, 1>";
    let at = |x: High| DVector::from_element(1, x);
    vanishes(reference.evaluate(&at(root)), pole);
    vanishes(reference.loss(&at(root)), pole);
    vanishes(reference.enclose(&at(root), High::ZERO), pole);
    // One logit: f = 1 on both sides of the pole, so that the loss is 0.125 there.
    for distance in [-30, -10] {
        for side in [High::ONE, -High::ONE] {
            let x = at(root + side.shifted(distance));
            let loss = reference.loss(&x).unwrap();
            assert!((loss - High::ratio(1, 8)).abs() < High::ONE.shifted(-38));
            // A box that contains the pole is refused.
            vanishes(reference.enclose(&x, High::ONE.shifted(-9)), pole);
        }
    }
}

/// Two logits `x, 0`, `A2 = (1, -1)`: `y = tanh(x / 2)` vanishes at 0 alone.
fn kinked(activation: Activation) -> Reference {
    let kind = LossKind::TwoLayer {
        second_layer: DMatrix::from_row_slice(1, 2, &[1.0, -1.0]),
        activation,
    };
    let matrix = DesignMatrix::from_rows(&[vec![1.0], vec![0.0]]).unwrap();
    let instance = Instance::new(
        kind,
        matrix,
        DVector::from_element(1, -1.0),
        DVector::zeros(2),
    );
    Reference::new(&instance.unwrap()).unwrap()
}

#[test]
fn derivatives_at_a_kink_of_relu_are_refused_and_the_value_is_not() {
    let at = |x: High| DVector::from_element(1, x);
    let reference = kinked(Activation::Relu);
    for x in [High::ZERO, High::ONE.shifted(-45)] {
        // 0.5 (relu(0) + 1)^2
        let loss = reference.loss(&at(x)).unwrap();
        assert!((loss - High::ratio(1, 2)).abs() < High::ONE.shifted(-38));
        vanishes(reference.loss_and_gradient(&at(x)), "(A2 p)[0]");
        vanishes(reference.evaluate(&at(x)), "(A2 p)[0]");
        vanishes(reference.enclose(&at(x), High::ZERO), "(A2 p)[0]");
    }
    // On both sides: y = x / 2 + O(x^3), L = 0.5 (y + 1)^2 or 0.5.
    let near = High::ONE.shifted(-30);
    let above = reference.evaluate(&at(near)).unwrap();
    let below = reference.evaluate(&at(-near)).unwrap();
    assert!((above.gradient[0] - High::ratio(1, 2)).abs() < High::ONE.shifted(-28));
    assert!((above.hessian[(0, 0)] - High::ratio(1, 4)).abs() < High::ONE.shifted(-28));
    assert!(below.gradient[0].is_zero() && below.hessian[(0, 0)].is_zero());
    vanishes(
        reference.enclose(&at(High::ratio(1, 16)), High::ratio(1, 8)),
        "(A2 p)[0]",
    );
    for smooth in [Activation::Softplus, Activation::Tanh, Activation::Identity] {
        assert!(
            kinked(smooth)
                .enclose(&at(High::ZERO), High::ratio(1, 8))
                .is_ok()
        );
    }
}

#[test]
fn a_smooth_activation_never_looks_for_kinks_and_softplus_keeps_its_digits_far_down() {
    // y = -2000 tanh(..): softplus(y) = exp(y) to 40 digits.
    let kind = LossKind::TwoLayer {
        second_layer: DMatrix::from_element(1, 1, -2000.0),
        activation: Activation::Softplus,
    };
    let matrix = DesignMatrix::from_rows(&[vec![1.0]]).unwrap();
    let instance = Instance::new(kind, matrix, DVector::zeros(1), DVector::zeros(1)).unwrap();
    let reference = Reference::new(&instance).unwrap();
    let x = lift_vector(&DVector::zeros(1));
    let loss = reference.enclose_loss(&x).unwrap();
    let expected = High::int(-4000).exp() / High::int(2);
    let off = (loss.midpoint() - expected).abs();
    assert!(off <= loss.radius() + expected.shifted(-38));
    assert!(
        loss.radius() <= expected.shifted(-34),
        "{:?}",
        loss.radius()
    );
}
