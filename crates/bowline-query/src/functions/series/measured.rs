//! Numbers that describe a series.

use crate::json::{Json, bag};
use bowline_kql::{Type, Value};

use super::fitted::Line;
use super::{Call, numbers};
use crate::dynamic;

pub(super) fn call(name: &str, call: &Call<'_>) -> Option<Value> {
    let real = |value: Option<f64>| value.map_or(Value::Null(Type::Real), Value::Real);
    let complete =
        |index| numbers(&call.json(index)).and_then(|all| all.into_iter().collect::<Option<Vec<f64>>>());
    let both = || complete(0).zip(complete(1)).filter(|(a, b)| a.len() == b.len());
    let dynamic = |json: Option<Json>| json.map_or(Value::Null(Type::Dynamic), |json| dynamic::of(&json));
    Some(match name {
        "series_sum" => real(complete(0).map(|all| all.iter().sum())),
        "series_product" => real(complete(0).map(|all| all.iter().product())),
        "series_magnitude" => real(complete(0).map(|all| magnitude(&all))),
        "series_dot_product" => real(both().map(|(a, b)| dot(&a, &b)).or_else(|| {
            let (all, factor) = complete(0).zip(call.real(1)).or_else(|| complete(1).zip(call.real(0)))?;
            Some(all.iter().map(|one| one * factor).sum())
        })),
        "series_cosine_similarity" => real(both().map(|(a, b)| {
            let size = |index, all: &[f64]| call.real(index).unwrap_or_else(|| magnitude(all));
            dot(&a, &b) / (size(2, &a) * size(3, &b))
        })),
        "series_pearson_correlation" => real(both().and_then(|(a, b)| pearson(&a, &b))),
        "series_stats_dynamic" => dynamic(stats(&call.json(0)).map(|stats| stats.to_json())),
        "series_fit_line_dynamic" => {
            dynamic(complete(0).and_then(|all| Line::through(&all)).map(|line| line.to_json()))
        }
        _ => return None,
    })
}

/// Functions whose values are columns of their own.
pub(in crate::functions) fn several(name: &str, call: &Call<'_>) -> Option<Vec<Value>> {
    let json = call.json(0);
    match name {
        "series_stats" => {
            Some(stats(&json).map_or_else(|| vec![Value::Null(Type::Real); 7], |stats| stats.columns()))
        }
        "series_fit_line" => {
            let all: Option<Vec<f64>> = numbers(&json).and_then(|all| all.into_iter().collect());
            let Some(line) = all.and_then(|all| Line::through(&all)) else {
                return Some(vec![Value::Null(Type::Real); 6]);
            };
            let columns = [line.rsquare(), line.slope, line.variance, line.residual, line.interception];
            let mut columns: Vec<Value> = columns.into_iter().map(Value::Real).collect();
            columns.push(dynamic::of(&line.fit.into()));
            Some(columns)
        }
        _ => None,
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn magnitude(all: &[f64]) -> f64 {
    dot(all, all).sqrt()
}

fn pearson(a: &[f64], b: &[f64]) -> Option<f64> {
    let centred = |all: &[f64]| {
        let mean = all.iter().sum::<f64>() / all.len() as f64;
        all.iter().map(|one| one - mean).collect::<Vec<_>>()
    };
    let (a, b) = (centred(a), centred(b));
    let size = magnitude(&a) * magnitude(&b);
    (size > 0.0).then(|| dot(&a, &b) / size)
}

struct Stats {
    min: (usize, f64),
    max: (usize, f64),
    sum: f64,
    mean: f64,
    variance: f64,
    count: usize,
}

/// Of the numbers among the members; nothing where there is none.
fn stats(json: &Json) -> Option<Stats> {
    let all: Vec<(usize, f64)> =
        numbers(json)?.into_iter().enumerate().filter_map(|(at, one)| Some((at, one?))).collect();
    let min = all.iter().copied().reduce(|best, one| if one.1 < best.1 { one } else { best })?;
    let max = all.iter().copied().reduce(|best, one| if one.1 > best.1 { one } else { best })?;
    let sum: f64 = all.iter().map(|(_, one)| one).sum();
    let mean = sum / all.len() as f64;
    let squares: f64 = all.iter().map(|(_, one)| (one - mean).powi(2)).sum();
    let variance = if all.len() > 1 { squares / (all.len() - 1) as f64 } else { 0.0 };
    Some(Stats { min, max, sum, mean, variance, count: all.len() })
}

impl Stats {
    fn columns(&self) -> Vec<Value> {
        let place = |at: usize| Value::Long(i64::try_from(at).unwrap_or(i64::MAX));
        vec![
            Value::Real(self.min.1),
            place(self.min.0),
            Value::Real(self.max.1),
            place(self.max.0),
            Value::Real(self.mean),
            Value::Real(self.variance.sqrt()),
            Value::Real(self.variance),
        ]
    }

    fn to_json(&self) -> Json {
        bag([
            ("min", self.min.1.into()),
            ("min_idx", self.min.0.into()),
            ("max", self.max.1.into()),
            ("max_idx", self.max.0.into()),
            ("avg", self.mean.into()),
            ("stdev", self.variance.sqrt().into()),
            ("variance", self.variance.into()),
            ("sum", self.sum.into()),
            ("len", self.count.into()),
        ])
    }
}
