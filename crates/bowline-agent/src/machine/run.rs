//! `machine run`: waits for an enrolment, holds the session, observes the host, and stops when it is told to or when its
//! resource is gone.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use bowline_link::item::{AgentSettings, kind};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{
    home::StateFolder,
    observe::{self, HostFiles},
    software::Software,
};
use crate::{
    conditions,
    disk::{self, Access, DiskError, FolderWatch},
    health::Health,
    home::{Enrolment, Home, HomeError, chain},
    ledger::{LedgerError, disk::DiskLedger},
    logging,
    session::{
        self, Gone, Order, Outcome, Pace, ReportError, Reporter, RoleEnd, SessionConfig, SessionError,
        role_channel, status::StatusBoard,
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
        passage: None,
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
async fn observe_host(role: RoleEnd, files: HostFiles, enrolment: Enrolment) -> Result<(), Gone> {
    let RoleEnd { reporter, mut orders } = role;
    let mut host = Host {
        files,
        enrolment,
        reporter,
        settings: AgentSettings::default(),
        pace: Pace::Usual,
        reported: None,
        software: Software::default(),
    };
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = look.tick() => {
                host.report().await?;
                host.report_software().await?;
            }
            order = orders.next() => match order? {
                Order::SendEverything { reason } => {
                    tracing::debug!(reason, "everything is reported");
                    host.reporter.begin_full().await?;
                    host.software.forget();
                    host.report_software().await?;
                    host.reporter.finish_full().await?;
                }
                Order::Desired(document) => {
                    host.follow_settings(document.content(kind::AGENT_SETTINGS));
                    host.report().await?;
                }
                Order::Pace(pace) => {
                    host.pace = pace;
                    let every = LOOK_EVERY.max(pace.gathering());
                    look = tokio::time::interval_at(tokio::time::Instant::now() + every, every);
                    host.report().await?;
                }
            },
        }
    }
}

/// The host as its role sees it.
struct Host {
    files: HostFiles,
    enrolment: Enrolment,
    reporter: Reporter,
    settings: AgentSettings,
    pace: Pace,
    reported: Option<Value>,
    software: Software,
}

impl Host {
    /// Looks at the host and says what is new.
    async fn report(&mut self) -> Result<(), Gone> {
        let mut facts = observe::facts(&self.files, &observe::read_calls(&self.files), &self.enrolment);
        facts["errorDetails"] = self.conditions();
        if self.reported.as_ref().is_none_or(|old| observe::is_news(old, &facts)) {
            self.reporter.status(facts.clone()).await?;
            self.reported = Some(facts);
        }
        Ok(())
    }

    /// Looks at what is installed and says what is new.
    async fn report_software(&mut self) -> Result<(), Gone> {
        for delta in self.software.look(&self.files).await {
            match self.reporter.delta(delta).await {
                Ok(()) => {}
                Err(ReportError::TooLarge(error)) => tracing::warn!(%error, "a package is left out"),
                Err(ReportError::Gone(gone)) => return Err(gone),
            }
        }
        Ok(())
    }

    fn conditions(&self) -> Value {
        let version = conditions::of_version(self.settings.agent_version.as_deref());
        let all = version.into_iter().chain(conditions::of_budget(self.pace));
        all.map(|it| json!({"code": it.code, "target": it.target, "message": it.message})).collect()
    }

    fn follow_settings(&mut self, content: Option<&Value>) {
        let settings = content.map(|content| serde_json::from_value::<AgentSettings>(content.clone()));
        match settings.transpose() {
            Ok(settings) => {
                self.settings = settings.unwrap_or_default();
                logging::set_level(self.settings.log_level.as_deref());
            }
            Err(error) => tracing::warn!(%error, "the agent settings are malformed and are left alone"),
        }
    }
}
