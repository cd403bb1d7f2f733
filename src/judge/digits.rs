//! Correct digits: the log relative error of a whole quantity, `-log10(max error / max value)`, as NIST's StRD scores
//! solvers, but normwise: an entry that is small because it cancels is not asked for more than the others can give.

use serde::Serialize;

use crate::judge::truth::Truth;
use crate::scalar::{High, certified_to};

/// How right one quantity of an answer is.
#[derive(Clone, Debug, Serialize)]
pub struct Score {
    /// Correct digits; as many as the oracle certifies where no error can be told from zero.
    pub digits: f64,
    /// Whether the answer cannot be told from the truth at all.
    pub exact: bool,
    /// Digits that were asked for.
    pub required: f64,
    /// Why so many.
    pub reason: String,
    /// Whether they are there.
    pub passed: bool,
    /// The entry with the largest error.
    pub worst: Worst,
}

/// The entry with the largest error.
#[derive(Clone, Debug, Serialize)]
pub struct Worst {
    /// Its index; none for a number.
    pub entry: Vec<usize>,
    /// What the answer says.
    pub answer: String,
    /// What the oracle says, certified digits only.
    pub oracle: String,
}

impl Worst {
    /// `[1, 2]`, or nothing for a number.
    pub fn place(&self) -> String {
        if self.entry.is_empty() {
            return String::new();
        }
        let indices: Vec<String> = self.entry.iter().map(ToString::to_string).collect();
        format!("[{}]", indices.join(", "))
    }
}

/// No error is worse than this many wrong digits: nobody reads on.
const FEWEST: f64 = -99.0;
/// Digits shown of the answer and of the truth.
const SHOWN: usize = 17;

/// Correct digits of numbers with the largest error `error`, relative to `scale`.
pub(super) fn digits(error: High, scale: High) -> f64 {
    if error.is_zero() {
        return f64::INFINITY;
    }
    (log10(scale) - log10(error)).max(FEWEST)
}

/// `log10 |x|` in f64; `-inf` for zero.
pub(super) fn log10(x: High) -> f64 {
    match x.exponent10() {
        None => f64::NEG_INFINITY,
        Some(exponent) => x.abs().shifted(-exponent).to_f64().log10() + exponent as f64,
    }
}

/// The largest `|a_k - b_k|` and its place.
pub(super) fn largest_difference(a: &[High], b: &[High]) -> (High, usize) {
    let mut worst = (High::ZERO, 0);
    for (k, (a, b)) in a.iter().zip(b).enumerate() {
        let error = (*a - *b).abs();
        if error > worst.0 {
            worst = (error, k);
        }
    }
    worst
}

/// The largest magnitude.
pub(super) fn largest(values: &[High]) -> High {
    values.iter().fold(High::ZERO, |m, v| m.max(v.abs()))
}

/// Scores an answer; `asked` are the digits that the user asked for, if any.
pub(super) fn score(truth: &Truth, answer: &[High], asked: Option<f64>) -> Score {
    let (error, at) = largest_difference(answer, &truth.values);
    let exact = error <= truth.radius || digits(error, truth.scale) >= MOST;
    let certified = digits(truth.radius, truth.scale).min(MOST);
    let digits = if exact {
        certified
    } else {
        digits(error, truth.scale).min(certified)
    };
    let (required, reason) = match asked {
        Some(asked) => (asked, "asked for with --digits".to_owned()),
        None => (truth.required, truth.reason.clone()),
    };
    Score {
        digits: rounded(digits),
        exact,
        required,
        reason,
        passed: exact || digits >= required,
        worst: Worst {
            entry: truth.place(at),
            answer: answer[at].scientific(SHOWN),
            oracle: certified_to(SHOWN, truth.values[at], truth.radii[at]),
        },
    }
}

/// The oracle's numbers have no more.
const MOST: f64 = 40.0;

/// To a hundredth of a digit, downwards.
fn rounded(digits: f64) -> f64 {
    (digits * 100.0).floor() / 100.0
}
