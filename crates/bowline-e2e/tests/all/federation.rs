//! Tokens of other issuers as credentials: of user-assigned identities and of applications, from an issuer that the test makes and from a second server.

use bowline_e2e::api::{Answer, Api};
use bowline_e2e::issuer::Issuer;
use bowline_e2e::keys::{ASSERTION, Key};
use bowline_e2e::server::{Options, Server, group};
use serde_json::{Value, json};

use crate::roles::{READER, assign, user};

const TOKEN: &str = "/organizations/oauth2/v2.0/token";
/// What the clients of Azure ask their platform's tokens to be for.
const EXCHANGE: &str = "api://AzureADTokenExchange";

/// A server that trusts its own authority and those of `others` for issuers.
async fn server(others: &[&Server]) -> Server {
    let mut server = Server::start(Options::default()).await;
    server.stop().await;
    let all: Vec<String> =
        others.iter().copied().chain([&server]).map(|s| std::fs::read_to_string(s.ca()).unwrap()).collect();
    let bundle = server.data().join("issuers.pem");
    std::fs::write(&bundle, all.concat()).unwrap();
    server.set_extra(&["--federation-ca-file", bundle.to_str().unwrap()]);
    server.restart().await;
    server
}

async fn redeem(api: &Api, client_id: &str, assertion: &str) -> Answer {
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", client_id),
        ("scope", &format!("{}/.default", api.base)),
        ("client_assertion_type", ASSERTION),
        ("client_assertion", assertion),
    ];
    api.form(TOKEN, &fields).await
}

/// The refusal has this number, and says something.
#[track_caller]
fn refused(answer: &Answer, code: u32) {
    assert_eq!(answer.body["error_codes"], json!([code]), "{}", answer.text);
    assert!(matches!(answer.status, 400 | 401), "{}", answer.text);
    assert!(answer.body["error_description"].as_str().is_some_and(|d| d.len() > 40), "{}", answer.text);
}

fn trust(issuer: &str, subject: &str, audience: &str) -> Value {
    json!({"properties": {"issuer": issuer, "subject": subject, "audiences": [audience]}})
}

/// An identity in a group; its id and client id.
async fn identity(admin: &Api, group: &str) -> (String, String) {
    let id = format!("{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/runner");
    let made = admin.put(&id, &json!({"location": "local"})).await.expect(201);
    (id, made["properties"]["clientId"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_workload_of_another_issuer_acts_as_a_user_assigned_identity() {
    let server = server(&[]).await;
    let admin = server.admin().await;
    let issuer = Issuer::start(&server.data().join("tls")).await;
    let plant = group(&admin, "plant").await;
    let (id, client) = identity(&admin, &plant).await;
    assign(&admin, &plant, READER, &client).await;
    let subject = "system:serviceaccount:apps:runner";
    let token = issuer.sign(&issuer.claims(subject, EXCHANGE));

    refused(&redeem(&admin, &client, &token).await, 70_021);
    let credential = format!("{id}/federatedIdentityCredentials/apps");
    let made = admin.put(&credential, &trust(&issuer.url, subject, EXCHANGE)).await.expect(201);
    assert_eq!(made["type"], "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials");

    // Whatever does not match is refused before the issuer is asked for anything.
    let claims = |name: &str, value: Value| {
        let mut claims = issuer.claims(subject, EXCHANGE);
        claims[name] = value;
        claims
    };
    for (name, value, code) in [
        ("iss", json!("https://localhost:1/other"), 700_211),
        ("sub", json!("system:serviceaccount:apps:other"), 700_213),
        ("aud", json!("https://elsewhere.example"), 700_212),
    ] {
        refused(&redeem(&admin, &client, &issuer.sign(&claims(name, value))).await, code);
    }
    assert_eq!(issuer.asked(), 0, "strangers do not make the server ask anybody");

    let answer = redeem(&admin, &client, &token).await.expect(200);
    let workload = admin.with(answer["access_token"].as_str().unwrap());
    assert_eq!(workload.get(&plant).await.status, 200, "the identity's role holds");
    workload.delete(&plant).await.refused(403, "AuthorizationFailed");
    workload.get("/agents/v1/self").await.refused(403, "NotAnAgent");
    let _ = redeem(&admin, &client, &token).await.expect(200);
    assert_eq!(issuer.asked(), 2, "description and keys are read once");

    let now = jiff::Timestamp::now().as_second();
    for (name, value) in [("exp", now - 120), ("nbf", now + 600), ("iat", now + 600)] {
        refused(&redeem(&admin, &client, &issuer.sign(&claims(name, json!(value)))).await, 700_024);
    }
    let forged = Key::generate().sign_as(&issuer.claims(subject, EXCHANGE), Some("one"));
    refused(&redeem(&admin, &client, &forged).await, 700_027);
    let unknown = issuer.key.sign_as(&issuer.claims(subject, EXCHANGE), Some("two"));
    refused(&redeem(&admin, &client, &unknown).await, 700_027);

    let _ = admin.delete(&credential).await.expect(200);
    refused(&redeem(&admin, &client, &token).await, 70_021);
    assert_eq!(workload.get(&plant).await.status, 200, "a token that was given holds until it ends");
    let _ = admin.put(&credential, &trust(&issuer.url, subject, EXCHANGE)).await.expect(201);
    assert_eq!(admin.delete(&id).await.status, 200, "with its credentials, and without an operation");
    workload.get(&plant).await.refused(401, "AuthenticationFailed");
    refused(&redeem(&admin, &client, &token).await, 700_016);
}

#[tokio::test]
async fn an_issuer_that_cannot_be_read_proves_nothing_and_leads_nowhere() {
    let server = server(&[]).await;
    let admin = server.admin().await;
    let issuer = Issuer::start(&server.data().join("tls")).await;
    let plant = group(&admin, "plant").await;
    let (id, client) = identity(&admin, &plant).await;
    let closed = format!("https://localhost:{}", bowline_e2e::program::free_port());
    for (name, url) in [("redirects", &issuer.url), ("closed", &closed)] {
        let credential = format!("{id}/federatedIdentityCredentials/{name}");
        let _ = admin.put(&credential, &trust(url, "x", EXCHANGE)).await.expect(201);
    }
    issuer.redirect();
    refused(&redeem(&admin, &client, &issuer.sign(&issuer.claims("x", EXCHANGE))).await, 50_166);
    assert_eq!(issuer.asked(), 1, "a redirect is not followed");
    refused(&redeem(&admin, &client, &issuer.sign(&issuer.claims("x", EXCHANGE))).await, 50_166);
    assert_eq!(issuer.asked(), 1, "nor is it asked again at once");
    let mut claims = issuer.claims("x", EXCHANGE);
    claims["iss"] = json!(closed);
    refused(&redeem(&admin, &client, &issuer.sign(&claims)).await, 50_166);
}

#[tokio::test]
async fn credentials_of_an_identity_are_few_well_formed_and_trust_each_subject_once() {
    let server = Server::usual().await;
    let admin = server.admin().await;
    let plant = group(&admin, "plant").await;
    let (id, _) = identity(&admin, &plant).await;
    let at = |name: &str| format!("{id}/federatedIdentityCredentials/{name}");
    let good = trust("https://issuer.example", "first", EXCHANGE);
    for (property, value) in [
        ("issuer", json!("http://issuer.example")),
        ("issuer", json!("https://u:p@issuer.example")),
        ("issuer", json!(format!("https://issuer.example/{}", "x".repeat(600)))),
        ("subject", json!("")),
        ("audiences", json!([])),
        ("audiences", json!(["a", "b"])),
    ] {
        let mut bad = good.clone();
        bad["properties"][property] = value;
        admin.put(&at("bad"), &bad).await.refused(400, "InvalidRequestContent");
    }
    admin.put(&at("x"), &good).await.refused(400, "InvalidResourceName");
    let _ = admin.put(&at("first"), &good).await.expect(201);
    let _ = admin.put(&at("first"), &good).await.expect(200);
    let message = admin.put(&at("again"), &good).await.refused(409, "Conflict");
    assert!(message.contains("federatedIdentityCredentials/first"), "{message}");
    let (_, eve_id) = user(&admin, "eve").await;
    assign(&admin, &plant, READER, &eve_id).await;

    // Many at once: as many as there may be, and the same subject once.
    let put = async |name: String, subject: String| {
        admin.put(&at(&name), &trust("https://issuer.example", &subject, EXCHANGE)).await.status
    };
    let twins = futures::future::join_all((0..4).map(|n| put(format!("twin-{n}"), "twin".to_owned()))).await;
    assert_eq!(twins.iter().filter(|status| **status == 201).count(), 1, "{twins:?}");
    let many =
        futures::future::join_all((0..24).map(|n| put(format!("many-{n}"), format!("many-{n}")))).await;
    assert_eq!(many.iter().filter(|status| **status == 201).count(), 18, "{many:?}");
    let listed = admin.get(&format!("{id}/federatedIdentityCredentials?$top=50")).await.expect(200);
    assert_eq!(listed["value"].as_array().map(Vec::len), Some(20));
    let one_more = trust("https://issuer.example", "one more", EXCHANGE);
    admin.put(&at("one-more"), &one_more).await.refused(409, "TooManyFederatedIdentityCredentials");
    let _ = admin.delete(&at("first")).await.expect(200);
    let _ = admin.put(&at("one-more"), &one_more).await.expect(201);
}

#[tokio::test]
async fn an_application_trusts_a_second_server_and_this_one() {
    let there = Server::usual().await;
    let server = server(&[&there]).await;
    let (admin, there_admin) = (server.admin().await, there.admin().await);
    // Somebody's program at the other server, and one here.
    let program = async |api: &Api| {
        let app = api.post("/v1.0/applications", &json!({"displayName": "ci"})).await.expect(201);
        let (id, client) =
            (app["id"].as_str().unwrap().to_owned(), app["appId"].as_str().unwrap().to_owned());
        let principal = api.post("/v1.0/servicePrincipals", &json!({"appId": client})).await.expect(201);
        (id, client, principal["id"].as_str().unwrap().to_owned())
    };
    let token = async |api: &Api, id: &str, client: &str| {
        let secret = api.post(&format!("/v1.0/applications/{id}/addPassword"), &json!({})).await.expect(200);
        let secret = secret["secretText"].as_str().unwrap();
        let form = [("grant_type", "client_credentials"), ("client_id", client), ("client_secret", secret)];
        api.form(TOKEN, &form).await.expect(200)["access_token"].as_str().unwrap().to_owned()
    };
    let issuer_of = async |api: &Api| {
        let url = format!("{}/organizations/v2.0/.well-known/openid-configuration", api.base);
        Api::send(api.http.get(url)).await.expect(200)["issuer"].as_str().unwrap().to_owned()
    };
    let (their_id, their_client, their_object) = program(&there_admin).await;
    let (id, client, object) = program(&admin).await;
    let their_token = token(&there_admin, &their_id, &their_client).await;
    refused(&redeem(&admin, &client, &their_token).await, 70_021);

    // What `az ad app federated-credential` does.
    let credentials = format!("/v1.0/applications/{id}/federatedIdentityCredentials");
    let body = json!({"name": "plant-7", "issuer": issuer_of(&there_admin).await, "subject": their_object,
        "audiences": [there.url()], "description": "the other plant"});
    let made = admin.post(&credentials, &body).await.expect(201);
    assert_eq!((&made["name"], &made["description"]), (&body["name"], &body["description"]));
    assert_eq!(admin.post(&credentials, &body).await.status, 409);
    let made_id = made["id"].as_str().unwrap();
    for key in [
        format!("{credentials}/{made_id}"),
        format!("{credentials}/plant-7"),
        format!("{credentials}(name='plant-7')"),
    ] {
        assert_eq!(admin.get(&key).await.expect(200)["id"], made["id"], "{key}");
    }
    assert_eq!(
        admin.get(&credentials).await.expect(200)["value"],
        json!([made
            .as_object()
            .unwrap()
            .iter()
            .filter(|(name, _)| !name.starts_with('@'))
            .map(|(n, v)| (n.clone(), v.clone()))
            .collect::<serde_json::Map<_, _>>()])
    );
    let answer = redeem(&admin, &client, &their_token).await.expect(200);
    let me = admin.with(answer["access_token"].as_str().unwrap());
    assert_eq!(
        me.get(&format!("/v1.0/servicePrincipals/{object}")).await.expect(200)["appId"],
        client.as_str()
    );

    // A token of this server, for which nobody is asked.
    let (other_id, other_client, other_object) = program(&admin).await;
    let own = json!({"name": "own", "issuer": issuer_of(&admin).await, "subject": other_object, "audiences": [server.url()]});
    let _ = admin.post(&credentials, &own).await.expect(201);
    let own_token = token(&admin, &other_id, &other_client).await;
    let _ = redeem(&admin, &client, &own_token).await.expect(200);

    let changed =
        admin.patch(&format!("{credentials}/{made_id}"), &json!({"subject": "somebody else"})).await;
    assert_eq!(changed.status, 204, "{}", changed.text);
    refused(&redeem(&admin, &client, &their_token).await, 700_213);
    assert_eq!(admin.delete(&format!("{credentials}/plant-7")).await.status, 204);
    assert_eq!(admin.get(&format!("{credentials}/{made_id}")).await.status, 404);
    refused(&redeem(&admin, &client, &their_token).await, 700_211);

    // Who may make resources may not make an application trust somebody.
    let (eve, eve_id) = user(&admin, "eve").await;
    assign(&admin, "", "b24988ac-6180-42a0-ab88-20f7382dd24c", &eve_id).await;
    assert_eq!(eve.post(&credentials, &body).await.status, 403);
    assert_eq!(eve.delete(&format!("{credentials}/own")).await.status, 403);
    assert_eq!(admin.delete(&format!("/v1.0/applications/{id}")).await.status, 204, "with its credentials");
    refused(&redeem(&admin, &client, &own_token).await, 700_016);
}
