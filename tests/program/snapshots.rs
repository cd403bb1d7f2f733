//! Reviewed output: `cargo insta review` after a change *is* the review of the fixtures. Snapshots lie beside what they
//! belong to; the numbers in them are held against mpmath elsewhere (tests of the oracle), here they must not move.

use std::fs;
use std::path::Path;
use std::process::Command;

use attention_regression::campaign::{self, Plan};
use attention_regression::claims::{self, Claim, Expected, Subject, Trial};
use attention_regression::report::{self, Look};

fn beside(folder: &str) -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(format!("../../fixtures/{folder}"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings
}

#[test]
fn oracle_values_of_the_fixture_instances_are_as_reviewed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/instances");
    let mut names: Vec<String> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|name| name.strip_suffix(".json").map(str::to_owned))
        .collect();
    names.sort();
    assert!(names.len() >= 5, "only {} fixture instances", names.len());
    for name in names {
        // Through the command, which prints certified digits only: `fixtures/instances/recompute.py` holds each of them
        // against mpmath.
        let output = Command::new(env!("CARGO_BIN_EXE_attreg"))
            .arg("reference")
            .arg(folder.join(format!("{name}.json")))
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let text = String::from_utf8(output.stdout).unwrap();
        beside("instances").bind(|| insta::assert_snapshot!(format!("{name}.reference"), text));
    }
}

#[test]
fn the_table_of_claims_is_as_reviewed() {
    let catalogue = claims::all();
    let claims: Vec<&Claim> = catalogue.iter().collect();
    beside("catalogue").bind(|| insta::assert_snapshot!("claims", report::list(&claims)));
}

#[test]
fn a_failing_claim_is_explained_as_reviewed() {
    // A planted fault on record as true: the campaign must contradict the record and say where.
    let catalogue = claims::all();
    let claim = claims::find(&catalogue, "dls23/gradient-corrected").unwrap();
    let Subject::Logit(trial) = claim.subject else {
        panic!("a claim about losses of logits");
    };
    let planted = Claim {
        expected: Expected::Holds,
        subject: Subject::Logit(Trial {
            attack: None,
            check: trial.control,
            control: trial.check,
            ..trial
        }),
        ..*claim
    };
    let plan = Plan {
        claims: vec![&planted],
        seed: 2304,
        cases: Some(4),
        only: None,
    };
    let records = campaign::run(&plan, &|_| {});
    assert!(!records[0].as_recorded());
    let block = report::failure_block(&records[0], 2304, Some(4), Look::PLAIN);
    beside("catalogue").bind(|| insta::assert_snapshot!("failure-block", block));
}
