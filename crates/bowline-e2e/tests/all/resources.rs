//! ARM's resources over HTTPS: shapes, versions, refusals, preconditions, pages, long-running deletes.

use std::collections::BTreeMap;

use bowline_e2e::api::{Answer, Api};
use bowline_e2e::keys::Key;
use bowline_e2e::server::{Server, group, subscription};
use bowline_e2e::wait::{seconds, until};
use futures::StreamExt as _;
use reqwest::Method;
use serde_json::{Value, json};

pub(crate) fn machine(group: &str, name: &str) -> String {
    format!("{group}/providers/Microsoft.HybridCompute/machines/{name}")
}

fn cluster(group: &str, name: &str) -> String {
    format!("{group}/providers/Microsoft.Kubernetes/connectedClusters/{name}")
}

fn cluster_body(key: &Key) -> Value {
    json!({"location": "local", "identity": {"type": "SystemAssigned"},
        "properties": {"agentPublicKeyCertificate": key.public()}})
}

/// Makes machines `{prefix}000…`, many at a time.
pub(crate) async fn make_machines(admin: &Api, group: &str, prefix: &str, count: usize) {
    let body = json!({"location": "local"});
    futures::stream::iter(0..count)
        .map(|n| {
            let (id, body) = (machine(group, &format!("{prefix}{n:03}")), body.clone());
            async move { admin.put(&id, &body).await.expect(200) }
        })
        .buffer_unordered(32)
        .collect::<Vec<_>>()
        .await;
}

async fn with_header(
    api: &Api,
    method: Method,
    path: &str,
    header: (&str, &str),
    body: Option<&Value>,
) -> Answer {
    let mut request = api.request(method, path).header(header.0, header.1);
    if let Some(body) = body {
        request = request.json(body);
    }
    Api::send(request).await
}

#[tokio::test]
async fn a_group_a_machine_and_a_cluster_live_and_die() {
    let server = Server::usual().await;
    let admin = server.admin().await;
    let scope = subscription(&admin).await;
    let id = format!("{scope}/resourceGroups/Plant-1");
    let made = admin.put(&id, &json!({"location": "local", "tags": {"site": "north"}})).await.expect(201);
    assert_eq!(made["type"], "Microsoft.Resources/resourceGroups");
    assert_eq!(made["properties"]["provisioningState"], "Succeeded");
    assert_eq!(admin.put(&id, &json!({"location": "local"})).await.status, 200, "an update answers 200");

    let press = machine(&id, "press-7");
    let made = admin.put(&press, &json!({"location": "local", "tags": {"line": "3"}})).await.expect(200);
    assert_eq!(made["name"], "press-7");
    assert_eq!(made["properties"]["status"], "AwaitingConnection");
    let patched = admin.patch(&press, &json!({"tags": {"line": null, "hall": "B"}})).await.expect(200);
    assert_eq!(patched["tags"], json!({"hall": "B"}), "a merge patch removes with null");
    let got = admin.get(&press).await;
    assert!(got.header("etag").is_some() && got.header("x-ms-request-id").is_some());
    assert_eq!(got.expect(200), patched);

    let key = Key::generate();
    let oven = cluster(&id, "oven");
    let made = admin.put(&oven, &cluster_body(&key)).await.expect(201);
    assert_eq!(made["properties"]["connectivityStatus"], "Connecting");
    assert!(made["identity"]["principalId"].is_string(), "{made}");
    for (collection, name) in
        [("Microsoft.HybridCompute/machines", "press-7"), ("Microsoft.Kubernetes/connectedClusters", "oven")]
    {
        for at in [&id, &scope] {
            let listed = admin.get(&format!("{at}/providers/{collection}")).await.expect(200);
            assert_eq!(listed["value"][0]["name"], name, "{listed}");
        }
    }
    let all = admin.get(&format!("{id}/resources")).await.expect(200);
    assert_eq!(all["value"].as_array().map(Vec::len), Some(2), "{all}");

    assert_eq!(admin.delete(&press).await.status, 204);
    assert_eq!(admin.delete(&oven).await.status, 200);
    for gone in [&press, &oven] {
        admin.get(gone).await.refused(404, "ResourceNotFound");
        assert_eq!(admin.delete(gone).await.status, 204, "deleting nothing is no error");
    }
    delete_and_wait(&admin, &id).await;
    admin.get(&id).await.refused(404, "ResourceGroupNotFound");
}

#[tokio::test]
async fn api_versions_are_demanded_understood_and_served_by_the_nearest() {
    let server = Server::usual().await;
    let admin = server.admin().await;
    let id = group(&admin, "g").await;
    let ask = async |version: &str| admin.get(&format!("{id}?{version}")).await;
    // The harness adds a version unless the path holds the word.
    let url = format!("{}{id}", server.url());
    let bare = Api::send(admin.http.get(&url).bearer_auth(admin.bearer.as_deref().unwrap())).await;
    bare.refused(400, "MissingApiVersionParameter");
    ask("api-version=").await.refused(400, "MissingApiVersionParameter");
    for malformed in ["latest", "2024", "2024-13-01", "2024-01-01-", "01-01-2024"] {
        ask(&format!("api-version={malformed}")).await.refused(400, "InvalidApiVersionParameter");
    }
    for served in ["2024-07-01-preview", "2019-05-10", "2030-01-01", "2021-04-01"] {
        assert_eq!(ask(&format!("api-version={served}")).await.expect(200)["name"], "g", "{served}");
    }
    assert_eq!(admin.get(&format!("{id}?API-Version=2021-04-01")).await.status, 200, "its name has any case");

    let key = Key::generate();
    let oven = cluster(&id, "oven");
    let mut body = cluster_body(&key);
    body["properties"]["gateway"] = json!({"enabled": true});
    body["properties"]["aadProfile"] = json!({"tenantID": "t"});
    admin.put(&oven, &body).await.expect(201);
    let at = async |version: &str| admin.get(&format!("{oven}?api-version={version}")).await.expect(200);
    assert_eq!(at("2026-05-01").await["properties"]["gateway"]["enabled"], true);
    assert!(at("2024-01-01").await["properties"].get("gateway").is_none());
    assert!(at("2021-10-01").await["properties"].get("aadProfile").is_none());
    assert!(at("2020-01-01-preview").await["properties"].get("aadProfile").is_none(), "served by the oldest");
    let older = cluster_body(&key);
    admin.put(&format!("{oven}?api-version=2021-10-01"), &older).await.expect(200);
    let newest = at("2026-05-01").await;
    assert_eq!(newest["properties"]["gateway"]["enabled"], true, "an older PUT keeps what it cannot express");
    assert_eq!(newest["properties"]["aadProfile"]["tenantID"], "t");
    let refused = admin.put(&format!("{oven}?api-version=2026-05-01"), &older).await.expect(200);
    assert!(
        refused["properties"]["gateway"].get("enabled").is_none(),
        "a PUT that could have said it removes it"
    );
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_with_arms_codes() {
    let server = Server::usual().await;
    let admin = server.admin().await;
    let id = group(&admin, "g").await;
    let scope = subscription(&admin).await;
    let body = json!({"location": "local"});
    let unknown = admin.get(&format!("{id}/providers/Contoso.Things/widgets/w")).await;
    unknown.refused(404, "InvalidResourceNamespace");
    let message = admin
        .get(&format!("{id}/providers/Microsoft.HybridCompute/gadgets/w"))
        .await
        .refused(404, "InvalidResourceType");
    assert!(message.contains("Microsoft.HybridCompute/machines"), "it says what exists: {message}");
    admin.get(&format!("{scope}/resourceGroups/none")).await.refused(404, "ResourceGroupNotFound");
    admin
        .put(&machine(&format!("{scope}/resourceGroups/none"), "m"), &body)
        .await
        .refused(404, "ResourceGroupNotFound");
    let strange = "/subscriptions/00000000-0000-0000-0000-00000000dead";
    admin.put(&format!("{strange}/resourceGroups/g"), &body).await.refused(404, "SubscriptionNotFound");
    for bad in ["dot.", "sp%20ace", "per%25cent", "under\u{e4}", &"x".repeat(91)] {
        let answer = admin.put(&format!("{scope}/resourceGroups/{bad}"), &body).await;
        assert_eq!(answer.status, 400, "{bad}: {}", answer.text);
        assert!(answer.body["error"]["message"].as_str().is_some_and(|m| !m.is_empty()), "{}", answer.text);
    }
    admin.put(&machine(&id, &"m".repeat(55)), &body).await.refused(400, "InvalidResourceName");
    admin.put(&machine(&id, "semi;colon"), &body).await.refused(400, "InvalidResourceName");

    let raw = async |text: String| Api::send(admin.request(Method::PUT, &machine(&id, "m")).body(text)).await;
    let message = raw("{\"location\": ".to_owned()).await.refused(400, "InvalidRequestContent");
    assert!(message.contains("line 1"), "it says where: {message}");
    for text in ["", "[]", "null", "\u{1}"] {
        raw(text.to_owned()).await.refused(400, "InvalidRequestContent");
    }
    raw("{}".to_owned()).await.refused(400, "InvalidRequestContent");
    raw("{\"location\": 5}".to_owned()).await.refused(400, "InvalidRequestContent");
    raw(format!("{{\"location\": \"local\", \"tags\": {{\"x\": \"{}\"}}}}", "y".repeat(257)))
        .await
        .refused(400, "InvalidTagValue");
    too_large(&admin, &machine(&id, "m")).await;
    admin.get(&machine(&id, "m")).await.refused(404, "ResourceNotFound");

    let method =
        Api::send(admin.request(Method::PATCH, &format!("{id}/providers/Microsoft.HybridCompute/machines")))
            .await;
    method.refused(405, "MethodNotAllowed");
    let missing = server.api().get(&id).await;
    missing.refused(401, "AuthenticationFailed");
    let challenge = missing.header("www-authenticate").unwrap_or_default();
    assert!(challenge.starts_with("Bearer authorization_uri=\"https://"), "{challenge}");
    let error = admin.get(&machine(&id, "m")).await;
    let members: Vec<&String> = error.body["error"].as_object().unwrap().keys().collect();
    assert!(
        members
            .iter()
            .all(|m| ["code", "message", "target", "details", "additionalInfo"].contains(&m.as_str())),
        "{}",
        error.text
    );
}

/// A body beyond the limit is refused, whether its length is declared or not.
async fn too_large(admin: &Api, path: &str) {
    let text = format!("{{\"location\": \"local\", \"tags\": {{\"x\": \"{}\"}}}}", "y".repeat(5 << 20));
    Api::send(admin.request(Method::PUT, path).body(text.clone()))
        .await
        .refused(413, "RequestEntityTooLarge");
    let chunks: Vec<Result<Vec<u8>, std::io::Error>> =
        text.as_bytes().chunks(1 << 16).map(|c| Ok(c.to_vec())).collect();
    let streamed = reqwest::Body::wrap_stream(futures::stream::iter(chunks));
    Api::send(admin.request(Method::PUT, path).body(streamed)).await.refused(413, "RequestEntityTooLarge");
}

#[tokio::test]
async fn preconditions_and_identical_puts() {
    let server = Server::usual().await;
    let admin = server.admin().await;
    let id = machine(&group(&admin, "g").await, "m");
    let body = json!({"location": "Local", "tags": {"a": "1"}});
    with_header(&admin, Method::PUT, &id, ("If-Match", "*"), Some(&body))
        .await
        .refused(412, "PreconditionFailed");
    let made = with_header(&admin, Method::PUT, &id, ("If-None-Match", "*"), Some(&body)).await;
    let etag = made.header("etag").expect("a PUT answers with the etag").to_owned();
    let first = made.expect(200);
    assert_eq!(first["location"], "local", "locations are normalised");
    assert_eq!(first["systemData"]["createdBy"], "admin");
    assert_eq!(first["systemData"]["createdByType"], "User");
    with_header(&admin, Method::PUT, &id, ("If-None-Match", "*"), Some(&body))
        .await
        .refused(412, "PreconditionFailed");
    assert_eq!(with_header(&admin, Method::GET, &id, ("If-None-Match", &etag), None).await.status, 304);

    let before = server.revision().await;
    for again in [
        body.clone(),
        json!({"location": "local", "tags": {"a": "1"}, "properties": {"status": "Connected", "osName": "x"}}),
    ] {
        let answer = admin.put(&id, &again).await;
        assert_eq!(answer.header("etag"), Some(etag.as_str()));
        assert_eq!(answer.expect(200), first, "read-only properties are ignored, and nothing changed");
    }
    assert_eq!(server.revision().await, before, "an identical PUT costs no revision");

    let changed = json!({"location": "local", "tags": {"a": "2"}});
    let answer = with_header(&admin, Method::PUT, &id, ("If-Match", &etag), Some(&changed)).await;
    let second = answer.expect(200);
    assert!(server.revision().await > before);
    assert_eq!(second["systemData"]["createdAt"], first["systemData"]["createdAt"]);
    assert_ne!(second["systemData"]["lastModifiedAt"], first["systemData"]["lastModifiedAt"]);
    let message = with_header(&admin, Method::PUT, &id, ("If-Match", &etag), Some(&body))
        .await
        .refused(412, "PreconditionFailed");
    assert!(message.contains("etag is now"), "{message}");
    with_header(&admin, Method::DELETE, &id, ("If-Match", &etag), None)
        .await
        .refused(412, "PreconditionFailed");
    assert_eq!(with_header(&admin, Method::GET, &id, ("If-None-Match", &etag), None).await.status, 200);
    with_header(
        &admin,
        Method::PUT,
        &id,
        ("Content-Type", "application/json"),
        Some(&json!({"location": "elsewhere"})),
    )
    .await
    .refused(409, "InvalidResourceLocation");
}

#[tokio::test]
async fn ids_have_any_case_keep_theirs_and_forgive_slashes() {
    let server = Server::usual().await;
    let admin = server.admin().await;
    let id = group(&admin, "Plant-One").await;
    let press = machine(&id, "Press-7");
    admin.put(&press, &json!({"location": "local"})).await.expect(200);
    let shouted = format!("/SUBSCRIPTIONS/{}", press.to_uppercase().trim_start_matches("/SUBSCRIPTIONS/"));
    assert_eq!(admin.get(&shouted).await.expect(200)["id"], press, "the creation's letters stay");
    admin.put(&press.to_lowercase(), &json!({"location": "local", "tags": {"a": "b"}})).await.expect(200);
    let listed = admin
        .get(&format!("{}/providers/microsoft.hybridcompute/MACHINES", id.to_lowercase()))
        .await
        .expect(200);
    assert_eq!(listed["value"].as_array().map(Vec::len), Some(1), "{listed}");
    assert_eq!(listed["value"][0]["id"], press);
    let doubled = press.replace("/providers/", "//providers//");
    assert_eq!(admin.get(&doubled).await.expect(200)["id"], press);
    assert_eq!(admin.get(&format!("{press}/")).await.expect(200)["id"], press);
}

#[tokio::test]
async fn pages_hold_what_existed_throughout_exactly_once() {
    let server = Server::usual().await;
    let admin = server.admin().await;
    let id = group(&admin, "pages").await;
    make_machines(&admin, &id, "m", 250).await;
    let first = format!("{id}/providers/Microsoft.HybridCompute/machines?api-version=2026-07-15&$top=20");
    let mut seen = BTreeMap::<String, usize>::new();
    let (mut next, mut page, mut links) = (Some(first.clone()), 0, Vec::new());
    while let Some(link) = next {
        let answer = admin.get(&link).await.expect(200);
        let value = answer["value"].as_array().unwrap();
        assert!(value.len() <= 20);
        for resource in value {
            *seen.entry(resource["name"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        // Between pages: one is born before and after the cursor, one far ahead dies.
        admin.put(&machine(&id, &format!("m{page:03}-new")), &json!({"location": "local"})).await.expect(200);
        admin.put(&machine(&id, &format!("z{page:03}")), &json!({"location": "local"})).await.expect(200);
        assert_eq!(admin.delete(&machine(&id, &format!("m{:03}", 249 - page))).await.status, 204);
        next = answer["nextLink"].as_str().map(str::to_owned);
        links.extend(next.clone());
        page += 1;
    }
    assert!(page >= 12, "{page} pages");
    for n in 0..250 - page {
        assert_eq!(seen.get(&format!("m{n:03}")), Some(&1), "m{n:03}");
    }
    assert!(seen.values().all(|times| *times == 1), "nothing twice");

    let token = links[0].rsplit("skipToken=").next().unwrap().to_owned();
    let mut bent = token.clone().into_bytes();
    let middle = bent.len() / 2;
    bent[middle] = if bent[middle] == b'A' { b'B' } else { b'A' };
    let bent = String::from_utf8(bent).unwrap();
    admin.get(&format!("{first}&$skipToken={bent}")).await.refused(400, "InvalidSkipToken");
    admin.get(&format!("{first}&$skipToken=zzz")).await.refused(400, "InvalidSkipToken");
    let elsewhere = format!(
        "{}/providers/Microsoft.HybridCompute/machines?api-version=2026-07-15&$skipToken={token}",
        subscription(&admin).await
    );
    admin.get(&elsewhere).await.refused(400, "InvalidSkipToken");
    admin
        .get(&format!("{id}/providers/Microsoft.HybridCompute/machines?api-version=2026-07-15&$top=0"))
        .await
        .refused(400, "InvalidTop");
}

/// Deletes a group and polls as a client does: first the operation, then its result.
async fn delete_and_wait(admin: &Api, id: &str) {
    let accepted = admin.delete(id).await;
    assert_eq!(accepted.status, 202, "{}", accepted.text);
    let (operation, result) = links_of(&accepted);
    wait_for(admin, &operation).await;
    assert_eq!(admin.get(&result).await.status, 204);
}

fn links_of(accepted: &Answer) -> (String, String) {
    assert!(accepted.header("retry-after").is_some_and(|s| s.parse::<u32>().is_ok()));
    let link = |name: &str| accepted.header(name).unwrap_or_else(|| panic!("202 has {name}")).to_owned();
    (link("azure-asyncoperation"), link("location"))
}

async fn wait_for(admin: &Api, operation: &str) -> Value {
    until("the operation's end", seconds(60), async || {
        let status = admin.get(operation).await.expect(200);
        match status["status"].as_str() {
            Some("InProgress") => None,
            Some("Succeeded") => Some(status),
            other => panic!("{other:?}: {status}"),
        }
    })
    .await
}

#[tokio::test]
async fn deleting_a_full_group_survives_a_killed_server() {
    let mut server = Server::usual().await;
    let admin = server.admin().await;
    let id = group(&admin, "doomed").await;
    make_machines(&admin, &id, "m", 400).await;
    let accepted = admin.delete(&id).await;
    assert_eq!(accepted.status, 202, "{}", accepted.text);
    let (operation, result) = links_of(&accepted);
    server.kill();
    server.restart().await;
    let admin = Api { http: server.api().http, ..admin };
    let after = admin.get(&operation).await.expect(200);
    eprintln!("after the restart: {}", after["status"]);
    if after["status"] == "InProgress" {
        admin
            .put(&machine(&id, "late"), &json!({"location": "local"}))
            .await
            .refused(409, "ResourceGroupBeingDeleted");
    }
    let done = wait_for(&admin, &operation).await;
    assert!(done["endTime"].is_string() && done["percentComplete"] == 100.0, "{done}");
    assert_eq!(admin.get(&result).await.status, 204);
    admin.get(&id).await.refused(404, "ResourceGroupNotFound");
    let left = admin
        .get(&format!("{}/providers/Microsoft.HybridCompute/machines", subscription(&admin).await))
        .await
        .expect(200);
    assert_eq!(left["value"], json!([]));
}
