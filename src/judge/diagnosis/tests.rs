//! Answers between the truth and a mistake: no mistake is named that is not nearer than the truth by the margin, and none where an
//! error has no reason, whatever its size and however few digits were asked for.

use nalgebra::DMatrix;

use super::*;
use crate::instance::{Activation, DesignMatrix, Instance, LossKind, sample};
use crate::judge::precision::Precision;
use crate::judge::score::score;
use crate::judge::truth::Shape;
use crate::oracle::{Ball, lift_vector, minimise};

/// Digits by which an answer is nearer to a mistake than the mistake to the truth: too few to name it.
const TOO_NEAR: [f64; 3] = [0.5, 1.0, 1.5];
/// Digits asked for.
const ASKED: [Option<f64>; 4] = [None, Some(3.0), Some(6.0), Some(12.0)];

/// Three rows, two columns, and weights of this size: the smaller, the nearer are the mistakes in the ridge to the truth.
fn instance(kind: LossKind, weight: f64) -> Instance {
    let entries = [0.5, -0.375, 0.25, 0.75, -0.625, 0.125];
    let matrix = DesignMatrix::dense(DMatrix::from_row_slice(3, 2, &entries)).unwrap();
    let target = DVector::from_column_slice(&[0.375, -0.25, 0.5]);
    let weights = DVector::from_column_slice(&[1.0, 0.75, 1.25]) * weight;
    let instance = Instance::new(kind, matrix, target, weights).unwrap();
    let x = DVector::from_column_slice(&[0.625, -1.375]);
    instance.with_points(vec![x]).unwrap()
}

fn kinds() -> Vec<LossKind> {
    let mut kinds = LossKind::plain();
    let entries = [1.0, -0.5, 0.25, 0.5, 1.0, -1.0, 0.125, 0.75, 2.0];
    kinds.push(LossKind::TwoLayer {
        second_layer: DMatrix::from_row_slice(3, 3, &entries),
        activation: Activation::Tanh,
    });
    kinds
}

/// An instance at its start with everything that a diagnosis looks at.
struct Stage {
    reference: Reference,
    x: DVector<High>,
    suspects: Suspects,
    loss: Truth,
    gradient: Truth,
    hessian: Truth,
}

impl Stage {
    fn of(instance: &Instance) -> Self {
        let reference = Reference::new(instance).unwrap();
        let x = lift_vector(&instance.start());
        let values = reference.enclose(&x, High::ZERO).unwrap();
        let precision = Precision::Float64;
        Self {
            suspects: Suspects::at(instance, &reference, &x),
            loss: Truth::loss(instance, &reference, &x, &values, precision),
            gradient: Truth::gradient(instance, &values, precision),
            hessian: Truth::hessian(instance, &values, precision),
            reference,
            x,
        }
    }

    /// The names in an answer; none where it passes.
    fn named(&self, truth: &Truth, given: &[High], asked: Option<f64>) -> Vec<&'static str> {
        let score = score(truth, given, asked);
        if score.passed {
            return Vec::new();
        }
        let scene = Place {
            reference: &self.reference,
            x: &self.x,
            rows: 3,
        };
        let found = of_value(truth, given, &score, &self.suspects, scene);
        found.into_iter().map(|mistake| mistake.id).collect()
    }
}

/// On the way from a mistake to the truth, after `10^-margin` of it.
fn between(mistake: &[High], truth: &[High], margin: f64) -> Vec<High> {
    let share = High::lift(10f64.powf(-margin)).unwrap();
    let pairs = mistake.iter().zip(truth);
    pairs.map(|(m, t)| *m + (*t - *m) * share).collect()
}

/// Whether some other suspect than one with these values would explain an answer by the rule itself.
fn explained_by_another(stage: &Stage, truth: &Truth, given: &[High], own: &[High]) -> bool {
    let (error, _) = largest_difference(given, &truth.values);
    stage.suspects.about(truth.name).any(|(_, values)| {
        let (left, _) = largest_difference(given, values);
        values != own && left * High::int(100) <= error
    })
}

/// Runs through the suspects about a quantity: how many answers three digits nearer were named, of how many.
fn margins_are_kept(stage: &Stage, truth: &Truth, asked: &[Option<f64>]) -> (usize, usize) {
    let (mut named, mut all) = (0, 0);
    let list: Vec<(Vec<&'static str>, Vec<High>)> = stage
        .suspects
        .about(truth.name)
        .map(|(mistakes, values)| (mistakes.iter().map(|m| m.id).collect(), values.to_vec()))
        .collect();
    for (ids, values) in &list {
        let (apart, _) = largest_difference(values, &truth.values);
        if apart <= truth.radius {
            continue;
        }
        for &asked in asked {
            for margin in TOO_NEAR {
                let given = between(values, &truth.values, margin);
                let found = stage.named(truth, &given, asked);
                let another = explained_by_another(stage, truth, &given, values);
                assert!(
                    found.is_empty() || another,
                    "{ids:?} by {margin}: {found:?}"
                );
            }
            let given = between(values, &truth.values, 3.0);
            let score = score(truth, &given, asked);
            let agreeing = digits(
                largest_difference(&given, values).0,
                largest(values).max(truth.scale),
            );
            if !score.passed && agreeing >= agreement(truth, &score) {
                all += 1;
                named += usize::from(!stage.named(truth, &given, asked).is_empty());
            }
        }
    }
    (named, all)
}

#[test]
fn a_mistake_in_a_loss_or_a_hessian_is_named_by_its_margin_only() {
    let (mut named, mut all) = (0, 0);
    for kind in kinds() {
        for weight in [1.0, 1e-2, 1e-4] {
            let stage = Stage::of(&instance(kind.clone(), weight));
            for truth in [&stage.loss, &stage.hessian] {
                let (own, of) = margins_are_kept(&stage, truth, &ASKED);
                (named, all) = (named + own, all + of);
            }
        }
    }
    assert!(all > 100 && named == all, "{named} of {all}");
}

/// One digit count: a gradient without a name is held against differences of the loss, which take their time.
#[test]
fn a_mistake_in_a_gradient_is_named_by_its_margin_only() {
    for (kind, weight) in [(LossKind::Softmax, 1e-2), (LossKind::Exp, 1e-2)] {
        let stage = Stage::of(&instance(kind, weight));
        let (named, all) = margins_are_kept(&stage, &stage.gradient, &[Some(6.0)]);
        assert!(all > 0 && named == all, "{named} of {all}");
    }
}

/// A symmetric error and an asymmetry that is larger by a margin.
#[test]
fn an_asymmetry_is_named_by_its_margin_only() {
    let stage = Stage::of(&instance(LossKind::Softmax, 1.0));
    let truth = &stage.hessian;
    for decade in [1, 2, 4, 6] {
        let size = truth.scale.shifted(-decade);
        for (margin, expected) in TOO_NEAR
            .map(|margin| (margin, false))
            .into_iter()
            .chain([(3.0, true)])
        {
            let symmetric = size * High::lift(10f64.powf(-margin)).unwrap();
            let mut given: Vec<High> = truth
                .values
                .iter()
                .map(|value| *value + symmetric)
                .collect();
            given[1] += size;
            given[2] -= size;
            let found = stage.named(truth, &given, Some(7.0));
            // Of three decades and the margin only the last leaves as many digits as were asked for, but one.
            let digits = decade as f64 + margin;
            let named = expected && digits >= 6.0;
            assert_eq!(
                found == ["hessian-order"],
                named,
                "{decade} {margin}: {found:?}"
            );
        }
    }
}

#[test]
fn random_errors_of_every_size_have_no_name() {
    let mut rng = sample::stream(7, "random-errors", 0);
    for kind in kinds() {
        for weight in [1.0, 1e-3] {
            let stage = Stage::of(&instance(kind.clone(), weight));
            for decade in 0..=14 {
                for truth in [&stage.loss, &stage.hessian] {
                    let noise = sample::dyadic_vector(&mut rng, truth.values.len(), 1);
                    let given: Vec<High> = truth
                        .values
                        .iter()
                        .zip(&noise)
                        .map(|(value, noise)| {
                            let noise = High::lift(noise + 1.375).unwrap();
                            *value + truth.scale * noise.shifted(-decade)
                        })
                        .collect();
                    for asked in ASKED {
                        let found = stage.named(truth, &given, asked);
                        assert!(found.is_empty(), "{kind:?} {decade}: {found:?}");
                    }
                }
            }
        }
    }
}

/// A float32 number that is right to so many digits: float32 arithmetic leaves seven, more are an accident and fewer another mistake.
#[test]
fn float32_is_named_where_its_digits_are_those_of_float32() {
    let value = f64::from(0.123_456_79_f32);
    let named = |digits: i64| {
        let shape = Shape {
            name: "loss",
            dimensions: 0,
            d: 1,
            precision: Precision::Float64,
        };
        let exact = High::lift(value).unwrap() * (High::ONE + High::ONE.shifted(-digits));
        // Known to a unit at 40 digits, and so to one in f64.
        let ball = Ball::new(exact, exact.shifted(-39));
        let truth = Truth::enclosed(shape, &[ball], &[], High::ZERO);
        let given = [High::lift(value).unwrap()];
        let score = score(&truth, &given, Some(15.0));
        float32::recognise(&truth, &given, &score, None).is_some()
    };
    for (digits, expected) in [
        (2, false),
        (4, false),
        (7, true),
        (8, true),
        (10, false),
        (12, false),
    ] {
        assert_eq!(named(digits), expected, "{digits}");
    }
}

/// What is named in a minimiser.
fn named_in_minimiser(instance: &Instance, given: &DVector<High>) -> Vec<&'static str> {
    let reference = Reference::new(instance).unwrap();
    let start = lift_vector(&instance.start());
    let found = minimise(&reference, &start).unwrap();
    let here = reference.evaluate(&found.x).unwrap();
    let values = reference.enclose(&found.x, High::ZERO).unwrap();
    let truth = Truth::minimiser(instance, &found, &here, &values, &start, Precision::Float64);
    let score = score(&truth, given.as_slice(), None);
    assert!(!score.passed);
    let found = of_minimiser(instance, &reference, &truth, given, &score);
    found.into_iter().map(|mistake| mistake.id).collect()
}

/// From beside the minimiser the wrong sign leads twice as far; all between share five digits, or nine.
#[test]
fn an_iterate_of_the_wrong_sign_is_named_by_its_margin_only() {
    let plain = instance(LossKind::Softmax, 2.0);
    let reference = Reference::new(&plain).unwrap();
    let minimiser = minimise(&reference, &lift_vector(&plain.start()))
        .unwrap()
        .x;
    for off in [1e-5, 1e-7, 1e-9] {
        let near = minimiser.map(|x| x.to_f64()) + DVector::from_column_slice(&[off, -2.0 * off]);
        let instance = plain.clone().with_points(vec![near.clone()]).unwrap();
        let start = lift_vector(&near);
        let here = reference.evaluate(&start).unwrap();
        let step = here.hessian.lu().solve(&here.gradient).unwrap();
        let wrong = start + step;
        for margin in TOO_NEAR {
            let given = between(wrong.as_slice(), minimiser.as_slice(), margin);
            let found = named_in_minimiser(&instance, &DVector::from_vec(given));
            assert!(found.is_empty(), "{off} {margin}: {found:?}");
        }
        let given = between(wrong.as_slice(), minimiser.as_slice(), 3.0);
        assert_eq!(
            named_in_minimiser(&instance, &DVector::from_vec(given)),
            ["E12"],
            "{off}"
        );
    }
}

/// The minimiser with the ridge doubled, and points on the way from there.
#[test]
fn the_minimiser_of_another_problem_is_named_only_where_its_gradient_vanishes() {
    let right = instance(LossKind::Softmax, 1.0);
    let wrong = Instance::new(
        LossKind::Softmax,
        right.matrix().clone(),
        right.target().clone(),
        right.weights() * 2f64.sqrt(),
    )
    .unwrap();
    let start = lift_vector(&right.start());
    let of = |instance: &Instance| {
        minimise(&Reference::new(instance).unwrap(), &start)
            .unwrap()
            .x
    };
    let (truth, mistake) = (of(&right), of(&wrong));
    for (margin, expected) in [
        (0.5, false),
        (1.0, false),
        (1.5, false),
        (3.0, false),
        (7.0, true),
    ] {
        let given = between(mistake.as_slice(), truth.as_slice(), margin);
        let found = named_in_minimiser(&right, &DVector::from_vec(given));
        assert_eq!(found == ["factor-half"], expected, "{margin}: {found:?}");
        assert!(expected || found.is_empty(), "{margin}: {found:?}");
    }
}
