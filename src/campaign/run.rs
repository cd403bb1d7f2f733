//! The campaign itself: witness, edge cases, random cases, adversarial searches and real data, for each claim.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use rayon::prelude::*;

use crate::campaign::agenda::Agenda;
use crate::campaign::plan::{Decided, Plan, Proven};
use crate::campaign::{ClaimRecord, Journal, Shard};
use crate::claims::Claim;
use crate::instance::InstanceError;

/// Told after every finished case to which claim it belongs; called from several threads.
pub type Progress<'a> = &'a (dyn Fn(&Claim) + Sync);

/// Does a piece of work, finds it done, or leaves it undone (`None`). Claims and units are named by their places in the plan.
trait Settle: Sync {
    /// One case.
    fn case(&self, claim: usize, unit: usize, decide: &dyn Fn() -> Decided) -> Option<Decided>;

    /// The certificate of a claim.
    fn certificate(&self, claim: usize, prove: &dyn Fn() -> Proven) -> Option<Proven>;
}

/// Does all.
struct Everything;

impl Settle for Everything {
    fn case(&self, _: usize, _: usize, decide: &dyn Fn() -> Decided) -> Option<Decided> {
        Some(decide())
    }

    fn certificate(&self, _: usize, prove: &dyn Fn() -> Proven) -> Option<Proven> {
        Some(prove())
    }
}

/// Does what a journal does not hold, and writes it there, until it is stopped.
struct Journalled<'a> {
    plan: &'a Plan<'a>,
    stop: &'a AtomicBool,
    journal: Option<&'a Journal>,
    /// The first line that could not be written.
    broken: OnceLock<InstanceError>,
}

impl Journalled<'_> {
    fn settle<T: Clone>(
        &self,
        known: impl FnOnce(&Journal) -> Option<&T>,
        work: &dyn Fn() -> T,
        record: impl FnOnce(&Journal, &T) -> Result<(), InstanceError>,
    ) -> Option<T> {
        if let Some(done) = self.journal.and_then(known) {
            return Some(done.clone());
        }
        if self.stop.load(Relaxed) || self.broken.get().is_some() {
            return None;
        }
        let done = work();
        if let Some(journal) = self.journal
            && let Err(error) = record(journal, &done)
        {
            // Another thread may have met the same full disk first; one report is enough.
            let _ = self.broken.set(error);
        }
        Some(done)
    }
}

impl Settle for Journalled<'_> {
    fn case(&self, claim: usize, unit: usize, decide: &dyn Fn() -> Decided) -> Option<Decided> {
        let id = self.plan.claims[claim].id;
        self.settle(
            |journal| journal.finished(claim, unit),
            decide,
            |journal, decided| journal.record(id, unit, decided),
        )
    }

    fn certificate(&self, claim: usize, prove: &dyn Fn() -> Proven) -> Option<Proven> {
        let id = self.plan.claims[claim].id;
        self.settle(
            |journal| journal.proven(claim),
            prove,
            |journal, proven| journal.record_certificate(id, proven),
        )
    }
}

/// Runs every claim and returns one record each, in the plan's order. The result depends on the plan alone.
pub fn run(plan: &Plan<'_>, progress: Progress<'_>) -> Vec<ClaimRecord> {
    run_shard(plan, Shard::WHOLE, progress, &Everything)
}

/// As [`run`], but nothing new is begun once `stop` is true: what is under way is finished, and the records say how much
/// was left undone ([`ClaimRecord::unfinished`]).
///
/// With a journal every finished case is written into it at once, and what it holds already is not done again; the records
/// are those of an undisturbed run. Where it is the journal of a shard, nothing else is done, and the records speak of the
/// shard alone. The error is the first line that could not be written: what was finished before stands
/// in the journal, and nothing more is begun.
pub fn run_until(
    plan: &Plan<'_>,
    progress: Progress<'_>,
    stop: &AtomicBool,
    journal: Option<&Journal>,
) -> Result<Vec<ClaimRecord>, InstanceError> {
    let settle = Journalled {
        plan,
        stop,
        journal,
        broken: OnceLock::new(),
    };
    let shard = journal.map_or(Shard::WHOLE, Journal::shard);
    let records = run_shard(plan, shard, progress, &settle);
    settle.broken.into_inner().map_or(Ok(records), Err)
}

/// How many cases are under way or wait for their record at a time: more than a run with each claim's own number has.
const BLOCK: usize = 1 << 14;

/// Runs what the shard has.
fn run_shard(
    plan: &Plan<'_>,
    shard: Shard,
    progress: Progress<'_>,
    settle: &impl Settle,
) -> Vec<ClaimRecord> {
    let agenda = Agenda::of(plan);
    let decide_all = || -> Vec<ClaimRecord> {
        let mut records: Vec<ClaimRecord> = plan
            .claims
            .iter()
            .map(|claim| ClaimRecord::new(claim))
            .collect();
        let mut begin = 0;
        while begin < agenda.total() {
            let end = agenda.total().min(begin.saturating_add(BLOCK));
            let outcomes: Vec<(usize, Option<Decided>)> = (begin..end)
                .into_par_iter()
                .with_max_len(1)
                .filter(|at| shard.owns(*at))
                .map(|at| {
                    let (claim, unit) = agenda.place(at);
                    let outcome = settle.case(claim, unit, &|| agenda.decide(claim, unit));
                    if outcome.is_some() {
                        progress(plan.claims[claim]);
                    }
                    (claim, outcome)
                })
                .collect();
            let stopped = !outcomes.is_empty() && outcomes.iter().all(|(_, out)| out.is_none());
            for (claim, outcome) in outcomes {
                match outcome {
                    Some(Ok((case, verdict))) => {
                        records[claim].add(plan.claims[claim], &case, verdict)
                    }
                    Some(Err(reason)) => records[claim].add_unmade(reason),
                    None => records[claim].unfinished += 1,
                }
            }
            begin = end;
            if stopped {
                // What is left is counted, not visited.
                for (claim, record) in records.iter_mut().enumerate() {
                    record.unfinished += agenda.left(claim, shard, begin);
                }
                break;
            }
        }
        records
    };
    let prove_all = || -> Vec<Certificate> {
        plan.claims
            .par_iter()
            .enumerate()
            .with_max_len(1)
            .map(|(at, claim)| match claim.proof {
                Some(proof) if agenda.has_certificate(at, shard) => settle
                    .certificate(at, &|| (proof.check)())
                    .map_or(Certificate::Unread, Certificate::Read),
                Some(_) | None => Certificate::Absent,
            })
            .collect()
    };
    let (mut records, certificates) = rayon::join(decide_all, prove_all);
    for (record, certificate) in records.iter_mut().zip(certificates) {
        match certificate {
            Certificate::Absent => {}
            Certificate::Unread => record.unfinished += 1,
            Certificate::Read(result) => record.proof = Some(result),
        }
        record.chosen = plan.only.is_some();
    }
    records
}

/// What became of a claim's certificate.
enum Certificate {
    /// There is none, or another shard has it.
    Absent,
    Unread,
    Read(Proven),
}
