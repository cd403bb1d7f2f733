//! Pools at 40 digits: linear regression with each row times the root of its measure.

use nalgebra::{DMatrix, DVector};

use crate::claims::leverage_regression::model::{Model, Solved};
use crate::claims::tools::exact::unit;
use crate::claims::{Case, Outside};
use crate::oracle::{lift_matrix, lift_vector};
use crate::scalar::{Allowance, High};
use crate::system::{Array, Given};

/// A pool.
pub struct Pool {
    /// P (n x d).
    pub p: DMatrix<High>,
    /// y.
    pub labels: DVector<High>,
    /// D.
    pub measure: Vec<High>,
    /// `D^1/2 P`, `D^1/2 y` and the first point.
    pub model: Model,
}

/// A pool whose functions are independent.
pub struct Independent {
    /// The pool.
    pub pool: Pool,
    /// Its answer.
    pub solved: Solved,
    /// `D_i p_i (P'DP)^-1 p_i'`.
    pub scores: Vec<High>,
}

/// Columns of P, each over the root of its square in the measure.
pub struct Normalised {
    /// The functions (n x d).
    pub v: DMatrix<High>,
    /// Their Gram matrix in the measure.
    pub gram: DMatrix<High>,
    /// The largest size of an entry beside its diagonal.
    pub rho: High,
}

impl Pool {
    /// Of a case.
    pub fn of(case: &Case<Given>) -> Self {
        let given = &case.instance;
        let p = lift_matrix(&given.matrix("pool", "n", "d"));
        let lifted = |value: &f64| High::lift(*value).unwrap_or(High::POISONED);
        let labels = given.array("labels").map_or(&[][..], Array::values);
        let labels = DVector::from_iterator(labels.len(), labels.iter().map(lifted));
        let measure: Vec<High> = given
            .repeated("measure", p.nrows())
            .iter()
            .map(lifted)
            .collect();
        let root = |i: usize| measure[i].sqrt();
        let x = lift_vector(&given.start().into());
        let model = Model {
            a: DMatrix::from_fn(p.nrows(), p.ncols(), |i, j| p[(i, j)] * root(i)),
            b: DMatrix::from_fn(p.nrows(), 1, |i, _| labels[i] * root(i)),
            x: DMatrix::from_column_slice(x.len(), 1, x.as_slice()),
            ridge: High::ZERO,
        };
        Self {
            p,
            labels,
            measure,
            model,
        }
    }

    /// The measure of all points.
    pub fn total(&self) -> High {
        self.measure.iter().copied().sum()
    }

    /// Its functions with squares of 1; outside where one is 0.
    pub fn normalised(&self) -> Result<Normalised, Outside> {
        let gram = self.model.normal();
        let scale: Vec<High> = gram.diagonal().iter().map(|e| e.sqrt().recip()).collect();
        if scale.iter().any(|entry| entry.is_poisoned()) {
            return Err(Outside::Premise);
        }
        let (n, d) = self.p.shape();
        let gram = DMatrix::from_fn(d, d, |i, j| gram[(i, j)] * scale[i] * scale[j]);
        let mut rho = High::ZERO;
        for i in 0..d {
            for j in 0..i {
                rho = rho.max(gram[(i, j)].abs());
            }
        }
        Ok(Normalised {
            v: DMatrix::from_fn(n, d, |i, j| self.p[(i, j)] * scale[j]),
            gram,
            rho,
        })
    }

    /// What rounding makes of an entry of a normalised Gram matrix, d times.
    pub fn of_gram(&self) -> Allowance<High> {
        self.model.roundings() * High::int(self.p.ncols() as i64)
    }
}

impl Independent {
    /// Of a case; outside where functions are dependent to 10^-20.
    pub fn of(case: &Case<Given>) -> Result<Self, Outside> {
        let pool = Pool::of(case);
        let solved = pool.model.solved().ok_or(Outside::Rank)?;
        let scores = solved.scores(&pool.model);
        Ok(Self {
            pool,
            solved,
            scores,
        })
    }

    /// What a solve loses.
    pub fn after(&self) -> Allowance<High> {
        self.pool.model.after(&self.solved)
    }

    /// `g = y - P x*`.
    pub fn noise(&self) -> DVector<High> {
        let fitted = &self.pool.p * self.solved.x.column(0);
        &self.pool.labels - fitted
    }

    /// `sup_i l_i / q_i`, the condition number of draws by q, a share for each point; points of score 0 do not count.
    pub fn condition(&self, shares: &[High]) -> High {
        self.scores
            .iter()
            .zip(shares)
            .filter(|(score, _)| **score > unit())
            .map(|(score, share)| *score / *share)
            .fold(High::ZERO, High::max)
    }
}

/// The first of a pair, or the verdict that it is outside.
macro_rules! inside {
    ($found:expr) => {
        match $found {
            Ok(found) => found,
            Err(outside) => return Ok($crate::claims::Verdict::Outside(outside)),
        }
    };
}
pub(super) use inside;
