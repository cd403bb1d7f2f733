//! Some rows of a matrix, out of every format that is read in parts: those of the whole matrix, for every cut.

use std::fs;
use std::ops::Range;
use std::path::Path;

use super::{npy, read_instance, read_instance_rows};
use crate::instance::{DesignMatrix, InstanceRows, Outline, RowMajor};

const ROWS: usize = 7;
const COLUMNS: usize = 3;

/// No two entries alike; some are 0.
fn entry(i: usize, j: usize) -> f64 {
    if (i + j).is_multiple_of(3) {
        0.0
    } else {
        (10 * i + j) as f64 + 0.125
    }
}

/// An instance whose manifest names this matrix.
struct Case {
    directory: tempfile::TempDir,
    matrix: String,
    rows: usize,
}

impl Case {
    /// `matrix` is the manifest's.
    fn new(matrix: &str, rows: usize) -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
            matrix: matrix.to_owned(),
            rows,
        }
    }

    fn with(self, name: &str, bytes: &[u8]) -> Self {
        fs::write(self.directory.path().join(name), bytes).unwrap();
        self
    }

    fn manifest(&self) -> std::path::PathBuf {
        let path = self.directory.path().join("p.json");
        let (matrix, target) = (&self.matrix, vec![0.5; self.rows]);
        let text = format!(
            r#"{{"loss": "exp", "matrix": {matrix}, "target": {target:?}, "weights": 1.0}}"#
        );
        fs::write(&path, text).unwrap();
        path
    }

    /// The chosen rows, and what the file announces; an error without the directory.
    fn rows(&self, chosen: Range<usize>) -> Result<InstanceRows, String> {
        read_rows(&self.manifest(), chosen).map_err(|error| {
            let directory = format!("{}/", self.directory.path().display());
            error.replace(&directory, "")
        })
    }
}

fn read_rows(path: &Path, chosen: Range<usize>) -> Result<InstanceRows, String> {
    let choose = |_: &Outline| chosen.clone();
    read_instance_rows(path, &choose)
        .map(|(rows, _)| rows)
        .map_err(|error| error.to_string())
}

/// Every range of rows, none of them among these, against the whole matrix.
#[track_caller]
fn every_cut_is_of_the_whole(path: &Path, announced: usize) {
    let whole = read_instance(path).unwrap();
    let n = whole.rows();
    for start in 0..=n {
        for end in start..=n {
            let found = read_rows(path, start..end).unwrap();
            let block = found.block();
            assert_eq!(block.rows, start..end);
            let outline = Outline {
                stored: announced,
                ..Outline::of(whole.matrix())
            };
            assert_eq!(block.outline, outline);
            let rows: Vec<usize> = (start..end).collect();
            match (&block.matrix, whole.matrix().select_rows(&rows)) {
                (DesignMatrix::Dense(found), DesignMatrix::Dense(expected)) => {
                    assert_eq!(*found, expected, "{start}..{end}");
                }
                (DesignMatrix::Sparse(found), DesignMatrix::Sparse(expected)) => {
                    assert_eq!(*found, expected, "{start}..{end}");
                }
                _ => panic!("stored in another way"),
            }
            assert_eq!(
                (found.target(), found.weights()),
                (whole.target(), whole.weights())
            );
            assert_eq!(found.start(), whole.start());
        }
    }
}

fn every_cut(case: &Case, announced: usize) {
    every_cut_is_of_the_whole(&case.manifest(), announced);
}

fn little_endian(values: impl Iterator<Item = f64>) -> Vec<u8> {
    values.flat_map(f64::to_le_bytes).collect()
}

fn by_rows() -> impl Iterator<Item = f64> {
    (0..ROWS * COLUMNS).map(|k| entry(k / COLUMNS, k % COLUMNS))
}

fn dense(change: impl FnOnce(&mut Vec<u8>)) -> Case {
    let elements = little_endian(by_rows());
    let mut bytes = npy::with_header("<f8", &[ROWS, COLUMNS], &elements);
    change(&mut bytes);
    Case::new(r#""A.npy""#, ROWS).with("A.npy", &bytes)
}

/// The same, column after column.
fn by_columns(change: impl FnOnce(&mut Vec<f64>)) -> Case {
    let entries = (0..ROWS * COLUMNS).map(|k| entry(k % ROWS, k / ROWS));
    let mut entries: Vec<f64> = entries.collect();
    change(&mut entries);
    let mut bytes = npy::with_header("<f8", &[ROWS, COLUMNS], &little_endian(entries.into_iter()));
    let word = bytes.windows(5).position(|word| word == b"False").unwrap();
    bytes[word..word + 5].copy_from_slice(b"True ");
    Case::new(r#""A.npy""#, ROWS).with("A.npy", &bytes)
}

#[test]
fn rows_of_dense_arrays_are_those_of_the_whole() {
    every_cut(&dense(|_| {}), ROWS * COLUMNS);
    every_cut(&by_columns(|_| {}), ROWS * COLUMNS);
    let narrow: Vec<u8> = by_rows()
        .flat_map(|entry| (entry as i16).to_be_bytes())
        .collect();
    let bytes = npy::with_header(">i2", &[ROWS, COLUMNS], &narrow);
    every_cut(
        &Case::new(r#""A.npy""#, ROWS).with("A.npy", &bytes),
        ROWS * COLUMNS,
    );
    let whole = read_instance(&dense(|_| {}).manifest()).unwrap();
    let expected = RowMajor::from_entries(ROWS, COLUMNS, by_rows().collect()).unwrap();
    assert!(matches!(whole.matrix(), DesignMatrix::Dense(found) if *found == expected));
    let inline = r#"[[1, 2], [3, 4], [5, 6]]"#;
    every_cut(&Case::new(inline, 3), 6);
    every_cut(&Case::new(r#""A.csv""#, 2).with("A.csv", b"1,2\n3,4\n"), 4);
}

/// Blocks of rows are converted together, runs of a column in pieces: longer than either.
#[test]
fn long_rows_and_columns_are_cut_where_they_should_be() {
    for (n, d) in [(200, 700), (40_000, 2)] {
        for fortran in [false, true] {
            let bytes: Vec<u8> = (0..n * d).flat_map(|k| (k as f64).to_le_bytes()).collect();
            let mut bytes = npy::with_header("<f8", &[n, d], &bytes);
            if fortran {
                let word = bytes.windows(5).position(|word| word == b"False").unwrap();
                bytes[word..word + 5].copy_from_slice(b"True ");
            }
            let case = Case::new(r#""A.npy""#, n).with("A.npy", &bytes);
            let rows = n / 3..n - 5;
            let block = case.rows(rows.clone()).unwrap();
            let DesignMatrix::Dense(found) = &block.block().matrix else {
                panic!("not dense");
            };
            for (i, row) in rows.zip(found.iter()) {
                let place = |j| if fortran { j * n + i } else { i * d + j };
                assert!((0..d).all(|j| row[j] == place(j) as f64), "row {i}");
            }
        }
    }
}

#[test]
fn an_entry_is_refused_by_whoever_has_its_row_and_with_its_place_in_the_whole() {
    let bytes_before_the_end = 4 * size_of::<f64>();
    let c = dense(|bytes| {
        let place = bytes.len() - bytes_before_the_end;
        bytes[place..place + 8].copy_from_slice(&f64::NAN.to_le_bytes());
    });
    let fortran = by_columns(|entries| entries[2 * ROWS + 5] = f64::NAN);
    for case in [c, fortran] {
        for fine in [0..5, 6..7, 3..3] {
            assert!(case.rows(fine).is_ok());
        }
        for bad in [5..6, 4..7, 0..7] {
            assert_eq!(
                case.rows(bad).unwrap_err(),
                "A.npy: array[5, 2] is NaN: every entry must be finite"
            );
        }
    }
    let short = dense(|bytes| bytes.truncate(bytes.len() - 1));
    for rows in [0..1, 2..2, 6..7] {
        let error = short.rows(rows).unwrap_err();
        assert!(
            error.starts_with("A.npy: truncated: shape [7, 3]"),
            "{error}"
        );
    }
    let missing = Case::new(r#""A.npy""#, ROWS);
    assert!(missing.rows(0..0).unwrap_err().starts_with("A.npy: "));
    // 2^53 + 1 is no f64.
    let elements: Vec<u8> = [1, (1_i64 << 53) + 1]
        .iter()
        .flat_map(|k| k.to_le_bytes())
        .collect();
    let whole_numbers = npy::with_header("<i8", &[2, 1], &elements);
    let case = Case::new(r#""A.npy""#, 2).with("A.npy", &whole_numbers);
    assert!(case.rows(0..1).is_ok());
    let error = case.rows(1..2).unwrap_err();
    assert!(
        error.starts_with("A.npy: [1, 0] is 9007199254740993, which no float64 is"),
        "{error}"
    );
    for empty in [[0, 3], [3, 0]] {
        let bytes = npy::with_header("<f8", &empty, &[]);
        let case = Case::new(r#""A.npy""#, empty[0]).with("A.npy", &bytes);
        let error = case.rows(0..0).unwrap_err();
        assert!(
            error.contains("at least one row and one column are needed"),
            "{error}"
        );
    }
}

/// Rows 0 to 3 of 4 columns; row 1 is empty, row 2 is not sorted and has column 3 twice, which adds to 7.5.
const INDPTR: [usize; 5] = [0, 2, 2, 6, 7];
const INDICES: [usize; 7] = [0, 3, 3, 1, 3, 2, 1];
const DATA: [f64; 7] = [1.0, 2.0, 3.5, 3.0, 4.0, 5.0, 6.0];

fn compressed(change: impl Fn(&mut Vec<usize>, &mut Vec<usize>, &mut Vec<f64>)) -> [Case; 2] {
    let (mut indptr, mut indices, mut data) = (INDPTR.to_vec(), INDICES.to_vec(), DATA.to_vec());
    change(&mut indptr, &mut indices, &mut data);
    let bytes = |numbers: &[usize]| {
        let elements: Vec<u8> = numbers
            .iter()
            .flat_map(|k| (*k as i32).to_le_bytes())
            .collect();
        npy::with_header("<i4", &[numbers.len()], &elements)
    };
    let files = r#"{"indptr": "indptr.npy", "indices": "indices.npy", "data": "data.npy", "shape": [4, 4]}"#;
    let in_files = Case::new(files, 4)
        .with("indptr.npy", &bytes(&indptr))
        .with("indices.npy", &bytes(&indices))
        .with("data.npy", &npy::encoded(&[data.len()], &data));
    let text = format!(
        r#"{{"indptr": {indptr:?}, "indices": {indices:?}, "data": "data.npy", "shape": [4, 4]}}"#
    );
    let mixed = Case::new(&text, 4).with("data.npy", &npy::encoded(&[data.len()], &data));
    [in_files, mixed]
}

#[test]
fn rows_of_compressed_arrays_are_those_of_the_whole() {
    for case in compressed(|_, _, _| {}) {
        every_cut(&case, DATA.len());
        let block = case.rows(2..4).unwrap();
        assert_eq!(
            block.block().matrix.row_entries(0),
            [(1, 3.0), (2, 5.0), (3, 7.5)]
        );
        assert_eq!(block.block().matrix.row_entries(1), [(1, 6.0)]);
    }
}

/// What is wrong, the rows that show it, and rows that do not.
#[test]
fn compressed_arrays_are_refused_with_the_indices_of_the_whole() {
    type Change = fn(&mut Vec<usize>, &mut Vec<usize>, &mut Vec<f64>);
    type Wrong = (Change, &'static str, Range<usize>, Option<Range<usize>>);
    let cases: [Wrong; 9] = [
        (
            |_, indices, _| indices[5] = 4,
            "indices[5] is 4, expected a column below 4",
            2..3,
            Some(3..4),
        ),
        (
            |_, _, data| data[6] = f64::NAN,
            "data[6] is NaN: every entry must be finite",
            3..4,
            Some(0..3),
        ),
        (
            |_, _, data| data[2..5].fill(f64::MAX),
            "matrix[2, 3] is inf: every entry must be finite",
            1..4,
            Some(0..2),
        ),
        (
            |indptr, _, _| indptr[0] = 1,
            "indptr[0] is 1, expected 0",
            0..1,
            Some(1..4),
        ),
        (
            |indptr, _, _| indptr[2] = 1,
            "indptr[2] is 1, expected at least indptr[1] = 2",
            1..2,
            Some(2..4),
        ),
        (
            |indptr, _, _| indptr[4] = 6,
            "indptr[4] is 6, expected the 7 entries of indices",
            3..4,
            Some(0..3),
        ),
        (
            |indptr, _, _| indptr[3] = 9,
            "indptr[3] is 9, expected at most the 7 entries of indices",
            2..3,
            Some(0..2),
        ),
        (
            |indptr, _, _| indptr.push(7),
            "indptr has 6 entries, expected 5, one more than there are rows",
            0..0,
            None,
        ),
        (
            |_, _, data| data.truncate(6),
            "data has 6 entries, expected 7, as many as indices has",
            0..0,
            None,
        ),
    ];
    for (change, expected, bad, fine) in cases {
        for case in compressed(change) {
            let error = case.rows(bad.clone()).unwrap_err();
            assert!(error.ends_with(expected), "{error}");
            assert!(
                error.contains("npy: ") || error.starts_with("p.json: "),
                "{error}"
            );
            if let Some(fine) = fine.clone() {
                assert!(case.rows(fine).is_ok(), "{expected}");
            }
        }
    }
}

/// Entries in any order, those of one place added; a symmetric and a skew-symmetric matrix.
#[test]
fn rows_of_matrix_market_files_are_those_of_the_whole() {
    let general = "%%MatrixMarket matrix coordinate real general\n4 3 6\n\
        3 1 1.5\n1 2 -2\n1 1 4\n4 3 8\n3 1 0.25\n1 3 7\n";
    let pattern = "%%MatrixMarket matrix coordinate pattern general\n2 2 2\n2 2\n1 2\n";
    let symmetric = "%%MatrixMarket matrix coordinate real symmetric\n4 4 5\n\
        1 1 2\n3 1 -1.5\n4 3 6\n4 4 1\n2 2 9\n";
    let skew = "%%MatrixMarket matrix coordinate real skew-symmetric\n3 3 2\n3 1 2.5\n2 1 -4\n";
    let array = "%%MatrixMarket matrix array real general\n3 2\n1\n2\n3\n4\n5\n6\n";
    let symmetric_array = "%%MatrixMarket matrix array real symmetric\n3 3\n1\n2\n3\n4\n5\n6\n";
    let skew_array = "%%MatrixMarket matrix array real skew-symmetric\n3 3\n2\n3\n5\n";
    for (text, rows, announced) in [
        (general, 4, 6),
        (pattern, 2, 2),
        (symmetric, 4, 6),
        (skew, 3, 4),
        (array, 3, 6),
        (symmetric_array, 3, 9),
        (skew_array, 3, 9),
    ] {
        every_cut(
            &Case::new(r#""A.mtx""#, rows).with("A.mtx", text.as_bytes()),
            announced,
        );
    }
    // What is wrong with a line is seen by everybody.
    let bad = general.replace("0.25", "nan");
    let case = Case::new(r#""A.mtx""#, 4).with("A.mtx", bad.as_bytes());
    for rows in [0..1, 2..2, 2..3] {
        let error = case.rows(rows).unwrap_err();
        assert_eq!(
            error,
            "A.mtx: line 7: value nan: every entry must be a finite number"
        );
    }
    let large = general.replace("1.5", "1e308").replace("0.25", "1e308");
    let case = Case::new(r#""A.mtx""#, 4).with("A.mtx", large.as_bytes());
    assert!(case.rows(0..2).is_ok());
    assert_eq!(
        case.rows(1..4).unwrap_err(),
        "A.mtx: matrix[2, 0] is inf: every entry must be finite"
    );
}

#[cfg(feature = "npz")]
mod archives {
    use super::*;
    use crate::instance::files::npz::tests::archive;
    use zip::CompressionMethod;

    fn integers(values: &[usize]) -> Vec<u8> {
        let elements: Vec<u8> = values
            .iter()
            .flat_map(|k| (*k as i64).to_le_bytes())
            .collect();
        npy::with_header("<i8", &[values.len()], &elements)
    }

    fn csr(data: &[f64]) -> Vec<(&'static str, Vec<u8>)> {
        vec![
            ("format", npy::with_header("|S3", &[], b"csr")),
            ("shape", integers(&[4, 4])),
            ("indptr", integers(&INDPTR)),
            ("indices", integers(&INDICES)),
            ("data", npy::encoded(&[data.len()], data)),
        ]
    }

    #[test]
    fn rows_of_archives_are_those_of_the_whole() {
        for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
            let case = |bytes: &[u8], rows| Case::new(r#""A.npz""#, rows).with("A.npz", bytes);
            every_cut(&case(&archive(&csr(&DATA), method), 4), DATA.len());
            let entries: Vec<f64> = by_rows().collect();
            let array = ("A", npy::encoded(&[ROWS, COLUMNS], &entries));
            every_cut(&case(&archive(&[array], method), ROWS), ROWS * COLUMNS);
            let instance = [
                ("matrix", npy::encoded(&[ROWS, COLUMNS], &entries)),
                ("target", npy::encoded(&[ROWS], &[0.5; ROWS])),
                ("weights", npy::encoded(&[], &[2.0])),
                ("start", npy::encoded(&[COLUMNS], &[1.0, 2.0, 3.0])),
            ];
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("p.npz");
            fs::write(&path, archive(&instance, method)).unwrap();
            every_cut_is_of_the_whole(&path, ROWS * COLUMNS);
        }
        let by_columns = include_bytes!("../../../fixtures/sparse/csc.npz");
        every_cut(&Case::new(r#""A.npz""#, 3).with("A.npz", by_columns), 4);
    }

    #[test]
    fn an_entry_of_an_archive_is_refused_by_whoever_has_its_row() {
        let mut data = DATA;
        data[6] = f64::INFINITY;
        let bytes = archive(&csr(&data), CompressionMethod::Deflated);
        let case = Case::new(r#""A.npz""#, 4).with("A.npz", &bytes);
        assert!(case.rows(0..3).is_ok());
        assert_eq!(
            case.rows(3..4).unwrap_err(),
            "A.npz/data.npy: data[6] is inf: every entry must be finite"
        );
    }

    /// A byte of the last row: the check sum is compared by everybody.
    #[test]
    fn a_damaged_archive_is_refused_by_everybody() {
        let mut bytes = archive(&csr(&DATA), CompressionMethod::Stored);
        let last = DATA[6].to_le_bytes();
        let place = bytes.windows(8).rposition(|found| found == last).unwrap();
        bytes[place] ^= 1;
        let case = Case::new(r#""A.npz""#, 4).with("A.npz", &bytes);
        for rows in [0..1, 2..2, 3..4] {
            assert!(case.rows(rows).unwrap_err().starts_with("A.npz/data.npy: "));
        }
    }
}
