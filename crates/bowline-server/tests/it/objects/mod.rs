//! Backups in object storage: S3's and Google's interfaces by a small store that shows what a real one would hide, Azure's by
//! Azure's own emulator.

mod azurite;
mod small;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use bowline_store::{Observation, SqliteOptions, open_sqlite};
use uuid::Uuid;

/// Variables that tell a server which store there is and as whom it asks.
type Settings = Vec<(&'static str, String)>;

async fn bowline_server(arguments: &[&str], settings: &Settings) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bowline-server"));
    command.args(arguments).env_remove("BOWLINE_DATABASE").env_remove("BOWLINE_CONFIG");
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        command.env_remove(name);
    }
    command.envs(settings.iter().map(|(name, value)| (*name, value)));
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A record that does not get smaller: more than one part of an upload.
async fn fill(directory: &Path) {
    let store = open_sqlite(SqliteOptions::new(directory)).await.unwrap();
    for seq in 1..=7 {
        let bytes: Vec<u8> = (0..20_000).flat_map(|_| bowline_auth::random::bytes::<100>()).collect();
        let (source, source_epoch) = ("s/x".to_owned(), Uuid::from_u128(1));
        let batch = Observation { source, source_epoch, seq, time: jiff::Timestamp::UNIX_EPOCH, bytes };
        store.append_observation(batch).await.unwrap();
    }
}

/// A record to back up, and a place to restore to.
struct Record {
    _folder: tempfile::TempDir,
    from: PathBuf,
    to: PathBuf,
    settings: Settings,
}

impl Record {
    async fn new(settings: Settings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        fill(&from).await;
        Self { _folder: folder, from, to, settings }
    }

    async fn backup(&self, url: &str) -> Output {
        self.backup_as(url, &self.settings).await
    }

    async fn backup_as(&self, url: &str, settings: &Settings) -> Output {
        let from = self.from.to_str().unwrap();
        bowline_server(&["backup", "--to", url, "--data-dir", from], settings).await
    }

    async fn verify(&self, url: &str) -> Output {
        bowline_server(&["backup", "verify", url], &self.settings).await
    }

    /// What works with any store: it goes up, is whole, is not replaced, and comes back.
    async fn goes_and_comes(&self, url: &str) {
        let made = self.backup(url).await;
        assert!(made.status.success(), "{}", said(&made));
        let again = self.backup(url).await;
        assert!(!again.status.success() && said(&again).contains("exists"), "{}", said(&again));
        let verified = self.verify(url).await;
        assert!(said(&verified).contains("is whole"), "{}", said(&verified));
        let to = self.to.to_str().unwrap();
        let restored = bowline_server(&["restore", "--from", url, "--data-dir", to], &self.settings).await;
        assert!(restored.status.success(), "{}", said(&restored));
        let store = open_sqlite(SqliteOptions::new(&self.to)).await.unwrap();
        assert_eq!(store.observations(0, 100).await.unwrap().len(), 7);
        let none = self.verify(&url.replace("one.tar", "none.tar")).await;
        assert_eq!(none.status.code(), Some(1), "{}", said(&none));
        assert!(said(&none).contains("there is no such object"), "{}", said(&none));
    }

    /// It cannot be done, and the sentence says why; nothing that the store sent along, and no secret, is in it.
    async fn is_refused(&self, url: &str, settings: &Settings, why: &str) {
        let refused = self.backup_as(url, settings).await;
        let text = said(&refused);
        assert_eq!(refused.status.code(), Some(1), "{text}");
        assert!(text.contains(url) && text.contains(why), "{text}");
        assert!(!text.contains("<Error") && !text.contains("<?xml"), "{text}");
        for (_, secret) in settings.iter().filter(|(name, _)| name.ends_with("KEY")) {
            assert!(!text.contains(secret.as_str()), "{text}");
        }
    }
}

/// The same settings, one of them another.
fn with(settings: &Settings, name: &str, value: &str) -> Settings {
    let other = |(known, old): &(&'static str, String)| {
        (*known, if *known == name { value.to_owned() } else { old.clone() })
    };
    settings.iter().map(other).collect()
}
