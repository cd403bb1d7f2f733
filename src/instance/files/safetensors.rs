//! Tensors as Hugging Face's libraries store them: a matrix or a vector is the one tensor of its file. Elements may have any type
//! that float64 holds exactly, bfloat16 among them; they become the elements of a numpy array and are checked like one.

use std::path::Path;

use super::npy::{self, Values};
use crate::instance::{DesignMatrix, InstanceError};

/// Reads a matrix: two dimensions, every entry finite.
pub(super) fn read_matrix(path: &Path) -> Result<DesignMatrix, InstanceError> {
    let array = only_tensor(path, "a matrix")?;
    let matrix = npy::parse_matrix(&*array, array.len() as u64, path)?;
    DesignMatrix::dense(matrix).map_err(|error| error.in_file(path))
}

/// Reads a vector, or one value for all of its entries.
pub(super) fn read_values(path: &Path) -> Result<Values, InstanceError> {
    let array = only_tensor(path, "a vector")?;
    npy::parse_values(&*array, array.len() as u64, path)
}

/// The shape and the numbers, row by row, of a tensor of any shape, finite or not.
pub(super) fn read_shaped(path: &Path) -> Result<(Vec<usize>, Vec<f64>), InstanceError> {
    let array = only_tensor(path, "an array")?;
    npy::parse_shaped(&*array, array.len() as u64, path)
}

#[cfg(not(feature = "safetensors"))]
fn only_tensor(path: &Path, _what: &str) -> Result<Vec<u8>, InstanceError> {
    let message = "safetensors files are read by builds with the feature `safetensors`";
    Err(InstanceError::format(path, message))
}

/// The bytes of a numpy file with the tensor that is alone in this one.
#[cfg(feature = "safetensors")]
fn only_tensor(path: &Path, what: &str) -> Result<Vec<u8>, InstanceError> {
    use safetensors::{Dtype, SafeTensors};

    let refuse = |message: String| InstanceError::format(path, message);
    let bytes = super::source::read_bytes(path)?;
    let file = SafeTensors::deserialize(&bytes)
        .map_err(|error| refuse(format!("is no safetensors file: {error}")))?;
    let mut names = file.names();
    names.sort_unstable();
    let [name] = names[..] else {
        return Err(refuse(match names.len() {
            0 => "holds no tensor".to_owned(),
            count => format!(
                "holds the {count} tensors {}: {what} is one tensor alone (save_file({{\"a\": a}}, file))",
                super::names::first_names(&names)
            ),
        }));
    };
    let tensor = file
        .tensor(name)
        .map_err(|error| refuse(error.to_string()))?;
    let plain = |descr| npy::with_header(descr, tensor.shape(), tensor.data());
    Ok(match tensor.dtype() {
        Dtype::BOOL => plain("|b1"),
        Dtype::U8 => plain("|u1"),
        Dtype::I8 => plain("|i1"),
        Dtype::U16 => plain("<u2"),
        Dtype::I16 => plain("<i2"),
        Dtype::U32 => plain("<u4"),
        Dtype::I32 => plain("<i4"),
        Dtype::U64 => plain("<u8"),
        Dtype::I64 => plain("<i8"),
        Dtype::F16 => plain("<f2"),
        Dtype::F32 => plain("<f4"),
        Dtype::F64 => plain("<f8"),
        // The upper half of a float32.
        Dtype::BF16 => {
            let halves = tensor.data().chunks_exact(2);
            let singles: Vec<u8> = halves.flat_map(|half| [0, 0, half[0], half[1]]).collect();
            npy::with_header("<f4", tensor.shape(), &singles)
        }
        other => {
            return Err(refuse(format!(
                "elements of {name} are {other:?}, expected real numbers that float64 holds: t.to(torch.float64)"
            )));
        }
    })
}

#[cfg(all(test, feature = "safetensors"))]
mod tests {
    use std::fs;

    use super::*;

    /// A file by hand: its length of header, header, data.
    fn written(header: &str, data: &[u8]) -> (tempfile::TempDir, std::path::PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("A.safetensors");
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.bytes());
        bytes.extend(data);
        fs::write(&path, bytes).unwrap();
        (directory, path)
    }

    fn line(error: &InstanceError) -> String {
        let text = error.to_string();
        let (_, behind) = text.rsplit_once("A.safetensors: ").unwrap();
        behind.to_owned()
    }

    #[test]
    fn every_width_of_float_is_read_as_it_stands() {
        // 1.5 and -2 in each type, from its definition by bits.
        let cases: [(&str, &[u8]); 4] = [
            ("F16", &[0x00, 0x3e, 0x00, 0xc0]),
            ("BF16", &[0xc0, 0x3f, 0x00, 0xc0]),
            ("F32", &[0, 0, 0xc0, 0x3f, 0, 0, 0, 0xc0]),
            (
                "F64",
                &[0, 0, 0, 0, 0, 0, 0xf8, 0x3f, 0, 0, 0, 0, 0, 0, 0, 0xc0],
            ),
        ];
        for (dtype, data) in cases {
            let end = data.len();
            let header = |shape: &str| {
                format!(
                    "{{\"a\":{{\"dtype\":\"{dtype}\",\"shape\":{shape},\"data_offsets\":[0,{end}]}}}}"
                )
            };
            let (_kept, path) = written(&header("[1,2]"), data);
            let matrix = read_matrix(&path).unwrap().to_dense();
            assert_eq!(matrix.as_slice(), [1.5, -2.0], "{dtype}");
            let (_kept, path) = written(&header("[2]"), data);
            let Values::Many(vector) = read_values(&path).unwrap() else {
                panic!("a vector has many values");
            };
            assert_eq!(vector.as_slice(), [1.5, -2.0], "{dtype}");
            assert_eq!(
                read_shaped(&path).unwrap(),
                (vec![2], vec![1.5, -2.0]),
                "{dtype}"
            );
        }
    }

    #[test]
    fn what_is_not_one_tensor_of_numbers_is_one_line() {
        let one = |dtype: &str, end: usize| {
            format!("\"a\":{{\"dtype\":\"{dtype}\",\"shape\":[1],\"data_offsets\":[0,{end}]}}")
        };
        let second = "\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}";
        for (header, data, expected) in [
            ("{}".to_owned(), &[][..], "holds no tensor"),
            (
                format!("{{{},{second}}}", one("U8", 1)),
                &[1, 2],
                "holds the 2 tensors a, b: an array is one tensor alone (save_file({\"a\": a}, file))",
            ),
            (
                format!("{{{}}}", one("F8_E4M3", 1)),
                &[1],
                "elements of a are F8_E4M3, expected real numbers that float64 holds: t.to(torch.float64)",
            ),
        ] {
            let (_kept, path) = written(&header, data);
            assert_eq!(line(&read_shaped(&path).unwrap_err()), expected);
        }
        let (_kept, path) = written(&format!("{{{}}}", one("F32", 4)), &[0, 0]);
        let error = line(&read_matrix(&path).unwrap_err());
        assert!(error.starts_with("is no safetensors file: "), "{error}");
        // Infinity as bfloat16.
        let (_kept, path) = written(&format!("{{{}}}", one("BF16", 2)), &[0x80, 0x7f]);
        let error = line(&read_values(&path).err().unwrap());
        assert_eq!(error, "array[0] is inf: every entry must be finite");
    }
}
