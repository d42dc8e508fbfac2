//! What agents ask beside their session: reports, the next key, who they are (wire.md §2).

use std::io::Read as _;
use std::sync::Arc;

use axum::extract::{Request, State as Shared};
use axum::response::{IntoResponse, Response};
use bowline_arm::Error;
use bowline_control::context::{ActorKind, OpContext};
use bowline_control::inventory::TakeError;
use bowline_control::observed::{TakeOrError, observe};
use bowline_control::providers::expires;
use bowline_link::observed::{MAX_UNPACKED_BYTES, MAX_WIRE_BYTES, ObservedBatch, ResyncRequired};
use bowline_link::wire::{RotateKeyAnswer, RotateKeyRequest, SelfAnswer};
use bowline_store::Record;
use http::request::Parts;
use http::{StatusCode, header};
use jiff::Timestamp;
use serde_json::Value;

use super::State;
use super::arm::json_response;
use super::body::read_body;
use super::context::{authenticate, challenge};

/// An agent's request: its context, its resource, and until when its token holds.
pub struct Agent {
    /// The operation.
    pub context: OpContext,
    /// The agent's resource.
    pub record: Record,
    /// When the token expires.
    pub until: Timestamp,
}

/// Proves that an agent asks, and reads its resource.
///
/// # Errors
/// 401 or 403.
pub async fn agent(state: &State, parts: &Parts) -> Result<Agent, Error> {
    let (context, until) = authenticate(state, parts).await?;
    if context.actor.kind != ActorKind::ManagedIdentity {
        return Err(Error::new(
            403,
            "NotAnAgent",
            "Only the identity of a connected resource may do this; agents get theirs by a client assertion.",
        ));
    }
    let record = state
        .control
        .store()
        .get_by_principal(context.actor.object_id)
        .await
        .map_err(|e| {
            Error::unavailable("The database cannot be read right now. Try again.", 2).with_context(e)
        })?
        .ok_or_else(|| {
            Error::unauthenticated("The resource of this identity was deleted. Connect it again.")
        })?;
    Ok(Agent { context, record, until })
}

/// `GET /agents/v1/self`.
pub async fn own(Shared(state): Shared<Arc<State>>, request: Request) -> Response {
    let answer = async {
        let (parts, _) = request.into_parts();
        let Agent { context, record, .. } = agent(&state, &parts).await?;
        let document: Value = serde_json::from_str(&record.document).map_err(Error::internal)?;
        let answer = SelfAnswer {
            id: record.id.clone(),
            uid: record.uid,
            principal_id: context.actor.object_id.to_string(),
            key_expires_on: expires(&document).unwrap_or(context.now),
            epoch: state.control.store().watch().borrow().epoch,
        };
        serde_json::to_value(answer).map_err(Error::internal)
    };
    respond(&state, answer.await)
}

/// `POST /agents/v1/rotateKey`.
pub async fn rotate_key(Shared(state): Shared<Arc<State>>, request: Request) -> Response {
    let answer = async {
        let (parts, body) = request.into_parts();
        let Agent { context, record, .. } = agent(&state, &parts).await?;
        let bytes = read_body(&parts.headers, body, 64 << 10).await?;
        let body: RotateKeyRequest = serde_json::from_slice(&bytes).map_err(|e| {
            Error::bad_request("InvalidRequestContent", format!("The body is not understood: {e}."))
        })?;
        let (expires_on, renew_from) =
            state.control.rotate_agent_key(&context, &record, &body.public_key).await?;
        serde_json::to_value(RotateKeyAnswer { expires_on, renew_from }).map_err(Error::internal)
    };
    respond(&state, answer.await)
}

fn respond(state: &State, answer: Result<Value, Error>) -> Response {
    match answer {
        Ok(value) => json_response(StatusCode::OK, &value),
        Err(error) => challenge(state, error),
    }
}

/// `POST /agents/v1/observed`.
pub async fn observed(Shared(state): Shared<Arc<State>>, request: Request) -> Response {
    match take(&state, request).await {
        Ok(acknowledged) => {
            json_response(StatusCode::OK, &serde_json::json!({ "acknowledged": acknowledged }))
        }
        Err(TakeOrError::Take(TakeError::Resync { expected })) => {
            let body = serde_json::to_string(&ResyncRequired::new(expected)).unwrap_or_default();
            (StatusCode::CONFLICT, [(header::CONTENT_TYPE, "application/json")], body).into_response()
        }
        Err(TakeOrError::Take(error)) => challenge(
            &state,
            Error::unavailable("The report could not be kept; send it again.", 2).with_context(error),
        ),
        Err(TakeOrError::Arm(error)) => challenge(&state, error),
    }
}

async fn take(state: &State, request: Request) -> Result<u64, TakeOrError> {
    let (parts, body) = request.into_parts();
    let Agent { context, record, .. } = agent(state, &parts).await?;
    let packed = match parts.headers.get(header::CONTENT_ENCODING).map(|v| v.as_bytes()) {
        None | Some(b"identity") => false,
        Some(b"zstd") => true,
        Some(_) => {
            return Err(
                Error::new(415, "UnsupportedMediaType", "Content-Encoding must be zstd or none.").into()
            );
        }
    };
    let bytes = read_body(&parts.headers, body, MAX_WIRE_BYTES).await?;
    let batch = if packed { decode_packed(&bytes)? } else { decode(&bytes)? };
    observe(&state.control, &context, &record, &batch).await
}

fn decode(bytes: &[u8]) -> Result<ObservedBatch, Error> {
    serde_json::from_slice(bytes).map_err(|e| {
        Error::bad_request("InvalidRequestContent", format!("The batch is not understood: {e}."))
    })
}

/// Unpacks no more than the documented limit, whatever the frame claims.
fn decode_packed(bytes: &[u8]) -> Result<ObservedBatch, Error> {
    let broken = |e: std::io::Error| {
        Error::bad_request("InvalidRequestContent", format!("The batch cannot be unpacked: {e}."))
    };
    let mut plain = Vec::new();
    let decoder = zstd::stream::read::Decoder::new(bytes).map_err(broken)?;
    decoder.take(MAX_UNPACKED_BYTES as u64 + 1).read_to_end(&mut plain).map_err(broken)?;
    if plain.len() > MAX_UNPACKED_BYTES {
        return Err(Error::new(
            413,
            "RequestEntityTooLarge",
            format!("The batch unpacks to more than {} MiB; send smaller ones.", MAX_UNPACKED_BYTES >> 20),
        ));
    }
    decode(&plain)
}
