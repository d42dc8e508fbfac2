//! `bowline cluster connect`: from a kubeconfig to a connected cluster, step by step.
//!
//! Every step says its outcome; the first that fails ends the command, and running it again goes on from what is
//! there. Nothing is changed before server, cluster, rights and group have been looked at.

use std::path::PathBuf;
use std::time::Duration;

use bowline_arm::ResourceId;
use bowline_kubernetes::{Check, Connection, Outcome, Purpose, run_checks};
use serde_json::{Value, json};

use super::enrolment::{self, Found};
use super::{DETAILS, KubeArgs, Which, id_of};
use crate::api;
use crate::app::App;
use crate::client::Arm;
use crate::commands::group;
use crate::commands::steps::{Steps, check_server, wait_until_connected};
use crate::config::host;
use crate::failure::{Failure, Kind, Result};
use crate::identity::AgentKey;
use crate::render::Answer;

#[derive(Debug, clap::Args)]
pub(crate) struct ConnectArgs {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    kube: KubeArgs,
    /// Where the cluster is [default: the group's location]
    #[arg(short, long)]
    location: Option<String>,
    /// The Kubernetes distribution [default: as detected by the agent]
    #[arg(long)]
    distribution: Option<String>,
    /// The infrastructure below it, for example aws or vsphere [default: as detected by the agent]
    #[arg(long)]
    infrastructure: Option<String>,
    /// Tags, as key=value
    #[arg(long, num_args = 1.., value_name = "KEY=VALUE")]
    tags: Vec<String>,
    /// The proxy the agent uses to reach the server
    #[arg(long, value_name = "URL")]
    proxy: Option<String>,
    /// Hosts the agent reaches without the proxy
    #[arg(long, value_delimiter = ',', requires = "proxy", value_name = "HOSTS")]
    no_proxy: Vec<String>,
    /// Create the resource group when it does not exist
    #[arg(long)]
    create_group: bool,
    /// Take over the name from a cluster that was connected before under it
    #[arg(long)]
    replace: bool,
    /// Look only: say what would be done, change nothing
    #[arg(long)]
    dry_run: bool,
    /// How many seconds to wait for the agent's first report; 0 does not wait
    #[arg(long, default_value_t = 300, value_name = "SECONDS")]
    timeout: u64,
}

pub(super) async fn run(app: &App, arguments: ConnectArgs) -> Result<Answer> {
    let mut steps = app.output.steps();
    let outcome = connect(app, &mut steps, &arguments).await;
    outcome.map_err(|failure| {
        steps.stopped(failure, &format!("cluster '{}' is not connected", arguments.which.name))
    })
}

async fn connect(app: &App, steps: &mut Steps, arguments: &ConnectArgs) -> Result<Answer> {
    let arm = check_server(app, steps).await?;
    let id = id_of(app, &arm, &arguments.which).await?;
    let cluster = check_cluster(steps, arguments).await?;
    let location = check_group(app, &arm, steps, &id, arguments).await?;

    steps.begin("key pair");
    let existing = arm.find(id.as_str(), api::CLUSTERS).await?;
    let found = enrolment::look(&cluster).await?;
    refuse_other_identity(&found, &id)?;
    refuse_takeover(&found, &id, existing.as_ref(), arguments)?;
    let kept = kept_key(&found, &id, existing.as_ref());
    if arguments.dry_run {
        steps.skipped(if kept.is_some() {
            "the cluster's key would be kept"
        } else {
            "a new key would be made"
        });
        return Ok(dry_run(steps, &id, existing.is_some()));
    }
    let public_key = match kept {
        Some(public) => {
            steps.done("the cluster has its key already");
            public
        }
        None => {
            let key = AgentKey::generate()?;
            enrolment::write_key(&cluster, id.as_str(), &key).await?;
            steps.done("P-256, stored in the cluster only");
            key.public_base64
        }
    };

    steps.begin("enrolment");
    let is_ours = found.enrolled_as.as_deref().is_some_and(|other| other.eq_ignore_ascii_case(id.as_str()));
    let body = resource(existing.as_ref(), &location, &public_key, arguments)?;
    let resource = arm.put_replacing(id.as_str(), api::CLUSTERS, body, arguments.replace || is_ours).await;
    let resource = resource.map_err(|failure| name_is_taken(failure, arguments))?;
    steps.done(if existing.is_some() { "renewed; nothing configured was lost" } else { id.as_str() });

    steps.begin("agent settings");
    enrolment::write_settings(&cluster, &agent_json(app, &arm, &resource, &id, arguments)?).await?;
    steps.done("Secret and ConfigMap bowline-agent in bowline-system");

    if arguments.timeout == 0 {
        steps.begin("first report");
        steps.skipped("not waited for");
        return Ok(Answer::details(resource, DETAILS));
    }
    let hint = format!("start the agent, if it does not run yet: {}", start_command(&arguments.kube));
    let connected = wait_until_connected(
        &arm,
        steps,
        (id.as_str(), api::CLUSTERS, "/properties/connectivityStatus"),
        Duration::from_secs(arguments.timeout),
        &hint,
    );
    Ok(Answer::details(connected.await?, DETAILS))
}

/// Reaches the cluster and asks for the rights that connecting needs.
async fn check_cluster(steps: &mut Steps, arguments: &ConnectArgs) -> Result<Connection> {
    steps.begin("cluster reachable");
    let cluster = enrolment::open(&arguments.kube).await?;
    let checks = run_checks(&cluster, enrolment::NAMESPACE, Purpose::Connect).await;
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
async fn check_group(
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

/// One cluster, one identity: it is not silently taken from another resource.
fn refuse_other_identity(found: &Found, id: &ResourceId) -> Result<()> {
    match &found.enrolled_as {
        Some(other) if !other.eq_ignore_ascii_case(id.as_str()) => {
            Err(Failure::new(Kind::Conflict, "this cluster is connected already, under another name")
                .code("ClusterConnectedElsewhere")
                .why(format!("its identity is of {other}"))
                .next("disconnect it there first: bowline cluster disconnect --name NAME --group GROUP")
                .next(
                    "or remove its identity: kubectl delete configmap,secret bowline-agent -n bowline-system",
                ))
        }
        _ => Ok(()),
    }
}

/// A name that belongs to another cluster is taken over only when that is said, also while that one is offline.
fn refuse_takeover(
    found: &Found,
    id: &ResourceId,
    existing: Option<&Value>,
    arguments: &ConnectArgs,
) -> Result<()> {
    let of_existing = |name: &str| existing?.get("properties")?.get(name)?.as_str();
    let made_here =
        found.key.as_ref().is_some_and(|(made_for, _)| made_for.eq_ignore_ascii_case(id.as_str()));
    let has_agent = of_existing("agentPublicKeyCertificate").is_some_and(|key| !key.is_empty());
    if arguments.replace || made_here || found.enrolled_as.is_some() || !has_agent {
        return Ok(());
    }
    let status = of_existing("connectivityStatus").unwrap_or("unknown");
    let failure = Failure::new(Kind::Conflict, format!("another cluster was connected as '{}'", id.name()))
        .code("ClusterNameInUse")
        .why(format!("its status is {status}, and this cluster does not hold its identity"));
    Err(name_is_taken(failure, arguments))
}

/// The public half of the key in the cluster, when it can go on: made for this resource, and not lapsed.
fn kept_key(found: &Found, id: &ResourceId, existing: Option<&Value>) -> Option<String> {
    let (made_for, public) = found.key.as_ref()?;
    let status = existing.and_then(|r| r.pointer("/properties/connectivityStatus")).and_then(Value::as_str);
    let ours = made_for.eq_ignore_ascii_case(id.as_str());
    (ours && status != Some("Expired")).then(|| public.clone())
}

/// The resource to PUT: what is there goes on, what was said now wins.
fn resource(
    existing: Option<&Value>,
    location: &Value,
    public_key: &str,
    arguments: &ConnectArgs,
) -> Result<Value> {
    let member = |name: &str| existing.and_then(|r| r.get(name)).cloned();
    let mut properties = member("properties").unwrap_or_else(|| json!({}));
    properties["agentPublicKeyCertificate"] = public_key.into();
    for (name, said) in
        [("distribution", &arguments.distribution), ("infrastructure", &arguments.infrastructure)]
    {
        if let Some(said) = said {
            properties[name] = said.as_str().into();
        }
    }
    let tags = if arguments.tags.is_empty() {
        member("tags").unwrap_or_else(|| json!({}))
    } else {
        Value::Object(api::tags(&arguments.tags)?)
    };
    let location = match (&arguments.location, member("location")) {
        (None, Some(existing)) => existing,
        _ => location.clone(),
    };
    Ok(json!({
        "location": location, "tags": tags, "identity": {"type": "SystemAssigned"}, "properties": properties,
    }))
}

fn name_is_taken(failure: Failure, arguments: &ConnectArgs) -> Failure {
    if failure.kind != Kind::Conflict {
        return failure;
    }
    failure
        .next("choose another name for this cluster: --name NAME")
        .next(format!("look at the other one: bowline cluster show --name {}", arguments.which.name))
        .next("if it is gone for good, take its name over: --replace")
}

/// `agent.json` of `docs/reference/wire.md` section 7.
fn agent_json(
    app: &App,
    arm: &Arm,
    resource: &Value,
    id: &ResourceId,
    arguments: &ConnectArgs,
) -> Result<Value> {
    let credential = arm.session.credential()?;
    let principal = resource.pointer("/identity/principalId").and_then(Value::as_str).ok_or_else(|| {
        Failure::new(Kind::Service, "the server gave the cluster no identity")
            .why("its answer has no identity.principalId")
            .next("look at the server's log and version")
    })?;
    let ca: Option<PathBuf> = app.settings.ca_file.clone();
    let ca_pem = ca.map(|path| host::read_input(&path, "the server's certificate authority")).transpose()?;
    let mut agent = json!({
        "server": credential.public_url(), "tenantId": credential.tenant_id, "resourceId": id.as_str(),
        "principalId": principal,
    });
    if let Some(pem) = ca_pem {
        agent["caPem"] = pem.into();
    }
    if let Some(proxy) = &arguments.proxy {
        agent["proxy"] = json!({"url": proxy, "noProxy": arguments.no_proxy});
    }
    Ok(agent)
}

/// How the agent is started beside the command, for whoever has not yet.
fn start_command(kube: &KubeArgs) -> String {
    let mut command = "bowline-agent cluster run".to_owned();
    if let Some(file) = &kube.kubeconfig {
        command.push_str(&format!(" --kubeconfig {}", file.display()));
    }
    if let Some(context) = &kube.context {
        command.push_str(&format!(" --context {context}"));
    }
    command
}

fn dry_run(steps: &mut Steps, id: &ResourceId, exists: bool) -> Answer {
    for (step, what) in [
        ("enrolment", if exists { "would be renewed" } else { "would be made" }),
        ("agent settings", "would be written to bowline-system"),
        ("first report", "would be waited for"),
    ] {
        steps.begin(step);
        steps.skipped(what);
    }
    Answer {
        value: json!({"id": id.as_str(), "dryRun": true, "exists": exists}),
        view: crate::render::View::Plain,
    }
}
