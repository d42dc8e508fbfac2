//! `Microsoft.Bowline/enrollmentTokens`: a bearer token that may create onboarding types in its group, until it expires or is used up.

use bowline_arm::{Error, NameRule, types};
use bowline_store::{Entry, EntryWrite};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::provider::{Act, Acting, Admission, Placement, ResourceProvider, Spec, Statuses, unknown_action};
use crate::providers::ENROLLMENT_ENTRY;

/// See the module.
pub struct EnrollmentTokens;

const SPEC: Spec = Spec {
    resource_type: "Microsoft.Bowline/enrollmentTokens",
    shape: &types::ENROLLMENT_TOKENS,
    action: "Microsoft.Bowline/enrollmentTokens",
    placement: Placement::ResourceGroup,
    name: NameRule {
        min: 1,
        max: 63,
        extra: "-_.",
        alphanumeric_ends: true,
        words: "1 to 63 letters, digits, '-', '_' and '.'",
    },
    writable: true,
    tracked: false,
    agent_key: None,
    statuses: Statuses::USUAL,
    watermark: None,
};

/// The types that an agent may create for itself.
const ONBOARDING: [&str; 2] = ["Microsoft.HybridCompute/machines", "Microsoft.Kubernetes/connectedClusters"];
/// The longest life of a token.
const MAX_DAYS: i64 = 365;

/// What the server needs to honour a token, found by the token's digest.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Grant {
    /// The token's resource.
    pub id: String,
    /// The key of the group in which it may create.
    pub scope: String,
    /// Lower case.
    pub resource_types: Vec<String>,
    /// How many it may create.
    pub max_uses: u64,
}

impl ResourceProvider for EnrollmentTokens {
    fn spec(&self) -> &Spec {
        &SPEC
    }

    fn admit(&self, admission: &mut Admission<'_>) -> Result<(), Error> {
        let refuse = |property: &str, what: &str| {
            Error::bad_request(
                "InvalidRequestContent",
                format!("The property 'properties.{property}' {what}."),
            )
            .with_target(format!("properties.{property}"))
        };
        let now = admission.context.now;
        for term in ["expiresOn", "maxUses", "resourceTypes"] {
            admission.keep(term);
        }
        admission.default("expiresOn", (now + SignedDuration::from_hours(24)).to_string());
        admission.default("maxUses", 1);
        admission.default("resourceTypes", json!(ONBOARDING));
        let expires: Timestamp = admission
            .property("expiresOn")
            .and_then(|t| t.parse().ok())
            .ok_or_else(|| refuse("expiresOn", "must be a time such as 2026-12-31T00:00:00Z"))?;
        if expires <= now || expires > now + SignedDuration::from_hours(MAX_DAYS * 24) {
            return Err(refuse("expiresOn", "must lie in the future, at most 365 days ahead"));
        }
        let max_uses = admission.document["properties"]["maxUses"]
            .as_u64()
            .filter(|n| (1..=1_000_000).contains(n))
            .ok_or_else(|| refuse("maxUses", "must be a number from 1 to 1,000,000"))?;
        let asked: Vec<String> =
            serde_json::from_value(admission.document["properties"]["resourceTypes"].clone())
                .map_err(|_| refuse("resourceTypes", "must be a list of types"))?;
        let known = |t: &String| ONBOARDING.iter().any(|o| o.eq_ignore_ascii_case(t));
        if asked.is_empty() || !asked.iter().all(known) {
            return Err(refuse("resourceTypes", &format!("may hold {}", ONBOARDING.join(" and "))));
        }
        // Terms that could be changed afterwards would make a token something else than what was handed out.
        if let Some(existing) = admission.existing {
            let changed = ["expiresOn", "maxUses", "resourceTypes"]
                .iter()
                .any(|p| existing["properties"][p] != admission.document["properties"][p]);
            return if changed {
                Err(Error::conflict(
                    "EnrollmentTokenImmutable",
                    "The terms of an enrolment token cannot be changed. Delete it and create another.",
                ))
            } else {
                Ok(())
            };
        }
        let secret = bowline_auth::Secret::generate("bwe_");
        let digest = secret.digest();
        admission.secrets.insert("/token".to_owned(), secret.expose().into());
        admission.document["_tokenDigest"] = digest.clone().into();
        let scope = admission.id.parent().map(|p| p.key().to_owned()).unwrap_or_default();
        let grant = Grant {
            id: admission.id.as_str().to_owned(),
            scope,
            resource_types: asked.iter().map(|t| t.to_ascii_lowercase()).collect(),
            max_uses,
        };
        let data = serde_json::to_vec(&grant).map_err(Error::internal)?;
        admission.entries.push(EntryWrite::Put {
            entry: Entry {
                kind: ENROLLMENT_ENTRY.to_owned(),
                key: digest,
                data,
                uses: 0,
                version: 0,
                expires_at: Some(expires),
            },
        });
        Ok(())
    }

    fn principal(&self, _document: &Value) -> Option<Uuid> {
        None
    }

    fn counter(&self, document: &Value) -> Option<(&'static str, String)> {
        Some((ENROLLMENT_ENTRY, document["_tokenDigest"].as_str()?.to_owned()))
    }

    fn actions(&self) -> &'static [&'static str] {
        &["listToken"]
    }

    fn act(&self, action: &str, acting: &Acting<'_>) -> Result<Act, Error> {
        if action != "listToken" {
            return Err(unknown_action(SPEC.resource_type, action));
        }
        let token = acting
            .secrets
            .get("/token")
            .cloned()
            .ok_or_else(|| Error::internal("an enrolment token has lost its secret"))?;
        Ok(Act::Answer(json!({"token": token})))
    }
}
