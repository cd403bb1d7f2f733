//! Variable projection for single-layer attention: Levenberg-Marquardt on whitened logits, V eliminated.

use nalgebra::{DMatrix, DVector};

use crate::instance::sample;
use crate::production::EvaluationError;
use crate::production::outcome::Outcome;
use crate::production::settings::Settings;
use crate::production::systems::attention::bound::bound;
use crate::production::systems::attention::coordinates::Coordinates;
use crate::production::systems::attention::point::Point;
use crate::production::systems::attention::product::Differential;
use crate::production::systems::curvature::{Curvature, LARGEST_ORDER, Second};
use crate::production::systems::error::{Refusal, SystemError};
use crate::production::systems::method::{Cost, Method};
use crate::production::systems::reached::{Reached, Watch};
use crate::production::systems::trust_region::{End, Reduced, minimise};
use crate::system::{Given, by_rows};

/// Variable projection for `single-layer-attention`.
pub(crate) struct VariableProjection;

/// The largest number of visible entries of X for steps by a matrix: beyond, products with conjugate gradients are cheaper.
const DIRECT: usize = 2000;

impl Method for VariableProjection {
    fn name(&self) -> &'static str {
        "variable-projection"
    }

    fn solves(&self) -> &'static str {
        "single-layer-attention"
    }

    fn proves(&self) -> bool {
        true
    }

    /// A dozen steps of `4 n d^4 + 2 d^6`, or of a few dozen products of `8 n^2 d`.
    fn takes(&self, given: &Given) -> Result<Cost, Refusal> {
        const STEPS: f64 = 12.0;
        const PRODUCTS: f64 = 40.0;
        Coordinates::affordable(given)?;
        let [n, d1, d2, d3, m] = ["n", "d1", "d2", "d3", "m"].map(|side| given.size(side));
        let order = d1.min(n).saturating_mul(d2.min(n));
        let (n, couplings) = (n as f64, (d3 * m) as f64);
        if order > DIRECT {
            let widths = (d1 + d2 + 2 * m) as f64;
            return Ok(STEPS * PRODUCTS * 2.0 * n * n * widths);
        }
        let order = order as f64;
        Ok(STEPS * order * (order + couplings) * (n + order))
    }

    fn run(
        &self,
        given: &Given,
        start: Option<&[f64]>,
        settings: &Settings,
        watch: &mut Watch<'_>,
    ) -> Result<Reached, SystemError> {
        let coordinates = Coordinates::new(given)?;
        let (d1, d2) = (given.size("d1"), given.size("d2"));
        let w = match start {
            Some(point) => {
                coordinates.whitened(&DMatrix::from_row_slice(d1, d2, &point[..d1 * d2]))
            }
            None => default_start(&coordinates, d1, d2, settings.seed),
        };
        let first = Point::new(&coordinates, &w)?;
        let full = coordinates.third.rank().min(given.size("n"));
        if first.rank() < full && !w.is_empty() {
            return Err(SystemError::Start(format!(
                "F A3 has rank {} there instead of {full}, so Y cannot be eliminated around it (X = 0 is such a point): \
                 start elsewhere, or give a ridge",
                first.rank()
            )));
        }
        let eliminated = Eliminated {
            of: &coordinates,
            rank: first.rank(),
            logit_limit: settings.logit_limit,
            direct: DIRECT,
            decided: LARGEST_ORDER,
        };
        let End {
            mut outcome,
            u,
            point,
            start_gradient_norm,
            iterations,
            mut warnings,
        } = minimise(&eliminated, DVector::from_vec(by_rows(&w)), settings, watch)?;
        if u.len() > eliminated.decided && outcome.is_success() {
            warnings.push(format!(
                "X has {} visible entries: that its Hessian is definite was looked for along Krylov directions and not proven by a \
                 factorisation, which is done up to {}",
                u.len(),
                eliminated.decided
            ));
        }
        if saturated(&point, &first, outcome) {
            warnings.push(format!(
                "the logits of a token spread over {:.1} now, {:.1} at the start, while loss and gradient fade: the least loss \
                 is probably not attained",
                point.spread, first.spread
            ));
            outcome = Outcome::Diverged;
        }
        // In the visible directions alone a minimiser is strict.
        let strict = outcome.is_success();
        let unseen_values = (coordinates.third.rank() - point.rank()) * given.size("m");
        let invisible = [
            ("X", coordinates.invisible, d1 * d2),
            (
                "Y",
                coordinates.invisible_values + unseen_values,
                given.size("d3") * given.size("m"),
            ),
        ];
        for (name, hidden, all) in invisible {
            if hidden > 0 {
                warnings.push(format!(
                    "{hidden} of {all} directions of {name} do not change the loss: {name} is that of least norm"
                ));
                if outcome.is_success() {
                    outcome = Outcome::Singular;
                }
            }
        }
        let w = DMatrix::from_row_slice(w.nrows(), w.ncols(), u.as_slice());
        let (x, y) = (coordinates.x(&w), coordinates.y(&point.values));
        let x = [by_rows(&x), by_rows(&y)].concat();
        let error_bound = if !settings.certify {
            (None, "no bound: none was asked for".to_owned())
        } else if strict {
            match bound(given, &coordinates, &x) {
                Ok(proven) => (Some(proven.bound), proven.basis),
                Err(reason) => (None, format!("no bound: {reason}")),
            }
        } else {
            (None, format!("no bound: the run ended as {outcome}"))
        };
        Ok(Reached {
            outcome,
            x,
            loss: point.loss,
            gradient_norm: point.gradient_norm,
            start_gradient_norm,
            gradient_noise: Some(point.rounding(&coordinates)),
            iterations,
            error_bound,
            labels_read: None,
            warnings,
        })
    }
}

/// Whether a run that found no curvature has driven the softmax of a token to a corner.
fn saturated(point: &Point, first: &Point, outcome: Outcome) -> bool {
    /// Logits this far apart leave the smaller one a share of 6e-6.
    const CORNER: f64 = 12.0;
    let unfinished = matches!(
        outcome,
        Outcome::Singular | Outcome::LineSearchStalled | Outcome::IterationLimit
    );
    unfinished && point.spread > CORNER && point.spread > 4.0 * first.spread
}

/// A tenth of what a model has, `I / sqrt(d2)`, because X = 0 is no place to start from; where that moves no logit, a
/// seeded W of the same kind.
fn default_start(of: &Coordinates, d1: usize, d2: usize, seed: u64) -> DMatrix<f64> {
    let model = DMatrix::from_diagonal_element(d1, d2, 0.1 / (d2 as f64).sqrt());
    let w = of.whitened(&model);
    if w.norm() > 0.0 {
        return w;
    }
    let mut stream = sample::stream(seed, "single-layer-attention/start", 0);
    DMatrix::from_fn(w.nrows(), w.ncols(), |_, _| sample::dyadic(&mut stream, 1))
}

/// The loss with V eliminated, on the points where G keeps its rank; elsewhere V jumps.
struct Eliminated<'a> {
    of: &'a Coordinates,
    rank: usize,
    logit_limit: f64,
    /// Up to this order steps are by a matrix.
    direct: usize,
    /// Up to this order the kind of a stationary point is decided by a matrix.
    decided: usize,
}

impl Eliminated<'_> {
    fn second<'a>(&'a self, point: &'a Point, which: Curvature, most: usize) -> Second<'a> {
        let order = point.gradient.len();
        if order <= most {
            return Second::Matrix(point.curvature(self.of, which));
        }
        let differential = Differential::new(self.of, point, which);
        Second::Products(order, Box::new(move |v| differential.times(v)))
    }
}

impl Reduced for Eliminated<'_> {
    type Point = Point;

    fn name(&self) -> &'static str {
        VariableProjection.name()
    }

    fn at(&self, u: &DVector<f64>) -> Result<Point, EvaluationError> {
        let of = self.of;
        let w = DMatrix::from_row_slice(of.first.rank(), of.second.rank(), u.as_slice());
        let point = Point::new(of, &w)?;
        if point.rank() < self.rank {
            return Err(EvaluationError::Pole {
                quantity: "the least singular value of F A3",
                value: 0.0,
                error: f64::EPSILON,
            });
        }
        Ok(point)
    }

    fn loss(&self, point: &Point) -> f64 {
        point.loss
    }

    fn gradient<'a>(&self, point: &'a Point) -> &'a DVector<f64> {
        &point.gradient
    }

    fn gradient_norm(&self, point: &Point) -> f64 {
        point.gradient_norm
    }

    fn rounding(&self, point: &Point) -> f64 {
        point.rounding(self.of)
    }

    fn curvature<'a>(&'a self, point: &'a Point, which: Curvature) -> Second<'a> {
        self.second(point, which, self.direct)
    }

    fn decisive<'a>(&'a self, point: &'a Point) -> Second<'a> {
        self.second(point, Curvature::Exact, self.decided)
    }

    fn diverged(&self, point: &Point) -> Option<String> {
        (point.spread > self.logit_limit).then(|| {
            format!(
                "the logits of a token spread over {:.1e}, beyond the limit: the least loss is probably not attained",
                point.spread
            )
        })
    }
}
