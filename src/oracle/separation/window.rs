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
    /// The first that was found.
    pub first: WindowEnd,
    /// The last of those that follow it: one degree more and the small excess fires too often; `None` where it stays silent up
    /// to 2^24.
    pub last: Option<WindowEnd>,
    /// Whether every degree between was looked at, too. The ends of a longer window are found by bisection.
    pub every_degree: bool,
}

impl SignNetwork {
    /// The degrees with `P[F > 0] >= 1 - failure` for the excess `large` and `P[F > 0] <= failure` for the excess `small`.
    ///
    /// Where the large excess begins to fire and the small one ends to be silent is found by bisection, as if either probability
    /// grew with the degree; from there on 4096 degrees are looked at one by one. `None` where none of them will do.
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
        let Some(loud_from) = boundary(near(large)?, loud)? else {
            return Ok(None);
        };
        // The random part may pass the threshold on the small excess, too; it becomes smaller as the share grows.
        let until = near(small)?.max(loud_from).min(loud_from + CHECKED);
        let mut first = None;
        for degree in loud_from..=until {
            if silent(degree)? && loud(degree)? {
                first = Some(degree);
                break;
            }
        }
        let Some(first) = first else {
            return Ok(None);
        };
        // At the first it is silent; below, where it may be noisy as well, nothing is looked for.
        let noisy = boundary(near(small)?.max(first), |degree| {
            Ok(degree > first && !silent(degree)?)
        })?;
        let mut last = noisy.map(|noisy| noisy - 1);
        let mut every_degree = false;
        if let Some(until) = last
            && until - first <= CHECKED
        {
            every_degree = true;
            for degree in first..=until {
                if !(silent(degree)? && loud(degree)?) {
                    last = Some(degree - 1);
                    break;
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
