//! `bowline cluster connect`: from a kubeconfig to a connected cluster, step by step.
//!
//! Every step says its outcome; the first that fails ends the command, and running it again goes on from what is
//! there. Nothing is changed before server, cluster, rights, clocks, group and image have been looked at ([`super::checks`]).

use std::path::PathBuf;
use std::time::Duration;

use bowline_arm::ResourceId;
use bowline_kubernetes::{Connection, cluster_uid};
use serde_json::{Value, json};

use super::checks::{check_clocks, check_cluster, check_group};
use super::enrolment::{self, Found};
use super::install::{self, InstallArgs, Plan};
use super::{DETAILS, KubeArgs, Which, id_of};
use crate::api;
use crate::app::App;
use crate::client::Arm;
use crate::commands::steps::{Steps, check_server, wait_until_connected};
use crate::config::host;
use crate::failure::{Failure, Kind, Result};
use crate::identity::AgentKey;
use crate::render::{Answer, View};

#[derive(Debug, clap::Args)]
pub(crate) struct ConnectArgs {
    #[command(flatten)]
    pub(super) which: Which,
    #[command(flatten)]
    pub(super) kube: KubeArgs,
    #[command(flatten)]
    pub(super) install: InstallArgs,
    /// Where the cluster is [default: the group's location]
    #[arg(short, long)]
    pub(super) location: Option<String>,
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
    pub(super) create_group: bool,
    /// Take over the name from a cluster that was connected before under it
    #[arg(long)]
    replace: bool,
    /// Look only: say what would be done, print the manifest that would be applied, change nothing
    #[arg(long)]
    pub(super) dry_run: bool,
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
    check_clocks(&arm, steps, &cluster).await?;
    let location = check_group(app, &arm, steps, &id, arguments).await?;
    let plan = match arguments.install.wanted() {
        true => Some(install::plan(&arm, steps, &cluster, &arguments.install).await?),
        false => None,
    };

    let claim = check_name(&arm, steps, &cluster, &id, arguments).await?;
    if arguments.dry_run {
        return dry_run(steps, &id, &claim, plan.as_ref());
    }
    let way = way(app, &arm, arguments)?;
    if let Some(plan) = &plan {
        plan.try_way(steps, &cluster, &way).await?;
    }
    let resource = enrol(&arm, steps, &cluster, &id, (&claim, &location), arguments).await?;
    steps.begin("agent settings");
    enrolment::write_settings(&cluster, &agent_json(way, &resource, &id)?).await?;
    steps.done("Secret and ConfigMap bowline-agent in bowline-system");

    if let Some(plan) = &plan {
        plan.carry_out(steps, &cluster, &arguments.kube).await?;
    }
    if arguments.timeout == 0 {
        steps.begin("first report");
        steps.skipped("not waited for");
        return Ok(Answer::details(resource, DETAILS));
    }
    let limit = Duration::from_secs(arguments.timeout);
    let connected = if plan.is_some() {
        install::wait_until_running(&arm, steps, &cluster, id.as_str(), limit).await
    } else {
        let hint = format!("start the agent, if it does not run yet: {}", start_command(&arguments.kube));
        let what = (id.as_str(), api::CLUSTERS, "/properties/connectivityStatus");
        wait_until_connected(&arm, steps, what, limit, &hint).await
    };
    Ok(Answer::details(connected?, DETAILS))
}

/// What the name means to this cluster.
struct Claim {
    /// The resource, when there is one.
    existing: Option<Value>,
    /// The cluster's own UID.
    uid: Option<String>,
    /// The resource is this cluster's: the cluster holds its identity, and is no copy.
    is_ours: bool,
    /// The public half of the key that can go on.
    kept: Option<String>,
}

/// The name is free, or this cluster's own, or may be taken.
async fn check_name(
    arm: &Arm,
    steps: &mut Steps,
    cluster: &Connection,
    id: &ResourceId,
    arguments: &ConnectArgs,
) -> Result<Claim> {
    steps.begin("name");
    let existing = arm.find(id.as_str(), api::CLUSTERS).await?;
    let found = enrolment::look(cluster).await?;
    refuse_other_identity(&found, id)?;
    let uid = cluster_uid(cluster).await.map_err(|error| enrolment::refused(&error))?;
    let another = is_another(existing.as_ref(), uid.as_deref());
    refuse_takeover(&found, id, existing.as_ref(), another, arguments)?;
    // A copy of a cluster holds the original's key.
    let kept = kept_key(&found, id, existing.as_ref()).filter(|_| !another);
    let enrolled = found.enrolled_as.as_deref().is_some_and(|other| other.eq_ignore_ascii_case(id.as_str()));
    steps.done(match (&existing, arguments.replace) {
        (None, _) => "free",
        (Some(_), true) => "taken over, if it was another's",
        (Some(_), false) => "this cluster's",
    });
    Ok(Claim { existing, uid, is_ours: enrolled && !another, kept })
}

/// Makes the key unless there is one, and the resource with it.
async fn enrol(
    arm: &Arm,
    steps: &mut Steps,
    cluster: &Connection,
    id: &ResourceId,
    (claim, location): (&Claim, &Value),
    arguments: &ConnectArgs,
) -> Result<Value> {
    steps.begin("key pair");
    let public_key = match &claim.kept {
        Some(public) => {
            steps.done("the cluster has its key already");
            public.clone()
        }
        None => {
            let key = AgentKey::generate()?;
            enrolment::make_namespace(cluster).await?;
            enrolment::write_key(cluster, id.as_str(), &key).await?;
            steps.done("P-256, stored in the cluster only");
            key.public_base64
        }
    };
    steps.begin("enrolment");
    let body = resource(claim.existing.as_ref(), location, &public_key, arguments)?;
    let mut headers = Vec::new();
    if arguments.replace || claim.is_ours {
        headers.push(("x-bowline-replace", "true".to_owned()));
    }
    headers.extend(claim.uid.clone().map(|uid| ("x-bowline-cluster", uid)));
    let resource = arm.put_with(id.as_str(), api::CLUSTERS, body, &headers).await;
    let resource = resource.map_err(|failure| name_is_taken(failure, arguments))?;
    steps.done(if claim.existing.is_some() { "renewed; nothing configured was lost" } else { id.as_str() });
    Ok(resource)
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

/// Whether the name is known to belong to another cluster than this one.
fn is_another(existing: Option<&Value>, uid: Option<&str>) -> bool {
    let known =
        existing.and_then(|existing| existing.pointer("/properties/miscellaneousProperties/kubeSystemUid"));
    known.and_then(Value::as_str).zip(uid).is_some_and(|(known, uid)| !known.eq_ignore_ascii_case(uid))
}

/// A name that belongs to another cluster is taken over only when that is said, also while that one is offline.
fn refuse_takeover(
    found: &Found,
    id: &ResourceId,
    existing: Option<&Value>,
    another: bool,
    arguments: &ConnectArgs,
) -> Result<()> {
    let of_existing = |name: &str| existing?.get("properties")?.get(name);
    let made_here =
        found.key.as_ref().is_some_and(|(made_for, _)| made_for.eq_ignore_ascii_case(id.as_str()));
    let key = of_existing("agentPublicKeyCertificate").and_then(Value::as_str);
    let is_same = made_here || found.enrolled_as.is_some() || key.is_none_or(str::is_empty);
    if arguments.replace || (is_same && !another) {
        return Ok(());
    }
    let text = |name: &str| match of_existing(name) {
        Some(Value::String(text)) => text.clone(),
        None | Some(Value::Null) => "unknown".to_owned(),
        Some(other) => other.to_string(),
    };
    let failure = Failure::new(Kind::Conflict, format!("another cluster was connected as '{}'", id.name()))
        .code("ClusterNameInUse")
        .why(format!(
            "it is a {} cluster, nodes: {}, status {}, last contact {}",
            text("distribution"),
            text("totalNodeCount"),
            text("connectivityStatus"),
            text("lastConnectivityTime")
        ))
        .why(match another {
            true => "this is another cluster, be it a copy of that one",
            false => "this cluster does not hold its identity",
        });
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

/// How the server is reached from the cluster: `agent.json` without who the agent is.
fn way(app: &App, arm: &Arm, arguments: &ConnectArgs) -> Result<Value> {
    let credential = arm.session.credential()?;
    let ca: Option<PathBuf> = app.settings.ca_file.clone();
    let ca_pem = ca.map(|path| host::read_input(&path, "the server's certificate authority")).transpose()?;
    let mut way = json!({"server": credential.public_url(), "tenantId": credential.tenant_id});
    if let Some(pem) = ca_pem {
        way["caPem"] = pem.into();
    }
    if let Some(proxy) = &arguments.proxy {
        way["proxy"] = json!({"url": proxy, "noProxy": arguments.no_proxy});
    }
    Ok(way)
}

/// `agent.json` of `docs/reference/wire.md` section 8.
fn agent_json(way: Value, resource: &Value, id: &ResourceId) -> Result<Value> {
    let principal = resource.pointer("/identity/principalId").and_then(Value::as_str).ok_or_else(|| {
        Failure::new(Kind::Service, "the server gave the cluster no identity")
            .why("its answer has no identity.principalId")
            .next("look at the server's log and version")
    })?;
    let mut agent = way;
    agent["resourceId"] = id.as_str().into();
    agent["principalId"] = principal.into();
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

fn dry_run(steps: &mut Steps, id: &ResourceId, claim: &Claim, plan: Option<&Plan>) -> Result<Answer> {
    let exists = claim.existing.is_some();
    let installed = plan.map(|plan| format!("would be installed {}", plan.means()));
    for (step, what) in [
        (
            "key pair",
            if claim.kept.is_some() { "the cluster's key would be kept" } else { "a new key would be made" },
        ),
        ("enrolment", if exists { "would be renewed" } else { "would be made" }),
        ("agent settings", "would be written to bowline-system"),
        ("agent", installed.as_deref().unwrap_or("would not be installed")),
        ("first report", "would be waited for"),
    ] {
        steps.begin(step);
        steps.skipped(what);
    }
    let view = if plan.is_some() { View::Text("/manifest") } else { View::Plain };
    Ok(Answer { value: install::shown(plan, id.as_str(), exists)?, view })
}
