//! Waits until the agent runs and has reported; says what stands in its way as soon as it is known.

use std::time::Duration;

use bowline_kubernetes::{Connection, Seen, State, Trouble, describe_pod, explain, health_of};
use serde_json::Value;
use tokio::time::Instant;

use super::{DEPLOYMENT, NAME};
use crate::api;
use crate::client::Arm;
use crate::commands::steps::Steps;
use crate::failure::{Failure, Kind, Result};

const POLL: Duration = Duration::from_secs(2);
/// A trouble that does not go away by waiting is waited out for so long: registries and nodes have their moments.
const DOUBT: Duration = Duration::from_secs(10);
const PODS: &str =
    "/api/v1/namespaces/bowline-system/pods?labelSelector=app.kubernetes.io%2Fname%3Dbowline-agent&limit=10";
/// How much of the log and of the events is shown.
const LINES: usize = 6;

/// The last lines that a pod's container said; of its run before, when this one has said nothing yet.
pub(super) async fn log_of(cluster: &Connection, pod: &str) -> String {
    let path = format!("/api/v1/namespaces/bowline-system/pods/{pod}/log?container=agent&tailLines=20");
    for path in [path.clone(), format!("{path}&previous=true")] {
        let bytes = cluster.get_bytes(&path).await.unwrap_or_default();
        if !bytes.is_empty() {
            return String::from_utf8_lossy(&bytes).into_owned();
        }
    }
    String::new()
}

/// What happened to objects of this name, or whose names begin so, the oldest first.
pub(super) async fn events_of(cluster: &Connection, name: &str) -> Vec<Value> {
    let list = cluster.get("/api/v1/namespaces/bowline-system/events?limit=500").await.unwrap_or_default();
    let mut events = list["items"].as_array().cloned().unwrap_or_default();
    let of = |event: &Value| event.pointer("/involvedObject/name").and_then(Value::as_str).map(str::to_owned);
    events.retain(|event| of(event).is_some_and(|of| of.starts_with(name)));
    let time = |event: &Value| {
        let times = ["/lastTimestamp", "/eventTime", "/metadata/creationTimestamp"];
        times.iter().find_map(|at| event.pointer(at)?.as_str()).unwrap_or_default().to_owned()
    };
    events.sort_by_key(time);
    events
}

/// What is in the cluster of the agent.
#[derive(Debug, Default)]
struct Look {
    deployment: Value,
    pods: Vec<Value>,
    events: Vec<Value>,
    log: String,
}

impl Look {
    /// Whatever cannot be read is missing: what is explained must not fail for what explains it.
    async fn take(cluster: &Connection) -> Self {
        let get = async |path: &str| cluster.get(path).await.unwrap_or_default();
        let items = |mut list: Value| match list["items"].take() {
            Value::Array(items) => items,
            _ => Vec::new(),
        };
        let deployment = get(DEPLOYMENT).await;
        let mut pods = items(get(PODS).await);
        // One that is going explains nothing.
        pods.retain(|pod| pod.pointer("/metadata/deletionTimestamp").is_none());
        let events = events_of(cluster, NAME).await;
        let log = match pods.first() {
            Some(pod) => {
                log_of(cluster, pod.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default())
                    .await
            }
            None => String::new(),
        };
        Self { deployment, pods, events, log }
    }

    fn trouble(&self) -> Option<Trouble> {
        let Self { deployment, pods, events, log } = self;
        explain(&Seen { deployment, pods, events, log })
    }

    fn runs(&self) -> bool {
        health_of(&self.deployment).state == State::Current
    }

    /// Everything that a person would ask for next.
    fn describe(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.pods.iter().map(describe_pod).collect();
        let warnings = self.events.iter().filter(|event| event["type"] == "Warning");
        let last = |lines: Vec<String>| lines.into_iter().rev().take(LINES).rev().collect::<Vec<_>>();
        lines.extend(last(
            warnings
                .map(|event| {
                    let text = |name: &str| event[name].as_str().unwrap_or_default();
                    format!("event {}: {}", text("reason"), text("message"))
                })
                .collect(),
        ));
        lines.extend(last(self.log.lines().map(|line| format!("log {}", line.trim())).collect()));
        lines
    }
}

/// Waits until the resource is Connected and the Deployment is as it should be.
pub(in crate::commands::cluster) async fn wait_until_running(
    arm: &Arm,
    steps: &mut Steps,
    cluster: &Connection,
    id: &str,
    limit: Duration,
) -> Result<Value> {
    steps.begin("first report");
    let start = Instant::now();
    let mut known: Option<(Trouble, Instant)> = None;
    loop {
        let resource = arm.get(id, api::CLUSTERS).await?;
        let status = resource.pointer("/properties/connectivityStatus").and_then(Value::as_str);
        let status = status.unwrap_or("unknown").to_owned();
        let look = Look::take(cluster).await;
        if status == "Connected" && look.runs() {
            steps.done("Connected");
            return Ok(resource);
        }
        let trouble = look.trouble();
        let since = match (&trouble, &known) {
            (Some(trouble), Some((before, since))) if before.what == trouble.what => *since,
            _ => Instant::now(),
        };
        let is_new =
            |trouble: &&Trouble| known.as_ref().is_none_or(|(before, _)| before.what != trouble.what);
        if let Some(trouble) = trouble.as_ref().filter(is_new) {
            steps.say(&trouble.what);
        }
        let hopeless = trouble.as_ref().is_some_and(|trouble| trouble.stays) && since.elapsed() >= DOUBT;
        let waited = start.elapsed();
        if waited >= limit || hopeless {
            return Err(failure(&look, trouble, &status, waited));
        }
        known = trouble.map(|trouble| (trouble, since));
        steps.waiting(&format!("{status}, waiting for the agent ({} s)", waited.as_secs()));
        tokio::time::sleep(POLL.min(limit - waited)).await;
    }
}

fn failure(look: &Look, trouble: Option<Trouble>, status: &str, waited: Duration) -> Failure {
    let general = format!("no report came within {} s", waited.as_secs());
    let mut failure = match &trouble {
        Some(trouble) => {
            Failure::new(Kind::Service, &trouble.what).code("AgentNotRunning").why(&trouble.cause)
        }
        None => Failure::new(Kind::Service, general).code("AgentNotConnected"),
    };
    failure = failure.why(format!("it is enrolled, and its status is {status}"));
    failure = look.describe().into_iter().fold(failure, Failure::why);
    if let Some(trouble) = trouble {
        failure = failure.next(trouble.fix);
    }
    failure
        .next("kubectl -n bowline-system describe pods; kubectl -n bowline-system logs deployment/bowline-agent")
        .next("then run this command again: it goes on from what is there")
}
