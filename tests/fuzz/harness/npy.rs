//! The readers of `.npy` files: vector, matrix, indices.

use std::path::Path;

use attention_regression::instance::InstanceError;
use attention_regression::instance::files::npy;

use super::{assert_clear, assert_same};

/// Any bytes: an array that fits its file, or one clear line. Where the header is written as numpy writes it, the
/// elements are compared with a reader of one line.
pub fn run(bytes: &[u8]) {
    let name = Path::new("input.npy");
    let length = bytes.len() as u64;
    let vector = npy::parse_vector(bytes, length, name);
    let matrix = npy::parse_matrix(bytes, length, name).map(|matrix| matrix.to_matrix());
    let indices = npy::parse_indices(bytes, length, name);
    let read = [vector.is_ok(), matrix.is_ok(), indices.is_ok()];
    // A column or a row is a matrix as well; its elements are the same.
    if let (Ok(vector), Ok(matrix)) = (&vector, &matrix) {
        assert!(matrix.nrows() == 1 || matrix.ncols() == 1);
        assert_same(vector.as_slice(), matrix.as_slice());
    }
    match &vector {
        Ok(vector) => {
            assert!(vector.iter().all(|value| value.is_finite()));
            check_vector(bytes, vector.as_slice());
        }
        Err(error) => assert_clear(error, name),
    }
    match &matrix {
        Ok(matrix) => {
            assert!(matrix.iter().all(|value| value.is_finite()));
            // The rows one after the other, which is C order.
            check_matrix(
                bytes,
                matrix.nrows(),
                matrix.ncols(),
                matrix.transpose().as_slice(),
            );
        }
        Err(error) => assert_clear(error, name),
    }
    match &indices {
        Ok(indices) => check_indices(bytes, indices),
        Err(error) => assert_clear(error, name),
    }
    if read.contains(&true) {
        refuses_other_lengths(bytes, name);
    }
}

/// A file that is longer or shorter than its header says is refused, and so is a wrong length from the caller.
fn refuses_other_lengths(bytes: &[u8], name: &Path) {
    let all_fail = |bytes: &[u8], length: u64| {
        let errors: [Option<InstanceError>; 3] = [
            npy::parse_vector(bytes, length, name).err(),
            npy::parse_matrix(bytes, length, name).err(),
            npy::parse_indices(bytes, length, name).err(),
        ];
        assert!(
            errors.iter().all(Option::is_some),
            "read although its length is wrong"
        );
    };
    let length = bytes.len() as u64;
    let mut longer = bytes.to_vec();
    longer.push(0);
    all_fail(&longer, length + 1);
    all_fail(&longer, length);
    let shorter = &bytes[..bytes.len() - 1];
    all_fail(shorter, length - 1);
    all_fail(shorter, length);
}

/// The header without blanks, and the elements.
fn split(bytes: &[u8]) -> (String, &[u8]) {
    let (begin, size) = match bytes[6] {
        1 => (10, usize::from(bytes[8]) + 256 * usize::from(bytes[9])),
        _ => (
            12,
            u32::from_le_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]) as usize,
        ),
    };
    let header: String = bytes[begin..begin + size]
        .iter()
        .filter(|byte| !byte.is_ascii_whitespace())
        .map(|byte| char::from(*byte))
        .collect();
    (header, &bytes[begin + size..])
}

/// The elements, if the header is exactly what numpy writes for this type, order and shape.
fn body<'a>(bytes: &'a [u8], descr: &str, order: &str, shape: &str) -> Option<&'a [u8]> {
    let (header, body) = split(bytes);
    let expected = format!("{{'descr':'{descr}','fortran_order':{order},'shape':({shape}),}}");
    (header == expected).then_some(body)
}

/// Elements as numbers, in a way of one line for each type.
type Decode = fn(&[u8]) -> Vec<f64>;

/// The elements of a type, each of which float64 holds (of 64-bit integers: those that are not refused).
macro_rules! decode {
    ($type:ty, $read:ident) => {
        |body| {
            let (items, _) = body.as_chunks();
            items
                .iter()
                .map(|item| <$type>::$read(*item) as f64)
                .collect()
        }
    };
}

const DECODERS: [(&str, Decode); 13] = [
    ("<f8", decode!(f64, from_le_bytes)),
    (">f8", decode!(f64, from_be_bytes)),
    ("<f4", decode!(f32, from_le_bytes)),
    (">f4", decode!(f32, from_be_bytes)),
    ("|i1", decode!(i8, from_le_bytes)),
    ("|u1", decode!(u8, from_le_bytes)),
    ("<i2", decode!(i16, from_le_bytes)),
    (">u2", decode!(u16, from_be_bytes)),
    ("<i4", decode!(i32, from_le_bytes)),
    (">i4", decode!(i32, from_be_bytes)),
    ("<u4", decode!(u32, from_le_bytes)),
    ("<i8", decode!(i64, from_le_bytes)),
    (">u8", decode!(u64, from_be_bytes)),
];

fn check_vector(bytes: &[u8], found: &[f64]) {
    let n = found.len();
    for shape in [format!("{n},"), format!("{n},1"), format!("1,{n}")] {
        for order in ["False", "True"] {
            for (descr, decode) in DECODERS {
                if let Some(body) = body(bytes, descr, order, &shape) {
                    assert_same(found, &decode(body));
                }
            }
        }
    }
}

fn check_matrix(bytes: &[u8], rows: usize, columns: usize, by_rows: &[f64]) {
    let shape = format!("{rows},{columns}");
    for (descr, decode) in DECODERS {
        if let Some(body) = body(bytes, descr, "False", &shape) {
            assert_same(by_rows, &decode(body));
        }
        if let Some(body) = body(bytes, descr, "True", &shape) {
            let stored = decode(body);
            let expected: Vec<f64> = (0..rows * columns)
                .map(|k| stored[(k % columns) * rows + k / columns])
                .collect();
            assert_same(by_rows, &expected);
        }
    }
}

fn check_indices(bytes: &[u8], found: &[usize]) {
    let shape = format!("{},", found.len());
    let found: Vec<i128> = found.iter().map(|index| *index as i128).collect();
    let compare = |descr: &str, decode: &dyn Fn(&[u8]) -> Vec<i128>| {
        if let Some(body) = body(bytes, descr, "False", &shape) {
            assert_eq!(found, decode(body));
        }
    };
    compare("<i4", &|body| {
        body.as_chunks()
            .0
            .iter()
            .map(|item| i32::from_le_bytes(*item).into())
            .collect()
    });
    compare("<i8", &|body| {
        body.as_chunks()
            .0
            .iter()
            .map(|item| i64::from_le_bytes(*item).into())
            .collect()
    });
    compare(">u4", &|body| {
        body.as_chunks()
            .0
            .iter()
            .map(|item| u32::from_be_bytes(*item).into())
            .collect()
    });
    compare("<u8", &|body| {
        body.as_chunks()
            .0
            .iter()
            .map(|item| u64::from_le_bytes(*item).into())
            .collect()
    });
}
