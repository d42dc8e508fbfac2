//! What went wrong, in the user's words: connections that fail, and answers that refuse.

use std::error::Error;
use std::io::ErrorKind;

use reqwest::StatusCode;
use serde_json::{Value, json};
use url::Url;

use super::{Reply, chain};
use crate::failure::{Failure, Kind};
use crate::tls;

/// An answer as JSON; text that is not JSON (a proxy's page) is kept under `text`.
pub(super) fn read_body(bytes: &[u8]) -> Value {
    if bytes.is_empty() {
        return Value::Null;
    }
    match serde_json::from_slice(bytes) {
        Ok(Value::String(text)) => json!({"text": text}),
        Ok(value) => value,
        Err(_) => json!({"text": String::from_utf8_lossy(bytes).chars().take(8000).collect::<String>()}),
    }
}

/// An answer with a refusing status.
pub(crate) fn refused(reply: &Reply) -> Failure {
    let error = reply.body.get("error").filter(|error| error.is_object());
    let text = |name: &str| error.and_then(|e| e.get(name)).and_then(Value::as_str).unwrap_or_default();
    let (code, message) = (text("code").to_owned(), text("message").to_owned());
    let status = reply.status;
    let what = if message.is_empty() { format!("the server answered {status}") } else { message };
    let mut failure = Failure::new(kind_of(status), what);
    if !code.is_empty() {
        failure = failure.code(&code);
    }
    for detail in
        error.and_then(|e| e.get("details")).and_then(Value::as_array).into_iter().flatten().take(20)
    {
        failure = failure.why(detail.get("message").and_then(Value::as_str).unwrap_or_default());
    }
    if let (None, Some(text)) = (error, reply.body.get("text").and_then(Value::as_str)) {
        let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
        return failure
            .why(format!("it is not an answer of Bowline, perhaps of a proxy: {line}"))
            .next("check the address (bowline config list), HTTPS_PROXY and NO_PROXY, and any load balancer before the server");
    }
    if status.is_server_error() || status == StatusCode::BAD_REQUEST && code.is_empty() {
        failure = failure.why(correlation(reply));
    }
    hints(failure, status, &code)
}

fn kind_of(status: StatusCode) -> Kind {
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Kind::Forbidden,
        StatusCode::NOT_FOUND | StatusCode::GONE => Kind::NotFound,
        StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED => Kind::Conflict,
        _ => Kind::Service,
    }
}

/// The number under which the server's log has the request.
fn correlation(reply: &Reply) -> String {
    let id = reply.header("x-ms-correlation-request-id").or_else(|| reply.header("x-ms-request-id"));
    id.map(|id| format!("the server's log has it under correlation id {id}")).unwrap_or_default()
}

/// What to try, by the code, else by the status.
fn hints(failure: Failure, status: StatusCode, code: &str) -> Failure {
    match code {
        "ResourceGroupNotFound" => failure.next("bowline group list").next("bowline group create --name GROUP"),
        "SubscriptionNotFound" => {
            failure.next("bowline subscription list").next("bowline config set subscription ID")
        }
        "ResourceNotFound" => failure.next("bowline resource list"),
        "AuthorizationFailed" | "LinkedAuthorizationFailed" => failure.next(
            "ask an Owner of that scope for a role: bowline role assignment create --assignee YOU --role ROLE --scope SCOPE",
        ),
        _ => match status {
            StatusCode::UNAUTHORIZED => failure.next("bowline login"),
            StatusCode::FORBIDDEN => failure.next("bowline whoami   (shows who you are signed in as)"),
            StatusCode::PRECONDITION_FAILED => failure.next("somebody changed it meanwhile: look at it, then run the command again"),
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                failure.next("the server is busy: wait a minute and run the command again")
            }
            status if status.is_server_error() => failure.next("look at the server's log"),
            _ => failure,
        },
    }
}

/// Why no answer came.
pub(super) async fn unreachable(server: &Url, error: &reqwest::Error) -> Failure {
    let at = server.as_str().trim_end_matches('/');
    if let Some(reason) = certificate_error(error) {
        return untrusted(server, at, &reason).await;
    }
    let failure = Failure::new(Kind::Unreachable, format!("the server at {at} cannot be reached"));
    if error.is_timeout() {
        return failure
            .why("it did not answer in time")
            .next("check the address, and that nothing between here and there drops the connection");
    }
    match io_error(error) {
        Some(ErrorKind::ConnectionRefused) => failure
            .why("nothing listens there (connection refused)")
            .next("start it: bowline-server serve --data-dir DIR")
            .next("or name the right one: bowline login --server https://HOST:PORT"),
        _ => failure
            .why(chain(error.source().unwrap_or(error)))
            .next("check the address (bowline config list), the network, and HTTPS_PROXY and NO_PROXY"),
    }
}

async fn untrusted(server: &Url, at: &str, reason: &rustls::Error) -> Failure {
    let seen = tls::presented_certificates(server).await;
    let mut failure = Failure::new(Kind::Unreachable, format!("the certificate of {at} is not trusted"))
        .code("CertificateNotTrusted")
        .why(certificate_reason(reason));
    for (number, fingerprint) in seen.iter().enumerate() {
        let which = if number == 0 { "its certificate" } else { "signed by" };
        failure = failure.why(format!("{which} has the SHA-256 fingerprint {fingerprint}"));
    }
    failure
        .next("copy the file ca.crt from the server's data directory over a way you trust, then:")
        .next(format!("bowline login --server {at} --ca-file ca.crt"))
}

fn certificate_reason(reason: &rustls::Error) -> String {
    use rustls::CertificateError as C;
    let rustls::Error::InvalidCertificate(error) = reason else { return reason.to_string() };
    match error {
        C::UnknownIssuer => "it was issued by an authority that this computer does not know".to_owned(),
        C::Expired | C::ExpiredContext { .. } => {
            "it has expired (or this computer's clock is wrong)".to_owned()
        }
        C::NotValidYet | C::NotValidYetContext { .. } => {
            "it is not valid yet (or this computer's clock is wrong)".to_owned()
        }
        C::BadSignature => "it was not issued by the authority that is trusted for this server".to_owned(),
        C::NotValidForName | C::NotValidForNameContext { .. } => {
            "it was issued for another host name".to_owned()
        }
        other => other.to_string(),
    }
}

fn certificate_error(error: &reqwest::Error) -> Option<rustls::Error> {
    causes(error).find_map(|cause| {
        let found = cause.downcast_ref::<rustls::Error>();
        found.filter(|tls| matches!(tls, rustls::Error::InvalidCertificate(_))).cloned()
    })
}

fn io_error(error: &reqwest::Error) -> Option<ErrorKind> {
    causes(error).filter_map(|cause| cause.downcast_ref::<std::io::Error>()).map(std::io::Error::kind).last()
}

/// The error and all below it. An IO error hides what it carries from `source`, so it is asked for it.
fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    std::iter::from_fn(move || {
        let cause = next?;
        let carried = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        next = carried.map(|inner| inner as &(dyn Error + 'static)).or_else(|| cause.source());
        Some(cause)
    })
}
