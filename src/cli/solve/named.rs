//! Solving a system whose unknowns have names.

use std::path::Path;

use super::follow::Follower;
use super::report::{self, Run};
use crate::cli::interrupt::{FINISHING, stop_flag};
use crate::cli::{CliError, Exit, output};
use crate::instance::files::{has_suffix, npy, npz, write_whole};
use crate::production::{Settings, TraceEntry, solve_system};
use crate::system::{Given, Layout, as_json, read_unknowns};

/// What the command line asks for.
pub(super) struct Asked<'a> {
    /// The manifest, for messages.
    pub(super) path: &'a Path,
    pub(super) method: &'a str,
    pub(super) start: Option<&'a Path>,
    pub(super) output: Option<&'a Path>,
    pub(super) trace: Option<&'a Path>,
    pub(super) json: bool,
}

/// Solves, writes the files that were asked for, prints.
pub(super) fn run(asked: &Asked<'_>, given: &Given, settings: &Settings) -> Result<Exit, CliError> {
    let layout = given.layout();
    let save = asked.output.map(|file| saver(file, &layout)).transpose()?;
    let start = match asked.start {
        Some(file) => Some(read_unknowns(file, given)?),
        None => given.points().first().cloned(),
    };
    let stop = stop_flag(FINISHING);
    let mut follower = Follower::of(&stop, None);
    let mut observer = |entry: &TraceEntry| follower.sees(entry);
    let (solution, method) = solve_system(
        given,
        start.as_deref(),
        asked.method,
        settings,
        &mut observer,
    )
    .map_err(|error| CliError::refused(asked.path, error))?;
    let (seconds, trace) = follower.end();
    if let (Some(save), Some(file)) = (save, asked.output) {
        save(file, &layout, solution.x.as_slice())?;
    }
    if let Some(file) = asked.trace {
        write_whole(file, trace.as_bytes())?;
    }
    let run = Run {
        method,
        seed: settings.seed,
        seconds,
    };
    let x = || as_json(&layout, solution.x.as_slice());
    let name = |j: usize| layout.entry(j).unwrap_or_default();
    report::print(&solution, &run, asked.json, x, name)
}

type Saver = fn(&Path, &Layout, &[f64]) -> Result<(), CliError>;

/// How to write the answer, decided before the work begins.
fn saver(path: &Path, layout: &Layout) -> Result<Saver, CliError> {
    if has_suffix(path, "npz") {
        Ok(|path, layout, x| {
            let arrays: Vec<npz::NamedArray> = layout
                .parts()
                .map(|(name, shape, range)| (name.to_owned(), shape.to_vec(), x[range].to_vec()))
                .collect();
            Ok(npz::write_arrays(path, &arrays)?)
        })
    } else if has_suffix(path, "npy") && layout.parts().count() == 1 {
        Ok(|path, layout, x| {
            let shape = layout.parts().next().map(|(_, shape, _)| shape.to_vec());
            Ok(npy::write_shaped(path, &shape.unwrap_or_default(), x)?)
        })
    } else if has_suffix(path, "json") {
        Ok(|path, layout, x| {
            let line = output::json_line(&as_json(layout, x));
            Ok(write_whole(path, line.as_bytes())?)
        })
    } else {
        Err(CliError::refused(
            path,
            if layout.parts().count() == 1 {
                "the answer's file must end in .npz, .npy or .json"
            } else {
                "the answer's file must end in .npz or .json, the unknowns being several arrays"
            },
        ))
    }
}
