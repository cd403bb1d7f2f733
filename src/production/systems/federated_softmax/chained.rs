//! Rounds one by one, for a chain of blocks.

use nalgebra::DVector;

use super::KEY;
use super::maker::Maker;
use super::rounds::{ALL, FEDAVG};
use crate::production::EvaluationError;
use crate::production::chain::{Block, Digest, digest_of, digest_of_text};
use crate::production::systems::error::{Refusal, SystemError};
use crate::production::systems::method::Method;
use crate::system::{Given, render};

/// Rounds of a federated problem that are made one after the other, each a block of a chain.
///
/// The same problem, method and seed make the same bits on one machine, whatever the number of threads: whoever has the clients can make a
/// block again and compare digests. Another machine may round exponentials otherwise.
pub struct ChainedRounds {
    maker: Maker,
    terms: Digest,
    start: Vec<f64>,
}

impl ChainedRounds {
    /// By a method that makes rounds, `fedavg` for the word `auto`. Refuses another system, other methods, and what they refuse.
    pub fn new(given: &Given, method: &str, seed: u64) -> Result<Self, SystemError> {
        let known = || {
            let names: Vec<&str> = ALL.iter().map(|rounds| rounds.name()).collect();
            names.join(", ")
        };
        let rounds = match method {
            "auto" => &FEDAVG,
            name => ALL
                .into_iter()
                .find(|rounds| rounds.name() == name)
                .ok_or_else(|| SystemError::NoRounds {
                    method: name.to_owned(),
                    known: known(),
                })?,
        };
        if given.system().key != KEY {
            return Err(Refusal::System { solves: KEY }.into());
        }
        rounds.takes(given)?;
        let terms = format!("{}\n{seed}\n{}", rounds.name(), render(given));
        Ok(Self {
            maker: rounds.maker(given, seed)?,
            terms: digest_of_text(&terms),
            start: given.start(),
        })
    }

    /// The digest of method, seed and manifest, which the first block follows.
    pub fn terms(&self) -> Digest {
        self.terms
    }

    /// The first block: the start, which nobody contributed to.
    pub fn first(&self) -> Block {
        Block {
            number: 0,
            previous: self.terms,
            x: self.start.clone(),
            contributors: Vec::new(),
            movements: digest_of(&[]),
        }
    }

    /// The block after this one, whose digest is given. An error where a gradient is beyond the range of f64, or x has another length.
    pub fn after(&self, block: &Block, digest: Digest) -> Result<Block, EvaluationError> {
        let x = DVector::from_column_slice(&block.x);
        let made = self.maker.make(&x, block.number as usize)?;
        let sent: Vec<f64> = made
            .differences
            .iter()
            .flat_map(|difference| difference.iter().copied())
            .collect();
        if let Some(index) = made.x.iter().position(|entry| !entry.is_finite()) {
            return Err(EvaluationError::Overflow {
                quantity: "next x",
                index,
                value: made.x[index],
            });
        }
        Ok(Block {
            number: block.number + 1,
            previous: digest,
            x: made.x.as_slice().to_vec(),
            contributors: made.contributors.iter().map(|c| *c as u32).collect(),
            movements: digest_of(&sent),
        })
    }

    /// The mean of the losses at the x of a block.
    pub fn loss(&self, block: &Block) -> Result<f64, EvaluationError> {
        let federation = &self.maker.federation;
        let x = DVector::from_column_slice(&block.x);
        Ok(federation.sum.value(&x)? / federation.count())
    }
}
