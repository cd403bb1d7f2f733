//! Gradients as proofs of work: digests, checks, shares.

use crate::claims::tools::builder::{claim, strata, witness};
use crate::claims::{Case, CheckError, Claim, OtherCases, Outside, Stratum, Verdict};
use crate::production::chain::{Digest, digest_of};
use crate::scalar::{Allowance, High};
use crate::system::{Array, Given, clients};

use super::cases::{FederatedCases, Kind};
use super::model::subsets;

/// The parts of `A' (p - b)` that the rows of the clients make, in f64.
fn parts(given: &Given) -> Result<Vec<Vec<f64>>, CheckError> {
    let x = given.start();
    let mut parts = Vec::new();
    for client in clients(given)? {
        let a = client.matrix().to_dense();
        let z: Vec<f64> = a
            .row_iter()
            .map(|row| row.iter().zip(&x).map(|(a, x)| a * x).sum())
            .collect();
        let top = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let exponentials: Vec<f64> = z.iter().map(|z| (z - top).exp()).collect();
        let total: f64 = exponentials.iter().sum();
        for (i, e) in exponentials.iter().enumerate() {
            let residual = e / total - client.target()[i];
            parts.push(a.row(i).iter().map(|a| a * residual).collect());
        }
    }
    Ok(parts)
}

/// From left to right.
fn in_order(parts: &[Vec<f64>]) -> Vec<f64> {
    let length = parts.first().map_or(0, Vec::len);
    parts.iter().fold(vec![0.0; length], |sum, part| {
        sum.iter().zip(part).map(|(a, b)| a + b).collect()
    })
}

/// How many digests honest nodes come to that sum the same parts as they arrive, in each of many orders; where `sorted`, by their
/// numbers, whatever the order of arrival.
fn digests(case: &Case<Given>, sorted: bool) -> Result<Verdict, CheckError> {
    let parts = parts(&case.instance)?;
    if parts.len() < 3 || parts.iter().flatten().any(|entry| !entry.is_finite()) {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let count = parts.len();
    let mut found: Vec<Digest> = Vec::new();
    for turn in 0..2 * count {
        // Rotations, forwards and backwards.
        let mut order: Vec<usize> = (0..count).map(|k| (k + turn) % count).collect();
        if turn >= count {
            order.reverse();
        }
        if sorted {
            order.sort_unstable();
        }
        let arrived: Vec<Vec<f64>> = order.iter().map(|k| parts[*k].clone()).collect();
        found.push(digest_of(&in_order(&arrived)));
    }
    found.sort_unstable();
    found.dedup();
    Ok(Verdict::at_most(
        "digests of one gradient",
        High::int(found.len() as i64),
        High::ONE,
        Allowance::NOTHING,
    ))
}

/// Multiplications of Freivalds' check `u'(A'r) = (A u)'r` of an n x d product: `n d + n + d`; of the product itself `n d`.
fn cheaper(case: &Case<Given>) -> Result<Verdict, CheckError> {
    let [n, d] = ["n", "d"].map(|side| case.instance.size(side) as i64);
    Ok(Verdict::at_most(
        "multiplications of the check",
        High::int(n * d + n + d),
        High::int(n * d),
        Allowance::NOTHING,
    ))
}

/// How likely v of K steps, drawn without replacement, show a forged one among `forged`: every subset against the formula; `replaced`
/// has it as of draws with replacement. K, v and f come from N, participants and stragglers.
fn spot_checks(case: &Case<Given>, replaced: bool) -> Result<Verdict, CheckError> {
    let given = &case.instance;
    let steps = given.size("N");
    let [checked, forged] = ["participants", "stragglers"].map(|name| given.scalar(name) as usize);
    if !(1..=steps).contains(&checked) || forged > steps || steps > 12 {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let choices = subsets(steps, checked);
    let caught = choices
        .iter()
        .filter(|chosen| chosen.iter().any(|step| *step < forged))
        .count();
    let truth = High::ratio(caught as i64, choices.len() as i64);
    let missed = if replaced {
        High::ratio((steps - forged) as i64, steps as i64).powi(checked as i64)
    } else {
        // C(K - f, v) / C(K, v)
        (0..checked)
            .map(|k| {
                let left = (steps - forged).saturating_sub(k);
                High::ratio(left as i64, (steps - k) as i64)
            })
            .fold(High::ONE, |product, share| product * share)
    };
    Ok(Verdict::equal(
        "P[a forged step is seen]",
        High::ONE - missed,
        truth,
        Allowance::new(
            High::ONE.shifted(-36),
            "100 roundings of products of shares",
        ),
    ))
}

/// What a node's chance of the next block is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Chance {
    /// Its share of the speeds.
    Share,
    /// 1 for the fastest, 0 for all others.
    Fastest,
}

/// Nodes whose gradients take the times `delays` without any randomness.
fn next_block(case: &Case<Given>, which: Chance) -> Result<Verdict, CheckError> {
    let given = &case.instance;
    let delays = given.array("delays").map_or(&[][..], Array::values);
    let least = delays.iter().copied().reduce(f64::min).unwrap_or(0.0);
    let ties = delays.iter().filter(|delay| **delay == least).count();
    if delays.len() < 2 || least <= 0.0 || ties > 1 {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let speeds: Vec<High> = delays
        .iter()
        .map(|delay| High::lift(*delay).map(High::recip))
        .collect::<Result<_, _>>()?;
    let total: High = speeds.iter().copied().sum();
    // The race itself: all begin at the x of the last block, whoever ends first publishes, and all begin again.
    const BLOCKS: i64 = 10;
    let mut won = vec![0_i64; delays.len()];
    for _ in 0..BLOCKS {
        let first = (0..delays.len()).reduce(|a, b| if delays[b] < delays[a] { b } else { a });
        won[first.unwrap_or(0)] += 1;
    }
    let verdicts = (0..delays.len()).map(|k| {
        let stated = match which {
            Chance::Share => speeds[k] / total,
            Chance::Fastest if delays[k] == least => High::ONE,
            Chance::Fastest => High::ZERO,
        };
        Verdict::equal(
            &format!("the part of the blocks of node {k}"),
            High::ratio(won[k], BLOCKS),
            stated,
            Allowance::new(High::ONE.shifted(-36), "a rounding of a share"),
        )
    });
    Ok(verdicts.fold(Verdict::VACUOUS, Verdict::and))
}

const SEVERAL: OtherCases = &FederatedCases {
    kind: Kind::Any,
    least: 3,
    steps: 1,
    cases: 24,
};
const RACES: OtherCases = &FederatedCases::RACE;
const STRATA: &[Stratum] = strata!(Kind: "several clients" "d=1" "d=2");

/// The claims about proofs of work.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("federated-softmax/digest-of-any-order")
            .recalled("a digest of the gradient is the proof of the work")
            .states("honest nodes that add up the same parts as they arrive come to the same digest")
            .formula(r"h\Bigl(\bigoplus_{k} v_{\pi(k)}\Bigr) = h\Bigl(\bigoplus_{k} v_k\Bigr)\ \text{for every}\ \pi, \quad \oplus\ \text{in f64}")
            .given("at least 3 rows, f64; SHA-256; all rotations of the order and of its reverse; attributed, wording not seen in print")
            .note("Addition in f64 is not associative, and a digest shows the last bit.")
            .about(SEVERAL, STRATA)
            .check(|case| digests(case, false))
            .fault("added by their numbers: federated-softmax/digest-in-fixed-order", |case| digests(case, true))
            .refuted("federated-softmax/digest-in-fixed-order", witness!("federated-softmax-digest-of-any-order")),
        claim("federated-softmax/digest-in-fixed-order")
            .derived("replaces federated-softmax/digest-of-any-order")
            .states("nodes that add up the parts in the order of their numbers come to the same digest, whatever arrives first")
            .formula(r"h\Bigl(\bigoplus_{k = 1}^{n} v_k\Bigr)\ \text{does not depend on the order of arrival}")
            .given("at least 3 rows, f64; SHA-256")
            .note("`solve` and the chain add up in fixed order: the same bits for any number of threads.")
            .about(SEVERAL, STRATA)
            .check(|case| digests(case, true))
            .fault("as they arrive", |case| digests(case, false)),
        claim("federated-softmax/check-cheaper-than-work")
            .derived("Bitcoin's asymmetry, carried over to gradients by Freivalds' check")
            .states("the check u'(A'r) = (A u)'r takes no more multiplications than A'r")
            .formula(r"n d + n + d \le n d")
            .given("counts of multiplications, n rows and d columns of all clients")
            .note("A product of two matrices is checked for less than it costs; a product with a vector is not. Spot checks of steps are what helps.")
            .about(SEVERAL, STRATA)
            .check(cheaper)
            .fault("spot checks: federated-softmax/spot-checks", |case| spot_checks(case, false))
            .refuted("federated-softmax/spot-checks", witness!("federated-softmax-check-cheaper-than-work")),
        claim("federated-softmax/spot-checks")
            .derived("replaces federated-softmax/check-cheaper-than-work: the hypergeometric law")
            .states("v of K steps, drawn without replacement, show one of f forged ones with probability 1 - C(K - f, v) / C(K, v)")
            .formula(r"\Pr[\text{seen}] = 1 - \binom{K - f}{v} \Big/ \binom{K}{v}")
            .given("K <= 12 is N, v the participants, f the stragglers; all subsets")
            .note("At least 1 - (1 - f / K)^v. K = 100, f = 10, v = 10: 0.670, where the other form has 0.651.")
            .about(RACES, strata!(Kind: "several clients" "stragglers"))
            .check(|case| spot_checks(case, false))
            .fault("as of draws with replacement", |case| spot_checks(case, true)),
        claim("federated-softmax/blocks-by-share")
            .derived("Bitcoin's lottery, carried over to gradients as the work")
            .states("a node makes the next block with the probability of its share of the speeds")
            .formula(r"\Pr[\text{node}\ c\ \text{is first}] = \frac{1 / t_c}{\sum_k 1 / t_k}")
            .given("at least two nodes, times t_c for the same gradients without randomness, one fastest")
            .note("A gradient takes its time, and x_(t+1) needs x_t: whoever is fastest is first each time. A lottery of hashes, whose times are exponential, is what makes shares.")
            .about(RACES, strata!(Kind: "several clients"))
            .check(|case| next_block(case, Chance::Share))
            .fault("the fastest: federated-softmax/blocks-of-the-fastest", |case| next_block(case, Chance::Fastest))
            .refuted("federated-softmax/blocks-of-the-fastest", witness!("federated-softmax-blocks-by-share")),
        claim("federated-softmax/blocks-of-the-fastest")
            .derived("replaces federated-softmax/blocks-by-share")
            .states("with gradients as the only work the fastest node makes every block")
            .formula(r"\Pr[\text{node}\ c\ \text{is first}] = 1 \iff t_c = \min_k t_k")
            .given("at least two nodes, times t_c for the same gradients without randomness, one fastest")
            .about(RACES, strata!(Kind: "several clients"))
            .check(|case| next_block(case, Chance::Fastest))
            .fault("its share of the speeds", |case| next_block(case, Chance::Share)),
    ]
}
