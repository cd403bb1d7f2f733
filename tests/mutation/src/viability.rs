//! Drops the mutants that do not compile, until the tree does.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};

use crate::cargo::Cargo;
use crate::list::Mutant;
use crate::sites::Edit;
use crate::tree::{Schemata, Tree};

/// Rounds of `cargo check`; type errors hide borrow errors, so two or three are usual.
const ROUNDS: usize = 25;

/// The tree compiles with these mutants.
pub struct Viable {
    pub schemata: Schemata,
    /// Mutants whose own text does not compile.
    pub unviable: BTreeSet<usize>,
    /// Mutants whose switch does not compile, though their own text might.
    pub unswitchable: BTreeSet<usize>,
}

/// Switches as many of `edits` as compile together.
pub fn settle(
    tree: &Tree,
    cargo: &Cargo,
    mutants: &[Mutant],
    edits: &BTreeMap<usize, &Edit>,
) -> Result<Viable> {
    let mut edits = edits.clone();
    let mut unviable = BTreeSet::new();
    let mut unswitchable = BTreeSet::new();
    for round in 1..=ROUNDS {
        let schemata = tree.switch(mutants, &edits)?;
        let errors = cargo.check(&tree.root)?;
        if errors.is_empty() {
            return Ok(Viable {
                schemata,
                unviable,
                unswitchable,
            });
        }
        let before = edits.len();
        for error in &errors {
            let blamed = error
                .places
                .iter()
                .map(|(file, at)| (file, *at, schemata.responsible(file, *at)))
                .find(|(_, _, mutants)| !mutants.is_empty());
            let Some((file, at, blamed)) = blamed else {
                continue;
            };
            // An if-else of different types says more about the switch than about the mutant.
            let certain = schemata.in_own_text(file, at) && error.code.as_deref() != Some("E0308");
            for mutant in blamed {
                if edits.remove(&mutant).is_some() {
                    let is_return = matches!(mutants[mutant].genre, crate::list::Genre::FnValue);
                    if certain || is_return && schemata.in_own_text(file, at) {
                        unviable.insert(mutant);
                    } else {
                        unswitchable.insert(mutant);
                    }
                }
            }
        }
        eprintln!(
            "round {round}: {} errors, {} mutants dropped",
            errors.len(),
            before - edits.len()
        );
        if edits.len() == before {
            bail!("no mutant explains this error:\n{}", errors[0].text);
        }
    }
    bail!("the tree does not compile after {ROUNDS} rounds")
}
