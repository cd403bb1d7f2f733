//! How fast softmax and the Hessian of its loss change: the papers' constants beta^-2 n^1.5 exp(3R^2), exp(20R^2) and
//! exp(30R^2), and the constants 1/2 ||A|| and 0.5714 ||A||^3 that need no bound on x.

use nalgebra::{DMatrix, DVector};

use crate::claims::dls23::pair::{Bound, Number, Pair, Target, decide};
use crate::claims::dls23::pair_search::{inequality, search};
use crate::claims::proof::{self, Proof};
use crate::claims::tools::attack::{self, Effort};
use crate::claims::tools::builder::{Draft, claim, strata, witness};
use crate::claims::tools::forms;
use crate::claims::{Case, CheckError, Claim, Family, Origin, Stratum, Targets};
use crate::instance::sample::{self, Stream};
use crate::instance::{DesignMatrix, Instance, LossKind};
use crate::scalar::High;

/// `||f(x) - f(y)||_2 <= factor ||x - y||_2`.
fn softmax_change<T: Number>(pair: &Pair<T>, factor: T) -> Result<Bound<T>, CheckError> {
    Ok(Bound {
        quantity: "||f(x) - f(y)||",
        observed: pair.softmax_change(),
        allowed: factor * pair.distance,
        terms: if pair.same_softmax() {
            T::zero()
        } else {
            T::int(2)
        },
    })
}

/// `||A|| min(1/2, exp(R^2) / beta)` with `beta = n exp(-R^2 / sqrt n)`.
fn sharp_softmax_factor<T: Number>(pair: &Pair<T>) -> T {
    let (n, radius) = (pair.rows(), pair.radius());
    let square = radius * radius;
    let beta = n * (-square / n.sqrt()).exp();
    pair.norm * T::ratio(1, 2).min(square.exp() / beta)
}

/// `||H(x) - H(y)|| <= factor ||x - y||_2`.
pub(super) fn hessian_change<T: Number>(pair: &Pair<T>, factor: T) -> Result<Bound<T>, CheckError> {
    let weight = T::lift_vector(pair.instance.weights()).amax();
    Ok(Bound {
        quantity: "||H(x) - H(y)||",
        observed: T::spectral_norm(&T::hessian_change(pair)?)?,
        allowed: factor * pair.distance,
        // Each of the eight terms of B is at most 3 (1 + ||b||_1) in norm; the ridge, in both Hessians, cancels.
        terms: pair.norm
            * pair.norm
            * (T::int(48) * (T::one() + pair.target_sum()) + T::int(2) * weight * weight),
    })
}

/// `constant max(1, ||b||_1) ||A||^3`.
fn cube_for_target<T: Number>(pair: &Pair<T>, constant: T) -> T {
    cube(pair, constant) * pair.target_sum().max(T::one())
}

/// `constant ||A||^3`.
fn cube<T: Number>(pair: &Pair<T>, constant: T) -> T {
    constant * pair.norm * pair.norm * pair.norm
}

/// The Hessian's Lipschitz constant over `||A||^3` is at most this for `||b||_1 <= 1`: docs/sharp-constants.md, Theorem 2.
fn proved<T: Number>() -> T {
    T::ratio(3, 5)
}

/// The same, as large as a search ever found, 0.571407358952..., rounded up: `2 sqrt(2) t^2 (1-t) |8 - 30t + 24t^2|` at
/// the middle root t of `60t^3 - 108t^2 + 57t - 8`, which is the exact maximum for n = 2.
fn sharp<T: Number>() -> T {
    T::ratio(5_714_074, 10_000_000)
}

/// `beta^-2 n^1.5 exp(k R^2)` with `||A||, ||x||, ||y|| <= R` and the largest beta allowed.
fn with_beta<T: Number>(pair: &Pair<T>, k: i64) -> T {
    pair.printed_factor(pair.beta(), k, pair.radius())
}

/// `n^1.5 exp(k R^2)`.
pub(super) fn without_beta<T: Number>(pair: &Pair<T>, k: i64, radius: T) -> T {
    pair.printed_factor(T::one(), k, radius)
}

/// `100 R^3 exp(3R^2) <= exp(k R^2)`.
fn last_step<T: Number>(pair: &Pair<T>, k: i64) -> Result<Bound<T>, CheckError> {
    let radius = pair.radius();
    let square = radius * radius;
    let observed = T::int(100) * radius * square * (T::int(3) * square).exp();
    Ok(Bound {
        quantity: "100 R^3 exp(3R^2)",
        observed,
        allowed: (T::int(k) * square).exp(),
        terms: observed,
    })
}

/// `D^3 l(z)[v, v, v]` of the softmax loss `l` in the logits, in f64, for `b = entry e_k`. With `c_i = v_i - <p, v>` and
/// `s_j = sum p_i c_i^j`: `sum p_i^2 (4c_i^3 - 6 s_2 c_i - s_3) - b_k p_k (c_k^3 - 3 s_2 c_k - s_3)`.
fn third_derivative(p: &DVector<f64>, v: &DVector<f64>, k: usize, entry: f64) -> f64 {
    let c = v.map(|entry| entry - p.dot(v));
    let second = p.dot(&c.map(|entry| entry * entry));
    let third = p.dot(&c.map(|entry| entry * entry * entry));
    let own: f64 = p
        .iter()
        .zip(c.iter())
        .map(|(p, c)| p * p * (4.0 * c.powi(3) - 6.0 * second * c - third))
        .sum();
    own - entry * p[k] * (c[k].powi(3) - 3.0 * second * c[k] - third)
}

/// Half the distance of the two points that stand for a derivative: B changes by its third derivative times the distance,
/// to a relative error of about its square.
const STEP: f64 = 1.0 / 8192.0;

/// Starts of one search for the steepest Hessian; the objective has several local maxima. They
/// take turns between b = e_1 and b = -e_1.
const STARTS: usize = 6;

/// The largest third derivative along a unit vector found from cold starts (2 to 4 rows, b a signed unit vector), and the
/// case that shows it: A = I, and two close points. A symmetric trilinear form is largest on the diagonal, so nothing is
/// lost by taking one direction three times.
fn steepest(rng: &mut Stream) -> Result<(Case, f64), CheckError> {
    steepest_for(rng, 1.0)
}

/// [`steepest`] for targets of this length in the 1-norm.
fn steepest_for(rng: &mut Stream, size: f64) -> Result<(Case, f64), CheckError> {
    let n = sample::integer(rng, 2, 4) as usize;
    let parts = |unknowns: &[f64]| {
        let z = DVector::from_column_slice(&unknowns[..n]);
        let v = DVector::from_column_slice(&unknowns[n..]);
        let length = v.norm();
        (z, v / length)
    };
    let mut best = (Vec::new(), f64::NEG_INFINITY);
    let mut sign = 0.0;
    for turn in 0..STARTS {
        let b = [size, -size][turn % 2];
        let objective = |unknowns: &[f64]| {
            let (z, v) = parts(unknowns);
            third_derivative(&forms::softmax(&z), &v, 0, b).abs()
        };
        let start = attack::cold_start(rng, 2 * n, 2);
        let found = attack::maximise(&objective, start, Effort::USUAL);
        if found.1 > best.1 {
            (best, sign) = (found, b);
        }
    }
    if best.0.is_empty() {
        return Err(CheckError::Other(
            "the third derivative was never finite".to_owned(),
        ));
    }
    let (z, v) = parts(&best.0);
    let mut target = DVector::zeros(n);
    target[0] = sign;
    let instance = Instance::new(
        LossKind::Softmax,
        DesignMatrix::dense(DMatrix::identity(n, n))?,
        target,
        DVector::zeros(n),
    )?
    .with_points(vec![&z + &v * STEP, &z - &v * STEP])?;
    Ok((Case::new(Origin::Attack(0), instance, 0), best.1))
}

/// The R at which the last step of the chain is tightest, from a cold start: a 1 x 1 instance with A = x = R.
fn hardest_radius(rng: &mut Stream) -> Result<Case, CheckError> {
    let build = |radius: f64| -> Result<Case, CheckError> {
        let instance = Instance::new(
            LossKind::Softmax,
            DesignMatrix::dense(DMatrix::from_element(1, 1, radius))?,
            DVector::zeros(1),
            DVector::zeros(1),
        )?
        .with_points(vec![
            DVector::from_element(1, radius),
            DVector::from_element(1, 0.0),
        ])?;
        Ok(Case::new(Origin::Attack(0), instance, 0))
    };
    let ratio = |unknowns: &[f64]| -> Result<f64, CheckError> {
        let bound = last_step(&Pair::<f64>::of(&build(unknowns[0])?)?, 20)?;
        Ok(bound.observed / bound.allowed)
    };
    let start = attack::cold_start(rng, 1, 1);
    let (best, _) = attack::maximise(
        &|unknowns| ratio(unknowns).unwrap_or(f64::NAN),
        start,
        Effort::USUAL,
    );
    build(best[0])
}

/// R from 1/64 to 32: logit gaps beyond 100 and factors beyond exp(30000).
const FAMILY: Family = Family {
    rows: (1, 6),
    columns: (1, 3),
    radii: &[0.015625, 0.125, 1.0, 4.0, 32.0],
    points: 2,
    cases: 70,
    ..Family::GENERAL
};

const STRATA: &[Stratum] =
    strata!(Condition: 0 1 2 3 4 5 6; Gap: 0 1 2 3; OneRow; OneColumn; Square; SignedTarget);

/// Rows of a real head: its Hessian is 32 x 32, twice, at 40 digits.
const REAL_ROWS: usize = 8;

/// A statement about how fast something changes.
fn of_the_change(id: &'static str) -> Draft {
    claim(id).on(FAMILY, STRATA).real_rows(REAL_ROWS)
}

/// The claims about Lipschitz constants.
pub fn claims() -> Vec<Claim> {
    let mut claims = softmax_claims();
    claims.extend(hessian_claims());
    claims
}

fn softmax_claims() -> Vec<Claim> {
    vec![
        of_the_change("dls23/softmax-lipschitz-printed")
            .printed("thesis section 2.2.3, sixth step of the chain for ||H(x) - H(y)||; DLS23 Lemma 7.2 part 4")
            .states("||f(x) - f(y)||_2 <= beta^-2 n^1.5 exp(3R^2) ||x - y||_2")
            .formula(r"\|f(x) - f(y)\|_2 \le \beta^{-2} n^{1.5} \exp(3R^2) \|x - y\|_2")
            .given("||A||, ||x||_2, ||y||_2 <= R, 0 < beta <= <exp(Ax), 1_n>, <exp(Ay), 1_n>")
            .note("Decided with the smallest R and the largest beta that the premise allows. A constant without beta, n or exp \
                holds: dls23/softmax-lipschitz-sharp.")
            .inequality(6, inequality!(search, Target::Any, 2, |pair| softmax_change(pair, with_beta(pair, 3))))
            .fault("exp(-3R^2) in place of exp(3R^2)", |case| decide(case, Target::Any, &|pair| softmax_change(pair, with_beta(pair, -3)))),
        of_the_change("dls23/softmax-lipschitz-sharp")
            .derived("sharper form of thesis section 2.2.3, sixth step")
            .states("||f(x) - f(y)||_2 <= ||A|| min(1/2, exp(R^2) / beta) ||x - y||_2 with beta = n exp(-R^2 / sqrt n)")
            .formula(r"\begin{aligned} \|f(x) - f(y)\|_2 &\le \|A\| \min\Bigl(\tfrac{1}{2}, \frac{\exp(R^2)}{\beta}\Bigr) \|x - y\|_2, \\
                \beta &= n \exp\bigl(-R^2 / \sqrt{n}\bigr) \end{aligned}")
            .given("||A||, ||x||_2, ||y||_2 <= R; the first half for all x, y")
            .note("Df = (diag(f) - ff') A; the norm of the first factor is at most 1/2, attained at f = (1/2, 1/2), and at most \
                max f <= exp(R^2) / beta.")
            .inequality(6, inequality!(search, Target::Any, 2, |pair| softmax_change(pair, sharp_softmax_factor(pair))))
            .fault("0.99 of it", |case| {
                decide(case, Target::Any, &|pair| {
                    softmax_change(pair, sharp_softmax_factor(pair) * High::ratio(99, 100))
                })
            }),
        claim("dls23/lipschitz-chain-last-step")
            .printed("thesis section 2.2.3, last step of the chain for ||H(x) - H(y)||")
            .states("R^2 100 R exp(3R^2) <= exp(20R^2)")
            .formula(r"R^2 \cdot 100 R \exp(3R^2) \le \exp(20R^2)")
            .given("R > 0")
            .note("100 R^3 exp(-17R^2) is largest at R^2 = 3/34, where it is 0.585.")
            .on(FAMILY, strata!(OneRow; OneColumn; Gap: 3))
            .attacked(2, hardest_radius)
            .check(|case| decide(case, Target::Any, &|pair| last_step(pair, 20)))
            .fault("exp(4R^2) on the right", |case| decide(case, Target::Any, &|pair| last_step(pair, 4))),
    ]
}

fn hessian_claims() -> Vec<Claim> {
    vec![
        of_the_change("dls23/hessian-lipschitz-printed")
            .printed("thesis Lemma 2.1.21")
            .states("||H(x) - H(y)|| <= M ||x - y||_2 with M = n^1.5 exp(30R^2)")
            .formula(r"\|H(x) - H(y)\| \le M \|x - y\|_2, \quad M = n^{1.5} \exp(30R^2)")
            .given("R > 0, ||A|| <= R, ||x||_2 <= R; no hypothesis on b")
            .note("b is missing: H - A'W^2A is affine in b, so M must grow with b. Only Theorem 2.3.1 asks for ||b||_1 <= 1, and \
                with it the lemma holds by a wide margin. Witness: n = 2, R = 1/8, b = (2^20, 0).")
            .check(|case| decide(case, Target::Any, &lemma))
            .fault("||b||_1 <= 1 added to the premise", |case| decide(case, Target::UnitBall, &lemma))
            .refuted("dls23/hessian-lipschitz", witness!("dls23-hessian-lipschitz-printed")),
        of_the_change("dls23/hessian-lipschitz")
            .derived("thesis Lemma 2.1.21 with the hypothesis on b of Theorem 2.3.1")
            .states("||H(x) - H(y)|| <= M ||x - y||_2 with M = n^1.5 exp(30R^2)")
            .formula(r"\|H(x) - H(y)\| \le M \|x - y\|_2, \quad M = n^{1.5} \exp(30R^2)")
            .given("||A||, ||x||_2 <= R, ||b||_1 <= 1; any y")
            .note("Read as strictly as the text allows: only x is short, R is as small as it can be. 0.5714 ||A||^3 is enough: \
                dls23/hessian-lipschitz-sharp.")
            .inequality(6, inequality!(search, Target::UnitBall, 2, lemma))
            .fault("exp(-30R^2) in place of exp(30R^2)", |case| {
                decide(case, Target::UnitBall, &|pair| {
                    hessian_change(pair, without_beta(pair, -30, pair.radius_at_x()))
                })
            })
            .proven(Proof::by_lipschitz(|| proof::exponential_suffices(30))),
        of_the_change("dls23/hessian-lipschitz-beta")
            .printed("thesis section 2.2.3, end of the chain; before Lemma 2.1.21")
            .states("||H(x) - H(y)|| <= beta^-2 n^1.5 exp(20R^2) ||x - y||_2")
            .formula(r"\|H(x) - H(y)\| \le \beta^{-2} n^{1.5} \exp(20R^2) \|x - y\|_2")
            .given("||A||, ||x||_2, ||y||_2 <= R, 0 < beta <= <exp(Ax), 1_n>, <exp(Ay), 1_n>, ||b||_1 <= 1 (Theorem 2.3.1)")
            .note("Decided with the smallest R and the largest beta allowed. Without ||b||_1 <= 1 it fails like Lemma 2.1.21. The \
                end of the chain is true although three of its steps are not (E8, E9, E10).")
            .inequality(6, inequality!(search, Target::UnitBall, 2, |pair| hessian_change(pair, with_beta(pair, 20))))
            .fault("exp(-20R^2) in place of exp(20R^2)", |case| decide(case, Target::UnitBall, &|pair| hessian_change(pair, with_beta(pair, -20)))),
        of_the_change("dls23/hessian-lipschitz-global")
            .derived("thesis Definition 2.1.11 with the M of Lemma 2.1.21")
            .states("||H(x) - H(y)|| <= n^1.5 exp(30 ||A||^2) ||x - y||_2 for all x, y")
            .formula(r"\|H(x) - H(y)\| \le n^{1.5} \exp(30 \|A\|^2) \|x - y\|_2 \quad \forall x, y")
            .given("||b||_1 <= 1; no bound on x or y")
            .note("An (l, M)-good loss needs M on all of R^d, while Lemma 2.1.21 speaks of short x only. The gap is harmless.")
            .inequality(4, inequality!(search, Target::UnitBall, 2, |pair| hessian_change(pair, without_beta(pair, 30, pair.norm))))
            .fault("exp(-30 ||A||^2) in its place", |case| decide(case, Target::UnitBall, &|pair| hessian_change(pair, without_beta(pair, -30, pair.norm))))
            .proven(Proof::by_lipschitz(|| proof::exponential_suffices(30))),
        of_the_change("dls23/hessian-lipschitz-explicit")
            .derived("sharper form of thesis Lemma 2.1.21")
            .states("||H(x) - H(y)|| <= 3/5 ||A||^3 ||x - y||_2 for all x, y")
            .formula(r"\|H(x) - H(y)\| \le \tfrac{3}{5} \|A\|^3 \|x - y\|_2 \quad \forall x, y")
            .given("||b||_1 <= 1")
            .note("Proven for every n by a certificate of cubic multipliers that the program checks (docs/sharp-constants.md, Theorem \
                2; a finer certificate gives 59/100). No n, no R, no beta; the true constant is smaller still \
                (dls23/hessian-lipschitz-sharp).")
            .attacked(4, |rng| Ok(steepest(rng)?.0))
            .check(|case| decide(case, Target::UnitBall, &|pair| hessian_change(pair, cube(pair, proved()))))
            .fault("0.571 ||A||^3", |case| decide(case, Target::UnitBall, &|pair| hessian_change(pair, cube(pair, High::ratio(571, 1000)))))
            .proven(Proof::by_lipschitz(proof::lipschitz_theorem)),
        claim("dls23/hessian-lipschitz-any-target")
            .derived("replaces thesis Lemma 2.1.21, which asks nothing of b")
            .states("||H(x) - H(y)|| <= 3/5 max(1, ||b||_1) ||A||^3 ||x - y||_2 for all x, y")
            .formula(r"\|H(x) - H(y)\| \le \tfrac{3}{5} \max(1, \|b\|_1) \|A\|^3 \|x - y\|_2 \quad \forall x, y")
            .note("What the lemma becomes without a hypothesis on b: for ||b||_1 = r >= 1 the third derivative is (1+r)/2 times that for \
                b/r plus (1-r)/2 times that for -b/r. Not sharp for large b.")
            .on(Family { targets: Targets::Any, ..FAMILY }, STRATA)
            .attacked(4, |rng| {
                // Half of them at 1, where the constant is tight; the others up to 10^7.
                let octaves = sample::integer(rng, -24, 24).max(0);
                let size = 2f64.powi(octaves as i32);
                Ok(steepest_for(rng, size)?.0)
            })
            .real_rows(REAL_ROWS)
            .check(|case| decide(case, Target::Any, &|pair| hessian_change(pair, cube_for_target(pair, proved()))))
            .fault("0.34 in the place of 3/5", |case| {
                decide(case, Target::Any, &|pair| {
                    hessian_change(pair, cube_for_target(pair, High::ratio(34, 100)))
                })
            })
            .proven(Proof::by_lipschitz(|| proof::lipschitz_implies(3, 5))),
        of_the_change("dls23/hessian-lipschitz-sharp")
            .derived("sharpest form of thesis Lemma 2.1.21")
            .states("||H(x) - H(y)|| <= 0.5714074 ||A||^3 ||x - y||_2 for all x, y")
            .formula(r"\|H(x) - H(y)\| \le 0.5714074\, \|A\|^3 \|x - y\|_2 \quad \forall x, y")
            .given("||b||_1 <= 1")
            .note("Numerical: exact for n = 2 (0.571407358952..., b = -e_1, f_1 = 0.6363); not proved for n >= 3.")
            .attacked(8, |rng| Ok(steepest(rng)?.0))
            .check(|case| decide(case, Target::UnitBall, &|pair| hessian_change(pair, cube(pair, sharp()))))
            .fault("0.571 ||A||^3", |case| decide(case, Target::UnitBall, &|pair| hessian_change(pair, cube(pair, High::ratio(571, 1000))))),
    ]
}

/// Lemma 2.1.21, with the smallest R that its premise on A and x allows.
fn lemma<T: Number>(pair: &Pair<T>) -> Result<Bound<T>, CheckError> {
    hessian_change(pair, without_beta(pair, 30, pair.radius_at_x()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_cold_starts_the_maximiser_finds_the_sharp_constant_to_1e_4() {
        let mut best = 0.0f64;
        for index in 0..6 {
            let mut rng = sample::stream(2304, "sharp constant", index);
            let (_, found) = steepest(&mut rng).unwrap();
            assert!(found <= sharp::<f64>(), "found {found}, above the constant");
            best = best.max(found);
        }
        assert!((best - 0.5714).abs() < 1e-4, "best is {best}");
    }

    #[test]
    fn the_case_of_the_sharp_constant_shows_it_at_40_digits() {
        let mut rng = sample::stream(2304, "sharp constant", 0);
        let (case, found) = steepest(&mut rng).unwrap();
        let pair = Pair::<High>::of(&case).unwrap();
        let bound = hessian_change(&pair, High::ONE).unwrap();
        let ratio = (bound.observed / bound.allowed).to_f64();
        assert!(
            (ratio - found).abs() < 1e-6 * found,
            "third derivative {found}, change of the oracle's Hessian {ratio}"
        );
    }

    #[test]
    fn the_last_step_is_tightest_where_calculus_says() {
        let mut rng = sample::stream(2304, "radius", 0);
        let case = hardest_radius(&mut rng).unwrap();
        let radius = case.x()[0].abs();
        assert!((radius * radius - 3.0 / 34.0).abs() < 1e-6, "R = {radius}");
    }

    #[test]
    fn the_terms_of_a_change_of_the_hessian_count_the_target_and_the_ridge() {
        let text = r#"{"loss": "softmax", "matrix": [[2], [0]], "target": [1, -4], "weights": [3, -1],
            "points": [[1], [4]]}"#;
        let pair = Pair::<f64>::of(&Case::of_text(text, 0)).unwrap();
        let bound = hessian_change(&pair, 0.5).unwrap();
        // ||A||^2 (48 (1 + ||b||_1) + 2 max w_i^2) = 4 (48 * 6 + 2 * 9).
        assert!((bound.terms - 1224.0).abs() < 1e-9, "{}", bound.terms);
        assert!((bound.allowed - 1.5).abs() < 1e-15, "{}", bound.allowed);
    }
}
