//! The house: a module imports only from lower floors, and the two halves of floor 2 never meet below a claim.

use std::fs;
use std::path::{Path, PathBuf};

/// Modules from the lowest floor up. Modules on one line of the house may not import each other either.
const FLOORS: [&[&str]; 7] = [
    &["scalar", "memory"],
    &["instance", "certificate"],
    &["production", "oracle"],
    &["claims"],
    &["campaign"],
    &["report", "judge"],
    &["cli"],
];

fn floor(module: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&module))
}

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Every module of this crate that a source text names after `crate::`, also inside `crate::{…}`.
fn imports(text: &str) -> Vec<String> {
    let code: String = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n");
    let mut names = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        if let Some(inner) = rest.strip_prefix('{') {
            let group = inner.split("};").next().unwrap_or(inner);
            let mut depth = 0;
            let mut name = String::new();
            for letter in group.chars().chain([',']) {
                match letter {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    ',' if depth == 0 => {
                        names.push(name.trim().split("::").next().unwrap_or("").to_owned());
                        name.clear();
                    }
                    _ if depth == 0 => name.push(letter),
                    _ => {}
                }
            }
        } else {
            names.push(
                rest.chars()
                    .take_while(|c| c.is_alphanumeric() || *c == '_')
                    .collect(),
            );
        }
    }
    names
}

/// What is wrong with an import of `module` from `importer`, if anything.
fn fault(importer: &str, imported: &str) -> Option<String> {
    let (from, to) = (floor(importer)?, floor(imported)?);
    (importer != imported && to >= from)
        .then(|| format!("{importer} (floor {from}) imports {imported} (floor {to})"))
}

#[test]
fn every_module_imports_only_from_lower_floors() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    assert!(files.len() > 20, "only {} source files found", files.len());
    let mut faults = Vec::new();
    let mut seen = 0;
    for file in files {
        let relative = file.strip_prefix(&root).unwrap();
        let module = relative
            .components()
            .next()
            .unwrap()
            .as_os_str()
            .to_str()
            .unwrap()
            .to_owned();
        for imported in imports(&fs::read_to_string(&file).unwrap()) {
            seen += 1;
            if let Some(fault) = fault(&module, &imported) {
                faults.push(format!("{}: {fault}", relative.display()));
            }
        }
    }
    assert!(
        seen > 50,
        "only {seen} imports found: the reader of `use` lines is broken"
    );
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_module_has_its_floor() {
    let lib = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    for line in lib.lines() {
        if let Some(module) = line
            .strip_prefix("pub mod ")
            .and_then(|rest| rest.strip_suffix(';'))
        {
            assert!(floor(module).is_some(), "{module} has no floor");
        }
    }
}

#[test]
fn an_import_across_or_upwards_is_caught() {
    assert!(fault("production", "oracle").is_some());
    assert!(fault("oracle", "production").is_some());
    assert!(fault("scalar", "claims").is_some());
    assert!(fault("claims", "oracle").is_none());
    let text = "use crate::{scalar::High, oracle::{Graph, Node}};\nlet x = crate::claims::find;";
    assert_eq!(imports(text), ["scalar", "oracle", "claims"]);
}

#[test]
fn num_bigfloat_is_named_in_one_file_only() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let users: Vec<String> = files
        .iter()
        .filter(|file| {
            fs::read_to_string(file)
                .unwrap()
                .lines()
                .any(|line| !line.trim_start().starts_with("//") && line.contains("num_bigfloat"))
        })
        .map(|file| file.strip_prefix(&root).unwrap().display().to_string())
        .filter(|file| !file.contains("tests"))
        .collect();
    assert_eq!(users, ["scalar/high.rs"]);
}
