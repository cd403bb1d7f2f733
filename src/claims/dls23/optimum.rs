//! What the main theorem's weights do to the answer: the optimal softmax is nearly uniform, whatever the data.

use nalgebra::{DMatrix, DVector};

use crate::claims::tools::attack::{self, Effort, just_above};
use crate::claims::tools::builder::{claim, strata};
use crate::claims::tools::exact::Exact;
use crate::claims::tools::forms::{self, GradientForm};
use crate::claims::{Case, CheckError, Claim, Family, Origin, Outside, Verdict, Weights};
use crate::instance::sample::{self, Stream};
use crate::instance::{DesignMatrix, Instance, LossKind};
use crate::oracle::{self, Reference};
use crate::scalar::{Allowance, High};

use super::definiteness::{Premise, Rank};

/// `||A x*||_2 <= bound` and `|n f_i(x*) - 1| <= deviation` at the minimiser, under `w_i^2 >= 100 + l / s^2`.
fn nearly_uniform(case: &Case, bound: High, allowed: High) -> Result<Verdict, CheckError> {
    let here = Exact::of(case)?;
    if here.target_norm() > High::ONE {
        return Ok(Verdict::Outside(Outside::Target));
    }
    let premise = match Premise::of(&here, High::int(100), Rank::Full)? {
        Ok(premise) => premise,
        Err(reason) => return Ok(Verdict::Outside(reason)),
    };
    // The loss is strongly convex here, so any start leads to the one stationary point.
    let origin = DVector::from_element(case.instance.columns(), High::ZERO);
    let minimiser = oracle::minimise(&Reference::new(&case.instance)?, &origin)?;
    let exact = Exact::at(&case.instance, minimiser.x)?;

    // A x is right to within ||A|| times the error of x, and roundings; so is ln p, twice.
    let error = Allowance::new(
        premise.norm * minimiser.error_bound,
        "what is not known of x*",
    ) + exact.error(premise.norm * exact.x.norm());
    let energy = energy_identity(&exact, error.clone());
    if !matches!(energy, Verdict::Holds { .. }) {
        return Ok(energy);
    }
    let rows = High::int(exact.p.len() as i64);
    let deviation = exact.p.iter().fold(High::ZERO, |worst, entry| {
        worst.max((rows * *entry - High::ONE).abs())
    });
    // A relative error of p counts n p <= e times.
    let deviation_error = &error * High::int(6) + exact.error(High::int(3));
    Ok(
        Verdict::at_most("||A x*||_2", exact.z.norm(), bound, error).and(Verdict::at_most(
            "max |n f_i - 1|",
            deviation,
            allowed,
            deviation_error,
        )),
    )
}

/// `||A x*||_2` is at most this.
fn length() -> High {
    High::ratio(356, 100_000)
}

/// `|n f_i(x*) - 1|` is at most this.
fn deviation() -> High {
    High::ratio(253, 100_000)
}

/// `(A x*)' W^2 (A x*) = -(A x*)' P c`: the gradient times `x*`, which is what the proof needs of a stationary point.
fn energy_identity(exact: &Exact, logit_error: Allowance<High>) -> Verdict {
    let pull = exact.squared_weights().component_mul(&exact.z);
    let gradient = forms::gradient(GradientForm::Corrected, &exact.p, &exact.b);
    // Both sides are quadratic or Lipschitz in z: the error of z counts with 2 ||W^2 z|| + ||P c|| + ||B|| ||z||, and
    // ||P c|| <= 1, ||B|| <= 5/4.
    let slope = High::int(2) * pull.norm() + High::ONE + High::int(2) * exact.z.norm();
    let terms = pull.map(High::abs).dot(&exact.z.map(High::abs)) + High::int(4) * exact.z.norm();
    Verdict::equal(
        "(Ax*)' W^2 (Ax*) + (Ax*)' P c",
        exact.z.dot(&pull),
        -exact.z.dot(&gradient),
        logit_error * slope + exact.error(terms),
    )
}

/// Steps of the fixed point iteration `z <- -W^-2 P c`, which contracts by `1.25 / 100` per step.
const STEPS: usize = 10;

/// The logits of the minimiser for `A = I` and `w_i^2 = 100`.
fn optimal_logits(b: &DVector<f64>) -> DVector<f64> {
    let mut z = DVector::zeros(b.len());
    for _ in 0..STEPS {
        z = forms::gradient(GradientForm::Corrected, &forms::softmax(&z), b) / -100.0;
    }
    z
}

/// The target that moves the optimum furthest, for `A = I` and weights just above the premise.
fn attack(rng: &mut Stream) -> Result<Case, CheckError> {
    let rows = sample::integer(rng, 2, 4) as usize;
    // Rounded towards 0 on a dyadic grid, so that ||b||_1 <= 1 holds exactly.
    let target = |raw: &[f64]| {
        let raw = DVector::from_column_slice(raw);
        let grid = f64::from(1u32 << 20);
        let unit = &raw / raw.lp_norm(1).max(f64::MIN_POSITIVE);
        unit.map(|entry| (entry * grid).trunc() / grid)
    };
    let start = attack::cold_start(rng, rows, 1);
    let effort = Effort {
        evaluations: 200,
        restarts: 3,
        ..Effort::USUAL
    };
    let (raw, _) = attack::maximise(&|raw| optimal_logits(&target(raw)).norm(), start, effort);
    let weights = DVector::from_element(rows, just_above(100.0));
    let matrix = DesignMatrix::dense(DMatrix::identity(rows, rows))?;
    let instance = Instance::new(LossKind::Softmax, matrix, target(&raw), weights)?;
    Ok(Case::new(Origin::Attack(0), instance, 0))
}

/// The claims about the optimum.
pub fn claims() -> Vec<Claim> {
    vec![claim("dls23/optimum-near-uniform")
        .derived("consequence of the hypotheses of Theorem 2.3.1")
        .states("at x* with grad L(x*) = 0: ||A x*||_2 <= ||P c||_2 / min w_i^2 <= 0.00356 and |n f_i(x*) - 1| <= 0.253 % for all i")
        .formula(r"\begin{aligned} &\nabla L(x^*) = 0 \quad \implies \quad \|A x^*\|_2 \le \frac{\|P c\|_2}{\min_i w_i^2} \le 0.00356, \\
            &|n f_i(x^*) - 1| \le 0.00253 \ \forall i, \quad P = \operatorname{diag}(f) - f f^\top, \ c = f - b \end{aligned}")
        .given("w_i^2 >= 100 + l / sigma_min(A)^2, l > 0, rank(A) = d, ||b||_1 <= 1")
        .note("The theorem's weights leave nothing to fit: its optimal softmax is uniform within 0.253 %, for every A and b. Proof in docs/sharp-constants.md, Near-uniform optimum: the gradient times x* gives (Ax*)' W^2 (Ax*) = -(Ax*)' P c (checked as well), which confines f to 1.43 % of uniform; there ||P c|| is at most about sqrt(1 - 1/n) / n, which confines it further. The search ends at 0.25 %, n = 2, b = e_1: 2 f_1 f_2^2 / 100 at f = (1/2, 1/2).")
        .on(Family {
            rows: (1, 6),
            columns: (1, 3),
            gaps: &[],
            weights: Weights::Above { base: 100.0 },
            cases: 56,
            ..Family::GENERAL
        }, strata!(Condition: 0 6; OneRow; OneColumn; Square; SignedTarget))
        .attacked(4, attack)
        .check(|case| nearly_uniform(case, length(), deviation()))
        .fault("within 0.24 % of uniform", |case| nearly_uniform(case, length(), High::ratio(24, 10_000)))]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where every `|n f_i - 1| <= e`, the next bounds of `||A x*||` and of the deviation: docs/sharp-constants.md.
    fn confined(n: f64, e: f64) -> (f64, f64) {
        let share = 1.0 - 1.0 / n;
        let length = (1.0 + e) / n * (share.sqrt() + e / n.sqrt()) / 100.0;
        let logarithm = length * (share + (4.0 * e + e * e) / n).sqrt();
        (length, logarithm.exp_m1())
    }

    #[test]
    fn the_bounds_are_those_that_the_proof_ends_with() {
        let mut longest = 0.0f64;
        let mut furthest = 0.0f64;
        for n in 1..=50 {
            let n = f64::from(n);
            let (length, deviation) = (0..3).fold((0.0, 0.014_25), |(_, e), _| confined(n, e));
            longest = longest.max(length);
            furthest = furthest.max(deviation);
        }
        // From n = 50 on the first step is far below: (1.01425 / n)(1 + 0.01425) / 100 < 0.0003.
        assert!(
            longest < length().to_f64() && longest > 0.00354,
            "{longest}"
        );
        assert!(
            furthest < deviation().to_f64() && furthest > 0.0025,
            "{furthest}"
        );
    }

    #[test]
    fn the_energies_may_differ_by_the_error_of_the_logits_and_by_rounding() {
        // z = (3, -4), W^2 z = (3, -16), b = 0: with q = 1 / (1 + e^7) the gradient is q (1-q) (1-2q) (1, -1), and the two
        // sides are off by 9 + 64 + 7 q (1-q) (1-2q).
        let text = r#"{"loss": "softmax", "matrix": [[3], [-4]], "target": [0, 0], "weights": [1, 2], "points": [[1]]}"#;
        let case = Case::of_text(text, 0);
        let exact = Exact::of(&case).unwrap();
        let q = 1.0 / (1.0 + 7f64.exp());
        let off = 73.0 + 7.0 * q * (1.0 - q) * (1.0 - 2.0 * q);
        // 64 (2 + 1) (1 + 4) units times 9 + 64 + 4 ||z||; 2 ||W^2 z|| + 1 + 2 ||z|| times the error of the logits.
        let rounding = f64::from(960 * 93) * 1e-39;
        let slope = 2.0 * 265f64.sqrt() + 11.0;
        for (error, allowed) in [
            (High::ZERO, rounding),
            (High::ratio(1, 1000), slope / 1000.0),
        ] {
            let Verdict::Fails(finding) = energy_identity(&exact, Allowance::new(error, "a test"))
            else {
                panic!("the energies agree");
            };
            assert!(
                (finding.slack * off / allowed - 1.0).abs() < 1e-12,
                "{}",
                finding.slack
            );
        }
    }
}
