//! Settings: flag, then environment, then file; every one has a default but the data directory.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, bail};
use bowline_control::RequestBudgets;
use clap::{Args, Parser, Subcommand, ValueEnum};
use serde::Deserialize;

use crate::limits::{LimitOptions, Limits};
use crate::upstream::UpstreamOptions;

/// The command line.
#[derive(Parser)]
#[command(name = "bowline-server", about = "The Bowline control plane")]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Serve until stopped.
    Serve(Box<Options>),
    /// Make a backup of the database while servers work on it, or verify one.
    Backup(crate::backup::BackupOptions),
    /// Fill an empty database from a backup.
    Restore(crate::backup::RestoreOptions),
    /// Copy a database into another, from SQLite to PostgreSQL or back, and compare the two.
    Migrate(crate::backup::MigrateOptions),
    /// Start a new epoch, after the database was restored by means of its own: agents then take its state whatever they had.
    NewEpoch(Where),
    /// Verify the activity log, print the key that signs it.
    #[command(subcommand)]
    Audit(crate::verify::AuditCommand),
    /// Print the files that are rendered from the code, as a JSON object of path and text.
    Generate,
    /// Print version, commit and protocol.
    Version,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

/// Each is a flag, `BOWLINE_…` in the environment, or a key of the file.
#[derive(Args, Deserialize, Default)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Options {
    /// A TOML file with these settings.
    #[arg(long, env = "BOWLINE_CONFIG")]
    #[serde(skip)]
    config: Option<PathBuf>,
    /// Where the server keeps its data.
    #[arg(long, env = "BOWLINE_DATA_DIR")]
    data_dir: Option<PathBuf>,
    /// Address and port to listen on [default: 127.0.0.1:8443].
    #[arg(long, env = "BOWLINE_LISTEN")]
    listen: Option<SocketAddr>,
    /// Address and port to listen on for the other servers of the database; tunnels to agents of other servers need it.
    #[arg(long, env = "BOWLINE_PEER_LISTEN")]
    peer_listen: Option<SocketAddr>,
    /// HOST:PORT by which the other servers reach it [default: that of --peer-listen].
    #[arg(long, env = "BOWLINE_PEER_ADDRESS")]
    peer_address: Option<String>,
    /// How clients and agents reach the server [default: https://localhost:PORT].
    #[arg(long, env = "BOWLINE_PUBLIC_URL")]
    public_url: Option<String>,
    /// postgres://… [default: SQLite in the data directory].
    #[arg(long, env = "BOWLINE_DATABASE", hide_env_values = true)]
    database: Option<String>,
    /// A certificate chain (PEM) in place of the local certificate authority's.
    #[arg(long, env = "BOWLINE_TLS_CERT", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Its private key (PEM).
    #[arg(long, env = "BOWLINE_TLS_KEY", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Holds the first administrator's password; without it one is made and printed once.
    #[arg(long, env = "BOWLINE_ADMIN_PASSWORD_FILE")]
    admin_password_file: Option<PathBuf>,
    /// Holds the root key (32 bytes, base64) [default: root.key in the data directory, made at the first start].
    #[arg(long, env = "BOWLINE_ROOT_KEY_FILE")]
    root_key_file: Option<PathBuf>,
    /// text or json.
    #[arg(long, env = "BOWLINE_LOG_FORMAT", value_enum)]
    log_format: Option<LogFormat>,
    /// Which log lines, e.g. info or bowline_control=debug [default: info].
    #[arg(long, env = "BOWLINE_LOG")]
    log: Option<String>,
    /// Location names to offer, separated by commas [default: local and the names of Azure's public regions].
    #[arg(long, env = "BOWLINE_LOCATIONS", value_delimiter = ',')]
    locations: Option<Vec<String>>,
    /// Seconds after a start in which resources keep their state without a session [default: 60].
    #[arg(long, env = "BOWLINE_RESTART_GRACE")]
    restart_grace: Option<u64>,
    /// Seconds that an agent's token, and with it its session, lives [default: 1800].
    #[arg(long, env = "BOWLINE_AGENT_TOKEN_SECONDS")]
    agent_token_seconds: Option<u64>,
    /// Seconds that an agent's key is valid; agents replace it from half of that on [default: 7776000, 90 days].
    #[arg(long, env = "BOWLINE_AGENT_KEY_SECONDS")]
    agent_key_seconds: Option<u64>,
    /// A folder with the agent's image as an OCI image layout, to serve under /v2/bowline-agent.
    #[arg(long, env = "BOWLINE_AGENT_IMAGE")]
    agent_image: Option<PathBuf>,
    /// Seconds that a key signs tokens until the next one does [default: 7776000, 90 days].
    #[arg(long, env = "BOWLINE_SIGNING_KEY_SECONDS")]
    signing_key_seconds: Option<u64>,
    /// GET requests that a principal may send in a subscription per minute [default: 3000000].
    #[arg(long, env = "BOWLINE_READS_PER_MINUTE")]
    reads_per_minute: Option<u32>,
    /// PUT, PATCH and POST requests that a principal may send in a subscription per minute [default: 1200000].
    #[arg(long, env = "BOWLINE_WRITES_PER_MINUTE")]
    writes_per_minute: Option<u32>,
    /// DELETE requests that a principal may send in a subscription per minute [default: 1200000].
    #[arg(long, env = "BOWLINE_DELETES_PER_MINUTE")]
    deletes_per_minute: Option<u32>,
    /// Holds the key that signs the activity log (PKCS#8, PEM, P-256) [default: audit.key in the data directory, made at the first start].
    #[arg(long, env = "BOWLINE_AUDIT_KEY_FILE")]
    audit_key_file: Option<PathBuf>,
    /// Seconds between two signatures of the activity log's head [default: 60].
    #[arg(long, env = "BOWLINE_AUDIT_SIGN_SECONDS")]
    audit_sign_seconds: Option<u64>,
    /// Days that entries of the activity log are kept [default: 90].
    #[arg(long, env = "BOWLINE_ACTIVITY_DAYS")]
    activity_days: Option<f64>,
    /// Free disk space in MiB below which writes are refused [default: 256].
    #[arg(long, env = "BOWLINE_DISK_RESERVE_MIB")]
    disk_reserve_mib: Option<u64>,
    /// Memory in MiB for the packed documents of the query tables; beyond it they lie in a file of the data directory [default: 512].
    #[arg(long, env = "BOWLINE_INDEX_MEMORY")]
    index_memory: Option<u64>,
    /// Certificate authorities (PEM) to trust, beside the system's, for the issuers that federated identity credentials name.
    #[arg(long, env = "BOWLINE_FEDERATION_CA_FILE")]
    federation_ca_file: Option<PathBuf>,
    /// Where to send this server's own traces, e.g. http://collector:4318 [default: OTEL_EXPORTER_OTLP_ENDPOINT; without either none are made].
    #[arg(long, env = "BOWLINE_OTLP_ENDPOINT")]
    otlp_endpoint: Option<String>,
    #[command(flatten)]
    limits: LimitOptions,
    #[command(flatten)]
    upstream: UpstreamOptions,
}

/// Which database, for commands beside `serve`: the same flags, environment and file.
#[derive(Args)]
pub struct Where {
    /// The file with the server's settings (TOML).
    #[arg(long, env = "BOWLINE_CONFIG")]
    config: Option<PathBuf>,
    /// The server's data directory.
    #[arg(long, env = "BOWLINE_DATA_DIR")]
    pub data_dir: Option<PathBuf>,
    /// postgres://… [default: SQLite in the data directory].
    #[arg(long, env = "BOWLINE_DATABASE", hide_env_values = true)]
    pub database: Option<String>,
    /// Free disk space in MiB that is left [default: 256].
    #[arg(long, env = "BOWLINE_DISK_RESERVE_MIB")]
    disk_reserve_mib: Option<u64>,
}

impl Where {
    /// Completed by the file.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn with_file(self) -> anyhow::Result<Self> {
        let file = Options::read(self.config.as_deref())?;
        Ok(Self {
            config: self.config,
            data_dir: self.data_dir.or(file.data_dir),
            database: self.database.or(file.database),
            disk_reserve_mib: self.disk_reserve_mib.or(file.disk_reserve_mib),
        })
    }

    /// What stays free, in bytes.
    #[must_use]
    pub fn reserve(&self) -> u64 {
        self.disk_reserve_mib.unwrap_or(256) << 20
    }
}

impl Options {
    /// What the file says; nothing without one.
    #[expect(clippy::disallowed_methods, reason = "the configuration file is read here and nowhere else")]
    fn read(path: Option<&std::path::Path>) -> anyhow::Result<Self> {
        let Some(path) = path else { return Ok(Self::default()) };
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("the configuration file {} cannot be read", path.display()))?;
        toml::from_str(&text)
            .with_context(|| format!("the configuration file {} is not understood", path.display()))
    }
}

/// The settings that hold.
#[derive(Debug)]
pub struct Config {
    /// See [`Options`].
    pub data_dir: PathBuf,
    /// See [`Options`].
    pub listen: SocketAddr,
    /// Where to listen for other servers, and how they reach it.
    pub peers: Option<(SocketAddr, String)>,
    /// Without a trailing slash.
    pub public_url: String,
    /// See [`Options`].
    pub database: Option<Secret>,
    /// Certificate and key.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// See [`Options`].
    pub admin_password_file: Option<PathBuf>,
    /// See [`Options`].
    pub root_key_file: PathBuf,
    /// See [`Options`].
    pub log_format: LogFormat,
    /// See [`Options`].
    pub log: String,
    /// See [`Options`].
    pub locations: Vec<String>,
    /// See [`Options`].
    pub restart_grace: std::time::Duration,
    /// See [`Options`].
    pub agent_token_lifetime: jiff::SignedDuration,
    /// See [`Options`].
    pub agent_key_lifetime: jiff::SignedDuration,
    /// See [`Options`].
    pub agent_image: Option<PathBuf>,
    /// See [`Options`].
    pub signing_keys: bowline_auth::RotationRule,
    /// See [`Options`].
    pub budgets: RequestBudgets,
    /// See [`Options`].
    pub audit_key_file: PathBuf,
    /// See [`Options`].
    pub audit_period: std::time::Duration,
    /// See [`Options`].
    pub activity_retention: jiff::SignedDuration,
    /// See [`Options`].
    pub disk_reserve_bytes: u64,
    /// See [`Options`].
    pub index_memory: usize,
    /// See [`Options`].
    pub federation_ca_file: Option<PathBuf>,
    /// See [`Options`].
    pub otlp_endpoint: Option<String>,
    /// See [`LimitOptions`].
    pub limits: Limits,
    /// See [`Options`].
    pub upstream: UpstreamOptions,
}

/// A text that is not shown.
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

impl Config {
    /// Flag and environment first (clap has merged them), then the file, then the defaults.
    ///
    /// # Errors
    /// When the file cannot be read or a setting makes no sense.
    pub fn resolve(options: Options) -> anyhow::Result<Self> {
        let file = Options::read(options.config.as_deref())?;
        let Some(data_dir) = options.data_dir.or(file.data_dir) else {
            bail!(
                "no data directory was given: add --data-dir DIR (or BOWLINE_DATA_DIR), where the server keeps its database and keys"
            );
        };
        let listen =
            options.listen.or(file.listen).unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8443)));
        let public_url = options
            .public_url
            .or(file.public_url)
            .unwrap_or_else(|| format!("https://localhost:{}", listen.port()));
        let public_url = public_url.trim_end_matches('/').to_owned();
        let parsed = url::Url::parse(&public_url)
            .with_context(|| format!("the public URL '{public_url}' is not understood"))?;
        if parsed.scheme() != "https" || parsed.path() != "/" || parsed.query().is_some() {
            bail!(
                "the public URL '{public_url}' must be https://HOST[:PORT] without a path: clients refuse http"
            );
        }
        let tls = match (options.tls_cert.or(file.tls_cert), options.tls_key.or(file.tls_key)) {
            (Some(cert), Some(key)) => Some((cert, key)),
            (None, None) => None,
            _ => bail!("--tls-cert and --tls-key belong together: give both or neither"),
        };
        let key = i64::try_from(options.agent_key_seconds.or(file.agent_key_seconds).unwrap_or(90 * 86_400))
            .context("agent-key-seconds is too large")?;
        let token = i64::try_from(options.agent_token_seconds.or(file.agent_token_seconds).unwrap_or(1800))
            .context("agent-token-seconds is too large")?;
        if !(10..=3650 * 86_400).contains(&key) || !(10..=86_400).contains(&token) {
            bail!(
                "agent-key-seconds must be 10 to 315360000 (ten years) and agent-token-seconds 10 to 86400"
            );
        }
        let signing = match options.signing_key_seconds.or(file.signing_key_seconds) {
            None => bowline_auth::RotationRule::default(),
            Some(seconds @ 15..=315_360_000) => {
                bowline_auth::RotationRule::every(jiff::SignedDuration::from_secs(seconds.cast_signed()))
            }
            Some(_) => bail!("signing-key-seconds must be 15 to 315360000 (ten years)"),
        };
        let usual = RequestBudgets::default();
        let budgets = RequestBudgets {
            reads_per_minute: options
                .reads_per_minute
                .or(file.reads_per_minute)
                .unwrap_or(usual.reads_per_minute),
            writes_per_minute: options
                .writes_per_minute
                .or(file.writes_per_minute)
                .unwrap_or(usual.writes_per_minute),
            deletes_per_minute: options
                .deletes_per_minute
                .or(file.deletes_per_minute)
                .unwrap_or(usual.deletes_per_minute),
        };
        if [budgets.reads_per_minute, budgets.writes_per_minute, budgets.deletes_per_minute].contains(&0) {
            bail!("reads-per-minute, writes-per-minute and deletes-per-minute must be at least 1");
        }
        let database = options.database.or(file.database).map(Secret);
        let peers = peers(
            options.peer_listen.or(file.peer_listen),
            options.peer_address.or(file.peer_address),
            database.is_some(),
        )?;
        let sign_seconds = options.audit_sign_seconds.or(file.audit_sign_seconds).unwrap_or(60);
        let activity_days = options.activity_days.or(file.activity_days).unwrap_or(90.0);
        if !(1..=3600).contains(&sign_seconds) || !(0.00001..=36_500.0).contains(&activity_days) {
            bail!("audit-sign-seconds must be 1 to 3600 and activity-days 0.00001 (a second) to 36500");
        }
        Ok(Self {
            audit_key_file: options
                .audit_key_file
                .or(file.audit_key_file)
                .unwrap_or_else(|| data_dir.join("audit.key")),
            audit_period: std::time::Duration::from_secs(sign_seconds),
            activity_retention: jiff::SignedDuration::from_secs_f64(activity_days * 86_400.0),
            signing_keys: signing,
            budgets,
            root_key_file: options
                .root_key_file
                .or(file.root_key_file)
                .unwrap_or_else(|| data_dir.join("root.key")),
            data_dir,
            listen,
            public_url,
            database,
            peers,
            tls,
            admin_password_file: options.admin_password_file.or(file.admin_password_file),
            log_format: options.log_format.or(file.log_format).unwrap_or_default(),
            log: options.log.or(file.log).unwrap_or_else(|| "info".to_owned()),
            locations: options.locations.or(file.locations).unwrap_or_default(),
            restart_grace: std::time::Duration::from_secs(
                options.restart_grace.or(file.restart_grace).unwrap_or(60),
            ),
            agent_token_lifetime: jiff::SignedDuration::from_secs(token),
            agent_key_lifetime: jiff::SignedDuration::from_secs(key),
            agent_image: options.agent_image.or(file.agent_image),
            disk_reserve_bytes: options.disk_reserve_mib.or(file.disk_reserve_mib).unwrap_or(256) << 20,
            index_memory: usize::try_from(options.index_memory.or(file.index_memory).unwrap_or(512) << 20)?,
            federation_ca_file: options.federation_ca_file.or(file.federation_ca_file),
            otlp_endpoint: options.otlp_endpoint.or_else(standard_endpoint).or(file.otlp_endpoint),
            limits: options.limits.or(file.limits).resolve(crate::host::files().map(|files| files.limit))?,
            upstream: options.upstream.or(file.upstream),
        })
    }
}

/// Where to listen for other servers, and how they reach it.
fn peers(
    listen: Option<SocketAddr>,
    address: Option<String>,
    shared: bool,
) -> anyhow::Result<Option<(SocketAddr, String)>> {
    match (listen, address) {
        (None, None) => Ok(None),
        (None, Some(_)) => bail!("--peer-address says how others reach --peer-listen: give that too"),
        (Some(_), _) if !shared => {
            bail!("--peer-listen is for several servers on one database: a server on SQLite has no others")
        }
        (Some(listen), None) if listen.ip().is_unspecified() => bail!(
            "--peer-listen {listen} is no address that others can connect to: say with --peer-address HOST:PORT how they reach this server"
        ),
        (Some(listen), None) => Ok(Some((listen, listen.to_string()))),
        (Some(listen), Some(address)) => {
            let port = address.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
            if port.is_none() {
                bail!("the peer address '{address}' must be HOST:PORT");
            }
            Ok(Some((listen, address)))
        }
    }
}

/// The setting that programs with OpenTelemetry have in common.
#[expect(clippy::disallowed_methods, reason = "the environment is read here, as the settings are")]
fn standard_endpoint() -> Option<String> {
    std::env::var("OTEL_EXPORTER_OTLP_ENDPOINT").ok().filter(|endpoint| !endpoint.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_reached_where_they_say() {
        let listen = |text: &str| Some(text.parse().unwrap());
        assert_eq!(peers(None, None, false).unwrap(), None);
        let (_, address) = peers(listen("10.0.0.7:8444"), None, true).unwrap().unwrap();
        assert_eq!(address, "10.0.0.7:8444");
        let (_, address) =
            peers(listen("0.0.0.0:8444"), Some("one.internal:8444".into()), true).unwrap().unwrap();
        assert_eq!(address, "one.internal:8444");
        assert!(peers(listen("0.0.0.0:8444"), None, true).is_err());
        assert!(peers(listen("10.0.0.7:8444"), None, false).is_err());
        assert!(peers(None, Some("one.internal:8444".into()), true).is_err());
        assert!(peers(listen("10.0.0.7:8444"), Some("one.internal".into()), true).is_err());
    }

    #[test]
    fn a_public_url_must_be_https_without_a_path() {
        let resolve = |url: &str| {
            Config::resolve(Options {
                data_dir: Some("d".into()),
                public_url: Some(url.to_owned()),
                ..Options::default()
            })
        };
        assert_eq!(resolve("https://bowline.example/").unwrap().public_url, "https://bowline.example");
        assert!(resolve("http://bowline.example").is_err());
        assert!(resolve("https://bowline.example/x").is_err());
    }
}
