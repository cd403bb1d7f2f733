//! For which degrees a network of polynomial attention separates two data sets.

use serde::Serialize;

use crate::oracle::separation::{
    FiringDegree, NetworkSizes, SeparationError, SignNetwork, WindowEnd,
};
use crate::scalar::{Ball, certified_to};

/// Digits of probabilities; the enclosures have some more.
const DIGITS: usize = 30;

/// What `attreg degree-window --json` prints.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DegreeWindowReport {
    /// `separates`, or `no-window-found`.
    pub status: &'static str,
    /// n.
    pub tokens: u64,
    /// Above which degrees the part of the small excess without random signs passes the threshold: `always`, `never` or a number.
    pub small_passes_above: String,
    /// The same for the large excess.
    pub large_passes_above: String,
    /// The first degree that separates; null where there is none.
    pub first: Option<DegreeEnd>,
    /// The last one; null where there is none.
    pub last: Option<DegreeEnd>,
    /// Whether every degree between was looked at.
    pub every_degree: bool,
    /// The least number of sign vectors with which the large excess fires often enough at the first degree.
    pub signs_enough: Option<u64>,
    /// A width that is enough for silence at the first degree, by Hoeffding's inequality.
    pub width_enough: Option<u64>,
}

/// One end of the window.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DegreeEnd {
    /// The degree.
    pub degree: u64,
    /// The probability that the network fires for the small excess, certified digits only.
    pub small_fires: String,
    /// The same for the large excess.
    pub large_fires: String,
}

impl DegreeEnd {
    fn of(end: WindowEnd) -> Self {
        Self {
            degree: end.degree,
            small_fires: shown(end.silent_fires),
            large_fires: shown(end.loud_fires),
        }
    }
}

fn shown(probability: Ball) -> String {
    certified_to(DIGITS, probability.midpoint(), probability.radius())
}

/// How much of something is enough for an excess, a degree and a probability of failure.
type Enough = fn(&SignNetwork, f64, u64, f64) -> Result<Option<u64>, SeparationError>;

impl DegreeWindowReport {
    /// For a network of these sizes that is to stay silent for the excess `small` and to fire for `large`, either but for a probability
    /// of `failure`. Refuses what [`SignNetwork`] refuses.
    pub fn new(
        sizes: &NetworkSizes,
        small: f64,
        large: f64,
        failure: f64,
    ) -> Result<Self, SeparationError> {
        let network = SignNetwork::new(sizes)?;
        let window = network.window(small, large, failure)?;
        let passes = |excess| -> Result<String, SeparationError> {
            Ok(match network.firing_degree(excess)? {
                FiringDegree::Always => "always".to_owned(),
                FiringDegree::Never => "never".to_owned(),
                FiringDegree::Above(degree) => format!("{:.6}", degree.to_f64()),
            })
        };
        let first = window.map(|window| window.first.degree);
        let at_first = |excess, enough: Enough| match first {
            Some(degree) => enough(&network, excess, degree, failure),
            None => Ok(None),
        };
        Ok(Self {
            status: match window {
                Some(_) => "separates",
                None => "no-window-found",
            },
            tokens: network.tokens(),
            small_passes_above: passes(small)?,
            large_passes_above: passes(large)?,
            signs_enough: at_first(large, SignNetwork::least_signs)?,
            width_enough: at_first(small, SignNetwork::silent_width)?,
            every_degree: window.is_some_and(|window| window.every_degree),
            first: window.map(|window| DegreeEnd::of(window.first)),
            last: window.and_then(|window| window.last).map(DegreeEnd::of),
        })
    }

    /// A row for each number that was not given.
    pub fn table(&self) -> Vec<(String, String)> {
        let mut rows: Vec<(String, String)> = Vec::new();
        let mut row = |name: &str, value: String| rows.push((name.to_owned(), value));
        let number =
            |value: Option<u64>| value.map_or("none".to_owned(), |value| value.to_string());
        row("status", self.status.to_owned());
        row("tokens", self.tokens.to_string());
        row(
            "large excess passes above degree",
            self.large_passes_above.clone(),
        );
        row(
            "small excess passes above degree",
            self.small_passes_above.clone(),
        );
        for (name, end) in [("first degree", &self.first), ("last degree", &self.last)] {
            row(name, number(end.as_ref().map(|end| end.degree)));
            if let Some(end) = end {
                row("  P[small excess fires]", end.small_fires.clone());
                row("  P[large excess fires]", end.large_fires.clone());
            }
        }
        if self.first.is_some() {
            let between = if self.every_degree {
                "looked at, every one"
            } else {
                "not looked at one by one"
            };
            row("degrees between", between.to_owned());
            row(
                "sign vectors enough at the first degree",
                number(self.signs_enough),
            );
            row(
                "width enough at the first degree",
                number(self.width_enough),
            );
        }
        rows
    }
}
