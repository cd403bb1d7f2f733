//! What is made of the differences that clients send.

use nalgebra::DVector;

/// How differences become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Aggregate {
    /// Their mean. One dishonest client moves it anywhere.
    Mean,
    /// The median of each entry; of an even number the mean of the two in the middle. Within the honest range while fewer than half
    /// are dishonest.
    Median,
    /// The mean of each entry without so many of the largest and of the smallest. Within the honest range while no more are
    /// dishonest.
    Trimmed(usize),
}

impl Aggregate {
    /// The least number of differences that it needs.
    pub(super) fn least(self) -> usize {
        match self {
            Self::Mean | Self::Median => 1,
            Self::Trimmed(each) => 2 * each + 1,
        }
    }

    /// Of vectors of one length, in order; at least [`least`](Self::least) of them.
    pub(super) fn of(self, vectors: &[&DVector<f64>]) -> DVector<f64> {
        let dimension = vectors.first().map_or(0, |vector| vector.len());
        DVector::from_fn(dimension, |j, _| {
            let mut entries: Vec<f64> = vectors.iter().map(|vector| vector[j]).collect();
            if self == Self::Mean {
                return mean(&entries);
            }
            entries.sort_unstable_by(f64::total_cmp);
            let each = match self {
                Self::Mean => 0,
                Self::Median => (entries.len() - 1) / 2,
                Self::Trimmed(each) => each,
            };
            mean(&entries[each..entries.len() - each])
        })
    }
}

/// From left to right, divided once.
fn mean(entries: &[f64]) -> f64 {
    entries.iter().sum::<f64>() / entries.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(aggregate: Aggregate, entries: &[f64]) -> f64 {
        let vectors: Vec<DVector<f64>> = entries
            .iter()
            .map(|entry| DVector::from_element(1, *entry))
            .collect();
        aggregate.of(&vectors.iter().collect::<Vec<_>>())[0]
    }

    #[test]
    fn means_medians_and_trimmed_means_are_those_of_hand_arithmetic() {
        let entries = [4.0, -1.0, 100.0, 2.0];
        assert_eq!(of(Aggregate::Mean, &entries), 26.25);
        assert_eq!(of(Aggregate::Median, &entries), 3.0);
        assert_eq!(of(Aggregate::Trimmed(1), &entries), 3.0);
        assert_eq!(of(Aggregate::Trimmed(0), &entries), 26.25);
        assert_eq!(of(Aggregate::Median, &[4.0, -1.0, 100.0]), 4.0);
        assert_eq!(of(Aggregate::Median, &[5.0]), 5.0);
        assert_eq!(Aggregate::Trimmed(2).least(), 5);
    }

    /// Four honest values in [1, 2] and a liar anywhere.
    #[test]
    fn a_liar_moves_the_mean_but_no_median() {
        for lie in [-1e300, 1e300] {
            let entries = [1.0, 1.5, lie, 2.0, 1.25];
            for robust in [Aggregate::Median, Aggregate::Trimmed(1)] {
                assert!((1.0..=2.0).contains(&of(robust, &entries)));
            }
            assert!(!(1.0..=2.0).contains(&of(Aggregate::Mean, &entries)));
        }
    }
}
