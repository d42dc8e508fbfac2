//! What lies around every request: headers, budgets, repeatable requests, polls of long-running operations, the codes of a refused token.

use bowline_e2e::api::{Answer, Api};
use bowline_e2e::server::{Options, Server, enrolment_token, group, subscription};
use bowline_e2e::wait::{seconds, until};
use reqwest::Method;
use serde_json::{Value, json};

use crate::resources::{machine, make_machines};

async fn send(
    api: &Api,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: Option<&Value>,
) -> Answer {
    let mut request = api.request(method, path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Api::send(body.iter().fold(request, |request, body| request.json(body))).await
}

#[tokio::test]
async fn answers_carry_the_headers_that_clients_log() {
    let server = Server::usual().await;
    let admin = server.admin().await;
    let id = group(&admin, "g").await;
    let (own, correlation) = ("77ade16b-0f55-403b-b7d2-739554a897f2", "0d1cbb11-73b1-4b7c-9c4c-93a47d1e0001");
    let ids = [("x-ms-client-request-id", own), ("x-ms-correlation-request-id", correlation)];
    let quiet = send(&admin, Method::GET, &id, &ids, None).await;
    assert_eq!(quiet.header("x-ms-client-request-id"), None, "only who asks gets its id back");
    assert_eq!(quiet.header("x-ms-correlation-request-id"), Some(correlation));
    assert_ne!(quiet.header("x-ms-request-id"), Some(correlation));
    assert!(
        quiet
            .header("x-ms-routing-request-id")
            .is_some_and(|r| r.contains(quiet.header("x-ms-request-id").unwrap()))
    );
    assert_eq!(quiet.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(quiet.header("cache-control"), Some("no-store"));
    let asked = [ids[0], ids[1], ("x-ms-return-client-request-id", "true")];
    let echoed = send(&admin, Method::GET, &id, &asked, None).await;
    assert_eq!(echoed.header("x-ms-client-request-id"), Some(own));
    let left = |answer: &Answer, name: &str| -> u64 {
        answer.header(name).and_then(|v| v.parse().ok()).unwrap_or_else(|| panic!("{name}: {answer:?}"))
    };
    assert!(left(&quiet, "x-ms-ratelimit-remaining-subscription-reads") > 100_000);
    let written = admin.put(&id, &json!({"location": "local"})).await;
    assert!(left(&written, "x-ms-ratelimit-remaining-subscription-writes") > 100_000);
    let listed = admin.get("/subscriptions").await;
    assert!(left(&listed, "x-ms-ratelimit-remaining-tenant-reads") > 100_000);
}

#[tokio::test]
async fn a_refused_token_says_what_is_wrong_with_it_and_where_to_sign_in() {
    let server = Server::usual().await;
    let admin = server.admin().await;
    let none = server.api().get("/subscriptions").await;
    none.refused(401, "AuthenticationFailed");
    let challenge = none.header("www-authenticate").unwrap();
    for part in ["Bearer authorization_uri=\"https://", "realm=\"https://", "error=\"invalid_token\""] {
        assert!(challenge.contains(part), "{challenge}");
    }
    for broken in ["nonsense", "a.b.c", &format!("{}x", admin.bearer.as_deref().unwrap())] {
        let answer = admin.with(broken).get("/subscriptions").await;
        answer.refused(401, "InvalidAuthenticationToken");
        assert!(answer.header("www-authenticate").is_some());
    }
    admin.with("bwe_nobody").get("/subscriptions").await.refused(401, "AuthenticationFailed");
}

#[tokio::test]
async fn a_client_beyond_its_budget_is_throttled_and_others_are_not() {
    let extra = ["--writes-per-minute", "5", "--deletes-per-minute", "1"].map(str::to_owned).to_vec();
    let server = Server::start(Options { extra, ..Options::default() }).await;
    let admin = server.admin().await;
    let id = group(&admin, "g").await;
    let token = enrolment_token(&admin, &id, "one", 5).await;
    let (press, body) = (machine(&id, "press"), json!({"location": "local"}));
    admin.put(&press, &body).await.expect(200);
    let mut answers = Vec::new();
    for _ in 0..4 {
        answers.push(admin.put(&press, &body).await);
    }
    let throttled = answers.iter().find(|a| a.status == 429).expect("five writes a minute");
    throttled.refused(429, "SubscriptionRequestsThrottled");
    let wait: u64 = throttled.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    admin.get(&press).await.expect(200);
    assert_eq!(admin.delete(&press).await.status, 204, "deletes have a budget of their own");
    admin.delete(&press).await.refused(429, "SubscriptionRequestsThrottled");
    let other = server.api().with(&token).put(&machine(&id, "lathe"), &body).await;
    assert_eq!(other.status, 200, "{}", other.text);
}

#[tokio::test]
async fn a_repeated_request_gets_the_first_answer_and_changes_nothing() {
    let server = Server::usual().await;
    let admin = server.admin().await;
    let id = group(&admin, "g").await;
    let token = format!("{id}/providers/Microsoft.Bowline/enrollmentTokens/t");
    let now = "Tue, 24 Nov 2099 08:00:00 GMT";
    let first = [
        ("Repeatability-Request-ID", "7f6b2a4e-6a4b-4b2d-8c62-000000000001"),
        ("Repeatability-First-Sent", now),
    ];
    let body = json!({"properties": {"maxUses": 3}});
    let made = send(&admin, Method::PUT, &token, &first, Some(&body)).await;
    assert_eq!((made.status, made.header("repeatability-result")), (201, Some("accepted")), "{}", made.text);
    let again = send(&admin, Method::PUT, &token, &first, Some(&body)).await;
    assert_eq!((again.status, &again.body, again.header("etag")), (201, &made.body, made.header("etag")));
    assert_eq!(again.header("repeatability-result"), Some("accepted"));
    // Without the id the same PUT is a change of what exists.
    assert_eq!(admin.put(&token, &body).await.status, 200);

    let other = send(&admin, Method::PUT, &token, &first, Some(&json!({"properties": {"maxUses": 4}}))).await;
    other.refused(400, "RepeatabilityMismatch");
    assert_eq!(other.header("repeatability-result"), Some("rejected"));
    let lone = [("Repeatability-Request-ID", "7f6b2a4e-6a4b-4b2d-8c62-000000000002")];
    send(&admin, Method::PUT, &token, &lone, Some(&body)).await.refused(400, "RepeatabilityHeadersInvalid");
    let stale = [lone[0], ("Repeatability-First-Sent", "Sun, 06 Nov 1994 08:49:37 GMT")];
    send(&admin, Method::PUT, &token, &stale, Some(&body)).await.refused(412, "RepeatabilityExpired");

    // An action, whose answer holds a secret, and a refusal are repeated too.
    let list = format!("{token}/listToken");
    let act = [
        ("Repeatability-Request-ID", "7f6b2a4e-6a4b-4b2d-8c62-000000000003"),
        ("Repeatability-First-Sent", now),
    ];
    let secret = send(&admin, Method::POST, &list, &act, Some(&json!({}))).await.expect(200);
    assert_eq!(admin.delete(&token).await.status, 200);
    let answer = send(&admin, Method::POST, &list, &act, Some(&json!({}))).await;
    assert_eq!(answer.expect(200), secret, "the first answer, though the token is gone");
    let gone = [
        ("Repeatability-Request-ID", "7f6b2a4e-6a4b-4b2d-8c62-000000000004"),
        ("Repeatability-First-Sent", now),
    ];
    for _ in 0..2 {
        send(&admin, Method::POST, &list, &gone, Some(&json!({}))).await.refused(404, "ResourceNotFound");
    }
    // Another caller's id is another id.
    let eve = server.api();
    send(&eve, Method::POST, &list, &act, Some(&json!({}))).await.refused(401, "AuthenticationFailed");
}

#[tokio::test]
async fn a_long_delete_is_polled_as_clients_do() {
    let server = Server::usual().await;
    let admin = server.admin().await;
    let id = group(&admin, "g").await;
    make_machines(&admin, &id, "m", 20).await;
    let accepted = admin.delete(&id).await;
    assert_eq!((accepted.status, accepted.header("retry-after")), (202, Some("1")));
    let status = accepted.header("azure-asyncoperation").unwrap().to_owned();
    let location = accepted.header("location").unwrap().to_owned();
    let path = |url: &str| {
        url.trim_start_matches("https://localhost")
            .trim_start_matches(|c: char| c == ':' || c.is_ascii_digit())
            .to_owned()
    };
    let (status, location) = (path(&status), path(&location));
    let done = until("the end of the deletion", seconds(30), async || {
        let poll = admin.get(&status).await;
        assert_eq!(poll.status, 200);
        for member in ["id", "name", "status", "startTime"] {
            assert!(poll.body[member].is_string(), "{}", poll.text);
        }
        match poll.body["status"].as_str() {
            Some("Succeeded") => Some(poll),
            Some("InProgress") => {
                assert_eq!(poll.header("retry-after"), Some("1"));
                None
            }
            other => panic!("{other:?}"),
        }
    })
    .await;
    assert!(done.body["endTime"].is_string());
    // az asks the Location too, after the end; the SDKs take 200 and 204.
    assert_eq!(admin.get(&location).await.status, 204);
    assert_eq!(subscription(&admin).await, id.split("/resourceGroups").next().unwrap());
}
