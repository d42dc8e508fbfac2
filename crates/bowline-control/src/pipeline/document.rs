//! The stored document and what a caller sees of it.
//!
//! A document is the resource in its latest model without `id`, `name` and `type`. Members whose name begins with `_` are the server's own and never
//! leave it.

use std::collections::BTreeMap;

use bowline_arm::{ApiVersion, Error, ResourceId};
use bowline_store::Record;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::Control;
use crate::context::OpContext;
use crate::provider::Spec;

/// The version of the documents' model; raised when a stored document must be rewritten to be understood.
pub(crate) const MODEL: u32 = 1;

/// Reads a record's document.
pub(crate) fn parse(record: &Record) -> Result<Value, Error> {
    serde_json::from_str(&record.document)
        .map_err(|error| Error::internal(format!("the document of {} is not JSON: {error}", record.key)))
}

/// The resource as `version` shows it. Nothing but the arguments may decide what it says: answers are kept ([`crate::answers`]).
#[must_use]
pub fn render(
    spec: &Spec,
    id: &ResourceId,
    mut document: Value,
    etag: Option<&str>,
    version: &ApiVersion,
) -> Value {
    spec.shape.show(&mut document, version);
    let mut resource = Map::new();
    resource.insert("id".to_owned(), id.as_str().into());
    resource.insert("name".to_owned(), id.name().into());
    resource.insert("type".to_owned(), spec.resource_type.into());
    if let Value::Object(members) = document {
        resource.extend(members.into_iter().filter(|(name, _)| !name.starts_with('_')));
    }
    if let Some(etag) = etag {
        resource.insert("etag".to_owned(), etag.into());
    }
    Value::Object(resource)
}

/// A record as `version` shows it.
///
/// # Errors
/// When the record cannot be read.
pub fn render_record(spec: &Spec, record: &Record, version: &ApiVersion) -> Result<Value, Error> {
    let id = record_id(record)?;
    Ok(render(spec, &id, parse(record)?, Some(&record.etag), version))
}

/// The id of a record as its creator wrote it.
pub(crate) fn record_id(record: &Record) -> Result<ResourceId, Error> {
    record
        .id
        .parse()
        .map_err(|error| Error::internal(format!("the id of {} cannot be read: {error}", record.key)))
}

/// The entity tag of a document.
pub(crate) fn etag(uid: Uuid, document: &str, protected: Option<&[u8]>) -> String {
    let mut hash = Sha256::new();
    hash.update(uid.as_bytes());
    hash.update(document.as_bytes());
    hash.update(protected.unwrap_or_default());
    hex::encode(&hash.finalize()[..12])
}

/// Writes `systemData`: who created, who changed, when.
pub(crate) fn stamp(document: &mut Value, existing: Option<&Value>, context: &OpContext) {
    let by = context.actor.name.as_str();
    let kind = context.actor.kind.created_by_type();
    let now = context.now.to_string();
    let mut data = existing.map_or_else(
        || json!({"createdBy": by, "createdByType": kind, "createdAt": now}),
        |existing| existing["systemData"].clone(),
    );
    if let Some(members) = data.as_object_mut() {
        members.insert("lastModifiedBy".to_owned(), by.into());
        members.insert("lastModifiedByType".to_owned(), kind.into());
        members.insert("lastModifiedAt".to_owned(), now.into());
    }
    if let Some(members) = document.as_object_mut() {
        members.insert("systemData".to_owned(), data);
    }
}

/// Whether two documents differ in more than who touched them.
pub(crate) fn same_content(a: &Value, b: &Value) -> bool {
    let (Some(a), Some(b)) = (a.as_object(), b.as_object()) else { return a == b };
    let content = |m: &Map<String, Value>| m.iter().filter(|(k, _)| *k != "systemData").count();
    content(a) == content(b) && a.iter().filter(|(k, _)| *k != "systemData").all(|(k, v)| b.get(k) == Some(v))
}

impl Control {
    /// Opens a record's sealed secrets.
    pub(crate) fn open_secrets(&self, record: &Record) -> Result<BTreeMap<String, Value>, Error> {
        let Some(sealed) = &record.protected else { return Ok(BTreeMap::new()) };
        let plain = self.seal().open("record", record.uid.as_bytes(), sealed).map_err(|error| {
            Error::internal(format!("the secrets of {} cannot be opened: {error}", record.key))
        })?;
        serde_json::from_slice(&plain)
            .map_err(|error| Error::internal(format!("the secrets of {} are not JSON: {error}", record.key)))
    }

    /// Seals secrets for a record.
    pub(crate) fn seal_secrets(
        &self,
        uid: Uuid,
        secrets: &BTreeMap<String, Value>,
    ) -> Result<Option<Vec<u8>>, Error> {
        if secrets.is_empty() {
            return Ok(None);
        }
        let plain = serde_json::to_vec(secrets).map_err(Error::internal)?;
        Ok(Some(self.seal().seal("record", uid.as_bytes(), &plain)))
    }
}
