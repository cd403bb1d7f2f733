//! How far an error of the logits, or of the entries of A, goes.
//!
//! Two queries of one instance are two families of logits over the same keys, off by each other: the second one plays the part of
//! the perturbed first.

use crate::claims::tools::attack::{self, Effort};
use crate::claims::tools::attained::at_most_or_equal;
use crate::claims::tools::attention::{Outputs, outputs, weights};
use crate::claims::tools::builder::{claim, strata};
use crate::claims::tools::forms;
use crate::claims::{Case, CheckError, Claim, Origin, OtherCases, Outside, Stratum, Verdict};
use crate::instance::sample::{self, Stream};
use crate::scalar::{Allowance, High};
use crate::system::Given;
use nalgebra::DVector;

use super::cases::{AttentionCases, posed};
use super::model::{Parts, logits};

/// Why bounds that are attained are granted so much.
const MOVED: &str = "the rounding of the logits and the radii of the oracle's enclosures";

/// The first two queries of a case.
struct Pair {
    /// Half of the largest less the least difference of their logits: how far off they are, up to a constant that no weight sees.
    delta: High,
    /// How far off `delta` is at most.
    error: High,
    /// Of the case.
    outputs: Outputs,
    /// Their weights.
    weights: Outputs,
    /// The least and the largest value of each column.
    columns: Vec<(High, High)>,
}

impl Pair {
    /// `None` where there is one query only, or the second one sees other keys than the first.
    fn of(case: &Case<Given>) -> Result<Option<Self>, CheckError> {
        let parts = Parts::of(case);
        let [queries, keys, _, m] = parts.shape;
        if queries < 2 || parts.causal {
            return Ok(None);
        }
        let (z, error) = logits(&case.instance);
        let differences = (0..keys).map(|k| z[(1, k)] - z[(0, k)]);
        let (mut least, mut most) = (z[(1, 0)] - z[(0, 0)], z[(1, 0)] - z[(0, 0)]);
        for difference in differences {
            least = if difference < least {
                difference
            } else {
                least
            };
            most = most.max(difference);
        }
        let mut columns = Vec::with_capacity(m);
        for c in 0..m {
            let column: Vec<f64> = (0..keys).map(|k| parts.v[k * m + c]).collect();
            columns.push((
                High::lift(column.iter().copied().fold(f64::INFINITY, f64::min))?,
                High::lift(column.iter().copied().fold(f64::NEG_INFINITY, f64::max))?,
            ));
        }
        Ok(Some(Self {
            delta: (most - least) * High::ratio(1, 2),
            error: error * High::int(2),
            outputs: outputs(&case.instance)?,
            weights: weights(&case.instance)?,
            columns,
        }))
    }
}

/// `|| p' - p ||_1 <= 2 tanh(share delta / 2)`.
fn weights_move(case: &Case<Given>, share: High) -> Result<Verdict, CheckError> {
    let Some(pair) = Pair::of(case)? else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let difference = pair.weights.values.row(1) - pair.weights.values.row(0);
    let observed: High = difference.iter().map(|entry| entry.abs()).sum();
    let half = High::ratio(1, 2);
    let allowed = High::int(2) * (share * pair.delta * half).tanh();
    // The derivative of 2 tanh(delta / 2) is at most 1.
    let rounding = pair.error + High::int(2 * difference.len() as i64) * pair.weights.radius;
    Ok(at_most_or_equal(
        "|| p' - p ||_1",
        observed,
        allowed,
        Allowance::new(rounding, MOVED),
    ))
}

/// `|Att'_c - Att_c| <= tanh(share delta / 2) range(V_c)`.
fn outputs_move(case: &Case<Given>, share: High) -> Result<Verdict, CheckError> {
    let Some(pair) = Pair::of(case)? else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let half = High::ratio(1, 2);
    let allowed = (share * pair.delta * half).tanh();
    let mut verdict = Verdict::VACUOUS;
    for (c, (least, most)) in pair.columns.iter().enumerate() {
        let observed = (pair.outputs.values[(1, c)] - pair.outputs.values[(0, c)]).abs();
        let rounding = pair.error * (*most - *least) + High::int(2) * pair.outputs.radius;
        verdict = verdict.and(at_most_or_equal(
            &format!("|Att' - Att| of column {c}"),
            observed,
            allowed * (*most - *least),
            Allowance::new(rounding, MOVED),
        ));
    }
    Ok(verdict)
}

/// Which bound by `eps`, for `|A~ - A| <= eps A`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Entry {
    /// `2 eps || V ||_inf`.
    Recalled,
    /// `2 eps / (1 + sqrt(1 - eps^2)) || V ||_inf`.
    Sharp,
    /// `eps || V ||_inf`.
    Half,
}

/// A row of A times any number has the same outputs: the best number makes `eps = tanh(delta)`.
fn entries_off(case: &Case<Given>, entry: Entry) -> Result<Verdict, CheckError> {
    let Some(pair) = Pair::of(case)? else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let eps = pair.delta.tanh();
    let factor = match entry {
        Entry::Recalled => High::int(2) * eps,
        Entry::Half => eps,
        // eps / (1 + sqrt(1 - eps^2)) = tanh(delta / 2), without cancellation.
        Entry::Sharp => High::int(2) * (pair.delta * High::ratio(1, 2)).tanh(),
    };
    let mut verdict = Verdict::VACUOUS;
    for (c, (least, most)) in pair.columns.iter().enumerate() {
        let size = least.abs().max(most.abs());
        let observed = (pair.outputs.values[(1, c)] - pair.outputs.values[(0, c)]).abs();
        let rounding = High::int(2) * (pair.error * size + pair.outputs.radius);
        verdict = verdict.and(at_most_or_equal(
            &format!("|Att' - Att| of column {c}"),
            observed,
            factor * size,
            Allowance::new(rounding, MOVED),
        ));
    }
    Ok(verdict)
}

/// Keys, queries and values free, differences of logits over decades: the largest share of `tanh(delta / 2) || V ||_inf`.
fn search(rng: &mut Stream) -> Result<Case<Given>, CheckError> {
    let keys = sample::integer(rng, 2, 4) as usize;
    let reach = 2f64.powi(sample::integer(rng, -20, 3) as i32);
    // Width 2: the first entry makes the logits of both, the second their difference.
    let parts = |free: &[f64]| {
        let (common, rest) = free.split_at(keys);
        let (apart, values) = rest.split_at(keys);
        let difference: Vec<f64> = apart.iter().map(|x| x.clamp(-1.0, 1.0)).collect();
        let values: Vec<f64> = values.iter().map(|x| x.clamp(-1.0, 1.0)).collect();
        (common.to_vec(), difference, values)
    };
    let value = |free: &[f64]| {
        let (common, difference, values) = parts(free);
        let row = |sign: f64| {
            let z = common
                .iter()
                .zip(&difference)
                .map(|(z, e)| z + sign * reach * e / 2.0);
            forms::softmax(&DVector::from_iterator(keys, z)).dot(&DVector::from_row_slice(&values))
        };
        (row(1.0) - row(-1.0)).abs() / (reach / 2.0).tanh()
    };
    let start = attack::best_start(rng, 60, 3 * keys, 2, &value);
    let (best, _) = attack::maximise(&value, start, Effort::USUAL);
    let (common, difference, values) = parts(&best);
    let k = common
        .iter()
        .zip(&difference)
        .flat_map(|(z, e)| [*z, *e])
        .collect();
    let q = vec![1.0, -reach / 2.0, 1.0, reach / 2.0];
    let given = posed([2, keys, 2, 1], [q, k, values], 1.0, false)?;
    Ok(Case::new(Origin::Attack(0), given, 0))
}

const PAIRS: OtherCases = &AttentionCases {
    queries: 2,
    keys: 2,
    causal: false,
    ..AttentionCases::GENERAL
};
const STRATA: &[Stratum] =
    strata!(Decade("logit range"): -1 0 1 2 3; Decade("values"): -1 4 7; Kind: "d=1");

/// Slightly less than 1.
fn less() -> High {
    High::ratio(49, 50)
}

/// The claims about errors.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("exact-attention/logit-sensitivity")
            .derived("p'_k / p_k lies in an interval [a, b] with ln(b / a) <= 2 delta that holds 1")
            .states("|| p' - p ||_1 <= 2 tanh(delta / 2) for logits off by delta at most")
            .formula(r"|z'_k - z_k| \le \delta \ \forall k \quad \implies \quad \|p' - p\|_1 \le 2 \tanh\Bigl(\frac{\delta}{2}\Bigr)")
            .given("not causal; delta = half of the largest less the least difference: a constant does not count")
            .note("Sharp for every delta: two keys, logits (-delta, delta) / 2 and the other way round. At most delta, which is what a derivative gives.")
            .about(PAIRS, STRATA)
            .attacked(6, search)
            .real_rows(6)
            .check(|case| weights_move(case, High::ONE))
            .fault("49/50 of delta", |case| weights_move(case, less())),
        claim("exact-attention/output-sensitivity")
            .derived("from exact-attention/logit-sensitivity: the differences of the weights add up to 0")
            .states("|Att'_ic - Att_ic| <= tanh(delta / 2) range(V_c) for logits off by delta at most")
            .formula(r"|z'_{ik} - z_{ik}| \le \delta \ \forall k \quad \implies \quad |\operatorname{Att}'_{ic} - \operatorname{Att}_{ic}| \le \tanh\Bigl(\frac{\delta}{2}\Bigr) \operatorname{range}(V_{*,c})")
            .given("delta as in exact-attention/logit-sensitivity")
            .note("Sharp as there. The evaluator's error bound rests on it.")
            .about(PAIRS, STRATA)
            .attacked(6, search)
            .real_rows(6)
            .check(|case| outputs_move(case, High::ONE))
            .fault("49/50 of delta", |case| outputs_move(case, less())),
        claim("exact-attention/entry-sensitivity")
            .recalled("arXiv 2302.13214: from a low-rank approximation of A to one of the attention")
            .states("|A~ - A| <= eps A entry by entry implies |Att~ - Att| <= 2 eps || V ||_inf")
            .formula(r"|\widetilde A_{ik} - A_{ik}| \le \epsilon A_{ik} \ \forall i, k \quad \implies \quad \bigl|\widetilde{\operatorname{Att}}_{ic} - \operatorname{Att}_{ic}\bigr| \le 2 \epsilon \|V\|_\infty")
            .given("0 <= eps < 1")
            .note("Not sharp: see exact-attention/entry-sensitivity-sharp, half of it for small eps.")
            .about(PAIRS, STRATA)
            .attacked(4, search)
            .real_rows(6)
            .check(|case| entries_off(case, Entry::Recalled))
            .fault("eps || V ||_inf", |case| entries_off(case, Entry::Half)),
        claim("exact-attention/entry-sensitivity-sharp")
            .derived("from exact-attention/output-sensitivity with delta = artanh(eps)")
            .states("|A~ - A| <= eps A entry by entry implies |Att~ - Att| <= 2 eps / (1 + sqrt(1 - eps^2)) || V ||_inf")
            .formula(r"|\widetilde A_{ik} - A_{ik}| \le \epsilon A_{ik} \ \forall i, k \quad \implies \quad \bigl|\widetilde{\operatorname{Att}}_{ic} - \operatorname{Att}_{ic}\bigr| \le \frac{2 \epsilon}{1 + \sqrt{1 - \epsilon^2}} \|V\|_\infty")
            .given("0 <= eps < 1")
            .note("Attained for every eps: two keys with values 1 and -1.")
            .about(PAIRS, STRATA)
            .attacked(6, search)
            .real_rows(6)
            .check(|case| entries_off(case, Entry::Sharp))
            .fault("eps || V ||_inf", |case| entries_off(case, Entry::Half)),
    ]
}
