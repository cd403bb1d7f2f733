//! Local steps as maps: contraction, convexity, and what accepted errors add up to.

use nalgebra::{DMatrix, DVector};

use crate::claims::proof::spectrum_theorem;
use crate::claims::tools::attained::at_most_or_equal;
use crate::claims::tools::builder::{claim, strata, witness};
use crate::claims::{Case, CheckError, Claim, OtherCases, Outside, Proof, Stratum, Verdict};
use crate::instance::sample;
use crate::oracle::{Reference, lift_vector, spectrum};
use crate::scalar::{Allowance, High};
use crate::system::Given;

use super::cases::{FederatedCases, Kind};
use super::model::{Curvature, Model, rounding};

/// `max(|1 - eta mu|, |1 - eta L|)`.
fn factor(step: High, curvature: &Curvature) -> High {
    let [low, high] =
        [curvature.least, curvature.largest].map(|bound| (High::ONE - step * bound).abs());
    low.max(high)
}

/// `|| T^K(x) - T^K(y) || <= q^(K + more) || x - y ||` for every client; y is near x and far from it.
fn contraction(case: &Case<Given>, more: i64) -> Result<Verdict, CheckError> {
    let model = Model::of(case)?;
    let Some(curvatures) = model.curvatures(High::ONE)? else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    if !model.step.is_positive() {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let rounds = model.rounds(model.step, model.steps)?;
    let d = model.x.len();
    let drawn = sample::dyadic_vector(&mut case.stream("direction"), d, 1);
    let lifted = lift_vector(&drawn);
    let mut verdict = Verdict::VACUOUS;
    // Along (1, -1, ..) as well, where A = s I_2 has its extremes.
    let alternating = DVector::from_fn(d, |j, _| High::int(1 - 2 * (j as i64 % 2)));
    for (c, curvature) in curvatures.iter().enumerate() {
        let here = rounds.run(c, &model.x)?;
        for way in [
            &lifted,
            &(alternating.clone() * High::lift(2f64.powi(-30))?),
        ] {
            let there = rounds.run(c, &(&model.x + way))?;
            let allowed =
                factor(model.step, curvature).powi(model.steps as i64 + more) * way.norm();
            verdict = verdict.and(at_most_or_equal(
                &format!("|| T^K(x) - T^K(y) || of client {c}"),
                (there - &here).norm(),
                allowed,
                rounding(way.norm() + High::ONE),
            ));
        }
    }
    Ok(verdict)
}

/// Where the share `p_1 = t` of two logits makes the curvature least (sign -1) or largest (1): `t = (9 + sign sqrt 33) / 24`.
fn extreme(sign: i64, scale: High) -> DVector<High> {
    let share = (High::int(9) + High::int(sign) * High::int(33).sqrt()) / High::int(24);
    DVector::from_vec(vec![(share / (High::ONE - share)).ln() / scale, High::ZERO])
}

/// The larger norm of `I - eta Hess` at two points is q, for `A = s I_2`, `b = e_1` and one weight.
fn attained(case: &Case<Given>, moved: High) -> Result<Verdict, CheckError> {
    let model = Model::of(case)?;
    let [client] = &model.clients[..] else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let matrix = client.matrix().to_dense();
    let scale = matrix.get((0, 0)).copied().unwrap_or(0.0);
    let fits = scale > 0.0
        && matrix == DMatrix::identity(2, 2) * scale
        && client.target().as_slice() == [1.0, 0.0]
        && client.weights().min() == client.weights().max();
    let whole = if fits { model.convex()? } else { None };
    let Some(curvature) = whole else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let reference = Reference::new(client)?;
    let mut largest = High::ZERO;
    for sign in [-1, 1] {
        let mut x = extreme(sign, High::lift(scale)?);
        x[0] += moved;
        let hessian = reference.evaluate(&x)?.hessian;
        let map = DMatrix::identity(2, 2) - hessian * model.step;
        let (low, high) = spectrum::extremes(&map)?;
        largest = largest.max(low.abs()).max(high.abs());
    }
    Ok(Verdict::equal(
        "max || I - eta Hess L ||",
        largest,
        factor(model.step, &curvature),
        rounding(High::ONE),
    ))
}

/// What is said of the least eigenvalue.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Convex {
    /// It is positive, whatever the weights.
    Always,
    /// It is at least the mean of `(min w_c^2 - lambda / share) sigma_min(A_c)^2`.
    WithWeights(i64),
}

/// The least eigenvalue of `Hess f` at x.
fn convexity(case: &Case<Given>, which: Convex) -> Result<Verdict, CheckError> {
    let model = Model::of(case)?;
    let low = match which {
        Convex::Always => {
            let fits = model.clients.iter().all(|client| {
                let length: f64 = client.target().iter().map(|b| b.abs()).sum();
                client.rows() >= client.columns() && length <= 1.0
            });
            fits.then_some(High::ZERO)
        }
        Convex::WithWeights(share) => model
            .curvatures(High::ratio(1, share))?
            .map(|all| all.iter().map(|own| own.least).sum::<High>() / model.count()),
    };
    let Some(low) = low else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let hessian = Reference::of(&case.instance)?.evaluate(&model.x)?.hessian;
    let (found, _, off) = spectrum::extremes_with_bound(&hessian)?;
    let size = hessian.norm() + low.abs() + off.shifted(28);
    let name = "the least eigenvalue of Hess f";
    Ok(match which {
        Convex::Always => {
            Verdict::at_least(name, found, -rounding(size).size(), Allowance::NOTHING)
        }
        // A bound that is attained.
        Convex::WithWeights(_) => {
            at_most_or_equal(&format!("the bound of {name}"), low, found, rounding(size))
        }
    })
}

/// Gradient descent with gradients that are off by tau, always away from the honest run, ends at most `eta tau (1 - q^T) / (1 - q)` from
/// it after T steps; with `one_step` it is said to be `eta tau`.
fn drift(case: &Case<Given>, one_step: bool) -> Result<Verdict, CheckError> {
    /// Steps that are compared.
    const STEPS: i64 = 6;
    let model = Model::of(case)?;
    let Some(curvature) = model.convex()? else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let tau = High::ratio(1, 1024);
    let q = factor(model.step, &curvature);
    let reference = Reference::of(&case.instance)?;
    let (mut honest, mut forged) = (model.x.clone(), model.x.clone());
    let first = DVector::from_fn(
        honest.len(),
        |j, _| if j == 0 { High::ONE } else { High::ZERO },
    );
    for _ in 0..STEPS {
        let apart = &forged - &honest;
        let length = apart.norm();
        let way = if length.is_positive() {
            apart / length
        } else {
            first.clone()
        };
        let (_, true_gradient) = reference.loss_and_gradient(&honest)?;
        let (_, gradient) = reference.loss_and_gradient(&forged)?;
        honest -= true_gradient * model.step;
        forged -= (gradient - way * tau) * model.step;
    }
    let sum = if one_step {
        High::ONE
    } else {
        (High::ONE - q.powi(STEPS)) / (High::ONE - q)
    };
    Ok(Verdict::at_most(
        "the distance to the honest run after 6 steps",
        (forged - honest).norm(),
        model.step * tau * sum,
        rounding(model.step * tau * High::int(STEPS)),
    ))
}

const CONVEX: OtherCases = &FederatedCases::CONVEX;
const ANY: OtherCases = &FederatedCases::ANY;
const PAIR: OtherCases = &FederatedCases {
    kind: Kind::Pair,
    cases: 12,
    ..FederatedCases::CONVEX
};
const FEW: OtherCases = &FederatedCases {
    cases: 12,
    ..FederatedCases::CONVEX
};
const STRATA: &[Stratum] = strata!(Decade("w^2"): 0 1; Kind: "one client" "several clients" "d=1" "d=2" "one local step" "several local steps");
const PAIRS: &[Stratum] = strata!(Decade("w^2"): 0 1 2; Kind: "one client" "d=2" "one local step");

/// The claims about contraction and convexity.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("federated-softmax/local-steps-contract")
            .derived("Theorem 1 (docs/sharp-constants.md): mu_c <= Hess L_c <= L_c everywhere, and a mean value along the segment")
            .states("K local steps contract: || T_c^K(x) - T_c^K(y) || <= q^K || x - y ||, q = max(|1 - eta mu_c|, |1 - eta L_c|)")
            .formula(r"\|T_c^K(x) - T_c^K(y)\|_2 \le q^K \|x - y\|_2, \quad q = \max(|1 - \eta \mu_c|, |1 - \eta L_c|), \quad \mu_c = (\min w_c^2 - \lambda)\, \sigma_{\min}(A_c)^2, \quad L_c = (\max w_c^2 + \Lambda)\, \sigma_{\max}(A_c)^2")
            .given("||b_c||_1 <= 1, min w_c^2 > lambda = (55 sqrt 33 - 39) / 1152, full column rank, eta > 0; Lambda = (55 sqrt 33 + 39) / 1152")
            .note("Holds from every start, and needs no bound on x or n. The least q is (L - mu) / (L + mu), at eta = 2 / (mu + L). Sharp: federated-softmax/contraction-attained.")
            .about(CONVEX, STRATA)
            .check(|case| contraction(case, 0))
            .fault("q^(K + 1)", |case| contraction(case, 1))
            .proven(Proof::by_spectrum(spectrum_theorem)),
        claim("federated-softmax/contraction-attained")
            .derived("the points where Theorem 1 is attained, n = 2")
            .states("for A = s I_2, b = e_1 and one weight the factor q is attained: max || I - eta Hess L || over the two points p_1 = (9 -+ sqrt 33) / 24 is max(|1 - eta mu|, |1 - eta L|)")
            .formula(r"\max_{p_1 = (9 \mp \sqrt{33}) / 24} \|I - \eta \nabla^2 L\|_2 = \max(|1 - \eta \mu|, |1 - \eta L|)")
            .given("A = s I_2, s > 0, b = e_1, one weight with w^2 > lambda, eta <= 1 / L")
            .note("So no smaller q holds for all instances, for any eta.")
            .about(PAIR, PAIRS)
            .check(|case| attained(case, High::ZERO))
            .fault("a quarter beside the points", |case| attained(case, High::ratio(1, 4))),
        claim("federated-softmax/convex-without-weights")
            .recalled("linear rates of federated averaging are for strongly convex losses")
            .states("Hess f is positive semidefinite for softmax regression with A_c of full rank, whatever the weights")
            .formula(r"\nabla^2 f(x) \succeq 0")
            .given("||b_c||_1 <= 1, n_c >= d; attributed, wording not seen in print")
            .note("A = I_2, b = e_1 without weights has the eigenvalue -lambda = -0.2404 at p_1 = (9 - sqrt 33) / 24; with A = s I_2 it is -lambda s^2.")
            .about(ANY, strata!(Kind: "no weight" "one client" "several clients" "d=1" "d=2"))
            .check(|case| convexity(case, Convex::Always))
            .fault("where w^2 > lambda: federated-softmax/convex-with-weights", |case| convexity(case, Convex::WithWeights(1)))
            .refuted("federated-softmax/convex-with-weights", witness!("federated-softmax-convex-without-weights")),
        claim("federated-softmax/convex-with-weights")
            .derived("replaces federated-softmax/convex-without-weights: Theorem 1, client by client")
            .states("Hess f >= (1/N) sum_c (min w_c^2 - lambda) sigma_min(A_c)^2 I")
            .formula(r"\nabla^2 f(x) \succeq \frac1N \sum_c (\min w_c^2 - \lambda)\, \sigma_{\min}(A_c)^2\, I")
            .given("||b_c||_1 <= 1, min w_c^2 > lambda, full column rank of every A_c")
            .note("Attained for one client with A = s I_2, b = e_1, so w^2 > lambda is necessary.")
            .about(PAIR, PAIRS)
            .check(|case| convexity(case, Convex::WithWeights(1)))
            .fault("half of lambda", |case| convexity(case, Convex::WithWeights(2)))
            .proven(Proof::by_spectrum(spectrum_theorem)),
        claim("federated-softmax/tolerated-errors-add-up")
            .derived("a sum of a geometric series")
            .states("a verifier that accepts gradients within tau is led at most eta tau (1 - q^T) / (1 - q) astray in T steps, so at most eta tau / (1 - q) ever")
            .formula(r"\|\hat x_T - x_T\|_2 \le \eta \tau\, \frac{1 - q^T}{1 - q}, \quad q = \max(|1 - \eta \mu|, |1 - \eta L|)")
            .given("the premise of federated-softmax/local-steps-contract, eta <= 1 / L; T = 6, tau = 1/1024, always away from the honest run")
            .note("Attained in one dimension with constant curvature. Without a contraction the error grows with T.")
            .about(FEW, strata!(Kind: "one client" "several clients" "d=1" "d=2"))
            .check(|case| drift(case, false))
            .fault("eta tau, as of a single step", |case| drift(case, true)),
    ]
}
