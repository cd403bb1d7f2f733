//! The samples of one run by the method `subsampled`: drawn alike whatever the coordinates that the run works in.
//!
//! ```text
//! first sample      u >= the leverage scores of diag(E)^1/2 A, sketched for the diagonal E of that point
//! every sample      u corrected to the diagonal D of its point, then rows drawn once at most
//! ```

use crate::instance::DesignMatrix;
use crate::production::Settings;
use crate::production::endings::Ending;
use crate::production::leverage::{
    RowSample, SampleSize, corrected_scores, draw_sized, sketched_scores,
};

/// What the samples of a run share.
#[derive(Default)]
pub(crate) struct RowSamples {
    /// Overestimates of the leverage scores of `diag(E)^1/2 A`, and E, once they have been sketched.
    sketched: Option<(Vec<f64>, Vec<f64>)>,
    /// Samples drawn so far.
    drawn: usize,
}

impl RowSamples {
    /// A sample that stands for `diagonal` (n entries): rows with weights. `matrix` is A, or any matrix with the same columns up
    /// to an invertible factor, which changes no leverage score. Refused where an entry of the diagonal is not positive.
    pub fn draw(
        &mut self,
        matrix: &DesignMatrix,
        diagonal: &[f64],
        settings: &Settings,
    ) -> Result<RowSample, Ending> {
        if let Some(index) = diagonal.iter().position(|entry| *entry <= 0.0) {
            return Err(Ending::NotPositive {
                row: index,
                value: diagonal[index],
            });
        }
        let sketched = match self.sketched.take() {
            Some(sketched) => sketched,
            None => {
                let scales: Vec<f64> = diagonal.iter().map(|entry| entry.sqrt()).collect();
                let scores =
                    sketched_scores(matrix, &scales, settings.seed).map_err(Ending::NoSample)?;
                let reference = scales.iter().map(|scale| scale * scale).collect();
                (scores, reference)
            }
        };
        let (scores, reference) = self.sketched.insert(sketched);
        let corrected = corrected_scores(scores, reference, diagonal).map_err(Ending::NoSample)?;
        let size = SampleSize {
            epsilon: settings.epsilon,
            delta: settings.delta,
            constant: settings.sampling_constant,
        };
        let sample = draw_sized(
            &corrected,
            diagonal,
            size,
            settings.seed,
            self.drawn,
            matrix.columns(),
        )
        .map_err(Ending::NoSample)?;
        self.drawn += 1;
        Ok(sample)
    }
}
