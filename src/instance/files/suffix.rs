//! The endings of file names, which say what a file holds: the same for reading and for writing, in upper or lower case.

use std::path::Path;

/// Whether the file name ends so, in upper or lower case; `wanted` has no dot.
pub fn has_suffix(path: &Path, wanted: &str) -> bool {
    path.extension()
        .is_some_and(|found| found.eq_ignore_ascii_case(wanted))
}

/// Whether this is a Matrix Market file, packed (`.mtx.gz`) or not (`.mtx`).
pub(super) fn is_matrix_market(path: &Path) -> bool {
    let is_packed = || {
        has_suffix(path, "gz")
            && path
                .file_stem()
                .is_some_and(|stem| has_suffix(stem.as_ref(), "mtx"))
    };
    has_suffix(path, "mtx") || is_packed()
}

/// Whether this is a file of svmlight or libsvm.
pub(super) fn is_svmlight(path: &Path) -> bool {
    ["svm", "svmlight", "libsvm"]
        .iter()
        .any(|suffix| has_suffix(path, suffix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upper_and_lower_case_are_the_same() {
        for (name, is) in [
            ("a.mtx", true),
            ("b/A.MTX", true),
            ("a.mtx.gz", true),
            ("a.Mtx.GZ", true),
            ("a.gz", false),
            ("a.mtx.bz2", false),
            ("mtx.gz", false),
        ] {
            assert_eq!(is_matrix_market(name.as_ref()), is, "{name}");
        }
        assert!(has_suffix("x.NPY".as_ref(), "npy"));
        assert!(!has_suffix("xnpy".as_ref(), "npy"));
    }
}
