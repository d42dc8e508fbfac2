//! Functions of moments and lengths of time.

use super::Line;
use super::Naming::{First, None as N};

pub(super) const LINES: &[Line] = &[
    ("now", "[offset:timespan] -> datetime", N, "The moment of the query."),
    ("ago", "length:timespan -> datetime", N, "The moment of the query less a length of time."),
    ("startofday", "date:datetime, [offset:long] -> datetime", First, "The beginning of the day."),
    (
        "startofweek",
        "date:datetime, [offset:long] -> datetime",
        N,
        "The beginning of the week, which is a Sunday.",
    ),
    ("startofmonth", "date:datetime, [offset:long] -> datetime", N, "The beginning of the month."),
    ("startofyear", "date:datetime, [offset:long] -> datetime", N, "The beginning of the year."),
    ("endofday", "date:datetime, [offset:long] -> datetime", N, "The end of the day."),
    ("endofweek", "date:datetime, [offset:long] -> datetime", N, "The end of the week."),
    ("endofmonth", "date:datetime, [offset:long] -> datetime", N, "The end of the month."),
    ("endofyear", "date:datetime, [offset:long] -> datetime", N, "The end of the year."),
    ("dayofweek", "date:datetime -> timespan", N, "The days since Sunday."),
    ("dayofmonth", "date:datetime -> int", N, "The day of the month."),
    ("dayofyear", "date:datetime -> int", N, "The day of the year."),
    ("hourofday", "date:datetime -> int", N, "The hour of the day."),
    ("week_of_year", "date:datetime -> int", N, "The week of the year by ISO 8601."),
    ("weekofyear", "date:datetime -> int", N, "Old name of week_of_year."),
    ("monthofyear", "date:datetime -> int", N, "The month of the year."),
    ("getmonth", "date:datetime -> int", N, "The month of the year."),
    ("getyear", "date:datetime -> int", N, "The year."),
    ("datetime_part", "part:string, date:datetime -> int", N, "A part of a moment, such as its hour."),
    ("datepart", "part:string, date:datetime -> int", N, "Old name of datetime_part."),
    (
        "datetime_add",
        "part:string, amount:long, date:datetime -> datetime",
        N,
        "A moment moved by so many of a unit.",
    ),
    (
        "datetime_diff",
        "part:string, left:datetime, right:datetime -> long",
        N,
        "How many borders of a unit lie between two moments.",
    ),
    ("datetime_local_to_utc", "date:datetime, zone:string -> datetime", N, "A local time of a zone in UTC."),
    (
        "datetime_utc_to_local",
        "date:datetime, zone:string -> datetime",
        N,
        "A moment in the local time of a zone.",
    ),
    ("datetime_list_timezones", "-> dynamic", N, "The zones that are known."),
    ("format_datetime", "date:datetime, format:string -> string", First, "A moment as text."),
    ("format_timespan", "length:timespan, format:string -> string", First, "A length of time as text."),
    (
        "unixtime_seconds_todatetime",
        "seconds:number -> datetime",
        N,
        "The moment so many seconds after 1970.",
    ),
    (
        "unixtime_milliseconds_todatetime",
        "milliseconds:number -> datetime",
        N,
        "The moment so many milliseconds after 1970.",
    ),
    (
        "unixtime_microseconds_todatetime",
        "microseconds:number -> datetime",
        N,
        "The moment so many microseconds after 1970.",
    ),
    (
        "unixtime_nanoseconds_todatetime",
        "nanoseconds:number -> datetime",
        N,
        "The moment so many nanoseconds after 1970.",
    ),
];
