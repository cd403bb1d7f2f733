//! What the theory assumes of the weights, `||W - J||` small against J = ones and `alpha I <= U' D_W_i U <= beta I`, and what noise does
//! to a best approximation without weights.

use nalgebra::DMatrix;

use crate::claims::tools::attack::{self, Effort};
use crate::claims::tools::attained::at_most_or_equal;
use crate::claims::tools::builder::{claim, strata, witness};
use crate::claims::{Case, CheckError, Claim, Origin, OtherCases, Outside, Stratum, Verdict};
use crate::instance::sample::Stream;
use crate::oracle::spectrum;
use crate::scalar::High;
use crate::system::Given;

use super::cases::{Kind, LowRankCases, posed};
use super::model::Model;

/// Orthonormal columns with the same span, by Gram and Schmidt, twice; `None` where they are dependent to 12 digits.
fn orthonormal(columns: &DMatrix<High>) -> Option<DMatrix<High>> {
    let mut basis = columns.clone();
    for a in 0..basis.ncols() {
        let mut column = basis.column(a).clone_owned();
        let before = column.norm();
        for _ in 0..2 {
            for b in 0..a {
                let other = basis.column(b).clone_owned();
                column -= &other * other.dot(&column);
            }
        }
        let size = column.norm();
        if size <= before.shifted(-12) {
            return None;
        }
        basis.set_column(a, &(column / size));
    }
    Some(basis)
}

/// Which of the two bounds, and how large gamma is taken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Closeness {
    /// `alpha >= 1 - gamma sqrt(mu k)`.
    BoundsAlpha,
    /// `alpha <= 1 + gamma sqrt(mu k)` and `beta >= 1 - gamma sqrt(mu k)`.
    BoundsTheMean,
    /// The same with half of gamma.
    HalfBoundsTheMean,
}

/// `gamma = ||W - J|| / sqrt(n m)`, `mu = (m / k) max_j ||U_j||^2` for U with the span of Y, alpha and beta the extreme eigenvalues of
/// `U' D_W_i U` over all i.
fn closeness(case: &Case<Given>, bound: Closeness) -> Result<Verdict, CheckError> {
    let model = Model::of(case);
    let Some(basis) = orthonormal(&model.y) else {
        return Ok(Verdict::Outside(Outside::Rank));
    };
    let (n, m) = model.weights.shape();
    let away = model.weights.map(|w| w - High::ONE);
    let incoherence = basis
        .row_iter()
        .map(|row| row.norm_squared())
        .fold(High::ZERO, High::max);
    // gamma sqrt(mu k) = ||W - J|| max_j ||U_j|| / sqrt(n).
    let mut share = spectrum::spectral_norm(&away)? * (incoherence / High::int(n as i64)).sqrt();
    if bound == Closeness::HalfBoundsTheMean {
        share *= High::ratio(1, 2);
    }
    let (mut alpha, mut beta) = (None::<High>, None::<High>);
    for i in 0..n {
        let diagonal = DMatrix::from_diagonal(&model.weights.row(i).transpose());
        let (low, high) = spectrum::extremes(&(basis.tr_mul(&diagonal) * &basis))?;
        alpha = Some(alpha.map_or(low, |alpha| alpha.min(low)));
        beta = Some(beta.map_or(high, |beta| beta.max(high)));
    }
    let (Some(alpha), Some(beta)) = (alpha, beta) else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let size = High::int((n * m) as i64) * (High::ONE + model.weights.max());
    let granted = || model.roundings() * size;
    Ok(match bound {
        Closeness::BoundsAlpha => {
            at_most_or_equal("1 - gamma sqrt(mu k)", High::ONE - share, alpha, granted())
        }
        Closeness::BoundsTheMean | Closeness::HalfBoundsTheMean => {
            at_most_or_equal("alpha", alpha, High::ONE + share, granted()).and(at_most_or_equal(
                "1 - gamma sqrt(mu k)",
                High::ONE - share,
                beta,
                granted(),
            ))
        }
    })
}

/// `||W - J||` of W and of W / 2, which have the same minimisers.
fn same_for_half(case: &Case<Given>) -> Result<Verdict, CheckError> {
    let model = Model::of(case);
    let norm = |scale: High| spectrum::spectral_norm(&model.weights.map(|w| scale * w - High::ONE));
    let size = model.weights.norm() + model.weights.map(|_| High::ONE).norm();
    Ok(Verdict::equal(
        "|| W / 2 - J ||",
        norm(High::ratio(1, 2))?,
        norm(High::ONE)?,
        model.roundings() * size,
    ))
}

/// `s / sqrt(min(n, m)) <= || c W - J || ` for c = 1 and for the c nearest in the Frobenius norm, where also `|| c W - J || <= s`;
/// `s^2 = n m - <W, J>^2 / || W ||_F^2`. The fault leaves out the root.
fn scaled(case: &Case<Given>, root: bool) -> Result<Verdict, CheckError> {
    let model = Model::of(case);
    let (n, m) = model.weights.shape();
    let squared = model.weights.norm_squared();
    if squared.is_zero() {
        return Ok(Verdict::Outside(Outside::Weights));
    }
    let (entries, sum) = (High::int((n * m) as i64), model.weights.sum());
    let sine = (entries - sum.square() / squared).max(High::ZERO);
    let nearest = sum / squared;
    let least = if root {
        sine / High::int(n.min(m) as i64)
    } else {
        sine
    };
    let mut verdict = Verdict::VACUOUS;
    for scale in [High::ONE, nearest] {
        let norm = spectrum::spectral_norm(&model.weights.map(|w| scale * w - High::ONE))?;
        let granted = model.roundings() * (entries + scale.square() * squared);
        verdict = verdict.and(at_most_or_equal(
            "s^2 / min(n, m)",
            least,
            norm.square(),
            granted.clone(),
        ));
        if scale == nearest {
            verdict = verdict.and(at_most_or_equal(
                "min_c || c W - J ||^2",
                norm.square(),
                sine,
                granted,
            ));
        }
    }
    Ok(verdict)
}

/// `|| P N + N Q - P N Q || <= gain || N ||` for N = M and the projections on the columns of X and of Y.
fn gain(case: &Case<Given>, gain: High) -> Result<Verdict, CheckError> {
    let model = Model::of(case);
    let (Some(left), Some(right)) = (orthonormal(&model.x), orthonormal(&model.y)) else {
        return Ok(Verdict::Outside(Outside::Rank));
    };
    let noise = &model.target;
    let rows = &left * left.tr_mul(noise);
    let columns = (noise - &rows) * &right * right.transpose();
    let observed = spectrum::spectral_norm(&(rows + columns))?;
    let size = noise.norm();
    Ok(at_most_or_equal(
        "|| P N + N Q - P N Q ||",
        observed,
        gain * spectrum::spectral_norm(noise)?,
        model.roundings() * (High::int(4) * size),
    ))
}

/// 2 / sqrt 3.
fn sharp_gain() -> High {
    High::int(2) / High::int(3).sqrt()
}

/// The largest gain over projections on a line of the plane and 2 x 2 noise.
fn search_gain(rng: &mut Stream) -> Result<Case<Given>, CheckError> {
    let parts = |free: &[f64]| {
        let vector = |from: usize| DMatrix::from_column_slice(2, 1, &free[from..from + 2]);
        let noise = DMatrix::from_row_slice(2, 2, &free[4..8]);
        (vector(0), vector(2), noise)
    };
    let value = |free: &[f64]| {
        let (x, y, noise) = parts(free);
        let (left, right) = (x.normalize(), y.normalize());
        let rows = &left * left.tr_mul(&noise);
        let columns = (&noise - &rows) * &right * right.transpose();
        (rows + columns).singular_values().max() / noise.singular_values().max()
    };
    let start = attack::best_start(rng, 20, 8, 1, &value);
    let (best, _) = attack::maximise(&value, start, Effort::USUAL);
    let (x, y, noise) = parts(&best);
    let weights = DMatrix::from_element(2, 2, 1.0);
    let given = posed(&noise, &weights, &x, &y)?;
    Ok(Case::new(Origin::Attack(0), given, 0))
}

/// The largest share of the bound that alpha uses: weights of a row over decades, one direction.
fn search_mean(rng: &mut Stream) -> Result<Case<Given>, CheckError> {
    let (n, m) = (2, 3);
    let parts = |free: &[f64]| {
        let weights = DMatrix::from_row_slice(n, m, &free[..n * m]).map(attack::size);
        let y = DMatrix::from_column_slice(m, 1, &free[n * m..]);
        (weights, y)
    };
    let value = |free: &[f64]| {
        let (weights, y) = parts(free);
        let squares = y.normalize().map(|u| u * u);
        let alpha = (&weights * &squares).min();
        let away = weights.map(|w| w - 1.0).singular_values().max();
        alpha / (1.0 + away * (squares.max() / n as f64).sqrt())
    };
    let start = attack::best_start(rng, 20, n * m + m, 1, &value);
    let (best, _) = attack::maximise(&value, start, Effort::USUAL);
    let (weights, y) = parts(&best);
    let (target, x) = (
        DMatrix::from_element(n, m, 1.0),
        DMatrix::from_element(n, 1, 1.0),
    );
    let given = posed(&target, &weights, &x, &y)?;
    Ok(Case::new(Origin::Attack(0), given, 0))
}

const EVERY: OtherCases = &LowRankCases {
    kind: Kind::Any,
    columns: (1, 4),
    cases: 48,
};
const STRATA: &[Stratum] = strata!(
    Decade("spread of W"): 0 1 3 6;
    Kind: "n=1" "m=1" "k=1" "k=2" "hidden entries"
);
const NOISE: &[Stratum] =
    strata!(Decade("M"): -1 1 4 7; Kind: "n=1" "m=1" "k=1" "k=2" "k=min(n,m)");

/// The claims about what is assumed of weights and about noise.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("weighted-low-rank/closeness-bounds-alpha")
            .derived("what the assumption ||W - J|| <= gamma n is hoped to give for the other one, alpha I <= U' D_W_i U")
            .states("alpha >= 1 - gamma sqrt(mu k) for gamma = ||W - J|| / sqrt(n m), J all ones, mu = (m / k) max_j ||U_j||^2, alpha = min_i lambda_min(U' D_W_i U)")
            .formula(r"\begin{aligned} &\min_i \lambda_{\min}(U^\top D_{W_i} U) \ge 1 - \gamma \sqrt{\mu k}, \quad U^\top U = I_k, \\
                &\gamma = \frac{\|W - J\|_2}{\sqrt{n m}}, \quad \mu = \frac{m}{k} \max_j \|U_{j,*}\|_2^2, \quad J_{ij} = 1 \end{aligned}")
            .given("U has the span of Y, rank k")
            .note("A norm of n x m numbers says nothing about one row of them: a row that nobody has seen has alpha = 0 and moves ||W - J|| by sqrt(m) only, gamma = 1 / sqrt(n).")
            .about(EVERY, STRATA)
            .check(|case| closeness(case, Closeness::BoundsAlpha))
            .fault("alpha <= 1 + gamma sqrt(mu k): weighted-low-rank/closeness-bounds-the-mean", |case| closeness(case, Closeness::BoundsTheMean))
            .refuted("weighted-low-rank/closeness-bounds-the-mean", witness!("weighted-low-rank-closeness-bounds-alpha")),
        claim("weighted-low-rank/closeness-bounds-the-mean")
            .derived("replaces weighted-low-rank/closeness-bounds-alpha")
            .states("alpha <= 1 + gamma sqrt(mu k) and beta >= 1 - gamma sqrt(mu k), alpha and beta the extreme eigenvalues of U' D_W_i U over all i")
            .formula(r"\begin{aligned} &\min_i \lambda_{\min}(U^\top D_{W_i} U) \le 1 + \gamma \sqrt{\mu k}, \quad \max_i \lambda_{\max}(U^\top D_{W_i} U) \ge 1 - \gamma \sqrt{\mu k}, \\
                &U^\top U = I_k, \quad \gamma = \frac{\|W - J\|_2}{\sqrt{n m}}, \quad \mu = \frac{m}{k} \max_j \|U_{j,*}\|_2^2 \end{aligned}")
            .given("U has the span of Y, rank k")
            .note("The mean over i of v' U' D_W_i U v is 1 + 1' (W - J) q / n with q_j = <U_j, v>^2, whose norm is at most max_j ||U_j||. Attained by one row, and by constant weights on a direction with equal entries.")
            .about(EVERY, STRATA)
            .attacked(3, search_mean)
            .check(|case| closeness(case, Closeness::BoundsTheMean))
            .fault("half of gamma", |case| closeness(case, Closeness::HalfBoundsTheMean)),
        claim("weighted-low-rank/closeness-of-the-problem")
            .derived("public reviews: ||W - J|| <= gamma n as an assumption on the problem")
            .states("||W - J|| is the same for W and for W / 2, which pose the same problem")
            .formula(r"\left\|\tfrac12 W - J\right\|_2 = \|W - J\|_2, \quad J_{ij} = 1")
            .note("|| W / 2 o (M - X Y') || has the minimisers of || W o (M - X Y') ||. A mask of ones in half of the places has gamma near 1/2; divided by its density, a gamma that falls with n.")
            .about(EVERY, STRATA)
            .check(same_for_half)
            .fault("weighted-low-rank/closeness-scaled", |case| scaled(case, true))
            .refuted("weighted-low-rank/closeness-scaled", witness!("weighted-low-rank-closeness-of-the-problem")),
        claim("weighted-low-rank/closeness-scaled")
            .derived("replaces weighted-low-rank/closeness-of-the-problem")
            .states("s / sqrt(min(n, m)) <= min_c || c W - J || <= s with s^2 = n m - <W, J>^2 / || W ||_F^2, the same for every multiple of W")
            .formula(r"\frac{s}{\sqrt{\min(n, m)}} \le \min_{c > 0} \|c W - J\|_2 \le s, \quad s^2 = n m - \frac{\langle W, J\rangle^2}{\|W\|_F^2}, \quad J_{ij} = 1")
            .given("W not 0")
            .note("s is the Frobenius distance of J from the multiples of W, and a spectral norm lies between a Frobenius norm and its 1 / sqrt(min(n, m)). The lower bound is tried at c = 1 and at the multiple that is nearest. One row or column attains both.")
            .about(EVERY, STRATA)
            .check(|case| scaled(case, true))
            .fault("s <= || c W - J ||", |case| scaled(case, false)),
        claim("weighted-low-rank/noise-not-amplified")
            .derived("a popular reading: the best approximation of rank k of M* + N removes noise")
            .states("to first order in N the best approximation of rank k of M* + N is off by at most ||N||: || P N + N Q - P N Q || <= || N ||")
            .formula(r"\|P N + N Q - P N Q\|_2 \le \|N\|_2, \quad P = X (X^\top X)^{-1} X^\top, \ Q = Y (Y^\top Y)^{-1} Y^\top")
            .given("W = J; X, Y of rank k; M stands for N")
            .note("N loses its part outside both spans, (I - P) N (I - Q), and may grow by that: what is left of a reflection can be longer than the reflection.")
            .about(EVERY, NOISE)
            .check(|case| gain(case, High::ONE))
            .fault("2 / sqrt 3: weighted-low-rank/first-order-gain", |case| gain(case, sharp_gain()))
            .refuted("weighted-low-rank/first-order-gain", witness!("weighted-low-rank-noise-not-amplified")),
        claim("weighted-low-rank/first-order-gain")
            .derived("replaces weighted-low-rank/noise-not-amplified")
            .states("|| P N + N Q - P N Q || <= (2 / sqrt 3) || N ||, whatever k")
            .formula(r"\|P N + N Q - P N Q\|_2 \le \frac{2}{\sqrt{3}} \|N\|_2, \quad P = X (X^\top X)^{-1} X^\top, \ Q = Y (Y^\top Y)^{-1} Y^\top")
            .given("W = J; X, Y of rank k; M stands for N")
            .note("Two unit vectors reduce it to 2 x 2 blocks with the last entry 0: the largest norm of [[a, b], [c, 0]] inside a contraction is the largest (a + sqrt(4 - 3 a^2)) / 2, at a = 1 / sqrt 3. The search attains it.")
            .about(EVERY, NOISE)
            .attacked(3, search_gain)
            .check(|case| gain(case, sharp_gain()))
            .fault("11/10", |case| gain(case, High::ratio(11, 10))),
    ]
}
