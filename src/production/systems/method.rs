//! Where a method that is not Newton's on logits stands.

use crate::production::settings::Settings;
use crate::production::systems::error::{Refusal, SystemError};
use crate::production::systems::reached::{Reached, Watch};
use crate::system::Given;

/// The cheapest method that takes the problem.
pub const AUTO: &str = "auto";

/// Multiply-adds that a method is expected to take. An estimate for choosing, not a promise.
pub type Cost = f64;

/// A way to solve the systems that are no losses of logits.
pub(crate) trait Method: Sync {
    /// Its name on the command line and in reports.
    fn name(&self) -> &'static str;

    /// The key of the system that it solves.
    fn solves(&self) -> &'static str;

    /// What it would cost to solve this, or why it does not.
    fn takes(&self, given: &Given) -> Result<Cost, Refusal>;

    /// Whether its answers may come with a proven bound of their error. Said by each: a default would be forgotten.
    fn proves(&self) -> bool;

    /// Why the seed changes nothing, where it does not. What most methods draw is a start.
    fn ignores_seed(&self, _given: &Given, has_start: bool) -> Option<&'static str> {
        has_start.then_some("it draws a start, and there is one")
    }

    /// Solves from `start`, the unknowns as one vector by [`Layout`](crate::system::Layout), or from a start of the method's own.
    fn run(
        &self,
        given: &Given,
        start: Option<&[f64]>,
        settings: &Settings,
        watch: &mut Watch<'_>,
    ) -> Result<Reached, SystemError>;
}
