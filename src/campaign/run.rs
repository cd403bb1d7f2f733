//! The campaign itself: witness, edge cases, random cases, adversarial searches and real data, for each claim.

use std::sync::OnceLock;

use rayon::prelude::*;

use crate::campaign::{ClaimRecord, Journal, real_cases};
use crate::claims::{Case, CheckError, Claim, Origin, Verdict, proof_of};
use crate::instance::files::parse_instance;
use crate::instance::sample;
use crate::instance::{Instance, InstanceError};

/// What to run.
pub struct Plan<'a> {
    /// The claims.
    pub claims: Vec<&'a Claim>,
    /// Seed of every random choice.
    pub seed: u64,
    /// Random cases for each claim; `None` for each claim's own number.
    pub cases: Option<usize>,
    /// Check these instances and nothing else, each with its name.
    pub only: Option<Vec<(String, Instance)>>,
}

/// Told after every finished case; called from several threads.
pub type Progress<'a> = &'a (dyn Fn() + Sync);

/// A decided case, or why it could not be made.
pub(super) type Decided = Result<(Case, Verdict), String>;

/// One piece of work, small enough to be shared among threads.
enum Unit<'a> {
    Ready(Box<Case>),
    Random(usize),
    Attack(usize),
    Unreadable(&'a str, String),
}

impl Unit<'_> {
    fn ready(case: Case) -> Self {
        Self::Ready(Box::new(case))
    }
}

/// Runs every claim and returns one record each, in the plan's order. The result depends on the plan alone.
pub fn run(plan: &Plan<'_>, progress: Progress<'_>) -> Vec<ClaimRecord> {
    run_units(plan, progress, |_, _, decide| decide())
}

/// As [`run`], and every finished case is written into the journal at once; what the journal holds already is not done
/// again. The records are those of an undisturbed run. The error is the first line that could not be written: finished
/// cases stand in the journal, the others are not begun any more.
pub fn run_with_journal(
    plan: &Plan<'_>,
    progress: Progress<'_>,
    journal: &Journal,
) -> Result<Vec<ClaimRecord>, InstanceError> {
    let broken: OnceLock<InstanceError> = OnceLock::new();
    let records = run_units(plan, progress, |claim, unit, decide| {
        if let Some(decided) = journal.finished(claim, unit) {
            return decided.clone();
        }
        if broken.get().is_some() {
            return Err("the journal cannot be written".to_owned());
        }
        let decided = decide();
        if let Err(error) = journal.record(plan.claims[claim].id, unit, &decided) {
            // Another thread may have met the same full disk first; one report is enough.
            let _ = broken.set(error);
        }
        decided
    });
    broken.into_inner().map_or(Ok(records), Err)
}

/// Runs every unit through `settle`, which is given the claim's place, the unit's place in the claim, and the work.
fn run_units(
    plan: &Plan<'_>,
    progress: Progress<'_>,
    settle: impl Fn(usize, usize, &dyn Fn() -> Decided) -> Decided + Sync,
) -> Vec<ClaimRecord> {
    let all: Vec<(usize, usize, Unit<'_>)> = plan
        .claims
        .iter()
        .enumerate()
        .flat_map(|(claim, stated)| {
            units(plan, stated)
                .into_iter()
                .enumerate()
                .map(move |(unit, work)| (claim, unit, work))
        })
        .collect();
    let decide_all = || -> Vec<(usize, Decided)> {
        all.par_iter()
            .with_max_len(1)
            .map(|(claim, unit, work)| {
                let outcome = settle(*claim, *unit, &|| decide(plan, plan.claims[*claim], work));
                progress();
                (*claim, outcome)
            })
            .collect()
    };
    let prove_all = || -> Vec<Option<Result<String, String>>> {
        plan.claims
            .par_iter()
            .with_max_len(1)
            .map(|claim| proof_of(claim.id).map(|proof| (proof.check)()))
            .collect()
    };
    let (outcomes, proofs) = rayon::join(decide_all, prove_all);
    let mut records: Vec<ClaimRecord> = plan
        .claims
        .iter()
        .map(|claim| ClaimRecord::new(claim))
        .collect();
    for (index, outcome) in outcomes {
        match outcome {
            Ok((case, verdict)) => records[index].add(&case, verdict),
            Err(reason) => records[index].add_unmade(reason),
        }
    }
    for (record, proof) in records.iter_mut().zip(proofs) {
        record.proof = proof;
        record.chosen = plan.only.is_some();
    }
    records
}

impl Plan<'_> {
    /// How many cases the plan has, for a progress bar.
    pub fn total(&self) -> usize {
        self.claims
            .iter()
            .map(|claim| units(self, claim).len())
            .sum()
    }
}

fn units<'a>(plan: &Plan<'_>, claim: &'a Claim) -> Vec<Unit<'a>> {
    let mut units = Vec::new();
    if let Some(text) = claim.witness {
        units.push(match parse_instance(text, claim.id.as_ref()) {
            Ok(instance) => Unit::ready(Case::new(Origin::Witness, instance, plan.seed)),
            Err(error) => Unit::Unreadable("recorded witness", error.to_string()),
        });
    }
    if let Some(instances) = &plan.only {
        units.extend(instances.iter().map(|(name, instance)| {
            Unit::ready(Case::new(
                Origin::File(name.clone()),
                instance.clone(),
                plan.seed,
            ))
        }));
        return units;
    }
    match claim.family.edges(&mut sample::stream(
        plan.seed,
        &format!("{}/edges", claim.id),
        0,
    )) {
        Ok(cases) => units.extend(cases.into_iter().map(Unit::ready)),
        Err(error) => units.push(Unit::Unreadable("edge cases", error.to_string())),
    }
    units.extend(
        real_cases(claim.real_rows, plan.seed)
            .into_iter()
            .map(|made| match made {
                Ok(case) => Unit::ready(case),
                Err(error) => Unit::Unreadable("real data", error.to_string()),
            }),
    );
    let cases = plan.cases.unwrap_or(claim.family.cases);
    units.extend((0..cases).map(Unit::Random));
    if let Some((_, starts)) = claim.attack {
        // Searches scale with the number of random cases, and never vanish.
        let scaled = (starts * cases).div_ceil(claim.family.cases.max(1)).max(1);
        units.extend((0..scaled).map(Unit::Attack));
    }
    units
}

fn decide(plan: &Plan<'_>, claim: &Claim, unit: &Unit<'_>) -> Decided {
    let made = match unit {
        Unit::Ready(case) => Ok(Case::clone(case)),
        Unit::Random(index) => {
            let mut rng = sample::stream(plan.seed, claim.id, *index as u64);
            claim.family.draw(*index, &mut rng)
        }
        Unit::Attack(index) => match claim.attack {
            Some((attack, _)) => {
                let label = format!("{}/attack", claim.id);
                attack(&mut sample::stream(plan.seed, &label, *index as u64)).map(|case| Case {
                    origin: Origin::Attack(*index),
                    ..case
                })
            }
            None => Err(CheckError::Other("no search is defined".to_owned())),
        },
        Unit::Unreadable(what, reason) => Err(CheckError::Other(format!("{what}: {reason}"))),
    };
    let case = made.map_err(|error| error.to_string())?;
    let verdict =
        (claim.check)(&case).unwrap_or_else(|error| Verdict::Undecided(error.to_string()));
    Ok((case, verdict))
}
