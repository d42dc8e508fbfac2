//! `bowline cluster proxy` and `bowline kubectl`: a connected cluster's API through the server and the agent's tunnel.
//!
//! The server makes the kubeconfig. It holds no secret: kubectl runs this program for the caller's token whenever it needs one. Nothing stays running.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Which;
use crate::api;
use crate::app::App;
use crate::config::host;
use crate::failure::{Failure, Kind, Result};
use crate::render::{Answer, Column};

const COLUMNS: &[Column] =
    &[Column::text("Kubeconfig", &["/kubeconfig"]), Column::text("Server", &["/server"])];

#[derive(Debug, clap::Args)]
#[command(
    after_help = "For example:\n  export KUBECONFIG=$(bowline cluster proxy --name edge-01 --group plant --query kubeconfig -o json | tr -d '\"')\n  kubectl get pods"
)]
pub(crate) struct ProxyArgs {
    #[command(flatten)]
    which: Which,
    /// Where to write the kubeconfig [default: a file of its own among this command's settings]
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "For example:\n  bowline kubectl edge-01 --group plant -- get pods --watch\n  bowline kubectl edge-01 -g plant -- exec -it web-0 -- sh"
)]
pub(crate) struct KubectlArgs {
    /// The cluster's name
    name: String,
    /// The resource group it is in
    #[arg(short, long)]
    group: Option<String>,
    /// What kubectl is to do
    #[arg(last = true, required = true)]
    arguments: Vec<OsString>,
}

pub(crate) async fn proxy(app: &App, arguments: ProxyArgs) -> Result<Answer> {
    let ProxyArgs { which, file } = arguments;
    let (path, server) = write(app, &which, file.as_deref()).await?;
    app.output.note(&format!("export KUBECONFIG={}", path.display()));
    let value = json!({ "kubeconfig": path.display().to_string(), "server": server });
    Ok(Answer::details(value, COLUMNS))
}

/// Becomes kubectl.
pub(crate) async fn kubectl(app: &App, arguments: KubectlArgs) -> Result<Answer> {
    let KubectlArgs { name, group, arguments } = arguments;
    let kubectl = host::find_program("kubectl").ok_or_else(|| {
        Failure::usage("kubectl is not installed")
            .why("there is no program of this name beside bowline or on PATH")
            .next("install kubectl, then run this again")
    })?;
    let (path, _) = write(app, &Which { name, group }, None).await?;
    let failed = Command::new(&kubectl).args(arguments).env("KUBECONFIG", path).exec();
    Err(Failure::new(Kind::Service, "kubectl could not be started").why(failed.to_string()))
}

/// Writes the kubeconfig; gives its path and the address it leads to.
async fn write(app: &App, which: &Which, file: Option<&Path>) -> Result<(PathBuf, String)> {
    let arm = app.arm()?;
    let id = super::id_of(app, &arm, which).await?;
    let asked = json!({ "authenticationMethod": "AAD", "clientProxy": false });
    let answer = arm.post(&format!("{id}/listClusterUserCredential"), api::CLUSTERS, asked).await?;
    let mut config = read(&answer).ok_or_else(|| {
        Failure::new(Kind::Service, "the server's kubeconfig is not understood")
            .next("update bowline and the server to the same version")
    })?;
    // This program, wherever it lies, and not another one of its name.
    config["users"][0]["user"]["exec"]["command"] = host::own_program()?.display().to_string().into();
    let server = config["clusters"][0]["cluster"]["server"].as_str().unwrap_or_default().to_owned();
    let path = match file {
        Some(file) => host::absolute(file)?,
        None => app.settings.dir.join("kube").join(file_name(id.as_str())),
    };
    host::write_own(&path, &config.to_string())?;
    Ok((path, server))
}

fn read(answer: &Value) -> Option<Value> {
    let text = STANDARD.decode(answer["kubeconfigs"][0]["value"].as_str()?).ok()?;
    let config: Value = serde_json::from_slice(&text).ok()?;
    config["users"][0]["user"]["exec"].is_object().then_some(config)
}

/// One file for each cluster: names of groups and clusters have no `+`.
fn file_name(id: &str) -> String {
    let parts: Vec<&str> = id.split('/').collect();
    let part = |at: usize| parts.get(at).copied().unwrap_or_default();
    format!("{}+{}+{}.json", part(2), part(4), part(8)).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cluster_has_a_file_of_its_own() {
        let id =
            "/subscriptions/S/resourceGroups/plant/providers/Microsoft.Kubernetes/connectedClusters/oven";
        assert_eq!(file_name(id), "s+plant+oven.json");
    }
}
