//! Benchmark 5: many machines enrol at once; how many a second, at what cost, and whether any is lost.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::Setup;
use crate::bowline::{Server, Wish};
use crate::figures::{Report, median, print_table, short};
use crate::machine::{self, moment};

/// Runs it.
pub(crate) async fn run(setup: &Setup) -> Result<()> {
    let mut report = Report::new("enrolment")?;
    let mut rounds = Vec::new();
    for round in 0..setup.rounds {
        rounds.push(enrol(setup, setup.enrol).await?);
        eprintln!("round {} of {}: {}", round + 1, setup.rounds, rounds[round]);
    }
    let of = |name: &str| rounds.iter().filter_map(|round| round[name].as_f64()).collect::<Vec<_>>();
    let row =
        ["enrolledPerSecond", "enrolledSeconds", "connectedSeconds", "serverCpuMsEach", "generatorCpuMsEach"];
    let head = [
        "machines at once",
        "enrolled/s",
        "all enrolled s",
        "all connected s",
        "server CPU-ms each",
        "generator CPU-ms each",
    ];
    let figures = row.iter().map(|name| short(median(&of(name))));
    let row = [setup.enrol.to_string()].into_iter().chain(figures).collect();
    print_table(&format!("Enrolment, median of {} rounds", setup.rounds), &head, &[row]);
    report.set("rounds", rounds);
    report.write(&setup.results)
}

async fn enrol(setup: &Setup, count: u64) -> Result<Value> {
    let mut server = Server::start(&setup.programs).await?;
    let group = server.group("agents").await?;
    let token = server.enrolment_token(&group).await?;
    let before = machine::cpu_ms(&server.pids()?)?;
    let wish = Wish { group: &group, token: &token, prefix: "machine-", count, concurrency: count };
    let started = moment();
    let mut simulation = server.simulate(&wish)?;
    server.wait_sessions(count, Duration::from_secs(300)).await?;
    let connected = (moment() - started).as_secs_f64();
    let cpu = (machine::cpu_ms(&server.pids()?)? - before) as f64;
    let generator = machine::cpu_ms(&[simulation.pid()?])? as f64;
    let enrolled = simulation
        .wait("the simulation's last word", Duration::from_secs(60), |line| {
            (line["enrolled"].as_u64() == Some(count)).then(|| line.clone())
        })
        .await?;
    ensure!(enrolled["enrolmentFailures"].as_u64() == Some(0), "some were refused: {enrolled}");
    let path = format!("{group}/providers/Microsoft.HybridCompute/machines");
    let there = server.count(&path).await?;
    ensure!(there == count, "{count} were acknowledged, and {there} are there");
    // It says how it stands once a second: the first time at which all were there is at most a second late.
    let seconds = simulation
        .oldest(|line| (line["enrolled"].as_u64() == Some(count)).then(|| line["seconds"].as_f64())?);
    let seconds = seconds.context("a reading says its time")?.min(connected);
    simulation.kill().await?;
    Ok(json!({
        "count": count, "enrolledSeconds": seconds, "enrolledPerSecond": count as f64 / seconds,
        "connectedSeconds": connected, "serverCpuMsEach": cpu / count as f64,
        "generatorCpuMsEach": generator / count as f64,
    }))
}
