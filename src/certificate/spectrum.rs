//! The checker of the spectrum theorem: `-lambda I <= B <= Lambda I` for every n and every `|b|_1 <= 1`.

use super::bernstein::{Cell, Dense, Finding, Range};
use super::definition::{Bound, Constants, Setting, SpectrumCase};
use super::file::{self, Piece};
use super::form::{ItemForm, splits_the_hessian};
use super::polynomial::{Polynomial, Variable};
use super::refusal::CertificateRefusal;
use super::surd::{Bracket, Surd};
use num_rational::BigRational;
use num_traits::{One, Zero};
use std::cmp::Ordering;

/// The certificate that comes with the crate.
pub const SPECTRUM_CERTIFICATE: &str = include_str!("../../fixtures/certificates/spectrum.json");

/// Boxes allowed for one piece. The hardest piece of the certificate takes 11; a piece that needs hundreds is one on
/// which the determinant all but vanishes, that is, a wrong constant or a wrong multiplier.
const BOX_LIMIT: usize = 500;

/// What was proven, and with how much work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpectrumProof {
    /// Both constants, exactly.
    pub constants: Constants,
    /// `lambda`: `B >= -lambda I`, attained.
    pub lower: Bracket,
    /// `Lambda`: `B <= Lambda I`, attained.
    pub upper: Bracket,
    /// Pieces of the certificate, over all four cases.
    pub pieces: usize,
    /// Boxes examined.
    pub boxes: usize,
    /// Boxes among them that needed the corner test `a H1 + (1-q) H2`.
    pub corner_boxes: usize,
}

/// Checks a certificate of the theorem
///
/// ```text
/// -lambda |u|^2 <= u' B u <= Lambda |u|^2,     lambda = (55 sqrt 33 - 39)/1152,  Lambda = (55 sqrt 33 + 39)/1152
/// ```
///
/// for the Hessian B of `0.5 |softmax(z) - b|^2` in the logits, any n, any z and any b with `|b|_1 <= 1`. Everything is
/// exact; nothing but the multipliers and the pieces is taken from the text. The proof is in docs/sharp-constants.md.
///
/// # Errors
/// The first step that does not hold, see [`CertificateRefusal`].
pub fn check_spectrum(certificate: &str) -> Result<SpectrumProof, CertificateRefusal> {
    check(certificate, &Constants::sharp())
}

/// The check with any constants: a theorem with other constants is refused.
fn check(certificate: &str, constants: &Constants) -> Result<SpectrumProof, CertificateRefusal> {
    let pieces = file::read(certificate)?;
    let setting = Setting::new();
    let (mut boxes, mut corner_boxes) = (0, 0);
    for case in SpectrumCase::ALL {
        let own: Vec<&Piece> = pieces.iter().filter(|piece| piece.case == case).collect();
        tiles_the_unit_interval(case, &own)?;
        if !splits_the_hessian(&setting, case, constants) {
            return Err(CertificateRefusal::Splitting(case));
        }
        two_coordinates(&setting, case, constants)?;
        for with_extra in [false, true] {
            let form = ItemForm::new(&setting, case, constants, with_extra);
            let gap = setting.two_coordinate_gap(case, constants);
            let determinant = Determinant::new(&form, &gap);
            for piece in own.iter().filter(|piece| piece.extra == with_extra) {
                if piece.extra && case.bound == Bound::Lower {
                    return Err(CertificateRefusal::Extra(piece.name()));
                }
                let determinant = determinant
                    .as_ref()
                    .and_then(|determinant| determinant.at(piece))
                    .ok_or_else(|| CertificateRefusal::Determinant(piece.name()))?;
                sample_is_positive_definite(&form, &gap, piece)?;
                let count = determinant.is_positive(piece)?;
                boxes += count.boxes;
                corner_boxes += count.corner_boxes;
            }
        }
    }
    Ok(SpectrumProof {
        constants: constants.clone(),
        lower: constants.lower.bracket(),
        upper: constants.upper.bracket(),
        pieces: pieces.len(),
        boxes,
        corner_boxes,
    })
}

/// Whether the pieces of a case follow each other from 0 to 1 without gap or overlap.
fn tiles_the_unit_interval(
    case: SpectrumCase,
    pieces: &[&Piece],
) -> Result<(), CertificateRefusal> {
    let mut reached = BigRational::zero();
    for piece in pieces {
        if piece.range.from != reached || piece.range.to <= piece.range.from {
            return Err(CertificateRefusal::Tiling { case, at: reached });
        }
        reached = piece.range.to.clone();
    }
    if reached.is_one() {
        Ok(())
    } else {
        Err(CertificateRefusal::Tiling { case, at: reached })
    }
}

/// Step 4: `a(t) = (t - t*)^2 r(t)` with `r > 0` on [0, 1], so `a >= 0` and the constant is attained at t*.
///
/// `t* = (9 - sqrt 33)/24` for the lower and `(9 + sqrt 33)/24` for the upper bound, mirrored for `b = -e_k`.
fn two_coordinates(
    setting: &Setting,
    case: SpectrumCase,
    constants: &Constants,
) -> Result<(), CertificateRefusal> {
    let refused = || CertificateRefusal::TwoCoordinates(case);
    let place = attained_at(case);
    let gap = setting.two_coordinate_gap(case, constants);
    let (once, remainder) = gap.divide_by_linear(Variable::T, &place);
    let (twice, second_remainder) = once.divide_by_linear(Variable::T, &place);
    if !(remainder.is_zero() && second_remainder.is_zero()) {
        return Err(refused());
    }
    let quotient = Dense::new(&twice).ok_or_else(refused)?;
    let mut open = vec![Cell {
        t: Range::unit(),
        q: Range::unit(),
    }];
    for _ in 0..BOX_LIMIT {
        let Some(cell) = open.pop() else {
            return Ok(());
        };
        match quotient.on(&cell) {
            Finding::Positive => {}
            Finding::NegativeAt(..) => return Err(refused()),
            Finding::NotNegative | Finding::Unknown => open.extend(cell.halves()),
        }
    }
    Err(refused())
}

/// The mass `t*` at which two coordinates attain the constant of a case.
pub fn attained_at(case: SpectrumCase) -> Surd {
    let part = |numerator: i64| BigRational::new(numerator.into(), 24.into());
    let root = match case.bound {
        Bound::Lower => part(-1),
        Bound::Upper => part(1),
    };
    if case.positive {
        Surd::new(part(9), root)
    } else {
        // f_-(t) = f_+(1 - t)
        Surd::new(part(15), -root)
    }
}

/// H with its corner decomposition; symbolic in the multipliers, or of one piece.
struct Determinant {
    /// H with a(t) in its place.
    whole: Polynomial,
    /// `(H1, H2)` with `H = a H1 + (1 - q) H2`, where H allows it.
    corner: Option<(Polynomial, Polynomial)>,
}

impl Determinant {
    /// H of an item form, for all multipliers at once. `None` if `det Phi` is not divisible by `q^2`.
    fn new(form: &ItemForm, gap: &Polynomial) -> Option<Self> {
        Some(Self::of(&form.determinant()?, gap))
    }

    /// H given as a polynomial in t, q, a and the multipliers.
    fn of(symbolic: &Polynomial, gap: &Polynomial) -> Self {
        let a = Polynomial::variable(Variable::A);
        let base = symbolic.coefficient(Variable::A, 0);
        let (rest, remainder) = (symbolic - &base).divide_by_linear(Variable::A, &Surd::integer(0));
        // (q - 1) quotient = -(1 - q) quotient
        let (quotient, second_remainder) = base.divide_by_linear(Variable::Q, &Surd::integer(1));
        let second = Polynomial::integer(-1) * quotient;
        let rebuilt =
            &a * &rest + (Polynomial::integer(1) - Polynomial::variable(Variable::Q)) * &second;
        let exact = remainder.is_zero() && second_remainder.is_zero() && rebuilt == *symbolic;
        Self {
            whole: symbolic.substitute(Variable::A, gap),
            corner: exact.then(|| (rest.substitute(Variable::A, gap), second)),
        }
    }

    /// H with the multipliers of a piece.
    fn at(&self, piece: &Piece) -> Option<PieceDeterminant> {
        let dense = |polynomial: &Polynomial| {
            Dense::new(
                &polynomial
                    .evaluate(Variable::Beta1, &Surd::rational(piece.beta1.clone()))
                    .evaluate(Variable::Beta2, &Surd::rational(piece.beta2.clone())),
            )
        };
        let corner = match &self.corner {
            Some((first, second)) => Some((dense(first)?, dense(second)?)),
            None => None,
        };
        Some(PieceDeterminant {
            whole: dense(&self.whole)?,
            corner,
        })
    }
}

/// H of one piece, ready for the Bernstein test.
struct PieceDeterminant {
    whole: Dense,
    corner: Option<(Dense, Dense)>,
}

/// The work that one piece took.
#[derive(Debug, PartialEq, Eq)]
struct Count {
    boxes: usize,
    corner_boxes: usize,
}

impl PieceDeterminant {
    /// Claim (C): `H > 0` for t in the piece and `0 < q < 1`.
    fn is_positive(&self, piece: &Piece) -> Result<Count, CertificateRefusal> {
        let mut count = Count {
            boxes: 0,
            corner_boxes: 0,
        };
        let mut open = vec![Cell {
            t: piece.range.clone(),
            q: Range::unit(),
        }];
        while let Some(cell) = open.pop() {
            count.boxes += 1;
            if count.boxes > BOX_LIMIT {
                return Err(CertificateRefusal::Undecided {
                    piece: piece.name(),
                    boxes: BOX_LIMIT,
                });
            }
            match self.whole.on(&cell) {
                Finding::Positive => {}
                // H is continuous: negative at a corner of the box means negative at points inside.
                Finding::NegativeAt(at) => {
                    return Err(CertificateRefusal::Negative {
                        piece: piece.name(),
                        at,
                    });
                }
                Finding::NotNegative | Finding::Unknown => {
                    if self.is_positive_at_the_corner(&cell) {
                        count.corner_boxes += 1;
                    } else {
                        open.extend(cell.halves());
                    }
                }
            }
        }
        Ok(count)
    }

    /// On a box that reaches q = 1, where H may vanish with a: `H = a H1 + (1 - q) H2 > 0` for q < 1 if `H1 >= 0`,
    /// `H2 > 0`, because `a >= 0` has been shown exactly.
    fn is_positive_at_the_corner(&self, cell: &Cell) -> bool {
        cell.q.to.is_one()
            && self.corner.as_ref().is_some_and(|(first, second)| {
                matches!(first.on(cell), Finding::Positive | Finding::NotNegative)
                    && second.on(cell) == Finding::Positive
            })
    }
}

/// Phi is positive definite in the middle of the piece at q = 1/2: its three leading minors are positive, exactly.
fn sample_is_positive_definite(
    form: &ItemForm,
    gap: &Polynomial,
    piece: &Piece,
) -> Result<(), CertificateRefusal> {
    let middle = Surd::rational(piece.range.middle());
    let half = Surd::rational(BigRational::new(1.into(), 2.into()));
    let two = Surd::integer(2);
    let value = |polynomial: &Polynomial| {
        polynomial
            .substitute(Variable::A, gap)
            .evaluate(Variable::T, &middle)
            .evaluate(Variable::Q, &half)
            .evaluate(Variable::Beta1, &Surd::rational(piece.beta1.clone()))
            .evaluate(Variable::Beta2, &Surd::rational(piece.beta2.clone()))
            .constant_term()
    };
    let mut g = form.gram.each_ref().map(|row| row.each_ref().map(value));
    if let Some(extra) = &form.extra {
        // X = extra / (1 - q), and 1 / (1 - q) = 2 at the sample.
        g[0][0] = &g[0][0] + &(&value(extra) * &two);
    }
    let minor = |rows: [usize; 2], columns: [usize; 2]| {
        &(&g[rows[0]][columns[0]] * &g[rows[1]][columns[1]])
            - &(&g[rows[0]][columns[1]] * &g[rows[1]][columns[0]])
    };
    let leading = minor([0, 1], [0, 1]);
    let determinant = &(&(&g[0][0] * &minor([1, 2], [1, 2]))
        - &(&g[0][1] * &minor([1, 2], [0, 2])))
        + &(&g[0][2] * &minor([1, 2], [0, 1]));
    if [&g[0][0], &leading, &determinant]
        .iter()
        .all(|minor| minor.sign() == Ordering::Greater)
    {
        Ok(())
    } else {
        Err(CertificateRefusal::Sample(piece.name()))
    }
}

#[cfg(test)]
mod controls;
