//! What of `Microsoft.Resources` and its neighbours is no plain resource: tags, namespaces, locations, features, the flat list, what happens
//! to subscriptions and management groups, and what is not served yet.

mod features;
mod management;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bowline_arm::{Error, Precondition, ResourceId, Target};
use bowline_control::context::OpContext;
use bowline_control::pipeline::{FlatRequest, WriteRequest, list_flat, rehearse};
use bowline_control::{locations, namespaces, tags};
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Value, json};

use super::arm::{json_response, next_link, not_allowed};
use super::body::{optional_body, required_body};
use super::call::Call;
use super::{State, activity};

/// One request: who asks for what; the body is read by whoever wants it.
pub(super) struct Asked<'a> {
    pub(super) state: &'a State,
    pub(super) context: &'a OpContext,
    pub(super) call: &'a Call,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: &'a mut Option<Body>,
}

impl Asked<'_> {
    pub(super) async fn required_body(&mut self) -> Result<Value, Error> {
        required_body(self.headers, self.body.take().unwrap_or_default()).await
    }

    pub(super) async fn optional_body(&mut self) -> Result<Value, Error> {
        optional_body(self.headers, self.body.take().unwrap_or_default()).await
    }
}

pub(super) fn ok(value: &Value) -> Response {
    json_response(StatusCode::OK, value)
}

/// Answers what is no plain resource; none when it is one.
pub(super) async fn answer(mut asked: Asked<'_>) -> Result<Option<Response>, Error> {
    let call = asked.call;
    refuse_deployments(&call.target)?;
    let (key, namespace) = match &call.target {
        Target::Resource(id) | Target::Action { resource: id, .. } => {
            (id.resource_type().key(), id.resource_type())
        }
        Target::Collection { resource_type, .. } => (resource_type.key(), resource_type),
    };
    match namespace.namespace().to_ascii_lowercase().as_str() {
        "microsoft.insights" => {
            if let Some(answer) = activity::answer(&mut asked).await? {
                return Ok(Some(answer));
            }
        }
        "microsoft.bowline" => {
            if let Some(answer) = activity::answer_raw(&mut asked).await? {
                return Ok(Some(answer));
            }
        }
        "microsoft.features" => {
            if let Some(answer) = features::answer(&mut asked).await? {
                return Ok(Some(answer));
            }
        }
        "microsoft.management" | "microsoft.subscription" => {
            if let Some(answer) = management::answer(&mut asked).await? {
                return Ok(Some(answer));
            }
        }
        _ => {}
    }
    match &call.target {
        Target::Resource(id) => resource(&mut asked, id, key).await,
        Target::Collection { scope, .. } => collection(&mut asked, scope, key).await,
        Target::Action { resource, name } => action(&mut asked, resource, name).await,
    }
}

async fn resource(asked: &mut Asked<'_>, id: &ResourceId, key: &str) -> Result<Option<Response>, Error> {
    let control = &asked.state.control;
    if let Some(scope) = tags::scope_of(id) {
        return tags_of(asked, &scope).await.map(Some);
    }
    if key.starts_with("microsoft.resources/tagnames") {
        return tag_name(asked, id).await.map(Some);
    }
    if key == "microsoft.authorization/provideroperations" && asked.call.method == Method::GET {
        let name = namespaces::check(control, id.name())?;
        return Ok(Some(ok(&namespaces::provider_operations(control, &name))));
    }
    Ok(None)
}

async fn collection(asked: &mut Asked<'_>, scope: &ResourceId, key: &str) -> Result<Option<Response>, Error> {
    let (control, context) = (&asked.state.control, asked.context);
    let (namespace, kind) = key.split_once('/').unwrap_or((key, ""));
    if asked.call.method == Method::POST {
        return match kind {
            "register" | "unregister" => {
                let on = kind == "register";
                Ok(Some(ok(&namespaces::register(control, context, scope, namespace, on).await?)))
            }
            "checkresourcename" if namespace == "microsoft.resources" => {
                let body = asked.required_body().await?;
                Ok(Some(ok(&namespaces::check_resource_name(control, &body)?)))
            }
            _ => Ok(None),
        };
    }
    if asked.call.method != Method::GET {
        return Ok(None);
    }
    if let Some(namespace) = key.strip_prefix("microsoft.resources/providers/") {
        return Ok(Some(ok(&namespaces::get(control, scope, namespace).await?)));
    }
    let value = match key {
        "microsoft.resources/tagnames" => tags::names(control, context, scope).await?,
        "microsoft.resources/providers" => json!({"value": namespaces::list(control, scope).await?}),
        "microsoft.resources/locations" => locations::list(control, context, scope).await?,
        "microsoft.resources/resources" => return flat(asked, scope).await.map(Some),
        "microsoft.authorization/provideroperations" => namespaces::all_provider_operations(control),
        _ if kind == "operations" && scope.key() == "/" => namespaces::operations(control, namespace)?,
        _ if kind == "providerpermissions" => namespaces::permissions(control, scope, namespace).await?,
        _ if kind == "resourcetypes" => namespaces::resource_types(control, namespace).await?,
        _ => return Ok(None),
    };
    Ok(Some(ok(&value)))
}

/// The flat list of resources across types.
async fn flat(asked: &mut Asked<'_>, scope: &ResourceId) -> Result<Response, Error> {
    let call = asked.call;
    let text = |name: &str| call.parameter(name).filter(|v| !v.is_empty()).map(str::to_owned);
    let request = FlatRequest {
        scope: scope.clone(),
        filter: text("$filter"),
        expand: text("$expand"),
        top: call.top()?,
        skip_token: text("$skiptoken"),
    };
    let (value, next) = list_flat(&asked.state.control, asked.context, request).await?;
    let mut page = json!({ "value": value });
    if let Some(next) = next {
        page["nextLink"] = next_link(asked.state, call, &next).into();
    }
    Ok(ok(&page))
}

/// Actions that are none of their type's provider.
async fn action(asked: &mut Asked<'_>, on: &ResourceId, name: &str) -> Result<Option<Response>, Error> {
    match on.resource_type().key() {
        "microsoft.resources/resourcegroups" => group_action(on, name),
        "microsoft.authorization/roleassignments" if name.eq_ignore_ascii_case("validate") => {
            would_be_assigned(asked, on).await.map(Some)
        }
        _ => Ok(None),
    }
}

/// Whether a PUT of a role assignment would be accepted. Who may not write it learns no more than that.
async fn would_be_assigned(asked: &mut Asked<'_>, id: &ResourceId) -> Result<Response, Error> {
    let body = asked.required_body().await?;
    let request = WriteRequest {
        id: id.clone(),
        version: asked.call.version.clone(),
        body,
        precondition: Precondition::default(),
    };
    let answer = match rehearse(&asked.state.control, asked.context, request).await {
        Ok(()) => json!({"isValid": true}),
        Err(error) if error.status >= 500 || matches!(error.status, 401 | 403) => return Err(error),
        Err(error) => json!({"isValid": false, "errorInfo": {"code": error.code, "message": error.message}}),
    };
    Ok(ok(&answer))
}

/// What clients do with a group and its resources as a whole, and this release does not.
fn group_action(group: &ResourceId, name: &str) -> Result<Option<Response>, Error> {
    match name.to_ascii_lowercase().as_str() {
        "moveresources" | "validatemoveresources" => Err(Error::conflict(
            "ResourceMoveNotSupported",
            "Resources cannot be moved to another group by this release of Bowline: an agent is bound to the id of its resource. \
             Create the resource in the other group by running connect there, then delete this one.",
        )),
        "exporttemplate" => Err(Error::conflict(
            "ExportTemplateNotSupported",
            format!(
                "Templates are not served by this release of Bowline, so none can be exported. List the resources instead: GET {group}/resources."
            ),
        )),
        _ => Ok(None),
    }
}

async fn tags_of(asked: &mut Asked<'_>, scope: &ResourceId) -> Result<Response, Error> {
    let control = &asked.state.control;
    let value = match asked.call.method {
        Method::GET | Method::HEAD => tags::get(control, asked.context, scope).await?,
        Method::PUT | Method::PATCH => {
            let body = asked.required_body().await?;
            let patch = asked.call.method == Method::PATCH;
            tags::change(control, asked.context, scope, Some(&body), patch).await?
        }
        Method::DELETE => {
            tags::change(control, asked.context, scope, None, false).await?;
            return Ok(StatusCode::OK.into_response());
        }
        _ => return Err(not_allowed(asked.call)),
    };
    Ok(ok(&value))
}

/// PUT and DELETE of a tag's name or value that is written down before it is used.
async fn tag_name(asked: &mut Asked<'_>, id: &ResourceId) -> Result<Response, Error> {
    let segments: Vec<&str> = id.segments().collect();
    let [_, subscription, _, _, _, name, rest @ ..] = segments.as_slice() else {
        return Err(not_allowed(asked.call));
    };
    let subscription = ResourceId::subscription_scope(subscription).map_err(Error::internal)?;
    let keep = match asked.call.method {
        Method::PUT => true,
        Method::DELETE => false,
        _ => return Err(not_allowed(asked.call)),
    };
    let value = rest.get(1).copied();
    let (news, answer) =
        tags::note(&asked.state.control, asked.context, &subscription, name, value, keep).await?;
    Ok(match (keep, news) {
        (true, true) => json_response(StatusCode::CREATED, &answer),
        (true, false) => ok(&answer),
        (false, true) => StatusCode::OK.into_response(),
        (false, false) => StatusCode::NO_CONTENT.into_response(),
    })
}

/// Template deployments come with a later release; until then every one of their routes says so, in one way.
fn refuse_deployments(target: &Target) -> Result<(), Error> {
    let asked = match target {
        Target::Resource(id) | Target::Action { resource: id, .. } => id.resource_type(),
        Target::Collection { resource_type, .. } => resource_type,
    };
    let name = asked.key().strip_prefix("microsoft.resources/").and_then(|rest| rest.split('/').next());
    let what = match name {
        Some("deployments" | "calculatetemplatehash") => "Template deployments",
        Some("deploymentstacks") => "Deployment stacks",
        Some("deploymentscripts") => "Deployment scripts",
        Some("templatespecs") => "Template specs",
        _ => return Ok(()),
    };
    Err(Error::new(
        404,
        "DeploymentsNotServedYet",
        format!(
            "{what} are not served by this release of Bowline; they come with a later one. Until then create the resources themselves: PUT each of them, or use 'az resource create' or 'bowline resource'."
        ),
    ))
}
