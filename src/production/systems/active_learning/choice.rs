//! Which points to label, without a label.

use super::methods::{self, Way};
use super::pool::Pool;
use crate::production::systems::error::{Refusal, SystemError};
use crate::system::{ACTIVE_LEARNING, Given};

/// The points that a method labels, with the weights of their squares: chosen without a label.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelDesign {
    /// Their indices, ascending, each once.
    pub points: Vec<usize>,
    /// Weights w: the answer minimises `sum w_i (p_i x - y_i)^2` over the points; in units of the largest.
    pub weights: Vec<f64>,
    /// What noise of equal variance at every point makes: the mean of `sum_i D_i (p_i (x - x0))^2`, for labels `p_i x0` and noise,
    /// over the mean of the sum of `D_i` times the square of the noise. By f64, not proven.
    pub mean_excess: f64,
    /// How they were chosen.
    pub how: String,
}

/// Chooses the points of an `active-learning` to be labelled, by the name of a method or `"auto"`; no label is looked at, so those of
/// the instance may be anything.
///
/// Refused: another system or method, and a budget below the rank of the pool.
pub fn choose_points(given: &Given, method: &str, seed: u64) -> Result<LabelDesign, SystemError> {
    if given.system().key != ACTIVE_LEARNING.key {
        let solves = ACTIVE_LEARNING.key;
        return Err(Refusal::System { solves }.into());
    }
    let way = methods::way(method).ok_or_else(|| SystemError::NoMethod {
        method: method.to_owned(),
        system: ACTIVE_LEARNING.key,
        known: Way::ALL.map(Way::name).join(", "),
    })?;
    methods::refuse_work(given, way)?;
    let pool = Pool::of(given, seed)?;
    let design = methods::choose(way, &pool, given.size("budget"), seed)?;
    let most = design.weights.iter().copied().fold(0.0, f64::max);
    Ok(LabelDesign {
        mean_excess: design.mean_excess(&pool),
        weights: design.weights.iter().map(|weight| weight / most).collect(),
        points: design.points,
        how: design.how,
    })
}
