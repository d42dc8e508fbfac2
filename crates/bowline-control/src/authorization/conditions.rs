//! Conditions on role assignments: what they ask about a resource, found in its document.
//!
//! `@Resource[{type}:{name}]` and `@Request[{type}:{name}]` are the property of that name in any case, of a resource of that type; `{type}/tags:{name}` is a
//! tag. Without a type, `@Resource[name]` is the property of whatever resource it is. Role definitions are compared by their GUID.

use std::sync::Arc;

use bowline_arm::ResourceId;
use bowline_auth::Question;
use bowline_policy::condition::{Attributes, Condition, Request, Source};
use serde_json::Value;

/// A condition that was read, or the text of one that cannot be: such a one gives nothing.
#[derive(Debug)]
struct Stored {
    written: String,
    condition: Option<Condition>,
}

/// Reads a stored condition.
pub(super) fn read_condition(text: &str) -> Arc<dyn bowline_auth::Condition> {
    Arc::new(Stored { written: text.to_owned(), condition: Condition::parse(text).ok() })
}

impl bowline_auth::Condition for Stored {
    fn written(&self) -> &str {
        &self.written
    }

    fn asks_resource(&self) -> bool {
        self.condition.as_ref().is_some_and(Condition::asks_resource)
    }

    fn holds(&self, question: &Question<'_>) -> Option<bool> {
        let now = question.facts.now.map(|now| now.to_string());
        let request = Request {
            principal: &question.principal.to_string(),
            principal_kind: question.facts.principal_kind.unwrap_or("ServicePrincipal"),
            action: question.action,
            data: question.data,
            resource: question.scope,
            utc_now: now.as_deref(),
        };
        let id: ResourceId = question.scope.parse().ok()?;
        self.condition.as_ref()?.holds(&request, &Documents { question, id: &id }).ok()
    }
}

/// The documents of a question, as attributes.
struct Documents<'a> {
    question: &'a Question<'a>,
    id: &'a ResourceId,
}

impl Attributes for Documents<'_> {
    fn attribute(&self, source: Source, namespace: Option<&str>, name: &str) -> Option<Value> {
        let document = match source {
            Source::Request => self.question.facts.request?,
            Source::Resource => self.question.facts.resource?,
            Source::Principal => return None,
        };
        let own = self.id.resource_type().key();
        match namespace.map(str::to_ascii_lowercase).as_deref() {
            None => {}
            Some(namespace) if namespace == own => {}
            Some(namespace) if namespace.strip_suffix("/tags") == Some(own) => {
                return member(&document["tags"], name).cloned();
            }
            Some(_) => return None,
        }
        let value = member(&document["properties"], name).or_else(|| member(document, name))?;
        if name.eq_ignore_ascii_case("roleDefinitionId") {
            return value.as_str()?.rsplit('/').next().map(Value::from);
        }
        Some(value.clone())
    }
}

/// A member by its name in any case; those that begin with `_` are the server's own.
fn member<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    let members = object.as_object()?.iter();
    members
        .filter(|(key, _)| !key.starts_with('_'))
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, v)| v)
}
