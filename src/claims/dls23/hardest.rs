//! The adversarial search behind the claims about the spectrum of `B`: logits and a target that push one end of it as far
//! out as possible, in f64.

use nalgebra::{DMatrix, DVector};

use crate::claims::attack::{self, Effort};
use crate::claims::forms::{self, HessianForm};
use crate::claims::{Case, CheckError, Origin};
use crate::instance::sample::{self, Stream};
use crate::instance::{DesignMatrix, Instance, LossKind};

/// One end of a spectrum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The smallest eigenvalue, pushed down.
    Lowest,
    /// The largest eigenvalue, pushed up.
    Highest,
}

impl End {
    /// Either end, as the stream decides.
    pub(super) fn drawn(rng: &mut Stream) -> Self {
        if sample::integer(rng, 0, 1) == 0 {
            Self::Lowest
        } else {
            Self::Highest
        }
    }

    /// How far the spectrum of a symmetric matrix reaches towards this end: `-lambda_min` or `lambda_max`.
    pub(super) fn reach(self, matrix: DMatrix<f64>) -> f64 {
        let values = matrix.symmetric_eigenvalues();
        match self {
            Self::Lowest => -values.min(),
            Self::Highest => values.max(),
        }
    }
}

/// Logits and a target found by a search.
#[derive(Clone, Debug)]
pub(super) struct Hardest {
    /// `z` (n).
    pub(super) logits: DVector<f64>,
    /// `b` (n), one entry not zero.
    pub(super) target: DVector<f64>,
}

/// Numbers of rows that are searched.
const ROWS: (i64, i64) = (2, 5);
/// A logit further than this from the last one has lost its mass to rounding (`exp(-30) = 1e-13`), while 40 digits still
/// tell the eigenvalue there from its limit.
const FURTHEST_LOGIT: f64 = 30.0;
/// A few hundred evaluations settle the at most four unknowns.
const EFFORT: Effort = Effort {
    evaluations: 300,
    restarts: 5,
    edge: 2.0,
};

/// Searches the logits from one cold start, with a number of rows between 2 and 5, for the largest `reach(p, b)` over
/// `||b||_1 <= radius`.
///
/// Only the `2 n` corners `b = ± radius e_i` are tried, and that loses nothing where `reach` is convex in `b`: `B` is affine
/// in `b`, the largest eigenvalue is a convex function of a symmetric matrix, and a convex function takes its maximum over
/// the ball in a corner. `B` knows the logits up to a shift, so the last one stays 0.
pub(super) fn search(
    rng: &mut Stream,
    radius: f64,
    reach: impl Fn(&DVector<f64>, &DVector<f64>) -> f64,
) -> Hardest {
    let rows = sample::integer(rng, ROWS.0, ROWS.1) as usize;
    let logits = |free: &[f64]| {
        DVector::from_fn(rows, |i, _| {
            free.get(i)
                .map_or(0.0, |logit| logit.clamp(-FURTHEST_LOGIT, FURTHEST_LOGIT))
        })
    };
    let best_corner = |free: &[f64]| {
        let p = forms::softmax(&logits(free));
        let mut best = (f64::NEG_INFINITY, DVector::zeros(rows));
        for corner in 0..2 * rows {
            let mut b = DVector::zeros(rows);
            b[corner / 2] = if corner % 2 == 0 { radius } else { -radius };
            let value = reach(&p, &b);
            if value > best.0 {
                best = (value, b);
            }
        }
        best
    };
    let start = attack::cold_start(rng, rows - 1, 4);
    let (free, _) = attack::maximise(|free| best_corner(free).0, start, EFFORT);
    Hardest {
        logits: logits(&free),
        target: best_corner(&free).1,
    }
}

/// [`search`] for one end of the spectrum of `B` in the given form.
pub(super) fn spectrum(rng: &mut Stream, form: HessianForm, end: End, radius: f64) -> Hardest {
    search(rng, radius, |p, b| end.reach(forms::hessian(form, p, b)))
}

impl Hardest {
    /// The case with these logits as the only column of `A` and `x = 1`, without weights.
    pub(super) fn as_column(&self) -> Result<Case, CheckError> {
        let n = self.logits.len();
        let matrix = DMatrix::from_column_slice(n, 1, self.logits.as_slice());
        self.case(matrix, DVector::zeros(n), DVector::from_element(1, 1.0))
    }

    /// The case with `A = I`, `x = z`, and every weight just so large that `w_i^2 > base`.
    pub(super) fn as_identity(&self, base: f64) -> Result<Case, CheckError> {
        let n = self.logits.len();
        let weights = DVector::from_element(n, just_above(base));
        self.case(DMatrix::identity(n, n), weights, self.logits.clone())
    }

    fn case(
        &self,
        matrix: DMatrix<f64>,
        weights: DVector<f64>,
        x: DVector<f64>,
    ) -> Result<Case, CheckError> {
        let matrix = DesignMatrix::dense(matrix)?;
        let instance = Instance::new(LossKind::Softmax, matrix, self.target.clone(), weights)?
            .with_points(vec![x])?;
        Ok(Case::new(Origin::Attack(0), instance, 0))
    }
}

/// A weight with `w^2 > base`, by about `2^-29` relative; 0 for base 0.
pub(super) fn just_above(base: f64) -> f64 {
    base.sqrt() * (1.0 + 1.0 / f64::from(1u32 << 30))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cold starts for each end; a single one may end in a local maximum.
    const STARTS: u64 = 6;

    /// How far the searches from the first cold starts get, over the unit ball of targets.
    fn furthest(form: HessianForm, end: End) -> f64 {
        (0..STARTS)
            .map(|index| {
                let mut rng = sample::stream(1, "cold start", index);
                let found = spectrum(&mut rng, form, end, 1.0);
                assert!(found.target.lp_norm(1) <= 1.0);
                let p = forms::softmax(&found.logits);
                end.reach(forms::hessian(form, &p, &found.target))
            })
            .fold(f64::NEG_INFINITY, f64::max)
    }

    #[test]
    fn both_ends_of_the_spectrum_are_found_from_cold_starts() {
        // (55 sqrt(33) -+ 39) / 1152, by hand from -4t(1-t)^2(1-3t) at t = (9 -+ sqrt(33)) / 24.
        assert!((furthest(HessianForm::Corrected, End::Lowest) - 0.240_408_8).abs() < 1e-4);
        assert!((furthest(HessianForm::Corrected, End::Highest) - 0.308_117_1).abs() < 1e-4);
    }

    #[test]
    fn the_printed_matrix_reaches_eight_and_hardly_below_zero() {
        // 5 + 2 + 3 - 2 = 8 in the limit p = e_1, b = -e_1 (by hand); the lower end is known from searches only.
        assert!((furthest(HessianForm::Printed, End::Highest) - 8.0).abs() < 1e-4);
        let low = furthest(HessianForm::Printed, End::Lowest);
        assert!((low - 0.0855).abs() < 1e-4, "{low}");
    }
}
