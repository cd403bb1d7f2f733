//! What a row of an attention is, and how even its weights are.

use crate::claims::tools::attack::{self, Effort};
use crate::claims::tools::attained::at_most_or_equal;
use crate::claims::tools::attention::{ENCLOSED, Outputs, outputs, weights};
use crate::claims::tools::builder::{claim, strata};
use crate::claims::tools::forms;
use crate::claims::{Case, CheckError, Claim, Origin, OtherCases, Outside, Stratum, Verdict};
use crate::instance::sample::{self, Stream};
use crate::oracle::lift_matrix;
use crate::scalar::{Allowance, High};
use crate::system::Given;
use nalgebra::DVector;

use super::cases::{AttentionCases, posed};
use super::model::{Parts, logits};

/// Why entropies are granted so much.
const ENTROPY: &str = "the radii of the oracle's enclosures of weights, through p ln p";

/// `sum_k p_ik = 1` with every weight from 0 to `most`.
fn stochastic(case: &Case<Given>, most: High) -> Result<Verdict, CheckError> {
    let found = weights(&case.instance)?;
    let parts = Parts::of(case);
    let mut verdict = Verdict::VACUOUS;
    for (i, row) in found.values.row_iter().enumerate() {
        let keys = parts.shape[1];
        let seen = parts.seen(i);
        let granted = || Allowance::new(found.radius * High::int(keys as i64 + 1), ENCLOSED);
        let total: High = row.iter().copied().sum();
        let least = row.iter().take(seen).copied().reduce(High::min);
        let largest = row.iter().copied().fold(High::ZERO, High::max);
        verdict = verdict
            .and(Verdict::equal(
                &format!("sum of the weights of query {i}"),
                total,
                High::ONE,
                granted(),
            ))
            .and(at_most_or_equal(
                &format!("largest weight of query {i}"),
                largest,
                most,
                granted(),
            ));
        // Far below the radius a weight is still positive: exponentials of 40 digits do not underflow.
        verdict = verdict.and(Verdict::at_least(
            &format!("least weight of query {i}"),
            least.unwrap_or(High::POISONED),
            High::ZERO,
            Allowance::NOTHING,
        ));
    }
    Ok(verdict)
}

/// `Att_i = V' softmax((K / s) q_i)`: softmax regression's prediction for the design matrix `K / s` at `x = q_i`; the fault
/// leaves the scale out.
fn softmax_row(case: &Case<Given>, scaled: bool) -> Result<Verdict, CheckError> {
    let parts = Parts::of(case);
    if parts.causal {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let given = &case.instance;
    let array = |name, rows, columns| lift_matrix(&given.matrix(name, rows, columns));
    let (q, v) = (array("Q", "nq", "d"), array("V", "nk", "m"));
    let scale = if scaled {
        High::lift(parts.scale)?
    } else {
        High::ONE
    };
    let design = array("K", "nk", "d") / scale;
    let exact = outputs(given)?;
    let (_, error) = logits(given);
    let size = v.iter().map(|v| v.abs()).fold(High::ONE, High::max);
    let mut verdict = Verdict::VACUOUS;
    for i in 0..q.nrows() {
        let p = forms::softmax(&(&design * q.row(i).transpose()));
        let row = v.transpose() * p;
        for c in 0..row.len() {
            let rounding = (error + error) * size + size.shifted(-36);
            verdict = verdict.and(Verdict::equal(
                &format!("outputs[{i}, {c}]"),
                exact.values[(i, c)],
                row[c],
                Allowance::new(
                    exact.radius + rounding,
                    "the rounding of logits and the oracle's enclosures",
                ),
            ));
        }
    }
    Ok(verdict)
}

/// `-sum_k p_k ln p_k` of a query.
fn entropy(found: &Outputs, i: usize) -> High {
    let terms = found.values.row(i);
    let positive = terms.iter().copied().filter(|p| p.is_positive());
    -positive.map(|p| p * p.ln()).sum::<High>()
}

/// How far off an entropy is: `|p ln p|` moves by at most `r (1 + |ln r|)` with p by r.
fn entropy_error(found: &Outputs) -> High {
    let radius = found.radius + High::ONE.shifted(-38);
    let keys = High::int(found.values.ncols() as i64);
    High::int(4) * keys * radius * (High::ONE - radius.ln())
}

/// A larger scale does not lower the entropy; as the fault, a scale half as large.
fn evener(case: &Case<Given>, larger: bool) -> Result<Verdict, CheckError> {
    let parts = Parts::of(case);
    let factor = 1.0 + (case.seed % 64) as f64 / 8.0;
    let factor = if larger { factor } else { 0.5 };
    let mut other = parts.clone();
    other.scale = parts.scale * factor;
    let (here, there) = (weights(&case.instance)?, weights(&other.posed()?)?);
    let mut verdict = Verdict::VACUOUS;
    for i in 0..here.values.nrows() {
        let granted = entropy_error(&here) + entropy_error(&there);
        verdict = verdict.and(at_most_or_equal(
            &format!("entropy of query {i}"),
            entropy(&here, i),
            entropy(&there, i),
            Allowance::new(granted, ENTROPY),
        ));
    }
    Ok(verdict)
}

/// `entropy >= ln n - times B^2`.
fn entropy_floor(case: &Case<Given>, times: High) -> Result<Verdict, CheckError> {
    let parts = Parts::of(case);
    let [_, keys, d, _] = parts.shape;
    if parts.scale != d as f64 || parts.causal {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let entries = parts.q.iter().chain(&parts.k);
    let largest = High::lift(entries.fold(0.0, |most: f64, entry| most.max(entry.abs())))?;
    let floor = High::int(keys as i64).ln() - times * largest.square();
    let found = weights(&case.instance)?;
    let mut verdict = Verdict::VACUOUS;
    for i in 0..found.values.nrows() {
        let granted = entropy_error(&found) + (High::ONE + floor.abs()).shifted(-36);
        verdict = verdict.and(at_most_or_equal(
            &format!("ln n less the entropy of query {i}"),
            -entropy(&found, i),
            -floor,
            Allowance::new(granted, ENTROPY),
        ));
    }
    Ok(verdict)
}

/// Entries up to B: the least entropy relative to `2 B^2`.
fn search(rng: &mut Stream) -> Result<Case<Given>, CheckError> {
    let keys = sample::integer(rng, 2, 6) as usize;
    let bound = 2f64.powi(sample::integer(rng, -2, 1) as i32);
    let logits =
        |free: &[f64]| -> Vec<f64> { free.iter().map(|x| bound * x.clamp(-1.0, 1.0)).collect() };
    let value = |free: &[f64]| {
        let z = DVector::from_vec(logits(free)) * bound;
        let p = forms::softmax(&z);
        let entropy: f64 = p.iter().map(|p| -p * p.max(1e-300).ln()).sum();
        ((keys as f64).ln() - entropy) / (bound * bound)
    };
    let start = attack::best_start(rng, 40, keys, 1, &value);
    let (best, _) = attack::maximise(&value, start, Effort::USUAL);
    let arrays = [vec![bound], logits(&best), vec![0.0; keys]];
    Ok(Case::new(
        Origin::Attack(0),
        posed([1, keys, 1, 1], arrays, 1.0, false)?,
        0,
    ))
}

const ANY: OtherCases = &AttentionCases::GENERAL;
const PRINTED: OtherCases = &AttentionCases {
    keys: 2,
    printed_scale: true,
    causal: false,
    ..AttentionCases::GENERAL
};
const STRATA: &[Stratum] =
    strata!(Decade("logit range"): 0 1 2 3; Kind: "one query" "one key" "d=1" "causal");
const PLAIN_STRATA: &[Stratum] =
    strata!(Decade("logit range"): 0 1 2; Decade("values"): -1 4 7; Kind: "one query" "d=1");
const PRINTED_STRATA: &[Stratum] =
    strata!(Decade("logit range"): -1 0 1 2; Kind: "one query" "d=1");

/// The claims about rows.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("exact-attention/row-stochastic")
            .derived("thesis, Definition 1.0.1: D^-1 A 1 = 1")
            .states("the weights of a query add up to 1, each from 0 to 1")
            .formula(r"\sum_k p_{ik} = 1, \quad 0 \le p_{ik} \le 1, \quad p = D^{-1} A")
            .note("Over the reals no weight is 0; in f64 one may be.")
            .about(ANY, STRATA)
            .real_rows(4)
            .check(|case| stochastic(case, High::ONE))
            .fault("at most 1/2", |case| stochastic(case, High::ratio(1, 2))),
        claim("exact-attention/row-is-softmax-regression")
            .derived("thesis: softmax regression is called a simpler form of attention")
            .states("row i is V' softmax((K / s) q_i): the prediction of softmax regression with A = K / s at x = q_i, times V'")
            .formula(r"\operatorname{Att}_{i,*}^\top = V^\top \operatorname{softmax}\bigl((K / s)\, q_i\bigr)")
            .given("not causal")
            .note("One row with its query unknown and without V is what DLS23 minimises over.")
            .about(ANY, PLAIN_STRATA)
            .real_rows(4)
            .check(|case| softmax_row(case, true))
            .fault("A = K", |case| softmax_row(case, false)),
        claim("exact-attention/entropy-of-scale")
            .derived("d/dt of the entropy of softmax(t z) is -t Var(z)")
            .states("a larger scale does not lower the entropy of any query's weights")
            .formula(r"\begin{aligned} s' \ge s \quad &\implies \quad H\bigl(p_i^{(s')}\bigr) \ge H\bigl(p_i^{(s)}\bigr) \ \forall i, \\
                H(p) &= -\sum_k p_k \ln p_k, \quad p_i^{(s)} = \operatorname{softmax}(K q_i / s) \end{aligned}")
            .note("The thesis's scale d is larger than the models' sqrt(d): every query attends at least as evenly. The figures of a real head are in docs/systems.md.")
            .about(ANY, STRATA)
            .real_rows(6)
            .check(|case| evener(case, true))
            .fault("half the scale", |case| evener(case, false)),
        claim("exact-attention/entropy-floor")
            .derived("from exact-attention/largest-weight: a weight is at most e^(2 B^2) / n")
            .states("the entropy of any query's weights is at least ln n - 2 B^2 for entries of Q and K up to B")
            .formula(r"-\sum_k p_{ik} \ln p_{ik} \ge \ln n - 2 B^2 \ \forall i, \quad B = \max\bigl(\max_{i,j} |Q_{ij}|, \max_{i,j} |K_{ij}|\bigr)")
            .given("s = d, not causal")
            .note("Bounded entries keep attention near uniform. Not sharp for large B, where the entropy is at least 0 anyway.")
            .about(PRINTED, PRINTED_STRATA)
            .attacked(4, search)
            .real_rows(6)
            .check(|case| entropy_floor(case, High::int(2)))
            .fault("B^2 / 4", |case| entropy_floor(case, High::ratio(1, 4))),
    ]
}
