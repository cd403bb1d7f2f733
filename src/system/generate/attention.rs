//! Single-layer attention.

use nalgebra::DMatrix;

use super::kind::{Generator, Sizes, dyadic, flat, named, product};
use crate::instance::sample::{self, Stream};
use crate::system::array::Array;
use crate::system::given::Given;
use crate::system::single_layer_attention::SINGLE_LAYER_ATTENTION;

/// Targets that an attention can come near to: each row of B is a convex combination of rows of A3 times a Y.
pub(super) static HULL: Generator = Generator {
    kind: "attention",
    about: "single-layer attention: n tokens of width d, rows of B in the hull of the rows of A3 Y*, no ridge",
    has_columns: true,
    draw: |sizes, rng| drawn(sizes, rng, false),
};

/// The same with a weight for each column of Z and a ridge, so that minimisers exist.
pub(super) static RIDGED: Generator = Generator {
    kind: "attention-ridge",
    about: "the same with a weight from 1/4 to 5/4 for each column of the logits and a ridge of 1/8",
    has_columns: true,
    draw: |sizes, rng| drawn(sizes, rng, true),
};

fn drawn(sizes: &Sizes, rng: &mut Stream, ridged: bool) -> Result<Given, String> {
    let (n, d) = (sizes.rows, sizes.width);
    let m = sizes.columns.unwrap_or(d);
    let [a1, a2, a3] = std::array::from_fn(|_| dyadic(rng, n, d, 2));
    let planted = dyadic(rng, d, m, 1);
    let mut attention = DMatrix::zeros(n, n);
    for j in 0..n {
        let row = sample::probability(rng, n);
        attention.set_row(j, &row.transpose());
    }
    let target = product(&attention, &product(&a3, &planted));
    let start = flat(&[&dyadic(rng, d, d, 1), &dyadic(rng, d, m, 1)]);
    let mut arrays = vec![
        named("A1", &a1),
        named("A2", &a2),
        named("A3", &a3),
        named("B", &target),
    ];
    if ridged {
        let weights = sample::dyadic_vector(rng, n, 1).map(|w| 0.25 + w.abs());
        arrays.push(("weights".to_owned(), Array::vector(&weights)));
        arrays.push(("ridge".to_owned(), Array::scalar(0.125)));
    }
    Given::new(&SINGLE_LAYER_ATTENTION, arrays)?.with_points(vec![start])
}
