//! Moments and lengths of time by a pattern of letters.

use bowline_kql::Value;
use bowline_kql::value::{DAY, SECOND};
use chrono::Datelike;

use super::{Call, calendar};
use crate::error::QueryError;
use crate::eval::Evaluated;

pub(super) fn call(name: &str, call: &Call<'_>) -> Option<Evaluated> {
    let pattern = call.text(1).unwrap_or_default();
    let text = match name {
        "format_datetime" => {
            call.datetime(0).map(|ticks| written(&pattern, |letter, count| moment(ticks, letter, count)))
        }
        "format_timespan" => call.timespan(0).map(|ticks| {
            let sign = if ticks < 0 { "-" } else { "" };
            let size = i64::try_from(ticks.unsigned_abs()).unwrap_or(i64::MAX);
            written(&pattern, |letter, count| length(size, letter, count)).map(|text| format!("{sign}{text}"))
        }),
        _ => return None,
    };
    Some(text.unwrap_or_else(|| Ok(String::new())).map(Value::String))
}

/// Runs of letters are replaced, what separates them stays.
fn written(pattern: &str, mut part: impl FnMut(char, usize) -> Option<String>) -> Result<String, QueryError> {
    let mut text = String::new();
    let mut rest = pattern.chars().peekable();
    while let Some(c) = rest.next() {
        if !c.is_ascii_alphabetic() {
            text.push(c);
            continue;
        }
        let mut count = 1;
        while rest.next_if_eq(&c).is_some() {
            count += 1;
        }
        match part(c, count) {
            Some(part) => text.push_str(&part),
            // ISO's two letters are no part of a moment and stand in many patterns.
            None if matches!(c, 'T' | 'Z') => text.push(c),
            None => {
                let letters = c.to_string().repeat(count.min(16));
                return Err(QueryError::failed(format!("'{letters}' is no part of a time format")));
            }
        }
    }
    Ok(text)
}

fn padded(value: i64, count: usize) -> String {
    format!("{value:0count$}")
}

/// Digits behind the second; `F` leaves zeros at the end out.
fn fraction(ticks: i64, letter: char, count: usize) -> Option<String> {
    let digits = format!("{:07}", ticks.rem_euclid(SECOND));
    let digits = digits.get(..count)?;
    Some(if letter == 'F' { digits.trim_end_matches('0') } else { digits }.to_owned())
}

fn moment(ticks: i64, letter: char, count: usize) -> Option<String> {
    let day = calendar::day(ticks);
    let hour = ticks.rem_euclid(DAY) / (3600 * SECOND);
    Some(match (letter, count) {
        ('y', 1 | 2) => padded(i64::from(day.year() % 100), count),
        ('y', 3 | 4) => padded(i64::from(day.year()), count),
        ('M', 1 | 2) => padded(i64::from(day.month()), count),
        ('d', 1 | 2) => padded(i64::from(day.day()), count),
        ('H', 1 | 2) => padded(hour, count),
        ('h', 1 | 2) => padded(if hour % 12 == 0 { 12 } else { hour % 12 }, count),
        ('m' | 's', 1 | 2) => clock(ticks, letter, count),
        ('t', 1 | 2) => (if hour < 12 { "AM" } else { "PM" })[..count].to_owned(),
        ('f' | 'F', _) => fraction(ticks, letter, count)?,
        _ => return None,
    })
}

fn length(ticks: i64, letter: char, count: usize) -> Option<String> {
    Some(match (letter, count) {
        ('d', 1..=8) => padded(ticks / DAY, count),
        ('h' | 'H', 1 | 2) => padded(ticks.rem_euclid(DAY) / (3600 * SECOND), count),
        ('m' | 's', 1 | 2) => clock(ticks, letter, count),
        ('f' | 'F', _) => fraction(ticks, letter, count)?,
        _ => return None,
    })
}

fn clock(ticks: i64, letter: char, count: usize) -> String {
    let unit = if letter == 'm' { 60 * SECOND } else { SECOND };
    padded(ticks.rem_euclid(60 * unit) / unit, count)
}

#[cfg(test)]
mod tests {
    use bowline_kql::value::{parse_datetime, parse_timespan};

    use super::*;

    #[test]
    fn letters_stand_for_parts() {
        let at = parse_datetime("2017-01-29 00:00:05.1200000").unwrap();
        let text = |pattern: &str| written(pattern, |letter, count| moment(at, letter, count)).unwrap();
        assert_eq!(text("y-M-d h:m:s tt"), "17-1-29 12:0:5 AM");
        assert_eq!(text("yyyy-MM-ddTHH:mm:ss.fffffffZ"), "2017-01-29T00:00:05.1200000Z");
        assert_eq!(text("s.FFFF"), "5.12");
        assert!(written("q", |letter, count| moment(at, letter, count)).is_err());
        assert!(written("ffffffff", |letter, count| moment(at, letter, count)).is_err());
    }

    #[test]
    fn days_of_a_length_are_padded() {
        let ticks = parse_timespan("29.09:00:05").unwrap();
        let text = written("dddd.h:mm", |letter, count| length(ticks, letter, count)).unwrap();
        assert_eq!(text, "0029.9:00");
    }
}
