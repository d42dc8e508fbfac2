//! Benchmark 8: changes of a resource of one kilobyte on PostgreSQL, with one server and with three, beside the same database's own upserts of the same
//! size with the same number of connections (pgbench, prepared statements, a Unix socket, no TLS).

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use bowline_e2e::postgres::Mortal;
use bowline_e2e::server::group;
use bowline_e2e::three::Three;
use futures::future::try_join_all;
use http::Method;
use serde_json::json;

use crate::Setup;
use crate::figures::{Report, median, print_table, short};
use crate::http::Target;
use crate::machine::{self, moment};
use crate::peer::{Kind, POPULATION, Peer, name_of};

const CONNECTIONS: [usize; 2] = [32, 256];

/// Runs it.
pub(crate) async fn run(setup: &Setup) -> Result<()> {
    let mut report = Report::new("upserts")?;
    let postgres = Mortal::start("the benchmark upserts").await.context("PostgreSQL is not installed")?;
    let three = Three::start(postgres.url(), 300).await;
    let scope = group(&three.at[0], "fixed").await;
    let root = scope.split("/resourceGroups").next().unwrap_or_default();
    let bearer = three.at[0].bearer.clone().context("the administrator has a token")?;
    let ca = machine::read(&three.servers[0].ca())?;
    let targets: Vec<Target> = three
        .servers
        .iter()
        .map(|server| Ok(Target::new(server.port, &ca, None)?.with_bearer(&bearer)))
        .collect::<Result<_>>()?;
    let peer = Peer::new(Kind::Bowline, targets[0].clone(), Vec::new(), root);
    let mut connection = targets[0].connect().await?;
    let mut size = 0;
    for index in 0..POPULATION {
        let (method, path, body) = peer.create("fixed", &name_of(index));
        size = body.len();
        let (status, answer) = connection.send(method, &path, Some(body)).await?;
        ensure!((200..300).contains(&status), "{path}: {status} {}", String::from_utf8_lossy(&answer));
    }
    let _ =
        postgres.ask("CREATE TABLE peer (id INT PRIMARY KEY, n BIGINT NOT NULL, body TEXT NOT NULL)").await;
    let (mut rows, mut found) = (Vec::new(), Vec::new());
    for connections in CONNECTIONS {
        let mut rates = vec![Vec::new(); 3];
        for round in 0..setup.rounds {
            eprintln!("{connections} connections, round {} of {}", round + 1, setup.rounds);
            for (at, targets) in [&targets[..1], &targets[..]].into_iter().enumerate() {
                let seed = (round * 10 + at + connections * 1000) as u64 * 100_000;
                rates[at].push(ours(&peer, targets, connections, setup.cell, seed).await?);
            }
            rates[2].push(theirs(&postgres, connections, size, setup.cell)?);
        }
        let rates: Vec<f64> = rates.iter().map(|rounds| median(rounds)).collect();
        for (side, rate) in ["one server", "three servers", "PostgreSQL's upserts"].iter().zip(&rates) {
            rows.push(vec![
                connections.to_string(),
                (*side).to_owned(),
                short(*rate),
                format!("{}×", short(rate / rates[2])),
            ]);
            found.push(json!({"connections": connections, "side": side, "perSecond": rate, "ratio": rate / rates[2]}));
        }
    }
    print_table(
        "Changes a second, median of the rounds",
        &["c", "side", "changes/s", "÷ PostgreSQL's own"],
        &rows,
    );
    report.set("sides", found);
    report.set("bytes", size);
    report.write(&setup.results)
}

async fn ours(
    peer: &Peer,
    targets: &[Target],
    connections: usize,
    length: Duration,
    seed: u64,
) -> Result<f64> {
    let open = try_join_all((0..connections).map(|n| targets[n % targets.len()].connect())).await?;
    let started = moment();
    let workers = open.into_iter().enumerate().map(|(worker, mut connection)| async move {
        let mut done = 0_u64;
        while moment() - started < length {
            let index = (worker + connections * usize::try_from(done).unwrap_or_default()) % POPULATION;
            let change = (seed + done * 300 + worker as u64) % 100_000_000;
            let (_, path, body) = peer.update(index, change);
            let (status, answer) = connection.send(Method::PUT, &path, Some(body)).await?;
            ensure!(status == 200, "{path}: {status} {}", String::from_utf8_lossy(&answer));
            done += 1;
        }
        Ok(done)
    });
    let done: u64 = try_join_all(workers).await?.iter().sum();
    Ok(done as f64 / (moment() - started).as_secs_f64())
}

/// What pgbench says of the same database.
fn theirs(postgres: &Mortal, connections: usize, size: usize, length: Duration) -> Result<f64> {
    let script = format!(
        "\\set id random(1, {POPULATION})\n\\set n random(1, 100000000)\n\
         INSERT INTO peer VALUES (:id, :n, rpad(:n::text, {size}, 'abcdefghijklmnop')) \
         ON CONFLICT (id) DO UPDATE SET n = excluded.n, body = excluded.body;\n"
    );
    let (seconds, many) = (length.as_secs().max(1).to_string(), connections.to_string());
    let said = postgres.pgbench(&script, &["-M", "prepared", "-c", &many, "-j", "2", "-T", &seconds]);
    let line = said.lines().find_map(|line| line.strip_prefix("tps = ")).context("pgbench says its rate")?;
    Ok(line.split_whitespace().next().unwrap_or_default().parse()?)
}
