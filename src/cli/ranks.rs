//! Several processes as one run of a command: one of them speaks for all.

use std::sync::Arc;

use crate::cli::CliError;
use crate::production::ranks::{Ranks, first_word, launched};

/// The ranks of this run, from its beginning to its end.
pub(super) struct Together {
    ranks: Arc<dyn Ranks>,
    #[cfg(feature = "mpi")]
    _world: crate::production::ranks::mpi::World,
}

impl Together {
    /// With the other processes that a launcher has started; `None` where there are no others.
    ///
    /// An error where they do not find each other: every one of them would then take itself for the only one.
    pub fn join() -> Result<Option<Self>, CliError> {
        match launched() {
            Some(found) if found.ranks > 1 => {
                let joined = Self::among(found.ranks);
                // They cannot agree on who speaks but by what the launcher says.
                joined
                    .map(Some)
                    .map_err(|error| spoken_by(found.rank, error))
            }
            _ => Ok(None),
        }
    }

    #[cfg(feature = "mpi")]
    fn among(started: usize) -> Result<Self, CliError> {
        use crate::production::ranks::mpi::World;

        let Some((world, ranks)) = World::begin() else {
            return Err(CliError::Usage(
                "MPI does not begin, or allows no messages beside threads".to_owned(),
            ));
        };
        if ranks.ranks() != started {
            return Err(CliError::Usage(format!(
                "{started} processes were started, but MPI knows of {}: this program was built for another MPI than the launcher is of",
                ranks.ranks()
            )));
        }
        Ok(Self {
            ranks,
            _world: world,
        })
    }

    #[cfg(not(feature = "mpi"))]
    fn among(started: usize) -> Result<Self, CliError> {
        Err(CliError::Usage(format!(
            "{started} processes were started, but this program was built without MPI (its feature `mpi`)"
        )))
    }

    /// The ranks.
    pub fn ranks(&self) -> &Arc<dyn Ranks> {
        &self.ranks
    }

    /// Whether this rank speaks for all.
    pub fn speaks(&self) -> bool {
        self.ranks.rank() == 0
    }

    /// The result of every rank, or on all of them the error of the first that has one: the first rank says it.
    pub fn agree<T>(&self, result: Result<T, CliError>) -> Result<T, CliError> {
        let word = result.as_ref().err().map(ToString::to_string);
        match (first_word(self.ranks.as_ref(), word.as_deref()), result) {
            (None, result) => result,
            // Its own words, which may have a form of their own.
            (Some((0, _)), Err(error)) if self.speaks() => Err(error),
            (Some((0, word)), _) => Err(spoken_by(self.ranks.rank(), CliError::Usage(word))),
            (Some((rank, word)), _) => {
                let error = CliError::Usage(format!("rank {rank}: {word}"));
                Err(spoken_by(self.ranks.rank(), error))
            }
        }
    }
}

/// The error on the rank that speaks, silence on the others.
fn spoken_by(rank: usize, error: CliError) -> CliError {
    if rank == 0 {
        error
    } else {
        CliError::Elsewhere
    }
}
