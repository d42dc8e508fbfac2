//! Functions of moments and lengths of time.

pub(super) mod calendar;
mod format;
mod parts;
mod zones;

use bowline_kql::value::{DAY, SECOND, UNIX_EPOCH};
use bowline_kql::{Type, Value};

use super::Call;
use crate::compare;
use crate::eval::Evaluated;

/// The last tick of the year 9999.
pub(crate) const LAST: i64 = 3_155_378_975_999_999_999;

pub(super) fn call(name: &str, call: &Call<'_>) -> Option<Evaluated> {
    moments(name, call)
        .map(Ok)
        .or_else(|| parts::call(name, call))
        .or_else(|| format::call(name, call))
        .or_else(|| zones::call(name, call))
}

fn moments(name: &str, call: &Call<'_>) -> Option<Value> {
    let now = call.run.moment.now;
    let found = match name {
        "now" => now.checked_add(call.timespan(0).unwrap_or(0)),
        "ago" => call.timespan(0).and_then(|back| now.checked_sub(back)),
        "unixtime_seconds_todatetime" => since_epoch(call.value(0), SECOND as f64),
        "unixtime_milliseconds_todatetime" => since_epoch(call.value(0), SECOND as f64 / 1e3),
        "unixtime_microseconds_todatetime" => since_epoch(call.value(0), 10.0),
        "unixtime_nanoseconds_todatetime" => since_epoch(call.value(0), 0.01),
        "make_datetime" => match call.values.len() {
            1 => return Some(call.or_null(crate::convert::cast(call.value(0), Type::Datetime))),
            _ => made(call),
        },
        "make_timespan" => return Some(make_timespan(call)),
        _ => {
            let (edge, part) = edge(name)?;
            let moved =
                call.datetime(0).and_then(|ticks| calendar::start(part, ticks, call.long(1).unwrap_or(0)));
            match edge {
                Edge::Start => moved,
                Edge::End => moved.and_then(|start| calendar::add(part, 1, start)).map(|next| next - 1),
            }
        }
    };
    Some(moment(found))
}

#[derive(Clone, Copy)]
enum Edge {
    Start,
    End,
}

fn edge(name: &str) -> Option<(Edge, calendar::Part)> {
    use calendar::Part::{Day, Month, Week, Year};
    Some(match name {
        "startofday" => (Edge::Start, Day),
        "startofweek" => (Edge::Start, Week),
        "startofmonth" => (Edge::Start, Month),
        "startofyear" => (Edge::Start, Year),
        "endofday" => (Edge::End, Day),
        "endofweek" => (Edge::End, Week),
        "endofmonth" => (Edge::End, Month),
        "endofyear" => (Edge::End, Year),
        _ => return None,
    })
}

/// A moment, or null where it is none.
fn moment(ticks: Option<i64>) -> Value {
    ticks.filter(|ticks| (0..=LAST).contains(ticks)).map_or(Value::Null(Type::Datetime), Value::Datetime)
}

#[expect(clippy::cast_possible_truncation, reason = "a moment outside of the calendar is refused afterwards")]
fn since_epoch(value: &Value, unit: f64) -> Option<i64> {
    let ticks = match value.as_long() {
        Some(whole) if unit >= 1.0 => whole.checked_mul(unit as i64)?,
        Some(whole) => whole / (1.0 / unit).round() as i64,
        None => (compare::real(value)? * unit).round() as i64,
    };
    UNIX_EPOCH.checked_add(ticks)
}

#[expect(clippy::cast_possible_truncation, reason = "what is too large is no date")]
fn made(call: &Call<'_>) -> Option<i64> {
    let part = |index: usize, least: i64| match call.values.get(index) {
        None => Some(least),
        Some(value) => compare::real(value).map(|value| value as i64),
    };
    let seconds = call.values.get(5).map_or(Some(0.0), compare::real)?;
    let date = calendar::date(part(0, 1)?, part(1, 1)?, part(2, 1)?)?;
    let (hour, minute) = (part(3, 0)?, part(4, 0)?);
    if !(0..24).contains(&hour) || !(0..60).contains(&minute) || !(0.0..60.0).contains(&seconds) {
        return None;
    }
    Some(date + (hour * 60 + minute) * 60 * SECOND + (seconds * SECOND as f64).round() as i64)
}

#[expect(clippy::cast_possible_truncation, reason = "checked before")]
fn make_timespan(call: &Call<'_>) -> Value {
    let count = call.values.len();
    if count == 1 {
        return call.or_null(crate::convert::cast(call.value(0), Type::Timespan));
    }
    let part = |index: usize| call.values.get(index).and_then(compare::real);
    // Days come first only where there are four.
    let (days, at) = if count == 4 { (part(0), 1) } else { (Some(0.0), 0) };
    let seconds = if count > at + 2 { part(at + 2) } else { Some(0.0) };
    let ticks = (|| {
        let (days, hours, minutes, seconds) = (days?, part(at)?, part(at + 1)?, seconds?);
        let valid =
            (0.0..24.0).contains(&hours) && (0.0..60.0).contains(&minutes) && (0.0..60.0).contains(&seconds);
        let ticks = days * DAY as f64 + ((hours * 60.0 + minutes) * 60.0 + seconds) * SECOND as f64;
        (valid && ticks.abs() < 9e18).then(|| ticks.round() as i64)
    })();
    ticks.map_or(Value::Null(Type::Timespan), Value::Timespan)
}
