//! Lipschitz constants of the Hessian: none without `beta`, and an explicit one with it.
//!
//! *The constant.* On a set where `alpha >= beta > 0` and `||z||_inf <= rho`, with `E = exp(rho)`, `V = 1 + E`,
//! `phi = sqrt n (E + rho) / beta >= ||f||_2`, differentiate `alpha f = u` three times along a unit vector h: `|alpha'| =
//! |<v, h>| <= sqrt n V`, `|alpha''|, |alpha'''| <= E`, `||u'|| <= V`, `||u''||, ||u'''|| <= E`, hence
//!
//! ```text
//! ||f'||   <= F1 = (V + sqrt n V phi) / beta
//! ||f''||  <= F2 = (E + 2 sqrt n V F1 + E phi) / beta
//! ||f'''|| <= F3 = (E + 3 sqrt n V F2 + 3 E F1 + E phi) / beta
//! ```
//!
//! and `|D^3 l[h,h,h]| = |3 <f', f''> + <f - b, f'''>| <= 3 F1 F2 + (phi + ||b||_2) F3`, which bounds the symmetric
//! trilinear form `D^3 l` in all its arguments (Banach). It grows like `beta^-5`, as the true constant does.
//!
//! `alpha` is convex along a segment, so that its minimum over the segment may be smaller than at both ends: the premise
//! speaks of the whole segment.

use nalgebra::{DMatrix, DVector, RealField};

use crate::claims::tools::attack::{self, Effort};
use crate::claims::tools::builder::{claim, strata, witness};
use crate::claims::tools::exact::Exact;
use crate::claims::tools::loewner::{Certified, outwards};
use crate::claims::{
    Case, CheckError, Claim, Drawn, Family, Origin, Outside, Stratum, Targets, Verdict, Weights,
};
use crate::instance::sample::{self, Stream};
use crate::instance::{DesignMatrix, Instance, LossKind};
use crate::oracle::{self, Reference, spectrum};
use crate::scalar::High;

use super::definiteness::STARTS;
use super::model::{Model, with_normaliser};

/// `3 F1 F2 + (phi + ||b||_2) F3`.
pub(super) fn constant<T: RealField + Copy>(n: usize, rho: T, beta: T, target: T) -> T {
    let number = |value: f64| nalgebra::convert::<f64, T>(value);
    let (two, three) = (number(2.0), number(3.0));
    let root = number(n as f64).sqrt();
    let e = rho.exp();
    let v = e + T::one();
    let phi = root * (e + rho) / beta;
    let f1 = (v + root * v * phi) / beta;
    let f2 = (e + two * root * v * f1 + e * phi) / beta;
    let f3 = (e + three * root * v * f2 + three * e * f1 + e * phi) / beta;
    three * f1 * f2 + (phi + target) * f3
}

/// The case at both points.
struct Pair {
    exact: Exact,
    y: DVector<High>,
    at_y: DVector<High>,
    norm: High,
}

impl Pair {
    fn of(case: &Case) -> Result<Self, CheckError> {
        let exact = Exact::of(case)?;
        let y = oracle::lift_vector(&case.y());
        Ok(Self {
            at_y: &exact.a * &y,
            norm: outwards(spectrum::spectral_norm(&exact.a)?),
            exact,
            y,
        })
    }

    fn distance(&self) -> High {
        (&self.exact.x - &self.y).norm()
    }

    /// `max(||Ax||_inf, ||Ay||_inf)`.
    fn rho(&self) -> High {
        self.exact.z.amax().max(self.at_y.amax())
    }

    /// A lower bound of `alpha` over the segment: halving by the sign of the slope leaves an interval around the minimum
    /// (or an end), and the tangents at its ends bound a convex function from below.
    fn beta(&self) -> High {
        let direction = &self.at_y - &self.exact.z;
        let at = |s: High| {
            let model = Model::at(&(&self.exact.z + &direction * s));
            (model.alpha, model.v.dot(&direction))
        };
        let (mut left, mut right) = (High::ZERO, High::ONE);
        // 2^-40 of the segment: the tangents then lose about 1e-12 of their slope.
        for _ in 0..40 {
            let middle = (left + right) * High::ratio(1, 2);
            if at(middle).1.is_positive() {
                right = middle;
            } else {
                left = middle;
            }
        }
        let (low, high) = (at(left), at(right));
        let width = right - left;
        let from_left = low.0 + (low.1 * width).min(High::ZERO);
        let from_right = high.0 - (high.1 * width).max(High::ZERO);
        from_left.max(from_right)
    }
}

/// `||H(x) - H(y)|| <= M ||x - y||`.
fn change(pair: &Pair, constant: High) -> Result<Verdict, CheckError> {
    if pair.exact.x == pair.y {
        // Zero on both sides, which no rounding puts in doubt.
        return Ok(Verdict::VACUOUS);
    }
    let reference = Reference::new(&pair.exact.instance)?;
    let here = Certified::of(&reference, &pair.exact.x)?;
    let there = Certified::of(&reference, &pair.y)?;
    let (observed, error) = here.distance(&there)?;
    let allowed = constant * pair.distance();
    Ok(Verdict::at_most(
        "||H(x) - H(y)||",
        observed,
        allowed,
        error,
    ))
}

/// With the derived constant, `factor` times.
fn with_beta(case: &Case, factor: High) -> Result<Verdict, CheckError> {
    let pair = Pair::of(case)?;
    let beta = pair.beta();
    let beta = beta - beta.abs().shifted(-30);
    if !beta.is_positive() {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let target = pair.exact.b.norm();
    let m = constant(pair.exact.a.nrows(), pair.rho(), beta, target);
    change(&pair, outwards(m * pair.norm.powi(3)) * factor)
}

/// With `n^1.5 exp(30 R^2)`, where `||A||, ||x||, ||y|| <= R` and `||b||_1 <= 1`.
fn without_beta(case: &Case) -> Result<Verdict, CheckError> {
    let pair = Pair::of(case)?;
    if pair.exact.target_norm() > High::ONE {
        return Ok(Verdict::Outside(Outside::Target));
    }
    if !pair.beta().is_positive() {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let radius = pair.norm.max(pair.exact.x.norm()).max(pair.y.norm());
    let n = High::int(pair.exact.a.nrows() as i64);
    let m = n * n.sqrt() * (High::int(30) * radius.square()).exp();
    change(&pair, outwards(m))
}

/// The share of the constant that the Hessian in the logits changes by between `z` and `z + h`; not a number where either is
/// too close to the pole.
fn share(z: &DVector<f64>, h: &DVector<f64>, b: &DVector<f64>) -> f64 {
    let end = z + h;
    let (here, there) = (Model::at(z), Model::at(&end));
    let beta = here.alpha.min(there.alpha);
    if beta < NEAREST_POLE {
        return f64::NAN;
    }
    let change = (here.hessian(b) - there.hessian(b))
        .symmetric_eigenvalues()
        .amax();
    let rho = z.amax().max(end.amax());
    change / (constant(z.len(), rho, beta, b.norm()) * h.norm())
}

/// Searches logits, a direction and a target, the sizes of the target and of the normaliser over all decades, for the largest
/// share of the constant that the Hessian's change takes.
fn steepest(rng: &mut Stream) -> Result<Case, CheckError> {
    let n = sample::integer(rng, 2, 4) as usize;
    let parts = |free: &[f64]| {
        let z = DVector::from_column_slice(&free[..n]);
        let alpha = attack::size(free[3 * n + 1]).max(NEAREST_POLE);
        let z = with_normaliser(&z, 1.01 * alpha);
        let h = DVector::from_column_slice(&free[n..2 * n]);
        let b = DVector::from_column_slice(&free[2 * n..3 * n]);
        let step = h.norm() / STEP;
        (z, h / step, b * attack::size(free[3 * n]))
    };
    let objective = |free: &[f64]| {
        let (z, h, b) = parts(free);
        share(&z, &h, &b)
    };
    let start = attack::best_start(rng, STARTS, 3 * n + 2, 1, &objective);
    let (best, _) = attack::maximise(&objective, start, Effort::USUAL);
    let (z, h, b) = parts(&best);
    let matrix = DesignMatrix::dense(DMatrix::identity(n, n))?;
    let end = &z + h;
    let instance = Instance::new(LossKind::ResidualSoftmax, matrix, b, DVector::zeros(n))?
        .with_points(vec![z, end])?;
    Ok(Case::new(Origin::Attack(0), instance, 0))
}

/// Length of the step that a search takes for a derivative.
const STEP: f64 = 1e-5;
/// Below this normaliser a difference over [`STEP`] says too little.
const NEAREST_POLE: f64 = 1e-2;

/// Two short points each, so that most segments stay on the positive side of the pole.
const FAMILY: Family = Family {
    losses: &[Drawn::ResidualSoftmax],
    rows: (2, 6),
    columns: (1, 3),
    radii: &[0.125, 0.5, 1.0],
    targets: Targets::Any,
    weights: Weights::Moderate,
    points: 2,
    cases: 42,
    ..Family::GENERAL
};

const STRATA: &[Stratum] = strata!(Condition: 0 3 6; Gap: 0; OneColumn; Square; SignedTarget);

/// The claims about Lipschitz constants.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("residual-softmax/hessian-lipschitz-without-beta")
            .derived("DLS23's M (thesis Lemma 2.1.21) carried over from softmax")
            .states("||H(x) - H(y)|| <= n^1.5 exp(30R^2) ||x - y||_2")
            .formula(r"\|H(x) - H(y)\| \le n^{1.5} \exp(30R^2) \|x - y\|_2")
            .given("||A||, ||x||_2, ||y||_2 <= R, ||b||_1 <= 1, alpha > 0 between x and y")
            .note("No constant without beta can be right: the Hessian itself grows like alpha^-4 inside a bounded region. Witness: \
                n = 2, R = 1, alpha = 1e-4.")
            .on(FAMILY, STRATA)
            .check(without_beta)
            .fault("the constant with beta", |case| with_beta(case, High::ONE))
            .refuted("residual-softmax/hessian-lipschitz-beta", witness!("residual-softmax-hessian-lipschitz-without-beta")),
        claim("residual-softmax/hessian-lipschitz-beta")
            .derived("abstract: \"Lipschitz properties\"; constant derived here")
            .states("||H(x) - H(y)|| <= ||A||^3 (3 F1 F2 + (phi + ||b||_2) F3) ||x - y||_2, E = exp(rho), V = 1 + E, \
                phi = sqrt n (E + rho) / beta, F1 = (V + sqrt n V phi) / beta, F2 = (E + 2 sqrt n V F1 + E phi) / beta, \
                F3 = (E + 3 sqrt n V F2 + 3 E F1 + E phi) / beta")
            .formula(r"\begin{aligned} \|H(x) - H(y)\| &\le \|A\|^3 \bigl(3 F_1 F_2 + (\varphi + \|b\|_2) F_3\bigr) \|x - y\|_2, \\
                E &= \exp(\rho), \quad V = 1 + E, \quad \varphi = \sqrt{n}\, (E + \rho) / \beta, \\
                F_1 &= (V + \sqrt{n}\, V \varphi) / \beta, \quad F_2 = (E + 2 \sqrt{n}\, V F_1 + E \varphi) / \beta, \\
                F_3 &= (E + 3 \sqrt{n}\, V F_2 + 3 E F_1 + E \varphi) / \beta \end{aligned}")
            .given("0 < beta <= alpha between x and y, rho >= ||Ax||_inf, ||Ay||_inf (R^2 will do)")
            .note("Proven in the source; a power beta^-5, as it must be. Explicit, not tight: the search ends at 0.098 of it.")
            .on(FAMILY, STRATA)
            .attacked(6, steepest)
            .check(|case| with_beta(case, High::ONE))
            .fault("10^-4 of it", |case| with_beta(case, High::ratio(1, 10_000))),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(x: [f64; 2], y: [f64; 2]) -> Pair {
        pair_for(x, y, [0.0, 0.0])
    }

    fn pair_for(x: [f64; 2], y: [f64; 2], target: [f64; 2]) -> Pair {
        let identity = DesignMatrix::dense(DMatrix::identity(2, 2)).unwrap();
        let points = [x, y].map(|point| DVector::from_column_slice(&point));
        let target = DVector::from_column_slice(&target);
        let instance = Instance::new(
            LossKind::ResidualSoftmax,
            identity,
            target,
            DVector::zeros(2),
        )
        .unwrap()
        .with_points(points.to_vec())
        .unwrap();
        Pair::of(&Case::new(Origin::Witness, instance, 0)).unwrap()
    }

    #[test]
    fn the_lower_bound_of_the_normaliser_is_that_of_the_better_tangent() {
        // Along z = (t, -t) alpha = 2 cosh t, with the minimum 2 at t = 0, a third of the segment: 2^40 / 3 leaves the rest
        // 1/3, so that halving ends with the minimum at w/3 and 2w/3 from the two ends of an interval w = 2^-40. alpha'' = 18
        // in the segment's parameter; the nearer tangent loses 18 (1/2 * 1/9 + 2/9) w^2 = 5 w^2 (the other one 8 w^2).
        for (x, y) in [([-1.0, 1.0], [2.0, -2.0]), ([2.0, -2.0], [-1.0, 1.0])] {
            let lost = (High::int(2) - pair(x, y).beta()).to_f64() * 2f64.powi(80);
            assert!((lost - 5.0).abs() < 1e-6, "{lost}");
        }
    }

    #[test]
    fn the_normaliser_is_lowest_at_an_end_of_a_segment_that_rises() {
        // exp(0) + exp(0) = 2, exactly.
        for (x, y) in [([0.0, 0.0], [1.0, 1.0]), ([1.0, 1.0], [0.0, 0.0])] {
            let off = (pair(x, y).beta() - High::int(2)).abs();
            assert!(off < High::ONE.shifted(-37), "{off:?}");
        }
    }

    #[test]
    fn the_search_stays_off_the_pole_and_leaves_the_unit_ball_of_targets() {
        let mut largest = 0f64;
        for index in 0..4 {
            let case = steepest(&mut sample::stream(1, "test", index)).unwrap();
            let step = (case.y() - case.x()).norm();
            assert!((step / STEP - 1.0).abs() < 1e-6, "{step}");
            largest = largest.max(case.instance.target().lp_norm(1));
            for z in [case.x(), case.y()] {
                assert!(Model::at(&z).alpha >= NEAREST_POLE);
            }
        }
        assert!(largest > 1.0, "{largest}");
    }

    #[test]
    fn the_share_of_the_constant_is_that_of_the_oracles_hessians() {
        let pair = pair_for([0.5, -0.25], [0.75, 0.0], [0.25, -0.5]);
        let reference = Reference::new(&pair.exact.instance).unwrap();
        let hessian = |x| reference.evaluate(x).unwrap().hessian;
        let change = spectrum::spectral_norm(&(hessian(&pair.exact.x) - hessian(&pair.y))).unwrap();
        // The normaliser rises with every logit, so it is smaller at x; the largest logit is 3/4, ||h|| = sqrt(2) / 4.
        let beta = 0.5f64.exp() + (-0.25f64).exp() + 0.25;
        let m = constant(2, 0.75, beta, 0.3125f64.sqrt());
        let expected = change.to_f64() / (m * 0.125f64.sqrt());
        let vector = |entries: [f64; 2]| DVector::from_column_slice(&entries);
        let (h, b) = (vector([0.25, 0.25]), vector([0.25, -0.5]));
        for found in [
            share(&vector([0.5, -0.25]), &h, &b),
            share(&vector([0.75, 0.0]), &-h, &b),
        ] {
            assert!(
                (found / expected - 1.0).abs() < 1e-12,
                "{found}, {expected}"
            );
        }
    }

    #[test]
    fn no_share_is_told_next_to_the_pole() {
        // One logit: alpha = exp(z) + z vanishes at z = -0.567143290 with the slope 1.567143290.
        let at = |alpha: f64| {
            DVector::from_element(
                1,
                -0.567_143_290_409_783_8 + alpha / 1.567_143_290_409_783_8,
            )
        };
        let told = |from: f64, to: f64| share(&at(from), &(at(to) - at(from)), &DVector::zeros(1));
        assert!(told(0.012, 0.013).is_finite());
        // Whichever end is below 1/100.
        assert!(told(0.008, 0.013).is_nan());
        assert!(told(0.013, 0.008).is_nan());
    }
}
