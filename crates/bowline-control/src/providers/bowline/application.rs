//! `Microsoft.Bowline/applications`: what a program is registered as: its credentials, and where a sign-in may return to.
//!
//! An application cannot act. Its service principal (the same appId) can, is what roles are given to, and is what is disabled; it accepts the
//! application's credentials beside its own (`docs/decisions/0006-applications-beside-service-principals.md`).

use bowline_arm::{Error, types};
use serde_json::Value;
use uuid::Uuid;

use super::credentials;
use super::service_principal::{APP_ID, app_id};
use crate::provider::{Act, Acting, Admission, Placement, ResourceProvider, Spec, Statuses};

/// See the module.
pub struct Applications;

const MAX_URIS: usize = 256;
const MAX_URI: usize = 256;

const SPEC: Spec = Spec {
    resource_type: "Microsoft.Bowline/applications",
    shape: &types::APPLICATIONS,
    action: "Microsoft.Bowline/applications",
    placement: Placement::Tenant,
    name: APP_ID,
    writable: true,
    tracked: false,
    agent_key: None,
    statuses: Statuses::USUAL,
    // It is no principal: roles do not depend on it.
    watermark: None,
};

impl ResourceProvider for Applications {
    fn spec(&self) -> &Spec {
        &SPEC
    }

    fn admit(&self, admission: &mut Admission<'_>) -> Result<(), Error> {
        let app_id = app_id(admission)?;
        credentials::admit_keys(admission)?;
        for group in ["web", "spa", "publicClient"] {
            check_uris(&admission.document["properties"][group]["redirectUris"], group)?;
        }
        admission.default("displayName", app_id.clone());
        admission.set("appId", app_id);
        admission.default("signInAudience", "AzureADMyOrg");
        admission.default("objectId", bowline_auth::random::guid().to_string());
        Ok(())
    }

    /// Its object id, so that it is found by it. It is no principal: the snapshot does not list this type.
    fn principal(&self, document: &Value) -> Option<Uuid> {
        super::object_id(document)
    }

    fn actions(&self) -> &'static [&'static str] {
        credentials::ACTIONS
    }

    fn act(&self, action: &str, acting: &Acting<'_>) -> Result<Act, Error> {
        credentials::act(&SPEC, action, acting)
    }
}

/// Codes go only where nobody else listens: https, or this computer.
fn check_uris(uris: &Value, group: &str) -> Result<(), Error> {
    let uris: Vec<&str> = uris.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let target = format!("properties.{group}.redirectUris");
    let safe = |uri: &str| {
        let local = ["http://localhost", "http://127.0.0.1", "http://[::1]"].iter().any(|base| {
            uri.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/', '?']))
        });
        let native = group == "publicClient" && uri.contains(':') && !uri.starts_with("http://");
        (uri.starts_with("https://") && uri.len() > 8) || local || native
    };
    let wrong = uris.iter().find(|u| {
        u.len() > MAX_URI
            || u.contains('#')
            || u.chars().any(|c| c.is_whitespace() || c.is_control())
            || !safe(u)
    });
    if let Some(wrong) = wrong {
        let short: String = wrong.chars().take(MAX_URI).collect();
        return Err(Error::bad_request(
            "InvalidRedirectUri",
            format!("The redirect address '{short}' must be https:// (or http://localhost), without a fragment, and have at most {MAX_URI} characters."),
        )
        .with_target(target));
    }
    if uris.len() > MAX_URIS {
        return Err(Error::bad_request(
            "InvalidRedirectUri",
            format!("At most {MAX_URIS} redirect addresses are possible."),
        )
        .with_target(target));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn redirect_addresses_lead_to_https_or_this_computer() {
        let check = |group: &str, uri: &str| check_uris(&json!([uri]), group).is_ok();
        for good in [
            "https://a.example/cb",
            "http://localhost",
            "http://localhost:3000/cb",
            "http://127.0.0.1:1/x",
            "http://[::1]/x",
        ] {
            assert!(check("web", good), "{good}");
        }
        for bad in [
            "http://a.example/",
            "http://localhost.evil.example/",
            "https://",
            "https://a/#x",
            "javascript:alert(1)",
            "https://a/ b",
            "",
        ] {
            assert!(!check("web", bad), "{bad}");
        }
        assert!(check("publicClient", "my.app://auth") && !check("publicClient", "http://a.example"));
    }
}
