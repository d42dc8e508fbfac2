//! The list-and-watch loop against a scripted API server, on the paused clock.

use std::time::Duration;

use bowline_kubernetes::watch::{Event, Scope, Sink, Stopped, watch_scope};
use bowline_kubernetes::{KindName, ServedKind, built_in};
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, mpsc};

use crate::mock::Script;

/// Writes each event as a short text; stops when nobody reads.
struct Notes(mpsc::Sender<String>);

impl Sink for Notes {
    async fn take(&mut self, event: Event) -> Result<(), Stopped> {
        let name = |object: &Value| object["metadata"]["name"].as_str().unwrap_or("?").to_owned();
        let note = match event {
            Event::ListBegan => "began".to_owned(),
            Event::ListEnded => "ended".to_owned(),
            Event::Object(object) => format!("+{}", name(&object)),
            Event::Deleted(object) => format!("-{}", name(&object)),
            Event::Failed { error, .. } => format!("failed: {error}"),
        };
        self.0.send(note).await.map_err(|_| Stopped)
    }
}

fn pods() -> ServedKind {
    built_in(&KindName::parse("v1/Pod").unwrap()).unwrap()
}

fn start(script: &Script) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(1);
    let connection = script.connection();
    tokio::spawn(async move {
        watch_scope(&connection, &Scope::all(&pods()), &Semaphore::new(1), &mut Notes(sender)).await;
    });
    receiver
}

async fn expect(notes: &mut mpsc::Receiver<String>, expected: &[&str]) {
    for wanted in expected {
        let note =
            tokio::time::timeout(Duration::from_secs(600), notes.recv()).await.expect("an event").unwrap();
        assert!(note.starts_with(wanted), "{note} instead of {wanted}");
    }
}

fn object(name: &str, revision: &str) -> Value {
    json!({"metadata": {"name": name, "resourceVersion": revision}})
}

fn event(kind: &str, name: &str, revision: &str) -> Value {
    json!({"type": kind, "object": object(name, revision)})
}

fn page(revision: &str, next: &str, names: &[&str]) -> Value {
    let items: Vec<Value> = names.iter().map(|name| object(name, "1")).collect();
    json!({"metadata": {"resourceVersion": revision, "continue": next}, "items": items})
}

#[tokio::test(start_paused = true)]
async fn pages_then_a_watch_from_their_revision_that_resumes_where_it_ended() {
    let script = Script::default();
    script
        .answer(200, page("10", "next", &["a", "b"]))
        .answer(200, page("10", "", &["c"]))
        .lines(&[event("ADDED", "d", "11"), event("DELETED", "a", "12"), event("BOOKMARK", "", "20")])
        .lines(&[event("MODIFIED", "d", "21")]);
    let mut notes = start(&script);
    expect(&mut notes, &["began", "+a", "+b", "+c", "ended", "+d", "-a", "+d"]).await;
    let paths: Vec<String> = script.asked().into_iter().map(|(_, path, _)| path).collect();
    assert_eq!(paths[0], "/api/v1/pods?limit=500");
    assert!(paths[1].contains("continue=next"));
    assert!(paths[2].contains("watch=true") && paths[2].ends_with("resourceVersion=10"), "{}", paths[2]);
    assert!(paths[3].ends_with("resourceVersion=20"), "a bookmark moves the revision: {}", paths[3]);
}

#[tokio::test(start_paused = true)]
async fn a_revision_that_is_gone_leads_to_a_new_list() {
    let gone = json!({"type": "ERROR", "object": {"kind": "Status", "code": 410, "message": "too old"}});
    let status = json!({"kind": "Status", "code": 410, "message": "expired"});
    let script = Script::default();
    script
        .answer(200, page("10", "", &["a"]))
        .lines(&[gone])
        .answer(200, page("30", "", &["b"]))
        .answer(410, status)
        .answer(200, page("40", "", &["c"]));
    let mut notes = start(&script);
    expect(&mut notes, &["began", "+a", "ended", "failed: the revision", "began", "+b", "ended"]).await;
    expect(&mut notes, &["failed: the revision", "began", "+c", "ended"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_list_that_fails_midway_begins_again() {
    let script = Script::default();
    script
        .answer(200, page("10", "next", &["a"]))
        .answer(410, json!({"kind": "Status", "code": 410, "message": "continue token expired"}))
        .answer(200, page("11", "", &["a"]));
    let mut notes = start(&script);
    expect(&mut notes, &["began", "+a", "failed", "began", "+a", "ended"]).await;
}

#[tokio::test(start_paused = true)]
async fn lines_may_come_in_pieces_and_silence_is_a_lost_connection() {
    let script = Script::default();
    script.answer(200, page("10", "", &[]));
    let mut body = script.open();
    script.lines(&[event("ADDED", "z", "12")]);
    let mut notes = start(&script);
    expect(&mut notes, &["began", "ended"]).await;
    let line = format!("{}\n", event("ADDED", "x", "11"));
    let (head, tail) = line.split_at(20);
    body.send_data(Bytes::from(head.to_owned())).await.unwrap();
    body.send_data(Bytes::from(tail.to_owned())).await.unwrap();
    // The body stays open and silent: on the paused clock the next event shows that the loop gave up on it.
    expect(&mut notes, &["+x", "+z"]).await;
    drop(body);
}

#[tokio::test(start_paused = true)]
async fn refusals_are_told_and_tried_again() {
    let script = Script::default();
    script
        .answer(403, json!({"kind": "Status", "code": 403, "message": "pods is forbidden"}))
        .answer(200, json!({"metadata": {"resourceVersion": "5"}, "items": null}))
        .lines(&[json!({"type": "NONSENSE", "object": {}})])
        .answer(200, page("7", "", &["a"]));
    let mut notes = start(&script);
    expect(&mut notes, &["began", "failed: the API server forbids it", "began", "ended"]).await;
    expect(&mut notes, &["failed: the API server's answer", "began", "+a", "ended"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_ends_at_once_is_not_asked_for_in_a_storm() {
    let script = Script::default();
    script.answer(200, page("10", "", &[])).lines(&[]).lines(&[]).lines(&[]);
    let began = tokio::time::Instant::now();
    let mut notes = start(&script);
    expect(&mut notes, &["began", "ended", "failed", "failed", "failed"]).await;
    assert!(began.elapsed() >= Duration::from_millis(1500), "{:?}", began.elapsed());
    assert_eq!(script.asked().len(), 4, "one list and one request per failure");
}

#[tokio::test(start_paused = true)]
async fn a_slow_receiver_stops_the_reading() {
    let script = Script::default();
    let names: Vec<String> = (0..100).map(|n| format!("p{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    script.answer(200, page("10", "next", &names)).answer(200, page("10", "", &[]));
    let mut notes = start(&script);
    expect(&mut notes, &["began", "+p0"]).await;
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
    assert_eq!(script.asked().len(), 1, "the second page is not asked for while the first one is not taken");
    drop(notes);
}

#[tokio::test(start_paused = true)]
async fn one_object_is_watched_by_its_name() {
    let script = Script::default();
    script.answer(200, page("10", "", &[])).lines(&[event("ADDED", "a.b", "11")]);
    let (sender, mut notes) = mpsc::channel(1);
    let connection = script.connection();
    tokio::spawn(async move {
        let scope = Scope::one(&pods(), "n", "a.b");
        watch_scope(&connection, &scope, &Semaphore::new(1), &mut Notes(sender)).await;
    });
    expect(&mut notes, &["began", "ended", "+a.b"]).await;
    for (_, path, _) in &script.asked()[..2] {
        assert!(
            path.starts_with("/api/v1/namespaces/n/pods?")
                && path.contains("&fieldSelector=metadata.name%3Da%2Eb"),
            "{path}"
        );
    }
}
