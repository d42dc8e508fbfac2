//! The activity log: every change of a caller beside its entry, read in Azure's shape, masked, on both databases.

use bowline_e2e::api::Api;
use bowline_e2e::postgres::postgres;
use bowline_e2e::server::{Options, Server, group};
use bowline_e2e::wait::{seconds, until_true};
use serde_json::{Value, json};

use crate::resources::machine;
use crate::roles::{READER, assign, user};

/// The values of a log's pages, newest first.
pub(crate) async fn log(api: &Api, scope: &str, filter: &str) -> Vec<Value> {
    let query: String = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("api-version", "2015-04-01")
        .append_pair("$filter", &format!("eventTimestamp ge '2020-01-01T00:00:00Z'{filter}"))
        .finish();
    let mut next = Some(format!("{scope}/providers/microsoft.insights/eventtypes/management/values?{query}"));
    let mut all = Vec::new();
    while let Some(link) = next {
        let page = api.get(&link).await.expect(200);
        all.extend(page["value"].as_array().unwrap().iter().cloned());
        next = page["nextLink"].as_str().map(str::to_owned);
    }
    all
}

/// Action, status and whether there was a tag before and after.
fn brief(event: &Value) -> (&str, &str, bool, bool) {
    let properties = &event["properties"];
    (
        event["operationName"]["value"].as_str().unwrap(),
        event["status"]["value"].as_str().unwrap(),
        properties["etagBefore"].is_string(),
        properties["etagAfter"].is_string(),
    )
}

async fn what_was_done_is_told(options: Options) {
    let server = Server::start(options).await;
    let admin = server.admin().await;
    let scope = group(&admin, "told").await;
    let subscription = scope.split("/resourceGroups").next().unwrap();
    let id = machine(&scope, "m");
    let body = json!({"location": "local"});
    let _ = admin.put(&id, &body).await.expect(200);
    // The same again writes nothing, and tells nothing.
    let _ = admin.put(&id, &body).await.expect(200);
    let _ = admin.put(&id, &json!({"location": "local", "tags": {"a": "b"}})).await.expect(200);
    assert_eq!(admin.delete(&id).await.status, 204);
    let only = format!(" and resourceUri eq '{id}'");
    let events = log(&admin, subscription, &only).await;
    let write = "Microsoft.HybridCompute/machines/write";
    let expected = [
        ("Microsoft.HybridCompute/machines/delete", "Succeeded", true, false),
        (write, "Succeeded", true, true),
        (write, "Succeeded", false, true),
    ];
    assert_eq!(events.iter().map(brief).collect::<Vec<_>>(), expected);
    let event = &events[2];
    assert_eq!(event["caller"], "admin");
    assert_eq!(event["authorization"], json!({"action": write, "scope": id}));
    assert_eq!(event["httpRequest"]["clientIpAddress"], "127.0.0.1");
    assert_eq!(event["httpRequest"]["method"], "PUT");
    assert_eq!(event["resourceGroupName"], "told");
    assert_eq!(event["resourceType"]["value"], "Microsoft.HybridCompute/machines");
    assert_eq!(event["properties"]["etagAfter"], events[1]["properties"]["etagBefore"]);
    let correlation = event["correlationId"].as_str().unwrap();
    assert_eq!(
        log(&admin, subscription, &format!(" and correlationId eq '{correlation}'")).await,
        std::slice::from_ref(event)
    );
    assert_eq!(log(&admin, subscription, " and resourceGroupName eq 'elsewhere'").await, [Value::Null; 0]);

    // An operation: accepted, and then what it deletes, in the name of whoever asked for it.
    let _ = admin.put(&id, &body).await.expect(200);
    assert_eq!(admin.delete(&scope).await.status, 202);
    let group_delete = " and resourceGroupName eq 'told' and operations eq 'Microsoft.Resources/subscriptions/resourceGroups/delete'";
    until_true("the group is gone", seconds(20), async || {
        log(&admin, subscription, group_delete).await.len() == 2
    })
    .await;
    let deletes = log(&admin, subscription, group_delete).await;
    let statuses: Vec<_> = deletes.iter().map(|event| event["status"]["value"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["Succeeded", "Accepted"]);
    assert!(deletes.iter().all(|event| event["caller"] == "admin"), "{deletes:#?}");
    assert_eq!(deletes[0]["correlationId"], deletes[1]["correlationId"]);

    // What lies in no subscription is the tenant's.
    let tenant = log(&admin, "", "").await;
    assert!(tenant.iter().all(|event| event["subscriptionId"] == ""));
    assert!(tenant.iter().any(|event| event["operationName"]["value"] == "Microsoft.Bowline/users/write"));
}

#[tokio::test]
async fn what_was_done_is_told_on_sqlite() {
    what_was_done_is_told(Options::default()).await;
}

#[tokio::test]
async fn what_was_done_is_told_on_postgresql() {
    let Some(postgres) = postgres("activity::what_was_done_is_told_on_postgresql") else { return };
    what_was_done_is_told(Options { database: Some(postgres.database()), ..Options::default() }).await;
}

#[tokio::test]
async fn callers_see_what_they_may_read_in_pages() {
    let server = Server::start(Options::default()).await;
    let admin = server.admin().await;
    let (mine, other) = (group(&admin, "mine").await, group(&admin, "other").await);
    let subscription = mine.split("/resourceGroups").next().unwrap();
    for n in 0..230 {
        let _ = admin.put(&machine(&mine, &format!("m{n}")), &json!({"location": "local"})).await.expect(200);
    }
    let _ = admin.put(&machine(&other, "m"), &json!({"location": "local"})).await.expect(200);
    let (eve, object) = user(&admin, "eve").await;
    let path = format!(
        "{subscription}/providers/Microsoft.Insights/eventtypes/management/values?api-version=2015-04-01"
    );
    assert_eq!(eve.get(&path).await.status, 403);
    assign(&admin, &mine, READER, &object).await;
    until_true("the role is known", seconds(5), async || eve.get(&path).await.status == 200).await;
    let seen = log(&eve, subscription, "").await;
    let inside = |event: &Value| event["resourceId"].as_str().unwrap().starts_with(&mine);
    // The group, its machines, the assignment: two pages.
    assert_eq!(seen.len(), 232);
    assert!(seen.iter().all(inside));
    assert!(log(&admin, subscription, "").await.iter().any(|event| !inside(event)));
    let first = eve.get(&format!("{path}&$select=caller,level")).await.expect(200);
    assert_eq!(first["value"][0], json!({"caller": "admin", "level": "Informational"}));
    assert_eq!(first["value"].as_array().unwrap().len(), 200);
    eve.get(&format!("{path}&$filter=color%20eq%20'red'")).await.refused(400, "InvalidFilter");
}
