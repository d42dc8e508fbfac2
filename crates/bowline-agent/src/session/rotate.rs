//! The key's life: it is replaced from half of it on, and at first contact when it came from outside.
//!
//! The order makes every crash harmless: the next key is written, then registered, then promoted. The server accepts the
//! old one until the first assertion with the new one arrives, and registering the same key twice changes nothing.

use std::{sync::Arc, time::Duration};

use bowline_link::{
    backoff::Backoff,
    wire::{self, RotateKeyAnswer, RotateKeyRequest, SelfAnswer},
};
use jiff::Timestamp;
use reqwest::Method;
use tokio::sync::watch;

use super::{
    client::RequestError,
    status::StatusBoard,
    token::{Bearer, TokenError},
    watch::Uplink,
};
use crate::{
    clock,
    home::{Home, HomeError},
    key::{AgentKey, KeyError},
};

/// How often the agent asks the server when its key lapses.
const LOOK_EVERY: Duration = Duration::from_secs(24 * 3600);

/// Why the key could not be looked after.
#[derive(Debug, thiserror::Error)]
enum RotateError {
    #[error(transparent)]
    Home(#[from] HomeError),
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error(transparent)]
    Request(#[from] RequestError),
}

/// Looks after the key while there is a session. Never returns unless the session's side is gone.
pub(super) async fn keep_key_fresh(
    home: Arc<dyn Home>,
    mut uplink: watch::Receiver<Option<Uplink>>,
    status: StatusBoard,
) {
    let mut backoff = Backoff::new(Duration::from_secs(5), Duration::from_secs(3600));
    loop {
        let link = match uplink.wait_for(Option::is_some).await {
            Ok(link) => link.clone().expect("wait_for returned because there is one"),
            Err(_) => return,
        };
        let wait = match look(&link, home.as_ref(), &status).await {
            Ok(renew_from) => {
                backoff.reset();
                let until = renew_from.duration_since(link.client.server_now());
                Duration::try_from(until).unwrap_or_default().min(LOOK_EVERY)
            }
            Err(error) => {
                let wait = backoff.next(clock::random(), None);
                tracing::warn!(%error, again_in = clock::seconds(wait), "the key could not be looked after");
                status.failed(format!("the key could not be looked after: {error}"));
                wait
            }
        };
        // At least a second, so that a server which hands out lapsed keys is not asked in a loop.
        tokio::time::sleep(wait.max(Duration::from_secs(1))).await;
    }
}

/// Replaces the key if it is time. Says when it will be.
async fn look(link: &Uplink, home: &dyn Home, status: &StatusBoard) -> Result<Timestamp, RotateError> {
    let bearer = link.tokens.bearer().await?;
    let request = link.client.request(Method::GET, wire::SELF_PATH).bearer_auth(bearer.secret());
    let me: SelfAnswer = link.client.call_json(request).await?;
    let now = link.client.server_now();
    let own_kind = match home.key().await? {
        Some(key) => AgentKey::from_pem(&key)?.is_own_kind(),
        None => return Err(TokenError::NoKey.into()),
    };
    let Some(enrolment) = home.enrolment().await? else { return Err(TokenError::NoKey.into()) };
    let renew_from = match enrolment.key_renew_from {
        Some(renew_from) if enrolment.key_expires_on == Some(me.key_expires_on) => renew_from,
        // A key seen for the first time was registered just now.
        _ => {
            let renew_from = now + me.key_expires_on.duration_since(now) / 2;
            note(home, status, me.key_expires_on, renew_from).await?;
            renew_from
        }
    };
    if own_kind && now < renew_from {
        note_status(status, me.key_expires_on, renew_from);
        return Ok(renew_from);
    }
    let answer = rotate(link, home, &bearer).await?;
    note(home, status, answer.expires_on, answer.renew_from).await?;
    tracing::info!(expires_on = %answer.expires_on, "the key was replaced");
    Ok(answer.renew_from)
}

async fn rotate(link: &Uplink, home: &dyn Home, bearer: &Bearer) -> Result<RotateKeyAnswer, RotateError> {
    let next = match home.next_key().await? {
        Some(pem) => AgentKey::from_pem(&pem)?,
        None => {
            let (key, pem) = AgentKey::generate();
            home.write_next_key(&pem).await?;
            key
        }
    };
    let body = RotateKeyRequest { public_key: next.public_key() };
    let request =
        link.client.request(Method::POST, wire::ROTATE_KEY_PATH).bearer_auth(bearer.secret()).json(&body);
    let answer = link.client.call_json(request).await?;
    home.promote_next_key().await?;
    // The first assertion with the new key tells the server that the old one is no longer needed.
    link.tokens.forget().await;
    link.tokens.bearer().await?;
    Ok(answer)
}

async fn note(
    home: &dyn Home,
    status: &StatusBoard,
    expires_on: Timestamp,
    renew_from: Timestamp,
) -> Result<(), HomeError> {
    note_status(status, expires_on, renew_from);
    let Some(mut enrolment) = home.enrolment().await? else { return Ok(()) };
    enrolment.key_expires_on = Some(expires_on);
    enrolment.key_renew_from = Some(renew_from);
    home.write_enrolment(&enrolment).await
}

fn note_status(status: &StatusBoard, expires_on: Timestamp, renew_from: Timestamp) {
    status.update(|status| {
        status.key_expires_on = Some(expires_on);
        status.key_renew_from = Some(renew_from);
    });
}
