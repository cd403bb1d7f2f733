//! The front of a page: what it is, the fair counts, and the findings.

use maud::{Markup, html};

use crate::claims::{Expected, Paper};
use crate::report::html::findings::{FINDINGS, Finding};
use crate::report::html::shared::Shared;
use crate::report::html::slack_plot::{Size, slack_plot};
use crate::report::html::told::Told;
use crate::report::{ClaimReport, Counts, Tallied};

/// The verdicts of a bar, in its order.
const VERDICTS: [&str; 4] = ["proven", "holds", "fails", "undecided"];

/// A row of the table of counts: a paper and its claims, or all.
struct Row<'a> {
    key: &'static str,
    title: &'static str,
    claims: Vec<Told<'a>>,
}

impl Row<'_> {
    /// Claims of this verdict; what says nothing counts as undecided.
    fn count(&self, verdict: &str) -> usize {
        let silent = verdict == "undecided";
        let of_verdict = |found: &str| found == verdict || (silent && found == "outside");
        self.claims
            .iter()
            .filter(|told| of_verdict(told.verdict()))
            .count()
    }

    fn counts(&self) -> Counts {
        Counts::of(self.claims.iter().filter_map(|told| {
            let verdict = match told.verdict() {
                "proven" | "holds" => Expected::Holds,
                "fails" => Expected::Fails,
                _ => return None,
            };
            Some((told.claim.wording, verdict))
        }))
    }
}

/// The table of counts, one row a paper.
pub(super) fn counts(claims: &[Told<'_>]) -> Markup {
    let rows = Paper::ALL
        .into_iter()
        .map(|paper| Row {
            key: paper.key(),
            title: paper.title(),
            claims: claims
                .iter()
                .copied()
                .filter(|told| told.claim.paper == paper)
                .collect(),
        })
        .filter(|row| !row.claims.is_empty());
    let all = Row {
        key: "all",
        title: "",
        claims: claims.to_vec(),
    };
    let cell = |tallied: Tallied| html! { td.n { (tallied.hold) ", " (tallied.fail) } };
    html! {
        p.quiet #counted {
            "Statements that hold, and that fail, by where their wording comes from: what is derived here is no fault of a paper. "
            "Proven: a certificate covers every instance."
        }
        div.scroll tabindex="0" role="region" aria-label="counts" {
            table aria-describedby="counted" {
                thead { tr {
                    th scope="col" { "paper" } th scope="col" { "proven, holds, fails, undecided" }
                    th.n scope="col" { "printed or quoted" } th.n scope="col" { "recalled" } th.n scope="col" { "derived here" }
                } }
                tbody {
                    @for row in rows.chain(std::iter::once(all)) {
                        @let counts = row.counts();
                        tr {
                            th scope="row" { (row.key) " " span.title { (row.title) } }
                            td { (bar(&row)) }
                            (cell(counts.printed)) (cell(counts.recalled)) (cell(counts.derived))
                        }
                    }
                }
            }
        }
    }
}

fn bar(row: &Row<'_>) -> Markup {
    let numbers: Vec<String> = VERDICTS
        .iter()
        .map(|verdict| row.count(verdict).to_string())
        .collect();
    html! {
        div.bar aria-hidden="true" {
            @for verdict in VERDICTS {
                span.{ "b-" (verdict) } style={ "flex:" (row.count(verdict)) } {}
            }
        }
        (numbers.join(", "))
    }
}

/// The findings about these claims, with the pictures of a run.
pub(super) fn findings(claims: &[Told<'_>], shared: &mut Shared) -> Markup {
    let found: Vec<(&Finding, &Told<'_>)> = FINDINGS
        .iter()
        .filter_map(|finding| {
            let told = claims.iter().find(|told| told.claim.id == finding.claim)?;
            Some((finding, told))
        })
        .collect();
    if found.is_empty() {
        return html! {};
    }
    html! {
        h2 #findings { "Findings" }
        ul.findings {
            @for (finding, told) in found {
                li {
                    p { (finding.sentence) }
                    @if let Some(report) = told.report {
                        (slack_plot(report, Size::Small, shared).unwrap_or_else(|| cases(report)))
                    }
                    p { span.verdict.(told.verdict()) { (told.verdict()) } ": " a href={ "#" (told.claim.id) } { (told.claim.id) } }
                }
            }
        }
    }
}

/// Cases by what they say, where nothing was compared that could be drawn.
fn cases(report: &ClaimReport) -> Markup {
    let silent = report.outside + report.undecided;
    let held = report.cases.saturating_sub(silent + report.failed);
    html! {
        div.bar aria-hidden="true" {
            @for (verdict, count) in [("holds", held), ("fails", report.failed), ("undecided", silent)] {
                span.{ "b-" (verdict) } style={ "flex:" (count) } {}
            }
        }
        p { (report.failed) " of " (report.cases) " cases fail" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claims;

    /// One claim of each verdict and two that say nothing: every claim is in one count, whose sum is that of the bar.
    #[test]
    fn every_claim_of_a_row_is_in_one_count() {
        let catalogue = claims::all();
        let verdicts = [
            "proven",
            "holds",
            "fails",
            "undecided",
            "outside",
            "outside",
        ];
        let reports: Vec<ClaimReport> = verdicts
            .iter()
            .map(|verdict| ClaimReport {
                verdict: (*verdict).to_owned(),
                ..blank()
            })
            .collect();
        let told = catalogue.iter().zip(&reports).map(|(claim, report)| Told {
            claim,
            report: Some(report),
        });
        let row = Row {
            key: "all",
            title: "",
            claims: told.collect(),
        };
        assert_eq!(VERDICTS.map(|verdict| row.count(verdict)), [1, 1, 1, 3]);
        assert!(bar(&row).into_string().ends_with("1, 1, 1, 3"));
        let counts = row.counts();
        let kinds = [counts.printed, counts.recalled, counts.derived];
        let sums = kinds.iter().fold((0, 0), |(hold, fail), kind| {
            (hold + kind.hold, fail + kind.fail)
        });
        assert_eq!(sums, (2, 1));
    }

    /// A finding whose cases compare nothing has a bar of these for a picture.
    #[test]
    fn cases_are_counted_where_nothing_was_compared() {
        let report = ClaimReport {
            cases: 10,
            outside: 2,
            undecided: 1,
            failed: 3,
            ..blank()
        };
        let drawn = cases(&report).into_string();
        for part in ["flex:4", "flex:3", "3 of 10 cases fail"] {
            assert!(drawn.contains(part), "{drawn}");
        }
    }

    fn blank() -> ClaimReport {
        let blank = serde_json::json!({
            "id": "a", "paper": "a", "source": "", "expected": "holds", "verdict": "", "as_recorded": true, "cases": 1, "outside": 0,
            "outside_reasons": {}, "undecided": 0, "real": [0, 0], "failed": 0, "proof": null, "slack": null, "tightest": null,
            "strata": {}, "axis": null, "points": [], "witness": null
        });
        serde_json::from_value(blank).unwrap()
    }
}
