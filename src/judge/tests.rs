//! The closed forms of every loss agree with the oracle: what they say about float32 and overflow rests on that.

use nalgebra::{DMatrix, DVector};

use crate::instance::{DesignMatrix, Instance, LossKind};
use crate::judge::closed_forms::{in_logits, in_unknowns};
use crate::judge::diagnosis::values_in_float32 as values;
use crate::judge::digits::{digits, largest, largest_difference};
use crate::judge::kit::specimens;
use crate::judge::truth::{Shape, Truth};
use crate::judge::{Answer, Asked, Precision, judge};
use crate::oracle::{Ball, Enclosure, Evaluation, Reference, lift_matrix, lift_vector};
use crate::scalar::High;
use crate::system::Posed;

#[test]
fn closed_forms_agree_with_the_oracle_on_every_instance_of_the_kit() {
    let lift = |x: f64| High::lift(x).unwrap();
    for specimen in specimens().unwrap() {
        let Posed::Logit(instance) = &specimen.instance else {
            // The systems with named unknowns have no closed forms on this floor.
            continue;
        };
        let x = lift_vector(&instance.start());
        let a = lift_matrix(&instance.matrix().to_dense());
        let z = &a * &x;
        let w: DVector<High> = lift_vector(instance.weights());
        let ours = in_unknowns(in_logits(instance, &z, lift), &a, &w, &z);
        let truth = Reference::new(instance).unwrap().evaluate(&x).unwrap();
        for (ours, truth) in [
            (vec![ours.loss], vec![truth.loss]),
            (
                ours.gradient.as_slice().to_vec(),
                truth.gradient.as_slice().to_vec(),
            ),
            (
                ours.hessian.as_slice().to_vec(),
                truth.hessian.as_slice().to_vec(),
            ),
        ] {
            let (error, _) = largest_difference(&ours, &truth);
            assert!(digits(error, largest(&truth)) > 30.0, "{}", specimen.id);
        }
    }
}

/// Closed forms evaluated in float32 throughout have the digits that float32 can give, and no more than that is asked for; an
/// error beyond float32's rounding is caught.
#[test]
fn float32_arithmetic_passes_in_its_own_precision_and_an_error_beyond_it_fails() {
    let asked = [Precision::Float32, Precision::Float64].map(Asked::of);
    let mut seen = 0;
    for specimen in specimens().unwrap() {
        let about = [
            "softmax-practice",
            "exp-theory",
            "residual-softmax-practice",
        ];
        let posed = Precision::Float32.round_posed(&specimen.instance).unwrap();
        let Posed::Logit(instance) = &posed else {
            continue;
        };
        if !about.contains(&specimen.id.as_str()) {
            continue;
        }
        seen += 1;
        let start = lift_vector(&instance.start());
        let found = values(instance, &start);
        let high = |x: f32| High::lift(x.into()).unwrap();
        let answer = Answer {
            loss: Some(high(found.loss)),
            gradient: Some(found.gradient.map(high)),
            hessian: Some(found.hessian.map(high)),
            ..Answer::default()
        };
        let [single, double] = asked.map(|asked| judge(instance, &answer, asked, None).unwrap());
        assert!(single.passed, "{} {single:?}", specimen.id);
        let required = single.gradient.unwrap().required;
        assert!((3.0..7.3).contains(&required), "{} {required}", specimen.id);
        assert!(!double.passed, "{}", specimen.id);
        let wrong = Answer {
            gradient: answer.gradient.map(|g| g * High::ratio(1001, 1000)),
            ..Answer::default()
        };
        let judged = judge(instance, &wrong, asked[0], None).unwrap();
        assert!(!judged.passed, "{}", specimen.id);
    }
    assert_eq!(seen, 3);
}

/// Two rows that only see one sum of both unknowns, which has to be `ln(1/3)`: no minimiser is isolated. A point whose entries of 10^8
/// cancel passes with its last bits rounded, which moves its gradient by 10^8 roundings, also where the sum itself has none; one that is a
/// million times as far off does not.
#[test]
fn rounding_of_a_point_counts_by_the_size_of_its_entries_where_no_minimiser_is_isolated() {
    for (rows, size) in [
        ([1.0, 0.5, 0.25, -0.625], 1.0),
        ([1.0, 0.5, 0.25, -0.625], 1e8),
        ([1.0, -1.0, 0.0, 0.0], 1.0),
        ([1.0, -1.0, 0.0, 0.0], 1e8),
    ] {
        let matrix = DMatrix::from_row_slice(2, 2, &rows);
        let instance = Instance::new(
            LossKind::Softmax,
            DesignMatrix::dense(matrix).unwrap(),
            DVector::from_column_slice(&[0.25, 0.75]),
            DVector::zeros(2),
        )
        .unwrap();
        let first = size / 3.0;
        let [one, other] = [rows[0] - rows[2], rows[1] - rows[3]].map(|a| High::lift(a).unwrap());
        let difference = High::ratio(1, 3).ln() - one * High::lift(first).unwrap();
        let second = (difference / other).to_f64();
        let passes = |second: f64| {
            let x = DVector::from_column_slice(&[first, second]);
            let answer = Answer {
                minimiser: Some(lift_vector(&x)),
                ..Answer::default()
            };
            let judged = judge(&instance, &answer, Asked::of(Precision::Float64), None).unwrap();
            judged.passed
        };
        assert!(
            passes(second) && passes(second * (1.0 + f64::EPSILON)),
            "{rows:?} {size}"
        );
        assert!(
            !passes(second * (1.0 + 1e6 * f64::EPSILON)),
            "{rows:?} {size}"
        );
    }
}

/// `|H| |x|` roundings, by hand: `H x` is 0, and each entry of the gradient moves by `4 10^8` of them when x is rounded.
#[test]
fn a_gradient_is_forgiven_the_rounding_of_its_point_term_by_term() {
    let two = High::int(2);
    let here = Evaluation {
        loss: High::ZERO,
        gradient: DVector::from_element(2, High::ZERO),
        hessian: DMatrix::from_row_slice(2, 2, &[two, -two, -two, two]),
    };
    let zero = Ball::exact(High::ZERO);
    let values = Enclosure {
        loss: zero,
        gradient: vec![zero; 2],
        hessian: vec![zero; 4],
    };
    let x = DVector::from_element(2, High::int(100_000_000));
    let shape = Shape {
        name: "minimiser",
        dimensions: 1,
        d: 2,
        precision: Precision::Float64,
    };
    let none = Truth::stationary(shape, &x, &values, &here, High::ZERO);
    let expected = High::int(400_000_000) / High::int(1 << 53);
    for allowed in none.allowed {
        assert!(
            (allowed - expected).abs() <= expected.shifted(-38),
            "{allowed}"
        );
    }
}
