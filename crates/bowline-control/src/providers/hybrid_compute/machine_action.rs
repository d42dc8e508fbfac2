//! What a client may ask a machine to do at once. Agents of this release do none of it, and each answer says so in the shape that clients read.

use bowline_arm::Error;
use serde_json::{Value, json};

use crate::provider::{Act, Acting, not_served_yet};

/// The actions on a machine.
pub(super) const ACTIONS: [&str; 4] =
    ["assessPatches", "installPatches", "addExtensions", "upgradeExtensions"];

/// Performs an action on a machine.
pub(super) fn act(action: &str, acting: &Acting<'_>) -> Result<Act, Error> {
    match action {
        "assessPatches" => Ok(Act::Answer(assessment(acting))),
        "installPatches" => {
            for needed in ["maximumDuration", "rebootSetting"] {
                if !acting.body[needed].is_string() {
                    return Err(Error::bad_request(
                        "InvalidRequestContent",
                        format!("The required property '{needed}' is missing from the request body."),
                    )
                    .with_target(needed));
                }
            }
            Ok(Act::Answer(installation(acting)))
        }
        _ => Err(not_served_yet(
            &format!("The action '{action}' on a machine"),
            "PUT each extension by itself: PUT {machine}/extensions/{name}.",
        )),
    }
}

fn assessment(acting: &Acting<'_>) -> Value {
    let mut result = outcome(acting, "assessed");
    result["assessmentActivityId"] = bowline_auth::random::guid().to_string().into();
    result["rebootPending"] = false.into();
    result["availablePatchCountByClassification"] = json!({
        "critical": 0, "definition": 0, "featurePack": 0, "other": 0, "security": 0, "servicePack": 0, "tools": 0,
        "updateRollup": 0, "updates": 0,
    });
    result
}

fn installation(acting: &Acting<'_>) -> Value {
    let mut result = outcome(acting, "installed");
    result["installationActivityId"] = bowline_auth::random::guid().to_string().into();
    result["rebootStatus"] = "NotNeeded".into();
    result["maintenanceWindowExceeded"] = false.into();
    for count in ["excluded", "failed", "installed", "notSelected", "pending"] {
        result[format!("{count}PatchCount")] = 0.into();
    }
    result
}

/// A failed run: clients show `status` and `errorDetails`.
fn outcome(acting: &Acting<'_>, done: &str) -> Value {
    let now = acting.context.now.to_string();
    json!({
        "status": "Failed", "startedBy": "User", "patchServiceUsed": "Unknown",
        "osType": os_type(acting.document), "startDateTime": now, "lastModifiedDateTime": now,
        "errorDetails": {
            "code": "OperationNotSupported",
            "message": format!("No patches were {done}: agents of this release of Bowline do not work on patches yet."),
            "details": [],
        },
    })
}

fn os_type(document: &Value) -> &str {
    let known = document["properties"]["osType"].as_str().unwrap_or_default();
    if known.eq_ignore_ascii_case("windows") { "Windows" } else { "Linux" }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::context::OpContext;

    fn perform(action: &str, body: &Value) -> Result<Value, Error> {
        let context = OpContext::system("test", jiff::Timestamp::UNIX_EPOCH);
        let id =
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.HybridCompute/machines/m".parse().unwrap();
        let snapshot = crate::authorization::Snapshot::default();
        let acting = Acting {
            context: &context,
            id: &id,
            document: &json!({"properties": {"osType": "windows"}}),
            secrets: &BTreeMap::new(),
            body,
            settings: &crate::Settings::new("https://bowline.example"),
            principals: &crate::principals::Principals::of(&snapshot),
        };
        act(action, &acting).map(|act| match act {
            Act::Answer(answer) | Act::Change { answer, .. } => answer,
        })
    }

    #[test]
    fn what_is_not_done_is_never_a_success() {
        let assessed = perform("assessPatches", &json!({})).unwrap();
        assert_eq!((&assessed["status"], &assessed["osType"]), (&json!("Failed"), &json!("Windows")));
        assert_eq!(assessed["errorDetails"]["code"], "OperationNotSupported");
        let body = json!({"maximumDuration": "PT4H", "rebootSetting": "IfRequired"});
        let installed = perform("installPatches", &body).unwrap();
        assert_eq!((&installed["status"], &installed["installedPatchCount"]), (&json!("Failed"), &json!(0)));
        assert_eq!(
            perform("installPatches", &json!({})).unwrap_err().target.as_deref(),
            Some("maximumDuration")
        );
        assert_eq!(perform("upgradeExtensions", &json!({})).unwrap_err().code, "OperationNotSupported");
    }
}
