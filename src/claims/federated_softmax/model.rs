//! A federated problem at 40 digits: its clients, the constants of their curvature, and points of the oracle.

use nalgebra::DVector;

use crate::claims::{Case, CheckError, Exact};
use crate::instance::Instance;
use crate::oracle::{LocalSteps, Reference, lift_vector, minimise};
use crate::scalar::{Allowance, High};
use crate::system::{FEDERATED_SOFTMAX, Given, arrays_of, clients};

/// Bounds of the curvature of one client's loss.
#[derive(Clone, Copy, Debug)]
pub struct Curvature {
    /// `(min w^2 - lambda) sigma_min(A)^2`.
    pub least: High,
    /// `(max w^2 + Lambda) sigma_max(A)^2`.
    pub largest: High,
}

/// An instance.
pub struct Model {
    /// The clients.
    pub clients: Vec<Instance>,
    /// The first point (d).
    pub x: DVector<High>,
    /// eta.
    pub step: High,
    /// K.
    pub steps: usize,
    given: Given,
}

/// `(55 sqrt 33 + sign 39) / 1152`: lambda for -1, Lambda for 1.
pub fn sharp(sign: i64) -> High {
    (High::int(55) * High::int(33).sqrt() + High::int(39 * sign)) / High::int(1152)
}

impl Model {
    /// Of a case; eta is the instance's, which has to be above 0 for what needs one.
    pub fn of(case: &Case<Given>) -> Result<Self, CheckError> {
        let given = &case.instance;
        Ok(Self {
            clients: clients(given)?,
            x: lift_vector(&given.start().into()),
            step: High::lift(given.scalar("step"))?,
            steps: given.size("K"),
            given: given.clone(),
        })
    }

    /// N.
    pub fn count(&self) -> High {
        High::int(self.clients.len() as i64)
    }

    /// The curvature of each client with lambda and Lambda `share` times as large, or `None` where the premise of strong convexity
    /// is not met: `||b||_1 <= 1`, `min w^2 > lambda`, full column rank.
    pub fn curvatures(&self, share: High) -> Result<Option<Vec<Curvature>>, CheckError> {
        let mut found = Vec::with_capacity(self.clients.len());
        for client in &self.clients {
            let exact = Exact::at(client, self.x.clone())?;
            let (size, least) = exact.singular_range()?;
            let squares = exact.squared_weights();
            let heaviest = squares
                .iter()
                .copied()
                .reduce(High::max)
                .unwrap_or(High::ZERO);
            // Comparisons in the positive: poisoned numbers meet no premise.
            let full = least > size.shifted(-15);
            let met = exact.target_norm() <= High::ONE && exact.lightest() > sharp(-1) && full;
            if !met {
                return Ok(None);
            }
            found.push(Curvature {
                least: (exact.lightest() - share * sharp(-1)) * least.square(),
                largest: (heaviest + share * sharp(1)) * size.square(),
            });
        }
        Ok(Some(found))
    }

    /// The least and the largest curvature of all clients, where they are strongly convex and eta is above 0 and at most `1 / L`.
    pub fn convex(&self) -> Result<Option<Curvature>, CheckError> {
        let all = self.curvatures(High::ONE)?;
        let whole = all.and_then(|all| {
            all.into_iter().reduce(|a, b| Curvature {
                least: a.least.min(b.least),
                largest: a.largest.max(b.largest),
            })
        });
        Ok(whole.filter(|whole| self.step.is_positive() && self.step * whole.largest <= High::ONE))
    }

    /// Rounds with a step and a number of steps.
    pub fn rounds(&self, step: High, steps: usize) -> Result<LocalSteps, CheckError> {
        Ok(LocalSteps::of(&self.given, step, steps)?)
    }

    /// The oracle's loss of each client.
    pub fn references(&self) -> Result<Vec<Reference>, CheckError> {
        let references = self.clients.iter().map(Reference::new);
        Ok(references.collect::<Result<_, _>>()?)
    }

    /// The gradient of each client at the first point.
    pub fn gradients(&self) -> Result<Vec<DVector<High>>, CheckError> {
        let mut gradients = Vec::with_capacity(self.clients.len());
        for reference in self.references()? {
            gradients.push(reference.loss_and_gradient(&self.x)?.1);
        }
        Ok(gradients)
    }

    /// The minimiser of the mean, with a proof of its error.
    pub fn minimiser(&self) -> Result<DVector<High>, CheckError> {
        minimiser_of(&self.given, &self.x)
    }

    /// The same of these clients only.
    pub fn minimiser_of(&self, clients: &[Instance]) -> Result<DVector<High>, CheckError> {
        let given = arrays_of(clients).and_then(|arrays| Given::new(&FEDERATED_SOFTMAX, arrays));
        minimiser_of(&given.map_err(CheckError::Other)?, &self.x)
    }
}

fn minimiser_of(given: &Given, start: &DVector<High>) -> Result<DVector<High>, CheckError> {
    Ok(minimise(&Reference::of(given)?, start)?.x)
}

/// The mean of vectors of one length.
pub fn mean(vectors: &[DVector<High>]) -> DVector<High> {
    let length = vectors.first().map_or(0, |vector| vector.len());
    let sum = vectors
        .iter()
        .fold(DVector::zeros(length), |sum, vector| sum + vector);
    sum / High::int(vectors.len().max(1) as i64)
}

/// What points at 40 digits are granted, relative to a scale.
pub fn rounding(scale: High) -> Allowance<High> {
    Allowance::new(
        scale.shifted(-28),
        "10^11 roundings of runs and of minimisers at 40 digits",
    )
}

/// Every choice of `some` of `all` things, in lexicographic order.
pub fn subsets(all: usize, some: usize) -> Vec<Vec<usize>> {
    let mut found = Vec::new();
    let mut chosen: Vec<usize> = (0..some).collect();
    loop {
        found.push(chosen.clone());
        let Some(k) = (0..some).rev().find(|k| chosen[*k] < all - some + k) else {
            return found;
        };
        chosen[k] += 1;
        for later in k + 1..some {
            chosen[later] = chosen[later - 1] + 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subsets_are_every_choice_once() {
        assert_eq!(subsets(4, 2).len(), 6);
        assert_eq!(subsets(3, 2), [[0, 1], [0, 2], [1, 2]]);
        assert_eq!(subsets(3, 3), [[0, 1, 2]]);
        assert_eq!(subsets(2, 0), [Vec::<usize>::new()]);
        assert_eq!(subsets(8, 5).len(), 56);
    }

    /// Theorem 1's constants: 0.24040880690936774.., 0.30811714024270107.. by mpmath.
    #[test]
    fn the_sharp_constants_are_those_of_the_theorem() {
        assert!((sharp(-1).to_f64() - 0.240_408_806_909_367_74).abs() < 1e-16);
        assert!((sharp(1).to_f64() - 0.308_117_140_242_701_1).abs() < 1e-16);
    }
}
