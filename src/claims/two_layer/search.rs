//! The adversarial search for the two-layer loss: logits, second layer and target from one cold start, in f64.

use nalgebra::{DMatrix, DVector};

use crate::claims::tools::attack::{self, Effort};
use crate::claims::{Case, CheckError, Origin};
use crate::instance::sample::{self, Stream};
use crate::instance::{Activation, DesignMatrix, Instance, LossKind};

use super::bounds::Layer;
use super::model::Model;

/// A candidate: everything free.
pub struct Candidate {
    /// `phi`.
    pub activation: Activation,
    /// `A2` (m x n).
    pub layer: DMatrix<f64>,
    /// `b` (m).
    pub target: DVector<f64>,
    /// `z` (n).
    pub z: DVector<f64>,
    /// A unit vector of logits (n).
    pub direction: DVector<f64>,
}

impl Candidate {
    /// Of `n m + m + 2 n` free numbers, the layer and the target times these sizes.
    fn of(activation: Activation, (n, m): (usize, usize), sizes: (f64, f64), free: &[f64]) -> Self {
        let (layer, rest) = free.split_at(n * m);
        let (target, rest) = rest.split_at(m);
        let (z, direction) = rest.split_at(n);
        let direction = DVector::from_column_slice(direction);
        let length = direction.norm();
        Self {
            activation,
            layer: DMatrix::from_column_slice(m, n, layer) * sizes.0,
            target: DVector::from_column_slice(target) * sizes.1,
            z: DVector::from_column_slice(z),
            direction: direction / length,
        }
    }

    /// The model at `z + t direction`.
    pub fn model(&self, t: f64) -> Model<f64> {
        let z = &self.z + &self.direction * t;
        Model::at(self.layer.clone(), self.activation, &z, &self.target)
    }

    /// The constants' arguments.
    pub fn constants(&self) -> Layer<f64> {
        Layer {
            norm: self.layer.singular_values().max(),
            target: self.target.norm(),
            outputs: self.layer.nrows(),
            activation: self.activation,
        }
    }
}

/// Searches for the candidate with the largest `hardness`; the case has `A1 = I`, the points `z` and `z + step direction`,
/// and equal weights of the square that `weight` asks for.
pub fn search(
    rng: &mut Stream,
    activations: &[Activation],
    step: f64,
    hardness: impl Fn(&Candidate) -> f64,
    weight: impl Fn(&Candidate) -> f64,
) -> Result<Case, CheckError> {
    let pick = sample::integer(rng, 0, activations.len() as i64 - 1) as usize;
    let n = sample::integer(rng, 2, 4) as usize;
    let m = sample::integer(rng, 1, 2) as usize;
    let activation = activations[pick];
    // As drawn, or the layer over four decades and the target over ten.
    let sizes = if sample::integer(rng, 0, 1) == 0 {
        (1.0, 1.0)
    } else {
        let power = |low, high, rng: &mut Stream| 2f64.powi(sample::integer(rng, low, high) as i32);
        (power(-7, 7, rng), power(-10, 24, rng))
    };
    let start = attack::cold_start(rng, n * m + m + 2 * n, 2);
    let (best, _) = attack::maximise(
        &|free| hardness(&Candidate::of(activation, (n, m), sizes, free)),
        start,
        Effort::USUAL,
    );
    let found = Candidate::of(activation, (n, m), sizes, &best);
    let weights = DVector::from_element(n, weight(&found).max(0.0).sqrt());
    let end = &found.z + &found.direction * step;
    let loss = LossKind::TwoLayer {
        second_layer: found.layer,
        activation,
    };
    let identity = DesignMatrix::dense(DMatrix::identity(n, n))?;
    let instance =
        Instance::new(loss, identity, found.target, weights)?.with_points(vec![found.z, end])?;
    Ok(Case::new(Origin::Attack(0), instance, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_candidate_moves_along_its_direction() {
        // z = (0, 0) + ln 3 (1, 0): p = (3, 1) / 4.
        let candidate = Candidate {
            activation: Activation::Identity,
            layer: DMatrix::identity(2, 2),
            target: DVector::zeros(2),
            z: DVector::zeros(2),
            direction: DVector::from_vec(vec![1.0, 0.0]),
        };
        let p = candidate.model(3f64.ln()).p;
        assert!((p[0] - 0.75).abs() < 1e-15 && (p[1] - 0.25).abs() < 1e-15);
    }
}
