//! Linear regression.

use nalgebra::DVector;

use super::kind::{Generator, Sizes, dyadic, flat, named};
use crate::instance::sample::{self, Stream};
use crate::system::array::Array;
use crate::system::given::Given;
use crate::system::leverage_regression::LEVERAGE_REGRESSION;

/// One right side.
pub(super) static ONE: Generator = Generator {
    kind: "least-squares",
    about: "linear regression with one right side: A of n rows and d columns, its last row 8 times as large, a target of n entries",
    has_columns: false,
    draw: |sizes, rng| drawn(sizes, rng, None),
};

/// Several right sides and a ridge.
pub(super) static RIDGED: Generator = Generator {
    kind: "ridge-regression",
    about: "linear regression with a ridge of 1/64 and several right sides: A of n rows and d columns, a target of n rows",
    has_columns: true,
    draw: |sizes, rng| drawn(sizes, rng, Some(sizes.columns.unwrap_or(sizes.width))),
};

/// One right side without a ridge, or so many with one.
fn drawn(sizes: &Sizes, rng: &mut Stream, columns: Option<usize>) -> Result<Given, String> {
    let (n, d) = (sizes.rows, sizes.width);
    let mut matrix = dyadic(rng, n, d, 1);
    if columns.is_none() {
        let mut last = matrix.row_mut(n - 1);
        last *= 8.0;
    }
    let mut arrays = vec![named("matrix", &matrix)];
    let start = match columns {
        None => {
            let target: DVector<f64> = sample::dyadic_vector(rng, n, 1);
            arrays.push(("target".to_owned(), Array::vector(&target)));
            flat(&[&dyadic(rng, d, 1, 1)])
        }
        Some(columns) => {
            arrays.push(named("target", &dyadic(rng, n, columns, 1)));
            arrays.push(("ridge".to_owned(), Array::scalar(0.015625)));
            flat(&[&dyadic(rng, d, columns, 1)])
        }
    };
    Given::new(&LEVERAGE_REGRESSION, arrays)?.with_points(vec![start])
}
