//! Paths, header names and the small bodies of the agents' other requests.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The session.
pub const SESSION_PATH: &str = "/agents/v1/session";
/// Batches of what an agent saw.
pub const OBSERVED_PATH: &str = "/agents/v1/observed";
/// The next key.
pub const ROTATE_KEY_PATH: &str = "/agents/v1/rotateKey";
/// Where an agent opens a tunnel: a WebSocket that carries HTTP/2, with the server as its client.
pub const TUNNEL_PATH: &str = "/agents/v1/tunnel";
/// The agent's own resource.
pub const SELF_PATH: &str = "/agents/v1/self";

/// The protocol named in `Upgrade:`.
pub const UPGRADE_TOKEN: &str = "bowline-session";
/// The agent's version.
pub const AGENT_HEADER: &str = "x-bowline-agent";
/// The newest protocol that the agent speaks.
pub const PROTOCOL_HEADER: &str = "x-bowline-protocol";
/// Random per host boot and state directory: a second one with the same key is a clone.
pub const INSTANCE_HEADER: &str = "x-bowline-instance";
/// What the agent can do beside the session, separated by commas; what a server does not know means nothing to it.
pub const CAPABILITIES_HEADER: &str = "x-bowline-capabilities";
/// The agent opens tunnels when it is asked to.
pub const TUNNEL_CAPABILITY: &str = "tunnel";
/// On the request of a tunnel: the rendezvous that the line named.
pub const RENDEZVOUS_HEADER: &str = "x-bowline-rendezvous";
/// `true` on a PUT lets a re-imaged host, or a cluster that was built anew, take its name over.
pub const REPLACE_HEADER: &str = "x-bowline-replace";
/// On a cluster's PUT: which cluster it is, by the UID of its namespace `kube-system`.
pub const CLUSTER_HEADER: &str = "x-bowline-cluster";
/// The member of a cluster's `miscellaneousProperties` with the same.
pub const CLUSTER_UID: &str = "kubeSystemUid";

/// The code of a report's refusal when its session has ended.
pub const NO_SESSION: &str = "NoSession";

/// The longest a long poll may wait, in seconds.
pub const MAX_WAIT_SECONDS: u32 = 50;

/// The query of a session request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionQuery {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<Uuid>,
    #[serde(default)]
    pub generation: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<u32>,
}

/// The body of a key rotation: base64 of the DER.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RotateKeyRequest {
    pub public_key: String,
}

/// The answer to a key rotation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RotateKeyAnswer {
    pub expires_on: Timestamp,
    pub renew_from: Timestamp,
}

/// What the server says about the agent that asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SelfAnswer {
    pub id: String,
    pub uid: Uuid,
    pub principal_id: String,
    pub key_expires_on: Timestamp,
    pub epoch: Uuid,
}
