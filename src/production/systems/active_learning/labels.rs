//! Labels behind a counter.

/// Labels that cost when they are read: each once, however often.
pub(super) struct Labels<'a> {
    values: &'a [f64],
    read: Vec<bool>,
    count: usize,
}

impl<'a> Labels<'a> {
    /// None read yet.
    pub(super) fn new(values: &'a [f64]) -> Self {
        Self {
            values,
            read: vec![false; values.len()],
            count: 0,
        }
    }

    /// The label of a point.
    pub(super) fn read(&mut self, point: usize) -> f64 {
        if !self.read[point] {
            self.read[point] = true;
            self.count += 1;
        }
        self.values[point]
    }

    /// How many were read.
    pub(super) fn count(&self) -> usize {
        self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_that_is_read_twice_costs_once() {
        let mut labels = Labels::new(&[1.0, 2.0, 3.0]);
        assert_eq!(labels.count(), 0);
        assert_eq!(
            (labels.read(2), labels.read(0), labels.read(2)),
            (3.0, 1.0, 3.0)
        );
        assert_eq!(labels.count(), 2);
    }
}
