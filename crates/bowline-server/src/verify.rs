//! `bowline-server audit`: holds a database's activity log against what was signed about it, without a server.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use bowline_arm::audit::{LOG, Report, Stated, Verifier};
use bowline_auth::statement::{read_public_keys, verify_statement};
use bowline_auth::{PublicKey, StatementKey};
use bowline_store::{ActivityLog, open_postgres_log, open_sqlite_log};
use clap::{Args, Subcommand};

use crate::audit::HeadsFile;
use crate::tls;

/// Entries that are read at once.
const BATCH: u32 = 1000;

/// What to do with the log.
#[derive(Subcommand)]
pub enum AuditCommand {
    /// Hold the activity log of a database against what was signed about it; works beside a running server.
    Verify(VerifyOptions),
    /// Print the public half of the key that signs the activity log, as a JWK: keep it elsewhere.
    PublicKey {
        /// The server's data directory.
        #[arg(long, env = "BOWLINE_DATA_DIR")]
        data_dir: PathBuf,
        /// The key's file [default: audit.key in the data directory].
        #[arg(long, env = "BOWLINE_AUDIT_KEY_FILE")]
        audit_key_file: Option<PathBuf>,
    },
}

/// Where the log is, and what speaks for it.
#[derive(Args)]
pub struct VerifyOptions {
    /// The server's data directory: its file of signed heads, and its database unless --database says otherwise.
    #[arg(long, env = "BOWLINE_DATA_DIR", required_unless_present = "database")]
    data_dir: Option<PathBuf>,
    /// postgres://…
    #[arg(long, env = "BOWLINE_DATABASE", hide_env_values = true)]
    database: Option<String>,
    /// Files with public keys (JWK, JWKS or PEM) whose signatures count; one for each server's key.
    #[arg(long, required = true)]
    public_key: Vec<PathBuf>,
    /// Further files of signed heads: copies that were kept elsewhere, or other servers'.
    #[arg(long)]
    heads: Vec<PathBuf>,
}

/// Does it.
///
/// # Errors
/// When something cannot be read, and when the log is not what was signed.
pub async fn run(command: AuditCommand) -> anyhow::Result<()> {
    match command {
        AuditCommand::Verify(options) => {
            let report = verify(&options).await?;
            for finding in &report.findings {
                println!("{finding}");
            }
            if report.more > 0 {
                println!("and {} more", report.more);
            }
            println!("{}", summary(&report));
            match report.findings.len() {
                0 => Ok(()),
                1 => bail!("the activity log is not what was signed: 1 finding"),
                n => bail!("the activity log is not what was signed: {} findings", n as u64 + report.more),
            }
        }
        AuditCommand::PublicKey { data_dir, audit_key_file } => {
            let path = audit_key_file.unwrap_or_else(|| data_dir.join("audit.key"));
            let pem = String::from_utf8(tls::read_secret(&path)?).context("the audit key is not PEM")?;
            println!("{}", StatementKey::from_pem(&pem)?.jwk());
            Ok(())
        }
    }
}

fn summary(report: &Report) -> String {
    let entries = match report.range {
        None => "the log holds no entry".to_owned(),
        Some((first, last)) => format!("entries {first} to {last} were read"),
    };
    let signed = match (&report.signed, report.range) {
        (None, _) => "none of it is vouched for by a signature".to_owned(),
        (Some((seq, time)), Some((_, last))) if last > *seq => {
            format!("signed up to entry {seq} on {time}; the {} after it are not signed yet", last - seq)
        }
        (Some((seq, time)), _) => format!("signed up to entry {seq} on {time}"),
    };
    format!("{entries}; {signed}")
}

async fn verify(options: &VerifyOptions) -> anyhow::Result<Report> {
    let mut keys = Vec::new();
    for path in &options.public_key {
        let text = String::from_utf8(tls::read_public(path)?).context("a public key is text")?;
        let read = read_public_keys(&text);
        let read =
            read.map_err(|why| anyhow::anyhow!("the public key {} is not understood: {why}", path.display()));
        keys.extend(read?);
    }
    let log: Box<dyn ActivityLog> = match (&options.database, &options.data_dir) {
        (Some(url), _) => open_postgres_log(url).await?,
        (None, Some(directory)) => open_sqlite_log(directory)?,
        (None, None) => bail!("say which log: --data-dir DIR or --database URL"),
    };
    let mut signed: Vec<String> = log.statements().await?.into_iter().map(|s| s.signed).collect();
    if let Some(directory) = &options.data_dir {
        signed.extend(HeadsFile::of(directory).all()?);
    }
    for path in &options.heads {
        signed.extend(read_heads(path)?);
    }
    let mut verifier = Verifier::new(believed(&signed, &keys)?);
    let mut after = verifier.start();
    loop {
        let batch = log.chain(after, BATCH).await?;
        batch.iter().for_each(|entry| verifier.take(entry));
        match batch.last() {
            Some(last) => after = last.seq,
            None => return Ok(verifier.finish()),
        }
    }
}

fn read_heads(path: &Path) -> anyhow::Result<Vec<String>> {
    let text = String::from_utf8(tls::read_public(path)?).context("a file of signed heads is text")?;
    Ok(text.lines().map(str::to_owned).filter(|line| !line.is_empty()).collect())
}

/// The statements that one of the keys signed. Others are left out and counted: another server's key may be missing.
fn believed(signed: &[String], keys: &[PublicKey]) -> anyhow::Result<Vec<Stated>> {
    let (mut all, mut strange) = (Vec::new(), 0);
    for statement in signed {
        match verify_statement::<Stated>(statement, keys) {
            Ok((stated, _)) if stated.log == LOG => all.push(stated),
            _ => strange += 1,
        }
    }
    if strange > 0 {
        println!("{strange} statements were not signed by the given keys and do not count");
    }
    if all.windows(2).any(|pair| pair[0].tenant != pair[1].tenant) {
        bail!("the signed statements are about the logs of several tenants: give those of one");
    }
    Ok(all)
}
