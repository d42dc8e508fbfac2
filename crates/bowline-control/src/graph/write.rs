//! POST, PATCH and DELETE: each becomes the PUT, PATCH, DELETE or action of a resource, through the pipeline.

use bowline_arm::{Error, Precondition, ResourceId};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::object::{Kind, properties, show, user_name};
use super::reference::{self, Reference, locate, resource};
use super::{bad, not_found, read, version};
use crate::Control;
use crate::context::OpContext;
use crate::pipeline::{self, WriteRequest};

fn members(body: &Value) -> Result<&Map<String, Value>, Error> {
    body.as_object().ok_or_else(|| bad("The body must be a JSON object."))
}

fn required<'a>(body: &'a Map<String, Value>, name: &str) -> Result<&'a str, Error> {
    let text = body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    text.ok_or_else(|| bad(format!("A value is required for property '{name}' of resource.")))
}

/// Makes an object; one that exists already is refused.
pub(super) async fn create(
    control: &Control,
    context: &OpContext,
    kind: Kind,
    body: &Value,
) -> Result<Value, Error> {
    reference::require(control, context, kind, "write").await?;
    let body = members(body)?;
    let mut properties = properties(kind, body);
    let (name, unique) = match kind {
        Kind::User => (user_name(required(body, "userPrincipalName")?).to_owned(), "userPrincipalName"),
        Kind::Group => {
            required(body, "displayName")?;
            for list in ["members", "owners"] {
                if let Some(bound) = body.get(&format!("{list}@odata.bind")) {
                    let ids: Result<Vec<String>, Error> = bound
                        .as_array()
                        .into_iter()
                        .flatten()
                        .map(|url| object_of(url).map(|id| id.to_string()))
                        .collect();
                    properties.insert(list.to_owned(), ids?.into());
                }
            }
            (required(body, "mailNickname")?.to_owned(), "mailNickname")
        }
        Kind::Application => {
            required(body, "displayName")?;
            (bowline_auth::random::guid().to_string(), "appId")
        }
        Kind::ServicePrincipal => {
            let app_id: Uuid = required(body, "appId")?.parse().map_err(|_| bad("appId must be a GUID."))?;
            let application = read::application(control, context, app_id).await?.ok_or_else(|| {
                bad(format!(
                    "No application has the appId '{app_id}'. Make one first: POST /v1.0/applications."
                ))
            })?;
            properties
                .entry("displayName")
                .or_insert_with(|| application["properties"]["displayName"].clone());
            (app_id.to_string(), "appId")
        }
    };
    let id = resource(kind, &name)
        .ok_or_else(|| bad(format!("Invalid value specified for property '{unique}' of resource.")))?;
    let absent = Precondition::parse(None, Some("*"));
    let request = WriteRequest {
        id,
        version: version(),
        body: json!({ "properties": properties }),
        precondition: absent,
    };
    let written = pipeline::put(control, context, request).await.map_err(|error| match error.status {
        412 => bad(format!("Another object with the same value for property {unique} already exists."))
            .with_target(unique),
        _ => error,
    })?;
    shown(control, &written.body)
}

fn shown(control: &Control, resource: &Value) -> Result<Value, Error> {
    let object = show(control.tenant(), resource).map(|(_, object)| object);
    object.ok_or_else(|| Error::internal("a resource of the directory has no form in Graph"))
}

/// Changes an object.
pub(super) async fn update(
    control: &Control,
    context: &OpContext,
    kind: Kind,
    reference: &Reference,
    body: &Value,
) -> Result<(), Error> {
    let properties = properties(kind, members(body)?);
    let id = writable(control, context, kind, reference).await?;
    patch(control, context, id, properties, Precondition::default()).await
}

async fn patch(
    control: &Control,
    context: &OpContext,
    id: ResourceId,
    properties: Map<String, Value>,
    precondition: Precondition,
) -> Result<(), Error> {
    let body = json!({ "properties": properties });
    let request = WriteRequest { id, version: version(), body, precondition };
    pipeline::patch(control, context, request).await.map(|_| ())
}

/// The resource behind a reference, when it is one of the directory's own: a cluster's identity is changed with the cluster.
async fn writable(
    control: &Control,
    context: &OpContext,
    kind: Kind,
    reference: &Reference,
) -> Result<ResourceId, Error> {
    let id = locate(control, context, kind, reference).await?;
    if id.resource_type().key().eq_ignore_ascii_case(kind.resource_type()) {
        return Ok(id);
    }
    Err(bad(format!("This service principal is the identity of '{id}' and lives and ends with it.")))
}

/// Deletes an object; an application takes its service principal along, first.
pub(super) async fn delete(
    control: &Control,
    context: &OpContext,
    kind: Kind,
    reference: &Reference,
) -> Result<(), Error> {
    let id = writable(control, context, kind, reference).await?;
    let any = Precondition::default();
    if kind == Kind::Application
        && let Some(principal) = resource(Kind::ServicePrincipal, id.name())
    {
        pipeline::delete(control, context, &principal, &any).await?;
    }
    match pipeline::delete(control, context, &id, &any).await? {
        pipeline::Deleted::Absent => Err(not_found(id.name())),
        _ => Ok(()),
    }
}

/// The object id at the end of an `@odata.id`.
fn object_of(url: &Value) -> Result<Uuid, Error> {
    let text = url.as_str().unwrap_or_default().trim_end_matches(['/', ')', '\'']);
    let last = text.rsplit(['/', '(', '\'']).next();
    last.and_then(|id| id.parse().ok())
        .ok_or_else(|| bad("Invalid URL format specified in payload: it must end with an object id."))
}

/// Adds a member or an owner.
pub(super) async fn add_reference(
    control: &Control,
    context: &OpContext,
    kind: Kind,
    reference: &Reference,
    list: &str,
    body: &Value,
) -> Result<(), Error> {
    let object = object_of(&body["@odata.id"])?;
    if change(control, context, kind, reference, list, object, true).await? {
        return Ok(());
    }
    Err(bad(format!(
        "One or more added object references already exist for the following modified properties: '{list}'."
    )))
}

/// Takes a member or an owner out.
pub(super) async fn remove_reference(
    control: &Control,
    context: &OpContext,
    kind: Kind,
    reference: &Reference,
    list: &str,
    object: &str,
) -> Result<(), Error> {
    let id = object.parse().map_err(|_| not_found(object))?;
    if change(control, context, kind, reference, list, id, false).await? {
        return Ok(());
    }
    Err(not_found(object))
}

/// Gives whether anything changed.
async fn change(
    control: &Control,
    context: &OpContext,
    kind: Kind,
    reference: &Reference,
    list: &str,
    object: Uuid,
    add: bool,
) -> Result<bool, Error> {
    let id = writable(control, context, kind, reference).await?;
    let action = match (list.to_ascii_lowercase().as_str(), kind, add) {
        ("members", Kind::Group, true) => "addMembers",
        ("members", Kind::Group, false) => "removeMembers",
        ("owners", Kind::Group, true) => "addOwners",
        ("owners", Kind::Group, false) => "removeOwners",
        ("owners", Kind::Application | Kind::ServicePrincipal, _) => {
            return change_owners(control, context, id, object, add).await;
        }
        _ => {
            let short: String = list.chars().take(64).collect();
            return Err(bad(format!("Nothing can be added to '{short}' of {}.", kind.collection())));
        }
    };
    let answer = pipeline::action(control, context, &id, action, &json!({"principals": [object]})).await?;
    Ok(answer["changed"].as_array().is_some_and(|changed| !changed.is_empty()))
}

/// Owners of applications and service principals are a property; a change that came between is looked at again.
async fn change_owners(
    control: &Control,
    context: &OpContext,
    id: ResourceId,
    object: Uuid,
    add: bool,
) -> Result<bool, Error> {
    for _ in 0..pipeline::ATTEMPTS {
        let read = pipeline::get(control, context, &id, &version()).await?;
        let (resource, etag) = (read.value()?, read.etag);
        let before = resource["properties"]["owners"].as_array().cloned().unwrap_or_default();
        let own = Value::from(object.to_string());
        if before.contains(&own) == add {
            return Ok(false);
        }
        let after: Vec<Value> =
            before.into_iter().filter(|owner| *owner != own).chain(add.then(|| own.clone())).collect();
        let properties = Map::from_iter([("owners".to_owned(), Value::from(after))]);
        let unchanged = Precondition::parse(etag.map(|tag| format!("\"{tag}\"")).as_deref(), None);
        match patch(control, context, id.clone(), properties, unchanged).await {
            Err(error) if error.status == 412 => {}
            other => return other.map(|()| true),
        }
    }
    Err(pipeline::contended())
}

/// Makes a secret, which is shown this once.
pub(super) async fn add_password(
    control: &Control,
    context: &OpContext,
    kind: Kind,
    reference: &Reference,
    body: &Value,
) -> Result<Value, Error> {
    let id = writable(control, context, kind, reference).await?;
    let asked =
        if body["passwordCredential"].is_object() { &body["passwordCredential"] } else { &Value::Null };
    let answer = pipeline::action(control, context, &id, "addPassword", asked).await?;
    let mut credential = answer["credential"].clone();
    (credential["secretText"], credential["customKeyIdentifier"]) = (answer["secret"].clone(), Value::Null);
    Ok(credential)
}

/// Ends a secret.
pub(super) async fn remove_password(
    control: &Control,
    context: &OpContext,
    kind: Kind,
    reference: &Reference,
    body: &Value,
) -> Result<(), Error> {
    let id = writable(control, context, kind, reference).await?;
    let asked = json!({"keyId": body["keyId"]});
    pipeline::action(control, context, &id, "removePassword", &asked).await.map(|_| ())
}
