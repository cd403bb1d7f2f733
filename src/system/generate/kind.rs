//! What a kind is, and what the kinds share.

use nalgebra::DMatrix;

use crate::instance::sample::{self, Stream};
use crate::system::array::{Array, by_rows};
use crate::system::given::Given;

/// Sizes of generated instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Rows `n`, at least 1.
    pub rows: usize,
    /// The width `d` of attention, the rank `k` of a factorisation; at least 1.
    pub width: usize,
    /// Columns `m` of B, M or V, at least 1; `None` for the width, or for as many as rows. Without effect on a kind that has none.
    pub columns: Option<usize>,
}

/// A kind of instance.
pub struct Generator {
    /// Its name in command lines and file names.
    pub kind: &'static str,
    /// What its instances are like.
    pub about: &'static str,
    /// Whether its instances have the columns of [`Sizes::columns`].
    pub has_columns: bool,
    /// Draws one.
    pub(super) draw: fn(&Sizes, &mut Stream) -> Result<Given, String>,
}

impl Generator {
    /// Instance number `index`, with a start. Refuses sizes of 0 and sizes that would fill the memory.
    pub fn draw(&self, sizes: &Sizes, seed: u64, index: u64) -> Result<Given, String> {
        /// Entries of a matrix at most.
        const MOST: usize = 1 << 24;
        let sides = [
            ("n", sizes.rows),
            ("d", sizes.width),
            ("outputs", sizes.columns.unwrap_or(1)),
        ];
        if let Some((name, _)) = sides.iter().find(|(_, side)| *side == 0) {
            return Err(format!("{name} is 0: at least 1 is needed"));
        }
        let longest = sides.iter().map(|(_, side)| *side).max().unwrap_or(1);
        if longest
            .checked_mul(longest)
            .is_none_or(|entries| entries > MOST)
        {
            return Err(format!(
                "n, d and outputs are {}, {} and {}: more than {MOST} entries",
                sizes.rows,
                sizes.width,
                sizes.columns.unwrap_or(0)
            ));
        }
        (self.draw)(sizes, &mut sample::stream(seed, self.kind, index))
    }
}

/// A matrix of dyadic numbers in `[-limit, limit]`, drawn row by row.
pub(super) fn dyadic(rng: &mut Stream, rows: usize, columns: usize, limit: i64) -> DMatrix<f64> {
    let entries: Vec<f64> = (0..rows * columns)
        .map(|_| sample::dyadic(rng, limit))
        .collect();
    DMatrix::from_row_slice(rows, columns, &entries)
}

/// The entries of matrices, one after the other, each row by row.
pub(super) fn flat(matrices: &[&DMatrix<f64>]) -> Vec<f64> {
    matrices.iter().flat_map(|matrix| by_rows(matrix)).collect()
}

pub(super) fn named(name: &str, matrix: &DMatrix<f64>) -> (String, Array) {
    (name.to_owned(), Array::matrix(matrix))
}

/// `a b`, each entry a sum from left to right: a library's product may sum in another order on another machine.
pub(super) fn product(a: &DMatrix<f64>, b: &DMatrix<f64>) -> DMatrix<f64> {
    DMatrix::from_fn(a.nrows(), b.ncols(), |i, j| {
        (0..a.ncols()).map(|k| a[(i, k)] * b[(k, j)]).sum()
    })
}
