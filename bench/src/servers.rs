//! Benchmark 7: idle agents over three servers on one PostgreSQL: what each costs, how soon all are held again after one server was killed, and
//! after all three were.

use std::time::Duration;

use anyhow::{Context as _, Result};
use bowline_e2e::postgres::Mortal;
use bowline_e2e::program::Program;
use bowline_e2e::proxy::tcp_balancer;
use bowline_e2e::server::{enrolment_token, group};
use bowline_e2e::simulation::{Agents, Wanted};
use bowline_e2e::three::Three;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use serde_json::{Value, json};

use crate::Setup;
use crate::figures::{Report, print_table, short, slope};
use crate::machine::{self, moment};
use crate::program::until;

/// Longer than the keep-alive interval, so that every session has sent and received one.
const IDLE: Duration = Duration::from_secs(25);
/// One keep-alive interval.
const WINDOW: Duration = Duration::from_secs(20);
/// How this program is told to be a balancer; how many are, beside the first one.
pub(crate) const BALANCE: &str = "balance";
const BALANCERS: usize = 3;
/// So long that nobody shows as gone while servers are away.
const GRACE: u64 = 300;

/// Runs it.
pub(crate) async fn run(setup: &Setup) -> Result<()> {
    let mut report = Report::new("servers")?;
    let most = setup.fleet.last().copied().unwrap_or_default() + 1000;
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, soft.max(most), hard.max(most))
        .context("open files: run this as root, or raise the limit with ulimit -n")?;
    let postgres = Mortal::start("the benchmark servers").await.context("PostgreSQL is not installed")?;
    let mut three = Three::start(postgres.url(), GRACE).await;
    let _balancers = balancers(&three)?;
    let scope = group(&three.at[0], "fleet").await;
    let token = enrolment_token(&three.at[0], &scope, "bench", 100_000).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let mut readings = vec![read(&three, 0).await?];
    let (mut processes, mut there) = (Vec::new(), 0);
    for total in &setup.fleet {
        let (url, prefix) = (three.url.clone(), format!("upto-{total}-"));
        let (ca, count) = (three.servers[0].ca(), total - there);
        let duration = Duration::from_secs(7200);
        processes.push(Agents::start(&Wanted {
            url: &url,
            ca,
            group: &scope,
            token: &token,
            prefix: &prefix,
            count,
            duration,
            place: None,
        }));
        there = *total;
        held(&three, there, Duration::from_secs(600)).await?;
        tokio::time::sleep(IDLE).await;
        readings.push(read(&three, there).await?);
        eprintln!("{there} agents are idle");
    }
    let spread = sessions(&three).await;
    let started = moment();
    three.servers[1].kill();
    held(&three, there, Duration::from_secs(300)).await?;
    let one = (moment() - started).as_secs_f64();
    three.servers[1].restart().await;
    eprintln!("one server was killed: all are held again after {one:.1} s");
    tokio::time::sleep(IDLE).await;
    let started = moment();
    three.servers.iter_mut().for_each(bowline_e2e::server::Server::kill);
    three.servers.iter_mut().for_each(bowline_e2e::server::Server::launch);
    held(&three, there, Duration::from_secs(600)).await?;
    let all = (moment() - started).as_secs_f64();
    tokio::time::sleep(IDLE).await;
    readings.push(read(&three, there).await?);
    let points: Vec<_> = readings[1..readings.len() - 1]
        .iter()
        .map(|one| (one["agents"].as_f64().unwrap_or_default(), one["rssKb"].as_f64().unwrap_or_default()))
        .collect();
    let slope = if points.len() > 1 { slope(&points) } else { f64::NAN };
    let rows: Vec<Vec<String>> = readings.iter().map(row).collect();
    print_table(
        "Idle agents over three servers",
        &["agents", "RSS of three MiB", "CPU-µs/agent per 20 s", "on each"],
        &rows,
    );
    println!(
        "\nslope {} KB for each agent; all held again {one:.1} s after one server was killed, {all:.1} s after all three",
        short(slope)
    );
    report.set("slopeKb", slope);
    report.set("spread", spread);
    report.set("afterOneSeconds", one);
    report.set("afterAllSeconds", all);
    report.set("readings", readings);
    report.write(&setup.results)
}

/// The balancer has two open files for each session, which is more than one process may have: these take connections of the same port.
fn balancers(three: &Three) -> Result<Vec<Program>> {
    let front = three.url.rsplit(':').next().context("the balancer has a port")?.to_owned();
    let servers = three.servers.iter().map(|server| server.port.to_string());
    let arguments: Vec<String> = [BALANCE.to_owned(), front].into_iter().chain(servers).collect();
    let log = three.servers[0].data().join("balancer.log");
    let own = machine::own_program()?;
    Ok((0..BALANCERS).map(|_| Program::start(&own, &arguments, &[], &log)).collect())
}

/// What such a process does: it is this program, started again.
pub(crate) async fn balance(ports: &[String]) -> Result<()> {
    let ports: Vec<u16> = ports.iter().map(|port| port.parse()).collect::<Result<_, _>>()?;
    let (front, servers) = ports.split_first().context("a balancer has a port")?;
    let _ = tcp_balancer("localhost", *front, servers.to_vec()).await;
    std::future::pending().await
}

/// How many sessions each server holds; one that does not answer holds none.
async fn sessions(three: &Three) -> Vec<u64> {
    let mut held = Vec::new();
    for api in &three.at {
        let request = api.request(reqwest::Method::GET, "/readyz?").timeout(Duration::from_secs(5));
        let text =
            bowline_e2e::api::Api::exchange(request).await.map(|answer| answer.text).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("sessions "));
        held.push(line.and_then(|number| number.trim().parse().ok()).unwrap_or_default());
    }
    held
}

async fn held(three: &Three, agents: u64, within: Duration) -> Result<()> {
    until(&format!("{agents} agents are held"), within, async || {
        Ok((sessions(three).await.iter().sum::<u64>() == agents).then_some(()))
    })
    .await
}

async fn read(three: &Three, agents: u64) -> Result<Value> {
    let pids: Vec<u32> = three.servers.iter().filter_map(bowline_e2e::server::Server::pid).collect();
    let (before, started) = (machine::cpu_ms(&pids)?, moment());
    tokio::time::sleep(WINDOW).await;
    let intervals = (moment() - started).as_secs_f64() / WINDOW.as_secs_f64();
    let cpu = (machine::cpu_ms(&pids)? - before) as f64 * 1000.0;
    Ok(json!({
        "agents": agents, "rssKb": machine::status(&pids, "VmRSS")?, "onEach": sessions(three).await,
        "cpuUsPerKeepAlive": cpu / intervals / agents.max(1) as f64,
    }))
}

fn row(reading: &Value) -> Vec<String> {
    let number = |name: &str| reading[name].as_f64().unwrap_or_default();
    vec![
        reading["agents"].to_string(),
        short(number("rssKb") / 1024.0),
        short(number("cpuUsPerKeepAlive")),
        reading["onEach"].to_string(),
    ]
}
