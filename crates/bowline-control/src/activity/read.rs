//! `Microsoft.Insights/eventtypes/management/values`: the log of a subscription or of the tenant, newest first, in pages.
//!
//! # Design notes
//! One page reads at most [`MOST_READ`] entries, however few of them match: a page may be short or empty and still have a next one, as in Azure.

use bowline_arm::{Error, Filter, Operator, ResourceId};
use bowline_store::ActivityQuery;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::event::Event;
use crate::Control;
use crate::context::OpContext;
use crate::pipeline::{parse_filter, question_of, start, store_error};

/// What it takes to read an entry, at the resource that it is about.
pub const READ: &str = "Microsoft.Insights/eventtypes/values/read";
/// The entries of one page.
const PAGE: usize = 200;
/// The entries that one request looks at.
const MOST_READ: u32 = 10_000;
/// The entries that one question to the store brings.
const BATCH: u32 = 1000;
/// How far back a question goes that does not say it.
const USUAL_RANGE: SignedDuration = SignedDuration::from_hours(90 * 24);

/// What the log answers questions about.
const FIELDS: [&str; 10] = [
    "resourcegroupname",
    "resourceuri",
    "resourceid",
    "resourceprovider",
    "resourcetype",
    "correlationid",
    "caller",
    "status",
    "operations",
    "eventchannels",
];

/// A question as it arrived.
pub struct Question {
    /// The subscription, or the root: then what lies in no subscription.
    pub scope: ResourceId,
    /// `$filter`.
    pub filter: Option<String>,
    /// `$select`.
    pub select: Option<String>,
    /// `$skipToken`.
    pub skip_token: Option<String>,
}

/// A page of the log and the token of the next one.
///
/// # Errors
/// `AuthorizationFailed`, `InvalidFilter`, or when the store cannot be read.
pub async fn list(
    control: &Control,
    context: &OpContext,
    asked: Question,
) -> Result<(Vec<Value>, Option<String>), Error> {
    let (range, filter) = read_filter(asked.filter.as_deref(), context.now)?;
    let snapshot = control.authorization().snapshot().await;
    let mask = snapshot.scopes(context, READ);
    if mask.as_ref().is_some_and(|mask| !mask.reaches(asked.scope.key())) {
        return Err(Error::forbidden(&context.actor.name, READ, asked.scope.key()));
    }
    let question = question_of(&asked.scope, "activity", asked.filter.as_deref(), context);
    let (after, head, until) = start(control, asked.skip_token.as_deref(), &question).await?;
    let mut before = after.as_deref().and_then(read_place).unwrap_or((range.1, u64::MAX));
    let tenant = asked.scope.key() == "/";
    let below = format!("{}/", asked.scope.key());
    let visible = |key: &str| {
        let inside = match tenant {
            true => !key.starts_with("/subscriptions/"),
            false => key == asked.scope.key() || key.starts_with(&below),
        };
        inside && mask.as_ref().is_none_or(|mask| mask.contains(key))
    };
    let (mut page, mut looked) = (Vec::new(), 0);
    while looked < MOST_READ {
        let query = ActivityQuery { from: range.0, before, limit: BATCH };
        let batch = control.store().activity(&query).await.map_err(|e| store_error(&e))?;
        let end = batch.len() < BATCH as usize;
        looked += BATCH;
        for entry in batch {
            before = (Timestamp::from_microsecond(entry.time).unwrap_or(range.0), entry.seq);
            let event = visible(&entry.key).then(|| Event::new(entry)).flatten();
            if let Some(event) = event.filter(|event| filter.matches(event)) {
                page.push(select(event.render(control), asked.select.as_deref()));
                if page.len() == PAGE {
                    return Ok((page, Some(control.next(place(before), head, until, question)?)));
                }
            }
        }
        if end {
            return Ok((page, None));
        }
    }
    Ok((page, Some(control.next(place(before), head, until, question)?)))
}

/// The categories of events.
#[must_use]
pub fn categories() -> Value {
    json!({"value": [{"value": "Administrative", "localizedValue": "Administrative"}]})
}

fn place((time, seq): (Timestamp, u64)) -> String {
    format!("{}/{seq}", time.as_microsecond())
}

fn read_place(text: &str) -> Option<(Timestamp, u64)> {
    let (time, seq) = text.split_once('/')?;
    Some((Timestamp::from_microsecond(time.parse().ok()?).ok()?, seq.parse().ok()?))
}

fn refuse(why: impl Into<String>) -> Error {
    Error::bad_request("InvalidFilter", why).with_target("$filter")
}

/// The range of times, and what else is asked.
fn read_filter(text: Option<&str>, now: Timestamp) -> Result<((Timestamp, Timestamp), Filter), Error> {
    let filter = parse_filter(text, &[])?;
    let (mut from, mut to) = (None, None);
    let mut rest = Vec::new();
    for part in filter.conjuncts() {
        match part {
            Filter::Compare(compare) if compare.field == "eventtimestamp" => {
                let time = read_time(compare.value.as_deref().unwrap_or_default())?;
                match compare.operator {
                    Operator::Ge | Operator::Gt => from = Some(time),
                    Operator::Le | Operator::Lt => to = Some(time),
                    _ => return Err(refuse("Compare eventTimestamp with ge and le.")),
                }
            }
            other => rest.push(other.clone()),
        }
    }
    let rest = if rest.is_empty() { Filter::Everything } else { Filter::And(rest) };
    if !rest.asks_only(&FIELDS) {
        return Err(refuse(
            "The activity log can be asked for eventTimestamp (ge, le) and, with eq, for resourceGroupName, resourceUri, resourceProvider, resourceType, correlationId, caller, status and operations.",
        ));
    }
    let to = to.unwrap_or(now);
    let from = from.unwrap_or_else(|| to.saturating_sub(USUAL_RANGE).unwrap_or(Timestamp::MIN));
    if from > to {
        return Err(refuse(format!("The range ends ({to}) before it begins ({from}).")));
    }
    Ok(((from, to), rest))
}

/// A time with its offset, or without one: then in UTC, as azure-cli means it.
fn read_time(text: &str) -> Result<Timestamp, Error> {
    let civil = || text.parse::<jiff::civil::DateTime>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
    text.parse().ok().or_else(|| civil().map(|zoned| zoned.timestamp())).ok_or_else(|| {
        refuse(format!("'{text}' is no time. Write eventTimestamp ge '2026-11-23T00:00:00Z'."))
    })
}

/// Only the members that were asked for.
fn select(event: Value, wanted: Option<&str>) -> Value {
    let (Some(wanted), Value::Object(members)) = (wanted.filter(|w| !w.trim().is_empty()), &event) else {
        return event;
    };
    let wanted: Vec<&str> = wanted.split(',').map(str::trim).collect();
    let chosen = members.iter().filter(|(name, _)| wanted.iter().any(|w| w.eq_ignore_ascii_case(name)));
    Value::Object(chosen.map(|(name, value)| (name.clone(), value.clone())).collect::<Map<_, _>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-11-23T12:00:00Z";

    #[test]
    fn filters_of_real_clients_are_read() {
        let now: Timestamp = NOW.parse().unwrap();
        let read = |text: &str| read_filter(Some(text), now).unwrap();
        // azure-cli writes no quotes and no zone, the SDKs' examples both.
        let cli = read(
            "eventTimestamp ge 2026-11-23T05:00:00.123456 and eventTimestamp le 2026-11-23T11:00:00 and caller eq 'admin'",
        );
        let sdk = read(
            "eventTimestamp ge '2026-11-23T05:00:00.123456Z' and eventTimestamp le '2026-11-23T11:00:00Z' and caller eq 'admin'",
        );
        assert_eq!(cli, sdk);
        assert_eq!(cli.0.0.to_string(), "2026-11-23T05:00:00.123456Z");
        assert_eq!(read("").1, Filter::Everything);
        assert_eq!(read("status eq 'Failed'").0, (now - USUAL_RANGE, now));
        for wrong in [
            "eventTimestamp ge 'yesterday'",
            "eventTimestamp eq '2026-11-23T05:00:00Z'",
            "color eq 'red'",
            "eventTimestamp ge '2026-11-23T05:00:00Z' and eventTimestamp le '2026-11-22T05:00:00Z'",
            "eventTimestamp ge '2026-11-23T05:00:00Z' or caller eq 'x'",
        ] {
            assert!(read_filter(Some(wrong), now).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_selection_keeps_what_was_asked_for() {
        let event = json!({"caller": "a", "status": 1, "level": 2});
        assert_eq!(select(event.clone(), Some("Caller , level")), json!({"caller": "a", "level": 2}));
        assert_eq!(select(event.clone(), None), event);
    }
}
