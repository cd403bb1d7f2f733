//! Gradient and Hessian of the regulariser `L_reg(x) = 0.5 || W A x ||^2`, W = diag(w) (thesis (2.2), E22).

use nalgebra::DMatrix;

use crate::claims::dls23::symbolic::Symbols;
use crate::claims::tools::builder::claim;
use crate::claims::tools::exact::Exact;
use crate::claims::tools::identity::{self, EVERYWHERE, equal_matrices, equal_vectors};
use crate::claims::{Case, CheckError, Claim, Verdict};
use crate::oracle::Node;
use crate::scalar::High;

/// `0.5 sum_i (w_i z_i)^2`, from its definition.
fn regulariser(symbols: &mut Symbols, exact: &Exact) -> Node {
    let half = High::ratio(1, 2);
    let terms: Vec<(High, Node)> = symbols
        .z
        .clone()
        .into_iter()
        .zip(exact.w.iter())
        .map(|(logit, w)| {
            let weighted = symbols.graph.weighted_sum(&[(*w, logit)]);
            (half, symbols.graph.power(weighted, 2))
        })
        .collect();
    symbols.graph.weighted_sum(&terms)
}

/// The power of `w` that multiplies the logits: 2 as stated, 1 in the controls.
fn weights(exact: &Exact, power: i64) -> nalgebra::DVector<High> {
    exact.w.map(|w| w.powi(power))
}

fn gradient(case: &Case, power: i64) -> Result<Verdict, CheckError> {
    let exact = Exact::of(case)?;
    let mut symbols = Symbols::of(&exact);
    let loss = regulariser(&mut symbols, &exact);
    let truth = symbols.jacobian(&[loss])?.row(0).transpose();
    let stated = exact
        .a
        .tr_mul(&weights(&exact, power).component_mul(&exact.z));
    let size = exact.a.map(High::abs);
    let reach = &size * exact.x.map(High::abs);
    let scale = size.tr_mul(&exact.squared_weights().component_mul(&reach));
    Ok(equal_vectors("grad L_reg", &stated, &truth, &scale, &exact))
}

fn hessian(case: &Case, power: i64) -> Result<Verdict, CheckError> {
    let exact = Exact::of(case)?;
    let mut symbols = Symbols::of(&exact);
    let loss = regulariser(&mut symbols, &exact);
    let truth = symbols.hessian(loss)?;
    let middle = DMatrix::from_diagonal(&weights(&exact, power));
    let stated = exact.a.tr_mul(&(middle * &exact.a));
    let size = exact.a.map(High::abs);
    let scale = size.tr_mul(&(DMatrix::from_diagonal(&exact.squared_weights()) * &size));
    Ok(equal_matrices(
        "Hess L_reg",
        &stated,
        &truth,
        &scale,
        &exact,
    ))
}

/// The claims about the regulariser.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("dls23/regulariser-gradient")
            .derived("thesis (2.2)")
            .states("grad L_reg = A' W^2 A x")
            .formula(r"\nabla L_{\text{reg}}(x) = A^\top W^2 A x")
            .note("The term that Algorithm 1 leaves out of its g (erratum E13).")
            .on(EVERYWHERE, identity::STRATA)
            .real_rows(16)
            .check(|case| gradient(case, 2))
            .fault("W instead of W^2", |case| gradient(case, 1)),
        claim("dls23/regulariser-hessian")
            .printed("thesis section 2.2.1")
            .states("d^2 L_reg / dx^2 = A' W^2 A")
            .formula(r"\frac{d^2 L_{\text{reg}}}{dx^2} = A^\top W^2 A")
            .note("Printed with an undefined A_1 in the place of A (erratum E22); read as A, as (2.3) does.")
            .on(EVERYWHERE, identity::STRATA)
            .real_rows(16)
            .check(|case| hessian(case, 2))
            .fault("W instead of W^2", |case| hessian(case, 1)),
    ]
}
