//! Queries over resources as clients of Resource Graph ask them: what they give, how they page, how they are refused, and that nobody learns of what
//! is not theirs to see.

use bowline_e2e::agent::{Host, Target};
use bowline_e2e::api::Api;
use bowline_e2e::server::{PASSWORD, Server, enrolment_token, group, sign_in};
use bowline_e2e::wait::{seconds, until_true};
use reqwest::Method;
use serde_json::{Value, json};

use crate::resources::machine;

const QUERIES: &str = "/providers/Microsoft.ResourceGraph/resources?api-version=2024-04-01";
const READER: &str = "acdd72a7-3385-48ef-bd42-f606fba81ae7";

async fn ask(api: &Api, body: &Value) -> bowline_e2e::api::Answer {
    Api::send(api.request(Method::POST, QUERIES).json(body)).await
}

async fn data(api: &Api, query: &str) -> Value {
    ask(api, &json!({"query": query})).await.expect(200)["data"].clone()
}

/// Two groups with machines of two systems.
async fn seed(admin: &Api) -> (String, String) {
    let (plant, office) = (group(admin, "plant").await, group(admin, "office").await);
    for (scope, count) in [(&plant, 5), (&office, 3)] {
        for n in 0..count {
            let system = if n % 2 == 0 { "linux" } else { "windows" };
            let body = json!({"location": "local", "tags": {"line": n.to_string(), "os": system}});
            assert!(admin.put(&machine(scope, &format!("m{n}")), &body).await.status < 300);
        }
    }
    (plant, office)
}

#[tokio::test]
async fn a_query_sees_what_was_just_written() {
    let server = Server::usual().await;
    let admin = server.admin().await;
    let _ = seed(&admin).await;
    assert_eq!(data(&admin, "Resources | count").await, json!([{"Count": 8}]));
    let by_group = "resources | where type =~ 'Microsoft.HybridCompute/machines' \
        | summarize n = count() by resourceGroup, os = tostring(tags.os) | order by resourceGroup asc, os asc";
    assert_eq!(
        data(&admin, by_group).await,
        json!([
            {"resourceGroup": "office", "os": "linux", "n": 2},
            {"resourceGroup": "office", "os": "windows", "n": 1},
            {"resourceGroup": "plant", "os": "linux", "n": 3},
            {"resourceGroup": "plant", "os": "windows", "n": 2}
        ])
    );
    let join = "ResourceContainers | where type == 'microsoft.resources/subscriptions/resourcegroups' \
        | project group = name | join kind=leftouter (Resources | summarize machines = count() by group = resourceGroup) on group \
        | where group == 'plant' | project group, machines";
    assert_eq!(data(&admin, join).await, json!([{"group": "plant", "machines": 5}]));
    let implicit = "where tags.line == '4' | project name, line = tags['line']";
    assert_eq!(data(&admin, implicit).await, json!([{"name": "m4", "line": "4"}]));
    let assigned = "AuthorizationResources | where type == 'microsoft.authorization/roleassignments' | count";
    assert_eq!(data(&admin, assigned).await, json!([{"Count": 1}]));
}

#[tokio::test]
async fn answers_come_in_pages_as_objects_or_as_a_table_with_facets() {
    let server = Server::usual().await;
    let admin = server.admin().await;
    let _ = seed(&admin).await;
    let query = "Resources | project id, name, resourceGroup | order by id asc";
    let (mut seen, mut token) = (Vec::new(), None);
    loop {
        let body = json!({"query": query, "options": {"$top": 3, "$skipToken": token}});
        let page = ask(&admin, &body).await.expect(200);
        assert_eq!((&page["totalRecords"], &page["resultTruncated"]), (&json!(8), &json!("false")));
        seen.extend(
            page["data"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()),
        );
        token = page["$skipToken"].as_str().map(str::to_owned);
        if token.is_none() {
            break;
        }
    }
    let mut sorted = seen.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!((seen.len(), sorted), (8, seen));
    let other = json!({"query": "Resources | project name", "options": {"$skipToken": "3.0000000000000000"}});
    let refused = ask(&admin, &other).await;
    assert_eq!((refused.status, &refused.body["error"]["code"]), (400, &json!("InvalidSkipToken")));

    let body = json!({
        "query": "Resources | project name, resourceGroup, tags.os", "options": {"resultFormat": "table", "$top": 1},
        "facets": [{"expression": "resourceGroup"}, {"expression": "nowhere"}]
    });
    let page = ask(&admin, &body).await.expect(200);
    assert_eq!(page["data"]["columns"][0], json!({"name": "name", "type": "string"}));
    assert_eq!(page["data"]["columns"][2], json!({"name": "tags_os", "type": "object"}));
    assert_eq!(page["data"]["rows"].as_array().unwrap().len(), 1);
    let facet = &page["facets"][0];
    assert_eq!(
        (&facet["resultType"], &facet["data"][0]),
        (&json!("FacetResult"), &json!({"resourceGroup": "plant", "count": 5}))
    );
    assert_eq!(page["facets"][1]["resultType"], "FacetError", "{page}");
}

#[tokio::test]
async fn a_wrong_query_is_told_where_it_is_wrong() {
    let server = Server::usual().await;
    let admin = server.admin().await;
    for (query, code, words) in [
        ("Resources | wher name == 'x'", "ParserFailure", "where"),
        ("Resorces | count", "InvalidQuery", "Resources"),
        ("Resources | project nmae", "InvalidQuery", "name"),
        ("Resources | extend x = strlenn(name)", "InvalidQuery", "strlen"),
        (".show tables", "", ""),
    ] {
        let answer = ask(&admin, &json!({"query": query})).await;
        assert_eq!(answer.status, 400, "{query}: {}", answer.text);
        let error = &answer.body["error"];
        assert_eq!(error["code"], "BadRequest", "{error}");
        assert!(error["message"].as_str().unwrap().contains("line 1, column"), "{query}: {error}");
        assert!(
            error["details"].to_string().contains(code) && error.to_string().contains(words),
            "{query}: {error}"
        );
    }
    for body in [
        json!({}),
        json!({"query": 5}),
        json!({"query": "Resources", "options": {"$top": 0}}),
        json!({"query": "Resources", "subscriptions": "x"}),
    ] {
        let answer = ask(&admin, &body).await;
        assert_eq!(
            (answer.status, &answer.body["error"]["code"]),
            (400, &json!("InvalidRequestContent")),
            "{}",
            answer.text
        );
    }
}

/// Who may see one of several groups sees its rows, and in no count, facet, join or error that there are others.
#[tokio::test]
async fn a_caller_sees_only_what_is_theirs() {
    let server = Server::usual().await;
    let admin = server.admin().await;
    let (_, office) = seed(&admin).await;
    let user = "/providers/Microsoft.Bowline/users/ada";
    let made = admin.put(user, &json!({"properties": {"displayName": "Ada", "password": PASSWORD}})).await;
    assert!(made.status < 300, "{}", made.text);
    let principal = made.body["properties"]["objectId"].clone();
    let nobody = sign_in(&server.api(), "ada", PASSWORD).await;
    let ada = server.api().with(nobody["access_token"].as_str().unwrap());
    assert_eq!(data(&ada, "Resources | count").await, json!([{"Count": 0}]));
    let id = format!(
        "{office}/providers/Microsoft.Authorization/roleAssignments/6b9ba8a6-92a1-4d5f-9b5c-0d0d3b8f3a11"
    );
    let given =
        admin.put(&id, &json!({"properties": {"principalId": principal, "roleDefinitionId": READER}})).await;
    assert!(given.status < 300, "{}", given.text);
    assert_eq!(
        data(&ada, "Resources | summarize n = count() by resourceGroup").await,
        json!([{"resourceGroup": "office", "n": 3}])
    );
    let containers = data(&ada, "ResourceContainers | project name").await;
    assert_eq!(containers, json!([{"name": "office"}]));
    let body =
        json!({"query": "Resources", "facets": [{"expression": "resourceGroup"}], "options": {"$top": 1}});
    let page = ask(&ada, &body).await.expect(200);
    assert_eq!((&page["totalRecords"], &page["facets"][0]["totalRecords"]), (&json!(3), &json!(1)), "{page}");
    let hidden = "Resources | join kind=inner (Resources | where resourceGroup == 'plant') on name | count";
    assert_eq!(data(&ada, hidden).await, json!([{"Count": 0}]));
    let elsewhere = json!({"query": "Resources", "subscriptions": ["00000000-0000-0000-0000-000000000001"]});
    assert_eq!(ask(&ada, &elsewhere).await.status, 403);
    assert_eq!(ask(&server.api(), &elsewhere).await.status, 401);
}

/// What was done is in the log at once, and only for who may see it.
#[tokio::test]
async fn the_activity_log_is_asked_too() {
    let mut server = Server::usual().await;
    let mut admin = server.admin().await;
    let (plant, _) = seed(&admin).await;
    assert!(admin.delete(&machine(&plant, "m0")).await.status < 300);
    let done = "ActivityLog | where resourceGroup == 'plant' and resourceType =~ 'Microsoft.HybridCompute/machines' \
        | summarize n = count(), who = take_any(caller) by operationName | order by operationName asc";
    let wanted = json!([
        {"operationName": "Microsoft.HybridCompute/machines/delete", "n": 1, "who": "admin"},
        {"operationName": "Microsoft.HybridCompute/machines/write", "n": 5, "who": "admin"}
    ]);
    assert_eq!(data(&admin, done).await, wanted);
    let revisions = "ActivityLog | where resourceGroup == 'plant' | extend r = tolong(properties.revision) | summarize n = dcount(r), least = min(r)";
    let revisions = data(&admin, revisions).await;
    assert!(
        revisions[0]["n"].as_i64().unwrap() >= 6 && revisions[0]["least"].as_i64().unwrap() > 0,
        "{revisions}"
    );
    server.kill();
    server.restart().await;
    admin.http = server.api().http;
    assert_eq!(data(&admin, done).await, wanted);

    let user = "/providers/Microsoft.Bowline/users/ada";
    let made = admin.put(user, &json!({"properties": {"displayName": "Ada", "password": PASSWORD}})).await;
    assert!(made.status < 300, "{}", made.text);
    let token = sign_in(&server.api(), "ada", PASSWORD).await;
    let ada = server.api().with(token["access_token"].as_str().unwrap());
    assert_eq!(data(&ada, "ActivityLog | count").await, json!([{"Count": 0}]));
    let id = format!(
        "{plant}/providers/Microsoft.Authorization/roleAssignments/6b9ba8a6-92a1-4d5f-9b5c-0d0d3b8f3a11"
    );
    let role = json!({"properties": {"principalId": made.body["properties"]["objectId"], "roleDefinitionId": READER}});
    assert!(admin.put(&id, &role).await.status < 300);
    assert_eq!(data(&ada, done).await, wanted);
    let groups = data(&ada, "ActivityLog | distinct resourceGroup").await;
    assert_eq!(groups, json!([{"resourceGroup": "plant"}]));
}

/// An answer says which revision it shows: at least that of what was written before.
#[tokio::test]
async fn an_answer_shows_what_was_written_before_it() {
    let server = Server::usual().await;
    let admin = server.admin().await;
    let group = group(&admin, "plant").await;
    for n in 0..20 {
        let name = format!("m{n}");
        assert!(admin.put(&machine(&group, &name), &json!({"location": "local"})).await.status < 300);
        let at_least = server.revision().await;
        let query = json!({"query": format!("Resources | where name == '{name}' | count")});
        let response = admin.request(Method::POST, QUERIES).json(&query).send().await.unwrap();
        let shown = response.headers()["x-bowline-revision"].to_str().unwrap().parse::<u64>().unwrap();
        assert!(shown >= at_least, "{shown} of {at_least}");
        assert_eq!(response.json::<Value>().await.unwrap()["data"], json!([{"Count": 1}]));
    }
}

/// Pages show one answer while it is kept, whatever is written meanwhile; after a change of roles they show what is there.
#[tokio::test]
async fn pages_are_of_one_revision() {
    let server = Server::usual().await;
    let admin = server.admin().await;
    let (plant, _) = seed(&admin).await;
    let page = async |token: &Value| {
        let body = json!({"query": "Resources | project name, resourceGroup | order by resourceGroup asc, name asc", "options": {"$top": 2, "$skipToken": token}});
        let response = admin.request(Method::POST, QUERIES).json(&body).send().await.unwrap();
        let revision: u64 = response.headers()["x-bowline-revision"].to_str().unwrap().parse().unwrap();
        (revision, response.json::<Value>().await.unwrap())
    };
    let (revision, first) = page(&Value::Null).await;
    // Would be first of all.
    assert!(admin.put(&machine(&plant, "a"), &json!({"location": "local"})).await.status < 300);
    for n in 0..3 {
        assert!(admin.delete(&machine(&plant, &format!("m{n}"))).await.status < 300);
    }
    let mut names: Vec<Value> = first["data"].as_array().unwrap().clone();
    let mut token = first["$skipToken"].clone();
    while token.is_string() {
        let (of, next) = page(&token).await;
        assert_eq!((of, &next["totalRecords"]), (revision, &json!(8)));
        names.extend(next["data"].as_array().unwrap().clone());
        token = next["$skipToken"].clone();
    }
    let office = (0..3).map(|n| json!({"name": format!("m{n}"), "resourceGroup": "office"}));
    let of_plant = (0..5).map(|n| json!({"name": format!("m{n}"), "resourceGroup": "plant"}));
    assert_eq!(names, office.chain(of_plant).collect::<Vec<_>>());

    let id = format!(
        "{plant}/providers/Microsoft.Authorization/roleAssignments/6b9ba8a6-92a1-4d5f-9b5c-0d0d3b8f3a12"
    );
    let user = "/providers/Microsoft.Bowline/users/ada";
    let made = admin.put(user, &json!({"properties": {"displayName": "Ada", "password": PASSWORD}})).await;
    let principal = &made.body["properties"]["objectId"];
    let role = json!({"properties": {"principalId": principal, "roleDefinitionId": READER}});
    let given = admin.put(&id, &role).await;
    assert!(given.status < 300, "{}", given.text);
    let (of, next) = page(&first["$skipToken"]).await;
    assert!(of > revision && next["totalRecords"] == 6, "{next}");
    // Behind the last row that was shown, though rows before it came and went: its name and group are its key.
    assert_eq!(next["data"][0], json!({"name": "m2", "resourceGroup": "office"}), "{next}");
}

#[tokio::test]
async fn an_editor_learns_the_tables_and_how_to_draw_an_answer() {
    let server = Server::usual().await;
    let admin = server.admin().await;
    let _ = seed(&admin).await;
    let path = "/providers/Microsoft.Bowline/querySchema?api-version=2026-11-01";
    let schema = admin.get(path).await.expect(200);
    let tables = schema["tables"].as_array().unwrap();
    for table in tables {
        // What is offered can be asked, with the columns that are offered.
        let query = format!("{} | getschema | project ColumnName", table["name"].as_str().unwrap());
        let columns = data(&admin, &query).await;
        let said: Vec<&Value> = columns.as_array().unwrap().iter().map(|row| &row["ColumnName"]).collect();
        let offered: Vec<&Value> =
            table["columns"].as_array().unwrap().iter().map(|column| &column["name"]).collect();
        assert_eq!(said, offered, "{}", table["name"]);
    }
    assert!(tables.len() >= 3, "{tables:?}");
    let nobody = Api::send(server.api().request(Method::GET, path)).await;
    assert_eq!(nobody.status, 401, "{}", nobody.text);

    let query = "Resources | summarize n = count() by resourceGroup | render piechart with (title='Groups')";
    let page = ask(&admin, &json!({"query": query})).await.expect(200);
    assert_eq!(page["render"], json!({"chart": "piechart", "properties": {"title": "Groups"}}));
    assert_eq!(ask(&admin, &json!({"query": "Resources"})).await.expect(200)["render"], Value::Null);
}

/// Columns in the order of the query, keys of a bag as they were written, numbers as they are.
#[tokio::test]
async fn an_answer_keeps_the_order_of_what_was_written() {
    let server = Server::usual().await;
    let admin = server.admin().await;
    let query = r#"print z = 1, a = dynamic({"b":1,"a":{"z":[1.5,18446744073709551615],"y":null}}), m = bag_pack('q', 1, 'd', 'x')"#;
    let answer = ask(&admin, &json!({"query": query})).await;
    let row =
        r#""data":[{"z":1,"a":{"b":1,"a":{"z":[1.5,18446744073709551615],"y":null}},"m":{"q":1,"d":"x"}}]"#;
    assert!(answer.text.contains(row), "{}", answer.text);
    let table = ask(&admin, &json!({"query": query, "options": {"resultFormat": "table"}})).await;
    assert!(table.text.contains(r#"[1,{"b":1,"a":{"z":"#), "{}", table.text);
}

/// The queries that the portal offers to begin with.
const EXAMPLES: &str = include_str!("../../../../portal/app/pages/query-examples.json");

#[tokio::test]
async fn every_example_of_the_portal_runs() {
    let server = Server::usual().await;
    let admin = server.admin().await;
    let _ = seed(&admin).await;
    let schema =
        admin.get("/providers/Microsoft.Bowline/querySchema?api-version=2026-11-01").await.expect(200);
    let has = |table: &str| schema["tables"].as_array().unwrap().iter().any(|one| one["name"] == table);
    let examples: Vec<Value> = serde_json::from_str(EXAMPLES).unwrap();
    let mut run = 0;
    for example in &examples {
        let query = example["query"].as_str().unwrap();
        // The portal leaves out what asks for a table that the server does not have.
        if !has(query.split_whitespace().next().unwrap()) {
            continue;
        }
        let answer = ask(&admin, &json!({"query": query})).await;
        assert_eq!(answer.status, 200, "{}: {}", example["title"], answer.text);
        run += 1;
    }
    assert!(run >= 15, "{run} of {}", examples.len());
    let by_system = data(&admin, examples[0]["query"].as_str().unwrap()).await;
    assert_eq!(by_system, json!([{"type": "microsoft.hybridcompute/machines", "resources": 8}]));
}

/// What this host has installed, through a real agent: as many packages as its own tool counts.
#[tokio::test]
async fn packages_of_a_machine_are_asked_for() {
    let named = "queries::packages_of_a_machine_are_asked_for";
    let listed = std::process::Command::new("dpkg-query")
        .args(["--show", "--showformat=${db:Status-Status} ${Package}\n"])
        .output();
    let Ok(listed) = listed else {
        eprintln!("skipped {named}: there is no dpkg here");
        return;
    };
    let listed = String::from_utf8(listed.stdout).unwrap();
    let installed = listed.lines().filter(|line| line.starts_with("installed ")).count();
    let server = Server::usual().await;
    let admin = server.admin().await;
    let here = group(&admin, "plant").await;
    let token = enrolment_token(&admin, &here, "t", 1).await;
    let (url, ca) = (server.url(), server.ca());
    let mut host = Host::default();
    let target = Target { url: &url, ca: &ca, group: &here, name: "press", token: &token };
    let (done, said) = host.connect(&target, &[]);
    assert!(done, "{said}");
    host.run();
    let count =
        "MachineSoftware | where manager == 'dpkg' | summarize n = count() by machineName, resourceGroup";
    until_true("every package", seconds(60), async || {
        data(&admin, count).await
            == json!([{"machineName": "press", "resourceGroup": "plant", "n": installed}])
    })
    .await;
    let dpkg = "MachineSoftware | where name == 'dpkg' | join kind=inner (Resources | project machineId = id, type) on machineId | project manager, type, version != ''";
    let rows = data(&admin, dpkg).await;
    assert_eq!(rows[0]["type"], "microsoft.hybridcompute/machines", "{rows}");
}
