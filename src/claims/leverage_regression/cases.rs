//! Which regressions a claim is tried on.

use nalgebra::DMatrix;

use crate::claims::cases::{edges_of_shapes, posed_at};
use crate::claims::tools::decade::decade;
use crate::claims::{Case, Cases, CheckError, Stratum};
use crate::instance::sample::{self, Stream};
use crate::system::{Array, Given, LEVERAGE_REGRESSION};

/// What the rows of A are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    /// Dyadic, the last column over decades of size.
    Any,
    /// As `Any`, with at least as many rows as columns.
    Tall,
    /// As `Any`, with as many rows as columns.
    Square,
    /// As `Tall`, with singular values from 1 down to 10^-7 in turn.
    Conditioned,
    /// 60 to 90 of them, every second case with one a hundred times as long, one right side unless there are to be more.
    Many,
    /// One entry each, so that rows lie on axes; every axis has a row.
    Axes,
    /// One column: the first row stands apart, all others are 1 with a target of 0.
    Apart,
}

/// Small regressions.
#[derive(Clone, Copy, Debug)]
pub struct LinearCases {
    /// What the rows are like.
    pub rows: Rows,
    /// lambda, in turn.
    pub ridges: &'static [f64],
    /// Right sides, in turn; 0 is a target without a second axis.
    pub right: &'static [usize],
    /// Random cases in a default run.
    pub cases: usize,
}

const COLUMNS: [i32; 5] = [0, -3, -7, -10, 2];
const TARGETS: [i32; 4] = [0, 10, -7, 3];
const ACCURACIES: [f64; 3] = [0.25, 0.125, 0.5];
const DELTAS: [f64; 3] = [0.0078125, 0.0625, 0.03125];

impl LinearCases {
    /// Of any shape.
    pub const ALL: Self = Self {
        rows: Rows::Any,
        ridges: &[0.0, 0.015625, 4.0],
        right: &[0, 1, 3],
        cases: 48,
    };
    /// Of full column rank, unless rows happen to be dependent.
    pub const TALL: Self = Self {
        rows: Rows::Tall,
        ..Self::ALL
    };
    /// Without a ridge, one right side.
    pub const PLAIN: Self = Self {
        rows: Rows::Tall,
        ridges: &[0.0],
        right: &[0],
        ..Self::ALL
    };
    /// Enough rows to draw from.
    pub const MANY: Self = Self {
        rows: Rows::Many,
        cases: 10,
        ..Self::PLAIN
    };

    fn in_shape(
        &self,
        index: usize,
        [n, d]: [usize; 2],
        rng: &mut Stream,
    ) -> Result<Case<Given>, CheckError> {
        let order = |turn: usize, orders: &[i32]| 2f64.powi(orders[turn % orders.len()]);
        let mut a = DMatrix::from_fn(n, d, |_, _| sample::dyadic(rng, 2));
        match self.rows {
            Rows::Any | Rows::Tall | Rows::Square => {
                let mut last = a.column_mut(d - 1);
                last *= order(index, &COLUMNS);
            }
            Rows::Conditioned => {
                let condition = 10f64.powi([0, 2, 4, 6, 7][index % 5]);
                a = sample::conditioned_matrix(rng, n, d, 1.0, condition);
            }
            Rows::Many if index % 2 == 1 => {
                let mut long = a.row_mut(n / 2);
                long *= 128.0;
            }
            Rows::Many => {}
            Rows::Axes => {
                a = DMatrix::from_fn(n, d, |i, j| {
                    let size = order(index + i, &COLUMNS);
                    if i % d == j { size } else { 0.0 }
                });
            }
            Rows::Apart => {
                let size = order(index, &[-2, -3, 0, -5, 3]);
                a = DMatrix::from_fn(n, d, |i, _| if i == 0 { size } else { 1.0 });
            }
        }
        let right = self.right[index % self.right.len()];
        let scale = order(index, &TARGETS);
        let mut b = DMatrix::from_fn(n, right.max(1), |_, _| sample::dyadic(rng, 1) * scale);
        if self.rows == Rows::Apart {
            b.fill(0.0);
            b[(0, 0)] = scale;
        }
        let x: Vec<f64> = (0..d * right.max(1))
            .map(|_| sample::dyadic(rng, 1))
            .collect();
        let target = if right == 0 {
            Array::vector(&b.column(0).into_owned())
        } else {
            Array::matrix(&b)
        };
        let scalar = |name: &str, values: &[f64], turn: usize| {
            (name.to_owned(), Array::scalar(values[turn % values.len()]))
        };
        let arrays = vec![
            ("matrix".to_owned(), Array::matrix(&a)),
            ("target".to_owned(), target),
            scalar("ridge", self.ridges, index / 2),
            scalar("accuracy", &ACCURACIES, index),
            scalar("delta", &DELTAS, index / 3),
        ];
        let given = posed_at(&LEVERAGE_REGRESSION, arrays, x)?;
        Ok(Case::random(index, given, rng))
    }
}

impl Cases for LinearCases {
    type Instance = Given;

    fn speak_of(&self, given: &Given) -> bool {
        given.system().key == LEVERAGE_REGRESSION.key
    }

    fn count(&self) -> usize {
        self.cases
    }

    fn draw(&self, index: usize, rng: &mut Stream) -> Result<Case<Given>, CheckError> {
        let mut pick = |low: i64, high: i64| sample::integer(rng, low, high) as usize;
        let d = pick(1, 3);
        let shape = match self.rows {
            Rows::Any => [pick(1, 6), d],
            Rows::Square => [d, d],
            Rows::Tall | Rows::Conditioned => [d + pick(0, 4), d],
            Rows::Many => [pick(60, 90), d],
            Rows::Axes => [(d + 1) * pick(1, 5), d + 1],
            Rows::Apart => [pick(50, 90), 1],
        };
        self.in_shape(index, shape, rng)
    }

    /// One entry, one row, one column, a square, a tall one.
    fn edges(&self, rng: &mut Stream) -> Result<Vec<Case<Given>>, CheckError> {
        let shapes: &[[usize; 2]] = match self.rows {
            Rows::Any => &[[1, 1], [1, 3], [4, 1], [2, 2], [5, 2]],
            Rows::Tall | Rows::Conditioned => &[[1, 1], [4, 1], [2, 2], [5, 2]],
            Rows::Square => &[[1, 1], [2, 2], [3, 3]],
            Rows::Many => &[],
            Rows::Axes => &[[1, 1], [2, 2], [4, 4]],
            Rows::Apart => &[[2, 1], [65, 1]],
        };
        edges_of_shapes(shapes, 3, |index, shape| self.in_shape(index, shape, rng))
    }

    fn strata(&self, case: &Case<Given>) -> Vec<Stratum> {
        let given = &case.instance;
        let [n, d] = ["n", "d"].map(|side| given.size(side));
        let mut strata = Vec::new();
        if n > 0 && d > 0 {
            let values = given.matrix("matrix", "n", "d").singular_values();
            let condition = values.max() / values.min();
            strata.push(Stratum::Decade("condition of A", decade(condition)));
        }
        let right = given.size("N");
        for (kind, met) in [
            ("n=1", n == 1),
            ("d=1", d == 1),
            ("n=d", n == d),
            ("n<d", n < d),
            ("ridge", given.scalar("ridge") > 0.0),
            ("several right sides", right > 1),
            ("one right side", right <= 1),
        ] {
            if met {
                strata.push(Stratum::Kind(kind));
            }
        }
        strata
    }
}
