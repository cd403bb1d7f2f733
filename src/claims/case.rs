//! One case that a claim is checked on: an instance, where it came from, and the strata that it belongs to.

use nalgebra::DVector;
use serde::{Deserialize, Serialize};

use crate::instance::Instance;
use crate::instance::sample::{self, Stream};

/// Where a case came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// The recorded witness of a false claim.
    Witness,
    /// The hand list of edge cases.
    Edge(usize),
    /// Drawn at random, by index.
    Random(usize),
    /// Found by an adversarial search, by index of its start.
    Attack(usize),
    /// Real data that ships with the program, by name.
    Real(String),
    /// A file given by the user.
    File(String),
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Witness => write!(f, "witness"),
            Self::Edge(index) => write!(f, "edge {index}"),
            Self::Random(index) => write!(f, "random {index}"),
            Self::Attack(index) => write!(f, "attack {index}"),
            Self::Real(name) => write!(f, "real {name}"),
            Self::File(name) => write!(f, "file {name}"),
        }
    }
}

/// A kind of case that a claim must not be silent about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stratum {
    /// Condition number of A in `(10^(k-1), 10^k]`; decade 0 is a condition number of 1 (within 1 %).
    Condition(u32),
    /// Logit gap `max z - min z` in `(10^(k-1), 10^k]` at the case's point; decade 0 is a gap up to 1.
    Gap(u32),
    /// n = 1.
    OneRow,
    /// d = 1.
    OneColumn,
    /// n = d.
    Square,
    /// The target has a negative entry.
    SignedTarget,
    /// A has not full column rank (smallest singular value below 1e-12 of the largest).
    RankDeficient,
}

impl std::fmt::Display for Stratum {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Condition(decade) => write!(f, "condition 1e{decade}"),
            Self::Gap(decade) => write!(f, "gap 1e{decade}"),
            Self::OneRow => write!(f, "n=1"),
            Self::OneColumn => write!(f, "d=1"),
            Self::Square => write!(f, "n=d"),
            Self::SignedTarget => write!(f, "signed b"),
            Self::RankDeficient => write!(f, "rank deficient"),
        }
    }
}

/// An instance to check a claim on.
#[derive(Clone, Debug)]
pub struct Case {
    /// Where it came from.
    pub origin: Origin,
    /// The instance; its first point is the claim's `x`, its second the claim's `y`.
    pub instance: Instance,
    /// Seed of whatever the check itself draws (a subsample, say).
    pub seed: u64,
}

impl Case {
    /// A case.
    pub fn new(origin: Origin, instance: Instance, seed: u64) -> Self {
        Self {
            origin,
            instance,
            seed,
        }
    }

    /// The claim's `x` (d): the instance's first point, or the origin.
    pub fn x(&self) -> DVector<f64> {
        self.instance.start()
    }

    /// The claim's `y` (d): the instance's second point, or `x` plus a dyadic displacement of length about 1/4 drawn
    /// from the case's seed.
    pub fn y(&self) -> DVector<f64> {
        self.instance.points().get(1).cloned().unwrap_or_else(|| {
            let displacement =
                sample::dyadic_vector(&mut self.stream("y"), self.instance.columns(), 1);
            self.x() + displacement * 0.25
        })
    }

    /// A random stream of the case's own, for one purpose.
    pub fn stream(&self, purpose: &str) -> Stream {
        sample::stream(self.seed, purpose, 0)
    }

    /// The strata the case belongs to, measured on the instance itself (f64 singular values and logits).
    pub fn strata(&self) -> Vec<Stratum> {
        let instance = &self.instance;
        let mut strata = Vec::new();
        let singular = instance.matrix().to_dense().singular_values();
        let largest = singular.max();
        let smallest = singular.min();
        let deficient =
            instance.rows() < instance.columns() || smallest <= RANK_TOLERANCE * largest;
        if deficient {
            strata.push(Stratum::RankDeficient);
        } else {
            strata.push(Stratum::Condition(decade(largest / smallest / 1.01)));
        }
        let logits = instance.matrix().multiply(&self.x());
        strata.push(Stratum::Gap(decade(logits.max() - logits.min())));
        if instance.rows() == 1 {
            strata.push(Stratum::OneRow);
        }
        if instance.columns() == 1 {
            strata.push(Stratum::OneColumn);
        }
        if instance.rows() == instance.columns() {
            strata.push(Stratum::Square);
        }
        if instance.target().iter().any(|entry| *entry < 0.0) {
            strata.push(Stratum::SignedTarget);
        }
        strata
    }
}

/// Relative size below which a singular value counts as zero when a case is put in its stratum (no verdict uses it).
const RANK_TOLERANCE: f64 = 1e-12;

/// The k with `10^(k-1) < value <= 10^k`, at least 0.
fn decade(value: f64) -> u32 {
    let mut decade = 0;
    let mut limit = 1.0;
    while value > limit {
        decade += 1;
        limit *= 10.0;
    }
    decade
}
