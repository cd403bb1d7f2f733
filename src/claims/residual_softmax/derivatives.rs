//! The derivatives of the model and of the loss against the symbolic oracle, and the shape of the Hessian.

use nalgebra::DMatrix;

use crate::claims::tools::builder::{Draft, claim};
use crate::claims::tools::exact::Exact;
use crate::claims::tools::identity::{self, EVERYWHERE, equal_matrices, equal_vectors, has_rank};
use crate::claims::{Case, CheckError, Claim, Drawn, Family, Verdict};
use crate::oracle::{self, Graph, Node};
use crate::scalar::High;

use super::model::{Model, Sizes};

/// `f` as expressions in `x`, from its definition, and its Jacobian (n x d) by the oracle's rules.
fn jacobian_of_f(exact: &Exact) -> Result<DMatrix<High>, CheckError> {
    let (n, d) = exact.a.shape();
    let mut graph = Graph::new();
    let variables: Vec<Node> = (0..d).map(|j| graph.variable(j)).collect();
    let u: Vec<Node> = (0..n)
        .map(|i| {
            let row = exact.a.row(i);
            let terms: Vec<(High, Node)> =
                row.iter().copied().zip(variables.iter().copied()).collect();
            let z = graph.weighted_sum(&terms);
            let e = graph.exp(z);
            graph.sum(&[e, z])
        })
        .collect();
    let alpha = graph.sum(&u);
    let mut slopes = Vec::with_capacity(n * d);
    for &u in &u {
        let f = graph.quotient(u, alpha);
        for j in 0..d {
            slopes.push(oracle::derivative(&mut graph, f, j));
        }
    }
    let values = oracle::values(&graph, &slopes, &exact.x)?;
    Ok(DMatrix::from_row_slice(n, d, &values))
}

/// `df/dx_j = alpha^-1 ( v o A_j - f <v, A_j> )`; the fault takes `u` for `v`, as for softmax.
fn derivative_of_f(case: &Case, own_slope: bool) -> Result<Verdict, CheckError> {
    let exact = Exact::of(case)?;
    let model = Model::at(&exact.z);
    let slope = if own_slope { &model.k } else { &model.f };
    let stated = (DMatrix::from_diagonal(slope) - &model.f * slope.transpose()) * &exact.a;
    let scale = Sizes::of(&exact, &model).slope(&exact.a);
    let truth = jacobian_of_f(&exact)?;
    Ok(equal_matrices("df/dx", &stated, &truth, &scale, &exact))
}

/// `grad L = A' ( k o (c - <c, f> 1) ) + A' W^2 A x`; the fault takes `f` for `k`, as for softmax.
fn gradient(case: &Case, own_slope: bool) -> Result<Verdict, CheckError> {
    let exact = Exact::of(case)?;
    let model = Model::at(&exact.z);
    let slope = if own_slope { &model.k } else { &model.f };
    let squares = exact.squared_weights();
    let in_logits =
        slope.component_mul(&model.residual(&exact.b)) + squares.component_mul(&exact.z);
    let size = exact.a.map(High::abs);
    let reach = &size * exact.x.map(High::abs);
    let terms = Sizes::of(&exact, &model).gradient() + squares.component_mul(&reach);
    let truth = exact.evaluation()?.gradient;
    Ok(equal_vectors(
        "gradient",
        &exact.a.tr_mul(&in_logits),
        &truth,
        &size.tr_mul(&terms),
        &exact,
    ))
}

/// Whether the curvature `alpha^-1 e o (c - <c, f> 1)` of the model is part of B.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Curvature {
    Included,
    Missing,
}

/// `Hess L = A' (B + W^2) A` with the closed form of B.
fn hessian(case: &Case, curvature: Curvature) -> Result<Verdict, CheckError> {
    let exact = Exact::of(case)?;
    let model = Model::at(&exact.z);
    let squares = exact.squared_weights();
    let diagonal = match curvature {
        Curvature::Included => model.diagonal(&exact.b),
        Curvature::Missing => model.k.component_mul(&model.k),
    };
    let middle = model.low_rank_part(&exact.b) + DMatrix::from_diagonal(&(diagonal + &squares));
    let size = exact.a.map(High::abs);
    let terms = Sizes::of(&exact, &model).hessian() + DMatrix::from_diagonal(&squares);
    let truth = exact.evaluation()?.hessian;
    Ok(equal_matrices(
        "Hess L",
        &exact.a.tr_mul(&(middle * &exact.a)),
        &truth,
        &size.tr_mul(&(terms * &size)),
        &exact,
    ))
}

/// Whether the oracle's B without the diagonal `k o k + alpha^-1 e o (c - <c, f> 1)` has rank at most `rank`.
fn remainder_has_rank(case: &Case, rank: usize) -> Result<Verdict, CheckError> {
    let exact = Exact::of(case)?;
    let model = Model::at(&exact.z);
    let diagonal = model.diagonal(&exact.b);
    let rest = exact.logit_evaluation()?.hessian - DMatrix::from_diagonal(&diagonal);
    has_rank(&rest, rank, &Sizes::of(&exact, &model).hessian(), &exact)
}

/// Every kind of instance of this loss.
const FAMILY: Family = Family {
    losses: &[Drawn::ResidualSoftmax],
    ..EVERYWHERE
};

fn identity(id: &'static str) -> Draft {
    claim(id)
        .derived("abstract: \"We derive the gradient, Hessian\"; formulas derived here")
        .given("alpha(x) != 0, of either sign")
        .on(FAMILY, identity::STRATA)
}

/// The claims about derivatives.
pub fn claims() -> Vec<Claim> {
    vec![
        identity("residual-softmax/derivative-of-f")
            .states("df/dx_j = alpha^-1 ( v o A_j - f <v, A_j> ), v = exp(Ax) + 1, A_j the j-th column")
            .formula(r"\begin{aligned} \frac{\partial f}{\partial x_j} &= \alpha^{-1} \bigl(v \circ A_{*,j} - f \langle v, A_{*,j}\rangle\bigr), \quad v = \exp(Ax) + \mathbf{1}_n, \\
                f &= \alpha^{-1} (\exp(Ax) + Ax), \quad \alpha = \langle \exp(Ax) + Ax, \mathbf{1}_n\rangle \end{aligned}")
            .note("Checked against the symbolic derivative of f = (exp(z) + z) / alpha. For softmax u takes the place of v.")
            .check(|case| derivative_of_f(case, true))
            .fault("u in place of v", |case| derivative_of_f(case, false)),
        identity("residual-softmax/gradient-derived")
            .states("grad L = A' ( k o (c - <c,f> 1) ) + A' W^2 A x, k = (exp(Ax) + 1) / alpha, c = f - b")
            .formula(r"\begin{aligned} \nabla L(x) &= A^\top \bigl(k \circ (c - \langle c, f\rangle \mathbf{1}_n)\bigr) + A^\top W^2 A x, \\
                k &= \alpha^{-1} (\exp(Ax) + \mathbf{1}_n), \quad c = f - b \end{aligned}")
            .note("Checked against the symbolic derivative of the definition, on both sides of the pole.")
            .check(|case| gradient(case, true))
            .fault("f in place of k, as for softmax", |case| gradient(case, false)),
        identity("residual-softmax/hessian-derived")
            .states("Hess L = A' (B + W^2) A with B = diag( k o k + alpha^-1 e o (c - <c,f> 1) ) - ((2f-b) o k)k' - k((2f-b) o k)' \
             + <3f-2b,f> kk', e = exp(Ax)")
            .formula(r"\begin{aligned} \nabla^2 L &= A^\top (B + W^2) A, \\
                B &= \operatorname{diag}\bigl(k \circ k + \alpha^{-1} e \circ (c - \langle c, f\rangle \mathbf{1}_n)\bigr) \\
                &\quad {} - ((2f-b) \circ k) k^\top - k ((2f-b) \circ k)^\top + \langle 3f-2b, f\rangle k k^\top, \\
                e &= \exp(Ax), \quad k = \alpha^{-1} (e + \mathbf{1}_n), \quad c = f - b \end{aligned}")
            .note("Checked against the symbolic second derivative of the definition, on both sides of the pole.")
            .check(|case| hessian(case, Curvature::Included))
            .fault("without alpha^-1 e o (c - <c,f> 1)", |case| hessian(case, Curvature::Missing)),
        identity("residual-softmax/hessian-diagonal-plus-rank-two")
            .printed("abstract: \"the sum of a low-rank matrix and a diagonal matrix\"")
            .states("B is a diagonal matrix plus a matrix of low rank: B - diag( k o k + alpha^-1 e o (c - <c,f> 1) ) has rank at \
                 most 2")
            .formula(r"\begin{aligned} \operatorname{rank}\Bigl(B - \operatorname{diag}\bigl(k \circ k + \alpha^{-1} e \circ (c - \langle c, f\rangle \mathbf{1}_n)\bigr)\Bigr) &\le 2, \quad B = \nabla_z^2\, \tfrac{1}{2} \|f - b\|_2^2, \\
                e &= \exp(Ax), \quad k = \alpha^{-1} (e + \mathbf{1}_n), \quad c = f - b \end{aligned}")
            .note("The diagonal and the 2 are derived here; the rank is computed, by the third singular value at 40 digits.")
            .check(|case| remainder_has_rank(case, 2))
            .fault("rank at most 1", |case| remainder_has_rank(case, 1)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::DVector;

    #[test]
    fn the_closed_form_is_the_derivative_of_the_gradient_by_differences() {
        // Central differences of k o (c - <c, f> 1) in f64: error about h^2 = 1e-8.
        let z = DVector::from_vec(vec![0.3, -0.2, 0.8]);
        let b = DVector::from_vec(vec![0.5, -0.25, 0.25]);
        let gradient = |z: &DVector<f64>| {
            let model = Model::at(z);
            model.k.component_mul(&model.residual(&b))
        };
        let hessian = Model::at(&z).hessian(&b);
        let h = 1e-4;
        for j in 0..3 {
            let mut step = DVector::zeros(3);
            step[j] = h;
            let slope = (gradient(&(&z + &step)) - gradient(&(&z - &step))) / (2.0 * h);
            assert!((slope - hessian.column(j)).amax() < 1e-6);
        }
    }
}
