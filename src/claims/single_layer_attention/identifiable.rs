//! What the data see of X: the rank of the attention's Jacobian.

use nalgebra::{DMatrix, DVector};

use crate::claims::tools::attack::{self, Effort};
use crate::claims::tools::attained::at_most_or_equal;
use crate::claims::tools::builder::{claim, strata, witness};
use crate::claims::tools::exact::of_singular_values;
use crate::claims::tools::forms;
use crate::claims::{Case, CheckError, Claim, OtherCases, Outside, Stratum, Verdict};
use crate::instance::sample::{self, Stream};
use crate::oracle::{self, Graph, Node, spectrum};
use crate::scalar::{Allowance, High};
use crate::system::Given;

use super::cases::AttentionCases;
use super::heads::bare;
use super::model::{Model, centred, point, rank_of, unknowns};

/// The derivatives of every entry of F in every entry of X (n^2 x d1 d2), by the oracle's rules from the definition of F.
fn jacobian(model: &Model<High>, x: &DMatrix<High>) -> Result<DMatrix<High>, CheckError> {
    let mut graph = Graph::new();
    let (d1, d2) = x.shape();
    let variables: Vec<Node> = (0..d1 * d2).map(|k| graph.variable(k)).collect();
    let mut slopes = Vec::new();
    for a in model.a1.row_iter() {
        let powers: Vec<Node> = model
            .a2
            .row_iter()
            .map(|key| {
                let terms: Vec<(High, Node)> = (0..d1 * d2)
                    .map(|k| (a[k / d2] * key[k % d2], variables[k]))
                    .collect();
                let logit = graph.weighted_sum(&terms);
                graph.exp(logit)
            })
            .collect();
        let total = graph.sum(&powers);
        for power in powers {
            let share = graph.quotient(power, total);
            slopes.extend(oracle::gradient(&mut graph, share, d1 * d2));
        }
    }
    let at = DVector::from_iterator(d1 * d2, x.transpose().iter().copied());
    let entries = oracle::values(&graph, &slopes, &at)?;
    Ok(DMatrix::from_row_slice(model.f.len(), d1 * d2, &entries))
}

/// A case's Jacobian, its singular values, and what they are off by.
struct Seen {
    model: Model<High>,
    values: Vec<High>,
    granted: Allowance<High>,
}

impl Seen {
    fn of(case: &Case<Given>) -> Result<Self, CheckError> {
        let model = Model::of(case)?;
        let (x, _) = unknowns(&case.instance, &point(case));
        let jacobian = jacobian(&model, &x)?;
        let sizes = model.sizes(case);
        // An entry is a_ja f_jk (a_kb - <f, a_b>): at most twice |a_ja| |a_kb| in magnitude.
        let size = High::int(2) * sizes.a1.norm() * sizes.a2.norm();
        let granted =
            Model::roundings(&sizes) * size + of_singular_values(jacobian.ncols(), jacobian.norm());
        Ok(Self {
            values: spectrum::singular_values(&jacobian)?,
            model,
            granted,
        })
    }

    /// Rank and least singular value that is not 0 of A1, and of A2 with or without the means of its columns.
    fn ranks(&self, without_means: bool) -> Result<[(usize, High); 2], CheckError> {
        let keys = if without_means {
            centred(&self.model.a2)
        } else {
            self.model.a2.clone()
        };
        let model = &self.model;
        Ok([rank_of(&model.a1, &model.a1)?, rank_of(&keys, &model.a2)?])
    }

    /// The singular value of that number, from 0; 0 beyond the last.
    fn value(&self, k: usize) -> High {
        self.values.get(k).copied().unwrap_or(High::ZERO)
    }
}

/// `sigma_r(J) >= min f sigma_min(A1) sigma_min(K)` for the singular values that are not 0, and `sigma_(r+1)(J) = 0`, where
/// `r = rank(A1) rank(K)` and K is A2 with or without the means of its columns.
fn visible_dimension(case: &Case<Given>, without_means: bool) -> Result<Verdict, CheckError> {
    let seen = Seen::of(case)?;
    let model = &seen.model;
    let [(first, left), (second, right)] = seen.ranks(without_means)?;
    let r = first * second;
    let mut verdict = Verdict::equal(
        &format!("singular value {} of dF/dX", r + 1),
        seen.value(r),
        High::ZERO,
        seen.granted.clone(),
    );
    if r > 0 {
        verdict = verdict.and(at_most_or_equal(
            &format!("the bound of singular value {r} of dF/dX"),
            model.f.min() * left * right,
            seen.value(r - 1),
            seen.granted,
        ));
    }
    Ok(verdict)
}

/// A1 and A2, or A2 without its means, of full column rank make every direction of X move F.
fn identifiable(case: &Case<Given>, without_means: bool) -> Result<Verdict, CheckError> {
    let seen = Seen::of(case)?;
    let model = &seen.model;
    let [(first, left), (second, right)] = seen.ranks(without_means)?;
    if first < model.a1.ncols() || second < model.a2.ncols() {
        return Ok(Verdict::Outside(Outside::Rank));
    }
    // A positive number below any that is claimed: least entry of F times least singular values, by ten decades.
    let floor = (model.f.min() * left * right).shifted(-10);
    Ok(Verdict::at_least(
        "the least singular value of dF/dX",
        seen.value(model.a1.ncols() * model.a2.ncols() - 1),
        floor,
        seen.granted,
    ))
}

/// A Jacobian as near to its bound as possible: `A2` and the logits free, two or three tokens.
fn search_dimension(rng: &mut Stream) -> Result<Case<Given>, CheckError> {
    let n = sample::integer(rng, 2, 3) as usize;
    let arrays = |free: &[f64]| {
        let a1 = DMatrix::from_element(n, 1, 1.0);
        let a2 = DMatrix::from_row_slice(n, 1, &free[..n]);
        (a1, a2, DMatrix::from_element(1, 1, free[n]))
    };
    let value = |free: &[f64]| {
        let (_, a2, x) = arrays(free);
        let f = forms::softmax(&(a2.column(0) * x[(0, 0)]));
        let (mean, centre) = (f.dot(&a2.column(0)), a2.mean());
        let slope = f.component_mul(&a2.column(0).add_scalar(-mean)).norm();
        f.min() * a2.add_scalar(-centre).norm() / slope
    };
    let start = attack::best_start(rng, 40, n + 1, 2, &value);
    let (best, _) = attack::maximise(&value, start, Effort::USUAL);
    let (a1, a2, x) = arrays(&best);
    bare([&a1, &a2], &[x])
}

/// Logits small enough for 40 digits to see every direction.
const MILD: OtherCases = &AttentionCases {
    tokens: 3,
    logits: &[0, 1],
    cases: 36,
    ..AttentionCases::GENERAL
};
const MILD_STRATA: &[Stratum] = strata!(
    Decade("logit range"): 0 1;
    Kind: "n=1" "d1!=d2" "n<d1" "a column of A2 is constant"
);
const IDENTIFIABLE_STRATA: &[Stratum] =
    strata!(Decade("logit range"): 0 1; Kind: "d1!=d2" "a column of A2 is constant");

/// The claims about what is seen of X.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("single-layer-attention/x-identifiable")
            .recalled("premise of this family: A of full column rank makes the minimiser unique, its Hessian definite")
            .states("rank(A1) = d1 and rank(A2) = d2 make every direction of X move F: dF/dX has rank d1 d2")
            .formula(r"\operatorname{rank}(A_1) = d_1, \ \operatorname{rank}(A_2) = d_2 \ \Rightarrow \ \operatorname{rank}\Bigl(\frac{\partial F}{\partial X}\Bigr) = d_1 d_2")
            .given("A1 and A2 have full column rank")
            .note("A softmax does not see a constant added to its logits: A2 = (1, 1)' has full column rank, and X is invisible. Checked as: the least singular value is above 10^-10 min f sigma_min(A1) sigma_min(A2).")
            .about(MILD, IDENTIFIABLE_STRATA)
            .check(|case| identifiable(case, false))
            .fault("(I - 11'/n) A2 of full column rank", |case| identifiable(case, true))
            .refuted("single-layer-attention/x-visible-dimension", witness!("single-layer-attention-x-identifiable")),
        claim("single-layer-attention/x-visible-dimension")
            .derived("replaces single-layer-attention/x-identifiable; v'P_f v is the variance of v under f, at least min f times its sum of squares about its mean, so ||P_f v|| >= min f ||(I - 11'/n) v||")
            .states("rank(dF/dX) = rank(A1) rank((I - 11'/n) A2), and its least singular value that is not 0 is at least min_jk f_jk sigma_min(A1) sigma_min((I - 11'/n) A2), least singular values that are not 0")
            .formula(r"\begin{aligned} \operatorname{rank}\Bigl(\frac{\partial F}{\partial X}\Bigr) &= r = \operatorname{rank}(A_1) \operatorname{rank}(K), \quad K = (I - \tfrac{1}{n} \mathbf{1} \mathbf{1}^\top) A_2, \\ \sigma_r\Bigl(\frac{\partial F}{\partial X}\Bigr) &\ge \min_{j,k} f_{jk}\, \sigma_{\min}^+(A_1)\, \sigma_{\min}^+(K) \end{aligned}")
            .note("Proved by hand; attained by two tokens with f = (1/2, 1/2). With a weight on every logit the loss sees rank(A1) rank(A2) directions.")
            .about(MILD, MILD_STRATA)
            .attacked(2, search_dimension)
            .check(|case| visible_dimension(case, true))
            .fault("rank(A1) rank(A2)", |case| visible_dimension(case, false)),
    ]
}
