//! The derivatives of the auxiliary quantities `u`, `alpha`, `alpha^-1`, `f` (DLS23 Lemmas 5.6, 5.9, 5.10). The truth is
//! the symbolic derivative of each quantity's definition.

use nalgebra::{DMatrix, DVector};

use crate::claims::dls23::symbolic::Symbols;
use crate::claims::tools::builder::{Draft, claim};
use crate::claims::tools::exact::Exact;
use crate::claims::tools::identity::{self, EVERYWHERE, equal_matrices};
use crate::claims::{Case, CheckError, Claim, Family, Verdict};
use crate::scalar::High;

/// Whether a closed form is taken as stated or with the fault of the claim's control.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Stated,
    Faulty,
}

/// A case at 40 digits with `u` and `alpha` next to `f`.
struct Parts {
    exact: Exact,
    u: DVector<High>,
    alpha: High,
}

impl Parts {
    fn of(case: &Case) -> Result<Self, CheckError> {
        let exact = Exact::of(case)?;
        let u = exact.z.map(High::exp);
        let alpha = u.iter().copied().sum();
        Ok(Self { exact, u, alpha })
    }
}

/// `diag(v) M`.
fn scaled_rows(v: &DVector<High>, m: &DMatrix<High>) -> DMatrix<High> {
    DMatrix::from_fn(m.nrows(), m.ncols(), |i, j| v[i] * m[(i, j)])
}

/// `v' M` as a row.
fn row(v: &DVector<High>, m: &DMatrix<High>) -> DMatrix<High> {
    DMatrix::from_row_slice(1, m.ncols(), m.tr_mul(v).as_slice())
}

/// Column i of the Jacobian of `exp(Ax)` is `exp(Ax) o A_{*,i}`; the fault forgets `A_{*,i}`.
fn exponential(case: &Case, form: Form) -> Result<Verdict, CheckError> {
    let Parts { exact, u, .. } = Parts::of(case)?;
    let mut symbols = Symbols::of(&exact);
    let expressions = symbols.u.clone();
    let truth = symbols.jacobian(&expressions)?;
    let stated = match form {
        Form::Stated => scaled_rows(&u, &exact.a),
        Form::Faulty => DMatrix::from_fn(u.len(), exact.a.ncols(), |i, _| u[i]),
    };
    let scale = scaled_rows(&u, &exact.a.map(High::abs));
    Ok(equal_matrices(
        "d exp(Ax)/dx",
        &stated,
        &truth,
        &scale,
        &exact,
    ))
}

/// `d alpha / dx_i = <u, A_{*,i}>`; the fault takes `f` for `u`.
fn normaliser(case: &Case, form: Form) -> Result<Verdict, CheckError> {
    let Parts { exact, u, .. } = Parts::of(case)?;
    let mut symbols = Symbols::of(&exact);
    let expression = symbols.alpha;
    let truth = symbols.jacobian(&[expression])?;
    let stated = match form {
        Form::Stated => row(&u, &exact.a),
        Form::Faulty => row(&exact.p, &exact.a),
    };
    let scale = row(&u, &exact.a.map(High::abs));
    Ok(equal_matrices(
        "d alpha/dx",
        &stated,
        &truth,
        &scale,
        &exact,
    ))
}

/// `d alpha^-1 / dx_i = -alpha^-1 <f, A_{*,i}>`; the fault loses the sign.
fn inverse_normaliser(case: &Case, form: Form) -> Result<Verdict, CheckError> {
    let Parts { exact, alpha, .. } = Parts::of(case)?;
    let mut symbols = Symbols::of(&exact);
    let expression = symbols.inverse;
    let truth = symbols.jacobian(&[expression])?;
    let inverse = alpha.recip();
    let magnitude = row(&exact.p, &exact.a) * inverse;
    let stated = match form {
        Form::Stated => -magnitude,
        Form::Faulty => magnitude,
    };
    let scale = row(&exact.p, &exact.a.map(High::abs)) * inverse;
    Ok(equal_matrices(
        "d alpha^-1/dx",
        &stated,
        &truth,
        &scale,
        &exact,
    ))
}

/// `df / dx_i = -<f, A_{*,i}> f + f o A_{*,i}`; the fault loses the sign, as the gradient printed from it does (E1).
fn softmax(case: &Case, form: Form) -> Result<Verdict, CheckError> {
    let exact = Exact::of(case)?;
    let mut symbols = Symbols::of(&exact);
    let expressions = symbols.f.clone();
    let truth = symbols.jacobian(&expressions)?;
    let along = &exact.p * row(&exact.p, &exact.a);
    let own = scaled_rows(&exact.p, &exact.a);
    let stated = match form {
        Form::Stated => own - along,
        Form::Faulty => own + along,
    };
    let size = exact.a.map(High::abs);
    let scale = &exact.p * row(&exact.p, &size) + scaled_rows(&exact.p, &size);
    Ok(equal_matrices("df/dx", &stated, &truth, &scale, &exact))
}

/// `d^2 exp(Ax) / dx_i dx_j = A_{*,j} o u o A_{*,i}`, entry by entry; the fault takes `A_{*,i}` twice.
fn second_exponential(case: &Case, form: Form) -> Result<Verdict, CheckError> {
    let Parts { exact, u, .. } = Parts::of(case)?;
    let mut symbols = Symbols::of(&exact);
    let mut verdict = Verdict::VACUOUS;
    for (k, expression) in symbols.u.clone().into_iter().enumerate() {
        let truth = symbols.hessian(expression)?;
        let a = exact.a.row(k);
        let d = a.len();
        let stated = DMatrix::from_fn(d, d, |i, j| match form {
            Form::Stated => a[j] * u[k] * a[i],
            Form::Faulty => a[i] * u[k] * a[i],
        });
        let scale = DMatrix::from_fn(d, d, |i, j| (a[j] * u[k] * a[i]).abs());
        let name = format!("d^2 u_{k}/dx^2");
        verdict = verdict.and(equal_matrices(&name, &stated, &truth, &scale, &exact));
    }
    Ok(verdict)
}

/// `d^2 alpha / dx^2 = A' diag(u) A`; the fault takes `f` for `u`.
fn second_normaliser(case: &Case, form: Form) -> Result<Verdict, CheckError> {
    let Parts { exact, u, .. } = Parts::of(case)?;
    let mut symbols = Symbols::of(&exact);
    let expression = symbols.alpha;
    let truth = symbols.hessian(expression)?;
    let middle = match form {
        Form::Stated => &u,
        Form::Faulty => &exact.p,
    };
    let stated = exact.a.tr_mul(&scaled_rows(middle, &exact.a));
    let size = exact.a.map(High::abs);
    let scale = size.tr_mul(&scaled_rows(&u, &size));
    Ok(equal_matrices(
        "d^2 alpha/dx^2",
        &stated,
        &truth,
        &scale,
        &exact,
    ))
}

/// A lemma about a derivative.
fn lemma(id: &'static str, source: &'static str) -> Draft {
    claim(id)
        .quoted(source)
        .note("Checked against the symbolic derivative of the definition.")
        .on(
            Family {
                weights: crate::claims::Weights::Zero,
                ..EVERYWHERE
            },
            identity::STRATA,
        )
        .real_rows(8)
}

/// The claims about derivatives of auxiliary quantities.
pub fn claims() -> Vec<Claim> {
    const FIRST: &str = "DLS23 Lemma 5.6, quoted in H2O Lemma D.44";
    vec![
        lemma("dls23/derivative-of-exponential", FIRST)
            .states("d exp(Ax) / dx_i = exp(Ax) o A_{*,i}")
            .formula(r"\frac{\partial \exp(Ax)}{\partial x_i} = \exp(Ax) \circ A_{*,i}")
            .check(|case| exponential(case, Form::Stated))
            .fault("without A_{*,i}", |case| exponential(case, Form::Faulty)),
        lemma("dls23/derivative-of-normaliser", FIRST)
            .states("d <exp(Ax), 1_n> / dx_i = <exp(Ax), A_{*,i}>")
            .formula(r"\frac{\partial \langle \exp(Ax), \mathbf{1}_n\rangle}{\partial x_i} = \langle \exp(Ax), A_{*,i}\rangle")
            .check(|case| normaliser(case, Form::Stated))
            .fault("f instead of exp(Ax)", |case| normaliser(case, Form::Faulty)),
        lemma("dls23/derivative-of-inverse-normaliser", FIRST)
            .states("d alpha^-1 / dx_i = -alpha^-1 <f, A_{*,i}>")
            .formula(r"\frac{\partial \alpha(x)^{-1}}{\partial x_i} = -\alpha(x)^{-1} \langle f(x), A_{*,i}\rangle")
            .check(|case| inverse_normaliser(case, Form::Stated))
            .fault("the sign lost", |case| inverse_normaliser(case, Form::Faulty)),
        lemma("dls23/derivative-of-softmax", "DLS23 Lemma 5.6, quoted in H2O Lemma D.44; thesis section 2.2.1")
            .states("d f(x) / dx_i = d (f(x) - b) / dx_i = -<f(x), A_{*,i}> f(x) + f(x) o A_{*,i}")
            .formula(r"\frac{\partial f(x)}{\partial x_i} = \frac{\partial (f(x) - b)}{\partial x_i} = -\langle f(x), A_{*,i}\rangle f(x) + f(x) \circ A_{*,i}")
            .note("Checked against the symbolic derivative of the definition. The thesis has it in the third line of its \
                   derivation of the gradient; the line after it loses the minus sign (erratum E1).")
            .check(|case| softmax(case, Form::Stated))
            .fault("the sign lost", |case| softmax(case, Form::Faulty)),
        lemma("dls23/second-derivative-of-exponential", "DLS23 Lemma 5.9, quoted in H2O")
            .states("d^2 exp(Ax) / dx_i dx_j = A_{*,j} o exp(Ax) o A_{*,i}")
            .formula(r"\frac{\partial^2 \exp(Ax)}{\partial x_i\, \partial x_j} = A_{*,j} \circ \exp(Ax) \circ A_{*,i}")
            .check(|case| second_exponential(case, Form::Stated))
            .fault("A_{*,i} twice", |case| second_exponential(case, Form::Faulty)),
        lemma("dls23/second-derivative-of-normaliser", "DLS23 Lemma 5.10, quoted in H2O")
            .states("d^2 alpha / dx^2 = A' diag(exp(Ax)) A")
            .formula(r"\frac{d^2 \alpha(x)}{dx^2} = A^\top \operatorname{diag}(\exp(Ax)) A")
            .check(|case| second_normaliser(case, Form::Stated))
            .fault("f instead of exp(Ax)", |case| second_normaliser(case, Form::Faulty)),
    ]
}
