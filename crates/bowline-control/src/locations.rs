//! Where resources can be. A location is a name that means what its owner wants it to mean: a plant, a data centre, a ship.
//!
//! Known are those of the settings, or without any `local` and the names of Azure's public regions, because scripts that people have
//! name them; and those that somebody made: `PUT /providers/Microsoft.Bowline/locations/{name}`. A new resource in an unknown one is refused.

use std::sync::LazyLock;

use bowline_arm::{Error, ResourceId, normalize_location};
use bowline_store::List;
use serde_json::{Value, json};

use crate::Control;
use crate::context::OpContext;
use crate::pipeline::{parse, record_id, require_readable, store_error};

/// The type of locations that somebody made, as it is stored.
pub const LOCATIONS: &str = "microsoft.bowline/locations";
/// The most locations that somebody made.
pub const MAX_LOCATIONS: u32 = 1000;

/// Name, display name and geography of each location that is there unless the settings say otherwise.
static DEFAULTS: LazyLock<Vec<(String, String, String)>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("locations.json"))
        .expect("the committed list of locations is JSON; a test reads it")
});

/// A location.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// Lower case, without blanks.
    pub name: String,
    /// What people call it.
    pub display_name: String,
    /// The part of the world it lies in.
    pub geography: String,
}

/// The locations that need no record.
fn given(control: &Control) -> Vec<Location> {
    let settings = &control.settings().locations;
    if settings.is_empty() {
        let default = |(name, display_name, geography): &(String, String, String)| Location {
            name: name.clone(),
            display_name: display_name.clone(),
            geography: geography.clone(),
        };
        return DEFAULTS.iter().map(default).collect();
    }
    let known = |written: &String| {
        let name = normalize_location(written).ok()?;
        let geography = "Other".to_owned();
        let as_azure = DEFAULTS.iter().find(|d| d.0 == name && *written == name).map(|d| d.1.clone());
        Some(Location { display_name: as_azure.unwrap_or_else(|| written.clone()), name, geography })
    };
    settings.iter().filter_map(known).collect()
}

/// Every location, those that somebody made last.
///
/// # Errors
/// When the store cannot be read.
pub async fn all(control: &Control) -> Result<Vec<Location>, Error> {
    let list = List { resource_type: Some(LOCATIONS.to_owned()), limit: MAX_LOCATIONS, ..List::default() };
    let mut all = given(control);
    for record in control.store().list(&list).await.map_err(|e| store_error(&e))? {
        let (id, document) = (record_id(&record)?, parse(&record)?);
        let text = |name: &str| document["properties"][name].as_str().map(str::to_owned);
        let location = Location {
            name: id.name().to_ascii_lowercase(),
            display_name: text("displayName").unwrap_or_else(|| id.name().to_owned()),
            geography: text("geographyGroup").unwrap_or_else(|| "Other".to_owned()),
        };
        all.retain(|known| known.name != location.name);
        all.push(location);
    }
    Ok(all)
}

/// Refuses a location that nobody knows, naming those that are known.
///
/// # Errors
/// `LocationNotAvailableForResourceType` or, for groups, `LocationNotAvailableForResourceGroup` (400).
pub(crate) async fn check(control: &Control, resource_type: &str, location: &str) -> Result<(), Error> {
    if given(control).iter().any(|known| known.name == location) {
        return Ok(());
    }
    let all = all(control).await?;
    if all.iter().any(|known| known.name == location) {
        return Ok(());
    }
    let names: Vec<&str> = all.iter().map(|known| known.name.as_str()).collect();
    let group = resource_type.eq_ignore_ascii_case("Microsoft.Resources/resourceGroups");
    let code =
        if group { "LocationNotAvailableForResourceGroup" } else { "LocationNotAvailableForResourceType" };
    Err(Error::bad_request(
        code,
        format!(
            "The provided location '{location}' is not available for resource type '{resource_type}'. List of available regions for the resource type is '{}'. \
             An administrator can make it: PUT /providers/Microsoft.Bowline/locations/{location}.",
            names.join(",")
        ),
    )
    .with_target("location"))
}

/// GET `/subscriptions/{s}/locations`.
///
/// # Errors
/// 403, or 404 when there is no such subscription.
pub async fn list(control: &Control, context: &OpContext, subscription: &ResourceId) -> Result<Value, Error> {
    let action = "Microsoft.Resources/subscriptions/locations/read";
    require_readable(control, context, subscription, action).await?;
    let value: Vec<Value> = all(control).await?.iter().map(|location| show(subscription, location)).collect();
    Ok(json!({ "value": value }))
}

fn show(subscription: &ResourceId, location: &Location) -> Value {
    let Location { name, display_name, geography } = location;
    json!({
        "id": format!("{subscription}/locations/{name}"), "name": name, "type": "Region", "displayName": display_name,
        "regionalDisplayName": format!("({geography}) {display_name}"),
        "metadata": {"regionType": "Physical", "regionCategory": "Recommended", "geography": geography, "geographyGroup": geography, "pairedRegion": []},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_locations_are_named_as_their_display_names_are_normalised() {
        assert_eq!(DEFAULTS[0].0, "local");
        for (name, display_name, geography) in DEFAULTS.iter() {
            assert_eq!(normalize_location(display_name).unwrap(), *name);
            assert!(!geography.is_empty());
        }
    }
}
