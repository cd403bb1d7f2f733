//! One claim of a page: a line that opens to everything that is known about it.

use maud::{Markup, PreEscaped, html};

use crate::claims::Claim;
use crate::report::html::formula::{FormulaError, mathml};
use crate::report::html::shared::Shared;
use crate::report::html::slack_plot::{Size, slack_plot};
use crate::report::html::told::Told;
use crate::report::{ClaimReport, number};

/// A witness of more characters is shown by its beginning; the copy is whole all the same.
const SHOWN: usize = 6000;

/// The claim as an item of the list; `seed` is that of the run.
pub(super) fn item(
    told: &Told<'_>,
    seed: u64,
    shared: &mut Shared,
) -> Result<Markup, FormulaError> {
    let Told { claim, report } = *told;
    let slack = report.and_then(|report| report.slack);
    let differs = report.is_some_and(|report| !report.as_recorded);
    let body = body(told, seed, shared)?;
    Ok(html! {
        // Paper and verdict are in the text of the line.
        li data-wording=(claim.wording.label()) data-slack=(slack.map_or(String::new(), |slack| format!("{slack:e}"))) {
            details {
                summary {
                    code { (claim.id) }
                    b.(told.verdict()) { (told.verdict()) @if differs { ", not as recorded" } }
                    @if report.is_some() {
                        span { @if let Some(slack) = slack { "slack " (number(slack)) } @else { "\u{2013}" } }
                    }
                    small { (claim.statement) }
                }
                div.claim id=(claim.id) { (body) }
            }
        }
    })
}

fn body(told: &Told<'_>, seed: u64, shared: &mut Shared) -> Result<Markup, FormulaError> {
    let Told { claim, report } = *told;
    let formula = match claim.formula {
        "" => None,
        latex => Some(mathml(latex)?),
    };
    Ok(html! {
        @if let Some(formula) = formula {
            div.formula { (PreEscaped(formula)) }
        }
        dl {
            dt { "place" } dd { (claim.source) " (" (claim.wording.label()) ")" }
            @if claim.premise != "none" {
                dt { "premise" } dd { (claim.premise) }
            }
            @if let Some(report) = report.filter(|report| !report.as_recorded) {
                dt { "on record" } dd { (report.expected) "; this run says " strong { (report.verdict) } }
            }
            @if let Some(correction) = claim.correction {
                dt { "true instead" } dd { a href={ "#" (correction) } { (correction) } }
            }
            @if let Some(proof) = report.and_then(|report| report.proof.as_ref()) {
                dt { "proof" } dd { (proof) }
            }
            @if !claim.note.is_empty() {
                dt { "note" } dd { (claim.note) }
            }
            @if let Some(report) = report { (of_the_run(report)) }
            dt { "planted fault" } dd { (claim.fault) }
            dt { "source" } dd { code { (claim.file) } }
        }
        @if let Some(report) = report {
            @match slack_plot(report, Size::Wide, shared) {
                Some(plot) => figure { (plot) },
                None => p.quiet { "No two numbers were compared: the statement is exact, or no case was decided." }
            }
            (witness(claim, report))
            p { "Run again: " code.copy { (rerun(claim, report, seed)) } }
        } @else {
            p { "Decide it: " code.copy { "attreg verify " (claim.id) } }
        }
    })
}

/// Cases, slack and strata, as rows.
fn of_the_run(report: &ClaimReport) -> Markup {
    html! {
        dt { "cases" } dd {
            (report.points.len()) " decided"
            @if report.failed > 0 { ", of which " (report.failed) " fail" }
            @if report.outside > 0 { ", " (report.outside) " outside the premise" }
            @if report.undecided > 0 { ", " (report.undecided) " undecided" }
            @if report.real.1 > 0 { "; real data inside the premise: " (report.real.0) " of " (report.real.1) }
        }
        @if let (Some(slack), Some(tightest)) = (report.slack, &report.tightest) {
            dt { "tightest" } dd { (tightest) ": allowed / observed = " (number(slack)) }
        }
        @if !report.strata.is_empty() {
            dt { "strata" } dd { (strata(report)) }
        }
    }
}

/// `condition 1e0 to 1e2 (31, 7, 5), 1e5 (2), d=1 (26)`: a quantity is named once for all its decades, and decades without a gap stand
/// together.
fn strata(report: &ClaimReport) -> String {
    let mut strata: Vec<Stratum<'_>> = Vec::new();
    for (name, count) in &report.strata {
        let decade = name
            .rsplit_once(" 1e")
            .and_then(|(quantity, decade)| Some((quantity, decade.parse().ok()?)));
        strata.push(Stratum {
            name: decade.map_or(name.as_str(), |(quantity, _)| quantity),
            decade: decade.map(|(_, decade)| decade),
            count: *count,
        });
    }
    // By number: as text 1e-3 comes before 1e-1 and both before 1e0.
    strata.sort_by(|one, other| (one.name, one.decade).cmp(&(other.name, other.decade)));
    let next = |one: &Stratum<'_>, other: &Stratum<'_>| {
        one.name == other.name
            && one.decade.is_some()
            && one.decade.map(|decade| decade + 1) == other.decade
    };
    let mut named = "";
    let parts: Vec<String> = strata
        .chunk_by(next)
        .filter_map(|run| {
            let (first, last) = (run.first()?, run.last()?);
            let counts: Vec<String> = run.iter().map(|one| one.count.to_string()).collect();
            let decades = match (first.decade, last.decade) {
                (Some(low), Some(high)) if low < high => format!("1e{low} to 1e{high} "),
                (Some(only), _) => format!("1e{only} "),
                (None, _) => String::new(),
            };
            let again = first.decade.is_some() && first.name == named;
            named = first.name;
            let name = if again {
                String::new()
            } else {
                format!("{} ", first.name)
            };
            Some(format!("{name}{decades}({})", counts.join(", ")))
        })
        .collect();
    parts.join(", ")
}

/// A kind of cases, with the decade of its quantity where it is one of a row.
struct Stratum<'a> {
    name: &'a str,
    decade: Option<i32>,
    count: usize,
}

/// The line that decides the claim again, alone.
fn rerun(claim: &Claim, report: &ClaimReport, seed: u64) -> String {
    match (&report.witness, claim.witness) {
        (Some(_), Some(_)) => format!(
            "attreg verify {} --instance {}",
            claim.id,
            crate::report::witness_path(claim)
        ),
        _ => format!("attreg verify {} --seed {seed}", claim.id),
    }
}

fn witness(claim: &Claim, report: &ClaimReport) -> Markup {
    let Some(witness) = &report.witness else {
        return html! {};
    };
    let long = witness.instance.len() > SHOWN;
    html! {
        h3 { "Where it fails" }
        p {
            (witness.origin) ": " (witness.quantity) " is " code { (witness.observed) } ", allowed is " code { (witness.allowed) } "."
        }
        @if long {
            p.quiet { "The instance has " (witness.instance.len()) " characters; it lies beside this page as " code { (claim.id.replace('/', "-")) ".json" } "." }
        } @else {
            pre.copy tabindex="0" aria-label="the instance" { (witness.instance) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strata_name_a_quantity_once_and_join_its_decades() {
        let text = r#"{"id": "", "paper": "", "source": "", "expected": "", "verdict": "", "as_recorded": true, "cases": 0, "outside": 0,
            "outside_reasons": {}, "undecided": 0, "real": [0, 0], "failed": 0, "proof": null, "slack": null, "tightest": null,
            "axis": null, "points": [], "witness": null, "strata": {"condition 1e-1": 2, "condition 1e-2": 1, "condition 1e0": 3,
            "condition 1e10": 5, "condition 1e3": 4, "d=1": 26, "values 1e2": 6}}"#;
        let report: ClaimReport = serde_json::from_str(text).unwrap();
        assert_eq!(
            strata(&report),
            "condition 1e-2 to 1e0 (1, 2, 3), 1e3 (4), 1e10 (5), d=1 (26), values 1e2 (6)"
        );
    }
}
