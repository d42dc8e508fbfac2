//! Sign-in and roles: every grant, its refusals, and what a token may do where.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bowline_e2e::api::{Answer, Api};
use bowline_e2e::events::Events;
use bowline_e2e::keys::{ASSERTION, Key};
use bowline_e2e::server::{CLI, Options, PASSWORD, Server, group, sign_in};
use bowline_e2e::wait::{seconds, until, until_true};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Digest as _;

use crate::resources::machine;

const TOKEN: &str = "/organizations/oauth2/v2.0/token";
const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const PORTAL: &str = "b0000000-0000-4000-8000-000000000001";

/// An OAuth refusal: its `error`, with a description for a person.
#[track_caller]
fn oauth(answer: &Answer, status: u16, error: &str) {
    assert_eq!((answer.status, answer.body["error"].as_str()), (status, Some(error)), "{}", answer.text);
    assert!(
        answer.body["error_description"].as_str().is_some_and(|d| d.starts_with("AADSTS")),
        "{}",
        answer.text
    );
}

#[tokio::test]
async fn discovery_and_keys_are_what_openid_clients_need() {
    let server = Server::usual().await;
    let api = server.api();
    let document =
        Api::send(api.http.get(format!("{}/organizations/v2.0/.well-known/openid-configuration", api.base)))
            .await
            .expect(200);
    let issuer = document["issuer"].as_str().unwrap();
    assert!(issuer.starts_with(&server.url()) && issuer.ends_with("/v2.0"), "{issuer}");
    let keys = Api::send(api.http.get(document["jwks_uri"].as_str().unwrap())).await.expect(200);
    let token = sign_in(&api, "admin", PASSWORD).await;
    let header: Value = serde_json::from_slice(
        &URL_SAFE_NO_PAD.decode(token["access_token"].as_str().unwrap().split('.').next().unwrap()).unwrap(),
    )
    .unwrap();
    assert_eq!(header["alg"], "ES256");
    assert!(
        keys["keys"]
            .as_array()
            .unwrap()
            .iter()
            .any(|key| key["kid"] == header["kid"] && key["crv"] == "P-256"),
        "{keys}"
    );
    assert!(keys["keys"].as_array().unwrap().iter().all(|key| key.get("d").is_none()), "no private part");
    oauth(
        &api.form(
            "/00000000-0000-0000-0000-000000000001/oauth2/v2.0/token",
            &[("grant_type", "refresh_token")],
        )
        .await,
        400,
        "invalid_request",
    );
    let admin = api.with(token["access_token"].as_str().unwrap());
    let mut bent = token["access_token"].as_str().unwrap().to_owned();
    bent.truncate(bent.len() - 4);
    bent.push_str("AAAA");
    admin.with(&bent).get("/subscriptions").await.refused(401, "InvalidAuthenticationToken");
}

#[tokio::test]
async fn the_device_flow_waits_slows_down_denies_and_approves() {
    let server = Server::usual().await;
    let api = server.api();
    let start = async || {
        api.form(
            "/organizations/oauth2/v2.0/devicecode",
            &[("client_id", CLI), ("scope", "openid offline_access")],
        )
        .await
        .expect(200)
    };
    let poll = async |code: &str| {
        api.form(TOKEN, &[("grant_type", DEVICE), ("client_id", CLI), ("device_code", code)]).await
    };
    let decide = async |code: &str, password: &str, action: &str| {
        api.form(
            "/device",
            &[("user_code", code), ("username", "admin"), ("password", password), ("action", action)],
        )
        .await
    };
    let first = start().await;
    let device = first["device_code"].as_str().unwrap();
    assert!(first["verification_uri"].as_str().unwrap().ends_with("/device") && first["interval"] == 5);
    oauth(&poll(device).await, 400, "authorization_pending");
    oauth(&poll(device).await, 400, "slow_down");
    oauth(&poll("nonsense").await, 400, "invalid_grant");
    let typed = first["user_code"].as_str().unwrap().to_lowercase().replace('-', " ");
    assert_eq!(decide(&typed, "wrong", "approve").await.status, 400, "a wrong password approves nothing");
    assert_eq!(decide("BBBB-BBBB", PASSWORD, "approve").await.status, 400, "an unknown code");
    assert_eq!(
        decide(&typed, PASSWORD, "approve").await.status,
        200,
        "letters and dashes as people type them"
    );
    let token = poll(device).await.expect(200);
    assert!(token["refresh_token"].is_string() && token["expires_in"] == 3600, "{token}");
    oauth(&poll(device).await, 400, "invalid_grant");

    let second = start().await;
    assert_eq!(decide(second["user_code"].as_str().unwrap(), PASSWORD, "deny").await.status, 200);
    oauth(&poll(second["device_code"].as_str().unwrap()).await, 400, "access_denied");
    let page = Api::send(api.http.get(format!("{}/device?user_code=%3Cscript%3E", api.base))).await;
    assert!(page.status == 200 && !page.text.contains("<script>"));
}

#[tokio::test]
async fn service_principals_prove_themselves_by_secret_and_by_key() {
    let server = Server::usual().await;
    let admin = server.admin().await;
    let (app, key) = (uuid::Uuid::new_v4().to_string(), Key::generate());
    let id = format!("/providers/Microsoft.Bowline/servicePrincipals/{app}");
    let _ = admin
        .put(&id, &json!({"properties": {"displayName": "ci", "publicKeys": [key.public()]}}))
        .await
        .expect(201);
    let secret = admin.post(&format!("{id}/addPassword"), &json!({})).await.expect(200)["secret"]
        .as_str()
        .unwrap()
        .to_owned();
    let by_secret = async |secret: &str| {
        admin
            .form(
                TOKEN,
                &[("grant_type", "client_credentials"), ("client_id", &app), ("client_secret", secret)],
            )
            .await
    };
    let token = by_secret(&secret).await.expect(200);
    assert!(token.get("refresh_token").is_none(), "a program has its credential");
    oauth(&by_secret("bws_wrong").await, 401, "invalid_client");
    admin.with(token["access_token"].as_str().unwrap()).get(&id).await.refused(403, "AuthorizationFailed");

    let discovery =
        Api::send(admin.http.get(format!("{}/common/v2.0/.well-known/openid-configuration", admin.base)))
            .await
            .expect(200);
    let audience = discovery["token_endpoint"].as_str().unwrap().to_owned();
    let present = async |assertion: &str| {
        admin
            .form(
                TOKEN,
                &[
                    ("grant_type", "client_credentials"),
                    ("client_assertion_type", ASSERTION),
                    ("client_assertion", assertion),
                ],
            )
            .await
    };
    let good = key.sign(&Key::claims(&app, &audience));
    assert!(present(&good).await.expect(200)["access_token"].is_string());
    assert_eq!(present(&good).await.status, 200, "the Azure SDKs send one assertion several times");
    oauth(&present(&Key::generate().sign(&Key::claims(&app, &audience))).await, 401, "invalid_client");
    let altered = |name: &str, value: Value| {
        let mut claims = Key::claims(&app, &audience);
        claims[name] = value;
        key.sign(&claims)
    };
    let now = jiff::Timestamp::now().as_second();
    for wrong in [
        altered("aud", json!("https://elsewhere")),
        altered("iat", json!(now - 900)),
        altered("iat", json!(now + 900)),
        altered("exp", json!(now - 1)),
        altered("exp", json!(now + 3600)),
        altered("iss", json!("other")),
    ] {
        oauth(&present(&wrong).await, 401, "invalid_client");
    }
    let issuer = discovery["issuer"].as_str().unwrap();
    assert_eq!(
        present(&key.sign(&Key::claims(&app, issuer))).await.status,
        200,
        "the issuer is an audience, too"
    );
    let shown = admin.get(&id).await.expect(200).to_string();
    assert!(!shown.contains(&secret), "a secret is shown once");
    let _ = admin.delete(&id).await;
    oauth(&by_secret(&secret).await, 400, "unauthorized_client");
    admin.with(token["access_token"].as_str().unwrap()).get(&id).await.refused(401, "AuthenticationFailed");
}

#[tokio::test]
async fn codes_with_proof_keys_refresh_tokens_and_the_portals_cookie() {
    let server = Server::usual().await;
    let api = server.api();
    let callback = format!("{}/portal/callback", server.url());
    let verifier = "v".repeat(43);
    let challenge = URL_SAFE_NO_PAD.encode(sha2::Sha256::digest(verifier.as_bytes()));
    let path = "/organizations/oauth2/v2.0/authorize";
    let fields = |challenge: &str, password: &str| {
        [
            ("client_id", PORTAL),
            ("redirect_uri", &callback),
            ("response_type", "code"),
            ("scope", "openid"),
            ("state", "s1"),
            ("code_challenge", challenge),
            ("code_challenge_method", "S256"),
            ("username", "admin"),
            ("password", password),
        ]
        .map(|(n, v)| (n.to_owned(), v.to_owned()))
    };
    let send = async |fields: &[(String, String)]| {
        let borrowed: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        api.form(path, &borrowed).await
    };
    assert_eq!(send(&fields(&challenge, "wrong")).await.status, 401);
    let mut elsewhere = fields(&challenge, PASSWORD);
    elsewhere[1].1 = "https://evil.example/callback".to_owned();
    let refused = send(&elsewhere).await;
    assert!(refused.status == 400 && refused.header("location").is_none(), "no redirect to strangers");
    let code = async || {
        let answer = send(&fields(&challenge, PASSWORD)).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        let to = url::Url::parse(answer.header("location").unwrap()).unwrap();
        assert!(
            to.as_str().starts_with(&callback) && to.query_pairs().any(|(n, v)| n == "state" && v == "s1")
        );
        to.query_pairs().find(|(n, _)| n == "code").unwrap().1.into_owned()
    };
    let redeem = async |code: &str, verifier: &str| {
        api.form(
            TOKEN,
            &[
                ("grant_type", "authorization_code"),
                ("client_id", PORTAL),
                ("redirect_uri", &callback),
                ("code", code),
                ("code_verifier", verifier),
            ],
        )
        .await
    };
    let first = code().await;
    oauth(&redeem(&first, &"w".repeat(43)).await, 400, "invalid_grant");
    let tokens = redeem(&first, &verifier).await.expect(200);
    let refresh = async |token: &str| {
        api.form(TOKEN, &[("grant_type", "refresh_token"), ("client_id", PORTAL), ("refresh_token", token)])
            .await
    };
    let old = tokens["refresh_token"].as_str().unwrap();
    let next = refresh(old).await.expect(200);
    let newest = next["refresh_token"].as_str().unwrap();
    assert_eq!(refresh(newest).await.status, 200, "each is replaced by the next");
    oauth(&redeem(&first, &verifier).await, 400, "invalid_grant");
    oauth(&refresh(newest).await, 400, "invalid_grant");
    portal(&api).await;
}

/// As a browser: from /portal/login to a cookie, a change with it, and out.
async fn portal(api: &Api) {
    let get = |path: &str| api.http.get(format!("{}{path}", api.base));
    let cookie_of = |answer: &Answer, name: &str| {
        let all = answer.headers.get_all("set-cookie");
        let found = all
            .iter()
            .filter_map(|v| v.to_str().ok())
            .find(|v| v.starts_with(name))
            .unwrap_or_else(|| panic!("{name} is set"));
        assert!(
            found.contains("HttpOnly") && found.contains("Secure") && found.contains("SameSite"),
            "{found}"
        );
        found.split(';').next().unwrap().to_owned()
    };
    let login = Api::send(get("/portal/login?return=/portal/clusters")).await;
    let started = cookie_of(&login, "__Host-bowline-signin");
    let page = url::Url::parse(&format!("{}{}", api.base, login.header("location").unwrap())).unwrap();
    let mut fields: Vec<(String, String)> =
        page.query_pairs().map(|(n, v)| (n.into_owned(), v.into_owned())).collect();
    fields.extend([("username", "admin"), ("password", PASSWORD)].map(|(n, v)| (n.to_owned(), v.to_owned())));
    let borrowed: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let answer = api.form(page.path(), &borrowed).await;
    let back = answer.header("location").unwrap().to_owned();
    let foreign = Api::send(api.http.get(&back)).await;
    assert_eq!(foreign.status, 400, "another browser cannot take the code");
    let signed_in = Api::send(api.http.get(&back).header("cookie", started)).await;
    assert_eq!(
        (signed_in.status, signed_in.header("location")),
        (303, Some("/portal/clusters")),
        "{}",
        signed_in.text
    );
    let cookie = cookie_of(&signed_in, "__Host-bowline=");
    let session = Api::send(get("/portal/session").header("cookie", &cookie)).await.expect(200);
    assert_eq!(session["username"], "admin");
    let scope = subscription_by_cookie(api, &cookie).await;
    let put = |path: &str| {
        api.request(Method::PUT, path).header("cookie", &cookie).json(&json!({"location": "local"}))
    };
    let id = format!("{scope}/resourceGroups/by-portal");
    Api::send(put(&id)).await.refused(403, "PortalHeaderMissing");
    let _ = Api::send(put(&id).header("x-bowline-portal", "1")).await.expect(201);
    let mut live = Events::open_by_cookie(api, &scope, &cookie).await.unwrap();
    let mut with_token = Events::open(&admin_of(api).await, &scope, None).await.unwrap();
    while live.next().await.expect("the stream is open").name != "ready" {}
    let out = api
        .http
        .post(format!("{}/portal/logout", api.base))
        .header("cookie", &cookie)
        .header("x-bowline-portal", "1");
    assert_eq!(Api::send(out).await.status, 204);
    assert_eq!(Api::send(get("/portal/session").header("cookie", &cookie)).await.status, 401);
    let last = async {
        loop {
            let event = live.next().await.expect("the last event says why");
            if event.name == "end" {
                return event.data;
            }
        }
    };
    let last = tokio::time::timeout(Duration::from_secs(5), last).await.expect("within 5 s");
    assert_eq!(last["reason"], "signedOut", "{last}");
    assert!(live.next().await.is_none(), "and the stream is over");
    let _ = admin_of(api)
        .await
        .put(&format!("{scope}/resourceGroups/after"), &json!({"location": "local"}))
        .await
        .expect(201);
    let goes_on =
        async { while !with_token.next().await.expect("it is open").data.to_string().contains("after") {} };
    tokio::time::timeout(Duration::from_secs(10), goes_on).await.expect("another's stream goes on");
}

async fn admin_of(api: &Api) -> Api {
    let tokens = sign_in(api, "admin", PASSWORD).await;
    api.with(tokens["access_token"].as_str().unwrap())
}

#[tokio::test]
async fn the_sign_in_page_names_who_asks() {
    let server = Server::usual().await;
    let admin = server.admin().await;
    let app = json!({"displayName": "Night <shift>", "web": {"redirectUris": ["https://night.example/cb"]}});
    let app = admin.post("/v1.0/applications", &app).await.expect(201);
    let page = async |client: &str, redirect: &str| {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([
                ("client_id", client),
                ("redirect_uri", redirect),
                ("response_type", "code"),
                ("scope", "openid"),
            ])
            .extend_pairs([
                ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
                ("code_challenge_method", "S256"),
            ])
            .finish();
        let url = format!("{}/organizations/oauth2/v2.0/authorize?{query}", admin.base);
        Api::send(admin.http.get(url)).await
    };
    let registered = page(app["appId"].as_str().unwrap(), "https://night.example/cb").await;
    assert!(registered.text.contains("<strong>Night &lt;shift&gt;</strong> asks"), "{}", registered.text);
    let public = page(CLI, "http://localhost:8400").await;
    assert!(public.text.contains("A command line (bowline, az, azd)"), "{}", public.text);
    let nobody = page(&uuid::Uuid::new_v4().to_string(), "https://night.example/cb").await;
    assert!(nobody.status == 400 && !nobody.text.contains("asks to sign you in"), "{}", nobody.text);
}

async fn subscription_by_cookie(api: &Api, cookie: &str) -> String {
    let page =
        Api::send(api.request(Method::GET, "/subscriptions").header("cookie", cookie)).await.expect(200);
    page["value"][0]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn who_guesses_passwords_waits() {
    let server = Server::usual().await;
    let api = server.api();
    let fields = [("grant_type", "refresh_token"), ("client_id", CLI), ("refresh_token", "bwr_guess")];
    oauth(&api.form(TOKEN, &fields).await, 400, "invalid_grant");
    let started = api.form("/organizations/oauth2/v2.0/devicecode", &[("client_id", CLI)]).await.expect(200);
    let guess = async |name: &str, password: &str| {
        api.form(
            "/device",
            &[
                ("user_code", started["user_code"].as_str().unwrap()),
                ("username", name),
                ("password", password),
                ("action", "approve"),
            ],
        )
        .await
    };
    let mut texts = Vec::new();
    for _ in 0..6 {
        texts.push(guess("admin", "not it").await.text);
    }
    assert!(texts[0].contains("wrong"), "{}", texts[0]);
    let blocked = guess("admin", PASSWORD).await;
    assert!(blocked.status == 400 || blocked.status == 429, "{}", blocked.status);
    assert!(
        blocked.text.contains("Too many attempts") && blocked.text.contains("wait"),
        "even the right one waits: {}",
        blocked.text
    );
    assert_eq!(blocked.status, 429, "a program is told by the status");
    assert!(blocked.header("retry-after").is_some());
    until_true("the wait is over", seconds(20), async || guess("admin", PASSWORD).await.status == 200).await;
}

#[tokio::test]
async fn an_agents_token_expires() {
    let server = Server::start(Options { agent_token_seconds: 10, ..Options::default() }).await;
    let admin = server.admin().await;
    let here = group(&admin, "g").await;
    let key = Key::generate();
    let made = admin
        .put(
            &machine(&here, "m"),
            &json!({"location": "local", "properties": {"clientPublicKey": key.public()}}),
        )
        .await
        .expect(200);
    let agent = agent_token(&admin, &key, made["identity"]["principalId"].as_str().unwrap()).await;
    let own = agent.get("/agents/v1/self").await.expect(200);
    assert_eq!(own["id"], made["id"]);
    agent.get(&here).await.refused(403, "AuthorizationFailed");
    let refused = until("the token's end", Duration::from_secs(60), async || {
        let answer = agent.get("/agents/v1/self").await;
        (answer.status != 200).then_some(answer)
    })
    .await;
    refused.refused(401, "ExpiredAuthenticationToken");
}

/// The API with the token that an agent gets for its key.
pub(crate) async fn agent_token(api: &Api, key: &Key, principal: &str) -> Api {
    let url = format!("{}/common/v2.0/.well-known/openid-configuration", api.base);
    let discovery = Api::send(api.http.get(url)).await.expect(200);
    let assertion = key.sign(&Key::claims(principal, discovery["token_endpoint"].as_str().unwrap()));
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", principal),
        ("client_assertion_type", ASSERTION),
        ("client_assertion", &assertion),
    ];
    let token = api.form(TOKEN, &fields).await.expect(200);
    api.with(token["access_token"].as_str().unwrap())
}
