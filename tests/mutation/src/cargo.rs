//! Builds the scratch tree: first until it compiles, then its test executables.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// How cargo is called, as the user wants it.
#[derive(Debug, Clone, clap::Args)]
pub struct Cargo {
    /// Where cargo builds; `target` of the scratch directory unless given. Builds of other trees must not use it meanwhile.
    #[arg(long, value_name = "DIR")]
    pub target_dir: Option<PathBuf>,
    /// A file or a value for cargo's `--config`; may be repeated.
    #[arg(long, value_name = "FILE|KEY=VALUE")]
    pub cargo_config: Vec<OsString>,
    /// Features of the crate to test with, separated by commas.
    #[arg(long, value_name = "LIST")]
    pub features: Option<String>,
}

/// An error of the compiler: every place it points at in the sources, file and byte, the most telling first.
#[derive(Debug, Clone)]
pub struct CompilerError {
    pub places: Vec<(String, usize)>,
    pub code: Option<String>,
    pub text: String,
}

/// A test executable.
#[derive(Debug, Clone)]
pub struct Executable {
    pub name: String,
    /// Whether it holds the library's unit tests.
    pub unit: bool,
    pub path: PathBuf,
}

impl Cargo {
    fn messages(&self, root: &Path, arguments: &[&str]) -> Result<(bool, Vec<Value>, String)> {
        let mut command = Command::new("cargo");
        for config in &self.cargo_config {
            command.arg("--config").arg(config);
        }
        command.args(arguments).arg("--message-format=json");
        if let Some(features) = &self.features {
            command.args(["--features", features]);
        }
        if let Some(directory) = &self.target_dir {
            command.env("CARGO_TARGET_DIR", directory);
        }
        let output = command
            .current_dir(root)
            .output()
            .context("cargo cannot be started")?;
        let messages = output
            .stdout
            .split(|byte| *byte == b'\n')
            .filter_map(|line| serde_json::from_slice(line).ok())
            .collect();
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        Ok((output.status.success(), messages, complaint))
    }

    /// The errors of `cargo check` in the library and the binaries of the tree; empty if it compiles.
    pub fn check(&self, root: &Path) -> Result<Vec<CompilerError>> {
        let (success, messages, complaint) = self.messages(root, &["check", "--lib", "--bins"])?;
        if success {
            return Ok(Vec::new());
        }
        let errors: Vec<CompilerError> = messages
            .iter()
            .filter(|message| message["reason"] == "compiler-message")
            .map(|message| &message["message"])
            .filter(|message| message["level"] == "error")
            .map(compiler_error)
            .filter(|error| !error.places.is_empty())
            .collect();
        if errors.is_empty() {
            bail!("cargo check failed without an error that has a place:\n{complaint}");
        }
        Ok(errors)
    }

    /// The test executables of the tree, unit tests first; `None` if it does not compile.
    pub fn tests(&self, root: &Path, only_unit: bool) -> Result<Option<Vec<Executable>>> {
        let mut arguments = vec!["test", "--no-run"];
        if only_unit {
            arguments.push("--lib");
        } else {
            arguments.extend(["--lib", "--bins", "--tests"]);
        }
        let (success, messages, complaint) = self.messages(root, &arguments)?;
        if !success {
            let about_code = messages.iter().any(|message| {
                message["reason"] == "compiler-message" && message["message"]["level"] == "error"
            });
            if about_code {
                return Ok(None);
            }
            bail!("cargo test --no-run failed:\n{complaint}");
        }
        let mut found: Vec<Executable> = messages
            .iter()
            .filter(|message| message["reason"] == "compiler-artifact")
            .filter(|message| message["profile"]["test"] == true)
            .filter_map(|message| {
                Some(Executable {
                    name: message["target"]["name"].as_str()?.to_owned(),
                    unit: message["target"]["kind"][0] == "lib",
                    path: message["executable"].as_str()?.into(),
                })
            })
            .collect();
        found.sort_by(|a, b| (!a.unit, &a.name, &a.path).cmp(&(!b.unit, &b.name, &b.path)));
        Ok(Some(found))
    }
}

fn compiler_error(message: &Value) -> CompilerError {
    let empty = Vec::new();
    let mut spans: Vec<&Value> = message["spans"]
        .as_array()
        .unwrap_or(&empty)
        .iter()
        .collect();
    spans.sort_by_key(|span| span["is_primary"] != true);
    let places = spans.into_iter().flat_map(places_of).collect();
    CompilerError {
        places,
        code: message["code"]["code"].as_str().map(str::to_owned),
        text: message["rendered"].as_str().unwrap_or("").to_owned(),
    }
}

/// The place of a span and, inside of a macro, those of its calls.
fn places_of(span: &Value) -> Vec<(String, usize)> {
    let mut places = Vec::new();
    let mut current = span;
    while let (Some(file), Some(at)) = (
        current["file_name"].as_str(),
        current["byte_start"].as_u64(),
    ) {
        if let Ok(at) = usize::try_from(at) {
            places.push((file.to_owned(), at));
        }
        current = &current["expansion"]["span"];
    }
    places
}
