//! Claims that are proven: statements for which the program itself checks a certificate, for every instance at once, and
//! their consequences, whose constants are compared with the proven ones in exact arithmetic.

use std::cmp::Ordering;
use std::sync::LazyLock;

use num_rational::BigRational;

use crate::certificate::{
    self, CertificateRefusal, LipschitzProof, SPECTRUM_CERTIFICATE, SpectrumProof, Surd,
    TargetSlope,
};

/// A certificate behind a claim. What a consequence needs of the theorems is derived in docs/sharp-constants.md, "What follows".
#[derive(Clone, Copy, Debug)]
pub struct Proof {
    /// The certificate's file, for people.
    pub certificate: &'static str,
    /// Checks the certificate: what it proves in one line, or why it is refused.
    pub check: fn() -> Result<String, String>,
}

impl Proof {
    /// By Theorem 1.
    pub(in crate::claims) const fn by_spectrum(check: fn() -> Result<String, String>) -> Self {
        Self {
            certificate: "fixtures/certificates/spectrum.json",
            check,
        }
    }

    /// By Theorem 2.
    pub(in crate::claims) const fn by_lipschitz(check: fn() -> Result<String, String>) -> Self {
        Self {
            certificate: "fixtures/certificates/lipschitz.json",
            check,
        }
    }

    /// By the identities for the target's part.
    pub(in crate::claims) const fn by_identities(check: fn() -> Result<String, String>) -> Self {
        Self {
            certificate: "src/certificate/target.rs",
            check,
        }
    }
}

/// Theorem 1 itself.
pub(in crate::claims) fn spectrum_theorem() -> Result<String, String> {
    let proof = spectrum()?;
    Ok(format!(
        "-{} I <= B <= {} I for every n: {} pieces, {} boxes",
        proof.lower.digits(12),
        proof.upper.digits(12),
        proof.pieces,
        proof.boxes
    ))
}

/// Theorem 2 itself.
pub(in crate::claims) fn lipschitz_theorem() -> Result<String, String> {
    let proof = lipschitz()?;
    Ok(format!(
        "|D^3 l[u,u,u]| <= {} ||u||^3 for every n: {} pieces, {} boxes",
        proof.bound, proof.pieces, proof.boxes
    ))
}

/// The slope of the target's part in a norm of b, by its name.
pub(in crate::claims) fn slope_theorem(norm: &str) -> Result<String, String> {
    slope_is_proven().map(|()| format!("||D_b|| <= (sqrt(3)/9) {norm} for every n, by identities"))
}

/// Theorem 1, checked once in a run.
fn spectrum() -> Result<&'static SpectrumProof, String> {
    static PROOF: LazyLock<Result<SpectrumProof, CertificateRefusal>> =
        LazyLock::new(|| certificate::check_spectrum(SPECTRUM_CERTIFICATE));
    PROOF.as_ref().map_err(CertificateRefusal::to_string)
}

/// Theorem 2, checked once in a run.
fn lipschitz() -> Result<&'static LipschitzProof, String> {
    static PROOF: LazyLock<Result<LipschitzProof, CertificateRefusal>> =
        LazyLock::new(certificate::third_derivative_bound);
    PROOF.as_ref().map_err(CertificateRefusal::to_string)
}

/// Whether Theorem 2 gives the constant `numerator / denominator`.
pub(in crate::claims) fn lipschitz_implies(
    numerator: i64,
    denominator: i64,
) -> Result<String, String> {
    let bound = &lipschitz()?.bound;
    let stated = BigRational::new(numerator.into(), denominator.into());
    if *bound <= stated {
        Ok(format!("{bound} <= {stated}, exactly"))
    } else {
        Err(format!("{bound} is above {stated}"))
    }
}

/// Whether `M R^3 <= exp(k R^2)` for all `R >= 0`, M the constant of Theorem 2.
///
/// The series gives `exp(k R^2) >= k R^2 + k^2 R^4 / 2 = M R^3 + R^2 (k - M R + k^2 R^2 / 2)`, and the bracket is nowhere
/// negative if its discriminant `M^2 - 2 k^3` is not positive.
pub(in crate::claims) fn exponential_suffices(k: i64) -> Result<String, String> {
    let bound = &lipschitz()?.bound;
    let square = bound * bound;
    let limit = BigRational::from_integer((2 * k.pow(3)).into());
    if square <= limit {
        Ok(format!(
            "{bound} R^3 <= exp({k} R^2) for every R >= 0, as ({bound})^2 <= 2 {k}^3, exactly"
        ))
    } else {
        Err(format!("({bound})^2 is above 2 {k}^3 = {limit}"))
    }
}

/// The slope `sqrt 3 / 9` of the target's part: its square is 3/81.
fn slope_is_proven() -> Result<(), String> {
    let TargetSlope { square } = certificate::target_slope().map_err(|error| error.to_string())?;
    let stated = BigRational::new(3.into(), 81.into());
    if square <= stated {
        Ok(())
    } else {
        Err(format!(
            "the proven slope squared is {square}, above {stated}"
        ))
    }
}

/// The sharp ends of the spectrum and the slope of the target's part.
pub(in crate::claims) fn sharp_ends_and_slope() -> Result<String, String> {
    slope_is_proven()?;
    implied(&[
        at_least(stated(1, -39), LOWER, 1),
        at_least(stated(1, 39), UPPER, 1),
    ])
}

/// Which end of the spectrum.
#[derive(Clone, Copy)]
pub(in crate::claims) enum End {
    /// `lambda`.
    Lower,
    /// `Lambda`.
    Upper,
}

pub(in crate::claims) const LOWER: End = End::Lower;
pub(in crate::claims) const UPPER: End = End::Upper;

/// `constant >= factor lambda` or `constant >= factor Lambda`: what a consequence asks of its constant.
pub(in crate::claims) struct Demand {
    constant: Surd,
    end: End,
    factor: i64,
}

pub(in crate::claims) fn at_least(constant: Surd, end: End, factor: i64) -> Demand {
    Demand {
        constant,
        end,
        factor,
    }
}

/// The Hessian's norm: `c >= lambda` and `c >= Lambda`.
pub(in crate::claims) fn both_ends(constant: &Surd) -> [Demand; 2] {
    [LOWER, UPPER].map(|end| at_least(constant.clone(), end, 1))
}

/// The band of a tenth: `c >= (1/e + 1) lambda` and `c >= (1/e - 1) Lambda`, e = 1/10.
pub(in crate::claims) fn band(constant: &Surd) -> [Demand; 2] {
    [(LOWER, 11), (UPPER, 9)].map(|(end, factor)| at_least(constant.clone(), end, factor))
}

pub(in crate::claims) fn whole(value: i64) -> Surd {
    Surd::integer(value)
}

pub(in crate::claims) fn fraction(numerator: i64, denominator: i64) -> Surd {
    Surd::rational(BigRational::new(numerator.into(), denominator.into()))
}

/// `factor (55 sqrt 33 + plain) / 1152`, as a claim states it.
pub(in crate::claims) fn stated(factor: i64, plain: i64) -> Surd {
    let part = |numerator: i64| BigRational::new((factor * numerator).into(), 1152.into());
    Surd::new(part(plain), part(55))
}

/// Whether Theorem 1 gives every demand: signs in Q(sqrt 33), nothing is rounded.
pub(in crate::claims) fn implied(demands: &[Demand]) -> Result<String, String> {
    let proof = spectrum()?;
    let mut shown = Vec::new();
    for Demand {
        constant,
        end,
        factor,
    } in demands
    {
        let (name, proven) = match end {
            End::Lower => ("lambda", &proof.constants.lower),
            End::Upper => ("Lambda", &proof.constants.upper),
        };
        let needed = proven * &Surd::integer(*factor);
        let digits = constant.bracket().digits(9);
        if (constant - &needed).sign() == Ordering::Less {
            return Err(format!("{digits} is below {factor} {name}"));
        }
        shown.push(format!("{digits} >= {factor} {name}"));
    }
    Ok(format!("{}, exactly", shown.join(" and ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_that_the_theorem_implies_are_accepted() {
        for claim in crate::claims::all() {
            if let Some(Err(reason)) = claim.proof.map(|proof| (proof.check)()) {
                panic!("{}: {reason}", claim.id);
            }
        }
    }

    /// The constants as the claims state them: lambda = 0.24040880690.., Lambda = 0.30811714024.. (mpmath).
    #[test]
    fn a_consequence_is_asked_of_the_constant_that_its_claim_states() {
        let catalogue = crate::claims::all();
        for (claim, line) in [
            (
                "hessian-bounds-unit-target",
                "4.000000000 >= 1 lambda and 8.000000000 >= 1 Lambda",
            ),
            (
                "spectrum-rigorous",
                "1.000000000 >= 1 lambda and 1.250000000 >= 1 Lambda",
            ),
            ("positive-definite", "4.000000000 >= 1 lambda"),
            ("positive-definite-from-one", "1.000000000 >= 1 lambda"),
            (
                "positive-definite-sharp-threshold",
                "0.240408806 >= 1 lambda",
            ),
            ("inequality-2-5-unsquared", "4.000000000 >= 1 lambda"),
            (
                "weights-dominate",
                "100.000000000 >= 11 lambda and 100.000000000 >= 9 Lambda",
            ),
            (
                "weights-dominate-rigorous",
                "11.250000000 >= 11 lambda and 11.250000000 >= 9 Lambda",
            ),
            (
                "weights-dominate-sharp",
                "2.773054262 >= 11 lambda and 2.773054262 >= 9 Lambda",
            ),
            (
                "smoothness-rigorous",
                "1.250000000 >= 1 lambda and 1.250000000 >= 1 Lambda",
            ),
            (
                "smoothness-sharp",
                "0.308117140 >= 1 lambda and 0.308117140 >= 1 Lambda",
            ),
            (
                "spectrum-scaled-target",
                "0.240408806 >= 1 lambda and 0.308117140 >= 1 Lambda",
            ),
            (
                "spectrum-any-target",
                "0.240408806 >= 1 lambda and 0.308117140 >= 1 Lambda",
            ),
            ("hessian-lipschitz-any-target", "3/5 <= 3/5"),
            (
                "hessian-lipschitz",
                "3/5 R^3 <= exp(30 R^2) for every R >= 0, as (3/5)^2 <= 2 30^3",
            ),
            (
                "hessian-lipschitz-global",
                "3/5 R^3 <= exp(30 R^2) for every R >= 0, as (3/5)^2 <= 2 30^3",
            ),
        ] {
            let proof = crate::claims::find(&catalogue, &format!("dls23/{claim}"))
                .and_then(|claim| claim.proof)
                .unwrap();
            assert_eq!(
                (proof.check)().unwrap(),
                format!("{line}, exactly"),
                "{claim}"
            );
        }
    }

    #[test]
    fn a_proof_stands_behind_claims_that_hold_only() {
        let proven: Vec<_> = crate::claims::all()
            .into_iter()
            .filter(|claim| claim.proof.is_some())
            .collect();
        assert!(proven.len() > 20);
        for claim in &proven {
            assert_eq!(claim.recorded(), "proven", "{}", claim.id);
        }
    }

    #[test]
    fn constants_below_the_sharp_ones_are_refused() {
        let slightly = fraction(998, 1000);
        for demands in [
            both_ends(&(&stated(1, 39) * &slightly)),
            band(&(&stated(9, 39) * &slightly)),
            // 9 Lambda binds: 11 lambda alone is not enough.
            band(&stated(11, -39)),
            // lambda bounds one end only.
            both_ends(&stated(1, -39)),
        ] {
            assert!(implied(&demands).is_err());
        }
        assert!(implied(&[at_least(&stated(1, -39) * &slightly, LOWER, 1)]).is_err());
        assert!(lipschitz_implies(59, 100).is_err());
        // 3/5 R^3 is above exp(0) = 1 from R = 1.19 on.
        assert!(exponential_suffices(0).is_err());
    }
}
