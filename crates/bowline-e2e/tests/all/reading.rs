//! What GET and LIST say while others write: answers that are kept must never be older than what the reader knows.

use bowline_e2e::api::Api;
use bowline_e2e::postgres::postgres;
use bowline_e2e::server::{Options, Server, enrolment_token, group};
use serde_json::{Value, json};

use crate::resources::{machine, make_machines};

const MACHINES: usize = 12;
const CHANGES: u64 = 25;

async fn listed(api: &Api, collection: &str, version: &str) -> Vec<Value> {
    let page = api.get(&format!("{collection}?api-version={version}&$top=1000")).await.expect(200);
    page["value"].as_array().expect("a page has a value").clone()
}

/// Several writers, each of its own machine: after each answered write GET and LIST show it, and no list ever goes back.
async fn readers_see_their_writes(options: Options) {
    let server = Server::start(options).await;
    let admin = server.admin().await;
    let here = group(&admin, "plant").await;
    make_machines(&admin, &here, "m", MACHINES).await;
    let collection = format!("{here}/providers/Microsoft.HybridCompute/machines");
    let writers = (0..4).map(|writer| {
        let (admin, here, collection) = (&admin, &here, &collection);
        async move {
            let (name, other) = (format!("m{writer:03}"), format!("m{:03}", writer + 4));
            let mut seen = 0;
            for change in 1..=CHANGES {
                let tags = json!({"location": "local", "tags": {"change": change.to_string()}});
                let put = admin.put(&machine(here, &name), &tags).await.expect(200);
                let got = admin.get(&machine(here, &name)).await.expect(200);
                assert_eq!(got, put, "GET shows what the PUT answered");
                let version = if change % 2 == 0 { "2026-11-01" } else { "2020-08-02" };
                let all = listed(admin, collection, version).await;
                assert_eq!(all.len(), MACHINES, "each machine once");
                let of = |name: &str| all.iter().find(|m| m["name"] == name).expect("it is listed").clone();
                let mine = of(&name);
                assert_eq!(mine["tags"]["change"], change.to_string(), "LIST shows the writer's own change");
                let theirs = of(&format!("m{:03}", (writer + 1) % 4));
                let theirs = theirs["tags"]["change"].as_str().map_or(0, |c| c.parse::<u64>().unwrap());
                assert!(theirs >= seen, "another's change went back from {seen} to {theirs}");
                seen = theirs;
                assert!(of(&other)["tags"]["change"].is_null());
            }
        }
    });
    futures::future::join_all(writers).await;

    // Deleted and made again under the same name is another resource.
    let id = machine(&here, "m000");
    let _ = admin.delete(&id).await;
    assert_eq!(listed(&admin, &collection, "2026-11-01").await.len(), MACHINES - 1);
    let made = admin.put(&id, &json!({"location": "local"})).await.expect(200);
    let all = listed(&admin, &collection, "2026-11-01").await;
    assert_eq!(all.iter().find(|m| m["name"] == "m000"), Some(&made));
}

#[tokio::test]
async fn readers_see_their_writes_on_sqlite() {
    readers_see_their_writes(Options::default()).await;
}

#[tokio::test]
async fn readers_see_their_writes_on_postgresql() {
    let Some(postgres) = postgres("reading::readers_see_their_writes_on_postgresql") else { return };
    readers_see_their_writes(Options { database: Some(postgres.database()), ..Options::default() }).await;
}

/// A change that another server wrote shows at once in what this server has kept.
#[tokio::test]
async fn a_kept_answer_ends_with_a_change_of_another_server() {
    let Some(postgres) = postgres("reading::a_kept_answer_ends_with_a_change_of_another_server") else {
        return;
    };
    let database = Some(postgres.database());
    let first = Server::start(Options { database: database.clone(), ..Options::default() }).await;
    let root_key = Some(first.data().join("root.key"));
    let others = Options { database, root_key, public_url: Some(first.url()), ..Options::default() };
    let second = Server::start(others).await;
    let admin = first.admin().await;
    let at_second = second.api().with(admin.bearer.as_deref().expect("an administrator has a token"));
    let here = group(&admin, "plant").await;
    let (id, collection) =
        (machine(&here, "m"), format!("{here}/providers/Microsoft.HybridCompute/machines"));
    for change in 0..10 {
        let (writer, reader) = if change % 2 == 0 { (&admin, &at_second) } else { (&at_second, &admin) };
        let put = writer
            .put(&id, &json!({"location": "local", "tags": {"n": change.to_string()}}))
            .await
            .expect(200);
        for api in [reader, writer] {
            assert_eq!(api.get(&id).await.expect(200), put);
            assert_eq!(listed(api, &collection, "2026-11-01").await, std::slice::from_ref(&put));
        }
    }
}

/// Filters that the id decides and filters that need the document give the same resources in the same form.
#[tokio::test]
async fn filters_and_pages_show_the_same_resources_as_get() {
    let server = Server::usual().await;
    let admin = server.admin().await;
    let here = group(&admin, "plant").await;
    make_machines(&admin, &here, "m", 7).await;
    let _ = admin.patch(&machine(&here, "m003"), &json!({"tags": {"line": "3"}})).await.expect(200);
    let collection = format!("{here}/providers/Microsoft.HybridCompute/machines");
    let got = admin.get(&machine(&here, "m003")).await.expect(200);
    for filter in [
        "name eq 'M003'",
        "tagName eq 'line' and tagValue eq '3'",
        "resourceGroup eq 'plant' and name eq 'm003'",
    ] {
        for _ in 0..2 {
            let page = admin.get(&format!("{collection}?$filter={filter}")).await.expect(200);
            assert_eq!(page["value"], json!([got]), "{filter}");
        }
    }
    let none = admin.get(&format!("{collection}?$filter=resourceGroup eq 'other'")).await.expect(200);
    assert_eq!(none["value"], json!([]));
    for _ in 0..2 {
        let (mut names, mut path) = (Vec::new(), format!("{collection}?$top=3"));
        loop {
            let page = admin.get(&path).await.expect(200);
            names.extend(
                page["value"].as_array().unwrap().iter().map(|m| m["name"].as_str().unwrap().to_owned()),
            );
            let Some(next) = page["nextLink"].as_str() else { break };
            path = next[next.find("/subscriptions").unwrap()..].to_owned();
        }
        assert_eq!(names, (0..7).map(|n| format!("m{n:03}")).collect::<Vec<_>>());
    }
}

/// What is counted beside the document is read for each answer, in GET and in LIST.
#[tokio::test]
async fn the_uses_of_an_enrolment_token_are_those_of_now() {
    let server = Server::usual().await;
    let admin = server.admin().await;
    let here = group(&admin, "plant").await;
    let token = enrolment_token(&admin, &here, "t", 5).await;
    let id = format!("{here}/providers/Microsoft.Bowline/enrollmentTokens/t");
    let holder = server.api().with(&token);
    for uses in 0..3_u64 {
        let got = admin.get(&id).await.expect(200);
        assert_eq!(got["properties"]["uses"], uses, "{got}");
        let page =
            admin.get(&format!("{here}/providers/Microsoft.Bowline/enrollmentTokens")).await.expect(200);
        assert_eq!(page["value"], json!([got]));
        let key = bowline_e2e::keys::Key::generate().public();
        let body = json!({"location": "local", "properties": {"clientPublicKey": key}});
        let made = holder.put(&machine(&here, &format!("m{uses}")), &body).await;
        assert_eq!(made.status, 200, "{}", made.text);
    }
}
