//! Bounds of a Hessian in the Loewner order for any loss: its certified spectrum at one point, its certified change
//! between two, and what a weight threshold promises.

use nalgebra::{DMatrix, DVector};

use crate::claims::tools::exact::{Exact, of_eigenvalues, of_singular_values, unit};
use crate::claims::{CheckError, Outside, Verdict};
use crate::instance::Instance;
use crate::oracle::{Reference, spectrum};
use crate::scalar::{Allowance, High};

/// A Hessian by the oracle, and a proven bound of its error in the Frobenius norm.
pub struct Certified {
    /// The Hessian (d x d).
    pub hessian: DMatrix<High>,
    /// How far the true one may be from it.
    pub error: High,
}

impl Certified {
    /// The Hessian of an instance at a point.
    pub fn of(reference: &Reference, point: &DVector<High>) -> Result<Self, CheckError> {
        let d = point.len();
        let balls = reference.enclose(point, High::ZERO)?.hessian;
        let square: High = balls.iter().map(|ball| ball.radius().square()).sum();
        Ok(Self {
            hessian: DMatrix::from_fn(d, d, |i, j| balls[i * d + j].midpoint()),
            error: square.sqrt().checked()?,
        })
    }

    /// The Hessian of the loss of the logits, `B` (n x n), at any logits.
    pub fn in_logits(instance: &Instance, z: &DVector<High>) -> Result<Self, CheckError> {
        Self::of(&Reference::new(&instance.in_logits())?, z)
    }

    /// Smallest and largest eigenvalue; by Weyl's inequality the error of the matrix moves neither further.
    pub fn range(&self) -> Result<Range, CheckError> {
        let (low, high, rounding) = spectrum::extremes_with_bound(&self.hessian)?;
        Ok(Range {
            low,
            high,
            error: of_eigenvalues(rounding) + self.enclosed(),
        })
    }

    /// The error as what a comparison grants.
    pub fn enclosed(&self) -> Allowance<High> {
        Allowance::new(self.error, "the enclosure of the Hessian")
    }

    /// `|| self - other ||` and its error.
    pub fn distance(&self, other: &Self) -> Result<(High, Allowance<High>), CheckError> {
        let difference = &self.hessian - &other.hessian;
        let norm = spectrum::spectral_norm(&difference)?;
        let norms = self.hessian.norm() + other.hessian.norm();
        let decomposition = of_singular_values(difference.nrows(), norms);
        Ok((norm, self.enclosed() + other.enclosed() + decomposition))
    }
}

/// Extreme eigenvalues, both right to within `error`.
pub struct Range {
    /// The smallest.
    pub low: High,
    /// The largest.
    pub high: High,
    /// Bound of the error of either.
    pub error: Allowance<High>,
}

/// A bound computed with a few thousand roundings at most, rounded up.
pub fn outwards(value: High) -> High {
    value + value.abs().shifted(-30)
}

/// `w_i^2 >= threshold + l / sigma_min(A)^2` for all i implies `Hess L >= l I`, for the largest `l` that the case's
/// weights allow. Outside for weights below the threshold, and where A has not full column rank.
pub fn heavy_weights_suffice(exact: &Exact, threshold: High) -> Result<Verdict, CheckError> {
    let lightest = exact.lightest();
    let surplus = lightest - threshold;
    if surplus <= threshold.abs().shifted(-30) {
        return Ok(Verdict::Outside(Outside::Weights));
    }
    let (largest, smallest) = exact.singular_range()?;
    if smallest <= largest.shifted(-30) {
        return Ok(Verdict::Outside(Outside::Rank));
    }
    let reference = Reference::new(&exact.instance)?;
    let range = Certified::of(&reference, &exact.x)?.range()?;
    // A singular value is right to `64 k` roundings of the largest one, and enters l squared.
    let size = High::int(256 * (exact.a.nrows() + exact.a.ncols()) as i64);
    let rounding = Allowance::new(
        size * unit() * largest * smallest * (lightest + threshold.abs()),
        "256 (n + d) roundings of a singular value",
    );
    // lambda_min >= (lightest - threshold) sigma^2, solved for the threshold, so that the slack tells its share in use.
    let square = smallest.square();
    Ok(Verdict::at_most(
        "min w_i^2 - lambda_min(Hess L) / sigma_min(A)^2",
        lightest - range.low / square,
        threshold,
        (range.error + rounding) / square,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certified(entries: [i64; 4], error: i64) -> Certified {
        Certified {
            hessian: DMatrix::from_row_slice(2, 2, &entries.map(High::int)),
            error: High::int(error).shifted(-36),
        }
    }

    #[test]
    fn a_distance_and_its_error_are_those_of_the_formula() {
        // diag(3, 4) - diag(8, 15) = diag(-5, -11), Frobenius norms 5 and 17.
        let (norm, error) = certified([3, 0, 0, 4], 2)
            .distance(&certified([8, 0, 0, 15], 3))
            .unwrap();
        assert!((norm - High::int(11)).abs() < High::ONE.shifted(-36));
        // 64 * 2 * (5 + 17) = 2816 units of 1e-39.
        let expected = High::int(2816).shifted(-39) + High::int(5).shifted(-36);
        assert!((error.size() / expected - High::ONE).abs() < High::ONE.shifted(-30));
    }

    #[test]
    fn outwards_is_up_whatever_the_sign() {
        for value in [-2, 3] {
            let value = High::int(value);
            let moved = outwards(value) - value;
            assert!((moved / value.abs() - High::ONE.shifted(-30)).abs() < High::ONE.shifted(-38));
        }
    }
}
