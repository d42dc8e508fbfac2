//! One file per group of commands; each returns an answer for [`crate::render`] to write.

pub(crate) mod access;
pub(crate) mod activity;
pub(crate) mod ad;
pub(crate) mod audit;
pub(crate) mod cluster;
pub(crate) mod completion;
pub(crate) mod config;
pub(crate) mod enrollment_token;
pub(crate) mod env;
pub(crate) mod group;
pub(crate) mod lock;
pub(crate) mod login;
pub(crate) mod machine;
pub(crate) mod management_group;
pub(crate) mod provider;
pub(crate) mod query;
pub(crate) mod resource;
pub(crate) mod role;
pub(crate) mod server;
pub(crate) mod service_principal;
mod steps;
pub(crate) mod subscription;
pub(crate) mod tag;
pub(crate) mod version;
pub(crate) mod whoami;

use crate::app::App;
use crate::cli::Command;
use crate::failure::Result;
use crate::render::Answer;

pub(crate) async fn run(app: &App, command: Command) -> Result<Answer> {
    match command {
        Command::Login(arguments) => login::login(app, arguments).await,
        Command::Logout(arguments) => login::logout(app, arguments).await,
        Command::Whoami => whoami::whoami(app).await,
        Command::Token(arguments) => whoami::token(app, &arguments).await,
        Command::Env(arguments) => env::env(app, arguments).await,
        Command::Subscription(command) => subscription::run(app, command).await,
        Command::Group(command) => group::run(app, command).await,
        Command::ManagementGroup(command) => management_group::run(app, command).await,
        Command::Lock(command) => lock::run(app, command).await,
        Command::Tag(command) => tag::run(app, command).await,
        Command::Server(command) => server::run(app, command).await,
        Command::Provider(command) => provider::run(app, command).await,
        Command::Cluster(command) => cluster::run(app, command).await,
        Command::Kubectl(arguments) => cluster::proxy::kubectl(app, arguments).await,
        Command::Machine(command) => machine::run(app, command).await,
        Command::Resource(command) => resource::run(app, command).await,
        Command::Sp(command) => service_principal::run(app, command).await,
        Command::Ad(command) => ad::run(app, command).await,
        Command::Role(command) => role::run(app, command).await,
        Command::Access(command) => access::run(app, command).await,
        Command::Query(arguments) => query::run(app, arguments).await,
        Command::Activity(command) => activity::run(app, command).await,
        Command::Audit(command) => audit::run(app, command).await,
        Command::EnrollmentToken(command) => enrollment_token::run(app, command).await,
        Command::Config(command) => config::run(app, command),
        Command::Completion(arguments) => completion::print(&arguments),
        Command::Version => Ok(version::version()),
    }
}
