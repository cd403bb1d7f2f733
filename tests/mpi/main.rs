//! `mpirun -n N attreg solve`: the answers of several ranks, byte for byte those of one process, and what ends a run.
//!
//! `ATTREG_MPIRUN` names the launcher (default `mpirun`), `ATTREG_OTHER_MPIRUN` one of another MPI. All ranks are on this machine.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use attention_regression::instance::files::npy;

#[path = "../common/mod.rs"]
mod common;

use common::{Run, Scratch};

/// Ranks of a run, and threads of each.
const RUNS: [(usize, usize); 7] = [(1, 1), (2, 1), (2, 2), (3, 1), (4, 2), (7, 1), (7, 2)];

/// A launcher with all that lets it start more processes than there are cores, by root, over the loopback device.
fn launcher(program: &str, ranks: usize) -> Command {
    let command = || {
        let mut command = Command::new(program);
        command
            .env("OMPI_ALLOW_RUN_AS_ROOT", "1")
            .env("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1")
            .stdin(Stdio::null());
        command
    };
    let version = command().arg("--version").output();
    let version = version.unwrap_or_else(|error| panic!("{program}: {error}"));
    let mut command = command();
    command.args(["-n", &ranks.to_string()]);
    if String::from_utf8_lossy(&version.stdout).contains("open-mpi") {
        command.arg("--oversubscribe");
        command.args([
            "--mca",
            "btl",
            "self,vader",
            "--mca",
            "oob_tcp_if_include",
            "lo",
        ]);
    }
    command
}

fn mpirun(ranks: usize) -> Command {
    let program = std::env::var("ATTREG_MPIRUN").unwrap_or_else(|_| "mpirun".to_owned());
    launcher(&program, ranks)
}

fn ended(command: &mut Command) -> Run {
    let output = command.output().expect("the launcher runs");
    Run {
        status: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).expect("text"),
        err: String::from_utf8(output.stderr).expect("text"),
    }
}

/// Lines of the program itself; launchers add their own.
fn own_lines(run: &Run) -> Vec<&str> {
    run.err
        .lines()
        .filter(|line| line.starts_with("attreg: "))
        .collect()
}

/// Files of a problem of n rows and d columns, of which a third is 0.
struct Problem<'a> {
    scratch: &'a Scratch,
    n: usize,
    d: usize,
}

impl<'a> Problem<'a> {
    fn of(scratch: &'a Scratch, n: usize, d: usize) -> Self {
        Self { scratch, n, d }
    }

    fn entry(i: usize, j: usize) -> f64 {
        if (i + j).is_multiple_of(3) {
            0.0
        } else {
            ((i * 31 + j * 17) as f64).sin() + ((i * j) as f64 * 0.1).cos()
        }
    }

    fn array(&self, name: &str, shape: &[usize], values: &[f64]) {
        npy::write_shaped(Path::new(&self.scratch.path(name)), shape, values).unwrap();
    }

    fn dense(&self) -> &'static str {
        let entries: Vec<f64> = (0..self.n * self.d)
            .map(|k| Self::entry(k / self.d, k % self.d))
            .collect();
        self.array("A.npy", &[self.n, self.d], &entries);
        r#""A.npy""#
    }

    /// The same matrix, column after column.
    fn by_columns(&self) -> &'static str {
        let entries: Vec<f64> = (0..self.n * self.d)
            .map(|k| Self::entry(k % self.n, k / self.n))
            .collect();
        self.array("F.npy", &[self.n, self.d], &entries);
        let path = self.scratch.path("F.npy");
        let mut bytes = std::fs::read(&path).unwrap();
        let word = bytes.windows(5).position(|word| word == b"False").unwrap();
        bytes[word..word + 5].copy_from_slice(b"True ");
        std::fs::write(path, bytes).unwrap();
        r#""F.npy""#
    }

    fn sparse(&self) -> String {
        let (mut indptr, mut indices, mut data) = (vec![0], Vec::new(), Vec::new());
        for i in 0..self.n {
            let row = (0..self.d).map(|j| (j, Self::entry(i, j)));
            for (j, entry) in row.filter(|(_, entry)| *entry != 0.0) {
                indices.push(j);
                data.push(entry);
            }
            indptr.push(data.len());
        }
        self.array("data.npy", &[data.len()], &data);
        format!(
            r#"{{"indptr": {indptr:?}, "indices": {indices:?}, "data": "data.npy", "shape": [{}, {}]}}"#,
            self.n, self.d
        )
    }

    fn market(&self) -> &'static str {
        let mut text = String::new();
        let mut count = 0;
        for i in 0..self.n {
            for j in (0..self.d).rev() {
                let entry = Self::entry(i, j);
                if entry != 0.0 {
                    text.push_str(&format!("{} {} {entry:e}\n", i + 1, j + 1));
                    count += 1;
                }
            }
        }
        let head = format!(
            "%%MatrixMarket matrix coordinate real general\n{} {} {count}\n",
            self.n, self.d
        );
        self.scratch.file("A.mtx", head + &text);
        r#""A.mtx""#
    }

    /// The manifest of a loss.
    fn manifest(&self, loss: &str, matrix: &str, target: f64) -> String {
        let values = |start: f64| -> Vec<f64> {
            (0..self.n)
                .map(|i| start * (1.0 + (i % 5) as f64))
                .collect()
        };
        self.array("b.npy", &[self.n], &values(target));
        self.array("w.npy", &[self.n], &values(0.5));
        let text = format!(
            r#"{{"loss": "{loss}", "matrix": {matrix}, "target": "b.npy", "weights": "w.npy"}}"#
        );
        self.scratch.file("p.json", text)
    }
}

/// Answer, report and trace without the seconds, which differ.
fn outcome(scratch: &Scratch, command: &mut Command, manifest: &str) -> (String, Vec<u8>, String) {
    let (x, trace) = (scratch.path("x.npy"), scratch.path("trace.jsonl"));
    let run = ended(command.args([
        "solve", manifest, "--json", "--output", &x, "--trace", &trace,
    ]));
    assert_eq!(run.status, 0, "{}{}", run.out, run.err);
    let without_seconds = |text: &str| {
        let lines = text.lines().map(|line| {
            let (before, after) = line.split_once(r#""seconds":"#).expect("seconds");
            let rest = after.find([',', '}']).map_or("", |end| &after[end..]);
            format!("{before}{rest}\n")
        });
        lines.collect::<String>()
    };
    let report = run.json();
    assert_eq!(report["status"], "converged", "{report}");
    assert!(report["error_bound"].is_f64(), "{report}");
    let found = (
        without_seconds(&run.out.replace('\n', "").replace(": ", ":")),
        std::fs::read(&x).unwrap(),
        without_seconds(&std::fs::read_to_string(&trace).unwrap()),
    );
    std::fs::remove_file(x).unwrap();
    std::fs::remove_file(trace).unwrap();
    found
}

#[track_caller]
fn agrees(scratch: &Scratch, manifest: &str, runs: &[(usize, usize)]) {
    let mut alone = Command::new(env!("CARGO_BIN_EXE_attreg"));
    let expected = outcome(scratch, alone.args(["--threads", "1"]), manifest);
    for (ranks, threads) in runs {
        let mut command = mpirun(*ranks);
        command.arg(env!("CARGO_BIN_EXE_attreg"));
        let found = outcome(
            scratch,
            command.args(["--threads", &threads.to_string()]),
            manifest,
        );
        assert_eq!(found, expected, "{ranks} ranks of {threads} threads");
    }
}

#[test]
fn dense_softmax_has_the_bytes_of_one_process() {
    let scratch = Scratch::new();
    let problem = Problem::of(&scratch, 24_000, 12);
    let manifest = problem.manifest("softmax", problem.dense(), 1e-5);
    agrees(&scratch, &manifest, &RUNS);
    let manifest = problem.manifest("softmax", problem.by_columns(), 1e-5);
    agrees(&scratch, &manifest, &[(3, 1)]);
}

#[test]
fn sparse_softmax_has_the_bytes_of_one_process() {
    let scratch = Scratch::new();
    let problem = Problem::of(&scratch, 40_000, 9);
    let sparse = problem.sparse();
    let manifest = problem.manifest("softmax", &sparse, 1e-5);
    agrees(&scratch, &manifest, &[(3, 1), (7, 2)]);
    let manifest = problem.manifest("softmax", problem.market(), 1e-5);
    agrees(&scratch, &manifest, &[(4, 1)]);
}

#[test]
fn other_losses_have_the_bytes_of_one_process() {
    let scratch = Scratch::new();
    let problem = Problem::of(&scratch, 20_000, 5);
    for loss in ["exp", "cosh", "sinh", "residual-softmax"] {
        let manifest = problem.manifest(loss, problem.dense(), 0.25);
        agrees(&scratch, &manifest, &[(3, 2)]);
    }
}

/// What is too small to be shared is solved by every rank.
#[test]
fn a_small_problem_has_the_bytes_of_one_process() {
    let scratch = Scratch::new();
    let problem = Problem::of(&scratch, 60, 4);
    let manifest = problem.manifest("softmax", problem.dense(), 1e-3);
    agrees(&scratch, &manifest, &[(1, 1), (3, 1)]);
}

fn refused(manifest: &str, expected: &str) {
    let run = ended(mpirun(3).args([env!("CARGO_BIN_EXE_attreg"), "solve", manifest]));
    assert_eq!(run.status, 2, "{}", run.err);
    assert!(run.out.is_empty(), "{}", run.out);
    let lines = own_lines(&run);
    assert!(
        lines.len() == 1 && lines[0].contains(expected),
        "{}",
        run.err
    );
}

#[test]
fn an_error_ends_all_ranks_with_one_line() {
    let scratch = Scratch::new();
    let problem = Problem::of(&scratch, 24_000, 8);
    let manifest = problem.manifest("softmax", problem.dense(), 1e-5);
    let matrix = scratch.path("A.npy");
    let mut bytes = std::fs::read(&matrix).unwrap();
    // An entry of the last row is no number.
    let last = bytes.len() - 8;
    bytes[last..].copy_from_slice(&f64::NAN.to_le_bytes());
    std::fs::write(&matrix, &bytes).unwrap();
    // The last rank has it, the first one says so.
    refused(
        &manifest,
        &format!("rank 2: {matrix}: array[23999, 7] is NaN"),
    );
    std::fs::write(&matrix, &bytes[..last]).unwrap();
    refused(&manifest, "A.npy: truncated");
    std::fs::remove_file(&matrix).unwrap();
    refused(&manifest, "A.npy");
    refused("-", "standard input reaches one process only");
    let system = common::fixture("conformance/least-squares.json");
    refused(system.to_str().unwrap(), "does not run on several ranks");
}

/// A column that is none and a value that is no number, in arrays that no rank reads as a whole.
#[test]
fn an_error_in_the_rows_of_one_rank_has_its_place_in_the_whole() {
    let scratch = Scratch::new();
    let problem = Problem::of(&scratch, 40_000, 9);
    let sparse = problem.sparse();
    let manifest = problem.manifest("softmax", &sparse, 1e-5);
    let data = scratch.path("data.npy");
    let mut bytes = std::fs::read(&data).unwrap();
    let entries = 40_000 * 6;
    let middle = bytes.len() - 8 * (entries / 2);
    bytes[middle..middle + 8].copy_from_slice(&f64::INFINITY.to_le_bytes());
    std::fs::write(&data, &bytes).unwrap();
    refused(&manifest, &format!("rank 1: {data}: data[120000] is inf"));
}

/// Entries of one place are added: fewer are stored than the file announces, and the rows are cut in another way.
#[test]
fn entries_of_one_place_have_the_bytes_of_one_process() {
    let scratch = Scratch::new();
    let (n, d) = (40_000, 6);
    let problem = Problem::of(&scratch, n, d);
    let mut text = format!(
        "%%MatrixMarket matrix coordinate real general\n{n} {d} {}\n",
        5 * n
    );
    for i in 0..n {
        for (k, j) in [0, 1, 2, 3, 3].into_iter().enumerate() {
            let entry = ((i * 31 + k * 17) as f64).sin();
            text.push_str(&format!("{} {} {entry}\n", i + 1, (i + j) % d + 1));
        }
    }
    scratch.file("A.mtx", text);
    let manifest = problem.manifest("softmax", r#""A.mtx""#, 1e-5);
    agrees(&scratch, &manifest, &[(2, 1), (3, 1)]);
}

/// The rows of a rank are 2 GB, and one rank may have only 1.5 GB; the file is a hole.
#[cfg(target_os = "linux")]
#[test]
fn a_rank_without_memory_ends_the_run_with_one_line() {
    let scratch = Scratch::new();
    let problem = Problem::of(&scratch, 1_000_000, 750);
    let header = r#"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000, 750), }"#;
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.bytes());
    let path = scratch.path("A.npy");
    std::fs::write(&path, &bytes).unwrap();
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    file.set_len((bytes.len() + 8 * problem.n * problem.d) as u64)
        .unwrap();
    let manifest = problem.manifest("softmax", r#""A.npy""#, 1e-5);
    let limited =
        r#"case "$OMPI_COMM_WORLD_RANK$PMI_RANK" in 1) ulimit -v 1500000;; esac; exec "$@""#;
    let run = ended(mpirun(3).args([
        "sh",
        "-c",
        limited,
        "sh",
        env!("CARGO_BIN_EXE_attreg"),
        "solve",
        &manifest,
    ]));
    assert_eq!(run.status, 2, "{}", run.err);
    let lines = own_lines(&run);
    assert!(
        lines.len() == 1 && lines[0].contains("A.npy: out of memory"),
        "{}",
        run.err
    );
    // Its rows only, a third of 6 GB, and never the whole.
    let words: Vec<&str> = lines[0].split(' ').collect();
    let bytes: u64 = words[words.len() - 2].parse().expect("bytes");
    assert!((1_900_000_000..2_100_000_000).contains(&bytes), "{bytes}");
}

/// Every rank of the wrong launcher would be a world of its own.
#[test]
fn the_launcher_of_another_mpi_is_noticed() {
    let Ok(other) = std::env::var("ATTREG_OTHER_MPIRUN") else {
        eprintln!("=== SKIPPED: no launcher of another MPI (ATTREG_OTHER_MPIRUN) ===");
        return;
    };
    let scratch = Scratch::new();
    let problem = Problem::of(&scratch, 60, 4);
    let manifest = problem.manifest("softmax", problem.dense(), 1e-3);
    let run = ended(launcher(&other, 3).args([env!("CARGO_BIN_EXE_attreg"), "solve", &manifest]));
    assert_eq!(run.status, 2, "{}{}", run.out, run.err);
    assert!(run.out.is_empty(), "{}", run.out);
    let lines = own_lines(&run);
    assert!(
        lines.len() == 1 && lines[0].contains("3 processes were started, but MPI knows of 1"),
        "{}",
        run.err
    );
}

/// The processes that this launcher has started, by what the system says of parents.
#[cfg(target_os = "linux")]
fn ranks_below(launcher: u32) -> Vec<u32> {
    let parent_and_name = |process: &str| {
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
        let field = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name))?;
            line.split_whitespace().nth(1).map(str::to_owned)
        };
        Some((field("PPid:")?.parse::<u32>().ok()?, field("Name:")?))
    };
    let processes = std::fs::read_dir("/proc").unwrap();
    let all: Vec<(u32, u32, String)> = processes
        .filter_map(|entry| {
            let name = entry.ok()?.file_name().into_string().ok()?;
            let (parent, command) = parent_and_name(&name)?;
            Some((name.parse().ok()?, parent, command))
        })
        .collect();
    let is_below = |mut process: u32| {
        while let Some((_, parent, _)) = all.iter().find(|(id, _, _)| *id == process) {
            if *parent == launcher {
                return true;
            }
            process = *parent;
        }
        false
    };
    all.iter()
        .filter(|(id, _, command)| command == "attreg" && is_below(*id))
        .map(|(id, _, _)| *id)
        .collect()
}

#[cfg(target_os = "linux")]
#[test]
fn a_killed_rank_ends_the_run() {
    let scratch = Scratch::new();
    let problem = Problem::of(&scratch, 60_000, 60);
    let manifest = problem.manifest("softmax", problem.dense(), 1e-6);
    let mut command = mpirun(3);
    command.args([
        env!("CARGO_BIN_EXE_attreg"),
        "--threads",
        "1",
        "solve",
        &manifest,
    ]);
    let mut launcher = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    let ranks = loop {
        let found = ranks_below(launcher.id());
        if found.len() == 3 {
            break found;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "the ranks do not start"
        );
        std::thread::sleep(Duration::from_millis(5));
    };
    let killed = Command::new("kill")
        .args(["-KILL", &ranks[1].to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
    let ended = launcher.wait().unwrap();
    assert!(!ended.success());
    let left = ranks_below(launcher.id());
    assert!(left.is_empty(), "{left:?}");
}
