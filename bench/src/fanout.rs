//! Benchmark 2: from a change to the agents: one of a thousand, and all of them; beside watches of kube-apiserver.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use futures::future::try_join_all;
use http::Method;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::Setup;
use crate::bowline::{Server, Simulation, Wish, versioned};
use crate::figures::{Report, print_table, quantile, short};
use crate::http::Target;
use crate::kube::Kube;
use crate::machine::{self, moment};
use crate::peer::{Kind, Peer, resource_version};

const PATIENCE: Duration = Duration::from_secs(60);
/// Writers of the thousand objects.
const WRITERS: usize = 32;

/// What one change took, in milliseconds.
struct Sample {
    first: f64,
    median: f64,
    last: f64,
    server_ms: f64,
}

/// Runs it.
pub(crate) async fn run(setup: &Setup) -> Result<()> {
    let mut report = Report::new("fanout")?;
    let count = setup.watchers;
    let mut server = Server::start(&setup.programs).await?;
    let group = server.group("agents").await?;
    let token = server.enrolment_token(&group).await?;
    let wish = Wish { group: &group, token: &token, prefix: "agent-", count, concurrency: 64 };
    let mut simulation = server.simulate(&wish)?;
    server.wait_sessions(count, Duration::from_secs(300)).await?;
    let mut kube = Kube::start(&setup.xtask).await?;
    let mut one = Watches::open(&kube, count, false).await?;
    let mut each = Watches::open(&kube, count, true).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let machine = format!("{group}/providers/Microsoft.HybridCompute/machines/agent-00007");
    let mut samples: [Vec<Sample>; 5] = Default::default();
    for round in 0..setup.rounds as u64 {
        for n in 0..setup.singles {
            let change = 1_000_000 + round * 1000 + n;
            samples[0].push(settings(&server, &simulation, &machine, change, 1).await?);
            samples[1].push(each.change_one(&kube, change).await?);
        }
        let change = 2_000_000 + round;
        samples[2].push(settings(&server, &simulation, &group, change, count - 1).await?);
        samples[3].push(one.change_one(&kube, change).await?);
        samples[4].push(each.change_all(&kube, change).await?);
        eprintln!("round {} of {}", round + 1, setup.rounds);
    }
    print(count, &samples);
    let value = |s: &Sample| json!({"firstMs": s.first, "p50Ms": s.median, "lastMs": s.last, "serverCpuMs": s.server_ms});
    for (name, samples) in
        ["one", "kubeOne", "all", "kubeAllOneObject", "kubeAllOwnObjects"].iter().zip(&samples)
    {
        report.set(name, samples.iter().map(value).collect::<Vec<_>>());
    }
    report.set("peer", kube.version.clone());
    report.set("watchers", count);
    simulation.kill().await?;
    drop((one, each));
    kube.stop().await?;
    report.write(&setup.results)
}

fn print(count: u64, samples: &[Vec<Sample>; 5]) {
    let names = [
        "a machine's settings → its agent".to_owned(),
        "kube: one object → its one watch".to_owned(),
        format!("a group's settings → {} agents", count - 1),
        format!("kube: one object → {count} watches of it"),
        format!("kube: {count} objects → {count} watches, each of its own"),
    ];
    let rows = names.into_iter().zip(samples).map(|(name, samples)| {
        let of = |figure: fn(&Sample) -> f64| samples.iter().map(figure).collect::<Vec<_>>();
        let last = of(|s| s.last);
        vec![
            name,
            samples.len().to_string(),
            short(quantile(&of(|s| s.first), 0.5)),
            short(quantile(&of(|s| s.median), 0.5)),
            short(quantile(&last, 0.5)),
            short(quantile(&last, 0.99)),
            short(quantile(&of(|s| s.server_ms), 0.5)),
        ]
    });
    let head = [
        "change",
        "samples",
        "first ms (p50)",
        "median agent ms",
        "last ms (p50)",
        "last ms (p99)",
        "server CPU-ms",
    ];
    print_table("From the request's first byte to the agents", &head, &rows.collect::<Vec<_>>());
}

/// A budget that no agent reaches; what is added to it tells one change from another.
const AMPLE: u64 = 1 << 40;

/// A PUT of settings at a scope, until the last of so many agents has it.
async fn settings(
    server: &Server,
    simulation: &Simulation,
    scope: &str,
    change: u64,
    agents: u64,
) -> Result<Sample> {
    let path = versioned(&format!("{scope}/providers/Microsoft.Bowline/agentSettings/default"));
    let body = json!({"properties": {"byteBudgetPerDay": AMPLE + change}});
    let mut connection = server.admin.connect().await?;
    let cpu = machine::cpu_ms(&server.pids()?)?;
    let sent = machine::unix_ms();
    let (status, answer) = connection.send(Method::PUT, &path, Some(body.to_string().into())).await?;
    ensure!((200..300).contains(&status), "{status}: {}", String::from_utf8_lossy(&answer));
    let arrived = |line: &Value| -> Option<Value> {
        let this = line["settings"]["byteBudgetPerDay"].as_u64()? == AMPLE + change;
        (this && line["agents"].as_u64()? >= agents).then(|| line.clone())
    };
    let line = simulation.wait(&format!("{change} at {agents} agents"), PATIENCE, arrived).await?;
    let first = line["firstUnixMs"].as_i64().context("a line says when")? - sent;
    let after = |name: &str| line["afterFirstMs"][name].as_f64().unwrap_or_default();
    Ok(Sample {
        first: first as f64,
        median: first as f64 + after("p50"),
        last: first as f64 + after("last"),
        server_ms: (machine::cpu_ms(&server.pids()?)? - cpu) as f64,
    })
}

/// When a watch saw a change.
struct Seen {
    change: u64,
    at: Duration,
}

/// Open watches, each on a connection of its own.
struct Watches {
    names: Vec<String>,
    peer: Peer,
    seen: mpsc::UnboundedReceiver<Seen>,
    count: u64,
}

impl Watches {
    /// Watches of one ConfigMap, or each of its own.
    async fn open(kube: &Kube, count: u64, own: bool) -> Result<Self> {
        let peer = Peer::new(Kind::ConfigMap, kube.admin.clone(), kube.pids()?.to_vec(), "");
        let objects = if own { count } else { 1 };
        let names: Vec<_> =
            (0..objects).map(|n| format!("{}-{n:05}", if own { "own" } else { "one" })).collect();
        let (sender, seen) = mpsc::unbounded_channel();
        let mut writer = kube.admin.connect().await?;
        let mut versions = Vec::new();
        for name in &names {
            let (method, path, body) = peer.create("watched", name);
            let (status, answer) = writer.send(method, &path, Some(body)).await?;
            ensure!(status == 201, "{name}: {}", String::from_utf8_lossy(&answer));
            versions.push(resource_version(&answer).context("an object has a version")?);
        }
        for n in 0..count as usize {
            let (name, version) = (&names[n % names.len()], &versions[n % names.len()]);
            let query = format!("watch=true&fieldSelector=metadata.name%3D{name}&resourceVersion={version}");
            watch(&kube.admin, &format!("{}?{query}", peer.collection("watched")), sender.clone()).await?;
        }
        Ok(Self { names, peer, seen, count })
    }

    /// One object changes: until all that watch it have seen it.
    async fn change_one(&mut self, kube: &Kube, change: u64) -> Result<Sample> {
        let expected = if self.names.len() == 1 { self.count } else { 1 };
        let name = self.names[7 % self.names.len()].clone();
        let mut connection = self.peer.target.connect().await?;
        let cpu = machine::cpu_ms(&kube.pids()?)?;
        let sent = moment();
        put(&mut connection, &self.peer, &name, change).await?;
        self.collect(kube, change, expected, sent, cpu).await
    }

    /// Every object changes once: until each watch has seen its own.
    async fn change_all(&mut self, kube: &Kube, change: u64) -> Result<Sample> {
        let cpu = machine::cpu_ms(&kube.pids()?)?;
        let sent = moment();
        let writers = (0..WRITERS).map(|writer| {
            let this = &*self;
            async move {
                let mut connection = this.peer.target.connect().await?;
                for name in this.names.iter().skip(writer).step_by(WRITERS) {
                    put(&mut connection, &this.peer, name, change).await?;
                }
                anyhow::Ok(())
            }
        });
        try_join_all(writers).await?;
        self.collect(kube, change, self.count, sent, cpu).await
    }

    async fn collect(
        &mut self,
        kube: &Kube,
        change: u64,
        count: u64,
        sent: Duration,
        cpu: u64,
    ) -> Result<Sample> {
        let mut times = Vec::new();
        while (times.len() as u64) < count {
            let next = tokio::time::timeout(PATIENCE, self.seen.recv()).await;
            let seen =
                next.with_context(|| format!("{} of {count} watches", times.len()))?.context("open")?;
            if seen.change == change {
                times.push((seen.at.saturating_sub(sent)).as_secs_f64() * 1000.0);
            }
        }
        Ok(Sample {
            first: quantile(&times, 0.0),
            median: quantile(&times, 0.5),
            last: quantile(&times, 1.0),
            server_ms: (machine::cpu_ms(&kube.pids()?)? - cpu) as f64,
        })
    }
}

async fn put(connection: &mut crate::http::Connection, peer: &Peer, name: &str, change: u64) -> Result<()> {
    let body = peer.body(name, change, "");
    let (status, answer) = connection.send(Method::PUT, &peer.path("watched", name), Some(body)).await?;
    ensure!(status == 200, "{name}: {}", String::from_utf8_lossy(&answer));
    Ok(())
}

/// Opens a watch; a task of its own notes each event.
async fn watch(target: &Target, path: &str, seen: mpsc::UnboundedSender<Seen>) -> Result<()> {
    let mut connection = target.connect().await?;
    let response = connection.stream(path).await?;
    ensure!(response.status().is_success(), "{path} is answered {}", response.status());
    tokio::spawn(async move {
        // The connection ends with its sender.
        let _connection = connection;
        let mut body = response.into_body();
        let mut line = Vec::new();
        while let Some(Ok(frame)) = body.frame().await {
            let data = frame.into_data().unwrap_or_else(|_| Bytes::new());
            line.extend_from_slice(&data);
            while let Some(end) = line.iter().position(|byte| *byte == b'\n') {
                let at = moment();
                if let Some(change) = change_in(&line[..end]) {
                    let _ = seen.send(Seen { change, at });
                }
                line.drain(..=end);
            }
        }
    });
    Ok(())
}

/// The change in an event, without parsing all of it: the clients are not what is measured.
fn change_in(line: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(line).ok()?;
    text.split_once("\"change\":\"")?.1.split_once('"')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_found_in_an_event() {
        let line = br#"{"type":"MODIFIED","object":{"data":{"change":"00002003"}}}"#;
        assert_eq!(change_in(line), Some(2003));
        assert_eq!(change_in(br#"{"type":"BOOKMARK"}"#), None);
    }
}
