//! Exact attention.

use super::kind::{Generator, Sizes, dyadic, named};
use crate::instance::sample::Stream;
use crate::system::array::Array;
use crate::system::exact_attention::EXACT_ATTENTION;
use crate::system::given::Given;

/// As the thesis has it.
pub(super) static PLAIN: Generator = Generator {
    kind: "exact-attention",
    about: "exact attention: n queries, keys and values of width d, logits divided by d",
    has_columns: true,
    draw: |sizes, rng| drawn(sizes, rng, false),
};

/// As a decoder has it.
pub(super) static CAUSAL: Generator = Generator {
    kind: "causal-attention",
    about: "the same where query i sees the keys 0 to i",
    has_columns: true,
    draw: |sizes, rng| drawn(sizes, rng, true),
};

fn drawn(sizes: &Sizes, rng: &mut Stream, causal: bool) -> Result<Given, String> {
    let (n, d) = (sizes.rows, sizes.width);
    let m = sizes.columns.unwrap_or(d);
    let (q, k, v) = (
        dyadic(rng, n, d, 4),
        dyadic(rng, n, d, 4),
        dyadic(rng, n, m, 1),
    );
    let mut arrays = vec![named("Q", &q), named("K", &k), named("V", &v)];
    if causal {
        arrays.push(("causal".to_owned(), Array::scalar(1.0)));
    }
    Given::new(&EXACT_ATTENTION, arrays)
}
