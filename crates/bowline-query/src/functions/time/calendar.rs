//! Days, months and years of a moment in ticks.

use bowline_kql::value::{DAY, SECOND};
use chrono::{Datelike, Months, NaiveDate};

/// A unit of the calendar or of the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Year,
    Quarter,
    Month,
    Week,
    Day,
    Hour,
    Minute,
    Second,
    Millisecond,
    Microsecond,
    Nanosecond,
}

impl Part {
    pub(crate) fn named(name: &str) -> Option<Part> {
        Some(match name.to_ascii_lowercase().as_str() {
            "year" | "years" => Part::Year,
            "quarter" | "quarters" => Part::Quarter,
            "month" | "months" => Part::Month,
            "week" | "weeks" => Part::Week,
            "day" | "days" => Part::Day,
            "hour" | "hours" => Part::Hour,
            "minute" | "minutes" => Part::Minute,
            "second" | "seconds" => Part::Second,
            "millisecond" | "milliseconds" => Part::Millisecond,
            "microsecond" | "microseconds" => Part::Microsecond,
            "nanosecond" | "nanoseconds" => Part::Nanosecond,
            _ => return None,
        })
    }

    /// Ticks of one that always has as many.
    pub(crate) fn ticks(self) -> Option<i64> {
        Some(match self {
            Part::Week => 7 * DAY,
            Part::Day => DAY,
            Part::Hour => 3600 * SECOND,
            Part::Minute => 60 * SECOND,
            Part::Second => SECOND,
            Part::Millisecond => SECOND / 1000,
            Part::Microsecond => 10,
            Part::Nanosecond | Part::Year | Part::Quarter | Part::Month => return None,
        })
    }
}

/// The day of a moment.
pub(crate) fn day(ticks: i64) -> NaiveDate {
    let days = i32::try_from(ticks.div_euclid(DAY)).unwrap_or(0);
    NaiveDate::from_num_days_from_ce_opt(days.saturating_add(1)).unwrap_or(NaiveDate::MIN)
}

/// The first tick of a day.
pub(crate) fn ticks(day: NaiveDate) -> i64 {
    (i64::from(day.num_days_from_ce()) - 1) * DAY
}

/// The first tick of a day by its numbers.
pub(crate) fn date(year: i64, month: i64, day: i64) -> Option<i64> {
    let (month, day) = (u32::try_from(month).ok()?, u32::try_from(day).ok()?);
    let year = i32::try_from(year).ok().filter(|year| (1..=9999).contains(year))?;
    NaiveDate::from_ymd_opt(year, month, day).map(ticks)
}

/// A moment so many units later; nothing outside of the calendar.
pub(crate) fn add(part: Part, amount: i64, moment: i64) -> Option<i64> {
    let months = match part {
        Part::Year => amount.checked_mul(12)?,
        Part::Quarter => amount.checked_mul(3)?,
        Part::Month => amount,
        Part::Nanosecond => return moment.checked_add(amount / 100),
        _ => return moment.checked_add(amount.checked_mul(part.ticks()?)?),
    };
    let size = Months::new(u32::try_from(months.unsigned_abs()).ok()?);
    let day = day(moment);
    let moved = if months < 0 { day.checked_sub_months(size) } else { day.checked_add_months(size) };
    let moved = moved.filter(|day| (1..=9999).contains(&day.year()))?;
    Some(ticks(moved) + moment.rem_euclid(DAY))
}

/// Where the unit of a moment begins, some units later. Weeks begin on Sundays.
pub(crate) fn start(part: Part, moment: i64, offset: i64) -> Option<i64> {
    let day = day(moment);
    let begin = match part {
        Part::Year => date(i64::from(day.year()), 1, 1)?,
        Part::Month => date(i64::from(day.year()), i64::from(day.month()), 1)?,
        Part::Week => ticks(day) - i64::from(day.weekday().num_days_from_sunday()) * DAY,
        _ => ticks(day),
    };
    add(part, offset, begin)
}

/// How many borders of a unit lie between two moments.
pub(crate) fn difference(part: Part, left: i64, right: i64) -> i64 {
    let months = |moment: i64| {
        let day = day(moment);
        i64::from(day.year()) * 12 + i64::from(day.month0())
    };
    match part {
        Part::Year => i64::from(day(left).year()) - i64::from(day(right).year()),
        Part::Quarter => months(left).div_euclid(3) - months(right).div_euclid(3),
        Part::Month => months(left) - months(right),
        // The first day of the year 1 is a Monday.
        Part::Week => (left + DAY).div_euclid(7 * DAY) - (right + DAY).div_euclid(7 * DAY),
        Part::Nanosecond => left.saturating_sub(right).saturating_mul(100),
        _ => {
            let unit = part.ticks().unwrap_or(1);
            left.div_euclid(unit) - right.div_euclid(unit)
        }
    }
}

#[cfg(test)]
mod tests {
    use bowline_kql::value::parse_datetime;

    use super::*;

    fn at(text: &str) -> i64 {
        parse_datetime(text).unwrap()
    }

    #[test]
    fn months_end_where_they_end() {
        assert_eq!(add(Part::Month, 1, at("2024-01-31T05:00")), Some(at("2024-02-29T05:00")));
        assert_eq!(add(Part::Year, -1, at("2024-02-29")), Some(at("2023-02-28")));
        assert_eq!(add(Part::Year, i64::MAX, 0), None);
        assert_eq!(add(Part::Day, i64::MAX, 0), None);
    }

    #[test]
    fn borders_are_counted_not_lengths() {
        assert_eq!(difference(Part::Year, at("2017-01-01"), at("2000-12-31")), 17);
        assert_eq!(difference(Part::Quarter, at("2017-07-01"), at("2017-03-30")), 2);
        assert_eq!(difference(Part::Week, at("2017-10-29"), at("2017-10-28")), 1);
        assert_eq!(difference(Part::Hour, at("2017-10-31 01:00"), at("2017-10-30 23:59")), 2);
        assert_eq!(difference(Part::Minute, at("2017-10-30 23:05"), at("2017-10-30 23:06")), -1);
    }

    #[test]
    fn days_come_back() {
        for text in ["0001-01-01", "1970-01-01", "2024-02-29", "9999-12-31"] {
            assert_eq!(ticks(day(at(text))), at(text));
        }
        assert_eq!(date(2023, 2, 29), None);
        assert_eq!(date(0, 1, 1), None);
    }
}
