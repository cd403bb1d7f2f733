//! A loss in unknowns `y` with `x_j = 10^(k_j) y_j`, so that columns of unlike scale look alike. Decades are exact in
//! [`High`]: no value, no radius and no proof is rounded by them.

use nalgebra::{DMatrix, DVector};

use crate::oracle::minimum::Minimiser;
use crate::oracle::{Ball, Enclosure, Evaluation, OracleError, Reference};
use crate::scalar::High;

/// `L` as a function of `y`. All points and derivatives are those of `y`.
pub(super) struct Equilibrated<'a> {
    reference: &'a Reference,
    /// The `k_j`.
    decades: Vec<i64>,
}

/// Unknowns that differ by fewer decades are minimised as they are.
const LEAST_SPREAD: i64 = 4;

impl<'a> Equilibrated<'a> {
    /// `y = x`.
    pub(super) fn not_at_all(reference: &'a Reference) -> Self {
        Self {
            reference,
            decades: vec![0; reference.dimension()],
        }
    }

    /// The decades that bring every diagonal entry of the Hessian at `x` between 0.1 and 10, about. None if they hardly
    /// differ.
    pub(super) fn at(
        reference: &'a Reference,
        x: &DVector<High>,
    ) -> Result<Option<Self>, OracleError> {
        let hessian = reference.evaluate(x)?.hessian;
        let found: Vec<Option<i64>> = hessian
            .diagonal()
            .iter()
            .map(|entry| entry.exponent10().map(|decade| -decade.div_euclid(2)))
            .collect();
        let known = || found.iter().flatten().copied();
        let (Some(least), Some(most)) = (known().min(), known().max()) else {
            return Ok(None);
        };
        Ok((most - least >= LEAST_SPREAD).then(|| Self {
            reference,
            // Of a flat direction nothing is known.
            decades: found.iter().map(|decade| decade.unwrap_or(0)).collect(),
        }))
    }

    /// `y` of `x`.
    pub(super) fn inwards(&self, x: &DVector<High>) -> DVector<High> {
        DVector::from_fn(x.len(), |j, _| x[j].shifted(-self.decades[j]))
    }

    /// `x` of `y`; also a derivative or a radius in `y` of one in `x`.
    fn scaled(&self, y: &DVector<High>) -> DVector<High> {
        DVector::from_fn(y.len(), |j, _| y[j].shifted(self.decades[j]))
    }

    /// [`Reference::evaluate`].
    pub(super) fn evaluate(&self, y: &DVector<High>) -> Result<Evaluation, OracleError> {
        let found = self.reference.evaluate(&self.scaled(y))?;
        let d = y.len();
        Ok(Evaluation {
            loss: found.loss,
            gradient: self.scaled(&found.gradient),
            hessian: DMatrix::from_fn(d, d, |i, j| {
                found.hessian[(i, j)].shifted(self.decades[i] + self.decades[j])
            }),
        })
    }

    /// [`Reference::loss`].
    pub(super) fn loss(&self, y: &DVector<High>) -> Result<High, OracleError> {
        self.reference.loss(&self.scaled(y))
    }

    /// [`Reference::loss_and_gradient`].
    pub(super) fn loss_and_gradient(
        &self,
        y: &DVector<High>,
    ) -> Result<(High, DVector<High>), OracleError> {
        let (loss, gradient) = self.reference.loss_and_gradient(&self.scaled(y))?;
        Ok((loss, self.scaled(&gradient)))
    }

    /// [`Reference::enclose_loss`].
    pub(super) fn enclose_loss(&self, y: &DVector<High>) -> Result<Ball, OracleError> {
        self.reference.enclose_loss(&self.scaled(y))
    }

    /// [`Reference::enclose`]: the box in `y` has the same half-width in every direction.
    pub(super) fn enclose(
        &self,
        y: &DVector<High>,
        radius: High,
    ) -> Result<Enclosure, OracleError> {
        let d = y.len();
        let radii = self.scaled(&DVector::from_element(d, radius));
        let found = self.reference.enclose_box(&self.scaled(y), &radii)?;
        let shifted = |ball: &Ball, decades| {
            Ball::new(
                ball.midpoint().shifted(decades),
                ball.radius().shifted(decades),
            )
        };
        let gradient = found.gradient.iter().zip(&self.decades);
        Ok(Enclosure {
            loss: found.loss,
            gradient: gradient.map(|(ball, &k)| shifted(ball, k)).collect(),
            hessian: found
                .hessian
                .iter()
                .enumerate()
                .map(|(k, ball)| shifted(ball, self.decades[k / d] + self.decades[k % d]))
                .collect(),
        })
    }

    /// A minimiser in `y` as one in `x`: each entry is off by at most `10^(k_j)` times the bound in `y`, all of them by at
    /// most the largest such multiple; the curvature is that in `y` over `10^(2 max k)`, at least.
    pub(super) fn outwards(&self, found: Minimiser) -> Minimiser {
        let most = self.decades.iter().copied().max().unwrap_or(0);
        let least = self.decades.iter().copied().min().unwrap_or(0);
        Minimiser {
            x: self.scaled(&found.x),
            // The largest that it can be in x.
            gradient_norm: found.gradient_norm.shifted(-least),
            curvature: found.curvature.shifted(-2 * most),
            error_bound: found.error_bound.shifted(most),
            entry_bounds: self.scaled(&found.entry_bounds),
            iterations: found.iterations,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::{Graph, minimise};

    /// `0.5 (x - 1)^4 + 0.5 (10^k y - x)^2 + 0.5 x^2`, whose scale is undone exactly: the minimiser in `10^k y` is the same
    /// for every k, and equal to x. From the definition: `2 (x - 1)^3 + x = 0`, x = 0.41024548...
    #[test]
    fn the_minimiser_of_a_stretched_loss_is_the_stretched_minimiser() {
        for decades in [0, 10, 12, 18, 24] {
            let mut g = Graph::new();
            let (x, y) = (g.variable(0), g.variable(1));
            let minus = g.int(-1);
            let shifted = g.sum(&[x, minus]);
            let quartic = g.power(shifted, 4);
            let gap = g.weighted_sum(&[(High::ONE.shifted(decades), y), (-High::ONE, x)]);
            let gap = g.power(gap, 2);
            let square = g.power(x, 2);
            let half = High::ratio(1, 2);
            let loss = g.weighted_sum(&[(half, quartic), (half, gap), (half, square)]);
            let reference = Reference::from_graph(g, loss, 2);
            let start = DVector::from_vec(vec![High::ratio(1, 2), High::ZERO]);
            let found = minimise(&reference, &start).unwrap();
            let x = found.x[0];
            let left = (x - High::ONE) * (x - High::ONE).square() * High::int(2) + x;
            assert!(left.abs() <= High::ONE.shifted(-36), "{decades} {left:?}");
            let apart = (found.x[1].shifted(decades) - x).abs();
            assert!(apart <= High::ONE.shifted(-36), "{decades} {apart:?}");
            // Where the plain attempt proves something it is kept, and the large column sets the one bound of both. From 10^17
            // on a pivot is below 10^-34 of the other, which counts as singular.
            let equilibrated = found.entry_bounds[0] != found.entry_bounds[1];
            assert_eq!(equilibrated, decades > 17, "{decades}");
            if equilibrated || decades == 0 {
                let small = High::ONE.shifted(-30);
                assert!(found.entry_bounds[0] <= small, "{decades}");
                assert!(found.entry_bounds[1].shifted(decades) <= small);
            }
            assert!(found.curvature.is_positive());
            assert!(found.curvature <= High::ONE.shifted(2));
        }
    }
}
