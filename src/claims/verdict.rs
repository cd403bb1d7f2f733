//! What a check says of one case: the four sides of a verdict, and how a comparison at 40 digits becomes one.

use serde::{Deserialize, Serialize};

use crate::instance::InstanceError;
use crate::oracle::OracleError;
use crate::scalar::{Allowance, High, ScalarError};

/// What a check says of one case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Verdict {
    /// The statement is true here, with this slack: allowed / observed, at least 1, infinite where nothing was observed.
    Holds {
        /// How far the bound is from this case.
        #[serde(with = "bits")]
        slack: f64,
    },
    /// The statement is false here.
    Fails(Finding),
    /// The premise is not met, so the statement says nothing here.
    Outside(Outside),
    /// The margin is within the computed error bound, or the check could not be carried out; the reason says which.
    Undecided(String),
}

/// What was found where a statement is false.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The quantity that is off, with its index (`B[2, 1]`, `lambda_min(B)`).
    pub quantity: String,
    /// Its value, as computed.
    pub observed: String,
    /// What the statement allows.
    pub allowed: String,
    /// allowed / observed, below 1.
    #[serde(with = "bits")]
    pub slack: f64,
    /// How much was granted for rounding, and why: `3.00e-36 for ...`.
    pub granted: String,
}

/// Why a statement says nothing about a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Outside {
    /// The statement is about another system: another loss, or another activation.
    Loss,
    /// The premise asks for full column rank.
    Rank,
    /// The premise asks for `||b||_1 <= 1`.
    Target,
    /// The premise asks for larger weights.
    Weights,
    /// The premise bounds a norm that is larger here.
    Norm,
    /// The premise holds only in a region that 40 digits cannot resolve.
    Precision,
    /// Another part of the premise is not met.
    Premise,
}

impl Outside {
    /// The reason in one word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Loss => "loss",
            Self::Rank => "rank",
            Self::Target => "target",
            Self::Weights => "weights",
            Self::Norm => "norm",
            Self::Precision => "precision",
            Self::Premise => "premise",
        }
    }
}

/// Why a check could not be carried out on a case. The campaign reports it as undecided, with the text.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckError {
    /// The oracle gave no answer.
    #[error(transparent)]
    Oracle(#[from] OracleError),
    /// A number left the arithmetic.
    #[error(transparent)]
    Scalar(#[from] ScalarError),
    /// An instance derived from the case is not valid.
    #[error(transparent)]
    Instance(#[from] InstanceError),
    /// Something else, in words.
    #[error("{0}")]
    Other(String),
}

impl Verdict {
    /// Nothing is compared yet, or there is nothing to compare: holds with a slack without a bound.
    pub const VACUOUS: Self = Self::Holds {
        slack: f64::INFINITY,
    };

    /// The verdict on `observed <= allowed`, both known to within `granted` together.
    pub fn at_most(
        quantity: &str,
        observed: High,
        allowed: High,
        granted: Allowance<High>,
    ) -> Self {
        let error = granted.size();
        if observed.is_poisoned() || allowed.is_poisoned() || error.is_poisoned() {
            return Self::Undecided(format!("{quantity} is not a number"));
        }
        let slack = ratio(allowed, observed);
        if observed + error <= allowed {
            Self::Holds { slack }
        } else if observed - error > allowed {
            Self::Fails(Finding {
                quantity: quantity.to_owned(),
                observed: observed.scientific(12),
                allowed: allowed.scientific(12),
                slack,
                granted: granted.to_string(),
            })
        } else {
            Self::Undecided(format!(
                "{quantity}: {} against {} is within the error bound {granted}",
                observed.scientific(12),
                allowed.scientific(12),
            ))
        }
    }

    /// Undecided where a value in f64 is too near to its bound to say on which side it is; none elsewhere.
    pub fn in_doubt(
        quantity: &str,
        observed: f64,
        allowed: f64,
        granted: &Allowance<f64>,
    ) -> Option<Self> {
        let apart = (observed - allowed).abs() > granted.size();
        (!apart).then(|| {
            Self::Undecided(format!(
                "{quantity}: {observed:.9e} against {allowed:.9e} is within the error bound {granted}"
            ))
        })
    }

    /// The verdict on `low <= value`, both known to within `granted` together; slack is measured as
    /// `|low| / |value|` for a negative value (how much of the allowance is used) and infinite otherwise.
    pub fn at_least(quantity: &str, value: High, low: High, granted: Allowance<High>) -> Self {
        match Self::at_most(quantity, -value, -low, granted) {
            Self::Fails(finding) => Self::Fails(Finding {
                observed: value.scientific(12),
                allowed: low.scientific(12),
                ..finding
            }),
            other => other,
        }
    }

    /// The verdict on `left = right`, where both are right to within `granted`: an identity at working precision.
    /// Slack is granted / |left - right|.
    pub fn equal(quantity: &str, left: High, right: High, granted: Allowance<High>) -> Self {
        let difference = (left - right).abs();
        match Self::at_most(quantity, difference, granted.size(), Allowance::NOTHING) {
            Self::Fails(finding) => Self::Fails(Finding {
                observed: left.scientific(12),
                allowed: right.scientific(12),
                granted: granted.to_string(),
                ..finding
            }),
            other => other,
        }
    }

    /// The worse of two verdicts on the same case: Fails, then Undecided, then Outside, then the smaller slack.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self.rank(), other.rank()) {
            (a, b) if a > b => self,
            (a, b) if a < b => other,
            _ if other.slack() < self.slack() => other,
            _ => self,
        }
    }

    /// [`and`](Self::and) over parts of a case of which some may be outside of the premise: `said` alone where nothing was inside so far.
    #[must_use]
    pub fn joined(self, said: Self) -> Self {
        match self {
            Self::Outside(_) => said,
            other => other.and(said),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Holds { .. } => 0,
            Self::Outside(_) => 1,
            Self::Undecided(_) => 2,
            Self::Fails(_) => 3,
        }
    }

    /// allowed / observed where the statement was compared; infinite where it was not.
    pub fn slack(&self) -> f64 {
        match self {
            Self::Holds { slack } => *slack,
            Self::Fails(finding) => finding.slack,
            Self::Outside(_) | Self::Undecided(_) => f64::INFINITY,
        }
    }
}

/// allowed / observed as f64; infinite where nothing positive was observed.
fn ratio(allowed: High, observed: High) -> f64 {
    if observed <= High::ZERO {
        return f64::INFINITY;
    }
    (allowed / observed).to_f64()
}

/// An f64 as its bits: JSON has no infinity, and a slack may be infinite.
mod bits {
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(value.to_bits())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        u64::deserialize(deserializer).map(f64::from_bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worse_of_two_verdicts_is_the_same_in_either_order() {
        let fails = |slack| {
            Verdict::Fails(Finding {
                quantity: "q".to_owned(),
                observed: "2".to_owned(),
                allowed: "1".to_owned(),
                slack,
                granted: String::new(),
            })
        };
        let undecided = || Verdict::Undecided("within the error".to_owned());
        // From the worst to the best.
        let order = [
            fails(0.25),
            fails(0.5),
            undecided(),
            Verdict::Outside(Outside::Rank),
            Verdict::Holds { slack: 2.0 },
            Verdict::Holds { slack: 3.0 },
            Verdict::Holds {
                slack: f64::INFINITY,
            },
        ];
        for (i, worse) in order.iter().enumerate() {
            for better in &order[i..] {
                assert_eq!(worse.clone().and(better.clone()), *worse);
                assert_eq!(better.clone().and(worse.clone()), *worse);
            }
        }
        // Of two that are equally bad the first one stays.
        let (rank, norm) = (
            Verdict::Outside(Outside::Rank),
            Verdict::Outside(Outside::Norm),
        );
        assert_eq!(rank.clone().and(norm.clone()), rank);
        assert_eq!(norm.clone().and(rank), norm);
    }

    #[test]
    fn what_fails_or_is_undecided_says_what_was_granted_and_why() {
        let granted = || Allowance::new(High::ratio(1, 2), "a sum of roundings");
        let text = "5.00e-1 for a sum of roundings";
        let Verdict::Fails(finding) = Verdict::at_most("q", High::int(3), High::ONE, granted())
        else {
            panic!("3 is more than 1.5");
        };
        assert_eq!(finding.granted, text);
        let Verdict::Fails(finding) = Verdict::equal("q", High::int(3), High::ONE, granted())
        else {
            panic!("3 is not 1");
        };
        assert_eq!(finding.granted, text);
        let Verdict::Undecided(reason) = Verdict::at_most("q", High::ONE, High::ONE, granted())
        else {
            panic!("1 is within the error of 1");
        };
        assert!(reason.ends_with(text), "{reason}");
    }

    #[test]
    fn a_value_in_f64_is_in_doubt_within_what_is_granted_and_where_it_is_no_number() {
        let granted = Allowance::new(0.25, "roundings of f64");
        let said = |value: f64| Verdict::in_doubt("q", value, 1.0, &granted);
        assert_eq!((said(0.5), said(1.5)), (None, None));
        for value in [0.75, 1.0, 1.25, f64::NAN] {
            let Some(Verdict::Undecided(reason)) = said(value) else {
                panic!("{value} is decided");
            };
            assert!(reason.ends_with("2.5e-1 for roundings of f64"), "{reason}");
        }
    }

    #[test]
    fn a_value_below_its_bound_is_told_with_both_signs() {
        let verdict = Verdict::at_least("q", High::int(-2), High::int(-1), Allowance::NOTHING);
        let Verdict::Fails(finding) = verdict else {
            panic!("-2 is not at least -1");
        };
        let told = |text: &str| text.parse::<f64>().unwrap();
        assert_eq!(
            (told(&finding.observed), told(&finding.allowed)),
            (-2.0, -1.0)
        );
        assert_eq!(finding.slack, 0.5);
        // |2 - 3| with 1/4 allowed.
        let verdict = Verdict::equal(
            "q",
            High::int(2),
            High::int(3),
            Allowance::new(High::ratio(1, 4), "a quarter"),
        );
        let Verdict::Fails(finding) = verdict else {
            panic!("2 is not 3");
        };
        assert_eq!(
            (told(&finding.observed), told(&finding.allowed)),
            (2.0, 3.0)
        );
        assert_eq!(finding.slack, 0.25);
    }
}
