//! Ranks that a launcher of MPI has started (`mpirun`, `srun`), by messages from one to another.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use mpi::Threading;
use mpi::environment::Universe;
use mpi::topology::{Communicator, SimpleCommunicator};
use mpi::traits::{Destination, Source};

use crate::production::ranks::Ranks;

/// Numbers of a message at most: MPI counts in 31 bits. More go in several.
const MESSAGE: usize = 1 << 27;
/// How a process ends whose work has failed, as one that panics does.
const FAILED: i32 = 101;

/// Whether MPI has begun in this process and not ended, and nobody is ending it.
static RUNS: AtomicBool = AtomicBool::new(false);

/// MPI from its beginning to its end, which comes when this is dropped.
pub struct World {
    _universe: Universe,
}

/// The processes of `MPI_COMM_WORLD`.
#[derive(Debug)]
struct Processes {
    rank: usize,
    ranks: usize,
}

impl World {
    /// Begins; `None` where MPI has begun in this process already, or does not let other threads than the first send messages, one at a time.
    ///
    /// From then on a panic ends all ranks: they would wait for this one.
    pub fn begin() -> Option<(Self, Arc<dyn Ranks>)> {
        let (universe, threading) = mpi::initialize_with_threading(Threading::Serialized)?;
        if threading < Threading::Serialized {
            return None;
        }
        let told = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            told(panic);
            SimpleCommunicator::world().abort(FAILED)
        }));
        let world = universe.world();
        let number = |count: i32| usize::try_from(count).unwrap_or(0);
        let processes = Processes {
            rank: number(world.rank()),
            ranks: number(world.size()),
        };
        RUNS.store(true, SeqCst);
        let begun = Self {
            _universe: universe,
        };
        Some((begun, Arc::new(processes)))
    }
}

impl Drop for World {
    fn drop(&mut self) {
        RUNS.store(false, SeqCst);
    }
}

/// Ends all ranks with this status, where MPI runs; the first time only, since to be ended itself may fail.
pub fn end_all(status: i32) {
    if RUNS.swap(false, SeqCst) {
        SimpleCommunicator::world().abort(status)
    }
}

impl Ranks for Processes {
    fn rank(&self) -> usize {
        self.rank
    }

    fn ranks(&self) -> usize {
        self.ranks
    }

    /// In whole messages and a last one that is shorter, if need be empty.
    fn send(&self, to: usize, numbers: &[f64]) {
        let world = SimpleCommunicator::world();
        let process = world.process_at_rank(to as i32);
        let whole = numbers.chunks_exact(MESSAGE);
        let last = whole.remainder();
        for message in whole {
            process.send(message);
        }
        process.send(last);
    }

    fn receive(&self, from: usize) -> Vec<f64> {
        let world = SimpleCommunicator::world();
        let process = world.process_at_rank(from as i32);
        let mut numbers: Vec<f64> = Vec::new();
        loop {
            let (message, _) = process.receive_vec();
            let last = message.len() < MESSAGE;
            if numbers.is_empty() {
                numbers = message;
            } else {
                numbers.extend(message);
            }
            if last {
                return numbers;
            }
        }
    }
}
