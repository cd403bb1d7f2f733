//! The sister losses through the commands: generate, reference, solve, and what is wrong with an instance of theirs.

use crate::common::{Run, Scratch, attreg};

const LOSSES: [&str; 9] = [
    "softmax",
    "exp",
    "cosh",
    "sinh",
    "residual-softmax",
    "two-layer relu",
    "two-layer softplus",
    "two-layer tanh",
    "two-layer identity",
];

#[test]
fn every_loss_can_be_generated_solved_and_referenced() {
    let scratch = Scratch::new();
    for loss in LOSSES {
        let mut words = loss.split(' ');
        let name = words.next().unwrap();
        let out = scratch.path(&loss.replace(' ', "-"));
        let mut arguments = vec!["generate", "theory", "--loss", name, "--n", "8", "--d", "2"];
        if let Some(activation) = words.next() {
            arguments.extend(["--activation", activation, "--outputs", "2"]);
        }
        arguments.extend(["--seed", "5", "--out", &out]);
        let run = attreg(&arguments);
        assert_eq!(run.status, 0, "{loss}: {}", run.err);
        let path = match name {
            "softmax" => format!("{out}/theory-0.json"),
            _ => format!("{out}/theory-{name}-0.json"),
        };
        assert!(run.out.contains(&path), "{}", run.out);

        let solved = attreg(["solve", &path, "--json"]);
        assert_eq!(solved.status, 0, "{loss}: {}{}", solved.out, solved.err);
        let solved = solved.json();
        let referenced = attreg(["reference", &path, "--minimiser", "--json"]);
        assert_eq!(
            referenced.status, 0,
            "{loss}: {}{}",
            referenced.out, referenced.err
        );
        let referenced = referenced.json();
        let bound = solved["error_bound"].as_f64().unwrap_or(1e-9);
        assert!(bound < 1e-8, "{loss}: {bound}");
        for j in 0..2 {
            let ours = solved["x"][j].as_f64().unwrap();
            let digits = referenced["minimiser"][j].as_str().unwrap();
            let off = (ours - digits.parse::<f64>().unwrap()).abs();
            // The decimals are rounded once when they are read.
            let rounding = f64::EPSILON * ours.abs();
            assert!(
                off <= bound + rounding,
                "{loss}, x[{j}]: {off:e} > {bound:e}"
            );
        }
    }
}

#[test]
fn options_of_the_second_layer_are_refused_where_they_have_no_use() {
    let scratch = Scratch::new();
    let out = scratch.path("made");
    let generate = |rest: &[&str]| {
        let mut arguments = vec!["generate", "weak", "--out", &out];
        arguments.extend(rest);
        attreg(&arguments)
    };
    generate(&["--loss", "exp", "--activation", "relu"])
        .assert_refused("--activation has no effect here: the loss exp has no second layer");
    generate(&["--outputs", "2"])
        .assert_refused("--outputs has no effect here: the loss softmax has no second layer");
    generate(&["--loss", "two-layer", "--outputs", "0"]).assert_usage("--outputs");
    generate(&["--loss", "two-layer", "--outputs", "99999999999"])
        .assert_refused("second_layer has shape");
    generate(&["--loss", "sigmoid"]).assert_usage("--loss");
    assert!(scratch.names().is_empty());
}

/// A manifest with one matrix column, the given loss and what belongs to it.
fn manifest(
    loss: &str,
    column: &str,
    target: &str,
    weight: &str,
    start: &str,
    rest: &str,
) -> String {
    format!(
        r#"{{"loss": "{loss}", "matrix": {column}, "target": {target}, "weights": {weight}, "start": [{start}]{rest}}}"#
    )
}

fn both(scratch: &Scratch, text: &str) -> [Run; 2] {
    let path = scratch.file("instance.json", text);
    [
        attreg(["solve", &path, "--json"]),
        attreg(["reference", &path, "--json"]),
    ]
}

#[test]
fn a_misfit_between_loss_and_fields_names_the_field() {
    let scratch = Scratch::new();
    let cases = [
        ("two-layer", "", "missing field `second_layer`"),
        (
            "two-layer",
            r#", "second_layer": [[1, 2]]"#,
            "missing field `activation`",
        ),
        (
            "two-layer",
            r#", "second_layer": [[1, 2]], "activation": "gelu""#,
            "activation: unknown \"gelu\"",
        ),
        (
            "two-layer",
            r#", "second_layer": [[1, 2, 3]], "activation": "tanh""#,
            "second_layer has shape 1 x 3, expected m x 2",
        ),
        (
            "cosh",
            r#", "activation": "tanh""#,
            "superfluous field `activation`",
        ),
        (
            "residual-softmax",
            r#", "second_layer": [[1, 2]]"#,
            "superfluous field `second_layer`",
        ),
    ];
    for (loss, rest, expected) in cases {
        let text = manifest(loss, "[[1], [2]]", "[1]", "1", "0", rest);
        for run in both(&scratch, &text) {
            run.assert_refused(expected);
        }
    }
}

#[test]
fn overflow_is_a_typed_error_of_the_solver_and_no_obstacle_to_the_oracle() {
    let scratch = Scratch::new();
    for loss in ["exp", "cosh", "sinh"] {
        let text = manifest(loss, "[[400], [-400]]", "[1, 2]", "0.5", "1", "");
        let [solved, referenced] = both(&scratch, &text);
        solved.assert_refused("start: loss[0] overflows f64");
        assert_eq!(referenced.status, 0, "{}", referenced.err);
        // 0.5 exp(800) and 0.125 exp(800), the latter once or twice: 10^346 and more.
        let digits = referenced.json()["loss"].as_str().unwrap().to_owned();
        let exponent: i64 = digits.split_once('e').unwrap().1.parse().unwrap();
        assert!((346..=347).contains(&exponent), "{loss}: {digits}");
    }
}

#[test]
fn a_pole_is_a_typed_error_of_both() {
    let scratch = Scratch::new();
    // Logits 0, -1 + t: exp(0) + 0 + exp(z) + z = 0 at z = -1.27846454276107..
    let root = "-1.2784645427610738";
    let text = manifest("residual-softmax", "[[0], [1]]", "[1, 0]", "0", root, "");
    let [solved, referenced] = both(&scratch, &text);
    solved.assert_refused("the loss has a pole there");
    // The nearest f64 is off by about 1e-17: at 40 digits that is not the pole.
    assert_eq!(referenced.status, 0, "{}", referenced.err);
}

#[test]
fn a_kink_is_refused_by_the_oracle_and_remarked_on_by_the_solver() {
    let scratch = Scratch::new();
    let rest = r#", "second_layer": [[1, -1]], "activation": "relu""#;
    let text = manifest("two-layer", "[[1], [0]]", "[-1]", "0.5", "0", rest);
    let [solved, referenced] = both(&scratch, &text);
    referenced.assert_refused("(A2 p)[0] cannot be told from zero");
    let warnings = solved.json()["warnings"].to_string();
    assert!(warnings.contains("kink of relu"), "{warnings}");
}

#[test]
fn cosh_at_the_origin_is_started_elsewhere_with_a_warning() {
    let scratch = Scratch::new();
    let text = manifest("cosh", "[[1], [2]]", "[5, 9]", "0.25", "0", "");
    let [solved, _] = both(&scratch, &text);
    assert_eq!(solved.status, 0, "{}{}", solved.out, solved.err);
    let report = solved.json();
    assert!(report["warnings"].to_string().contains("started elsewhere"));
    assert!(report["x"][0].as_f64().unwrap().abs() > 0.5);
}
