//! `bowline-server backup`, `restore`, `migrate` and `new-epoch`: the whole record from one place to another.
//!
//! The rows and what they mean are the store's ([`bowline_store::copy`]); this is the file that they lie in, and what an operator is told.

pub mod archive;
pub mod place;

use std::path::Path;

use anyhow::{Context, bail};
use bowline_store::copy::{
    CopyError, Database, PostgresDatabase, Present, Rows, SqliteDatabase, Use, compare,
};
use clap::{Args, Subcommand};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::config::Where;
use crate::{audit, logging};
use archive::Manifest;
use place::{Place, Target};

/// `backup`
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct BackupOptions {
    #[command(subcommand)]
    command: Option<BackupCommand>,
    /// Where to: a path or s3://BUCKET/NAME, gs://…, az://… that does not exist yet.
    #[arg(long, required = true)]
    to: Option<String>,
    #[command(flatten)]
    place: Where,
}

/// What else can be done with a backup.
#[derive(Subcommand)]
enum BackupCommand {
    /// Read a backup to its end and hold it against its checksums.
    Verify {
        /// Where it is.
        from: String,
    },
}

/// `restore`
#[derive(Args)]
pub struct RestoreOptions {
    /// The backup: a path or URL as of `backup --to`.
    #[arg(long)]
    from: String,
    /// Lose what is in the database.
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    place: Where,
}

/// `migrate`
#[derive(Args)]
pub struct MigrateOptions {
    /// The database to read: sqlite:DATA-DIRECTORY or postgres://… No server may work on it.
    #[arg(long, env = "BOWLINE_MIGRATE_FROM", hide_env_values = true)]
    from: String,
    /// The database to fill; it must be empty.
    #[arg(long, env = "BOWLINE_MIGRATE_TO", hide_env_values = true)]
    to: String,
}

/// The exit code of a failure: 3 where what was read is not what it should be, and trying again changes nothing.
#[must_use]
pub fn exit_code(error: &anyhow::Error) -> u8 {
    let damaged = error.chain().any(|cause| {
        matches!(
            cause.downcast_ref(),
            Some(CopyError::Damaged(_) | CopyError::Incomplete | CopyError::Differs { .. })
        )
    });
    if damaged { 3 } else { 1 }
}

impl Where {
    fn database(self) -> anyhow::Result<(Box<dyn Database>, Self)> {
        let place = self.with_file()?;
        let database: Box<dyn Database> = match (&place.database, &place.data_dir) {
            (Some(url), _) => Box::new(PostgresDatabase { url: url.clone() }),
            (None, Some(directory)) => {
                Box::new(SqliteDatabase { directory: directory.clone(), disk_reserve_bytes: place.reserve() })
            }
            (None, None) => bail!("say which database: --data-dir DIR, or --database postgres://…"),
        };
        Ok((database, place))
    }
}

/// Makes a backup, or verifies one.
///
/// # Errors
/// Why there is none.
pub async fn backup(options: BackupOptions, now: Timestamp) -> anyhow::Result<()> {
    logging::quiet();
    if let Some(BackupCommand::Verify { from }) = options.command {
        return verify(&Place::parse(&from)?).await;
    }
    let to = Place::parse(options.to.as_deref().unwrap_or_default())?;
    let (database, place) = options.place.database()?;
    let target = to.create(place.reserve()).await?;
    let rows = database.dump(Use::Shared).await?;
    let manifest = write(target, rows, now).await?;
    println!(
        "{to}: revision {} of epoch {}, {} rows in {} parts",
        manifest.header.revision,
        manifest.header.epoch,
        manifest.total(),
        manifest.parts.len(),
    );
    println!(
        "The root key (root.key in the data directory, or --root-key-file) is not in it. Without that key nobody can use what is sealed \
         in a restored database: keep a copy of it elsewhere than the backups."
    );
    Ok(())
}

/// On a thread of its own: compressing and writing are no work for the runtime. An interrupt ends it, and removes what was begun.
async fn write(mut target: Target, rows: Rows, now: Timestamp) -> anyhow::Result<Manifest> {
    let interrupted = CancellationToken::new();
    let (check_room, stopped) = (target.check_room(), interrupted.clone());
    let mut writing = tokio::task::spawn_blocking(move || {
        let check = || match stopped.is_cancelled() {
            true => Err(CopyError::Outside("the backup was interrupted; nothing is left of it".to_owned())),
            false => check_room(),
        };
        match archive::write(rows, &mut target, now, &check) {
            Ok(manifest) => target.finish().map(|()| manifest).map_err(|error| Box::new((error, None))),
            Err(error) => Err(Box::new((error, Some(target)))),
        }
    });
    let stop = crate::wire::stop_signal()?;
    let written = tokio::select! {
        written = &mut writing => written?,
        () = stop => {
            interrupted.cancel();
            writing.await?
        }
    };
    match written {
        Ok(manifest) => Ok(manifest),
        Err(failed) => {
            let (error, target) = *failed;
            if let Some(target) = target {
                target.abandon().await;
            }
            Err(error.into())
        }
    }
}

async fn verify(from: &Place) -> anyhow::Result<()> {
    let (header, mut rows) = archive::read(from.open().await?).await.with_context(|| from.to_string())?;
    let mut count = 0;
    while let Some(page) = rows.next().await.with_context(|| from.to_string())? {
        count += page.rows.len();
    }
    println!(
        "{from} is whole: revision {} of epoch {}, taken at {}, {count} rows, schema {}",
        header.revision, header.epoch, header.taken_at, header.schema
    );
    Ok(())
}

/// Fills a database from a backup.
///
/// # Errors
/// Why it is not filled; then it is as it was.
pub async fn restore(options: RestoreOptions, now: Timestamp) -> anyhow::Result<()> {
    logging::quiet();
    let from = Place::parse(&options.from)?;
    let (database, place) = options.place.database()?;
    let (header, rows) = archive::read(from.open().await?).await.with_context(|| from.to_string())?;
    let present = if options.replace { Present::Replaced } else { Present::Kept };
    let head = database.load(rows, present).await.context("nothing was restored")?;
    println!(
        "restored revision {} from {from}, taken at {}; the epoch is now {}: agents take this state whatever they had",
        head.revision, header.taken_at, head.epoch
    );
    let Some(directory) = place.data_dir else {
        println!(
            "On each server move audit-heads.jws aside before it starts: it speaks of what came after the backup."
        );
        return Ok(());
    };
    set_heads_aside(&directory, now)?;
    if !directory.join("root.key").exists() {
        println!(
            "There is no root.key in {}: put the one of the backed-up server there, or give --root-key-file",
            directory.display()
        );
    }
    Ok(())
}

/// What was signed about the log that is not there any more stays, under another name.
fn set_heads_aside(directory: &Path, now: Timestamp) -> anyhow::Result<()> {
    if let Some(kept) = audit::HeadsFile::of(directory).set_aside(now)? {
        println!(
            "The signatures of the activity log's heads until now are kept in {}: they prove what the log was before the restore",
            kept.display()
        );
    }
    Ok(())
}

fn database_of(text: &str) -> anyhow::Result<Box<dyn Database>> {
    if let Some(directory) = text.strip_prefix("sqlite:") {
        let directory = directory.trim_start_matches("//").into();
        return Ok(Box::new(SqliteDatabase { directory, disk_reserve_bytes: 256 << 20 }));
    }
    if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        return Ok(Box::new(PostgresDatabase { url: text.to_owned() }));
    }
    bail!("a database is sqlite:DATA-DIRECTORY or postgres://user:password@host:port/database")
}

/// Copies a database into another and compares the two.
///
/// # Errors
/// Why it is not copied, or what differs.
pub async fn migrate(options: MigrateOptions) -> anyhow::Result<()> {
    logging::quiet();
    let (from, to) = (database_of(&options.from)?, database_of(&options.to)?);
    let head = to.load(from.dump(Use::Alone).await?, Present::Kept).await.context("nothing was migrated")?;
    println!("copied revision {}; comparing", head.revision);
    let found = compare(from.dump(Use::Alone).await?, to.dump(Use::Alone).await?).await?;
    for (table, rows) in &found.same {
        println!("{rows:>12} the same in {table}");
    }
    found.into_result()?;
    println!(
        "Everything is the same, in the new epoch {}. Start the servers on the new database with the same root.key, audit.key and tls folder; \
         never start one on the old database again.",
        head.epoch
    );
    Ok(())
}

/// Starts a new epoch.
///
/// # Errors
/// When the database cannot be written.
pub async fn new_epoch(place: Where) -> anyhow::Result<()> {
    logging::quiet();
    let (database, _) = place.database()?;
    let head = database.begin_epoch().await?;
    println!(
        "the epoch is now {} at revision {}: agents take this state whatever they had",
        head.epoch, head.revision
    );
    Ok(())
}
