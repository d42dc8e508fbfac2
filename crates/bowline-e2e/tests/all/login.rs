//! What the clients of Azure ask of a login host: cloud metadata, every form of the endpoints, audiences, codes by form post,
//! sign-out, limits, and a rotation of the keys under them.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bowline_e2e::api::{Answer, Api};
use bowline_e2e::server::{CLI, Options, PASSWORD, Server, sign_in};
use bowline_e2e::wait::{seconds, until};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Digest as _;

const LOOPBACK: &str = "http://localhost:8400";

/// Plain requests: these endpoints take no api-version and no bearer.
async fn get(api: &Api, path: &str) -> Answer {
    Api::send(api.http.get(format!("{}{path}", api.base))).await
}

#[track_caller]
fn aadsts(answer: &Answer, status: u16, code: u64) {
    assert_eq!(
        (answer.status, answer.body["error_codes"][0].as_u64()),
        (status, Some(code)),
        "{}",
        answer.text
    );
    let description = answer.body["error_description"].as_str().unwrap_or_default();
    assert!(description.starts_with(&format!("AADSTS{code}: ")), "{}", answer.text);
    for member in ["error", "timestamp", "trace_id", "correlation_id"] {
        assert!(answer.body[member].is_string(), "{member}: {}", answer.text);
    }
}

fn claims(token: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

/// A service principal with the role of an owner: client id and secret.
async fn service_principal(admin: &Api) -> (String, String) {
    let app = uuid::Uuid::new_v4().to_string();
    let id = format!("/providers/Microsoft.Bowline/servicePrincipals/{app}");
    let made = admin.put(&id, &json!({"properties": {"displayName": "ci"}})).await.expect(201);
    let role = json!({"properties": {
        "roleDefinitionId": "/providers/Microsoft.Authorization/roleDefinitions/8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
        "principalId": made["properties"]["objectId"], "principalType": "ServicePrincipal",
    }});
    let assignment = format!("/providers/Microsoft.Authorization/roleAssignments/{}", uuid::Uuid::new_v4());
    let _ = admin.put(&assignment, &role).await.expect(201);
    let secret = admin.post(&format!("{id}/addPassword"), &json!({})).await.expect(200);
    (app, secret["secret"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_client_learns_the_cloud_before_it_signs_in() {
    let server = Server::usual().await;
    let api = server.api();
    let list = get(&api, "/metadata/endpoints?api-version=2019-05-01").await.expect(200);
    let object = get(&api, "/metadata/endpoints?api-version=2022-09-01").await.expect(200);
    // azurerm puts paths behind the newest form's as it is; az expects the slash in the form that it reads.
    assert_eq!(
        (&object["resourceManager"], &list[0]["resourceManager"]),
        (&json!(server.url()), &json!(format!("{}/", server.url())))
    );
    let mut same = object.clone();
    same["resourceManager"] = list[0]["resourceManager"].clone();
    assert_eq!(list, json!([same]), "one cloud, in two forms");
    assert_eq!(get(&api, "/metadata/endpoints").await.expect(200), object);
    assert_eq!(get(&api, "/metadata/endpoints?api-version=2099-01-01-preview").await.expect(200), object);
    let first = get(&api, "/metadata/endpoints?api-version=2015-01-01").await.expect(200);
    assert_eq!(first["authentication"], object["authentication"]);
    let refused = get(&api, "/metadata/endpoints?api-version=soon").await;
    refused.refused(400, "InvalidApiVersionParameter");
    // What az reads without asking whether it is there, and what connectedk8s and log-analytics look for.
    assert_eq!(object["authentication"]["loginEndpoint"], format!("{}/adfs", server.url()));
    assert_eq!(object["authentication"]["audiences"][0], format!("{}/", server.url()));
    for name in [
        "name",
        "resourceManager",
        "microsoftGraphResourceId",
        "logAnalyticslogAnalyticsResourceId",
        "gallery",
    ] {
        assert!(object[name].is_string(), "{name}");
    }
    assert!(object["suffixes"]["relayEndpointSuffix"].is_string());
    assert!(object["dataplaneEndpoints"]["arcConfigEndpoint"].as_str().unwrap().starts_with(&server.url()));
    for authority in ["adfs", "ADFS", "common", "organizations", "adfs/adfs", "adfs/common"] {
        let versioned =
            get(&api, &format!("/{authority}/v2.0/.well-known/openid-configuration")).await.expect(200);
        let plain = get(&api, &format!("/{authority}/.well-known/openid-configuration")).await.expect(200);
        assert_eq!(versioned, plain);
        let adfs = authority.to_lowercase().starts_with("adfs");
        assert_eq!(plain["token_endpoint"].as_str().unwrap().contains("/adfs/oauth2/"), adfs, "{authority}");
        let keys = get(&api, plain["jwks_uri"].as_str().unwrap().strip_prefix(&server.url()).unwrap()).await;
        assert_eq!(keys.expect(200)["keys"].as_array().unwrap().len(), 1);
    }
    aadsts(&get(&api, "/elsewhere/v2.0/.well-known/openid-configuration").await, 400, 90_002);
}

#[tokio::test]
async fn every_form_of_the_token_endpoint_gives_the_audience_that_was_asked() {
    let server = Server::usual().await;
    let admin = server.admin().await;
    let (app, secret) = service_principal(&admin).await;
    let base = server.url();
    let ask = async |path: &str, more: &[(&str, &str)]| {
        let mut fields =
            vec![("grant_type", "client_credentials"), ("client_id", &app), ("client_secret", &secret)];
        fields.extend_from_slice(more);
        admin.form(path, &fields).await
    };
    let tenant = claims(admin.bearer.as_deref().unwrap())["tid"].as_str().unwrap().to_owned();
    let scope = format!("{base}//.default");
    for authority in [tenant.as_str(), "adfs", "common", "adfs/adfs", &format!("adfs/{tenant}")] {
        for path in ["oauth2/v2.0/token", "oauth2/token", "oauth2/token/"] {
            let answer =
                ask(&format!("/{authority}/{path}"), &[("scope", &scope), ("client_info", "1")]).await;
            let token = answer.expect(200);
            assert_eq!(token["ext_expires_in"], token["expires_in"]);
            let api = admin.with(token["access_token"].as_str().unwrap());
            assert_eq!(api.get("/subscriptions").await.status, 200, "/{authority}/{path}");
        }
    }
    let v1 = ask("/common/oauth2/token", &[("resource", &format!("{base}/"))]).await.expect(200);
    assert_eq!(claims(v1["access_token"].as_str().unwrap())["aud"], base);
    let usual = ask("/common/oauth2/v2.0/token", &[("scope", "https://management.azure.com/.default")]).await;
    assert_eq!(
        claims(usual.expect(200)["access_token"].as_str().unwrap())["aud"],
        base,
        "an SDK that was told nothing"
    );
    for plane in ["https://monitor.azure.com", "https://api.loganalytics.io"] {
        let token =
            ask("/common/oauth2/v2.0/token", &[("scope", &format!("{plane}/.default"))]).await.expect(200);
        let token = token["access_token"].as_str().unwrap();
        assert_eq!(claims(token)["aud"], plane);
        admin.with(token).get("/subscriptions").await.refused(401, "InvalidAuthenticationTokenAudience");
    }
    aadsts(&ask("/adfs/oauth2/token", &[("scope", "https://vault.azure.net/.default")]).await, 400, 500_011);
    let basic = STANDARD.encode(format!("{app}:{secret}"));
    let request = admin
        .http
        .post(format!("{}/adfs/oauth2/token", admin.base))
        .header("authorization", format!("Basic {basic}"));
    let answer = Api::send(request.form(&[("grant_type", "client_credentials")])).await;
    assert!(answer.expect(200)["access_token"].is_string(), "client_secret_basic");
}

#[tokio::test]
async fn refusals_carry_the_numbers_that_people_search_for() {
    let server = Server::usual().await;
    let admin = server.admin().await;
    let (app, secret) = service_principal(&admin).await;
    let token = async |fields: &[(&str, &str)]| admin.form("/adfs/oauth2/token/", fields).await;
    let credentials = async |id: &str, secret: &str| {
        token(&[("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)]).await
    };
    aadsts(&credentials(&app, "wrong").await, 401, 7_000_215);
    aadsts(&credentials("00000000-0000-0000-0000-00000000000f", &secret).await, 400, 700_016);
    aadsts(&credentials(CLI, &secret).await, 401, 700_025);
    let ropc = token(&[
        ("grant_type", "password"),
        ("client_id", CLI),
        ("username", "admin"),
        ("password", PASSWORD),
    ])
    .await;
    aadsts(&ropc, 400, 70_003);
    assert!(ropc.text.contains("device-code"), "it says what to do: {}", ropc.text);
    aadsts(&token(&[("grant_type", "client_credentials"), ("client_id", &app)]).await, 401, 7_000_218);
    let id = format!("/providers/Microsoft.Bowline/servicePrincipals/{app}");
    let disabled = admin.patch(&id, &json!({"properties": {"accountEnabled": false}})).await;
    assert_eq!(disabled.status, 200, "{}", disabled.text);
    aadsts(&credentials(&app, &secret).await, 400, 50_057);

    let started = admin.form("/adfs/oauth2/devicecode", &[("client_id", CLI)]).await.expect(200);
    let decide = async |user: &str, password: &str, action: &str| {
        let fields = [
            ("user_code", started["user_code"].as_str().unwrap()),
            ("username", user),
            ("password", password),
            ("action", action),
        ];
        let request = admin.http.post(format!("{}/device", admin.base)).header("accept", "application/json");
        Api::send(request.form(&fields)).await
    };
    aadsts(&decide("admin", "wrong", "approve").await, 400, 50_126);
    aadsts(&decide("nobody", "wrong", "approve").await, 400, 50_126);
    assert_eq!(decide("admin", PASSWORD, "approve").await.expect(200), json!({"status": "approved"}));
    let foreign = admin.form("/adfs/oauth2/devicecode", &[("client_id", &app)]).await;
    aadsts(&foreign, 400, 700_016);
}

/// What the sign-in page is asked by `az login`: PKCE, a loopback address, the answer by form post.
fn authorize(mode: &str, more: &[(&str, &str)]) -> Vec<(String, String)> {
    let challenge = URL_SAFE_NO_PAD.encode(sha2::Sha256::digest("v".repeat(43).as_bytes()));
    let mut fields: Vec<(String, String)> = [
        ("client_id", CLI),
        ("redirect_uri", LOOPBACK),
        ("response_type", "code"),
        ("response_mode", mode),
        ("scope", "openid offline_access profile"),
        ("state", "s&1"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    for (name, value) in more {
        fields.retain(|(known, _)| known != name);
        fields.push(((*name).to_owned(), (*value).to_owned()));
    }
    fields
}

#[tokio::test]
async fn a_browser_signs_in_to_a_program_on_its_own_computer() {
    let server = Server::usual().await;
    let api = server.api();
    let page = async |fields: &[(String, String)]| {
        Api::send(api.http.get(format!("{}/adfs/oauth2/authorize", api.base)).query(fields)).await
    };
    let answer = async |fields: &[(String, String)]| {
        Api::send(api.http.post(format!("{}/adfs/oauth2/authorize", api.base)).form(fields)).await
    };
    let shown = page(&authorize("form_post", &[("login_hint", "ad\"min")])).await;
    assert!(shown.status == 200 && shown.text.contains("ad&quot;min"), "{}", shown.text);
    let policy = shown.header("content-security-policy").unwrap();
    assert!(policy.contains(&format!("form-action 'self' {LOOPBACK}")), "{policy}");
    let with_password = [("username", "admin"), ("password", PASSWORD)];
    let posted = answer(&authorize("form_post", &with_password)).await;
    assert_eq!(posted.status, 200);
    assert!(
        posted.text.contains(&format!("action=\"{LOOPBACK}\"")) && posted.text.contains("s&amp;1"),
        "{}",
        posted.text
    );
    let code = posted.text.split("name=\"code\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", CLI),
        ("redirect_uri", LOOPBACK),
        ("code", code),
        ("code_verifier", &"v".repeat(43)),
        ("client_info", "1"),
    ];
    let tokens = api.form("/adfs/oauth2/token", &fields).await.expect(200);
    let id_token = claims(tokens["id_token"].as_str().unwrap());
    assert_eq!(
        (id_token["aud"].as_str(), id_token["preferred_username"].as_str()),
        (Some(CLI), Some("admin"))
    );
    let info: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(tokens["client_info"].as_str().unwrap()).unwrap())
            .unwrap();
    assert_eq!((&info["uid"], &info["utid"]), (&id_token["oid"], &id_token["tid"]));
    let redirected = answer(&authorize("query", &with_password)).await;
    let to = url::Url::parse(redirected.header("location").unwrap()).unwrap();
    assert!(
        to.query_pairs().any(|(n, _)| n == "code")
            && to.query_pairs().any(|(n, v)| n == "state" && v == "s&1")
    );

    // Once client and address fit, the client hears why; before that nothing leaves the server.
    for (more, error) in [
        (("prompt", "none"), "login_required"),
        (("response_type", "token"), "unsupported_response_type"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("scope", "https://vault.azure.net/.default"), "invalid_resource"),
    ] {
        let refused = page(&authorize("query", &[more])).await;
        let to = url::Url::parse(refused.header("location").expect("a redirect")).unwrap();
        assert!(to.as_str().starts_with(LOOPBACK), "{to}");
        assert!(to.query_pairs().any(|(n, v)| n == "error" && v == error), "{to}");
        assert!(to.query_pairs().any(|(n, v)| n == "state" && v == "s&1"), "{to}");
    }
    for bad in [
        "http://evil.example/",
        "https://localhost:8400/",
        "http://localhost.evil.example/",
        "javascript:alert(1)",
    ] {
        let refused = page(&authorize("query", &[("redirect_uri", bad)])).await;
        assert!(refused.status == 400 && refused.header("location").is_none(), "{bad}");
    }
}

#[tokio::test]
async fn a_registered_application_redeems_codes_with_its_secret_alone() {
    let server = Server::usual().await;
    let admin = server.admin().await;
    let (app, secret) = service_principal(&admin).await;
    let redirect = "https://app.example/callback";
    let registration = json!({"properties": {"displayName": "app", "web": {"redirectUris": [redirect]}}});
    let made = admin.put(&format!("/providers/Microsoft.Bowline/applications/{app}"), &registration).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let code = async || {
        let more = [
            ("client_id", app.as_str()),
            ("redirect_uri", redirect),
            ("username", "admin"),
            ("password", PASSWORD),
        ];
        let request = admin.http.post(format!("{}/common/oauth2/v2.0/authorize", admin.base));
        let answer = Api::send(request.form(&authorize("query", &more))).await;
        let to = url::Url::parse(answer.header("location").expect("a redirect")).unwrap();
        to.query_pairs().find(|(n, _)| n == "code").expect("a code").1.into_owned()
    };
    let token = async |more: &[(&str, &str)]| {
        let mut fields = vec![("client_id", app.as_str()), ("redirect_uri", redirect)];
        fields.extend_from_slice(more);
        admin.form("/common/oauth2/v2.0/token", &fields).await
    };
    let verifier = "v".repeat(43);
    let redeem = async |code: &str, secret: Option<&str>| {
        let mut more =
            vec![("grant_type", "authorization_code"), ("code", code), ("code_verifier", &verifier)];
        more.extend(secret.map(|secret| ("client_secret", secret)));
        token(&more).await
    };
    let code = code().await;
    aadsts(&redeem(&code, None).await, 401, 7_000_218);
    aadsts(&redeem(&code, Some("wrong")).await, 401, 7_000_215);
    let tokens = redeem(&code, Some(&secret)).await.expect(200);
    assert_eq!(claims(tokens["id_token"].as_str().unwrap())["aud"], app.as_str());
    let refresh = tokens["refresh_token"].as_str().unwrap();
    aadsts(&token(&[("grant_type", "refresh_token"), ("refresh_token", refresh)]).await, 401, 7_000_218);
    let again =
        token(&[("grant_type", "refresh_token"), ("refresh_token", refresh), ("client_secret", &secret)])
            .await;
    assert_eq!(again.status, 200, "{}", again.text);
}

#[tokio::test]
async fn a_sign_out_ends_the_sign_in_at_the_server() {
    let server = Server::usual().await;
    let api = server.api();
    let tokens = sign_in(&api, "admin", PASSWORD).await;
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let renew = async || {
        let fields = [("grant_type", "refresh_token"), ("client_id", CLI), ("refresh_token", refresh)];
        api.form("/adfs/oauth2/token/", &fields).await
    };
    assert_eq!(renew().await.status, 200);
    let revoke = async |token: &str| {
        let request = api.http.post(format!("{}/adfs/oauth2/revoke", api.base));
        Api::send(request.form(&[("client_id", CLI), ("token", token)])).await
    };
    assert_eq!(revoke("unknown").await.status, 200, "RFC 7009: what is unknown is revoked already");
    assert_eq!(revoke(refresh).await.status, 200);
    aadsts(&renew().await, 400, 50_173);
    let page = get(&api, "/common/oauth2/v2.0/logout?post_logout_redirect_uri=https://evil.example/").await;
    assert!(page.status == 200 && page.header("location").is_none(), "no redirect to strangers");
    assert!(page.header("set-cookie").unwrap().contains("Max-Age=0"));
}

/// The key under a client changes: what it holds goes on until its end, what it gets next is under the new key, and the new
/// key was there to be fetched before the first token under it.
#[tokio::test]
async fn clients_live_through_a_rotation_of_the_keys() {
    let server = Server::start(Options { signing_key_seconds: Some(15), ..Options::default() }).await;
    let api = server.api();
    let kid = |token: &str| -> String {
        let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
        serde_json::from_slice::<Value>(&header).unwrap()["kid"].as_str().unwrap().to_owned()
    };
    let published = async || -> BTreeSet<String> {
        let keys = get(&api, "/common/discovery/v2.0/keys").await.expect(200);
        keys["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
    };
    let first = sign_in(&api, "admin", PASSWORD).await;
    let old = first["access_token"].as_str().unwrap().to_owned();
    let cached = until("a successor among the published keys", seconds(30), async || {
        let keys = published().await;
        (keys.len() > 1).then_some(keys)
    })
    .await;
    let mut refresh = first["refresh_token"].as_str().unwrap().to_owned();
    let new = until("a token under the next key", seconds(60), async || {
        let fields = [("grant_type", "refresh_token"), ("client_id", CLI), ("refresh_token", &refresh)];
        let tokens = api.form("/common/oauth2/v2.0/token", &fields).await.expect(200);
        refresh = tokens["refresh_token"].as_str().unwrap().to_owned();
        let token = tokens["access_token"].as_str().unwrap().to_owned();
        (kid(&token) != kid(&old)).then_some(token)
    })
    .await;
    assert!(cached.contains(&kid(&new)) || published().await.contains(&kid(&new)), "a client can verify it");
    assert!(published().await.contains(&kid(&old)), "tokens under the old key are alive");
    for token in [&old, &new] {
        assert_eq!(api.with(token).get("/subscriptions").await.status, 200);
    }
}

#[tokio::test]
async fn who_fails_too_often_waits_at_every_door() {
    let server = Server::usual().await;
    let admin = server.admin().await;
    let (app, secret) = service_principal(&admin).await;
    let (other, other_secret) = service_principal(&admin).await;
    let credentials = async |id: &str, secret: &str| {
        let fields = [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)];
        admin.form("/adfs/oauth2/token", &fields).await
    };
    let slowed = |answer: &Answer| {
        aadsts(answer, 429, 90_055);
        assert!(answer.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
    };
    for _ in 0..12 {
        let _ = credentials(&app, "wrong").await;
    }
    slowed(&credentials(&app, &secret).await);
    assert_eq!(
        credentials(&other, &other_secret).await.status,
        200,
        "its neighbour at the same address does not wait"
    );

    let bearer = admin.with("bwe_unknown");
    let refresh = [("grant_type", "refresh_token"), ("client_id", CLI), ("refresh_token", "bwr_unknown")];
    let flood = async |request: &dyn Fn() -> reqwest::RequestBuilder| {
        for _ in 0..2000 {
            let answer = Api::send(request()).await;
            if answer.status == 429 {
                return answer;
            }
        }
        panic!("a flood was never slowed");
    };
    slowed(&flood(&|| admin.http.post(format!("{}/adfs/oauth2/token", admin.base)).form(&refresh)).await);
    slowed(
        &flood(&|| {
            admin.http.post(format!("{}/adfs/oauth2/devicecode", admin.base)).form(&[("client_id", CLI)])
        })
        .await,
    );
    let enrolment = flood(&|| bearer.request(Method::GET, "/subscriptions")).await;
    enrolment.refused(429, "TooManyRequests");
    assert!(enrolment.header("retry-after").is_some());
    assert_eq!(admin.get("/subscriptions").await.status, 200, "who has a token is not slowed by any of it");
}
