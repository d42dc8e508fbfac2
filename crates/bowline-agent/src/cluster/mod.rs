//! The cluster role: keeps one Kubernetes cluster in the record.
use std::{net::SocketAddr, path::PathBuf};

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
}

/// Runs the role until the process is told to stop.
pub async fn run(options: ClusterOptions) -> anyhow::Result<()> {
    anyhow::bail!("the cluster role for namespace {} is still being built", options.namespace)
}
