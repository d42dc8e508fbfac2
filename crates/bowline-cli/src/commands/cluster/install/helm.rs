//! Runs the `helm` of this computer with the chart that is inside this command.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use bowline_kubernetes::{ClusterError, Connection};
use rust_embed::RustEmbed;
use tokio::process::Command;

use super::{Image, NAME, manifest};
use crate::commands::cluster::KubeArgs;
use crate::commands::cluster::enrolment::{NAMESPACE, refused};
use crate::config::host::{self, Folder};
use crate::failure::{Failure, Kind, Result};

/// Helm's records of the release.
pub(super) const RECORDS: &str =
    "/api/v1/namespaces/bowline-system/secrets?labelSelector=owner%3Dhelm%2Cname%3Dbowline-agent";

#[derive(RustEmbed)]
#[folder = "../../charts/bowline-agent/"]
struct Chart;

pub(super) fn find() -> Option<PathBuf> {
    host::find_program("helm")
}

pub(super) fn missing() -> Failure {
    Failure::usage("helm is not installed")
        .why("there is no program of this name beside bowline or on PATH")
        .next("install helm 3.14 or later, or leave out --installer: the built-in manifest of the same chart is applied then")
}

/// Whether helm has a record of our release.
pub(super) async fn has_release(cluster: &Connection) -> Result<bool> {
    match cluster.get(RECORDS).await {
        Ok(list) => Ok(list["items"].as_array().is_some_and(|items| !items.is_empty())),
        Err(ClusterError::Forbidden { .. } | ClusterError::NotFound { .. }) => Ok(false),
        Err(error) => Err(refused(&error)),
    }
}

/// `helm upgrade --install`; what somebody set on the release before goes on.
pub(super) async fn install(program: &Path, kube: &KubeArgs, image: &Image) -> Result<()> {
    let folder = Folder::temporary()?;
    for name in Chart::iter() {
        let file = Chart::get(&name).expect("the name is one of those that are inside");
        folder.write(&format!("chart/{name}"), &file.data)?;
    }
    folder.write("values.json", manifest::values(image).to_string().as_bytes())?;
    let mut helm = Command::new(program);
    helm.args(["upgrade", "--install", NAME]).arg(folder.path("chart"));
    helm.args(["--namespace", NAMESPACE, "--reset-then-reuse-values", "--values"])
        .arg(folder.path("values.json"));
    if let Some(file) = &kube.kubeconfig {
        helm.arg("--kubeconfig").arg(file);
    }
    if let Some(context) = &kube.context {
        helm.args(["--kube-context", context]);
    }
    let output = helm.stdin(Stdio::null()).kill_on_drop(true).output().await.map_err(|error| {
        Failure::new(Kind::Service, format!("{} could not be started", program.display()))
            .why(error.to_string())
    })?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(Failure::new(Kind::Service, "helm did not install the agent")
        .code("HelmFailed")
        .why(said.chars().take(2000).collect::<String>())
        .next("run this command again after mending that; it goes on from what is there")
        .next("or install without helm: --installer manifest"))
}
