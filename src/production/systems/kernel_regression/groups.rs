//! Equal rows of A taken together.
//!
//! With `c_g` rows in group g and `s_g` the mean of their targets, the answer to `(K + lambda I) x = b` is
//!
//! ```text
//! (C^(1/2) K_u C^(1/2) + lambda I) w = C^(1/2) s        x_i = w_g / sqrt(c_g) + (b_i - s_g) / lambda
//! ```
//!
//! K_u the kernel of the distinct rows; for lambda = 0, without the last term, it is the minimiser of least norm, and the scatter
//! `b_i - s_g` is what no x can meet.

use std::collections::HashMap;

use crate::instance::row_major::RowMajor;
use crate::production::summation::compensated_sum;

/// Which rows are equal.
pub(super) struct Groups {
    /// The group of each row, numbered by their first rows.
    pub(super) of: Vec<usize>,
    /// The first row of each group.
    pub(super) first: Vec<usize>,
    /// The number of rows of each group.
    pub(super) counts: Vec<f64>,
}

impl Groups {
    /// Of the rows of a matrix, by value: 0 and -0 are equal.
    pub(super) fn of(a: &RowMajor) -> Self {
        let mut known: HashMap<Vec<u64>, usize> = HashMap::with_capacity(a.rows());
        let mut groups = Self {
            of: Vec::with_capacity(a.rows()),
            first: Vec::new(),
            counts: Vec::new(),
        };
        for i in 0..a.rows() {
            let bits = a.row(i).iter().map(|entry| (entry + 0.0).to_bits());
            let next = groups.first.len();
            let group = *known.entry(bits.collect()).or_insert(next);
            if group == next {
                groups.first.push(i);
                groups.counts.push(0.0);
            }
            groups.counts[group] += 1.0;
            groups.of.push(group);
        }
        groups
    }

    /// The number of groups.
    pub(super) fn len(&self) -> usize {
        self.first.len()
    }

    /// Whether some rows are equal.
    pub(super) fn repeated(&self) -> bool {
        self.first.len() < self.of.len()
    }

    /// The mean of a vector over each group.
    pub(super) fn means(&self, b: &[f64]) -> Vec<f64> {
        let mut members: Vec<Vec<f64>> = vec![Vec::new(); self.len()];
        for (group, value) in self.of.iter().zip(b) {
            members[*group].push(*value);
        }
        members
            .into_iter()
            .zip(&self.counts)
            .map(|(values, count)| compensated_sum(values) / count)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_rows_are_one_group_and_both_zeros_are_equal() {
        let rows = [[0.0, 1.0], [2.0, 1.0], [-0.0, 1.0], [2.0, 1.5], [2.0, 1.0]];
        let mut a = RowMajor::zeros(5, 2);
        for (i, row) in rows.iter().enumerate() {
            a.row_mut(i).copy_from_slice(row);
        }
        let groups = Groups::of(&a);
        assert_eq!(groups.of, [0, 1, 0, 2, 1]);
        assert_eq!(groups.first, [0, 1, 3]);
        assert_eq!(groups.counts, [2.0, 2.0, 1.0]);
        assert!(groups.repeated());
        assert_eq!(groups.means(&[1.0, 2.0, 4.0, 8.0, 16.0]), [2.5, 9.0, 8.0]);
    }
}
