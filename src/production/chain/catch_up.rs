//! Whether an attacker catches up.
//!
//! Blocks come to the attacker with probability q and to the honest with `p = 1 - q`. Once the honest chain has z blocks more, the
//! attacker has k with probability `C(k + z - 1, k) p^z q^k`, and makes up what is missing with probability `(q / p)^(z - k)`:
//!
//! ```text
//! P = sum_(k < z) C(k + z - 1, k) p^k q^z + sum_(k >= z) C(k + z - 1, k) p^z q^k  =  I_(4 p q)(z, 1/2)
//! ```
//!
//! (Grunspan, Perez-Marco, arXiv 1702.02867). All terms are positive, so that nothing cancels however small P is. Nakamoto's form puts a
//! Poisson variable in the place of k and is too small.

use crate::scalar::High;

/// Digits of a probability: 40 less what so many positive terms lose.
pub const DIGITS: usize = 30;
/// Confirmations that are counted at most.
pub const MOST_BLOCKS: u64 = 100_000;

/// What a question about a race refuses.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CatchUpError {
    /// A share that is none.
    #[error("share is {0}: must be from 0 to 1")]
    Share(f64),
    /// A risk that is none.
    #[error("risk is {0}: must be above 0 and below 1")]
    Risk(f64),
    /// More confirmations than are counted.
    #[error("blocks is {0}: at most 100000 are counted")]
    Blocks(u64),
    /// No number of confirmations that is counted is enough.
    #[error("no number of blocks up to 100000 has a risk below {0}")]
    Never(f64),
}

/// The probability that an attacker with the share q of the work, from 0 to 1, catches up from z blocks, to [`DIGITS`] digits; z up to
/// 100,000, for whose roundings there is room. 1 for `z = 0` and from `q = 1/2` on, 0 for `q = 0` otherwise.
pub fn catch_up(share: High, blocks: u64) -> High {
    let q = share;
    let p = High::ONE - q;
    if blocks == 0 || q >= p {
        return High::ONE;
    }
    if q.is_zero() {
        return High::ZERO;
    }
    let z = High::int(blocks as i64);
    // C(k + z - 1, k) p^k q^z from k = 0, and with p^z q^k from k = z.
    let mut term = q.powi(blocks as i64);
    let (mut sum, mut k) = (High::ZERO, High::ZERO);
    for _ in 0..blocks {
        sum += term;
        term = term * p * (k + z) / (k + High::ONE);
        k += High::ONE;
    }
    // At k = z both kinds of term are the same. Their ratio falls towards q < 1/2: a few times z terms are enough.
    loop {
        sum += term;
        let ratio = q * (k + z) / (k + High::ONE);
        term *= ratio;
        k += High::ONE;
        // The ratios fall, so a geometric series bounds what is left.
        if ratio < High::ONE && term / (High::ONE - ratio) < sum.shifted(-(DIGITS as i64) - 6) {
            return sum;
        }
    }
}

/// Nakamoto's form of the same probability, at 40 digits: `1 - sum_(k <= z) e^-l l^k / k! (1 - (q / p)^(z - k))`, `l = z q / p`. Written as
/// `sum_(k <= z) e^-l l^k / k! (q / p)^(z - k) + sum_(k > z) e^-l l^k / k!`, so that nothing cancels.
pub fn poisson_form(share: High, blocks: u64) -> High {
    let q = share;
    let p = High::ONE - q;
    if blocks == 0 || q >= p {
        return High::ONE;
    }
    let ratio = q / p;
    let mean = ratio * High::int(blocks as i64);
    let mut weight = (-mean).exp();
    let mut sum = High::ZERO;
    for k in 0..=blocks {
        sum += weight * ratio.powi((blocks - k) as i64);
        weight = weight * mean / High::int(k as i64 + 1);
    }
    let mut k = blocks as i64 + 1;
    while weight > sum.shifted(-(DIGITS as i64) - 6) {
        sum += weight;
        k += 1;
        weight = weight * mean / High::int(k);
    }
    sum
}

/// Probabilities of one race.
#[derive(Clone, Copy, Debug)]
pub struct CatchUp {
    /// Confirmations z.
    pub blocks: u64,
    /// The probability that the attacker catches up.
    pub exact: High,
    /// Nakamoto's Poisson form.
    pub poisson: High,
}

impl CatchUp {
    /// For a share q from 0 to 1 and z confirmations.
    pub fn new(share: f64, blocks: u64) -> Result<Self, CatchUpError> {
        let q = checked(share)?;
        if blocks > MOST_BLOCKS {
            return Err(CatchUpError::Blocks(blocks));
        }
        Ok(Self {
            blocks,
            exact: catch_up(q, blocks),
            poisson: poisson_form(q, blocks),
        })
    }

    /// The least numbers of confirmations with a probability below `risk`, by the exact form and by Nakamoto's.
    pub fn least_blocks(share: f64, risk: f64) -> Result<[u64; 2], CatchUpError> {
        let q = checked(share)?;
        if !(risk > 0.0 && risk < 1.0) {
            return Err(CatchUpError::Risk(risk));
        }
        let wanted = High::lift(risk).map_err(|_| CatchUpError::Risk(risk))?;
        let least = |form: fn(High, u64) -> High| {
            let enough = |blocks: &u64| form(q, *blocks) < wanted;
            // Both fall with z: double, then halve what is between.
            let mut high = std::iter::successors(Some(1), |z| Some(2 * z))
                .take_while(|z| *z <= MOST_BLOCKS)
                .find(enough)
                .ok_or(CatchUpError::Never(risk))?;
            let mut low = high / 2;
            while high - low > 1 {
                let middle = low + (high - low) / 2;
                if enough(&middle) {
                    high = middle;
                } else {
                    low = middle;
                }
            }
            Ok(high)
        };
        Ok([least(catch_up)?, least(poisson_form)?])
    }
}

/// A share as a number of 40 digits.
fn checked(share: f64) -> Result<High, CatchUpError> {
    if !(0.0..=1.0).contains(&share) {
        return Err(CatchUpError::Share(share));
    }
    High::lift(share).map_err(|_| CatchUpError::Share(share))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// mpmath at 300 digits: betainc(z, 1/2, 0, 4 q (1 - q), regularized=True) for the f64 q, and Nakamoto's sum.
    #[test]
    fn probabilities_are_those_of_mpmath() {
        for (q, z, exact, poisson) in [
            (
                0.1,
                5,
                "0.001781840000000000458902915667636125175844",
                "0.0009136821879277743921375651277676819534636",
            ),
            (
                0.1,
                6,
                "0.0005914121600000001817255546043839100530984",
                "0.0002428027453628862456705343933637006128412",
            ),
            (
                0.25,
                6,
                "0.0686550140380859375",
                "0.04994259877683249377677391567738520867093",
            ),
            (
                0.3,
                10,
                "0.06510671376260189570769868237592814140032",
                "0.04166047996897930553401444892988631903932",
            ),
            (
                0.4,
                133,
                "0.0009942045541626983825418890838724049577558",
                "0.0000400898189125781670812443144574047857628",
            ),
            (
                0.125,
                1,
                "0.25",
                "0.2569618002141300335689150200729120886887",
            ),
            (
                0.49,
                40,
                "0.8584519119161701289510061105702418918176",
                "0.885433030678809815430415514315980657522",
            ),
            (
                0.001,
                30,
                "1.14990167377413532275524426825587829095e-73",
                "5.860609100040629487791486438551468314798e-78",
            ),
            // Terms that fall slowly: what is left of a series is many times its next term.
            (
                0.4999,
                2000,
                "0.989908369651640502711049767788638486450148",
                "0.992784674056748446191963779071103124106348",
            ),
            (
                0.45,
                1000,
                "0.00000736639773801515655937972859277423330173384",
                "3.65942223594281320547135178581068125037871e-9",
            ),
        ] {
            let found = CatchUp::new(q, z).unwrap();
            for (ours, theirs) in [(found.exact, exact), (found.poisson, poisson)] {
                let theirs = High::parse(theirs).unwrap();
                let off = (ours - theirs).abs();
                assert!(off <= theirs.shifted(-(DIGITS as i64)), "{q} {z}: {ours:?}");
            }
        }
    }

    #[test]
    fn the_ends_are_what_they_must_be() {
        for (q, z, exact) in [
            (0.0, 1, 0.0),
            (0.0, 0, 1.0),
            (0.5, 7, 1.0),
            (0.9, 3, 1.0),
            (1.0, 0, 1.0),
            (0.25, 0, 1.0),
        ] {
            let found = CatchUp::new(q, z).unwrap();
            assert_eq!(
                (found.exact.to_f64(), found.poisson.to_f64()),
                (exact, exact),
                "{q} {z}"
            );
        }
        for share in [-0.1, 1.5, f64::NAN] {
            assert!(matches!(
                CatchUp::new(share, 1),
                Err(CatchUpError::Share(_))
            ));
        }
        assert_eq!(
            CatchUp::new(0.1, 100_001).unwrap_err(),
            CatchUpError::Blocks(100_001)
        );
    }

    /// The table of the least z for a risk of 0.1 %, by scipy's betainc and Nakamoto's sum.
    #[test]
    fn the_least_confirmations_are_those_of_another_program() {
        for (q, least) in [
            (0.1, [6, 5]),
            (0.2, [13, 11]),
            (0.3, [32, 24]),
            (0.4, [133, 89]),
        ] {
            assert_eq!(CatchUp::least_blocks(q, 1e-3), Ok(least), "{q}");
        }
        assert_eq!(
            CatchUp::least_blocks(0.5, 1e-3),
            Err(CatchUpError::Never(1e-3))
        );
        assert_eq!(
            CatchUp::least_blocks(0.1, 0.0),
            Err(CatchUpError::Risk(0.0))
        );
    }
}
