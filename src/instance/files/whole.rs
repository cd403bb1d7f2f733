//! Files that are there completely or not at all.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::instance::InstanceError;

/// Writes `bytes` to a temporary file beside `path` and renames it into place, so that a reader (or a full disk, or an
/// interrupt) never meets half a result. A device or pipe, such as `/dev/stdout`, is written to directly: renaming over
/// it would replace it. A file that is replaced passes its permissions on. Messages name `path` alone.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), InstanceError> {
    let fail = |source| InstanceError::io(path, source);
    // Through a symbolic link the file it points at is replaced, not the link.
    let target = fs::canonicalize(path).unwrap_or_else(|_| followed(path));
    if fs::metadata(&target).is_ok_and(|found| !found.is_file() && !found.is_dir()) {
        return fs::write(&target, bytes).map_err(fail);
    }
    let mut temporary = temporary_file(directory_of(&target)).map_err(fail)?;
    if let Ok(replaced) = fs::metadata(&target) {
        let permissions = replaced.permissions();
        let file = temporary.as_file();
        file.set_permissions(permissions).map_err(fail)?;
    }
    // The file itself: a failing temporary file would put its own name into the message.
    temporary.as_file_mut().write_all(bytes).map_err(fail)?;
    temporary.as_file().sync_all().map_err(fail)?;
    temporary
        .persist(&target)
        .map_err(|error| fail(error.error))?;
    Ok(())
}

/// Makes sure that files can be made in a directory, before hours of work.
pub fn check_directory(directory: &Path) -> Result<(), InstanceError> {
    match temporary_file(directory) {
        Ok(_) => Ok(()),
        Err(error) => Err(InstanceError::io(directory, error)),
    }
}

/// A file that vanishes unless it is renamed, with the rights that the process's mask allows. The error is the system's
/// reason alone, since the name of a temporary file means nothing to anybody.
fn temporary_file(directory: &Path) -> io::Result<NamedTempFile> {
    let mut reason = None;
    let made = tempfile::Builder::new()
        .prefix(".attreg-")
        .make_in(directory, |path| {
            let mut options = fs::OpenOptions::new();
            options.read(true).write(true).create_new(true);
            let opened = options.open(path);
            reason = opened.as_ref().err().and_then(io::Error::raw_os_error);
            opened
        });
    made.map_err(|error| reason.map_or(error, io::Error::from_raw_os_error))
}

/// Where the links at the end of a path lead, whether or not there is something.
pub(super) fn followed(path: &Path) -> PathBuf {
    // More than any system follows.
    const LONGEST: usize = 64;
    let mut path = path.to_owned();
    for _ in 0..LONGEST {
        match fs::read_link(&path) {
            Ok(target) => path = directory_of(&path).join(target),
            Err(_) => break,
        }
    }
    path
}

/// Where a file is made: the temporary one too, since a renaming must not cross file systems.
pub(super) fn directory_of(target: &Path) -> &Path {
    match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_replaces_the_old_one_and_leaves_no_other_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("result");
        write_whole(&path, b"one").unwrap();
        write_whole(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_failed_write_names_the_file_and_leaves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let taken = directory.path().join("taken");
        fs::create_dir(&taken).unwrap();
        let error = write_whole(&taken, b"x").unwrap_err().to_string();
        assert!(error.contains("taken"), "{error}");
        let missing = directory.path().join("no/such/place");
        let error = write_whole(&missing, b"x").unwrap_err().to_string();
        let expected = format!("{}: No such file or directory", missing.display());
        assert!(error.starts_with(&expected), "{error}");
        assert!(!error.contains(".attreg-"), "{error}");
        let error = check_directory(&missing).unwrap_err().to_string();
        assert!(error.starts_with(&expected), "{error}");
        assert_eq!(error.matches("no/such/place").count(), 1, "{error}");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_written_to_and_stays_a_pipe() {
        use std::io::Read;
        use std::os::unix::fs::FileTypeExt;
        // A pipe of our own: a wrong `write_whole`, run as root, would replace a device of the machine by a file.
        let directory = tempfile::tempdir().unwrap();
        let pipe = directory.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        // Open at both ends, so that nobody waits.
        let mut ends = fs::OpenOptions::new()
            .read(true)
            .write(true)
            .open(&pipe)
            .unwrap();
        write_whole(&pipe, b"x").unwrap();
        assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo());
        let mut found = [0];
        ends.read_exact(&mut found).unwrap();
        assert_eq!(&found, b"x");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_keeps_pointing_at_the_file_it_pointed_at() {
        let directory = tempfile::tempdir().unwrap();
        let (file, link) = (directory.path().join("file"), directory.path().join("link"));
        fs::write(&file, b"old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        write_whole(&link, b"new").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        // Also where there is no file yet.
        let (later, ahead) = (
            directory.path().join("later"),
            directory.path().join("ahead"),
        );
        std::os::unix::fs::symlink("later", &ahead).unwrap();
        write_whole(&ahead, b"new").unwrap();
        assert_eq!(fs::read(&later).unwrap(), b"new");
        assert!(fs::symlink_metadata(&ahead).unwrap().is_symlink());
    }

    /// Whoever has the old result open reads it to its end: it is replaced, not written over.
    #[cfg(unix)]
    #[test]
    fn a_reader_of_the_old_result_never_meets_the_new_one() {
        use std::io::Read;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("result");
        write_whole(&path, b"the old one").unwrap();
        let mut open = fs::File::open(&path).unwrap();
        write_whole(&path, b"new").unwrap();
        let mut read = String::new();
        open.read_to_string(&mut read).unwrap();
        assert_eq!(read, "the old one");
        assert_eq!(fs::read(&path).unwrap(), b"new");
    }

    #[test]
    fn the_temporary_file_is_beside_the_result() {
        for (target, expected) in [("a/b/c", "a/b"), ("c", "."), ("/c", "/")] {
            assert_eq!(directory_of(Path::new(target)), Path::new(expected));
        }
    }

    /// Whoever may read and write the old result may read and write the new one; also one that others may not read.
    #[cfg(unix)]
    #[test]
    fn a_result_keeps_the_rights_of_the_file_that_it_replaces() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("result");
        fs::write(&path, b"old").unwrap();
        for mode in [0o664, 0o600, 0o640, 0o755] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            write_whole(&path, b"new").unwrap();
            let found = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(found & 0o7777, mode, "{found:o}");
        }
    }

    /// As readable as a file that any other program writes there.
    #[cfg(unix)]
    #[test]
    fn a_result_has_the_rights_of_an_ordinary_file() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let (result, plain) = (
            directory.path().join("result"),
            directory.path().join("plain"),
        );
        write_whole(&result, b"x").unwrap();
        fs::write(&plain, b"x").unwrap();
        let mode = |path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&result), mode(&plain));
    }
}
