//! Series with what is missing filled in, and filters over series.

use crate::json::Json;
use bowline_kql::Value;

use super::{Call, list, number, numbers};

pub(super) fn call(name: &str, call: &Call<'_>) -> Option<Value> {
    let members = || match call.json(0) {
        Json::Array(list) => Some(list),
        _ => None,
    };
    Some(match name {
        "series_fill_forward" => list(members().map(|all| forward(all, &call.json(1)))),
        "series_fill_backward" => list(members().map(|mut all| {
            all.reverse();
            let mut all = forward(all, &call.json(1));
            all.reverse();
            all
        })),
        "series_fill_const" => list(members().map(|all| {
            let fill = if call.values.len() > 1 { call.json(1) } else { Json::from(0) };
            let missing = call.json(2);
            all.into_iter().map(|one| if one == missing { fill.clone() } else { one }).collect()
        })),
        "series_fill_linear" => list(members().map(|all| linear(&all, call))),
        "series_fir" => list(numbers(&call.json(0)).zip(numbers(&call.json(1))).map(|(all, filter)| {
            let truth =
                |index, otherwise| call.values.get(index).map_or(otherwise, |one| *one == Value::Bool(true));
            fir(&plain(all), &plain(filter), truth(2, true), truth(3, false))
        })),
        "series_iir" => {
            let three = numbers(&call.json(0)).zip(numbers(&call.json(1)).zip(numbers(&call.json(2))));
            list(three.map(|(all, (b, a))| iir(&plain(all), &plain(b), &plain(a))))
        }
        _ => return None,
    })
}

fn plain(all: Vec<Option<f64>>) -> Vec<f64> {
    all.into_iter().map(Option::unwrap_or_default).collect()
}

fn forward(mut all: Vec<Json>, missing: &Json) -> Vec<Json> {
    for at in 1..all.len() {
        if all[at] == *missing {
            all[at] = all[at - 1].clone();
        }
    }
    all
}

/// Straight lines over what is missing; at the ends the nearest number, unless told otherwise.
fn linear(all: &[Json], call: &Call<'_>) -> Vec<Json> {
    let missing = call.json(1);
    let edges = call.values.get(2).is_none_or(|one| *one == Value::Bool(true));
    let known = |at: &usize| all[*at] != missing && all[*at].is_number();
    let fill = |at: usize| {
        let before = (0..at).rev().find(known).and_then(|place| Some((place, all[place].as_f64()?)));
        let after = (at + 1..all.len()).find(known).and_then(|place| Some((place, all[place].as_f64()?)));
        match (before, after) {
            (Some((from, a)), Some((to, b))) => {
                number(a + (b - a) * (at - from) as f64 / (to - from) as f64, false)
            }
            (Some((_, one)), None) | (None, Some((_, one))) if edges => number(one, true),
            (None, None) if call.values.len() > 3 => call.json(3),
            _ => all[at].clone(),
        }
    };
    (0..all.len()).map(|at| if all[at] == missing { fill(at) } else { all[at].clone() }).collect()
}

/// Each member as a weighted sum of those before it, or around it where centred.
fn fir(all: &[f64], filter: &[f64], normalize: bool, center: bool) -> Vec<Json> {
    let sum: f64 = filter.iter().sum();
    let scale = if normalize && sum != 0.0 { sum } else { 1.0 };
    let ahead = if center { filter.len() / 2 } else { 0 };
    let one = |at: usize| {
        let terms = filter.iter().enumerate().filter_map(|(back, weight)| {
            all.get((at + ahead).checked_sub(back)?).map(|value| value * weight / scale)
        });
        number(terms.sum(), false)
    };
    (0..all.len()).map(one).collect()
}

/// The recursive filter with these numerators and denominators.
fn iir(all: &[f64], numerators: &[f64], denominators: &[f64]) -> Vec<Json> {
    let first = denominators.first().copied().unwrap_or(1.0);
    let mut made: Vec<f64> = Vec::with_capacity(all.len());
    for at in 0..all.len() {
        let sum = |weights: &[f64], of: &[f64], skip: usize| -> f64 {
            let terms = weights.iter().enumerate().skip(skip);
            terms.filter_map(|(back, weight)| Some(of.get(at.checked_sub(back)?)? * weight)).sum()
        };
        made.push((sum(numerators, all, 0) - sum(denominators, &made, 1)) / first);
    }
    made.into_iter().map(|value| number(value, false)).collect()
}
