//! How likely an attacker's chain catches up.

use serde::Serialize;

use crate::production::chain::{CatchUp, CatchUpError, DIGITS};

/// What `attreg catch-up --json` prints.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CatchUpReport {
    /// q.
    pub share: f64,
    /// z.
    pub blocks: u64,
    /// The probability of catching up from z blocks, to 30 digits.
    pub probability: String,
    /// What Nakamoto's Poisson form says instead.
    pub poisson_form: String,
    /// The probability that is wanted, if one is.
    pub risk: Option<f64>,
    /// The least z with a smaller one.
    pub blocks_enough: Option<u64>,
    /// The least z by the Poisson form.
    pub blocks_by_poisson_form: Option<u64>,
}

impl CatchUpReport {
    /// For an attacker with the `share` q of the work who is `blocks` behind. Refuses what [`CatchUp`] refuses.
    pub fn new(share: f64, blocks: u64, risk: Option<f64>) -> Result<Self, CatchUpError> {
        let found = CatchUp::new(share, blocks)?;
        let least = match risk {
            Some(risk) => Some(CatchUp::least_blocks(share, risk)?),
            None => None,
        };
        Ok(Self {
            share,
            blocks: found.blocks,
            probability: found.exact.scientific(DIGITS),
            poisson_form: found.poisson.scientific(DIGITS),
            risk,
            blocks_enough: least.map(|[exact, _]| exact),
            blocks_by_poisson_form: least.map(|[_, poisson]| poisson),
        })
    }

    /// A row for each number that was not given.
    pub fn table(&self) -> Vec<(String, String)> {
        let mut rows = vec![
            ("probability".to_owned(), self.probability.clone()),
            (
                "by Nakamoto's Poisson form".to_owned(),
                self.poisson_form.clone(),
            ),
        ];
        let least = [
            ("blocks that are enough", self.blocks_enough),
            ("  by Nakamoto's form", self.blocks_by_poisson_form),
        ];
        for (name, blocks) in least {
            rows.extend(blocks.map(|blocks| (name.to_owned(), blocks.to_string())));
        }
        rows
    }
}
