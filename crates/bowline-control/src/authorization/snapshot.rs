//! Roles, principals and the hierarchy at one revision. A copy shares with its original all that it does not change.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bowline_arm::{Error, ResourceId};
use bowline_auth::roles::Shards;
use bowline_auth::{
    Authorizer, Condition, Decision, Facts, Mask, Permission, Plane, Question, Reason, RoleAssignment,
    RoleDefinition, Subject,
};
use bowline_store::{Change, Guard, Revision};
use serde_json::Value;
use uuid::Uuid;

use super::WATERMARK;
use super::conditions::read_condition;
use super::membership::Membership;
use crate::context::{ActorKind, OpContext};
use crate::hierarchy::{self, Hierarchy};
use crate::locks::{LOCKS, Locks};

pub(super) const ASSIGNMENTS: &str = "microsoft.authorization/roleassignments";
pub(super) const DEFINITIONS: &str = "microsoft.authorization/roledefinitions";

/// The most masks that one snapshot remembers.
const MAX_MASKS: usize = 1024;

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

/// See the module.
#[derive(Default)]
pub struct Snapshot {
    /// The watermark up to which it was read.
    pub at: Revision,
    authorizer: Authorizer,
    principals: Shards<Uuid, Principal>,
    /// The object id of a principal's record.
    principal_of: Shards<Arc<str>, Uuid>,
    membership: Membership,
    /// The ids of custom roles' records.
    custom_roles: Arc<HashMap<Uuid, String>>,
    hierarchy: Arc<Hierarchy>,
    locks: Arc<Locks>,
    masks: Mutex<HashMap<(Uuid, String), Arc<Mask>>>,
}

impl Clone for Snapshot {
    fn clone(&self) -> Self {
        Self {
            at: self.at,
            authorizer: self.authorizer.clone(),
            principals: self.principals.clone(),
            principal_of: self.principal_of.clone(),
            membership: self.membership.clone(),
            custom_roles: Arc::clone(&self.custom_roles),
            hierarchy: Arc::clone(&self.hierarchy),
            locks: Arc::clone(&self.locks),
            // A copy is made to be changed.
            masks: Mutex::default(),
        }
    }
}

impl Snapshot {
    pub(super) fn empty(tenant: Uuid, at: Revision) -> Self {
        let authorizer = Authorizer::new(bowline_auth::roles::built_in_roles().to_vec(), []);
        let hierarchy = Arc::new(Hierarchy::new(tenant));
        let mut snapshot = Self { at, authorizer, ..Self::default() };
        snapshot.set_hierarchy(hierarchy);
        snapshot
    }

    fn set_hierarchy(&mut self, hierarchy: Arc<Hierarchy>) {
        self.authorizer.set_hierarchy(Arc::clone(&hierarchy) as Arc<dyn bowline_auth::Hierarchy>);
        self.hierarchy = hierarchy;
    }

    fn change_hierarchy(&mut self, change: impl FnOnce(&mut Hierarchy)) {
        let mut tree = std::mem::take(&mut self.hierarchy);
        // The evaluator lets go of it too, so that a tree that nobody else has is not copied.
        self.authorizer.set_hierarchy(Arc::<Hierarchy>::default());
        change(Arc::make_mut(&mut tree));
        self.set_hierarchy(tree);
    }

    /// Takes in a change; one that is none of its business changes nothing.
    pub(super) fn apply(&mut self, change: &Change) {
        if super::concerns(change) {
            match &change.document {
                Some(document) => self.put(&change.resource_type, &change.id, document, false),
                None => self.remove(&change.resource_type, &change.key),
            }
        }
    }

    /// Takes in a record.
    pub(super) fn put(&mut self, resource_type: &str, id: &str, document: &str, deleting: bool) {
        let document: Value = serde_json::from_str(document).unwrap_or_default();
        match resource_type {
            LOCKS => Arc::make_mut(&mut self.locks).put(id, &document),
            hierarchy::GROUPS | hierarchy::SUBSCRIPTIONS => {
                self.change_hierarchy(|tree| tree.put(resource_type, id, &document));
            }
            ASSIGNMENTS => {
                if let Some(assignment) = assignment(id, &document) {
                    self.authorizer.assign(assignment);
                }
            }
            DEFINITIONS => {
                if let Some(definition) = definition(id, &document) {
                    Arc::make_mut(&mut self.custom_roles).insert(definition.id, id.to_owned());
                    self.authorizer.define(definition);
                }
            }
            _ => self.put_principal(resource_type, id, &document, deleting),
        }
    }

    fn put_principal(&mut self, resource_type: &str, id: &str, document: &Value, deleting: bool) {
        let key: Arc<str> = id.to_ascii_lowercase().into();
        self.membership.put(&key, document);
        let properties = &document["properties"];
        let object_id = properties["objectId"].as_str().or_else(|| properties["principalId"].as_str());
        let Some(object_id) = object_id.and_then(|id| id.parse().ok()) else { return };
        let Some(kind) = PrincipalKind::of_type(resource_type) else { return };
        let enabled = properties["accountEnabled"].as_bool().unwrap_or(true) && !deleting;
        *self.principal_of.entry(key) = object_id;
        self.principals.set(object_id, Principal { kind, enabled });
    }

    fn remove(&mut self, resource_type: &str, key: &str) {
        match resource_type {
            LOCKS => Arc::make_mut(&mut self.locks).remove(key),
            hierarchy::GROUPS | hierarchy::SUBSCRIPTIONS => {
                self.change_hierarchy(|tree| tree.remove(key));
            }
            ASSIGNMENTS => {
                let id: Option<ResourceId> = key.parse().ok();
                if let Some((scope, name)) = id.and_then(|id| Some((id.parent()?, id.name().parse().ok()?))) {
                    self.authorizer.unassign(scope.key(), name);
                }
            }
            DEFINITIONS => {
                let name = key.rsplit('/').next().and_then(|name| name.parse().ok());
                if let Some(name) = name {
                    Arc::make_mut(&mut self.custom_roles).remove(&name);
                    self.authorizer.undefine(name);
                }
            }
            _ => {
                self.membership.remove(key);
                if let Some(object_id) = self.principal_of.get(key).copied() {
                    self.principals.remove(&object_id);
                    self.principal_of.remove(key);
                }
            }
        }
    }

    /// Management groups and subscriptions.
    #[must_use]
    pub fn hierarchy(&self) -> &Hierarchy {
        &self.hierarchy
    }

    /// Management locks.
    #[must_use]
    pub fn locks(&self) -> &Locks {
        &self.locks
    }

    /// The evaluator.
    #[must_use]
    pub fn authorizer(&self) -> &Authorizer {
        &self.authorizer
    }

    /// Whether a role definition exists.
    #[must_use]
    pub fn role_exists(&self, role: Uuid) -> bool {
        self.authorizer.has_role(role)
    }

    /// The id of a role as the list of roles shows it to whoever asks in a subscription, or above all of them: of a custom role its own, of a
    /// built-in role the one there. Clients join assignments with roles by it.
    #[must_use]
    pub fn role_id(&self, subscription: Option<&str>, role: Uuid) -> String {
        self.custom_roles.get(&role).cloned().unwrap_or_else(|| {
            let subscription = subscription.map(|s| format!("/subscriptions/{s}")).unwrap_or_default();
            format!("{subscription}/providers/Microsoft.Authorization/roleDefinitions/{role}")
        })
    }

    /// A user, group, service principal or user-assigned identity; those of clusters and machines are known to their records only.
    #[must_use]
    pub fn principal(&self, object_id: Uuid) -> Option<Principal> {
        self.principals.get(&object_id).copied()
    }

    /// Every principal of the directory, in no order.
    pub fn principals(&self) -> impl Iterator<Item = (Uuid, Principal)> {
        self.principals.iter().map(|(id, principal)| (*id, *principal))
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

    /// What the actor's roles give at a scope, each with its condition.
    #[must_use]
    pub fn permissions(&self, context: &OpContext, scope_key: &str) -> Vec<(Permission, Option<&str>)> {
        let groups = self.groups_of(context.actor.object_id);
        self.authorizer.permissions(&Subject::new(context.actor.object_id, &groups), scope_key)
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
        let mut own = self.authorizer.assignments_of(principal).iter();
        own.find(|a| a.id != name && a.role == role && *a.scope == *scope_key).map(|a| a.id)
    }

    /// How many assignments of a role at the root exist: the last Owner must not go.
    #[must_use]
    pub fn count_at_root(&self, role: Uuid) -> usize {
        let enabled = |a: &&RoleAssignment| a.role == role && self.is_enabled(a.principal);
        self.authorizer.assignments_at("/").filter(enabled).count()
    }

    /// Refuses an action that the actor's roles do not give. A condition that asks about the resource gives nothing here:
    /// the pipeline's [`Asked`](super::Asked) looks at it.
    ///
    /// # Errors
    /// `AuthorizationFailed` (403).
    pub fn require(&self, context: &OpContext, action: &str, scope_key: &str) -> Result<(), Error> {
        if context.actor.kind == ActorKind::System {
            return Ok(());
        }
        let decision = self.decide(
            context,
            Plane::Control,
            action,
            scope_key,
            &Facts { resource: Some(&Value::Null), ..Facts::default() },
        );
        match decision.allowed {
            true => Ok(()),
            false => Err(refused(context, action, scope_key, &decision.reason)),
        }
    }

    /// May the actor do it, as far as the facts tell? The moment and the kind of caller are filled in.
    #[must_use]
    pub fn decide(
        &self,
        context: &OpContext,
        plane: Plane,
        action: &str,
        scope_key: &str,
        facts: &Facts<'_>,
    ) -> Decision<'_> {
        let groups = self.groups_of(context.actor.object_id);
        let subject = Subject::new(context.actor.object_id, &groups);
        self.authorizer.decide(plane, &subject, action, scope_key, &with_caller(context, facts))
    }

    /// Whether any role is assigned to the actor above, at or beneath the scope.
    #[must_use]
    pub fn has_any_role(&self, context: &OpContext, scope_key: &str) -> bool {
        if context.actor.kind == ActorKind::System {
            return true;
        }
        let groups = self.groups_of(context.actor.object_id);
        self.authorizer.has_any_role(&Subject::new(context.actor.object_id, &groups), scope_key)
    }

    /// Where the actor may do the action; `None` means everywhere.
    #[must_use]
    pub fn scopes(&self, context: &OpContext, action: &str) -> Option<Arc<Mask>> {
        self.scopes_of(context, Plane::Control, action)
    }

    /// The same of an action of either plane.
    #[must_use]
    pub fn scopes_of(&self, context: &OpContext, plane: Plane, action: &str) -> Option<Arc<Mask>> {
        if context.actor.kind == ActorKind::System {
            return None;
        }
        let data = if plane == Plane::Data { "data:" } else { "" };
        let place = (context.actor.object_id, format!("{data}{action}"));
        let mut masks = self.masks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(mask) = masks.get(&place) {
            return Some(Arc::clone(mask));
        }
        let groups = self.groups_of(context.actor.object_id);
        let subject = Subject::new(context.actor.object_id, &groups);
        let mask = Arc::new(self.authorizer.mask(plane, &subject, action));
        if masks.len() >= MAX_MASKS {
            masks.clear();
        }
        masks.insert(place, Arc::clone(&mask));
        Some(mask)
    }

    /// Whether a row may be shown to the actor; `document` is read only when a condition asks about it.
    pub fn shows(&self, context: &OpContext, mask: &Mask, action: &str, key: &str, document: &str) -> bool {
        if mask.contains(key) {
            return true;
        }
        if !mask.asks(key) {
            return false;
        }
        let resource: Value = serde_json::from_str(document).unwrap_or_default();
        let facts = with_caller(context, &Facts { resource: Some(&resource), ..Facts::default() });
        let action = action.to_ascii_lowercase();
        let principal = context.actor.object_id;
        mask.allows(&Question { principal, action: &action, data: false, scope: key, facts: &facts })
    }

    /// The guards for commits that were admitted under this snapshot: none for a background task, which asked no role.
    #[must_use]
    pub fn guards(&self, context: &OpContext) -> Vec<Guard> {
        let asked = context.actor.kind != ActorKind::System;
        asked.then(|| Guard::Watermark { name: WATERMARK.to_owned(), at: self.at }).into_iter().collect()
    }
}

/// The refusal, with the reason for the log.
pub(super) fn refused(context: &OpContext, action: &str, scope_key: &str, reason: &Reason<'_>) -> Error {
    Error::forbidden(&context.actor.name, action, scope_key).with_context(reason)
}

fn with_caller<'a>(context: &OpContext, facts: &Facts<'a>) -> Facts<'a> {
    let principal_kind = match context.actor.kind {
        ActorKind::User => "User",
        ActorKind::ManagedIdentity => "ManagedServiceIdentity",
        _ => "ServicePrincipal",
    };
    Facts { now: Some(context.now), principal_kind: Some(principal_kind), ..*facts }
}

fn assignment(id: &str, document: &Value) -> Option<RoleAssignment> {
    let id: ResourceId = id.parse().ok()?;
    let properties = &document["properties"];
    Some(RoleAssignment {
        id: id.name().parse().ok()?,
        scope: id.parent()?.key().into(),
        principal: properties["principalId"].as_str()?.parse().ok()?,
        role: properties["roleDefinitionId"].as_str()?.rsplit('/').next()?.parse().ok()?,
        condition: properties["condition"].as_str().map(read_condition) as Option<Arc<dyn Condition>>,
    })
}

fn definition(id: &str, document: &Value) -> Option<RoleDefinition> {
    let properties = &document["properties"];
    Some(RoleDefinition {
        id: id.rsplit('/').next()?.parse().ok()?,
        name: properties["roleName"].as_str().unwrap_or_default().to_owned(),
        description: properties["description"].as_str().unwrap_or_default().to_owned(),
        permissions: serde_json::from_value(properties["permissions"].clone()).unwrap_or_default(),
        assignable_scopes: serde_json::from_value(properties["assignableScopes"].clone()).unwrap_or_default(),
        built_in: false,
    })
}

impl bowline_auth::Hierarchy for Hierarchy {
    fn above(&self, scope: &str) -> Vec<Arc<str>> {
        self.groups_above(scope).into_iter().map(Arc::from).collect()
    }

    fn below(&self, scope: &str) -> Vec<Arc<str>> {
        let group = scope == self.root() || self.group(scope).is_some();
        if group { Self::below(self, scope).into_iter().map(Arc::from).collect() } else { Vec::new() }
    }
}
