//! The unknowns as one vector.

use crate::system::array::{Array, nested, place};

/// One unknown within the vector of all.
#[derive(Clone, Debug)]
struct Part {
    name: &'static str,
    shape: Vec<usize>,
    first: usize,
    count: usize,
}

/// How the unknowns, in the order of the system's table and each row by row, make one vector.
#[derive(Clone, Debug)]
pub struct Layout {
    parts: Vec<Part>,
}

impl Layout {
    pub(super) fn new(shapes: Vec<(&'static str, Vec<usize>)>) -> Self {
        let mut first = 0;
        let parts = shapes
            .into_iter()
            .map(|(name, shape)| {
                let count = shape.iter().product();
                let part = Part {
                    name,
                    shape,
                    first,
                    count,
                };
                first += count;
                part
            })
            .collect();
        Self { parts }
    }

    /// How many entries all unknowns have together.
    pub fn dimension(&self) -> usize {
        self.parts.iter().map(|part| part.count).sum()
    }

    /// The unknowns: name, shape, and where each stands in the vector.
    pub fn parts(&self) -> impl Iterator<Item = (&'static str, &[usize], std::ops::Range<usize>)> {
        self.parts.iter().map(|part| {
            (
                part.name,
                part.shape.as_slice(),
                part.first..part.first + part.count,
            )
        })
    }

    /// The name of an entry of the vector: `X[2, 1]`; nothing beyond the last.
    pub fn entry(&self, index: usize) -> Option<String> {
        let part = self
            .parts
            .iter()
            .find(|part| (part.first..part.first + part.count).contains(&index))?;
        Some(format!(
            "{}[{}]",
            part.name,
            place(&part.shape, index - part.first)
        ))
    }

    /// The unknowns of a vector, by name; `None` for a vector of another length.
    pub fn split(&self, vector: &[f64]) -> Option<Vec<(&'static str, Array)>> {
        (vector.len() == self.dimension()).then_some(())?;
        self.parts()
            .map(|(name, shape, range)| {
                Some((name, Array::new(shape.to_vec(), vector[range].to_vec())?))
            })
            .collect()
    }
}

/// Numbers by unknown and place, as JSON shows them: `{"X": [[..], ..], "Y": ..}`.
pub fn as_json<T: Clone + Into<serde_json::Value>>(
    layout: &Layout,
    entries: &[T],
) -> serde_json::Value {
    let arrays = layout.parts().map(|(name, shape, range)| {
        let values = entries[range].iter().cloned().map(Into::into).collect();
        (name.to_owned(), nested(values, shape))
    });
    serde_json::Value::Object(arrays.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_named_by_unknown_row_and_column() {
        let layout = Layout::new(vec![("X", vec![2, 3]), ("Y", vec![1, 2])]);
        assert_eq!(layout.dimension(), 8);
        assert_eq!(layout.entry(5).unwrap(), "X[1, 2]");
        assert_eq!(layout.entry(6).unwrap(), "Y[0, 0]");
        assert_eq!(layout.entry(8), None);
        let split = layout
            .split(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0])
            .unwrap();
        assert_eq!(split[1].0, "Y");
        assert_eq!(split[1].1.values(), [7.0, 8.0]);
        assert!(layout.split(&[1.0]).is_none());
    }
}
