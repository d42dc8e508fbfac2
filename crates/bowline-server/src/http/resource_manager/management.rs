//! `Microsoft.Management` and `Microsoft.Subscription`: the tree, and what happens to subscriptions.

use axum::response::{IntoResponse, Response};
use bowline_arm::{Error, ResourceId, Target};
use bowline_control::management_groups::{self, Expand};
use bowline_control::pipeline::{self, WriteRequest, Written};
use bowline_control::subscriptions;
use http::{Method, StatusCode};
use serde_json::json;

use super::super::arm::{json_response, not_allowed, precondition, set_etag};
use super::{Asked, ok};

const GROUPS: &str = "microsoft.management/managementgroups";
const MEMBERS: &str = "microsoft.management/managementgroups/subscriptions";
const ALIASES: &str = "microsoft.subscription/aliases";

pub(super) async fn answer(asked: &mut Asked<'_>) -> Result<Option<Response>, Error> {
    match &asked.call.target {
        Target::Resource(id) => match id.resource_type().key() {
            GROUPS => group(asked, id).await,
            MEMBERS => member(asked, id).await.map(Some),
            ALIASES if asked.call.method == Method::PUT => alias(asked, id).await.map(Some),
            _ => Ok(None),
        },
        Target::Collection { scope, resource_type } => collection(asked, scope, resource_type.key()).await,
        Target::Action { .. } => Ok(None),
    }
}

async fn group(asked: &mut Asked<'_>, id: &ResourceId) -> Result<Option<Response>, Error> {
    let call = asked.call;
    match call.method {
        Method::GET => {
            let expand = Expand::parse(call.parameter("$expand"), call.parameter("$recurse"));
            let control = &asked.state.control;
            let (body, etag) =
                management_groups::show(control, asked.context, id, &call.version, expand).await?;
            let mut response = ok(&body);
            set_etag(&mut response, etag.as_deref());
            Ok(Some(response))
        }
        Method::PATCH => {
            let body = management_groups::patch_body(&asked.required_body().await?);
            let request = write_request(asked, id, body);
            Ok(Some(written(pipeline::patch(&asked.state.control, asked.context, request).await?)))
        }
        _ => Ok(None),
    }
}

fn write_request(asked: &Asked<'_>, id: &ResourceId, body: serde_json::Value) -> WriteRequest {
    let version = asked.call.version.clone();
    WriteRequest { id: id.clone(), version, body, precondition: precondition(asked.headers) }
}

fn written(written: Written) -> Response {
    let status = StatusCode::from_u16(written.status).unwrap_or(StatusCode::OK);
    let mut response = json_response(status, &written.body);
    set_etag(&mut response, Some(&written.etag));
    response
}

/// A subscription as a member of a group.
async fn member(asked: &mut Asked<'_>, id: &ResourceId) -> Result<Response, Error> {
    let (control, context) = (&asked.state.control, asked.context);
    match asked.call.method {
        Method::GET => Ok(ok(&management_groups::show_subscription(control, context, id).await?)),
        Method::PUT => Ok(ok(&management_groups::add_subscription(control, context, id).await?)),
        Method::DELETE => {
            let gone = management_groups::remove_subscription(control, context, id).await?;
            Ok(if gone { StatusCode::OK } else { StatusCode::NO_CONTENT }.into_response())
        }
        _ => Err(not_allowed(asked.call)),
    }
}

async fn alias(asked: &mut Asked<'_>, id: &ResourceId) -> Result<Response, Error> {
    let body = asked.required_body().await?;
    let request = write_request(asked, id, body);
    Ok(written(subscriptions::put_alias(&asked.state.control, asked.context, request).await?))
}

async fn collection(asked: &mut Asked<'_>, scope: &ResourceId, key: &str) -> Result<Option<Response>, Error> {
    let (state, context) = (asked.state, asked.context);
    let control = &state.control;
    let value = match (&asked.call.method, key) {
        (&Method::GET, "microsoft.management/managementgroups/descendants") => {
            management_groups::descendants(control, context, scope).await?
        }
        (&Method::GET, MEMBERS) => management_groups::list_subscriptions(control, context, scope).await?,
        (&Method::POST, "microsoft.management/getentities") => {
            management_groups::entities(control, context).await
        }
        (&Method::POST, "microsoft.management/checknameavailability") => {
            let body = asked.required_body().await?;
            management_groups::check_name(control, &body).await?
        }
        (
            &Method::POST,
            "microsoft.management/starttenantbackfill" | "microsoft.management/tenantbackfillstatus",
        ) => {
            json!({"tenantId": control.tenant().to_string(), "status": "Completed"})
        }
        (
            &Method::POST,
            "microsoft.subscription/cancel"
            | "microsoft.subscription/enable"
            | "microsoft.subscription/rename",
        ) => {
            let verb = key.rsplit('/').next().unwrap_or_default();
            let body = asked.optional_body().await?;
            subscriptions::act(control, context, scope, verb, &body).await?
        }
        _ => return Ok(None),
    };
    Ok(Some(ok(&value)))
}
