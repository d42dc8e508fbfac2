//! May they: Azure role definitions and assignments, and the question `check(subject, action, scope)`.
//!
//! An assignment gives a principal a role at a scope; it holds there and at everything beneath. A role allows an
//! action when one of its permissions lists it in `actions` and not in the same permission's `notActions`. Roles
//! add up: what one role leaves out, another may give; there is no deny. An assignment may carry a condition, decided behind a port
//! ([`Condition`]); a condition that cannot be decided gives nothing.
//!
//! # Design notes
//! An [`Authorizer`] is a snapshot: a copy takes one change in microseconds, whatever the number of assignments, because it shares all
//! but the part that changed. A check looks at the scopes from the asked one upwards, at most a dozen, and finds the subject's assignments there by
//! binary search. Scopes are lower-cased ARM ids, compared segment by segment: `/subscriptions/a` is no ancestor of `/subscriptions/ab`. Above a
//! subscription hang management groups, which only a [`Hierarchy`] knows. Patterns are compiled once.
//!
//! The built-in roles are Azure's, under Azure's ids, as data files in `builtin/`. One has more than Azure's:
//! Contributor also excludes writing users, groups, applications and service principals of `Microsoft.Bowline`. Azure
//! keeps principals in a directory beside ARM, out of a Contributor's reach; here they are resources, and a
//! Contributor who may set the administrator's password would be an Owner.

mod authorizer;
mod builtin;
mod condition;
mod decision;
mod mask;
mod pattern;
mod report;
mod role;
mod scope;
mod shards;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use authorizer::{Authorizer, Subject};
pub use builtin::{
    ARC_CLUSTER_USER, ARC_KUBERNETES_VIEWER, ARC_ONBOARDING, CONNECTED_MACHINE_ADMINISTRATOR,
    CONNECTED_MACHINE_ONBOARDING, CONTRIBUTOR, OWNER, READER, ROLE_ADMINISTRATOR, USER_ACCESS_ADMINISTRATOR,
    built_in_roles,
};
pub use condition::{Condition, Facts, Hierarchy, Question};
pub use decision::{Decision, Reason};
pub use mask::Mask;
pub use pattern::matches as pattern_matches;
pub use report::Link;
pub use role::Plane;
pub use scope::{ScopeSet, covers, normalise as normalise_scope};
pub use shards::Shards;

/// What a role allows, as ARM shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Permission {
    pub actions: Vec<String>,
    pub not_actions: Vec<String>,
    pub data_actions: Vec<String>,
    pub not_data_actions: Vec<String>,
}

/// A role: a name for a set of permissions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoleDefinition {
    pub id: Uuid,
    #[serde(rename = "roleName")]
    pub name: String,
    pub description: String,
    pub permissions: Vec<Permission>,
    pub assignable_scopes: Vec<String>,
    #[serde(default)]
    pub built_in: bool,
}

/// A role given to a principal at a scope.
#[derive(Debug, Clone)]
pub struct RoleAssignment {
    /// The name of the assignment's resource.
    pub id: Uuid,
    /// `/` for the tenant, else a management group, a subscription, a group or a resource; of any case.
    pub scope: Arc<str>,
    pub principal: Uuid,
    /// The id of the [`RoleDefinition`].
    pub role: Uuid,
    /// What must hold beside.
    pub condition: Option<Arc<dyn Condition>>,
}
