//! Least values of weighted low-rank approximation: whether there is one, what it is for weights of rank one, and how far a
//! nearly optimal row is from the optimal one.

use nalgebra::{Cholesky, DMatrix};

use crate::claims::tools::attack::{self, Effort};
use crate::claims::tools::attained::at_most_or_equal;
use crate::claims::tools::builder::{claim, strata, witness};
use crate::claims::{Case, CheckError, Claim, Origin, OtherCases, Outside, Stratum, Verdict};
use crate::instance::sample::{self, Stream};
use crate::oracle::{Reference, spectrum};
use crate::scalar::{Allowance, High};
use crate::system::Given;

use super::cases::{Kind, LowRankCases, posed};
use super::model::{Model, evaluation, flat};

/// Whether W is positive and every 2 x 2 minor with its first row and column is 0, decided exactly: a product is the f64 next to
/// it and an f64 that it is off by. Products beyond the range in which that is so count as different.
fn is_of_rank_one(weights: &DMatrix<f64>) -> bool {
    let product = |a: f64, b: f64| {
        let near = a * b;
        (1e-200..1e200)
            .contains(&near)
            .then(|| (near, a.mul_add(b, -near)))
    };
    let (n, m) = weights.shape();
    weights.iter().all(|w| *w > 0.0)
        && (1..n).all(|i| {
            (1..m).all(|j| {
                let one = product(weights[(0, 0)], weights[(i, j)]);
                one.is_some() && one == product(weights[(0, j)], weights[(i, 0)])
            })
        })
}

/// For W = p q': `2 L(X, Y) >= sum_(i > k) sigma_i(W o M)^2`, since W o M = D_p M D_q; the fault begins the sum
/// one earlier.
fn rank_one_minimum(case: &Case<Given>, earlier: usize) -> Result<Verdict, CheckError> {
    let model = Model::of(case);
    if !is_of_rank_one(&case.instance.matrix("W", "n", "m")) {
        return Ok(Verdict::Outside(Outside::Weights));
    }
    let weighted = model.weights.component_mul(&model.target);
    let values = spectrum::singular_values(&weighted)?;
    let tail: High = values
        .iter()
        .skip(model.x.ncols() - earlier)
        .map(|value| value.square())
        .sum();
    let largest = values.first().copied().unwrap_or(High::ZERO);
    let loss = High::int(2) * evaluation(case)?.loss;
    let sizes = model.weights.component_mul(&model.residual_sizes());
    // A singular value is right to 64 (n + m) roundings of the largest one, and enters squared.
    let rounding = model.roundings()
        * (sizes.norm_squared() + High::int(4 * values.len() as i64) * largest.square());
    Ok(at_most_or_equal(
        "sum_(i > k) sigma_i(W o M)^2",
        tail,
        loss,
        rounding,
    ))
}

/// `min W || X Y' - M ||_F <= sqrt(2 L)`: what has a smaller loss than the origin is bounded. The fault takes the mean weight.
fn residual_bounded(case: &Case<Given>, mean: bool) -> Result<Verdict, CheckError> {
    let model = Model::of(case);
    let least = model.weights.min();
    if !least.is_positive() {
        return Ok(Verdict::Outside(Outside::Weights));
    }
    let weight = if mean { model.weights.mean() } else { least };
    let observed = (weight * model.residual().norm()).square();
    let allowed = High::int(2) * evaluation(case)?.loss;
    let sizes = model.residual_sizes().norm_squared();
    let largest = model.weights.max().square();
    Ok(at_most_or_equal(
        "(min W || X Y' - M ||)^2",
        observed,
        allowed,
        model.roundings() * sizes * (weight.square() + largest),
    ))
}

/// A 2 x 2 matrix, one entry hidden, the opposite one 0, the others not: no X, Y of rank 1 meets it, because x_1 y_1 = 0 while
/// x_1 y_2 and x_2 y_1 are not 0. `x_1 = y_1 = e`, `y_2 = a / e`, `x_2 = b / e` leaves `W_11^2 e^4 / 2`.
fn attained(case: &Case<Given>) -> Result<Verdict, CheckError> {
    let model = Model::of(case);
    let hidden = |i: usize, j: usize| model.weights[(i, j)].is_zero();
    let places = [(0, 0), (0, 1), (1, 0), (1, 1)];
    let corner = (model.weights.shape() == (2, 2) && model.x.ncols() == 1)
        .then(|| {
            places.into_iter().find(|&(i, j)| {
                hidden(1 - i, 1 - j)
                    && !hidden(i, j)
                    && !hidden(i, 1 - j)
                    && !hidden(1 - i, j)
                    && model.target[(i, j)].is_zero()
                    && !model.target[(i, 1 - j)].is_zero()
                    && !model.target[(1 - i, j)].is_zero()
            })
        })
        .flatten();
    let Some((i, j)) = corner else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    // Every loss is above 0: if the least one were attained, it would be some positive number. It is below any that 40 digits
    // can tell from 0 beside the loss at the origin.
    let small = High::ONE.shifted(-15);
    let (mut x, mut y) = (model.x.clone(), model.y.clone());
    x[(i, 0)] = small;
    y[(j, 0)] = small;
    y[(1 - j, 0)] = model.target[(i, 1 - j)] / small;
    x[(1 - i, 0)] = model.target[(1 - i, j)] / small;
    let ball = Reference::of(&case.instance)?.enclose_loss(&flat(&x, &y))?;
    let origin = model.weights.component_mul(&model.target).norm_squared();
    Ok(Verdict::at_least(
        "inf L",
        ball.midpoint(),
        origin.shifted(-40),
        Allowance::new(ball.radius(), "the enclosure of the loss"),
    ))
}

/// What the check of [`attained`] says with the hidden weight made 1: a positive least loss bounds every product.
fn bounded_with_weight(case: &Case<Given>) -> Result<Verdict, CheckError> {
    let given = &case.instance;
    let weights = given
        .matrix("W", "n", "m")
        .map(|w| if w == 0.0 { 1.0 } else { w });
    let target = given
        .matrix("M", "n", "m")
        .map(|m| if m.is_nan() { 0.0 } else { m });
    let [n, m, k] = ["n", "m", "k"].map(|dimension| given.size(dimension));
    let (start, x) = (given.start(), n * k);
    let x_part = DMatrix::from_row_slice(n, k, &start[..x]);
    let y_part = DMatrix::from_row_slice(m, k, &start[x..]);
    let filled = posed(&target, &weights, &x_part, &y_part)?;
    residual_bounded(&Case::new(case.origin.clone(), filled, case.seed), false)
}

/// How the distance of a row from the best one is bounded by eps, its residual being (1 + eps) times the least one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rate {
    /// `sqrt(2 eps + eps^2) ||r*|| / sigma_min(D_i Y)`.
    Root,
    /// The same without the square root.
    Unrooted,
    /// `1000 eps ||r*|| / sigma_min(D_i Y)`.
    Linear,
}

/// The bound of the distance of every row of X from the best one for Y.
fn row_error(case: &Case<Given>, rate: Rate) -> Result<Verdict, CheckError> {
    let model = Model::of(case);
    let squares = model.squares();
    let mut verdict = Verdict::Outside(Outside::Rank);
    for i in 0..model.x.nrows() {
        let (gram, right) = model.normal_equations(&squares, i);
        let values = spectrum::eigenvalues(&gram)?;
        let (low, high) = (values[0], values[values.len() - 1]);
        if low <= high.shifted(-12) {
            continue;
        }
        let Some(factor) = Cholesky::new(gram) else {
            continue;
        };
        let best = factor.solve(&right);
        let found = model.x.row(i).transpose();
        let loss = |x: &nalgebra::DVector<High>| -> (High, High) {
            let mut sum = (High::ZERO, High::ZERO);
            for j in 0..model.y.nrows() {
                let terms = model.y.row(j).transpose();
                let residual = terms.dot(x) - model.target[(i, j)];
                let size = terms.abs().dot(&x.abs()) + model.target[(i, j)].abs();
                sum.0 += squares[(i, j)] * residual.square();
                sum.1 += squares[(i, j)] * size.square();
            }
            sum
        };
        let ((least, least_size), (here, here_size)) = (loss(&best), loss(&found));
        let distance = (&found - &best).norm_squared() * low;
        // The best row is right to the condition number of its Gram matrix, at most 10^12, times a few roundings.
        let off = model.roundings().size() * high / low;
        let error = off * (least_size + here_size) * (High::ONE + high / low);
        if least <= error {
            // The least residual is 0 up to rounding: eps has no meaning.
            continue;
        }
        let excess = (here - least).max(High::ZERO) / least;
        // sqrt(2 eps + eps^2) is the square root of the excess of the squares, eps = sqrt(1 + excess) - 1.
        let eps = excess / ((High::ONE + excess).sqrt() + High::ONE);
        let allowed = match rate {
            Rate::Root => excess * least,
            Rate::Unrooted => excess.square() * least,
            Rate::Linear => (High::int(1000) * eps).square() * least,
        };
        let said = at_most_or_equal(
            &format!("(||x_{i} - x_{i}*|| sigma_min(D_{i} Y))^2"),
            distance,
            allowed,
            Allowance::new(
                error,
                "64 (n + m + k) roundings of the row, its Gram matrix inverted",
            ),
        );
        verdict = verdict.joined(said);
    }
    Ok(verdict)
}

/// The largest share of the bound that a point uses, over everything: M, W, X and Y.
fn search_residual(rng: &mut Stream) -> Result<Case<Given>, CheckError> {
    let (n, m) = (
        sample::integer(rng, 1, 3) as usize,
        sample::integer(rng, 1, 3) as usize,
    );
    let parts = |free: &[f64]| {
        let (target, rest) = free.split_at(n * m);
        let (weights, rest) = rest.split_at(n * m);
        let (x, y) = rest.split_at(n);
        (
            DMatrix::from_row_slice(n, m, target),
            DMatrix::from_row_slice(n, m, weights).map(attack::size),
            DMatrix::from_row_slice(n, 1, x),
            DMatrix::from_row_slice(m, 1, y),
        )
    };
    let value = |free: &[f64]| {
        let (target, weights, x, y) = parts(free);
        let residual = &x * y.transpose() - target;
        weights.min() * residual.norm() / weights.component_mul(&residual).norm()
    };
    let start = attack::best_start(rng, 40, 2 * n * m + n + m, 1, &value);
    let (best, _) = attack::maximise(&value, start, Effort::USUAL);
    let (target, weights, x, y) = parts(&best);
    let given = posed(&target, &weights, &x, &y)?;
    Ok(Case::new(Origin::Attack(0), given, 0))
}

/// The point that the closed form names: `X = D_p^-1 U_k S_k`, `Y = D_q^-1 V_k` of the singular vectors of `D_p M D_q`.
fn search_rank_one(rng: &mut Stream) -> Result<Case<Given>, CheckError> {
    let drawn = LowRankCases {
        kind: Kind::RankOne,
        columns: (3, 3),
        cases: 1,
    };
    let index = sample::integer(rng, 0, 1 << 20) as usize;
    let given = drawn.in_shape(index, [4, 3, 1 + index % 2], rng)?.instance;
    let (target, weights) = (given.matrix("M", "n", "m"), given.matrix("W", "n", "m"));
    let k = given.size("k");
    let svd = weights.component_mul(&target).svd(true, true);
    let (Some(u), Some(v)) = (svd.u, svd.v_t) else {
        return Err(CheckError::Other("no singular vectors".to_owned()));
    };
    // p and q up to a factor: the first column and the first row of W.
    let x = DMatrix::from_fn(weights.nrows(), k, |i, a| {
        u[(i, a)] * svd.singular_values[a] / weights[(i, 0)]
    });
    let y = DMatrix::from_fn(weights.ncols(), k, |j, a| {
        v[(a, j)] * weights[(0, 0)] / weights[(0, j)]
    });
    let given = posed(&target, &weights, &x, &y)?;
    Ok(Case::new(Origin::Attack(0), given, 0))
}

/// One row against the direction in which `D Y` is shortest: the largest share of the bound.
fn search_row(rng: &mut Stream) -> Result<Case<Given>, CheckError> {
    let m = sample::integer(rng, 3, 4) as usize;
    let mut draw = |rows, columns| DMatrix::from_fn(rows, columns, |_, _| sample::dyadic(rng, 2));
    let (target, y) = (draw(1, m), draw(m, 2));
    let weights = draw(1, m).map(|w: f64| 0.125 + w.abs());
    let weighted = DMatrix::from_diagonal(&weights.row(0).transpose()) * &y;
    let aim = DMatrix::from_diagonal(&weights.row(0).transpose()) * target.transpose();
    let svd = weighted.svd(true, true);
    let best = svd
        .solve(&aim, 1e-12)
        .map_err(|text| CheckError::Other(text.to_owned()))?;
    let Some(v) = svd.v_t else {
        return Err(CheckError::Other("no singular vectors".to_owned()));
    };
    let away = 2f64.powi(-(sample::integer(rng, 0, 24) as i32));
    let away = v.row(v.nrows() - 1).transpose() * away;
    let x = DMatrix::from_row_slice(1, 2, (best.column(0) + away).as_slice());
    let given = posed(&target, &weights, &x, &y)?;
    Ok(Case::new(Origin::Attack(0), given, 0))
}

const OVERDETERMINED: OtherCases = &LowRankCases {
    kind: Kind::Any,
    columns: (3, 5),
    cases: 60,
};
const POSITIVE: OtherCases = &LowRankCases {
    kind: Kind::Positive,
    columns: (1, 4),
    cases: 60,
};
const RANK_ONE: OtherCases = &LowRankCases {
    kind: Kind::RankOne,
    columns: (1, 4),
    cases: 48,
};
const CORNER: OtherCases = &LowRankCases {
    kind: Kind::Corner,
    columns: (2, 2),
    cases: 40,
};

const SPREAD: &[Stratum] = strata!(
    Decade("M"): 1 4 7;
    Decade("spread of W"): 0 1 3 6;
    Kind: "n=1" "k=1" "k=2" "k=min(n,m)"
);
const RANK_ONE_STRATA: &[Stratum] =
    strata!(Decade("M"): 1 4 7; Decade("spread of W"): 1 3; Kind: "k=1" "k=2" "k=min(n,m)");
const CORNER_STRATA: &[Stratum] =
    strata!(Decade("M"): 1 4 7; Decade("spread of W"): 3 6; Kind: "hidden entries");
const ROW_STRATA: &[Stratum] = strata!(
    Decade("M"): 1 4;
    Decade("spread of W"): 0 3 6;
    Kind: "k=1" "k=2" "hidden entries"
);

/// The claims about least values.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("weighted-low-rank/minimum-attained")
            .derived("implied by the abstract: output X and Y that minimise")
            .states("a minimum of || W o (M - X Y') ||_F is attained for every W >= 0: the least loss is some positive number where no X, Y meets M")
            .formula(r"\begin{aligned} \forall W \ge 0 \ \exists\, X^*, Y^*: \quad \|W \circ (M - X^* Y^{*\top})\|_F &= \inf_{X, Y} \|W \circ (M - X Y^\top)\|_F \\
                &> 0 \text{ where no } X, Y \text{ meets } M \end{aligned}")
            .given("checked where a 2 x 2 matrix of rank 1 cannot be met: one entry hidden, the opposite one 0, the others not 0")
            .note("M = [[0, 1], [1, ?]]: x_1 = y_1 = e, x_2 = y_2 = 1/e leaves e^4 / 2 for every e, while loss 0 would need x_1 y_1 = 0 and x_1 y_2 = x_2 y_1 = 1. The hidden entry of X Y' grows like e^-2, and alternating least squares drifts after it.")
            .about(CORNER, CORNER_STRATA)
            .check(attained)
            .fault("the hidden weight made 1: weighted-low-rank/residual-bounded", bounded_with_weight)
            .refuted("weighted-low-rank/residual-bounded", witness!("weighted-low-rank-minimum-attained")),
        claim("weighted-low-rank/residual-bounded")
            .derived("replaces weighted-low-rank/minimum-attained")
            .states("min W || X Y' - M ||_F <= || W o (M - X Y') ||_F: the products X Y' with a loss below that of the origin form a closed bounded set, and the least loss is attained")
            .formula(r"\begin{aligned} &\min_{i,j} W_{ij}\, \|X Y^\top - M\|_F \le \|W \circ (M - X Y^\top)\|_F, \\
                &\bigl\{X Y^\top : \|W \circ (M - X Y^\top)\|_F \le \|W \circ M\|_F\bigr\} \text{ is closed and bounded}, \\
                &\exists\, X^*, Y^*: \ \|W \circ (M - X^* Y^{*\top})\|_F = \inf_{X, Y} \|W \circ (M - X Y^\top)\|_F \end{aligned}")
            .given("every W_ij > 0")
            .note("Matrices of rank at most k form a closed set. Attained where all weights are equal, or the residual stands under the least weight.")
            .about(POSITIVE, SPREAD)
            .attacked(3, search_residual)
            .check(|case| residual_bounded(case, false))
            .fault("the mean weight for the least one", |case| residual_bounded(case, true)),
        claim("weighted-low-rank/rank-one-weights-minimum")
            .derived("Eckart, Young and Mirsky for D_p M D_q")
            .states("|| W o (M - X Y') ||_F^2 >= sum_(i > k) sigma_i(D_p M D_q)^2, attained by X = D_p^-1 U_k S_k, Y = D_q^-1 V_k")
            .formula(r"\begin{aligned} \|W \circ (M - X Y^\top)\|_F^2 &\ge \sum_{i > k} \sigma_i(D_p M D_q)^2, \quad D_p = \operatorname{diag}(p), \ D_q = \operatorname{diag}(q), \\
                &\text{with equality at } X = D_p^{-1} U_k \Sigma_k, \ Y = D_q^{-1} V_k, \quad D_p M D_q = U \Sigma V^\top \end{aligned}")
            .given("W = p q' with p, q > 0")
            .note("The one family of weights with a closed form. The search evaluates the point that attains it, on cases of its own.")
            .about(RANK_ONE, RANK_ONE_STRATA)
            .attacked(4, search_rank_one)
            .check(|case| rank_one_minimum(case, 0))
            .fault("sum_(i >= k)", |case| rank_one_minimum(case, 1)),
        claim("weighted-low-rank/row-error-linear")
            .derived("what an inner solver of relative accuracy eps is hoped to give")
            .states("a row with || D_i (Y x - M_i) || = (1 + eps) min is within 1000 eps || r* || / sigma_min(D_i Y) of the best one")
            .formula(r"\begin{aligned} &\|D_i (Y x - M_i)\|_2 = (1 + \epsilon) \|r^*\|_2, \quad r^* = D_i (Y x^* - M_i), \ x^* = \arg\min_x \|D_i (Y x - M_i)\|_2 \\
                &\implies \quad \|x - x^*\|_2 \le \frac{1000\, \epsilon\, \|r^*\|_2}{\sigma_{\min}(D_i Y)} \end{aligned}")
            .given("sigma_min(D_i Y) > 0, r* not 0")
            .note("1000 stands for any constant: the distance is as large as sqrt(2 eps + eps^2) || r* || / sigma_min, so eps = 10^-8 in the residual leaves 10^-4 in the row.")
            .about(OVERDETERMINED, ROW_STRATA)
            .check(|case| row_error(case, Rate::Linear))
            .fault("sqrt(2 eps + eps^2) for 1000 eps", |case| row_error(case, Rate::Root))
            .refuted("weighted-low-rank/row-error", witness!("weighted-low-rank-row-error-linear")),
        claim("weighted-low-rank/row-error")
            .derived("Pythagoras: || r ||^2 = || r* ||^2 + || D_i Y (x - x*) ||^2")
            .states("|| x - x* || <= sqrt(2 eps + eps^2) || r* || / sigma_min(D_i Y) for a row with || D_i (Y x - M_i) || = (1 + eps) || r* ||")
            .formula(r"\begin{aligned} &\|D_i (Y x - M_i)\|_2 = (1 + \epsilon) \|r^*\|_2, \quad r^* = D_i (Y x^* - M_i), \ x^* = \arg\min_x \|D_i (Y x - M_i)\|_2 \\
                &\implies \quad \|x - x^*\|_2 \le \frac{\sqrt{2 \epsilon + \epsilon^2}\, \|r^*\|_2}{\sigma_{\min}(D_i Y)} \end{aligned}")
            .given("sigma_min(D_i Y) > 0, r* not 0")
            .note("Attained by every x that differs from x* along the last right singular vector of D_i Y.")
            .about(OVERDETERMINED, ROW_STRATA)
            .attacked(4, search_row)
            .check(|case| row_error(case, Rate::Root))
            .fault("2 eps + eps^2 without the root", |case| row_error(case, Rate::Unrooted)),
    ]
}
