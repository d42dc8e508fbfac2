//! Reports: what somebody can do, and who can do something, each with the chain of reasons.

use std::sync::Arc;

use uuid::Uuid;

use super::authorizer::{Authorizer, lowered, normalised};
use super::role::{Match, Plane};
use super::{Permission, RoleAssignment, Subject};

/// One link: an assignment, the role it gives and, for a question about one action, how that role answers.
#[derive(Debug, Clone)]
pub struct Link<'a> {
    /// The assignment: who (a person, an application or a group), where, under which condition.
    pub assignment: &'a Arc<RoleAssignment>,
    pub role_name: &'a str,
    pub permissions: &'a [Permission],
    /// The pattern that matched, as written.
    pub permission: Option<&'a str>,
}

impl Authorizer {
    /// The subject's assignments that hold at the scope; those beneath it too when `beneath` is set.
    pub fn what_can(&self, subject: &Subject<'_>, scope: &str, beneath: bool) -> Vec<Link<'_>> {
        let scope = normalised(scope);
        let mut found = Vec::new();
        self.each_grant(subject, &scope, &mut |grant| {
            found.extend(self.link(grant.assignment));
            true
        });
        if beneath {
            let known: Vec<(Arc<str>, Uuid)> =
                found.iter().map(|link| (Arc::clone(&link.assignment.scope), link.assignment.id)).collect();
            for principal in subject.principals() {
                for assignment in self.assignments_of(*principal) {
                    let own = (Arc::clone(&assignment.scope), assignment.id);
                    if !known.contains(&own) && self.lies_beneath(&assignment.scope, &scope) {
                        found.extend(self.link(assignment));
                    }
                }
            }
        }
        found
    }

    /// Who may do the action at the scope: every assignment whose role gives it there.
    pub fn who_can(&self, plane: Plane, action: &str, scope: &str) -> Vec<Link<'_>> {
        let (action, scope) = (lowered(action), normalised(scope));
        let mut found = Vec::new();
        self.each_grant_of_anybody(&scope, &mut |grant| {
            let Some(role) = grant.role else { return };
            if let Match::Allowed(permission) = role.find(plane, &action) {
                found.push(Link {
                    assignment: grant.assignment,
                    role_name: &role.name,
                    permissions: &role.permissions,
                    permission: Some(permission),
                });
            }
        });
        found
    }
}
