//! Systems with named arrays, on the command line: solve, check, generate, and what is refused.

use attention_regression::system::GENERATORS;

use crate::common::{Scratch, attreg, fixture};

const LOW_RANK: &str = r#"{ "system": "weighted-low-rank", "M": [[1, 2, null], [4, 5, 6.5], [0.5, 1, 2]],
    "W": [[1, 1, 0], [1, 1, 2], [1, 0.5, 1]], "rank": 1,
    "start": { "X": [[1], [2], [1]], "Y": [[1], [2], [3]] } }"#;

const ATTENTION: &str = r#"{ "system": "single-layer-attention", "A1": [[0], [2], [-3]], "A2": [[2], [0], [0]],
    "A3": [[-1], [4], [-2]], "B": [[2], [1], [2]], "start": { "X": [[0.05]], "Y": [[4.8]] } }"#;

/// The names of all generators.
fn kinds() -> impl Iterator<Item = &'static str> {
    GENERATORS.iter().map(|generator| generator.kind)
}

#[test]
fn the_answer_comes_by_name_and_check_accepts_it() {
    for (name, manifest) in [("low-rank", LOW_RANK), ("attention", ATTENTION)] {
        let scratch = Scratch::new();
        let file = scratch.file("p.json", manifest);
        let (arrays, text, trace) = (
            scratch.path("x.npz"),
            scratch.path("x.json"),
            scratch.path("trace.jsonl"),
        );
        let run = attreg([
            "solve", &file, "--json", "--output", &arrays, "--trace", &trace,
        ]);
        assert_eq!(run.status, 0, "{name}: {}{}", run.out, run.err);
        let report = run.json();
        assert_eq!(report["method"], "variable-projection");
        let basis = report["error_bound_basis"].as_str().unwrap();
        if name == "attention" {
            let bound = report["error_bound"].as_f64().unwrap();
            assert!((0.0..1e-6).contains(&bound), "{bound:e}");
            assert!(basis.starts_with("Newton-Kantorovich"), "{basis}");
            let without = attreg(["solve", &file, "--json", "--no-bound"]).json();
            assert!(without["error_bound"].is_null());
            assert_eq!(without["error_bound_basis"], "no bound: none was asked for");
        } else {
            assert!(report["error_bound"].is_null());
            assert!(basis.starts_with("none: "), "{basis}");
        }
        assert!(report["x"]["X"][0][0].is_f64() && report["x"]["Y"][0][0].is_f64());
        let lines = std::fs::read_to_string(&trace).unwrap();
        let steps = report["iterations"].as_u64().unwrap() as usize;
        assert_eq!(lines.lines().count(), steps + 1);
        assert_eq!(attreg(["solve", &file, "--output", &text]).status, 0);
        let again: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(&text).unwrap()).unwrap();
        assert_eq!(again, report["x"]);
        // A minimiser as an archive of arrays, and by name with its loss; then both spoilt.
        assert_eq!(attreg(["check", &file, &arrays]).status, 0, "{name}");
        let answer =
            serde_json::json!({"x": report["x"], "loss": report["loss"], "minimiser": report["x"]});
        let good = scratch.file("good.json", answer.to_string());
        let judged = attreg(["check", &file, &good, "--json"]);
        assert_eq!(judged.status, 0, "{name}: {}", judged.out);
        let mut spoilt = answer.clone();
        let entry = spoilt["minimiser"]["Y"][0][0].as_f64().unwrap();
        spoilt["minimiser"]["Y"][0][0] = (entry + 1e-3).into();
        spoilt["loss"] = (2.0 * report["loss"].as_f64().unwrap()).into();
        let bad = scratch.file("bad.json", spoilt.to_string());
        let judged = attreg(["check", &file, &bad, "--json"]);
        assert_eq!(judged.status, 1, "{name}");
        let verdict = judged.json();
        assert_eq!(verdict["minimiser"]["passed"], false);
        assert_eq!(verdict["loss"]["passed"], false);
        assert_eq!(verdict["diagnosis"][0]["id"], "factor-half");
        // The archive is a start, too.
        let from = attreg(["solve", &file, "--json", "--start", &arrays]);
        assert_eq!(from.json()["iterations"], 0, "{}", from.out);
    }
}

/// The oracle's own numbers, as reference prints them, pass; one entry of the Hessian changed is named by its unknowns.
#[test]
fn an_answer_is_judged_entry_by_entry() {
    for manifest in [LOW_RANK, ATTENTION] {
        let scratch = Scratch::new();
        let file = scratch.file("p.json", manifest);
        let mut answer = attreg(["reference", &file, "--json"]).json();
        answer.as_object_mut().unwrap().remove("format_version");
        let good = scratch.file("good.json", answer.to_string());
        let run = attreg(["check", &file, &good]);
        assert_eq!(run.status, 0, "{}{}", run.out, run.err);
        answer["hessian"][1][0] = "7.25".into();
        answer["gradient"]["Y"][0][0] = "1e3".into();
        let bad = scratch.file("bad.json", answer.to_string());
        let judged = attreg(["check", &file, &bad, "--json"]);
        assert_eq!(judged.status, 1);
        let verdict = judged.json();
        assert_eq!(verdict["gradient"]["worst"]["name"], " Y[0, 0]");
        assert!(
            verdict["hessian"]["worst"]["name"]
                .as_str()
                .unwrap()
                .ends_with(", X[0, 0]")
        );
        assert_eq!(verdict["loss"]["passed"], true);
    }
}

/// Claims about the system are decided on a user's instance, and every other one says that it is about another system.
#[test]
fn the_claims_about_a_system_are_decided_on_an_instance_of_it() {
    let scratch = Scratch::new();
    let file = scratch.file("p.json", LOW_RANK);
    let run = attreg(["verify", "--instance", &file, "--json"]);
    assert_eq!(run.status, 0, "{}", run.err);
    let report = run.json();
    let claims = report["claims"].as_array().unwrap();
    let about = |claim: &serde_json::Value| claim["paper"] == "weighted-low-rank";
    assert!(claims.iter().filter(|claim| about(claim)).count() >= 3);
    for claim in claims {
        // A recorded witness is tried besides, and is about the claim's own system.
        let others = claim["outside_reasons"]["loss"].as_u64().unwrap_or(0);
        assert_eq!(others, u64::from(!about(claim)), "{}", claim["id"]);
    }
    let decided = claims
        .iter()
        .find(|claim| claim["id"] == "weighted-low-rank/gradient")
        .unwrap();
    assert_eq!(decided["verdict"], "holds");
    assert_eq!(decided["strata"]["hidden entries"], 1);

    // The recorded witness of a false claim, replayed as a user would.
    let witness = fixture("witnesses/single-layer-attention-joint-hessian-psd.json");
    let run = attreg([
        "verify",
        "joint-hessian-psd",
        "--instance",
        witness.to_str().unwrap(),
    ]);
    assert_eq!(run.status, 0, "{}", run.err);
    assert!(
        run.out.contains("lambda_min(Hess L) observed -1.035533"),
        "{}",
        run.out
    );
}

/// A journal keeps cases of any system, and a report of the failures has the dimensions of theirs.
#[test]
fn a_campaign_about_a_system_can_be_resumed_and_reported() {
    let scratch = Scratch::new();
    let (journal, report) = (scratch.path("journal"), scratch.path("report"));
    let claim = "weighted-low-rank/row-problem-weights-once";
    let options = ["verify", claim, "--cases", "2", "--journal", &journal];
    let first = attreg(options);
    assert_eq!(first.status, 0, "{}", first.err);
    let again = attreg([&options[..], &["--resume", "--report", &report]].concat());
    assert_eq!(again.out, first.out, "{}", again.err);
    assert!(first.out.contains("n = 1, m = 2, k = 1"), "{}", first.out);
    let manifest = format!("{report}/weighted-low-rank-row-problem-weights-once.json");
    let replayed = attreg(["verify", claim, "--instance", &manifest]);
    assert_eq!(replayed.status, 0, "{}", replayed.err);
}

#[test]
fn what_does_not_fit_is_one_line() {
    let scratch = Scratch::new();
    let file = scratch.file("p.json", LOW_RANK);
    let logit = scratch.file("softmax.json", crate::common::BASELINE);
    let refused = |arguments: &[&str], line: &str| attreg(arguments).assert_refused(line);
    refused(
        &["solve", &file, "--method", "exact"],
        "method exact is for losses of logits: system \"weighted-low-rank\" is solved by variable-projection, alternating",
    );
    refused(
        &["solve", &logit, "--method", "alternating"],
        "method alternating is for other systems: a loss of logits is solved by auto, exact",
    );
    refused(
        &["solve", &file, "--output", &scratch.path("x.npy")],
        "the answer's file must end in .npz or .json",
    );
    refused(&["solve", &file, "--output", &file], "would replace");
    let clash = scratch.file(
        "clash.json",
        LOW_RANK.replace("[1, 0.5, 1]]", "[1, 0.5, 1], [1, 1, 1]]"),
    );
    for command in ["solve", "reference"] {
        attreg([command, &clash]).assert_refused("W is 4 x 3 (n x m): n = 4, but M has n = 3");
    }
    attreg(["verify", "dls23", "--instance", &clash])
        .assert_refused("W is 4 x 3 (n x m): n = 4, but M has n = 3");
    attreg(["check", &clash, &file]).assert_refused("W is 4 x 3 (n x m): n = 4, but M has n = 3");
    for (answer, line) in [
        (
            r#"{"gradient": {"X": [[1], [1], [1]]}}"#,
            "gradient needs Y",
        ),
        (
            r#"{"gradient": [1]}"#,
            "gradient: an object with its unknowns",
        ),
        (
            r#"{"minimiser": {"X": [[1], [1]], "Y": [[1], [1], [1]]}}"#,
            "minimiser.X has 2 entries, expected 3",
        ),
        (
            r#"{"loss": NaN}"#,
            "loss is NaN: every entry must be a finite number",
        ),
        (r#"{"hessian": [[1]]}"#, "hessian has 1 entries, expected 6"),
        (r#"{"losss": 1}"#, "unknown field `losss`"),
        (
            r#"{"x": {"X": [[1], [1], [1]], "Y": [[1], [1], [1]]}}"#,
            "nothing to check",
        ),
    ] {
        let answer = scratch.file("answer.json", answer);
        refused(&["check", &file, &answer], line);
    }
    let unknown = scratch.file("unknown.json", r#"{"system": "no-such"}"#);
    refused(&["check", &unknown, &file], "unknown system \"no-such\"");
    // Too large for the oracle, and said so.
    let head = fixture("systems/layer0-head5-planted.json");
    let answer = scratch.file("loss.json", r#"{"loss": 0}"#);
    attreg(
        [head.to_str().unwrap(), &answer]
            .iter()
            .fold(vec!["check"], |mut all, one| {
                all.push(one);
                all
            }),
    )
    .assert_refused("the graph of single-layer-attention with 2048 unknowns would need");
}

#[test]
fn generated_instances_are_the_same_twice_and_can_be_solved() {
    for kind in kinds() {
        let scratch = Scratch::new();
        let (one, two) = (scratch.path("one"), scratch.path("two"));
        for out in [&one, &two] {
            let run = attreg([
                "generate", kind, "--seed", "3", "--n", "6", "--d", "2", "--count", "2", "--out",
                out,
            ]);
            assert_eq!(run.status, 0, "{}", run.err);
        }
        for index in 0..2 {
            let name = format!("{kind}-{index}.json");
            let read = |folder: &str| std::fs::read(format!("{folder}/{name}")).unwrap();
            assert_eq!(read(&one), read(&two));
            let run = attreg(["solve", &format!("{one}/{name}"), "--json"]);
            let status = run.json()["status"].clone();
            assert!(run.status <= 1, "{kind}: {}", run.err);
            assert!(!status.as_str().unwrap().is_empty());
        }
        attreg(["generate", kind, "--norm", "2", "--out", &one])
            .assert_refused("--norm has no effect here: no system with named arrays has it");
        attreg(["generate", kind, "--n", "0", "--out", &one]).assert_refused("n is 0");
    }
}

/// The same bits for any number of threads.
#[test]
fn threads_do_not_change_an_answer() {
    let scratch = Scratch::new();
    let file = scratch.file("p.json", LOW_RANK);
    let answers: Vec<_> = ["1", "3"]
        .iter()
        .map(|threads| attreg(["solve", &file, "--json", "--threads", threads]).json()["x"].clone())
        .collect();
    assert_eq!(answers[0], answers[1]);
}

/// Pinned: a change of any generator shows here. Entries are dyadic or sums of products of such numbers.
#[test]
fn drawn_systems_never_change() {
    let scratch = Scratch::new();
    let out = scratch.path("made");
    let texts = GENERATORS.iter().map(|generator| {
        let kind = generator.kind;
        let mut arguments = vec!["generate", kind, "--seed", "7", "--n", "3", "--d", "1"];
        if generator.has_columns {
            arguments.extend(["--outputs", "2"]);
        }
        let run = attreg(arguments.into_iter().chain(["--out", &out]));
        assert_eq!(run.status, 0, "{}", run.err);
        std::fs::read_to_string(format!("{out}/{kind}-0.json")).unwrap()
    });
    let texts: Vec<String> = texts.collect();
    insta::assert_snapshot!(texts.concat());
}
