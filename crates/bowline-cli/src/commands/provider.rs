//! `bowline provider`: the namespaces of resource types, and whether the subscription uses them.

use serde_json::json;

use crate::api;
use crate::app::App;
use crate::failure::Result;
use crate::render::{Answer, Column};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum ProviderCommand {
    /// List the namespaces
    List,
    /// Show one namespace with its types and api-versions
    Show {
        /// For example Microsoft.Kubernetes
        #[arg(short, long)]
        namespace: String,
    },
    /// Let the subscription use a namespace; all are registered until somebody unregisters them
    Register {
        /// For example Microsoft.Kubernetes
        #[arg(short, long)]
        namespace: String,
    },
    /// Refuse new resources of a namespace in the subscription
    Unregister {
        /// For example Microsoft.Kubernetes
        #[arg(short, long)]
        namespace: String,
    },
}

const COLUMNS: &[Column] =
    &[Column::text("NAMESPACE", &["/namespace"]), Column::text("STATE", &["/registrationState"])];

const DETAILS: &[Column] = &[
    Column::text("Namespace", &["/namespace"]),
    Column::text("State", &["/registrationState"]),
    Column::text("Id", &["/id"]),
];

pub(crate) async fn run(app: &App, command: ProviderCommand) -> Result<Answer> {
    let arm = app.arm()?;
    let base = format!("/subscriptions/{}/providers", app.subscription(&arm).await?);
    let act = async |namespace: &str, verb: &str| {
        let path = format!("{base}/{namespace}/{verb}");
        arm.post(&path, api::RESOURCES, json!({})).await
    };
    match command {
        ProviderCommand::List => {
            let all = arm.list(&base, api::RESOURCES, &[]).await?;
            Ok(Answer::list(all, COLUMNS, "The server serves no namespace."))
        }
        ProviderCommand::Show { namespace } => {
            Ok(Answer::details(arm.get(&format!("{base}/{namespace}"), api::RESOURCES).await?, DETAILS))
        }
        ProviderCommand::Register { namespace } => {
            Ok(Answer::details(act(&namespace, "register").await?, DETAILS))
        }
        ProviderCommand::Unregister { namespace } => {
            Ok(Answer::details(act(&namespace, "unregister").await?, DETAILS))
        }
    }
}
