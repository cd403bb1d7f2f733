//! What alternating least squares may spare: rows solved through a sketch, rows cut off where they are long, and an accuracy that
//! does not know the scale of M.
//!
//! Letters: `G_i = Y' D_i^2 Y`, `z_i` the best row of X for this Y, `e` an embedding error: `(1 - e) G_i <= P_i <= (1 + e) G_i`.

use nalgebra::{DMatrix, DVector};

use crate::claims::tools::attained::at_most_or_equal;
use crate::claims::tools::builder::{claim, strata, witness};
use crate::claims::{Case, CheckError, Claim, OtherCases, Outside, Stratum, Verdict};
use crate::scalar::{Allowance, High};
use crate::system::Given;

use super::alternating::{SWEEPS, definite};
use super::cases::{Kind, LowRankCases};
use super::model::Model;

/// Embedding errors that are tried, in hundredths.
const EMBEDDINGS: [i64; 4] = [10, 25, 50, 90];
/// The power of two that M is scaled by.
const SCALE: i64 = 20;
/// The accuracy that is asked for, in all entries together.
const ACCURACY: i64 = -6;

/// How a row moves through a sketch.
#[derive(Clone, Copy)]
struct Step {
    /// Its length, for this embedding error.
    length: fn(High) -> High,
    /// The multiple of the error before that the error after may be, for this embedding error.
    allowed: fn(High) -> High,
}

/// The whole step, which may lengthen no error.
const NEVER_LONGER: Step = Step {
    length: |_| High::ONE,
    allowed: |_| High::ONE,
};
/// The whole step, with its factor.
const WHOLE: Step = Step {
    length: |_| High::ONE,
    allowed: |e| e / (High::ONE - e),
};
/// The whole step, as if the sketch erred upward only.
const UPWARD: Step = Step {
    length: |_| High::ONE,
    allowed: |e| e / (High::ONE + e),
};
/// The step shortened by `1 - e^2`.
const SHORTENED: Step = Step {
    length: |e| High::ONE - e.square(),
    allowed: |e| e,
};

/// `x_i - t P_i^-1 (G_i x_i - Y' D_i^2 M_i)` for the sketches at the ends of the band: all squares too small by `e`, and one direction
/// too large by `e` besides. Every matrix of the band is that of a sketch, because it is positive definite.
fn sketched(case: &Case<Given>, step: Step) -> Result<Verdict, CheckError> {
    let model = Model::of(case);
    let squares = model.squares();
    let mut verdict = Verdict::Outside(Outside::Rank);
    for i in 0..model.x.nrows() {
        let (gram, right) = model.normal_equations(&squares, i);
        let Some(factor) = definite(gram.clone()) else {
            continue;
        };
        let (row, best) = (model.x.row(i).transpose(), factor.solve(&right));
        let length = |v: &DVector<High>| v.dot(&(&gram * v)).sqrt();
        let sizes = row.abs() + best.abs();
        let size = sizes.dot(&(gram.abs() * &sizes)).sqrt();
        let before = length(&(&row - &best));
        let direction = DVector::from_element(row.len(), High::ONE);
        let image = &gram * &direction;
        let larger = &image * image.transpose() / direction.dot(&image);
        for hundredths in EMBEDDINGS {
            let e = High::ratio(hundredths, 100);
            let low = &gram * (High::ONE - e);
            let mixed = &low + &larger * (High::int(2) * e);
            for sketch in [low, mixed] {
                let Some(sketch) = definite(sketch) else {
                    continue;
                };
                let gradient = &gram * &row - &right;
                let moved = &row - sketch.solve(&gradient) * (step.length)(e);
                let allowed = (step.allowed)(e) * before;
                // What is definite to 6 digits enters by its inverse.
                let granted = model.roundings() * size.shifted(8);
                let quantity = format!("the error of row {i} after a step, e = {hundredths}/100");
                let said = at_most_or_equal(&quantity, length(&(moved - &best)), allowed, granted);
                verdict = verdict.joined(said);
            }
        }
    }
    Ok(verdict)
}

/// `|| z_i - cut(x_i) ||` against that multiple of `|| z_i - x_i ||`, where rows longer than `c max_i || z_i ||` become 0, `c^2` given
/// in quarters.
fn cut_off(
    case: &Case<Given>,
    quarters: i64,
    allowed: fn(High) -> High,
) -> Result<Verdict, CheckError> {
    let model = Model::of(case);
    let Some(best) = model.best_rows(&model.squares()) else {
        return Ok(Verdict::Outside(Outside::Rank));
    };
    let longest = best
        .row_iter()
        .map(|row| row.norm())
        .fold(High::ZERO, High::max);
    if longest.is_zero() {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let c = High::ratio(quarters, 4).sqrt();
    let mut verdict = Verdict::VACUOUS;
    for (row, best) in model.x.row_iter().zip(best.row_iter()) {
        if row.norm() <= c * longest {
            continue;
        }
        let granted = model.roundings() * (row.norm() + longest).shifted(8);
        verdict = verdict.and(at_most_or_equal(
            "the error of a row that is cut off",
            best.norm(),
            allowed(c) * (row - best).norm(),
            granted,
        ));
    }
    Ok(verdict)
}

/// The multiple by which a row's error can grow.
fn growth(c: High) -> High {
    (High::ONE / (c - High::ONE)).max(High::ONE)
}

/// The same with a multiple of M.
fn scaled(model: &Model, factor: High) -> Model {
    Model {
        target: &model.target * factor,
        ..model.clone()
    }
}

/// `X Y'`.
fn product(model: &Model) -> DMatrix<High> {
    &model.x * model.y.transpose()
}

/// Sweeps until all entries of `X Y'` together are within the accuracy of where the run settles; `None` where it does not settle in
/// time, or a row is singular.
fn sweeps_needed(start: &Model) -> Option<usize> {
    let mut products = Vec::with_capacity(SWEEPS);
    let mut model = start.clone();
    for _ in 0..SWEEPS {
        model = model.swept()?;
        products.push(product(&model));
    }
    let last = products.last()?;
    let before = &products[SWEEPS - 2];
    let accuracy = High::ONE.shifted(ACCURACY);
    if (last - before).norm() > accuracy.shifted(-6) {
        return None;
    }
    let near = |product: &DMatrix<High>| (product - last).norm() <= accuracy;
    products.iter().position(near).map(|sweeps| sweeps + 1)
}

/// As many sweeps for `2^20 M` as for M.
fn to_absolute(case: &Case<Given>) -> Result<Verdict, CheckError> {
    let model = Model::of(case);
    let large = scaled(&model, High::int(1 << SCALE));
    let (Some(needed), Some(larger)) = (sweeps_needed(&model), sweeps_needed(&large)) else {
        return Ok(Verdict::Outside(Outside::Precision));
    };
    Ok(Verdict::at_most(
        "sweeps for 2^20 M to an error of 10^-6",
        High::int(larger as i64),
        High::int(needed as i64),
        Allowance::NOTHING,
    ))
}

/// A sweep for `s M` gives s times the `X Y'` of one for M; the fault expects it `s^power` times.
fn equivariant(case: &Case<Given>, power: u32) -> Result<Verdict, CheckError> {
    let model = Model::of(case);
    let factor = 1i64 << SCALE;
    let Some(after) = model.swept() else {
        return Ok(Verdict::Outside(Outside::Rank));
    };
    let Some(large) = scaled(&model, High::int(factor)).swept() else {
        return Ok(Verdict::Outside(Outside::Rank));
    };
    let size = after.x.abs() * after.y.abs().transpose() + model.target.abs();
    let expected = product(&after) * High::int(factor.pow(power));
    let granted = model.roundings() * (High::int(factor) * size.norm()).shifted(12);
    Ok(Verdict::at_most(
        "|| X_s Y_s' - s X Y' ||",
        (product(&large) - expected).norm(),
        granted.size(),
        Allowance::NOTHING,
    ))
}

const POSITIVE: OtherCases = &LowRankCases {
    kind: Kind::Positive,
    columns: (1, 4),
    cases: 40,
};
const OVERSHOT: OtherCases = &LowRankCases {
    kind: Kind::Overshot,
    columns: (2, 4),
    cases: 40,
};
const SETTLING: OtherCases = &LowRankCases {
    kind: Kind::Positive,
    columns: (1, 3),
    cases: 20,
};

const STRATA: &[Stratum] =
    strata!(Decade("M"): 1 4; Decade("spread of W"): 0 1; Kind: "n=1" "k=1" "k=2");
const OVERSHOT_STRATA: &[Stratum] = strata!(Decade("spread of W"): 0 1; Kind: "k=1" "k=2");
const SETTLING_STRATA: &[Stratum] = strata!(Decade("M"): 1; Kind: "k=1");

/// The claims about what may be spared.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("weighted-low-rank/sketched-steps-shrink")
            .derived("abstract: rows solved through a sketch in O(log 1/eps) steps, for any subspace embedding")
            .states("a whole step on a row's normal equations through the matrix of any subspace embedding, e below 1, lengthens no error in the metric of the row")
            .formula(r"\|x - P^{-1}(G x - Y^\top D^2 m) - z\|_G \le \|x - z\|_G, \quad (1 - e) G \preceq P \preceq (1 + e) G, \; 0 < e < 1")
            .given("G = Y' D^2 Y of the row is definite to 6 digits, z its best row")
            .note("With all squares too small by e the error turns and becomes e / (1 - e) of what it was: longer for e above 1/2.")
            .about(POSITIVE, STRATA)
            .check(|case| sketched(case, NEVER_LONGER))
            .fault("the factor e / (1 - e): weighted-low-rank/sketched-step-contracts", |case| sketched(case, WHOLE))
            .refuted("weighted-low-rank/sketched-step-contracts", witness!("weighted-low-rank-sketched-steps-shrink")),
        claim("weighted-low-rank/sketched-step-contracts")
            .derived("replaces weighted-low-rank/sketched-steps-shrink")
            .states("a whole step through a sketch leaves at most e / (1 - e) of a row's error, which is attained: it converges for e below 1/2")
            .formula(r"\|x - P^{-1}(G x - Y^\top D^2 m) - z\|_G \le \frac{e}{1 - e} \|x - z\|_G, \quad (1 - e) G \preceq P \preceq (1 + e) G")
            .given("0 < e < 1, G = Y' D^2 Y of the row is definite to 6 digits, z its best row")
            .note("The error is multiplied by I - P^-1 G, whose eigenvalues lie between -e / (1 - e) and e / (1 + e).")
            .about(POSITIVE, STRATA)
            .check(|case| sketched(case, WHOLE))
            .fault("the factor e / (1 + e) of a sketch that errs upward only", |case| sketched(case, UPWARD)),
        claim("weighted-low-rank/shortened-step-contracts")
            .derived("weighted-low-rank/sketched-step-contracts with the best length")
            .states("a step of length 1 - e^2 through a sketch leaves at most e of a row's error, whatever e below 1")
            .formula(r"\|x - (1 - e^2) P^{-1}(G x - Y^\top D^2 m) - z\|_G \le e \|x - z\|_G, \quad (1 - e) G \preceq P \preceq (1 + e) G")
            .given("0 < e < 1, G = Y' D^2 Y of the row is definite to 6 digits, z its best row")
            .note("1 - (1 - e^2) / (1 -+ e) is -+ e at both ends of the band.")
            .about(POSITIVE, STRATA)
            .check(|case| sketched(case, SHORTENED))
            .fault("the whole step", |case| sketched(case, Step { length: WHOLE.length, ..SHORTENED })),
        claim("weighted-low-rank/cut-off-is-harmless")
            .recalled("section 4, clipping")
            .states("setting a row to 0 where its squared length is above twice the bound of all best rows brings it no farther from its best row")
            .formula(r"\|x_i\|^2 > 2 \max_l \|z_l\|^2 \;\Rightarrow\; \|z_i\| \le \|z_i - x_i\|")
            .given("z_i the best row for this Y, its normal equations definite to 6 digits, not all z are 0")
            .note("A row just above the threshold in the direction of its best row is sqrt 2 - 1 of that row away from it, and 1 when it is 0: 1 + sqrt 2 times as far.")
            .about(OVERSHOT, OVERSHOT_STRATA)
            .check(|case| cut_off(case, 8, |_| High::ONE))
            .fault("the factor max(1, 1 / (c - 1)): weighted-low-rank/cut-off-costs", |case| cut_off(case, 8, growth))
            .refuted("weighted-low-rank/cut-off-costs", witness!("weighted-low-rank-cut-off-is-harmless")),
        claim("weighted-low-rank/cut-off-costs")
            .derived("replaces weighted-low-rank/cut-off-is-harmless")
            .states("setting a row to 0 where it is longer than c times all best rows, c above 1, makes its error at most max(1, 1 / (c - 1)) times as large: harmless from c = 2 on")
            .formula(r"\|x_i\| > c \max_l \|z_l\| \;\Rightarrow\; \|z_i\| \le \max\left(1, \frac{1}{c - 1}\right) \|z_i - x_i\|, \quad c > 1")
            .given("z_i the best row for this Y, its normal equations definite to 6 digits, not all z are 0")
            .note("The row is at least (c - 1) max ||z|| away from its best row, and 0 is at most max ||z|| away. Tried for c = sqrt 2, 3/2 and 2.")
            .about(OVERSHOT, OVERSHOT_STRATA)
            .check(|case| {
                let first = cut_off(case, 8, growth)?;
                Ok(first.and(cut_off(case, 9, growth)?).and(cut_off(case, 16, growth)?))
            })
            .fault("the factor 1 / c", |case| cut_off(case, 8, |c| High::ONE / c)),
        claim("weighted-low-rank/sweeps-to-absolute")
            .recalled("the main theorem as a review quotes it: O(log 1/eps) sweeps to an error of eps")
            .states("alternating least squares needs no more sweeps for 2^20 M than for M to bring X Y' within 10^-6 of where it settles")
            .formula(r"N(2^{20} M) \le N(M), \quad N(M) = \min\{t : \|X_t Y_t^\top - X_\infty Y_\infty^\top\|_F \le 10^{-6}\}")
            .given("both runs from this Y settle to 10^-12 within 40 sweeps, every row is definite to 6 digits")
            .note("Where the sweeps converge linearly each factor of the scale costs the same number of sweeps again. Relative to the norm of M the count is free of the scale.")
            .about(SETTLING, SETTLING_STRATA)
            .check(to_absolute)
            .fault("the error relative to M: weighted-low-rank/sweep-scales-with-target", |case| equivariant(case, 1))
            .refuted("weighted-low-rank/sweep-scales-with-target", witness!("weighted-low-rank-sweeps-to-absolute")),
        claim("weighted-low-rank/sweep-scales-with-target")
            .derived("replaces weighted-low-rank/sweeps-to-absolute")
            .states("a sweep for s M from the same Y gives s times the X Y' of one for M, so that relative errors after any number of sweeps are free of the scale")
            .formula(r"(X_s Y_s^\top)(Y; s M) = s \, (X Y^\top)(Y; M)")
            .given("every row of the sweep is definite to 6 digits")
            .note("X takes the factor, and Y stays. Tried for s = 2^20.")
            .about(POSITIVE, STRATA)
            .check(|case| equivariant(case, 1))
            .fault("s^2 times", |case| equivariant(case, 2)),
    ]
}
