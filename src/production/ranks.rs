//! Several processes that share the rows of a matrix, called ranks: who has which rows, and how what they found is put together.
//!
//! Every rank holds a run of chunks (`kernels::partition`), in order. Partial results are those of chunks, whoever has them, and are
//! added in the order of the chunks, as in one process: a running sum goes from rank to rank, or the results of all chunks are gathered
//! and every rank adds them. So every rank has the bits that one process would have, and all take the same decisions without asking.
//! A sum by an order of its own (`MPI_Allreduce`) would depend on the number of ranks.
//!
//! | file | what lives there |
//! |---|---|
//! | `launch` | what launchers say of the ranks that they start |
//! | `messages` | numbers of all ranks on all of them |
//! | `share` | the rows of each rank; taking turns |
//! | `own_rows` | which rows a rank has, before they are read |
//! | `numbers`, `rows` | results of chunks, and rows, on their way to other ranks |
//! | `level` | the vector instructions that all ranks have |
//! | `tree` | the pairwise sum of columns that lie on several ranks |
//! | `mpi` | ranks that MPI has started |

mod launch;
mod level;
mod messages;
#[cfg(feature = "mpi")]
pub mod mpi;
mod numbers;
mod own_rows;
mod rows;
mod share;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) mod threads;
mod tree;

use std::fmt;

pub use launch::{Launched, launched};
pub(crate) use level::common_level;
pub use messages::first_word;
pub(crate) use numbers::Numbers;
pub(crate) use own_rows::share_of;
pub use own_rows::{all_have_own_rows, own_rows, stored_by_all};
pub(crate) use share::Share;
pub(crate) use tree::column_products;

/// Processes that solve one problem together, and how numbers get from one to another.
///
/// All of them do the same in the same order; a message that is sent is received. What cannot be delivered ends the process: there is
/// no answer without it.
pub trait Ranks: fmt::Debug + Send + Sync {
    /// The number of this process, from 0 on.
    fn rank(&self) -> usize;

    /// How many there are, at least 1.
    fn ranks(&self) -> usize;

    /// Sends numbers to another process, which may wait until they are received. They arrive in the order in which they were sent,
    /// with the same bits.
    fn send(&self, to: usize, numbers: &[f64]);

    /// Waits for what another process sends next.
    fn receive(&self, from: usize) -> Vec<f64>;
}
