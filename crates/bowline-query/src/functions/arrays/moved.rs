//! Lists cut, turned and shifted.

use crate::json::Json;
use bowline_kql::Value;

use super::{Call, array, list};

pub(super) fn call(name: &str, call: &Call<'_>) -> Option<Value> {
    let members = || array(call.json(0));
    let by = call.long(1);
    Some(match name {
        "array_reverse" => list(members().map(|list| list.into_iter().rev().collect())),
        "array_rotate_left" => list(members().zip(by).map(|(list, by)| rotated(list, by))),
        "array_rotate_right" => list(members().zip(by).map(|(list, by)| rotated(list, by.saturating_neg()))),
        "array_shift_left" => list(members().zip(by).map(|(list, by)| shifted(&list, by, &call.json(2)))),
        "array_shift_right" => {
            list(members().zip(by).map(|(list, by)| shifted(&list, by.saturating_neg(), &call.json(2))))
        }
        "array_slice" => list(members().zip(by.zip(call.long(2))).map(|(list, (from, to))| {
            let (from, to) = (place(from, list.len()), place(to.saturating_add(1), list.len()));
            let to = if call.long(2) == Some(-1) { list.len() } else { to };
            list.get(from..to).unwrap_or_default().to_vec()
        })),
        "array_split" => list(members().map(|list| split(&list, &call.json(1)))),
        _ => return None,
    })
}

/// A position in a list of so many; from its end where it is negative.
fn place(at: i64, count: usize) -> usize {
    match usize::try_from(at) {
        Ok(at) => at.min(count),
        Err(_) => count.saturating_sub(usize::try_from(at.unsigned_abs()).unwrap_or(usize::MAX)),
    }
}

fn rotated(mut members: Vec<Json>, by: i64) -> Vec<Json> {
    if !members.is_empty() {
        let by = by.rem_euclid(i64::try_from(members.len()).unwrap_or(i64::MAX));
        members.rotate_left(usize::try_from(by).unwrap_or_default());
    }
    members
}

/// To the left; what is missing afterwards is filled.
fn shifted(members: &[Json], by: i64, fill: &Json) -> Vec<Json> {
    let from = |at: usize| {
        let source = i64::try_from(at).ok()?.checked_add(by)?;
        members.get(usize::try_from(source).ok()?)
    };
    (0..members.len()).map(|at| from(at).unwrap_or(fill).clone()).collect()
}

/// The parts between positions.
fn split(members: &[Json], at: &Json) -> Vec<Json> {
    let places: Vec<i64> = match at {
        Json::Array(all) => all.iter().filter_map(Json::as_i64).collect(),
        one => one.as_i64().into_iter().collect(),
    };
    let mut parts = Vec::with_capacity(places.len() + 1);
    let mut begin = 0;
    for at in places {
        let end = place(at, members.len()).max(begin);
        parts.push(Json::Array(members[begin..end].to_vec()));
        begin = end;
    }
    parts.push(Json::Array(members[begin..].to_vec()));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_beyond_a_list_are_its_ends() {
        let json = |text: &str| crate::json::read(text).unwrap();
        let all = [1, 2, 3].map(Json::from);
        assert_eq!(split(&all, &json("9")), [json("[1, 2, 3]"), json("[]")]);
        assert_eq!(split(&all, &json("[2, 1]")), [json("[1, 2]"), json("[]"), json("[3]")]);
        assert_eq!(split(&all, &json("-1")), [json("[1, 2]"), json("[3]")]);
        assert_eq!(shifted(&all, i64::MAX, &json("0")), [json("0"), json("0"), json("0")]);
        assert_eq!(rotated(all.to_vec(), i64::MIN).len(), 3);
        assert_eq!(rotated(Vec::new(), 2), Vec::<Json>::new());
        assert_eq!(place(i64::MIN, 3), 0);
    }
}
