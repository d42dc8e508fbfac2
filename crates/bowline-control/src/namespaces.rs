//! The namespaces that are served: `/providers`, their types and operations, and whether a subscription has them registered.
//!
//! # Design notes
//! Every namespace is registered in every subscription until somebody unregisters it. What an unregistered one refuses is the creation of
//! resources, with the code on which the SDKs register it and try again. The namespaces that carry rights, structure and Bowline's
//! own settings cannot be unregistered.

use std::sync::Arc;

use bowline_arm::{Error, ResourceId, ResourceType};
use bowline_store::List;
use serde_json::{Map, Value, json};

use crate::Control;
use crate::authorization::Snapshot;
use crate::context::{ActorKind, OpContext};
use crate::hierarchy::UNREGISTERED;
use crate::locations::Location;
use crate::pipeline::{amend, store_error};
use crate::provider::Spec;

/// Asked for before anything is created, by clients of types that come with a later release.
const WITHOUT_TYPES: [&str; 2] = ["Microsoft.ExtendedLocation", "Microsoft.KubernetesConfiguration"];

/// Namespaces that are always registered.
const FREE: [&str; 6] = [
    "microsoft.authorization",
    "microsoft.bowline",
    "microsoft.features",
    "microsoft.management",
    "microsoft.resources",
    "microsoft.subscription",
];

/// Types that have no records of their own, with their api-versions, newest first.
const VIEWS: [(&str, &[&str]); 10] = [
    ("Microsoft.Authorization/permissions", &["2022-04-01", "2015-07-01"]),
    ("Microsoft.Features/features", &["2021-07-01", "2015-12-01"]),
    ("Microsoft.Features/featureProviders", &["2021-07-01"]),
    ("Microsoft.Features/subscriptionFeatureRegistrations", &["2021-07-01"]),
    ("Microsoft.Management/getEntities", &["2021-04-01", "2020-05-01"]),
    ("Microsoft.Resources/locations", &["2022-12-01"]),
    ("Microsoft.Resources/providers", &["2025-04-01", "2021-04-01"]),
    ("Microsoft.Resources/resources", &["2025-04-01", "2021-04-01"]),
    ("Microsoft.Resources/tags", &["2025-04-01", "2021-04-01"]),
    ("Microsoft.Resources/tenants", &["2022-12-01"]),
];

fn namespace_of(resource_type: &str) -> &str {
    resource_type.split('/').next().unwrap_or_default()
}

/// Every namespace as documented, in the order of the registry.
fn all(control: &Control) -> Vec<&'static str> {
    let mut names: Vec<&str> = Vec::new();
    let registered = control.registry().all().iter().map(|p| namespace_of(p.spec().resource_type));
    let views = VIEWS.iter().map(|(name, _)| namespace_of(name));
    for name in registered.chain(views).chain(WITHOUT_TYPES) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// Gives whoever names a namespace that is served its spelling as documented.
///
/// # Errors
/// `InvalidResourceNamespace` (404).
pub fn check(control: &Control, namespace: &str) -> Result<String, Error> {
    let found = all(control).into_iter().find(|n| n.eq_ignore_ascii_case(namespace));
    found.map(str::to_owned).ok_or_else(|| {
        Error::new(
            404,
            "InvalidResourceNamespace",
            format!("The resource namespace '{namespace}' is not served here. GET /providers lists the namespaces that are."),
        )
    })
}

/// The namespaces as a subscription, a management group or the tenant sees them.
///
/// # Errors
/// When the store cannot be read.
pub async fn list(control: &Control, scope: &ResourceId) -> Result<Vec<Value>, Error> {
    let snapshot = existing(control, scope).await?;
    let locations = crate::locations::all(control).await?;
    Ok(all(control).into_iter().map(|name| show(control, &snapshot, scope, name, &locations)).collect())
}

/// One namespace.
///
/// # Errors
/// `InvalidResourceNamespace` (404).
pub async fn get(control: &Control, scope: &ResourceId, namespace: &str) -> Result<Value, Error> {
    let snapshot = existing(control, scope).await?;
    let name = check(control, namespace)?;
    let locations = crate::locations::all(control).await?;
    Ok(show(control, &snapshot, scope, &name, &locations))
}

/// The snapshot, when the scope lies in no subscription or in one that exists.
async fn existing(control: &Control, scope: &ResourceId) -> Result<Arc<Snapshot>, Error> {
    let snapshot = control.authorization().snapshot().await;
    if snapshot.lacks_subscription(scope) {
        return Err(snapshot.missing_scope(scope));
    }
    Ok(snapshot)
}

fn show(
    control: &Control,
    snapshot: &Snapshot,
    scope: &ResourceId,
    namespace: &str,
    locations: &[Location],
) -> Value {
    let prefix = if scope.key() == "/" { "" } else { scope.as_str() };
    let free = FREE.iter().any(|f| f.eq_ignore_ascii_case(namespace));
    json!({
        "id": format!("{prefix}/providers/{namespace}"), "namespace": namespace,
        "registrationState": if is_registered(snapshot, scope.key(), namespace) { "Registered" } else { "Unregistered" },
        "registrationPolicy": if free { "RegistrationFree" } else { "RegistrationRequired" },
        "resourceTypes": types_of(control, namespace, locations),
    })
}

/// The types of a namespace; newest api-version first, previews last, because clients take the first that is no preview.
fn types_of(control: &Control, namespace: &str, locations: &[Location]) -> Vec<Value> {
    let in_namespace = |name: &str| namespace_of(name).eq_ignore_ascii_case(namespace);
    let display: Vec<&str> = locations.iter().map(|l| l.display_name.as_str()).collect();
    let specs = control.registry().all().iter().map(|p| p.spec()).filter(|s| in_namespace(s.resource_type));
    let types = specs.map(|spec| {
        let mut versions: Vec<String> = spec.shape.versions.iter().map(ToString::to_string).collect();
        versions.sort_by_key(|v| (v.contains("preview"), std::cmp::Reverse(v.clone())));
        describe(spec.resource_type, &versions, if spec.tracked { &display } else { &[] }, capabilities(spec))
    });
    let views = VIEWS.iter().filter(|(name, _)| in_namespace(name)).map(|(name, versions)| {
        describe(name, &versions.iter().map(|v| (*v).to_owned()).collect::<Vec<_>>(), &[], "None")
    });
    types.chain(views).collect()
}

fn capabilities(spec: &Spec) -> &'static str {
    match (spec.tracked, spec.placement) {
        (true, _) => "SupportsTags, SupportsLocation",
        (false, crate::provider::Placement::Extension) => "SupportsExtension",
        _ => "None",
    }
}

fn describe(resource_type: &str, versions: &[String], locations: &[&str], capabilities: &str) -> Value {
    let name = resource_type.split_once('/').map_or("", |(_, name)| name);
    json!({
        "resourceType": name, "locations": locations, "apiVersions": versions,
        "defaultApiVersion": versions.first(), "capabilities": capabilities,
    })
}

/// GET `…/providers/{namespace}/resourceTypes`.
///
/// # Errors
/// `InvalidResourceNamespace` (404).
pub async fn resource_types(control: &Control, namespace: &str) -> Result<Value, Error> {
    let name = check(control, namespace)?;
    Ok(json!({"value": types_of(control, &name, &crate::locations::all(control).await?)}))
}

fn is_registered(snapshot: &Snapshot, scope_key: &str, namespace: &str) -> bool {
    let subscription = snapshot.hierarchy().subscription(scope_key);
    !subscription.is_some_and(|s| s.unregistered.contains(&namespace.to_ascii_lowercase()))
}

/// POST `{subscription}/providers/{namespace}/{register|unregister}`.
///
/// # Errors
/// 403, 404, or 409 when the namespace cannot be unregistered or has resources in the subscription.
pub async fn register(
    control: &Control,
    context: &OpContext,
    scope: &ResourceId,
    namespace: &str,
    on: bool,
) -> Result<Value, Error> {
    let verb = if on { "register" } else { "unregister" };
    let action = format!("{namespace}/{verb}/action");
    // Nobody without the right learns what is served.
    let snapshot = control.authorization().snapshot().await;
    snapshot.require(context, &action, scope.key())?;
    let name = check(control, namespace)?;
    let key = name.to_ascii_lowercase();
    if scope.resource_type().key() != crate::hierarchy::SUBSCRIPTIONS {
        // Above subscriptions registering says nothing that is not so already.
        return get(control, scope, &name).await;
    }
    if !on {
        refuse_unregister(control, scope, &name).await?;
    }
    amend(control, context, scope, &action, &|document, _| {
        let mut unregistered: Vec<String> = document[UNREGISTERED]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|n| n.as_str().map(str::to_owned))
            .filter(|n| *n != key)
            .collect();
        if !on {
            unregistered.push(key.clone());
        }
        match (unregistered.is_empty(), document.as_object_mut()) {
            (true, Some(members)) => {
                members.remove(UNREGISTERED);
            }
            (_, _) => document[UNREGISTERED] = unregistered.into(),
        }
        Ok(())
    })
    .await?;
    get(control, scope, &name).await
}

async fn refuse_unregister(
    control: &Control,
    subscription: &ResourceId,
    namespace: &str,
) -> Result<(), Error> {
    if FREE.iter().any(|f| f.eq_ignore_ascii_case(namespace)) {
        return Err(Error::conflict(
            "CannotUnregister",
            format!("The namespace '{namespace}' is always registered."),
        ));
    }
    let in_namespace = control.registry().all().iter().map(|p| p.spec());
    for spec in in_namespace.filter(|s| namespace_of(s.resource_type).eq_ignore_ascii_case(namespace)) {
        let list = List {
            prefix: Some(subscription.key().to_owned()),
            resource_type: Some(spec.type_key()),
            limit: 1,
            ..List::default()
        };
        if let Some(first) = control.store().list(&list).await.map_err(|e| store_error(&e))?.first() {
            return Err(Error::conflict(
                "ResourceProviderHasResources",
                format!(
                    "The namespace '{namespace}' has resources in the subscription, the first of them '{}'. Delete them before it is unregistered.",
                    first.id
                ),
            ));
        }
    }
    Ok(())
}

impl Snapshot {
    /// Refuses to create a resource whose namespace the subscription has unregistered.
    ///
    /// # Errors
    /// `MissingSubscriptionRegistration` (409), on which the SDKs register it and try again.
    pub fn refuse_unregistered(&self, context: &OpContext, id: &ResourceId) -> Result<(), Error> {
        let Some(subscription) = id.subscription() else { return Ok(()) };
        let key = format!("/subscriptions/{}", subscription.to_ascii_lowercase());
        let namespace = id.resource_type().namespace();
        if context.actor.kind == ActorKind::System || is_registered(self, &key, namespace) {
            return Ok(());
        }
        Err(Error::conflict(
            "MissingSubscriptionRegistration",
            format!(
                "The subscription is not registered to use namespace '{namespace}'. Register it: POST {key}/providers/{namespace}/register, or 'az provider register -n {namespace}'."
            ),
        )
        .with_target(namespace))
    }
}

/// GET `/providers/{namespace}/operations`: what roles can allow in it.
///
/// # Errors
/// `InvalidResourceNamespace` (404).
pub fn operations(control: &Control, namespace: &str) -> Result<Value, Error> {
    let name = check(control, namespace)?;
    let value: Vec<Value> = actions_of(control, &name)
        .into_iter()
        .map(|(action, resource)| {
            json!({"name": action, "isDataAction": false, "origin": "user,system", "display": display(&name, &resource, &action)})
        })
        .collect();
    Ok(json!({ "value": value }))
}

/// GET `{subscription}/providers/{namespace}/providerPermissions`: what a namespace's own application may do in the subscription. Bowline's
/// namespaces have no applications.
///
/// # Errors
/// When there is no such subscription or namespace.
pub async fn permissions(control: &Control, scope: &ResourceId, namespace: &str) -> Result<Value, Error> {
    existing(control, scope).await?;
    check(control, namespace)?;
    Ok(json!({"value": []}))
}

/// POST `/providers/Microsoft.Resources/checkResourceName`: whether a name fits its type. No word is reserved.
///
/// # Errors
/// Why the name is refused, or that the type is unknown.
pub fn check_resource_name(control: &Control, body: &Value) -> Result<Value, Error> {
    let member = |name: &str| {
        body[name].as_str().filter(|text| !text.is_empty()).ok_or_else(|| {
            Error::bad_request(
                "InvalidRequestContent",
                format!("'{name}' is missing: send the name and the type that it is for."),
            )
            .with_target(name)
        })
    };
    let (name, resource_type) = (member("name")?, member("type")?);
    let provider = control.registry().find(&ResourceType::new(resource_type))?;
    let spec = provider.spec();
    spec.name.check(spec.resource_type, name)?;
    Ok(json!({"name": name, "type": spec.resource_type, "status": "Allowed"}))
}

/// GET `/providers/Microsoft.Authorization/providerOperations[/{namespace}]`: the same, by type.
#[must_use]
pub fn provider_operations(control: &Control, namespace: &str) -> Value {
    let mut by_type: Map<String, Value> = Map::new();
    for (action, resource) in actions_of(control, namespace) {
        let shown = display(namespace, &resource, &action);
        let operation = json!({
            "name": action, "displayName": shown["operation"], "description": shown["description"], "origin": "user,system", "isDataAction": false,
        });
        let entry = by_type
            .entry(resource.clone())
            .or_insert_with(|| json!({"name": resource, "displayName": resource, "operations": []}));
        if let Some(operations) = entry["operations"].as_array_mut() {
            operations.push(operation);
        }
    }
    json!({
        "id": format!("/providers/Microsoft.Authorization/providerOperations/{namespace}"), "type": "Microsoft.Authorization/providerOperations",
        "name": namespace, "displayName": namespace, "resourceTypes": by_type.into_values().collect::<Vec<_>>(), "operations": [],
    })
}

/// Every namespace's operations.
#[must_use]
pub fn all_provider_operations(control: &Control) -> Value {
    let value: Vec<Value> = all(control).into_iter().map(|name| provider_operations(control, name)).collect();
    json!({ "value": value })
}

/// Actions with the type each is about.
fn actions_of(control: &Control, namespace: &str) -> Vec<(String, String)> {
    let mut actions = Vec::new();
    for provider in control.registry().all() {
        let spec = provider.spec();
        if !namespace_of(spec.resource_type).eq_ignore_ascii_case(namespace) {
            continue;
        }
        let resource = spec.action.split_once('/').map_or("", |(_, name)| name).to_owned();
        let verbs: &[&str] = if spec.writable { &["read", "write", "delete"] } else { &["read"] };
        actions.extend(verbs.iter().map(|verb| (spec.action_of(verb), resource.clone())));
        let own = provider
            .actions()
            .iter()
            .map(|name| (spec.action_of(&format!("{name}/action")), resource.clone()));
        actions.extend(own);
    }
    if !FREE.iter().any(|f| f.eq_ignore_ascii_case(namespace)) {
        for verb in ["register", "unregister"] {
            actions.push((format!("{namespace}/{verb}/action"), String::new()));
        }
    }
    actions
}

fn display(namespace: &str, resource: &str, action: &str) -> Value {
    let verb = action.trim_end_matches("/action").rsplit('/').next().unwrap_or_default();
    let what = if resource.is_empty() { namespace } else { resource };
    json!({"provider": namespace, "resource": what, "operation": format!("{verb} {what}"), "description": format!("{verb} {namespace}/{resource}").trim_end_matches('/')})
}
