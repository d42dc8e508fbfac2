//! Enrolment: PUTs the machine's resource with the public key of its agent, as any other client of ARM would.

use std::{collections::BTreeMap, time::Duration};

use bowline_link::wire;
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::observe::Identifying;
use crate::{
    clock,
    session::{
        client::{Client, RequestError},
        token::Bearer,
    },
};

/// The api-version of machines that this agent writes.
pub const API_VERSION: &str = "2026-07-15";
/// How long the server may take to create a resource.
const CREATION_TIMEOUT: Duration = Duration::from_secs(120);

/// Where a machine's resource lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub subscription: String,
    pub resource_group: String,
    pub name: String,
}

impl Place {
    /// The resource's id.
    pub fn resource_id(&self) -> String {
        let Self { subscription, resource_group, name } = self;
        format!(
            "/subscriptions/{subscription}/resourceGroups/{resource_group}/providers/Microsoft.HybridCompute/machines/{name}"
        )
    }
}

/// What a machine says when it enrols.
#[derive(Debug, Clone)]
pub struct Request {
    pub place: Place,
    pub location: String,
    pub tags: BTreeMap<String, String>,
    /// The agent's own id of this machine; stays the same when the same host connects again.
    pub vm_id: String,
    pub public_key: String,
    pub identifying: Identifying,
    /// Take the name over from a host that was re-imaged.
    pub replace: bool,
}

/// What the server made of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolled {
    pub resource_id: String,
    pub principal_id: String,
    pub tenant_id: Option<String>,
}

#[derive(Deserialize)]
struct Machine {
    id: String,
    #[serde(default)]
    identity: Identity,
    #[serde(default)]
    properties: State,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Identity {
    principal_id: Option<String>,
    tenant_id: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct State {
    provisioning_state: Option<String>,
}

/// The body of the PUT. Of a resource that is there everything stays that this host does not say itself.
pub fn body(request: &Request, there: Option<Value>) -> Value {
    let mut properties = json!({
        "vmId": request.vm_id,
        "clientPublicKey": request.public_key,
        "osType": "linux",
        "detectedProperties": request.identifying.detected,
    });
    if let Some(uuid) = &request.identifying.vm_uuid {
        properties["vmUuid"] = uuid.as_str().into();
    }
    let mut body = there.filter(Value::is_object).unwrap_or_else(|| json!({}));
    body["location"] = request.location.as_str().into();
    body["identity"] = json!({"type": "SystemAssigned"});
    if !request.tags.is_empty() || body["tags"].is_null() {
        body["tags"] = json!(request.tags);
    }
    match (body["properties"].as_object_mut(), properties) {
        (Some(known), Value::Object(own)) => known.extend(own),
        (_, properties) => body["properties"] = properties,
    }
    body
}

/// The resource, if it is there and may be seen.
async fn find(client: &Client, bearer: &Bearer, path: &str) -> Result<Option<Value>, RequestError> {
    match client.call(client.request(Method::GET, path).bearer_auth(bearer.secret())).await {
        Ok((_, answer)) => serde_json::from_slice(&answer)
            .map(Some)
            .map_err(|error| RequestError::Answer { reason: error.to_string() }),
        Err(error) if matches!(error.status(), Some(StatusCode::NOT_FOUND | StatusCode::FORBIDDEN)) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Enrols, and waits until the resource exists.
pub async fn enrol(client: &Client, bearer: &Bearer, request: &Request) -> Result<Enrolled, RequestError> {
    let path = format!("{}?api-version={API_VERSION}", request.place.resource_id());
    let body = body(request, find(client, bearer, &path).await?);
    let mut put = client.request(Method::PUT, &path).bearer_auth(bearer.secret()).json(&body);
    if request.replace {
        put = put.header(wire::REPLACE_HEADER, "true");
    }
    let (_, mut answer) = client.call(put).await?;
    let ends = clock::moment() + CREATION_TIMEOUT;
    loop {
        let machine: Machine = serde_json::from_slice(&answer)
            .map_err(|error| RequestError::Answer { reason: error.to_string() })?;
        match machine.properties.provisioning_state.as_deref() {
            None | Some("Succeeded") => return enrolled(machine),
            Some(failed @ ("Failed" | "Canceled")) => {
                return Err(RequestError::Answer {
                    reason: format!("the resource's provisioning state is {failed}"),
                });
            }
            Some(state) if clock::moment() >= ends => {
                let seconds = CREATION_TIMEOUT.as_secs();
                return Err(RequestError::Answer {
                    reason: format!("the resource is still {state} after {seconds} s"),
                });
            }
            Some(_) => tokio::time::sleep(Duration::from_secs(1)).await,
        }
        answer = client.call(client.request(Method::GET, &path).bearer_auth(bearer.secret())).await?.1;
    }
}

fn enrolled(machine: Machine) -> Result<Enrolled, RequestError> {
    let no_identity =
        || RequestError::Answer { reason: "the resource has no identity.principalId".to_owned() };
    let principal_id = machine.identity.principal_id.ok_or_else(no_identity)?;
    Ok(Enrolled { resource_id: machine.id, principal_id, tenant_id: machine.identity.tenant_id })
}

/// Deletes a machine's resource; one that is gone already is fine.
pub async fn delete(client: &Client, bearer: &Bearer, resource_id: &str) -> Result<(), RequestError> {
    let path = format!("{resource_id}?api-version={API_VERSION}");
    match client.call(client.request(Method::DELETE, &path).bearer_auth(bearer.secret())).await {
        Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => Ok(()),
        answer => answer.map(drop),
    }
}
