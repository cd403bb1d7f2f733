//! Doors: what may be named in one file only.

use std::path::{Path, PathBuf};
use std::{fs, io};

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
