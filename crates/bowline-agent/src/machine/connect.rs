//! `machine connect`: enrols this host, step by step.
//!
//! Three hosts come with the same name, and get three answers. The *same host again* (its state folder is there) sends the same
//! key and `vmId`: nothing changes but what lapsed. A *re-imaged host* has a new key: the server refuses it with
//! `MachineNameInUse`, and `--replace` takes the name over. A *cloned disk* has the key of the original: the server notices the
//! second instance when it opens its session (see [`run`](super::run)).

use std::{collections::BTreeMap, io::Write, sync::Arc};

use bowline_link::item::Proxy;
use serde_json::{Map, Value};

use super::{
    enrol::{self, Enrolled, Place, Request},
    home::StateFolder,
    observe::{self, HostFiles},
    steps::{StepFailed, Steps},
};
use crate::{
    clock,
    home::{Enrolment, Home, KeyPem, chain},
    key::AgentKey,
    session::{
        client::{Client, RequestError},
        sign_in::{self, Authority, Credential, SignInError},
        token::{TokenError, Tokens},
    },
};

/// The member of `agent.json` that holds the agent's own id of this machine.
pub(super) const VM_ID: &str = "vmId";
const STORED: &str = "identity stored";
const WRITABLE: &str = "is the state folder writable? run as root, or name another one with --state-dir";

/// What `connect` was asked to do.
#[derive(Debug)]
pub struct ConnectOptions {
    pub server: String,
    pub ca_pem: Option<String>,
    pub proxy: Proxy,
    pub subscription: String,
    pub resource_group: String,
    /// The host's name when absent.
    pub name: Option<String>,
    pub location: String,
    pub tags: BTreeMap<String, String>,
    pub credential: Credential,
    pub replace: bool,
}

/// Why connecting failed.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("a step failed")]
    Step(#[from] StepFailed),
    #[error("the outcome could not be printed")]
    Print(#[from] std::io::Error),
}

/// Connects this host.
pub async fn connect(
    state: &StateFolder,
    files: &HostFiles,
    host_name: &str,
    options: ConnectOptions,
    out: &mut dyn Write,
) -> Result<Enrolment, ConnectError> {
    let mut steps = Steps::new(out);
    let place = Place {
        name: options
            .name
            .clone()
            .unwrap_or_else(|| host_name.split('.').next().unwrap_or_default().to_owned()),
        subscription: options.subscription.clone(),
        resource_group: options.resource_group.clone(),
    };
    let before = existing(state, &place, &mut steps).await?;
    let draft = Enrolment {
        server: options.server.trim_end_matches('/').to_owned(),
        ca_pem: options.ca_pem.clone(),
        tenant_id: String::new(),
        resource_id: place.resource_id(),
        principal_id: String::new(),
        proxy: options.proxy.clone(),
        key_expires_on: None,
        key_renew_from: None,
        other: before.other.clone(),
    };
    let (client, authority) = reach(&draft, &mut steps).await?;
    let bearer = {
        let mut said = Ok(());
        let mut show = |text: &str| said = steps.say(text);
        let signed_in = sign_in::sign_in(&client, &authority, &options.credential, &mut show).await;
        said?;
        signed_in.map_err(|error| steps.failed("signed in", error.to_string(), sign_in_hint(&error)))?
    };
    steps.done("signed in", credential_name(&options.credential))?;
    // The key first: were it lost after the server has registered it, this host would look like a re-imaged one.
    state.write_key(&before.pem).map_err(|error| steps.failed(STORED, chain(&error), WRITABLE))?;
    let request = Request {
        place,
        location: options.location,
        tags: options.tags,
        vm_id: before.vm_id.clone(),
        public_key: before.key.public_key(),
        identifying: observe::identifying(files),
        replace: options.replace,
    };
    let enrolled = enrol::enrol(&client, &bearer, &request).await;
    let enrolled =
        enrolled.map_err(|error| steps.failed("enrolled", error.to_string(), enrol_hint(&error)))?;
    let again = if before.again { " (the same host again: nothing configured is lost)" } else { "" };
    steps.done("enrolled", &format!("{}{again}", enrolled.resource_id))?;
    let enrolment = finish(draft, enrolled, authority, before.vm_id);
    let stored = state.write_enrolment(&enrolment).await;
    stored.map_err(|error| steps.failed(STORED, chain(&error), WRITABLE))?;
    steps.done(STORED, &state.path().display().to_string())?;
    prove(&client, &enrolment, state, &mut steps).await?;
    steps.say("next: bowline-agent machine run, or: systemctl enable --now bowline-agent")?;
    Ok(enrolment)
}

/// What is already in the state folder, or its beginnings.
struct Before {
    key: AgentKey,
    pem: KeyPem,
    vm_id: String,
    other: Map<String, Value>,
    /// This host was connected before.
    again: bool,
}

async fn existing(state: &StateFolder, place: &Place, steps: &mut Steps<'_>) -> Result<Before, StepFailed> {
    let step = "state folder";
    let readable = "is the state folder readable? run as root, or name another one with --state-dir";
    let enrolment = state.enrolment().await.map_err(|error| steps.failed(step, chain(&error), readable))?;
    let stored = state.key().await.map_err(|error| steps.failed(step, chain(&error), readable))?;
    if let Some(enrolment) =
        enrolment.as_ref().filter(|old| !old.resource_id.eq_ignore_ascii_case(&place.resource_id()))
    {
        let why = format!("this host is connected already, as {}", enrolment.resource_id);
        return Err(steps.failed(step, why, "bowline-agent machine disconnect, then connect again"));
    }
    let again = enrolment.is_some();
    let other = enrolment.map(|enrolment| enrolment.other).unwrap_or_default();
    let vm_id =
        other.get(VM_ID).and_then(Value::as_str).map_or_else(|| clock::new_guid().to_string(), str::to_owned);
    let (key, pem) = match stored {
        Some(pem) => {
            let hint = "disconnect --force-local-only makes room for a new key";
            (AgentKey::from_pem(&pem).map_err(|error| steps.failed(step, error.to_string(), hint))?, pem)
        }
        None => AgentKey::generate(),
    };
    Ok(Before { key, pem, vm_id, other, again })
}

/// The server can be reached, its certificate is trusted, and it says who it is.
pub(super) async fn reach(
    draft: &Enrolment,
    steps: &mut Steps<'_>,
) -> Result<(Arc<Client>, Authority), ConnectError> {
    let step = "server reachable";
    let client = Client::new(draft).map_err(|error| steps.failed(step, chain(&error), reach_hint(&error)))?;
    let client = Arc::new(client);
    let authority = sign_in::discover(&client).await.map_err(|error| {
        let hint = if let SignInError::Request(error) = &error {
            reach_hint(error)
        } else {
            "is this a Bowline server?"
        };
        steps.failed(step, error.to_string(), hint)
    })?;
    steps.done(step, &draft.server)?;
    let trust = match (client.server().scheme(), &draft.ca_pem) {
        ("http", _) => "not encrypted: for tests only",
        (_, Some(_)) => "by the given CA file",
        (_, None) => "by the system's roots",
    };
    steps.done("certificate trusted", trust)?;
    Ok((client, authority))
}

fn finish(draft: Enrolment, enrolled: Enrolled, authority: Authority, vm_id: String) -> Enrolment {
    let mut other = draft.other;
    other.insert(VM_ID.to_owned(), vm_id.into());
    Enrolment {
        tenant_id: enrolled.tenant_id.unwrap_or(authority.tenant_id),
        resource_id: enrolled.resource_id,
        principal_id: enrolled.principal_id,
        other,
        ..draft
    }
}

/// The agent's own key works.
async fn prove(
    client: &Arc<Client>,
    enrolment: &Enrolment,
    state: &StateFolder,
    steps: &mut Steps<'_>,
) -> Result<(), ConnectError> {
    let tokens = Tokens::new(client.clone(), enrolment, Arc::new(state.clone()));
    let proven = tokens.bearer().await;
    proven.map_err(|error| steps.failed("key accepted", error.to_string(), token_hint(&error)))?;
    Ok(steps.done("key accepted", "this host now has its own identity")?)
}

fn credential_name(credential: &Credential) -> &'static str {
    match credential {
        Credential::DeviceCode => "by device code",
        Credential::Secret { .. } => "as a service principal",
        Credential::Token(token) if token.starts_with("bwe_") => "with an enrolment token",
        Credential::Token(_) => "with an access token",
    }
}

pub(super) fn reach_hint(error: &RequestError) -> &'static str {
    match error {
        RequestError::Address { .. } => "--server https://host:8443",
        RequestError::Certificate { .. } => "--ca-file with the server's ca.crt",
        RequestError::Proxy { .. } => "--proxy http://host:port",
        RequestError::Unreachable { reason, .. } if reason.contains("UnknownIssuer") => {
            "the server's certificate is signed by an unknown authority: --ca-file with the server's ca.crt"
        }
        RequestError::Unreachable { reason, .. } if reason.contains("certificate") => {
            "the certificate does not fit: is the host name in --server the one the server was started with?"
        }
        RequestError::Unreachable { reason, .. } if reason.contains("refused") => {
            "is the server running, and is the port right?"
        }
        RequestError::Unreachable { .. } | RequestError::NoAnswer { .. } => {
            "is the name right, and does a firewall or proxy stand between (--proxy)?"
        }
        _ => "is this a Bowline server?",
    }
}

fn sign_in_hint(error: &SignInError) -> &'static str {
    match error {
        SignInError::Request(error) if error.code() == Some("invalid_client") => {
            "is the client id or its secret wrong, or has it lapsed?"
        }
        SignInError::Request(error) => reach_hint(error),
        SignInError::Issuer { .. } => "is this a Bowline server?",
        SignInError::Denied | SignInError::CodeExpired { .. } => "run connect again",
    }
}

fn enrol_hint(error: &RequestError) -> &'static str {
    match (error.status().map(|status| status.as_u16()), error.code()) {
        (_, Some("MachineNameInUse")) => {
            "if this is that host, installed anew, add --replace; if it is another host, choose another --name"
        }
        (Some(401), _) => "the token is not valid any more: make a new one",
        (Some(403), _) => {
            "ask for the role Azure Connected Machine Onboarding on the resource group, or for an enrolment token"
        }
        (Some(404), _) => "create the resource group first: bowline group create",
        _ => "the message above says what the server objects to",
    }
}

fn token_hint(error: &TokenError) -> &'static str {
    match error {
        TokenError::KeyRefused { .. } => {
            "compare the clocks of this host and the server, then run connect again"
        }
        _ => "run connect again",
    }
}
