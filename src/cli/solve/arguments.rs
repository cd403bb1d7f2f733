//! The arguments of `attreg solve`, and what they set.

use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::PossibleValuesParser;

use crate::cli::CliError;
use crate::production::{Method, Settings, method_names};

/// Arguments of `attreg solve`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit status: 0 converged (also to rounding) or all outputs evaluated, 1 any other outcome, 2 bad input, 130 ended by Ctrl-C
(the best point so far is printed and written all the same; of outputs none).

Example:
  attreg solve instance.json --tolerance 1e-12 --output x.npy --json"
)]
pub struct SolveArgs {
    /// Manifest of the instance (`-`: standard input), or one .npz of named arrays
    pub(super) instance: PathBuf,
    /// How the Hessian is made
    #[arg(long, default_value = Method::Auto.as_str(), value_parser = PossibleValuesParser::new(methods()))]
    pub(super) method: String,
    /// Converged when ||g(x)|| <= T ||g(start)||
    #[arg(long, value_name = "T", allow_hyphen_values = true, default_value_t = Settings::default().tolerance)]
    pub(super) tolerance: f64,
    /// Newton steps at most
    #[arg(long, value_name = "N", default_value_t = Settings::default().max_iterations)]
    pub(super) max_iterations: usize,
    #[arg(long, value_name = "S", help = format!("Seed of the samples (default: {})", Settings::default().seed))]
    pub(super) seed: Option<u64>,
    /// Point to start from: a JSON array, or a file (.json, .npy, .mtx) (default: the instance's start, or the origin)
    #[arg(long, value_name = "X")]
    pub(super) start: Option<PathBuf>,
    /// Targets in place of the instance's, a column each (.npy, .safetensors): an answer for every one
    #[arg(long, value_name = "FILE", conflicts_with = "trace")]
    pub(super) targets: Option<PathBuf>,
    /// File for the answer, .npy or .json
    #[arg(long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// File for one line of JSON per iteration
    #[arg(long, value_name = "FILE")]
    pub(super) trace: Option<PathBuf>,
    /// Give no error bound, which can take longer than the answer
    #[arg(long)]
    pub(super) no_bound: bool,
    /// Print one JSON object instead of a table
    #[arg(long)]
    pub(super) json: bool,
}

/// The files that will be written, with their options.
pub(super) fn files(arguments: &SolveArgs) -> Vec<(&'static str, &Path)> {
    [
        ("--output", &arguments.output),
        ("--trace", &arguments.trace),
    ]
    .into_iter()
    .filter_map(|(option, file)| Some((option, file.as_deref()?)))
    .collect()
}

/// The names of all methods: those for losses of logits first.
fn methods() -> Vec<&'static str> {
    Method::NAMES.into_iter().chain(method_names()).collect()
}

/// What they set of a run.
pub(super) fn settings(arguments: &SolveArgs) -> Result<Settings, CliError> {
    let method = Method::parse(&arguments.method);
    if arguments.seed.is_some() && method.is_some_and(|method| !method.draws()) {
        return Err(CliError::without_effect(
            "--seed",
            &format!("the {} method draws no sample", arguments.method),
        ));
    }
    let settings = Settings {
        // A method of another system is looked up by its name.
        method: method.unwrap_or(Method::Auto),
        tolerance: arguments.tolerance,
        max_iterations: arguments.max_iterations,
        seed: arguments.seed.unwrap_or(Settings::default().seed),
        certify: !arguments.no_bound,
        ..Settings::default()
    };
    settings
        .validate()
        .map_err(|error| CliError::Usage(error.to_string()))?;
    Ok(settings)
}
