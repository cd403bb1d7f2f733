//! What the checks ask of an exact attention.

use nalgebra::DMatrix;

use crate::claims::tools::exact::unit;
use crate::claims::{Case, CheckError};
use crate::oracle::lift_matrix;
use crate::scalar::High;
use crate::system::{Array, Given};

use super::cases::posed;

/// The arrays of an instance, row by row, to be changed.
#[derive(Clone)]
pub struct Parts {
    /// nq, nk, d, m.
    pub shape: [usize; 4],
    /// Q.
    pub q: Vec<f64>,
    /// K.
    pub k: Vec<f64>,
    /// V.
    pub v: Vec<f64>,
    /// s.
    pub scale: f64,
    /// Whether query i sees the keys 0 to i only.
    pub causal: bool,
}

impl Parts {
    /// Of a case.
    pub fn of(case: &Case<Given>) -> Self {
        let given = &case.instance;
        let entries = |name| given.array(name).map(Array::values).unwrap_or_default();
        Self {
            shape: ["nq", "nk", "d", "m"].map(|side| given.size(side)),
            q: entries("Q").to_vec(),
            k: entries("K").to_vec(),
            v: entries("V").to_vec(),
            scale: given.scalar("scale"),
            causal: given.scalar("causal") != 0.0,
        }
    }

    /// How many keys query i sees.
    pub fn seen(&self, i: usize) -> usize {
        let keys = self.shape[1];
        if self.causal { keys.min(i + 1) } else { keys }
    }

    /// The instance.
    pub fn posed(self) -> Result<Given, CheckError> {
        posed(
            self.shape,
            [self.q, self.k, self.v],
            self.scale,
            self.causal,
        )
    }
}

/// Logits (nq x nk) at 40 digits, and how far off any of them is at most.
pub fn logits(given: &Given) -> (DMatrix<High>, High) {
    let array = |name, rows| lift_matrix(&given.matrix(name, rows, "d"));
    let (q, k) = (array("Q", "nq"), array("K", "nk"));
    let scale = High::lift(given.scalar("scale")).unwrap_or(High::POISONED);
    let sizes = q.map(High::abs) * k.map(High::abs).transpose() / scale;
    let largest = sizes.iter().copied().fold(High::ZERO, High::max);
    let logits = q * k.transpose() / scale;
    // A product and a sum for each entry of a key, and a quotient.
    let roundings = High::int(2 * given.size("d") as i64 + 2) * unit();
    (logits, largest * roundings)
}

/// The sum or product that a changed entry is, where it is an f64.
pub fn exactly(value: High) -> Option<f64> {
    let near = value.to_f64();
    (High::lift(near).ok()? == value).then_some(near)
}
