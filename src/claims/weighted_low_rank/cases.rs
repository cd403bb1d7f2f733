//! Which instances of weighted low-rank approximation a claim is tried on.

use nalgebra::DMatrix;

use crate::claims::cases::{edges_of_shapes, posed_at};
use crate::claims::tools::decade::decade;
use crate::claims::{Case, Cases, CheckError, Stratum};
use crate::instance::sample::{self, Stream};
use crate::system::{Array, Given, WEIGHTED_LOW_RANK, by_rows};

/// Which instances are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Weights of every kind in turn: positive, ones and zeros, spread over decades, of rank one, all one.
    Any,
    /// Positive weights only, the same without the ones and zeros.
    Positive,
    /// Weights of rank one, `p q'` with p and q over decades.
    RankOne,
    /// Two rows and columns, rank 1, one entry hidden and the opposite one 0.
    Corner,
    /// The point is a minimum: M is `X Y'` wherever x_i or y_j is not 0.
    Stationary,
    /// The same for weights of 1, with a residual below the singular values of `X Y'`.
    UnweightedMinimum,
    /// Positive weights, M is `Z Y'` and X a multiple of Z by 5/4 to 4: rows in the direction of the best ones, and longer.
    Overshot,
    /// Two rows and columns, rank 1, two close singular values and more weight on the diagonal, started near one of two minima.
    TwoMinima,
}

/// Small instances with every decade of M and of the spread of W.
#[derive(Clone, Copy, Debug)]
pub struct LowRankCases {
    /// Which instances.
    pub kind: Kind,
    /// Smallest and largest number of columns of M.
    pub columns: (usize, usize),
    /// Random cases in a default run.
    pub cases: usize,
}

/// Binary orders of the entries of M and of X, far apart from one case to the next.
const TARGETS: [i32; 5] = [0, 10, -7, 20, 3];
const FACTORS: [i32; 4] = [0, 5, -5, 10];

impl LowRankCases {
    fn weights(&self, index: usize, n: usize, m: usize, rng: &mut Stream) -> DMatrix<f64> {
        let positive = |top: i64, rng: &mut Stream| {
            let power = 2f64.powi(sample::integer(rng, 0, top) as i32);
            (0.125 + sample::dyadic(rng, 2).abs()) * power
        };
        let turn = match self.kind {
            Kind::Any => index % 5,
            Kind::Positive | Kind::Stationary | Kind::Overshot => [0, 2, 3, 4][index % 4],
            Kind::RankOne => 3,
            Kind::Corner => 2,
            Kind::UnweightedMinimum | Kind::TwoMinima => 4,
        };
        match turn {
            0 => DMatrix::from_fn(n, m, |_, _| positive(0, rng)),
            1 => DMatrix::from_fn(n, m, |_, _| f64::from(sample::integer(rng, 0, 2) > 0)),
            2 => {
                // From 1 in the first entry to 2^8, 2^17 or 2^28 in the last.
                let top = [8, 17, 28][(index / 5) % 3];
                let mut weights = DMatrix::from_fn(n, m, |_, _| {
                    let power = 2f64.powi(sample::integer(rng, 0, top) as i32);
                    (1.0 + sample::dyadic(rng, 1).abs() / 2.0) * power
                });
                weights[(0, 0)] = 1.0;
                weights[(n - 1, m - 1)] = 2f64.powi(top as i32);
                weights
            }
            3 => {
                let top = [0, 3, 8][(index / 5) % 3];
                let p: Vec<f64> = (0..n).map(|_| positive(top, rng)).collect();
                let q: Vec<f64> = (0..m).map(|_| positive(top, rng)).collect();
                // Thirteen bits each: the product is exact.
                DMatrix::from_fn(n, m, |i, j| p[i] * q[j])
            }
            _ => DMatrix::from_element(n, m, 1.0),
        }
    }

    /// Case number `index` with n rows, m columns and rank k.
    pub fn in_shape(
        &self,
        index: usize,
        [n, m, k]: [usize; 3],
        rng: &mut Stream,
    ) -> Result<Case<Given>, CheckError> {
        let mut weights = self.weights(index, n, m, rng);
        let mut draw = |rows, columns, order: i32| {
            DMatrix::from_fn(rows, columns, |_, _| {
                sample::dyadic(rng, 2) * 2f64.powi(order)
            })
        };
        let mut target = draw(n, m, TARGETS[index % TARGETS.len()]);
        let free = target[(0, 0)];
        let factor = FACTORS[index % FACTORS.len()];
        let (mut x, mut y) = (draw(n, k, factor), draw(m, k, -factor));
        match self.kind {
            Kind::Any | Kind::Positive | Kind::RankOne => {}
            Kind::Corner => {
                let (i, j) = (index % 2, (index / 2) % 2);
                weights[(i, j)] = 0.0;
                for entry in target.iter_mut().filter(|entry| **entry == 0.0) {
                    *entry = 1.0;
                }
                target[(1 - i, 1 - j)] = 0.0;
            }
            Kind::Overshot => {
                // Of these the third is just above the root of 2.
                let multiple = [1.25, 4.0, 1.4375, 1.75, 2.5][index % 5];
                target = &x * y.transpose();
                x *= multiple;
            }
            Kind::TwoMinima => {
                // The second minimum is there from a weight of about 1 + 0.35 gap on.
                let gap = [0.125, 0.09375, 0.0625][index % 3];
                weights[(0, 0)] = 1.0 + 1.5 * gap;
                weights[(1, 1)] = weights[(0, 0)];
                weights *= [1.0, 64.0][index % 2];
                let [first, second] = [[1.0, 1.0 + gap], [1.0, -1.0]];
                let size = 2f64.powi([0, 10][(index / 2) % 2]);
                target = DMatrix::from_row_slice(2, 2, &[first, second].concat()) * size;
                let near = if (index / 3).is_multiple_of(2) {
                    second
                } else {
                    first
                };
                y = DMatrix::from_column_slice(2, 1, &near);
            }
            Kind::Stationary | Kind::UnweightedMinimum => {
                if n > k && m > k {
                    x.row_mut(0).fill(0.0);
                    y.row_mut(0).fill(0.0);
                }
                target = &x * y.transpose();
                if n > k && m > k {
                    // Where both factors vanish the residual is free: it enters no slope.
                    target[(0, 0)] = if self.kind == Kind::Stationary {
                        free
                    } else {
                        least_of_the_product(&x, &y) / [2.0, 16.0, 1024.0][index % 3]
                    };
                }
            }
        }
        target.zip_apply(&weights, |entry, weight| {
            if weight == 0.0 {
                *entry = f64::NAN;
            }
        });
        let given = posed(&target, &weights, &x, &y)?;
        Ok(Case::random(index, given, rng))
    }

    fn sides(&self, rng: &mut Stream) -> [usize; 3] {
        let mut pick = |low: i64, high: usize| sample::integer(rng, low, high as i64) as usize;
        match self.kind {
            Kind::Corner | Kind::TwoMinima => [2, 2, 1],
            Kind::UnweightedMinimum => {
                let k = pick(1, 2);
                [k + pick(0, 2), k + pick(1, 2), k]
            }
            Kind::Any | Kind::Positive | Kind::RankOne | Kind::Stationary | Kind::Overshot => {
                let (n, m) = (pick(1, 4), pick(self.columns.0 as i64, self.columns.1));
                [n, m, pick(1, n.min(m).min(2))]
            }
        }
    }
}

/// The least positive singular value of `X Y'`, roughly: a power of two at most that.
fn least_of_the_product(x: &DMatrix<f64>, y: &DMatrix<f64>) -> f64 {
    let values = (x * y.transpose()).singular_values();
    let k = x.ncols().min(values.len());
    let least = values.as_slice()[..k]
        .iter()
        .copied()
        .fold(f64::INFINITY, f64::min);
    2f64.powi(least.max(f64::MIN_POSITIVE).log2().floor() as i32)
}

/// The instance with these arrays at this point.
pub fn posed(
    target: &DMatrix<f64>,
    weights: &DMatrix<f64>,
    x: &DMatrix<f64>,
    y: &DMatrix<f64>,
) -> Result<Given, CheckError> {
    let arrays = vec![
        ("M".to_owned(), Array::matrix(target)),
        ("W".to_owned(), Array::matrix(weights)),
        ("rank".to_owned(), Array::scalar(x.ncols() as f64)),
    ];
    let point = by_rows(x).into_iter().chain(by_rows(y)).collect();
    posed_at(&WEIGHTED_LOW_RANK, arrays, point)
}

impl Cases for LowRankCases {
    type Instance = Given;

    fn speak_of(&self, given: &Given) -> bool {
        given.system().key == WEIGHTED_LOW_RANK.key
    }

    fn count(&self) -> usize {
        self.cases
    }

    fn draw(&self, index: usize, rng: &mut Stream) -> Result<Case<Given>, CheckError> {
        let sides = self.sides(rng);
        self.in_shape(index, sides, rng)
    }

    /// One entry, one row, one column, a square of full rank, wider than high.
    fn edges(&self, rng: &mut Stream) -> Result<Vec<Case<Given>>, CheckError> {
        let shapes: &[[usize; 3]] = match self.kind {
            Kind::Corner | Kind::TwoMinima => &[[2, 2, 1]],
            Kind::Any
            | Kind::Positive
            | Kind::RankOne
            | Kind::Stationary
            | Kind::Overshot
            | Kind::UnweightedMinimum => &[[1, 1, 1], [1, 4, 1], [4, 1, 1], [2, 2, 2], [3, 4, 2]],
        };
        let fits = |shape: &&[usize; 3]| (self.columns.0..=self.columns.1).contains(&shape[1]);
        let shapes: Vec<[usize; 3]> = shapes.iter().filter(fits).copied().collect();
        edges_of_shapes(&shapes, 4, |index, shape| self.in_shape(index, shape, rng))
    }

    // Nothing real: the digits that ship with the program have more unknowns than 40 digits can afford.

    fn strata(&self, case: &Case<Given>) -> Vec<Stratum> {
        let given = &case.instance;
        let weights = given.matrix("W", "n", "m");
        let seen = given
            .matrix("M", "n", "m")
            .zip_map(&weights, |m, w| if w == 0.0 { 0.0 } else { m });
        let [n, m, k] = ["n", "m", "k"].map(|dimension| given.size(dimension));
        let positive: Vec<f64> = weights.iter().copied().filter(|w| *w > 0.0).collect();
        let largest = positive.iter().copied().fold(0.0, f64::max);
        let least = positive.iter().copied().fold(f64::INFINITY, f64::min);
        let mut strata = vec![
            Stratum::Decade("M", decade(seen.amax())),
            Stratum::Decade("spread of W", decade(largest / least)),
        ];
        let short = weights
            .row_iter()
            .any(|row| row.iter().filter(|w| **w > 0.0).count() < k);
        for (kind, met) in [
            ("n=1", n == 1),
            ("m=1", m == 1),
            ("k=1", k == 1),
            ("k=2", k == 2),
            ("k=min(n,m)", k == n.min(m)),
            ("hidden entries", weights.min() == 0.0),
            ("a row with fewer than k entries", short),
        ] {
            if met {
                strata.push(Stratum::Kind(kind));
            }
        }
        strata
    }
}
