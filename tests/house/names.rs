//! A public name means one thing: no two public types or traits share one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::tree::Tree;

/// A definition: its module and its name there.
type Definition = (Vec<String>, String);

/// What each name of a type stands for, among those that a user of the crate can reach.
fn public_types(tree: &Tree) -> BTreeMap<String, BTreeSet<Definition>> {
    let mut found: BTreeMap<String, BTreeSet<Definition>> = BTreeMap::new();
    let mut open = vec![Vec::new()];
    while let Some(path) = open.pop() {
        let module = &tree.modules[&path];
        for name in &module.public {
            if module.children.contains(name) {
                let mut child = path.clone();
                child.push(name.clone());
                open.push(child);
            }
            let Some(definition) = tree.resolve(&path, std::slice::from_ref(name)) else {
                continue;
            };
            // A re-export may also be a function, whose name says little without its module.
            if tree.modules[&definition.0].public.contains(&definition.1) {
                found.entry(name.clone()).or_default().insert(definition);
            }
        }
    }
    found
}

/// The names that mean more than one thing, with what they mean.
fn ambiguous(tree: &Tree) -> Vec<String> {
    public_types(tree)
        .into_iter()
        .filter(|(_, definitions)| definitions.len() > 1)
        .map(|(name, definitions)| {
            let places: Vec<String> = definitions
                .iter()
                .map(|(module, name)| format!("{}::{name}", module.join("::")))
                .collect();
            format!("{name}: {}", places.join(", "))
        })
        .collect()
}

#[test]
fn no_two_public_types_share_a_name() {
    let tree = Tree::of_this_crate();
    assert!(public_types(&tree).len() > 100, "types are found");
    assert_eq!(ambiguous(&tree), [""; 0]);
}

#[test]
fn a_name_that_is_used_twice_is_caught_and_a_reexport_is_none() {
    let tree = Tree::read(&|file: &Path| {
        let text = match file.to_str()? {
            "lib.rs" => "pub mod a; pub mod b; mod c; pub use a::Shared; pub use c::Hidden;",
            "a.rs" => "pub struct Shared; pub struct Twice; struct Inner; pub fn name() {}",
            "b.rs" => {
                "pub use crate::a::Shared; pub enum Twice {} pub struct Inner; pub fn name() {}"
            }
            "c.rs" => "pub struct Hidden; pub struct Inner;",
            _ => return None,
        };
        Some(text.to_owned())
    });
    assert_eq!(ambiguous(&tree), ["Twice: a::Twice, b::Twice"]);
}
