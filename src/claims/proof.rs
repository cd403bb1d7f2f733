//! Claims that are proven: statements for which the program itself checks a certificate, for every instance at once, and
//! their consequences, whose constants are compared with the proven ones in exact arithmetic.

use std::cmp::Ordering;
use std::sync::LazyLock;

use num_rational::BigRational;

use crate::certificate::{
    self, LipschitzProof, Refusal, SPECTRUM_CERTIFICATE, SpectrumProof, Surd, TargetSlope,
};

/// A certificate behind a claim.
pub struct Proof {
    /// The claim's id.
    pub claim: &'static str,
    /// The certificate's file, for people.
    pub certificate: &'static str,
    /// Checks the certificate: what it proves in one line, or why it is refused.
    pub check: fn() -> Result<String, String>,
}

const SPECTRUM_FILE: &str = "fixtures/certificates/spectrum.json";
const LIPSCHITZ_FILE: &str = "fixtures/certificates/lipschitz.json";
const TARGET_FILE: &str = "src/certificate/target.rs";

/// Every proof. What a consequence needs of the theorems is derived in docs/sharp-constants.md, "What follows".
const PROOFS: [Proof; 21] = [
    Proof {
        claim: "dls23/spectrum-sharp",
        certificate: SPECTRUM_FILE,
        check: || {
            let proof = spectrum()?;
            Ok(format!(
                "-{} I <= B <= {} I for every n: {} pieces, {} boxes",
                proof.lower.digits(12),
                proof.upper.digits(12),
                proof.pieces,
                proof.boxes
            ))
        },
    },
    Proof {
        claim: "dls23/hessian-bounds-unit-target",
        certificate: SPECTRUM_FILE,
        check: || implied(&[at_least(whole(4), LOWER, 1), at_least(whole(8), UPPER, 1)]),
    },
    Proof {
        claim: "dls23/spectrum-rigorous",
        certificate: SPECTRUM_FILE,
        check: || {
            implied(&[
                at_least(whole(1), LOWER, 1),
                at_least(fraction(5, 4), UPPER, 1),
            ])
        },
    },
    Proof {
        claim: "dls23/positive-definite",
        certificate: SPECTRUM_FILE,
        check: || implied(&[at_least(whole(4), LOWER, 1)]),
    },
    Proof {
        claim: "dls23/positive-definite-from-one",
        certificate: SPECTRUM_FILE,
        check: || implied(&[at_least(whole(1), LOWER, 1)]),
    },
    Proof {
        claim: "dls23/positive-definite-sharp-threshold",
        certificate: SPECTRUM_FILE,
        check: || implied(&[at_least(stated(1, -39), LOWER, 1)]),
    },
    Proof {
        claim: "dls23/inequality-2-5-unsquared",
        certificate: SPECTRUM_FILE,
        check: || implied(&[at_least(whole(4), LOWER, 1)]),
    },
    Proof {
        claim: "dls23/weights-dominate",
        certificate: SPECTRUM_FILE,
        check: || implied(&band(&whole(100))),
    },
    Proof {
        claim: "dls23/weights-dominate-rigorous",
        certificate: SPECTRUM_FILE,
        check: || implied(&band(&fraction(45, 4))),
    },
    Proof {
        claim: "dls23/weights-dominate-sharp",
        certificate: SPECTRUM_FILE,
        check: || implied(&band(&stated(9, 39))),
    },
    Proof {
        claim: "dls23/smoothness-rigorous",
        certificate: SPECTRUM_FILE,
        check: || implied(&both_ends(&fraction(5, 4))),
    },
    Proof {
        claim: "dls23/smoothness-sharp",
        certificate: SPECTRUM_FILE,
        check: || implied(&both_ends(&stated(1, 39))),
    },
    Proof {
        claim: "dls23/target-part",
        certificate: TARGET_FILE,
        check: || {
            slope_is_proven()
                .map(|()| "||D_b|| <= (sqrt(3)/9) ||b||_1 for every n, by identities".to_owned())
        },
    },
    Proof {
        claim: "dls23/target-part-range",
        certificate: TARGET_FILE,
        check: || {
            slope_is_proven().map(|()| {
                "||D_b|| <= (sqrt(3)/9) (max b - min b) for every n, by identities".to_owned()
            })
        },
    },
    Proof {
        claim: "dls23/spectrum-any-target",
        certificate: SPECTRUM_FILE,
        check: sharp_ends_and_slope,
    },
    Proof {
        claim: "dls23/spectrum-scaled-target",
        certificate: SPECTRUM_FILE,
        check: sharp_ends_and_slope,
    },
    Proof {
        claim: "dls23/hessian-lipschitz-explicit",
        certificate: LIPSCHITZ_FILE,
        check: || {
            let proof = lipschitz()?;
            Ok(format!(
                "|D^3 l[u,u,u]| <= {} ||u||^3 for every n: {} pieces, {} boxes",
                proof.bound, proof.pieces, proof.boxes
            ))
        },
    },
    Proof {
        claim: "dls23/hessian-lipschitz-any-target",
        certificate: LIPSCHITZ_FILE,
        check: || lipschitz_implies(3, 5),
    },
    // ||A|| <= R and 1 <= n^1.5.
    Proof {
        claim: "dls23/hessian-lipschitz",
        certificate: LIPSCHITZ_FILE,
        check: || exponential_suffices(30),
    },
    Proof {
        claim: "dls23/hessian-lipschitz-global",
        certificate: LIPSCHITZ_FILE,
        check: || exponential_suffices(30),
    },
    // B + W^2 > l / sigma_min^2 I everywhere: L is strongly convex, so x* exists and is the only one.
    Proof {
        claim: "dls23/theorem-loss-is-good",
        certificate: LIPSCHITZ_FILE,
        check: || {
            let convex = implied(&[at_least(whole(100), LOWER, 1)])?;
            Ok(format!("{convex}; {}", exponential_suffices(30)?))
        },
    },
];

/// The proof of a claim, if there is one.
pub fn proof_of(claim: &str) -> Option<&'static Proof> {
    PROOFS.iter().find(|proof| proof.claim == claim)
}

/// Theorem 1, checked once in a run.
fn spectrum() -> Result<&'static SpectrumProof, String> {
    static PROOF: LazyLock<Result<SpectrumProof, Refusal>> =
        LazyLock::new(|| certificate::check_spectrum(SPECTRUM_CERTIFICATE));
    PROOF.as_ref().map_err(Refusal::to_string)
}

/// Theorem 2, checked once in a run.
fn lipschitz() -> Result<&'static LipschitzProof, String> {
    static PROOF: LazyLock<Result<LipschitzProof, Refusal>> =
        LazyLock::new(certificate::third_derivative_bound);
    PROOF.as_ref().map_err(Refusal::to_string)
}

/// Whether Theorem 2 gives the constant `numerator / denominator`.
fn lipschitz_implies(numerator: i64, denominator: i64) -> Result<String, String> {
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
fn exponential_suffices(k: i64) -> Result<String, String> {
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
fn sharp_ends_and_slope() -> Result<String, String> {
    slope_is_proven()?;
    implied(&[
        at_least(stated(1, -39), LOWER, 1),
        at_least(stated(1, 39), UPPER, 1),
    ])
}

/// Which end of the spectrum.
#[derive(Clone, Copy)]
enum End {
    /// `lambda`.
    Lower,
    /// `Lambda`.
    Upper,
}

const LOWER: End = End::Lower;
const UPPER: End = End::Upper;

/// `constant >= factor lambda` or `constant >= factor Lambda`: what a consequence asks of its constant.
struct Demand {
    constant: Surd,
    end: End,
    factor: i64,
}

fn at_least(constant: Surd, end: End, factor: i64) -> Demand {
    Demand {
        constant,
        end,
        factor,
    }
}

/// The Hessian's norm: `c >= lambda` and `c >= Lambda`.
fn both_ends(constant: &Surd) -> [Demand; 2] {
    [LOWER, UPPER].map(|end| at_least(constant.clone(), end, 1))
}

/// The band of a tenth: `c >= (1/e + 1) lambda` and `c >= (1/e - 1) Lambda`, e = 1/10.
fn band(constant: &Surd) -> [Demand; 2] {
    [(LOWER, 11), (UPPER, 9)].map(|(end, factor)| at_least(constant.clone(), end, factor))
}

fn whole(value: i64) -> Surd {
    Surd::integer(value)
}

fn fraction(numerator: i64, denominator: i64) -> Surd {
    Surd::rational(BigRational::new(numerator.into(), denominator.into()))
}

/// `factor (55 sqrt 33 + plain) / 1152`, as a claim states it.
fn stated(factor: i64, plain: i64) -> Surd {
    let part = |numerator: i64| BigRational::new((factor * numerator).into(), 1152.into());
    Surd::new(part(plain), part(55))
}

/// Whether Theorem 1 gives every demand: signs in Q(sqrt 33), nothing is rounded.
fn implied(demands: &[Demand]) -> Result<String, String> {
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
        for proof in &PROOFS {
            if let Err(reason) = (proof.check)() {
                panic!("{}: {reason}", proof.claim);
            }
        }
    }

    /// The constants as the claims state them: lambda = 0.24040880690.., Lambda = 0.30811714024.. (mpmath).
    #[test]
    fn a_consequence_is_asked_of_the_constant_that_its_claim_states() {
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
            let proof = proof_of(&format!("dls23/{claim}")).unwrap();
            assert_eq!(
                (proof.check)().unwrap(),
                format!("{line}, exactly"),
                "{claim}"
            );
        }
    }

    #[test]
    fn every_proof_belongs_to_a_claim_that_holds() {
        let catalogue = crate::claims::all();
        for proof in &PROOFS {
            let claim = crate::claims::find(&catalogue, proof.claim).unwrap();
            assert_eq!(claim.recorded(), "proven", "{}", proof.claim);
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

    #[test]
    fn a_claim_has_its_own_proof_or_none() {
        for proof in &PROOFS {
            assert_eq!(proof_of(proof.claim).unwrap().claim, proof.claim);
        }
        assert!(proof_of("dls23/gradient-corrected").is_none());
    }
}
