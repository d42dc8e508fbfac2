//! Federated identity credentials: a token of another issuer is a client's proof, when the client's identity or application trusts that issuer,
//! subject and audience (`userAssignedIdentities/federatedIdentityCredentials`, `applications/federatedIdentityCredentials`).
//!
//! # Design notes
//! *Whom this server asks.* Only the issuer of a credential that somebody with the right to write it has made, and only once issuer, subject and
//! audience of the presented token match it; strangers cannot make the server send a request anywhere. It asks over HTTPS alone, with certificates of
//! the system or of `--federation-ca-file`, follows no redirect, waits 10 s, reads 1 MiB and shows nothing of the answer; the address of the keys must
//! be https too. Private addresses are allowed on purpose: the clusters of a site are its issuers. For tokens of this server nothing is asked: its own
//! keys are at hand.
//!
//! *How often.* Keys are kept for an hour, a failure for ten seconds, of at most 64 issuers; a token with an unknown key has them read again at most every
//! ten seconds. Each issuer has a lock of its own, so that a slow one delays nobody else.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bowline_auth::OAuthError;
use bowline_auth::federation::{Presented, verify_presented};
use bowline_auth::oauth_error::AssertionPart;
use bowline_auth::upstream::{UpstreamError, UpstreamKeys, jwks_uri};
use bowline_store::List;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::unavailable;
use super::upstream::{Fetch, KEPT, REFETCH};
use crate::Control;

/// Issuers whose keys are kept at once.
const MAX_ISSUERS: usize = 64;

/// Reads the keys of other issuers.
pub struct Federation {
    fetch: Arc<dyn Fetch>,
    issuers: Mutex<HashMap<String, Arc<tokio::sync::Mutex<Option<Kept>>>>>,
}

struct Kept {
    at: Timestamp,
    keys: Result<UpstreamKeys, String>,
}

impl Federation {
    /// Over a way to ask.
    #[must_use]
    pub fn new(fetch: Arc<dyn Fetch>) -> Self {
        Self { fetch, issuers: Mutex::default() }
    }

    /// The place of an issuer's keys; one that nobody uses right now makes room.
    fn place(&self, issuer: &str) -> Arc<tokio::sync::Mutex<Option<Kept>>> {
        let mut issuers = self.issuers.lock().unwrap_or_else(PoisonError::into_inner);
        if issuers.len() >= MAX_ISSUERS && !issuers.contains_key(issuer) {
            let idle =
                issuers.iter().find(|(_, place)| Arc::strong_count(place) == 1).map(|(name, _)| name.clone());
            if let Some(idle) = idle {
                issuers.remove(&idle);
            }
        }
        Arc::clone(issuers.entry(issuer.to_owned()).or_default())
    }

    /// An issuer's keys, read again when they are older than `older_than`.
    async fn keys(
        &self,
        issuer: &str,
        now: Timestamp,
        older_than: SignedDuration,
    ) -> Result<UpstreamKeys, String> {
        let place = self.place(issuer);
        let mut kept = place.lock().await;
        if let Some(known) = &*kept {
            let holds = if known.keys.is_ok() { older_than } else { REFETCH };
            if now < known.at + holds {
                return known.keys.clone();
            }
        }
        let keys = self.read(issuer).await;
        *kept = Some(Kept { at: now, keys: keys.clone() });
        keys
    }

    async fn read(&self, issuer: &str) -> Result<UpstreamKeys, String> {
        let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let document = self.fetch.get(&url).await?;
        let uri = jwks_uri(issuer, &document).map_err(|error| error.to_string())?;
        Ok(UpstreamKeys::read(&self.fetch.get(&uri).await?))
    }
}

impl Control {
    /// Proves a client by a token of another issuer; `holder` is the key of the identity or application whose credentials count.
    pub(super) async fn prove_federated(
        &self,
        holder: Option<&str>,
        client_id: &str,
        assertion: &str,
        presented: &Presented,
        now: Timestamp,
    ) -> Result<(), OAuthError> {
        let credentials = self.federated_credentials(holder).await?;
        require_match(&credentials, client_id, presented)?;
        let issuer = &presented.issuer;
        let verify = |keys: &UpstreamKeys| verify_presented(assertion, keys, now);
        let refused = |source| OAuthError::ForeignAssertion { issuer: issuer.clone(), source };
        if *issuer == self.identity().issuer().url {
            return verify(&UpstreamKeys::read(&self.identity().keys().jwks(now))).map_err(refused);
        }
        let unreadable = |why: String| OAuthError::ForeignIssuer { issuer: issuer.clone(), why };
        let federation = self.identity().federation().ok_or(OAuthError::ServerError)?;
        match verify(&federation.keys(issuer, now, KEPT).await.map_err(unreadable)?) {
            // It may have changed its keys since they were read.
            Err(UpstreamError::UnknownKey) => {
                verify(&federation.keys(issuer, now, REFETCH).await.map_err(unreadable)?).map_err(refused)
            }
            outcome => outcome.map_err(refused),
        }
    }

    async fn federated_credentials(&self, holder: Option<&str>) -> Result<Vec<Value>, OAuthError> {
        let Some(holder) = holder else { return Ok(Vec::new()) };
        let list = List { parent: Some(holder.to_owned()), limit: 100, ..List::default() };
        let children = self.store().list(&list).await.map_err(|e| unavailable(&e))?;
        let ours = children.iter().filter(|r| r.resource_type.ends_with("/federatedidentitycredentials"));
        Ok(ours.filter_map(|r| serde_json::from_str(&r.document).ok()).collect())
    }
}

/// Says which of the three does not match, as far as the others do.
fn require_match(credentials: &[Value], client_id: &str, presented: &Presented) -> Result<(), OAuthError> {
    let short = |text: &str| text.chars().take(256).collect::<String>();
    let client_id = client_id.to_owned();
    if credentials.is_empty() {
        return Err(OAuthError::NoFederatedCredential { client_id, issuer: short(&presented.issuer) });
    }
    let none = |part, found: &str| OAuthError::NoMatchingCredential {
        client_id: client_id.clone(),
        part,
        found: short(found),
    };
    let mut left: Vec<&Value> = credentials.iter().map(|c| &c["properties"]).collect();
    left.retain(|c| c["issuer"] == *presented.issuer);
    if left.is_empty() {
        return Err(none(AssertionPart::Issuer, &presented.issuer));
    }
    left.retain(|c| c["subject"] == *presented.subject);
    if left.is_empty() {
        return Err(none(AssertionPart::Subject, &presented.subject));
    }
    let named = |c: &&Value| {
        let audiences = c["audiences"].as_array().into_iter().flatten();
        audiences.filter_map(Value::as_str).any(|a| presented.audiences.iter().any(|p| p == a))
    };
    if !left.iter().any(named) {
        return Err(none(AssertionPart::Audience, &presented.audiences.join(", ")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::FutureExt as _;
    use futures::future::BoxFuture;
    use serde_json::json;

    use super::*;

    /// Answers for every issuer but those with "closed" in their name, and counts.
    #[derive(Default)]
    struct Counted(AtomicUsize);

    impl Fetch for Counted {
        fn get<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<Value, String>> {
            self.0.fetch_add(1, Ordering::SeqCst);
            let issuer = url.trim_end_matches("/.well-known/openid-configuration");
            let answer = json!({"issuer": issuer, "jwks_uri": format!("{issuer}/keys"), "keys": []});
            async move { if url.contains("closed") { Err("no connection".to_owned()) } else { Ok(answer) } }
                .boxed()
        }

        fn post<'a>(
            &'a self,
            _url: &'a str,
            _form: Vec<(&'a str, String)>,
            _basic: Option<(&'a str, &'a str)>,
        ) -> BoxFuture<'a, Result<Value, String>> {
            async { Err("nobody posts here".to_owned()) }.boxed()
        }
    }

    #[tokio::test]
    async fn keys_are_kept_for_an_hour_a_failure_for_seconds_and_of_few_issuers() {
        let fetch = Arc::new(Counted::default());
        let federation = Federation::new(Arc::<Counted>::clone(&fetch));
        let now: Timestamp = "2026-11-01T12:00:00Z".parse().unwrap();
        let asked = || fetch.0.swap(0, Ordering::SeqCst);
        let read = async |issuer: &str, seconds: i64, older_than| {
            federation.keys(issuer, now + SignedDuration::from_secs(seconds), older_than).await.is_ok()
        };
        assert!(read("https://a.example", 0, KEPT).await && asked() == 2);
        assert!(read("https://a.example", 3599, KEPT).await && asked() == 0, "they are kept");
        assert!(
            read("https://a.example", 9, REFETCH).await && asked() == 0,
            "an unknown key is no reason to hurry"
        );
        assert!(read("https://a.example", 11, REFETCH).await && asked() == 2);
        assert!(read("https://a.example", 3700, KEPT).await && asked() == 2);
        assert!(!read("https://closed.example", 0, KEPT).await && asked() == 1);
        assert!(
            !read("https://closed.example", 9, KEPT).await && asked() == 0,
            "it is left alone for a while"
        );
        assert!(!read("https://closed.example", 11, KEPT).await && asked() == 1);
        for number in 0..200 {
            assert!(read(&format!("https://{number}.example"), 0, KEPT).await);
        }
        assert_eq!(federation.issuers.lock().unwrap().len(), MAX_ISSUERS);
    }
}
