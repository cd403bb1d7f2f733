//! What launchers tell the processes that they start, in their environment.
//!
//! A program that was built for another MPI than the launcher's, or for none, is started as often as asked, and each process would
//! solve the whole problem by itself: so the number that was started is held against the number of ranks that found each other.

/// Variables of a launcher: how many processes it has started, and which this is. Open MPI; MPICH, Intel MPI and Slurm's PMI.
const VARIABLES: [(&str, &str); 2] = [
    ("OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"),
    ("PMI_SIZE", "PMI_RANK"),
];

/// What the launcher says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Launched {
    /// How many processes it has started.
    pub ranks: usize,
    /// Which of them this is.
    pub rank: usize,
}

/// What the launcher of this process says, where one has started it.
pub fn launched() -> Option<Launched> {
    said_by(|variable| std::env::var(variable).ok())
}

fn said_by(value: impl Fn(&str) -> Option<String>) -> Option<Launched> {
    let number = |variable| value(variable)?.parse().ok();
    VARIABLES.iter().find_map(|(ranks, rank)| {
        Some(Launched {
            ranks: number(ranks)?,
            rank: number(rank)?,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn launchers_are_understood() {
        let said = |list: &[(&str, &str)]| {
            said_by(|variable| {
                let found = list.iter().find(|(name, _)| *name == variable);
                found.map(|(_, value)| (*value).to_owned())
            })
        };
        let expected = Some(Launched { ranks: 4, rank: 2 });
        let mpich = [("PMI_RANK", "2"), ("PMI_SIZE", "4")];
        assert_eq!(said(&mpich), expected);
        let open_mpi = [("OMPI_COMM_WORLD_SIZE", "4"), ("OMPI_COMM_WORLD_RANK", "2")];
        assert_eq!(said(&open_mpi), expected);
        assert_eq!(said(&[]), None);
        assert_eq!(said(&[("PMI_SIZE", "four"), ("PMI_RANK", "0")]), None);
    }
}
