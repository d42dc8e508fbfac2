//! The upstream issuer and its settings, and how the server asks it and the issuers of federated credentials: HTTPS alone, no redirects, bounded in time and
//! size.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use bowline_auth::Secret;
use bowline_control::identity::federation::Federation;
use bowline_control::identity::upstream::{Fetch, Upstream, UpstreamSettings};
use clap::Args;
use futures::future::BoxFuture;
use serde::Deserialize;
use serde_json::Value;

use crate::{tls, trace};

/// More than any discovery document, JWKS or token answer.
const MAX_ANSWER: usize = 1 << 20;
const TIMEOUT: Duration = Duration::from_secs(10);

/// Sign-in through another issuer (OpenID Connect). In the file these are keys of the table `[upstream]`, without the prefix.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct UpstreamOptions {
    /// The issuer through which people may sign in, exactly as its discovery document names it.
    #[arg(long = "upstream-issuer", env = "BOWLINE_UPSTREAM_ISSUER")]
    issuer: Option<String>,
    /// This server's client id there; its redirect address is PUBLIC_URL/upstream/callback.
    #[arg(long = "upstream-client-id", env = "BOWLINE_UPSTREAM_CLIENT_ID")]
    client_id: Option<String>,
    /// Holds the client secret; without it this server is a public client there.
    #[arg(long = "upstream-client-secret-file", env = "BOWLINE_UPSTREAM_CLIENT_SECRET_FILE")]
    client_secret_file: Option<PathBuf>,
    /// What is asked for [default: openid profile email].
    #[arg(long = "upstream-scopes", env = "BOWLINE_UPSTREAM_SCOPES")]
    scopes: Option<String>,
    /// The claim that becomes the user's name here [default: preferred_username].
    #[arg(long = "upstream-username-claim", env = "BOWLINE_UPSTREAM_USERNAME_CLAIM")]
    username_claim: Option<String>,
    /// The claim that names the person's groups [default: groups].
    #[arg(long = "upstream-groups-claim", env = "BOWLINE_UPSTREAM_GROUPS_CLAIM")]
    groups_claim: Option<String>,
    /// Whether the first sign-in makes a user [default: true].
    #[arg(long = "upstream-create-users", env = "BOWLINE_UPSTREAM_CREATE_USERS")]
    create_users: Option<bool>,
    /// What the button on the sign-in page says after "Sign in with" [default: the issuer's host].
    #[arg(long = "upstream-name", env = "BOWLINE_UPSTREAM_NAME")]
    name: Option<String>,
    /// A certificate authority (PEM) to trust for the issuer beside the system's.
    #[arg(long = "upstream-ca-file", env = "BOWLINE_UPSTREAM_CA_FILE")]
    ca_file: Option<PathBuf>,
}

impl UpstreamOptions {
    /// These, and those of the file where these say nothing.
    #[must_use]
    pub fn or(self, file: Self) -> Self {
        Self {
            issuer: self.issuer.or(file.issuer),
            client_id: self.client_id.or(file.client_id),
            client_secret_file: self.client_secret_file.or(file.client_secret_file),
            scopes: self.scopes.or(file.scopes),
            username_claim: self.username_claim.or(file.username_claim),
            groups_claim: self.groups_claim.or(file.groups_claim),
            create_users: self.create_users.or(file.create_users),
            name: self.name.or(file.name),
            ca_file: self.ca_file.or(file.ca_file),
        }
    }

    fn settings(&self) -> anyhow::Result<Option<UpstreamSettings>> {
        let (issuer, client_id) = match (&self.issuer, &self.client_id) {
            (Some(issuer), Some(client_id)) => (issuer.clone(), client_id.clone()),
            (None, None) => return Ok(None),
            _ => bail!("--upstream-issuer and --upstream-client-id belong together: give both or neither"),
        };
        let url = url::Url::parse(&issuer)
            .with_context(|| format!("the upstream issuer '{issuer}' is not understood"))?;
        if url.scheme() != "https" {
            bail!("the upstream issuer '{issuer}' must be https");
        }
        let client_secret = match &self.client_secret_file {
            Some(path) => {
                let text = String::from_utf8(tls::read_secret(path)?)
                    .context("the upstream client secret is not UTF-8")?;
                Some(Secret::from_text(text.trim().to_owned()))
            }
            None => None,
        };
        let text = |given: &Option<String>, usual: &str| given.clone().unwrap_or_else(|| usual.to_owned());
        let scopes = text(&self.scopes, "openid profile email");
        if !scopes.split(' ').any(|scope| scope == "openid") {
            bail!(
                "the upstream scopes '{scopes}' must contain openid: without it there is no identity token"
            );
        }
        Ok(Some(UpstreamSettings {
            name: text(&self.name, url.host_str().unwrap_or("the upstream issuer")),
            issuer,
            client_id,
            client_secret,
            scopes,
            username_claim: text(&self.username_claim, "preferred_username"),
            groups_claim: text(&self.groups_claim, "groups"),
            create_users: self.create_users.unwrap_or(true),
        }))
    }
}

/// The upstream issuer of the settings, if there is one.
///
/// # Errors
/// When a setting makes no sense or a file of them cannot be read.
pub fn open(options: &UpstreamOptions) -> anyhow::Result<Option<Upstream>> {
    let Some(settings) = options.settings()? else { return Ok(None) };
    let client = Client::new(options.ca_file.as_deref())?;
    tracing::info!(issuer = %settings.issuer, "people may sign in through the upstream issuer");
    Ok(Some(Upstream::new(settings, Arc::new(client))))
}

/// How the keys of the issuers are read that federated credentials name.
///
/// # Errors
/// When the file of certificates cannot be read.
pub fn federation(ca: Option<&Path>) -> anyhow::Result<Federation> {
    Ok(Federation::new(Arc::new(Client::new(ca)?)))
}

struct Client(reqwest::Client);

impl Client {
    fn new(ca: Option<&Path>) -> anyhow::Result<Self> {
        let mut builder = reqwest::Client::builder()
            .https_only(true)
            .redirect(reqwest::redirect::Policy::none())
            .timeout(TIMEOUT)
            .user_agent(concat!("bowline-server/", env!("CARGO_PKG_VERSION")));
        if let Some(path) = ca {
            let pem = tls::read_public(path)?;
            let certificates = reqwest::Certificate::from_pem_bundle(&pem)
                .with_context(|| format!("{} holds no certificate in PEM form", path.display()))?;
            builder = builder.tls_certs_merge(certificates);
        }
        Ok(Self(builder.build().context("the client for other issuers cannot be made")?))
    }
}

/// The JSON of an answer. A refusal of the issuer (4xx) is JSON too, and is the caller's to explain.
async fn read(request: reqwest::RequestBuilder) -> Result<Value, String> {
    // The URL is in the operator's log; people see what happened to it.
    let sent = request.headers(trace::outgoing()).send().await;
    let mut response = sent.map_err(|error| {
        tracing::warn!(%error, "another issuer cannot be asked");
        if error.is_timeout() { "it did not answer in time".to_owned() } else { "no connection".to_owned() }
    })?;
    let status = response.status();
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| "its answer broke off".to_owned())? {
        if bytes.len() + chunk.len() > MAX_ANSWER {
            return Err("its answer is larger than 1 MiB".to_owned());
        }
        bytes.extend_from_slice(&chunk);
    }
    if status.is_server_error() || status.is_redirection() {
        return Err(format!("it answered with status {}", status.as_u16()));
    }
    serde_json::from_slice(&bytes).map_err(|_| format!("its answer (status {}) is not JSON", status.as_u16()))
}

impl Fetch for Client {
    fn get<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<Value, String>> {
        Box::pin(read(self.0.get(url)))
    }

    fn post<'a>(
        &'a self,
        url: &'a str,
        form: Vec<(&'a str, String)>,
        basic: Option<(&'a str, &'a str)>,
    ) -> BoxFuture<'a, Result<Value, String>> {
        let mut request = self.0.post(url).form(&form);
        if let Some((name, secret)) = basic {
            // RFC 6749 §2.3.1: both are form-encoded before they become a header.
            let encode =
                |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            request = request.basic_auth(encode(name), Some(encode(secret)));
        }
        Box::pin(read(request))
    }
}
