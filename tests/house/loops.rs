//! No two files reach each other through imports.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::arrows::{Arrows, arrows};
use crate::tree::Tree;

/// Every file that `from` reaches along arrows.
fn reached<'a>(arrows: &'a Arrows, from: &'a Path) -> BTreeSet<&'a Path> {
    let mut seen = BTreeSet::new();
    let mut open = vec![from];
    while let Some(file) = open.pop() {
        for next in arrows.get(file).into_iter().flat_map(BTreeMap::keys) {
            if seen.insert(next.as_path()) {
                open.push(next);
            }
        }
    }
    seen
}

/// Every arrow that lies on a loop, in words.
pub fn looping(arrows: &Arrows) -> Vec<String> {
    let reach: BTreeMap<&PathBuf, BTreeSet<&Path>> = arrows
        .keys()
        .map(|file| (file, reached(arrows, file)))
        .collect();
    arrows
        .iter()
        .flat_map(|(from, targets)| targets.iter().map(move |(to, names)| (from, to, names)))
        .filter(|(from, to, _)| {
            reach
                .get(to)
                .is_some_and(|reach| reach.contains(from.as_path()))
        })
        .map(|(from, to, names)| {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            format!(
                "{} -> {} ({})",
                from.display(),
                to.display(),
                names.join(", ")
            )
        })
        .collect()
}

fn tree_of(files: &[(&str, &str)]) -> Tree {
    Tree::read(&|wanted| {
        files
            .iter()
            .find(|(name, _)| Path::new(name) == wanted)
            .map(|(_, text)| (*text).to_owned())
    })
}

#[test]
fn no_two_files_reach_each_other() {
    let arrows = arrows(&Tree::of_this_crate());
    let count: usize = arrows.values().map(BTreeMap::len).sum();
    assert!(
        count > 500,
        "only {count} arrows: the reader of paths is broken"
    );
    assert_eq!(looping(&arrows), [""; 0]);
}

#[test]
fn a_loop_through_a_reexport_is_caught() {
    let looped = tree_of(&[
        ("lib.rs", "pub mod a; pub mod b;"),
        (
            "a.rs",
            "mod inner; pub use inner::Thing; use crate::b::Other;\npub struct Mine(Other);",
        ),
        (
            "a/inner.rs",
            "use crate::b::Other; pub struct Thing(Other);",
        ),
        (
            "b.rs",
            "use crate::a; pub struct Other(Option<Box<a::Thing>>);",
        ),
    ]);
    assert_eq!(
        looping(&arrows(&looped)),
        ["a/inner.rs -> b.rs (Other)", "b.rs -> a/inner.rs (Thing)"]
    );
}

#[test]
fn paths_in_macros_and_without_use_are_arrows() {
    let looped = tree_of(&[
        ("lib.rs", "pub mod a; pub mod b;"),
        (
            "a.rs",
            "pub const ONE: u32 = 1; pub fn f() -> u32 { crate::b::g() }",
        ),
        (
            "b.rs",
            "pub fn g() -> u32 { assert!(super::a::ONE > 0); 1 }",
        ),
    ]);
    assert_eq!(looping(&arrows(&looped)).len(), 2);
}

#[test]
fn test_modules_and_straight_lines_are_no_loops() {
    let straight = tree_of(&[
        ("lib.rs", "pub mod a; pub mod b;"),
        (
            "a.rs",
            "pub struct A; #[cfg(test)] mod tests { use crate::b::B; fn f(_: B) {} }",
        ),
        ("b.rs", "use crate::a::A; pub struct B(A);"),
    ]);
    assert!(looping(&arrows(&straight)).is_empty());
}
