//! Polynomial attention.

use super::kind::{Generator, Sizes, dyadic, named};
use crate::instance::sample::{self, Stream};
use crate::system::array::Array;
use crate::system::given::Given;
use crate::system::polynomial_attention::POLYNOMIAL_ATTENTION;

/// Even degrees, whose weights are never negative.
pub(super) static EVEN: Generator = Generator {
    kind: "polynomial-attention",
    about: "polynomial attention of degree 2, 4 or 6: n queries, keys and values of width d",
    has_columns: true,
    draw: drawn,
};

fn drawn(sizes: &Sizes, rng: &mut Stream) -> Result<Given, String> {
    let (n, d) = (sizes.rows, sizes.width);
    let m = sizes.columns.unwrap_or(d);
    let (q, k, v) = (
        dyadic(rng, n, d, 2),
        dyadic(rng, n, d, 2),
        dyadic(rng, n, m, 1),
    );
    let degree = 2.0 * sample::integer(rng, 1, 3) as f64;
    let arrays = vec![
        named("Q", &q),
        named("K", &k),
        named("V", &v),
        ("degree".to_owned(), Array::scalar(degree)),
    ];
    Given::new(&POLYNOMIAL_ATTENTION, arrays)
}
