//! Instances of the systems that are no losses of logits.

use std::fs;
use std::path::Path;

use crate::cli::{CliError, Exit, output};
use crate::system::{Asks, Generator, Sizes, write};

/// What the command line asks for.
pub(super) struct Asked<'a> {
    pub(super) seed: u64,
    pub(super) count: u64,
    pub(super) sizes: Sizes,
    pub(super) out: &'a Path,
    /// Options that were set although no such kind has a use for them.
    pub(super) superfluous: Option<&'static str>,
}

/// Writes the manifests and lists them.
pub(super) fn run(generator: &Generator, asked: &Asked<'_>) -> Result<Exit, CliError> {
    let kind = generator.kind;
    if let Some(option) = asked.superfluous {
        return Err(CliError::without_effect(
            option,
            "no system with named arrays has it",
        ));
    }
    if asked.sizes.columns.is_some() && !generator.has_columns {
        return Err(CliError::without_effect(
            "--outputs",
            &format!("instances of kind {kind} have none"),
        ));
    }
    let draw = |index| {
        generator
            .draw(&asked.sizes, asked.seed, index)
            .map_err(CliError::Usage)
    };
    // The first instance before the directory: what cannot be drawn leaves nothing behind.
    let mut next = draw(0)?;
    fs::create_dir_all(asked.out).map_err(|source| CliError::io(asked.out, source))?;
    output::print(&format!("kind {kind}, seed {}\n", asked.seed))?;
    for index in 0..asked.count {
        if index > 0 {
            next = draw(index)?;
        }
        let path = asked.out.join(format!("{kind}-{index}.json"));
        write(&next, &path)?;
        let looked_for = match next.system().asks {
            Asks::Loss | Asks::Zero => format!("{} unknowns", next.layout().dimension()),
            Asks::Outputs(_) => format!("{} outputs", next.outputs_layout().dimension()),
        };
        output::print(&format!(
            "{}  {}, {looked_for}\n",
            path.display(),
            next.system().key
        ))?;
    }
    Ok(Exit::Success)
}
