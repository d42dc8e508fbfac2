//! The snapshot that answers: definitions compiled, assignments indexed by scope and by principal.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use uuid::Uuid;

use super::condition::{Facts, Flat, Hierarchy, Question};
use super::decision::{Decision, Reason};
use super::mask::Mask;
use super::report::Link;
use super::role::{Match, Plane, Role};
use super::scope::{ancestors, covers, is_anchor, normalise};
use super::shards::Shards;
use super::{Permission, RoleAssignment, RoleDefinition};

/// Who asks: a principal and the groups it is a member of, directly and by way of others.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    pub object_id: Uuid,
    pub groups: &'a [Uuid],
}

impl<'a> Subject<'a> {
    pub fn new(object_id: Uuid, groups: &'a [Uuid]) -> Self {
        Self { object_id, groups }
    }

    pub(super) fn principals(&self) -> impl Iterator<Item = &Uuid> {
        std::iter::once(&self.object_id).chain(self.groups)
    }
}

/// The assignments at one scope, sorted by principal.
type AtScope = Vec<(Uuid, Arc<RoleAssignment>)>;

/// An immutable snapshot of definitions and assignments. A copy that takes a change shares the rest with what it was copied from.
#[derive(Clone)]
pub struct Authorizer {
    roles: Arc<HashMap<Uuid, Arc<Role>>>,
    by_scope: Shards<Arc<str>, Arc<AtScope>>,
    by_principal: Shards<Uuid, Arc<Vec<Arc<RoleAssignment>>>>,
    hierarchy: Arc<dyn Hierarchy>,
}

impl Default for Authorizer {
    fn default() -> Self {
        Self {
            roles: Arc::default(),
            by_scope: Shards::default(),
            by_principal: Shards::default(),
            hierarchy: Arc::new(Flat),
        }
    }
}

impl fmt::Debug for Authorizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorizer").field("roles", &self.roles.len()).finish_non_exhaustive()
    }
}

/// An assignment with the role it gives; none when that role does not exist.
#[derive(Clone, Copy)]
pub(super) struct Grant<'a> {
    pub(super) assignment: &'a Arc<RoleAssignment>,
    pub(super) role: Option<&'a Arc<Role>>,
}

impl Authorizer {
    pub fn new(
        definitions: impl IntoIterator<Item = RoleDefinition>,
        assignments: impl IntoIterator<Item = RoleAssignment>,
    ) -> Self {
        let mut authorizer = Self::default();
        definitions.into_iter().for_each(|definition| authorizer.define(definition));
        authorizer.load(assignments);
        authorizer
    }

    /// Takes many assignments at once, of which none is known.
    fn load(&mut self, assignments: impl IntoIterator<Item = RoleAssignment>) {
        for mut assignment in assignments {
            assignment.scope = normalise(&assignment.scope).into();
            let assignment = Arc::new(assignment);
            self.at_scope(&assignment.scope).push((assignment.principal, Arc::clone(&assignment)));
            Arc::make_mut(self.by_principal.entry(assignment.principal)).push(assignment);
        }
        let scopes: Vec<Arc<str>> = self.by_scope.iter().map(|(scope, _)| Arc::clone(scope)).collect();
        for scope in scopes {
            self.at_scope(&scope).sort_by_key(|(principal, _)| *principal);
        }
    }

    fn at_scope(&mut self, scope: &Arc<str>) -> &mut AtScope {
        Arc::make_mut(self.by_scope.entry(Arc::clone(scope)))
    }

    /// Adds a role, or replaces the one with this id.
    pub fn define(&mut self, definition: RoleDefinition) {
        let role = Arc::new(Role::compile(definition));
        Arc::make_mut(&mut self.roles).insert(role.id, role);
    }

    /// Forgets a role: its assignments give nothing.
    pub fn undefine(&mut self, role: Uuid) {
        Arc::make_mut(&mut self.roles).remove(&role);
    }

    /// Adds an assignment, or replaces the one with this scope and id.
    pub fn assign(&mut self, mut assignment: RoleAssignment) {
        assignment.scope = normalise(&assignment.scope).into();
        self.unassign(&assignment.scope, assignment.id);
        let assignment = Arc::new(assignment);
        let grants = self.at_scope(&assignment.scope);
        let at = grants.partition_point(|(principal, _)| *principal <= assignment.principal);
        grants.insert(at, (assignment.principal, Arc::clone(&assignment)));
        Arc::make_mut(self.by_principal.entry(assignment.principal)).push(assignment);
    }

    /// Forgets an assignment.
    pub fn unassign(&mut self, scope: &str, id: Uuid) {
        let scope = normalised(scope);
        let Some(at) = self.by_scope.get(&*scope) else { return };
        let Some(place) = at.iter().position(|(_, assignment)| assignment.id == id) else { return };
        let last = at.len() == 1;
        let principal = at[place].0;
        if last {
            self.by_scope.remove(&*scope);
        } else if let Some(at) = self.by_scope.get_mut(&*scope) {
            Arc::make_mut(at).remove(place);
        }
        if let Some(own) = self.by_principal.get_mut(&principal) {
            let own = Arc::make_mut(own);
            own.retain(|assignment| assignment.id != id || *assignment.scope != *scope);
            if own.is_empty() {
                self.by_principal.remove(&principal);
            }
        }
    }

    /// Replaces what hangs above subscriptions.
    pub fn set_hierarchy(&mut self, hierarchy: Arc<dyn Hierarchy>) {
        self.hierarchy = hierarchy;
    }

    /// The assignments of a principal itself, not of its groups.
    pub fn assignments_of(&self, principal: Uuid) -> &[Arc<RoleAssignment>] {
        self.by_principal.get(&principal).map_or(&[], |own| own)
    }

    /// The assignments made at a scope.
    pub fn assignments_at(&self, scope: &str) -> impl Iterator<Item = &RoleAssignment> {
        let at = self.by_scope.get(&*normalised(scope));
        at.into_iter().flat_map(|at| at.iter().map(|(_, assignment)| &**assignment))
    }

    /// Every assignment, in no order.
    pub fn assignments(&self) -> impl Iterator<Item = &Arc<RoleAssignment>> {
        self.by_principal.iter().flat_map(|(_, own)| own.iter())
    }

    /// Whether a role exists.
    pub fn has_role(&self, role: Uuid) -> bool {
        self.roles.contains_key(&role)
    }

    /// The role of this name, in any case.
    pub fn role_named(&self, name: &str) -> Option<Uuid> {
        self.roles.values().find(|role| role.name.eq_ignore_ascii_case(name)).map(|role| role.id)
    }

    /// Where a role can be assigned.
    pub fn assignable_scopes(&self, role: Uuid) -> &[String] {
        self.roles.get(&role).map_or(&[], |role| &role.assignable_scopes)
    }

    /// Whether anybody has the role.
    pub fn is_assigned(&self, role: Uuid) -> bool {
        self.assignments().any(|assignment| assignment.role == role)
    }

    /// The name of a role.
    pub fn role_name(&self, role: Uuid) -> Option<&str> {
        self.roles.get(&role).map(|role| role.name.as_str())
    }

    /// May the subject do `action` (`Microsoft.X/type/verb`) at `scope`? Conditions see no facts.
    pub fn check(&self, subject: &Subject<'_>, action: &str, scope: &str) -> Decision<'_> {
        self.decide(Plane::Control, subject, action, scope, &Facts::default())
    }

    /// The same for a data action: what a resource holds, instead of the resource.
    pub fn check_data(&self, subject: &Subject<'_>, action: &str, scope: &str) -> Decision<'_> {
        self.decide(Plane::Data, subject, action, scope, &Facts::default())
    }

    /// May the subject do it, as far as the facts tell?
    pub fn decide(
        &self,
        plane: Plane,
        subject: &Subject<'_>,
        action: &str,
        scope: &str,
        facts: &Facts<'_>,
    ) -> Decision<'_> {
        let (action, scope) = (lowered(action), normalised(scope));
        let data = plane == Plane::Data;
        let question = Question { principal: subject.object_id, action: &action, data, scope: &scope, facts };
        let mut granted = None;
        let mut unmet = None;
        let mut excluded = None;
        let mut role_names: Vec<&str> = Vec::new();
        self.each_grant(subject, &scope, &mut |grant| {
            let Some(role) = grant.role else { return true };
            let assignment = &**grant.assignment;
            let (id, role_name, scope) = (assignment.id, role.name.as_str(), &*assignment.scope);
            match role.find(plane, &action) {
                Match::Allowed(permission) => match refusal(assignment, role_name, &question) {
                    None => {
                        let role = role.id;
                        granted =
                            Some(Reason::Granted { assignment: id, role, role_name, scope, permission });
                        return false;
                    }
                    Some(reason) if unmet != Some(Reason::AsksResource) => unmet = Some(reason),
                    Some(_) => {}
                },
                Match::Excluded(not_action) => {
                    excluded = Some(Reason::ExcludedBy {
                        assignment: id,
                        role: role.id,
                        role_name,
                        scope,
                        not_action,
                    });
                }
                Match::None if !role_names.contains(&role_name) => role_names.push(role_name),
                Match::None => {}
            }
            true
        });
        let allowed = granted.is_some();
        let neither = match role_names.is_empty() {
            true => Reason::NoAssignment,
            false => Reason::NotInRoles { role_names },
        };
        let reason = granted.or(unmet).or(excluded).unwrap_or(neither);
        Decision { allowed, reason }
    }

    /// What the subject's roles give at the scope, as `…/providers/Microsoft.Authorization/permissions` shows it, each with its condition.
    pub fn permissions(&self, subject: &Subject<'_>, scope: &str) -> Vec<(Permission, Option<&str>)> {
        let scope = normalised(scope);
        let mut permissions: Vec<(Permission, Option<&str>)> = Vec::new();
        self.each_grant(subject, &scope, &mut |grant| {
            let condition = grant.assignment.condition.as_deref().map(|c| c.written());
            for permission in grant.role.iter().flat_map(|role| &role.permissions) {
                if !permissions.iter().any(|(p, c)| p == permission && *c == condition) {
                    permissions.push((permission.clone(), condition));
                }
            }
            true
        });
        permissions
    }

    /// Where the subject may do `action`.
    pub fn mask(&self, plane: Plane, subject: &Subject<'_>, action: &str) -> Mask {
        let action = lowered(action);
        let mut always: Vec<Arc<str>> = Vec::new();
        let mut conditional = Vec::new();
        for principal in subject.principals() {
            for assignment in self.assignments_of(*principal) {
                let role = self.roles.get(&assignment.role);
                if !role.is_some_and(|role| matches!(role.find(plane, &action), Match::Allowed(_))) {
                    continue;
                }
                let below = self.hierarchy.below(&assignment.scope);
                let scopes = std::iter::once(Arc::clone(&assignment.scope)).chain(below);
                match &assignment.condition {
                    None => always.extend(scopes),
                    Some(condition) => conditional.extend(scopes.map(|scope| (scope, Arc::clone(condition)))),
                }
            }
        }
        Mask::new(always.iter().map(|scope| &**scope), conditional)
    }

    /// Whether any role is assigned above, at or beneath the scope: what makes a subscription appear in a list.
    pub fn has_any_role(&self, subject: &Subject<'_>, scope: &str) -> bool {
        let scope = normalised(scope);
        let mut any = false;
        self.each_grant(subject, &scope, &mut |grant| {
            any = grant.role.is_some();
            !any
        });
        any || subject
            .principals()
            .flat_map(|principal| self.assignments_of(*principal))
            .any(|assignment| self.has_role(assignment.role) && self.lies_beneath(&assignment.scope, &scope))
    }

    /// Calls `visit` for each grant of the subject that holds at the normalised scope, nearest first, until it answers false.
    pub(super) fn each_grant<'a>(
        &'a self,
        subject: &Subject<'_>,
        scope: &str,
        visit: &mut dyn FnMut(Grant<'a>) -> bool,
    ) {
        self.each_scope(scope, &mut |at| {
            for principal in subject.principals() {
                let from = at.partition_point(|(other, _)| other < principal);
                for (_, assignment) in at[from..].iter().take_while(|(other, _)| other == principal) {
                    if !visit(Grant { assignment, role: self.roles.get(&assignment.role) }) {
                        return false;
                    }
                }
            }
            true
        });
    }

    /// Calls `visit` for each grant of anybody that holds at the normalised scope, nearest first.
    pub(super) fn each_grant_of_anybody<'a>(&'a self, scope: &str, visit: &mut dyn FnMut(Grant<'a>)) {
        self.each_scope(scope, &mut |at| {
            for (_, assignment) in at {
                visit(Grant { assignment, role: self.roles.get(&assignment.role) });
            }
            true
        });
    }

    /// The scope itself, what its path lies in, the management groups above that, the root: those at which anything is assigned.
    fn each_scope<'a>(&'a self, scope: &str, visit: &mut dyn FnMut(&'a AtScope) -> bool) {
        let mut at = |scope: &str| self.by_scope.get(scope).is_none_or(|at| visit(at));
        for ancestor in ancestors(scope) {
            if !at(ancestor) {
                return;
            }
            if is_anchor(ancestor) {
                let above = self.hierarchy.above(ancestor);
                let _ = above.iter().all(|scope| at(scope)) && at("/");
                return;
            }
        }
    }

    /// The assignment with its role, unless that does not exist.
    pub(super) fn link<'a>(&'a self, assignment: &'a Arc<RoleAssignment>) -> Option<Link<'a>> {
        let role = self.roles.get(&assignment.role)?;
        Some(Link { assignment, role_name: &role.name, permissions: &role.permissions, permission: None })
    }

    /// Whether a normalised scope lies beneath another, in its path or by way of management groups.
    pub(super) fn lies_beneath(&self, scope: &str, above: &str) -> bool {
        covers(above, scope) || self.hierarchy.below(above).iter().any(|below| covers(below, scope))
    }
}

/// Why the assignment's condition gives nothing; none when there is no condition or it holds.
fn refusal<'a>(
    assignment: &'a RoleAssignment,
    role_name: &'a str,
    question: &Question<'_>,
) -> Option<Reason<'a>> {
    let condition = assignment.condition.as_deref()?;
    if condition.asks_resource() && question.facts.resource.is_none() {
        return Some(Reason::AsksResource);
    }
    let holds = condition.holds(question);
    (holds != Some(true)).then(|| Reason::Condition {
        assignment: assignment.id,
        role_name,
        scope: &assignment.scope,
        condition: condition.written(),
        decided: holds.is_some(),
    })
}

pub(super) fn lowered(text: &str) -> Cow<'_, str> {
    match text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => text.to_ascii_lowercase().into(),
        false => text.into(),
    }
}

pub(super) fn normalised(scope: &str) -> Cow<'_, str> {
    let clean = scope == "/" || (!scope.is_empty() && !scope.ends_with('/'));
    match clean {
        true => lowered(scope),
        false => normalise(scope).into(),
    }
}
