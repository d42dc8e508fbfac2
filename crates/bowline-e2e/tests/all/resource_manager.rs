//! `Microsoft.Resources` and its neighbours: locks, tags, management groups, subscriptions, providers, features, the flat list.

use bowline_e2e::api::Api;
use bowline_e2e::postgres::postgres;
use bowline_e2e::server::{Options, Server, group, subscription};
use reqwest::Method;
use serde_json::{Value, json};

use crate::resources::{machine, make_machines};
use crate::roles::{assign, user};

const TAGGER_ACTIONS: [&str; 2] =
    ["Microsoft.Resources/tags/*", "Microsoft.Resources/subscriptions/resourceGroups/read"];

/// Runs a scenario on both databases.
macro_rules! on_both {
    ($($name:ident, $postgres:ident: $scenario:ident;)*) => {$(
        #[tokio::test]
        async fn $name() {
            $scenario(&Server::usual().await.admin().await).await;
        }

        #[tokio::test]
        async fn $postgres() {
            let Some(postgres) = postgres(concat!("resource_manager::", stringify!($postgres))) else { return };
            let database = Some(postgres.database());
            let server = Server::start(Options { database, ..Options::default() }).await;
            $scenario(&server.admin().await).await;
        }
    )*};
}

on_both! {
    locks_hold_below_their_scope, locks_hold_on_postgres: locks;
    tags_are_changed_by_a_right_of_their_own, tags_are_changed_on_postgres: tags;
    management_groups_hold_groups_and_subscriptions, management_groups_on_postgres: management_groups;
    subscriptions_are_ordered_and_cancelled, subscriptions_on_postgres: subscriptions;
    the_flat_list_pages_across_types, the_flat_list_on_postgres: flat_list;
}

fn lock(scope: &str, name: &str) -> String {
    format!("{scope}/providers/Microsoft.Authorization/locks/{name}")
}

fn level(level: &str) -> Value {
    json!({"properties": {"level": level, "notes": "a test"}})
}

async fn locks(admin: &Api) {
    let scope = subscription(admin).await;
    let (kept, other) = (group(admin, "kept").await, group(admin, "other").await);
    let (press, oven) = (machine(&kept, "press"), machine(&other, "oven"));
    let body = json!({"location": "local"});
    for id in [&press, &oven] {
        admin.put(id, &body).await.expect(200);
    }
    let made = admin.put(&lock(&press, "keep"), &level("cannotdelete")).await.expect(201);
    assert_eq!(
        (&made["type"], &made["properties"]["level"]),
        (&json!("Microsoft.Authorization/locks"), &json!("CanNotDelete"))
    );
    admin.put(&lock(&press, "keep"), &level("CanNotDelete")).await.expect(200);

    // At the resource and, for what would go with it, above.
    for id in [&press, &kept] {
        let message = admin.delete(id).await.refused(409, "ScopeLocked");
        assert!(message.contains("'keep'") || message.contains("locks/keep"), "{message}");
    }
    admin.patch(&press, &json!({"tags": {"a": "b"}})).await.expect(200);
    assert_eq!(admin.delete(&oven).await.status, 204, "a neighbour is not locked");
    admin.put(&oven, &body).await.expect(200);

    // Inherited from the group and the subscription.
    admin.put(&lock(&other, "frozen"), &level("ReadOnly")).await.expect(201);
    for answer in [
        admin.put(&oven, &json!({"location": "local", "tags": {"x": "y"}})).await,
        admin.patch(&oven, &json!({"tags": {"x": "y"}})).await,
        admin.put(&machine(&other, "new"), &body).await,
        admin.delete(&oven).await,
        admin
            .patch(
                &format!("{oven}/providers/Microsoft.Resources/tags/default"),
                &json!({"operation": "Merge", "properties": {"tags": {"x": "y"}}}),
            )
            .await,
    ] {
        let message = answer.refused(409, "ScopeLocked");
        assert!(message.contains(&other), "it names the locked scope: {message}");
    }
    assert_eq!(admin.get(&oven).await.status, 200, "reading is free");
    admin.put(&lock(&scope, "all"), &level("CanNotDelete")).await.expect(201);
    admin.put(&machine(&kept, "new"), &body).await.expect(200);
    admin.delete(&machine(&kept, "new")).await.refused(409, "ScopeLocked");
    admin.delete(&kept).await.refused(409, "ScopeLocked");

    lock_lists(admin, &scope, &other, &press).await;
    for id in [lock(&scope, "all"), lock(&other, "frozen"), lock(&press, "keep")] {
        assert_eq!(admin.delete(&id).await.status, 200, "locks lock no locks: {id}");
    }
    assert_eq!(admin.delete(&press).await.status, 204);
    assert_eq!(admin.delete(&other).await.status, 202);
}

async fn lock_lists(admin: &Api, scope: &str, other: &str, press: &str) {
    for (at, names) in
        [(scope, vec!["all", "keep", "frozen"]), (other, vec!["frozen"]), (press, vec!["keep"])]
    {
        let listed = admin.get(&format!("{at}/providers/Microsoft.Authorization/locks")).await.expect(200);
        let mut found: Vec<&str> =
            listed["value"].as_array().unwrap().iter().map(|l| l["name"].as_str().unwrap()).collect();
        found.sort_unstable();
        let mut names = names;
        names.sort_unstable();
        assert_eq!(found, names, "at {at}: {listed}");
    }
    admin.put(&lock(other, "odd"), &level("Sometimes")).await.refused(400, "InvalidLockLevel");
    admin.put(&lock("", "root"), &level("ReadOnly")).await.refused(400, "InvalidLockScope");
    admin
        .put(&lock(&machine(other, "none"), "x"), &level("ReadOnly"))
        .await
        .refused(404, "ParentResourceNotFound");
}

/// Deletes and locks that race: whoever was answered first has won, and a resource whose lock was taken is still there.
#[tokio::test]
async fn a_lock_that_was_taken_is_never_overtaken_by_a_delete() {
    let server = Server::usual().await;
    let admin = server.admin().await;
    let id = group(&admin, "race").await;
    make_machines(&admin, &id, "m", 16).await;
    let races = (0..16).map(|n| {
        let (admin, machine) = (admin.clone(), machine(&id, &format!("m{n:03}")));
        async move {
            let (name, locked) = (lock(&machine, "keep"), level("CanNotDelete"));
            let (locked, deleted) = tokio::join!(admin.put(&name, &locked), admin.delete(&machine));
            let there = admin.get(&machine).await.status == 200;
            match (locked.status, deleted.status) {
                (201, 409) => assert!(there, "{machine} was locked and is gone"),
                (404, 204) => assert!(!there),
                // The delete came first and took the lock that was written meanwhile with it: then the lock was refused.
                other => panic!("{machine}: {other:?} {} {}", locked.text, deleted.text),
            }
        }
    });
    futures::future::join_all(races).await;
}

async fn tags(admin: &Api) {
    let scope = subscription(admin).await;
    let plant = group(admin, "tagged").await;
    let press = machine(&plant, "press");
    admin.put(&press, &json!({"location": "local", "tags": {"Env": "dev", "line": "3"}})).await.expect(200);
    let at = |id: &str| format!("{id}/providers/Microsoft.Resources/tags/default");
    let patch = |operation: &str, tags: Value| json!({"operation": operation, "properties": {"tags": tags}});

    let (eve, object) = user(admin, "tagger").await;
    let role = admin
        .put(
            &format!("{scope}/providers/Microsoft.Authorization/roleDefinitions/{}", uuid::Uuid::new_v4()),
            &json!({"properties": {"roleName": "Tagger", "assignableScopes": [scope], "permissions": [{"actions": TAGGER_ACTIONS}]}}),
        )
        .await
        .expect(201);
    eve.get(&at(&press)).await.refused(403, "AuthorizationFailed");
    assign(admin, &plant, role["name"].as_str().unwrap(), &object).await;
    eve.patch(&press, &json!({"tags": {"x": "y"}})).await.refused(403, "AuthorizationFailed");

    let merged =
        eve.patch(&at(&press), &patch("Merge", json!({"env": "prod", "hall": "B"}))).await.expect(200);
    assert_eq!(merged["properties"]["tags"], json!({"Env": "prod", "line": "3", "hall": "B"}));
    assert_eq!((&merged["name"], &merged["type"]), (&json!("default"), &json!("Microsoft.Resources/tags")));
    let left = eve.patch(&at(&press), &patch("delete", json!({"hall": "B", "line": "4"}))).await.expect(200);
    assert_eq!(left["properties"]["tags"], json!({"Env": "prod", "line": "3"}));
    assert_eq!(admin.get(&press).await.expect(200)["tags"], left["properties"]["tags"]);
    let put = eve.put(&at(&press), &json!({"properties": {"tags": {"only": "one"}}})).await.expect(200);
    assert_eq!(put["properties"]["tags"], json!({"only": "one"}));
    assert_eq!(eve.delete(&at(&press)).await.status, 200);
    assert_eq!(eve.get(&at(&press)).await.expect(200)["properties"]["tags"], json!({}));

    for id in [&scope, &plant] {
        let body = patch("Replace", json!({"cost center": "77"}));
        let answer = admin.patch(&at(id), &body).await.expect(200);
        assert_eq!(answer["properties"]["tags"]["cost center"], "77", "{id}");
        assert_eq!(admin.get(id).await.expect(200)["tags"]["cost center"], "77", "{id}");
    }
    let many: serde_json::Map<String, Value> = (0..51).map(|n| (format!("t{n}"), json!("x"))).collect();
    admin.put(&at(&press), &json!({"properties": {"tags": many}})).await.refused(400, "TooManyTags");
    admin
        .put(&at(&press), &json!({"properties": {"tags": {"x": "v".repeat(257)}}}))
        .await
        .refused(400, "InvalidTagValue");
    admin.patch(&at(&press), &patch("Upsert", json!({}))).await.refused(400, "InvalidTagPatchOperation");
    admin.get(&at(&machine(&plant, "none"))).await.refused(404, "ResourceNotFound");
    admin
        .put(&at("/providers/Microsoft.Bowline/users/admin"), &json!({"properties": {"tags": {}}}))
        .await
        .refused(400, "TagsNotSupportedForResourceType");
    tag_names(admin, &scope, &press).await;
}

async fn tag_names(admin: &Api, scope: &str, press: &str) {
    admin.put(press, &json!({"location": "local", "tags": {"ENV": "dev"}})).await.expect(200);
    let none = json!({});
    assert_eq!(admin.put(&format!("{scope}/tagNames/env"), &none).await.expect(201)["tagName"], "env");
    admin.put(&format!("{scope}/tagNames/env"), &none).await.expect(200);
    admin.put(&format!("{scope}/tagNames/env/tagValues/test"), &none).await.expect(201);
    let listed = admin.get(&format!("{scope}/tagNames")).await.expect(200);
    let name =
        |name: &str| listed["value"].as_array().unwrap().iter().find(|n| n["tagName"] == name).cloned();
    let env = name("env").unwrap_or_else(|| panic!("{listed}"));
    assert_eq!(env["count"]["value"], 1, "{env}");
    let value = |wanted: &str| {
        env["values"].as_array().unwrap().iter().find(|v| v["tagValue"] == wanted).unwrap()["count"]["value"]
            .clone()
    };
    assert_eq!((value("dev"), value("test")), (json!(1), json!(0)));
    assert_eq!(name("cost center").unwrap()["count"]["value"], 2);
    admin.delete(&format!("{scope}/tagNames/env")).await.refused(409, "TagNameHasValues");
    assert_eq!(admin.delete(&format!("{scope}/tagNames/env/tagValues/test")).await.status, 200);
    assert_eq!(admin.delete(&format!("{scope}/tagNames/env/tagValues/test")).await.status, 204);
    assert_eq!(admin.delete(&format!("{scope}/tagNames/env")).await.status, 200);
    assert_eq!(
        Api::send(
            admin.request(Method::HEAD, &format!("{press}/providers/Microsoft.Resources/tags/default"))
        )
        .await
        .status,
        200
    );
}

#[tokio::test]
async fn deployments_say_in_one_way_that_they_come_later() {
    let server = Server::usual().await;
    let admin = server.admin().await;
    let scope = subscription(&admin).await;
    let id = group(&admin, "g").await;
    let short = id.replace("resourceGroups", "resourcegroups");
    for path in [
        format!("{id}/providers/Microsoft.Resources/deployments/d"),
        format!("{id}/providers/Microsoft.Resources/deployments"),
        format!("{scope}/providers/Microsoft.Resources/deployments/d"),
        "/providers/Microsoft.Resources/deployments/d".to_owned(),
        format!("{short}/deployments/d/operations"),
        format!("{short}/deployments/"),
        format!("{id}/providers/Microsoft.Resources/templateSpecs/t"),
        format!("{id}/providers/Microsoft.Resources/deploymentStacks/t"),
    ] {
        admin.get(&path).await.refused(404, "DeploymentsNotServedYet");
    }
    let deployment = format!("{id}/providers/Microsoft.Resources/deployments/d");
    for action in ["validate", "whatIf", "cancel", "exportTemplate"] {
        admin
            .post(&format!("{deployment}/{action}"), &json!({}))
            .await
            .refused(404, "DeploymentsNotServedYet");
    }
    // az sends what is not JSON here; the answer is the same.
    let odd = Api::send(admin.request(Method::PUT, &deployment).body("{\"properties\": {mode: 1}}")).await;
    odd.refused(404, "DeploymentsNotServedYet");
    assert_eq!(Api::send(admin.request(Method::HEAD, &deployment)).await.status, 404);
}

fn management_group(name: &str) -> String {
    format!("/providers/Microsoft.Management/managementGroups/{name}")
}

fn below(parent: &str) -> Value {
    json!({"name": "ignored", "properties": {"details": {"parent": {"id": management_group(parent)}}}})
}

async fn management_groups(admin: &Api) {
    let scope = subscription(admin).await;
    let guid = scope.rsplit('/').next().unwrap();
    let tenant = admin.get("/tenants").await.expect(200)["value"][0]["tenantId"].as_str().unwrap().to_owned();
    let root = admin.get(&management_group(&tenant)).await.expect(200);
    assert_eq!(root["properties"]["displayName"], "Tenant Root Group");

    // As az sends it: a display name that is null, no parent.
    let body = json!({"name": "plants", "properties": {"displayName": null, "details": {"parent": {}}}});
    let made = admin.put(&management_group("plants"), &body).await.expect(200);
    assert_eq!(
        (&made["type"], &made["properties"]["displayName"]),
        (&json!("Microsoft.Management/managementGroups"), &json!("plants"))
    );
    assert_eq!(made["properties"]["details"]["parent"]["name"], tenant);
    admin.put(&management_group("north"), &below("plants")).await.expect(200);
    let patch = json!({"displayName": "The north", "parentGroupId": management_group("plants")});
    let patched = admin.patch(&management_group("north"), &patch).await.expect(200);
    assert_eq!(
        (&patched["properties"]["displayName"], &patched["properties"]["details"]["version"]),
        (&json!("The north"), &json!(2))
    );

    let member = |group: &str| format!("{}/subscriptions/{guid}", management_group(group));
    let added = admin.put(&member("north"), &json!({})).await.expect(200);
    assert_eq!(added["properties"]["parent"]["id"], management_group("north"));
    admin.get(&member("plants")).await.refused(404, "ResourceNotFound");
    let tree = admin
        .get(&format!("{}?api-version=2021-04-01&$expand=children&$recurse=true", management_group("plants")))
        .await
        .expect(200);
    let child = &tree["properties"]["children"][0];
    assert_eq!(
        (&child["displayName"], &child["children"][0]["name"]),
        (&json!("The north"), &json!(guid)),
        "{tree}"
    );
    let descendants = admin.get(&format!("{}/descendants", management_group(&tenant))).await.expect(200);
    assert_eq!(descendants["value"].as_array().map(Vec::len), Some(3), "{descendants}");
    let entities = admin.post("/providers/Microsoft.Management/getEntities", &json!({})).await.expect(200);
    let entity = entities["value"].as_array().unwrap().iter().find(|e| e["name"] == guid).unwrap().clone();
    assert_eq!(entity["properties"]["parentNameChain"], json!([tenant, "plants", "north"]));

    inherited_role(admin, &scope).await;
    management_group_refusals(admin, &tenant).await;
    assert_eq!(admin.delete(&member("plants")).await.status, 204, "it is not there");
    admin.delete(&management_group("north")).await.refused(409, "ManagementGroupHasChildren");
    assert_eq!(admin.delete(&member("north")).await.status, 200);
    for name in ["north", "plants"] {
        // What lies on a group goes with it.
        assert_eq!(admin.delete(&management_group(name)).await.status, 204);
        admin.get(&management_group(name)).await.refused(404, "ResourceNotFound");
    }
}

/// A role at a group holds in the subscriptions below it, until they are moved away.
async fn inherited_role(admin: &Api, scope: &str) {
    let (eve, object) = user(admin, "regional").await;
    eve.get(scope).await.refused(403, "AuthorizationFailed");
    assign(admin, &management_group("plants"), crate::roles::READER, &object).await;
    assert_eq!(eve.get(scope).await.status, 200);
    eve.put(&management_group("mine"), &json!({})).await.refused(403, "AuthorizationFailed");
    let guid = scope.rsplit('/').next().unwrap();
    let place = |group: &str| format!("{}/subscriptions/{guid}", management_group(group));
    eve.put(&place("plants"), &json!({})).await.refused(403, "AuthorizationFailed");
    assert_eq!(admin.delete(&place("north")).await.status, 200);
    eve.get(scope).await.refused(403, "AuthorizationFailed");
    admin.put(&place("north"), &json!({})).await.expect(200);
    assert_eq!(eve.get(scope).await.status, 200);
}

async fn management_group_refusals(admin: &Api, tenant: &str) {
    admin
        .put(&management_group("lost"), &below("nowhere"))
        .await
        .refused(404, "ParentManagementGroupNotFound");
    admin.put(&management_group("plants"), &below("north")).await.refused(400, "InvalidParentGroup");
    admin.put(&management_group(tenant), &below("plants")).await.refused(400, "InvalidParentGroup");
    admin.delete(&management_group(tenant)).await.refused(409, "RootManagementGroupCannotBeDeleted");
    admin.put(&management_group("bad*name"), &json!({})).await.refused(400, "InvalidResourceName");
    let mut parent = "plants".to_owned();
    for level in 2..=6 {
        let name = format!("level{level}");
        admin.put(&management_group(&name), &below(&parent)).await.expect(200);
        parent = name;
    }
    admin
        .put(&management_group("level7"), &below(&parent))
        .await
        .refused(400, "ManagementGroupDepthExceeded");
    for level in (2..=6).rev() {
        assert_eq!(admin.delete(&management_group(&format!("level{level}"))).await.status, 204);
    }
    let available = async |name: &str| {
        let body = json!({"name": name, "type": "Microsoft.Management/managementGroups"});
        admin.post("/providers/Microsoft.Management/checkNameAvailability", &body).await.expect(200)
    };
    assert_eq!(available("free").await["nameAvailable"], true);
    assert_eq!(available("NORTH").await["reason"], "AlreadyExists");
    assert_eq!(available("a/b").await["reason"], "Invalid");
}

async fn subscriptions(admin: &Api) {
    let alias = "/providers/Microsoft.Subscription/aliases/factory";
    admin.put(&management_group("plants"), &json!({})).await.expect(200);
    let body = json!({"properties": {"displayName": "Factory", "workload": "Production", "billingScope": "/none",
        "additionalProperties": {"managementGroupId": management_group("plants"), "tags": {"line": "3"}}}});
    let made = admin.put(alias, &body).await.expect(201);
    assert_eq!(made["properties"]["provisioningState"], "Succeeded");
    let guid = made["properties"]["subscriptionId"].as_str().unwrap().to_owned();
    let scope = format!("/subscriptions/{guid}");
    let again = admin.put(alias, &body).await.expect(200);
    assert_eq!(again["properties"]["subscriptionId"], guid, "an order that is sent again is the same one");
    let shown = admin.get(&scope).await.expect(200);
    assert_eq!(
        (&shown["displayName"], &shown["state"], &shown["tags"]["line"]),
        (&json!("Factory"), &json!("Enabled"), &json!("3"))
    );
    let placed = admin.get(&format!("{}/subscriptions", management_group("plants"))).await.expect(200);
    assert_eq!(placed["value"][0]["name"], guid);
    let unknown = json!({"properties": {"subscriptionId": "00000000-0000-0000-0000-00000000dead"}});
    admin
        .put("/providers/Microsoft.Subscription/aliases/ghost", &unknown)
        .await
        .refused(404, "SubscriptionNotFound");

    let act = async |verb: &str, body: Value| {
        admin.post(&format!("{scope}/providers/Microsoft.Subscription/{verb}"), &body).await
    };
    assert_eq!(act("rename", json!({"subscriptionName": "Works"})).await.expect(200)["subscriptionId"], guid);
    act("rename", json!({})).await.refused(400, "InvalidSubscriptionName");
    let plant = format!("{scope}/resourceGroups/plant");
    let body = json!({"location": "local"});
    admin.put(&plant, &body).await.expect(201);
    admin.put(&machine(&plant, "press"), &body).await.expect(200);
    act("cancel", json!({})).await.expect(200);
    let shown = admin.get(&scope).await.expect(200);
    assert_eq!((&shown["displayName"], &shown["state"]), (&json!("Works"), &json!("Disabled")));
    for answer in [
        admin.put(&format!("{scope}/resourceGroups/other"), &body).await,
        admin.patch(&machine(&plant, "press"), &json!({"tags": {"a": "b"}})).await,
        admin
            .patch(
                &format!("{plant}/providers/Microsoft.Resources/tags/default"),
                &json!({"operation": "Merge", "properties": {"tags": {"a": "b"}}}),
            )
            .await,
    ] {
        answer.refused(409, "ReadOnlyDisabledSubscription");
    }
    assert_eq!(admin.delete(&machine(&plant, "press")).await.status, 204, "cleaning up is possible");
    admin.put(&scope, &json!({"displayName": "Works"})).await.expect(200);
    assert_eq!(admin.get(&scope).await.expect(200)["state"], "Disabled", "a PUT enables nothing");
    act("enable", json!({})).await.expect(200);
    admin.put(&machine(&plant, "press"), &body).await.expect(200);
}

async fn flat_list(admin: &Api) {
    let scope = subscription(admin).await;
    let (left, right) = (group(admin, "left").await, group(admin, "right").await);
    make_machines(admin, &left, "m", 30).await;
    let key = bowline_e2e::keys::Key::generate();
    let oven = format!("{right}/providers/Microsoft.Kubernetes/connectedClusters/oven");
    let body = json!({"location": "East US", "tags": {"Env": "dev"}, "identity": {"type": "SystemAssigned"},
        "properties": {"agentPublicKeyCertificate": key.public()}});
    admin.put(&oven, &body).await.expect(201);

    let mut names = Vec::new();
    let mut next = Some(format!("{scope}/resources?api-version=2025-04-01&$top=7"));
    while let Some(link) = next {
        let page = admin.get(&link).await.expect(200);
        let value = page["value"].as_array().unwrap();
        assert!(value.len() <= 7);
        names.extend(value.iter().map(|r| r["name"].as_str().unwrap().to_owned()));
        next = page["nextLink"].as_str().map(str::to_owned);
    }
    assert_eq!(names.len(), 31, "each resource once: {names:?}");
    names.dedup();
    assert_eq!(names.len(), 31);

    let count = async |filter: &str| {
        let path = format!("{scope}/resources?api-version=2025-04-01&$filter={}", urlencode(filter));
        admin.get(&path).await.expect(200)["value"].as_array().unwrap().len()
    };
    for (filter, expected) in [
        ("resourceGroup eq 'left'", 30),
        ("resourceType eq 'microsoft.kubernetes/connectedclusters'", 1),
        ("tagname eq 'env' and tagvalue eq 'dev'", 1),
        ("tagName eq 'env' and tagValue eq 'Dev'", 0),
        ("substringof('01', name)", 11),
        ("name eq 'oven' or name eq 'm003'", 2),
        ("location eq 'eastus' and name ne 'x'", 1),
        ("resourceGroup eq 'left' and startswith(name, 'm00')", 10),
    ] {
        assert_eq!(count(filter).await, expected, "{filter}");
    }
    admin
        .get(&format!("{scope}/resources?api-version=2025-04-01&$filter=name+like+x"))
        .await
        .refused(400, "InvalidFilter");
    let plain = admin.get(&format!("{right}/resources")).await.expect(200)["value"][0].clone();
    assert!(plain.get("createdTime").is_none() && plain.get("properties").is_none(), "{plain}");
    let expanded = admin
        .get(&format!(
            "{right}/resources?api-version=2025-04-01&$expand=createdTime,changedTime,provisioningState"
        ))
        .await
        .expect(200)["value"][0]
        .clone();
    assert!(expanded["createdTime"].is_string() && expanded["provisioningState"].is_string(), "{expanded}");
    assert_eq!(expanded["location"], "eastus");

    let (eve, object) = user(admin, "right-only").await;
    eve.get(&format!("{scope}/resources")).await.refused(403, "AuthorizationFailed");
    assign(admin, &right, crate::roles::READER, &object).await;
    let seen = eve.get(&format!("{scope}/resources")).await.expect(200);
    assert_eq!(seen["value"].as_array().map(Vec::len), Some(1), "{seen}");
    admin
        .get("/subscriptions/00000000-0000-0000-0000-00000000dead/resources")
        .await
        .refused(404, "SubscriptionNotFound");
}

fn urlencode(text: &str) -> String {
    text.replace(' ', "%20").replace('\'', "%27")
}

#[tokio::test]
async fn namespaces_are_described_registered_and_unregistered() {
    let server = Server::usual().await;
    let admin = server.admin().await;
    let scope = subscription(&admin).await;
    let id = group(&admin, "g").await;
    let body = json!({"location": "local"});
    let at = |namespace: &str| format!("{scope}/providers/{namespace}");
    for namespace in [
        "Microsoft.Kubernetes",
        "Microsoft.KubernetesConfiguration",
        "Microsoft.ExtendedLocation",
        "Microsoft.Management",
    ] {
        assert_eq!(
            admin.get(&at(namespace)).await.expect(200)["registrationState"],
            "Registered",
            "{namespace}"
        );
    }
    let kubernetes = admin.get(&at("microsoft.kubernetes")).await.expect(200);
    let clusters = &kubernetes["resourceTypes"][0];
    assert_eq!(clusters["resourceType"], "connectedClusters");
    assert!(clusters["locations"].as_array().unwrap().contains(&json!("East US")), "{clusters}");
    let versions: Vec<&str> =
        clusters["apiVersions"].as_array().unwrap().iter().map(|v| v.as_str().unwrap()).collect();
    let finals: Vec<&&str> = versions.iter().filter(|v| !v.contains("preview")).collect();
    assert!(finals.is_sorted_by(|a, b| a >= b) && !versions[0].contains("preview"), "{versions:?}");

    let machines = "Microsoft.HybridCompute";
    assert_eq!(
        admin.post(&format!("{}/unregister", at(machines)), &json!({})).await.expect(200)["registrationState"],
        "Unregistered"
    );
    admin.put(&machine(&id, "m"), &body).await.refused(409, "MissingSubscriptionRegistration");
    assert_eq!(
        admin.post(&format!("{}/register", at("microsoft.hybridcompute")), &json!({})).await.expect(200)["registrationState"],
        "Registered"
    );
    admin.put(&machine(&id, "m"), &body).await.expect(200);
    admin
        .post(&format!("{}/unregister", at(machines)), &json!({}))
        .await
        .refused(409, "ResourceProviderHasResources");
    admin
        .post(&format!("{}/unregister", at("Microsoft.Authorization")), &json!({}))
        .await
        .refused(409, "CannotUnregister");
    admin
        .post(&format!("{}/register", at("Contoso.Things")), &json!({}))
        .await
        .refused(404, "InvalidResourceNamespace");
    let (eve, _) = user(&admin, "passerby").await;
    eve.post(&format!("{}/register", at(machines)), &json!({})).await.refused(403, "AuthorizationFailed");

    let operations = admin.get("/providers/Microsoft.Kubernetes/operations").await.expect(200);
    assert!(
        operations["value"]
            .as_array()
            .unwrap()
            .iter()
            .any(|o| o["name"] == "Microsoft.Kubernetes/connectedClusters/write"),
        "{operations}"
    );
    let types = admin.get(&format!("{}/resourceTypes", at(machines))).await.expect(200);
    assert!(types["value"].as_array().unwrap().iter().any(|t| t["resourceType"] == "machines"), "{types}");
}

#[tokio::test]
async fn locations_are_those_of_azure_and_those_that_somebody_made() {
    let server = Server::usual().await;
    let admin = server.admin().await;
    let scope = subscription(&admin).await;
    let id = group(&admin, "g").await;
    let names = async || {
        let listed = admin.get(&format!("{scope}/locations")).await.expect(200);
        listed["value"]
            .as_array()
            .unwrap()
            .iter()
            .map(|l| (l["name"].as_str().unwrap().to_owned(), l["displayName"].as_str().unwrap().to_owned()))
            .collect::<Vec<_>>()
    };
    let before = names().await;
    assert!(
        before.contains(&("local".to_owned(), "Local".to_owned()))
            && before.contains(&("eastus".to_owned(), "East US".to_owned()))
    );
    let at = |location: &str| json!({"location": location});
    let message = admin
        .put(&machine(&id, "m"), &at("Factory Floor"))
        .await
        .refused(400, "LocationNotAvailableForResourceType");
    assert!(message.contains("local") && message.contains("eastus"), "it lists what there is: {message}");
    admin
        .put(&format!("{scope}/resourceGroups/x"), &at("mars"))
        .await
        .refused(400, "LocationNotAvailableForResourceGroup");
    let location = "/providers/Microsoft.Bowline/locations/factoryfloor";
    admin
        .put(location, &json!({"properties": {"displayName": "Somewhere"}}))
        .await
        .refused(400, "InvalidDisplayName");
    admin.put(location, &json!({"properties": {"displayName": "Factory Floor"}})).await.expect(201);
    assert_eq!(
        admin.put(&machine(&id, "m"), &at("Factory Floor")).await.expect(200)["location"],
        "factoryfloor"
    );
    assert!(names().await.contains(&("factoryfloor".to_owned(), "Factory Floor".to_owned())));
    assert_eq!(admin.delete(location).await.status, 200);
    admin.put(&machine(&id, "m"), &json!({"location": "factoryfloor", "tags": {"a": "b"}})).await.expect(200);
    admin.put(&id, &at("eastus")).await.refused(409, "InvalidResourceGroupLocation");
    let (eve, _) = user(&admin, "passerby").await;
    eve.get(&format!("{scope}/locations")).await.refused(403, "AuthorizationFailed");
}

#[tokio::test]
async fn features_are_remembered() {
    let server = Server::usual().await;
    let admin = server.admin().await;
    let scope = subscription(&admin).await;
    let features = format!("{scope}/providers/Microsoft.Features/providers/Microsoft.Kubernetes/features");
    let feature = format!("{features}/Previews");
    assert_eq!(admin.get(&feature).await.expect(200)["properties"]["state"], "NotRegistered");
    let registered = admin.post(&format!("{feature}/register"), &json!({})).await.expect(200);
    assert_eq!(
        (&registered["name"], &registered["properties"]["state"]),
        (&json!("Microsoft.Kubernetes/Previews"), &json!("Registered"))
    );
    assert_eq!(admin.get(&features).await.expect(200)["value"][0]["name"], "Microsoft.Kubernetes/Previews");
    assert_eq!(
        admin.get(&format!("{scope}/providers/Microsoft.Features/features")).await.expect(200)["value"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    let registration = format!(
        "{scope}/providers/Microsoft.Features/featureProviders/Microsoft.Kubernetes/subscriptionFeatureRegistrations"
    );
    assert_eq!(
        admin.get(&format!("{registration}/Previews")).await.expect(200)["properties"]["providerNamespace"],
        "Microsoft.Kubernetes"
    );
    let body = json!({"properties": {"metadata": {"a": "b"}}});
    assert_eq!(
        admin.put(&format!("{registration}/Other"), &body).await.expect(200)["properties"]["metadata"]["a"],
        "b"
    );
    assert_eq!(admin.get(&registration).await.expect(200)["value"].as_array().map(Vec::len), Some(2));
    assert_eq!(admin.delete(&format!("{registration}/Other")).await.status, 200);
    assert_eq!(admin.delete(&format!("{registration}/Other")).await.status, 204);
    admin.get(&format!("{registration}/Other")).await.refused(404, "FeatureRegistrationNotFound");
    assert_eq!(
        admin.post(&format!("{feature}/unregister"), &json!({})).await.expect(200)["properties"]["state"],
        "Unregistered"
    );
    admin
        .get(&feature.replace("Microsoft.Kubernetes", "Contoso.Things"))
        .await
        .refused(404, "InvalidResourceNamespace");
}

#[tokio::test]
async fn what_a_group_cannot_do_as_a_whole_says_so() {
    let server = Server::usual().await;
    let admin = server.admin().await;
    let id = group(&admin, "g").await;
    for (action, code) in [
        ("moveResources", "ResourceMoveNotSupported"),
        ("validateMoveResources", "ResourceMoveNotSupported"),
        ("exportTemplate", "ExportTemplateNotSupported"),
    ] {
        admin.post(&format!("{id}/{action}"), &json!({"resources": []})).await.refused(409, code);
    }
    for (path, status) in [(id.as_str(), 204), (&format!("{id}-none"), 404), (&machine(&id, "none"), 404)] {
        assert_eq!(Api::send(admin.request(Method::HEAD, path)).await.status, status, "{path}");
    }
    admin.delete(&format!("{id}-none")).await.refused(404, "ResourceGroupNotFound");
    let tagged =
        admin.patch(&id, &json!({"tags": {"Env": "dev"}, "managedBy": "/someone"})).await.expect(200);
    assert_eq!((&tagged["tags"]["Env"], &tagged["managedBy"]), (&json!("dev"), &json!("/someone")));
    let scope = subscription(&admin).await;
    let listed = admin
        .get(&format!(
            "{scope}/resourcegroups?api-version=2024-11-01&$filter={}",
            urlencode("tagname eq 'env' and tagvalue eq 'dev'")
        ))
        .await
        .expect(200);
    assert_eq!(listed["value"][0]["name"], "g");
}
