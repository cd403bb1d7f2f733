//! The losses of logits: shown by the specimens of the conformance kit.

use attention_regression::claims;
use attention_regression::instance::kinds::{Kind, Shape};
use attention_regression::instance::models::Model;
use attention_regression::instance::{Activation, LossKind};
use attention_regression::judge::kit::{Specimen, specimens};
use attention_regression::oracle::Reference;
use attention_regression::production::Problem;
use attention_regression::system::{Posed, System};

use crate::{CLAIM, DEFINITION, GENERATOR, METHOD, SPECIMEN};

/// Whether the system has what is asked for.
pub fn has(system: &System, what: &str) -> bool {
    let kit: Vec<Specimen> = specimens()
        .unwrap()
        .into_iter()
        .filter(|specimen| specimen.instance.key() == system.key)
        .collect();
    let Some(first) = kit.first() else {
        return false;
    };
    let Posed::Logit(instance) = &first.instance else {
        return false;
    };
    match what {
        SPECIMEN => true,
        DEFINITION => Reference::new(instance).is_ok(),
        METHOD => Problem::from_instance(instance).is_ok(),
        GENERATOR => generated(system),
        CLAIM => claims::all()
            .iter()
            .any(|claim| claim.speaks_of(&first.instance)),
        _ => panic!("{what}: who asks this of a loss of logits?"),
    }
}

/// Whether the generator draws an instance with this loss.
fn generated(system: &System) -> bool {
    let model = match LossKind::parse_plain(system.key) {
        Some(loss) => Model::Plain(loss),
        None => Model::TwoLayer {
            activation: Activation::Tanh,
            outputs: 2,
        },
    };
    let shape = Shape {
        rows: 4,
        columns: 2,
        norm: 1.0,
        convexity: 1.0,
    };
    let drawn = model.draw(Kind::Practice, &shape, 1, 0);
    drawn.is_ok_and(|instance| instance.loss().name() == system.key)
}
