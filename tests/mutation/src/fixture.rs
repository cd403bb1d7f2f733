//! The small crate that whole runs are tried on, with a history of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the crate itself lies.
pub fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixture")
}

/// A copy of it below `scratch`, known to git.
pub fn copy_below(scratch: &Path) -> PathBuf {
    let root = scratch.join("crate");
    fs::create_dir_all(root.join("src")).unwrap();
    for file in ["Cargo.toml", "src/lib.rs"] {
        fs::copy(directory().join(file), root.join(file)).unwrap();
    }
    for arguments in [&["init", "--quiet"][..], &["add", "."]] {
        let mut git = Command::new("git");
        let status = git.args(arguments).current_dir(&root).status();
        assert!(status.unwrap().success());
    }
    root
}
