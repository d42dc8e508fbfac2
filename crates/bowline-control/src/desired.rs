//! The projection of the record into each agent's desired document. Today it holds the merged agent settings; later features add items.
//!
//! # Design notes
//! The generation is the revision of the newest change that any document depends on, so that it means the same on every server.
//! Agents whose scopes have the same settings share one document.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use bowline_link::item::{ContentHash, DesiredDocument, ItemContent, kind};
use bowline_store::{Change, ChangeKind, List, Store, StoreError};
use serde_json::{Map, Value};
use uuid::Uuid;

/// The type whose records are merged.
pub const SETTINGS_TYPE: &str = "microsoft.bowline/agentsettings";
/// What follows a scope's key in the key of its settings.
const SUFFIX: &str = "/providers/microsoft.bowline/agentsettings/default";

#[derive(Default)]
struct State {
    epoch: Uuid,
    generation: u64,
    /// Settings by the key of their scope; "" is the tenant.
    settings: BTreeMap<String, Map<String, Value>>,
    /// Documents by the scopes that they were merged from.
    documents: HashMap<Vec<String>, Arc<DesiredDocument>>,
}

/// The documents of all agents.
#[derive(Default)]
pub struct Desired {
    state: RwLock<State>,
}

impl Desired {
    /// Reads all settings.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn reload(&self, store: &dyn Store) -> Result<(), StoreError> {
        let head = store.head().await?;
        let mut settings = BTreeMap::new();
        let mut after = None;
        loop {
            let page = store
                .list(&List {
                    resource_type: Some(SETTINGS_TYPE.to_owned()),
                    after: after.clone(),
                    limit: 1000,
                    ..List::default()
                })
                .await?;
            after = page.last().map(|r| r.key.clone());
            let end = page.len() < 1000;
            settings.extend(page.iter().filter_map(|r| Some((scope_of(&r.key)?, properties(&r.document)))));
            if end {
                break;
            }
        }
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        *state = State {
            epoch: head.epoch,
            generation: head.revision.0.max(1),
            settings,
            documents: HashMap::new(),
        };
        Ok(())
    }

    /// Takes a change of settings; gives the scope below which documents changed.
    pub fn apply(&self, change: &Change) -> Option<String> {
        let scope = scope_of(&change.key)?;
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if change.revision.0 <= state.generation {
            return None;
        }
        match (&change.kind, &change.document) {
            (ChangeKind::Deleted, _) | (_, None) => state.settings.remove(&scope),
            (_, Some(document)) => state.settings.insert(scope.clone(), properties(document)),
        };
        state.generation = change.revision.0;
        state.documents.clear();
        Some(if scope.is_empty() { "/".to_owned() } else { scope })
    }

    /// The document of the agent of the resource `key`.
    #[must_use]
    pub fn document(&self, key: &str) -> Arc<DesiredDocument> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let scopes: Vec<String> =
            ancestors(key).filter(|s| state.settings.contains_key(*s)).map(str::to_owned).collect();
        if let Some(document) = state.documents.get(&scopes) {
            return Arc::clone(document);
        }
        let mut merged = Map::new();
        for scope in &scopes {
            merged.extend(state.settings[scope].clone());
        }
        let content = Value::Object(merged);
        let uid = Uuid::new_v5(&Uuid::NAMESPACE_URL, kind::AGENT_SETTINGS.as_bytes());
        let item = ItemContent {
            uid,
            kind: kind::AGENT_SETTINGS.to_owned(),
            hash: ContentHash::of(&content),
            content,
        };
        let document =
            Arc::new(DesiredDocument { epoch: state.epoch, generation: state.generation, items: vec![item] });
        drop(state);
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if document.epoch == state.epoch && document.generation == state.generation {
            state.documents.insert(scopes, Arc::clone(&document));
        }
        document
    }
}

/// The key of the scope whose settings these are.
fn scope_of(key: &str) -> Option<String> {
    key.strip_suffix(SUFFIX).map(str::to_owned)
}

/// The key itself and its ancestors, farthest first, beginning with "" for the tenant.
fn ancestors(key: &str) -> impl Iterator<Item = &str> {
    std::iter::once("")
        .chain(key.match_indices('/').map(|(at, _)| &key[..at]).filter(|s| !s.is_empty()))
        .chain(std::iter::once(key))
}

fn properties(document: &str) -> Map<String, Value> {
    let mut document: Value = serde_json::from_str(document).unwrap_or_default();
    match document["properties"].take() {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bowline_store::Revision;

    fn change(scope: &str, revision: u64, document: Option<&str>) -> Change {
        Change {
            revision: Revision(revision),
            tenant: Uuid::nil(),
            uid: Uuid::nil(),
            key: format!("{scope}{SUFFIX}"),
            id: String::new(),
            resource_type: SETTINGS_TYPE.to_owned(),
            kind: if document.is_some() { ChangeKind::Updated } else { ChangeKind::Deleted },
            actor: String::new(),
            correlation_id: Uuid::nil(),
            origin: None,
            time: jiff::Timestamp::UNIX_EPOCH,
            etag: String::new(),
            model: 1,
            document: document.map(str::to_owned),
        }
    }

    #[test]
    fn the_nearest_member_wins_and_a_deletion_gives_it_back() {
        let desired = Desired::default();
        let machine = "/subscriptions/s/resourcegroups/g/providers/microsoft.hybridcompute/machines/m";
        desired.apply(&change("", 1, Some(r#"{"properties":{"logLevel":"info","keepAliveSeconds":30}}"#)));
        desired.apply(&change(
            "/subscriptions/s/resourcegroups/g",
            2,
            Some(r#"{"properties":{"logLevel":"debug"}}"#),
        ));
        desired.apply(&change(
            "/subscriptions/s/resourcegroups/g2",
            3,
            Some(r#"{"properties":{"logLevel":"trace"}}"#),
        ));
        let document = desired.document(machine);
        assert_eq!(document.generation, 3);
        assert_eq!(
            document.items[0].content,
            serde_json::json!({"logLevel": "debug", "keepAliveSeconds": 30})
        );
        assert_eq!(
            desired.apply(&change("/subscriptions/s/resourcegroups/g", 4, None)).as_deref(),
            Some("/subscriptions/s/resourcegroups/g")
        );
        assert_eq!(
            desired.document(machine).items[0].content,
            serde_json::json!({"logLevel": "info", "keepAliveSeconds": 30})
        );
    }

    #[test]
    fn agents_with_the_same_settings_share_a_document() {
        let desired = Desired::default();
        assert!(Arc::ptr_eq(
            &desired.document("/subscriptions/s/a"),
            &desired.document("/subscriptions/s/b")
        ));
    }
}
