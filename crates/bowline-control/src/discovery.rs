//! What clients ask before they do anything: tenants, providers, locations, the flat list of resources, permissions.

use bowline_arm::{ApiVersion, Error, ResourceId};
use serde_json::{Value, json};

use crate::Control;
use crate::context::OpContext;
use crate::pipeline::{ListRequest, list};

/// The tenant, as `/tenants` lists it.
#[must_use]
pub fn tenants(control: &Control) -> Value {
    let tenant = control.tenant().to_string();
    json!({"value": [{"id": format!("/tenants/{tenant}"), "tenantId": tenant, "countryCode": "", "displayName": "Bowline", "domains": [], "tenantCategory": "Home", "defaultDomain": "bowline.local", "tenantType": "AAD"}]})
}

/// The namespaces and their types.
#[must_use]
pub fn providers(control: &Control, scope: &ResourceId) -> Vec<Value> {
    let mut namespaces: Vec<&str> = Vec::new();
    for provider in control.registry().all() {
        let namespace = provider.spec().resource_type.split('/').next().unwrap_or_default();
        if !namespaces.contains(&namespace) {
            namespaces.push(namespace);
        }
    }
    namespaces.into_iter().map(|n| provider(control, scope, n)).collect()
}

fn provider(control: &Control, scope: &ResourceId, namespace: &str) -> Value {
    let prefix = if scope.key() == "/" { "" } else { scope.as_str() };
    let types: Vec<Value> = control
        .registry()
        .all()
        .iter()
        .map(|p| p.spec())
        .filter(|s| s.resource_type.split('/').next() == Some(namespace))
        .map(|spec| {
            let mut versions: Vec<String> = spec.shape.versions.iter().map(ToString::to_string).collect();
            versions.reverse();
            let name = spec.resource_type.split_once('/').map_or("", |(_, n)| n);
            let locations: &[String] = if spec.tracked { &control.settings().locations } else { &[] };
            json!({"resourceType": name, "locations": locations, "apiVersions": versions, "defaultApiVersion": versions.first(), "capabilities": if spec.tracked { "SupportsTags, SupportsLocation" } else { "None" }})
        })
        .collect();
    json!({"id": format!("{prefix}/providers/{namespace}"), "namespace": namespace, "registrationState": "Registered", "registrationPolicy": "RegistrationFree", "resourceTypes": types})
}

/// One namespace; registration is always done.
///
/// # Errors
/// `InvalidResourceNamespace` (404).
pub fn find_provider(control: &Control, scope: &ResourceId, namespace: &str) -> Result<Value, Error> {
    providers(control, scope)
        .into_iter()
        .find(|p| p["namespace"].as_str().is_some_and(|n| n.eq_ignore_ascii_case(namespace)))
        .ok_or_else(|| Error::new(404, "InvalidResourceNamespace", format!("The resource namespace '{namespace}' is not served here. GET /providers lists the namespaces that are.")))
}

/// Where resources can be: names that mean what their owner wants them to mean.
#[must_use]
pub fn locations(control: &Control, subscription: &ResourceId) -> Value {
    let value: Vec<Value> = control
        .settings()
        .locations
        .iter()
        .map(|l| json!({"id": format!("{subscription}/locations/{l}"), "name": l, "type": "Region", "displayName": l, "regionalDisplayName": l, "metadata": {"regionType": "Physical", "regionCategory": "Recommended"}}))
        .collect();
    json!({ "value": value })
}

/// The flat list of tracked resources of a subscription or group.
///
/// # Errors
/// As for any list.
pub async fn resources(
    control: &Control,
    context: &OpContext,
    scope: &ResourceId,
    filter: Option<&str>,
) -> Result<Value, Error> {
    let mut value = Vec::new();
    let version: ApiVersion = "2025-04-01".parse().expect("the literal is an api-version");
    for provider in control
        .registry()
        .all()
        .iter()
        .filter(|p| p.spec().tracked && p.spec().placement == crate::provider::Placement::ResourceGroup)
    {
        let spec = provider.spec();
        let mut skip_token = None;
        loop {
            let request = ListRequest {
                scope: scope.clone(),
                resource_type: bowline_arm::ResourceType::new(spec.resource_type),
                version: version.clone(),
                filter: filter.map(str::to_owned),
                top: Some(1000),
                skip_token: skip_token.take(),
            };
            let page = list(control, context, request).await?;
            value.extend(page.values()?.into_iter().map(flat));
            match page.next {
                Some(next) => skip_token = Some(next),
                None => break,
            }
        }
    }
    Ok(json!({ "value": value }))
}

fn flat(resource: Value) -> Value {
    let mut flat = json!({
        "createdTime": resource["systemData"]["createdAt"], "changedTime": resource["systemData"]["lastModifiedAt"],
        "provisioningState": resource["properties"]["provisioningState"],
    });
    if let (Value::Object(target), Value::Object(source)) = (&mut flat, resource) {
        target.extend(source.into_iter().filter(|(k, _)| {
            ["id", "name", "type", "location", "tags", "kind", "sku", "identity"].contains(&k.as_str())
        }));
    }
    flat
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
