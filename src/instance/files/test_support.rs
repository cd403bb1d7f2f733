//! What the tests of readers share.

use std::fs;
use std::path::Path;

use crate::instance::InstanceError;

/// What a reader makes of this text in a file of that name; of an error, what stands behind the name.
pub(super) fn written<T>(
    name: &str,
    text: &str,
    read: fn(&Path) -> Result<T, InstanceError>,
) -> Result<T, String> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    fs::write(&path, text).unwrap();
    read(&path).map_err(|error| {
        let text = error.to_string();
        let (_, behind) = text.rsplit_once(&format!("{name}: ")).unwrap();
        behind.to_owned()
    })
}
