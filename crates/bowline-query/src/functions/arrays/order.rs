//! Lists in order.

use std::cmp::Ordering;

use crate::json::Json;
use bowline_kql::{Type, Value};

use super::{Call, array, list};
use crate::dynamic;

/// The first list in order, and the others as it went. Nulls stand last unless a last `false` puts them first. A list that is not as
/// long as the first one is null.
pub(in crate::functions) fn sorted(call: &Call<'_>, descending: bool) -> Vec<Value> {
    let nulls_first = call.values.last() == Some(&Value::Bool(false));
    let count = call.values.iter().filter(|value| value.ty() != Type::Bool).count();
    let lists: Vec<Option<Vec<Json>>> = (0..count).map(|index| array(call.json(index))).collect();
    let Some(Some(first)) = lists.first() else { return vec![Value::Null(Type::Dynamic); count.max(1)] };
    let mut places: Vec<usize> = (0..first.len()).collect();
    places.sort_by(|a, b| {
        let (a, b) = (&first[*a], &first[*b]);
        let nulls = if nulls_first { Ordering::Less } else { Ordering::Greater };
        match (a.is_null(), b.is_null()) {
            (true, true) => Ordering::Equal,
            (true, false) => nulls,
            (false, true) => nulls.reverse(),
            (false, false) if descending => dynamic::compare(b, a),
            (false, false) => dynamic::compare(a, b),
        }
    });
    let moved = |one: &Vec<Json>| places.iter().map(|at| one[*at].clone()).collect();
    lists.iter().map(|one| list(one.as_ref().filter(|one| one.len() == first.len()).map(moved))).collect()
}
