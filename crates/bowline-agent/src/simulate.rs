//! `simulate`: enrols many machines that do not exist and holds their sessions, all in one process. It is the load generator of
//! the benchmarks, and what a user sizes a server with: each simulated agent is the real session, over a real connection.
//!
//! It prints one JSON object a line on standard output: one a second, one for each new desired setting that reaches agents
//! (`--measure`), and a last one with `"done": true`.

use std::{
    collections::BTreeMap,
    io::Write,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bowline_link::{
    Moment,
    item::{ContentHash, kind},
};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    clock,
    home::{Enrolment, Home, HomeError, KeyPem},
    key::AgentKey,
    ledger::memory::MemoryLedger,
    machine::{
        enrol::{self, Enrolled, Place, Request},
        observe::Identifying,
    },
    session::{
        self, Order, RoleEnd, SessionConfig,
        client::{Client, RequestError},
        role_channel,
        sign_in::{self, SignInError},
        status::StatusBoard,
        token::Bearer,
    },
};

/// Idle connections that the process keeps for enrolments, tokens and reports.
const IDLE_CONNECTIONS: usize = 64;

/// What `simulate` was asked to do.
#[derive(Debug, Clone)]
pub struct SimulateOptions {
    pub count: usize,
    pub server: String,
    pub ca_pem: Option<String>,
    pub subscription: String,
    pub resource_group: String,
    pub location: String,
    /// Names are this and a number.
    pub prefix: String,
    pub token: Bearer,
    /// How many enrol at the same time.
    pub concurrency: usize,
    /// How long to go on after the start.
    pub duration: Duration,
    /// Say how long each new setting took to reach the agents.
    pub measure: bool,
}

/// Why a simulation could not start.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    #[error(transparent)]
    Request(#[from] RequestError),
    #[error(transparent)]
    SignIn(#[from] SignInError),
    #[error("the outcome could not be printed")]
    Print(#[from] std::io::Error),
}

/// What the agents did so far.
#[derive(Debug, Default)]
struct Counts {
    enrolled: AtomicU64,
    enrolment_failures: AtomicU64,
    ended: AtomicU64,
    /// How often an agent was handed a document that was older than the one it had.
    older: AtomicU64,
    last_error: Mutex<Option<String>>,
    boards: Mutex<Vec<StatusBoard>>,
    arrivals: Mutex<BTreeMap<ContentHash, Arrival>>,
}

/// When one setting reached agents.
#[derive(Debug)]
struct Arrival {
    content: Value,
    generation: u64,
    first_unix_ms: i64,
    at: Vec<Moment>,
}

impl Counts {
    fn failed(&self, error: String) {
        *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }

    fn arrived(&self, content: &Value, generation: u64, at: Moment) {
        let mut arrivals = self.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Arrival {
            content: content.clone(),
            generation,
            first_unix_ms: clock::now().as_millisecond(),
            at: Vec::new(),
        };
        arrivals.entry(ContentHash::of(content)).or_insert_with(new).at.push(at);
    }
}

/// Runs a simulation.
pub async fn simulate(
    options: SimulateOptions,
    stop: CancellationToken,
    out: &mut (dyn Write + Send),
) -> Result<(), SimulateError> {
    let draft = draft(&options);
    let client = Arc::new(Client::with_idle(&draft, IDLE_CONNECTIONS)?);
    let authority = sign_in::discover(&client).await?;
    let draft = Enrolment { tenant_id: authority.tenant_id, ..draft };
    let counts = Arc::new(Counts::default());
    let room = Arc::new(Semaphore::new(options.concurrency.max(1)));
    let tasks = TaskTracker::new();
    let started = clock::moment();
    for number in 0..options.count {
        let agent = Agent {
            number,
            options: options.clone(),
            draft: draft.clone(),
            client: client.clone(),
            counts: counts.clone(),
            stop: stop.clone(),
        };
        tasks.spawn(agent.live(room.clone()));
    }
    tasks.close();
    let printing = print_until(&options, &counts, started, out);
    tokio::select! {
        printed = printing => printed?,
        () = stop.cancelled() => {}
    }
    stop.cancel();
    tasks.wait().await;
    let mut last = reading(&counts, started);
    last["done"] = true.into();
    Ok(writeln!(out, "{last}")?)
}

fn draft(options: &SimulateOptions) -> Enrolment {
    Enrolment {
        server: options.server.trim_end_matches('/').to_owned(),
        ca_pem: options.ca_pem.clone(),
        tenant_id: String::new(),
        resource_id: String::new(),
        principal_id: String::new(),
        proxy: bowline_link::item::Proxy::default(),
        key_expires_on: None,
        key_renew_from: None,
        other: serde_json::Map::new(),
    }
}

async fn print_until(
    options: &SimulateOptions,
    counts: &Counts,
    started: Moment,
    out: &mut (dyn Write + Send),
) -> std::io::Result<()> {
    let mut printed = BTreeMap::new();
    let mut second = tokio::time::interval(Duration::from_secs(1));
    while clock::moment() - started < options.duration {
        second.tick().await;
        writeln!(out, "{}", reading(counts, started))?;
        if options.measure {
            for line in new_arrivals(counts, &mut printed) {
                writeln!(out, "{line}")?;
            }
        }
        out.flush()?;
    }
    Ok(())
}

fn reading(counts: &Counts, started: Moment) -> Value {
    let boards = counts.boards.lock().unwrap_or_else(PoisonError::into_inner);
    let (mut connected, mut sessions, mut acknowledged, mut generation) = (0_u64, 0, 0, 0);
    let (mut bytes_in, mut bytes_out) = (0_u64, 0_u64);
    for board in boards.iter() {
        board.with(|status| {
            connected += u64::from(status.connected);
            sessions += status.sessions_opened;
            acknowledged += status.acknowledged_batches;
            generation = generation.max(status.generation);
            bytes_in += status.bytes_in;
            bytes_out += status.bytes_out;
            if let Some(error) = &status.last_error {
                counts.failed(error.message.clone());
            }
        });
    }
    json!({
        "seconds": (clock::moment() - started).as_millis() as f64 / 1000.0,
        "enrolled": counts.enrolled.load(Ordering::Relaxed),
        "enrolmentFailures": counts.enrolment_failures.load(Ordering::Relaxed),
        "connected": connected,
        "sessionsOpened": sessions,
        "ended": counts.ended.load(Ordering::Relaxed),
        "older": counts.older.load(Ordering::Relaxed),
        "acknowledged": acknowledged,
        "generation": generation,
        "bytesIn": bytes_in,
        "bytesOut": bytes_out,
        "lastError": *counts.last_error.lock().unwrap_or_else(PoisonError::into_inner),
    })
}

/// A line for each setting that reached more agents since the last time.
fn new_arrivals(counts: &Counts, printed: &mut BTreeMap<ContentHash, usize>) -> Vec<Value> {
    let arrivals = counts.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
    let mut lines = Vec::new();
    for (hash, arrival) in arrivals.iter() {
        if printed.insert(*hash, arrival.at.len()) == Some(arrival.at.len()) {
            continue;
        }
        let mut delays: Vec<_> =
            arrival.at.iter().map(|at| at.saturating_sub(arrival.at[0]).as_micros()).collect();
        delays.sort_unstable();
        let quantile = |q: f64| delays[((delays.len() - 1) as f64 * q) as usize] as f64 / 1000.0;
        lines.push(json!({
            "settings": arrival.content,
            "generation": arrival.generation,
            "agents": delays.len(),
            "firstUnixMs": arrival.first_unix_ms,
            "afterFirstMs": {"p50": quantile(0.5), "p99": quantile(0.99), "last": quantile(1.0)},
        }));
    }
    lines
}

/// One simulated agent.
struct Agent {
    number: usize,
    options: SimulateOptions,
    draft: Enrolment,
    client: Arc<Client>,
    counts: Arc<Counts>,
    stop: CancellationToken,
}

impl Agent {
    async fn live(self, room: Arc<Semaphore>) {
        let permit = tokio::select! {
            permit = room.acquire_owned() => permit.expect("the semaphore is never closed"),
            () = self.stop.cancelled() => return,
        };
        let (key, pem) = AgentKey::generate();
        let enrolled = tokio::select! {
            enrolled = self.enrol(&key) => enrolled,
            () = self.stop.cancelled() => return,
        };
        drop(permit);
        let enrolled = match enrolled {
            Ok(enrolled) => enrolled,
            Err(error) => {
                self.counts.enrolment_failures.fetch_add(1, Ordering::Relaxed);
                return self.counts.failed(error.to_string());
            }
        };
        self.counts.enrolled.fetch_add(1, Ordering::Relaxed);
        let enrolment = Enrolment {
            resource_id: enrolled.resource_id,
            principal_id: enrolled.principal_id,
            tenant_id: enrolled.tenant_id.unwrap_or(self.draft.tenant_id),
            ..self.draft
        };
        let status = StatusBoard::default();
        self.counts.boards.lock().unwrap_or_else(PoisonError::into_inner).push(status.clone());
        let (role, session_end) = role_channel();
        let config = SessionConfig {
            home: Arc::new(MemoryHome::new(enrolment, pem)),
            ledger: Box::new(MemoryLedger),
            source: "inventory".to_owned(),
            instance: clock::new_guid().simple().to_string(),
            role: session_end,
            status,
            stop: self.stop,
            passage: None,
            client: Some(self.client),
        };
        let outcome = tokio::select! {
            outcome = Box::pin(session::run(config)) => outcome,
            () = pretend(role, self.number, self.counts.clone(), self.options.measure) => return,
        };
        match outcome {
            Ok(session::Outcome::Stopped) => {}
            Ok(outcome) => {
                self.counts.ended.fetch_add(1, Ordering::Relaxed);
                self.counts.failed(format!("{outcome:?}"));
            }
            Err(error) => self.counts.failed(error.to_string()),
        }
    }

    async fn enrol(&self, key: &AgentKey) -> Result<Enrolled, RequestError> {
        let request = Request {
            place: Place {
                subscription: self.options.subscription.clone(),
                resource_group: self.options.resource_group.clone(),
                name: format!("{}{:05}", self.options.prefix, self.number),
            },
            location: self.options.location.clone(),
            tags: BTreeMap::from([("simulated".to_owned(), "true".to_owned())]),
            vm_id: clock::new_guid().to_string(),
            public_key: key.public_key(),
            identifying: Identifying { vm_uuid: None, detected: serde_json::Map::new() },
            replace: false,
        };
        enrol::enrol(&self.client, &self.options.token, &request).await
    }
}

/// The role of a simulated agent: reports a small machine once, and notes when settings arrive.
async fn pretend(mut role: RoleEnd, number: usize, counts: Arc<Counts>, measure: bool) {
    let facts = json!({
        "agentVersion": crate::VERSION, "osType": "linux", "osName": "simulated", "osVersion": "1",
        "osProfile": {"computerName": format!("simulated-{number:05}")},
        "hardwareProfile": {"totalPhysicalMemoryInBytes": 8_589_934_592_u64, "numberOfCpuSockets": 1},
    });
    if role.reporter.status(facts).await.is_err() {
        return;
    }
    let mut newest = None;
    while let Ok(order) = role.orders.next().await {
        let at = clock::moment();
        match order {
            Order::Desired(document) => {
                let this = (document.epoch, document.generation);
                let older = |(epoch, generation): (uuid::Uuid, u64)| epoch == this.0 && this.1 < generation;
                counts.older.fetch_add(u64::from(newest.is_some_and(older)), Ordering::Relaxed);
                newest = Some(this);
                if let Some(content) = document.content(kind::AGENT_SETTINGS).filter(|_| measure) {
                    counts.arrived(content, document.generation, at);
                }
            }
            Order::Pace(_) => {}
            Order::SendEverything { .. } => {
                if role.reporter.begin_full().await.is_err() || role.reporter.finish_full().await.is_err() {
                    return;
                }
            }
        }
    }
}

/// An identity that lives as long as the process.
struct MemoryHome(Mutex<Kept>);

struct Kept {
    enrolment: Enrolment,
    key: KeyPem,
    next: Option<KeyPem>,
}

impl MemoryHome {
    fn new(enrolment: Enrolment, key: KeyPem) -> Self {
        Self(Mutex::new(Kept { enrolment, key, next: None }))
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Home for MemoryHome {
    async fn enrolment(&self) -> Result<Option<Enrolment>, HomeError> {
        Ok(Some(self.kept().enrolment.clone()))
    }

    async fn write_enrolment(&self, enrolment: &Enrolment) -> Result<(), HomeError> {
        self.kept().enrolment = enrolment.clone();
        Ok(())
    }

    async fn key(&self) -> Result<Option<KeyPem>, HomeError> {
        Ok(Some(self.kept().key.clone()))
    }

    async fn next_key(&self) -> Result<Option<KeyPem>, HomeError> {
        Ok(self.kept().next.clone())
    }

    async fn write_next_key(&self, key: &KeyPem) -> Result<(), HomeError> {
        self.kept().next = Some(key.clone());
        Ok(())
    }

    async fn promote_next_key(&self) -> Result<(), HomeError> {
        let mut kept = self.kept();
        if let Some(next) = kept.next.take() {
            kept.key = next;
        }
        Ok(())
    }
}
