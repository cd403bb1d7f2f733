//! Mutation testing at scale: all mutants of a sample are compiled into one build, each behind a run-time switch, so that
//! a mutant costs no more than the tests that reach it.

mod cargo;
#[cfg(test)]
mod fixture;
mod interval;
mod journal;
mod list;
mod planted;
mod process;
mod rebuild;
mod report;
mod rewrite;
mod run;
mod sample;
mod session;
mod sites;
mod suite;
mod text;
mod tree;
mod viability;

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(about = "Mutation testing at scale", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Counts the mutants of each area.
    List {
        /// The crate to test.
        #[arg(long, default_value = ".")]
        root: PathBuf,
    },
    /// Builds and runs mutants; goes on where its journal ends.
    Run(Box<session::Options>),
    /// Replays mistakes that are kept as patches, one build each; goes on where its results end.
    Planted(Box<planted::Options>),
    /// Prints the results of replayed mistakes as a table.
    PlantedTable {
        /// The results.
        results: PathBuf,
    },
    /// Prints the figures of journals.
    Report {
        /// Journals of runs.
        #[arg(required = true)]
        journals: Vec<PathBuf>,
        /// JSON instead of Markdown.
        #[arg(long)]
        json: bool,
    },
}

fn main() -> Result<()> {
    match Arguments::parse().command {
        Command::List { root } => {
            let mutants = list::all(&root, None)?;
            for (area, count) in list::areas(&mutants) {
                println!("{area} {count}");
            }
        }
        Command::Run(options) => session::run(&options)?,
        Command::Planted(options) => planted::run(&options)?,
        Command::PlantedTable { results } => print!("{}", planted::table(&results)?),
        Command::Report { journals, json } => {
            let summaries = journals
                .iter()
                .map(|path| {
                    let (header, entries) = journal::read(path)?;
                    Ok(report::summary(&header, &entries))
                })
                .collect::<Result<Vec<_>>>()
                .context("no report")?;
            if json {
                println!("{}", serde_json::to_string_pretty(&summaries)?);
            } else {
                print!("{}", report::markdown(&summaries));
            }
        }
    }
    Ok(())
}
