//! Why a certificate is not a proof.

use super::definition::SpectrumCase;
use num_rational::BigRational;
use std::fmt;

/// One piece of one case, for messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PieceName {
    /// The case.
    pub case: SpectrumCase,
    /// Where the piece begins.
    pub from: BigRational,
    /// Where it ends.
    pub to: BigRational,
}

impl fmt::Display for PieceName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}, t in [{}, {}]", self.case, self.from, self.to)
    }
}

/// A point of the plane of t and q.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// The mass `t = p_k`.
    pub t: BigRational,
    /// The share `q = p_i / (1 - t)`.
    pub q: BigRational,
}

impl fmt::Display for Point {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "t = {}, q = {}", self.t, self.q)
    }
}

/// Why a certificate was refused: the piece and the reason.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateRefusal {
    /// The text is not a certificate.
    #[error("not a certificate: {0}")]
    Format(String),
    /// The item forms do not add up to the Hessian's form: the checker's own algebra is wrong.
    #[error("{0}: the item forms do not add up to the quadratic form of the Hessian")]
    Splitting(SpectrumCase),
    /// With these constants the theorem is false already for two coordinates, or they are not attained.
    #[error(
        "{0}: a(t) is not a square times a positive polynomial, so the constant is not the sharp one"
    )]
    TwoCoordinates(SpectrumCase),
    /// The pieces of a case do not tile [0, 1].
    #[error("{case}: the pieces do not tile [0, 1]; the tiling breaks at t = {at}")]
    Tiling {
        /// The case.
        case: SpectrumCase,
        /// The first point that is not covered, or is covered twice.
        at: BigRational,
    },
    /// A piece of the lower bound claims the extra term, which only the upper bound has.
    #[error("{0}: the lower bound has no extra term")]
    Extra(Box<PieceName>),
    /// The determinant of a piece is not the polynomial that the proof expects.
    #[error("{0}: det Phi is not q^2 times a polynomial in t and q")]
    Determinant(Box<PieceName>),
    /// Phi is not positive definite at the piece's sample point.
    #[error(
        "{0}: Phi is not positive definite at the sample point (the middle of the piece, q = 1/2)"
    )]
    Sample(Box<PieceName>),
    /// The determinant is negative at, hence also near, a point of the piece.
    #[error("{piece}: det Phi is negative at {at}")]
    Negative {
        /// The piece.
        piece: Box<PieceName>,
        /// Where.
        at: Box<Point>,
    },
    /// The bisection did not end within its allowance.
    #[error("{piece}: no decision after {boxes} boxes")]
    Undecided {
        /// The piece.
        piece: Box<PieceName>,
        /// How many boxes were tried.
        boxes: usize,
    },
    /// The target's part of the Hessian is not what the proof expects: the checker's own algebra is wrong.
    #[error("the identities for the target's part of the Hessian do not hold")]
    TargetPart,
    /// The cubic items do not add up to the third derivative: the checker's own algebra is wrong.
    #[error("target {target}: the item forms do not add up to the third derivative")]
    CubicSplitting {
        /// The sign of the target.
        target: i8,
    },
    /// The pieces of a target do not tile [0, 1].
    #[error("target {target}: the pieces do not tile [0, 1]; the tiling breaks at t = {at}")]
    LipschitzTiling {
        /// The sign of the target.
        target: i8,
        /// The first point that is not covered, or is covered twice.
        at: BigRational,
    },
    /// A cubic item was not shown to be positive.
    #[error("target {target}, t in [{from}, {to}]: a cubic item is not positive near {place}")]
    Cubic {
        /// The sign of the target.
        target: i8,
        /// Where the piece begins.
        from: f64,
        /// Where it ends.
        to: f64,
        /// Where the bisection gave up.
        place: String,
    },
}
