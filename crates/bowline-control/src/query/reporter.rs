//! Who reports objects: clusters and machines, and what rows of theirs say of them.

use std::sync::Arc;

use bowline_kql::tables::Change;
use bowline_store::Record;
use serde::Deserialize;
use uuid::Uuid;

use super::tables::Of;
use super::{objects, software};

/// A resource whose agent reports objects.
#[derive(Clone, Debug)]
pub(super) struct Host {
    uid: Uuid,
    pub(super) key: Arc<str>,
    pub(super) id: Box<str>,
    pub(super) location: Box<str>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Located {
    location: String,
}

impl Host {
    fn of(record: &Record) -> Self {
        let Located { location } = serde_json::from_str(&record.document).unwrap_or_default();
        Self {
            uid: record.uid,
            key: record.key.as_str().into(),
            id: record.id.as_str().into(),
            location: location.into(),
        }
    }

    /// The last part of its id.
    pub(super) fn name(&self) -> &str {
        self.id.rsplit('/').next().unwrap_or_default()
    }

    /// The source of its rows.
    pub(super) fn owner(&self) -> u128 {
        self.uid.as_u128()
    }

    /// What an object of this one is known by.
    pub(super) fn key(&self, object: &str) -> String {
        format!("{}/{object}", self.uid.simple())
    }
}

/// What kind of host it is.
#[derive(Clone, Debug)]
pub(super) enum Reporter {
    Cluster(Host),
    Machine(Host),
}

impl Reporter {
    /// The reporter that a record is; most are none.
    pub(super) fn of(record: &Record) -> Option<Self> {
        match record.resource_type.as_str() {
            "microsoft.kubernetes/connectedclusters" => Some(Self::Cluster(Host::of(record))),
            "microsoft.hybridcompute/machines" => Some(Self::Machine(Host::of(record))),
            _ => None,
        }
    }

    pub(super) fn host(&self) -> &Host {
        match self {
            Self::Cluster(host) | Self::Machine(host) => host,
        }
    }

    /// The table that its objects are in, by its position.
    pub(super) fn table(&self) -> usize {
        match self {
            Self::Cluster(_) => Of::Objects.position(),
            Self::Machine(_) => Of::Software.position(),
        }
    }

    /// An object's row.
    pub(super) fn put(&self, key: &str, object: &str) -> Option<Change> {
        match self {
            Self::Cluster(cluster) => objects::put(cluster, key, object),
            Self::Machine(machine) => software::put(machine, key, object),
        }
    }
}
