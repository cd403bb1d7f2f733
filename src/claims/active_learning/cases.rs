//! Which pools a claim is tried on.

use nalgebra::{DMatrix, DVector};

use crate::claims::cases::{edges_of_shapes, posed_at};
use crate::claims::tools::decade::decade;
use crate::claims::{Case, Cases, CheckError, Stratum};
use crate::instance::sample::{self, Stream};
use crate::system::{ACTIVE_LEARNING, Array, Given};

/// What the points of a pool are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Points {
    /// Dyadic, the last function over decades of size.
    Any,
    /// As `Any`, with at least as many points as functions.
    Tall,
    /// Functions whose correlations are all `-rho`, over decades of `1 - (d - 1) rho`, and a faint point where all are equal.
    Correlated,
    /// Indicators of d equal cells.
    Cells,
    /// 40 to 70 of them, every second case with one that lies far out.
    Many,
    /// One function, 1 everywhere, and labels of 0 but at the first point.
    Spike,
}

/// Small pools.
#[derive(Clone, Copy, Debug)]
pub struct PoolCases {
    /// What the points are like.
    pub points: Points,
    /// Whether points are measured by 1, a number, or numbers of their own, in turn; by 1 otherwise.
    pub measured: bool,
    /// Random cases in a default run.
    pub cases: usize,
}

impl PoolCases {
    /// Of any shape.
    pub const ALL: Self = Self {
        points: Points::Any,
        measured: true,
        cases: 40,
    };
    /// Of full rank, unless rows happen to be dependent.
    pub const TALL: Self = Self {
        points: Points::Tall,
        ..Self::ALL
    };
    /// Of equal correlations.
    pub const CORRELATED: Self = Self {
        points: Points::Correlated,
        measured: false,
        cases: 24,
    };
    /// Equal cells.
    pub const CELLS: Self = Self {
        points: Points::Cells,
        measured: false,
        cases: 20,
    };
    /// Enough points to choose from.
    pub const MANY: Self = Self {
        points: Points::Many,
        measured: false,
        cases: 8,
    };

    fn in_shape(
        &self,
        index: usize,
        [n, d]: [usize; 2],
        rng: &mut Stream,
    ) -> Result<Case<Given>, CheckError> {
        let order = |orders: &[i32]| 2f64.powi(orders[index % orders.len()]);
        let mut labels: DVector<f64> = sample::dyadic_vector(rng, n, 1) * order(&[0, 6, -5]);
        let pool = match self.points {
            Points::Any | Points::Tall => {
                let mut pool = DMatrix::from_fn(n, d, |_, _| sample::dyadic(rng, 2));
                let mut last = pool.column_mut(d - 1);
                last *= order(&[0, -3, -7, -10, 2]);
                pool
            }
            Points::Correlated => correlated(d, order(&[0, 1, -1, -3, -8])),
            Points::Cells => DMatrix::from_fn(n, d, |i, j| f64::from(u8::from(i / (n / d) == j))),
            Points::Many => {
                let mut pool = DMatrix::from_fn(n, d, |_, _| sample::dyadic(rng, 2));
                if index % 2 == 1 {
                    let mut far = pool.row_mut(n / 2);
                    far *= 32.0;
                }
                pool
            }
            Points::Spike => {
                labels.fill(0.0);
                labels[0] = order(&[0, 3, -4]);
                DMatrix::from_element(n, d, 1.0)
            }
        };
        let n = pool.nrows();
        if labels.len() != n {
            labels = sample::dyadic_vector(rng, n, 1);
        }
        let measure = match index % 3 {
            1 if self.measured => Array::scalar(0.375),
            2 if self.measured => {
                let measured = DVector::from_fn(n, |i, _| {
                    // Every fifth point is of measure 0, and never the first.
                    let weight = sample::integer(rng, 1, 64) as f64 / 16.0;
                    if i % 5 == 4 { 0.0 } else { weight }
                });
                Array::vector(&measured)
            }
            _ => Array::scalar(1.0),
        };
        let x: Vec<f64> = (0..d).map(|_| sample::dyadic(rng, 1)).collect();
        let budget = match self.points {
            Points::Many => 3 * d + index % 7,
            Points::Spike => 1 + index % 2,
            Points::Any | Points::Tall | Points::Correlated | Points::Cells => {
                [d, n, (d + n).div_ceil(2)][index % 3].max(1)
            }
        };
        let arrays = vec![
            ("pool".to_owned(), Array::matrix(&pool)),
            ("labels".to_owned(), Array::vector(&labels)),
            ("budget".to_owned(), Array::scalar(budget as f64)),
            ("measure".to_owned(), measure),
        ];
        let given = posed_at(&ACTIVE_LEARNING, arrays, x)?;
        Ok(Case::random(index, given, rng))
    }
}

/// Function j is `size` at a point of its own, 1 at one point with each earlier function and -1 at one with each later, and 2^-10 at a
/// point of all: correlations of `-(1 - 2^-20) / (size^2 + d - 1 + 2^-20)`.
fn correlated(d: usize, size: f64) -> DMatrix<f64> {
    let pairs: Vec<[usize; 2]> = (0..d).flat_map(|j| (0..j).map(move |i| [i, j])).collect();
    DMatrix::from_fn(d + pairs.len() + 1, d, |row, j| {
        if row < d {
            if row == j { size } else { 0.0 }
        } else if let Some([i, k]) = pairs.get(row - d) {
            f64::from(i8::from(*k == j) - i8::from(*i == j))
        } else {
            0.0009765625
        }
    })
}

impl Cases for PoolCases {
    type Instance = Given;

    fn speak_of(&self, given: &Given) -> bool {
        given.system().key == ACTIVE_LEARNING.key
    }

    fn count(&self) -> usize {
        self.cases
    }

    fn draw(&self, index: usize, rng: &mut Stream) -> Result<Case<Given>, CheckError> {
        let mut pick = |low: i64, high: i64| sample::integer(rng, low, high) as usize;
        let d = pick(1, 4);
        let shape = match self.points {
            Points::Any => [pick(1, 6), d],
            Points::Tall => [d + pick(0, 5), d],
            // The number of points follows from that of the functions.
            Points::Correlated => [1, d + 1],
            Points::Cells => [(d + 6) * pick(1, 4), d + 6],
            Points::Many => [pick(40, 70), d],
            Points::Spike => [pick(20, 90), 1],
        };
        self.in_shape(index, shape, rng)
    }

    /// One point, one function, as many of both, more points.
    fn edges(&self, rng: &mut Stream) -> Result<Vec<Case<Given>>, CheckError> {
        let shapes: &[[usize; 2]] = match self.points {
            Points::Any => &[[1, 1], [1, 3], [4, 1], [2, 2], [6, 2]],
            Points::Tall => &[[1, 1], [4, 1], [2, 2], [6, 3]],
            Points::Correlated => &[[1, 1], [1, 2], [1, 6]],
            Points::Cells => &[[1, 1], [4, 2], [12, 12]],
            Points::Many => &[],
            Points::Spike => &[[2, 1], [100, 1]],
        };
        edges_of_shapes(shapes, 3, |index, shape| self.in_shape(index, shape, rng))
    }

    fn strata(&self, case: &Case<Given>) -> Vec<Stratum> {
        let given = &case.instance;
        let [n, d] = ["n", "d"].map(|side| given.size(side));
        let measure = given.repeated("measure", n);
        let mut pool = given.matrix("pool", "n", "d");
        // Products of entries and roots at the ends of f64 leave its range.
        let most = |values: &[f64]| values.iter().fold(0.0_f64, |most, v| most.max(v.abs()));
        let (size, heaviest) = (most(pool.as_slice()), most(&measure));
        if size > 0.0 && heaviest > 0.0 {
            for (mut row, weight) in pool.row_iter_mut().zip(&measure) {
                let root = weight.sqrt() / heaviest.sqrt();
                row.iter_mut()
                    .for_each(|entry| *entry = *entry / size * root);
            }
        }
        let mut strata = Vec::new();
        if n > 0 && d > 0 {
            let values = pool.singular_values();
            let condition = values.max() / values.min();
            strata.push(Stratum::Decade("condition of P", decade(condition)));
        }
        let alone = measure.windows(2).all(|pair| pair[0] == pair[1]);
        for (kind, met) in [
            ("n=1", n == 1),
            ("d=1", d == 1),
            ("n=d", n == d),
            ("n<d", n < d),
            ("one measure", alone),
            ("a measure", !alone),
            ("a point of measure 0", measure.contains(&0.0)),
        ] {
            if met {
                strata.push(Stratum::Kind(kind));
            }
        }
        strata
    }
}
