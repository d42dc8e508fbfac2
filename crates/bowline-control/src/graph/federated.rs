//! `applications/{id}/federatedIdentityCredentials`: whose tokens stand for an application, as `az ad app federated-credential` and Terraform write it.
//!
//! A credential is found by its `id` or its name, as in Graph.

use bowline_arm::{Error, Precondition, ResourceId};
use serde_json::{Map, Value, json};

use super::object::{Kind, select};
use super::reference::{Reference, locate};
use super::{Call, Page, Question, Reply, bad, not_found, version};
use crate::Control;
use crate::context::OpContext;
use crate::pipeline::{self, ListRequest, WriteRequest};

const TYPE: &str = "Microsoft.Bowline/applications/federatedIdentityCredentials";
const COLLECTION: &str = "federatedIdentityCredentials";
/// What a body may set beside the name.
const MEMBERS: [&str; 4] = ["issuer", "subject", "audiences", "description"];

/// What stands in the parentheses of the collection's segment, if there are any; none for another segment.
pub(super) fn key_of(segment: &str) -> Option<Option<String>> {
    let (collection, key) = match segment.split_once('(') {
        Some((collection, rest)) => (collection, Some(rest.strip_suffix(')')?)),
        None => (segment, None),
    };
    if !collection.eq_ignore_ascii_case(COLLECTION) {
        return None;
    }
    Some(key.map(|key| key.trim_start_matches("name=").trim_matches('\'').to_owned()))
}

/// Answers a request on the credentials of an application.
pub(super) async fn answer(
    control: &Control,
    context: &OpContext,
    call: &Call<'_>,
    application: &Reference,
    key: Option<String>,
    rest: &[&str],
) -> Result<Reply, Error> {
    let application = locate(control, context, Kind::Application, application).await?;
    let key = match (key, rest) {
        (key, []) => key,
        (None, [key]) => Some((*key).to_owned()),
        _ => return Err(super::no_such_method(call)),
    };
    match (call.method, key) {
        ("GET", None) => {
            let mut value: Vec<Value> = all(control, context, &application).await?.iter().map(show).collect();
            let count = call.question.count.then_some(value.len());
            value.iter_mut().for_each(|object| select(object, &call.question.select));
            Ok(Reply::Page(COLLECTION, Page { value, count, ..Page::default() }))
        }
        ("POST", None) => {
            let made = create(control, context, &application, &call.body).await?;
            Ok(Reply::Created(COLLECTION, show(&made)))
        }
        ("GET", Some(key)) => {
            let mut object = show(&find(control, context, &application, &key).await?);
            let Question { select: wanted, .. } = &call.question;
            select(&mut object, wanted);
            Ok(Reply::Object(COLLECTION, object))
        }
        ("PATCH", Some(key)) => {
            update(control, context, &application, &key, &call.body).await.map(|()| Reply::Nothing)
        }
        ("DELETE", Some(key)) => {
            let id = id_of(&find(control, context, &application, &key).await?)?;
            pipeline::delete(control, context, &id, &Precondition::default()).await.map(|_| Reply::Nothing)
        }
        _ => Err(super::no_such_method(call)),
    }
}

fn show(credential: &Value) -> Value {
    let properties = &credential["properties"];
    json!({
        "id": properties["objectId"], "name": credential["name"], "issuer": properties["issuer"], "subject": properties["subject"],
        "description": properties["description"], "audiences": properties["audiences"],
    })
}

fn id_of(credential: &Value) -> Result<ResourceId, Error> {
    credential["id"].as_str().unwrap_or_default().parse().map_err(Error::internal)
}

fn child(application: &ResourceId, name: &str) -> Option<ResourceId> {
    format!("{application}/{COLLECTION}/{name}").parse().ok()
}

/// All of an application; there are few.
async fn all(control: &Control, context: &OpContext, application: &ResourceId) -> Result<Vec<Value>, Error> {
    let request = ListRequest {
        scope: application.clone(),
        resource_type: bowline_arm::ResourceType::new(TYPE),
        version: version(),
        filter: None,
        top: None,
        skip_token: None,
    };
    pipeline::list(control, context, request).await?.values()
}

async fn find(
    control: &Control,
    context: &OpContext,
    application: &ResourceId,
    key: &str,
) -> Result<Value, Error> {
    let means = |credential: &Value| {
        [&credential["properties"]["objectId"], &credential["name"]]
            .iter()
            .any(|known| known.as_str().is_some_and(|known| known.eq_ignore_ascii_case(key)))
    };
    let all = all(control, context, application).await?;
    all.into_iter().find(means).ok_or_else(|| not_found(key))
}

fn properties(body: &Value) -> Result<Map<String, Value>, Error> {
    let body = body.as_object().ok_or_else(|| bad("The body must be a JSON object."))?;
    let set = body.iter().filter(|(name, _)| MEMBERS.contains(&name.as_str()));
    Ok(set.map(|(name, value)| (name.clone(), value.clone())).collect())
}

async fn create(
    control: &Control,
    context: &OpContext,
    application: &ResourceId,
    body: &Value,
) -> Result<Value, Error> {
    let name = body["name"].as_str().unwrap_or_default();
    let id = child(application, name).filter(|_| !name.is_empty()).ok_or_else(|| {
        bad("A value is required for property 'name': 3 to 120 letters, digits, '-' and '_'.")
    })?;
    let request = WriteRequest {
        id,
        version: version(),
        body: json!({ "properties": properties(body)? }),
        precondition: Precondition::parse(None, Some("*")),
    };
    let written = pipeline::put(control, context, request).await.map_err(|error| match error.status {
        412 => Error::conflict(
            "Conflict",
            format!("The application has a credential with the name '{name}' already."),
        ),
        _ => error,
    })?;
    Ok(written.body)
}

async fn update(
    control: &Control,
    context: &OpContext,
    application: &ResourceId,
    key: &str,
    body: &Value,
) -> Result<(), Error> {
    let credential = find(control, context, application, key).await?;
    if body["name"].as_str().is_some_and(|name| credential["name"] != name) {
        return Err(bad("The name of a federated identity credential cannot be changed."));
    }
    let request = WriteRequest {
        id: id_of(&credential)?,
        version: version(),
        body: json!({ "properties": properties(body)? }),
        precondition: Precondition::default(),
    };
    pipeline::patch(control, context, request).await.map(|_| ())
}
