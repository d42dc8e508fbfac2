//! The hierarchy above resource groups: management groups, and the subscriptions that hang below them.
//!
//! Every management group but the root has one parent, and every subscription hangs below exactly one group: below the root
//! group unless it was moved. The root group is named by the tenant's GUID and lies directly below `/`. A scope inherits what
//! holds at its [ancestors](Hierarchy::ancestors): role assignments, and later policy.
//!
//! # Design notes
//! The tree is part of the authorization snapshot, under its watermark, so that a subscription that is moved a moment
//! before a write is a lost race like any other. Groups are at most 10,000 and six levels deep, as in Azure; every walk is bounded by
//! that depth, so that not even a damaged record can make one endless.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use uuid::Uuid;

/// The type of management groups, as it is stored.
pub const GROUPS: &str = "microsoft.management/managementgroups";
/// The type of subscriptions, as it is stored.
pub const SUBSCRIPTIONS: &str = "microsoft.resources/subscriptions";
/// The member of a subscription's document that names its management group by key.
pub const PLACE: &str = "_managementGroup";
/// The member of a subscription's document that lists the namespaces it has unregistered, in lower case.
pub const UNREGISTERED: &str = "_unregistered";
/// Levels below the root group.
pub const MAX_DEPTH: usize = 6;
/// Management groups of one tenant.
pub const MAX_GROUPS: usize = 10_000;

const GROUP_PREFIX: &str = "/providers/microsoft.management/managementgroups/";
const SUBSCRIPTION_PREFIX: &str = "/subscriptions/";

/// A management group as the tree knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its id as written.
    pub id: String,
    /// Its name as written.
    pub name: String,
    /// What people call it.
    pub display_name: String,
    /// The key of its parent; none for the root group.
    pub parent: Option<String>,
}

/// A subscription as the tree knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// Its id as written.
    pub id: String,
    /// What people call it.
    pub display_name: String,
    /// `Enabled`, `Disabled`, …
    pub state: String,
    /// The key of the group that it was moved to; none means the root group.
    pub parent: Option<String>,
    /// Namespaces that are not registered, in lower case.
    pub unregistered: Vec<String>,
}

/// The tree.
#[derive(Clone, Debug, Default)]
pub struct Hierarchy {
    root: String,
    groups: BTreeMap<String, Group>,
    subscriptions: BTreeMap<String, Subscription>,
}

/// The key of a management group by its name.
#[must_use]
pub fn group_key(name: &str) -> String {
    format!("{GROUP_PREFIX}{}", name.to_ascii_lowercase())
}

impl Hierarchy {
    /// The tree of a tenant before any record was read.
    #[must_use]
    pub fn new(tenant: Uuid) -> Self {
        Self { root: group_key(&tenant.to_string()), ..Self::default() }
    }

    /// Takes in a record of one of the two types, new or changed; others are none of its business.
    pub fn put(&mut self, resource_type: &str, id: &str, document: &Value) {
        let key = id.to_ascii_lowercase();
        match resource_type {
            GROUPS => {
                let properties = &document["properties"];
                let name = id.rsplit('/').next().unwrap_or_default().to_owned();
                let group = Group {
                    display_name: text(&properties["displayName"]).unwrap_or_else(|| name.clone()),
                    parent: text(&properties["details"]["parent"]["id"]).map(|p| p.to_ascii_lowercase()),
                    id: id.to_owned(),
                    name,
                };
                self.groups.insert(key, group);
            }
            SUBSCRIPTIONS => {
                let subscription = Subscription {
                    id: id.to_owned(),
                    display_name: text(&document["displayName"]).unwrap_or_default(),
                    state: text(&document["state"]).unwrap_or_default(),
                    parent: text(&document[PLACE]),
                    unregistered: document[UNREGISTERED]
                        .as_array()
                        .into_iter()
                        .flatten()
                        .filter_map(text)
                        .collect(),
                };
                self.subscriptions.insert(key, subscription);
            }
            _ => {}
        }
    }

    /// Forgets a record that was deleted.
    pub fn remove(&mut self, key: &str) {
        self.groups.remove(key);
        self.subscriptions.remove(key);
    }

    /// The key of the root management group.
    #[must_use]
    pub fn root(&self) -> &str {
        &self.root
    }

    /// A group by its key.
    #[must_use]
    pub fn group(&self, key: &str) -> Option<&Group> {
        self.groups.get(key)
    }

    /// A subscription by its key.
    #[must_use]
    pub fn subscription(&self, key: &str) -> Option<&Subscription> {
        self.subscriptions.get(key)
    }

    /// All groups by key.
    pub fn groups(&self) -> impl Iterator<Item = (&str, &Group)> {
        self.groups.iter().map(|(key, group)| (key.as_str(), group))
    }

    /// All subscriptions by key.
    pub fn subscriptions(&self) -> impl Iterator<Item = (&str, &Subscription)> {
        self.subscriptions.iter().map(|(key, subscription)| (key.as_str(), subscription))
    }

    /// The key of the group right above a group or subscription; none above the root group and for what is neither.
    #[must_use]
    pub fn parent_of<'a>(&'a self, key: &str) -> Option<&'a str> {
        if key == self.root {
            return None;
        }
        let named = match (self.groups.get(key), self.subscriptions.get(key)) {
            (Some(group), _) => group.parent.as_deref(),
            (_, Some(subscription)) => subscription.parent.as_deref(),
            // A subscription that nobody knows (yet) would hang below the root group.
            _ if key.starts_with(SUBSCRIPTION_PREFIX) || key.starts_with(GROUP_PREFIX) => None,
            _ => return None,
        };
        // Whoever names a group that is gone hangs below the root, so that nothing is ever outside the tenant.
        Some(named.filter(|parent| self.groups.contains_key(*parent)).unwrap_or(&self.root))
    }

    /// The keys of the management groups above a scope, nearest first; a group counts as above what lies on it, not above itself.
    #[must_use]
    pub fn groups_above<'a>(&'a self, scope_key: &str) -> Vec<&'a str> {
        let mut above: Vec<&str> = Vec::new();
        let start = node_of(scope_key);
        let mut next = match start {
            // What lies on a group has that group above it.
            Some(node) if node.len() < scope_key.len() && node.starts_with(GROUP_PREFIX) => {
                self.groups.get_key_value(node).map(|(key, _)| key.as_str()).or_else(|| self.parent_of(node))
            }
            Some(node) => self.parent_of(node),
            None => None,
        };
        while let Some(key) = next {
            if above.contains(&key) || above.len() > MAX_DEPTH + 1 {
                break;
            }
            above.push(key);
            next = self.parent_of(key);
        }
        above
    }

    /// The keys of a scope and of everything whose role assignments and policy hold there: itself, what it lies in, the management groups
    /// above its subscription, and last the tenant's root `/`.
    #[must_use]
    pub fn ancestors(&self, scope_key: &str) -> Vec<String> {
        let mut chain: Vec<String> = Vec::new();
        let mut current = scope_key;
        while let Some(at) = current.rfind('/') {
            if is_scope(current) {
                chain.push(current.to_owned());
            }
            current = &current[..at];
        }
        for group in self.groups_above(scope_key) {
            if !chain.iter().any(|known| known == group) {
                chain.push(group.to_owned());
            }
        }
        chain.push("/".to_owned());
        chain
    }

    /// Whether `scope_key` is `ancestor_key` or inherits from it.
    #[must_use]
    pub fn inherits(&self, scope_key: &str, ancestor_key: &str) -> bool {
        bowline_auth::roles::covers(ancestor_key, scope_key)
            || (ancestor_key.starts_with(GROUP_PREFIX)
                && self.groups_above(scope_key).contains(&ancestor_key))
    }

    /// The keys of the groups and subscriptions below a group, at any depth, parents before their children.
    #[must_use]
    pub fn below(&self, group_key: &str) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        let mut seen = BTreeSet::from([group_key.to_owned()]);
        let mut wave = vec![group_key.to_owned()];
        while let Some(parent) = wave.pop() {
            for child in self.children(&parent) {
                if seen.insert(child.clone()) {
                    wave.push(child.clone());
                    found.push(child);
                }
            }
        }
        found
    }

    /// The keys of the groups and subscriptions right below a group: groups first.
    #[must_use]
    pub fn children(&self, group_key: &str) -> Vec<String> {
        let groups = self.groups.keys().filter(|key| key.as_str() != group_key);
        groups
            .chain(self.subscriptions.keys())
            .filter(|key| self.parent_of(key) == Some(group_key))
            .cloned()
            .collect()
    }

    /// How many levels a group lies below the root group.
    #[must_use]
    pub fn depth(&self, group_key: &str) -> usize {
        self.groups_above(group_key).len()
    }

    /// How many levels of groups hang below a group.
    #[must_use]
    pub fn height(&self, group_key: &str) -> usize {
        let own = self.depth(group_key);
        let below = self.below(group_key);
        below
            .iter()
            .filter(|key| self.groups.contains_key(*key))
            .map(|key| self.depth(key))
            .max()
            .map_or(0, |deepest| deepest.saturating_sub(own))
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// The subscription or management group that a scope is or lies on, as a prefix of its key.
fn node_of(scope_key: &str) -> Option<&str> {
    let prefix = [SUBSCRIPTION_PREFIX, GROUP_PREFIX].into_iter().find(|p| scope_key.starts_with(p))?;
    let name = scope_key[prefix.len()..].split('/').next().filter(|name| !name.is_empty())?;
    Some(&scope_key[..prefix.len() + name.len()])
}

/// Whether a prefix of a key is a scope or resource by itself: after `providers` come the namespace and pairs of type and name.
fn is_scope(key: &str) -> bool {
    let segments = key.split('/').skip(1);
    let mut after = None;
    let mut count = 0;
    for segment in segments {
        count += 1;
        after = if segment == "providers" { Some(0) } else { after.map(|n| n + 1) };
    }
    match after {
        None => count % 2 == 0,
        Some(n) => n >= 3 && n % 2 == 1,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TENANT: Uuid = Uuid::from_u128(7);

    fn group(name: &str) -> String {
        group_key(name)
    }

    fn tree() -> Hierarchy {
        let mut tree = Hierarchy::new(TENANT);
        let root = format!("/providers/Microsoft.Management/managementGroups/{TENANT}");
        tree.put(GROUPS, &root, &json!({"properties": {"displayName": "Tenant Root Group"}}));
        for (name, parent) in
            [("Plants", TENANT.to_string()), ("North", "Plants".to_owned()), ("Labs", "gone".to_owned())]
        {
            let parent = format!("/providers/Microsoft.Management/managementGroups/{parent}");
            let document =
                json!({"properties": {"displayName": name, "details": {"parent": {"id": parent}}}});
            tree.put(GROUPS, &format!("/providers/Microsoft.Management/managementGroups/{name}"), &document);
        }
        tree.put(
            SUBSCRIPTIONS,
            "/subscriptions/S1",
            &json!({"displayName": "one", "state": "Enabled", PLACE: group("north")}),
        );
        tree.put(SUBSCRIPTIONS, "/subscriptions/S2", &json!({"displayName": "two", "state": "Enabled"}));
        tree
    }

    #[test]
    fn a_resource_inherits_from_what_it_lies_in_and_from_every_group_above_its_subscription() {
        let tree = tree();
        let resource = "/subscriptions/s1/resourcegroups/g/providers/a.b/cs/c/providers/x.y/zs/z";
        assert_eq!(
            tree.ancestors(resource),
            [
                resource,
                "/subscriptions/s1/resourcegroups/g/providers/a.b/cs/c",
                "/subscriptions/s1/resourcegroups/g",
                "/subscriptions/s1",
                &group("north"),
                &group("plants"),
                tree.root(),
                "/"
            ]
        );
        assert_eq!(tree.ancestors("/subscriptions/s2"), ["/subscriptions/s2", tree.root(), "/"]);
        assert_eq!(tree.ancestors("/subscriptions/unknown"), ["/subscriptions/unknown", tree.root(), "/"]);
        assert_eq!(tree.ancestors("/"), ["/"]);
        assert_eq!(
            tree.ancestors("/providers/microsoft.bowline/users/u"),
            ["/providers/microsoft.bowline/users/u", "/"]
        );
    }

    #[test]
    fn what_lies_on_a_group_inherits_from_it_and_a_group_whose_parent_is_gone_hangs_below_the_root() {
        let tree = tree();
        let on = format!("{}/providers/microsoft.authorization/roleassignments/a", group("north"));
        assert_eq!(tree.ancestors(&on), [&on, &group("north"), &group("plants"), tree.root(), "/"]);
        assert_eq!(tree.ancestors(&group("labs")), [&group("labs"), tree.root(), "/"]);
        assert_eq!(tree.ancestors(tree.root()), [tree.root(), "/"]);
        assert!(tree.inherits("/subscriptions/s1/resourcegroups/g", &group("plants")));
        assert!(tree.inherits(&on, &group("north")));
        assert!(!tree.inherits("/subscriptions/s2", &group("plants")));
        assert!(tree.inherits("/subscriptions/s2", "/"));
        assert!(!tree.inherits("/subscriptions/s11", "/subscriptions/s1"));
    }

    #[test]
    fn moving_and_removing_change_what_is_below() {
        let mut tree = tree();
        assert_eq!(tree.below(&group("plants")), [group("north"), "/subscriptions/s1".to_owned()]);
        assert_eq!(
            (tree.depth(&group("north")), tree.height(&group("plants")), tree.height(tree.root())),
            (2, 1, 2)
        );
        tree.put(SUBSCRIPTIONS, "/subscriptions/S2", &json!({PLACE: group("labs")}));
        assert_eq!(tree.children(&group("labs")), ["/subscriptions/s2"]);
        tree.remove(&group("north"));
        assert_eq!(tree.ancestors("/subscriptions/s1"), ["/subscriptions/s1", tree.root(), "/"]);
        tree.remove("/subscriptions/s1");
        assert!(tree.subscription("/subscriptions/s1").is_none());
    }

    #[test]
    fn a_damaged_circle_ends() {
        let mut tree = tree();
        let north = "/providers/Microsoft.Management/managementGroups/North";
        tree.put(
            GROUPS,
            "/providers/Microsoft.Management/managementGroups/Plants",
            &json!({"properties": {"details": {"parent": {"id": north}}}}),
        );
        assert_eq!(tree.groups_above("/subscriptions/s1"), [group("north"), group("plants")]);
        assert!(tree.below(&group("north")).len() <= 3);
    }
}
