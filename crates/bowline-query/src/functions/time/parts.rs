//! Parts of a moment.

use bowline_kql::value::{DAY, SECOND};
use bowline_kql::{Type, Value};
use chrono::Datelike;

use super::calendar::{self, Part};
use super::{Call, moment};
use crate::error::QueryError;
use crate::eval::Evaluated;

pub(super) fn call(name: &str, call: &Call<'_>) -> Option<Evaluated> {
    let of = |part: &str| Ok(whole(call.datetime(0).and_then(|ticks| number(part, ticks))));
    Some(match name {
        "dayofmonth" => of("day"),
        "dayofyear" => of("dayofyear"),
        "hourofday" => of("hour"),
        "week_of_year" | "weekofyear" => of("week_of_year"),
        "monthofyear" | "getmonth" => of("month"),
        "getyear" => of("year"),
        "dayofweek" => Ok(call.datetime(0).map_or(Value::Null(Type::Timespan), |ticks| {
            Value::Timespan(i64::from(calendar::day(ticks).weekday().num_days_from_sunday()) * DAY)
        })),
        "datetime_part" | "datepart" => part_of(call),
        "datetime_add" => match named(call) {
            Ok(part) => Ok(moment(
                call.long(1)
                    .zip(call.datetime(2))
                    .and_then(|(amount, from)| calendar::add(part, amount, from)),
            )),
            Err(error) => Err(error),
        },
        "datetime_diff" => match named(call) {
            Ok(part) => Ok(call
                .datetime(1)
                .zip(call.datetime(2))
                .map_or(Value::Null(Type::Long), |(a, b)| Value::Long(calendar::difference(part, a, b)))),
            Err(error) => Err(error),
        },
        _ => return None,
    })
}

fn named(call: &Call<'_>) -> Result<Part, QueryError> {
    let name = call.text(0).unwrap_or_default();
    Part::named(&name)
        .ok_or_else(|| QueryError::failed(format!("'{name}' is no unit of time, such as 'hour'")))
}

fn part_of(call: &Call<'_>) -> Evaluated {
    let name = call.text(0).unwrap_or_default();
    let Some(ticks) = call.datetime(1) else { return Ok(Value::Null(Type::Int)) };
    match number(&name.to_ascii_lowercase(), ticks) {
        Some(part) => Ok(whole(Some(part))),
        None => Err(QueryError::failed(format!("'{name}' is no part of a datetime, such as 'hour'"))),
    }
}

fn whole(value: Option<i64>) -> Value {
    value.and_then(|value| i32::try_from(value).ok()).map_or(Value::Null(Type::Int), Value::Int)
}

fn number(part: &str, ticks: i64) -> Option<i64> {
    let day = calendar::day(ticks);
    let second = ticks.rem_euclid(SECOND);
    Some(match part {
        "year" => i64::from(day.year()),
        "quarter" => i64::from(day.month0() / 3 + 1),
        "month" => i64::from(day.month()),
        "week_of_year" | "weekofyear" => i64::from(day.iso_week().week()),
        "day" => i64::from(day.day()),
        "dayofyear" | "day_of_year" => i64::from(day.ordinal()),
        "hour" => ticks.rem_euclid(DAY) / (3600 * SECOND),
        "minute" => ticks.rem_euclid(3600 * SECOND) / (60 * SECOND),
        "second" => ticks.rem_euclid(60 * SECOND) / SECOND,
        "millisecond" => second / (SECOND / 1000),
        "microsecond" => second / 10,
        "nanosecond" => second * 100,
        _ => return None,
    })
}
