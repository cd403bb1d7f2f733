//! Two points `x`, `y` of one instance, and everything the Lipschitz bounds are made of, for any real scalar: the same
//! statement decides a case at 40 digits and is the objective of the adversarial search in f64.

use nalgebra::{DMatrix, DVector, RealField};

use crate::claims::tools::exact::unit;
use crate::claims::tools::forms::{self, HessianForm};
use crate::claims::{Case, CheckError, Outside, Verdict};
use crate::instance::Instance;
use crate::oracle::{self, Reference, spectrum};
use crate::scalar::{Allowance, High};

/// A scalar that a statement about two points can be computed in.
pub trait Number: RealField + Copy {
    /// `p / q`.
    fn ratio(p: i64, q: i64) -> Self;
    /// A vector of f64 at its binary value.
    fn lift_vector(vector: &DVector<f64>) -> DVector<Self>;
    /// A matrix of f64 at its binary value.
    fn lift_matrix(matrix: &DMatrix<f64>) -> DMatrix<Self>;
    /// Largest singular value.
    fn spectral_norm(matrix: &DMatrix<Self>) -> Result<Self, CheckError>;
    /// `B(x) - B(y)` (n x n), from differentiating the definition.
    fn logit_hessian_change(pair: &Pair<Self>) -> Result<DMatrix<Self>, CheckError>;
    /// `H(x) - H(y)` (d x d), ridge included, from differentiating the definition.
    fn hessian_change(pair: &Pair<Self>) -> Result<DMatrix<Self>, CheckError>;
    /// A number above this positive one by more than the rounding of a norm.
    fn rounded_up(self) -> Self;

    /// The integer `k`.
    fn int(k: i64) -> Self {
        Self::ratio(k, 1)
    }
}

impl Number for High {
    fn ratio(p: i64, q: i64) -> Self {
        High::ratio(p, q)
    }

    fn lift_vector(vector: &DVector<f64>) -> DVector<Self> {
        oracle::lift_vector(vector)
    }

    fn lift_matrix(matrix: &DMatrix<f64>) -> DMatrix<Self> {
        oracle::lift_matrix(matrix)
    }

    fn spectral_norm(matrix: &DMatrix<Self>) -> Result<Self, CheckError> {
        Ok(spectrum::spectral_norm(matrix)?)
    }

    fn logit_hessian_change(pair: &Pair<Self>) -> Result<DMatrix<Self>, CheckError> {
        let reference = Reference::new(&pair.instance.in_logits())?;
        let at = |side: &Side<Self>| reference.evaluate(&side.z);
        Ok(at(&pair.at_x)?.hessian - at(&pair.at_y)?.hessian)
    }

    fn hessian_change(pair: &Pair<Self>) -> Result<DMatrix<Self>, CheckError> {
        let reference = Reference::new(&pair.instance)?;
        let at = |side: &Side<Self>| reference.evaluate(&side.point);
        Ok(at(&pair.at_x)?.hessian - at(&pair.at_y)?.hessian)
    }

    fn rounded_up(self) -> Self {
        // A norm is right to about 64 k roundings of 1e-39, k <= 32; this much more also decides cases of equality.
        self + self.shifted(-30)
    }
}

impl Number for f64 {
    fn ratio(p: i64, q: i64) -> Self {
        p as f64 / q as f64
    }

    fn lift_vector(vector: &DVector<f64>) -> DVector<Self> {
        vector.clone()
    }

    fn lift_matrix(matrix: &DMatrix<f64>) -> DMatrix<Self> {
        matrix.clone()
    }

    fn spectral_norm(matrix: &DMatrix<Self>) -> Result<Self, CheckError> {
        if matrix.iter().any(|entry| !entry.is_finite()) {
            return Err(CheckError::Other("a matrix entry is not finite".to_owned()));
        }
        Ok(matrix.singular_values().max())
    }

    fn logit_hessian_change(pair: &Pair<Self>) -> Result<DMatrix<Self>, CheckError> {
        let at = |side: &Side<Self>| forms::hessian(HessianForm::Corrected, &side.p, &pair.b);
        Ok(at(&pair.at_x) - at(&pair.at_y))
    }

    fn hessian_change(pair: &Pair<Self>) -> Result<DMatrix<Self>, CheckError> {
        let change = Self::logit_hessian_change(pair)?;
        Ok(pair.a.tr_mul(&(change * &pair.a)))
    }

    fn rounded_up(self) -> Self {
        self
    }
}

/// One of the two points with what the definition makes of it.
#[derive(Clone, Debug)]
pub struct Side<T: RealField> {
    /// The point (d).
    pub point: DVector<T>,
    /// `z = A x` (n).
    pub z: DVector<T>,
    /// `u = exp(A x)` (n).
    pub u: DVector<T>,
    /// `alpha = <u, 1>`.
    pub alpha: T,
    /// `f = u / alpha` (n), called `p` in formulas.
    pub p: DVector<T>,
}

impl<T: Number> Side<T> {
    fn new(a: &DMatrix<T>, point: DVector<T>) -> Self {
        let z = a * &point;
        let u = z.map(|entry| entry.exp());
        let alpha = u.iter().fold(T::zero(), |sum, entry| sum + *entry);
        let p = if u.len() == 1 {
            DVector::from_element(1, T::one())
        } else {
            &u / alpha
        };
        Self {
            point,
            z,
            u,
            alpha,
            p,
        }
    }
}

/// An instance at two points.
#[derive(Clone, Debug)]
pub struct Pair<T: RealField> {
    /// The instance, in f64 as it was given.
    pub instance: Instance,
    /// `A` (n x d).
    pub a: DMatrix<T>,
    /// `b` (n).
    pub b: DVector<T>,
    /// `||A||`.
    pub norm: T,
    /// At `x`.
    pub at_x: Side<T>,
    /// At `y`.
    pub at_y: Side<T>,
    /// `||x - y||_2`.
    pub distance: T,
}

impl<T: Number> Pair<T> {
    /// The case at its `x` and its `y`.
    pub fn of(case: &Case) -> Result<Self, CheckError> {
        let a = T::lift_matrix(&case.instance.matrix().to_dense());
        let at_x = Side::new(&a, T::lift_vector(&case.x()));
        let at_y = Side::new(&a, T::lift_vector(&case.y()));
        Ok(Self {
            instance: case.instance.clone(),
            b: T::lift_vector(case.instance.target()),
            norm: T::spectral_norm(&a)?.rounded_up(),
            distance: (&at_x.point - &at_y.point).norm(),
            a,
            at_x,
            at_y,
        })
    }

    /// `n`, as a number.
    pub fn rows(&self) -> T {
        T::int(self.a.nrows() as i64)
    }

    /// The smallest R with `||A|| <= R` and `||x||_2 <= R`: the hardest that the premise allows.
    pub fn radius_at_x(&self) -> T {
        self.norm.max(self.at_x.point.norm().rounded_up())
    }

    /// The smallest R with `||A||, ||x||_2, ||y||_2 <= R`.
    pub fn radius(&self) -> T {
        self.radius_at_x().max(self.at_y.point.norm().rounded_up())
    }

    /// `min(alpha(x), alpha(y))`: the largest beta, hence the hardest, that bounds the normaliser at both points from below.
    pub fn beta(&self) -> T {
        self.at_x.alpha.min(self.at_y.alpha)
    }

    /// `|| f(x) - f(y) ||_2`.
    pub fn softmax_change(&self) -> T {
        (&self.at_x.p - &self.at_y.p).norm()
    }

    /// `||b||_1`.
    pub fn target_sum(&self) -> T {
        self.b
            .iter()
            .fold(T::zero(), |sum, entry| sum + entry.abs())
    }

    /// `beta^-2 n^1.5 exp(k R^2)`, the factor that runs through the papers' chain of bounds.
    pub fn printed_factor(&self, beta: T, k: i64, radius: T) -> T {
        let n = self.rows();
        n * n.sqrt() * (T::int(k) * radius * radius).exp() / (beta * beta)
    }

    /// Whether `f(x) = f(y)` exactly, without computing: one row, or one point.
    pub fn same_softmax(&self) -> bool {
        self.a.nrows() == 1 || self.at_x.point == self.at_y.point
    }
}

/// Both sides of `observed <= allowed`, and the magnitudes that are subtracted from each other in them.
#[derive(Clone, Copy, Debug)]
pub struct Bound<T> {
    /// What the left side is.
    pub quantity: &'static str,
    /// The left side.
    pub observed: T,
    /// The right side.
    pub allowed: T,
    /// Sum of the magnitudes of the terms that both sides are made of: rounding errors are in proportion to it. Zero
    /// where both sides are exact.
    pub terms: T,
}

/// An inequality between the two points of a pair. A trait object, so that [`decide`] and [`search`] are compiled once and
/// not once a claim; the call is nothing next to what it computes.
pub type Statement<'a, T> = &'a dyn Fn(&Pair<T>) -> Result<Bound<T>, CheckError>;

/// Whether a statement asks for `||b||_1 <= 1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Any target.
    Any,
    /// `||b||_1 <= 1`; other cases are outside.
    UnitBall,
}

/// Decides an inequality between two points of a case at 40 digits.
pub fn decide(
    case: &Case,
    target: Target,
    statement: Statement<'_, High>,
) -> Result<Verdict, CheckError> {
    let pair = Pair::<High>::of(case)?;
    if target == Target::UnitBall && pair.target_sum() > High::ONE {
        return Ok(Verdict::Outside(Outside::Target));
    }
    if !pair.radius_at_x().is_positive() {
        // The papers' R is positive.
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let bound = statement(&pair)?;
    let equal = pair.at_x.point == pair.at_y.point;
    if equal && bound.observed.is_zero() && bound.allowed.is_zero() {
        // The same numbers subtracted from each other, on both sides: zero whatever their rounding is.
        return Ok(Verdict::VACUOUS);
    }
    // A right side with exp(k R^2), k <= 30, carries up to k R^2 roundings of its exponent.
    let powers = High::ONE + High::int(32) * pair.radius().square();
    let error = if bound.terms.is_zero() {
        Allowance::NOTHING
    } else {
        rounding(&pair) * (bound.terms + bound.allowed.abs() * powers)
    };
    Ok(Verdict::at_most(
        bound.quantity,
        bound.observed,
        bound.allowed,
        error,
    ))
}

/// The relative error of a quantity made of exponentials of the logits: as `Exact::error`, at the worse of both points.
pub fn rounding(pair: &Pair<High>) -> Allowance<High> {
    let size = 64 * (pair.a.nrows() + pair.a.ncols()) as i64;
    let reach = pair
        .at_x
        .z
        .iter()
        .chain(pair.at_y.z.iter())
        .fold(High::ONE, |top, entry| top.max(entry.abs()));
    Allowance::new(
        High::int(size) * (High::ONE + reach) * unit(),
        "64 (n + d) (1 + max |z_i|) roundings of the terms, and those of an exp(k R^2)",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comparison_allows_for_the_rounding_of_its_terms_and_of_the_exponent() {
        let case = Case::of_text(
            r#"{"loss": "softmax", "matrix": [[2], [0]], "target": [0, 0], "weights": 0,
                "points": [[1], [0]]}"#,
            0,
        );
        // 64 (n + d) (1 + 2) = 576 units, R = 2, 1 + 32 R^2 = 129: 576 (1 + 129) = 74880 units.
        let said = |units: i64, terms: High| {
            let observed = High::ONE + High::int(units) * unit();
            let verdict = decide(&case, Target::Any, &|_| {
                Ok(Bound {
                    quantity: "q",
                    observed,
                    allowed: High::ONE,
                    terms,
                })
            });
            match verdict.unwrap() {
                Verdict::Holds { .. } => "holds",
                Verdict::Fails(_) => "fails",
                Verdict::Undecided(_) => "undecided",
                Verdict::Outside(_) => "outside",
            }
        };
        assert_eq!(said(-76_000, High::ONE), "holds");
        assert_eq!(said(-74_000, High::ONE), "undecided");
        assert_eq!(said(74_000, High::ONE), "undecided");
        assert_eq!(said(76_000, High::ONE), "fails");
        // The terms are added to 129 times what is allowed: 576 (100 + 129) = 131904 units.
        assert_eq!(said(-132_200, High::int(100)), "holds");
        assert_eq!(said(-131_600, High::int(100)), "undecided");
        // No terms, no rounding.
        assert_eq!(said(0, High::ZERO), "holds");
        assert_eq!(said(1, High::ZERO), "fails");
    }
}
