//! Plug-ins that count who does what in each bin of time.
//!
//! # Design notes
//! Moments are counted in ticks, other timelines as they are. A bin has its number from the start on; every plug-in is a walk over
//! the numbers, with the ids of each bin at hand. The first two arguments are the id and the timeline, then come constants, then
//! what divides the rows.

use std::collections::{BTreeMap, HashMap, HashSet};

use bowline_kql::plan::{Aggregate, Expr};
use bowline_kql::{Type, Value};

use crate::aggregates::gather;
use crate::compare::{Key, is_null, key};
use crate::error::QueryError;
use crate::eval::eval;
use crate::run::{Row, Run};

/// The most bins that one plug-in walks over.
const MOST_BINS: i64 = 1_000_000;

/// How many constants follow the id and the timeline, and whether what divides the rows comes last.
pub(crate) fn shape(name: &str) -> Option<(usize, bool)> {
    Some(match name {
        "activity_counts_metrics" => (3, false),
        "activity_metrics" => (3, true),
        "activity_engagement" => (4, true),
        "active_users_count" => (6, false),
        "sliding_window_counts" | "session_count" => (4, false),
        "new_activity_metrics" => (5, true),
        _ => return None,
    })
}

pub(crate) fn activity(
    run: &Run<'_>,
    name: &str,
    rows: &[Row],
    arguments: &[Expr],
) -> Result<Vec<Row>, QueryError> {
    let (constants, groups_last) = shape(name).ok_or_else(|| QueryError::unsupported(name))?;
    let (Some(written), Some(groups)) = (arguments.get(2..2 + constants), arguments.get(2 + constants..))
    else {
        return Err(QueryError::failed("the plan counts activity without its constants"));
    };
    let ty = arguments[1].ty;
    let mut parts: Vec<(Row, Vec<Event>)> = Vec::new();
    let mut known = HashMap::new();
    for row in rows {
        let (id, at) = (eval(run, &arguments[0], row)?, eval(run, &arguments[1], row)?);
        let (false, Some(at)) = (is_null(&id), ticks(&at)) else { continue };
        let group = run.values(groups, row)?;
        let place = *known.entry(group.iter().map(key).collect::<Vec<_>>()).or_insert(parts.len());
        if place == parts.len() {
            parts.push((group, Vec::new()));
        }
        parts[place].1.push(Event { at, id: key(&id) });
    }
    let mut values = Vec::with_capacity(constants);
    for one in written {
        values.push(match &one.kind {
            bowline_kql::plan::ExprKind::Subquery(_) => Constant::Seen(seen(run, one)?),
            _ => ticks(&eval(run, one, &[])?).map_or(Constant::None, Constant::Ticks),
        });
    }
    let mut out = Vec::new();
    for (group, mut events) in parts {
        events.sort_by_key(|event| event.at);
        for (times, found) in counted(run, name, &events, &values)? {
            let mut row: Row = times.into_iter().map(|at| moment(at, ty)).collect();
            if groups_last {
                row.extend(found.into_iter().chain(group.iter().cloned()));
            } else {
                row.extend(group.iter().cloned().chain(found));
            }
            out.push(row);
        }
        run.room(out.len())?;
    }
    Ok(out)
}

struct Event {
    at: i64,
    id: Key,
}

enum Constant {
    None,
    Ticks(i64),
    /// The ids of a table.
    Seen(HashSet<Key>),
}

fn seen(run: &Run<'_>, table: &Expr) -> Result<HashSet<Key>, QueryError> {
    let bowline_kql::plan::ExprKind::Subquery(plan) = &table.kind else { return Ok(HashSet::new()) };
    // The ids stand in its last column, behind their times if it has those.
    Ok(run.subquery(plan)?.iter().filter_map(|row| row.last()).map(key).collect())
}

fn ticks(value: &Value) -> Option<i64> {
    match value {
        Value::Datetime(ticks) | Value::Timespan(ticks) => Some(*ticks),
        value => value.as_long(),
    }
}

fn moment(at: i64, ty: Type) -> Value {
    match ty {
        Type::Datetime => Value::Datetime(at.max(0)),
        Type::Timespan => Value::Timespan(at),
        Type::Int => i32::try_from(at).map_or(Value::Null(Type::Int), Value::Int),
        _ => Value::Long(at),
    }
}

/// The times of a row and what was found at them.
type Found = (Vec<i64>, Vec<Value>);

/// The ids of each bin, and how many events it has.
struct Bins {
    start: i64,
    size: i64,
    count: i64,
    ids: BTreeMap<i64, (HashSet<Key>, i64)>,
}

impl Bins {
    fn of(run: &Run<'_>, events: &[Event], start: i64, end: i64, size: i64) -> Result<Bins, QueryError> {
        let span = end.checked_sub(start).filter(|span| size > 0 && *span / size < MOST_BINS);
        let Some(span) = span else {
            return Err(QueryError::failed(
                "a plug-in over time needs a step above zero that makes no more than a million bins",
            ));
        };
        let count = if span < 0 { 0 } else { span / size + 1 };
        run.room(usize::try_from(count).unwrap_or(usize::MAX))?;
        let mut ids: BTreeMap<i64, (HashSet<Key>, i64)> = BTreeMap::new();
        for event in events.iter().filter(|event| (start..=end).contains(&event.at)) {
            let bin = ids.entry((event.at - start) / size).or_default();
            let _ = bin.0.insert(event.id.clone());
            bin.1 += 1;
        }
        Ok(Bins { start, size, count, ids })
    }

    fn time(&self, bin: i64) -> i64 {
        self.start.saturating_add(bin.saturating_mul(self.size))
    }

    fn ids(&self, bin: i64) -> HashSet<&Key> {
        self.ids.get(&bin).into_iter().flat_map(|(ids, _)| ids).collect()
    }

    fn events(&self, bin: i64) -> i64 {
        self.ids.get(&bin).map_or(0, |(_, events)| *events)
    }

    /// The ids and events of a bin and of those before it, so many together.
    fn window(&self, bin: i64, bins: i64) -> (HashSet<&Key>, i64) {
        let inside = || self.ids.range(bin.saturating_sub(bins).saturating_add(1)..=bin);
        (inside().flat_map(|(_, (ids, _))| ids).collect(), inside().map(|(_, (_, events))| events).sum())
    }
}

fn counted(
    run: &Run<'_>,
    name: &str,
    events: &[Event],
    constants: &[Constant],
) -> Result<Vec<Found>, QueryError> {
    let constant = |index: usize| match constants.get(index) {
        Some(Constant::Ticks(ticks)) => Some(*ticks),
        _ => None,
    };
    let wanted = |index: usize| {
        constant(index).ok_or_else(|| {
            QueryError::failed(format!("{name}: a constant is null or no moment, length or number"))
        })
    };
    let ends = || {
        let first = constant(0).or(events.first().map(|event| event.at));
        let last = constant(1).or(events.last().map(|event| event.at));
        first.zip(last).ok_or_else(|| QueryError::failed(format!("{name}: there is no start and no end")))
    };
    let (start, end) = ends()?;
    Ok(match name {
        "activity_counts_metrics" => counts(&Bins::of(run, events, start, end, wanted(2)?)?),
        "activity_metrics" => metrics(&Bins::of(run, events, start, end, wanted(2)?)?),
        "activity_engagement" => engagement(&Bins::of(run, events, start, end, wanted(2)?)?, wanted(3)?),
        "sliding_window_counts" => sliding(&Bins::of(run, events, start, end, wanted(3)?)?, wanted(2)?),
        "session_count" => sessions(&Bins::of(run, &[], start, end, wanted(2)?)?, events, end, wanted(3)?),
        "active_users_count" => {
            let bins = Bins::of(run, &[], start, end, wanted(5)?)?;
            let active =
                Active { lookback: wanted(2)?.max(1), period: wanted(3)?.max(1), periods: wanted(4)? };
            active.counted(&bins, events, end)
        }
        _ => {
            let bins = Bins::of(run, events, start, end, wanted(2)?)?;
            let nobody = HashSet::new();
            let before = match constants.get(4) {
                Some(Constant::Seen(ids)) => ids,
                _ => &nobody,
            };
            run.room(usize::try_from(bins.count.saturating_mul(bins.count) / 2).unwrap_or(usize::MAX))?;
            cohorts(&bins, constant(3), before)
        }
    })
}

fn number(count: usize) -> Value {
    Value::Long(i64::try_from(count).unwrap_or(i64::MAX))
}

fn rate(part: usize, whole: usize) -> Value {
    Value::Real(part as f64 / whole as f64)
}

fn counts(bins: &Bins) -> Vec<Found> {
    let mut all = HashSet::new();
    let each = (0..bins.count).map(|bin| {
        let ids = bins.ids(bin);
        let known = all.len();
        all.extend(ids.iter().copied());
        let found =
            [Value::Long(bins.events(bin)), number(ids.len()), number(all.len() - known), number(all.len())];
        (vec![bins.time(bin)], found.to_vec())
    });
    each.collect()
}

fn metrics(bins: &Bins) -> Vec<Found> {
    let mut all: HashSet<&Key> = HashSet::new();
    let mut before: HashSet<&Key> = HashSet::new();
    let each = (0..bins.count).map(|bin| {
        let ids = bins.ids(bin);
        let known = all.len();
        all.extend(ids.iter().copied());
        let kept = before.intersection(&ids).count();
        let found = [
            number(ids.len()),
            number(all.len() - known),
            rate(kept, before.len()),
            rate(before.len() - kept, before.len()),
        ];
        before = ids;
        (vec![bins.time(bin)], found.to_vec())
    });
    each.collect()
}

fn engagement(bins: &Bins, outer: i64) -> Vec<Found> {
    let each = (0..bins.count).map(|bin| {
        let inner = bins.ids(bin).len();
        let (outer, _) = bins.window(bin, outer / bins.size);
        (vec![bins.time(bin)], vec![number(inner), number(outer.len()), rate(inner, outer.len())])
    });
    each.collect()
}

fn sliding(bins: &Bins, lookback: i64) -> Vec<Found> {
    let each = (0..bins.count).map(|bin| {
        let (ids, events) = bins.window(bin, lookback / bins.size);
        (vec![bins.time(bin)], vec![Value::Long(events), number(ids.len())])
    });
    each.collect()
}

/// An id that was away for longer than the look-back begins a new session; a session counts in each bin where it has an event.
fn sessions(bins: &Bins, events: &[Event], end: i64, lookback: i64) -> Vec<Found> {
    let mut latest: HashMap<&Key, (i64, usize)> = HashMap::new();
    let mut open: BTreeMap<i64, HashSet<(&Key, usize)>> = BTreeMap::new();
    for event in events {
        let session = latest.entry(&event.id).or_insert((event.at, 0));
        if event.at.saturating_sub(session.0) > lookback {
            session.1 += 1;
        }
        session.0 = event.at;
        if (bins.start..=end).contains(&event.at) {
            let _ =
                open.entry((event.at - bins.start) / bins.size).or_default().insert((&event.id, session.1));
        }
    }
    let each = open.into_iter().map(|(bin, found)| (vec![bins.time(bin)], vec![number(found.len())]));
    each.collect()
}

/// Who was there in enough periods of the time before.
struct Active {
    lookback: i64,
    period: i64,
    periods: i64,
}

impl Active {
    fn counted(&self, bins: &Bins, events: &[Event], end: i64) -> Vec<Found> {
        let mut of: HashMap<&Key, Vec<i64>> = HashMap::new();
        for event in events {
            of.entry(&event.id).or_default().push(event.at);
        }
        let mut active: BTreeMap<i64, HashSet<&Key>> = BTreeMap::new();
        for (id, times) in of {
            let mut first = 0;
            // How many appearances each period has that the window holds.
            let mut periods: HashMap<i64, usize> = HashMap::new();
            for at in &times {
                *periods.entry(at.div_euclid(self.period)).or_default() += 1;
                while times[first] <= at.saturating_sub(self.lookback) {
                    let period = times[first].div_euclid(self.period);
                    if let Some(left) = periods.get_mut(&period) {
                        *left -= 1;
                        if *left == 0 {
                            let _ = periods.remove(&period);
                        }
                    }
                    first += 1;
                }
                let often = i64::try_from(periods.len()).unwrap_or(i64::MAX) >= self.periods;
                if often && (bins.start..=end).contains(at) {
                    let _ = active.entry((at - bins.start) / bins.size).or_default().insert(id);
                }
            }
        }
        let each = active.into_iter().map(|(bin, ids)| (vec![bins.time(bin)], vec![number(ids.len())]));
        each.collect()
    }
}

/// Of each bin those who were new in it, and how many of them came again in each later one.
fn cohorts(bins: &Bins, only: Option<i64>, before: &HashSet<Key>) -> Vec<Found> {
    let mut known: HashSet<&Key> = before.iter().collect();
    let mut found = Vec::new();
    for from in 0..bins.count {
        let cohort: HashSet<&Key> = bins.ids(from).into_iter().filter(|id| !known.contains(id)).collect();
        known.extend(cohort.iter().copied());
        if only.is_some_and(|only| only != bins.time(from)) {
            continue;
        }
        for to in from..bins.count {
            let ids = bins.ids(to);
            let kept = cohort.intersection(&ids).count();
            let new = match to == from {
                true => cohort.len(),
                false => ids.iter().filter(|id| !known.contains(*id)).count(),
            };
            let values = vec![
                number(new),
                number(kept),
                number(cohort.len() - kept),
                rate(kept, cohort.len()),
                rate(cohort.len() - kept, cohort.len()),
            ];
            found.push((vec![bins.time(from), bins.time(to)], values));
        }
    }
    found
}

/// `rolling_percentile`: the percentile of each bin of the axis together with those before it.
pub(crate) fn rolling_percentile(
    run: &Run<'_>,
    rows: &[Row],
    arguments: &[Expr],
) -> Result<Vec<Row>, QueryError> {
    let [value, percentile, axis, size, width, groups @ ..] = arguments else {
        return Err(QueryError::failed("the plan rolls a percentile without its constants"));
    };
    let size = ticks(&eval(run, size, &[])?).filter(|size| *size > 0);
    let size = size.ok_or_else(|| {
        QueryError::failed(
            "rolling_percentile: the size of a bin is a whole number or a length of time above zero",
        )
    })?;
    let width = i64::try_from(run.count(width)?.max(1)).unwrap_or(i64::MAX);
    let percentile_value = eval(run, percentile, &[])?;
    let aggregate = Aggregate {
        function: "percentile",
        arguments: vec![value.clone(), percentile.clone()],
        ty: value.ty,
    };
    let mut parts: Vec<(Row, BTreeMap<i64, Vec<Value>>)> = Vec::new();
    let mut known = HashMap::new();
    for row in rows {
        let Some(at) = ticks(&eval(run, axis, row)?) else { continue };
        let group = run.values(groups, row)?;
        let place = *known.entry(group.iter().map(key).collect::<Vec<_>>()).or_insert(parts.len());
        if place == parts.len() {
            parts.push((group, BTreeMap::new()));
        }
        parts[place].1.entry(at.div_euclid(size)).or_default().push(eval(run, value, row)?);
    }
    let mut out = Vec::new();
    for (group, bins) in parts {
        for bin in bins.keys() {
            let mut gathered = gather(&aggregate)?;
            for value in
                bins.range(bin.saturating_sub(width).saturating_add(1)..=*bin).flat_map(|(_, values)| values)
            {
                gathered.take(&[value.clone(), percentile_value.clone()])?;
            }
            let mut row = vec![moment(bin.saturating_mul(size), axis.ty)];
            row.extend(group.iter().cloned());
            row.push(gathered.give());
            out.push(row);
        }
        run.check()?;
    }
    Ok(out)
}
