//! What stands in a journal: the head, which says which campaign and which part of it, and a line for each finished case and
//! each certificate that was read.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::campaign::Shard;
use crate::campaign::agenda::Agenda;
use crate::campaign::plan::{Decided, Plan, Proven};
use crate::claims::{AnyCase, Origin, Verdict};
use crate::instance::InstanceError;
use crate::memory::reading::Reading;
use crate::production::kernels::Level;
use crate::system::parse;

/// Which campaign a journal belongs to: everything that a verdict, or a digit of a slack, depends on; and which part of it.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::campaign) struct Header {
    journal: u32,
    version: String,
    commit: Option<String>,
    /// The vector instructions: some claims are about answers in f64, whose last bits depend on them.
    pub(in crate::campaign) vectors: String,
    pub(in crate::campaign) shard: Shard,
    pub(in crate::campaign) seed: u64,
    pub(in crate::campaign) cases: Option<usize>,
    pub(in crate::campaign) claims: Vec<String>,
    /// Name and manifest of each instance that was given.
    pub(in crate::campaign) instances: Vec<(String, String)>,
}

/// The layout of the lines below.
const FORMAT: u32 = 2;

impl Header {
    pub(in crate::campaign) fn of(plan: &Plan<'_>, shard: Shard) -> Self {
        Self {
            journal: FORMAT,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            commit: option_env!("ATTREG_COMMIT").map(str::to_owned),
            vectors: Level::best().name().to_owned(),
            shard,
            seed: plan.seed,
            cases: plan.cases,
            claims: plan
                .claims
                .iter()
                .map(|claim| claim.id.to_owned())
                .collect(),
            instances: plan
                .only
                .iter()
                .flatten()
                .map(|(name, instance)| (name.clone(), instance.render()))
                .collect(),
        }
    }

    /// What makes the other one the head of another campaign; the parts may differ.
    pub(in crate::campaign) fn difference(&self, other: &Self) -> Option<&'static str> {
        [
            (self.journal != other.journal, "format of the journal"),
            (self.version != other.version, "version of the program"),
            (self.commit != other.commit, "commit of the program"),
            (self.claims != other.claims, "claims"),
            (self.seed != other.seed, "seed"),
            (self.cases != other.cases, "number of cases"),
            (self.instances != other.instances, "instances"),
            (
                self.vectors != other.vectors,
                "vector instructions of the machine",
            ),
        ]
        .into_iter()
        .find_map(|(differs, what)| differs.then_some(what))
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Line {
    Case {
        claim: String,
        unit: usize,
        outcome: Outcome,
    },
    Certificate {
        claim: String,
        result: Proven,
    },
}

#[derive(Serialize, Deserialize)]
enum Outcome {
    Decided {
        origin: Origin,
        seed: u64,
        verdict: Verdict,
        manifest: String,
    },
    Unmade(String),
}

/// The line of a finished case.
pub(super) fn case(claim: &str, unit: usize, decided: &Decided) -> impl Serialize {
    Line::Case {
        claim: claim.to_owned(),
        unit,
        outcome: match decided {
            Ok((case, verdict)) => Outcome::Decided {
                origin: case.origin().clone(),
                seed: case.seed(),
                verdict: verdict.clone(),
                manifest: case.posed().render(),
            },
            Err(reason) => Outcome::Unmade(reason.clone()),
        },
    }
}

/// The line of a certificate that was read.
pub(super) fn certificate(claim: &str, result: &Proven) -> impl Serialize {
    Line::Certificate {
        claim: claim.to_owned(),
        result: result.clone(),
    }
}

/// A journal as it was read, but for its lines.
pub(in crate::campaign) struct Text {
    pub(in crate::campaign) header: Header,
    /// What follows the head, up to the end of the last whole line.
    lines: String,
    /// Where that is.
    pub(super) whole: u64,
}

/// Reads a journal's head.
pub(in crate::campaign) fn read(path: &Path) -> Result<Text, InstanceError> {
    let fail = |source| InstanceError::io(path, source);
    if !std::fs::metadata(path).map_err(fail)?.is_file() {
        return Err(format(path, "a journal must be a regular file".to_owned()));
    }
    let _reading = Reading::begin(path);
    let mut bytes = std::fs::read(path).map_err(fail)?;
    let whole = bytes
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    bytes.truncate(whole);
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        format(path, format!("not UTF-8 at byte {at}"))
    })?;
    let (head, lines) = text.split_once('\n').unwrap_or_default();
    let not_a_head = |error| {
        format(
            path,
            format!("line 1 is not the head of a journal: {error}"),
        )
    };
    Ok(Text {
        header: serde_json::from_str(head).map_err(not_a_head)?,
        lines: lines.to_owned(),
        whole: whole as u64,
    })
}

/// What a journal holds, by places in the plan.
#[derive(Default)]
pub(in crate::campaign) struct Finished {
    /// Claim and unit.
    pub(in crate::campaign) cases: BTreeMap<(usize, usize), Decided>,
    /// Claim.
    pub(in crate::campaign) certificates: BTreeMap<usize, Proven>,
}

impl Finished {
    /// Adds all lines of a journal of this campaign; any that cannot be read, belongs to another shard or says again what an
    /// earlier one said is an error that names it.
    pub(in crate::campaign) fn add(
        &mut self,
        text: &Text,
        agenda: &Agenda<'_>,
        path: &Path,
    ) -> Result<(), InstanceError> {
        for (number, line) in text.lines.lines().enumerate() {
            self.add_line(line, text.header.shard, agenda, path)
                .map_err(|message| format(path, format!("line {}: {message}", number + 2)))?;
        }
        Ok(())
    }

    fn add_line(
        &mut self,
        text: &str,
        shard: Shard,
        agenda: &Agenda<'_>,
        path: &Path,
    ) -> Result<(), String> {
        let line: Line = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let foreign = |what: String| format!("{what} is not of shard {shard}");
        let twice = |what: String| format!("{what} stands there for the second time");
        match line {
            Line::Case {
                claim,
                unit,
                outcome,
            } => {
                let what = format!("case {unit} of {claim}");
                let at = agenda.claim(&claim)?;
                let number = agenda
                    .number(at, unit)
                    .ok_or_else(|| format!("{claim} has no case {unit} in this campaign"))?;
                if !shard.owns(number) {
                    return Err(foreign(what));
                }
                match self.cases.insert((at, unit), decided(outcome, path)?) {
                    None => Ok(()),
                    Some(_) => Err(twice(what)),
                }
            }
            Line::Certificate { claim, result } => {
                let what = format!("the certificate of {claim}");
                let at = agenda.claim(&claim)?;
                if !agenda.has_certificate(at, shard) {
                    return Err(foreign(what));
                }
                match self.certificates.insert(at, result) {
                    None => Ok(()),
                    Some(_) => Err(twice(what)),
                }
            }
        }
    }
}

fn decided(outcome: Outcome, path: &Path) -> Result<Decided, String> {
    match outcome {
        Outcome::Unmade(reason) => Ok(Err(reason)),
        Outcome::Decided {
            origin,
            seed,
            verdict,
            manifest,
        } => {
            let posed = parse(&manifest, path).map_err(|error| error.to_string())?;
            Ok(Ok((AnyCase::new(origin, posed, seed), verdict)))
        }
    }
}

/// A journal that cannot be taken.
pub(in crate::campaign) fn format(path: &Path, message: String) -> InstanceError {
    InstanceError::Format {
        path: path.to_owned(),
        message,
    }
}
