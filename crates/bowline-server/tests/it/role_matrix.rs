//! Which built-in role gives which action, and where: every action of the registry of types, printed to `tests/output/role-matrix.txt`.
//!
//! The types come from the registry, so that a new one is in the matrix with the build that serves it; `UPDATE=1` writes the file.

use std::fmt::Write as _;

use bowline_auth::roles::{RoleDefinition, built_in_roles};
use bowline_auth::{Authorizer, RoleAssignment, Subject};
use bowline_control::registry::Registry;
use uuid::Uuid;

/// Where the role is assigned.
const SCOPE: &str = "/subscriptions/s/resourcegroups/g";
/// Where it holds.
const WITHIN: [&str; 2] =
    [SCOPE, "/subscriptions/s/resourcegroups/g/providers/microsoft.hybridcompute/machines/m"];
/// Where it does not.
const OUTSIDE: [&str; 4] =
    ["/", "/subscriptions/s", "/subscriptions/s/resourcegroups/g2", "/subscriptions/t/resourcegroups/g"];

/// Every action of every type that is served, in the order of `/providers`.
fn actions() -> Vec<String> {
    let mut all = Vec::new();
    for provider in Registry::default().all() {
        let spec = provider.spec();
        let verbs: &[&str] = if spec.writable { &["read", "write", "delete"] } else { &["read"] };
        all.extend(verbs.iter().map(|verb| spec.action_of(verb)));
        all.extend(provider.actions().iter().map(|name| spec.action_of(&format!("{name}/action"))));
    }
    all
}

/// `x` where the role gives the action at the scope of its assignment and below; it must give it nowhere else.
fn cell(role: &RoleDefinition, action: &str) -> char {
    let principal = Uuid::from_u128(1);
    let assignment =
        RoleAssignment { id: Uuid::nil(), scope: SCOPE.into(), principal, role: role.id, condition: None };
    let authorizer = Authorizer::new([role.clone()], [assignment]);
    let allowed = |scope: &str| authorizer.check(&Subject::new(principal, &[]), action, scope).allowed;
    let within = WITHIN.map(allowed);
    assert_eq!(within[0], within[1], "{}: {action} at the scope and below differ", role.name);
    for scope in OUTSIDE {
        assert!(!allowed(scope), "{}: {action} is given at {scope}, which is outside {SCOPE}", role.name);
    }
    if within[0] { 'x' } else { '.' }
}

#[test]
fn the_role_matrix_is_as_committed() {
    let roles = built_in_roles();
    let mut text = String::from(
        "Which built-in role gives which action: x at the scope of its assignment and below it, and nowhere above or beside it.\n\n",
    );
    for (number, role) in (1..).zip(roles) {
        let _ = writeln!(text, "{number}  {}", role.name);
    }
    let actions = actions();
    let width = actions.iter().map(String::len).max().unwrap_or_default();
    let _ = write!(text, "\n{:width$}", "action");
    (1..=roles.len()).for_each(|number| _ = write!(text, "  {number:2}"));
    text.push('\n');
    for action in &actions {
        let _ = write!(text, "{action:width$}");
        roles.iter().for_each(|role| _ = write!(text, "   {}", cell(role, action)));
        text.push('\n');
    }
    crate::blessed::check("role-matrix.txt", &text);
}
