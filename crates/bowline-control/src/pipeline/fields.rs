//! What `$filter` can ask about a resource.

use std::borrow::Cow;

use bowline_arm::{Error, Fields, Filter, ResourceId};
use serde_json::Value;

/// A resource's id and document, as a filter sees them; fields that ARM does not name are looked up in `properties`.
pub(crate) struct ResourceFields<'a> {
    pub(crate) id: &'a ResourceId,
    pub(crate) document: &'a Value,
}

/// Reads a `$filter`; calls other than `calls` (lower case) are refused, because they would silently hold.
pub(crate) fn parse_filter(text: Option<&str>, calls: &[&str]) -> Result<Filter, Error> {
    let refuse = |why: String| Error::bad_request("InvalidFilter", why).with_target("$filter");
    let text = text.map(str::trim).filter(|text| !text.is_empty());
    let filter = text.map(Filter::parse).transpose().map_err(|e| refuse(e.to_string()))?.unwrap_or_default();
    match filter.calls().into_iter().find(|call| !calls.contains(&call.name.as_str())) {
        None => Ok(filter),
        Some(call) => Err(refuse(format!(
            "The function '{}' is not known in the $filter of this list. It knows {}, startswith, endswith, contains and substringof.",
            call.name,
            calls.join(", ")
        ))),
    }
}

impl Fields for ResourceFields<'_> {
    fn text(&self, field: &str) -> Option<Cow<'_, str>> {
        match field {
            "id" => Some(self.id.as_str().into()),
            "name" => Some(self.id.name().into()),
            "resourcegroup" => self.id.resource_group().map(Into::into),
            "resourcetype" | "type" => Some(self.id.resource_type().as_str().into()),
            "subscriptionid" => self.id.subscription().map(Into::into),
            "location" | "kind" | "managedby" => member(self.document, field).map(Cow::Owned),
            "identity/principalid" => self.document["identity"]["principalId"].as_str().map(Into::into),
            "plan/name" | "plan/publisher" | "plan/product" | "plan/version" | "sku/name" => {
                let (object, name) = field.split_once('/')?;
                member(&self.document[object], name).map(Cow::Owned)
            }
            "createdtime" => self.document["systemData"]["createdAt"].as_str().map(Into::into),
            "changedtime" => self.document["systemData"]["lastModifiedAt"].as_str().map(Into::into),
            field => {
                let mut value = &self.document["properties"];
                let path = field.strip_prefix("properties/").unwrap_or(field);
                let (parents, last) = path.rsplit_once('/').map_or((None, path), |(p, l)| (Some(p), l));
                for part in parents.into_iter().flat_map(|p| p.split('/')) {
                    value = value.as_object()?.iter().find(|(k, _)| k.eq_ignore_ascii_case(part))?.1;
                }
                member(value, last).map(Cow::Owned)
            }
        }
    }

    fn any(&self, field: &str, test: &mut dyn FnMut(&str) -> bool) -> bool {
        match (field, self.document["tags"].as_object()) {
            ("tagname", Some(tags)) => tags.keys().any(|name| test(name)),
            ("tagvalue", Some(tags)) => tags.values().filter_map(Value::as_str).any(test),
            _ => self.text(field).is_some_and(|value| test(&value)),
        }
    }

    fn tag(&self, name: &str) -> Option<Cow<'_, str>> {
        let tags = self.document["tags"].as_object()?;
        tags.iter().find(|(k, _)| k.eq_ignore_ascii_case(name))?.1.as_str().map(Into::into)
    }
}

/// A member by its name in any case; what is no text is shown as JSON.
fn member(object: &Value, name: &str) -> Option<String> {
    let value = object.as_object()?.iter().find(|(k, _)| k.eq_ignore_ascii_case(name))?.1;
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}
