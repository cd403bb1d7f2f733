mod repeated;

use std::io::{Cursor, Write};

use nalgebra::DMatrix;
use zip::CompressionMethod;
use zip::write::SimpleFileOptions;

use super::*;

fn parse(bytes: &[u8]) -> Result<DesignMatrix, String> {
    parse_matrix(Cursor::new(bytes), bytes.len() as u64, Path::new("A.npz"))
        .map_err(|error| error.to_string())
}

/// Archives that SciPy wrote; `fixtures/sparse/make.py` says what is in them.
const PLAIN: &[u8] = include_bytes!("../../../../fixtures/sparse/csr.npz");
const COMPRESSED: &[u8] = include_bytes!("../../../../fixtures/sparse/csr-compressed.npz");
const WIDE_INDICES: &[u8] = include_bytes!("../../../../fixtures/sparse/csr-array-int64.npz");
const BY_COLUMNS: &[u8] = include_bytes!("../../../../fixtures/sparse/csc.npz");
const TRIPLETS: &[u8] = include_bytes!("../../../../fixtures/sparse/coo.npz");

#[test]
fn what_scipy_writes_is_read_sorted_and_added() {
    let expected = DMatrix::from_row_slice(
        3,
        4,
        &[0.1, 0.0, 0.0, -2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.25, 3.5, 0.0],
    );
    for bytes in [PLAIN, COMPRESSED, WIDE_INDICES, BY_COLUMNS, TRIPLETS] {
        let DesignMatrix::Sparse(matrix) = parse(bytes).unwrap() else {
            panic!("not sparse");
        };
        assert_eq!(matrix.col_indices(), [0, 3, 1, 2]);
        assert_eq!(DMatrix::from(&matrix), expected);
    }
}

/// An npy file from the text of its type and shape, and the bytes of its elements.
fn file(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.bytes());
    bytes.extend(data);
    bytes
}

/// A number with numpy's name of its type.
trait Number: Copy {
    const DESCR: &str;
    fn bytes(self) -> Vec<u8>;
}

macro_rules! number {
    ($($type:ty: $descr:literal),*) => {$(
        impl Number for $type {
            const DESCR: &str = $descr;
            fn bytes(self) -> Vec<u8> {
                self.to_le_bytes().to_vec()
            }
        }
    )*};
}

number!(f64: "<f8", i64: "<i8", i32: "<i4", u32: "<u4");

/// npy bytes of one dimension.
fn npy<T: Number>(values: &[T]) -> Vec<u8> {
    let data: Vec<u8> = values.iter().flat_map(|value| value.bytes()).collect();
    file(T::DESCR, &format!("({},)", values.len()), &data)
}

/// `format.npy` as numpy writes a text without dimensions.
fn format(name: &str) -> Vec<u8> {
    file("|S3", "()", name.as_bytes())
}

/// The arrays of a working archive, by name.
fn arrays() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("format", format("csr")),
        ("shape", npy(&[2i64, 3])),
        ("indptr", npy(&[0i32, 1, 3])),
        ("indices", npy(&[2i32, 0, 1])),
        ("data", npy(&[1.0, 2.0, 3.0])),
    ]
}

/// An archive of these files, each named as its array.
pub(in crate::instance::files) fn archive(
    arrays: &[(&str, Vec<u8>)],
    method: CompressionMethod,
) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(method);
    for (name, bytes) in arrays {
        writer.start_file(format!("{name}.npy"), options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// The error of the working archive with one array replaced.
fn changed(name: &str, bytes: Vec<u8>) -> String {
    let mut arrays = arrays();
    let method = CompressionMethod::Deflated;
    assert!(parse(&archive(&arrays, method)).is_ok());
    for (known, array) in &mut arrays {
        if *known == name {
            *array = bytes.clone();
        }
    }
    parse(&archive(&arrays, method)).unwrap_err()
}

#[test]
fn what_is_wrong_is_named_with_archive_array_index_and_value() {
    for (name, bytes, expected) in [
        (
            "format",
            format("bsr"),
            "A.npz: the matrix is stored as \"bsr\"",
        ),
        (
            "format",
            npy(&[1.0]),
            "A.npz/format.npy: elements are '<f8', expected one short text",
        ),
        (
            "shape",
            npy(&[2i64]),
            "A.npz/shape.npy: 1 sides, expected 2",
        ),
        (
            "shape",
            npy(&[2i64, -3]),
            "A.npz/shape.npy: [1] is -3: not an index",
        ),
        (
            "shape",
            npy(&[2i64, i64::MAX]),
            "A.npz: matrix has shape 2 x 9223372036854775807",
        ),
        (
            "indptr",
            npy(&[0i64, 3]),
            "A.npz/indptr.npy: indptr has 2 entries, expected 3",
        ),
        (
            "indptr",
            npy(&[0i64, 4, 3]),
            "A.npz/indptr.npy: indptr[2] is 3, expected at least indptr[1] = 4",
        ),
        (
            "indptr",
            npy(&[0.0, 1.0, 3.0]),
            "A.npz/indptr.npy: elements are '<f8', expected integers: save a.astype(int)",
        ),
        (
            "indices",
            npy(&[2u32, 0, 3]),
            "A.npz/indices.npy: indices[2] is 3, expected a column below 3",
        ),
        (
            "indices",
            npy(&[2i64, 0]),
            "A.npz/data.npy: data has 3 entries, expected 2",
        ),
        ("indices", b"PK".to_vec(), "A.npz/indices.npy: truncated"),
        (
            "data",
            npy(&[1.0, 2.0]),
            "A.npz/data.npy: data has 2 entries, expected 3",
        ),
        (
            "data",
            npy(&[1.0, f64::NAN, 2.0]),
            "A.npz/data.npy: data[1] is NaN",
        ),
        (
            "data",
            file("<c16", "(3,)", &[0; 48]),
            "A.npz/data.npy: elements are '<c16', expected real numbers",
        ),
    ] {
        let found = changed(name, bytes);
        assert!(found.starts_with(expected), "{found}\n{expected}");
        assert!(!found.contains('\n'), "{found}");
    }
}

/// The matrices of `fixtures/arrays/make.py`, in storages and types of all kinds.
#[test]
fn every_storage_and_type_of_a_matrix_is_read() {
    let real = [1.5, -0.25, 0.5, 2.0, -1.0, 0.75, 0.0, -1.0];
    let signed = [6.0, -1.0, 2.0, 0.0, -4.0, 3.0, 0.0, -128.0];
    // True is 1, and the entry that is listed twice is 2.
    let twice = [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 2.0];
    for (name, expected, is_sparse) in [
        ("A-csr-f4", real, true),
        ("A-csc-f4", real, true),
        ("A-csc-array-f4", real, true),
        ("A-coo-f4", real, true),
        ("A-coo-array-f4", real, true),
        ("A-csc-i1", signed, true),
        ("A-coo-bool-twice", twice, true),
        ("A-dense", real, false),
    ] {
        let mut expected = DMatrix::from_row_slice(4, 2, &expected);
        if name == "A-coo-bool-twice" {
            expected[(0, 0)] = 1.0;
        }
        let matrix = read_matrix(&fixture(name)).unwrap();
        assert_eq!(matrix.to_dense(), expected, "{name}");
        assert_eq!(matches!(matrix, DesignMatrix::Sparse(_)), is_sparse);
    }
    for (name, expected) in [
        (
            "A-bsr",
            "the matrix is stored as \"bsr\", expected \"csr\", \"csc\" or \"coo\": save_npz(file, A.tocsr())",
        ),
        (
            "A-dia",
            "the matrix is stored as \"dia\", expected \"csr\", \"csc\" or \"coo\": save_npz(file, A.tocsr())",
        ),
        (
            "A-two",
            "holds the 2 arrays arr_0, arr_1: a matrix is one array alone (np.savez(file, a)), a sparse one that of scipy.sparse.save_npz",
        ),
    ] {
        let path = fixture(name);
        let error = read_matrix(&path).unwrap_err().to_string();
        assert_eq!(error, format!("{}: {expected}", path.display()));
    }
}

fn fixture(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("fixtures/arrays/{name}.npz"))
}

#[test]
fn what_is_wrong_with_listed_entries_is_named() {
    let working = [
        ("format", format("coo")),
        ("shape", npy(&[2i64, 3])),
        ("row", npy(&[0i32, 1])),
        ("col", npy(&[2i32, 0])),
        ("data", npy(&[1.0, 2.0])),
    ];
    let method = CompressionMethod::Stored;
    assert!(parse(&archive(&working, method)).is_ok());
    for (name, bytes, expected) in [
        (
            "shape",
            npy(&[1i64, 3]),
            "A.npz/row.npy: row[1] is 1, expected less than 1",
        ),
        (
            "col",
            npy(&[3i64, 0]),
            "A.npz/col.npy: col[0] is 3, expected less than 3",
        ),
        (
            "col",
            npy(&[3i64]),
            "A.npz/col.npy: col has 1 entries, expected 2, as many as data has",
        ),
        (
            "row",
            npy(&[-1i64, 0]),
            "A.npz/row.npy: [0] is -1: not an index: negative or too large",
        ),
        (
            "data",
            npy(&[1.0, f64::NAN]),
            "A.npz/data.npy: data[1] is NaN: every entry must be finite",
        ),
        (
            "shape",
            npy(&[2i64, 1 << 28]),
            "A.npz: matrix has shape 2 x 268435456, expected sides of at most 134217728",
        ),
    ] {
        let mut arrays = working.clone();
        for (known, array) in &mut arrays {
            if *known == name {
                *array = bytes.clone();
            }
        }
        assert_eq!(parse(&archive(&arrays, method)).unwrap_err(), expected);
    }
}

#[test]
fn a_missing_array_is_named() {
    let all = arrays();
    for missing in 0..all.len() {
        let mut some = all.clone();
        let (name, _) = some.remove(missing);
        let error = parse(&archive(&some, CompressionMethod::Stored)).unwrap_err();
        let expected = match name {
            "format" => "A.npz: holds the 4 arrays data, indices, indptr, shape: ".to_owned(),
            _ => format!("A.npz: no array \"{name}\""),
        };
        assert!(error.starts_with(&expected), "{error}");
    }
}

#[test]
fn what_is_no_archive_or_only_a_part_of_one_is_refused() {
    assert!(parse(b"").is_err());
    assert!(
        parse(b"\x93NUMPY")
            .unwrap_err()
            .starts_with("A.npz: not a readable npz archive")
    );
    for bytes in [PLAIN, COMPRESSED] {
        for length in 0..bytes.len() {
            assert!(parse(&bytes[..length]).is_err(), "{length}");
        }
    }
}

#[test]
fn damaged_data_fails_its_check_sum() {
    let good = archive(&arrays(), CompressionMethod::Stored);
    let at = good
        .windows(8)
        .position(|bytes| bytes == 2.0f64.to_le_bytes())
        .unwrap();
    let mut bad = good;
    bad[at] ^= 1;
    let error = parse(&bad).unwrap_err();
    assert!(error.starts_with("A.npz/data.npy: "), "{error}");
}

/// The directory of an archive says how large an entry is; here the entry says it is enormous.
#[test]
fn a_size_that_is_only_claimed_is_not_believed() {
    let good = archive(&arrays(), CompressionMethod::Deflated);
    let end = good.len();
    // The entries of the directory begin with PK 1 2 and hold the unpacked size at byte 24.
    let heads: Vec<usize> = (0..end - 4)
        .filter(|k| good[*k..].starts_with(b"PK\x01\x02"))
        .collect();
    assert_eq!(heads.len(), arrays().len());
    for head in heads {
        let mut bad = good.clone();
        bad[head + 24..head + 28].copy_from_slice(&0x7fff_ffffu32.to_le_bytes());
        let error = parse(&bad).unwrap_err();
        assert!(error.contains("claims to hold 2147483647 bytes"), "{error}");
    }
    // An honest directory around an array that announces more than there is.
    let mut long = npy(&[1.0; 3]);
    let at = long.windows(3).position(|bytes| bytes == b"(3,").unwrap();
    long[at + 1] = b'9';
    let error = changed("data", long);
    assert!(
        error.starts_with("A.npz/data.npy: truncated: shape [9] needs 72 bytes"),
        "{error}"
    );
}

quickcheck::quickcheck! {
    fn any_bytes_give_a_matrix_or_an_error(bytes: Vec<u8>) -> bool {
        parse(&bytes).is_err()
    }

    fn a_valid_archive_with_any_bytes_changed_gives_a_matrix_or_an_error(edits: Vec<(usize, u8)>, which: bool) -> bool {
        let mut bytes = if which { PLAIN } else { COMPRESSED }.to_vec();
        let length = bytes.len();
        for (place, byte) in edits {
            bytes[place % length] = byte;
        }
        let _ = parse(&bytes);
        true
    }

    fn what_is_written_is_read_back(cells: Vec<(u8, u8, i16)>, compressed: bool) -> bool {
        let mut expected = DMatrix::zeros(256, 256);
        for (i, j, value) in &cells {
            expected[(usize::from(*i), usize::from(*j))] += f64::from(*value) / 8.0;
        }
        // Row by row, columns as they come.
        let mut sorted = cells;
        sorted.sort_by_key(|(i, _, _)| *i);
        let starts: Vec<i64> = (0..=256).map(|row| sorted.iter().filter(|(i, _, _)| i64::from(*i) < row).count() as i64).collect();
        let columns: Vec<i32> = sorted.iter().map(|(_, j, _)| i32::from(*j)).collect();
        let values: Vec<f64> = sorted.iter().map(|(_, _, value)| f64::from(*value) / 8.0).collect();
        let arrays = [("format", format("csr")), ("shape", npy(&[256i64, 256])), ("indptr", npy(&starts)), ("indices", npy(&columns)), ("data", npy(&values))];
        let method = if compressed { CompressionMethod::Deflated } else { CompressionMethod::Stored };
        parse(&archive(&arrays, method)).is_ok_and(|matrix| matrix.to_dense() == expected)
    }
}

/// Both sizes of an entry in the directory, checked to the last byte: more packed bytes than the archive has, and more
/// bytes than the packed ones can hold (1032 for one), are refused for what they are before anything is read.
#[test]
fn claimed_sizes_are_refused_from_the_first_that_cannot_be() {
    let good = archive(&arrays(), CompressionMethod::Deflated);
    let length = u32::try_from(good.len()).unwrap();
    let head = (0..good.len() - 4)
        .find(|k| good[*k..].starts_with(b"PK\x01\x02"))
        .unwrap();
    let packed = u32::from_le_bytes(good[head + 20..head + 24].try_into().unwrap());
    let size = u32::from_le_bytes(good[head + 24..head + 28].try_into().unwrap());
    let with = |packed: u32, size: u32| {
        let mut bad = good.clone();
        bad[head + 20..head + 24].copy_from_slice(&packed.to_le_bytes());
        bad[head + 24..head + 28].copy_from_slice(&size.to_le_bytes());
        parse(&bad).map_or_else(|error| error, |_| "no error".to_owned())
    };
    let claims = |packed: u32, size: u32| {
        format!(
            "A.npz/format.npy: claims to hold {size} bytes, packed into {packed} of an archive of {length}"
        )
    };
    assert_eq!(with(packed, size), "no error");
    assert_eq!(with(length + 1, size), claims(length + 1, size));
    assert!(!with(length, size).contains("claims"));
    let most = 1032 * packed;
    assert_eq!(with(packed, most + 1), claims(packed, most + 1));
    assert!(!with(packed, most).contains("claims"));
}
