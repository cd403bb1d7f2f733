//! `attreg completions`: what shells and `man` read about the commands.

use clap::{Args, Command, ValueEnum};
use clap_complete::Shell;

use crate::cli::{CliError, Exit, output};

/// Arguments of `attreg completions`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  attreg completions bash > /etc/bash_completion.d/attreg\n  attreg completions man > attreg.1"
)]
pub struct CompletionsArgs {
    /// Whom it is for
    #[arg(value_enum)]
    reader: Reader,
}

/// Who reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Reader {
    Bash,
    Elvish,
    Fish,
    #[value(name = "powershell")]
    PowerShell,
    Zsh,
    /// A manual page
    Man,
}

impl Reader {
    fn shell(self) -> Option<Shell> {
        match self {
            Self::Bash => Some(Shell::Bash),
            Self::Elvish => Some(Shell::Elvish),
            Self::Fish => Some(Shell::Fish),
            Self::PowerShell => Some(Shell::PowerShell),
            Self::Zsh => Some(Shell::Zsh),
            Self::Man => None,
        }
    }
}

/// Prints what is to be known about this command.
pub fn run(arguments: &CompletionsArgs, command: Command) -> Result<Exit, CliError> {
    output::print(&text(arguments.reader, command)?)?;
    Ok(Exit::Success)
}

fn text(reader: Reader, mut command: Command) -> Result<String, CliError> {
    let mut bytes = Vec::new();
    match reader.shell() {
        Some(shell) => clap_complete::generate(shell, &mut command, "attreg", &mut bytes),
        None => pages(&mut command, &mut bytes).map_err(CliError::Output)?,
    }
    String::from_utf8(bytes)
        .map_err(|error| CliError::Output(std::io::Error::other(error.utf8_error())))
}

/// The program's page, then the sections of each subcommand.
fn pages(command: &mut Command, out: &mut Vec<u8>) -> std::io::Result<()> {
    command.build();
    clap_mangen::Man::new(command.clone()).render(out)?;
    for subcommand in command.get_subcommands() {
        let page = clap_mangen::Man::new(subcommand.clone());
        page.render_name_section(out)?;
        page.render_synopsis_section(out)?;
        page.render_description_section(out)?;
        page.render_options_section(out)?;
        page.render_extra_section(out)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use clap::CommandFactory;

    /// Every subcommand and one of its options: a reader that lost some would not complete them.
    #[test]
    fn every_reader_gets_every_command() {
        for reader in Reader::value_variants() {
            // A hyphen of a manual page is escaped.
            let text = text(*reader, Cli::command()).unwrap().replace("\\-", "-");
            for command in Cli::command().get_subcommands() {
                let name = command.get_name();
                assert!(text.contains(name), "{reader:?} {name}");
            }
            assert!(text.contains("tolerance"), "{reader:?}");
        }
        let man = text(Reader::Man, Cli::command()).unwrap();
        assert!(
            man.starts_with(".ie") && man.contains(".SH NAME\nattreg"),
            "{man}"
        );
    }
}
