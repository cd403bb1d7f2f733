//! Gradient and Hessian of the two-layer loss against the symbolic oracle, the slips that are easily made, and the shape
//! of the Hessian.

use nalgebra::{DMatrix, DVector};

use crate::claims::claim::Check;
use crate::claims::tools::builder::{Draft, claim, witness};
use crate::claims::tools::exact::Exact;
use crate::claims::tools::forms::{self, HessianForm};
use crate::claims::tools::identity::{self, EVERYWHERE, equal_matrices, equal_vectors, has_rank};
use crate::claims::{Case, CheckError, Claim, Drawn, Family, Verdict};
use crate::instance::{Activation, Instance, LossKind};
use crate::oracle::{self, Reference};
use crate::scalar::High;

use super::model::{Form, Model, Sizes, layer};

/// The model at a case's point.
pub fn model_of(exact: &Exact) -> Result<Model<High>, CheckError> {
    let (second_layer, activation) = layer(&exact.instance)?;
    let lifted = oracle::lift_matrix(second_layer);
    Ok(Model::at(lifted, activation, &exact.z, &exact.b))
}

/// `grad L = A1' P A2' r + A1' W^2 A1 x`; the fault leaves `phi'` out of `r`.
fn gradient(case: &Case, with_slope: bool) -> Result<Verdict, CheckError> {
    let exact = Exact::of(case)?;
    let mut model = model_of(&exact)?;
    if !with_slope {
        model.v = model.layer.tr_mul(&model.residual);
    }
    let squares = exact.squared_weights();
    let in_logits = model.gradient() + squares.component_mul(&exact.z);
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

/// `Hess L = A1' (B + W^2) A1` with B in the given form.
fn hessian(case: &Case, form: Form) -> Result<Verdict, CheckError> {
    let exact = Exact::of(case)?;
    let model = model_of(&exact)?;
    let ridge = DMatrix::from_diagonal(&exact.squared_weights());
    let size = exact.a.map(High::abs);
    let stated = exact.a.tr_mul(&((model.hessian(form) + &ridge) * &exact.a));
    let terms = Sizes::of(&exact, &model).hessian() + ridge;
    let truth = exact.evaluation()?.hessian;
    Ok(equal_matrices(
        "Hess L",
        &stated,
        &truth,
        &size.tr_mul(&(terms * &size)),
        &exact,
    ))
}

/// `B 1 = 0` for the oracle's B, or for a closed form.
fn annihilates_ones(case: &Case, form: Option<Form>) -> Result<Verdict, CheckError> {
    let exact = Exact::of(case)?;
    let model = model_of(&exact)?;
    let b = match form {
        Some(form) => model.hessian(form),
        None => exact.logit_evaluation()?.hessian,
    };
    let zero = DVector::from_element(b.nrows(), High::ZERO);
    let scale = Sizes::of(&exact, &model).hessian().column_sum();
    Ok(equal_vectors("B 1", &b.column_sum(), &zero, &scale, &exact))
}

/// With `A2 = I` and the given activation, the oracle's B of the two-layer loss against DLS23's closed form.
fn reduces_to_softmax(case: &Case, activation: Activation) -> Result<Verdict, CheckError> {
    let n = case.instance.rows();
    // The case's own target has m entries; the reduction needs n of them.
    let mut target = DVector::zeros(n);
    for (i, entry) in case.instance.target().iter().enumerate().take(n) {
        target[i] = *entry;
    }
    let loss = LossKind::TwoLayer {
        second_layer: DMatrix::identity(n, n),
        activation,
    };
    let instance = Instance::new(
        loss,
        case.instance.matrix().clone(),
        target,
        case.instance.weights().clone(),
    )?;
    let exact = Exact::at(&instance, oracle::lift_vector(&case.x()))?;
    let truth = Reference::new(&instance.in_logits())?.evaluate(&exact.z)?;
    let b = forms::hessian(HessianForm::Corrected, &exact.p, &exact.b);
    let sizes = Sizes::of(&exact, &model_of(&exact)?);
    Ok(
        equal_matrices("B", &b, &truth.hessian, &sizes.hessian(), &exact).and(equal_vectors(
            "gradient of l",
            &forms::gradient(forms::GradientForm::Corrected, &exact.p, &exact.b),
            &truth.gradient,
            &sizes.gradient(),
            &exact,
        )),
    )
}

/// Whether the oracle's B without `diag(p o v - <p,v> p)` has rank at most `m + extra`.
fn remainder_has_rank(case: &Case, extra: usize) -> Result<Verdict, CheckError> {
    let exact = Exact::of(case)?;
    let model = model_of(&exact)?;
    let rest = exact.logit_evaluation()?.hessian - DMatrix::from_diagonal(&model.diagonal());
    let terms = Sizes::of(&exact, &model).hessian();
    has_rank(&rest, model.y.len() + extra, &terms, &exact)
}

/// Every activation, in every kind of instance.
const FAMILY: Family = Family {
    losses: &[
        Drawn::TwoLayer(Activation::Tanh),
        Drawn::TwoLayer(Activation::Softplus),
        Drawn::TwoLayer(Activation::Identity),
        Drawn::TwoLayer(Activation::Relu),
    ],
    ..EVERYWHERE
};

fn identity(id: &'static str) -> Draft {
    claim(id)
        .derived("loss as the abstract describes it; formulas derived here")
        .given("relu: no entry of A2 f is 0")
        .on(FAMILY, identity::STRATA)
}

const CORRECTED: (&str, Check) = ("the derived form", |case| hessian(case, Form::Derived));

/// The statements on record as false: slips that a derivation by hand easily makes.
fn slips() -> Vec<Claim> {
    vec![
        identity("two-layer/hessian-sign-of-mean")
            .states("Hess L = A1' (B + W^2) A1 with + <f,v> diag(f) in B (for - <f,v> diag(f))")
            .formula(r"\begin{aligned} \nabla^2 L &= A_1^\top (B + W^2) A_1, \\
                B &= P A_2^\top \operatorname{diag}\bigl(\phi'(y)^2 + \phi''(y) \circ (\phi(y) - b)\bigr) A_2 P \\
                &\quad {} + \operatorname{diag}(f \circ v) + \langle f, v\rangle \operatorname{diag}(f) \\
                &\quad {} - (f \circ v) f^\top - f (f \circ v)^\top + 2 \langle f, v\rangle f f^\top, \\
                P &= \operatorname{diag}(f) - f f^\top, \quad v = A_2^\top r, \quad r = \phi'(y) \circ (\phi(y) - b), \quad y = A_2 f \end{aligned}")
            .note("The slip of DLS23's E2, here as a suspect: the paper's own formula was not at hand.")
            .check(|case| hessian(case, Form::SignOfMean))
            .fault(CORRECTED.0, CORRECTED.1)
            .refuted("two-layer/hessian-derived", witness!("two-layer-hessian-sign-of-mean")),
        identity("two-layer/hessian-without-mean-square")
            .states("Hess L = A1' (B + W^2) A1 without + 2 <f,v> ff' in B")
            .formula(r"\begin{aligned} \nabla^2 L &= A_1^\top (B + W^2) A_1, \\
                B &= P A_2^\top \operatorname{diag}\bigl(\phi'(y)^2 + \phi''(y) \circ (\phi(y) - b)\bigr) A_2 P \\
                &\quad {} + \operatorname{diag}(f \circ v) - \langle f, v\rangle \operatorname{diag}(f) - (f \circ v) f^\top - f (f \circ v)^\top, \\
                P &= \operatorname{diag}(f) - f f^\top, \quad v = A_2^\top r, \quad r = \phi'(y) \circ (\phi(y) - b), \quad y = A_2 f \end{aligned}")
            .note("A slip to look for: the paper's own formula was not at hand.")
            .check(|case| hessian(case, Form::WithoutMeanSquare))
            .fault(CORRECTED.0, CORRECTED.1)
            .refuted("two-layer/hessian-derived", witness!("two-layer-hessian-without-mean-square")),
        identity("two-layer/hessian-one-sided")
            .states("Hess L = A1' (B + W^2) A1 with P A2' diag(phi'^2 + phi'' o (h - b)) A2 in B (no P on the right)")
            .formula(r"\begin{aligned} \nabla^2 L &= A_1^\top (B + W^2) A_1, \\
                B &= P A_2^\top \operatorname{diag}\bigl(\phi'(y)^2 + \phi''(y) \circ (\phi(y) - b)\bigr) A_2 + S_f(v), \\
                S_f(v) &= \operatorname{diag}(f \circ v) - \langle f, v\rangle \operatorname{diag}(f) \\
                &\quad {} - (f \circ v) f^\top - f (f \circ v)^\top + 2 \langle f, v\rangle f f^\top, \\
                P &= \operatorname{diag}(f) - f f^\top, \quad v = A_2^\top r, \quad r = \phi'(y) \circ (\phi(y) - b), \quad y = A_2 f \end{aligned}")
            .note("A slip to look for: the paper's own formula was not at hand. The matrix is not even symmetric.")
            .check(|case| hessian(case, Form::OneSided))
            .fault(CORRECTED.0, CORRECTED.1)
            .refuted("two-layer/hessian-derived", witness!("two-layer-hessian-one-sided")),
    ]
}

/// The claims about derivatives.
pub fn claims() -> Vec<Claim> {
    let mut claims = vec![
        identity("two-layer/gradient-derived")
            .states("grad L = A1' P A2' r + A1' W^2 A1 x, P = diag(f) - ff', r = phi'(y) o (phi(y) - b), y = A2 f, f = softmax(A1 x)")
            .formula(r"\begin{aligned} \nabla L(x) &= A_1^\top P A_2^\top r + A_1^\top W^2 A_1 x, \quad P = \operatorname{diag}(f) - f f^\top, \\
                r &= \phi'(y) \circ (\phi(y) - b), \quad y = A_2 f, \quad f = \operatorname{softmax}(A_1 x) \end{aligned}")
            .note("phi in tanh, softplus, identity, and relu where no y_i is 0. Checked against the symbolic derivative of \
             0.5 ||phi(A2 f) - b||^2 + 0.5 ||W A1 x||^2.")
            .check(|case| gradient(case, true))
            .fault("phi' left out of r", |case| gradient(case, false)),
        identity("two-layer/hessian-derived")
            .states("Hess L = A1' (B + W^2) A1 with B = P A2' diag( phi'^2 + phi'' o (phi(y) - b) ) A2 P + S_f(v), v = A2' r, \
             S_f(v) = diag(f o v) - <f,v> diag(f) - (f o v)f' - f(f o v)' + 2 <f,v> ff'")
            .formula(r"\begin{aligned} \nabla^2 L &= A_1^\top (B + W^2) A_1, \\
                B &= P A_2^\top \operatorname{diag}\bigl(\phi'(y)^2 + \phi''(y) \circ (\phi(y) - b)\bigr) A_2 P + S_f(v), \\
                S_f(v) &= \operatorname{diag}(f \circ v) - \langle f, v\rangle \operatorname{diag}(f) \\
                &\quad {} - (f \circ v) f^\top - f (f \circ v)^\top + 2 \langle f, v\rangle f f^\top, \\
                P &= \operatorname{diag}(f) - f f^\top, \quad v = A_2^\top r, \quad r = \phi'(y) \circ (\phi(y) - b), \quad y = A_2 f \end{aligned}")
            .note("phi in tanh, softplus, identity, and relu where no y_i is 0. Checked against the symbolic second derivative.")
            .check(|case| hessian(case, Form::Derived))
            .fault("without phi'' o (phi(y) - b)", |case| hessian(case, Form::WithoutCurvature)),
    ];
    claims.extend(slips());
    claims.extend([
        identity("two-layer/hessian-annihilates-ones")
            .states("B 1_n = 0")
            .formula(r"B \mathbf{1}_n = 0, \quad B = \nabla_z^2 L")
            .note("The first layer does not change when all logits move together: a test of B that needs no derivative. Checked on \
             the oracle's B.")
            .check(|case| annihilates_ones(case, None))
            .fault("the form without + 2 <f,v> ff'", |case| annihilates_ones(case, Some(Form::WithoutMeanSquare))),
        identity("two-layer/reduces-to-softmax")
            .states("with A2 = I_n and phi the identity, gradient and B are those of softmax regression (dls23/gradient-corrected, \
             dls23/hessian-corrected)")
            .formula(r"\begin{aligned} A_2 = I_n, \ \phi = \operatorname{id} \quad \implies \quad \nabla L(x) &= A_1^\top \bigl(f \circ (f-b) - \langle f-b, f\rangle f\bigr) + A_1^\top W^2 A_1 x, \\
                B &= \langle 3f-2b, f\rangle f f^\top - \langle f-b, f\rangle \operatorname{diag}(f) \\
                &\quad {} + \operatorname{diag}((2f-b) \circ f) + (b \circ f) f^\top + f (b \circ f)^\top \\
                &\quad {} - 2 (f \circ f) f^\top - 2 f (f \circ f)^\top \end{aligned}")
            .note("The case's target is cut or filled up with zeros to n entries.")
            .check(|case| reduces_to_softmax(case, Activation::Identity))
            .fault("phi = tanh", |case| reduces_to_softmax(case, Activation::Tanh)),
        identity("two-layer/hessian-diagonal-plus-low-rank")
            .states("B - diag( f o v - <f,v> f ) has rank at most m + 2, m the number of rows of A2")
            .formula(r"\begin{aligned} \operatorname{rank}\bigl(B - \operatorname{diag}(f \circ v - \langle f, v\rangle f)\bigr) &\le m + 2, \quad A_2 \in \mathbb{R}^{m \times n}, \\
                B &= \nabla_z^2\, \tfrac{1}{2} \|\phi(A_2 f) - b\|_2^2, \quad v = A_2^\top r, \quad r = \phi'(y) \circ (\phi(y) - b), \quad y = A_2 f \end{aligned}")
            .note("By its singular value number m + 3 at 40 digits.")
            .check(|case| remainder_has_rank(case, 2))
            .fault("rank at most m", |case| remainder_has_rank(case, 0)),
    ]);
    claims
}
