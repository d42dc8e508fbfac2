//! A whole server in this process: real store, real sign-in, real routes, no sockets.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use bowline_auth::seal::RootKey;
use bowline_auth::token::{AccessClaims, IdentityType, Principal};
use bowline_control::clock::Clock;
use bowline_control::query::Bounds;
use bowline_control::{Control, Settings, bootstrap, reconcile};
use bowline_server::http::{State, router};
use bowline_server::metrics::Metrics;
use bowline_store::{SqliteOptions, Store, open_sqlite};
use http::{HeaderMap, Method, Request, StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;
use uuid::Uuid;

pub(crate) const URL: &str = "https://localhost:8443";
const PASSWORD: &str = "a Password of a test, 42";

pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// A server without sockets.
pub(crate) struct World {
    pub(crate) control: Arc<Control>,
    router: Router,
    cancel: CancellationToken,
    /// Its id.
    pub(crate) subscription: String,
    _folder: tempfile::TempDir,
}

impl Drop for World {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::build(None).await
    }

    /// One that answers queries, of which each may take so much.
    pub(crate) async fn with_queries(bounds: Bounds) -> Self {
        Self::build(Some(bounds)).await
    }

    async fn build(queries: Option<Bounds>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> = open_sqlite(SqliteOptions::new(folder.path())).await.unwrap();
        let foundation =
            bootstrap::foundation(&store, &RootKey::generate(), bowline_auth::RotationRule::default(), now())
                .await
                .unwrap();
        let control = Control::open(store, foundation, Settings::new(URL)).await.unwrap();
        let first = bootstrap::first_start(&control, "admin", PASSWORD, now()).await.unwrap().unwrap();
        control.desired().reload(&**control.store()).await.unwrap();
        if let Some(bounds) = queries {
            let index = bowline_query::Index::new(bowline_control::query::layouts(), 64 << 20, None);
            control.queries().set(Arc::new(bowline_query::Columnar::default()), Arc::new(index), bounds);
        }
        let cancel = CancellationToken::new();
        let mut tasks = reconcile::start(&control, &Clock::new(now), &cancel);
        tasks.detach_all();
        let registry = bowline_server::registry::Registry::open(None).unwrap();
        let gates = bowline_server::limits::Gates::new(Default::default());
        let state = State::new(
            Arc::clone(&control),
            Arc::new(Metrics::new(&control, &gates, "test")),
            gates,
            Clock::new(now),
            cancel.clone(),
            registry,
            None,
        );
        let router = router(Arc::new(state));
        let subscription =
            format!("/subscriptions/{}", first.subscription.rsplit('/').next().unwrap_or_default());
        Self { control, router, cancel, subscription, _folder: folder }
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        bearer: Option<&str>,
        body: &Value,
    ) -> (StatusCode, Value) {
        let mark = if path.contains('?') { '&' } else { '?' };
        let mut request = Request::builder()
            .method(Method::from_bytes(method.as_bytes()).unwrap())
            .uri(format!("{path}{mark}api-version=2026-11-01&wait=0"))
            .header(header::CONTENT_TYPE, "application/json");
        if let Some(bearer) = bearer {
            request = request.header(header::AUTHORIZATION, format!("Bearer {bearer}"));
        }
        let body = if method == "GET" { Body::empty() } else { Body::from(body.to_string()) };
        let response = self.router.clone().oneshot(request.body(body).unwrap()).await.unwrap();
        let status = response.status();
        let stream = response.headers().get(header::CONTENT_TYPE).is_some_and(|t| t == "text/event-stream");
        if stream || status == StatusCode::SWITCHING_PROTOCOLS {
            return (status, Value::Null);
        }
        let bytes = to_bytes(response.into_body(), 64 << 20).await.unwrap_or_default();
        (status, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    /// The answer to a query as it comes, with its headers.
    pub(crate) async fn query(&self, bearer: &str, body: &Value) -> (StatusCode, HeaderMap, String) {
        let request = Request::post("/providers/Microsoft.ResourceGraph/resources?api-version=2024-04-01")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::AUTHORIZATION, format!("Bearer {bearer}"))
            .body(Body::from(body.to_string()));
        let (parts, body) = self.router.clone().oneshot(request.unwrap()).await.unwrap().into_parts();
        let bytes = to_bytes(body, 64 << 20).await.unwrap();
        (parts.status, parts.headers, String::from_utf8(bytes.to_vec()).unwrap())
    }

    pub(crate) fn sign(&self, principal: &Principal, audience: &str, at: Timestamp) -> String {
        let identity = self.control.identity();
        let lifetime = SignedDuration::from_mins(30);
        let claims = AccessClaims::issue(identity.issuer(), audience, "client", principal, lifetime, at);
        identity.keys().sign(&claims, at.max(now())).unwrap()
    }

    /// The token of the administrator.
    pub(crate) async fn admin(&self) -> String {
        let key = "/providers/microsoft.bowline/users/admin";
        let admin = self.control.store().get(key).await.unwrap().unwrap().principal.unwrap();
        self.sign(&user(admin, "admin"), URL, now())
    }

    /// A stream, as it comes.
    pub(crate) async fn stream(&self, path: &str, bearer: &str) -> (StatusCode, Body) {
        let request = Request::builder().uri(format!("{path}?api-version=2026-11-01"));
        let request = request.header(header::AUTHORIZATION, format!("Bearer {bearer}"));
        let response = self.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        (response.status(), response.into_body())
    }

    /// A user with a role at the root; the token.
    pub(crate) async fn user(&self, admin: &str, name: &str, role: Option<Uuid>) -> (Principal, String) {
        let made = self
            .send(
                "PUT",
                &format!("/providers/Microsoft.Bowline/users/{name}"),
                Some(admin),
                &json!({"properties": {"password": PASSWORD}}),
            )
            .await;
        assert_eq!(made.0, 201, "{}", made.1);
        let object_id: Uuid = made.1["properties"]["objectId"].as_str().unwrap().parse().unwrap();
        if let Some(role) = role {
            let id = format!(
                "/providers/Microsoft.Authorization/roleAssignments/{}",
                bowline_auth::random::guid()
            );
            let body = json!({"properties": {"principalId": object_id, "roleDefinitionId": role}});
            let given = self.send("PUT", &id, Some(admin), &body).await;
            assert_eq!(given.0, 201, "{}", given.1);
        }
        let principal = user(object_id, name);
        let token = self.sign(&principal, URL, now());
        (principal, token)
    }
}

pub(crate) fn user(object_id: Uuid, name: &str) -> Principal {
    Principal {
        object_id,
        kind: IdentityType::User,
        name: Some(name.to_owned()),
        username: Some(name.to_owned()),
        resource_id: None,
        groups: Vec::new(),
    }
}
