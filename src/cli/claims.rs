//! `attreg claims`: lists the catalogue or explains one claim.

use std::path::PathBuf;

use crate::claims;
use crate::cli::{CliError, Exit, output};
use crate::instance::files::write_whole;
use crate::report::{self, html};

/// List the claims, or explain one.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  attreg claims\n  attreg claims dls23/hessian-printed\n  attreg claims dls23 --html dls23.html"
)]
pub struct ClaimsArgs {
    /// Claims or papers; none means all.
    names: Vec<String>,
    /// Print the ledger as Markdown (docs/claims.md).
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Write the page of the claims without a run (formulas, pictures, verdicts on record) to this file, or print it.
    #[arg(long, value_name = "FILE", num_args = 0..=1, conflicts_with_all = ["json", "markdown"])]
    html: Option<Option<PathBuf>>,
}

/// Runs the command.
pub fn run(args: &ClaimsArgs) -> Result<Exit, CliError> {
    let catalogue = claims::all();
    let selected = claims::select(&catalogue, &args.names).map_err(|name| {
        CliError::Usage(format!(
            "no claim or paper is called \"{name}\"; `attreg claims` lists them"
        ))
    })?;
    let text = if let Some(file) = &args.html {
        let page = html::catalogue_page(&selected)
            .map_err(|error| CliError::refused("--html".as_ref(), error))?;
        match file {
            Some(file) => {
                write_whole(file, page.as_bytes())?;
                return Ok(Exit::Success);
            }
            None => page,
        }
    } else if args.markdown {
        report::markdown(&selected)
    } else if args.json {
        output::json_report(&report::catalogue_json(&selected))
    } else if args.names.is_empty() {
        report::list(&selected)
    } else {
        selected
            .into_iter()
            .map(|claim| report::explain(claim) + "\n")
            .collect()
    };
    output::print(&text)?;
    Ok(Exit::Success)
}
