//! `checkAccess`, as Azure's clients ask it, and the two reports: `whoCan` and `whatCan` of `Microsoft.Bowline`.
//!
//! Everybody may ask about themselves. About others may ask who may read role assignments at the scope.

use bowline_arm::{Error, ResourceId, ResourceType, Target};
use bowline_auth::roles::Plane;
use bowline_auth::{Facts, Reason, Subject};
use serde_json::{Value, json};
use uuid::Uuid;

use super::Question;
use crate::Control;
use crate::authorization::report::Line;
use crate::authorization::{Asked, Snapshot};
use crate::context::OpContext;
use crate::pipeline::store_error;

/// The most actions of one question.
const MAX_ACTIONS: usize = 200;
/// How long an answer may be kept; a change takes effect at once, so not for long.
const TIME_TO_LIVE_MS: u32 = 1000;

pub(super) async fn answer(
    control: &Control,
    context: &OpContext,
    question: &Question<'_>,
    asked: &ResourceType,
) -> Result<Option<Value>, Error> {
    let Target::Collection { scope, .. } = question.target else { return Ok(None) };
    if !question.post {
        return Ok(None);
    }
    match asked.key() {
        "microsoft.authorization/checkaccess" => {
            check_access(control, context, scope, question.body).await.map(Some)
        }
        "microsoft.bowline/whocan" => who_can(control, context, scope, question.body).await.map(Some),
        "microsoft.bowline/whatcan" => what_can(control, context, scope, question.body).await.map(Some),
        _ => Ok(None),
    }
}

/// A member by its name in any case: Azure's clients write `Subject`, its documents `subject`.
fn member<'a>(object: &'a Value, name: &str) -> &'a Value {
    let mut members = object.as_object().into_iter().flatten();
    members.find(|(key, _)| key.eq_ignore_ascii_case(name)).map_or(&Value::Null, |(_, value)| value)
}

fn missing(what: &str, example: &str) -> Error {
    Error::bad_request("InvalidRequestContent", format!("The body has no {what}. Send {example}."))
        .with_target(what.to_owned())
}

async fn may_ask(
    control: &Control,
    context: &OpContext,
    scope: &ResourceId,
    about: Option<Uuid>,
) -> Result<(), Error> {
    if about == Some(context.actor.object_id) {
        return Ok(());
    }
    let action = "Microsoft.Authorization/roleAssignments/read";
    control.authorize(context, &Asked::new(action, scope)).await.map(|_| ())
}

async fn check_access(
    control: &Control,
    context: &OpContext,
    scope: &ResourceId,
    body: &Value,
) -> Result<Value, Error> {
    const EXAMPLE: &str = r#"{"Subject":{"Attributes":{"ObjectId":"…"}},"Actions":[{"Id":"Microsoft.X/type/verb"}],"Resource":{"Id":"/subscriptions/…"}}"#;
    let subject = member(member(body, "subject"), "attributes");
    let object_id: Uuid = member(subject, "objectId")
        .as_str()
        .and_then(|id| id.parse().ok())
        .ok_or_else(|| missing("Subject.Attributes.ObjectId", EXAMPLE))?;
    let actions = member(body, "actions").as_array().filter(|a| !a.is_empty() && a.len() <= MAX_ACTIONS);
    let actions = actions.ok_or_else(|| missing("Actions (1 to 200)", EXAMPLE))?;
    let id: ResourceId = match member(member(body, "resource"), "id").as_str() {
        Some(id) => {
            id.parse().map_err(|e| Error::bad_request("InvalidResourceId", format!("Resource.Id: {e}.")))?
        }
        None => scope.clone(),
    };
    may_ask(control, context, &id, Some(object_id)).await?;
    let snapshot = control.authorization().snapshot().await;
    let record = control.store().get(id.key()).await.map_err(|e| store_error(&e))?;
    let resource: Value = record.and_then(|r| serde_json::from_str(&r.document).ok()).unwrap_or_default();
    let groups = snapshot.groups_of(object_id);
    let subject = Subject::new(object_id, &groups);
    let kind = snapshot.principal(object_id).map(|p| p.kind.as_str());
    let facts =
        Facts { now: Some(context.now), principal_kind: kind, resource: Some(&resource), request: None };
    let value: Vec<Value> = actions
        .iter()
        .map(|action| {
            let name = member(action, "id").as_str().unwrap_or_default();
            let data = member(action, "isDataAction").as_bool().unwrap_or(false);
            let plane = if data { Plane::Data } else { Plane::Control };
            let decision = snapshot.authorizer().decide(plane, &subject, name, id.key(), &facts);
            let enabled = snapshot.principal(object_id).is_none_or(|p| p.enabled);
            let allowed = decision.allowed && enabled;
            let mut answer = json!({
                "actionId": name,
                "isDataAction": data,
                "accessDecision": if allowed { "Allowed" } else { "NotAllowed" },
                "timeToLiveInMs": TIME_TO_LIVE_MS,
            });
            if let (true, Reason::Granted { assignment, .. }) = (allowed, &decision.reason) {
                answer["roleAssignment"] = assignment_of(&snapshot, &subject, *assignment);
            }
            answer
        })
        .collect();
    Ok(json!({ "value": value }))
}

/// The assignment that decided, as checkAccess shows it.
fn assignment_of(snapshot: &Snapshot, subject: &Subject<'_>, id: Uuid) -> Value {
    let principals = std::iter::once(&subject.object_id).chain(subject.groups);
    let mut all = principals.flat_map(|principal| snapshot.authorizer().assignments_of(*principal));
    let Some(found) = all.find(|assignment| assignment.id == id) else { return Value::Null };
    let mut shown = json!({
        "id": assignment_id(&found.scope, id),
        "roleDefinitionId": snapshot.role_id(subscription_of(&found.scope), found.role),
        "principalId": found.principal,
        "principalType": snapshot.principal(found.principal).map(|p| p.kind.as_str()),
        "scope": *found.scope,
    });
    if let Some(condition) = &found.condition {
        shown["condition"] = condition.written().into();
        shown["conditionVersion"] = "2.0".into();
    }
    shown
}

fn assignment_id(scope: &str, id: Uuid) -> String {
    let scope = if scope == "/" { "" } else { scope };
    format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{id}")
}

fn subscription_of(scope: &str) -> Option<&str> {
    scope.strip_prefix("/subscriptions/")?.split('/').next()
}

async fn who_can(
    control: &Control,
    context: &OpContext,
    scope: &ResourceId,
    body: &Value,
) -> Result<Value, Error> {
    let action = member(body, "action").as_str().filter(|action| action.contains('/'));
    let action = action
        .ok_or_else(|| missing("action", r#"{"action":"Microsoft.X/type/verb","isDataAction":false}"#))?;
    may_ask(control, context, scope, None).await?;
    let data = member(body, "isDataAction").as_bool().unwrap_or(false);
    let plane = if data { Plane::Data } else { Plane::Control };
    let snapshot = control.authorization().snapshot().await;
    let value: Vec<Value> = snapshot
        .who_can(plane, action, scope.key())
        .iter()
        .map(|line| show(&snapshot, line, false))
        .collect();
    Ok(json!({"action": action, "isDataAction": data, "scope": scope.as_str(), "value": value}))
}

async fn what_can(
    control: &Control,
    context: &OpContext,
    scope: &ResourceId,
    body: &Value,
) -> Result<Value, Error> {
    let principal = match member(body, "principalId") {
        Value::Null => context.actor.object_id,
        given => given.as_str().and_then(|id| id.parse().ok()).ok_or_else(|| {
            missing("principalId that is a GUID", r#"{"principalId":"…"} or {} for yourself"#)
        })?,
    };
    may_ask(control, context, scope, Some(principal)).await?;
    let beneath = member(body, "beneath").as_bool().unwrap_or(true);
    let snapshot = control.authorization().snapshot().await;
    let value: Vec<Value> = snapshot
        .what_can(principal, scope.key(), beneath)
        .iter()
        .map(|line| show(&snapshot, line, true))
        .collect();
    Ok(json!({"principalId": principal, "scope": scope.as_str(), "value": value}))
}

fn show(snapshot: &Snapshot, line: &Line<'_>, permissions: bool) -> Value {
    let mut shown = json!({
        "principalId": line.principal,
        "principalType": line.kind.map(|kind| kind.as_str()),
        "enabled": line.enabled,
        "groups": line.path,
        "roleAssignmentId": assignment_id(line.scope, line.assignment),
        "roleDefinitionId": snapshot.role_id(subscription_of(line.scope), line.role),
        "roleName": line.role_name,
        "scope": line.scope,
        "condition": line.condition,
    });
    if let Some(permission) = line.permission {
        shown["permission"] = permission.into();
    }
    if permissions {
        shown["permissions"] = json!(line.permissions);
    }
    shown
}
