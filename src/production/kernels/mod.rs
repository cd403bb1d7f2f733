//! The inner loops of the solver, vectorised for the machine at hand.
//!
//! Each kernel is written once over `pulp`'s vectors and runs at the best [`Level`] the processor has: one binary for
//! every x86-64 (SSE2, AVX2, AVX-512) and for aarch64. Kernels work on one block of rows and know nothing of threads;
//! `partition` cuts the rows into chunks that do not depend on the number of threads, so results do not either.

pub(crate) mod anchored;
pub(crate) mod attention;
pub(crate) mod cholesky;
pub(crate) mod dense;
pub(crate) mod doubled;
pub(crate) mod exponential;
pub(crate) mod gaussian;
pub(crate) mod gram;
pub(crate) mod gram_single;
mod level;
pub(crate) mod operator;
pub(crate) mod partition;
pub(crate) mod plain_gram;
pub(crate) mod pool;
pub(crate) mod powers;
pub(crate) mod prefetch;
pub(crate) mod product;
pub(crate) mod residual;
pub(crate) mod softmax;
pub(crate) mod softmax_bounds;
pub(crate) mod softmax_lanes;
pub(crate) mod sparse;
pub(crate) mod subtract;
pub(crate) mod symmetric;
mod view;

pub use level::Level;
pub use view::Kernels;
