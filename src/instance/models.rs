//! The same generated instance under another loss: each kind keeps what its name promises.

use nalgebra::{DMatrix, DVector};

use crate::instance::kinds::{Kind, MOST_ENTRIES, Shape};
use crate::instance::sample;
use crate::instance::{Activation, Instance, InstanceError, LossKind};

/// A loss whose own data, if it has any, is drawn with the instance.
#[derive(Clone, Debug, PartialEq)]
pub enum Model {
    /// A loss that is complete by its name.
    Plain(LossKind),
    /// The two-layer loss with a second layer of `outputs` rows and norm at most R.
    TwoLayer {
        /// `phi`.
        activation: Activation,
        /// `m`, at least 1.
        outputs: usize,
    },
}

/// Logits at the points of an entrywise loss at most: `exp(2 z)` is far from overflow.
const LARGEST_LOGIT: f64 = 300.0;
/// What the squares of the weights of [`Kind::Theory`] exceed, besides `l / sigma_min(A)^2`.
const THEORY_WEIGHT: f64 = 100.0;

impl Model {
    /// Instance number `index` of `kind` with this loss: matrix and weights of the instance with softmax.
    ///
    /// [`Kind::Theory`] meets the premises of each paper where R >= 1: with `||b||_1 <= 1` and
    /// `w_i^2 >= 100 + l / sigma_min^2` it meets `w_i^2 >= 0.5 b_i^2 + l / sigma_min^2` (exp, cosh, sinh); for two layers
    /// `||A2|| <= R` and the weights are raised, where needed, to `w_i^2 >= R (R + 1) + l / sigma_min^2`. For the residual
    /// softmax `alpha > 0` is certain where `R^2 < 0.567 sqrt(n)`. Points of the entrywise losses are shortened until no
    /// logit exceeds 300. Errors as for [`Kind::draw`], and for a second layer without rows or too many.
    pub fn draw(
        &self,
        kind: Kind,
        shape: &Shape,
        seed: u64,
        index: u64,
    ) -> Result<Instance, InstanceError> {
        let base = kind.draw(shape, seed, index)?;
        match self {
            Self::Plain(LossKind::Softmax) => Ok(base),
            Self::Plain(loss) => {
                let points = match loss {
                    LossKind::Exp | LossKind::Cosh | LossKind::Sinh => shortened(&base),
                    _ => base.points().to_vec(),
                };
                Instance::new(
                    loss.clone(),
                    base.matrix().clone(),
                    base.target().clone(),
                    base.weights().clone(),
                )?
                .with_points(points)
            }
            Self::TwoLayer {
                activation,
                outputs,
            } => two_layer(&base, kind, shape, *activation, *outputs, (seed, index)),
        }
    }
}

fn shortened(base: &Instance) -> Vec<DVector<f64>> {
    base.points()
        .iter()
        .map(|point| {
            let mut point = point.clone();
            while base.matrix().multiply(&point).amax() > LARGEST_LOGIT {
                point *= 0.5;
            }
            point
        })
        .collect()
}

fn two_layer(
    base: &Instance,
    kind: Kind,
    shape: &Shape,
    activation: Activation,
    outputs: usize,
    (seed, index): (u64, u64),
) -> Result<Instance, InstanceError> {
    let n = base.rows();
    if outputs == 0 || outputs.checked_mul(n).is_none_or(|m| m > MOST_ENTRIES) {
        return Err(InstanceError::Shape {
            part: "second_layer",
            found: format!("shape {outputs} x {n}"),
            expected: "1 <= m and m n <= 2^27".to_owned(),
        });
    }
    let mut rng = sample::stream(seed, &format!("{}/two-layer", kind.name()), index);
    // Entries at most R / sqrt(m n) in size give a Frobenius norm of at most R.
    let reach = shape.norm / ((outputs * n) as f64).sqrt() * (1.0 - 4.0 * f64::EPSILON);
    let second_layer = DMatrix::from_fn(outputs, n, |_, _| sample::dyadic(&mut rng, 1) * reach);
    let target = sample::signed_unit_target(&mut rng, outputs);
    let raised = if kind == Kind::Theory {
        (shape.norm * (shape.norm + 1.0) / THEORY_WEIGHT).max(1.0)
    } else {
        1.0
    };
    // The square root is rounded: one more unit on top.
    let factor = if raised > 1.0 {
        raised.sqrt() * (1.0 + 4.0 * f64::EPSILON)
    } else {
        1.0
    };
    Instance::new(
        LossKind::TwoLayer {
            second_layer,
            activation,
        },
        base.matrix().clone(),
        target,
        base.weights() * factor,
    )?
    .with_points(base.points().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn models() -> Vec<Model> {
        let plain = LossKind::NAMES
            .into_iter()
            .filter_map(LossKind::parse_plain)
            .map(Model::Plain);
        let layers = Activation::ALL.map(|activation| Model::TwoLayer {
            activation,
            outputs: 3,
        });
        plain.chain(layers).collect()
    }

    #[test]
    fn every_kind_can_be_drawn_for_every_loss() {
        for model in models() {
            for kind in Kind::ALL {
                for index in 0..kind.variants() {
                    let instance = model.draw(kind, &Shape::default(), 7, index).unwrap();
                    assert_eq!(instance.points().len(), 2);
                    let again = model.draw(kind, &Shape::default(), 7, index).unwrap();
                    assert_eq!(instance.target(), again.target());
                    assert_eq!(instance.loss(), again.loss());
                }
            }
        }
    }

    #[test]
    fn the_premises_of_the_two_layer_theory_hold_for_every_radius() {
        for norm in [0.5, 1.0, 8.0, 40.0] {
            let shape = Shape {
                norm,
                ..Shape::default()
            };
            let model = Model::TwoLayer {
                activation: Activation::Tanh,
                outputs: 5,
            };
            let instance = model.draw(Kind::Theory, &shape, 3, 0).unwrap();
            let LossKind::TwoLayer { second_layer, .. } = instance.loss() else {
                panic!("another loss");
            };
            assert!(second_layer.norm() <= norm);
            assert!(instance.target().lp_norm(1) <= 1.0);
            let smallest = instance.matrix().to_dense().singular_values().min();
            let needed = norm * (norm + 1.0) + shape.convexity / (smallest * smallest);
            assert!(instance.weights().iter().all(|w| w * w >= needed));
        }
    }

    #[test]
    fn a_second_layer_without_rows_or_with_too_many_is_refused() {
        for outputs in [0, usize::MAX] {
            let model = Model::TwoLayer {
                activation: Activation::Relu,
                outputs,
            };
            assert!(model.draw(Kind::Weak, &Shape::default(), 0, 0).is_err());
        }
    }
}
