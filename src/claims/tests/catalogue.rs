//! What the catalogue says of every claim, and how many cases of which kind it asks for, as a reviewed record: a field that
//! goes missing or takes the place of another one shows here, whatever the verdicts are.

use std::fmt::Write as _;

use crate::claims::{self, Claim, Family, Paper, Subject};

use super::reviewed;

fn family(family: &Family) -> String {
    let Family {
        losses,
        rows,
        tall,
        columns,
        conditions,
        gaps,
        norm,
        radii,
        targets,
        weights,
        points,
        rank_deficient,
        cases,
    } = family;
    format!(
        "{cases} of {losses:?}, rows {rows:?}, tall {tall:?}, columns {columns:?}, conditions {conditions:?}, gaps {gaps:?}, norm {norm}, \
         radii {radii:?}, targets {targets:?}, weights {weights:?}, points {points}, rank deficient {rank_deficient}"
    )
}

/// The cases in words. A case of another system is drawn by code of its own, which the other records show.
fn cases(claim: &Claim) -> String {
    match &claim.subject {
        Subject::Logit(trial) => family(&trial.cases),
        Subject::Other(trial) => format!("{} of its own", trial.cases.count()),
    }
}

fn entry(claim: &Claim) -> String {
    let mut text = String::new();
    let strata: Vec<String> = claim.strata.iter().map(ToString::to_string).collect();
    let witness = if claim.witness.is_some() { "yes" } else { "no" };
    writeln!(text, "{} ({})", claim.id, claim.paper.key()).unwrap();
    for (name, value) in [
        ("source", claim.source),
        ("wording", claim.wording.label()),
        ("statement", claim.statement),
        ("premise", claim.premise),
        ("recorded", claim.recorded()),
        ("correction", claim.correction.unwrap_or("none")),
        ("note", claim.note),
        ("planted", claim.fault),
        ("cases", &cases(claim)),
        ("strata", &strata.join(", ")),
        ("witness", witness),
    ] {
        writeln!(text, "    {name}: {value}").unwrap();
    }
    writeln!(
        text,
        "    searches: {}, real rows: {}",
        claim.starts(),
        claim.real_rows
    )
    .unwrap();
    text
}

#[test]
fn every_claim_says_what_was_reviewed() {
    let catalogue = claims::all();
    for paper in Paper::ALL {
        let entries: Vec<String> = catalogue
            .iter()
            .filter(|claim| claim.paper == paper)
            .map(entry)
            .collect();
        reviewed(&format!("catalogue-{}", paper.key()), &entries.join("\n"));
    }
}
