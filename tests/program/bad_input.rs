//! Whatever is wrong with the input: status 2, one line that names file, place and value, and no file left behind.

use crate::common::{BASELINE, Scratch, attreg, attreg_line};

/// Each manifest differs from the working baseline in one place.
#[test]
fn a_bad_manifest_is_refused_by_every_command_that_reads_one() {
    let scratch = Scratch::new();
    let good = scratch.file("good.json", BASELINE);
    let cases = [
        (
            "\"softmax\"",
            "\"softmin\"",
            "instance.json: unknown loss \"softmin\"",
        ),
        ("\"weights\"", "\"wieghts\"", "unknown field `wieghts`"),
        (
            "[-2, 3]",
            "[-2, 3, 4]",
            "instance.json: matrix has 3 entries in row 1, expected 2",
        ),
        ("[-2, 3]", "[-2, NaN]", "instance.json: matrix[1][1] is NaN"),
        (
            "[-2, 3]",
            "[-2, 1e400]",
            "instance.json: matrix[1][1] is 1e400",
        ),
        (
            "[[1, 0.5], [-2, 3], [0, 1], [1, 1]]",
            "[]",
            "instance.json: matrix is 0 x 0",
        ),
        (
            "[[1, 0.5], [-2, 3], [0, 1], [1, 1]]",
            "\"A.npy\"",
            "A.npy: ",
        ),
        (
            "[[1, 0.5], [-2, 3], [0, 1], [1, 1]]",
            "\"A.txt\"",
            "A.txt: a matrix file must end in .mtx, .mtx.gz, .npy, .npz, .safetensors, .csv or .svm",
        ),
        (
            "0.25, 0]",
            "0.25]",
            "instance.json: target has 3 entries, expected 4",
        ),
        (
            "[1, 1, 1, 1]",
            "[1, 1]",
            "instance.json: weights has 2 entries, expected 4",
        ),
        (
            "[0.5, -1]",
            "[0.5]",
            "instance.json: point has 1 entries, expected 2",
        ),
        ("[0.5, -1]\n}", "[0.5, -1]", "instance.json: EOF"),
    ];
    for command in ["solve", "reference"] {
        assert_eq!(attreg([command, &good]).status, 0);
        for (from, to, expected) in cases {
            let path = scratch.changed(from, to);
            attreg([command, &path]).assert_refused(expected);
        }
        attreg([command, &scratch.path("missing.json")])
            .assert_refused("missing.json: No such file");
        attreg([command, &scratch.file("binary.json", [0x93, b'N', 0xff])])
            .assert_refused("binary.json: ");
    }
}

#[test]
fn a_truncated_array_is_refused_and_named() {
    let scratch = Scratch::new();
    let whole = std::fs::read(crate::common::fixture("attention/layer0-head5-keys.npy")).unwrap();
    let path = scratch.changed("[[1, 0.5], [-2, 3], [0, 1], [1, 1]]", "\"keys.npy\"");
    for length in [0, 6, 9, 60, 128, 5000, whole.len() - 1] {
        scratch.file("keys.npy", &whole[..length]);
        attreg(["solve", &path]).assert_refused("keys.npy: ");
    }
    scratch.file("keys.npy", &whole);
    attreg(["solve", &path]).assert_refused("target has 4 entries, expected 512");
}

/// A sparse matrix as SciPy stores it, whole and damaged.
#[test]
fn a_sparse_archive_is_read_or_refused_and_named() {
    let scratch = Scratch::new();
    let read =
        |name: &str| std::fs::read(crate::common::fixture(&format!("sparse/{name}.npz"))).unwrap();
    let path = scratch.file(
        "instance.json",
        r#"{"loss": "softmax", "matrix": "A.npz", "target": [0.5, 0.25, 0.25], "weights": 10}"#,
    );
    let solved = |name: &str| {
        scratch.file("A.npz", read(name));
        let run = attreg(["solve", &path, "--json"]);
        assert!(run.status < 2, "{}", run.err);
        run.json()["x"].clone()
    };
    let plain = solved("csr");
    assert_eq!(plain.as_array().map(Vec::len), Some(4));
    assert_eq!(solved("csr-compressed"), plain);
    assert_eq!(solved("csr-array-int64"), plain);
    // The same matrix by columns and entry by entry.
    assert_eq!(solved("csc"), plain);
    assert_eq!(solved("coo"), plain);
    let whole = read("csr-compressed");
    for length in [0, 1, 30, whole.len() / 2, whole.len() - 1] {
        scratch.file("A.npz", &whole[..length]);
        attreg(["solve", &path]).assert_refused("A.npz");
    }
}

#[test]
fn arrays_of_compressed_rows_that_do_not_fit_are_refused_and_named() {
    let scratch = Scratch::new();
    let rows = "[[1, 0.5], [-2, 3], [0, 1], [1, 1]]";
    let sparse = r#"{"indptr": [0, 2, 4, 5, 7], "indices": [0, 1, 0, 1, 1, 0, 1], "data": [1, 0.5, -2, 3, 1, 1, 1], "shape": [4, 2]}"#;
    let path = scratch.changed(rows, sparse);
    assert_eq!(attreg(["solve", &path]).status, 0);
    for (from, to, expected) in [
        (
            "[0, 2, 4, 5, 7]",
            "[0, 2, 4, 3, 7]",
            "instance.json: indptr[3] is 3, expected at least indptr[2] = 4",
        ),
        (
            "[0, 2, 4, 5, 7]",
            "[0, 2, 4, 7]",
            "instance.json: indptr has 4 entries, expected 5",
        ),
        (
            "1, 0, 1]",
            "1, 0, 2]",
            "instance.json: indices[6] is 2, expected a column below 2",
        ),
        (
            "1, 1, 1]",
            "1, 1]",
            "instance.json: data has 6 entries, expected 7",
        ),
        (
            "1, 1, 1]",
            "1, 1, NaN]",
            "instance.json: matrix.data[6] is NaN",
        ),
        ("\"shape\"", "\"size\"", "unknown field `size`"),
    ] {
        assert!(sparse.contains(from), "{from}");
        let path = scratch.changed(rows, &sparse.replacen(from, to, 1));
        for command in ["solve", "reference"] {
            attreg([command, &path]).assert_refused(expected);
        }
    }
}

/// 2^53 + 1 lies between two f64s; 2^60 and 1e22 are f64s, and what has a point or an exponent is rounded as ever.
#[test]
fn an_integer_that_f64_has_not_is_refused_with_its_place_and_the_cure() {
    let scratch = Scratch::new();
    let rounded = "9007199254740993";
    let cure = format!("is {rounded}, which no f64 is: write {rounded}.0 if the nearest is meant");
    for (from, to, place) in [
        ("[-2, 3]", "[-2, N]", "matrix[1][1]"),
        ("0.5, 0.25, 0]", "0.5, N, 0]", "target[2]"),
        ("[1, 1, 1, 1]", "N", "weights"),
        ("[0.5, -1]", "[0.5, -N]", "start[1]"),
    ] {
        let instance = scratch.changed(from, &to.replace('N', rounded));
        let expected = match to.contains('-') && place.starts_with("start") {
            true => cure.replace(rounded, &format!("-{rounded}")),
            false => cure.clone(),
        };
        let expected = format!("instance.json: {place} {expected}");
        for command in ["solve", "reference"] {
            attreg([command, &instance]).assert_refused(&expected);
        }
    }
    let good = scratch.file("good.json", BASELINE);
    let answer = scratch.file("answer.json", format!("{{\"gradient\": [1, {rounded}]}}"));
    attreg(["check", &good, &answer]).assert_refused(&format!("answer.json: gradient[1] {cure}"));
    let point = format!("[0.5, {rounded}]");
    let expected = format!("array on the command line: [1] {cure}");
    attreg(["reference", &good, "--at", &point]).assert_refused(&expected);
    attreg(["solve", &good, "--start", &point]).assert_refused(&expected);
    let system = scratch.file(
        "system.json",
        format!(
            r#"{{"system": "weighted-low-rank", "M": [[2, {rounded}]], "W": [[1, 1]], "rank": 1}}"#
        ),
    );
    attreg(["reference", &system]).assert_refused(&format!("system.json: M[0][1] {cure}"));
    for exact in [
        "1152921504606846976",
        "10000000000000000000000",
        "9007199254740993.0",
    ] {
        let instance = scratch.changed("0.5, 0.25, 0]", &format!("0.5, {exact}, 0]"));
        let run = attreg(["reference", &instance]);
        assert_eq!(run.status, 0, "{exact}: {}", run.err);
    }
}

#[test]
fn a_bad_point_is_refused_and_named() {
    let scratch = Scratch::new();
    let good = scratch.file("good.json", BASELINE);
    for (command, option) in [("solve", "--start"), ("reference", "--at")] {
        let fine = scratch.file("x.json", "[0.25, 1]");
        assert_eq!(attreg([command, &good, option, &fine]).status, 0);
        for (text, expected) in [
            ("[0.25]", "x.json: point has 1 entries, expected 2"),
            ("[0.25, 1, 2]", "x.json: point has 3 entries, expected 2"),
            ("[0.25, NaN]", "x.json: [1] is NaN"),
            ("[0.25, 1e999]", "x.json: [1] is 1e999"),
            ("[0.25, 1", "x.json: EOF"),
            ("{\"x\": 1}", "x.json: invalid type: map"),
            ("", "x.json: EOF"),
        ] {
            let path = scratch.file("x.json", text);
            attreg([command, &good, option, &path]).assert_refused(expected);
        }
    }
}

#[test]
fn settings_outside_their_range_are_refused() {
    let scratch = Scratch::new();
    let good = scratch.file("good.json", BASELINE);
    for (option, value, expected) in [
        (
            "--tolerance",
            "-1",
            "tolerance is -1: must be finite and > 0",
        ),
        ("--tolerance", "0", "tolerance is 0: must be finite and > 0"),
        (
            "--tolerance",
            "NaN",
            "tolerance is NaN: must be finite and > 0",
        ),
        (
            "--tolerance",
            "inf",
            "tolerance is inf: must be finite and > 0",
        ),
        (
            "--tolerance",
            "-inf",
            "tolerance is -inf: must be finite and > 0",
        ),
        (
            "--max-iterations",
            "0",
            "max_iterations is 0: must be at least 1",
        ),
        (
            "--output",
            "x.txt",
            "x.txt: the answer's file must end in .npy or .json",
        ),
    ] {
        attreg(["solve", &good, option, value]).assert_refused(expected);
    }
    for (option, value, expected) in [
        (
            "--tolerance",
            "tiny",
            "invalid value 'tiny' for '--tolerance <T>'",
        ),
        ("--max-iterations", "-3", "'-3'"),
        ("--seed", "-1", "'-1'"),
        (
            "--method",
            "fast",
            "invalid value 'fast' for '--method <METHOD>'",
        ),
        ("--threads", "0", "invalid value '0' for '--threads <N>'"),
    ] {
        attreg(["solve", &good, option, value]).assert_usage(expected);
    }
    assert_eq!(scratch.names(), ["good.json"]);
}

/// In clap's words: the usage, and what was probably meant.
#[test]
fn unusable_arguments_are_answered_with_the_usage() {
    attreg_line("slove x.json").assert_usage("tip: a similar subcommand exists: 'solve'");
    attreg_line("solve").assert_usage("\n  <INSTANCE>\n\nUsage: attreg solve <INSTANCE>\n");
    attreg_line("solve x.json --nonsense").assert_usage("unexpected argument '--nonsense'");
    let nothing = attreg_line("");
    assert_eq!(nothing.status, 2, "{}", nothing.err);
    assert!(nothing.out.is_empty(), "{}", nothing.out);
    assert!(
        nothing.err.contains("Usage: attreg [OPTIONS] <COMMAND>"),
        "{}",
        nothing.err
    );
}

#[test]
fn an_answer_that_cannot_be_written_is_an_error_and_leaves_nothing() {
    let scratch = Scratch::new();
    let good = scratch.file("good.json", BASELINE);
    let nowhere = scratch.path("no/such/x.npy");
    attreg(["solve", &good, "--output", &nowhere]).assert_refused("x.npy: ");
    attreg(["solve", &good, "--trace", &nowhere]).assert_refused("x.npy: ");
    assert_eq!(scratch.names(), ["good.json"]);
}

#[test]
fn a_weight_whose_square_overflows_is_refused_by_the_solver() {
    let scratch = Scratch::new();
    let path = scratch.changed("[1, 1, 1, 1]", "[1, 1, -1e200, 1]");
    attreg(["solve", &path]).assert_refused("instance.json: weights[2] is -1e200");
}

#[test]
fn sizes_that_cannot_be_generated_are_refused() {
    let scratch = Scratch::new();
    let out = scratch.path("made");
    for (option, value, expected) in [
        ("--n", "0", "n = 0, d = 4"),
        ("--d", "0", "d = 0"),
        ("--d", "17", "1 <= d <= n"),
        ("--n", "99999999999", "n d <= 2^27"),
        ("--norm", "NaN", "R = NaN"),
        ("--norm", "-1", "R = -1"),
        ("--convexity", "-1", "l = -1"),
    ] {
        attreg(["generate", "theory", "--out", &out, option, value]).assert_refused(expected);
    }
    attreg(["generate", "theory", "--out", &out, "--count", "0"]).assert_usage("--count");
    attreg(["generate", "practise", "--out", &out])
        .assert_usage("similar value exists: 'practice'");
    assert!(scratch.names().is_empty());
    let taken = scratch.file("taken", "");
    attreg(["generate", "theory", "--out", &taken]).assert_refused("taken: ");
}
