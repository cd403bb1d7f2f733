//! What f64 makes of the definition.

use crate::claims::tools::attained::at_most_or_equal;
use crate::claims::tools::attention::{ENCLOSED, outputs};
use crate::claims::tools::builder::{claim, strata, witness};
use crate::claims::{Case, CheckError, Claim, OtherCases, Outside, Stratum, Verdict};
use crate::production::evaluate;
use crate::scalar::{Allowance, High};
use crate::system::Given;

use super::cases::AttentionCases;
use super::model::{Parts, logits};

/// Logits and the products on the way to them are f64 numbers below `10^300`.
const LARGEST_EXPONENT: i64 = 300;

/// How the definition is computed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Program {
    /// `A = exp(Q K' / s)`, its row sums, `A V` divided by them, operation by operation.
    AsPrinted,
    /// Every row of logits less its largest.
    Shifted,
}

/// The outputs in f64, row by row.
fn computed(parts: &Parts, program: Program) -> Vec<f64> {
    let [queries, _, d, m] = parts.shape;
    let mut all = Vec::with_capacity(queries * m);
    for i in 0..queries {
        let seen = parts.seen(i);
        let logit = |k: usize| -> f64 {
            let terms = (0..d).map(|j| parts.q[i * d + j] * parts.k[k * d + j]);
            terms.sum::<f64>() / parts.scale
        };
        let largest = (0..seen).map(logit).fold(f64::NEG_INFINITY, f64::max);
        let shift = match program {
            Program::AsPrinted => 0.0,
            Program::Shifted => largest,
        };
        let row: Vec<f64> = (0..seen).map(|k| (logit(k) - shift).exp()).collect();
        let total: f64 = row.iter().sum();
        for c in 0..m {
            let sum: f64 = row
                .iter()
                .enumerate()
                .map(|(k, a)| a * parts.v[k * m + c])
                .sum();
            all.push(sum / total);
        }
    }
    all
}

/// Every output is a number: 1 for one that is, 0 for one that is not, is at least 1.
fn is_a_number(case: &Case<Given>, program: Program) -> Result<Verdict, CheckError> {
    let (z, _) = logits(&case.instance);
    if z.iter()
        .any(|z| z.abs() > High::ONE.shifted(LARGEST_EXPONENT))
    {
        return Ok(Verdict::Outside(Outside::Norm));
    }
    let found = computed(&Parts::of(case), program);
    // What the definition itself gives is a number: the oracle says so, or is an error.
    outputs(&case.instance)?;
    let numbers = found.iter().all(|value| value.is_finite());
    Ok(Verdict::at_least(
        "every output is finite",
        High::int(i64::from(numbers)),
        High::ONE,
        Allowance::NOTHING,
    ))
}

/// The bound of the solver's evaluator, divided by `less`.
fn within_the_bound(case: &Case<Given>, less: High) -> Result<Verdict, CheckError> {
    let found = evaluate(&case.instance).map_err(|error| CheckError::Other(error.to_string()))?;
    let exact = outputs(&case.instance)?;
    let m = exact.values.ncols();
    let mut verdict = Verdict::VACUOUS;
    let entries = found
        .values
        .values()
        .iter()
        .zip(found.error_bounds.values());
    for (at, (value, bound)) in entries.enumerate() {
        let (i, c) = (at / m, at % m);
        let error = (High::lift(*value)? - exact.values[(i, c)]).abs();
        verdict = verdict.and(Verdict::at_most(
            &format!("|computed - exact| of outputs[{i}, {c}]"),
            error,
            High::lift(*bound)? / less,
            Allowance::new(exact.radius, ENCLOSED),
        ));
    }
    Ok(verdict)
}

/// Every output lies between the least and the largest value of its column that the query sees; `share` of the way to either
/// side of the middle is allowed.
fn in_the_hull(case: &Case<Given>, share: High) -> Result<Verdict, CheckError> {
    let parts = Parts::of(case);
    let [.., m] = parts.shape;
    let exact = outputs(&case.instance)?;
    let half = High::ratio(1, 2);
    let mut verdict = Verdict::VACUOUS;
    for i in 0..exact.values.nrows() {
        let seen = parts.seen(i);
        for c in 0..m {
            let column: Vec<f64> = (0..seen).map(|k| parts.v[k * m + c]).collect();
            let least = High::lift(column.iter().copied().fold(f64::INFINITY, f64::min))?;
            let most = High::lift(column.iter().copied().fold(f64::NEG_INFINITY, f64::max))?;
            let middle = (least + most) * half;
            // One value, or equal ones: the distance is 0.
            verdict = verdict.and(at_most_or_equal(
                &format!("distance of outputs[{i}, {c}] from the middle of its column"),
                (exact.values[(i, c)] - middle).abs(),
                (most - least) * half * share,
                Allowance::new(exact.radius + middle.abs().shifted(-38), ENCLOSED),
            ));
        }
    }
    Ok(verdict)
}

const ANY: OtherCases = &AttentionCases::GENERAL;

/// Logits of every size, values of every size.
pub const STRATA: &[Stratum] = strata!(
    Decade("logit range"): -1 0 1 2 3;
    Decade("values"): -1 1 4 7;
    Kind: "one query" "one key" "d=1" "causal"
);

/// The claims about the definition as a program.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("exact-attention/definition-as-program")
            .derived("thesis, Definitions 1.0.1 and 1.0.2, taken as a program, which they do not claim to be")
            .states("A = exp(Q K' / s), D = diag(A 1), D^-1 A V, computed in f64 in this order, is a number")
            .formula(r"\operatorname{fl}(D^{-1} A V) \text{ is a number}, \quad A = \exp(Q K^\top / s), \quad D = \operatorname{diag}(A \mathbf{1})")
            .given("the logits are below 10^300")
            .note("False as a program, true over the reals: a logit above 709.78 makes A infinite and the row NaN, a row of logits below -745.13 has the sum 0. Nothing in the text asks for a bound on Q or K.")
            .about(ANY, STRATA)
            .check(|case| is_a_number(case, Program::AsPrinted))
            .fault("every row of logits less its largest: exact-attention/shifted-program", |case| is_a_number(case, Program::Shifted))
            .refuted("exact-attention/shifted-program", witness!("exact-attention-definition-as-program")),
        claim("exact-attention/shifted-program")
            .derived("replaces exact-attention/definition-as-program")
            .states("with the largest logit of each row subtracted first, D^-1 A V computed in f64 is a number")
            .formula(r"\operatorname{fl}(D^{-1} A V) \text{ is a number}, \quad A_{ik} = \exp\bigl(z_{ik} - \max_j z_{ij}\bigr), \quad z = Q K^\top / s")
            .given("the logits are below 10^300")
            .note("Entries of A are at most 1 and one of them is 1, so that row sums lie between 1 and n.")
            .about(ANY, STRATA)
            .check(|case| is_a_number(case, Program::Shifted))
            .fault("nothing subtracted", |case| is_a_number(case, Program::AsPrinted)),
        claim("exact-attention/error-bound")
            .derived("the error bound of the evaluator, src/production/outputs/attention_bound.rs")
            .states("|fl(Att)_ic - Att_ic| <= tanh(eta_i / 2) range(V_c) + (2 KEYS + 4 N + 5) u max |V_c| + what may be dropped")
            .formula(r"\begin{aligned} |\operatorname{fl}(\operatorname{Att})_{ic} - \operatorname{Att}_{ic}| &\le \tanh\Bigl(\frac{\eta_i}{2}\Bigr) \operatorname{range}(V_{*,c}) + (2\, \text{KEYS} + 4N + 5)\, u \max_k |V_{kc}| \\
                &\quad {} + \text{what may be dropped} \end{aligned}")
            .given("logits below 1e300")
            .note("Held against the oracle entry by entry: an error is a property of the machine's rounding, and the bound's reserve is its worst case over all roundings.")
            .about(ANY, STRATA)
            .real_rows(6)
            .check(|case| within_the_bound(case, High::ONE))
            .fault("a millionth of the bound", |case| within_the_bound(case, High::int(1_000_000))),
        claim("exact-attention/hull")
            .derived("the weights of a row are positive and add up to 1")
            .states("min V_c <= Att_ic <= max V_c over the keys that query i sees")
            .formula(r"\min_k V_{kc} \le \operatorname{Att}_{ic} \le \max_k V_{kc}, \quad k \text{ over the keys that query } i \text{ sees}")
            .note("Attained by one key, and in the limit of logits far apart.")
            .about(ANY, STRATA)
            .real_rows(6)
            .check(|case| in_the_hull(case, High::ONE))
            .fault("nine tenths of the range around its middle", |case| in_the_hull(case, High::ratio(9, 10))),
    ]
}
