//! Every operation of the tables of real clients whose namespace Bowline serves: the answer has a status that the client accepts, or it is
//! refused in a code that says that it is not served, and then it is on the list in `unserved.txt`, which may only shrink.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use bowline_arm::{ResourceId, Target};
use bowline_e2e::api::{Answer, Api};
use reqwest::Method;
use serde_json::{Value, json};

use crate::stage::Stage;

const UNSERVED: &str = include_str!("unserved.txt");
/// How a server says that it does not do something.
const NOT_SERVED: [&str; 9] = [
    "InvalidResourceType",
    "InvalidResourceNamespace",
    "InvalidResourceAction",
    "InvalidRequestPath",
    "MethodNotAllowed",
    "OperationNotSupported",
    "DeploymentsNotServedYet",
    "ExportTemplateNotSupported",
    "ResourceMoveNotSupported",
];
/// Would end the stage on which the others play.
const DESTRUCTIVE: [&str; 2] = ["/cancel", "Microsoft.Subscription"];

/// One row: an operation with the statuses that clients accept.
#[derive(Debug)]
struct Row {
    method: Method,
    template: String,
    version: String,
    accepted: BTreeSet<u16>,
}

/// Rows of both tables; those of one method and template are merged, with the statuses that all of them accept.
fn rows() -> Option<Vec<Row>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/reference");
    let mut merged: BTreeMap<(String, String), Row> = BTreeMap::new();
    for (file, first) in [("arm-clients-python.tsv", 0), ("arm-clients-az.tsv", 1)] {
        let text = std::fs::read_to_string(folder.join(file)).ok()?;
        for line in text.lines() {
            let fields: Vec<&str> = line.split('\t').collect();
            let [version, method, template, accepted, ..] = fields[first..] else { continue };
            let accepted: BTreeSet<u16> = accepted.split(',').filter_map(|s| s.trim().parse().ok()).collect();
            let Ok(verb) = method.parse::<Method>() else { continue };
            let row =
                Row { method: verb, template: template.to_owned(), version: version.to_owned(), accepted };
            match merged.entry((template.to_lowercase(), method.to_owned())) {
                std::collections::btree_map::Entry::Vacant(free) => _ = free.insert(row),
                std::collections::btree_map::Entry::Occupied(mut known) => {
                    let both: BTreeSet<u16> =
                        known.get().accepted.intersection(&row.accepted).copied().collect();
                    if !both.is_empty() {
                        known.get_mut().accepted = both;
                    }
                }
            }
        }
    }
    Some(merged.into_values().collect())
}

impl Row {
    fn label(&self) -> String {
        format!("{} {}", self.method, self.template)
    }

    /// Whether it is about something at a place that the template itself names.
    fn is_playable(&self) -> bool {
        let known = [
            "/subscriptions/{subscriptionId}",
            "/providers/Microsoft.",
            "/{scope}/providers/Microsoft.",
            "/subscriptions",
            "/tenants",
        ];
        known.iter().any(|k| self.template.starts_with(k))
            && !DESTRUCTIVE.iter().any(|d| self.template.contains(d))
    }
}

/// What became of a row.
enum Outcome {
    Accepted,
    Refused(String),
    Wrong(String),
    NoSample,
}

fn judge(row: &Row, empty: bool, answer: &Answer) -> Outcome {
    let code = answer.body["error"]["code"].as_str().unwrap_or_default();
    if row.accepted.contains(&answer.status) || (empty && answer.status == 404 && code == "ResourceNotFound")
    {
        return Outcome::Accepted;
    }
    if NOT_SERVED.contains(&code) {
        return Outcome::Refused(code.to_owned());
    }
    Outcome::Wrong(format!(
        "{} accepts {:?}, got {} {}",
        row.label(),
        row.accepted,
        answer.status,
        answer.text
    ))
}

impl Stage {
    async fn ask(&self, row: &Row, path: &str, body: Option<&Value>) -> Answer {
        let url = format!("{path}?api-version={}", row.version);
        let request = self.admin.request(row.method.clone(), &url);
        Api::send(body.iter().fold(request, |request, body| request.json(body))).await
    }

    async fn play(&self, row: &Row) -> Outcome {
        let path = self.fill(&row.template);
        let Ok(target) = Target::parse(&path, row.method == Method::POST) else {
            return judge(row, false, &self.ask(row, &path, None).await);
        };
        match (&target, row.method.as_str()) {
            (Target::Resource(id), "PUT") => self.play_put(row, id).await,
            (Target::Resource(id), method) => {
                let sample = self.sample(id.resource_type().key());
                let empty = sample["empty"] == true;
                if !self.ensure(id).await && !empty && method != "GET" && method != "HEAD" {
                    let refused = self.ask(row, &path, (method == "PATCH").then_some(&json!({}))).await;
                    return match judge(row, false, &refused) {
                        Outcome::Wrong(_) => Outcome::NoSample,
                        other => other,
                    };
                }
                let body = (method == "PATCH").then(|| sample["patch"].clone());
                let answer = self.ask(row, &path, body.as_ref()).await;
                self.wait_for(&answer).await;
                match judge(row, empty, &answer) {
                    Outcome::Wrong(_) if answer.status == 404 && sample.is_null() => Outcome::NoSample,
                    other => other,
                }
            }
            (Target::Action { resource, name }, _) => {
                self.ensure(resource).await;
                let sample = self.sample(resource.resource_type().key());
                let body = sample["actions"].get(name).cloned().unwrap_or_else(|| json!({}));
                let empty = sample["empty"] == true;
                judge(row, empty, &self.ask(row, &path, Some(&body)).await)
            }
            (Target::Collection { scope, resource_type }, _) => {
                if scope.key() != "/" {
                    self.ensure(scope).await;
                }
                let sample = self.sample(resource_type.key()).get("post").cloned();
                let body = (row.method == Method::POST)
                    .then(|| sample.unwrap_or_else(|| json!({"location": "local", "properties": {}})));
                judge(row, false, &self.ask(row, &path, body.as_ref()).await)
            }
        }
    }

    /// PUT of something new, and PUT of the same again: clients check both.
    async fn play_put(&self, row: &Row, id: &ResourceId) -> Outcome {
        let body = self.sample(id.resource_type().key())["put"].clone();
        if body.is_null() {
            return match judge(row, false, &self.ask(row, id.as_str(), Some(&json!({}))).await) {
                Outcome::Wrong(_) => Outcome::NoSample,
                other => other,
            };
        }
        if let Some(parent) = id.parent().filter(|p| p.key() != "/") {
            self.ensure(&parent).await;
        }
        self.remove(id.as_str()).await;
        for _ in 0..2 {
            match judge(row, false, &self.ask(row, id.as_str(), Some(&body)).await) {
                Outcome::Accepted => {}
                other => return other,
            }
        }
        Outcome::Accepted
    }
}

#[tokio::test]
async fn operations_of_real_clients_answer_in_statuses_that_they_accept() {
    let Some(rows) = rows() else {
        println!("skipped: operations_of_real_clients: the tables are not here");
        return;
    };
    let stage = Stage::new().await;
    let namespaces: BTreeSet<String> =
        stage.served().await.iter().filter_map(|t| t.split('/').next().map(str::to_owned)).collect();
    let mut refused = BTreeSet::new();
    let (mut accepted, mut wrong) = (0, Vec::new());
    for row in rows.iter().filter(|row| row.is_playable()) {
        let lower = row.template.to_lowercase();
        let namespace = lower.rsplit("/providers/").next().filter(|_| lower.contains("/providers/"));
        let namespace = namespace.and_then(|rest| rest.split('/').next()).unwrap_or("microsoft.resources");
        if !namespaces.contains(namespace) {
            continue;
        }
        match stage.play(row).await {
            Outcome::Accepted => accepted += 1,
            Outcome::Refused(code) => _ = refused.insert(format!("{} {code}", row.label())),
            Outcome::NoSample => _ = refused.insert(format!("{} no sample", row.label())),
            Outcome::Wrong(what) => wrong.push(what),
        }
    }
    println!("{accepted} operations accepted, {} refused as not served", refused.len());
    if let Ok(file) = std::env::var("BOWLINE_WRITE_UNSERVED") {
        std::fs::write(file, refused.iter().map(|l| format!("{l}\n")).collect::<String>()).unwrap();
    }
    assert!(wrong.is_empty(), "{} wrong answers:\n{}", wrong.len(), wrong.join("\n"));
    let listed: BTreeSet<String> = UNSERVED.lines().map(str::to_owned).collect();
    let lost: Vec<_> = refused.difference(&listed).cloned().collect();
    assert!(lost.is_empty(), "no longer served, or served without a sample:\n{}", lost.join("\n"));
    for line in listed.difference(&refused) {
        println!("served now, take it off the list: {line}");
    }
}
