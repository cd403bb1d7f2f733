//! The work of a campaign, numbered: what there is to decide, and which piece has which number.

use crate::campaign::Shard;
use crate::campaign::plan::{Decided, Plan};
use crate::claims::{AnyCase, CheckError, Claim, Origin};
use crate::instance::sample;
use crate::system::parse;

/// One piece of work, small enough to be shared among threads.
enum Unit<'a> {
    Ready(Box<AnyCase>),
    Random(usize),
    Attack(usize),
    Unreadable(&'a str, String),
}

impl Unit<'_> {
    fn ready(case: AnyCase) -> Self {
        Self::Ready(Box::new(case))
    }
}

/// The work of one claim. Only what must be made beforehand is held; the rest is numbered, however much it is.
struct Units<'a> {
    ready: Vec<Unit<'a>>,
    random: usize,
    attacks: usize,
}

impl<'a> Units<'a> {
    fn len(&self) -> usize {
        self.ready
            .len()
            .saturating_add(self.random)
            .saturating_add(self.attacks)
    }

    /// Unit `index < len()`: those made beforehand, then random cases, then searches.
    fn with<T>(&self, index: usize, work: impl FnOnce(&Unit<'a>) -> T) -> T {
        match self.ready.get(index) {
            Some(unit) => work(unit),
            None if index - self.ready.len() < self.random => {
                work(&Unit::Random(index - self.ready.len()))
            }
            None => work(&Unit::Attack(index - self.ready.len() - self.random)),
        }
    }
}

/// All cases of a campaign, numbered from 0: those of the first claim, then those of the next.
pub(super) struct Agenda<'a> {
    plan: &'a Plan<'a>,
    work: Vec<Units<'a>>,
    /// The number of each claim's first case.
    starts: Vec<usize>,
    total: usize,
}

impl<'a> Agenda<'a> {
    pub(super) fn of(plan: &'a Plan<'a>) -> Self {
        let work: Vec<Units<'_>> = plan.claims.iter().map(|claim| units(plan, claim)).collect();
        let mut total = 0_usize;
        let mut starts = Vec::new();
        for units in &work {
            starts.push(total);
            total = total.saturating_add(units.len());
        }
        Self {
            plan,
            work,
            starts,
            total,
        }
    }

    /// How many cases there are.
    pub(super) fn total(&self) -> usize {
        self.total
    }

    /// The claim of case `at < total()`, by its place in the plan, and the unit of that claim: unit `at - starts[c]` of the
    /// last claim c with `starts[c] <= at`.
    pub(super) fn place(&self, at: usize) -> (usize, usize) {
        let claim = self.starts.partition_point(|start| *start <= at) - 1;
        (claim, at - self.starts[claim])
    }

    /// The place of the claim with this id.
    pub(super) fn claim(&self, id: &str) -> Result<usize, String> {
        self.plan
            .claims
            .iter()
            .position(|claim| claim.id == id)
            .ok_or_else(|| format!("no claim of this campaign is called \"{id}\""))
    }

    /// Whether this claim has a certificate, and the shard is to read it.
    pub(super) fn has_certificate(&self, claim: usize, shard: Shard) -> bool {
        self.plan.claims[claim].proof.is_some() && shard.owns(claim)
    }

    /// The number of this unit of this claim; `None` where the claim has no such unit.
    pub(super) fn number(&self, claim: usize, unit: usize) -> Option<usize> {
        (unit < self.work[claim].len()).then(|| self.starts[claim] + unit)
    }

    /// How many cases of this claim the shard has among those numbered `from` and above.
    pub(super) fn left(&self, claim: usize, shard: Shard, from: usize) -> usize {
        let start = self.starts[claim];
        let end = start.saturating_add(self.work[claim].len());
        shard.share(end) - shard.share(from.clamp(start, end))
    }

    /// Decides this unit of this claim.
    pub(super) fn decide(&self, claim: usize, unit: usize) -> Decided {
        self.work[claim].with(unit, |unit| {
            decide(self.plan, self.plan.claims[claim], unit)
        })
    }
}

impl Plan<'_> {
    /// How many cases this part of the plan has, for a progress bar.
    pub fn total(&self, shard: Shard) -> usize {
        shard.share(Agenda::of(self).total())
    }
}

fn units<'a>(plan: &Plan<'_>, claim: &'a Claim) -> Units<'a> {
    let mut units = Vec::new();
    if let Some(text) = claim.witness {
        units.push(match parse(text, claim.id.as_ref()) {
            Ok(posed) => Unit::ready(AnyCase::new(Origin::Witness, posed, plan.seed)),
            Err(error) => Unit::Unreadable("recorded witness", error.to_string()),
        });
    }
    if let Some(instances) = &plan.only {
        units.extend(instances.iter().map(|(name, posed)| {
            let origin = Origin::File(name.clone());
            Unit::ready(AnyCase::new(origin, posed.clone(), plan.seed))
        }));
        return Units {
            ready: units,
            random: 0,
            attacks: 0,
        };
    }
    match claim.edges(&mut sample::stream(
        plan.seed,
        &format!("{}/edges", claim.id),
        0,
    )) {
        Ok(cases) => units.extend(cases.into_iter().map(Unit::ready)),
        Err(error) => units.push(Unit::Unreadable("edge cases", error.to_string())),
    }
    units.extend(claim.real(plan.seed).into_iter().map(|made| match made {
        Ok(case) => Unit::ready(case),
        Err(error) => Unit::Unreadable("real data", error.to_string()),
    }));
    let cases = plan.cases.unwrap_or(claim.cases());
    Units {
        ready: units,
        random: cases,
        // Searches scale with the number of random cases, and never vanish.
        attacks: match claim.starts() {
            0 => 0,
            starts => starts
                .saturating_mul(cases)
                .div_ceil(claim.cases().max(1))
                .max(1),
        },
    }
}

fn decide(plan: &Plan<'_>, claim: &Claim, unit: &Unit<'_>) -> Decided {
    let made = match unit {
        Unit::Ready(case) => Ok(AnyCase::clone(case)),
        Unit::Random(index) => {
            let mut rng = sample::stream(plan.seed, claim.id, *index as u64);
            claim.draw(*index, &mut rng)
        }
        Unit::Attack(index) => {
            let label = format!("{}/attack", claim.id);
            let mut rng = sample::stream(plan.seed, &label, *index as u64);
            match claim.search(&mut rng) {
                Some(found) => found.map(|case| case.from_origin(Origin::Attack(*index))),
                None => Err(CheckError::Other("no search is defined".to_owned())),
            }
        }
        Unit::Unreadable(what, reason) => Err(CheckError::Other(format!("{what}: {reason}"))),
    };
    let case = made.map_err(|error| error.to_string())?;
    let verdict = claim.decide(&case);
    Ok((case, verdict))
}
