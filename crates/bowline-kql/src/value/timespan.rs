//! Lengths of time as text: `1.5h`, `1.02:03:04.5`.

use super::{DAY, SECOND};

/// The ticks of a unit by any of its names.
pub fn timespan_unit(unit: &str) -> Option<i64> {
    Some(match unit {
        "d" | "day" | "days" => DAY,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3600 * SECOND,
        "m" | "min" | "minute" | "minutes" => 60 * SECOND,
        "s" | "sec" | "second" | "seconds" => SECOND,
        "ms" | "milli" | "millis" | "millisecond" | "milliseconds" => SECOND / 1000,
        "micro" | "micros" | "microsecond" | "microseconds" => 10,
        "tick" | "ticks" => 1,
        _ => return None,
    })
}

/// The ticks that a text means: a number with a unit, or `[-][d.]hh:mm[:ss[.fffffff]]`, or a number of days.
pub fn parse_timespan(text: &str) -> Option<i64> {
    let text = text.trim().trim_matches(['"', '\'']);
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let ticks = if text.contains(':') { clock(text)? } else { number_with_unit(text)? };
    if negative { ticks.checked_neg() } else { Some(ticks) }
}

fn number_with_unit(text: &str) -> Option<i64> {
    let split = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let number = number.trim();
    let unit = if unit.is_empty() { DAY } else { timespan_unit(&unit.to_ascii_lowercase())? };
    if let Ok(whole) = number.parse::<i64>() {
        return whole.checked_mul(unit);
    }
    let ticks = number.parse::<f64>().ok()? * unit as f64;
    (ticks.is_finite() && ticks.abs() < 9.2e18).then_some(ticks.round() as i64)
}

fn clock(text: &str) -> Option<i64> {
    let mut parts = text.split(':');
    let first = parts.next()?;
    let (days, hours) = match first.split_once('.') {
        Some((days, hours)) => (days.parse::<i64>().ok()?, hours),
        None => (0, first),
    };
    let hours = hours.parse::<i64>().ok()?;
    let minutes = parts.next()?.parse::<i64>().ok()?;
    let seconds = parts.next().map_or(Some(0), seconds)?;
    if parts.next().is_some() {
        return None;
    }
    days.checked_mul(DAY)?
        .checked_add(hours.checked_mul(3600 * SECOND)?)?
        .checked_add(minutes.checked_mul(60 * SECOND)?)?
        .checked_add(seconds)
}

/// `ss[.fffffff]` in ticks.
pub(super) fn seconds(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut ticks = 0;
    for index in 0..7 {
        let digit = fraction.as_bytes().get(index).map_or(0, |digit| i64::from(digit - b'0'));
        ticks = ticks * 10 + digit;
    }
    whole.parse::<i64>().ok()?.checked_mul(SECOND)?.checked_add(ticks)
}

/// `[-][d.]hh:mm:ss[.fffffff]`.
pub fn format_timespan(ticks: i64) -> String {
    let sign = if ticks < 0 { "-" } else { "" };
    let ticks = ticks.unsigned_abs();
    let second = SECOND.unsigned_abs();
    let (days, rest) = (ticks / DAY.unsigned_abs(), ticks % DAY.unsigned_abs());
    let (hours, minutes, seconds) = (rest / (3600 * second), rest / (60 * second) % 60, rest / second % 60);
    let days = if days > 0 { format!("{days}.") } else { String::new() };
    let fraction = match rest % second {
        0 => String::new(),
        fraction => format!(".{fraction:07}"),
    };
    format!("{sign}{days}{hours:02}:{minutes:02}:{seconds:02}{fraction}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_go_both_ways() {
        for (text, ticks) in [
            ("1.5h", 54_000_000_000),
            ("2d", 2 * DAY),
            ("-1m", -600_000_000),
            ("1.02:03:04.5", DAY + 73_845_000_000),
            ("3tick", 3),
            ("00:00:01", SECOND),
            ("7", 7 * DAY),
        ] {
            assert_eq!(parse_timespan(text), Some(ticks), "{text}");
            assert_eq!(parse_timespan(&format_timespan(ticks)), Some(ticks), "{text}");
        }
        assert_eq!(parse_timespan("1:2:3:4"), None);
        assert_eq!(parse_timespan("x"), None);
        assert_eq!(format_timespan(-DAY - 1), "-1.00:00:00.0000001");
    }
}
