//! Entries that a file lists several times, in every format and symmetry, in rows so long that a sort may change their order, and of
//! values whose sum depends on the order: against a reader that adds one entry after another.

use std::fmt::Write as _;

use super::{archive, format, npy, parse};
use crate::instance::files::manifest::parse_instance;
use crate::instance::files::matrix_market;
use crate::instance::sample;
use crate::instance::{CompressedRows, DesignMatrix};
use nalgebra::DMatrix;
use std::path::Path;
use zip::CompressionMethod;

type Entry = (usize, usize, f64);

/// One entry after another, each added to what stands in its place.
fn slowly(rows: usize, columns: usize, entries: &[Entry]) -> DMatrix<f64> {
    let mut matrix = DMatrix::zeros(rows, columns);
    for (i, j, value) in entries {
        matrix[(*i, *j)] += value;
    }
    matrix
}

/// `count` entries at random places; values of 16 orders of magnitude, so that every place has its own order.
fn drawn(label: &str, rows: usize, columns: usize, count: usize) -> Vec<Entry> {
    let mut rng = sample::stream(6, label, 0);
    let mut integer = |most: usize| sample::integer(&mut rng, 0, most as i64 - 1) as usize;
    let values = [1e16, 1.0, -1e16, 0.1, 3.0, 1e8, -1e8, -0.3];
    (0..count)
        .map(|_| {
            (
                integer(rows),
                integer(columns),
                values[integer(values.len())],
            )
        })
        .collect()
}

/// Whether another order of adding is another matrix, as it must be for the tests to mean anything.
fn order_matters(rows: usize, columns: usize, entries: &[Entry]) {
    let backwards: Vec<Entry> = entries.iter().rev().copied().collect();
    assert_ne!(
        slowly(rows, columns, entries),
        slowly(rows, columns, &backwards)
    );
}

fn dense(matrix: &DesignMatrix) -> DMatrix<f64> {
    assert!(matches!(matrix, DesignMatrix::Sparse(_)));
    matrix.to_dense()
}

fn coordinate(symmetry: &str, side: [usize; 2], entries: &[Entry]) -> String {
    let mut text = format!(
        "%%MatrixMarket matrix coordinate real {symmetry}\n{} {} {}\n",
        side[0],
        side[1],
        entries.len()
    );
    for (i, j, value) in entries {
        writeln!(text, "{} {} {value:e}", i + 1, j + 1).unwrap();
    }
    text
}

fn market(text: &str) -> DMatrix<f64> {
    dense(&matrix_market::parse_matrix(text.as_bytes(), Path::new("A.mtx")).unwrap())
}

#[test]
fn repeated_entries_of_general_files_are_added_in_their_order() {
    for (rows, columns, count) in [(3, 25, 1_500), (40, 2, 500), (1, 1, 50)] {
        let entries = drawn("general", rows, columns, count);
        if rows * columns > 1 {
            order_matters(rows, columns, &entries);
        }
        let expected = slowly(rows, columns, &entries);
        assert_eq!(
            market(&coordinate("general", [rows, columns], &entries)),
            expected
        );
        // The same as triplets of SciPy.
        let index = |part: fn(&Entry) -> usize| -> Vec<i32> {
            entries.iter().map(|entry| part(entry) as i32).collect()
        };
        let data: Vec<f64> = entries.iter().map(|entry| entry.2).collect();
        let triplets = archive(
            &[
                ("format", format("coo")),
                ("shape", npy(&[rows as i64, columns as i64])),
                ("row", npy(&index(|entry| entry.0))),
                ("col", npy(&index(|entry| entry.1))),
                ("data", npy(&data)),
            ],
            CompressionMethod::Stored,
        );
        assert_eq!(dense(&parse(&triplets).unwrap()), expected);
    }
}

#[test]
fn repeated_entries_of_a_pattern_are_counted() {
    let mut entries = drawn("pattern", 4, 30, 900);
    entries.iter_mut().for_each(|entry| entry.2 = 1.0);
    let mut text = "%%MatrixMarket matrix coordinate pattern general\n4 30 900\n".to_owned();
    for (i, j, _) in &entries {
        writeln!(text, "{} {}", i + 1, j + 1).unwrap();
    }
    assert_eq!(market(&text), slowly(4, 30, &entries));
}

/// The lower triangle is listed; every entry off the diagonal stands for two, one on it for itself, however often it comes.
#[test]
fn repeated_entries_of_both_symmetries_are_added_in_their_order() {
    for (symmetry, sign) in [("symmetric", 1.0), ("skew-symmetric", -1.0)] {
        for (side, count) in [(2, 60), (30, 9_000)] {
            let mut entries = drawn(symmetry, side, side, count);
            for (i, j, _) in &mut entries {
                (*i, *j) = (*(i.max(j)), *(i.min(j)));
            }
            if sign < 0.0 {
                entries.retain(|(i, j, _)| i != j);
            } else {
                assert!(entries.iter().filter(|(i, j, _)| i == j).count() > side);
            }
            order_matters(side, side, &entries);
            let both: Vec<Entry> = entries
                .iter()
                .flat_map(|&(i, j, value)| {
                    let other = (i != j).then_some((j, i, sign * value));
                    std::iter::once((i, j, value)).chain(other)
                })
                .collect();
            let read = market(&coordinate(symmetry, [side, side], &entries));
            assert_eq!(read, slowly(side, side, &both), "{symmetry}");
        }
    }
}

/// By rows and by columns: the entries of one row stand together, repeated columns anywhere within it and at its ends.
#[test]
fn repeated_entries_of_compressed_arrays_are_added_in_their_order() {
    let (rows, columns) = (5, 40);
    let mut entries = drawn("compressed", rows, columns, 2_000);
    // The last column of one row is the first of the next.
    entries.extend([(1, 7, 0.5), (2, 7, 0.25)]);
    entries.insert(0, (2, 7, 3.0));
    entries.sort_by_key(|entry| entry.0);
    order_matters(rows, columns, &entries);
    let expected = slowly(rows, columns, &entries);
    let arrays = CompressedRows {
        shape: [rows, columns],
        indptr: (0..=rows)
            .map(|row| entries.iter().filter(|entry| entry.0 < row).count())
            .collect(),
        indices: entries.iter().map(|entry| entry.1).collect(),
        data: entries.iter().map(|entry| entry.2).collect(),
    };
    let narrow = |indices: &[usize]| -> Vec<i32> { indices.iter().map(|k| *k as i32).collect() };
    for (name, shape) in [("csr", [rows, columns]), ("csc", [columns, rows])] {
        let file = archive(
            &[
                ("format", format(name)),
                ("shape", npy(&shape.map(|side| side as i64))),
                ("indptr", npy(&narrow(&arrays.indptr))),
                ("indices", npy(&narrow(&arrays.indices))),
                ("data", npy(&arrays.data)),
            ],
            CompressionMethod::Stored,
        );
        let read = dense(&parse(&file).unwrap());
        let found = if name == "csr" {
            read
        } else {
            read.transpose()
        };
        assert_eq!(found, expected, "{name}");
    }
    let manifest = serde_json::json!({
        "loss": "softmax",
        "matrix": {
            "shape": arrays.shape,
            "indptr": arrays.indptr,
            "indices": arrays.indices,
            "data": arrays.data,
        },
        "target": vec![0.2; rows],
        "weights": 1.0,
    });
    let instance = parse_instance(&manifest.to_string(), Path::new("manifest.json")).unwrap();
    assert_eq!(dense(instance.matrix()), expected);
    assert_eq!(dense(&arrays.into_matrix().unwrap()), expected);
}

#[test]
fn repeated_entries_of_a_line_of_svmlight_are_added_in_their_order() {
    let entries = drawn("svmlight", 3, 20, 900);
    let mut lines = vec!["1".to_owned(); 3];
    for (i, j, value) in &entries {
        write!(lines[*i], " {}:{value:e}", j + 1).unwrap();
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.svm");
    std::fs::write(&path, lines.join("\n")).unwrap();
    let manifest =
        r#"{"loss": "softmax", "matrix": "a.svm", "target": [0.1, 0.2, 0.3], "weights": 1}"#;
    let instance = parse_instance(manifest, &directory.path().join("manifest.json")).unwrap();
    order_matters(3, 20, &entries);
    assert_eq!(dense(instance.matrix()), slowly(3, 20, &entries));
}
