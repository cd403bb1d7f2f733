//! The instances of the kit: easy ones, every edge, ill-conditioned ones, weights near zero, blocks of real attention
//! heads, for every loss; then those of the other systems.

use nalgebra::DVector;

use crate::claims::real_cases;
use crate::instance::kinds::{Kind, Shape};
use crate::instance::models::Model;
use crate::instance::{Activation, DesignMatrix, Instance, InstanceError, LossKind};
use crate::judge::kit::named;
use crate::judge::kit::specimen::Specimen;
use crate::system::Posed;

/// The kit's seed.
const SEED: u64 = 6;
/// Small enough that a Hessian can be read.
const SHAPE: Shape = Shape {
    rows: 6,
    columns: 3,
    norm: 1.0,
    convexity: 1.0,
};
/// Of a head, so many rows (those with the most attention) and the first columns.
const HEAD_ROWS: usize = 12;
const HEAD_COLUMNS: usize = 4;

/// Kind, index and name of what is drawn for every loss.
const DRAWN: [(Kind, u64, &str, &str); 9] = [
    (
        Kind::Theory,
        0,
        "theory",
        "the premises of Theorem 2.3.1: easy, the ridge rules",
    ),
    (
        Kind::Practice,
        0,
        "practice",
        "||A|| of an attention head, a tiny ridge",
    ),
    (Kind::Edge, 0, "one-row", "n = d = 1"),
    (Kind::Edge, 1, "one-column", "d = 1"),
    (Kind::Edge, 2, "square", "n = d"),
    (Kind::Edge, 3, "wide-logits", "logits far apart at x"),
    (
        Kind::Edge,
        4,
        "signed-target",
        "a target with entries of both signs",
    ),
    (
        Kind::IllConditioned,
        0,
        "ill-conditioned",
        "condition number 1e6",
    ),
    (
        Kind::Weak,
        0,
        "weak",
        "weights near zero: not convex, several minima are possible",
    ),
];

/// All instances of the kit, in the order of its manifest.
pub fn specimens() -> Result<Vec<Specimen>, InstanceError> {
    let two_layer = |activation| Model::TwoLayer {
        activation,
        outputs: 2,
    };
    let mut models: Vec<(String, Model)> = LossKind::NAMES
        .into_iter()
        .filter_map(LossKind::parse_plain)
        .map(|loss| (loss.name().to_owned(), Model::Plain(loss)))
        .collect();
    models.push(("two-layer".to_owned(), two_layer(Activation::Tanh)));
    let mut list = Vec::new();
    for (name, model) in &models {
        for (kind, index, what, about) in DRAWN {
            let drawn = model.draw(kind, &SHAPE, SEED, index)?;
            list.push(Specimen {
                id: format!("{name}-{what}"),
                about,
                instance: Posed::Logit(match model {
                    Model::Plain(LossKind::Cosh) => within_reach(above_one(&drawn)?)?,
                    Model::Plain(LossKind::Exp | LossKind::Sinh) => within_reach(drawn)?,
                    Model::Plain(
                        LossKind::Softmax | LossKind::ResidualSoftmax | LossKind::TwoLayer { .. },
                    )
                    | Model::TwoLayer { .. } => drawn,
                }),
            });
        }
    }
    for activation in [Activation::Relu, Activation::Softplus, Activation::Identity] {
        list.push(Specimen {
            id: format!("two-layer-{}", activation.name()),
            about: "another activation",
            instance: Posed::Logit(two_layer(activation).draw(Kind::Practice, &SHAPE, SEED, 1)?),
        });
    }
    list.extend(far_target()?);
    list.extend(heads()?);
    list.extend(named::specimens()?);
    Ok(list)
}

/// Cosh is at least 1: below that every target has its minimum at the origin. Above, minima come in pairs.
fn above_one(drawn: &Instance) -> Result<Instance, InstanceError> {
    Instance::new(
        drawn.loss().clone(),
        drawn.matrix().clone(),
        drawn.target() * 64.0,
        drawn.weights().clone(),
    )?
    .with_points(drawn.points().to_vec())
}

/// An entrywise loss grows like exp(2 z): from logits beyond 150 even the square of its gradient leaves f64, and a client
/// that takes a norm would be judged for that alone.
fn within_reach(instance: Instance) -> Result<Instance, InstanceError> {
    let mut points = instance.points().to_vec();
    for point in &mut points {
        while instance.matrix().multiply(point).amax() > 150.0 {
            *point *= 0.5;
        }
    }
    instance.with_points(points)
}

/// Softmax with a target that no softmax comes near: the Hessian of the data term is far from definite.
fn far_target() -> Result<Vec<Specimen>, InstanceError> {
    let base = Kind::Theory.draw(&SHAPE, SEED, 1)?;
    let mut target = DVector::zeros(base.rows());
    target[0] = 100.0;
    let instance = Instance::new(
        LossKind::Softmax,
        base.matrix().clone(),
        target,
        base.weights().clone(),
    )?
    .with_points(base.points().to_vec())?;
    Ok(vec![Specimen {
        id: "softmax-far-target".to_owned(),
        about: "b = 100 e_1",
        instance: Posed::Logit(instance),
    }])
}

/// Blocks of the attention heads that ship with the program, with softmax and with the residual softmax.
fn heads() -> Result<Vec<Specimen>, InstanceError> {
    let mut list = Vec::new();
    for case in real_cases(HEAD_ROWS, SEED) {
        let Ok(case) = case else {
            // The heads are compiled in; the kit's tests count them.
            continue;
        };
        let whole = &case.instance;
        let block = whole
            .matrix()
            .to_dense()
            .columns(0, HEAD_COLUMNS)
            .into_owned();
        let points: Vec<DVector<f64>> = whole
            .points()
            .iter()
            .map(|point| point.rows(0, HEAD_COLUMNS).into_owned())
            .collect();
        for loss in [LossKind::Softmax, LossKind::ResidualSoftmax] {
            let id = format!(
                "{}-head-{}",
                loss.name(),
                if whole.weights()[0] == 0.0 {
                    "plain"
                } else {
                    "ridge"
                }
            );
            let instance = Instance::new(
                loss,
                DesignMatrix::dense(block.clone())?,
                whole.target().clone(),
                whole.weights().clone(),
            )?
            .with_points(points.clone())?;
            list.push(Specimen {
                id,
                about: "a block of a real attention head: 12 rows, 4 columns",
                instance: Posed::Logit(instance),
            });
        }
    }
    Ok(list)
}
