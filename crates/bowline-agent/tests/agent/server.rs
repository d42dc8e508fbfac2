//! A server for the agent's tests: plain HTTP on loopback, the real session state machine, and switches for what goes wrong.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bowline_agent::clock;
use bowline_link::{
    item::{DesiredDocument, ItemContent},
    line::{self, LineReader},
    message::{Down, End, EndReason, Up},
    observed::{LogPosition, ObservedBatch, ResyncRequired, Verdict},
    server_session::{Claim, Direction, Opening, ServerSession, Tick},
    wire::{self, SessionQuery},
};
use http_body_util::{BodyExt as _, Full, StreamBody, combinators::BoxBody};
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Frame, Incoming},
    header,
    server::conn::http1,
};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    sync::{broadcast, watch},
};
use uuid::Uuid;

pub const TENANT: &str = "11111111-2222-4333-8444-555555555555";
pub const EPOCH: Uuid = Uuid::from_u128(0xe0);

/// How session requests are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    Upgrade,
    /// As behind a proxy that drops the header.
    Stream,
    /// As behind a proxy that knows no upgrades.
    Refuse,
    /// As behind a proxy that buffers answers for ever.
    Buffer,
}

/// A registered machine.
#[derive(Debug, Clone)]
pub struct Machine {
    pub key: String,
    pub vm_id: String,
    pub principal_id: String,
    pub body: Value,
}

/// What one source told.
#[derive(Debug, Clone, Default)]
pub struct Source {
    pub position: LogPosition,
    pub objects: BTreeMap<String, Value>,
    pub status: Option<Value>,
    pub batches: usize,
}

pub struct State {
    pub machines: BTreeMap<String, Machine>,
    pub sources: BTreeMap<String, Source>,
    pub applied: Vec<u64>,
    pub claims: Vec<SessionQuery>,
    pub rotated: Vec<String>,
    pub transport: Transport,
    pub token_lifetime: u64,
    pub keep_alive: u64,
    pub key_expires_on: jiff::Timestamp,
    /// The server's clock minus the agent's, in seconds.
    pub clock_ahead: i64,
    /// Observed batches to refuse with 503.
    pub refuse_batches: usize,
    /// Observed batches to take without answering well.
    pub lose_answers: usize,
    /// The name that the server knows itself by; the one that it listens at when absent.
    pub public_url: Option<String>,
    /// Refuse sessions: another instance has the identity.
    pub cloned: bool,
    /// Write nothing on sessions, not even keep-alives.
    pub mute: bool,
}

pub struct Server {
    pub address: SocketAddr,
    pub state: Mutex<State>,
    pub document: watch::Sender<DesiredDocument>,
    pub end: broadcast::Sender<EndReason>,
    pub tokens: AtomicU64,
    pub sessions: AtomicU64,
    pub reachable: AtomicBool,
}

impl Server {
    pub async fn start() -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let state = State {
            machines: BTreeMap::new(),
            sources: BTreeMap::new(),
            applied: vec![],
            claims: vec![],
            rotated: vec![],
            transport: Transport::Upgrade,
            token_lifetime: 1800,
            keep_alive: 20,
            key_expires_on: clock::now() + jiff::SignedDuration::from_hours(24 * 90),
            clock_ahead: 0,
            refuse_batches: 0,
            lose_answers: 0,
            public_url: None,
            cloned: false,
            mute: false,
        };
        let server = Arc::new(Self {
            address: listener.local_addr().unwrap(),
            state: Mutex::new(state),
            document: watch::Sender::new(DesiredDocument { epoch: EPOCH, generation: 0, items: vec![] }),
            end: broadcast::Sender::new(4),
            tokens: AtomicU64::new(0),
            sessions: AtomicU64::new(0),
            reachable: AtomicBool::new(true),
        });
        let serving = server.clone();
        tokio::spawn(async move {
            loop {
                let (connection, _) = listener.accept().await.unwrap();
                if !serving.reachable.load(Ordering::SeqCst) {
                    continue;
                }
                let server = serving.clone();
                tokio::spawn(async move {
                    let service = hyper::service::service_fn(move |request| {
                        let server = server.clone();
                        async move { Ok::<_, Infallible>(server.answer(request).await) }
                    });
                    let _ = http1::Builder::new()
                        .serve_connection(TokioIo::new(connection), service)
                        .with_upgrades()
                        .await;
                });
            }
        });
        server
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn public_url(&self) -> String {
        self.state().public_url.clone().unwrap_or_else(|| self.url())
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub fn source(&self) -> Source {
        self.state().sources.get("inventory").cloned().unwrap_or_default()
    }

    pub fn sessions(&self) -> u64 {
        self.sessions.load(Ordering::SeqCst)
    }

    /// Gives every agent a document.
    pub fn desire(&self, generation: u64, items: Vec<ItemContent>) {
        self.document.send_replace(DesiredDocument { epoch: EPOCH, generation, items });
    }

    /// Ends all sessions.
    pub fn end_all(&self, reason: EndReason) {
        self.end.send(reason).unwrap();
    }

    fn now(&self) -> jiff::Timestamp {
        clock::now() + jiff::SignedDuration::from_secs(self.state().clock_ahead)
    }

    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Response<BoxBody<Bytes, Infallible>> {
        let path = request.uri().path().to_owned();
        let mut response = match (request.method().clone(), path.as_str()) {
            (Method::GET, wire::SESSION_PATH) => self.clone().session(request).await,
            (Method::POST, wire::OBSERVED_PATH) => self.observed(request).await,
            (Method::POST, wire::ROTATE_KEY_PATH) => self.rotate_key(request).await,
            (Method::GET, wire::SELF_PATH) => self.me(),
            (Method::POST, path) if path.ends_with("/oauth2/v2.0/token") => self.token(request).await,
            (Method::GET, path) if path.ends_with("/.well-known/openid-configuration") => {
                json_answer(200, json!({"issuer": format!("{}/{TENANT}/v2.0", self.public_url())}))
            }
            (method, path) if path.contains("/machines/") => self.machine(method, request).await,
            _ => error_answer(404, "NotFound", "nothing is here"),
        };
        let date =
            jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&self.now()).unwrap();
        response.headers_mut().insert(header::DATE, date.parse().unwrap());
        response
    }

    async fn token(&self, request: Request<Incoming>) -> Response<BoxBody<Bytes, Infallible>> {
        let body = request.into_body().collect().await.unwrap().to_bytes();
        let form: BTreeMap<String, String> = url::form_urlencoded::parse(&body).into_owned().collect();
        let refuse =
            |why: &str| json_answer(401, json!({"error": "invalid_client", "error_description": why}));
        let Some(assertion) = form.get("client_assertion") else { return refuse("no assertion") };
        let claims = URL_SAFE_NO_PAD.decode(assertion.split('.').nth(1).unwrap()).unwrap();
        let claims: Value = serde_json::from_slice(&claims).unwrap();
        if (claims["iat"].as_i64().unwrap() - self.now().as_second()).abs() > 300 {
            return refuse("AADSTS700024: the assertion is not within its valid time range.");
        }
        let ours = format!("{}/{TENANT}/", self.public_url());
        if !claims["aud"].as_str().unwrap().starts_with(&ours) {
            return refuse("AADSTS700023: the assertion is for another audience.");
        }
        let principal = form["client_id"].clone();
        if !self.state().machines.values().any(|machine| machine.principal_id == principal) {
            return refuse("AADSTS700016: there is no such application.");
        }
        let number = self.tokens.fetch_add(1, Ordering::SeqCst);
        let lifetime = self.state().token_lifetime;
        json_answer(
            200,
            json!({"access_token": format!("token-{number}-{principal}"), "expires_in": lifetime}),
        )
    }

    async fn machine(
        &self,
        method: Method,
        request: Request<Incoming>,
    ) -> Response<BoxBody<Bytes, Infallible>> {
        let id = request.uri().path().to_owned();
        if method == Method::DELETE {
            self.state().machines.remove(&id);
            return json_answer(204, json!({}));
        }
        if method == Method::PUT {
            let replace = request.headers().get(wire::REPLACE_HEADER).is_some_and(|value| value == "true");
            let body = request.into_body().collect().await.unwrap().to_bytes();
            let body: Value = serde_json::from_slice(&body).unwrap();
            let key = body["properties"]["clientPublicKey"].as_str().unwrap().to_owned();
            let vm_id = body["properties"]["vmId"].as_str().unwrap().to_owned();
            let mut state = self.state();
            let old = state.machines.get(&id).cloned();
            if old.as_ref().is_some_and(|old| old.key != key) && !replace {
                let message = "The name is in use by the machine with another key.";
                return error_answer(409, "MachineNameInUse", message);
            }
            let principal_id =
                old.as_ref().map_or_else(|| Uuid::new_v4().to_string(), |old| old.principal_id.clone());
            state
                .machines
                .insert(id.clone(), Machine { key, vm_id, principal_id: principal_id.clone(), body });
            let status = if old.is_some() { 200 } else { 201 };
            let identity = json!({"type": "SystemAssigned", "principalId": principal_id, "tenantId": TENANT});
            let properties = json!({"provisioningState": "Succeeded"});
            return json_answer(status, json!({"id": id, "identity": identity, "properties": properties}));
        }
        match self.state().machines.get(&id) {
            Some(machine) if method == Method::GET => json_answer(200, machine.body.clone()),
            None if method == Method::GET => error_answer(404, "ResourceNotFound", "no such machine"),
            _ => error_answer(405, "MethodNotAllowed", "no"),
        }
    }

    fn me(&self) -> Response<BoxBody<Bytes, Infallible>> {
        let expires = self.state().key_expires_on;
        json_answer(
            200,
            json!({"id": "/x", "uid": Uuid::nil(), "principalId": "p", "keyExpiresOn": expires, "epoch": EPOCH}),
        )
    }

    async fn rotate_key(&self, request: Request<Incoming>) -> Response<BoxBody<Bytes, Infallible>> {
        let body = request.into_body().collect().await.unwrap().to_bytes();
        let body: wire::RotateKeyRequest = serde_json::from_slice(&body).unwrap();
        let mut state = self.state();
        state.rotated.push(body.public_key);
        let at = |days: i64| clock::now() + jiff::SignedDuration::from_hours(24 * days);
        state.key_expires_on = at(90);
        json_answer(200, json!({"expiresOn": state.key_expires_on, "renewFrom": at(45)}))
    }

    async fn observed(&self, request: Request<Incoming>) -> Response<BoxBody<Bytes, Infallible>> {
        let packed =
            request.headers().get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding == "zstd");
        let body = request.into_body().collect().await.unwrap().to_bytes();
        let body = if packed { zstd::bulk::decompress(&body, 32 << 20).unwrap() } else { body.to_vec() };
        let batch: ObservedBatch = serde_json::from_slice(&body).unwrap();
        let mut state = self.state();
        if state.refuse_batches > 0 {
            state.refuse_batches -= 1;
            return error_answer(503, "ServerBusy", "busy");
        }
        let lose = state.lose_answers > 0;
        let source = state.sources.entry(batch.source.clone()).or_default();
        match source.position.judge(batch.source_epoch, batch.seq, batch.full) {
            Verdict::Resync { expected } => {
                return json_answer(409, serde_json::to_value(ResyncRequired::new(expected)).unwrap());
            }
            Verdict::Duplicate { acknowledged } => {
                return json_answer(200, json!({"acknowledged": acknowledged}));
            }
            Verdict::Append(position) => source.position = position,
        }
        source.batches += 1;
        if batch.full {
            source.objects.clear();
        }
        source.status = batch.status.or(source.status.take());
        for delta in batch.objects {
            match delta.object {
                Some(object) => source.objects.insert(delta.key, object),
                None => source.objects.remove(&delta.key),
            };
        }
        if lose {
            state.lose_answers -= 1;
            return error_answer(502, "BadGateway", "the answer was lost");
        }
        json_answer(200, json!({"acknowledged": batch.seq}))
    }

    async fn session(
        self: Arc<Self>,
        mut request: Request<Incoming>,
    ) -> Response<BoxBody<Bytes, Infallible>> {
        if !request.headers().contains_key(wire::INSTANCE_HEADER) {
            return error_answer(400, "BadRequest", "no instance");
        }
        if self.state().cloned {
            return error_answer(
                409,
                "MachineCloned",
                "Another installation is connected with this identity.",
            );
        }
        let query: BTreeMap<String, String> =
            url::form_urlencoded::parse(request.uri().query().unwrap_or("").as_bytes())
                .into_owned()
                .collect();
        let query = SessionQuery {
            epoch: query.get("epoch").map(|epoch| epoch.parse().unwrap()),
            generation: query["generation"].parse().unwrap(),
            wait: query.get("wait").map(|wait| wait.parse().unwrap()),
        };
        self.state().claims.push(query.clone());
        let transport = self.state().transport;
        if let Some(wait) = query.wait {
            return self.poll(query, wait).await;
        }
        let upgrades = request.headers().get(header::UPGRADE).is_some_and(|to| to == wire::UPGRADE_TOKEN);
        match transport {
            Transport::Upgrade if upgrades => {
                let upgrade = hyper::upgrade::on(&mut request);
                tokio::spawn(async move {
                    let connection = TokioIo::new(upgrade.await.unwrap());
                    self.serve_session(connection, query, Direction::Both).await;
                });
                let mut response = Response::new(Full::new(Bytes::new()).boxed());
                *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
                response.headers_mut().insert(header::CONNECTION, "upgrade".parse().unwrap());
                response.headers_mut().insert(header::UPGRADE, wire::UPGRADE_TOKEN.parse().unwrap());
                response
            }
            Transport::Upgrade | Transport::Stream => {
                let (near, mut far) = tokio::io::duplex(1 << 16);
                tokio::spawn(self.serve_session(near, query, Direction::Down));
                let chunks = async_stream(move |to| async move {
                    let mut buffer = [0; 4096];
                    while let Ok(read @ 1..) = far.read(&mut buffer).await {
                        if to.send(Ok(Frame::data(Bytes::copy_from_slice(&buffer[..read])))).await.is_err() {
                            break;
                        }
                    }
                });
                Response::new(StreamBody::new(chunks).boxed())
            }
            Transport::Refuse => error_answer(501, "NotImplemented", "what is an upgrade?"),
            Transport::Buffer => std::future::pending().await,
        }
    }

    fn open(&self, query: SessionQuery, direction: Direction) -> (ServerSession, Down) {
        self.sessions.fetch_add(1, Ordering::SeqCst);
        let (token_lifetime, keep_alive) = {
            let state = self.state();
            (state.token_lifetime, state.keep_alive)
        };
        let opening = Opening {
            session: Uuid::new_v4(),
            epoch: EPOCH,
            server_version: "test".into(),
            time: self.now(),
            lifetime: Duration::from_secs(token_lifetime),
            keep_alive: Duration::from_secs(keep_alive),
            direction,
            claim: Claim { epoch: query.epoch, generation: query.generation, hashes: vec![] },
        };
        ServerSession::open(opening, clock::moment())
    }

    async fn poll(&self, query: SessionQuery, wait: u32) -> Response<BoxBody<Bytes, Infallible>> {
        let (mut session, hello) = self.open(query, Direction::Down);
        let mut document = self.document.subscribe();
        let mut lines = vec![hello];
        let ends = tokio::time::Instant::now() + Duration::from_secs(u64::from(wait));
        loop {
            let wanted = document.borrow_and_update().clone();
            if let Some(line) = session.desired(&wanted, clock::moment()) {
                lines.push(line);
                break;
            }
            if tokio::time::timeout_at(ends, document.changed()).await.is_err() {
                break;
            }
        }
        let body = line::encode_poll(&lines).unwrap();
        json_answer(200, serde_json::from_slice(&body).unwrap())
    }

    async fn serve_session<C>(self: Arc<Self>, connection: C, query: SessionQuery, direction: Direction)
    where
        C: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    {
        let (mut session, hello) = self.open(query, direction);
        let (mut from, mut to) = tokio::io::split(connection);
        let mut reader = LineReader::new();
        let (mut document, mut end) = (self.document.subscribe(), self.end.subscribe());
        let mut say = vec![hello];
        loop {
            let wanted = document.borrow_and_update().clone();
            say.extend(session.desired(&wanted, clock::moment()));
            let mut over = false;
            let until = match session.tick(clock::moment()) {
                Tick::Wait(until) => until,
                Tick::Send(line) => {
                    say.push(line);
                    clock::moment()
                }
                Tick::End(line) => {
                    say.push(line);
                    over = true;
                    clock::moment()
                }
                Tick::Silent => return,
            };
            if !self.state().mute {
                for line in say.drain(..) {
                    if to.write_all(&line::encode(&line).unwrap()).await.is_err() {
                        return;
                    }
                }
            }
            say.clear();
            if over {
                return;
            }
            let mut buffer = [0; 1024];
            tokio::select! {
                read = from.read(&mut buffer) => match read {
                    Ok(read @ 1..) => {
                        reader.feed(&buffer[..read]);
                        while let Some(up) = reader.next_message::<Up>().unwrap() {
                            if let Some(applied) = session.received(up, clock::moment()) {
                                self.state().applied.push(applied.generation);
                            }
                        }
                    }
                    _ => return,
                },
                _ = document.changed() => {}
                Ok(reason) = end.recv() => {
                    let end = End { reason, message: "said the test".into(), reconnect_after_seconds: Some(0) };
                    let _ = to.write_all(&line::encode(&Down::End(end)).unwrap()).await;
                    return;
                }
                () = clock::sleep_until(until) => {}
            }
        }
    }
}

type Chunk = Result<Frame<Bytes>, Infallible>;

/// A stream of what a task sends.
fn async_stream<F, T>(produce: F) -> impl futures::Stream<Item = Chunk> + Send + Sync
where
    F: FnOnce(tokio::sync::mpsc::Sender<Chunk>) -> T,
    T: Future<Output = ()> + Send + 'static,
{
    let (to, mut from) = tokio::sync::mpsc::channel(16);
    tokio::spawn(produce(to));
    futures::stream::poll_fn(move |context| from.poll_recv(context))
}

fn json_answer(status: u16, body: Value) -> Response<BoxBody<Bytes, Infallible>> {
    let mut response = Response::new(Full::new(Bytes::from(body.to_string())).boxed());
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response.headers_mut().insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
    response
}

fn error_answer(status: u16, code: &str, message: &str) -> Response<BoxBody<Bytes, Infallible>> {
    json_answer(status, json!({"error": {"code": code, "message": message}}))
}

/// Waits until something is so; a test that waits longer than half a minute has failed.
pub async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let ends = tokio::time::Instant::now() + Duration::from_secs(30);
    while !is_so() {
        assert!(tokio::time::Instant::now() < ends, "never became true: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
