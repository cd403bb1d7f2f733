//! Attention kernel regression.

use nalgebra::DVector;

use super::kind::{Generator, Sizes, dyadic, named};
use crate::instance::sample::{self, Stream};
use crate::system::array::Array;
use crate::system::attention_kernel_regression::ATTENTION_KERNEL_REGRESSION;
use crate::system::given::Given;

/// Even powers.
pub(super) static EVEN: Generator = Generator {
    kind: "even-power",
    about: "regression with (A'A)^j, j from 1 to 3: A of n rows and d columns, a target of d entries",
    has_columns: false,
    draw: |sizes, rng| drawn(sizes, rng, "even"),
};

/// Odd powers.
pub(super) static ODD: Generator = Generator {
    kind: "odd-power",
    about: "regression with A (A'A)^j, j from 1 to 3: A of n rows and d columns, a target of n entries",
    has_columns: false,
    draw: |sizes, rng| drawn(sizes, rng, "odd"),
};

/// The entrywise exponential, with a ridge.
pub(super) static KERNEL: Generator = Generator {
    kind: "attention-kernel",
    about: "regression with exp(A A') entry by entry and a ridge of 1/64: A of n rows and d columns, a target of n entries",
    has_columns: false,
    draw: |sizes, rng| drawn(sizes, rng, "kernel"),
};

fn drawn(sizes: &Sizes, rng: &mut Stream, kind: &str) -> Result<Given, String> {
    let (n, d) = (sizes.rows, sizes.width);
    let matrix = dyadic(rng, n, d, 1);
    let target: DVector<f64> = sample::dyadic_vector(rng, if kind == "even" { d } else { n }, 1);
    let unknowns = if kind == "kernel" { n } else { d };
    let start: DVector<f64> = sample::dyadic_vector(rng, unknowns, 1);
    let words = ["even", "odd", "kernel"];
    let place = words.iter().position(|word| *word == kind).unwrap_or(0);
    let mut arrays = vec![
        named("matrix", &matrix),
        ("kind".to_owned(), Array::scalar(place as f64)),
        ("target".to_owned(), Array::vector(&target)),
    ];
    if kind == "kernel" {
        arrays.push(("ridge".to_owned(), Array::scalar(0.015625)));
    } else {
        let power = sample::integer(rng, 1, 3) as f64;
        arrays.push(("power".to_owned(), Array::scalar(power)));
    }
    Given::new(&ATTENTION_KERNEL_REGRESSION, arrays)?.with_points(vec![start.as_slice().to_vec()])
}
