//! One case that a claim is checked on: an instance, where it came from, and the strata that it belongs to.

use nalgebra::DVector;
use serde::{Deserialize, Serialize};

use crate::instance::Instance;
use crate::instance::sample::{self, Stream};
use crate::system::{Given, Posed};

/// Where a case came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
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
#[non_exhaustive]
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
    /// A quantity of another system, by name, in `(10^(k-1), 10^k]`.
    Decade(&'static str, i32),
    /// A kind of instance of another system, by name.
    Kind(&'static str),
}

impl Stratum {
    /// The quantity and its decade, of a stratum that is one of a row of decades.
    pub fn level(&self) -> Option<(&'static str, i32)> {
        match *self {
            Self::Condition(decade) => Some(("condition", decade as i32)),
            Self::Gap(decade) => Some(("gap", decade as i32)),
            Self::Decade(quantity, decade) => Some((quantity, decade)),
            Self::OneRow
            | Self::OneColumn
            | Self::Square
            | Self::SignedTarget
            | Self::RankDeficient
            | Self::Kind(_) => None,
        }
    }
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
            Self::Decade(quantity, decade) => write!(f, "{quantity} 1e{decade}"),
            Self::Kind(kind) => write!(f, "{kind}"),
        }
    }
}

/// An instance to check a claim on: a loss of logits, or the arrays of another system.
#[derive(Clone, Debug)]
pub struct Case<I = Instance> {
    /// Where it came from.
    pub origin: Origin,
    /// The instance; its first point is the claim's `x`, its second the claim's `y`.
    pub instance: I,
    /// Seed of whatever the check itself draws (a subsample, say).
    pub seed: u64,
}

impl<I> Case<I> {
    /// A case.
    pub fn new(origin: Origin, instance: I, seed: u64) -> Self {
        Self {
            origin,
            instance,
            seed,
        }
    }

    /// The same case, said to come from there.
    #[must_use]
    pub fn from_origin(self, origin: Origin) -> Self {
        Self { origin, ..self }
    }

    /// A random stream of the case's own, for one purpose.
    pub fn stream(&self, purpose: &str) -> Stream {
        sample::stream(self.seed, purpose, 0)
    }
}

/// A case of any system, as campaigns hold them.
#[derive(Clone, Debug)]
pub enum AnyCase {
    /// A loss of logits.
    Logit(Case),
    /// Any other system.
    Other(Case<Given>),
}

impl AnyCase {
    /// A case.
    pub fn new(origin: Origin, posed: Posed, seed: u64) -> Self {
        match posed {
            Posed::Logit(instance) => Self::Logit(Case::new(origin, instance, seed)),
            Posed::Other(given) => Self::Other(Case::new(origin, given, seed)),
        }
    }

    /// The same case, said to come from there.
    #[must_use]
    pub fn from_origin(self, origin: Origin) -> Self {
        match self {
            Self::Logit(case) => Self::Logit(case.from_origin(origin)),
            Self::Other(case) => Self::Other(case.from_origin(origin)),
        }
    }

    /// Where it came from.
    pub fn origin(&self) -> &Origin {
        match self {
            Self::Logit(case) => &case.origin,
            Self::Other(case) => &case.origin,
        }
    }

    /// Seed of whatever the check itself draws.
    pub fn seed(&self) -> u64 {
        match self {
            Self::Logit(case) => case.seed,
            Self::Other(case) => case.seed,
        }
    }

    /// The instance.
    pub fn posed(&self) -> Posed {
        match self {
            Self::Logit(case) => Posed::Logit(case.instance.clone()),
            Self::Other(case) => Posed::Other(case.instance.clone()),
        }
    }
}

impl From<Case> for AnyCase {
    fn from(case: Case) -> Self {
        Self::Logit(case)
    }
}

impl From<Case<Given>> for AnyCase {
    fn from(case: Case<Given>) -> Self {
        Self::Other(case)
    }
}

impl Case<Given> {
    /// Random case number `index`, with a seed of its own from the stream.
    pub(in crate::claims) fn random(index: usize, given: Given, rng: &mut Stream) -> Self {
        let seed = sample::integer(rng, 0, i64::MAX) as u64;
        Self::new(Origin::Random(index), given, seed)
    }
}

impl Case {
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

#[cfg(test)]
impl Case {
    /// The instance of a manifest, for tests whose values are computed by hand.
    pub(crate) fn of_text(manifest: &str, seed: u64) -> Self {
        let instance = crate::instance::files::parse_instance(manifest, "test".as_ref()).unwrap();
        Self::new(Origin::Witness, instance, seed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(manifest: &str) -> Case {
        Case::of_text(manifest, 7)
    }

    #[test]
    fn the_second_point_is_given_or_a_quarter_away_from_the_first() {
        let given = case(
            r#"{"loss": "softmax", "matrix": [[1, 0], [0, 1]], "target": [0, 0], "weights": 0,
                "points": [[3, -2], [5, 7]]}"#,
        );
        assert_eq!(given.y().as_slice(), [5.0, 7.0]);
        let drawn = case(
            r#"{"loss": "softmax", "matrix": [[1, 0], [0, 1]], "target": [0, 0], "weights": 0,
                "points": [[3, -2]]}"#,
        );
        let displacement = drawn.y() - drawn.x();
        assert!(displacement.amax() <= 0.25 && displacement.norm() > 0.0);
        // A quarter of 1024ths.
        assert!(
            displacement
                .iter()
                .all(|entry| (entry * 4096.0).fract() == 0.0)
        );
        assert_eq!(drawn.y(), drawn.y());
    }

    #[test]
    fn a_decade_ends_at_its_power_of_ten() {
        for (value, expected) in [
            (0.0, 0),
            (1.0, 0),
            (1.5, 1),
            (10.0, 1),
            (10.5, 2),
            (1000.0, 3),
            (1001.0, 4),
        ] {
            assert_eq!(decade(value), expected, "{value}");
        }
    }

    #[test]
    fn the_strata_are_those_found_by_hand() {
        use Stratum::{Condition, Gap, OneColumn, OneRow, RankDeficient, SignedTarget, Square};
        for (manifest, expected) in [
            (
                r#"{"loss": "softmax", "matrix": [[2]], "target": [-1], "weights": 0, "points": [[3]]}"#,
                vec![
                    Condition(0),
                    Gap(0),
                    OneRow,
                    OneColumn,
                    Square,
                    SignedTarget,
                ],
            ),
            // Logits 10 and 20: the gap is 10.
            (
                r#"{"loss": "softmax", "matrix": [[1], [2]], "target": [0, -0.5], "weights": 0, "points": [[10]]}"#,
                vec![Condition(0), Gap(1), OneColumn, SignedTarget],
            ),
            // Singular values 100 and 1, logits 50, 0, 0.
            (
                r#"{"loss": "softmax", "matrix": [[100, 0], [0, 1], [0, 0]], "target": [1, 0, 0], "weights": 0,
                    "points": [[0.5, 0]]}"#,
                vec![Condition(2), Gap(2)],
            ),
            // The second row is twice the first.
            (
                r#"{"loss": "softmax", "matrix": [[1, 1], [2, 2]], "target": [0, 0], "weights": 0, "points": [[0, 0]]}"#,
                vec![RankDeficient, Gap(0), Square],
            ),
            // More columns than rows.
            (
                r#"{"loss": "softmax", "matrix": [[3, 4]], "target": [1], "weights": 0, "points": [[0, 0]]}"#,
                vec![RankDeficient, Gap(0), OneRow],
            ),
            // 1e-14 is small, but 1e-11 of the largest singular value: full rank, condition 1e11.
            (
                r#"{"loss": "softmax", "matrix": [[1e-3, 0], [0, 1e-14]], "target": [0, 0], "weights": 0,
                    "points": [[0, 0]]}"#,
                vec![Condition(11), Gap(0), Square],
            ),
        ] {
            assert_eq!(case(manifest).strata(), expected, "{manifest}");
        }
    }
}
