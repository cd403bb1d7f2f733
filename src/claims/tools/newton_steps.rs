//! The lemmas on approximate Newton steps (thesis Lemmas 2.1.18 and 2.1.19, LSZ23 Lemmas 6.9 and 6.10), under the premise of
//! any paper's theorem: false in the Euclidean norm (E3), true in the norm of the Hessian.
//!
//! *What holds instead.* Let `e_t = x_t - x*`, `H = H(x_t)`, `K = H^1/2 H~^-1 H^1/2` and `Hbar = int_0^1 H(x* + s e_t) ds`,
//! so that `g(x_t) = Hbar e_t` and `e_{t+1} = (I - H~^-1 H) e_t + H~^-1 (H - Hbar) e_t`. In the norm `||v||_H =
//! ||H^1/2 v||` the first term is `||I - K|| <= eps0 / (1 - eps0)` times `||e_t||_H`; in the second `||K|| <=
//! 1 / (1 - eps0)`, `||H - Hbar|| <= M r_t / 2` and `H >= (l - M r_t) I`. With `rbar = M r_t < l`:
//!
//! ```text
//! ||e_{t+1}||_{H(x_t)} <= ( eps0 / (1 - eps0) + rbar / (2 (1 - eps0) (l - rbar)) ) ||e_t||_{H(x_t)}
//! ```
//!
//! From step to step one norm is needed, `||.||_*` of `H* = H(x*)`: `(1 - rho) H* <= H(x_t) <= (1 + rho) H*`, `rho = rbar / l`.
//! For `eps0 <= 0.1`, `rho <= 0.1` the factor is at most `sqrt(1.1/0.9) (1/9 + 5/81) = 0.1911 < 0.2`. If `M sqrt(kappa)
//! r_0 <= 0.1 l` with `kappa = kappa(H*)`, then `r_t <= ||e_t||_* / sqrt(lambda_min) <= sqrt(kappa) r_0` keeps `rho <= 0.1` for
//! ever, and `||e_{t+1}||_* <= 0.2 ||e_t||_*` by induction.

use nalgebra::{DMatrix, DVector};

use crate::claims::tools::exact::Exact;
use crate::claims::tools::newton_support::{
    Iterate, Setting, Sign, Stepped, Theorem, energy_norm, is_approximate, of_a_step, sampled_gram,
    under_premise,
};
use crate::claims::{Case, CheckError, Outside, Verdict};
use crate::instance::sample::{self, Stream};
use crate::scalar::High;

/// `eps0 = 1/20`, the middle of the lemmas' interval (0, 0.1).
fn usual_accuracy() -> High {
    High::ratio(1, 20)
}

/// `eps0 = 99/1000`, near its end.
fn coarse_accuracy() -> High {
    High::ratio(99, 1000)
}

/// How a step is measured.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Norm {
    /// `||v||_2`.
    Euclidean,
    /// `||v||_H`.
    Hessian,
}

/// What an inequality allows for the ratio of two successive errors.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Factor {
    /// `2 (eps0 + rbar / (l - rbar))`, Lemma 2.1.18.
    Printed,
    /// `eps0 / (1 - eps0) + rbar / (2 (1 - eps0) (l - rbar))`.
    Derived,
    /// The same with `eps0` in place of `eps0 / (1 - eps0)`.
    TooSmall,
}

impl Factor {
    fn value(self, epsilon: High, reach: High, l: High) -> High {
        let quotient = reach / (l - reach);
        let rest = High::ONE - epsilon;
        match self {
            Self::Printed => High::int(2) * (epsilon + quotient),
            Self::Derived => epsilon / rest + quotient / (High::int(2) * rest),
            Self::TooSmall => epsilon + quotient / (High::int(2) * rest),
        }
    }
}

/// The verdict on `||e_{t+1}|| <= factor ||e_t||`, in the norm asked for.
fn compare(norm: Norm, from: &Iterate, to: &Stepped, factor: High) -> Verdict {
    let (before, after, stretch) = match norm {
        Norm::Euclidean => (from.offset.norm(), to.offset.norm(), High::ONE),
        Norm::Hessian => (
            from.norm_of(&from.offset),
            from.norm_of(&to.offset),
            from.range().1.sqrt(),
        ),
    };
    let error = to.error * stretch;
    if error.shifted(3) > factor * before {
        return Verdict::Outside(Outside::Precision);
    }
    let name = match norm {
        Norm::Euclidean => "r_{t+1} / r_t",
        Norm::Hessian => "||e_{t+1}||_H / ||e_t||_H",
    };
    Verdict::at_most(name, after / before, factor, of_a_step(error / before))
}

/// A step with an approximation whose band is verified first. A matrix outside the band is not covered by the lemmas.
fn measured(
    setting: &Setting,
    from: &Iterate,
    approximation: &DMatrix<High>,
    epsilon: High,
    norm: Norm,
    factor: Factor,
) -> Result<Verdict, CheckError> {
    if !is_approximate(&from.hessian, approximation, epsilon)? {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let to = setting.step(from, approximation, Sign::Minus)?;
    let reach = setting.m * from.offset.norm();
    Ok(compare(
        norm,
        from,
        &to,
        factor.value(epsilon, reach, setting.l),
    ))
}

/// The worst of the verdicts on those approximations that are inside the premise.
fn worst(verdicts: impl IntoIterator<Item = Verdict>) -> Verdict {
    let mut outside = Verdict::Outside(Outside::Premise);
    let mut decided: Option<Verdict> = None;
    for verdict in verdicts {
        if matches!(verdict, Verdict::Outside(_)) {
            outside = verdict;
        } else {
            decided = Some(match decided {
                Some(known) => known.and(verdict),
                None => verdict,
            });
        }
    }
    decided.unwrap_or(outside)
}

/// Lemma 2.1.18 for the worst approximation in the band, from the stiffest direction at the edge of the premise.
pub fn shrinking(
    theorem: &'static Theorem,
    case: &Case,
    norm: Norm,
    factor: Factor,
) -> Result<Verdict, CheckError> {
    under_premise(case, theorem, |setting| {
        let Some(from) = setting.start(&setting.stiffest(), High::ONE)? else {
            return Ok(Verdict::Outside(Outside::Precision));
        };
        let epsilon = usual_accuracy();
        let approximation = from.worst_approximation(epsilon);
        measured(setting, &from, &approximation, epsilon, norm, factor)
    })
}

/// The H-norm bound for every kind of approximation, from the edge of the premise and from a millionth of it (where the
/// second summand vanishes and the first must carry the inequality alone).
pub fn shrinking_in_hessian_norm(
    theorem: &'static Theorem,
    case: &Case,
    factor: Factor,
) -> Result<Verdict, CheckError> {
    under_premise(case, theorem, |setting| {
        let epsilon = usual_accuracy();
        let mut verdicts = Vec::new();
        for (direction, divisor) in [
            (setting.stiffest(), High::ONE),
            (setting.own_direction(), High::ONE.shifted(6)),
        ] {
            let Some(from) = setting.start(&direction, divisor)? else {
                verdicts.push(Verdict::Outside(Outside::Precision));
                continue;
            };
            let mut rng = case.stream("subsample");
            let at = Exact::at(&case.instance, from.x.clone())?;
            for approximation in [
                from.worst_approximation(epsilon),
                from.scaled_down(epsilon),
                from.scaled_up(epsilon),
                sampled_approximation(theorem, &at, &mut rng)?,
            ] {
                verdicts.push(measured(
                    setting,
                    &from,
                    &approximation,
                    epsilon,
                    Norm::Hessian,
                    factor,
                )?);
            }
        }
        Ok(worst(verdicts))
    })
}

/// Accuracy and failure probability asked of SUBSAMPLE where its success is verified afterwards.
const SAMPLE_ACCURACY: f64 = 0.04;
const SAMPLE_FAILURE: f64 = 0.05;
/// Independent samples of one Hessian: a sample may by chance be as good as exact, eight are not.
const SAMPLES: usize = 8;

fn sampled_approximation(
    theorem: &Theorem,
    at: &Exact,
    rng: &mut Stream,
) -> Result<DMatrix<High>, CheckError> {
    let diagonal = (theorem.diagonal)(at);
    sampled_gram(at, &diagonal, SAMPLE_ACCURACY, SAMPLE_FAILURE, rng)
}

/// Lemma 2.1.18 for genuine leverage-score samples, each verified to be a 1/20-approximate Hessian.
pub fn shrinking_sampled(
    theorem: &'static Theorem,
    case: &Case,
    norm: Norm,
    factor: Factor,
) -> Result<Verdict, CheckError> {
    under_premise(case, theorem, |setting| {
        let Some(from) = setting.start(&setting.stiffest(), High::ONE)? else {
            return Ok(Verdict::Outside(Outside::Precision));
        };
        let at = Exact::at(&case.instance, from.x.clone())?;
        let mut rng = case.stream("subsample");
        let mut verdicts = Vec::with_capacity(SAMPLES);
        for _ in 0..SAMPLES {
            let approximation = sampled_approximation(theorem, &at, &mut rng)?;
            verdicts.push(measured(
                setting,
                &from,
                &approximation,
                usual_accuracy(),
                norm,
                factor,
            )?);
        }
        Ok(worst(verdicts))
    })
}

/// Which conclusion of Lemma 2.1.19.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Conclusion {
    /// `r_{t+1} <= 0.4 r_t`.
    Contraction,
    /// `M r_{t+1} < 0.1 l`.
    StaysGood,
}

/// Lemma 2.1.19 with t = 1, its induction hypothesis established by a real first step: `H~ = H / (1 - eta)` from the edge of
/// the premise gives `e_1 = eta e_0` up to second order, so `r_1 <= 0.4 r_0` and `M r_1 <= 0.1 l`. The second step uses the
/// worst approximation in the band.
pub fn induction(
    theorem: &'static Theorem,
    case: &Case,
    conclusion: Conclusion,
) -> Result<Verdict, CheckError> {
    under_premise(case, theorem, |setting| {
        let Some(first) = setting.start(&setting.stiffest(), High::ONE)? else {
            return Ok(Verdict::Outside(Outside::Precision));
        };
        let epsilon = coarse_accuracy();
        let allowed = first.scaled_up(epsilon);
        if !is_approximate(&first.hessian, &allowed, epsilon)? {
            return Ok(Verdict::Outside(Outside::Premise));
        }
        let arrived = setting.step(&first, &allowed, Sign::Minus)?;
        let second = setting.iterate(arrived.x.clone())?;
        let r = (first.offset.norm(), second.offset.norm());
        let four_tenths = High::ratio(4, 10);
        let edge = setting.l / High::int(10);
        if r.1 + arrived.error > four_tenths * r.0 || setting.m * (r.1 + arrived.error) > edge {
            return Ok(Verdict::Outside(Outside::Premise));
        }
        let approximation = second.worst_approximation(epsilon);
        if !is_approximate(&second.hessian, &approximation, epsilon)? {
            return Ok(Verdict::Outside(Outside::Premise));
        }
        let last = setting.step(&second, &approximation, Sign::Minus)?;
        if last.error.shifted(3) > r.1 {
            return Ok(Verdict::Outside(Outside::Precision));
        }
        Ok(match conclusion {
            Conclusion::Contraction => compare(Norm::Euclidean, &second, &last, four_tenths),
            Conclusion::StaysGood => Verdict::at_most(
                "M r_{t+1} / l",
                setting.m * last.offset.norm() / setting.l,
                High::ratio(1, 10),
                of_a_step(setting.m * last.error / setting.l),
            ),
        })
    })
}

/// The approximation of step `t` of an iteration, in turn the one that stretches the error most and the one that shrinks it least;
/// `None` where it is not proven to be within `epsilon`.
fn adverse_approximation(
    from: &Iterate,
    t: usize,
    epsilon: High,
) -> Result<Option<DMatrix<High>>, CheckError> {
    let approximation = if t.is_multiple_of(2) {
        from.worst_approximation(epsilon)
    } else {
        from.scaled_down(epsilon)
    };
    let proven = is_approximate(&from.hessian, &approximation, epsilon)?;
    Ok(proven.then_some(approximation))
}

/// Steps of the iteration that the replacement of Lemma 2.1.19 is followed over.
const STEPS: usize = 4;

/// The replacement of Lemma 2.1.19: from `M sqrt(kappa) r_0 <= 0.1 l`, worst approximations at every step.
pub fn iteration(
    theorem: &'static Theorem,
    case: &Case,
    norm: Norm,
) -> Result<Verdict, CheckError> {
    under_premise(case, theorem, |setting| {
        let epsilon = coarse_accuracy();
        let Some(mut from) = setting.start(&setting.stiffest(), setting.condition().sqrt())? else {
            return Ok(Verdict::Outside(Outside::Precision));
        };
        let length = |v: &DVector<High>| match norm {
            Norm::Euclidean => v.norm(),
            Norm::Hessian => energy_norm(&setting.hessian, v),
        };
        let stretch = match norm {
            Norm::Euclidean => High::ONE,
            Norm::Hessian => setting.range.1.sqrt(),
        };
        let mut verdicts = Vec::with_capacity(STEPS);
        for t in 0..STEPS {
            let Some(approximation) = adverse_approximation(&from, t, epsilon)? else {
                return Ok(Verdict::Outside(Outside::Premise));
            };
            let to = setting.step(&from, &approximation, Sign::Minus)?;
            let error = to.error * stretch;
            let before = length(&from.offset);
            if error.shifted(3) > before {
                return Ok(Verdict::Outside(Outside::Precision));
            }
            verdicts.push(Verdict::at_most(
                &format!("error after step {} / before", t + 1),
                length(&to.offset) / before,
                High::ratio(1, 5),
                of_a_step(error / before),
            ));
            from = setting.iterate(to.x)?;
        }
        Ok(worst(verdicts))
    })
}

/// How many steps are said to be enough for `||x_T - x*||_2 <= eps`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// `T = ceil( ln( sqrt(kappa(H(x*))) r_0 / eps ) / ln 5 )`.
    WithCondition,
    /// `T = ceil( ln( r_0 / eps ) / ln 5 )`.
    WithoutCondition,
}

/// Decades that `r_0 / eps` is drawn from.
const REDUCTIONS: (i64, i64) = (1, 4);

/// Whether the stated number of steps from `M sqrt(kappa) r_0 <= 0.1 l` ends within eps of the minimiser in the Euclidean norm,
/// with the approximations of [`iteration`]: `r_T <= sqrt(kappa) 0.2^T r_0`. `r_0 / eps` is drawn from the case's seed.
pub fn ends_in_time(
    theorem: &'static Theorem,
    case: &Case,
    count: Count,
) -> Result<Verdict, CheckError> {
    under_premise(case, theorem, |setting| {
        let epsilon = coarse_accuracy();
        let root = setting.condition().sqrt();
        let Some(mut from) = setting.start(&setting.stiffest(), root)? else {
            return Ok(Verdict::Outside(Outside::Precision));
        };
        let (low, high) = REDUCTIONS;
        let decade = sample::integer(&mut case.stream("reduction"), low, high);
        let reduction = High::ONE.shifted(decade);
        let eps = from.offset.norm() / reduction;
        let goal = match count {
            Count::WithCondition => root * reduction,
            Count::WithoutCondition => reduction,
        };
        // The trifle keeps a rounding below a whole number from taking a step away.
        let steps = ((goal.ln() / High::int(5).ln()).to_f64() + 1e-9).ceil() as usize;
        let mut error = High::ZERO;
        for t in 0..steps {
            let Some(approximation) = adverse_approximation(&from, t, epsilon)? else {
                return Ok(Verdict::Outside(Outside::Premise));
            };
            let to = setting.step(&from, &approximation, Sign::Minus)?;
            error = to.error;
            if error.shifted(3) > eps {
                return Ok(Verdict::Outside(Outside::Precision));
            }
            from = setting.iterate(to.x)?;
        }
        Ok(Verdict::at_most(
            &format!("||x_T - x*|| / eps after T = {steps} steps"),
            from.offset.norm() / eps,
            High::ONE,
            of_a_step(error / eps),
        ))
    })
}

/// Exact Newton under the premise: `r_{t+1} <= rbar / (2 (l - rbar)) r_t`, and with it `0.4 r_t`.
pub fn exact_step(
    theorem: &'static Theorem,
    case: &Case,
    sign: Sign,
) -> Result<Verdict, CheckError> {
    under_premise(case, theorem, |setting| {
        let mut verdicts = Vec::new();
        for direction in [setting.stiffest(), setting.own_direction()] {
            let Some(from) = setting.start(&direction, High::ONE)? else {
                verdicts.push(Verdict::Outside(Outside::Precision));
                continue;
            };
            let to = setting.step(&from, &from.hessian, sign)?;
            let reach = setting.m * from.offset.norm();
            let factor = Factor::Derived.value(High::ZERO, reach, setting.l);
            verdicts.push(compare(
                Norm::Euclidean,
                &from,
                &to,
                factor.min(High::ratio(4, 10)),
            ));
        }
        Ok(worst(verdicts))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_factors_are_those_computed_by_hand() {
        // eps0 = 1/5, rbar = 1, l = 5: rbar / (l - rbar) = 1/4, 1 - eps0 = 4/5.
        for (factor, expected) in [
            (Factor::Printed, High::ratio(9, 10)),
            (Factor::Derived, High::ratio(13, 32)),
            (Factor::TooSmall, High::ratio(57, 160)),
        ] {
            let found = factor.value(High::ratio(1, 5), High::ONE, High::int(5));
            assert!((found - expected).abs() < High::ONE.shifted(-38));
        }
    }

    #[test]
    fn a_matrix_outside_the_band_counts_only_where_nothing_else_does() {
        let (inside, outside) = (
            Verdict::Holds { slack: 2.0 },
            Verdict::Outside(Outside::Precision),
        );
        assert_eq!(worst([outside.clone(), inside.clone()]), inside);
        assert_eq!(worst([outside.clone()]), outside);
        assert_eq!(worst([]), Verdict::Outside(Outside::Premise));
        let tighter = Verdict::Holds { slack: 1.5 };
        assert_eq!(worst([inside, outside, tighter.clone()]), tighter);
    }
}
