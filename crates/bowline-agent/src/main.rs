//! Starts the program: the arguments, the cryptography, a runtime of the right size, and an exit code that says how it ended.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | done, or told to stop |
//! | 1 | failed; the reason is on standard error |
//! | 2 | the arguments are wrong |
//! | 4 | another instance uses this identity (a cloned disk) |
//! | 5 | the resource was deleted |

use std::{io, process::ExitCode, sync::LazyLock};

use anyhow::Context as _;
use bowline_agent::{
    args::{Arguments, ClusterDuty, MachineCommand, Role},
    cluster, logging,
    machine::{
        commands, connect,
        home::StateFolder,
        observe::{self, HostFiles},
        run,
        steps::StepFailed,
    },
    session::Outcome,
    simulate,
};
use tokio_util::sync::CancellationToken;

const REPLACED: u8 = 4;
const DELETED: u8 = 5;

/// Version, commit and protocol. Here and not in the library, so that a new commit compiles no more than this file; a build
/// that is not told the commit (from an archive, say) knows none.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let commit = option_env!("BOWLINE_COMMIT").unwrap_or("unknown");
    format!("{} (commit {commit}, protocol {})", bowline_agent::VERSION, bowline_link::PROTOCOL)
});

fn main() -> ExitCode {
    let arguments = Arguments::read(&VERSION);
    // It fails only when a provider is installed already, and then there is one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut runtime = match &arguments.role {
        Role::Simulate(_) => tokio::runtime::Builder::new_multi_thread(),
        // One thread is plenty for one agent, and the smallest.
        _ => tokio::runtime::Builder::new_current_thread(),
    };
    let ended = runtime.enable_all().build().context("the runtime could not be started");
    match ended.and_then(|runtime| runtime.block_on(perform(arguments.role))) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            // A failed step has been printed where it happened.
            if !error.chain().any(|cause| cause.is::<StepFailed>()) {
                eprintln!("bowline-agent: {error:#}");
            }
            ExitCode::FAILURE
        }
    }
}

async fn perform(role: Role) -> anyhow::Result<u8> {
    match role {
        Role::Machine { state, command } => machine(StateFolder::new(state.state_dir), command).await,
        Role::Cluster { command } => {
            logging::start(None, None);
            match command.into_duty() {
                ClusterDuty::Run(options) => cluster::run(options).await.map(|()| 0),
                ClusterDuty::Preflight { to } => {
                    let found = cluster::try_way(&to).await?;
                    println!("{found}");
                    Ok(u8::from(found["reached"] != true))
                }
            }
        }
        Role::Simulate(arguments) => {
            logging::start(Some("error"), None);
            let options = arguments.into_options()?;
            simulate::simulate(options, stop_on_signal()?, &mut io::stdout()).await?;
            Ok(0)
        }
        Role::Version => {
            print_version();
            Ok(0)
        }
    }
}

fn print_version() {
    println!("bowline-agent {}", *VERSION);
}

async fn machine(state: StateFolder, command: MachineCommand) -> anyhow::Result<u8> {
    let out = &mut io::stdout();
    match command {
        MachineCommand::Connect(arguments) => {
            let files = HostFiles::at("/");
            let host_name = observe::read_calls(&files).host_name;
            connect::connect(&state, &files, &host_name, arguments.into_options()?, out).await?;
        }
        MachineCommand::Run { health, log_level } => {
            logging::start(log_level.as_deref(), Some(state.log_file()));
            let outcome = run::run(state, HostFiles::at("/"), health.0, stop_on_signal()?).await?;
            return Ok(say_outcome(&outcome));
        }
        MachineCommand::Disconnect { force_local_only, credential } => {
            commands::disconnect(&state, credential.read()?, force_local_only, out).await?;
        }
        MachineCommand::Show { json } => commands::show(&state, json, out).await?,
        MachineCommand::Check => commands::check(&state, out).await?,
        MachineCommand::Logs { lines } => commands::logs(&state, lines, out)?,
        MachineCommand::Config { action } => commands::config(&state, action.into(), out).await?,
        MachineCommand::Version => print_version(),
    }
    Ok(0)
}

fn say_outcome(outcome: &Outcome) -> u8 {
    const AGAIN: &str = "bowline-agent machine disconnect --force-local-only, then connect";
    match outcome {
        Outcome::Stopped => 0,
        Outcome::Replaced { message } => {
            tracing::error!(message, "another instance uses this host's identity; this agent stops");
            eprintln!(
                "bowline-agent: another instance uses this host's identity: {message}\n\
                 If this disk was cloned, give this host an identity of its own: {AGAIN} under another name."
            );
            REPLACED
        }
        Outcome::Deleted { message } => {
            tracing::error!(message, "this host's resource was deleted; this agent stops");
            eprintln!(
                "bowline-agent: this host's resource was deleted: {message}\nTo bring it back: {AGAIN}."
            );
            DELETED
        }
    }
}

fn stop_on_signal() -> anyhow::Result<CancellationToken> {
    use tokio::signal::unix::{SignalKind, signal};
    let stop = CancellationToken::new();
    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM cannot be listened to")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("SIGINT cannot be listened to")?;
    let told = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        told.cancel();
    });
    Ok(stop)
}
