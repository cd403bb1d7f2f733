//! A chain of rounds in a file: made, taken up again, followed.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, BufWriter, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use serde::Serialize;

use super::chained::ChainedRounds;
use crate::instance::InstanceError;
use crate::production::chain::{Chain, ChainError, LineError, hexadecimal};

/// What became of a chain in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ChainStatus {
    /// All rounds that were asked for are there.
    Made,
    /// Somebody asked for an end before.
    Interrupted,
    /// It was followed to its end.
    Follows,
    /// A line does not follow.
    Broken,
}

impl ChainStatus {
    /// The word that reports have.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Made => "made",
            Self::Interrupted => "interrupted",
            Self::Follows => "follows",
            Self::Broken => "broken",
        }
    }
}

/// How a chain in a file was made, or whether it follows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChainReport {
    /// What became of it.
    pub status: ChainStatus,
    /// Blocks, the first included.
    pub blocks: u64,
    /// The digest of the last one.
    pub digest: Option<String>,
    /// The loss at its x, where the problem is known.
    pub loss: Option<f64>,
    /// The line that does not follow, from 1 on.
    pub line: Option<u64>,
    /// Why it does not.
    pub reason: Option<String>,
}

impl ChainReport {
    fn new(status: ChainStatus, chain: &Chain, rounds: Option<&ChainedRounds>) -> Self {
        let last = chain.last();
        let loss = last
            .zip(rounds)
            .and_then(|((block, _), rounds)| rounds.loss(block).ok());
        Self {
            status,
            blocks: chain.blocks(),
            digest: last.map(|(_, digest)| hexadecimal(digest)),
            loss,
            line: None,
            reason: None,
        }
    }
}

/// How following a file ended.
enum Followed {
    /// Every line is the next block; the byte after the last of them.
    Whole(u64),
    /// Only the last line is cut off; the byte where it begins.
    CutOff(u64, ChainError),
    /// A line is not the next block.
    Broken(ChainError),
}

/// Follows the lines of a file; where there are rounds, makes each block again.
fn follow(
    path: &Path,
    chain: &mut Chain,
    rounds: Option<&ChainedRounds>,
) -> Result<Followed, InstanceError> {
    let failed = |error| InstanceError::io(path, error);
    let mut lines = BufReader::new(File::open(path).map_err(failed)?);
    let (mut line, mut place) = (String::new(), 0);
    loop {
        line.clear();
        let length = lines.read_line(&mut line).map_err(failed)? as u64;
        if length == 0 {
            return Ok(Followed::Whole(place));
        }
        let expected = match (rounds, chain.last()) {
            (None, _) => None,
            (Some(rounds), None) => Some(rounds.first()),
            (Some(rounds), Some((block, digest))) => Some(
                rounds
                    .after(block, *digest)
                    .map_err(|error| refused(path, error))?,
            ),
        };
        let Some(text) = line.strip_suffix('\n') else {
            let missing = LineError::Broken("the end of the line is missing".to_owned());
            return Ok(Followed::CutOff(place, missing.into()));
        };
        match (chain.follow_line(text), expected) {
            (Ok(block), Some(expected)) if *block != expected => {
                return Ok(Followed::Broken(ChainError::Remade(block.number)));
            }
            (Ok(_), _) => {}
            (Err(error), _) => return Ok(Followed::Broken(error)),
        }
        place += length;
    }
}

fn refused(path: &Path, reason: impl std::fmt::Display) -> InstanceError {
    InstanceError::format(path, reason.to_string())
}

/// Follows the chain in a file: every digest is computed again. Where there are `rounds`, every block is made again, too, and compared,
/// bit for bit. A chain that does not follow is a report, not an error; an error is a file that cannot be read, or a round that cannot be
/// made.
pub fn check_chain(
    path: &Path,
    rounds: Option<&ChainedRounds>,
) -> Result<ChainReport, InstanceError> {
    let mut chain = Chain::new(rounds.map(ChainedRounds::terms));
    let followed = follow(path, &mut chain, rounds)?;
    let error = match followed {
        Followed::Whole(_) => None,
        Followed::CutOff(_, error) | Followed::Broken(error) => Some(error),
    };
    let status = match error {
        None => ChainStatus::Follows,
        Some(_) => ChainStatus::Broken,
    };
    // What was made again and is another block stands in the chain as it is.
    let line = match &error {
        None => None,
        Some(ChainError::Remade(number)) => Some(number + 1),
        Some(_) => Some(chain.blocks() + 1),
    };
    Ok(ChainReport {
        line,
        reason: error.map(|error| error.to_string()),
        ..ChainReport::new(status, &chain, rounds)
    })
}

/// Makes a chain of `count` rounds in a new file, or, with `resume`, goes on with one that is there, after it was followed. When `stop`
/// is set, the round under way is the last; what was made stays.
///
/// An error names the file: one that is there, cannot be written or is written by somebody else, a chain that does not follow, or a
/// round that cannot be made.
pub fn make_chain(
    path: &Path,
    rounds: &ChainedRounds,
    count: u64,
    resume: bool,
    stop: &AtomicBool,
) -> Result<ChainReport, InstanceError> {
    let failed = |error| InstanceError::io(path, error);
    let mut chain = Chain::new(Some(rounds.terms()));
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(!resume)
        .open(path)
        .map_err(failed)?;
    if file.try_lock().is_err() {
        return Err(refused(path, "another process writes this chain"));
    }
    if resume {
        let end = match follow(path, &mut chain, None)? {
            // A run that was killed may have left a part of a line.
            Followed::Whole(end) | Followed::CutOff(end, _) => end,
            Followed::Broken(error) => {
                let line = chain.blocks() + 1;
                return Err(refused(path, format!("line {line}: {error}")));
            }
        };
        file.set_len(end).map_err(failed)?;
        file.seek(SeekFrom::Start(end)).map_err(failed)?;
    }
    let mut file = BufWriter::new(file);
    let mut status = ChainStatus::Made;
    while chain.blocks() <= count {
        let block = match chain.last() {
            None => rounds.first(),
            Some((block, digest)) => match rounds.after(block, *digest) {
                Ok(block) => block,
                Err(error) => {
                    file.flush().map_err(failed)?;
                    return Err(refused(
                        path,
                        format!("round {} cannot be made: {error}", block.number),
                    ));
                }
            },
        };
        let line = block.line().map_err(|error| refused(path, error))?;
        file.write_all(line.as_bytes()).map_err(failed)?;
        chain
            .follow_line(line.trim_end())
            .map_err(|error| refused(path, error))?;
        if stop.load(SeqCst) {
            status = ChainStatus::Interrupted;
            break;
        }
    }
    file.flush().map_err(failed)?;
    Ok(ChainReport::new(status, &chain, Some(rounds)))
}
