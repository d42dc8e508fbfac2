//! `Microsoft.Features`: switches that clients register per subscription before they use what is new.
//!
//! Bowline has no feature that must be switched on. Clients, scripts and templates register features all the same, so a registration is
//! kept, shown and withdrawn; it changes nothing else. It is a part of the subscription's record.

use bowline_arm::{Error, ResourceId};
use serde_json::{Map, Value, json};

use crate::Control;
use crate::context::OpContext;
use crate::namespaces;
use crate::pipeline::{amend, parse, require_readable};

/// The member of a subscription's document that holds them: `namespace/feature` in lower case → what was registered.
const MEMBER: &str = "_features";
/// The most registrations of one subscription.
const MAX_FEATURES: usize = 1000;
const READ: &str = "Microsoft.Features/features/read";

/// A feature by its names, as a path has them.
#[derive(Clone, Debug)]
pub struct Feature {
    /// The subscription.
    pub subscription: ResourceId,
    /// The namespace it belongs to.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl Feature {
    /// Reads `…/Microsoft.Features/providers/{ns}/features/{f}` or `…/featureProviders/{ns}/subscriptionFeatureRegistrations/{f}`.
    #[must_use]
    pub fn of(id: &ResourceId) -> Option<Self> {
        let segments: Vec<&str> = id.segments().collect();
        let [_, _, _, _, _, namespace, _, name] = segments.as_slice() else { return None };
        Some(Self {
            subscription: ResourceId::subscription_scope(id.subscription()?).ok()?,
            namespace: (*namespace).to_owned(),
            name: (*name).to_owned(),
        })
    }

    fn key(&self) -> String {
        format!("{}/{}", self.namespace, self.name).to_lowercase()
    }
}

/// How a feature is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// `Microsoft.Features/providers/features`.
    Feature,
    /// `Microsoft.Features/featureProviders/subscriptionFeatureRegistrations`.
    Registration,
}

fn shown(control: &Control, feature: &Feature, stored: &Value, view: View) -> Value {
    let Feature { subscription, namespace, name } = feature;
    let state = stored["state"].as_str().unwrap_or("NotRegistered");
    match view {
        View::Feature => json!({
            "id": format!("{subscription}/providers/Microsoft.Features/providers/{namespace}/features/{name}"),
            "name": format!("{namespace}/{name}"), "type": "Microsoft.Features/providers/features", "properties": {"state": state},
        }),
        View::Registration => json!({
            "id": format!("{subscription}/providers/Microsoft.Features/featureProviders/{namespace}/subscriptionFeatureRegistrations/{name}"),
            "name": name, "type": "Microsoft.Features/featureProviders/subscriptionFeatureRegistrations",
            "properties": {
                "tenantId": control.tenant().to_string(), "subscriptionId": subscription.name(), "featureName": name,
                "displayName": name, "providerNamespace": namespace, "state": state, "registrationDate": stored["time"],
                "approvalType": "AutoApproval", "shouldFeatureDisplayInPortal": false, "metadata": stored["metadata"],
                "description": stored["description"],
            },
        }),
    }
}

/// GET of one feature. One that nobody registered is NotRegistered; a registration that nobody made is not found.
///
/// # Errors
/// 403, or 404.
pub async fn get(
    control: &Control,
    context: &OpContext,
    feature: &Feature,
    view: View,
) -> Result<Value, Error> {
    let record = require_readable(control, context, &feature.subscription, READ).await?;
    namespaces::check(control, &feature.namespace)?;
    let stored = parse(&record)?[MEMBER][feature.key()].clone();
    if view == View::Registration && stored["state"] != "Registered" {
        return Err(Error::new(
            404,
            "FeatureRegistrationNotFound",
            format!("The feature '{}/{}' is not registered.", feature.namespace, feature.name),
        ));
    }
    Ok(shown(control, feature, &stored, view))
}

/// The features of a subscription that somebody registered or withdrew, of one namespace or of all.
///
/// # Errors
/// 403, or 404.
pub async fn list(
    control: &Control,
    context: &OpContext,
    subscription: &ResourceId,
    namespace: Option<&str>,
    view: View,
) -> Result<Value, Error> {
    let record = require_readable(control, context, subscription, READ).await?;
    let document = parse(&record)?;
    let value: Vec<Value> = document[MEMBER]
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(_, stored)| view == View::Feature || stored["state"] == "Registered")
        .filter_map(|(_, stored)| {
            let feature = Feature {
                subscription: subscription.clone(),
                namespace: stored["namespace"].as_str()?.to_owned(),
                name: stored["name"].as_str()?.to_owned(),
            };
            let wanted = namespace.is_none_or(|wanted| wanted.eq_ignore_ascii_case(&feature.namespace));
            wanted.then(|| shown(control, &feature, stored, view))
        })
        .collect();
    Ok(json!({ "value": value }))
}

/// Registers a feature, or withdraws it. Gives the answer, and whether that changed anything.
///
/// # Errors
/// 403, 404 when the namespace is not served, 400 when the subscription has too many.
pub async fn register(
    control: &Control,
    context: &OpContext,
    feature: &Feature,
    on: bool,
    body: &Value,
    view: View,
) -> Result<(Value, bool), Error> {
    let action = match (view, on) {
        (View::Feature, true) => "Microsoft.Features/providers/features/register/action",
        (View::Feature, false) => "Microsoft.Features/providers/features/unregister/action",
        (View::Registration, true) => {
            "Microsoft.Features/featureProviders/subscriptionFeatureRegistrations/write"
        }
        (View::Registration, false) => {
            "Microsoft.Features/featureProviders/subscriptionFeatureRegistrations/delete"
        }
    };
    namespaces::check(control, &feature.namespace)?;
    if feature.name.len() > 200 {
        return Err(Error::bad_request(
            "InvalidFeatureName",
            "The name of a feature has at most 200 characters.",
        ));
    }
    let (record, changed) = amend(control, context, &feature.subscription, action, &|document, _| {
        let features = crate::provider::member_object(document, MEMBER);
        change(features, feature, on, body, context)
    })
    .await?;
    let stored = parse(&record)?[MEMBER][feature.key()].clone();
    Ok((shown(control, feature, &stored, view), changed))
}

fn change(
    features: &mut Map<String, Value>,
    feature: &Feature,
    on: bool,
    body: &Value,
    context: &OpContext,
) -> Result<bool, Error> {
    let state = if on { "Registered" } else { "Unregistered" };
    let key = feature.key();
    match features.get(&key) {
        Some(known) if known["state"] == state => return Ok(false),
        None if !on => return Ok(false),
        None if features.len() >= MAX_FEATURES => {
            return Err(Error::bad_request(
                "TooManyFeatures",
                format!("A subscription holds {MAX_FEATURES} registrations of features."),
            ));
        }
        _ => {}
    }
    let mut stored = json!({
        "namespace": feature.namespace, "name": feature.name, "state": state, "time": context.now.to_string(),
    });
    for member in ["metadata", "description"] {
        let value = &body["properties"][member];
        if !value.is_null() && value.to_string().len() <= 4096 {
            stored[member] = value.clone();
        }
    }
    features.insert(key, stored);
    Ok(true)
}
