//! `bowline cluster`: Kubernetes clusters.

mod checks;
mod connect;
mod disconnect;
mod enrolment;
mod install;
pub(crate) mod proxy;
mod workloads;

use bowline_arm::ResourceId;

use crate::api;
use crate::app::App;
use crate::client::Arm;
use crate::failure::Result;
use crate::render::{Answer, Column, Show};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum ClusterCommand {
    /// Connect the cluster of a kubeconfig and install its agent; run it again to heal a connection
    Connect(Box<connect::ConnectArgs>),
    /// List the connected clusters
    List {
        /// Only those of this resource group
        #[arg(short, long)]
        group: Option<String>,
    },
    /// Show one cluster
    Show {
        #[command(flatten)]
        which: Which,
    },
    /// Show what runs in a cluster, as its agent reported it
    Workloads(workloads::WorkloadsArgs),
    /// Write a kubeconfig that leads to the cluster through the server and the agent's tunnel
    Proxy(proxy::ProxyArgs),
    /// Disconnect a cluster: its resource, and all that connecting put into the cluster
    Disconnect(disconnect::DisconnectArgs),
}

/// One cluster, by name.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Which {
    /// The cluster's name
    #[arg(short, long)]
    name: String,
    /// The resource group it is in
    #[arg(short, long)]
    group: Option<String>,
}

/// Which Kubernetes cluster is meant on this side.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct KubeArgs {
    /// The kubeconfig file [default: KUBECONFIG, then ~/.kube/config]
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<std::path::PathBuf>,
    /// The context in it [default: the current one]
    #[arg(long)]
    context: Option<String>,
}

const COLUMNS: &[Column] = &[
    Column::text("NAME", &["/name"]),
    Column::new("GROUP", &["/id"], Show::Group),
    Column::text("LOCATION", &["/location"]),
    Column::text("STATUS", &["/properties/connectivityStatus"]),
    Column::text("KUBERNETES", &["/properties/kubernetesVersion"]),
    Column::text("DISTRIBUTION", &["/properties/distribution"]),
    Column::text("NODES", &["/properties/totalNodeCount"]),
    Column::text("CORES", &["/properties/totalCoreCount"]),
    Column::new("LAST SEEN", &["/properties/lastConnectivityTime"], Show::Ago),
];

const DETAILS: &[Column] = &[
    Column::text("Name", &["/name"]),
    Column::new("Group", &["/id"], Show::Group),
    Column::text("Location", &["/location"]),
    Column::text("Status", &["/properties/connectivityStatus"]),
    Column::new("Last seen", &["/properties/lastConnectivityTime"], Show::Ago),
    Column::text("Kubernetes", &["/properties/kubernetesVersion"]),
    Column::text("Distribution", &["/properties/distribution"]),
    Column::text("Infrastructure", &["/properties/infrastructure"]),
    Column::text("Nodes", &["/properties/totalNodeCount"]),
    Column::text("Cores", &["/properties/totalCoreCount"]),
    Column::text("Agent", &["/properties/agentVersion"]),
    Column::new("Identity ends", &["/properties/managedIdentityCertificateExpirationTime"], Show::Ago),
    Column::new("Tags", &["/tags"], Show::Tags),
    Column::text("Id", &["/id"]),
];

pub(crate) async fn run(app: &App, command: ClusterCommand) -> Result<Answer> {
    match command {
        ClusterCommand::Connect(arguments) => connect::run(app, *arguments).await,
        ClusterCommand::List { group } => {
            let arm = app.arm()?;
            let scope = app.group_or_subscription(&arm, group.as_deref()).await?;
            let all = arm.list(&api::collection(&scope, api::CLUSTER_TYPE), api::CLUSTERS, &[]).await?;
            Ok(Answer::list(
                all,
                COLUMNS,
                "There are no clusters here yet: bowline cluster connect --name NAME --group GROUP",
            ))
        }
        ClusterCommand::Show { which } => {
            let arm = app.arm()?;
            let id = id_of(app, &arm, &which).await?;
            Ok(Answer::details(arm.get(id.as_str(), api::CLUSTERS).await?, DETAILS))
        }
        ClusterCommand::Workloads(arguments) => workloads::run(app, arguments).await,
        ClusterCommand::Proxy(arguments) => proxy::proxy(app, arguments).await,
        ClusterCommand::Disconnect(arguments) => disconnect::run(app, arguments).await,
    }
}

async fn id_of(app: &App, arm: &Arm, which: &Which) -> Result<ResourceId> {
    api::child(&app.group(arm, which.group.as_deref()).await?, api::CLUSTER_TYPE, &which.name)
}
