//! The adversarial search behind the claims about the spectrum of `B`: logits and a target that push one end of it as far
//! out as possible, in f64.

use nalgebra::{DMatrix, DVector};

use crate::claims::tools::attack::{self, Effort, just_above};
use crate::claims::tools::forms::{self, HessianForm};
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
/// Numbers of rows that are searched where one row stands against equal ones.
const ROWS_OF_ONE_AGAINST_EQUALS: (i64, i64) = (5, 12);
/// Evaluations for each unknown and simplex: the at most four unknowns of a general search get a few hundred.
const EVALUATIONS_PER_UNKNOWN: usize = 75;
const RESTARTS: usize = 5;
const EDGE: f64 = 2.0;

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
    search_first_logits(rng, rows, rows - 1, radius, reach)
}

/// [`search`] with the given number of rows over the first `unknowns` logits, the other ones 0.
fn search_first_logits(
    rng: &mut Stream,
    rows: usize,
    unknowns: usize,
    radius: f64,
    reach: impl Fn(&DVector<f64>, &DVector<f64>) -> f64,
) -> Hardest {
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
    let start = attack::cold_start(rng, unknowns, 4);
    let effort = Effort {
        evaluations: EVALUATIONS_PER_UNKNOWN * unknowns,
        restarts: RESTARTS,
        edge: EDGE,
    };
    let (free, _) = attack::maximise(&|free| best_corner(free).0, start, effort);
    Hardest {
        logits: logits(&free),
        target: best_corner(&free).1,
    }
}

/// [`search`] for one end of the spectrum of `B` in the given form.
pub(super) fn spectrum(rng: &mut Stream, form: HessianForm, end: End, radius: f64) -> Hardest {
    search(rng, radius, |p, b| end.reach(forms::hessian(form, p, b)))
}

/// [`spectrum`] for the unit ball of targets over the logits `(t, 0, .., 0)` only, with more rows: the hardest cases of the
/// printed matrix look like this, and have about nine of them.
pub(super) fn spectrum_of_one_against_equals(
    rng: &mut Stream,
    form: HessianForm,
    end: End,
) -> Hardest {
    let (low, high) = ROWS_OF_ONE_AGAINST_EQUALS;
    let rows = sample::integer(rng, low, high) as usize;
    search_first_logits(rng, rows, 1, 1.0, |p, b| {
        end.reach(forms::hessian(form, p, b))
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Cold starts for each end; a single one may end in a local maximum.
    const STARTS: u64 = 6;

    /// How far the searches from the first cold starts get.
    fn furthest(form: HessianForm, end: End, search: impl Fn(&mut Stream) -> Hardest) -> f64 {
        (0..STARTS)
            .map(|index| {
                let found = search(&mut sample::stream(1, "cold start", index));
                assert!(found.target.lp_norm(1) <= 1.0);
                let p = forms::softmax(&found.logits);
                end.reach(forms::hessian(form, &p, &found.target))
            })
            .fold(f64::NEG_INFINITY, f64::max)
    }

    #[test]
    fn both_ends_of_the_spectrum_are_found_from_cold_starts() {
        // (55 sqrt(33) -+ 39) / 1152, by hand from -4t(1-t)^2(1-3t) at t = (9 -+ sqrt(33)) / 24.
        for (end, expected) in [(End::Lowest, 0.240_408_8), (End::Highest, 0.308_117_1)] {
            let form = HessianForm::Corrected;
            let found = furthest(form, end, |rng| spectrum(rng, form, end, 1.0));
            assert!((found - expected).abs() < 1e-4, "{end:?}: {found}");
        }
    }

    #[test]
    fn the_printed_matrix_reaches_eight_and_hardly_below_zero() {
        let form = HessianForm::Printed;
        // 5 + 2 + 3 - 2 = 8 in the limit p = e_1, b = -e_1 (by hand).
        let high = furthest(form, End::Highest, |rng| {
            spectrum(rng, form, End::Highest, 1.0)
        });
        assert!((high - 8.0).abs() < 1e-4, "{high}");
        // -0.08 at n = 5, p = (0.2, 0.2, ..), b = e_1 (by hand); -0.0884438 at n = 9 from an independent sweep.
        let low = furthest(form, End::Lowest, |rng| {
            spectrum_of_one_against_equals(rng, form, End::Lowest)
        });
        assert!(low > 0.087 && low < 0.088_444, "{low}");
    }
}
