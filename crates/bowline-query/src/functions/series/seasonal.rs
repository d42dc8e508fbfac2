//! What repeats in a series.

use crate::json::Json;
use bowline_kql::Value;

use super::{Call, list, number, numbers};

/// A series shorter than this shows no period of its own.
const SHORTEST: usize = 16;
/// How often a period must be in the series to be seen.
const TIMES: usize = 4;
/// How alike the series must be to itself a period later.
const ALIKE: f64 = 0.6;

pub(super) fn call(name: &str, call: &Call<'_>) -> Option<Value> {
    match name {
        "series_seasonal" => Some(list(seasonal(call))),
        _ => None,
    }
}

/// The median of each phase of the period; zeros where there is no period.
fn seasonal(call: &Call<'_>) -> Option<Vec<Json>> {
    let series: Vec<f64> = numbers(&call.json(0))?.into_iter().map(|one| one.unwrap_or(0.0)).collect();
    let period = match call.long(1) {
        None | Some(-1) => detected(&series),
        Some(period) => usize::try_from(period).ok().filter(|period| *period > 0),
    };
    let Some(period) = period.filter(|period| *period <= series.len()) else {
        return Some(series.iter().map(|_| number(0.0, false)).collect());
    };
    let phases: Vec<f64> = (0..period)
        .map(|phase| median(series.iter().skip(phase).step_by(period).copied().collect()))
        .collect();
    Some((0..series.len()).map(|at| number(phases[at % period], false)).collect())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() % 2 {
        0 if middle > 0 => f64::midpoint(values[middle - 1], values[middle]),
        _ => values.get(middle).copied().unwrap_or(0.0),
    }
}

/// The shift at which the series is most like itself.
fn detected(series: &[f64]) -> Option<usize> {
    // Work that grows with the square of the length is bounded.
    if series.len() < SHORTEST || series.len() > 20_000 {
        return None;
    }
    let likeness = |shift: usize| alike(&series[..series.len() - shift], &series[shift..]);
    let shifts = (2..=series.len() / TIMES).map(|shift| (shift, likeness(shift)));
    let best = shifts.filter(|(_, alike)| *alike >= ALIKE);
    best.fold(None, |best: Option<(usize, f64)>, one| match best {
        // A multiple of a period is as good; the shorter one is meant.
        Some(before) if one.1 <= before.1 + 0.05 => Some(before),
        _ => Some(one),
    })
    .map(|(shift, _)| shift)
}

/// Pearson's correlation.
fn alike(a: &[f64], b: &[f64]) -> f64 {
    let count = a.len() as f64;
    let (mean_a, mean_b) = (a.iter().sum::<f64>() / count, b.iter().sum::<f64>() / count);
    let pairs = || a.iter().zip(b).map(|(a, b)| (a - mean_a, b - mean_b));
    let together: f64 = pairs().map(|(a, b)| a * b).sum();
    let alone: f64 = pairs().map(|(a, _)| a * a).sum::<f64>() * pairs().map(|(_, b)| b * b).sum::<f64>();
    if alone > 0.0 { together / alone.sqrt() } else { 0.0 }
}
