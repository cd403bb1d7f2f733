//! placeholder
/// Placeholder until the number itself lands.
#[derive(Clone, Copy, Debug)]
pub struct High;
/// Placeholder.
#[derive(Debug)]
pub struct ScalarError;
