//! The planner of degrees on the command line.

use crate::common::attreg_line;

const BASE: &str = "degree-window --width 402 --copies 100 --class-weight 0.25 --signs 80 --small 0.0625 --large 0.75 --failure 0.0078125";

/// First and last degree, and probabilities, from `fixtures/oracle/separation_mpmath.py`, which tries all degrees.
#[test]
fn the_window_is_printed_with_exact_probabilities_at_its_ends() {
    let run = attreg_line(&format!("{BASE} --json"));
    assert_eq!(run.status, 0, "{}", run.err);
    let report = run.json();
    assert_eq!(report["status"], "separates");
    assert_eq!(report["tokens"], 40_000);
    assert_eq!(report["first"]["degree"], 15);
    assert_eq!(report["last"]["degree"], 153);
    assert_eq!(report["every_degree"], true);
    let probability =
        |end: &str, which: &str| -> f64 { report[end][which].as_str().unwrap().parse().unwrap() };
    for end in ["first", "last"] {
        assert!(probability(end, "small_fires") <= 0.0078125);
        assert!(probability(end, "large_fires") >= 1.0 - 0.0078125);
    }
    let signs = report["signs_enough"].as_u64().unwrap();
    assert!((1..=80).contains(&signs), "{signs}");
    let table = attreg_line(BASE).out;
    assert!(
        table.contains("last degree") && table.contains("153"),
        "{table}"
    );
}

#[test]
fn a_network_that_no_degree_helps_ends_with_status_1() {
    // b = 0.5 at a width of 22: the random part alone passes the threshold.
    let run = attreg_line("degree-window --width 22 --copies 10 --signs 80");
    assert_eq!(run.status, 1, "{}", run.err);
    assert!(run.out.contains("no-window-found"), "{}", run.out);
    // a_0 + b below kappa: silent at every degree.
    let run = attreg_line(
        "degree-window --width 402 --copies 10 --class-weight 0.03125 --small 0.03125 --large 1 --signs 40 --json",
    );
    assert_eq!(run.status, 0, "{}", run.err);
    let report = run.json();
    assert!(report["last"].is_null());
    assert_eq!(report["small_passes_above"], "never");
}

#[test]
fn bad_numbers_are_one_line() {
    for (option, line) in [
        ("--width 2 --copies 1", "the width is 2: must be from 3 to"),
        (
            "--width 9 --copies 4 --class-weight 1.5",
            "the class weight is 1.5: must be above 0 and below 1",
        ),
        (
            "--width 9 --copies 4 --small 0.9",
            "the large excess is 0.7: must be above the small one",
        ),
        (
            "--width 9 --copies 4 --small -1",
            "the excess is -1: must be at least 0",
        ),
        (
            "--width 9 --copies 4 --failure 0",
            "the failure probability is 0: must be above 0 and below 1",
        ),
    ] {
        attreg_line(&format!("degree-window --signs 3 {option}")).assert_refused(line);
    }
}
