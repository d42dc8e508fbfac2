//! Roles: patterns, scopes, and what assignments give.

use std::sync::Arc;

use bowline_auth::roles::{self, built_in_roles, covers, normalise_scope, pattern_matches};
use bowline_auth::{
    Authorizer, Hierarchy, Permission, Plane, Reason, RoleAssignment, RoleDefinition, ScopeSet, Subject,
};
use serde::Deserialize;
use uuid::Uuid;

use crate::{cases, variant};

#[derive(Deserialize)]
struct PatternCase {
    pattern: String,
    matches: Vec<String>,
    differs: Vec<String>,
}

#[test]
fn patterns_match_as_written() {
    for case in cases::<PatternCase>(include_str!("../cases/patterns.json")) {
        for action in &case.matches {
            assert!(pattern_matches(&case.pattern, action), "{} must match {action}", case.pattern);
        }
        for action in &case.differs {
            assert!(!pattern_matches(&case.pattern, action), "{} must not match {action}", case.pattern);
        }
    }
}

/// The plainest matcher there is, to compare with.
fn matches_plainly(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => (0..=text.len()).any(|skip| matches_plainly(rest, &text[skip..])),
        (Some((p, pattern)), Some((t, text))) => p == t && matches_plainly(pattern, text),
        _ => false,
    }
}

/// Every text over the alphabet with at most `length` characters.
fn every_text(alphabet: &str, length: usize) -> Vec<String> {
    let mut texts = vec![String::new()];
    let mut from = 0;
    for _ in 0..length {
        let until = texts.len();
        for i in from..until {
            texts.extend(alphabet.chars().map(|c| format!("{}{c}", texts[i])).collect::<Vec<_>>());
        }
        from = until;
    }
    texts
}

#[test]
fn every_short_pattern_matches_as_the_plainest_matcher_says() {
    let texts = every_text("ab", 5);
    for pattern in every_text("ab*", 5) {
        for text in &texts {
            let expected = matches_plainly(pattern.as_bytes(), text.as_bytes());
            assert_eq!(pattern_matches(&pattern, text), expected, "{pattern} and {text}");
        }
    }
}

#[derive(Deserialize)]
struct ScopeCase {
    ancestor: String,
    scope: String,
    covers: bool,
}

#[test]
fn scopes_hold_beneath_themselves_by_segment() {
    for case in cases::<ScopeCase>(include_str!("../cases/scopes.json")) {
        let (ancestor, scope) = (normalise_scope(&case.ancestor), normalise_scope(&case.scope));
        assert_eq!(covers(&ancestor, &scope), case.covers, "{ancestor} over {scope}");
        let set = ScopeSet::new([ancestor.as_str()]);
        assert_eq!(set.contains(&scope), case.covers, "the set of {ancestor} contains {scope}");
    }
}

#[derive(Deserialize)]
struct RoleCase {
    name: String,
    /// `principal role scope`; principals and custom roles are numbers, built-in roles their names.
    assignments: Vec<String>,
    #[serde(default)]
    roles: Vec<CustomRole>,
    #[serde(default)]
    groups: Vec<u128>,
    checks: Vec<Check>,
}

#[derive(Deserialize)]
struct CustomRole {
    id: u128,
    permissions: Vec<Permission>,
}

#[derive(Deserialize)]
struct Check {
    #[serde(default)]
    action: String,
    #[serde(default)]
    data: String,
    scope: String,
    /// The reason's variant, with the pattern that matched after a colon.
    expect: String,
}

fn role_id(name: &str) -> Uuid {
    let built_in = built_in_roles().iter().find(|role| role.name.replace(' ', "") == name);
    built_in.map_or_else(|| Uuid::from_u128(name.parse().expect("a role")), |role| role.id)
}

fn authorizer(case: &RoleCase) -> Authorizer {
    let custom = case.roles.iter().map(|role| RoleDefinition {
        id: Uuid::from_u128(role.id),
        name: format!("custom {}", role.id),
        description: String::new(),
        permissions: role.permissions.clone(),
        assignable_scopes: vec!["/".into()],
        built_in: false,
    });
    let assignments = case.assignments.iter().enumerate().map(|(i, text)| {
        let [principal, role, scope] = text.split(' ').collect::<Vec<_>>()[..] else { panic!("{text}") };
        RoleAssignment {
            id: Uuid::from_u128(i as u128),
            scope: scope.into(),
            principal: Uuid::from_u128(principal.parse().expect("a principal")),
            role: role_id(role),
            condition: None,
        }
    });
    Authorizer::new(built_in_roles().iter().cloned().chain(custom), assignments)
}

fn told(reason: &Reason<'_>) -> String {
    match reason {
        Reason::Granted { permission, .. } => format!("Granted: {permission}"),
        Reason::ExcludedBy { not_action, .. } => format!("ExcludedBy: {not_action}"),
        other => variant(other),
    }
}

#[test]
fn assignments_give_what_is_written() {
    let mut failures = Vec::new();
    for case in cases::<RoleCase>(include_str!("../cases/roles.json")) {
        let authorizer = authorizer(&case);
        let groups: Vec<Uuid> = case.groups.iter().map(|group| Uuid::from_u128(*group)).collect();
        let subject = Subject::new(Uuid::from_u128(1), &groups);
        for check in &case.checks {
            let decision = match check.data.is_empty() {
                true => authorizer.check(&subject, &check.action, &check.scope),
                false => authorizer.check_data(&subject, &check.data, &check.scope),
            };
            let found = told(&decision.reason);
            let what = format!("{}: {}{} at {}", case.name, check.action, check.data, check.scope);
            if found != check.expect || decision.allowed != check.expect.starts_with("Granted") {
                failures.push(format!("{what}: expected {}, got {found}", check.expect));
            }
            let mask = match check.data.is_empty() {
                true => authorizer.mask(Plane::Control, &subject, &check.action),
                false => authorizer.mask(Plane::Data, &subject, &check.data),
            };
            if mask.contains(&normalise_scope(&check.scope)) != decision.allowed {
                failures.push(format!("{what}: the mask of LIST and the check differ ({mask:?})"));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn an_assignment_at_many_scopes_is_found_as_in_a_scan() {
    let group = |i: u128| format!("/subscriptions/s/resourceGroups/g{i}");
    let assignments = (0..500).map(|i| RoleAssignment {
        id: Uuid::from_u128(i),
        scope: group(i).into(),
        principal: Uuid::from_u128(1),
        role: roles::READER,
        condition: None,
    });
    let authorizer = Authorizer::new(built_in_roles().to_vec(), assignments);
    let subject = Subject::new(Uuid::from_u128(1), &[]);
    for i in [0, 250, 499] {
        let scope = format!("{}/providers/Microsoft.X/y/z", group(i));
        assert!(authorizer.check(&subject, "Microsoft.X/y/read", &scope).allowed);
    }
    assert!(!authorizer.check(&subject, "Microsoft.X/y/read", &group(500)).allowed);
    assert!(!authorizer.check(&subject, "Microsoft.X/y/read", "/subscriptions/s").allowed);
    let mask = authorizer.mask(Plane::Control, &subject, "Microsoft.X/y/read");
    assert_eq!(mask.scopes().roots().len(), 500);
    assert!(mask.reaches("/subscriptions/s") && !mask.contains("/subscriptions/s"));
    assert!(!mask.reaches("/subscriptions/t"));
}

/// One management group with one subscription below it.
struct Plants;

impl Hierarchy for Plants {
    fn above(&self, scope: &str) -> Vec<Arc<str>> {
        let below = scope == "/subscriptions/s1";
        if below {
            vec!["/providers/microsoft.management/managementgroups/plants".into()]
        } else {
            Vec::new()
        }
    }

    fn below(&self, scope: &str) -> Vec<Arc<str>> {
        let group = scope == "/providers/microsoft.management/managementgroups/plants";
        if group { vec!["/subscriptions/s1".into()] } else { Vec::new() }
    }
}

#[test]
fn a_role_at_a_management_group_holds_in_the_subscriptions_below_it() {
    let scope = "/providers/Microsoft.Management/managementGroups/Plants";
    let assignment = RoleAssignment {
        id: Uuid::from_u128(9),
        scope: scope.into(),
        principal: Uuid::from_u128(1),
        role: roles::READER,
        condition: None,
    };
    let mut authorizer = Authorizer::new(built_in_roles().to_vec(), [assignment]);
    let subject = Subject::new(Uuid::from_u128(1), &[]);
    let resource = "/subscriptions/S1/resourceGroups/g/providers/Microsoft.X/y/z";
    assert!(!authorizer.check(&subject, "Microsoft.X/y/read", resource).allowed);
    authorizer.set_hierarchy(Arc::new(Plants));
    assert!(authorizer.check(&subject, "Microsoft.X/y/read", resource).allowed);
    assert!(!authorizer.check(&subject, "Microsoft.X/y/read", "/subscriptions/s2").allowed);
    assert!(!authorizer.check(&subject, "Microsoft.X/y/read", "/").allowed);
    let mask = authorizer.mask(Plane::Control, &subject, "Microsoft.X/y/read");
    assert!(mask.contains("/subscriptions/s1/resourcegroups/g") && !mask.contains("/subscriptions/s2"));
    assert!(authorizer.has_any_role(&subject, "/subscriptions/s1"));
    let on_group = format!("{}/providers/x.y/z/a", normalise_scope(scope));
    assert!(authorizer.check(&subject, "x.y/z/read", &on_group).allowed);
}

#[test]
fn a_snapshot_that_took_changes_answers_like_one_that_was_made_new() {
    let mut state = 7_u64;
    let mut next = move |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let scopes: Vec<Arc<str>> = (0..12)
        .map(|i| match i % 3 {
            0 => "/".into(),
            1 => format!("/subscriptions/s{i}").into(),
            _ => format!("/subscriptions/s{}/resourcegroups/g{i}", i - 1).into(),
        })
        .collect();
    let (mut kept, mut changed) =
        (Vec::<RoleAssignment>::new(), Authorizer::new(built_in_roles().to_vec(), []));
    for step in 0..600 {
        if next(3) == 0 && !kept.is_empty() {
            let gone = kept.swap_remove(usize::try_from(next(kept.len() as u64)).unwrap());
            changed.unassign(&gone.scope, gone.id);
        } else {
            let assignment = RoleAssignment {
                id: Uuid::from_u128(step),
                scope: Arc::clone(&scopes[usize::try_from(next(12)).unwrap()]),
                principal: Uuid::from_u128(u128::from(next(6))),
                role: [roles::READER, roles::CONTRIBUTOR, roles::OWNER][usize::try_from(next(3)).unwrap()],
                condition: None,
            };
            kept.push(assignment.clone());
            changed = changed.clone();
            changed.assign(assignment);
        }
        if step % 20 != 0 {
            continue;
        }
        let fresh = Authorizer::new(built_in_roles().to_vec(), kept.clone());
        for principal in 0..6 {
            let subject = Subject::new(Uuid::from_u128(principal), &[]);
            for action in ["a/b/read", "a/b/write", "Microsoft.Authorization/roleAssignments/write"] {
                for scope in &scopes {
                    let (left, right) =
                        (changed.check(&subject, action, scope), fresh.check(&subject, action, scope));
                    assert_eq!(left.allowed, right.allowed, "step {step}: {principal} {action} {scope}");
                }
                let masks =
                    [&changed, &fresh].map(|a| a.mask(Plane::Control, &subject, action).scopes().clone());
                assert_eq!(masks[0], masks[1]);
            }
        }
        assert_eq!(changed.assignments().count(), kept.len());
    }
}

#[test]
fn a_mask_keeps_the_topmost_scopes() {
    let set = ScopeSet::new(["/a/b", "/a/b/c", "/a/b-2", "/x", "/a/b"]);
    assert_eq!(set.roots(), ["/a/b", "/a/b-2", "/x"]);
    assert!(set.contains("/a/b/c/d") && !set.contains("/a") && !set.contains("/a/b-3"));
    assert!(set.reaches("/a") && !set.reaches("/y") && !set.is_everything());
    assert!(ScopeSet::new(["/a", "/"]).is_everything());
    assert!(ScopeSet::default().is_empty() && !ScopeSet::default().reaches("/"));
}

#[test]
fn permissions_and_the_list_of_subscriptions_follow_the_assignments() {
    let reader = |principal, scope: &str| RoleAssignment {
        id: Uuid::from_u128(9),
        scope: scope.into(),
        principal: Uuid::from_u128(principal),
        role: roles::READER,
        condition: None,
    };
    let unknown = RoleAssignment { id: Uuid::from_u128(8), role: Uuid::from_u128(404), ..reader(1, "/") };
    let scope = "/subscriptions/A/resourceGroups/G";
    let authorizer =
        Authorizer::new(built_in_roles().to_vec(), [reader(1, scope), reader(2, scope), unknown]);
    let groups = [Uuid::from_u128(2)];
    let subject = Subject::new(Uuid::from_u128(1), &groups);
    assert!(authorizer.has_any_role(&subject, "/subscriptions/a"), "a role beneath makes it visible");
    assert!(authorizer.has_any_role(&subject, "/subscriptions/a/resourcegroups/g/providers/x/y/z"));
    assert!(!authorizer.has_any_role(&subject, "/subscriptions/b"));
    let permissions = authorizer.permissions(&subject, scope);
    assert_eq!(permissions.len(), 1, "the same permission by two ways is shown once");
    assert_eq!((&permissions[0].0.actions[..], permissions[0].1), (&["*/read".to_owned()][..], None));
    assert!(authorizer.permissions(&subject, "/subscriptions/a").is_empty());
    assert_eq!(
        authorizer.assignments().count(),
        3,
        "an assignment of a role that is gone is kept and gives nothing"
    );
}

#[test]
fn reasons_are_sentences() {
    let assignment = RoleAssignment {
        id: Uuid::from_u128(1),
        scope: "/subscriptions/A".into(),
        principal: Uuid::from_u128(1),
        role: roles::CONTRIBUTOR,
        condition: None,
    };
    let authorizer = Authorizer::new(built_in_roles().to_vec(), [assignment]);
    let subject = Subject::new(Uuid::from_u128(1), &[]);
    let say = |action, scope| authorizer.check(&subject, action, scope).reason.to_string();
    assert_eq!(say("A/b/read", "/subscriptions/a"), "the role Contributor at /subscriptions/a allows *");
    assert_eq!(
        say("Microsoft.Authorization/roleAssignments/write", "/subscriptions/a"),
        "the role Contributor at /subscriptions/a excludes Microsoft.Authorization/*/Write"
    );
    assert_eq!(say("A/b/read", "/"), "no role is assigned to the caller at this scope or above it");
}

#[test]
fn built_in_roles_have_azures_ids_and_names() {
    let expected = [
        (roles::OWNER, "Owner"),
        (roles::CONTRIBUTOR, "Contributor"),
        (roles::READER, "Reader"),
        (roles::USER_ACCESS_ADMINISTRATOR, "User Access Administrator"),
        (roles::ARC_ONBOARDING, "Kubernetes Cluster - Azure Arc Onboarding"),
        (roles::CONNECTED_MACHINE_ONBOARDING, "Azure Connected Machine Onboarding"),
        (roles::CONNECTED_MACHINE_ADMINISTRATOR, "Azure Connected Machine Resource Administrator"),
        (roles::ARC_KUBERNETES_VIEWER, "Azure Arc Kubernetes Viewer"),
        (roles::ARC_CLUSTER_USER, "Azure Arc Enabled Kubernetes Cluster User Role"),
    ];
    let found: Vec<(Uuid, String)> =
        built_in_roles().iter().map(|role| (role.id, role.name.clone())).collect();
    for ((id, name), (found_id, found_name)) in expected.iter().zip(&found) {
        assert_eq!((id, *name), (found_id, found_name.as_str()));
    }
    assert!(built_in_roles().iter().all(|role| role.built_in && role.assignable_scopes == ["/"]));
}
