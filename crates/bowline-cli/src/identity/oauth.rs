//! The OAuth 2.0 requests of `docs/reference/wire.md` section 1, seen from the client.

use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::client::{Body, Client, Reply, refused};
use crate::config::credentials::{Credential, Principal, public_url, renewal};
use crate::failure::{Failure, Kind, Result};
use jiff::{SignedDuration, Timestamp};

/// The public client id of the command; the `az` command uses the same.
const CLIENT_ID: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";

/// The server as an issuer of tokens.
#[derive(Clone, Debug)]
pub(crate) struct Issuer {
    pub(crate) issuer: String,
    pub(crate) tenant_id: String,
}

/// What the token endpoint gave.
pub(crate) struct Tokens {
    access: String,
    refresh: Option<String>,
    lifetime: SignedDuration,
}

/// A code for a person to type on the server's page.
pub(crate) struct DeviceCode {
    pub(crate) user_code: String,
    pub(crate) verification_uri: String,
    pub(crate) expires_in: Duration,
    device_code: String,
    interval: Duration,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").field("lifetime", &self.lifetime).finish_non_exhaustive()
    }
}

impl Issuer {
    /// Asks the server who it is. This is also the first contact: an untrusted certificate shows here.
    pub(crate) async fn discover(client: &Client) -> Result<Self> {
        let url = client.on_server("/organizations/v2.0/.well-known/openid-configuration")?;
        let reply = client.send(Method::GET, url, None, &[], &Body::None).await?;
        let issuer = reply.body.get("issuer").and_then(Value::as_str).unwrap_or_default();
        let tenant =
            issuer.strip_suffix("/v2.0").and_then(|rest| rest.rsplit('/').next()).unwrap_or_default();
        if !reply.status.is_success() || uuid::Uuid::parse_str(tenant).is_err() {
            let at = client.server.as_str().trim_end_matches('/');
            return Err(Failure::new(Kind::Unreachable, format!("{at} does not answer as a Bowline server"))
                .why(format!("its sign-in document came with status {} and no issuer", reply.status))
                .next("check the address: bowline login --server https://HOST:PORT"));
        }
        Ok(Self { issuer: issuer.to_owned(), tenant_id: tenant.to_owned() })
    }

    /// Starts the device flow (RFC 8628).
    pub(crate) async fn device_code(&self, client: &Client) -> Result<DeviceCode> {
        let form = vec![("client_id", CLIENT_ID.to_owned()), ("scope", self.user_scope())];
        let reply = self.post(client, "oauth2/v2.0/devicecode", form).await?;
        if !reply.status.is_success() {
            return Err(oauth_failure(&reply, "the server did not start a sign-in"));
        }
        let text = |name: &str| reply.body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let seconds = |name: &str| reply.body.get(name).and_then(Value::as_u64);
        Ok(DeviceCode {
            user_code: text("user_code"),
            verification_uri: text("verification_uri"),
            device_code: text("device_code"),
            expires_in: Duration::from_secs(seconds("expires_in").unwrap_or(900).min(3600)),
            interval: Duration::from_secs(seconds("interval").unwrap_or(5).clamp(1, 60)),
        })
    }

    /// Approves a device code with a password: what the page does when a person types.
    pub(crate) async fn approve(
        &self,
        client: &Client,
        code: &DeviceCode,
        username: &str,
        password: &str,
    ) -> Result<()> {
        let form = vec![
            ("user_code", code.user_code.clone()),
            ("username", username.to_owned()),
            ("password", password.to_owned()),
            ("action", "approve".to_owned()),
        ];
        let accept = [("accept", "application/json".to_owned())];
        let reply =
            client.send(Method::POST, client.on_server("/device")?, None, &accept, &Body::Form(form)).await?;
        if reply.status.is_success() {
            return Ok(());
        }
        if !reply.status.is_client_error() {
            return Err(refused(&reply));
        }
        let text = |name: &str| reply.body.get(name).and_then(Value::as_str);
        let why = text("error_description").unwrap_or("the server does not take this user name and password");
        let why = why.to_owned();
        let failure = Failure::new(Kind::Forbidden, format!("{username} could not be signed in")).why(why);
        Err(match reply.status {
            StatusCode::TOO_MANY_REQUESTS => failure.code("TooManyAttempts").next("wait a few minutes, then try again"),
            _ => failure
                .code("SignInRefused")
                .next("check user name and password; the first administrator's password is shown when the server first starts"),
        })
    }

    /// Polls until the person has approved (RFC 8628 section 3.4), as slowly as the server asks.
    pub(crate) async fn await_approval(
        &self,
        client: &Client,
        code: &DeviceCode,
        at_once: bool,
    ) -> Result<Tokens> {
        let mut interval = code.interval;
        let end = tokio::time::Instant::now() + code.expires_in;
        let mut wait = if at_once { Duration::ZERO } else { interval };
        loop {
            tokio::time::sleep(wait).await;
            let form = vec![
                ("grant_type", "urn:ietf:params:oauth:grant-type:device_code".to_owned()),
                ("client_id", CLIENT_ID.to_owned()),
                ("device_code", code.device_code.clone()),
            ];
            let reply = self.post(client, "oauth2/v2.0/token", form).await?;
            match reply.body.get("error").and_then(Value::as_str) {
                None if reply.status.is_success() => return tokens(&reply),
                Some("authorization_pending") => {}
                Some("slow_down") => interval += Duration::from_secs(5),
                Some("access_denied" | "authorization_declined") => {
                    return Err(
                        oauth_failure(&reply, "the sign-in was refused on the page").next("bowline login")
                    );
                }
                Some("expired_token") => return Err(expired()),
                _ => return Err(oauth_failure(&reply, "the sign-in failed").next("bowline login")),
            }
            wait = interval;
            if tokio::time::Instant::now() + wait > end {
                return Err(expired());
            }
        }
    }

    /// A new access token for a user.
    pub(crate) async fn refresh(&self, client: &Client, refresh_token: &str) -> Result<Tokens> {
        let form = vec![
            ("grant_type", "refresh_token".to_owned()),
            ("client_id", CLIENT_ID.to_owned()),
            ("refresh_token", refresh_token.to_owned()),
            ("scope", self.user_scope()),
        ];
        let reply = self.post(client, "oauth2/v2.0/token", form).await?;
        if reply.status.is_success() {
            return tokens(&reply);
        }
        Err(oauth_failure(&reply, "your sign-in has ended").next("bowline login"))
    }

    /// Ends a sign-in at the server (RFC 7009).
    pub(crate) async fn revoke(&self, client: &Client, refresh_token: &str) -> Result<()> {
        let form = vec![("client_id", CLIENT_ID.to_owned()), ("token", refresh_token.to_owned())];
        let reply = self.post(client, "oauth2/v2.0/revoke", form).await?;
        match reply.status.is_success() {
            true => Ok(()),
            false => Err(oauth_failure(&reply, "the sign-in could not be ended at the server")),
        }
    }

    /// A token for a service principal, by secret or by assertion.
    pub(crate) async fn client_credentials(
        &self,
        client: &Client,
        client_id: &str,
        proof: Proof<'_>,
    ) -> Result<Tokens> {
        let mut form = vec![
            ("grant_type", "client_credentials".to_owned()),
            ("client_id", client_id.to_owned()),
            ("scope", self.scope()),
        ];
        match proof {
            Proof::Secret(secret) => form.push(("client_secret", secret.to_owned())),
            Proof::Assertion(assertion) => {
                let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
                form.push(("client_assertion_type", kind.to_owned()));
                form.push(("client_assertion", assertion));
            }
        }
        let reply = self.post(client, "oauth2/v2.0/token", form).await?;
        if reply.status.is_success() {
            return tokens(&reply);
        }
        Err(oauth_failure(&reply, &format!("the service principal {client_id} could not be signed in"))
            .next("check the client id, and that its secret or key is still valid"))
    }

    /// Whom tokens are for: the server by the name it has for itself, whatever the address it was reached under.
    fn scope(&self) -> String {
        format!("{}/.default", public_url(&self.issuer, &self.tenant_id))
    }

    fn user_scope(&self) -> String {
        format!("{} offline_access openid profile", self.scope())
    }

    async fn post(&self, client: &Client, path: &str, form: Vec<(&'static str, String)>) -> Result<Reply> {
        let url = client.on_server(&format!("/{}/{path}", self.tenant_id))?;
        client.send(Method::POST, url, None, &[], &Body::Form(form)).await
    }
}

/// How a service principal proves itself.
pub(crate) enum Proof<'a> {
    Secret(&'a str),
    Assertion(String),
}

impl Tokens {
    /// The credential that these tokens make; a refresh token that was not replaced goes on.
    pub(crate) fn into_credential(self, issuer: &Issuer, principal: Principal, now: Timestamp) -> Credential {
        let claims = claims(&self.access);
        let claim = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (expires_on, renew_from) = renewal(now, self.lifetime);
        let principal = match (principal, self.refresh) {
            (Principal::User { .. }, Some(refresh)) => Principal::User { refresh_token: Some(refresh) },
            (principal, _) => principal,
        };
        Credential {
            tenant_id: issuer.tenant_id.clone(),
            issuer: issuer.issuer.clone(),
            object_id: claim("oid"),
            name: claim("name"),
            username: claim("preferred_username"),
            principal,
            access_token: self.access,
            expires_on,
            renew_from,
        }
    }
}

/// What the token says of its owner. It is ours and came over TLS; the server verifies it at each use.
fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap_or_default();
    BASE64_URL_SAFE_NO_PAD
        .decode(payload)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default()
}

fn tokens(reply: &Reply) -> Result<Tokens> {
    let text = |name: &str| reply.body.get(name).and_then(Value::as_str).map(str::to_owned);
    let Some(access) = text("access_token") else {
        return Err(Failure::new(Kind::Service, "the server's sign-in answer holds no token"));
    };
    let lifetime = reply.body.get("expires_in").and_then(Value::as_i64).unwrap_or(0).clamp(0, 86_400);
    Ok(Tokens { access, refresh: text("refresh_token"), lifetime: SignedDuration::from_secs(lifetime) })
}

fn expired() -> Failure {
    Failure::new(Kind::Forbidden, "nobody approved the sign-in in time")
        .code("DeviceCodeExpired")
        .why("the code is valid for a few minutes only")
        .next("bowline login")
}

/// An OAuth refusal; the description is a sentence for people.
fn oauth_failure(reply: &Reply, what: &str) -> Failure {
    let text = |name: &str| reply.body.get(name).and_then(Value::as_str).unwrap_or_default();
    let (code, description) = (text("error"), text("error_description"));
    if code.is_empty() {
        return refused(reply);
    }
    let kind = if reply.status.is_server_error() { Kind::Service } else { Kind::Forbidden };
    Failure::new(kind, what).code(code).why(description.lines().next().unwrap_or_default())
}
