//! An instance of the kit.

use crate::system::Posed;

/// An instance of the kit.
#[derive(Clone, Debug)]
pub struct Specimen {
    /// Its name, which is also the name of its answers.
    pub id: String,
    /// What it is there for.
    pub about: &'static str,
    /// The instance; its first point is where loss, gradient and Hessian are asked for and where a search starts.
    pub instance: Posed,
}
