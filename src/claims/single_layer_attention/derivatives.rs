//! Gradient and Hessian of single-layer attention against the symbolic oracle, and the slips that are easily made.

use nalgebra::{DMatrix, DVector};

use crate::claims::claim::Check;
use crate::claims::tools::builder::{Draft, claim, strata, witness};
use crate::claims::tools::identity::equal_entries;
use crate::claims::{Case, CheckError, Claim, OtherCases, Stratum, Verdict};
use crate::scalar::High;
use crate::system::Given;

use super::cases::AttentionCases;
use super::model::{Form, Model, evaluation, in_logits, point, unknowns};

/// `dL/dX = factor A1' (p + w^2 o Z) A2`; the abstract's loss has no factor 1/2, so its gradient has twice that of ours.
fn gradient_x(
    case: &Case<Given>,
    stated_of: i64,
    without_half: bool,
) -> Result<Verdict, CheckError> {
    let model = Model::of(case)?;
    let sizes = model.sizes(case);
    let (truth, _) = unknowns(&case.instance, &evaluation(case)?.gradient);
    let loss = High::int(if without_half { 2 } else { 1 });
    Ok(equal_entries(
        |i, j| format!("dL/dX[{i}, {j}]"),
        [
            &(model.gradient_x() * High::int(stated_of)),
            &(truth * loss),
            &(sizes.gradient_x() * High::int(2)),
        ],
        Model::roundings(&sizes),
    ))
}

/// `dL/dY = (F A3)' C + mu A3' A3 Y`; the fault takes F for its transpose.
fn gradient_y(case: &Case<Given>, transposed: bool) -> Result<Verdict, CheckError> {
    let mut model = Model::of(case)?;
    let sizes = model.sizes(case);
    let (_, truth) = unknowns(&case.instance, &evaluation(case)?.gradient);
    if transposed {
        model.f = model.f.transpose();
    }
    Ok(equal_entries(
        |i, j| format!("dL/dY[{i}, {j}]"),
        [&model.gradient_y(), &truth, &sizes.gradient_y()],
        Model::roundings(&sizes),
    ))
}

/// All blocks of the Hessian in the given form.
fn hessian(case: &Case<Given>, form: Form) -> Result<Verdict, CheckError> {
    let model = Model::of(case)?;
    let sizes = model.sizes(case);
    let layout = case.instance.layout();
    let entry = |k| layout.entry(k).unwrap_or_default();
    Ok(equal_entries(
        |i, j| format!("Hess L[{}, {}]", entry(i), entry(j)),
        [
            &model.hessian(form),
            &evaluation(case)?.hessian,
            &sizes.hessian(Form::Derived),
        ],
        Model::roundings(&sizes),
    ))
}

/// `B_j 1 = 0` for every row: of the oracle's Hessian in the logits, less the weights, or of a closed form.
fn annihilates_ones(case: &Case<Given>, form: Option<Form>) -> Result<Verdict, CheckError> {
    let model = Model::of(case)?;
    let sizes = model.sizes(case);
    let roundings = Model::roundings(&sizes);
    let n = model.f.nrows();
    let (reference, point) = in_logits(&case.instance, &model)?;
    let truth = reference.evaluate(&point)?.hessian;
    let mut verdict = Verdict::VACUOUS;
    for j in 0..n {
        let block = match form {
            Some(form) => model.row_block(j, form),
            None => truth.view((j * n, j * n), (n, n)).into_owned(),
        };
        let size = sizes.row_block(j, Form::Derived).column_sum();
        for (k, sum) in block.column_sum().iter().enumerate() {
            let quantity = format!("(B_{j} 1)[{k}]");
            let rest = *sum - model.squares[(j, k)];
            verdict = verdict.and(Verdict::equal(
                &quantity,
                rest,
                High::ZERO,
                &roundings * size[k],
            ));
        }
    }
    Ok(verdict)
}

/// `(A1 (x) A2) vec(X)` is `A1 X A2'` row by row, with X taken row by row or column by column.
fn vectorised(case: &Case<Given>, by_columns: bool) -> Result<Verdict, CheckError> {
    let model = Model::of(case)?;
    let sizes = model.sizes(case);
    let (x, _) = unknowns(&case.instance, &point(case));
    let entries: Vec<High> = if by_columns {
        x.iter().copied().collect()
    } else {
        x.transpose().iter().copied().collect()
    };
    let product = model.a1.kronecker(&model.a2) * DVector::from_vec(entries);
    let n = model.z.nrows();
    let stated = DMatrix::from_row_slice(n, n, product.as_slice());
    Ok(equal_entries(
        |i, j| format!("A1 X A2'[{i}, {j}]"),
        [&stated, &model.z, &sizes.z],
        Model::roundings(&sizes),
    ))
}

/// Every kind of instance.
const CASES: OtherCases = &AttentionCases::GENERAL;

/// What none of these statements may be silent about.
pub const STRATA: &[Stratum] = strata!(
    Decade("logit range"): 0 1 2 3;
    Decade("target"): -1 1 4 7;
    Decade("values"): 0 1 3;
    Kind: "n=1" "m=1" "d1!=d2" "n<d1" "a column of A2 is constant" "no weights" "ridge"
);

fn identity(id: &'static str) -> Draft<OtherCases, Given> {
    claim(id).about(CASES, STRATA)
}

const CORRECTED: (&str, Check<Given>) = ("the derived form", |case| hessian(case, Form::Derived));

/// What the abstract says of the unknown and of the loss, and the gradient.
fn first_order() -> Vec<Claim> {
    vec![
        identity("single-layer-attention/vec-row-major")
            .printed("abstract: A = A_1 (x) A_2, A_j0 its j0-th block, x = vec(X)")
            .states("A_j0 x = A2 X' (row j0 of A1): (A1 (x) A2) vec(X) lists A1 X A2' row by row, vec taking X row by row")
            .formula(r"\begin{aligned} \mathsf{A}_{j_0} x &= A_2 X^\top (A_1)_{j_0,*}^\top, \quad x = \operatorname{vec}(X), \quad \mathsf{A}_{j_0} = (A_1)_{j_0,*} \otimes A_2, \\
                (A_1 \otimes A_2) \operatorname{vec}(X) &= \operatorname{vec}(A_1 X A_2^\top), \quad \operatorname{vec} \text{ row by row} \end{aligned}")
            .note("The abstract does not say which way vec goes; row by row is the reading under which it is right (E32).")
            .check(|case| vectorised(case, false))
            .fault("X column by column", |case| vectorised(case, true)),
        identity("single-layer-attention/vec-column-major")
            .derived("abstract: x = vec(X), read with the usual vec, column by column")
            .states("(A1 (x) A2) vec(X) lists A1 X A2' row by row, vec taking X column by column")
            .formula(r"(A_1 \otimes A_2) \operatorname{vec}_{\text{columns}}(X) = \operatorname{vec}_{\text{rows}}(A_1 X A_2^\top)")
            .note("It lists A1 X' A2', which is another problem unless X is symmetric (E32); for d1 != d2 it is no matrix product at all.")
            .check(|case| vectorised(case, true))
            .fault("X row by row", |case| vectorised(case, false))
            .refuted("single-layer-attention/vec-row-major", witness!("single-layer-attention-vec-column-major")),
        identity("single-layer-attention/gradient-x")
            .quoted("Alman, Song (NeurIPS 2024) Definitions 3.2 to 3.7, Lemmas B.1 and C.7: the same loss with its factor 1/2")
            .states("dL/dx = vec(A1' p A2), p_j = (diag(f_j) - f_j f_j') q_j, q = C (A3 Y)', for L = 0.5 sum C_ji^2 (with weights: p + w^2 o Z)")
            .formula(r"\begin{aligned} \frac{\partial L}{\partial x} &= \operatorname{vec}(A_1^\top p A_2), \quad p_j = (\operatorname{diag}(f_j) - f_j f_j^\top) q_j, \quad q = C (A_3 Y)^\top, \\
                L &= \tfrac{1}{2} \sum_{j,i} C_{ji}^2 \qquad (\text{with weights: } p + w^2 \circ Z) \end{aligned}")
            .note("Row by row, as vec-row-major.")
            .check(|case| gradient_x(case, 1, false))
            .fault("twice that", |case| gradient_x(case, 2, false)),
        identity("single-layer-attention/gradient-x-abstract-loss")
            .derived("the formula of the lemmas with the abstract's loss, which has no factor 1/2")
            .states("dL/dx = vec(A1' p A2) for L = sum C_ji^2 (with weights: the whole loss doubled)")
            .formula(r"\begin{aligned} \frac{\partial L}{\partial x} &= \operatorname{vec}(A_1^\top p A_2), \quad p_j = (\operatorname{diag}(f_j) - f_j f_j^\top) q_j, \quad q = C (A_3 Y)^\top, \\
                L &= \sum_{j,i} C_{ji}^2 \qquad (\text{with weights: the whole loss doubled}) \end{aligned}")
            .note("A slip to look for: off by exactly the factor 2 (E31). A solver that mixes the two takes half or double steps.")
            .check(|case| gradient_x(case, 1, true))
            .fault("2 A1' p A2", |case| gradient_x(case, 2, true))
            .refuted("single-layer-attention/gradient-x", witness!("single-layer-attention-gradient-x-abstract-loss")),
        identity("single-layer-attention/gradient-y")
            .derived("loss of the abstract with its factor 1/2 and the ridge of this family")
            .states("dL/dY = (F A3)' C + mu A3' A3 Y")
            .formula(r"\frac{\partial L}{\partial Y} = (F A_3)^\top C + \mu A_3^\top A_3 Y")
            .note("With X fixed the loss is a linear least squares problem in Y with one matrix F A3 for all columns.")
            .check(|case| gradient_y(case, false))
            .fault("F' for F", |case| gradient_y(case, true)),
    ]
}

/// The Hessian.
fn second_order() -> Vec<Claim> {
    vec![
        identity("single-layer-attention/hessian-blocks")
            .derived("loss of the abstract with its factor 1/2 and the regularisers of this family")
            .states("Hess_XX = sum_j (a_j a_j') (x) A2' (B_j + diag(w_j^2)) A2, Hess_X,y_i = sum_j a_j (x) A2' (P_j h_i (A3' f_j)' + C_ji P_j A3), Hess_y_i,y_k = delta_ik ((F A3)' F A3 + mu A3' A3), B_j = sum_i (P_j h_i)(P_j h_i)' + C_ji S_f_j(h_i)")
            .formula(r"\begin{aligned} \nabla_{XX}^2 L &= \sum_j (a_j a_j^\top) \otimes A_2^\top \bigl(B_j + \operatorname{diag}(w_j^2)\bigr) A_2, \\
                \nabla_{X y_i}^2 L &= \sum_j a_j \otimes A_2^\top \bigl(P_j h_i (A_3^\top f_j)^\top + C_{ji} P_j A_3\bigr), \\
                \nabla_{y_i y_k}^2 L &= \delta_{ik} \bigl((F A_3)^\top F A_3 + \mu A_3^\top A_3\bigr), \\
                B_j &= \sum_i \bigl((P_j h_i)(P_j h_i)^\top + C_{ji} S_{f_j}(h_i)\bigr), \quad P_j = \operatorname{diag}(f_j) - f_j f_j^\top, \\
                S_f(v) &= \operatorname{diag}(f \circ v) - \langle f, v\rangle \operatorname{diag}(f) - (f \circ v) f^\top - f (f \circ v)^\top + 2 \langle f, v\rangle f f^\top \end{aligned}")
            .note("S_f(v) = diag(f o v) - <f,v> diag(f) - (f o v)f' - f(f o v)' + 2 <f,v> ff', the second derivative of <softmax, v>.")
            .check(|case| hessian(case, Form::Derived))
            .fault("+ <f,v> diag(f) in S", |case| hessian(case, Form::SignOfMean)),
        identity("single-layer-attention/hessian-sign-of-mean")
            .derived("the slip of DLS23's E2 carried over to this loss")
            .states("Hess L as single-layer-attention/hessian-blocks with + <f,v> diag(f) in S_f(v)")
            .formula(r"\begin{aligned} \nabla_{XX}^2 L &= \sum_j (a_j a_j^\top) \otimes A_2^\top \bigl(B_j + \operatorname{diag}(w_j^2)\bigr) A_2, \\
                B_j &= \sum_i \bigl((P_j h_i)(P_j h_i)^\top + C_{ji} S_{f_j}(h_i)\bigr), \quad P_j = \operatorname{diag}(f_j) - f_j f_j^\top, \\
                S_f(v) &= \operatorname{diag}(f \circ v) + \langle f, v\rangle \operatorname{diag}(f) - (f \circ v) f^\top - f (f \circ v)^\top + 2 \langle f, v\rangle f f^\top \end{aligned}")
            .note("A slip to look for: the paper's own formula was not at hand.")
            .check(|case| hessian(case, Form::SignOfMean))
            .fault(CORRECTED.0, CORRECTED.1)
            .refuted("single-layer-attention/hessian-blocks", witness!("single-layer-attention-hessian-sign-of-mean")),
        identity("single-layer-attention/hessian-gauss-newton")
            .derived("the Hessian without its terms in C, as Gauss-Newton has it")
            .states("Hess_XX = sum_j (a_j a_j') (x) A2' (sum_i P_j h_i (P_j h_i)' + diag(w_j^2)) A2 and Hess_X,y_i = sum_j a_j (x) A2' P_j h_i (A3' f_j)'")
            .formula(r"\begin{aligned} \nabla_{XX}^2 L &= \sum_j (a_j a_j^\top) \otimes A_2^\top \Bigl(\sum_i P_j h_i (P_j h_i)^\top + \operatorname{diag}(w_j^2)\Bigr) A_2, \\
                \nabla_{X y_i}^2 L &= \sum_j a_j \otimes A_2^\top P_j h_i (A_3^\top f_j)^\top \end{aligned}")
            .note("Right where B is met, C = 0; elsewhere a method that takes it for the Hessian converges linearly.")
            .check(|case| hessian(case, Form::GaussNewton))
            .fault(CORRECTED.0, CORRECTED.1)
            .refuted("single-layer-attention/hessian-blocks", witness!("single-layer-attention-hessian-gauss-newton")),
        identity("single-layer-attention/row-sum-zero")
            .derived("a softmax does not see a constant that is added to its logits")
            .states("B_j 1 = 0 for every row j")
            .formula(r"B_j \mathbf{1}_n = 0 \ \forall j, \quad B_j = \sum_i \bigl((P_j h_i)(P_j h_i)^\top + C_{ji} S_{f_j}(h_i)\bigr)")
            .note("Which is why only (I - 11'/n) A2 is seen by the data: the Hessian in X is singular wherever a column of A2 is constant and w = 0.")
            .check(|case| annihilates_ones(case, None))
            .fault("+ <f,v> diag(f) in S", |case| annihilates_ones(case, Some(Form::SignOfMean))),
    ]
}

/// The identities, in the order in which they are used.
pub fn claims() -> Vec<Claim> {
    first_order().into_iter().chain(second_order()).collect()
}
