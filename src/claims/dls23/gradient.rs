//! The gradient of the loss: what is printed (E1, E13), what differentiating the definition gives, and whether the
//! printed one is the gradient of anything.

use nalgebra::DMatrix;

use crate::claims::claim::Check;
use crate::claims::dls23::symbolic::Symbols;
use crate::claims::tools::builder::{Draft, claim, witness};
use crate::claims::tools::exact::Exact;
use crate::claims::tools::forms::{self, GradientForm, HessianForm, printed_b};
use crate::claims::tools::identity::{self, EVERYWHERE, equal_matrices, equal_vectors};
use crate::claims::{Case, CheckError, Claim, Family, Verdict, Weights};
use crate::oracle::Node;
use crate::scalar::High;

/// Whether the ridge `A' W^2 A x` is part of the gradient.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ridge {
    Included,
    Missing,
}

/// `A' (gradient of l in the given form) + ridge` against the oracle's gradient of the whole loss.
fn matches_oracle(case: &Case, form: GradientForm, ridge: Ridge) -> Result<Verdict, CheckError> {
    let exact = Exact::of(case)?;
    let truth = exact.evaluation()?.gradient;
    let mut in_logits = forms::gradient(form, &exact.p, &exact.b);
    let squares = exact.squared_weights();
    if ridge == Ridge::Included {
        in_logits += squares.component_mul(&exact.z);
    }
    let stated = exact.a.tr_mul(&in_logits);
    // Entry i of the gradient in the logits: |p_i c_i| + |<c, p> p_i|, with p + |b| for |c|; the ridge adds w_i^2 |z_i|,
    // with the terms of z_i before they cancel.
    let size = exact.a.map(High::abs);
    let m = &exact.p + exact.b.map(High::abs);
    let terms = exact.p.component_mul(&m)
        + &exact.p * m.dot(&exact.p)
        + squares.component_mul(&(&size * exact.x.map(High::abs)));
    let scale = size.tr_mul(&terms);
    Ok(equal_vectors("gradient", &stated, &truth, &scale, &exact))
}

/// The Jacobian (d x d) of the vector field `x -> A' (gradient of l in the given form)`, by the oracle's rules, and the
/// magnitude of its terms.
fn field_jacobian(
    exact: &Exact,
    form: GradientForm,
) -> Result<(DMatrix<High>, DMatrix<High>), CheckError> {
    let mut symbols = Symbols::of(exact);
    let f = symbols.f.clone();
    let graph = &mut symbols.graph;
    let c: Vec<Node> = f
        .iter()
        .zip(exact.b.iter())
        .map(|(&f, b)| {
            let b = graph.constant(*b);
            graph.weighted_sum(&[(High::ONE, f), (-High::ONE, b)])
        })
        .collect();
    let products: Vec<Node> = f
        .iter()
        .zip(&c)
        .map(|(&f, &c)| graph.product(f, c))
        .collect();
    let mean = graph.sum(&products);
    let sign = match form {
        GradientForm::Printed => High::ONE,
        GradientForm::Corrected => -High::ONE,
    };
    let in_logits: Vec<Node> = f
        .iter()
        .zip(&products)
        .map(|(&f, &own)| {
            let along = graph.product(mean, f);
            graph.weighted_sum(&[(High::ONE, own), (sign, along)])
        })
        .collect();
    let field: Vec<Node> = (0..exact.a.ncols())
        .map(|j| {
            let column = exact.a.column(j);
            let terms: Vec<(High, Node)> = column
                .iter()
                .copied()
                .zip(in_logits.iter().copied())
                .collect();
            graph.weighted_sum(&terms)
        })
        .collect();
    let jacobian = symbols.jacobian(&field)?;
    // Differentiating p_i c_i and <c, p> p_i gives terms in which each p_k meets |A_k| + <p, |A|> once, and c_k or p_k
    // or their mean: with m = p + |b| >= |c| they are below those of diag(p o m), diag(p) and pp', each with <m, p> + m.
    let p = &exact.p;
    let m = p + exact.b.map(High::abs);
    let mean = m.dot(p);
    let weight = |i: usize| m[i] + mean;
    let two = High::int(2);
    let middle = DMatrix::from_fn(p.len(), p.len(), |i, j| {
        let own = if i == j {
            two * p[i] * weight(i)
        } else {
            High::ZERO
        };
        own + two * p[i] * p[j] * (weight(i) + weight(j))
    });
    let size = exact.a.map(High::abs);
    Ok((jacobian, size.tr_mul(&(middle * &size))))
}

/// Whether the Jacobian of the field is symmetric, as that of a gradient is.
fn is_a_gradient(case: &Case, form: GradientForm) -> Result<Verdict, CheckError> {
    let exact = Exact::of(case)?;
    let (jacobian, scale) = field_jacobian(&exact, form)?;
    Ok(equal_matrices(
        "Jacobian of the field",
        &jacobian,
        &jacobian.transpose(),
        &scale,
        &exact,
    ))
}

/// Whether `A' B A`, B in the given form, is the Jacobian of the field.
fn is_its_derivative(
    case: &Case,
    gradient: GradientForm,
    hessian: HessianForm,
) -> Result<Verdict, CheckError> {
    let exact = Exact::of(case)?;
    let (jacobian, scale) = field_jacobian(&exact, gradient)?;
    let b = forms::hessian(hessian, &exact.p, &exact.b);
    let stated = exact.a.tr_mul(&(b * &exact.a));
    Ok(equal_matrices("A'BA", &stated, &jacobian, &scale, &exact))
}

/// A statement about the gradient.
fn identity(id: &'static str) -> Draft {
    claim(id)
        .derived("thesis section 2.2.1; DLS23 Lemma 5.6")
        .on(EVERYWHERE, identity::STRATA)
        .real_rows(24)
}

/// The claims about the gradient.
pub fn claims() -> Vec<Claim> {
    let unweighted = Family {
        weights: Weights::Zero,
        ..EVERYWHERE
    };
    let corrected: Check = |case| matches_oracle(case, GradientForm::Corrected, Ridge::Included);
    vec![
        identity("dls23/gradient-printed")
            .printed("thesis section 2.2.1; Algorithm 1 line 7; DLS23 Lemma 5.6 part 5")
            .states("grad L_exp = A' ( f (f-b)' f + diag(f)(f-b) )")
            .formula(r"\nabla L_{\exp}(x) = A^\top \bigl(f (f-b)^\top f + \operatorname{diag}(f)(f-b)\bigr)")
            .note("Erratum E1: a minus sign is lost between the third and the fourth line of the derivation.")
            .on(unweighted, identity::STRATA)
            .check(|case| matches_oracle(case, GradientForm::Printed, Ridge::Included))
            .fault("the corrected sign", corrected)
            .refuted("dls23/gradient-corrected", witness!("dls23-gradient-printed")),
        identity("dls23/gradient-printed-is-a-gradient")
            .states("the printed gradient is the gradient of some function: its Jacobian is symmetric")
            .formula(r"\begin{aligned} \frac{\partial g_i}{\partial x_j} &= \frac{\partial g_j}{\partial x_i} \quad \forall i, j, \\
                g(x) &= A^\top \bigl(f (f-b)^\top f + \operatorname{diag}(f)(f-b)\bigr) \end{aligned}")
            .note("So the sign of E1 is not a convention: no loss has the printed gradient (for d >= 2).")
            .on(unweighted, identity::STRATA)
            .real_rows(8)
            .check(|case| is_a_gradient(case, GradientForm::Printed))
            .fault("the corrected sign", |case| is_a_gradient(case, GradientForm::Corrected))
            .refuted("dls23/gradient-corrected", witness!("dls23-gradient-printed-is-a-gradient")),
        identity("dls23/hessian-printed-is-derivative-of-printed-gradient")
            .states("A'BA with the printed B is the derivative of the printed gradient of L_exp")
            .formula(concat!(r"\begin{aligned} A^\top B A &= \frac{d}{dx} A^\top \bigl(f (f-b)^\top f + \operatorname{diag}(f)(f-b)\bigr), \\
                B &= ", printed_b!(), r" \end{aligned}"))
            .note("The two faults (E1, E2) do not explain each other.")
            .on(unweighted, identity::STRATA)
            .real_rows(8)
            .check(|case| is_its_derivative(case, GradientForm::Printed, HessianForm::Printed))
            .fault("both corrected", |case| is_its_derivative(case, GradientForm::Corrected, HessianForm::Corrected))
            .refuted("dls23/hessian-corrected", witness!("dls23-hessian-printed-is-derivative-of-printed-gradient")),
        identity("dls23/gradient-corrected")
            .states("grad L = A' ( f o (f-b) - <f-b,f> f ) + A' W^2 A x")
            .formula(r"\nabla L(x) = A^\top \bigl(f \circ (f-b) - \langle f-b, f\rangle f\bigr) + A^\top W^2 A x")
            .note("Checked against the symbolic derivative of the definition.")
            .check(corrected)
            .fault("the printed sign", |case| matches_oracle(case, GradientForm::Printed, Ridge::Included)),
        identity("dls23/algorithm-gradient-without-ridge")
            .derived("thesis Algorithm 1 line 7; H2O Algorithm 4")
            .states("g = A'( f <c,f> + diag(f) c ) is the gradient of L_soft (its sign mended: still without A' W^2 A x)")
            .formula(r"\begin{aligned} \nabla L_{\text{soft}}(x) &= A^\top \bigl(\operatorname{diag}(f)\, c - \langle c, f\rangle f\bigr), \\
                L_{\text{soft}} &= L_{\exp} + L_{\text{reg}}, \quad c = f - b \end{aligned}")
            .note("Erratum E13: the algorithm minimises L_exp + L_reg but its g has no term of L_reg.")
            .check(|case| matches_oracle(case, GradientForm::Corrected, Ridge::Missing))
            .fault("the ridge's gradient added", corrected)
            .refuted("dls23/gradient-corrected", witness!("dls23-algorithm-gradient-without-ridge")),
    ]
}
