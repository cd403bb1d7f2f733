//! A, b and lambda, each divided by a power of two, so that no square leaves the range of f64.
//!
//! ```text
//! A = 2^a A^    lambda = 2^(2 e) l    e >= a    N = A'A + lambda I = 2^(2 e) (s A^'A^ + l I),  s = 2^(2 (a - e))
//! ```
//!
//! with e such that both s and l are at most about 1. Each right side, and each column of x, has an exponent of its own.

use std::sync::Arc;

use crate::instance::DesignMatrix;
use crate::instance::row_major::RowMajor;
use crate::production::double::{self, Double};
use crate::production::error_bound::SLACK;
use crate::production::summation::norm;
use crate::production::systems::linear::answer::Values;
use crate::production::systems::linear::normal::Normal;
use crate::production::systems::linear::scaled::{Scaled, ScaledMatrix, exponent, times_power};
use crate::production::systems::linear::triangular::Triangular;
use crate::production::systems::linear::vector::{Map, ScaledVector};
use crate::scalar::rounding::UNIT;
use crate::system::{Array, Given};

/// A regression.
pub(super) struct Problem {
    a: ScaledMatrix,
    /// `|| A^ ||_F`, as a bound.
    pub(super) frobenius: f64,
    /// lambda.
    pub(super) ridge: Scaled,
    /// e.
    pub(super) exponent: i64,
    /// l.
    pub(super) lambda: f64,
    /// The columns of b.
    pub(super) targets: Vec<ScaledVector>,
}

/// A column of a point: residual, gradient and how far they may be off.
pub(super) struct Column {
    /// `A x - b` in twice the precision.
    pub(super) residual: ScaledVector,
    /// `A' (A x - b) + lambda x` likewise.
    pub(super) gradient: ScaledVector,
    /// Bounds of what both are off by, in the norm.
    pub(super) off: [Scaled; 2],
    /// `lambda || x ||^2`.
    pub(super) penalty: Scaled,
}

impl Problem {
    /// Of an instance.
    pub(super) fn of(given: &Given) -> Self {
        let a = ScaledMatrix::of(given);
        let ridge = given.scalar("ridge");
        let half = (exponent(ridge) + 1).div_euclid(2);
        let exponent = if ridge > 0.0 {
            a.exponent.max(half)
        } else {
            a.exponent
        };
        let values = given.array("target").map_or(&[][..], Array::values);
        let rows = a.rows();
        Self {
            frobenius: norm(rows.block(0, rows.rows())) * SLACK,
            ridge: Scaled::of(ridge),
            exponent,
            lambda: times_power(ridge, -2 * exponent),
            targets: columns(values, right_sides(given)),
            a,
        }
    }

    /// Rows and columns of A.
    pub(super) fn shape(&self) -> [usize; 2] {
        [self.rows().rows(), self.rows().columns()]
    }

    /// `sqrt(|| A ||_F^2 + lambda)`.
    pub(super) fn size(&self) -> Scaled {
        let frobenius = Scaled {
            value: self.frobenius,
            exponent: self.a.exponent,
        };
        square(frobenius).plus(self.ridge).root()
    }

    /// `A^`.
    pub(super) fn rows(&self) -> &RowMajor {
        self.a.rows()
    }

    /// Products with A.
    pub(super) fn map(&self) -> Map<'_> {
        Map::new(&self.a)
    }

    /// s.
    pub(super) fn shrink(&self) -> f64 {
        times_power(1.0, 2 * (self.a.exponent - self.exponent))
    }

    /// A matrix whose Gram matrix is `s A^'A^ + l I`, up to two roundings of l: A^ itself, or with rows for lambda below it.
    pub(super) fn augmented(&self) -> Arc<DesignMatrix> {
        if self.lambda == 0.0 {
            return self.a.design.clone();
        }
        let [n, d] = self.shape();
        let mut whole = RowMajor::zeros(n + d, d);
        for i in 0..n {
            for (place, entry) in whole.row_mut(i).iter_mut().zip(self.rows().row(i)) {
                *place = times_power(*entry, self.a.exponent - self.exponent);
            }
        }
        for j in 0..d {
            whole.row_mut(n + j)[j] = self.lambda.sqrt();
        }
        Arc::new(DesignMatrix::Dense(whole))
    }

    /// A factor of N divided by its power of two; `None` where columns are dependent to rounding. What it proves is wanted or not.
    pub(super) fn factor(&self, seed: u64, wanted: bool) -> Option<Triangular> {
        let mut factor = Triangular::new(&self.augmented(), seed, wanted)?;
        if self.lambda > 0.0 {
            // The root of l and its square are rounded: 3 units of l, of which N has at least as much.
            factor.lowest *= 1.0 - 4.0 * UNIT;
        }
        Some(factor)
    }

    /// `N y = v` for N divided by its power of two; `solve` is what is done with it.
    pub(super) fn with_normal<T>(&self, solve: impl FnOnce(&Normal<'_>) -> T) -> T {
        let (rows, shrink) = (self.rows(), self.shrink());
        let (up, down) = double::roundings(rows);
        let square = shrink * self.frobenius * self.frobenius;
        let product = |y: &Double| {
            let mut image = double::transpose_multiply(rows, &double::multiply(rows, y));
            image.scale(shrink);
            if self.lambda > 0.0 {
                image.plus(1.0, &y.times(self.lambda))
            } else {
                image
            }
        };
        let sums = 8.0 * UNIT * UNIT * (square + self.lambda);
        solve(&Normal {
            product: &product,
            rounding: (up + down) * square + sums + self.underflow(),
            size: square + self.lambda,
        })
    }

    /// What products that become subnormal lose, for entries of at most about 1.
    pub(super) fn underflow(&self) -> f64 {
        let [n, d] = self.shape();
        f64::MIN_POSITIVE * (n as f64 + 1.0) * (d as f64 + 1.0)
    }

    /// `A'b` of one column, and a bound of what it is off by in units of its power of two.
    pub(super) fn projected(&self, map: &Map<'_>, c: usize, double: bool) -> (ScaledVector, f64) {
        let target = &self.targets[c];
        let v = map.backward(target, double);
        let (_, down) = double::roundings(self.rows());
        let of_sum = Scaled {
            value: (down * self.frobenius * target.vector.norm() + self.underflow()) * SLACK,
            exponent: target.exponent + self.a.exponent,
        };
        let off = of_sum.at(v.exponent);
        (v, off)
    }

    /// Residual and gradient of one column at x, with twice the precision or without; bounds hold for twice the precision.
    pub(super) fn column(&self, map: &Map<'_>, c: usize, x: &ScaledVector, double: bool) -> Column {
        let (up, down) = double::roundings(self.rows());
        let target = &self.targets[c];
        let image = map.forward(x, double);
        let residual = image.minus(target);
        let scaled = |value: f64, exponent: i64| Scaled { value, exponent };
        let size = self.frobenius * x.vector.norm() * SLACK;
        let at = x.exponent + self.a.exponent;
        let of_image = scaled(up * size + self.underflow(), at);
        let squared = 4.0 * UNIT * UNIT;
        let of_residual = [
            of_image,
            scaled(squared * size, at),
            scaled(
                squared * target.vector.norm() + self.underflow(),
                target.exponent,
            ),
        ]
        .into_iter()
        .fold(scaled(0.0, at), Scaled::plus);
        let pulled = map.backward(&residual, double);
        let shrunk = x.times(self.ridge);
        let gradient = pulled.minus(&shrunk.times(scaled(-1.0, 0)));
        let through = scaled(self.frobenius, self.a.exponent);
        let of_gradient = [
            through.times(of_residual),
            through.times(scaled(down * residual.vector.norm(), residual.exponent)),
            scaled(self.underflow(), residual.exponent + self.a.exponent),
            scaled(squared * pulled.vector.norm(), pulled.exponent),
            scaled(2.0 * squared * shrunk.vector.norm(), shrunk.exponent),
        ]
        .into_iter()
        .fold(scaled(0.0, at), Scaled::plus);
        let length = x.norm();
        let widened = |bound: Scaled| scaled(bound.value * SLACK, bound.exponent);
        Column {
            penalty: length.times(length).times(self.ridge),
            residual,
            gradient,
            off: [widened(of_residual), widened(of_gradient)],
        }
    }

    /// Loss and gradient at x, by columns, with what the tolerance is relative to.
    pub(super) fn values(&self, map: &Map<'_>, x: &[ScaledVector], double: bool) -> Values {
        let zero = Scaled::of(0.0);
        let mut squares = [zero; 4];
        for (c, x) in x.iter().enumerate() {
            let column = self.column(map, c, x, double);
            let rounding = self.of_rounding(map, x);
            let start = self.projected(map, c, false).0;
            let residual = column.residual.norm();
            let terms = [
                residual.times(residual).plus(column.penalty),
                square(column.gradient.norm()),
                square(start.norm()),
                square(rounding.norm()),
            ];
            for (sum, term) in squares.iter_mut().zip(terms) {
                *sum = sum.plus(term);
            }
        }
        let [loss, gradient, start, noise] = squares;
        Values {
            loss: loss.times(Scaled::of(0.5)),
            gradient: gradient.root(),
            start: start.root(),
            noise: noise.root(),
        }
    }

    /// N times what rounding x does, with signs in turn.
    fn of_rounding(&self, map: &Map<'_>, x: &ScaledVector) -> ScaledVector {
        let signs = x.vector.high.iter().enumerate();
        let signs = signs.map(|(j, x)| if j % 2 == 0 { x * UNIT } else { -x * UNIT });
        let off = ScaledVector {
            vector: Double::of(signs.collect()),
            exponent: x.exponent,
        };
        let minus = Scaled::of(-1.0);
        map.backward(&map.forward(&off, false), false)
            .minus(&off.times(self.ridge).times(minus))
    }
}

fn square(norm: Scaled) -> Scaled {
    norm.times(norm)
}

/// N, which is 1 for a single right side.
pub(super) fn right_sides(given: &Given) -> usize {
    let target = given.array("target");
    target
        .and_then(|target| target.shape().get(1).copied())
        .unwrap_or(1)
}

/// The columns of a matrix by rows, with `count` of them.
pub(super) fn columns(values: &[f64], count: usize) -> Vec<ScaledVector> {
    (0..count)
        .map(|c| {
            let column: Vec<f64> = values.iter().skip(c).step_by(count).copied().collect();
            ScaledVector::of(&column)
        })
        .collect()
}

/// A matrix by rows from its columns.
pub(super) fn by_rows(columns: &[Vec<f64>]) -> Vec<f64> {
    let length = columns.first().map_or(0, Vec::len);
    (0..length)
        .flat_map(|j| columns.iter().map(move |column| column[j]))
        .collect()
}
