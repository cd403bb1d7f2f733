//! A module imports only from lower floors.

use std::path::Path;

use crate::arrows::arrows;
use crate::tree::Tree;

/// Modules from the lowest floor up. Modules on one line of the house may not import each other either.
const FLOORS: [&[&str]; 8] = [
    &["scalar", "memory"],
    &["instance", "certificate"],
    &["system"],
    &["production", "oracle"],
    &["claims"],
    &["campaign"],
    &["report", "judge", "ledger"],
    &["cli"],
];

fn floor(module: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&module))
}

/// The top-level module of a file.
fn room(file: &Path) -> String {
    let first = file.components().next().expect("a file has a name");
    Path::new(first.as_os_str())
        .with_extension("")
        .to_string_lossy()
        .into_owned()
}

/// What is wrong with an import of `module` from `importer`, if anything.
fn fault(importer: &str, imported: &str) -> Option<String> {
    let (from, to) = (floor(importer)?, floor(imported)?);
    (importer != imported && to >= from)
        .then(|| format!("{importer} (floor {from}) imports {imported} (floor {to})"))
}

#[test]
fn every_file_imports_only_from_lower_floors() {
    let mut faults = Vec::new();
    for (from, targets) in arrows(&Tree::of_this_crate()) {
        for to in targets.keys() {
            if let Some(fault) = fault(&room(&from), &room(to)) {
                faults.push(format!("{} -> {}: {fault}", from.display(), to.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_module_has_its_floor() {
    for module in &Tree::of_this_crate().modules[&Vec::new()].children {
        assert!(floor(module).is_some(), "{module} has no floor");
    }
}

#[test]
fn an_import_across_or_upwards_is_caught() {
    assert!(fault("production", "oracle").is_some());
    assert!(fault("oracle", "production").is_some());
    assert!(fault("scalar", "claims").is_some());
    assert!(fault("claims", "oracle").is_none());
    assert_eq!(room(Path::new("production/newton.rs")), "production");
    assert_eq!(room(Path::new("memory.rs")), "memory");
}
