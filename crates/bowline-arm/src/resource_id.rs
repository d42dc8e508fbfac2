//! Resource ids: `/subscriptions/{s}/resourceGroups/{g}/providers/{namespace}/{type}/{name}/…`, also on other resources.
//!
//! An id keeps the letters it was written with and is compared by its lower-cased key. The scopes (`/`, a subscription, a resource
//! group) are ids too, so that one type serves the path, role assignments and events.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A provider namespace and the types below it, e.g. `Microsoft.Kubernetes/connectedClusters`.
#[derive(Clone, Debug)]
pub struct ResourceType {
    text: String,
    key: String,
}

impl ResourceType {
    /// A type as written; comparisons ignore case.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        let key = text.to_ascii_lowercase();
        Self { text, key }
    }

    /// As written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Lower case.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// `Microsoft.Kubernetes` of `Microsoft.Kubernetes/connectedClusters`.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.text.split('/').next().unwrap_or(&self.text)
    }
}

impl PartialEq for ResourceType {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}
impl Eq for ResourceType {}
impl std::hash::Hash for ResourceType {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}
impl fmt::Display for ResourceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The id of one resource or scope.
#[derive(Clone, Debug)]
pub struct ResourceId {
    text: String,
    key: String,
    resource_type: ResourceType,
    /// Where the id of the scope or parent ends in `text`.
    parent_end: usize,
}

/// Why a text is not a resource id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidResourceId {
    /// Longer than ARM allows.
    #[error("the resource id has {0} characters; the longest allowed is 2,048")]
    TooLong(usize),
    /// Does not begin at the root.
    #[error("the resource id '{0}' must begin with '/'")]
    NotAbsolute(String),
    /// A segment of the hierarchy that ARM does not know.
    #[error(
        "'{found}' in '{id}' is not a segment that ARM knows: expected 'subscriptions', 'resourceGroups' or 'providers'"
    )]
    UnknownSegment { id: String, found: String },
    /// A type without a name or a namespace without a type.
    #[error(
        "the resource id '{0}' ends in the middle: after a provider namespace come pairs of type and name"
    )]
    Incomplete(String),
    /// A segment that holds what no name may hold.
    #[error(
        "the segment '{segment}' of the resource id is empty or holds a control character, '/', '?', '#' or '%'"
    )]
    BadSegment { segment: String },
}

const SUBSCRIPTIONS: &str = "Microsoft.Resources/subscriptions";
const RESOURCE_GROUPS: &str = "Microsoft.Resources/resourceGroups";
const TENANTS: &str = "Microsoft.Resources/tenants";

impl ResourceId {
    /// The tenant's root scope, `/`.
    #[must_use]
    pub fn root() -> Self {
        Self {
            text: "/".to_owned(),
            key: "/".to_owned(),
            resource_type: ResourceType::new(TENANTS),
            parent_end: 0,
        }
    }

    /// The id of a subscription.
    ///
    /// # Errors
    /// See [`InvalidResourceId`].
    pub fn subscription_scope(subscription: &str) -> Result<Self, InvalidResourceId> {
        Self::from_segments(&["subscriptions", subscription])
    }

    /// Reads an id from the decoded segments of a path; the segments must pair up.
    ///
    /// # Errors
    /// See [`InvalidResourceId`].
    pub fn from_segments(segments: &[&str]) -> Result<Self, InvalidResourceId> {
        let joined = || format!("/{}", segments.join("/"));
        let length: usize = segments.iter().map(|s| s.len() + 1).sum();
        if length > 2048 {
            return Err(InvalidResourceId::TooLong(length));
        }
        if let Some(bad) = segments.iter().find(|s| !is_segment(s)) {
            return Err(InvalidResourceId::BadSegment { segment: bad.chars().take(64).collect() });
        }
        if segments.is_empty() {
            return Ok(Self::root());
        }
        let mut text = String::with_capacity(length);
        let mut parent_end = 0;
        let mut resource_type = String::new();
        let mut rest = segments;
        let mut at_root = true;
        while let [keyword, tail @ ..] = rest {
            if keyword.eq_ignore_ascii_case("providers") {
                let (consumed, new_type, new_parent) =
                    read_provider(tail, &mut text).ok_or_else(|| InvalidResourceId::Incomplete(joined()))?;
                resource_type = new_type;
                parent_end = new_parent;
                rest = &tail[consumed..];
            } else if at_root && keyword.eq_ignore_ascii_case("subscriptions") {
                let [name, more @ ..] = tail else { return Err(InvalidResourceId::Incomplete(joined())) };
                parent_end = 0;
                text.push_str("/subscriptions/");
                text.push_str(name);
                SUBSCRIPTIONS.clone_into(&mut resource_type);
                rest = more;
            } else if resource_type == SUBSCRIPTIONS && keyword.eq_ignore_ascii_case("resourceGroups") {
                let [name, more @ ..] = tail else { return Err(InvalidResourceId::Incomplete(joined())) };
                parent_end = text.len();
                text.push_str("/resourceGroups/");
                text.push_str(name);
                RESOURCE_GROUPS.clone_into(&mut resource_type);
                rest = more;
            } else {
                return Err(InvalidResourceId::UnknownSegment {
                    id: joined(),
                    found: (*keyword).chars().take(64).collect(),
                });
            }
            at_root = false;
        }
        let key = text.to_ascii_lowercase();
        Ok(Self { text, key, resource_type: ResourceType::new(resource_type), parent_end })
    }

    /// `scope` + `/providers/{type}/{name}`; nested types need as many names.
    ///
    /// # Errors
    /// See [`InvalidResourceId`].
    pub fn child(scope: &Self, resource_type: &str, names: &[&str]) -> Result<Self, InvalidResourceId> {
        let mut parts = resource_type.split('/');
        let namespace = parts.next().unwrap_or_default();
        let mut segments: Vec<&str> = scope.segments().collect();
        segments.extend(["providers", namespace]);
        for (kind, name) in parts.zip(names) {
            segments.extend([kind, name]);
        }
        Self::from_segments(&segments)
    }

    /// As written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Lower case: what ids are compared and stored by.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The type of the resource that the id names.
    #[must_use]
    pub fn resource_type(&self) -> &ResourceType {
        &self.resource_type
    }

    /// The last segment; empty for the root.
    #[must_use]
    pub fn name(&self) -> &str {
        self.text.rsplit('/').next().unwrap_or_default()
    }

    /// The segments without slashes.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.text.split('/').filter(|s| !s.is_empty())
    }

    /// The resource or scope that this one lies in: the parent of a nested type, else the scope before `/providers`.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        if self.text == "/" {
            return None;
        }
        let segments: Vec<&str> = self.text[..self.parent_end].split('/').filter(|s| !s.is_empty()).collect();
        Self::from_segments(&segments).ok()
    }

    /// The subscription's GUID, if the id lies in one.
    #[must_use]
    pub fn subscription(&self) -> Option<&str> {
        let mut segments = self.segments();
        (segments.next()?.eq_ignore_ascii_case("subscriptions")).then(|| segments.next()).flatten()
    }

    /// The resource group's name, if the id lies in one.
    #[must_use]
    pub fn resource_group(&self) -> Option<&str> {
        let mut segments = self.segments().skip(2);
        (segments.next()?.eq_ignore_ascii_case("resourceGroups")).then(|| segments.next()).flatten()
    }

    /// The id of the resource group that this id lies in.
    #[must_use]
    pub fn resource_group_scope(&self) -> Option<Self> {
        self.resource_group()?;
        let segments: Vec<&str> = self.segments().take(4).collect();
        Self::from_segments(&segments).ok()
    }

    /// Whether `other` is this id or lies below it.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        self.key == "/"
            || other.key == self.key
            || other.key.strip_prefix(&self.key).is_some_and(|rest| rest.starts_with('/'))
    }
}

/// Reads `ns/type/name[/type/name…]`, stopping before a further `providers`. Gives consumed segments, type, and where the parent ends.
fn read_provider(tail: &[&str], text: &mut String) -> Option<(usize, String, usize)> {
    let [namespace, rest @ ..] = tail else { return None };
    let mut parent_end = text.len();
    let mut resource_type = (*namespace).to_owned();
    let mut pairs = 0;
    let scope_end = text.len();
    text.push_str("/providers/");
    text.push_str(namespace);
    for pair in rest.chunks(2) {
        // Behind a whole resource `providers` starts an extension; right behind a namespace it is a type, as in
        // `Microsoft.Features/providers/{namespace}/features/{name}`.
        if pairs > 0 && pair[0].eq_ignore_ascii_case("providers") {
            break;
        }
        let [kind, name] = pair else { return None };
        parent_end = if pairs == 0 { scope_end } else { text.len() };
        for segment in [kind, name] {
            text.push('/');
            text.push_str(segment);
        }
        resource_type.push('/');
        resource_type.push_str(kind);
        pairs += 1;
    }
    (pairs > 0).then_some((1 + pairs * 2, resource_type, parent_end))
}

fn is_segment(segment: &str) -> bool {
    !segment.is_empty()
        && segment != "."
        && segment != ".."
        && !segment.chars().any(|c| c.is_control() || matches!(c, '/' | '?' | '#' | '%' | '\\'))
}

impl FromStr for ResourceId {
    type Err = InvalidResourceId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > 2048 {
            return Err(InvalidResourceId::TooLong(text.len()));
        }
        if !text.starts_with('/') {
            return Err(InvalidResourceId::NotAbsolute(text.chars().take(64).collect()));
        }
        let segments: Vec<&str> = text.split('/').filter(|s| !s.is_empty()).collect();
        Self::from_segments(&segments)
    }
}

impl PartialEq for ResourceId {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}
impl Eq for ResourceId {}
impl std::hash::Hash for ResourceId {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}
impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
impl Serialize for ResourceId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}
impl<'de> Deserialize<'de> for ResourceId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> ResourceId {
        text.parse().unwrap()
    }

    #[test]
    fn ids_keep_their_letters_and_compare_without_case() {
        let a = id("/subscriptions/S1/resourcegroups/RG/providers/microsoft.kubernetes/connectedClusters/C1");
        assert_eq!(
            a.as_str(),
            "/subscriptions/S1/resourceGroups/RG/providers/microsoft.kubernetes/connectedClusters/C1"
        );
        assert_eq!(
            a,
            id("/SUBSCRIPTIONS/s1/resourceGroups/rg/PROVIDERS/Microsoft.Kubernetes/connectedclusters/c1")
        );
        assert_eq!((a.subscription(), a.resource_group(), a.name()), (Some("S1"), Some("RG"), "C1"));
        assert_eq!(a.resource_type().key(), "microsoft.kubernetes/connectedclusters");
        assert_eq!(a.parent().unwrap().as_str(), "/subscriptions/S1/resourceGroups/RG");
    }

    #[test]
    fn nested_and_extension_resources_know_their_parents() {
        let nested =
            id("/subscriptions/s/resourceGroups/g/providers/Microsoft.HybridCompute/machines/m/extensions/e");
        assert_eq!(nested.resource_type().as_str(), "Microsoft.HybridCompute/machines/extensions");
        assert_eq!(nested.parent().unwrap().name(), "m");
        let extension = id("/subscriptions/s/resourceGroups/g/providers/A.B/c/d/providers/X.Y/z/w");
        assert_eq!(extension.resource_type().as_str(), "X.Y/z");
        assert_eq!(
            extension.parent().unwrap().as_str(),
            "/subscriptions/s/resourceGroups/g/providers/A.B/c/d"
        );
        let tenant = id("/providers/Microsoft.Bowline/users/admin");
        assert_eq!(tenant.parent().unwrap(), ResourceId::root());
    }

    #[test]
    fn a_second_providers_behind_a_namespace_is_a_type() {
        let feature = id("/subscriptions/s/providers/Microsoft.Features/providers/A.B/features/f");
        assert_eq!(feature.resource_type().as_str(), "Microsoft.Features/providers/features");
        assert_eq!(
            feature.parent().unwrap().as_str(),
            "/subscriptions/s/providers/Microsoft.Features/providers/A.B"
        );
        let lock =
            id("/subscriptions/s/providers/Microsoft.Features/providers/A.B/features/f/providers/X.Y/z/w");
        assert_eq!((lock.resource_type().as_str(), lock.parent().unwrap()), ("X.Y/z", feature));
    }

    #[test]
    fn double_and_trailing_slashes_are_tolerated() {
        assert_eq!(
            id("/subscriptions//s/resourceGroups/g/providers/A.B//c/d/").as_str(),
            "/subscriptions/s/resourceGroups/g/providers/A.B/c/d"
        );
    }

    #[test]
    fn what_is_not_an_id_is_refused() {
        for text in [
            "subscriptions/s",
            "/foo/bar",
            "/subscriptions",
            "/subscriptions/s/providers/A.B",
            "/subscriptions/s/providers/A.B/c",
            "/subscriptions/s/resourceGroups",
            "/resourceGroups/g",
            "/subscriptions/a/../b",
        ] {
            assert!(text.parse::<ResourceId>().is_err(), "{text}");
        }
        assert!(format!("/subscriptions/{}", "x".repeat(3000)).parse::<ResourceId>().is_err());
    }

    #[test]
    fn containment_is_by_segment() {
        let group = id("/subscriptions/s/resourceGroups/g");
        assert!(group.contains(&id("/subscriptions/S/resourceGroups/G/providers/A.B/c/d")));
        assert!(!group.contains(&id("/subscriptions/s/resourceGroups/g2")));
        assert!(ResourceId::root().contains(&group));
    }
}
