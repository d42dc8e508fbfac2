//! The ledger of a machine: a folder with one file per item and a head.
//!
//! An item's file name carries the hash of its content, so that a new content never overwrites the old one before the
//! head has moved. Files that the head does not name are left-overs of a crash and are swept at the next write.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use bowline_link::item::{ContentHash, DesiredDocument, ItemContent, ItemHead, KnownDocument, Merged};

use super::{Ledger, LedgerError};
use crate::disk::{self, Access, DiskError};

/// The largest file that is read back.
const MAX_FILE: u64 = 2 * 1024 * 1024;
const HEAD: &str = "head.json";

/// A folder with the desired document.
#[derive(Debug)]
pub struct DiskLedger {
    folder: PathBuf,
}

impl DiskLedger {
    /// A ledger in this folder, which is made if needed.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, LedgerError> {
        let folder = folder.into();
        disk::make_folder(&folder).map_err(|source| failed("create", &folder, source))?;
        Ok(Self { folder })
    }

    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, LedgerError> {
        let path = self.folder.join(name);
        disk::read(&path, MAX_FILE).map_err(|source| failed("read", &path, source))
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), LedgerError> {
        let path = self.folder.join(name);
        disk::write(&path, bytes, Access::Private).map_err(|source| failed("write", &path, source))
    }

    fn item(&self, head: &ItemHead) -> Result<Option<ItemContent>, LedgerError> {
        let name = file_name(head);
        let Some(bytes) = self.read(&name)? else {
            tracing::warn!(file = name, "an item is missing from the ledger; the server will send it again");
            return Ok(None);
        };
        match serde_json::from_slice(&bytes) {
            Ok(content) if ContentHash::of(&content) == head.hash => {
                Ok(Some(ItemContent { uid: head.uid, kind: head.kind.clone(), hash: head.hash, content }))
            }
            _ => {
                tracing::warn!(
                    file = name,
                    "an item of the ledger is damaged; the server will send it again"
                );
                Ok(None)
            }
        }
    }

    fn sweep(&self, known: &KnownDocument) -> Result<(), LedgerError> {
        let keep: Vec<_> = known.items.iter().map(file_name).collect();
        let names = disk::list(&self.folder).map_err(|source| failed("list", &self.folder, source))?;
        for name in names.iter().filter(|name| *name != HEAD && !keep.contains(name)) {
            let path = self.folder.join(name);
            disk::remove(&path).map_err(|source| failed("remove", &path, source))?;
        }
        Ok(())
    }
}

#[async_trait]
impl Ledger for DiskLedger {
    async fn load(&mut self) -> Result<Option<DesiredDocument>, LedgerError> {
        let Some(bytes) = self.read(HEAD)? else { return Ok(None) };
        let Ok(known) = serde_json::from_slice::<KnownDocument>(&bytes) else {
            tracing::warn!("the head of the ledger is damaged; the server will send everything again");
            return Ok(None);
        };
        let mut items = Vec::with_capacity(known.items.len());
        for head in &known.items {
            match self.item(head)? {
                Some(item) => items.push(item),
                None => return Ok(None),
            }
        }
        Ok(Some(DesiredDocument { epoch: known.epoch, generation: known.generation, items }))
    }

    async fn store(&mut self, merged: &Merged) -> Result<(), LedgerError> {
        for item in &merged.write {
            self.write(&file_name(&item.head()), item.content.to_string().as_bytes())?;
        }
        let head = serde_json::to_vec(&merged.known).expect("a head is made of strings and numbers");
        self.write(HEAD, &head)?;
        self.sweep(&merged.known)
    }
}

/// A kind comes from the server: only letters and digits of it reach a file name.
fn file_name(head: &ItemHead) -> String {
    let kind: String = head.kind.chars().filter(char::is_ascii_alphanumeric).take(40).collect();
    format!("{kind}-{}-{}.json", head.uid, head.hash)
}

fn failed(doing: &'static str, path: &Path, source: DiskError) -> LedgerError {
    LedgerError { doing, what: path.display().to_string(), source: Box::new(source) }
}
