//! Weighted least squares on the points that were labelled: linear regression.

use std::ops::ControlFlow;

use crate::production::TraceEntry;
use crate::production::settings::Settings;
use crate::production::systems::error::SystemError;
use crate::production::systems::leverage_regression::ByFactor;
use crate::production::systems::linear::scaled::Scaled;
use crate::production::systems::method::Method;
use crate::production::systems::reached::{Reached, Watch};
use crate::system::{Array, Given, LEVERAGE_REGRESSION};

/// Points with their basis values, labels and weights.
pub(super) struct Labelled {
    /// Functions of the basis.
    pub(super) width: usize,
    /// Their values, point by point.
    pub(super) rows: Vec<f64>,
    pub(super) labels: Vec<f64>,
    pub(super) weights: Vec<f64>,
    /// What the weights are multiplied by.
    pub(super) unit: Scaled,
}

impl Labelled {
    /// The minimiser of half the weighted sum of squares, with that sum as its loss.
    pub(super) fn fit(
        mut self,
        method: &'static str,
        settings: &Settings,
        watch: &mut Watch<'_>,
    ) -> Result<Reached, SystemError> {
        let most = self.weights.iter().copied().fold(0.0_f64, f64::max);
        let d = self.width;
        for (i, weight) in self.weights.iter().enumerate() {
            // At most 1, so that nothing leaves the range.
            let root = (weight / most).sqrt();
            for entry in &mut self.rows[i * d..(i + 1) * d] {
                *entry *= root;
            }
            self.labels[i] *= root;
        }
        let factor = self.unit.times(Scaled::of(most));
        let scaled = |value: f64| Scaled::of(value).times(factor).get().min(f64::MAX);
        let mut through = |entry: &TraceEntry| {
            let stops = watch.sees(TraceEntry {
                loss: scaled(entry.loss),
                gradient_norm: scaled(entry.gradient_norm),
                method,
                ..entry.clone()
            });
            if stops {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let regression = posed(self.rows, self.labels, d);
        let mut reached =
            ByFactor.run(&regression, None, settings, &mut Watch::new(&mut through))?;
        let numbers = [
            &mut reached.loss,
            &mut reached.gradient_norm,
            &mut reached.start_gradient_norm,
        ];
        for number in numbers.into_iter().chain(&mut reached.gradient_noise) {
            let beyond = Scaled::of(*number).times(factor).get().is_infinite();
            if beyond {
                reached.warnings.push(format!(
                    "{number:e} times the measure is beyond the range of f64: the largest number is shown in its place"
                ));
            }
            *number = scaled(*number);
        }
        Ok(reached)
    }
}

fn posed(rows: Vec<f64>, labels: Vec<f64>, d: usize) -> Given {
    let n = labels.len();
    let arrays = [("matrix", vec![n, d], rows), ("target", vec![n], labels)];
    let arrays =
        arrays.map(|(name, shape, values)| Some((name.to_owned(), Array::new(shape, values)?)));
    let arrays: Option<Vec<(String, Array)>> = arrays.into_iter().collect();
    let given = arrays.and_then(|arrays| Given::new(&LEVERAGE_REGRESSION, arrays).ok());
    given.unwrap_or_else(|| unreachable!("entries of a pool times roots of at most 1 are finite"))
}
