//! Files that a command is about to write, held against those that it reads and against each other.

use std::fs;
use std::path::{Path, PathBuf};

use super::source::{is_standard_input, on_disk, shown};
use super::whole::{directory_of, followed};
use crate::instance::InstanceError;

/// Refuses an output that is one of the inputs, and two outputs that are one file, however they are spelled and through
/// whatever links. `outputs` are the options with their files. Devices and pipes take anything.
pub fn refuse_overlap(inputs: &[PathBuf], outputs: &[(&str, &Path)]) -> Result<(), InstanceError> {
    let read: Vec<(PathBuf, &PathBuf)> = inputs
        .iter()
        .filter_map(|input| Some((identity(on_disk(input))?, input)))
        .collect();
    let mut written: Vec<(PathBuf, &str)> = Vec::new();
    for (option, path) in outputs {
        if is_standard_input(path) {
            let message = format!(
                "{option} cannot be standard input: /dev/stdout is standard output, ./- a file of this name"
            );
            return Err(InstanceError::format(path, message));
        }
        let Some(file) = identity(path) else {
            continue;
        };
        if let Some((_, input)) = read.iter().find(|(known, _)| *known == file) {
            let input = shown(input).display();
            let message = format!("{option} would replace {input}, which this command reads");
            return Err(InstanceError::format(path, message));
        }
        if let Some((_, other)) = written.iter().find(|(known, _)| *known == file) {
            let message = format!("{other} and {option} are the same file");
            return Err(InstanceError::format(path, message));
        }
        written.push((file, option));
    }
    Ok(())
}

/// The one name of a regular file, or of a file that could be made; `None` for devices, pipes and directories.
fn identity(path: &Path) -> Option<PathBuf> {
    match fs::canonicalize(path) {
        Ok(found) => fs::metadata(&found).ok()?.is_file().then_some(found),
        Err(_) => {
            let path = &followed(path);
            let directory = fs::canonicalize(directory_of(path)).ok()?;
            Some(directory.join(path.file_name()?))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_by_any_of_its_names() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::create_dir(at("sub")).unwrap();
        fs::write(at("in"), b"x").unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(at("in"), at("link")).unwrap();
        let inputs = [at("in")];
        let refused = |outputs: &[(&str, &Path)]| {
            refuse_overlap(&inputs, outputs).map_err(|error| error.to_string())
        };
        for name in ["in", "sub/../in", "./in", "link"] {
            if cfg!(unix) || name != "link" {
                let error = refused(&[("--output", &at(name))]).unwrap_err();
                assert!(error.contains(": --output would replace "), "{error}");
            }
        }
        let (new, same) = (at("new"), at("sub/../new"));
        assert_eq!(
            refused(&[("--output", &new), ("--trace", &at("other"))]),
            Ok(())
        );
        let error = refused(&[("--output", &new), ("--trace", &same)]).unwrap_err();
        assert!(
            error.ends_with("--output and --trace are the same file"),
            "{error}"
        );
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("sub/../new", at("dangling")).unwrap();
            let error = refused(&[("--output", &new), ("--trace", &at("dangling"))]).unwrap_err();
            assert!(error.ends_with("are the same file"), "{error}");
            std::os::unix::fs::symlink("round", at("round")).unwrap();
            assert_eq!(refused(&[("--output", &at("round"))]), Ok(()));
        }
        let error = refused(&[("--trace", Path::new("-"))]).unwrap_err();
        assert!(
            error.starts_with("-: --trace cannot be standard input: "),
            "{error}"
        );
        if cfg!(unix) {
            let null = Path::new("/dev/null");
            assert_eq!(refused(&[("--output", null), ("--trace", null)]), Ok(()));
        }
    }
}
