//! Formats of reports, and options that change nothing.

use attention_regression::report;

use crate::common::{BASELINE, Scratch, attreg, attreg_line, failing_on, fixture};

/// Whoever gives an option expects that it does something.
#[test]
fn an_option_without_effect_is_refused_with_the_reason() {
    let scratch = Scratch::new();
    let good = scratch.file("good.json", BASELINE);
    let out = scratch.path("made");
    let system = r#"{"system": "weighted-low-rank", "M": [[2]], "W": [[1]], "rank": 1}"#;
    let start = r#"1, "start": {"X": [[1]], "Y": [[1]]}}"#;
    let started = scratch.file("started.json", system.replace("1}", start));
    let unstarted = scratch.file("system.json", system);
    let with_seed = attreg(["solve", &unstarted, "--seed", "1"]);
    assert_eq!(with_seed.status, 0, "{}{}", with_seed.out, with_seed.err);
    attreg(["solve", &started, "--seed", "1"])
        .assert_refused("--seed has no effect here: it draws a start, and there is one");
    for (line, option, reason) in [
        (
            "verify dls23/fact-squared-norm --cases 3 --instance FILE",
            "--cases",
            "with --instance no case is drawn",
        ),
        (
            "solve FILE --method exact --seed 1",
            "--seed",
            "the exact method draws no sample",
        ),
        (
            "generate practice --out OUT --convexity 2",
            "--convexity",
            "only instances of the theory have an l",
        ),
        (
            "generate edge --out OUT --count 1 --n 8",
            "--n",
            "the first instance of the edges has n = 1",
        ),
        (
            "generate edge --out OUT --count 2 --d 3",
            "--d",
            "the first two instances of the edges have d = 1",
        ),
        (
            "generate weak --out OUT --activation relu",
            "--activation",
            "the loss softmax has no second layer",
        ),
        (
            "generate weak --out OUT --loss exp --outputs 2",
            "--outputs",
            "the loss exp has no second layer",
        ),
    ] {
        let line = line.replace("FILE", &good).replace("OUT", &out);
        attreg_line(&line).assert_refused(&format!("{option} has no effect here: {reason}"));
    }
    for option in [
        "--loss exp",
        "--activation relu",
        "--outputs 2",
        "--seed 1",
        "--n 8",
        "--d 2",
        "--count 1",
        "--norm 2",
        "--convexity 2",
    ] {
        let name = option.split(' ').next().unwrap();
        let expected = format!("{name} has no effect here: the conformance kit is always the same");
        attreg_line(&format!("generate conformance --out {out} {option}"))
            .assert_refused(&expected);
    }
    assert_eq!(
        scratch.names(),
        ["good.json", "started.json", "system.json"]
    );
}

/// The same options where they do something, each against the run without it.
#[test]
fn the_options_that_are_refused_elsewhere_have_an_effect_here() {
    let scratch = Scratch::new();
    let made = |kind: &str, name: &str, options: &str| {
        let out = scratch.path(name);
        let run = attreg_line(&format!("generate {kind} --out {out} {options}"));
        assert_eq!(run.status, 0, "{}", run.err);
        let mut files: Vec<_> = std::fs::read_dir(out)
            .unwrap()
            .map(|file| std::fs::read(file.unwrap().path()).unwrap())
            .collect();
        files.sort();
        files
    };
    for (k, (kind, common, option)) in [
        ("edge", "--count 2", "--n 8"),
        ("edge", "--count 3", "--d 3"),
        ("theory", "", "--convexity 2"),
        ("theory", "", "--norm 2"),
        ("practice", "", "--norm 2"),
        ("weak", "", "--norm 2"),
        ("edge", "", "--norm 2"),
        ("ill-conditioned", "", "--norm 2"),
        ("ill-conditioned", "", "--seed 2"),
        ("weak", "--loss two-layer", "--outputs 2"),
        ("weak", "--loss two-layer", "--activation relu"),
    ]
    .into_iter()
    .enumerate()
    {
        let plain = made(kind, &format!("plain{k}"), common);
        let with = made(kind, &format!("with{k}"), &format!("{common} {option}"));
        assert_ne!(plain, with, "{kind} {common} {option}");
    }
}

#[test]
fn standard_input_is_read_by_one() {
    attreg_line("solve - --start -").assert_refused(
        "standard input: both INSTANCE and --start name it, and it can be read only once",
    );
    attreg_line("reference - --at -").assert_refused("both INSTANCE and --at name it");
    attreg_line("check - -").assert_refused("both INSTANCE and ANSWER name it");
    attreg_line("verify dls23 --instance - --instance -")
        .assert_refused("--instance names it twice");
}

/// Every object that the commands print for programs says which version of the format it has.
#[test]
fn every_json_report_begins_with_the_version_of_its_format() {
    let scratch = Scratch::new();
    let good = scratch.file("good.json", BASELINE);
    let answer = scratch.file("answer.json", "{\"loss\": 1}");
    let other = scratch.file(
        "other.json",
        r#"{"system": "weighted-low-rank", "M": [[2]], "W": [[0.5]], "rank": 1, "start": {"X": [[1.5]], "Y": [[-0.75]]}}"#,
    );
    let trace = scratch.path("trace.jsonl");
    for arguments in [
        &[
            "verify",
            "dls23/fact-squared-norm",
            "--cases",
            "2",
            "--json",
        ][..],
        &["claims", "--json"],
        &["claims", "dls23/fact-squared-norm", "--json"],
        &["solve", &good, "--json", "--trace", &trace],
        &["reference", &good, "--json"],
        &["reference", &other, "--json"],
        &["check", &good, &answer, "--json"],
    ] {
        let run = attreg(arguments);
        assert!(run.status < 2, "{}", run.err);
        assert!(run.out.starts_with("{\"format_version\":1,"), "{}", run.out);
        assert_eq!(run.json()["format_version"], 1, "{arguments:?}");
        assert_eq!(run.out.matches("format_version").count(), 1);
    }
    let lines = std::fs::read_to_string(trace).unwrap();
    assert!(!lines.is_empty());
    for line in lines.lines() {
        assert!(line.starts_with("{\"format_version\":1,"), "{line}");
    }
}

#[test]
fn json_is_another_word_for_format_json() {
    let scratch = Scratch::new();
    let good = scratch.file("good.json", BASELINE);
    let answer = scratch.file("answer.json", "{\"loss\": 1}");
    for arguments in [
        &["verify", "dls23/fact-squared-norm", "--cases", "2"][..],
        &["check", &good, &answer],
    ] {
        let with = |options: &[&str]| attreg([arguments, options].concat());
        assert_eq!(with(&["--json"]).out, with(&["--format", "json"]).out);
        assert_eq!(with(&[]).out, with(&["--format", "text"]).out);
        with(&["--json", "--format", "text"]).assert_usage("cannot be used with");
        with(&["--format", "xml"]).assert_usage("[possible values: text, json, junit]");
    }
}

/// A witness of one claim, given to all the claims of its paper: held as recorded, failed as recorded, outside the premise.
#[test]
fn junit_has_a_case_for_each_claim() {
    let witness = fixture("witnesses/dls23-gradient-printed.json");
    let run = attreg([
        "verify",
        "dls23/gradient-printed",
        "dls23/gradient-corrected",
        "residual-softmax/gradient-derived",
        "--instance",
        witness.to_str().unwrap(),
        "--format",
        "junit",
    ]);
    assert_eq!(run.status, 0, "{}{}", run.out, run.err);
    let lines: Vec<&str> = run.out.lines().collect();
    assert_eq!(lines[0], "<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
    assert_eq!(
        lines[2],
        "<testsuite name=\"attreg verify\" tests=\"3\" failures=\"0\" errors=\"0\" skipped=\"1\">"
    );
    for line in [
        "<testcase classname=\"dls23\" name=\"gradient-printed\"/>",
        "<testcase classname=\"dls23\" name=\"gradient-corrected\"/>",
    ] {
        assert!(lines.contains(&line), "{}", run.out);
    }
    let skipped = "name=\"gradient-derived\"><skipped message=\"outside the premise: ";
    assert!(run.out.contains(skipped), "{}", run.out);
}

/// A statement that is false, put on record as true: the failure block is in the report, with the letters of XML escaped.
#[test]
fn a_failure_in_junit_carries_its_block() {
    let scratch = Scratch::new();
    let witness = std::fs::read(fixture("witnesses/dls23-gradient-printed.json")).unwrap();
    let file = scratch.file("<A> & \"b\".json", witness);
    let records = failing_on(&file);
    let text = report::junit("attreg verify", &report::test_cases(&records, 7, None));
    assert!(
        text.contains("tests=\"1\" failures=\"1\" errors=\"0\" skipped=\"0\""),
        "{text}"
    );
    assert!(
        text.contains(
            "<failure message=\"recorded holds, verdict fails\">DIFFERS dls23/gradient-printed: "
        ),
        "{text}"
    );
    assert!(
        text.contains("&lt;A&gt; &amp; &quot;b&quot;.json"),
        "{text}"
    );
    assert!(!text.contains("<A>"), "{text}");
    // The block is there to its last line.
    assert!(
        text.contains("\n  re-run    attreg verify dls23/gradient-printed --seed 7 --instance "),
        "{text}"
    );
}

#[test]
fn an_answer_is_reported_as_junit_too() {
    let scratch = Scratch::new();
    let good = scratch.file("good.json", BASELINE);
    let loss = attreg(["reference", &good, "--json"]).json()["loss"].to_string();
    let answer = scratch.file(
        "answer.json",
        format!("{{\"loss\": {loss}, \"gradient\": [1, \"2\"]}}"),
    );
    let run = attreg(["check", &good, &answer, "--format", "junit"]);
    assert_eq!(run.status, 1, "{}", run.err);
    assert!(
        run.out.contains("tests=\"2\" failures=\"1\""),
        "{}",
        run.out
    );
    assert!(run.out.contains("name=\"loss\"/>"), "{}", run.out);
    let failure = "name=\"gradient\"><failure message=\"";
    assert!(run.out.contains(failure), "{}", run.out);
}
