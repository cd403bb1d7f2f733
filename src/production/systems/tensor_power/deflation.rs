//! One component after the other, as the paper has it: random starts, the best of them, T less its power.

use nalgebra::DMatrix;

use super::KEY;
use super::answer;
use super::packed::Packed;
use super::pairs::Pairs;
use super::settle::{Run, Settled};
use super::start::random_unit;
use crate::instance::sample;
use crate::production::outcome::TraceEntry;
use crate::production::settings::Settings;
use crate::production::summation::norm;
use crate::production::systems::error::{Refusal, SystemError};
use crate::production::systems::method::{Cost, Method};
use crate::production::systems::reached::{Reached, Watch};
use crate::system::Given;

/// Random starts for a component, besides as many as there are components.
const STARTS: usize = 8;
/// Steps from every start, and again from the best.
const STEPS: usize = 12;

/// Random starts and deflation.
pub(crate) struct Deflation;

impl Method for Deflation {
    fn name(&self) -> &'static str {
        "deflation"
    }

    fn solves(&self) -> &'static str {
        KEY
    }

    fn proves(&self) -> bool {
        true
    }

    /// k rounds of as many readings as there are starts and steps.
    fn takes(&self, given: &Given) -> Result<Cost, Refusal> {
        let (tensor, k) = (Packed::of(given)?, given.size("k"));
        let one = ((STARTS + k + 1) * STEPS) as f64;
        Ok(k as f64 * one * (tensor.side as f64).powi(tensor.order as i32))
    }

    /// A start plays no part.
    fn run(
        &self,
        given: &Given,
        _start: Option<&[f64]>,
        settings: &Settings,
        watch: &mut Watch<'_>,
    ) -> Result<Reached, SystemError> {
        let tensor = Packed::of(given)?;
        let wanted = given.size("k");
        let mut rest = tensor.clone();
        let mut run = Run {
            tensor: &tensor,
            settings,
            watch,
            stream: sample::stream(settings.seed, KEY, 1),
            method: self.name(),
            iterations: 0,
            passes: 0,
            start_norm: None,
            warnings: Vec::new(),
        };
        let mut vectors = DMatrix::zeros(tensor.side, 0);
        let mut interrupted = false;
        while vectors.ncols() < wanted {
            let round = round(&mut run, &rest, STARTS + wanted);
            rest.less(round.value, &round.vector);
            let columns: Vec<f64> = vectors.iter().copied().chain(round.vector).collect();
            vectors = DMatrix::from_vec(tensor.side, vectors.ncols() + 1, columns);
            if round.stop {
                interrupted = true;
                break;
            }
        }
        // What an interrupted run has not come to answers with the axes.
        for axis in vectors.ncols()..wanted {
            let mut unit = vec![0.0; tensor.side];
            unit[axis] = 1.0;
            let columns: Vec<f64> = vectors.iter().copied().chain(unit).collect();
            vectors = DMatrix::from_vec(tensor.side, axis + 1, columns);
        }
        let pairs = Pairs::of(&tensor, vectors);
        let left = pairs.norm(1.0);
        let start = run.start_norm.map_or(left, |[start, _]| start);
        let missing = wanted - pairs.distinct().len();
        if missing > 0 {
            run.warnings
                .push(format!("{missing} of {wanted} pairs were found twice"));
        }
        let settled = if interrupted {
            Settled::Interrupted
        } else if left <= settings.tolerance * start {
            Settled::Small
        } else if left <= run.noise(wanted, 1.0) {
            Settled::ToRounding
        } else {
            run.warnings.push(
                "deflation leaves the errors of the pairs before in those after: --method random-contraction refines all together"
                    .to_owned(),
            );
            Settled::Limit
        };
        answer::reached(run, pairs, settled, missing)
    }
}

/// What a round found in what was left.
struct Round {
    value: f64,
    vector: Vec<f64>,
    stop: bool,
}

/// Steps from random starts, the largest value, steps from there.
fn round(run: &mut Run<'_, '_>, rest: &Packed, starts: usize) -> Round {
    let n = rest.side;
    let columns: Vec<f64> = (0..starts)
        .flat_map(|_| random_unit(&mut run.stream, n))
        .collect();
    let mut pairs = Pairs::of(rest, DMatrix::from_vec(n, starts, columns));
    let scale = run.scale();
    run.passes += 1;
    for step in 0..2 * STEPS {
        if step == STEPS {
            let best = pairs.distinct();
            pairs = pairs.only(&best[..1]);
        }
        let shown = pairs.norm(scale);
        run.start_norm.get_or_insert([pairs.norm(1.0), shown]);
        let mut next = pairs.vectors.clone();
        for j in 0..pairs.count() {
            let image = pairs.images.column(j);
            let length = norm(image.as_slice());
            // A vector that is contracted to 0 stays.
            if length > 0.0 {
                next.set_column(j, &(image * (pairs.values[j].signum() / length)));
            }
        }
        let stop = run.watch.sees(TraceEntry {
            iteration: run.iterations,
            loss: 0.5 * shown * shown,
            gradient_norm: shown,
            step_norm: (&next - &pairs.vectors).norm(),
            step_length: if run.iterations == 0 { 0.0 } else { 1.0 },
            method: run.method,
            distinct_rows: 0,
            shift: 0.0,
            passes: run.passes as f64,
        });
        pairs = Pairs::of(rest, next);
        run.passes += 1;
        run.iterations += 1;
        if stop {
            return found(&pairs, true);
        }
    }
    found(&pairs, false)
}

fn found(pairs: &Pairs, stop: bool) -> Round {
    let best = pairs.distinct()[0];
    Round {
        value: pairs.values[best],
        vector: pairs.vector(best).to_vec(),
        stop,
    }
}
