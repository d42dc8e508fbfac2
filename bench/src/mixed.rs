//! Benchmark 9: what a busy fleet asks for, at once: 70 % GET, 20 % PUT, 5 % LIST of 500, 5 % created and deleted, from 32 connections over many resources of
//! one kilobyte, on SQLite, on PostgreSQL with one server and with three, beside custom resources of kube-apiserver + etcd.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use bowline_e2e::postgres::Mortal;
use bowline_e2e::server::group;
use bowline_e2e::three::Three;
use bowline_store::conformance::Dice;
use futures::future::try_join_all;
use http::Method;
use serde_json::json;

use crate::Setup;
use crate::bowline::{Server, VERSION};
use crate::figures::{Report, median, print_table, quantile, short};
use crate::http::{Connection, Target};
use crate::kube::Kube;
use crate::machine::{self, moment};
use crate::peer::{Kind, Peer};

const CONNECTIONS: usize = 32;
const PAGE: usize = 500;
/// Names of the operations, in the order of the latencies.
const OPERATIONS: [&str; 5] = ["GET", "PUT", "LIST", "create", "delete"];

/// One side: where its connections go, and what it runs.
struct Side {
    name: &'static str,
    peer: Peer,
    targets: Vec<Target>,
    cpu_ms: Box<dyn Fn() -> Result<u64>>,
}

/// What one side did in one round.
struct Cell {
    operations: usize,
    seconds: f64,
    server_ms: f64,
    latencies: [Vec<f64>; 5],
}

/// Runs it.
pub(crate) async fn run(setup: &Setup) -> Result<()> {
    let mut report = Report::new("mixed")?;
    let count = usize::try_from(setup.mixed)?;
    let (mut rows, mut found, mut ours) = (Vec::new(), Vec::new(), None);
    // One after the other: each has the machine for itself.
    for name in ["SQLite", "PostgreSQL, one server", "PostgreSQL, three servers", "kube CRD"] {
        let cells = match name {
            "SQLite" => sqlite(setup, count).await?,
            "kube CRD" => kube(setup, count).await?,
            _ => postgres(setup, count, name).await?,
        };
        let of = |figure: &dyn Fn(&Cell) -> f64| median(&cells.iter().map(figure).collect::<Vec<_>>());
        let cpu = of(&|cell| cell.server_ms / cell.operations.max(1) as f64);
        let rate = of(&|cell| cell.operations as f64 / cell.seconds);
        let ours = *ours.get_or_insert(cpu);
        let times: Vec<String> = (0..OPERATIONS.len())
            .map(|at| {
                let p50 = of(&|cell| quantile(&cell.latencies[at], 0.5));
                format!("{} / {}", short(p50), short(of(&|cell| quantile(&cell.latencies[at], 0.99))))
            })
            .collect();
        let mut row = vec![name.to_owned(), short(rate), short(cpu), format!("{}×", short(cpu / ours))];
        row.extend(times);
        rows.push(row);
        found.push(json!({"side": name, "perSecond": rate, "cpuMsPerOperation": cpu, "ratio": cpu / ours}));
    }
    let head = [
        "side",
        "operations/s",
        "server CPU-ms each",
        "÷ SQLite",
        "GET p50/p99 ms",
        "PUT",
        "LIST",
        "create",
        "delete",
    ];
    print_table(&format!("{count} resources, {CONNECTIONS} connections"), &head, &rows);
    report.set("resources", count);
    report.set("sides", found);
    report.write(&setup.results)
}

async fn sqlite(setup: &Setup, count: usize) -> Result<Vec<Cell>> {
    let server = Server::start(&setup.programs).await?;
    server.group("fixed").await?;
    server.group("created").await?;
    let peer = Peer::sized(Kind::Bowline, server.admin.clone(), Vec::new(), &server.subscription, count);
    let pids = server.pids()?.to_vec();
    let side = Side {
        name: "SQLite",
        peer,
        targets: vec![server.admin.clone()],
        cpu_ms: Box::new(move || machine::cpu_ms(&pids)),
    };
    measure(setup, &side, count).await
}

async fn postgres(setup: &Setup, count: usize, name: &'static str) -> Result<Vec<Cell>> {
    let database = Mortal::start("the benchmark mixed").await.context("PostgreSQL is not installed")?;
    let three = Three::start(database.url(), 300).await;
    let scope = group(&three.at[0], "fixed").await;
    let _ = group(&three.at[0], "created").await;
    let bearer = three.at[0].bearer.clone().context("the administrator has a token")?;
    let ca = machine::read(&three.servers[0].ca())?;
    let many = if name.ends_with("three servers") { 3 } else { 1 };
    let target = |port| anyhow::Ok(Target::new(port, &ca, None)?.with_bearer(&bearer));
    let targets: Vec<Target> =
        three.servers[..many].iter().map(|server| target(server.port)).collect::<Result<_>>()?;
    let root = scope.split("/resourceGroups").next().unwrap_or_default();
    let peer = Peer::sized(Kind::Bowline, targets[0].clone(), Vec::new(), root, count);
    let own: Vec<u32> = three.servers.iter().filter_map(bowline_e2e::server::Server::pid).collect();
    let postmaster = database.pid().context("PostgreSQL runs")?;
    let cpu_ms = move || Ok(machine::cpu_ms(&own)? + machine::family_cpu_ms(postmaster)?);
    measure(setup, &Side { name, peer, targets, cpu_ms: Box::new(cpu_ms) }, count).await
}

async fn kube(setup: &Setup, count: usize) -> Result<Vec<Cell>> {
    let mut kube = Kube::start(&setup.xtask).await?;
    let peer = Peer::sized(Kind::Custom, kube.admin.clone(), Vec::new(), "", count);
    let pids = kube.pids()?.to_vec();
    let side = Side {
        name: "kube CRD",
        peer,
        targets: vec![kube.admin.clone()],
        cpu_ms: Box::new(move || machine::cpu_ms(&pids)),
    };
    let cells = measure(setup, &side, count).await?;
    kube.stop().await?;
    Ok(cells)
}

fn name_of(index: usize) -> String {
    format!("fixed-{index:07}")
}

async fn measure(setup: &Setup, side: &Side, count: usize) -> Result<Vec<Cell>> {
    eprintln!("{}: making {count} resources", side.name);
    let fill = (0..CONNECTIONS).map(|worker| async move {
        let mut connection = side.targets[worker % side.targets.len()].connect().await?;
        for index in (worker..count).step_by(CONNECTIONS) {
            let (method, path, body) = side.peer.create("fixed", &name_of(index));
            let answer = send(&mut connection, method, &path, Some(body)).await?;
            side.peer.learn(index, &answer)?;
        }
        anyhow::Ok(())
    });
    try_join_all(fill).await?;
    let mut cells = Vec::new();
    for round in 0..setup.rounds {
        eprintln!("{}: round {} of {}", side.name, round + 1, setup.rounds);
        cells.push(drive(setup, side, count, round).await?);
    }
    Ok(cells)
}

async fn drive(setup: &Setup, side: &Side, count: usize, round: usize) -> Result<Cell> {
    let connections = (0..CONNECTIONS).map(|worker| side.targets[worker % side.targets.len()].connect());
    let open = try_join_all(connections).await?;
    let (before, started) = ((side.cpu_ms)()?, moment());
    let workers = open.into_iter().enumerate().map(|(worker, connection)| {
        work(side, connection, Place { worker, round, count }, started + setup.cell)
    });
    let each = try_join_all(workers).await?;
    let seconds = (moment() - started).as_secs_f64();
    let server_ms = (side.cpu_ms)()?.saturating_sub(before) as f64;
    let mut latencies: [Vec<f64>; 5] = Default::default();
    for times in each {
        for (all, some) in latencies.iter_mut().zip(times) {
            all.extend(some);
        }
    }
    let operations = latencies.iter().map(Vec::len).sum();
    Ok(Cell { operations, seconds, server_ms, latencies })
}

/// Which worker one is, and among how many resources.
struct Place {
    worker: usize,
    round: usize,
    count: usize,
}

/// Deterministic: the same operations in the same order on every side.
async fn work(side: &Side, mut connection: Connection, place: Place, end: Duration) -> Result<[Vec<f64>; 5]> {
    let mut latencies: [Vec<f64>; 5] = Default::default();
    let mut dice = Dice::new((place.worker + place.round * CONNECTIONS) as u64 + 1);
    let mut next = |n: usize| usize::try_from(dice.roll(n.max(1) as u64)).unwrap_or_default();
    let mut made: Option<String> = None;
    let page = if side.peer.kind == Kind::Bowline {
        format!("?api-version={VERSION}&$top={PAGE}")
    } else {
        format!("?limit={PAGE}")
    };
    for n in 0_u64.. {
        if moment() >= end {
            break;
        }
        // Of its own share: two changes of one custom resource at once are a conflict.
        let own = (next(place.count / CONNECTIONS) * CONNECTIONS + place.worker) % place.count;
        let (at, method, path, body) = match next(100) {
            0..70 => (0, Method::GET, side.peer.path("fixed", &name_of(next(place.count))), None),
            70..90 => {
                let change = (n * 100 + place.worker as u64 + place.round as u64 * 10_000_000) % 100_000_000;
                let (method, path, body) = side.peer.update_of(own, &name_of(own), change);
                (1, method, path, Some(body))
            }
            90..95 => (2, Method::GET, format!("{}{page}", side.peer.collection("fixed")), None),
            _ => match made.take() {
                Some(name) => (4, Method::DELETE, side.peer.path("created", &name), None),
                None => {
                    let name = format!("c{}-{}-{n}", place.round, place.worker);
                    let (method, path, body) = side.peer.create("created", &name);
                    made = Some(name);
                    (3, method, path, Some(body))
                }
            },
        };
        let started = moment();
        let answer = send(&mut connection, method, &path, body).await?;
        latencies[at].push((moment() - started).as_secs_f64() * 1000.0);
        match at {
            1 => side.peer.learn(own, &answer)?,
            2 => ensure!(answer.len() > PAGE.min(place.count) * 500, "a page has {} bytes", answer.len()),
            _ => {}
        }
    }
    Ok(latencies)
}

async fn send(
    connection: &mut Connection,
    method: Method,
    path: &str,
    body: Option<bytes::Bytes>,
) -> Result<bytes::Bytes> {
    let (status, answer) = connection.send(method, path, body).await?;
    ensure!((200..300).contains(&status), "{path}: {status} {}", String::from_utf8_lossy(&answer));
    Ok(answer)
}
