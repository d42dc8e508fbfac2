//! What an installer hands over: a folder with `agent.json` and `key.pem`, mounted from the Secret `bowline-agent-onboarding`.
//!
//! The chart cannot write the agent's own Secret, because an upgrade of the release would put the first key back after the
//! agent has replaced it. So the agent copies the folder into its [`ClusterHome`] once, and notes the folder's digest in the
//! enrolment: the same folder is never taken twice, a new one (the cluster was connected again) is.

use std::path::Path;
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::home::ClusterHome;
use crate::{
    disk::{self, DiskError},
    home::{Enrolment, Home, HomeError, KeyPem, chain},
    key::{AgentKey, KeyError},
};

/// The largest file of the folder: certificates of a few authorities fit.
const MAX_FILE: u64 = 256 * 1024;
/// The member of `agent.json` that notes which folder it came from.
const NOTE: &str = "onboarding";
/// How long to wait after the cluster did not answer.
const AGAIN: Duration = Duration::from_secs(5);

/// Why the folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum OnboardingError {
    #[error(transparent)]
    Disk(#[from] DiskError),
    #[error("agent.json of the onboarding folder is not understood; install the chart again")]
    Enrolment(#[source] serde_json::Error),
    #[error("agent.json of the onboarding folder is there but key.pem is not; install the chart again")]
    NoKey,
    #[error("key.pem of the onboarding folder cannot be used")]
    Key(#[source] KeyError),
}

/// An enrolment and its key, as they were handed over.
#[derive(Debug)]
pub(super) struct Onboarding {
    enrolment: Enrolment,
    key: KeyPem,
}

impl Onboarding {
    /// Reads the folder; `None` when nothing was handed over.
    pub(super) fn read(folder: &Path) -> Result<Option<Self>, OnboardingError> {
        let Some(text) = disk::read_text(&folder.join("agent.json"), MAX_FILE)? else { return Ok(None) };
        let mut enrolment: Enrolment = serde_json::from_str(&text).map_err(OnboardingError::Enrolment)?;
        let pem = disk::read_text(&folder.join("key.pem"), MAX_FILE)?.ok_or(OnboardingError::NoKey)?;
        let key = KeyPem(pem);
        AgentKey::from_pem(&key).map_err(OnboardingError::Key)?;
        let digest = Sha256::digest(format!("{}\n{text}\n{}", text.len(), key.0));
        enrolment.other.insert(NOTE.to_owned(), hex::encode(&digest[..16]).into());
        Ok(Some(Self { enrolment, key }))
    }

    /// Copies it into the agent's own place unless that was done before; gives whether it was done now.
    ///
    /// The key goes first: a crash in between leaves an enrolment without the note, and the next start does both again.
    pub(super) async fn adopt(&self, home: &ClusterHome) -> Result<bool, HomeError> {
        let note = |enrolment: &Enrolment| enrolment.other.get(NOTE).cloned();
        let found = match home.enrolment().await {
            Err(HomeError::Malformed { .. }) => None,
            other => other?,
        };
        if found.as_ref().is_some_and(|found| note(found) == note(&self.enrolment)) {
            return Ok(false);
        }
        home.write_key(&self.key).await?;
        home.write_enrolment(&self.enrolment).await?;
        Ok(true)
    }

    /// [`Self::adopt`], again and again until the cluster has answered.
    pub(super) async fn adopt_patiently(&self, home: &ClusterHome) {
        loop {
            match self.adopt(home).await {
                Ok(true) => {
                    tracing::info!(
                        resource = self.enrolment.resource_id,
                        "took the enrolment that the installer handed over"
                    );
                    return;
                }
                Ok(false) => return,
                Err(error) => {
                    tracing::warn!(
                        error = chain(&error),
                        again_in = AGAIN.as_secs(),
                        "the enrolment that the installer handed over could not be stored"
                    );
                    tokio::time::sleep(AGAIN).await;
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
