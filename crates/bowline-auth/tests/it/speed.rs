//! What a check costs. Prints figures (`cargo test -p bowline-auth --test it speed -- --nocapture`); the limits are
//! those of an unoptimised build on a busy machine, so that only a change of magnitude fails.
#![expect(clippy::disallowed_methods, reason = "measures time")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use bowline_auth::keys::{KeySet, RotationRule, SigningKey};
use bowline_auth::roles::{self, built_in_roles};
use bowline_auth::token::{IdentityType, Issuer, Principal};
use bowline_auth::{
    AccessClaims, Authorizer, Expected, RoleAssignment, Subject, TokenCache, verify_access_token,
};
use jiff::SignedDuration;
use uuid::Uuid;

use crate::now;

/// The best of many short rounds: what the code costs, without what else the machine did.
fn measure(what: &str, rounds: u32, mut work: impl FnMut()) -> Duration {
    let rounds = (rounds / 10).max(1);
    let round = |work: &mut dyn FnMut()| {
        let start = Instant::now();
        (0..rounds).for_each(|_| work());
        start.elapsed() / rounds
    };
    let best = (0..50).map(|_| round(&mut work)).min().unwrap_or_default();
    println!("{what:60} {:>10} ns", best.as_nanos());
    best
}

#[test]
fn authorization_is_cheap() {
    let scope = |i: u128| format!("/subscriptions/s/resourceGroups/g{i}");
    let assign = |id: u128, principal: u128, scope: String, role| RoleAssignment {
        id: Uuid::from_u128(id),
        scope: scope.into(),
        principal: Uuid::from_u128(principal),
        role,
        condition: None,
    };
    let mut assignments: Vec<RoleAssignment> =
        (0..10_000).map(|i| assign(i, i % 1000, scope(i), roles::READER)).collect();
    assignments.extend((0..300).map(|i| assign(i, 5000, scope(i), roles::CONTRIBUTOR)));
    assignments.push(assign(1, 6000, "/".into(), roles::OWNER));
    let start = Instant::now();
    let authorizer = Authorizer::new(built_in_roles().to_vec(), assignments);
    println!("{:60} {:>10} ns", "build a snapshot of 10,301 assignments", start.elapsed().as_nanos());

    let groups: Vec<Uuid> = (0..50).map(|i| Uuid::from_u128(i * 7)).collect();
    let machine = "/subscriptions/s/resourcegroups/g299/providers/microsoft.hybridcompute/machines/m1";
    let action = "Microsoft.HybridCompute/machines/write";
    let mut worst = Duration::ZERO;
    let mut check = |what: &str, principal: u128, groups: &[Uuid], allowed: bool| {
        let subject = Subject::new(Uuid::from_u128(principal), groups);
        assert_eq!(authorizer.check(&subject, action, machine).allowed, allowed, "{what}");
        let took = measure(what, 2000, || {
            black_box(authorizer.check(black_box(&subject), action, machine));
        });
        worst = worst.max(took);
    };
    check("check: owner of the tenant", 6000, &[], true);
    check("check: contributor at 300 groups", 5000, &[], true);
    check("check: member of 50 groups with 10 roles each, refused", 3, &groups, false);
    check("check: nobody", 9999, &[], false);
    assert!(worst < Duration::from_millis(2), "{worst:?}");
}

/// 10, 1,000 and 100,000 assignments: a check and a change must not cost more because there are more.
#[test]
fn authorization_costs_the_same_at_any_number_of_assignments() {
    let scope = |i: u128| format!("/subscriptions/s/resourceGroups/g{i}");
    let groups: Vec<Uuid> = (0..20).map(Uuid::from_u128).collect();
    let mut found = Vec::new();
    for count in [10_u128, 1_000, 100_000] {
        let assignments = (0..count).map(|i| RoleAssignment {
            id: Uuid::from_u128(i),
            scope: scope(i % 5000).into(),
            principal: Uuid::from_u128(1_000 + i % 1000),
            role: roles::READER,
            condition: None,
        });
        let authorizer = Authorizer::new(built_in_roles().to_vec(), assignments);
        let subject = Subject::new(Uuid::from_u128(1_003), &groups);
        let machine = "/subscriptions/s/resourcegroups/g3/providers/microsoft.hybridcompute/machines/m1";
        assert!(authorizer.check(&subject, "Microsoft.HybridCompute/machines/read", machine).allowed);
        let check = measure(&format!("check: member of 20 groups, {count} assignments"), 500, || {
            black_box(authorizer.check(
                black_box(&subject),
                "Microsoft.HybridCompute/machines/read",
                machine,
            ));
        });
        let mut id = count;
        let change = measure(&format!("change: one assignment, {count} assignments"), 50, || {
            id += 1;
            let mut copy = authorizer.clone();
            copy.assign(RoleAssignment {
                id: Uuid::from_u128(id),
                scope: scope(id % 5000).into(),
                principal: Uuid::from_u128(1_000 + id % 1000),
                role: roles::READER,
                condition: None,
            });
            black_box(copy);
        });
        found.push((check, change));
    }
    let (least, most) = (found[0], found[2]);
    assert!(most.0 < least.0 * 5, "a check at 100,000 is {:?}, at 10 {:?}", most.0, least.0);
    assert!(most.1 < Duration::from_millis(20), "a change at 100,000 costs {:?}", most.1);
    if !cfg!(debug_assertions) {
        assert!(most.0 < Duration::from_micros(20), "{:?}", most.0);
    }
}

#[test]
fn tokens_are_cheap() {
    let keys = KeySet::new([SigningKey::generate(now())], RotationRule::default());
    let issuer = Issuer { url: "https://localhost:8443/t/v2.0".into(), tenant_id: Uuid::from_u128(7) };
    let principal = Principal {
        object_id: Uuid::from_u128(1),
        kind: IdentityType::App,
        name: None,
        username: None,
        resource_id: Some(
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.HybridCompute/machines/m".into(),
        ),
        groups: Vec::new(),
    };
    let audience = "https://localhost:8443";
    let expected = Expected { issuer: issuer.url.clone(), audiences: vec![audience.into()] };
    let lifetime = SignedDuration::from_mins(30);
    let issue = || {
        let claims = AccessClaims::issue(&issuer, audience, "client", &principal, lifetime, now());
        keys.sign(&claims, now()).expect("a key signs now")
    };
    let token = issue();
    let cache = TokenCache::new(1000);
    let signed = measure("token: issue", 300, || {
        black_box(issue());
    });
    let verified = measure("token: verify", 300, || {
        black_box(verify_access_token(&keys, &token, &expected, now()).expect("valid"));
    });
    let cached = measure("token: verify from the cache", 2000, || {
        black_box(cache.verify(&keys, &token, &expected, now()).expect("valid"));
    });
    assert!(signed.max(verified) < Duration::from_millis(20), "{signed:?} {verified:?}");
    assert!(cached < verified, "the cache must be worth having: {cached:?} against {verified:?}");
}
