//! Builds what `up` starts: the portal, the three programs, and the Kubernetes parts. Each only when something changed.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::pod::Pod;
use super::{Options, tools};
use crate::cluster::node;
use crate::paths::Paths;
use crate::{cargo, cluster, command, disk, parts, portal, say};

/// What `up` starts.
const CRATES: [&str; 3] = ["bowline-server", "bowline-agent", "bowline-cli"];

/// What was built, as far as it is wanted.
#[derive(Debug, Default)]
pub(super) struct Built {
    /// The folder of the Kubernetes programs.
    pub(super) kubernetes: Option<PathBuf>,
    pub(super) node: Option<node::Parts>,
    pub(super) pod: Option<Pod>,
}

/// Builds everything.
pub(super) fn all(paths: &Paths, options: &Options) -> Result<Built> {
    if let Some(why) = node::obstacle().filter(|_| options.node) {
        bail!("{why}; without --node the agent runs beside a control plane, and that needs no root");
    }
    let wants_cluster = options.wants_cluster();
    // The process in the foreground has built everything just now, and the sources may have changed since.
    if options.detached || options.no_build {
        require_built(paths)?;
    } else {
        announce(paths, options)?;
        tools::require(portal::exists(paths), wants_cluster.then_some(&parts::KUBERNETES))?;
        portal::build(paths)?;
        programs(paths)?;
    }
    let mut built = Built::default();
    if wants_cluster {
        built.kubernetes = Some(parts::ensure_built(paths, &parts::KUBERNETES)?);
    }
    if options.node {
        built.node = Some(cluster::node_parts(paths)?);
        built.pod = Some(Pod::build(paths)?);
    }
    Ok(built)
}

/// Says before it begins how long a first start takes, and for what.
fn announce(paths: &Paths, options: &Options) -> Result<()> {
    let mut work = Vec::new();
    if portal::exists(paths) && !portal::was_built(paths) {
        work.push(("the portal", 1));
    }
    if !paths.built("bowline-server").exists() {
        work.push(("Bowline itself (not optimised; `cargo build --release` is for use)", 6));
        disk::require(&paths.target, 6 << 30, "building Bowline")?;
    }
    if options.wants_cluster() && parts::find_built(paths, &parts::KUBERNETES)?.is_none() {
        work.push(("Kubernetes", parts::KUBERNETES.minutes));
    }
    if options.node && parts::find_built(paths, &parts::HELM)?.is_none() {
        work.push(("Helm, which installs the agent", parts::HELM.minutes));
    }
    if !work.is_empty() {
        let total: u32 = work.iter().map(|(_, minutes)| minutes).sum();
        say::step(format!(
            "This first start builds for about {total} min on two idle cores; later ones take seconds"
        ));
        for (what, minutes) in work {
            say::note(format!("{minutes} min: {what}"));
        }
    }
    Ok(())
}

fn require_built(paths: &Paths) -> Result<()> {
    for program in ["bowline-server", "bowline-agent", "bowline"] {
        let file = paths.built(program);
        if !file.exists() {
            bail!("{} is not there: leave --no-build out", file.display());
        }
    }
    Ok(())
}

fn programs(paths: &Paths) -> Result<()> {
    let progress = say::Progress::start();
    say::step("Building bowline-server, bowline-agent and bowline");
    let mut build = cargo::command(paths, "build");
    add_packages(&mut build);
    command::run(&mut build).with_context(|| {
        let free = disk::free(&paths.target).map_or_else(|| "?".to_owned(), say::bytes);
        format!("Bowline could not be built; the compiler's words are above ({free} are free on the disk)")
    })?;
    say::note(format!("built in {}", say::duration(progress.finish())));
    Ok(())
}

fn add_packages(build: &mut Command) {
    for name in CRATES {
        build.args(["--package", name]);
    }
}
