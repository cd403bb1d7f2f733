//! Weighted low-rank approximation (arXiv 2306.04169).

mod alternating;
mod passes;
mod problem;
mod products;
mod reached;
mod root;
#[cfg(test)]
mod tests;
mod variable_projection;

pub(crate) use alternating::Alternating;
pub(crate) use variable_projection::VariableProjection;
