//! Single-layer attention regression (arXiv 2309.07418).

mod coordinates;
mod point;
#[cfg(test)]
mod tests;
mod variable_projection;

pub(crate) use variable_projection::VariableProjection;
