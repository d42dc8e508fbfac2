//! Entries of the activity log as rows, each member in the column of its name as the REST interface shows it.

use bowline_kql::tables::{Change, Entry, Place};
use bowline_kql::value::parse_datetime;
use bowline_kql::{Type, Value};
use bowline_store::chain::LoggedEntry;
use serde_json::Value as Json;

use super::tables::{LOG, Of};
use crate::Control;
use crate::activity::{READ, shown};

/// What an entry is known by.
pub(super) fn key(seq: u64) -> String {
    seq.to_string()
}

/// An entry's row; shown to who may see the log of the resource that it is about.
pub(super) fn put(control: &Control, entry: &LoggedEntry) -> Option<Change> {
    let event = shown(control, entry.clone())?;
    let above = entry.key.rfind('/').unwrap_or_default();
    let place = Place { owner: 0, class: READ.into(), scope: entry.key[..above].into() };
    // Azure's names with their translations are names here.
    let plain = |json: &Json| json["value"].as_str().or(json.as_str()).unwrap_or_default().to_owned();
    let cell = |(column, ty, _): &(&str, Type, _)| match (*column, ty) {
        ("resourceGroup", _) => Value::String(plain(&event["resourceGroupName"]).to_lowercase()),
        (column, Type::Dynamic) => Value::Dynamic(event[column].to_string()),
        (column, Type::Datetime) => {
            let ticks = event[column].as_str().and_then(parse_datetime);
            ticks.map_or(Value::Null(Type::Datetime), Value::Datetime)
        }
        (column, _) => Value::String(plain(&event[column])),
    };
    let values = LOG.iter().map(cell).collect();
    let entry = Entry { table: Of::Log.position(), key: key(entry.seq), place, values };
    Some(Change::Put(Box::new(entry)))
}
