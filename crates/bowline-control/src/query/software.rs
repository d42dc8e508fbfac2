//! Packages that machines' agents found, as rows.

use std::sync::Arc;

use bowline_kql::tables::{Change, Entry, Place};
use bowline_kql::value::parse_datetime;
use bowline_kql::{Type, Value};
use serde_json::Value as Json;

use super::reporter::Host;
use super::resources::segment;
use super::tables::{Of, SOFTWARE};

/// What shows a machine's packages.
const READ: &str = "Microsoft.HybridCompute/machines/read";
/// What the keys of packages begin with.
const PREFIX: &str = "software/";

/// A package's row.
pub(super) fn put(machine: &Host, key: &str, text: &str) -> Option<Change> {
    let package: Json = serde_json::from_str(text).ok().filter(|_| key.starts_with(PREFIX))?;
    let place = Place { owner: machine.owner(), class: READ.into(), scope: Arc::clone(&machine.key) };
    let cell = |(column, ..): &(&str, Type, _)| match *column {
        "machineId" => Value::String(machine.id.to_string()),
        "machineName" => Value::String(machine.name().to_owned()),
        "subscriptionId" => Value::String(segment(&machine.key, "subscriptions").to_owned()),
        "resourceGroup" => Value::String(segment(&machine.key, "resourcegroups").to_owned()),
        "location" => Value::String(machine.location.to_string()),
        "installedOn" => {
            let ticks = package["installedOn"].as_str().and_then(parse_datetime);
            ticks.map_or(Value::Null(Type::Datetime), Value::Datetime)
        }
        column => Value::String(package[column].as_str().unwrap_or_default().to_owned()),
    };
    let values = SOFTWARE.iter().map(cell).collect();
    let entry = Entry { table: Of::Software.position(), key: machine.key(key), place, values };
    Some(Change::Put(Box::new(entry)))
}
