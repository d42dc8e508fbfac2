//! The agent as a pod on the node: its image, brought there without a registry, and its chart, installed by helm.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::connect::local_command;
use crate::cluster::Cluster;
use crate::paths::Paths;
use crate::{command, image, parts, say};

const IMAGE: &str = "localhost/bowline-agent";
const NAMESPACE: &str = "bowline-system";

/// What is needed to install it.
#[derive(Debug)]
pub(super) struct Pod {
    helm: PathBuf,
    /// The image's layout.
    layout: PathBuf,
    /// Whether the image is another one than last time.
    changed: bool,
}

impl Pod {
    /// Packs the agent that was just built.
    pub(super) fn build(paths: &Paths) -> Result<Self> {
        let helm = parts::ensure_built(paths, &parts::HELM)?.join("helm");
        let layout = paths.data.join("agent-image");
        let index = |layout: &Path| fs::read(layout.join("index.json")).ok();
        let before = index(&layout);
        image::of_program(&paths.built("bowline-agent"), &layout)?;
        let changed = index(&layout) != before;
        Ok(Self { helm, layout, changed })
    }

    /// Installs it, or brings what is installed up to date. It waits for its enrolment from then on.
    pub(super) fn install(&self, paths: &Paths, cluster: &Cluster) -> Result<()> {
        say::step(
            "Installing the agent as a pod, as a user does: helm upgrade --install charts/bowline-agent",
        );
        cluster.import(paths, &self.layout, IMAGE)?;
        command::capture(&mut self.helm(paths, cluster))?;
        if self.changed {
            // The name is the same, so Kubernetes sees no reason to start what is new.
            let label = "app.kubernetes.io/name=bowline-agent";
            let delete = ["-n", NAMESPACE, "delete", "pods", "-l", label, "--wait=false"];
            command::capture(&mut cluster.kubectl(&delete))?;
        }
        Ok(())
    }

    fn helm(&self, paths: &Paths, cluster: &Cluster) -> Command {
        let mut helm = local_command(&self.helm);
        helm.args(["upgrade", "--install", "bowline-agent"]).arg(paths.root.join("charts/bowline-agent"));
        helm.args(["--namespace", NAMESPACE, "--create-namespace"]);
        helm.args(["--set", &format!("image.repository={IMAGE}")]);
        helm.env("KUBECONFIG", cluster.kubeconfig());
        helm
    }
}
