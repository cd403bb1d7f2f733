//! What the definition costs, counted by programs that compute it at 40 digits.

use crate::claims::tools::attention::{ENCLOSED, outputs};
use crate::claims::tools::builder::{claim, strata, witness};
use crate::claims::{Case, CheckError, Claim, OtherCases, Stratum, Verdict};
use crate::oracle::lift_vector;
use crate::scalar::{Allowance, High};
use crate::system::Given;
use nalgebra::DVector;

use super::cases::AttentionCases;
use super::model::Parts;

/// A program's count of what it does and holds, beside the arrays that it is given and the outputs that it writes.
#[derive(Default)]
struct Counter {
    operations: i64,
    held: i64,
    most_held: i64,
}

impl Counter {
    /// One operation, whatever it gives.
    fn counted(&mut self, result: High) -> High {
        self.operations += 1;
        result
    }

    /// So many numbers more are held.
    fn hold(&mut self, numbers: usize) {
        self.held += numbers as i64;
        self.most_held = self.most_held.max(self.held);
    }

    fn release(&mut self, numbers: usize) {
        self.held -= numbers as i64;
    }
}

/// Q, K, V at 40 digits, row by row.
struct Lifted {
    parts: Parts,
    q: DVector<High>,
    k: DVector<High>,
    v: DVector<High>,
    scale: High,
}

impl Lifted {
    fn of(case: &Case<Given>) -> Result<Self, CheckError> {
        let parts = Parts::of(case);
        let lift = |entries: &[f64]| lift_vector(&DVector::from_column_slice(entries));
        Ok(Self {
            q: lift(&parts.q),
            k: lift(&parts.k),
            v: lift(&parts.v),
            scale: High::lift(parts.scale)?,
            parts,
        })
    }

    /// `<q_i, k_k> / s`: `2 d` operations.
    fn logit(&self, i: usize, k: usize, counter: &mut Counter) -> High {
        let d = self.parts.shape[2];
        let mut sum = counter.counted(self.q[i * d] * self.k[k * d]);
        for j in 1..d {
            let term = counter.counted(self.q[i * d + j] * self.k[k * d + j]);
            sum = counter.counted(sum + term);
        }
        counter.counted(sum / self.scale)
    }
}

/// All of A, its row sums, `A V`, quotients: the definition in its order.
fn as_printed(lifted: &Lifted, counter: &mut Counter) -> Vec<High> {
    let [queries, keys, _, m] = lifted.parts.shape;
    let mut a = Vec::with_capacity(queries);
    for i in 0..queries {
        let mut row = Vec::with_capacity(keys);
        for k in 0..lifted.parts.seen(i) {
            let logit = lifted.logit(i, k, counter);
            row.push(counter.counted(logit.exp()));
            counter.hold(1);
        }
        a.push(row);
    }
    let mut found = Vec::with_capacity(queries * m);
    for row in &a {
        counter.hold(1);
        let mut total = row[0];
        for entry in &row[1..] {
            total = counter.counted(total + *entry);
        }
        for c in 0..m {
            let mut sum = counter.counted(row[0] * lifted.v[c]);
            for (k, entry) in row.iter().enumerate().skip(1) {
                let term = counter.counted(*entry * lifted.v[k * m + c]);
                sum = counter.counted(sum + term);
            }
            found.push(counter.counted(sum / total));
        }
    }
    found
}

/// Key after key, with the largest logit so far, the sum of the weights relative to it, and the weighted sums of the values.
fn streamed(lifted: &Lifted, counter: &mut Counter) -> Vec<High> {
    let [queries, _, _, m] = lifted.parts.shape;
    let mut found = Vec::with_capacity(queries * m);
    for i in 0..queries {
        // The largest, the total, a logit or weight, and the factor of a rescaling.
        counter.hold(m + 4);
        let mut largest = lifted.logit(i, 0, counter);
        let mut total = High::ONE;
        let mut sums: Vec<High> = (0..m).map(|c| lifted.v[c]).collect();
        for k in 1..lifted.parts.seen(i) {
            let logit = lifted.logit(i, k, counter);
            if logit > largest {
                let factor = (largest - logit).exp();
                total *= factor;
                sums.iter_mut().for_each(|sum| *sum *= factor);
                largest = logit;
            }
            let weight = (logit - largest).exp();
            total += weight;
            for (c, sum) in sums.iter_mut().enumerate() {
                *sum += weight * lifted.v[k * m + c];
            }
        }
        found.extend(sums.iter().map(|sum| *sum / total));
        counter.release(m + 4);
    }
    found
}

/// A program's outputs are the oracle's.
fn right(case: &Case<Given>, lifted: &Lifted, found: &[High]) -> Result<Verdict, CheckError> {
    let exact = outputs(&case.instance)?;
    let m = exact.values.ncols();
    // The oracle rounds as often as these programs do, and rescalings do so twice a key.
    let keys = High::int(3 * lifted.parts.shape[1] as i64 + 3);
    let mut verdict = Verdict::VACUOUS;
    for (at, value) in found.iter().enumerate() {
        let (i, c) = (at / m, at % m);
        verdict = verdict.and(Verdict::equal(
            &format!("outputs[{i}, {c}]"),
            *value,
            exact.values[(i, c)],
            Allowance::new(exact.radius * keys, ENCLOSED),
        ));
    }
    Ok(verdict)
}

/// A counted number against what a statement allows.
fn counted(quantity: &str, found: i64, allowed: i64) -> Verdict {
    Verdict::at_most(
        quantity,
        High::int(found),
        High::int(allowed),
        Allowance::NOTHING,
    )
}

/// The definition in at most `16 nq nk` operations, whatever d and m.
fn quadratic(case: &Case<Given>) -> Result<Verdict, CheckError> {
    let lifted = Lifted::of(case)?;
    let mut counter = Counter::default();
    as_printed(&lifted, &mut counter);
    let [queries, keys, ..] = lifted.parts.shape;
    let pairs = (queries * keys) as i64;
    Ok(counted("operations", counter.operations, 16 * pairs))
}

/// Exactly `nq nk (2 d + 2 m + 2) - nq` operations; the fault leaves the products `Q K'` out.
fn operations(case: &Case<Given>, products: bool) -> Result<Verdict, CheckError> {
    let lifted = Lifted::of(case)?;
    let mut counter = Counter::default();
    let found = as_printed(&lifted, &mut counter);
    let [queries, _, d, m] = lifted.parts.shape;
    let pairs: usize = (0..queries).map(|i| lifted.parts.seen(i)).sum();
    let width = if products { 2 * d } else { 0 };
    let formula = (pairs * (width + 2 * m + 2)) as i64 - queries as i64;
    let counts = Verdict::equal(
        "operations",
        High::int(counter.operations),
        High::int(formula),
        // Whole numbers.
        Allowance::new(High::ratio(1, 2), "counts are whole numbers"),
    );
    Ok(right(case, &lifted, &found)?.and(counts))
}

/// A program that is right holds `nq nk` numbers: of one that streams this is asked.
fn quadratic_memory(case: &Case<Given>) -> Result<Verdict, CheckError> {
    let lifted = Lifted::of(case)?;
    let mut counter = Counter::default();
    streamed(&lifted, &mut counter);
    let [queries, keys, ..] = lifted.parts.shape;
    let pairs = High::int((queries * keys) as i64);
    Ok(Verdict::at_least(
        "numbers held",
        High::int(counter.most_held),
        pairs,
        Allowance::NOTHING,
    ))
}

/// Streaming is right, and holds `m + 4` numbers; the fault is the program as printed.
fn linear_memory(case: &Case<Given>, streams: bool) -> Result<Verdict, CheckError> {
    let lifted = Lifted::of(case)?;
    let mut counter = Counter::default();
    let found = if streams {
        streamed(&lifted, &mut counter)
    } else {
        as_printed(&lifted, &mut counter)
    };
    let allowed = lifted.parts.shape[3] as i64 + 4;
    let held = counted("numbers held", counter.most_held, allowed);
    Ok(right(case, &lifted, &found)?.and(held))
}

const ANY: OtherCases = &AttentionCases {
    cases: 24,
    ..AttentionCases::GENERAL
};
const MANY: OtherCases = &AttentionCases {
    queries: 3,
    keys: 5,
    cases: 24,
    ..AttentionCases::GENERAL
};
const STRATA: &[Stratum] =
    strata!(Decade("logit range"): 0 1 2; Kind: "one query" "one key" "d=1" "causal");
const MANY_STRATA: &[Stratum] = strata!(Decade("logit range"): 0 1 2 3; Kind: "d=1" "causal");

/// The claims about costs.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("exact-attention/cost-quadratic")
            .derived("thesis: computing A requires O(n^2); read as a number of operations with a constant free of d")
            .states("the definition takes at most 16 nq nk operations")
            .formula(r"\#\{\text{operations of the definition}\} \le 16\, n_q n_k")
            .note("False from d + m = 8 on: d is missing. O is an upper bound and requires nothing; what the definition takes is counted by exact-attention/cost-counted.")
            .about(ANY, STRATA)
            .check(quadratic)
            .fault("the width counted: exact-attention/cost-counted", |case| operations(case, true))
            .refuted("exact-attention/cost-counted", witness!("exact-attention-cost-quadratic")),
        claim("exact-attention/cost-counted")
            .derived("replaces exact-attention/cost-quadratic: a program that counts while it computes")
            .states("the definition takes nq nk (2 d + 2 m + 2) - nq operations, nq nk of them exponentials")
            .formula(r"\begin{aligned} \#\{\text{operations of the definition}\} &= n_q n_k (2d + 2m + 2) - n_q, \\
                \#\{\text{exponentials among them}\} &= n_q n_k \end{aligned}")
            .given("sums, products, quotients and exponentials count one each; causal: pairs that are seen for nq nk")
            .note("A itself has nq nk entries, each to be written where A is asked for: Theta(n^2) numbers, Theta(n^2 d) operations by this program. Faster products of matrices are not decided here.")
            .about(ANY, STRATA)
            .check(|case| operations(case, true))
            .fault("without the products Q K'", |case| operations(case, false)),
        claim("exact-attention/memory-quadratic")
            .derived("read into the cost of the definition, which does not say so")
            .states("a program that computes the outputs holds nq nk numbers beside its arrays at some time")
            .formula(r"\#\{\text{numbers held at some time beside } Q, K, V\} \ge n_q n_k")
            .given("the program streams: one key after the other")
            .note("A is a matter of notation, not of memory: exact-attention/memory-streamed.")
            .about(MANY, MANY_STRATA)
            .check(quadratic_memory)
            .fault("m + 4 numbers: exact-attention/memory-streamed", |case| linear_memory(case, true))
            .refuted("exact-attention/memory-streamed", witness!("exact-attention-memory-quadratic")),
        claim("exact-attention/memory-streamed")
            .derived("replaces exact-attention/memory-quadratic: the largest logit so far, two kinds of sums, and a rescaling where it grows")
            .states("the outputs of a query need m + 4 numbers beside Q, K, V, whatever nq and nk")
            .formula(r"\#\{\text{numbers held for the outputs of a query beside } Q, K, V\} \le m + 4")
            .about(MANY, MANY_STRATA)
            .check(|case| linear_memory(case, true))
            .fault("the definition in its order", |case| linear_memory(case, false)),
    ]
}
