//! Machine-readable reports. Numbers that JSON cannot hold are null.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::campaign::ClaimRecord;
use crate::claims::Claim;
use crate::report::{Counts, decided};

/// Everything that `attreg verify --json` prints.
#[derive(Debug, Serialize)]
pub struct CampaignReport {
    /// Seed of every random choice.
    pub seed: u64,
    /// Commit of the code, where it was built from a checkout.
    pub commit: Option<&'static str>,
    /// Present, and true, where the campaign was stopped before its end.
    #[serde(skip_serializing_if = "is_default")]
    pub interrupted: bool,
    /// How many statements were found to hold and to fail, by where the wording comes from.
    pub counts: Counts,
    /// One entry per claim, in the order of the catalogue.
    pub claims: Vec<ClaimReport>,
}

/// One claim's part of the report.
#[derive(Debug, Serialize)]
pub struct ClaimReport {
    id: &'static str,
    paper: &'static str,
    source: &'static str,
    expected: &'static str,
    verdict: &'static str,
    as_recorded: bool,
    cases: usize,
    outside: usize,
    outside_reasons: BTreeMap<&'static str, usize>,
    undecided: usize,
    /// Real attention heads inside the premise, and all that were tried.
    real: (usize, usize),
    failed: usize,
    /// What the claim's certificate proves.
    proof: Option<String>,
    slack: Option<f64>,
    tightest: Option<String>,
    strata: BTreeMap<String, usize>,
    witness: Option<WitnessReport>,
    /// Present where the campaign was stopped: cases, and the certificate, that were not begun.
    #[serde(skip_serializing_if = "is_default")]
    unfinished: usize,
}

#[derive(Debug, Serialize)]
struct WitnessReport {
    origin: String,
    quantity: String,
    observed: String,
    allowed: String,
    /// The manifest, as text: it goes into a file as it stands.
    instance: String,
}

impl CampaignReport {
    /// The report on these records.
    pub fn new(seed: u64, claims: &[&Claim], records: &[ClaimRecord]) -> Self {
        Self {
            seed,
            commit: option_env!("ATTREG_COMMIT"),
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
        Self {
            id: claim.id,
            paper: claim.paper.key(),
            source: claim.source,
            expected: claim.recorded(),
            verdict: record.verdict().as_str(),
            as_recorded: record.as_recorded(),
            cases: record.cases,
            outside: record.outside_total(),
            outside_reasons: record
                .outside
                .iter()
                .map(|(reason, count)| (reason.as_str(), *count))
                .collect(),
            undecided: record.undecided,
            real: record.real,
            failed: record.failed,
            proof: record.proof.clone().and_then(Result::ok),
            slack: Some(record.slack).filter(|slack| slack.is_finite()),
            tightest: record.tightest.as_ref().map(ToString::to_string),
            strata: record
                .strata
                .iter()
                .map(|(stratum, count)| (stratum.to_string(), *count))
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
