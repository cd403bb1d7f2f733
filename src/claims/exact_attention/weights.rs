//! How large logits and weights can be when the entries of Q and K are bounded, and how steep a softmax is.

use nalgebra::DMatrix;

use crate::claims::tools::attack::{self, Effort};
use crate::claims::tools::attained::at_most_or_equal;
use crate::claims::tools::attention::weights;
use crate::claims::tools::builder::{claim, strata};
use crate::claims::tools::forms;
use crate::claims::{Case, CheckError, Claim, Origin, OtherCases, Outside, Stratum, Verdict};
use crate::instance::sample::{self, Stream};
use crate::oracle::spectrum;
use crate::scalar::{Allowance, High};
use crate::system::Given;

use super::cases::{AttentionCases, posed};
use super::model::{Parts, logits};

/// Why bounds on weights are granted so much.
const WEIGHTS: &str = "the radii of the oracle's enclosures of weights and what follows from them";

/// The largest entry of Q and K.
fn largest_entry(parts: &Parts) -> Result<High, CheckError> {
    let entries = parts.q.iter().chain(&parts.k);
    Ok(High::lift(
        entries.fold(0.0, |most: f64, entry| most.max(entry.abs())),
    )?)
}

/// Which scale a bound is stated for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scale {
    /// d.
    Printed,
    /// `sqrt(d)`.
    Models,
}

/// `|Q K' / d| <= B^2`; as the fault with `sqrt(d)`.
fn entry_bound(case: &Case<Given>, scale: Scale) -> Result<Verdict, CheckError> {
    let parts = Parts::of(case);
    let d = parts.shape[2];
    if parts.scale != d as f64 {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let (logits, error) = logits(&case.instance);
    let factor = match scale {
        Scale::Printed => High::ONE,
        Scale::Models => High::int(d as i64).sqrt(),
    };
    let square = largest_entry(&parts)?.square();
    let observed = logits.iter().map(|z| z.abs()).fold(High::ZERO, High::max);
    Ok(at_most_or_equal(
        "max |Q K' / s|",
        observed * factor,
        square,
        Allowance::new(
            error * factor + square.shifted(-38),
            "the rounding of the logits and of a square",
        ),
    ))
}

/// `weight <= e^(B^2) / (e^(B^2) + (n - 1) e^(-B^2))`; the fault counts one key too many.
fn largest_weight(case: &Case<Given>, more: i64) -> Result<Verdict, CheckError> {
    let parts = Parts::of(case);
    let [_, keys, d, _] = parts.shape;
    if parts.scale != d as f64 || parts.causal {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let square = largest_entry(&parts)?.square();
    let others = High::int(keys as i64 - 1 + more);
    let allowed = (High::ONE + others * (-(square + square)).exp()).recip();
    let weights = weights(&case.instance)?;
    let observed = weights.values.iter().copied().fold(High::ZERO, High::max);
    Ok(at_most_or_equal(
        "the largest weight",
        observed,
        allowed,
        Allowance::new(weights.radius + High::ONE.shifted(-36), WEIGHTS),
    ))
}

/// `|| diag(p) - p p' ||_2 <= constant` for the weights p of every query.
fn jacobian(case: &Case<Given>, constant: High) -> Result<Verdict, CheckError> {
    let weights = weights(&case.instance)?;
    let keys = weights.values.ncols();
    let mut verdict = Verdict::VACUOUS;
    for (i, row) in weights.values.row_iter().enumerate() {
        let p = row.transpose();
        let covariance = DMatrix::from_diagonal(&p) - &p * p.transpose();
        let values = spectrum::eigenvalues(&covariance)?;
        let largest = values[values.len() - 1];
        let rounding = High::int(64 * keys as i64) * (weights.radius + High::ONE.shifted(-38));
        verdict = verdict.and(at_most_or_equal(
            &format!("|| diag(p) - p p' || of query {i}"),
            largest,
            constant,
            Allowance::new(rounding, WEIGHTS),
        ));
    }
    Ok(verdict)
}

/// Entries up to B = size, signs free: the logit of one key as large, those of the others as small as can be.
fn search_largest(rng: &mut Stream) -> Result<Case<Given>, CheckError> {
    let (keys, d) = (
        sample::integer(rng, 2, 5) as usize,
        sample::integer(rng, 1, 3) as usize,
    );
    let bound = 2f64.powi(sample::integer(rng, -6, 4) as i32);
    let parts = |free: &[f64]| {
        let inside = |x: &f64| bound * x.clamp(-1.0, 1.0);
        let (q, k) = free.split_at(d);
        (
            q.iter().map(inside).collect::<Vec<_>>(),
            k.iter().map(inside).collect::<Vec<_>>(),
        )
    };
    let value = |free: &[f64]| {
        let (q, k) = parts(free);
        let z: Vec<f64> = k
            .chunks_exact(d)
            .map(|key| key.iter().zip(&q).map(|(a, b)| a * b).sum::<f64>() / d as f64)
            .collect();
        let p = forms::softmax(&nalgebra::DVector::from_vec(z));
        // The distance from 1 says more where both are near it.
        -(1.0 - p[0]).max(1e-300).ln()
    };
    let start = attack::best_start(rng, 40, d * (1 + keys), 1, &value);
    let (best, _) = attack::maximise(&value, start, Effort::USUAL);
    let (q, k) = parts(&best);
    let given = posed([1, keys, d, 1], [q, k, vec![0.0; keys]], d as f64, false)?;
    Ok(Case::new(Origin::Attack(0), given, 0))
}

/// Two to five keys with free logits: the steepest softmax.
fn search_steepest(rng: &mut Stream) -> Result<Case<Given>, CheckError> {
    let keys = sample::integer(rng, 2, 5) as usize;
    let value = |z: &[f64]| {
        let p = forms::softmax(&nalgebra::DVector::from_row_slice(z));
        let covariance = DMatrix::from_diagonal(&p) - &p * p.transpose();
        covariance.symmetric_eigenvalues().max()
    };
    let start = attack::best_start(rng, 40, keys, 8, &value);
    let (best, _) = attack::maximise(&value, start, Effort::USUAL);
    let given = posed(
        [1, keys, 1, 1],
        [vec![1.0], best, vec![0.0; keys]],
        1.0,
        false,
    )?;
    Ok(Case::new(Origin::Attack(0), given, 0))
}

const BOUNDED: OtherCases = &AttentionCases {
    keys: 2,
    printed_scale: true,
    causal: false,
    ..AttentionCases::GENERAL
};
const ANY: OtherCases = &AttentionCases {
    keys: 2,
    ..AttentionCases::GENERAL
};
const STRATA: &[Stratum] = strata!(Decade("logit range"): -1 0 1 2; Kind: "one query" "d=1");

/// The claims about sizes.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("exact-attention/entry-bound")
            .recalled("arXiv 2302.13214: entries of Q, K at most B in size")
            .states("|Q K' / d| <= B^2 for B the largest entry of Q and K in size")
            .formula(r"\bigl|(Q K^\top / d)_{ik}\bigr| \le B^2, \quad B = \max\bigl(\max_{i,j} |Q_{ij}|, \max_{i,j} |K_{ij}|\bigr)")
            .given("s = d")
            .note("Attained by constant rows, whatever d: the reason why the scale d makes the bound free of the width. With sqrt(d) it is B^2 sqrt(d).")
            .about(BOUNDED, STRATA)
            .attacked(4, search_largest)
            .real_rows(6)
            .check(|case| entry_bound(case, Scale::Printed))
            .fault("sqrt(d) for d", |case| entry_bound(case, Scale::Models)),
        claim("exact-attention/largest-weight")
            .derived("from exact-attention/entry-bound: one logit B^2, the others -B^2")
            .states("every weight is at most e^(B^2) / (e^(B^2) + (n - 1) e^(-B^2))")
            .formula(r"p_{ik} \le \frac{e^{B^2}}{e^{B^2} + (n - 1) e^{-B^2}}, \quad B = \max\bigl(\max_{i,j} |Q_{ij}|, \max_{i,j} |K_{ij}|\bigr)")
            .given("s = d, not causal")
            .note("Attained: bounded entries cap how peaked an attention can be.")
            .about(BOUNDED, STRATA)
            .attacked(4, search_largest)
            .real_rows(6)
            .check(|case| largest_weight(case, 0))
            .fault("n for n - 1", |case| largest_weight(case, 1)),
        claim("exact-attention/jacobian")
            .derived("diag(p) - p p' is the covariance of an indicator")
            .states("|| diag(p) - p p' ||_2 <= 1/2 for the weights of every query")
            .formula(r"\|\operatorname{diag}(p) - p p^\top\|_2 \le \tfrac{1}{2}")
            .note("Attained by p = (1/2, 1/2).")
            .about(ANY, STRATA)
            .attacked(4, search_steepest)
            .real_rows(6)
            .check(|case| jacobian(case, High::ratio(1, 2)))
            .fault("49/100", |case| jacobian(case, High::ratio(49, 100))),
    ]
}
