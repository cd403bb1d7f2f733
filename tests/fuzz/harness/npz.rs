//! Sparse matrices: SciPy's `.npz` archives, and the three arrays of compressed sparse rows.
//!
//! The first byte says how the rest is read: as an archive, as five npy files for an archive with true check sums, or as
//! small arrays that are compared with a slow reader.

use std::collections::BTreeMap;
use std::io::{Cursor, Write};
use std::path::Path;

use attention_regression::instance::files::npz;
use attention_regression::instance::{CompressedRows, DesignMatrix};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::{assert_clear, assert_sound};

const NAMES: [&str; 5] = ["format", "shape", "indptr", "indices", "data"];
/// Longest side that is looked at row by row.
const LONGEST_SIDE: usize = 1 << 16;

/// Any bytes: a sound matrix, or one clear line.
pub fn run(bytes: &[u8]) {
    let Some((mode, rest)) = bytes.split_first() else {
        return;
    };
    match mode % 4 {
        0 => {
            read(rest);
        }
        1 => {
            read(&archive(*mode, &cut(rest)));
        }
        _ => arrays(*mode, rest),
    }
}

fn read(bytes: &[u8]) -> Option<DesignMatrix> {
    let name = Path::new("input.npz");
    match npz::parse_matrix(Cursor::new(bytes), bytes.len() as u64, name) {
        Ok(matrix) => {
            if matrix.rows().max(matrix.columns()) <= LONGEST_SIDE {
                assert_sound(&matrix);
            }
            Some(matrix)
        }
        Err(error) => {
            assert_clear(&error, name);
            None
        }
    }
}

/// Five pieces, each behind its length in two bytes; what is missing is empty.
fn cut(mut rest: &[u8]) -> [&[u8]; 5] {
    let mut pieces = [&rest[..0]; 5];
    for piece in &mut pieces {
        let Some((length, behind)) = rest.split_first_chunk::<2>() else {
            break;
        };
        let length = usize::from(u16::from_le_bytes(*length)).min(behind.len());
        (*piece, rest) = behind.split_at(length);
    }
    pieces
}

/// An archive of these files; an empty one is left out. The mode says whether they are compressed.
fn archive(mode: u8, pieces: &[impl AsRef<[u8]>; 5]) -> Vec<u8> {
    let method = match mode & 4 {
        0 => CompressionMethod::Stored,
        _ => CompressionMethod::Deflated,
    };
    let options = SimpleFileOptions::default().compression_method(method);
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, piece) in NAMES.iter().zip(pieces) {
        if !piece.as_ref().is_empty() {
            writer.start_file(format!("{name}.npy"), options).unwrap();
            writer.write_all(piece.as_ref()).unwrap();
        }
    }
    writer.finish().unwrap().into_inner()
}

/// An npy file as numpy writes it.
fn npy(descr: &str, shape: &str, body: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.as_bytes());
    file.extend(body);
    file
}

/// The values that entries are made of.
const VALUES: [f64; 8] = [1.0, -2.5, 0.0, -0.0, 1e308, -1e308, f64::NAN, 5e-324];

/// Small arrays from the bytes: rows, columns, number of row starts, then starts and pairs of column and value.
fn arrays(mode: u8, rest: &[u8]) {
    let mut bytes = rest.iter().copied();
    let mut next = || bytes.next().unwrap_or(0);
    // One value in 256 is negative or beyond every limit.
    let integer = |byte: u8| match byte {
        254 => i64::MAX,
        255 => -1,
        small => i64::from(small),
    };
    let shape = [integer(next()), integer(next())];
    let starts = usize::from(next());
    let indptr: Vec<i64> = (0..starts).map(|_| integer(next())).collect();
    let stored = usize::from(next());
    let indices: Vec<i64> = (0..stored).map(|_| integer(next())).collect();
    // A mode byte of its own lets the lengths differ.
    let data: Vec<f64> = (0..stored + usize::from(mode >> 6) / 3)
        .map(|_| VALUES[usize::from(next()) % 8])
        .collect();
    let expected = slow(shape, &indptr, &indices, &data);

    let list = |values: &[i64]| npy_integers(mode, values);
    let pieces = [
        npy("|S3", "()", b"csr"),
        list(&shape),
        list(&indptr),
        list(&indices),
        npy(
            "<f8",
            &format!("({},)", data.len()),
            &data
                .iter()
                .flat_map(|v| v.to_le_bytes())
                .collect::<Vec<_>>(),
        ),
    ];
    compare(read(&archive(mode, &pieces)), &expected);

    let unsigned = |values: &[i64]| -> Option<Vec<usize>> {
        values
            .iter()
            .map(|value| usize::try_from(*value).ok())
            .collect()
    };
    let (Some(shape), Some(indptr), Some(indices)) =
        (unsigned(&shape), unsigned(&indptr), unsigned(&indices))
    else {
        assert!(expected.is_none());
        return;
    };
    let rows = CompressedRows {
        shape: [shape[0], shape[1]],
        indptr,
        indices,
        data,
    };
    compare(rows.into_matrix().ok(), &expected);
}

/// Integers in one of the types that are read; 32 bits only where they fit.
fn npy_integers(mode: u8, values: &[i64]) -> Vec<u8> {
    let shape = format!("({},)", values.len());
    let narrow: Option<Vec<i32>> = values.iter().map(|v| i32::try_from(*v).ok()).collect();
    match (mode & 8, narrow) {
        (8, Some(narrow)) => npy(
            ">i4",
            &shape,
            &narrow
                .iter()
                .flat_map(|v| v.to_be_bytes())
                .collect::<Vec<_>>(),
        ),
        _ => npy(
            "<i8",
            &shape,
            &values
                .iter()
                .flat_map(|v| v.to_le_bytes())
                .collect::<Vec<_>>(),
        ),
    }
}

/// Shape and entries by place, or nothing where the arrays do not fit.
type Slow = Option<([usize; 2], BTreeMap<(usize, usize), f64>)>;

fn slow(shape: [i64; 2], indptr: &[i64], indices: &[i64], data: &[f64]) -> Slow {
    let [rows, columns] = shape;
    let sides_fit = (1..=255).contains(&rows) && (1..=255).contains(&columns);
    if !sides_fit
        || indptr.len() as i64 != rows + 1
        || indices.len() != data.len()
        || indptr[0] != 0
        || *indptr.last()? != data.len() as i64
        || indptr
            .iter()
            .zip(&indptr[1..])
            .any(|(begin, end)| end < begin)
        || indices.iter().any(|column| !(0..columns).contains(column))
        || data.iter().any(|value| !value.is_finite())
    {
        return None;
    }
    let mut entries = BTreeMap::new();
    for (k, (column, value)) in indices.iter().zip(data).enumerate() {
        // The row of entry k: the last one that begins at or before it.
        let row = indptr.iter().rposition(|begin| *begin <= k as i64)?;
        entries
            .entry((row, *column as usize))
            .and_modify(|sum| *sum += value)
            .or_insert(*value);
    }
    let finite = entries.values().all(|value| value.is_finite());
    finite.then_some(([rows as usize, columns as usize], entries))
}

fn compare(found: Option<DesignMatrix>, expected: &Slow) {
    let found = found.map(|matrix| {
        assert_sound(&matrix);
        let DesignMatrix::Sparse(sparse) = matrix else {
            panic!("not sparse");
        };
        let entries: BTreeMap<_, _> = sparse
            .triplet_iter()
            .map(|(i, j, value)| ((i, j), value.to_bits()))
            .collect();
        ([sparse.nrows(), sparse.ncols()], entries)
    });
    let expected = expected.as_ref().map(|(shape, entries)| {
        let entries = entries.iter().map(|(place, v)| (*place, v.to_bits()));
        (*shape, entries.collect::<BTreeMap<_, _>>())
    });
    assert_eq!(found, expected);
}
