//! Doors: what may be named in one file only.

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::tree::Tree;

fn sources(directory: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            sources(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    Ok(())
}

#[test]
fn num_bigfloat_is_named_in_one_file_only() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files).unwrap();
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

/// What a text says of this crate: its name, that of its program, a path below one of its modules, or one as an area.
fn of_this_crate(text: &str, modules: &[String]) -> Vec<String> {
    let package = env!("CARGO_PKG_NAME");
    let mut words = vec![package.to_owned(), package.replace('-', "_")];
    words.push("attreg".to_owned());
    for module in modules {
        words.push(format!("src/{module}/"));
        words.push(format!("--area {module}"));
        words.push(format!("\"{module}\""));
    }
    words.retain(|word| text.contains(word.as_str()));
    words
}

#[test]
fn the_mutation_runner_knows_nothing_of_this_crate() {
    let modules: Vec<String> = Tree::of_this_crate().modules[&Vec::new()]
        .children
        .iter()
        .cloned()
        .collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mutation");
    let mut files = vec![root.join("README.md"), root.join("Cargo.toml")];
    for folder in ["src", "templates", "fixture/src"] {
        sources(&root.join(folder), &mut files).unwrap();
    }
    assert!(files.len() > 10, "{files:?}");
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let found = of_this_crate(&text, &modules);
        assert!(found.is_empty(), "{} names {found:?}", file.display());
    }
    let planted = of_this_crate("run --area oracle; attreg; src/claims/a.rs", &modules);
    assert_eq!(planted, ["attreg", "src/claims/", "--area oracle"]);
}
