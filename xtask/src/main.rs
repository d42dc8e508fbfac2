//! Every chore of this repository, in one program that needs no other task runner: `cargo xtask --help`.
//!
//! One file (or folder) per chore: [`up`] and its opposite, [`parts`] (the foreign programs that tests and `up` run),
//! [`cluster`] (a real Kubernetes control plane), [`check`] (with `deps` and `gen`) and [`mod@test`]. Below them lie
//! [`command`] (programs that end), [`service`] (programs that stay), [`signals`] and [`say`].
//!
//! Design notes. No async and few dependencies, because the time to build this program is the first thing that a
//! newcomer waits for. IO is its purpose, so the workspace's bans on clock, environment and files end here.
#![allow(clippy::disallowed_methods, reason = "chores read files, the clock and the environment by nature")]

mod args;
mod bench;
mod cargo;
mod check;
mod cluster;
mod command;
mod disk;
mod image;
mod net;
mod parts;
mod paths;
mod portal;
mod process;
mod say;
mod secret;
mod service;
mod signals;
mod test;
mod up;

use std::process::ExitCode;

fn main() -> ExitCode {
    match args::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say::failure(&error);
            ExitCode::from(if signals::requested() { 130 } else { 1 })
        }
    }
}
