//! Tags as a part of their own: `{scope}/providers/Microsoft.Resources/tags/default`, and the names in use of a subscription.
//!
//! Whoever may write tags need not be able to write the resource: the change asks for `Microsoft.Resources/tags/write` and touches nothing else.
//! The names of `tagNames` are those in use, counted when asked, and those that somebody wrote down beforehand, which are kept with the
//! subscription.

use std::collections::BTreeMap;

use bowline_arm::{Error, ResourceId};
use bowline_store::{List, Record};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::Control;
use crate::context::OpContext;
use crate::pipeline::{amend, parse, require_readable, store_error};

/// The most tags of a resource.
pub const MAX_TAGS: usize = 50;
/// The longest name of a tag.
pub const MAX_NAME: usize = 512;
/// The longest value of a tag.
pub const MAX_VALUE: usize = 256;
/// The most names, and the most values of one name, that can be written down beforehand.
const MAX_NOTED: usize = 1000;
/// The member of a subscription's document that holds the names which were written down.
const NOTED: &str = "_tagNames";
/// Rows read at once while names are counted.
const PAGE: u32 = 1000;

/// Refuses tags that ARM refuses: text values, at most 50, names of 512 and values of 256 characters.
///
/// # Errors
/// 400 with ARM's codes, naming the tag.
pub fn check(tags: &Value) -> Result<(), Error> {
    let refuse = |code: &'static str, why: String, target: String| {
        Err(Error::bad_request(code, why).with_target(target))
    };
    let Some(tags) = tags.as_object() else {
        return refuse(
            "InvalidTag",
            "The tags must be an object of text values.".to_owned(),
            "tags".to_owned(),
        );
    };
    if tags.len() > MAX_TAGS {
        return refuse(
            "TooManyTags",
            format!("The resource has {} tags; {MAX_TAGS} are allowed.", tags.len()),
            "tags".to_owned(),
        );
    }
    for (name, value) in tags {
        let target = format!("tags.{name}");
        let Some(value) = value.as_str() else {
            return refuse("InvalidTagValue", format!("The value of tag '{name}' must be text."), target);
        };
        check_name(name)?;
        check_value(name, value)?;
        if tags.keys().any(|other| other != name && other.eq_ignore_ascii_case(name)) {
            let why = format!("The tag name '{name}' occurs twice; names have any case.");
            return refuse("DuplicateTagName", why, target);
        }
    }
    Ok(())
}

fn check_name(name: &str) -> Result<(), Error> {
    let length = name.chars().count();
    let wrong = if length == 0 || length > MAX_NAME {
        format!("it has {length} characters; 1 to {MAX_NAME} are allowed")
    } else if let Some(c) = name.chars().find(|c| "<>%&\\?/".contains(*c) || c.is_control()) {
        format!("it contains {c:?}; '<', '>', '%', '&', '\\', '?' and '/' are not allowed")
    } else if ["microsoft", "azure", "windows"].iter().any(|p| name.to_ascii_lowercase().starts_with(p)) {
        "names beginning with 'microsoft', 'azure' or 'windows' are reserved".to_owned()
    } else {
        return Ok(());
    };
    let shown: String = name.chars().take(80).collect();
    Err(Error::bad_request("InvalidTagName", format!("The tag name '{shown}' is not valid: {wrong}."))
        .with_target(format!("tags.{shown}")))
}

fn check_value(name: &str, value: &str) -> Result<(), Error> {
    let length = value.chars().count();
    if length <= MAX_VALUE {
        return Ok(());
    }
    Err(Error::bad_request(
        "InvalidTagValue",
        format!("The value of tag '{name}' has {length} characters; {MAX_VALUE} are allowed."),
    )
    .with_target(format!("tags.{name}")))
}

/// What a PATCH does with the tags it brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Adds them; a name that exists gets the new value.
    Merge,
    /// They are all that remain.
    Replace,
    /// Removes those of this name and value.
    Delete,
}

impl Operation {
    fn parse(body: &Value) -> Result<Self, Error> {
        let text = body["operation"].as_str().unwrap_or_default();
        [("merge", Self::Merge), ("replace", Self::Replace), ("delete", Self::Delete)]
            .into_iter()
            .find(|(name, _)| text.eq_ignore_ascii_case(name))
            .map(|(_, operation)| operation)
            .ok_or_else(|| {
                Error::bad_request(
                    "InvalidTagPatchOperation",
                    format!("The operation '{text}' is not known. Use Merge, Replace or Delete."),
                )
                .with_target("operation")
            })
    }

    /// The tags after it.
    fn apply(self, old: &Map<String, Value>, brought: &Map<String, Value>) -> Map<String, Value> {
        let same = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
        match self {
            Self::Replace => brought.clone(),
            Self::Merge => {
                let mut tags = old.clone();
                for (name, value) in brought {
                    let written = old.keys().find(|known| same(known, name)).unwrap_or(name);
                    tags.insert(written.clone(), value.clone());
                }
                tags
            }
            Self::Delete => {
                let goes =
                    |name: &str, value: &Value| brought.iter().any(|(n, v)| same(n, name) && v == value);
                old.iter().filter(|(n, v)| !goes(n, v)).map(|(n, v)| (n.clone(), v.clone())).collect()
            }
        }
    }
}

/// `{scope}/providers/Microsoft.Resources/tags/default`: the scope whose tags are meant.
#[must_use]
pub fn scope_of(id: &ResourceId) -> Option<ResourceId> {
    (id.resource_type().key() == "microsoft.resources/tags" && id.name().eq_ignore_ascii_case("default"))
        .then(|| id.parent())
        .flatten()
}

fn shown(scope: &ResourceId, document: &Value) -> Value {
    let tags = if document["tags"].is_object() { document["tags"].clone() } else { json!({}) };
    json!({
        "id": format!("{scope}/providers/Microsoft.Resources/tags/default"),
        "name": "default", "type": "Microsoft.Resources/tags", "properties": {"tags": tags},
    })
}

/// GET of a scope's tags.
///
/// # Errors
/// As for a GET of the scope.
pub async fn get(control: &Control, context: &OpContext, scope: &ResourceId) -> Result<Value, Error> {
    taggable(control, scope)?;
    let record = require_readable(control, context, scope, "Microsoft.Resources/tags/read").await?;
    Ok(shown(&crate::pipeline::record_id(&record)?, &parse(&record)?))
}

/// PUT (all tags), PATCH (an operation) or DELETE (none remain) of a scope's tags.
///
/// # Errors
/// As for a PUT of the scope; 400 when the tags are not valid.
pub async fn change(
    control: &Control,
    context: &OpContext,
    scope: &ResourceId,
    body: Option<&Value>,
    patch: bool,
) -> Result<Value, Error> {
    taggable(control, scope)?;
    let (operation, brought) = match body {
        None => (Operation::Replace, Map::new()),
        Some(body) => {
            let operation = if patch { Operation::parse(body)? } else { Operation::Replace };
            let tags = &body["properties"]["tags"];
            let tags = if tags.is_null() { &json!({}) } else { tags };
            check(tags)?;
            (operation, tags.as_object().cloned().unwrap_or_default())
        }
    };
    let verb = if body.is_none() { "delete" } else { "write" };
    let action = format!("Microsoft.Resources/tags/{verb}");
    let (record, ()) = amend(control, context, scope, &action, &|document, _| {
        let old = document["tags"].as_object().cloned().unwrap_or_default();
        let tags = Value::Object(operation.apply(&old, &brought));
        check(&tags)?;
        document["tags"] = tags;
        Ok(())
    })
    .await?;
    Ok(shown(&crate::pipeline::record_id(&record)?, &parse(&record)?))
}

/// Only what has tags can be tagged.
fn taggable(control: &Control, scope: &ResourceId) -> Result<(), Error> {
    let spec = control.registry().find(scope.resource_type())?.spec();
    if spec.shape.root.members.contains_key("tags") {
        return Ok(());
    }
    Err(Error::bad_request(
        "TagsNotSupportedForResourceType",
        format!("Resources of the type {} have no tags.", spec.resource_type),
    ))
}

/// The part of a document that counting looks at.
#[derive(Deserialize)]
struct Tagged {
    #[serde(default)]
    tags: Option<BTreeMap<String, String>>,
}

/// A name with its values and how often each is in use; the key is the name in lower case.
#[derive(Default)]
struct Name {
    written: String,
    uses: usize,
    values: BTreeMap<String, usize>,
}

/// GET `/subscriptions/{s}/tagNames`.
///
/// # Errors
/// As for a GET of the subscription.
pub async fn names(
    control: &Control,
    context: &OpContext,
    subscription: &ResourceId,
) -> Result<Value, Error> {
    let action = "Microsoft.Resources/subscriptions/tagNames/read";
    let record = require_readable(control, context, subscription, action).await?;
    let mut names: BTreeMap<String, Name> = BTreeMap::new();
    for (name, values) in parse(&record)?[NOTED].as_object().into_iter().flatten() {
        let known = names.entry(name.to_lowercase()).or_default();
        known.written.clone_from(name);
        let values = values.as_array().into_iter().flatten().filter_map(Value::as_str);
        known.values.extend(values.map(|value| (value.to_owned(), 0)));
    }
    count(control, &record, &mut names).await?;
    let id = crate::pipeline::record_id(&record)?;
    Ok(json!({"value": names.into_values().map(|name| show_name(&id, name)).collect::<Vec<_>>()}))
}

fn show_name(subscription: &ResourceId, name: Name) -> Value {
    let id = format!("{subscription}/tagNames/{}", name.written);
    let values: Vec<Value> = name
        .values
        .iter()
        .map(|(value, uses)| {
            json!({"id": format!("{id}/tagValues/{value}"), "tagValue": value, "count": {"type": if *uses > 0 { "Total" } else { "Custom" }, "value": uses}})
        })
        .collect();
    json!({"id": id, "tagName": name.written, "count": {"type": "Total", "value": name.uses}, "values": values})
}

/// Counts the tags of the subscription's groups and resources, a page at a time.
async fn count(
    control: &Control,
    subscription: &Record,
    names: &mut BTreeMap<String, Name>,
) -> Result<(), Error> {
    let mut after = None;
    loop {
        let list = List { prefix: Some(subscription.key.clone()), after, limit: PAGE, ..List::default() };
        let rows = control.store().list(&list).await.map_err(|e| store_error(&e))?;
        for row in &rows {
            let tagged: Tagged = serde_json::from_str(&row.document).unwrap_or(Tagged { tags: None });
            for (name, value) in tagged.tags.into_iter().flatten() {
                let known = names.entry(name.to_lowercase()).or_default();
                known.uses += 1;
                *known.values.entry(value).or_default() += 1;
                if known.written.is_empty() {
                    known.written = name;
                }
            }
        }
        if rows.len() < PAGE as usize {
            return Ok(());
        }
        after = rows.last().map(|row| row.key.clone());
    }
}

/// PUT or DELETE of a name, or of one of its values, that is known before it is used. Gives the answer, and whether it was news.
///
/// # Errors
/// 409 when a name that goes still has values written down; 400 when it is not valid.
pub async fn note(
    control: &Control,
    context: &OpContext,
    subscription: &ResourceId,
    name: &str,
    value: Option<&str>,
    keep: bool,
) -> Result<(bool, Value), Error> {
    if keep {
        check_name(name)?;
        check_value(name, value.unwrap_or_default())?;
    }
    let action =
        format!("Microsoft.Resources/subscriptions/tagNames/{}", if keep { "write" } else { "delete" });
    let (record, news) = amend(control, context, subscription, &action, &|document, _| {
        let noted = crate::provider::member_object(document, NOTED);
        if keep { add(noted, name, value) } else { remove(noted, name, value) }
    })
    .await?;
    let id = crate::pipeline::record_id(&record)?;
    let known = Name { written: name.to_owned(), ..Name::default() };
    let answer = match value {
        None => show_name(&id, known),
        Some(value) => {
            json!({"id": format!("{id}/tagNames/{name}/tagValues/{value}"), "tagValue": value, "count": {"type": "Custom", "value": 0}})
        }
    };
    Ok((news, answer))
}

fn add(noted: &mut Map<String, Value>, name: &str, value: Option<&str>) -> Result<bool, Error> {
    let full = |what: &str| {
        Error::bad_request(
            "TagQuotaExceeded",
            format!("{MAX_NOTED} {what} can be written down; delete some that are not in use."),
        )
    };
    let known = noted.keys().find(|k| k.eq_ignore_ascii_case(name)).cloned();
    let (count, news) = (noted.len(), known.is_none());
    if news && count >= MAX_NOTED {
        return Err(full("tag names"));
    }
    let values = noted.entry(known.unwrap_or_else(|| name.to_owned())).or_insert_with(|| json!([]));
    let Some(value) = value else { return Ok(news) };
    let Some(values) = values.as_array_mut() else { return Ok(news) };
    if values.iter().any(|v| v == value) {
        return Ok(false);
    }
    if values.len() >= MAX_NOTED {
        return Err(full("values of one tag"));
    }
    values.push(value.into());
    Ok(true)
}

fn remove(noted: &mut Map<String, Value>, name: &str, value: Option<&str>) -> Result<bool, Error> {
    let Some(known) = noted.keys().find(|k| k.eq_ignore_ascii_case(name)).cloned() else { return Ok(false) };
    let values = noted.get_mut(&known).and_then(Value::as_array_mut);
    match (value, values) {
        (Some(value), Some(values)) => {
            let before = values.len();
            values.retain(|v| v != value);
            Ok(values.len() < before)
        }
        (None, Some(values)) if !values.is_empty() => Err(Error::conflict(
            "TagNameHasValues",
            format!(
                "The tag name '{name}' still has {} value(s) written down. Delete them first.",
                values.len()
            ),
        )),
        _ => Ok(noted.remove(&known).is_some()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn operations_go_by_the_name_in_any_case() {
        let old = map(json!({"Env": "dev", "line": "3"}));
        for (operation, brought, expected) in [
            (
                Operation::Merge,
                json!({"env": "prod", "hall": "B"}),
                json!({"Env": "prod", "line": "3", "hall": "B"}),
            ),
            (Operation::Replace, json!({"hall": "B"}), json!({"hall": "B"})),
            (Operation::Delete, json!({"ENV": "dev", "line": "4"}), json!({"line": "3"})),
        ] {
            assert_eq!(Value::Object(operation.apply(&old, &map(brought))), expected, "{operation:?}");
        }
    }

    #[test]
    fn limits_have_arms_codes() {
        let many: Map<String, Value> = (0..51).map(|n| (format!("t{n}"), json!("x"))).collect();
        for (tags, code) in [
            (Value::Object(many), "TooManyTags"),
            (json!({"n".repeat(513): "x"}), "InvalidTagName"),
            (json!({"": "x"}), "InvalidTagName"),
            (json!({"a/b": "x"}), "InvalidTagName"),
            (json!({"Microsoft.x": "x"}), "InvalidTagName"),
            (json!({"x": "v".repeat(257)}), "InvalidTagValue"),
            (json!({"x": 1}), "InvalidTagValue"),
            (json!({"x": "1", "X": "2"}), "DuplicateTagName"),
            (json!([]), "InvalidTag"),
        ] {
            assert_eq!(check(&tags).unwrap_err().code, code);
        }
        assert!(check(&json!({"n".repeat(512): "v".repeat(256)})).is_ok());
        assert!(Operation::parse(&json!({"operation": "Upsert"})).is_err());
        assert_eq!(Operation::parse(&json!({"operation": "merge"})).unwrap(), Operation::Merge);
    }

    #[test]
    fn names_are_noted_once_and_go_when_their_values_are_gone() {
        let mut noted = Map::new();
        assert!(add(&mut noted, "Env", None).unwrap());
        assert!(!add(&mut noted, "env", None).unwrap());
        assert!(add(&mut noted, "env", Some("dev")).unwrap());
        assert!(!add(&mut noted, "env", Some("dev")).unwrap());
        assert_eq!(remove(&mut noted, "ENV", None).unwrap_err().code, "TagNameHasValues");
        assert!(remove(&mut noted, "ENV", Some("dev")).unwrap());
        assert!(remove(&mut noted, "ENV", None).unwrap());
        assert!(!remove(&mut noted, "ENV", None).unwrap());
    }
}
