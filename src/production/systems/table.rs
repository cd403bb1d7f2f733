//! Every method for systems that are no losses of logits.

use crate::production::outcome::{Observer, Solution};
use crate::production::settings::Settings;
use crate::production::systems::error::{Refusal, SystemError};
use crate::production::systems::method::{AUTO, Method};
use crate::production::systems::reached::Watch;
use crate::production::systems::{
    active_learning, attention, federated_softmax, kernel_regression, leverage_regression,
    low_rank, tensor_power,
};
use crate::system::Given;
use nalgebra::DVector;

/// The methods. Names are unique within a system.
static METHODS: &[&dyn Method] = &[
    &attention::VariableProjection,
    &low_rank::VariableProjection,
    &low_rank::Alternating,
    &kernel_regression::TriangularFactor,
    &kernel_regression::ByCholesky,
    &kernel_regression::ByConjugateGradients,
    &tensor_power::RandomContraction,
    &tensor_power::Deflation,
    &leverage_regression::ByFactor,
    &leverage_regression::ByConjugateGradients,
    &leverage_regression::BySample,
    &federated_softmax::FederatedNewton,
    &federated_softmax::FEDAVG,
    &federated_softmax::CORRECTED,
    &federated_softmax::MEDIAN,
    &federated_softmax::TRIMMED,
    &active_learning::BY_DETERMINANT,
    &active_learning::BY_LEVERAGE,
    &active_learning::BY_BARRIERS,
];

/// The names of all methods, each once.
pub fn method_names() -> Vec<&'static str> {
    let mut names: Vec<&str> = METHODS.iter().map(|method| method.name()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn of_system(key: &'static str) -> impl Iterator<Item = &'static dyn Method> {
    METHODS
        .iter()
        .copied()
        .filter(move |method| method.solves() == key)
}

/// The names of the methods for the system of this key; none for losses of logits, which have [`Method`](crate::production::Method),
/// and for systems without unknowns.
pub fn method_names_of(system: &'static str) -> Vec<&'static str> {
    of_system(system).map(|method| method.name()).collect()
}

/// Whether the answers of the method of this name, [`AUTO`] for the one that it chooses, may come with a proven bound of their error;
/// true where the method is refused, which is for [`solve_system`] to say.
pub fn has_error_bounds(given: &Given, method: &str) -> bool {
    choose(given, method).map_or(true, Method::proves)
}

/// The method of this name, or the cheapest for [`AUTO`].
fn choose(given: &Given, name: &str) -> Result<&'static dyn Method, SystemError> {
    let system = given.system().key;
    let mut best: Option<(f64, &'static dyn Method)> = None;
    let mut refused = None;
    for method in of_system(system) {
        if name != AUTO && name != method.name() {
            continue;
        }
        match method.takes(given) {
            Ok(cost) => {
                if best.is_none_or(|(least, _)| cost < least) {
                    best = Some((cost, method));
                }
            }
            // What a method for another kind says is worth telling only if no other says more.
            Err(refusal @ Refusal::Kind { .. }) => refused = refused.or(Some(refusal)),
            Err(refusal) => refused = Some(refusal),
        }
    }
    match (best, refused) {
        (Some((_, method)), _) => Ok(method),
        (None, Some(refusal)) => Err(SystemError::Method {
            method: name.to_owned(),
            refusal,
        }),
        (None, None) => {
            let known: Vec<&str> = of_system(system).map(|method| method.name()).collect();
            Err(SystemError::NoMethod {
                method: name.to_owned(),
                system,
                known: known.join(", "),
            })
        }
    }
}

/// Why the seed changes nothing of a solve by the method of this name, where it does not; nothing where the method is refused.
pub fn ignores_seed(given: &Given, method: &str, has_start: bool) -> Option<&'static str> {
    let method = choose(given, method).ok()?;
    method.ignores_seed(given, has_start)
}

/// Solves a system by the method of this name, [`AUTO`] for the cheapest, from `start`, the unknowns as one vector by
/// [`Layout`](crate::system::Layout), or from a start of the method's own. The answer comes with the name of the method that ran.
///
/// The tolerance is relative to the gradient at the start after the first elimination, so that the start's own value of an
/// eliminated unknown plays no part. Settings of the subsampling and of the sampled start are for losses of logits; nothing here
/// reads them.
pub fn solve_system(
    given: &Given,
    start: Option<&[f64]>,
    method: &str,
    settings: &Settings,
    observer: &mut Observer<'_>,
) -> Result<(Solution, &'static str), SystemError> {
    settings.validate()?;
    let layout = given.layout();
    if let Some(start) = start {
        if start.len() != layout.dimension() {
            return Err(SystemError::Start(format!(
                "point has {} entries, expected {}",
                start.len(),
                layout.dimension()
            )));
        }
        if let Some(k) = start.iter().position(|value| !value.is_finite()) {
            return Err(SystemError::Start(format!(
                "{} is {}: every entry must be finite",
                layout.entry(k).unwrap_or_default(),
                start[k]
            )));
        }
    }
    let method = choose(given, method)?;
    let mut watch = Watch::new(observer);
    let reached = method.run(given, start, settings, &mut watch)?;
    let solution = Solution {
        outcome: reached.outcome,
        x: DVector::from_vec(reached.x),
        loss: reached.loss,
        gradient_norm: reached.gradient_norm,
        start_gradient_norm: reached.start_gradient_norm,
        gradient_noise: reached.gradient_noise,
        iterations: reached.iterations,
        error_bound: reached.error_bound.0,
        error_bound_basis: reached.error_bound.1,
        labels_read: reached.labels_read,
        warnings: reached.warnings,
        trace: watch.trace(),
    };
    Ok((solution, method.name()))
}
