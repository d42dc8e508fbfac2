//! Benchmark 1: make, change, read and list a resource of one kilobyte, with one and with 32 connections.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use futures::future::try_join_all;
use http::Method;
use serde_json::{Value, json};

use crate::Setup;
use crate::bowline::Server;
use crate::figures::{Report, median, print_table, quantile, short};
use crate::kube::Kube;
use crate::machine::{self, moment};
use crate::peer::{Kind, POPULATION, Peer, name_of};

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Create,
    Update,
    Get,
    List,
}

const OPERATIONS: [Operation; 4] = [Operation::Create, Operation::Update, Operation::Get, Operation::List];
const CONNECTIONS: [usize; 2] = [1, 32];

/// One side doing one thing for some seconds.
struct Cell {
    operations: usize,
    seconds: f64,
    server_ms: f64,
    generator_ms: f64,
    /// Share of the machine that neither server nor generator used.
    foreign: f64,
    latencies_ms: Vec<f64>,
}

/// Runs it.
pub(crate) async fn run(setup: &Setup) -> Result<()> {
    let mut report = Report::new("resources")?;
    let mut server = Server::start(&setup.programs).await?;
    server.group("fixed").await?;
    server.group("created").await?;
    let mut kube = Kube::start(&setup.xtask).await?;
    let peers = [
        Peer::new(Kind::Bowline, server.admin.clone(), server.pids()?.to_vec(), &server.subscription),
        Peer::new(Kind::Custom, kube.admin.clone(), kube.pids()?.to_vec(), ""),
        Peer::new(Kind::ConfigMap, kube.admin.clone(), kube.pids()?.to_vec(), ""),
    ];
    let mut sizes = Vec::new();
    for peer in &peers {
        sizes.push(populate(peer).await?);
    }
    report.set(
        "peer",
        json!({"kubernetes": kube.version, "authentication": "client certificate, system:masters"}),
    );
    report.set("sizes", sizes.clone());
    report.set("rounds", setup.rounds);
    let (rows, cells) = measure(setup, &peers).await?;
    report.set("cells", cells);
    let head = [
        "operation",
        "c",
        "side",
        "ops/s",
        "server CPU-ms/op (min–max)",
        "p50 ms",
        "p99 ms",
        "CPU ÷ Bowline",
        "foreign CPU",
    ];
    println!("\nsizes (request, answer): {}", Value::from(sizes));
    print_table(&format!("Median of {} interleaved rounds of {:?}", setup.rounds, setup.cell), &head, &rows);
    report.set(
        "rssKb",
        peers[..2].iter().map(|p| machine::status(&p.pids, "VmRSS")).collect::<Result<Vec<_>>>()?,
    );
    check(&peers, &mut server, &mut kube).await?;
    println!("\nAfter kill -9 of both sides every acknowledged resource was there: {}", acknowledged(&peers));
    kube.stop().await?;
    report.write(&setup.results)
}

fn acknowledged(peers: &[Peer]) -> String {
    let words = peers.iter().map(|peer| format!("{} {}", peer.kind.name(), peer.acknowledged().len()));
    words.collect::<Vec<_>>().join(", ")
}

async fn populate(peer: &Peer) -> Result<Value> {
    let mut connection = peer.target.connect().await?;
    let (mut sent, mut got) = (0, 0);
    for index in 0..POPULATION {
        let (method, path, body) = peer.create("fixed", &name_of(index));
        sent = body.len();
        let (status, answer) = connection.send(method, &path, Some(body)).await?;
        ensure!((200..300).contains(&status), "{path}: {status} {}", String::from_utf8_lossy(&answer));
        got = answer.len();
        peer.learn(index, &answer)?;
    }
    let (_, page) = connection.send(Method::GET, &peer.list_path(), None).await?;
    let value: Value = serde_json::from_slice(&page)?;
    let items = value["value"].as_array().or(value["items"].as_array()).context("a list has items")?;
    ensure!(items.len() == POPULATION, "{} lists {} of {POPULATION}", peer.kind.name(), items.len());
    Ok(json!({"side": peer.kind.name(), "request": sent, "answer": got, "list": page.len()}))
}

async fn measure(setup: &Setup, peers: &[Peer; 3]) -> Result<(Vec<Vec<String>>, Vec<Value>)> {
    let mut cells: Vec<Vec<Cell>> =
        (0..OPERATIONS.len() * CONNECTIONS.len() * peers.len()).map(|_| vec![]).collect();
    for round in 0..setup.rounds {
        eprintln!("round {} of {}", round + 1, setup.rounds);
        let mut series = cells.iter_mut();
        for operation in OPERATIONS {
            for connections in CONNECTIONS {
                for peer in peers {
                    let run = format!("{round}-{connections}");
                    let cell = drive(peer, operation, connections, &run, setup.cell).await?;
                    series.next().context("a series for each")?.push(cell);
                }
            }
        }
    }
    let mut rows = Vec::new();
    let mut values = Vec::new();
    let mut series = cells.iter();
    for operation in OPERATIONS {
        for connections in CONNECTIONS {
            let mut ours = 0.0;
            for peer in peers {
                let rounds = series.next().context("a series for each")?;
                let name = format!("{operation:?}");
                let (row, value) = summarize(&name, connections, peer.kind, rounds, &mut ours);
                rows.push(row);
                values.push(value);
            }
        }
    }
    Ok((rows, values))
}

fn summarize(name: &str, c: usize, kind: Kind, rounds: &[Cell], ours: &mut f64) -> (Vec<String>, Value) {
    let of = |figure: &dyn Fn(&Cell) -> f64| rounds.iter().map(figure).collect::<Vec<_>>();
    let cpu = of(&|cell| cell.server_ms / cell.operations.max(1) as f64);
    let rate = median(&of(&|cell| cell.operations as f64 / cell.seconds));
    let p50 = median(&of(&|cell| quantile(&cell.latencies_ms, 0.5)));
    let p99 = median(&of(&|cell| quantile(&cell.latencies_ms, 0.99)));
    let generator = median(&of(&|cell| cell.generator_ms / 1000.0 / cell.seconds));
    let foreign = median(&of(&|cell| cell.foreign));
    if kind == Kind::Bowline {
        *ours = median(&cpu);
    }
    let ratio = median(&cpu) / *ours;
    let spread =
        format!("{} ({}–{})", short(median(&cpu)), short(quantile(&cpu, 0.0)), short(quantile(&cpu, 1.0)));
    let row = vec![
        name.to_owned(),
        c.to_string(),
        kind.name().to_owned(),
        short(rate),
        spread,
        short(p50),
        short(p99),
        format!("{}×", short(ratio)),
        format!("{:.0} %", foreign * 100.0),
    ];
    let value = json!({
        "operation": name, "connections": c, "side": kind.name(), "opsPerSecond": rate, "cpuMsPerOp": cpu,
        "p50Ms": p50, "p99Ms": p99, "ratio": ratio, "generatorCores": generator, "foreign": foreign,
    });
    (row, value)
}

/// All connections are open and warm before the clock starts.
async fn drive(
    peer: &Peer,
    operation: Operation,
    connections: usize,
    run: &str,
    length: Duration,
) -> Result<Cell> {
    let warm = (0..connections).map(|_| async {
        let mut connection = peer.target.connect().await?;
        connection.send(Method::GET, &peer.path("fixed", &name_of(0)), None).await?;
        anyhow::Ok(connection)
    });
    let open = try_join_all(warm).await?;
    let own = [std::process::id()];
    let (server, generator, busy) =
        (machine::cpu_ms(&peer.pids)?, machine::cpu_ms(&own)?, machine::busy_ms()?);
    let started = moment();
    let workers = open.into_iter().enumerate().map(|(worker, connection)| {
        work(peer, operation, connection, Place { worker, of: connections, run }, started + length)
    });
    let latencies = try_join_all(workers).await?.concat();
    let seconds = (moment() - started).as_secs_f64();
    let (server, generator) = (machine::cpu_ms(&peer.pids)? - server, machine::cpu_ms(&own)? - generator);
    let all = seconds * 1000.0 * std::thread::available_parallelism()?.get() as f64;
    let foreign = (machine::busy_ms()? - busy).saturating_sub(server + generator) as f64 / all;
    Ok(Cell {
        operations: latencies.len(),
        seconds,
        server_ms: server as f64,
        generator_ms: generator as f64,
        foreign,
        latencies_ms: latencies,
    })
}

/// Which of the workers one is.
struct Place<'a> {
    worker: usize,
    of: usize,
    run: &'a str,
}

async fn work(
    peer: &Peer,
    operation: Operation,
    mut connection: crate::http::Connection,
    place: Place<'_>,
    end: Duration,
) -> Result<Vec<f64>> {
    let mut latencies = Vec::new();
    for n in 0.. {
        if moment() >= end {
            break;
        }
        let name = format!("created-{}-{}-{n}", place.run, place.worker);
        let index = (place.worker + place.of * n) % POPULATION;
        let (method, path, body): (_, _, Option<Bytes>) = match operation {
            Operation::Create => some_body(peer.create("created", &name)),
            Operation::Update => {
                some_body(peer.update(index, machine::unix_ms().unsigned_abs() % 100_000_000))
            }
            Operation::Get => (Method::GET, peer.path("fixed", &name_of((index * 17) % POPULATION)), None),
            Operation::List => (Method::GET, peer.list_path(), None),
        };
        let started = moment();
        let (status, answer) = connection.send(method, &path, body).await?;
        latencies.push((moment() - started).as_secs_f64() * 1000.0);
        ensure!((200..300).contains(&status), "{path}: {status} {}", String::from_utf8_lossy(&answer));
        match operation {
            Operation::Create => peer.acknowledge(name),
            Operation::Update => peer.learn(index, &answer)?,
            Operation::Get | Operation::List => {}
        }
    }
    Ok(latencies)
}

fn some_body((method, path, body): (Method, String, Bytes)) -> (Method, String, Option<Bytes>) {
    (method, path, Some(body))
}

/// An update is stored as sent, and after `kill -9` of every server what was acknowledged is there and nothing else.
async fn check(peers: &[Peer; 3], server: &mut Server, kube: &mut Kube) -> Result<()> {
    for (change, peer) in (77..).zip(peers) {
        let mut connection = peer.target.connect().await?;
        let (method, path, body) = peer.update(7, change);
        let (status, _) = connection.send(method, &path, Some(body)).await?;
        ensure!(status == 200, "{path} is answered {status}");
    }
    server.crash_and_launch().await?;
    kube.crash_and_restart().await?;
    server.wait_sessions(0, Duration::from_secs(60)).await?;
    for (change, peer) in (77..).zip(peers) {
        let mut connection = peer.target.connect().await?;
        let (_, answer) = connection.send(Method::GET, &peer.path("fixed", &name_of(7)), None).await?;
        ensure!(peer.change_of(&answer)? == change, "{} lost an acknowledged change", peer.kind.name());
        let names = peer.acknowledged();
        for name in names.iter().step_by((names.len() / 100).max(1)) {
            let path = peer.path("created", name);
            let (status, _) = connection.send(Method::GET, &path, None).await?;
            ensure!(status == 200, "{path} was acknowledged and is answered {status}");
        }
        let count = match peer.kind {
            Kind::Bowline => server.count(&peer.collection("created")).await?,
            Kind::Custom | Kind::ConfigMap => {
                let path = format!("{}?limit=1", peer.collection("created"));
                let page = peer.target.json(Method::GET, &path, None).await?;
                1 + page["metadata"]["remainingItemCount"].as_u64().unwrap_or_default()
            }
        };
        ensure!(count == names.len() as u64, "{} has {count} of {}", peer.kind.name(), names.len());
    }
    Ok(())
}
