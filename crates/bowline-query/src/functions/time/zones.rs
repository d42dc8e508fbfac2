//! Moments in time zones.
//!
//! # Design notes
//! The zones are those that the program was built with, so a query gives the same answer on every host.

use bowline_kql::{Type, Value};
use chrono::{DateTime, NaiveDateTime, Offset, TimeZone};
use chrono_tz::Tz;

use bowline_kql::value::UNIX_EPOCH;

use super::{Call, moment};
use crate::dynamic;
use crate::error::QueryError;
use crate::eval::Evaluated;

/// Ticks of a nanosecond count of 100.
const NANOSECONDS: i64 = 100;

pub(super) fn call(name: &str, call: &Call<'_>) -> Option<Evaluated> {
    let to_utc = match name {
        "datetime_local_to_utc" => true,
        "datetime_utc_to_local" => false,
        "datetime_list_timezones" => {
            let names: Vec<&str> = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()).collect();
            return Some(Ok(dynamic::of(&names.into())));
        }
        _ => return None,
    };
    let name = call.text(1).unwrap_or_default();
    let Some(ticks) = call.datetime(0) else { return Some(Ok(Value::Null(Type::Datetime))) };
    let Ok(zone) = name.parse::<Tz>() else {
        return Some(Err(QueryError::failed(format!("'{name}' is no time zone, such as 'Europe/Paris'"))));
    };
    let ahead = |seconds: i32| i64::from(seconds) * bowline_kql::value::SECOND;
    Some(Ok(moment(naive(ticks).and_then(|at| {
        if to_utc {
            // A moment that is there twice is the first one; one that is not there has none.
            let offset = zone.offset_from_local_datetime(&at).earliest()?;
            ticks.checked_sub(ahead(offset.fix().local_minus_utc()))
        } else {
            ticks.checked_add(ahead(zone.offset_from_utc_datetime(&at).fix().local_minus_utc()))
        }
    }))))
}

fn naive(ticks: i64) -> Option<NaiveDateTime> {
    let since = ticks - UNIX_EPOCH;
    let second = bowline_kql::value::SECOND;
    let nanoseconds = u32::try_from(since.rem_euclid(second) * NANOSECONDS).ok()?;
    DateTime::from_timestamp(since.div_euclid(second), nanoseconds).map(|at| at.naive_utc())
}
