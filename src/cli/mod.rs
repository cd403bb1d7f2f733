//! Floor 6: the command line, one file per subcommand.
//!
//! Every subcommand is a `run(arguments) -> Result<Exit, CliError>`: what was asked for came out ([`Exit::Success`],
//! status 0), it came out but differs from what is recorded or required ([`Exit::Differs`], status 1), Ctrl-C came first
//! ([`Exit::Interrupted`], status 130, with what was finished until then), or the input was bad
//! ([`CliError`], status 2: one line on standard error, or, where the arguments are not of the command's form, clap's message
//! with the usage).

use std::ffi::OsString;
use std::num::NonZeroUsize;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};

pub mod catch_up;
pub mod chain;
pub mod check;
pub mod claims;
mod colour;
pub mod completions;
pub mod degree_window;
mod error;
mod exit;
mod format;
pub mod generate;
mod interrupt;
pub mod merge;
mod output;
mod published;
mod ranks;
pub mod reference;
pub mod report;
pub mod row_queries;
pub mod solve;
pub mod verify;

pub use colour::Colour;
pub use error::CliError;
pub use exit::Exit;

/// The arguments of `attreg`.
#[derive(Debug, Parser)]
#[command(
    name = "attreg",
    version = env!("ATTREG_VERSION"),
    about = "Oracle and solver for attention-inspired regression",
    after_help = "Example:\n  attreg verify\n  attreg generate theory --seed 7 --out instances\n  attreg solve instances/theory-0.json",
    arg_required_else_help = true
)]
pub struct Cli {
    /// Worker threads, no more than there are cores or 8 (default: RAYON_NUM_THREADS, or one per core)
    #[arg(long, global = true, value_name = "N")]
    threads: Option<NonZeroUsize>,
    /// When verdicts are printed in colours
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t)]
    color: colour::Colour,
    #[command(subcommand)]
    command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Decide the claims of the papers and hold the verdicts against the record
    Verify(verify::VerifyArgs),
    /// Report on a campaign that ran in shards
    Merge(merge::MergeArgs),
    /// List the claims, or explain one
    Claims(claims::ClaimsArgs),
    /// Minimise the loss of an instance in f64, with a bound on the error of the answer
    Solve(solve::SolveArgs),
    /// Loss, gradient and Hessian at a point, as many digits as are certified (at most 40)
    Reference(reference::ReferenceArgs),
    /// Count the correct digits of somebody else's answers and name known mistakes
    Check(check::CheckArgs),
    /// Write instances that meet the premises of a theorem
    Generate(generate::GenerateArgs),
    /// Write the page about a finished run of `verify`
    Report(report::ReportArgs),
    /// The degrees for which a network of polynomial attention tells two data sets apart
    DegreeWindow(degree_window::DegreeWindowArgs),
    /// How many rows a regression by leverage scores reads, with a quantum computer and without
    RowQueries(row_queries::RowQueriesArgs),
    /// Make, follow or remake rounds of a federated problem as a chain of blocks
    Chain(chain::ChainArgs),
    /// How likely an attacker's chain catches up
    CatchUp(catch_up::CatchUpArgs),
    /// Print what a shell, or man, reads about these commands
    Completions(completions::CompletionsArgs),
}

impl Cli {
    /// Parses arguments, the program's name first. `None` if they asked for help or the version, which is printed.
    pub fn from_arguments(
        arguments: impl IntoIterator<Item = OsString>,
    ) -> Result<Option<Self>, CliError> {
        match Self::try_parse_from(arguments) {
            Ok(cli) => Ok(Some(cli)),
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
                ) =>
            {
                output::print(&error.render().to_string())?;
                Ok(None)
            }
            Err(error) => Err(CliError::Arguments(error)),
        }
    }
}

/// Runs the subcommand.
pub fn run(cli: Cli) -> Result<Exit, CliError> {
    colour::ask(cli.color);
    // An explicit number wins over RAYON_NUM_THREADS.
    let asked = cli.threads.map(NonZeroUsize::get).or_else(|| {
        std::env::var("RAYON_NUM_THREADS")
            .ok()
            .and_then(|text| text.parse().ok())
    });
    if let Some(asked) = asked.filter(|asked| *asked > 0) {
        let threads = asked.min(most_threads());
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build_global()
            .map_err(|error| CliError::Usage(format!("{threads} threads: {error}")))?;
    }
    match cli.command {
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Merge(arguments) => merge::run(&arguments),
        Command::Claims(arguments) => claims::run(&arguments),
        Command::Solve(arguments) => solve::run(&arguments),
        Command::Reference(arguments) => reference::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Generate(arguments) => generate::run(&arguments),
        Command::Completions(arguments) => completions::run(&arguments, Cli::command()),
        Command::Report(arguments) => report::run(&arguments),
        Command::DegreeWindow(arguments) => degree_window::run(&arguments),
        Command::RowQueries(arguments) => row_queries::run(&arguments),
        Command::Chain(arguments) => chain::run(&arguments),
        Command::CatchUp(arguments) => catch_up::run(&arguments),
    }
}

/// More threads than cores gain nothing, and each has its price; a small machine may still try a few more.
fn most_threads() -> usize {
    const ALWAYS: usize = 8;
    std::thread::available_parallelism().map_or(ALWAYS, |cores| cores.get().max(ALWAYS))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Option<Cli>, CliError> {
        Cli::from_arguments(
            std::iter::once("attreg")
                .chain(arguments.iter().copied())
                .map(OsString::from),
        )
    }

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_subcommand_shows_an_example() {
        for command in Cli::command().get_subcommands() {
            let help = command.get_after_help().map(ToString::to_string);
            assert!(
                help.is_some_and(|help| help.contains(&format!("attreg {}", command.get_name()))),
                "{}",
                command.get_name()
            );
        }
    }

    /// Clap's own words, with the usage and what was probably meant.
    #[test]
    fn a_usage_error_is_claps() {
        for (arguments, expected) in [
            (
                &["solv", "a.json"][..],
                "tip: a similar subcommand exists: 'solve'",
            ),
            (
                &["solve", "a.json", "--toleranc", "1"],
                "tip: a similar argument exists: '--tolerance'",
            ),
            (&["solve"], "\n  <INSTANCE>\n"),
            (
                &["solve", "a.json", "--tolerance", "x"],
                "error: invalid value 'x' for '--tolerance <T>'",
            ),
            (
                &["solve", "a.json", "--threads", "0"],
                "error: invalid value '0' for '--threads <N>'",
            ),
            (
                &["generate", "nothing", "--out", "d"],
                "[possible values: theory,",
            ),
            (&["generate", "theory"], "\n  --out <DIR>\n"),
        ] {
            let error = parse(arguments).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
            assert!(
                error.ends_with("For more information, try '--help'.\n"),
                "{error}"
            );
        }
        let nothing = parse(&[]).unwrap_err().to_string();
        assert!(
            nothing.contains("Usage: attreg [OPTIONS] <COMMAND>"),
            "{nothing}"
        );
    }
}
