//! What the comparisons of production with the oracle share: an answer, the truth, production's bounds, and every entry that
//! is farther from the truth than its bound.

// Each test file compiles its own copy and may use only a part.
#![allow(dead_code)]

use nalgebra::{DMatrix, DVector};

use attention_regression::claims::Case;
use attention_regression::instance::sample;
use attention_regression::oracle::{Reference, lift_vector};
use attention_regression::production::Problem;
use attention_regression::scalar::High;

/// The gate's seed; it appears in every failure.
pub const SEED: u64 = 2304;

/// One rounding of f64.
pub const UNIT: f64 = f64::EPSILON / 2.0;

/// What somebody computed in f64 at the case's point; `product` is the Hessian times [`direction`].
#[derive(Clone)]
pub struct Answer {
    pub value: f64,
    pub gradient: DVector<f64>,
    pub hessian: DMatrix<f64>,
    pub product: DVector<f64>,
}

/// The same at 40 digits.
pub struct Truth {
    pub value: High,
    pub gradient: DVector<High>,
    pub hessian: DMatrix<High>,
    pub product: DVector<High>,
}

/// The vector that the Hessian is multiplied with (d).
pub fn direction(case: &Case) -> DVector<f64> {
    sample::dyadic_vector(&mut case.stream("direction"), case.instance.columns(), 2)
}

pub fn truth(case: &Case) -> Truth {
    let evaluation = Reference::new(&case.instance)
        .unwrap()
        .evaluate(&lift_vector(&case.x()))
        .unwrap();
    Truth {
        value: evaluation.loss,
        product: &evaluation.hessian * lift_vector(&direction(case)),
        gradient: evaluation.gradient,
        hessian: evaluation.hessian,
    }
}

pub fn produced(case: &Case) -> Answer {
    let problem = Problem::from_instance(&case.instance).unwrap();
    let x = case.x();
    Answer {
        value: problem.value(&x).unwrap(),
        gradient: problem.gradient(&x).unwrap(),
        hessian: problem.hessian(&x).unwrap(),
        product: problem.hessian_vector(&x, &direction(case)).unwrap(),
    }
}

/// Production's stated bounds. It states none for the Hessian-vector product: there the parts of the Hessian carry the
/// same errors as in the Hessian, at most `hessian_error_bound |v|` together, and the products `A v`, `U' (A v)`,
/// `K (..)`, `U (..)` and `A' (..)` add at most `2 (n + d + r + 4)` roundings of
/// `|A|' (|D| + diag(w^2) + |U| |K| |U|') |A| |v|`, r being the rank.
pub fn bounds(case: &Case) -> Answer {
    let problem = Problem::from_instance(&case.instance).unwrap();
    let x = case.x();
    let hessian = problem.hessian_error_bound(&x).unwrap();
    let v = direction(case).abs();
    let parts = problem
        .loss()
        .hessian(&problem.logits(&x).unwrap())
        .unwrap();
    let a = case.instance.matrix().to_dense().abs();
    let image = &a * &v;
    let middle = parts.diagonal.abs().component_mul(&image)
        + problem.squared_weights().component_mul(&image)
        + parts.basis.abs() * (parts.core.abs() * parts.basis.abs().tr_mul(&image));
    let roundings = 2.0 * (a.nrows() + a.ncols() + parts.core.nrows() + 4) as f64 * UNIT;
    let product = &hessian * &v + a.tr_mul(&middle) * roundings;
    Answer {
        value: problem.loss_error_bound(&x).unwrap(),
        gradient: problem.gradient_error_bound(&x).unwrap(),
        product: product.map(|bound| bound + f64::MIN_POSITIVE),
        hessian,
    }
}

/// Every entry that is farther from the truth than its bound, described.
pub fn faults(case: &Case, answer: &Answer, truth: &Truth, bounds: &Answer) -> Vec<String> {
    let mut found = Vec::new();
    let mut compare = |name: String, ours: f64, truth: High, bound: f64| {
        // A number that is not finite cannot be lifted and is a fault whatever the bound.
        let off = High::lift(ours).ok().map(|ours| (ours - truth).abs());
        let bound = High::lift(bound).unwrap_or(High::ZERO);
        if !off.is_some_and(|off| off <= bound) {
            found.push(format!(
                "{name}: ours {ours:e} oracle {} off {} > {}   {} of seed {SEED}, {} x {}",
                truth.scientific(17),
                off.map_or_else(|| "NaN".to_owned(), |off| off.scientific(3)),
                bound.scientific(3),
                case.origin,
                case.instance.rows(),
                case.instance.columns(),
            ));
        }
    };
    compare("value".to_owned(), answer.value, truth.value, bounds.value);
    for i in 0..truth.gradient.len() {
        compare(
            format!("gradient[{i}]"),
            answer.gradient[i],
            truth.gradient[i],
            bounds.gradient[i],
        );
        compare(
            format!("product[{i}]"),
            answer.product[i],
            truth.product[i],
            bounds.product[i],
        );
        for j in 0..truth.gradient.len() {
            compare(
                format!("hessian[{i}, {j}]"),
                answer.hessian[(i, j)],
                truth.hessian[(i, j)],
                bounds.hessian[(i, j)],
            );
        }
    }
    found
}
