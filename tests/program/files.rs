//! Files as users of other programs have them: every kind that is read gives the right loss, what is refused names the
//! cure, standard input and arrays that are written out are inputs, and no output replaces an input or another output.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::common::{BASELINE, Scratch, attreg};

/// A file that somebody else's program wrote.
fn given(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/files")
        .join(name)
}

/// Runs the program in a directory, with a text on standard input.
fn with_input(directory: &Path, arguments: &[&str], input: &str) -> crate::common::Run {
    let mut child = Command::new(env!("CARGO_BIN_EXE_attreg"))
        .args(arguments)
        .current_dir(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    crate::common::Run {
        status: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Expected values: `tests/fixtures/files/expected.py` (mpmath from the definition; files read by numpy and scipy).
#[test]
fn files_of_every_kind_give_the_loss_of_their_numbers() {
    for (name, expected) in [
        ("bf16.json", "0.0949067505928625945287865338832"),
        ("bom-manifest.json", "0.0949067505928625945287865338832"),
        ("bom.json", "0.0949067505928625945287865338832"),
        ("cr-only.json", "0.0949067505928625945287865338832"),
        ("f4-i4.json", "0.0949067505928625945287865338832"),
        ("f4.json", "0.0949067505928625945287865338832"),
        ("gzipped.json", "0.0949067505928625945287865338832"),
        ("i8.json", "1.22261380257660538640312494345"),
        ("int-data.json", "1.22261380257660538640312494345"),
        ("mmwrite-uint.json", "0.0251574254660695151956355284469"),
        ("target-column.json", "0.0949067505928625945287865338832"),
        ("target-int.json", "0.326880302381458808183946417374"),
        ("target-mtx.json", "0.0949067505928625945287865338832"),
    ] {
        let path = given(name);
        let run = attreg([
            "reference",
            path.to_str().unwrap(),
            "--at",
            "[0.3, -0.2]",
            "--json",
        ]);
        assert_eq!(run.status, 0, "{name}: {}", run.err);
        let found = run.json()["loss"].as_str().unwrap().to_owned();
        assert_eq!(digits(&found)[..28], digits(expected)[..28], "{name}");
        let solved = attreg(["solve", path.to_str().unwrap()]);
        assert!(solved.status < 2, "{name}: {}", solved.err);
    }
    let path = given("index-float.json");
    attreg(["solve", path.to_str().unwrap()])
        .assert_refused("index-float.mtx: line 3: row 1.0 is not an integer");
}

/// The arrays of any system, its starts and its answers.
#[test]
fn a_tensor_is_an_array_of_any_system() {
    let manifest = |matrix: &str| {
        format!(
            r#"{{ "system": "attention-kernel-regression", "matrix": {matrix}, "kind": "odd", "target": [1, -2, 0.5, 3] }}"#
        )
    };
    let scratch = Scratch::new();
    let tensor = given("bf16.safetensors");
    let stored = scratch.file("t.json", manifest(&format!("{tensor:?}")));
    let inline = manifest("[[1.5, -0.25], [0.5, 2.0], [-1.0, 0.75], [0.0, -1.0]]");
    let inline = scratch.file("i.json", inline);
    let solved = |file: &str| attreg(["solve", file, "--json"]).json()["x"].clone();
    assert_eq!(solved(&stored), solved(&inline));
    // Four numbers are no point of the plane.
    let target = given("target.safetensors");
    let run = attreg(["solve", &stored, "--start", target.to_str().unwrap()]);
    run.assert_refused("target.safetensors: x is 4, expected 2");
}

/// The significant digits of a decimal number, and its power of ten.
fn digits(number: &str) -> String {
    let (mantissa, exponent) = number.split_once('e').unwrap_or((number, "0"));
    let value: f64 = number.parse().unwrap();
    let all: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    assert!(exponent.parse::<i32>().is_ok());
    format!(
        "{:+03}{}",
        value.log10().floor(),
        all.trim_start_matches('0')
    )
}

/// `fixtures/arrays/make.py` printed this loss of its problem, from the definition in numpy.
#[test]
fn one_archive_of_named_arrays_is_an_instance() {
    let path = crate::common::fixture("arrays/problem.npz");
    let run = attreg([
        "reference",
        path.to_str().unwrap(),
        "--at",
        "[0.3, -0.2]",
        "--json",
    ]);
    let found: f64 = run.json()["loss"].as_str().unwrap().parse().unwrap();
    assert!((found - 0.09490675059286259).abs() < 1e-16, "{found}");
    let path = crate::common::fixture("arrays/misspelt.npz");
    attreg(["solve", path.to_str().unwrap()])
        .assert_refused("misspelt.npz: unknown array \"wieghts\", expected one of loss, matrix");
}

#[test]
fn standard_input_is_an_instance_whose_paths_start_here() {
    let scratch = Scratch::new();
    scratch.file("b.json", "[0.25, 0.5, 0.25, 0]");
    let directory = scratch.path("");
    let text = BASELINE.replace("[0.25, 0.5, 0.25, 0]", "\"b.json\"");
    let plain = attreg(["reference", &scratch.file("p.json", BASELINE)]).out;
    let run = |arguments: &[&str], input: &str| with_input(directory.as_ref(), arguments, input);
    assert_eq!(run(&["reference", "-"], &text).out, plain);
    let solved = run(&["solve", "-", "--json"], &text);
    assert_eq!(solved.status, 0, "{}", solved.err);
    let claim = ["verify", "dls23/gradient-corrected", "--instance", "-"];
    assert_eq!(run(&claim, &text).status, 0);
    let at = run(&["reference", "p.json", "--at", "-"], "[0.5, \"-1\"]");
    assert_eq!(at.out, plain);
    run(&["solve", "-"], "{").assert_refused("standard input: EOF while parsing");
    run(&["solve", "-"], &text.replace("softmax", "softmin"))
        .assert_refused("standard input: unknown loss");
    run(&["solve", "-"], &text.replace("b.json", "c.json"))
        .assert_refused("attreg: c.json: No such file");
}

#[test]
fn a_point_may_be_written_out_on_the_command_line() {
    let scratch = Scratch::new();
    let good = scratch.file("good.json", BASELINE);
    for (command, option) in [("solve", "--start"), ("reference", "--at")] {
        let file = scratch.file("x.json", "[0.25, 1]");
        let without_seconds = |point: &str| {
            let mut value = attreg([command, &good, option, point, "--json"]).json();
            if let Some(object) = value.as_object_mut() {
                object.remove("seconds");
            }
            value
        };
        let expected = without_seconds(&file);
        for point in ["[0.25, 1]", "[0.25,1]", " [\"0.25\", \"1\"]"] {
            assert_eq!(without_seconds(point), expected, "{point}");
        }
        for (point, message) in [
            (
                "[0.25]",
                "array on the command line: point has 1 entries, expected 2",
            ),
            ("[0.25, NaN]", "array on the command line: [1] is NaN"),
            ("[0.25, \"inf\"]", "array on the command line: [1]"),
            ("[0.25, 1", "array on the command line: EOF"),
        ] {
            attreg([command, &good, option, point]).assert_refused(message);
        }
    }
}

/// Refused before any work, and every input is there as it was.
#[test]
fn no_output_replaces_an_input_or_another_output() {
    let scratch = Scratch::new();
    let text = BASELINE.replace("[0.25, 0.5, 0.25, 0]", "\"b.json\"");
    let problem = scratch.file("p.json", &text);
    let target = scratch.file("b.json", "[0.25, 0.5, 0.25, 0]");
    let start = scratch.file("x.json", "[0.25, 1]");
    fs::create_dir(scratch.path("sub")).unwrap();
    let around = scratch.path("sub/../p.json");
    let mut same = vec![problem.clone(), around];
    #[cfg(unix)]
    {
        let link = scratch.path("link.json");
        std::os::unix::fs::symlink(&problem, &link).unwrap();
        same.push(link);
    }
    for option in ["--output", "--trace"] {
        for output in &same {
            attreg(["solve", &problem, option, output])
                .assert_refused(&format!("{output}: {option} would replace {problem}"));
        }
        attreg(["solve", &problem, option, &target])
            .assert_refused(&format!("{option} would replace {target}"));
        attreg(["solve", &problem, "--start", &start, option, &start])
            .assert_refused(&format!("{option} would replace {start}"));
    }
    for other in ["o.json", "sub/../o.json"] {
        let (one, other) = (scratch.path("o.json"), scratch.path(other));
        attreg(["solve", &problem, "--output", &one, "--trace", &other])
            .assert_refused(&format!("{other}: --output and --trace are the same file"));
        assert!(!Path::new(&one).exists());
    }
    assert_eq!(fs::read_to_string(&problem).unwrap(), text);
    assert_eq!(fs::read_to_string(&target).unwrap(), "[0.25, 0.5, 0.25, 0]");
    assert_eq!(fs::read_to_string(&start).unwrap(), "[0.25, 1]");
    let fine = scratch.path("o.json");
    let trace = scratch.path("t.json");
    let run = attreg(["solve", &problem, "--output", &fine, "--trace", &trace]);
    assert_eq!(run.status, 0, "{}", run.err);
    // A second time: old outputs are no inputs.
    let run = attreg(["solve", &problem, "--output", &fine, "--trace", &trace]);
    assert_eq!(run.status, 0, "{}", run.err);
}

/// Standard input may be a file, too.
#[cfg(target_os = "linux")]
#[test]
fn the_file_behind_standard_input_is_not_replaced() {
    let scratch = Scratch::new();
    let problem = scratch.file("p.json", BASELINE);
    let output = Command::new(env!("CARGO_BIN_EXE_attreg"))
        .args(["solve", "-", "--output", &problem])
        .stdin(fs::File::open(&problem).unwrap())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(
        message.contains("--output would replace standard input"),
        "{message}"
    );
    assert_eq!(fs::read_to_string(&problem).unwrap(), BASELINE);
}

/// A report has a manifest of the name of each claim that fails; whether it will is not known before the work.
#[test]
fn a_report_does_not_replace_the_instance_that_it_is_about() {
    let scratch = Scratch::new();
    let claim = "dls23/gradient-corrected";
    let directory = scratch.path("rr");
    fs::create_dir(&directory).unwrap();
    for name in ["report.json", "dls23-gradient-corrected.json"] {
        let instance = scratch.file(&format!("rr/{name}"), BASELINE);
        attreg([
            "verify",
            claim,
            "--instance",
            &instance,
            "--report",
            &directory,
        ])
        .assert_refused(&format!("--report would replace {instance}"));
        assert_eq!(fs::read_to_string(&instance).unwrap(), BASELINE);
        fs::remove_file(&instance).unwrap();
    }
    let journal = format!("{directory}/report.txt");
    attreg([
        "verify",
        claim,
        "--cases",
        "1",
        "--report",
        &directory,
        "--journal",
        &journal,
    ])
    .assert_refused("--journal and --report are the same file");
}

#[test]
fn messages_about_outputs_name_the_users_file_alone() {
    let scratch = Scratch::new();
    let good = scratch.file("good.json", BASELINE);
    let nowhere = scratch.path("no/such/x.npy");
    for option in ["--output", "--trace"] {
        let run = attreg(["solve", &good, option, &nowhere]);
        assert_eq!(run.status, 2);
        assert_eq!(
            run.err,
            format!("attreg: {nowhere}: No such file or directory (os error 2)\n")
        );
    }
}

/// Upper case means the same as lower case, for the files that are written as for those that are read.
#[test]
fn suffixes_are_the_same_in_upper_case() {
    let scratch = Scratch::new();
    let good = scratch.file("good.json", BASELINE);
    for name in ["X.NPY", "X.Json"] {
        let output = scratch.path(name);
        assert_eq!(attreg(["solve", &good, "--output", &output]).status, 0);
        let read = attreg(["reference", &good, "--at", &output]);
        assert_eq!(read.status, 0, "{}", read.err);
    }
    assert!(
        fs::read(scratch.path("X.NPY"))
            .unwrap()
            .starts_with(b"\x93NUMPY")
    );
}

#[cfg(unix)]
#[test]
fn an_output_keeps_the_mode_of_the_file_that_it_replaces() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = Scratch::new();
    let good = scratch.file("good.json", BASELINE);
    for name in ["m.json", "m.npy"] {
        let output = scratch.file(name, "old");
        fs::set_permissions(&output, fs::Permissions::from_mode(0o664)).unwrap();
        assert_eq!(attreg(["solve", &good, "--output", &output]).status, 0);
        let mode = fs::metadata(&output).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o664, "{mode:o}");
        assert_ne!(fs::read(&output).unwrap(), b"old");
    }
}
