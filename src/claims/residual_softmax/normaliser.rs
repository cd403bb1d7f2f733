//! The normaliser `alpha = <exp(z) + z, 1>`: where it is positive, and what dividing by it does and does not achieve.

use nalgebra::{DMatrix, DVector};

use crate::claims::tools::attack::{self, Effort};
use crate::claims::tools::builder::{claim, strata, witness};
use crate::claims::tools::exact::{Exact, unit};
use crate::claims::tools::loewner::outwards;
use crate::claims::{
    Case, CheckError, Claim, Drawn, Family, Origin, Outside, Stratum, Verdict, Weights,
};
use crate::instance::sample::{self, Stream};
use crate::instance::{DesignMatrix, Instance, LossKind};
use crate::oracle::spectrum;
use crate::scalar::{Allowance, High};

use super::model::Model;

/// `alpha` at the case's point, with a bound of its error.
fn normaliser(exact: &Exact, model: &Model<High>) -> (High, Allowance<High>) {
    let reach = exact.a.map(High::abs) * exact.x.map(High::abs);
    let size: High = model.e.iter().chain(reach.iter()).copied().sum();
    (model.alpha, exact.error(size))
}

/// `alpha > 0`.
fn positive(case: &Case) -> Result<Verdict, CheckError> {
    let exact = Exact::of(case)?;
    let (alpha, error) = normaliser(&exact, &Model::at(&exact.z));
    Ok(Verdict::at_least("alpha(x)", alpha, High::ZERO, error))
}

/// `t = R^2 / sqrt n` for the smallest R with `||A||, ||x||_2 <= R`, rounded up.
fn region(exact: &Exact) -> Result<High, CheckError> {
    let radius = spectrum::spectral_norm(&exact.a)?.max(exact.x.norm());
    Ok(outwards(
        radius.square() / High::int(exact.a.nrows() as i64).sqrt(),
    ))
}

/// `n (exp(-t) - t)`.
fn lower_bound(n: usize, t: High) -> High {
    High::int(n as i64) * ((-t).exp() - t)
}

/// `factor n (exp(-t) - t) <= alpha`.
fn above_lower_bound(case: &Case, factor: High) -> Result<Verdict, CheckError> {
    let exact = Exact::of(case)?;
    let (alpha, error) = normaliser(&exact, &Model::at(&exact.z));
    let low = factor * lower_bound(exact.a.nrows(), region(&exact)?);
    let error = if exact.a.shape() == (1, 1) {
        // The bound is attained there; z is one product of two f64, so only exp, a sum and the bound itself round.
        Allowance::new(
            High::int(16) * unit() * (High::ONE + exact.z[0].abs()),
            "16 roundings of exp and a sum",
        )
    } else {
        error
    };
    Ok(Verdict::at_most(
        "lower bound of alpha(x)",
        low,
        alpha,
        error,
    ))
}

/// The root of `exp(-t) = t`, 0.567143..., by Newton's method; right to a few roundings.
fn omega() -> High {
    // Thirty correct digits after four steps from two, more than forty after six.
    (0..6).fold(High::ratio(57, 100), |t, _| {
        let e = (-t).exp();
        t + (e - t) / (e + High::ONE)
    })
}

/// At `A = -(R / sqrt n) 1`, `x = R`, `R^2 = factor omega sqrt n`, which meets `||A||, ||x|| <= R`, whether `alpha` is
/// negative (`outside`) or positive.
fn edge_of_region(case: &Case, factor: High, outside: bool) -> Verdict {
    let n = case.instance.rows();
    let z = DVector::from_element(n, -(factor * omega()));
    let alpha = Model::at(&z).alpha;
    let error = Allowance::new(
        High::int(64 * n as i64) * unit(),
        "64 roundings of each of n terms",
    );
    if outside {
        Verdict::at_most("alpha(x) just outside", alpha, High::ZERO, error)
    } else {
        Verdict::at_least("alpha(x) just inside", alpha, High::ZERO, error)
    }
}

/// A relative step of `10^-12` to either side of the edge.
fn region_is_sharp(case: &Case, scale: High) -> Verdict {
    let step = High::ONE.shifted(-12);
    edge_of_region(case, scale * (High::ONE + step), true).and(edge_of_region(
        case,
        scale * (High::ONE - step),
        false,
    ))
}

/// What is said to be 1.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Measure {
    /// `||f||_1`.
    Norm,
    /// `<f, 1>`.
    Sum,
    /// `||f||_2`.
    Euclidean,
}

/// `measure(f) = 1`; with `nonnegative` only where every `u_i` is known to be at least zero.
fn measure_is_one(case: &Case, measure: Measure, nonnegative: bool) -> Result<Verdict, CheckError> {
    let exact = Exact::of(case)?;
    let model = Model::at(&exact.z);
    let (alpha, error) = normaliser(&exact, &model);
    if nonnegative && model.u.iter().any(|u| *u < error.size()) {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    if alpha.abs() <= error.size() {
        return Ok(Verdict::Undecided(
            "alpha cannot be told from zero".to_owned(),
        ));
    }
    let (name, value) = match measure {
        Measure::Norm => ("||f||_1", model.f.iter().map(|f| f.abs()).sum()),
        Measure::Sum => ("<f, 1>", model.f.iter().copied().sum()),
        Measure::Euclidean => ("||f||_2", model.f.norm()),
    };
    Ok(Verdict::equal(name, value, High::ONE, error / alpha.abs()))
}

/// Searches rows `A` and the sign of `x` for the smallest `alpha` at a fixed R inside the region.
fn lowest_normaliser(rng: &mut Stream) -> Result<Case, CheckError> {
    let n = sample::integer(rng, 1, 6) as usize;
    // t from 1/16 to 1/2, below 0.567.
    let t = sample::integer(rng, 1, 8) as f64 / 16.0;
    let radius = (t * (n as f64).sqrt()).sqrt();
    let column = |free: &[f64]| {
        let a = DVector::from_column_slice(free);
        let norm = a.norm();
        a * (radius / norm)
    };
    let start = attack::cold_start(rng, n, 1);
    let (best, _) = attack::maximise(
        &|free| -Model::at(&(column(free) * radius)).alpha,
        start,
        Effort::USUAL,
    );
    let matrix = DesignMatrix::dense(DMatrix::from_column_slice(n, 1, column(&best).as_slice()))?;
    let instance = Instance::new(
        LossKind::ResidualSoftmax,
        matrix,
        DVector::zeros(n),
        DVector::zeros(n),
    )?
    .with_points(vec![DVector::from_element(1, radius)])?;
    Ok(Case::new(Origin::Attack(0), instance, 0))
}

const EVERYWHERE: Family = Family {
    losses: &[Drawn::ResidualSoftmax],
    weights: Weights::Zero,
    cases: 56,
    ..Family::GENERAL
};

/// Logits of at most 0.49, so that `exp(z) + z` is positive.
const SHORT: Family = Family {
    radii: &[0.0625, 0.25, 0.5, 0.7],
    ..EVERYWHERE
};

/// Inside and outside the region where the bound is positive.
const BOUNDED: Family = Family {
    radii: &[0.125, 0.5, 1.0, 4.0],
    ..EVERYWHERE
};

const STRATA: &[Stratum] =
    strata!(Condition: 0 3 6; Gap: 0; OneRow; OneColumn; Square; SignedTarget);

const STRATA_EVERYWHERE: &[Stratum] =
    strata!(Condition: 0 6; Gap: 0 1 2 3; OneRow; OneColumn; Square);

/// The claims about the normaliser.
pub fn claims() -> Vec<Claim> {
    let mut claims = positivity();
    claims.extend(normalisation());
    claims
}

fn positivity() -> Vec<Claim> {
    vec![
        claim("residual-softmax/normaliser-positive")
            .derived("implied by the abstract, which writes the loss for every x")
            .states("alpha(x) = <exp(Ax) + Ax, 1_n> > 0 for every x")
            .formula(r"\alpha(x) = \langle \exp(Ax) + Ax, \mathbf{1}_n\rangle > 0 \quad \forall x")
            .note("exp(z) + z is negative below z = -0.567143... Where alpha is 0 the problem has a pole, and beyond it f \
                changes its sign; beta > 0 must be an assumption. Witness: n = 1, z = -1.")
            .on(EVERYWHERE, STRATA_EVERYWHERE)
            .check(positive)
            .fault("the bound n (exp(-R^2 / sqrt n) - R^2 / sqrt n) in place of 0", |case| above_lower_bound(case, High::ONE))
            .refuted("residual-softmax/normaliser-positive-in-region", witness!("residual-softmax-normaliser-positive")),
        claim("residual-softmax/normaliser-positive-in-region")
            .derived("replaces the assumption alpha > 0 implied by the abstract")
            .states("alpha(x) >= n (exp(-R^2 / sqrt n) - R^2 / sqrt n), which is positive where R^2 < 0.567143... sqrt n")
            .formula(r"\begin{aligned} \alpha(x) &\ge n \Bigl(\exp\bigl(-R^2 / \sqrt{n}\bigr) - R^2 / \sqrt{n}\Bigr), \\
                &\text{which is positive for } R^2 < \omega \sqrt{n}, \quad \omega = \exp(-\omega) \end{aligned}")
            .given("||A||, ||x||_2 <= R")
            .note("exp(z) + z is convex and increasing, and the mean of z is at least -R^2 / sqrt n. Attained at equal logits, \
                where the search ends. For R >= 4 it is positive from n = 796 only.")
            .on(BOUNDED, STRATA)
            .attacked(8, lowest_normaliser)
            .check(|case| above_lower_bound(case, High::ONE))
            .fault("a bound larger by a thousandth", |case| above_lower_bound(case, High::ratio(1001, 1000))),
        claim("residual-softmax/normaliser-region-sharp")
            .derived("sharpness of residual-softmax/normaliser-positive-in-region")
            .states("for every n and every R^2 > omega sqrt n, omega = exp(-omega) = 0.567143..., some ||A||, ||x||_2 <= R give \
                alpha(x) < 0; for R^2 < omega sqrt n the same A and x give alpha(x) > 0")
            .formula(r"\begin{aligned} \forall n, R \ \exists\, A, x: \quad &\|A\|, \|x\|_2 \le R, \\
                R^2 > \omega \sqrt{n} &\implies \alpha(x) < 0, \\
                R^2 < \omega \sqrt{n} &\implies \alpha(x) > 0, \quad \omega = \exp(-\omega) \end{aligned}")
            .note("A = -(R / sqrt n) 1 and x = R, at R^2 a 10^-12th to either side; a case gives n.")
            .on(Family { cases: 14, ..EVERYWHERE }, strata!(OneRow; OneColumn; Square))
            .check(|case| Ok(region_is_sharp(case, High::ONE)))
            .fault("0.57 for 0.567143...", |case| Ok(region_is_sharp(case, High::ratio(57, 100) / omega()))),
    ]
}

fn normalisation() -> Vec<Claim> {
    vec![
        claim("residual-softmax/f-normalised")
            .derived("DLS23 Fact 2.2.4 carried over from softmax")
            .states("||f(x)||_1 = 1")
            .formula(r"\|f(x)\|_1 = 1, \quad f(x) = \alpha(x)^{-1} (\exp(Ax) + Ax), \quad \alpha(x) = \langle \exp(Ax) + Ax, \mathbf{1}_n\rangle")
            .given("alpha(x) != 0")
            .note("Entries of f may be negative, and ||f||_1 has no bound near the pole: every bound that was copied from softmax \
                with ||f||_1 = 1 or ||f||_2 <= 1 is invalid here. Witness: u = (0.6, -0.5), ||f||_1 = 11.")
            .on(EVERYWHERE, STRATA_EVERYWHERE)
            .check(|case| measure_is_one(case, Measure::Norm, false))
            .fault("the sum of f in place of its norm", |case| measure_is_one(case, Measure::Sum, false))
            .refuted("residual-softmax/f-sums-to-one", witness!("residual-softmax-f-normalised")),
        claim("residual-softmax/f-sums-to-one")
            .derived("replaces DLS23 Fact 2.2.4")
            .states("<f(x), 1_n> = 1")
            .formula(r"\langle f(x), \mathbf{1}_n\rangle = 1, \quad f(x) = \alpha(x)^{-1} (\exp(Ax) + Ax), \quad \alpha(x) = \langle \exp(Ax) + Ax, \mathbf{1}_n\rangle")
            .given("alpha(x) != 0, of either sign")
            .note("By definition of f.")
            .on(EVERYWHERE, STRATA_EVERYWHERE)
            .check(|case| measure_is_one(case, Measure::Sum, false))
            .fault("||f||_1 in place of the sum", |case| measure_is_one(case, Measure::Norm, false)),
        claim("residual-softmax/f-normalised-nonnegative")
            .derived("DLS23 Fact 2.2.4 with the hypothesis that it needs here")
            .states("||f(x)||_1 = 1")
            .formula(r"\|f(x)\|_1 = 1, \quad f(x) = \alpha(x)^{-1} (\exp(Ax) + Ax), \quad \alpha(x) = \langle \exp(Ax) + Ax, \mathbf{1}_n\rangle")
            .given("exp(z_i) + z_i >= 0 for every i (z_i >= -0.567143...)")
            .note("Cases keep to |z_i| < 0.49.")
            .on(SHORT, STRATA)
            .check(|case| measure_is_one(case, Measure::Norm, true))
            .fault("||f||_2 in place of ||f||_1", |case| measure_is_one(case, Measure::Euclidean, true)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_search_ends_at_equal_logits_on_the_bound() {
        for index in 0..12 {
            let case = lowest_normaliser(&mut sample::stream(1, "test", index)).unwrap();
            let n = case.instance.rows();
            let radius = case.x()[0];
            let a = case.instance.matrix().to_dense();
            assert!((a.norm() / radius - 1.0).abs() < 1e-12);
            // t = R^2 / sqrt n is a sixteenth to a half.
            let sixteenths = 16.0 * radius * radius / (n as f64).sqrt();
            let whole = sixteenths.round();
            assert!((sixteenths - whole).abs() < 1e-9 && (1.0..=8.0).contains(&whole));
            let t = whole / 16.0;
            let bound = n as f64 * ((-t).exp() - t);
            let alpha = Model::at(&(a * case.x())).alpha;
            assert!(
                (alpha / bound - 1.0).abs() < 1e-6,
                "n = {n}: {alpha}, {bound}"
            );
        }
    }

    #[test]
    fn the_allowance_where_the_bound_is_attained_is_sixteen_roundings() {
        // A = -2, x = 2: z = -4, alpha = exp(-4) - 4; the error is 16 (1 + 4) units.
        let text = r#"{"loss": "residual-softmax", "matrix": [[-2]], "target": [0], "weights": 0, "points": [[2]]}"#;
        let case = Case::of_text(text, 0);
        let alpha = High::int(-4).exp() - High::int(4);
        // R^2 = 4, rounded up by 1e-30 of it.
        let t = High::int(4) + High::int(4).shifted(-30);
        let bound = (-t).exp() - t;
        let said = |units: i64| {
            let low = alpha + High::int(units) * unit();
            above_lower_bound(&case, low / bound).unwrap()
        };
        assert!(matches!(said(-90), Verdict::Holds { .. }));
        assert!(matches!(said(-70), Verdict::Undecided(_)));
        assert!(matches!(said(70), Verdict::Undecided(_)));
        assert!(matches!(said(90), Verdict::Fails(_)));
    }
}
