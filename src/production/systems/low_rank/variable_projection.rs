//! Newton's method on the subspace of the kept factor.
//!
//! ```text
//! f(Y) = min_X L(X, Y)        f(Y R) = f(Y) for every invertible R: k^2 directions in which f does not change
//! Hess f = blockdiag_j( sum_i omega_ij x_i x_i' ) - sum_i N_i G_i^+ N_i'        N_i block j: omega_ij (x_i y_j' + R_ij I)
//! ```
//!
//! Gauss-Newton leaves out the residuals R. Y stays orthonormal, steps are orthogonal to its span.

use nalgebra::{DMatrix, DVector};

use crate::production::EvaluationError;
use crate::production::settings::Settings;
use crate::production::systems::curvature::{Curvature, LARGEST_ORDER, Look, Second, look_scaled};
use crate::production::systems::error::{Refusal, SystemError};
use crate::production::systems::low_rank::problem::{Outline, Point, Problem, blocks, orthonormal};
use crate::production::systems::low_rank::products::{BlockRoots, products};
use crate::production::systems::low_rank::reached::{self, Ending};
use crate::production::systems::method::{Cost, Method};
use crate::production::systems::reached::{Reached, Watch};
use crate::production::systems::trust_region::{End, Reduced, minimise};
use crate::system::{Given, by_rows};

/// Variable projection for `weighted-low-rank`.
pub(crate) struct VariableProjection;

impl Method for VariableProjection {
    fn name(&self) -> &'static str {
        "variable-projection"
    }

    fn solves(&self) -> &'static str {
        "weighted-low-rank"
    }

    fn proves(&self) -> bool {
        false
    }

    /// A dozen steps, each a product of a `pk x qk` matrix with its transpose.
    fn takes(&self, given: &Given) -> Result<Cost, Refusal> {
        const STEPS: f64 = 12.0;
        let outline = Outline::of(given)?;
        let order = outline.shape.1 * outline.rank;
        if order > LARGEST_ORDER {
            return Err(Refusal::Order {
                what: "the number of entries of the smaller factor",
                order,
                limit: LARGEST_ORDER,
            });
        }
        Ok(STEPS * work_of_matrix(outline.shape, outline.rank))
    }

    fn run(
        &self,
        given: &Given,
        start: Option<&[f64]>,
        settings: &Settings,
        watch: &mut Watch<'_>,
    ) -> Result<Reached, SystemError> {
        let problem = Problem::new(given)?;
        let u = flat(&problem.start(start, settings.seed));
        let End {
            outcome,
            point,
            start_gradient_norm,
            iterations,
            warnings,
            ..
        } = minimise(&Projected(&problem), u, settings, watch)?;
        let ending = Ending {
            outcome,
            start_gradient_norm,
            iterations,
            warnings,
        };
        Ok(reached::at(&problem, &point, ending))
    }
}

/// Row by row.
fn flat(matrix: &DMatrix<f64>) -> DVector<f64> {
    DVector::from_vec(by_rows(matrix))
}

/// The reduced loss.
pub(super) struct Projected<'a>(pub(super) &'a Problem);

impl Projected<'_> {
    fn unflat(&self, u: &DVector<f64>) -> DMatrix<f64> {
        DMatrix::from_row_slice(self.0.target.ncols(), self.0.rank, u.as_slice())
    }
}

impl Reduced for Projected<'_> {
    type Point = Point;

    fn name(&self) -> &'static str {
        VariableProjection.name()
    }

    fn at(&self, u: &DVector<f64>) -> Result<Point, EvaluationError> {
        self.0.at(self.unflat(u))
    }

    fn moved(&self, u: &DVector<f64>, step: &DVector<f64>) -> DVector<f64> {
        flat(&orthonormal(self.unflat(&(u + step))))
    }

    fn shown(&self, number: f64) -> f64 {
        self.0.shown(number)
    }

    fn loss(&self, point: &Point) -> f64 {
        point.loss
    }

    fn gradient<'a>(&self, point: &'a Point) -> &'a DVector<f64> {
        &point.gradient
    }

    fn gradient_norm(&self, point: &Point) -> f64 {
        self.0.gradient_norm(point)
    }

    fn rounding(&self, point: &Point) -> f64 {
        self.0.rounding(point)
    }

    fn curvature<'a>(&'a self, point: &'a Point, which: Curvature) -> Second<'a> {
        Second::Matrix(self.matrix(point, which))
    }

    fn diverged(&self, point: &Point) -> Option<String> {
        /// A row's factor this much larger than its entries is on its way to infinity.
        const GROWTH: f64 = 1e6;
        let (growth, row) = self.0.growth(point);
        (growth > GROWTH).then(|| reached::growing(self.0, growth, row))
    }
}

impl Projected<'_> {
    /// Second derivatives of f; the directions `Y R` carry the mean curvature.
    pub(super) fn matrix(&self, point: &Point, which: Curvature) -> DMatrix<f64> {
        let k = self.0.rank;
        let coupling = coupling(self.0, point, which);
        let mut hessian = -(&coupling * coupling.transpose());
        let blocks = blocks(self.0, point);
        for j in 0..point.kept.nrows() {
            for a in 0..k {
                for b in 0..k {
                    hessian[(j * k + a, j * k + b)] += blocks[j][(a, b)];
                }
            }
        }
        let hessian = without_gauge(&hessian, &point.kept);
        // The directions Y R have no curvature of their own; any keeps the matrix definite. A square factor has no others.
        let mean = if point.kept.nrows() == k {
            1.0
        } else {
            hessian.diagonal().map(f64::abs).mean()
        };
        let span = &point.kept * point.kept.transpose();
        let mut hessian = 0.5 * (&hessian + hessian.transpose());
        for j in 0..span.nrows() {
            for l in 0..span.nrows() {
                for a in 0..k {
                    hessian[(j * k + a, l * k + a)] += mean * span[(j, l)];
                }
            }
        }
        hessian
    }
}

/// The blocks `N_i E_i` side by side (pk x the ranks of all rows together).
fn coupling(problem: &Problem, point: &Point, which: Curvature) -> DMatrix<f64> {
    let (p, k) = point.kept.shape();
    let columns: usize = point.roots.iter().map(|root| root.rank(k)).sum();
    let mut coupling = DMatrix::zeros(p * k, columns);
    let mut first = 0;
    for (i, root) in point.roots.iter().enumerate() {
        let root = root.matrix(k);
        // E_i' y_j for each j.
        let seen = &point.kept * &root;
        for e in 0..root.ncols() {
            let mut column = coupling.column_mut(first + e);
            for j in 0..p {
                let weight = problem.omega[(i, j)];
                if weight == 0.0 {
                    continue;
                }
                for a in 0..k {
                    let mut entry = point.eliminated[(i, a)] * seen[(j, e)];
                    if which == Curvature::Exact {
                        entry += point.residual[(i, j)] * root[(a, e)];
                    }
                    column[j * k + a] = weight * entry;
                }
            }
        }
        first += root.ncols();
    }
    coupling
}

/// `P H P` for the projector P off the directions `Y R`.
fn without_gauge(hessian: &DMatrix<f64>, kept: &DMatrix<f64>) -> DMatrix<f64> {
    let project = |matrix: &DMatrix<f64>| {
        let mut out = matrix.clone();
        let (p, k) = kept.shape();
        for mut column in out.column_iter_mut() {
            // Row-major p x k is column-major k x p.
            let direction = DMatrix::from_column_slice(k, p, column.as_slice());
            let within = &direction * kept;
            let rest = direction - within * kept.transpose();
            column.copy_from_slice(rest.as_slice());
        }
        out
    };
    project(&project(hessian).transpose())
}

/// Multiply-adds of a matrix of second derivatives, above which the kind of a point is looked for by their products with vectors.
const DEAREST_MATRIX: f64 = 2e10;

/// Multiply-adds of [`Projected::matrix`].
fn work_of_matrix((q, p): (usize, usize), rank: usize) -> f64 {
    let order = (p * rank) as f64;
    order * order * (q * rank) as f64
}

impl Problem {
    /// Whether a matrix decides what kind of stationary point is met.
    pub(super) fn kind_is_decided(&self) -> bool {
        work_of_matrix(self.target.shape(), self.rank) <= DEAREST_MATRIX
    }
}

/// What kind of point this is, its gradient being small.
pub(super) fn kind_of(problem: &Problem, point: &Point) -> Look {
    let (u, gradient) = (flat(&point.kept), &point.gradient);
    if problem.kind_is_decided() {
        return Projected(problem)
            .curvature(point, Curvature::Exact)
            .look(&u, gradient);
    }
    let blocks = blocks(problem, point);
    let product = products(problem, point, &blocks);
    let scaling = BlockRoots::of(&blocks);
    look_scaled(&product, &scaling, &u, gradient)
}
