//! Where the other servers can be reached, and how each proves that it is the one.
//!
//! # Design notes
//! A server makes a key and a certificate at its start and says the certificate's digest with its heartbeat. Who may write into the database's table of servers is
//! a server; nobody else has to be believed, and there is no authority to keep.

use std::sync::PoisonError;
use std::time::Duration;

use bowline_store::StoreError;
use serde_json::{Value, json};
use tokio::time::Instant;
use uuid::Uuid;

use super::Fleet;

/// How long what the database said is good: strangers who knock must not each cost a question.
const GOOD_FOR: Duration = Duration::from_millis(500);

/// Another server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its id.
    pub server: Uuid,
    /// For people.
    pub name: String,
    /// `HOST:PORT` of its listener for servers.
    pub address: String,
    /// SHA-256 of the certificate that it shows, in hexadecimal.
    pub pin: String,
}

impl Fleet {
    /// Says where this server listens for others, and which certificate it shows; before it joins.
    pub fn listen_for_peers(&self, address: &str, pin: &str) {
        let _ = self.peer.set(json!({ "address": address, "certificate": pin }));
    }

    /// What others are told of this.
    pub(super) fn peer(&self) -> Value {
        self.peer.get().cloned().unwrap_or_default()
    }

    /// The servers that live and listen for others, but this one.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn peers(&self) -> Result<Vec<Peer>, StoreError> {
        let Some(port) = self.store.fleet() else { return Ok(Vec::new()) };
        let known = || self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, peers)) = &*known()
            && at.elapsed() < GOOD_FOR
        {
            return Ok(peers.clone());
        }
        let (begun, own) = (Instant::now(), self.id());
        let members = port.members().await?;
        let others = members.iter().filter(|seen| seen.live && seen.member.id != own);
        let peers: Vec<Peer> = others
            .filter_map(|seen| {
                let said: Value = serde_json::from_str(&seen.status).ok()?;
                Some(Peer {
                    server: seen.member.id,
                    name: seen.member.name.clone(),
                    address: said["peer"]["address"].as_str()?.to_owned(),
                    pin: said["peer"]["certificate"].as_str()?.to_owned(),
                })
            })
            .collect();
        *known() = Some((begun, peers.clone()));
        Ok(peers)
    }
}
