//! Records as rows: as their newest api-version shows them, in Azure's columns.

use std::borrow::Cow;

use bowline_arm::Error;
use bowline_kql::engine::Row;
use bowline_kql::tables::{Change, Entry, Held, Place};
use bowline_kql::{Type, Value};
use bowline_store::{Change as Changed, Record};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::tables::{RESOURCE, table_of};
use crate::Control;
use crate::pipeline::render_record;
use crate::provider::Spec;

/// The row of a record, when its type is in a table.
pub(super) fn put(control: &Control, record: &Record) -> Result<Option<Change>, Error> {
    let Some(provider) = control.registry().by_key(&record.resource_type) else { return Ok(None) };
    let spec = provider.spec();
    let Some(table) = table_of(spec) else { return Ok(None) };
    let place = Place { owner: 0, class: spec.action_of("read").into(), scope: scope(&record.key).into() };
    let values = row(control, spec, record)?;
    let entry = Entry { table: table.position(), key: record.key.clone(), place, values };
    Ok(Some(Change::Put(Box::new(entry))))
}

/// Where rows lie together as far as rights go: what stands above the name, but no deeper than the collection that is right in a group or
/// subscription, for else each machine would be a place because it has extensions.
fn scope(key: &str) -> &str {
    let above = key.rfind('/').unwrap_or_default();
    let provider = key.find("/providers/").map_or(0, |at| at + "/providers/".len());
    let behind = key[provider..].match_indices('/').nth(1).map_or(above, |(at, _)| provider + at);
    if provider == 0 { &key[..above] } else { &key[..above.min(behind)] }
}

/// A deleted record's row goes.
pub(super) fn remove(control: &Control, key: &str, resource_type: &str) -> Option<Change> {
    let table = table_of(control.registry().by_key(resource_type)?.spec())?;
    Some(Change::Remove { table: table.position(), key: key.to_owned() })
}

/// The record as a change left it; none when it is gone.
pub(super) fn record_of(change: &Changed) -> Option<Record> {
    let document = change.document.clone()?;
    Some(Record {
        tenant: change.tenant,
        uid: change.uid,
        id: change.id.clone(),
        key: change.key.clone(),
        resource_type: change.resource_type.clone(),
        parent: None,
        principal: None,
        revision: change.revision,
        created_revision: change.revision,
        etag: change.etag.clone(),
        model: change.model,
        deleting: false,
        document,
        protected: None,
        created_at: change.time,
        updated_at: change.time,
    })
}

/// What a document says in the columns, as it is written there.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    #[serde(borrow)]
    kind: Option<&'a RawValue>,
    location: Option<&'a RawValue>,
    managed_by: Option<&'a RawValue>,
    display_name: Option<&'a RawValue>,
    sku: Option<&'a RawValue>,
    plan: Option<&'a RawValue>,
    properties: Option<&'a RawValue>,
    tags: Option<&'a RawValue>,
    identity: Option<&'a RawValue>,
    zones: Option<&'a RawValue>,
    extended_location: Option<&'a RawValue>,
}

/// A record as its newest api-version shows it, in the columns.
fn row(control: &Control, spec: &Spec, record: &Record) -> Result<Row, Error> {
    let text = if spec.shape.shows_whole(&record.document) {
        Cow::Borrowed(record.document.as_str())
    } else {
        Cow::Owned(render_record(spec, record, spec.shape.latest())?.to_string())
    };
    let shown: Shown<'_> = serde_json::from_str(&text)
        .map_err(|error| Error::internal(format!("the document of {} is not JSON: {error}", record.key)))?;
    let text = |json: Option<&RawValue>| {
        Value::String(json.and_then(|json| serde_json::from_str(json.get()).ok()).unwrap_or_default())
    };
    let bag = |json: Option<&RawValue>| {
        json.map_or(Value::Null(Type::Dynamic), |json| Value::Dynamic(json.get().to_owned()))
    };
    let cell = |(name, ty, _): &(&str, Type, Held)| match *name {
        "id" => Value::String(record.id.clone()),
        // Azure shows subscriptions by the name that people gave them.
        "name" if shown.display_name.is_some() && spec.type_key() == "microsoft.resources/subscriptions" => {
            text(shown.display_name)
        }
        "name" => Value::String(record.id.rsplit('/').next().unwrap_or_default().to_owned()),
        "type" => Value::String(match record.resource_type.as_str() {
            // Azure's name of groups among its tables.
            "microsoft.resources/resourcegroups" => {
                "microsoft.resources/subscriptions/resourcegroups".to_owned()
            }
            other => other.to_owned(),
        }),
        "tenantId" => Value::String(control.tenant().to_string()),
        "resourceGroup" => Value::String(segment(&record.key, "resourcegroups").to_owned()),
        "subscriptionId" => Value::String(segment(&record.key, "subscriptions").to_owned()),
        "kind" => text(shown.kind),
        "location" => text(shown.location),
        "managedBy" => text(shown.managed_by),
        "sku" => bag(shown.sku),
        "plan" => bag(shown.plan),
        "properties" => bag(shown.properties),
        "tags" => bag(shown.tags),
        "identity" => bag(shown.identity),
        "zones" => bag(shown.zones),
        "extendedLocation" => bag(shown.extended_location),
        other => {
            debug_assert!(false, "{other} is a column of resources and nothing fills it");
            Value::null(*ty)
        }
    };
    Ok(RESOURCE.iter().map(cell).collect())
}

/// What follows a segment of a key.
pub(super) fn segment<'a>(key: &'a str, after: &str) -> &'a str {
    key.split('/').skip_while(|part| *part != after).nth(1).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::scope;

    #[test]
    fn rows_of_a_group_and_a_type_are_one_place() {
        let group = "/subscriptions/s/resourcegroups/g";
        for (key, place) in [
            ("/subscriptions/s".to_owned(), "/subscriptions".to_owned()),
            (group.to_owned(), "/subscriptions/s/resourcegroups".to_owned()),
            (format!("{group}/providers/a.b/machines/m"), format!("{group}/providers/a.b/machines")),
            (
                format!("{group}/providers/a.b/machines/m/extensions/e"),
                format!("{group}/providers/a.b/machines"),
            ),
            (
                format!("{group}/providers/a.b/machines/m/providers/a.authorization/roleassignments/r"),
                format!("{group}/providers/a.b/machines"),
            ),
            (
                "/providers/a.management/managementgroups/m".to_owned(),
                "/providers/a.management/managementgroups".to_owned(),
            ),
            (
                "/providers/a.authorization/roleassignments/r".to_owned(),
                "/providers/a.authorization/roleassignments".to_owned(),
            ),
        ] {
            assert_eq!(scope(&key), place, "{key}");
        }
    }
}
