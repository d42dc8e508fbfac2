//! The command line: what can be asked of the program, and how it becomes the options of the modules that do it.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use bowline_link::item::Proxy;
use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::{
    cluster::ClusterOptions,
    disk::{self, DiskError},
    machine::{commands::ConfigAction, connect::ConnectOptions},
    session::{sign_in::Credential, token::Bearer},
    simulate::SimulateOptions,
};

/// The largest token, secret or certificate file.
const MAX_INPUT: u64 = 1024 * 1024;
/// Where a machine keeps its state unless told otherwise.
const STATE_DIR: &str = "/var/lib/bowline-agent";

/// Why the arguments cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ArgsError {
    #[error("{path} does not exist", path = path.display())]
    NoFile { path: PathBuf },
    #[error("{path} is empty", path = path.display())]
    EmptyFile { path: PathBuf },
    #[error(transparent)]
    Disk(#[from] DiskError),
}

/// Bowline's agent: keeps a cluster or a machine in the record of a Bowline server.
#[derive(Debug, Parser)]
#[command(name = "bowline-agent", version, propagate_version = true)]
pub struct Arguments {
    #[command(subcommand)]
    pub role: Role,
}

impl Arguments {
    /// Reads the process's arguments; ends the process where they are wrong, or ask for help or the version.
    pub fn read(version: &'static str) -> Self {
        let matches = Self::command().version(version).get_matches();
        Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    }
}

#[derive(Debug, Subcommand)]
pub enum Role {
    /// Connect this host and keep it connected.
    Machine {
        #[command(flatten)]
        state: StateArgs,
        #[command(subcommand)]
        command: MachineCommand,
    },
    /// Keep a Kubernetes cluster connected.
    Cluster {
        #[command(subcommand)]
        command: ClusterCommand,
    },
    /// Enrol many machines that do not exist, and hold their sessions: a load generator.
    Simulate(SimulateArgs),
    /// Print version, commit and protocol.
    Version,
}

#[derive(Debug, Args)]
pub struct StateArgs {
    /// Where the identity, the ledger and the log are kept.
    #[arg(long, global = true, default_value = STATE_DIR, env = "BOWLINE_AGENT_STATE_DIR")]
    pub state_dir: PathBuf,
}

#[derive(Debug, Subcommand)]
pub enum MachineCommand {
    /// Enrol this host at a server.
    Connect(Box<ConnectArgs>),
    /// Hold the session; this is what the service runs.
    Run {
        /// Where health and metrics are served on this host, or `off`.
        #[arg(long, default_value = "127.0.0.1:0", value_parser = health)]
        health: Health,
        /// error, warn, info, debug or trace; the server's agent settings change it later.
        #[arg(long)]
        log_level: Option<String>,
    },
    /// Delete the resource and forget the identity.
    Disconnect {
        /// Only forget the identity here; the resource is left alone.
        #[arg(long)]
        force_local_only: bool,
        #[command(flatten)]
        credential: OptionalCredentialArgs,
    },
    /// Show who this host is to the server, and how its agent is.
    Show {
        /// Print JSON.
        #[arg(long, short)]
        json: bool,
    },
    /// Check the server, the clock, the key and the resource.
    Check,
    /// Print the agent's log.
    Logs {
        /// How many of the last lines.
        #[arg(long, short = 'n', default_value_t = 200)]
        lines: usize,
    },
    /// Read or change this host's own settings.
    Config {
        #[command(subcommand)]
        action: ConfigCommand,
    },
    /// Print version, commit and protocol.
    Version,
}

#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// All settings.
    List,
    /// One setting.
    Get { key: String },
    /// Change a setting.
    Set { key: String, value: String },
    /// Back to the default.
    Clear { key: String },
}

impl From<ConfigCommand> for ConfigAction {
    fn from(command: ConfigCommand) -> Self {
        match command {
            ConfigCommand::List => Self::List,
            ConfigCommand::Get { key } => Self::Get(key),
            ConfigCommand::Set { key, value } => Self::Set(key, value),
            ConfigCommand::Clear { key } => Self::Clear(key),
        }
    }
}

#[derive(Debug, Args)]
pub struct ServerArgs {
    /// The server's URL.
    #[arg(long, env = "BOWLINE_SERVER")]
    pub server: String,
    /// The certificate to trust instead of the system's roots (PEM): the server's ca.crt.
    #[arg(long)]
    pub ca_file: Option<PathBuf>,
    /// The subscription's id.
    #[arg(long)]
    pub subscription: String,
    /// The resource group's name.
    #[arg(long)]
    pub resource_group: String,
}

impl ServerArgs {
    fn ca_pem(&self) -> Result<Option<String>, ArgsError> {
        self.ca_file.as_ref().map(|path| read(path.as_path())).transpose()
    }
}

#[derive(Debug, Args)]
pub struct ConnectArgs {
    #[command(flatten)]
    pub server: ServerArgs,
    /// The resource's name; the host's name unless told otherwise.
    #[arg(long)]
    pub name: Option<String>,
    /// The resource's location.
    #[arg(long, default_value = "local")]
    pub location: String,
    /// Tags, as key=value,key=value.
    #[arg(long, value_delimiter = ',', value_parser = tag)]
    pub tags: Vec<(String, String)>,
    /// A proxy to the server; HTTPS_PROXY is used when absent.
    #[arg(long)]
    pub proxy: Option<String>,
    /// Hosts and networks that are reached without the proxy.
    #[arg(long, value_delimiter = ',')]
    pub no_proxy: Vec<String>,
    /// Take the name over from a host that was installed anew.
    #[arg(long)]
    pub replace: bool,
    #[command(flatten)]
    pub credential: CredentialArgs,
}

#[derive(Debug, Args)]
#[group(id = "credential", required = true, multiple = true)]
pub struct CredentialArgs {
    #[command(flatten)]
    pub any: OptionalCredentialArgs,
}

#[derive(Debug, Args)]
pub struct OptionalCredentialArgs {
    /// Sign in at another device.
    #[arg(long, group = "credential", conflicts_with_all = ["client_id", "enrollment_token_file", "access_token_file"])]
    pub device_code: bool,
    /// A service principal's client id.
    #[arg(long, group = "credential", requires = "client_secret_file", conflicts_with_all = ["enrollment_token_file", "access_token_file"])]
    pub client_id: Option<String>,
    /// Its secret; `-` is standard input.
    #[arg(long, requires = "client_id")]
    pub client_secret_file: Option<PathBuf>,
    /// An enrolment token; `-` is standard input.
    #[arg(long, group = "credential", conflicts_with = "access_token_file")]
    pub enrollment_token_file: Option<PathBuf>,
    /// An access token; `-` is standard input.
    #[arg(long, group = "credential")]
    pub access_token_file: Option<PathBuf>,
}

impl OptionalCredentialArgs {
    /// The credential, read from where it is; `None` when none was named.
    pub fn read(&self) -> Result<Option<Credential>, ArgsError> {
        if let (Some(client_id), Some(path)) = (&self.client_id, &self.client_secret_file) {
            return Ok(Some(Credential::Secret { client_id: client_id.clone(), secret: read(path)? }));
        }
        let token = self.enrollment_token_file.as_ref().or(self.access_token_file.as_ref());
        Ok(match token {
            Some(path) => Some(Credential::Token(read(path)?)),
            None => self.device_code.then_some(Credential::DeviceCode),
        })
    }
}

impl ConnectArgs {
    /// The options of `connect`.
    pub fn into_options(self) -> Result<ConnectOptions, ArgsError> {
        Ok(ConnectOptions {
            ca_pem: self.server.ca_pem()?,
            server: self.server.server,
            proxy: Proxy { url: self.proxy, no_proxy: self.no_proxy },
            subscription: self.server.subscription,
            resource_group: self.server.resource_group,
            name: self.name,
            location: self.location,
            tags: BTreeMap::from_iter(self.tags),
            credential: self.credential.any.read()?.unwrap_or(Credential::DeviceCode),
            replace: self.replace,
        })
    }
}

#[derive(Debug, Subcommand)]
pub enum ClusterCommand {
    /// Hold the session of a cluster: in the cluster, or beside it with a kubeconfig.
    Run {
        /// A kubeconfig file; the pod's own account when absent.
        #[arg(long)]
        kubeconfig: Option<PathBuf>,
        /// The context in the kubeconfig.
        #[arg(long)]
        context: Option<String>,
        /// Where the enrolment and the ledger live.
        #[arg(long, default_value = "bowline-system", env = "BOWLINE_AGENT_NAMESPACE")]
        namespace: String,
        /// Where health and metrics are served, or `off` [default: port 8080 of the pod's address, or any port of this host].
        #[arg(long, value_parser = health, env = "BOWLINE_AGENT_HEALTH")]
        health: Option<Health>,
        /// The pod's own address, where it is probed; a pod gets it from the downward API (status.podIP).
        #[arg(long, env = "POD_IP")]
        pod_ip: Option<IpAddr>,
        /// Whether the server may ask for tunnels to the API server: remote kubectl as the caller.
        #[arg(long, env = "BOWLINE_AGENT_TUNNELS", default_value_t = true, action = clap::ArgAction::Set)]
        tunnels: bool,
        /// A folder with agent.json and key.pem, as the chart mounts it: taken once, when the agent has no newer enrolment.
        #[arg(long, value_name = "FOLDER")]
        onboarding: Option<PathBuf>,
    },
    /// Try the way to the server from here and print what was found as JSON: `bowline cluster connect` starts it in a pod.
    Preflight {
        /// Where to, as JSON: {"server", "caPem", "proxy": {"url", "noProxy"}}.
        #[arg(long, env = "BOWLINE_PREFLIGHT", value_name = "JSON")]
        to: String,
    },
}

/// The port of health and metrics in a pod.
const POD_HEALTH_PORT: u16 = 8080;

/// Where the cluster role serves health unless told otherwise: probes need the pod's address, nothing else may reach it.
fn usual_health(pod_ip: Option<IpAddr>) -> SocketAddr {
    pod_ip.map_or((Ipv4Addr::LOCALHOST, 0).into(), |address| (address, POD_HEALTH_PORT).into())
}

/// What the cluster role is to do.
#[derive(Debug)]
pub enum ClusterDuty {
    Run(ClusterOptions),
    Preflight { to: String },
}

impl ClusterCommand {
    /// The same with what follows from the environment.
    pub fn into_duty(self) -> ClusterDuty {
        match self {
            Self::Run { kubeconfig, context, namespace, health, pod_ip, tunnels, onboarding } => {
                let health = health.map_or_else(|| Some(usual_health(pod_ip)), |health| health.0);
                ClusterDuty::Run(ClusterOptions {
                    kubeconfig,
                    context,
                    namespace,
                    health,
                    tunnels,
                    onboarding,
                })
            }
            Self::Preflight { to } => ClusterDuty::Preflight { to },
        }
    }
}

#[derive(Debug, Args)]
pub struct SimulateArgs {
    #[command(flatten)]
    pub server: ServerArgs,
    /// How many machines.
    #[arg(long)]
    pub count: usize,
    /// An enrolment token that may be used that often; `-` is standard input.
    #[arg(long)]
    pub enrollment_token_file: PathBuf,
    /// Names are this and a number.
    #[arg(long, default_value = "simulated-")]
    pub prefix: String,
    /// The resources' location.
    #[arg(long, default_value = "local")]
    pub location: String,
    /// How many enrol at the same time.
    #[arg(long, default_value_t = 64)]
    pub concurrency: usize,
    /// How many seconds to go on.
    #[arg(long, default_value_t = 60)]
    pub duration: u64,
    /// Say how long each new setting took to reach the agents.
    #[arg(long)]
    pub measure: bool,
}

impl SimulateArgs {
    /// The options of `simulate`.
    pub fn into_options(self) -> Result<SimulateOptions, ArgsError> {
        Ok(SimulateOptions {
            ca_pem: self.server.ca_pem()?,
            token: Bearer::new(&read(&self.enrollment_token_file)?),
            count: self.count,
            server: self.server.server,
            subscription: self.server.subscription,
            resource_group: self.server.resource_group,
            location: self.location,
            prefix: self.prefix,
            concurrency: self.concurrency,
            duration: Duration::from_secs(self.duration),
            measure: self.measure,
        })
    }
}

/// Where health is served, if anywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health(pub Option<SocketAddr>);

fn health(text: &str) -> Result<Health, String> {
    if text == "off" {
        return Ok(Health(None));
    }
    text.parse()
        .map(|address| Health(Some(address)))
        .map_err(|_| "use an address like 127.0.0.1:9090, or off".to_owned())
}

fn tag(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or_else(|| format!("'{text}' is not key=value"))?;
    Ok((key.trim().to_owned(), value.trim().to_owned()))
}

/// A file's text without the newline at its end; `-` is standard input.
fn read(path: &Path) -> Result<String, ArgsError> {
    let text = if path.as_os_str() == "-" {
        disk::read_stdin(MAX_INPUT)?
    } else {
        disk::read_text(path, MAX_INPUT)?.ok_or_else(|| ArgsError::NoFile { path: path.to_owned() })?
    };
    let text = text.trim();
    if text.is_empty() { Err(ArgsError::EmptyFile { path: path.to_owned() }) } else { Ok(text.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from(line.split_whitespace())
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn connect_needs_exactly_one_way_to_sign_in() {
        let base = "bowline-agent machine connect --server https://s --subscription s --resource-group g";
        assert!(parse(base).is_err(), "none");
        for one in [
            "--device-code",
            "--client-id i --client-secret-file f",
            "--enrollment-token-file -",
            "--access-token-file f",
        ] {
            assert!(parse(&format!("{base} {one}")).is_ok(), "{one}");
        }
        assert!(parse(&format!("{base} --device-code --access-token-file f")).is_err(), "two");
        assert!(parse(&format!("{base} --client-id i")).is_err(), "an id without its secret");
    }

    #[test]
    fn disconnect_needs_none() {
        assert!(parse("bowline-agent machine disconnect --state-dir /x").is_ok());
    }

    #[test]
    fn a_pod_is_probed_at_its_own_address() {
        let options = |more: &str| {
            let line = format!("bowline-agent cluster run {more}");
            let Role::Cluster { command } = parse(line.trim()).unwrap().role else { panic!() };
            let ClusterDuty::Run(options) = command.into_duty() else { panic!() };
            options.health.map(|address| address.to_string())
        };
        assert_eq!(options("").as_deref(), Some("127.0.0.1:0"));
        assert_eq!(options("--pod-ip 10.1.2.3").as_deref(), Some("10.1.2.3:8080"));
        assert_eq!(options("--pod-ip fd00::7").as_deref(), Some("[fd00::7]:8080"));
        assert_eq!(options("--pod-ip 10.1.2.3 --health 127.0.0.1:9").as_deref(), Some("127.0.0.1:9"));
        assert_eq!(options("--health off"), None);
    }

    #[test]
    fn tags_and_health_are_read() {
        let line = "bowline-agent machine connect --server s --subscription s --resource-group g --device-code --tags a=1,b=x=y";
        let Role::Machine { command: MachineCommand::Connect(connect), .. } = parse(line).unwrap().role
        else {
            panic!()
        };
        assert_eq!(connect.tags, [("a".to_owned(), "1".to_owned()), ("b".to_owned(), "x=y".to_owned())]);
        assert!(parse(&line.replace("a=1", "a")).is_err());
        assert_eq!(health("off"), Ok(Health(None)));
        assert!(health("9090").is_err());
    }
}
