//! Benchmark 3: what an idle agent costs the server, and how soon all are back after the server was killed.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use crate::Setup;
use crate::bowline::{Server, Simulation, Wish};
use crate::figures::{Report, print_table, short, slope};
use crate::machine::{self, moment};

/// Longer than the keep-alive interval, so that every session has sent and received one.
const IDLE: Duration = Duration::from_secs(25);
/// One keep-alive interval.
const WINDOW: Duration = Duration::from_secs(20);
const KEEP_ALIVE_SECONDS: f64 = 20.0;

/// Memory at a number of sessions.
struct Reading {
    agents: u64,
    rss_kb: u64,
    anonymous_kb: u64,
    /// Server CPU for each agent in a keep-alive interval.
    keep_alive_us: f64,
}

/// Runs it.
pub(crate) async fn run(setup: &Setup) -> Result<()> {
    let mut report = Report::new("sessions")?;
    let mut server = Server::start(&setup.programs).await?;
    let group = server.group("agents").await?;
    let token = server.enrolment_token(&group).await?;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let mut readings = vec![read(&server, 0).await?];
    let mut simulations: Vec<Simulation> = Vec::new();
    let mut agents = 0;
    for total in &setup.agents {
        let prefix = format!("upto-{total}-");
        let count = total - agents;
        let wish = Wish { group: &group, token: &token, prefix: &prefix, count, concurrency: 64 };
        simulations.push(server.simulate(&wish)?);
        agents = *total;
        server.wait_sessions(agents, Duration::from_secs(300)).await?;
        tokio::time::sleep(IDLE).await;
        readings.push(read(&server, agents).await?);
        eprintln!("{agents} agents are idle");
    }
    let restart = storm(&mut server, agents).await?;
    let after = read(&server, agents).await?;
    print(&readings, &restart, &after);
    let points = |readings: &[Reading], of: fn(&Reading) -> u64| {
        readings.iter().map(|r| (r.agents as f64, of(r) as f64)).collect::<Vec<_>>()
    };
    report.set("slopeKb", slope(&points(&readings[1..], |r| r.rss_kb)));
    report.set("slopeAnonymousKb", slope(&points(&readings[1..], |r| r.anonymous_kb)));
    report.set("slopeFromEmptyKb", slope(&points(&readings, |r| r.rss_kb)));
    report
        .set("slopeAfterRestartKb", (after.rss_kb.saturating_sub(readings[0].rss_kb)) as f64 / agents as f64);
    report.set("readings", readings.iter().chain([&after]).map(value).collect::<Vec<_>>());
    report.set("restart", restart);
    for mut simulation in simulations {
        simulation.kill().await?;
    }
    report.write(&setup.results)
}

async fn read(server: &Server, agents: u64) -> Result<Reading> {
    let pids = server.pids()?;
    let (before, started) = (machine::cpu_ms(&pids)?, moment());
    tokio::time::sleep(WINDOW).await;
    let intervals = (moment() - started).as_secs_f64() / KEEP_ALIVE_SECONDS;
    let cpu = (machine::cpu_ms(&pids)? - before) as f64 * 1000.0;
    Ok(Reading {
        agents,
        rss_kb: machine::status(&pids, "VmRSS")?,
        anonymous_kb: machine::status(&pids, "RssAnon")?,
        keep_alive_us: cpu / intervals / agents.max(1) as f64,
    })
}

/// `kill -9` and a restart; how long until the server is ready and until all are back, and what that cost it.
async fn storm(server: &mut Server, agents: u64) -> Result<Value> {
    let killed = moment();
    server.crash_and_launch().await?;
    let ready = crate::program::until("the server after kill -9", Duration::from_secs(60), async || {
        Ok(server.sessions().await)
    });
    ready.await?;
    let ready = (moment() - killed).as_secs_f64();
    let (mut half, mut nine_tenths) = (None, None);
    crate::program::until("all agents after kill -9", Duration::from_secs(300), async || {
        let sessions = server.sessions().await.unwrap_or_default();
        let now = (moment() - killed).as_secs_f64();
        if sessions * 2 >= agents {
            half.get_or_insert(now);
        }
        if sessions * 10 >= agents * 9 {
            nine_tenths.get_or_insert(now);
        }
        Ok((sessions == agents).then_some(()))
    })
    .await?;
    let all = (moment() - killed).as_secs_f64();
    let cpu = machine::cpu_ms(&server.pids()?)?;
    tokio::time::sleep(IDLE).await;
    Ok(json!({
        "agents": agents, "readySeconds": ready, "halfSeconds": half, "nineTenthsSeconds": nine_tenths,
        "allSeconds": all, "serverCpuMs": cpu, "serverCpuMsPerAgent": cpu as f64 / agents as f64,
    }))
}

fn value(reading: &Reading) -> Value {
    json!({
        "agents": reading.agents, "rssKb": reading.rss_kb, "anonymousKb": reading.anonymous_kb,
        "cpuUsPerKeepAlive": reading.keep_alive_us,
    })
}

fn print(readings: &[Reading], restart: &Value, after: &Reading) {
    let row = |r: &Reading, what: &str| {
        let each = r.rss_kb.saturating_sub(readings[0].rss_kb) as f64 / r.agents.max(1) as f64;
        vec![
            what.to_owned(),
            r.agents.to_string(),
            short(r.rss_kb as f64 / 1024.0),
            short(each),
            short(r.keep_alive_us),
        ]
    };
    let mut rows: Vec<_> = readings.iter().map(|r| row(r, "idle")).collect();
    rows.push(row(after, "after kill -9 and restart"));
    let head = ["state", "agents", "server RSS MiB", "KB/agent above empty", "CPU-µs/agent per 20 s"];
    print_table("Memory and CPU of idle sessions", &head, &rows);
    println!("\nRestart: {restart}");
}
