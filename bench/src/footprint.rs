//! Benchmark 4: what an agent takes from its host while nothing happens.
//!
//! The agents are those of the release profile; the packages' own profile (`agent`) makes smaller ones.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::Command;

use crate::Setup;
use crate::bowline::Server;
use crate::figures::{Report, print_table, short};
use crate::kube::Kube;
use crate::machine::{self, moment};
use crate::program::{Program, command, free_port, until};

/// After the connection: the first full report is through.
const SETTLE: Duration = Duration::from_secs(20);
const DAY_SECONDS: f64 = 86_400.0;

/// Runs it.
pub(crate) async fn run(setup: &Setup) -> Result<()> {
    let mut report = Report::new("footprint")?;
    let server = Server::start(&setup.programs).await?;
    let mut kube = Kube::start(&setup.xtask).await?;
    let group = server.group("agents").await?;
    let mut machine = machine_agent(setup, &server, &group).await?;
    let mut cluster = cluster_agent(setup, &server, &kube).await?;
    tokio::time::sleep(SETTLE).await;
    let before = [machine.read().await?, cluster.read().await?];
    let started = moment();
    tokio::time::sleep(setup.idle).await;
    let seconds = (moment() - started).as_secs_f64();
    let after = [machine.read().await?, cluster.read().await?];
    let mut rows = Vec::new();
    for ((name, before), after) in ["machine", "cluster (empty)"].iter().zip(&before).zip(&after) {
        let day = |a: u64, b: u64| (a - b) as f64 * DAY_SECONDS / seconds;
        let cpu = (after.cpu_ms - before.cpu_ms) as f64 / seconds / 10.0;
        let switches = (after.switches - before.switches) as f64 / seconds;
        let bytes = day(after.bytes, before.bytes);
        rows.push(vec![
            (*name).to_owned(),
            short(after.rss_kb as f64 / 1024.0),
            short(after.anonymous_kb as f64 / 1024.0),
            format!("{cpu:.3} %"),
            short(switches),
            short(bytes / 1e6),
        ]);
        report.set(
            name,
            json!({
                "rssKb": after.rss_kb, "anonymousKb": after.anonymous_kb, "cpuPercent": cpu,
                "switchesPerSecond": switches, "payloadBytesPerDay": bytes,
            }),
        );
    }
    let head =
        ["agent", "RSS MiB", "of it anonymous", "CPU of a core", "context switches/s", "payload MB/day"];
    print_table(&format!("Idle for {} s after the first full report", short(seconds)), &head, &rows);
    report.set("idleSeconds", seconds);
    machine.program.stop().await?;
    cluster.program.stop().await?;
    kube.stop().await?;
    report.write(&setup.results)
}

/// An agent, and where it says how it is.
struct Agent {
    program: Program,
    health: u16,
}

/// What it took so far.
struct Reading {
    rss_kb: u64,
    anonymous_kb: u64,
    cpu_ms: u64,
    switches: u64,
    bytes: u64,
}

impl Agent {
    async fn read(&self) -> Result<Reading> {
        let pid = self.program.pid()?;
        let text = metrics(self.health).await?;
        let of = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line.and_then(|n| n.trim().parse::<u64>().ok()).with_context(|| format!("{name} in {text}"))
        };
        Ok(Reading {
            rss_kb: machine::status(&[pid], "VmRSS")?,
            anonymous_kb: machine::status(&[pid], "RssAnon")?,
            cpu_ms: machine::cpu_ms(&[pid])?,
            switches: machine::context_switches(pid)?,
            bytes: of("bowline_agent_received_bytes_total")? + of("bowline_agent_sent_bytes_total")?,
        })
    }

    async fn wait_connected(&mut self) -> Result<()> {
        until("the agent's session", Duration::from_secs(60), async || {
            self.program.require_running()?;
            let text = metrics(self.health).await.unwrap_or_default();
            Ok(text.lines().any(|line| line == "bowline_agent_connected 1").then_some(()))
        })
        .await
    }
}

async fn metrics(port: u16) -> Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await?;
    let mut text = String::new();
    stream.read_to_string(&mut text).await?;
    Ok(text)
}

async fn machine_agent(setup: &Setup, server: &Server, group: &str) -> Result<Agent> {
    let token = server.enrolment_token(group).await?;
    let binary = setup.programs.join("bowline-agent");
    let state = server.folder().join("machine");
    let mut connect = command(&binary);
    connect.args(["machine", "connect", "--server", &server.url(), "--name", "bench"]).arg("--ca-file");
    connect.arg(server.ca()).arg("--state-dir").arg(&state).arg("--enrollment-token-file").arg(&token);
    connect.args(["--subscription", server.subscription.rsplit('/').next().unwrap_or_default()]);
    connect.args(["--resource-group", "agents"]);
    succeed(&mut connect).await?;
    let health = free_port()?;
    let mut run = command(&binary);
    run.args(["machine", "run", "--health", &format!("127.0.0.1:{health}"), "--state-dir"]).arg(&state);
    let mut agent = Agent { program: Program::start(run, &server.folder().join("machine.log"))?, health };
    agent.wait_connected().await?;
    Ok(agent)
}

async fn cluster_agent(setup: &Setup, server: &Server, kube: &Kube) -> Result<Agent> {
    let bowline = |arguments: &[&str], path: &Path| {
        let mut command = command(&setup.programs.join("bowline"));
        command.env("BOWLINE_CONFIG_DIR", server.folder().join("cli")).args(arguments).arg(path);
        command
    };
    let url = server.url();
    let login = ["login", "--server", &url, "--username", "admin", "--password-file"];
    let mut login = bowline(&login, &server.password_file());
    succeed(login.arg("--ca-file").arg(server.ca())).await?;
    let connect =
        ["cluster", "connect", "--name", "bench", "--group", "agents", "--timeout", "0", "--kubeconfig"];
    succeed(&mut bowline(&connect, &kube.kubeconfig())).await?;
    let health = free_port()?;
    let mut run = command(&setup.programs.join("bowline-agent"));
    run.args(["cluster", "run", "--health", &format!("127.0.0.1:{health}"), "--kubeconfig"]);
    run.arg(kube.kubeconfig());
    let mut agent = Agent { program: Program::start(run, &server.folder().join("cluster.log"))?, health };
    agent.wait_connected().await?;
    Ok(agent)
}

async fn succeed(command: &mut Command) -> Result<Value> {
    let output = command.output().await?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "{:?} ended with {}: {said}", command.as_std(), output.status);
    Ok(serde_json::from_slice(&output.stdout).unwrap_or_default())
}
