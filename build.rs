//! Stamps the commit into the binary, so that a report says which code made it. Without git the stamp is absent.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // A path that is not there would mean a rebuild every time, as in a work tree whose .git is a file.
    for path in [".git/HEAD", ".git/logs/HEAD"] {
        if std::path::Path::new(path).exists() {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    let commit = Command::new("git")
        .args(["rev-parse", "--short=12", "HEAD"])
        .output()
        .ok()
        .filter(|output| output.status.success())
        .and_then(|output| String::from_utf8(output.stdout).ok());
    if let Some(commit) = commit {
        println!("cargo::rustc-env=ATTREG_COMMIT={}", commit.trim());
    }
}
