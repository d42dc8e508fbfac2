//! The key that signs the activity log, and the file with what it signed: both lie outside of the database.

use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};
use bowline_auth::StatementKey;
use bowline_control::activity::audit::{Auditor, Shelf};

use crate::config::Config;
use crate::tls;

/// The file in the data directory.
const FILE: &str = "audit-heads.jws";
/// The most bytes of a line.
const LINE: u64 = 700;

/// One statement a line, appended and flushed.
pub struct HeadsFile(PathBuf);

impl HeadsFile {
    /// That of a data directory.
    #[must_use]
    pub fn of(data_dir: &Path) -> Self {
        Self(data_dir.join(FILE))
    }
}

impl HeadsFile {
    /// Its whole lines from a place on; a line without its end was being written when the server was killed.
    #[expect(clippy::disallowed_methods, reason = "the file of signed heads is read here and nowhere else")]
    fn lines_of_last(&self, bytes: u64) -> std::io::Result<Vec<String>> {
        let mut file = match std::fs::File::open(&self.0) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let start = file.metadata()?.len().saturating_sub(bytes);
        file.seek(SeekFrom::Start(start))?;
        let mut read = Vec::new();
        file.read_to_end(&mut read)?;
        let text = String::from_utf8_lossy(&read);
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        // In the middle of a line nothing was signed: what is left of it does not count.
        Ok(whole.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect())
    }

    /// All of it.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn all(&self) -> std::io::Result<Vec<String>> {
        self.lines_of_last(u64::MAX)
    }
}

impl HeadsFile {
    /// Gives the file another name, because the log that it speaks of is not in the database any more. Says which.
    ///
    /// # Errors
    /// When it cannot be renamed.
    #[expect(clippy::disallowed_methods, reason = "the file of signed heads is kept here and nowhere else")]
    pub fn set_aside(&self, now: jiff::Timestamp) -> std::io::Result<Option<PathBuf>> {
        let kept = self.0.with_file_name(format!("audit-heads-until-{}.jws", now.as_second()));
        match std::fs::rename(&self.0, &kept) {
            Ok(()) => Ok(Some(kept)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Shelf for HeadsFile {
    fn newest(&self, limit: usize) -> std::io::Result<Vec<String>> {
        let lines = self.lines_of_last(limit as u64 * LINE)?;
        Ok(lines[lines.len().saturating_sub(limit)..].to_vec())
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the file of signed heads is written here and nowhere else"
    )]
    fn append(&self, statement: &str) -> std::io::Result<()> {
        let mut file = std::fs::OpenOptions::new().append(true).create(true).mode(0o600).open(&self.0)?;
        // The end of a line first, in case the one before was cut.
        file.write_all(format!("\n{statement}\n").as_bytes())?;
        file.sync_data()
    }
}

/// The key: read, or made at the first start.
///
/// # Errors
/// When the file cannot be read or is no such key.
pub fn key(config: &Config) -> anyhow::Result<StatementKey> {
    let path = &config.audit_key_file;
    if path.exists() {
        let pem = String::from_utf8(tls::read_secret(path)?).context("the audit key is not PEM")?;
        return StatementKey::from_pem(&pem).with_context(|| {
            format!(
                "the audit key {} is not understood: it must be PKCS#8 in PEM form, P-256",
                path.display()
            )
        });
    }
    if *path != config.data_dir.join("audit.key") {
        bail!(
            "the audit key {} does not exist: make one with openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out {}",
            path.display(),
            path.display()
        );
    }
    let key = StatementKey::generate();
    tls::write(path, key.to_pem().as_bytes(), 0o600)?;
    tracing::info!(path = %path.display(), kid = key.kid(), "a key was made that signs the activity log: keep its public half elsewhere (bowline-server audit public-key)");
    Ok(key)
}

/// Who signs the log of this server.
///
/// # Errors
/// As [`key`].
pub fn auditor(config: &Config) -> anyhow::Result<Arc<Auditor>> {
    let shelf = HeadsFile::of(&config.data_dir);
    let auditor = Auditor::new(key(config)?, Box::new(shelf), config.activity_retention, config.audit_period);
    Ok(Arc::new(auditor.map_err(|why| anyhow!("the audit key cannot be used: {why}"))?))
}
