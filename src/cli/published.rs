//! What `verify` and `merge` give: the report of a campaign on standard output and, where asked for, as files.

use std::path::{Path, PathBuf};

use crate::campaign::{ClaimRecord, Plan};
use crate::claims::Claim;
use crate::cli::format::Format;
use crate::cli::report::{JSON_REPORT, PAGE, write_page};
use crate::cli::{CliError, Exit, colour, output};
use crate::instance::files::{check_directory, write_whole};
use crate::report::{self, Look};

/// Makes the directory of a report. Better now than after hours of work.
pub(super) fn prepare(directory: Option<&Path>) -> Result<(), CliError> {
    if let Some(directory) = directory {
        std::fs::create_dir_all(directory).map_err(|source| CliError::io(directory, source))?;
        check_directory(directory)?;
    }
    Ok(())
}

/// The files that [`publish`] may write into the directory of a report.
pub(super) fn files(directory: &Path, plan: &Plan<'_>) -> Vec<PathBuf> {
    let manifests = plan.claims.iter().map(|claim| manifest_name(claim.id));
    [TEXT_REPORT, JSON_REPORT, PAGE]
        .map(str::to_owned)
        .into_iter()
        .chain(manifests)
        .map(|name| directory.join(name))
        .collect()
}

/// Prints the report, writes it into the directory, and says how the campaign ended.
pub(super) fn publish(
    plan: &Plan<'_>,
    records: &[ClaimRecord],
    format: Format,
    directory: Option<&Path>,
    catalogue: &[Claim],
) -> Result<Exit, CliError> {
    let campaign = report::CampaignReport::new(plan.seed, &plan.claims, records);
    let json = output::json_report(&campaign);
    // The answer first: a disk that is full by now must not swallow it.
    match format {
        Format::Text => output::print(&text_report(plan, records, colour::look()))?,
        Format::Json => output::print(&json)?,
        Format::Junit => {
            let cases = report::test_cases(records, plan.seed, plan.cases);
            output::print(&report::junit("attreg verify", &cases))?;
        }
    }
    if let Some(directory) = directory {
        let text = text_report(plan, records, Look::PLAIN);
        save(directory, &text, &json, records)?;
        write_page(directory, directory, &campaign, catalogue)?;
    }
    Ok(if records.iter().any(|record| record.unfinished > 0) {
        Exit::Interrupted
    } else if records.iter().all(ClaimRecord::as_recorded) {
        Exit::Success
    } else {
        Exit::Differs
    })
}

/// The file of a report directory with the table.
const TEXT_REPORT: &str = "report.txt";

/// The file of a report directory that holds the smallest failure of a claim.
fn manifest_name(claim: &str) -> String {
    format!("{}.json", claim.replace('/', "-"))
}

fn text_report(plan: &Plan<'_>, records: &[ClaimRecord], look: Look) -> String {
    let mut text = report::table(&plan.claims, records, look);
    for record in records {
        if !record.as_recorded() {
            text.push_str(&report::failure_block(record, plan.seed, plan.cases, look));
            text.push('\n');
        }
        // Somebody who asks for one claim wants to know all about it.
        if plan.claims.len() == 1 {
            text.push_str(&details(record));
        }
    }
    text.push_str(&report::summary(records, plan.seed));
    text.push('\n');
    text
}

fn details(record: &ClaimRecord) -> String {
    let mut text = report::strata(record) + "\n";
    for (reason, count) in &record.outside {
        text.push_str(&format!(
            "{}: outside the premise: {} ({count})\n",
            record.id,
            reason.as_str()
        ));
    }
    if let Some(Ok(proof)) = &record.proof {
        text.push_str(&format!("{}: proven: {proof}\n", record.id));
    }
    if let Some(failure) = &record.failure {
        text.push_str(&format!(
            "{}: {} observed {}, allowed {} ({}, {})\n",
            record.id,
            failure.finding.quantity,
            failure.finding.observed,
            failure.finding.allowed,
            failure.origin,
            failure.instance.sizes_in_words(),
        ));
    }
    text.push('\n');
    text
}

fn save(directory: &Path, text: &str, json: &str, records: &[ClaimRecord]) -> Result<(), CliError> {
    remove_stale(directory)?;
    write_whole(&directory.join(TEXT_REPORT), text.as_bytes())?;
    write_whole(&directory.join(JSON_REPORT), json.as_bytes())?;
    for record in records {
        if let Some(failure) = &record.failure {
            let manifest = failure.instance.render();
            let file = directory.join(manifest_name(record.id));
            write_whole(&file, manifest.as_bytes())?;
        }
    }
    Ok(())
}

/// Removes the manifests of an earlier run: the files that its report.json names and that still hold what it says of them.
/// Everything else in the directory is somebody else's.
fn remove_stale(directory: &Path) -> Result<(), CliError> {
    let report = directory.join(JSON_REPORT);
    // What is no regular file (a device, a pipe) may never end.
    if !std::fs::metadata(&report).is_ok_and(|found| found.is_file()) {
        return Ok(());
    }
    let earlier: Option<serde_json::Value> = std::fs::read(report)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let claims = earlier
        .as_ref()
        .and_then(|report| report["claims"].as_array());
    for claim in claims.into_iter().flatten() {
        if let (Some(id), Some(manifest)) =
            (claim["id"].as_str(), claim["witness"]["instance"].as_str())
        {
            let file = directory.join(manifest_name(id));
            if std::fs::read(&file).is_ok_and(|bytes| bytes == manifest.as_bytes()) {
                std::fs::remove_file(&file).map_err(|source| CliError::io(&file, source))?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of an earlier report's manifests those go that are as it left them; what somebody has changed, put in their place or beside them
    /// stays, and so does everything where there is no report.
    #[test]
    fn only_manifests_that_nobody_has_changed_are_removed() {
        let directory = tempfile::tempdir().unwrap();
        let place = |name: &str| directory.path().join(name);
        let write = |name: &str, text: &str| std::fs::write(place(name), text).unwrap();
        write("a-same.json", "1");
        write("a-changed.json", "2 and more");
        write("b.json", "3");
        remove_stale(directory.path()).unwrap();
        assert!(place("a-same.json").exists());
        let witness =
            |id: &str, text: &str| serde_json::json!({"id": id, "witness": {"instance": text}});
        let claims = [
            witness("a/same", "1"),
            witness("a/changed", "2"),
            witness("a/gone", "4"),
            serde_json::json!({"id": "b", "witness": null}),
        ];
        write(
            JSON_REPORT,
            &serde_json::json!({"claims": claims}).to_string(),
        );
        remove_stale(directory.path()).unwrap();
        let left = ["a-same.json", "a-changed.json", "b.json", JSON_REPORT]
            .map(|name| place(name).exists());
        assert_eq!(left, [false, true, true, true]);
        assert_eq!(
            std::fs::read_to_string(place("a-changed.json")).unwrap(),
            "2 and more"
        );
    }
}
