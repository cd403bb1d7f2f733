//! Puts the conformance kit into the extension: a table of file names and texts.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let kit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/conformance");
    println!("cargo::rerun-if-changed={}", kit.display());
    let mut files: Vec<PathBuf> = fs::read_dir(&kit)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<_>>()?;
    files.retain(|path| path.extension().is_some_and(|found| found == "json"));
    files.sort();
    let rows: Vec<String> = files
        .iter()
        .map(|path| {
            println!("cargo::rerun-if-changed={}", path.display());
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            format!(
                "({name:?}, include_str!({:?})),\n",
                path.display().to_string()
            )
        })
        .collect();
    let out = env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?;
    fs::write(
        Path::new(&out).join("kit.rs"),
        format!("&[{}]", rows.concat()),
    )
}
