//! Every claim on its first cases, as a reviewed record: what the check says of them and how much slack it finds, and what
//! the control with the planted fault says.
//!
//! The whole gate decides the claims on thousands of cases, which shows that a verdict is right; a change of a printed
//! formula or of an allowance that leaves the verdict as it is shows here, as another slack.

mod attacks;
mod catalogue;
mod coverage;
mod error_bounds;

use std::fmt::Write as _;

use crate::claims::{self, AnyCase, CheckError, Claim, Expected, Origin, Paper, Verdict};
use crate::instance::sample;
use crate::system::parse;

/// The gate's seed.
const SEED: u64 = 2304;
/// Random cases of a claim.
const CASES: usize = 2;
/// Entries of A, or of all arrays, of a case at most: larger ones are for the whole gate.
const ENTRIES: usize = 2_000;

/// The witness and the first random cases.
fn cases(claim: &Claim) -> Vec<AnyCase> {
    let witness = claim.witness.map(|text| {
        let posed = parse(text, claim.id.as_ref()).unwrap();
        AnyCase::new(Origin::Witness, posed, SEED)
    });
    let drawn = (0..CASES.min(claim.cases())).map(|index| {
        let mut rng = sample::stream(SEED, claim.id, index as u64);
        claim.draw(index, &mut rng).unwrap()
    });
    witness
        .into_iter()
        .chain(drawn)
        .filter(|case| case.posed().size() <= ENTRIES)
        .collect()
}

/// Four digits of the slack: more than a change of a formula leaves alone, fewer than rounding touches.
fn said(verdict: Result<Verdict, CheckError>) -> String {
    match verdict {
        Ok(Verdict::Holds { slack }) => format!("holds {slack:.3e}"),
        Ok(Verdict::Fails(finding)) => format!("fails {:.3e}", finding.slack),
        Ok(Verdict::Outside(reason)) => format!("outside {}", reason.as_str()),
        Ok(Verdict::Undecided(_)) => "undecided".to_owned(),
        Err(error) => format!("error {error}"),
    }
}

/// Part `part` of `parts` of a paper's claims. A claim on record as true must not fail, and one as false fails on its witness.
fn record(paper: Paper, part: usize, parts: usize) -> String {
    let catalogue = claims::all();
    let of_paper: Vec<&Claim> = catalogue
        .iter()
        .filter(|claim| claim.paper == paper)
        .collect();
    let mut text = String::new();
    for claim in of_paper
        .chunks(of_paper.len().div_ceil(parts))
        .nth(part)
        .unwrap()
    {
        writeln!(text, "{}", claim.id).unwrap();
        for case in cases(claim) {
            let check = said(claim.check(&case));
            match claim.expected {
                Expected::Holds => assert!(!check.starts_with("fails"), "{}: {check}", claim.id),
                Expected::Fails => assert!(
                    *case.origin() != Origin::Witness || check.starts_with("fails"),
                    "{}: {check} on its witness",
                    claim.id
                ),
            }
            let control = said(claim.control(&case));
            writeln!(text, "    {check} | planted: {control}").unwrap();
        }
    }
    text
}

fn reviewed(name: &str, found: &str) {
    insta::with_settings!({
        snapshot_path => "../../fixtures/claims",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        insta::assert_snapshot!(name, found);
    });
}

#[test]
fn the_first_quarter_of_dls23_is_as_reviewed() {
    reviewed("dls23-0", &record(Paper::Dls23, 0, 4));
}

#[test]
fn the_second_quarter_of_dls23_is_as_reviewed() {
    reviewed("dls23-1", &record(Paper::Dls23, 1, 4));
}

#[test]
fn the_third_quarter_of_dls23_is_as_reviewed() {
    reviewed("dls23-2", &record(Paper::Dls23, 2, 4));
}

#[test]
fn the_fourth_quarter_of_dls23_is_as_reviewed() {
    reviewed("dls23-3", &record(Paper::Dls23, 3, 4));
}

#[test]
fn the_first_cases_of_lsz23_are_as_reviewed() {
    reviewed("lsz23", &record(Paper::Lsz23, 0, 1));
}

#[test]
fn the_first_cases_of_residual_softmax_are_as_reviewed() {
    reviewed("residual-softmax", &record(Paper::ResidualSoftmax, 0, 1));
}

#[test]
fn the_first_cases_of_two_layer_are_as_reviewed() {
    reviewed("two-layer", &record(Paper::TwoLayer, 0, 1));
}

#[test]
fn the_first_cases_of_sampling_are_as_reviewed() {
    reviewed("sampling", &record(Paper::Sampling, 0, 1));
}

#[test]
fn the_first_cases_of_single_layer_attention_are_as_reviewed() {
    let found = record(Paper::SingleLayerAttention, 0, 1);
    reviewed("single-layer-attention", &found);
}

#[test]
fn the_first_cases_of_weighted_low_rank_are_as_reviewed() {
    reviewed("weighted-low-rank", &record(Paper::WeightedLowRank, 0, 1));
}

#[test]
fn the_first_cases_of_tensor_power_are_as_reviewed() {
    reviewed("tensor-power", &record(Paper::TensorPower, 0, 1));
}

#[test]
fn the_first_cases_of_federated_softmax_are_as_reviewed() {
    let found = record(Paper::FederatedSoftmax, 0, 1);
    reviewed("federated-softmax", &found);
}
