//! Standard normal numbers from a seeded stream.

use rand::Rng;

use crate::instance::sample::Stream;

/// Standard normal numbers by Marsaglia's polar method, two at a time.
pub(crate) struct Gaussian {
    stream: Stream,
    spare: Option<f64>,
}

impl Gaussian {
    pub(crate) fn new(stream: Stream) -> Self {
        Self {
            stream,
            spare: None,
        }
    }

    /// The next number.
    pub(crate) fn next(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        loop {
            let (x, y) = (self.symmetric(), self.symmetric());
            let square = x * x + y * y;
            if square > 0.0 && square < 1.0 {
                let factor = (-2.0 * square.ln() / square).sqrt();
                self.spare = Some(y * factor);
                return x * factor;
            }
        }
    }

    /// Uniform on the multiples of 2^-52 in [-1, 1).
    fn symmetric(&mut self) -> f64 {
        (self.stream.next_u64() >> 11) as f64 * f64::EPSILON - 1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instance::sample;

    #[test]
    fn the_first_four_moments_are_those_of_the_normal_law() {
        const COUNT: usize = 200_000;
        let mut gaussian = Gaussian::new(sample::stream(1, "gaussian", 0));
        let mut moments = [0.0; 4];
        for _ in 0..COUNT {
            let x = gaussian.next();
            for (k, moment) in moments.iter_mut().enumerate() {
                *moment += x.powi(k as i32 + 1) / COUNT as f64;
            }
        }
        // Standard deviations of the means: 1, sqrt 2, sqrt 15, sqrt 96, each over sqrt(COUNT); allowed are five.
        let deviations = [1.0f64, 2.0, 15.0, 96.0].map(|v| (v / COUNT as f64).sqrt());
        for ((moment, expected), deviation) in
            moments.iter().zip([0.0, 1.0, 0.0, 3.0]).zip(deviations)
        {
            assert!((moment - expected).abs() < 5.0 * deviation);
        }
    }
}
