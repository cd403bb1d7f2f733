//! Floor 2b: the high-precision reference. It knows only each loss's definition; gradient and Hessian come from
//! symbolic differentiation of that definition. Nothing here knows production.

mod error;

pub use error::OracleError;
