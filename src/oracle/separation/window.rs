//! The degrees for which a network separates.

use super::error::SeparationError;
use super::network::{FiringDegree, SignNetwork, checked_failure};
use crate::scalar::{Ball, High};

/// Beyond this degree no window is looked for.
const LARGEST_DEGREE: u64 = 1 << 24;
/// Windows up to this length are checked degree by degree.
const CHECKED: u64 = 4096;

/// An end of a window.
#[derive(Clone, Copy, Debug)]
pub struct WindowEnd {
    /// The degree.
    pub degree: u64,
    /// `P[F > 0]` on the data set of the small excess, which is to stay silent.
    pub silent_fires: Ball,
    /// `P[F > 0]` on that of the large excess, which is to fire.
    pub loud_fires: Ball,
}

/// Degrees at which both data sets are recognised.
#[derive(Clone, Copy, Debug)]
pub struct DegreeWindow {
    /// The first: one degree less and the large excess fires too rarely.
    pub first: WindowEnd,
    /// The last: one degree more and the small excess fires too often; `None` where it stays silent up to 2^24.
    pub last: Option<WindowEnd>,
    /// Whether every degree between was looked at, too. The ends of a longer window are found by bisection.
    pub every_degree: bool,
}

impl SignNetwork {
    /// The degrees with `P[F > 0] >= 1 - failure` for the excess `large` and `P[F > 0] <= failure` for the excess `small`; `None`
    /// where there are none, among them where the network fires on the small excess as soon as on the large one.
    pub fn window(
        &self,
        small: f64,
        large: f64,
        failure: f64,
    ) -> Result<Option<DegreeWindow>, SeparationError> {
        let fits = large > small;
        SeparationError::checked("the large excess", large, fits, "above the small one")?;
        let failure = High::lift(checked_failure(failure)?).unwrap_or(High::POISONED);
        let loud = |degree: u64| -> Result<bool, SeparationError> {
            let fires = self.any_fires(large, degree)?;
            Ok(fires.midpoint() - fires.radius() >= High::ONE - failure)
        };
        let silent = |degree: u64| -> Result<bool, SeparationError> {
            let fires = self.any_fires(small, degree)?;
            Ok(fires.midpoint() + fires.radius() <= failure)
        };
        let end = |degree: u64| -> Result<WindowEnd, SeparationError> {
            Ok(WindowEnd {
                degree,
                silent_fires: self.any_fires(small, degree)?,
                loud_fires: self.any_fires(large, degree)?,
            })
        };
        let near = |excess| self.firing_degree(excess).map(whole);
        let Some(first) = boundary(near(large)?, loud)? else {
            return Ok(None);
        };
        if !silent(first)? {
            return Ok(None);
        }
        let last = match boundary(near(small)?.max(first), |degree| Ok(!silent(degree)?))? {
            None => None,
            Some(noisy) => Some(noisy - 1),
        };
        let until = last.unwrap_or(first);
        let every_degree = last.is_some() && until - first <= CHECKED;
        if every_degree {
            for degree in first..=until {
                if !(silent(degree)? && loud(degree)?) {
                    return Ok(None);
                }
            }
        }
        Ok(Some(DegreeWindow {
            first: end(first)?,
            last: last.map(end).transpose()?,
            every_degree,
        }))
    }
}

/// The whole degree near which a network begins to fire.
fn whole(degree: FiringDegree) -> u64 {
    match degree {
        FiringDegree::Always => 0,
        FiringDegree::Never => LARGEST_DEGREE,
        FiringDegree::Above(degree) => (degree.to_f64() as u64).min(LARGEST_DEGREE),
    }
}

/// A degree at which the question is answered with yes, and with no one degree earlier (0 has none), looked for from `near`
/// in steps that double; `None` where it is no up to the largest degree.
fn boundary(
    near: u64,
    mut question: impl FnMut(u64) -> Result<bool, SeparationError>,
) -> Result<Option<u64>, SeparationError> {
    let mut step = 1;
    let (mut no, mut yes) = if question(near)? {
        let mut yes = near;
        loop {
            if yes == 0 {
                return Ok(Some(0));
            }
            let lower = near.saturating_sub(step);
            if !question(lower)? {
                break (lower, yes);
            }
            yes = lower;
            step *= 2;
        }
    } else {
        let mut no = near;
        loop {
            if no >= LARGEST_DEGREE {
                return Ok(None);
            }
            let higher = (near + step).min(LARGEST_DEGREE);
            if question(higher)? {
                break (no, higher);
            }
            no = higher;
            step *= 2;
        }
    };
    while yes - no > 1 {
        let middle = no + (yes - no) / 2;
        if question(middle)? {
            yes = middle;
        } else {
            no = middle;
        }
    }
    Ok(Some(yes))
}
