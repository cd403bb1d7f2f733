//! The evaluators of systems without unknowns on small instances, built from bytes.

use attention_regression::oracle::{OracleError, OutputsReference};
use attention_regression::production::{Outputs, OutputsError, evaluate};
use attention_regression::scalar::High;
use attention_regression::system::{Array, EXACT_ATTENTION, Given, POLYNOMIAL_ATTENTION};

use super::bytes::Bytes;

/// Most queries, keys, entries of a key and of a value.
const QUERIES: usize = 6;
const KEYS: usize = 8;
const WIDTH: usize = 4;
const COLUMNS: usize = 3;
/// How often keys are repeated for more than one block.
const ROUNDS: usize = 50;
/// More bytes than the largest case reads.
const LONGEST: usize = 1 << 8;
const DEGREES: [f64; 8] = [0.0, 1.0, 2.0, 3.0, 7.0, 16.0, 1001.0, 4_294_967_295.0];

/// What one run evaluates, and how it is looked at.
struct Case {
    given: Given,
    /// Whether outputs are means with weights that are not negative.
    means: bool,
    causal: bool,
    at_40_digits: bool,
}

impl Case {
    /// Flags: 1 causal, 2 powers, 4 many keys, 8 at 40 digits. `None` where there are more bytes than a case reads.
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > LONGEST {
            return None;
        }
        let mut bytes = Bytes::of(bytes);
        let flags = bytes.byte();
        let degree = DEGREES[bytes.below(DEGREES.len())];
        let (queries, keys) = (1 + bytes.below(QUERIES), 1 + bytes.below(KEYS));
        let (d, m) = (1 + bytes.below(WIDTH), 1 + bytes.below(COLUMNS));
        let scale = bytes.number();
        let rounds = if flags & 4 == 0 { 1 } else { ROUNDS };
        // Each round of keys a little smaller than the last.
        let repeated = |entries: Vec<f64>| -> Vec<f64> {
            let all = (1..=rounds).flat_map(|round| {
                let smaller = move |entry: &f64| entry / round as f64;
                entries.iter().map(smaller).collect::<Vec<f64>>()
            });
            all.collect()
        };
        let q = bytes.numbers(queries * d);
        let k = repeated(bytes.numbers(keys * d));
        let v = repeated(bytes.numbers(keys * m));
        let array = |rows, columns, entries| Array::new(vec![rows, columns], entries);
        let mut arrays = vec![
            ("Q".to_owned(), array(queries, d, q)?),
            ("K".to_owned(), array(keys * rounds, d, k)?),
            ("V".to_owned(), array(keys * rounds, m, v)?),
            ("scale".to_owned(), Array::scalar(scale)),
        ];
        let powers = flags & 2 != 0;
        let causal = !powers && flags & 1 != 0;
        let system = if powers {
            arrays.push(("degree".to_owned(), Array::scalar(degree)));
            &POLYNOMIAL_ATTENTION
        } else {
            arrays.push(("causal".to_owned(), Array::scalar(f64::from(causal))));
            &EXACT_ATTENTION
        };
        // A scale that is not positive is refused here.
        let given = Given::new(system, arrays).ok()?;
        Some(Self {
            given,
            means: !powers || degree % 2.0 == 0.0,
            causal,
            at_40_digits: flags & 8 != 0,
        })
    }
}

/// Any bytes: the evaluation ends, with outputs that keep their promises, or refuses every row with a reason.
pub fn run(bytes: &[u8]) {
    let Some(case) = Case::from_bytes(bytes) else {
        return;
    };
    let found = evaluate(&case.given);
    // As text, which tells apart what f64 tells apart and takes NaN for itself.
    let again = evaluate(&case.given);
    assert_eq!(
        format!("{found:?}"),
        format!("{again:?}"),
        "another run gave other outputs"
    );
    match found {
        Ok(outputs) => {
            let missing = rows_are_whole(&case, &outputs);
            if case.means {
                within_the_columns(&case, &outputs);
            }
            if case.at_40_digits {
                within_the_bounds(&case, &outputs, &missing);
            }
        }
        Err(OutputsError::NoRows { first, rows }) => {
            assert_eq!((first.row(), rows), (0, case.given.size("nq")));
            assert_one_line(&first.to_string());
        }
        Err(error) => panic!("{error}"),
    }
}

fn assert_one_line(text: &str) {
    assert!(
        !text.is_empty() && !text.contains(char::is_control),
        "{text:?}"
    );
}

/// A row has all of its outputs and bounds, or none and a reason. Which rows have none.
fn rows_are_whole(case: &Case, outputs: &Outputs) -> Vec<bool> {
    let (rows, m) = (case.given.size("nq"), case.given.size("m"));
    let mut missing = vec![false; rows];
    let listed: Vec<usize> = outputs.refused.iter().map(|reason| reason.row()).collect();
    assert!(
        listed.windows(2).all(|pair| pair[0] < pair[1]) && listed.len() < rows,
        "{listed:?} of {rows}"
    );
    for reason in &outputs.refused {
        missing[reason.row()] = true;
        assert_one_line(&reason.to_string());
    }
    let entries = outputs.values.values().chunks_exact(m);
    for ((values, bounds), missing) in entries
        .zip(outputs.error_bounds.values().chunks_exact(m))
        .zip(&missing)
    {
        for (value, bound) in values.iter().zip(bounds) {
            if *missing {
                assert!(value.is_nan() && bound.is_nan(), "{value} +- {bound}");
            } else {
                assert!(value.is_finite(), "{value}");
                assert!(bound.is_finite() && *bound >= 0.0, "{bound}");
            }
        }
    }
    missing
}

/// Every output lies between the least and the largest value that its query sees.
fn within_the_columns(case: &Case, outputs: &Outputs) {
    let v = case.given.matrix("V", "nk", "m");
    let m = v.ncols();
    for (at, value) in outputs.values.values().iter().enumerate() {
        let (i, c) = (at / m, at % m);
        let seen = if case.causal {
            v.nrows().min(i + 1)
        } else {
            v.nrows()
        };
        let column = v.column(c);
        let column = column.rows(0, seen);
        if !value.is_nan() {
            assert!((column.min()..=column.max()).contains(value), "{value}");
        }
    }
}

/// Where a row has outputs the definition has a value, and it lies within the bound.
fn within_the_bounds(case: &Case, outputs: &Outputs, missing: &[bool]) {
    let reference = OutputsReference::of(&case.given).expect("a system of outputs");
    let m = case.given.size("m");
    for (i, missing) in missing.iter().enumerate() {
        if *missing {
            continue;
        }
        let exact = match reference.enclose_row(i) {
            Ok(exact) => exact,
            // The definition has no shift: an exponential may leave even the range of 40-digit numbers.
            Err(OracleError::Poisoned { .. }) => continue,
            Err(error) => panic!("row {i} has outputs, but {error}"),
        };
        for (c, ball) in exact.iter().enumerate() {
            let value = outputs.values.values()[i * m + c];
            let bound = outputs.error_bounds.values()[i * m + c];
            let lift = |number| High::lift(number).expect("a finite number");
            let error = (lift(value) - ball.midpoint()).abs();
            assert!(
                error <= lift(bound) + ball.radius(),
                "outputs[{i}, {c}] = {value} +- {bound}, but {} is exact",
                ball.midpoint().scientific(20)
            );
        }
    }
}
