//! Enrolment with a token: the agent makes its key in the cluster and registers the public half, as any client of ARM would.
//!
//! A resource that is there (somebody's template made it) gets the key and keeps everything else; one that is not is made. The key is
//! written before it is registered: an attempt that broke is gone on with by the same key, which the server knows then.

use bowline_link::{item::Proxy, wire};
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::home::ClusterHome;
use crate::{
    home::{Enrolment, Home, HomeError, KeyPem},
    key::{AgentKey, KeyError},
    session::{
        client::{Client, RequestError},
        token::Bearer,
    },
};

/// The api-version of clusters that this agent writes.
const API_VERSION: &str = "2026-05-01";

/// Where to enrol: `agent.json` as the chart writes it beside a token.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Place {
    pub server: String,
    pub resource_id: String,
    /// Where the cluster is, should its resource have to be made.
    #[serde(default)]
    pub location: Option<String>,
    #[serde(default)]
    pub proxy: Proxy,
    /// The certificate to trust; from a file of its own.
    #[serde(skip)]
    pub ca_pem: Option<String>,
}

/// Why enrolling failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum EnrolError {
    #[error(transparent)]
    Home(#[from] HomeError),
    #[error("the agent's own key cannot be used")]
    Key(#[from] KeyError),
    #[error("enrolling failed")]
    Request(#[from] RequestError),
    #[error("enrolling failed: the resource {0} does not exist, and without a location it cannot be made")]
    NoLocation(String),
}

#[derive(Deserialize)]
struct Cluster {
    id: String,
    identity: Identity,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Identity {
    principal_id: String,
    tenant_id: String,
}

/// Enrols, and gives the enrolment; the key rests in the agent's place by then.
pub(super) async fn enrol(
    home: &ClusterHome,
    place: &Place,
    token: &Bearer,
) -> Result<Enrolment, EnrolError> {
    let key = own_key(home).await?;
    let public = AgentKey::from_pem(&key)?.public_key();
    let mut enrolment = Enrolment {
        server: place.server.clone(),
        ca_pem: place.ca_pem.clone(),
        tenant_id: String::new(),
        resource_id: place.resource_id.clone(),
        principal_id: String::new(),
        proxy: place.proxy.clone(),
        key_expires_on: None,
        key_renew_from: None,
        other: Map::new(),
    };
    let client = Client::new(&enrolment)?;
    let uid = home.cluster_uid().await;
    let cluster = register(&client, place, token, &public, uid.as_deref()).await?;
    enrolment.resource_id = cluster.id;
    enrolment.principal_id = cluster.identity.principal_id;
    enrolment.tenant_id = cluster.identity.tenant_id;
    Ok(enrolment)
}

/// The key that is there, else a new one.
async fn own_key(home: &ClusterHome) -> Result<KeyPem, EnrolError> {
    if let Some(key) = home.key().await? {
        return Ok(key);
    }
    let (_, key) = AgentKey::generate();
    home.write_key(&key).await?;
    Ok(key)
}

async fn register(
    client: &Client,
    place: &Place,
    token: &Bearer,
    public: &str,
    uid: Option<&str>,
) -> Result<Cluster, EnrolError> {
    let path = format!("{}?api-version={API_VERSION}", place.resource_id);
    let send = async |method: Method, body: Value| {
        let mut request = client.request(method, &path).bearer_auth(token.secret()).json(&body);
        if let Some(uid) = uid {
            request = request.header(wire::CLUSTER_HEADER, uid);
        }
        client.call_json::<Cluster>(request).await
    };
    let properties = json!({"agentPublicKeyCertificate": public});
    match send(Method::PATCH, json!({"properties": properties})).await {
        Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => {}
        other => return Ok(other?),
    }
    let location =
        place.location.as_ref().ok_or_else(|| EnrolError::NoLocation(place.resource_id.clone()))?;
    let body =
        json!({"location": location, "identity": {"type": "SystemAssigned"}, "properties": properties});
    Ok(send(Method::PUT, body).await?)
}
