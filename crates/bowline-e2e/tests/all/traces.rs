//! The server's own traces: nothing without a collector; with one, real OTLP in which a client's trace goes on.

use std::sync::{Arc, Mutex};

use bowline_e2e::api::Api;
use bowline_e2e::server::{Options, Server, group};
use bowline_e2e::wait::{seconds, until};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Attribute;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use reqwest::Method;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

/// Takes OTLP over HTTP and keeps it.
struct Collector {
    port: u16,
    taken: Arc<Mutex<Vec<ExportTraceServiceRequest>>>,
}

impl Collector {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let taken = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&taken);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, Arc::clone(&kept)));
            }
        });
        Self { port, taken }
    }

    fn spans(&self) -> Vec<Span> {
        let taken = self.taken.lock().unwrap();
        let scopes = taken.iter().flat_map(|request| &request.resource_spans).flat_map(|r| &r.scope_spans);
        scopes.flat_map(|scope| scope.spans.clone()).collect()
    }
}

async fn answer(stream: TcpStream, kept: Arc<Mutex<Vec<ExportTraceServiceRequest>>>) {
    let mut stream = BufReader::new(stream);
    loop {
        let (mut head, mut line) = (Vec::new(), String::new());
        while stream.read_line(&mut line).await.is_ok_and(|read| read > 0) && line != "\r\n" {
            head.push(std::mem::take(&mut line).trim().to_ascii_lowercase());
        }
        let Some(first) = head.first() else { return };
        assert!(first.starts_with("post /v1/traces "), "{first}");
        assert!(head.contains(&"content-type: application/x-protobuf".to_owned()), "{head:?}");
        let length = head.iter().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        let mut body = vec![0; length.expect("the body has a length")];
        let _ = stream.read_exact(&mut body).await.unwrap();
        kept.lock().unwrap().push(ExportTraceServiceRequest::decode(body.as_slice()).unwrap());
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn attribute(span: &Span, name: &str) -> Option<Attribute> {
    span.attributes.iter().find(|one| one.key == name)?.value.clone()?.value
}

async fn put_with_a_trace(admin: &Api, id: &str) {
    let request = admin.request(Method::PUT, id).header("traceparent", format!("00-{TRACE}-{PARENT}-01"));
    let answer = Api::send(request.json(&serde_json::json!({"location": "local", "tags": {"a": "b"}}))).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[tokio::test]
async fn a_clients_trace_goes_on_in_the_servers_spans() {
    let collector = Collector::start().await;
    let endpoint = format!("http://127.0.0.1:{}", collector.port);
    let extra = ["--otlp-endpoint", &endpoint, "--log-format", "json"].map(str::to_owned).to_vec();
    let mut server = Server::start(Options { extra, ..Options::default() }).await;
    let admin = server.admin().await;
    let id = group(&admin, "g").await;
    put_with_a_trace(&admin, &id).await;
    admin.get(&id.replace("/g", "/missing")).await.refused(404, "ResourceGroupNotFound");
    // What is not sent yet goes when the server stops.
    server.stop().await;
    let span = until("the request's span", seconds(20), async || {
        collector.spans().into_iter().find(|span| hex(&span.trace_id) == TRACE && span.name == "PUT arm")
    })
    .await;
    assert_eq!(
        (hex(&span.parent_span_id), span.kind),
        (PARENT.to_owned(), 2),
        "a child of the caller's, of a server"
    );
    assert_eq!(attribute(&span, "http.response.status_code"), Some(Attribute::IntValue(200)));
    assert_eq!(attribute(&span, "url.path"), Some(Attribute::StringValue(id.clone())));
    let kind = Attribute::StringValue("Microsoft.Resources/resourceGroups".to_owned());
    assert_eq!(attribute(&span, "bowline.resource_type"), Some(kind));
    let spans = collector.spans();
    let commit = spans.iter().find(|s| s.name == "commit" && s.parent_span_id == span.span_id);
    assert!(commit.is_some_and(|commit| hex(&commit.trace_id) == TRACE), "{spans:?}");
    let own =
        spans.iter().find(|s| attribute(s, "http.response.status_code") == Some(Attribute::IntValue(404)));
    assert!(
        own.is_some_and(|s| s.parent_span_id.is_empty() && hex(&s.trace_id) != TRACE),
        "a trace of its own"
    );
    let first = collector.taken.lock().unwrap()[0].resource_spans[0].resource.clone().unwrap();
    let service =
        first.attributes.iter().find(|one| one.key == "service.name").and_then(|one| one.value.clone());
    assert_eq!(service.unwrap().value, Some(Attribute::StringValue("bowline-server".to_owned())));
    let log = std::fs::read_to_string(server.log()).unwrap();
    assert!(
        log.lines().any(|line| line.contains(TRACE) && line.contains("\"answered\"")),
        "the log names the trace"
    );
}

#[tokio::test]
async fn without_a_collector_the_log_names_the_trace_and_nothing_is_sent() {
    let server = Server::usual().await;
    let admin = server.admin().await;
    put_with_a_trace(&admin, &group(&admin, "g").await).await;
    until("the trace in the log", seconds(10), async || {
        std::fs::read_to_string(server.log()).ok().filter(|log| log.contains(&format!("trace_id={TRACE}")))
    })
    .await;
}

#[tokio::test]
async fn a_collector_that_is_away_harms_nobody() {
    let gone = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap().port()
    };
    let extra = vec!["--otlp-endpoint".to_owned(), format!("http://127.0.0.1:{gone}")];
    let mut server = Server::start(Options { extra, ..Options::default() }).await;
    let admin = server.admin().await;
    put_with_a_trace(&admin, &group(&admin, "g").await).await;
    server.stop().await;
}
