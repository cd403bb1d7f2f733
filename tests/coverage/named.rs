//! The systems whose unknowns are named arrays: shown by an instance of their generator.

use attention_regression::claims;
use attention_regression::judge::kit::specimens;
use attention_regression::oracle::{OutputsReference, Reference};
use attention_regression::production::{AUTO, Settings, evaluate, solve_system};
use attention_regression::system::{Asks, GENERATORS, Given, Posed, Sizes, System};

use crate::{CLAIM, DEFINITION, GENERATOR, METHOD, SPECIMEN};

const SIZES: Sizes = Sizes {
    rows: 4,
    width: 1,
    columns: None,
};

fn drawn(system: &System) -> Option<Given> {
    GENERATORS
        .iter()
        .map(|generator| generator.draw(&SIZES, 1, 0).unwrap())
        .find(|given| given.system().key == system.key)
}

/// Whether the system has what is asked for.
pub fn has(system: &System, what: &str) -> bool {
    let Some(given) = drawn(system) else {
        return false;
    };
    let outputs = matches!(given.system().asks, Asks::Outputs(_));
    match what {
        GENERATOR => true,
        DEFINITION if outputs => {
            OutputsReference::of(&given).is_ok_and(|reference| reference.enclose().is_ok())
        }
        DEFINITION => Reference::of(&given).is_ok(),
        METHOD if outputs => evaluate(&given).is_ok(),
        METHOD => {
            let start = given.start();
            solve_system(
                &given,
                Some(&start),
                AUTO,
                &Settings::default(),
                &mut |_| std::ops::ControlFlow::Continue(()),
            )
            .is_ok_and(|(solution, _)| solution.outcome.is_success())
        }
        CLAIM => {
            let posed = Posed::Other(given);
            claims::all().iter().any(|claim| claim.speaks_of(&posed))
        }
        SPECIMEN => specimens()
            .unwrap()
            .iter()
            .any(|specimen| specimen.instance.key() == system.key),
        _ => panic!("{what}: who asks this of a system with named unknowns?"),
    }
}
