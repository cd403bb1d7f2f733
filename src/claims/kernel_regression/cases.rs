//! Which regressions a claim is tried on.

use std::path::Path;

use nalgebra::DMatrix;

use crate::claims::cases::edges_of_shapes;
use crate::claims::tools::decade::decade;
use crate::claims::{Case, Cases, CheckError, Origin, Stratum};
use crate::instance::files::npy;
use crate::instance::sample::{self, Stream};
use crate::system::{ATTENTION_KERNEL_REGRESSION, Array, Given};

/// Which K.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// `(A'A)^j`.
    Even,
    /// `A (A'A)^j`.
    Odd,
    /// `exp(A A')`.
    Kernel,
}

/// What the rows of A are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    /// Dyadic, columns over decades of size; of a kernel every fourth with a row near another.
    Any,
    /// As `Any`, with at least as many rows as columns.
    Tall,
    /// As `Any`, with fewer rows than columns.
    Wide,
    /// At most one entry in each row and column, powers of two: `A'A` is diagonal.
    Axes,
    /// As `Any` with every second case having a row twice, and three times.
    Repeated,
}

/// Small regressions.
#[derive(Clone, Copy, Debug)]
pub struct RegressionCases {
    /// Which K, in turn.
    pub which: &'static [Which],
    /// What the rows are like.
    pub rows: Rows,
    /// lambda of a kernel, in turn.
    pub ridges: &'static [f64],
    /// Whether A has one column in all of them.
    pub one_column: bool,
    /// Whether one edge case has rows so long that the exponential of their square is beyond f64.
    pub long_rows: bool,
    /// Random cases in a default run.
    pub cases: usize,
}

/// Binary orders of the last column of a power's A beside the first, and of all entries of a kernel's A.
const COLUMNS: [i32; 5] = [0, -3, -7, -10, 2];
const ENTRIES: [i32; 6] = [0, -3, 1, -1, 2, 3];
const TARGETS: [i32; 4] = [0, 10, -7, 3];

impl RegressionCases {
    /// Every kind.
    pub const ALL: Self = Self {
        which: &[Which::Even, Which::Odd, Which::Kernel],
        rows: Rows::Any,
        ridges: &[0.0, 0.015625, 4.0],
        one_column: false,
        long_rows: false,
        cases: 48,
    };
    /// The kernel only.
    pub const KERNEL: Self = Self {
        which: &[Which::Kernel],
        ..Self::ALL
    };
    /// Even powers of a matrix that may have full column rank.
    pub const EVEN: Self = Self {
        which: &[Which::Even],
        rows: Rows::Tall,
        ..Self::ALL
    };

    /// Case number `index` with n rows and d columns.
    pub fn in_shape(
        &self,
        index: usize,
        [n, d]: [usize; 2],
        rng: &mut Stream,
    ) -> Result<Case<Given>, CheckError> {
        let which = self.which[index % self.which.len()];
        let turn = index / self.which.len();
        let order = |turn: usize, orders: &[i32]| 2f64.powi(orders[turn % orders.len()]);
        let mut a = DMatrix::from_fn(n, d, |_, _| sample::dyadic(rng, 2));
        if which == Which::Kernel {
            a *= order(turn, &ENTRIES);
            if n > 1 && turn % 4 == 1 {
                // From far to very near.
                let near = a.row(0) * 2f64.powi(-(turn as i32 % 24));
                let row = a.row(0) + near;
                a.set_row(1, &row);
            }
        } else {
            let mut last = a.column_mut(d - 1);
            last *= order(turn, &COLUMNS);
        }
        match self.rows {
            Rows::Axes => {
                a = DMatrix::from_fn(n, d, |i, j| {
                    let power = order(turn + j, &COLUMNS);
                    if i == j { power } else { 0.0 }
                });
            }
            Rows::Repeated if n > 1 && turn.is_multiple_of(2) => {
                let first = a.row(0).clone_owned();
                a.set_row(n - 1, &first);
                if n > 3 {
                    a.set_row(2, &first);
                }
            }
            Rows::Repeated | Rows::Any | Rows::Tall | Rows::Wide => {}
        }
        let (targets, unknowns) = match which {
            Which::Even => (d, d),
            Which::Odd => (n, d),
            Which::Kernel => (n, n),
        };
        let scale = order(turn, &TARGETS);
        let mut vector = |length: usize, scale: f64| -> Vec<f64> {
            (0..length)
                .map(|_| sample::dyadic(rng, 1) * scale)
                .collect()
        };
        let (target, point) = (vector(targets, scale), vector(unknowns, 1.0));
        let extra = match which {
            Which::Kernel => self.ridges[turn % self.ridges.len()],
            Which::Even | Which::Odd if self.rows == Rows::Any && turn % 7 == 3 => 0.0,
            Which::Even | Which::Odd => 1.0 + (turn % 3) as f64,
        };
        let given = posed(which, &a, target, extra)?
            .with_points(vec![point])
            .map_err(CheckError::Other)?;
        Ok(Case::random(index, given, rng))
    }
}

/// The instance with these arrays; `extra` is lambda for the kernel, j for the others.
pub fn posed(
    which: Which,
    a: &DMatrix<f64>,
    target: Vec<f64>,
    extra: f64,
) -> Result<Given, CheckError> {
    let (place, name) = match which {
        Which::Even => (0.0, "power"),
        Which::Odd => (1.0, "power"),
        Which::Kernel => (2.0, "ridge"),
    };
    let arrays = vec![
        ("matrix".to_owned(), Array::matrix(a)),
        ("kind".to_owned(), Array::scalar(place)),
        ("target".to_owned(), Array::vector(&target.into())),
        (name.to_owned(), Array::scalar(extra)),
    ];
    Given::new(&ATTENTION_KERNEL_REGRESSION, arrays).map_err(CheckError::Other)
}

impl Cases for RegressionCases {
    type Instance = Given;

    fn speak_of(&self, given: &Given) -> bool {
        given.system().key == ATTENTION_KERNEL_REGRESSION.key
    }

    fn count(&self) -> usize {
        self.cases
    }

    fn draw(&self, index: usize, rng: &mut Stream) -> Result<Case<Given>, CheckError> {
        let mut pick = |low: i64, high: i64| sample::integer(rng, low, high) as usize;
        let d = if self.one_column { 1 } else { pick(1, 3) };
        let shape = match self.rows {
            Rows::Any => [pick(1, 5), d],
            Rows::Repeated => [pick(2, 5), d],
            Rows::Tall | Rows::Axes => [d + pick(0, 3), d],
            Rows::Wide => [d, d + pick(1, 2)],
        };
        self.in_shape(index, shape, rng)
    }

    /// One entry, one row, one column, a square, a tall one.
    fn edges(&self, rng: &mut Stream) -> Result<Vec<Case<Given>>, CheckError> {
        let shapes: Vec<[usize; 2]> = [[1, 1], [1, 3], [4, 1], [2, 2], [5, 2]]
            .into_iter()
            .filter(|[n, d]| match self.rows {
                Rows::Any => true,
                Rows::Repeated => *n > 1,
                Rows::Tall | Rows::Axes => n >= d,
                Rows::Wide => n < d,
            })
            .filter(|[_, d]| *d == 1 || !self.one_column)
            .collect();
        let mut edges =
            edges_of_shapes(&shapes, 4, |index, shape| self.in_shape(index, shape, rng))?;
        if self.long_rows {
            let a = DMatrix::from_column_slice(2, 1, &[32.0, -32.0]);
            let given = posed(Which::Kernel, &a, vec![1.0, 2.0], 0.0)?
                .with_points(vec![vec![0.0, 0.0]])
                .map_err(CheckError::Other)?;
            edges.push(Case::new(Origin::Edge(edges.len()), given, 0));
        }
        Ok(edges)
    }

    /// The first keys of a head of a language model, divided by `32^(1/4)`, so that the kernel has the model's own scale.
    fn real(&self, rows: usize, seed: u64) -> Vec<Result<Case<Given>, CheckError>> {
        if rows == 0 || self.which != [Which::Kernel] {
            return Vec::new();
        }
        let origin = Origin::Real("layer0-head5-keys".to_owned());
        vec![keys(rows).map(|given| Case::new(origin, given, seed))]
    }

    fn strata(&self, case: &Case<Given>) -> Vec<Stratum> {
        let given = &case.instance;
        let a = given.matrix("matrix", "n", "d");
        let [n, d] = ["n", "d"].map(|side| given.size(side));
        let mut strata = Vec::new();
        if given.word("kind") == "kernel" {
            let square = a
                .row_iter()
                .map(|row| row.norm_squared())
                .fold(0.0, f64::max);
            strata.push(Stratum::Decade("square of a row", decade(square)));
        } else if n > 0 && d > 0 {
            let values = a.singular_values();
            let condition = values.max() / values.min();
            strata.push(Stratum::Decade("condition of A", decade(condition)));
        }
        let repeated = (0..n).any(|i| (0..i).any(|k| a.row(i) == a.row(k)));
        for (kind, met) in [
            ("even", given.word("kind") == "even"),
            ("odd", given.word("kind") == "odd"),
            ("kernel", given.word("kind") == "kernel"),
            ("n=1", n == 1),
            ("d=1", d == 1),
            ("n=d", n == d),
            ("n<d", n < d),
            ("repeated rows", repeated),
            ("ridge", given.scalar("ridge") > 0.0),
            ("power 0", given.scalar("power") == 0.0),
        ] {
            if met {
                strata.push(Stratum::Kind(kind));
            }
        }
        strata
    }
}

/// The first keys of a head that ships with the program; the target is 1, -1, 1, ...
fn keys(rows: usize) -> Result<Given, CheckError> {
    let bytes: &[u8] = include_bytes!("../../../fixtures/systems/layer0-head5-K.npy");
    let name = Path::new("layer0-head5-K.npy");
    let whole = npy::parse_matrix(bytes, bytes.len() as u64, name)?;
    let a = whole.columns_of(0, rows.min(whole.rows())) / 32f64.sqrt().sqrt();
    let target = (0..a.nrows()).map(|i| if i % 2 == 0 { 1.0 } else { -1.0 });
    posed(Which::Kernel, &a, target.collect(), 0.0)
}
