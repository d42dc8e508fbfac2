//! The peers: started one after the other, each in a process of its own, and their answers held against ours.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};
use bowline_e2e::postgres::Mortal;
use serde_json::{Value, json};

use super::data::{SUBSCRIPTIONS, subscription};
use super::load::Fleet;
use crate::figures::{print_table, short};
use crate::machine;
use crate::program::command;

const SCRIPT: &str = include_str!("../../peers/inventory.py");
const PEERS: [&str; 5] = ["chDB", "DuckDB, JSON", "DuckDB, columns", "PostgreSQL", "SQLite"];

/// An answer and what it took.
pub(super) struct Measured {
    pub(super) rows: Vec<Vec<String>>,
    pub(super) cpu: f64,
    pub(super) wall: f64,
}

impl Measured {
    pub(super) fn json(&self, caller: &str, query: &str) -> Value {
        json!({"caller": caller, "query": query, "rows": self.rows.len(), "cpuMs": self.cpu, "wallMs": self.wall})
    }
}

/// Rows as texts: engines differ in how they write a number.
pub(super) fn texts(rows: &Value) -> Vec<Vec<String>> {
    let cell = |cell: &Value| cell.as_str().map_or_else(|| cell.to_string(), str::to_owned);
    let row = |row: &Value| row.as_array().into_iter().flatten().map(cell).collect();
    rows.as_array().into_iter().flatten().map(row).collect()
}

/// What the peers are asked.
pub(super) fn write(folder: &Path, callers: &[(&str, Option<&[String]>)], fleet: &Fleet) -> Result<()> {
    let mut lines = machine::create(&folder.join("containers.ndjson"))?;
    for number in 0..SUBSCRIPTIONS {
        writeln!(
            lines,
            "{}",
            json!({"subscriptionId": subscription(number), "name": format!("Plant {number:02}")})
        )?;
    }
    let callers: BTreeMap<_, _> = callers.iter().copied().collect();
    let (name, id) = fleet.one.clone().unwrap_or_default();
    serde_json::to_writer(
        machine::create(&folder.join("ask.json"))?,
        &json!({"callers": callers, "name": name, "id": id}),
    )?;
    machine::create(&folder.join("inventory.py"))?.write_all(SCRIPT.as_bytes())?;
    Ok(())
}

/// The lines of each peer.
pub(super) async fn run(
    engines: &Path,
    folder: &Path,
    rounds: usize,
) -> Result<BTreeMap<&'static str, Vec<Value>>> {
    let mut found = BTreeMap::new();
    for peer in PEERS {
        eprintln!("asking {peer}");
        let postgres = match peer {
            "PostgreSQL" => {
                Some(Mortal::start("the benchmark inventory").await.context("PostgreSQL is not installed")?)
            }
            _ => None,
        };
        let mut python = command(&engines.join("bin/python"));
        python
            .arg(folder.join("inventory.py"))
            .arg(peer)
            .arg(folder)
            .arg(rounds.to_string())
            .current_dir(folder);
        if let Some(postgres) = &postgres {
            let postmaster = postgres.pid().context("PostgreSQL runs")?;
            python.arg(postgres.url()).arg(postmaster.to_string());
        }
        let said = python.stdout(Stdio::piped()).stderr(machine::log(&folder.join("said"))?).output().await?;
        let errors = String::from_utf8_lossy(&machine::read(&folder.join("said"))?).into_owned();
        ensure!(said.status.success(), "{peer} failed: {errors}");
        let lines = String::from_utf8(said.stdout)?;
        found.insert(peer, lines.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>()?);
    }
    Ok(found)
}

/// The tables of ratios; fails where an answer differs.
pub(super) fn compare(
    ours: &BTreeMap<(String, String), Measured>,
    found: &BTreeMap<&'static str, Vec<Value>>,
) -> Result<Value> {
    let mut report = Vec::new();
    let mut cells: BTreeMap<(String, String), BTreeMap<&str, f64>> = BTreeMap::new();
    for (peer, lines) in found {
        for line in lines {
            let (Some(caller), Some(query)) = (line["caller"].as_str(), line["query"].as_str()) else {
                println!(
                    "{peer}: loaded in {} s, {} bytes",
                    short(line["loadSeconds"].as_f64().unwrap_or_default()),
                    line["bytes"]
                );
                report.push(json!({"peer": peer, "load": line}));
                continue;
            };
            let key = (caller.to_owned(), query.to_owned());
            let mine = ours.get(&key).with_context(|| format!("{peer} was asked '{query}', we were not"))?;
            let theirs = texts(&line["rows"]);
            ensure!(
                mine.rows == theirs,
                "{peer} answers '{query}' for {caller} otherwise:\n{:?}\n{:?}",
                &mine.rows[..mine.rows.len().min(5)],
                &theirs[..theirs.len().min(5)]
            );
            let cpu = line["cpuMs"].as_f64().unwrap_or_default();
            cells.entry(key).or_default().insert(peer, cpu);
            report.push(json!({"peer": peer, "caller": caller, "query": query, "cpuMs": cpu, "wallMs": line["wallMs"]}));
        }
    }
    let mut rows = Vec::new();
    for ((caller, query), theirs) in &cells {
        let mine = &ours[&(caller.clone(), query.clone())];
        let mut row = vec![query.clone(), caller.clone(), short(mine.cpu)];
        row.extend(PEERS.iter().map(|peer| {
            theirs
                .get(peer)
                .map_or_else(String::new, |cpu| format!("{} ({}×)", short(*cpu), short(cpu / mine.cpu)))
        }));
        rows.push(row);
    }
    let head = [&["question", "caller", "Bowline"][..], &PEERS].concat();
    print_table("CPU ms of a question (× ours)", &head, &rows);
    Ok(report.into())
}
