//! `bowline cluster disconnect`: the resource, and everything that connecting put into the cluster.

use super::install::{self, Removed};
use super::{KubeArgs, Which, enrolment, id_of};
use crate::api;
use crate::app::App;
use crate::client::Wait;
use crate::commands::group::report_deletion;
use crate::failure::{Failure, Result};
use crate::render::Answer;

#[derive(Debug, clap::Args)]
pub(crate) struct DisconnectArgs {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    kube: KubeArgs,
    /// Remove the resource only, and leave the cluster as it is: for a cluster that is gone
    #[arg(long, conflicts_with_all = ["kubeconfig", "context"])]
    server_only: bool,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

pub(super) async fn run(app: &App, arguments: DisconnectArgs) -> Result<Answer> {
    let arm = app.arm()?;
    let id = id_of(app, &arm, &arguments.which).await?;
    let name = &arguments.which.name;
    app.confirm(
        arguments.yes,
        &format!("disconnect the cluster '{name}' and remove what is configured on it"),
    )
    .await?;
    // Reached before the resource goes, so that a wrong kubeconfig is noticed while nothing is lost.
    let cluster = match arguments.server_only {
        true => None,
        false => Some(reach(&arguments.kube).await?),
    };
    let deletion = arm.delete(id.as_str(), api::CLUSTERS, Wait::Done).await?;
    report_deletion(app, &format!("the cluster '{name}'"), deletion);
    let Some(cluster) = cluster else { return Ok(Answer::nothing()) };
    app.output.note(&match install::remove(&cluster, id.as_str()).await? {
        Removed::Everything => "The agent is removed from the cluster; nothing of it is left there.".to_owned(),
        Removed::Identity => {
            "The agent's identity is removed from the cluster. Stop the agent that runs beside it.".to_owned()
        }
        Removed::ButTheNamespace(why) => format!(
            "The agent is removed from the cluster. The namespace {} stays: {why}.",
            enrolment::NAMESPACE
        ),
        Removed::ButTheAgent { release, namespace } => format!(
            "The agent's identity is removed from the cluster. Its release is not of this command: helm uninstall {release} --namespace {namespace}"
        ),
        Removed::Nothing => {
            format!("{} holds no identity of this cluster; nothing was changed there.", cluster.server())
        }
    });
    Ok(Answer::nothing())
}

async fn reach(kube: &KubeArgs) -> Result<bowline_kubernetes::Connection> {
    let hint = |failure: Failure| {
        failure
            .why("nothing was removed")
            .next("if the cluster is gone, remove its resource alone: add --server-only")
    };
    let cluster = enrolment::open(kube).await.map_err(hint)?;
    enrolment::look(&cluster).await.map_err(hint)?;
    Ok(cluster)
}
