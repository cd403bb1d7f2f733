//! Whether a dishonest chain catches up.

use crate::claims::tools::builder::{claim, strata, witness};
use crate::claims::{Case, CheckError, Claim, OtherCases, Outside, Stratum, Verdict};
use crate::production::chain::{catch_up, poisson_form};
use crate::scalar::{Allowance, High};
use crate::system::Given;

use super::cases::FederatedCases;

/// Confirmations beyond which lattices are too large here.
const MOST_BLOCKS: usize = 64;

/// The attacker's share q = stragglers / N and the confirmations z = K, where `0 < q < 1/2`.
fn race(given: &Given) -> Option<(High, usize)> {
    let (count, blocks) = (given.size("N"), given.size("K"));
    let attackers = given.scalar("stragglers") as usize;
    let fits = attackers > 0 && 2 * attackers < count && blocks <= MOST_BLOCKS;
    fits.then(|| (High::ratio(attackers as i64, count as i64), blocks))
}

/// The probability, from the race itself: paths on the lattice of blocks until the honest chain has z, then what is missing is made up
/// with probability `(q / p)^missing`, the solution of `r_k = p r_(k+1) + q r_(k-1)` that vanishes far away.
fn raced(q: High, blocks: usize) -> High {
    let p = High::ONE - q;
    // How likely the race passes (h, k), k = 0 .. z - 1, for h = 0.
    let mut passes: Vec<High> = (0..blocks).map(|k| q.powi(k as i64)).collect();
    for _ in 1..blocks {
        let mut before = High::ZERO;
        for at in &mut passes {
            *at = p * *at + q * before;
            before = *at;
        }
    }
    let escapes: High = passes
        .iter()
        .enumerate()
        .map(|(k, at)| *at * p * (High::ONE - (q / p).powi((blocks - k) as i64)))
        .sum();
    High::ONE - escapes
}

/// `I_(4 p q)(z, 1/2)`, by its series in `x = 4 p q`, whose terms are all positive.
fn incomplete_beta(q: High, blocks: usize) -> High {
    let z = High::int(blocks as i64);
    let half = High::ratio(1, 2);
    let x = High::int(4) * q * (High::ONE - q);
    // B(1, 1/2) = 2, B(z + 1, 1/2) = B(z, 1/2) z / (z + 1/2).
    let beta = (1..blocks as i64).fold(High::int(2), |beta, k| {
        beta * High::int(k) / (High::int(k) + half)
    });
    let (mut term, mut sum) = (High::ONE, High::ZERO);
    let mut j = z;
    while term > sum.shifted(-42) {
        sum += term;
        term = term * x * (j + half) / (j + High::ONE);
        j += High::ONE;
    }
    x.powi(blocks as i64) * (High::ONE - x).sqrt() / (z * beta) * sum
}

/// What is held against the race.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Beta,
    Program,
    Poisson,
}

fn equals(case: &Case<Given>, form: Form) -> Result<Verdict, CheckError> {
    let Some((q, blocks)) = race(&case.instance) else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let truth = raced(q, blocks);
    let stated = match form {
        Form::Beta => incomplete_beta(q, blocks),
        Form::Program => catch_up(q, blocks as u64),
        Form::Poisson => poisson_form(q, blocks as u64),
    };
    Ok(Verdict::equal(
        "P[the attacker catches up]",
        stated,
        truth,
        Allowance::new(
            High::ONE.shifted(-34),
            "10^5 roundings of sums of at most 1, and the end of a series",
        ),
    ))
}

/// Nakamoto's form is no less than the probability.
fn poisson(case: &Case<Given>) -> Result<Verdict, CheckError> {
    let Some((q, blocks)) = race(&case.instance) else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    Ok(Verdict::at_most(
        "P[the attacker catches up]",
        raced(q, blocks),
        poisson_form(q, blocks as u64),
        Allowance::new(
            High::ONE.shifted(-34),
            "10^5 roundings of sums of at most 1",
        ),
    ))
}

const RACES: OtherCases = &FederatedCases {
    cases: 40,
    ..FederatedCases::RACE
};
const STRATA: &[Stratum] = strata!(Kind: "stragglers" "one local step" "several local steps");

/// The claims about races.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("federated-softmax/catch-up-by-poisson")
            .recalled("Nakamoto's estimate, which a chain of gradients operating like Bitcoin inherits")
            .states("an attacker with the share q catches up from z blocks with at most Nakamoto's Poisson probability")
            .formula(r"P \le 1 - \sum_{k = 0}^{z} \frac{\lambda^k e^{-\lambda}}{k!} \Bigl(1 - \bigl(\tfrac{q}{p}\bigr)^{z - k}\Bigr), \quad \lambda = z\, \tfrac{q}{p}")
            .given("0 < q = stragglers / N < 1/2, z = K; attributed, wording not seen in print")
            .note("Too small where it matters: for q = 0.1, z = 5 it is 9.1e-4, the probability 1.78e-3. Less than 0.1 % take 5 blocks by it and 6 in truth for q = 0.1, 89 and 133 for q = 0.4.")
            .about(RACES, STRATA)
            .check(poisson)
            .fault("the exact form: federated-softmax/catch-up-exact", |case| equals(case, Form::Beta))
            .refuted("federated-softmax/catch-up-exact", witness!("federated-softmax-catch-up-by-poisson")),
        claim("federated-softmax/catch-up-exact")
            .derived("replaces federated-softmax/catch-up-by-poisson; Grunspan and Perez-Marco (arXiv 1702.02867), whose form it is")
            .states("an attacker with the share q catches up from z blocks with probability I_(4 p q)(z, 1/2)")
            .formula(r"P = I_{4 p q}\bigl(z, \tfrac12\bigr), \quad p = 1 - q")
            .given("0 < q = stragglers / N < 1/2, z = K")
            .note("Held against paths on the lattice of blocks at 40 digits. For q >= 1/2 the probability is 1, for z = 0 as well.")
            .about(RACES, STRATA)
            .check(|case| equals(case, Form::Beta))
            .fault("Nakamoto's Poisson form", |case| equals(case, Form::Poisson)),
        claim("federated-softmax/catch-up-as-computed")
            .derived("sums of positive terms")
            .states("`attreg catch-up` has this probability to 30 digits")
            .formula(r"P = \sum_{k < z} \binom{k + z - 1}{k}\, q^z p^k + \sum_{k \ge z} \binom{k + z - 1}{k}\, p^z q^k")
            .given("0 < q = stragglers / N < 1/2, z = K")
            .about(RACES, STRATA)
            .check(|case| equals(case, Form::Program))
            .fault("Nakamoto's Poisson form", |case| equals(case, Form::Poisson)),
    ]
}
