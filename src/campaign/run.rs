//! The campaign itself: witness, edge cases, random cases, adversarial searches and real data, for each claim.

use rayon::prelude::*;

use crate::campaign::{ClaimRecord, real_cases};
use crate::claims::{Case, CheckError, Claim, Origin, Verdict, proof_of};
use crate::instance::Instance;
use crate::instance::files::parse_instance;
use crate::instance::sample;

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
type Decided = Result<(Case, Verdict), String>;

/// One piece of work, small enough to be shared among threads.
enum Unit<'a> {
    Ready(Case),
    Random(usize),
    Attack(usize),
    Unreadable(&'a str, String),
}

/// Runs every claim and returns one record each, in the plan's order. The result depends on the plan alone.
pub fn run(plan: &Plan<'_>, progress: Progress<'_>) -> Vec<ClaimRecord> {
    let units: Vec<(usize, Unit<'_>)> = plan
        .claims
        .iter()
        .enumerate()
        .flat_map(|(index, claim)| {
            units(plan, claim)
                .into_iter()
                .map(move |unit| (index, unit))
        })
        .collect();
    let decide_all = || -> Vec<(usize, Decided)> {
        units
            .into_par_iter()
            .with_max_len(1)
            .map(|(index, unit)| {
                let outcome = decide(plan, plan.claims[index], unit);
                progress();
                (index, outcome)
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
            Ok(instance) => Unit::Ready(Case::new(Origin::Witness, instance, plan.seed)),
            Err(error) => Unit::Unreadable("recorded witness", error.to_string()),
        });
    }
    if let Some(instances) = &plan.only {
        units.extend(instances.iter().map(|(name, instance)| {
            Unit::Ready(Case::new(
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
        Ok(cases) => units.extend(cases.into_iter().map(Unit::Ready)),
        Err(error) => units.push(Unit::Unreadable("edge cases", error.to_string())),
    }
    units.extend(
        real_cases(claim.real_rows, plan.seed)
            .into_iter()
            .map(|made| match made {
                Ok(case) => Unit::Ready(case),
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

fn decide(plan: &Plan<'_>, claim: &Claim, unit: Unit<'_>) -> Decided {
    let made = match unit {
        Unit::Ready(case) => Ok(case),
        Unit::Random(index) => {
            let mut rng = sample::stream(plan.seed, claim.id, index as u64);
            claim.family.draw(index, &mut rng)
        }
        Unit::Attack(index) => match claim.attack {
            Some((attack, _)) => {
                let label = format!("{}/attack", claim.id);
                attack(&mut sample::stream(plan.seed, &label, index as u64)).map(|case| Case {
                    origin: Origin::Attack(index),
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
