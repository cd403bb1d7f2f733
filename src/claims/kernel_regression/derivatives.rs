//! Gradient and Hessian against the symbolic oracle, and the dimensions of b.

use nalgebra::DMatrix;

use crate::claims::tools::builder::{claim, strata, witness};
use crate::claims::tools::identity::equal_entries;
use crate::claims::{Case, CheckError, Claim, OtherCases, Outside, Stratum, Verdict};
use crate::oracle::Reference;
use crate::scalar::{Allowance, High};
use crate::system::Given;

use super::cases::RegressionCases;
use super::model::{Model, point};

/// `grad || (K + lambda I) x - b ||^2 = factor (K + lambda I)' ((K + lambda I) x - b)`.
fn gradient(case: &Case<Given>, factor: i64) -> Result<Verdict, CheckError> {
    let model = Model::of(case);
    let x = point(case);
    let (k, sizes) = (model.ridged(), model.ridged_sizes());
    let stated = k.tr_mul(&(&k * &x - &model.b)) * High::int(factor);
    let (_, slope) = Reference::of(&case.instance)?.loss_and_gradient(&x)?;
    let truth = slope * High::int(2);
    let terms = sizes.tr_mul(&(&sizes * x.abs() + model.b.abs())) * High::int(2);
    let column = |v: &nalgebra::DVector<High>| DMatrix::from_column_slice(v.len(), 1, v.as_slice());
    let terms = column(&terms);
    Ok(equal_entries(
        |i, _| format!("d/dx_{i}"),
        [&column(&stated), &column(&truth), &terms],
        model.roundings(),
    ))
}

/// `Hess L = (K + lambda I)' (K + lambda I)`; the fault leaves lambda out.
fn hessian(case: &Case<Given>, ridged: bool) -> Result<Verdict, CheckError> {
    let model = Model::of(case);
    let k = if ridged { model.ridged() } else { model.k() };
    let truth = Reference::of(&case.instance)?
        .evaluate(&point(case))?
        .hessian;
    let sizes = model.ridged_sizes();
    let terms = sizes.tr_mul(&sizes) * High::int(2);
    Ok(equal_entries(
        |i, j| format!("Hess L[{i}, {j}]"),
        [&k.tr_mul(&k), &truth, &terms],
        model.roundings(),
    ))
}

/// How many entries b is said to have.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Entries {
    /// As many for an even as for an odd power.
    Same,
    /// d for an even one, n for an odd one.
    Own,
}

fn dimensions(case: &Case<Given>, entries: Entries) -> Result<Verdict, CheckError> {
    let given = &case.instance;
    let [n, d] = ["n", "d"].map(|side| given.size(side) as i64);
    let rows = match (given.word("kind"), entries) {
        ("even", Entries::Own) => d,
        ("odd", Entries::Own) => n,
        // The length that the other of the two asks for.
        ("even", Entries::Same) => n,
        ("odd", Entries::Same) => d,
        _ => return Ok(Verdict::Outside(Outside::Premise)),
    };
    let length = given.array("target").map_or(0, |b| b.values().len()) as i64;
    Ok(Verdict::equal(
        "the number of entries of b",
        High::int(length),
        High::int(rows),
        Allowance::NOTHING,
    ))
}

const ANY: OtherCases = &RegressionCases::ALL;
const STRATA: &[Stratum] = strata!(
    Decade("condition of A"): 1 2 3;
    Decade("square of a row"): 0 1 2 3;
    Kind: "even" "odd" "kernel" "n=1" "d=1" "n<d" "ridge" "power 0"
);
const POWERS: &[Stratum] = strata!(Kind: "even" "odd" "n=1" "d=1" "n=d" "n<d");

/// The claims about derivatives and dimensions.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("attention-kernel-regression/gradient")
            .derived("the abstract's || K x - b ||, squared; K as each problem has it")
            .states("grad || (K + lambda I) x - b ||^2 = 2 (K + lambda I)' ((K + lambda I) x - b)")
            .formula(r"\nabla \|(K + \lambda I) x - b\|_2^2 = 2\, (K + \lambda I)^\top \bigl((K + \lambda I) x - b\bigr)")
            .about(ANY, STRATA)
            .check(|case| gradient(case, 2))
            .fault("without the factor 2, that of half the square", |case| gradient(case, 1)),
        claim("attention-kernel-regression/hessian")
            .derived("half the square of || (K + lambda I) x - b ||")
            .states("Hess 0.5 || (K + lambda I) x - b ||^2 = (K + lambda I)' (K + lambda I): the condition number of K is squared")
            .formula(r"\nabla^2\, \tfrac{1}{2} \|(K + \lambda I) x - b\|_2^2 = (K + \lambda I)^\top (K + \lambda I)")
            .about(ANY, STRATA)
            .check(|case| hessian(case, true))
            .fault("K'K", |case| hessian(case, false)),
        claim("attention-kernel-regression/one-response-vector")
            .quoted("abstract: a response vector b for both power problems")
            .states("b has as many entries for (A'A)^j as for A (A'A)^j")
            .formula(r"A \in \mathbb{R}^{n \times d}, \quad \dim b \text{ for } K = (A^\top A)^j \ = \ \dim b \text{ for } K = A (A^\top A)^j")
            .given("an even or odd power")
            .note("Only where n = d: a b for both would have d and n entries at once. Read kindly the abstract means a b of its own for each problem; this is the literal reading.")
            .about(ANY, POWERS)
            .check(|case| dimensions(case, Entries::Same))
            .fault("a vector for each: attention-kernel-regression/response-vectors", |case| dimensions(case, Entries::Own))
            .refuted("attention-kernel-regression/response-vectors", witness!("attention-kernel-regression-one-response-vector")),
        claim("attention-kernel-regression/response-vectors")
            .derived("replaces attention-kernel-regression/one-response-vector")
            .states("b has d entries for (A'A)^j and n for A (A'A)^j")
            .formula(r"A \in \mathbb{R}^{n \times d}, \quad b \in \mathbb{R}^d \text{ for } K = (A^\top A)^j, \quad b \in \mathbb{R}^n \text{ for } K = A (A^\top A)^j")
            .given("an even or odd power")
            .about(ANY, POWERS)
            .check(|case| dimensions(case, Entries::Own))
            .fault("one for both", |case| dimensions(case, Entries::Same)),
    ]
}
