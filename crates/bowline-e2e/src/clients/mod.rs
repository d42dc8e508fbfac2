//! The real clients (azure-cli, the Azure SDKs), each driven by a small program in its own language below
//! `tests/clients/`: [`run`] starts one and collects what it reports, [`scene`] says who signs in where, [`page`]
//! renders the results as `docs/reference/clients.md`, [`coverage`] holds them against the tables of all operations.

pub mod coverage;
pub mod page;
pub mod scene;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use crate::program::clean;
use scene::Scene;

/// How long a driver may take before it counts as stuck.
const PATIENCE: Duration = Duration::from_secs(420);

/// A client and the driver that drives it.
#[derive(Clone, Copy, Debug)]
pub struct Client {
    /// Its folder below `tests/clients/`.
    pub folder: &'static str,
    /// As people know it.
    pub title: &'static str,
    /// The program of its installation that runs the driver.
    program: &'static str,
    /// The driver's file; none when the program is the driver.
    driver: Option<&'static str>,
}

/// All of them, in the order of the page.
pub const CLIENTS: [Client; 4] = [
    Client { folder: "az", title: "azure-cli", program: "bin/python", driver: Some("driver.py") },
    Client {
        folder: "python",
        title: "Azure SDK for Python",
        program: "bin/python",
        driver: Some("driver.py"),
    },
    Client {
        folder: "javascript",
        title: "Azure SDK for JavaScript",
        program: "node",
        driver: Some("driver.cjs"),
    },
    Client {
        folder: "go",
        title: "Azure SDK for Go, and what Terraform is built on",
        program: "driver",
        driver: None,
    },
];

/// One request as the client sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// HTTP method.
    pub method: String,
    /// The path, as sent.
    pub path: String,
    /// `api-version`.
    pub version: String,
    /// What was answered.
    pub status: u16,
}

/// What became of one case.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The kind of client within the language, e.g. `sync`.
    pub flavour: String,
    /// As the client calls it.
    pub operation: String,
    /// `succeeds`, or how it is meant to fail.
    pub case: String,
    /// Whether the client was content.
    pub ok: bool,
    /// What it said when it was not.
    pub seen: String,
    /// How long it took.
    pub seconds: f64,
    /// The requests behind it.
    pub requests: Vec<Sent>,
}

/// Everything that one driver reported.
#[derive(Clone, Debug)]
pub struct Results {
    /// Whose they are.
    pub client: Client,
    /// Package and version.
    pub versions: Vec<(String, String)>,
    /// In the order of the driver.
    pub outcomes: Vec<Outcome>,
}

/// Where a client is installed, if it is: `cargo xtask parts clients`.
#[must_use]
pub fn place(client: &Client) -> Option<PathBuf> {
    std::env::var_os(format!("BOWLINE_CLIENT_{}", client.folder.to_uppercase())).map(PathBuf::from)
}

/// Says why a test does nothing, where it is seen.
pub fn skipped(test: &str) {
    let why = "the clients are not installed (cargo xtask test --suite clients does it)";
    let _ = writeln!(std::io::stderr(), "skipped: {test}: {why}");
}

/// The drivers' folder.
#[must_use]
pub fn sources() -> PathBuf {
    root().join("tests/clients")
}

/// The checkout.
#[must_use]
pub fn root() -> PathBuf {
    let folder = PathBuf::from(
        std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into()),
    );
    folder.ancestors().nth(2).expect("a crate lies two folders below the checkout").to_owned()
}

/// Drives one client and collects what it reports.
///
/// # Panics
/// When the driver ends before it is done, or takes longer than any should.
pub async fn run(client: Client, place: &Path, scene: &Scene, arguments: &[&str]) -> Results {
    let work = scene.folder(client.folder);
    let log = work.join("driver.log");
    let command = command(client, place, scene, &work, arguments, &log);
    let running = tokio::process::Command::from(command).kill_on_drop(true).output();
    let output = tokio::time::timeout(PATIENCE, running).await;
    let said = || std::fs::read_to_string(&log).unwrap_or_default();
    let output =
        output.unwrap_or_else(|_| panic!("the driver of {} is stuck:\n{}", client.folder, tail(&said())));
    let output =
        output.unwrap_or_else(|error| panic!("the driver of {} did not start: {error}", client.folder));
    let text = String::from_utf8_lossy(&output.stdout);
    let results = parse(client, &text);
    results.unwrap_or_else(|| {
        panic!(
            "the driver of {} ended early with {}:\n{}\n{}",
            client.folder,
            output.status,
            tail(&text),
            tail(&said())
        )
    })
}

fn command(
    client: Client,
    place: &Path,
    scene: &Scene,
    work: &Path,
    arguments: &[&str],
    log: &Path,
) -> std::process::Command {
    let installed = place.join(client.program);
    let program = if installed.exists() { installed } else { client.program.into() };
    let mut command = std::process::Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(program);
    if let Some(driver) = client.driver {
        command.arg(sources().join(client.folder).join(driver));
    }
    command.arg(scene.file()).args(arguments);
    clean(&mut command).envs(scene.environment()).current_dir(work);
    // Whatever a client keeps, it keeps here; what the developer has is neither read nor changed.
    command.env("HOME", work).env("AZURE_CONFIG_DIR", work.join("azure")).env("PYTHONDONTWRITEBYTECODE", "1");
    command.env("NODE_PATH", place.join("node_modules"));
    command.stdin(Stdio::null()).stderr(std::fs::File::create(log).unwrap());
    command
}

fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

/// The lines of a driver that came to its end.
fn parse(client: Client, text: &str) -> Option<Results> {
    let mut results = Results { client, versions: Vec::new(), outcomes: Vec::new() };
    let mut ended = false;
    for line in text.lines().filter(|line| line.starts_with('{')) {
        let line: Value = serde_json::from_str(line).ok()?;
        if line["end"] == true {
            ended = true;
            let versions = line["versions"].as_object()?;
            results.versions = versions.iter().map(|(name, v)| (name.clone(), text_of(v))).collect();
        } else {
            results.outcomes.push(outcome(&line)?);
        }
    }
    ended.then_some(results)
}

fn outcome(line: &Value) -> Option<Outcome> {
    let requests = line["requests"].as_array()?.iter().map(sent).collect::<Option<_>>()?;
    Some(Outcome {
        flavour: text_of(&line["flavour"]),
        operation: text_of(&line["operation"]),
        case: text_of(&line["case"]),
        ok: line["ok"].as_bool()?,
        seen: text_of(&line["seen"]),
        seconds: line["seconds"].as_f64()?,
        requests,
    })
}

fn sent(line: &Value) -> Option<Sent> {
    let status = u16::try_from(line[3].as_u64()?).ok()?;
    Some(Sent { method: text_of(&line[0]), path: text_of(&line[1]), version: text_of(&line[2]), status })
}

fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_driver_that_died_half_way_has_no_results() {
        let case = r#"{"flavour":"sync","operation":"o","case":"succeeds","ok":true,"seen":"","seconds":0.1,"requests":[["GET","/a","v",200]]}"#;
        assert!(parse(CLIENTS[1], case).is_none());
        let whole = format!("noise\n{case}\n{}", r#"{"end":true,"versions":{"p":"1"}}"#);
        let results = parse(CLIENTS[1], &whole).unwrap();
        assert_eq!(results.outcomes[0].requests[0].status, 200);
        assert_eq!(results.versions, [("p".to_owned(), "1".to_owned())]);
    }
}
