//! The oracle against sources that do not know it: central differences, mpmath, identities, planted faults.

mod containment;
mod derivatives;
mod expressions;
mod local_steps;
mod losses;
mod minimisers;
mod outputs;
mod softmax;
mod spectra;
mod systems;
mod trees;

use nalgebra::DVector;
use serde::Deserialize;

use crate::instance::{Activation, DesignMatrix, Instance, LossKind};
use crate::oracle::lift_vector;
use crate::scalar::High;
use crate::system::{Given, Posed, parse};

/// The digits that the oracle promises, normwise.
const DIGITS: i64 = 36;

/// One entry of the table that mpmath made from the definition.
#[derive(Clone, Deserialize)]
struct Case {
    name: String,
    /// Softmax where it is missing.
    loss_kind: Option<String>,
    second_layer: Option<Vec<Vec<f64>>>,
    activation: Option<String>,
    matrix: Vec<Vec<f64>>,
    target: Vec<f64>,
    weights: Vec<f64>,
    x: Vec<f64>,
    loss: String,
    gradient: Vec<String>,
    hessian: Vec<Vec<String>>,
    minimiser: Option<Vec<String>>,
}

impl Case {
    fn instance(&self) -> Instance {
        Instance::new(
            self.kind(),
            DesignMatrix::from_rows(&self.matrix).unwrap(),
            DVector::from_vec(self.target.clone()),
            DVector::from_vec(self.weights.clone()),
        )
        .unwrap()
    }

    fn kind(&self) -> LossKind {
        let name = self.loss_kind.as_deref().unwrap_or("softmax");
        LossKind::parse_plain(name).unwrap_or_else(|| {
            assert_eq!(name, "two-layer");
            let rows = DesignMatrix::from_rows(self.second_layer.as_ref().unwrap()).unwrap();
            LossKind::TwoLayer {
                second_layer: rows.to_dense(),
                activation: Activation::parse(self.activation.as_ref().unwrap()).unwrap(),
            }
        })
    }

    fn point(&self) -> DVector<High> {
        lift_vector(&DVector::from_vec(self.x.clone()))
    }

    fn flat_hessian(&self) -> Vec<High> {
        self.hessian.iter().flat_map(|row| numbers(row)).collect()
    }
}

fn table() -> Vec<Case> {
    serde_json::from_str(include_str!("../../../fixtures/oracle/softmax_mpmath.json")).unwrap()
}

fn numbers(texts: &[String]) -> Vec<High> {
    texts
        .iter()
        .map(|text| High::parse(text).unwrap())
        .collect()
}

/// The instance of a manifest of named arrays.
fn given_of(manifest: &serde_json::Value, name: &str) -> Given {
    match parse(&manifest.to_string(), name.as_ref()) {
        Ok(Posed::Other(given)) => given,
        other => panic!("{other:?}"),
    }
}

/// `max |ours - theirs| <= 10^-digits max |theirs|`, and nothing poisoned.
fn agree(ours: &[High], theirs: &[High], digits: i64) -> bool {
    assert_eq!(ours.len(), theirs.len());
    let largest = |values: &mut dyn Iterator<Item = High>| {
        values.fold(High::ZERO, |m, value| m.max(value.abs()))
    };
    let error = largest(&mut ours.iter().zip(theirs).map(|(a, b)| *a - *b));
    let scale = largest(&mut theirs.iter().copied());
    error <= scale.shifted(-digits)
}
