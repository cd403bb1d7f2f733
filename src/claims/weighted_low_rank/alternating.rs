//! Alternating least squares: where it ends, and how fast.
//!
//! A sweep solves for the rows of X, then for those of Y. Letters: `S(Y)` the Y after a sweep, `T` its derivative at a minimum.

use nalgebra::{Cholesky, DMatrix, DVector, Dyn};

use crate::claims::tools::attained::at_most_or_equal;
use crate::claims::tools::builder::{claim, strata, witness};
use crate::claims::{Case, CheckError, Claim, OtherCases, Outside, Stratum, Verdict};
use crate::oracle::spectrum;
use crate::scalar::{Allowance, High};
use crate::system::Given;

use super::cases::{Kind, LowRankCases};
use super::derivatives::is_stationary;
use super::model::{Model, evaluation};

/// Sweeps of a run: the instances it is made on converge by two digits in each.
pub(super) const SWEEPS: usize = 40;

/// The factor of a matrix that is definite to 6 digits: no pivot is below `10^-6` of the largest diagonal entry, which leaves some 30 digits.
pub(super) fn definite(matrix: DMatrix<High>) -> Option<Cholesky<High, Dyn>> {
    let largest = matrix.diagonal().max();
    let factor = Cholesky::new(matrix)?;
    let least = factor.l_dirty().diagonal().min();
    (least.square() > largest.shifted(-6)).then_some(factor)
}

impl Model {
    /// Half the sum of the weighted squares.
    fn loss(&self) -> High {
        let weighted = self.weights.component_mul(&self.residual());
        High::ratio(1, 2) * weighted.norm_squared()
    }

    /// With M and W transposed, and X and Y exchanged.
    fn transposed(&self) -> Self {
        Self {
            target: self.target.transpose(),
            weights: self.weights.transpose(),
            x: self.y.clone(),
            y: self.x.clone(),
        }
    }

    /// The best X for this Y, by normal equations with these weights; `None` where those of a row are singular.
    pub(super) fn best_rows(&self, weights: &DMatrix<High>) -> Option<DMatrix<High>> {
        let mut x = self.x.clone();
        for i in 0..x.nrows() {
            let (gram, right) = self.normal_equations(weights, i);
            x.set_row(i, &definite(gram)?.solve(&right).transpose());
        }
        Some(x)
    }

    /// After half a sweep: the best X for this Y.
    fn half_swept(&self) -> Option<Self> {
        let x = self.best_rows(&self.squares())?;
        Some(Self { x, ..self.clone() })
    }

    /// After a sweep.
    pub(super) fn swept(&self) -> Option<Self> {
        Some(self.half_swept()?.transposed().half_swept()?.transposed())
    }
}

/// The loss that a run from Y reaches; `None` where it has not settled to 20 digits, or a row is singular on the way.
fn reached(model: &Model, y: DMatrix<High>) -> Option<High> {
    let mut model = Model { y, ..model.clone() };
    let mut before = High::ZERO;
    for _ in 0..SWEEPS {
        before = model.loss();
        model = model.swept()?;
    }
    let after = model.loss();
    ((before - after).abs() <= after.shifted(-20)).then_some(after)
}

/// The loss reached from Y against the least one reached from four other starts.
fn reaches_minimum(case: &Case<Given>) -> Result<Verdict, CheckError> {
    let model = Model::of(case);
    if model.target.shape() != (2, 2) || model.x.ncols() != 1 || !model.weights.min().is_positive()
    {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let Some(found) = reached(&model, model.y.clone()) else {
        return Ok(Verdict::Outside(Outside::Precision));
    };
    let others = [[1, 0], [0, 1], [1, 1], [1, -1]];
    let least = others
        .iter()
        .filter_map(|start| {
            let start = DMatrix::from_fn(2, 1, |j, _| High::int(start[j]));
            reached(&model, start)
        })
        .fold(found, High::min);
    Ok(Verdict::at_most(
        "the loss reached from Y",
        found,
        least * High::ratio(1_000_001, 1_000_000),
        Allowance::NOTHING,
    ))
}

/// No half step raises the loss; the fault solves the rows with W for W^2.
fn descends(case: &Case<Given>, squared: bool) -> Result<Verdict, CheckError> {
    let start = Model::of(case);
    let mut verdict = Verdict::Outside(Outside::Rank);
    for model in [start.clone(), start.transposed()] {
        let weights = if squared {
            model.squares()
        } else {
            model.weights.clone()
        };
        let Some(x) = model.best_rows(&weights) else {
            continue;
        };
        let after = Model { x, ..model.clone() };
        let sizes = |model: &Model| {
            let sizes = model.weights.component_mul(&model.residual_sizes());
            sizes.norm_squared()
        };
        // What is definite to 6 digits only enters squared.
        let granted = model.roundings() * (sizes(&model) + sizes(&after)).shifted(12);
        let said = at_most_or_equal(
            "the loss after half a step",
            after.loss(),
            model.loss(),
            granted,
        );
        verdict = verdict.joined(said);
    }
    Ok(verdict)
}

/// `T = H_YY^-1 (H_YX H_XX^-1 H_XY)` by its two factors.
struct Derivative {
    /// `H_YX H_XX^-1 H_XY`.
    mixed: DMatrix<High>,
    /// `H_YY`, factored.
    of_y: Cholesky<High, Dyn>,
}

/// T from the blocks of the Hessian over the entries of X and Y; the fault leaves the residual out. `None` where
/// `H_XX` or `H_YY` is not definite to 6 digits.
fn derivative_parts(
    case: &Case<Given>,
    with_residual: bool,
) -> Result<Option<Derivative>, CheckError> {
    let model = Model::of(case);
    let hessian = if with_residual {
        evaluation(case)?.hessian
    } else {
        model.hessian(false)
    };
    let x = model.x.len();
    let y = model.y.len();
    let mixed = hessian.view((0, x), (x, y)).clone_owned();
    let of_x = definite(hessian.view((0, 0), (x, x)).clone_owned());
    let of_y = definite(hessian.view((x, x), (y, y)).clone_owned());
    let (Some(of_x), Some(of_y)) = (of_x, of_y) else {
        return Ok(None);
    };
    Ok(Some(Derivative {
        mixed: mixed.tr_mul(&of_x.solve(&mixed)),
        of_y,
    }))
}

/// `S(Y + h E) - S(Y) = h T E` to a millionth, for h of 10^-13 of Y and an E with entries of every sign.
fn derivative(case: &Case<Given>, with_residual: bool) -> Result<Verdict, CheckError> {
    let model = Model::of(case);
    if !is_stationary(case)? {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let Some(Derivative { mixed, of_y }) = derivative_parts(case, with_residual)? else {
        return Ok(Verdict::Outside(Outside::Precision));
    };
    let (m, k) = model.y.shape();
    let direction = DMatrix::from_fn(m, k, |j, a| {
        High::int((3 * j as i64 + 5 * a as i64 + 1) % 7 - 3)
    });
    let step = model.y.norm().shifted(-13);
    let moved = Model {
        y: &model.y + &direction * step,
        ..model.clone()
    };
    let (Some(here), Some(there)) = (model.swept(), moved.swept()) else {
        return Ok(Verdict::Outside(Outside::Precision));
    };
    let by_rows = |y: &DMatrix<High>| {
        let y = y.transpose();
        DVector::from_column_slice(y.as_slice())
    };
    let observed = by_rows(&(there.y - here.y)) / step;
    let expected = of_y.solve(&(mixed * by_rows(&direction)));
    let allowed = (expected.norm() + direction.norm()).shifted(-6);
    Ok(Verdict::at_most(
        "|| (S(Y + h E) - S(Y)) / h - T E ||",
        (observed - expected).norm(),
        allowed,
        Allowance::NOTHING,
    ))
}

/// For W = J at a minimum: eigenvalue number `k^2 + later` of T, the largest first, is `(sigma_(k+1) / sigma_k)^2`.
fn rate(case: &Case<Given>, later: usize) -> Result<Verdict, CheckError> {
    let model = Model::of(case);
    let k = model.x.ncols();
    if model.weights.iter().any(|w| *w != High::ONE) {
        return Ok(Verdict::Outside(Outside::Weights));
    }
    let values = spectrum::singular_values(&model.target)?;
    if !is_stationary(case)? || values.len() <= k || model.y.nrows() <= k {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let ratio = (values[k] / values[k - 1]).square();
    // Where the residual has the larger value the point is a saddle.
    let residual = spectrum::spectral_norm(&model.residual())?;
    let is_minimum = (residual - values[k]).abs() <= values[0].shifted(-30);
    if !is_minimum || ratio >= High::ratio(99, 100) {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let Some(Derivative { mixed, of_y }) = derivative_parts(case, true)? else {
        return Ok(Verdict::Outside(Outside::Precision));
    };
    // T is similar to L^-1 (H_YX H_XX^-1 H_XY) L^-T, H_YY = L L'.
    let lower = of_y.l();
    let half = lower
        .solve_lower_triangular(&mixed)
        .and_then(|half| lower.solve_lower_triangular(&half.transpose()));
    let Some(similar) = half else {
        return Ok(Verdict::Outside(Outside::Precision));
    };
    let symmetric = (&similar + similar.transpose()) * High::ratio(1, 2);
    let mut eigenvalues = spectrum::eigenvalues(&symmetric)?;
    eigenvalues.reverse();
    let granted = model.roundings() * High::int(eigenvalues.len() as i64).shifted(12);
    Ok(Verdict::equal(
        &format!("eigenvalue {} of T", k * k + later),
        eigenvalues[k * k + later - 1],
        ratio,
        granted,
    ))
}

const EVERY: OtherCases = &LowRankCases {
    kind: Kind::Any,
    columns: (1, 4),
    cases: 48,
};
const AT_REST: OtherCases = &LowRankCases {
    kind: Kind::Stationary,
    columns: (1, 4),
    cases: 60,
};
const TWO_MINIMA: OtherCases = &LowRankCases {
    kind: Kind::TwoMinima,
    columns: (2, 2),
    cases: 24,
};

const TWO_STRATA: &[Stratum] = strata!(Decade("M"): 1 4; Decade("spread of W"): 1; Kind: "k=1");
const STRATA: &[Stratum] = strata!(
    Decade("M"): 1 4 7;
    Decade("spread of W"): 0 1;
    Kind: "n=1" "m=1" "k=1" "k=2" "hidden entries"
);
const REST_STRATA: &[Stratum] = strata!(Decade("spread of W"): 0 1; Kind: "n=1" "k=1" "k=2");
const RATE_STRATA: &[Stratum] = strata!(Decade("spread of W"): 0; Kind: "k=1" "k=2");

/// The claims about alternating least squares.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("weighted-low-rank/alternating-reaches-minimum")
            .derived("a popular reading of alternating minimisation with positive weights")
            .states("alternating least squares settles at the least loss: within 10^-6 of what four other starts reach")
            .formula(r"L(X_\infty, Y_\infty) \le (1 + 10^{-6}) \min_{X, Y} \tfrac12 \|W \circ (M - X Y^\top)\|_F^2")
            .given("n = m = 2, k = 1, W > 0, the loss has settled to 20 digits after 40 sweeps")
            .note("M = [[1, 1.1], [1, -1]] with W = [[1.2, 1], [1, 1.2]] has two minima, 2 L = 2.127602 and 2.443557, each reached from a start near it. Without weights there is one: the second appears at W_11 = W_22 near 1 + 0.35 (sigma_1 - sigma_2), so a bound on the spread of W has to know that gap.")
            .about(TWO_MINIMA, TWO_STRATA)
            .check(reaches_minimum)
            .fault("half steps that do not raise the loss: weighted-low-rank/alternating-descends", |case| descends(case, true))
            .refuted("weighted-low-rank/alternating-descends", witness!("weighted-low-rank-alternating-reaches-minimum")),
        claim("weighted-low-rank/alternating-descends")
            .derived("replaces weighted-low-rank/alternating-reaches-minimum")
            .states("an exact half step, X for this Y or Y for this X, never raises the loss")
            .formula(r"\min_{X'} L(X', Y) \le L(X, Y), \quad \min_{Y'} L(X, Y') \le L(X, Y), \quad L(X, Y) = \tfrac12 \|W \circ (M - X Y^\top)\|_F^2")
            .given("the normal equations of every row are definite to 6 digits")
            .note("By the normal equations of the rows, held against the loss at the point.")
            .about(EVERY, STRATA)
            .check(|case| descends(case, true))
            .fault("W for W^2 in the normal equations", |case| descends(case, false)),
        claim("weighted-low-rank/alternating-derivative")
            .derived("the implicit function theorem for both half steps")
            .states("S(Y + E) = S(Y) + T E + O(||E||^2) with T = H_YY^-1 H_YX H_XX^-1 H_XY, S(Y) the Y after a sweep: k^2 eigenvalues of T are 1 (the gauge), the next one is the rate of alternating least squares")
            .formula(r"\begin{aligned} S(Y + E) &= S(Y) + T E + O(\|E\|^2), \quad T = H_{YY}^{-1} H_{YX} H_{XX}^{-1} H_{XY}, \\
                H &= \nabla^2 L(X, Y), \quad S(Y) = \arg\min_{Y'} L\bigl(\arg\min_{X'} L(X', Y), Y'\bigr) \end{aligned}")
            .given("the slope is 0 at X, Y; H_XX and H_YY are definite to 6 digits")
            .note("Tried at a distance of 10^-13 of Y, to a millionth.")
            .about(AT_REST, REST_STRATA)
            .check(|case| derivative(case, true))
            .fault("H without the residual", |case| derivative(case, false)),
        claim("weighted-low-rank/alternating-rate")
            .derived("T of weighted-low-rank/alternating-derivative for W = J")
            .states("eigenvalue k^2 + 1 of T, the rate of alternating least squares, is (sigma_(k+1)(M) / sigma_k(M))^2 for W = J")
            .formula(r"\lambda_{k^2 + 1}\bigl(H_{YY}^{-1} H_{YX} H_{XX}^{-1} H_{XY}\bigr) = \left(\frac{\sigma_{k+1}(M)}{\sigma_k(M)}\right)^2, \quad \lambda_1 \ge \lambda_2 \ge \dots, \quad W = J")
            .given("X, Y is a minimum, sigma_(k+1) below 0.995 sigma_k, H_XX and H_YY are definite to 6 digits, more columns than k")
            .note("Orthogonal iteration in disguise.")
            .about(
                &LowRankCases { kind: Kind::UnweightedMinimum, columns: (2, 4), cases: 40 },
                RATE_STRATA,
            )
            .check(|case| rate(case, 1))
            .fault("eigenvalue k^2", |case| rate(case, 0)),
    ]
}
