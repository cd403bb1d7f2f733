//! The Hessian of the loss: the decomposition (2.3), the printed B and its two faults (E2), the corrected B and the other
//! shapes of it.

use nalgebra::{DMatrix, DVector};

use crate::claims::claim::Check;
use crate::claims::tools::builder::{Draft, claim, witness};
use crate::claims::tools::exact::Exact;
use crate::claims::tools::forms::{self, HessianForm, printed_b};
use crate::claims::tools::identity::{self, EVERYWHERE, equal_matrices, equal_vectors, has_rank};
use crate::claims::{Case, CheckError, Claim, Verdict};
use crate::scalar::High;

/// The magnitudes of the terms of `B`, which bound the rounding in any of its forms: with `m = p + |b|` for `|c|`, entry
/// by entry `p_i p_j (2 m_i + 2 m_j + 3 <m, p>)`, and `p_i (2 m_i + <m, p>)` more on the diagonal.
fn magnitude(exact: &Exact) -> DMatrix<High> {
    let p = &exact.p;
    let m = p + exact.b.map(High::abs);
    let mean = m.dot(p);
    let two = High::int(2);
    DMatrix::from_fn(p.len(), p.len(), |i, j| {
        let low_rank = p[i] * p[j] * (two * (m[i] + m[j]) + High::int(3) * mean);
        if i == j {
            low_rank + p[i] * (two * m[i] + mean)
        } else {
            low_rank
        }
    })
}

/// `A' (B + diag(ridge)) A`.
fn congruence(
    a: &DMatrix<High>,
    b: &DMatrix<High>,
    ridge: Option<&DVector<High>>,
) -> DMatrix<High> {
    let mut middle = b.clone();
    if let Some(ridge) = ridge {
        for (i, square) in ridge.iter().enumerate() {
            middle[(i, i)] += *square;
        }
    }
    a.tr_mul(&(middle * a))
}

/// `A' (B(x) + W^2) A` with B in the given form against the oracle's Hessian of the whole loss.
fn whole_hessian(case: &Case, form: HessianForm) -> Result<Verdict, CheckError> {
    let exact = Exact::of(case)?;
    decomposition(
        &exact,
        &forms::hessian(form, &exact.p, &exact.b),
        Some(&exact.squared_weights()),
    )
}

/// `A' (B + W^2) A` with the oracle's own B, its Hessian in the logits; the fault leaves out `W^2`.
fn structure(case: &Case, with_ridge: bool) -> Result<Verdict, CheckError> {
    let exact = Exact::of(case)?;
    let b = exact.logit_evaluation()?.hessian;
    let squares = exact.squared_weights();
    decomposition(&exact, &b, with_ridge.then_some(&squares))
}

fn decomposition(
    exact: &Exact,
    b: &DMatrix<High>,
    ridge: Option<&DVector<High>>,
) -> Result<Verdict, CheckError> {
    let stated = congruence(&exact.a, b, ridge);
    let truth = exact.evaluation()?.hessian;
    let scale = congruence(
        &exact.a.map(High::abs),
        &magnitude(exact),
        Some(&exact.squared_weights()),
    );
    Ok(equal_matrices("Hess L", &stated, &truth, &scale, exact))
}

/// A closed form of B against the oracle's.
fn closed_form(
    case: &Case,
    form: fn(p: &DVector<High>, b: &DVector<High>) -> DMatrix<High>,
) -> Result<Verdict, CheckError> {
    let exact = Exact::of(case)?;
    let stated = form(&exact.p, &exact.b);
    let truth = exact.logit_evaluation()?.hessian;
    let scale = magnitude(&exact);
    Ok(equal_matrices("B", &stated, &truth, &scale, &exact))
}

/// `P = diag(p) - p p'`.
fn covariance(p: &DVector<High>) -> DMatrix<High> {
    DMatrix::from_diagonal(p) - p * p.transpose()
}

/// `P^2 + S_p(p - b)` with `S_p(v) = diag(p o v) - <p,v> diag(p) - (p o v) p' - p (p o v)' + k <p,v> p p'`; k is 2, and 0
/// in the control.
fn matrix_form(p: &DVector<High>, b: &DVector<High>, k: i64) -> DMatrix<High> {
    let c = p - b;
    let mean = p.dot(&c);
    let pc = p.component_mul(&c);
    let square = covariance(p).pow(2);
    square + DMatrix::from_diagonal(&(&pc - p * mean)) - &pc * p.transpose() - p * pc.transpose()
        + p * p.transpose() * (High::int(k) * mean)
}

/// `u'Bu = ||Pu||^2 + E_p[(c - cbar)(u - E_p u)^2]` for `u = e_i` and `u = e_i + e_j`, which determine a quadratic form;
/// the fault does not centre c.
fn variance_form(case: &Case, centred: bool) -> Result<Verdict, CheckError> {
    let exact = Exact::of(case)?;
    let b = exact.logit_evaluation()?.hessian;
    let p = &exact.p;
    let n = p.len();
    let c = p - &exact.b;
    let centre = if centred { c.dot(p) } else { High::ZERO };
    let covariance = covariance(p);
    let terms = magnitude(&exact);
    let roundings = exact.error(High::ONE);
    let mut verdict = Verdict::VACUOUS;
    for i in 0..n {
        for j in i..n {
            let mut u = DVector::from_element(n, High::ZERO);
            u[i] = High::ONE;
            u[j] = High::ONE;
            let mean = u.dot(p);
            let spread: High = (0..n)
                .map(|k| p[k] * (c[k] - centre) * (u[k] - mean).square())
                .sum();
            let stated = (&covariance * &u).norm_squared() + spread;
            let truth = u.dot(&(&b * &u));
            // Expanded, the right side has each term of u'Bu at most twice.
            let scale = High::int(2) * u.dot(&(&terms * &u));
            let name = format!("u'Bu, u = e_{i} + e_{j}");
            verdict = verdict.and(Verdict::equal(&name, stated, truth, &roundings * scale));
        }
    }
    Ok(verdict)
}

/// `B 1_n = 0`, for the oracle's B or for a closed form.
fn annihilates_ones(case: &Case, form: Option<HessianForm>) -> Result<Verdict, CheckError> {
    let exact = Exact::of(case)?;
    let b = match form {
        Some(form) => forms::hessian(form, &exact.p, &exact.b),
        None => exact.logit_evaluation()?.hessian,
    };
    let zero = DVector::from_element(exact.p.len(), High::ZERO);
    let scale = magnitude(&exact).column_sum();
    let sums = b.column_sum();
    Ok(equal_vectors("B 1", &sums, &zero, &scale, &exact))
}

/// Whether the oracle's B without the diagonal `(2p - b) o p - <p - b, p> p` has rank at most `rank`: the singular value
/// after that one is zero.
fn low_rank_part(case: &Case, rank: usize) -> Result<Verdict, CheckError> {
    let exact = Exact::of(case)?;
    let diagonal = forms::diagonal_part(HessianForm::Corrected, &exact.p, &exact.b);
    let rest = exact.logit_evaluation()?.hessian - DMatrix::from_diagonal(&diagonal);
    has_rank(&rest, rank, &magnitude(&exact), &exact)
}

/// `hessian-structure` and everything about its B.
fn identity(id: &'static str) -> Draft {
    claim(id)
        .derived("thesis section 2.2.1; DLS23 section 5")
        .on(EVERYWHERE, identity::STRATA)
        .real_rows(16)
}

/// The statements on record as false.
fn refuted() -> Vec<Claim> {
    const CORRECTED: (&str, Check) = ("the corrected B", |case| {
        whole_hessian(case, HessianForm::Corrected)
    });
    vec![
        identity("dls23/hessian-printed")
            .printed("thesis section 2.2.1; DLS23 section 5")
            .states("Hess L = A' (B + W^2) A with B = <3f-2b,f> ff' + <f-b,f> diag(f) + diag((2f-b) o f) + (b o f)f' + f(b o f)'")
            .formula(concat!(r"\begin{aligned} \nabla^2 L &= A^\top (B + W^2) A, \\
                B &= ", printed_b!(), r" \end{aligned}"))
            .note("Erratum E2: <f-b,f> diag(f) has the wrong sign, and -2 (f o f)f' - 2 f(f o f)' is missing. The text also \
                 writes d^2 L / dx_i^2, a number, for this d x d matrix (E22).")
            .check(|case| whole_hessian(case, HessianForm::Printed))
            .fault(CORRECTED.0, CORRECTED.1)
            .refuted("dls23/hessian-corrected", witness!("dls23-hessian-printed")),
        identity("dls23/hessian-sign-mended-only")
            .states("Hess L = A' (B + W^2) A with the printed B, <f-b,f> diag(f) subtracted instead of added")
            .formula(r"\begin{aligned} \nabla^2 L &= A^\top (B + W^2) A, \\
                B &= \langle 3f-2b, f\rangle f f^\top - \langle f-b, f\rangle \operatorname{diag}(f) \\
                &\quad {} + \operatorname{diag}((2f-b) \circ f) + (b \circ f) f^\top + f (b \circ f)^\top \end{aligned}")
            .note("Mending one of the two faults of E2 is not enough.")
            .check(|case| whole_hessian(case, HessianForm::SignMended))
            .fault(CORRECTED.0, CORRECTED.1)
            .refuted("dls23/hessian-corrected", witness!("dls23-hessian-sign-mended-only")),
        identity("dls23/hessian-terms-added-only")
            .states("Hess L = A' (B + W^2) A with the printed B and -2 (f o f)f' - 2 f(f o f)' added")
            .formula(concat!(r"\begin{aligned} \nabla^2 L &= A^\top (B + W^2) A, \\
                B &= ", printed_b!(), r" \\
                &\quad {} - 2 (f \circ f) f^\top - 2 f (f \circ f)^\top \end{aligned}"))
            .note("Mending one of the two faults of E2 is not enough.")
            .check(|case| whole_hessian(case, HessianForm::TermsAdded))
            .fault(CORRECTED.0, CORRECTED.1)
            .refuted("dls23/hessian-corrected", witness!("dls23-hessian-terms-added-only")),
        identity("dls23/hessian-printed-annihilates-ones")
            .states("B 1_n = 0 for the printed B")
            .formula(concat!(r"\begin{aligned} B \mathbf{1}_n &= 0, \\
                B &= ", printed_b!(), r" \end{aligned}"))
            .note("Softmax does not change when all logits move together, so every right B has this kernel: a test of B that \
                 needs no derivative. The printed B fails it.")
            .check(|case| annihilates_ones(case, Some(HessianForm::Printed)))
            .fault("the corrected B", |case| annihilates_ones(case, Some(HessianForm::Corrected)))
            .refuted("dls23/hessian-annihilates-ones", witness!("dls23-hessian-printed-annihilates-ones")),
    ]
}

/// The claims about the Hessian.
pub fn claims() -> Vec<Claim> {
    let mut claims = vec![identity("dls23/hessian-structure")
        .printed("thesis (2.3)")
        .states("Hess L = A' (B(x) + W^2) A, where B(x) is n x n and depends on Ax and b alone")
        .formula(r"\nabla^2 L(x) = A^\top \bigl(B(x) + W^2\bigr) A, \quad B(x) = F(Ax, b) \in \mathbb{R}^{n \times n}")
        .note("B is the Hessian of 0.5 || softmax(z) - b ||^2 in the logits, by symbolic differentiation; the decomposition \
             itself is right, only the printed entries of B are not.")
        .check(|case| structure(case, true))
        .fault("without W^2", |case| structure(case, false))];
    claims.extend(refuted());
    claims.extend([
        identity("dls23/hessian-corrected")
            .states("Hess L = A' (B + W^2) A with B = <3f-2b,f> ff' - <f-b,f> diag(f) + diag((2f-b) o f) + (b o f)f' + f(b o f)' \
             - 2 (f o f)f' - 2 f(f o f)'")
            .formula(r"\begin{aligned} \nabla^2 L &= A^\top (B + W^2) A, \\
                B &= \langle 3f-2b, f\rangle f f^\top - \langle f-b, f\rangle \operatorname{diag}(f) \\
                &\quad {} + \operatorname{diag}((2f-b) \circ f) + (b \circ f) f^\top + f (b \circ f)^\top \\
                &\quad {} - 2 (f \circ f) f^\top - 2 f (f \circ f)^\top \end{aligned}")
            .note("Checked against the symbolic second derivative of the definition.")
            .check(|case| whole_hessian(case, HessianForm::Corrected))
            .fault("the printed B", |case| whole_hessian(case, HessianForm::Printed)),
        identity("dls23/hessian-matrix-form")
            .states("B = P^2 + S_p(c) with P = diag(p) - pp', S_p(v) = diag(p o v) - <p,v> diag(p) - (p o v)p' - p(p o v)' + 2 <p,v> pp'")
            .formula(r"\begin{aligned} B &= \nabla_z^2 L_{\exp} = P^2 + S_p(c), \quad P = \operatorname{diag}(p) - p p^\top, \quad c = p - b, \\
                S_p(v) &= \operatorname{diag}(p \circ v) - \langle p, v\rangle \operatorname{diag}(p) \\
                &\quad {} - (p \circ v) p^\top - p (p \circ v)^\top + 2 \langle p, v\rangle p p^\top \end{aligned}")
            .note("The Gauss-Newton part and the part that carries the residual c = p - b.")
            .check(|case| closed_form(case, |p, b| matrix_form(p, b, 2)))
            .fault("without + 2 <p,v> pp'", |case| closed_form(case, |p, b| matrix_form(p, b, 0))),
        identity("dls23/hessian-variance-form")
            .states("u'Bu = ||Pu||^2 + E_p[ (c - <c,p>) (u - E_p u)^2 ] for every u")
            .formula(r"\begin{aligned} u^\top B u &= \|P u\|_2^2 + \mathbb{E}_p\bigl[(c - \langle c, p\rangle) (u - \mathbb{E}_p u)^2\bigr] \quad \forall u, \\
                B &= \nabla_z^2 L_{\exp}, \quad P = \operatorname{diag}(p) - p p^\top, \quad c = p - b, \quad \mathbb{E}_p v = \langle p, v\rangle \end{aligned}")
            .note("Checked on u = e_i and u = e_i + e_j, which determine a quadratic form. The bounds on B follow from it.")
            .check(|case| variance_form(case, true))
            .fault("c is not centred", |case| variance_form(case, false)),
        identity("dls23/hessian-annihilates-ones")
            .states("B 1_n = 0")
            .formula(r"B \mathbf{1}_n = 0, \quad B = \nabla_z^2 L_{\exp}")
            .note("Softmax does not change when all logits move together. Checked on the oracle's B, which knows nothing of it.")
            .check(|case| annihilates_ones(case, None))
            .fault("the printed B", |case| annihilates_ones(case, Some(HessianForm::Printed))),
        identity("dls23/hessian-diagonal-plus-rank-two")
            .states("B - diag((2f-b) o f - <f-b,f> f) has rank at most 2")
            .formula(r"\operatorname{rank}\bigl(B - \operatorname{diag}((2f-b) \circ f - \langle f-b, f\rangle f)\bigr) \le 2, \quad B = \nabla_z^2 L_{\exp}")
            .note("By its third singular value at 40 digits. This is what makes a Newton step cost no more than a least squares \
             problem.")
            .check(|case| low_rank_part(case, 2))
            .fault("rank at most 1", |case| low_rank_part(case, 1)),
    ]);
    claims
}
