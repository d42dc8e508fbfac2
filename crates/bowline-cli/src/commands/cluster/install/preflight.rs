//! Tries the way to the server from inside the cluster, by a pod of the agent's image that is removed afterwards: the image can be
//! pulled, the pod is admitted and finds a node, names and proxy lead to the server, its certificate is trusted, the node's clock is right.

use std::time::Duration;

use bowline_kubernetes::{ClusterError, Connection, Seen, describe_pod, explain};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::wait::{events_of, log_of};
use super::{By, Plan};
use crate::commands::cluster::enrolment::{self, NAMESPACE, refused};
use crate::commands::steps::Steps;
use crate::config::host;
use crate::failure::{Failure, Kind, Result};

/// How long the pod may take, an image that is pulled included.
const PATIENCE: Duration = Duration::from_secs(120);
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// What does not go away by waiting is waited out for so long.
const DOUBT: Duration = Duration::from_secs(5);
/// Clocks may differ by so many seconds: the agent reckons with it, certificates do not.
const MAX_OFFSET: i64 = 300;
/// The longest text that fits into an environment variable, with room to spare.
const MAX_SETTINGS: usize = 100_000;

/// Tries it, unless there is nothing to try or the agent shows already that it works.
pub(super) async fn fly(plan: &Plan, steps: &mut Steps, cluster: &Connection, way: &Value) -> Result<()> {
    steps.begin("way to the server");
    let settings = way.to_string();
    let why_not = if matches!(plan.by, By::Nobody { .. }) {
        Some("the agent is left as it is")
    } else if plan.runs {
        Some("the agent runs already")
    } else if settings.len() > MAX_SETTINGS {
        Some("the certificates to trust are too long to be handed over")
    } else if !has_node(cluster).await? {
        Some("no node is there yet to try it from")
    } else {
        None
    };
    if let Some(why) = why_not {
        steps.skipped(why);
        return Ok(());
    }
    let made = enrolment::make_namespace(cluster).await?;
    let name = format!("bowline-preflight-{}", &host::new_guid().simple().to_string()[..8]);
    let outcome = run(cluster, steps, &pod(&name, &plan.image.to_string(), &settings), &name).await;
    let path = format!("/api/v1/namespaces/{NAMESPACE}/pods/{name}");
    // A pod that is left over does no harm and ends by itself; the outcome says more than its removal.
    let _ = cluster.delete(&format!("{path}?gracePeriodSeconds=0")).await;
    if outcome.is_err() && made {
        let _ = cluster.delete(&format!("/api/v1/namespaces/{NAMESPACE}")).await;
    }
    steps.done(&outcome?);
    Ok(())
}

async fn has_node(cluster: &Connection) -> Result<bool> {
    let path = "/api/v1/nodes?labelSelector=kubernetes.io%2Fos%3Dlinux&limit=1";
    let list = cluster.get(path).await.map_err(|error| refused(&error))?;
    Ok(list["items"].as_array().is_some_and(|items| !items.is_empty()))
}

/// As the agent's own pod, but for what it does.
fn pod(name: &str, image: &str, settings: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": name, "namespace": NAMESPACE,
            "labels": {"app.kubernetes.io/name": "bowline-preflight", "app.kubernetes.io/part-of": "bowline"},
        },
        "spec": {
            "restartPolicy": "Never", "automountServiceAccountToken": false, "terminationGracePeriodSeconds": 1,
            "activeDeadlineSeconds": PATIENCE.as_secs(),
            "securityContext": {"runAsNonRoot": true, "runAsUser": 65532, "runAsGroup": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [{
                "name": "agent", "image": image, "imagePullPolicy": "IfNotPresent", "args": ["cluster", "preflight"],
                "env": [{"name": "BOWLINE_PREFLIGHT", "value": settings}],
                "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"cpu": "500m", "memory": "128Mi"}},
                "securityContext": {"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]}},
            }],
        },
    })
}

/// Runs the pod to its end, and gives what it found in a few words.
async fn run(cluster: &Connection, steps: &mut Steps, pod: &Value, name: &str) -> Result<String> {
    let start = Instant::now();
    create(cluster, pod, start).await?;
    let path = format!("/api/v1/namespaces/{NAMESPACE}/pods/{name}");
    let mut hopeless: Option<Instant> = None;
    loop {
        let pod = cluster.get(&path).await.map_err(|error| refused(&error))?;
        let phase = pod.pointer("/status/phase").and_then(Value::as_str).unwrap_or_default();
        if ["Succeeded", "Failed"].contains(&phase) {
            return judge(&pod, &log_of(cluster, name).await);
        }
        let events = events_of(cluster, name).await;
        let pods = [pod];
        let trouble = explain(&Seen { deployment: &Value::Null, pods: &pods, events: &events, log: "" });
        hopeless = trouble.as_ref().filter(|trouble| trouble.stays).and(hopeless.or(Some(Instant::now())));
        let over = start.elapsed() >= PATIENCE || hopeless.is_some_and(|since| since.elapsed() >= DOUBT);
        if let Some(trouble) = trouble.as_ref().filter(|_| over) {
            let failure =
                Failure::new(Kind::Service, &trouble.what).code("AgentCannotRun").why(&trouble.cause);
            return Err(failure.why(describe_pod(&pods[0])).next(&trouble.fix));
        }
        if over {
            return Err(Failure::new(
                Kind::Service,
                format!("a pod did not run within {} s", PATIENCE.as_secs()),
            )
            .code("AgentCannotRun")
            .why(describe_pod(&pods[0]))
            .next("look at the cluster's nodes: kubectl get nodes; kubectl get events -n bowline-system")
            .next("or do without this check: --no-preflight"));
        }
        steps.waiting(&trouble.map_or_else(|| "a pod tries it".to_owned(), |trouble| trouble.what));
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// A new namespace has its account a moment later.
async fn create(cluster: &Connection, pod: &Value, start: Instant) -> Result<()> {
    let pods = format!("/api/v1/namespaces/{NAMESPACE}/pods");
    loop {
        match cluster.post(&pods, pod).await {
            Ok(_) => return Ok(()),
            Err(ClusterError::Forbidden { message })
                if message.contains("serviceaccount") && start.elapsed() < Duration::from_secs(15) =>
            {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
            Err(ClusterError::Forbidden { message }) => {
                return Err(Failure::new(Kind::Service, "the agent's pod would not be admitted")
                    .code("AgentCannotRun")
                    .why(message)
                    .next("except the namespace bowline-system from that policy or quota, or let its owner allow the agent")
                    .next("if only this check is not allowed, do without it: --no-preflight"));
            }
            Err(error) => return Err(refused(&error)),
        }
    }
}

/// What the pod's one line of JSON means.
fn judge(pod: &Value, log: &str) -> Result<String> {
    let found =
        log.lines().rev().find_map(|line| serde_json::from_str::<Value>(line).ok().filter(Value::is_object));
    let Some(found) = found else {
        return Err(Failure::new(Kind::Service, "the agent does not run in the cluster")
            .code("AgentCannotRun")
            .why(describe_pod(pod))
            .why(log.trim().chars().take(500).collect::<String>())
            .next("name an image of this version: --image-tag")
            .next("or do without this check: --no-preflight"));
    };
    if found["reached"] != true {
        let why = found["why"].as_str().unwrap_or("no reason is given");
        let failure = Failure::new(Kind::Service, "the server cannot be reached from inside the cluster")
            .code("ServerUnreachableFromCluster")
            .why(why);
        return Err(if why.contains("certificate") {
            failure.next("a proxy that opens TLS may be between: let the server's address pass it, or give its authority to the chart (global.proxyCert)")
        } else {
            failure
                .next("open the way from the cluster's pods to the server's address and port, or name the proxy: --proxy")
                .next("check that pods can resolve the server's name")
        });
    }
    let offset = found["clockOffset"].as_i64().unwrap_or_default();
    if offset.abs() > MAX_OFFSET {
        return Err(Failure::new(
            Kind::Service,
            format!("the clock of the cluster's node differs from the server's by {} min", offset.abs() / 60),
        )
        .code("ClocksDiffer")
        .next("set the node's clock (NTP), then run this command again"));
    }
    Ok("reached from inside the cluster".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_pod_found_becomes_a_sentence_and_a_fix() {
        let pod = json!({"metadata": {"name": "p"}, "status": {"phase": "Failed"}});
        assert!(judge(&pod, "noise\n{\"reached\": true, \"clockOffset\": 3}\n").is_ok());
        for (log, code, fix) in [
            (
                "{\"reached\": false, \"why\": \"https://s could not be reached: dns error\"}",
                "ServerUnreachableFromCluster",
                "--proxy",
            ),
            (
                "{\"reached\": false, \"why\": \"invalid peer certificate: UnknownIssuer\"}",
                "ServerUnreachableFromCluster",
                "proxyCert",
            ),
            ("{\"reached\": true, \"clockOffset\": -4000}", "ClocksDiffer", "NTP"),
            ("error: unrecognized subcommand", "AgentCannotRun", "--image-tag"),
        ] {
            let failure = judge(&pod, log).unwrap_err();
            assert_eq!(failure.stable_code(), code, "{log}");
            assert!(failure.next.iter().any(|next| next.contains(fix)), "{log}: {:?}", failure.next);
        }
    }
}
