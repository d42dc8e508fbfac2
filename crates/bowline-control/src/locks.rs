//! What forbids a change although roles allow it: management locks, and subscriptions that are not enabled.
//!
//! A lock holds at its scope and at everything below it. `CanNotDelete` forbids deleting, `ReadOnly` also changing. What an agent reports
//! about its resource is no change of a caller's and is never locked; locks themselves are never locked, else none could be removed.
//!
//! # Design notes
//! Locks are part of the authorization snapshot. Every commit of a caller is guarded by that snapshot's watermark, and writing a lock raises it:
//! a delete that was admitted a moment before a lock was written is refused by the store, looks again, and finds the lock.

use std::collections::{BTreeMap, HashSet};

use bowline_arm::{Error, ResourceId};
use serde_json::Value;

use crate::authorization::Snapshot;
use crate::context::{ActorKind, OpContext};
use crate::hierarchy::SUBSCRIPTIONS;

/// The type of locks, as it is stored.
pub const LOCKS: &str = "microsoft.authorization/locks";

/// What a lock forbids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Deleting.
    CanNotDelete,
    /// Deleting and changing.
    ReadOnly,
}

impl Level {
    /// A level as documents write it, in any case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::CanNotDelete, Self::ReadOnly]
            .into_iter()
            .find(|level| level.as_str().eq_ignore_ascii_case(text))
    }

    /// As documents write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CanNotDelete => "CanNotDelete",
            Self::ReadOnly => "ReadOnly",
        }
    }
}

/// A lock.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Lock {
    /// Its id as written.
    id: String,
    level: Level,
}

/// All locks by the key of their scope.
#[derive(Clone, Debug, Default)]
pub struct Locks {
    by_scope: BTreeMap<String, BTreeMap<String, Lock>>,
}

impl Locks {
    /// Takes in a lock, new or changed.
    pub fn put(&mut self, id: &str, document: &Value) {
        let key = id.to_ascii_lowercase();
        let Some(scope) = scope_of(&key) else { return };
        let level =
            document["properties"]["level"].as_str().and_then(Level::parse).unwrap_or(Level::ReadOnly);
        let lock = Lock { id: id.to_owned(), level };
        self.by_scope.entry(scope.to_owned()).or_default().insert(key, lock);
    }

    /// Forgets a lock that was deleted.
    pub fn remove(&mut self, key: &str) {
        let Some(scope) = scope_of(key) else { return };
        if let Some(locks) = self.by_scope.get_mut(scope) {
            locks.remove(key);
            if locks.is_empty() {
                self.by_scope.remove(scope);
            }
        }
    }

    /// The locks at a scope and above it, nearest first.
    fn at_and_above(&self, key: &str) -> Vec<&Lock> {
        if self.by_scope.is_empty() {
            return Vec::new();
        }
        let ends = key.match_indices('/').map(|(at, _)| at).filter(|at| *at > 0).chain([key.len()]);
        let mut scopes: Vec<&str> = ends.map(|end| &key[..end]).collect();
        scopes.reverse();
        scopes.into_iter().filter_map(|scope| self.by_scope.get(scope)).flat_map(BTreeMap::values).collect()
    }

    /// The locks below a scope.
    fn below(&self, key: &str) -> Vec<&Lock> {
        let prefix = format!("{key}/");
        let range = self.by_scope.range(prefix.clone()..);
        range
            .take_while(|(scope, _)| scope.starts_with(&prefix))
            .flat_map(|(_, locks)| locks.values())
            .collect()
    }
}

/// The scope on which a lock lies.
fn scope_of(lock_key: &str) -> Option<&str> {
    Some(&lock_key[..lock_key.rfind("/providers/microsoft.authorization/locks/")?])
}

impl Snapshot {
    /// Refuses a write that a lock or the state of the subscription forbids.
    ///
    /// # Errors
    /// `ScopeLocked` or `ReadOnlyDisabledSubscription` (409).
    pub fn refuse_write(&self, context: &OpContext, id: &ResourceId) -> Result<(), Error> {
        if context.actor.kind == ActorKind::System {
            return Ok(());
        }
        self.refuse_disabled(id)?;
        if id.resource_type().key() == LOCKS {
            return Ok(());
        }
        let locks = self.locks().at_and_above(id.key());
        let holding: Vec<&Lock> = locks.into_iter().filter(|lock| lock.level == Level::ReadOnly).collect();
        refuse("write", id, &holding)
    }

    /// Refuses a delete that a lock forbids: one at the resource, above it, or on anything that would go with it.
    ///
    /// # Errors
    /// `ScopeLocked` (409).
    pub fn refuse_delete(&self, context: &OpContext, id: &ResourceId) -> Result<(), Error> {
        if context.actor.kind == ActorKind::System || id.resource_type().key() == LOCKS {
            return Ok(());
        }
        let locks = self.locks();
        let holding: Vec<&Lock> =
            locks.at_and_above(id.key()).into_iter().chain(locks.below(id.key())).collect();
        refuse("delete", id, &holding)
    }

    /// A subscription that is not enabled can be read, cleaned up, renamed and enabled again, and no more.
    fn refuse_disabled(&self, id: &ResourceId) -> Result<(), Error> {
        if id.resource_type().key() == SUBSCRIPTIONS {
            return Ok(());
        }
        let Some(name) = id.subscription() else { return Ok(()) };
        let key = format!("/subscriptions/{}", name.to_ascii_lowercase());
        match self.hierarchy().subscription(&key) {
            Some(subscription) if !matches!(subscription.state.as_str(), "Enabled" | "") => {
                Err(Error::conflict(
                    "ReadOnlyDisabledSubscription",
                    format!(
                        "The subscription '{name}' is {} and therefore marked as read only. You cannot perform any write actions on it until it is re-enabled: \
                     POST {key}/providers/Microsoft.Subscription/enable.",
                        subscription.state.to_lowercase()
                    ),
                )
                .with_denied(format!("{}/write", id.resource_type()), id.key()))
            }
            _ => Ok(()),
        }
    }
}

fn refuse(operation: &str, id: &ResourceId, holding: &[&Lock]) -> Result<(), Error> {
    let Some(first) = holding.first() else { return Ok(()) };
    let mut seen = HashSet::new();
    let scopes: Vec<String> = holding
        .iter()
        .filter_map(|lock| {
            let at = lock.id.to_ascii_lowercase().rfind("/providers/microsoft.authorization/locks/")?;
            seen.insert(lock.id[..at].to_ascii_lowercase()).then(|| format!("'{}'", &lock.id[..at]))
        })
        .take(10)
        .collect();
    let mut error = Error::conflict(
        "ScopeLocked",
        format!(
            "The scope '{id}' cannot perform {operation} operation because following scope(s) are locked: {}. \
             Please remove the lock and try again. The first of {} lock(s) is '{}' ({}).",
            scopes.join(", "),
            holding.len(),
            first.id,
            first.level.as_str()
        ),
    )
    .with_target(id.as_str())
    .with_denied(format!("{}/{operation}", id.resource_type()), id.key());
    for lock in holding.iter().take(10) {
        error = error.with_detail(
            "ScopeLocked",
            format!("{} ({})", lock.id, lock.level.as_str()),
            Some(lock.id.clone()),
        );
    }
    Err(error)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const GROUP: &str = "/subscriptions/S/resourceGroups/G";

    fn locks() -> Locks {
        let mut locks = Locks::default();
        for (scope, name, level) in [
            (GROUP, "keep", "CanNotDelete"),
            ("/subscriptions/S/resourceGroups/G/providers/A.B/cs/c", "frozen", "readonly"),
            ("/subscriptions/S/resourceGroups/G2", "other", "ReadOnly"),
        ] {
            locks.put(
                &format!("{scope}/providers/Microsoft.Authorization/locks/{name}"),
                &json!({"properties": {"level": level}}),
            );
        }
        locks
    }

    fn names<'a>(found: &[&'a Lock]) -> Vec<&'a str> {
        found.iter().filter_map(|lock| lock.id.rsplit('/').next()).collect()
    }

    #[test]
    fn a_lock_holds_at_its_scope_and_below_nearest_first() {
        let locks = locks();
        let key = "/subscriptions/s/resourcegroups/g/providers/a.b/cs/c/ds/d";
        assert_eq!(names(&locks.at_and_above(key)), ["frozen", "keep"]);
        assert_eq!(names(&locks.at_and_above("/subscriptions/s/resourcegroups/g3")), [""; 0]);
        assert_eq!(names(&locks.at_and_above("/subscriptions/s")), [""; 0]);
    }

    #[test]
    fn what_goes_with_a_scope_is_below_it_and_a_neighbour_is_not() {
        let mut locks = locks();
        assert_eq!(names(&locks.below("/subscriptions/s/resourcegroups/g")), ["frozen"]);
        assert_eq!(names(&locks.below("/subscriptions/s")).len(), 3);
        locks.remove("/subscriptions/s/resourcegroups/g/providers/a.b/cs/c/providers/microsoft.authorization/locks/frozen");
        assert_eq!(names(&locks.below("/subscriptions/s/resourcegroups/g")), [""; 0]);
        assert_eq!(locks.by_scope.len(), 2);
    }

    #[test]
    fn levels_have_any_case_and_an_unknown_one_is_none() {
        assert_eq!(Level::parse("readonly"), Some(Level::ReadOnly));
        assert_eq!(Level::parse("CANNOTDELETE"), Some(Level::CanNotDelete));
        assert_eq!(Level::parse("NotSpecified"), None);
    }

    #[test]
    fn the_refusal_names_the_scopes_and_the_lock() {
        let locks = locks();
        let id: ResourceId = GROUP.parse().unwrap();
        let error = refuse("delete", &id, &locks.at_and_above(id.key())).unwrap_err();
        assert_eq!((error.status, error.code), (409, "ScopeLocked"));
        assert!(
            error.message.contains("are locked: '/subscriptions/S/resourceGroups/G'."),
            "{}",
            error.message
        );
        assert!(error.message.contains("locks/keep' (CanNotDelete)"), "{}", error.message);
        assert!(refuse("write", &id, &[]).is_ok());
    }
}
