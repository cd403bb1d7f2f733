//! What a claim's premise leaves free, its random cases draw over decades: the size of the target, the number of rows, the
//! distance of two points, the weights of single rows. A search that keeps to one decade finds nothing outside of it.

use crate::claims::{self, Claim, Expected, Family, Subject, Targets, Weights};
use crate::instance::sample;

use super::SEED;

/// The claims without a target in their statement, by what else they are about: the target is free and tells nothing.
const WITHOUT_TARGET: &[(&str, &str)] = &[
    ("dls23/exponential-", "exp(Ax)"),
    ("dls23/normaliser-", "<exp(Ax), 1_n>"),
    ("dls23/inverse-normaliser-lipschitz", "<exp(Ax), 1_n>"),
    ("dls23/softmax-lipschitz-", "f(x)"),
    ("dls23/lipschitz-chain-last-step", "R"),
    ("dls23/hessian-lipschitz-beta-inserted", "R and n"),
    ("dls23/inequality-2-5-last-line", "sigma_min(A) and l"),
    ("dls23/induction-constant-corrected", "eps0"),
    ("dls23/iteration-count", "r_0 / eps"),
    ("dls23/failure-budget-corrected", "delta and T"),
    ("dls23/cost-per-iteration", "nnz(A)"),
    ("residual-softmax/normaliser-", "alpha(x)"),
    ("residual-softmax/f-", "f(x)"),
    ("sampling/", "A and the weights"),
];

/// The claims whose premise bounds the target in another way than by `||b||_1 <= 1`.
const BOUNDED_OTHERWISE: &[(&str, &str)] = &[
    ("dls23/spectrum-attained", "the statement fixes b"),
    ("dls23/exact-newton-quadratic", "||b||_1 <= 1"),
    ("lsz23/shrinking-hessian-norm", "||b||_2 <= R"),
    ("lsz23/contraction-", "||b||_2 <= R"),
    ("lsz23/iteration-count", "||b||_2 <= R"),
    ("lsz23/hessian-lipschitz", "||b||_2 <= R"),
    (
        "dls23/contraction-hessian-norm",
        "||b||_1 <= 1 of Theorem 2.3.1",
    ),
    ("dls23/algorithm-corrected", "||b||_1 <= 1 of Theorem 2.3.1"),
    (
        "dls23/theorem-main-corrected",
        "||b||_1 <= 1 of Theorem 2.3.1",
    ),
    ("dls23/iterations-at-scale", "||b||_1 <= 1 of Theorem 2.3.1"),
];

/// The claims with fewer than 20 rows in every case, and why.
const FEW_ROWS: &[(&str, &str)] = &[
    (
        "dls23/theorem-main-corrected",
        "sixteen runs of the algorithm at 40 digits",
    ),
    (
        "dls23/cost-per-iteration",
        "the check builds its own large matrices",
    ),
    (
        "dls23/iterations-at-scale",
        "the check builds its own large matrices",
    ),
    (
        "sampling/sketched-scores",
        "the check builds its own large matrices",
    ),
    (
        "sampling/independent-rows",
        "the check builds its own large matrices",
    ),
];

/// Whether an entry of a list, an id or the beginning of several, is about this claim.
fn listed(list: &[(&str, &str)], id: &str) -> bool {
    list.iter().any(|(start, _)| id.starts_with(start))
}

/// Whether the target is free in the claim's premise.
fn target_is_free(claim: &Claim) -> bool {
    !(claim.premise.contains("||b||_1 <= 1")
        || listed(WITHOUT_TARGET, claim.id)
        || listed(BOUNDED_OTHERWISE, claim.id))
}

/// What the drawn cases of a claim leave out, if anything.
fn gaps(claim: &Claim, family: &Family) -> Vec<String> {
    let cases: Vec<_> = (0..family.cases)
        .map(|index| {
            let mut rng = sample::stream(SEED, claim.id, index as u64);
            family.draw(index, &mut rng).unwrap().instance
        })
        .collect();
    let mut missing = Vec::new();
    let mut ask = |what: &str, met: bool| {
        if !met {
            missing.push(format!("{}: {what}", claim.id));
        }
    };
    if target_is_free(claim) {
        let sizes: Vec<f64> = cases.iter().map(|case| case.target().lp_norm(1)).collect();
        ask("no target of 10^6", sizes.iter().any(|size| *size >= 1e6));
        ask(
            "no target between 10 and 10^5",
            cases.len() < 14 || sizes.iter().any(|size| (10.0..1e5).contains(size)),
        );
        ask("no target below 0.1", sizes.iter().any(|size| *size < 0.1));
    }
    if !listed(FEW_ROWS, claim.id) {
        ask(
            "fewer than 20 rows",
            cases.iter().any(|case| case.rows() >= 20),
        );
    }
    if family.points >= 2 {
        let distances: Vec<f64> = cases
            .iter()
            .map(|case| {
                let (x, y) = (&case.points()[0], &case.points()[1]);
                (x - y).norm() / x.norm().max(y.norm())
            })
            .collect();
        for (what, low, high) in [
            ("no pair of equal points", 0.0, 0.0),
            ("no pair at 10^-12 to 10^-10", 1e-13, 1e-10),
            ("no pair at 10^-10 to 10^-4", 1e-10, 1e-4),
            ("no pair further apart than either is long", 1.0, 2.0),
        ] {
            ask(what, distances.iter().any(|d| (low..=high).contains(d)));
        }
    }
    let heavy = match family.weights {
        Weights::Zero | Weights::AboveSquaredCondition { .. } => false,
        Weights::AboveSquaredTarget { power, .. } | Weights::AboveTargetNorm { power, .. } => {
            power == 0
        }
        Weights::Moderate | Weights::Above { .. } => true,
    };
    if heavy && !listed(FEW_ROWS, claim.id) {
        ask(
            "no row 1000 times as heavy as another",
            cases.iter().any(|case| {
                let sizes = case.weights().abs();
                sizes.max() > 1000.0 * sizes.min()
            }),
        );
    }
    missing
}

/// The claims about losses of logits on record as true, with their families.
fn true_claims(catalogue: &[Claim]) -> impl Iterator<Item = (&Claim, Family)> {
    catalogue
        .iter()
        .filter(|claim| claim.expected == Expected::Holds)
        .filter_map(|claim| match claim.subject {
            Subject::Logit(trial) => Some((claim, trial.cases)),
            Subject::Other(_) => None,
        })
}

#[test]
fn what_the_premise_leaves_free_is_drawn_over_decades() {
    let catalogue = claims::all();
    let missing: Vec<String> = true_claims(&catalogue)
        .flat_map(|(claim, family)| gaps(claim, &family))
        .collect();
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn every_exception_is_about_a_claim_that_needs_it() {
    let catalogue = claims::all();
    for (list, needed) in [
        (
            WITHOUT_TARGET,
            &(|family: &Family| family.targets != Targets::Any) as &dyn Fn(&Family) -> bool,
        ),
        (BOUNDED_OTHERWISE, &|family| family.targets != Targets::Any),
        (FEW_ROWS, &|family| family.tall == (0, 0)),
    ] {
        for (start, reason) in list {
            let mut about =
                true_claims(&catalogue).filter(|(claim, _)| claim.id.starts_with(start));
            assert!(
                about.any(|(_, family)| needed(&family)),
                "{start} needs no exception ({reason})"
            );
        }
    }
}

#[test]
fn a_narrow_family_is_caught() {
    let catalogue = claims::all();
    let (claim, family) = true_claims(&catalogue)
        .find(|(claim, _)| claim.id == "dls23/hessian-difference-triangle")
        .unwrap();
    assert_eq!(gaps(claim, &family), [""; 0]);
    let said = |family: Family| gaps(claim, &family).join(", ");
    let bounded = said(Family {
        targets: Targets::UnitBall,
        ..family
    });
    assert!(bounded.contains("no target of 10^6"), "{bounded}");
    let short = said(Family {
        tall: (0, 0),
        ..family
    });
    assert_eq!(short, format!("{}: fewer than 20 rows", claim.id));
    // Too few cases to reach pairs that nearly agree.
    let few = said(Family { cases: 3, ..family });
    assert!(few.contains("no pair at 10^-12 to 10^-10"), "{few}");
}
