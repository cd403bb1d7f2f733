//! An answer's quantity scored: its correct digits against those that f64, or the user, asks for. Besides, no entry may be
//! further off than f64 excuses for *that* entry: an entry that is small because it cancels is not asked for more than its
//! terms can give, an entry that is small beside another is.

use serde::Serialize;

use crate::judge::digits::{digits, largest_difference, log10};
use crate::judge::truth::Truth;
use crate::scalar::{Allowance, High, certified_to};

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
    /// The entry with the largest error; if an entry lacks digits of its own, the worst of these.
    pub worst: Worst,
    /// What that entry lacks, where the whole has its digits and an entry has not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<OwnDigits>,
}

/// The digits of one entry, relative to itself.
#[derive(Clone, Debug, Serialize)]
pub struct OwnDigits {
    /// `-log10 |error / value|`.
    pub digits: f64,
    /// As many as it should have.
    pub required: f64,
    /// Why so many.
    pub reason: String,
}

/// The entry with the largest error.
#[derive(Clone, Debug, Serialize)]
pub struct Worst {
    /// Its index; none for a number.
    pub entry: Vec<usize>,
    /// Its name, where the unknowns have names: `X[2, 1]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What the answer says.
    pub answer: String,
    /// What the oracle says, certified digits only.
    pub oracle: String,
}

impl Worst {
    /// `[1, 2]`, or nothing for a number; the name where there is one.
    pub fn place(&self) -> String {
        if let Some(name) = &self.name {
            return name.clone();
        }
        if self.entry.is_empty() {
            return String::new();
        }
        let indices: Vec<String> = self.entry.iter().map(ToString::to_string).collect();
        format!("[{}]", indices.join(", "))
    }
}

/// Why so many digits, where the user says how many.
const ASKED: &str = "asked for with --digits";

/// Digits shown of the answer and of the truth.
const SHOWN: usize = 17;

/// Scores an answer; `asked` are the digits that the user asked for, if any.
pub(super) fn score(truth: &Truth, answer: &[High], asked: Option<f64>) -> Score {
    let (error, at) = largest_difference(answer, &truth.values);
    let blamed = worst_of_its_own(truth, answer, asked);
    let exact = blamed.is_none() && (error <= truth.radius || digits(error, truth.scale) >= MOST);
    let certified = digits(truth.radius, truth.scale).min(MOST);
    let digits = if exact {
        certified
    } else {
        digits(error, truth.scale).min(certified)
    };
    let (required, reason) = match asked {
        Some(asked) => (asked, ASKED.to_owned()),
        None => (truth.required, truth.reason.clone()),
    };
    // Where the whole lacks digits already, the largest error says more.
    let blamed = blamed.filter(|_| digits >= required);
    let at = blamed.as_ref().map_or(at, |(k, _)| *k);
    Score {
        digits: rounded(digits),
        exact,
        required,
        reason,
        passed: exact || (digits >= required && blamed.is_none()),
        worst: Worst {
            entry: truth.place(at),
            name: None,
            answer: answer[at].scientific(SHOWN),
            oracle: certified_to(SHOWN, truth.values[at], truth.radii[at]),
        },
        entry: blamed.map(|(_, own)| own),
    }
}

/// The entry that is most beyond what f64, or `asked` digits, excuses for it; none if no entry is.
///
/// An entry may be off by its own rounding in f64 times ten to the power of [`ENTRY`], or by `10^-asked` of itself or of
/// the terms that cancel in it, whichever is larger.
fn worst_of_its_own(
    truth: &Truth,
    answer: &[High],
    asked: Option<f64>,
) -> Option<(usize, OwnDigits)> {
    let unit = truth.precision.unit();
    let mut worst: Option<(usize, OwnDigits, f64)> = None;
    for (k, (value, given)) in truth.values.iter().zip(answer).enumerate() {
        let (error, own) = ((*value - *given).abs(), truth.allowed[k]);
        if !own.is_positive() || error <= truth.radii[k] {
            continue;
        }
        let scale = value.abs();
        let beyond = match asked {
            Some(asked) => asked - digits(error, scale.max(own / unit)),
            None => log10(error) - log10(own) - ENTRY.size(),
        };
        if beyond > 0.0 && worst.as_ref().is_none_or(|(_, _, most)| beyond > *most) {
            // Of a zero, counted relative to the terms that cancel.
            let relative_to = if scale <= truth.radii[k] {
                own / unit
            } else {
                scale
            };
            let found = digits(error, relative_to).min(MOST);
            let own = OwnDigits {
                digits: rounded(found),
                required: rounded(found + beyond),
                reason: match asked {
                    Some(_) => ASKED.to_owned(),
                    None => format!(
                        "as many as the rounding of its terms leaves, less {} for {}",
                        ENTRY.size(),
                        ENTRY.reason()
                    ),
                },
            };
            worst = Some((k, own, beyond));
        }
    }
    worst.map(|(k, own, _)| (k, own))
}

/// Decades by which the rounding of an entry may exceed the oracle's analysis.
const ENTRY: Allowance<f64> = Allowance::new(
    2.0,
    "another order of the sums, another closed form or the end of an iteration",
);

/// The oracle's numbers have no more.
const MOST: f64 = 40.0;

/// To a hundredth of a digit, downwards.
fn rounded(digits: f64) -> f64 {
    (digits * 100.0).floor() / 100.0
}
