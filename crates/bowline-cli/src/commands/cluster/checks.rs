//! What `bowline cluster connect` looks at before it changes anything: the cluster, the rights in it, the clocks, the group.

use bowline_arm::ResourceId;
use bowline_kubernetes::{Check, Connection, Outcome, Purpose, run_checks};
use jiff::Timestamp;
use reqwest::Method;
use serde_json::Value;

use super::connect::ConnectArgs;
use super::enrolment;
use crate::api;
use crate::app::App;
use crate::client::{Arm, Body};
use crate::commands::group;
use crate::commands::steps::Steps;
use crate::config::host;
use crate::failure::{Failure, Kind, Result};

/// A certificate or a token that is new on one side must not lie in the future on the other.
const MAX_DIFFERENCE: i64 = 300;

/// Reaches the cluster and asks for the rights that connecting needs.
pub(super) async fn check_cluster(steps: &mut Steps, arguments: &ConnectArgs) -> Result<Connection> {
    steps.begin("cluster reachable");
    let cluster = enrolment::open(&arguments.kube).await?;
    let purpose = if arguments.install.wanted() { Purpose::Install } else { Purpose::Connect };
    let checks = run_checks(&cluster, enrolment::NAMESPACE, purpose).await;
    // The first checks are about the cluster itself; they have one word as name, rights have several.
    let (itself, rights): (Vec<&Check>, Vec<&Check>) =
        checks.iter().partition(|check| !check.name.contains(' '));
    if let Some(failure) = refused_checks("the cluster cannot be connected", &itself) {
        return Err(failure);
    }
    let version = itself.iter().find(|check| check.name == "kubernetesVersion").map(|check| detail(check));
    steps.done(&format!("{} runs Kubernetes {}", cluster.server(), version.unwrap_or_default()));
    steps.begin("cluster permissions");
    if let Some(failure) = refused_checks("your rights in the cluster do not suffice", &rights) {
        return Err(failure);
    }
    steps.done(&format!("all {} rights that connecting needs", rights.len()));
    Ok(cluster)
}

/// The clocks of the cluster and of the server agree: both check certificates and tokens by theirs.
pub(super) async fn check_clocks(arm: &Arm, steps: &mut Steps, cluster: &Connection) -> Result<()> {
    steps.begin("clocks");
    let read = |text: &str| jiff::fmt::rfc2822::parse(text).ok().map(|time| time.timestamp());
    // Each beside a reading of ours, so that the time between the two answers does not count.
    let before = host::now();
    let cluster_says = cluster.date().await.map_err(|error| enrolment::refused(&error))?;
    let between = host::now();
    let health = arm.client.on_server("/healthz")?;
    let reply = arm.client.send(Method::GET, health, None, &[], &Body::None).await?;
    let ahead = |theirs: Timestamp, ours: Timestamp| theirs.as_second() - ours.as_second();
    let of_cluster = cluster_says.as_deref().and_then(read).map(|theirs| ahead(theirs, before));
    let of_server = reply.header("date").and_then(read).map(|theirs| ahead(theirs, between));
    let (Some(of_cluster), Some(of_server)) = (of_cluster, of_server) else {
        steps.skipped("one of them does not tell the time");
        return Ok(());
    };
    let difference = of_cluster - of_server;
    if difference.abs() <= MAX_DIFFERENCE {
        steps.done(match difference.abs() {
            0..=59 => "cluster and server agree",
            _ => "cluster and server differ by some minutes, which is still good enough",
        });
        return Ok(());
    }
    let which = if difference > 0 { "ahead of" } else { "behind" };
    let mut failure = Failure::new(
        Kind::Service,
        format!("the cluster's clock is {} min {which} the server's", difference.abs() / 60),
    )
    .code("ClocksDiffer")
    .why("the agent's key would be refused, or its certificates would not be valid yet");
    for (name, ahead) in [("the cluster's control plane", of_cluster), ("the server", of_server)] {
        if ahead.abs() > MAX_DIFFERENCE {
            failure = failure.next(format!(
                "set the clock of {name}: it differs from this computer's by {} min",
                ahead.abs() / 60
            ));
        }
    }
    Err(failure)
}

fn detail(check: &Check) -> &str {
    match &check.outcome {
        Outcome::Passed { detail } => detail,
        Outcome::Failed { why, .. } | Outcome::Skipped { why } => why,
    }
}

fn refused_checks(what: &str, checks: &[&Check]) -> Option<Failure> {
    let failed: Vec<(&str, &str, &str)> = checks
        .iter()
        .filter_map(|check| match &check.outcome {
            Outcome::Failed { why, fix } => Some((check.name.as_str(), why.as_str(), fix.as_str())),
            _ => None,
        })
        .collect();
    let mut failure = match failed.as_slice() {
        [] => return None,
        // A single cause needs no heading.
        [(name, why, _)] if !name.contains(' ') => Failure::new(Kind::Service, *why),
        several => several.iter().fold(Failure::new(Kind::Service, what), |failure, (name, why, _)| {
            failure.why(format!("{name}: {why}"))
        }),
    };
    for (_, _, fix) in failed {
        if !failure.next.iter().any(|known| known == fix) {
            failure = failure.next(fix);
        }
    }
    Some(failure.code("ClusterCheckFailed"))
}

/// The group exists, or is made when that was asked for. Returns where the cluster is.
pub(super) async fn check_group(
    app: &App,
    arm: &Arm,
    steps: &mut Steps,
    id: &ResourceId,
    arguments: &ConnectArgs,
) -> Result<Value> {
    steps.begin("resource group");
    let group_id = id.resource_group_scope().expect("a cluster's id lies in a group");
    let group = match arm.find(group_id.as_str(), api::RESOURCES).await? {
        Some(group) => {
            steps.done(group_id.name());
            group
        }
        None if arguments.create_group && arguments.dry_run => {
            steps.skipped(&format!("{} would be created", group_id.name()));
            Value::Null
        }
        None if arguments.create_group => {
            let location = arguments.location.clone().or_else(|| app.settings.location.clone());
            let group = group::create(arm, &group_id, location, &[]).await?;
            steps.done(&format!("{} created", group_id.name()));
            group
        }
        None => {
            return Err(Failure::new(
                Kind::NotFound,
                format!("the resource group '{}' does not exist", group_id.name()),
            )
            .code("ResourceGroupNotFound")
            .next(format!("bowline group create --name {}", group_id.name()))
            .next("or add --create-group"));
        }
    };
    let of_group = group.get("location").cloned().unwrap_or(Value::Null);
    Ok(arguments.location.clone().map_or(of_group, Value::String))
}
