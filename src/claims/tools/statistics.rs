//! "With probability at least 1 - delta" as an exact binomial test with stated error rates.

use statrs::distribution::{Binomial, DiscreteCDF};

use crate::claims::CheckError;

/// Chance that a true statement is called false, per test.
pub const FALSE_ALARM: f64 = 1e-9;

/// A test of "the failure probability is at most `claimed`".
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BinomialTest {
    /// The failure probability that the statement allows.
    pub claimed: f64,
    /// Number of independent trials.
    pub trials: u64,
    /// The statement is refuted by more failures than this: chosen so that a true statement is refuted with probability
    /// at most [`FALSE_ALARM`].
    pub accept_up_to: u64,
}

impl BinomialTest {
    /// The test with that many trials. Errors if `claimed` is not in (0, 1) or `trials` is 0.
    pub fn new(claimed: f64, trials: u64) -> Result<Self, CheckError> {
        if !(claimed > 0.0 && claimed < 1.0) || trials == 0 {
            return Err(CheckError::Other(format!(
                "a binomial test needs a probability in (0, 1) and at least one trial, got {claimed} and {trials}"
            )));
        }
        let law = binomial(claimed, trials)?;
        let accept_up_to = (0..trials)
            .find(|count| law.sf(*count) <= FALSE_ALARM)
            .unwrap_or(trials);
        Ok(Self {
            claimed,
            trials,
            accept_up_to,
        })
    }

    /// Chance that a process which really fails with probability `actual` is refuted.
    pub fn power(&self, actual: f64) -> Result<f64, CheckError> {
        Ok(binomial(actual, self.trials)?.sf(self.accept_up_to))
    }

    /// Whether that many failures refute the statement.
    pub fn refuted_by(&self, failures: u64) -> bool {
        failures > self.accept_up_to
    }
}

fn binomial(probability: f64, trials: u64) -> Result<Binomial, CheckError> {
    Binomial::new(probability, trials).map_err(|error| CheckError::Other(error.to_string()))
}

/// The exact (Clopper-Pearson) upper confidence limit for a failure probability after `failures` in `trials`, at
/// confidence `1 - alpha`: the p with P(X <= failures | p) = alpha. 1 if every trial failed.
pub fn upper_limit(failures: u64, trials: u64, alpha: f64) -> Result<f64, CheckError> {
    if failures >= trials {
        return Ok(1.0);
    }
    let (mut low, mut high) = (failures as f64 / trials as f64, 1.0);
    // 60 halvings exhaust f64; the CDF decreases in p.
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if binomial(middle, trials)?.cdf(failures) > alpha {
            low = middle;
        } else {
            high = middle;
        }
    }
    Ok(high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_acceptance_limit_is_the_exact_binomial_quantile() {
        let test = BinomialTest::new(0.1, 60).unwrap();
        let law = Binomial::new(0.1, 60).unwrap();
        assert!(law.sf(test.accept_up_to) <= FALSE_ALARM);
        assert!(law.sf(test.accept_up_to - 1) > FALSE_ALARM);
    }

    #[test]
    fn the_upper_limit_without_a_failure_is_the_rule_of_three() {
        // (1 - p)^60 = 0.05 gives p = 1 - 0.05^(1/60) = 0.04870 (by hand).
        let limit = upper_limit(0, 60, 0.05).unwrap();
        assert!((limit - (1.0 - 0.05f64.powf(1.0 / 60.0))).abs() < 1e-9);
    }

    #[test]
    fn bad_parameters_are_refused() {
        assert!(BinomialTest::new(0.0, 10).is_err());
        assert!(BinomialTest::new(f64::NAN, 10).is_err());
        assert!(BinomialTest::new(0.5, 0).is_err());
    }

    #[test]
    fn more_failures_than_accepted_refute() {
        // P(X >= 38) = (1 + 40 + 780) / 2^40 = 7.5e-10 and P(X >= 37) = (821 + 9880) / 2^40 = 9.7e-9 for a fair coin.
        let test = BinomialTest::new(0.5, 40).unwrap();
        assert_eq!(test.accept_up_to, 37);
        assert!(!test.refuted_by(0) && !test.refuted_by(37));
        assert!(test.refuted_by(38) && test.refuted_by(40));
        let power = test.power(0.5).unwrap() * 2f64.powi(40);
        assert!((power / 821.0 - 1.0).abs() < 1e-9, "{power}");
    }

    #[test]
    fn the_upper_limit_of_one_failure_in_two_solves_its_quadratic() {
        // 1 - p^2 = 0.19 gives p = 0.9.
        assert!((upper_limit(1, 2, 0.19).unwrap() - 0.9).abs() < 1e-9);
        assert_eq!(upper_limit(2, 2, 0.19).unwrap(), 1.0);
    }
}
