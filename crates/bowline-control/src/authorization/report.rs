//! Who can do this, and what can they do: each line with its chain of reasons, from the principal by way of groups to the assignment, its role, its scope and its condition.

use std::collections::{HashMap, VecDeque};

use bowline_auth::roles::{Link, Plane};
use bowline_auth::{Permission, Subject};
use uuid::Uuid;

use super::{PrincipalKind, Snapshot};

/// The most lines of one report.
pub const MAX_LINES: usize = 10_000;

/// One reason why somebody may do something.
#[derive(Clone, Debug)]
pub struct Line<'a> {
    /// Who may.
    pub principal: Uuid,
    /// What it is, as far as the directory knows.
    pub kind: Option<PrincipalKind>,
    /// Whether it can act at all.
    pub enabled: bool,
    /// The groups from the principal to the one that the role was given to; empty when it was given to the principal itself.
    pub path: Vec<Uuid>,
    /// The assignment's name.
    pub assignment: Uuid,
    /// Where it was made.
    pub scope: &'a str,
    /// The role.
    pub role: Uuid,
    /// What it is called.
    pub role_name: &'a str,
    /// The pattern of the role that gives the action, in a report about one action.
    pub permission: Option<&'a str>,
    /// What the role gives.
    pub permissions: &'a [Permission],
    /// What must hold beside.
    pub condition: Option<&'a str>,
}

impl Snapshot {
    /// What a principal's roles, its own and those of its groups, give at a scope; beneath it too when asked.
    #[must_use]
    pub fn what_can(&self, principal: Uuid, scope_key: &str, beneath: bool) -> Vec<Line<'_>> {
        let groups = self.groups_of(principal);
        let subject = Subject::new(principal, &groups);
        let links = self.authorizer().what_can(&subject, scope_key, beneath);
        links.iter().take(MAX_LINES).map(|link| self.line(principal, link)).collect()
    }

    /// Who may do an action at a scope: everybody that a role was given to, and every member of a group that it was given to.
    #[must_use]
    pub fn who_can(&self, plane: Plane, action: &str, scope_key: &str) -> Vec<Line<'_>> {
        let links = self.authorizer().who_can(plane, action, scope_key);
        let mut by_group: HashMap<Uuid, Vec<&Link<'_>>> = HashMap::new();
        let mut lines = Vec::new();
        for link in &links {
            lines.push(self.line(link.assignment.principal, link));
            if self.principal(link.assignment.principal).is_some_and(|p| p.kind == PrincipalKind::Group) {
                by_group.entry(link.assignment.principal).or_default().push(link);
            }
        }
        if !by_group.is_empty() {
            for (member, _) in self.principals() {
                for group in self.groups_of(member) {
                    let given = by_group.get(&group).into_iter().flatten();
                    lines.extend(given.map(|link| self.line(member, link)));
                }
            }
        }
        lines.truncate(MAX_LINES);
        lines.sort_by(|a, b| (a.principal, a.scope, a.role).cmp(&(b.principal, b.scope, b.role)));
        lines
    }

    fn line<'a>(&self, principal: Uuid, link: &Link<'a>) -> Line<'a> {
        let assignment = link.assignment;
        let known = self.principal(principal);
        Line {
            principal,
            kind: known.map(|p| p.kind),
            enabled: known.is_none_or(|p| p.enabled),
            path: self.path(principal, assignment.principal),
            assignment: assignment.id,
            scope: &assignment.scope,
            role: assignment.role,
            role_name: link.role_name,
            permission: link.permission,
            permissions: link.permissions,
            condition: assignment.condition.as_deref().map(|condition| condition.written()),
        }
    }

    /// The shortest way from a principal to a group that it is in, the group included.
    fn path(&self, principal: Uuid, group: Uuid) -> Vec<Uuid> {
        let mut from: HashMap<Uuid, Uuid> = HashMap::new();
        let mut wave = VecDeque::from([principal]);
        while let Some(at) = wave.pop_front() {
            if at == group {
                let mut path = vec![];
                let mut step = group;
                while step != principal {
                    path.push(step);
                    step = from[&step];
                }
                path.reverse();
                return path;
            }
            for above in self.membership().direct_groups_of(at) {
                if above != principal && !from.contains_key(&above) {
                    from.insert(above, at);
                    wave.push_back(above);
                }
            }
        }
        Vec::new()
    }
}
