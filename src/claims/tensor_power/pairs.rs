//! Which pairs there are besides the components, where signs go, and how often a random start is good.

use nalgebra::{DMatrix, DVector};
use statrs::function::erf::erf;

use crate::claims::tools::builder::{claim, strata, witness};
use crate::claims::tools::identity::equal_entries;
use crate::claims::{Case, CheckError, Claim, OtherCases, Outside, Stratum, Verdict};
use crate::scalar::{Allowance, High};
use crate::system::Given;

use super::cases::{Kind, TensorCases};
use super::model::{Model, evaluated};

/// `v_S`, proportional to `lambda_j^(-1 / root)` on the first `count` components, and its value.
fn of_set(model: &Model, values: &[High], count: usize, root: i64) -> (DVector<High>, High) {
    let power = |value: High| (-value.ln() / High::int(root)).exp();
    let v = DVector::from_fn(model.side, |j, _| {
        if j < count {
            power(values[j])
        } else {
            High::ZERO
        }
    });
    let square = v.norm_squared();
    let value = (-square.ln() * High::ratio(model.order as i64 - 2, 2)).exp();
    (v / square.sqrt(), value)
}

/// The values of a diagonal tensor where all are above 0, at least two of them.
fn several(model: &Model) -> Option<Vec<High>> {
    model
        .values()
        .filter(|values| values.len() > 1 && values.iter().all(|value| value.is_positive()))
}

/// What the equations leave at `(value, v)`, by the oracle's loss, beside the size of the value.
fn is_pair(case: &Case<Given>, value: High, v: &DVector<High>) -> Result<Verdict, CheckError> {
    if case.instance.size("k") != 1 {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let loss = evaluated(case, value, v)?.loss;
    let left = (High::int(2) * loss.abs()).sqrt();
    Ok(Verdict::equal(
        "|| (F, f) ||",
        left,
        High::ZERO,
        Model::steps(High::ONE + value.abs()),
    ))
}

/// `v_S` is a pair, for every number of components; the exponent is `-1 / (p - less)`.
fn sets(case: &Case<Given>, less: i64) -> Result<Verdict, CheckError> {
    let model = Model::of(case);
    let Some(values) = several(&model) else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let mut verdict = Verdict::VACUOUS;
    for count in 1..=model.side {
        let (v, value) = of_set(&model, &values, count, model.order as i64 - less);
        verdict = verdict.and(is_pair(case, value, &v)?);
    }
    Ok(verdict)
}

/// That of the first `count` components, a pair, is a component.
fn only_components(case: &Case<Given>, all: bool) -> Result<Verdict, CheckError> {
    let model = Model::of(case);
    let Some(values) = several(&model) else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let count = if all { model.side } else { 1 };
    let (v, value) = of_set(&model, &values, count, model.order as i64 - 2);
    match is_pair(case, value, &v)? {
        Verdict::Holds { .. } => {}
        other => return Ok(other),
    }
    let along = v.iter().map(|entry| entry.abs()).reduce(High::max);
    Ok(Verdict::at_least(
        "the largest |<v_j, v>| of a pair",
        along.unwrap_or(High::ZERO),
        High::ONE - High::ONE.shifted(-15),
        Allowance::NOTHING,
    ))
}

/// `(factor) (I - v v') T(v, .., v, ., .) (I - v v') / lambda = (p - 1) (P_S - v v')` for S of all components but the last.
fn repel(case: &Case<Given>, less: i64) -> Result<Verdict, CheckError> {
    let model = Model::of(case);
    let Some(values) = several(&model) else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let n = model.side;
    let mut verdict = Verdict::VACUOUS;
    for count in 1..=n {
        let (v, value) = of_set(&model, &values, count, model.order as i64 - 2);
        let outer = &v * v.transpose();
        let project = DMatrix::<High>::identity(n, n) - &outer;
        let factor = High::int(model.order as i64 - 1) / value;
        let derivative = &project * model.matrix(&v) * &project * factor;
        let stated = DMatrix::from_fn(n, n, |i, j| {
            let own = if i == j && i < count {
                High::ONE
            } else {
                High::ZERO
            };
            High::int(model.order as i64 - less) * (own - outer[(i, j)])
        });
        // Eigenvalues of the matrix may be far above those that the projection leaves.
        let size = model.matrix_sizes(&v).norm() * factor + High::ONE;
        let sizes = DMatrix::from_element(n, n, size);
        verdict = verdict.and(equal_entries(
            |i, j| format!("the derivative of a step[{i}, {j}]"),
            [&derivative, &stated, &sizes],
            Model::steps(High::ONE),
        ));
    }
    Ok(verdict)
}

/// The place of a negative value of a diagonal tensor.
fn negative(model: &Model) -> Option<(usize, High)> {
    let values = model.values()?;
    let place = values.iter().position(|value| *value < High::ZERO)?;
    Some((place, values[place]))
}

fn axis(n: usize, place: usize) -> DVector<High> {
    DVector::from_fn(n, |j, _| if j == place { High::ONE } else { High::ZERO })
}

/// `-v` belongs to `-lambda` for a negative value of an order that is asked about.
fn moves(case: &Case<Given>, only_odd: bool) -> Result<Verdict, CheckError> {
    let model = Model::of(case);
    let Some((place, value)) = negative(&model) else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    if only_odd && model.order.is_multiple_of(2) {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let v = -axis(model.side, place);
    let left = model.image(&v) + &v * value;
    Ok(Verdict::equal(
        "|| T(-v, .., -v, .) - |lambda| (-v) ||",
        left.norm(),
        High::ZERO,
        Model::steps(value),
    ))
}

/// `|| u_(t+1) - u_t ||` at a component with a negative value of an even order.
fn alternates(case: &Case<Given>, distance: i64) -> Result<Verdict, CheckError> {
    let model = Model::of(case);
    let Some((place, _)) = negative(&model) else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    if !model.order.is_multiple_of(2) {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let v = axis(model.side, place);
    let Some(next) = model.step(&v) else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    Ok(Verdict::equal(
        "|| u_(t+1) - u_t ||",
        (next - v).norm(),
        High::int(distance),
        Model::steps(High::ONE),
    ))
}

/// Simpson's rule on a function that is smooth at the scale of its interval.
const QUADRATURE: Allowance<f64> = Allowance::new(1e-9, "Simpson's rule in f64");

/// The probability that `q_j <= 0.8 q_i` for all others, of k equal values and a start of normal numbers:
/// `int_0^inf 2 k phi(x) (2 Phi(r x) - 1)^(k-1) dx`, `r = 0.8^(1 / (p-2))`.
fn probability(k: usize, order: usize) -> f64 {
    const END: f64 = 12.0;
    const HALVES: usize = 2000;
    let r = 0.8_f64.powf(1.0 / (order as f64 - 2.0));
    let density = |x: f64| {
        let own = (-0.5 * x * x).exp() * (2.0 / std::f64::consts::PI).sqrt();
        k as f64 * own * erf(r * x / 2f64.sqrt()).powi(k as i32 - 1)
    };
    let step = END / (2 * HALVES) as f64;
    let sum: f64 = (0..=2 * HALVES)
        .map(|i| {
            let weight = match i {
                0 => 1.0,
                i if i == 2 * HALVES => 1.0,
                i if i % 2 == 1 => 4.0,
                _ => 2.0,
            };
            weight * density(i as f64 * step)
        })
        .sum();
    sum * step / 3.0
}

/// What is said about that probability.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Chance {
    /// It is at least a half.
    Constant,
    /// It is smaller for k + 1 than for k.
    Falls,
    /// It is larger.
    Rises,
}

fn good_start(case: &Case<Given>, chance: Chance) -> Result<Verdict, CheckError> {
    let model = Model::of(case);
    let Some(values) = model.values() else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let k = values.len();
    if k < 2 || !values[0].is_positive() || values.iter().any(|value| *value != values[0]) {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let (here, more) = (probability(k, model.order), probability(k + 1, model.order));
    let (observed, allowed) = match chance {
        Chance::Constant => (0.5, here),
        Chance::Falls => (more, here),
        Chance::Rises => (here, more),
    };
    if let Some(doubt) = Verdict::in_doubt("a probability", observed, allowed, &QUADRATURE) {
        return Ok(doubt);
    }
    Ok(Verdict::at_most(
        match chance {
            Chance::Constant => "1/2 against the probability of a good start",
            Chance::Falls => "the probability of a good start for k + 1",
            Chance::Rises => "the probability of a good start for k",
        },
        High::lift(observed)?,
        High::lift(allowed)?,
        Allowance::NOTHING,
    ))
}

const ORTHOGONAL: OtherCases = &TensorCases {
    kind: Kind::Orthogonal,
    cases: 24,
};
const NEGATIVE: OtherCases = &TensorCases {
    kind: Kind::Negative,
    cases: 16,
};
const TIED: OtherCases = &TensorCases {
    kind: Kind::Tied,
    cases: 12,
};
const STRATA: &[Stratum] = strata!(
    Decade("T"): -3 0 1 6;
    Decade("spread of values"): 0 1 2 3;
    Kind: "order 3" "order 4" "order 5" "order 6" "n=2" "equal values"
);
const SIGNS: &[Stratum] =
    strata!(Kind: "order 3" "order 4" "order 5" "order 6" "n=1" "n=2" "negative value");
const TIED_STRATA: &[Stratum] =
    strata!(Kind: "order 3" "order 4" "order 5" "order 6" "n=2" "equal values");

/// The claims about pairs.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("tensor-power/only-components-are-pairs")
            .derived("a reading that is often met, true for matrices with different eigenvalues")
            .states("whatever unit vector has T(v, .., v, .) = lambda v, lambda > 0, is one of the components")
            .formula(r"T(v, \dots, v, \cdot) = \lambda v, \ \lambda > 0 \quad \Rightarrow \quad v \in \{\pm v_1, \dots, \pm v_k\}")
            .given("orthonormal components, at least two, positive values")
            .note("Every set of components has a pair between them; none of these attracts (tensor-power/sets-repel).")
            .about(ORTHOGONAL, STRATA)
            .check(|case| only_components(case, true))
            .fault("the set of one component", |case| only_components(case, false))
            .refuted("tensor-power/pair-of-every-set", witness!("tensor-power-only-components-are-pairs")),
        claim("tensor-power/pair-of-every-set")
            .derived("replaces tensor-power/only-components-are-pairs")
            .states("for every set S of components v_S ~ sum_S lambda_j^(-1/(p-2)) v_j is a pair, with the value (sum_S lambda_j^(-2/(p-2)))^(-(p-2)/2)")
            .formula(r"v_S = \frac{\sum_{j \in S} \lambda_j^{-1/(p-2)}\, v_j}{\sqrt{c}}, \quad T(v_S, \dots, v_S, \cdot) = c^{-(p-2)/2}\, v_S, \qquad c = \sum_{j \in S} \lambda_j^{-2/(p-2)}")
            .given("orthonormal components, at least two, positive values; S the first 1, 2, .. of them")
            .about(ORTHOGONAL, STRATA)
            .check(|case| sets(case, 2))
            .fault("-1/(p-1) in the exponent of v_S", |case| sets(case, 1)),
        claim("tensor-power/sets-repel")
            .derived("derivative of a step at v_S")
            .states("the derivative of a step at v_S has the eigenvalue p - 1, |S| - 1 times, and 0: only single components attract")
            .formula(r"\frac{p - 1}{\lambda_S} (I - v_S v_S^\top)\, T(v_S, \dots, v_S, \cdot, \cdot)\, (I - v_S v_S^\top) = (p - 1)\, (P_S - v_S v_S^\top)")
            .given("orthonormal components, at least two, positive values; S the first 1, 2, .. of them")
            .about(ORTHOGONAL, STRATA)
            .check(|case| repel(case, 1))
            .fault("p in place of p - 1", |case| repel(case, 0)),
        claim("tensor-power/positive-without-loss")
            .derived("values are taken as positive, as if a sign could be moved into the vector")
            .states("where lambda < 0 belongs to v, -lambda belongs to -v")
            .formula(r"T(v, \dots, v, \cdot) = \lambda v \quad \Rightarrow \quad T(-v, \dots, -v, \cdot) = -\lambda\, (-v)")
            .given("orthonormal components, one negative value")
            .note("For even p a value is the same at v and -v, and a negative one stays negative.")
            .about(NEGATIVE, SIGNS)
            .check(|case| moves(case, false))
            .fault("odd orders only: tensor-power/signs-move-for-odd-order", |case| moves(case, true))
            .refuted("tensor-power/signs-move-for-odd-order", witness!("tensor-power-positive-without-loss")),
        claim("tensor-power/signs-move-for-odd-order")
            .derived("replaces tensor-power/positive-without-loss")
            .states("for odd p: where lambda < 0 belongs to v, -lambda belongs to -v")
            .formula(r"p \text{ odd}, \quad T(v, \dots, v, \cdot) = \lambda v \quad \Rightarrow \quad T(-v, \dots, -v, \cdot) = -\lambda\, (-v)")
            .given("orthonormal components, one negative value, p odd")
            .about(NEGATIVE, strata!(Kind: "order 3" "order 5" "n=1" "n=2" "negative value"))
            .check(|case| moves(case, true))
            .fault("even p, too", |case| moves(case, false)),
        claim("tensor-power/even-order-alternates")
            .derived("a step at a component with a negative value")
            .states("for even p and lambda < 0 steps at v alternate between v and -v: || u_(t+1) - u_t || = 2 for ever, and a test for small steps never ends")
            .formula(r"p \text{ even}, \ \lambda < 0 \quad \Rightarrow \quad \|u_{t+1} - u_t\|_2 = 2")
            .given("orthonormal components, one negative value, p even")
            .note("The solver here compares steps up to the sign and keeps the sign of lambda.")
            .about(NEGATIVE, strata!(Kind: "order 4" "order 6" "n=1" "n=2" "negative value"))
            .check(|case| alternates(case, 2))
            .fault("0, as for positive values", |case| alternates(case, 0)),
        claim("tensor-power/good-start-constant")
            .derived("a reading of \"with constant probability\" that leaves k out")
            .states("a random start has q_j <= 0.8 q_i for all others with probability at least 1/2, whatever k")
            .formula(r"\Pr\Bigl[\max_{j \ne i} q_j \le 0.8\, q_i\Bigr] \ge \tfrac{1}{2}")
            .given("orthonormal components, at least two, equal values, a start of independent normal numbers")
            .note("For p = 3: 0.858 for k = 2, 0.241 for k = 50. Larger p helps: the start's ratios are raised to p - 2.")
            .about(TIED, TIED_STRATA)
            .check(|case| good_start(case, Chance::Constant))
            .fault("that it falls with k: tensor-power/good-start-falls", |case| good_start(case, Chance::Falls))
            .refuted("tensor-power/good-start-falls", witness!("tensor-power-good-start-constant")),
        claim("tensor-power/good-start-falls")
            .derived("replaces tensor-power/good-start-constant")
            .states("the probability that a random start has q_j <= 0.8 q_i for all others is smaller for k + 1 components than for k: the number of starts must grow with k")
            .formula(r"P_{k+1} < P_k, \qquad P_k = \int_0^\infty 2 k\, \varphi(x)\, \bigl(2 \Phi(r x) - 1\bigr)^{k-1}\, dx, \quad r = 0.8^{1/(p-2)}")
            .given("orthonormal components, at least two, equal values, a start of independent normal numbers")
            .about(TIED, TIED_STRATA)
            .check(|case| good_start(case, Chance::Falls))
            .fault("larger", |case| good_start(case, Chance::Rises)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `(4 / pi) arctan r` for two components: the angle of two normal numbers is uniform. The others from a count of 60000 draws
    /// with NumPy, right to 0.01.
    #[test]
    fn the_probability_of_a_good_start_is_right() {
        for order in 3..=6 {
            let r = 0.8_f64.powf(1.0 / (order as f64 - 2.0));
            let expected = 4.0 / std::f64::consts::PI * r.atan();
            assert!((probability(2, order) - expected).abs() < 1e-10, "{order}");
        }
        for (k, expected) in [(5, 0.648), (10, 0.500), (50, 0.241), (100, 0.170)] {
            assert!(
                (probability(k, 3) - expected).abs() < 0.01,
                "{k}: {}",
                probability(k, 3)
            );
        }
    }
}
