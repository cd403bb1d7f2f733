//! What leaves an attention as it is.

use crate::claims::tools::attention::{equal_outputs, outputs};
use crate::claims::tools::builder::{claim, strata, witness};
use crate::claims::{Case, CheckError, Claim, OtherCases, Outside, Stratum, Verdict};
use crate::instance::sample;
use crate::scalar::High;
use crate::system::Given;

use super::cases::AttentionCases;
use super::model::{Parts, exactly};
use super::program::STRATA;

/// Both instances have the same outputs.
fn same(case: &Case<Given>, other: Parts) -> Result<Verdict, CheckError> {
    let (left, right) = (outputs(&case.instance)?, outputs(&other.posed()?)?);
    Ok(equal_outputs(&left, &right))
}

/// `entry + shift` for every row, exactly, or nothing.
fn shifted(entries: &[f64], shift: &[f64]) -> Option<Vec<f64>> {
    let sum = |(at, entry): (usize, &f64)| {
        exactly(High::lift(*entry).ok()? + High::lift(shift[at % shift.len()]).ok()?)
    };
    entries.iter().enumerate().map(sum).collect()
}

/// A vector added to every key, or, as the fault, to every query.
fn shift(case: &Case<Given>, queries: bool) -> Result<Verdict, CheckError> {
    let mut parts = Parts::of(case);
    let d = parts.shape[2];
    let vector: Vec<f64> = sample::dyadic_vector(&mut case.stream("shift"), d, 4)
        .iter()
        .copied()
        .collect();
    let moved = if queries { &mut parts.q } else { &mut parts.k };
    match shifted(moved, &vector) {
        Some(sums) => *moved = sums,
        // A shifted entry is no f64.
        None => return Ok(Verdict::Outside(Outside::Precision)),
    }
    same(case, parts)
}

/// Keys with their values in reverse order; as the fault the keys alone.
fn reversed(case: &Case<Given>, values: bool) -> Result<Verdict, CheckError> {
    let mut parts = Parts::of(case);
    if parts.causal {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let [_, _, d, m] = parts.shape;
    let turn = |entries: &[f64], width: usize| -> Vec<f64> {
        entries
            .chunks_exact(width)
            .rev()
            .flatten()
            .copied()
            .collect()
    };
    parts.k = turn(&parts.k, d);
    if values {
        parts.v = turn(&parts.v, m);
    }
    same(case, parts)
}

/// `(Q M, K M^-T)` for `M = 1 + N`, N an integer number above the diagonal in one place; as the fault `K M`.
fn gauge(case: &Case<Given>, inverse: bool) -> Result<Verdict, CheckError> {
    let mut parts = Parts::of(case);
    let d = parts.shape[2];
    if d == 1 {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let mut rng = case.stream("gauge");
    let from = sample::integer(&mut rng, 0, d as i64 - 2) as usize;
    let to = sample::integer(&mut rng, from as i64 + 1, d as i64 - 1) as usize;
    let factor = High::int(sample::integer(&mut rng, 1, 3));
    // Columns: q_to += factor q_from; the inverse transposed takes factor k_to off k_from.
    let mix = |entries: &mut [f64], into: usize, of: usize, factor: High| -> Option<()> {
        for row in entries.chunks_exact_mut(d) {
            row[into] = exactly(High::lift(row[into]).ok()? + factor * High::lift(row[of]).ok()?)?;
        }
        Some(())
    };
    let done = mix(&mut parts.q, to, from, factor).and_then(|()| {
        if inverse {
            mix(&mut parts.k, from, to, -factor)
        } else {
            mix(&mut parts.k, to, from, factor)
        }
    });
    if done.is_none() {
        return Ok(Verdict::Outside(Outside::Precision));
    }
    same(case, parts)
}

/// Which other scale.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scaling {
    /// `sqrt(d)` for d.
    Other,
    /// The same with `Q / sqrt(d)`.
    Compensated,
}

/// The scale d against the scale `sqrt(d)`, where the latter is a whole number.
fn scaling(case: &Case<Given>, scaling: Scaling) -> Result<Verdict, CheckError> {
    let mut parts = Parts::of(case);
    let d = parts.shape[2];
    let root = (d as f64).sqrt();
    if root.fract() != 0.0 || parts.scale != d as f64 {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    parts.scale = root;
    if scaling == Scaling::Compensated {
        for entry in &mut parts.q {
            let Some(quotient) = exactly(High::lift(*entry)? / High::lift(root)?) else {
                return Ok(Verdict::Outside(Outside::Precision));
            };
            *entry = quotient;
        }
    }
    same(case, parts)
}

const ANY: OtherCases = &AttentionCases::GENERAL;
const PRINTED: OtherCases = &AttentionCases {
    keys: 2,
    printed_scale: true,
    ..AttentionCases::GENERAL
};
const PRINTED_STRATA: &[Stratum] =
    strata!(Decade("logit range"): 0 1 2; Decade("values"): -1 4; Kind: "d=1" "causal");

/// The claims about what leaves an attention as it is.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("exact-attention/key-shift")
            .derived("the softmax of a row does not change with a constant")
            .states("K -> K + 1 v' leaves D^-1 A V as it is, for every v")
            .formula(r"\operatorname{Att}(Q, K + \mathbf{1} v^\top, V) = \operatorname{Att}(Q, K, V) = D^{-1} A V \quad \forall v")
            .note("The same for Q moves it.")
            .about(ANY, STRATA)
            .check(|case| shift(case, false))
            .fault("Q -> Q + 1 v'", |case| shift(case, true)),
        claim("exact-attention/permutation")
            .derived("a sum does not depend on the order of its terms")
            .states("the order of the keys, their values with them, does not matter")
            .formula(r"\operatorname{Att}(Q, \Pi K, \Pi V) = \operatorname{Att}(Q, K, V) \quad \text{for every permutation } \Pi")
            .given("not causal")
            .about(ANY, STRATA_WITHOUT_CAUSAL)
            .real_rows(4)
            .check(|case| reversed(case, true))
            .fault("the keys without their values", |case| reversed(case, false)),
        claim("exact-attention/gauge")
            .derived("(Q M) (K M^-T)' = Q K'")
            .states("(Q M, K M^-T, V) has the outputs of (Q, K, V) for every invertible M")
            .formula(r"\operatorname{Att}(Q M, K M^{-\top}, V) = \operatorname{Att}(Q, K, V) \quad \text{for every invertible } M")
            .given("d >= 2; M = 1 + c e_a e_b', so that the products are exact")
            .about(ANY, GAUGE_STRATA)
            .check(|case| gauge(case, true))
            .fault("K M for K M^-T", |case| gauge(case, false)),
        claim("exact-attention/scaling")
            .derived("thesis, Definition 1.0.1, which divides by d where models divide by sqrt(d); it does not claim that they agree")
            .states("attention with the scale d is attention with the scale sqrt(d) of the models")
            .formula(r"\begin{aligned} \operatorname{Att}_d(Q, K, V) &= \operatorname{Att}_{\sqrt{d}}(Q, K, V), \\
                \operatorname{Att}_s(Q, K, V) &= D^{-1} A V, \quad A = \exp(Q K^\top / s), \quad D = \operatorname{diag}(A \mathbf{1}) \end{aligned}")
            .given("d a square number, so that both scales are f64 numbers")
            .note("A model that was trained with sqrt(d) has other outputs under d: on real heads of width 32 the weights become nearly uniform. Taken as a convention, d asks for a Q divided by sqrt(d): exact-attention/scaling-compensated.")
            .about(PRINTED, PRINTED_STRATA)
            .check(|case| scaling(case, Scaling::Other))
            .fault("Q / sqrt(d), too: exact-attention/scaling-compensated", |case| scaling(case, Scaling::Compensated))
            .refuted("exact-attention/scaling-compensated", witness!("exact-attention-scaling")),
        claim("exact-attention/scaling-compensated")
            .derived("replaces exact-attention/scaling")
            .states("attention of (Q, K, V) with the scale d is attention of (Q / sqrt(d), K, V) with the scale sqrt(d)")
            .formula(r"\begin{aligned} \operatorname{Att}_d(Q, K, V) &= \operatorname{Att}_{\sqrt{d}}(Q / \sqrt{d}, K, V), \\
                \operatorname{Att}_s(Q, K, V) &= D^{-1} A V, \quad A = \exp(Q K^\top / s), \quad D = \operatorname{diag}(A \mathbf{1}) \end{aligned}")
            .given("d a square number")
            .about(PRINTED, PRINTED_STRATA)
            .check(|case| scaling(case, Scaling::Compensated))
            .fault("Q as it is", |case| scaling(case, Scaling::Other)),
    ]
}

const STRATA_WITHOUT_CAUSAL: &[Stratum] = strata!(
    Decade("logit range"): -1 0 1 2 3;
    Decade("values"): -1 1 4 7;
    Kind: "one query" "one key" "d=1"
);
const GAUGE_STRATA: &[Stratum] = strata!(
    Decade("logit range"): 0 1 2 3;
    Decade("values"): -1 4;
    Kind: "one query" "one key"
);
