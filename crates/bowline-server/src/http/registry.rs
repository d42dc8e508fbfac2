//! `/v2/…`: the pull half of the OCI distribution specification 1.1, anonymous and read only.
//!
//! What is served holds no secret: a chart and an image that anyone may build. Who pulls is therefore not asked, so that a
//! cluster needs no pull secret. Errors have the specification's own shape.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Request, State as Shared};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio_util::io::ReaderStream;

use super::State;
use crate::registry::{Content, IMAGE, Repository, Source};

/// `GET /v2/`: this is a registry.
pub async fn base() -> Response {
    with_version((StatusCode::OK, [(header::CONTENT_TYPE, "application/json")], "{}").into_response())
}

/// What a path below `/v2/` asks for.
#[derive(Debug, PartialEq, Eq)]
enum Asked<'a> {
    Manifest { name: &'a str, reference: &'a str },
    Blob { name: &'a str, digest: &'a str },
    Tags { name: &'a str },
}

impl<'a> Asked<'a> {
    fn parse(path: &'a str) -> Option<Self> {
        if let Some(name) = path.strip_suffix("/tags/list") {
            return Some(Self::Tags { name });
        }
        let (rest, last) = path.rsplit_once('/')?;
        let (name, kind) = rest.rsplit_once('/')?;
        match kind {
            "manifests" => Some(Self::Manifest { name, reference: last }),
            "blobs" => Some(Self::Blob { name, digest: last }),
            _ => None,
        }
    }

    fn name(&self) -> &'a str {
        match self {
            Self::Manifest { name, .. } | Self::Blob { name, .. } | Self::Tags { name } => name,
        }
    }
}

/// GET and HEAD below `/v2/`.
pub async fn get(Shared(state): Shared<Arc<State>>, Path(path): Path<String>, request: Request) -> Response {
    with_version(answer(&state, &path, request.headers()).await)
}

/// Everything but GET and HEAD: nothing can be pushed.
pub async fn refuse() -> Response {
    with_version(error(
        StatusCode::METHOD_NOT_ALLOWED,
        "UNSUPPORTED",
        "This registry is read only: it serves what the server was built with.",
    ))
}

async fn answer(state: &State, path: &str, headers: &HeaderMap) -> Response {
    let Some(asked) = Asked::parse(path) else {
        return error(
            StatusCode::NOT_FOUND,
            "NAME_INVALID",
            "The path is none of /v2/{name}/manifests/{reference}, /v2/{name}/blobs/{digest} and /v2/{name}/tags/list.",
        );
    };
    let Some(repository) = state.registry.find(asked.name()) else {
        return unknown_repository(state, asked.name());
    };
    match asked {
        Asked::Tags { name } => tags(name, repository),
        Asked::Manifest { name, reference } => manifest(name, reference, repository),
        Asked::Blob { digest, .. } => match repository.blob(digest) {
            Some(content) => blob(digest, content, headers).await,
            None => error(StatusCode::NOT_FOUND, "BLOB_UNKNOWN", &format!("There is no blob {digest} here.")),
        },
    }
}

fn tags(name: &str, repository: &Repository) -> Response {
    let body = json!({"name": name, "tags": repository.tags().collect::<Vec<_>>()}).to_string();
    (StatusCode::OK, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

fn manifest(name: &str, reference: &str, repository: &Repository) -> Response {
    let Some((digest, content)) = repository.manifest(reference) else {
        let tags: Vec<_> = repository.tags().collect();
        return error(
            StatusCode::NOT_FOUND,
            "MANIFEST_UNKNOWN",
            &format!("{name} has no '{reference}'; its tags are: {}.", tags.join(", ")),
        );
    };
    let Source::Bytes(bytes) = &content.source else {
        unreachable!("manifests are read into memory at the start")
    };
    let mut response = bytes.clone().into_response();
    describe(response.headers_mut(), digest, &content.media_type, content.size);
    response
}

async fn blob(digest: &str, content: &Content, headers: &HeaderMap) -> Response {
    let range = match headers.get(header::RANGE).map(|range| parse_range(range, content.size)) {
        Some(None) => {
            return error(StatusCode::RANGE_NOT_SATISFIABLE, "RANGE_INVALID", "The range cannot be served.");
        }
        Some(Some(range)) => Some(range),
        None => None,
    };
    let (first, last) = range.unwrap_or((0, content.size.saturating_sub(1)));
    let length = if content.size == 0 { 0 } else { last - first + 1 };
    let body = match &content.source {
        Source::Bytes(bytes) => {
            let (from, length) = (usize::try_from(first), usize::try_from(length));
            let (Ok(from), Ok(length)) = (from, length) else {
                unreachable!("what is in memory fits into memory")
            };
            Body::from(bytes.slice(from..from + length))
        }
        Source::File(path) => match open_at(path, first).await {
            Ok(file) => Body::from_stream(ReaderStream::new(file.take(length))),
            Err(cause) => {
                tracing::error!(path = %path.display(), error = %cause, "a layer of the agent's image cannot be read");
                return error(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "UNKNOWN",
                    "The layer cannot be read; the server's log says why.",
                );
            }
        },
    };
    let mut response = Response::new(body);
    describe(response.headers_mut(), digest, &content.media_type, length);
    response.headers_mut().insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if range.is_some() {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        set(response.headers_mut(), header::CONTENT_RANGE, &format!("bytes {first}-{last}/{}", content.size));
    }
    response
}

async fn open_at(path: &std::path::Path, offset: u64) -> std::io::Result<tokio::fs::File> {
    let mut file = tokio::fs::File::open(path).await?;
    file.seek(std::io::SeekFrom::Start(offset)).await?;
    Ok(file)
}

/// `bytes=FIRST-[LAST]`: the one form that pulling clients send.
fn parse_range(range: &HeaderValue, size: u64) -> Option<(u64, u64)> {
    let (first, last) = range.to_str().ok()?.strip_prefix("bytes=")?.split_once('-')?;
    let first: u64 = first.parse().ok()?;
    let last = if last.is_empty() {
        size.checked_sub(1)?
    } else {
        last.parse::<u64>().ok()?.min(size.checked_sub(1)?)
    };
    (first <= last).then_some((first, last))
}

fn describe(headers: &mut HeaderMap, digest: &str, media_type: &str, length: u64) {
    set(headers, header::CONTENT_TYPE, media_type);
    set(headers, header::CONTENT_LENGTH, &length.to_string());
    set(headers, header::ETAG, &format!("\"{digest}\""));
    set(headers, http::HeaderName::from_static("docker-content-digest"), digest);
}

fn set(headers: &mut HeaderMap, name: http::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

fn unknown_repository(state: &State, name: &str) -> Response {
    let message = if name == IMAGE && !state.registry.has_image() {
        "This server was started without the agent's image: build it with `cargo xtask image` and start the server with --agent-image FOLDER."
            .to_owned()
    } else {
        let names: Vec<_> = state.registry.names().collect();
        format!("There is no repository '{name}' here; there are: {}.", names.join(", "))
    };
    error(StatusCode::NOT_FOUND, "NAME_UNKNOWN", &message)
}

fn error(status: StatusCode, code: &str, message: &str) -> Response {
    let body = json!({"errors": [{"code": code, "message": message}]}).to_string();
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

fn with_version(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert("docker-distribution-api-version", HeaderValue::from_static("registry/2.0"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_hold_slashes() {
        assert_eq!(
            Asked::parse("v2/azure-arc-k8sagents/manifests/1.101.0"),
            Some(Asked::Manifest { name: "v2/azure-arc-k8sagents", reference: "1.101.0" })
        );
        assert_eq!(Asked::parse("a/b/tags/list"), Some(Asked::Tags { name: "a/b" }));
        assert_eq!(Asked::parse("a/blobs/sha256:0"), Some(Asked::Blob { name: "a", digest: "sha256:0" }));
        assert_eq!(Asked::parse("a/uploads/x"), None);
        assert_eq!(Asked::parse("a"), None);
    }

    #[test]
    fn ranges_are_cut_to_what_is_there() {
        let parse = |text: &'static str, size| parse_range(&HeaderValue::from_static(text), size);
        assert_eq!(parse("bytes=0-", 10), Some((0, 9)));
        assert_eq!(parse("bytes=4-100", 10), Some((4, 9)));
        assert_eq!(parse("bytes=10-", 10), None);
        assert_eq!(parse("bytes=0-", 0), None);
        assert_eq!(parse("bytes=-5", 10), None);
        assert_eq!(parse("items=0-1", 10), None);
    }
}
