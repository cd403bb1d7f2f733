//! A part of a campaign that a process of its own runs.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Part `index` of `count` (from 1): the pieces of work whose numbers leave the remainder `index - 1` when they are divided by
/// `count`. So each shard has some of every claim, dear or cheap. Written `2/3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Shard {
    count: usize,
    index: usize,
}

impl Shard {
    /// The whole campaign, `1/1`.
    pub const WHOLE: Self = Self { count: 1, index: 1 };

    /// Whether it is the whole campaign.
    pub fn is_whole(self) -> bool {
        self.count == 1
    }

    /// All shards of the campaign that this one is a part of, in order.
    pub(super) fn siblings(self) -> impl Iterator<Item = Self> {
        (1..=self.count).map(move |index| Self { index, ..self })
    }

    /// Whether both are parts of one division.
    pub(super) fn is_sibling(self, other: Self) -> bool {
        self.count == other.count
    }

    /// Whether piece `at` is one of this shard's.
    pub(super) fn owns(self, at: usize) -> bool {
        at % self.count == self.index - 1
    }

    /// How many of the pieces `0..end` are this shard's.
    pub(super) fn share(self, end: usize) -> usize {
        end / self.count + usize::from(end % self.count >= self.index)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.split_once('/')
            .and_then(|(index, count)| Some((index.parse().ok()?, count.parse().ok()?)))
            .filter(|(index, count)| (1..=*count).contains(index))
            .map(|(index, count)| Self { count, index })
            .ok_or_else(|| format!("\"{text}\" is not I/K with whole numbers 1 <= I <= K"))
    }
}

impl TryFrom<String> for Shard {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Shard> for String {
    fn from(shard: Shard) -> Self {
        shard.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_share_all_pieces_and_count_what_they_own() {
        for count in [1, 2, 3, 7] {
            let first: Shard = format!("1/{count}").parse().unwrap();
            for end in 0..30 {
                let owners: Vec<usize> = (0..end)
                    .map(|at| first.siblings().filter(|shard| shard.owns(at)).count())
                    .collect();
                assert!(owners.iter().all(|owners| *owners == 1), "{owners:?}");
                for shard in first.siblings() {
                    let owned = (0..end).filter(|at| shard.owns(*at)).count();
                    assert_eq!(shard.share(end), owned, "{shard} of {end}");
                }
            }
        }
    }

    #[test]
    fn only_parts_of_a_whole_are_read() {
        assert_eq!("2/3".parse::<Shard>().unwrap().to_string(), "2/3");
        for bad in [
            "", "1", "0/3", "4/3", "1/0", "-1/3", "1/2/3", "1.5/2", "a/b",
        ] {
            let refusal = bad.parse::<Shard>().unwrap_err();
            assert!(refusal.contains("1 <= I <= K"), "{bad}: {refusal}");
        }
    }
}
