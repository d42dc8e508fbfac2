//! The activity log over HTTP: Azure's `Microsoft.Insights/eventtypes/management/values`, and the log as it is kept.

use axum::response::Response;
use bowline_arm::{Error, ResourceId, Target};
use bowline_control::activity::audit;
use bowline_control::activity::read::{self, Question};
use http::Method;
use serde_json::json;

use super::arm::next_link;
use super::resource_manager::{Asked, ok};

/// Entries of one page of the log as it is kept.
const MOST_RAW: u32 = 1000;
/// Statements of one answer.
const MOST_STATEMENTS: usize = 5000;

/// Answers what is about the log; none when it is about something else.
pub(super) async fn answer(asked: &mut Asked<'_>) -> Result<Option<Response>, Error> {
    let Target::Collection { scope, resource_type } = &asked.call.target else { return Ok(None) };
    if asked.call.method != Method::GET {
        return Ok(None);
    }
    match resource_type.key() {
        "microsoft.insights/eventtypes/values" => values(asked, scope).await.map(Some),
        "microsoft.insights/eventcategories" => Ok(Some(ok(&read::categories()))),
        _ => Ok(None),
    }
}

async fn values(asked: &mut Asked<'_>, events: &ResourceId) -> Result<Response, Error> {
    if !events.name().eq_ignore_ascii_case("management") {
        return Err(Error::resource_not_found(events.as_str()));
    }
    let call = asked.call;
    let text = |name: &str| call.parameter(name).filter(|v| !v.is_empty()).map(str::to_owned);
    let question = Question {
        scope: events.parent().unwrap_or_else(ResourceId::root),
        filter: text("$filter"),
        select: text("$select"),
        skip_token: text("$skiptoken"),
    };
    let (value, next) = read::list(&asked.state.control, asked.context, question).await?;
    let mut page = json!({ "value": value });
    if let Some(next) = next {
        page["nextLink"] = next_link(asked.state, call, &next).into();
    }
    Ok(ok(&page))
}

/// `Microsoft.Bowline/auditEntries` and `auditStatements`: the log as it is kept and what was signed about it, for `bowline audit verify`.
pub(super) async fn answer_raw(asked: &mut Asked<'_>) -> Result<Option<Response>, Error> {
    let Target::Collection { scope, resource_type } = &asked.call.target else { return Ok(None) };
    if asked.call.method != Method::GET || scope.key() != "/" {
        return Ok(None);
    }
    match resource_type.key() {
        "microsoft.bowline/auditentries" => entries(asked).await.map(Some),
        "microsoft.bowline/auditstatements" => statements(asked).await.map(Some),
        _ => Ok(None),
    }
}

async fn entries(asked: &mut Asked<'_>) -> Result<Response, Error> {
    let (control, call) = (&asked.state.control, asked.call);
    control.authorization().snapshot().await.require(asked.context, audit::READ, "/")?;
    let after = match call.parameter("$skiptoken") {
        None => 0,
        Some(text) => text.parse().map_err(|_| {
            Error::bad_request("InvalidSkipToken", "$skipToken is the number of an entry.")
                .with_target("$skipToken")
        })?,
    };
    let found = control.store().activity_chain(after, MOST_RAW).await;
    let found = found
        .map_err(|error| Error::unavailable("The log cannot be read right now.", 2).with_context(error))?;
    let mut page = json!({ "value": found });
    if let Some(last) = found.last().filter(|_| found.len() == MOST_RAW as usize) {
        page["nextLink"] = next_link(asked.state, call, &last.seq.to_string()).into();
    }
    Ok(ok(&page))
}

async fn statements(asked: &mut Asked<'_>) -> Result<Response, Error> {
    let control = &asked.state.control;
    control.authorization().snapshot().await.require(asked.context, audit::READ, "/")?;
    let Some(auditor) = control.auditor() else {
        // A server that is just starting has signed nothing yet.
        return Ok(ok(&json!({"value": [], "keys": []})));
    };
    let value = auditor.statements(control).await;
    let value = value
        .map_err(|error| Error::unavailable("What was signed cannot be read.", 2).with_context(error))?;
    // The newest heads say all that older ones do.
    let value = &value[value.len().saturating_sub(MOST_STATEMENTS)..];
    Ok(ok(&json!({"value": value, "keys": [auditor.jwk()]})))
}
