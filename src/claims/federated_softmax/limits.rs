//! Where rounds of local steps end, at 40 digits.

use nalgebra::{DMatrix, DVector};

use crate::claims::tools::builder::{claim, strata, witness};
use crate::claims::{Case, CheckError, Claim, OtherCases, Outside, Stratum, Verdict};
use crate::oracle::Reference;
use crate::scalar::{Allowance, High};
use crate::system::Given;

use super::cases::{FederatedCases, Kind};
use super::model::{Model, mean, rounding};

/// `x_inf = x*`, by Newton's method on both.
fn same_point(case: &Case<Given>, steps: Option<usize>) -> Result<Verdict, CheckError> {
    let model = Model::of(case)?;
    if model.convex()?.is_none() {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let minimiser = model.minimiser()?;
    let rest = model
        .rounds(model.step, steps.unwrap_or(model.steps))?
        .rest(&minimiser)?;
    Ok(Verdict::equal(
        "|| x_inf - x* ||",
        (rest.x - &minimiser).norm(),
        High::ZERO,
        after_rounds(&model, High::ONE + minimiser.norm()),
    ))
}

/// What a fixed point is granted: its movement's roundings, over eta mu, which the smallest steps make large.
fn after_rounds(model: &Model, scale: High) -> Allowance<High> {
    &rounding(scale) * model.step.recip().max(High::ONE)
}

/// The distance of both points against `eta^2 L G K (K - 1) / (2 (1 - (1 - eta mu)^K))`, or without its last factor.
fn distance(case: &Case<Given>, in_one_round: bool) -> Result<Verdict, CheckError> {
    let model = Model::of(case)?;
    let Some(curvature) = model.convex()? else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let minimiser = model.minimiser()?;
    let rest = model.rounds(model.step, model.steps)?.rest(&minimiser)?;
    let mut largest = High::ZERO;
    for reference in model.references()? {
        largest = largest.max(reference.loss_and_gradient(&minimiser)?.1.norm());
    }
    let k = model.steps as i64;
    let round = model.step.square() * curvature.largest * largest * High::ratio(k * (k - 1), 2);
    let q = (High::ONE - model.step * curvature.least).powi(k);
    let allowed = if in_one_round {
        round
    } else {
        round / (High::ONE - q)
    };
    let granted = after_rounds(&model, High::ONE + minimiser.norm());
    // With K = 1 both are 0.
    Ok(Verdict::at_most(
        "|| x_inf - x* ||",
        (rest.x - &minimiser).norm(),
        allowed + High::int(2) * granted.size(),
        granted,
    ))
}

/// `x_inf - x*` over eta against `((K - 1 + more) / 2) H^-1 mean_c(H_c g_c)`, for a step of `2^-40 / L`.
fn first_order(case: &Case<Given>, more: i64) -> Result<Verdict, CheckError> {
    let model = Model::of(case)?;
    let Some(curvature) = model.convex()? else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let minimiser = model.minimiser()?;
    let step = High::int(2).powi(-40) / curvature.largest;
    let rest = model.rounds(step, model.steps)?.rest(&minimiser)?;
    let d = minimiser.len();
    let mut hessian = DMatrix::zeros(d, d);
    let mut products = Vec::with_capacity(model.clients.len());
    for reference in model.references()? {
        let here = reference.evaluate(&minimiser)?;
        products.push(&here.hessian * here.gradient);
        hessian += here.hessian;
    }
    let inverse = (hessian / model.count()).try_inverse();
    let Some(inverse) = inverse else {
        return Ok(Verdict::Outside(Outside::Precision));
    };
    let factor = High::ratio(model.steps as i64 - 1 + more, 2);
    let stated = inverse * mean(&products) * factor;
    let found = (rest.x - &minimiser) / step;
    // Second order: about eta L K of it, and what rounding leaves of a point after division by eta twice.
    let size = stated.norm();
    let granted = Allowance::new(
        size.shifted(-9) + (High::ONE + minimiser.norm()).shifted(-36) / step.square(),
        "terms of second order in eta, and 10^3 roundings over eta^2",
    );
    let verdicts = (0..d).map(|j| {
        let name = format!("(x_inf - x*)[{j}] / eta");
        Verdict::equal(&name, found[j], stated[j], granted.clone())
    });
    Ok(verdicts.fold(Verdict::VACUOUS, Verdict::and))
}

/// A round's contraction to its limit: `(1 - eta mu)^K`, or `(1 - eta L)^K`.
fn rate(case: &Case<Given>, fastest: bool) -> Result<Verdict, CheckError> {
    let model = Model::of(case)?;
    let Some(curvature) = model.convex()? else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let rounds = model.rounds(model.step, model.steps)?;
    let rest = rounds.rest(&model.minimiser()?)?.x;
    let bound = if fastest {
        curvature.largest
    } else {
        curvature.least
    };
    let q = (High::ONE - model.step * bound).powi(model.steps as i64);
    let before = (&model.x - &rest).norm();
    Ok(Verdict::at_most(
        "|| x_1 - x_inf ||",
        (rounds.round(&model.x)? - rest).norm(),
        q * before,
        after_rounds(&model, High::ONE + before),
    ))
}

/// `eps || x_0 - x* ||` is reached after `T = ceil(2 ln(1 / eps) / (eta mu K))` rounds, eps = 10^-6. What T rounds leave of the way to
/// `x_inf`, eps^2 of it, is granted.
fn reached(case: &Case<Given>, steps: Option<usize>) -> Result<Verdict, CheckError> {
    let model = Model::of(case)?;
    if model.convex()?.is_none() {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let eps = High::ONE.shifted(-6);
    let minimiser = model.minimiser()?;
    let rest = model
        .rounds(model.step, steps.unwrap_or(model.steps))?
        .rest(&minimiser)?
        .x;
    let left = eps.square() * (&model.x - &rest).norm();
    let granted = Allowance::new(left, "what T rounds leave of the way to their limit");
    Ok(Verdict::at_most(
        "|| x_T - x* ||",
        (rest - &minimiser).norm(),
        eps * (&model.x - &minimiser).norm(),
        granted + after_rounds(&model, High::ONE + minimiser.norm()),
    ))
}

/// A round of corrected local steps from x* ends at x*; without the correction it is a round of plain ones.
fn corrected(case: &Case<Given>, with: bool) -> Result<Verdict, CheckError> {
    let model = Model::of(case)?;
    if model.convex()?.is_none() {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let minimiser = model.minimiser()?;
    let references = model.references()?;
    let gradient =
        |reference: &Reference, x: &DVector<High>| -> Result<DVector<High>, CheckError> {
            Ok(reference.loss_and_gradient(x)?.1)
        };
    let mut own = Vec::with_capacity(references.len());
    for reference in &references {
        own.push(gradient(reference, &minimiser)?);
    }
    let all = mean(&own);
    let mut ends = Vec::with_capacity(references.len());
    for (reference, own) in references.iter().zip(&own) {
        let correction = if with {
            &all - own
        } else {
            DVector::zeros(all.len())
        };
        let mut y = minimiser.clone();
        for _ in 0..model.steps {
            y -= (gradient(reference, &y)? + &correction) * model.step;
        }
        ends.push(y);
    }
    Ok(Verdict::equal(
        "the movement of a round from x*",
        (mean(&ends) - &minimiser).norm(),
        High::ZERO,
        rounding(High::ONE + minimiser.norm()),
    ))
}

/// A round of clients alike is K steps of gradient descent on f.
fn alike(case: &Case<Given>, more: usize) -> Result<Verdict, CheckError> {
    let model = Model::of(case)?;
    let same = model.clients.windows(2).all(|two| {
        two[0].matrix().to_dense() == two[1].matrix().to_dense()
            && two[0].target() == two[1].target()
            && two[0].weights() == two[1].weights()
    });
    if !same || !model.step.is_positive() {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let found = model.rounds(model.step, model.steps)?.round(&model.x)?;
    let descent = Reference::of(&case.instance)?;
    let mut x = model.x.clone();
    for _ in 0..model.steps + more {
        x -= descent.loss_and_gradient(&x)?.1 * model.step;
    }
    Ok(Verdict::equal(
        "|| a round - K steps ||",
        (found - &x).norm(),
        High::ZERO,
        rounding(High::ONE + x.norm()),
    ))
}

const DRIFTING: OtherCases = &FederatedCases::DRIFTING;
const FEW: OtherCases = &FederatedCases {
    cases: 10,
    ..FederatedCases::CONVEX
};
const ALIKE: OtherCases = &FederatedCases {
    kind: Kind::Alike,
    cases: 12,
    ..FederatedCases::CONVEX
};
const STRATA: &[Stratum] = strata!(Kind: "several clients" "d=1" "d=2" "several local steps");

/// The claims about limits.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("federated-softmax/limit-is-the-minimiser")
            .recalled("federated averaging of strongly convex, smooth losses converges linearly")
            .states("rounds of K local steps converge to the minimiser of f")
            .formula(r"x_\infty = \arg\min_x f(x)")
            .given("the premise of federated-softmax/local-steps-contract, 0 < eta <= 1 / L, full participation; attributed, wording not seen in print")
            .note("They do converge linearly, to another point. Both points are found by Newton's method at 40 digits, so that no run has to be waited for. With K = 1, one client, or clients alike they agree.")
            .about(DRIFTING, STRATA)
            .check(|case| same_point(case, None))
            .fault("K = 1: federated-softmax/limit-of-single-steps", |case| same_point(case, Some(1)))
            .refuted("federated-softmax/limit-distance", witness!("federated-softmax-limit-is-the-minimiser")),
        claim("federated-softmax/limit-of-single-steps")
            .derived("a round of one step is a step of gradient descent on f")
            .states("rounds of one local step converge to the minimiser of f")
            .formula(r"K = 1 \implies x_\infty = \arg\min_x f(x)")
            .given("the premise of federated-softmax/local-steps-contract, 0 < eta <= 1 / L, full participation, K = 1 in place of the instance's")
            .about(DRIFTING, STRATA)
            .check(|case| same_point(case, Some(1)))
            .fault("the instance's K", |case| same_point(case, None)),
        claim("federated-softmax/limit-distance")
            .derived("replaces federated-softmax/limit-is-the-minimiser: contraction, and gradients that fall along gradient descent")
            .states("|| x_inf - x* || <= eta^2 L G K (K - 1) / (2 (1 - (1 - eta mu)^K)), G the largest || grad L_c(x*) ||")
            .formula(r"\|x_\infty - x^*\|_2 \le \frac{\eta^2 L\, G\, K (K - 1)}{2 (1 - (1 - \eta \mu)^K)}, \quad G = \max_c \|\nabla L_c(x^*)\|_2")
            .given("the premise of federated-softmax/local-steps-contract, 0 < eta <= 1 / L, full participation")
            .note("An upper bound; federated-softmax/limit-to-first-order is what the distance is for small eta.")
            .about(DRIFTING, STRATA)
            .check(|case| distance(case, false))
            .fault("the drift of one round only", |case| distance(case, true)),
        claim("federated-softmax/limit-to-first-order")
            .derived("expansion of the fixed-point equation in eta")
            .states("x_inf - x* = (eta (K - 1) / 2) H^-1 mean_c(H_c g_c) + O(eta^2), g_c and H_c of L_c at x*, H their mean")
            .formula(r"x_\infty - x^* = \tfrac{\eta (K - 1)}{2}\, H^{-1}\, \frac1N \sum_c H_c\, g_c + O(\eta^2)")
            .given("the premise of federated-softmax/local-steps-contract, full participation; checked for eta = 2^-40 / L to nine digits")
            .note("So the limit is off by K - 1 times the same direction, and only a falling eta, a correction of the drift or second derivatives remove it.")
            .about(DRIFTING, STRATA)
            .check(|case| first_order(case, 0))
            .fault("K in place of K - 1", |case| first_order(case, 1)),
        claim("federated-softmax/rounds-contract-to-their-limit")
            .derived("a mean of contractions")
            .states("a round contracts to its limit: || x_1 - x_inf || <= (1 - eta mu)^K || x_0 - x_inf ||")
            .formula(r"\|x_1 - x_\infty\|_2 \le (1 - \eta \mu)^K\, \|x_0 - x_\infty\|_2")
            .given("the premise of federated-softmax/local-steps-contract, 0 < eta <= 1 / L, full participation")
            .about(FEW, strata!(Kind: "one client" "several clients" "d=1" "d=2"))
            .check(|case| rate(case, false))
            .fault("(1 - eta L)^K", |case| rate(case, true)),
        claim("federated-softmax/rounds-for-any-accuracy")
            .recalled("rounds of order log(1 / eps), read as for every K at a constant step")
            .states("T = ceil(2 ln(1 / eps) / (eta mu K)) rounds lead within eps || x_0 - x* || of the minimiser")
            .formula(r"T = \Bigl\lceil \frac{2 \ln(1/\epsilon)}{\eta \mu K} \Bigr\rceil \implies \|x_T - x^*\|_2 \le \epsilon\, \|x_0 - x^*\|_2")
            .given("the premise of federated-softmax/local-steps-contract, 0 < eta <= 1 / L, full participation, eps = 10^-6; attributed, wording not seen in print")
            .note("No number of rounds does where the limit is farther away than that.")
            .about(DRIFTING, STRATA)
            .check(|case| reached(case, None))
            .fault("K = 1: federated-softmax/rounds-of-single-steps", |case| reached(case, Some(1)))
            .refuted("federated-softmax/rounds-of-single-steps", witness!("federated-softmax-rounds-for-any-accuracy")),
        claim("federated-softmax/rounds-of-single-steps")
            .derived("replaces federated-softmax/rounds-for-any-accuracy")
            .states("T = ceil(2 ln(1 / eps) / (eta mu)) rounds of one step lead within eps || x_0 - x* || of the minimiser")
            .formula(r"K = 1,\ T = \Bigl\lceil \frac{2 \ln(1/\epsilon)}{\eta \mu} \Bigr\rceil \implies \|x_T - x^*\|_2 \le \epsilon\, \|x_0 - x^*\|_2")
            .given("the premise of federated-softmax/local-steps-contract, 0 < eta <= 1 / L, full participation, eps = 10^-6, K = 1 in place of the instance's")
            .about(DRIFTING, STRATA)
            .check(|case| reached(case, Some(1)))
            .fault("the instance's K", |case| reached(case, None)),
        claim("federated-softmax/corrected-steps-rest-at-the-minimiser")
            .derived("the correction of SCAFFOLD and FedLin")
            .states("local steps by grad L_c(y) - grad L_c(x) + grad f(x) leave x* where it is")
            .formula(r"y \leftarrow y - \eta\, \bigl(\nabla L_c(y) - \nabla L_c(x^*) + \nabla f(x^*)\bigr) \implies \frac1N \sum_c y_c = x^*")
            .given("the premise of federated-softmax/local-steps-contract, 0 < eta <= 1 / L, full participation")
            .note("The same traffic as a round of single steps and a round of local ones. `solve --method drift-corrected`.")
            .about(DRIFTING, STRATA)
            .check(|case| corrected(case, true))
            .fault("plain steps", |case| corrected(case, false)),
        claim("federated-softmax/alike-clients")
            .derived("the mean of equal runs")
            .states("clients alike: a round of K local steps is K steps of gradient descent, so it saves rounds and no gradients")
            .formula(r"L_1 = \dots = L_N \implies \frac1N \sum_c T_c^K(x) = (I - \eta \nabla f)^K (x)")
            .given("all clients have the same A, b and w; eta > 0")
            .about(ALIKE, strata!(Kind: "one client" "several clients" "d=1" "d=2" "several local steps"))
            .check(|case| alike(case, 0))
            .fault("K + 1 steps", |case| alike(case, 1)),
    ]
}
