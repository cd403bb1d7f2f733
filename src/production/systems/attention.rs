//! Single-layer attention regression (arXiv 2309.07418).

mod bound;
mod coordinates;
mod point;
mod product;
#[cfg(test)]
mod tests;
mod variable_projection;

pub(crate) use variable_projection::VariableProjection;
