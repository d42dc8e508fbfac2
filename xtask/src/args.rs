//! The command line, and which chore each word starts.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::paths::Paths;
use crate::{bench, check, cluster, image, parts, signals, test, up};

/// Every chore of Bowline's repository.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Builds and starts Bowline with a local Kubernetes control plane, and connects that and this server.
    Up(up::Options),
    /// Stops what `up` started.
    Down,
    /// Runs the check, then every test, each suite timed against `ci-budget.toml`.
    Test(test::Options),
    /// Formatting, lints, documentation, dependencies, generated files: everything but running it.
    Check,
    /// Holds the crates' dependencies against the table of who may know whom.
    Deps,
    /// Writes the files that programs render and that are committed.
    Gen,
    /// Builds or installs a foreign program that tests and `up` use, and prints the folder it is in.
    Parts {
        /// Which one; without a name: all are listed, and whether they are there.
        name: Option<String>,
    },
    /// Builds the agent's image as an OCI image layout, which `bowline-server serve --agent-image` serves.
    Image(image::Options),
    /// A real Kubernetes control plane, with or without a node, for tests and experiments.
    #[command(subcommand)]
    Cluster(ClusterChore),
    /// Measures Bowline beside its peers; every benchmark unless some are named.
    Bench {
        /// Names and settings; `docs/reference/benchmarks.md` lists them.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Is the first process of a node.
    #[command(hide = true)]
    Node(cluster::node::inside::Options),
    /// Cleans up after a test run when the pipe on standard input closes.
    #[command(hide = true)]
    Watch { id: String, folder: PathBuf },
}

#[derive(Subcommand)]
enum ClusterChore {
    /// Starts one, prints the path of its kubeconfig, and stays until Ctrl-C or until standard input closes.
    Up {
        /// Where its data, certificates and logs are kept.
        #[arg(long)]
        dir: PathBuf,
        /// The API server's port [default: the last one, or a free one].
        #[arg(long)]
        port: Option<u16>,
        /// Lets etcd answer before the disk has the data: for tests that throw it away.
        #[arg(long)]
        no_fsync: bool,
        /// With a node, on which pods run; needs root.
        #[arg(long)]
        node: bool,
    },
    /// Brings an image to the node of a cluster that runs, without a registry.
    Import {
        /// The cluster's folder.
        #[arg(long)]
        dir: PathBuf,
        /// The image's name before its tag, such as localhost/bowline-agent.
        #[arg(long)]
        name: String,
        /// The OCI image layout, as `cargo xtask image` writes it.
        image: PathBuf,
    },
}

/// Parses the command line and runs the chore.
pub(crate) fn run() -> Result<()> {
    let arguments = Arguments::parse();
    signals::listen();
    if let Chore::Watch { id, folder } = &arguments.chore {
        return test::guard::watch(id, folder);
    }
    if let Chore::Node(options) = &arguments.chore {
        return cluster::node::inside::run(options);
    }
    let paths = Paths::find()?;
    match arguments.chore {
        Chore::Up(options) => up::run(&paths, &options),
        Chore::Down => up::down(&paths),
        Chore::Test(options) => test::run(&paths, &options),
        Chore::Check => check::run(&paths, false),
        Chore::Deps => check::deps::run(&paths),
        Chore::Gen => check::generate::write(&paths),
        Chore::Parts { name } => parts::run(&paths, name.as_deref()),
        Chore::Image(options) => image::run(&paths, &options),
        Chore::Cluster(ClusterChore::Up { dir, port, no_fsync, node }) => {
            let folder = std::path::absolute(dir)?;
            let node = node.then(|| cluster::node_parts(&paths)).transpose()?;
            cluster::up(&paths, &cluster::Options { folder, port, durable: !no_fsync, node })
        }
        Chore::Cluster(ClusterChore::Import { dir, name, image }) => {
            cluster::import(&paths, &std::path::absolute(dir)?, &image, &name)
        }
        Chore::Bench { arguments } => bench::run(&paths, &arguments),
        Chore::Watch { .. } | Chore::Node(_) => Ok(()),
    }
}
