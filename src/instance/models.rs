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
                    LossKind::Softmax | LossKind::ResidualSoftmax | LossKind::TwoLayer { .. } => {
                        base.points().to_vec()
                    }
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

fn check_outputs(outputs: usize, n: usize) -> Result<(), InstanceError> {
    if outputs == 0
        || outputs
            .checked_mul(n)
            .is_none_or(|entries| entries > MOST_ENTRIES)
    {
        return Err(InstanceError::Shape {
            part: "second_layer",
            found: format!("shape {outputs} x {n}"),
            expected: "1 <= m and m n <= 2^27".to_owned(),
        });
    }
    Ok(())
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
    check_outputs(outputs, n)?;
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

    /// Exactly as large as is allowed, and one more; nothing is drawn.
    #[test]
    fn the_second_layer_is_refused_from_the_first_size_that_is_too_large() {
        assert!(check_outputs(1, 1).is_ok());
        assert!(check_outputs(1 << 27, 1).is_ok());
        assert!(check_outputs(1 << 13, 1 << 14).is_ok());
        for (outputs, n) in [(0, 4), ((1 << 27) + 1, 1), (1 << 25, 5), (usize::MAX, 2)] {
            let found = check_outputs(outputs, n).unwrap_err().to_string();
            assert_eq!(
                found,
                format!("second_layer has shape {outputs} x {n}, expected 1 <= m and m n <= 2^27")
            );
        }
    }

    /// Halved until no logit exceeds 300: 300 itself stays, 1201 needs three halvings.
    #[test]
    fn points_are_shortened_only_as_far_as_the_largest_logit_asks() {
        let points = [[300.0, 1.0], [-301.0, 2.0], [4.0, 1201.0], [0.5, -8.0]];
        let base = Instance::new(
            LossKind::Softmax,
            crate::instance::DesignMatrix::Dense(DMatrix::identity(2, 2).into()),
            DVector::zeros(2),
            DVector::zeros(2),
        )
        .unwrap()
        .with_points(points.map(|point| DVector::from_row_slice(&point)).to_vec())
        .unwrap();
        let expected = [[300.0, 1.0], [-150.5, 1.0], [0.5, 150.125], [0.5, -8.0]];
        assert_eq!(
            shortened(&base),
            expected.map(|point| DVector::from_row_slice(&point))
        );
    }

    /// The entrywise losses would overflow at logits 900 apart; the losses with a normaliser keep the far points.
    #[test]
    fn only_the_entrywise_losses_get_shorter_points() {
        let shape = Shape::default();
        let base = Kind::Edge.draw(&shape, 7, 3).unwrap();
        for model in models() {
            let instance = model.draw(Kind::Edge, &shape, 7, 3).unwrap();
            assert_eq!(instance.matrix().to_dense(), base.matrix().to_dense());
            assert_eq!(instance.weights(), base.weights());
            match instance.loss() {
                LossKind::Exp | LossKind::Cosh | LossKind::Sinh => {
                    for point in instance.points() {
                        assert!(instance.matrix().multiply(point).amax() <= 300.0);
                    }
                    assert_ne!(instance.points(), base.points());
                }
                _ => assert_eq!(instance.points(), base.points()),
            }
            if !matches!(instance.loss(), LossKind::TwoLayer { .. }) {
                assert_eq!(instance.target(), base.target());
            }
        }
    }

    /// Numbers from `fixtures/instances/second_implementation.py`; reach = 1 / sqrt(6).
    #[test]
    fn the_second_layer_is_that_of_an_independent_implementation() {
        let shape = Shape {
            rows: 3,
            columns: 2,
            ..Shape::default()
        };
        let model = Model::TwoLayer {
            activation: Activation::Tanh,
            outputs: 2,
        };
        let instance = model.draw(Kind::Theory, &shape, 7, 0).unwrap();
        let LossKind::TwoLayer { second_layer, .. } = instance.loss() else {
            panic!("another loss");
        };
        let units = [-136.0, -896.0, 991.0, 288.0, 513.0, -627.0];
        let expected = DMatrix::from_column_slice(2, 3, &units) / (1024.0 * 6f64.sqrt());
        assert!((second_layer - expected).amax() < 1e-15);
        let target = instance.target() * f64::from(1 << 20);
        assert_eq!(target.as_slice(), [-534_491.0, -514_085.0]);
    }

    /// The weights of the instance with softmax, times sqrt(R (R + 1) / 100) where that exceeds 1 and rounded upwards, so
    /// that `w_i^2 >= R (R + 1) + l / sigma_min^2` follows from `w_i^2 >= 100 + l / sigma_min^2`; never more than that.
    #[test]
    fn two_layer_weights_are_raised_by_what_the_premise_needs_and_no_further() {
        for (norm, raised) in [
            (0.5, 1.0),
            (8.0, 1.0),
            (9.5, 1.0),
            (12.0, 1.56),
            (40.0, 16.4),
        ] {
            let shape = Shape {
                norm,
                ..Shape::default()
            };
            for kind in [Kind::Theory, Kind::Weak] {
                let base = kind.draw(&shape, 3, 0).unwrap();
                let model = Model::TwoLayer {
                    activation: Activation::Tanh,
                    outputs: 5,
                };
                let instance = model.draw(kind, &shape, 3, 0).unwrap();
                for (found, before) in instance.weights().iter().zip(base.weights().iter()) {
                    if kind == Kind::Theory && raised > 1.0 {
                        let least = before.abs() * f64::sqrt(raised);
                        assert!((least..=least * (1.0 + 1e-14)).contains(&found.abs()));
                        assert_eq!(found.signum(), before.signum());
                    } else {
                        assert_eq!(found, before);
                    }
                }
            }
        }
    }

    /// One entry of the largest size is the worst case for the rounding of the norm. It comes up once in a thousand.
    #[test]
    fn a_second_layer_of_one_entry_never_exceeds_the_radius() {
        let shape = Shape {
            rows: 1,
            columns: 1,
            ..Shape::default()
        };
        let model = Model::TwoLayer {
            activation: Activation::Identity,
            outputs: 1,
        };
        let mut largest = 0.0f64;
        for seed in 0..5000 {
            let instance = model.draw(Kind::Weak, &shape, seed, 0).unwrap();
            let LossKind::TwoLayer { second_layer, .. } = instance.loss() else {
                panic!("another loss");
            };
            largest = largest.max(second_layer.norm());
        }
        assert!(largest <= 1.0 && largest > 1.0 - 1e-12, "{largest:e}");
    }
}
