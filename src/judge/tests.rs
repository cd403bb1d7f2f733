//! The closed forms of every loss agree with the oracle: what they say about float32 and overflow rests on that.

use nalgebra::DVector;

use crate::judge::closed_forms::{in_logits, in_unknowns};
use crate::judge::digits::{digits, largest, largest_difference};
use crate::judge::kit::specimens;
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
