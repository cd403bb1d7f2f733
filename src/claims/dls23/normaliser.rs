//! The normaliser `alpha(x) = <exp(Ax), 1>`: its lower bound (Lemma 2.1.20, E7), and how far `exp(Ax)`, `alpha` and its
//! inverse are Lipschitz (DLS23 Lemma 7.2 parts 1 to 3).

use crate::claims::dls23::pair::{Bound, Number, Pair, Target, decide};
use crate::claims::dls23::pair_search::{inequality, search, search_both};
use crate::claims::tools::builder::{Draft, claim, strata, witness};
use crate::claims::{Case, CheckError, Claim, Family, Stratum, Verdict, Weights};
use crate::scalar::High;

/// Bounds R that random cases keep to, one after the other.
const RADII: &[f64] = &[0.015625, 0.125, 1.0, 4.0];

const FAMILY: Family = Family {
    rows: (1, 6),
    columns: (1, 3),
    radii: RADII,
    weights: Weights::Zero,
    points: 2,
    cases: 56,
    ..Family::GENERAL
};

/// One row makes both sides equal where a sum is compared with a norm.
const SEVERAL_ROWS: Family = Family {
    rows: (2, 6),
    ..FAMILY
};

const STRATA: &[Stratum] = strata!(Condition: 0 1 2 3 4 5 6; Gap: 0 1; OneRow; OneColumn; Square);

const STRATA_OF_SEVERAL_ROWS: &[Stratum] = strata!(Condition: 0 3 6; Gap: 0 1; OneColumn; Square);

/// `low <= alpha(x)`.
fn normaliser_above<T: Number>(pair: &Pair<T>, low: T) -> Result<Bound<T>, CheckError> {
    Ok(Bound {
        quantity: "lower bound of alpha(x)",
        observed: low,
        allowed: pair.at_x.alpha,
        terms: low,
    })
}

/// `exp(k R^2)` with `||A||, ||x|| <= R`.
fn exponential_at_x<T: Number>(pair: &Pair<T>, k: i64) -> T {
    let radius = pair.radius_at_x();
    (T::int(k) * radius * radius).exp()
}

/// `n exp(-R^2 / sqrt n)`.
fn jensen<T: Number>(pair: &Pair<T>) -> T {
    let (n, radius) = (pair.rows(), pair.radius_at_x());
    n * (-(radius * radius) / n.sqrt()).exp()
}

/// `exp(-R^2) <= beta`, for a `beta` that bounds `alpha(x)` from below.
fn beta_above<T: Number>(pair: &Pair<T>, beta: T) -> Result<Bound<T>, CheckError> {
    let low = exponential_at_x(pair, -1);
    Ok(Bound {
        quantity: "exp(-R^2) against a lower bound beta of alpha(x)",
        observed: low,
        allowed: beta,
        terms: low,
    })
}

/// The lemma for its quantifier "a lower bound": the largest one, and one that is positive and half as large as
/// `exp(-R^2)` or less. A statement about every lower bound must hold for both.
fn every_lower_bound(case: &Case) -> Result<Verdict, CheckError> {
    Ok(
        largest_lower_bound(case)?.and(decide(case, Target::Any, &|pair| {
            let beta = pair.at_x.alpha.min(exponential_at_x(pair, -1)) / High::int(2);
            beta_above(pair, beta)
        })?),
    )
}

fn largest_lower_bound(case: &Case) -> Result<Verdict, CheckError> {
    decide(case, Target::Any, &|pair| beta_above(pair, pair.at_x.alpha))
}

/// `|| u(x) ||_inf <= factor exp(R^2)`.
fn largest_exponential<T: Number>(pair: &Pair<T>, factor: T) -> Result<Bound<T>, CheckError> {
    let observed = pair.at_x.u.max();
    Ok(Bound {
        quantity: "||u(x)||_inf",
        observed,
        allowed: factor * exponential_at_x(pair, 1),
        terms: observed,
    })
}

/// `|| u(x) - u(y) ||_2 <= factor R exp(R^2) || x - y ||_2`.
fn exponential_change<T: Number>(pair: &Pair<T>, factor: T) -> Result<Bound<T>, CheckError> {
    let radius = pair.radius();
    Ok(Bound {
        quantity: "||u(x) - u(y)||",
        observed: (&pair.at_x.u - &pair.at_y.u).norm(),
        allowed: factor * radius * (radius * radius).exp() * pair.distance,
        terms: pair.at_x.alpha + pair.at_y.alpha,
    })
}

/// `k sqrt n`.
fn root_of_rows<T: Number>(pair: &Pair<T>, k: i64) -> T {
    T::int(k) * pair.rows().sqrt()
}

/// `| alpha(x) - alpha(y) | <= factor || u(x) - u(y) ||_2`.
fn normaliser_change<T: Number>(pair: &Pair<T>, factor: T) -> Result<Bound<T>, CheckError> {
    Ok(Bound {
        quantity: "|alpha(x) - alpha(y)|",
        observed: (pair.at_x.alpha - pair.at_y.alpha).abs(),
        allowed: factor * (&pair.at_x.u - &pair.at_y.u).norm(),
        terms: (pair.at_x.alpha + pair.at_y.alpha) * (T::one() + factor),
    })
}

/// `| 1 / alpha(x) - 1 / alpha(y) | <= beta^-2 | alpha(x) - alpha(y) |`.
fn inverse_change<T: Number>(pair: &Pair<T>, beta: T) -> Result<Bound<T>, CheckError> {
    let (left, right) = (pair.at_x.alpha, pair.at_y.alpha);
    let (inverse_left, inverse_right) = (T::one() / left, T::one() / right);
    Ok(Bound {
        quantity: "|1/alpha(x) - 1/alpha(y)|",
        observed: (inverse_left - inverse_right).abs(),
        allowed: (left - right).abs() / (beta * beta),
        terms: inverse_left + inverse_right + (left + right) / (beta * beta),
    })
}

/// A statement about the normaliser.
fn of_the_normaliser(id: &'static str) -> Draft {
    claim(id).on(FAMILY, STRATA).real_rows(24)
}

/// The claims about the normaliser.
pub fn claims() -> Vec<Claim> {
    vec![
        of_the_normaliser("dls23/normaliser-every-lower-bound")
            .derived("thesis Lemma 2.1.20, \"a lower bound\" read as every lower bound")
            .states("every lower bound beta of <exp(Ax), 1_n> satisfies beta >= exp(-R^2)")
            .formula(r"\beta \le \langle \exp(Ax), \mathbf{1}_n\rangle \quad \implies \quad \beta \ge \exp(-R^2)")
            .given("R > 0, ||A|| <= R, ||x||_2 <= R, beta <= <exp(Ax), 1_n>")
            .note("Erratum E7: a number below a lower bound is a lower bound too, so this reading is false for every A and x. Tried with beta = alpha(x) and with a positive one of half of exp(-R^2) or less. For the largest lower bound the lemma is true (dls23/normaliser-lower-bound).")
            .check(every_lower_bound)
            .fault("only beta = alpha(x), the largest lower bound", largest_lower_bound)
            .refuted("dls23/normaliser-lower-bound", witness!("dls23-normaliser-every-lower-bound")),
        of_the_normaliser("dls23/normaliser-lower-bound")
            .printed("thesis Lemma 2.1.20, beta the largest lower bound")
            .states("<exp(Ax), 1_n> >= exp(-R^2), so beta = exp(-R^2) may be taken")
            .formula(r"\langle \exp(Ax), \mathbf{1}_n\rangle \ge \beta = \exp(-R^2)")
            .given("||A|| <= R, ||x||_2 <= R")
            .note("Sharp for n = 1 only (z = -R^2); n exp(-R^2 / sqrt n) is what holds for n rows.")
            .inequality(6, inequality!(search, Target::Any, 1, |pair| normaliser_above(pair, exponential_at_x(pair, -1))))
            .fault("n in its place", |case| decide(case, Target::Any, &|pair| normaliser_above(pair, pair.rows()))),
        of_the_normaliser("dls23/normaliser-lower-bound-sharp")
            .derived("sharper form of thesis Lemma 2.1.20")
            .states("<exp(Ax), 1_n> >= n exp(-R^2 / sqrt n)")
            .formula(r"\langle \exp(Ax), \mathbf{1}_n\rangle \ge n \exp\bigl(-R^2 / \sqrt{n}\bigr)")
            .given("||A|| <= R, ||x||_2 <= R")
            .note("Jensen: alpha >= n exp(mean z) and |mean z| <= ||z||_2 / sqrt n <= R^2 / sqrt n. Attained at \
                z = -(R^2 / sqrt n) 1_n, which the search finds.")
            .inequality(6, inequality!(search, Target::Any, 1, |pair| normaliser_above(pair, jensen(pair))))
            .fault("1.001 times as much", |case| decide(case, Target::Any, &|pair| normaliser_above(pair, jensen(pair) * High::ratio(1001, 1000)))),
        of_the_normaliser("dls23/exponential-bounded")
            .quoted("DLS23 Lemma 7.2, proof of part 0")
            .states("||u(x)||_inf <= exp(R^2), u(x) = exp(Ax)")
            .formula(r"\|u(x)\|_\infty \le \exp(R^2), \quad u(x) = \exp(Ax)")
            .given("||A|| <= R, ||x||_2 <= R")
            .note("Attained by one row along x: the search finds it.")
            .inequality(6, inequality!(search, Target::Any, 1, |pair| largest_exponential(pair, Number::int(1))))
            .fault("0.999 exp(R^2)", |case| decide(case, Target::Any, &|pair| largest_exponential(pair, High::ratio(999, 1000)))),
        of_the_normaliser("dls23/exponential-lipschitz")
            .quoted("DLS23 Lemma 7.2 part 1")
            .states("||u(x) - u(y)||_2 <= 2 sqrt(n) R exp(R^2) ||x - y||_2, u(x) = exp(Ax)")
            .formula(r"\|u(x) - u(y)\|_2 \le 2 \sqrt{n}\, R \exp(R^2) \|x - y\|_2, \quad u(x) = \exp(Ax)")
            .given("||A||, ||x||_2, ||y||_2 <= R")
            .note("The factor 2 sqrt(n) is not needed: see dls23/exponential-lipschitz-sharper. Other premises of the lemma \
                (R >= 4, ||A(x-y)||_inf < 0.01, as remembered) are not needed either and not asked for.")
            .inequality(6, inequality!(search, Target::Any, 1, |pair| exponential_change(pair, root_of_rows(pair, 2))))
            .fault("0.1 sqrt(n) in place of 2 sqrt(n)", |case| {
                decide(case, Target::Any, &|pair| {
                    exponential_change(pair, High::ratio(1, 10) * pair.rows().sqrt())
                })
            }),
        of_the_normaliser("dls23/exponential-lipschitz-sharper")
            .derived("sharper form of DLS23 Lemma 7.2 part 1")
            .states("||u(x) - u(y)||_2 <= R exp(R^2) ||x - y||_2, u(x) = exp(Ax)")
            .formula(r"\|u(x) - u(y)\|_2 \le R \exp(R^2) \|x - y\|_2, \quad u(x) = \exp(Ax)")
            .given("||A||, ||x||_2, ||y||_2 <= R")
            .note("Du = diag(u) A, and every entry of u on the segment is at most exp(R^2). Attained in the limit by one row, \
                x = y at its end.")
            .inequality(6, inequality!(search, Target::Any, 1, |pair| exponential_change(pair, Number::int(1))))
            .fault("half as much", |case| decide(case, Target::Any, &|pair| exponential_change(pair, High::ratio(1, 2)))),
        claim("dls23/normaliser-lipschitz")
            .recalled("DLS23 Lemma 7.2 part 2")
            .states("|alpha(x) - alpha(y)| <= sqrt(n) ||u(x) - u(y)||_2")
            .formula(r"|\alpha(x) - \alpha(y)| \le \sqrt{n}\, \|u(x) - u(y)\|_2, \quad u(x) = \exp(Ax), \ \alpha(x) = \langle u(x), \mathbf{1}_n\rangle")
            .given("none needed")
            .note("Cauchy-Schwarz; an equality for n = 1, where nothing is left to decide, and wherever u(x) - u(y) is constant.")
            .on(SEVERAL_ROWS, STRATA_OF_SEVERAL_ROWS)
            .real_rows(24)
            .inequality(4, inequality!(search_both, Target::Any, 2, |pair| normaliser_change(pair, pair.rows().sqrt())))
            .fault("without sqrt(n)", |case| decide(case, Target::Any, &|pair| normaliser_change(pair, High::ONE))),
        of_the_normaliser("dls23/inverse-normaliser-lipschitz")
            .recalled("DLS23 Lemma 7.2 part 3")
            .states("|1/alpha(x) - 1/alpha(y)| <= beta^-2 |alpha(x) - alpha(y)|")
            .formula(r"\bigl|\alpha(x)^{-1} - \alpha(y)^{-1}\bigr| \le \beta^{-2} |\alpha(x) - \alpha(y)|")
            .given("0 < beta <= alpha(x), alpha(y)")
            .note("Decided with the largest beta allowed, min(alpha(x), alpha(y)); slack is then max alpha / min alpha.")
            .inequality(4, inequality!(search_both, Target::Any, 1, |pair| inverse_change(pair, pair.beta())))
            .fault("the larger of both normalisers for beta", |case| decide(case, Target::Any, &|pair| inverse_change(pair, pair.at_x.alpha.max(pair.at_y.alpha)))),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claims::Origin;
    use crate::instance::sample;

    #[test]
    fn the_search_reaches_the_sharp_lower_bound_of_the_normaliser() {
        let mut rng = sample::stream(1, "test", 0);
        let case = search(&mut rng, 1, Target::Any, &|pair| {
            normaliser_above(pair, jensen(pair))
        })
        .unwrap();
        assert_eq!(case.origin, Origin::Attack(0));
        let pair = Pair::<High>::of(&case).unwrap();
        let ratio = (jensen(&pair) / pair.at_x.alpha).to_f64();
        assert!(ratio > 0.999_999, "{ratio}");
    }

    #[test]
    fn the_inverse_normaliser_changes_as_by_hand() {
        // alpha = exp(x): 1 at x = 0 and 2 at y = ln 2.
        let pair = Pair::<f64>::of(&Case::of_text(
            r#"{"loss": "softmax", "matrix": [[1]], "target": [0], "weights": 0,
                "points": [[0], [0.6931471805599453]]}"#,
            0,
        ))
        .unwrap();
        let bound = inverse_change(&pair, 0.5).unwrap();
        // 1 - 1/2, 4 * 1, and 1 + 1/2 + 4 * 3.
        for (found, expected) in [
            (bound.observed, 0.5),
            (bound.allowed, 4.0),
            (bound.terms, 13.5),
        ] {
            assert!((found - expected).abs() < 1e-14, "{found}, not {expected}");
        }
    }
}
