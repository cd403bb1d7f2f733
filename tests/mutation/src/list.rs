//! The mutants that cargo-mutants finds, read from `cargo mutants --list --json`.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

/// A place in a file: line and column from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

/// From the first character to one past the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Span {
    pub start: Position,
    pub end: Position,
}

/// What kind of change a mutant is; decides what its span covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Genre {
    /// The span is the statements of a body, without the braces.
    FnValue,
    /// The span is the operator.
    BinaryOperator,
    /// The span is the operator, the replacement is empty.
    UnaryOperator,
    /// The span is the arm, the replacement is empty.
    MatchArm,
    /// The span is the condition, without `if`.
    MatchArmGuard,
    /// The span is the field of a struct expression with its comma, the replacement is empty.
    StructField,
}

/// One change of one place, as cargo-mutants describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mutant {
    pub name: String,
    pub package: String,
    pub file: String,
    pub span: Span,
    pub replacement: String,
    pub genre: Genre,
}

impl Mutant {
    /// The first path component below `src/`, without `.rs`.
    pub fn area(&self) -> &str {
        let below = self.file.strip_prefix("src/").unwrap_or(&self.file);
        let first = below.split('/').next().unwrap_or(below);
        first.strip_suffix(".rs").unwrap_or(first)
    }
}

/// All mutants of the crate at `root`, in the order of file, span, replacement; from the saved list, if there is one.
pub fn all(root: &Path, saved: Option<&Path>) -> Result<Vec<Mutant>> {
    if let Some(saved) = saved {
        return parse(&std::fs::read(saved).with_context(|| saved.display().to_string())?);
    }
    let output = Command::new("cargo")
        .args(["mutants", "--list", "--json"])
        .current_dir(root)
        .output()
        .context("cargo mutants cannot be started")?;
    if !output.status.success() {
        bail!(
            "cargo mutants --list failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    parse(&output.stdout)
}

/// Reads the list and puts it into its fixed order.
pub fn parse(json: &[u8]) -> Result<Vec<Mutant>> {
    let mut mutants: Vec<Mutant> = serde_json::from_slice(json).context("the list of mutants")?;
    mutants.sort_by(|a, b| {
        (&a.file, a.span, &a.replacement, a.genre).cmp(&(&b.file, b.span, &b.replacement, b.genre))
    });
    if let Some(pair) = mutants.windows(2).find(|pair| pair[0].name == pair[1].name) {
        bail!("two mutants have the name {}", pair[0].name);
    }
    Ok(mutants)
}

/// How many mutants each area has.
pub fn areas(mutants: &[Mutant]) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for mutant in mutants {
        *counts.entry(mutant.area()).or_insert(0) += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(file: &str, line: usize) -> String {
        format!(
            r#"{{"name":"{file}:{line}","package":"p","file":"{file}","replacement":"-","genre":"BinaryOperator",
            "span":{{"start":{{"line":{line},"column":1}},"end":{{"line":{line},"column":2}}}},"diff":"ignored"}}"#
        )
    }

    #[test]
    fn the_list_is_ordered_by_file_and_line_and_counted_by_area() {
        let json = format!(
            "[{},{},{}]",
            entry("src/parser/b.rs", 10),
            entry("src/parser/b.rs", 9),
            entry("src/main.rs", 3)
        );
        let mutants = parse(json.as_bytes()).unwrap();
        let names: Vec<&str> = mutants.iter().map(|mutant| mutant.name.as_str()).collect();
        assert_eq!(
            names,
            ["src/main.rs:3", "src/parser/b.rs:9", "src/parser/b.rs:10"]
        );
        let counts = areas(&mutants);
        assert_eq!((counts["main"], counts["parser"]), (1, 2));
    }

    #[test]
    fn equal_names_are_refused() {
        let json = format!("[{0},{0}]", entry("src/a.rs", 1));
        assert!(parse(json.as_bytes()).is_err());
    }
}
