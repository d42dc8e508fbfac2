//! The command line: global options and the tree of commands. Each group's own arguments stand beside its code.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::commands;
use crate::render::Format;

/// Bowline: clusters and servers anywhere, in one place of your own.
#[derive(Debug, Parser)]
#[command(
    name = "bowline",
    version = commands::version::TEXT.as_str(),
    propagate_version = false,
    max_term_width = 100,
    after_help = "First steps:\n  bowline login --server https://localhost:8443 --ca-file DATA_DIR/ca.crt\n  bowline group create --name plant\n  bowline cluster connect --name edge-01 --group plant\n\nExit codes: 0 done, 1 failed, 2 usage, 3 not found, 4 not signed in or not allowed, 5 conflict,\n6 server unreachable, 130 interrupted."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// How the answer is written [default: table on a terminal, json otherwise]
    #[arg(short, long, global = true, value_enum, env = "BOWLINE_OUTPUT", value_name = "FORMAT")]
    pub(crate) output: Option<Format>,
    /// A JMESPath expression over the answer, for example '[].name'
    #[arg(long, global = true, value_name = "JMESPATH")]
    pub(crate) query: Option<String>,
    /// The server, as https://HOST:PORT [default: the one of the last login]
    #[arg(long, global = true, env = "BOWLINE_SERVER", value_name = "URL")]
    pub(crate) server: Option<String>,
    /// The certificate authority to trust for that server [default: the one given at login, else this computer's]
    #[arg(long, global = true, env = "BOWLINE_CA_FILE", value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    /// The subscription, by id or name [default: the one set at login]
    #[arg(long, global = true, env = "BOWLINE_SUBSCRIPTION", value_name = "ID")]
    pub(crate) subscription: Option<String>,
    /// Show requests and answers on standard error, without secrets
    #[arg(long, global = true)]
    pub(crate) debug: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Sign in to a server
    Login(commands::login::LoginArgs),
    /// Forget the sign-in
    Logout(commands::login::LogoutArgs),
    /// Show who is signed in, and where
    Whoami,
    /// Print an access token, for curl and other programs
    Token(commands::whoami::TokenArgs),
    /// Print the environment for az, the Azure SDKs and Terraform
    Env(commands::env::EnvArgs),
    /// Subscriptions
    #[command(subcommand)]
    Subscription(commands::subscription::SubscriptionCommand),
    /// Resource groups
    #[command(subcommand)]
    Group(commands::group::GroupCommand),
    /// Groups of subscriptions, from which roles are inherited
    #[command(subcommand)]
    ManagementGroup(commands::management_group::ManagementGroupCommand),
    /// Locks against deleting and changing
    #[command(subcommand)]
    Lock(commands::lock::LockCommand),
    /// Tags and their names
    #[command(subcommand)]
    Tag(commands::tag::TagCommand),
    /// The servers of the control plane
    #[command(subcommand)]
    Server(commands::server::ServerCommand),
    /// Namespaces of resource types
    #[command(subcommand)]
    Provider(commands::provider::ProviderCommand),
    /// Kubernetes clusters
    #[command(subcommand)]
    Cluster(commands::cluster::ClusterCommand),
    /// Run kubectl on a connected cluster, through the server and the agent's tunnel
    Kubectl(commands::cluster::proxy::KubectlArgs),
    /// Linux and Windows servers
    #[command(subcommand)]
    Machine(commands::machine::MachineCommand),
    /// Resources of any type
    #[command(subcommand)]
    Resource(commands::resource::ResourceCommand),
    /// Service principals: identities for programs
    #[command(subcommand)]
    Sp(commands::service_principal::SpCommand),
    /// The directory: users, groups, applications
    #[command(subcommand)]
    Ad(commands::ad::AdCommand),
    /// Roles and who has them
    #[command(subcommand)]
    Role(commands::role::RoleCommand),
    /// Who can do what, and why
    #[command(subcommand)]
    Access(commands::access::AccessCommand),
    /// Ask about resources in KQL, the language of Azure Resource Graph, and keep queries
    Query(commands::query::QueryArgs),
    /// What was done, by whom, and what was refused
    #[command(subcommand)]
    Activity(commands::activity::ActivityCommand),
    /// Whether the activity log is what was written and signed
    #[command(subcommand)]
    Audit(commands::audit::AuditCommand),
    /// Tokens with which machines and clusters enrol themselves
    #[command(subcommand)]
    EnrollmentToken(commands::enrollment_token::EnrollmentTokenCommand),
    /// Settings of this command
    #[command(subcommand)]
    Config(commands::config::ConfigCommand),
    /// Print a completion script for a shell
    Completion(commands::completion::CompletionArgs),
    /// Print version, commit and protocol
    Version,
}
