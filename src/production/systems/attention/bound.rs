//! A proven bound on the distance to a minimiser, by the theorem of Newton and Kantorovich.
//!
//! ```text
//! X + T1 D T2'    Y + T3 E        u = (D, E), lengths in the Frobenius norm        T1 = V1 S1^-1 and so on, as computed
//! G >= || grad L(0) ||    mu <= lambda_min(Hess L(0))    K >= || Hess L(u) - Hess L(v) || / || u - v || for || u || <= 2 G / mu
//! h = K G / mu^2 <= 1/2:    a strict minimiser within t = 2 G / (mu (1 + sqrt(1 - 2 h)))
//! ```
//!
//! On what the whitened directions span, which is everything that the loss sees: X and Y as printed are the origin, whatever
//! they are, and nothing rests on how accurate T1, T2 and T3 are. G and mu come from [`hessian`] in midpoints and radii, K from
//! [`third`].
//!
//! | file | what lives there |
//! |---|---|
//! | `enclosed` | matrices with a radius for each entry |
//! | `hessian` | gradient and Hessian of the whole loss around X and Y |
//! | `third` | the Lipschitz constant of the Hessian |

mod enclosed;
mod hessian;
#[cfg(test)]
mod tests;
mod third;

use crate::production::error_bound::{Bounded, SLACK};
use crate::production::factor::lowest::lowest_eigenpair;
use crate::production::kernels::operator::Gram;
use crate::production::systems::attention::coordinates::Coordinates;
use crate::production::systems::curvature::LARGEST_ORDER;
use crate::system::Given;

use enclosed::{Enclosed, spectral_norm};
use hessian::Around;

/// The largest h that counts as at most 1/2, whatever was rounded on the way.
const LARGEST_PRODUCT: f64 = 0.49;
/// Parts of the estimated lowest eigenvalue of which it is tried to prove that the Hessian exceeds them.
const PARTS: [f64; 3] = [0.9375, 0.75, 0.25];

/// A bound of `|| (X, Y) - (X*, Y*) ||` and what it rests on.
pub(super) struct Proven {
    pub(super) bound: f64,
    pub(super) basis: String,
}

/// The distance from X and Y, row by row in one vector, to a strict minimiser on the visible directions; or why nothing is proven.
pub(super) fn bound(given: &Given, of: &Coordinates, point: &[f64]) -> Result<Proven, String> {
    let order = of.first.rank() * of.second.rank() + of.third.rank() * given.size("m");
    if order > LARGEST_ORDER {
        return Err(format!(
            "X and Y have {order} visible entries together, and the Hessian is bounded from below up to {LARGEST_ORDER}"
        ));
    }
    if order == 0 {
        return Err("the loss sees nothing of X and Y".to_owned());
    }
    let back = [&of.first, &of.second, &of.third].map(|factor| factor.unwhitening());
    let around = Around::new(given, of, &back, point);
    let gradient = around.gradient().norm_bound();
    let mu = least_curvature(&around.hessian())
        .ok_or("the Hessian over X and Y is not proven to be positive definite")?;
    let ball = 2.0 * gradient / mu * SLACK;
    let lipschitz = around.lipschitz(ball);
    let product = lipschitz * gradient / (mu * mu) * SLACK;
    if product.is_nan() || product > LARGEST_PRODUCT {
        return Err(format!(
            "the Newton-Kantorovich product {product:.3e} is not below 1/2: gradient {gradient:.3e}, Hessian >= {mu:.3e}, its Lipschitz constant {lipschitz:.3e} \
             in whitened unknowns"
        ));
    }
    let radius = 2.0 * gradient / (mu * (1.0 + (1.0 - 2.0 * product).sqrt())) * SLACK;
    let [first, second, third] = back.map(|matrix| spectral_norm(&Enclosed::exact(matrix)));
    let bound = radius * (first * second).max(third) * SLACK;
    if !bound.is_finite() {
        return Err("the bound overflows".to_owned());
    }
    Ok(Proven {
        bound,
        basis: format!(
            "Newton-Kantorovich on the visible directions of X and Y, to a strict local minimiser: Hessian >= {mu:.3e} and Lipschitz with \
             {lipschitz:.3e} in whitened unknowns"
        ),
    })
}

/// A positive number that the smallest eigenvalue is proven to exceed, if one is found.
fn least_curvature(hessian: &Enclosed) -> Option<f64> {
    let matrix = Gram::from_lower(hessian.mid.nrows(), |i, j| hessian.mid[(i, j)]);
    let (estimate, _) = lowest_eigenpair(&matrix)?;
    let bounded = Bounded {
        matrix,
        error: hessian.radius_norm(),
    };
    bounded.exceeds_part(&PARTS, estimate, None)
}
