//! `machine run`: holds the session, observes the host, and stops when it is told to or when its resource is gone.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use bowline_link::item::{AgentSettings, kind};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{
    home::StateFolder,
    observe::{self, HostFiles},
};
use crate::{
    disk::{self, Access, DiskError},
    health::Health,
    home::{Enrolment, Home},
    ledger::{LedgerError, disk::DiskLedger},
    logging,
    session::{
        self, Gone, Order, Outcome, RoleEnd, SessionConfig, SessionError, role_channel, status::StatusBoard,
    },
};

/// The name of what this role observes.
const SOURCE: &str = "inventory";
/// How often the host is looked at. Most facts never change; looking costs a few milliseconds.
const LOOK_EVERY: Duration = Duration::from_secs(300);

/// Why the machine role could not run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error("an agent is running on {folder} already")]
    Running { folder: String },
    #[error("health cannot be served at {address}: choose another --health address, or off")]
    Health {
        address: SocketAddr,
        #[source]
        source: std::io::Error,
    },
    #[error(transparent)]
    Disk(#[from] DiskError),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Session(#[from] SessionError),
}

/// Runs until `stop`, or until the server ends it for good.
pub async fn run(
    state: StateFolder,
    files: HostFiles,
    health: Option<SocketAddr>,
    stop: CancellationToken,
) -> Result<Outcome, RunError> {
    let home: Arc<dyn Home> = Arc::new(state.clone());
    let enrolment = home.enrolment().await.map_err(SessionError::from)?.ok_or(SessionError::NotEnrolled)?;
    let _lock =
        state.lock()?.ok_or_else(|| RunError::Running { folder: state.path().display().to_string() })?;
    let status = StatusBoard::default();
    let health = match health {
        Some(address) => {
            let bound = Health::bind(address).await.map_err(|source| RunError::Health { address, source })?;
            disk::write(&state.health_file(), bound.address().to_string().as_bytes(), Access::Public)?;
            Some(bound)
        }
        None => None,
    };
    let (role, session_end) = role_channel();
    let config = SessionConfig {
        home,
        ledger: Box::new(DiskLedger::open(state.ledger())?),
        source: SOURCE.to_owned(),
        instance: state.instance(),
        role: session_end,
        status: status.clone(),
        stop,
        client: None,
    };
    tracing::info!(resource = enrolment.resource_id, server = enrolment.server, "the machine role starts");
    let serving = async {
        match health {
            Some(health) => health.serve(status).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        outcome = session::run(config) => {
            disk::remove(&state.health_file())?;
            Ok(outcome?)
        }
        Err(Gone) = observe_host(role, files, enrolment) => Ok(Outcome::Stopped),
        () = serving => unreachable!("health is served for ever"),
    }
}

/// The role itself: looks at the host now and then, and says what changed.
async fn observe_host(mut role: RoleEnd, files: HostFiles, enrolment: Enrolment) -> Result<(), Gone> {
    let mut reported: Option<Value> = None;
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = look.tick() => {
                let facts = observe::facts(&files, &observe::read_calls(&files), &enrolment);
                if reported.as_ref().is_none_or(|old| observe::is_news(old, &facts)) {
                    role.reporter.status(facts.clone()).await?;
                    reported = Some(facts);
                }
            }
            order = role.orders.next() => match order? {
                Order::SendEverything { reason } => {
                    tracing::debug!(reason, "everything is reported");
                    role.reporter.begin_full().await?;
                    role.reporter.finish_full().await?;
                }
                Order::Desired(document) => follow_settings(document.content(kind::AGENT_SETTINGS)),
            },
        }
    }
}

fn follow_settings(content: Option<&Value>) {
    let settings = content.map(|content| serde_json::from_value::<AgentSettings>(content.clone()));
    match settings.transpose() {
        Ok(settings) => logging::set_level(settings.and_then(|settings| settings.log_level).as_deref()),
        Err(error) => tracing::warn!(%error, "the agent settings are malformed and are left alone"),
    }
}
