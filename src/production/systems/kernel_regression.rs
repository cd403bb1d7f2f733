//! Attention kernel regression (arXiv 2308.14304).
//!
//! | file | what lives there |
//! |---|---|
//! | `products` | products with K, with an exponent of their own |
//! | `powers` | even and odd powers: triangular solves, refined in twice the precision, with a proven bound |
//! | `deficient` | the same where A has not full column rank |
//! | `groups`, `equilibrated` | equal rows taken together; the kernel with a diagonal of ones |
//! | `refined`, `proof` | the outer iteration for the kernel, and a proven bound |
//! | `by_cholesky`, `by_conjugate_gradients`, `pivoted` | the two ways to solve it, and a preconditioner |

mod by_cholesky;
mod by_conjugate_gradients;
mod deficient;
mod equilibrated;
mod groups;
mod pivoted;
mod powers;
mod products;
mod proof;
mod refined;
#[cfg(test)]
mod tests;

pub(crate) use by_cholesky::ByCholesky;
pub(crate) use by_conjugate_gradients::ByConjugateGradients;
pub(crate) use powers::TriangularFactor;

/// The key of the system.
const KEY: &str = "attention-kernel-regression";
