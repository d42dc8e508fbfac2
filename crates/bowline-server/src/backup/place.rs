//! Where a backup lies: a file, or an object in S3-compatible, Google's or Azure's storage.
#![expect(
    clippy::disallowed_methods,
    reason = "backups, and the credentials of the stores that they lie in, are written and read here and nowhere else"
)]

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};
use bowline_store::copy::CopyError;
use bowline_store::free_space;
use futures::TryStreamExt as _;
use object_store::{ObjectStore, ObjectStoreExt as _, WriteMultipart, parse_url_opts};
use tokio::runtime::Handle;
use tokio_util::io::{StreamReader, SyncIoBridge};

/// Where to, or where from.
#[derive(Debug, Clone)]
pub enum Place {
    /// A path.
    File(PathBuf),
    /// An object.
    Object {
        /// As the operator wrote it.
        url: String,
        /// The store.
        store: Arc<dyn ObjectStore>,
        /// Its name there.
        path: object_store::path::Path,
    },
}

/// Variables that object stores are configured with, as their own tools name them (`AWS_ACCESS_KEY_ID`, …).
const PREFIXES: [&str; 3] = ["AWS_", "GOOGLE_", "AZURE_"];

/// A part of an upload. S3 takes 10,000 of them: 80 GB.
const PART_BYTES: usize = 8 << 20;
/// Parts that are under way at once.
const PARTS: usize = 4;

/// What a store said, without the documents that it sends along, and what to do about it.
fn brief(error: &object_store::Error) -> String {
    use object_store::Error;
    match error {
        Error::NotFound { .. } => "there is no such object".to_owned(),
        Error::Unauthenticated { .. } => format!("the store does not know who asks (401): {CREDENTIALS}"),
        Error::PermissionDenied { .. } => {
            format!("the store refuses these credentials, or what they may do there (403): {CREDENTIALS}")
        }
        // A document follows what is said for people.
        other => {
            let text = other.to_string();
            let line = text.lines().next().unwrap_or_default();
            line.split(": <").next().unwrap_or_default().to_owned()
        }
    }
}

/// The same of a write: there what is missing is what would hold the object.
fn brief_of_write(error: &object_store::Error) -> String {
    match error {
        object_store::Error::NotFound { .. } => {
            "there is no such bucket or container: make it first, or correct its name".to_owned()
        }
        other => brief(other),
    }
}

/// Where the credentials of each store come from.
const CREDENTIALS: &str = "look at AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for s3://, \
    at GOOGLE_SERVICE_ACCOUNT or GOOGLE_APPLICATION_CREDENTIALS for gs://, \
    at AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY for az://";

impl Place {
    /// From what the operator wrote.
    ///
    /// # Errors
    /// When it is a URL that nothing is known of.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        match text.split_once("://") {
            None => return Ok(Self::File(text.into())),
            Some(("file", path)) => return Ok(Self::File(path.into())),
            Some(("s3" | "gs" | "az" | "azure" | "abfs" | "abfss", _)) => {}
            Some((scheme, _)) => bail!(
                "nothing is known of {scheme}://: give a path, s3://BUCKET/NAME, gs://BUCKET/NAME or az://CONTAINER/NAME"
            ),
        }
        if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
            tracing::debug!("a TLS provider was installed before");
        }
        let url = url::Url::parse(text).with_context(|| format!("'{text}' is not a URL"))?;
        let settings =
            std::env::vars().filter(|(name, _)| PREFIXES.iter().any(|prefix| name.starts_with(prefix)));
        let (store, path) = parse_url_opts(&url, settings).with_context(|| {
            format!("the object store of {text} cannot be used: are its {PREFIXES:?} variables right?")
        })?;
        if path.as_ref().is_empty() {
            bail!("{text} names no object: add a name");
        }
        Ok(Self::Object { url: text.to_owned(), store: Arc::from(store), path })
    }

    /// Begins a backup there.
    ///
    /// # Errors
    /// When there is one already, or it cannot be written.
    pub async fn create(&self, reserve: u64) -> anyhow::Result<Target> {
        let (store, path) = match self {
            Self::File(path) => return Ok(Target::File(FileTarget::begin(path, reserve)?)),
            Self::Object { store, path, .. } => (store, path),
        };
        match store.head(path).await {
            Err(object_store::Error::NotFound { .. }) => {}
            Ok(_) => bail!("{self} exists: a backup never replaces another, choose another name"),
            Err(error) => bail!("{self} cannot be reached: {}", brief(&error)),
        }
        let upload = store.put_multipart(path).await;
        let upload =
            upload.map_err(|error| anyhow!("{self} cannot be written: {}", brief_of_write(&error)))?;
        let upload = Box::new(WriteMultipart::new_with_chunk_size(upload, PART_BYTES));
        Ok(Target::Object { place: self.to_string(), upload, runtime: Handle::current() })
    }

    /// Reads what is there.
    ///
    /// # Errors
    /// When there is nothing.
    pub async fn open(&self) -> anyhow::Result<Box<dyn Read + Send>> {
        let unreadable = || format!("the backup {self} cannot be read");
        match self {
            Self::File(path) => {
                let file = File::open(path).with_context(unreadable)?;
                Ok(Box::new(io::BufReader::with_capacity(1 << 20, file)))
            }
            Self::Object { store, path, .. } => {
                let found = store.get(path).await;
                let found = found.map_err(|error| anyhow!("{}: {}", unreadable(), brief(&error)))?;
                let reader = StreamReader::new(Box::pin(found.into_stream().map_err(io::Error::other)));
                Ok(Box::new(SyncIoBridge::new(reader)))
            }
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Object { url, .. } => url.fmt(f),
        }
    }
}

/// A backup in the making. It can be seen under its name once it is whole; what was begun and not finished is removed.
pub enum Target {
    /// Under another name until then.
    File(FileTarget),
    /// An upload in parts, which makes no object before its end.
    Object {
        /// Where it will be.
        place: String,
        /// Its parts.
        upload: Box<WriteMultipart>,
        /// It is written on a thread, and goes out by the runtime.
        runtime: Handle,
    },
}

impl Target {
    /// What is asked before each part: whether the disk has room.
    ///
    /// # Errors
    /// [`CopyError::DiskFull`]
    pub fn check_room(&self) -> impl Fn() -> Result<(), CopyError> + Send + use<> {
        let disk = match self {
            Self::File(file) => Some((file.folder().to_owned(), file.reserve)),
            Self::Object { .. } => None,
        };
        move || match &disk {
            None => Ok(()),
            Some((folder, reserve)) => match free_space(folder) {
                Ok(available) if available < *reserve => {
                    let place = folder.display().to_string();
                    Err(CopyError::DiskFull { place, available, reserve: *reserve })
                }
                // What cannot be measured shows when it is written.
                _ => Ok(()),
            },
        }
    }

    /// Makes it visible.
    ///
    /// # Errors
    /// When it cannot be.
    pub fn finish(self) -> Result<(), CopyError> {
        match self {
            Self::File(file) => file.finish(),
            Self::Object { place, upload, runtime } => match runtime.block_on(upload.finish()) {
                Ok(_) => Ok(()),
                Err(error) => {
                    Err(CopyError::Outside(format!("{place} cannot be finished: {}", brief_of_write(&error))))
                }
            },
        }
    }

    /// Removes what was begun.
    pub async fn abandon(self) {
        if let Self::Object { place, upload, .. } = self
            && let Err(error) = upload.abort().await
        {
            tracing::warn!(%error, "the unfinished upload of {place} could not be removed: its store should do so by a rule");
        }
    }
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.file.write(bytes),
            Self::Object { place, upload, runtime } => {
                let room = runtime.block_on(upload.wait_for_capacity(PARTS));
                room.map_err(|error| io::Error::other(format!("{place}: {}", brief_of_write(&error))))?;
                upload.write(bytes);
                Ok(bytes.len())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(file) => file.file.flush(),
            // The end of the upload does.
            Self::Object { .. } => Ok(()),
        }
    }
}

/// A file that takes its name when it is whole.
pub struct FileTarget {
    path: PathBuf,
    part: PathBuf,
    reserve: u64,
    file: BufWriter<File>,
}

impl FileTarget {
    fn begin(path: &Path, reserve: u64) -> anyhow::Result<Self> {
        if path.exists() {
            bail!("{} exists: a backup never replaces another, choose another name", path.display());
        }
        let mut part = path.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(false).mode(0o600).open(&part);
        let file = file.with_context(|| format!("{} cannot be written", part.display()))?;
        if file.try_lock().is_err() {
            bail!("another backup writes to {} right now", part.display());
        }
        file.set_len(0)?;
        Ok(Self { path: path.to_owned(), part, reserve, file: BufWriter::with_capacity(1 << 20, file) })
    }

    fn folder(&self) -> &Path {
        self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }

    fn finish(mut self) -> Result<(), CopyError> {
        let failed = |path: &Path, error: io::Error| {
            CopyError::Outside(format!("{} cannot be finished: {error}", path.display()))
        };
        let finish = |target: &mut Self| {
            target.file.flush()?;
            target.file.get_ref().sync_all()?;
            std::fs::rename(&target.part, &target.path)?;
            File::open(target.folder())?.sync_all()
        };
        finish(&mut self).map_err(|error| failed(&self.path, error))
    }
}

impl Drop for FileTarget {
    fn drop(&mut self) {
        // Once it has its name there is nothing of this one.
        let _ = std::fs::remove_file(&self.part);
    }
}
