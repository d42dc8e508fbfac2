//! Lists as sets.

use std::collections::HashSet;

use crate::json::Json;
use bowline_kql::{Type, Value};

use super::{Call, array, list};
use crate::dynamic;

pub(super) fn call(name: &str, call: &Call<'_>) -> Option<Value> {
    let lists = || (0..call.values.len()).map(|index| array(call.json(index))).collect::<Option<Vec<_>>>();
    Some(match name {
        "set_union" => list(lists().map(|lists| distinct(lists.concat()))),
        "set_intersect" => list(lists().map(|lists| kept(lists, true))),
        "set_difference" => list(lists().map(|lists| kept(lists, false))),
        "set_has_element" => match array(call.json(0)) {
            Some(members) => {
                let wanted = identity(&call.json(1));
                Value::Bool(members.iter().any(|one| identity(one) == wanted))
            }
            None => Value::Null(Type::Bool),
        },
        "set_equals" => lists().map_or(Value::Bool(false), |lists| {
            let sets: Vec<HashSet<String>> =
                lists.iter().map(|one| one.iter().map(identity).collect()).collect();
            Value::Bool(sets.windows(2).all(|two| two[0] == two[1]))
        }),
        "jaccard_index" => match lists().as_deref() {
            Some([left, right]) => {
                let left: HashSet<String> = left.iter().map(identity).collect();
                let right: HashSet<String> = right.iter().map(identity).collect();
                let all = left.union(&right).count() as f64;
                Value::Real(left.intersection(&right).count() as f64 / all)
            }
            _ => Value::Null(Type::Real),
        },
        _ => return None,
    })
}

/// One text for equal members.
fn identity(json: &Json) -> String {
    dynamic::canonical(&json.to_string())
}

fn distinct(members: Vec<Json>) -> Vec<Json> {
    let mut seen = HashSet::new();
    members.into_iter().filter(|one| seen.insert(identity(one))).collect()
}

/// The members of the first list that are in all of the others, or in none.
fn kept(lists: Vec<Vec<Json>>, wanted: bool) -> Vec<Json> {
    let mut lists = lists.into_iter();
    let first = lists.next().unwrap_or_default();
    let others: Vec<HashSet<String>> = lists.map(|one| one.iter().map(identity).collect()).collect();
    let keep = |one: &Json| {
        let identity = identity(one);
        if wanted {
            others.iter().all(|set| set.contains(&identity))
        } else {
            !others.iter().any(|set| set.contains(&identity))
        }
    };
    distinct(first.into_iter().filter(keep).collect())
}
