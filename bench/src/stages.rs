//! Benchmark 6: what each stage of a request costs the server, by the number of role assignments, and how that grows with the number of resources.
//!
//! A stage is the difference between two requests that differ in it: `/healthz` and `/tenants` in authentication; a question of one action and
//! of 200 in authorization; a GET and a PUT that changes nothing in admission; that and a PUT that changes in the commit. Both sides of a ratio are measured in
//! one run on one server.

use anyhow::{Result, ensure};
use bytes::Bytes;
use futures::future::try_join_all;
use http::Method;
use serde_json::{Value, json};

use crate::Setup;
use crate::bowline::{Server, versioned};
use crate::figures::{Report, median, print_table, short};
use crate::machine::{self, moment};

const READER: &str = "acdd72a7-3385-48ef-bd42-f606fba81ae7";
/// Principals that the assignments are spread over; the scopes are groups.
const PRINCIPALS: u64 = 100;
/// Actions of the long question.
const ACTIONS: usize = 200;
const CONNECTIONS: u64 = 8;
/// A server is at rest that uses less CPU than this in so long; how often that is tried. The activity log is signed once a minute.
const SETTLED_MS: u64 = 100;
const SETTLE: std::time::Duration = std::time::Duration::from_secs(65);
const SETTLE_AT_MOST: usize = 5;

/// Requests of one kind, and how they differ from one to the next.
struct Probe<'a> {
    method: Method,
    path: String,
    body: Box<dyn Fn(u64) -> Option<Bytes> + 'a>,
}

/// Runs it.
pub(crate) async fn run(setup: &Setup) -> Result<()> {
    let mut report = Report::new("stages")?;
    let server = Server::start(&setup.programs).await?;
    let group = server.group("g0").await?;
    let machine = format!("{group}/providers/Microsoft.HybridCompute/machines/measured");
    server.admin.json(Method::PUT, &versioned(&machine), Some(&document(0))).await?;
    let mut rows = Vec::new();
    let mut found = Vec::new();
    let mut there = 0;
    for count in &setup.assignments {
        let subject = assign(&server, there, *count).await?;
        there = *count;
        let stages = stages(setup, &server, &machine, &subject).await?;
        rows.push(
            std::iter::once(count.to_string()).chain(stages.iter().map(|(_, us)| short(*us))).collect(),
        );
        let stages: serde_json::Map<String, Value> =
            stages.iter().map(|(name, us)| ((*name).to_owned(), json!(us))).collect();
        found.push(json!({"assignments": count, "cpuMicroseconds": stages}));
    }
    let head =
        ["assignments", "authentication", "authorization (one decision)", "read", "admission", "commit"];
    print_table("CPU µs of the server in each stage of a request", &head, &rows);
    report.set("stages", found);
    report.set("growth", growth(setup, &server).await?);
    report.write(&setup.results)
}

fn document(tag: u64) -> Value {
    json!({"location": "local", "tags": {"n": tag.to_string()}, "properties": {"osType": "linux"}})
}

fn bytes(value: &Value) -> Option<Bytes> {
    Some(Bytes::from(value.to_string()))
}

/// A name of the same length for every number, in the form of a GUID.
fn guid(kind: u64, number: u64) -> String {
    format!("{kind:08x}-0000-4000-8000-{number:012x}")
}

/// Sends requests with several connections, one number each.
async fn each(
    server: &Server,
    numbers: std::ops::Range<u64>,
    request: impl Fn(u64) -> (String, Value),
) -> Result<()> {
    let request = &request;
    let workers = (0..CONNECTIONS).map(|worker| {
        let numbers = numbers.clone();
        async move {
            let mut connection = server.admin.connect().await?;
            for number in numbers.filter(|n| n % CONNECTIONS == worker) {
                let (path, body) = request(number);
                let (status, answer) = connection.send(Method::PUT, &versioned(&path), bytes(&body)).await?;
                ensure!(
                    (200..300).contains(&status),
                    "{path}: {status} {}",
                    String::from_utf8_lossy(&answer)
                );
            }
            Ok(())
        }
    });
    try_join_all(workers).await.map(|_| ())
}

/// Gives roles until there are so many: each principal at its share of the groups. The object id of one of them.
async fn assign(server: &Server, from: u64, to: u64) -> Result<Value> {
    let principal =
        |number: u64| format!("/providers/Microsoft.Bowline/servicePrincipals/{}", guid(1, number));
    if from == 0 {
        each(server, 0..PRINCIPALS, |n| {
            (principal(n), json!({"properties": {"displayName": format!("p{n}")}}))
        })
        .await?;
    }
    let mut principals = Vec::new();
    for number in 0..PRINCIPALS {
        let found = server.admin.json(Method::GET, &versioned(&principal(number)), None).await?;
        principals.push(found["properties"]["objectId"].clone());
    }
    let scope = |n: u64| format!("{}/resourceGroups/g{}", server.subscription, n / PRINCIPALS);
    each(server, from.div_ceil(PRINCIPALS)..to.div_ceil(PRINCIPALS), |n| {
        (scope(n * PRINCIPALS), json!({"location": "local"}))
    })
    .await?;
    eprintln!("giving roles {from} to {to}");
    each(server, from..to, |n| {
        let id = format!("{}/providers/Microsoft.Authorization/roleAssignments/{}", scope(n), guid(2, n));
        let principal = &principals[usize::try_from(n % PRINCIPALS).unwrap_or_default()];
        (id, json!({"properties": {"principalId": principal, "roleDefinitionId": READER}}))
    })
    .await?;
    Ok(principals.swap_remove(0))
}

/// CPU microseconds of each stage.
async fn stages(
    setup: &Setup,
    server: &Server,
    machine: &str,
    subject: &Value,
) -> Result<Vec<(&'static str, f64)>> {
    let get = |path: &str| Probe { method: Method::GET, path: path.to_owned(), body: Box::new(|_| None) };
    let ask = |actions: usize| {
        let actions: Vec<Value> =
            (0..actions).map(|n| json!({"Id": format!("Microsoft.X/t{n}/read")})).collect();
        // Not the caller itself: a question about a principal with a role at many scopes.
        let body = json!({"Subject": {"Attributes": {"ObjectId": subject}}, "Actions": actions, "Resource": {"Id": machine}});
        let path =
            versioned(&format!("{}/providers/Microsoft.Authorization/checkAccess", server.subscription));
        Probe { method: Method::POST, path, body: Box::new(move |_| bytes(&body)) }
    };
    let put = |changes: bool| Probe {
        method: Method::PUT,
        path: versioned(machine),
        body: Box::new(move |n| bytes(&document(if changes { n + 1 } else { 0 }))),
    };
    let probes = [
        get("/healthz"),
        get("/tenants?api-version=2022-12-01"),
        get(&versioned(machine)),
        ask(1),
        ask(ACTIONS),
        put(true),
        put(false),
    ];
    let mut cost = vec![Vec::new(); probes.len()];
    for round in 0..setup.rounds {
        server.admin.json(Method::PUT, &versioned(machine), Some(&document(0))).await?;
        for (at, probe) in probes.iter().enumerate() {
            if at == probes.len() - 1 {
                server.admin.json(Method::PUT, &versioned(machine), Some(&document(0))).await?;
            }
            cost[at].push(drive(setup, server, probe, round as u64 * 1_000_000).await?);
        }
    }
    let cost: Vec<f64> = cost.iter().map(|rounds| median(rounds)).collect();
    let [floor, known, read, one, many, changed, same] = cost[..] else { return Ok(Vec::new()) };
    Ok(vec![
        ("authentication", (known - floor).max(0.0)),
        ("authorization", ((many - one) / (ACTIONS - 1) as f64).max(0.0)),
        ("read", (read - known).max(0.0)),
        ("admission", (same - read).max(0.0)),
        ("commit", (changed - same).max(0.0)),
    ])
}

/// CPU microseconds of the server for one request.
async fn drive(setup: &Setup, server: &Server, probe: &Probe<'_>, from: u64) -> Result<f64> {
    let mut connection = server.admin.connect().await?;
    let pids = server.pids()?;
    let (before, started, mut sent) = (machine::cpu_ms(&pids)?, moment(), 0_u64);
    while moment() - started < setup.cell {
        let body = (probe.body)(from + sent);
        let (status, answer) = connection.send(probe.method.clone(), &probe.path, body).await?;
        ensure!(
            (200..300).contains(&status),
            "{}: {status} {}",
            probe.path,
            String::from_utf8_lossy(&answer)
        );
        sent += 1;
    }
    Ok((machine::cpu_ms(&pids)? - before) as f64 * 1000.0 / sent as f64)
}

/// Waits until the server has done what making so much leaves behind: it empties its log into the database, and the activity log is read and signed.
/// What is measured is a request at that size, not the end of a load.
async fn settle(server: &Server) -> Result<()> {
    let pids = server.pids()?;
    for _ in 0..SETTLE_AT_MOST {
        let before = machine::cpu_ms(&pids)?;
        tokio::time::sleep(SETTLE).await;
        if machine::cpu_ms(&pids)? - before < SETTLED_MS {
            return Ok(());
        }
    }
    eprintln!("the server does not come to rest; what it does beside the requests is in the figures");
    Ok(())
}

/// The cost of a read, a page and a change at two numbers of resources.
async fn growth(setup: &Setup, server: &Server) -> Result<Value> {
    let group = server.group("many").await?;
    let machine = |n: u64| format!("{group}/providers/Microsoft.HybridCompute/machines/m{n:08}");
    let list = versioned(&format!("{group}/providers/Microsoft.HybridCompute/machines")) + "&$top=100";
    let mut there = 0;
    let mut found: Vec<Vec<f64>> = Vec::new();
    let mut rows = Vec::new();
    for count in &setup.resources {
        eprintln!("making resources {there} to {count}");
        each(server, there..*count, |n| (machine(n), document(0))).await?;
        there = *count;
        settle(server).await?;
        let middle = machine(count / 2);
        let plain = |path: String| Probe { method: Method::GET, path, body: Box::new(|_| None) };
        let change = Probe {
            method: Method::PUT,
            path: versioned(&middle),
            body: Box::new(|n| bytes(&document(n + 1))),
        };
        let mut costs = vec![Vec::new(); 3];
        for round in 0..setup.rounds {
            for (at, probe) in
                [&plain(versioned(&middle)), &plain(list.clone()), &change].into_iter().enumerate()
            {
                costs[at].push(drive(setup, server, probe, (count + round as u64) * 1_000_000).await?);
            }
        }
        let costs: Vec<f64> = costs.iter().map(|rounds| median(rounds)).collect();
        rows.push(std::iter::once(count.to_string()).chain(costs.iter().map(|us| short(*us))).collect());
        found.push(costs);
    }
    print_table(
        "CPU µs of the server by the number of resources",
        &["resources", "GET", "LIST of 100", "PUT"],
        &rows,
    );
    let ratio: Vec<f64> = match (found.first(), found.last()) {
        (Some(least), Some(most)) => most.iter().zip(least).map(|(most, least)| most / least).collect(),
        _ => Vec::new(),
    };
    println!("growth (GET, LIST, PUT): {}", ratio.iter().map(|r| short(*r)).collect::<Vec<_>>().join(", "));
    Ok(json!({"resources": setup.resources, "cpuMicroseconds": found, "growth": ratio}))
}
