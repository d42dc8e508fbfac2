//! An entry as Azure's clients read it: `EventData` of `Microsoft.Insights`.

use std::borrow::Cow;

use bowline_arm::{Fields, ResourceId};
use bowline_kql::value::UNIX_EPOCH;
use bowline_store::chain::LoggedEntry;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::Told;
use crate::Control;

/// An entry, read.
pub(super) struct Event {
    pub(super) entry: LoggedEntry,
    pub(super) told: Told,
    pub(super) id: Option<ResourceId>,
}

impl Event {
    pub(super) fn new(entry: LoggedEntry) -> Option<Self> {
        let told: Told = serde_json::from_str(&entry.text).ok()?;
        let id = told.resource_id.parse().ok();
        Some(Self { entry, told, id })
    }

    fn time(&self) -> Timestamp {
        Timestamp::from_microsecond(self.entry.time).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// The namespace of what was done, whatever it was done to.
    fn provider(&self) -> &str {
        self.told.action.split('/').next().unwrap_or_default()
    }

    fn resource_type(&self) -> &str {
        self.id.as_ref().map_or("", |id| id.resource_type().as_str())
    }

    /// The same entry has the same id everywhere and always.
    fn data_id(&self) -> Uuid {
        let digest = Sha256::new().chain_update(self.entry.seq.to_be_bytes()).chain_update(&self.entry.text);
        let bytes: [u8; 32] = digest.finalize().into();
        let mut half = [0; 16];
        half.copy_from_slice(&bytes[..16]);
        uuid::Builder::from_sha1_bytes(half).into_uuid()
    }

    fn method(&self) -> &'static str {
        match self.told.action.rsplit('/').next().unwrap_or_default() {
            "read" => "GET",
            "write" => "PUT",
            "delete" => "DELETE",
            _ => "POST",
        }
    }

    /// The HTTP status in Azure's words.
    fn sub_status(&self) -> (&'static str, &'static str) {
        match (self.told.status.as_str(), self.told.code.as_deref()) {
            ("Accepted", _) => ("Accepted", "Accepted (HTTP Status Code: 202)"),
            ("Succeeded", _) if self.told.etag_before.is_none() => {
                ("Created", "Created (HTTP Status Code: 201)")
            }
            ("Succeeded", _) => ("OK", "OK (HTTP Status Code: 200)"),
            (_, Some("ScopeLocked" | "ReadOnlyDisabledSubscription")) => {
                ("Conflict", "Conflict (HTTP Status Code: 409)")
            }
            _ => ("Forbidden", "Forbidden (HTTP Status Code: 403)"),
        }
    }

    /// The whole entry.
    pub(super) fn render(&self, control: &Control) -> Value {
        let (told, time, data_id) = (&self.told, self.time(), self.data_id());
        let (sub, localized_sub) = self.sub_status();
        let named = |value: &str| json!({"value": value, "localizedValue": value});
        let ticks = self.entry.time.saturating_mul(10).saturating_add(UNIX_EPOCH);
        let id = self.id.as_ref();
        json!({
            "authorization": {"action": told.action, "scope": told.resource_id},
            "caller": told.caller.name,
            "channels": "Operation",
            "claims": {
                "name": told.caller.name,
                "http://schemas.microsoft.com/identity/claims/objectidentifier": told.caller.object_id,
                "idtyp": told.caller.kind,
            },
            "correlationId": told.correlation_id,
            "description": "",
            "eventDataId": data_id,
            "eventName": {"value": "EndRequest", "localizedValue": "End request"},
            "category": named("Administrative"),
            "eventSource": named("Administrative"),
            "eventTimestamp": time.to_string(),
            "httpRequest": {
                "clientRequestId": told.correlation_id,
                "clientIpAddress": told.client.as_deref().unwrap_or_default(),
                "method": self.method(),
                "uri": format!("{}{}", control.settings().public_url, told.resource_id),
            },
            "id": format!("{}/events/{data_id}/ticks/{ticks}", told.resource_id.trim_end_matches('/')),
            "level": if told.code.is_some() { "Error" } else { "Informational" },
            "operationId": told.operation.unwrap_or(told.correlation_id),
            "operationName": named(&told.action),
            "properties": self.properties(sub),
            "resourceGroupName": id.and_then(|id| id.resource_group()).unwrap_or_default(),
            "resourceId": told.resource_id,
            "resourceProviderName": named(self.provider()),
            "resourceType": named(self.resource_type()),
            "status": named(&told.status),
            "subStatus": {"value": sub, "localizedValue": localized_sub},
            "submissionTimestamp": time.to_string(),
            "subscriptionId": id.and_then(|id| id.subscription()).unwrap_or_default(),
            "tenantId": control.tenant(),
        })
    }

    /// Texts, because clients read nothing else here.
    fn properties(&self, sub: &str) -> Value {
        let told = &self.told;
        let mut properties = Map::new();
        let mut add = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                properties.insert(name.to_owned(), value.into());
            }
        };
        add("entity", Some(told.resource_id.clone()));
        add("statusCode", Some(sub.to_owned()));
        add("sequenceNumber", Some(self.entry.seq.to_string()));
        add("revision", Some(self.entry.revision.to_string()));
        add("etagBefore", told.etag_before.clone());
        add("etagAfter", told.etag_after.clone());
        add("errorCode", told.code.clone());
        add("count", told.count.map(|count| count.to_string()));
        Value::Object(properties)
    }
}

impl Fields for Event {
    fn text(&self, field: &str) -> Option<Cow<'_, str>> {
        let id = self.id.as_ref();
        match field {
            "resourcegroupname" | "resourcegroup" => id?.resource_group().map(Into::into),
            "resourceuri" | "resourceid" => Some(self.told.resource_id.as_str().into()),
            "resourceprovider" | "resourceprovidername" => Some(self.provider().into()),
            "resourcetype" | "resourcetypes" => Some(self.resource_type().into()),
            "correlationid" => Some(self.told.correlation_id.to_string().into()),
            "caller" => Some(self.told.caller.name.as_str().into()),
            "status" => Some(self.told.status.as_str().into()),
            "operations" | "operationname" => Some(self.told.action.as_str().into()),
            "eventchannels" | "channels" => Some("Operation".into()),
            _ => None,
        }
    }

    fn any(&self, field: &str, test: &mut dyn FnMut(&str) -> bool) -> bool {
        // A caller is found by its object id too.
        self.text(field).is_some_and(|value| test(&value))
            || (field == "caller" && test(&self.told.caller.object_id.to_string()))
    }
}
