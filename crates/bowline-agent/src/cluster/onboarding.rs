//! What an installer hands over: a folder with `agent.json`, and `key.pem` or `token`, mounted from the Secret `bowline-agent-onboarding`.
//!
//! The chart cannot write the agent's own Secret, because an upgrade of the release would put the first key back after the
//! agent has replaced it. So the agent copies the folder into its [`ClusterHome`] once, and notes the folder's digest in the
//! enrolment: the same folder is never taken twice, a new one (the cluster was connected again) is. With a token it makes its key
//! itself and enrols ([`super::enrol`]).

use std::path::Path;
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::enrol::{self, EnrolError, Place};
use super::home::ClusterHome;
use crate::{
    disk::{self, DiskError},
    home::{Enrolment, Home, HomeError, KeyPem, chain},
    key::{AgentKey, KeyError},
    session::token::Bearer,
};

/// The largest file of the folder: certificates of a few authorities fit.
const MAX_FILE: u64 = 256 * 1024;
/// The member of `agent.json` that notes which folder it came from.
const NOTE: &str = "onboarding";
/// How long to wait after the cluster or the server did not answer.
const AGAIN: Duration = Duration::from_secs(5);
/// A server that refuses is asked less and less often, down to this.
const AGAIN_AT_LAST: Duration = Duration::from_secs(60);

/// Why the folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum OnboardingError {
    #[error(transparent)]
    Disk(#[from] DiskError),
    #[error("agent.json of the onboarding folder is not understood; install the chart again")]
    Enrolment(#[source] serde_json::Error),
    #[error(
        "agent.json of the onboarding folder is there, but neither key.pem nor token is; install the chart again"
    )]
    NoKey,
    #[error("key.pem of the onboarding folder cannot be used")]
    Key(#[source] KeyError),
}

/// What was handed over, and the digest of it.
#[derive(Debug)]
pub(super) struct Onboarding {
    handed: Handed,
    note: String,
}

#[derive(Debug)]
enum Handed {
    /// An enrolment that somebody made, and its key.
    Key { enrolment: Enrolment, key: KeyPem },
    /// Where to enrol, and what permits it.
    Token { place: Place, token: Bearer },
}

impl Onboarding {
    /// Reads the folder; `None` when nothing was handed over.
    pub(super) fn read(folder: &Path) -> Result<Option<Self>, OnboardingError> {
        let file = |name: &str| disk::read_text(&folder.join(name), MAX_FILE);
        let Some(text) = file("agent.json")? else { return Ok(None) };
        let (handed, proof) = match file("key.pem")? {
            Some(pem) => {
                let enrolment = serde_json::from_str(&text).map_err(OnboardingError::Enrolment)?;
                let key = KeyPem(pem.clone());
                AgentKey::from_pem(&key).map_err(OnboardingError::Key)?;
                (Handed::Key { enrolment, key }, pem)
            }
            None => {
                let mut place: Place = serde_json::from_str(&text).map_err(OnboardingError::Enrolment)?;
                let token = file("token")?.ok_or(OnboardingError::NoKey)?;
                place.ca_pem = file("ca.crt")?.filter(|pem| !pem.trim().is_empty());
                (Handed::Token { place, token: Bearer::new(token.trim()) }, token)
            }
        };
        let digest = Sha256::digest(format!("{}\n{text}\n{proof}", text.len()));
        let note = hex::encode(&digest[..16]);
        Ok(Some(Self { handed, note }))
    }

    fn resource_id(&self) -> &str {
        match &self.handed {
            Handed::Key { enrolment, .. } => &enrolment.resource_id,
            Handed::Token { place, .. } => &place.resource_id,
        }
    }

    /// Takes it into the agent's own place unless that was done before; gives whether it was done now.
    ///
    /// The key goes first: a crash in between leaves an enrolment without the note, and the next start does both again.
    pub(super) async fn adopt(&self, home: &ClusterHome) -> Result<bool, EnrolError> {
        let found = match home.enrolment().await {
            Err(HomeError::Malformed { .. }) => None,
            other => other?,
        };
        let taken = found.as_ref().and_then(|found| found.other.get(NOTE)?.as_str());
        if taken == Some(&self.note) {
            return Ok(false);
        }
        let mut enrolment = match &self.handed {
            Handed::Key { enrolment, key } => {
                home.write_key(key).await?;
                enrolment.clone()
            }
            Handed::Token { place, token } => enrol::enrol(home, place, token).await?,
        };
        enrolment.other.insert(NOTE.to_owned(), self.note.clone().into());
        home.write_enrolment(&enrolment).await?;
        Ok(true)
    }

    /// [`Self::adopt`], again and again until it is done.
    pub(super) async fn adopt_patiently(&self, home: &ClusterHome) {
        let mut again = AGAIN;
        loop {
            match self.adopt(home).await {
                Ok(true) => {
                    let resource = self.resource_id();
                    tracing::info!(resource, "took the enrolment that the installer handed over");
                    return;
                }
                Ok(false) => return,
                Err(error) => {
                    tracing::warn!(
                        error = chain(&error),
                        again_in = again.as_secs(),
                        "what the installer handed over could not be taken"
                    );
                    tokio::time::sleep(again).await;
                    if matches!(error, EnrolError::Request(_)) {
                        again = (again * 2).min(AGAIN_AT_LAST);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fake_api::FakeApi;
    use super::*;

    const SECRET: &str = "/api/v1/namespaces/bowline-system/secrets/bowline-agent";
    const CONFIG: &str = "/api/v1/namespaces/bowline-system/configmaps/bowline-agent";

    fn hand_over(folder: &Path, principal: &str, key: &KeyPem) {
        let enrolment = json!({"server": "https://s", "tenantId": "t", "resourceId": "/r", "principalId": principal, "caPem": "pem"});
        disk::write(&folder.join("agent.json"), enrolment.to_string().as_bytes(), disk::Access::Private)
            .unwrap();
        disk::write(&folder.join("key.pem"), key.0.as_bytes(), disk::Access::Private).unwrap();
    }

    async fn home() -> (FakeApi, ClusterHome) {
        let api = FakeApi::start().await;
        // As the chart leaves them: there, and empty.
        api.put(SECRET, json!({"metadata": {"name": "bowline-agent"}}));
        api.put(CONFIG, json!({"metadata": {"name": "bowline-agent"}}));
        let home = ClusterHome::new(api.connection(), "bowline-system");
        (api, home)
    }

    #[tokio::test]
    async fn a_folder_is_taken_once_and_a_new_one_again() {
        let (_api, home) = home().await;
        let folder = tempfile::tempdir().unwrap();
        let (_, first) = AgentKey::generate();
        hand_over(folder.path(), "p1", &first);
        let onboarding = Onboarding::read(folder.path()).unwrap().unwrap();
        assert!(onboarding.adopt(&home).await.unwrap());
        assert_eq!(home.key().await.unwrap(), Some(first.clone()));
        // The agent replaces the key; a restart with the same folder must not put the old one back.
        let (_, own) = AgentKey::generate();
        home.write_next_key(&own).await.unwrap();
        home.promote_next_key().await.unwrap();
        let mut moved = home.enrolment().await.unwrap().unwrap();
        moved.server = "https://elsewhere".to_owned();
        home.write_enrolment(&moved).await.unwrap();
        assert!(!Onboarding::read(folder.path()).unwrap().unwrap().adopt(&home).await.unwrap());
        assert_eq!(home.key().await.unwrap(), Some(own));
        // Connected again: another folder.
        hand_over(folder.path(), "p2", &first);
        assert!(Onboarding::read(folder.path()).unwrap().unwrap().adopt(&home).await.unwrap());
        assert_eq!(home.enrolment().await.unwrap().unwrap().principal_id, "p2");
        assert_eq!(home.key().await.unwrap(), Some(first));
    }

    #[tokio::test]
    async fn nothing_handed_over_is_none_and_half_of_it_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Onboarding::read(folder.path()).unwrap().is_none());
        let (_, key) = AgentKey::generate();
        hand_over(folder.path(), "p", &key);
        disk::write(&folder.path().join("key.pem"), b"no key", disk::Access::Private).unwrap();
        assert!(matches!(Onboarding::read(folder.path()), Err(OnboardingError::Key(_))));
        disk::remove(&folder.path().join("key.pem")).unwrap();
        assert!(matches!(Onboarding::read(folder.path()), Err(OnboardingError::NoKey)));
        disk::write(&folder.path().join("agent.json"), b"{", disk::Access::Private).unwrap();
        assert!(matches!(Onboarding::read(folder.path()), Err(OnboardingError::Enrolment(_))));
    }
}
