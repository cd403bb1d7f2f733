//! Which instances of single-layer attention a claim is tried on.

use nalgebra::DMatrix;

use crate::claims::cases::{edges_of_shapes, posed_at};
use crate::claims::tools::decade::decade;
use crate::claims::tools::forms;
use crate::claims::{Case, Cases, CheckError, Origin, Stratum};
use crate::instance::sample::{self, Stream};
use crate::system::{Array, Given, SINGLE_LAYER_ATTENTION, by_rows};

use super::model::{Model, unknowns};

/// Which weights and ridge are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ridge {
    /// None; a number; one for each column of Z; n x n, in turn; the ridge 0 or dyadic up to 2.
    Any,
    /// Every `w_jk^2` above `1/4 max_j sum_i |C_ji| range(h_i)`, by a margin that runs over decades, and for the claims
    /// about X and Y together a ridge above what that margin asks for.
    Heavy,
    /// Neither.
    None,
}

/// Which B is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Any, of orders of magnitude far apart.
    Any,
    /// Every row a convex combination of the rows of `A3 Y`.
    Hull,
    /// The outputs at the first point, rounded, so that it is next to a minimiser; a second point is drawn.
    Met,
    /// Two tokens, the first rows of A1, A2 and A3 zero, the second row of B twice the first: no X, Y meets it, some come
    /// as near as one likes.
    Unattained,
}

/// Small instances with every decade of the logits' range, of the target and of the values.
#[derive(Clone, Copy, Debug)]
pub struct AttentionCases {
    /// Largest number of tokens.
    pub tokens: usize,
    /// Columns of B at most.
    pub outputs: usize,
    /// Columns of A3 at most.
    pub values: usize,
    /// Decades of the largest range of a row of Z, in turn.
    pub logits: &'static [i32],
    /// The target.
    pub target: Target,
    /// Weights and ridge.
    pub ridge: Ridge,
    /// Random cases in a default run.
    pub cases: usize,
}

/// Binary orders of the entries of B and of Y, far apart from one case to the next.
const TARGETS: [i32; 7] = [0, 10, -7, 20, 3, -3, 14];
const VALUES: [i32; 5] = [0, 6, -4, 2, 10];

impl AttentionCases {
    /// Small instances of every kind.
    pub const GENERAL: Self = Self {
        tokens: 4,
        outputs: 2,
        values: 2,
        logits: &[0, 1, 2, 3],
        target: Target::Any,
        ridge: Ridge::Any,
        cases: 56,
    };

    fn shaped(
        &self,
        index: usize,
        [n, d1, d2, d3, m]: [usize; 5],
        rng: &mut Stream,
    ) -> Result<Case<Given>, CheckError> {
        let mut draw = |rows, columns, scale: f64| {
            DMatrix::from_fn(rows, columns, |_, _| sample::dyadic(rng, 2) * scale)
        };
        let (mut a1, mut a2, mut a3) = (draw(n, d1, 1.0), draw(n, d2, 1.0), draw(n, d3, 1.0));
        let values = match self.target {
            Target::Met => 0,
            Target::Any | Target::Hull | Target::Unattained => VALUES[index % VALUES.len()],
        };
        let (x, y) = (draw(d1, d2, 1.0), draw(d3, m, 2f64.powi(values)));
        let mut b = draw(n, m, 2f64.powi(TARGETS[index % TARGETS.len()]));
        let mut second = Vec::new();
        // A column of ones moves no softmax.
        if d2 > 1 && index % 6 == 5 && self.target != Target::Met {
            a2.column_mut(0).fill(1.0);
        }
        let z = &a1 * &x * a2.transpose();
        let spread = range_of_rows(&z);
        let x = if spread > 0.0 {
            x * (10f64.powi(self.logits[index % self.logits.len()]) * 0.75 / spread)
        } else {
            x
        };
        match self.target {
            Target::Any => {}
            Target::Hull => {
                let h = &a3 * &y;
                for j in 0..n {
                    let share = sample::probability(rng, n);
                    for i in 0..m {
                        b[(j, i)] = share.dot(&h.column(i));
                    }
                }
            }
            Target::Met => {
                let h = &a3 * &y;
                for (j, row) in (&a1 * &x * a2.transpose()).row_iter().enumerate() {
                    let f = forms::softmax(&row.transpose());
                    b.row_mut(j).copy_from(&f.tr_mul(&h));
                }
                second = (0..d1 * d2 + d3 * m)
                    .map(|_| sample::dyadic(rng, 2))
                    .collect();
            }
            Target::Unattained => {
                for array in [&mut a1, &mut a2, &mut a3, &mut b] {
                    array.apply(|entry| {
                        if *entry == 0.0 {
                            *entry = 1.0;
                        }
                    });
                }
                for array in [&mut a1, &mut a2, &mut a3] {
                    array.row_mut(0).fill(0.0);
                }
                let twice = b.row(0) * 2.0;
                b.row_mut(1).copy_from(&twice);
            }
        }
        let mut arrays: Vec<(String, Array)> = [("A1", &a1), ("A2", &a2), ("A3", &a3), ("B", &b)]
            .map(|(name, matrix)| (name.to_owned(), Array::matrix(matrix)))
            .into();
        let point: Vec<f64> = by_rows(&x).into_iter().chain(by_rows(&y)).collect();
        let (weights, ridge) = match self.ridge {
            Ridge::Any => any_ridge(index, n, rng),
            Ridge::None => (Array::scalar(0.0), 0.0),
            Ridge::Heavy => {
                let given = posed(arrays.clone(), point.clone())?;
                heavy_ridge(&given, index, rng)
            }
        };
        arrays.push(("weights".to_owned(), weights));
        arrays.push(("ridge".to_owned(), Array::scalar(ridge)));
        let mut given = posed(arrays, point.clone())?;
        if !second.is_empty() {
            given = given
                .with_points(vec![point, second])
                .map_err(CheckError::Other)?;
        }
        Ok(Case::random(index, given, rng))
    }
}

/// The arrays and the point as an instance.
pub fn posed(arrays: Vec<(String, Array)>, point: Vec<f64>) -> Result<Given, CheckError> {
    posed_at(&SINGLE_LAYER_ATTENTION, arrays, point)
}

/// The largest `max_k Z_jk - min_k Z_jk`.
fn range_of_rows(z: &DMatrix<f64>) -> f64 {
    z.row_iter()
        .map(|row| row.max() - row.min())
        .fold(0.0, f64::max)
}

fn any_ridge(index: usize, n: usize, rng: &mut Stream) -> (Array, f64) {
    let weights = match index % 4 {
        0 => Array::scalar(0.0),
        1 => Array::scalar(sample::dyadic(rng, 2)),
        2 => Array::vector(&sample::dyadic_vector(rng, n, 2)),
        _ => Array::matrix(&DMatrix::from_fn(n, n, |_, _| sample::dyadic(rng, 2))),
    };
    let ridge = if index.is_multiple_of(3) {
        0.0
    } else {
        sample::dyadic(rng, 2).abs()
    };
    (weights, ridge)
}

/// A weight and a ridge with `a = w^2 - 1/4 max_j sum_i |C_ji| range(h_i) > 0` and `4 a mu > || |C| ||_F^2`, each by a factor of
/// its own; rounding of f64 is far below the smallest margin.
pub fn heavy_ridge(given: &Given, index: usize, rng: &mut Stream) -> (Array, f64) {
    let (x, y) = unknowns(given, &nalgebra::DVector::from_vec(given.start()));
    let model = Model::at(given, &|value| value, &x, &y);
    let margin = 2f64.powi(-((index % 10) as i32)) * (1.0 + sample::dyadic(rng, 1).abs());
    let (curvature, residual) = (model.curvature(), model.c.norm());
    let surplus = (0.25 * curvature).max(2f64.powi(-10)) * margin;
    let square = 0.25 * curvature + surplus;
    let ridge = (residual * residual / (4.0 * surplus)).max(2f64.powi(-10)) * (1.0 + margin);
    (Array::scalar(square.sqrt()), ridge)
}

impl Cases for AttentionCases {
    type Instance = Given;

    fn speak_of(&self, given: &Given) -> bool {
        given.system().key == SINGLE_LAYER_ATTENTION.key
    }

    fn count(&self) -> usize {
        self.cases
    }

    fn draw(&self, index: usize, rng: &mut Stream) -> Result<Case<Given>, CheckError> {
        let mut pick = |most: usize| sample::integer(rng, 1, most as i64) as usize;
        let sides = match self.target {
            Target::Any | Target::Hull => [
                pick(self.tokens),
                pick(2),
                pick(2),
                pick(self.values),
                pick(self.outputs),
            ],
            Target::Met => [self.tokens, pick(2), pick(2), 1, self.outputs],
            Target::Unattained => [2, 1, 1, 1, pick(self.outputs)],
        };
        self.shaped(index, sides, rng)
    }

    /// One token; one column each; all equal; A1, A2 and A3 of different widths; a column of A2 that moves no softmax.
    fn edges(&self, rng: &mut Stream) -> Result<Vec<Case<Given>>, CheckError> {
        let (n, m, d3) = (self.tokens, self.outputs, self.values);
        let shapes: &[[usize; 5]] = match self.target {
            Target::Any | Target::Hull => &[
                [1, 1, 1, 1, 1],
                [n, 1, 1, 1, 1],
                [2, 2, 2, d3.min(2), m.min(2)],
                [n, 2, 1, d3.min(2), m],
                [2, 1, 2, 1, m],
            ],
            Target::Met => &[[n, 1, 1, 1, m], [n, 2, 2, 1, m]],
            Target::Unattained => &[[2, 1, 1, 1, 1], [2, 1, 1, 1, m]],
        };
        let mut edges = edges_of_shapes(shapes, 2, |index, shape| self.shaped(index, shape, rng))?;
        if matches!(self.target, Target::Any | Target::Hull) {
            // The index of a column of ones in A2.
            let case = self.shaped(5, [n, 2, 2, d3.min(2), m], rng)?;
            edges.push(case.from_origin(Origin::Edge(edges.len())));
        }
        Ok(edges)
    }

    // Nothing real: the head that ships with the program has more unknowns than 40 digits can afford.

    fn strata(&self, case: &Case<Given>) -> Vec<Stratum> {
        let given = &case.instance;
        let (x, y) = unknowns(given, &nalgebra::DVector::from_vec(given.start()));
        let model = Model::at(given, &|value| value, &x, &y);
        let mut strata = vec![
            Stratum::Decade("logit range", decade(range_of_rows(&model.z))),
            Stratum::Decade("target", decade(given.matrix("B", "n", "m").amax())),
            Stratum::Decade("values", decade(model.h.amax())),
        ];
        let [n, d1, d2, m] = ["n", "d1", "d2", "m"].map(|dimension| given.size(dimension));
        for (kind, met) in [
            ("n=1", n == 1),
            ("m=1", m == 1),
            ("d1!=d2", d1 != d2),
            ("n<d1", n < d1),
            ("d1=d2=2", d1 == 2 && d2 == 2),
            ("d3=2", given.size("d3") == 2),
            ("a column of A2 is constant", has_constant_column(&model.a2)),
            ("no weights", model.squares.amax() == 0.0),
            ("ridge", model.ridge > 0.0),
        ] {
            if met {
                strata.push(Stratum::Kind(kind));
            }
        }
        strata
    }
}

fn has_constant_column(matrix: &DMatrix<f64>) -> bool {
    matrix.nrows() > 1
        && matrix
            .column_iter()
            .any(|column| column.iter().all(|entry| *entry == column[0]))
}
