//! Roles, conditions, groups, management groups, reports and open streams, through the API.

use std::time::Duration;

use bowline_auth::roles::{OWNER, READER, ROLE_ADMINISTRATOR};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use crate::world::World;

const MACHINES: &str = "Microsoft.HybridCompute/machines";

fn assignments(scope: &str) -> String {
    format!("{scope}/providers/Microsoft.Authorization/roleAssignments")
}

fn new_assignment(scope: &str) -> String {
    format!("{}/{}", assignments(scope), bowline_auth::random::guid())
}

/// Gives a role; the assignment as it is answered.
async fn give(world: &World, bearer: &str, scope: &str, properties: Value) -> (http::StatusCode, Value) {
    world.send("PUT", &new_assignment(scope), Some(bearer), &json!({ "properties": properties })).await
}

async fn group(world: &World, admin: &str, name: &str) -> String {
    let id = format!("{}/resourceGroups/{name}", world.subscription);
    let made = world.send("PUT", &id, Some(admin), &json!({"location": "local"})).await;
    assert!(made.0.is_success(), "{}", made.1);
    id
}

fn values(answer: &Value) -> &[Value] {
    answer["value"].as_array().map_or(&[], Vec::as_slice)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_condition_delegates_some_roles_and_no_others() {
    let world = World::new().await;
    let admin = world.admin().await;
    let scope = group(&world, &admin, "delegated").await;
    let (helper, token) = world.user(&admin, "helper", None).await;
    let (eve, _) = world.user(&admin, "eve", None).await;
    let condition = format!(
        "((!(ActionMatches{{'Microsoft.Authorization/roleAssignments/write'}})) OR (@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {{{READER}}}
          AND @Request[Microsoft.Authorization/roleAssignments:PrincipalType] ForAnyOfAnyValues:StringEqualsIgnoreCase {{'User'}}))
         AND ((!(ActionMatches{{'Microsoft.Authorization/roleAssignments/delete'}})) OR (@Resource[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {{{READER}}}))"
    );
    let broken = json!({"principalId": helper.object_id, "roleDefinitionId": ROLE_ADMINISTRATOR, "condition": "@Request[x"});
    assert_eq!(give(&world, &admin, &scope, broken).await.1["error"]["code"], "InvalidCondition");
    let old = json!({"principalId": helper.object_id, "roleDefinitionId": ROLE_ADMINISTRATOR, "condition": "true", "conditionVersion": "1.0"});
    assert_eq!(give(&world, &admin, &scope, old).await.1["error"]["code"], "UnsupportedConditionVersion");
    let properties = json!({"principalId": helper.object_id, "roleDefinitionId": ROLE_ADMINISTRATOR, "condition": condition});
    let given = give(&world, &admin, &scope, properties).await;
    assert_eq!((given.0.as_u16(), &given.1["properties"]["conditionVersion"]), (201, &json!("2.0")));

    let reader =
        give(&world, &token, &scope, json!({"principalId": eve.object_id, "roleDefinitionId": READER})).await;
    assert_eq!(reader.0, 201, "{}", reader.1);
    let owner =
        give(&world, &token, &scope, json!({"principalId": eve.object_id, "roleDefinitionId": OWNER})).await;
    assert_eq!(owner.0, 403, "{}", owner.1);
    let own =
        give(&world, &token, &scope, json!({"principalId": helper.object_id, "roleDefinitionId": OWNER}))
            .await;
    assert_eq!(own.0, 403, "{}", own.1);
    let above = json!({"principalId": eve.object_id, "roleDefinitionId": READER});
    assert_eq!(give(&world, &token, &world.subscription, above).await.0, 403);

    // What may be deleted depends on what is there.
    let by_admin =
        give(&world, &admin, &scope, json!({"principalId": eve.object_id, "roleDefinitionId": OWNER})).await;
    let id = by_admin.1["id"].as_str().unwrap();
    assert_eq!(world.send("DELETE", id, Some(&token), &Value::Null).await.0, 403);
    let id = reader.1["id"].as_str().unwrap();
    assert_eq!(world.send("DELETE", id, Some(&token), &Value::Null).await.0, 200);
    let held = world
        .send(
            "GET",
            &format!("{scope}/providers/Microsoft.Authorization/permissions"),
            Some(&token),
            &Value::Null,
        )
        .await;
    assert_eq!(values(&held.1)[0]["condition"], condition.as_str(), "{}", held.1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_condition_on_a_resource_masks_lists_row_by_row() {
    let world = World::new().await;
    let admin = world.admin().await;
    let scope = group(&world, &admin, "tagged").await;
    for (name, team) in [("a", "red"), ("b", "blue"), ("c", "")] {
        let tags = if team.is_empty() { json!({}) } else { json!({ "team": team }) };
        let body = json!({"location": "local", "tags": tags});
        let made =
            world.send("PUT", &format!("{scope}/providers/{MACHINES}/{name}"), Some(&admin), &body).await;
        assert_eq!(made.0, 200, "{}", made.1);
    }
    let (eve, token) = world.user(&admin, "eve", None).await;
    let condition = format!("@Resource[{MACHINES}/tags:team] StringEquals 'red'");
    let properties =
        json!({"principalId": eve.object_id, "roleDefinitionId": READER, "condition": condition});
    assert_eq!(give(&world, &admin, &scope, properties).await.0, 201);
    let list = format!("{scope}/providers/{MACHINES}");
    let names = |answer: &Value| -> Vec<String> {
        values(answer).iter().map(|m| m["name"].as_str().unwrap_or_default().to_owned()).collect()
    };
    let shown = world.send("GET", &list, Some(&token), &Value::Null).await;
    assert_eq!(names(&shown.1), ["a"], "{}", shown.1);
    assert_eq!(world.send("GET", &format!("{list}/a"), Some(&token), &Value::Null).await.0, 200);
    for hidden in ["b", "c", "no-such"] {
        let answer = world.send("GET", &format!("{list}/{hidden}"), Some(&token), &Value::Null).await;
        assert_eq!(answer.0, 403, "{hidden}: {}", answer.1);
    }
    // The tag is what decides, at once.
    let body = json!({"tags": {"team": "red"}});
    assert!(world.send("PATCH", &format!("{list}/b"), Some(&admin), &body).await.0.is_success());
    let shown = world.send("GET", &list, Some(&token), &Value::Null).await;
    assert_eq!(names(&shown.1), ["a", "b"], "{}", shown.1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_of_assignments_show_what_holds_at_a_scope() {
    let world = World::new().await;
    let admin = world.admin().await;
    let (left, right) = (group(&world, &admin, "left").await, group(&world, &admin, "right").await);
    let (eve, token) = world.user(&admin, "eve", None).await;
    let team = world
        .send(
            "PUT",
            "/providers/Microsoft.Bowline/groups/team",
            Some(&admin),
            &json!({"properties": {"members": [eve.object_id]}}),
        )
        .await;
    assert!(team.0.is_success(), "{}", team.1);
    let team: Uuid = team.1["properties"]["objectId"].as_str().unwrap().parse().unwrap();
    for (scope, principal) in
        [(world.subscription.as_str(), eve.object_id), (&left, eve.object_id), (&right, team)]
    {
        let given =
            give(&world, &admin, scope, json!({"principalId": principal, "roleDefinitionId": READER})).await;
        assert_eq!(given.0, 201, "{}", given.1);
    }
    let count = async |scope: &str, filter: &str| {
        let path = format!("{}?{filter}", assignments(scope));
        let listed = world.send("GET", &path, Some(&admin), &Value::Null).await;
        assert_eq!(listed.0, 200, "{}", listed.1);
        values(&listed.1).len()
    };
    // The administrator's own at the root counts everywhere.
    assert_eq!(count(&left, "").await, 3, "at, above and below");
    assert_eq!(count(&world.subscription, "").await, 4);
    assert_eq!(count(&left, "$filter=atScope()").await, 3);
    assert_eq!(count(&world.subscription, "$filter=atScope()").await, 2, "nothing below");
    assert_eq!(count(&left, "$filter=atExactScope()").await, 1);
    let eves = format!("$filter=principalId%20eq%20'{}'", eve.object_id);
    assert_eq!(count(&world.subscription, &eves).await, 2);
    let assigned = format!("$filter=assignedTo('{}')", eve.object_id);
    assert_eq!(count(&world.subscription, &assigned).await, 3, "by way of the group too");
    assert_eq!(count(&left, &assigned).await, 2);
    // Pages hold everything once, in spite of the rows above.
    let mut path = format!("{}?$top=1", assignments(&world.subscription));
    let mut seen = Vec::new();
    loop {
        let page = world.send("GET", &path, Some(&admin), &Value::Null).await;
        seen.extend(values(&page.1).iter().map(|a| a["name"].as_str().unwrap_or_default().to_owned()));
        let Some(next) = page.1["nextLink"].as_str() else { break };
        path = next.split_once("8443").unwrap().1.replace("api-version=2026-11-01&", "");
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 4);
    // A role of the group holds for its member.
    assert_eq!(world.send("GET", &right, Some(&token), &Value::Null).await.0, 200);
    let roles =
        format!("{left}/providers/Microsoft.Authorization/roleDefinitions?$filter=roleName%20eq%20'Reader'");
    let found = world.send("GET", &roles, Some(&admin), &Value::Null).await;
    assert_eq!(values(&found.1).len(), 1, "{}", found.1);
    let id = format!("{}/providers/Microsoft.Authorization/roleDefinitions/{READER}", world.subscription);
    assert_eq!(values(&found.1)[0]["id"], id, "the canonical id, whatever scope was asked");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn custom_roles_reach_no_further_than_who_writes_them() {
    let world = World::new().await;
    let admin = world.admin().await;
    let (left, right) = (group(&world, &admin, "left").await, group(&world, &admin, "right").await);
    let (eve, token) = world.user(&admin, "eve", None).await;
    assert_eq!(
        give(&world, &admin, &left, json!({"principalId": eve.object_id, "roleDefinitionId": OWNER})).await.0,
        201
    );
    let name = bowline_auth::random::guid();
    let id = format!("{left}/providers/Microsoft.Authorization/roleDefinitions/{name}");
    let role = |scopes: &[&str], action: &str| json!({"properties": {"roleName": "Restarter", "permissions": [{"actions": [action]}], "assignableScopes": scopes}});
    let put = async |bearer: &str, body: Value| world.send("PUT", &id, Some(bearer), &body).await;
    assert_eq!(put(&token, role(&[&right], "*/read")).await.0, 403, "not where she has no right");
    assert_eq!(put(&token, role(&[&left, &world.subscription], "*/read")).await.0, 403);
    assert_eq!(put(&token, role(&[&left], "nonsense")).await.1["error"]["code"], "InvalidRoleDefinition");
    let made = put(&token, role(&[&left], "Microsoft.HybridCompute/machines/read")).await;
    assert_eq!(made.0, 201, "{}", made.1);
    assert_eq!(
        put(&token, role(&[&left], "Microsoft.HybridCompute/*/read")).await.0,
        201,
        "201 also for a change"
    );
    let twin =
        format!("{left}/providers/Microsoft.Authorization/roleDefinitions/{}", bowline_auth::random::guid());
    let again = world.send("PUT", &twin, Some(&token), &role(&[&left], "*/read")).await;
    assert_eq!(again.1["error"]["code"], "RoleDefinitionWithSameNameExists");
    let (bob, bobs) = world.user(&admin, "bob", None).await;
    let elsewhere =
        give(&world, &admin, &right, json!({"principalId": bob.object_id, "roleDefinitionId": name})).await;
    assert_eq!(elsewhere.1["error"]["code"], "RoleDefinitionNotAssignable", "{}", elsewhere.1);
    let given =
        give(&world, &admin, &left, json!({"principalId": bob.object_id, "roleDefinitionId": name})).await;
    assert_eq!(given.0, 201, "{}", given.1);
    assert_eq!(
        world.send("GET", &format!("{left}/providers/{MACHINES}"), Some(&bobs), &Value::Null).await.0,
        200
    );
    let used = world.send("DELETE", &id, Some(&token), &Value::Null).await;
    assert_eq!(used.1["error"]["code"], "RoleDefinitionHasAssignments", "{}", used.1);
    assert_eq!(
        world.send("DELETE", given.1["id"].as_str().unwrap(), Some(&admin), &Value::Null).await.0,
        200
    );
    assert_eq!(world.send("DELETE", &id, Some(&token), &Value::Null).await.0, 200);
    assert_eq!(
        world.send("GET", &format!("{left}/providers/{MACHINES}"), Some(&bobs), &Value::Null).await.0,
        403
    );
    let deny = format!("{left}/providers/Microsoft.Authorization/denyAssignments/{name}");
    assert_eq!(world.send("PUT", &deny, Some(&admin), &json!({})).await.0, 405, "none can be created");
    let listed = world
        .send(
            "GET",
            &format!("{left}/providers/Microsoft.Authorization/denyAssignments"),
            Some(&admin),
            &Value::Null,
        )
        .await;
    assert_eq!((listed.0.as_u16(), values(&listed.1).len()), (200, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reports_give_the_whole_chain_of_reasons() {
    let world = World::new().await;
    let admin = world.admin().await;
    let scope = group(&world, &admin, "reported").await;
    let (eve, token) = world.user(&admin, "eve", None).await;
    let inner = world
        .send(
            "PUT",
            "/providers/Microsoft.Bowline/groups/inner",
            Some(&admin),
            &json!({"properties": {"members": [eve.object_id]}}),
        )
        .await;
    let inner = inner.1["properties"]["objectId"].clone();
    let outer = world
        .send(
            "PUT",
            "/providers/Microsoft.Bowline/groups/outer",
            Some(&admin),
            &json!({"properties": {"members": [inner]}}),
        )
        .await;
    let outer = outer.1["properties"]["objectId"].clone();
    let given = give(&world, &admin, &scope, json!({"principalId": outer, "roleDefinitionId": READER})).await;
    assert_eq!(given.0, 201, "{}", given.1);
    let ask = async |bearer: &str, what: &str, body: Value| {
        world.send("POST", &format!("{scope}/providers/{what}"), Some(bearer), &body).await
    };

    let body = json!({"action": "Microsoft.HybridCompute/machines/read"});
    let who = ask(&admin, "Microsoft.Bowline/whoCan", body.clone()).await;
    let line =
        values(&who.1).iter().find(|line| line["principalId"] == json!(eve.object_id)).expect("eve can");
    assert_eq!(line["groups"], json!([inner, outer]), "the way through the groups: {line}");
    assert_eq!((&line["roleName"], &line["permission"]), (&json!("Reader"), &json!("*/read")));
    assert!(scope.eq_ignore_ascii_case(line["scope"].as_str().unwrap()));
    let what = ask(&token, "Microsoft.Bowline/whatCan", json!({})).await;
    assert_eq!((values(&what.1).len(), &values(&what.1)[0]["roleName"]), (1, &json!("Reader")), "{}", what.1);
    assert_eq!(values(&what.1)[0]["permissions"][0]["actions"], json!(["*/read"]));

    let check = |of: Uuid, action: &str| json!({"Subject": {"Attributes": {"ObjectId": of}}, "Actions": [{"Id": action}], "Resource": {"Id": scope}});
    let read = ask(
        &token,
        "Microsoft.Authorization/checkAccess",
        check(eve.object_id, "Microsoft.HybridCompute/machines/read"),
    )
    .await;
    assert_eq!(values(&read.1)[0]["accessDecision"], "Allowed", "{}", read.1);
    assert_eq!(values(&read.1)[0]["roleAssignment"]["principalId"], outer);
    let write = ask(
        &token,
        "Microsoft.Authorization/checkAccess",
        check(eve.object_id, "Microsoft.HybridCompute/machines/write"),
    )
    .await;
    assert_eq!(values(&write.1)[0]["accessDecision"], "NotAllowed");
    // Who has no right to read assignments learns only about themselves.
    let (_, bobs) = world.user(&admin, "bob", None).await;
    assert_eq!(ask(&bobs, "Microsoft.Bowline/whoCan", body).await.0, 403);
    assert_eq!(ask(&bobs, "Microsoft.Bowline/whatCan", json!({"principalId": eve.object_id})).await.0, 403);
    assert_eq!(
        ask(&bobs, "Microsoft.Authorization/checkAccess", check(eve.object_id, "a/b/read")).await.0,
        403
    );
    let nothing = ask(&bobs, "Microsoft.Bowline/whatCan", json!({})).await;
    assert_eq!((nothing.0.as_u16(), values(&nothing.1).len()), (200, 0));
}

/// Reads a stream until it ends; gives its last event and how long that took.
async fn until_end(mut body: axum::body::Body, since: Instant) -> (String, Duration) {
    let mut text = String::new();
    while let Some(frame) = timeout(Duration::from_secs(20), body.frame()).await.expect("the stream ends") {
        text.push_str(&String::from_utf8_lossy(&frame.unwrap().into_data().unwrap_or_default()));
    }
    let last = text.trim_end().rsplit("\n\n").next().unwrap_or_default().to_owned();
    (last, since.elapsed())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_stream_ends_when_its_caller_loses_the_right() {
    let world = World::new().await;
    let admin = world.admin().await;
    let scope = group(&world, &admin, "watched").await;
    let events = format!("{scope}/providers/Microsoft.Bowline/events");
    let stays = world.stream(&events, &admin).await;
    assert_eq!(stays.0, 200);
    for (name, how) in [
        ("role", "the role is taken away"),
        ("disabled", "the account is disabled"),
        ("group", "the member leaves its group"),
    ] {
        let (user, token) = world.user(&admin, name, None).await;
        let team = format!("/providers/Microsoft.Bowline/groups/{name}");
        let made = world
            .send("PUT", &team, Some(&admin), &json!({"properties": {"members": [user.object_id]}}))
            .await;
        let holder =
            if name == "group" { made.1["properties"]["objectId"].clone() } else { json!(user.object_id) };
        let given =
            give(&world, &admin, &scope, json!({"principalId": holder, "roleDefinitionId": READER})).await;
        assert_eq!(given.0, 201, "{}", given.1);
        let (status, body) = world.stream(&events, &token).await;
        assert_eq!(status, 200, "{how}");
        let started = Instant::now();
        let done = match name {
            "role" => world.send("DELETE", given.1["id"].as_str().unwrap(), Some(&admin), &Value::Null).await,
            "disabled" => {
                let body = json!({"properties": {"accountEnabled": false}});
                world
                    .send("PATCH", &format!("/providers/Microsoft.Bowline/users/{name}"), Some(&admin), &body)
                    .await
            }
            _ => world.send("PUT", &team, Some(&admin), &json!({"properties": {"members": []}})).await,
        };
        assert!(done.0.is_success(), "{how}: {}", done.1);
        let (last, took) = until_end(body, started).await;
        assert!(last.starts_with("event: end") && last.contains("rightsWithdrawn"), "{how}: {last}");
        assert!(took < Duration::from_secs(5), "{how}: {took:?}");
    }
    // Whoever kept the right keeps the stream.
    let mut body = stays.1;
    let machine = format!("{scope}/providers/{MACHINES}/m");
    assert_eq!(world.send("PUT", &machine, Some(&admin), &json!({"location": "local"})).await.0, 200);
    let mut text = String::new();
    while !text.contains("event: changed") {
        let frame =
            timeout(Duration::from_secs(10), body.frame()).await.unwrap().expect("it is open").unwrap();
        text.push_str(&String::from_utf8_lossy(&frame.into_data().unwrap_or_default()));
        assert!(!text.contains("event: end"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_write_a_management_group_makes_groups_below_it_and_nowhere_else() {
    const CONTRIBUTOR_OF_GROUPS: &str = "5d58bcaf-24a5-4b20-bdb6-eed9f69fbe4c";
    let world = World::new().await;
    let admin = world.admin().await;
    let at = |name: &str| format!("/providers/Microsoft.Management/managementGroups/{name}");
    let below = |parent: &str| json!({"properties": {"details": {"parent": {"id": parent}}}});
    for name in ["plants", "offices"] {
        let made = world.send("PUT", &at(name), Some(&admin), &json!({})).await;
        assert_eq!(made.0, 200, "{}", made.1);
    }
    let (eve, token) = world.user(&admin, "eve", None).await;
    let role = json!({"principalId": eve.object_id, "roleDefinitionId": CONTRIBUTOR_OF_GROUPS});
    assert_eq!(give(&world, &admin, &at("plants"), role).await.0, 201);
    let put = async |name: &str, body: &Value| world.send("PUT", &at(name), Some(&token), body).await;

    let made = put("north", &below(&at("plants"))).await;
    assert_eq!(made.0, 200, "{}", made.1);
    let deeper = put("hall-1", &below("north")).await;
    assert_eq!(deeper.0, 200, "its right is inherited: {}", deeper.1);
    assert_eq!(world.send("GET", &at("hall-1"), Some(&token), &json!({})).await.0, 200);

    for (name, body, why) in [
        ("south", json!({}), "below the root group"),
        ("south", below(&at("offices")), "below another group"),
        ("south", below("no-such-group"), "below a group that does not exist"),
        ("offices", below(&at("plants")), "a group of others is not taken over"),
        ("north", below(&at("offices")), "nor is one given away"),
    ] {
        let refused = put(name, &body).await;
        assert_eq!(
            (refused.0.as_u16(), &refused.1["error"]["code"]),
            (403, &json!("AuthorizationFailed")),
            "{why}: {}",
            refused.1
        );
    }
    assert_eq!(world.send("GET", &at("south"), Some(&admin), &json!({})).await.0, 404);
    assert_eq!(world.send("DELETE", &at("hall-1"), Some(&token), &json!({})).await.0, 204);
}
