//! Is it well? A workload's health, from its own status, by the conventions that controllers follow.
//!
//! The rules are those of the `kstatus` convention: an object that was changed and not yet looked at is in progress; the
//! conditions `Stalled` and `Reconciling` win; built-in kinds have rules of their own; everything else goes by `Ready`.

use serde::Serialize;
use serde_json::Value;

/// How an object fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum State {
    /// It is as it should be.
    Current,
    /// It is on its way.
    InProgress,
    /// It will not get there by itself.
    Failed,
    /// It is being deleted.
    Terminating,
}

/// The health of one object, with the reason in a sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Health {
    pub state: State,
    pub message: String,
}

impl Health {
    fn new(state: State, message: impl Into<String>) -> Self {
        Self { state, message: message.into() }
    }

    fn current(message: impl Into<String>) -> Self {
        Self::new(State::Current, message)
    }

    fn in_progress(message: impl Into<String>) -> Self {
        Self::new(State::InProgress, message)
    }

    fn failed(message: impl Into<String>) -> Self {
        Self::new(State::Failed, message)
    }
}

/// Judges an object.
pub fn health_of(object: &Value) -> Health {
    if object.pointer("/metadata/deletionTimestamp").is_some() {
        return Health::new(State::Terminating, "it is being deleted");
    }
    if let Some(health) = not_yet_observed(object).or_else(|| standard_conditions(object)) {
        return health;
    }
    let group = object["apiVersion"].as_str().and_then(|v| v.split_once('/')).map_or("", |(group, _)| group);
    match (group, object["kind"].as_str().unwrap_or_default()) {
        ("apps", "Deployment") => deployment(object),
        ("apps", "StatefulSet") => stateful_set(object),
        ("apps", "DaemonSet") => daemon_set(object),
        ("apps", "ReplicaSet") => replica_set(object),
        ("batch", "Job") => job(object),
        ("", "Pod") => pod(object),
        ("", "PersistentVolumeClaim") => phase_is(object, "Bound"),
        ("", "Namespace") => phase_is(object, "Active"),
        ("", "Service") => service(object),
        _ => by_ready(object),
    }
}

fn not_yet_observed(object: &Value) -> Option<Health> {
    let generation = object.pointer("/metadata/generation")?.as_i64()?;
    let observed = object.pointer("/status/observedGeneration")?.as_i64()?;
    (observed < generation).then(|| {
        Health::in_progress(format!("the controller has seen generation {observed} of {generation}"))
    })
}

fn standard_conditions(object: &Value) -> Option<Health> {
    if let Some(message) = condition(object, "Stalled", "True") {
        return Some(Health::failed(message));
    }
    condition(object, "Reconciling", "True").map(Health::in_progress)
}

/// The message of a condition that has this status.
fn condition(object: &Value, kind: &str, status: &str) -> Option<String> {
    let conditions = object.pointer("/status/conditions")?.as_array()?;
    let found = conditions.iter().find(|c| c["type"] == kind && c["status"] == status)?;
    let text = |key: &str| found[key].as_str().filter(|text| !text.is_empty());
    Some(text("message").or_else(|| text("reason")).unwrap_or(kind).to_owned())
}

fn by_ready(object: &Value) -> Health {
    match condition(object, "Ready", "False").or_else(|| condition(object, "Ready", "Unknown")) {
        Some(message) => Health::in_progress(message),
        None => Health::current("it is ready"),
    }
}

fn number(object: &Value, pointer: &str) -> i64 {
    object.pointer(pointer).and_then(Value::as_i64).unwrap_or(0)
}

fn wanted_replicas(object: &Value) -> i64 {
    object.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1)
}

/// The first count that is lower than wanted makes the message.
fn counts(object: &Value, wanted: i64, members: &[(&str, &str)]) -> Option<Health> {
    members.iter().find_map(|(member, word)| {
        let have = number(object, &format!("/status/{member}"));
        (have < wanted).then(|| Health::in_progress(format!("{have} of {wanted} {word}")))
    })
}

fn deployment(object: &Value) -> Health {
    let progress = object.pointer("/status/conditions").and_then(Value::as_array).into_iter().flatten();
    for condition in progress {
        if condition["type"] == "Progressing" && condition["reason"] == "ProgressDeadlineExceeded" {
            return Health::failed(condition["message"].as_str().unwrap_or("the rollout took too long"));
        }
    }
    if let Some(message) = condition(object, "ReplicaFailure", "True") {
        return Health::failed(message);
    }
    let wanted = wanted_replicas(object);
    if let Some(health) = counts(object, wanted, &[("updatedReplicas", "replicas are updated")]) {
        return health;
    }
    let surplus = number(object, "/status/replicas") - number(object, "/status/updatedReplicas");
    if surplus > 0 {
        return Health::in_progress(format!("{surplus} old replicas are still there"));
    }
    let rest = [("availableReplicas", "replicas are available"), ("readyReplicas", "replicas are ready")];
    counts(object, wanted, &rest).unwrap_or_else(|| Health::current(format!("{wanted} replicas are ready")))
}

fn stateful_set(object: &Value) -> Health {
    let wanted = wanted_replicas(object);
    if object.pointer("/spec/updateStrategy/type").and_then(Value::as_str) == Some("OnDelete") {
        return Health::current("its pods are replaced when they are deleted");
    }
    let members = [("replicas", "replicas exist"), ("readyReplicas", "replicas are ready")];
    if let Some(health) = counts(object, wanted, &members) {
        return health;
    }
    let kept = number(object, "/spec/updateStrategy/rollingUpdate/partition");
    let updated = [("updatedReplicas", "replicas are updated")];
    let on_target = object.pointer("/status/currentRevision") == object.pointer("/status/updateRevision");
    if !on_target && let Some(health) = counts(object, wanted - kept, &updated) {
        return health;
    }
    Health::current(format!("{wanted} replicas are ready"))
}

fn daemon_set(object: &Value) -> Health {
    let wanted = number(object, "/status/desiredNumberScheduled");
    if object.pointer("/status/observedGeneration").is_none() {
        return Health::in_progress("the controller has not looked at it yet");
    }
    let members = [
        ("currentNumberScheduled", "pods are scheduled"),
        ("updatedNumberScheduled", "pods are updated"),
        ("numberAvailable", "pods are available"),
        ("numberReady", "pods are ready"),
    ];
    counts(object, wanted, &members).unwrap_or_else(|| Health::current(format!("{wanted} pods are ready")))
}

fn replica_set(object: &Value) -> Health {
    if let Some(message) = condition(object, "ReplicaFailure", "True") {
        return Health::failed(message);
    }
    let wanted = wanted_replicas(object);
    let members = [("availableReplicas", "replicas are available"), ("readyReplicas", "replicas are ready")];
    counts(object, wanted, &members)
        .unwrap_or_else(|| Health::current(format!("{wanted} replicas are ready")))
}

fn job(object: &Value) -> Health {
    if let Some(message) = condition(object, "Failed", "True") {
        return Health::failed(message);
    }
    if condition(object, "Complete", "True").is_some() {
        return Health::current("it is complete");
    }
    if condition(object, "Suspended", "True").is_some() {
        return Health::current("it is suspended");
    }
    if object.pointer("/status/startTime").is_none() {
        return Health::in_progress("it has not started");
    }
    let count = |member: &str| number(object, &format!("/status/{member}"));
    Health::current(format!(
        "it runs: {} active, {} succeeded, {} failed",
        count("active"),
        count("succeeded"),
        count("failed")
    ))
}

fn pod(object: &Value) -> Health {
    match object.pointer("/status/phase").and_then(Value::as_str) {
        Some("Succeeded") => return Health::current("it ran to its end"),
        Some("Failed") => {
            let reason = object.pointer("/status/message").or_else(|| object.pointer("/status/reason"));
            return Health::failed(
                reason.and_then(Value::as_str).unwrap_or("a container ended with an error"),
            );
        }
        _ => {}
    }
    if let Some(message) = stuck_container(object) {
        return Health::failed(message);
    }
    if condition(object, "Ready", "True").is_some() {
        return Health::current("it is ready");
    }
    let why = condition(object, "PodScheduled", "False").or_else(|| condition(object, "Ready", "False"));
    Health::in_progress(why.unwrap_or_else(|| "it is starting".to_owned()))
}

/// A container that waits for a reason which does not pass by itself.
fn stuck_container(object: &Value) -> Option<String> {
    const STUCK: &[&str] = &[
        "CrashLoopBackOff",
        "ImagePullBackOff",
        "ErrImagePull",
        "InvalidImageName",
        "CreateContainerConfigError",
    ];
    ["initContainerStatuses", "containerStatuses"].iter().find_map(|member| {
        let statuses = object.pointer(&format!("/status/{member}"))?.as_array()?;
        statuses.iter().find_map(|status| {
            let reason = status.pointer("/state/waiting/reason")?.as_str()?;
            let name = status["name"].as_str().unwrap_or("?");
            STUCK.contains(&reason).then(|| format!("the container {name} is in {reason}"))
        })
    })
}

fn phase_is(object: &Value, good: &str) -> Health {
    match object.pointer("/status/phase").and_then(Value::as_str) {
        Some(phase) if phase == good => Health::current(format!("its phase is {phase}")),
        Some("Lost") => Health::failed("its phase is Lost"),
        other => Health::in_progress(format!("its phase is {}", other.unwrap_or("not known yet"))),
    }
}

fn service(object: &Value) -> Health {
    let balanced = object.pointer("/spec/type").and_then(Value::as_str) == Some("LoadBalancer");
    let address = object.pointer("/status/loadBalancer/ingress").and_then(Value::as_array);
    if balanced && address.is_none_or(Vec::is_empty) {
        return Health::in_progress("the load balancer has no address yet");
    }
    Health::current("it has its address")
}
