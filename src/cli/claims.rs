//! `attreg claims`: lists the catalogue or explains one claim.

use crate::claims;
use crate::cli::{CliError, Exit, output};
use crate::report;

/// List the claims, or explain one.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  attreg claims\n  attreg claims dls23/hessian-printed")]
pub struct ClaimsArgs {
    /// Claims or papers; none means all.
    names: Vec<String>,
    /// Print the ledger as Markdown (docs/claims.md).
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &ClaimsArgs) -> Result<Exit, CliError> {
    let catalogue = claims::all();
    let selected = claims::select(&catalogue, &args.names).map_err(|name| {
        CliError::Usage(format!(
            "no claim or paper is called \"{name}\"; `attreg claims` lists them"
        ))
    })?;
    let text = if args.markdown {
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
