//! Bags: keys and values.

use crate::json::{Json, Map};
use bowline_kql::{Type, Value};

use super::{Call, array, list};
use crate::{convert, dynamic};

pub(super) fn call(name: &str, call: &Call<'_>) -> Option<Value> {
    let bag_of = |index| match call.json(index) {
        Json::Object(bag) => Some(bag),
        _ => None,
    };
    let given = |bag: Option<Map<String, Json>>| {
        bag.map_or(Value::Null(Type::Dynamic), |bag| dynamic::of(&Json::Object(bag)))
    };
    Some(match name {
        "bag_pack" | "pack" | "pack_dictionary" | "pack_all" => {
            let pairs = call.values.chunks_exact(2);
            // What is left over says whether to leave out what is empty.
            let skips = pairs.remainder().first() == Some(&Value::Bool(true));
            let pairs = pairs.map(|pair| (convert::to_text(&pair[0]), dynamic::to_json(&pair[1])));
            given(Some(pairs.filter(|(_, value)| !(skips && is_empty(value))).collect()))
        }
        "bag_keys" => list(bag_of(0).map(|bag| bag.into_iter().map(|(key, _)| Json::from(key)).collect())),
        "bag_has_key" => bag_of(0).map_or(Value::Null(Type::Bool), |bag| {
            let key = call.text(1).unwrap_or_default();
            let found = if key.starts_with("$.") {
                dynamic::at(&Json::Object(bag), &key).is_some()
            } else {
                bag.contains_key(&key)
            };
            Value::Bool(found)
        }),
        "bag_merge" => {
            let mut all = Map::new();
            for bag in (0..call.values.len()).filter_map(bag_of) {
                for (key, value) in bag {
                    let _ = all.entry(key).or_insert(value);
                }
            }
            given(Some(all))
        }
        "bag_remove_keys" => given(bag_of(0).map(|mut bag| {
            for key in array(call.json(1)).unwrap_or_default() {
                remove(&mut bag, &dynamic::plain(&key));
            }
            bag
        })),
        "bag_set_key" => given(bag_of(0).and_then(|mut bag| {
            set(&mut bag, &call.text(1).unwrap_or_default(), call.json(2))?;
            Some(bag)
        })),
        "bag_zip" => given(array(call.json(0)).zip(array(call.json(1))).map(|(keys, values)| {
            let mut values = values.into_iter();
            let pairs = keys.iter().map(|key| (dynamic::plain(key), values.next().unwrap_or_default()));
            pairs.collect()
        })),
        "treepath" => {
            let mut paths = Vec::new();
            tree(&call.json(0), "", &mut paths);
            list(bag_of(0).map(|_| paths.into_iter().map(Json::from).collect()))
        }
        _ => return None,
    })
}

fn is_empty(json: &Json) -> bool {
    match json {
        Json::Null => true,
        Json::String(text) => text.is_empty(),
        Json::Array(list) => list.is_empty(),
        Json::Object(bag) => bag.is_empty(),
        Json::Bool(_) | Json::Number(_) => false,
    }
}

/// A path (`$.a.b`) as keys; any other text is one key.
fn keys(path: &str) -> Option<Vec<String>> {
    if !path.starts_with("$.") && !path.starts_with("$[") {
        return Some(vec![path.to_owned()]);
    }
    dynamic::path(path)?.into_iter().map(|step| step.as_text().map(str::to_owned)).collect()
}

fn remove(bag: &mut Map<String, Json>, path: &str) {
    let Some(mut steps) = keys(path) else { return };
    let Some(last) = steps.pop() else { return };
    let mut at = Some(bag);
    for step in steps {
        at = at.and_then(|bag| bag.get_mut(&step)).and_then(Json::as_object_mut);
    }
    if let Some(bag) = at {
        let _ = bag.shift_remove(&last);
    }
}

fn set(bag: &mut Map<String, Json>, path: &str, value: Json) -> Option<()> {
    let mut steps = keys(path)?;
    let last = steps.pop()?;
    let mut at = bag;
    for step in steps {
        at = at.entry(step).or_insert_with(|| Json::Object(Map::new())).as_object_mut()?;
    }
    let _ = at.insert(last, value);
    Some(())
}

/// Every way to a value; the members of lists have one together.
fn tree(json: &Json, path: &str, paths: &mut Vec<String>) {
    let mut add = |path: String, inner: &Json| {
        if !paths.contains(&path) {
            paths.push(path.clone());
        }
        tree(inner, &path, paths);
    };
    match json {
        Json::Object(bag) => bag.iter().for_each(|(key, inner)| add(format!("{path}['{key}']"), inner)),
        Json::Array(list) => list.iter().for_each(|inner| add(format!("{path}[0]"), inner)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_lead_nowhere_change_nothing() {
        let json = |text: &str| crate::json::read(text).unwrap();
        let Json::Object(mut bag) = json(r#"{"a": {"b": 1}, "c": 2}"#) else { panic!("a bag") };
        remove(&mut bag, "$.a.x.y");
        remove(&mut bag, "$.c.x");
        remove(&mut bag, "$[");
        assert_eq!(Json::Object(bag.clone()), json(r#"{"a": {"b": 1}, "c": 2}"#));
        assert_eq!(set(&mut bag, "$.c.x", 1.into()), None);
        assert_eq!(set(&mut bag, "$.d.e", 1.into()), Some(()));
        assert_eq!(bag["d"], json(r#"{"e": 1}"#));
    }

    #[test]
    fn a_tree_names_each_way_once() {
        let mut paths = Vec::new();
        tree(&crate::json::read(r#"{"a": [{"b": 1}, {"b": 2}]}"#).unwrap(), "", &mut paths);
        assert_eq!(paths, ["['a']", "['a'][0]", "['a'][0]['b']"]);
    }
}
