//! Linear regression at 40 digits, from its closed forms. The oracle, which decides, knows none of them.

use nalgebra::{Cholesky, DMatrix, Dyn};

use crate::claims::tools::exact::unit;
use crate::claims::{Case, CheckError};
use crate::oracle::{Reference, lift_matrix, lift_vector};
use crate::scalar::{Allowance, Ball, High};
use crate::system::{Array, Given};

/// Why closed forms are granted so much.
const ROUNDINGS: &str = "64 (n + d) roundings of the terms";
const SOLVES: &str = "64 (n + d) roundings of the terms, times the condition of A'A + lambda I";

/// An instance.
#[derive(Clone, Debug)]
pub struct Model {
    /// A (n x d).
    pub a: DMatrix<High>,
    /// b (n x N).
    pub b: DMatrix<High>,
    /// The first point (d x N).
    pub x: DMatrix<High>,
    /// lambda.
    pub ridge: High,
}

/// The answer, and what is solved with on the way.
pub struct Solved {
    factor: Cholesky<High, Dyn>,
    /// The square of the ratio of the extreme pivots of `A'A + lambda I` after its diagonal was made 1.
    pub condition: High,
    scale: Vec<High>,
    /// x* (d x N).
    pub x: DMatrix<High>,
    /// `2 L(x*)`.
    pub least: High,
}

impl Model {
    /// Of a case.
    pub fn of(case: &Case<Given>) -> Self {
        let given = &case.instance;
        let lifted = |value: f64| High::lift(value).unwrap_or(High::POISONED);
        let by_rows = |values: &[f64], rows: usize| {
            let columns = values.len() / rows.max(1);
            DMatrix::from_row_iterator(rows, columns, values.iter().copied().map(lifted))
        };
        let target = given.array("target").map_or(&[][..], Array::values);
        Self {
            a: lift_matrix(&given.matrix("matrix", "n", "d")),
            b: by_rows(target, given.size("n")),
            x: by_rows(&given.start(), given.size("d")),
            ridge: lifted(given.scalar("ridge")),
        }
    }

    /// `A'A + lambda I`.
    pub fn normal(&self) -> DMatrix<High> {
        let mut gram = self.a.tr_mul(&self.a);
        for j in 0..gram.ncols() {
            gram[(j, j)] += self.ridge;
        }
        gram
    }

    /// `A x - b`.
    pub fn residual(&self, x: &DMatrix<High>) -> DMatrix<High> {
        &self.a * x - &self.b
    }

    /// `2 L(x)`.
    pub fn twice_loss(&self, x: &DMatrix<High>) -> High {
        square(&self.residual(x)) + self.ridge * square(x)
    }

    /// The terms that `2 L(x)` is made of, added up in size.
    pub fn size(&self, x: &DMatrix<High>) -> High {
        let image = self.a.abs() * x.abs() + self.b.abs();
        square(&image) + self.ridge * square(x)
    }

    /// The answer; `None` where `A'A + lambda I` is not definite to 10^-20.
    pub fn solved(&self) -> Option<Solved> {
        let normal = self.normal();
        let scale: Vec<High> = normal
            .diagonal()
            .iter()
            .map(|entry| entry.sqrt().recip())
            .collect();
        if scale.iter().any(|entry| entry.is_poisoned()) {
            return None;
        }
        let d = normal.ncols();
        let factor = Cholesky::new(DMatrix::from_fn(d, d, |i, j| {
            normal[(i, j)] * scale[i] * scale[j]
        }))?;
        let pivots = factor.l_dirty().diagonal();
        let least = pivots.iter().copied().reduce(High::min)?;
        let condition = (pivots.iter().copied().reduce(High::max)? / least).square();
        // Comparisons in the positive: poisoned numbers are no proof.
        let definite = condition <= High::ONE.shifted(20);
        let mut solved = definite.then_some(Solved {
            factor,
            condition,
            scale,
            x: DMatrix::zeros(0, 0),
            least: High::ZERO,
        })?;
        solved.x = solved.solve(&self.a.tr_mul(&self.b));
        solved.least = self.twice_loss(&solved.x);
        Some(solved)
    }

    /// One rounding for each of the operations behind an entry, at most.
    pub fn roundings(&self) -> Allowance<High> {
        let sides = (self.a.nrows() + self.a.ncols()) as i64;
        Allowance::new(High::int(64 * sides) * unit(), ROUNDINGS)
    }

    /// The same after a solve.
    pub fn after(&self, solved: &Solved) -> Allowance<High> {
        Allowance::new(self.roundings().size() * solved.condition, SOLVES)
    }
}

impl Solved {
    /// `(A'A + lambda I)^-1 v`.
    pub fn solve(&self, v: &DMatrix<High>) -> DMatrix<High> {
        let scaled = |v: &DMatrix<High>| {
            DMatrix::from_fn(v.nrows(), v.ncols(), |i, c| v[(i, c)] * self.scale[i])
        };
        scaled(&self.factor.solve(&scaled(v)))
    }

    /// `a_i (A'A + lambda I)^-1 a_i'` for each row: the leverage scores, or the ridge scores.
    pub fn scores(&self, model: &Model) -> Vec<High> {
        let columns = model.a.transpose();
        let solved = self.solve(&columns);
        (0..columns.ncols())
            .map(|i| columns.column(i).dot(&solved.column(i)))
            .collect()
    }
}

/// The sum of the squares.
pub fn square(m: &DMatrix<High>) -> High {
    m.iter().map(|entry| entry.square()).sum()
}

/// The loss of an instance at a point of 40 digits, from the oracle.
pub fn loss(given: &Given, x: &DMatrix<High>) -> Result<Ball, CheckError> {
    let x = x.transpose();
    let point = nalgebra::DVector::from_column_slice(x.as_slice());
    Ok(Reference::of(given)?.enclose_loss(&point)?)
}

/// The first point as the oracle takes it.
pub fn point(case: &Case<Given>) -> nalgebra::DVector<High> {
    lift_vector(&case.instance.start().into())
}
