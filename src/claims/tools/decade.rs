//! Decades of a positive quantity, for strata.

/// The k with `10^(k-1) < value <= 10^k`, from -3 (or less) to 12 (or more); -3 for 0 and for what is not a number.
pub fn decade(value: f64) -> i32 {
    (-3..12)
        .find(|k| value.is_nan() || value <= 10f64.powi(*k))
        .unwrap_or(12)
}

#[cfg(test)]
mod tests {
    use super::decade;

    #[test]
    fn a_decade_ends_at_its_power_of_ten_and_the_outer_ones_take_the_rest() {
        for (value, expected) in [
            (0.0, -3),
            (1e-9, -3),
            (0.05, -1),
            (0.1, -1),
            (1.0, 0),
            (1.5, 1),
            (10.0, 1),
            (1e6, 6),
            (1.1e6, 7),
            (1e300, 12),
            (f64::INFINITY, 12),
            (f64::NAN, -3),
        ] {
            assert_eq!(decade(value), expected, "{value}");
        }
    }
}
