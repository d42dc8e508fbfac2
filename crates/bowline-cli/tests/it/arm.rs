//! A control plane in miniature: sign-in, and resources by id with the answers that ARM gives.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::server::{Answer, Call, Server};
use crate::transcript::Desk;

pub(crate) const TENANT: &str = "11111111-1111-1111-1111-111111111111";
pub(crate) const SUBSCRIPTION: &str = "22222222-2222-2222-2222-222222222222";
pub(crate) const ADMIN: &str = "33333333-3333-3333-3333-333333333333";
pub(crate) const PASSWORD: &str = "canary-password-of-admin";

/// What the control plane has, and what a test wants it to do.
#[derive(Default)]
pub(crate) struct Model {
    /// By id in lower case.
    pub(crate) resources: BTreeMap<String, Value>,
    /// Answers that come before any other, by the beginning of `METHOD path`; each is given once.
    pub(crate) faults: Vec<(String, u16, Value)>,
    /// Every request, as `METHOD path`.
    pub(crate) calls: Vec<String>,
    pub(crate) last: Option<Call>,
    /// Valid tokens and how many were given.
    pub(crate) access: Vec<String>,
    pub(crate) refresh: Vec<String>,
    pub(crate) given: u32,
    pub(crate) lifetime: i64,
    pub(crate) refreshes: u32,
    /// Polls of the device flow that are answered before the person approves: `authorization_pending`, `slow_down`.
    pub(crate) pending: Vec<&'static str>,
    pub(crate) approved: bool,
    operation_polls: u32,
    pub(crate) page: usize,
    /// A PUT of these types becomes Connected after so many reads.
    pub(crate) connects_after: Option<u32>,
}

#[derive(Clone)]
pub(crate) struct Arm {
    model: Arc<Mutex<Model>>,
    pub(crate) url: String,
    pub(crate) ca_pem: String,
}

impl Arm {
    pub(crate) fn start() -> Self {
        let model = Arc::new(Mutex::new(Model { lifetime: 3600, page: 2, ..Model::default() }));
        let shared = Arc::clone(&model);
        let url = Arc::new(Mutex::new(String::new()));
        let of_handler = Arc::clone(&url);
        let server = Server::start(move |call| {
            let url = of_handler.lock().unwrap().clone();
            shared.lock().unwrap().answer(&call, &url)
        });
        url.lock().unwrap().clone_from(&server.url);
        let arm = Self { model, url: server.url, ca_pem: server.ca_pem };
        let id = format!("/subscriptions/{SUBSCRIPTION}");
        let subscription = json!({"id": id, "subscriptionId": SUBSCRIPTION, "displayName": "Plant", "state": "Enabled",
            "tenantId": TENANT});
        arm.model().resources.insert(id, subscription);
        arm
    }

    pub(crate) fn model(&self) -> MutexGuard<'_, Model> {
        self.model.lock().unwrap()
    }

    /// A desk that knows this server.
    pub(crate) fn desk(&self) -> Desk {
        let mut desk = Desk::new();
        desk.write("ca.crt", &self.ca_pem);
        desk.write("password", &format!("{PASSWORD}\n"));
        desk.known(&self.url, "https://SERVER").known(self.url.trim_start_matches("https://"), "SERVER");
        desk
    }

    /// A desk where admin is signed in.
    pub(crate) fn signed_in(&self) -> Desk {
        let desk = self.desk();
        let arguments = format!(
            "login --server {} --ca-file DIR/ca.crt --username admin --password-file DIR/password",
            self.url
        );
        let ran = desk.quietly(&arguments, "");
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        desk
    }

    /// A group to work in.
    pub(crate) fn add_group(&self, name: &str) {
        let id = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/{name}");
        self.add(&id, "Microsoft.Resources/resourceGroups", json!({"location": "local", "tags": {}}));
    }

    pub(crate) fn add(&self, id: &str, resource_type: &str, mut body: Value) {
        body["id"] = id.into();
        body["type"] = resource_type.into();
        body["name"] = id.rsplit('/').next().into();
        self.model().resources.insert(id.to_lowercase(), body);
    }
}

fn error(status: u16, code: &str, message: &str) -> Answer {
    Answer::new(status, json!({"error": {"code": code, "message": message}}))
}

impl Model {
    fn answer(&mut self, call: &Call, url: &str) -> Answer {
        let line = format!("{} {}", call.method, call.path);
        self.calls.push(line.clone());
        self.last = Some(call.clone());
        if let Some(at) = self.faults.iter().position(|(begin, _, _)| line.starts_with(begin.as_str())) {
            let (_, status, body) = self.faults.remove(at);
            let answer = Answer::new(status, body);
            return if status == 429 { answer.header("retry-after", "0") } else { answer };
        }
        match call.path.as_str() {
            "/healthz" => Answer::new(200, json!({})),
            "/device" => self.approve(call),
            path if path.contains("/.well-known/") => {
                Answer::new(200, json!({"issuer": format!("{url}/{TENANT}/v2.0")}))
            }
            path if path.ends_with("/devicecode") => Answer::new(
                200,
                json!({
                    "user_code": "BCDF-GHJK", "device_code": "canary-device-code", "interval": 1, "expires_in": 900,
                    "verification_uri": format!("{url}/device"), "message": "open the page",
                }),
            ),
            path if path.ends_with("/oauth2/v2.0/token") => self.token(call),
            path if path.ends_with("/oauth2/v2.0/revoke") => {
                self.refresh.retain(|token| *token != call.field("token"));
                Answer::new(200, Value::Null)
            }
            path if path.starts_with("/v2/bowline-agent/manifests/") => {
                Answer::new(200, json!({"schemaVersion": 2}))
            }
            "/v2/azure-arc-k8sagents/tags/list" => {
                Answer::new(200, json!({"name": "azure-arc-k8sagents", "tags": ["1.101.0"]}))
            }
            path if path.starts_with("/operations/") => self.operation(),
            _ => self.arm(call, url),
        }
    }

    fn approve(&mut self, call: &Call) -> Answer {
        if call.field("username") != "admin" || call.field("password") != PASSWORD {
            return Answer::new(
                400,
                json!({"error": "invalid_grant",
                    "error_description": "AADSTS50126: the user name or password isn't right."}),
            );
        }
        self.approved = call.field("action") == "approve" && call.field("user_code") == "BCDF-GHJK";
        Answer::new(200, Value::Null)
    }

    fn token(&mut self, call: &Call) -> Answer {
        let refused = |error: &str, text: &str| {
            Answer::new(400, json!({"error": error, "error_description": format!("AADSTS70000: {text}")}))
        };
        match call.field("grant_type").as_str() {
            "refresh_token" => {
                self.refreshes += 1;
                let spent = self.refresh.iter().position(|token| *token == call.field("refresh_token"));
                let Some(spent) = spent else {
                    return refused("invalid_grant", "The refresh token was used or revoked.");
                };
                self.refresh.remove(spent);
                self.give("user")
            }
            "client_credentials" => {
                let assertion = call.field("client_assertion").matches('.').count() == 2;
                if !assertion && call.field("client_secret") != "canary-secret-of-sp" {
                    return Answer::new(
                        401,
                        json!({"error": "invalid_client",
                        "error_description": "AADSTS7000215: The client secret is not valid."}),
                    );
                }
                self.give("app")
            }
            _ if !self.pending.is_empty() => refused(self.pending.remove(0), "Not yet."),
            _ if self.approved => self.give("user"),
            _ => refused("access_denied", "The user pressed Deny."),
        }
    }

    fn give(&mut self, kind: &str) -> Answer {
        self.given += 1;
        let name = if kind == "user" { "admin" } else { "" };
        let claims = json!({"oid": ADMIN, "tid": TENANT, "name": "Administrator", "preferred_username": name,
            "idtyp": kind, "jti": self.given});
        let access = format!("canary.{}.token", BASE64_URL_SAFE_NO_PAD.encode(claims.to_string()));
        self.access.push(access.clone());
        let mut answer = json!({"token_type": "Bearer", "expires_in": self.lifetime, "access_token": access});
        if kind == "user" {
            let refresh = format!("canary-refresh-{}", self.given);
            self.refresh.push(refresh.clone());
            answer["refresh_token"] = refresh.into();
        }
        Answer::new(200, answer)
    }

    fn operation(&mut self) -> Answer {
        self.operation_polls += 1;
        let status = if self.operation_polls < 2 { "InProgress" } else { "Succeeded" };
        Answer::new(200, json!({"status": status})).header("retry-after", "0")
    }

    fn arm(&mut self, call: &Call, url: &str) -> Answer {
        let token = call.authorization.trim_start_matches("Bearer ");
        if !self.access.iter().any(|known| known == token) {
            return error(401, "AuthenticationFailed", "The access token is not valid.");
        }
        if call.field("api-version").is_empty() && call.method != "POST" {
            return error(400, "MissingApiVersionParameter", "The api-version query parameter is required.");
        }
        let path = percent(&call.path);
        let key = path.to_lowercase();
        match call.method.as_str() {
            "GET" if is_collection(&path) => self.list(&key, call, url),
            "GET" => self.read(&key),
            "PUT" => self.put(&path, call),
            "DELETE" => self.delete(&key),
            _ if path.ends_with("/addPassword") => Answer::new(
                200,
                json!({"secret": "canary-new-secret", "keyId": "1", "expiresOn": "2027-11-01T00:00:00Z"}),
            ),
            _ if path.ends_with("/listToken") => Answer::new(200, json!({"token": "bwe_canary"})),
            _ => error(405, "MethodNotAllowed", "No such action."),
        }
    }

    fn read(&mut self, key: &str) -> Answer {
        let group = group_key(key);
        if let Some(group) = group.filter(|group| !self.resources.contains_key(group)) {
            let name = group.rsplit('/').next().unwrap_or_default();
            return error(
                404,
                "ResourceGroupNotFound",
                &format!("The resource group '{name}' does not exist."),
            );
        }
        if let Some(left) = self.connects_after {
            self.connects_after = left.checked_sub(1);
            if let Some(resource) = self.resources.get_mut(key).filter(|_| left == 0) {
                resource["properties"]["connectivityStatus"] = "Connected".into();
            }
        }
        match self.resources.get(key) {
            Some(found) => Answer::new(200, found.clone()),
            None => {
                let name = key.rsplit('/').next().unwrap_or_default();
                error(404, "ResourceNotFound", &format!("The resource '{name}' does not exist."))
            }
        }
    }

    fn list(&self, key: &str, call: &Call, url: &str) -> Answer {
        if let Some(missing) = group_key(key).filter(|group| !self.resources.contains_key(group)) {
            let name = missing.rsplit('/').next().unwrap_or_default();
            return error(
                404,
                "ResourceGroupNotFound",
                &format!("The resource group '{name}' does not exist."),
            );
        }
        let start: usize = call.field("skip").parse().unwrap_or(0);
        let everything = key.ends_with("/resources");
        let (scope, kind) = if everything {
            (key.trim_end_matches("/resources"), "")
        } else {
            key.split_once("/providers/")
                .unwrap_or((key.rsplit_once('/').unwrap().0, key.rsplit('/').next().unwrap()))
        };
        let wanted: Vec<&Value> = self
            .resources
            .values()
            .filter(|item| {
                let id = item["id"].as_str().unwrap_or_default().to_lowercase();
                let of_type = if kind.contains('/') {
                    id.rsplit_once(&format!("/providers/{kind}/"))
                        .is_some_and(|(_, name)| !name.contains('/'))
                } else if everything {
                    id.contains("/providers/") && !id.contains("microsoft.authorization")
                } else {
                    id.starts_with(key) && id[key.len()..].matches('/').count() == 1
                };
                (id.starts_with(scope) || kind.ends_with("roledefinitions")) && of_type
            })
            .collect();
        let mut page: Vec<Value> =
            wanted.iter().skip(start).take(self.page).map(|item| (*item).clone()).collect();
        if everything {
            page.iter_mut().for_each(|item| drop(item.as_object_mut().unwrap().remove("properties")));
        }
        let mut body = json!({"value": page});
        if start + self.page < wanted.len() {
            body["nextLink"] = format!("{url}{}?api-version=x&skip={}", call.path, start + self.page).into();
        }
        Answer::new(200, body)
    }

    fn put(&mut self, path: &str, call: &Call) -> Answer {
        let key = path.to_lowercase();
        if let Some(group) =
            group_key(&key).filter(|group| *group != key && !self.resources.contains_key(group))
        {
            let name = group.rsplit('/').next().unwrap_or_default();
            return error(
                404,
                "ResourceGroupNotFound",
                &format!("The resource group '{name}' does not exist."),
            );
        }
        let mut resource = call.json();
        let existing = self.resources.get(&key);
        let public = "/properties/agentPublicKeyCertificate";
        let other_key = existing.filter(|known| known.pointer(public) != resource.pointer(public));
        if let Some(known) = other_key.filter(|_| resource.pointer(public).is_some() && !call.replace) {
            let who = known["name"].as_str().unwrap_or_default();
            return error(409, "ClusterNameInUse", &format!("Another cluster is connected as '{who}'."));
        }
        let status = if existing.is_some() { 200 } else { 201 };
        resource["id"] = path.into();
        resource["name"] = path.rsplit('/').next().into();
        resource["type"] = path
            .rsplit_once("/providers/")
            .map_or("Microsoft.Resources/resourceGroups".into(), |(_, rest)| {
                rest.rsplit_once('/').unwrap().0.into()
            });
        resource["properties"]["provisioningState"] = "Succeeded".into();
        if key.contains("/connectedclusters/") {
            resource["identity"] = json!({"type": "SystemAssigned", "tenantId": TENANT,
                "principalId": "44444444-4444-4444-4444-444444444444"});
            let expired = resource["properties"]["connectivityStatus"] == "Expired";
            if expired || resource["properties"]["connectivityStatus"].is_null() {
                resource["properties"]["connectivityStatus"] = "Connecting".into();
            }
        }
        if key.contains("/serviceprincipals/") {
            resource["properties"]["appId"] = resource["name"].clone();
            resource["properties"]["objectId"] = "55555555-5555-5555-5555-555555555555".into();
        }
        if key.contains("/roleassignments/") {
            resource["properties"]["scope"] = path.split("/providers/Microsoft.Authorization").next().into();
        }
        self.resources.insert(key, resource.clone());
        Answer::new(status, resource)
    }

    fn delete(&mut self, key: &str) -> Answer {
        let below = format!("{key}/");
        let found = self.resources.remove(key).is_some();
        self.resources.retain(|id, _| !id.starts_with(&below));
        match (found, key.contains("/providers/")) {
            (false, false) => error(404, "ResourceGroupNotFound", "The resource group does not exist."),
            (false, true) => Answer::new(204, Value::Null),
            // ARM's clients accept no 200 here.
            (true, true) if key.contains("/machines/") => Answer::new(204, Value::Null),
            (true, true) => Answer::new(200, Value::Null),
            // The link names the server as it knows itself, which need not be how the client reached it.
            (true, false) => {
                self.operation_polls = 0;
                Answer::new(202, Value::Null)
                    .header("azure-asyncoperation", "https://public.example/operations/1?api-version=x")
                    .header("retry-after", "0")
            }
        }
    }
}

fn group_key(key: &str) -> Option<String> {
    let segments: Vec<&str> = key.split('/').take(5).collect();
    (segments.len() == 5 && segments[3] == "resourcegroups").then(|| segments.join("/"))
}

/// A path that ends in a type names a list.
fn is_collection(path: &str) -> bool {
    let last = path.rsplit("/providers/").next().unwrap_or_default();
    let after_namespace =
        if path.contains("/providers/") { last.matches('/').count() } else { path.matches('/').count() };
    after_namespace % 2 == 1
}

fn percent(path: &str) -> String {
    percent_encoding::percent_decode_str(path).decode_utf8().unwrap().into_owned()
}
