//! Gradient and Hessian of weighted low-rank approximation against the symbolic oracle, the problem of one row, and the
//! directions that the loss does not see.

use nalgebra::{Cholesky, DMatrix};

use crate::claims::tools::builder::{Draft, claim, strata, witness};
use crate::claims::tools::identity::equal_entries;
use crate::claims::tools::loewner::Certified;
use crate::claims::{Case, CheckError, Claim, OtherCases, Outside, Stratum, Verdict};
use crate::oracle::Reference;
use crate::scalar::{Allowance, High};
use crate::system::Given;

use super::cases::{Kind, LowRankCases};
use super::model::{Model, evaluation, flat, point, unknowns};

/// Entrywise comparison of matrices, with the magnitudes of their terms.
fn equal(quantity: &str, three: [&DMatrix<High>; 3], roundings: Allowance<High>) -> Verdict {
    equal_entries(|i, j| format!("{quantity}[{i}, {j}]"), three, roundings)
}

/// `dF/dX = 2 (W^power o (X Y' - M)) Y` and `dF/dY = 2 (W^power o (X Y' - M))' X` for F, twice the loss.
fn gradient(case: &Case<Given>, squared: bool) -> Result<Verdict, CheckError> {
    let model = Model::of(case);
    let squares = model.squares();
    let two = High::int(2);
    let factors = if squared { &squares } else { &model.weights };
    let stated = factors.component_mul(&model.residual()) * two;
    let sizes = squares.component_mul(&model.residual_sizes()) * two;
    let (x, y) = unknowns(&case.instance, &(evaluation(case)?.gradient * two));
    let roundings = model.roundings();
    let in_x = [&(&stated * &model.y), &x, &(&sizes * model.y.abs())];
    let in_y = [&stated.tr_mul(&model.x), &y, &sizes.tr_mul(&model.x.abs())];
    Ok(equal("dF/dX", in_x, roundings.clone()).and(equal("dF/dY", in_y, roundings)))
}

/// The Hessian of the loss, with or without the residual's part.
fn hessian(case: &Case<Given>, with_residual: bool) -> Result<Verdict, CheckError> {
    let model = Model::of(case);
    let truth = evaluation(case)?.hessian;
    let stated = model.hessian(with_residual);
    let sizes = model.hessian_sizes();
    Ok(equal(
        "Hess L",
        [&stated, &truth, &sizes],
        model.roundings(),
    ))
}

/// `(Y' diag(W_i^power) Y) x_i = Y' diag(W_i^power) M_i` for every row makes X the best one for Y: the slope in X is 0 there.
fn row_problem(case: &Case<Given>, squared: bool) -> Result<Verdict, CheckError> {
    let mut model = Model::of(case);
    let squares = model.squares();
    let weights = if squared {
        squares.clone()
    } else {
        model.weights.clone()
    };
    let mut x = model.x.clone();
    for i in 0..x.nrows() {
        let (gram, right) = model.normal_equations(&weights, i);
        let largest = gram.diagonal().max();
        let Some(factor) = Cholesky::new(gram) else {
            return Ok(Verdict::Outside(Outside::Rank));
        };
        // The pivots are the squares of the factor's diagonal.
        if factor.l_dirty().diagonal().min().square() <= largest.shifted(-12) {
            return Ok(Verdict::Outside(Outside::Rank));
        }
        x.set_row(i, &factor.solve(&right).transpose());
    }
    model.x = x;
    let reference = Reference::of(&case.instance)?;
    let (_, slope) = reference.loss_and_gradient(&flat(&model.x, &model.y))?;
    let (truth, _) = unknowns(&case.instance, &slope);
    // A backward stable solution: the residual of the normal equations is a few roundings of its terms, of either weight.
    let either = &squares + &weights;
    let sizes = either.component_mul(&model.residual_sizes()) * model.y.abs();
    let zero = truth.map(|_| High::ZERO);
    Ok(equal("dL/dX", [&truth, &zero, &sizes], model.roundings()))
}

/// `Hess (X A, -Y A') = (-g_X A', g_Y A)` for every unit matrix A; the fault takes `+Y A'`.
fn gauge(case: &Case<Given>, sign: i64) -> Result<Verdict, CheckError> {
    let model = Model::of(case);
    let truth = evaluation(case)?;
    let (slope_x, slope_y) = unknowns(&case.instance, &truth.gradient);
    let k = model.x.ncols();
    let sizes = model.hessian_sizes();
    let terms = model.squares().component_mul(&model.residual_sizes());
    let (slope_x_sizes, slope_y_sizes) = (&terms * model.y.abs(), terms.tr_mul(&model.x.abs()));
    let mut verdict = Verdict::VACUOUS;
    for a in 0..k {
        for b in 0..k {
            let mut unit = DMatrix::from_element(k, k, High::ZERO);
            unit[(a, b)] = High::ONE;
            let back = unit.transpose();
            let direction = flat(&(&model.x * &unit), &(&model.y * &back * High::int(sign)));
            let found = &truth.hessian * &direction;
            let stated = flat(&(-&slope_x * &back), &(&slope_y * &unit));
            let moved = &sizes * direction.abs()
                + flat(&(&slope_x_sizes * &back), &(&slope_y_sizes * &unit));
            let columns = |vector: &nalgebra::DVector<High>| {
                DMatrix::from_column_slice(vector.len(), 1, vector.as_slice())
            };
            let name = format!("Hess v for A = E_{a}{b}, entry ");
            let three = [&columns(&found), &columns(&stated), &columns(&moved)];
            verdict = verdict.and(equal(&name, three, model.roundings()));
        }
    }
    Ok(verdict)
}

/// At a stationary point: `lambda_min(Hess) >= 10^-20 lambda_max(Hess)`, short of which no f64 would call it definite.
fn definite(case: &Case<Given>) -> Result<Verdict, CheckError> {
    if !is_stationary(case)? {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let range = Certified::of(&Reference::of(&case.instance)?, &point(case))?.range()?;
    Ok(Verdict::at_most(
        "10^-20 lambda_max(Hess)",
        range.high.shifted(-20),
        range.low,
        range.error,
    ))
}

/// Whether the slope is 0 up to rounding, and X and Y are not both 0: there the loss has no directions to be unaware of.
pub(super) fn is_stationary(case: &Case<Given>) -> Result<bool, CheckError> {
    let model = Model::of(case);
    let slope = evaluation(case)?.gradient;
    let terms = model.squares().component_mul(&model.residual_sizes());
    let sizes = flat(&(&terms * model.y.abs()), &terms.tr_mul(&model.x.abs()));
    let moves = !(model.x.norm() + model.y.norm()).is_zero();
    let roundings = model.roundings().size();
    Ok(moves
        && slope
            .iter()
            .zip(&sizes)
            .all(|(g, size)| g.abs() <= roundings * *size))
}

/// At a stationary point: the directions `(X A, -Y A')` are in the kernel of the Hessian.
fn kernel(case: &Case<Given>) -> Result<Verdict, CheckError> {
    if !is_stationary(case)? {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    gauge(case, -1)
}

const EVERY: OtherCases = &LowRankCases {
    kind: Kind::Any,
    columns: (1, 4),
    cases: 60,
};
const STATIONARY: OtherCases = &LowRankCases {
    kind: Kind::Stationary,
    columns: (1, 4),
    cases: 40,
};

/// What no statement without a premise may be silent about.
pub const STRATA: &[Stratum] = strata!(
    Decade("M"): -1 1 4 7;
    Decade("spread of W"): 0 1 3 6 9;
    Kind: "n=1" "m=1" "k=1" "k=2" "k=min(n,m)" "hidden entries" "a row with fewer than k entries"
);
const FULL_RANK: &[Stratum] = strata!(
    Decade("M"): 1 4;
    Decade("spread of W"): 0 3 6;
    Kind: "n=1" "k=1" "k=2" "hidden entries"
);
const AT_REST: &[Stratum] = strata!(Decade("spread of W"): 0 3 6; Kind: "n=1" "m=1" "k=1" "k=2");

fn identity(id: &'static str) -> Draft<OtherCases, Given> {
    claim(id).about(EVERY, STRATA)
}

/// The identities, in the order in which they are used.
pub fn claims() -> Vec<Claim> {
    vec![
        identity("weighted-low-rank/gradient")
            .derived("the objective of the abstract, F(X, Y) = || W o (M - X Y') ||_F^2")
            .states("dF/dX = 2 (W o W o (X Y' - M)) Y, dF/dY = 2 (W o W o (X Y' - M))' X")
            .formula(r"\begin{aligned} \frac{\partial F}{\partial X} &= 2 \bigl(W \circ W \circ (X Y^\top - M)\bigr) Y, \quad F(X, Y) = \|W \circ (M - X Y^\top)\|_F^2, \\
                \frac{\partial F}{\partial Y} &= 2 \bigl(W \circ W \circ (X Y^\top - M)\bigr)^\top X \end{aligned}")
            .note("The weights enter by their squares. (This program's loss is F / 2.)")
            .check(|case| gradient(case, true))
            .fault("W once", |case| gradient(case, false)),
        identity("weighted-low-rank/hessian-blocks")
            .derived("the objective of the abstract, halved")
            .states("Hess_x_i,x_i = Y' D_i^2 Y, Hess_y_j,y_j = X' diag(W_ij^2)_i X, Hess_x_i,y_j = W_ij^2 (y_j x_i' + (<x_i, y_j> - M_ij) I), every other block 0")
            .formula(r"\begin{aligned} \nabla_{x_i x_i}^2 L &= Y^\top D_i^2 Y, \quad D_i = \operatorname{diag}(W_{i,*}), \\
                \nabla_{y_j y_j}^2 L &= X^\top \operatorname{diag}(W_{1j}^2, \dots, W_{nj}^2) X, \\
                \nabla_{x_i y_j}^2 L &= W_{ij}^2 \bigl(y_j x_i^\top + (\langle x_i, y_j\rangle - M_{ij}) I_k\bigr), \quad \text{every other block } 0 \end{aligned}")
            .note("D_i = diag of row i of W.")
            .check(|case| hessian(case, true))
            .fault("without the residual", |case| hessian(case, false)),
        claim("weighted-low-rank/row-problem-weights-once")
            .about(EVERY, FULL_RANK)
            .recalled("the alternating step: x_i = argmin || D_W_i (Y x - M_i) || by its normal equations with D_W_i")
            .states("(Y' D_W_i Y) x_i = Y' D_W_i M_i for every i makes X the minimiser of || W o (M - X Y') ||_F for that Y")
            .formula(r"\begin{aligned} &(Y^\top D_{W_i} Y)\, x_i = Y^\top D_{W_i} M_i \ \forall i, \quad D_{W_i} = \operatorname{diag}(W_{i,*}) \\
                &\implies \quad X \in \arg\min_{X'} \|W \circ (M - X' Y^\top)\|_F \end{aligned}")
            .given("Y' D Y is not singular for any row")
            .note("That is the step for sum W_ij (M_ij - <x_i, y_j>)^2, the weighting of Li, Liang and Risteski; for the objective of the abstract every D is squared.")
            .check(|case| row_problem(case, false))
            .fault("D_W_i^2", |case| row_problem(case, true))
            .refuted("weighted-low-rank/row-problem", witness!("weighted-low-rank-row-problem-weights-once")),
        claim("weighted-low-rank/row-problem")
            .derived("replaces weighted-low-rank/row-problem-weights-once")
            .states("(Y' D_W_i^2 Y) x_i = Y' D_W_i^2 M_i for every i makes X the minimiser of || W o (M - X Y') ||_F for that Y")
            .formula(r"\begin{aligned} &(Y^\top D_{W_i}^2 Y)\, x_i = Y^\top D_{W_i}^2 M_i \ \forall i, \quad D_{W_i} = \operatorname{diag}(W_{i,*}) \\
                &\implies \quad X \in \arg\min_{X'} \|W \circ (M - X' Y^\top)\|_F \end{aligned}")
            .given("Y' D_W_i^2 Y is not singular for any row")
            .note("The slope in X is 0 there, and the loss is convex in X.")
            .about(EVERY, FULL_RANK)
            .check(|case| row_problem(case, true))
            .fault("D_W_i once", |case| row_problem(case, false)),
        claim("weighted-low-rank/hessian-definite-at-minimum")
            .derived("what a local analysis by Newton's method would ask for")
            .states("the Hessian over X and Y is positive definite at a minimum: lambda_min >= 10^-20 lambda_max")
            .formula(r"\lambda_{\min}\bigl(\nabla^2 L(X, Y)\bigr) \ge 10^{-20}\, \lambda_{\max}\bigl(\nabla^2 L(X, Y)\bigr) \quad \text{at a minimum}")
            .given("the slope is 0, X and Y are not both 0")
            .note("Never: X T, Y T^-T has the same loss for every invertible T, which leaves k^2 directions without curvature. A factor has to be fixed first, for instance by Y'Y = I.")
            .about(STATIONARY, AT_REST)
            .check(definite)
            .fault("the kernel of weighted-low-rank/gauge-directions", kernel)
            .refuted("weighted-low-rank/gauge-directions", witness!("weighted-low-rank-hessian-definite-at-minimum")),
        identity("weighted-low-rank/gauge-directions")
            .derived("the slope of L(X T, Y T^-T) = L(X, Y) at T = I + t A")
            .states("Hess (X A, -Y A') = (-g_X A', g_Y A) at every point and for every A: at a stationary point k^2 directions in the kernel of the Hessian")
            .formula(r"\begin{aligned} \nabla^2 L(X, Y)[X A, -Y A^\top] &= (-g_X A^\top, g_Y A) \quad \forall A \in \mathbb{R}^{k \times k}, \\
                g_X &= \frac{\partial L}{\partial X}, \quad g_Y = \frac{\partial L}{\partial Y}, \\
                g_X = 0, \ g_Y = 0 &\implies (X A, -Y A^\top) \in \ker \nabla^2 L(X, Y) \end{aligned}")
            .note("They are independent where X or Y has full column rank.")
            .check(|case| gauge(case, -1))
            .fault("+ Y A'", |case| gauge(case, 1)),
    ]
}
