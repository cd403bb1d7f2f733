//! Derivatives of the loss whose zeros are pairs, against the symbolic oracle.

use nalgebra::DMatrix;

use crate::claims::tools::builder::{claim, strata};
use crate::claims::tools::identity::equal_entries;
use crate::claims::{Case, CheckError, Claim, OtherCases, Outside, Stratum, Verdict};
use crate::oracle::Reference;
use crate::scalar::High;
use crate::system::Given;

use super::cases::{Kind, TensorCases};
use super::model::{Model, evaluated, point};

/// The equations' Jacobian in `(lambda, v)`: `[[0, -v'], [-v, (factor) T(v, .., v, ., .) - lambda I]]`, or the magnitudes of its terms.
fn bordered(model: &Model, value: High, v: &nalgebra::DVector<High>, factor: i64) -> DMatrix<High> {
    let n = model.side;
    let inner = model.matrix(v) * High::int(factor);
    DMatrix::from_fn(n + 1, n + 1, |a, b| match (a, b) {
        (0, 0) => High::ZERO,
        (0, j) | (j, 0) => -v[j - 1],
        (i, j) => {
            let own = if i == j { value } else { High::ZERO };
            inner[(i - 1, j - 1)] - own
        }
    })
}

fn bordered_sizes(model: &Model, value: High, v: &nalgebra::DVector<High>) -> DMatrix<High> {
    let n = model.side;
    let inner = model.matrix_sizes(v) * High::int(model.order as i64 - 1);
    DMatrix::from_fn(n + 1, n + 1, |a, b| match (a, b) {
        (0, 0) => High::ZERO,
        (0, j) | (j, 0) => v[j - 1].abs(),
        (i, j) => {
            let own = if i == j { value.abs() } else { High::ZERO };
            inner[(i - 1, j - 1)] + own
        }
    })
}

/// The gradient of the loss is the Jacobian times the equations; `(p - less)` stands before the matrix.
fn gradient(case: &Case<Given>, less: i64) -> Result<Verdict, CheckError> {
    let model = Model::of(case);
    if case.instance.size("k") != 1 {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let v = &model.u;
    let (image, sizes) = (model.image(v), model.image_sizes(v));
    let half = High::ratio(1, 2);
    let n = model.side;
    let left = DMatrix::from_fn(n + 1, 1, |a, _| match a {
        0 => (High::ONE - v.norm_squared()) * half,
        i => image[i - 1] - model.value * v[i - 1],
    });
    let left_sizes = DMatrix::from_fn(n + 1, 1, |a, _| match a {
        0 => (High::ONE + v.norm_squared()) * half,
        i => sizes[i - 1] + (model.value * v[i - 1]).abs(),
    });
    let jacobian = bordered(&model, model.value, v, model.order as i64 - less);
    let stated = &jacobian * left;
    let all = bordered_sizes(&model, model.value, v) * left_sizes;
    let (_, truth) = Reference::of(&case.instance)?.loss_and_gradient(&point(case))?;
    let truth = DMatrix::from_column_slice(n + 1, 1, truth.as_slice());
    Ok(equal_entries(
        |i, _| format!("grad L[{i}]"),
        [&stated, &truth, &all],
        model.roundings(),
    ))
}

/// At a pair of a diagonal tensor, `e_1` with its value, the Hessian is the square of the Jacobian, or the Jacobian itself.
fn hessian(case: &Case<Given>, squared: bool) -> Result<Verdict, CheckError> {
    let model = Model::of(case);
    let Some(values) = model.values() else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    if case.instance.size("k") != 1 {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let mut v = model.u.map(|_| High::ZERO);
    v[0] = High::ONE;
    let jacobian = bordered(&model, values[0], &v, model.order as i64 - 1);
    let stated = if squared {
        &jacobian * &jacobian
    } else {
        jacobian
    };
    let sizes = bordered_sizes(&model, values[0], &v);
    let all = &sizes * &sizes + &sizes;
    let truth = evaluated(case, values[0], &v)?.hessian;
    Ok(equal_entries(
        |i, j| format!("Hess L[{i}, {j}]"),
        [&stated, &truth, &all],
        model.roundings(),
    ))
}

const ANY: OtherCases = &TensorCases {
    kind: Kind::Any,
    cases: 24,
};
const ANY_STRATA: &[Stratum] = strata!(
    Decade("T"): -3 1 2 7;
    Kind: "order 3" "order 4" "order 5" "order 6" "n=1" "n=2"
);
const ORTHOGONAL: OtherCases = &TensorCases {
    kind: Kind::Orthogonal,
    cases: 16,
};
const ORTHOGONAL_STRATA: &[Stratum] = strata!(
    Kind: "order 3" "order 4" "order 5" "order 6" "n=1" "n=2" "equal values"
);

/// The claims about derivatives.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("tensor-power/gradient")
            .derived("T(u, .., u, .) is the gradient of T(u, .., u) / p for symmetric T")
            .states("the gradient of 0.5 (|| F ||^2 + f^2), F = T(v, .., v, .) - lambda v, f = (1 - v'v) / 2, is J (f, F) with the symmetric Jacobian J = [[0, -v'], [-v, (p - 1) T(v, .., v, ., .) - lambda I]]")
            .formula(r"\nabla \tfrac{1}{2} \bigl(\|F\|_2^2 + f^2\bigr) = \begin{pmatrix} 0 & -v^\top \\ -v & (p - 1)\, T(v, \dots, v, \cdot, \cdot) - \lambda I \end{pmatrix} \begin{pmatrix} f \\ F \end{pmatrix}, \quad F = T(v, \dots, v, \cdot) - \lambda v, \quad f = \tfrac{1}{2} (1 - v^\top v)")
            .given("k = 1; with more pairs each by itself")
            .about(ANY, ANY_STRATA)
            .check(|case| gradient(case, 1))
            .fault("p in place of p - 1", |case| gradient(case, 0)),
        claim("tensor-power/hessian-at-pairs")
            .derived("F = 0 and f = 0 at a pair")
            .states("at a pair the Hessian of the loss is J^2: a pair is a strict minimiser where J has no eigenvalue 0")
            .formula(r"F = 0, \ f = 0 \quad \Rightarrow \quad \nabla^2 \tfrac{1}{2} \bigl(\|F\|_2^2 + f^2\bigr) = J^2")
            .given("k = 1, T diagonal, v = e_1")
            .about(ORTHOGONAL, ORTHOGONAL_STRATA)
            .check(|case| hessian(case, true))
            .fault("J, the Hessian of the Lagrange function", |case| hessian(case, false)),
    ]
}
