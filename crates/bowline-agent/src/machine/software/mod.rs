//! What is installed: the packages of a host, read from the databases of dpkg, rpm and apk, as objects of the inventory.
//!
//! | key | |
//! |---|---|
//! | `software/dpkg/NAME/ARCHITECTURE` | Debian and its relatives; `status.d` of images without a shell too |
//! | `software/rpm/NAME/ARCHITECTURE/VERSION` | Red Hat and its relatives, where one package may be there in several versions |
//! | `software/apk/NAME/ARCHITECTURE` | Alpine |
//!
//! # Design notes
//! No program is run. The files are read anew when the size or time of one has changed, and only what differs goes up. A database that changes
//! while it is read, or holds an unfinished transaction, is read at the next look. rpm's older databases (Berkeley DB of
//! Red Hat 7 and 8, ndb of SUSE) are not read: there was none to try a reader on. It is said in the log.

mod apk;
mod dpkg;
mod rpm;
mod sqlite;

use std::time::SystemTime;

use bowline_link::{item::ContentHash, observed::Delta};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::observe::HostFiles;
use crate::{
    disk::{self, DiskError},
    known::Known,
};

/// More packages than any host has: the rest is left out, and that is said.
const MAX_PACKAGES: usize = 20_000;
/// No field that is reported is longer.
const MAX_FIELD: usize = 256;
/// What all keys begin with.
const PREFIX: &str = "software";

/// Why what is installed cannot be told.
#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error(transparent)]
    Disk(#[from] DiskError),
    #[error("{path} is not as it should be: {reason}")]
    Damaged { path: &'static str, reason: &'static str },
    #[error("{path} holds a transaction that is not finished")]
    Unfinished { path: &'static str },
}

/// One installed package.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Package {
    manager: &'static str,
    name: String,
    version: String,
    architecture: String,
    publisher: Option<String>,
    installed_on: Option<Timestamp>,
}

impl Package {
    fn key(&self) -> String {
        let Self { manager, name, architecture, .. } = self;
        let key = format!("{PREFIX}/{manager}/{name}/{architecture}");
        if *manager == rpm::NAME { format!("{key}/{}", self.version) } else { key }
    }

    fn object(&self) -> Value {
        let mut object = json!({
            "manager": self.manager, "name": self.name, "version": self.version, "architecture": self.architecture,
        });
        if let Some(publisher) = &self.publisher {
            object["publisher"] = publisher.as_str().into();
        }
        if let Some(at) = self.installed_on {
            object["installedOn"] = at.to_string().into();
        }
        object
    }
}

/// A field as it is reported: without line ends, and not too long.
fn field(text: &str) -> String {
    let text = text.trim();
    let end = (0..=MAX_FIELD.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text[..end].chars().filter(|letter| !letter.is_control()).collect()
}

/// Reads every database that there is.
fn read(files: &HostFiles) -> Result<Vec<Package>, ReadError> {
    let mut packages = Vec::new();
    for read in [dpkg::read, rpm::read, apk::read] {
        read(files, &mut packages)?;
    }
    if packages.len() > MAX_PACKAGES {
        tracing::warn!(
            packages = packages.len(),
            "only the first {MAX_PACKAGES} installed packages are reported"
        );
        packages.truncate(MAX_PACKAGES);
    }
    Ok(packages)
}

/// How the files were when they were looked at.
type Stamps = Vec<Option<(u64, SystemTime)>>;

fn stamps(files: &HostFiles) -> Stamps {
    let paths = dpkg::PATHS.iter().chain(&rpm::PATHS).chain(&apk::PATHS);
    paths.map(|path| disk::stamp(&files.path(path))).collect()
}

/// What the server has been told of this host's packages.
#[derive(Debug, Default)]
pub(super) struct Software {
    known: Known,
    looked: Option<Stamps>,
    said: Option<String>,
}

impl Software {
    /// What there is to say since the last look.
    pub(super) async fn look(&mut self, files: &HostFiles) -> Vec<Delta> {
        let before = stamps(files);
        if self.looked.as_ref() == Some(&before) {
            return Vec::new();
        }
        let host = files.clone();
        let read = tokio::task::spawn_blocking(move || read(&host)).await.expect("reading does not panic");
        let packages = match read {
            Ok(packages) => packages,
            Err(error) => {
                let text = error.to_string();
                if self.said.as_ref() != Some(&text) {
                    tracing::warn!(error = text, "installed packages are looked at again later");
                    self.said = Some(text);
                }
                return Vec::new();
            }
        };
        if stamps(files) != before {
            return Vec::new();
        }
        (self.looked, self.said) = (Some(before), None);
        self.compare(&packages)
    }

    fn compare(&mut self, packages: &[Package]) -> Vec<Delta> {
        self.known.begin_list();
        let mut deltas = Vec::new();
        for package in packages {
            let (key, object) = (package.key(), package.object());
            let hash = ContentHash::of(&object);
            if self.known.saw(&key, &hash) {
                deltas.push(Delta::object(key, hash, object));
            }
        }
        deltas.extend(self.known.end_list().into_iter().map(Delta::tombstone));
        deltas
    }

    /// The server wants everything again.
    pub(super) fn forget(&mut self) {
        (self.known, self.looked) = (Known::default(), None);
    }
}

#[cfg(test)]
mod tests;
