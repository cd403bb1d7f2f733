//! The gradient of the loss: what is printed (E1, E13) and what differentiating the definition gives.

use nalgebra::{DMatrix, DVector};

use crate::claims::exact::{Exact, magnitude, worst_entry};
use crate::claims::forms::{self, GradientForm};
use crate::claims::{
    Case, CheckError, Claim, Control, Expected, Family, Paper, Stratum, Verdict, Wording,
};
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
    let pull = exact.squared_weights().component_mul(&exact.z);
    if ridge == Ridge::Included {
        in_logits += &pull;
    }
    let stated = exact.a.tr_mul(&in_logits);
    // |p o c| + |<c, p> p| <= 2 p (1 + max |b|), entry by entry; the ridge adds its own terms.
    let terms = &exact.p * (High::int(2) * (High::ONE + exact.target_norm())) + pull.map(High::abs);
    let scale = exact.a.map(High::abs).tr_mul(&terms);
    Ok(compare_vectors("gradient", &stated, &truth, &exact, &scale))
}

/// Entrywise equality, the worst entry reported.
fn compare_vectors(
    quantity: &str,
    stated: &DVector<High>,
    truth: &DVector<High>,
    exact: &Exact,
    scale: &DVector<High>,
) -> Verdict {
    let as_matrix =
        |vector: &DVector<High>| DMatrix::from_column_slice(vector.len(), 1, vector.as_slice());
    let (i, _) = worst_entry(&as_matrix(stated), &as_matrix(truth));
    let allowed = exact.error(magnitude(&as_matrix(scale)));
    Verdict::equal(&format!("{quantity}[{i}]"), stated[i], truth[i], allowed)
}

const STRATA: &[Stratum] = &[
    Stratum::Condition(0),
    Stratum::Condition(6),
    Stratum::Gap(0),
    Stratum::Gap(3),
    Stratum::OneRow,
    Stratum::OneColumn,
    Stratum::Square,
    Stratum::SignedTarget,
];

/// The claims about the gradient.
pub fn claims() -> Vec<Claim> {
    vec![
        Claim {
            id: "dls23/gradient-printed",
            paper: Paper::Dls23,
            source: "DLS23 Lemma 5.6 part 5; thesis section 2.2.1; Algorithm 1 line 7",
            wording: Wording::Printed,
            statement: "grad L_exp = A' ( f (f-b)' f + diag(f)(f-b) )",
            premise: "none",
            expected: Expected::Fails,
            correction: Some("dls23/gradient-corrected"),
            note: "Erratum E1: a minus sign is lost between the third and the fourth line of the derivation.",
            family: Family {
                weights: crate::claims::Weights::Zero,
                ..Family::GENERAL
            },
            strata: STRATA,
            attack: None,
            real_rows: 24,
            check: |case| matches_oracle(case, GradientForm::Printed, Ridge::Included),
            control: Control {
                fault: "the corrected sign",
                check: |case| matches_oracle(case, GradientForm::Corrected, Ridge::Included),
            },
            witness: Some(include_str!(
                "../../../fixtures/witnesses/dls23-gradient-printed.json"
            )),
        },
        Claim {
            id: "dls23/gradient-corrected",
            paper: Paper::Dls23,
            source: "correction of Lemma 5.6 part 5",
            wording: Wording::Derived,
            statement: "grad L = A' ( f o (f-b) - <f-b,f> f ) + A' W^2 A x",
            premise: "none",
            expected: Expected::Holds,
            correction: None,
            note: "Checked against the symbolic derivative of the definition.",
            family: Family::GENERAL,
            strata: STRATA,
            attack: None,
            real_rows: 24,
            check: |case| matches_oracle(case, GradientForm::Corrected, Ridge::Included),
            control: Control {
                fault: "the printed sign",
                check: |case| matches_oracle(case, GradientForm::Printed, Ridge::Included),
            },
            witness: None,
        },
        Claim {
            id: "dls23/algorithm-gradient-without-ridge",
            paper: Paper::Dls23,
            source: "thesis Algorithm 1 line 7; H2O Algorithm 4",
            wording: Wording::Printed,
            statement: "g = A'( f <c,f> + diag(f) c ) is the gradient of L_soft (its sign mended: still without A' W^2 A x)",
            premise: "none",
            expected: Expected::Fails,
            correction: Some("dls23/gradient-corrected"),
            note: "Erratum E13: the algorithm minimises L_exp + L_reg but its g has no term of L_reg.",
            family: Family::GENERAL,
            strata: STRATA,
            attack: None,
            real_rows: 24,
            check: |case| matches_oracle(case, GradientForm::Corrected, Ridge::Missing),
            control: Control {
                fault: "the ridge's gradient added",
                check: |case| matches_oracle(case, GradientForm::Corrected, Ridge::Included),
            },
            witness: Some(include_str!(
                "../../../fixtures/witnesses/dls23-algorithm-gradient-without-ridge.json"
            )),
        },
    ]
}
