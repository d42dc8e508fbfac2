//! The page of all limits, rendered from the values that hold.

use std::fmt::Write as _;

use bowline_control::RequestBudgets;
use bowline_control::query::WAITING as WAITING_QUERIES;
use bowline_link::observed::{MAX_UNPACKED_BYTES, MAX_WIRE_BYTES};
use bowline_store::{MAX_ACTIVITY_BYTES, MAX_DOCUMENT_BYTES, MAX_KEY_BYTES};

use super::{INSIDE, Limits, WAITING};
use crate::http::{body, graph, identity};
use crate::listener::{HANDSHAKES, HEAD_BYTES, HEADERS, STREAMS, WRITE_PATIENCE};

/// One limit: its name, what it is, how it is set (or nothing), and what is answered beyond it.
type Line = (&'static str, String, &'static str, &'static str);

/// `docs/reference/limits.md`.
#[must_use]
pub fn page() -> String {
    let mut page = "# Limits\n\n\
        Everything that a server holds has a ceiling. What comes beyond it is refused before work is done, with the time after which to come back; what was accepted is finished. This page is\n\
        rendered from the code by `cargo xtask gen`. Settings are flags, `BOWLINE_…` in the environment, or keys of the configuration file, those of *Connections and requests* and *Queries* in its table `[limits]`.\n\
        `bowline server status` shows how much of the limits of each server is used and which is the next; `/metrics` has the same figures (`bowline_server_limit_used`).\n"
        .to_owned();
    for (title, lines) in [
        ("Connections and requests", connections()),
        ("Callers", callers()),
        ("Queries", queries()),
        ("Sizes", sizes()),
        ("Queues and caches", queues()),
    ] {
        let _ =
            write!(page, "\n## {title}\n\n| limit | default | setting | beyond it |\n|---|---|---|---|\n");
        for (name, value, setting, beyond) in lines {
            let setting = if setting.is_empty() { "–".to_owned() } else { format!("`{setting}`") };
            let _ = writeln!(page, "| {name} | {value} | {setting} | {beyond} |");
        }
    }
    page.push_str(NOTES);
    page
}

const NOTES: &str = "\n## How they are kept
- **Fair.** Requests of each principal stand in a line of their own, and the lines take turns: somebody with two hundred connections gets as many turns as somebody with one. One principal never has all places.
  Queries have lines of their own, by the same rule: however many somebody sends, another's query waits for no more than one of them.
- **Agents first.** An eighth of the connections takes agents only: a client that gets one of them is answered 503 and its connection is closed; agents and the token endpoint are served on them.
- **Early.** In this order: the connection before its handshake, the request before its caller is proved, before its turn, before its body is read, before its commit is queued.
- **Health.** `/healthz`, `/readyz` and `/metrics` are answered however full the server is, as long as it takes connections.
- The number of open files is raised to what the host allows (`ulimit -Hn`, `LimitNOFILE=` in systemd) when the server starts.
";

const BUSY: &str = "503 `ServerBusy`, Retry-After 1 s";

fn seconds(duration: std::time::Duration) -> String {
    format!("{} s", duration.as_secs())
}

fn bytes(count: usize) -> String {
    match count {
        _ if count >= 1 << 20 => format!("{} MiB", count >> 20),
        _ if count >= 1 << 10 => format!("{} KiB", count >> 10),
        _ => format!("{count} bytes"),
    }
}

fn connections() -> Vec<Line> {
    let usual = Limits::default();
    vec![
        (
            "connections of a server",
            format!("open files less 256, at most {}", usual.connections),
            "--max-connections",
            "closed before the handshake; of the last eighth, clients get 503 `ServerBusy`, Retry-After 2 s",
        ),
        ("TLS handshakes at once, a quarter of a second each", HANDSHAKES.to_string(), "", "wait"),
        (
            "time for a handshake, and for the head of a request",
            seconds(usual.head_patience),
            "--head-seconds",
            "the connection is closed; on HTTP/1.1 an idle one too",
        ),
        (
            "time for the body of a request",
            format!("{}, and 1 s for each 64 KiB that came", seconds(usual.body_patience)),
            "--body-seconds",
            "408 `RequestTimeout`",
        ),
        (
            "time in which a client takes something of its answer",
            seconds(WRITE_PATIENCE),
            "",
            "the connection is closed",
        ),
        ("requests at once on one HTTP/2 connection", STREAMS.to_string(), "", "the client waits"),
        ("head of a request", bytes(HEAD_BYTES), "", "431"),
        ("headers of a request (HTTP/1.1)", HEADERS.to_string(), "", "431"),
        (
            "requests under way",
            usual.requests.to_string(),
            "--max-requests",
            "wait for their turn, 10 s at most",
        ),
        (
            "requests under way of one principal",
            "three quarters of them".to_owned(),
            "--max-requests-per-principal",
            "wait for their turn",
        ),
        (
            "requests of one principal that wait",
            usual.waiting_per_principal.to_string(),
            "--max-waiting-per-principal",
            "429 `TooManyRequests`, Retry-After 1 s",
        ),
        ("requests that wait", format!("{WAITING} for each under way"), "--max-requests", BUSY),
        (
            "requests inside, with those whose caller is not proved yet",
            format!("{INSIDE} for each under way"),
            "--max-requests",
            BUSY,
        ),
        ("bodies of all requests under way", bytes(usual.body_memory), "--body-memory-mib", BUSY),
    ]
}

fn queries() -> Vec<Line> {
    let usual = Limits::default().queries;
    let (time, refused) = (seconds(usual.time), "429 `RateLimiting`, Retry-After");
    vec![
        ("queries that run at once", usual.at_once.to_string(), "--max-queries", "wait for their turn"),
        (
            "queries of one principal that run at once",
            "one less".to_owned(),
            "--max-queries",
            "wait for their turn",
        ),
        ("queries of one principal that wait", WAITING_QUERIES.to_string(), "", refused),
        ("queries that wait", format!("{WAITING_QUERIES} for each that may run"), "--max-queries", refused),
        ("time that a query waits for its turn", time.clone(), "--query-seconds", refused),
        ("time that a query runs", time, "--query-seconds", "400 with the detail `QueryTimeout`"),
        (
            "memory that a query holds, whatever holds it",
            bytes(usual.bytes),
            "--query-memory-mib",
            "400 with the detail `InvalidQuery`",
        ),
    ]
}

fn callers() -> Vec<Line> {
    let (usual, limits) = (RequestBudgets::default(), Limits::default());
    let throttled = "429 `SubscriptionRequestsThrottled` or `TooManyRequests`, Retry-After";
    vec![
        (
            "reads of a principal in a subscription, a minute",
            usual.reads_per_minute.to_string(),
            "--reads-per-minute",
            throttled,
        ),
        ("writes", usual.writes_per_minute.to_string(), "--writes-per-minute", throttled),
        ("deletes", usual.deletes_per_minute.to_string(), "--deletes-per-minute", throttled),
        (
            "event streams of a principal",
            limits.streams_per_principal.to_string(),
            "--max-streams-per-principal",
            "429 `TooManyRequests`, Retry-After 5 s",
        ),
        (
            "streams through tunnels to clusters of a principal",
            limits.tunnel_streams_per_principal.to_string(),
            "--max-tunnel-streams-per-principal",
            "429 `TooManyStreams`, Retry-After 2 s",
        ),
        (
            "streams through tunnels of a server",
            limits.tunnel_streams.to_string(),
            "--max-tunnel-streams",
            "429 `TooManyStreams`, Retry-After 2 s",
        ),
        (
            "streams through the tunnel to one cluster",
            bowline_tunnel::MAX_STREAMS.to_string(),
            "",
            "429 `TooManyStreams`, Retry-After 2 s",
        ),
        (
            "bytes of such a stream that wait for a caller, and for an agent",
            format!(
                "{}, {}",
                bytes(bowline_tunnel::DOWN_WINDOW as usize),
                bytes(bowline_tunnel::UP_WINDOW as usize)
            ),
            "",
            "the other side waits",
        ),
        (
            "sessions of an agent",
            "1".to_owned(),
            "",
            "the newest ends the one before; another installation with the same key gets 409 `MachineCloned` or `ClusterCloned`",
        ),
        (
            "sign-ins of a person that go on at once, on devices and in browsers",
            bowline_control::identity::sign_ins::MOST.to_string(),
            "",
            "the oldest ends; its next renewal is answered `invalid_grant`, its browser is asked to sign in",
        ),
        (
            "failed sign-ins of an account, and from an address",
            "a few, then longer and longer pauses".to_owned(),
            "",
            "429, Retry-After",
        ),
        (
            "unfinished long-running operations of a principal",
            bowline_control::operations::MOST_OF_ONE.to_string(),
            "",
            "429 `TooManyOperations`, Retry-After 10 s",
        ),
        (
            "unfinished long-running operations",
            bowline_control::operations::MOST.to_string(),
            "",
            "429 `TooManyOperations`, Retry-After 10 s",
        ),
    ]
}

fn sizes() -> Vec<Line> {
    let too_large = "413 `RequestEntityTooLarge`";
    vec![
        ("body of a request", bytes(body::MAX_BODY), "", too_large),
        ("body of a request to Microsoft Graph", bytes(graph::MAX_BODY), "", too_large),
        ("form of a sign-in", bytes(identity::MAX_FORM), "", "400 `invalid_request`"),
        ("report of an agent, packed", bytes(MAX_WIRE_BYTES), "", too_large),
        ("the same, unpacked", bytes(MAX_UNPACKED_BYTES), "", too_large),
        ("resources of a page", "1000".to_owned(), "", "the page ends with a `nextLink`"),
        (
            "documents of a page together",
            bytes(bowline_control::pipeline::MAX_PAGE_BYTES),
            "",
            "the page ends with a `nextLink`",
        ),
        ("document of a resource", bytes(MAX_DOCUMENT_BYTES), "", too_large),
        ("id of a resource", bytes(MAX_KEY_BYTES), "", "400"),
        ("entry of the activity log", bytes(MAX_ACTIVITY_BYTES), "", "its properties are cut"),
    ]
}

fn queues() -> Vec<Line> {
    vec![
        (
            "commits that wait for the writer",
            "2048, 64 MiB".to_owned(),
            "",
            "503 `ServiceUnavailable`, Retry-After 1 s",
        ),
        ("commits of one transaction", "256, 8 MiB".to_owned(), "", "go into the next one"),
        (
            "agents whose session is being written down",
            "4096".to_owned(),
            "",
            "503 `ServiceUnavailable`, Retry-After 2 s",
        ),
        (
            "connections that read the database",
            "8 (PostgreSQL), 3 for pages (SQLite)".to_owned(),
            "",
            "reads wait",
        ),
        (
            "free disk space below which nothing is written",
            "256 MiB".to_owned(),
            "--disk-reserve-mib",
            "507 `InsufficientStorage`",
        ),
        ("kept answers and pages", "48 MiB and 16 MiB".to_owned(), "", "the least used is forgotten"),
        (
            "refusals noted in the activity log, a second",
            "2000, 50 of one principal".to_owned(),
            "",
            "are counted together",
        ),
    ]
}
