//! A proven bound for one pair, by Newton's method (Kantorovich) with an approximate inverse.
//!
//! With `F(v, lambda) = (T(v, .., v, .) - lambda v, (1 - v'v) / 2)`, its Jacobian J at the point, and any matrix R,
//!
//! ```text
//! d = || I - R J ||   e = || R F || / (1 - d)   h = || R || K e / (1 - d) < 1/2
//! ```
//!
//! the map `x - R F(x)` takes the ball of radius `2 e / (1 + sqrt(1 - 2 h))` into itself and contracts there: it holds exactly one
//! zero of F. K bounds the second derivative of F in the ball of radius `2 e`: `(p - 1) (p - 2) || T || (|| v || + 2 e)^(p - 3)` for T,
//! and for `-lambda v` and `-v'v / 2` the largest `4 a^2 b^2 + b^4` for `a^2 + b^2 = 1`, which is `4 / 3`, under a root.

use nalgebra::{DMatrix, DVector};

use super::packed::Packed;
use super::pairs::equations;
use super::settle::bordered;
use crate::production::error_bound::{SLACK, norm_bound, size};
use crate::production::summation::norm;

/// Above `sqrt(4 / 3)`.
const BILINEAR: f64 = 1.154_701;
/// One unit of rounding.
const UNIT: f64 = 0.5 * f64::EPSILON;
/// What products that underflow can do to an entry near 1.
const UNDERFLOW: f64 = 1e-250;

/// How far the pair at hand is from the only one near it, T over `2^exponent`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Proof {
    /// Both together in norm, at most.
    Within(f64),
    /// The Jacobian has no inverse to rounding: pairs may not be isolated.
    Singular,
    /// Its inverse is too large for what the equations leave.
    TooFlat {
        /// `|| R || K e / (1 - d)`, or `1 - d` below 0.
        h: f64,
    },
}

/// The pair `(lambda, v)` with its image `T(v, .., v, .)`, as they are held.
pub(super) fn of(tensor: &Packed, lambda: f64, v: &[f64], image: &[f64]) -> Proof {
    let n = v.len();
    let jacobian = bordered(tensor, lambda, v);
    let length = norm(v);
    let p = tensor.order as f64;
    // Every rounding of the contraction, worst signs.
    let unit = tensor.roundings() * UNIT * SLACK;
    let power = |k: f64| tensor.norm * length.powf(k) * SLACK;
    let off = (p + 1.0) * unit * (power(p - 2.0) + lambda.abs() + length) + UNDERFLOW;
    let (left, half) = equations(lambda, v, image);
    // The image, then a product and a difference; `v'v` is a sum of n terms.
    let image_off = unit * (power(p - 1.0) + lambda.abs() * length);
    let length_off = unit * length * length;
    let equations = norm(left.as_slice()).hypot(half) + image_off + length_off + UNDERFLOW;
    // Inverses beyond this have no right digit.
    let limit = 1.0 / (UNIT * (n + 1) as f64);
    let Some(inverse) = jacobian.clone().try_inverse() else {
        return Proof::Singular;
    };
    let inverse_norm = norm_bound(&inverse);
    if inverse_norm.is_nan() || size(&jacobian) * inverse_norm > limit {
        return Proof::Singular;
    }
    let product = &inverse * &jacobian - DMatrix::<f64>::identity(n + 1, n + 1);
    let multiplied = (n + 4) as f64 * UNIT * size(&inverse) * size(&jacobian);
    let d = (norm_bound(&product) + multiplied + inverse_norm * off) * SLACK;
    if d.is_nan() || d >= 1.0 {
        return Proof::TooFlat { h: d };
    }
    let e = inverse_norm * equations * SLACK / (1.0 - d);
    let reach = length + 2.0 * e;
    let second = (p - 1.0) * (p - 2.0) * tensor.norm * reach.powf(p - 3.0) + BILINEAR;
    let h: f64 = inverse_norm * second * e * SLACK / (1.0 - d);
    if h.is_nan() || h >= 0.5 {
        return Proof::TooFlat { h };
    }
    Proof::Within(2.0 * e / (1.0 + (1.0 - 2.0 * h).sqrt()) * SLACK)
}

/// Whether the Jacobian of a pair has an inverse to rounding.
pub(super) fn is_isolated(tensor: &Packed, lambda: f64, v: &[f64]) -> bool {
    let jacobian = bordered(tensor, lambda, v);
    let limit = 1.0 / (UNIT * (v.len() + 1) as f64);
    let frobenius = size(&jacobian);
    let right = DVector::from_element(v.len() + 1, 1.0);
    jacobian.lu().solve(&right).is_some_and(|solution| {
        let grown = norm(solution.as_slice()) / norm(right.as_slice());
        grown.is_finite() && frobenius * grown <= limit
    })
}
