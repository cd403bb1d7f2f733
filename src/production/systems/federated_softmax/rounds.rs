//! Rounds of local steps.
//!
//! ```text
//! client c, from the common x:   y <- x,   K times   y <- y - eta ( grad L_c(y) [ - grad L_c(x) + mean grad L(x) ] )
//! the next x:                    x + mean, median or trimmed mean of the y - x
//! ```
//!
//! With K = 1 a mean is gradient descent on f. With more steps and clients that differ it comes to rest elsewhere, unless the part in
//! brackets corrects their drift.

use nalgebra::DVector;

use super::KEY;
use super::aggregate::Aggregate;
use super::federation::{Federation, takes};
use super::maker::Maker;
use super::schedule::Schedule;
use crate::production::error_bound::ErrorBound;
use crate::production::settings::Settings;
use crate::production::step::eigen;
use crate::production::systems::error::{Refusal, SystemError};
use crate::production::systems::linear::answer::entry;
use crate::production::systems::method::{Cost, Method};
use crate::production::systems::reached::{Reached, Watch};
use crate::production::{EvaluationError, Outcome};
use crate::scalar::rounding::UNIT;
use crate::system::Given;

/// Rounds of one kind.
pub(crate) struct Rounds {
    name: &'static str,
    about: &'static str,
    corrected: bool,
    aggregate: fn(&Given) -> Aggregate,
}

/// The mean of local runs.
pub(crate) static FEDAVG: Rounds = Rounds {
    name: "fedavg",
    about: "the mean of local runs",
    corrected: false,
    aggregate: |_| Aggregate::Mean,
};

/// The mean of local runs whose gradients are corrected by those at the common x.
pub(crate) static CORRECTED: Rounds = Rounds {
    name: "drift-corrected",
    about: "the mean of local runs by corrected gradients",
    corrected: true,
    aggregate: |_| Aggregate::Mean,
};

/// The median of local runs, entry by entry.
pub(crate) static MEDIAN: Rounds = Rounds {
    name: "fedavg-median",
    about: "the median of local runs",
    corrected: false,
    aggregate: |_| Aggregate::Median,
};

/// The trimmed mean of local runs, entry by entry.
pub(crate) static TRIMMED: Rounds = Rounds {
    name: "fedavg-trimmed-mean",
    about: "the trimmed mean of local runs",
    corrected: false,
    aggregate: |given| Aggregate::Trimmed(given.scalar("trimmed") as usize),
};

/// Every kind.
pub(super) static ALL: [&Rounds; 4] = [&FEDAVG, &CORRECTED, &MEDIAN, &TRIMMED];

/// Movements below this part of what the gradient would make, and below the tolerance, are none.
const REST: f64 = 1e-3;

impl Method for Rounds {
    fn name(&self) -> &'static str {
        self.name
    }

    fn solves(&self) -> &'static str {
        KEY
    }

    /// Dearer than Newton's method: they take hundreds of rounds.
    fn takes(&self, given: &Given) -> Result<Cost, Refusal> {
        takes(given)?;
        let waited_for = Schedule::of(given, 0)?.waited_for();
        let least = (self.aggregate)(given).least();
        if waited_for < least {
            return Err(Refusal::Trimmed {
                waited_for,
                trimmed: given.scalar("trimmed") as usize,
            });
        }
        let [n, d, clients, steps] =
            ["n", "d", "N", "K"].map(|dimension| given.size(dimension) as f64);
        Ok(n * d * (d + 2.0 * clients + 400.0 * (steps + 1.0)))
    }

    fn proves(&self) -> bool {
        true
    }

    fn ignores_seed(&self, given: &Given, _has_start: bool) -> Option<&'static str> {
        let schedule = Schedule::of(given, 0).ok()?;
        schedule
            .is_full()
            .then_some("every client is heard in every round")
    }

    fn run(
        &self,
        given: &Given,
        start: Option<&[f64]>,
        settings: &Settings,
        watch: &mut Watch<'_>,
    ) -> Result<Reached, SystemError> {
        let maker = self.maker(given, settings.seed)?;
        let start = start.map_or_else(
            || DVector::zeros(maker.federation.sum.columns()),
            DVector::from_column_slice,
        );
        Run {
            rounds: self,
            maker: &maker,
            settings,
        }
        .from(start, watch)
    }
}

impl Rounds {
    /// What makes these rounds of a given problem.
    pub(super) fn maker(&self, given: &Given, seed: u64) -> Result<Maker, SystemError> {
        let federation = Federation::of(given)?;
        Ok(Maker {
            schedule: Schedule::of(given, seed)?,
            aggregate: (self.aggregate)(given),
            corrected: self.corrected,
            step: federation.step(given)?,
            steps: given.size("K"),
            federation,
        })
    }
}

/// What does not change from round to round.
struct Run<'a> {
    rounds: &'a Rounds,
    maker: &'a Maker,
    settings: &'a Settings,
}

/// A common x, and what is known there.
struct Point {
    x: DVector<f64>,
    logits: DVector<f64>,
    loss: f64,
    gradient_norm: f64,
}

/// Where the rounds ended.
struct Ended {
    outcome: Outcome,
    rounds: usize,
    warnings: Vec<String>,
}

impl Run<'_> {
    fn from(&self, start: DVector<f64>, watch: &mut Watch<'_>) -> Result<Reached, SystemError> {
        let mut point = self.at(start)?;
        let first = point.gradient_norm;
        let ended = self.go(&mut point, watch);
        let federation = &self.maker.federation;
        let noise = self.noise(&point.x);
        let bound = if self.settings.certify && ended.outcome != Outcome::Interrupted {
            federation.bound(&point.x)
        } else if self.settings.certify {
            ErrorBound::none("the run was interrupted")
        } else {
            ErrorBound::none("none was asked for")
        };
        Ok(Reached {
            outcome: ended.outcome,
            x: point.x.as_slice().to_vec(),
            loss: point.loss,
            gradient_norm: point.gradient_norm,
            start_gradient_norm: first,
            gradient_noise: noise,
            iterations: ended.rounds,
            error_bound: (bound.bound, bound.basis),
            labels_read: None,
            warnings: ended.warnings,
        })
    }

    fn noise(&self, x: &DVector<f64>) -> Option<f64> {
        let noise = self.maker.federation.sum.gradient_noise(x).ok()?;
        Some(noise / self.maker.federation.count())
    }

    fn at(&self, x: DVector<f64>) -> Result<Point, EvaluationError> {
        let sum = &self.maker.federation.sum;
        let logits = sum.logits(&x)?;
        let loss = sum.value_of_logits(&logits)? / self.maker.federation.count();
        let gradient = sum.pull_back(&sum.gradient_in_logits(&logits)?)?;
        let gradient_norm = gradient.norm() / self.maker.federation.count();
        Ok(Point {
            x,
            logits,
            loss,
            gradient_norm,
        })
    }

    /// Rounds until an end; `point` is where they ended.
    fn go(&self, point: &mut Point, watch: &mut Watch<'_>) -> Ended {
        let (first, first_logit) = (point.gradient_norm, point.logits.amax());
        let wanted = self.settings.tolerance * first;
        let (mut passes, mut step_norm) = (2.0, 0.0);
        let (mut largest, mut at_rest) = (0.0_f64, false);
        let ended = |outcome, rounds, warnings| Ended {
            outcome,
            rounds,
            warnings,
        };
        for round in 0.. {
            let shown = [point.loss, point.gradient_norm, step_norm];
            if watch.sees(entry(self.rounds.name, round, shown, passes)) {
                return ended(Outcome::Interrupted, round, Vec::new());
            }
            if point.gradient_norm <= wanted {
                return ended(
                    self.stationary(point, Outcome::Converged),
                    round,
                    Vec::new(),
                );
            }
            let logit = point.logits.amax();
            if logit > self.settings.logit_limit && logit > 1e3 * first_logit {
                return ended(Outcome::Diverged, round, vec![self.too_long()]);
            }
            if at_rest || round == self.settings.max_iterations {
                return self.left(point, round, at_rest);
            }
            let next = match self.maker.make(&point.x, round) {
                Ok(made) => {
                    passes += 2.0 + made.passes;
                    self.at(made.x)
                }
                Err(error) => Err(error),
            };
            let next = match next {
                Ok(next) => next,
                Err(error) => {
                    let why = vec![format!("in round {round}: {error}"), self.too_long()];
                    return ended(Outcome::OutOfRange, round, why);
                }
            };
            let movement = (&next.x - &point.x).norm();
            largest = largest.max(movement);
            at_rest = movement <= self.settings.tolerance * largest
                && movement <= REST * self.reach() * next.gradient_norm;
            step_norm = (&next.logits - &point.logits).norm();
            *point = next;
        }
        ended(
            Outcome::IterationLimit,
            self.settings.max_iterations,
            Vec::new(),
        )
    }

    /// How far a gradient of length 1 moves x in a round, about.
    fn reach(&self) -> f64 {
        let far = self.maker.step * self.maker.steps as f64;
        match self.maker.federation.curvature {
            [mu, _] if mu > 0.0 => far.min(mu.recip()),
            _ => far,
        }
    }

    fn too_long(&self) -> String {
        let [_, largest] = self.maker.federation.curvature;
        format!(
            "steps are {:.3e} long; beyond 2 / L = {:.3e} gradient descent may diverge",
            self.maker.step,
            2.0 / largest
        )
    }

    /// What a point is whose gradient is small.
    fn stationary(&self, point: &Point, small: Outcome) -> Outcome {
        if self.maker.federation.curvature[0] > 0.0 {
            return small;
        }
        let hessian = self.maker.federation.sum.hessian(&point.x).ok();
        let Some(eigen) = hessian.as_ref().and_then(eigen) else {
            return Outcome::Singular;
        };
        let rounding = (point.logits.len() as f64 + 64.0) * UNIT * eigen.eigenvalues.amax();
        match eigen.eigenvalues.min() {
            least if least > rounding => small,
            least if least < -rounding => Outcome::NotConvex,
            _ => Outcome::Singular,
        }
    }

    /// The rounds have moved nothing more, or there were too many.
    fn left(&self, point: &Point, rounds: usize, at_rest: bool) -> Ended {
        let noise = self.noise(&point.x);
        let (outcome, warning) = if noise.is_some_and(|noise| point.gradient_norm <= noise) {
            (self.stationary(point, Outcome::ConvergedToRounding), None)
        } else if at_rest {
            let warning = format!(
                "{} of {} steps each has come to rest at its own limit, which is no minimiser: federated-newton finds that, and so does \
                 drift-corrected while every client is heard",
                self.rounds.about, self.maker.steps
            );
            (Outcome::AtRest, Some(warning))
        } else if self.maker.schedule.is_full() {
            (Outcome::IterationLimit, None)
        } else {
            let warning = "rounds that do not hear every client have a constant part of noise: no number of them ends it".to_owned();
            (Outcome::IterationLimit, Some(warning))
        };
        Ended {
            outcome,
            rounds,
            warnings: warning.into_iter().collect(),
        }
    }
}
