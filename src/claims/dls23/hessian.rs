//! The Hessian of the loss: the decomposition (2.3), the printed B and its two faults (E2), the corrected B and the other
//! shapes of it.

use nalgebra::{DMatrix, DVector};

use crate::claims::claim::Check;
use crate::claims::dls23::identity::{EVERYWHERE, Identity, equal_matrices, equal_vectors};
use crate::claims::exact::{Exact, unit};
use crate::claims::forms::{self, HessianForm};
use crate::claims::{Case, CheckError, Claim, Verdict, Wording};
use crate::oracle::spectrum;
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
    let mut verdict = Verdict::Holds {
        slack: f64::INFINITY,
    };
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
            verdict = verdict.and(Verdict::equal(&name, stated, truth, roundings * scale));
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
    let values = spectrum::singular_values(&rest)?;
    let Some(value) = values.get(rank) else {
        return Ok(Verdict::Holds {
            slack: f64::INFINITY,
        });
    };
    // Singular values move by no more than the norm of the rounding errors (Weyl); the decomposition adds its own.
    let rounding = exact.error(magnitude(&exact).norm());
    let decomposition = High::int(64 * values.len() as i64) * unit() * rest.norm();
    let name = format!("singular value {} of B - B_diag", rank + 1);
    Ok(Verdict::equal(
        &name,
        *value,
        High::ZERO,
        rounding + decomposition,
    ))
}

/// `hessian-structure` and everything about its B.
fn identity(
    id: &'static str,
    statement: &'static str,
    note: &'static str,
    check: Check,
    control: (&'static str, Check),
) -> Identity {
    Identity {
        id,
        source: "thesis section 2.2.1; DLS23 section 5",
        wording: Wording::Derived,
        statement,
        note,
        family: EVERYWHERE,
        real_rows: 16,
        check,
        control,
        refuted: None,
    }
}

/// The statements on record as false.
fn refuted() -> Vec<Identity> {
    const CORRECTED: (&str, Check) = ("the corrected B", |case| {
        whole_hessian(case, HessianForm::Corrected)
    });
    vec![
        Identity {
            wording: Wording::Printed,
            refuted: Some((
                "dls23/hessian-corrected",
                include_str!("../../../fixtures/witnesses/dls23-hessian-printed.json"),
            )),
            ..identity(
                "dls23/hessian-printed",
                "Hess L = A' (B + W^2) A with B = <3f-2b,f> ff' + <f-b,f> diag(f) + diag((2f-b) o f) + (b o f)f' + f(b o f)'",
                "Erratum E2: <f-b,f> diag(f) has the wrong sign, and -2 (f o f)f' - 2 f(f o f)' is missing. The text also \
                 writes d^2 L / dx_i^2, a number, for this d x d matrix (E22).",
                |case| whole_hessian(case, HessianForm::Printed),
                CORRECTED,
            )
        },
        Identity {
            refuted: Some((
                "dls23/hessian-corrected",
                include_str!("../../../fixtures/witnesses/dls23-hessian-sign-mended-only.json"),
            )),
            ..identity(
                "dls23/hessian-sign-mended-only",
                "Hess L = A' (B + W^2) A with the printed B, <f-b,f> diag(f) subtracted instead of added",
                "Mending one of the two faults of E2 is not enough.",
                |case| whole_hessian(case, HessianForm::SignMended),
                CORRECTED,
            )
        },
        Identity {
            refuted: Some((
                "dls23/hessian-corrected",
                include_str!("../../../fixtures/witnesses/dls23-hessian-terms-added-only.json"),
            )),
            ..identity(
                "dls23/hessian-terms-added-only",
                "Hess L = A' (B + W^2) A with the printed B and -2 (f o f)f' - 2 f(f o f)' added",
                "Mending one of the two faults of E2 is not enough.",
                |case| whole_hessian(case, HessianForm::TermsAdded),
                CORRECTED,
            )
        },
        Identity {
            refuted: Some((
                "dls23/hessian-annihilates-ones",
                include_str!(
                    "../../../fixtures/witnesses/dls23-hessian-printed-annihilates-ones.json"
                ),
            )),
            ..identity(
                "dls23/hessian-printed-annihilates-ones",
                "B 1_n = 0 for the printed B",
                "Softmax does not change when all logits move together, so every right B has this kernel: a test of B that \
                 needs no derivative. The printed B fails it.",
                |case| annihilates_ones(case, Some(HessianForm::Printed)),
                ("the corrected B", |case| {
                    annihilates_ones(case, Some(HessianForm::Corrected))
                }),
            )
        },
    ]
}

/// The claims about the Hessian.
pub fn claims() -> Vec<Claim> {
    let mut identities = vec![Identity {
        wording: Wording::Printed,
        source: "thesis (2.3)",
        ..identity(
            "dls23/hessian-structure",
            "Hess L = A' (B(x) + W^2) A, where B(x) is n x n and depends on Ax and b alone",
            "B is the Hessian of 0.5 || softmax(z) - b ||^2 in the logits, by symbolic differentiation; the decomposition \
             itself is right, only the printed entries of B are not.",
            |case| structure(case, true),
            ("without W^2", |case| structure(case, false)),
        )
    }];
    identities.extend(refuted());
    identities.extend([
        identity(
            "dls23/hessian-corrected",
            "Hess L = A' (B + W^2) A with B = <3f-2b,f> ff' - <f-b,f> diag(f) + diag((2f-b) o f) + (b o f)f' + f(b o f)' \
             - 2 (f o f)f' - 2 f(f o f)'",
            "Checked against the symbolic second derivative of the definition.",
            |case| whole_hessian(case, HessianForm::Corrected),
            ("the printed B", |case| {
                whole_hessian(case, HessianForm::Printed)
            }),
        ),
        identity(
            "dls23/hessian-matrix-form",
            "B = P^2 + S_p(c) with P = diag(p) - pp', S_p(v) = diag(p o v) - <p,v> diag(p) - (p o v)p' - p(p o v)' + 2 <p,v> pp'",
            "The Gauss-Newton part and the part that carries the residual c = p - b.",
            |case| closed_form(case, |p, b| matrix_form(p, b, 2)),
            ("without + 2 <p,v> pp'", |case| {
                closed_form(case, |p, b| matrix_form(p, b, 0))
            }),
        ),
        identity(
            "dls23/hessian-variance-form",
            "u'Bu = ||Pu||^2 + E_p[ (c - <c,p>) (u - E_p u)^2 ] for every u",
            "Checked on u = e_i and u = e_i + e_j, which determine a quadratic form. The bounds on B follow from it.",
            |case| variance_form(case, true),
            ("c is not centred", |case| variance_form(case, false)),
        ),
        identity(
            "dls23/hessian-annihilates-ones",
            "B 1_n = 0",
            "Softmax does not change when all logits move together. Checked on the oracle's B, which knows nothing of it.",
            |case| annihilates_ones(case, None),
            ("the printed B", |case| {
                annihilates_ones(case, Some(HessianForm::Printed))
            }),
        ),
        identity(
            "dls23/hessian-diagonal-plus-rank-two",
            "B - diag((2f-b) o f - <f-b,f> f) has rank at most 2",
            "By its third singular value at 40 digits. This is what makes a Newton step cost no more than a least squares \
             problem.",
            |case| low_rank_part(case, 2),
            ("rank at most 1", |case| low_rank_part(case, 1)),
        ),
    ]);
    identities.into_iter().map(Identity::claim).collect()
}
