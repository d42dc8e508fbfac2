//! `bowline cluster workloads`: the inventory, answered by the server without touching the cluster.

use serde_json::{Value, json};

use super::{Which, id_of};
use crate::api;
use crate::app::App;
use crate::failure::Result;
use crate::render::{Answer, Column, Show};

#[derive(Debug, clap::Args)]
pub(crate) struct WorkloadsArgs {
    #[command(flatten)]
    which: Which,
    /// Kinds to show, for example Pod or Service [default: what runs: Deployments, StatefulSets, DaemonSets, Jobs, CronJobs]
    #[arg(short, long, num_args = 1.., value_delimiter = ',')]
    kind: Vec<String>,
    /// Only this namespace
    #[arg(long)]
    namespace: Option<String>,
    /// At most so many of each kind
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    top: u16,
}

const WORKLOADS: &[&str] = &["Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob"];

const COLUMNS: &[Column] = &[
    Column::text("NAMESPACE", &["/namespace"]),
    Column::text("KIND", &["/kind"]),
    Column::text("NAME", &["/name"]),
    Column::text("READY", &["/ready"]),
    Column::text("IMAGES", &["/images"]),
    Column::new("OBSERVED", &["/observedAt"], Show::Ago),
];

pub(super) async fn run(app: &App, arguments: WorkloadsArgs) -> Result<Answer> {
    let arm = app.arm()?;
    let id = id_of(app, &arm, &arguments.which).await?;
    let path = format!("{id}/providers/Microsoft.Bowline/kubernetesObjects");
    let default: Vec<String> = WORKLOADS.iter().map(|kind| (*kind).to_owned()).collect();
    let kinds = if arguments.kind.is_empty() { &default } else { &arguments.kind };
    let page = arguments.top.min(1000).to_string();
    let mut rows = Vec::new();
    for kind in kinds {
        let mut query = vec![("kind", kind.as_str()), ("$top", page.as_str())];
        query.extend(arguments.namespace.as_deref().map(|namespace| ("namespace", namespace)));
        let objects = arm.list_up_to(&path, api::BOWLINE, &query, arguments.top.into()).await?;
        rows.extend(objects.iter().map(summary));
    }
    rows.sort_by_key(|row| {
        ["namespace", "kind", "name"].map(|member| row[member].as_str().unwrap_or_default().to_owned())
    });
    Ok(Answer::list(
        rows,
        COLUMNS,
        "The server knows of no such workloads. If there are some, is the agent connected? bowline cluster show",
    ))
}

/// The few members that say how a workload is.
fn summary(item: &Value) -> Value {
    let properties = &item["properties"];
    let object = &properties["object"];
    json!({
        "id": item["id"], "kind": properties["kind"], "namespace": properties["namespace"],
        "name": properties["name"], "ready": ready(properties["kind"].as_str().unwrap_or_default(), object),
        "images": images(object), "observedAt": properties["observedAt"],
    })
}

/// How many of how many are ready, in the terms of each kind.
fn ready(kind: &str, object: &Value) -> Value {
    let number = |pointer: &str| object.pointer(pointer).and_then(Value::as_u64);
    let of = |ready: &str, wanted: Option<u64>| {
        wanted.map_or(Value::Null, |wanted| format!("{}/{wanted}", number(ready).unwrap_or(0)).into())
    };
    match kind {
        // Kubernetes' own default is one replica.
        "Deployment" | "StatefulSet" | "ReplicaSet" => {
            of("/status/readyReplicas", Some(number("/spec/replicas").unwrap_or(1)))
        }
        "DaemonSet" => of("/status/numberReady", number("/status/desiredNumberScheduled")),
        "Job" => of("/status/succeeded", Some(number("/spec/completions").unwrap_or(1))),
        "CronJob" => match object.pointer("/spec/suspend") {
            Some(Value::Bool(true)) => "suspended".into(),
            _ => object.pointer("/spec/schedule").cloned().unwrap_or(Value::Null),
        },
        _ => object.pointer("/status/phase").cloned().unwrap_or(Value::Null),
    }
}

fn images(object: &Value) -> Vec<String> {
    let specs = ["/spec/template/spec", "/spec/jobTemplate/spec/template/spec", "/spec"];
    let containers =
        specs.iter().filter_map(|spec| object.pointer(&format!("{spec}/containers"))?.as_array());
    containers.flatten().filter_map(|container| container["image"].as_str().map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_says_how_ready_it_is() {
        let cases = [
            ("Deployment", json!({"spec": {"replicas": 3}, "status": {"readyReplicas": 2}}), json!("2/3")),
            ("Deployment", json!({"spec": {"replicas": 0}}), json!("0/0")),
            ("DaemonSet", json!({"status": {"numberReady": 1, "desiredNumberScheduled": 1}}), json!("1/1")),
            ("DaemonSet", json!({}), json!(null)),
            ("Job", json!({"status": {"succeeded": 1}}), json!("1/1")),
            ("CronJob", json!({"spec": {"schedule": "0 * * * *"}}), json!("0 * * * *")),
            ("CronJob", json!({"spec": {"schedule": "0 * * * *", "suspend": true}}), json!("suspended")),
            ("Pod", json!({"status": {"phase": "Running"}}), json!("Running")),
        ];
        for (kind, object, expected) in cases {
            assert_eq!(ready(kind, &object), expected, "{kind} {object}");
        }
        let cron = json!({"spec": {"jobTemplate": {"spec": {"template": {"spec": {"containers": [{"image": "a"}]}}}}}});
        assert_eq!(images(&cron), ["a"]);
    }
}
