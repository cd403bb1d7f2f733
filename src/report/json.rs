//! Machine-readable reports. Numbers that JSON cannot hold are null.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::campaign::{ClaimRecord, DecidedCase};
use crate::claims::Claim;
use crate::report::{Counts, decided};

/// Everything that `attreg verify --json` prints, and all that a page about the run is made of.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CampaignReport {
    /// Seed of every random choice.
    pub seed: u64,
    /// Commit of the code, where it was built from a checkout.
    pub commit: Option<String>,
    /// Present, and true, where the campaign was stopped before its end.
    #[serde(default, skip_serializing_if = "is_default")]
    pub interrupted: bool,
    /// How many statements were found to hold and to fail, by where the wording comes from.
    pub counts: Counts,
    /// One entry per claim, in the order of the catalogue.
    pub claims: Vec<ClaimReport>,
}

/// One claim's part of the report.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ClaimReport {
    /// The claim's id.
    pub id: String,
    /// Its paper's short name.
    pub paper: String,
    /// Place in the paper.
    pub source: String,
    /// The verdict on record.
    pub expected: String,
    /// The verdict of the run.
    pub verdict: String,
    /// Whether the two agree.
    pub as_recorded: bool,
    /// Cases tried.
    pub cases: usize,
    /// Those whose premise was not met.
    pub outside: usize,
    /// The same by reason.
    pub outside_reasons: BTreeMap<String, usize>,
    /// Cases left undecided.
    pub undecided: usize,
    /// Real attention heads inside the premise, and all that were tried.
    pub real: (usize, usize),
    /// Cases on which the statement fails.
    pub failed: usize,
    /// What the claim's certificate proves.
    pub proof: Option<String>,
    /// Smallest allowed / observed; `null` where nothing was compared.
    pub slack: Option<f64>,
    /// The case where it was seen.
    pub tightest: Option<String>,
    /// Cases inside the premise, by stratum.
    pub strata: BTreeMap<String, usize>,
    /// The quantity that `points` are laid out by, where the cases have decades of one.
    pub axis: Option<String>,
    /// The decided cases inside the premise.
    pub points: Vec<PointReport>,
    /// The smallest failure.
    pub witness: Option<WitnessReport>,
    /// Present where the campaign was stopped: cases, and the certificate, that were not begun.
    #[serde(default, skip_serializing_if = "is_default")]
    pub unfinished: usize,
}

/// One decided case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PointReport {
    /// Where it came from.
    pub origin: String,
    /// allowed / observed; `null` where nothing was observed.
    pub slack: Option<f64>,
    /// Its decade of the claim's axis.
    pub level: Option<i32>,
}

/// A case on which a claim fails.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WitnessReport {
    /// Where it came from.
    pub origin: String,
    /// What is off.
    pub quantity: String,
    /// Its value.
    pub observed: String,
    /// What the statement allows.
    pub allowed: String,
    /// The manifest, as text: it goes into a file as it stands.
    pub instance: String,
}

impl CampaignReport {
    /// The report on these records.
    pub fn new(seed: u64, claims: &[&Claim], records: &[ClaimRecord]) -> Self {
        Self {
            seed,
            commit: option_env!("ATTREG_COMMIT").map(str::to_owned),
            interrupted: records.iter().any(|record| record.unfinished > 0),
            counts: decided(records),
            claims: claims
                .iter()
                .zip(records)
                .map(|(claim, record)| ClaimReport::new(claim, record))
                .collect(),
        }
    }
}

impl ClaimReport {
    fn new(claim: &Claim, record: &ClaimRecord) -> Self {
        let axis = axis(&record.points);
        let level = |point: &DecidedCase| {
            let levels = point.levels.iter();
            levels
                .filter(|(quantity, _)| Some(*quantity) == axis)
                .map(|(_, decade)| *decade)
                .next()
        };
        Self {
            id: claim.id.to_owned(),
            paper: claim.paper.key().to_owned(),
            source: claim.source.to_owned(),
            expected: claim.recorded().to_owned(),
            verdict: record.verdict().as_str().to_owned(),
            as_recorded: record.as_recorded(),
            cases: record.cases,
            outside: record.outside_total(),
            outside_reasons: record
                .outside
                .iter()
                .map(|(reason, count)| (reason.as_str().to_owned(), *count))
                .collect(),
            undecided: record.undecided,
            real: record.real,
            failed: record.failed,
            proof: record.proof.clone().and_then(Result::ok),
            slack: finite(record.slack),
            tightest: record.tightest.as_ref().map(ToString::to_string),
            strata: record
                .strata
                .iter()
                .map(|(stratum, count)| (stratum.to_string(), *count))
                .collect(),
            axis: axis.map(str::to_owned),
            points: record
                .points
                .iter()
                .map(|point| PointReport {
                    origin: point.origin.to_string(),
                    slack: finite(point.slack),
                    level: level(point),
                })
                .collect(),
            witness: record.failure.as_ref().map(|failure| WitnessReport {
                origin: failure.origin.to_string(),
                quantity: failure.finding.quantity.clone(),
                observed: failure.finding.observed.clone(),
                allowed: failure.finding.allowed.clone(),
                instance: failure.instance.render(),
            }),
            unfinished: record.unfinished,
        }
    }
}

fn finite(value: f64) -> Option<f64> {
    Some(value).filter(|value| value.is_finite())
}

/// The quantity with the most decades among these cases; of several the first by name.
fn axis(points: &[DecidedCase]) -> Option<&'static str> {
    let mut decades: BTreeMap<&'static str, BTreeSet<i32>> = BTreeMap::new();
    for (quantity, decade) in points.iter().flat_map(|point| &point.levels) {
        decades.entry(quantity).or_default().insert(*decade);
    }
    let most = decades.values().map(BTreeSet::len).max()?;
    decades
        .into_iter()
        .find(|(_, met)| met.len() == most)
        .map(|(quantity, _)| quantity)
}

/// Whether there is nothing to say.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[derive(Serialize)]
struct CatalogueEntry {
    id: &'static str,
    paper: &'static str,
    source: &'static str,
    wording: &'static str,
    statement: &'static str,
    /// The statement in LaTeX.
    formula: &'static str,
    premise: &'static str,
    expected: &'static str,
    certificate: Option<&'static str>,
    correction: Option<&'static str>,
    note: &'static str,
    planted_fault: &'static str,
    has_witness: bool,
}

/// Everything that `attreg claims --json` prints.
pub fn catalogue_json(claims: &[&Claim]) -> serde_json::Value {
    let entries: Vec<CatalogueEntry> = claims
        .iter()
        .map(|claim| CatalogueEntry {
            id: claim.id,
            paper: claim.paper.key(),
            source: claim.source,
            wording: claim.wording.label(),
            statement: claim.statement,
            formula: claim.formula,
            premise: claim.premise,
            expected: claim.recorded(),
            certificate: claim.proof.map(|proof| proof.certificate),
            correction: claim.correction,
            note: claim.note,
            planted_fault: claim.fault,
            has_witness: claim.witness.is_some(),
        })
        .collect();
    serde_json::json!({
        "counts": Counts::recorded(claims.iter().copied()),
        "claims": entries,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claims;

    #[test]
    fn the_catalogue_has_each_statement_in_text_and_in_latex() {
        let catalogue = claims::all();
        let claim = claims::find(&catalogue, "dls23/fact-hadamard-diagonal").unwrap();
        let entry = &catalogue_json(&[claim])["claims"][0];
        assert_eq!(entry["statement"], "x o y = diag(x) y");
        assert_eq!(entry["formula"], r"x \circ y = \operatorname{diag}(x)\, y");
    }
}
