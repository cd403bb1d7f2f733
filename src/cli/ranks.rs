//! Several processes as one run of a command: one of them speaks for all.

use std::sync::Arc;
use std::time::Duration;

use crate::cli::CliError;
use crate::production::ranks::{Ranks, first_word, launched};

/// How long ranks that cannot hear each other wait for the first to speak.
const PATIENCE: Duration = Duration::from_secs(1);

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
                joined.map(Some).map_err(|error| match found.rank {
                    0 => error,
                    _ => {
                        // The launcher ends all once one has ended so: not before the first has spoken.
                        std::thread::sleep(PATIENCE);
                        CliError::Elsewhere
                    }
                })
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

    /// The result of every rank, or on all of them the end where one has an error: the first rank says what the first of these has to
    /// say.
    pub fn agree<T>(&self, result: Result<T, CliError>) -> Result<T, CliError> {
        let word = result.as_ref().err().map(ToString::to_string);
        match (first_word(self.ranks.as_ref(), word.as_deref()), result) {
            (None, result) => result,
            (Some((rank, word)), _) => {
                if self.speaks() {
                    let said = if rank == 0 {
                        word
                    } else {
                        format!("rank {rank}: {word}")
                    };
                    CliError::Usage(said).print();
                }
                // Launchers end all ranks once one has ended so: not before the line is out.
                first_word(self.ranks.as_ref(), None);
                Err(CliError::Elsewhere)
            }
        }
    }
}
