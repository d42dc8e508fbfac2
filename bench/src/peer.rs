//! What the two sides of the first benchmark are asked: one kind of resource each, of the same kilobyte.

use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http::Method;
use serde_json::{Map, Value, json};

use crate::bowline::VERSION;
use crate::http::Target;
use crate::kube::KINDS;

/// Resources that are read, listed and updated.
pub(crate) const POPULATION: usize = 512;

/// A kind of resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `Microsoft.HybridCompute/machines` of bowline-server.
    Bowline,
    /// A custom resource of kube-apiserver.
    Custom,
    /// A ConfigMap of kube-apiserver: its fast path.
    ConfigMap,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bowline => "Bowline",
            Self::Custom => "kube CRD",
            Self::ConfigMap => "kube ConfigMap",
        }
    }
}

/// One side.
pub(crate) struct Peer {
    pub(crate) kind: Kind,
    pub(crate) target: Target,
    pub(crate) pids: Vec<u32>,
    /// `/subscriptions/…` on our side.
    root: String,
    /// The newest `resourceVersion` of each: an update of a custom resource must name it.
    versions: Mutex<Vec<String>>,
    /// Names that were acknowledged.
    created: Mutex<Vec<String>>,
}

impl Peer {
    pub(crate) fn new(kind: Kind, target: Target, pids: Vec<u32>, root: &str) -> Self {
        Self::sized(kind, target, pids, root, POPULATION)
    }

    /// One with another number of resources.
    pub(crate) fn sized(kind: Kind, target: Target, pids: Vec<u32>, root: &str, population: usize) -> Self {
        let versions = Mutex::new(vec![String::new(); population]);
        Self { kind, target, pids, root: root.to_owned(), versions, created: Mutex::default() }
    }

    /// The collection at a place: `fixed` or `created`.
    pub(crate) fn collection(&self, place: &str) -> String {
        match self.kind {
            Kind::Bowline => {
                format!("{}/resourceGroups/{place}/providers/Microsoft.HybridCompute/machines", self.root)
            }
            Kind::Custom => format!("{KINDS}/{place}/machines"),
            Kind::ConfigMap => format!("/api/v1/namespaces/{place}/configmaps"),
        }
    }

    /// The path of one.
    pub(crate) fn path(&self, place: &str, name: &str) -> String {
        let path = format!("{}/{name}", self.collection(place));
        if self.kind == Kind::Bowline { format!("{path}?api-version={VERSION}") } else { path }
    }

    /// The path of all.
    pub(crate) fn list_path(&self) -> String {
        let path = self.collection("fixed");
        if self.kind == Kind::Bowline { format!("{path}?api-version={VERSION}&$top=1000") } else { path }
    }

    /// How one that is not there yet is made.
    pub(crate) fn create(&self, place: &str, name: &str) -> (Method, String, Bytes) {
        let body = self.body(name, 0, "");
        match self.kind {
            Kind::Bowline => (Method::PUT, self.path(place, name), body),
            Kind::Custom | Kind::ConfigMap => (Method::POST, self.collection(place), body),
        }
    }

    /// How one of the population is changed.
    pub(crate) fn update(&self, index: usize, change: u64) -> (Method, String, Bytes) {
        self.update_of(index, &name_of(index), change)
    }

    /// The same, of one whose name is given.
    pub(crate) fn update_of(&self, index: usize, name: &str, change: u64) -> (Method, String, Bytes) {
        let version = self.versions.lock().unwrap_or_else(PoisonError::into_inner)[index].clone();
        (Method::PUT, self.path("fixed", name), self.body(name, change, &version))
    }

    /// Notes what an answer says about one of the population.
    pub(crate) fn learn(&self, index: usize, answer: &[u8]) -> Result<()> {
        if self.kind == Kind::Bowline {
            return Ok(());
        }
        let version = resource_version(answer).context("an object has a resourceVersion")?;
        self.versions.lock().unwrap_or_else(PoisonError::into_inner)[index] = version;
        Ok(())
    }

    /// Notes that a name was acknowledged.
    pub(crate) fn acknowledge(&self, name: String) {
        self.created.lock().unwrap_or_else(PoisonError::into_inner).push(name);
    }

    /// What was acknowledged so far.
    pub(crate) fn acknowledged(&self) -> Vec<String> {
        self.created.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The same 14 texts and the change on every side: as tags, as a `spec` with tags, as data.
    pub(crate) fn body(&self, name: &str, change: u64, version: &str) -> Bytes {
        let mut tags = Map::new();
        for n in 0..14 {
            let mut text = String::with_capacity(48);
            while text.len() < 48 {
                let _ = write!(text, "{name}-{n}-");
            }
            text.truncate(48);
            tags.insert(format!("tag-{n:02}"), text.into());
        }
        tags.insert("change".to_owned(), format!("{change:08}").into());
        let mut body = match self.kind {
            Kind::Bowline => json!({"location": "local", "tags": tags}),
            Kind::Custom => json!({
                "apiVersion": "bench.bowline.dev/v1", "kind": "Machine", "metadata": {"name": name},
                "spec": {"location": "local", "tags": tags},
            }),
            Kind::ConfigMap => json!({
                "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": tags,
            }),
        };
        if self.kind == Kind::Custom && !version.is_empty() {
            body["metadata"]["resourceVersion"] = version.into();
        }
        body.to_string().into()
    }

    /// The change that a resource carries.
    pub(crate) fn change_of(&self, answer: &[u8]) -> Result<u64> {
        let value: Value = serde_json::from_slice(answer)?;
        let pointer = match self.kind {
            Kind::Bowline => "/tags/change",
            Kind::Custom => "/spec/tags/change",
            Kind::ConfigMap => "/data/change",
        };
        let text = value.pointer(pointer).and_then(Value::as_str).context("the change was stored")?;
        Ok(text.parse()?)
    }
}

/// The name of one of the population.
pub(crate) fn name_of(index: usize) -> String {
    format!("fixed-{index:04}")
}

/// The object's `resourceVersion`, without parsing all of it.
pub(crate) fn resource_version(answer: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(answer).ok()?;
    let rest = text.split_once("\"resourceVersion\":\"")?.1;
    Some(rest.split_once('"')?.0.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_version_is_found_in_an_answer() {
        assert_eq!(resource_version(br#"{"metadata":{"resourceVersion":"42"}}"#).as_deref(), Some("42"));
        assert_eq!(resource_version(b"{}"), None);
    }
}
