//! Sign-in through another issuer: authorization code with PKCE, state and nonce there (OpenID Connect Core 1.0 §3.1), a user of ours here.
//!
//! A person is known by the issuer and its `sub`, never by a name or an address: those change hands. The first sign-in makes the user, if that is
//! allowed; a name that somebody else has already is refused, and an administrator may link the two (`properties.upstreamIssuer` and
//! `upstreamSubject` of the user). At each sign-in the user's upstream groups are what the issuer says; groups with `mappedFrom` turn them
//! into memberships.
//!
//! # Design notes
//! What must survive the round trip is sealed into a cookie of the browser that began it, so that a sign-in that nobody finishes costs nothing
//! here, and one that was begun elsewhere cannot be finished in this browser. Fetching is a port ([`Fetch`]): this crate opens no socket.

use std::sync::Arc;

use bowline_arm::{ApiVersion, Precondition, ResourceId};
use bowline_auth::upstream::{Discovered, ExpectedIdentity, UpstreamError, UpstreamKeys, verify_id_token};
use bowline_auth::{OAuthError, Secret, pkce, secret};
use bowline_store::Record;
use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tokio::sync::Mutex;
use uuid::Uuid;

use super::issue::user_principal;
use crate::Control;
use crate::context::OpContext;
use crate::pipeline::{self, WriteRequest};
use crate::provider::properties_of;

/// A sign-in is finished within this time.
const ROUND_TRIP: SignedDuration = SignedDuration::from_mins(10);
/// The issuer's description and keys are read again after this time, and when a token names a key that is not known.
pub(super) const KEPT: SignedDuration = SignedDuration::from_mins(60);
/// Keys that are not known are asked for at most this often.
pub(super) const REFETCH: SignedDuration = SignedDuration::from_secs(10);
/// The entry that finds a user by issuer and subject.
pub(crate) const LINK_ENTRY: &str = "upstreamUser";
/// The largest sealed state: browsers keep cookies of 4 KiB.
const MAX_SEALED: usize = 2800;
const MAX_GROUPS: usize = 1000;
const MAX_GROUP: usize = 256;

/// How this server is a client of the upstream issuer.
#[derive(Debug)]
pub struct UpstreamSettings {
    /// As it calls itself.
    pub issuer: String,
    /// Ours there.
    pub client_id: String,
    /// Ours there; none for a public client.
    pub client_secret: Option<Secret>,
    /// What is asked for, `openid` among it.
    pub scopes: String,
    /// The claim that becomes the user's name here.
    pub username_claim: String,
    /// The claim that names the person's groups.
    pub groups_claim: String,
    /// Whether the first sign-in makes a user.
    pub create_users: bool,
    /// What the button says.
    pub name: String,
}

/// Asks the upstream issuer; implemented by the server. Answers are JSON of at most 1 MiB.
pub trait Fetch: Send + Sync {
    /// GET.
    fn get<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<Value, String>>;
    /// POST of a form, with the client's name and secret in the header if there are any.
    fn post<'a>(
        &'a self,
        url: &'a str,
        form: Vec<(&'a str, String)>,
        basic: Option<(&'a str, &'a str)>,
    ) -> BoxFuture<'a, Result<Value, String>>;
}

/// The upstream issuer.
pub struct Upstream {
    settings: UpstreamSettings,
    fetch: Arc<dyn Fetch>,
    known: Mutex<Option<Known>>,
}

#[derive(Clone)]
struct Known {
    at: Timestamp,
    discovered: Discovered,
    keys: UpstreamKeys,
}

/// What a sign-in was begun for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Purpose {
    /// A code for a client: the fields of its request.
    Authorize(Vec<(String, String)>),
    /// The approval of a device, by its user code.
    Device(String),
}

#[derive(Serialize, Deserialize)]
struct Pending {
    state: String,
    nonce: String,
    verifier: String,
    until: Timestamp,
    purpose: Purpose,
}

/// Why a sign-in through the upstream issuer ended. `Display` is for the person.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    #[error("This server has no upstream sign-in.")]
    NotSetUp,
    #[error("{name} cannot be reached ({why}). Try again, or sign in with a password of this server.")]
    Unreachable { name: String, why: String },
    #[error("The answer of {name} was refused: {source}.")]
    Refused { name: String, source: UpstreamError },
    #[error("{name} did not sign you in ({why}).")]
    Denied { name: String, why: String },
    #[error(
        "This sign-in was not begun in this browser, or took longer than ten minutes. Begin again where you started."
    )]
    NotBegunHere,
    #[error(
        "The request of the program that you sign in to is too long to be kept during a sign-in elsewhere."
    )]
    TooLong,
    #[error(
        "There is no user here for you ({username}), and none is made at the first sign-in. Ask an administrator for one."
    )]
    NoUser { username: String },
    #[error(
        "The name {username} is another account's here. An administrator can link it to you, or give you another name."
    )]
    NameTaken { username: String },
    #[error(
        "{name} says nothing that could be your name here: its claim {claim:?} must hold 1 to 64 letters, digits, '-', '_', '.', '@' and '+'."
    )]
    NoName { name: String, claim: String },
    #[error(transparent)]
    OAuth(#[from] OAuthError),
    #[error("The sign-in could not be kept: {0}")]
    Store(bowline_arm::Error),
}

impl Upstream {
    /// The upstream issuer behind a way to ask it.
    #[must_use]
    pub fn new(settings: UpstreamSettings, fetch: Arc<dyn Fetch>) -> Self {
        Self { settings, fetch, known: Mutex::default() }
    }

    /// What the button says.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    fn unreachable(&self, why: String) -> SignInError {
        SignInError::Unreachable { name: self.settings.name.clone(), why }
    }

    fn refused(&self, source: UpstreamError) -> SignInError {
        SignInError::Refused { name: self.settings.name.clone(), source }
    }

    /// The issuer's description and keys, read again when they are older than `newer_than`.
    async fn known(&self, now: Timestamp, older_than: SignedDuration) -> Result<Known, SignInError> {
        let mut kept = self.known.lock().await;
        if let Some(known) = kept.as_ref().filter(|k| now < k.at + older_than) {
            return Ok(known.clone());
        }
        let issuer = &self.settings.issuer;
        let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let document = self.fetch.get(&url).await.map_err(|why| self.unreachable(why))?;
        let discovered = Discovered::read(issuer, &document).map_err(|e| self.refused(e))?;
        let jwks = self.fetch.get(&discovered.jwks_uri).await.map_err(|why| self.unreachable(why))?;
        let known = Known { at: now, discovered, keys: UpstreamKeys::read(&jwks) };
        *kept = Some(known.clone());
        Ok(known)
    }

    async fn redeem(
        &self,
        code: &str,
        pending: &Pending,
        redirect_uri: String,
        now: Timestamp,
    ) -> Result<Map<String, Value>, SignInError> {
        let known = self.known(now, KEPT).await?;
        let settings = &self.settings;
        let mut form = vec![
            ("grant_type", "authorization_code".to_owned()),
            ("code", code.to_owned()),
            ("redirect_uri", redirect_uri),
            ("code_verifier", pending.verifier.clone()),
        ];
        let secret = settings.client_secret.as_ref();
        let basic = secret
            .filter(|_| !known.discovered.secret_in_form)
            .map(|s| (settings.client_id.as_str(), s.expose()));
        if basic.is_none() {
            form.push(("client_id", settings.client_id.clone()));
            form.extend(secret.map(|s| ("client_secret", s.expose().to_owned())));
        }
        let answer = self
            .fetch
            .post(&known.discovered.token_endpoint, form, basic)
            .await
            .map_err(|why| self.unreachable(why))?;
        let Some(token) = answer["id_token"].as_str() else {
            let why = answer["error_description"]
                .as_str()
                .or(answer["error"].as_str())
                .unwrap_or("it sent no identity token");
            return Err(SignInError::Denied {
                name: settings.name.clone(),
                why: why.chars().take(300).collect(),
            });
        };
        let expected = ExpectedIdentity {
            issuer: &settings.issuer,
            client_id: &settings.client_id,
            nonce: &pending.nonce,
        };
        match verify_id_token(token, &known.keys, expected, now) {
            // It may have changed its keys since they were read.
            Err(UpstreamError::UnknownKey) => {
                let fresh = self.known(now, REFETCH).await?;
                verify_id_token(token, &fresh.keys, expected, now).map_err(|e| self.refused(e))
            }
            outcome => outcome.map_err(|e| self.refused(e)),
        }
    }
}

/// The key of the entry that finds a user by issuer and subject.
pub(crate) fn link_key(issuer: &str, subject: &str) -> String {
    secret::digest(&format!("{issuer}\n{subject}"))
}

impl Control {
    fn upstream(&self) -> Result<&Upstream, SignInError> {
        self.identity().upstream().ok_or(SignInError::NotSetUp)
    }

    fn upstream_redirect(&self) -> String {
        format!("{}/upstream/callback", self.settings().public_url)
    }

    /// Begins a sign-in: where the browser goes, and what it keeps until it comes back.
    ///
    /// # Errors
    /// When the issuer cannot be reached or the request is too long.
    pub async fn begin_upstream(
        &self,
        purpose: Purpose,
        now: Timestamp,
    ) -> Result<(String, String), SignInError> {
        let upstream = self.upstream()?;
        let known = upstream.known(now, KEPT).await?;
        let random = || Secret::generate("").expose().to_owned();
        let pending = Pending {
            state: random(),
            nonce: random(),
            verifier: random(),
            until: now + ROUND_TRIP,
            purpose,
        };
        let plain = serde_json::to_vec(&pending).map_err(|_| OAuthError::ServerError)?;
        let sealed = in_cookie(&self.seal().seal("upstream", b"", &plain));
        if sealed.len() > MAX_SEALED {
            return Err(SignInError::TooLong);
        }
        let settings = &upstream.settings;
        let mut url = url::Url::parse(&known.discovered.authorization_endpoint)
            .map_err(|_| upstream.refused(UpstreamError::Incomplete { member: "authorization_endpoint" }))?;
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &settings.client_id)
            .append_pair("redirect_uri", &self.upstream_redirect())
            .append_pair("scope", &settings.scopes)
            .append_pair("state", &pending.state)
            .append_pair("nonce", &pending.nonce)
            .append_pair("code_challenge", &pkce::challenge(&pending.verifier))
            .append_pair("code_challenge_method", "S256");
        Ok((url.into(), sealed))
    }

    /// Ends a sign-in: who came back, and what for.
    ///
    /// # Errors
    /// Why nobody is signed in.
    pub async fn finish_upstream(
        &self,
        sealed: &str,
        state: &str,
        code: Result<&str, &str>,
        now: Timestamp,
    ) -> Result<(Record, Purpose), SignInError> {
        let upstream = self.upstream()?;
        let pending = self.open_pending(sealed, now).ok_or(SignInError::NotBegunHere)?;
        if !secret::equal(state, &pending.state) {
            return Err(SignInError::NotBegunHere);
        }
        let code = code.map_err(|why| SignInError::Denied {
            name: upstream.settings.name.clone(),
            why: why.chars().take(300).collect(),
        })?;
        let claims = upstream.redeem(code, &pending, self.upstream_redirect(), now).await?;
        let user = self.upstream_user(&upstream.settings, &claims, now).await?;
        user_principal(&user)?;
        let user = self.set_upstream_groups(&upstream.settings, &user, &claims, now).await?;
        Ok((user, pending.purpose))
    }

    fn open_pending(&self, sealed: &str, now: Timestamp) -> Option<Pending> {
        use base64::Engine as _;
        let sealed = sealed.get(..MAX_SEALED.min(sealed.len()))?;
        let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let plain = self.seal().open("upstream", b"", &bytes).ok()?;
        serde_json::from_slice::<Pending>(&plain).ok().filter(|p| now < p.until)
    }

    /// The user of an identity; made at the first sign-in if that is allowed.
    async fn upstream_user(
        &self,
        settings: &UpstreamSettings,
        claims: &Map<String, Value>,
        now: Timestamp,
    ) -> Result<Record, SignInError> {
        let text = |name: &str| claims.get(name).and_then(Value::as_str).filter(|t| !t.is_empty());
        let subject = text("sub").ok_or(OAuthError::ServerError)?;
        if let Some(user) = self.linked_user(&settings.issuer, subject).await? {
            return Ok(user);
        }
        let username = text(&settings.username_claim).or_else(|| text("email")).unwrap_or(subject).to_owned();
        let shown = || username.chars().take(64).collect::<String>();
        if !settings.create_users {
            return Err(SignInError::NoUser { username: shown() });
        }
        let name = crate::graph::user_name(&username).to_owned();
        let nameless =
            || SignInError::NoName { name: settings.name.clone(), claim: settings.username_claim.clone() };
        let id = ResourceId::child(&ResourceId::root(), "Microsoft.Bowline/users", &[&name])
            .map_err(|_| nameless())?;
        let mut properties = Map::from_iter([
            ("upstreamIssuer".to_owned(), settings.issuer.clone().into()),
            ("upstreamSubject".to_owned(), subject.into()),
        ]);
        for (claim, property) in [
            ("name", "displayName"),
            ("email", "mail"),
            ("given_name", "givenName"),
            ("family_name", "surname"),
        ] {
            if let Some(value) = text(claim) {
                properties.insert(property.to_owned(), value.chars().take(256).collect::<String>().into());
            }
        }
        let version: ApiVersion = "2026-11-01".parse().expect("the literal is an api-version");
        let precondition = Precondition::parse(None, Some("*"));
        let request = WriteRequest { id, version, body: json!({ "properties": properties }), precondition };
        match pipeline::put(self, &OpContext::system("upstream-sign-in", now), request).await {
            Ok(_) => {}
            Err(error) if error.code == "InvalidResourceName" => return Err(nameless()),
            // Somebody has the name; it may be this person, who signed in a moment before.
            Err(error) if error.status == 412 => {}
            Err(error) => return Err(SignInError::Store(error)),
        }
        self.linked_user(&settings.issuer, subject)
            .await?
            .ok_or_else(|| SignInError::NameTaken { username: shown() })
    }

    async fn linked_user(&self, issuer: &str, subject: &str) -> Result<Option<Record>, SignInError> {
        let failed = |e: &bowline_store::StoreError| SignInError::OAuth(super::unavailable(e));
        let entry =
            self.store().entry(LINK_ENTRY, &link_key(issuer, subject)).await.map_err(|e| failed(&e))?;
        let object_id: Option<Uuid> = entry.and_then(|e| serde_json::from_slice(&e.data).ok());
        let Some(object_id) = object_id else { return Ok(None) };
        let record = self.store().get_by_principal(object_id).await.map_err(|e| failed(&e))?;
        Ok(record.filter(|r| r.resource_type == "microsoft.bowline/users"))
    }

    /// The groups are what the issuer says now; a sign-in that changes nothing writes nothing.
    async fn set_upstream_groups(
        &self,
        settings: &UpstreamSettings,
        user: &Record,
        claims: &Map<String, Value>,
        now: Timestamp,
    ) -> Result<Record, SignInError> {
        let mut groups: Vec<String> = match claims.get(&settings.groups_claim) {
            Some(Value::String(one)) => vec![one.clone()],
            Some(Value::Array(many)) => many.iter().filter_map(|v| v.as_str().map(str::to_owned)).collect(),
            _ => Vec::new(),
        };
        groups.retain(|group| (1..=MAX_GROUP).contains(&group.len()));
        groups.sort_unstable();
        groups.dedup();
        if groups.len() > MAX_GROUPS || claims.get("hasgroups").is_some() {
            tracing::warn!(user = %user.key, groups = groups.len(), "the upstream issuer names more groups than a token carries; some are not taken");
            groups.truncate(MAX_GROUPS);
        }
        let change = |document: &mut Value| {
            let properties = properties_of(document);
            let before = properties.get("upstreamGroups").cloned().unwrap_or_else(|| json!([]));
            let after = json!(groups);
            let changed = before != after;
            if changed {
                properties.insert("upstreamGroups".to_owned(), after);
            }
            changed
        };
        let context = OpContext::system("upstream-sign-in", now);
        pipeline::update_status_told(self, &context, (&user.key, user.uid), "write", &change)
            .await
            .map_err(SignInError::Store)
    }
}

fn in_cookie(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

/// Proves for a few minutes that a user signed in upstream to approve one device.
#[derive(Serialize, Deserialize)]
struct Ticket {
    object_id: Uuid,
    user_code: String,
    until: Timestamp,
}

impl Control {
    /// What the page that asks for the approval of a device carries: the user's name, and the proof.
    ///
    /// # Errors
    /// When the user is disabled.
    pub fn device_ticket(
        &self,
        user: &Record,
        user_code: &str,
        now: Timestamp,
    ) -> Result<(String, String), OAuthError> {
        let principal = user_principal(user)?;
        let ticket = Ticket {
            object_id: principal.object_id,
            user_code: user_code.to_owned(),
            until: now + ROUND_TRIP,
        };
        let plain = serde_json::to_vec(&ticket).map_err(|_| OAuthError::ServerError)?;
        let name = principal.username.or(principal.name).unwrap_or_default();
        Ok((name, in_cookie(&self.seal().seal("device-ticket", b"", &plain))))
    }

    /// The user of a ticket, which is for this device alone.
    ///
    /// # Errors
    /// `WrongPassword` when it is none, is for another device or has ended: the page then asks anew.
    pub async fn ticket_user(
        &self,
        ticket: &str,
        user_code: &str,
        now: Timestamp,
    ) -> Result<Record, OAuthError> {
        use base64::Engine as _;
        let opened = ticket
            .get(..MAX_SEALED.min(ticket.len()))
            .and_then(|text| base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).ok())
            .and_then(|bytes| self.seal().open("device-ticket", b"", &bytes).ok())
            .and_then(|plain| serde_json::from_slice::<Ticket>(&plain).ok());
        let ticket =
            opened.filter(|t| now < t.until && t.user_code == user_code).ok_or(OAuthError::WrongPassword)?;
        let record =
            self.store().get_by_principal(ticket.object_id).await.map_err(|e| super::unavailable(&e))?;
        let user = record
            .filter(|r| r.resource_type == "microsoft.bowline/users")
            .ok_or(OAuthError::DisabledAccount)?;
        user_principal(&user).map(|_| user)
    }
}
