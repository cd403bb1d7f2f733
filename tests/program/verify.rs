//! `attreg verify` on files, directories and sizes of the user's choice.

use std::process::Command;

use crate::common::{Scratch, attreg, attreg_line, failing_on, fixture};
use attention_regression::report::{self, Look};

/// A line for the shell, with the program first on its path.
fn shell(line: &str) -> (i32, String, String) {
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_attreg"));
    let path = format!("{}:/usr/bin:/bin", program.parent().unwrap().display());
    let output = Command::new("sh")
        .args(["-c", line])
        .env("PATH", path)
        .output()
        .unwrap();
    (
        output.status.code().unwrap_or(-1),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

#[test]
fn the_re_run_line_runs_the_file_that_failed() {
    let scratch = Scratch::new();
    let witness = std::fs::read(fixture("witnesses/dls23-gradient-printed.json")).unwrap();
    let file = scratch.file("my \"own\" case.json", witness);
    let records = failing_on(&file);
    let block = report::failure_block(&records[0], 7, None, Look::PLAIN);
    let line = block
        .lines()
        .find_map(|line| line.trim_start().strip_prefix("re-run"))
        .unwrap()
        .trim()
        .to_owned();
    let (_, out, err) = shell(&format!("{line} --json"));
    let report: serde_json::Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{err}"));
    assert_eq!(report["seed"], 7);
    // The recorded witness and the file.
    assert_eq!(report["claims"][0]["cases"], 2);
    assert_eq!(report["claims"][0]["failed"], 2);
}

#[test]
fn claims_about_another_loss_are_outside_and_say_so() {
    for (paper, name) in [
        ("residual-softmax", "softmax"),
        ("dls23", "exp"),
        ("dls23", "two-layer-weak"),
        ("two-layer/relu-hessian-jump", "two-layer-identity"),
    ] {
        let file = fixture(&format!("field/verify/{name}.json"));
        let run = attreg([
            "verify",
            paper,
            "--json",
            "--instance",
            file.to_str().unwrap(),
        ]);
        assert_eq!(run.status, 0, "{}{}", run.out, run.err);
        for claim in run.json()["claims"].as_array().unwrap() {
            // A recorded witness is tried beside the file.
            assert_eq!(claim["outside_reasons"]["loss"], 1, "{claim}");
            assert_eq!(claim["outside"], 1, "{claim}");
        }
    }
}

#[test]
fn a_report_holds_the_manifests_of_its_own_run_and_what_others_put_there() {
    let scratch = Scratch::new();
    let directory = scratch.path("report");
    let verify = |claim: &str| {
        attreg([
            "verify",
            claim,
            "--cases",
            "2",
            "--report",
            directory.as_str(),
        ]);
        let mut names: Vec<String> = std::fs::read_dir(&directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    let first = "dls23-gradient-printed.json";
    let second = "dls23-hessian-printed.json";
    assert_eq!(
        verify("dls23/gradient-printed"),
        [first, "report.html", "report.json", "report.txt"]
    );
    let mine = format!("{directory}/mine.json");
    std::fs::write(&mine, "mine").unwrap();
    assert_eq!(
        verify("dls23/hessian-printed"),
        [
            second,
            "mine.json",
            "report.html",
            "report.json",
            "report.txt"
        ]
    );
    // A manifest that somebody has worked on is theirs.
    std::fs::write(format!("{directory}/{second}"), "changed").unwrap();
    assert_eq!(
        verify("dls23/gradient-printed"),
        [
            first,
            second,
            "mine.json",
            "report.html",
            "report.json",
            "report.txt"
        ]
    );
}

#[test]
fn a_journal_s_name_that_is_taken_is_refused_with_the_cure() {
    let scratch = Scratch::new();
    let journal = scratch.file("jj", "");
    attreg([
        "verify",
        "dls23/gradient-printed",
        "--journal",
        journal.as_str(),
    ])
    .assert_refused("use --resume to go on with it, or another name");
    let directory = scratch.path("");
    attreg([
        "verify",
        "dls23/gradient-printed",
        "--journal",
        directory.as_str(),
    ])
    .assert_refused(": is a directory");
    // Neither is there yet.
    let both = scratch.path("both");
    attreg([
        "verify",
        "dls23/gradient-printed",
        "--journal",
        both.as_str(),
        "--report",
        both.as_str(),
    ])
    .assert_refused("both: --journal and --report are the same file");
    assert_eq!(scratch.names(), ["jj"]);
}

#[test]
fn a_mistyped_word_is_answered_with_the_one_that_was_meant() {
    attreg_line("verfy").assert_usage("tip: a similar subcommand exists: 'verify'");
    attreg_line("verify --sed 1").assert_usage("tip: a similar argument exists: '--seed'");
}

/// Every thread reserves at least its stack of 2 MiB: uncapped, so many would need more than they get here, which is 2 GB and
/// 100 MB for each core.
#[cfg(target_os = "linux")]
#[test]
fn threads_are_no_more_than_the_machine_can_use() {
    let file = fixture("field/verify/softmax.json");
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = 2_000_000 + 100_000 * cores;
    let solve = |threads: &str| {
        let line = format!(
            "ulimit -v {memory}; attreg solve {} --threads {threads}",
            file.display()
        );
        let (status, out, err) = shell(&line);
        assert_eq!(status, 0, "{out}{err}");
        let lines: Vec<&str> = out.lines().collect();
        lines
            .into_iter()
            .filter(|line| !line.starts_with("seconds"))
            .collect::<Vec<_>>()
            .join("\n")
    };
    let one = solve("1");
    assert_eq!(solve("99999"), one);
    assert_eq!(solve("18446744073709551615"), one);
}

#[cfg(target_os = "linux")]
#[test]
fn cases_without_number_take_no_memory_before_they_are_done() {
    let (status, out, err) = shell(
        "ulimit -v 3000000; timeout -s INT 3 attreg verify dls23/fact-squared-norm --cases 4294967295",
    );
    // `timeout` gives 124 whatever the program says; the report shows that it ended by itself, with what was done.
    assert!(status == 124 || status == 130, "{status}: {err}");
    assert!(out.contains("INTERRUPTED"), "{out}{err}");
}

#[cfg(target_os = "linux")]
#[test]
fn memory_that_is_refused_is_one_line() {
    // 100,000,000 rows are announced, one is given.
    let file = fixture("field/cli/hb.json");
    let (status, out, err) = shell(&format!(
        "ulimit -v 300000; exec attreg --threads 1 solve {}",
        file.display()
    ));
    assert_eq!(status, 2, "{out}{err}");
    assert!(out.is_empty(), "{out}");
    assert!(err.starts_with("attreg: "), "{err}");
    assert_eq!(err.matches('\n').count(), 1, "{err}");
    // The file that was being read, not the manifest that names it.
    assert!(err.contains("/hb.mtx: out of memory: "), "{err}");
}

/// The page is made of report.json alone: made again from it, it has the same bytes.
#[test]
fn the_page_of_a_finished_run_is_made_again_from_its_numbers() {
    let scratch = Scratch::new();
    let directory = scratch.path("run");
    let at = directory.as_str();
    let names = ["dls23/gradient-printed", "dls23/spectrum-sharp"];
    let run = attreg(["verify", names[0], names[1], "--cases", "3", "--report", at]);
    assert_eq!(run.status, 0, "{}", run.err);
    let page = std::path::Path::new(at).join("report.html");
    let first = std::fs::read(&page).unwrap();
    std::fs::remove_file(&page).unwrap();
    let again = attreg(["report", at]);
    assert_eq!((again.status, again.out.as_str()), (0, ""), "{}", again.err);
    assert_eq!(std::fs::read(&page).unwrap(), first);

    let numbers = std::path::Path::new(at).join("report.json");
    let text = std::fs::read_to_string(&numbers).unwrap();
    let other = text.replacen("\"format_version\":1", "\"format_version\":99", 1);
    std::fs::write(&numbers, other).unwrap();
    attreg(["report", at])
        .assert_refused("report.json: format_version is 99, this program reads 1");
    std::fs::write(
        &numbers,
        text.replace("dls23/spectrum-sharp", "dls23/spectrum-new"),
    )
    .unwrap();
    attreg(["report", at])
        .assert_refused("claim \"dls23/spectrum-new\" is not in this program's catalogue");
    std::fs::remove_file(&numbers).unwrap();
    attreg(["report", at]).assert_refused("report.json: No such file or directory");
}

/// Into a pipe there are none, and no letter depends on them.
#[test]
fn colours_come_where_they_are_asked_for() {
    let line = "verify dls23/gradient-printed --cases 2";
    let plain = attreg_line(line);
    assert!(!plain.out.contains('\u{1b}'), "{}", plain.out);
    assert_eq!(attreg_line(&format!("{line} --color never")).out, plain.out);
    let coloured = attreg_line(&format!("{line} --color always"));
    assert!(coloured.out.contains("\u{1b}[33mfails"), "{}", coloured.out);
    attreg_line(&format!("{line} --color sometimes")).assert_usage("sometimes");
}
