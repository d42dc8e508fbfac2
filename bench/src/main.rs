//! Benchmarks: Bowline beside its peers, on one machine, in one run. `cargo xtask bench` builds and starts this.
//!
//! Each benchmark is a file: [`resources`], [`fanout`], [`sessions`], [`footprint`], [`enrolment`], [`stages`], [`servers`], [`upserts`],
//! [`mixed`], [`queries`], [`inventory`]; it checks that both
//! sides did what they were asked, prints a table and writes JSON. Below them lie the two sides ([`bowline`], [`kube`]),
//! the one client for both ([`http`]) and what the machine says ([`machine`]).
//!
//! Design notes. The first figure is the CPU time that all server processes took for an operation: on a machine that
//! others use too, it moves by percents where latency moves by factors. Rounds are interleaved. One thread: the
//! generator can use one core only, and the kernel ends every child with that thread.

mod bowline;
mod enrolment;
mod fanout;
mod figures;
mod footprint;
mod http;
mod inventory;
mod kube;
mod machine;
mod mixed;
mod peer;
mod program;
mod queries;
mod resources;
mod servers;
mod sessions;
mod stages;
mod upserts;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

/// What is measured, with what, and how often.
pub(crate) struct Setup {
    /// The folder of our programs.
    pub(crate) programs: PathBuf,
    /// The program that starts a control plane.
    pub(crate) xtask: PathBuf,
    /// Python with the engines that queries are measured beside; none: they are left out.
    pub(crate) engines: Option<PathBuf>,
    /// Where JSON goes.
    pub(crate) results: PathBuf,
    pub(crate) rounds: usize,
    /// How long one operation of one side is driven in a round.
    pub(crate) cell: Duration,
    /// Agents at which memory is read, ascending.
    pub(crate) agents: Vec<u64>,
    /// Agents and watches that a change goes to.
    pub(crate) watchers: u64,
    /// Changes of one agent in a round.
    pub(crate) singles: u64,
    /// Machines that enrol at once.
    pub(crate) enrol: u64,
    /// How long the agents are left idle.
    pub(crate) idle: Duration,
    /// Role assignments at which each stage is measured, ascending.
    pub(crate) assignments: Vec<u64>,
    /// Resources at which growth is measured, ascending.
    pub(crate) resources: Vec<u64>,
    /// Agents over three servers at which memory is read, ascending.
    pub(crate) fleet: Vec<u64>,
    /// Resources of the mixed load.
    pub(crate) mixed: u64,
    /// Resources that queries are asked over.
    pub(crate) queried: u64,
    /// Resources, and Kubernetes objects, that queries are asked over by HTTP.
    pub(crate) fleet_resources: u64,
    pub(crate) fleet_objects: u64,
}

const NAMES: [&str; 11] = [
    "resources",
    "fanout",
    "sessions",
    "footprint",
    "enrolment",
    "stages",
    "servers",
    "upserts",
    "mixed",
    "queries",
    "inventory",
];
const USAGE: &str = "cargo xtask bench [NAME…] [--rounds N] [--cell-seconds N] [--agents N,N] [--watchers N] [--singles N] \
                     [--enrol N] [--idle-seconds N] [--assignments N,N] [--resources N,N] [--fleet N,N] [--mixed N] [--queried N] [--fleet-resources N] [--fleet-objects N]\nnames: resources, fanout, sessions, footprint, enrolment, stages, servers, upserts, mixed, queries, inventory; all when none is given";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some((servers::BALANCE, ports)) = arguments.split_first().map(|(name, rest)| (name.as_str(), rest))
    {
        return servers::balance(ports).await;
    }
    let (setup, names) = parse(arguments.into_iter())?;
    for name in NAMES.iter().filter(|name| names.is_empty() || names.iter().any(|wanted| wanted == *name)) {
        let measured = match *name {
            "resources" => resources::run(&setup).await,
            "fanout" => fanout::run(&setup).await,
            "sessions" => sessions::run(&setup).await,
            "footprint" => footprint::run(&setup).await,
            "stages" => stages::run(&setup).await,
            "servers" => servers::run(&setup).await,
            "upserts" => upserts::run(&setup).await,
            "mixed" => mixed::run(&setup).await,
            "queries" => queries::run(&setup).await,
            "inventory" => inventory::run(&setup).await,
            _ => enrolment::run(&setup).await,
        };
        measured.with_context(|| format!("the benchmark {name} failed"))?;
    }
    Ok(())
}

/// `--programs`, `--xtask` and `--results` come from `cargo xtask bench`, the rest from whoever calls that.
fn parse(mut words: impl Iterator<Item = String>) -> Result<(Setup, Vec<String>)> {
    let mut setup = Setup {
        programs: PathBuf::new(),
        xtask: PathBuf::new(),
        engines: None,
        results: PathBuf::new(),
        rounds: 5,
        cell: Duration::from_secs(4),
        agents: vec![1000, 3000, 5000],
        watchers: 1000,
        singles: 20,
        enrol: 2000,
        idle: Duration::from_secs(600),
        assignments: vec![10, 1000, 100_000],
        resources: vec![10_000, 1_000_000],
        fleet: vec![3000, 12_000],
        mixed: 200_000,
        queried: 100_000,
        fleet_resources: 1_000_000,
        fleet_objects: 1_000_000,
    };
    let mut names = Vec::new();
    while let Some(word) = words.next() {
        if NAMES.contains(&word.as_str()) {
            names.push(word);
            continue;
        }
        let mut value = || words.next().with_context(|| format!("{word} needs a value\n{USAGE}"));
        match word.as_str() {
            "--programs" => setup.programs = value()?.into(),
            "--xtask" => setup.xtask = value()?.into(),
            "--engines" => setup.engines = Some(value()?.into()),
            "--results" => setup.results = value()?.into(),
            "--rounds" => setup.rounds = value()?.parse()?,
            "--cell-seconds" => setup.cell = Duration::from_secs(value()?.parse()?),
            "--agents" => setup.agents = numbers(&value()?)?,
            "--assignments" => setup.assignments = numbers(&value()?)?,
            "--resources" => setup.resources = numbers(&value()?)?,
            "--fleet" => setup.fleet = numbers(&value()?)?,
            "--fleet-resources" => setup.fleet_resources = value()?.parse()?,
            "--fleet-objects" => setup.fleet_objects = value()?.parse()?,
            "--queried" => setup.queried = value()?.parse()?,
            "--mixed" => setup.mixed = value()?.parse()?,
            "--watchers" => setup.watchers = value()?.parse()?,
            "--singles" => setup.singles = value()?.parse()?,
            "--enrol" => setup.enrol = value()?.parse()?,
            "--idle-seconds" => setup.idle = Duration::from_secs(value()?.parse()?),
            _ => bail!("'{word}' is not known\n{USAGE}"),
        }
    }
    if setup.rounds == 0 || setup.watchers < 32 || setup.mixed < 1000 || setup.queried < 10_000 {
        bail!(
            "at least one round, 32 watchers and 1,000 resources of the mixed load, 10,000 that are queried\n{USAGE}"
        );
    }
    Ok((setup, names))
}

fn numbers(text: &str) -> Result<Vec<u64>> {
    let numbers: Vec<u64> = text.split(',').map(str::parse).collect::<Result<_, _>>()?;
    match numbers.is_sorted() {
        true => Ok(numbers),
        false => bail!("'{text}': numbers, ascending, with commas between them\n{USAGE}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<(Setup, Vec<String>)> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn names_and_numbers_are_read_and_the_rest_is_refused() {
        let (setup, names) = parsed("sessions --agents 10,20 --rounds 3").unwrap();
        assert_eq!((setup.agents, setup.rounds, names), (vec![10, 20], 3, vec!["sessions".to_owned()]));
        assert!(parsed("--rounds").is_err());
        assert!(parsed("--rounds 0").is_err());
        assert!(parsed("--agents 20,10").is_err());
        assert!(parsed("everything").is_err());
    }
}
