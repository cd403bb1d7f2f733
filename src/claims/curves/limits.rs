//! Where rounds of local steps come to rest, over the number of local steps.

use nalgebra::DVector;

use super::Points;
use crate::claims::federated_softmax::model::Model;
use crate::claims::{Case, CheckError, Origin};
use crate::oracle::{LocalSteps, Reference, minimise};
use crate::scalar::High;
use crate::system::{Posed, parse};

/// The instance: the recorded witness of federated-softmax/limit-is-the-minimiser, two clients and d = 1.
const WITNESS: &str =
    include_str!("../../../fixtures/witnesses/federated-softmax-limit-is-the-minimiser.json");

/// Distances from the minimiser of the mean.
pub struct LocalLimits {
    /// For each step length.
    pub steps: Vec<LocalLimit>,
    /// `|| 1/N sum_c x*_c - x* ||`: the mean of the clients' own minimisers, where many local steps end.
    pub own_minimisers: f64,
}

/// One step length.
pub struct LocalLimit {
    /// `1 / eta`.
    pub inverse_step: u32,
    /// `|| x_inf - x* ||` over K, from K = 1 on.
    pub curve: Points,
}

const INVERSE_STEPS: [u32; 3] = [8, 16, 64];
const LOCAL_STEPS: [usize; 11] = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48];

/// At 40 digits, both points by Newton's method, so that no run has to be waited for.
pub fn local_limits() -> Result<LocalLimits, CheckError> {
    let posed = parse(WITNESS, "the witness".as_ref())
        .map_err(|error| CheckError::Other(error.to_string()))?;
    let Posed::Other(given) = posed else {
        return Err(CheckError::Other(
            "the witness is no federated problem".to_owned(),
        ));
    };
    let model = Model::of(&Case::new(Origin::Witness, given, 0))?;
    let minimiser = model.minimiser()?;
    let away = |x: &DVector<High>| (x - &minimiser).norm().to_f64();
    let mut steps = Vec::with_capacity(INVERSE_STEPS.len());
    for inverse_step in INVERSE_STEPS {
        let step = High::int(i64::from(inverse_step)).recip();
        let mut curve = Vec::with_capacity(LOCAL_STEPS.len());
        let mut start = minimiser.clone();
        for count in LOCAL_STEPS {
            let rounds: LocalSteps = model.rounds(step, count)?;
            start = rounds.rest(&start)?.x;
            curve.push((count as f64, away(&start)));
        }
        steps.push(LocalLimit {
            inverse_step,
            curve,
        });
    }
    let mut own = Vec::with_capacity(model.clients.len());
    for client in &model.clients {
        own.push(minimise(&Reference::new(client)?, &minimiser)?.x);
    }
    let mean = own
        .iter()
        .fold(DVector::zeros(minimiser.len()), |sum, x| sum + x)
        / model.count();
    Ok(LocalLimits {
        steps,
        own_minimisers: away(&mean),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One local step is gradient descent on the mean; more lead away, and less far than the mean of the clients' own minimisers.
    #[test]
    fn limits_start_at_the_minimiser_and_move_towards_the_clients_own() {
        let found = local_limits().unwrap();
        for one in &found.steps {
            assert!(one.curve[0].1 < 1e-25, "{:?}", one.curve[0]);
            for pair in one.curve.windows(2) {
                assert!(pair[0].1 < pair[1].1, "{pair:?}");
            }
            let last = one.curve[one.curve.len() - 1].1;
            assert!(last < found.own_minimisers, "{last}");
        }
        // A longer step leads farther, for each K.
        for pair in found.steps.windows(2) {
            for (long, short) in pair[0].curve.iter().zip(&pair[1].curve).skip(1) {
                assert!(long.1 > short.1, "{long:?} {short:?}");
            }
        }
    }
}
