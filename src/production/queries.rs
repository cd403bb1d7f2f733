//! Row queries of a quantum computer, counted.
//!
//! Grover's search looks for one of t marked rows among n. After k iterations a measurement finds one with probability
//!
//! ```text
//! sin^2((2 k + 1) theta),  sin theta = sqrt(t / n)        largest first at k = floor(pi / (4 theta))
//! ```
//!
//! A program that needs m rows, each marked by its oracle, searches for them one after the other, with m, m - 1, .. , 1 still marked:
//! `sum_t floor(pi / (4 theta_t)) <= (pi / 2) sqrt(n m)` iterations, one query of a row each. Nothing here simulates anything; the
//! tests do, with state vectors.

use std::f64::consts::{FRAC_PI_2, FRAC_PI_4};

use crate::production::rows_for_probability;

/// The largest number of rows that are counted: f64 holds all whole numbers up to here.
pub const MOST_ROWS: u64 = 1 << 53;

/// What a count refuses.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// No rows, or more than are counted.
    #[error("rows is {0}: from 1 to 2^53 are counted")]
    Rows(u64),
    /// No columns, or more than rows.
    #[error("columns is {columns}: must be from 1 to the {rows} rows")]
    Columns {
        /// The columns.
        columns: u64,
        /// The rows.
        rows: u64,
    },
    /// A probability or an accuracy that is none.
    #[error("{name} is {value}: must be above 0 and below 1")]
    Share {
        /// Its name.
        name: &'static str,
        /// What was given.
        value: f64,
    },
    /// A price that is none.
    #[error("slowdown is {0}: must be positive and finite")]
    Slowdown(f64),
}

/// The angle theta of t marked rows among n; pi / 2 where all are.
fn angle(rows: u64, marked: u64) -> f64 {
    (marked.min(rows) as f64 / rows as f64).sqrt().asin()
}

/// `sin^2((2 k + 1) asin sqrt(t / n))`, the probability that k iterations of Grover's search find one of t marked rows among n; NaN for
/// n = 0. The sine is right to a rounding of its argument, `(2 k + 1) theta u`.
pub fn success_probability(rows: u64, marked: u64, iterations: u64) -> f64 {
    let angle = angle(rows, marked);
    ((2.0 * iterations as f64 + 1.0) * angle).sin().powi(2)
}

/// `floor(pi / (4 asin sqrt(t / n)))`: the first k after which another iteration overshoots; 0 where nothing is marked, which
/// no search finds.
pub fn best_iterations(rows: u64, marked: u64) -> u64 {
    if marked == 0 {
        return 0;
    }
    // The only share whose quotient is whole (Niven's theorem), so that rounding decides nothing elsewhere: 1.
    if marked.checked_mul(2) == Some(rows) {
        return 1;
    }
    (FRAC_PI_4 / angle(rows, marked)).floor() as u64
}

/// `sum_(t = 1)^m floor(pi / (4 asin sqrt(t / n)))`: iterations that find all of m marked rows among n, one after the other. More
/// marked rows than rows count as all of them.
pub fn iterations_for_all(rows: u64, marked: u64) -> u64 {
    let marked = marked.min(rows);
    // As many terms as rows, or one for each number of iterations, whichever are fewer.
    let most = best_iterations(rows, 1);
    if marked <= most {
        return (1..=marked).map(|t| best_iterations(rows, t)).sum();
    }
    (1..=most)
        .map(|k| {
            let enough = marked_for(rows, k);
            enough.min(marked)
        })
        .sum()
}

/// The largest t with `best_iterations(n, t) >= k`.
fn marked_for(rows: u64, iterations: u64) -> u64 {
    let near = rows as f64 * (FRAC_PI_4 / iterations as f64).sin().powi(2);
    let mut marked = (near as u64).clamp(1, rows);
    while marked > 1 && best_iterations(rows, marked) < iterations {
        marked -= 1;
    }
    while marked < rows && best_iterations(rows, marked + 1) >= iterations {
        marked += 1;
    }
    marked
}

/// Queries for a regression with n rows and d columns, by the count that is printed and by the one that an accuracy needs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RowQueries {
    rows: u64,
    columns: u64,
    /// Rows of a sample whose squares are within eps of those of A, `d / eps^2`: what the printed count reads.
    pub printed_rows: u64,
    /// Rows of a sample whose answer is within eps of the least loss with probability 1 - delta,
    /// [`rows_for_probability`].
    pub needed_rows: u64,
    /// Queries that find `printed_rows`.
    pub printed: u64,
    /// Queries that find `needed_rows`.
    pub needed: u64,
}

impl RowQueries {
    /// Counts for n rows, d columns, an accuracy eps and a probability of failure delta.
    pub fn new(rows: u64, columns: u64, accuracy: f64, delta: f64) -> Result<Self, QueryError> {
        if !(1..=MOST_ROWS).contains(&rows) {
            return Err(QueryError::Rows(rows));
        }
        if !(1..=rows).contains(&columns) {
            return Err(QueryError::Columns { columns, rows });
        }
        for (name, value) in [("accuracy", accuracy), ("delta", delta)] {
            if !(value > 0.0 && value < 1.0) {
                return Err(QueryError::Share { name, value });
            }
        }
        let d = columns as f64;
        // A float-to-integer cast saturates.
        let printed_rows = ((d / (accuracy * accuracy)).ceil() as u64).min(rows);
        let needed_rows = rows_for_probability(columns as usize, accuracy, delta) as u64;
        let needed_rows = needed_rows.min(rows);
        Ok(Self {
            rows,
            columns,
            printed_rows,
            needed_rows,
            printed: iterations_for_all(rows, printed_rows),
            needed: iterations_for_all(rows, needed_rows),
        })
    }

    /// What a program without a quantum computer reads: every row, for an answer as exact as rounding allows.
    pub fn classical(&self) -> u64 {
        self.rows
    }

    /// The number of rows from which `(pi / 2) sqrt(n m)` queries, each `slowdown` times as slow as reading a row, are faster than
    /// reading all n: `(pi slowdown / 2)^2 m`, for m the rows that are needed, and for those that the printed count reads.
    pub fn break_even(&self, slowdown: f64) -> Result<[f64; 2], QueryError> {
        if !(slowdown > 0.0 && slowdown.is_finite()) {
            return Err(QueryError::Slowdown(slowdown));
        }
        let price = (FRAC_PI_2 * slowdown).powi(2);
        Ok([self.needed_rows, self.printed_rows].map(|rows| price * rows as f64))
    }

    /// Columns d.
    pub fn columns(&self) -> u64 {
        self.columns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Grover's search on a state vector: the sign of the marked rows, then the inversion about the mean.
    fn simulated(rows: usize, marked: usize, iterations: usize) -> f64 {
        let mut state = vec![(rows as f64).sqrt().recip(); rows];
        for _ in 0..iterations {
            state[..marked]
                .iter_mut()
                .for_each(|amplitude| *amplitude *= -1.0);
            let mean = state.iter().sum::<f64>() / rows as f64;
            state
                .iter_mut()
                .for_each(|amplitude| *amplitude = 2.0 * mean - *amplitude);
        }
        state[..marked]
            .iter()
            .map(|amplitude| amplitude * amplitude)
            .sum()
    }

    #[test]
    fn the_formula_is_what_a_state_vector_does() {
        for (rows, marked) in [
            (1, 1),
            (2, 1),
            (3, 2),
            (64, 1),
            (64, 10),
            (1000, 7),
            (4096, 4096),
        ] {
            for iterations in 0..8 {
                let formula = success_probability(rows, marked, iterations);
                let state = simulated(rows as usize, marked as usize, iterations as usize);
                assert!(
                    (formula - state).abs() < 1e-11,
                    "{rows} {marked} {iterations}: {formula} {state}"
                );
            }
        }
        // 2^16 rows, at the best number of iterations: sin^2 of (2 * 201 + 1) asin(2^-8).
        let best = best_iterations(1 << 16, 1);
        assert_eq!(best, 201);
        let (formula, state) = (
            success_probability(1 << 16, 1, best),
            simulated(1 << 16, 1, 201),
        );
        assert!(
            (formula - state).abs() < 1e-10 && formula > 0.9999,
            "{formula} {state}"
        );
    }

    /// 10 of 64: asin sqrt(10/64) = 0.4063, so one iteration, sin^2(3 theta) = 0.881 and sin^2(5 theta) = 0.802; more overshoot.
    #[test]
    fn the_best_number_of_iterations_is_the_first_maximum() {
        assert_eq!(best_iterations(64, 10), 1);
        assert!((success_probability(64, 10, 1) - 0.881).abs() < 5e-4);
        assert!((success_probability(64, 10, 2) - 0.802).abs() < 5e-4);
        assert_eq!([32, 64].map(|t| best_iterations(64, t)), [1, 0]);
        assert_eq!(best_iterations(64, 0), 0);
        assert_eq!(success_probability(64, 0, 5), 0.0);
    }

    /// Both ways to add up, against each other; and against (pi / 2) sqrt(n m), of which a script of mpmath has the shares.
    #[test]
    fn all_rows_take_what_one_sum_and_the_other_say() {
        for rows in [1, 2, 5, 64, 1000, 12_345] {
            for marked in [1, 2, 3, rows / 3, rows / 2, rows] {
                let marked = marked.clamp(1, rows);
                let one_by_one: u64 = (1..=marked).map(|t| best_iterations(rows, t)).sum();
                assert_eq!(
                    iterations_for_all(rows, marked),
                    one_by_one,
                    "{rows} {marked}"
                );
            }
        }
        for (rows, marked, share) in [
            (1_000_000, 100, 0.926),
            (100_000_000, 1000, 0.976),
            (10_000_000_000, 10_000, 0.992),
        ] {
            let bound = FRAC_PI_2 * (rows as f64 * marked as f64).sqrt();
            let found = iterations_for_all(rows, marked) as f64 / bound;
            assert!((found - share).abs() < 6e-4, "{found}");
        }
    }

    /// At n = 10^12, d = 100, eps = 10^-6 the printed count reads all rows; at 10^-2 it takes more by sqrt(d / eps^2 / m).
    #[test]
    fn counts_for_a_trillion_rows_are_made_and_bad_sizes_refused() {
        let counts = RowQueries::new(1_000_000_000_000, 100, 0.01, 0.01).unwrap();
        assert_eq!(counts.printed_rows, 1_000_000);
        // chi-square with 100 degrees of freedom: 135.807 at 0.99 (tables).
        assert_eq!(counts.needed_rows, 27_162);
        let bound = |rows: f64| FRAC_PI_2 * (1e12 * rows).sqrt();
        assert!((counts.printed as f64 / bound(1e6) - 1.0).abs() < 1e-2);
        assert!((counts.needed as f64 / bound(27_162.0) - 1.0).abs() < 1e-2);
        let [needed, printed] = counts.break_even(1000.0).unwrap();
        assert!((printed / (FRAC_PI_2 * 1000.0).powi(2) / 1e6 - 1.0).abs() < 1e-12);
        assert!(needed < printed);
        let all = RowQueries::new(1_000_000_000_000, 100, 1e-6, 0.01).unwrap();
        assert_eq!(
            (all.printed_rows, all.classical()),
            (1_000_000_000_000, 1_000_000_000_000)
        );
        let line = |rows, columns, accuracy, delta| {
            RowQueries::new(rows, columns, accuracy, delta)
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            line(0, 1, 0.1, 0.1),
            "rows is 0: from 1 to 2^53 are counted"
        );
        assert_eq!(
            line((1 << 53) + 1, 1, 0.1, 0.1),
            "rows is 9007199254740993: from 1 to 2^53 are counted"
        );
        assert_eq!(
            line(5, 6, 0.1, 0.1),
            "columns is 6: must be from 1 to the 5 rows"
        );
        assert_eq!(
            line(5, 2, 1.0, 0.1),
            "accuracy is 1: must be above 0 and below 1"
        );
        assert_eq!(
            line(5, 2, 0.1, f64::NAN),
            "delta is NaN: must be above 0 and below 1"
        );
        let slow = counts.break_even(0.0).unwrap_err().to_string();
        assert_eq!(slow, "slowdown is 0: must be positive and finite");
    }
}
