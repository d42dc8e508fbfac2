//! Moments as text: ISO 8601 and the other forms that the language takes.

use super::timespan::seconds;
use super::{DAY, SECOND};

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// The ticks that a text means, in UTC.
pub fn parse_datetime(text: &str) -> Option<i64> {
    usual_form(text.as_bytes()).or_else(|| any_form(text))
}

/// `2014-11-08T15:05:02Z`, with up to seven digits of a second: what nearly every program writes.
fn usual_form(text: &[u8]) -> Option<i64> {
    let number = |digits: &[u8]| {
        let digit = |sum: i64, byte: &u8| byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0'));
        digits.iter().try_fold(0, digit)
    };
    let [year @ .., b'-', m1, m2, b'-', d1, d2, b'T', h1, h2, b':', n1, n2, b':', s1, s2] = text.get(..19)?
    else {
        return None;
    };
    let fraction = text[19..].strip_suffix(b"Z")?;
    let fraction = match fraction {
        [] => fraction,
        [b'.', digits @ ..] if (1..=7).contains(&digits.len()) => digits,
        _ => return None,
    };
    let (hours, minutes, seconds) = (number(&[*h1, *h2])?, number(&[*n1, *n2])?, number(&[*s1, *s2])?);
    if hours > 23 || minutes > 59 || seconds > 59 {
        return None;
    }
    let date = days(number(year)?, number(&[*m1, *m2])?, number(&[*d1, *d2])?)?;
    let ticks = number(fraction)? * 10_i64.pow(7 - fraction.len() as u32);
    Some(date * DAY + (hours * 3600 + minutes * 60 + seconds) * SECOND + ticks)
}

fn any_form(text: &str) -> Option<i64> {
    let text = &tight(text.trim().trim_matches(['"', '\'']).trim());
    // The name of the day says nothing that the date does not say.
    let text = match text.split_once(", ") {
        Some((day, rest)) if day.len() >= 3 && day.bytes().all(|byte| byte.is_ascii_alphabetic()) => {
            rest.trim()
        }
        _ => text,
    };
    // The time may stand in front: `10:00 14 jun 2025`.
    let turned = match text.split_once(' ') {
        Some((time, date))
            if time.contains(':')
                && !time.contains(['-', '/', 'T'])
                && date.starts_with(|c: char| c.is_ascii_digit()) =>
        {
            format!("{date} {time}")
        }
        _ => text.to_owned(),
    };
    let text = turned.as_str();
    let end = text.find(['T', 't', ' ']).filter(|at| text[..*at].bytes().any(|byte| byte.is_ascii_digit()));
    let has_month_name =
        text.get(1..).is_some_and(|rest| MONTHS.iter().any(|name| rest.to_lowercase().contains(name)));
    let (year, month, day, rest) =
        if has_month_name { written_date(text)? } else { numeric_date(text, end)? };
    let date = days(year, month, day)?.checked_mul(DAY)?;
    let (clock, offset) = time_of_day(rest)?;
    let ticks = date.checked_add(clock)?.checked_sub(offset)?;
    (0..=3_155_378_975_999_999_999).contains(&ticks).then_some(ticks)
}

/// `2025, 6, 14` and `2017 - 08 - 01` as `2025-6-14` and `2017-08-01`.
fn tight(text: &str) -> String {
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    for part in text.split_inclusive([',', '-']) {
        let (number, mark) = match part.strip_suffix([',', '-']) {
            Some(number) => (number, "-"),
            None => (part, ""),
        };
        let number = if mark.is_empty() { number.trim_start() } else { number.trim() };
        out.push_str(number);
        out.push_str(mark);
    }
    out
}

/// `2020-01-02`, `2020-01`, `2020`, `20200102`, `1/2/2020`.
fn numeric_date(text: &str, end: Option<usize>) -> Option<(i64, i64, i64, &str)> {
    let (date, rest) = text.split_at(end.unwrap_or(text.len()));
    let number = |text: &str| text.parse::<i64>().ok();
    if let Some((month, rest_of_date)) = date.split_once('/') {
        let (day, year) = rest_of_date.split_once('/')?;
        let (month, day) = (number(month)?, number(day)?);
        // Month first, unless that can be none.
        let (month, day) = if month > 12 && day <= 12 { (day, month) } else { (month, day) };
        return Some((number(year)?, month, day, rest));
    }
    // A zone may follow the date at once: `2020-01-02Z`.
    let (date, zone) = match date.strip_suffix(['Z', 'z']) {
        Some(date) => (date, ""),
        None => (date, rest),
    };
    if date.len() == 8 && !date.contains('-') {
        return Some((number(&date[..4])?, number(&date[4..6])?, number(&date[6..])?, zone));
    }
    let mut parts = date.split('-');
    let first = parts.next()?;
    if first.len() <= 2 {
        // `12-31-2022`, month first.
        let (month, day, year) = (number(first)?, number(parts.next()?)?, number(parts.next()?)?);
        return (year > 99 && parts.next().is_none()).then_some((year, month, day, zone));
    }
    let year = number(first)?;
    let month = parts.next().map_or(Some(1), number)?;
    let day = parts.next().map_or(Some(1), number)?;
    parts.next().is_none().then_some((year, month, day, zone))
}

/// `8 Nov 2014`, `08-Nov-14`.
fn written_date(text: &str) -> Option<(i64, i64, i64, &str)> {
    let (day, rest) = text.split_once([' ', '-'])?;
    let (month, rest) = rest.split_once([' ', '-'])?;
    let month = MONTHS.iter().position(|name| month.to_lowercase().starts_with(name))? as i64 + 1;
    let end = rest.find(' ').unwrap_or(rest.len());
    let (year, rest) = rest.split_at(end);
    let year = match (year.len(), year.parse::<i64>().ok()?) {
        (2, short) if short < 50 => 2000 + short,
        (2, short) => 1900 + short,
        (_, year) => year,
    };
    Some((year, month, day.parse().ok()?, rest))
}

/// The ticks of the time of day, and those of the zone's distance from UTC.
fn time_of_day(text: &str) -> Option<(i64, i64)> {
    let text = text.trim_start_matches(['T', 't', ' ']).trim();
    if text.is_empty() {
        return Some((0, 0));
    }
    let (clock, zone) = match text.find(|c: char| matches!(c, '+' | '-') || c.is_ascii_alphabetic()) {
        Some(at) => (text[..at].trim(), text[at..].trim()),
        None => (text, ""),
    };
    let (zone, afternoon) = match zone.to_ascii_uppercase().as_str() {
        "AM" => ("", Some(false)),
        "PM" => ("", Some(true)),
        _ => (zone, None),
    };
    let mut parts = clock.split(':');
    let mut hours = parts.next()?.parse::<i64>().ok()?;
    if let Some(afternoon) = afternoon {
        hours = hours % 12 + if afternoon { 12 } else { 0 };
    }
    let minutes = parts.next().map_or(Some(0), |part| part.parse::<i64>().ok())?;
    let seconds = parts.next().map_or(Some(0), seconds)?;
    if parts.next().is_some() || hours > 24 || minutes > 59 || seconds >= 61 * SECOND {
        return None;
    }
    Some(((hours * 3600 + minutes * 60) * SECOND + seconds, zone_offset(zone)?))
}

fn zone_offset(zone: &str) -> Option<i64> {
    if matches!(zone.to_ascii_uppercase().as_str(), "" | "Z" | "UTC" | "GMT") {
        return Some(0);
    }
    let sign = match zone.chars().next()? {
        '+' => 1,
        '-' => -1,
        _ => return None,
    };
    let digits: String = zone[1..].chars().filter(|c| *c != ':').collect();
    let (hours, minutes) =
        if digits.len() == 4 { (&digits[..2], &digits[2..]) } else { (digits.as_str(), "0") };
    let minutes = hours.parse::<i64>().ok()? * 60 + minutes.parse::<i64>().ok()?;
    (minutes <= 24 * 60).then_some(sign * minutes * 60 * SECOND)
}

fn is_leap(year: i64) -> bool {
    (year % 4 == 0 && year % 100 != 0) || year % 400 == 0
}

fn length(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        _ => 31,
    }
}

fn days_before_year(year: i64) -> i64 {
    let past = year - 1;
    past * 365 + past / 4 - past / 100 + past / 400
}

/// Days since the first of January of the year 1.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=length(year, month)).contains(&day)
    {
        return None;
    }
    let months: i64 = (1..month).map(|month| length(year, month)).sum();
    Some(days_before_year(year) + months + day - 1)
}

/// `2020-01-02T03:04:05.0000000Z`.
pub fn format_datetime(ticks: i64) -> String {
    let ticks = ticks.max(0);
    let mut day = ticks / DAY;
    let mut year = day / 366 + 1;
    while days_before_year(year + 1) <= day {
        year += 1;
    }
    day -= days_before_year(year);
    let mut month = 1;
    while day >= length(year, month) {
        day -= length(year, month);
        month += 1;
    }
    let clock = ticks % DAY;
    let (hours, minutes, seconds) =
        (clock / (3600 * SECOND), clock / (60 * SECOND) % 60, clock / SECOND % 60);
    let fraction = clock % SECOND;
    format!("{year:04}-{month:02}-{:02}T{hours:02}:{minutes:02}:{seconds:02}.{fraction:07}Z", day + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_form_is_read_as_every_form_is() {
        for text in [
            "2014-11-08T15:05:02Z",
            "0001-01-01T00:00:00Z",
            "9999-12-31T23:59:59.9999999Z",
            "2024-02-29T09:08:07.5Z",
            "2024-02-29T09:08:07.012345Z",
        ] {
            assert!(usual_form(text.as_bytes()).is_some(), "{text}");
            assert_eq!(usual_form(text.as_bytes()), any_form(text), "{text}");
        }
        for text in [
            "2014-11-08T15:05:02",
            "2014-11-08T24:00:00Z",
            "2015-02-29T00:00:00Z",
            "2014-11-08T15:05:02.12345678Z",
            "2014-11-08T15:05:02.Z",
            "+014-11-08T15:05:02Z",
            "2014-11-08T15:05:02+01:00",
            "2014-11-08T1",
            "",
        ] {
            let usual = usual_form(text.as_bytes());
            assert!(usual.is_none() || usual == any_form(text), "{text}");
            assert_eq!(parse_datetime(text), any_form(text), "{text}");
        }
    }

    #[test]
    fn every_form_of_a_moment_is_read() {
        let moment = "2014-11-08T15:05:02.0000000Z";
        for text in [
            "2014-11-08T15:05:02Z",
            "2014-11-08 15:05:02",
            "2014-11-08T17:05:02+02:00",
            "Sat, 8 Nov 2014 15:05:02 GMT",
            "8 Nov 2014 15:05:02",
            "Saturday, 08-Nov-14 15:05:02 UTC",
            "08-Nov-14 15:05:02",
            "11/8/2014 3:05:02 PM",
            "2014, 11, 8 15:05:02",
            "11-08-2014 15:05:02",
            "15:05:02 8 nov 2014",
        ] {
            assert_eq!(parse_datetime(text).map(format_datetime).as_deref(), Some(moment), "{text}");
        }
        assert_eq!(
            parse_datetime("2016").map(format_datetime).as_deref(),
            Some("2016-01-01T00:00:00.0000000Z")
        );
        assert_eq!(parse_datetime("1970-01-01"), Some(621_355_968_000_000_000));
        assert_eq!(parse_datetime("0001-01-01"), Some(0));
        assert_eq!(parse_datetime("13/11/2014"), parse_datetime("2014-11-13"));
        assert_eq!(parse_datetime("2015-02-29"), None);
        assert_eq!(parse_datetime("tomorrow"), None);
        assert_eq!(format_datetime(3_155_378_975_999_999_999), "9999-12-31T23:59:59.9999999Z");
    }
}
