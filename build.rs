//! Stamps the commit into the binary, so that `--version` and reports say which code made them. Without git, or where the
//! sources lie in somebody else's repository, the stamp is absent.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // A path that is not there would mean a rebuild every time, as in a work tree whose .git is a file.
    for path in [".git/HEAD", ".git/logs/HEAD"] {
        if Path::new(path).exists() {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    let version = env!("CARGO_PKG_VERSION");
    match commit() {
        Some(commit) => {
            println!("cargo::rustc-env=ATTREG_COMMIT={commit}");
            println!("cargo::rustc-env=ATTREG_VERSION={version} ({commit})");
        }
        None => println!("cargo::rustc-env=ATTREG_VERSION={version}"),
    }
}

fn commit() -> Option<String> {
    // Git would look upwards for a repository.
    if !Path::new(".git").exists() {
        return None;
    }
    let output = Command::new("git")
        .args(["rev-parse", "--short=12", "HEAD"])
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim().to_owned())
}
