//! What the tests of the command line share: running the program, and a working instance to change one thing of.

// Each test file compiles its own copy and uses only a part.
#![allow(dead_code)]

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use attention_regression::campaign::{self, ClaimRecord, Plan};
use attention_regression::claims::{self, Claim, Expected};
use attention_regression::system::read;

/// A manifest that every command takes.
pub const BASELINE: &str = r#"{
 "loss": "softmax",
 "matrix": [[1, 0.5], [-2, 3], [0, 1], [1, 1]],
 "target": [0.25, 0.5, 0.25, 0],
 "weights": [1, 1, 1, 1],
 "start": [0.5, -1]
}"#;

/// How a run of the program ended.
pub struct Run {
    /// Exit status.
    pub status: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Run {
    /// Standard output as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out)
            .unwrap_or_else(|error| panic!("{error}: {}{}", self.out, self.err))
    }

    /// Asserts status 2, nothing on standard output, and one line on standard error that contains `expected`.
    #[track_caller]
    pub fn assert_refused(&self, expected: &str) {
        assert_eq!(self.status, 2, "{}{}", self.out, self.err);
        assert!(self.out.is_empty(), "{}", self.out);
        assert!(self.err.starts_with("attreg: "), "{}", self.err);
        assert_eq!(self.err.matches('\n').count(), 1, "{}", self.err);
        assert!(
            self.err.contains(expected),
            "{}\nexpected: {expected}",
            self.err
        );
    }
}

impl Run {
    /// Asserts status 2, nothing on standard output, and clap's usage error, which contains `expected`.
    #[track_caller]
    pub fn assert_usage(&self, expected: &str) {
        assert_eq!(self.status, 2, "{}{}", self.out, self.err);
        assert!(self.out.is_empty(), "{}", self.out);
        assert!(self.err.starts_with("error: "), "{}", self.err);
        assert!(
            self.err.contains("For more information, try '--help'."),
            "{}",
            self.err
        );
        assert!(
            self.err.contains(expected),
            "{}\nexpected: {expected}",
            self.err
        );
    }
}

/// Runs the program.
pub fn attreg<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Run {
    let output = Command::new(env!("CARGO_BIN_EXE_attreg"))
        .args(arguments)
        .output()
        .expect("the program runs");
    Run {
        status: output.status.code().expect("no signal"),
        out: String::from_utf8(output.stdout).expect("text"),
        err: String::from_utf8(output.stderr).expect("text"),
    }
}

/// Runs the program with arguments separated by blanks.
pub fn attreg_line(line: &str) -> Run {
    attreg(line.split_whitespace())
}

/// How the solve of this manifest ended: status, warnings and the whole report.
#[track_caller]
pub fn ended(manifest: &str) -> (String, String, serde_json::Value) {
    let scratch = Scratch::new();
    let file = scratch.file("p.json", manifest);
    let run = attreg(["solve", &file, "--json"]);
    assert!(run.status <= 1, "{}", run.err);
    let report = run.json();
    (
        report["status"].as_str().unwrap().to_owned(),
        report["warnings"].to_string(),
        report,
    )
}

/// Lines of a file; none where it is not there.
pub fn lines(path: &str) -> usize {
    std::fs::read(path).map_or(0, |bytes| {
        bytes.iter().filter(|byte| **byte == b'\n').count()
    })
}

/// A file of the fixtures.
pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(name)
}

/// A directory that vanishes with the test, and how to put files there.
pub struct Scratch(tempfile::TempDir);

impl Scratch {
    /// An empty directory.
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary directory"))
    }

    /// A path inside, as text.
    pub fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().expect("text").to_owned()
    }

    /// Writes a file and gives its path.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        std::fs::write(&path, content).expect("the file is written");
        path
    }

    /// The baseline with one piece of text replaced.
    pub fn changed(&self, from: &str, to: &str) -> String {
        assert!(BASELINE.contains(from));
        self.file("instance.json", BASELINE.replacen(from, to, 1))
    }

    /// Names of the files inside, sorted.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(self.0.path())
            .expect("the directory is there")
            .map(|entry| {
                entry
                    .expect("an entry")
                    .file_name()
                    .into_string()
                    .expect("text")
            })
            .collect();
        names.sort();
        names
    }
}

/// The record of a false claim that is put on record as true, without its witness, on one file: a failure, at seed 7.
pub fn failing_on(file: &str) -> Vec<ClaimRecord> {
    let catalogue = claims::all();
    let claim = claims::find(&catalogue, "dls23/gradient-printed").unwrap();
    let planted = Claim {
        expected: Expected::Holds,
        witness: None,
        ..*claim
    };
    let posed = read(file.as_ref()).unwrap();
    let plan = Plan {
        claims: vec![&planted],
        seed: 7,
        cases: None,
        only: Some(vec![(file.to_owned(), posed)]),
    };
    campaign::run(&plan, &|_| {})
}
