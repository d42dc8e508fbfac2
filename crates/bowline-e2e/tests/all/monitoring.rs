//! What a server says of itself: its metrics are true, the alert rules fire when they should, and a real Prometheus finds every metric that
//! rules and dashboard name.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use bowline_e2e::api::Api;
use bowline_e2e::postgres::postgres;
use bowline_e2e::program::{Program, free_port};
use bowline_e2e::server::{Options, Server, group};
use bowline_e2e::wait::until;
use serde_json::{Value, json};

use crate::roles::assign;

const MONITORING_READER: &str = "43d0d8ad-25c7-4714-9337-8ba259a9fe05";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/monitoring")
}

/// A program of Debian's package `prometheus`, or a line that says which test does not run without it.
fn tool(name: &str, test: &str) -> Option<PathBuf> {
    let path = Path::new("/usr/bin").join(name);
    if path.exists() {
        return Some(path);
    }
    use std::io::Write as _;
    // Not through the captured output: a test that did not run must be seen.
    let _ = writeln!(std::io::stderr(), "skipped: {test}: there is no {}", path.display());
    None
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    let said =
        [output.stdout, output.stderr].map(|part| String::from_utf8_lossy(&part).into_owned()).concat();
    assert!(output.status.success(), "{command:?}: {said}");
}

/// The value of a series that is written exactly so.
pub(crate) fn value(metrics: &str, series: &str) -> Option<f64> {
    metrics.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
}

pub(crate) async fn metrics(api: &Api) -> String {
    let answer = Api::send(api.http.get(format!("{}/metrics", api.base))).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(answer.text.ends_with("# EOF\n"), "the end of OpenMetrics");
    answer.text
}

#[tokio::test]
async fn figures_are_those_of_what_happened() {
    for database in [None, postgres("figures on PostgreSQL").map(|p| p.database())] {
        let shared = database.is_some();
        let server = Server::start(Options { database, ..Options::default() }).await;
        let admin = server.admin().await;
        let committed = "bowline_server_commits_total{outcome=\"committed\"}";
        let before = value(&metrics(&admin).await, committed).unwrap();
        for name in ["a", "b", "c"] {
            let _ = group(&admin, name).await;
        }
        let missing = group(&admin, "d").await.replace("/d", "/missing");
        admin.get(&missing).await.refused(404, "ResourceGroupNotFound");
        let _ = admin.get("/subscriptions/x/providers/Contoso.None/things").await;
        let text = metrics(&admin).await;
        let requests = |method: &str, status: u16| {
            let labels = format!(
                "route=\"arm\",resource_type=\"Microsoft.Resources/resourceGroups\",method=\"{method}\",status=\"{status}\""
            );
            value(&text, &format!("bowline_server_requests_total{{{labels}}}"))
        };
        assert_eq!((requests("PUT", 201), requests("GET", 404)), (Some(4.0), Some(1.0)), "{text}");
        let other = "bowline_server_request_duration_seconds_count{route=\"arm\",resource_type=\"other\",method=\"GET\"}";
        assert!(value(&text, other).is_some_and(|count| count >= 1.0), "{text}");
        assert_eq!(
            value(&text, "bowline_server_refusals_total{reason=\"ResourceGroupNotFound\"}"),
            Some(1.0)
        );
        assert!(value(&text, committed).unwrap() >= before + 4.0, "{text}");
        let count = |name: &str| value(&text, &format!("bowline_server_{name}_count")).unwrap();
        assert!(count("commit_duration_seconds") >= count("commit_batch_size"));
        assert!(count("commit_batch_size") >= 4.0 && count("commit_batch_duration_seconds") >= 4.0, "{text}");
        // The scrape itself is under way while it counts.
        assert_eq!(value(&text, "bowline_server_requests_in_flight"), Some(1.0));
        let readers = value(&text, "bowline_server_database_connections_reading_limit");
        assert_eq!(readers, Some(if shared { 9.0 } else { 3.0 }));
        assert_eq!(value(&text, "bowline_server_revision"), Some(server.revision().await as f64));
        assert_eq!(value(&text, "bowline_server_agent_sessions"), Some(0.0));
        assert!(value(&text, "bowline_server_connections").is_some_and(|open| open >= 1.0), "{text}");
        assert!(value(&text, "process_resident_memory_bytes").is_some_and(|bytes| bytes > 1e6), "{text}");
        let held = |task| value(&text, &format!("bowline_server_task_held{{task=\"{task}\"}}"));
        assert_eq!(held("expiry"), Some(1.0), "a server alone does everything: {text}");
        same_limits(&admin, &text).await;
    }
}

/// The status of the servers and the metrics have one source.
async fn same_limits(admin: &Api, metrics: &str) {
    // Of several servers each says it with its heartbeat.
    let limits = until("what the server says of itself", Duration::from_secs(20), async || {
        let servers = admin.get("/providers/Microsoft.Bowline/servers").await.expect(200);
        servers["value"][0]["properties"]["limits"].as_array().cloned()
    })
    .await;
    assert!(limits.len() > 3, "{limits:?}");
    let waiting = value(metrics, "bowline_server_limit_maximum{limit=\"commits_that_wait\"}");
    assert_eq!(waiting, Some(2048.0), "docs/reference/limits.md says so");
    for limit in limits {
        let name = limit["name"].as_str().unwrap().replace(' ', "_");
        let found = value(metrics, &format!("bowline_server_limit_maximum{{limit=\"{name}\"}}"));
        assert_eq!(found, limit["limit"].as_f64(), "{name}");
    }
}

#[test]
fn alerts_fire_when_they_should_and_only_then() {
    let Some(promtool) = tool("promtool", "alerts_fire_when_they_should_and_only_then") else { return };
    let run = |arguments: &[&str]| run(Command::new(&promtool).args(arguments).current_dir(folder()));
    run(&["check", "rules", "rules.yml"]);
    run(&["test", "rules", "rules-test.yml"]);
}

/// The metrics that an expression, or a file of them, names.
fn named(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| word.starts_with("bowline_server_") || word.starts_with("process_"))
        // The prefix alone is a word about all of them.
        .filter(|word| *word != "bowline_server_")
        .map(str::to_owned)
        .collect()
}

/// Every expression of the dashboard, with its variables filled in.
fn expressions(dashboard: &Value) -> Vec<String> {
    let own = dashboard["expr"].as_str().map(|expression| {
        expression.replace("$job", "bowline").replace("$instance", ".*").replace("$__rate_interval", "1m")
    });
    let members: Vec<&Value> = match dashboard {
        Value::Array(items) => items.iter().collect(),
        Value::Object(members) => members.values().collect(),
        _ => Vec::new(),
    };
    own.into_iter().chain(members.into_iter().flat_map(expressions)).collect()
}

/// The settings of the guide's example, for a test's server.
async fn configure(server: &Server, admin: &Api, into: &Path) {
    let app = uuid::Uuid::new_v4().to_string();
    let id = format!("/providers/Microsoft.Bowline/servicePrincipals/{app}");
    let made = admin.put(&id, &json!({"properties": {"displayName": "prometheus"}})).await.expect(201);
    let object = made["properties"]["objectId"].as_str().expect("a principal has an object id");
    let _ = assign(admin, "", MONITORING_READER, object).await;
    let secret = admin.post(&format!("{id}/addPassword"), &json!({})).await.expect(200);
    std::fs::write(into.join("bowline-secret"), secret["secret"].as_str().unwrap()).unwrap();
    let _ = std::fs::copy(server.ca(), into.join("ca.crt")).unwrap();
    let _ = std::fs::copy(folder().join("rules.yml"), into.join("rules.yml")).unwrap();
    let example = std::fs::read_to_string(folder().join("prometheus.yml")).unwrap();
    let settings = example
        .replace("bowline.example:8443", &format!("localhost:{}", server.port))
        .replace("00000000-0000-0000-0000-000000000000", &app)
        .replace("scrape_interval: 15s", "scrape_interval: 1s");
    std::fs::write(into.join("prometheus.yml"), settings).unwrap();
}

#[tokio::test]
async fn prometheus_finds_every_metric_that_rules_and_dashboard_name() {
    let test = "prometheus_finds_every_metric_that_rules_and_dashboard_name";
    let (Some(prometheus), Some(promtool)) = (tool("prometheus", test), tool("promtool", test)) else {
        return;
    };
    let server = Server::usual().await;
    let admin = server.admin().await;
    let home = tempfile::tempdir().unwrap();
    configure(&server, &admin, home.path()).await;
    run(Command::new(promtool).args(["check", "config", "prometheus.yml"]).current_dir(home.path()));
    admin
        .get(&group(&admin, "g").await.replace("/g", "/missing"))
        .await
        .refused(404, "ResourceGroupNotFound");

    let address = format!("127.0.0.1:{}", free_port());
    let at = |name: &str| home.path().join(name).to_string_lossy().into_owned();
    let arguments = [
        format!("--config.file={}", at("prometheus.yml")),
        format!("--storage.tsdb.path={}", at("data")),
        format!("--web.listen-address={address}"),
    ];
    let mut program = Program::start(&prometheus, &arguments, &[], &home.path().join("prometheus.log"));
    let ask = async |path: &str, query: &[(&str, &str)]| -> Option<Value> {
        let url = url::Url::parse_with_params(&format!("http://{address}/api/v1/{path}"), query).unwrap();
        admin.http.get(url).send().await.ok()?.json().await.ok()
    };
    // The scrape has got through: with a token, over TLS, and what it brought was understood.
    until("Prometheus' first scrape", Duration::from_secs(60), async || {
        assert!(program.ended().is_none(), "Prometheus ended:\n{}", program.said());
        let up = ask("query", &[("query", "up{job=\"bowline\"} == 1")]).await?;
        up["data"]["result"].as_array().filter(|found| !found.is_empty()).map(drop)
    })
    .await;

    let dashboard = std::fs::read_to_string(folder().join("dashboard.json")).unwrap();
    let expressions = expressions(&serde_json::from_str(&dashboard).unwrap());
    assert!(expressions.len() > 20, "the dashboard has expressions");
    for expression in &expressions {
        let answer = ask("query", &[("query", expression)]).await.unwrap();
        assert_eq!(answer["status"], "success", "{expression}: {answer}");
    }
    let rules = std::fs::read_to_string(folder().join("rules.yml")).unwrap();
    let guide = std::fs::read_to_string(folder().join("../../docs/guide/monitoring.md")).unwrap();
    let found = ask("label/__name__/values", &[]).await.unwrap();
    let exported: BTreeSet<String> =
        found["data"].as_array().unwrap().iter().filter_map(|name| Some(name.as_str()?.to_owned())).collect();
    for (source, text) in [("rules.yml", &rules), ("dashboard.json", &dashboard), ("the guide", &guide)] {
        let named = named(text);
        assert!(named.len() > 10, "{source} names metrics");
        let missing: Vec<_> = named.difference(&exported).collect();
        assert!(missing.is_empty(), "{source} names what no server exports: {missing:?}");
    }
    program.kill();
}
