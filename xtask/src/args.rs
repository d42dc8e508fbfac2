//! The command line, and which chore each word starts.

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::paths::Paths;
use crate::{parts, signals};

/// Every chore of Bowline's repository.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Builds or installs a foreign program that tests and `up` use, and prints the folder it is in.
    Parts {
        /// Which one; without a name: all are listed, and whether they are there.
        name: Option<String>,
    },
}

/// Parses the command line and runs the chore.
pub(crate) fn run() -> Result<()> {
    let arguments = Arguments::parse();
    signals::listen();
    let paths = Paths::find()?;
    match arguments.chore {
        Chore::Parts { name } => parts::run(&paths, name.as_deref()),
    }
}
