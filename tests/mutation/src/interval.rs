//! The exact confidence interval of a proportion.

use statrs::distribution::{Beta, ContinuousCDF};

/// Clopper and Pearson's interval with 95 % confidence, `successes` of `trials`. `None` without trials.
pub fn clopper_pearson(successes: usize, trials: usize) -> Option<(f64, f64)> {
    if trials == 0 || successes > trials {
        return None;
    }
    let (k, n) = (successes as f64, trials as f64);
    let lower = if successes == 0 {
        0.0
    } else {
        Beta::new(k, n - k + 1.0).ok()?.inverse_cdf(0.025)
    };
    let upper = if successes == trials {
        1.0
    } else {
        Beta::new(k + 1.0, n - k).ok()?.inverse_cdf(0.975)
    };
    Some((lower, upper))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_interval(successes: usize, trials: usize, lower: f64, upper: f64) {
        let (low, high) = clopper_pearson(successes, trials).unwrap();
        assert!((low - lower).abs() < 1e-6, "{low}");
        assert!((high - upper).abs() < 1e-6, "{high}");
    }

    #[test]
    fn half_of_ten_as_in_the_tables() {
        assert_interval(5, 10, 0.187_086_0, 0.812_914_0);
    }

    #[test]
    fn the_ends_have_closed_forms() {
        // (1 - p)^n = 0.025 and p^n = 0.025.
        assert_interval(0, 10, 0.0, 1.0 - 0.025_f64.powf(0.1));
        assert_interval(20, 20, 0.025_f64.powf(0.05), 1.0);
    }

    #[test]
    fn no_trials_have_no_interval() {
        assert_eq!(clopper_pearson(0, 0), None);
    }
}
