//! The kit's instances of systems whose unknowns have names: what the generators draw, and edges.

use crate::instance::InstanceError;
use crate::judge::kit::specimen::Specimen;
use crate::system::{Array, Asks, GENERATORS, Given, Posed, Sizes};

/// The seed of these instances.
const SEED: u64 = 7;
/// Small enough that a Hessian can be read.
const SIZES: Sizes = Sizes {
    rows: 4,
    width: 2,
    columns: Some(3),
};

/// All of them.
pub(super) fn specimens() -> Result<Vec<Specimen>, InstanceError> {
    let failed = |message| InstanceError::format("the conformance kit".as_ref(), message);
    let mut list = Vec::new();
    for generator in GENERATORS {
        let usual = generator.draw(&SIZES, SEED, 0).map_err(failed)?;
        match usual.system().asks {
            Asks::Loss => {}
            // The kit's answers are losses and what belongs to them.
            Asks::Outputs(_) => continue,
        }
        let least = Sizes {
            rows: 1,
            width: 1,
            columns: Some(1),
        };
        let one = generator.draw(&least, SEED, 1).map_err(failed)?;
        let mut add = |what: &str, about, given: Given| {
            list.push(Specimen {
                id: format!("{}{what}", generator.kind),
                about,
                instance: Posed::Other(given),
            });
        };
        let far = far(&usual).map_err(failed)?;
        add("", generator.about, usual);
        add("-one", "every side 1", one);
        add(
            "-far",
            "the first instance with its X 64 times as large",
            far,
        );
    }
    Ok(list)
}

/// The first unknown 64 times as large: logits far apart, products far from what they should be.
fn far(given: &Given) -> Result<Given, String> {
    let mut point = given.start();
    if let Some((_, _, range)) = given.layout().parts().next() {
        for entry in &mut point[range] {
            *entry *= 64.0;
        }
    }
    let arrays: Vec<(String, Array)> = given
        .system()
        .given
        .iter()
        .filter_map(|slot| Some((slot.name.to_owned(), given.array(slot.name)?.clone())))
        .collect();
    Given::new(given.system(), arrays)?.with_points(vec![point])
}
