//! `credentials.json` (0600): how to get access tokens, per server.
//!
//! A command that finds its token fresh only reads. One that must renew takes the lock, reads again (another command
//! may have renewed meanwhile), renews and writes: so a refresh token is spent by one command at a time.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::host::{self, Lock};
use crate::failure::{Failure, Result};

/// Who is signed in at one server, and how to go on being it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Credential {
    pub(crate) tenant_id: String,
    pub(crate) issuer: String,
    pub(crate) object_id: String,
    pub(crate) name: String,
    pub(crate) username: String,
    pub(crate) principal: Principal,
    pub(crate) access_token: String,
    pub(crate) expires_on: Timestamp,
    /// From here on a command renews the token before it uses it.
    pub(crate) renew_from: Timestamp,
}

/// What proves the principal when a token has run out.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "kind")]
pub(crate) enum Principal {
    User {
        refresh_token: Option<String>,
    },
    ServicePrincipal {
        client_id: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        client_secret: Option<String>,
        /// The private key stays where it is; only its path is kept.
        #[serde(skip_serializing_if = "Option::is_none")]
        key_file: Option<PathBuf>,
    },
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("object_id", &self.object_id)
            .field("expires_on", &self.expires_on)
            .finish_non_exhaustive()
    }
}

impl Credential {
    /// The address under which the server knows itself: what its issuer's name begins with.
    pub(crate) fn public_url(&self) -> &str {
        public_url(&self.issuer, &self.tenant_id)
    }

    pub(crate) fn is_fresh(&self, now: Timestamp) -> bool {
        now < self.renew_from
    }
}

/// The server's own address, from the name of its issuer.
pub(crate) fn public_url<'a>(issuer: &'a str, tenant_id: &str) -> &'a str {
    issuer.strip_suffix(&format!("/{tenant_id}/v2.0")).unwrap_or(issuer)
}

/// When a token that was given at `now` should be renewed: 5 min before its end, or in the last quarter of a short life.
pub(crate) fn renewal(now: Timestamp, lifetime: SignedDuration) -> (Timestamp, Timestamp) {
    let early = lifetime - SignedDuration::from_mins(5);
    let from = early.max(lifetime * 3 / 4);
    (now + lifetime, now + from)
}

#[derive(Default, Serialize, Deserialize)]
struct CredentialsFile {
    version: u32,
    servers: BTreeMap<String, Credential>,
}

/// The credentials of one folder.
#[derive(Clone, Debug)]
pub(crate) struct CredentialStore {
    path: PathBuf,
}

impl CredentialStore {
    pub(crate) fn new(dir: &Path) -> Self {
        Self { path: dir.join("credentials.json") }
    }

    pub(crate) fn read(&self, server: &str) -> Result<Option<Credential>> {
        Ok(self.load()?.servers.remove(server))
    }

    /// The servers where somebody is signed in; none when the file is damaged, because leaving it must work.
    pub(crate) fn servers(&self) -> Vec<String> {
        self.load().map(|file| file.servers.into_keys().collect()).unwrap_or_default()
    }

    /// Held while a credential is renewed or replaced.
    pub(crate) async fn lock(&self) -> Result<Lock> {
        Lock::acquire(&self.path.with_extension("lock")).await
    }

    /// Stores what a server's credential is now; needs the lock.
    pub(crate) fn write(&self, _held: &Lock, server: &str, credential: Credential) -> Result<()> {
        let mut file = self.load()?;
        file.servers.insert(server.to_owned(), credential);
        self.save(&file)
    }

    /// Forgets a server, or all; tells how many there were. Needs the lock.
    pub(crate) fn forget(&self, _held: &Lock, server: Option<&str>) -> Result<usize> {
        let mut file = self.load()?;
        let before = file.servers.len();
        match server {
            Some(server) => drop(file.servers.remove(server)),
            None => file.servers.clear(),
        }
        let forgotten = before - file.servers.len();
        if file.servers.is_empty() {
            host::remove_own(&self.path)?;
        } else if forgotten > 0 {
            self.save(&file)?;
        }
        Ok(forgotten)
    }

    fn load(&self) -> Result<CredentialsFile> {
        let Some(text) = host::read_own(&self.path)? else {
            return Ok(CredentialsFile { version: 1, ..Default::default() });
        };
        serde_json::from_str(&text).map_err(|error| {
            // The position says enough; the content is secret.
            Failure::usage(format!("{} is damaged", self.path.display()))
                .why(format!("line {}, column {}", error.line(), error.column()))
                .next("bowline logout --all, then bowline login")
        })
    }

    fn save(&self, file: &CredentialsFile) -> Result<()> {
        let text = serde_json::to_string_pretty(file).expect("credentials are plain strings");
        host::write_own(&self.path, &text)
    }

    /// Removes the file whatever is in it: the way out when it is damaged.
    pub(crate) fn remove(&self, _held: &Lock) -> Result<()> {
        host::remove_own(&self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_renewed_before_its_end() {
        let now: Timestamp = "2026-11-01T00:00:00Z".parse().unwrap();
        let (end, from) = renewal(now, SignedDuration::from_secs(3600));
        assert_eq!(end.duration_since(now), SignedDuration::from_secs(3600));
        assert_eq!(end.duration_since(from), SignedDuration::from_mins(5));
        let (end, from) = renewal(now, SignedDuration::from_secs(40));
        assert_eq!(end.duration_since(from), SignedDuration::from_secs(10));
    }

    #[test]
    fn secrets_are_not_in_debug_output() {
        let now: Timestamp = "2026-11-01T00:00:00Z".parse().unwrap();
        let credential = Credential {
            tenant_id: "t".into(),
            issuer: "i".into(),
            object_id: "o".into(),
            name: "n".into(),
            username: "u".into(),
            principal: Principal::User { refresh_token: Some("canary-1".into()) },
            access_token: "canary-2".into(),
            expires_on: now,
            renew_from: now,
        };
        assert!(!format!("{credential:?}").contains("canary"));
    }
}
