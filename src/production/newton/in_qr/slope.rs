//! Steps down an exponential slope, where Newton's quadratic model is good for a logit's length only.

use nalgebra::DVector;

use crate::production::exponential_slope::Rows;
use crate::production::newton::in_qr::point::Point;
use crate::production::newton::in_qr::run::{Accepted, Run, Slope};
use crate::production::summation::norm;
use crate::production::{EvaluationError, Method};

/// Names of the steps down an exponential slope in the trace.
const CHORD: &str = "chord";
const RAY: &str = "ray";

impl Run<'_, '_> {
    /// The rows and their chords, if the point is far up an exponential slope. Subsampling was asked for to be seen.
    pub(super) fn exponential_slope(&self) -> Result<Option<Slope>, EvaluationError> {
        if self.settings.method == Method::Subsampled {
            return Ok(None);
        }
        let Point { z, v, .. } = &self.point;
        let Some(rows) = Rows::at(self.problem, z, v)? else {
            return Ok(None);
        };
        let chords = rows.chords(self.problem, z);
        Ok(chords.map(|chords| Slope { rows, chords }))
    }

    /// A start on an exponential slope is no measure for the gradient: the first point off it is.
    pub(super) fn set_yardstick(&mut self, on_slope: bool) {
        if !self.on_first_slope || on_slope {
            return;
        }
        self.on_first_slope = false;
        if !self.trace.is_empty() {
            self.yardstick = self.yardstick.min(self.point.gradient_norm);
            self.warnings.push(format!(
                "the start lies far up an exponential slope, with a largest logit of {:.1e}: the tolerance is relative to the gradient of iteration {}, {:.1e}, the first off that slope",
                self.start_logit,
                self.trace.len(),
                self.yardstick
            ));
        }
    }

    /// Down an exponential slope: a chord step, a row-scaled Newton step or one along the ray to the origin, each shortened
    /// until it lowers the loss enough, whichever lowers it most.
    pub(super) fn descend(&self, slope: &Slope) -> Option<(Accepted, &'static str)> {
        let q = &self.coordinates.q;
        // Two factorisations of Q with its rows scaled, and a product.
        self.count(3.0);
        let chord = slope.rows.chord_step(q, &slope.chords);
        let newton = slope.rows.newton_step(q);
        let ray = Some(Rows::ray_step(q, &self.point.z));
        [(chord, CHORD), (newton, Method::Exact.as_str()), (ray, RAY)]
            .into_iter()
            .filter_map(|(step, method)| Some((self.shorten(slope, &step?)?, method)))
            .min_by(|(one, _), (other, _)| one.point.loss.total_cmp(&other.point.loss))
    }

    /// Armijo along a step down a slope, as long as the loss can tell.
    pub(super) fn shorten(&self, slope: &Slope, step: &DVector<f64>) -> Option<Accepted> {
        let loss = self.point.loss;
        // In multiples of the loss: the product of slope and step may overflow.
        let descent = slope.rows.descent(&self.coordinates.q, step, loss);
        self.count(1.0);
        for halvings in 0..=self.settings.max_halvings {
            let length = 0.5f64.powi(i32::try_from(halvings).ok()?);
            if length * descent <= self.settings.loss_resolution {
                return None;
            }
            let enough = self.settings.sufficient_decrease * length * descent;
            if let Some(point) = self.trial(step, length)
                && point.loss <= loss - enough * loss
            {
                return Some(Accepted {
                    point,
                    step_norm: length * norm(step.as_slice()),
                    step_length: length,
                    shift: 0.0,
                });
            }
        }
        None
    }
}
