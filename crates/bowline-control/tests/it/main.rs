//! The application over a real store, with the time passed in: what takes weeks elsewhere takes no time here.
#![allow(clippy::disallowed_methods, reason = "tests make folders")]

mod sign_ins;

use std::sync::Arc;

use bowline_auth::RotationRule;
use bowline_auth::seal::RootKey;
use bowline_control::context::OpContext;
use bowline_control::pipeline::{self, WriteRequest};
use bowline_control::{Control, Settings, bootstrap};
use bowline_store::{SqliteOptions, Store, open_sqlite};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tempfile::TempDir;

pub(crate) const BASE: &str = "https://localhost:8443";
pub(crate) const PASSWORD: &str = "a Password of a test, 42";

/// When every test begins.
pub(crate) fn start() -> Timestamp {
    "2026-11-01T12:00:00Z".parse().expect("a time")
}

pub(crate) fn after(duration: SignedDuration) -> Timestamp {
    start() + duration
}

pub(crate) fn days(days: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * days)
}

pub(crate) fn seconds(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

/// An application with an administrator, and what it stands on.
pub(crate) struct World {
    pub(crate) control: Arc<Control>,
    store: Arc<dyn Store>,
    root: RootKey,
    _folder: TempDir,
}

impl World {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store: Arc<dyn Store> = open_sqlite(SqliteOptions::new(folder.path())).await.expect("a store");
        let root = RootKey::generate();
        let control = open(&store, &root).await;
        bootstrap::first_start(&control, "admin", PASSWORD, start()).await.expect("an administrator");
        Self { control, store, root, _folder: folder }
    }

    /// Another server on the same store.
    pub(crate) async fn second_server(&self) -> Arc<Control> {
        open(&self.store, &self.root).await
    }

    /// Writes a resource as the system would.
    pub(crate) async fn put(&self, id: &str, body: Value, now: Timestamp) {
        let request = WriteRequest {
            id: id.parse().expect("an id"),
            version: "2026-11-01".parse().expect("a version"),
            body,
            precondition: bowline_arm::Precondition::default(),
        };
        pipeline::put(&self.control, &OpContext::system("test", now), request).await.expect("written");
    }
}

async fn open(store: &Arc<dyn Store>, root: &RootKey) -> Arc<Control> {
    let foundation =
        bootstrap::foundation(store, root, RotationRule::default(), start()).await.expect("a foundation");
    Control::open(Arc::clone(store), foundation, Settings::new(BASE)).await.expect("an application")
}
