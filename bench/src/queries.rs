//! Benchmark 10: queries of Resource Graph's shapes, row by row and over columns, in this process.
//!
//! Both engines answer over the same seeded resources; their answers are compared before their times count. The rows of the first lie in memory as
//! values, the columns of the second in the index as the server holds it; the caller sees everything. The times are CPU of this process.

use std::sync::Arc;

use anyhow::{Result, bail, ensure};
use bowline_kql::engine::{Answer, Engine, EngineError, Limits, Moment, Row, Rows, Source};
use bowline_kql::plan::{Column, Schema};
use bowline_kql::tables::{Change, Entry, Held, Layout, Mask, Place, Reach, Tables as _};
use bowline_kql::{Catalogue, Dialect, Table, Type, Value};
use bowline_query::{Columnar, Index, Interpreter};
use serde_json::json;

use crate::Setup;
use crate::figures::{Report, median, print_table, short};
use crate::machine::cpu_ms;

/// A round of a query is repeated until it has taken so long, for the clock of CPU time ticks every 10 ms.
const ROUND_MS: u64 = 300;
const TYPES: [&str; 8] = [
    "microsoft.kubernetes/connectedclusters",
    "microsoft.hybridcompute/machines",
    "microsoft.compute/virtualmachines",
    "microsoft.storage/storageaccounts",
    "microsoft.network/virtualnetworks",
    "microsoft.keyvault/vaults",
    "microsoft.web/sites",
    "microsoft.sql/servers",
];
const LOCATIONS: [&str; 12] = [
    "westeurope",
    "northeurope",
    "eastus",
    "eastus2",
    "westus",
    "uksouth",
    "francecentral",
    "japaneast",
    "australiaeast",
    "brazilsouth",
    "centralindia",
    "germanywestcentral",
];
const STATES: [&str; 3] = ["Connected", "Offline", "Connecting"];
const CLOUDS: [&str; 4] = ["aws", "gcp", "azure_stack_hci", "generic"];
const STAGES: [&str; 3] = ["prod", "test", "dev"];
const QUERIES: [(&str, &str); 6] = [
    ("count by type", "Resources | summarize count() by type | order by count_ desc, type asc"),
    (
        "two members of documents",
        "Resources | where type =~ 'Microsoft.Kubernetes/connectedClusters' and properties.connectivityStatus == 'Connected' \
         | summarize clusters = count() by location, tostring(properties.kubernetesVersion) | order by clusters desc, location asc, properties_kubernetesVersion asc",
    ),
    ("one name", "Resources | where name == 'r-4711' | project id, type, location"),
    (
        "top of a search",
        "Resources | where name contains '99' and location in~ ('WestEurope', 'EastUS') | top 10 by name asc | project name, location",
    ),
    (
        "join of two types",
        "Resources | where type == 'microsoft.compute/virtualmachines' | project name, group = resourceGroup, size = tostring(properties.size) \
         | join kind=inner (Resources | where type == 'microsoft.keyvault/vaults' | project vault = name, group = resourceGroup) on group \
         | summarize pairs = count() by size | order by size asc",
    ),
    (
        "tags unfolded",
        "Resources | where type == 'microsoft.web/sites' | mv-expand tag = tags | summarize count() by tostring(tag) | order by tag asc",
    ),
];

/// Runs it.
pub(crate) async fn run(setup: &Setup) -> Result<()> {
    let (count, rounds) = (setup.queried, setup.rounds);
    let measured = tokio::task::spawn_blocking(move || measure(count, rounds)).await??;
    let mut report = Report::new("queries")?;
    let mut rows = Vec::new();
    let mut found = Vec::new();
    for (name, [plain, columns]) in &measured {
        rows.push(vec![(*name).to_owned(), short(*plain), short(*columns), short(plain / columns)]);
        found.push(json!({"query": name, "rowByRowMs": plain, "columnsMs": columns}));
    }
    let head = ["query", "row by row", "columns", "factor"];
    print_table(&format!("CPU ms of a query over {count} resources"), &head, &rows);
    report.set("resources", count);
    report.set("queries", found);
    report.write(&setup.results)
}

/// The median CPU time of each query by each engine.
fn measure(count: u64, rounds: usize) -> Result<Vec<(&'static str, [f64; 2])>> {
    let layout = layout();
    let catalogue = Catalogue { tables: vec![layout.table.clone()], ..Catalogue::default() };
    let index = Index::new(vec![layout], usize::MAX, None);
    let rows: Vec<Row> = (0..count).map(resource).collect();
    let put = |row: &Row| {
        let key = row[0].as_text().unwrap_or_default().to_owned();
        let place = Place { owner: 0, class: "resource".into(), scope: "/".into() };
        Change::Put(Box::new(Entry { table: 0, key, place, values: row.clone() }))
    };
    for some in rows.chunks(1000) {
        index.apply(some.iter().map(put).collect());
    }
    let plain = Plain(Arc::new(rows));
    let columns = index.view(Box::new(Everything));
    let sides: [(&dyn Engine, &dyn Source); 2] = [(&Interpreter, &plain), (&Columnar::default(), &*columns)];
    let mut measured = Vec::new();
    for (name, query) in QUERIES {
        let mut answers = Vec::new();
        for (engine, source) in sides {
            // Members that queries ask for are held apart from then on.
            let _ = ask(engine, source, &catalogue, query)?;
            answers.push(ask(engine, source, &catalogue, query)?);
        }
        let shown = |answers: &[Answer]| format!("{:?}", answers[0].rows);
        ensure!(!answers[0][0].rows.is_empty(), "'{name}' has no rows");
        ensure!(shown(&answers[0]) == shown(&answers[1]), "the engines disagree on '{name}'");
        let mut times = [Vec::new(), Vec::new()];
        for _ in 0..rounds {
            for ((engine, source), times) in sides.iter().zip(&mut times) {
                times.push(timed(|| ask(*engine, *source, &catalogue, query).map(drop))?);
            }
        }
        measured.push((name, times.map(|times| median(&times))));
    }
    Ok(measured)
}

/// CPU milliseconds of one call.
fn timed(call: impl Fn() -> Result<()>) -> Result<f64> {
    let own = [std::process::id()];
    let before = cpu_ms(&own)?;
    let mut calls = 0;
    loop {
        call()?;
        calls += 1;
        let taken = cpu_ms(&own)? - before;
        if taken >= ROUND_MS {
            return Ok(taken as f64 / f64::from(calls));
        }
    }
}

fn ask(engine: &dyn Engine, source: &dyn Source, catalogue: &Catalogue, query: &str) -> Result<Vec<Answer>> {
    let moment = Moment { now: 639_028_224_000_000_000, seed: 1 };
    match engine.answer(query, Dialect::default(), catalogue, source, moment, &Limits::default()) {
        Ok(answers) => Ok(answers),
        Err(failure) => bail!("'{query}' has no answer: {failure:?}"),
    }
}

struct Plain(Rows);

impl Source for Plain {
    fn rows(&self, _: &str) -> Result<Rows, EngineError> {
        Ok(Arc::clone(&self.0))
    }
}

struct Everything;

impl Mask for Everything {
    fn reach(&self, _: &Place) -> Reach {
        Reach::All
    }

    fn shows(&self, _: &Place, _: &str) -> bool {
        true
    }
}

fn layout() -> Layout {
    let columns = [
        ("id", Type::String, Held::Id),
        ("name", Type::String, Held::Text),
        ("type", Type::String, Held::Few),
        ("location", Type::String, Held::Few),
        ("resourceGroup", Type::String, Held::Few),
        ("tags", Type::Dynamic, Held::Few),
        ("properties", Type::Dynamic, Held::Document),
    ];
    let schema = Schema::new(columns.iter().map(|(name, ty, _)| Column::new(*name, *ty)).collect());
    Layout {
        table: Table { name: "Resources".to_owned(), schema },
        held: columns.into_iter().map(|(_, _, held)| held).collect(),
        hot: Vec::new(),
        keyed: Some(0),
    }
}

/// A resource, always the same for its number.
fn resource(number: u64) -> Row {
    // splitmix64: neighbours have nothing in common.
    let mut state = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xBF58_476D_1CE4_E5B9;
    let mut below = |below: usize| {
        state = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        state = (state ^ (state >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        state ^= state >> 31;
        usize::try_from(state >> 33).unwrap_or_default() % below
    };
    let (ty, location, group) = (TYPES[below(8)], LOCATIONS[below(12)], below(500));
    let subscription = below(50);
    let name = format!("r-{number}");
    let id = format!("/subscriptions/s-{subscription:02}/resourceGroups/rg-{group}/providers/{ty}/{name}");
    let properties = json!({
        "connectivityStatus": STATES[below(3)],
        "kubernetesVersion": format!("1.{}.{}", 26 + below(8), below(5)),
        "agentVersion": format!("1.{}.0", below(20)),
        "totalNodeCount": below(200),
        "size": format!("Standard_D{}s", 2 << below(5)),
        "provisioningState": "Succeeded",
        "infrastructure": CLOUDS[below(4)],
        "createdBy": format!("user-{}@example.org", below(300)),
        "endpoints": [{"host": format!("{name}.example.org"), "port": 443}, {"host": "10.0.0.1", "port": 6443}],
        "note": "x".repeat(120 + below(120)),
    });
    let tags = json!({"env": STAGES[below(3)], "team": format!("team-{}", below(40))});
    let text = |text: &str| Value::String(text.to_owned());
    vec![
        text(&id),
        text(&name),
        text(ty),
        text(location),
        text(&format!("rg-{group}")),
        Value::Dynamic(tags.to_string()),
        Value::Dynamic(properties.to_string()),
    ]
}
