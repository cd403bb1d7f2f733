//! The page about one run.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::claims::{Claim, Paper, Wording};
use crate::report::html::claim::item;
use crate::report::html::compact::compact;
use crate::report::html::formula::{FormulaError, mathml};
use crate::report::html::front::{counts, findings};
use crate::report::html::pictures::{SUBJECTS, Subject, figure};
use crate::report::html::shared::Shared;
use crate::report::html::solver_times;
use crate::report::html::spectrum::spectrum;
use crate::report::html::told::Told;
use crate::report::{CampaignReport, ClaimReport};

const STYLE: &str = concat!(include_str!("chart.css"), include_str!("style.css"));
/// The font of the formulas: browsers draw fractions and brackets badly where the system has none for mathematics.
const FONT: &str = include_str!("font/math.css");
const SCRIPT: &str = include_str!("script.js");

/// The loss that most claims are about.
const LOSS: &str = r"L(x) = \tfrac12 \Bigl\| \frac{\exp(Ax)}{\langle \exp(Ax), \mathbf 1_n \rangle} - b \Bigr\|_2^2 + \tfrac12 \| \operatorname{diag}(w) A x \|_2^2";

/// Why there is no page about a run.
#[derive(Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PageError {
    /// The run is about a claim that this program does not know.
    #[error("claim \"{0}\" is not in this program's catalogue: the run is of another version")]
    UnknownClaim(String),
    /// A formula of the catalogue could not be converted.
    #[error("claim \"{claim}\": {error}")]
    Formula {
        /// The claim.
        claim: &'static str,
        /// Why.
        error: FormulaError,
    },
    /// What a picture shows could not be computed.
    #[error("the picture \"{picture}\": {reason}")]
    Picture {
        /// Its title.
        picture: &'static str,
        /// Why.
        reason: String,
    },
}

/// The page about this run, whole in one text: style, script and pictures included. The same run gives the same bytes.
pub fn page(run: &CampaignReport, catalogue: &[Claim]) -> Result<String, PageError> {
    let claims: Vec<Told<'_>> = run
        .claims
        .iter()
        .map(|report| {
            catalogue
                .iter()
                .find(|claim| claim.id == report.id)
                .map(|claim| Told {
                    claim,
                    report: Some(report),
                })
                .ok_or_else(|| PageError::UnknownClaim(report.id.clone()))
        })
        .collect::<Result<_, _>>()?;
    whole(&claims, Some(run))
}

/// The page about these claims without a run: every verdict is the one on record, and the page says so.
pub fn catalogue_page(claims: &[&Claim]) -> Result<String, PageError> {
    let claims: Vec<Told<'_>> = claims
        .iter()
        .map(|claim| Told {
            claim,
            report: None,
        })
        .collect();
    whole(&claims, None)
}

fn whole(claims: &[Told<'_>], run: Option<&CampaignReport>) -> Result<String, PageError> {
    let mut shared = Shared::default();
    let seed = run.map_or(0, |run| run.seed);
    let items: Vec<Markup> = claims
        .iter()
        .map(|told| {
            item(told, seed, &mut shared).map_err(|error| PageError::Formula {
                claim: told.claim.id,
                error,
            })
        })
        .collect::<Result<_, _>>()?;
    let loss = mathml(LOSS).map_err(|error| PageError::Formula {
        claim: "the loss of the front",
        error,
    })?;
    let findings = findings(claims, &mut shared);
    let pictures = pictures(claims)?;
    let solver = solver_times::section().map_err(|error| PageError::Picture {
        picture: "the times of solvers",
        reason: error.to_string(),
    })?;
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Attention-inspired regression: what holds" }
                // No icon: a browser would ask for one.
                link rel="icon" href="data:,";
                style { (PreEscaped(FONT)) (PreEscaped(STYLE)) }
            }
            body {
                main {
                    h1 { "Attention-inspired regression: what holds" }
                    p {
                        "Papers on regression with attention's softmax claim formulas, bounds, constants and fast algorithms. "
                        "Each claim here is a program: it draws instances, random, extreme and searched for, computes the truth at 40 digits from the definition alone, and decides. "
                        "A claim that fails has a witness that anybody can run again, and a corrected claim that holds."
                    }
                    div.formula role="group" aria-label="the loss of softmax regression" { (PreEscaped(loss)) }
                    @match run {
                        Some(run) => { p.quiet { (origin(run)) } (differing(claims)) }
                        None => { (on_record(claims)) }
                    }
                    (counts(claims))
                    (PreEscaped(compact(&findings.into_string())))
                    h2 #pictures { "Pictures" }
                    div.pictures {
                        (spectrum())
                        @for figure in pictures { (PreEscaped(compact(&figure.into_string()))) }
                    }
                    (PreEscaped(compact(&solver.into_string())))
                    h2 #claims { "Claims" }
                    @if run.is_some() {
                        p.quiet {
                            "Slack is allowed / observed in the tightest of the cases that were tried: 1 is sharp, below 1 refutes. "
                            "The pictures show it for every case: dots below the dashed line refute the statement. "
                            "A planted fault is the check with one thing altered: in every test run it must turn the verdict over."
                        }
                    }
                    (filters(claims, run.is_some()))
                    ul.claims { @for item in items { (PreEscaped(compact(&item.into_string()))) } }
                }
                (PreEscaped(compact(&shared.parts().into_string())))
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    Ok(markup.into_string())
}

/// The figures about these claims.
fn pictures(claims: &[Told<'_>]) -> Result<Vec<Markup>, PageError> {
    let about = |subject: &&Subject| {
        let named = |told: &Told<'_>| subject.claims.contains(&told.claim.id);
        claims.iter().any(named)
    };
    SUBJECTS
        .iter()
        .filter(about)
        .map(|subject| {
            let picture = (subject.picture)().map_err(|error| PageError::Picture {
                picture: subject.title,
                reason: error.to_string(),
            })?;
            Ok(figure(subject, &picture, claims))
        })
        .collect()
}

/// Seed, commit and the command of the run.
fn origin(run: &CampaignReport) -> Markup {
    let cases: usize = run.claims.iter().map(|claim| claim.cases).sum();
    html! {
        (run.claims.len()) " claims, " (cases) " cases, seed " (run.seed) ", "
        @match &run.commit { Some(commit) => { "commit " code { (commit) } } None => "commit unknown" }
        @if run.interrupted { "; " strong { "interrupted: only what was finished is shown" } }
        ". Made again by " code { "attreg verify --seed " (run.seed) " --report DIR" } "."
    }
}

/// What a page without a run has to say first.
fn on_record(claims: &[Told<'_>]) -> Markup {
    html! {
        p #on-record {
            strong { "No run: the verdicts of these " (claims.len()) " claims are those on record" }
            @if let Some(commit) = option_env!("ATTREG_COMMIT") { ", commit " code { (commit) } }
            ". " code { "attreg verify --report DIR" } " decides them and writes a page with the slack of every case."
        }
    }
}

/// What contradicts the record, before all else.
fn differing(claims: &[Told<'_>]) -> Markup {
    let differing: Vec<&ClaimReport> = claims
        .iter()
        .filter_map(|told| told.report)
        .filter(|report| !report.as_recorded)
        .collect();
    if differing.is_empty() {
        return html! { p { "Every verdict of this run is as recorded." } };
    }
    html! {
        section.alarm role="alert" {
            h2 { (differing.len()) " of " (claims.len()) " claims differ from the record" }
            ul {
                @for report in differing {
                    li {
                        a href={ "#" (report.id) } { (report.id) } ": recorded " (report.expected) ", verdict "
                        strong.(report.verdict) { (report.verdict) }
                    }
                }
            }
        }
    }
}

fn filters(claims: &[Told<'_>], ran: bool) -> Markup {
    let papers = Paper::ALL
        .into_iter()
        .filter(|paper| claims.iter().any(|told| told.claim.paper == *paper));
    let wordings = [
        Wording::Printed,
        Wording::Quoted,
        Wording::Recalled,
        Wording::Derived,
    ];
    html! {
        form.filters role="search" onsubmit="return false" {
            label { "paper" select #f-paper { option value="" { "all" } @for paper in papers { option value=(paper.key()) { (paper.key()) } } } }
            label { "verdict" select #f-verdict { option value="" { "all" }
                @for verdict in ["proven", "holds", "fails", "outside", "undecided"] { option value=(verdict) { (verdict) } } } }
            label { "wording" select #f-wording { option value="" { "all" }
                @for wording in wordings { option value=(wording.label()) { (wording.label()) } } } }
            label { "text" input #f-text type="search" autocomplete="off"; }
            @if ran {
                label { "order" select #f-order { option value="" { "as in the papers" } option value="slack" { "smallest slack first" } } }
            }
        }
        p #shown aria-live="polite" { (claims.len()) " of " (claims.len()) " claims" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::{Plan, run};
    use crate::claims;
    use crate::report::html::compact::tag;

    fn campaign(names: &[&str], catalogue: &[Claim]) -> CampaignReport {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let plan = Plan {
            claims: claims::select(catalogue, &names).unwrap(),
            seed: 2304,
            cases: Some(4),
            only: None,
        };
        let records = run(&plan, &|_| {});
        CampaignReport {
            commit: Some("0123456789ab".to_owned()),
            ..CampaignReport::new(plan.seed, &plan.claims, &records)
        }
    }

    /// A claim that fails, with its witness, as the page shows it: read when it changes.
    #[test]
    fn the_item_of_one_claim_is_reviewed() {
        let catalogue = claims::all();
        let run = campaign(&["dls23/gradient-printed"], &catalogue);
        let claim = catalogue.iter().find(|claim| claim.id == run.claims[0].id);
        let told = Told {
            claim: claim.unwrap(),
            report: Some(&run.claims[0]),
        };
        let item = item(&told, run.seed, &mut Shared::default()).unwrap();
        let lines = item.into_string().replace("><", ">\n<");
        insta::assert_snapshot!("item_of_a_claim_that_fails", lines);
    }

    /// What an instance or a run says is text: no element, no attribute, no script comes of it.
    #[test]
    fn hostile_text_stays_text() {
        let catalogue = claims::all();
        let mut run = campaign(&["dls23/gradient-printed"], &catalogue);
        let hostile = "</script><script>alert(1)</script>\"' onload=x <img alt=a>";
        let claim = &mut run.claims[0];
        let witness = claim.witness.as_mut().unwrap();
        for text in [
            &mut witness.origin,
            &mut witness.quantity,
            &mut witness.observed,
            &mut witness.instance,
        ] {
            *text = hostile.to_owned();
        }
        claim.tightest = Some(hostile.to_owned());
        claim.proof = Some(hostile.to_owned());
        claim.axis = Some(hostile.to_owned());
        claim.points[0].origin = hostile.to_owned();
        run.commit = Some(hostile.to_owned());
        let page = page(&run, &catalogue).unwrap();
        assert!(page.contains("&lt;script>alert(1)"));
        assert!(!page.contains("<script>alert") && !page.contains("<img"));
        assert_eq!(page.matches("</script>").count(), 1);
        // It stands inside of values, where its quotes are escaped, and between tags; no element has an attribute of it.
        let body = &page[..page.rfind("<script>").unwrap()];
        let mut inside = 0;
        for tag in body
            .match_indices('<')
            .filter_map(|(at, _)| tag(&body[at..]))
        {
            inside += usize::from(tag.contains("onload"));
            let mut outside_of_values = tag.split('"').step_by(2);
            assert!(
                outside_of_values.all(|part| !part.contains("onload")),
                "{tag}"
            );
        }
        assert!(inside > 0 && page.matches("onload").count() > inside);
    }

    /// Nothing that a browser would fetch.
    #[test]
    fn no_address_leaves_the_page_and_the_same_run_gives_the_same_bytes() {
        let catalogue = claims::all();
        let run = campaign(
            &["dls23/spectrum-sharp", "dls23/hessian-printed"],
            &catalogue,
        );
        let text = page(&run, &catalogue).unwrap();
        // The font lies in the page itself.
        assert_eq!(text.matches("url(data:").count(), 1);
        let text = text.replace("url(data:", "");
        for trace in ["http:", "https:", "url(", "@import", "src="] {
            assert!(!text.contains(trace), "{trace}");
        }
        let again = page(&run, &catalogue).unwrap();
        assert_eq!(text, again.replace("url(data:", ""));
    }

    /// The page of the catalogue has every claim with its recorded verdict, and nothing of a run.
    #[test]
    fn a_page_without_a_run_says_so_and_shows_the_record() {
        let catalogue = claims::all();
        let names = ["sampling".to_owned(), "dls23/gradient-printed".to_owned()];
        let selected = claims::select(&catalogue, &names).unwrap();
        let text = catalogue_page(&selected).unwrap();
        let said = format!(
            "the verdicts of these {} claims are those on record",
            selected.len()
        );
        let said = text.find(&said).unwrap();
        assert!(said < text.find("<table").unwrap());
        for claim in &selected {
            let verdict = claim.recorded();
            let line = format!("<code>{}</code><b class={verdict}>{verdict}</b>", claim.id);
            assert!(text.contains(&line), "{}", claim.id);
        }
        for of_a_run in [">slack ", "Run again", "f-order", "<dt>cases"] {
            assert!(
                !text[..text.find("<script>").unwrap()].contains(of_a_run),
                "{of_a_run}"
            );
        }
        assert_eq!(text, catalogue_page(&selected).unwrap());
    }

    /// What differs comes before all else.
    #[test]
    fn a_run_that_differs_says_so_first_and_an_unknown_claim_is_refused() {
        let catalogue = claims::all();
        let mut run = campaign(&["dls23/spectrum-sharp"], &catalogue);
        assert!(!page(&run, &catalogue).unwrap().contains("role=\"alert\""));
        run.claims[0].as_recorded = false;
        run.claims[0].verdict = "fails".to_owned();
        let text = page(&run, &catalogue).unwrap();
        let alarm = text.find("1 of 1 claims differ from the record").unwrap();
        assert!(alarm < text.find("<table").unwrap());
        run.claims[0].id = "dls23/no-such-claim".to_owned();
        assert_eq!(
            page(&run, &catalogue),
            Err(PageError::UnknownClaim("dls23/no-such-claim".to_owned()))
        );
    }
}
