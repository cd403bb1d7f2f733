//! All pairs at once: starts from one random contraction, simultaneous steps.

use nalgebra::DMatrix;

use super::KEY;
use super::answer;
use super::packed::Packed;
use super::pairs::Pairs;
use super::settle::{Run, Settled};
use super::start::{random_unit, starts};
use crate::instance::sample;
use crate::production::settings::Settings;
use crate::production::summation::norm;
use crate::production::systems::error::{Refusal, SystemError};
use crate::production::systems::method::{Cost, Method};
use crate::production::systems::reached::{Reached, Watch};
use crate::system::Given;

/// Contractions with new random vectors for pairs that are missing, at most.
const ROUNDS: usize = 4;
/// Vectors that are tried besides where components may have been missed.
const MORE: usize = 2;
/// Values below this multiple of the rounding of T are none.
const NO_VALUE: f64 = 1e4;

/// All components at once.
pub(crate) struct RandomContraction;

impl Method for RandomContraction {
    fn name(&self) -> &'static str {
        "random-contraction"
    }

    fn solves(&self) -> &'static str {
        KEY
    }

    fn proves(&self) -> bool {
        true
    }

    /// Six readings of all entries for every component.
    fn takes(&self, given: &Given) -> Result<Cost, Refusal> {
        let (tensor, k) = (Packed::of(given)?, given.size("k") as f64);
        Ok(6.0 * k * (tensor.side as f64).powi(tensor.order as i32))
    }

    fn run(
        &self,
        given: &Given,
        start: Option<&[f64]>,
        settings: &Settings,
        watch: &mut Watch<'_>,
    ) -> Result<Reached, SystemError> {
        let tensor = Packed::of(given)?;
        let wanted = given.size("k");
        let mut run = Run {
            tensor: &tensor,
            settings,
            watch,
            stream: sample::stream(settings.seed, KEY, 0),
            method: self.name(),
            iterations: 0,
            passes: 0,
            start_norm: None,
            warnings: Vec::new(),
        };
        if tensor.norm == 0.0 {
            run.warnings
                .push("T is 0: every unit vector belongs to the value 0".to_owned());
            let identity = DMatrix::identity(tensor.side, wanted);
            let (pairs, settled) = run.settle(identity);
            return answer::reached(run, pairs, settled, wanted);
        }
        let (vectors, mut doubtful) = match start {
            Some(start) => (run.given(start, wanted), false),
            None => run.drawn(None, wanted),
        };
        let (mut pairs, mut settled) = run.settle(vectors);
        let mut kept = run.components(&pairs);
        for _ in 0..ROUNDS {
            let missing = wanted.saturating_sub(kept.len());
            if settled == Settled::Interrupted || (missing == 0 && !doubtful) {
                break;
            }
            // Those that are kept stay; others are looked for in what they leave of T.
            let known = pairs.only(&kept);
            let more = if missing > 0 { missing } else { MORE };
            let (vectors, _) = run.drawn(Some(&known), more);
            let (others, ended) = run.settle(vectors);
            if ended == Settled::Interrupted {
                settled = ended;
                break;
            }
            pairs = known.and(&others);
            kept = run.components(&pairs);
            doubtful = false;
            if missing > 0 && kept.len() >= wanted {
                // Every pair that is answered with has settled.
                settled = ended;
            }
        }
        kept.truncate(wanted);
        let missing = wanted - kept.len();
        if missing > 0 {
            run.warnings.push(format!(
                "only {} of {wanted} components were found: the others answer with vectors orthogonal to them",
                kept.len()
            ));
        }
        let found = pairs.only(&kept);
        let found = run.filled(found, wanted);
        answer::reached(run, found, settled, missing)
    }
}

impl Run<'_, '_> {
    /// The columns of a start at length 1; a random one for a column of zeros.
    fn given(&mut self, start: &[f64], wanted: usize) -> DMatrix<f64> {
        let n = self.tensor.side;
        let mut vectors = DMatrix::from_row_slice(n, wanted, &start[wanted..]);
        for mut column in vectors.column_iter_mut() {
            let length = norm(column.as_slice());
            if length > 0.0 && length.is_finite() {
                column /= length;
            } else {
                self.warnings.push(
                    "a vector of the start has no direction: a random one took its place"
                        .to_owned(),
                );
                column.copy_from_slice(&random_unit(&mut self.stream, n));
            }
        }
        vectors
    }

    /// Eigenvectors of a random contraction; random vectors where these are not to be had. Whether components may be missing.
    fn drawn(&mut self, known: Option<&Pairs>, wanted: usize) -> (DMatrix<f64>, bool) {
        self.passes += 1;
        match starts(self.tensor, known, wanted, &mut self.stream) {
            Some(starts) => (starts.vectors, starts.doubtful),
            None => {
                let n = self.tensor.side;
                let columns: Vec<f64> = (0..wanted)
                    .flat_map(|_| random_unit(&mut self.stream, n))
                    .collect();
                (DMatrix::from_vec(n, wanted, columns), true)
            }
        }
    }

    /// Places of distinct pairs, the largest value first, whose value is above rounding and whose equations are met to a tenth of it.
    fn components(&self, pairs: &Pairs) -> Vec<usize> {
        let rounding = NO_VALUE * 0.5 * f64::EPSILON * self.tensor.norm;
        let mut places = pairs.distinct();
        places.retain(|j| {
            let (left, _) = pairs.left(*j);
            let value = pairs.values[*j].abs();
            value > rounding && norm(left.as_slice()) <= 0.1 * value
        });
        places
    }

    /// As many pairs as are wanted: what is missing is orthogonal to those there are.
    fn filled(&mut self, pairs: Pairs, wanted: usize) -> Pairs {
        if pairs.count() >= wanted {
            return pairs;
        }
        let n = self.tensor.side;
        let mut vectors = pairs.vectors.clone();
        for axis in 0..n {
            if vectors.ncols() == wanted {
                break;
            }
            let mut rest = DMatrix::zeros(n, 1);
            rest[(axis, 0)] = 1.0;
            // Twice is enough.
            for _ in 0..2 {
                let (q, _) = vectors.clone().qr().unpack();
                let along = &q * q.tr_mul(&rest);
                rest -= along;
            }
            let length = rest.norm();
            if length > 0.5 / (n as f64).sqrt() {
                let columns: Vec<f64> = vectors
                    .iter()
                    .copied()
                    .chain((&rest / length).iter().copied())
                    .collect();
                vectors = DMatrix::from_vec(n, vectors.ncols() + 1, columns);
            }
        }
        self.passes += 1;
        Pairs::of(self.tensor, vectors)
    }
}
