//! Where colours are printed, and how wide a line may be.

use std::io::IsTerminal as _;
use std::sync::OnceLock;

use clap::ValueEnum;

use crate::report::Look;

/// When verdicts are printed in colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    /// Also into files and pipes
    Always,
    /// Never
    Never,
}

static ASKED: OnceLock<Colour> = OnceLock::new();

/// Keeps what the command line asks for.
pub(super) fn ask(colour: Colour) {
    // A process has one command line; tests that parse several print nothing.
    let _ = ASKED.set(colour);
}

/// How tables look on standard output.
pub(super) fn look() -> Look {
    let terminal = std::io::stdout().is_terminal();
    Look {
        colour: match ASKED.get().copied().unwrap_or_default() {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => terminal && wanted(|name| std::env::var(name).ok()),
        },
        width: terminal.then(columns).flatten(),
    }
}

/// Whether the environment has nothing against colours (https://no-color.org).
fn wanted(variable: impl Fn(&str) -> Option<String>) -> bool {
    variable("NO_COLOR").is_none_or(|value| value.is_empty())
        && variable("TERM").is_none_or(|value| value != "dumb")
}

fn columns() -> Option<usize> {
    let (_, columns) = console::Term::stdout().size_checked()?;
    Some(columns.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_can_refuse_colours() {
        let with = |name: &'static str, value: &'static str| {
            wanted(move |asked| (asked == name).then(|| value.to_owned()))
        };
        assert!(wanted(|_| None));
        assert!(with("NO_COLOR", ""));
        assert!(!with("NO_COLOR", "1"));
        assert!(with("TERM", "xterm"));
        assert!(!with("TERM", "dumb"));
    }
}
