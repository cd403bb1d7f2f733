//! One block: a common x, and who contributed to it.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::digest::Digest;

/// A block of a chain of gradients.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// Its place: 0 for the first, which nobody contributed to.
    pub number: u64,
    /// The digest of the block before it; of the first block the digest of the terms, what is minimised and how.
    pub previous: Digest,
    /// The common x.
    pub x: Vec<f64>,
    /// Who contributed, in ascending order.
    pub contributors: Vec<u32>,
    /// The digest of what they sent, one after the other.
    pub movements: Digest,
}

/// A line of a chain's file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    number: u64,
    previous: String,
    x: Vec<f64>,
    contributors: Vec<u32>,
    movements: String,
    digest: String,
}

/// What a line of a chain's file is not.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum LineError {
    /// It is cut off, or is no block at all.
    #[error("is no whole block: {0}")]
    Broken(String),
    /// A digest is none.
    #[error("{0} is no digest of 64 hexadecimal digits")]
    Hexadecimal(&'static str),
    /// The digest is of another block.
    #[error("digest does not belong to the block: it was changed")]
    Changed,
}

impl LineError {
    /// What JSON says, without the number of a line that is the only one.
    fn broken(error: &serde_json::Error) -> Self {
        let text = error.to_string();
        let what = text.split(" at line ").next().unwrap_or_default();
        Self::Broken(format!("{what} at column {}", error.column()))
    }
}

/// As 64 hexadecimal digits.
pub fn hexadecimal(digest: &Digest) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    digest
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|half| char::from(DIGITS[usize::from(half)]))
        .collect()
}

fn parse(name: &'static str, text: &str) -> Result<Digest, LineError> {
    let mut digest = Digest::default();
    let half = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let halves: Option<Vec<u8>> = text.bytes().map(half).collect();
    let halves = halves.filter(|halves| halves.len() == 2 * digest.len());
    let halves = halves.ok_or(LineError::Hexadecimal(name))?;
    for (byte, two) in digest.iter_mut().zip(halves.chunks(2)) {
        *byte = two[0] << 4 | two[1];
    }
    Ok(digest)
}

impl Block {
    /// SHA-256 of number, previous digest, how many contributors, these, the digest of what they sent, and x: whole numbers and f64 with
    /// the least significant byte first.
    pub fn digest(&self) -> Digest {
        let mut hash = Sha256::new();
        hash.update(self.number.to_le_bytes());
        hash.update(self.previous);
        hash.update((self.contributors.len() as u64).to_le_bytes());
        for contributor in &self.contributors {
            hash.update(contributor.to_le_bytes());
        }
        hash.update(self.movements);
        for entry in &self.x {
            hash.update(entry.to_le_bytes());
        }
        hash.finalize().into()
    }

    /// The line of a file, with its end; x is read back with the same bits.
    pub fn line(&self) -> Result<String, serde_json::Error> {
        let line = Line {
            number: self.number,
            previous: hexadecimal(&self.previous),
            x: self.x.clone(),
            contributors: self.contributors.clone(),
            movements: hexadecimal(&self.movements),
            digest: hexadecimal(&self.digest()),
        };
        Ok(serde_json::to_string(&line)? + "\n")
    }

    /// The block of a line, and its digest.
    pub fn of_line(text: &str) -> Result<(Self, Digest), LineError> {
        let line: Line = serde_json::from_str(text).map_err(|error| LineError::broken(&error))?;
        let block = Self {
            number: line.number,
            previous: parse("previous", &line.previous)?,
            x: line.x,
            contributors: line.contributors,
            movements: parse("movements", &line.movements)?,
        };
        let digest = block.digest();
        if digest == parse("digest", &line.digest)? {
            Ok((block, digest))
        } else {
            Err(LineError::Changed)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block() -> Block {
        Block {
            number: 3,
            previous: [7; 32],
            x: vec![0.1, -0.0, 1e-310, -2.5e300],
            contributors: vec![0, 2],
            movements: [255; 32],
        }
    }

    /// By Python's hashlib over the same bytes.
    #[test]
    fn the_digest_is_that_of_another_program() {
        assert_eq!(
            hexadecimal(&block().digest()),
            "a2346190788e4bd58d60d445e3db604bffe798e4f2e2e9860b31cfdb7506a09b"
        );
    }

    #[test]
    fn a_line_reads_back_with_the_same_bits() {
        let (read, digest) = Block::of_line(block().line().unwrap().trim_end()).unwrap();
        assert_eq!(read, block());
        assert_eq!(digest, block().digest());
        assert!(read.x[1].is_sign_negative());
    }

    #[test]
    fn what_is_no_block_is_named() {
        let line = block().line().unwrap();
        let changed =
            |from: &str, to: &str| Block::of_line(&line.replacen(from, to, 1)).unwrap_err();
        for (from, to) in [
            ("0.1", "0.10000000000000002"),
            ("[0,2]", "[0,1]"),
            (":3", ":4"),
            ("-0.0", "0.0"),
            ("ff", "fe"),
        ] {
            assert_eq!(changed(from, to), LineError::Changed, "{from}");
        }
        assert_eq!(
            changed("\"previous\":\"07", "\"previous\":\"7"),
            LineError::Hexadecimal("previous")
        );
        assert_eq!(
            changed("\"movements\":\"ff", "\"movements\":\"FF"),
            LineError::Hexadecimal("movements")
        );
        for broken in [
            changed("[0,2]", "[-1]"),
            changed("0.1", "null"),
            changed("0.1", "1e999"),
            changed("}", ""),
        ] {
            assert!(matches!(broken, LineError::Broken(_)), "{broken}");
        }
    }
}
