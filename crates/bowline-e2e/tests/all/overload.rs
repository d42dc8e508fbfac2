//! A real server with more than it takes: who asks for too much is told so early, others are served, and what was accepted is there.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bowline_e2e::api::{Answer, Api, client};
use bowline_e2e::server::{Options, Server, group};
use bowline_e2e::wait::{seconds, until, until_true};
use futures::StreamExt as _;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::monitoring::{metrics, value};
use crate::resources::machine;
use crate::roles::{assign, user};

const CONTRIBUTOR: &str = "b24988ac-6180-42a0-ab88-20f7382dd24c";

async fn start(extra: &[&str]) -> Server {
    let extra = extra.iter().map(|argument| (*argument).to_owned()).collect();
    Server::start(Options { extra, ..Options::default() }).await
}

/// Has the header that says when to come back.
#[track_caller]
fn told_to_come_back(answer: &Answer) {
    let wait = answer.header("retry-after").and_then(|seconds| seconds.parse::<u64>().ok());
    assert!(wait.is_some_and(|seconds| seconds >= 1), "{answer:?}");
}

/// A connection without a client's manners.
async fn raw(server: &Server) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(server.ca()).unwrap() {
        roots.add(certificate.unwrap()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.unwrap().with_root_certificates(roots).with_no_client_auth();
    let socket = TcpStream::connect((Ipv4Addr::LOCALHOST, server.port)).await?;
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").unwrap(), socket).await
}

/// Everything until the server closes.
async fn rest(stream: &mut TlsStream<TcpStream>) -> String {
    let mut text = Vec::new();
    // A connection that is cut instead of closed has said what it had to say.
    let _ =
        tokio::time::timeout(seconds(30), stream.read_to_end(&mut text)).await.expect("the server closes");
    String::from_utf8_lossy(&text).into_owned()
}

/// A user that may write in a group, as [`Api`].
async fn writer(admin: &Api, scope: &str, name: &str) -> Api {
    let (api, object) = user(admin, name).await;
    let _ = assign(admin, scope, CONTRIBUTOR, &object).await;
    api
}

/// Writes on a connection of its own until told to stop; gives the names that were accepted, and the refusals.
async fn greedy(
    api: Api,
    pem: String,
    scope: String,
    number: usize,
    stop: Arc<AtomicBool>,
) -> (Vec<String>, Vec<u16>) {
    let own = Api { http: client(&pem), ..api };
    let (mut accepted, mut refused) = (Vec::new(), Vec::new());
    for round in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let name = format!("greedy-{number}-{round}");
        let answer = own.put(&machine(&scope, &name), &json!({"location": "local"})).await;
        match answer.status {
            200 | 201 => accepted.push(name),
            429 | 503 => {
                told_to_come_back(&answer);
                refused.push(answer.status);
                // Greedy, not a busy loop: he comes back far too early.
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            other => panic!("{other}: {}", answer.text),
        }
    }
    (accepted, refused)
}

#[tokio::test]
async fn two_hundred_connections_of_one_principal_do_not_starve_another() {
    let server = start(&[
        "--max-requests",
        "8",
        "--max-requests-per-principal",
        "6",
        "--max-waiting-per-principal",
        "16",
    ])
    .await;
    let admin = server.admin().await;
    let scope = group(&admin, "g").await;
    let (eager, modest) = (writer(&admin, &scope, "eager").await, writer(&admin, &scope, "modest").await);
    let pem = std::fs::read_to_string(server.ca()).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let crowd: Vec<_> = (0..200)
        .map(|number| {
            let (api, pem, scope, stop) = (eager.clone(), pem.clone(), scope.clone(), Arc::clone(&stop));
            tokio::spawn(greedy(api, pem, scope, number, stop))
        })
        .collect();
    // The health routes answer however full it is, and say when he is being refused.
    until_true("the crowd is refused", seconds(60), async || {
        let refused =
            value(&metrics(&admin).await, "bowline_server_refusals_total{reason=\"TooManyRequests\"}");
        refused.is_some_and(|count| count >= 50.0)
    })
    .await;
    for round in 0..15 {
        let id = machine(&scope, &format!("modest-{round}"));
        let made = modest.put(&id, &json!({"location": "local"})).await;
        assert_eq!(made.status, 200, "nobody else's requests are refused: {}", made.text);
        assert_eq!(modest.get(&id).await.status, 200);
    }
    stop.store(true, Ordering::Relaxed);
    let (mut accepted, mut refused) = (Vec::new(), Vec::new());
    for one in crowd {
        let (names, statuses) = one.await.unwrap();
        accepted.extend(names);
        refused.extend(statuses);
    }
    assert!(refused.contains(&429), "his own line was full");
    let list = format!("{scope}/providers/Microsoft.HybridCompute/machines?api-version=2026-07-15&$top=1000");
    let mut there = std::collections::HashSet::new();
    let mut next = Some(list);
    while let Some(page) = next {
        let page = admin.get(&page).await.expect(200);
        there
            .extend(page["value"].as_array().unwrap().iter().map(|m| m["name"].as_str().unwrap().to_owned()));
        next = page["nextLink"].as_str().map(str::to_owned);
    }
    let lost: Vec<_> = accepted.iter().filter(|name| !there.contains(*name)).collect();
    assert!(lost.is_empty(), "accepted and not there: {lost:?}");
    assert!(accepted.len() > 50, "he was served too: {}", accepted.len());
    until("the house is empty", seconds(10), async || {
        let text = metrics(&admin).await;
        let used = |limit: &str| value(&text, &format!("bowline_server_limit_used{{limit=\"{limit}\"}}"));
        let all = ["requests_under_way", "requests_that_wait", "requests_inside", "bytes_of_request_bodies"];
        (all.map(used) == [Some(0.0); 4]).then_some(())
    })
    .await;
}

#[tokio::test]
async fn too_many_connections_are_closed_and_the_last_ones_serve_agents_only() {
    let server = start(&["--max-connections", "24"]).await;
    let admin = server.admin().await;
    let mut held = Vec::new();
    // Those of the harness' own clients count too.
    while let Ok(stream) = raw(&server).await {
        held.push(stream);
        assert!(held.len() <= 24, "there is an end");
    }
    assert!(held.len() >= 16, "{}", held.len());
    // The newest has one of the last places: clients are sent away, agents and whoever needs a token are not.
    let ask = async |stream: &mut TlsStream<TcpStream>, head: &str| {
        let text = format!("{head} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n");
        stream.write_all(text.as_bytes()).await.unwrap();
    };
    let mut last = held.pop().unwrap();
    ask(&mut last, "POST /organizations/oauth2/v2.0/token").await;
    ask(&mut last, "GET /agents/v1/self").await;
    ask(&mut last, "GET /subscriptions?api-version=2022-12-01").await;
    let said = rest(&mut last).await.to_lowercase();
    let answers: Vec<&str> = said.split("http/1.1 ").skip(1).map(|answer| &answer[..3]).collect();
    assert_eq!(answers, ["400", "401", "503"], "{said}");
    assert!(said.contains("retry-after: 2") && said.contains("serverbusy"), "{said}");
    drop(held);
    until("there is room again", seconds(10), async || {
        let answer = Api::exchange(admin.request(reqwest::Method::GET, "/subscriptions")).await.ok()?;
        (answer.status == 200).then_some(())
    })
    .await;
    let text = metrics(&admin).await;
    assert!(value(&text, "bowline_server_connections_refused_total").is_some_and(|n| n >= 1.0), "{text}");
}

#[tokio::test]
async fn slow_heads_and_slow_bodies_are_given_up() {
    let server = start(&["--head-seconds", "1", "--body-seconds", "1"]).await;
    let admin = server.admin().await;
    let scope = group(&admin, "g").await;
    let mut silent = raw(&server).await.unwrap();
    assert_eq!(rest(&mut silent).await, "", "who says nothing is not answered");
    let mut slow = raw(&server).await.unwrap();
    slow.write_all(b"GET /subscriptions HTTP/1.1\r\nhost: local").await.unwrap();
    let said = rest(&mut slow).await;
    assert!(said.is_empty() || said.starts_with("HTTP/1.1 408"), "{said}");
    let mut slow = raw(&server).await.unwrap();
    let head = format!(
        "PUT {}?api-version=2026-07-15 HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{{\"location\":",
        machine(&scope, "slow"),
        admin.bearer.as_deref().unwrap()
    );
    slow.write_all(head.as_bytes()).await.unwrap();
    let said = rest(&mut slow).await;
    assert!(said.starts_with("HTTP/1.1 408") && said.contains("RequestTimeout"), "{said}");
    admin.get(&machine(&scope, "slow")).await.refused(404, "ResourceNotFound");
}

#[tokio::test]
async fn clients_that_stall_in_the_handshake_stand_in_nobodys_way() {
    let server = start(&["--head-seconds", "600"]).await;
    let admin = server.admin().await;
    let mut stalled = Vec::new();
    for number in 0..150 {
        let mut socket = TcpStream::connect((Ipv4Addr::LOCALHOST, server.port)).await.unwrap();
        // Every second one begins: the head of a record that never comes.
        if number % 2 == 0 {
            socket.write_all(&[22, 3, 1, 2, 0]).await.unwrap();
        }
        stalled.push(socket);
    }
    // A client without a connection: it shakes hands after all of them.
    let pem = std::fs::read_to_string(server.ca()).unwrap();
    let fresh = Api { http: client(&pem), ..admin };
    let answered = tokio::time::timeout(seconds(60), fresh.get("/subscriptions")).await;
    assert_eq!(answered.expect("they wait ten minutes, others do not").status, 200);
    for socket in &stalled {
        let said = socket.try_read(&mut [0; 1]);
        assert!(said.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock), "they still stall");
    }
}

#[tokio::test]
async fn bodies_together_have_a_ceiling() {
    let server = start(&["--body-memory-mib", "1"]).await;
    let admin = server.admin().await;
    let scope = group(&admin, "g").await;
    let put = |name: &str, length: usize| {
        format!(
            "PUT {}?api-version=2026-07-15 HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n",
            machine(&scope, name),
            admin.bearer.as_deref().unwrap()
        )
    };
    // One that holds most of the memory and does not go on.
    let mut first = raw(&server).await.unwrap();
    first.write_all(put("first", 800_000).as_bytes()).await.unwrap();
    first.write_all(&vec![b' '; 700_000]).await.unwrap();
    until_true("the server has what was sent", seconds(20), async || {
        let text = metrics(&admin).await;
        let held = value(&text, "bowline_server_limit_used{limit=\"bytes_of_request_bodies\"}");
        held.is_some_and(|bytes| bytes >= 700_000.0)
    })
    .await;
    let large = json!({"location": "local", "tags": {"a": "b"}, "properties": {"x": "y".repeat(500_000)}});
    let second = admin.put(&machine(&scope, "second"), &large).await;
    second.refused(503, "ServerBusy");
    told_to_come_back(&second);
    assert_eq!(admin.put(&machine(&scope, "small"), &json!({"location": "local"})).await.status, 200);
    // The first is finished: what was begun is not taken from it.
    let body = format!("{{\"location\":\"local\"{}}}", " ".repeat(800_000 - 700_000 - 20));
    first.write_all(body.as_bytes()).await.unwrap();
    let mut start = [0_u8; 12];
    let _ = first.read_exact(&mut start).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&start), "HTTP/1.1 200");
}

#[tokio::test]
async fn a_principal_has_so_many_event_streams() {
    let server = start(&["--max-streams-per-principal", "2"]).await;
    let admin = server.admin().await;
    let open = async |api: &Api| {
        api.request(reqwest::Method::GET, "/providers/Microsoft.Bowline/events").send().await.unwrap()
    };
    let (one, two) = (open(&admin).await, open(&admin).await);
    assert_eq!((one.status().as_u16(), two.status().as_u16()), (200, 200));
    // A stream that were opened would not end by itself.
    let third =
        admin.request(reqwest::Method::GET, "/providers/Microsoft.Bowline/events").timeout(seconds(20));
    let third = Api::exchange(third).await.expect("the third is refused at once");
    third.refused(429, "TooManyRequests");
    told_to_come_back(&third);
    drop(one);
    until("a closed one makes room", seconds(20), async || {
        let again = open(&admin).await;
        (again.status() == 200).then_some(())
    })
    .await;
    assert!(two.bytes_stream().next().await.is_some_and(|part| part.is_ok()), "the others go on");
}

#[tokio::test]
async fn a_page_of_large_documents_ends_early_and_misses_nothing() {
    let server = start(&[]).await;
    let admin = server.admin().await;
    let scope = group(&admin, "g").await;
    // Six of 3.5 MiB are more than a page may hold.
    for number in 0..6 {
        let id = machine(&scope, &format!("large-{number}"));
        let large = json!({"location": "local", "properties": {"mssqlDiscovered": "x".repeat(3_500_000)}});
        let made = admin.put(&id, &large).await;
        assert_eq!(made.status, 200, "{}", made.text.chars().take(300).collect::<String>());
    }
    let mut next =
        Some(format!("{scope}/providers/Microsoft.HybridCompute/machines?api-version=2026-07-15&$top=1000"));
    let (mut pages, mut names) = (0, Vec::new());
    while let Some(link) = next {
        let answer = admin.get(&link).await;
        assert!(answer.text.len() < 24 << 20, "{}", answer.text.len());
        let page: Value = answer.expect(200);
        names
            .extend(page["value"].as_array().unwrap().iter().map(|m| m["name"].as_str().unwrap().to_owned()));
        next = page["nextLink"].as_str().map(str::to_owned);
        pages += 1;
    }
    assert_eq!(names, (0..6).map(|number| format!("large-{number}")).collect::<Vec<_>>());
    assert!(pages > 1, "one page would be too large");
}
