//! Recorded requests and answers of Azure's providers, replayed: method, path, status class, and every key of the answer with the same JSON
//! type. What differs is in `example-deviations.txt` with its reason.

use std::collections::BTreeSet;
use std::path::Path;

use bowline_arm::{ResourceId, Target};
use bowline_e2e::api::{Answer, Api};
use reqwest::Method;
use serde_json::{Value, json};

use crate::stage::Stage;

const DEVIATIONS: &str = include_str!("example-deviations.txt");

fn cases() -> Option<Vec<Value>> {
    let file =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance/rest/arm_sdk_examples.jsonl");
    let text = std::fs::read_to_string(file).ok()?;
    Some(text.lines().filter(|l| !l.is_empty()).map(|l| serde_json::from_str(l).unwrap()).collect())
}

/// The example's path on our stage: its subscription and groups are ours, as far as they can be.
fn stage_path(stage: &Stage, path: &str) -> String {
    let ours = stage.subscription.rsplit('/').next().unwrap();
    let mut segments: Vec<String> = path.split('/').map(|s| s.replace(['{', '}', '<', '>'], "")).collect();
    for at in 1..segments.len() {
        if segments[at - 1].eq_ignore_ascii_case("subscriptions") {
            ours.clone_into(&mut segments[at]);
        }
    }
    segments.join("/")
}

/// Differences between the example's answer and ours: a missing key, or another JSON type.
fn differences(example: &Value, ours: &Value, at: &str, found: &mut BTreeSet<String>) {
    let kind = |v: &Value| match v {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    match (example, ours) {
        (Value::Object(theirs), Value::Object(own)) => {
            for (key, value) in theirs {
                let at = format!("{at}/{key}");
                match own.get(key) {
                    Some(own) => differences(value, own, &at, found),
                    None => _ = found.insert(format!("{at} is missing")),
                }
            }
        }
        (Value::Array(theirs), Value::Array(own)) => {
            if let (Some(theirs), Some(own)) = (theirs.first(), own.first()) {
                differences(theirs, own, &format!("{at}[]"), found);
            }
        }
        (theirs, own) if kind(theirs) != kind(own) => {
            found.insert(format!("{at} is {} instead of {}", kind(own), kind(theirs)));
        }
        _ => {}
    }
}

impl Stage {
    /// What must be there before the request: its parents, and itself unless it is made by it.
    async fn prepare(&self, method: &str, target: &Target, puts: &[(ResourceId, Value)]) -> bool {
        match target {
            Target::Resource(id) if method == "PUT" => self.raise_parents(id).await,
            Target::Resource(id) => self.raise(id, puts).await,
            Target::Action { resource, .. } => self.raise(resource, puts).await,
            Target::Collection { scope, resource_type } => {
                if scope.key() != "/" && !self.raise(scope, puts).await {
                    return false;
                }
                let known =
                    puts.iter().find(|(id, _)| id.resource_type() == resource_type && scope.contains(id));
                if let Some((id, _)) = known {
                    self.raise(id, puts).await;
                }
                true
            }
        }
    }

    async fn raise_parents(&self, id: &ResourceId) -> bool {
        match id.parent().filter(|p| p.key() != "/") {
            Some(parent) => Box::pin(self.raise(&parent, &[])).await,
            None => true,
        }
    }

    /// Makes a resource as its own example does, else from the sample.
    async fn raise(&self, id: &ResourceId, puts: &[(ResourceId, Value)]) -> bool {
        if self.admin.get(id.as_str()).await.status == 200 {
            return true;
        }
        if !self.raise_parents(id).await {
            return false;
        }
        let key = id.resource_type().key();
        let group = json!({"location": "local"});
        let sample =
            if key == "microsoft.resources/resourcegroups" { &group } else { &self.sample(key)["put"] };
        let body = puts.iter().find(|(other, _)| other == id).map_or(sample, |(_, body)| body);
        !body.is_null() && self.admin.put(id.as_str(), &localised(body)).await.status < 300
    }
}

/// Locations of the examples are Azure's; keys of agents are certificates that no agent has.
fn localised(body: &Value) -> Value {
    let mut body = body.clone();
    if body["location"].is_string() {
        body["location"] = "local".into();
    }
    body
}

#[tokio::test]
async fn recorded_examples_of_served_providers_replay() {
    let Some(cases) = cases() else {
        println!("skipped: recorded_examples: the examples are not here");
        return;
    };
    let stage = Stage::new().await;
    let served = stage.served().await;
    let key = stage.sample("microsoft.kubernetes/connectedclusters")["put"]["properties"]["agentPublicKeyCertificate"].clone();
    let request_body = |case: &Value| {
        let mut body = localised(&case["request_body"]);
        if body.pointer("/properties/agentPublicKeyCertificate").is_some() {
            body["properties"]["agentPublicKeyCertificate"] = key.clone();
        }
        body
    };
    let target_of = |case: &Value| {
        let path = stage_path(&stage, case["path"].as_str().unwrap());
        Target::parse(&path, case["method"] == "POST").ok().map(|target| (path, target))
    };
    let puts: Vec<(ResourceId, Value)> = cases
        .iter()
        .filter(|c| c["method"] == "PUT")
        .filter_map(|c| match target_of(c)?.1 {
            Target::Resource(id) => Some((id, request_body(c))),
            _ => None,
        })
        .collect();
    let (mut replayed, mut found) = (0, BTreeSet::new());
    for case in &cases {
        let Some((path, target)) = target_of(case) else { continue };
        let about = match &target {
            Target::Resource(id) | Target::Action { resource: id, .. } => id.resource_type(),
            Target::Collection { resource_type, .. } => resource_type,
        };
        if !served.contains(about.key()) {
            continue;
        }
        let (id, method) = (case["id"].as_str().unwrap(), case["method"].as_str().unwrap());
        replayed += 1;
        let mut differs = BTreeSet::new();
        if stage.prepare(method, &target, &puts).await {
            let version = case["query"]["api-version"][0].as_str().unwrap();
            let request = stage
                .admin
                .request(method.parse::<Method>().unwrap(), &format!("{path}?api-version={version}"));
            let body = (!case["request_body"].is_null()).then(|| request_body(case));
            let answer: Answer = Api::send(body.iter().fold(request, |r, b| r.json(b))).await;
            stage.wait_for(&answer).await;
            let class = case["status"].as_str().and_then(|s| s.parse::<u16>().ok()).unwrap_or(200) / 100;
            if answer.status / 100 == class {
                differences(&case["response_body"], &answer.body, "", &mut differs);
                if case["response_body"].as_object().is_none_or(serde_json::Map::is_empty) {
                    differs.clear();
                }
            } else {
                let code = answer.body["error"]["code"].as_str().unwrap_or_default();
                differs.insert(format!("answers {} {code}", answer.status));
            }
        } else {
            differs.insert("cannot be prepared".to_owned());
        }
        found.extend(differs.into_iter().map(|d| format!("{id} {d}")));
    }
    println!("{replayed} examples replayed");
    if let Ok(file) = std::env::var("BOWLINE_WRITE_DEVIATIONS") {
        std::fs::write(file, found.iter().map(|l| format!("{l}\n")).collect::<String>()).unwrap();
    }
    assert!(replayed > 30, "only {replayed} examples are of served types");
    let listed: BTreeSet<&str> = DEVIATIONS.lines().filter_map(|l| l.split(" | ").next()).collect();
    let unlisted: Vec<&String> = found.iter().filter(|l| !listed.contains(l.as_str())).collect();
    assert!(
        unlisted.is_empty(),
        "not as recorded (or add to the list with ' | ' and a reason): {unlisted:#?}"
    );
    for line in listed.iter().filter(|l| !found.contains(**l)) {
        println!("as recorded now, take it off the list: {line}");
    }
}
