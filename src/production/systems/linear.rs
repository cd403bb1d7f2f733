//! What the linear systems share.
//!
//! | file | what lives there |
//! |---|---|
//! | `scaled` | numbers with an exponent of their own, A divided by its size |
//! | `vector` | vectors likewise, and their products with A |
//! | `triangular` | a factor of `A'A`, as good as Householder's, and a proven bound of its lowest eigenvalue |
//! | `normal` | normal equations, refined with residuals in twice the precision |
//! | `singular` | singular values where columns are dependent |
//! | `answer` | loss, gradient and status where a run ended |

pub(super) mod answer;
pub(super) mod normal;
pub(super) mod scaled;
pub(super) mod singular;
#[cfg(test)]
pub(super) mod test_support;
pub(super) mod triangular;
pub(super) mod vector;
