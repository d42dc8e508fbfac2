//! A machine's state folder: `agent.json`, `key.pem`, `ledger/`, and what `show` and `logs` read.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use sha2::{Digest, Sha256};

use crate::{
    disk::{self, Access, DiskError, FolderLock},
    home::{Enrolment, Home, HomeError, KeyPem},
};

/// The largest file that is read back.
const MAX_FILE: u64 = 1024 * 1024;

/// A machine's state folder.
#[derive(Debug, Clone)]
pub struct StateFolder {
    folder: PathBuf,
}

impl StateFolder {
    /// A state folder; made when something is first written.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// The folder of the ledger.
    pub fn ledger(&self) -> PathBuf {
        self.folder.join("ledger")
    }

    /// The running agent's log.
    pub fn log_file(&self) -> PathBuf {
        self.folder.join("agent.log")
    }

    /// Where the running agent serves health and metrics.
    pub fn health_file(&self) -> PathBuf {
        self.folder.join("health")
    }

    /// Makes the folder.
    pub fn make(&self) -> Result<(), DiskError> {
        disk::make_folder(&self.folder)
    }

    /// Takes the folder for this process; `None` when an agent is running on it.
    pub fn lock(&self) -> Result<Option<FolderLock>, DiskError> {
        disk::lock_folder(&self.folder)
    }

    /// The agent's instance: the same for the same boot of the same host and folder, another one for a copy elsewhere.
    pub fn instance(&self) -> String {
        let boot = disk::read_text(Path::new("/proc/sys/kernel/random/boot_id"), 100)
            .ok()
            .flatten()
            .unwrap_or_default();
        let folder = disk::resolve(&self.folder);
        let digest = Sha256::digest(format!("{}\n{}", boot.trim(), folder.display()));
        hex::encode(&digest[..16])
    }

    /// Writes the key of a connection that is about to be made.
    pub fn write_key(&self, key: &KeyPem) -> Result<(), HomeError> {
        self.make().map_err(|source| write_failed("the state folder", source))?;
        self.put("key.pem", key.0.as_bytes(), Access::Private)?;
        disk::remove(&self.folder.join("key.next.pem")).map_err(|source| write_failed("key.next.pem", source))
    }

    /// Forgets the identity and the desired document. Logs stay.
    pub fn forget(&self) -> Result<(), DiskError> {
        disk::remove(&self.folder.join("agent.json"))?;
        disk::remove(&self.folder.join("key.pem"))?;
        disk::remove(&self.folder.join("key.next.pem"))?;
        disk::remove(&self.health_file())?;
        disk::remove_folder(&self.ledger())
    }

    fn put_enrolment(&self, enrolment: &Enrolment) -> Result<(), HomeError> {
        let mut json = serde_json::to_vec_pretty(enrolment).expect("an enrolment is made of strings");
        json.push(b'\n');
        self.put("agent.json", &json, Access::Private)
    }

    fn put(&self, name: &str, bytes: &[u8], access: Access) -> Result<(), HomeError> {
        let path = self.folder.join(name);
        disk::write(&path, bytes, access).map_err(|source| write_failed(&path.display().to_string(), source))
    }

    fn get(&self, name: &str) -> Result<Option<String>, HomeError> {
        let path = self.folder.join(name);
        let what = path.display().to_string();
        disk::read_text(&path, MAX_FILE).map_err(|source| HomeError::Read { what, source: Box::new(source) })
    }
}

fn write_failed(what: &str, source: DiskError) -> HomeError {
    HomeError::Write { what: what.to_owned(), source: Box::new(source) }
}

#[async_trait]
impl Home for StateFolder {
    async fn enrolment(&self) -> Result<Option<Enrolment>, HomeError> {
        let Some(text) = self.get("agent.json")? else { return Ok(None) };
        let what = self.folder.join("agent.json").display().to_string();
        let parsed = serde_json::from_str(&text);
        parsed.map(Some).map_err(|error| HomeError::Malformed { what, reason: error.to_string() })
    }

    async fn write_enrolment(&self, enrolment: &Enrolment) -> Result<(), HomeError> {
        self.put_enrolment(enrolment)
    }

    async fn key(&self) -> Result<Option<KeyPem>, HomeError> {
        Ok(self.get("key.pem")?.map(KeyPem))
    }

    async fn next_key(&self) -> Result<Option<KeyPem>, HomeError> {
        Ok(self.get("key.next.pem")?.map(KeyPem))
    }

    async fn write_next_key(&self, key: &KeyPem) -> Result<(), HomeError> {
        self.put("key.next.pem", key.0.as_bytes(), Access::Private)
    }

    async fn promote_next_key(&self) -> Result<(), HomeError> {
        let (next, current) = (self.folder.join("key.next.pem"), self.folder.join("key.pem"));
        disk::rename(&next, &current).map_err(|source| write_failed(&current.display().to_string(), source))
    }
}
