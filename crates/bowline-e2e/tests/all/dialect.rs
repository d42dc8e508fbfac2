//! ARM's dialect as real clients speak it: URLs in every shape that they send, what is not served, headers, types beside the first two.

use bowline_e2e::api::{Answer, Api};
use bowline_e2e::server::{Server, group, subscription};
use reqwest::Method;
use serde_json::{Value, json};

use crate::resources::machine;

/// A request whose URL is sent as it is written here.
async fn raw(api: &Api, method: Method, url: &str) -> Answer {
    let request = api.http.request(method, format!("{}{url}", api.base));
    Api::send(request.bearer_auth(api.bearer.as_deref().unwrap())).await
}

#[tokio::test]
async fn urls_are_taken_in_every_shape_that_clients_send() {
    let server = Server::usual().await;
    let admin = server.admin().await;
    let id = group(&admin, "Plant").await;
    let scope = subscription(&admin).await;
    let press = machine(&id, "press");
    admin.put(&press, &json!({"location": "local", "tags": {"env": "dev"}})).await.expect(200);
    let lower = press.to_lowercase();
    let doubled = press.replace("Microsoft.HybridCompute/", "Microsoft.HybridCompute//");
    let shouted = press.replace("resourceGroups", "RESOURCEGROUPS").replace("providers", "Providers");
    for url in [
        format!("{lower}?api-version=2025-06-01"),
        format!("{doubled}?api-version=2025-06-01"),
        format!("/{shouted}/?api-version=2025-06-01"),
        format!("{press}?api%2Dversion=2025-06-01"),
        format!("{press}?API-VERSION=2025-06-01"),
        format!("{press}?%61pi-version=2025%2D06%2D01"),
        format!("{press}?api-version=2025%252D06%252D01"),
        format!("{press}?$expand=instanceView&api-version=2025-06-01"),
    ] {
        assert_eq!(raw(&admin, Method::GET, &url).await.expect(200)["name"], "press", "{url}");
    }
    for filter in [
        "tagname eq 'env' and tagvalue eq 'dev'",
        "tagName eq 'env' and tagValue eq 'dev'",
        "TAGNAME EQ 'env' AND TAGVALUE EQ 'dev'",
    ] {
        let once: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
        let spaces = once.replace('+', "%20");
        let twice: String = url::form_urlencoded::byte_serialize(spaces.as_bytes()).collect();
        for query in [&once, &spaces, &twice] {
            let url = format!(
                "{scope}/providers/Microsoft.HybridCompute/machines?api-version=2025-06-01&%24filter={query}&%24top=5"
            );
            let listed = raw(&admin, Method::GET, &url).await.expect(200);
            assert_eq!(listed["value"].as_array().map(Vec::len), Some(1), "{url}");
        }
    }
    // Extensions on extensions, and a second `providers` that is a type.
    let settings = format!("{press}/providers/Microsoft.Bowline/agentSettings/default");
    admin.put(&settings, &json!({"properties": {"logLevel": "info"}})).await.expect(201);
    let assignments = format!("{settings}/providers/Microsoft.Authorization/roleAssignments");
    assert!(admin.get(&assignments).await.expect(200)["value"].is_array());
    admin.get("/foo/bar").await.refused(404, "InvalidRequestPath");
}

#[tokio::test]
async fn what_is_not_served_says_so_in_codes_that_clients_know() {
    let server = Server::usual().await;
    let admin = server.admin().await;
    let id = group(&admin, "g").await;
    let press = machine(&id, "press");
    admin.put(&press, &json!({"location": "local"})).await.expect(200);
    for (path, code, words) in [
        ("Microsoft.Compute/virtualMachines/v", "InvalidResourceType", "does not serve"),
        ("Microsoft.HybridCompute/bogus/b", "InvalidResourceType", "machines"),
        ("Contoso.Own/things/t", "InvalidResourceNamespace", "GET /providers"),
    ] {
        let path = format!("{id}/providers/{path}");
        for answer in [admin.get(&path).await, admin.put(&path, &json!({"location": "local"})).await] {
            let message = answer.refused(404, code);
            assert!(message.contains(words), "{path}: {message}");
        }
    }
    let put = |body: &'static str, kind: &'static str| {
        admin.request(Method::PUT, &press).header("content-type", kind).body(body)
    };
    Api::send(put("{\"location\":", "application/json")).await.refused(400, "InvalidRequestContent");
    Api::send(put("location=local", "application/x-www-form-urlencoded"))
        .await
        .refused(415, "UnsupportedMediaType");
    Api::send(put("\"text\"", "application/json")).await.refused(400, "InvalidRequestContent");
    let answer = Api::send(admin.request(Method::POST, &press).json(&json!({}))).await;
    answer.refused(405, "MethodNotAllowed");
    assert!(answer.header("allow").is_some_and(|a| a.contains("PATCH")), "{answer:?}");
    let wrong = Api::send(admin.request(Method::DELETE, "/agents/v1/self")).await;
    wrong.refused(405, "MethodNotAllowed");
    assert!(wrong.header("allow").is_some_and(|a| a.contains("GET")), "{wrong:?}");
    let described = server.api().get("/openapi").await.expect(200);
    assert!(described["value"].as_array().is_some_and(|v| v.len() > 10), "{described}");
    let machines = server.api().get("/openapi/Microsoft.HybridCompute/2025-06-01.json").await.expect(200);
    assert_eq!(machines["info"]["version"], "2025-06-01");
    server
        .api()
        .get("/openapi/microsoft.hybridcompute/1999-01-01.json")
        .await
        .refused(404, "InvalidRequestPath");
    let list = format!("{id}/providers/Microsoft.HybridCompute/machines");
    admin.get(&format!("{list}?$filter=name%20zz%20'a'")).await.refused(400, "InvalidFilter");
    admin.get(&format!("{list}?$top=many")).await.refused(400, "InvalidTop");
    admin.post(&format!("{press}/bogus"), &json!({})).await.refused(404, "InvalidResourceAction");
    let query = admin
        .post("/providers/Microsoft.ResourceGraph/resourcesHistory", &json!({"query": "Resources"}))
        .await;
    query.refused(400, "OperationNotSupported");
    let upgrade = json!({"extensionTargets": {"A.B": {"targetVersion": "1.0"}}});
    admin.post(&format!("{press}/upgradeExtensions"), &upgrade).await.refused(400, "OperationNotSupported");
}

#[tokio::test]
async fn what_a_machine_is_declared_to_have_is_kept_and_says_that_it_is_not_done() {
    let server = Server::usual().await;
    let admin = server.admin().await;
    let id = group(&admin, "g").await;
    let scope = subscription(&admin).await;
    let press = machine(&id, "press");
    let extension = format!("{press}/extensions/script");
    let body = json!({"location": "local", "properties": {"publisher": "Contoso", "type": "Script",
        "typeHandlerVersion": "1.10", "settings": {"a": 1}, "protectedSettings": {"token": "s3cret"}}});
    admin.put(&extension, &body).await.refused(404, "ParentResourceNotFound");
    admin.put(&press, &json!({"location": "local"})).await.expect(200);
    let made = admin.put(&extension, &body).await.expect(200);
    assert_eq!(made["type"], "Microsoft.HybridCompute/machines/extensions");
    assert_eq!(made["properties"]["instanceView"]["status"]["code"], "NotExecuted", "{made}");
    assert_eq!(made["properties"]["protectedSettings"], json!({}), "a secret is never shown");
    let again = admin.put(&extension, &body).await.expect(200);
    assert_eq!(again["etag"], made["etag"], "the same document changes nothing");
    let patched =
        admin.patch(&extension, &json!({"properties": {"enableAutomaticUpgrade": true}})).await.expect(200);
    assert_eq!(patched["properties"]["settings"], json!({"a": 1}));
    let versions = format!(
        "{scope}/providers/Microsoft.HybridCompute/locations/local/publishers/contoso/extensionTypes/script/versions"
    );
    let listed = admin.get(&versions).await.expect(200);
    assert_eq!(listed["value"][0]["properties"]["version"], "1.10", "{listed}");
    assert_eq!(
        admin.get(&format!("{versions}/1.10")).await.expect(200)["properties"]["publisher"],
        "Contoso"
    );
    admin.get(&format!("{versions}/9")).await.refused(404, "ResourceNotFound");

    let command = format!("{press}/runCommands/hello");
    let script =
        json!({"location": "local", "properties": {"source": {"script": "echo"}, "runAsPassword": "s3cret"}});
    let made = admin.put(&command, &script).await.expect(201);
    assert_eq!(made["properties"]["instanceView"]["executionState"], "Pending", "{made}");
    assert!(!made.to_string().contains("s3cret"));
    let none = json!({"location": "local", "properties": {"source": {}}});
    admin.put(&command, &none).await.refused(400, "InvalidRequestContent");
    let assessed = admin.post(&format!("{press}/assessPatches"), &json!({})).await.expect(200);
    assert_eq!(assessed["errorDetails"]["code"], "OperationNotSupported", "{assessed}");
    let network = admin.get(&format!("{press}/networkProfile")).await.expect(200);
    assert_eq!(network["networkInterfaces"], json!([]));

    let link = format!("{id}/providers/Microsoft.HybridCompute/privateLinkScopes/link");
    let made = admin.put(&link, &json!({"location": "local"})).await.expect(201);
    let guid = made["properties"]["privateLinkScopeId"].as_str().unwrap();
    let found = format!("{scope}/providers/Microsoft.HybridCompute/locations/local/privateLinkScopes/{guid}");
    assert_eq!(admin.get(&found).await.expect(200)["id"], link);
    let groups = admin.get(&format!("{link}/privateLinkResources")).await.expect(200);
    assert_eq!(groups["value"][0]["name"], "hybridcompute", "{groups}");
    assert_eq!(admin.get(&format!("{link}/privateLinkResources/HybridCompute")).await.status, 200);
    let connections = format!("{link}/privateEndpointConnections");
    assert_eq!(admin.get(&connections).await.expect(200)["value"], json!([]));
    admin.put(&format!("{connections}/c"), &json!({})).await.refused(405, "MethodNotAllowed");

    let license = json!({"location": "local", "properties": {"licenseDetails": {"edition": "datacenter", "processors": 6}}});
    let validated = admin
        .post(&format!("{scope}/providers/Microsoft.HybridCompute/validateLicense"), &license)
        .await
        .expect(200);
    assert_eq!(validated["properties"]["licenseDetails"]["edition"], "Datacenter");
    assert!(validated["properties"]["licenseDetails"]["immutableId"].is_string(), "{validated}");

    let query = format!("{id}/providers/Microsoft.ResourceGraph/queries/mine");
    let made: Value = admin.put(&query, &json!({"properties": {"query": "Resources"}})).await.expect(200);
    assert_eq!(made["properties"]["resultKind"], "basic", "{made}");
    admin.put(&query, &json!({})).await.refused(400, "InvalidRequestContent");
    for (gone, status) in [(&command, 204), (&extension, 200), (&link, 200), (&query, 200)] {
        assert_eq!(admin.delete(gone).await.status, status, "{gone}");
    }
}
