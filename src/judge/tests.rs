//! The closed forms of every loss agree with the oracle: what they say about float32 and overflow rests on that.

use nalgebra::DVector;

use crate::judge::closed_forms::{in_logits, in_unknowns};
use crate::judge::diagnosis::values_in_float32 as values;
use crate::judge::digits::{digits, largest, largest_difference};
use crate::judge::kit::specimens;
use crate::judge::{Answer, Asked, Precision, judge};
use crate::oracle::{Reference, lift_matrix, lift_vector};
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
