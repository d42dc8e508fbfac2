//! `bowline-server`: starts the control plane.

use std::process::ExitCode;

use clap::Parser;

use bowline_server::{config, openapi, wire};

/// Half of the memory per idle session of the system's allocator (measured before the server was built).
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let arguments = config::Arguments::parse();
    let outcome = match arguments.command {
        config::Command::Serve(options) => config::Config::resolve(*options).and_then(|config| {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            runtime.block_on(wire::serve(config))
        }),
        config::Command::Openapi => {
            print!("{}", openapi::render_text());
            Ok(())
        }
        config::Command::Version => {
            println!("bowline-server {} protocol {}", env!("CARGO_PKG_VERSION"), bowline_link::PROTOCOL);
            Ok(())
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bowline-server: {error:#}");
            ExitCode::FAILURE
        }
    }
}
