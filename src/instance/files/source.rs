//! Where bytes come from: regular files, pipes, and standard input, which is called `-`.

use std::fs::File;
use std::io::{BufReader, Cursor, Read, Seek};
use std::path::Path;

use crate::instance::InstanceError;
use crate::memory::reading::Reading;

/// How a command line names standard input.
const STANDARD_INPUT: &str = "-";

/// Bytes that can be read from any place.
pub(super) trait ReadSeek: Read + Seek {}

impl<T: Read + Seek> ReadSeek for T {}

/// Whether this argument names standard input.
pub fn is_standard_input(path: &Path) -> bool {
    path == Path::new(STANDARD_INPUT)
}

/// The name that messages give to an input: `-` is standard input, which has no directory of its own, so that relative
/// paths in it start from the current one.
pub fn shown(path: &Path) -> &Path {
    if is_standard_input(path) {
        Path::new("standard input")
    } else {
        path
    }
}

/// Refuses two inputs that are both `-`: the second would find nothing. `inputs` are the arguments with their files.
pub fn refuse_two_readers(inputs: &[(&str, &Path)]) -> Result<(), InstanceError> {
    let mut readers = inputs
        .iter()
        .filter(|(_, path)| is_standard_input(path))
        .map(|(argument, _)| argument);
    match (readers.next(), readers.next()) {
        (Some(first), Some(second)) => {
            let message = if first == second {
                format!("{first} names it twice, and it can be read only once")
            } else {
                format!("both {first} and {second} name it, and it can be read only once")
            };
            let name = shown(Path::new(STANDARD_INPUT));
            Err(InstanceError::format(name, message))
        }
        _ => Ok(()),
    }
}

/// The file behind an input as the system knows it, to compare it with others.
pub(super) fn on_disk(path: &Path) -> &Path {
    if is_standard_input(path) {
        Path::new("/dev/stdin")
    } else {
        path
    }
}

/// A stream over a regular file, or over the collected bytes of a pipe, together with its length. Large blocks are
/// expected to be read, so there is no buffer in between.
pub(super) fn with_bytes<T>(
    path: &Path,
    read: impl FnOnce(Box<dyn ReadSeek>, u64) -> Result<T, InstanceError>,
) -> Result<T, InstanceError> {
    let _reading = Reading::begin(path);
    let fail = |error| InstanceError::io(path, error);
    let mut file = File::open(path).map_err(fail)?;
    let found = file.metadata().map_err(fail)?;
    if found.is_file() {
        return read(Box::new(file), found.len());
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(fail)?;
    let length = bytes.len() as u64;
    read(Box::new(Cursor::new(bytes)), length)
}

/// All bytes of a file.
#[cfg(feature = "safetensors")]
pub(super) fn read_bytes(path: &Path) -> Result<Vec<u8>, InstanceError> {
    let _reading = Reading::begin(path);
    std::fs::read(path).map_err(|error| InstanceError::io(path, error))
}

/// [`with_bytes`], buffered, for readers that jump about in small steps.
pub(super) fn with_seekable<T>(
    path: &Path,
    read: impl FnOnce(BufReader<Box<dyn ReadSeek>>, u64) -> Result<T, InstanceError>,
) -> Result<T, InstanceError> {
    with_bytes(path, |bytes, length| read(BufReader::new(bytes), length))
}

/// The text of a file, or of standard input for `-`.
pub fn read_text(path: &Path) -> Result<String, InstanceError> {
    if !is_standard_input(path) {
        return read_file(path);
    }
    let name = shown(path);
    let _reading = Reading::begin(name);
    let mut bytes = Vec::new();
    std::io::stdin()
        .read_to_end(&mut bytes)
        .map_err(|error| InstanceError::io(name, error))?;
    text_of(bytes).map_err(|message| InstanceError::format(name, message))
}

/// The text of a file.
pub(super) fn read_file(path: &Path) -> Result<String, InstanceError> {
    let _reading = Reading::begin(path);
    let bytes = std::fs::read(path).map_err(|error| InstanceError::io(path, error))?;
    text_of(bytes).map_err(|message| InstanceError::format(path, message))
}

fn text_of(bytes: Vec<u8>) -> Result<String, String> {
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err("is UTF-16 text by its byte order mark: save it as UTF-8".to_owned());
    }
    String::from_utf8(bytes).map_err(|error| {
        let place = error.utf8_error().valid_up_to();
        format!("is no UTF-8 text from byte {place} on")
    })
}

/// What Windows writes before UTF-8 text.
pub(super) const BYTE_ORDER_MARK: char = '\u{feff}';

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_is_not_utf_8_is_named() {
        let text = |bytes: &[u8]| text_of(bytes.to_vec());
        assert_eq!(text(b"[1]"), Ok("[1]".to_owned()));
        for marked in [&b"\xff\xfe[\0"[..], b"\xfe\xff\0["] {
            assert!(text(marked).unwrap_err().contains("UTF-16"));
        }
        assert_eq!(
            text(b"[1\xff]"),
            Err("is no UTF-8 text from byte 2 on".to_owned())
        );
    }

    #[test]
    fn standard_input_is_called_by_its_name() {
        assert_eq!(shown(Path::new("-")), Path::new("standard input"));
        assert_eq!(shown(Path::new("./-")), Path::new("./-"));
    }

    #[test]
    fn standard_input_has_one_reader() {
        let refusal = |inputs: &[(&str, &str)]| {
            let inputs: Vec<(&str, &Path)> = inputs
                .iter()
                .map(|(argument, path)| (*argument, Path::new(*path)))
                .collect();
            refuse_two_readers(&inputs).map_err(|error| error.to_string())
        };
        assert_eq!(refusal(&[("A", "-"), ("B", "b.json")]), Ok(()));
        assert_eq!(refusal(&[("A", "a.json"), ("B", "a.json")]), Ok(()));
        let error = refusal(&[("A", "-"), ("B", "b.json"), ("C", "-")]).unwrap_err();
        assert_eq!(
            error,
            "standard input: both A and C name it, and it can be read only once"
        );
        let error = refusal(&[("A", "-"), ("A", "-")]).unwrap_err();
        assert!(error.contains("A names it twice"), "{error}");
    }
}
