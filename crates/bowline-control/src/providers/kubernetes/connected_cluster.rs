//! `Microsoft.Kubernetes/connectedClusters`: a Kubernetes cluster anywhere, with one agent in it (arc.md A.2).

use bowline_arm::{Error, NameRule, types};

use crate::provider::{
    Act, Acting, Admission, Placement, ResourceProvider, Spec, Statuses, not_served_yet, unknown_action,
};
use crate::providers::{admit_agent_key, brings_other_key, expires, refuse_enrollment_takeover};

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
        refuse_takeover(admission)?;
        if admit_agent_key(admission, KEY_PROPERTY)? {
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

    fn act(&self, action: &str, _acting: &Acting<'_>) -> Result<Act, Error> {
        if action != "listClusterUserCredential" {
            return Err(unknown_action(SPEC.resource_type, action));
        }
        Err(not_served_yet(
            "A connection to a cluster through its agent",
            "Use a kubeconfig of the cluster itself until tunnels are there.",
        ))
    }
}

/// A cluster never takes another's name: another key on a Connected resource is refused, with the owner and the way out.
fn refuse_takeover(admission: &Admission<'_>) -> Result<(), Error> {
    let Some(existing) = admission.existing else { return Ok(()) };
    let connected = existing["properties"]["connectivityStatus"] == "Connected";
    if !brings_other_key(admission, KEY_PROPERTY) {
        return Ok(());
    }
    refuse_enrollment_takeover(admission)?;
    if !connected || admission.context.replace {
        return Ok(());
    }
    let text = |name: &str| existing["properties"][name].as_str().unwrap_or("unknown").to_owned();
    Err(Error::conflict(
        "ClusterNameInUse",
        format!(
            "'{}' is a connected {} cluster (Kubernetes {}, {} nodes, last contact {}), and this request brings another key. \
             Choose another name, or, if this is the same cluster built anew, stop its old agent or send the header X-Bowline-Replace: true.",
            admission.id,
            text("distribution"),
            text("kubernetesVersion"),
            existing["properties"]["totalNodeCount"],
            text("lastConnectivityTime"),
        ),
    ))
}
