//! The snapshot that answers: definitions compiled, assignments indexed by principal and scope.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use uuid::Uuid;

use super::pattern::Pattern;
use super::scope::{ScopeSet, ancestors, covers, normalise};
use super::{Permission, RoleAssignment, RoleDefinition};

/// Who asks: a principal and the groups it is a member of.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    pub object_id: Uuid,
    pub groups: &'a [Uuid],
}

impl<'a> Subject<'a> {
    pub fn new(object_id: Uuid, groups: &'a [Uuid]) -> Self {
        Self { object_id, groups }
    }

    fn principals(&self) -> impl Iterator<Item = &Uuid> {
        std::iter::once(&self.object_id).chain(self.groups)
    }
}

/// The answer, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision<'a> {
    pub allowed: bool,
    pub reason: Reason<'a>,
}

/// Why an action is allowed or not. `Display` is a sentence for the person who asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason<'a> {
    /// Allowed by this assignment; `permission` is the pattern that matched, as written.
    Granted { assignment: Uuid, role: Uuid, role_name: &'a str, scope: &'a str, permission: &'a str },
    /// No assignment holds at this scope.
    NoAssignment,
    /// Roles hold here, but none has the action.
    NotInRoles { role_names: Vec<&'a str> },
    /// A role has the action, but excludes it again, and no other gives it.
    ExcludedBy { assignment: Uuid, role: Uuid, role_name: &'a str, scope: &'a str, not_action: &'a str },
}

impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Granted { role_name, scope, permission, .. } => {
                write!(f, "the role {role_name} at {scope} allows {permission}")
            }
            Self::NoAssignment => f.write_str("no role is assigned to the caller at this scope or above it"),
            Self::NotInRoles { role_names } => {
                write!(f, "none of the caller's roles at this scope has it ({})", role_names.join(", "))
            }
            Self::ExcludedBy { role_name, scope, not_action, .. } => {
                write!(f, "the role {role_name} at {scope} excludes {not_action}")
            }
        }
    }
}

/// Actions or data actions: the two halves of a permission.
#[derive(Clone, Copy)]
enum Plane {
    Control,
    Data,
}

struct Role {
    id: Uuid,
    name: String,
    permissions: Vec<Permission>,
    control: Vec<Rule>,
    data: Vec<Rule>,
}

/// One permission's half.
struct Rule {
    allow: Vec<Pattern>,
    except: Vec<Pattern>,
}

enum Match<'a> {
    Allowed(&'a str),
    Excluded(&'a str),
    None,
}

impl Role {
    fn compile(definition: RoleDefinition) -> Self {
        let rules = |allow: fn(&Permission) -> &Vec<String>, except: fn(&Permission) -> &Vec<String>| {
            let compile = |texts: &[String]| texts.iter().map(|text| Pattern::new(text)).collect();
            let rule = |p: &Permission| Rule { allow: compile(allow(p)), except: compile(except(p)) };
            definition.permissions.iter().map(rule).filter(|rule| !rule.allow.is_empty()).collect()
        };
        Self {
            id: definition.id,
            control: rules(|p| &p.actions, |p| &p.not_actions),
            data: rules(|p| &p.data_actions, |p| &p.not_data_actions),
            name: definition.name,
            permissions: definition.permissions,
        }
    }

    fn find(&self, plane: Plane, action: &str) -> Match<'_> {
        let rules = match plane {
            Plane::Control => &self.control,
            Plane::Data => &self.data,
        };
        let mut outcome = Match::None;
        for rule in rules {
            let Some(allow) = rule.allow.iter().find(|pattern| pattern.matches(action)) else { continue };
            match rule.except.iter().find(|pattern| pattern.matches(action)) {
                None => return Match::Allowed(allow.written()),
                Some(except) => outcome = Match::Excluded(except.written()),
            }
        }
        outcome
    }
}

/// A scope's number in this snapshot: comparing numbers is what keeps a member of many groups cheap.
type ScopeNumber = u32;

struct Grant {
    scope: ScopeNumber,
    assignment: Uuid,
    role: Arc<Role>,
}

/// An immutable snapshot of definitions and assignments.
#[derive(Default)]
pub struct Authorizer {
    scope_numbers: HashMap<Arc<str>, ScopeNumber>,
    /// By number.
    scopes: Vec<Arc<str>>,
    /// Each list sorted by scope.
    by_principal: HashMap<Uuid, Vec<Grant>>,
    unknown_roles: Vec<Uuid>,
}

impl fmt::Debug for Authorizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorizer").field("principals", &self.by_principal.len()).finish_non_exhaustive()
    }
}

impl Authorizer {
    pub fn new(
        definitions: impl IntoIterator<Item = RoleDefinition>,
        assignments: impl IntoIterator<Item = RoleAssignment>,
    ) -> Self {
        let roles: HashMap<Uuid, Arc<Role>> =
            definitions.into_iter().map(|d| (d.id, Arc::new(Role::compile(d)))).collect();
        let mut authorizer = Self::default();
        for assignment in assignments {
            let Some(role) = roles.get(&assignment.role) else {
                authorizer.unknown_roles.push(assignment.id);
                continue;
            };
            let scope = authorizer.number_scope(normalise(&assignment.scope));
            let grant = Grant { scope, assignment: assignment.id, role: Arc::clone(role) };
            authorizer.by_principal.entry(assignment.principal).or_default().push(grant);
        }
        for grants in authorizer.by_principal.values_mut() {
            grants.sort_by_key(|grant| grant.scope);
        }
        authorizer
    }

    fn number_scope(&mut self, scope: String) -> ScopeNumber {
        if let Some(&number) = self.scope_numbers.get(scope.as_str()) {
            return number;
        }
        let number = ScopeNumber::try_from(self.scopes.len()).expect("there are fewer than 2^32 assignments");
        let scope: Arc<str> = scope.into();
        self.scopes.push(Arc::clone(&scope));
        self.scope_numbers.insert(scope, number);
        number
    }

    /// Assignments that give nothing because their role does not exist; worth a warning in the log.
    pub fn assignments_of_unknown_roles(&self) -> &[Uuid] {
        &self.unknown_roles
    }

    /// May the subject do `action` (`Microsoft.X/type/verb`) at `scope`?
    pub fn check(&self, subject: &Subject<'_>, action: &str, scope: &str) -> Decision<'_> {
        self.decide(Plane::Control, subject, action, scope)
    }

    /// The same for a data action: what a resource holds, instead of the resource.
    pub fn check_data(&self, subject: &Subject<'_>, action: &str, scope: &str) -> Decision<'_> {
        self.decide(Plane::Data, subject, action, scope)
    }

    /// What the subject's roles give at the scope, as `…/providers/Microsoft.Authorization/permissions` shows it.
    pub fn permissions(&self, subject: &Subject<'_>, scope: &str) -> Vec<Permission> {
        let scope = normalised(scope);
        let mut permissions: Vec<Permission> = Vec::new();
        self.each_grant(subject, &scope, &mut |_, grant| {
            for permission in &grant.role.permissions {
                if !permissions.contains(permission) {
                    permissions.push(permission.clone());
                }
            }
            true
        });
        permissions
    }

    /// Where the subject may do `action`.
    pub fn readable_scopes(&self, subject: &Subject<'_>, action: &str) -> ScopeSet {
        self.scopes(Plane::Control, subject, action)
    }

    /// Where the subject may do the data action.
    pub fn readable_data_scopes(&self, subject: &Subject<'_>, action: &str) -> ScopeSet {
        self.scopes(Plane::Data, subject, action)
    }

    /// Whether any role is assigned above, at or beneath the scope: what makes a subscription appear in a list.
    pub fn has_any_role(&self, subject: &Subject<'_>, scope: &str) -> bool {
        let scope = normalised(scope);
        self.grants_of(subject).flatten().any(|grant| {
            let granted = self.scope_of(grant);
            covers(granted, &scope) || covers(&scope, granted)
        })
    }

    fn decide(&self, plane: Plane, subject: &Subject<'_>, action: &str, scope: &str) -> Decision<'_> {
        let (action, scope) = (lowered(action), normalised(scope));
        let mut granted = None;
        let mut excluded = None;
        let mut role_names: Vec<&str> = Vec::new();
        self.each_grant(subject, &scope, &mut |scope, grant| {
            let (assignment, role, role_name) = (grant.assignment, grant.role.id, grant.role.name.as_str());
            match grant.role.find(plane, &action) {
                Match::Allowed(permission) => {
                    granted = Some(Reason::Granted { assignment, role, role_name, scope, permission });
                    return false;
                }
                Match::Excluded(not_action) => {
                    excluded = Some(Reason::ExcludedBy { assignment, role, role_name, scope, not_action });
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
        let reason = granted.or(excluded).unwrap_or(neither);
        Decision { allowed, reason }
    }

    fn scopes(&self, plane: Plane, subject: &Subject<'_>, action: &str) -> ScopeSet {
        let action = lowered(action);
        let allows = |grant: &Grant| matches!(grant.role.find(plane, &action), Match::Allowed(_));
        let allowed = self.grants_of(subject).flatten().filter(|grant| allows(grant));
        ScopeSet::new(allowed.map(|grant| self.scope_of(grant)))
    }

    fn grants_of(&self, subject: &Subject<'_>) -> impl Iterator<Item = &Vec<Grant>> {
        subject.principals().filter_map(|principal| self.by_principal.get(principal))
    }

    fn scope_of(&self, grant: &Grant) -> &str {
        &self.scopes[grant.scope as usize]
    }

    /// Calls `visit` for each grant that holds at the scope, until it answers false: for each principal, the grants
    /// at the scope and at each ancestor that has any assignment at all.
    fn each_grant<'a>(
        &'a self,
        subject: &Subject<'_>,
        scope: &str,
        visit: &mut dyn FnMut(&'a str, &'a Grant) -> bool,
    ) {
        let holding: Vec<ScopeNumber> =
            ancestors(scope).filter_map(|ancestor| self.scope_numbers.get(ancestor).copied()).collect();
        if holding.is_empty() {
            return;
        }
        for grants in self.grants_of(subject) {
            for &number in &holding {
                let from = grants.partition_point(|grant| grant.scope < number);
                let here = grants[from..].iter().take_while(|grant| grant.scope == number);
                for grant in here {
                    if !visit(self.scope_of(grant), grant) {
                        return;
                    }
                }
            }
        }
    }
}

fn lowered(text: &str) -> Cow<'_, str> {
    match text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => text.to_ascii_lowercase().into(),
        false => text.into(),
    }
}

fn normalised(scope: &str) -> Cow<'_, str> {
    let clean = scope == "/" || (!scope.is_empty() && !scope.ends_with('/'));
    match clean {
        true => lowered(scope),
        false => normalise(scope).into(),
    }
}
