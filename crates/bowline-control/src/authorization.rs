//! May they: a cached snapshot of role definitions, role assignments and principals, guarded by a watermark.
//!
//! The snapshot carries the watermark at which it was read. Every commit that was admitted under it is guarded by that watermark,
//! so that a role that was withdrawn a moment before cannot let a write through.

pub mod membership;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bowline_arm::{Error, ResourceId};
use bowline_auth::{Authorizer, Permission, RoleAssignment, RoleDefinition, ScopeSet, Subject};
use bowline_store::{Guard, List, Record, Revision, Store, StoreError};
use serde_json::Value;
use tokio::sync::RwLock;
use uuid::Uuid;

use self::membership::Membership;
use crate::context::{ActorKind, OpContext};
use crate::hierarchy::{self, Hierarchy};

/// The name of the watermark that every write of a role or principal raises.
pub const WATERMARK: &str = "authorization";

/// Types whose records make the snapshot.
pub const TYPES: [&str; 8] = [
    hierarchy::GROUPS,
    hierarchy::SUBSCRIPTIONS,
    "microsoft.authorization/roleassignments",
    "microsoft.authorization/roledefinitions",
    "microsoft.bowline/users",
    "microsoft.bowline/serviceprincipals",
    "microsoft.bowline/groups",
    "microsoft.managedidentity/userassignedidentities",
];

/// What a principal is, in the words of role assignments (`principalType`). A managed identity is a service principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrincipalKind {
    /// A person.
    User,
    /// Users, service principals and groups under one name.
    Group,
    /// A program.
    ServicePrincipal,
}

impl PrincipalKind {
    /// What a record of this type is, if it is a principal of the directory.
    #[must_use]
    pub fn of_type(type_key: &str) -> Option<Self> {
        match type_key {
            "microsoft.bowline/users" => Some(Self::User),
            "microsoft.bowline/groups" => Some(Self::Group),
            "microsoft.bowline/serviceprincipals" | "microsoft.managedidentity/userassignedidentities" => {
                Some(Self::ServicePrincipal)
            }
            _ => None,
        }
    }

    /// As role assignments write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
            Self::ServicePrincipal => "ServicePrincipal",
        }
    }
}

/// What the snapshot knows of a principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Principal {
    /// What it is.
    pub kind: PrincipalKind,
    /// Whether it may act.
    pub enabled: bool,
}

/// Roles and principals at one revision.
pub struct Snapshot {
    /// The watermark at which it was read.
    pub at: Revision,
    authorizer: Authorizer,
    roles: HashSet<Uuid>,
    principals: HashMap<Uuid, Principal>,
    membership: Membership,
    assignments: Vec<RoleAssignment>,
    hierarchy: Hierarchy,
}

impl Snapshot {
    /// Management groups and subscriptions.
    #[must_use]
    pub fn hierarchy(&self) -> &Hierarchy {
        &self.hierarchy
    }

    /// The evaluator.
    #[must_use]
    pub fn authorizer(&self) -> &Authorizer {
        &self.authorizer
    }

    /// Whether a role definition exists.
    #[must_use]
    pub fn role_exists(&self, role: Uuid) -> bool {
        self.roles.contains(&role)
    }

    /// A user, group, service principal or user-assigned identity; those of clusters and machines are known to their records only.
    #[must_use]
    pub fn principal(&self, object_id: Uuid) -> Option<Principal> {
        self.principals.get(&object_id).copied()
    }

    /// Whether a principal exists and may act.
    #[must_use]
    pub fn is_enabled(&self, object_id: Uuid) -> bool {
        self.principal(object_id).is_some_and(|p| p.enabled)
    }

    /// All groups that a principal is in, directly and through other groups, nearest first.
    #[must_use]
    pub fn groups_of(&self, principal: Uuid) -> Vec<Uuid> {
        self.membership.groups_of(principal)
    }

    /// Who is in which group.
    #[must_use]
    pub fn membership(&self) -> &Membership {
        &self.membership
    }

    /// An assignment of the same role to the same principal at the same scope, other than `name`.
    #[must_use]
    pub fn duplicate_assignment(
        &self,
        name: Uuid,
        principal: Uuid,
        role: Uuid,
        scope_key: &str,
    ) -> Option<Uuid> {
        self.assignments
            .iter()
            .find(|a| {
                a.id != name
                    && a.principal == principal
                    && a.role == role
                    && a.scope.eq_ignore_ascii_case(scope_key)
            })
            .map(|a| a.id)
    }

    /// How many assignments of a role at the root exist: the last Owner must not go.
    #[must_use]
    pub fn count_at_root(&self, role: Uuid) -> usize {
        self.assignments
            .iter()
            .filter(|a| a.role == role && a.scope == "/" && self.is_enabled(a.principal))
            .count()
    }

    /// Refuses an action that the actor's roles do not give.
    ///
    /// # Errors
    /// `AuthorizationFailed` (403).
    pub fn require(&self, context: &OpContext, action: &str, scope_key: &str) -> Result<(), Error> {
        let actor = &context.actor;
        if actor.kind == ActorKind::System {
            return Ok(());
        }
        let groups = self.groups_of(actor.object_id);
        let decision = self.authorizer.check(&Subject::new(actor.object_id, &groups), action, scope_key);
        if decision.allowed {
            Ok(())
        } else {
            Err(Error::forbidden(&actor.name, action, scope_key).with_context(&decision.reason))
        }
    }

    /// Where the actor may do the action; `None` means everywhere.
    #[must_use]
    pub fn scopes(&self, context: &OpContext, action: &str) -> Option<ScopeSet> {
        if context.actor.kind == ActorKind::System {
            return None;
        }
        let groups = self.groups_of(context.actor.object_id);
        let subject = Subject::new(context.actor.object_id, &groups);
        Some(self.authorizer.readable_scopes(&subject, action))
    }

    /// Whether the actor has any role above, at or beneath a scope.
    #[must_use]
    pub fn has_any_role(&self, context: &OpContext, scope_key: &str) -> bool {
        let groups = self.groups_of(context.actor.object_id);
        self.authorizer.has_any_role(&Subject::new(context.actor.object_id, &groups), scope_key)
    }

    /// What the actor's roles give at a scope.
    #[must_use]
    pub fn permissions(&self, context: &OpContext, scope_key: &str) -> Vec<Permission> {
        let groups = self.groups_of(context.actor.object_id);
        self.authorizer.permissions(&Subject::new(context.actor.object_id, &groups), scope_key)
    }

    /// The guards for commits that were admitted under this snapshot: none for a background task, which asked no role.
    #[must_use]
    pub fn guards(&self, context: &OpContext) -> Vec<Guard> {
        let asked = context.actor.kind != ActorKind::System;
        asked.then(|| Guard::Watermark { name: WATERMARK.to_owned(), at: self.at }).into_iter().collect()
    }
}

/// The cache of the newest snapshot.
pub struct Authorization {
    store: Arc<dyn Store>,
    tenant: Uuid,
    current: RwLock<Arc<Snapshot>>,
}

impl Authorization {
    /// Reads the first snapshot.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn open(store: Arc<dyn Store>, tenant: Uuid) -> Result<Self, StoreError> {
        let current = RwLock::new(Arc::new(read(&*store, tenant).await?));
        Ok(Self { store, tenant, current })
    }

    /// The newest snapshot that this server knows.
    pub async fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&*self.current.read().await)
    }

    /// Reads again when the watermark has moved; called after an own write, after a refused guard and by the feed.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn refresh(&self) -> Result<Arc<Snapshot>, StoreError> {
        let known = self.snapshot().await;
        if self.store.watermark(WATERMARK).await? == known.at {
            return Ok(known);
        }
        self.reload().await
    }

    /// Reads again whatever the watermark says (a new epoch may have gone back).
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn reload(&self) -> Result<Arc<Snapshot>, StoreError> {
        let mut current = self.current.write().await;
        let fresh = Arc::new(read(&*self.store, self.tenant).await?);
        *current = Arc::clone(&fresh);
        Ok(fresh)
    }
}

async fn read(store: &dyn Store, tenant: Uuid) -> Result<Snapshot, StoreError> {
    // The watermark is read first: a write between the two reads makes the guard stricter, never laxer.
    let at = store.watermark(WATERMARK).await?;
    let mut definitions = bowline_auth::roles::built_in_roles();
    let mut assignments = Vec::new();
    let mut principals = HashMap::new();
    let mut hierarchy = Hierarchy::new(tenant);
    let mut membership = Membership::default();
    for resource_type in TYPES {
        for record in list_all(store, resource_type).await? {
            let document: Value = serde_json::from_str(&record.document).unwrap_or_default();
            match resource_type {
                hierarchy::GROUPS | hierarchy::SUBSCRIPTIONS => {
                    hierarchy.put(resource_type, &record.id, &document);
                }
                "microsoft.authorization/roleassignments" => {
                    assignments.extend(assignment(&record, &document));
                }
                "microsoft.authorization/roledefinitions" => {
                    definitions.extend(definition(&record, &document));
                }
                _ => {
                    principals.extend(principal(&record, &document));
                    membership.put(&record.key, &document);
                }
            }
        }
    }
    let roles = definitions.iter().map(|d| d.id).collect();
    let authorizer = Authorizer::new(definitions, assignments.clone());
    Ok(Snapshot { at, authorizer, roles, principals, membership, assignments, hierarchy })
}

fn principal(record: &Record, document: &Value) -> Option<(Uuid, Principal)> {
    let kind = PrincipalKind::of_type(&record.resource_type)?;
    let enabled = document["properties"]["accountEnabled"].as_bool().unwrap_or(true) && !record.deleting;
    Some((record.principal?, Principal { kind, enabled }))
}

async fn list_all(store: &dyn Store, resource_type: &str) -> Result<Vec<Record>, StoreError> {
    const PAGE: u32 = 1000;
    let mut all: Vec<Record> = Vec::new();
    loop {
        let after = all.last().map(|r| r.key.clone());
        let page = store
            .list(&List {
                resource_type: Some(resource_type.to_owned()),
                after,
                limit: PAGE,
                ..List::default()
            })
            .await?;
        let last = page.len() < PAGE as usize;
        all.extend(page);
        if last {
            return Ok(all);
        }
    }
}

fn assignment(record: &Record, document: &Value) -> Option<RoleAssignment> {
    let id: ResourceId = record.id.parse().ok()?;
    let properties = &document["properties"];
    Some(RoleAssignment {
        id: id.name().parse().ok()?,
        scope: id.parent()?.key().to_owned(),
        principal: properties["principalId"].as_str()?.parse().ok()?,
        role: properties["roleDefinitionId"].as_str()?.rsplit('/').next()?.parse().ok()?,
    })
}

fn definition(record: &Record, document: &Value) -> Option<RoleDefinition> {
    let properties = &document["properties"];
    Some(RoleDefinition {
        id: record.key.rsplit('/').next()?.parse().ok()?,
        name: properties["roleName"].as_str().unwrap_or_default().to_owned(),
        description: properties["description"].as_str().unwrap_or_default().to_owned(),
        permissions: serde_json::from_value(properties["permissions"].clone()).unwrap_or_default(),
        assignable_scopes: serde_json::from_value(properties["assignableScopes"].clone()).unwrap_or_default(),
        built_in: false,
    })
}
