//! All systems.

use crate::system::active_learning::ACTIVE_LEARNING;
use crate::system::attention_kernel_regression::ATTENTION_KERNEL_REGRESSION;
use crate::system::exact_attention::EXACT_ATTENTION;
use crate::system::federated_softmax::FEDERATED_SOFTMAX;
use crate::system::leverage_regression::LEVERAGE_REGRESSION;
use crate::system::polynomial_attention::POLYNOMIAL_ATTENTION;
use crate::system::row::{Asks, System};
use crate::system::single_layer_attention::SINGLE_LAYER_ATTENTION;
use crate::system::slot::{Rule, Slot};
use crate::system::tensor_power::TENSOR_POWER;
use crate::system::weighted_low_rank::WEIGHTED_LOW_RANK;

const LOGIT_GIVEN: &[Slot] = &[
    Slot::required("matrix", &[&["n", "d"]]),
    Slot::required("target", &[&["n"]]),
    Slot::required("weights", &[&[], &["n"]]),
];

const TWO_LAYER_GIVEN: &[Slot] = &[
    Slot::required("matrix", &[&["n", "d"]]),
    Slot::required("target", &[&["m"]]),
    Slot::required("weights", &[&[], &["n"]]),
    Slot::required("second_layer", &[&["m", "n"]]),
    Slot::required("activation", &[&[]])
        .with_rule(Rule::Word(&["relu", "softplus", "tanh", "identity"])),
];

const POINT: &[Slot] = &[Slot::required("x", &[&["d"]])];

const fn logit(key: &'static str, formula: &'static str, given: &'static [Slot]) -> System {
    System {
        key,
        formula,
        given,
        unknowns: POINT,
        asks: Asks::Loss,
        logit: true,
    }
}

static SOFTMAX: System = logit(
    "softmax",
    "0.5 || softmax(A x) - b ||^2 + 0.5 || w o A x ||^2",
    LOGIT_GIVEN,
);
static EXP: System = logit(
    "exp",
    "0.5 || exp(A x) - b ||^2 + 0.5 || w o A x ||^2",
    LOGIT_GIVEN,
);
static COSH: System = logit(
    "cosh",
    "0.5 || cosh(A x) - b ||^2 + 0.5 || w o A x ||^2",
    LOGIT_GIVEN,
);
static SINH: System = logit(
    "sinh",
    "0.5 || sinh(A x) - b ||^2 + 0.5 || w o A x ||^2",
    LOGIT_GIVEN,
);
static RESIDUAL_SOFTMAX: System = logit(
    "residual-softmax",
    "0.5 || (exp(z) + z) / <exp(z) + z, 1> - b ||^2 + 0.5 || w o z ||^2, z = A x",
    LOGIT_GIVEN,
);
static TWO_LAYER: System = logit(
    "two-layer",
    "0.5 || phi(A2 softmax(A x)) - b ||^2 + 0.5 || w o A x ||^2",
    TWO_LAYER_GIVEN,
);

/// Every system, those of logits first.
pub static SYSTEMS: &[&System] = &[
    &SOFTMAX,
    &EXP,
    &COSH,
    &SINH,
    &RESIDUAL_SOFTMAX,
    &TWO_LAYER,
    &SINGLE_LAYER_ATTENTION,
    &WEIGHTED_LOW_RANK,
    &EXACT_ATTENTION,
    &POLYNOMIAL_ATTENTION,
    &ATTENTION_KERNEL_REGRESSION,
    &TENSOR_POWER,
    &LEVERAGE_REGRESSION,
    &FEDERATED_SOFTMAX,
    &ACTIVE_LEARNING,
];

/// The system of this name.
pub fn system(key: &str) -> Option<&'static System> {
    SYSTEMS.iter().copied().find(|system| system.key == key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instance::LossKind;

    /// The losses of logits are listed by their own enum, too; a row without a loss, or a loss without a row, is a fault.
    #[test]
    fn the_logit_systems_are_the_losses() {
        let keys: Vec<&str> = SYSTEMS
            .iter()
            .filter(|system| system.logit)
            .map(|system| system.key)
            .collect();
        assert_eq!(keys, LossKind::NAMES);
    }

    #[test]
    fn keys_and_the_names_of_arrays_are_unique() {
        for (k, one) in SYSTEMS.iter().enumerate() {
            assert!(SYSTEMS[k + 1..].iter().all(|other| other.key != one.key));
            let mut names: Vec<&str> = one
                .given
                .iter()
                .chain(one.unknowns)
                .map(|slot| slot.name)
                .collect();
            let count = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), count, "{}", one.key);
        }
    }
}
