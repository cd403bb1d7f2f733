//! Whether blocks follow each other.

use super::block::{Block, LineError};
use super::digest::Digest;

/// What keeps a line from being the next block of a chain.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ChainError {
    /// It is no block.
    #[error(transparent)]
    Line(#[from] LineError),
    /// Another number is next.
    #[error("block {found} where block {expected} is next")]
    Number {
        /// Its number.
        found: u64,
        /// The next one.
        expected: u64,
    },
    /// It follows another block.
    #[error("block {0} does not follow the block before it: its previous digest is another")]
    Previous(u64),
    /// Its x has another length than the first block's.
    #[error("x of block {number} has {found} entries, expected {expected}")]
    Length {
        /// Its number.
        number: u64,
        /// Entries of its x.
        found: usize,
        /// Entries of the first x.
        expected: usize,
    },
    /// A client is named twice, or after a later one.
    #[error(
        "contributors of block {number} name client {client} after client {before}: each once, in ascending order"
    )]
    Contributors {
        /// The block.
        number: u64,
        /// The client.
        client: u32,
        /// The one before it.
        before: u32,
    },
    /// Made again, it is another block.
    #[error("block {0} made again is another: its x, its contributors or what they sent")]
    Remade(u64),
    /// The first block has contributors, or another has none.
    #[error("block {0} has contributors if and only if it is not the first")]
    Nobody(u64),
}

/// A chain, followed block by block. Hashing only: whether an x is what its contributors made needs the clients.
#[derive(Clone, Debug)]
pub struct Chain {
    /// What the first block has to follow.
    terms: Option<Digest>,
    last: Option<(Block, Digest)>,
}

impl Chain {
    /// No block yet; the first has to follow the digest of the terms, where they are known.
    pub fn new(terms: Option<Digest>) -> Self {
        Self { terms, last: None }
    }

    /// The last block and its digest.
    pub fn last(&self) -> Option<&(Block, Digest)> {
        self.last.as_ref()
    }

    /// How many blocks there are.
    pub fn blocks(&self) -> u64 {
        self.last.as_ref().map_or(0, |(block, _)| block.number + 1)
    }

    /// The next line of a file, without its end.
    pub fn follow_line(&mut self, text: &str) -> Result<&Block, ChainError> {
        let (block, digest) = Block::of_line(text)?;
        self.follow(block, digest)
    }

    /// The next block, whose digest is known to be its own.
    fn follow(&mut self, block: Block, digest: Digest) -> Result<&Block, ChainError> {
        let number = block.number;
        if number != self.blocks() {
            return Err(ChainError::Number {
                found: number,
                expected: self.blocks(),
            });
        }
        let expected = self.last.as_ref().map(|(_, digest)| *digest).or(self.terms);
        if expected.is_some_and(|expected| expected != block.previous) {
            return Err(ChainError::Previous(number));
        }
        if let Some((before, _)) = &self.last
            && before.x.len() != block.x.len()
        {
            return Err(ChainError::Length {
                number,
                found: block.x.len(),
                expected: before.x.len(),
            });
        }
        if let Some(two) = block.contributors.windows(2).find(|two| two[1] <= two[0]) {
            return Err(ChainError::Contributors {
                number,
                client: two[1],
                before: two[0],
            });
        }
        if block.contributors.is_empty() != (number == 0) {
            return Err(ChainError::Nobody(number));
        }
        Ok(&self.last.insert((block, digest)).0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many blocks that follow each other.
    fn blocks(count: u64) -> Vec<Block> {
        let mut previous = [1; 32];
        (0..count)
            .map(|number| {
                let block = Block {
                    number,
                    previous,
                    x: vec![number as f64, 0.5],
                    contributors: if number == 0 { Vec::new() } else { vec![0, 3] },
                    movements: [number as u8; 32],
                };
                previous = block.digest();
                block
            })
            .collect()
    }

    fn followed(blocks: &[Block]) -> Result<u64, ChainError> {
        let mut chain = Chain::new(Some([1; 32]));
        for block in blocks {
            chain.follow_line(block.line().unwrap().trim_end())?;
        }
        Ok(chain.blocks())
    }

    #[test]
    fn blocks_that_follow_each_other_are_a_chain() {
        assert_eq!(followed(&blocks(5)), Ok(5));
        assert_eq!(followed(&[]), Ok(0));
    }

    /// Each by one change.
    #[test]
    fn every_break_is_named() {
        let broken = |change: fn(&mut Vec<Block>)| {
            let mut blocks = blocks(4);
            change(&mut blocks);
            followed(&blocks).unwrap_err()
        };
        assert_eq!(
            broken(|b| b.swap(1, 2)),
            ChainError::Number {
                found: 2,
                expected: 1
            }
        );
        assert_eq!(
            broken(|b| drop(b.remove(0))),
            ChainError::Number {
                found: 1,
                expected: 0
            }
        );
        assert_eq!(broken(|b| b[2].x[0] = 9.0), ChainError::Previous(3));
        assert_eq!(broken(|b| b[0].previous = [2; 32]), ChainError::Previous(0));
        assert_eq!(
            broken(|b| b[3].x.truncate(1)),
            ChainError::Length {
                number: 3,
                found: 1,
                expected: 2
            }
        );
        assert_eq!(
            broken(|b| b[3].contributors = vec![3, 3]),
            ChainError::Contributors {
                number: 3,
                client: 3,
                before: 3
            }
        );
        assert_eq!(broken(|b| b[3].contributors.clear()), ChainError::Nobody(3));
        assert_eq!(broken(|b| b[0].contributors.push(1)), ChainError::Nobody(0));
    }

    /// Of two chains with the same beginning each is one; neither follows the other.
    #[test]
    fn a_fork_is_another_chain() {
        let first = blocks(4);
        let mut second = first[..3].to_vec();
        let mut other = first[3].clone();
        other.x[0] = 7.0;
        second.push(other);
        assert_eq!((followed(&first), followed(&second)), (Ok(4), Ok(4)));
        second.push(blocks(5)[4].clone());
        assert_eq!(followed(&second), Err(ChainError::Previous(4)));
    }
}
