//! The reader of answers, and the judge behind it.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use attention_regression::instance::Instance;
use attention_regression::instance::files::parse_instance;
use attention_regression::judge::{Asked, judge, read_answer};
use tempfile::TempDir;

use super::assert_clear_about;

/// Any bytes: an answer that is judged, or one clear line.
pub fn run(bytes: &[u8]) {
    let directory = directory();
    let path = directory.path().join("answer.json");
    fs::write(&path, bytes).unwrap();
    let instance = instance();
    let answer = match read_answer(&path, instance) {
        Ok(answer) => answer,
        Err(error) => {
            // A file that the answer names may be to blame.
            let text = String::from_utf8_lossy(bytes);
            return assert_clear_about(&error, directory.path(), &text);
        }
    };
    let d = instance.columns();
    for vector in [&answer.x, &answer.gradient, &answer.minimiser]
        .into_iter()
        .flatten()
    {
        assert_eq!(vector.len(), d);
    }
    if let Some(hessian) = &answer.hessian {
        assert_eq!(hessian.shape(), (d, d));
    }
    let text = std::str::from_utf8(bytes).expect("read, but not text");
    assert!(
        text.trim_start().starts_with('{'),
        "read, but not an object"
    );
    if let Ok(verdict) = judge(instance, &answer, Asked::default(), None) {
        assert!(verdict.scores().count() > 0);
        assert_eq!(
            verdict.passed,
            verdict.scores().all(|(_, score)| score.passed)
        );
    }
}

/// Two rows and one column: small enough to be judged some hundred times a second.
fn instance() -> &'static Instance {
    static INSTANCE: OnceLock<Instance> = OnceLock::new();
    INSTANCE.get_or_init(|| {
        let text = r#"{"loss": "softmax", "matrix": [[1], [-0.5]], "target": [0.75, 0.25], "weights": 1, "start": [0.5]}"#;
        parse_instance(text, Path::new("instance.json")).unwrap()
    })
}

/// A directory in memory, where there is such a place.
fn directory() -> TempDir {
    let memory = Path::new("/dev/shm");
    match memory.is_dir() {
        true => tempfile::tempdir_in(memory),
        false => tempfile::tempdir(),
    }
    .unwrap()
}
