//! Who takes part: rows split among clients, clients drawn, clients late.

use nalgebra::DVector;

use crate::claims::tools::builder::{claim, strata, witness};
use crate::claims::{Case, CheckError, Claim, Exact, OtherCases, Outside, Stratum, Verdict};
use crate::instance::{DesignMatrix, Instance, LossKind};
use crate::oracle::Reference;
use crate::scalar::{Allowance, High};
use crate::system::Given;

use super::cases::{FederatedCases, Kind};
use super::model::{Model, mean, rounding, subsets};

/// Clients beyond which subsets are too many here.
const MOST_CLIENTS: usize = 12;

/// All rows as one instance.
fn whole(model: &Model) -> Result<Instance, CheckError> {
    let rows: Vec<Vec<f64>> = model
        .clients
        .iter()
        .flat_map(|client| {
            let a = client.matrix().to_dense();
            let rows: Vec<Vec<f64>> = a
                .row_iter()
                .map(|row| row.iter().copied().collect())
                .collect();
            rows
        })
        .collect();
    let joined = |part: fn(&Instance) -> &DVector<f64>| {
        let entries = model
            .clients
            .iter()
            .flat_map(|client| part(client).iter().copied());
        DVector::from_iterator(rows.len(), entries)
    };
    let (target, weights) = (joined(Instance::target), joined(Instance::weights));
    let matrix = DesignMatrix::from_rows(&rows)?;
    Ok(Instance::new(LossKind::Softmax, matrix, target, weights)?)
}

/// Which sum over the clients is compared with the gradient of all rows together.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Split {
    /// Of their own gradients.
    Losses,
    /// `A_c' (p_c o (p_c - b_c - s) + w^2 o z)` with the common normaliser in `p_c`, and the common `s = sum_c <p_c, p_c - b_c>`.
    CommonNormaliser,
}

fn split(case: &Case<Given>, which: Split) -> Result<Verdict, CheckError> {
    let model = Model::of(case)?;
    if model.clients.len() < 2 {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let (_, truth) = Reference::new(&whole(&model)?)?.loss_and_gradient(&model.x)?;
    let mut exacts = Vec::with_capacity(model.clients.len());
    for client in &model.clients {
        exacts.push(Exact::at(client, model.x.clone())?);
    }
    let stated = match which {
        Split::Losses => mean(&model.gradients()?) * model.count(),
        Split::CommonNormaliser => {
            let exponentials: Vec<DVector<High>> =
                exacts.iter().map(|exact| exact.z.map(High::exp)).collect();
            let total: High = exponentials.iter().map(|own| own.sum()).sum();
            let p: Vec<DVector<High>> = exponentials.into_iter().map(|own| own / total).collect();
            let s: High = p
                .iter()
                .zip(&exacts)
                .map(|(p, exact)| p.dot(&(p - &exact.b)))
                .sum();
            p.iter()
                .zip(&exacts)
                .map(|(p, exact)| {
                    let centred = (p - &exact.b).add_scalar(-s);
                    let ridge = exact.squared_weights().component_mul(&exact.z);
                    exact.a.tr_mul(&(p.component_mul(&centred) + ridge))
                })
                .fold(DVector::zeros(model.x.len()), |sum, own| sum + own)
        }
    };
    let size: High = exacts
        .iter()
        .map(|exact| {
            exact.a.norm()
                * (High::ONE + exact.b.norm() + exact.squared_weights().norm() * exact.z.norm())
        })
        .sum();
    Ok(Verdict::equal(
        "|| sum over the clients - grad L ||",
        (stated - truth).norm(),
        High::ZERO,
        rounding(size),
    ))
}

/// The mean over all choices of m clients of the squared distance of their mean gradient from the mean of all is
/// `(N - m) / (m (N - 1)) S^2`; with replacement `S^2 / m`.
fn variance(case: &Case<Given>, replaced: bool) -> Result<Verdict, CheckError> {
    let model = Model::of(case)?;
    let (n, m) = (
        model.clients.len(),
        case.instance.scalar("participants") as usize,
    );
    if !(2..=MOST_CLIENTS).contains(&n) || !(1..=n).contains(&m) {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let gradients = model.gradients()?;
    let all = mean(&gradients);
    let squared = |vector: &DVector<High>| (vector - &all).norm_squared();
    let spread: High = gradients.iter().map(squared).sum::<High>() / model.count();
    let choices = subsets(n, m);
    let mut found = High::ZERO;
    let mut centre = DVector::zeros(all.len());
    for chosen in &choices {
        let own: Vec<DVector<High>> = chosen.iter().map(|c| gradients[*c].clone()).collect();
        let own = mean(&own);
        found += squared(&own);
        centre += own;
    }
    let choices = High::int(choices.len() as i64);
    let factor = if replaced {
        High::ratio(1, m as i64)
    } else {
        High::ratio((n - m) as i64, (m * (n - 1)) as i64)
    };
    let size = High::ONE + all.norm_squared() + spread;
    let unbiased = Verdict::equal(
        "|| mean of the means - mean ||",
        (centre / choices - &all).norm(),
        High::ZERO,
        rounding(size),
    );
    let variance = Verdict::equal("variance", found / choices, factor * spread, rounding(size));
    Ok(unbiased.and(variance))
}

/// The minimiser without the last `stragglers` clients is that of all.
fn always_late(case: &Case<Given>) -> Result<Verdict, CheckError> {
    let model = Model::of(case)?;
    let heard = model
        .clients
        .len()
        .checked_sub(case.instance.scalar("stragglers") as usize);
    let heard = heard.filter(|heard| (1..model.clients.len()).contains(heard));
    let (Some(heard), Some(_)) = (heard, model.convex()?) else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let all = model.minimiser()?;
    let some = model.minimiser_of(&model.clients[..heard])?;
    Ok(Verdict::equal(
        "|| x*(without the late) - x* ||",
        (some - &all).norm(),
        High::ZERO,
        rounding(High::ONE + all.norm()),
    ))
}

/// Where all are equally often late, the mean movement of a round over all choices is that of all clients; the fault has the last
/// ones late each time.
fn late_at_random(case: &Case<Given>, same: bool) -> Result<Verdict, CheckError> {
    let model = Model::of(case)?;
    let n = model.clients.len();
    let heard = n.checked_sub(case.instance.scalar("stragglers") as usize);
    let heard = heard.filter(|heard| (1..=n).contains(heard) && n <= MOST_CLIENTS);
    let Some(heard) = heard.filter(|_| model.step.is_positive()) else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let rounds = model.rounds(model.step, model.steps)?;
    let mut movements = Vec::with_capacity(n);
    for c in 0..n {
        movements.push(rounds.run(c, &model.x)? - &model.x);
    }
    let choices = if same {
        vec![(0..heard).collect()]
    } else {
        subsets(n, heard)
    };
    let means: Vec<DVector<High>> = choices
        .iter()
        .map(|chosen| {
            let own: Vec<DVector<High>> = chosen.iter().map(|c| movements[*c].clone()).collect();
            mean(&own)
        })
        .collect();
    let all = mean(&movements);
    let size = High::ONE + model.x.norm() + all.norm();
    Ok(Verdict::equal(
        "|| mean movement - movement of all ||",
        (mean(&means) - all).norm(),
        High::ZERO,
        rounding(size),
    ))
}

/// `H_n - H_late`, the mean time until all but `late` of n exponential clients of mean 1 are in, against inclusion and exclusion over
/// who is.
fn waiting(case: &Case<Given>, fewer: i64) -> Result<Verdict, CheckError> {
    let n = case.instance.size("N") as i64;
    let late = case.instance.scalar("stragglers") as i64;
    if !(0..n).contains(&late) || n > MOST_CLIENTS as i64 {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let harmonic = |to: i64| (1..=to).map(|k| High::ratio(1, k)).sum::<High>();
    let choose = |all: i64, some: i64| {
        (0..some).fold(High::ONE, |value, k| {
            value * High::int(all - k) / High::int(k + 1)
        })
    };
    // E[k-th of n] = sum_(j > n - k) (-1)^(j - n + k - 1) C(j - 1, n - k) C(n, j) / j, k = n - late.
    let truth: High = (late + 1..=n)
        .map(|j| {
            let sign = if (j - late - 1) % 2 == 0 {
                High::ONE
            } else {
                -High::ONE
            };
            sign * choose(j - 1, late) * choose(n, j) / High::int(j)
        })
        .sum();
    let granted = Allowance::new(
        High::ONE.shifted(-30),
        "100 roundings of binomial coefficients up to 10^6",
    );
    Ok(Verdict::equal(
        "E[time]",
        harmonic(n) - harmonic(late - fewer),
        truth,
        granted,
    ))
}

const SEVERAL: OtherCases = &FederatedCases {
    kind: Kind::Any,
    least: 2,
    steps: 1,
    cases: 24,
};
const MANY: OtherCases = &FederatedCases {
    least: 3,
    cases: 12,
    ..FederatedCases::DRIFTING
};
const RACES: OtherCases = &FederatedCases::RACE;
const STRATA: &[Stratum] = strata!(Kind: "several clients" "d=1" "d=2");

/// The claims about who takes part.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("federated-softmax/rows-split-among-clients")
            .derived("what splitting data among clients suggests")
            .states("the losses of clients that hold parts of the rows add up to the loss of all rows")
            .formula(r"\sum_c \nabla L_c(x) = \nabla L(x), \quad A = (A_1; \dots; A_N)")
            .given("at least two clients; compared by gradients")
            .note("The normaliser of softmax couples all rows, so it is another problem with another minimiser.")
            .about(SEVERAL, STRATA)
            .check(|case| split(case, Split::Losses))
            .fault("a common normaliser: federated-softmax/rows-split-with-normaliser", |case| split(case, Split::CommonNormaliser))
            .refuted("federated-softmax/rows-split-with-normaliser", witness!("federated-softmax-rows-split-among-clients")),
        claim("federated-softmax/rows-split-with-normaliser")
            .derived("replaces federated-softmax/rows-split-among-clients")
            .states("with the common normaliser and the common <p, p - b>, two numbers each, the clients' parts add up to the gradient of all rows")
            .formula(r"\nabla L(x) = \sum_c A_c^\top \bigl(p_c \circ (p_c - b_c - s) + w_c^2 \circ A_c x\bigr), \quad p_c = \frac{e^{A_c x}}{\sum_k \langle e^{A_k x}, 1 \rangle}, \quad s = \sum_c \langle p_c, p_c - b_c \rangle")
            .given("at least two clients")
            .about(SEVERAL, STRATA)
            .check(|case| split(case, Split::CommonNormaliser))
            .fault("each client's own normaliser", |case| split(case, Split::Losses)),
        claim("federated-softmax/variance-of-participation")
            .derived("sampling without replacement")
            .states("the mean of m clients drawn from N is unbiased, with the variance (N - m) / (m (N - 1)) S^2, S^2 the mean square of the clients' distances from their mean")
            .formula(r"\mathbb{E}\, \|\bar g_m - \bar g\|_2^2 = \frac{N - m}{m (N - 1)}\, S^2, \quad S^2 = \frac1N \sum_c \|g_c - \bar g\|_2^2")
            .given("2 <= N <= 12, m the instance's participants; gradients at x, all subsets")
            .note("With fewer than all clients a round, steps of constant length keep a part of noise of the order eta S^2 / mu.")
            .about(SEVERAL, STRATA)
            .check(|case| variance(case, false))
            .fault("S^2 / m, as for draws with replacement", |case| variance(case, true)),
        claim("federated-softmax/the-same-clients-late")
            .recalled("a round closes when N - s differences have come")
            .states("clients that are never waited for leave the minimiser where it is")
            .formula(r"\arg\min_x \sum_{c \le N - s} L_c(x) = \arg\min_x \sum_{c \le N} L_c(x)")
            .given("the premise of federated-softmax/local-steps-contract, s the instance's stragglers, 1 <= s < N, always the last ones; attributed, wording not seen in print")
            .note("Lateness has to be independent of the client.")
            .about(MANY, strata!(Kind: "several clients" "stragglers"))
            .check(always_late)
            .fault("late at random, in the mean: federated-softmax/late-at-random", |case| late_at_random(case, false))
            .refuted("federated-softmax/late-at-random", witness!("federated-softmax-the-same-clients-late")),
        claim("federated-softmax/late-at-random")
            .derived("replaces federated-softmax/the-same-clients-late")
            .states("where every choice of late clients is equally likely, the mean movement of a round is that of all clients")
            .formula(r"\binom{N}{s}^{-1} \sum_{|C| = N - s} \frac{1}{N - s} \sum_{c \in C} (T_c^K(x) - x) = \frac1N \sum_c (T_c^K(x) - x)")
            .given("0 <= s < N <= 12, eta > 0; all choices")
            .about(MANY, strata!(Kind: "several clients" "stragglers"))
            .check(|case| late_at_random(case, false))
            .fault("the last ones late each time", |case| late_at_random(case, true)),
        claim("federated-softmax/waiting-time")
            .derived("order statistics of exponential times")
            .states("waiting for the first N - s of N clients with exponential times of mean 1 takes H_N - H_s in the mean")
            .formula(r"\mathbb{E}\, T_{(N - s)} = H_N - H_s, \quad H_k = \sum_{j \le k} \tfrac1j")
            .given("0 <= s < N <= 12, s the instance's stragglers")
            .note("Ten clients: 2.929, without the last 1.929, without the last three 1.096. One client that is not waited for saves a third.")
            .about(RACES, strata!(Kind: "several clients" "stragglers"))
            .check(|case| waiting(case, 0))
            .fault("H_N - H_(s-1)", |case| waiting(case, 1)),
    ]
}
