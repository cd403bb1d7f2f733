//! The ranges of the columns of V.

/// One column of values.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    /// Its least entry.
    pub(super) least: f64,
    /// Its largest entry.
    pub(super) largest: f64,
}

impl Column {
    /// Half of `largest - least`, which may be beyond f64.
    pub(super) fn half_range(self) -> f64 {
        self.largest / 2.0 - self.least / 2.0
    }

    /// The largest entry in size.
    pub(super) fn size(self) -> f64 {
        self.largest.abs().max(self.least.abs())
    }
}

/// The ranges of the columns of the first rows of V, for more and more rows.
pub(super) struct Columns<'a> {
    values: &'a [f64],
    columns: Vec<Column>,
    rows: usize,
}

impl<'a> Columns<'a> {
    /// Of no rows yet.
    pub(super) fn of(values: &'a [f64], columns: usize) -> Self {
        let none = Column {
            least: f64::INFINITY,
            largest: f64::NEG_INFINITY,
        };
        Self {
            values,
            columns: vec![none; columns],
            rows: 0,
        }
    }

    /// Of the first `rows` rows, at least as many as before.
    pub(super) fn of_first(&mut self, rows: usize) -> &[Column] {
        let m = self.columns.len();
        for row in self.values[self.rows * m..rows * m].chunks_exact(m) {
            for (column, value) in self.columns.iter_mut().zip(row) {
                column.least = column.least.min(*value);
                column.largest = column.largest.max(*value);
            }
        }
        self.rows = rows;
        &self.columns
    }
}
