//! The data-plane endpoints that `az connectedk8s connect` asks between creating the resource and installing the chart: is the
//! service there, and with which chart and values. `/metadata/endpoints` names them (`dataplaneEndpoints.arcConfigEndpoint`).
//!
//! The answers hold addresses and the certificate authority, nothing that is secret, so that no token is asked. What the
//! request says of the cluster (its id and its identity's object id) is handed back as values of the chart, after a check of its
//! form; who holds the cluster's private key is what counts later.

use std::sync::Arc;

use axum::extract::{Request, State as Shared};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bowline_arm::{Error, ResourceId};
use http::StatusCode;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::State;
use super::arm::json_response;
use super::body::{parse_json, read_body};
use super::error::ApiError;
use crate::registry::{ARC_CHART, IMAGE, arc_version};

/// A cluster resource with tags and a 4,096-bit key takes about 4 KB.
const MAX_BODY: usize = 1 << 20;

/// `POST /azure-arc-k8sagents/healthCheck`.
pub async fn health_check() -> Response {
    json_response(StatusCode::OK, &json!({"status": "Healthy"}))
}

/// `POST /azure-arc-k8sagents/GetLatestHelmPackagePath`.
pub async fn latest_package(Shared(state): Shared<Arc<State>>) -> Response {
    json_response(StatusCode::OK, &json!({"repositoryPath": repository_path(&state)}))
}

/// `POST /azure-arc-k8sagents/GetHelmSettings`.
pub async fn helm_settings(
    Shared(state): Shared<Arc<State>>,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let bytes = read_body(&parts.headers, body, MAX_BODY).await?;
    let cluster = parse_json(&bytes)?;
    let values = values(&state, &cluster)?;
    Ok(json_response(
        StatusCode::OK,
        &json!({"repositoryPath": repository_path(&state), "helmValuesContent": values}),
    ))
}

/// `HOST/azure-arc-k8sagents:VERSION`. The client cuts at the first colon, so that there can be no port: who serves on another
/// port than 443 gives the client a `helm` that adds it, as `bowline env` does.
fn repository_path(state: &State) -> String {
    format!("{}/{ARC_CHART}:{}", host(state, false), arc_version())
}

fn host(state: &State, with_port: bool) -> String {
    let url = url::Url::parse(&state.control.settings().public_url)
        .expect("the settings were checked at the start");
    let host = url.host_str().unwrap_or_default();
    match url.port().filter(|_| with_port) {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// What the chart must know and the client does not: each becomes a `--set`.
fn values(state: &State, cluster: &Value) -> Result<Map<String, Value>, Error> {
    let mut values = Map::new();
    values.insert("server".to_owned(), state.control.settings().public_url.clone().into());
    values.insert("image.repository".to_owned(), format!("{}/{IMAGE}", host(state, true)).into());
    if let Some(pem) = &state.authority {
        values.insert("caCertificate".to_owned(), STANDARD.encode(pem).into());
    }
    if let Some(id) = cluster["id"].as_str() {
        let id: ResourceId = id.parse().map_err(|error| {
            Error::bad_request("InvalidResourceId", format!("The cluster's id is not understood: {error}."))
        })?;
        values.insert("resourceId".to_owned(), id.to_string().into());
    }
    let principal = cluster["identity"]["principalId"].as_str().unwrap_or_default();
    let principal: Uuid = principal.parse().map_err(|_| {
        Error::bad_request(
            "InvalidRequestContent",
            "The cluster in the request has no identity.principalId. Send the resource as its PUT answered it.",
        )
        .with_target("identity.principalId")
    })?;
    values.insert("principalId".to_owned(), principal.to_string().into());
    Ok(values)
}
