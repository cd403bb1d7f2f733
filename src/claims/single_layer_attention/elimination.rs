//! Y eliminated by least squares: the gradient of what is left, and where a run may start.

use nalgebra::DMatrix;

use crate::claims::tools::attained::at_most_or_equal;
use crate::claims::tools::builder::{claim, strata, witness};
use crate::claims::tools::exact::unit;
use crate::claims::tools::loewner::Certified;
use crate::claims::{Case, CheckError, Claim, OtherCases, Outside, Stratum, Verdict};
use crate::oracle::{Graph, Node, Reference, spectrum};
use crate::scalar::{Allowance, High};
use crate::system::{Array, Given};

use super::cases::AttentionCases;
use super::model::{Model, point, unknowns};
use super::thresholds::regularised;

/// `min_Y L` as an expression of X where A3 has one column a: `0.5 sum b^2 - 0.5 sum_i <g, b_i>^2 / (<g, g> + mu <a, a>)` with
/// `g = F a`, and the weights' part.
fn eliminated(model: &Model<High>, b: &DMatrix<High>, dimension: usize) -> Reference {
    let mut graph = Graph::new();
    let d2 = model.a2.ncols();
    let variables: Vec<Node> = (0..dimension).map(|k| graph.variable(k)).collect();
    let (mut mixed, mut parts) = (Vec::new(), Vec::new());
    for (j, a) in model.a1.row_iter().enumerate() {
        let logits: Vec<Node> = model
            .a2
            .row_iter()
            .map(|key| {
                let terms: Vec<(High, Node)> = variables
                    .iter()
                    .enumerate()
                    .map(|(k, x)| (a[k / d2] * key[k % d2], *x))
                    .collect();
                graph.weighted_sum(&terms)
            })
            .collect();
        let powers: Vec<Node> = logits.iter().map(|z| graph.exp(*z)).collect();
        let total = graph.sum(&powers);
        let values = model.a3.column(0);
        let terms: Vec<(High, Node)> = values.iter().copied().zip(powers).collect();
        let weighted = graph.weighted_sum(&terms);
        mixed.push(graph.quotient(weighted, total));
        for (k, logit) in logits.iter().enumerate() {
            let square = graph.power(*logit, 2);
            parts.push((model.squares[(j, k)] * High::ratio(1, 2), square));
        }
    }
    let squares: Vec<Node> = mixed.iter().map(|g| graph.power(*g, 2)).collect();
    let fixed = graph.constant(model.ridge * model.a3.norm_squared());
    let seen = graph.sum(&squares);
    let seen = graph.sum(&[seen, fixed]);
    for target in b.column_iter() {
        let terms: Vec<(High, Node)> = target.iter().copied().zip(mixed.iter().copied()).collect();
        let product = graph.weighted_sum(&terms);
        let square = graph.power(product, 2);
        parts.push((High::ratio(-1, 2), graph.quotient(square, seen)));
    }
    let loss = graph.weighted_sum(&parts);
    Reference::from_graph(graph, loss, dimension)
}

/// The gradient of `min_Y L(X, Y)` is dL/dX at the minimising Y; the fault takes the case's own Y.
fn reduced_gradient(case: &Case<Given>, at_given: bool) -> Result<Verdict, CheckError> {
    let given = &case.instance;
    let mut model = Model::of(case)?;
    if model.a3.ncols() != 1 {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let mixed = &model.f * model.a3.column(0);
    let seen = mixed.norm_squared() + model.ridge * model.a3.norm_squared();
    let sizes = &model.f * model.a3.column(0).abs();
    if seen <= sizes.norm_squared().shifted(-6) {
        // Next to a point at which Y jumps.
        return Ok(Verdict::Outside(Outside::Precision));
    }
    let b = given
        .matrix("B", "n", "m")
        .map(|entry| High::lift(entry).unwrap_or(High::POISONED));
    let (x, mut y) = unknowns(given, &point(case));
    let dimension = x.len();
    if !at_given {
        y = DMatrix::from_rows(&[mixed.tr_mul(&b) / seen]);
    }
    model.h = &model.a3 * &y;
    model.c = &model.f * &model.h - &b;
    let at = point(case).rows(0, dimension).into_owned();
    let truth = eliminated(&model, &b, dimension)
        .enclose(&at, High::ZERO)?
        .gradient;
    let mut magnitudes = model.sizes(case);
    magnitudes.h = model.h.abs();
    magnitudes.c = &model.f * &magnitudes.h + b.abs();
    // Y is off by the rounding of g, 10^6 times its own at most.
    let roundings = Model::roundings(&magnitudes) * High::ONE.shifted(6);
    let (stated, scale) = (model.gradient_x(), magnitudes.gradient_x());
    let mut verdict = Verdict::VACUOUS;
    for (k, ball) in truth.into_iter().enumerate() {
        let (i, j) = (k / x.ncols(), k % x.ncols());
        verdict = verdict.and(Verdict::equal(
            &format!("grad f[{i}, {j}]"),
            stated[(i, j)],
            ball.midpoint(),
            &roundings * scale[(i, j)] + Allowance::new(ball.radius(), "the oracle's enclosure"),
        ));
    }
    Ok(verdict)
}

/// The block of the Hessian in the first column of Y, at X = 0 without weights, with this ridge.
fn block_of_values(case: &Case<Given>, ridge: f64) -> Result<Certified, CheckError> {
    let given = &case.instance;
    let [d1, d2, d3, m] = ["d1", "d2", "d3", "m"].map(|side| given.size(side));
    let bare = regularised(given, Array::scalar(0.0), ridge)?;
    let mut at = point(case);
    at.rows_mut(0, d1 * d2).fill(High::ZERO);
    let whole = Certified::of(&Reference::of(&bare)?, &at)?;
    let rows = |k: usize| d1 * d2 + k * m;
    Ok(Certified {
        hessian: DMatrix::from_fn(d3, d3, |k, l| whole.hessian[(rows(k), rows(l))]),
        error: whole.error,
    })
}

/// At X = 0: `(F A3)'F A3 + mu A3'A3 >= factor mu sigma_min(A3)^2`, and more than nothing of A3'A3; outside where A3 has not full
/// column rank.
fn start_at_zero(case: &Case<Given>, ridge: f64, factor: i64) -> Result<Verdict, CheckError> {
    let model = Model::of(case)?;
    let values = spectrum::singular_values(&model.a3)?;
    let least = values[values.len() - 1];
    if model.a3.nrows() < model.a3.ncols() || least <= values[0].shifted(-12) {
        return Ok(Verdict::Outside(Outside::Rank));
    }
    let mean = model.a3.row_sum().norm() / High::int(model.a3.nrows() as i64);
    if ridge == 0.0 && mean <= values[0].shifted(-12) {
        // One column with mean 0: nothing is claimed of it.
        return Ok(Verdict::Outside(Outside::Rank));
    }
    let floor = if ridge > 0.0 {
        High::int(factor) * High::lift(ridge)? * least.square()
    } else {
        values[0].square().shifted(-30)
    };
    let range = block_of_values(case, ridge)?.range()?;
    let rounding = Allowance::new(
        High::int(256 * model.a3.len() as i64) * unit() * values[0].square() * High::int(4),
        "256 n d3 roundings of a singular value",
    );
    Ok(at_most_or_equal(
        "the bound of lambda_min(Hess_YY)",
        floor,
        range.low,
        range.error + rounding,
    ))
}

/// A case's own ridge, or 1.
fn ridge_of(case: &Case<Given>) -> f64 {
    let ridge = case.instance.scalar("ridge");
    if ridge > 0.0 { ridge } else { 1.0 }
}

const ONE_VALUE: OtherCases = &AttentionCases {
    values: 1,
    cases: 36,
    ..AttentionCases::GENERAL
};
const EVERY: OtherCases = &AttentionCases {
    tokens: 3,
    cases: 36,
    ..AttentionCases::GENERAL
};
const STRATA: &[Stratum] = strata!(
    Decade("logit range"): 0 1 2 3;
    Decade("target"): -1 1 4 7;
    Kind: "n=1" "m=1" "d1!=d2"
);
const ZERO_STRATA: &[Stratum] = strata!(Decade("values"): 0 1 3; Kind: "d3=2" "m=1");

/// The claims about elimination.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("single-layer-attention/varpro-gradient")
            .derived("Golub, Pereyra: dL/dY = 0 at the Y that is eliminated")
            .states("grad_X min_Y L(X, Y) = dL/dX at the minimising Y(X)")
            .formula(r"\nabla_X \min_Y L(X, Y) = \frac{\partial L}{\partial X}(X, Y(X)), \quad Y(X) = \operatorname*{argmin}_Y L(X, Y)")
            .given("A3 has one column, so that min_Y L is a closed form that the oracle differentiates, and F A3 is not nearly 0")
            .note("At points where F A3 keeps its rank; where it loses rank Y jumps.")
            .about(ONE_VALUE, STRATA)
            .check(|case| reduced_gradient(case, false))
            .fault("the case's own Y", |case| reduced_gradient(case, true)),
        claim("single-layer-attention/start-at-zero")
            .derived("x = 0, the usual start of softmax regression, carried over")
            .states("Y can be eliminated at X = 0: (F A3)'F A3 is nonsingular there if A3 has full column rank")
            .formula(r"X = 0, \ \operatorname{rank}(A_3) = d_3 \ \Rightarrow \ (F A_3)^\top F A_3 \succ 0")
            .given("A3 has full column rank; no ridge")
            .note("Every row of F is the same at X = 0, so F A3 has rank 1 and Y grows without limit around it. Checked as: its least eigenvalue is at least 10^-30 ||A3||^2.")
            .about(EVERY, ZERO_STRATA)
            .check(|case| start_at_zero(case, 0.0, 1))
            .fault("with a ridge", |case| start_at_zero(case, ridge_of(case), 1))
            .refuted("single-layer-attention/start-with-ridge", witness!("single-layer-attention-start-at-zero")),
        claim("single-layer-attention/start-with-ridge")
            .derived("replaces single-layer-attention/start-at-zero")
            .states("(F A3)'F A3 + mu A3'A3 >= mu sigma_min(A3)^2 I at every X, X = 0 included")
            .formula(r"(F A_3)^\top F A_3 + \mu A_3^\top A_3 \succeq \mu\, \sigma_{\min}(A_3)^2 I \quad \forall X")
            .given("A3 has full column rank; the case's ridge, or 1 where it has none")
            .note("Checked at X = 0, where F A3 has rank 1 and nothing but the ridge is left for the other directions.")
            .about(EVERY, ZERO_STRATA)
            .check(|case| start_at_zero(case, ridge_of(case), 1))
            .fault("4 mu", |case| start_at_zero(case, ridge_of(case), 4)),
    ]
}
