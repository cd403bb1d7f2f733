//! Steps of the power method on a tensor with orthonormal components and no noise, in their coordinates.

use nalgebra::DVector;

use crate::claims::tools::builder::{claim, strata, witness};
use crate::claims::{Case, CheckError, Claim, OtherCases, Outside, Stratum, Verdict};
use crate::scalar::{Allowance, High};
use crate::system::Given;

use super::cases::{Kind, TensorCases};
use super::model::Model;

/// Steps that are carried out.
const STEPS: i64 = 3;

/// The place of the largest; `None` where it is not above 0 or is there twice.
fn largest(entries: &[High]) -> Option<usize> {
    let place = (0..entries.len()).reduce(|a, b| if entries[b] > entries[a] { b } else { a })?;
    let alone = (0..entries.len()).all(|j| j == place || entries[j] < entries[place]);
    (alone && entries[place].is_positive()).then_some(place)
}

/// Whether all values are above 0.
fn positive(values: &[High]) -> bool {
    values.iter().all(|value| value.is_positive())
}

/// `(q_j / q_i)_t = (q_j / q_i)_0^(base^t)`, `base = p - less`, i the place of the largest.
fn closed_form(case: &Case<Given>, less: i64) -> Result<Verdict, CheckError> {
    let model = Model::of(case);
    let start = model.direction();
    let Some(values) = model.values().filter(|values| positive(values)) else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let before = model.ratios(&values, &start);
    let Some(i) = largest(&before) else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let mut verdict = Verdict::VACUOUS;
    let mut v = start;
    let mut exponent = 1;
    for t in 1..=STEPS {
        let Some(next) = model.step(&v) else {
            return Ok(Verdict::Outside(Outside::Premise));
        };
        v = next;
        exponent *= model.order as i64 - less;
        let after = model.ratios(&values, &v);
        for j in 0..model.side {
            let stated = (before[j] / before[i]).powi(exponent);
            verdict = verdict.and(Verdict::equal(
                &format!("(q_{j} / q_{i}) after {t} steps"),
                after[j] / after[i],
                stated,
                Model::steps(stated),
            ));
        }
    }
    Ok(verdict)
}

/// Where the method ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Limit {
    /// At the largest value.
    LargestValue,
    /// At the largest `q_j` of the start.
    LargestRatio,
}

/// After so many steps that a ratio of 0.999 is nothing, the vector is that component up to `10^-15`.
fn limit(case: &Case<Given>, which: Limit) -> Result<Verdict, CheckError> {
    /// `0.999^(2^14)` is below `10^-7`, and another step squares it.
    const MANY: usize = 18;
    let model = Model::of(case);
    let Some(values) = model.values().filter(|values| positive(values)) else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let mut v = model.direction();
    let before = model.ratios(&values, &v);
    let Some(i) = largest(&before) else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let close = before[i] * High::ratio(999, 1000);
    if (0..before.len()).any(|j| j != i && before[j] > close) {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let expected = match which {
        Limit::LargestRatio => i,
        Limit::LargestValue => match largest(&values) {
            Some(place) => place,
            None => return Ok(Verdict::Outside(Outside::Premise)),
        },
    };
    for _ in 0..MANY {
        let Some(next) = model.step(&v) else {
            return Ok(Verdict::Outside(Outside::Premise));
        };
        v = next;
    }
    Ok(Verdict::at_least(
        "|<v_j, u>| in the limit",
        v[expected].abs(),
        High::ONE - High::ONE.shifted(-15),
        Allowance::NOTHING,
    ))
}

/// `tan(v_1, u)`, `e_1` being `v_1`; `None` where u is orthogonal to it.
fn tangent(v: &DVector<High>) -> Option<High> {
    let rest = v.rows(1, v.len() - 1).norm();
    let first = v[0].abs();
    first.is_positive().then(|| rest / first)
}

/// What the contraction of a step is said to need.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Needs {
    /// That `lambda_1` is the largest.
    LargestValue,
    /// That `q_j <= 0.8 q_1` for all others.
    Ratios,
}

/// `tan(v_1, u') <= factor tan(v_1, u)`.
fn contraction(case: &Case<Given>, needs: Needs, factor: High) -> Result<Verdict, CheckError> {
    let model = Model::of(case);
    let v = model.direction();
    let Some(values) = model.values().filter(|values| positive(values)) else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let ratios = model.ratios(&values, &v);
    let met = match needs {
        Needs::LargestValue => largest(&values) == Some(0),
        Needs::Ratios => ratios[1..]
            .iter()
            .all(|q| *q <= ratios[0] * High::ratio(4, 5)),
    };
    let (Some(before), Some(next)) = (tangent(&v), model.step(&v)) else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let Some(after) = tangent(&next).filter(|_| met) else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    Ok(Verdict::at_most(
        "tan(v_1, u) after a step",
        after,
        before * factor,
        Model::steps(before),
    ))
}

/// For all values alike: the ratio of two coordinates is raised to the power p - 1, or stays.
fn tied(case: &Case<Given>, stays: bool) -> Result<Verdict, CheckError> {
    let model = Model::of(case);
    let v = model.direction();
    let sizes: Vec<High> = v.iter().map(|entry| entry.abs()).collect();
    let Some(values) = model.values().filter(|values| positive(values)) else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let (Some(i), true) = (
        largest(&sizes),
        values.iter().all(|value| *value == values[0]),
    ) else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let Some(next) = model.step(&v) else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let power = if stays { 1 } else { model.order as i64 - 1 };
    let mut verdict = Verdict::VACUOUS;
    for j in 0..model.side {
        let stated = (sizes[j] / sizes[i]).powi(power);
        verdict = verdict.and(Verdict::equal(
            &format!("|u_{j} / u_{i}|"),
            (next[j] / next[i]).abs(),
            stated,
            Model::steps(stated),
        ));
    }
    Ok(verdict)
}

/// The components are eigenvectors of `T(w, .., w, ., .)`, with the eigenvalues `lambda_j w_j^power`, `power = p - less`.
fn one_contraction(case: &Case<Given>, less: i64) -> Result<Verdict, CheckError> {
    let model = Model::of(case);
    let Some(values) = model.values() else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let matrix = model.matrix(&model.u);
    let mut verdict = Verdict::VACUOUS;
    for i in 0..model.side {
        for j in 0..model.side {
            let stated = if i == j {
                values[j] * model.u[j].powi(model.order as i64 - less)
            } else {
                High::ZERO
            };
            let size = model.matrix_sizes(&model.u)[(i, j)] + stated.abs();
            verdict = verdict.and(Verdict::equal(
                &format!("T(w, .., w, ., .)[{i}, {j}]"),
                matrix[(i, j)],
                stated,
                &model.roundings() * size,
            ));
        }
    }
    Ok(verdict)
}

const ORTHOGONAL: OtherCases = &TensorCases {
    kind: Kind::Orthogonal,
    cases: 40,
};
const TIED: OtherCases = &TensorCases {
    kind: Kind::Tied,
    cases: 16,
};
const STRATA: &[Stratum] = strata!(
    Decade("T"): -3 0 1 6;
    Decade("spread of values"): 0 1 2 3;
    Kind: "order 3" "order 4" "order 5" "order 6" "n=1" "n=2" "equal values"
);
/// Where one value is the largest.
const UNEQUAL_STRATA: &[Stratum] = strata!(
    Decade("T"): -3 0 1 6;
    Decade("spread of values"): 0 1 2 3;
    Kind: "order 3" "order 4" "order 5" "order 6" "n=1" "n=2"
);
const TIED_STRATA: &[Stratum] =
    strata!(Kind: "order 3" "order 4" "order 5" "order 6" "n=1" "n=2" "equal values");

/// The claims about steps.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("tensor-power/ratios-closed-form")
            .derived("the step in the coordinates of the components")
            .states("(q_j / q_i)_t = (q_j / q_i)_0^((p-1)^t) for q_j = lambda_j |<v_j, u>|^(p-2): convergence of order p - 1")
            .formula(r"\Bigl(\frac{q_j}{q_i}\Bigr)_t = \Bigl(\frac{q_j}{q_i}\Bigr)_0^{(p-1)^t}, \qquad q_j = \lambda_j\, |\langle v_j, u \rangle|^{p-2}")
            .given("orthonormal components, positive values, no tie in the largest q")
            .note("Three steps are carried out. The method needs a few steps where q has a clear winner, and no eigengap.")
            .about(ORTHOGONAL, STRATA)
            .check(|case| closed_form(case, 1))
            .fault("p^t in place of (p-1)^t", |case| closed_form(case, 0)),
        claim("tensor-power/finds-the-largest-value")
            .derived("a reading that is often met; the paper deflates and so needs no order")
            .states("from a start without ties the method ends at the component with the largest lambda")
            .formula(r"\lim_{t \to \infty} |\langle v_1, u_t \rangle| = 1, \qquad \lambda_1 = \max_j \lambda_j")
            .given("orthonormal components, positive values, the second q at most 0.999 of the largest")
            .note("The start decides: lambda = (2, 1), u = (1, 4) ends at the second component. Of random starts fewer and fewer find the largest value as p grows.")
            .about(ORTHOGONAL, UNEQUAL_STRATA)
            .check(|case| limit(case, Limit::LargestValue))
            .fault("the largest q of the start: tensor-power/finds-the-largest-ratio", |case| limit(case, Limit::LargestRatio))
            .refuted("tensor-power/finds-the-largest-ratio", witness!("tensor-power-finds-the-largest-value")),
        claim("tensor-power/finds-the-largest-ratio")
            .derived("replaces tensor-power/finds-the-largest-value")
            .states("the method ends at the component with the largest q_j = lambda_j |<v_j, u>|^(p-2) of the start")
            .formula(r"\lim_{t \to \infty} |\langle v_i, u_t \rangle| = 1, \qquad q_i = \max_j \lambda_j\, |\langle v_j, u_0 \rangle|^{p-2}")
            .given("orthonormal components, positive values, the second q at most 0.999 of the largest")
            .about(ORTHOGONAL, STRATA)
            .check(|case| limit(case, Limit::LargestRatio))
            .fault("the largest lambda", |case| limit(case, Limit::LargestValue)),
        claim("tensor-power/tangent-contracts")
            .recalled("the analysis of the method: tan theta shrinks by 0.8 in every step")
            .states("tan(v_1, u_(t+1)) <= 0.8 tan(v_1, u_t), v_1 belonging to the largest lambda")
            .formula(r"\tan(v_1, u_{t+1}) \le 0.8\, \tan(v_1, u_t), \qquad \lambda_1 = \max_j \lambda_j")
            .given("orthonormal components, positive values; wording unverified, with lambda_1 the largest as its only condition")
            .note("lambda = (2, 1.6), u = (0.6, 0.8): the tangent grows from 1.333 to 1.422. A condition on the start is missing in this reading; the paper's own may have it.")
            .about(ORTHOGONAL, UNEQUAL_STRATA)
            .check(|case| contraction(case, Needs::LargestValue, High::ratio(4, 5)))
            .fault("with the ratios at most 0.8: tensor-power/tangent-contracts-by-ratio", |case| contraction(case, Needs::Ratios, High::ratio(4, 5)))
            .refuted("tensor-power/tangent-contracts-by-ratio", witness!("tensor-power-tangent-contracts")),
        claim("tensor-power/tangent-contracts-by-ratio")
            .derived("replaces tensor-power/tangent-contracts")
            .states("tan(v_1, u_(t+1)) <= 0.8 tan(v_1, u_t) where q_j <= 0.8 q_1 for all j > 1; for two components that is necessary, too")
            .formula(r"\max_{j > 1} q_j \le 0.8\, q_1 \quad \Rightarrow \quad \tan(v_1, u_{t+1}) \le 0.8\, \tan(v_1, u_t)")
            .given("orthonormal components, positive values")
            .about(ORTHOGONAL, strata!(Kind: "order 3" "order 4" "order 5" "order 6" "n=1" "n=2"))
            .check(|case| contraction(case, Needs::Ratios, High::ratio(4, 5)))
            .fault("a hundredth in place of 0.8", |case| contraction(case, Needs::Ratios, High::ratio(1, 100))),
        claim("tensor-power/eigengap-needed")
            .derived("carried over from matrices, p = 2, where equal eigenvalues leave the vector where it is")
            .states("for equal lambda the ratios of coordinates do not change")
            .formula(r"\lambda_i = \lambda_j \quad \Rightarrow \quad \Bigl|\frac{\langle v_j, u_{t+1} \rangle}{\langle v_i, u_{t+1} \rangle}\Bigr| = \Bigl|\frac{\langle v_j, u_t \rangle}{\langle v_i, u_t \rangle}\Bigr|")
            .given("orthonormal components, all values equal and positive, one coordinate the largest")
            .note("True for p = 2 only. Ties in q are what has to be avoided, not ties in lambda.")
            .about(TIED, TIED_STRATA)
            .check(|case| tied(case, true))
            .fault("the power p - 1: tensor-power/ties-are-harmless", |case| tied(case, false))
            .refuted("tensor-power/ties-are-harmless", witness!("tensor-power-eigengap-needed")),
        claim("tensor-power/ties-are-harmless")
            .derived("replaces tensor-power/eigengap-needed")
            .states("for equal lambda a step raises the ratios of coordinates to the power p - 1")
            .formula(r"\lambda_i = \lambda_j \quad \Rightarrow \quad \Bigl|\frac{\langle v_j, u_{t+1} \rangle}{\langle v_i, u_{t+1} \rangle}\Bigr| = \Bigl|\frac{\langle v_j, u_t \rangle}{\langle v_i, u_t \rangle}\Bigr|^{p-1}")
            .given("orthonormal components, all values equal and positive, one coordinate the largest")
            .about(TIED, TIED_STRATA)
            .check(|case| tied(case, false))
            .fault("no change, as for p = 2", |case| tied(case, true)),
        claim("tensor-power/one-contraction")
            .derived("contraction of the sum, term by term")
            .states("T(w, .., w, ., .) = sum_j lambda_j <v_j, w>^(p-2) v_j v_j': its eigenvectors start all components at once")
            .formula(r"T(w, \dots, w, \cdot, \cdot) = \sum_j \lambda_j \langle v_j, w \rangle^{p-2}\, v_j v_j^\top")
            .given("orthonormal components")
            .about(ORTHOGONAL, STRATA)
            .check(|case| one_contraction(case, 2))
            .fault("the power p - 1", |case| one_contraction(case, 1)),
    ]
}
