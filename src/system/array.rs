//! A scalar, vector or matrix as a manifest has it.

use std::sync::Arc;

use nalgebra::{DMatrix, DVector};

/// Numbers in a shape, row by row; the shape of a scalar is empty.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    shape: Vec<usize>,
    values: Arc<Vec<f64>>,
}

/// The entries of a matrix row by row, as manifests and points list them.
pub(crate) fn by_rows(matrix: &DMatrix<f64>) -> Vec<f64> {
    matrix.transpose().as_slice().to_vec()
}

impl Array {
    /// `None` if the shape asks for another number of entries.
    pub fn new(shape: Vec<usize>, values: Vec<f64>) -> Option<Self> {
        let count = shape
            .iter()
            .try_fold(1_usize, |product, side| product.checked_mul(*side));
        (count == Some(values.len())).then(|| Self {
            shape,
            values: Arc::new(values),
        })
    }

    /// One number.
    pub fn scalar(value: f64) -> Self {
        Self {
            shape: Vec::new(),
            values: Arc::new(vec![value]),
        }
    }

    /// A vector.
    pub fn vector(vector: &DVector<f64>) -> Self {
        Self {
            shape: vec![vector.len()],
            values: Arc::new(vector.as_slice().to_vec()),
        }
    }

    /// A matrix.
    pub fn matrix(matrix: &DMatrix<f64>) -> Self {
        Self {
            shape: vec![matrix.nrows(), matrix.ncols()],
            values: Arc::new(by_rows(matrix)),
        }
    }

    /// The symmetric array of so many equal axes: `entry` is asked once for every non-decreasing index, in lexicographic order.
    /// `None` where the number of entries overflows.
    pub fn symmetric(
        order: usize,
        side: usize,
        mut entry: impl FnMut(&[usize]) -> f64,
    ) -> Option<Self> {
        let count = (0..order).try_fold(1_usize, |count, _| count.checked_mul(side))?;
        let mut values = Vec::with_capacity(count);
        let (mut index, mut sorted) = (vec![0; order], vec![0; order]);
        for k in 0..count {
            let mut rest = k;
            for axis in index.iter_mut().rev() {
                *axis = rest % side;
                rest /= side;
            }
            sorted.copy_from_slice(&index);
            sorted.sort_unstable();
            // The sorted index comes first of all its orders.
            let first = sorted.iter().fold(0, |place, axis| place * side + axis);
            let value = if first == k {
                entry(&index)
            } else {
                values[first]
            };
            values.push(value);
        }
        Self::new(vec![side; order], values)
    }

    /// The lengths of its axes.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Its entries, row by row.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The memory of its entries, to be read by others as well.
    pub(crate) fn shared(&self) -> Arc<Vec<f64>> {
        Arc::clone(&self.values)
    }

    /// The shape in words: `3 x 2`, `4`, `a number`.
    pub fn shape_in_words(&self) -> String {
        in_words(&self.shape)
    }

    /// As nested lists, a scalar as a number; what is missing (NaN) as `null`.
    pub fn to_json(&self) -> serde_json::Value {
        // serde_json turns NaN into null.
        let entries: Vec<serde_json::Value> =
            self.values.iter().map(|entry| (*entry).into()).collect();
        match (&self.shape[..], &entries[..]) {
            ([], [only]) => only.clone(),
            (shape, _) => nested(entries, shape),
        }
    }

    /// The place of the entry that stands at `index` row by row: `2, 1`, or nothing for a scalar.
    pub fn place(&self, index: usize) -> String {
        place(&self.shape, index)
    }

    /// The entries as an `rows x columns` matrix; a scalar fills it, a vector stands for every row.
    pub fn filled(&self, rows: usize, columns: usize) -> DMatrix<f64> {
        match self.shape[..] {
            [] => DMatrix::from_element(rows, columns, self.values[0]),
            [_] => DMatrix::from_fn(rows, columns, |_, j| self.values[j]),
            _ => DMatrix::from_row_slice(rows, columns, &self.values),
        }
    }
}

/// Entries that stand row by row, as nested lists.
pub(super) fn nested(entries: Vec<serde_json::Value>, shape: &[usize]) -> serde_json::Value {
    match shape {
        [] | [_] => serde_json::Value::Array(entries),
        [_, rest @ ..] => {
            let row: usize = rest.iter().product();
            entries
                .chunks(row.max(1))
                .map(|row| nested(row.to_vec(), rest))
                .collect()
        }
    }
}

/// A shape in words: `3 x 2`, `4`, `a number`.
pub(crate) fn in_words(shape: &[usize]) -> String {
    if shape.is_empty() {
        return "a number".to_owned();
    }
    let sides: Vec<String> = shape.iter().map(ToString::to_string).collect();
    sides.join(" x ")
}

/// The place of entry `index`, row by row, in an array of this shape.
pub(super) fn place(shape: &[usize], mut index: usize) -> String {
    let mut sides: Vec<String> = Vec::new();
    for side in shape.iter().rev() {
        sides.push((index % side.max(&1)).to_string());
        index /= side.max(&1);
    }
    sides.reverse();
    sides.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_stand_row_by_row() {
        let matrix = DMatrix::from_row_slice(2, 3, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let array = Array::matrix(&matrix);
        assert_eq!(array.values(), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert_eq!(array.place(4), "1, 1");
        assert_eq!(array.filled(2, 3), matrix);
        assert_eq!(Array::scalar(7.0).place(0), "");
    }

    #[test]
    fn fewer_axes_repeat() {
        assert_eq!(Array::scalar(7.0).filled(1, 2).as_slice(), [7.0, 7.0]);
        let row = Array::vector(&DVector::from_vec(vec![1.0, 2.0])).filled(2, 2);
        assert_eq!(row, DMatrix::from_row_slice(2, 2, &[1.0, 2.0, 1.0, 2.0]));
    }

    /// T[i, j, k] = the digits of the sorted index.
    #[test]
    fn a_symmetric_array_asks_once_for_every_sorted_index() {
        let mut asked = Vec::new();
        let array = Array::symmetric(3, 2, |index| {
            asked.push(index.to_vec());
            index
                .iter()
                .fold(0.0, |value, axis| 10.0 * value + *axis as f64)
        })
        .unwrap();
        assert_eq!(asked, [[0, 0, 0], [0, 0, 1], [0, 1, 1], [1, 1, 1]]);
        assert_eq!(array.shape(), [2, 2, 2]);
        assert_eq!(
            array.values(),
            [0.0, 1.0, 1.0, 11.0, 1.0, 11.0, 11.0, 111.0]
        );
        assert!(Array::symmetric(6, 1 << 20, |_| 0.0).is_none());
    }

    #[test]
    fn a_shape_must_fit_its_entries() {
        assert!(Array::new(vec![2, 2], vec![0.0; 3]).is_none());
        assert!(Array::new(vec![usize::MAX, 2], vec![0.0; 3]).is_none());
        assert!(Array::new(vec![0, 2], Vec::new()).is_some());
    }
}
