//! `machine run`: waits for an enrolment, holds the session, observes the host, and stops when it is told to or when its
//! resource is gone.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use bowline_link::item::{AgentSettings, kind};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{
    home::StateFolder,
    observe::{self, HostFiles},
};
use crate::{
    disk::{self, Access, DiskError, FolderWatch},
    health::Health,
    home::{Enrolment, Home, HomeError, chain},
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
/// How often the state folder is looked at where the kernel does not tell of changes (some network file systems).
const LOOK_AGAIN: Duration = Duration::from_secs(30);
/// What an agent without an enrolment says.
const WAITING: &str =
    "this host is not connected to a server yet: waiting for `bowline-agent machine connect`";

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
    state.make()?;
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
    let serving = async {
        match health {
            Some(health) => health.serve(status.clone()).await,
            None => std::future::pending().await,
        }
    };
    let health_file = state.health_file();
    tokio::select! {
        outcome = live(state, files, status.clone(), stop) => {
            disk::remove(&health_file)?;
            outcome
        }
        () = serving => unreachable!("health is served for ever"),
    }
}

/// Waits for the enrolment, then holds the session.
async fn live(
    state: StateFolder,
    files: HostFiles,
    status: StatusBoard,
    stop: CancellationToken,
) -> Result<Outcome, RunError> {
    let enrolment = tokio::select! {
        enrolment = wait_for_enrolment(&state, &status) => enrolment,
        () = stop.cancelled() => return Ok(Outcome::Stopped),
    };
    let (role, session_end) = role_channel();
    let config = SessionConfig {
        home: Arc::new(state.clone()),
        ledger: Box::new(DiskLedger::open(state.ledger())?),
        source: SOURCE.to_owned(),
        instance: state.instance(),
        role: session_end,
        status,
        stop,
        client: None,
    };
    tracing::info!(resource = enrolment.resource_id, server = enrolment.server, "the machine role starts");
    tokio::select! {
        outcome = session::run(config) => Ok(outcome?),
        Err(Gone) = observe_host(role, files, enrolment) => Ok(Outcome::Stopped),
    }
}

/// Waits until `connect` has left an enrolment and a key. What is wrong meanwhile is logged, and shown by health.
async fn wait_for_enrolment(state: &StateFolder, status: &StatusBoard) -> Enrolment {
    // Watched before the first look, so that nothing falls between the two.
    let mut watch = FolderWatch::new(state.path())
        .inspect_err(|error| {
            tracing::warn!(error = chain(error), "the state folder is looked at now and then");
        })
        .ok();
    let mut said = None;
    loop {
        let missing = match enrolled(state).await {
            Ok(Some(enrolment)) => return enrolment,
            Ok(None) => WAITING.to_owned(),
            Err(error) => format!("the enrolment cannot be used: {}", chain(&error)),
        };
        if said.as_ref() != Some(&missing) {
            tracing::warn!(folder = %state.path().display(), "{missing}");
            status.failed(missing.clone());
            said = Some(missing);
        }
        let changed = async {
            match &mut watch {
                Some(watch) => watch.changed().await.is_ok(),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            works = changed => if !works { watch = None },
            () = tokio::time::sleep(LOOK_AGAIN) => {}
        }
    }
}

/// The enrolment, if there is a key for it.
async fn enrolled(state: &StateFolder) -> Result<Option<Enrolment>, HomeError> {
    let Some(enrolment) = state.enrolment().await? else { return Ok(None) };
    Ok(state.key().await?.map(|_| enrolment))
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
