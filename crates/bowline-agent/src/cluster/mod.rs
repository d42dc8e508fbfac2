//! The cluster role: keeps one Kubernetes cluster in the record.
//!
//! | module | what it holds |
//! |---|---|
//! | [`home`] | who the agent is: the Secret and the ConfigMap `bowline-agent`, and waiting for them |
//! | [`onboarding`] | what an installer hands over, taken once |
//! | [`enrol`] | with a token, by itself |
//! | [`preflight`] | the way to the server, tried before there is an agent |
//! | [`ledger`] | the desired document on ConfigMaps |
//! | [`inventory`] | what is in the cluster: watched in bounded memory, redacted, sent as deltas |
//! | [`facts`] | version, distribution, cloud, nodes and cores, as the resource's status |
//! | [`upstream`] | the API server as the other side of a tunnel |
//! | [`role`] | one enrolled life: session, inventory and facts together |
//!
//! The agent runs from the moment it is installed; enrolment may come later (the CLI writes it) and may change while it
//! runs. When the resource is deleted, or another instance takes the identity, the agent waits for a new enrolment rather than
//! exiting: a pod that exits is started again and would fight for the session.

#[cfg(test)]
mod at_rest_tests;
mod enrol;
mod facts;
#[cfg(test)]
mod fake_api;
mod home;
mod inventory;
mod ledger;
mod onboarding;
mod preflight;
mod role;
mod uplink;
mod upstream;

use std::{net::SocketAddr, path::PathBuf};

use anyhow::Context;
use bowline_kubernetes::{Access, Connection, Outcome, Purpose, run_checks};
use tokio_util::sync::CancellationToken;

use crate::{health::Health, session::status::StatusBoard};
use home::ClusterHome;
use onboarding::Onboarding;
pub use preflight::try_way;

/// What `bowline-agent cluster run` was asked to do.
#[derive(Debug, Clone)]
pub struct ClusterOptions {
    /// A kubeconfig file; the pod's own account (or the usual places) when absent.
    pub kubeconfig: Option<PathBuf>,
    /// The context in the kubeconfig; its current one when absent.
    pub context: Option<String>,
    /// Where the enrolment and the ledger live.
    pub namespace: String,
    /// Where health and metrics are served; nowhere when absent.
    pub health: Option<SocketAddr>,
    /// Whether the server may ask for tunnels to the API server.
    pub tunnels: bool,
    /// A folder with the enrolment that the installer handed over.
    pub onboarding: Option<PathBuf>,
}

/// Runs the role until the process is told to stop.
pub async fn run(options: ClusterOptions) -> anyhow::Result<()> {
    let access = Access {
        kubeconfig: options.kubeconfig.clone(),
        context: options.context.clone(),
        no_proxy: no_proxy(),
        impersonate: None,
    };
    let connection = Connection::open(&access).await.map_err(|error| {
        let advice = error.advice();
        anyhow::Error::new(error).context(advice)
    })?;
    let passage = upstream::open(&access, options.tunnels).await;
    let onboarding = options.onboarding.as_deref().map(Onboarding::read).transpose()?.flatten();
    let stop = CancellationToken::new();
    let status = StatusBoard::default();
    let health = match options.health {
        Some(address) => {
            let bound = Health::bind(address).await;
            Some(bound.with_context(|| format!("health and metrics cannot be served on {address}"))?)
        }
        None => None,
    };
    tracing::info!(
        cluster = connection.server(),
        namespace = options.namespace,
        "the cluster agent has started"
    );
    let life = async {
        say_what_is_missing(&connection, &options.namespace).await;
        let (connection, namespace) = (connection.clone(), options.namespace.clone());
        if let Some(onboarding) = &onboarding {
            onboarding.adopt_patiently(&ClusterHome::new(connection.clone(), &namespace)).await;
        }
        role::live(role::Life { connection, passage, namespace, status: status.clone(), stop: stop.clone() })
            .await
    };
    let serving = async {
        match health {
            Some(health) => {
                tracing::info!(address = %health.address(), "serving /healthz, /readyz, /status and /metrics");
                health.serve(status.clone()).await;
            }
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        ended = life => ended,
        () = serving => Ok(()),
        signal = terminated() => {
            stop.cancel();
            signal.context("the process cannot listen for signals")
        }
    }
}

/// Logs each right that the agent lacks, with what fixes it. It goes on all the same: what it may do, it does.
async fn say_what_is_missing(connection: &Connection, namespace: &str) {
    for check in run_checks(connection, namespace, Purpose::Agent).await {
        if let Outcome::Failed { why, fix } = check.outcome {
            tracing::warn!(check = check.name, why, fix, "a check failed");
        }
    }
}

async fn terminated() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "the way to the cluster follows the convention that all its clients follow"
)]
fn no_proxy() -> Option<String> {
    std::env::var("NO_PROXY").or_else(|_| std::env::var("no_proxy")).ok()
}
