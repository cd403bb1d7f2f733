//! Mistakes in bfloat16, where at most two digits are right: planted ones are named, noise of any size is not.

use nalgebra::{DMatrix, DVector};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::instance::{Instance, LossKind};
use crate::judge::kit::specimens;
use crate::judge::precision::Precision;
use crate::judge::score::score;
use crate::judge::truth::Shape;
use crate::judge::{Answer, Asked, Judgement, judge};
use crate::oracle::{Ball, lift_vector};
use crate::system::Posed;

const SEED: u64 = 20;
const BFLOAT16: Precision = Precision::Bfloat16;

/// Values of which bfloat16 gives about one digit: their rounding grows by `growth` units of the largest.
fn truth(values: &[f64], growth: f64) -> Truth {
    let shape = Shape {
        name: "gradient",
        dimensions: 1,
        d: values.len(),
        precision: BFLOAT16,
    };
    let size = values
        .iter()
        .fold(0.0_f64, |most, value| most.max(value.abs()));
    // A ball's units are half units of 10^-39.
    let radius = High::lift(size * growth * 0.51e-39).unwrap();
    let balls: Vec<Ball> = lifted(values)
        .into_iter()
        .map(|value| Ball::new(value, radius))
        .collect();
    Truth::enclosed(shape, &balls, &[], High::ZERO)
}

fn lifted(values: &[f64]) -> Vec<High> {
    values
        .iter()
        .map(|value| High::lift(*value).unwrap())
        .collect()
}

/// A mistake of one name.
fn mistake(id: &'static str, text: &str) -> Vec<Mistake> {
    vec![Mistake::new(id, text)]
}

/// The names that an answer gets when 3 digits are asked for, which bfloat16 never has.
fn named(truth: &Truth, given: &[f64], suspects: &[(Vec<Mistake>, Vec<f64>)]) -> Vec<Mistake> {
    let given = lifted(given);
    let values: Vec<Vec<High>> = suspects.iter().map(|(_, values)| lifted(values)).collect();
    let list: Vec<(&[Mistake], &[High])> = suspects
        .iter()
        .zip(&values)
        .map(|((mistakes, _), values)| (&mistakes[..], &values[..]))
        .collect();
    let score = score(truth, &given, Some(2.9));
    let few = FewDigits::of(truth, &given, &score).unwrap();
    few.common(&list, given.len())
}

fn ids(mistakes: &[Mistake]) -> Vec<&'static str> {
    mistakes.iter().map(|mistake| mistake.id).collect()
}

const RIGHT: [f64; 5] = [1.0, -0.75, 0.5, 0.875, -0.625];

fn times(factor: f64) -> Vec<f64> {
    RIGHT.iter().map(|value| value * factor).collect()
}

#[test]
fn a_mistake_that_these_digits_can_tell_is_named() {
    let truth = truth(&RIGHT, 6.0);
    let suspects = [
        (mistake("factor-half", "everything"), times(2.0)),
        (mistake("negated", "the sign"), times(-1.0)),
    ];
    for (factor, expected) in [(2.0, "factor-half"), (-1.0, "negated")] {
        let rounded: Vec<f64> = times(factor * 1.009)
            .into_iter()
            .map(|value| BFLOAT16.round(value))
            .collect();
        assert_eq!(ids(&named(&truth, &rounded, &suspects)), [expected]);
    }
    assert!(named(&truth, &times(1.5), &suspects).is_empty());
    // Of two entries these few digits can be an accident.
    let two = self::truth(&RIGHT[..2], 6.0);
    let double = [(
        mistake("factor-half", "everything"),
        times(2.0)[..2].to_vec(),
    )];
    assert!(named(&two, &times(2.05)[..2], &double).is_empty());
}

#[test]
fn mistakes_that_cannot_be_told_apart_get_what_they_have_in_common() {
    let truth = truth(&RIGHT, 6.0);
    let given = times(2.01);
    let near = |id, text| (mistake(id, text), times(2.02));
    let doubled = (mistake("factor-half", "everything"), times(2.0));
    let same = [doubled.clone(), near("factor-half", "the data term")];
    let found = named(&truth, &given, &same);
    assert_eq!(ids(&found), ["factor-half"]);
    assert_eq!(found[0].text, "everything; or the data term");
    assert!(named(&truth, &given, &[doubled.clone(), near("mean", "a mean")]).is_empty());
    let both = [
        mistake("factor-half", "everything"),
        mistake("E13", "no ridge"),
    ]
    .concat();
    let found = named(&truth, &given, &[doubled, (both, times(2.02))]);
    assert_eq!(ids(&found), ["factor-half"]);
}

/// Whatever is within the bound on rounding, whichever mistakes there are and however many digits somebody asks for.
#[test]
fn rounding_is_no_mistake() {
    let truth = truth(&RIGHT, 6.0);
    let bound = 6.0 / 256.0;
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    for _ in 0..500 {
        let given: Vec<f64> = RIGHT
            .iter()
            .map(|value| value + bound * rng.random_range(-1.0..1.0))
            .collect();
        let suspects = [(mistake("mean", "the very same numbers"), given.clone())];
        assert!(named(&truth, &given, &suspects).is_empty(), "seed {SEED}");
    }
}

/// Errors beyond rounding, of sizes that differ from entry to entry: of many that agree with a mistake to the digits required, chance
/// names hardly one.
#[test]
fn random_errors_are_not_named() {
    const DRAWS: usize = 300;
    const MISTAKES: usize = 4;
    let right = &RIGHT[..3];
    let truth = truth(right, 6.0);
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let (mut names, mut agreements) = (0, 0);
    for _ in 0..DRAWS {
        let size: [f64; 3] = std::array::from_fn(|_| rng.random_range(0.125..0.5));
        let mut off = || -> Vec<f64> {
            let entries = right.iter().zip(&size);
            entries
                .map(|(value, size)| value + size * rng.random_range(-1.0..1.0))
                .collect()
        };
        let given = off();
        let suspects: Vec<(Vec<Mistake>, Vec<f64>)> = (0..MISTAKES)
            .map(|_| (mistake("mean", "random"), off()))
            .collect();
        let high = lifted(&given);
        let score = score(&truth, &high, Some(2.9));
        let few = FewDigits::of(&truth, &high, &score).unwrap();
        let agrees = |values: &Vec<f64>| few.beyond_rounding && few.agrees(&lifted(values));
        agreements += suspects.iter().filter(|(_, values)| agrees(values)).count();
        names += named(&truth, &given, &suspects).len();
    }
    assert!(
        agreements > 10,
        "seed {SEED}: {agreements} agreed by accident"
    );
    assert_eq!(names, 0, "seed {SEED}, {DRAWS} draws, {agreements} agreed");
}

/// An instance of the conformance kit in bfloat16, and its start.
fn specimen(id: &str) -> Instance {
    let specimens = specimens().unwrap();
    let found = specimens
        .into_iter()
        .find(|specimen| specimen.id == id)
        .unwrap();
    match BFLOAT16.round_posed(&found.instance).unwrap() {
        Posed::Logit(instance) => instance,
        Posed::Other(_) => panic!("{id} is no loss of logits"),
    }
}

/// A product, every operation rounded to bfloat16.
fn product(a: &DMatrix<f64>, x: &DVector<f64>) -> DVector<f64> {
    DVector::from_fn(a.nrows(), |i, _| {
        (0..x.len()).fold(0.0, |sum, j| {
            BFLOAT16.round(sum + BFLOAT16.round(a[(i, j)] * x[j]))
        })
    })
}

/// `A' (data phi' (phi - b) + ridge w^2 z)` of exp or sinh, every operation rounded to bfloat16.
fn gradient(instance: &Instance, data: f64, ridge: f64) -> DVector<f64> {
    let r = |value: f64| BFLOAT16.round(value);
    let a = instance.matrix().to_dense();
    let z = product(&a, &instance.start());
    let slope = DVector::from_fn(z.len(), |i, _| {
        let (phi, slope) = match instance.loss() {
            LossKind::Exp => (r(z[i].exp()), r(z[i].exp())),
            _ => (r(z[i].sinh()), r(z[i].cosh())),
        };
        let w2 = r(instance.weights()[i].powi(2));
        let term = r(r(phi - instance.target()[i]) * slope);
        r(r(data * term) + r(ridge * r(w2 * z[i])))
    });
    product(&a.transpose(), &slope)
}

fn judged(instance: &Instance, gradient: &DVector<f64>, digits: Option<f64>) -> Judgement {
    let answer = Answer {
        gradient: Some(lift_vector(gradient)),
        ..Answer::default()
    };
    let asked = Asked {
        digits,
        precision: BFLOAT16,
    };
    judge(instance, &answer, asked, None).unwrap()
}

/// By a program whose every operation is rounded: the right one passes, and fails without a name where more is asked than bfloat16 has;
/// planted mistakes are named.
#[test]
fn planted_mistakes_of_a_bfloat16_program_are_named() {
    for id in ["exp-theory", "sinh-theory"] {
        let instance = specimen(id);
        assert!(
            judged(&instance, &gradient(&instance, 1.0, 1.0), None).passed,
            "{id}"
        );
        let more = judged(&instance, &gradient(&instance, 1.0, 1.0), Some(4.0));
        assert!(!more.passed && more.diagnosis.is_empty(), "{id} {more:?}");
        for (data, ridge, expected) in [
            (2.0, 2.0, &["factor-half"][..]),
            (-1.0, -1.0, &["negated"]),
            (1.0 / 6.0, 1.0 / 6.0, &["mean"]),
            // No known mistake.
            (-3.0, -3.0, &[]),
        ] {
            let found = judged(&instance, &gradient(&instance, data, ridge), None);
            let names: Vec<&str> = found.diagnosis.iter().map(|found| found.id).collect();
            assert!(
                !found.passed && names == expected,
                "{id} {data} {ridge} {found:?}"
            );
        }
    }
}
