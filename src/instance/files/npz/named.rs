//! Arrays of any shape under their names: `np.savez(file, X=x, Y=y)`.

use std::path::Path;

use super::archive::Archive;
use crate::instance::InstanceError;
use crate::instance::files::{npy, source};

/// An array by name: its shape and its numbers, row by row.
pub type NamedArray = (String, Vec<usize>, Vec<f64>);

/// Every array of an archive, sorted by name; entries may be infinite or NaN.
pub fn read_arrays(path: &Path) -> Result<Vec<NamedArray>, InstanceError> {
    source::with_seekable(path, |bytes, length| {
        let mut archive = Archive::open(bytes, length, path)?;
        archive
            .names()?
            .into_iter()
            .map(|name| {
                let (shape, values) = archive.read(&name, |bytes, length, place| {
                    npy::parse_shaped(bytes, length, place)
                })?;
                Ok((name, shape, values))
            })
            .collect()
    })
}

/// Writes arrays under their names, as `np.savez` does; the same arrays give the same bytes. With the feature `npz` only.
#[cfg(feature = "npz")]
pub fn write_arrays(path: &Path, arrays: &[NamedArray]) -> Result<(), InstanceError> {
    use std::io::{Cursor, Write};
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    let failed = |error: std::io::Error| InstanceError::io(path, error);
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    // Without a date of its own the archive would not be the same twice.
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, shape, values) in arrays {
        archive
            .start_file(format!("{name}.npy"), options)
            .map_err(|error| failed(error.into()))?;
        archive
            .write_all(&npy::encoded(shape, values))
            .map_err(failed)?;
    }
    let bytes = archive.finish().map_err(|error| failed(error.into()))?;
    crate::instance::files::write_whole(path, &bytes.into_inner())
}

#[cfg(all(test, feature = "npz"))]
mod tests {
    use super::*;

    #[test]
    fn named_arrays_read_back_as_they_were_written() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.npz");
        let arrays = vec![
            (
                "X".to_owned(),
                vec![2, 3],
                vec![1.0, -2.5, 0.1, 4.0, 5.0, f64::INFINITY],
            ),
            ("Y".to_owned(), vec![1], vec![1e-300]),
            ("k".to_owned(), Vec::new(), vec![3.0]),
        ];
        write_arrays(&path, &arrays).unwrap();
        assert_eq!(read_arrays(&path).unwrap(), arrays);
        let once = std::fs::read(&path).unwrap();
        write_arrays(&path, &arrays).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), once);
    }
}
