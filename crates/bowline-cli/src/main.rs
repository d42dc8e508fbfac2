//! The `bowline` command: people and scripts use it to sign in, connect clusters and servers, and look at them.
//!
//! The way of a command: [`cli`] reads the arguments, [`config`] merges them with environment and file into settings,
//! one file of [`commands`] does the work through [`client`] (HTTP and ARM) as the caller that [`identity`] keeps
//! signed in, and hands an answer or a [`failure::Failure`] to [`render`]. Nothing else writes to standard output.
//!
//! Design notes: the output contract (`-o`, `--query`, exit codes, the form of failures) is a promise, written down
//! in `docs/guide/cli.md` and held by the transcripts in `tests/`. No command has rights of its own: each one can be
//! repeated with curl and `bowline token`.

mod api;
mod app;
mod cli;
mod client;
mod commands;
mod config;
mod failure;
mod identity;
mod render;
mod tls;

use std::process::ExitCode;

use clap::Parser;

use app::App;
use cli::Cli;
use config::host;
use failure::{Failure, Kind, Result};
use render::{Output, Query};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let mut output = plain_output(&cli);
    match run(cli, &mut output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            render::print_failure(&output, &failure);
            ExitCode::from(failure.kind.exit_code())
        }
    }
}

/// How to write before the settings are read, so that a failure to read them is written well too.
fn plain_output(cli: &Cli) -> Output {
    Output {
        asked: cli.global.output,
        query: None,
        stdout_terminal: host::stdout_is_terminal(),
        stderr_terminal: host::stderr_is_terminal(),
        colour: host::variable("NO_COLOR").is_none() && host::variable("TERM").as_deref() != Some("dumb"),
    }
}

fn run(cli: Cli, output: &mut Output) -> Result<()> {
    output.query = cli.global.query.as_deref().map(Query::parse).transpose()?;
    let app = App::new(&cli.global, output)?;
    *output = app.output.clone();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Kind::Service, "the command could not start").why(error.to_string()))?;
    let outcome = runtime.block_on(async {
        tokio::select! {
            // First, so that until something is waited for, Ctrl-C simply ends the process.
            biased;
            answer = commands::run(&app, cli.command) => answer,
            _ = tokio::signal::ctrl_c() => Err(Failure::new(Kind::Interrupted, "interrupted")),
        }
    });
    // A thread that still reads from the terminal must not keep the process.
    runtime.shutdown_background();
    app.output.print(outcome?, host::now())
}
