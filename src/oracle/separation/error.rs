//! What is refused about a network, one line each.

/// Why there is no such network, or no such probability.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SeparationError {
    /// A whole number is out of its range.
    #[error("{name} is {value}: must be from {least} to {most}")]
    Count {
        /// Which.
        name: &'static str,
        /// What was given.
        value: u64,
        /// The least.
        least: u64,
        /// The largest.
        most: u64,
    },
    /// A real number is out of its range.
    #[error("{name} is {value}: must be {needed}")]
    Number {
        /// Which.
        name: &'static str,
        /// What was given.
        value: f64,
        /// What is needed, in words.
        needed: &'static str,
    },
}

impl SeparationError {
    /// The number if it is finite and `fits`.
    pub(super) fn checked(
        name: &'static str,
        value: f64,
        fits: bool,
        needed: &'static str,
    ) -> Result<f64, Self> {
        if value.is_finite() && fits {
            Ok(value)
        } else {
            Err(Self::Number {
                name,
                value,
                needed,
            })
        }
    }

    /// The whole number if it is in its range.
    pub(super) fn counted(
        name: &'static str,
        value: u64,
        least: u64,
        most: u64,
    ) -> Result<u64, Self> {
        if (least..=most).contains(&value) {
            Ok(value)
        } else {
            Err(Self::Count {
                name,
                value,
                least,
                most,
            })
        }
    }
}
