//! Which rows of a matrix a rank has, before anybody has read them.

use std::ops::Range;
use std::sync::Arc;

use crate::instance::{Outline, RowBlock};
use crate::production::ProblemError;
use crate::production::kernels::operator::Operator;
use crate::production::ranks::messages::gather;
use crate::production::ranks::share::Share;
use crate::production::ranks::{Numbers, Ranks};

/// The shares of a matrix: its shape and its stored entries decide.
pub(crate) fn share_of(outline: &Outline, ranks: &Arc<dyn Ranks>) -> Share {
    Share::of(&Operator::cut(outline), outline.rows, ranks)
}

/// The rows of this rank: a run of the chunks that threads work on, or all rows where the matrix is too small to be shared.
pub fn own_rows(outline: &Outline, ranks: &Arc<dyn Ranks>) -> Range<usize> {
    share_of(outline, ranks).own()
}

/// How many stored entries the rows of all ranks have; all of them ask. It may be another number than the file has announced, whose
/// entries of one place are added: then also the rows of the ranks may be others.
///
/// An error where the ranks have rows of different matrices.
pub fn stored_by_all(block: &RowBlock, ranks: &Arc<dyn Ranks>) -> Result<usize, ProblemError> {
    let Outline {
        rows,
        columns,
        sparse,
        stored,
    } = block.outline;
    let mut own = Vec::new();
    let said = [rows, columns, usize::from(sparse), stored];
    (said, block.matrix.stored()).write(&mut own);
    let all = gather(ranks.as_ref(), own);
    let mut left = &all[..];
    let mut sum = 0;
    for rank in 0..ranks.ranks() {
        let (found, here) = <([usize; 4], usize)>::read(&mut left);
        if found != said {
            return Err(ProblemError::Parts {
                reason: format!(
                    "another matrix than rank {rank} has: do all ranks see the same files?"
                ),
            });
        }
        sum += here;
    }
    // A matrix too small to be shared is on every rank.
    let is_whole = block.rows.len() == rows;
    Ok(if is_whole { block.matrix.stored() } else { sum })
}

/// Whether the rows of every rank are its own in a matrix with so many stored entries; all of them ask.
pub fn all_have_own_rows(block: &RowBlock, stored: usize, ranks: &Arc<dyn Ranks>) -> bool {
    let outline = Outline {
        stored,
        ..block.outline
    };
    let here = own_rows(&outline, ranks) == block.rows;
    let all = gather(ranks.as_ref(), vec![f64::from(u8::from(here))]);
    all.iter().all(|there| *there == 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instance::files::{npy, read_instance, read_instance_rows};
    use crate::production::ranks::threads::on_ranks;
    use crate::production::{Problem, Settings};
    use std::path::{Path, PathBuf};

    const ROWS: usize = 40_000;
    const COLUMNS: usize = 6;

    /// A sparse matrix of five entries a row, of which the last two of a row are of one place where `added` says so.
    fn instance(directory: &Path, added: bool) -> PathBuf {
        let entry = |i: usize, k: usize| ((i * 31 + k * 17) as f64).sin();
        let columns = |i: usize| [0, 1, 2, 3, if added { 3 } else { 4 }].map(|j| (i + j) % COLUMNS);
        let mut text = format!(
            "%%MatrixMarket matrix coordinate real general\n{ROWS} {COLUMNS} {}\n",
            5 * ROWS
        );
        for i in 0..ROWS {
            for (k, j) in columns(i).into_iter().enumerate() {
                text.push_str(&format!("{} {} {}\n", i + 1, j + 1, entry(i, k)));
            }
        }
        std::fs::write(directory.join("A.mtx"), text).unwrap();
        let target: Vec<f64> = (0..ROWS).map(|i| 1e-5 * (1 + i % 5) as f64).collect();
        npy::write_shaped(&directory.join("b.npy"), &[ROWS], &target).unwrap();
        let path = directory.join("p.json");
        let manifest =
            r#"{"loss": "softmax", "matrix": "A.mtx", "target": "b.npy", "weights": 0.5}"#;
        std::fs::write(&path, manifest).unwrap();
        path
    }

    /// With five entries a row the blocks have other rows than with four.
    #[test]
    fn rows_are_read_again_where_entries_of_one_place_change_the_cut() {
        let directory = tempfile::tempdir().unwrap();
        for (added, stored) in [(false, 5 * ROWS), (true, 4 * ROWS)] {
            let path = instance(directory.path(), added);
            let whole = Problem::from_instance(&read_instance(&path).unwrap()).unwrap();
            let expected = format!("{:?}", whole.solve(&Settings::default()));
            assert!(expected.contains("outcome: Converged"), "{expected}");
            let found = on_ranks(3, |ranks| {
                let read = |stored: Option<usize>| {
                    let choose = |said: &Outline| {
                        let stored = stored.unwrap_or(said.stored);
                        own_rows(&Outline { stored, ..*said }, &ranks)
                    };
                    read_instance_rows(&path, &choose).unwrap().0
                };
                let first = read(None);
                let found = stored_by_all(first.block(), &ranks).unwrap();
                assert_eq!(found, stored);
                assert_eq!(all_have_own_rows(first.block(), found, &ranks), !added);
                let rows = read(Some(found));
                assert!(all_have_own_rows(rows.block(), found, &ranks));
                assert!(rows.block().matrix.rows() < ROWS / 2);
                let problem = Problem::from_own_rows(rows, found, &ranks).unwrap();
                format!("{:?}", problem.solve(&Settings::default()))
            });
            assert_eq!(found, vec![expected; 3]);
        }
    }

    fn block(outline: Outline, rows: Range<usize>) -> RowBlock {
        let offsets = vec![0; rows.len() + 1];
        let matrix = nalgebra_sparse::CsrMatrix::try_from_csr_data(
            rows.len(),
            outline.columns,
            offsets,
            Vec::new(),
            Vec::new(),
        );
        RowBlock {
            matrix: crate::instance::DesignMatrix::Sparse(matrix.unwrap()),
            rows,
            outline,
        }
    }

    #[test]
    fn ranks_that_see_other_files_notice() {
        let found = on_ranks(3, |ranks| {
            let outline = Outline {
                rows: 10,
                columns: 2 + ranks.rank() / 2,
                sparse: true,
                stored: 0,
            };
            stored_by_all(&block(outline, 0..10), &ranks).map_err(|error| error.to_string())
        });
        let other = |rank: usize| {
            format!("another matrix than rank {rank} has: do all ranks see the same files?")
        };
        assert_eq!(found, [Err(other(2)), Err(other(2)), Err(other(0))]);
    }

    #[test]
    fn a_small_matrix_is_on_every_rank() {
        let outline = Outline {
            rows: 100,
            columns: 5,
            sparse: false,
            stored: 500,
        };
        let found = on_ranks(4, |ranks| own_rows(&outline, &ranks));
        assert_eq!(found, vec![0..100; 4]);
    }
}
