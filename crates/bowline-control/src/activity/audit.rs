//! Signs the head of the activity log once a minute, prunes what is older than the retention, and shows both to whoever verifies.
//!
//! # Design notes
//! - The key and a copy of what was signed lie outside of the database ([`Shelf`]): whoever can write the whole database can neither sign nor
//!   take a signature back.
//! - Before a head is signed, the chain is walked from the one signed before. A log that was rewritten meanwhile is not signed; the error is
//!   logged every minute until an operator has looked.
//! - Every server signs for itself, because each is a witness of its own. They read the log once more for it; a lease would save that and let
//!   whoever can write the database stop all signing with one row.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bowline_arm::audit::{Kind, LOG, Stated};
use bowline_arm::chain::{Broken, Chain, Link};
use bowline_auth::PublicKey;
use bowline_auth::statement::{StatementKey, read_public_keys, verify_statement};
use bowline_store::{Statement, StoreError};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::Control;
use crate::clock::Clock;

/// What it takes to read the log as it is kept, at the root.
pub const READ: &str = "Microsoft.Bowline/audit/read";
/// The entries that one question to the store brings.
const BATCH: u32 = 1000;
/// The most batches that are pruned at a time.
const MOST_PRUNED: usize = 100;
/// The statements that are looked at outside of the database: half a week of a busy log.
const MOST_STATEMENTS: usize = 5000;

/// Where statements are kept outside of the database.
pub trait Shelf: Send + Sync {
    /// The newest statements, oldest first.
    ///
    /// # Errors
    /// When they cannot be read.
    fn newest(&self, limit: usize) -> std::io::Result<Vec<String>>;

    /// Adds one, durably.
    ///
    /// # Errors
    /// When it cannot be written.
    fn append(&self, statement: &str) -> std::io::Result<()>;
}

/// Signs and prunes the log.
pub struct Auditor {
    key: StatementKey,
    public: Vec<PublicKey>,
    shelf: Box<dyn Shelf>,
    /// How long entries are kept.
    retention: SignedDuration,
    /// How often the head is signed.
    period: Duration,
    /// The newest entry that this key signed, as head and as checkpoint.
    signed: Mutex<Option<(u64, Link)>>,
    pruned: Mutex<Option<(u64, Link)>>,
    /// When the log was last found in order and signed to its end, and up to which entry.
    last: Mutex<Option<(Timestamp, u64)>>,
}

/// Why nothing was signed or pruned.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The log is not what it was.
    #[error("the activity log does not continue what was signed at entry {signed}: {broken}")]
    Broken {
        /// The entry that was signed.
        signed: u64,
        /// How it differs.
        broken: Broken,
    },
    /// The log is shorter than what was signed.
    #[error(
        "the activity log ends at entry {found}, but entry {signed} was signed: entries are missing, or an older copy of the database was restored"
    )]
    Cut {
        /// Its end.
        found: u64,
        /// What was signed.
        signed: u64,
    },
    /// The store cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The statements outside of the database cannot be read or written.
    #[error("the file of signed heads: {0}")]
    Shelf(#[from] std::io::Error),
    /// The statement cannot be signed.
    #[error(transparent)]
    Key(#[from] bowline_auth::keys::KeyError),
}

impl Auditor {
    /// With its key, its shelf, and how long and how often.
    ///
    /// # Errors
    /// When the public half cannot be read, which no valid key causes.
    pub fn new(
        key: StatementKey,
        shelf: Box<dyn Shelf>,
        retention: SignedDuration,
        period: Duration,
    ) -> Result<Self, String> {
        let public = read_public_keys(&key.jwk().to_string())?;
        Ok(Self {
            key,
            public,
            shelf,
            retention,
            period,
            signed: Mutex::new(None),
            pruned: Mutex::new(None),
            last: Mutex::new(None),
        })
    }

    /// When this server last found the log in order and signed to its end, and up to which entry.
    #[must_use]
    pub fn last_signed(&self) -> Option<(Timestamp, u64)> {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The public half of its key.
    #[must_use]
    pub fn jwk(&self) -> Value {
        self.key.jwk()
    }

    /// What was signed: what the database has, and the newest of what it could not lose.
    ///
    /// # Errors
    /// When one of the two cannot be read.
    pub async fn statements(&self, control: &Control) -> Result<Vec<String>, AuditError> {
        let mut all: Vec<String> =
            control.store().statements().await?.into_iter().map(|statement| statement.signed).collect();
        all.extend(self.shelf.newest(MOST_STATEMENTS)?);
        let mut seen = std::collections::HashSet::new();
        all.retain(|statement| seen.insert(statement.clone()));
        Ok(all)
    }

    /// Those of them that this server's key signed about this tenant.
    async fn own(&self, control: &Control) -> Result<Vec<Stated>, AuditError> {
        let of_mine = |statement: &String| {
            let (stated, _) = verify_statement::<Stated>(statement, &self.public).ok()?;
            (stated.log == LOG && stated.tenant == control.tenant()).then_some(stated)
        };
        Ok(self.statements(control).await?.iter().filter_map(of_mine).collect())
    }

    /// From where to walk: the newest entry that this server signed, else the beginning. Where another server pruned what follows it, its
    /// checkpoint stands for that.
    async fn known(&self, control: &Control) -> Result<(u64, Link), AuditError> {
        let known = match remembered(&self.signed) {
            Some(known) => known,
            None => newest(self.own(control).await?.iter()).unwrap_or(Chain::default().end()),
        };
        let next = control.store().activity_chain(known.0, 1).await?;
        if next.first().is_some_and(|entry| entry.seq == known.0 + 1) {
            return Ok(known);
        }
        Ok(stated_checkpoint(control).await?.filter(|checkpoint| checkpoint.0 > known.0).unwrap_or(known))
    }

    async fn keep(
        &self,
        control: &Control,
        kind: Kind,
        (seq, link): (u64, Link),
        pruned: Option<u64>,
        now: Timestamp,
    ) -> Result<Statement, AuditError> {
        let stated =
            Stated { log: LOG.to_owned(), tenant: control.tenant(), kind, seq, link, time: now, pruned };
        let signed = self.key.sign(&stated)?;
        // Outside first: what the database knows is never more than what the file can prove.
        self.shelf.append(&signed)?;
        let (kind, signer) = (kind.as_str().to_owned(), self.key.kid().to_owned());
        Ok(Statement { kind, signer, seq, signed })
    }

    /// Signs the head if it moved; says up to which entry the log is signed.
    ///
    /// # Errors
    /// See [`AuditError`].
    pub async fn sign(&self, control: &Control, now: Timestamp) -> Result<u64, AuditError> {
        let known = self.known(control).await?;
        let (end, link) = control.store().activity_head().await?;
        if end < known.0 {
            return Err(AuditError::Cut { found: end, signed: known.0 });
        }
        if end == known.0 {
            return match link == known.1 {
                true => Ok(end),
                false => Err(AuditError::Broken {
                    signed: known.0,
                    broken: Broken::Changed { first: 1, last: end },
                }),
            };
        }
        let walked = walk(control, known, None).await?;
        if walked.0 < end {
            return Err(AuditError::Cut { found: walked.0, signed: end });
        }
        let statement = self.keep(control, Kind::Head, walked, None, now).await?;
        control.store().put_statement(statement).await?;
        remember(&self.signed, walked);
        Ok(walked.0)
    }

    /// Prunes what is older than the retention; says how many entries went.
    ///
    /// # Errors
    /// See [`AuditError`]. A log that was tampered with is not pruned.
    pub async fn prune(&self, control: &Control, now: Timestamp) -> Result<u64, AuditError> {
        let Ok(cutoff) = now.checked_sub(self.retention) else { return Ok(0) };
        let start = match remembered(&self.pruned) {
            Some(start) => start,
            None => {
                let own = self.own(control).await?;
                newest(own.iter().filter(|stated| stated.kind == Kind::Checkpoint))
                    .unwrap_or(Chain::default().end())
            }
        };
        let start = stated_checkpoint(control).await?.filter(|other| other.0 > start.0).unwrap_or(start);
        let end = walk(control, start, Some(cutoff)).await?;
        if end.0 == start.0 {
            return Ok(0);
        }
        let pruned = Some(end.0 - start.0);
        let checkpoint = self.keep(control, Kind::Checkpoint, end, pruned, now).await?;
        let gone = control.store().prune_activity(checkpoint).await?;
        remember(&self.pruned, end);
        Ok(gone)
    }
}

fn remembered(place: &Mutex<Option<(u64, Link)>>) -> Option<(u64, Link)> {
    *place.lock().unwrap_or_else(PoisonError::into_inner)
}

fn remember(place: &Mutex<Option<(u64, Link)>>, known: (u64, Link)) {
    *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(known);
}

fn newest<'a>(statements: impl Iterator<Item = &'a Stated>) -> Option<(u64, Link)> {
    statements.map(|stated| (stated.seq, stated.link)).max()
}

/// The newest checkpoint in the database, whoever signed it: another server with another key may have pruned.
async fn stated_checkpoint(control: &Control) -> Result<Option<(u64, Link)>, AuditError> {
    let all = control.store().statements().await?;
    let newest = all.iter().filter(|s| s.kind == Kind::Checkpoint.as_str()).max_by_key(|s| s.seq);
    Ok(newest.and_then(|statement| {
        let stated = unverified(&statement.signed)?;
        (stated.seq == statement.seq).then_some((stated.seq, stated.link))
    }))
}

/// What a statement says, whoever signed it.
fn unverified(statement: &str) -> Option<Stated> {
    use base64::Engine as _;
    let payload = statement.split('.').nth(1)?;
    let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).ok()?;
    serde_json::from_slice(&payload).ok()
}

/// Walks the chain to its end, or to the last block that is wholly older than `until`.
async fn walk(
    control: &Control,
    from: (u64, Link),
    until: Option<Timestamp>,
) -> Result<(u64, Link), AuditError> {
    let mut chain = Chain::after(from.0, from.1);
    let until = until.map_or(i64::MAX, Timestamp::as_microsecond);
    let most = if until == i64::MAX { usize::MAX } else { MOST_PRUNED };
    for _ in 0..most {
        let batch = control.store().activity_chain(chain.seq(), BATCH).await?;
        for entry in &batch {
            if entry.time >= until {
                return Ok(chain.end());
            }
            chain.take(entry).map_err(|broken| AuditError::Broken { signed: from.0, broken })?;
        }
        if batch.len() < BATCH as usize {
            break;
        }
    }
    Ok(chain.end())
}

impl Control {
    /// Who signs the log of this server.
    #[must_use]
    pub fn auditor(&self) -> Option<&Arc<Auditor>> {
        self.auditor.get()
    }
}

/// Signs and prunes until told to stop, and once more then.
pub async fn run(control: Arc<Control>, auditor: Arc<Auditor>, clock: Clock, cancel: CancellationToken) {
    let _ = control.auditor.set(Arc::clone(&auditor));
    loop {
        let now = clock.now();
        match auditor.sign(&control, now).await {
            Ok(end) => {
                *auditor.last.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, end));
            }
            Err(error) => {
                tracing::error!(%error, "the head of the activity log was not signed; see the guide to the activity log");
            }
        }
        if cancel.is_cancelled() {
            return;
        }
        match auditor.prune(&control, clock.now()).await {
            Ok(0) => {}
            Ok(pruned) => tracing::info!(pruned, "old entries of the activity log were pruned"),
            Err(error) => tracing::error!(%error, "the activity log was not pruned"),
        }
        tokio::select! {
            () = cancel.cancelled() => {}
            () = tokio::time::sleep(auditor.period) => {}
        }
    }
}
