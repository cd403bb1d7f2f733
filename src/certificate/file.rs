//! The certificate's text: cases, pieces and multipliers, as JSON with exact fractions.

use super::bernstein::Range;
use super::definition::{Bound, SpectrumCase};
use super::refusal::{CertificateRefusal, PieceName};
use num_rational::BigRational;
use num_traits::Zero;
use serde::Deserialize;
use std::str::FromStr;

/// The name and version of the format.
const FORMAT: &str = "softmax-spectrum-certificate/1";

/// One piece of [0, 1] and the multipliers that work on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The case that the piece belongs to.
    pub case: SpectrumCase,
    /// Its range of t.
    pub range: Range,
    /// Whether the term X is kept.
    pub extra: bool,
    /// The first multiplier.
    pub beta1: BigRational,
    /// The second multiplier.
    pub beta2: BigRational,
}

impl Piece {
    /// How messages call the piece.
    pub fn name(&self) -> Box<PieceName> {
        Box::new(PieceName {
            case: self.case,
            from: self.range.from.clone(),
            to: self.range.to.clone(),
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    format: String,
    #[serde(rename = "statement")]
    _statement: String,
    #[serde(rename = "reading")]
    _reading: String,
    cases: Vec<CaseText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseText {
    bound: Bound,
    target: i8,
    pieces: Vec<PieceText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PieceText {
    from: String,
    to: String,
    extra: bool,
    beta1: String,
    beta2: String,
}

/// The pieces of a certificate, all four cases present once and in order.
///
/// # Errors
/// [`CertificateRefusal::Format`] if the text is not of this form.
pub fn read(text: &str) -> Result<Vec<Piece>, CertificateRefusal> {
    let certificate: Text = serde_json::from_str(text)
        .map_err(|error| CertificateRefusal::Format(error.to_string()))?;
    if certificate.format != FORMAT {
        return Err(CertificateRefusal::Format(format!(
            "the format is {:?}, this checker reads {FORMAT:?}",
            certificate.format
        )));
    }
    let mut pieces = Vec::new();
    let mut cases = Vec::new();
    for case_text in certificate.cases {
        let positive = match case_text.target {
            1 => true,
            -1 => false,
            other => {
                return Err(CertificateRefusal::Format(format!(
                    "target is {other}, not 1 or -1"
                )));
            }
        };
        let case = SpectrumCase {
            bound: case_text.bound,
            positive,
        };
        cases.push(case);
        for piece in case_text.pieces {
            pieces.push(Piece {
                case,
                range: Range {
                    from: fraction(&piece.from)?,
                    to: fraction(&piece.to)?,
                },
                extra: piece.extra,
                beta1: fraction(&piece.beta1)?,
                beta2: fraction(&piece.beta2)?,
            });
        }
    }
    if cases != SpectrumCase::ALL {
        return Err(CertificateRefusal::Format(
            "the four cases must stand once each, lower before upper, target 1 before -1".into(),
        ));
    }
    Ok(pieces)
}

/// A fraction like `-3/4` or `2`.
///
/// # Errors
/// [`CertificateRefusal::Format`] for anything else.
pub fn fraction(text: &str) -> Result<BigRational, CertificateRefusal> {
    // A zero denominator must not reach the parser's arithmetic.
    let denominator_is_zero = text.split_once('/').is_some_and(|(_, denominator)| {
        num_bigint::BigInt::from_str(denominator).is_ok_and(|d| d.is_zero())
    });
    if denominator_is_zero {
        return Err(CertificateRefusal::Format(format!(
            "{text:?} divides by zero"
        )));
    }
    BigRational::from_str(text)
        .map_err(|error| CertificateRefusal::Format(format!("{text:?}: {error}")))
}
