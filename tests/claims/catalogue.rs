//! The catalogue is complete: every claim has a place, a correction where it is false, a witness, a control, a docs row.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use attention_regression::campaign::{self, Plan, Tally};
use attention_regression::claims::{self, AnyCase, Claim, Expected, Origin, Paper, Verdict};
use attention_regression::instance::sample;
use attention_regression::report;
use attention_regression::system::parse;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

/// The gate's seed; a run by hand may use any other.
const SEED: u64 = 2304;

fn root(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

#[test]
fn ids_are_unique_kebab_case_and_carry_their_paper() {
    let mut seen = BTreeSet::new();
    for claim in claims::all() {
        assert!(seen.insert(claim.id), "{} stands twice", claim.id);
        let (paper, name) = claim.id.split_once('/').unwrap();
        assert_eq!(paper, claim.paper.key(), "{}", claim.id);
        assert!(
            !name.is_empty()
                && name
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'),
            "{} is not kebab-case",
            claim.id
        );
    }
}

#[test]
fn every_false_claim_has_a_correction_that_holds_and_a_witness_file() {
    let catalogue = claims::all();
    for claim in &catalogue {
        match claim.expected {
            Expected::Holds => assert!(
                claim.witness.is_none(),
                "{} holds but has a witness",
                claim.id
            ),
            Expected::Fails => {
                let correction = claim
                    .correction
                    .unwrap_or_else(|| panic!("{} has no correction", claim.id));
                let corrected = claims::find(&catalogue, correction)
                    .unwrap_or_else(|| panic!("{}: no claim is called {correction}", claim.id));
                assert_eq!(
                    corrected.expected,
                    Expected::Holds,
                    "{}: {correction} is false too",
                    claim.id
                );
                let file = root(&format!(
                    "fixtures/witnesses/{}.json",
                    claim.id.replace('/', "-")
                ));
                let text = fs::read_to_string(&file)
                    .unwrap_or_else(|_| panic!("{} is missing", file.display()));
                assert_eq!(
                    claim.witness,
                    Some(text.as_str()),
                    "{} embeds another witness",
                    claim.id
                );
            }
        }
    }
}

#[test]
fn every_witness_file_belongs_to_a_claim() {
    let known: BTreeSet<String> = claims::all()
        .iter()
        .filter(|claim| claim.witness.is_some())
        .map(|claim| format!("{}.json", claim.id.replace('/', "-")))
        .collect();
    let found: BTreeSet<String> = fs::read_dir(root("fixtures/witnesses"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(known, found);
}

/// The cases that a control is tried on: the witness, the edges, a few random cases. Searches follow one by one.
fn control_cases(claim: &Claim) -> Vec<AnyCase> {
    let mut cases = Vec::new();
    if let Some(text) = claim.witness {
        let posed = parse(text, claim.id.as_ref()).unwrap();
        cases.push(AnyCase::new(Origin::Witness, posed, SEED));
    }
    let mut rng = sample::stream(SEED, &format!("{}/edges", claim.id), 0);
    cases.extend(claim.edges(&mut rng).unwrap());
    for index in 0..claim.cases().min(28) {
        let mut rng = sample::stream(SEED, claim.id, index as u64);
        cases.push(claim.draw(index, &mut rng).unwrap());
    }
    cases
}

/// What the campaign's searches find, one after the other.
fn searched(claim: &Claim) -> impl Iterator<Item = AnyCase> + '_ {
    let label = format!("{}/attack", claim.id);
    (0..claim.starts() as u64).map(move |index| {
        let mut rng = sample::stream(SEED, &label, index);
        claim.search(&mut rng).unwrap().unwrap()
    })
}

fn tally(claim: &Claim, case: &AnyCase, failed: &mut u32, held: &mut u32) {
    match claim.control(case) {
        Ok(Verdict::Fails(_)) => *failed += 1,
        Ok(Verdict::Holds { .. }) => *held += 1,
        Ok(_) | Err(_) => {}
    }
}

#[test]
fn every_planted_fault_turns_the_verdict_over() {
    let catalogue = claims::all();
    let faults: Vec<String> = catalogue
        .par_iter()
        .filter_map(|claim| {
            let (mut failed, mut held) = (0, 0);
            let mut searches = searched(claim);
            for case in control_cases(claim).into_iter().chain(searches.next()) {
                tally(claim, &case, &mut failed, &mut held);
            }
            // One search may miss what the campaign's searches together find.
            while claim.expected == Expected::Holds && failed == 0 {
                let Some(case) = searches.next() else { break };
                tally(claim, &case, &mut failed, &mut held);
            }
            let turned = match claim.expected {
                Expected::Holds => failed > 0,
                Expected::Fails => failed == 0 && held > 0,
            };
            (!turned).then(|| {
                format!(
                    "{}: planted \"{}\": {failed} fail, {held} hold",
                    claim.id, claim.fault
                )
            })
        })
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_verdict_is_as_recorded_and_no_stratum_is_empty() {
    let catalogue = claims::all();
    let plan = Plan {
        claims: catalogue.iter().collect(),
        seed: SEED,
        cases: None,
        only: None,
    };
    let records = campaign::run(&plan, &|_| {});
    let mut faults = Vec::new();
    for (claim, record) in catalogue.iter().zip(&records) {
        if !record.as_recorded() {
            faults.push(report::failure_block(
                record,
                SEED,
                None,
                report::Look::PLAIN,
            ));
        }
        if claim.expected == Expected::Fails && record.witness_fails != Some(true) {
            faults.push(format!("{}: its witness does not fail", claim.id));
        }
        for stratum in claim.strata {
            if !record.strata.contains_key(stratum) {
                faults.push(format!(
                    "{}: no case inside the premise with {stratum}",
                    claim.id
                ));
            }
        }
        if claim.strata.is_empty() {
            faults.push(format!("{}: no stratum is required", claim.id));
        }
        let generated = record.cases;
        if record.verdict() != Tally::Outside && 2 * record.outside_total() > generated {
            faults.push(format!(
                "{}: {} of {generated} cases are outside the premise",
                claim.id,
                record.outside_total()
            ));
        }
        if 10 * record.undecided > record.cases {
            faults.push(format!(
                "{}: {} of {} cases are undecided, the first: {}",
                claim.id,
                record.undecided,
                record.cases,
                record.undecided_reason.as_deref().unwrap_or("-")
            ));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_ledger_in_docs_is_the_catalogue() {
    let catalogue = claims::all();
    let claims: Vec<&Claim> = catalogue.iter().collect();
    let text = fs::read_to_string(root("docs/claims.md")).unwrap();
    assert!(
        text == report::markdown(&claims),
        "docs/claims.md is stale: run `cargo run --release -- claims --markdown > docs/claims.md`"
    );
}

/// The ids of claims in a text: a paper's key, a slash and a name, where no longer path begins or ends with them.
fn ids(text: &str) -> Vec<&str> {
    let of_id =
        |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    let mut found = Vec::new();
    for paper in Paper::ALL {
        let prefix = format!("{}/", paper.key());
        for (at, _) in text.match_indices(&prefix) {
            let tail = &text[at + prefix.len()..];
            let end = tail
                .find(|letter: char| !of_id(letter))
                .unwrap_or(tail.len());
            let inside =
                text[..at].ends_with(|letter: char| of_id(letter) || "/_.".contains(letter));
            let longer = tail[end..].starts_with(['/', '_', '*'])
                || tail[end..].starts_with('.') && tail[end + 1..].starts_with(of_id);
            if end > 0 && !inside && !longer {
                found.push(&text[at..at + prefix.len() + end]);
            }
        }
    }
    found
}

#[test]
fn ids_are_found_in_a_text_and_paths_are_none() {
    let text = "`dls23/a-1`, attreg verify sampling/b. See src/claims/dls23/c, dls23/d.rs, `dls23/...` and `dls23/e-*`.";
    assert_eq!(ids(text), ["dls23/a-1", "sampling/b"]);
}

#[test]
fn every_claim_that_a_page_names_is_in_the_catalogue() {
    let catalogue = claims::all();
    let mut pages = vec![
        root("README.md"),
        root("CHANGELOG.md"),
        root("python/README.md"),
    ];
    let docs = fs::read_dir(root("docs")).unwrap();
    pages.extend(docs.map(|entry| entry.unwrap().path()));
    let mut named = 0;
    for page in pages
        .iter()
        .filter(|page| page.extension().is_some_and(|end| end == "md"))
    {
        for id in ids(&fs::read_to_string(page).unwrap()) {
            assert!(
                claims::find(&catalogue, id).is_some(),
                "{}: {id}",
                page.display()
            );
            named += 1;
        }
    }
    assert!(named > catalogue.len());
}

#[test]
fn the_figures_in_the_readme_are_those_of_the_catalogue() {
    let catalogue = claims::all();
    let claims: Vec<&Claim> = catalogue.iter().collect();
    let text = fs::read_to_string(root("README.md")).unwrap();
    let start = text.find("<!-- figures of the catalogue").unwrap();
    let start = start + text[start..].find('\n').unwrap() + 1;
    let end = start + text[start..].find("<!-- end of figures -->").unwrap();
    let expected = format!("\n{}\n", report::figures(&claims));
    if std::env::var("INSTA_UPDATE").is_ok_and(|mode| mode == "always") {
        let updated = format!("{}{expected}{}", &text[..start], &text[end..]);
        fs::write(root("README.md"), updated).unwrap();
    } else {
        assert!(
            text[start..end] == expected,
            "README.md is stale: run `INSTA_UPDATE=always cargo test --test claims figures`"
        );
    }
}

#[test]
fn the_number_of_threads_does_not_change_a_byte() {
    let catalogue = claims::all();
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        let plan = Plan {
            claims: catalogue.iter().collect(),
            seed: SEED,
            cases: Some(2),
            only: None,
        };
        let records = pool.install(|| campaign::run(&plan, &|_| {}));
        serde_json::to_string(&report::CampaignReport::new(SEED, &plan.claims, &records)).unwrap()
    };
    assert_eq!(run(1), run(8));
}
