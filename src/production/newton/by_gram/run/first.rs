//! First steps where the Hessian at the start is indefinite: from a sample of the rows, or the loss's own.

use crate::production::Method;
use crate::production::endings::Ending;
use crate::production::factor::Factor;
use crate::production::factor::cholesky::Cholesky;
use crate::production::newton::by_gram::model::Model;
use crate::production::newton::by_gram::objective::{Objective, SampledStart};
use crate::production::newton::by_gram::run::movement::negated;
use crate::production::newton::by_gram::run::{End, Made, Run};

/// Step lengths that are tried along the first model's step.
const FIRST_LENGTHS: [f64; 7] = [1.0, 0.7, 0.5, 0.35, 0.25, 0.15, 0.08];

impl<O: Objective> Run<'_, '_, O> {
    /// The start that a sample of the rows gives, where the Hessian at the start is indefinite, as a run that goes on elsewhere.
    pub(in crate::production::newton::by_gram) fn finish_sampled_start(mut self) -> End {
        let curvature = self
            .objective
            .curvature(&self.state, &self.z, &mut self.scratch);
        if let Some(Model { mut hessian, .. }) = self.model() {
            curvature.add_to(&mut hessian);
            if Cholesky::new(&hessian).is_none() {
                self.sampled_start();
            }
        }
        self.observe();
        let ending = if self.stopped {
            Ending::Interrupted
        } else {
            Ending::IterationLimit
        };
        self.end(&ending)
    }

    /// A start from a sample of the rows, if the loss knows one and it lowers the loss.
    pub(super) fn sampled_start(&mut self) -> bool {
        let settings = self.orders.settings;
        let wanted = matches!(self.orders.method, Method::Auto | Method::ReusedGram);
        if !(wanted && settings.sampled_start.unwrap_or(true)) {
            return false;
        }
        let found = self
            .data
            .sampler
            .and_then(|sampler| sampler(&self.state, &mut self.scratch, settings));
        let Some(SampledStart { state, rows }) = found else {
            return false;
        };
        let made = Made {
            method: "sampled-start",
            rows,
            cut: false,
            shift: 0.0,
            newton: false,
            kept: false,
        };
        self.accept_trial(state, made, 1.0);
        true
    }

    /// The loss's own first step, if it has one and it lowers the loss.
    pub(super) fn first_step(&mut self) -> bool {
        let Some((curvature, right_hand_side)) =
            self.objective
                .first_model(&self.state, &self.z, &mut self.scratch)
        else {
            return false;
        };
        let Some(Model {
            mut hessian,
            rows,
            cut,
        }) = self.model()
        else {
            return false;
        };
        curvature.add_to(&mut hessian);
        let Some(cholesky) = Cholesky::new(&hessian) else {
            return false;
        };
        let direction = negated(cholesky.solve(&right_hand_side));
        self.data.operator.multiply(&direction, &mut self.scratch);
        let line = self.line();
        let best = FIRST_LENGTHS
            .iter()
            .filter_map(|t| {
                self.objective
                    .along(&self.state, &line, *t)
                    .map(|(value, _)| (*t, value))
            })
            .min_by(|a, b| a.1.total_cmp(&b.1))
            .filter(|(_, value)| *value < self.state.loss);
        let Some((t, _)) = best else { return false };
        let made = Made {
            method: self.orders.method.as_str(),
            rows,
            cut,
            shift: 0.0,
            newton: false,
            kept: false,
        };
        self.smooth = false;
        self.take_along(&direction, t, made).is_some()
    }
}
