//! What happens to a subscription beside PUT and DELETE: it is ordered by an alias, renamed, cancelled and enabled again.
//!
//! A cancelled subscription is Disabled: everything in it can be read and deleted, nothing can be created or changed ([`crate::locks`]), and
//! what runs on its clusters and machines goes on.

use bowline_arm::{ApiVersion, Error, Precondition, ResourceId, Target};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::Control;
use crate::context::OpContext;
use crate::hierarchy::SUBSCRIPTIONS;
use crate::management_groups::place;
use crate::pipeline::{WriteRequest, Written, amend, put, store_error};

/// The longest display name.
const MAX_NAME: usize = 64;

/// Refuses a question about something in a subscription that does not exist, as ARM does before it looks at anything else. Who has no role
/// that would reach it learns nothing of what exists.
///
/// # Errors
/// `SubscriptionNotFound` (404).
pub async fn require_existing(control: &Control, context: &OpContext, target: &Target) -> Result<(), Error> {
    // A subscription itself can be made; what lies in it cannot be without it.
    if matches!(target, Target::Resource(id) if id.resource_type().key() == SUBSCRIPTIONS) {
        return Ok(());
    }
    let snapshot = control.authorization().snapshot().await;
    let subscription = target.scope().subscription().and_then(|s| ResourceId::subscription_scope(s).ok());
    let Some(subscription) = subscription.filter(|s| snapshot.hierarchy().subscription(s.key()).is_none())
    else {
        return Ok(());
    };
    if !snapshot.has_any_role(context, subscription.key()) {
        return Ok(());
    }
    // Another server may have made it a moment ago.
    match control.store().stamp(subscription.key()).await.map_err(|e| store_error(&e))? {
        Some(_) => Ok(()),
        None => Err(snapshot.missing_scope(&subscription)),
    }
}

/// POST `{subscription}/providers/Microsoft.Subscription/{cancel|enable|rename}`.
///
/// # Errors
/// 403, 404, or 400 when a new name is not valid.
pub async fn act(
    control: &Control,
    context: &OpContext,
    subscription: &ResourceId,
    verb: &str,
    body: &Value,
) -> Result<Value, Error> {
    let action = format!("Microsoft.Subscription/{verb}/action");
    // Who may not is told so whatever the body is.
    control.authorization().snapshot().await.require(context, &action, subscription.key())?;
    let (member, value) = match verb {
        "cancel" => ("state", "Disabled"),
        "enable" => ("state", "Enabled"),
        _ => ("displayName", new_name(body)?),
    };
    amend(control, context, subscription, &action, &|document, _| {
        document[member] = value.into();
        Ok(())
    })
    .await?;
    Ok(json!({"subscriptionId": subscription.name().to_ascii_lowercase()}))
}

fn new_name(body: &Value) -> Result<&str, Error> {
    let name = body["subscriptionName"].as_str().unwrap_or_default().trim();
    if name.is_empty() || name.chars().count() > MAX_NAME {
        return Err(Error::bad_request(
            "InvalidSubscriptionName",
            format!("The body must have a 'subscriptionName' of 1 to {MAX_NAME} characters."),
        )
        .with_target("subscriptionName"));
    }
    Ok(name)
}

/// PUT of `Microsoft.Subscription/aliases/{name}`: makes the subscription, unless the body names one that exists, and then the alias.
///
/// The subscription's GUID follows from the tenant and the alias, so that an order that was interrupted is completed by sending it again.
///
/// # Errors
/// ARM errors for the caller; 404 when the subscription that the body names does not exist.
pub async fn put_alias(
    control: &Control,
    context: &OpContext,
    request: WriteRequest,
) -> Result<Written, Error> {
    let snapshot = control.authorization().snapshot().await;
    snapshot.require(context, "Microsoft.Subscription/aliases/write", request.id.key())?;
    let alias = control.registry().find(request.id.resource_type())?;
    alias.spec().name.check(alias.spec().resource_type, request.id.name())?;
    let mut request = request;
    if !request.body["properties"].is_object() {
        return Err(Error::bad_request(
            "InvalidRequestContent",
            "The body must have 'properties' with a displayName, or the subscriptionId of a subscription that exists.",
        )
        .with_target("properties"));
    }
    let existing = control.store().get(request.id.key()).await.map_err(|e| store_error(&e))?;
    let known: Option<String> = existing
        .map(|record| crate::pipeline::parse(&record))
        .transpose()?
        .and_then(|document| document["properties"]["subscriptionId"].as_str().map(str::to_owned));
    let named = request.body["properties"]["subscriptionId"].as_str().map(str::to_owned);
    let guid = known
        .clone()
        .or_else(|| named.clone())
        .unwrap_or_else(|| Uuid::new_v5(&control.tenant(), request.id.key().as_bytes()).to_string());
    let subscription = ResourceId::subscription_scope(&guid.to_ascii_lowercase())
        .map_err(|error| Error::bad_request("InvalidSubscriptionId", format!("{error}.")))?;
    order(control, context, &request, &subscription, named.is_some() || known.is_some()).await?;
    request.body["properties"]["subscriptionId"] = subscription.name().into();
    put(control, context, request).await
}

/// Makes what the alias stands for, as far as it is not there.
async fn order(
    control: &Control,
    context: &OpContext,
    request: &WriteRequest,
    subscription: &ResourceId,
    must_exist: bool,
) -> Result<(), Error> {
    let properties = &request.body["properties"];
    let there = control.store().get(subscription.key()).await.map_err(|e| store_error(&e))?.is_some();
    if !there && must_exist {
        return Err(crate::pipeline::missing_scope(subscription));
    }
    if there {
        return Ok(());
    }
    let name = properties["displayName"].as_str().unwrap_or_else(|| request.id.name());
    let mut body = json!({"displayName": name});
    if properties["additionalProperties"]["tags"].is_object() {
        body["tags"] = properties["additionalProperties"]["tags"].clone();
    }
    let version: ApiVersion = "2022-12-01".parse().expect("the literal is an api-version");
    let precondition = Precondition::default();
    put(control, context, WriteRequest { id: subscription.clone(), version, body, precondition }).await?;
    if let Some(group) = properties["additionalProperties"]["managementGroupId"].as_str() {
        let group: ResourceId = group.parse().map_err(|error| {
            Error::bad_request("InvalidManagementGroupId", format!("{error}."))
                .with_target("properties.additionalProperties.managementGroupId")
        })?;
        place(control, context, subscription, &group).await?;
    }
    Ok(())
}
