//! Who is in which group: named by the group, through groups in groups, or by a group of the upstream sign-in that a group is mapped from.
//!
//! # Design notes
//! Only the direct edges are kept; the way up is walked when somebody asks. A member of a dozen groups costs about a microsecond, and a
//! change of one group touches that group alone. Groups may contain each other in a circle: each is visited once.
//! A clone shares everything until it is changed; changes of groups are rare beside questions.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::Value;
use uuid::Uuid;

/// The most groups that count for one principal, nearest first. A token or a decision must not grow without a bound.
pub const MAX_GROUPS: usize = 2048;

/// The memberships of all groups at one revision.
#[derive(Clone, Default)]
pub struct Membership(Arc<Edges>);

#[derive(Clone, Default)]
struct Edges {
    /// What each record contributed, to take it back.
    by_key: HashMap<Box<str>, Contribution>,
    /// Member to groups.
    groups: HashMap<Uuid, Vec<Uuid>>,
    /// Upstream group to groups.
    mapped: HashMap<Box<str>, Vec<Uuid>>,
    /// User to upstream groups.
    upstream: HashMap<Uuid, Vec<Box<str>>>,
}

#[derive(Clone)]
enum Contribution {
    Group { object_id: Uuid, members: Vec<Uuid>, mapped_from: Vec<Box<str>> },
    User { object_id: Uuid },
}

impl Contribution {
    /// What a record says about membership; nothing for users without upstream groups and for all other types.
    fn read(key: &str, document: &Value) -> Option<(Self, Vec<Box<str>>)> {
        let properties = &document["properties"];
        let object_id = properties["objectId"].as_str()?.parse().ok()?;
        let texts = |name: &str| -> Vec<Box<str>> {
            properties[name]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|v| v.as_str().map(Box::from))
                .collect()
        };
        if key.starts_with("/providers/microsoft.bowline/groups/") {
            let members: HashSet<Uuid> = texts("members").iter().filter_map(|m| m.parse().ok()).collect();
            let (members, mapped_from) = (members.into_iter().collect(), texts("mappedFrom"));
            return Some((Self::Group { object_id, members, mapped_from }, Vec::new()));
        }
        let upstream = texts("upstreamGroups");
        let user = key.starts_with("/providers/microsoft.bowline/users/") && !upstream.is_empty();
        user.then_some((Self::User { object_id }, upstream))
    }
}

impl Membership {
    /// Takes the record of a user or a group as it is now; records of other types change nothing.
    pub fn put(&mut self, key: &str, document: &Value) {
        self.remove(key);
        let Some((contribution, values)) = Contribution::read(key, document) else { return };
        let edges = Arc::make_mut(&mut self.0);
        match &contribution {
            Contribution::Group { object_id, members, mapped_from } => {
                for member in members {
                    edges.groups.entry(*member).or_default().push(*object_id);
                }
                for value in mapped_from {
                    edges.mapped.entry(value.clone()).or_default().push(*object_id);
                }
            }
            Contribution::User { object_id } => {
                edges.upstream.insert(*object_id, values);
            }
        }
        edges.by_key.insert(key.into(), contribution);
    }

    /// Forgets a record that was deleted.
    pub fn remove(&mut self, key: &str) {
        if !self.0.by_key.contains_key(key) {
            return;
        }
        let edges = Arc::make_mut(&mut self.0);
        match edges.by_key.remove(key) {
            Some(Contribution::Group { object_id, members, mapped_from }) => {
                for member in members {
                    take_out(&mut edges.groups, &member, object_id);
                }
                for value in mapped_from {
                    take_out(&mut edges.mapped, &value, object_id);
                }
            }
            Some(Contribution::User { object_id }) => {
                edges.upstream.remove(&object_id);
            }
            None => {}
        }
    }

    /// The groups that the principal is in by itself.
    #[must_use]
    pub fn direct_groups_of(&self, principal: Uuid) -> Vec<Uuid> {
        let edges = &self.0;
        let values = edges.upstream.get(&principal).into_iter().flatten();
        let mapped = values.filter_map(|value| edges.mapped.get(value)).flatten();
        let mut groups: Vec<Uuid> =
            edges.groups.get(&principal).into_iter().flatten().chain(mapped).copied().collect();
        groups.sort_unstable();
        groups.dedup();
        groups
    }

    /// All groups that the principal is in, nearest first, at most [`MAX_GROUPS`]. A group in a circle is not in itself.
    #[must_use]
    pub fn groups_of(&self, principal: Uuid) -> Vec<Uuid> {
        let mut groups = self.direct_groups_of(principal);
        if groups.is_empty() {
            return groups;
        }
        groups.retain(|group| *group != principal);
        let mut seen: HashSet<Uuid> = groups.iter().copied().chain([principal]).collect();
        let mut next = 0;
        while next < groups.len() && groups.len() < MAX_GROUPS {
            for &above in self.0.groups.get(&groups[next]).into_iter().flatten() {
                if seen.insert(above) {
                    groups.push(above);
                }
            }
            next += 1;
        }
        groups.truncate(MAX_GROUPS);
        groups
    }
}

fn take_out<K: std::hash::Hash + Eq>(edges: &mut HashMap<K, Vec<Uuid>>, from: &K, group: Uuid) {
    if let Some(groups) = edges.get_mut(from) {
        groups.retain(|g| *g != group);
        if groups.is_empty() {
            edges.remove(from);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn id(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    fn put(membership: &mut Membership, group: u128, members: &[u128], mapped: &[&str]) {
        let members: Vec<String> = members.iter().map(|m| id(*m).to_string()).collect();
        let document = json!({"properties": {"objectId": id(group).to_string(), "members": members, "mappedFrom": mapped}});
        membership.put(&format!("/providers/microsoft.bowline/groups/g{group}"), &document);
    }

    fn of(membership: &Membership, principal: u128) -> Vec<u128> {
        membership.groups_of(id(principal)).into_iter().map(|group| group.as_u128()).collect()
    }

    #[test]
    fn membership_passes_through_groups_nearest_first() {
        let mut membership = Membership::default();
        for (group, members) in [(10, vec![1, 1]), (20, vec![10, 1]), (30, vec![20]), (40, vec![2])] {
            put(&mut membership, group, &members, &[]);
        }
        assert_eq!(of(&membership, 1), [10, 20, 30]);
        assert_eq!(of(&membership, 2), [40]);
        assert_eq!(of(&membership, 10), [20, 30], "a group is in those above it");
        assert_eq!(of(&membership, 3), [0_u128; 0]);
        assert_eq!(membership.direct_groups_of(id(1)), [id(10), id(20)]);
    }

    #[test]
    fn a_change_replaces_what_the_group_said_before_and_leaves_older_snapshots_alone() {
        let mut membership = Membership::default();
        put(&mut membership, 10, &[1, 2], &[]);
        let before = membership.clone();
        put(&mut membership, 10, &[2], &[]);
        assert_eq!((of(&membership, 1), of(&membership, 2)), (vec![], vec![10]));
        membership.remove("/providers/microsoft.bowline/groups/g10");
        assert_eq!(of(&membership, 2), [0_u128; 0]);
        assert_eq!((of(&before, 1), of(&before, 2)), (vec![10], vec![10]));
        assert!(membership.0.by_key.is_empty() && membership.0.groups.is_empty(), "nothing stays behind");
    }

    #[test]
    fn a_circle_of_groups_ends_and_puts_nobody_into_himself() {
        let mut membership = Membership::default();
        put(&mut membership, 10, &[1, 20, 10], &[]);
        put(&mut membership, 20, &[10], &[]);
        assert_eq!(of(&membership, 1), [10, 20]);
        assert_eq!(of(&membership, 10), [20]);
    }

    #[test]
    fn upstream_groups_count_through_the_mapping_only() {
        let mut membership = Membership::default();
        put(&mut membership, 10, &[], &["ops"]);
        put(&mut membership, 20, &[10], &[]);
        let key = "/providers/microsoft.bowline/users/ada";
        let user = |groups: &[&str]| json!({"properties": {"objectId": id(1).to_string(), "upstreamGroups": groups}});
        membership.put(key, &user(&["ops", "unmapped"]));
        assert_eq!(of(&membership, 1), [10, 20]);
        membership.put(key, &user(&["unmapped"]));
        assert_eq!(of(&membership, 1), [0_u128; 0]);
        membership.put(key, &user(&[]));
        assert!(membership.0.upstream.is_empty());
    }

    #[test]
    fn no_principal_is_in_more_groups_than_the_ceiling() {
        let mut deep = Membership::default();
        for n in 1..=2 * MAX_GROUPS as u128 {
            put(&mut deep, n, &[n - 1], &[]);
        }
        let groups = of(&deep, 0);
        assert_eq!((groups.len(), groups[0]), (MAX_GROUPS, 1), "the nearest are kept");
        let mut wide = Membership::default();
        for n in 1..=2 * MAX_GROUPS as u128 {
            put(&mut wide, n, &[0], &[]);
        }
        assert_eq!(of(&wide, 0).len(), MAX_GROUPS);
    }
}
