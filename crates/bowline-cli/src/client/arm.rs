//! ARM as a signed-in caller: api-versions, pages, long-running operations.

use std::collections::HashSet;
use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::Value;
use tokio::time::Instant;
use url::Url;

use super::{Body, Client, Reply, refused};
use crate::failure::{Failure, Kind, Result};
use crate::identity::Session;

/// How long an operation is followed. It goes on without us.
const OPERATION_LIMIT: Duration = Duration::from_secs(30 * 60);
/// Polls come this often when the server does not say.
const DEFAULT_POLL: Duration = Duration::from_secs(2);
/// A list has at most so many pages.
const MAX_PAGES: usize = 10_000;

/// Whether to stay until an operation is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    Done,
    No,
}

/// What a DELETE found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deletion {
    Deleted,
    /// Accepted; the server goes on.
    Started,
    /// There was nothing.
    Absent,
}

/// The server, as the signed-in caller.
pub(crate) struct Arm {
    pub(crate) client: Client,
    pub(crate) session: Session,
}

impl Arm {
    pub(crate) async fn get(&self, path: &str, version: &str) -> Result<Value> {
        let reply = self.call(Method::GET, self.url(path, version, &[])?, &[], &Body::None).await?;
        expect_success(reply).map(|reply| reply.body)
    }

    /// One page of a list, as it came.
    pub(crate) async fn page(&self, path: &str, version: &str, query: &[(&str, &str)]) -> Result<Value> {
        let reply = self.call(Method::GET, self.url(path, version, query)?, &[], &Body::None).await?;
        expect_success(reply).map(|reply| reply.body)
    }

    /// The resource, or none when it does not exist.
    pub(crate) async fn find(&self, path: &str, version: &str) -> Result<Option<Value>> {
        match self.get(path, version).await {
            Ok(found) => Ok(Some(found)),
            Err(failure) if failure.kind == Kind::NotFound => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Creates or replaces, stays until it is done, and returns what the server then has.
    pub(crate) async fn put(&self, path: &str, version: &str, body: Value) -> Result<Value> {
        self.put_with(path, version, body, &[]).await
    }

    /// The same with headers of its own.
    pub(crate) async fn put_with(
        &self,
        path: &str,
        version: &str,
        body: Value,
        headers: &[(&'static str, String)],
    ) -> Result<Value> {
        let url = self.url(path, version, &[])?;
        let reply = expect_success(self.call(Method::PUT, url.clone(), headers, &Body::Json(body)).await?)?;
        if self.follow(&reply, Some(&url)).await? {
            return self.get(path, version).await;
        }
        Ok(reply.body)
    }

    /// Changes members of a resource (RFC 7396), and returns what the server then has.
    pub(crate) async fn patch(&self, path: &str, version: &str, body: Value) -> Result<Value> {
        let reply = self.call(Method::PATCH, self.url(path, version, &[])?, &[], &Body::Json(body)).await?;
        expect_success(reply).map(|reply| reply.body)
    }

    pub(crate) async fn post(&self, path: &str, version: &str, body: Value) -> Result<Value> {
        let reply = self.call(Method::POST, self.url(path, version, &[])?, &[], &Body::Json(body)).await?;
        expect_success(reply).map(|reply| reply.body)
    }

    /// Deletes. A 204 answers both "deleted" and "there was nothing", so what is there is looked at first.
    pub(crate) async fn delete(&self, path: &str, version: &str, wait: Wait) -> Result<Deletion> {
        let url = self.url(path, version, &[])?;
        let before = self.call(Method::GET, url.clone(), &[], &Body::None).await?;
        let absent = before.status == StatusCode::NOT_FOUND && !group_is_missing(&before);
        let reply = self.call(Method::DELETE, url, &[], &Body::None).await?;
        if absent && matches!(reply.status, StatusCode::NO_CONTENT | StatusCode::NOT_FOUND) {
            return Ok(Deletion::Absent);
        }
        let reply = expect_success(reply)?;
        if reply.status == StatusCode::ACCEPTED && wait == Wait::No {
            return Ok(Deletion::Started);
        }
        self.follow(&reply, None).await?;
        Ok(Deletion::Deleted)
    }

    /// Every item of a list, over all its pages.
    pub(crate) async fn list(&self, path: &str, version: &str, query: &[(&str, &str)]) -> Result<Vec<Value>> {
        self.list_up_to(path, version, query, usize::MAX).await
    }

    /// The items of a list until there are so many.
    pub(crate) async fn list_up_to(
        &self,
        path: &str,
        version: &str,
        query: &[(&str, &str)],
        limit: usize,
    ) -> Result<Vec<Value>> {
        let mut url = self.url(path, version, query)?;
        let (mut items, mut seen) = (Vec::new(), HashSet::new());
        loop {
            let mut page = expect_success(self.call(Method::GET, url.clone(), &[], &Body::None).await?)?.body;
            if let Some(Value::Array(more)) = page.get_mut("value").map(Value::take) {
                items.extend(more);
            }
            let next = page.get("nextLink").and_then(Value::as_str).filter(|link| !link.is_empty());
            let Some(next) = next.filter(|_| items.len() < limit) else {
                items.truncate(limit);
                return Ok(items);
            };
            if !seen.insert(next.to_owned()) || seen.len() > MAX_PAGES {
                return Err(Failure::new(Kind::Service, "the server's list does not end")
                    .why("a page led back to one that was read, or there are more than 10,000"));
            }
            url = self.client.on_server(next)?;
        }
    }

    fn url(&self, path: &str, version: &str, query: &[(&str, &str)]) -> Result<Url> {
        let mut url = self.client.on_server(path)?;
        url.query_pairs_mut().extend_pairs(query).append_pair("api-version", version);
        Ok(url)
    }

    /// One request with the caller's token; a token that the server no longer takes is renewed once.
    async fn call(
        &self,
        method: Method,
        url: Url,
        headers: &[(&'static str, String)],
        body: &Body,
    ) -> Result<Reply> {
        let token = self.session.access_token(&self.client).await?;
        let reply = self.client.send(method.clone(), url.clone(), Some(&token.secret), headers, body).await?;
        if reply.status != StatusCode::UNAUTHORIZED {
            return Ok(reply);
        }
        let token = self.session.renew_after_refusal(&self.client, &token).await?;
        self.client.send(method, url, Some(&token.secret), headers, body).await
    }

    /// Follows an operation to its end; false when there was none to follow.
    async fn follow(&self, reply: &Reply, resource: Option<&Url>) -> Result<bool> {
        let poll = match (reply.header("azure-asyncoperation"), reply.header("location"), resource) {
            (Some(link), _, _) => self.client.on_server(link)?,
            (None, Some(link), _) if reply.status == StatusCode::ACCEPTED => self.client.on_server(link)?,
            (None, _, Some(resource)) if state(&reply.body).is_some_and(|s| !is_terminal(s)) => {
                resource.clone()
            }
            _ => return Ok(false),
        };
        let end = Instant::now() + OPERATION_LIMIT;
        let mut delay = reply.retry_after().unwrap_or(DEFAULT_POLL);
        while Instant::now() < end {
            tokio::time::sleep(delay.max(Duration::from_millis(100))).await;
            let poll = self.call(Method::GET, poll.clone(), &[], &Body::None).await?;
            delay = poll.retry_after().unwrap_or(DEFAULT_POLL);
            if poll.status == StatusCode::ACCEPTED {
                continue;
            }
            let poll = expect_success(poll)?;
            match state(&poll.body) {
                Some("Succeeded") | None => return Ok(true),
                Some(ended) if is_terminal(ended) => return Err(ended_badly(ended, &poll)),
                Some(_) => {}
            }
        }
        Err(Failure::new(Kind::Service, "the operation was not done within 30 minutes")
            .code("OperationTimedOut")
            .why("it goes on at the server")
            .next("look again later with the show command"))
    }
}

/// The state of an operation, or of a resource that is its own operation.
fn state(body: &Value) -> Option<&str> {
    body.get("status").or_else(|| body.pointer("/properties/provisioningState")).and_then(Value::as_str)
}

fn is_terminal(state: &str) -> bool {
    ["Succeeded", "Failed", "Canceled"].contains(&state)
}

fn ended_badly(state: &str, poll: &Reply) -> Failure {
    let text =
        |name: &str| poll.body.pointer(&format!("/error/{name}")).and_then(Value::as_str).unwrap_or_default();
    let message = text("message");
    let what =
        if message.is_empty() { format!("the operation ended as {state}") } else { message.to_owned() };
    let failure = Failure::new(Kind::Service, what);
    let code = text("code");
    if code.is_empty() { failure } else { failure.code(code) }
}

/// A missing group or subscription is worth saying, a missing resource is what DELETE is for.
fn group_is_missing(reply: &Reply) -> bool {
    let code = reply.body.pointer("/error/code").and_then(Value::as_str);
    matches!(code, Some("ResourceGroupNotFound" | "SubscriptionNotFound"))
}

fn expect_success(reply: Reply) -> Result<Reply> {
    if reply.status.is_success() { Ok(reply) } else { Err(refused(&reply)) }
}
