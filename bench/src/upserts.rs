//! Benchmark 8: changes of a resource of one kilobyte on PostgreSQL, by the store alone, through one server and through three, beside the same database's own upserts of the same
//! size with the same number of connections (pgbench, prepared statements, no TLS), all over the same Unix socket.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use bowline_e2e::postgres::Mortal;
use bowline_e2e::server::group;
use bowline_e2e::three::Three;
use bowline_store::conformance::{creation, draft, update};
use bowline_store::{Activity, PostgresOptions, Store, open_postgres};
use futures::future::try_join_all;
use http::Method;
use serde_json::json;

use crate::Setup;
use crate::figures::{Report, median, print_table, short};
use crate::http::Target;
use crate::machine::{self, moment};
use crate::peer::{Kind, POPULATION, Peer, name_of};

const CONNECTIONS: [usize; 2] = [32, 256];
/// As long as an entry of the activity log is.
const ENTRY: &str = r#"{"caller":"admin","correlationId":"6f1c9f5e-3d0a-4c1e-9d55-2f0f6b6a7c11","operation":"Microsoft.HybridCompute/machines/write","address":"127.0.0.1","status":"Succeeded","etagBefore":"6905683564fcaa0167f046e8","etagAfter":"6905683564fcaa0167f046e9"}"#;

/// Runs it.
pub(crate) async fn run(setup: &Setup) -> Result<()> {
    let mut report = Report::new("upserts")?;
    let postgres = Mortal::start("the benchmark upserts").await.context("PostgreSQL is not installed")?;
    let three = Three::start(postgres.socket_url("postgres"), 300).await;
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
    let _ = postgres.ask("CREATE DATABASE alone").await;
    let url = postgres.socket_url("alone");
    let alone = open_postgres(PostgresOptions::new(&url, "the benchmark upserts")).await?;
    for index in 0..POPULATION {
        let _ = alone.commit(creation(&format!("/alone/{index}"), index as u128)).await?;
    }
    let (mut rows, mut found) = (Vec::new(), Vec::new());
    for connections in CONNECTIONS {
        let mut rates = vec![Vec::new(); 4];
        for round in 0..setup.rounds {
            eprintln!("{connections} connections, round {} of {}", round + 1, setup.rounds);
            for (at, targets) in [&targets[..1], &targets[..]].into_iter().enumerate() {
                let seed = (round * 10 + at + connections * 1000) as u64 * 100_000;
                rates[at].push(ours(&peer, targets, connections, setup.cell, seed).await?);
            }
            rates[2].push(by_store(&alone, connections, size, setup.cell).await?);
            rates[3].push(theirs(&postgres, connections, size, setup.cell)?);
        }
        let rates: Vec<f64> = rates.iter().map(|rounds| median(rounds)).collect();
        for (side, rate) in
            ["one server", "three servers", "the store alone", "PostgreSQL's upserts"].iter().zip(&rates)
        {
            rows.push(vec![
                connections.to_string(),
                (*side).to_owned(),
                short(*rate),
                format!("{}×", short(rate / rates[3])),
            ]);
            found.push(json!({"connections": connections, "side": side, "perSecond": rate, "ratio": rate / rates[3]}));
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

/// The same by the store in this process, as many callers at once: a row, its place in the feed, its entry in the activity log, in batches. Without
/// HTTP, TLS, sign-in, roles and checks, so that it can be held against a client of the database.
async fn by_store(store: &Arc<dyn Store>, callers: usize, size: usize, length: Duration) -> Result<f64> {
    let started = moment();
    let body = "a".repeat(size);
    let workers = (0..callers).map(|caller| {
        let body = &body;
        async move {
            let mut done = 0_usize;
            while moment() - started < length {
                let index = (caller + callers * done) % POPULATION;
                let mut new = draft(&format!("/alone/{index}"), index as u128);
                new.document.clone_from(body);
                let mut commit = update(new, None);
                commit.activity.push(Activity { key: format!("/alone/{index}"), text: ENTRY.to_owned() });
                let _ = store.commit(commit).await?;
                done += 1;
            }
            anyhow::Ok(done)
        }
    });
    let done: usize = try_join_all(workers).await?.iter().sum();
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
