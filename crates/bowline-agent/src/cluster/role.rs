//! One life of the agent after another: wait for an enrolment, run a session with it, and wait again when it is over.

use std::{sync::Arc, time::Duration};

use bowline_kubernetes::Connection;
use tokio_util::sync::CancellationToken;

use super::{
    home::{ClusterHome, NAME},
    inventory,
    ledger::ConfigMapLedger,
};
use crate::{
    home::{Enrolment, chain},
    session::{self, Outcome, RoleEnd, SessionConfig, role_channel, status::StatusBoard},
};

/// The name of what this role observes.
const SOURCE: &str = "inventory";
/// How long to wait after a start that failed; the cluster is near, and so is its recovery.
const START_AGAIN: Duration = Duration::from_secs(5);
/// How long an agent that was replaced stands back before it tries again: its successor may have gone meanwhile, but
/// two copies of one cluster must not take the session from each other all the time.
const STAND_BACK: Duration = Duration::from_secs(600);

/// What a life needs.
pub(super) struct Life {
    pub connection: Connection,
    /// What is behind tunnels; none when this installation opens none.
    pub passage: Option<Arc<dyn session::Passage>>,
    pub namespace: String,
    pub status: StatusBoard,
    pub stop: CancellationToken,
}

/// Runs until the process is told to stop.
pub(super) async fn live(life: Life) -> anyhow::Result<()> {
    let home = ClusterHome::new(life.connection.clone(), &life.namespace);
    let mut over: Option<Enrolment> = None;
    loop {
        tracing::info!(
            namespace = life.namespace,
            "looking for the enrolment: the Secret and the ConfigMap {NAME}, which `bowline cluster connect` writes"
        );
        let enrolment = home.wait_for_enrolment(over.as_ref()).await;
        over = None;
        tracing::info!(
            resource = enrolment.resource_id,
            server = enrolment.server,
            "the cluster is enrolled"
        );
        match hold_session(&life, &home, &enrolment).await {
            Ok(Outcome::Stopped) => return Ok(()),
            Ok(Outcome::Deleted { message }) => {
                tracing::warn!(message, "the resource was deleted; connect the cluster again to go on");
                life.status.failed(format!("the resource was deleted: {message}"));
                over = Some(enrolment);
            }
            Ok(Outcome::Replaced { message }) => {
                tracing::warn!(
                    message,
                    "another agent has taken this one's place; if this cluster is a copy, connect it under a name of its own"
                );
                life.status.failed(format!("another agent has taken this one's place: {message}"));
                let renewed = home.wait_for_enrolment(Some(&enrolment));
                // A new enrolment ends the wait at once; the next turn finds it again.
                let _either = tokio::time::timeout(STAND_BACK, renewed).await;
            }
            Err(error) => {
                let error = chain(error.as_ref());
                tracing::warn!(error, again_in = START_AGAIN.as_secs(), "the session could not be started");
                life.status.failed(error);
                tokio::time::sleep(START_AGAIN).await;
            }
        }
    }
}

async fn hold_session(life: &Life, home: &ClusterHome, enrolment: &Enrolment) -> anyhow::Result<Outcome> {
    let instance = home.instance().await?;
    let (RoleEnd { reporter, orders }, session_end) = role_channel();
    let ledger = ConfigMapLedger::new(life.connection.clone(), &life.namespace, &enrolment.principal_id);
    let session = session::run(SessionConfig {
        home: Arc::new(home.clone()),
        ledger: Box::new(ledger),
        source: SOURCE.to_owned(),
        instance,
        role: session_end,
        status: life.status.clone(),
        stop: life.stop.clone(),
        passage: life.passage.clone(),
        client: None,
    });
    let inventory = inventory::run(life.connection.clone(), reporter, orders);
    tokio::select! {
        outcome = session => Ok(outcome?),
        // It ends only after the session has, whose outcome is then told above.
        gone = inventory => Err(gone.into()),
    }
}
