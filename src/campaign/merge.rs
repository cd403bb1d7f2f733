//! Journals of all shards of a campaign become the records of one undisturbed run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use crate::campaign::agenda::Agenda;
use crate::campaign::journal::lines::{self, Finished, Header, Text, format};
use crate::campaign::{ClaimRecord, Journal, Plan, Shard, run_until};
use crate::claims::Claim;
use crate::instance::InstanceError;
use crate::system::parse;

/// A campaign whose shards are all finished.
pub struct Merged<'a> {
    /// What it was asked to do, as its journals say.
    pub plan: Plan<'a>,
    /// What it found out.
    pub records: Vec<ClaimRecord>,
}

/// Reads the journals of all shards of one campaign (a journal of a whole campaign is its only shard) and gives the records
/// that one run would have given. Nothing is computed again.
///
/// The error names the first journal that cannot be read, belongs to another campaign or to another version of the program,
/// holds a shard that another one holds, or is not finished; or the shards that are missing.
pub fn merge<'a>(paths: &[PathBuf], catalogue: &'a [Claim]) -> Result<Merged<'a>, InstanceError> {
    let texts: Vec<(&Path, Text)> = paths
        .iter()
        .map(|path| Ok((path.as_path(), lines::read(path)?)))
        .collect::<Result<_, InstanceError>>()?;
    let Some((first, head)) = texts.first() else {
        return Err(format(Path::new(""), "no journal was given".to_owned()));
    };
    let plan = plan(first, &head.header, catalogue)?;
    one_of_each(&texts)?;
    let agenda = Agenda::of(&plan);
    let mut finished = Finished::default();
    for (path, text) in &texts {
        let before = finished.cases.len() + finished.certificates.len();
        finished.add(text, &agenda, path)?;
        let found = finished.cases.len() + finished.certificates.len() - before;
        let shard = text.header.shard;
        let certificates = (0..plan.claims.len()).filter(|at| agenda.has_certificate(*at, shard));
        let all = shard.share(agenda.total()) + certificates.count();
        if found < all {
            return Err(format(
                path,
                format!(
                    "shard {shard} is not finished, {} of {all} cases and certificates are missing: go on with it with --resume",
                    all - found
                ),
            ));
        }
    }
    let journal = Journal::read_only(first, finished);
    // Nothing is begun: what is not in a journal is unfinished, and nothing is.
    let records = run_until(&plan, &|_| {}, &AtomicBool::new(true), Some(&journal))?;
    Ok(Merged { plan, records })
}

/// The plan that this head belongs to.
fn plan<'a>(
    path: &Path,
    header: &Header,
    catalogue: &'a [Claim],
) -> Result<Plan<'a>, InstanceError> {
    let claims = header
        .claims
        .iter()
        .map(|id| {
            let known = catalogue.iter().find(|claim| claim.id == *id);
            known
                .ok_or_else(|| format(path, format!("no claim of this program is called \"{id}\"")))
        })
        .collect::<Result<_, _>>()?;
    let only = header
        .instances
        .iter()
        .map(|(name, manifest)| Ok((name.clone(), parse(manifest, path)?)))
        .collect::<Result<Vec<_>, InstanceError>>()?;
    let plan = Plan {
        claims,
        seed: header.seed,
        cases: header.cases,
        only: (!only.is_empty()).then_some(only),
    };
    // The shards may have run on another machine than this one.
    let mut this = Header::of(&plan, header.shard);
    this.vectors.clone_from(&header.vectors);
    match this.difference(header) {
        None => Ok(plan),
        Some(what) => Err(format(
            path,
            format!("this program did not write the journal (the {what} differs)"),
        )),
    }
}

/// All journals are of one campaign, and each of its shards is there once.
fn one_of_each(texts: &[(&Path, Text)]) -> Result<(), InstanceError> {
    let mut holders: BTreeMap<Shard, &Path> = BTreeMap::new();
    let Some((first, Text { header, .. })) = texts.first() else {
        return Ok(());
    };
    for (path, text) in texts {
        if let Some(what) = header.difference(&text.header) {
            let first = first.display();
            return Err(format(
                path,
                format!(
                    "the journal belongs to another campaign than {first} (the {what} differs)"
                ),
            ));
        }
        let shard = text.header.shard;
        if !header.shard.is_sibling(shard) {
            let (first, other) = (first.display(), header.shard);
            return Err(format(
                path,
                format!("the journal is of shard {shard}, {first} of {other}"),
            ));
        }
        if let Some(other) = holders.insert(shard, path) {
            let other = other.display();
            return Err(format(
                path,
                format!("the journal is of shard {shard}, which {other} holds, too"),
            ));
        }
    }
    let missing: Vec<String> = header
        .shard
        .siblings()
        .filter(|shard| !holders.contains_key(shard))
        .take(LISTED)
        .map(|shard| shard.to_string())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(format(
        first,
        format!(
            "not all shards of this campaign are there, missing: {}",
            missing.join(", ")
        ),
    ))
}

/// So many shards that are missing are named.
const LISTED: usize = 5;
