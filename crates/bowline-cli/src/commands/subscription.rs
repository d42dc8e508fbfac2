//! `bowline subscription`.

use serde_json::{Value, json};

use crate::api;
use crate::app::App;
use crate::client::Arm;
use crate::config::host;
use crate::failure::Result;
use crate::render::{Answer, Column};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum SubscriptionCommand {
    /// List the subscriptions you can see
    List,
    /// Show the subscription that commands use, or the one of --subscription
    Show,
    /// Create a subscription
    Create {
        /// What people call it
        #[arg(short, long)]
        name: String,
    },
    /// Give the subscription another name
    Rename {
        /// What people call it
        #[arg(short, long)]
        name: String,
    },
    /// Disable the subscription: everything in it can be read and deleted, nothing created or changed
    Cancel {
        /// Do not ask
        #[arg(short, long)]
        yes: bool,
    },
    /// Enable a subscription that was cancelled
    Enable,
}

const COLUMNS: &[Column] = &[
    Column::text("NAME", &["/displayName"]),
    Column::text("ID", &["/subscriptionId"]),
    Column::text("STATE", &["/state"]),
    Column::text("TENANT", &["/tenantId"]),
];

const DETAILS: &[Column] = &[
    Column::text("Name", &["/displayName"]),
    Column::text("Id", &["/subscriptionId"]),
    Column::text("State", &["/state"]),
    Column::text("Tenant", &["/tenantId"]),
];

pub(crate) async fn run(app: &App, command: SubscriptionCommand) -> Result<Answer> {
    let arm = app.arm()?;
    match command {
        SubscriptionCommand::List => {
            let all = arm.list("/subscriptions", api::SUBSCRIPTIONS, &[]).await?;
            Ok(Answer::list(all, COLUMNS, "You have no role in any subscription: ask an Owner for one."))
        }
        SubscriptionCommand::Show => {
            let path = format!("/subscriptions/{}", app.subscription(&arm).await?);
            Ok(Answer::details(arm.get(&path, api::SUBSCRIPTIONS).await?, DETAILS))
        }
        SubscriptionCommand::Create { name } => {
            let path = format!("/subscriptions/{}", host::new_guid());
            let made = arm.put(&path, api::SUBSCRIPTIONS, json!({"displayName": name})).await?;
            Ok(Answer::details(made, DETAILS))
        }
        SubscriptionCommand::Rename { name } => {
            act(app, &arm, "rename", json!({"subscriptionName": name})).await
        }
        SubscriptionCommand::Cancel { yes } => {
            app.confirm(yes, "cancel the subscription").await?;
            act(app, &arm, "cancel", json!({})).await
        }
        SubscriptionCommand::Enable => act(app, &arm, "enable", json!({})).await,
    }
}

async fn act(app: &App, arm: &Arm, verb: &str, body: Value) -> Result<Answer> {
    let path = format!("/subscriptions/{}", app.subscription(arm).await?);
    let action = format!("{path}/providers/Microsoft.Subscription/{verb}");
    arm.post(&action, api::SUBSCRIPTION_ACTIONS, body).await?;
    Ok(Answer::details(arm.get(&path, api::SUBSCRIPTIONS).await?, DETAILS))
}
