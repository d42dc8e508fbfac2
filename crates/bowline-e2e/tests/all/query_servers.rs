//! Queries at three servers on one PostgreSQL: whoever wrote at one of them, or was given a right there, sees it at each of the others at once, and pages
//! that begin at one go on at another.

use bowline_e2e::api::Api;
use bowline_e2e::postgres::postgres;
use bowline_e2e::server::{PASSWORD, group, sign_in};
use bowline_e2e::three::Three;
use reqwest::Method;
use serde_json::{Value, json};

use crate::resources::machine;

const QUERIES: &str = "/providers/Microsoft.ResourceGraph/resources?api-version=2024-04-01";
const READER: &str = "acdd72a7-3385-48ef-bd42-f606fba81ae7";

async fn ask(api: &Api, body: &Value) -> (Value, Option<String>) {
    let response = api.request(Method::POST, QUERIES).json(body).send().await.unwrap();
    let page = response.headers().get("x-bowline-page").map(|page| page.to_str().unwrap().to_owned());
    let status = response.status();
    let answer: Value = response.json().await.unwrap();
    assert_eq!(status, 200, "{answer}");
    (answer, page)
}

#[tokio::test]
async fn a_query_sees_what_was_written_at_another_server() {
    let named = "query_servers::a_query_sees_what_was_written_at_another_server";
    let Some(postgres) = postgres(named) else { return };
    let three = Three::start(postgres.database(), 60).await;
    let here = group(&three.at[0], "plant").await;
    // What is written at one is asked for at the next, right after its answer.
    for n in 0..30 {
        let (writer, reader) = (&three.at[n % 3], &three.at[(n + 1) % 3]);
        let name = format!("m{n:02}");
        assert!(writer.put(&machine(&here, &name), &json!({"location": "local"})).await.status < 300);
        let query = json!({"query": format!("Resources | where name == '{name}' | count")});
        assert_eq!(ask(reader, &query).await.0["data"], json!([{"Count": 1}]), "{name}");
        if n % 3 == 0 {
            assert!(reader.delete(&machine(&here, &name)).await.status < 300);
            let other = &three.at[(n + 2) % 3];
            assert_eq!(ask(other, &query).await.0["data"], json!([{"Count": 0}]), "{name}");
        }
    }
    // The same of a right.
    let user = "/providers/Microsoft.Bowline/users/ada";
    let made =
        three.at[0].put(user, &json!({"properties": {"displayName": "Ada", "password": PASSWORD}})).await;
    let token = sign_in(&three.servers[0].api(), "ada", PASSWORD).await;
    let bearer = token["access_token"].as_str().unwrap();
    let count = json!({"query": "Resources | count"});
    for n in 0..6_usize {
        let (writer, reader) = (&three.at[n % 3], &three.servers[(n + 1) % 3]);
        let id = format!("{here}/providers/Microsoft.Authorization/roleAssignments/{}", uuid::Uuid::new_v4());
        let role = json!({"properties": {"principalId": made.body["properties"]["objectId"], "roleDefinitionId": READER}});
        assert!(writer.put(&id, &role).await.status < 300);
        let ada = reader.api().with(bearer);
        assert_eq!(ask(&ada, &count).await.0["data"], json!([{"Count": 20}]));
        assert!(writer.delete(&id).await.status < 300);
        assert_eq!(ask(&ada, &count).await.0["data"], json!([{"Count": 0}]));
    }
    pages_go_on_elsewhere(&three, &here).await;
}

/// Each page at another server, while rows before and behind come and go: each that was there throughout is shown once.
async fn pages_go_on_elsewhere(three: &Three, here: &str) {
    let (mut names, mut token) = (Vec::new(), Value::Null);
    for n in 0.. {
        let query = "Resources | where type has 'machines' | project id, name | sort by name asc";
        let body = json!({"query": query, "options": {"$top": 4, "$skipToken": token}});
        let (page, how) = ask(&three.at[n % 3], &body).await;
        assert_eq!(how.as_deref(), (n > 0).then_some("key"), "{page}");
        names.extend(
            page["data"].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap().to_owned()),
        );
        token = page["$skipToken"].clone();
        if !token.is_string() {
            break;
        }
        let writer = &three.at[(n + 2) % 3];
        assert!(
            writer.put(&machine(here, &format!("a{n}")), &json!({"location": "local"})).await.status < 300
        );
        // What was shown last is gone when the next page is asked for.
        assert!(writer.delete(&machine(here, names.last().unwrap())).await.status < 300);
    }
    let wanted: Vec<String> = (0..30).filter(|n| n % 3 != 0).map(|n| format!("m{n:02}")).collect();
    assert_eq!(names, wanted);
}
