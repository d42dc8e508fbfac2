//! Saved queries within queries: read with the caller's rights, bounded, and nothing else is taken for one.

use bowline_auth::roles::READER;
use bowline_control::query::Bounds;
use http::StatusCode;
use serde_json::{Value, json};

use crate::world::World;

async fn asked(world: &World, bearer: &str, query: &str) -> (StatusCode, Value) {
    let body = json!({"query": query, "options": {"resultFormat": "table"}});
    let (status, _, answer) = world.query(bearer, &body).await;
    (status, serde_json::from_str(&answer).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_query_stands_for_what_it_holds() {
    let world = World::with_queries(Bounds::default()).await;
    let admin = world.admin().await;
    let group = format!("{}/resourceGroups/ops", world.subscription);
    let made = world.send("PUT", &group, Some(&admin), &json!({"location": "local"})).await;
    assert_eq!(made.0, StatusCode::CREATED, "{}", made.1);
    let id = |name: &str| format!("{group}/providers/Microsoft.ResourceGraph/queries/{name}");
    for (name, query) in [
        ("numbers", "range x from 1 to 10 step 1;".to_owned()),
        ("even", format!("{{{{ {} }}}} | where x % 2 == 0", id("numbers").to_lowercase())),
        ("itself", format!("{{{{{}}}}} | count", id("itself"))),
        ("statements", "let n = 3; range x from 1 to n step 1".to_owned()),
    ] {
        let body = json!({"location": "global", "properties": {"query": query}});
        let made = world.send("PUT", &id(name), Some(&admin), &body).await;
        assert!(made.0.is_success(), "{}", made.1);
    }
    let one = |answer: &Value| answer["data"]["rows"][0][0].clone();
    for (query, wanted) in [
        (format!("{{{{{}}}}} | count", id("numbers")), 10),
        (format!("{{{{{}}}}} | summarize sum(x)", id("even")), 30),
        (format!("{{{{{}}}}} | join kind=inner {{{{{}}}}} on x | count", id("numbers"), id("even")), 5),
        (format!(" {{{{{}}}}} ", id("statements")), 1),
        ("print x = strlen('{{/subscriptions}}')".to_owned(), 18),
    ] {
        let (status, answer) = asked(&world, &admin, &query).await;
        assert_eq!((status, one(&answer)), (StatusCode::OK, json!(wanted)), "{query}: {answer}");
    }
    let (status, answer) = asked(&world, &admin, &format!("{{{{{}}}}}", id("itself"))).await;
    assert_eq!(
        (status, &answer["error"]["code"]),
        (StatusCode::BAD_REQUEST, &json!("InvalidQuery")),
        "{answer}"
    );
    let (status, answer) = asked(&world, &admin, &format!("{{{{{}}}}} | count", id("none"))).await;
    assert_eq!((status, &answer["error"]["code"]), (StatusCode::NOT_FOUND, &json!("ResourceNotFound")));
    // Who may not read it is told so, whether it is there or not.
    let (_, stranger) = world.user(&admin, "stranger", None).await;
    for name in ["numbers", "none"] {
        let (status, answer) = asked(&world, &stranger, &format!("{{{{{}}}}} | count", id(name))).await;
        assert_eq!(
            (status, &answer["error"]["code"]),
            (StatusCode::FORBIDDEN, &json!("AuthorizationFailed"))
        );
    }
    let (_, reader) = world.user(&admin, "reader", Some(READER)).await;
    let (status, answer) = asked(&world, &reader, &format!("{{{{{}}}}} | count", id("numbers"))).await;
    assert_eq!((status, one(&answer)), (StatusCode::OK, json!(10)), "{answer}");
}
