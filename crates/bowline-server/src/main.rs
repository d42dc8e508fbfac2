//! `bowline-server`: starts the control plane.

use std::process::ExitCode;
use std::sync::LazyLock;

use clap::{CommandFactory as _, FromArgMatches as _};

use bowline_server::{backup, config, host, limits, openapi, verify, wire};

/// Half of the memory per idle session of the system's allocator (measured before the server was built).
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Here and not in the library, so that a new commit compiles no more than this file; a build that is not told it (from an archive, say)
/// knows none.
const COMMIT: &str = match option_env!("BOWLINE_COMMIT") {
    Some(commit) => commit,
    None => "unknown",
};

/// Version, commit and protocol.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    format!("{} (commit {COMMIT}, protocol {})", env!("CARGO_PKG_VERSION"), bowline_link::PROTOCOL)
});

/// Few arenas, and freed pages go back within a second: thousands of handshakes at once leave little behind. jemalloc reads this when it starts.
#[expect(unsafe_code, reason = "the allocator finds its settings by the name of a symbol")]
#[unsafe(export_name = "_rjem_malloc_conf")]
pub static ALLOCATOR_SETTINGS: &[u8] =
    b"narenas:2,dirty_decay_ms:1000,muzzy_decay_ms:0,background_thread:true\0";

fn main() -> ExitCode {
    let matches = config::Arguments::command().version(VERSION.as_str()).get_matches();
    let arguments = config::Arguments::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let outcome = match arguments.command {
        config::Command::Serve(options) => {
            host::raise_files();
            config::Config::resolve(*options).and_then(|config| {
                let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
                runtime.block_on(wire::serve(config, COMMIT))
            })
        }
        config::Command::Backup(options) => run(backup::backup(options, wire::clock())),
        config::Command::Restore(options) => run(backup::restore(options, wire::clock())),
        config::Command::Migrate(options) => run(backup::migrate(options)),
        config::Command::NewEpoch(place) => run(backup::new_epoch(place)),
        config::Command::Audit(command) => run(verify::run(command)),
        config::Command::Generate => {
            println!("{}", generated());
            Ok(())
        }
        config::Command::Version => {
            println!("bowline-server {}", *VERSION);
            Ok(())
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bowline-server: {error:#}");
            ExitCode::from(backup::exit_code(&error))
        }
    }
}

/// Runs a command that ends by itself.
fn run(command: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(command)
}

/// The files that are rendered from the code.
fn generated() -> serde_json::Value {
    let descriptions =
        openapi::render_all().into_iter().map(|(path, text)| (format!("openapi/{path}"), text));
    let errors = ("docs/reference/errors.md".to_owned(), bowline_arm::codes::page());
    let limits = ("docs/reference/limits.md".to_owned(), limits::page());
    let client = ("crates/bowline-cli/src/client/types.rs".to_owned(), openapi::client_types());
    descriptions
        .chain([client])
        .chain([errors, limits])
        .map(|(path, text)| (path, text.into()))
        .collect::<serde_json::Map<_, _>>()
        .into()
}
