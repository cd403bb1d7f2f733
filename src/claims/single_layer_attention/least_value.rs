//! Least values: what the outputs can reach, whether a minimiser exists, and whether a local one is the least.

use nalgebra::{DMatrix, DVector};

use crate::claims::tools::attack::{self, Effort};
use crate::claims::tools::attained::at_most_or_equal;
use crate::claims::tools::builder::{claim, strata, witness};
use crate::claims::tools::forms;
use crate::claims::{Case, CheckError, Claim, Origin, OtherCases, Outside, Stratum, Verdict};
use crate::instance::sample::{self, Stream};
use crate::oracle::{OracleError, Reference, lift_vector, minimise};
use crate::scalar::{Allowance, High};
use crate::system::{Array, Given};

use super::cases::{AttentionCases, Ridge, Target, posed};
use super::model::{Model, point};
use super::thresholds::{instance, regularised};

/// `2 L >= sum_ji dist(B_ji, [min h_i, max h_i])^2`; the fault measures from the middle of the interval.
fn hull(case: &Case<Given>, from_middle: bool) -> Result<Verdict, CheckError> {
    let model = Model::of(case)?;
    let b = case.instance.matrix("B", "n", "m");
    let mut sum = High::ZERO;
    let mut size = High::ZERO;
    for i in 0..b.ncols() {
        let column = model.h.column(i);
        let (low, high) = (column.min(), column.max());
        for j in 0..b.nrows() {
            let entry = High::lift(b[(j, i)])?;
            let off = if from_middle {
                (entry - (low + high) * High::ratio(1, 2)).abs()
            } else {
                (low - entry).max(entry - high).max(High::ZERO)
            };
            sum += off.square();
            size += (entry.abs() + low.abs() + high.abs()).square();
        }
    }
    let bare = regularised(&case.instance, Array::scalar(0.0), 0.0)?;
    let ball = Reference::of(&bare)?.enclose_loss(&point(case))?;
    let sizes = model.sizes(case);
    let granted = Model::roundings(&sizes) * (size + sizes.h.norm_squared())
        + Allowance::new(High::int(2) * ball.radius(), "the enclosure of the loss");
    Ok(at_most_or_equal(
        "sum_ji dist(B_ji, hull)^2",
        sum,
        High::int(2) * ball.midpoint(),
        granted,
    ))
}

/// Two tokens whose first rows of A1, A2, A3 are 0, `b_2 = 2 b_1`: row 1 is met by `y = 2 b_1 / a3`, and then row 2 by no X, since
/// its probability would have to be 1. `x = 100 / (a1 a2)` is as near as 40 digits can tell.
fn attained(case: &Case<Given>) -> Result<Verdict, CheckError> {
    let given = &case.instance;
    let sides = ["n", "d1", "d2", "d3"].map(|side| given.size(side));
    let model = Model::of(case)?;
    let b = given.matrix("B", "n", "m");
    let corner = sides == [2, 1, 1, 1]
        && [&model.a1, &model.a2, &model.a3]
            .iter()
            .all(|array| array[(0, 0)].is_zero() && !array[(1, 0)].is_zero())
        && b.row(1) == b.row(0) * 2.0
        && b.amax() > 0.0;
    if !corner {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let bare = regularised(given, Array::scalar(0.0), 0.0)?;
    let mut at = vec![High::int(100) / (model.a1[(1, 0)] * model.a2[(1, 0)])];
    for target in b.row(1).iter() {
        at.push(High::lift(*target)? / model.a3[(1, 0)]);
    }
    let ball = Reference::of(&bare)?.enclose_loss(&DVector::from_vec(at))?;
    let origin = High::lift(b.norm_squared())?;
    Ok(Verdict::at_least(
        "inf L",
        ball.midpoint(),
        origin.shifted(-40),
        Allowance::new(ball.radius(), "the enclosure of the loss"),
    ))
}

/// `min w^2 ||Z||^2 + mu ||A3 Y||^2 <= share L`.
fn bounded(case: &Case<Given>, share: i64) -> Result<Verdict, CheckError> {
    let model = Model::of(case)?;
    let least = model.lightest();
    if least.is_zero() || model.ridge.is_zero() {
        return Ok(Verdict::Outside(Outside::Weights));
    }
    let ball = Reference::of(&case.instance)?.enclose_loss(&point(case))?;
    let observed = least * model.z.norm_squared() + model.ridge * model.h.norm_squared();
    let sizes = model.sizes(case);
    let terms = least * sizes.z.norm_squared() + model.ridge * sizes.h.norm_squared();
    let share = High::int(share);
    Ok(at_most_or_equal(
        "min w^2 ||Z||^2 + mu ||A3 Y||^2",
        observed,
        share * ball.midpoint(),
        Model::roundings(&sizes) * terms
            + Allowance::new(share * ball.radius(), "the enclosure of the loss"),
    ))
}

/// The same data with weights and a ridge: the least loss is attained.
fn bounded_with_weights(case: &Case<Given>) -> Result<Verdict, CheckError> {
    let raised = regularised(&case.instance, Array::scalar(1.0), 1.0)?;
    bounded(&Case::new(case.origin.clone(), raised, case.seed), 2)
}

/// The loss of a strict minimiser next to the first point is no larger than that at the second point, or at the first.
fn local_is_global(case: &Case<Given>, at_first: bool) -> Result<Verdict, CheckError> {
    let given = &case.instance;
    let Some(other) = given.points().get(usize::from(!at_first)) else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let reference = Reference::of(given)?;
    let start = point(case);
    let (loss, slope) = reference.loss_and_gradient(&start)?;
    if slope.norm() > (loss + High::ONE.shifted(-12)).shifted(-3) {
        // No minimiser is near: following the slope for hundreds of steps would not say more.
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let found = match minimise(&reference, &start) {
        Ok(found) => found,
        Err(OracleError::NoMinimiser { .. }) => return Ok(Verdict::Outside(Outside::Premise)),
        Err(error) => return Err(error.into()),
    };
    let least = reference.enclose_loss(&found.x)?;
    let there = reference.enclose_loss(&lift_vector(&DVector::from_vec(other.clone())))?;
    // Twice the gradient times the distance, to first order; both are at the end of 40 digits.
    let off = High::int(2) * found.gradient_norm * found.error_bound;
    Ok(at_most_or_equal(
        "the loss of a strict minimiser",
        least.midpoint(),
        there.midpoint(),
        Allowance::new(
            least.radius() + there.radius() + off,
            "the enclosures of both losses",
        ),
    ))
}

/// A target far from the values, logits that push every token to the nearer end.
fn search_hull(rng: &mut Stream) -> Result<Case<Given>, CheckError> {
    let n = sample::integer(rng, 2, 4) as usize;
    let parts = |free: &[f64]| {
        let (z, rest) = free.split_at(n);
        let (h, rest) = rest.split_at(n);
        let h = DVector::from_column_slice(h);
        let b = h.max() + attack::size(rest[0]);
        (DVector::from_column_slice(z), h, b)
    };
    let value = |free: &[f64]| {
        let (z, h, b) = parts(free);
        let f = forms::softmax(&z);
        (b - h.max()) / (b - f.dot(&h))
    };
    let start = attack::best_start(rng, 40, 2 * n + 1, 2, &value);
    let (best, _) = attack::maximise(&value, start, Effort::USUAL);
    let (z, h, b) = parts(&best);
    instance(&z, &h, b, 0.0, 0.0)
}

/// The target met, so that weights and ridge are all there is.
fn search_bounded(rng: &mut Stream) -> Result<Case<Given>, CheckError> {
    let n = sample::integer(rng, 2, 3) as usize;
    let mut draw = |most: i64| DVector::from_fn(n, |_, _| sample::dyadic(rng, most));
    let (z, h) = (draw(2), draw(2));
    let b = forms::softmax(&z).dot(&h);
    let weight = 2f64.powi(sample::integer(rng, -4, 4) as i32);
    instance(&z, &h, b, weight, 1.0 / weight)
}

/// Three tokens, one column each: a strict minimum of the eliminated loss on a grid that is not the least one there.
fn search_local(rng: &mut Stream) -> Result<Case<Given>, CheckError> {
    const GRID: i32 = 160;
    let place = |k: i32| f64::from(k) / 40.0;
    let mut best: Option<(f64, Given)> = None;
    for _ in 0..60 {
        let mut draw =
            |half: f64| DVector::from_fn(3, |_, _| sample::integer(rng, -4, 4) as f64 * half);
        let (a1, a2, a3, b) = (draw(1.0), draw(1.0), draw(1.0), draw(0.5));
        let at = |x: f64| {
            let mixed = DVector::from_iterator(
                3,
                a1.iter().map(|a| forms::softmax(&(&a2 * (x * a))).dot(&a3)),
            );
            let seen = mixed.norm_squared();
            let product = mixed.dot(&b);
            (b.norm_squared() - product * product / seen, product / seen)
        };
        let losses: Vec<(f64, f64)> = (-GRID..=GRID).map(|k| at(place(k))).collect();
        let minima: Vec<usize> = (1..losses.len() - 1)
            .filter(|&k| losses[k].0 < losses[k - 1].0 && losses[k].0 < losses[k + 1].0)
            .collect();
        let by_loss = |a: &&usize, b: &&usize| losses[**a].0.total_cmp(&losses[**b].0);
        let (Some(&least), Some(&most)) =
            (minima.iter().min_by(by_loss), minima.iter().max_by(by_loss))
        else {
            continue;
        };
        let gap = losses[most].0 - losses[least].0;
        if best.as_ref().is_some_and(|(largest, _)| *largest >= gap) {
            continue;
        }
        // A golden section around the grid's point brings the first point next to the minimiser.
        let (mut low, mut high) = (place(most as i32 - GRID - 1), place(most as i32 - GRID + 1));
        for _ in 0..60 {
            let (left, right) = (low + 0.382 * (high - low), low + 0.618 * (high - low));
            if at(left).0 < at(right).0 {
                high = right;
            } else {
                low = left;
            }
        }
        let first = (low + high) / 2.0;
        let second = place(least as i32 - GRID);
        let arrays = [("A1", &a1), ("A2", &a2), ("A3", &a3), ("B", &b)].map(|(name, column)| {
            let matrix = DMatrix::from_column_slice(3, 1, column.as_slice());
            (name.to_owned(), Array::matrix(&matrix))
        });
        let points = vec![vec![first, at(first).1], vec![second, at(second).1]];
        let given = posed(arrays.into(), points[0].clone())?
            .with_points(points)
            .map_err(CheckError::Other)?;
        best = Some((gap, given));
    }
    let (_, given) = best.ok_or_else(|| CheckError::Other("no minimum was found".to_owned()))?;
    Ok(Case::new(Origin::Attack(0), given, 0))
}

const EVERY: OtherCases = &AttentionCases {
    tokens: 3,
    cases: 36,
    ..AttentionCases::GENERAL
};
const WEIGHTED: OtherCases = &AttentionCases {
    ridge: Ridge::Heavy,
    cases: 36,
    ..AttentionCases::GENERAL
};
const CORNER: OtherCases = &AttentionCases {
    target: Target::Unattained,
    cases: 24,
    ..AttentionCases::GENERAL
};
const PLANTED: OtherCases = &AttentionCases {
    target: Target::Met,
    ridge: Ridge::None,
    logits: &[0, 1],
    cases: 12,
    ..AttentionCases::GENERAL
};
const STRATA: &[Stratum] = strata!(
    Decade("logit range"): 0 1 2 3;
    Decade("target"): -1 1 4 7;
    Kind: "n=1" "m=1" "d1!=d2"
);
const CORNER_STRATA: &[Stratum] = strata!(Decade("target"): -1 1 4 7; Kind: "m=1" "no weights");
const PLANTED_STRATA: &[Stratum] = strata!(Decade("logit range"): 0 1; Kind: "no weights");

/// The claims about least values.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("single-layer-attention/hull")
            .derived("every output is a mean of the entries of its column of A3 Y")
            .states("2 L >= sum_ji dist(B_ji, [min_k (A3 Y)_ki, max_k (A3 Y)_ki])^2 for every X")
            .formula(r"2 L \ge \sum_{j,i} \operatorname{dist}\bigl(B_{ji}, [\min_k (A_3 Y)_{ki}, \max_k (A_3 Y)_{ki}]\bigr)^2 \quad \forall X")
            .note("Attained as the logits diverge: such a target has no minimiser for that Y.")
            .about(EVERY, STRATA)
            .attacked(2, search_hull)
            .check(|case| hull(case, false))
            .fault("from the middle of the interval", |case| hull(case, true)),
        claim("single-layer-attention/minimiser-exists")
            .recalled("premise of every theorem of this family: a minimiser x*")
            .states("the least loss is attained: it is some positive number where no X, Y meets B")
            .formula(r"\exists\, X^*, Y^*: \quad L(X^*, Y^*) = \inf_{X, Y} L(X, Y)")
            .given("no weights, no ridge; checked for two tokens whose first rows of A1, A2, A3 are 0 and b_2 = 2 b_1 is not 0")
            .note("A1 = A2 = A3 = (0, 1)', B = (1/2, 1)': y = 1 meets row 1, and row 2 asks for the probability 1, which x reaches at infinity. At x = 100 the loss is below 10^-80.")
            .about(CORNER, CORNER_STRATA)
            .check(attained)
            .fault("with weights and a ridge: single-layer-attention/minimiser-bounded", bounded_with_weights)
            .refuted("single-layer-attention/minimiser-bounded", witness!("single-layer-attention-minimiser-exists")),
        claim("single-layer-attention/minimiser-bounded")
            .derived("replaces single-layer-attention/minimiser-exists")
            .states("min w_jk^2 ||Z||_F^2 + mu ||A3 Y||_F^2 <= 2 L(X, Y): with weights and a ridge Z and A3 Y of a loss below any other form a closed bounded set, and the least loss is attained")
            .formula(r"\min_{j,k} w_{jk}^2\, \|Z\|_F^2 + \mu \|A_3 Y\|_F^2 \le 2 L(X, Y)")
            .given("every weight above 0, mu > 0")
            .note("Attained where the weights are equal and B is met.")
            .about(WEIGHTED, STRATA)
            .attacked(2, search_bounded)
            .check(|case| bounded(case, 2))
            .fault("L for 2 L", |case| bounded(case, 1)),
        claim("single-layer-attention/trains-to-eps")
            .printed("abstract: the greedy algorithm trains the loss to eps; no condition on the start is named")
            .states("a strict local minimiser has the least loss, so that descent cannot end above it")
            .formula(r"\nabla L(X^*, Y^*) = 0, \ \nabla^2 L(X^*, Y^*) \succ 0 \ \Rightarrow \ L(X^*, Y^*) \le L(X, Y) \quad \forall X, Y")
            .given("a strict minimiser, proven, next to the first point; compared at the second point")
            .note("A1 = (0, 2, -3)', A2 = (2, 0, 0)', A3 = (-1, 4, -2)', B = (2, 1, 2)': strict minima with the losses 4.473014 and 0.111687. Theorems of this kind need a start in the basin. The search draws such triples and looks for two minima on a grid.")
            .about(PLANTED, PLANTED_STRATA)
            .attacked(1, search_local)
            .check(|case| local_is_global(case, false))
            .fault("compared at the first point", |case| local_is_global(case, true))
            .refuted("single-layer-attention/joint-threshold", witness!("single-layer-attention-trains-to-eps")),
    ]
}
