//! A result that cannot be written: status 2, one line that names the place, and what was found is not thrown away.
//! (`tests/program/journal.rs` fills the disk under a journal.)

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{Command, Stdio};

use crate::common::{BASELINE, Scratch, attreg};

/// A campaign of one cheap claim.
const CAMPAIGN: [&str; 4] = ["verify", "dls23/gradient-corrected", "--cases", "2"];

#[test]
fn a_report_on_a_full_disk_is_an_error_and_the_table_is_printed_all_the_same() {
    let scratch = Scratch::new();
    let table = attreg(CAMPAIGN).out;
    for file in ["report.txt", "report.json"] {
        let directory = scratch.path(&format!("with-{file}"));
        fs::create_dir(&directory).unwrap();
        symlink("/dev/full", format!("{directory}/{file}")).unwrap();
        let run = attreg(CAMPAIGN.iter().copied().chain(["--report", &directory]));
        assert_eq!(run.status, 2);
        assert_eq!(run.out, table);
        assert!(
            run.err.contains(file) && run.err.contains("No space left"),
            "{}",
            run.err
        );
        assert_eq!(run.err.matches('\n').count(), 1, "{}", run.err);
    }
}

#[test]
fn standard_output_on_a_full_disk_is_an_error() {
    let output = Command::new(env!("CARGO_BIN_EXE_attreg"))
        .args(CAMPAIGN)
        .stdout(File::create("/dev/full").unwrap())
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(
        message.starts_with("attreg: standard output: No space left"),
        "{message}"
    );
}

#[test]
fn a_directory_that_cannot_be_written_is_refused_before_the_work_begins() {
    let scratch = Scratch::new();
    let closed = scratch.path("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o555)).unwrap();
    // /proc takes no files, not even from root, who may write into a closed directory.
    let mut places = vec!["/proc".to_owned(), "/proc/self/fdinfo".to_owned()];
    if File::create(format!("{closed}/probe")).is_err() {
        places.push(closed);
    }
    for place in &places {
        attreg(CAMPAIGN.iter().copied().chain(["--report", place])).assert_refused(place);
        let journal = format!("{place}/journal");
        attreg(CAMPAIGN.iter().copied().chain(["--journal", &journal])).assert_refused(&journal);
    }
    let taken = scratch.file("taken", "");
    attreg(CAMPAIGN.iter().copied().chain(["--report", &taken])).assert_refused("taken");
}

#[test]
fn an_answer_on_a_full_disk_is_an_error() {
    let scratch = Scratch::new();
    let good = scratch.file("good.json", BASELINE);
    for (option, name) in [
        ("--output", "x.npy"),
        ("--output", "x.json"),
        ("--trace", "trace.txt"),
    ] {
        let file = scratch.path(name);
        symlink("/dev/full", &file).unwrap();
        let run = attreg(["solve", &good, option, &file]);
        assert_eq!(run.status, 2, "{}", run.out);
        assert!(
            run.err.contains(name) && run.err.contains("No space left"),
            "{}",
            run.err
        );
    }
}
