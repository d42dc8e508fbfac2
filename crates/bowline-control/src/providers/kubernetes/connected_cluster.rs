//! `Microsoft.Kubernetes/connectedClusters`: a Kubernetes cluster anywhere, with one agent in it (arc.md A.2).

use bowline_arm::{Error, NameRule, ResourceId, types};
use bowline_link::wire::CLUSTER_UID;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::provider::{
    Act, Acting, Admission, Placement, ResourceProvider, Spec, Statuses, properties_of, unknown_action,
};
use crate::providers::{
    admit_agent_key, admit_identity, brings_other_key, expires, refuse_enrollment_takeover,
};

/// See the module.
pub struct ConnectedClusters;

/// The property that holds the agent's public key.
const KEY_PROPERTY: &str = "agentPublicKeyCertificate";

const SPEC: Spec = Spec {
    resource_type: "Microsoft.Kubernetes/connectedClusters",
    shape: &types::CONNECTED_CLUSTERS,
    action: "Microsoft.Kubernetes/connectedClusters",
    placement: Placement::ResourceGroup,
    name: NameRule {
        min: 1,
        max: 63,
        extra: "-_.",
        alphanumeric_ends: true,
        words: "1 to 63 letters, digits, '-', '_' and '.', and begins and ends with a letter or a digit",
    },
    writable: true,
    tracked: true,
    agent_key: Some(KEY_PROPERTY),
    statuses: Statuses::USUAL,
    watermark: None,
};

impl ResourceProvider for ConnectedClusters {
    fn spec(&self) -> &Spec {
        &SPEC
    }

    fn admit(&self, admission: &mut Admission<'_>) -> Result<(), Error> {
        keep_key(admission);
        let other_key = brings_other_key(admission, KEY_PROPERTY);
        refuse_takeover(admission, other_key)?;
        remember_cluster(admission, other_key);
        if admission.property(KEY_PROPERTY).is_none_or(str::is_empty) {
            // Somebody's template says what is wanted, and the agent in the cluster will bring its key with an enrolment token.
            admit_identity(admission);
            admission.set(KEY_PROPERTY, "");
            admission.set("connectivityStatus", "AgentNotInstalled");
        } else if admit_agent_key(admission, KEY_PROPERTY)? {
            // Until the holder of this key has connected, nothing is known of the cluster.
            admission.set("connectivityStatus", "Connecting");
        }
        admission.set("provisioningState", "Succeeded");
        for detected in ["distribution", "distributionVersion", "infrastructure"] {
            admission.keep(detected);
        }
        admission.default("distribution", "generic");
        admission.default("infrastructure", "generic");
        if let Some(expires) = expires(admission.document) {
            admission.set("managedIdentityCertificateExpirationTime", expires.to_string());
        }
        Ok(())
    }

    fn actions(&self) -> &'static [&'static str] {
        &["listClusterUserCredential"]
    }

    fn act(&self, action: &str, acting: &Acting<'_>) -> Result<Act, Error> {
        if action != "listClusterUserCredential" {
            return Err(unknown_action(SPEC.resource_type, action));
        }
        let kubeconfig = STANDARD.encode(kubeconfig(acting).to_string());
        Ok(Act::Answer(json!({"kubeconfigs": [{"name": "credentialName1", "value": kubeconfig}]})))
    }
}

/// An id as the path of a URL.
fn encoded(id: &ResourceId) -> String {
    const KEPT: &AsciiSet =
        &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');
    utf8_percent_encode(id.as_str(), KEPT).to_string()
}

/// A kubeconfig that leads through this server; JSON is YAML. It holds no secret: the command line brings the caller's token.
fn kubeconfig(acting: &Acting<'_>) -> Value {
    let (name, settings) = (acting.id.name(), acting.settings);
    let mut cluster = json!({"server": format!("{}{}/proxy", settings.public_url, encoded(acting.id))});
    if let Some(authority) = &settings.authority {
        cluster["certificate-authority-data"] = STANDARD.encode(authority).into();
    }
    let exec = json!({
        "apiVersion": "client.authentication.k8s.io/v1", "command": "bowline", "interactiveMode": "Never",
        "args": ["token", "--exec-credential", "--server", settings.public_url],
        "installHint": "Install the bowline command and sign in with 'bowline login'.",
    });
    json!({
        "apiVersion": "v1", "kind": "Config", "preferences": {}, "current-context": name,
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": format!("bowline-{name}"), "user": {"exec": exec}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": format!("bowline-{name}")}}],
    })
}

/// A request without a key means the one that is registered: a template that was written before the agent came stays true.
fn keep_key(admission: &mut Admission<'_>) {
    let registered = admission.existing.and_then(|existing| existing["properties"][KEY_PROPERTY].as_str());
    if let Some(registered) =
        registered.filter(|_| admission.property(KEY_PROPERTY).is_none_or(str::is_empty))
    {
        admission.set(KEY_PROPERTY, registered);
    }
}

/// Which cluster a document is of, by the UID of its namespace `kube-system`.
fn uid_of(document: &Value) -> Option<&str> {
    document["properties"]["miscellaneousProperties"][CLUSTER_UID].as_str()
}

/// Keeps in mind which cluster has the name: as the request says, else as it was known while the key stays the same.
fn remember_cluster(admission: &mut Admission<'_>, other_key: bool) {
    let known = admission.existing.filter(|_| !other_key).and_then(uid_of).map(str::to_owned);
    let uid = admission.context.cluster.clone().or(known);
    let properties = properties_of(admission.document);
    match (uid, properties.get_mut("miscellaneousProperties")) {
        (Some(uid), Some(others)) => others[CLUSTER_UID] = uid.into(),
        (Some(uid), None) => {
            properties.insert("miscellaneousProperties".to_owned(), json!({CLUSTER_UID: uid}));
        }
        (None, Some(Value::Object(others))) => drop(others.remove(CLUSTER_UID)),
        (None, _) => {}
    }
}

/// A cluster never takes another's name: another key on a Connected resource is refused, and so is a request of another cluster whatever
/// its state, with the owner and the way out.
fn refuse_takeover(admission: &Admission<'_>, other_key: bool) -> Result<(), Error> {
    let Some(existing) = admission.existing else { return Ok(()) };
    let said = uid_of(existing).zip(admission.context.cluster.as_deref());
    let other_cluster = said.is_some_and(|(known, said)| !known.eq_ignore_ascii_case(said));
    if !other_key && !other_cluster {
        return Ok(());
    }
    refuse_enrollment_takeover(admission)?;
    let connected = existing["properties"]["connectivityStatus"] == "Connected";
    if admission.context.replace || !(connected || other_cluster) {
        return Ok(());
    }
    let text = |name: &str| match &existing["properties"][name] {
        Value::String(text) => text.clone(),
        Value::Null => "unknown".to_owned(),
        other => other.to_string(),
    };
    let differs = if other_cluster { "comes from another cluster" } else { "brings another key" };
    Err(Error::conflict(
        "ClusterNameInUse",
        format!(
            "'{}' is a {} cluster that is {} (Kubernetes {}, nodes: {}, last contact {}), and this request {differs}. \
             Choose another name, or, if this is the same cluster built anew, stop its old agent or send the header X-Bowline-Replace: true.",
            admission.id,
            text("distribution"),
            text("connectivityStatus"),
            text("kubernetesVersion"),
            text("totalNodeCount"),
            text("lastConnectivityTime"),
        ),
    ))
}
