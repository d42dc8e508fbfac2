//! What clients ask before they do anything: the tenant, and what they may do.

use bowline_arm::ResourceId;
use serde_json::{Value, json};

use crate::Control;
use crate::context::OpContext;

/// The tenant, as `/tenants` lists it.
#[must_use]
pub fn tenants(control: &Control) -> Value {
    let tenant = control.tenant().to_string();
    json!({"value": [{"id": format!("/tenants/{tenant}"), "tenantId": tenant, "countryCode": "", "displayName": "Bowline", "domains": [], "tenantCategory": "Home", "defaultDomain": "bowline.local", "tenantType": "AAD"}]})
}

/// What the caller may do at a scope.
pub async fn permissions(control: &Control, context: &OpContext, scope: &ResourceId) -> Value {
    let snapshot = control.authorization().snapshot().await;
    let value: Vec<Value> = snapshot
        .permissions(context, scope.key())
        .into_iter()
        .map(|(permission, condition)| {
            let mut shown = json!(permission);
            if let Some(condition) = condition {
                shown["condition"] = condition.into();
                shown["conditionVersion"] = "2.0".into();
            }
            shown
        })
        .collect();
    json!({ "value": value })
}
