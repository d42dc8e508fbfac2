//! The server's own traces: W3C Trace Context taken in and passed on, and OTLP export where the operator names a collector.
//!
//! # Design notes
//! - Without a collector this costs the look for one header; the trace id that a client sent is in the log lines all the same.
//! - Spans leave on a thread of the SDK, in batches, through an HTTP client of this server on its own runtime: no second client is compiled, and
//!   a collector that is slow or away loses spans and delays nobody.
//! - What is sampled and which headers go along are the standard's own settings (`OTEL_TRACES_SAMPLER`, `OTEL_EXPORTER_OTLP_HEADERS`, …).

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use axum::response::Response;
use http::{HeaderMap, HeaderValue};
use opentelemetry::trace::{
    SpanContext, SpanId, Status, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{Bytes, HttpClient, HttpError};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::runtime::Handle;
use tracing::Span;
use tracing::field::display;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// How long a collector may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The longest `tracestate` that is passed on (the standard asks for 512 at least).
const MAX_STATE: usize = 1024;

/// Whether spans leave this process.
static EXPORTING: AtomicBool = AtomicBool::new(false);

tokio::task_local! {
    /// Who sent the request on that this task works for.
    static INCOMING: Option<Parent>;
}

/// Who sent a request on (W3C Trace Context).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parent {
    trace: u128,
    span: u64,
    flags: u8,
    state: Option<HeaderValue>,
}

impl Parent {
    /// What the headers of a request say; nothing when they are not well-formed.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let parent = Self::parse(headers.get("traceparent")?.to_str().ok()?)?;
        let state = headers.get("tracestate").filter(|state| state.len() <= MAX_STATE).cloned();
        Some(Self { state, ..parent })
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let mut part = |length: usize| {
            let hexadecimal = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
            parts.next().filter(|part| part.len() == length && part.bytes().all(hexadecimal))
        };
        let (version, trace, span, flags) = (part(2)?, part(32)?, part(16)?, part(2)?);
        // Later versions may say more at the end.
        if version == "ff" || (version == "00" && parts.next().is_some()) {
            return None;
        }
        let parent = Self {
            trace: u128::from_str_radix(trace, 16).ok()?,
            span: u64::from_str_radix(span, 16).ok()?,
            flags: u8::from_str_radix(flags, 16).ok()?,
            state: None,
        };
        (parent.trace != 0 && parent.span != 0).then_some(parent)
    }

    fn context(&self) -> SpanContext {
        let state = self.state.as_ref().and_then(|state| state.to_str().ok()?.parse::<TraceState>().ok());
        SpanContext::new(
            TraceId::from(self.trace),
            SpanId::from(self.span),
            TraceFlags::new(self.flags),
            true,
            state.unwrap_or_default(),
        )
    }
}

fn header(trace: u128, span: u64, flags: u8) -> String {
    format!("00-{trace:032x}-{span:016x}-{flags:02x}")
}

/// The span that this task works in, when spans leave this process.
fn own() -> Option<SpanContext> {
    let exporting = EXPORTING.load(Ordering::Relaxed);
    let own = exporting.then(|| Span::current().context().span().span_context().clone());
    own.filter(SpanContext::is_valid)
}

/// Does the work of a request, and remembers who sent it.
pub async fn within<F: Future>(parent: Option<Parent>, work: F) -> F::Output {
    INCOMING.scope(parent, work).await
}

/// What a request of this server to somebody else says, when it is made for a request that belongs to a trace.
#[must_use]
pub fn outgoing() -> HeaderMap {
    let mut headers = HeaderMap::new();
    let mut set = |name: &'static str, value: Option<HeaderValue>| {
        if let Some(value) = value {
            headers.insert(name, value);
        }
    };
    let incoming = INCOMING.try_with(Clone::clone).ok().flatten();
    let text = match (own(), &incoming) {
        (Some(own), _) => {
            let span = u64::from_be_bytes(own.span_id().to_bytes());
            let trace = u128::from_be_bytes(own.trace_id().to_bytes());
            header(trace, span, own.trace_flags().to_u8())
        }
        (None, Some(parent)) => header(parent.trace, parent.span, parent.flags),
        (None, None) => return headers,
    };
    set("traceparent", HeaderValue::try_from(text).ok());
    set("tracestate", incoming.and_then(|parent| parent.state));
    headers
}

/// Makes the span of a request a part of the trace that it belongs to.
pub fn begin(span: &Span, parent: Option<&Parent>, method: &'static str, route: &'static str, path: &str) {
    if let Some(parent) = parent {
        span.record("trace_id", display(format_args!("{:032x}", parent.trace)));
    }
    if !EXPORTING.load(Ordering::Relaxed) {
        return;
    }
    if let Some(parent) = parent {
        // It fails only for a span that has begun, and this one has not.
        let _ = span.set_parent(Context::new().with_remote_span_context(parent.context()));
    }
    span.record("otel.name", display(format_args!("{method} {route}")));
    span.record("otel.kind", "server");
    span.set_attribute("http.request.method", method);
    span.set_attribute("http.route", route);
    span.set_attribute("url.path", path.to_owned());
    if parent.is_none() {
        let trace = span.context().span().span_context().trace_id();
        span.record("trace_id", display(trace));
    }
}

/// What the span of a request says when it is answered.
pub fn end(span: &Span, response: &Response, resource_type: &'static str) {
    if !EXPORTING.load(Ordering::Relaxed) {
        return;
    }
    let status = response.status();
    span.set_attribute("http.response.status_code", i64::from(status.as_u16()));
    span.set_attribute("bowline.resource_type", resource_type);
    if status.is_server_error() {
        span.set_attribute("error.type", status.as_str().to_owned());
        span.set_status(Status::error(""));
    }
}

/// Sends spans to a collector from now on; they are lost unless the provider is shut down at the end.
///
/// # Errors
/// When the endpoint is not understood.
pub fn open(endpoint: &str) -> anyhow::Result<SdkTracerProvider> {
    let url = url::Url::parse(endpoint)
        .with_context(|| format!("the OTLP endpoint '{endpoint}' is not understood"))?;
    anyhow::ensure!(
        matches!(url.scheme(), "http" | "https"),
        "the OTLP endpoint '{endpoint}' must be http://… or https://…: traces are sent as http/protobuf"
    );
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(TIMEOUT)
        .build()
        .context("the client for the collector cannot be made")?;
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Sender { client, runtime: Handle::current() })
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
        .build()
        .context("the export of traces cannot be set up")?;
    let resource = Resource::builder()
        .with_service_name("bowline-server")
        .with_attributes([
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("service.instance.id", bowline_auth::random::guid().to_string()),
        ])
        .build();
    EXPORTING.store(true, Ordering::Relaxed);
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build())
}

/// Sends the last spans; a collector that is away does not hold up the end of the server.
pub async fn close(provider: SdkTracerProvider) {
    let flushed = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(Duration::from_secs(3)));
    if let Ok(Err(error)) = flushed.await {
        tracing::warn!(%error, "the last spans did not reach the collector");
    }
}

#[derive(Debug)]
struct Sender {
    client: reqwest::Client,
    runtime: Handle,
}

#[async_trait]
impl HttpClient for Sender {
    async fn send_bytes(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, HttpError> {
        let client = self.client.clone();
        // The SDK waits on a thread that knows no runtime.
        let sent = self.runtime.spawn(async move {
            let (parts, body) = request.into_parts();
            let sending =
                client.request(parts.method, parts.uri.to_string()).headers(parts.headers).body(body);
            let response = sending.send().await?;
            let mut answer = http::Response::new(Bytes::new());
            *answer.status_mut() = response.status();
            *answer.headers_mut() = response.headers().clone();
            Ok::<_, reqwest::Error>(answer)
        });
        Ok(sent.await??)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn only_what_is_well_formed_is_taken() {
        let parsed = Parent::parse(GOOD).unwrap();
        assert_eq!(header(parsed.trace, parsed.span, parsed.flags), GOOD);
        assert!(Parent::parse(&GOOD.replacen("00", "cc", 1)).is_some(), "a later version");
        assert!(Parent::parse(&format!("{}-more", GOOD.replacen("00", "cc", 1))).is_some());
        for bad in [
            "",
            "00",
            &GOOD[..54],
            &format!("{GOOD}-more"),
            &GOOD.replacen("00", "ff", 1),
            &GOOD.to_uppercase(),
            &GOOD.replace("00f067aa0ba902b7", "0000000000000000"),
            &GOOD.replace("4bf92f3577b34da6a3ce929d0e0e4736", "00000000000000000000000000000000"),
        ] {
            assert_eq!(Parent::parse(bad), None, "{bad}");
        }
    }

    #[tokio::test]
    async fn what_came_in_is_passed_on_also_when_nothing_is_exported() {
        let mut headers = HeaderMap::new();
        assert!(within(Parent::of(&headers), async { outgoing() }).await.is_empty());
        headers.insert("traceparent", HeaderValue::from_static(GOOD));
        headers.insert("tracestate", HeaderValue::from_static("vendor=1"));
        assert_eq!(within(Parent::of(&headers), async { outgoing() }).await, headers);
        assert!(outgoing().is_empty(), "outside of a request there is nothing to pass on");
    }
}
