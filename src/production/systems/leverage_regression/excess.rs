//! How far the loss at anybody's x is above the least: a proof that rests on nothing but x, in one pass over A.
//!
//! ```text
//! 2 (L(x) - L(x*)) = || A (x - x*) ||^2 + lambda || x - x* ||^2 = g' N^-1 g,    g = A' (A x - b) + lambda x,  N = A'A + lambda I
//! (L(x) - L(x*)) / L(x*) = q / (1 - q),    q = g' N^-1 g / (2 L(x))
//! ```
//!
//! The first line is an identity, so nothing has to be known about how x came about. g is enclosed in twice the precision, the
//! square by a factor of N that is proven to be near to it.

use super::problem::{Problem, columns};
use crate::production::error_bound::SLACK;
use crate::production::settings::Settings;
use crate::production::systems::error::{Refusal, SystemError};
use crate::production::systems::linear::scaled::Scaled;
use crate::production::systems::linear::triangular::Triangular;
use crate::production::systems::linear::vector::{Map, ScaledVector};
use crate::scalar::rounding::UNIT;
use crate::system::{Given, LEVERAGE_REGRESSION};

/// Proven bounds, from below and from above, of how far a loss is above the least.
#[derive(Clone, Debug, PartialEq)]
pub struct Excess {
    /// Of `(L(x) - L(x*)) / L(x*)`. The upper one is infinite where the least loss cannot be told from 0.
    pub relative: [f64; 2],
    /// The same for the worst column of x, taken by itself, and its index.
    pub worst_column: (usize, [f64; 2]),
    /// Of `|| A (x - x*) ||^2 + lambda || x - x* ||^2`, which needs no least loss: infinite or 0 beyond the range of f64.
    pub squared_distance: [f64; 2],
    /// `u || A ||_F || x ||_F`: about what rounding the entries of x to f64 makes of A x; the root of lambda counts like A.
    pub rounding: f64,
    /// How N was factored.
    pub basis: &'static str,
}

/// Bounds of squares, with exponents of their own.
#[derive(Clone, Copy)]
struct Squares {
    /// `g' N^-1 g`.
    energy: [Scaled; 2],
    /// `2 L(x)`.
    loss: [Scaled; 2],
}

impl Squares {
    fn zero() -> Self {
        let zero = Scaled::of(0.0);
        Self {
            energy: [zero; 2],
            loss: [zero; 2],
        }
    }

    fn plus(self, other: Self) -> Self {
        let sum =
            |one: [Scaled; 2], other: [Scaled; 2]| [one[0].plus(other[0]), one[1].plus(other[1])];
        Self {
            energy: sum(self.energy, other.energy),
            loss: sum(self.loss, other.loss),
        }
    }

    /// `q / (1 - q)`.
    fn relative(&self) -> [f64; 2] {
        let least = self.energy[0].over(self.loss[1]) / SLACK;
        let most = self.energy[1].over(self.loss[0]) * SLACK;
        let of = |q: f64| q / (1.0 - q);
        [
            // 0 / 0: a loss of 0 is the least one.
            if least > 0.0 && least < 1.0 {
                of(least) / SLACK
            } else {
                0.0
            },
            if (0.0..1.0).contains(&most) {
                of(most) * SLACK
            } else {
                f64::INFINITY
            },
        ]
    }
}

/// Proven bounds of how far the loss at x, by [`Layout`](crate::system::Layout), is above the least one of a
/// `leverage-regression`.
///
/// Refused: another system, an x of another length or with an entry that is not finite, columns of A that are dependent to
/// rounding where lambda is 0, and an A too near to that for a proof.
pub fn bound_excess(given: &Given, x: &[f64]) -> Result<Excess, SystemError> {
    if given.system().key != LEVERAGE_REGRESSION.key {
        let solves = LEVERAGE_REGRESSION.key;
        return Err(Refusal::System { solves }.into());
    }
    let layout = given.layout();
    if x.len() != layout.dimension() {
        return Err(SystemError::Start(format!(
            "x has {} entries, expected {}",
            x.len(),
            layout.dimension()
        )));
    }
    if let Some(k) = x.iter().position(|value| !value.is_finite()) {
        return Err(SystemError::Start(format!(
            "{} is {}: every entry must be finite",
            layout.entry(k).unwrap_or_default(),
            x[k]
        )));
    }
    let problem = Problem::of(given);
    let factor = problem
        .factor(Settings::default().seed, true)
        .ok_or(Refusal::Dependent)?;
    let x = columns(x, problem.targets.len());
    let found = of(&problem, &problem.map(), &factor, &x);
    Ok(found.ok_or(Refusal::Dependent)?)
}

/// The bounds at x, by columns; `None` where the factor proves too little.
pub(super) fn of(
    problem: &Problem,
    map: &Map<'_>,
    factor: &Triangular,
    x: &[ScaledVector],
) -> Option<Excess> {
    let mut total = Squares::zero();
    let mut size = Scaled::of(0.0);
    let mut worst = (0, [0.0, 0.0]);
    for (c, x) in x.iter().enumerate() {
        let squares = of_column(problem, map, factor, c, x)?;
        let relative = squares.relative();
        if c == 0 || relative[1] > worst.1[1] {
            worst = (c, relative);
        }
        total = total.plus(squares);
        size = size.plus(x.norm().times(x.norm()));
    }
    Some(Excess {
        relative: total.relative(),
        worst_column: worst,
        squared_distance: [total.energy[0].get() / SLACK, total.energy[1].get() * SLACK],
        rounding: problem.size().times(size.root()).get() * UNIT,
        basis: factor.made,
    })
}

fn of_column(
    problem: &Problem,
    map: &Map<'_>,
    factor: &Triangular,
    c: usize,
    x: &ScaledVector,
) -> Option<Squares> {
    let column = problem.column(map, c, x, true);
    let [of_residual, of_gradient] = column.off;
    let gradient = &column.gradient;
    let tail = gradient.vector.tail();
    let off = of_gradient.at(gradient.exponent) + tail;
    let roots = factor.energy_root(&gradient.vector.high, off * SLACK)?;
    // N was divided by 2^(2 e); where lambda is not 0 its factor is off by 4 units more.
    let energy = |root: f64, outward: f64| {
        let root = Scaled {
            value: root * (1.0 + outward * 4.0 * UNIT),
            exponent: gradient.exponent - problem.exponent,
        };
        root.times(root)
    };
    let residual = &column.residual;
    // A norm of n terms, and the tails.
    let rows = problem.shape()[0] as f64 + 8.0;
    let length = residual.vector.norm();
    let around = of_residual.at(residual.exponent) + residual.vector.tail() + rows * UNIT * length;
    let loss = |length: f64, outward: f64| {
        let length = Scaled {
            value: length,
            exponent: residual.exponent,
        };
        let columns = problem.shape()[1] as f64 + 8.0;
        let penalty = Scaled {
            value: column.penalty.value * (1.0 + outward * 2.0 * columns * UNIT),
            ..column.penalty
        };
        length.times(length).plus(penalty)
    };
    Some(Squares {
        energy: [energy(roots[0], -1.0), energy(roots[1], 1.0)],
        loss: [
            loss((length - around * SLACK).max(0.0), -1.0),
            loss(length + around * SLACK, 1.0),
        ],
    })
}

/// What a user should know of the excess where the least loss cannot be told from 0.
pub(super) fn remark(
    problem: &Problem,
    map: &Map<'_>,
    factor: &Triangular,
    x: &[ScaledVector],
) -> Option<String> {
    let excess = of(problem, map, factor, x)?;
    let distance = excess.squared_distance[1].sqrt();
    excess.relative[1].is_infinite().then(|| {
        format!(
            "the least loss cannot be told from 0, so no factor of it can be proven: || A (x - x*) || is at most {distance:.1e}"
        )
    })
}
