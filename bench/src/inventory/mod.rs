//! Benchmark 11: questions of Resource Graph's shapes over a fleet of a million resources and a million Kubernetes objects, over HTTP, by a caller who
//! sees everything and by one who sees 3 of 50 subscriptions; beside chDB, DuckDB, PostgreSQL and SQLite, whose answers must be the same.
//!
//! The fleet is written into the server's database while it is down, so that what is measured first is a start: until an answer is right. CPU is that of
//! the server's process; the peers' is of theirs. At last the same questions while a thousand changes a second arrive.

mod cases;
mod data;
mod load;
mod peers;
mod stress;

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::Setup;
use crate::bowline::{Server, versioned};
use crate::figures::{Report, median, print_table, quantile, short};
use crate::http::{Connection, Target};
use crate::machine::{self, cpu_ms, moment};
use data::{SUBSCRIPTIONS, subscription};
use load::Fleet;
use peers::Measured;

const READER: &str = "acdd72a7-3385-48ef-bd42-f606fba81ae7";
/// Subscriptions of the limited caller.
const SEEN: usize = 3;
/// A round of a question is repeated until the server took so much CPU, or so often: its clock ticks every 10 ms.
const ROUND_MS: u64 = 200;
const CALLS: u32 = 500;
const DOOR: &str = "/providers/Microsoft.ResourceGraph/resources?api-version=2022-10-01";

/// Runs it.
pub(crate) async fn run(setup: &Setup) -> Result<()> {
    let mut report = Report::new("inventory")?;
    let mut server = Server::start(&setup.programs).await?;
    let (id, secret, tenant) = limited_caller(&server).await?;
    server.stop().await?;
    let seen: Vec<String> = (0..SEEN).map(subscription).collect();
    let folder = tempfile::tempdir()?;
    let sizes = (setup.fleet_resources, setup.fleet_objects);
    eprintln!("writing {} resources and {} Kubernetes objects", sizes.0, sizes.1);
    let fleet = load::fleet(&server.data(), folder.path(), tenant, sizes, &seen).await?;
    report.set("resources", sizes.0);
    report.set("documentBytes", fleet.bytes);
    report.set("start", starts(setup, &mut server).await?);
    report.set("memory", memory(&server).await?);

    let everything = server.admin.clone();
    let limited = server.client(&id, &secret).await?;
    let callers = [("all", &everything, None), ("three", &limited, Some(seen.as_slice()))];
    let mut ours = BTreeMap::new();
    for (caller, target, _) in &callers {
        for (name, query) in cases::RESOURCES.iter().chain(&cases::OBJECTS) {
            let measured = ask(setup, &server, target, &filled(query, &fleet))
                .await
                .with_context(|| format!("'{name}' by {caller}"))?;
            ours.insert(((*caller).to_owned(), (*name).to_owned()), measured);
        }
    }
    print_ours(&ours);
    report.set("memoryAfterQuestions", memory(&server).await?);
    report.set(
        "ours",
        ours.iter().map(|((caller, query), found)| found.json(caller, query)).collect::<Vec<_>>(),
    );
    report.set("stress", stress::run(setup, &server, &limited, &fleet).await?);
    server.stop().await?;
    let asked = callers.map(|(caller, _, scopes)| (caller, scopes));
    peers::write(folder.path(), &asked, &fleet)?;
    if let Some(engines) = &setup.engines {
        let found = peers::run(engines, folder.path(), setup.rounds).await?;
        report.set("peers", peers::compare(&ours, &found)?);
    } else {
        eprintln!("no engines to measure beside: `cargo xtask bench` brings them");
    }
    report.write(&setup.results)
}

/// A question as it is asked.
fn filled(query: &str, fleet: &Fleet) -> String {
    let (name, id) = fleet.one.clone().unwrap_or_default();
    query.replace("'NAME'", &format!("'{name}'")).replace("'ID'", &format!("'{id}'"))
}

/// Fifty subscriptions, and a client that may read three of them: its id, its secret, and the tenant.
async fn limited_caller(server: &Server) -> Result<(String, String, Uuid)> {
    let admin = &server.admin;
    let client = data::guid(&mut bowline_store::conformance::Dice::new(1));
    let path = format!("/providers/Microsoft.Bowline/servicePrincipals/{client}");
    let made = admin
        .json(Method::PUT, &versioned(&path), Some(&json!({"properties": {"displayName": "limited"}})))
        .await?;
    let principal = made["properties"]["objectId"].clone();
    let secret =
        admin.json(Method::POST, &versioned(&format!("{path}/addPassword")), Some(&json!({}))).await?;
    for number in 0..SUBSCRIPTIONS {
        let id = format!("/subscriptions/{}", subscription(number));
        admin
            .json(Method::PUT, &versioned(&id), Some(&json!({"displayName": format!("Plant {number:02}")})))
            .await?;
        for group in 0..data::GROUPS {
            admin
                .json(
                    Method::PUT,
                    &versioned(&format!("{id}/resourceGroups/rg-{group}")),
                    Some(&json!({"location": "westeurope"})),
                )
                .await?;
        }
        if number < SEEN {
            let role =
                format!("{id}/providers/Microsoft.Authorization/roleAssignments/{}", subscription(number));
            let body = json!({"properties": {"principalId": principal, "roleDefinitionId": READER}});
            admin.json(Method::PUT, &versioned(&role), Some(&body)).await?;
        }
    }
    let tenants = admin.json(Method::GET, &versioned("/tenants"), None).await?;
    let tenant = tenants["value"][0]["tenantId"].as_str().context("there is a tenant")?.parse()?;
    Ok((client, secret["secret"].as_str().context("addPassword gives a secret")?.to_owned(), tenant))
}

/// From the start of the process to the first right answer.
async fn starts(setup: &Setup, server: &mut Server) -> Result<Value> {
    let wanted = json!([[setup.fleet_resources, setup.fleet_objects]]);
    let question = "union (Resources | summarize r = count()), (KubernetesObjects | summarize o = count()) | summarize sum(r), sum(o)";
    let (mut seconds, mut last) = (Vec::new(), String::new());
    for _ in 0..3 {
        let started = moment();
        server.launch_filled()?;
        let right =
            crate::program::until("a right answer after a start", Duration::from_secs(180), async || {
                let Ok(mut connection) = server.admin.connect().await else { return Ok(None) };
                let (status, answer) = query(&mut connection, question).await?;
                last = format!("{status} {answer}");
                Ok((status == 200 && answer["data"]["rows"] == wanted).then_some(()))
            });
        right.await.with_context(|| format!("the last answer was {last}"))?;
        seconds.push((moment() - started).as_secs_f64());
        if seconds.len() < 3 {
            server.stop().await?;
        }
    }
    println!(
        "\nFrom the start of the server to the first right answer: {} s (three starts; aim 20)",
        seconds.iter().map(|s| short(*s)).collect::<Vec<_>>().join(", ")
    );
    Ok(json!(seconds))
}

/// What the tables take, and the server.
async fn memory(server: &Server) -> Result<Value> {
    let mut rows = Vec::new();
    let mut found = Vec::new();
    for table in ["Resources", "KubernetesObjects"] {
        let label = format!("table=\"{table}\"");
        let count = server.figure("bowline_server_query_rows", &label).await?.max(1.0);
        let all = server.figure("bowline_server_query_memory_bytes", &label).await?;
        let packed = server.figure("bowline_server_query_packed_bytes", &label).await?;
        rows.push(vec![table.to_owned(), short(count), short((all - packed) / count), short(packed / count)]);
        found.push(json!({"table": table, "rows": count, "columnBytes": (all - packed) / count, "packedBytes": packed / count}));
    }
    let spilled = server.figure("bowline_server_query_spilled_bytes", "").await? / 1048576.0;
    let resident = machine::status(&server.pids()?, "VmRSS")? as f64 / 1024.0;
    print_table("Bytes of a row", &["table", "rows", "columns", "packed documents"], &rows);
    println!("resident: {} MiB, on disk: {} MiB", short(resident), short(spilled));
    Ok(json!({"tables": found, "residentMiB": resident, "spilledMiB": spilled}))
}

/// One question; status and answer.
async fn query(connection: &mut Connection, question: &str) -> Result<(u16, Value)> {
    let body = json!({"query": question, "options": {"resultFormat": "table", "$top": 1000}});
    let (status, answer) = connection.send(Method::POST, DOOR, Some(Bytes::from(body.to_string()))).await?;
    Ok((status, serde_json::from_slice(&answer).unwrap_or_default()))
}

/// Asks in rounds: the answer, CPU and time.
async fn ask(setup: &Setup, server: &Server, target: &Target, question: &str) -> Result<Measured> {
    let mut connection = target.connect().await?;
    let pids = server.pids()?;
    let mut rows = Vec::new();
    // What is asked for often is held apart from then on.
    for _ in 0..3 {
        let (status, answer) = query(&mut connection, question).await?;
        ensure!(status == 200, "{status} {answer}");
        rows = peers::texts(&answer["data"]["rows"]);
    }
    let (mut cpu, mut wall) = (Vec::new(), Vec::new());
    for _ in 0..setup.rounds {
        let before = cpu_ms(&pids)?;
        let mut times = Vec::new();
        while times.len() < CALLS as usize && (times.is_empty() || cpu_ms(&pids)? - before < ROUND_MS) {
            let started = moment();
            let (status, _) = query(&mut connection, question).await?;
            ensure!(status == 200, "{status}");
            times.push((moment() - started).as_secs_f64() * 1000.0);
        }
        cpu.push((cpu_ms(&pids)? - before) as f64 / times.len() as f64);
        wall.push(quantile(&times, 0.5));
    }
    Ok(Measured { rows, cpu: median(&cpu), wall: median(&wall) })
}

fn print_ours(ours: &BTreeMap<(String, String), Measured>) {
    let rows = ours.iter().map(|((caller, query), found)| {
        vec![query.clone(), caller.clone(), found.rows.len().to_string(), short(found.cpu), short(found.wall)]
    });
    print_table(
        "Bowline over HTTP",
        &["question", "caller", "rows", "CPU ms", "ms"],
        &rows.collect::<Vec<_>>(),
    );
}
