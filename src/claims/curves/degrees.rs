//! How likely a network of polynomial attention fires, over its degree.

use super::Points;
use crate::claims::CheckError;
use crate::oracle::separation::{NetworkSizes, SeparationError, SignNetwork};

/// Exact probabilities of a network.
pub struct Degrees {
    /// The sizes.
    pub sizes: NetworkSizes,
    /// The excess that is to stay silent, and `P[F > 0]` over the degree.
    pub small: (f64, Points),
    /// The same of the excess that is to fire.
    pub large: (f64, Points),
    /// The probability with which either may be missed.
    pub failure: f64,
    /// The first and the last degree that separate the two.
    pub window: Option<(u64, u64)>,
}

/// As in the example of `attreg degree-window`.
const SIZES: NetworkSizes = NetworkSizes {
    width: 2002,
    copies: 100,
    class_weight: 0.5,
    margin: 0.1,
    signs: 80,
};
const SMALL: f64 = 0.1;
const LARGE: f64 = 0.7;
const FAILURE: f64 = 0.01;
/// From degree 1 on: points of a decade of degrees, and decades.
const STEPS: i32 = 24;
const DECADES: i32 = 3;

/// Sums of binomial tails at 40 digits.
pub fn degrees() -> Result<Degrees, CheckError> {
    curves().map_err(|error| CheckError::Other(error.to_string()))
}

fn curves() -> Result<Degrees, SeparationError> {
    let network = SignNetwork::new(&SIZES)?;
    let window = network.window(SMALL, LARGE, FAILURE)?;
    let window =
        window.and_then(|window| Some((window.first.degree, window.last.as_ref()?.degree)));
    let mut at: Vec<u64> = (0..=STEPS * DECADES)
        .map(|k| 10f64.powf(f64::from(k) / f64::from(STEPS)).round() as u64)
        .chain(
            window
                .into_iter()
                .flat_map(|(first, last)| [first - 1, first, last, last + 1]),
        )
        .collect();
    at.sort_unstable();
    at.dedup();
    let curve = |excess: f64| -> Result<(f64, Points), SeparationError> {
        let mut points = Vec::with_capacity(at.len());
        for degree in &at {
            let fires = network.any_fires(excess, *degree)?;
            points.push((*degree as f64, fires.midpoint().to_f64()));
        }
        Ok((excess, points))
    };
    Ok(Degrees {
        sizes: SIZES,
        small: curve(SMALL)?,
        large: curve(LARGE)?,
        failure: FAILURE,
        window,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Inside of the window the large excess fires but for the failure and the small one does not; one degree beyond either end no more.
    #[test]
    fn the_window_is_where_both_are_recognised() {
        let found = degrees().unwrap();
        let (first, last) = found.window.unwrap();
        let at = |points: &Points, degree: u64| {
            let here = points.iter().find(|(x, _)| *x == degree as f64);
            here.unwrap().1
        };
        let separates = |degree: u64| {
            at(&found.small.1, degree) <= found.failure
                && at(&found.large.1, degree) >= 1.0 - found.failure
        };
        assert!(separates(first) && separates(last));
        assert!(!separates(first - 1) && !separates(last + 1));
    }
}
