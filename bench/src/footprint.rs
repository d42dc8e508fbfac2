//! Benchmark 4: what an agent takes from its host while nothing happens.
//!
//! The agents are those of the release profile; the packages' own profile (`agent`) makes smaller ones.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use futures::future::try_join_all;
use http::Method;
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
/// Of the large cluster.
const PODS: usize = 20_000;
const NAMESPACES: usize = 50;
const NODES: usize = 200;
/// Connections that make them.
const WRITERS: usize = 16;

/// Runs it.
pub(crate) async fn run(setup: &Setup) -> Result<()> {
    let mut report = Report::new("footprint")?;
    let server = Server::start(&setup.programs).await?;
    let mut kube = Kube::start(&setup.xtask).await?;
    let group = server.group("agents").await?;
    let mut machine = machine_agent(setup, &server, &group).await?;
    let mut cluster = cluster_agent(setup, &server, &kube).await?;
    tokio::time::sleep(SETTLE).await;
    let mut rows = Vec::new();
    for (name, taken) in idle(setup, &[("machine", &machine), ("cluster (empty)", &cluster)]).await? {
        rows.push(taken.row(name));
        report.set(name, taken.value());
    }
    populate(&kube).await?;
    let objects = format!(
        "{group}/providers/Microsoft.Kubernetes/connectedClusters/bench/providers/Microsoft.Bowline/kubernetesObjects"
    );
    until("the report on all pods", Duration::from_secs(300), async || {
        Ok((server.count(&objects).await? >= PODS as u64).then_some(()))
    })
    .await?;
    tokio::time::sleep(SETTLE).await;
    for (name, taken) in idle(setup, &[("cluster (20,000 pods)", &cluster)]).await? {
        rows.push(taken.row(name));
        report.set(name, taken.value());
    }
    let head =
        ["agent", "RSS MiB", "of it anonymous", "CPU of a core", "context switches/s", "payload MB/day"];
    let seconds = setup.idle.as_secs_f64();
    print_table(&format!("Idle for {} s after the first full report", short(seconds)), &head, &rows);
    report.set("idleSeconds", seconds);
    machine.program.stop().await?;
    cluster.program.stop().await?;
    kube.stop().await?;
    report.write(&setup.results)
}

/// What the agents take while they are left alone.
async fn idle<'a>(setup: &Setup, agents: &[(&'a str, &Agent)]) -> Result<Vec<(&'a str, Taken)>> {
    let mut before = Vec::new();
    for (_, agent) in agents {
        before.push(agent.read().await?);
    }
    let started = moment();
    tokio::time::sleep(setup.idle).await;
    let seconds = (moment() - started).as_secs_f64();
    let mut taken = Vec::new();
    for ((name, agent), before) in agents.iter().zip(before) {
        let after = agent.read().await?;
        taken.push((
            *name,
            Taken {
                cpu_percent: (after.cpu_ms - before.cpu_ms) as f64 / seconds / 10.0,
                switches: (after.switches - before.switches) as f64 / seconds,
                bytes_a_day: (after.bytes - before.bytes) as f64 * DAY_SECONDS / seconds,
                now: after,
            },
        ));
    }
    Ok(taken)
}

/// What an idle agent takes.
struct Taken {
    now: Reading,
    cpu_percent: f64,
    switches: f64,
    bytes_a_day: f64,
}

impl Taken {
    fn row(&self, name: &str) -> Vec<String> {
        vec![
            name.to_owned(),
            short(self.now.rss_kb as f64 / 1024.0),
            short(self.now.anonymous_kb as f64 / 1024.0),
            format!("{:.3} %", self.cpu_percent),
            short(self.switches),
            short(self.bytes_a_day / 1e6),
        ]
    }

    fn value(&self) -> Value {
        json!({
            "rssKb": self.now.rss_kb, "anonymousKb": self.now.anonymous_kb, "cpuPercent": self.cpu_percent,
            "switchesPerSecond": self.switches, "payloadBytesPerDay": self.bytes_a_day,
        })
    }
}

/// Nodes, and pods that look as if they ran on them: no scheduler and no kubelet is there.
async fn populate(kube: &Kube) -> Result<()> {
    for node in 0..NODES {
        let body = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": format!("node-{node}")}});
        kube.admin.json(Method::POST, "/api/v1/nodes", Some(&body)).await?;
    }
    for namespace in 0..NAMESPACES {
        let body =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": format!("n{namespace}")}});
        kube.admin.json(Method::POST, "/api/v1/namespaces", Some(&body)).await?;
        let body = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}});
        let path = format!("/api/v1/namespaces/n{namespace}/serviceaccounts");
        kube.admin.json(Method::POST, &path, Some(&body)).await?;
    }
    let writers = (0..WRITERS).map(async |writer| -> Result<()> {
        let mut connection = kube.admin.connect().await?;
        for number in (writer..PODS).step_by(WRITERS) {
            let path = format!("/api/v1/namespaces/n{}/pods", number % NAMESPACES);
            let name = format!("web-{number}");
            let (mut pod, status) = pod(&name, number);
            for (method, path) in
                [(Method::POST, path.clone()), (Method::PUT, format!("{path}/{name}/status"))]
            {
                if method == Method::PUT {
                    pod["status"] = status.clone();
                }
                let (answered, bytes) =
                    connection.send(method.clone(), &path, Some(Bytes::from(pod.to_string()))).await?;
                let text = String::from_utf8_lossy(&bytes);
                ensure!((200..300).contains(&answered), "{method} {path} was answered {answered}: {text}");
            }
        }
        Ok(())
    });
    try_join_all(writers).await?;
    Ok(())
}

fn pod(name: &str, number: usize) -> (Value, Value) {
    let app = format!("web-{}", number / 20);
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": app, "tier": "front", "pod-template-hash": "7d9c5b8f6d"},
            "annotations": {"prometheus.io/scrape": "true", "prometheus.io/port": "9100"}},
        "spec": {"nodeName": format!("node-{}", number % NODES), "containers": [{
            "name": "web", "image": format!("registry.example/shop/web:1.{}", number % 7),
            "ports": [{"containerPort": 8080}], "env": [{"name": "MODE", "value": "production"}],
            "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}},
        }]},
    });
    let now = "2026-01-01T00:00:00Z";
    let condition = |kind: &str| json!({"type": kind, "status": "True", "lastTransitionTime": now});
    let conditions = ["Initialized", "Ready", "ContainersReady", "PodScheduled"].map(condition);
    let status = json!({
        "phase": "Running", "podIP": format!("10.{}.{}.{}", number / 65_536, number / 256 % 256, number % 256),
        "startTime": now, "conditions": conditions,
        "containerStatuses": [{"name": "web", "ready": true, "restartCount": number % 3, "image": "web", "imageID": "web",
            "started": true, "state": {"running": {"startedAt": now}}}],
    });
    (pod, status)
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
    let connect = "cluster connect --name bench --group agents --no-install --timeout 0 --kubeconfig";
    let connect: Vec<&str> = connect.split(' ').collect();
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
