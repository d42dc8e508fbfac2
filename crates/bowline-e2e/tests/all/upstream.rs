//! Sign-in through another issuer: a second Bowline server, where people have their passwords and groups.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;

use bowline_e2e::api::{Answer, Api};
use bowline_e2e::server::{CLI, Options, PASSWORD, Server, group};
use reqwest::Method;
use serde_json::{Value, json};

use crate::roles::{READER, assign, user};

const ADA: &str = "a long passphrase that nobody guesses 77";

/// Two servers: people sign in at the first one through the second.
struct Pair {
    here: Server,
    there: Server,
    admin: Api,
    there_admin: Api,
    _secret: tempfile::TempDir,
}

impl Pair {
    async fn start(more: &[&str]) -> Self {
        let (there, port) = (Server::usual().await, bowline_e2e::program::free_port());
        let there_admin = there.admin().await;
        let url = format!("https://localhost:{port}");
        let app = json!({"displayName": "downstream", "web": {"redirectUris": [format!("{url}/upstream/callback")]}});
        let made = there_admin.post("/v1.0/applications", &app).await.expect(201);
        let (id, client) = (made["id"].as_str().unwrap(), made["appId"].as_str().unwrap());
        let _ = there_admin.post("/v1.0/servicePrincipals", &json!({"appId": client})).await.expect(201);
        let secret =
            there_admin.post(&format!("/v1.0/applications/{id}/addPassword"), &json!({})).await.expect(200);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        std::fs::write(&file, secret["secretText"].as_str().unwrap()).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        let discovery = format!("{}/organizations/v2.0/.well-known/openid-configuration", there_admin.base);
        let issuer = Api::send(there_admin.http.get(discovery)).await.expect(200)["issuer"]
            .as_str()
            .unwrap()
            .to_owned();
        let extra = [
            "--upstream-issuer",
            &issuer,
            "--upstream-client-id",
            client,
            "--upstream-name",
            "the plant",
            "--upstream-client-secret-file",
            file.to_str().unwrap(),
            "--upstream-ca-file",
            there.ca().to_str().unwrap(),
        ]
        .into_iter()
        .chain(more.iter().copied())
        .map(str::to_owned)
        .collect();
        let here = Server::start_at(port, Options { extra, ..Options::default() }).await;
        let admin = here.admin().await;
        Self { here, there, admin, there_admin, _secret: folder }
    }

    fn browser(&self) -> Browser<'_> {
        Browser { here: &self.here, there: Some(&self.there), cookies: BTreeMap::new() }
    }
}

/// Follows links and keeps the cookies of the first server.
struct Browser<'a> {
    here: &'a Server,
    there: Option<&'a Server>,
    cookies: BTreeMap<String, String>,
}

impl Browser<'_> {
    async fn get(&mut self, url: &str) -> Answer {
        let api = self.here.api();
        let url = if url.starts_with('/') { format!("{}{url}", api.base) } else { url.to_owned() };
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let answer = Api::send(api.http.request(Method::GET, url).header("cookie", cookies.join("; "))).await;
        for cookie in answer.headers.get_all("set-cookie") {
            let (name, rest) = cookie.to_str().unwrap().split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }

    /// The button of a page, to the upstream's sign-in page and back: what this server then answers.
    async fn through(&mut self, page: &Answer, username: &str, password: &str) -> Answer {
        let there = self.leave(page).await;
        let back = self.sign_in_there(&there, username, password).await;
        self.get(&back).await
    }

    async fn leave(&mut self, page: &Answer) -> String {
        let at = page
            .text
            .find("/upstream/login?")
            .unwrap_or_else(|| panic!("the page has the button: {}", page.text));
        let link: String = page.text[at..].chars().take_while(|c| *c != '"').collect();
        assert!(page.text.contains("the plant"), "the button says where it leads");
        let left = self.get(&link.replace("&amp;", "&")).await;
        assert_eq!(left.status, 303, "{}", left.text);
        left.header("location").unwrap().to_owned()
    }

    async fn sign_in_there(&self, url: &str, username: &str, password: &str) -> String {
        let url = url::Url::parse(url).unwrap();
        let mut form: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        form.extend([
            ("username".to_owned(), username.to_owned()),
            ("password".to_owned(), password.to_owned()),
        ]);
        let mut page = url.clone();
        page.set_query(None);
        let answer = Api::send(self.there.expect("the other server").api().http.post(page).form(&form)).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        answer.header("location").unwrap().to_owned()
    }

    /// From the portal's first page to the sign-in page.
    async fn portal(&mut self) -> Answer {
        let begun = self.get("/portal/login").await;
        let location = begun.header("location").unwrap().to_owned();
        self.get(&location).await
    }

    /// Signs in to the portal, and gives who is signed in.
    async fn sign_in(&mut self, username: &str, password: &str) -> Value {
        let page = self.portal().await;
        let back = self.through(&page, username, password).await;
        assert_eq!(back.status, 303, "{}", back.text);
        let location = back.header("location").unwrap().to_owned();
        assert!(location.contains("/portal/callback?"), "{location}");
        let ended = self.get(&location).await;
        assert_eq!(ended.status, 303, "{}", ended.text);
        self.get("/portal/session").await.expect(200)
    }
}

#[tokio::test]
async fn people_sign_in_through_another_server_and_their_groups_follow_them() {
    let pair = Pair::start(&[]).await;
    let (_, ada_there) = user(&pair.there_admin, "ada").await;
    let ops = json!({"properties": {"members": [ada_there]}});
    let ops = pair.there_admin.put("/providers/Microsoft.Bowline/groups/ops", &ops).await.expect(201);
    let ops_id = ops["properties"]["objectId"].as_str().unwrap();
    let mapped = json!({"properties": {"mappedFrom": [ops_id]}});
    let mapped = pair.admin.put("/providers/Microsoft.Bowline/groups/operators", &mapped).await.expect(201);
    let plant = group(&pair.admin, "plant").await;
    assign(&pair.admin, &plant, READER, mapped["properties"]["objectId"].as_str().unwrap()).await;

    let mut browser = pair.browser();
    let session = browser.sign_in("ada", ADA).await;
    assert_eq!(session["username"], "ada", "the first sign-in makes the user: {session}");
    let read = format!("{plant}?api-version=2025-04-01");
    assert_eq!(browser.get(&read).await.status, 200, "the mapped group's role holds");
    let made = pair.admin.get("/providers/Microsoft.Bowline/users/ada").await.expect(200);
    assert_eq!(made["properties"]["upstreamGroups"], json!([ops_id]));

    // The same person again is the same user, and what the issuer says now counts.
    let removed = json!({"principals": [ada_there]});
    let _ = pair
        .there_admin
        .post("/providers/Microsoft.Bowline/groups/ops/removeMembers", &removed)
        .await
        .expect(200);
    let mut again = pair.browser();
    assert_eq!(again.sign_in("ada", ADA).await["objectId"], session["objectId"]);
    assert_eq!(again.get(&read).await.status, 403, "out of the group there, out of it here");
    assert_eq!(browser.get(&read).await.status, 403, "in the session that was open before too");

    // Disabled here is disabled, whatever the issuer says.
    let off = json!({"properties": {"accountEnabled": false}});
    let _ = pair.admin.patch("/providers/Microsoft.Bowline/users/ada", &off).await.expect(200);
    assert_eq!(browser.get("/portal/session").await.status, 401, "at the next request");
    let page = again.portal().await;
    let refused = again.through(&page, "ada", ADA).await;
    assert!(refused.status == 400 && refused.text.contains("disabled"), "{}", refused.text);

    // A user that was deleted is made anew at the next sign-in, as somebody else.
    let _ = pair.admin.delete("/providers/Microsoft.Bowline/users/ada").await.expect(200);
    assert_ne!(pair.browser().sign_in("ada", ADA).await["objectId"], session["objectId"]);
}

#[tokio::test]
async fn a_name_is_no_proof_and_an_administrator_links_two_accounts() {
    let pair = Pair::start(&[]).await;
    let mut browser = pair.browser();
    let page = browser.portal().await;
    let refused = browser.through(&page, "admin", PASSWORD).await;
    assert!(refused.status == 400 && refused.text.contains("another account"), "{}", refused.text);
    let there = pair.there_admin.get("/v1.0/me").await.expect(200);
    let issuer = pair.there_admin.get("/tenants").await.expect(200)["value"][0]["tenantId"]
        .as_str()
        .unwrap()
        .to_owned();
    let link = json!({"properties": {"upstreamIssuer": format!("{}/{issuer}/v2.0", pair.there.url()), "upstreamSubject": there["id"]}});
    let _ = pair.admin.patch("/providers/Microsoft.Bowline/users/admin", &link).await.expect(200);
    assert_eq!(browser.sign_in("admin", PASSWORD).await["username"], "admin");
    user(&pair.admin, "bob").await;
    pair.admin
        .patch("/providers/Microsoft.Bowline/users/bob", &link)
        .await
        .refused(409, "UpstreamIdentityInUse");
    let unlink = json!({"properties": {"upstreamIssuer": null, "upstreamSubject": null}});
    let _ = pair.admin.patch("/providers/Microsoft.Bowline/users/admin", &unlink).await.expect(200);
    let _ = pair.admin.patch("/providers/Microsoft.Bowline/users/bob", &link).await.expect(200);
}

#[tokio::test]
async fn a_sign_in_ends_in_the_browser_that_began_it_and_only_once() {
    let pair = Pair::start(&["--upstream-create-users", "false"]).await;
    user(&pair.there_admin, "ada").await;
    let mut browser = pair.browser();
    let page = browser.portal().await;
    let there = browser.leave(&page).await;
    assert!(there.contains("code_challenge_method=S256") && there.contains("nonce="), "{there}");
    let back = browser.sign_in_there(&there, "ada", ADA).await;
    let mut other = pair.browser();
    let refused = other.get(&back).await;
    assert!(refused.status == 400 && refused.text.contains("not begun in this browser"), "{}", refused.text);
    let bent = back.replace("state=", "state=x");
    let mut third = pair.browser();
    third.cookies = browser.cookies.clone();
    assert_eq!(third.get(&bent).await.status, 400);
    let refused = browser.get(&back).await;
    assert!(
        refused.status == 400 && refused.text.contains("Ask an administrator for one"),
        "no user is made: {}",
        refused.text
    );
    let replayed = browser.get(&back).await;
    assert!(replayed.text.contains("not begun in this browser"), "the cookie is gone: {}", replayed.text);
    let mut fourth = pair.browser();
    let page = fourth.portal().await;
    fourth.leave(&page).await;
    let denied = fourth.get("/upstream/callback?state=x&error=access_denied").await;
    assert_eq!(denied.status, 400, "a denial with another state is nobody's: {}", denied.text);
}

#[tokio::test]
async fn a_device_is_approved_by_who_signs_in_elsewhere_and_says_so() {
    let pair = Pair::start(&[]).await;
    user(&pair.there_admin, "ada").await;
    let api = pair.here.api();
    let started = api
        .form("/organizations/oauth2/v2.0/devicecode", &[("client_id", CLI), ("scope", "openid")])
        .await
        .expect(200);
    let (code, device) = (started["user_code"].as_str().unwrap(), started["device_code"].as_str().unwrap());
    let mut browser = pair.browser();
    let page = browser.get(&format!("/device?user_code={code}")).await;
    let confirm = browser.through(&page, "ada", ADA).await;
    assert!(
        confirm.status == 200 && confirm.text.contains("ada") && confirm.text.contains(code),
        "{}",
        confirm.text
    );
    let poll = async || {
        let grant = "urn:ietf:params:oauth:grant-type:device_code";
        api.form(
            "/organizations/oauth2/v2.0/token",
            &[("grant_type", grant), ("client_id", CLI), ("device_code", device)],
        )
        .await
    };
    assert_eq!(poll().await.body["error"], "authorization_pending", "signing in alone approves nothing");
    let at = confirm.text.find("name=\"ticket\" value=\"").unwrap() + "name=\"ticket\" value=\"".len();
    let ticket: String = confirm.text[at..].chars().take_while(|c| *c != '"').collect();
    let approve = async |code: &str| {
        api.form("/upstream/device", &[("user_code", code), ("ticket", &ticket), ("action", "approve")]).await
    };
    assert_eq!(approve("BBBB-BBBB").await.status, 400, "a ticket is for one device");
    assert_eq!(approve(code).await.status, 200);
    let deadline = std::time::Duration::from_secs(30);
    let token = bowline_e2e::wait::until("the device's token", deadline, async || {
        let answer = poll().await;
        (answer.status == 200).then_some(answer.body)
    })
    .await;
    let me = pair.admin.with(token["access_token"].as_str().unwrap()).get("/v1.0/me").await.expect(200);
    assert_eq!(me["userPrincipalName"], "ada@bowline.local");
}

/// Through an issuer of somebody else's making: the package oidc-provider. Called by the suite that installs it.
pub(crate) async fn through_a_foreign_issuer(place: &std::path::Path) {
    let port = bowline_e2e::program::free_port();
    let issuer = format!("https://localhost:{port}");
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "a secret with / and + in it").unwrap();
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
    let here_port = bowline_e2e::program::free_port();
    // The issuer's certificate is made by this server's own authority, whose file exists once it has started.
    let mut here = Server::start_at(here_port, Options::default()).await;
    here.stop().await;
    let ca = here.ca();
    here.set_extra(&[
        "--upstream-issuer",
        &issuer,
        "--upstream-client-id",
        "bowline",
        "--upstream-name",
        "the plant",
        "--upstream-client-secret-file",
        secret.to_str().unwrap(),
        "--upstream-ca-file",
        ca.to_str().unwrap(),
    ]);
    here.restart().await;
    let callback = format!("{}/upstream/callback", here.url());
    let tls = here.data().join("tls");
    let text = |path: std::path::PathBuf| path.to_string_lossy().into_owned();
    let script = bowline_e2e::clients::sources().join("upstream/issuer.mjs");
    let arguments = [
        text(script),
        text(place.to_owned()),
        port.to_string(),
        "bowline".to_owned(),
        "a secret with / and + in it".to_owned(),
        callback,
        text(tls.join("server.crt")),
        text(tls.join("server.key")),
        "id-of-ada".to_owned(),
    ];
    let node = std::path::Path::new("node");
    let mut program =
        bowline_e2e::program::Program::start(node, &arguments, &[], &folder.path().join("issuer.log"));
    let api = here.api();
    let discovery = format!("{issuer}/.well-known/openid-configuration");
    bowline_e2e::wait::until("the issuer", std::time::Duration::from_secs(60), async || {
        assert!(program.ended().is_none(), "the issuer ended: {}", program.said());
        api.http.get(&discovery).send().await.ok().filter(|answer| answer.status().is_success())
    })
    .await;
    let admin = here.admin().await;
    let mapped = json!({"properties": {"mappedFrom": ["plant-ops"]}});
    let mapped = admin.put("/providers/Microsoft.Bowline/groups/operators", &mapped).await.expect(201);
    let plant = group(&admin, "plant").await;
    assign(&admin, &plant, READER, mapped["properties"]["objectId"].as_str().unwrap()).await;

    let mut browser = Browser { here: &here, there: None, cookies: BTreeMap::new() };
    let page = browser.portal().await;
    let mut at = url::Url::parse(&browser.leave(&page).await).unwrap();
    let mut kept = Browser { here: &here, there: None, cookies: BTreeMap::new() };
    // The issuer's own redirects, until it sends the browser back.
    while at.as_str().starts_with(&issuer) {
        let answer = kept.get(at.as_str()).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        at = at.join(answer.header("location").unwrap()).unwrap();
    }
    let back = browser.get(at.as_str()).await;
    assert_eq!(back.status, 303, "{}", back.text);
    let location = back.header("location").unwrap().to_owned();
    assert_eq!(browser.get(&location).await.status, 303);
    assert_eq!(browser.get("/portal/session").await.expect(200)["username"], "ada");
    assert_eq!(
        browser.get(&format!("{plant}?api-version=2025-04-01")).await.status,
        200,
        "its group is mapped"
    );
    let made = admin.get("/providers/Microsoft.Bowline/users/ada").await.expect(200);
    assert_eq!(made["properties"]["upstreamSubject"], "id-of-ada");
    assert_eq!(made["properties"]["mail"], "ada@issuer.example");
    program.kill();
}
