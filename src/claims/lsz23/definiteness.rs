//! Positive definiteness of the Hessian: the recalled threshold `0.5 b_i^2`, the sharp one of each loss, and what becomes of
//! "the regularised problem is convex".

use nalgebra::{DMatrix, DVector};

use crate::claims::claim::{Attack, Check};
use crate::claims::tools::attack::{self, Effort, just_above};
use crate::claims::tools::builder::{claim, strata, witness};
use crate::claims::tools::exact::{Exact, of_eigenvalues};
use crate::claims::{
    Case, CheckError, Claim, Drawn, Family, Finding, Origin, Outside, Stratum, Targets, Verdict,
    Weights,
};
use crate::instance::sample::{self, Stream};
use crate::instance::{DesignMatrix, Instance};
use crate::oracle::spectrum;
use crate::scalar::{Allowance, High};

use super::derivatives::LOSSES;
use super::forms::{Phi, curvature_terms};

/// What a premise `w_i^2 >= threshold(b_i) + l / sigma_min(A)^2` has in the place of the threshold.
pub(super) type Threshold = fn(Phi, High) -> High;

/// `0.5 b^2`, the recalled threshold.
pub(super) fn half_square(_: Phi, b: High) -> High {
    b.square() * High::ratio(1, 2)
}

/// `0.25 b^2`.
fn quarter_square(_: Phi, b: High) -> High {
    b.square() * High::ratio(1, 4)
}

/// `0.24 b^2`.
fn less_than_a_quarter(_: Phi, b: High) -> High {
    b.square() * High::ratio(24, 100)
}

/// `0.1 b^2`, too little for each of the three losses.
fn tenth_square(_: Phi, b: High) -> High {
    b.square() * High::ratio(1, 10)
}

/// The sharp threshold `-inf D`.
fn sharp(phi: Phi, b: High) -> High {
    phi.threshold(b)
}

/// A hundredth less.
fn below_sharp(phi: Phi, b: High) -> High {
    phi.threshold(b) - High::ratio(1, 100)
}

/// `min_i (w_i^2 - threshold(b_i))` and the row where it is taken. A premise `w_i^2 >= threshold(b_i) + l / sigma_min(A)^2`
/// has a free number `l > 0`, and the strongest statement is the one with the largest: this times `sigma_min(A)^2`.
pub(super) fn surplus(phi: Phi, exact: &Exact, threshold: Threshold) -> (usize, High) {
    let surplus = exact
        .squared_weights()
        .zip_map(&exact.b, |w2, b| w2 - threshold(phi, b));
    (0..surplus.len()).fold((0, surplus[0]), |best, i| {
        if surplus[i] < best.1 {
            (i, surplus[i])
        } else {
            best
        }
    })
}

/// Bounds the error of the eigenvalues of the oracle's Hessian at this point: an entry is a sum of terms of `D + W^2` times
/// two entries of A, and d^2 entries make the matrix.
fn eigenvalue_error(phi: Phi, exact: &Exact) -> Allowance<High> {
    let terms = curvature_terms(phi, exact).max() + exact.squared_weights().max();
    exact.error(terms * exact.a.norm_squared()) * High::int(exact.a.ncols() as i64)
}

/// `-D_i <= allowed_i` in every row, D the diagonal of the oracle's Hessian in the logits, which must be diagonal: this
/// suffices for `H >= A' (W^2 - diag(allowed)) A`. None where it is not certain.
fn rows_suffice(
    phi: Phi,
    exact: &Exact,
    allowed: &DVector<High>,
) -> Result<Option<Verdict>, CheckError> {
    let mut hessian = exact.logit_evaluation()?.hessian;
    let entries = hessian.diagonal();
    hessian.fill_diagonal(High::ZERO);
    if !hessian.norm().is_zero() {
        return Ok(None);
    }
    let terms = curvature_terms(phi, exact);
    let verdict = (0..entries.len())
        .map(|i| {
            let error = exact.error(terms[i]);
            Verdict::at_most(&format!("-D[{i}]"), -entries[i], allowed[i], error)
        })
        .fold(Verdict::VACUOUS, Verdict::and);
    Ok(matches!(verdict, Verdict::Holds { .. }).then_some(verdict))
}

/// `w_i^2 >= threshold(b_i) + l / sigma_min(A)^2` implies `H >= l I`.
///
/// Told as the threshold that this case needs: with `m` the row where the premise is an equality, `w_m^2 - lambda_min(H) /
/// sigma_min^2 <= threshold(b_m)` is the same inequality. Where large logits drown the smallest eigenvalue in rounding, the
/// rows decide if they suffice: `diag(D) + W^2 >= s I` and `A'A >= sigma_min^2 I` give `H >= s sigma_min^2 I`.
fn definite(case: &Case, only: Option<Phi>, threshold: Threshold) -> Result<Verdict, CheckError> {
    let phi = match Phi::of(case.instance.loss()) {
        Some(phi) if only.is_none_or(|only| only == phi) => phi,
        _ => return Ok(Verdict::Outside(Outside::Premise)),
    };
    let exact = Exact::of(case)?;
    let (norm, smallest) = exact.singular_range()?;
    if smallest <= norm.shifted(ZERO_SINGULAR_VALUE) {
        return Ok(Verdict::Outside(Outside::Rank));
    }
    let (row, surplus) = surplus(phi, &exact, threshold);
    if !surplus.is_positive() {
        return Ok(Verdict::Outside(Outside::Weights));
    }
    let area = smallest.square();
    let (low, _, rounding) = spectrum::extremes_with_bound(&exact.evaluation()?.hessian)?;
    let verdict = Verdict::at_most(
        "lambda_min(H) against l",
        exact.w[row].square() - low / area,
        threshold(phi, exact.b[row]),
        (of_eigenvalues(rounding) + eigenvalue_error(phi, &exact)) / area,
    );
    Ok(match verdict {
        Verdict::Fails(finding) => Verdict::Fails(Finding {
            observed: low.scientific(12),
            allowed: (surplus * area).scientific(12),
            ..finding
        }),
        Verdict::Undecided(reason) => {
            let allowed = exact.squared_weights().map(|w2| w2 - surplus);
            rows_suffice(phi, &exact, &allowed)?.unwrap_or(Verdict::Undecided(reason))
        }
        other => other,
    })
}

/// A singular value below `10^-30 ||A||` counts as 0: one that is 0 comes out below `10^-37 ||A||`, and no matrix that a
/// family draws has another one below `10^-20 ||A||`.
const ZERO_SINGULAR_VALUE: i64 = -30;

/// What is asked of a case before its loss is called convex.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ConvexityPremise {
    /// Nothing.
    None,
    /// `w_i^2` at least the sharp threshold, `max(b_i, 0)^2 / 8` for exp.
    Threshold,
    /// `b_i <= 0`.
    NonpositiveTarget,
}

/// `H - A' diag(c w_i^2) A >= 0` at the case's point, c = 0 for convexity itself. The rows decide if they suffice (then
/// the slack is `w_i^2 / -D_i`), else the smallest eigenvalue.
fn convex(
    case: &Case,
    phi: Phi,
    premise: ConvexityPremise,
    kept_back: High,
) -> Result<Verdict, CheckError> {
    if Phi::of(case.instance.loss()) != Some(phi) {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let exact = Exact::of(case)?;
    let met = match premise {
        ConvexityPremise::None => true,
        ConvexityPremise::Threshold => !surplus(phi, &exact, sharp).1.is_negative(),
        ConvexityPremise::NonpositiveTarget => !exact.b.iter().any(|b| b.is_positive()),
    };
    if !met {
        return Ok(Verdict::Outside(match premise {
            ConvexityPremise::NonpositiveTarget => Outside::Target,
            _ => Outside::Weights,
        }));
    }
    let squares = exact.squared_weights();
    let allowed = &squares * (High::ONE - kept_back);
    if let Some(verdict) = rows_suffice(phi, &exact, &allowed)? {
        return Ok(verdict);
    }
    let removed = DMatrix::from_diagonal(&(squares * kept_back));
    let hessian = exact.evaluation()?.hessian - exact.a.tr_mul(&(removed * &exact.a));
    let (low, _, rounding) = spectrum::extremes_with_bound(&hessian)?;
    let error = of_eigenvalues(rounding) + eigenvalue_error(phi, &exact);
    Ok(Verdict::at_least("lambda_min(H)", low, High::ZERO, error))
}

/// Whether the exp loss without a ridge is not convex at the case's point for the target `b = factor exp(Ax)`, rounded to f64:
/// `D = (2 - factor) exp(2z)`.
fn bends_down(case: &Case, factor: f64) -> Result<Verdict, CheckError> {
    if Phi::of(case.instance.loss()) != Some(Phi::Exp) {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let target = Exact::of(case)?.z.map(|z| factor * z.exp().to_f64());
    let rows = case.instance.rows();
    let instance = Instance::new(
        Phi::Exp.loss(),
        case.instance.matrix().clone(),
        target,
        DVector::zeros(rows),
    )?;
    let exact = Exact::at(&instance, crate::oracle::lift_vector(&case.x()))?;
    let (low, _, rounding) = spectrum::extremes_with_bound(&exact.evaluation()?.hessian)?;
    let error = of_eigenvalues(rounding) + eigenvalue_error(Phi::Exp, &exact);
    Ok(Verdict::at_most("lambda_min(H)", low, High::ZERO, error))
}

/// Where D is smallest, `phi(z) = b/4`, with b over six decades and a weight from just below the threshold to far below it.
fn bent(phi: Phi, rng: &mut Stream) -> Result<Case, CheckError> {
    let b = 2f64.powi(sample::integer(rng, 3, 20) as i32);
    let z = match phi {
        Phi::Exp => (b / 4.0).ln(),
        Phi::Cosh => (b / 4.0).acosh(),
        Phi::Sinh => (b / 4.0).asinh(),
    };
    let share = 2f64.powi(-sample::integer(rng, 1, 20) as i32);
    let weight = (phi.threshold(b) * share).sqrt();
    let one = |value: f64| DVector::from_element(1, value);
    let matrix = DesignMatrix::dense(DMatrix::from_element(1, 1, 1.0))?;
    let instance =
        Instance::new(phi.loss(), matrix, one(b), one(weight))?.with_points(vec![one(z)])?;
    Ok(Case::new(Origin::Attack(0), instance, 0))
}

/// How many times its least value a search lets the target grow: `exp(16) = 9e6`.
const LARGEST_TARGET_LOGARITHM: f64 = 16.0;
/// How far a search lets the logit grow: beyond `phi(z) = b/4` for the largest target.
const LARGEST_LOGIT: f64 = 18.0;

/// Searches `z` and `b >= least` for the largest `-D(z) / threshold(b)`, a threshold that is positive there, and makes it a
/// case with one row, `A = (1)` and a weight just above the threshold.
///
/// One row loses nothing: D is entrywise, and with `A = I` the smallest eigenvalue is the worst row's.
fn hardest(
    phi: Phi,
    least: f64,
    threshold: fn(Phi, f64) -> f64,
    rng: &mut Stream,
) -> Result<Case, CheckError> {
    let parts = |point: &[f64]| {
        let z = point[0].clamp(-LARGEST_LOGIT, LARGEST_LOGIT);
        (
            z,
            least * point[1].abs().min(LARGEST_TARGET_LOGARITHM).exp(),
        )
    };
    let objective = |point: &[f64]| {
        let (z, b) = parts(point);
        -phi.curvature(z, b) / threshold(phi, b)
    };
    let start = attack::cold_start(rng, 2, 4);
    let (best, _) = attack::maximise(&objective, start, SEARCH);
    let (z, b) = parts(&best);
    let instance = Instance::new(
        phi.loss(),
        DesignMatrix::dense(DMatrix::from_element(1, 1, 1.0))?,
        DVector::from_element(1, b),
        DVector::from_element(1, just_above(threshold(phi, b))),
    )?
    .with_points(vec![DVector::from_element(1, z)])?;
    Ok(Case::new(Origin::Attack(0), instance, 0))
}

/// Two unknowns and a smooth objective.
const SEARCH: Effort = Effort {
    evaluations: 200,
    ..Effort::USUAL
};

/// One of the three losses, as the stream decides.
fn drawn(rng: &mut Stream) -> Phi {
    Phi::ALL[sample::integer(rng, 0, 2) as usize]
}

/// The least target of a search: where the sharp threshold is positive, with room.
fn least_target(phi: Phi) -> f64 {
    match phi {
        Phi::Exp => 0.125,
        Phi::Cosh => 1.125,
        Phi::Sinh => 3.0,
    }
}

/// Three losses, targets of any size, logit gaps up to 100.
pub(super) const GENERAL: Family = Family {
    losses: LOSSES,
    rows: (1, 6),
    columns: (1, 3),
    gaps: &[0, 1, 2],
    targets: Targets::Any,
    cases: 63,
    ..Family::GENERAL
};

/// `w_i^2` above `share b_i^2 + base`.
const fn weighted(base: f64, share: f64) -> Family {
    Family {
        weights: Weights::AboveSquaredTarget {
            base,
            share,
            power: 0,
        },
        ..GENERAL
    }
}

const STRATA: &[Stratum] =
    strata!(Condition: 0 1 2 3 4 5 6; Gap: 0 1 2; OneRow; OneColumn; Square; SignedTarget);

/// What is particular about the sharp threshold of one loss.
struct SharpThreshold {
    losses: &'static [Drawn],
    /// `base` and `share` of weights above the threshold.
    weights: (f64, f64),
    ids: (&'static str, &'static str),
    statements: (&'static str, &'static str),
    formulas: (&'static str, &'static str),
    notes: (&'static str, &'static str),
    attack: Attack,
    checks: (Check, Check),
    witness: &'static str,
}

impl SharpThreshold {
    /// The claim that it suffices, and the one that a hundredth less does.
    fn claims(self) -> [Claim; 2] {
        let (base, share) = self.weights;
        let family = Family {
            losses: self.losses,
            cases: 42,
            ..weighted(base, share)
        };
        let sharp = claim(self.ids.0)
            .derived("sharpens the threshold 0.5 b_i^2")
            .states(self.statements.0)
            .formula(self.formulas.0)
            .given("l > 0, rank(A) = d")
            .note(self.notes.0)
            .on(family, STRATA)
            .attacked(4, self.attack)
            .check(self.checks.0)
            .fault("a threshold lower by 1/100", self.checks.1);
        let below = claim(self.ids.1)
            .derived("sharpness of the threshold")
            .states(self.statements.1)
            .formula(self.formulas.1)
            .given("l > 0, rank(A) = d")
            .note(self.notes.1)
            .on(family, STRATA)
            .attacked(2, self.attack)
            .check(self.checks.1)
            .fault("the sharp threshold", self.checks.0)
            .refuted(self.ids.0, self.witness);
        [sharp, below]
    }
}

/// The sharp thresholds of exp, cosh and sinh.
fn sharp_thresholds() -> [SharpThreshold; 3] {
    [
        SharpThreshold {
            losses: &[Drawn::Exp],
            weights: (0.0, 0.125),
            ids: ("lsz23/exp-threshold-sharp", "lsz23/exp-below-threshold"),
            statements: (
                "exp: w_i^2 >= max(b_i, 0)^2 / 8 + l / sigma_min(A)^2 for all i implies H >= l I",
                "exp: w_i^2 >= max(b_i, 0)^2 / 8 - 1/100 + l / sigma_min(A)^2 for all i implies H >= l I",
            ),
            formulas: (
                r"w_i^2 \ge \tfrac{1}{8} \max(b_i, 0)^2 + \frac{l}{\sigma_{\min}(A)^2} \ \forall i \quad \implies \quad H(x) \succeq l I_d, \quad \phi = \exp",
                r"w_i^2 \ge \tfrac{1}{8} \max(b_i, 0)^2 - \tfrac{1}{100} + \frac{l}{\sigma_{\min}(A)^2} \ \forall i \quad \implies \quad H(x) \succeq l I_d, \quad \phi = \exp",
            ),
            notes: (
                "min_z (2e^z - b) e^z = -b^2/8 at e^z = b/4 for b > 0; for b <= 0 the infimum is 0, not attained. A quarter of the recalled threshold.",
                "Stated to be refuted. Witness: n = d = 1, A = 1, b = 4, x = 0, w^2 = 1.995: H = -0.005.",
            ),
            attack: |rng| hardest(Phi::Exp, least_target(Phi::Exp), Phi::threshold, rng),
            checks: (
                |case| definite(case, Some(Phi::Exp), sharp),
                |case| definite(case, Some(Phi::Exp), below_sharp),
            ),
            witness: include_str!("../../../fixtures/witnesses/lsz23-exp-below-threshold.json"),
        },
        SharpThreshold {
            losses: &[Drawn::Cosh],
            weights: (1.0, 0.125),
            ids: ("lsz23/cosh-threshold-sharp", "lsz23/cosh-below-threshold"),
            statements: (
                "cosh: w_i^2 >= t(b_i) + l / sigma_min(A)^2 for all i, t(b) = b - 1 for b < 4 and 1 + b^2/8 for b >= 4, implies H >= l I",
                "cosh: w_i^2 >= t(b_i) - 1/100 + l / sigma_min(A)^2 for all i, t(b) = b - 1 for b < 4 and 1 + b^2/8 for b >= 4, implies H >= l I",
            ),
            formulas: (
                r"\begin{aligned} w_i^2 &\ge t(b_i) + \frac{l}{\sigma_{\min}(A)^2} \ \forall i \quad \implies \quad H(x) \succeq l I_d, \quad \phi = \cosh, \\
                    t(b) &= \begin{cases} b - 1 & \text{for } b < 4, \\ 1 + b^2 / 8 & \text{for } b \ge 4 \end{cases} \end{aligned}",
                r"\begin{aligned} w_i^2 &\ge t(b_i) - \tfrac{1}{100} + \frac{l}{\sigma_{\min}(A)^2} \ \forall i \quad \implies \quad H(x) \succeq l I_d, \quad \phi = \cosh, \\
                    t(b) &= \begin{cases} b - 1 & \text{for } b < 4, \\ 1 + b^2 / 8 & \text{for } b \ge 4 \end{cases} \end{aligned}",
            ),
            notes: (
                "min_z 2 cosh^2 z - 1 - b cosh z is 1 - b at z = 0 for b < 4 and -1 - b^2/8 at cosh z = b/4 for b >= 4. For b < 1 the threshold is negative: no weights are needed.",
                "Stated to be refuted. Witness: n = d = 1, A = 1, b = 2, x = 0, w^2 = 0.995: H = -0.005.",
            ),
            attack: |rng| hardest(Phi::Cosh, least_target(Phi::Cosh), Phi::threshold, rng),
            checks: (
                |case| definite(case, Some(Phi::Cosh), sharp),
                |case| definite(case, Some(Phi::Cosh), below_sharp),
            ),
            witness: include_str!("../../../fixtures/witnesses/lsz23-cosh-below-threshold.json"),
        },
        SharpThreshold {
            losses: &[Drawn::Sinh],
            weights: (0.0, 0.125),
            ids: ("lsz23/sinh-threshold-sharp", "lsz23/sinh-below-threshold"),
            statements: (
                "sinh: w_i^2 >= b_i^2 / 8 - 1 + l / sigma_min(A)^2 for all i implies H >= l I",
                "sinh: w_i^2 >= b_i^2 / 8 - 1 - 1/100 + l / sigma_min(A)^2 for all i implies H >= l I",
            ),
            formulas: (
                r"w_i^2 \ge \tfrac{1}{8} b_i^2 - 1 + \frac{l}{\sigma_{\min}(A)^2} \ \forall i \quad \implies \quad H(x) \succeq l I_d, \quad \phi = \sinh",
                r"w_i^2 \ge \tfrac{1}{8} b_i^2 - 1 - \tfrac{1}{100} + \frac{l}{\sigma_{\min}(A)^2} \ \forall i \quad \implies \quad H(x) \succeq l I_d, \quad \phi = \sinh",
            ),
            notes: (
                "min_z 1 + 2 sinh^2 z - b sinh z = 1 - b^2/8 at sinh z = b/4. For b^2 < 8 no weights are needed.",
                "Stated to be refuted. Witness: n = d = 1, A = 1, b = 4, sinh x = 1, w^2 = 0.995: H = -0.005.",
            ),
            attack: |rng| hardest(Phi::Sinh, least_target(Phi::Sinh), Phi::threshold, rng),
            checks: (
                |case| definite(case, Some(Phi::Sinh), sharp),
                |case| definite(case, Some(Phi::Sinh), below_sharp),
            ),
            witness: include_str!("../../../fixtures/witnesses/lsz23-sinh-below-threshold.json"),
        },
    ]
}

/// The claims that hold for all three losses.
fn common_thresholds() -> [Claim; 2] {
    [
        claim("lsz23/positive-definite")
            .recalled("lemma on positive definiteness, all three losses")
            .states("w_i^2 >= 0.5 b_i^2 + l / sigma_min(A)^2 for all i implies H >= l I")
            .formula(r"w_i^2 \ge 0.5\, b_i^2 + \frac{l}{\sigma_{\min}(A)^2} \ \forall i \quad \implies \quad H(x) \succeq l I_d")
            .given("l > 0, rank(A) = d")
            .note("True, and twice what is needed: the slack is 2 at cosh, b = 2, z = 0; exp needs b_i^2/8 only.")
            .on(weighted(0.0, 0.5), STRATA)
            .attacked(6, |rng| {
                let phi = drawn(rng);
                hardest(phi, least_target(phi), |_, b| 0.5 * b * b, rng)
            })
            .check(|case| definite(case, None, half_square))
            .fault("0.1 b_i^2 in the place of 0.5 b_i^2, l accordingly larger", |case| definite(case, None, tenth_square)),
        claim("lsz23/positive-definite-quarter")
            .derived("sharpens the lemma on positive definiteness, all three losses")
            .states("w_i^2 >= 0.25 b_i^2 + l / sigma_min(A)^2 for all i implies H >= l I")
            .formula(r"w_i^2 \ge 0.25\, b_i^2 + \frac{l}{\sigma_{\min}(A)^2} \ \forall i \quad \implies \quad H(x) \succeq l I_d")
            .given("l > 0, rank(A) = d")
            .note("The best multiple of b_i^2 that serves all three: (b - 2)^2 >= 0 is b - 1 <= b^2/4, an equality at cosh, b = 2, z = 0.")
            .on(weighted(0.0, 0.25), STRATA)
            .attacked(4, |rng| hardest(Phi::Cosh, 1.5, |_, b| 0.25 * b * b, rng))
            .check(|case| definite(case, None, quarter_square))
            .fault("0.24 b_i^2 in the place of 0.25 b_i^2", |case| definite(case, None, less_than_a_quarter)),
    ]
}

/// "Convex" for cosh and sinh, as `lsz23/exp-convex-any-weights`.
fn convex_any_weights(
    id: &'static str,
    losses: &'static [Drawn],
    formula: &'static str,
    note: &'static str,
    correction: &'static str,
    (attack, checks): (Attack, [Check; 2]),
    witness: &'static str,
) -> Claim {
    claim(id)
        .derived("abstract: \"the regularization version of exponential regression problem which is a convex problem\" (lsz23/exp-convex-any-weights), carried over from exp to cosh and sinh")
        .states("0.5 ||phi(Ax) - b||^2 + 0.5 ||diag(w) A x||^2 is convex in x")
        .formula(formula)
        .note(note)
        .on(Family { losses, cases: 42, ..GENERAL }, STRATA)
        .attacked(2, attack)
        .check(checks[0])
        .fault("weights at the sharp threshold asked for", checks[1])
        .refuted(correction, witness)
}

/// What the abstract says of convexity, beside the exp loss with a ridge.
fn abstract_on_convexity() -> [Claim; 3] {
    [
        claim("lsz23/exp-not-convex-without-ridge")
            .printed("abstract: \"The standard exponential regression is non-convex.\"")
            .states("there are A and b for which 0.5 ||exp(Ax) - b||^2 is not convex in x")
            .formula(r"\exists\, A, b: \ x \mapsto \tfrac{1}{2} \|\exp(Ax) - b\|_2^2 \text{ is not convex}")
            .given("A is not 0")
            .note("True as an existence statement, and for every A: with b = 3 exp(A x) the Hessian at x is -A' diag(exp(2 A x)) A. Not true of every b (lsz23/exp-convex-nonpositive-target).")
            .on(Family { losses: &[Drawn::Exp], weights: Weights::Zero, cases: 42, ..GENERAL }, STRATA)
            .check(|case| bends_down(case, 3.0))
            .fault("b = exp(A x)", |case| bends_down(case, 1.0)),
        convex_any_weights(
            "lsz23/cosh-convex-any-weights",
            &[Drawn::Cosh],
            r"x \mapsto \tfrac{1}{2} \|\cosh(Ax) - b\|_2^2 + \tfrac{1}{2} \|\operatorname{diag}(w) A x\|_2^2 \text{ is convex}",
            "phi = cosh. The abstract names no threshold for w. Witness: n = d = 1, A = 1, b = 4, w = 1: H(0) = (2 - 1 - 4) + 1 = -2.",
            "lsz23/cosh-threshold-sharp",
            (
                |rng| bent(Phi::Cosh, rng),
                [
                    |case| convex(case, Phi::Cosh, ConvexityPremise::None, High::ZERO),
                    |case| convex(case, Phi::Cosh, ConvexityPremise::Threshold, High::ZERO),
                ],
            ),
            include_str!("../../../fixtures/witnesses/lsz23-cosh-convex-any-weights.json"),
        ),
        convex_any_weights(
            "lsz23/sinh-convex-any-weights",
            &[Drawn::Sinh],
            r"x \mapsto \tfrac{1}{2} \|\sinh(Ax) - b\|_2^2 + \tfrac{1}{2} \|\operatorname{diag}(w) A x\|_2^2 \text{ is convex}",
            "phi = sinh. The abstract names no threshold for w. Witness: n = d = 1, A = 1, b = 8, w = 1, x = 1.5: H = 1 + 2 sinh(x)^2 - 8 sinh(x) + 1 = -5.97.",
            "lsz23/sinh-threshold-sharp",
            (
                |rng| bent(Phi::Sinh, rng),
                [
                    |case| convex(case, Phi::Sinh, ConvexityPremise::None, High::ZERO),
                    |case| convex(case, Phi::Sinh, ConvexityPremise::Threshold, High::ZERO),
                ],
            ),
            include_str!("../../../fixtures/witnesses/lsz23-sinh-convex-any-weights.json"),
        ),
    ]
}

/// The claims about convexity of the exp loss.
fn convexity() -> [Claim; 3] {
    let family = |weights, targets| Family {
        losses: &[Drawn::Exp],
        weights,
        targets,
        cases: 42,
        ..GENERAL
    };
    let eighth = Weights::AboveSquaredTarget {
        base: 0.0,
        share: 0.125,
        power: 0,
    };
    [
        claim("lsz23/exp-convex-any-weights")
            .printed("abstract: \"the regularization version of exponential regression problem which is a convex problem\"")
            .states("0.5 ||exp(Ax) - b||^2 + 0.5 ||diag(w) A x||^2 is convex in x")
            .formula(r"x \mapsto \tfrac{1}{2} \|\exp(Ax) - b\|_2^2 + \tfrac{1}{2} \|\operatorname{diag}(w) A x\|_2^2 \text{ is convex}")
            .note("The abstract names no threshold for w. Witness: n = d = 1, A = 1, b = 4, w = 1: H(0) = (2 - 4) + 1 = -1 (without the ridge -2). With the weights that the paper is recalled to ask for it is (lsz23/positive-definite).")
            .on(family(Weights::Moderate, Targets::Any), STRATA)
            .check(|case| convex(case, Phi::Exp, ConvexityPremise::None, High::ZERO))
            .fault("w_i^2 >= max(b_i, 0)^2 / 8 asked for", |case| convex(case, Phi::Exp, ConvexityPremise::Threshold, High::ZERO))
            .refuted("lsz23/exp-convex-with-threshold", witness!("lsz23-exp-convex-any-weights")),
        claim("lsz23/exp-convex-with-threshold")
            .derived("correction of the abstract")
            .states("0.5 ||exp(Ax) - b||^2 + 0.5 ||diag(w) A x||^2 is convex in x")
            .formula(r"x \mapsto \tfrac{1}{2} \|\exp(Ax) - b\|_2^2 + \tfrac{1}{2} \|\operatorname{diag}(w) A x\|_2^2 \text{ is convex}")
            .given("w_i^2 >= max(b_i, 0)^2 / 8 for all i")
            .note("Sharp for A = I; needs no rank. The slack is w_i^2 / -D_i.")
            .on(family(eighth, Targets::Any), STRATA)
            .attacked(4, |rng| hardest(Phi::Exp, least_target(Phi::Exp), Phi::threshold, rng))
            .check(|case| convex(case, Phi::Exp, ConvexityPremise::Threshold, High::ZERO))
            .fault("H >= 0.01 A' W^2 A in place of H >= 0", |case| convex(case, Phi::Exp, ConvexityPremise::Threshold, High::ratio(1, 100))),
        claim("lsz23/exp-convex-nonpositive-target")
            .derived("beside the abstract: where no ridge is needed")
            .states("0.5 ||exp(Ax) - b||^2 is convex in x")
            .formula(r"x \mapsto \tfrac{1}{2} \|\exp(Ax) - b\|_2^2 \text{ is convex}")
            .given("b_i <= 0 for all i")
            .note("Every D_i = (2e^z - b) e^z is positive: nothing to search, and no slack to tell. So the unregularised problem is not always non-convex either.")
            .on(family(Weights::Zero, Targets::Nonpositive), STRATA)
            .check(|case| convex(case, Phi::Exp, ConvexityPremise::NonpositiveTarget, High::ZERO))
            .fault("the target with its signs turned", |case| {
                let instance = &case.instance;
                let turned = Instance::new(
                    instance.loss().clone(),
                    instance.matrix().clone(),
                    -instance.target(),
                    instance.weights().clone(),
                )?
                .with_points(instance.points().to_vec())?;
                let case = Case::new(case.origin.clone(), turned, case.seed);
                convex(&case, Phi::Exp, ConvexityPremise::None, High::ZERO)
            }),
    ]
}

/// The claims about definiteness and convexity.
pub fn claims() -> Vec<Claim> {
    common_thresholds()
        .into_iter()
        .chain(
            sharp_thresholds()
                .into_iter()
                .flat_map(SharpThreshold::claims),
        )
        .chain(convexity())
        .chain(abstract_on_convexity())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thresholds_are_the_values_computed_by_hand() {
        for (phi, b, expected) in [
            (Phi::Exp, 4.0, 2.0),
            (Phi::Exp, -4.0, 0.0),
            (Phi::Cosh, 2.0, 1.0),
            (Phi::Cosh, -3.0, -4.0),
            (Phi::Cosh, 8.0, 9.0),
            (Phi::Sinh, -4.0, 1.0),
            (Phi::Sinh, 0.0, -1.0),
        ] {
            assert_eq!(phi.threshold(b), expected, "{phi:?} at b = {b}");
        }
        // Both branches of cosh meet at b = 4: 3 = 4 - 1 = 1 + 16/8.
        assert_eq!(Phi::Cosh.threshold(4.0), 3.0);
    }

    fn case(text: &str) -> Case {
        Case::of_text(text, 0)
    }

    #[test]
    fn the_error_of_the_eigenvalues_is_the_one_computed_by_hand() {
        // x = 0: exp is 1, a rounding counts 64 (2 + 2) = 256 units, D has terms 4 + |b_i| <= 9, max w_i^2 = 36, ||A||_F^2 = 25.
        let text =
            r#"{"loss": "exp", "matrix": [[3, 0], [0, 4]], "target": [2, -5], "weights": [1, 6]}"#;
        let found = eigenvalue_error(Phi::Exp, &Exact::of(&case(text)).unwrap());
        let expected = High::int(256 * (9 + 36) * 25 * 2).shifted(-39);
        assert!((found.size() / expected - High::ONE).abs() < High::ONE.shifted(-30));
    }

    #[test]
    fn a_refutation_shows_the_smallest_eigenvalue_and_the_l_that_it_misses() {
        // w^2 = 1.4125^2 = 1.99515625, A = 2, e^z = 1, b = 4: l = 4 (w^2 - 1.99), H = 4 (w^2 - 2).
        let text = r#"{"loss": "exp", "matrix": [[2]], "target": [4], "weights": [1.4125], "points": [[0]]}"#;
        let Verdict::Fails(finding) = definite(&case(text), None, below_sharp).unwrap() else {
            panic!("not refuted");
        };
        let told = |text: &str, expected: f64| {
            let found: f64 = text.parse().unwrap();
            assert!((found / expected - 1.0).abs() < 1e-10, "{found}");
        };
        told(&finding.observed, -0.019375);
        told(&finding.allowed, 0.020625);
    }

    #[test]
    fn an_equality_is_not_decided() {
        // e^z = 1, b = 4: D = -2, so the threshold 2 is exactly what the case needs, whatever the weight.
        let text =
            r#"{"loss": "exp", "matrix": [[2]], "target": [4], "weights": [1.5], "points": [[0]]}"#;
        let said = definite(&case(text), None, sharp).unwrap();
        assert!(matches!(said, Verdict::Undecided(_)), "{said:?}");
    }
}
