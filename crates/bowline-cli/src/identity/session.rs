//! The signed-in caller: an access token that is renewed before it runs out.

use crate::client::Client;
use crate::config::Settings;
use crate::config::credentials::{Credential, CredentialStore, Principal};
use crate::config::host::{self, Lock};
use crate::config::settings::server_key;
use crate::failure::{Failure, Kind, Result};

use super::assertion::AssertionKey;
use super::oauth::{Issuer, Proof};

/// One token in use.
pub(crate) struct AccessToken {
    pub(crate) secret: String,
    pub(crate) expires_on: jiff::Timestamp,
}

/// Where this command's tokens come from.
pub(crate) struct Session {
    store: CredentialStore,
    server: String,
}

impl Session {
    /// The session of the settings' server; fails when nobody is signed in there.
    pub(crate) fn open(settings: &Settings) -> Result<Self> {
        let server = settings.server.as_ref().map(server_key).ok_or_else(|| {
            Failure::new(Kind::Forbidden, "you are not signed in")
                .code("NotSignedIn")
                .why("nobody has signed in to a server from this account yet")
                .next("bowline login --server https://localhost:8443 --ca-file DATA_DIR/ca.crt")
        })?;
        let session = Self { store: CredentialStore::new(&settings.dir), server };
        session.credential()?;
        Ok(session)
    }

    pub(crate) fn credential(&self) -> Result<Credential> {
        self.store.read(&self.server)?.ok_or_else(|| {
            Failure::new(Kind::Forbidden, format!("you are not signed in to {}", self.server))
                .code("NotSignedIn")
                .next("bowline login")
        })
    }

    /// A token that is good for the next minutes.
    pub(crate) async fn access_token(&self, client: &Client) -> Result<AccessToken> {
        let credential = self.credential()?;
        if credential.is_fresh(host::now()) {
            return Ok(token(credential));
        }
        let held = self.store.lock().await?;
        let credential = self.credential()?;
        if credential.is_fresh(host::now()) {
            return Ok(token(credential));
        }
        self.renew(client, &held, credential).await
    }

    /// A token for when the server refused `used`: it may have been revoked while it looked fresh.
    pub(crate) async fn renew_after_refusal(
        &self,
        client: &Client,
        used: &AccessToken,
    ) -> Result<AccessToken> {
        let held = self.store.lock().await?;
        let credential = self.credential()?;
        if credential.access_token != used.secret {
            return Ok(token(credential));
        }
        self.renew(client, &held, credential).await
    }

    async fn renew(&self, client: &Client, held: &Lock, credential: Credential) -> Result<AccessToken> {
        let issuer = Issuer { issuer: credential.issuer.clone(), tenant_id: credential.tenant_id.clone() };
        let tokens = match &credential.principal {
            Principal::User { refresh_token: Some(refresh) } => issuer.refresh(client, refresh).await?,
            Principal::User { refresh_token: None } => {
                return Err(Failure::new(Kind::Forbidden, "your sign-in has ended").next("bowline login"));
            }
            Principal::ServicePrincipal { client_id, client_secret, key_file } => {
                let proof = match (client_secret, key_file) {
                    (Some(secret), _) => Proof::Secret(secret),
                    (None, Some(path)) => {
                        let pem = host::read_input(path, "the client assertion key")?;
                        let id = host::new_guid().to_string();
                        Proof::Assertion(AssertionKey::from_pem(&pem)?.sign(
                            client_id,
                            &issuer.issuer,
                            &id,
                            host::now(),
                        )?)
                    }
                    (None, None) => {
                        return Err(
                            Failure::new(Kind::Forbidden, "your sign-in has ended").next("bowline login")
                        );
                    }
                };
                issuer.client_credentials(client, client_id, proof).await?
            }
        };
        let renewed = tokens.into_credential(&issuer, credential.principal, host::now());
        self.store.write(held, &self.server, renewed.clone())?;
        Ok(token(renewed))
    }
}

fn token(credential: Credential) -> AccessToken {
    AccessToken { secret: credential.access_token, expires_on: credential.expires_on }
}
