//! Why does it not run? What a Deployment, its pods, their events and the end of a log say together, as one cause and one fix.
//!
//! The rules are ordered from the outside in: a pod that was refused has no image, and one without an image has no log.

use serde_json::Value;

/// What was seen of one Deployment, at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    pub deployment: &'a Value,
    pub pods: &'a [Value],
    pub events: &'a [Value],
    /// The last lines of the pod's log.
    pub log: &'a str,
}

/// The likely cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// What does not work, in a few words.
    pub what: String,
    /// In the words of whoever refused.
    pub cause: String,
    pub fix: String,
    /// It does not go away by waiting.
    pub stays: bool,
}

impl Trouble {
    fn new(what: impl Into<String>, cause: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { what: what.into(), cause: cause.into(), fix: fix.into(), stays: false }
    }

    fn stays(self) -> Self {
        Self { stays: true, ..self }
    }
}

/// The first thing that stands in the way; nothing when it is just on its way.
pub fn explain(seen: &Seen<'_>) -> Option<Trouble> {
    let of_pods = || seen.pods.iter().find_map(|pod| of_pod(pod, seen.events));
    not_made(seen.deployment).or_else(of_pods).or_else(|| of_log(seen.log))
}

/// The name and the state of a pod in one line.
pub fn describe_pod(pod: &Value) -> String {
    let name = text(pod, "/metadata/name");
    let container = pod.pointer("/status/containerStatuses/0");
    let state = container.and_then(|container| {
        let states = container.get("state")?.as_object()?;
        let (state, more) = states.iter().next()?;
        let reason = more["reason"].as_str().map(|reason| format!(" ({reason})")).unwrap_or_default();
        let restarts = container["restartCount"].as_u64().unwrap_or(0);
        Some(format!(", container {state}{reason}, {restarts} restarts"))
    });
    format!("pod {name}: {}{}", text(pod, "/status/phase"), state.unwrap_or_default())
}

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn condition<'a>(object: &'a Value, kind: &str, status: &str) -> Option<&'a Value> {
    let conditions = object.pointer("/status/conditions")?.as_array()?;
    conditions.iter().find(|condition| condition["type"] == kind && condition["status"] == status)
}

/// No pod could be made.
fn not_made(deployment: &Value) -> Option<Trouble> {
    let message = text(condition(deployment, "ReplicaFailure", "True")?, "/message").to_owned();
    let fix = if message.contains("PodSecurity") {
        "Look at the label pod-security.kubernetes.io/enforce of the namespace bowline-system; the agent complies with `restricted`, so that a mutating webhook may have changed its pod."
    } else if message.contains("quota") {
        "Raise the ResourceQuota of the namespace bowline-system: the agent asks for 10m CPU and 32Mi, and its limits are 500m and 128Mi."
    } else if message.contains("admission webhook") {
        "Except the namespace bowline-system from the policy that the message names, or let its owner allow the agent."
    } else {
        "Ask an administrator of the cluster what forbids pods in the namespace bowline-system."
    };
    Some(Trouble::new("the agent's pod was not admitted", message, fix).stays())
}

fn of_pod(pod: &Value, events: &[Value]) -> Option<Trouble> {
    if let Some(condition) = condition(pod, "PodScheduled", "False") {
        let what = "no node takes the agent's pod";
        let fix = "Make room on a node, or allow the pod on one (taints, node selectors): install with helm and --set tolerations or nodeSelector.";
        return Some(Trouble::new(what, text(condition, "/message"), fix));
    }
    let container = pod.pointer("/status/containerStatuses/0");
    let waiting = container.and_then(|container| container.pointer("/state/waiting"));
    let reason = waiting.map(|waiting| text(waiting, "/reason")).unwrap_or_default();
    let message = waiting.map(|waiting| text(waiting, "/message")).unwrap_or_default();
    match reason {
        "ErrImagePull"
        | "ImagePullBackOff"
        | "InvalidImageName"
        | "ErrImageNeverPull"
        | "RegistryUnavailable" => Some(image(pod, reason, message, events)),
        "CreateContainerConfigError" | "CreateContainerError" | "RunContainerError" => {
            let fix = "Read the message: it names what the container lacks, or what the node cannot do.";
            Some(Trouble::new("the agent's container cannot be started", message, fix).stays())
        }
        "CrashLoopBackOff" => Some(crash(container?)),
        _ if text(pod, "/status/phase") == "Pending" => not_started(events),
        _ => None,
    }
}

/// The image cannot be pulled. What the registry said stands in the events: a container that waits for the next try only says that.
fn image(pod: &Value, reason: &str, message: &str, events: &[Value]) -> Trouble {
    let name = text(pod, "/spec/containers/0/image");
    let said = events.iter().rev().find_map(|event| {
        let message = text(event, "/message");
        message.contains("Failed to pull image").then_some(message)
    });
    let cause = said.unwrap_or(message);
    let has = |words: &[&str]| words.iter().any(|word| cause.contains(word));
    let fix = if reason == "InvalidImageName" {
        "Name an image as HOST[:PORT]/NAME: --image-repository, --image-tag."
    } else if has(&["x509", "certificate"]) {
        "The nodes do not trust the registry's certificate: put the server's ca.crt where the nodes' container engine looks (containerd: certs.d/HOST:PORT/ca.crt), or name another registry with --image-repository."
    } else if has(&["unauthorized", "denied", "authorization failed", "forbidden"]) {
        "The registry wants a password: install with helm and --set image.pullSecrets, or name another registry with --image-repository."
    } else if has(&["not found", "manifest unknown", "MANIFEST_UNKNOWN"]) {
        "There is no image of this name and tag: copy it there, or name another one with --image-repository and --image-tag."
    } else {
        "The nodes do not reach the registry: let them (a proxy is a setting of the nodes' container engine), or copy the image to one that they reach and name it with --image-repository."
    };
    let trouble = Trouble::new(format!("the image {name} cannot be pulled"), cause, fix);
    if reason == "ErrImagePull" { trouble } else { trouble.stays() }
}

fn crash(container: &Value) -> Trouble {
    let ended = container.pointer("/lastState/terminated");
    let code = ended.and_then(|ended| ended["exitCode"].as_i64()).unwrap_or_default();
    let reason = ended.map(|ended| text(ended, "/reason")).unwrap_or_default();
    if reason == "OOMKilled" {
        let fix = "Raise the limit: install with helm and --set resources.limits.memory; and tell us, because 128Mi are meant to suffice.";
        return Trouble::new(
            "the agent needs more memory than its limit",
            "the kernel ended it (OOMKilled)",
            fix,
        )
        .stays();
    }
    let fix = "Read the last lines of its log; `kubectl -n bowline-system logs deployment/bowline-agent --previous` shows all.";
    Trouble::new("the agent ends again and again", format!("exit code {code} ({reason})"), fix).stays()
}

/// A pod that was given to a node and has no container yet.
fn not_started(events: &[Value]) -> Option<Trouble> {
    let event = events.iter().rev().find(|event| {
        ["FailedCreatePodSandBox", "FailedMount", "FailedAttachVolume"].contains(&text(event, "/reason"))
    })?;
    let fix = "Look at the node: its container engine, its network plug-in, its disk.";
    Some(Trouble::new("the node cannot start the agent's pod", text(event, "/message"), fix))
}

/// The agent runs and says why it is not connected. The last such line counts.
fn of_log(log: &str) -> Option<Trouble> {
    let line = log.lines().rev().find(|line| line.contains("WARN") || line.contains("ERROR"))?;
    let has = |words: &[&str]| words.iter().any(|word| line.contains(word));
    let (what, fix) = if has(&["certificate", "UnknownIssuer", "CertNotValidForName"]) {
        (
            "the agent does not trust what answers as the server",
            "A proxy that opens TLS may be between: give its authority as well (chart: global.proxyCert), or let the server's address pass it (--no-proxy).",
        )
    } else if has(&["notBefore", "iat", "clock", "not valid yet", "in the future"]) {
        (
            "the clocks of the cluster's node and of the server differ",
            "Set the node's clock (NTP), then run this command again.",
        )
    } else if has(&["could not be reached", "gave no answer", "timed out"]) {
        (
            "the agent does not reach the server",
            "Open the way from the cluster to the server's address and port, name the proxy with --proxy, and check that pods can resolve the server's name.",
        )
    } else if has(&["expired", "lapsed", "invalid_client", "AADSTS700027", "InvalidAuthenticationToken"]) {
        (
            "the server does not accept the agent's key",
            "Run bowline cluster connect again: it renews the identity and loses nothing.",
        )
    } else if has(&["forbidden", "Forbidden"]) {
        (
            "the agent lacks a right in the cluster",
            "Run bowline cluster connect again: it puts the agent's roles back.",
        )
    } else {
        return None;
    };
    Some(Trouble::new(what, line.trim(), fix))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(waiting: &Value) -> Value {
        json!({"metadata": {"name": "bowline-agent-1"}, "spec": {"containers": [{"image": "r/bowline-agent:1"}]},
            "status": {"phase": "Pending", "containerStatuses": [{"state": {"waiting": waiting}, "restartCount": 2}]}})
    }

    fn explained(deployment: &Value, pods: &[Value], events: &[Value], log: &str) -> Option<Trouble> {
        explain(&Seen { deployment, pods, events, log })
    }

    #[test]
    fn each_trouble_has_its_cause_and_its_fix() {
        let fine = json!({});
        let refused = json!({"status": {"conditions": [{"type": "ReplicaFailure", "status": "True",
            "message": "pods \"a\" is forbidden: violates PodSecurity \"restricted:latest\""}]}});
        let full = json!({"metadata": {"name": "a"}, "status": {"phase": "Pending", "conditions": [
            {"type": "PodScheduled", "status": "False", "message": "0/1 nodes are available: 1 Insufficient memory."}]}});
        let back_off = pod(
            &json!({"reason": "ImagePullBackOff", "message": "Back-off pulling image \"r/bowline-agent:1\""}),
        );
        let pulled = |said: &str| {
            [json!({"reason": "Failed", "message": format!("Failed to pull image \"r\": {said}")})]
        };
        let mut crashed = pod(&json!({"reason": "CrashLoopBackOff"}));
        crashed["status"]["containerStatuses"][0]["lastState"] =
            json!({"terminated": {"exitCode": 1, "reason": "Error"}});
        let mut killed = crashed.clone();
        killed["status"]["containerStatuses"][0]["lastState"]["terminated"]["reason"] = "OOMKilled".into();
        let sandbox =
            [json!({"reason": "FailedCreatePodSandBox", "message": "plugin type=\"bridge\" failed"})];
        let says = |line: &str| format!("INFO the agent has started\n WARN not connected error=\"{line}\"\n");
        for (trouble, what, fix, stays) in [
            (explained(&refused, &[], &[], ""), "not admitted", "pod-security", true),
            (explained(&fine, &[full], &[], ""), "no node", "Make room", false),
            (
                explained(
                    &fine,
                    std::slice::from_ref(&back_off),
                    &pulled("x509: certificate signed by unknown authority"),
                    "",
                ),
                "r/bowline-agent:1",
                "do not trust",
                true,
            ),
            (
                explained(&fine, std::slice::from_ref(&back_off), &pulled("r:1: not found"), ""),
                "cannot be pulled",
                "no image of this name",
                true,
            ),
            (
                explained(&fine, std::slice::from_ref(&back_off), &pulled("401 unauthorized"), ""),
                "cannot be pulled",
                "password",
                true,
            ),
            (explained(&fine, &[back_off], &[], ""), "cannot be pulled", "do not reach", true),
            (
                explained(
                    &fine,
                    &[pod(&json!({"reason": "ErrImagePull", "message": "i/o timeout"}))],
                    &[],
                    "",
                ),
                "cannot be pulled",
                "do not reach",
                false,
            ),
            (explained(&fine, &[crashed], &[], ""), "again and again", "--previous", true),
            (explained(&fine, &[killed], &[], ""), "memory", "limits.memory", true),
            (
                explained(&fine, &[pod(&json!({"reason": "ContainerCreating"}))], &sandbox, ""),
                "cannot start",
                "network plug-in",
                false,
            ),
            (
                explained(&fine, &[], &[], &says("https://s could not be reached: connection refused")),
                "does not reach",
                "--proxy",
                false,
            ),
            (
                explained(
                    &fine,
                    &[],
                    &[],
                    &says("https://s could not be reached: invalid peer certificate: UnknownIssuer"),
                ),
                "does not trust",
                "proxy",
                false,
            ),
            (
                explained(
                    &fine,
                    &[],
                    &[],
                    &says("the server refused (401 invalid_client): the key has expired"),
                ),
                "does not accept",
                "connect again",
                false,
            ),
        ] {
            let trouble = trouble.unwrap_or_else(|| panic!("nothing is said where '{what}' is expected"));
            assert!(trouble.what.contains(what) && trouble.fix.contains(fix), "{what}: {trouble:?}");
            assert_eq!(trouble.stays, stays, "{what}");
        }
    }

    #[test]
    fn what_is_on_its_way_is_no_trouble() {
        let creating = pod(&json!({"reason": "ContainerCreating"}));
        assert_eq!(explained(&json!({}), std::slice::from_ref(&creating), &[], ""), None);
        assert_eq!(explained(&json!({}), &[], &[], "INFO the agent has started\n"), None);
        assert_eq!(
            describe_pod(&creating),
            "pod bowline-agent-1: Pending, container waiting (ContainerCreating), 2 restarts"
        );
    }
}
