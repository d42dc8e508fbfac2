//! Signing in to enrol: by device code, with a service principal's secret, or with a token that someone made before.

use std::{fmt, sync::Arc, time::Duration};

use reqwest::Method;
use serde::Deserialize;

use super::{
    client::{Client, RequestError},
    token::{Bearer, TokenAnswer},
};
use crate::clock;

/// The public client id of command-line programs; `az` uses the same.
const PUBLIC_CLIENT: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
/// The authority for callers who do not know their tenant yet.
const ANY_TENANT: &str = "organizations";

/// How the caller proves who they are. Never printed.
pub enum Credential {
    /// A person types a code at another device.
    DeviceCode,
    /// A service principal.
    Secret { client_id: String, secret: String },
    /// An access token or an enrolment token (`bwe_…`), used as it is.
    Token(String),
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DeviceCode => "DeviceCode",
            Self::Secret { .. } => "Secret(redacted)",
            Self::Token(_) => "Token(redacted)",
        })
    }
}

/// Why signing in failed.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    #[error(transparent)]
    Request(#[from] RequestError),
    #[error("the server names the issuer '{issuer}', which carries no tenant")]
    Issuer { issuer: String },
    #[error("the sign-in was denied at the other device")]
    Denied,
    #[error("the code was not typed within {minutes} min: run connect again for a new one")]
    CodeExpired { minutes: u64 },
}

/// What the server says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    pub tenant_id: String,
    pub issuer: String,
}

/// Asks the server for its tenant.
pub async fn discover(client: &Client) -> Result<Authority, SignInError> {
    #[derive(Deserialize)]
    struct Discovery {
        issuer: String,
    }
    let path = format!("/{ANY_TENANT}/v2.0/.well-known/openid-configuration");
    let Discovery { issuer } = client.call_json(client.request(Method::GET, &path)).await?;
    let tenant = issuer.trim_end_matches('/').strip_suffix("/v2.0").and_then(|rest| rest.rsplit('/').next());
    match tenant.filter(|tenant| tenant.parse::<uuid::Uuid>().is_ok()) {
        Some(tenant) => Ok(Authority { tenant_id: tenant.to_owned(), issuer }),
        None => Err(SignInError::Issuer { issuer }),
    }
}

/// Gets an access token. `show` is told what a person has to do, if anything.
pub async fn sign_in(
    client: &Arc<Client>,
    authority: &Authority,
    credential: &Credential,
    show: &mut dyn FnMut(&str),
) -> Result<Bearer, SignInError> {
    match credential {
        Credential::Token(token) => Ok(Bearer::new(token)),
        Credential::Secret { client_id, secret } => {
            let form =
                [("grant_type", "client_credentials"), ("client_id", client_id), ("client_secret", secret)];
            Ok(token(client, authority, &form).await?)
        }
        Credential::DeviceCode => device_code(client, authority, show).await,
    }
}

async fn token(
    client: &Client,
    authority: &Authority,
    form: &[(&str, &str)],
) -> Result<Bearer, RequestError> {
    let path = format!("/{}/oauth2/v2.0/token", authority.tenant_id);
    let answer: TokenAnswer = client.call_json(client.request(Method::POST, &path).form(form)).await?;
    Ok(Bearer::new(&answer.access_token))
}

#[derive(Deserialize)]
struct DeviceAnswer {
    device_code: String,
    message: String,
    expires_in: u64,
    #[serde(default = "default_interval")]
    interval: u64,
}

fn default_interval() -> u64 {
    5
}

/// RFC 8628.
async fn device_code(
    client: &Client,
    authority: &Authority,
    show: &mut dyn FnMut(&str),
) -> Result<Bearer, SignInError> {
    let path = format!("/{}/oauth2/v2.0/devicecode", authority.tenant_id);
    let form = [("client_id", PUBLIC_CLIENT)];
    let device: DeviceAnswer = client.call_json(client.request(Method::POST, &path).form(&form)).await?;
    show(&device.message);
    let form = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("client_id", PUBLIC_CLIENT),
        ("device_code", &device.device_code),
    ];
    let ends = clock::moment() + Duration::from_secs(device.expires_in);
    let mut interval = Duration::from_secs(device.interval.max(1));
    while clock::moment() < ends {
        tokio::time::sleep(interval).await;
        match token(client, authority, &form).await {
            Ok(bearer) => return Ok(bearer),
            Err(error) => match error.code() {
                Some("authorization_pending") => {}
                Some("slow_down") => interval += Duration::from_secs(5),
                Some("access_denied" | "authorization_declined") => return Err(SignInError::Denied),
                Some("expired_token") => break,
                _ => return Err(error.into()),
            },
        }
    }
    Err(SignInError::CodeExpired { minutes: device.expires_in / 60 })
}
