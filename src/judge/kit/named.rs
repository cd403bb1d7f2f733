//! The kit's instances of systems with named arrays: what the generators draw, and edges.

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
        let (far, about) = match usual.system().asks {
            Asks::Loss | Asks::Zero => (
                far(&usual),
                "the first instance with its first unknown 64 times as large",
            ),
            Asks::Outputs(_) => (
                changed(&usual, "Q"),
                "the first instance with its Q 64 times as large",
            ),
        };
        add("", generator.about, usual);
        add("-one", "every side 1", one);
        add("-far", about, far.map_err(failed)?);
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
    given.clone().with_points(vec![point])
}

/// The array of this name 64 times as large.
fn changed(given: &Given, name: &str) -> Result<Given, String> {
    let array = given.array(name);
    let larger = array.and_then(|array| {
        let entries = array.values().iter().map(|entry| 64.0 * entry);
        Array::new(array.shape().to_vec(), entries.collect())
    });
    given.with_array(name, larger.ok_or_else(|| format!("no array {name}"))?)
}
