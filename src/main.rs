//! `attreg`: reads the arguments, runs the subcommand, turns the result into an exit status.

mod memory_refused;

use std::process::ExitCode;

use attention_regression::cli::{self, Cli, Exit};

fn main() -> ExitCode {
    let status = Cli::from_arguments(std::env::args_os()).and_then(|arguments| match arguments {
        Some(arguments) => cli::run(arguments),
        None => Ok(Exit::Success),
    });
    match status {
        Ok(exit) => ExitCode::from(exit.status()),
        Err(error) => {
            error.print();
            ExitCode::from(2)
        }
    }
}
