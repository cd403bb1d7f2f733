//! Runs a test executable, reads its output as it comes, and ends it at the first failure or lets it run to its end.

use std::ffi::OsString;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    Passed,
    /// A test failed, or the process ended badly during it.
    Failed(String),
    /// The time was up during this test.
    TimedOut(String),
}

/// What a run may use.
#[derive(Debug, Clone)]
pub struct Limits {
    pub time: Duration,
    /// Address space, kibibytes.
    pub memory: u64,
}

/// The tests of one executable to run.
#[derive(Debug, Clone)]
pub struct Job<'j> {
    pub executable: &'j Path,
    /// Exact names; none means all.
    pub tests: Vec<&'j str>,
    pub skip: &'j [String],
    /// Run all tests to the end, several at once, instead of one after another until the first failure.
    pub to_the_end: bool,
    pub directory: &'j Path,
    pub variables: Vec<(&'static str, OsString)>,
    pub temporary: PathBuf,
}

impl Job<'_> {
    /// Runs the tests until the first failure, or all of them: then every failure is named.
    pub fn run(&self, limits: &Limits) -> Result<Ending> {
        std::fs::create_dir_all(&self.temporary)?;
        let ending = self.watched(limits);
        // A killed test leaves its files behind.
        std::fs::remove_dir_all(&self.temporary)?;
        ending
    }

    fn watched(&self, limits: &Limits) -> Result<Ending> {
        let mut command = Command::new("sh");
        command
            .arg("-c")
            .arg(format!("ulimit -v {}; exec \"$0\" \"$@\"", limits.memory))
            .arg(self.executable)
            .args((!self.to_the_end).then_some("--test-threads=1"))
            .args(if self.tests.is_empty() {
                None
            } else {
                Some("--exact")
            })
            .args(&self.tests);
        for name in self.skip {
            command.arg("--skip").arg(name);
        }
        let mut child = command
            .current_dir(self.directory)
            .env("CARGO_MANIFEST_DIR", self.directory)
            .env("INSTA_WORKSPACE_ROOT", self.directory)
            .env("INSTA_UPDATE", "no")
            .env("TMPDIR", &self.temporary)
            .env_remove("MUTANT")
            .env_remove("MUTANT_TRACE")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .with_context(|| self.executable.display().to_string())?;
        let mut output = child.stdout.take().context("the output is piped")?;
        let (sender, receiver) = mpsc::channel();
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(read) = output.read(&mut buffer) {
                if read == 0 || sender.send(buffer[..read].to_vec()).is_err() {
                    break;
                }
            }
        });
        let deadline = Instant::now() + limits.time;
        let mut log = Log::default();
        let mut failures = Vec::new();
        let early = loop {
            match receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(bytes) => {
                    failures.extend(log.read(&bytes));
                    if let Some(failed) = failures.first()
                        && !self.to_the_end
                    {
                        break Some(Ending::Failed(failed.clone()));
                    }
                }
                Err(RecvTimeoutError::Timeout) => break Some(Ending::TimedOut(log.current())),
                Err(RecvTimeoutError::Disconnected) => break None,
            }
        };
        let group = Pid::from_raw(i32::try_from(child.id())?);
        if early.is_some() {
            // The group may be gone already, which is as good.
            let _ = killpg(group, Signal::SIGKILL);
        }
        let status = child.wait()?;
        // Children of the tests may outlive them and hold the pipe.
        let _ = killpg(group, Signal::SIGKILL);
        drop(receiver);
        reader.join().ok();
        Ok(match early {
            Some(ending) => ending,
            None if !failures.is_empty() => Ending::Failed(failures.join(", ")),
            None if status.success() => Ending::Passed,
            None => Ending::Failed(format!("{} ({status})", log.current())),
        })
    }
}

/// What a test executable has printed so far.
#[derive(Debug, Default)]
struct Log {
    line: String,
}

impl Log {
    /// Takes more output; the names of tests that it calls failed.
    fn read(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut failed = Vec::new();
        for letter in String::from_utf8_lossy(bytes).chars() {
            if letter != '\n' {
                self.line.push(letter);
                continue;
            }
            let line = std::mem::take(&mut self.line);
            if let Some(name) = line
                .strip_prefix("test ")
                .and_then(|rest| rest.strip_suffix(" ... FAILED"))
            {
                failed.push(name.to_owned());
            }
        }
        failed
    }

    /// The test that is running: its name comes before its verdict.
    fn current(&self) -> String {
        self.line
            .strip_prefix("test ")
            .and_then(|rest| rest.split(" ... ").next())
            .unwrap_or("outside of a test")
            .to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(script: &str, seconds: u64) -> Ending {
        run_as(script, seconds, false)
    }

    fn run_as(script: &str, seconds: u64, to_the_end: bool) -> Ending {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("script");
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        let mut permissions = std::fs::metadata(&path).unwrap().permissions();
        std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o755);
        std::fs::set_permissions(&path, permissions).unwrap();
        let job = Job {
            executable: &path,
            tests: Vec::new(),
            skip: &[],
            to_the_end,
            directory: directory.path(),
            variables: vec![("MUTANT", "3".into())],
            temporary: directory.path().join("temporary"),
        };
        let limits = Limits {
            time: Duration::from_secs(seconds),
            memory: 4 << 20,
        };
        job.run(&limits).unwrap()
    }

    #[test]
    fn the_first_failure_ends_a_run() {
        let ending = run(
            "echo 'test a ... ok'; echo 'test b ... FAILED'; sleep 1000",
            900,
        );
        assert_eq!(ending, Ending::Failed("b".to_owned()));
    }

    #[test]
    fn a_run_to_the_end_names_every_failure() {
        let ending = run_as(
            "echo 'test a ... FAILED'; echo 'test b ... ok'; echo 'test c ... FAILED'; exit 101",
            900,
            true,
        );
        assert_eq!(ending, Ending::Failed("a, c".to_owned()));
    }

    #[test]
    fn a_bad_end_is_charged_to_the_running_test() {
        let ending = run("printf 'test a ... '; exit $MUTANT", 900);
        assert_eq!(ending, Ending::Failed("a (exit status: 3)".to_owned()));
    }

    #[test]
    fn a_run_without_end_times_out_with_its_children() {
        let ending = run("printf 'test a ... '; sleep 1000", 1);
        assert_eq!(ending, Ending::TimedOut("a".to_owned()));
    }

    #[test]
    fn a_good_end_passes() {
        assert_eq!(run("echo 'test a ... ok'", 900), Ending::Passed);
    }
}
